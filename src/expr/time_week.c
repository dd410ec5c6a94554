/* SPDX-License-Identifier: Apache-2.0
 *
 * Weeks of the year by MySQL's modes and ISO 8601, and times as the number of units since a
 * beginning. */
#include "expr/times.h"

/* Bits of a mode. */
enum { WEEK_MONDAY_FIRST = 1, WEEK_OF_YEAR = 2, WEEK_FIRST_WEEKDAY = 4, WEEK_NEW_YEAR = 8 };

struct year_week {
    int32_t year;
    int32_t week;
};

static int64_t new_year(int64_t year)
{
    return days_from_civil(year, 1, 1);
}

/* 0 = Monday, or Sunday */
static int weekday_of(int64_t days, bool is_sunday_first)
{
    int64_t shifted = days + (is_sunday_first ? 4 : 3);

    return (int)(shifted - floor_div(shifted, 7) * 7);
}

/* Week 1 holds 1 January, also its days of the year before. */
static struct year_week new_year_week(int64_t days, bool is_monday_first)
{
    int64_t first_of_week = days - weekday_of(days, !is_monday_first);
    int32_t year;
    unsigned month, day;

    civil_from_days(first_of_week + 6, &year, &month, &day);
    int64_t first = new_year(year);
    first -= weekday_of(first, !is_monday_first);
    return (struct year_week){year, (int32_t)((first_of_week - first) / 7 + 1)};
}

static struct year_week year_week_of(int64_t days, unsigned mode)
{
    bool is_monday_first = mode & WEEK_MONDAY_FIRST, is_week_year = mode & WEEK_OF_YEAR;
    bool is_first_weekday = ((mode & WEEK_FIRST_WEEKDAY) != 0) != !is_monday_first;
    int32_t year;
    unsigned month, day;

    if (mode & WEEK_NEW_YEAR)
        return new_year_week(days, is_monday_first);
    civil_from_days(days, &year, &month, &day);
    int64_t first = new_year(year), n;
    int weekday = weekday_of(first, !is_monday_first);

    if (month == 1 && (int)day <= 7 - weekday) {
        if (!is_week_year && (is_first_weekday ? weekday != 0 : weekday >= 4))
            return (struct year_week){year, 0};
        is_week_year = true;
        year--;
        n = first - new_year(year);
        first -= n;
        weekday = (int)((weekday + 53 * 7 - n) % 7);
    }
    if (is_first_weekday ? weekday != 0 : weekday >= 4)
        n = days - (first + 7 - weekday);
    else
        n = days - (first - weekday);
    if (is_week_year && n >= 52 * 7) {
        weekday = (int)((weekday + new_year(year + 1) - new_year(year)) % 7);
        if (is_first_weekday ? weekday == 0 : weekday < 4)
            return (struct year_week){year + 1, 1};
    }
    return (struct year_week){year, (int32_t)(n / 7 + 1)};
}

void iso_week_of(int64_t days, int32_t *year, unsigned *week)
{
    struct year_week yw = year_week_of(days, 3);

    *year = yw.year;
    *week = (unsigned)yw.week;
}

static int64_t start_of_iso_year(int64_t days)
{
    int64_t start = new_year(year_week_of(days, 3).year);
    int weekday = weekday_of(start, false);

    start += weekday <= 3 ? -weekday : 7 - weekday;
    return start < 0 ? 0 : start;
}

/* Days in; rows that follow one another are mostly of one day. param.i = mode */
#define WEEK_KERNEL(name, T, EXPRESSION)                                                           \
    static void run_##name(struct call *c)                                                         \
    {                                                                                              \
        const int64_t *in = VALUES(0, int64_t);                                                    \
        unsigned mode = (unsigned)c->param.i;                                                      \
        int64_t last = INT64_MIN;                                                                  \
        T value = 0;                                                                               \
        (void)mode;                                                                                \
        for (size_t i = 0; i < c->n; i++) {                                                        \
            if (in[i] != last) {                                                                   \
                last = in[i];                                                                      \
                value = (T)(EXPRESSION);                                                           \
            }                                                                                      \
            RESULT(T)[i] = value;                                                                  \
        }                                                                                          \
    }
static uint32_t packed_week(int64_t days, unsigned mode)
{
    struct year_week yw = year_week_of(days, mode | WEEK_OF_YEAR);

    return (uint32_t)(yw.year * 100 + yw.week);
}
WEEK_KERNEL(week, uint8_t, year_week_of(last, mode).week)
WEEK_KERNEL(year_week, uint32_t, packed_week(last, mode))
WEEK_KERNEL(iso_year, uint16_t, year_week_of(last, 3).year)
WEEK_KERNEL(start_iso_year, uint16_t, start_of_iso_year(last))
/* param.i: 1 = Sunday ends the week, else Saturday */
static void run_last_of_week(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        int64_t days = VALUES(0, int64_t)[i];
        int64_t last = days + 6 - weekday_of(days, !c->param.i);
        RESULT(uint16_t)[i] = (uint16_t)(last < 0 ? 0 : last > UINT16_MAX ? UINT16_MAX : last);
    }
}
static const struct op op_week = {"toWeek", run_week, 0};
static const struct op op_year_week = {"toYearWeek", run_year_week, 0};
static const struct op op_iso_year = {"toISOYear", run_iso_year, 0};
static const struct op op_start_iso_year = {"toStartOfISOYear", run_start_iso_year, 0};
static const struct op op_last_of_week = {"toLastDayOfWeek", run_last_of_week, 0};

