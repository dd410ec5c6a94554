/* SPDX-License-Identifier: Apache-2.0
 *
 *   numbers   slot: | key 8 | row 4 | - 4 |
 *   bytes     slot: | row 4 | tag 4 | the bytes, up to 23, zeroes | their number |
 *             slot: | row 4 | tag 4 | where 8 | length 8 | zeroes   | LONG         |
 *
 * So all but long keys cost one line of the cache. The tag is the upper half of the key's hash, whose
 * lower half chose the slot: bytes are looked at only where it is equal. */
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash.h"
#include "lookup/key_index.h"

enum { NO_ROW = UINT32_MAX, CHUNK = 128 };

struct number_slot {
    uint64_t key;
    uint32_t row; /* NO_ROW: free */
};

enum { MOST_INLINE = 23, LONG = 0xff };
struct bytes_slot {
    uint32_t row, tag;
    union {
        char bytes[24]; /* the last: how many, or LONG */
        struct str far;
    };
};

struct key_index {
    enum key_kind kind;
    size_t n, mask; /* mask: slots - 1 */
    union {
        struct number_slot *numbers;
        struct bytes_slot *bytes;
        void *slots;
    };
    struct arena arena;
};

_Static_assert(sizeof(struct number_slot) == 16 && sizeof(struct bytes_slot) == 32, "a slot");

static size_t slot_bytes(enum key_kind kind)
{
    return kind == KEY_NUMBERS ? sizeof(struct number_slot) : sizeof(struct bytes_slot);
}

static void make_slots(struct key_index *k, size_t n)
{
    k->slots = xmap(n * slot_bytes(k->kind));
    k->mask = n - 1;
    for (size_t i = 0; i < n; i++) {
        if (k->kind == KEY_NUMBERS)
            k->numbers[i].row = NO_ROW;
        else
            k->bytes[i].row = NO_ROW;
    }
}

struct key_index *key_index_new(enum key_kind kind, size_t n_expected)
{
    struct key_index *k = xcalloc(1, sizeof(*k));
    size_t n = 16;
    k->kind = kind;
    while (n < n_expected * 2)
        n *= 2;
    make_slots(k, n);
    return k;
}

void key_index_free(struct key_index *k)
{
    if (k == NULL)
        return;
    xunmap(k->slots, (k->mask + 1) * slot_bytes(k->kind));
    arena_done(&k->arena);
    free(k);
}

size_t key_index_bytes(const struct key_index *k)
{
    return (k->mask + 1) * slot_bytes(k->kind) + k->arena.used_bytes;
}

static inline uint64_t hash_bytes(struct str s)
{
    return XXH3_64bits(s.p, s.n);
}

static inline struct str key_of(const struct bytes_slot *s)
{
    uint8_t n = (uint8_t)s->bytes[MOST_INLINE];
    return n == LONG ? s->far : (struct str){s->bytes, n};
}

/* ---- adding ---- */

static void grow(struct key_index *k)
{
    struct key_index old = *k;
    size_t n_old = old.mask + 1;
    make_slots(k, n_old * 2);
    for (size_t i = 0; i < n_old; i++) {
        if (k->kind == KEY_NUMBERS && old.numbers[i].row != NO_ROW) {
            size_t at = ih64(old.numbers[i].key) & k->mask;
            while (k->numbers[at].row != NO_ROW)
                at = (at + 1) & k->mask;
            k->numbers[at] = old.numbers[i];
        } else if (k->kind == KEY_BYTES && old.bytes[i].row != NO_ROW) {
            size_t at = hash_bytes(key_of(&old.bytes[i])) & k->mask;
            while (k->bytes[at].row != NO_ROW)
                at = (at + 1) & k->mask;
            k->bytes[at] = old.bytes[i];
        }
    }
    xunmap(old.slots, n_old * slot_bytes(k->kind));
}

