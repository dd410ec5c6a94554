/* SPDX-License-Identifier: Apache-2.0
 *
 * Times moved by numbers and intervals, and distances between times. Days and longer move on the
 * wall clock of the value's zone, shorter units on the time line. */
#include "expr/calendar.h"
#include "expr/times.h"

#include <stdio.h>
#include <string.h>

#include "expr/numbers.h"

/* Seconds of fixed units, months of calendar units. */
static const int64_t unit_seconds[] = {[INTERVAL_SECOND] = 1,
                                       [INTERVAL_MINUTE] = 60,
                                       [INTERVAL_HOUR] = 3600,
                                       [INTERVAL_DAY] = 86400,
                                       [INTERVAL_WEEK] = 604800};
static const int64_t unit_months[] = {
    [INTERVAL_MONTH] = 1, [INTERVAL_QUARTER] = 3, [INTERVAL_YEAR] = 12};

/* Beyond this all calendars end. */
static int64_t clamp_count(int64_t n)
{
    return n > 1200000 ? 1200000 : n < -1200000 ? -1200000 : n;
}

static int64_t moved_by_months(int64_t days, int64_t n)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t year;
    unsigned month, day;

    civil_from_days(days, &year, &month, &day);
    int64_t total = (int64_t)year * 12 + month - 1 + n, to_year = floor_div(total, 12);
    unsigned to_month = (unsigned)(total - to_year * 12);
    bool is_leap = (to_year % 4 == 0 && to_year % 100 != 0) || to_year % 400 == 0;
    unsigned length = lengths[to_month] + (to_month == 1 && is_leap);
    return days_from_civil(to_year, to_month + 1, day < length ? day : length);
}

/* Rows that follow one another mostly move one day by the same. */
int64_t add_months_to_day(int64_t days, int64_t n)
{
    static _Thread_local struct {
        int64_t days, n, moved;
    } last = {INT64_MIN, 0, 0};

    if (days != last.days || n != last.n) {
        last.days = days;
        last.n = n;
        last.moved = moved_by_months(days, n);
    }
    return last.moved;
}

/* A UTC second moved by days or months on the clock of `zone`. */
static int64_t shift_second(const struct zone *zone, int64_t utc_s, int64_t n, int unit)
{
    bool is_utc = is_plain_utc(zone);
    int64_t local = is_utc ? utc_s : local_of(zone, utc_s);
    int64_t day = floor_div(local, 86400), rest = local - day * 86400;

    if (unit >= INTERVAL_MONTH)
        day = add_months_to_day(day, clamp_count(n) * unit_months[unit]);
    else
        day = (int64_t)((uint64_t)day + (uint64_t)n * (uint64_t)(unit_seconds[unit] / 86400));
    local = (int64_t)((uint64_t)day * 86400 + (uint64_t)rest);
    return is_utc ? local : zone_to_utc(zone, local);
}

/* ---- kernels: args = time, n; param.i = unit, param.j = sign * ticks a unit or 10^scale,
 * param.p = zone ---- */

static void run_shift_fixed32(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint32_t)
    [i] =
        (uint32_t)(VALUES(0, uint32_t)[i] + (uint64_t)VALUES(1, int64_t)[i] * (uint64_t)c->param.j);
}
static void run_shift_fixed64(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(int64_t)
    [i] = (int64_t)((uint64_t)VALUES(0, int64_t)[i] +
                    (uint64_t)VALUES(1, int64_t)[i] * (uint64_t)c->param.j);
}
static const struct op op_shift_fixed32 = {"shift", run_shift_fixed32, 0},
                       op_shift_fixed64 = {"shift", run_shift_fixed64, 0};

/* Below a second ClickHouse looks for overflow. */
static void run_shift_small(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t by, moved;
        bool is_over = __builtin_mul_overflow(VALUES(1, int64_t)[i], c->param.j, &by) ||
                       __builtin_add_overflow(VALUES(0, int64_t)[i], by, &moved);
        RESULT(int64_t)[i] = is_over ? 0 : moved;
        c->fresh[i] = is_over ? FAULT_RANGE : 0;
    }
}
static const struct op op_shift_small = {"shift", run_shift_small, OP_FAULTS};

