/* SPDX-License-Identifier: Apache-2.0
 *
 * The shape of a cube: its dimensions, its measures' places in a pane row, its finest buckets. Made
 * by the plan, read-only afterwards, shared by all workers. */
#ifndef AGGREGATE_SHAPE_H
#define AGGREGATE_SHAPE_H

#include "aggregate/aggregate.h"
#include "column/zone.h"

/* More are refused by the plan. */
enum { SHAPE_MAX_DIMENSIONS = 64 };

struct cube_measure {
    const struct aggregate *aggregate;
    uint32_t offset; /* of its state in a pane row; filled by cube_shape_init */
};

/* Read-only description, shared by all workers. */
struct cube_shape {
    size_t n_dimensions;
    struct type *dimensions; /* types of the keys after the bucket */
    size_t n_measures;
    struct cube_measure *measures;
    size_t stride; /* bytes a pane row */
    /* Finest tier: bucket = zone_bucket_start(zone, t, count, unit). count 0: no buckets (profile),
     * bucket = 0. */
    const struct zone *zone;
    int64_t count;
    enum interval_unit unit;
};
void cube_shape_init(struct cube_shape *shape); /* fills offsets and stride */
/* Is every window of `coarse` a union of windows of `fine`? Only zone, count and unit are looked at. A
 * window of several hours or days need not keep its grid over a change of the clock. */
bool shape_divides(const struct cube_shape *fine, const struct cube_shape *coarse);
size_t shape_key_words(const struct cube_shape *shape); /* 64-bit words of a key in a row */

#endif
