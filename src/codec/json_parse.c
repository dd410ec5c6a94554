/* SPDX-License-Identifier: Apache-2.0
 *
 * The careful way through one JSON record: recursive descent over its bytes, every value
 * checked, wanted ones stored. Accepts what ClickHouse's JSONEachRow accepts, less what
 * docs/formats/json.md lists. It is the reference that the shapes are tested against. */
#include "codec/json_priv.h"

#include <emmintrin.h>
#include <limits.h>
#include <stdio.h>

struct parser {
    struct json_decoder *d;
    struct batch *b;
    size_t row;
    const char *begin, *p, *end;
    uint32_t depth;
};

/* ---- reasons ---- */

static bool fail(struct json_decoder *d, const char *what)
{
    snprintf(d->reason, sizeof(d->reason), "%s", what);
    return false;
}

static bool fail_field(struct json_decoder *d, size_t field, const char *what)
{
    struct str path = d->base.spec.fields[field].path;
    int n = path.n > 200 ? 200 : (int)path.n;
    snprintf(d->reason, sizeof(d->reason), "column '%.*s': %s", n, path.p, what);
    return false;
}

static bool fail_at(struct parser *s, const char *what)
{
    snprintf(s->d->reason, sizeof(s->d->reason), "not JSON at byte %zu: %s",
             (size_t)(s->p - s->begin) + 1, what);
    return false;
}

/* ---- tokens ---- */

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && json_is_space(*p))
        p++;
    return p;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Numbers as ClickHouse takes them: also +1, 01, 1. and .5 */
static bool is_number(const char *p, const char *end)
{
    size_t n_digits = 0;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    for (; p < end && is_digit(*p); p++)
        n_digits++;
    if (p < end && *p == '.')
        for (p++; p < end && is_digit(*p); p++)
            n_digits++;
    if (n_digits == 0)
        return false;
    if (p < end && (*p | 32) == 'e') {
        p++;
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        if (p == end)
            return false;
        while (p < end && is_digit(*p))
            p++;
    }
    return p == end;
}

bool json_is_token(struct str t)
{
    return is_number(t.p, t.p + t.n) || str_eq(t, STR("true")) || str_eq(t, STR("false")) ||
           str_eq(t, STR("null"));
}

static const char *token_end(const char *p, const char *end)
{
    while (p < end && *p != ',' && *p != '}' && *p != ']' && !json_is_space(*p))
        p++;
    return p;
}

/* The first quote or backslash, or end. */
static const char *find_special(const char *p, const char *end)
{
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    for (; end - p >= 16; p += 16) {
        __m128i w = _mm_loadu_si128((const __m128i *)p);
        int mask =
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(w, quote), _mm_cmpeq_epi8(w, backslash)));
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* ---- strings ---- */

static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = is_digit(c)                          ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* What is behind "\u": one unit or a pair. A lone low surrogate is kept as three bytes, as in
 * ClickHouse. Returns where it ends, NULL if it is wrong. */
static const char *read_unicode(const char *p, const char *end, uint32_t *ret)
{
    int high = hex4(p, end);
    if (high < 0)
        return NULL;
    p += 4;
    *ret = (uint32_t)high;
    if (high < 0xd800 || high > 0xdbff)
        return p;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return NULL;
    int low = hex4(p + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return NULL;
    *ret = 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    return p + 6;
}

static char plain_escape(char c)
{
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c; /* quote, backslash, slash, and whatever else, as in ClickHouse */
    }
}

/* p is behind the opening quote. Returns the closing one, NULL if the string is wrong. */
static const char *string_end(const char *p, const char *end, bool *has_escapes)
{
    *has_escapes = false;
    for (;;) {
        p = find_special(p, end);
        if (p == end)
            return NULL;
        if (*p == '"')
            return p;
        *has_escapes = true;
        if (end - p < 2)
            return NULL;
        p += 2;
        if (p[-1] == 'u') {
            uint32_t c;
            p = read_unicode(p, end, &c);
            if (p == NULL)
                return NULL;
        }
    }
}

