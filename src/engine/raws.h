/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows that a worker will land in one raw table, by the table's partition, until the epoch is
 * sealed. All must be held till then: how many blocks a partition needs is known only at the
 * end. owner: worker thread; after the seal the storing thread. */
#ifndef ENGINE_RAWS_H
#define ENGINE_RAWS_H

#include "plan/plan.h"

struct raw_part {
    uint32_t partition; /* the table's partition value */
    size_t n_rows, cap_rows;
    struct column *columns; /* of plan_raw.columns; values grow; strings lie in `arena` */
    uint32_t *times;        /* event time, UTC seconds */
    uint64_t *partitions;   /* of the source */
    uint64_t *offsets;
};

struct raws {
    const struct plan_raw *plan;
    struct raw_part *parts;
    size_t n_parts;
    struct arena arena;
    size_t bytes; /* about what is held */
    /* The partition of the last row: a run of rows is in one partition nearly always. */
    int64_t last_from, last_to;
    size_t last_part;
};

void raws_init(struct raws *r, const struct plan_raw *plan);
void raws_done(struct raws *r);
void raws_reset(struct raws *r);

struct raws_input {
    const struct column *const *columns; /* one per plan column */
    const uint32_t *rows;                /* which rows of them */
    size_t n;
    const uint32_t *times;   /* by row */
    const uint64_t *offsets; /* by row */
    uint64_t partition;
};
void raws_add(struct raws *r, const struct raws_input *in);

#endif
