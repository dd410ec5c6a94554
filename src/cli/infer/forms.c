/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that are more than text: numbers as people write them, UUIDs, MAC addresses, clock
 * times, lists and maps. A number is looked at character by character: groups of three digits,
 * a fraction, and around them signs of money, percent and blanks. */
#include <ctype.h>
#include <stdio.h>

#include "cli/infer/infer.h"
#include "codec/value.h"

/* ---- numbers ---- */

/* Signs of money and blanks of Unicode, as UTF-8. */
static const char *const money[] = {"€",   "$",   "£",   "¥",   "₹",   "₽", "₩",
                                    "₺",   "₴",   "₿", "EUR", "USD", "GBP", "CHF",
                                    "JPY", "SEK", "NOK", "DKK", "PLN"};
static const char *const blanks[] = {" ", "\u00a0", "\u202f", "\u2009", "'", "’"};

static const char *starts_with_one(struct str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_starts(s, list[i]))
            return list[i];
    return NULL;
}

/* What a text that may be a number consists of. */
struct shape {
    char digits[80]; /* digits, '.' and ',' alone */
    size_t n;
    const char *strips[8];
    size_t n_strips;
    bool has_percent, has_money;
};

static bool strip(struct shape *h, const char *what)
{
    for (size_t i = 0; i < h->n_strips; i++)
        if (strcmp(h->strips[i], what) == 0)
            return true;
    if (h->n_strips == COUNT(h->strips))
        return false;
    h->strips[h->n_strips++] = what;
    return true;
}

/* Blanks between digits separate groups, whose lengths are looked at later by way of ' '. */
static bool take_apart(struct shape *h, struct str s)
{
    bool has_digit = false, is_closed = false;
    if (s.n > 0 && (*s.p == '-' || *s.p == '+')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0) {
        const char *found = NULL;
        size_t n = 1;
        char c = *s.p;
        if ((c >= '0' && c <= '9') || c == '.' || c == ',') {
            if (is_closed || h->n == sizeof(h->digits) - 1)
                return false;
            h->digits[h->n++] = c;
            has_digit = true;
        } else if (c == '%') {
            if (!has_digit || h->has_percent || !strip(h, "%"))
                return false;
            h->has_percent = is_closed = true;
        } else if ((found = starts_with_one(s, money, COUNT(money))) != NULL) {
            if (h->has_money || !strip(h, found))
                return false;
            h->has_money = true;
            is_closed = has_digit;
            n = strlen(found);
        } else if ((found = starts_with_one(s, blanks, COUNT(blanks))) != NULL) {
            n = strlen(found);
            bool is_inside = has_digit && s.n > n && isdigit((unsigned char)s.p[n]);
            if (!strip(h, found) || (is_inside && h->n == sizeof(h->digits) - 1))
                return false;
            if (is_inside)
                h->digits[h->n++] = ' ';
        } else if (c == '-' && !has_digit) { /* € -5 */
            n = 1;
        } else {
            return false;
        }
        s.p += n;
        s.n -= n;
    }
    h->digits[h->n] = '\0';
    return has_digit;
}

/* Lengths of the runs of digits, and the separators between them. */
struct runs {
    size_t n, length[32];
    char separator[32];
};

static bool find_runs(struct runs *r, const char *p)
{
    *r = (struct runs){0};
    for (;;) {
        size_t n = strspn(p, "0123456789");
        if (n == 0 || r->n == COUNT(r->length))
            return false;
        r->length[r->n] = n;
        r->separator[r->n++] = p[n];
        if (p[n] == '\0')
            return true;
        p += n + 1;
    }
}

static bool are_groups(const struct runs *r, size_t n)
{
    if (r->length[0] > 3)
        return false;
    for (size_t i = 1; i < n; i++)
        if (r->length[i] != 3 || r->separator[i - 1] != r->separator[0])
            return false;
    return true;
}

enum reading { READ_NONE, READ_PLAIN, READ_COMMA_GROUPS, READ_ONE_COMMA, READ_COMMA_FRACTION };

/* *has_point_groups: 1.234.567; *is_fraction: there is a fraction, if it is what it looks like. */
static enum reading read_runs(const struct runs *r, bool *has_point_groups, bool *is_fraction)
{
    char first = r->separator[0], last = r->n > 1 ? r->separator[r->n - 2] : '\0';
    size_t n_groups = r->n;
    *has_point_groups = *is_fraction = false;
    if (r->n == 1)
        return READ_PLAIN;
    if (first != last) { /* the last one separates the fraction */
        n_groups = r->n - 1;
        *is_fraction = true;
        if (last == ' ' || !are_groups(r, n_groups))
            return READ_NONE;
        *has_point_groups = first == '.';
        return last == ',' ? READ_COMMA_FRACTION : first == ' ' ? READ_PLAIN : READ_COMMA_GROUPS;
    }
    if (r->n == 2 && first != ' ') { /* one point or comma */
        bool is_group = r->length[1] == 3 && r->length[0] <= 3;
        *is_fraction = first == '.' || !is_group;
        return first == '.' ? READ_PLAIN : is_group ? READ_ONE_COMMA : READ_COMMA_FRACTION;
    }
    if (!are_groups(r, n_groups))
        return READ_NONE;
    *has_point_groups = first == '.';
    return first == ',' ? READ_COMMA_GROUPS : first == '.' ? READ_COMMA_FRACTION : READ_PLAIN;
}