/* `text` was accepted by string_end; `to` has text.n bytes. No escape is shorter than what it
 * means. */
static size_t unescape(char *to, struct str text)
{
    const char *p = text.p, *end = p + text.n;
    char *start = to;
    while (p < end) {
        const char *next = find_special(p, end);
        memcpy(to, p, (size_t)(next - p));
        to += next - p;
        p = next;
        if (p == end)
            break;
        uint32_t c;
        if (p[1] == 'u') {
            p = read_unicode(p + 2, end, &c);
            to = put_utf8(to, c);
        } else {
            *to++ = plain_escape(p[1]);
            p += 2;
        }
    }
    return (size_t)(to - start);
}

/* ---- skipping ---- */

static const char *skip_string(const char *p, const char *end)
{
    bool has_escapes;
    p = string_end(p + 1, end, &has_escapes);
    return p ? p + 1 : NULL;
}

static const char *skip_members(const char *p, const char *end, uint32_t max_depth)
{
    p = skip_space(p + 1, end);
    if (p < end && *p == '}')
        return p + 1;
    for (;;) {
        if (p == end || *p != '"' || (p = skip_string(p, end)) == NULL)
            return NULL;
        p = skip_space(p, end);
        if (p == end || *p != ':')
            return NULL;
        p = json_skip(skip_space(p + 1, end), end, max_depth);
        if (p == NULL)
            return NULL;
        p = skip_space(p, end);
        if (p == end)
            return NULL;
        if (*p == '}')
            return p + 1;
        if (*p != ',')
            return NULL;
        p = skip_space(p + 1, end);
    }
}

static const char *skip_elements(const char *p, const char *end, uint32_t max_depth)
{
    p = skip_space(p + 1, end);
    if (p < end && *p == ']')
        return p + 1;
    for (;;) {
        p = json_skip(p, end, max_depth);
        if (p == NULL)
            return NULL;
        p = skip_space(p, end);
        if (p == end)
            return NULL;
        if (*p == ']')
            return p + 1;
        if (*p != ',')
            return NULL;
        p = skip_space(p + 1, end);
    }
}

const char *json_skip(const char *p, const char *end, uint32_t max_depth)
{
    if (p >= end)
        return NULL;
    if (*p == '"')
        return skip_string(p, end);
    if (*p == '{' || *p == '[') {
        if (max_depth == 0)
            return NULL;
        return *p == '{' ? skip_members(p, end, max_depth - 1)
                         : skip_elements(p, end, max_depth - 1);
    }
    const char *stop = token_end(p, end);
    return json_is_token((struct str){p, (size_t)(stop - p)}) ? stop : NULL;
}

/* ---- storing ---- */

static inline void *slot(const struct column *c, size_t row)
{
    return (char *)c->values + row * type_width(c->type);
}

static void mark(struct column *c, size_t row, bool is_null, bool is_missing)
{
    if (c->nulls)
        c->nulls[row] = is_null;
    if (c->missing)
        c->missing[row] = is_missing;
    if (is_null || is_missing)
        value_default(c->type, slot(c, row));
}

void json_store_missing(struct json_decoder *d, struct batch *b, size_t field, size_t row)
{
    struct column *c = &b->columns[field];
    mark(c, row, true, true);
}

/* NULL stays NULL where it may; else it is the default, as if the field were not there. */
static bool store_null(struct batch *b, size_t field, size_t row)
{
    struct column *c = &b->columns[field];
    mark(c, row, true, !c->type.is_nullable);
    return true;
}

static bool store_string(struct batch *b, size_t field, size_t row, struct str text)
{
    struct column *c = &b->columns[field];
    mark(c, row, false, false);
    COLUMN(c, struct str)[row] = text;
    return true;
}

