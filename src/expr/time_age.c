/* SPDX-License-Identifier: Apache-2.0
 *
 * age: how many whole units lie between two times; units of the calendar by the wall clock. */
#include "expr/times.h"

/* ---- shorter than a day: ticks in, param.i = ticks a unit ---- */

static void run_age_ticks(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(int64_t)
    [i] = (int64_t)((uint64_t)VALUES(1, int64_t)[i] - (uint64_t)VALUES(0, int64_t)[i]) / c->param.i;
}
static const struct op op_age_ticks = {"age", run_age_ticks, 0};

/* ---- days and longer: args = local day, ticks of the day and ticks of x; the same of y ---- */

static int64_t months_of(int64_t days, unsigned *day)
{
    int32_t year;
    unsigned month;

    civil_from_days(days, &year, &month, day);
    return (int64_t)year * 12 + month;
}

/* Whole months from a to b. */
static int64_t months_between(int64_t a, int64_t a_rest, int64_t b, int64_t b_rest)
{
    unsigned a_day, b_day;
    int64_t n = -months_of(a, &a_day);

    n += months_of(b, &b_day);
    return n - (a_day > b_day || (a_day == b_day && a_rest > b_rest));
}

/* ClickHouse compares x's and y's days of the week even where x is the later, and the fractions
 * of the second whatever the days. a_rest is the earlier's. */
static bool is_week_short(const struct call *c, int64_t x, int64_t y, int64_t a_rest,
                          int64_t b_rest)
{
    int64_t x_week = floor_div(x + 3, 7), y_week = floor_div(y + 3, 7), per = c->param.j;
    int64_t x_day = x + 3 - x_week * 7, y_day = y + 3 - y_week * 7;

    return x_day > y_day || (x_day == y_day && a_rest / per > b_rest / per) ||
           (a_rest / per == b_rest / per && a_rest > b_rest);
}

/* args: as for days. Hours are counted from the zone's 1970 and corrected by minutes of the wall
 * clock; param.i = ticks an hour, param.j = the difference of the zones' beginnings */
static void run_age_hours(struct call *c)
{
    int64_t hour = c->param.i;

    for (size_t i = 0; i < c->n; i++) {
        int64_t x = VALUES(2, int64_t)[i], y = VALUES(5, int64_t)[i];
        int64_t x_rest = VALUES(1, int64_t)[i] % hour, y_rest = VALUES(4, int64_t)[i] % hour;
        int64_t sign = x <= y ? 1 : -1;
        bool is_short = sign > 0 ? x_rest > y_rest : y_rest > x_rest;
        int64_t x_skew = c->param.j >> 32, y_skew = (int32_t)c->param.j;
        int64_t per_s = hour / 3600;
        int64_t n = floor_div(y - y_skew * per_s, hour) - floor_div(x - x_skew * per_s, hour);
        RESULT(int64_t)[i] = n - sign * is_short;
    }
}
static const struct op op_age_hours = {"age", run_age_hours, 0};

/* param.i = enum interval_unit, param.j = ticks a second */
static void run_age_days(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t x = VALUES(0, int64_t)[i], x_rest = VALUES(1, int64_t)[i];
        int64_t y = VALUES(3, int64_t)[i], y_rest = VALUES(4, int64_t)[i];
        bool is_forward = VALUES(2, int64_t)[i] <= VALUES(5, int64_t)[i];
        int64_t sign = is_forward ? 1 : -1, a = is_forward ? x : y, b = is_forward ? y : x;
        int64_t a_rest = is_forward ? x_rest : y_rest, b_rest = is_forward ? y_rest : x_rest, age;
        if (c->param.i == INTERVAL_DAY)
            age = sign * (b - a - (a_rest > b_rest));
        else if (c->param.i == INTERVAL_WEEK)
            age = floor_div(y + 3, 7) - floor_div(x + 3, 7) -
                  sign * is_week_short(c, x, y, a_rest, b_rest);
        else
            age = sign * floor_div(months_between(a, a_rest, b, b_rest),
                                   c->param.i == INTERVAL_MONTH     ? 1
                                   : c->param.i == INTERVAL_QUARTER ? 3
                                                                    : 12);
        RESULT(int64_t)[i] = age;
    }
}
static const struct op op_age_days = {"age", run_age_days, 0};

/* Ticks of the day on the wall clock; param.i = 10^scale, param.p = zone */
static void run_rest(struct call *c)
{
    int64_t per = c->param.i;

    for (size_t i = 0; i < c->n; i++) {
        int64_t ticks = VALUES(0, int64_t)[i], s = floor_div(ticks, per),
                local = local_of(c->param.p, s);
        RESULT(int64_t)[i] = (local - floor_div(local, 86400) * 86400) * per + ticks - s * per;
    }
}
static const struct op op_rest = {"restOfDay", run_rest, 0};

