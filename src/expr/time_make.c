/* SPDX-License-Identifier: Apache-2.0
 *
 * Times from their parts: makeDate, makeDateTime, makeDateTime64. What is no date is the beginning
 * of the type; hours, minutes and seconds count on. */
#include "expr/times.h"

static double float_at(const struct call *c, uint32_t arg, size_t row)
{
    return VALUES(arg, double)[row];
}

/* ---- Date ---- */

/* Days since 1970; a day up to 31 runs into the next month. */
static bool make_day(int64_t *days, double year, double month, double day)
{
    if (!(year >= 1970 && year <= 2149 && month >= 1 && month <= 12 && day >= 1 && day <= 31))
        return false;
    *days = days_from_civil((int64_t)year, (unsigned)month, 1) + (int64_t)day - 1;
    return *days <= UINT16_MAX;
}

static void run_date(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t days;
        bool is_good = make_day(&days, float_at(c, 0, i), float_at(c, 1, i), float_at(c, 2, i));
        RESULT(uint16_t)[i] = (uint16_t)(is_good ? days : 0);
    }
}
static void run_date_of_year(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        double year = float_at(c, 0, i), day = float_at(c, 1, i);
        bool is_good = year >= 1970 && year <= 2149 && day >= 1 && day <= 365;
        int64_t days = is_good ? days_from_civil((int64_t)year, 1, 1) + (int64_t)day - 1 : 0;
        RESULT(uint16_t)[i] = (uint16_t)(days > UINT16_MAX ? 0 : days);
    }
}
static const struct op op_date = {"makeDate", run_date, 0},
                       op_date_of_year = {"makeDate", run_date_of_year, 0};

/* args: year, month and day, or the day of the year */
static void run_date32(struct call *c)
{
    int64_t last = days_from_civil(2299, 12, 31);

    for (size_t i = 0; i < c->n; i++) {
        bool has_month = c->n_args == 3;
        double year = float_at(c, 0, i), month = has_month ? float_at(c, 1, i) : 1;
        double day = float_at(c, has_month ? 2 : 1, i);
        bool is_good = year >= 1900 && year <= 2299 && month >= 1 && month <= 12 && day >= 1 &&
                       day <= (has_month ? 31 : 365);
        int64_t days = 0;
        if (is_good)
            days = days_from_civil((int64_t)year, (unsigned)month, 1) + (int64_t)day - 1;
        RESULT(int32_t)[i] = (int32_t)(days > last ? 0 : days);
    }
}
static const struct op op_date32 = {"makeDate32", run_date32, 0};

/* The first n arguments as Float64; false: said. */
static bool float_arguments(struct site *s, value_id *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!type_is_number(s->types[i])) {
            site_bad_type(s, i, "a number");
            return false;
        }
        out[i] = cast_number(s->b, s->args[i], TYPE_FLOAT64);
    }
    return true;
}

static value_id build_date(struct site *s)
{
    value_id args[3];

    if (!float_arguments(s, args, s->n_args))
        return VALUE_FAILED;
    if (s->f->param == TYPE_DATE32)
        return emit(s->b, &op_date32, type_of(TYPE_DATE32), args, s->n_args, (struct param){0},
                    NULL);
    return emit(s->b, s->n_args == 3 ? &op_date : &op_date_of_year, type_of(TYPE_DATE), args,
                s->n_args, (struct param){0}, NULL);
}

/* ---- DateTime ---- */

/* Is it a time of day, a day and a month? The parts after the year; 31 days always go, the rest
 * up to 99. */
static bool are_parts(const double parts[6])
{
    return parts[1] >= 1 && parts[1] <= 12 && parts[2] >= 1 && parts[2] <= 31 && parts[3] >= 0 &&
           parts[3] <= 99 && parts[4] >= 0 && parts[4] <= 99 && parts[5] >= 0 && parts[5] <= 99;
}

/* UTC seconds of the parts. */
static int64_t second_of(const double parts[6], const struct zone *zone)
{
    int64_t day = days_from_civil((int64_t)parts[0], (unsigned)parts[1], 1) + (int64_t)parts[2] - 1;
    int64_t local =
        day * 86400 + (int64_t)parts[3] * 3600 + (int64_t)parts[4] * 60 + (int64_t)parts[5];

    return is_plain_utc(zone) ? local : zone_to_utc(zone, local);
}

static void parts_at(const struct call *c, size_t row, double parts[6])
{
    for (uint32_t k = 0; k < 6; k++)
        parts[k] = float_at(c, k, row);
}

/* param.p = zone */
static void run_datetime(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        double parts[6];
        int64_t s = 0;
        parts_at(c, i, parts);
        if (are_parts(parts) && parts[0] >= 1970)
            s = parts[0] > 2106 ? UINT32_MAX : second_of(parts, c->param.p);
        RESULT(uint32_t)[i] = (uint32_t)(s > UINT32_MAX ? UINT32_MAX : s < 0 ? 0 : s);
    }
}
static const struct op op_datetime = {"makeDateTime", run_datetime, 0};

static value_id build_datetime(struct site *s)
{
    struct type type = type_of(TYPE_DATETIME);
    value_id args[6];

    if (!float_arguments(s, args, 6) || !site_zone(s, 6, type, &type.zone))
        return VALUE_FAILED;
    return emit(s->b, &op_datetime, type, args, 6,
                (struct param){.p = is_plain_utc(type.zone) ? NULL : type.zone}, NULL);
}

