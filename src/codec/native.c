/* SPDX-License-Identifier: Apache-2.0
 *
 * Native blocks without a revision: what the HTTP interface and the in-process library speak.
 *
 *     block  = varuint columns, varuint rows, column*
 *     column = varuint-prefixed name, varuint-prefixed type name, data (nothing if rows = 0)
 *
 *     plain T            n values                      Nullable(T)  n null bytes, then n values
 *     String             n x (varuint, bytes)          Array(T)     n x UInt64 cumulative ends, then T
 *     LowCardinality(T)  UInt64 1, then (n > 0) flags, d, d keys of T, n, n indexes
 *     FixedString(N)     n x N bytes               Tuple(T, U)  the data of T, then of U
 *     Map(K, V)          as Array(Tuple(K, V))
 *
 * The UInt64 1 of each LowCardinality within a type stands before all its data. The reader
 * believes no size: every row and every element costs at least one byte of what is there, so
 * what it allocates is at most a small multiple of the input. */
#include "codec/native.h"

#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "column/compound.h"

enum {
    LC_INDEX_WIDTH = 0xff,        /* 0..3: 1, 2, 4, 8 bytes */
    LC_GLOBAL_DICTIONARY = 0x100, /* not used on the wire */
    LC_HAS_KEYS = 0x200,
    LC_NEW_DICTIONARY = 0x400, /* ClickHouse sets it */
};

/* ---- writing ---- */

void native_block(struct buf *out, size_t n_columns, size_t n_rows)
{
    buf_varuint(out, n_columns);
    buf_varuint(out, n_rows);
}

static void put_string(struct buf *out, const char *p, size_t n)
{
    buf_varuint(out, n);
    buf_put(out, p, n);
}

void native_column_head(struct buf *out, const char *name, const char *type_name)
{
    put_string(out, name, strlen(name));
    put_string(out, type_name, strlen(type_name));
}

/* Row i of what is asked for. */
static inline size_t row_at(const uint32_t *rows, size_t i)
{
    return rows ? rows[i] : i;
}

#define GATHER(T)                                                                                  \
    do {                                                                                           \
        for (size_t i = 0; i < n; i++)                                                             \
            memcpy(to + i * sizeof(T), (const char *)values + (size_t)rows[i] * sizeof(T),         \
                   sizeof(T));                                                                     \
    } while (0)

static void put_fixed(struct buf *out, const void *values, size_t width, const uint32_t *rows,
                      size_t n)
{
    if (rows == NULL) {
        buf_put(out, values, n * width);
        return;
    }
    char *to = buf_reserve(out, n * width);
    switch (width) {
    case 1: GATHER(uint8_t); break;
    case 2: GATHER(uint16_t); break;
    case 4: GATHER(uint32_t); break;
    case 8: GATHER(uint64_t); break;
    default: GATHER(struct { char bytes[16]; }); break;
    }
    out->n += n * width;
}

static void put_nulls(struct buf *out, const struct column *c, const uint32_t *rows, size_t n)
{
    if (c->nulls)
        put_fixed(out, c->nulls, 1, rows, n);
    else {
        memset(buf_reserve(out, n), 0, n);
        out->n += n;
    }
}

static inline struct str string_at(const struct column *c, size_t row)
{
    if (c->nulls && c->nulls[row])
        return (struct str){NULL, 0};
    return COLUMN(c, struct str)[row];
}

/* Short copies without a call; overlapping halves, never past either end. */
static inline void copy_short(char *to, const char *from, size_t n)
{
    uint64_t a, b;
    uint32_t c, d;
    if (n >= 8 && n <= 16) {
        memcpy(&a, from, 8);
        memcpy(&b, from + n - 8, 8);
        memcpy(to, &a, 8);
        memcpy(to + n - 8, &b, 8);
    } else if (n >= 4 && n < 8) {
        memcpy(&c, from, 4);
        memcpy(&d, from + n - 4, 4);
        memcpy(to, &c, 4);
        memcpy(to + n - 4, &d, 4);
    } else if (n) {
        memcpy(to, from, n);
    }
}

static void put_strings(struct buf *out, const struct column *c, const uint32_t *rows, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += string_at(c, row_at(rows, i)).n + 10;
    char *to = buf_reserve(out, bytes);
    for (size_t i = 0; i < n; i++) {
        struct str s = string_at(c, row_at(rows, i));
        size_t v = s.n;
        for (; v >= 0x80; v >>= 7)
            *to++ = (char)(v | 0x80);
        *to++ = (char)v;
        copy_short(to, s.p, s.n);
        to += s.n;
    }
    out->n = (size_t)(to - out->p);
}