enum week_function { WEEK, YEAR_WEEK, ISO_WEEK, ISO_YEAR, START_ISO_YEAR, LAST_OF_WEEK };
static const struct {
    const struct op *op;
    uint8_t result; /* enum type_kind */
    bool has_mode;
} week_functions[] = {
    [WEEK] = {&op_week, TYPE_UINT8, true},
    [YEAR_WEEK] = {&op_year_week, TYPE_UINT32, true},
    [ISO_WEEK] = {&op_week, TYPE_UINT8, false},
    [ISO_YEAR] = {&op_iso_year, TYPE_UINT16, false},
    [START_ISO_YEAR] = {&op_start_iso_year, TYPE_DATE, false},
    [LAST_OF_WEEK] = {&op_last_of_week, TYPE_DATE, true},
};

static value_id build_week(struct site *s)
{
    enum week_function which = (enum week_function)s->f->param;
    bool has_mode = week_functions[which].has_mode;
    uint32_t zone_arg = has_mode ? 2 : 1;
    struct type t = s->types[0];
    const struct zone *zone;
    int64_t mode = has_mode ? 0 : 3;

    if (!type_is_day_or_time(t))
        return site_bad_type(s, 0, "a Date, DateTime or DateTime64");
    if (has_mode && s->n_args > 1) {
        if (s->types[1].kind != TYPE_UINT8)
            return site_bad_type(s, 1, "a constant UInt8");
        if (!site_integer(s, 1, &mode))
            return VALUE_FAILED;
    }
    if (s->n_args > zone_arg && t.kind == TYPE_DATE)
        return site_error(s, "'%.*s' takes no zone for a Date", STR_FMT(s->name));
    if (!site_zone(s, zone_arg, t, &zone))
        return VALUE_FAILED;
    value_id days = days_of(s->b, s->args[0], zone);
    if (which == LAST_OF_WEEK)
        mode &= 1;
    return emit(s->b, week_functions[which].op,
                type_of((enum type_kind)week_functions[which].result), &days, 1,
                (struct param){.i = mode}, NULL);
}

/* ---- numbers of units ---- */

enum relative {
    RELATIVE_YEAR,
    RELATIVE_QUARTER,
    RELATIVE_MONTH,
    RELATIVE_WEEK,
    RELATIVE_DAY,
    YEAR_ZERO_DAY,
    RELATIVE_HOUR,
    RELATIVE_MINUTE,
    RELATIVE_SECOND
};

/* Days, or from hours on UTC seconds; param.i = enum relative, param.j = seconds by which hours
 * begin late, param.p = zone */
static void run_relative(struct call *c)
{
    /* before 1970 ClickHouse counts from a day earlier */
    int64_t first_skew = (c->param.p ? zone_offset_at(c->param.p, 0) : 0) - 86400;

    for (size_t i = 0; i < c->n; i++) {
        int64_t v = VALUES(0, int64_t)[i];
        int32_t year = 0;
        unsigned month = 0, day = 0;
        if (c->param.i < RELATIVE_WEEK)
            civil_from_days(v, &year, &month, &day);
        switch ((enum relative)c->param.i) {
        case RELATIVE_YEAR: v = year; break;
        case RELATIVE_QUARTER: v = (int64_t)year * 4 + (month - 1) / 3; break;
        case RELATIVE_MONTH: v = (int64_t)year * 12 + month; break;
        case RELATIVE_WEEK: v = (uint16_t)((v + (v < 0 ? 4 : 3)) / 7); break; /* as ClickHouse */
        case YEAR_ZERO_DAY: v += 719528; break;
        case RELATIVE_HOUR: v = floor_div(v - (v < 0 ? first_skew : c->param.j), 3600); break;
        case RELATIVE_MINUTE: v = floor_div(v, 60); break;
        default: break;
        }
        RESULT(int64_t)[i] = v;
    }
}
static const struct op op_relative = {"toRelative", run_relative, 0};

/* ClickHouse's hours begin on the full hour where the zone always differs by full hours;
 * elsewhere it counts from a day before local 1970. */
static int64_t hour_skew(const struct zone *zone)
{
    enum { WEEK_S = 7 * 86400 };

    for (int64_t s = 0; !is_plain_utc(zone) && s < UINT32_MAX; s += WEEK_S)
        if (zone_offset_at(zone, s) % 3600)
            return zone_offset_at(zone, 0) - 86400;
    return 0;
}

