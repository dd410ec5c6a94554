/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of dates and times, in the value's zone or one that is named. */
#include "expr/calendar.h"
#include "expr/times.h"

enum part {
    PART_YEAR,
    PART_QUARTER,
    PART_MONTH,
    PART_DAY,
    PART_WEEKDAY,
    PART_YEARDAY,
    PART_YYYYMM,
    PART_YYYYMMDD,
    PART_LAST_DAY, /* those above need days only */
    PART_HOUR,
    PART_MINUTE,
    PART_SECOND,
    PART_YYYYMMDDHHMMSS,
    PART_MILLISECOND,
};

/* Days to a part: of a struct civil_day d and the day's number; far days slowly. */
#define DAY_PART(name, T, EXPRESSION)                                                              \
    WIDE static void name##_near(T *restrict out, const int64_t *restrict in, size_t n)            \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            uint32_t number = (uint32_t)in[i];                                                     \
            struct civil_day d = civil_of(near_day(in[i]));                                        \
            (void)number, (void)d;                                                                 \
            out[i] = (T)(EXPRESSION);                                                              \
        }                                                                                          \
    }                                                                                              \
    static void run_##name(struct call *c)                                                         \
    {                                                                                              \
        if (rows_are_near_days(&VALUES(0, int64_t)[0], c->n)) {                                    \
            name##_near(&RESULT(T)[0], &VALUES(0, int64_t)[0], c->n);                              \
            return;                                                                                \
        }                                                                                          \
        for (size_t i = 0; i < c->n; i++) {                                                        \
            int64_t number = VALUES(0, int64_t)[i];                                                \
            struct civil_day d = far_day(number);                                                  \
            (void)number, (void)d;                                                                 \
            RESULT(T)[i] = (T)(EXPRESSION);                                                        \
        }                                                                                          \
    }

static struct civil_day far_day(int64_t days)
{
    int32_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    int64_t next = days_from_civil(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1);
    return (struct civil_day){.year = (uint32_t)year,
                              .month = month,
                              .day = day,
                              .year_day = (uint32_t)(days - days_from_civil(year, 1, 1) + 1),
                              .month_days = (uint32_t)(next - days + day - 1)};
}

DAY_PART(year, uint16_t, d.year)
DAY_PART(quarter, uint8_t, (d.month - 1) / 3 + 1)
DAY_PART(month, uint8_t, d.month)
DAY_PART(day, uint8_t, d.day)
DAY_PART(yearday, uint16_t, d.year_day)
DAY_PART(yyyymm, uint32_t, d.year * 100 + d.month)
DAY_PART(yyyymmdd, uint32_t, d.year * 10000 + d.month * 100 + d.day)
DAY_PART(last_day, uint16_t, number - d.day + d.month_days)

/* Monday 0 … Sunday 6 */
WIDE static void weekdays_near(uint8_t *restrict out, const int64_t *restrict in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)((near_day(in[i]) + 2) % 7);
}

/* param.i: 0 Monday 1 .. Sunday 7, 1 Monday 0, 2 Sunday 0, 3 Sunday 1 */
static void run_weekday(struct call *c)
{
    uint8_t *out = &RESULT(uint8_t)[0];
    const int64_t *in = &VALUES(0, int64_t)[0];
    uint8_t shift = c->param.i >= 2, first = c->param.i == 0 || c->param.i == 3;
    if (rows_are_near_days(in, c->n))
        weekdays_near(out, in, c->n);
    else
        for (size_t i = 0; i < c->n; i++)
            out[i] = (uint8_t)(in[i] + 3 - floor_div(in[i] + 3, 7) * 7);
    for (size_t i = 0, n = c->n; i < n; i++)
        out[i] = (uint8_t)((out[i] + shift) % 7 + first);
}

