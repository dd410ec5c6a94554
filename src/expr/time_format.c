/* SPDX-License-Identifier: Apache-2.0
 *
 * Times as text by a format of MySQL's: formatDateTime, dateName. A format is compiled to items
 * once; a row writes one item after the other. */
#include <stdio.h>

#include "expr/text_value.h"
#include "expr/times.h"

/* Items beside the letters of formats: numbers without leading zeros, and literal text. */
enum { ITEM_TEXT = 1, ITEM_YEARDAY, ITEM_WEEK, ITEM_HOUR, ITEM_MINUTE, ITEM_SECOND };

struct item {
    char code;
    struct str text;
};

struct time_format {
    struct item *items;
    size_t n;
    char *timed; /* codes of what differs within a day */
    size_t n_timed;
    size_t max_bytes;
    bool has_week; /* ISO year or week */
};

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};

enum { NAME_MAX_BYTES = 10 }; /* the longest item, "September" or "2024-02-29" */

/* Does it differ between moments of one day? All such are of one width, but for those that stand
 * alone. */
static bool is_timed(char code)
{
    return code != ITEM_TEXT &&
           (strchr("fhHiIklprRsSTz", code) || (code >= ITEM_HOUR && code <= ITEM_SECOND));
}

static void add_item(struct time_format *f, char code, struct str text)
{
    f->items[f->n++] = (struct item){code, text};
    if (is_timed(code))
        f->timed[f->n_timed++] = code;
    f->max_bytes += code == ITEM_TEXT ? text.n : NAME_MAX_BYTES;
    f->has_week |= code == 'g' || code == 'G' || code == 'V' || code == ITEM_WEEK;
}

/* NULL: said. */
static struct time_format *format_compile(struct site *s, struct str text)
{
    static const char codes[] = "abcCdDefFgGhHiIjklmMpQrRsSTuVwWyYz";
    struct arena *arena = &s->b->memory->arena;
    struct time_format *f = arena_alloc(arena, sizeof(*f));

    *f = (struct time_format){.items = arena_alloc(arena, (text.n + 1) * sizeof(*f->items)),
                              .timed = arena_alloc(arena, text.n + 1)};
    text = text.n ? arena_str(arena, text) : text;
    for (size_t i = 0; i < text.n;) {
        size_t start = i;
        while (i < text.n && text.p[i] != '%')
            i++;
        if (i > start)
            add_item(f, ITEM_TEXT, (struct str){text.p + start, i - start});
        if (i == text.n)
            break;
        if (i + 1 == text.n) {
            site_error(s, "the format ends in %%; a per cent sign is written %%%%");
            return NULL;
        }
        char code = text.p[i + 1];
        if (code == '%')
            add_item(f, ITEM_TEXT, (struct str){text.p + i + 1, 1});
        else if (code == 'n' || code == 't')
            add_item(f, ITEM_TEXT, code == 'n' ? STR("\n") : STR("\t"));
        else if (code != 0 && strchr(codes, code))
            add_item(f, code, (struct str){0});
        else {
            site_error(s, "there is no %%%c in formats of times", code);
            return NULL;
        }
        i += 2;
    }
    return f;
}

/* ---- writing ---- */

struct moment_parts {
    int32_t year, iso_year;
    unsigned month, day, hour, minute, second, weekday, iso_week;
    uint32_t yearday;
    uint32_t micros;
    int32_t offset_s;
};

/* "00" to "99" */
static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334"
                            "353637383940414243444546474849"
                            "5051525354555657585960616263646566676869707172737475767778798081828384"
                            "858687888990919293949596979899";

static inline char *put2(char *p, unsigned v)
{
    memcpy(p, pairs + 2 * (v % 100), 2);
    return p + 2;
}
static char *put4(char *p, unsigned v)
{
    return put2(put2(p, v / 100), v % 100);
}
static char *put_plain(char *p, unsigned v)
{
    if (v >= 100)
        *p++ = (char)('0' + v / 100);
    if (v >= 10)
        *p++ = (char)('0' + v / 10 % 10);
    *p++ = (char)('0' + v % 10);
    return p;
}
static char *put_name(char *p, const char *name, size_t n)
{
    memcpy(p, name, n);
    return p + n;
}