static value_id build_relative(struct site *s)
{
    struct type t = s->types[0];
    enum relative which = (enum relative)s->f->param;
    const struct zone *zone;

    if (!type_is_day_or_time(t))
        return site_bad_type(s, 0, "a Date, DateTime or DateTime64");
    if (!site_zone(s, 1, t, &zone))
        return VALUE_FAILED;
    if (which == YEAR_ZERO_DAY && t.kind == TYPE_DATETIME)
        zone = NULL; /* whatever the clock: ClickHouse counts days of UTC here */
    value_id v = which == RELATIVE_SECOND ? seconds_of(s->b, s->args[0], zone)
                 : which > YEAR_ZERO_DAY  ? moment_of(s->b, s->args[0], zone)
                                          : days_of(s->b, s->args[0], zone);
    struct param p = {.i = which,
                      .j = which == RELATIVE_HOUR ? hour_skew(zone) : 0,
                      .p = which == RELATIVE_HOUR && !is_plain_utc(zone) ? zone : NULL};
    v = emit(s->b, &op_relative, type_of(TYPE_INT64), &v, 1, p, NULL);
    if (which == RELATIVE_DAY)
        v = cast_number(s->b, v, TYPE_UINT16);
    return cast_number(s->b, v, which == RELATIVE_YEAR ? TYPE_UINT16 : TYPE_UINT32);
}

/* UTC seconds in; param.p = zone */
static void run_offset(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(int32_t)[i] = zone_offset_at(c->param.p, VALUES(0, int64_t)[i]);
}
static const struct op op_offset = {"timezoneOffset", run_offset, 0};

static value_id build_offset(struct site *s)
{
    const struct zone *zone;

    if (!type_is_time(s->types[0]))
        return site_bad_type(s, 0, "a DateTime or DateTime64");
    if (!site_zone(s, 1, s->types[0], &zone))
        return VALUE_FAILED;
    value_id v = seconds_of(s->b, s->args[0], zone);
    return emit(s->b, &op_offset, type_of(TYPE_INT32), &v, 1,
                (struct param){.p = is_plain_utc(zone) ? NULL : zone}, NULL);
}

#define MODED(name, text, flags, which)                                                            \
    {                                                                                              \
        name, "t[, mode[, zone]]", text, 1, 3, flags, build_week, which                            \
    }
#define PLAIN(name, text, which)                                                                   \
    {                                                                                              \
        name, "t[, zone]", text, 1, 2, 0, build_week, which                                        \
    }
#define RELATIVE(name, text, which)                                                                \
    {                                                                                              \
        name, "t[, zone]", text, 1, 2, 0, build_relative, which                                    \
    }
static const struct function functions[] = {
    MODED("toWeek", "Week of the year by MySQL's mode 0 to 9, UInt8.", 0, WEEK),
    MODED("week", "toWeek", FN_ANY_CASE | FN_ALIAS, WEEK),
    MODED("toYearWeek", "Year and week by MySQL's mode, 202453.", 0, YEAR_WEEK),
    MODED("yearweek", "toYearWeek", FN_ANY_CASE | FN_ALIAS, YEAR_WEEK),
    PLAIN("toISOWeek", "Week of the year by ISO 8601.", ISO_WEEK),
    PLAIN("toISOYear", "Year that ISO 8601 counts the week to.", ISO_YEAR),
    PLAIN("toStartOfISOYear", "First day of that year, a Date.", START_ISO_YEAR),
    MODED("toLastDayOfWeek", "Last day of the week, a Date: Saturday, with an odd mode Sunday.", 0,
          LAST_OF_WEEK),
    RELATIVE("toRelativeYearNum", "The year.", RELATIVE_YEAR),
    RELATIVE("toRelativeQuarterNum", "Quarters since year 0.", RELATIVE_QUARTER),
    RELATIVE("toRelativeMonthNum", "Months since year 0.", RELATIVE_MONTH),
    RELATIVE("toRelativeWeekNum", "Weeks since 1969-12-29.", RELATIVE_WEEK),
    RELATIVE("toRelativeDayNum", "Days since 1970.", RELATIVE_DAY),
    RELATIVE("toRelativeHourNum", "Hours since 1970.", RELATIVE_HOUR),
    RELATIVE("toRelativeMinuteNum", "Minutes since 1970.", RELATIVE_MINUTE),
    RELATIVE("toRelativeSecondNum", "Seconds since 1970.", RELATIVE_SECOND),
    RELATIVE("toDaysSinceYearZero", "Days since 0000-01-01.", YEAR_ZERO_DAY),
    {"TO_DAYS", "t[, zone]", "toDaysSinceYearZero", 1, 2, FN_ANY_CASE | FN_ALIAS, build_relative,
     YEAR_ZERO_DAY},
    {"timezoneOffset", "t", "Seconds by which t's clock is before UTC, Int32.", 1, 1, 0,
     build_offset, 0},
    {"timeZoneOffset", "t", "timezoneOffset", 1, 1, FN_ALIAS, build_offset, 0},
};
const struct function_family family_time_week = {"Weeks and numbers of units", functions,
                                                 COUNT(functions)};
