/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of compound values share. */
#ifndef EXPR_COMPOUND_H
#define EXPR_COMPOUND_H

#include "column/compound.h"
#include "expr/kinds.h"

/* The types that emit_typed gave to a kernel. */
static inline struct type call_type(const struct call *c, uint32_t arg)
{
    return ((const struct type *)c->data)[arg];
}
static inline struct type call_result_type(const struct call *c)
{
    return ((const struct type *)c->data)[c->n_args + c->n_guards];
}
static inline void *call_value(const struct call *c, uint32_t arg, size_t row)
{
    return (char *)c->args[arg]->values + row * type_width(call_type(c, arg));
}
static inline bool call_is_null(const struct call *c, uint32_t arg, size_t row)
{
    return c->args[arg]->nulls && c->args[arg]->nulls[row];
}

/* -1, 0, 1: as ClickHouse orders elements of arrays. NULL and NaN are the largest, each equal to
 * itself. */
int value_order(struct type t, const void *a, const void *b);
int element_order(const struct elements *a, uint32_t i, const struct elements *b, uint32_t k);

/* CAST to or from the kinds behind TYPE_INTERVAL; both bare. -1 if there is no such cast. */
value_id cast_more(struct builder *b, value_id v, struct type to);
value_id cast_compound(struct builder *b, value_id v, struct type to);
value_id cast_decimal(struct builder *b, value_id v, struct type to);
value_id fixed_as_text(struct builder *b, value_id v); /* all its bytes */
value_id decimal_to_double(struct builder *b, value_id v);
/* + - * / of Decimals; *is_mine tells whether these types are its business. */
value_id build_decimal_binary(struct site *s, char op, bool *is_mine);
value_id build_decimal_unary(struct site *s, char op, bool *is_mine);
/* Compares what build_compare leaves; *is_mine as above. */
value_id compare_more(struct site *s, int compare, bool *is_mine);

value_id emit_tuple(struct builder *b, const value_id *args, uint32_t n, const struct str *names);
value_id emit_tuple_element(struct builder *b, value_id tuple, uint32_t i);
/* A value for each element of the arrays: what `program` makes of them. Its inputs are the
 * elements of args[0.. n_arrays), then args[n_arrays..) as they are in the row. `text` tells it
 * from other programs. */
value_id emit_elementwise(struct builder *b, struct program *program, struct type element,
                          const value_id *args, uint32_t n, uint32_t n_arrays, struct str text);

#endif