/* true and false are 1 and 0 in numbers, with or without quotes. */
static const char *number_text(void *out, struct type type, struct str text)
{
    if (str_eq(text, STR("true")))
        text = STR("1");
    else if (str_eq(text, STR("false")))
        text = STR("0");
    return value_parse(out, type, text);
}

static bool store_value(struct json_decoder *d, struct batch *b, size_t field, size_t row,
                        const char *reason)
{
    if (reason)
        return fail_field(d, field, reason);
    mark(&b->columns[field], row, false, false);
    return true;
}

const char *json_text_value(void *out, struct type type, struct str text, struct arena *arena)
{
    switch (type.kind) {
    case TYPE_STRING: memcpy(out, &text, sizeof(text)); return NULL;
    case TYPE_BOOL: return "text where true or false is wanted";
    default:
        if (type.kind > TYPE_INTERVAL)
            return json_text_more(out, type, text, arena);
        if (!type_is_number(type))
            return value_parse(out, type, text);
        if (text.n == 0 && type_is_integer(type))
            return number_text(out, type, STR("0")); /* as ClickHouse */
        return number_text(out, type, text);
    }
}

bool json_store_text(struct json_decoder *d, struct batch *b, size_t field, size_t row,
                     struct str text)
{
    struct column *c = &b->columns[field];
    if (c->type.kind == TYPE_STRING)
        return store_string(b, field, row, text);
    return store_value(d, b, field, row, json_text_value(slot(c, row), c->type, text, &b->arena));
}

static const char *bool_token(uint8_t *ret, struct str token)
{
    bool is_true = str_eq(token, STR("true")) || str_eq(token, STR("1"));
    if (!is_true && !str_eq(token, STR("false")) && !str_eq(token, STR("0")))
        return "not true, false, 1 or 0";
    *ret = is_true;
    return NULL;
}

/* Times without quotes are plain counts: days, seconds, ticks; those of DateTime64 in the years
 * 0 to 9999. */
static const char *date_token(void *out, struct str token)
{
    return value_parse(out, (struct type){.kind = TYPE_UINT16}, token);
}

static const char *datetime_token(void *out, struct str token)
{
    int64_t v;
    const char *reason = value_int(&v, token, INT64_MIN, INT64_MAX);
    if (reason == NULL && (v < 0 || v > UINT32_MAX))
        reason = "a time outside DateTime (1970-01-01 to 2106-02-07)";
    if (reason == NULL)
        *(uint32_t *)out = (uint32_t)v;
    return reason;
}

static const char *datetime64_token(void *out, unsigned scale, struct str token)
{
    int64_t v, per_second = (int64_t)fast_powers_of_10[scale];
    const char *reason = value_int(&v, token, INT64_MIN, INT64_MAX);
    if (reason == NULL && (v / per_second < JSON_FIRST_SECOND || v / per_second > JSON_LAST_SECOND))
        reason = "a time outside DateTime64 (years 0 to 9999)";
    if (reason == NULL)
        *(int64_t *)out = v;
    return reason;
}

const char *json_token_value(void *out, struct type type, struct str token)
{
    switch (type.kind) {
    case TYPE_STRING:
        if (!json_is_token(token))
            return "not a JSON value";
        memcpy(out, &token, sizeof(token));
        return NULL;
    case TYPE_BOOL: return bool_token(out, token);
    case TYPE_DATE: return date_token(out, token);
    case TYPE_DATETIME: return datetime_token(out, token);
    case TYPE_DATETIME64: return datetime64_token(out, type.scale, token);
    default:
        return type_is_number(type) ? number_text(out, type, token)
                                    : json_token_more(out, type, token);
    }
}

bool json_store_token(struct json_decoder *d, struct batch *b, size_t field, size_t row,
                      struct str token)
{
    struct column *c = &b->columns[field];
    if (token.n && *token.p == 'n') {
        if (!str_eq(token, STR("null")))
            return fail_field(d, field, "not a JSON value");
        return store_null(b, field, row);
    }
    return store_value(d, b, field, row, json_token_value(slot(c, row), c->type, token));
}

