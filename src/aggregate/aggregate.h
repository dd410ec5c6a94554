/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregate functions over dense ids. The states of one key lie together in a row of a pane (`stride`
 * bytes a key, 64-byte aligned rows where they fit a cache line); a function owns `state_bytes` at its
 * offset. Fixed-size states are plain numbers; growing ones (uniqExact, uniqCombined, quantilesDD) keep a pointer
 * to memory that state_done frees (counted in *bytes for the memory limit). NULL arguments are skipped
 * (count() counts rows). Faulty rows never come here. All loops run over a few hundred rows whose lines
 * were prefetched by the caller. One thread per pane. */
#ifndef AGGREGATE_AGGREGATE_H
#define AGGREGATE_AGGREGATE_H

#include "column/batch.h"

struct aggregate;

/* How the table stores it and how a view finalises it. */
struct aggregate_storage {
    char type_name[256];  /* table column: "SimpleAggregateFunction(sum, UInt64)" or "AggregateFunction(uniqCombined(14), String)" */
    char wire_type[256];  /* the type written in Native blocks (plain type for SimpleAggregateFunction) */
    char merge_call[128]; /* "sum(%s)" or "uniqCombinedMerge(14)(%s)": %s = the column */
    struct type result;   /* of the finalised value */
    bool result_is_array; /* quantilesDD: Array(result) */
    bool is_simple;
};

/* Rows to fold: pane row ids[i] gets row rows[i] of the argument columns (rows NULL = i). */
struct aggregate_input {
    const struct column *const *args;
    const uint32_t *rows;
    const uint32_t *ids;
    size_t n;
};

/* "name" without -If (the caller turns -If into a row list). params: constants as text, e.g. "14", "0.01".
 * Refuses unknown names with the nearest one, wrong argument types by name. The aggregate lives in `arena`.
 * Argument types may be Nullable: the result is then Nullable as in ClickHouse for sum, min, max, avg, any,
 * quantilesDD elements (state_bytes then hold a "seen" mark); count(x) and uniq* are never NULL.
 * may_be_empty: with -If a key may exist whose state saw no row. min, max and any over non-Nullable types then need
 * a storage that can say "nothing yet" (AggregateFunction(min, T) with its flag byte), because a plain 0 would win
 * the merge; finalised, an empty one is ClickHouse's default (minIf without rows = 0, avgIf = nan, '' for text). */
MUST_CHECK enum err_code aggregate_new(const struct aggregate **ret, struct arena *arena, struct str name,
                                       const struct str *params, size_t n_params, const struct type *arg_types,
                                       size_t n_args, bool may_be_empty, struct err *e);
const char *const *aggregate_names(size_t *n); /* without combinators */
bool aggregate_is_known(struct str name);      /* with or without -If */

const struct aggregate_storage *aggregate_storage(const struct aggregate *a);
size_t aggregate_state_bytes(const struct aggregate *a); /* multiple of 8 */
bool aggregate_is_fixed(const struct aggregate *a);      /* no memory outside the row */
/* Is the empty state all zero bytes? (true for most: rows come zeroed.) Else state_init must run. */
void aggregate_init(const struct aggregate *a, void *state);
void aggregate_update(const struct aggregate *a, char *rows, size_t stride, size_t offset,
                      const struct aggregate_input *in, size_t *bytes);
void aggregate_merge(const struct aggregate *a, void *into, const void *from, size_t *bytes);
void aggregate_done(const struct aggregate *a, void *state, size_t *bytes);
/* Appends the cell as the Native column data wants it for `wire_type`. For Nullable simple states Native
 * needs all null bytes before all values: write_column does whole columns: rows[i] -> state at
 * base[i] + offset. */
void aggregate_write_column(const struct aggregate *a, struct buf *out, char *const *state_rows, size_t offset,
                            size_t n);

#endif
