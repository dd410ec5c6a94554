/* SPDX-License-Identifier: Apache-2.0
 *
 * parseDateTime, parseDateTime64: text by a format of MySQL's. The format is compiled once; a row reads one item
 * after the other and must be used up. */
#include <ctype.h>
#include <strings.h>

#include "expr/text_value.h"
#include "expr/times.h"

struct parse_item {
    char code; /* 0 = the text itself */
    struct str text;
};

struct parse_format {
    struct parse_item *items;
    size_t n;
};

static void add_item(struct parse_format *f, char code, struct str text)
{
    f->items[f->n++] = (struct parse_item){code, text};
}

/* What a code consists of, in codes and text. */
static const char *expansion(char code)
{
    switch (code) {
    case 'D': return "%m/%d/%\002"; /* here the century is always the 21st */
    case 'F': return "%Y-%m-%d";
    case 'T': return "%H:%i:%s";
    case 'R': return "%H:%i";
    case 'r': return "%h:%i %p";
    default: return NULL;
    }
}

/* False: said. */
static bool compile(struct site *s, struct parse_format *f, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t start = i;
        while (i < text.n && text.p[i] != '%')
            i++;
        if (i > start)
            add_item(f, 0, (struct str){text.p + start, i - start});
        if (i == text.n)
            break;
        char code = i + 1 < text.n ? text.p[i + 1] : 0;
        const char *parts = expansion(code);
        if (parts) {
            if (!compile(s, f, str_of(parts)))
                return false;
        } else if (code == '%' || code == 'n' || code == 't') {
            add_item(f, 0, code == '%' ? STR("%") : code == 'n' ? STR("\n") : STR("\t"));
        } else if (code != 0 && strchr("\002abcdefgGhHiIjklmMpsSuVwWyYz", code)) {
            add_item(f, code, (struct str){0});
        } else {
            site_error(s, code ? "there is no %%%c in formats to parse" : "the format ends in %%",
                       code);
            return false;
        }
        i += 2;
    }
    return true;
}

/* ---- reading ---- */

struct parsed {
    const char *p, *end;
    int year, month, day, yearday, week, weekday; /* yearday, week: 0 = not read */
    int hour, minute, second;
    bool has_year, is_week, is_yearday, is_half_day, is_pm, has_offset;
    bool any_year; /* not only those of a DateTime */
    int64_t offset_s;
    int32_t microsecond;
};

static bool take_digits(struct parsed *t, int n, int *ret)
{
    int v = 0;

    if (t->end - t->p < n)
        return false;
    for (int i = 0; i < n; i++) {
        char ch = *t->p++;
        if (ch < '0' || ch > '9')
            return false;
        v = v * 10 + (ch - '0');
    }
    *ret = v;
    return true;
}

/* One or two digits. */
static bool take_short(struct parsed *t, int *ret)
{
    if (t->end - t->p >= 2 && t->p[1] >= '0' && t->p[1] <= '9')
        return take_digits(t, 2, ret);
    return take_digits(t, 1, ret);
}

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};

/* 1.. or 0 */
static int take_name(struct parsed *t, const char *const *names, int n, bool is_short)
{
    for (int i = 0; i < n; i++) {
        size_t length = is_short ? 3 : strlen(names[i]);
        if ((size_t)(t->end - t->p) >= length && strncasecmp(t->p, names[i], length) == 0) {
            t->p += length;
            return i + 1;
        }
    }
    return 0;
}

static void set_default_year(struct parsed *t)
{
    if (!t->has_year)
        t->year = 2000;
    t->has_year = true;
}

static bool set_year(struct parsed *t, int year)
{
    t->year = year;
    t->has_year = true;
    return t->any_year || (year >= 1970 && year <= 2106);
}

static bool set_month(struct parsed *t, int month)
{
    set_default_year(t);
    t->month = month;
    t->is_week = t->is_yearday = false;
    return month >= 1 && month <= 12;
}

static bool set_day(struct parsed *t, int day)
{
    set_default_year(t);
    t->day = day;
    t->is_week = t->is_yearday = false;
    return day >= 1 && day <= 31;
}

static bool set_weekday(struct parsed *t, int weekday)
{
    t->weekday = weekday;
    t->is_week = true;
    t->is_yearday = false;
    set_default_year(t);
    return weekday >= 1 && weekday <= 7;
}

