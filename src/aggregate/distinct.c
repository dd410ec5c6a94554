/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of keys, and the keys by argument type. Linear probing, load at most 3/4, first block 8
 * slots. */
#include "aggregate/distinct.h"
#include "aggregate/row_memory.h"
#include "column/compound.h"

#include <assert.h>

#define INLINE static inline __attribute__((always_inline))

enum { FIRST_SLOTS = 8, ALLOCATOR = 16 /* bytes a heap block costs besides */ };

size_t distinct_bytes(const struct distinct *set, unsigned width)
{
    return sizeof(*set) + (size_t)set->cap * width + ALLOCATOR;
}

INLINE size_t slot_hash(struct u128 key)
{
    uint64_t h = (key.lo ^ (key.hi * 0x9ddfea08eb382d69ULL)) * 0x9e3779b97f4a7c15ULL;
    return (size_t)(h >> 32);
}

INLINE bool slot_is(const char *slot, struct u128 key, unsigned width)
{
    if (width == 4)
        return *(const uint32_t *)slot == (uint32_t)key.lo;
    if (width == 8)
        return *(const uint64_t *)slot == key.lo;
    return ((const uint64_t *)slot)[0] == key.lo && ((const uint64_t *)slot)[1] == key.hi;
}

/* The slot that holds the key or is free for it. */
INLINE char *slot_find(struct distinct *set, struct u128 key, unsigned width)
{
    for (size_t at = slot_hash(key);; at++) {
        char *slot = set->data + (at & (set->cap - 1)) * width;
        if (slot_is(slot, key, width) || slot_is(slot, (struct u128){0}, width))
            return slot;
    }
}

static struct distinct *set_new(uint32_t cap, unsigned width, size_t *bytes)
{
    struct distinct *set = xcalloc(1, sizeof(*set) + (size_t)cap * width);
    set->cap = cap;
    *bytes += distinct_bytes(set, width);
    return set;
}

INLINE void set_grow(struct distinct **set, unsigned width, size_t *bytes)
{
    struct distinct *old = *set, *big = set_new(old->cap * 2, width, bytes);
    big->n = old->n;
    big->has_zero = old->has_zero;
    big->skip = old->skip;
    for (size_t i = 0; i < old->cap; i++) {
        struct u128 key;
        if (distinct_slot(old, i, width, &key))
            memcpy(slot_find(big, key, width), &key, width);
    }
    *bytes -= distinct_bytes(old, width);
    free(old);
    *set = big;
}

INLINE void set_add(struct distinct **at, struct u128 key, unsigned width, size_t *bytes)
{
    if (*at == NULL)
        *at = set_new(FIRST_SLOTS, width, bytes);
    struct distinct *set = *at;
    if (slot_is((const char *)&key, (struct u128){0}, width)) {
        set->n += !set->has_zero;
        set->has_zero = true;
        return;
    }
    char *slot = slot_find(set, key, width);
    if (slot_is(slot, key, width))
        return;
    memcpy(slot, &key, width);
    set->n++;
    if (set->n > set->cap / 4 * 3)
        set_grow(at, width, bytes);
}

void distinct_add(struct distinct **set, struct u128 key, unsigned width, size_t *bytes)
{
    if (width == 4)
        set_add(set, key, 4, bytes);
    else if (width == 8)
        set_add(set, key, 8, bytes);
    else
        set_add(set, key, 16, bytes);
}

void distinct_free(struct distinct **set, unsigned width, size_t *bytes)
{
    if (*set != NULL) {
        *bytes -= distinct_bytes(*set, width);
        free(*set);
        *set = NULL;
    }
}

/* ---- keys ---- */

static bool is_hashed_whole(struct type t)
{
    return type_is_text(t) || t.kind == TYPE_IPV6;
}

/* Hashed as bytes, but not mixed once more. */
static bool is_hashed_once(struct type t)
{
    return t.kind == TYPE_DATETIME64 || t.kind == TYPE_DECIMAL;
}

static struct str value_bytes(const struct column *c, size_t row)
{
    if (c->type.kind == TYPE_STRING)
        return COLUMN(c, struct str)[row];
    if (c->type.kind == TYPE_FIXED_STRING)
        return fixed_string(c->type, COLUMN(c, struct str)[row]);
    size_t width = type_width(c->type);
    return (struct str){(const char *)c->values + row * width, width};
}

/* An array or map of a row: its number of elements, then what they are. */
static struct str compound_bytes(const struct column *c, size_t row, struct type t,
                                 struct buf *scratch)
{
    buf_reset(scratch);
    row_memory_put(scratch, t, (const char *)c->values + row * type_width(t));
    return buf_view(scratch);
}