static void run_shift_date(struct call *c)
{
    int unit = (int)c->param.i;

    for (size_t i = 0; i < c->n; i++) {
        int64_t n = (int64_t)((uint64_t)VALUES(1, int64_t)[i] * (uint64_t)c->param.j);
        int64_t days = VALUES(0, uint16_t)[i];
        if (unit >= INTERVAL_MONTH)
            days = add_months_to_day(days, clamp_count(n) * unit_months[unit]);
        else
            days = (int64_t)((uint64_t)days + (uint64_t)n * (uint64_t)(unit_seconds[unit] / 86400));
        RESULT(uint16_t)[i] = (uint16_t)(unit >= INTERVAL_MONTH && days < 0 ? 0 : days);
    }
}
static void run_shift_datetime(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t n = (int64_t)((uint64_t)VALUES(1, int64_t)[i] * (uint64_t)c->param.j);
        int64_t s = shift_second(c->param.p, VALUES(0, uint32_t)[i], n, (int)c->param.i);
        RESULT(uint32_t)[i] = (uint32_t)(c->param.i >= INTERVAL_MONTH && s < 0 ? 0 : s);
    }
}
/* param.j = sign * 10^scale */
static void run_shift_ticks(struct call *c)
{
    int64_t per = c->param.j < 0 ? -c->param.j : c->param.j;

    for (size_t i = 0; i < c->n; i++) {
        int64_t n = (int64_t)((uint64_t)VALUES(1, int64_t)[i] * (c->param.j < 0 ? ~0ULL : 1));
        int64_t ticks = VALUES(0, int64_t)[i], s = floor_div(ticks, per), rest = ticks - s * per;
        uint64_t moved = (uint64_t)shift_second(c->param.p, s, n, (int)c->param.i);
        RESULT(int64_t)[i] = (int64_t)(moved * (uint64_t)per + (uint64_t)rest);
    }
}
static const struct op op_shift_date = {"shift", run_shift_date, 0};
static const struct op op_shift_datetime = {"shift", run_shift_datetime, 0};
static const struct op op_shift_ticks = {"shift", run_shift_ticks, 0};

static value_id emit_shift(struct builder *b, const struct op *op, struct type type, value_id t,
                           value_id n, struct param p)
{
    return emit(b, op, type, (const value_id[]){t, n}, 2, p, NULL);
}

/* time + sign * interval */
static value_id shift(struct site *s, uint32_t time, uint32_t interval, int sign)
{
    struct builder *b = s->b;
    struct type t = s->types[time];
    int unit = s->types[interval].scale;
    value_id v = s->args[time], n = cast_number(b, s->args[interval], TYPE_INT64);

    if (unit < INTERVAL_SECOND) {
        struct type to = {.kind = TYPE_DATETIME64, .zone = t.zone};
        unsigned unit_scale = (unsigned)(9 - 3 * (unit - INTERVAL_NANOSECOND));
        if (t.kind == TYPE_DATE)
            return site_bad_type(s, time,
                                 "a DateTime or DateTime64 for an interval below a second");
        to.scale =
            t.kind == TYPE_DATETIME64 && t.scale > unit_scale ? t.scale : (uint8_t)unit_scale;
        v = cast_values(b, v,
                        (struct type){.kind = to.kind,
                                      .scale = to.scale,
                                      .zone = to.zone,
                                      .is_nullable = value_at(b, v)->type.is_nullable});
        return emit_shift(b, &op_shift_small, to, v, n,
                          (struct param){.j = sign * power_of_ten[to.scale - unit_scale]});
    }
    if (unit < INTERVAL_DAY) {
        if (t.kind == TYPE_DATETIME64)
            return emit_shift(
                b, &op_shift_fixed64, t, v, n,
                (struct param){.j = sign * unit_seconds[unit] * power_of_ten[t.scale]});
        if (t.kind == TYPE_DATE) {
            t = type_of(TYPE_DATETIME);
            v = retype(b, cast_number(b, seconds_of(b, v, NULL), TYPE_UINT32),
                       type_of(TYPE_UINT32));
        }
        return emit_shift(b, &op_shift_fixed32, t, v, n,
                          (struct param){.j = sign * unit_seconds[unit]});
    }
    const struct zone *zone = is_plain_utc(t.zone) ? NULL : t.zone;
    if (t.kind == TYPE_DATE)
        return emit_shift(b, &op_shift_date, t, v, n, (struct param){.i = unit, .j = sign});
    if (t.kind == TYPE_DATETIME)
        return emit_shift(b, &op_shift_datetime, t, v, n,
                          (struct param){.i = unit, .j = sign, .p = zone});
    return emit_shift(b, &op_shift_ticks, t, v, n,
                      (struct param){.i = unit, .j = sign * power_of_ten[t.scale], .p = zone});
}