/* Seconds of the wall clock to a part: EXPRESSION over s, from 0 on. */
#define CLOCK_PART(name, EXPRESSION, all)                                                          \
    WIDE static void name##_near(uint8_t *restrict out, const int64_t *restrict in, size_t n)      \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            uint32_t s = (uint32_t)in[i];                                                          \
            out[i] = (uint8_t)(EXPRESSION);                                                        \
        }                                                                                          \
    }                                                                                              \
    static void run_##name(struct call *c)                                                         \
    {                                                                                              \
        const int64_t *in = &VALUES(0, int64_t)[0];                                                \
        if (rows_fit_u32(in, c->n)) {                                                              \
            name##_near(&RESULT(uint8_t)[0], in, c->n);                                            \
            return;                                                                                \
        }                                                                                          \
        for (size_t i = 0; i < c->n; i++) {                                                        \
            int64_t s = in[i] - floor_div(in[i], all) * all;                                       \
            RESULT(uint8_t)[i] = (uint8_t)(EXPRESSION);                                            \
        }                                                                                          \
    }

CLOCK_PART(hour, s % 86400 / 3600, 86400)
CLOCK_PART(minute, s % 3600 / 60, 3600)
CLOCK_PART(second, s % 60, 60)

WIDE static void run_all_parts(struct call *c)
{
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        struct civil t = civil_from_local(VALUES(0, int64_t)[i]);
        RESULT(uint64_t)
        [i] =
            (((((uint64_t)t.year * 100 + t.month) * 100 + t.day) * 100 + t.hour) * 100 + t.minute) *
                100 +
            t.second;
    }
}

/* param.i = 10^scale */
WIDE static void run_millisecond(struct call *c)
{
    int64_t per = c->param.i;

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        int64_t ticks = VALUES(0, int64_t)[i], rest = ticks - floor_div(ticks, per) * per;
        RESULT(uint16_t)[i] = (uint16_t)(per >= 1000 ? rest / (per / 1000) : rest * (1000 / per));
    }
}

static const struct {
    struct op op;
    uint8_t result; /* enum type_kind */
} parts[] = {
    [PART_YEAR] = {{"toYear", run_year, 0}, TYPE_UINT16},
    [PART_QUARTER] = {{"toQuarter", run_quarter, 0}, TYPE_UINT8},
    [PART_MONTH] = {{"toMonth", run_month, 0}, TYPE_UINT8},
    [PART_DAY] = {{"toDayOfMonth", run_day, 0}, TYPE_UINT8},
    [PART_WEEKDAY] = {{"toDayOfWeek", run_weekday, 0}, TYPE_UINT8},
    [PART_YEARDAY] = {{"toDayOfYear", run_yearday, 0}, TYPE_UINT16},
    [PART_YYYYMM] = {{"toYYYYMM", run_yyyymm, 0}, TYPE_UINT32},
    [PART_YYYYMMDD] = {{"toYYYYMMDD", run_yyyymmdd, 0}, TYPE_UINT32},
    [PART_LAST_DAY] = {{"toLastDayOfMonth", run_last_day, 0}, TYPE_DATE},
    [PART_HOUR] = {{"toHour", run_hour, 0}, TYPE_UINT8},
    [PART_MINUTE] = {{"toMinute", run_minute, 0}, TYPE_UINT8},
    [PART_SECOND] = {{"toSecond", run_second, 0}, TYPE_UINT8},
    [PART_YYYYMMDDHHMMSS] = {{"toYYYYMMDDhhmmss", run_all_parts, 0}, TYPE_UINT64},
    [PART_MILLISECOND] = {{"toMillisecond", run_millisecond, 0}, TYPE_UINT16},
};