bool json_take_string(const char **p, const char *end, struct arena *arena, struct str *ret)
{
    bool has_escapes;
    const char *text = *p + 1, *stop = string_end(text, end, &has_escapes);
    if (stop == NULL)
        return false;
    *ret = (struct str){text, (size_t)(stop - text)};
    *p = stop + 1;
    if (has_escapes) {
        char *copy = arena_bytes(arena, ret->n);
        *ret = (struct str){copy, unescape(copy, *ret)};
    }
    return true;
}

/* ---- the record ---- */

static bool parse_object(struct parser *s);

static bool parse_wanted_string(struct parser *s, size_t field)
{
    bool has_escapes;
    const char *text = s->p + 1, *stop = string_end(text, s->end, &has_escapes);
    if (stop == NULL)
        return fail_field(s->d, field, "text with a wrong escape or without its closing quote");
    struct str t = {text, (size_t)(stop - text)};
    s->p = stop + 1;
    struct type type = s->b->columns[field].type;
    if (has_escapes && (type_is_text(type) || type_is_enum(type))) {
        char *copy = arena_bytes(&s->b->arena, t.n);
        t = (struct str){copy, unescape(copy, t)};
    } else if (has_escapes) {
        return fail_field(s->d, field, "escapes in a value that is not a String");
    }
    return json_store_text(s->d, s->b, field, s->row, t);
}

/* The text of an array or object: Strings take it as it is. */
static bool store_nested(struct parser *s, size_t field, struct str text)
{
    struct column *c = &s->b->columns[field];
    bool is_null;
    if (c->type.kind == TYPE_STRING)
        return store_string(s->b, field, s->row, text);
    return store_value(
        s->d, s->b, field, s->row,
        json_read_value(slot(c, s->row), &is_null, c->type, text, &s->b->arena, s->depth));
}

static bool parse_nested(struct parser *s, const struct json_path *path)
{
    const char *start = s->p;
    if (path && path->is_prefix && *s->p == '{') {
        if (!parse_object(s))
            return false;
    } else {
        s->p = json_skip(s->p, s->end, s->depth);
        if (s->p == NULL) {
            s->p = start;
            return fail_at(s, "a value that is damaged or nested too deeply");
        }
    }
    struct str text = {start, (size_t)(s->p - start)};
    for (int32_t field = path ? path->field : -1; field >= 0; field = s->d->next_same[field])
        if (!store_nested(s, (size_t)field, text))
            return false;
    return true;
}

static bool parse_token(struct parser *s, size_t field)
{
    struct str token = {s->p, (size_t)(token_end(s->p, s->end) - s->p)};
    s->p += token.n;
    return json_store_token(s->d, s->b, field, s->row, token);
}

/* The value at p, into fields that may want only a part of it. */
static bool parse_indexed(struct parser *s, const struct json_path *path)
{
    const char *start = s->p, *stop = json_skip(start, s->end, s->depth);
    if (stop == NULL)
        return fail_at(s, "a value that is damaged or nested too deeply");
    if (path->is_prefix && *start == '{' && !parse_object(s))
        return false;
    for (int32_t field = path->field; field >= 0; field = s->d->next_same[field]) {
        struct str text = {start, (size_t)(stop - start)};
        bool is_stored = true;
        if (!json_navigate(&text, s->d->tails[field], &s->b->arena, s->depth)) {
            json_store_missing(s->d, s->b, (size_t)field, s->row);
            continue;
        }
        s->p = text.p;
        if (*text.p == '{' || *text.p == '[')
            is_stored = store_nested(s, (size_t)field, text);
        else
            is_stored = *text.p == '"' ? parse_wanted_string(s, (size_t)field)
                                       : parse_token(s, (size_t)field);
        if (!is_stored)
            return false;
    }
    s->p = stop;
    return true;
}

