/* SPDX-License-Identifier: Apache-2.0
 *
 * What to write where a type does not fit: the function that converts. */
#include <stdio.h>

#include "expr/advice.h"

enum { MAX_SHOWN = 40 };

static bool is_time(struct type t)
{
    return type_is_time(t) || t.kind == TYPE_DATE || t.kind == TYPE_DATE32;
}

static bool is_plain(struct type t)
{
    return !type_is_text(t) && !type_is_compound(t) && t.kind != TYPE_NOTHING &&
           t.kind != TYPE_INTERVAL;
}

/* The function that makes a value of the kind that is wanted, NULL if there is none to name. */
static const char *converter(struct type have, enum wanted_kind wanted)
{
    switch (wanted) {
    case WANTED_NUMBER:
        return type_is_text(have)       ? "toFloat64OrNull"
               : is_time(have)          ? "toUnixTimestamp"
               : have.kind == TYPE_IPV4 ? "IPv4StringToNum"
                                        : NULL;
    case WANTED_INTEGER:
        return type_is_text(have)                                 ? "toInt64OrNull"
               : type_is_float(have) || have.kind == TYPE_DECIMAL ? "toInt64"
               : is_time(have)                                    ? "toUnixTimestamp"
                                                                  : NULL;
    case WANTED_TEXT: return is_plain(have) ? "toString" : NULL;
    case WANTED_TIME:
        return type_is_text(have)     ? "parseDateTimeBestEffortOrNull"
               : type_is_number(have) ? "toDateTime"
                                      : NULL;
    case WANTED_ARRAY: return have.kind == TYPE_MAP ? "mapValues" : NULL;
    case WANTED_OTHER: return NULL;
    }
    return NULL;
}

static enum wanted_kind wanted_of(const char *expected)
{
    static const struct {
        const char *begin;
        enum wanted_kind wanted;
    } table[] = {
        {"a number", WANTED_NUMBER}, {"an integer", WANTED_INTEGER}, {"a String", WANTED_TEXT},
        {"a string", WANTED_TEXT},   {"a Date", WANTED_TIME},        {"a DateTime", WANTED_TIME},
        {"an array", WANTED_ARRAY},  {"a text", WANTED_TEXT},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        if (strncmp(expected, table[i].begin, strlen(table[i].begin)) == 0)
            return table[i].wanted;
    return WANTED_OTHER;
}

static void put_argument(struct buf *out, const struct ast *node)
{
    AUTO_DONE(buf) text = {0};
    if (node != NULL)
        ast_print(&text, node);
    if (text.n > 0 && text.n <= MAX_SHOWN)
        buf_str(out, buf_view(&text));
    else
        buf_text(out, "…");
}

const char *advice_for_wanted(struct buf *out, struct type have, enum wanted_kind wanted,
                              const struct ast *node)
{
    const char *function = converter(have, wanted);
    if (function != NULL) {
        buf_printf(out, "convert it: %s(", function);
        put_argument(out, node);
        buf_byte(out, ')');
    } else if (wanted == WANTED_ARRAY && type_is_text(have)) {
        buf_text(out, "convert it: splitByChar(',', ");
        put_argument(out, node);
        buf_byte(out, ')');
    } else if (have.kind == TYPE_ARRAY && wanted != WANTED_OTHER && wanted != WANTED_ARRAY) {
        buf_text(out, "take one element, or all of them: arrayMap(e -> …, ");
        put_argument(out, node);
        buf_byte(out, ')');
    } else {
        return NULL;
    }
    return buf_cstr(out);
}

const char *advice_for_argument(struct buf *out, struct type have, const char *expected,
                                const struct ast *node)
{
    return advice_for_wanted(out, have, wanted_of(expected), node);
}

static enum wanted_kind kind_of(struct type t)
{
    return type_is_text(t)     ? WANTED_TEXT
           : is_time(t)        ? WANTED_TIME
           : type_is_number(t) ? WANTED_NUMBER
           : is_plain(t)       ? WANTED_TEXT
                               : WANTED_OTHER;
}

const char *advice_for_pair(struct buf *out, struct type a, struct type b)
{
    if (a.kind == TYPE_ARRAY)
        a = type_element(a, 0);
    if (b.kind == TYPE_ARRAY)
        b = type_element(b, 0);
    const char *first = converter(a, kind_of(b)), *second = converter(b, kind_of(a));
    if (first == NULL && second == NULL)
        return NULL;
    char name[64];
    buf_text(out, "convert one of them:");
    if (first != NULL)
        buf_printf(out, " %s of the %s", first, type_name(type_bare(a), name));
    if (second != NULL)
        buf_printf(out, "%s %s of the %s", first != NULL ? " or" : "", second,
                   type_name(type_bare(b), name));
    return buf_cstr(out);
}

value_id site_types_error(struct site *s, struct type a, struct type b, const char *fmt, ...)
{
    AUTO_DONE(buf) advice = {0};
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    diagnose_error(s->d, s->at, advice_for_pair(&advice, a, b), "%s", text);
    return VALUE_FAILED;
}