static bool take_offset(struct parsed *t)
{
    int hours, minutes;

    if (t->end - t->p < 5 || (*t->p != '+' && *t->p != '-'))
        return false;
    int sign = *t->p++ == '-' ? -1 : 1;
    if (!take_digits(t, 2, &hours) || !take_digits(t, 2, &minutes))
        return false;
    t->has_offset = true;
    t->offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool take_item(struct parsed *t, char code)
{
    int v = 0;

    switch (code) {
    case 'a': return (v = take_name(t, day_names, 7, true)) && set_weekday(t, v);
    case 'W': return (v = take_name(t, day_names, 7, false)) && set_weekday(t, v);
    case 'b': return (v = take_name(t, month_names, 12, true)) && set_month(t, v);
    case 'M': return (v = take_name(t, month_names, 12, false)) && set_month(t, v);
    case 'c': return take_short(t, &v) && set_month(t, v);
    case 'm': return take_digits(t, 2, &v) && set_month(t, v);
    case 'd': return take_digits(t, 2, &v) && set_day(t, v);
    case 'e':
        if (t->p < t->end && *t->p == ' ') {
            t->p++;
            return take_digits(t, 1, &v) && set_day(t, v);
        }
        return take_short(t, &v) && set_day(t, v);
    case 'f':
        t->microsecond = 0;
        for (; v < 6 && t->p < t->end && isdigit((unsigned char)*t->p); v++)
            t->microsecond = t->microsecond * 10 + (*t->p++ - '0');
        if (v == 0)
            return false;
        for (; v < 6; v++)
            t->microsecond *= 10;
        return true;
    case 'Y': return take_digits(t, 4, &v) && set_year(t, v);
    case 'y': return take_digits(t, 2, &v) && set_year(t, v + (v >= 70 ? 1900 : 2000));
    case '\002': return take_digits(t, 2, &v) && set_year(t, v + 2000);
    case 'G':
    case 'g':
        if (!take_digits(t, code == 'G' ? 4 : 2, &v))
            return false;
        t->is_week = true;
        t->is_yearday = false;
        return set_year(t, code == 'G' ? v : v + (v >= 70 ? 1900 : 2000));
    case 'V':
        set_default_year(t);
        t->is_week = true;
        t->is_yearday = false;
        return take_digits(t, 2, &t->week) && t->week >= 1 && t->week <= 53;
    case 'u': return take_digits(t, 1, &v) && set_weekday(t, v);
    case 'w': return take_digits(t, 1, &v) && v <= 6 && set_weekday(t, v ? v : 7);
    case 'j':
        set_default_year(t);
        t->is_yearday = true;
        t->is_week = false;
        return take_digits(t, 3, &t->yearday) && t->yearday >= 1 && t->yearday <= 366;
    case 'H': t->is_half_day = false; return take_digits(t, 2, &t->hour) && t->hour <= 23;
    case 'k': t->is_half_day = false; return take_short(t, &t->hour) && t->hour <= 23;
    case 'h':
    case 'I':
        t->is_half_day = true;
        return take_digits(t, 2, &t->hour) && t->hour >= 1 && t->hour <= 12;
    case 'l':
        t->is_half_day = true;
        return take_short(t, &t->hour) && t->hour >= 1 && t->hour <= 12;
    case 'i': return take_digits(t, 2, &t->minute) && t->minute <= 59;
    case 's':
    case 'S': return take_digits(t, 2, &t->second) && t->second <= 59;
    case 'p':
        if (t->end - t->p < 2 || (t->p[1] | 32) != 'm' ||
            ((t->p[0] | 32) != 'a' && (t->p[0] | 32) != 'p'))
            return false;
        t->is_pm = (t->p[0] | 32) == 'p';
        t->p += 2;
        return true;
    default: return take_offset(t);
    }
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool day_of(const struct parsed *t, int64_t *ret)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (t->is_week) {
        int64_t first = days_from_civil(t->year, 1, 4); /* always in week 1 */
        int64_t monday = first - (first + 3 - floor_div(first + 3, 7) * 7);
        *ret = monday + (t->week - 1) * 7 + t->weekday - 1;
        return true;
    }
    if (t->is_yearday) {
        *ret = days_from_civil(t->year, 1, 1) + t->yearday - 1;
        return t->yearday <= 365 + is_leap(t->year);
    }
    if (t->day > lengths[t->month - 1] + (t->month == 2 && is_leap(t->year)))
        return false;
    *ret = days_from_civil(t->year, (unsigned)t->month, (unsigned)t->day);
    return true;
}

/* All of the text, by all of the format. */
static bool read_items(const struct parse_format *f, struct parsed *t, struct str text)
{
    bool any_year = t->any_year;

    *t = (struct parsed){.p = text.p,
                         .end = text.p + text.n,
                         .any_year = any_year,
                         .year = 1970,
                         .month = 1,
                         .day = 1,
                         .week = 1,
                         .weekday = 1,
                         .yearday = 1};
    for (size_t i = 0; i < f->n; i++) {
        struct str literal = f->items[i].text;
        if (f->items[i].code) {
            if (!take_item(t, f->items[i].code))
                return false;
            continue;
        }
        if ((size_t)(t->end - t->p) < literal.n || memcmp(t->p, literal.p, literal.n) != 0)
            return false;
        t->p += literal.n;
    }
    return t->p == t->end;
}

static bool second_of(struct parsed *t, const struct zone *zone, int64_t *ret)
{
    int64_t day;

    if (!day_of(t, &day))
        return false;
    if (t->is_half_day)
        t->hour = t->hour % 12 + (t->is_pm ? 12 : 0);
    int64_t local = day * 86400 + t->hour * 3600 + t->minute * 60 + t->second;
    /* as ClickHouse here, the offset there is when UTC's clock shows that time */
    *ret = local - (t->has_offset ? t->offset_s : zone_offset_at(zone, local));
    return true;
}

static bool parse(const struct parse_format *f, struct str text, const struct zone *zone,
                  uint32_t *ret)
{
    struct parsed t = {0};
    int64_t s;

    if (!read_items(f, &t, text) || !second_of(&t, zone, &s))
        return false;
    *ret = (uint32_t)s;
    return s >= 0; /* late in 2106 it wraps, as in ClickHouse */
}

static bool parse_64(const struct parse_format *f, struct str text, const struct zone *zone,
                     int64_t *ret)
{
    struct parsed t = {.any_year = true};

    if (!read_items(f, &t, text) || !second_of(&t, zone, ret))
        return false;
    *ret = *ret * 1000000 + t.microsecond;
    return true;
}

/* ---- kernels: param.p = zone ---- */

static void run_parse_throw(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint32_t v = 0;
        bool is_good = parse(c->data, str_at(c->args[0], i), c->param.p, &v);
        RESULT(uint32_t)[i] = is_good ? v : 0;
        c->fresh[i] = is_good ? 0 : FAULT_PARSE;
    }
}
static void run_parse_zero(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint32_t v = 0;
        RESULT(uint32_t)[i] = parse(c->data, str_at(c->args[0], i), c->param.p, &v) ? v : 0;
    }
}
static void run_parse_null(struct call *c)
{
    const uint8_t *nulls = c->args[0]->nulls;

    for (size_t i = 0; i < c->n; i++) {
        uint32_t v = 0;
        c->nulls[i] = (nulls && nulls[i]) || !parse(c->data, str_at(c->args[0], i), c->param.p, &v);
        RESULT(uint32_t)[i] = c->nulls[i] ? 0 : v;
    }
    c->out->nulls = c->nulls;
    c->out->faults = c->args[0]->faults ? memcpy(c->faults, c->args[0]->faults, c->n) : NULL;
}
static const struct op parse_ops[] = {
    [TEXT_THROW] = {"parseDateTime", run_parse_throw, OP_FAULTS},
    [TEXT_NULL] = {"parseDateTimeOrNull", run_parse_null, OP_OWN_MASKS},
    [TEXT_ZERO] = {"parseDateTimeOrZero", run_parse_zero, 0},
};