/* ---- plus, minus ---- */

/* Days to a Date, seconds to the others. */
static value_id add_number(struct site *s, uint32_t time, uint32_t number, int which)
{
    struct builder *b = s->b;
    struct type t = s->types[time];
    enum type_kind storage = type_storage(t);
    value_id x = cast_number(b, s->args[time], storage), y = s->args[number];

    y = cast_number_checked(b, y, storage);
    if (t.kind == TYPE_DATETIME64)
        y = emit_sum(b, 2, y, constant_u64(b, TYPE_INT64, (uint64_t)power_of_ten[t.scale]),
                     TYPE_INT64);
    value_id sum = emit_sum(b, which, x, y, storage);
    t.is_nullable = value_at(b, sum)->type.is_nullable;
    return retype(b, sum, t);
}

static value_id build_difference(struct site *s)
{
    struct builder *b = s->b;

    if (s->types[0].kind == TYPE_DATETIME64 || s->types[1].kind == TYPE_DATETIME64)
        return site_error(
            s, "the difference of DateTime64 is a Decimal, which is not there yet: use dateDiff");
    if (s->types[0].kind != s->types[1].kind)
        return site_error(s, "a Date and a DateTime have no difference: use dateDiff");
    return emit_sum(b, 1, s->args[0], s->args[1], TYPE_INT32);
}

value_id build_time_sum(struct site *s, bool is_minus, bool *is_mine)
{
    struct type x = s->types[0], y = s->types[1];
    bool time_x = type_is_day_or_time(x), time_y = type_is_day_or_time(y);
    bool interval_x = x.kind == TYPE_INTERVAL, interval_y = y.kind == TYPE_INTERVAL;

    *is_mine = time_x || time_y || interval_x || interval_y;
    if (!*is_mine)
        return VALUE_FAILED;
    if (time_x && interval_y)
        return shift(s, 0, 1, is_minus ? -1 : 1);
    if (interval_x && time_y && !is_minus)
        return shift(s, 1, 0, 1);
    if (interval_x && interval_y && x.scale == y.scale) {
        value_id sum = emit_sum(s->b, is_minus, s->args[0], s->args[1], TYPE_INT64);
        x.is_nullable = value_at(s->b, sum)->type.is_nullable;
        return retype(s->b, sum, x);
    }
    if (time_x && type_is_number(y))
        return add_number(s, 0, 1, is_minus);
    if (time_y && type_is_number(x) && !is_minus)
        return add_number(s, 1, 0, 0);
    if (time_x && time_y && is_minus)
        return build_difference(s);
    char a[64], b[64];
    return site_error(s, "'%.*s' does not take %s and %s", STR_FMT(s->name),
                      type_name(value_at(s->b, s->args[0])->type, a),
                      type_name(value_at(s->b, s->args[1])->type, b));
}

/* addDays(t, n) … */
static value_id build_add(struct site *s)
{
    struct builder *b = s->b;
    int unit = (int)(s->f->param & 0xff), sign = s->f->param >> 8 ? -1 : 1;

    if (!type_is_day_or_time(s->types[0]))
        return site_bad_type(s, 0, "a Date, DateTime or DateTime64");
    if (!type_is_number(s->types[1]))
        return site_bad_type(s, 1, "a number");
    bool is_huge = s->types[1].kind == TYPE_UINT64 && unit < INTERVAL_SECOND;
    s->args[1] =
        is_huge ? scaled(b, s->args[1], 1) : cast_number_checked(b, s->args[1], TYPE_INT64);
    s->types[1] = (struct type){.kind = TYPE_INTERVAL, .scale = (uint8_t)unit};
    return shift(s, 0, 1, sign);
}

/* addDate(t, INTERVAL n unit) */
static value_id build_add_date(struct site *s)
{
    if (!type_is_day_or_time(s->types[0]))
        return site_bad_type(s, 0, "a Date, DateTime or DateTime64");
    if (s->types[1].kind != TYPE_INTERVAL)
        return site_bad_type(s, 1, "an INTERVAL");
    return shift(s, 0, 1, s->f->param ? -1 : 1);
}

