/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays, objects and what is inside them as values: Array from [...], Map and a Tuple with
 * names from {...}, a Tuple without names from [...]. And paths that go into arrays: 'a.b[0].c'.
 * Texts here were accepted by json_skip, so brackets and quotes are known to match. */
#include "codec/elements.h"
#include "codec/json_priv.h"

struct scan {
    const char *p, *end;
    struct arena *arena;
    uint32_t depth; /* what is left */
};

static void pass_space(struct scan *s)
{
    while (s->p < s->end && json_is_space(*s->p))
        s->p++;
}

/* ---- values ---- */

const char *json_text_more(void *out, struct type type, struct str text, struct arena *arena)
{
    if (type_is_compound(type))
        return type.kind == TYPE_ARRAY ? "text where an array is wanted"
                                       : "text where an object is wanted";
    if (type.kind == TYPE_DECIMAL && text.n == 0)
        text = STR("0"); /* as ClickHouse */
    return value_parse_in(out, type, text, arena);
}

const char *json_token_more(void *out, struct type type, struct str token)
{
    int64_t v;
    struct str name;
    const char *reason;

    switch ((enum type_kind)type.kind) {
    case TYPE_DECIMAL: return value_decimal(out, type, token);
    case TYPE_DATE32:
        reason = value_int(&v, token, -25567, 120529);
        if (reason == NULL)
            *(int32_t *)out = (int32_t)v;
        return reason;
    case TYPE_ENUM8:
    case TYPE_ENUM16:
        reason = value_int(&v, token, INT16_MIN, INT16_MAX);
        if (reason == NULL && !enum_name(type, v, &name))
            reason = "not a number of the enum";
        if (reason == NULL)
            memcpy(out, &v, type_width(type));
        return reason;
    case TYPE_ARRAY: return "an array is wanted";
    case TYPE_MAP: return "an object is wanted";
    case TYPE_TUPLE: return type.more->names ? "an object is wanted" : "an array is wanted";
    default: return "text in quotes is wanted";
    }
}

static const char *read_value(struct scan *s, struct type t, void *out, bool *is_null);

/* A value by itself, as json_read_value. */
static const char *read_piece(struct scan *s, struct type t, void *out, bool *is_null)
{
    const char *stop = json_skip(s->p, s->end, s->depth);

    if (stop == NULL)
        return "not a JSON value";
    struct scan piece = {s->p, stop, s->arena, s->depth};
    s->p = stop;
    return read_value(&piece, t, out, is_null);
}

/* The array's elements; a Tuple has as many as its type says. */
static const char *read_elements(struct scan *s, struct type t, void *out)
{
    AUTO_DONE(element_list) list;
    struct tuple_value tuple = {NULL};
    char *fields = NULL;
    _Alignas(16) char value[16];
    bool is_null;
    uint32_t n = 0;

    element_list_init(&list, t);
    if (t.kind == TYPE_TUPLE)
        fields = tuple_new(s->arena, t, &tuple);
    s->p++;
    for (pass_space(s); *s->p != ']'; pass_space(s), n++) {
        s->p += *s->p == ',';
        pass_space(s);
        if (fields && n == t.more->n)
            return "an array with more elements than its Tuple";
        struct type element = t.more->elements[fields ? n : 0];
        void *to = fields ? fields + t.more->offsets[n] : value;
        const char *reason = read_piece(s, element, to, &is_null);
        if (reason)
            return reason;
        if (fields == NULL)
            element_list_add(&list, NULL, value, is_null);
        else if (is_null && !element.is_nullable)
            value_default(element, to);
        else
            fields[t.more->null_offset + n] = is_null;
    }
    if (fields && n < t.more->n)
        return "an array with fewer elements than its Tuple";
    if (fields) {
        memcpy(out, &tuple, sizeof(tuple));
    } else {
        struct array_value array = element_list_take(&list, s->arena);
        memcpy(out, &array, sizeof(array));
    }
    return NULL;
}

/* The key at p; p moves to its value. */
static const char *read_key(struct scan *s, struct str *key)
{
    if (!json_take_string(&s->p, s->end, s->arena, key))
        return "a key with a wrong escape";
    pass_space(s);
    s->p++; /* ':' */
    pass_space(s);
    return NULL;
}

static const char *read_map_entry(struct scan *s, struct element_list *list, struct str key)
{
    struct type t = list->type;
    _Alignas(16) char key_value[16], value[16];
    bool is_null;
    const char *reason = json_text_value(key_value, t.more->elements[0], key, s->arena);

    if (reason == NULL)
        reason = read_piece(s, t.more->elements[1], value, &is_null);
    if (reason == NULL)
        element_list_add(list, key_value, value, is_null);
    return reason;
}

static const char *read_named_field(struct scan *s, struct type t, char *fields, bool *seen,
                                    struct str key)
{
    int i = tuple_find(t, key);
    bool is_null;

    if (i < 0) {
        s->p = json_skip(s->p, s->end, s->depth);
        return s->p ? NULL : "not a JSON value";
    }
    if (seen[i])
        return "a key is there twice";
    seen[i] = true;
    struct type element = t.more->elements[i];
    const char *reason = read_piece(s, element, fields + t.more->offsets[i], &is_null);
    if (reason)
        return reason;
    fields[t.more->null_offset + i] = is_null && element.is_nullable;
    if (is_null && !element.is_nullable)
        value_default(element, fields + t.more->offsets[i]);
    return NULL;
}

