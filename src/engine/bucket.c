/* SPDX-License-Identifier: Apache-2.0
 *
 * Three ways, cheapest first: all times of a batch lie in the bucket met last; the bucket is a
 * multiple of a fixed step (UTC, up to days); a small table of ranges, indexed by time, else the
 * calendar. */
#include "engine/bucket.h"

static uint32_t fixed_step(const struct zone *zone, int64_t count, enum interval_unit unit)
{
    if (zone != NULL && !zone_is_utc(zone))
        return 0;
    int64_t step = unit == INTERVAL_SECOND                                 ? count
                   : unit == INTERVAL_MINUTE                               ? count * 60
                   : unit == INTERVAL_DAY                                  ? count * 86400
                   : unit == INTERVAL_HOUR && count > 0 && 24 % count == 0 ? count * 3600
                                                                           : 0;
    return step > 0 && step <= UINT32_MAX ? (uint32_t)step : 0;
}

static int64_t about_seconds(enum interval_unit unit)
{
    switch (unit) {
    case INTERVAL_MINUTE: return 60;
    case INTERVAL_HOUR: return 3600;
    case INTERVAL_DAY: return 86400;
    case INTERVAL_WEEK: return 7 * 86400;
    case INTERVAL_MONTH: return 30 * 86400;
    case INTERVAL_QUARTER: return 91 * 86400;
    case INTERVAL_YEAR: return 365 * 86400;
    default: return 1;
    }
}

void bucketer_init(struct bucketer *b, const struct zone *zone, int64_t count,
                   enum interval_unit unit)
{
    *b = (struct bucketer){
        .zone = zone, .count = count, .unit = unit, .step = fixed_step(zone, count, unit)};
    if (b->step > 1)
        b->reciprocal = UINT64_MAX / b->step + 1;
    /* Two or more places a bucket: neighbours do not push one another out at their border. */
    for (int64_t length = count * about_seconds(unit); length > 2 && b->memo_shift < 30;
         length /= 2)
        b->memo_shift++;
}

static uint32_t clamp_time(int64_t s)
{
    return s < 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

static uint32_t start_by_calendar(struct bucketer *b, uint32_t time)
{
    struct bucket_range *m = &b->memo[(time >> b->memo_shift) % BUCKET_MEMO];
    if (time < m->start || time >= m->next) {
        int64_t start = zone_bucket_start(b->zone, time, b->count, (int)b->unit);
        m->start = clamp_time(start);
        m->next = clamp_time(zone_bucket_next(b->zone, start, b->count, (int)b->unit));
    }
    b->last = *m;
    return m->start;
}

static inline uint32_t start_by_step(const struct bucketer *b, uint32_t time)
{
    if (b->step == 1)
        return time;
    return (uint32_t)(((unsigned __int128)time * b->reciprocal) >> 64) * b->step;
}

uint32_t bucketer_start(struct bucketer *b, uint32_t time)
{
    if (b->step > 0)
        return start_by_step(b, time);
    return time >= b->last.start && time < b->last.next ? b->last.start
                                                        : start_by_calendar(b, time);
}

static bool all_in_last(const struct bucketer *b, const uint32_t *times, const uint32_t *rows,
                        size_t n)
{
    uint32_t start = b->last.start, length = b->last.next - b->last.start, outside = 0;
    if (rows == NULL) {
        for (size_t i = 0; i < n; i++)
            outside |= times[i] - start >= length;
    } else {
        for (size_t i = 0; i < n; i++)
            outside |= times[rows[i]] - start >= length;
    }
    return outside == 0;
}

void bucketer_starts(struct bucketer *b, const uint32_t *times, const uint32_t *rows, size_t n,
                     uint32_t *out)
{
    if (all_in_last(b, times, rows, n)) {
        for (size_t i = 0; i < n; i++)
            out[i] = b->last.start;
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = bucketer_start(b, times[rows ? rows[i] : i]);
    if (b->step > 0 && n > 0)
        b->last = (struct bucket_range){out[n - 1], clamp_time((int64_t)out[n - 1] + b->step)};
}