/* The dictionary of one column of one block: open addressing, at most half full. Ids count from 0;
 * a slot holds id + 1. */
struct dictionary {
    struct str *keys;
    uint32_t *slots; /* 0 = free */
    uint32_t *tags;  /* upper half of the hash, beside the slot */
    size_t n, cap, mask;
};

static void dictionary_init(struct dictionary *d)
{
    *d = (struct dictionary){.cap = 256, .mask = 511};
    d->keys = xmalloc(d->cap * sizeof(*d->keys));
    d->slots = xcalloc(d->mask + 1, sizeof(*d->slots));
    d->tags = xmalloc((d->mask + 1) * sizeof(*d->tags));
}

static void dictionary_done(struct dictionary *d)
{
    free(d->keys);
    free(d->slots);
    free(d->tags);
}

static void dictionary_grow(struct dictionary *d)
{
    d->cap *= 2;
    d->mask = d->cap * 2 - 1;
    d->keys = xrealloc(d->keys, d->cap * sizeof(*d->keys));
    free(d->slots);
    d->slots = xcalloc(d->mask + 1, sizeof(*d->slots));
    d->tags = xrealloc(d->tags, (d->mask + 1) * sizeof(*d->tags));
    for (size_t id = 0; id < d->n; id++) {
        uint64_t hash = XXH3_64bits(d->keys[id].p, d->keys[id].n);
        size_t at = hash & d->mask;
        while (d->slots[at])
            at = (at + 1) & d->mask;
        d->slots[at] = (uint32_t)id + 1;
        d->tags[at] = (uint32_t)(hash >> 32);
    }
}

static uint32_t dictionary_id(struct dictionary *d, struct str key)
{
    uint64_t hash = XXH3_64bits(key.n ? key.p : "", key.n);
    size_t at = hash & d->mask;
    for (; d->slots[at]; at = (at + 1) & d->mask) {
        uint32_t id = d->slots[at] - 1;
        if (d->tags[at] == (uint32_t)(hash >> 32) && str_eq(d->keys[id], key))
            return id;
    }
    if (d->n == d->cap) {
        dictionary_grow(d);
        for (at = hash & d->mask; d->slots[at];)
            at = (at + 1) & d->mask;
    }
    d->keys[d->n] = (struct str){key.n ? key.p : "", key.n};
    d->slots[at] = (uint32_t)d->n + 1;
    d->tags[at] = (uint32_t)(hash >> 32);
    return (uint32_t)d->n++;
}

/* The bytes of a value as the dictionary compares them. */
static struct str key_bytes(struct type t, const void *value)
{
    if (t.kind == TYPE_STRING)
        return *(const struct str *)value;
    if (t.kind == TYPE_FIXED_STRING)
        return fixed_string(t, *(const struct str *)value);
    return (struct str){value, type_width(t)};
}

static void put_keys(struct buf *out, struct type t, const struct dictionary *d)
{
    for (size_t id = 0; id < d->n; id++) {
        if (t.kind == TYPE_STRING)
            put_string(out, d->keys[id].p, d->keys[id].n);
        else
            buf_put(out, d->keys[id].p, d->keys[id].n);
    }
}

/* ClickHouse keeps the default value ('', 0) at index 0; of a nullable dictionary 0 is NULL (its
 * key is filler) and 1 is the default. */
static void put_low_cardinality(struct buf *out, const struct column *c, const uint32_t *rows,
                                size_t n)
{
    if (n == 0)
        return;
    static const char zero[16];
    struct dictionary d;
    size_t width = type_width(c->type);
    uint32_t *ids = xmalloc(n * sizeof(*ids));
    uint32_t first = c->type.is_nullable ? 1 : 0;
    dictionary_init(&d);
    struct str last = key_bytes(c->type, zero);
    (void)dictionary_id(&d, last);
    uint32_t last_id = first;
    for (size_t i = 0; i < n; i++) {
        size_t row = row_at(rows, i);
        if (c->nulls && c->nulls[row]) {
            ids[i] = 0;
            continue;
        }
        struct str s = key_bytes(c->type, (const char *)c->values + row * width);
        if (!str_eq(s, last)) {
            last_id = dictionary_id(&d, s) + first;
            last = s;
        }
        ids[i] = last_id;
    }

    size_t n_keys = d.n + first;
    unsigned log_width = n_keys <= 0x100 ? 0 : n_keys <= 0x10000 ? 1 : 2;
    buf_u64(out, log_width | LC_HAS_KEYS | LC_NEW_DICTIONARY);
    buf_u64(out, n_keys);
    if (first && c->type.kind == TYPE_STRING)
        buf_byte(out, 0);
    else if (first)
        buf_put(out, d.keys[0].p, d.keys[0].n);
    put_keys(out, c->type, &d);
    buf_u64(out, n);
    char *to = buf_reserve(out, n << log_width);
    for (size_t i = 0; i < n; i++)
        memcpy(to + (i << log_width), &ids[i], (size_t)1 << log_width); /* little-endian */
    out->n += n << log_width;
    dictionary_done(&d);
    free(ids);
}