/* A time as DateTime64 of that scale, its ticks. */
static value_id ticks_of(struct builder *b, value_id v, const struct zone *zone, unsigned scale)
{
    struct type to = {.kind = TYPE_DATETIME64, .scale = (uint8_t)scale, .zone = zone};

    to.is_nullable = value_at(b, v)->type.is_nullable;
    return cast_number(b, cast_values(b, v, to), TYPE_INT64);
}

/* Numbers of minutes and seconds have 32 bits in ClickHouse; param.i = seconds of all of them */
static void run_wrap(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t v = VALUES(0, int64_t)[i] % c->param.i;
        RESULT(int64_t)[i] = v < 0 ? v + c->param.i : v;
    }
}
static const struct op op_wrap = {"wrap", run_wrap, 0};

/* A Date's midnight, ticks. */
static value_id midnight_ticks(struct builder *b, value_id v, const struct zone *zone,
                               unsigned scale, int unit)
{
    int64_t all = (int64_t)1 << 32;

    v = unit == INTERVAL_SECOND ? seconds_of(b, v, zone) : moment_of(b, v, zone);
    if (unit <= INTERVAL_MINUTE)
        v = emit(b, &op_wrap, type_of(TYPE_INT64), &v, 1,
                 (struct param){.i = unit == INTERVAL_MINUTE ? 60 * all : all}, NULL);
    return scale ? scaled(b, v, power_of_ten[scale]) : v;
}

static value_id emit_rest(struct builder *b, value_id ticks, const struct zone *zone,
                          unsigned scale)
{
    return emit(b, &op_rest, type_of(TYPE_INT64), &ticks, 1,
                (struct param){.i = power_of_ten[scale], .p = is_plain_utc(zone) ? NULL : zone},
                NULL);
}

static value_id build_age(struct site *s)
{
    static const int64_t seconds[] = {
        [INTERVAL_SECOND] = 1, [INTERVAL_MINUTE] = 60, [INTERVAL_HOUR] = 3600};
    struct builder *b = s->b;
    const struct zone *given = NULL;
    struct str name;
    int unit;

    if (!site_string(s, 0, &name))
        return VALUE_FAILED;
    if (!interval_unit_by_name(name, &unit))
        return site_error(s, "age does not know the unit '%.*s'", STR_FMT(name));
    unsigned scale = unit < INTERVAL_SECOND ? (unsigned)(9 - 3 * (unit - INTERVAL_NANOSECOND)) : 0;
    for (uint32_t i = 1; i < 3; i++) {
        if (!type_is_day_or_time(s->types[i]))
            return site_bad_type(s, i, "a Date, DateTime or DateTime64");
        if (s->types[i].kind == TYPE_DATETIME64 && s->types[i].scale > scale)
            scale = s->types[i].scale;
    }
    if (!site_zone(s, 3, s->types[1], &given))
        return VALUE_FAILED;
    const struct zone *zones[] = {s->n_args > 3 ? given : s->types[1].zone,
                                  s->n_args > 3 ? given : s->types[2].zone};
    value_id ticks[2];
    for (uint32_t i = 0; i < 2; i++) {
        bool is_date =
            s->types[i + 1].kind == TYPE_DATE && unit >= INTERVAL_SECOND && unit <= INTERVAL_HOUR;
        ticks[i] = is_date ? midnight_ticks(b, s->args[i + 1], zones[i], scale, unit)
                           : ticks_of(b, s->args[i + 1], zones[i], scale);
    }
    if (unit < INTERVAL_SECOND)
        return emit(
            b, &op_age_ticks, type_of(TYPE_INT64), ticks, 2,
            (struct param){
                .i = power_of_ten[scale - (unsigned)(9 - 3 * (unit - INTERVAL_NANOSECOND))]},
            NULL);
    int64_t skews[2] = {zone_offset_at(zones[0], 0), zone_offset_at(zones[1], 0)};
    if (unit < INTERVAL_HOUR || (unit == INTERVAL_HOUR && !skews[0] && !skews[1]))
        return emit(b, &op_age_ticks, type_of(TYPE_INT64), ticks, 2,
                    (struct param){.i = seconds[unit] * power_of_ten[scale]}, NULL);
    value_id args[] = {
        days_of(b, s->args[1], zones[0]), emit_rest(b, ticks[0], zones[0], scale), ticks[0],
        days_of(b, s->args[2], zones[1]), emit_rest(b, ticks[1], zones[1], scale), ticks[1]};
    if (unit == INTERVAL_HOUR) {
        int64_t both = skews[0] * ((int64_t)1 << 32) | (uint32_t)skews[1];
        return emit(b, &op_age_hours, type_of(TYPE_INT64), args, 6,
                    (struct param){.i = 3600 * power_of_ten[scale], .j = both}, NULL);
    }
    return emit(b, &op_age_days, type_of(TYPE_INT64), args, 6,
                (struct param){.i = unit, .j = power_of_ten[scale]}, NULL);
}

static const struct function functions[] = {
    {"age", "unit, from, to[, zone]", "How many whole units (nanosecond … year) lie between.", 3, 4,
     FN_ANY_CASE, build_age, 0},
};
const struct function_family family_time_age = {"Age", functions, COUNT(functions)};
