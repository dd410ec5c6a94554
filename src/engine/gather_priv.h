/* SPDX-License-Identifier: Apache-2.0
 *
 * What gather.c and held.c share: the way of one batch, in its two halves. */
#ifndef ENGINE_GATHER_PRIV_H
#define ENGINE_GATHER_PRIV_H

#include "engine/gather.h"
#include "engine/unfold.h"

enum { MAX_ARGS = 8 };

struct gather_scratch {
    uint8_t bad[BATCH_ROWS]; /* 1 = the event goes nowhere: it is rejected, or a duplicate */
    /* of this batch; 0 nearly always, and then rows need no looking at */
    size_t n_bad, n_duplicates;
    uint8_t fault[BATCH_ROWS]; /* why: enum fault, or a WHY_ below */
    uint16_t fault_output[BATCH_ROWS], fault_level[BATCH_ROWS];
    uint32_t times[BATCH_ROWS];
    int64_t times_ms[BATCH_ROWS];
    uint32_t rows[BATCH_ROWS];
    uint32_t live[BATCH_ROWS]; /* rows that are not expired */
    uint8_t kept[BATCH_ROWS];
    uint64_t serial; /* tells this batch from others, for what levels were made of it */
    /* Levels: by stream, whether the event came to it, and out of it. NULL without levels. */
    uint8_t (*came)[BATCH_ROWS], (*left)[BATCH_ROWS];
    /* Room for the columns of the widest table or cube. */
    const struct column **columns;
    const struct column *(*args)[MAX_ARGS];
    const struct column *const **arg_lists;
    const struct column **conditions;
};

enum { WHY_NO_TIME = FAULT_COUNT, WHY_TIME_RANGE, WHY_AGGREGATE, WHY_ARRAYS, WHY_DUPLICATE };

struct gather_scratch *scratch_new(const struct plan_source *plan);
void scratch_free(struct gather_scratch *s);

/* Expressions, then faults: which rows are good. */
void batch_judge(struct gatherer *w, const struct gather_chunk *chunk, int64_t now);
/* Good rows into cubes and raw rows, bad ones into rejects, all into the counts. */
void batch_spread(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                  struct partition_counts *counts, int64_t now);
void keep_decoder_rejects(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                          struct partition_counts *counts);
void keep_too_long(struct gather *g, const struct gatherer *w, const struct gather_chunk *chunk,
                   struct partition_counts *counts);
/* Gives the chunk's bytes to the decoder. */
void feed_chunk(struct gatherer *w, const struct gather_chunk *chunk, int64_t now);

/* held.c: the way of a chunk of a source with DEDUPLICATE. */
MUST_CHECK enum err_code held_chunk(struct gather *g, struct gatherer *w,
                                    const struct gather_chunk *chunk,
                                    struct partition_counts *counts, int64_t now, struct err *e);
void held_free(struct held *h);

#endif