static void put_data(struct buf *out, const struct column *c, const uint32_t *rows, size_t n);

static void put_fixed_strings(struct buf *out, const struct column *c, const uint32_t *rows,
                              size_t n)
{
    char *to = buf_reserve(out, n * c->type.size);

    for (size_t i = 0; i < n; i++) {
        struct str s = fixed_string(c->type, string_at(c, row_at(rows, i)));
        memcpy(to + i * c->type.size, s.p, c->type.size);
    }
    out->n += n * c->type.size;
}

static void put_arrays(struct buf *out, const struct column *c, const uint32_t *rows, size_t n)
{
    struct flat flat;

    flat_init(&flat, c, rows, n);
    buf_put(out, flat.ends, n * sizeof(*flat.ends));
    if (c->type.kind == TYPE_MAP)
        put_data(out, &flat.keys, NULL, flat.n);
    put_data(out, &flat.values, NULL, flat.n);
    flat_done(&flat);
}

static void put_tuples(struct buf *out, const struct column *c, const uint32_t *rows, size_t n)
{
    for (uint32_t i = 0; i < c->type.more->n; i++) {
        struct column field = flat_field(c, i, rows, n);
        put_data(out, &field, NULL, n);
        free(field.values);
        free(field.nulls);
    }
}

/* What stands before all data: the version of each dictionary. */
static void put_versions(struct buf *out, struct type t)
{
    if (t.is_low_cardinality)
        buf_u64(out, 1);
    for (uint32_t i = 0; type_is_compound(t) && i < t.more->n; i++)
        put_versions(out, t.more->elements[i]);
}

static void put_data(struct buf *out, const struct column *c, const uint32_t *rows, size_t n)
{
    if (c->type.is_low_cardinality) {
        put_low_cardinality(out, c, rows, n);
        return;
    }
    if (c->type.is_nullable)
        put_nulls(out, c, rows, n);
    switch ((enum type_kind)c->type.kind) {
    case TYPE_STRING: put_strings(out, c, rows, n); break;
    case TYPE_FIXED_STRING: put_fixed_strings(out, c, rows, n); break;
    case TYPE_ARRAY:
    case TYPE_MAP: put_arrays(out, c, rows, n); break;
    case TYPE_TUPLE: put_tuples(out, c, rows, n); break;
    case TYPE_NOTHING:
        memset(buf_reserve(out, n), '0', n); /* as ClickHouse does */
        out->n += n;
        break;
    default: put_fixed(out, c->values, type_width(c->type), rows, n); break;
    }
}

void native_column_data(struct buf *out, const struct column *c, const uint32_t *rows, size_t n)
{
    if (n == 0)
        return;
    put_versions(out, c->type);
    put_data(out, c, rows, n);
}

/* ---- reading ---- */

enum { MAX_COLUMNS = 65536 };

struct reader {
    const char *begin, *p, *end;
    struct err *e;
};

static size_t left(const struct reader *r)
{
    return (size_t)(r->end - r->p);
}

static enum err_code damaged(struct reader *r, const char *what)
{
    return err_set(r->e, ERR_SYNTAX, "Native answer damaged at byte %zu: %s",
                   (size_t)(r->p - r->begin), what);
}

static enum err_code get_varuint(struct reader *r, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->p == r->end)
            return damaged(r, "ends inside a number");
        uint8_t byte = (uint8_t)*r->p++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = v;
            return ERR_OK;
        }
    }
    return damaged(r, "a number of more than 64 bits");
}

static enum err_code get_u64(struct reader *r, uint64_t *ret)
{
    if (left(r) < 8)
        return damaged(r, "ends inside a number");
    memcpy(ret, r->p, 8);
    r->p += 8;
    return ERR_OK;
}