static value_id build_part(struct site *s)
{
    struct builder *b = s->b;
    struct type t = s->types[0];
    enum part part = (enum part)s->f->param;
    uint32_t zone_arg = part == PART_WEEKDAY ? 2 : 1;
    const struct zone *zone;
    int64_t mode = 0;
    value_id v;

    if (!type_is_day_or_time(t))
        return site_bad_type(s, 0, "a Date, DateTime or DateTime64");
    if (part >= PART_HOUR && part != PART_YYYYMMDDHHMMSS && t.kind == TYPE_DATE)
        return site_bad_type(s, 0, "a DateTime or DateTime64");
    if (part == PART_WEEKDAY && s->n_args > 1 && !site_integer(s, 1, &mode))
        return VALUE_FAILED;
    if (!site_zone(s, zone_arg, t, &zone))
        return VALUE_FAILED;
    if (part == PART_LAST_DAY && t.kind == TYPE_DATE && s->n_args > 1)
        return site_error(s, "'%.*s' takes no zone for a Date", STR_FMT(s->name));
    if (part == PART_MILLISECOND) {
        v = cast_number(b, s->args[0], TYPE_INT64);
        mode = t.kind == TYPE_DATETIME ? 1 : power_of_ten[t.scale];
        if (t.kind == TYPE_DATETIME)
            v = build_call(b, s->node, STR("multiply"),
                           (value_id[]){v, constant_u64(b, TYPE_INT64, 0)}, 2, s->scope, s->d);
    } else if (part >= PART_HOUR) {
        v = local_seconds_of(b, s->args[0], zone);
    } else {
        v = days_of(b, s->args[0], zone);
    }
    return emit(b, &parts[part].op, type_of(parts[part].result), &v, 1,
                (struct param){.i = part == PART_WEEKDAY ? mode & 3 : mode}, NULL);
}

#define PART(name, text, part)                                                                     \
    {                                                                                              \
        name, "t[, zone]", text, 1, 2, 0, build_part, part                                         \
    }
#define PART_ALIAS(name, of, part)                                                                 \
    {                                                                                              \
        name, "t[, zone]", of, 1, 2, FN_ANY_CASE | FN_ALIAS, build_part, part                      \
    }
static const struct function functions[] = {
    PART("toYear", "Year.", PART_YEAR),
    PART("toQuarter", "Quarter, 1 to 4.", PART_QUARTER),
    PART("toMonth", "Month, 1 to 12.", PART_MONTH),
    PART("toDayOfMonth", "Day, 1 to 31.", PART_DAY),
    {"toDayOfWeek", "t[, mode[, zone]]",
     "Day of the week. Mode 0: Monday 1 … Sunday 7; 1: Monday 0; 2: Sunday 0; 3: Sunday 1.", 1, 3,
     0, build_part, PART_WEEKDAY},
    PART("toDayOfYear", "Day, 1 to 366.", PART_YEARDAY),
    PART("toHour", "Hour.", PART_HOUR),
    PART("toMinute", "Minute.", PART_MINUTE),
    PART("toSecond", "Second.", PART_SECOND),
    PART("toMillisecond", "Thousandths of the second.", PART_MILLISECOND),
    PART("toYYYYMM", "202401", PART_YYYYMM),
    PART("toYYYYMMDD", "20240131", PART_YYYYMMDD),
    PART("toYYYYMMDDhhmmss", "20240131235959", PART_YYYYMMDDHHMMSS),
    PART("toLastDayOfMonth", "The month's last Date.", PART_LAST_DAY),
    PART_ALIAS("YEAR", "toYear", PART_YEAR),
    PART_ALIAS("QUARTER", "toQuarter", PART_QUARTER),
    PART_ALIAS("MONTH", "toMonth", PART_MONTH),
    PART_ALIAS("DAY", "toDayOfMonth", PART_DAY),
    PART_ALIAS("DAYOFMONTH", "toDayOfMonth", PART_DAY),
    PART_ALIAS("DAYOFWEEK", "toDayOfWeek", PART_WEEKDAY),
    PART_ALIAS("DAYOFYEAR", "toDayOfYear", PART_YEARDAY),
    PART_ALIAS("HOUR", "toHour", PART_HOUR),
    PART_ALIAS("MINUTE", "toMinute", PART_MINUTE),
    PART_ALIAS("SECOND", "toSecond", PART_SECOND),
    PART_ALIAS("MILLISECOND", "toMillisecond", PART_MILLISECOND),
};
const struct function_family family_time_part = {"Parts of times", functions, COUNT(functions)};
