/* SPDX-License-Identifier: Apache-2.0
 *
 * Interning a batch takes four passes over at most 256 strings: keys and hashes (prefetching
 * slots), first slots (prefetching entries), comparison without a branch per row, and the few that
 * were not found at their first place. */
#include "engine/dictionary.h"

#include <assert.h>
#include <immintrin.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/table_memory.h"

enum { FIRST_SLOTS = 4096, FIRST_ENTRIES = 1024, LOW_LOAD_UP_TO = 1 << 22, LONG_MARK = 0xff };

/* An entry that equals no string's: unused slots point to it. It stands for NULL. */
static const struct dictionary_entry entry_of_null = {0, (uint64_t)0xfe << 56};

static bool is_long(struct dictionary_entry e)
{
    return e.high >> 56 == LONG_MARK;
}

static inline uint64_t slot_hash(const struct dictionary *d, struct dictionary_entry e)
{
    return mix64(e.low ^ d->seed, e.high ^ MIX_B);
}

void dictionary_init(struct dictionary *d)
{
    *d = (struct dictionary){
        .n = 1, .n_slots = FIRST_SLOTS, .entries_cap = FIRST_ENTRIES, .seed = table_seed()};
    d->slots = table_slots(FIRST_SLOTS * sizeof(*d->slots));
    d->entries = xmap(FIRST_ENTRIES * sizeof(*d->entries));
    d->entries[0] = entry_of_null;
    d->shift = 64 - (unsigned)__builtin_ctzll(d->n_slots);
}

void dictionary_done(struct dictionary *d)
{
    if (d->slots == NULL)
        return;
    xunmap(d->slots, d->n_slots * sizeof(*d->slots));
    xunmap(d->entries, d->entries_cap * sizeof(*d->entries));
    xunmap(d->longs, d->longs_cap * sizeof(*d->longs));
    arena_done(&d->arena);
    *d = (struct dictionary){0};
}

void dictionary_reset(struct dictionary *d)
{
    dictionary_done(d);
    dictionary_init(d);
}

size_t dictionary_bytes(const struct dictionary *d)
{
    return d->n_slots * sizeof(*d->slots) +
           table_resident(d->n * sizeof(*d->entries), d->entries_cap * sizeof(*d->entries)) +
           table_resident(d->longs ? d->n * sizeof(*d->longs) : 0,
                          d->longs_cap * sizeof(*d->longs)) +
           d->arena_bytes;
}

/* ---- keys of a batch ---- */

struct batch_keys {
    const struct str *texts;
    struct dictionary_entry keys[DICTIONARY_BATCH];
    uint64_t hashes[DICTIONARY_BATCH];
};

static uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint64_t load4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static struct dictionary_entry key_of_long(struct str s)
{
    assert(s.n < (uint64_t)1 << 56);
    return (struct dictionary_entry){XXH3_64bits(s.p, s.n), s.n | (uint64_t)LONG_MARK << 56};
}

/* Never reads past the string. */
static struct dictionary_entry key_of(struct str s)
{
    uint64_t low = 0, high = 0;
    size_t n = s.n;
    if (n > DICTIONARY_SHORT)
        return key_of_long(s);
    if (n > 8) {
        low = load8(s.p);
        high = load8(s.p + n - 8) >> (8 * (16 - n));
    } else if (n == 8) {
        low = load8(s.p);
    } else if (n >= 4) {
        low = load4(s.p) | load4(s.p + n - 4) << (8 * (n - 4));
    } else {
        for (size_t i = 0; i < n; i++)
            low |= (uint64_t)(uint8_t)s.p[i] << (8 * i);
    }
    return (struct dictionary_entry){low, high | (uint64_t)n << 56};
}

static void keys_plain(struct batch_keys *k, size_t n)
{
    for (size_t i = 0; i < n; i++)
        k->keys[i] = key_of(k->texts[i]);
}

