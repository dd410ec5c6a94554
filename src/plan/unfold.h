/* SPDX-License-Identifier: Apache-2.0
 *
 * ARRAY JOIN and arrayJoin(): relations whose rows are the elements of arrays in the rows above. */
#ifndef PLAN_UNFOLD_H
#define PLAN_UNFOLD_H

#include "plan/metric.h"
#include "plan/scope.h"

/* A call arrayJoin(e) of a statement, and the column that holds its elements. Equal calls are one. */
struct unfolded_call {
    const struct ast *argument;
    struct relation *at; /* NULL: not unfolded yet */
    struct relation_column *column;
};

struct unfolded_calls {
    struct unfolded_call *items;
    size_t n, cap;
};

/* The parent with the ARRAY JOINs over it. NULL after a mistake. */
struct relation *unfold_joins(struct relation *parent, const struct array_join *joins, uint32_t n);

/* Collects the calls of arrayJoin in a tree. False if one stands where it cannot. */
bool unfold_find(struct unfolded_calls *calls, struct arena *arena, const struct ast *node,
                 struct diagnostics *d);
/* Does the tree, or what its names stand for among the items, have such a call? */
bool unfold_has_call(const struct ast *node, const struct select_item *items, uint32_t n_items);
/* What the calls make of the parent's rows that pass; their arguments may use the items' aliases. The
 * parent itself without calls, NULL after a mistake. */
struct relation *unfold_calls(struct relation *parent, value_id pass, struct unfolded_calls *calls,
                              const struct select_item *items, uint32_t n_items);

/* Is it arrayJoin or its other name? */
bool is_array_join_call(const struct ast *node);

#endif
