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

/* Zone of the call: the constant string argument `arg` if it is there, else `type`'s. False: said. */
bool site_zone(struct site *s, uint32_t arg, struct type type, const struct zone **ret);

/* For comparisons: an integer times a power of ten as Int64; a fault where it does not fit, also in a branch
 * that is not taken. */
value_id scaled(struct builder *b, value_id v, int64_t by);
/* A Date as ClickHouse widens it to DateTime on its own: not beyond 2106-02-06. */
value_id cap_date(struct builder *b, value_id v);
/* Between time types and from numbers; -1 if not. `to` carries zone and scale. */
value_id cast_time(struct builder *b, value_id v, struct type to);
/* Whole UTC seconds of a Date (midnight in zone), DateTime, DateTime64 (floor), as Int64. */
value_id seconds_of(struct builder *b, value_id v, const struct zone *zone);
/* Local days since 1970 of the same, as Int64. */
value_id days_of(struct builder *b, value_id v, const struct zone *zone);
/* Seconds since 1970 of the wall clock, as Int64. */
value_id local_seconds_of(struct builder *b, value_id v, const struct zone *zone);

#endif