/* ---- dateDiff ---- */

/* Months since the year 0, counted from 1. */
WIDE static void months_near(int64_t *restrict out, const int64_t *restrict in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct civil_day d = civil_of(near_day(in[i]));
        out[i] = d.year * 12 + d.month;
    }
}

static void month_rows(int64_t *out, const int64_t *in, size_t n)
{
    if (rows_are_near_days(in, n)) {
        months_near(out, in, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        int32_t year;
        unsigned month, day;
        civil_from_days(in[i], &year, &month, &day);
        out[i] = (int64_t)year * 12 + month;
    }
}

/* args: UTC seconds or days; the number of the unit since some start. param.i = unit, param.p =
 * zone */
static void run_unit_number(struct call *c)
{
    int unit = (int)c->param.i;
    int64_t *out = &RESULT(int64_t)[0];
    const int64_t *in = &VALUES(0, int64_t)[0];
    int64_t add = unit == INTERVAL_WEEK                 ? 3
                  : unit == INTERVAL_HOUR && c->param.p ? -zone_offset_at(c->param.p, 0)
                                                        : 0;

    if (unit >= INTERVAL_MONTH)
        month_rows(out, in, c->n);
    switch (unit) {
    case INTERVAL_MINUTE: floor_div_rows(out, in, c->n, 60); break;
    case INTERVAL_HOUR:
    case INTERVAL_WEEK:
        for (size_t i = 0, n = c->n; i < n; i++)
            out[i] = (int64_t)((uint64_t)in[i] + (uint64_t)add);
        floor_div_rows(out, out, c->n, unit == INTERVAL_HOUR ? 3600 : 7);
        break;
    case INTERVAL_MONTH: break;
    case INTERVAL_QUARTER:
    case INTERVAL_YEAR: /* of months counted from 1 */
        for (size_t i = 0, n = c->n; i < n; i++)
            out[i]--;
        floor_div_rows(out, out, c->n, unit == INTERVAL_QUARTER ? 3 : 12);
        break;
    default: memmove(out, in, c->n * sizeof(*out));
    }
}
static const struct op op_unit_number = {"unitNumber", run_unit_number, 0};

/* Names of each unit between blanks, in any case. */
bool interval_unit_by_name(struct str name, int *unit)
{
    static const char *const names[] = {
        [INTERVAL_NANOSECOND] = " nanosecond nanoseconds ns ",
        [INTERVAL_MICROSECOND] = " microsecond microseconds us u ",
        [INTERVAL_MILLISECOND] = " millisecond milliseconds ms ",
        [INTERVAL_SECOND] = " second seconds ss s ",
        [INTERVAL_MINUTE] = " minute minutes mi n ",
        [INTERVAL_HOUR] = " hour hours hh h ",
        [INTERVAL_DAY] = " day days dd d ",
        [INTERVAL_WEEK] = " week weeks wk ww ",
        [INTERVAL_MONTH] = " month months mm m ",
        [INTERVAL_QUARTER] = " quarter quarters qq q ",
        [INTERVAL_YEAR] = " year years yyyy yy ",
    };
    char wanted[32];

    if (name.n == 0 || name.n > 16 || memchr(name.p, ' ', name.n))
        return false;
    snprintf(wanted, sizeof(wanted), " %.*s ", STR_FMT(name));
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcasestr(names[i], wanted)) {
            *unit = (int)i;
            return true;
        }
    return false;
}