static enum err_code get_string(struct reader *r, struct str *ret)
{
    uint64_t n;
    TRY(get_varuint(r, &n));
    if (n > left(r))
        return damaged(r, "a string longer than what is left");
    *ret = (struct str){r->p, (size_t)n};
    r->p += n;
    return ERR_OK;
}

/* n values of `width` bytes, appended to *array, which holds n_old. */
static enum err_code get_fixed(struct reader *r, void **array, size_t n_old, size_t n, size_t width)
{
    if (n > left(r) / width)
        return damaged(r, "fewer values than rows");
    *array = xrealloc(*array, (n_old + n) * width);
    memcpy((char *)*array + n_old * width, r->p, n * width);
    r->p += n * width;
    return ERR_OK;
}

/* Strings are copied to the result's arena in one piece per column and block. */
static enum err_code get_strings(struct reader *r, struct arena *arena, struct str *to, size_t n)
{
    const char *first = r->p;
    for (size_t i = 0; i < n; i++)
        TRY(get_string(r, &to[i]));
    size_t bytes = (size_t)(r->p - first);
    char *copy = arena_bytes(arena, bytes + 1);
    memcpy(copy, first, bytes);
    for (size_t i = 0; i < n; i++)
        to[i].p = copy + (to[i].p - first);
    return ERR_OK;
}

/* Where values go: arrays that grow, and the arena for what they point to. */
struct values {
    struct type type;
    struct arena *arena;
    void **array;
    uint8_t **nulls;
    size_t n; /* there already */
};

static enum err_code get_data(struct reader *r, struct values *v, size_t n);

static void grow(struct values *v, size_t n)
{
    *v->array = xrealloc(*v->array, (v->n + n + 1) * type_width(v->type));
}

static enum err_code get_fixed_strings(struct reader *r, struct values *v, size_t n)
{
    size_t size = v->type.size;

    if (n > left(r) / size)
        return damaged(r, "fewer values than rows");
    grow(v, n);
    char *copy = arena_bytes(v->arena, n * size + 1);
    memcpy(copy, r->p, n * size);
    for (size_t i = 0; i < n; i++)
        ((struct str *)*v->array)[v->n + i] = (struct str){copy + i * size, size};
    r->p += n * size;
    return ERR_OK;
}

static enum err_code get_low_cardinality(struct reader *r, struct values *v, size_t n)
{
    uint64_t flags, n_keys, n_indexes;
    AUTO_MEM void *keys = NULL;
    size_t width = type_width(v->type);

    TRY(get_u64(r, &flags));
    if ((flags & LC_INDEX_WIDTH) > 3 || !(flags & LC_HAS_KEYS) || (flags & LC_GLOBAL_DICTIONARY))
        return damaged(r, "a dictionary of an unknown kind");
    unsigned log_width = flags & LC_INDEX_WIDTH;
    TRY(get_u64(r, &n_keys));
    if (n_keys > left(r))
        return damaged(r, "a dictionary larger than what is left");
    struct type plain = v->type;
    plain.is_nullable = plain.is_low_cardinality = false;
    struct values dictionary = {plain, v->arena, &keys, NULL, 0};
    TRY(get_data(r, &dictionary, n_keys));
    TRY(get_u64(r, &n_indexes));
    if (n_indexes != n)
        return damaged(r, "a dictionary column of another length");
    if (n > left(r) >> log_width)
        return damaged(r, "fewer indexes than rows");
    grow(v, n);
    if (v->type.is_nullable)
        *v->nulls = xrealloc(*v->nulls, v->n + n + 1);
    char *to = (char *)*v->array + v->n * width;
    for (size_t i = 0; i < n; i++) {
        uint64_t id = 0;
        memcpy(&id, r->p + (i << log_width), (size_t)1 << log_width);
        if (id >= n_keys)
            return damaged(r, "an index outside its dictionary");
        bool is_null = v->type.is_nullable && id == 0;
        memcpy(to + i * width, (char *)keys + id * width, width);
        if (is_null)
            memset(to + i * width, 0, width);
        if (v->type.is_nullable)
            (*v->nulls)[v->n + i] = is_null;
    }
    r->p += n << log_width;
    return ERR_OK;
}

/* Elements in one run, owned. */
struct run {
    void *values;
    uint8_t *nulls;
};

static void run_done(struct run *run)
{
    free(run->values);
    free(run->nulls);
}
DEFINE_AUTO_DONE(run)