/* A number, sign-extended; a float's bits. */
INLINE uint64_t number_at(enum type_kind kind, const void *values, size_t row)
{
    switch (kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: return ((const uint8_t *)values)[row];
    case TYPE_ENUM8:
    case TYPE_INT8: return (uint64_t)((const int8_t *)values)[row];
    case TYPE_DATE:
    case TYPE_UINT16: return ((const uint16_t *)values)[row];
    case TYPE_ENUM16:
    case TYPE_INT16: return (uint64_t)((const int16_t *)values)[row];
    case TYPE_DATE32:
    case TYPE_INT32: return (uint64_t)((const int32_t *)values)[row];
    case TYPE_FLOAT32:
    case TYPE_IPV4:
    case TYPE_DATETIME:
    case TYPE_UINT32: return ((const uint32_t *)values)[row];
    default: return ((const uint64_t *)values)[row];
    }
}

/* Hashed like several arguments. */
static bool is_composite(const struct aggregate *a)
{
    return a->n_args > 1 || type_is_compound(a->args[0]);
}

unsigned exact_key_bytes(const struct aggregate *a)
{
    struct type t = a->args[0];
    if (is_composite(a) || is_hashed_whole(t) || is_hashed_once(t))
        return 16;
    return (unsigned)type_width(t);
}

/* Several arguments: sip of the concatenation; a string as its length + 1, its bytes and a NUL.
 * `scratch` is for arrays and their like. */
static struct u128 exact_tuple_key(const struct aggregate *a, const struct fold *f, size_t row,
                                   struct buf *scratch)
{
    struct sip128 s;
    sip128_init(&s);
    for (size_t k = 0; k < a->n_args; k++) {
        if (type_is_compound(a->args[k])) {
            struct str run = compound_bytes(f->args[k], row, a->args[k], scratch);
            sip128_add(&s, run.p, run.n);
            continue;
        }
        struct str v = value_bytes(f->args[k], row);
        if (a->args[k].kind == TYPE_STRING) {
            uint64_t n = v.n + 1;
            sip128_add(&s, &n, 8);
            sip128_add(&s, v.p, v.n);
            sip128_add(&s, "", 1);
        } else {
            sip128_add(&s, v.p, v.n);
        }
    }
    return sip128_end(&s);
}

void exact_keys(const struct aggregate *a, const struct fold *f, struct u128 *keys)
{
    enum type_kind kind = a->args[0].kind;
    AUTO_DONE(buf) scratch = {0};
    if (a->n_args == 1 && kind == TYPE_UUID) {
        for (size_t i = 0; i < f->n; i++)
            keys[i] = COLUMN(f->args[0], const struct u128)[fold_row(f, i)];
    } else if (is_composite(a)) {
        for (size_t i = 0; i < f->n; i++)
            keys[i] = exact_tuple_key(a, f, fold_row(f, i), &scratch);
    } else if (exact_key_bytes(a) == 16) {
        for (size_t i = 0; i < f->n; i++) {
            struct str v = value_bytes(f->args[0], fold_row(f, i));
            keys[i] = sip_hash128(v.p, v.n);
        }
    } else {
        /* A set of 4-byte keys compares whole words: no sign bits above them. */
        uint64_t mask = exact_key_bytes(a) <= 4 ? UINT32_MAX : UINT64_MAX;
        for (size_t i = 0; i < f->n; i++)
            keys[i] = (struct u128){number_at(kind, f->args[0]->values, fold_row(f, i)) & mask, 0};
    }
}

unsigned combined_key_bytes(const struct aggregate *a)
{
    return a->n_args == 1 && is_hashed_whole(a->args[0]) ? 8 : 4;
}

static bool is_single_number(const struct aggregate *a)
{
    return !is_composite(a) && !is_hashed_whole(a->args[0]) && !is_hashed_once(a->args[0]);
}

static uint64_t uuid_key(const struct column *c, size_t row)
{
    struct u128 v = COLUMN(c, const struct u128)[row];
    return ih64(v.lo ^ v.hi);
}

static uint64_t city_value(const struct column *c, struct type t, size_t row, struct buf *scratch)
{
    if (type_is_compound(t)) {
        struct str run = compound_bytes(c, row, t, scratch);
        return city_hash64(run.p + sizeof(uint64_t), run.n - sizeof(uint64_t));
    }
    struct str v = value_bytes(c, row);
    return city_hash64(v.p, v.n);
}

static bool has_ragged(const struct aggregate *a)
{
    for (size_t k = 0; k < a->n_args; k++)
        if (type_is_compound(a->args[k]) && !row_memory_is_plain(a->args[k]))
            return true;
    return false;
}