static const char *read_members(struct scan *s, struct type t, void *out)
{
    AUTO_DONE(element_list) list;
    AUTO_MEM bool *seen = NULL;
    struct tuple_value tuple = {NULL};
    char *fields = NULL;

    element_list_init(&list, t);
    if (t.kind == TYPE_TUPLE) {
        fields = tuple_new(s->arena, t, &tuple);
        memcpy(fields, t.more->image, t.more->bytes);
        seen = xcalloc(t.more->n, sizeof(*seen));
    }
    s->p++;
    for (pass_space(s); *s->p != '}'; pass_space(s)) {
        struct str key;
        s->p += *s->p == ',';
        pass_space(s);
        const char *reason = read_key(s, &key);
        if (reason == NULL)
            reason =
                fields ? read_named_field(s, t, fields, seen, key) : read_map_entry(s, &list, key);
        if (reason)
            return reason;
    }
    if (fields) {
        memcpy(out, &tuple, sizeof(tuple));
    } else {
        struct array_value array = element_list_take(&list, s->arena);
        memcpy(out, &array, sizeof(array));
    }
    return NULL;
}

static const char *read_nested(struct scan *s, struct type t, void *out)
{
    bool is_object = *s->p == '{';
    struct str text = {s->p, (size_t)(s->end - s->p)};

    if (t.kind == TYPE_STRING) {
        memcpy(out, &text, sizeof(text));
        return NULL;
    }
    bool wants_object = t.kind == TYPE_MAP || (t.kind == TYPE_TUPLE && t.more->names);
    if (!type_is_compound(t))
        return is_object ? "an object where a value is wanted" : "an array where a value is wanted";
    if (wants_object != is_object)
        return wants_object ? "an array where an object is wanted"
                            : "an object where an array is wanted";
    if (s->depth == 0)
        return "nested too deeply";
    s->depth--;
    return is_object ? read_members(s, t, out) : read_elements(s, t, out);
}

static const char *read_value(struct scan *s, struct type t, void *out, bool *is_null)
{
    struct str text = {s->p, (size_t)(s->end - s->p)};

    *is_null = str_is(text, "null");
    if (*is_null)
        return NULL;
    if (*s->p == '{' || *s->p == '[')
        return read_nested(s, t, out);
    if (*s->p != '"')
        return json_token_value(out, t, text);
    if (!json_take_string(&s->p, s->end, s->arena, &text))
        return "text with a wrong escape";
    return json_text_value(out, t, text, s->arena);
}

const char *json_read_value(void *out, bool *is_null, struct type type, struct str text,
                            struct arena *arena, uint32_t depth)
{
    struct scan s = {text.p, text.p + text.n, arena, depth};

    return read_value(&s, type, out, is_null);
}

/* ---- paths ---- */

static bool find_index(struct scan *s, uint64_t index)
{
    if (*s->p != '[')
        return false;
    s->p++;
    for (pass_space(s); *s->p != ']'; pass_space(s)) {
        s->p += *s->p == ',';
        pass_space(s);
        if (index-- == 0)
            return true;
        s->p = json_skip(s->p, s->end, s->depth);
        if (s->p == NULL)
            return false;
    }
    return false;
}

static bool find_key(struct scan *s, struct str wanted)
{
    if (*s->p != '{')
        return false;
    s->p++;
    for (pass_space(s); *s->p != '}'; pass_space(s)) {
        struct str key;
        s->p += *s->p == ',';
        pass_space(s);
        if (read_key(s, &key))
            return false;
        if (str_eq(key, wanted))
            return true;
        s->p = json_skip(s->p, s->end, s->depth);
        if (s->p == NULL)
            return false;
    }
    return false;
}

bool json_navigate(struct str *value, struct str rest, struct arena *arena, uint32_t depth)
{
    struct scan s = {value->p, value->p + value->n, arena, depth};

    while (rest.n) {
        size_t n = 1;
        while (n < rest.n && rest.p[n] != '[' && rest.p[n] != '.')
            n++;
        uint64_t index = 0;
        for (size_t i = 1; i < n && rest.p[i] >= '0' && rest.p[i] <= '9'; i++)
            index = index * 10 + (uint64_t)(rest.p[i] - '0');
        bool found =
            *rest.p == '[' ? find_index(&s, index) : find_key(&s, (struct str){rest.p + 1, n - 1});
        if (!found)
            return false;
        rest.p += n;
        rest.n -= n;
        const char *stop = json_skip(s.p, s.end, s.depth);
        if (stop == NULL)
            return false;
        s.end = stop;
    }
    *value = (struct str){s.p, (size_t)(s.end - s.p)};
    return true;
}

/* "a.b[0].c" is the path "a.b" and the rest "[0].c"; parts in double quotes stand for
 * themselves. */
void json_split_path(struct str written, struct arena *arena, struct str *path, struct str *rest)
{
    char *out = arena_bytes(arena, written.n + 1);
    size_t n = 0, at = written.n;
    bool is_quoted = false;

    for (size_t i = 0; i < written.n; i++) {
        if (written.p[i] == '"') {
            is_quoted = !is_quoted;
            continue;
        }
        if (written.p[i] == '[' && !is_quoted && at == written.n && n > 0)
            at = n;
        out[n++] = written.p[i];
    }
    if (at > n)
        at = n;
    *path = (struct str){out, at};
    *rest = (struct str){out + at, n - at};
}
