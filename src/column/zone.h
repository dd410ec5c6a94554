/* SPDX-License-Identifier: Apache-2.0
 *
 * Time zones from the system's zoneinfo files (TZif, RFC 8536), loaded once each and kept for
 * the life of the process. any thread (loading takes a lock; the rest is read-only). */
#ifndef COLUMN_ZONE_H
#define COLUMN_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct zone;

/* NULL and error text if there is none by that name. "UTC" is always there. */
MUST_CHECK enum err_code zone_find(const struct zone **ret, struct str name, struct err *e);
const char *zone_name(const struct zone *z); /* NULL zone = "UTC" */

/* Seconds to add to UTC at this UTC second. NULL zone = 0. */
int32_t zone_offset_at(const struct zone *z, int64_t utc_s);

/* The same for many: local[i] = utc[i] + offset. z is not UTC; local may be utc. */
void zone_local(const struct zone *z, int64_t *local, const int64_t *utc, size_t n);

/* UTC of a local wall time (seconds since 1970-01-01 00:00 local). Where the local time happens
 * twice or not at all, the answer is ClickHouse's (cctz: earlier of two / pushed over the gap). */
int64_t zone_to_utc(const struct zone *z, int64_t local_s);

/* Is the zone's offset always a whole multiple of 3600 / 900 seconds since 1970? For aligned
 * buckets. */
bool zone_is_utc(const struct zone *z);

/* Civil calendar. */
struct civil {
    int32_t year;
    uint8_t month, day; /* 1.. */
    uint8_t hour, minute, second;
    uint8_t weekday;  /* 1 = Monday .. 7 = Sunday */
    uint16_t yearday; /* 1.. */
};
int64_t days_from_civil(int64_t year, unsigned month, unsigned day); /* days since 1970-01-01 */
void civil_from_days(int64_t days, int32_t *year, unsigned *month, unsigned *day);
struct civil civil_from_local(int64_t local_s);

/* Start of the window of `count` `unit`s (enum interval_unit, SECOND..YEAR) that holds utc_s, as
 * ClickHouse's toStartOfInterval in zone z: seconds to days are aligned to the zone's local
 * midnight /
 * 1970-01-01, weeks start on Monday, months to years on the calendar. Returns UTC seconds. */
int64_t zone_bucket_start(const struct zone *z, int64_t utc_s, int64_t count, int unit);
/* Start of the next window. */
int64_t zone_bucket_next(const struct zone *z, int64_t start_utc_s, int64_t count, int unit);

#endif