static enum err_code get_run(struct reader *r, struct run *run, struct type t, struct arena *arena,
                             size_t n)
{
    struct values v = {t, arena, &run->values, &run->nulls, 0};
    return get_data(r, &v, n);
}

static enum err_code get_arrays(struct reader *r, struct values *v, size_t n)
{
    struct type t = v->type, element = t.more->elements[t.kind == TYPE_MAP];
    size_t width = type_width(element),
           key_width = t.kind == TYPE_MAP ? type_width(t.more->elements[0]) : 0;
    AUTO_DONE(run) keys = {0}, values = {0};
    AUTO_MEM void *ends_memory = NULL;
    uint64_t last = 0;

    TRY(get_fixed(r, &ends_memory, 0, n, sizeof(uint64_t)));
    const uint64_t *ends = ends_memory;
    for (size_t i = 0; i < n; i++) {
        if (ends[i] < last || ends[i] > left(r))
            return damaged(r, "ends of arrays that do not grow or lie outside");
        last = ends[i];
    }
    if (t.kind == TYPE_MAP)
        TRY(get_run(r, &keys, t.more->elements[0], v->arena, last));
    TRY(get_run(r, &values, element, v->arena, last));
    grow(v, n);
    for (size_t i = 0, at = 0; i < n; at = ends[i], i++) {
        struct array_room room;
        uint32_t count = (uint32_t)(ends[i] - at);
        ((struct array_value *)*v->array)[v->n + i] = array_new(v->arena, t, count, &room);
        if (count == 0)
            continue;
        memcpy(room.values, (char *)values.values + at * width, count * width);
        if (room.nulls)
            memcpy(room.nulls, values.nulls + at, count);
        if (key_width)
            memcpy(room.keys, (char *)keys.values + at * key_width, count * key_width);
    }
    return ERR_OK;
}

static enum err_code get_tuples(struct reader *r, struct values *v, size_t n)
{
    const struct type_more *m = v->type.more;

    if (n > left(r) / m->n)
        return damaged(r, "fewer values than rows");
    grow(v, n);
    struct tuple_value *tuples = (struct tuple_value *)*v->array + v->n;
    char *fields = arena_zero(v->arena, n * ((m->bytes + 15) & ~(size_t)15) + 1);
    for (size_t i = 0; i < n; i++)
        tuples[i].fields = fields + i * ((m->bytes + 15) & ~(size_t)15);
    for (uint32_t k = 0; k < m->n; k++) {
        AUTO_DONE(run) run = {0};
        size_t width = type_width(m->elements[k]);
        TRY(get_run(r, &run, m->elements[k], v->arena, n));
        for (size_t i = 0; i < n; i++) {
            char *to = (char *)tuples[i].fields;
            memcpy(to + m->offsets[k], (char *)run.values + i * width, width);
            to[m->null_offset + k] = run.nulls ? (char)run.nulls[i] : 0;
        }
    }
    return ERR_OK;
}

static enum err_code get_nothings(struct reader *r, struct values *v, size_t n)
{
    if (n > left(r))
        return damaged(r, "fewer values than rows");
    grow(v, n);
    memset((char *)*v->array + v->n, 0, n);
    r->p += n;
    return ERR_OK;
}

static enum err_code get_data(struct reader *r, struct values *v, size_t n)
{
    if (n == 0) {
        grow(v, 0);
        return ERR_OK;
    }
    if (v->type.is_low_cardinality)
        return get_low_cardinality(r, v, n);
    if (v->type.is_nullable)
        TRY(get_fixed(r, (void **)v->nulls, v->n, n, 1));
    switch ((enum type_kind)v->type.kind) {
    case TYPE_STRING:
        if (n > left(r))
            return damaged(r, "fewer strings than rows");
        grow(v, n);
        return get_strings(r, v->arena, (struct str *)*v->array + v->n, n);
    case TYPE_FIXED_STRING: return get_fixed_strings(r, v, n);
    case TYPE_ARRAY:
    case TYPE_MAP: return get_arrays(r, v, n);
    case TYPE_TUPLE: return get_tuples(r, v, n);
    case TYPE_NOTHING: return get_nothings(r, v, n);
    default: return get_fixed(r, v->array, v->n, n, type_width(v->type));
    }
}

