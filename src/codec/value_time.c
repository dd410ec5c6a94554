/* SPDX-License-Identifier: Apache-2.0
 *
 * Times from text. Most texts are YYYY-MM-DD, a separator, hh:mm:ss, perhaps a fraction and a Z:
 * those are read by position. All others go through a reader that takes one part after the other
 * in any order, with ClickHouse's rules of what a run of digits is (docs/formats/times.md). Two
 * differences, both refusals: a text without a year (ClickHouse takes the clock's) and a time
 * outside the type (ClickHouse takes the nearest). */
#include <limits.h>
#include <strings.h>

#include "codec/value.h"
#include "column/zone.h"

enum { MAX_DIGITS = 19, DAY_S = 86400 };

const int64_t powers_of_10[19] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

/* A moment: whole UTC seconds, and `n_digits` digits after them. */
struct moment {
    int64_t s;
    int64_t fraction;
    unsigned n_digits;
};

struct reader {
    const char *p, *end;
    char digits[MAX_DIGITS]; /* of the run read last */
    unsigned n_digits;
    int year, month, day, hour, minute, second; /* 0 = not read */
    bool has_time, has_hour, has_fraction, has_comma;
    bool has_offset, has_shift; /* a zone is named; it is not UTC */
    bool is_am, is_pm;
    bool is_us;          /* MM/DD, not DD/MM */
    bool keeps_fraction; /* of Unix seconds: DateTime64 takes 1680613879.5, DateTime does not */
    int offset_s;
    struct moment *out;
};

/* DONE: `out` is complete, only the end may follow */
enum step { STEP_NEXT, STEP_STOP, STEP_DONE };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static unsigned take_digits(struct reader *r)
{
    r->n_digits = 0;
    while (r->p < r->end && is_digit(*r->p) && r->n_digits < MAX_DIGITS)
        r->digits[r->n_digits++] = *r->p++;
    return r->n_digits;
}

static int64_t number(const struct reader *r, unsigned from, unsigned n)
{
    int64_t v = 0;
    for (unsigned i = from; i < from + n; i++)
        v = v * 10 + (r->digits[i] - '0');
    return v;
}

/* One or two digits. */
static bool take_small(struct reader *r, int *ret)
{
    unsigned n = take_digits(r);
    if (n != 1 && n != 2)
        return false;
    *ret = (int)number(r, 0, n);
    return true;
}

static void take_fraction(struct reader *r)
{
    unsigned n = take_digits(r);
    n = n > 18 ? 18 : n;
    r->out->fraction = number(r, 0, n);
    r->out->n_digits = n;
}

static const char *const month_names[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};

static const char *const weekday_names[] = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
};

/* The zone abbreviations there are; all others are refused, for most of them mean several zones. */
static const struct {
    const char *name;
    int hours;
} abbreviations[] = {{"UTC", 0}, {"GMT", 0}, {"MSK", 3}, {"MSD", 4}};

/* A name or its first three letters, in any case; the position in `names`, or -1. */
static int find_word(struct str word, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(names[i]);
        if ((word.n == 3 || word.n == length) && strncasecmp(word.p, names[i], word.n) == 0)
            return (int)i;
    }
    return -1;
}

static struct str take_word(struct reader *r)
{
    struct str word = {r->p, 0};
    while (r->p < r->end && is_alpha(*r->p))
        r->p++;
    word.n = (size_t)(r->p - word.p);
    return word;
}

/* Seconds, or with more digits milli-, micro- or nanoseconds since 1970. */
static void unix_time(struct reader *r, unsigned whole)
{
    unsigned n = r->n_digits;

    r->out->s = number(r, 0, whole);
    r->out->n_digits = n - whole;
    r->out->fraction = number(r, whole, n - whole);
    if (n == whole && r->keeps_fraction && take(r, '.'))
        take_fraction(r);
}

/* YYYY, then a separator and the rest of the date if it follows. */
static const char *after_year(struct reader *r, enum step *step)
{
    r->year = (int)number(r, 0, 4);
    if (r->p == r->end)
        return NULL;
    char separator = *r->p;
    if ((signed char)separator < 0x20 || separator == ',' || separator == ';' ||
        separator == '\'' || separator == '"') {
        *step = STEP_STOP;
        return NULL;
    }
    if (r->month)
        return NULL;
    r->p++;
    if (!take_small(r, &r->month)) {
        if (r->n_digits == 0 && separator == ' ')
            return NULL;
        if (separator == ' ')
            return "stray digits after the year";
        return "not a time: the month after the year has one or two digits";
    }
    if (r->day == 0 && take(r, separator) && !take_small(r, &r->day)) {
        if (r->n_digits == 0 && separator == ' ')
            return NULL;
        if (separator == ' ')
            return "stray digits after the month";
        return "not a time: the day after the month has one or two digits";
    }
    return NULL;
}