/* param.i: how texts that do not fit end */
static void run_parse_64(struct call *c)
{
    const struct column *in = c->args[0];

    for (size_t i = 0; i < c->n; i++) {
        int64_t v = 0;
        bool is_null = c->param.i == TEXT_NULL && in->nulls && in->nulls[i];
        bool is_good = !is_null && parse_64(c->data, str_at(in, i), c->param.p, &v);
        RESULT(int64_t)[i] = is_good ? v : 0;
        if (c->param.i == TEXT_THROW)
            c->fresh[i] = is_good ? 0 : FAULT_PARSE;
        else if (c->param.i == TEXT_NULL)
            c->nulls[i] = !is_good;
    }
    if (c->param.i != TEXT_NULL)
        return;
    c->out->nulls = c->nulls;
    c->out->faults = in->faults ? memcpy(c->faults, in->faults, c->n) : NULL;
}
static const struct op parse_64_ops[] = {
    [TEXT_THROW] = {"parseDateTime64", run_parse_64, OP_FAULTS},
    [TEXT_NULL] = {"parseDateTime64OrNull", run_parse_64, OP_OWN_MASKS},
    [TEXT_ZERO] = {"parseDateTime64OrZero", run_parse_64, 0},
};

enum { PARSE_64 = 16 };

static value_id build_parse(struct site *s)
{
    bool is_64 = s->f->param & PARSE_64;
    int64_t mode = s->f->param & ~PARSE_64;
    struct type type = {.kind = is_64 ? TYPE_DATETIME64 : TYPE_DATETIME,
                        .scale = is_64 ? 6 : 0,
                        .is_nullable = mode == TEXT_NULL};
    struct str text = is_64 ? STR("%Y-%m-%d %H:%i:%s.%f") : STR("%Y-%m-%d %H:%i:%s");
    struct arena *arena = &s->b->memory->arena;
    struct err e;

    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    if (s->n_args > 1 && !site_string(s, 1, &text))
        return VALUE_FAILED;
    if (zone_find(&type.zone, STR("UTC"), &e) != ERR_OK)
        return site_error(s, "%s", e.text);
    if (!site_zone(s, 2, type, &type.zone))
        return VALUE_FAILED;
    struct parse_format *f = arena_alloc(arena, sizeof(*f));
    *f = (struct parse_format){.items = arena_alloc(arena, (text.n * 5 + 8) * sizeof(*f->items))};
    if (!compile(s, f, text.n ? arena_str(arena, text) : text))
        return VALUE_FAILED;
    value_id args[] = {s->args[0], constant_str(s->b, text)};
    return emit(s->b, is_64 ? &parse_64_ops[mode] : &parse_ops[mode], type, args, 2,
                (struct param){.i = is_64 ? mode : 0, .p = type.zone}, f);
}

