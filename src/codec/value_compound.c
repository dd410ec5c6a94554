/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays, maps and tuples as text: [1,2], {'k':1}, ('a',1), as ClickHouse prints them and reads
 * them in CSV and TSV. Inside, texts, dates and their like stand in single quotes; numbers, true
 * and false, and NULL do not. */
#include <ctype.h>
#include <strings.h>

#include "codec/elements.h"
#include "codec/value_priv.h"

/* ---- printing ---- */

static bool is_quoted(struct type t)
{
    return !type_is_number(t) && t.kind != TYPE_DECIMAL && t.kind != TYPE_INTERVAL &&
           t.kind != TYPE_NOTHING && !type_is_compound(t);
}

static void print_in_quotes(struct buf *out, struct str s)
{
    static const char from[] = "\b\f\n\r\t\\'", to[] = "bfnrt\\'";

    buf_byte(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        const char *escape = s.p[i] ? strchr(from, s.p[i]) : NULL;
        if (escape || s.p[i] == '\0')
            buf_byte(out, '\\');
        buf_byte(out, escape ? (uint8_t)to[escape - from] : s.p[i] ? (uint8_t)s.p[i] : '0');
    }
    buf_byte(out, '\'');
}

void value_print_quoted(struct buf *out, struct type type, const void *value)
{
    AUTO_DONE(buf) text = {0};

    if (!is_quoted(type)) {
        value_print(out, type, value);
        return;
    }
    value_print(&text, type, value);
    print_in_quotes(out, buf_view(&text));
}

static void print_element(struct buf *out, struct type t, const void *value, bool is_null)
{
    if (is_null || t.kind == TYPE_NOTHING)
        buf_text(out, "NULL");
    else
        value_print_quoted(out, t, value);
}

void value_print_compound(struct buf *out, struct type type, const void *value)
{
    bool is_null;

    if (type.kind == TYPE_TUPLE) {
        for (uint32_t i = 0; i < type.more->n; i++) {
            const void *field = tuple_field(type, value, i, &is_null);
            buf_byte(out, i ? ',' : '(');
            print_element(out, type.more->elements[i], field, is_null);
        }
        buf_byte(out, ')');
        return;
    }
    bool is_map = type.kind == TYPE_MAP;
    struct elements values = array_elements(type, value), keys = map_keys(type, value);
    buf_byte(out, is_map ? '{' : '[');
    for (uint32_t i = 0; i < values.n; i++) {
        if (i)
            buf_byte(out, ',');
        if (is_map) {
            print_element(out, keys.type, element_at(&keys, i), false);
            buf_byte(out, ':');
        }
        print_element(out, values.type, element_at(&values, i), element_is_null(&values, i));
    }
    buf_byte(out, is_map ? '}' : ']');
}

/* ---- lists that grow ---- */

void element_list_init(struct element_list *l, struct type t)
{
    *l = (struct element_list){.type = t};
}

void element_list_reset(struct element_list *l)
{
    buf_reset(&l->keys);
    buf_reset(&l->values);
    buf_reset(&l->nulls);
    l->n = 0;
}

void element_list_done(struct element_list *l)
{
    buf_done(&l->keys);
    buf_done(&l->values);
    buf_done(&l->nulls);
}

static void *add_zero(struct buf *b, struct type t)
{
    size_t width = type_width(t);
    char *p = memset(buf_reserve(b, width), 0, width);

    b->n += width;
    return p;
}

void element_list_add(struct element_list *l, const void *key, const void *value, bool is_null)
{
    struct type element = l->type.more->elements[l->type.kind == TYPE_MAP];

    if (key)
        memcpy(add_zero(&l->keys, l->type.more->elements[0]), key,
               type_width(l->type.more->elements[0]));
    void *to = add_zero(&l->values, element);
    if (!is_null)
        memcpy(to, value, type_width(element));
    else if (!element.is_nullable)
        value_default(element, to);
    buf_byte(&l->nulls, is_null);
    l->n++;
}

struct array_value element_list_take(const struct element_list *l, struct arena *arena)
{
    struct array_room room;
    struct array_value ret = array_new(arena, l->type, l->n, &room);

    if (l->n == 0)
        return ret;
    memcpy(room.values, l->values.p, l->values.n);
    if (l->type.kind == TYPE_MAP)
        memcpy(room.keys, l->keys.p, l->keys.n);
    if (room.nulls)
        memcpy(room.nulls, l->nulls.p, l->n);
    return ret;
}

/* ---- reading ---- */

struct scan {
    const char *p, *end;
    struct arena *arena;
    unsigned depth;
};

enum { MAX_DEPTH = 64 };

static void skip_space(struct scan *s)
{
    while (s->p < s->end && isspace((unsigned char)*s->p))
        s->p++;
}