static char *put_item(char *p, char code, const struct moment_parts *t)
{
    const char *name;

    switch (code) {
    case 'a': return put_name(p, day_names[t->weekday - 1], 3);
    case 'b': return put_name(p, month_names[t->month - 1], 3);
    case 'c':
    case 'm': return put2(p, t->month);
    case 'C': return put2(p, (unsigned)t->year / 100);
    case 'd': return put2(p, t->day);
    case 'D':
        p = put2(p, t->month);
        *p++ = '/';
        p = put2(p, t->day);
        *p++ = '/';
        return put2(p, (unsigned)t->year % 100);
    case 'e': return put_plain(p, t->day);
    case 'f': return put2(put4(p, t->micros / 100), t->micros % 100);
    case 'F':
        p = put4(p, (unsigned)t->year);
        *p++ = '-';
        p = put2(p, t->month);
        *p++ = '-';
        return put2(p, t->day);
    case 'g': return put2(p, (unsigned)t->iso_year % 100);
    case 'G': return put4(p, (unsigned)t->iso_year);
    case 'h':
    case 'I':
    case 'l': return put2(p, (t->hour + 11) % 12 + 1);
    case 'H':
    case 'k': return put2(p, t->hour);
    case 'i': return put2(p, t->minute);
    case 'j': *p++ = (char)('0' + t->yearday / 100); return put2(p, t->yearday % 100);
    case 'M': name = month_names[t->month - 1]; return put_name(p, name, strlen(name));
    case 'W': name = day_names[t->weekday - 1]; return put_name(p, name, strlen(name));
    case 'p': return put_name(p, t->hour < 12 ? "AM" : "PM", 2);
    case 'Q': *p++ = (char)('1' + (t->month - 1) / 3); return p;
    case 'r':
        p = put2(p, (t->hour + 11) % 12 + 1);
        *p++ = ':';
        p = put2(p, t->minute);
        *p++ = ' ';
        return put_name(p, t->hour < 12 ? "AM" : "PM", 2);
    case 'R':
    case 'T':
        p = put2(p, t->hour);
        *p++ = ':';
        p = put2(p, t->minute);
        if (code == 'R')
            return p;
        *p++ = ':';
        return put2(p, t->second);
    case 's':
    case 'S': return put2(p, t->second);
    case 'u': *p++ = (char)('0' + t->weekday); return p;
    case 'V': return put2(p, t->iso_week);
    case 'w': *p++ = (char)('0' + t->weekday % 7); return p;
    case 'y': return put2(p, (unsigned)t->year % 100);
    case 'Y': return put4(p, (unsigned)t->year);
    case 'z': {
        unsigned minutes = (unsigned)(t->offset_s < 0 ? -t->offset_s : t->offset_s) / 60;
        *p++ = t->offset_s < 0 ? '-' : '+';
        return put2(put2(p, minutes / 60), minutes % 60);
    }
    case ITEM_YEARDAY: return put_plain(p, t->yearday);
    case ITEM_WEEK: return put_plain(p, t->iso_week);
    case ITEM_HOUR: return put_plain(p, t->hour);
    case ITEM_MINUTE: return put_plain(p, t->minute);
    default: return put_plain(p, t->second);
    }
}

static void set_day(struct moment_parts *t, int64_t day, bool has_week)
{
    civil_from_days(day, &t->year, &t->month, &t->day);
    t->weekday = (unsigned)(day + 3 - floor_div(day + 3, 7) * 7 + 1);
    t->yearday = (uint32_t)(day - days_from_civil(t->year, 1, 1) + 1);
    if (has_week)
        iso_week_of(day, &t->iso_year, &t->iso_week);
}

/* A whole text of that day, into `out`; and where the timed items stand. */
static size_t write_frame(char *out, size_t *at, const struct time_format *f,
                          const struct moment_parts *t)
{
    char *p = out;
    size_t n_timed = 0;

    for (size_t k = 0; k < f->n; k++) {
        if (is_timed(f->items[k].code))
            at[n_timed++] = (size_t)(p - out);
        if (f->items[k].code == ITEM_TEXT)
            p = put_name(p, f->items[k].text.p, f->items[k].text.n);
        else
            p = put_item(p, f->items[k].code, t);
    }
    return (size_t)(p - out);
}

/* YYYY-MM-DD[ hh:mm:ss] */
static char *put_usual(char *p, const struct moment_parts *t, bool has_time)
{
    p = put4(p, (unsigned)t->year);
    *p++ = '-';
    p = put2(p, t->month);
    *p++ = '-';
    p = put2(p, t->day);
    if (!has_time)
        return p;
    *p++ = ' ';
    p = put2(p, t->hour);
    *p++ = ':';
    p = put2(p, t->minute);
    *p++ = ':';
    return put2(p, t->second);
}

