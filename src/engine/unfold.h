/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that array joins make of the rows of a batch, some thousands at a time: an array may have
 * more elements than a batch has rows. owner: worker thread. */
#ifndef ENGINE_UNFOLD_H
#define ENGINE_UNFOLD_H

#include "plan/plan.h"

/* Rows that outputs are of: the records themselves, or those of a level. */
struct rows_view {
    struct frame *frame;
    size_t n_rows;
    const uint32_t *events; /* by row: its record's row in the batch; NULL: itself */
    const uint32_t *times;  /* by row */
    const uint64_t *offsets;
};

/* One level's rows, the last ones made. */
struct unfolded {
    const struct plan_unfold *plan;
    struct frame *frame;
    struct batch batch;
    uint8_t *faults; /* by slot, BATCH_ROWS each */
    uint8_t *nulls;
    struct run *runs; /* stretches of one array */
    size_t n_runs;
    uint32_t events[BATCH_ROWS];
    uint32_t times[BATCH_ROWS];
    uint64_t offsets[BATCH_ROWS];
    /* Which batch these are all the rows of, 0 = of none. */
    uint64_t serial;
};

struct unfolded *unfolded_new(const struct plan_source *plan); /* one a level; NULL: no levels */
void unfolded_free(struct unfolded *u, size_t n);

/* Where the next row comes from. Zeroed: the first. */
struct unfold_cursor {
    size_t row;
    uint64_t element;
};

/* How many rows a row above becomes; UINT64_MAX: its arrays are of different lengths. */
uint64_t unfold_count(const struct plan_unfold *plan, const struct frame *above, size_t row);

/* Makes the next rows of those above that pass and whose record is not bad; runs the level's program
 * over them. False: there are no more. Rows whose arrays do not fit together are passed over. */
bool unfold_next(struct unfolded *u, const struct rows_view *above, const uint8_t *bad,
                 struct unfold_cursor *at, int64_t now);
struct rows_view unfolded_view(const struct unfolded *u);

#endif