static const struct function functions[] = {
    {"parseDateTime", "s[, 'format'[, zone]]",
     "Text as DateTime by a format of MySQL's (%Y-%m-%d %H:%i:%s).", 1, 3, 0, build_parse,
     TEXT_THROW},
    {"TO_UNIXTIME", "s[, 'format'[, zone]]", "parseDateTime", 1, 3, FN_ANY_CASE | FN_ALIAS,
     build_parse, TEXT_THROW},
    {"parseDateTimeOrNull", "s[, 'format'[, zone]]", "The same, NULL where it does not fit.", 1, 3,
     0, build_parse, TEXT_NULL},
    {"str_to_date", "s[, 'format'[, zone]]", "parseDateTimeOrNull", 1, 3, FN_ANY_CASE | FN_ALIAS,
     build_parse, TEXT_NULL},
    {"parseDateTimeOrZero", "s[, 'format'[, zone]]", "The same, 1970 where it does not fit.", 1, 3,
     0, build_parse, TEXT_ZERO},
    {"parseDateTime64", "s[, 'format'[, zone]]",
     "Text as DateTime64(6) by such a format (%Y-%m-%d %H:%i:%s.%f).", 1, 3, 0, build_parse,
     PARSE_64 | TEXT_THROW},
    {"parseDateTime64OrNull", "s[, 'format'[, zone]]", "The same, NULL where it does not fit.", 1,
     3, 0, build_parse, PARSE_64 | TEXT_NULL},
    {"parseDateTime64OrZero", "s[, 'format'[, zone]]", "The same, 1970 where it does not fit.", 1,
     3, 0, build_parse, PARSE_64 | TEXT_ZERO},
};
const struct function_family family_time_parse = {"Text by a format", functions, COUNT(functions)};
