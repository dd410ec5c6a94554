/* SPDX-License-Identifier: Apache-2.0
 *
 * Unix timestamps, the run's now, zones. */
#include "expr/times.h"

#include "expr/text_value.h"

/* ---- to timestamps ---- */

/* Seconds of a DateTime64, which must fit DateTime. */
WIDE static void run_fits_datetime(struct call *c)
{
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        int64_t s = VALUES(0, int64_t)[i];
        RESULT(uint32_t)[i] = (uint32_t)s;
        c->fresh[i] = s < 0 || s > UINT32_MAX ? FAULT_RANGE : 0;
    }
}
static const struct op op_fits_datetime = {"toUnixTimestamp", run_fits_datetime, OP_FAULTS};

/* param.i: > 0 times, < 0 divided (towards zero) */
WIDE static void run_scale_ticks(struct call *c)
{
    int64_t by = c->param.i;

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        int64_t v = VALUES(0, int64_t)[i];
        if (by < 0)
            RESULT(int64_t)[i] = v / -by;
        else
            c->fresh[i] = __builtin_mul_overflow(v, by, &RESULT(int64_t)[i]) ? FAULT_RANGE : 0;
    }
}
static const struct op op_scale_ticks = {"scaleTicks", run_scale_ticks, OP_FAULTS};

static value_id build_to_unix(struct site *s)
{
    struct builder *b = s->b;
    struct type t = s->types[0];
    const struct zone *zone;

    if (!site_zone(s, 1, t, &zone))
        return VALUE_FAILED;
    if (t.kind == TYPE_STRING) {
        struct type to = {.kind = TYPE_DATETIME, .zone = zone};
        /* then what does not parse is NULL */
        bool is_soft = value_at(b, s->args[0])->type.is_nullable;
        return cast_number(b,
                           emit_text_to(b, s->args[0], to, is_soft ? TEXT_NULL : TEXT_THROW, true),
                           TYPE_UINT32);
    }
    if (type_is_integer(t))
        return cast_number(b, s->args[0], TYPE_UINT32);
    if (!type_is_day_or_time(t))
        return site_bad_type(s, 0, "a Date, DateTime, DateTime64, String or integer");
    value_id seconds = seconds_of(b, s->args[0], zone);
    if (t.kind == TYPE_DATETIME64)
        return EMIT(b, &op_fits_datetime, type_of(TYPE_UINT32), seconds);
    return cast_number(b, seconds, TYPE_UINT32);
}

static value_id build_to_unix64(struct site *s)
{
    struct type t = s->types[0];
    int64_t scale = s->f->param;

    if (t.kind != TYPE_DATETIME64)
        return site_bad_type(s, 0, "a DateTime64");
    value_id ticks = cast_number(s->b, s->args[0], TYPE_INT64);
    if (scale == t.scale)
        return ticks;
    int64_t by = scale > t.scale ? power_of_ten[scale - t.scale] : -power_of_ten[t.scale - scale];
    return emit(s->b, &op_scale_ticks, type_of(TYPE_INT64), &ticks, 1, (struct param){.i = by},
                NULL);
}

static value_id build_from_unix(struct site *s)
{
    if (s->n_args > 1)
        return build_format_unix(s);
    if (!type_is_integer(s->types[0]))
        return site_bad_type(s, 0, "an integer");
    return cast_time(s->b, s->args[0], type_of(TYPE_DATETIME));
}

static value_id build_from_unix64(struct site *s)
{
    struct type to = {.kind = TYPE_DATETIME64, .scale = (uint8_t)s->f->param};
    const struct zone *zone;

    if (!type_is_integer(s->types[0]))
        return site_bad_type(s, 0, "an integer");
    if (!site_zone(s, 1, to, &zone))
        return VALUE_FAILED;
    to.zone = zone;
    value_id v = cast_number(s->b, s->args[0], TYPE_INT64);
    to.is_nullable = value_at(s->b, v)->type.is_nullable;
    return retype(s->b, v, to);
}

/* ---- now ---- */

static value_id build_now(struct site *s)
{
    struct type type = type_of(TYPE_DATETIME);
    const struct zone *zone;

    if (!site_zone(s, 0, type, &zone))
        return VALUE_FAILED;
    type.zone = zone;
    return retype(s->b, builder_now(s->b), type);
}

