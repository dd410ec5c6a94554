/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregate functions over dense ids. The states of one key lie together in a row (`stride` bytes a
 * key); a function owns `state_bytes` at its offset. The first 8 bytes of every row are the number
 * of rows folded into the key, kept by the caller before the update: count() and avg of a plain
 * column read them instead of counting again (so count() owns no bytes at all).
 *
 * Fixed-size states are plain numbers; growing ones (uniqExact, uniqCombined, quantilesDD,
 * min/max/any of strings) keep a pointer to memory that aggregate_done frees (counted in *bytes for
 * the memory limit). NULL arguments are skipped (count() counts rows). Faulty rows never come here.
 * All loops run over a few hundred rows whose lines were prefetched by the caller. One thread per
 * row. */
#ifndef AGGREGATE_AGGREGATE_H
#define AGGREGATE_AGGREGATE_H

#include "base/example.h"
#include "column/batch.h"

struct aggregate;

/* How the table stores it and how a view finalises it. */
struct aggregate_storage {
    /* Table column: "SimpleAggregateFunction(sum, UInt64)", "AggregateFunction(uniqCombined(14),
     * String)". */
    const char *type_name;
    /* written in Native blocks (the plain type for SimpleAggregateFunction) */
    const char *wire_type;
    const char *merge_call; /* "sum(%s)" or "uniqCombinedMerge(14)(%s)": %s = the column */
    struct type result;     /* of the finalised value, where it is a single one */
    /* its type as ClickHouse spells it: "Array(Float32)", "Nullable(UInt64)" */
    const char *result_name;
    bool is_simple;
};

/* Rows to fold: pane row ids[i] gets row rows[i] of the argument columns (rows NULL = i). */
struct aggregate_input {
    const struct column *const *args;
    const uint32_t *rows;
    const uint32_t *ids;
    size_t n;
};

/* Names are ClickHouse's, with its aliases and combinators: "sum", "VAR_POP", "argMaxOrNull",
 * "uniqArgMin". The caller turns -If into a row list: without the condition's argument, an If in
 * the name means may_be_empty. params: constants as text, e.g. "14", "0.01". Refuses unknown names
 * with the nearest one, what cannot be merged with what to write instead, wrong types by name. The
 * aggregate lives in `arena`. Argument types may be Nullable: the result is then Nullable as in
 * ClickHouse for sum, min, max, avg, any, quantileDD, uniqCombined; count(x), uniqExact and
 * quantilesDD are never NULL. may_be_empty: with -If a key may exist whose state saw no row. min,
 * max and any over non-Nullable types then need a storage that can say "nothing yet"
 * (SimpleAggregateFunction(min, Nullable(T))), because a plain 0 would win the merge; finalised,
 * an empty one is ClickHouse's default (minIf without rows = 0, avgIf = nan, '' for text).
 * cube_add asserts that a measure with a condition was made this way. */
MUST_CHECK enum err_code aggregate_new(const struct aggregate **ret, struct arena *arena,
                                       struct str name, const struct str *params, size_t n_params,
                                       const struct type *arg_types, size_t n_args,
                                       bool may_be_empty, struct err *e);
const char *const *aggregate_names(size_t *n); /* without combinators and aliases */
/* An aggregate by its name, aliases and combinators included, also one that weir refuses. */
bool aggregate_is_known(struct str name);
bool aggregate_has_if(struct str name); /* takes a condition as its last argument */
/* The function itself: "COUNT" and "countIf" are "count"; NULL if unknown. */
const char *aggregate_base(struct str name);

/* What the reference prints; the same tables drive aggregate_new. */
struct aggregate_row {
    const char *name, *usage, *help;
};
size_t aggregate_n_rows(void);
struct aggregate_row aggregate_row(size_t i);
size_t aggregate_n_combinators(void);
struct aggregate_row aggregate_combinator_row(size_t i);
size_t aggregate_n_aliases(void);
struct aggregate_row aggregate_alias_row(size_t i); /* help: the name it stands for */
/* Of an aggregate, or of a combinator as its row names it ("-If"); over these rows, as lines of
 * JSON, of these columns. NULL: none. */
const struct example *aggregate_example(const char *name);
extern const char aggregate_example_columns[], aggregate_example_rows[];
size_t aggregate_n_refusals(void);
struct aggregate_row aggregate_refusal_row(size_t i); /* help: why, and what to write instead */

const struct aggregate_storage *aggregate_storage(const struct aggregate *a);
size_t aggregate_n_args(const struct aggregate *a);
size_t aggregate_state_bytes(const struct aggregate *a); /* multiple of 8, may be 0 */
bool aggregate_is_fixed(const struct aggregate *a);      /* no memory outside the row */
/* Equal names, parameters and argument types: over equal arguments their states are equal. */
bool aggregate_is_same(const struct aggregate *a, const struct aggregate *b);
/* Is a state the same whether its values came one by one or by merging (but for the order in which
 * floating-point numbers are added, and for which of several answers any and its like give)? */
bool aggregate_merges_exactly(const struct aggregate *a);
/* Was it made with may_be_empty? */
bool aggregate_is_conditional(const struct aggregate *a);
/* Is the empty state something else than all zero bytes? Then aggregate_init must run on a
 * new row. */
bool aggregate_needs_init(const struct aggregate *a);
void aggregate_init(const struct aggregate *a, void *state);
void aggregate_update(const struct aggregate *a, char *rows, size_t stride, size_t offset,
                      const struct aggregate_input *in, size_t *bytes);
/* NULL if the aggregate takes the values in this row of its arguments; else why it must be rejected
 * (quantilesDD of infinities, arrays of different length). Ask before the update, only where
 * aggregate_can_reject. NULLs are fine. */
bool aggregate_can_reject(const struct aggregate *a);
const char *aggregate_rejects(const struct aggregate *a, const struct column *const *args,
                              size_t row);
void aggregate_merge(const struct aggregate *a, void *into, const void *from, size_t *bytes);
void aggregate_done(const struct aggregate *a, void *state, size_t *bytes);
/* Appends the Native column data of `wire_type` for n cells; the state of cell i is at
 * state_rows[i] + offset, its row count at state_rows[i]. */
void aggregate_write_column(const struct aggregate *a, struct buf *out, char *const *state_rows,
                            size_t offset, size_t n);

#endif
