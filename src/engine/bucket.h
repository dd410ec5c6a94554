/* SPDX-License-Identifier: Apache-2.0
 *
 * Times to bucket starts, many at a time. Remembers ranges already computed, so that times in order
 * cost about a nanosecond and times in any order little more. One thread. */
#ifndef ENGINE_BUCKET_H
#define ENGINE_BUCKET_H

#include "column/type.h"
#include "column/zone.h"

enum { BUCKET_MEMO = 512 };

struct bucket_range {
    uint32_t start, next; /* [start, next); start == next: none yet */
};

struct bucketer {
    const struct zone *zone;
    int64_t count;
    enum interval_unit unit;
    uint32_t step;       /* > 0: buckets are multiples of it */
    uint64_t reciprocal; /* 2^64 / step, rounded up: exact for 32-bit times */
    unsigned memo_shift;
    struct bucket_range last;
    struct bucket_range memo[BUCKET_MEMO];
};

void bucketer_init(struct bucketer *b, const struct zone *zone, int64_t count,
                   enum interval_unit unit);
uint32_t bucketer_start(struct bucketer *b, uint32_t time);
/* out[i] = bucket of times[rows[i]] (rows NULL = i). */
void bucketer_starts(struct bucketer *b, const uint32_t *times, const uint32_t *rows, size_t n,
                     uint32_t *out);

#endif