/* Masked loads do not fault on what the mask hides, so no string needs bytes behind its end. */
__attribute__((target("avx512f,avx512bw,avx512vl"))) static void keys_avx512(struct batch_keys *k,
                                                                             size_t n)
{
    uint32_t longs[DICTIONARY_BATCH];
    size_t n_long = 0;
    for (size_t i = 0; i < n; i++) {
        struct str s = k->texts[i];
        size_t length = s.n < DICTIONARY_SHORT ? s.n : DICTIONARY_SHORT;
        __m128i bytes = _mm_maskz_loadu_epi8((__mmask16)((1u << length) - 1), s.p);
        bytes = _mm_or_si128(bytes, _mm_maskz_set1_epi8(0x8000, (char)length));
        _mm_storeu_si128((__m128i *)&k->keys[i], bytes);
        longs[n_long] = (uint32_t)i;
        n_long += s.n > DICTIONARY_SHORT;
    }
    for (size_t i = 0; i < n_long; i++)
        k->keys[longs[i]] = key_of_long(k->texts[longs[i]]);
}

static bool use_plain;

void dictionary_use_plain(bool plain)
{
    use_plain = plain;
}

static void keys_of_texts(struct batch_keys *k, size_t n)
{
    if (!use_plain && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        keys_avx512(k, n);
    else
        keys_plain(k, n);
}

/* Texts in rows, side by side; that of a NULL is empty, whatever filler lies there. */
static const struct str *gather_texts(const struct column *c, const uint32_t *rows, size_t first,
                                      size_t n, struct str *gathered)
{
    const struct str *texts = c->values;
    if (rows == NULL && c->nulls == NULL)
        return texts + first;
    for (size_t i = 0; i < n; i++) {
        size_t row = rows ? rows[i] : first + i;
        gathered[i] = texts[row];
        if (c->nulls != NULL && c->nulls[row])
            gathered[i] = (struct str){"", 0};
    }
    return gathered;
}

/* ---- growth ---- */

static void slots_fill(struct dictionary *d)
{
    for (uint32_t id = 1; id < d->n; id++) {
        uint64_t at = slot_hash(d, d->entries[id]) >> d->shift;
        while (d->slots[at] != 0)
            at = (at + 1) & (d->n_slots - 1);
        d->slots[at] = id;
    }
}

/* Room for `more` new strings: load 1/4, for very many strings 1/2. */
static void make_room(struct dictionary *d, size_t more)
{
    uint64_t n = d->n + more, n_slots = d->n_slots;
    assert(n < UINT32_MAX);
    while (n * (n_slots < LOW_LOAD_UP_TO ? 4 : 2) > n_slots)
        n_slots *= 2;
    if (n_slots != d->n_slots) {
        xunmap(d->slots, d->n_slots * sizeof(*d->slots));
        d->n_slots = n_slots;
        d->slots = table_slots(n_slots * sizeof(*d->slots));
        d->shift = 64 - (unsigned)__builtin_ctzll(n_slots);
        slots_fill(d);
    }
    if (n > d->entries_cap) {
        size_t old = d->entries_cap;
        while (d->entries_cap < n)
            d->entries_cap *= 2;
        d->entries =
            table_grow(d->entries, old * sizeof(*d->entries), d->entries_cap * sizeof(*d->entries));
    }
    if (d->longs != NULL && d->longs_cap < d->entries_cap) {
        d->longs = table_grow(d->longs, d->longs_cap * sizeof(*d->longs),
                              d->entries_cap * sizeof(*d->longs));
        d->longs_cap = d->entries_cap;
    }
}

static void keep_long(struct dictionary *d, uint32_t id, struct str text)
{
    if (d->longs == NULL) {
        d->longs = xmap(d->entries_cap * sizeof(*d->longs));
        d->longs_cap = d->entries_cap;
    }
    char *copy = arena_bytes(&d->arena, text.n);
    memcpy(copy, text.p, text.n);
    d->arena_bytes += text.n;
    d->longs[id] = copy;
}

/* ---- lookup ---- */

static inline bool same_entry(struct dictionary_entry x, struct dictionary_entry y)
{
    return ((x.low ^ y.low) | (x.high ^ y.high)) == 0;
}

static bool is_text(const struct dictionary *d, uint32_t id, struct dictionary_entry key,
                    struct str text)
{
    return same_entry(d->entries[id], key) &&
           (!is_long(key) || memcmp(d->longs[id], text.p, text.n) == 0);
}

/* Walks on from the first slot; adds the string where it is not there. */
static uint32_t find_or_add(struct dictionary *d, struct dictionary_entry key, struct str text,
                            uint64_t hash)
{
    for (uint64_t at = hash >> d->shift;; at = (at + 1) & (d->n_slots - 1)) {
        uint32_t id = d->slots[at];
        if (id == 0) {
            id = d->n++;
            d->slots[at] = id;
            d->entries[id] = key;
            if (is_long(key))
                keep_long(d, id, text);
            return id;
        }
        if (is_text(d, id, key, text))
            return id;
    }
}

static void intern_missed(struct dictionary *d, const struct batch_keys *k, const uint16_t *missed,
                          size_t n, uint32_t *ids)
{
    make_room(d, n);
    for (size_t m = 0; m < n; m++) {
        size_t i = missed[m];
        ids[i] = find_or_add(d, k->keys[i], k->texts[i], k->hashes[i]);
    }
}

void dictionary_intern(struct dictionary *d, const struct column *c, const uint32_t *rows,
                       size_t first, size_t n, uint32_t *ids)
{
    struct batch_keys k;
    struct str gathered[DICTIONARY_BATCH];
    uint16_t missed[DICTIONARY_BATCH];
    size_t n_missed = 0;
    assert(n <= DICTIONARY_BATCH);

    k.texts = gather_texts(c, rows, first, n, gathered);
    keys_of_texts(&k, n);
    for (size_t i = 0; i < n; i++) {
        k.hashes[i] = slot_hash(d, k.keys[i]);
        __builtin_prefetch(&d->slots[k.hashes[i] >> d->shift]);
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = d->slots[k.hashes[i] >> d->shift];
        __builtin_prefetch(&d->entries[ids[i]]);
    }
    for (size_t i = 0; i < n; i++) {
        missed[n_missed] = (uint16_t)i;
        n_missed += !same_entry(d->entries[ids[i]], k.keys[i]);
    }
    if (d->longs != NULL) /* equal hashes are not equal strings yet */
        for (size_t i = 0; i < n; i++)
            if (is_long(k.keys[i]) && same_entry(d->entries[ids[i]], k.keys[i]) &&
                !is_text(d, ids[i], k.keys[i], k.texts[i]))
                missed[n_missed++] = (uint16_t)i;
    if (n_missed > 0)
        intern_missed(d, &k, missed, n_missed, ids);
    if (c->nulls != NULL)
        for (size_t i = 0; i < n; i++)
            ids[i] = c->nulls[rows ? rows[i] : first + i] ? 0 : ids[i];
}

struct str dictionary_text(const struct dictionary *d, uint32_t id)
{
    const struct dictionary_entry *e = &d->entries[id];
    if (is_long(*e))
        return (struct str){d->longs[id], e->high & (((uint64_t)1 << 56) - 1)};
    return (struct str){(const char *)e, e->high >> 56};
}

uint64_t dictionary_hash(const struct dictionary *d, uint32_t id)
{
    return mix64(d->entries[id].low ^ MIX_A, d->entries[id].high ^ MIX_B);
}

bool dictionary_same_text(const struct dictionary *x, uint32_t x_id, const struct dictionary *y,
                          uint32_t y_id)
{
    struct dictionary_entry e = x->entries[x_id];
    if (!same_entry(e, y->entries[y_id]))
        return false;
    return !is_long(e) ||
           memcmp(x->longs[x_id], y->longs[y_id], e.high & (((uint64_t)1 << 56) - 1)) == 0;
}
