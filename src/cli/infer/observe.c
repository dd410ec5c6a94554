/* SPDX-License-Identifier: Apache-2.0
 *
 * What one value looks like. Each is counted under the narrowest kind that takes it; deciding is
 * for later, when all have been seen. Whether text is a number, a time or an address is asked of
 * the decoders' own readers, so that what is counted as one is also read as one. */
#include "cli/infer/infer.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "codec/value.h"

const char *const null_spelling_texts[NULL_SPELLINGS] = {"", "", "NA", "N/A", "null", "-", "\\N"};

static int null_spelling(struct str s, bool is_quoted)
{
    if (s.n == 0)
        return is_quoted ? NULL_QUOTED : NULL_EMPTY;
    if (s.n > 4)
        return -1;
    if (str_is(s, "-"))
        return NULL_DASH;
    if (str_is(s, "\\N"))
        return NULL_MARK;
    if (str_is(s, "NA"))
        return NULL_NA;
    if (str_is(s, "N/A"))
        return NULL_N_A;
    return str_is(s, "null") ? NULL_WORD : -1;
}

/* ---- distinct values ---- */

static void seen_put(uint64_t *table, size_t cap, uint64_t hash)
{
    size_t at = hash & (cap - 1);
    while (table[at] != 0 && table[at] != hash)
        at = (at + 1) & (cap - 1);
    table[at] = hash;
}

/* True if it is a new one. */
static bool count_hash(struct column_stats *s, uint64_t hash)
{
    if (s->seen_cap > 0) {
        size_t at = hash & (s->seen_cap - 1);
        while (s->seen[at] != 0 && s->seen[at] != hash)
            at = (at + 1) & (s->seen_cap - 1);
        if (s->seen[at] == hash)
            return false;
    }
    if (s->n_seen == DISTINCT_MAX) {
        s->is_full = true;
        s->n_counted--;
        return false;
    }
    if (s->n_seen * 2 >= s->seen_cap) {
        size_t cap = s->seen_cap ? s->seen_cap * 4 : 64;
        uint64_t *more = xcalloc(cap, sizeof(*more));
        for (size_t i = 0; i < s->seen_cap; i++)
            if (s->seen[i])
                seen_put(more, cap, s->seen[i]);
        free(s->seen);
        s->seen = more;
        s->seen_cap = cap;
    }
    seen_put(s->seen, s->seen_cap, hash);
    s->n_seen++;
    return true;
}

static void count_distinct(struct column_stats *s, struct str text)
{
    if (s->is_full)
        return;
    s->n_counted++;
    bool is_new = count_hash(s, city_hash64(text.p, text.n) | 1);
    if (is_new && s->n_seen == s->n_few + 1 && s->n_few < COUNT(s->few) && text.n <= 40)
        s->few[s->n_few++] = xstrndup(text.p, text.n);
}
/* ---- kinds ---- */

static void note(struct column_stats *s, enum value_kind kind, struct str text)
{
    if (s->n_kind[kind]++ == 0) {
        size_t n = text.n < sizeof(s->example[0]) - 1 ? text.n : sizeof(s->example[0]) - 1;
        for (size_t i = 0; i < n; i++) /* shown on terminals and in comments */
            s->example[kind][i] =
                (unsigned char)text.p[i] < ' ' || text.p[i] == 127 ? '?' : text.p[i];
        s->example[kind][n] = '\0';
    }
}

enum { YEAR_1980 = 315532800, DAY_SECONDS = 86400 };

static void look_at_span(struct column_stats *s, int64_t seconds)
{
    if (s->first_s == 0 || seconds < s->first_s)
        s->first_s = seconds;
    if (seconds > s->last_s)
        s->last_s = seconds;
}

