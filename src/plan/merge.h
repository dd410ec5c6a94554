/* SPDX-License-Identifier: Apache-2.0
 *
 * FROM merge('a|b'): several sources or streams read as one, columns by name. Each source keeps its own
 * program and chain: what stands over a merge is built once for each, and lands in the same tables. */
#ifndef PLAN_MERGE_H
#define PLAN_MERGE_H

#include "plan/scope.h"

/* For each of the parents, of different sources, the relation that shows it with the columns of all.
 * Mistakes of types are reported when a column is first asked for. */
struct relation **merge_relations(struct relation **parents, size_t n, struct str pattern,
                                  struct place at);

/* A column of a merge in one of its relations; VALUE_FAILED after a mistake. */
value_id merge_column_value(struct relation *r, struct relation_column *c);

#endif