static const char *after_hour(struct reader *r, int hour)
{
    if (r->has_time)
        return "not a time: the hour is there twice";
    r->hour = hour;
    r->has_time = true;
    if (!take_small(r, &r->minute))
        return "not a time: the minute has one or two digits";
    if (take(r, ':') && !take_small(r, &r->second))
        return "not a time: the second has one or two digits";
    return NULL;
}

static bool take_date_separator(struct reader *r)
{
    return take(r, '/') || take(r, '.') || take(r, '-');
}

/* DD/MM (MM/DD as in the US), DD-Mon, perhaps with the year; a month above 12 means the other
 * way round. */
static const char *after_day(struct reader *r, int day, bool *is_word)
{
    if (r->day)
        return "not a time: the day is there twice";
    if (r->month)
        return "not a time: the month is there twice";
    r->day = day;
    if (!take_small(r, &r->month)) {
        struct str word = take_word(r);
        int found =
            r->n_digits == 0 && !r->is_us ? find_word(word, month_names, COUNT(month_names)) : -1;
        if (found < 0)
            return "not a time: no month after the day";
        r->month = found + 1;
        *is_word = true;
    }
    if (r->month > 12 || (r->is_us && r->day <= 12)) {
        int swapped = r->month;
        r->month = r->day;
        r->day = swapped;
    }
    if (!take_date_separator(r))
        return NULL;
    *is_word = false;
    if (r->year)
        return "not a time: the year is there twice";
    unsigned n = take_digits(r);
    if (n != 4 && n != 2)
        return "not a time: the year has two or four digits";
    r->year = (int)number(r, 0, n);
    if (n == 2)
        r->year += r->year >= 70 ? 1900 : 2000;
    return NULL;
}

static const char *take_number_part(struct reader *r, enum step *step, bool *is_word)
{
    unsigned n = r->n_digits;
    bool is_first = !r->year && !r->has_time;

    if (is_first && (n == 9 || n == 10 || n == 13 || n == 16 || n == 19)) {
        unix_time(r, n == 9 ? 9 : 10);
        *step = STEP_DONE;
        return NULL;
    }
    if ((n == 14 && is_first) || (n == 8 && !r->year)) {
        if (r->month || r->day)
            return "two dates";
        r->year = (int)number(r, 0, 4);
        r->month = (int)number(r, 4, 2);
        r->day = (int)number(r, 6, 2);
        if (n == 8)
            return NULL;
        r->hour = (int)number(r, 8, 2);
        r->minute = (int)number(r, 10, 2);
        r->second = (int)number(r, 12, 2);
        r->has_time = true;
        return NULL;
    }
    if (n == 6 && !r->year && !r->month) {
        r->year = (int)number(r, 0, 4);
        r->month = (int)number(r, 4, 2);
        return NULL;
    }
    if (n == 6 && !r->has_time) {
        if (r->has_hour)
            return "two hours";
        r->hour = (int)number(r, 0, 2);
        r->minute = (int)number(r, 2, 2);
        r->second = (int)number(r, 4, 2);
        r->has_time = true;
        return NULL;
    }
    if (n == 4 && !r->year)
        return after_year(r, step);
    if (n != 1 && n != 2)
        return "not a time: a run of digits of this length has no meaning";

    int v = (int)number(r, 0, n);
    const char *reason = NULL;
    if (take(r, ':')) {
        reason = after_hour(r, v);
    } else if (take(r, ',')) {
        if (r->month && !r->day)
            r->day = v;
    } else if (take_date_separator(r)) {
        reason = after_day(r, v, is_word);
    } else if (r->day) {
        if (r->has_hour)
            return "two hours";
        r->hour = v;
        r->has_hour = true;
    } else {
        r->day = v;
    }
    return reason;
}

static const char *take_offset(struct reader *r, bool is_negative)
{
    unsigned n = take_digits(r);
    int hours, minutes = 0;

    if (n == 6 && !r->has_time && r->year && r->month && r->day) {
        if (r->has_hour)
            return "two hours";
        r->hour = (int)number(r, 0, 2);
        r->minute = (int)number(r, 2, 2);
        r->second = (int)number(r, 4, 2);
        r->has_time = true;
        return NULL;
    }
    if (n < 1 || n > 4)
        return "not a time: the offset from UTC is written +hh:mm";
    if (r->has_shift)
        return "two offsets from UTC";
    r->has_offset = r->has_shift = true;
    hours = (int)number(r, 0, n <= 2 ? n : n - 2);
    if (n > 2)
        minutes = (int)number(r, n - 2, 2);
    else if (take(r, ':') && !take_small(r, &minutes))
        return "not a time: the offset from UTC is written +hh:mm";
    r->offset_s = (is_negative ? -1 : 1) * (hours * 3600 + minutes * 60);
    return NULL;
}