static enum err_code get_versions(struct reader *r, struct type t)
{
    if (t.is_low_cardinality) {
        uint64_t version;
        TRY(get_u64(r, &version));
        if (version != 1)
            return damaged(r, "a dictionary of an unknown version");
    }
    for (uint32_t i = 0; type_is_compound(t) && i < t.more->n; i++)
        TRY(get_versions(r, t.more->elements[i]));
    return ERR_OK;
}

static enum err_code get_column(struct reader *r, struct native_column *c, struct arena *arena,
                                size_t n_rows, size_t n)
{
    struct values v = {c->type, arena, &c->column.values, &c->column.nulls, n_rows};
    if (n == 0)
        return ERR_OK;
    TRY(get_versions(r, c->type));
    return get_data(r, &v, n);
}

/* The T of "Name(…, T)", skipping `skip` arguments; an empty str if the text is not of that
 * form. */
static struct str inside(struct str text, const char *name, unsigned skip)
{
    size_t n = strlen(name);
    if (!str_starts(text, name) || text.n < n + 2 || text.p[n] != '(' || text.p[text.n - 1] != ')')
        return (struct str){NULL, 0};
    struct str t = {text.p + n + 1, text.n - n - 2};
    unsigned depth = 0;
    while (skip && t.n) {
        depth += t.p[0] == '(';
        depth -= t.p[0] == ')' && depth;
        skip -= t.p[0] == ',' && depth == 0;
        t.p++, t.n--;
    }
    while (t.n && t.p[0] == ' ')
        t.p++, t.n--;
    return t;
}

static enum err_code column_init(struct native_column *c, struct arena *arena, struct str name,
                                 struct str type, struct err *e)
{
    *c = (struct native_column){.name = arena_text(arena, name)};
    struct str inner = inside(type, "SimpleAggregateFunction", 1);
    if (inner.n)
        type = inner;
    enum err_code code = type_parse(&c->type, type, e);
    if (code != ERR_OK) {
        err_prefix(e, "column '%.*s'", (int)(name.n > 200 ? 200 : name.n), name.p);
        return code;
    }
    c->column.type = c->type;
    return ERR_OK;
}

/* Column i of one block; the first block says what columns there are. */
static enum err_code get_block_column(struct native_result *ret, struct reader *r, size_t i,
                                      bool is_first, size_t n)
{
    struct str name, type_text;
    struct native_column other;
    TRY(get_string(r, &name));
    TRY(get_string(r, &type_text));
    struct native_column *c = &ret->columns[i];
    if (is_first) {
        TRY(column_init(c, &ret->arena, name, type_text, r->e));
    } else {
        TRY(column_init(&other, &ret->arena, name, type_text, r->e));
        if (strcmp(other.name, c->name) != 0 || !type_eq(other.type, c->type))
            return damaged(r, "blocks of different columns");
    }
    return get_column(r, c, &ret->arena, ret->n_rows, n);
}

static enum err_code get_block(struct native_result *ret, struct reader *r, bool is_first)
{
    uint64_t n_columns, n;
    TRY(get_varuint(r, &n_columns));
    TRY(get_varuint(r, &n));
    if (n_columns > MAX_COLUMNS || n_columns > left(r) / 2)
        return damaged(r, "more columns than bytes");
    if (n > left(r))
        return damaged(r, "more rows than bytes");
    if (n_columns == 0) /* ClickHouse ends some answers so */
        return n ? damaged(r, "rows without columns") : ERR_OK;
    if (is_first) {
        ret->columns = xcalloc(n_columns, sizeof(*ret->columns));
        ret->n_columns = n_columns;
    } else if (n_columns != ret->n_columns) {
        return damaged(r, "blocks of different columns");
    }
    for (size_t i = 0; i < n_columns; i++)
        TRY(get_block_column(ret, r, i, is_first, n));
    ret->n_rows += n;
    return ERR_OK;
}

enum err_code native_read(struct native_result *ret, const char *data, size_t n, struct err *e)
{
    struct err own;
    struct reader r = {data, data, data + n, e ? e : &own};
    struct native_result result = {0};
    while (r.p < r.end) {
        enum err_code code = get_block(&result, &r, result.columns == NULL);
        if (code != ERR_OK) {
            native_result_done(&result);
            return code;
        }
    }
    *ret = result;
    return ERR_OK;
}

void native_result_done(struct native_result *r)
{
    for (size_t i = 0; r->columns && i < r->n_columns; i++) {
        free(r->columns[i].column.values);
        free(r->columns[i].column.nulls);
    }
    free(r->columns);
    arena_done(&r->arena);
    *r = (struct native_result){0};
}
