/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts of windows: toStartOf…, toMonday. Weeks and longer give a Date, days to seconds a
 * DateTime, below a second a DateTime64. */
#include "expr/calendar.h"
#include "expr/times.h"

enum { WRAPS = 1 << 8 };

/* param.i = count, param.j = unit | WRAPS, param.p = zone; UTC seconds in and out. What begins
 * before 1970 is cut, or wraps, as in ClickHouse. */
WIDE static void run_start(struct call *c)
{
    const struct zone *zone = c->param.p;
    int64_t count = c->param.i;
    int unit = (int)c->param.j & 0xff;
    /* the hours that are known to be in the window of the row before */
    int64_t from = 0, to = -1, start = 0;

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        int64_t t = VALUES(0, int64_t)[i];
        if (t >= from && t <= to) {
            RESULT(uint32_t)[i] = (uint32_t)start;
            continue;
        }
        start = zone_bucket_start(zone, t, count, unit);
        from = t;
        to = t - 1;
        if (start >= 0 && unit == INTERVAL_DAY) {
            from = start;
            to = zone_bucket_start(zone, start + 79200, count, unit) == start ? start + 79200
                                                                              : start;
        }
        if (start < 0 && !(c->param.j & WRAPS))
            start = unit == INTERVAL_DAY ? zone_bucket_next(zone, start, 1, unit) : 0;
        RESULT(uint32_t)[i] = (uint32_t)start;
    }
}
/* Where windows are whole multiples since 1970; param.i = seconds. */
WIDE static void run_start_plain(struct call *c)
{
    int64_t length = c->param.i;

    uint32_t *restrict result = RESULT(uint32_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = (uint32_t)(floor_div(VALUES(0, int64_t)[i], length) * length);
}
/* The same of a DateTime; the common lengths are constants to the compiler. */
#define START_CASE(length)                                                                         \
    case length:                                                                                   \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = in[i] - in[i] % length;                                                       \
        break
WIDE static void run_start_plain32(struct call *c)
{
    const uint32_t *in = VALUES(0, uint32_t);
    uint32_t *restrict out = RESULT(uint32_t), any = (uint32_t)c->param.i;

    switch (any) {
        START_CASE(60);
        START_CASE(300);
        START_CASE(600);
        START_CASE(900);
        START_CASE(3600);
        START_CASE(86400);
    default:
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
            out[i] = in[i] - in[i] % any;
        break;
    }
}
static const struct op op_start_plain32 = {"toStartOf", run_start_plain32, 0};
static const struct op op_start = {"toStartOf", run_start, 0};
static const struct op op_start_plain = {"toStartOf", run_start_plain, 0};

WIDE static void month_starts_near(uint16_t *restrict out, const int64_t *restrict in, size_t n,
                                   int32_t least)
{
    for (size_t i = 0; i < n; i++) {
        int32_t start = (int32_t)in[i] - (int32_t)civil_of(near_day(in[i])).day + 1;
        out[i] = (uint16_t)(start < least ? 0 : start);
    }
}

/* Days in, Date out; param.i = count, param.j = unit. Before 1970 the answer is 1970-01-01, but
 * with param.p it wraps, as ClickHouse's does for a DateTime64. */
static void run_start_day(struct call *c)
{
    const int64_t *days = &VALUES(0, int64_t)[0];

    if (c->param.i == 1 && c->param.j == INTERVAL_MONTH && rows_are_near_days(days, c->n)) {
        month_starts_near(&RESULT(uint16_t)[0], days, c->n, c->param.p ? INT32_MIN : 0);
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        int64_t start = zone_bucket_start(NULL, days[i] * 86400, c->param.i, (int)c->param.j);
        RESULT(uint16_t)[i] = (uint16_t)(start < 0 && !c->param.p ? 0 : start / 86400);
    }
}
/* Weeks from Sunday. */
WIDE static void run_start_sunday(struct call *c)
{
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        int64_t days = VALUES(0, int64_t)[i], start = floor_div(days + 4, 7) * 7 - 4;
        RESULT(uint16_t)[i] = (uint16_t)(start < 0 ? 0 : start);
    }
}
static const struct op op_start_day = {"toStartOf", run_start_day, 0};
static const struct op op_start_sunday = {"toStartOfWeek", run_start_sunday, 0};

/* Ticks: param.i = length in ticks; then scaled by param.j: > 0 multiplied, < 0 divided. */
WIDE static void run_start_ticks(struct call *c)
{
    int64_t length = c->param.i, scale = c->param.j;

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        int64_t start = floor_div(VALUES(0, int64_t)[i], length) * length;
        RESULT(int64_t)
        [i] = scale < 0 ? start / -scale : (int64_t)((uint64_t)start * (uint64_t)scale);
    }
}
static const struct op op_start_ticks = {"toStartOf", run_start_ticks, 0};

