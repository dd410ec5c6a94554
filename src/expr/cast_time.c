/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions between Date, DateTime, DateTime64 and numbers. All pass through Int64 seconds or
 * days. */
#include "expr/calendar.h"
#include "expr/times.h"

#include <math.h>

/* ---- to whole seconds ---- */

static void run_u64_whole(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint64_t v = VALUES(0, uint64_t)[i];
        RESULT(int64_t)[i] = v > INT64_MAX ? INT64_MAX : (int64_t)v;
    }
}
static void run_f64_whole(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        double v = VALUES(0, double)[i];
        RESULT(int64_t)[i] = v != v ? 0 : double_to_i64(v);
    }
}
/* What ClickHouse's calendar makes of moments long before its beginning. */
enum { DAY_OF_NOWHERE = 1368 };

static void run_f64_to_date(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        double v = VALUES(0, double)[i];
        RESULT(uint16_t)
        [i] = (uint16_t)(!(v >= 0)                    ? 0
                         : v < UINT16_MAX + 1.0       ? v
                         : v >= 9223372036854775808.0 ? DAY_OF_NOWHERE
                         : v > UINT32_MAX             ? UINT32_MAX / 86400
                                                      : v / 86400);
    }
}
static const struct op op_f64_to_date = {"toDate", run_f64_to_date, 0};

/* A time_t that counts as unsigned: what ClickHouse makes of the upper half of UInt64. */
static void run_u64_to_date(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint64_t v = VALUES(0, uint64_t)[i], s = v > UINT32_MAX ? UINT32_MAX : v;
        int64_t day = v > INT64_MAX     ? floor_div((int64_t)v, 86400)
                      : v <= UINT16_MAX ? (int64_t)v
                                        : (int64_t)(s / 86400);
        RESULT(uint16_t)[i] = (uint16_t)(day < -25567 ? DAY_OF_NOWHERE : day);
    }
}
static void run_u64_to_datetime(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint64_t v = VALUES(0, uint64_t)[i];
        RESULT(uint32_t)[i] = (uint32_t)(v > INT64_MAX ? v : v > UINT32_MAX ? UINT32_MAX : v);
    }
}
static const struct op op_u64_to_date = {"toDate", run_u64_to_date, 0};
static const struct op op_u64_to_datetime = {"toDateTime", run_u64_to_datetime, 0};
static const struct op op_u64_whole = {"whole", run_u64_whole, 0},
                       op_f64_whole = {"whole", run_f64_whole, 0};

/* A number as Int64, cut at its ends. */
static value_id whole_of(struct builder *b, value_id v)
{
    struct type t = value_at(b, v)->type;

    if (type_is_float(t))
        return EMIT(b, &op_f64_whole, type_of(TYPE_INT64), cast_number(b, v, TYPE_FLOAT64));
    if (type_storage(t) == TYPE_UINT64)
        return EMIT(b, &op_u64_whole, type_of(TYPE_INT64), v);
    return cast_number(b, v, TYPE_INT64);
}

/* param.i = 10^scale */
static void run_ticks_floor(struct call *c)
{
    floor_div_rows(&RESULT(int64_t)[0], &VALUES(0, int64_t)[0], c->n, c->param.i);
}
static const struct op op_ticks_floor = {"seconds", run_ticks_floor, 0};

/* Days to the UTC second of their midnight in param.p. */
static void run_midnight(struct call *c)
{
    const struct zone *zone = c->param.p;
    bool is_utc = is_plain_utc(zone);

    for (size_t i = 0; i < c->n; i++) {
        int64_t local = (int64_t)VALUES(0, uint16_t)[i] * 86400;
        int64_t s = is_utc ? local : zone_to_utc(zone, local);
        RESULT(int64_t)
        [i] = s >= 0 ? s : zone_to_utc(zone, local + 86400); /* as ClickHouse: not before 1970 */
    }
}
static const struct op op_midnight = {"midnight", run_midnight, 0};

/* The same for distances: also before 1970. */
static void run_true_midnight(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t local = (int64_t)VALUES(0, uint16_t)[i] * 86400;
        RESULT(int64_t)[i] = c->param.p ? zone_to_utc(c->param.p, local) : local;
    }
}
static const struct op op_true_midnight = {"midnight", run_true_midnight, 0};

/* What the clock shows then: the first day of 1970 is the second where it began before 1970 in UTC,
 * as in ClickHouse. */
