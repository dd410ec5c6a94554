/* SPDX-License-Identifier: Apache-2.0 */
#include "column/compound.h"

#include "base/hash.h"

static size_t aligned16(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

/* ---- looking ---- */

static struct elements run_of(struct type t, const char *values, const uint8_t *nulls, uint64_t n)
{
    return (struct elements){t, values, t.is_nullable ? nulls : NULL, (uint32_t)n,
                             (uint32_t)type_width(t)};
}

struct elements array_elements(struct type t, const void *value)
{
    const struct array_value *v = value;
    struct type element = t.more->elements[t.kind == TYPE_MAP];
    size_t before = t.kind == TYPE_MAP ? aligned16(v->n * type_width(t.more->elements[0])) : 0;

    if (v->n == 0)
        return run_of(element, NULL, NULL, 0);
    const char *values = (const char *)v->items + before;
    return run_of(element, values, (const uint8_t *)values + v->n * type_width(element), v->n);
}

struct elements map_keys(struct type t, const void *value)
{
    const struct array_value *v = value;

    return run_of(t.more->elements[0], v->items, NULL, v->n);
}

const void *tuple_field(struct type t, const void *value, uint32_t i, bool *is_null)
{
    const char *fields = ((const struct tuple_value *)value)->fields;

    if (fields == NULL)
        fields = t.more->image;
    *is_null = fields[t.more->null_offset + i] != 0;
    return fields + t.more->offsets[i];
}

struct str fixed_string(struct type t, struct str s)
{
    static const char zeroes[256];

    if (s.n || t.size <= sizeof(zeroes))
        return s.n ? s : (struct str){zeroes, t.size};
    static _Thread_local char *large;
    static _Thread_local size_t n_large;
    if (n_large < t.size) {
        free(large);
        large = xcalloc(1, t.size);
        n_large = t.size;
    }
    return (struct str){large, t.size};
}

/* ---- making ---- */

struct array_value array_new(struct arena *a, struct type t, uint32_t n, struct array_room *room)
{
    struct type element = t.more->elements[t.kind == TYPE_MAP];
    size_t before = t.kind == TYPE_MAP ? aligned16(n * type_width(t.more->elements[0])) : 0;
    size_t bytes = (size_t)n * type_width(element);

    if (n == 0) {
        *room = (struct array_room){0};
        return (struct array_value){NULL, 0};
    }
    char *items = arena_zero(a, before + bytes + (element.is_nullable ? n : 0));
    room->keys = items;
    room->values = items + before;
    room->nulls = element.is_nullable ? (uint8_t *)items + before + bytes : NULL;
    return (struct array_value){items, n};
}

char *tuple_new(struct arena *a, struct type t, struct tuple_value *ret)
{
    char *fields = arena_zero(a, t.more->bytes);

    ret->fields = fields;
    return fields;
}

void value_default(struct type t, void *out)
{
    memset(out, 0, type_width(t));
    if (t.kind == TYPE_ENUM8)
        *(int8_t *)out = (int8_t)t.more->values[0];
    else if (t.kind == TYPE_ENUM16)
        *(int16_t *)out = t.more->values[0];
    else if (t.kind == TYPE_TUPLE)
        ((struct tuple_value *)out)->fields = t.more->image;
}

static void copy_run(struct arena *a, char *to, uint8_t *to_nulls, const struct elements *from)
{
    if (from->nulls)
        memcpy(to_nulls, from->nulls, from->n);
    if (!type_is_text(from->type) && !type_is_compound(from->type)) {
        memcpy(to, from->values, (size_t)from->n * from->width);
        return;
    }
    for (uint32_t i = 0; i < from->n; i++)
        if (!element_is_null(from, i))
            value_copy(a, from->type, to + (size_t)i * from->width, element_at(from, i));
}

void value_copy(struct arena *a, struct type t, void *to, const void *from)
{
    struct array_room room;
    bool is_null;

    if (type_is_text(t)) {
        struct str s = *(const struct str *)from;
        char *p = arena_bytes(a, s.n);
        if (s.n)
            memcpy(p, s.p, s.n);
        *(struct str *)to = (struct str){p, s.n};
    } else if (t.kind == TYPE_TUPLE) {
        struct tuple_value tuple = {NULL};
        char *fields = tuple_new(a, t, &tuple);
        for (uint32_t i = 0; i < t.more->n; i++) {
            const void *field = tuple_field(t, from, i, &is_null);
            fields[t.more->null_offset + i] = is_null;
            if (!is_null)
                value_copy(a, t.more->elements[i], fields + t.more->offsets[i], field);
        }
        memcpy(to, &tuple, sizeof(tuple));
    } else if (type_is_compound(t)) {
        struct elements values = array_elements(t, from);
        struct array_value array = array_new(a, t, values.n, &room);
        if (values.n) {
            copy_run(a, room.values, room.nulls, &values);
            struct elements keys = map_keys(t, from);
            if (t.kind == TYPE_MAP)
                copy_run(a, room.keys, NULL, &keys);
        }
        memcpy(to, &array, sizeof(array));
    } else {
        memmove(to, from, type_width(t));
    }
}

/* ---- comparing to the bit ---- */

static bool same_runs(const struct elements *a, const struct elements *b)
{
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (element_is_null(a, i) != element_is_null(b, i))
            return false;
        if (!element_is_null(a, i) && !value_same(a->type, element_at(a, i), element_at(b, i)))
            return false;
    }
    return true;
}