/* A start before 1970 is 1970-01-01, or wraps: as toStartOfInterval of a DateTime64 in ClickHouse. */
static value_id start_as_date(struct builder *b, value_id v, const struct zone *zone, int64_t count,
                              int unit, bool is_wrapping)
{
    static const char wraps[1];
    value_id days = days_of(b, v, zone);

    return emit(b, &op_start_day, type_of(TYPE_DATE), &days, 1,
                (struct param){.i = count, .j = unit, .p = is_wrapping ? wraps : NULL}, NULL);
}

static value_id start_as_datetime(struct builder *b, value_id v, const struct zone *zone,
                                  int64_t count, int unit)
{
    static const int64_t lengths[] = {[INTERVAL_SECOND] = 1,
                                      [INTERVAL_MINUTE] = 60,
                                      [INTERVAL_HOUR] = 3600,
                                      [INTERVAL_DAY] = 86400};
    struct type type = {.kind = TYPE_DATETIME, .zone = zone};
    enum type_kind kind = value_at(b, v)->type.kind;
    value_id seconds = seconds_of(b, v, zone);

    bool is_plain =
        is_plain_utc(zone) && (unit < INTERVAL_HOUR || count == 1 || unit == INTERVAL_DAY);
    if (is_plain && count < 40000 && kind == TYPE_DATETIME)
        return emit(b, &op_start_plain32, type, &v, 1, (struct param){.i = lengths[unit] * count},
                    NULL);
    if (is_plain && count < 40000)
        return emit(b, &op_start_plain, type, &seconds, 1,
                    (struct param){.i = lengths[unit] * count}, NULL);
    return emit(b, &op_start, type, &seconds, 1,
                (struct param){.i = count,
                               .j = unit | (kind == TYPE_DATETIME64 ? WRAPS : 0),
                               .p = is_plain_utc(zone) ? NULL : zone},
                NULL);
}

static value_id date_has_no_zone(struct site *s)
{
    return site_error(s, "'%.*s' takes no zone for a Date", STR_FMT(s->name));
}

/* toStartOfMinute … toStartOfYear: param = unit | count << 8 */
static value_id build_start(struct site *s)
{
    struct type t = s->types[0];
    int unit = (int)(s->f->param & 0xff);
    int64_t count = s->f->param >> 8;
    const struct zone *zone;

    if (!type_is_day_or_time(t) || (t.kind == TYPE_DATE && unit < INTERVAL_DAY))
        return site_bad_type(s, 0,
                             t.kind == TYPE_DATE ? "a DateTime or DateTime64"
                                                 : "a Date, DateTime or DateTime64");
    if (!site_zone(s, 1, t, &zone))
        return VALUE_FAILED;
    if (unit >= INTERVAL_WEEK && t.kind == TYPE_DATE && s->n_args > 1)
        return date_has_no_zone(s);
    if (unit >= INTERVAL_WEEK)
        return start_as_date(s->b, s->args[0], zone, count, unit, false);
    return start_as_datetime(s->b, s->args[0], zone, count, unit);
}

static value_id build_start_week(struct site *s)
{
    struct type t = s->types[0];
    const struct zone *zone;
    int64_t mode = 0;

    if (!type_is_day_or_time(t))
        return site_bad_type(s, 0, "a Date, DateTime or DateTime64");
    if (s->n_args > 1 && s->types[1].kind != TYPE_UINT8)
        return site_bad_type(s, 1, "a constant UInt8");
    if (s->n_args > 1 && !site_integer(s, 1, &mode))
        return VALUE_FAILED;
    if (!site_zone(s, 2, t, &zone))
        return VALUE_FAILED;
    if (t.kind == TYPE_DATE && s->n_args > 2)
        return date_has_no_zone(s);
    if (mode & 1)
        return start_as_date(s->b, s->args[0], zone, 1, INTERVAL_WEEK, false);
    return EMIT(s->b, &op_start_sunday, type_of(TYPE_DATE), days_of(s->b, s->args[0], zone));
}

value_id start_of_ticks(struct builder *b, value_id v, struct type from, struct type to,
                        int64_t length)
{
    int64_t scale = to.scale >= from.scale ? power_of_ten[to.scale - from.scale]
                                           : -power_of_ten[from.scale - to.scale];

    return emit(b, &op_start_ticks, to, &v, 1, (struct param){.i = length, .j = scale}, NULL);
}

static value_id build_start_second(struct site *s)
{
    struct type t = s->types[0], to = t;
    const struct zone *zone;

    if (t.kind != TYPE_DATETIME64)
        return site_bad_type(s, 0, "a DateTime64");
    if (!site_zone(s, 1, t, &zone))
        return VALUE_FAILED;
    to.zone = zone;
    return start_of_ticks(s->b, s->args[0], t, to, power_of_ten[t.scale]);
}