static void run_clock_midnight(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t local = (int64_t)VALUES(0, uint16_t)[i] * 86400;
        bool is_before = local == 0 && c->param.p && zone_to_utc(c->param.p, local) < 0;
        RESULT(int64_t)[i] = is_before ? 86400 : local;
    }
}
static const struct op op_clock_midnight = {"midnight", run_clock_midnight, 0};

static void run_local(struct call *c)
{
    local_rows(c->param.p, &RESULT(int64_t)[0], &VALUES(0, int64_t)[0], c->n);
}
static const struct op op_local = {"local", run_local, 0};

static void run_local_day(struct call *c)
{
    int64_t *out = &RESULT(int64_t)[0];
    bool is_utc = is_plain_utc(c->param.p);

    if (!is_utc)
        local_rows(c->param.p, out, &VALUES(0, int64_t)[0], c->n);
    floor_div_rows(out, is_utc ? &VALUES(0, int64_t)[0] : out, c->n, 86400);
}
static const struct op op_local_day = {"day", run_local_day, 0};

static value_id emit_zoned(struct builder *b, const struct op *op, value_id v,
                           const struct zone *zone)
{
    return emit(b, op, type_of(TYPE_INT64), &v, 1, (struct param){.p = zone}, NULL);
}

value_id seconds_of(struct builder *b, value_id v, const struct zone *zone)
{
    struct type t = value_at(b, v)->type;

    if (t.kind == TYPE_DATE)
        return emit_zoned(b, &op_midnight, v, is_plain_utc(zone) ? NULL : zone);
    if (t.kind == TYPE_DATETIME)
        return cast_number(b, v, TYPE_INT64);
    value_id ticks = cast_number(b, v, TYPE_INT64);
    if (t.scale == 0)
        return ticks;
    return emit(b, &op_ticks_floor, type_of(TYPE_INT64), &ticks, 1,
                (struct param){.i = power_of_ten[t.scale]}, NULL);
}

value_id moment_of(struct builder *b, value_id v, const struct zone *zone)
{
    if (value_at(b, v)->type.kind != TYPE_DATE)
        return seconds_of(b, v, zone);
    return emit_zoned(b, &op_true_midnight, v, is_plain_utc(zone) ? NULL : zone);
}

value_id days_of(struct builder *b, value_id v, const struct zone *zone)
{
    if (value_at(b, v)->type.kind == TYPE_DATE)
        return cast_number(b, v, TYPE_INT64);
    return emit_zoned(b, &op_local_day, seconds_of(b, v, zone), is_plain_utc(zone) ? NULL : zone);
}

value_id local_seconds_of(struct builder *b, value_id v, const struct zone *zone)
{
    struct type t = value_at(b, v)->type;

    if (t.kind == TYPE_DATE)
        return emit_zoned(b, &op_clock_midnight, v, is_plain_utc(zone) ? NULL : zone);
    value_id s = seconds_of(b, v, zone);
    return is_plain_utc(zone) ? s : emit_zoned(b, &op_local, s, zone);
}

/* ---- from whole seconds or days ---- */

static void run_number_to_date(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t v = VALUES(0, int64_t)[i];
        int64_t s = v > UINT32_MAX ? UINT32_MAX : v;
        RESULT(uint16_t)[i] = (uint16_t)(v < 0 ? 0 : v <= UINT16_MAX ? v : s / 86400);
    }
}
static void run_number_to_datetime(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t v = VALUES(0, int64_t)[i];
        RESULT(uint32_t)[i] = (uint32_t)(v < 0 ? 0 : v > UINT32_MAX ? UINT32_MAX : v);
    }
}
static void run_days_to_date(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t v = VALUES(0, int64_t)[i];
        RESULT(uint16_t)[i] = (uint16_t)v;
    }
}
static const struct op op_number_to_date = {"toDate", run_number_to_date, 0};
static const struct op op_number_to_datetime = {"toDateTime", run_number_to_datetime, 0};
static const struct op op_days_to_date = {"toDate", run_days_to_date, 0};

/* Whole seconds to ticks; param.i = 10^scale. Cut at the years 0 and 9999 and where ticks would
 * not fit. */