static void look_at_epoch(struct column_stats *s, uint64_t v, size_t n_digits, int64_t now_s)
{
    static const uint64_t per_second[4] = {1, 1000, 1000000, 1000000000};
    static const size_t digits[4] = {10, 13, 16, 19};
    for (size_t i = 0; i < 4; i++) {
        int64_t seconds = (int64_t)(v / per_second[i]);
        if (n_digits == digits[i] && seconds >= YEAR_1980 && seconds <= now_s + DAY_SECONDS) {
            s->n_epoch[i]++;
            look_at_span(s, seconds);
        }
    }
    uint64_t year = v / 10000, month = v / 100 % 100, day = v % 100;
    if (n_digits == 8 && year >= 1980 && year <= 2105 && month >= 1 && month <= 12 && day >= 1 &&
        day <= 31)
        s->n_date8++;
}

static bool look_at_integer(struct column_stats *s, struct str text, int64_t now_s)
{
    bool is_negative = text.p[0] == '-', is_first = s->n_kind[VALUE_INT] == 0;
    size_t skip = is_negative || text.p[0] == '+', n_digits = text.n - skip;
    if (n_digits == 0 || n_digits > 100)
        return false;
    uint64_t v = 0;
    bool is_huge = false;
    for (size_t i = skip; i < text.n; i++) {
        unsigned d = (unsigned)(text.p[i] - '0');
        if (d > 9)
            return false;
        is_huge = is_huge || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v);
    }
    if (is_huge || (is_negative && v > (uint64_t)INT64_MAX)) {
        s->n_huge++;
    } else if (is_negative) {
        s->n_negative++;
        if (is_first || -(int64_t)v < s->min)
            s->min = -(int64_t)v;
    } else {
        if (v > s->max)
            s->max = v;
        if (is_first || (s->min >= 0 && v < (uint64_t)s->min))
            s->min = v > INT64_MAX ? INT64_MAX : (int64_t)v;
        look_at_epoch(s, v, n_digits, now_s);
    }
    if (n_digits > 1 && text.p[skip] == '0')
        s->n_leading_zero++;
    int64_t value = is_negative ? -(int64_t)v : (int64_t)v;
    s->n_steps += s->has_last && value == s->last + 1;
    s->last = value;
    s->has_last = true;
    note(s, VALUE_INT, text);
    return true;
}

static size_t digits_at(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && isdigit((unsigned char)s.p[at + n]))
        n++;
    return n;
}

static bool has_month_name(struct str s)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (size_t i = 0; i + 3 <= s.n; i++) {
        if (!isalpha((unsigned char)s.p[i]) || (i > 0 && isalpha((unsigned char)s.p[i - 1])))
            continue;
        for (size_t m = 0; m < 36; m += 3)
            if (strncasecmp(s.p + i, months + m, 3) == 0)
                return true;
    }
    return false;
}

static unsigned two(struct str s, size_t at, size_t n)
{
    return n == 1 ? (unsigned)(s.p[at] - '0')
                  : (unsigned)(s.p[at] - '0') * 10 + (unsigned)(s.p[at + 1] - '0');
}

/* 4/13/2023 …: which of the first two is the month? */
static bool look_at_day_month(struct column_stats *s, struct str text, int64_t now_s)
{
    size_t a = digits_at(text, 0);
    if (a < 1 || a > 2 || text.n < a + 4)
        return false;
    char separator = text.p[a];
    if (separator != '/' && separator != '.' && separator != '-')
        return false;
    size_t b = digits_at(text, a + 1);
    if (b < 1 || b > 2 || a + 1 + b >= text.n || text.p[a + 1 + b] != separator)
        return false;
    size_t year_at = a + b + 2, y = digits_at(text, year_at), end = year_at + y;
    if ((y != 4 && y != 2) ||
        (end < text.n && text.p[end] != ' ' && text.p[end] != 'T' && text.p[end] != ','))
        return false;
    unsigned first = two(text, 0, a), second = two(text, a + 1, b);
    if (first == 0 || second == 0 || first > 31 || second > 31 || (first > 12 && second > 12))
        return false;
    char *example = first > 12 ? s->day_first_example : second > 12 ? s->month_first_example : NULL;
    s->n_day_first += first > 12;
    s->n_month_first += second > 12;
    if (example && *example == '\0')
        snprintf(example, sizeof(s->day_first_example), "%.*s", STR_FMT(text));
    if (s->separator == 0)
        s->separator = separator;
    s->n_other_separator += s->separator != separator;
    int64_t ms;
    if (value_datetime64(&ms, text, NULL, 3) == NULL && ms > 0 && ms / 1000 < now_s)
        look_at_span(s, ms / 1000); /* months may be days here: near enough */
    if (memchr(text.p, ':', text.n) == NULL)
        s->n_date_only++;
    note(s, VALUE_DAY_MONTH, text);
    return true;
}

