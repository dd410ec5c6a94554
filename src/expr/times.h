/* SPDX-License-Identifier: Apache-2.0
 *
 * What the time functions share. */
#ifndef EXPR_TIMES_H
#define EXPR_TIMES_H

#include "column/zone.h"
#include "expr/kinds.h"

static inline bool type_is_day_or_time(struct type t)
{
    return t.kind == TYPE_DATE || type_is_time(t);
}

static inline bool is_plain_utc(const struct zone *zone)
{
    return zone == NULL || zone_is_utc(zone);
}

static inline int64_t local_of(const struct zone *zone, int64_t utc_s)
{
    return utc_s + zone_offset_at(zone, utc_s);
}

/* Zone of the call: the constant string argument `arg` if it is there, else `type`'s. False:
 * said. */
bool site_zone(struct site *s, uint32_t arg, struct type type, const struct zone **ret);

/* For comparisons: an integer times a power of ten as Int64; a fault where it does not fit, also
 * in a branch that is not taken. */
value_id scaled(struct builder *b, value_id v, int64_t by);
/* A Date as ClickHouse widens it to DateTime on its own: not beyond 2106-02-06. */
value_id cap_date(struct builder *b, value_id v);
/* Between time types and from numbers; -1 if not. `to` carries zone and scale. */
value_id cast_time(struct builder *b, value_id v, struct type to);
/* Whole UTC seconds of a Date (midnight in zone), DateTime, DateTime64 (floor), as Int64. */
value_id seconds_of(struct builder *b, value_id v, const struct zone *zone);
/* The same, where a Date's midnight may be before 1970: for distances. */
value_id moment_of(struct builder *b, value_id v, const struct zone *zone);
/* Local days since 1970 of the same, as Int64. */
value_id days_of(struct builder *b, value_id v, const struct zone *zone);
/* Seconds since 1970 of the wall clock, as Int64. */
value_id local_seconds_of(struct builder *b, value_id v, const struct zone *zone);

/* A day moved by months; the end of the month where there is no such day. */
int64_t add_months_to_day(int64_t days, int64_t n);
/* Ticks of DateTime64 `from` floored to multiples of `length`, in the scale of `to`. */
value_id start_of_ticks(struct builder *b, value_id v, struct type from, struct type to,
                        int64_t length);
/* toStartOfInterval with the origin in that argument. */
value_id start_from_origin(struct site *s, uint32_t origin_arg, int64_t count, int unit,
                           const struct zone *zone);
/* Year and week by ISO 8601 of a day since 1970. */
void iso_week_of(int64_t days, int32_t *year, unsigned *week);
/* fromUnixTimestamp(n, format[, zone]) */
value_id build_format_unix(struct site *s);
/* A unit by one of its names (second, ss, MM …) to enum interval_unit. */
bool interval_unit_by_name(struct str name, int *unit);

#endif