/* Date and DateTime as toString writes them; param.i = kind, param.p = zone */
static void run_usual(struct call *c)
{
    enum { BYTES = 19 };
    const struct zone *zone = c->param.p;
    bool has_time = c->param.i == TYPE_DATETIME;
    int64_t last_day = INT64_MIN;
    char *p = arena_bytes(c->arena, c->n * BYTES + 1);
    struct moment_parts t = {0};

    for (size_t i = 0; i < c->n; i++) {
        int64_t day;
        if (has_time) {
            int64_t s = VALUES(0, uint32_t)[i];
            s += zone ? zone_offset_at(zone, s) : 0;
            day = floor_div(s, 86400);
            unsigned rest = (unsigned)(s - day * 86400);
            t.hour = rest / 3600;
            t.minute = rest / 60 % 60;
            t.second = rest % 60;
        } else {
            day = VALUES(0, uint16_t)[i];
        }
        if (day != last_day)
            civil_from_days(day, &t.year, &t.month, &t.day);
        last_day = day;
        char *start = p;
        p = put_usual(p, &t, has_time);
        RESULT(struct str)[i] = (struct str){start, (size_t)(p - start)};
    }
}
static const struct op op_usual = {"toString", run_usual, 0};

value_id emit_time_text(struct builder *b, value_id v, struct type type)
{
    struct param p = {.i = type.kind, .p = is_plain_utc(type.zone) ? NULL : type.zone};

    return emit(b, &op_usual, type_of(TYPE_STRING), &v, 1, p, NULL);
}

/* args: time, the format's text; param.i = kind | scale << 8, param.p = zone */
static void run_format(struct call *c)
{
    const struct time_format *f = c->data;
    const struct zone *zone = c->param.p;
    enum type_kind kind = (enum type_kind)(c->param.i & 0xff);
    int64_t per = power_of_ten[c->param.i >> 8], last_day = INT64_MIN;
    char *p = arena_bytes(c->arena, (c->n + 1) * f->max_bytes + 16), *frame = p;
    size_t frame_bytes = 0, *at = arena_alloc(c->arena, (f->n_timed + 1) * sizeof(*at));
    struct moment_parts t = {0};

    p += f->max_bytes;
    for (size_t i = 0; i < c->n; i++) {
        int64_t s, ticks = 0;
        if (kind == TYPE_DATE)
            s = (int64_t)VALUES(0, uint16_t)[i] * 86400;
        else if (kind == TYPE_DATETIME)
            s = VALUES(0, uint32_t)[i];
        else {
            ticks = VALUES(0, int64_t)[i];
            s = floor_div(ticks, per);
            ticks -= s * per;
            /* years 0 to 9999 */
            s = s < -62167219200 ? -62167219200 : s > 253402214400 ? 253402214400 : s;
        }
        t.micros = (uint32_t)(per > 1000000 ? ticks / (per / 1000000) : ticks * (1000000 / per));
        t.offset_s = zone && kind != TYPE_DATE ? zone_offset_at(zone, s) : 0;
        s += t.offset_s;
        int64_t day = floor_div(s, 86400);
        bool is_new_day = day != last_day;
        if (is_new_day)
            set_day(&t, day, f->has_week);
        last_day = day;
        unsigned rest = (unsigned)(s - day * 86400);
        t.hour = rest / 3600;
        t.minute = rest / 60 % 60;
        t.second = rest % 60;
        if (is_new_day)
            frame_bytes = write_frame(frame, at, f, &t);
        memcpy(p, frame, frame_bytes);
        for (size_t k = 0; k < f->n_timed; k++)
            put_item(p + at[k], f->timed[k], &t);
        size_t n = frame_bytes;
        if (f->n_timed && f->timed[0] >= ITEM_HOUR && f->timed[0] <= ITEM_SECOND)
            n = (size_t)(put_item(p, f->timed[0], &t) - p); /* alone, and of any width */
        RESULT(struct str)[i] = (struct str){p, n};
        p += n;
    }
}
static const struct op op_format = {"formatDateTime", run_format, 0};

static value_id emit_format(struct builder *b, value_id v, const struct time_format *f,
                            value_id text, const struct zone *zone)
{
    struct type t = value_at(b, v)->type;
    struct param p = {.i = t.kind | (t.kind == TYPE_DATETIME64 ? t.scale << 8 : 0),
                      .p = is_plain_utc(zone) ? NULL : zone};

    return emit(b, &op_format, type_of(TYPE_STRING), (const value_id[]){v, text}, 2, p, f);
}

