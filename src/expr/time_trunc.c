/* SPDX-License-Identifier: Apache-2.0
 *
 * More windows of time: below a second, from an origin, dateTrunc, timeSlot. */
#include "expr/times.h"

#include <strings.h>

/* ---- below a second ---- */

static value_id below_second(struct site *s, value_id v, int unit, const struct zone *zone)
{
    struct builder *b = s->b;
    struct type t = value_at(b, v)->type;
    unsigned scale = (unsigned)(9 - 3 * (unit - INTERVAL_NANOSECOND));
    struct type to = {.kind = TYPE_DATETIME64,
                      .scale = (uint8_t)(t.scale > scale ? t.scale : scale),
                      .zone = zone,
                      .is_nullable = t.is_nullable};

    if (t.scale < scale)
        return cast_values(b, v, to);
    value_id start = start_of_ticks(b, v, t, type_bare(to), power_of_ten[t.scale - scale]);
    return start;
}

/* toStartOfMillisecond …: param = unit */
static value_id build_start_below(struct site *s)
{
    struct type t = s->types[0];
    const struct zone *zone;

    if (t.kind != TYPE_DATETIME64)
        return site_bad_type(s, 0, "a DateTime64");
    if (!site_zone(s, 1, t, &zone))
        return VALUE_FAILED;
    return below_second(s, s->args[0], (int)s->f->param, zone);
}

/* ---- from an origin ---- */

/* args: time and origin in seconds, the origin constant; param.i = count, param.j = unit,
 * param.p = zone. Windows are those of the distance, counted from 1970. */
static void run_from_origin(struct call *c)
{
    const struct zone *zone = c->param.p;
    int64_t origin = VALUES(1, int64_t)[0];

    for (size_t i = 0; i < c->n; i++) {
        int64_t t = VALUES(0, int64_t)[i];
        c->fresh[i] = t < origin ? FAULT_RANGE : 0;
        RESULT(int64_t)
        [i] = t < origin
                  ? origin
                  : origin + zone_bucket_start(zone, t - origin, c->param.i, (int)c->param.j);
    }
}

/* Whole months from the origin, on the clock of the zone; from the origin's day, its time of day
 * stays. */
static void run_months_from_origin(struct call *c)
{
    const struct zone *zone = c->param.p;
    int64_t origin = VALUES(1, int64_t)[0], local = local_of(zone, origin), count = c->param.i;
    int64_t day = floor_div(local, 86400), rest = origin - zone_to_utc(zone, day * 86400);
    int32_t from_year, year;
    unsigned from_month, from_day, month, of_month;

    civil_from_days(day, &from_year, &from_month, &from_day);
    for (size_t i = 0; i < c->n; i++) {
        int64_t t = VALUES(0, int64_t)[i];
        c->fresh[i] = t < origin ? FAULT_RANGE : 0;
        civil_from_days(floor_div(local_of(zone, t), 86400), &year, &month, &of_month);
        int64_t n = ((int64_t)year - from_year) * 12 + (int64_t)month - (int64_t)from_month -
                    (of_month < from_day);
        int64_t start = add_months_to_day(day, n / count * count);
        RESULT(int64_t)[i] = t < origin ? origin : zone_to_utc(zone, start * 86400) + rest;
    }
}
static const struct op op_from_origin = {"toStartOfInterval", run_from_origin,
                                         OP_FAULTS | OP_EAGER_FAULTS};
static const struct op op_months_from_origin = {"toStartOfInterval", run_months_from_origin,
                                                OP_FAULTS | OP_EAGER_FAULTS};

static void run_second_to_day(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint16_t)[i] = (uint16_t)floor_div(VALUES(0, int64_t)[i], 86400);
}
static const struct op op_second_to_day = {"toDate", run_second_to_day, 0};

value_id start_from_origin(struct site *s, uint32_t origin_arg, int64_t count, int unit,
                           const struct zone *zone)
{
    struct builder *b = s->b;
    struct type t = s->types[0], to = t;
    bool is_calendar = unit >= INTERVAL_MONTH;
    int64_t months = unit == INTERVAL_MONTH     ? count
                     : unit == INTERVAL_QUARTER ? count * 3
                                                : count * 12;

    if (!builder_is_constant(b, s->args[origin_arg]))
        return site_bad_type(s, origin_arg, "a constant of the time's type");
    if (s->types[origin_arg].kind != t.kind)
        return site_bad_type(s, origin_arg, "a constant of the time's type");
    if (t.kind == TYPE_DATE && unit < INTERVAL_DAY)
        return site_bad_type(s, 0, "a DateTime or DateTime64 for a window below a day");
    to.zone = t.kind == TYPE_DATE ? NULL : zone;
    if (unit < INTERVAL_SECOND || t.kind == TYPE_DATETIME64)
        return site_error(s, "an origin for a DateTime64 is not there yet");
    if (unit == INTERVAL_WEEK) {
        unit = INTERVAL_DAY;
        count *= 7;
    }
    /* a Date counts in UTC */
    const struct zone *clock = t.kind == TYPE_DATE || is_plain_utc(zone) ? NULL : zone;
    value_id args[] = {seconds_of(b, s->args[0], clock), seconds_of(b, s->args[origin_arg], clock)};
    value_id start =
        emit(b, is_calendar ? &op_months_from_origin : &op_from_origin, type_of(TYPE_INT64), args,
             2, (struct param){.i = is_calendar ? months : count, .j = unit, .p = clock}, NULL);
    if (t.kind == TYPE_DATE)
        return EMIT(b, &op_second_to_day, to, start);
    start = cast_number(b, start, TYPE_UINT32);
    to.is_nullable = value_at(b, start)->type.is_nullable;
    return retype(b, start, to);
}