bool value_same(struct type t, const void *a, const void *b)
{
    bool x_null, y_null;

    if (t.kind == TYPE_STRING)
        return str_eq(*(const struct str *)a, *(const struct str *)b);
    if (t.kind == TYPE_FIXED_STRING)
        return str_eq(fixed_string(t, *(const struct str *)a),
                      fixed_string(t, *(const struct str *)b));
    if (t.kind == TYPE_TUPLE) {
        for (uint32_t i = 0; i < t.more->n; i++) {
            const void *x = tuple_field(t, a, i, &x_null), *y = tuple_field(t, b, i, &y_null);
            if (x_null != y_null || (!x_null && !value_same(t.more->elements[i], x, y)))
                return false;
        }
        return true;
    }
    if (!type_is_compound(t))
        return memcmp(a, b, type_width(t)) == 0;
    struct elements x = array_elements(t, a), y = array_elements(t, b);
    if (!same_runs(&x, &y))
        return false;
    struct elements x_keys = map_keys(t, a), y_keys = map_keys(t, b);
    return t.kind != TYPE_MAP || same_runs(&x_keys, &y_keys);
}

static uint64_t hash_run(uint64_t h, const struct elements *e)
{
    for (uint32_t i = 0; i < e->n; i++)
        h = city_mix(h, element_is_null(e, i) ? 7 : value_hash_deep(e->type, element_at(e, i)));
    return h;
}

uint64_t value_hash_deep(struct type t, const void *value)
{
    uint64_t words[2] = {0}, h = t.kind;
    bool is_null;

    if (type_is_text(t)) {
        struct str s = *(const struct str *)value;
        s = t.kind == TYPE_FIXED_STRING ? fixed_string(t, s) : s;
        return city_hash64(s.p, s.n);
    }
    if (t.kind == TYPE_TUPLE) {
        for (uint32_t i = 0; i < t.more->n; i++) {
            const void *field = tuple_field(t, value, i, &is_null);
            h = city_mix(h, is_null ? 7 : value_hash_deep(t.more->elements[i], field));
        }
        return h;
    }
    if (type_is_compound(t)) {
        struct elements values = array_elements(t, value), keys = map_keys(t, value);
        h = hash_run(city_mix(h, values.n), &values);
        return t.kind == TYPE_MAP ? hash_run(h, &keys) : h;
    }
    memcpy(words, value, type_width(t));
    return city_mix(words[0], words[1]);
}

/* ---- columns of elements ---- */

static struct column new_column(struct type t, size_t n)
{
    return (struct column){.type = t,
                           .values = xcalloc(n + 1, type_width(t)),
                           .nulls = t.is_nullable ? xcalloc(n + 1, 1) : NULL};
}

static void put_run(struct column *c, size_t at, const struct elements *e)
{
    if (e->n == 0)
        return;
    memcpy((char *)c->values + at * e->width, e->values, (size_t)e->n * e->width);
    if (e->nulls)
        memcpy(c->nulls + at, e->nulls, e->n);
}

void flat_init(struct flat *f, const struct column *c, const uint32_t *rows, size_t n)
{
    struct type t = c->type;
    const struct array_value *arrays = c->values;
    size_t at = 0;

    *f = (struct flat){.ends = xmalloc((n + 1) * sizeof(*f->ends))};
    for (size_t i = 0; i < n; i++)
        f->ends[i] = f->n += arrays[rows ? rows[i] : i].n;
    f->values = new_column(t.more->elements[t.kind == TYPE_MAP], f->n);
    if (t.kind == TYPE_MAP)
        f->keys = new_column(t.more->elements[0], f->n);
    for (size_t i = 0; i < n; i++) {
        const struct array_value *array = &arrays[rows ? rows[i] : i];
        struct elements values = array_elements(t, array), keys = map_keys(t, array);
        put_run(&f->values, at, &values);
        if (t.kind == TYPE_MAP)
            put_run(&f->keys, at, &keys);
        at += array->n;
    }
}

void flat_done(struct flat *f)
{
    free(f->values.values);
    free(f->values.nulls);
    free(f->keys.values);
    free(f->keys.nulls);
    free(f->ends);
}

struct column flat_field(const struct column *c, uint32_t field, const uint32_t *rows, size_t n)
{
    struct type t = c->type.more->elements[field];
    struct column ret = new_column(t, n);
    size_t width = type_width(t);
    bool is_null;

    for (size_t i = 0; i < n; i++) {
        const struct tuple_value *tuple = COLUMN(c, struct tuple_value) + (rows ? rows[i] : i);
        memcpy((char *)ret.values + i * width, tuple_field(c->type, tuple, field, &is_null), width);
        if (ret.nulls)
            ret.nulls[i] = is_null;
    }
    return ret;
}