/* The time is argument `arg`, the format the next, then perhaps the zone. */
static value_id format_call(struct site *s, value_id time, struct type t)
{
    const struct zone *zone;
    struct str text;

    if (!site_string(s, 1, &text) || !site_zone(s, 2, t, &zone))
        return VALUE_FAILED;
    const struct time_format *f = format_compile(s, text);
    if (f == NULL)
        return VALUE_FAILED;
    for (size_t i = 0; i < f->n; i++)
        if (f->items[i].code == 'z' && t.kind == TYPE_DATE)
            return site_error(s, "a Date has no offset for %%z");
    return emit_format(s->b, time, f, s->args[1], zone);
}

static value_id build_format(struct site *s)
{
    if (!type_is_day_or_time(s->types[0]))
        return site_bad_type(s, 0, "a Date, DateTime or DateTime64");
    return format_call(s, s->args[0], s->types[0]);
}

value_id build_format_unix(struct site *s)
{
    if (type_is_day_or_time(s->types[0]))
        return format_call(s, s->args[0], s->types[0]);
    if (!type_is_integer(s->types[0]))
        return site_bad_type(s, 0, "an integer");
    bool is_wide = type_width(s->types[0]) == 8;
    struct type to = type_of(is_wide ? TYPE_DATETIME64 : TYPE_DATETIME);
    value_id v = cast_number(s->b, s->args[0], is_wide ? TYPE_INT64 : TYPE_UINT32);
    to.is_nullable = value_at(s->b, v)->type.is_nullable;
    return format_call(s, retype(s->b, v, to), to);
}

/* ---- names ---- */

static value_id emit_name(struct site *s, value_id v, char code, const struct zone *zone)
{
    struct time_format *f = arena_alloc(&s->b->memory->arena, sizeof(*f));

    *f = (struct time_format){.items = arena_alloc(&s->b->memory->arena, sizeof(*f->items)),
                              .timed = arena_alloc(&s->b->memory->arena, 1)};
    add_item(f, code, (struct str){0});
    return emit_format(s->b, v, f, constant_str(s->b, (struct str){&code, 1}), zone);
}

static value_id build_date_name(struct site *s)
{
    static const struct {
        const char *name;
        char code;
    } names[] = {{"year", 'Y'},
                 {"quarter", 'Q'},
                 {"month", 'M'},
                 {"dayofyear", ITEM_YEARDAY},
                 {"day", 'e'},
                 {"week", ITEM_WEEK},
                 {"weekday", 'W'},
                 {"hour", ITEM_HOUR},
                 {"minute", ITEM_MINUTE},
                 {"second", ITEM_SECOND}};
    struct type t = s->types[1];
    const struct zone *zone;
    struct str name;

    if (!site_string(s, 0, &name))
        return VALUE_FAILED;
    if (!type_is_day_or_time(t))
        return site_bad_type(s, 1, "a Date, DateTime or DateTime64");
    if (!site_zone(s, 2, t, &zone))
        return VALUE_FAILED;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!str_is(name, names[i].name))
            continue;
        if (t.kind == TYPE_DATE && names[i].code >= ITEM_HOUR && names[i].code <= ITEM_SECOND)
            return site_bad_type(s, 1, "a DateTime or DateTime64 for that part");
        return emit_name(s, s->args[1], names[i].code, zone);
    }
    return site_error(s, "dateName does not know the part '%.*s'", STR_FMT(name));
}

static value_id build_month_name(struct site *s)
{
    if (!type_is_day_or_time(s->types[0]))
        return site_bad_type(s, 0, "a Date, DateTime or DateTime64");
    return emit_name(s, s->args[0], 'M', s->types[0].zone);
}

static const struct function functions[] = {
    {"formatDateTime", "t, 'format'[, zone]",
     "t as text: %Y-%m-%d %H:%i:%S and MySQL's others, %f microseconds, %z offset.", 2, 3, 0,
     build_format, 0},
    {"DATE_FORMAT", "t, 'format'[, zone]", "formatDateTime", 2, 3, FN_ANY_CASE | FN_ALIAS,
     build_format, 0},
    {"dateName", "'part', t[, zone]",
     "Name of the month or weekday, or the number of another part, as text.", 2, 3, FN_ANY_CASE,
     build_date_name, 0},
    {"monthName", "t", "Name of the month.", 1, 1, FN_ANY_CASE, build_month_name, 0},
};
const struct function_family family_time_format = {"Times as text", functions, COUNT(functions)};