bool key_index_add_number(struct key_index *k, uint64_t key, uint32_t row)
{
    if (k->n * 2 > k->mask)
        grow(k);
    size_t at = ih64(key) & k->mask;
    for (; k->numbers[at].row != NO_ROW; at = (at + 1) & k->mask)
        if (k->numbers[at].key == key)
            return false;
    k->numbers[at] = (struct number_slot){key, row};
    k->n++;
    return true;
}

bool key_index_add_bytes(struct key_index *k, struct str key, uint32_t row)
{
    if (k->n * 2 > k->mask)
        grow(k);
    uint64_t hash = hash_bytes(key);
    uint32_t tag = (uint32_t)(hash >> 32);
    size_t at = hash & k->mask;
    for (; k->bytes[at].row != NO_ROW; at = (at + 1) & k->mask)
        if (k->bytes[at].tag == tag && str_eq(key_of(&k->bytes[at]), key))
            return false;
    struct bytes_slot *slot = &k->bytes[at];
    memset(slot->bytes, 0, sizeof(slot->bytes));
    char *to = slot->bytes;
    if (key.n > MOST_INLINE) {
        to = arena_bytes(&k->arena, key.n);
        slot->far = (struct str){to, key.n};
    }
    if (key.n)
        memcpy(to, key.p, key.n);
    slot->row = row;
    slot->tag = tag;
    slot->bytes[MOST_INLINE] = (char)(key.n > MOST_INLINE ? LONG : (int)key.n);
    k->n++;
    return true;
}

/* ---- finding ---- */

static void find_numbers(const struct key_index *k, const uint64_t *keys, size_t n, uint32_t *rows)
{
    uint32_t slots[CHUNK];
    for (size_t i = 0; i < n; i++) {
        slots[i] = (uint32_t)(ih64(keys[i]) & k->mask);
        __builtin_prefetch(&k->numbers[slots[i]]);
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = slots[i];
        while (k->numbers[at].row != NO_ROW && k->numbers[at].key != keys[i])
            at = (at + 1) & k->mask;
        rows[i] = k->numbers[at].row;
    }
}

void key_index_find_numbers(const struct key_index *k, const uint64_t *keys, size_t n,
                            uint32_t *rows)
{
    for (size_t i = 0; i < n; i += CHUNK)
        find_numbers(k, keys + i, n - i < CHUNK ? n - i : CHUNK, rows + i);
}

/* As str_eq, without a call for what is short. */
static inline bool is_key(const struct bytes_slot *s, struct str key)
{
    uint8_t n = (uint8_t)s->bytes[MOST_INLINE];
    uint64_t a, b, c, d;
    if (n == LONG || n < 8 || n > 16)
        return str_eq(key_of(s), key);
    if (n != key.n)
        return false;
    memcpy(&a, s->bytes, 8);
    memcpy(&b, key.p, 8);
    memcpy(&c, s->bytes + n - 8, 8);
    memcpy(&d, key.p + n - 8, 8);
    return ((a ^ b) | (c ^ d)) == 0;
}

static void find_bytes(const struct key_index *k, const struct str *keys, size_t n, uint32_t *rows)
{
    uint64_t hashes[CHUNK];
    for (size_t i = 0; i < n; i++) {
        hashes[i] = hash_bytes(keys[i]);
        __builtin_prefetch(&k->bytes[hashes[i] & k->mask]);
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = hashes[i] & k->mask;
        uint32_t tag = (uint32_t)(hashes[i] >> 32);
        while (k->bytes[at].row != NO_ROW &&
               !(k->bytes[at].tag == tag && is_key(&k->bytes[at], keys[i])))
            at = (at + 1) & k->mask;
        rows[i] = k->bytes[at].row;
    }
}

void key_index_find_bytes(const struct key_index *k, const struct str *keys, size_t n,
                          uint32_t *rows)
{
    for (size_t i = 0; i < n; i += CHUNK)
        find_bytes(k, keys + i, n - i < CHUNK ? n - i : CHUNK, rows + i);
}