static bool parse_value(struct parser *s, const struct json_path *path)
{
    if (s->p == s->end)
        return fail_at(s, "a value is missing");
    if (path && path->is_indexed)
        return parse_indexed(s, path);
    if (*s->p == '{' || *s->p == '[')
        return parse_nested(s, path);
    if (path == NULL || path->field < 0) {
        const char *stop = json_skip(s->p, s->end, s->depth);
        if (stop == NULL)
            return fail_at(s, "not a value");
        s->p = stop;
        return true;
    }
    const char *start = s->p;
    for (int32_t field = path->field; field >= 0; field = s->d->next_same[field]) {
        s->p = start;
        if (*start == '"' ? !parse_wanted_string(s, (size_t)field) : !parse_token(s, (size_t)field))
            return false;
    }
    return true;
}

/* The key at p becomes the end of d->path; *path = what is wanted of it. */
static bool parse_key(struct parser *s, const struct json_path **path)
{
    struct json_decoder *d = s->d;
    bool has_escapes;
    if (s->p == s->end || *s->p != '"')
        return fail_at(s, "a key in quotes is wanted");
    const char *text = s->p + 1, *stop = string_end(text, s->end, &has_escapes);
    if (stop == NULL)
        return fail_at(s, "a key with a wrong escape or without its closing quote");
    struct str key = {text, (size_t)(stop - text)};
    if (has_escapes) {
        buf_reset(&d->key);
        char *to = buf_reserve(&d->key, key.n);
        key = (struct str){to, unescape(to, key)};
    }
    if (d->path.n)
        buf_byte(&d->path, '.');
    buf_str(&d->path, key);
    *path = json_find_path(d, buf_view(&d->path));
    s->p = skip_space(stop + 1, s->end);
    if (s->p == s->end || *s->p != ':')
        return fail_at(s, "':' is wanted");
    s->p = skip_space(s->p + 1, s->end);
    return true;
}

/* A key that no field wants, for the field of '*'. d->path is the key. */
static bool add_other(struct parser *s, struct str text)
{
    struct json_decoder *d = s->d;
    struct type t = d->other_list.type;
    _Alignas(16) char key_value[16], value[16];
    bool is_null;
    struct str key = arena_str(&s->b->arena, buf_view(&d->path));
    const char *reason = json_text_value(key_value, t.more->elements[0], key, &s->b->arena);
    if (reason == NULL)
        reason =
            json_read_value(value, &is_null, t.more->elements[1], text, &s->b->arena, s->depth);
    if (reason)
        return fail_field(d, (size_t)d->others, reason);
    element_list_add(&d->other_list, key_value, value, is_null);
    return true;
}

static void store_others(struct json_decoder *d, struct batch *b, size_t row)
{
    struct column *c = &b->columns[d->others];
    struct array_value array = element_list_take(&d->other_list, &b->arena);
    mark(c, row, false, false);
    memcpy(slot(c, row), &array, sizeof(array));
    d->seen[d->others] = d->record;
}

static bool parse_member(struct parser *s)
{
    struct json_decoder *d = s->d;
    size_t n_path = d->path.n;
    const struct json_path *path;
    if (!parse_key(s, &path))
        return false;
    for (int32_t field = path ? path->field : -1; field >= 0; field = d->next_same[field]) {
        if (d->seen[field] == d->record)
            return fail_field(d, (size_t)field, "is there twice");
        d->seen[field] = d->record;
    }
    const char *start = s->p;
    if (!parse_value(s, path))
        return false;
    if (d->others >= 0 && path == NULL && n_path == 0 &&
        !add_other(s, (struct str){start, (size_t)(s->p - start)}))
        return false;
    d->path.n = n_path;
    return true;
}