static value_id unit_number(struct site *s, uint32_t arg, int unit, bool has_zone,
                            const struct zone *zone)
{
    struct builder *b = s->b;
    struct type t = s->types[arg];
    value_id v = s->args[arg];

    if (!has_zone)
        zone = t.zone;
    if (unit < INTERVAL_SECOND) {
        struct type to = {.kind = TYPE_DATETIME64,
                          .scale = (uint8_t)(9 - 3 * (unit - INTERVAL_NANOSECOND)),
                          .zone = zone};
        to.is_nullable = value_at(b, v)->type.is_nullable;
        return cast_number(b, cast_values(b, v, to), TYPE_INT64);
    }
    v = unit == INTERVAL_SECOND ? seconds_of(b, v, zone)
        : unit < INTERVAL_DAY   ? moment_of(b, v, zone)
                                : days_of(b, v, zone);
    /* ClickHouse wraps what is before 1970 or after 2106 */
    if (unit == INTERVAL_SECOND && t.kind == TYPE_DATE)
        return cast_number(b, cast_number(b, v, TYPE_UINT32), TYPE_INT64);
    if (unit == INTERVAL_DAY && t.kind == TYPE_DATETIME)
        return cast_number(b, cast_number(b, v, TYPE_UINT16), TYPE_INT64);
    if (unit == INTERVAL_SECOND || unit == INTERVAL_DAY)
        return v;
    struct param p = {.i = unit, .p = unit == INTERVAL_HOUR && !is_plain_utc(zone) ? zone : NULL};
    v = emit(b, &op_unit_number, type_of(TYPE_INT64), &v, 1, p, NULL);
    if (unit == INTERVAL_MINUTE && t.kind == TYPE_DATE)
        v = cast_number(b, cast_number(b, v, TYPE_UINT32), TYPE_INT64);
    return v;
}

static value_id build_date_diff(struct site *s)
{
    const struct zone *zone = NULL;
    struct str name;
    int unit;

    if (!site_string(s, 0, &name))
        return VALUE_FAILED;
    if (!interval_unit_by_name(name, &unit))
        return site_error(s, "dateDiff does not know the unit '%.*s'", STR_FMT(name));
    for (uint32_t i = 1; i < 3; i++)
        if (!type_is_day_or_time(s->types[i]))
            return site_bad_type(s, i, "a Date, DateTime or DateTime64");
    if (!site_zone(s, 3, s->types[1], &zone))
        return VALUE_FAILED;
    bool has_zone = s->n_args > 3;
    return emit_sum(s->b, 1, unit_number(s, 2, unit, has_zone, zone),
                    unit_number(s, 1, unit, has_zone, zone), TYPE_INT64);
}

#define ADD_DATE(name, sign, flags)                                                                \
    {                                                                                              \
        name, "t, INTERVAL n unit", sign, 2, 2, flags, build_add_date, (sign)[2] == '-'            \
    }
#define ADD(name, unit)                                                                            \
    {"add" name "s", "t, n", "`t + INTERVAL n " name "`", 2, 2, 0, build_add, unit},               \
    {                                                                                              \
        "subtract" name "s", "t, n", "`t - INTERVAL n " name "`", 2, 2, 0, build_add,              \
            (unit) | 1 << 8                                                                        \
    }
#define DIFF_ALIAS(name, flags)                                                                    \
    {                                                                                              \
        name, "unit, from, to[, zone]", "dateDiff", 3, 4, FN_ALIAS | (flags), build_date_diff, 0   \
    }
static const struct function functions[] = {
    {"dateDiff", "unit, from, to[, zone]",
     "How many borders of the unit (nanosecond … year) lie between.", 3, 4, FN_ANY_CASE,
     build_date_diff, 0},
    ADD_DATE("addDate", "t + INTERVAL n unit", FN_ANY_CASE),
    ADD_DATE("subDate", "t - INTERVAL n unit", FN_ANY_CASE),
    DIFF_ALIAS("date_diff", 0),
    DIFF_ALIAS("DATE_DIFF", 0),
    DIFF_ALIAS("timestampDiff", 0),
    DIFF_ALIAS("timestamp_diff", 0),
    DIFF_ALIAS("TIMESTAMP_DIFF", 0),
    ADD("Nanosecond", INTERVAL_NANOSECOND),
    ADD("Microsecond", INTERVAL_MICROSECOND),
    ADD("Millisecond", INTERVAL_MILLISECOND),
    ADD("Second", INTERVAL_SECOND),
    ADD("Minute", INTERVAL_MINUTE),
    ADD("Hour", INTERVAL_HOUR),
    ADD("Day", INTERVAL_DAY),
    ADD("Week", INTERVAL_WEEK),
    ADD("Month", INTERVAL_MONTH),
    ADD("Quarter", INTERVAL_QUARTER),
    ADD("Year", INTERVAL_YEAR),
};
const struct function_family family_time_shift = {"Times moved and compared", functions,
                                                  COUNT(functions)};