/* Hash of a row's arguments, one after the other; of all at once where one is no plain run. */
static uint64_t city_key(const struct aggregate *a, const struct fold *f, size_t row,
                         struct buf *scratch)
{
    if (has_ragged(a))
        return exact_tuple_key(a, f, row, scratch).lo;
    uint64_t h = city_value(f->args[0], a->args[0], row, scratch);
    for (size_t k = 1; k < a->n_args; k++)
        h = city_mix(city_value(f->args[k], a->args[k], row, scratch), h);
    return h;
}

void combined_keys(const struct aggregate *a, const struct fold *f, struct u128 *keys)
{
    enum type_kind kind = a->args[0].kind;
    uint64_t mask = a->uniq.key_bytes == 8 ? UINT64_MAX : UINT32_MAX;
    if (a->n_args == 1 && kind == TYPE_UUID) {
        for (size_t i = 0; i < f->n; i++)
            keys[i] = (struct u128){uuid_key(f->args[0], fold_row(f, i)) & mask, 0};
        return;
    }
    if (is_single_number(a)) {
        for (size_t i = 0; i < f->n; i++)
            keys[i] =
                (struct u128){ih64(number_at(kind, f->args[0]->values, fold_row(f, i))) & mask, 0};
        return;
    }
    AUTO_DONE(buf) scratch = {0};
    for (size_t i = 0; i < f->n; i++)
        keys[i] = (struct u128){city_key(a, f, fold_row(f, i), &scratch) & mask, 0};
}

void uniq_keys(const struct aggregate *a, const struct fold *f, struct u128 *keys)
{
    bool is_mixed = a->n_args == 1 && (is_hashed_whole(a->args[0]) || a->args[0].kind == TYPE_UUID);
    combined_keys(a, f, keys);
    for (size_t i = 0; i < f->n; i++)
        keys[i].lo = (uint32_t)(is_mixed ? ih64(keys[i].lo) : keys[i].lo);
}

unsigned hll12_key_bytes(const struct aggregate *a)
{
    return is_single_number(a) && a->args[0].kind != TYPE_UUID ? (unsigned)type_width(a->args[0])
                                                               : 8;
}

/* A float's key is its bits, taken for a number and made a float again. */
void hll12_keys(const struct aggregate *a, const struct fold *f, uint64_t keys[FOLD_ROWS])
{
    enum type_kind kind = a->args[0].kind;
    unsigned width = hll12_key_bytes(a);
    uint64_t mask = width == 8 ? UINT64_MAX : ((uint64_t)1 << width * 8) - 1;
    if (a->n_args == 1 && kind == TYPE_UUID) {
        for (size_t i = 0; i < f->n; i++)
            keys[i] = uuid_key(f->args[0], fold_row(f, i));
        return;
    }
    if (!is_single_number(a)) {
        AUTO_DONE(buf) scratch = {0};
        for (size_t i = 0; i < f->n; i++)
            keys[i] = city_key(a, f, fold_row(f, i), &scratch);
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        uint64_t key = number_at(kind, f->args[0]->values, fold_row(f, i)) & mask;
        double wide = (double)key;
        float narrow = (float)key;
        if (kind == TYPE_FLOAT64)
            memcpy(&key, &wide, 8);
        else if (kind == TYPE_FLOAT32)
            memcpy(&key, &narrow, 4);
        keys[i] = key;
    }
}

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

uint32_t hll12_hash(const struct aggregate *a, uint64_t x)
{
    if (is_composite(a) || is_hashed_once(a->args[0]))
        return (uint32_t)x; /* mixed once already */
    x = ~x + (x << 18);
    x ^= rotate(x, 31);
    x *= 21;
    x ^= rotate(x, 11);
    x += x << 6;
    x ^= rotate(x, 22);
    return (uint32_t)x;
}

enum err_code distinct_storage(struct aggregate *a, const char *call, bool is_nullable,
                               struct err *e)
{
    struct type types[AGGREGATE_MAX_ARGS];
    for (size_t i = 0; i < a->n_args; i++) {
        if (a->args[i].kind == TYPE_TUPLE)
            return refuse_type(a, a->args[i], e);
        types[i] = type_plain(a->args[i]);
        types[i].is_nullable = is_nullable && a->args[i].is_nullable;
    }
    a->storage.result = (struct type){.kind = TYPE_UINT64, .is_nullable = is_nullable};
    a->is_fixed = false;
    a->state_bytes = sizeof(struct distinct *);
    return storage_state(a, call, types, a->n_args, e);
}