/* p is at the opening brace. */
static bool parse_object(struct parser *s)
{
    if (s->depth == 0)
        return fail_at(s, "nested too deeply");
    s->depth--;
    s->p = skip_space(s->p + 1, s->end);
    if (s->p < s->end && *s->p == '}') {
        s->p++;
        s->depth++;
        return true;
    }
    for (;;) {
        if (!parse_member(s))
            return false;
        s->p = skip_space(s->p, s->end);
        if (s->p == s->end)
            return fail_at(s, "the object does not end");
        if (*s->p == '}')
            break;
        if (*s->p != ',')
            return fail_at(s, "',' or '}' is wanted");
        s->p = skip_space(s->p + 1, s->end);
    }
    s->p++;
    s->depth++;
    return true;
}

bool json_parse_record(struct json_decoder *d, struct batch *b, size_t row, struct str line)
{
    const struct decoder_spec *spec = &d->base.spec;
    struct parser s = {d, b, row, line.p, line.p, line.p + line.n, json_max_depth(d)};
    if (line.n > spec->max_record_bytes)
        return fail(d, "longer than max_record_bytes");
    if (++d->record == 0) { /* the count went round */
        memset(d->seen, 0, spec->n_fields * sizeof(*d->seen));
        d->record = 1;
    }
    buf_reset(&d->path);
    if (d->others >= 0)
        element_list_reset(&d->other_list);
    s.p = skip_space(s.p, s.end);
    if (s.p == s.end || *s.p != '{')
        return fail(d, "not a JSON object");
    if (!parse_object(&s))
        return false;
    s.p = skip_space(s.p, s.end);
    if (s.p < s.end && *s.p == ',') /* between records ClickHouse takes it */
        s.p = skip_space(s.p + 1, s.end);
    d->next_object = s.p < s.end && *s.p == '{' ? s.p : NULL;
    if (s.p < s.end && d->next_object == NULL)
        return fail_at(&s, "something follows the object");
    if (d->others >= 0)
        store_others(d, b, row);
    for (size_t i = 0; i < spec->n_fields; i++)
        if (d->seen[i] != d->record)
            json_store_missing(d, b, i, row);
    return true;
}

static bool parse_elements(struct parser *s)
{
    struct json_decoder *d = s->d;
    size_t n = 0;

    s->p = skip_space(s->p + 1, s->end);
    while (s->p < s->end && *s->p != ']') {
        const struct json_path *path =
            n < d->n_elements && d->elements[n].field >= 0 ? &d->elements[n] : NULL;
        if (!parse_value(s, path))
            return false;
        n++;
        s->p = skip_space(s->p, s->end);
        if (s->p < s->end && *s->p != ',' && *s->p != ']')
            return fail_at(s, "',' or ']' is wanted");
        if (s->p < s->end && *s->p == ',') {
            s->p = skip_space(s->p + 1, s->end);
            if (s->p < s->end && *s->p == ']')
                return fail_at(s, "a value is missing");
        }
    }
    if (s->p == s->end)
        return fail_at(s, "the array does not end");
    s->p = skip_space(s->p + 1, s->end);
    if (s->p < s->end && *s->p == ',')
        s->p = skip_space(s->p + 1, s->end);
    if (s->p < s->end)
        return fail_at(s, "something follows the array");
    if (n != d->n_elements) {
        snprintf(d->reason, sizeof(d->reason), "%zu values instead of %zu", n, d->n_elements);
        return false;
    }
    return true;
}

bool json_parse_array(struct json_decoder *d, struct batch *b, size_t row, struct str line)
{
    struct parser s = {d, b, row, line.p, line.p, line.p + line.n, json_max_depth(d)};

    if (line.n > d->base.spec.max_record_bytes)
        return fail(d, "longer than max_record_bytes");
    buf_reset(&d->path);
    s.p = skip_space(s.p, s.end);
    if (s.p == s.end || *s.p != '[')
        return fail(d, "not a JSON array");
    if (s.depth == 0)
        return fail_at(&s, "nested too deeply");
    s.depth--;
    return parse_elements(&s);
}