static void look_at_zone(struct column_stats *s, struct str text)
{
    const char *colon = memchr(text.p, ':', text.n);
    if (colon == NULL) {
        s->n_date_only++;
        return;
    }
    const char *end = text.p + text.n;
    bool is_zoned = end[-1] == 'Z' || end[-1] == 'z';
    for (const char *p = colon; p < end; p++) {
        is_zoned = is_zoned || *p == '+' || *p == '-';
        if (end - p >= 3 && (strncasecmp(p, "UTC", 3) == 0 || strncasecmp(p, "GMT", 3) == 0))
            is_zoned = true;
        if (*p == '.' && p[-1] >= '0' && p[-1] <= '9') {
            unsigned n = (unsigned)digits_at(text, (size_t)(p + 1 - text.p));
            if (n > s->fraction)
                s->fraction = n > 9 ? 9 : n;
        }
    }
    s->n_zoned += is_zoned;
}

/* 2016-12-19 00:00:00,123: a comma as logs have it. False: there is none. */
static bool turn_comma(struct str text, char out[40], struct str *ret)
{
    if (text.n < 21 || text.n >= 40 || text.p[19] != ',' || !isdigit((unsigned char)text.p[20]))
        return false;
    memcpy(out, text.p, text.n);
    out[19] = '.';
    *ret = (struct str){out, text.n};
    return true;
}

static bool look_at_time(struct column_stats *s, struct str text, int64_t now_s)
{
    char turned[40];
    bool has_comma = turn_comma(text, turned, &text);
    size_t year = digits_at(text, 0), month = year == 4 ? digits_at(text, 5) : 0,
           day = month ? digits_at(text, 5 + month + 1) : 0;
    bool is_iso = year == 4 && text.n >= 8 &&
                  (text.p[4] == '-' || text.p[4] == '/' || text.p[4] == '.') && month >= 1 &&
                  month <= 2 && day >= 1 && day <= 2 && text.p[5 + month] == text.p[4];
    if (!is_iso && !(text.n >= 8 && memchr(text.p, ' ', text.n) && has_month_name(text)) &&
        !(text.n >= 8 && memchr(text.p, '-', text.n) && isdigit((unsigned char)text.p[0]) &&
          has_month_name(text)))
        return false;
    int64_t ms;
    if (value_datetime64(&ms, text, NULL, 3) != NULL)
        return false;
    int64_t seconds = ms / 1000;
    if (seconds < 31536000 || seconds > now_s + DAY_SECONDS)
        s->n_out_of_range++;
    else
        look_at_span(s, seconds);
    s->n_iso += is_iso;
    s->n_comma_times += has_comma;
    look_at_zone(s, text);
    note(s, VALUE_TIME, text);
    return true;
}

void column_observe_time(struct column_stats *s, int64_t tick, bool is_zoned)
{
    char text[40];
    uint64_t us = (uint64_t)(tick % 1000000);
    int n = snprintf(text, sizeof(text), "%" PRId64, tick);
    s->n_values++;
    count_distinct(s, (struct str){text, (size_t)n});
    look_at_span(s, tick / 1000000);
    unsigned fraction = us == 0 ? 0 : us % 1000 == 0 ? 3 : 6;
    s->fraction = fraction > s->fraction ? fraction : s->fraction;
    s->n_zoned += is_zoned;
    note(s, VALUE_TIME, (struct str){text, (size_t)n});
}

