/* SPDX-License-Identifier: Apache-2.0
 *
 * All plain measures of a row at once. A pane row's first 16 words are lanes: the row count, key words (left
 * alone), and sums, minima and maxima of 8 bytes. Eight rows of the argument columns are turned from columns
 * into rows in registers, then each pane row is loaded, folded and stored once. Needs AVX-512; without it, or
 * for measures that are more than one word, aggregate_update does the work. */
#ifndef AGGREGATE_ROW_FOLD_H
#define AGGREGATE_ROW_FOLD_H

#include "aggregate/shape.h"

enum { ROW_FOLD_LANES = 16, ROW_FOLD_MEASURES = ROW_FOLD_LANES };

struct row_lane {
    uint8_t kind;    /* of the argument */
    uint8_t measure; /* whose first argument it is */
    bool is_used;
};

struct row_fold {
    bool has_lanes; /* else only the row count is kept here */
    size_t n_vectors;              /* 1 or 2 of 8 lanes */
    uint8_t in_row[2];             /* lanes that lie in the row */
    uint8_t add_integer[2], add_float[2];
    uint8_t min_float[2], max_float[2];
    uint8_t min_signed[2], max_signed[2], min_unsigned[2], max_unsigned[2];
    struct row_lane lanes[ROW_FOLD_LANES];
    uint64_t covered; /* bit m: measure m needs no aggregate_update */
};

void row_fold_init(struct row_fold *f, const struct cube_shape *shape);

/* Folds n rows: pane row at rows + ids[i] * 8 gets row pick[i] (NULL: first + i) of the arguments; its row
 * count goes up. args[m]: argument columns of measure m. */
void row_fold(const struct row_fold *f, char *rows, const uint32_t *ids, const struct column *const *const *args,
              const uint32_t *pick, size_t first, size_t n);

#endif