/* ---- dateTrunc ---- */

/* toStartOf…(t) as DateTime64(0). */
static value_id as_datetime64(struct site *s, value_id v, unsigned scale, const struct zone *zone)
{
    return cast_values(s->b, v,
                       (struct type){.kind = TYPE_DATETIME64,
                                     .scale = (uint8_t)scale,
                                     .zone = zone,
                                     .is_nullable = value_at(s->b, v)->type.is_nullable});
}

/* UTC seconds in and out; param.i = unit, param.p = zone */
static void run_trunc(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(int64_t)
    [i] = zone_bucket_start(c->param.p, VALUES(0, int64_t)[i], 1, (int)c->param.i);
}
static const struct op op_trunc = {"dateTrunc", run_trunc, 0};

static value_id build_trunc(struct site *s)
{
    static const char *const names[] = {"nanosecond", "microsecond", "millisecond", "second",
                                        "minute",     "hour",        "day",         "week",
                                        "month",      "quarter",     "year"};
    struct builder *b = s->b;
    struct type t = s->types[1];
    const struct zone *zone;
    struct str name;
    int unit = -1;

    if (!site_string(s, 0, &name))
        return VALUE_FAILED;
    for (size_t i = 0; i < COUNT(names); i++)
        if (strlen(names[i]) == name.n && strncasecmp(names[i], name.p, name.n) == 0)
            unit = (int)i;
    if (unit < 0)
        return site_error(s, "dateTrunc does not know the unit '%.*s'", STR_FMT(name));
    if (!type_is_day_or_time(t))
        return site_bad_type(s, 1, "a Date, DateTime or DateTime64");
    if (!site_zone(s, 2, t, &zone))
        return VALUE_FAILED;
    if (t.kind == TYPE_DATE && unit < INTERVAL_DAY)
        return site_bad_type(s, 1, "a DateTime or DateTime64 for that unit");
    if (t.kind == TYPE_DATETIME64 && unit > INTERVAL_DAY)
        return site_error(s,
                          "dateTrunc of a DateTime64 to a '%s' is a Date32, which is not there yet",
                          names[unit]);
    if (unit < INTERVAL_SECOND) {
        if (t.kind != TYPE_DATETIME64)
            return site_bad_type(s, 1, "a DateTime64 for that unit");
        unsigned scale = (unsigned)(9 - 3 * (unit - INTERVAL_NANOSECOND));
        return as_datetime64(s, below_second(s, s->args[1], unit, zone), scale, zone);
    }
    if (t.kind == TYPE_DATE && unit > INTERVAL_DAY && s->n_args > 2)
        return site_error(s, "dateTrunc of a Date to a '%s' takes no zone", names[unit]);
    if (t.kind == TYPE_DATETIME64) {
        struct type to = {.kind = TYPE_DATETIME64, .zone = zone};
        value_id second = seconds_of(b, s->args[1], zone);
        return emit(b, &op_trunc, to, &second, 1,
                    (struct param){.i = unit, .p = is_plain_utc(zone) ? NULL : zone}, NULL);
    }
    value_id one = emit_constant(b, (struct type){.kind = TYPE_INTERVAL, .scale = (uint8_t)unit},
                                 (struct cell){.i64 = 1});
    value_id args[] = {s->args[1], one, constant_str(b, str_of(zone_name(zone)))};
    return build_call(b, s->node, STR("toStartOfInterval"), args, zone != NULL ? 3 : 2, s->scope,
                      s->d);
}

/* ---- timeSlot ---- */

static void run_slot(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint32_t)[i] = (uint32_t)(floor_div(VALUES(0, int64_t)[i], 1800) * 1800);
}
static const struct op op_slot = {"timeSlot", run_slot, 0};

static value_id build_slot(struct site *s)
{
    struct type to = type_of(TYPE_DATETIME);

    if (!type_is_time(s->types[0]))
        return site_bad_type(s, 0, "a DateTime or DateTime64");
    if (!site_zone(s, 1, s->types[0], &to.zone))
        return VALUE_FAILED;
    return EMIT(s->b, &op_slot, to, seconds_of(s->b, s->args[0], to.zone));
}

#define BELOW(name, text, unit)                                                                    \
    {                                                                                              \
        name, "t[, zone]", text, 1, 2, 0, build_start_below, unit                                  \
    }
static const struct function functions[] = {
    BELOW("toStartOfMillisecond", "DateTime64 cut after milliseconds.", INTERVAL_MILLISECOND),
    BELOW("toStartOfMicrosecond", "DateTime64 cut after microseconds.", INTERVAL_MICROSECOND),
    BELOW("toStartOfNanosecond", "DateTime64(9).", INTERVAL_NANOSECOND),
    {"dateTrunc", "'unit', t[, zone]", "Start of the unit (nanosecond … year) that holds t.", 2, 3,
     0, build_trunc, 0},
    {"DATE_TRUNC", "'unit', t[, zone]", "dateTrunc", 2, 3, FN_ANY_CASE | FN_ALIAS, build_trunc, 0},
    {"timeSlot", "t[, zone]", "Start of the half hour, a DateTime.", 1, 2, 0, build_slot, 0},
};
const struct function_family family_time_trunc = {"More windows of time", functions,
                                                  COUNT(functions)};