static bool take(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* Text in single quotes: escapes as in TSV, a quote within also as two. */
static const char *take_quoted(struct scan *s, struct str *ret)
{
    static const char from[] = "bfnrt0", to[] = "\b\f\n\r\t\0";

    if (!take(s, '\''))
        return "text in single quotes is wanted in it";
    char *out = arena_bytes(s->arena, (size_t)(s->end - s->p));
    size_t n = 0;
    while (s->p < s->end) {
        char c = *s->p++;
        if (c == '\'' && !take(s, '\'')) {
            *ret = (struct str){out, n};
            return NULL;
        }
        if (c == '\\' && s->p < s->end) {
            const char *escape = *s->p ? strchr(from, *s->p) : NULL;
            if (escape)
                c = to[escape - from];
            else if (strchr("\\'\"`/", *s->p))
                c = *s->p;
            else {
                out[n++] = '\\';
                c = *s->p;
            }
            s->p++;
        }
        out[n++] = c;
    }
    return "a quoted text in it has no closing quote";
}

static struct str take_token(struct scan *s)
{
    const char *start = s->p;

    while (s->p < s->end && !strchr(",:)]}", *s->p) && !isspace((unsigned char)*s->p))
        s->p++;
    return (struct str){start, (size_t)(s->p - start)};
}

static const char *take_compound(struct scan *s, struct type t, void *out);

/* Numbers have no plus sign and no zeroes in front here. */
static const char *parse_token(void *out, struct type t, struct str token)
{
    size_t sign = token.n && *token.p == '-';

    if (t.kind == TYPE_BOOL)
        return str_is(token, "true") || str_is(token, "false") ? value_parse(out, t, token)
                                                               : "not true or false";
    if (type_is_integer(t) && token.n &&
        (*token.p == '+' || (token.n > sign + 1 && token.p[sign] == '0')))
        return "a number with a plus sign or leading zeros";
    return value_parse(out, t, token);
}

static const char *take_value(struct scan *s, struct type t, void *out, bool *is_null)
{
    struct str text;

    *is_null = false;
    skip_space(s);
    if (s->end - s->p >= 4 && strncasecmp(s->p, "NULL", 4) == 0) {
        s->p += 4;
        *is_null = true;
        return NULL;
    }
    if (type_is_compound(t))
        return take_compound(s, t, out);
    bool may_be_bare = t.kind == TYPE_BOOL || type_is_time(t);
    bool is_text = s->p < s->end && *s->p == '\'';
    if (!is_quoted(t) && !(may_be_bare && is_text))
        return parse_token(out, t, take_token(s));
    if (type_is_time(t) && !is_text) {
        text = take_token(s);
        for (size_t i = 0; i < text.n; i++)
            if (!isdigit((unsigned char)text.p[i]))
                return "text in single quotes is wanted in it";
        return value_parse(out, t, text);
    }
    const char *reason = take_quoted(s, &text);
    return reason ? reason : value_parse_in(out, t, text, s->arena);
}

static const char *take_tuple(struct scan *s, struct type t, void *out)
{
    struct tuple_value tuple;
    char *fields = tuple_new(s->arena, t, &tuple);
    const struct type_more *m = t.more;
    bool is_null;

    if (!take(s, '('))
        return "a tuple begins with '('";
    for (uint32_t i = 0; i < m->n; i++) {
        skip_space(s);
        if (i && !take(s, ','))
            return "a tuple with fewer elements than its type";
        const char *reason = take_value(s, m->elements[i], fields + m->offsets[i], &is_null);
        if (reason)
            return reason;
        fields[m->null_offset + i] = is_null && m->elements[i].is_nullable;
        if (is_null && !m->elements[i].is_nullable)
            value_default(m->elements[i], fields + m->offsets[i]);
    }
    skip_space(s);
    if (m->n == 1 && take(s, ','))
        skip_space(s);
    if (!take(s, ')'))
        return "a tuple with more elements than its type, or without ')'";
    memcpy(out, &tuple, sizeof(tuple));
    return NULL;
}

/* One element of an array or map, added to the list. */
static const char *take_element(struct scan *s, struct element_list *l)
{
    struct type t = l->type;
    _Alignas(16) char key[16], value[16];
    bool is_null;

    if (t.kind == TYPE_MAP) {
        const char *reason = take_value(s, t.more->elements[0], key, &is_null);
        if (reason)
            return reason;
        if (is_null)
            value_default(t.more->elements[0], key);
        skip_space(s);
        if (!take(s, ':'))
            return "':' is wanted behind a key";
    }
    const char *reason = take_value(s, t.more->elements[t.kind == TYPE_MAP], value, &is_null);
    if (reason == NULL)
        element_list_add(l, t.kind == TYPE_MAP ? key : NULL, value, is_null);
    return reason;
}

static const char *take_list(struct scan *s, struct type t, void *out)
{
    bool is_map = t.kind == TYPE_MAP;
    char closing = is_map ? '}' : ']';
    AUTO_DONE(element_list) list;

    element_list_init(&list, t);
    if (!take(s, is_map ? '{' : '['))
        return is_map ? "a map begins with '{'" : "an array begins with '['";
    for (skip_space(s); !take(s, closing); skip_space(s)) {
        if (list.n && !take(s, ','))
            return "',' or the closing bracket is wanted";
        skip_space(s);
        if (list.n && take(s, closing))
            break;
        const char *reason = take_element(s, &list);
        if (reason)
            return reason;
    }
    struct array_value array = element_list_take(&list, s->arena);
    memcpy(out, &array, sizeof(array));
    return NULL;
}

static const char *take_compound(struct scan *s, struct type t, void *out)
{
    if (++s->depth > MAX_DEPTH)
        return "nested too deeply";
    const char *reason = t.kind == TYPE_TUPLE ? take_tuple(s, t, out) : take_list(s, t, out);
    s->depth--;
    return reason;
}

const char *value_parse_compound(void *out, struct type type, struct str text, struct arena *arena)
{
    struct scan s = {text.p, text.p + text.n, arena, 0};
    const char *reason = take_compound(&s, type, out);

    if (reason == NULL && s.p != s.end)
        return "something follows the closing bracket";
    return reason;
}