static void run_number_to_ticks(struct call *c)
{
    int64_t per = c->param.i, high = INT64_MAX / per, low = INT64_MIN / per;

    high = high > 253402300799 ? 253402300799 : high;
    low = low < -62167219200 ? -62167219200 : low;
    for (size_t i = 0; i < c->n; i++) {
        int64_t v = VALUES(0, int64_t)[i];
        v = v > high ? high : v < low ? low : v;
        RESULT(int64_t)[i] = v * per;
    }
}
static void run_f64_to_ticks(struct call *c)
{
    double per = (double)c->param.i, high = 253402300799.0, low = -62167219200.0;

    high = high * per > 9.2e18 ? 9223372036.0 : high;
    low = low * per < -9.2e18 ? -9223372036.0 : low;
    for (size_t i = 0; i < c->n; i++) {
        double v = VALUES(0, double)[i];
        c->fresh[i] = v != v ? FAULT_RANGE : 0;
        v = v != v ? 0 : v > high ? high : v < low ? low : v;
        RESULT(int64_t)[i] = (int64_t)(v * per);
    }
}
/* Float32 is multiplied as such. */
static void run_f32_to_ticks(struct call *c)
{
    float per = (float)c->param.i, high = 253402300799.0f, low = -62167219200.0f;

    high = (double)high * (double)per > 9.2e18 ? 9223372036.0f : high;
    low = (double)low * (double)per < -9.2e18 ? -9223372036.0f : low;
    for (size_t i = 0; i < c->n; i++) {
        float v = VALUES(0, float)[i];
        c->fresh[i] = v != v ? FAULT_RANGE : 0;
        v = v != v ? 0 : v > high ? high : v < low ? low : v;
        RESULT(int64_t)[i] = double_to_i64((double)(v * per));
    }
}
static void run_seconds_to_ticks(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(int64_t)[i] = (int64_t)((uint64_t)VALUES(0, int64_t)[i] * (uint64_t)c->param.i);
}
static const struct op op_number_to_ticks = {"toDateTime64", run_number_to_ticks, 0};
static const struct op op_f64_to_ticks = {"toDateTime64", run_f64_to_ticks, OP_FAULTS};
static const struct op op_f32_to_ticks = {"toDateTime64", run_f32_to_ticks, OP_FAULTS};
static const struct op op_seconds_to_ticks = {"toDateTime64", run_seconds_to_ticks, 0};

/* ---- between scales, and to numbers ---- */

static void run_ticks_up(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        c->fresh[i] = __builtin_mul_overflow(VALUES(0, int64_t)[i], c->param.i, &RESULT(int64_t)[i])
                          ? FAULT_RANGE
                          : 0;
}
static void run_ticks_up_u64(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint64_t v = VALUES(0, uint64_t)[i];
        bool fits =
            v <= INT64_MAX && !__builtin_mul_overflow((int64_t)v, c->param.i, &RESULT(int64_t)[i]);
        c->fresh[i] = fits ? 0 : FAULT_RANGE;
        RESULT(int64_t)[i] = fits ? RESULT(int64_t)[i] : 0;
    }
}
static void run_ticks_down(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(int64_t)[i] = VALUES(0, int64_t)[i] / c->param.i;
}
static void run_ticks_to_double(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(double)[i] = (double)VALUES(0, int64_t)[i] / (double)c->param.i;
}
/* param.j = bits of the integer type, negative: signed */
static void run_in_range(struct call *c)
{
    int bits = (int)(c->param.j < 0 ? -c->param.j : c->param.j);
    int64_t high = c->param.j < 0 ? (int64_t)(((uint64_t)1 << (bits - 1)) - 1)
                   : bits >= 64   ? INT64_MAX
                                  : ((int64_t)1 << bits) - 1;
    int64_t low = c->param.j < 0 ? -high - 1 : 0;

    for (size_t i = 0; i < c->n; i++) {
        int64_t v = VALUES(0, int64_t)[i];
        RESULT(int64_t)[i] = v;
        c->fresh[i] = v < low || v > high ? FAULT_RANGE : 0;
    }
}
static const struct op op_ticks_up = {"toDateTime64", run_ticks_up, OP_FAULTS};
static const struct op op_scaled_u64 = {"scaled", run_ticks_up_u64, OP_FAULTS | OP_EAGER_FAULTS};
static const struct op op_scaled = {"scaled", run_ticks_up, OP_FAULTS | OP_EAGER_FAULTS};
static const struct op op_ticks_down = {"seconds", run_ticks_down, 0};
static const struct op op_ticks_to_double = {"toFloat64", run_ticks_to_double, 0};
static const struct op op_in_range = {"inRange", run_in_range, OP_FAULTS};

static void run_cap_date(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint16_t days = VALUES(0, uint16_t)[i];
        RESULT(uint16_t)[i] = days > 49709 ? 49709 : days;
    }
}
static const struct op op_cap_date = {"cap", run_cap_date, 0};

value_id cap_date(struct builder *b, value_id v)
{
    return EMIT(b, &op_cap_date, type_of(TYPE_DATE), v);
}