WIDE static void run_today(struct call *c)
{
    uint16_t *restrict result = RESULT(uint16_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = (uint16_t)(VALUES(0, uint32_t)[i] / 86400 - (uint32_t)c->param.i);
}
static const struct op op_today = {"today", run_today, 0};

static value_id build_today(struct site *s)
{
    value_id now = builder_now(s->b);

    return emit(s->b, &op_today, type_of(TYPE_DATE), &now, 1, (struct param){.i = s->f->param},
                NULL);
}

/* ---- zones ---- */

static value_id build_to_zone(struct site *s)
{
    struct type type = value_at(s->b, s->args[0])->type;
    const struct zone *zone;

    if (!type_is_time(s->types[0]))
        return site_bad_type(s, 0, "a DateTime or DateTime64");
    if (!site_zone(s, 1, s->types[0], &zone))
        return VALUE_FAILED;
    type.zone = zone;
    return retype(s->b, s->args[0], type);
}

static value_id build_zone_of(struct site *s)
{
    if (!type_is_time(s->types[0]))
        return site_bad_type(s, 0, "a DateTime or DateTime64");
    const struct cell *cell = constant_cell(s->b, s->args[0]);
    if (cell != NULL && cell->fault)
        return emit_constant(s->b, type_of(TYPE_STRING), (struct cell){.fault = cell->fault});
    return constant_str(s->b, str_of(zone_name(s->types[0].zone)));
}

#define TO_64(name, scale)                                                                         \
    {                                                                                              \
        "toUnixTimestamp64" name, "t", "DateTime64 as Int64.", 1, 1, 0, build_to_unix64, scale     \
    }
#define FROM_64(name, scale)                                                                       \
    {                                                                                              \
        "fromUnixTimestamp64" name, "n[, zone]", "Integer as DateTime64(" #scale ").", 1, 2, 0,    \
            build_from_unix64, scale                                                               \
    }
static const struct function functions[] = {
    {"now", "[zone]", "The epoch's time, DateTime: equal when input is read again.", 0, 1,
     FN_ANY_CASE, build_now, 0},
    {"current_timestamp", "[zone]", "now", 0, 1, FN_ANY_CASE | FN_ALIAS, build_now, 0},
    {"localtimestamp", "[zone]", "now", 0, 1, FN_ANY_CASE | FN_ALIAS, build_now, 0},
    {"today", "", "The epoch's date in UTC.", 0, 0, FN_ANY_CASE, build_today, 0},
    {"curdate", "", "today", 0, 0, FN_ANY_CASE | FN_ALIAS, build_today, 0},
    {"current_date", "", "today", 0, 0, FN_ANY_CASE | FN_ALIAS, build_today, 0},
    {"yesterday", "", "The day before.", 0, 0, 0, build_today, 1},
    {"toTimeZone", "t, zone", "The same moment on another clock.", 2, 2, 0, build_to_zone, 0},
    {"toTimezone", "t, zone", "toTimeZone", 2, 2, FN_ALIAS, build_to_zone, 0},
    {"timeZoneOf", "t", "Name of t's zone.", 1, 1, 0, build_zone_of, 0},
    {"toUnixTimestamp", "t[, zone]", "Seconds since 1970, UInt32.", 1, 2, 0, build_to_unix, 0},
    TO_64("Second", 0),
    TO_64("Milli", 3),
    TO_64("Micro", 6),
    TO_64("Nano", 9),
    {"fromUnixTimestamp", "n[, 'format'[, zone]]",
     "Seconds since 1970 as DateTime, or as text by a format.", 1, 3, 0, build_from_unix, 0},
    {"FROM_UNIXTIME", "n[, 'format'[, zone]]", "fromUnixTimestamp", 1, 3, FN_ANY_CASE | FN_ALIAS,
     build_from_unix, 0},
    FROM_64("Second", 0),
    FROM_64("Milli", 3),
    FROM_64("Micro", 6),
    FROM_64("Nano", 9),
};
const struct function_family family_time_unix = {"Unix time, now, zones", functions,
                                                 COUNT(functions)};