static const char *take_word_part(struct reader *r)
{
    struct str word = take_word(r);
    int found;

    if (word.n == 2 && (word.p[1] | 32) == 'm') {
        if ((word.p[0] | 32) == 'a')
            r->is_am = true;
        else if ((word.p[0] | 32) == 'p')
            r->is_pm = true;
        else
            return "not a time: unknown word";
        return NULL;
    }
    if (word.n < 3)
        return "not a time: unknown word";
    if ((found = find_word(word, month_names, COUNT(month_names))) >= 0) {
        r->month = found + 1;
        return NULL;
    }
    if (find_word(word, weekday_names, COUNT(weekday_names)) >= 0) {
        take(r, ',');
        return NULL;
    }
    for (size_t i = 0; i < COUNT(abbreviations); i++) {
        if (word.n == 3 && strncasecmp(word.p, abbreviations[i].name, 3) == 0) {
            r->has_offset = true;
            if (abbreviations[i].hours && r->has_shift)
                return "two offsets from UTC";
            if (abbreviations[i].hours) {
                r->has_shift = true;
                r->offset_s = abbreviations[i].hours * 3600;
            }
            return NULL;
        }
    }
    return "not a time: unknown word or zone abbreviation";
}

static const char *take_other_part(struct reader *r, enum step *step)
{
    if (r->p == r->end)
        return NULL;
    char c = *r->p;
    if (c == ' ' || (c == 'T' && r->year && !r->has_time)) {
        r->p++;
    } else if (c == 'Z') {
        r->p++;
        r->has_offset = true;
    } else if (c == '.') {
        if (!r->has_time || r->has_fraction)
            return "not a time: unexpected point";
        r->p++;
        r->has_fraction = true;
        take_fraction(r);
    } else if (c == '+' || c == '-') {
        r->p++;
        return take_offset(r, c == '-');
    } else if (is_alpha(c)) {
        return take_word_part(r);
    } else {
        *step = STEP_STOP;
    }
    return NULL;
}

static const char *take_parts(struct reader *r, enum step *step)
{
    while (r->p < r->end) {
        if (!r->year != !r->has_time && take(r, ',')) {
            r->has_comma = true;
            if (r->p == r->end)
                return NULL;
        }
        const char *reason = NULL;
        bool is_word = false;
        if ((r->year && r->has_time) || take_digits(r) == 0)
            reason = take_other_part(r, step);
        else
            reason = take_number_part(r, step, &is_word);
        if (reason == NULL && is_word) /* 4-Apr: no digit may follow at once */
            reason = take_other_part(r, step);
        if (reason || *step != STEP_NEXT)
            return reason;
    }
    return NULL;
}

static bool is_date(int year, int month, int day)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month >= 1 && month <= 12 && day >= 1 &&
           day <= lengths[month - 1] + (month == 2 && is_leap);
}

static const char *read_any(struct moment *out, struct str text, const struct zone *zone,
                            struct reader how)
{
    struct reader r = {.p = text.p,
                       .end = text.p + text.n,
                       .out = out,
                       .keeps_fraction = how.keeps_fraction,
                       .is_us = how.is_us};
    enum step step = STEP_NEXT;

    *out = (struct moment){0};
    const char *reason = take_parts(&r, &step);
    if (reason)
        return reason;
    if (r.p != r.end)
        return "not a time: unexpected text after it";
    if (step == STEP_DONE)
        return NULL;
    if (r.has_comma && (!r.has_time || !r.year || !r.month || !r.day))
        return "not a time: a comma, but not a date and a time";
    if (!r.year)
        return r.month || r.day || r.has_time ? "a time without a year" : "not a time";
    r.month = r.month ? r.month : 1;
    r.day = r.day ? r.day : 1;
    if (!is_date(r.year, r.month, r.day))
        return "no such date";
    if (r.is_am && r.hour == 12)
        r.hour = 0;
    if (r.is_pm && r.hour < 12)
        r.hour += 12;
    int64_t local = days_from_civil(r.year, (unsigned)r.month, (unsigned)r.day) * DAY_S +
                    r.hour * 3600 + r.minute * 60 + r.second;
    out->s = r.has_offset ? local - r.offset_s : zone_to_utc(zone, local);
    return NULL;
}

/* ---- the usual form, by position ---- */

static int pair(const char *p)
{
    return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + (p[1] - '0') : -1;
}