/* Below a second: the result has the unit's own scale. */
static value_id start_below_second(struct site *s, int64_t count, int unit, const struct zone *zone)
{
    struct builder *b = s->b;
    struct type t = s->types[0], to = {.kind = TYPE_DATETIME64, .zone = zone};
    value_id v = s->args[0];

    if (t.kind != TYPE_DATETIME64)
        return site_bad_type(s, 0, "a DateTime64 for a window below a second");
    to.scale = (uint8_t)(9 - 3 * (unit - INTERVAL_NANOSECOND));
    if (t.scale < to.scale) {
        struct type finer = to;
        finer.is_nullable = value_at(b, v)->type.is_nullable;
        v = cast_values(b, v, finer);
        t = to;
    }
    return start_of_ticks(b, v, t, to, count * power_of_ten[t.scale - to.scale]);
}

/* toStartOfInterval(t, INTERVAL n unit[, zone]) */
static value_id build_start_interval(struct site *s)
{
    struct type t = s->types[0];
    const struct zone *zone;

    if (!type_is_day_or_time(t))
        return site_bad_type(s, 0, "a Date, DateTime or DateTime64");
    const struct cell *interval = constant_cell(s->b, s->args[1]);
    if (s->types[1].kind != TYPE_INTERVAL || interval == NULL || interval->is_null ||
        interval->fault)
        return site_bad_type(s, 1, "a constant INTERVAL");
    int unit = s->types[1].scale;
    int64_t count = interval->i64;
    if (count <= 0 || count > 1000000000)
        return site_error(s, "the interval must be positive, not %lld", (long long)count);
    bool has_origin = s->n_args == 4 || (s->n_args == 3 && s->types[2].kind != TYPE_STRING);
    if (!site_zone(s, has_origin ? 3 : 2, t, &zone))
        return VALUE_FAILED;
    if (has_origin)
        return start_from_origin(s, 2, count, unit, zone);
    if (unit < INTERVAL_SECOND)
        return start_below_second(s, count, unit, zone);
    if (t.kind == TYPE_DATE && unit < INTERVAL_DAY)
        return site_bad_type(s, 0, "a DateTime or DateTime64 for a window below a day");
    if (unit >= INTERVAL_WEEK && s->n_args > 2 && t.kind == TYPE_DATE)
        return date_has_no_zone(s);
    if (unit >= INTERVAL_WEEK)
        return start_as_date(s->b, s->args[0], zone, count, unit, t.kind == TYPE_DATETIME64);
    return start_as_datetime(s->b, s->args[0], zone, count, unit);
}

#define START(name, text, unit, count)                                                             \
    {                                                                                              \
        name, "t[, zone]", text, 1, 2, 0, build_start, (unit) | (int64_t)(count) << 8              \
    }
static const struct function functions[] = {
    {"toStartOfInterval", "t, INTERVAL n unit[, origin][, zone]",
     "Start of the window of n units that holds t; windows begin at the origin, a constant.", 2, 4,
     0, build_start_interval, 0},
    {"toStartOfSecond", "t[, zone]", "DateTime64 without its fraction.", 1, 2, 0,
     build_start_second, 0},
    {"date_bin", "t, INTERVAL n unit[, origin][, zone]", "toStartOfInterval", 2, 4,
     FN_ANY_CASE | FN_ALIAS, build_start_interval, 0},
    {"time_bucket", "t, INTERVAL n unit[, origin][, zone]", "toStartOfInterval", 2, 4,
     FN_ANY_CASE | FN_ALIAS, build_start_interval, 0},
    START("toStartOfMinute", "Start of the minute.", INTERVAL_MINUTE, 1),
    START("toStartOfFiveMinutes", "Start of the 5 minutes.", INTERVAL_MINUTE, 5),
    START("toStartOfFiveMinute", "toStartOfFiveMinutes", INTERVAL_MINUTE, 5),
    START("toStartOfTenMinutes", "Start of the 10 minutes.", INTERVAL_MINUTE, 10),
    START("toStartOfFifteenMinutes", "Start of the 15 minutes.", INTERVAL_MINUTE, 15),
    START("toStartOfHour", "Start of the hour.", INTERVAL_HOUR, 1),
    START("toStartOfDay", "Start of the day, a DateTime.", INTERVAL_DAY, 1),
    {"toStartOfWeek", "t[, mode[, zone]]",
     "First day of the week, a Date: Sunday, with an odd mode Monday.", 1, 3, 0, build_start_week,
     0},
    START("toMonday", "Monday of the week, a Date.", INTERVAL_WEEK, 1),
    START("toStartOfMonth", "First day of the month, a Date.", INTERVAL_MONTH, 1),
    START("toStartOfQuarter", "First day of the quarter, a Date.", INTERVAL_QUARTER, 1),
    START("toStartOfYear", "First day of the year, a Date.", INTERVAL_YEAR, 1),
};
const struct function_family family_time_start = {"Windows of time", functions, COUNT(functions)};