static bool look_at_address(struct column_stats *s, struct str text)
{
    uint32_t v4;
    uint8_t v6[16];
    if (text.n >= 7 && text.n <= 15 && isdigit((unsigned char)text.p[0]) &&
        memchr(text.p, '.', text.n) && value_ipv4(&v4, text) == NULL) {
        note(s, VALUE_IPV4, text);
        return true;
    }
    if (text.n >= 2 && text.n <= 45 && memchr(text.p, ':', text.n) &&
        value_ipv6(v6, text) == NULL) {
        note(s, VALUE_IPV6, text);
        return true;
    }
    return false;
}

static bool look_at_float(struct column_stats *s, struct str text, int64_t now_s)
{
    double v;
    char c = text.p[0];
    if (!(isdigit((unsigned char)c) || c == '-' || c == '+' || c == '.') && !str_is(text, "nan") &&
        !str_is(text, "inf"))
        return false;
    if (value_float(&v, text) != NULL)
        return false;
    s->n_negative += v < 0;
    size_t sign = c == '-' || c == '+', whole = digits_at(text, sign);
    s->n_point_groups += whole >= 1 && whole <= 3 && sign + whole + 4 == text.n &&
                         text.p[sign + whole] == '.' && digits_at(text, sign + whole + 1) == 3;
    s->n_epoch_float += v >= YEAR_1980 && v <= (double)now_s + DAY_SECONDS;
    note(s, VALUE_FLOAT, text);
    return true;
}

static bool is_bool(struct str s)
{
    return str_is(s, "true") || str_is(s, "false") || str_is(s, "True") || str_is(s, "False") ||
           str_is(s, "TRUE") || str_is(s, "FALSE");
}

void column_observe(struct column_stats *s, struct str text, bool is_quoted, bool is_json,
                    int64_t now_s)
{
    int spelling = null_spelling(text, is_quoted);
    if (spelling >= 0) {
        s->n_null[spelling]++;
        return;
    }
    s->n_values++;
    s->n_json_text += is_json && is_quoted;
    count_distinct(s, text);
    if (look_at_integer(s, text, now_s) || look_at_address(s, text) ||
        look_at_day_month(s, text, now_s) || look_at_time(s, text, now_s) ||
        look_at_float(s, text, now_s))
        return;
    enum value_kind form = form_of(s, text);
    if (form != VALUE_KINDS)
        note(s, form, text);
    else
        note(s, is_bool(text) && !(is_json && is_quoted) ? VALUE_BOOL : VALUE_TEXT, text);
}

static void merge_seen(struct column_stats *to, const struct column_stats *from)
{
    for (size_t i = 0; i < from->seen_cap && !to->is_full; i++)
        if (from->seen[i])
            count_hash(to, from->seen[i]);
    to->is_full = to->is_full || from->is_full;
}

void column_stats_merge(struct column_stats *to, struct column_stats *from)
{
    bool is_first = to->n_kind[VALUE_INT] == 0;
    to->n_values += from->n_values;
    for (size_t i = 0; i < NULL_SPELLINGS; i++)
        to->n_null[i] += from->n_null[i];
    for (size_t i = 0; i < VALUE_KINDS; i++) {
        if (to->n_kind[i] == 0)
            memcpy(to->example[i], from->example[i], sizeof(to->example[i]));
        to->n_kind[i] += from->n_kind[i];
    }
    if (from->n_kind[VALUE_INT] > 0 && (is_first || from->min < to->min))
        to->min = from->min;
    to->max = from->max > to->max ? from->max : to->max;
    to->n_leading_zero += from->n_leading_zero;
    to->n_negative += from->n_negative;
    to->n_huge += from->n_huge;
    to->n_json_text += from->n_json_text;
    merge_seen(to, from);
    column_stats_done(from);
}

void column_stats_done(struct column_stats *s)
{
    free(s->seen);
    for (size_t i = 0; i < s->n_few; i++)
        free(s->few[i]);
    if (s->elements)
        column_stats_done(s->elements);
    free(s->elements);
    *s = (struct column_stats){0};
}
