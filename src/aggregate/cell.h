/* SPDX-License-Identifier: Apache-2.0
 *
 * One value of any type inside a state: what anyLast, argMin, argMax and -ArgMin keep.
 *
 *   up to 8 bytes wide   8 bytes, the value in the low ones
 *   16 bytes             as in a column
 *   String, FixedString  struct cell_text; its bytes are the cell's own
 *   Array, Tuple, Map    the same, of the value as it will be written; they are not compared
 *
 * Zero bytes are an empty cell; whether one holds a value is for its owner to know. */
#ifndef AGGREGATE_CELL_H
#define AGGREGATE_CELL_H

#include "aggregate/aggregate_priv.h"

struct cell_text {
    char *p;
    uint32_t n, cap;
};

size_t cell_bytes(struct type t);
bool cell_is_fixed(struct type t);

void cell_set(struct type t, void *cell, const struct column *c, size_t row, size_t *bytes);
void cell_copy(struct type t, void *cell, const void *from, size_t *bytes);
void cell_done(struct type t, void *cell, size_t *bytes);

/* Would the row's value (another cell's) take the cell's place as the smallest, or largest? Equal
 * ones would not; NaN loses against all and wins against none. */
bool cell_row_wins(struct type t, const void *cell, const struct column *c, size_t row,
                   bool is_max);
bool cell_wins(struct type t, const void *cell, const void *other, bool is_max);
bool cell_row_equals(struct type t, const void *cell, const struct column *c, size_t row);
bool cell_equals(struct type t, const void *cell, const void *other);

/* ClickHouse's state of a single value. cell NULL: none yet. */
void cell_write_single(struct type t, struct buf *out, const void *cell);
/* As a column's value in the Native format. */
void cell_write_native(struct type t, struct buf *out, const void *cell);

#endif
