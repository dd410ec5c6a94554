/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference pages of functions and types, from the tables. */
#ifndef EXPR_REFERENCE_H
#define EXPR_REFERENCE_H

#include "base/example.h"

/* docs/reference-functions.md as Markdown, without the aggregates. */
void function_reference(struct buf *out);
/* docs/reference-types.md */
void type_reference(struct buf *out);

/* NULL: none. Functions that are another spelling have none of their own. */
const struct example *function_example(const char *name);
const struct example *type_example(const char *name);

extern const char function_differences[]; /* where weir differs on purpose; reference.c */

#endif