static bool read_usual(struct moment *out, struct str text, const struct zone *zone)
{
    const char *p = text.p, *end = p + text.n;

    if (text.n < 19 || p[4] != '-' || p[7] != '-' || (p[10] != ' ' && p[10] != 'T') ||
        p[13] != ':' || p[16] != ':')
        return false;
    int century = pair(p), of_century = pair(p + 2), month = pair(p + 5), day = pair(p + 8);
    int hour = pair(p + 11), minute = pair(p + 14), second = pair(p + 17);
    if ((century | of_century | month | day | hour | minute | second) < 0 || century == 0 ||
        !is_date(century * 100 + of_century, month, day))
        return false;
    *out = (struct moment){0};
    p += 19;
    if (p < end && *p == '.') {
        for (p++; p < end && is_digit(*p); p++) {
            if (out->n_digits == 18)
                return false;
            out->fraction = out->fraction * 10 + (*p - '0');
            out->n_digits++;
        }
    }
    bool is_utc = p < end && *p == 'Z';
    if (p + is_utc != end)
        return false;
    int64_t local =
        days_from_civil(century * 100 + of_century, (unsigned)month, (unsigned)day) * DAY_S +
        hour * 3600 + minute * 60 + second;
    out->s = is_utc ? local : zone_to_utc(zone, local);
    return true;
}

static const char *read_datetime(uint32_t *ret, struct str text, const struct zone *zone,
                                 bool is_us)
{
    struct moment m;
    const char *reason;

    if (!read_usual(&m, text, zone) &&
        (reason = read_any(&m, text, zone, (struct reader){.is_us = is_us})) != NULL)
        return reason;
    if (m.s < 0 || m.s > UINT32_MAX)
        return "a time outside DateTime (1970-01-01 to 2106-02-07)";
    *ret = (uint32_t)m.s;
    return NULL;
}

const char *value_datetime(uint32_t *ret, struct str text, const struct zone *zone)
{
    return read_datetime(ret, text, zone, false);
}

const char *value_datetime_us(uint32_t *ret, struct str text, const struct zone *zone)
{
    return read_datetime(ret, text, zone, true);
}

static const char *read_datetime64(int64_t *ret, struct str text, const struct zone *zone,
                                   unsigned scale, bool is_us)
{
    struct moment m;
    const char *reason;
    int64_t ticks;

    if (!read_usual(&m, text, zone) &&
        (reason = read_any(&m, text, zone,
                           (struct reader){.is_us = is_us, .keeps_fraction = true})) != NULL)
        return reason;
    if (m.n_digits > scale)
        m.fraction /= powers_of_10[m.n_digits - scale];
    else
        m.fraction *= powers_of_10[scale - m.n_digits];
    if (__builtin_mul_overflow(m.s, powers_of_10[scale], &ticks) ||
        __builtin_add_overflow(ticks, m.fraction, &ticks))
        return "a time outside DateTime64 of this scale";
    *ret = ticks;
    return NULL;
}

const char *value_datetime64(int64_t *ret, struct str text, const struct zone *zone, unsigned scale)
{
    return read_datetime64(ret, text, zone, scale, false);
}

const char *value_datetime64_us(int64_t *ret, struct str text, const struct zone *zone,
                                unsigned scale)
{
    return read_datetime64(ret, text, zone, scale, true);
}

const char *value_date(uint16_t *ret, struct str text)
{
    const char *p = text.p, *end = p + text.n;
    int part[2] = {0};

    if (text.n < 8 || text.n > 10)
        return "not a date";
    int century = pair(p), of_century = pair(p + 2);
    if (century < 0 || of_century < 0)
        return "not a date";
    p += 4;
    bool is_plain = text.n == 8 && is_digit(*p); /* YYYYMMDD */
    for (int i = 0; i < 2; i++) {
        p += !is_plain;
        if (p >= end || is_digit(*p) == false || (!is_plain && is_digit(p[-1])))
            return "not a date";
        part[i] = *p++ - '0';
        if (p < end && is_digit(*p))
            part[i] = part[i] * 10 + (*p++ - '0');
    }
    if (p != end)
        return "not a date";
    int year = century * 100 + of_century;
    if (year == 0 && part[0] == 0 && part[1] == 0) {
        *ret = 0; /* what other databases write for "none" */
        return NULL;
    }
    if (part[0] < 1 || part[0] > 12 || part[1] < 1 || part[1] > 31)
        return "no such date";
    int64_t days = days_from_civil(year, (unsigned)part[0], (unsigned)part[1]);
    if (days < 0 || days > UINT16_MAX)
        return "a date outside Date (1970-01-01 to 2149-06-06)";
    *ret = (uint16_t)days;
    return NULL;
}
