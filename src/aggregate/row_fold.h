/* SPDX-License-Identifier: Apache-2.0
 *
 * All simple measures of a row at once. A pane row's first 32 words are lanes: the row count, key
 * words (left alone), and sums, minima, maxima and counts of 8 bytes. Eight rows of the argument
 * columns are turned from columns into rows in registers, then each pane row is loaded, folded and
 * stored once. Rows that a measure does not take (NULL, -If) bring the value that changes nothing.
 * Needs AVX-512; without it, or for measures of other states, aggregate_update does the work. */
#ifndef AGGREGATE_ROW_FOLD_H
#define AGGREGATE_ROW_FOLD_H

#include "aggregate/shape.h"

enum { ROW_FOLD_VECTORS = 4, ROW_FOLD_LANES = 8 * ROW_FOLD_VECTORS, ROW_FOLD_ROWS = 256 };

struct row_lane {
    uint64_t neutral; /* folding it changes nothing */
    uint8_t kind;     /* of the argument */
    uint8_t measure;  /* whose first argument it is */
    bool is_used;
    bool is_count; /* counts the rows taken: where the argument is not NULL */
    bool has_argument;
};

/* Lanes of one vector, a bit each. */
struct row_masks {
    uint8_t in_row; /* lanes that lie in the row at all */
    uint8_t add_integer, add_float;
    uint8_t min_float, max_float, min_signed, max_signed, min_unsigned, max_unsigned;
};

struct row_fold {
    bool has_lanes; /* else only the row count is kept here */
    size_t row_bytes;
    size_t n_vectors;
    struct row_masks masks[ROW_FOLD_VECTORS];
    struct row_lane lanes[ROW_FOLD_LANES];
    uint64_t covered; /* bit m: measure m needs no aggregate_update and no aggregate_merge */
};

void row_fold_init(struct row_fold *f, const struct cube_shape *shape);

struct row_fold_input {
    const struct column *const *const *args; /* args[m]: argument columns of measure m */
    const struct column *const *conditions;  /* conditions[m]: of -If, or NULL; NULL: none at all */
    const uint32_t *pick;                    /* rows of the columns; NULL: first + i */
    size_t first, n;                         /* n at most ROW_FOLD_ROWS */
    /* of n_ahead rows that are wanted next: fetched into the cache */
    const uint32_t *ahead;
    /*   meanwhile, a few between the folds, so that neither waits */
    size_t n_ahead;
};

/* Folds row i of the input into the pane row at rows + ids[i] * 8; its row count goes up. */
void row_fold(const struct row_fold *f, char *rows, const uint32_t *ids,
              const struct row_fold_input *in);

/* Folds the row count and all covered states of `from` into `into`. */
void row_fold_merge(const struct row_fold *f, char *into, const char *from);

/* For tests: as on a machine without AVX-512. Before row_fold_init. */
void row_fold_use_plain(bool plain);

#endif