static value_id emit_i(struct builder *b, const struct op *op, struct type type, value_id v,
                       int64_t i, int64_t j)
{
    return emit(b, op, type, &v, 1, (struct param){.i = i, .j = j}, NULL);
}

value_id scaled(struct builder *b, value_id v, int64_t by)
{
    bool is_u64 = type_storage(value_at(b, v)->type) == TYPE_UINT64;

    if (!is_u64)
        v = cast_number(b, v, TYPE_INT64);
    if (by == 1 && !is_u64)
        return v;
    return emit_i(b, is_u64 ? &op_scaled_u64 : &op_scaled, type_of(TYPE_INT64), v, by, 0);
}

static value_id ticks_to_number(struct builder *b, value_id v, struct type from, struct type to)
{
    struct type i64 = type_of(TYPE_INT64);
    int64_t per = power_of_ten[from.scale];
    value_id ticks = cast_number(b, v, TYPE_INT64);

    if (to.kind == TYPE_BOOL)
        return cast_bool(b, ticks, to);
    if (type_is_float(to))
        return cast_number(b, emit_i(b, &op_ticks_to_double, type_of(TYPE_FLOAT64), ticks, per, 0),
                           to.kind);
    value_id whole = per == 1 ? ticks : emit_i(b, &op_ticks_down, i64, ticks, per, 0);
    int64_t bits = (int64_t)type_width(to) * 8;
    whole = emit_i(b, &op_in_range, i64, whole, 0, type_is_signed(to) ? -bits : bits);
    return cast_number(b, whole, to.kind);
}

static value_id number_to_time(struct builder *b, value_id v, struct type from, struct type to)
{
    if (from.kind == TYPE_UINT64 && to.kind != TYPE_DATETIME64)
        return EMIT(b, to.kind == TYPE_DATE ? &op_u64_to_date : &op_u64_to_datetime, to, v);
    if (to.kind == TYPE_DATE && type_is_float(from))
        return EMIT(b, &op_f64_to_date, to, cast_number(b, v, TYPE_FLOAT64));
    if (to.kind == TYPE_DATE)
        return EMIT(b, &op_number_to_date, to, whole_of(b, v));
    if (to.kind == TYPE_DATETIME)
        return EMIT(b, &op_number_to_datetime, to, whole_of(b, v));
    if (from.kind == TYPE_FLOAT32)
        return emit_i(b, &op_f32_to_ticks, to, v, power_of_ten[to.scale], 0);
    if (type_is_float(from))
        return emit_i(b, &op_f64_to_ticks, to, cast_number(b, v, TYPE_FLOAT64),
                      power_of_ten[to.scale], 0);
    return emit_i(b, &op_number_to_ticks, to, whole_of(b, v), power_of_ten[to.scale], 0);
}

static value_id time_to_time(struct builder *b, value_id v, struct type from, struct type to)
{
    const struct zone *zone = to.zone ? to.zone : from.zone;

    if (to.kind == TYPE_DATE)
        return from.kind == TYPE_DATE ? v : EMIT(b, &op_days_to_date, to, days_of(b, v, zone));
    to.zone = zone;
    if (to.kind == TYPE_DATETIME) {
        if (from.kind == TYPE_DATETIME)
            return retype(b, v, to);
        return retype(b, cast_number(b, seconds_of(b, v, zone), TYPE_UINT32), to);
    }
    if (from.kind != TYPE_DATETIME64)
        return emit_i(b, &op_seconds_to_ticks, to, seconds_of(b, v, zone), power_of_ten[to.scale],
                      0);
    if (from.scale == to.scale)
        return retype(b, v, to);
    if (from.scale < to.scale)
        return emit_i(b, &op_ticks_up, to, v, power_of_ten[to.scale - from.scale], 0);
    return emit_i(b, &op_ticks_down, to, v, power_of_ten[from.scale - to.scale], 0);
}

value_id cast_time(struct builder *b, value_id v, struct type to)
{
    struct type from = type_bare(value_at(b, v)->type);
    bool is_nullable = value_at(b, v)->type.is_nullable;

    if (type_is_number(from) && type_is_day_or_time(to))
        return number_to_time(b, v, from, to);
    if (!type_is_day_or_time(from))
        return -1;
    to.is_nullable = is_nullable;
    if (type_is_day_or_time(to))
        return time_to_time(b, v, from, to);
    if (!type_is_number(to))
        return -1;
    if (from.kind == TYPE_DATETIME64)
        return ticks_to_number(b, v, from, to);
    if (to.kind == TYPE_BOOL)
        return cast_bool(b, v, to);
    return cast_number(b, v, to.kind);
}