/* args: the six and the fraction in ticks; param.i = 10^scale, param.p = zone */
static void run_datetime64(struct call *c)
{
    static const double begin[6] = {1900, 1, 1, 0, 0, 0}, end[6] = {2299, 12, 31, 23, 59, 59};
    int64_t per = c->param.i, first = second_of(begin, c->param.p),
            last = second_of(end, c->param.p);

    for (size_t i = 0; i < c->n; i++) {
        double parts[6], ticks = c->n_args > 6 ? float_at(c, 6, i) : 0;
        int64_t s = first, fraction = ticks >= (double)per ? per - 1
                                      : ticks > 0          ? (int64_t)ticks
                                                           : 0;
        parts_at(c, i, parts);
        if (are_parts(parts) && parts[0] >= 1900 && ticks == ticks)
            s = parts[0] >= 2300 ? last : second_of(parts, c->param.p);
        if (s <= first)
            fraction = 0;
        if (parts[0] >= 2300 && s == last)
            fraction = per - 1;
        int64_t v;
        bool is_over =
            __builtin_mul_overflow(s, per, &v) || __builtin_add_overflow(v, fraction, &v);
        RESULT(int64_t)[i] = is_over ? 0 : v;
        c->fresh[i] = is_over ? FAULT_RANGE : 0;
    }
}
static const struct op op_datetime64 = {"makeDateTime64", run_datetime64, OP_FAULTS};

static value_id build_datetime64(struct site *s)
{
    struct type type = type_of(TYPE_DATETIME64);
    uint32_t n = s->n_args > 6 ? 7 : 6;
    value_id args[7];
    int64_t scale = 3;

    if (!float_arguments(s, args, n))
        return VALUE_FAILED;
    if (s->n_args > 7 && !site_integer(s, 7, &scale))
        return VALUE_FAILED;
    if (scale < 0 || scale > 9)
        return site_error(s, "the scale of DateTime64 is 0 to 9, not %lld", (long long)scale);
    if (!site_zone(s, 8, type, &type.zone))
        return VALUE_FAILED;
    type.scale = (uint8_t)scale;
    return emit(
        s->b, &op_datetime64, type, args, n,
        (struct param){.i = power_of_ten[scale], .p = is_plain_utc(type.zone) ? NULL : type.zone},
        NULL);
}

/* ---- days since year 0 ---- */

/* param.i: signed */
static void run_from_year_zero(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t v = VALUES(0, int64_t)[i];
        RESULT(uint16_t)[i] = (uint16_t)(v - 719528);
        c->fresh[i] = c->param.i && v < 0 ? FAULT_RANGE : 0;
    }
}
static const struct op op_from_year_zero = {"fromDaysSinceYearZero", run_from_year_zero, OP_FAULTS};

static value_id build_from_year_zero(struct site *s)
{
    if (!type_is_integer(s->types[0]))
        return site_bad_type(s, 0, "an integer");
    value_id n = cast_number(s->b, s->args[0], TYPE_INT64);
    return emit(s->b, &op_from_year_zero, type_of(TYPE_DATE), &n, 1,
                (struct param){.i = type_is_signed(s->types[0])}, NULL);
}

/* ---- now64 ---- */

static value_id build_now64(struct site *s)
{
    struct type type = type_of(TYPE_DATETIME64);
    int64_t scale = 3;

    if (s->n_args > 0 && !site_integer(s, 0, &scale))
        return VALUE_FAILED;
    if (scale < 0 || scale > 9)
        return site_error(s, "the scale of DateTime64 is 0 to 9, not %lld", (long long)scale);
    if (!site_zone(s, 1, type, &type.zone))
        return VALUE_FAILED;
    type.scale = (uint8_t)scale;
    return cast_values(s->b, builder_now(s->b), type);
}

static const struct function functions[] = {
    {"makeDate", "year, month, day or year, day",
     "Date of its parts; 1970-01-01 where there is none.", 2, 3, FN_ANY_CASE, build_date,
     TYPE_DATE},
    {"makeDate32", "year, month, day or year, day",
     "Date32 of its parts; 1970-01-01 where there is none.", 2, 3, 0, build_date, TYPE_DATE32},
    {"makeDateTime", "year, month, day, hour, minute, second[, zone]", "DateTime of its parts.", 6,
     7, FN_ANY_CASE, build_datetime, 0},
    {"makeDateTime64", "year, month, day, hour, minute, second[, ticks[, scale[, zone]]]",
     "DateTime64(3) of its parts.", 6, 9, FN_ANY_CASE, build_datetime64, 0},
    {"fromDaysSinceYearZero", "n", "Days since 0000-01-01 as a Date.", 1, 1, 0,
     build_from_year_zero, 0},
    {"FROM_DAYS", "n", "fromDaysSinceYearZero", 1, 1, FN_ANY_CASE | FN_ALIAS, build_from_year_zero,
     0},
    {"now64", "[scale[, zone]]", "The epoch's time, DateTime64(3), in whole seconds.", 0, 2,
     FN_ANY_CASE, build_now64, 0},
};
const struct function_family family_time_make = {"Times of parts", functions, COUNT(functions)};