static void keep_strip(struct written_numbers *w, const char *what)
{
    size_t n = strlen(what);
    for (size_t i = 0; i < w->n_strips; i++)
        if (strcmp(w->strips[i], what) == 0)
            return;
    if (w->n_strips < COUNT(w->strips) && n < sizeof(w->strips[0]))
        memcpy(w->strips[w->n_strips++], what, n + 1);
}

static bool look_at_written(struct written_numbers *w, struct str text)
{
    struct shape h = {0};
    struct runs r;
    bool has_point_groups, is_fraction;
    if (text.n > 60 || !take_apart(&h, text) || !find_runs(&r, h.digits))
        return false;
    enum reading reading = read_runs(&r, &has_point_groups, &is_fraction);
    if (reading == READ_NONE || (reading == READ_PLAIN && h.n_strips == 0))
        return false;
    w->n_comma_groups += reading == READ_COMMA_GROUPS;
    w->n_one_comma += reading == READ_ONE_COMMA;
    w->n_comma_fraction += reading == READ_COMMA_FRACTION;
    w->n_fraction += is_fraction;
    w->n_percent += h.has_percent;
    w->n_money += h.has_money;
    w->n_negative += memchr(text.p, '-', text.n) != NULL;
    w->has_point_groups = w->has_point_groups || has_point_groups;
    for (size_t i = 0; i < h.n_strips; i++)
        keep_strip(w, h.strips[i]);
    return true;
}

/* ---- others ---- */

static bool is_uuid(struct str s)
{
    uint8_t bytes[16];
    return s.n == 36 && s.p[8] == '-' && value_uuid(bytes, s) == NULL;
}

/* 00:1b:44:11:3a:b7, 00-1B-44-11-3A-B7 */
static bool is_mac(struct str s)
{
    if (s.n != 17 || (s.p[2] != ':' && s.p[2] != '-'))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (i % 3 == 2 ? s.p[i] != s.p[2] : hex_value(s.p[i]) < 0)
            return false;
    return true;
}

/* h:mm or h:mm:ss, perhaps with a fraction, AM or PM, a zone. */
static bool is_clock(struct str s)
{
    size_t at = 0, n_parts = 0;
    for (;; n_parts++) {
        size_t from = at;
        while (at < s.n && isdigit((unsigned char)s.p[at]))
            at++;
        size_t n = at - from;
        if (n == 0 || n > 2 || (n_parts > 0 && n != 2))
            return false;
        if (n_parts == 2 || at >= s.n || s.p[at] != ':')
            break;
        at++;
    }
    if (n_parts == 0)
        return false;
    if (at < s.n && s.p[at] == '.' && n_parts == 2)
        for (at++; at < s.n && isdigit((unsigned char)s.p[at]);)
            at++;
    while (at < s.n && s.p[at] == ' ')
        at++;
    size_t rest = s.n - at;
    for (; at < s.n; at++)
        if (!isalpha((unsigned char)s.p[at]) && s.p[at] != ' ')
            return false;
    return rest <= 8;
}

static bool look_at_list(struct column_stats *s, struct str text)
{
    static const char *const names[LIST_TYPES] = {"Array(Int64)",         "Array(Float64)",
                                                  "Array(String)",        "Map(String, Int64)",
                                                  "Map(String, Float64)", "Map(String, String)"};
    char first = text.p[0], last = text.p[text.n - 1];
    size_t from = first == '[' && last == ']'   ? LIST_INT
                  : first == '{' && last == '}' ? MAP_INT
                                                : LIST_TYPES;
    AUTO_DONE(arena) scratch = {0};
    bool is_taken = false;
    for (size_t i = from; i < LIST_TYPES && i < from + 3; i++) {
        struct type type;
        struct err e;
        _Alignas(16) char value[64];
        if (type_parse(&type, str_of(names[i]), &e) != ERR_OK ||
            value_parse_in(value, type, text, &scratch) != NULL)
            continue;
        s->n_list[i]++;
        is_taken = true;
    }
    return is_taken;
}

enum value_kind form_of(struct column_stats *s, struct str text)
{
    if (is_uuid(text))
        return VALUE_UUID;
    if (is_mac(text))
        return VALUE_MAC;
    if (is_clock(text))
        return VALUE_CLOCK;
    if (look_at_written(&s->written, text))
        return VALUE_WRITTEN;
    return text.n >= 2 && look_at_list(s, text) ? VALUE_LIST : VALUE_KINDS;
}
