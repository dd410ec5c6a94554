/* SPDX-License-Identifier: Apache-2.0
 *
 * A set of keys of 4, 8 or 16 bytes that have been hashed or are plain numbers: what uniqExact and
 * uniqCombined gather. One heap block a set; a state is a pointer to it, NULL while nothing came.
 * The zero key is a flag, so that empty slots are zero bytes. */
#ifndef AGGREGATE_DISTINCT_H
#define AGGREGATE_DISTINCT_H

#include "aggregate/aggregate_priv.h"
#include "base/hash.h"

struct distinct {
    uint32_t n;   /* keys, with the zero key */
    uint32_t cap; /* slots, a power of two; 0 = the block holds registers (uniqCombined) */
    bool has_zero;
    uint8_t skip; /* uniq: only keys divisible by 2^skip are kept */
    char data[] __attribute__((aligned(16)));
};

/* Adds key; *bytes grows with the block. width: 4, 8, 16 (4 and 8 use key.lo). */
void distinct_add(struct distinct **set, struct u128 key, unsigned width, size_t *bytes);
void distinct_free(struct distinct **set, unsigned width, size_t *bytes);
size_t distinct_bytes(const struct distinct *set, unsigned width);

/* Key in slot i, or false if the slot is empty. The zero key is not in a slot. */
static inline bool distinct_slot(const struct distinct *set, size_t i, unsigned width,
                                 struct u128 *key)
{
    *key = (struct u128){0};
    memcpy(key, set->data + i * width, width);
    return (key->lo | key->hi) != 0;
}

/* Starts fetching what adding to this set will touch. */
static inline void distinct_prefetch(const struct distinct *set)
{
    __builtin_prefetch(set, 1);
}

/* One key of 64 or 128 bits per row of `f`, by the argument types (states as ClickHouse's, see
 * docs/formats): the values themselves or their hashes. */
unsigned exact_key_bytes(const struct aggregate *a); /* as written: 1, 2, 4, 8, 16 */
void exact_keys(const struct aggregate *a, const struct fold *f, struct u128 *keys);
unsigned combined_key_bytes(const struct aggregate *a); /* uniqCombined: 4 or 8 */
/* Of a->uniq.key_bytes: cut to the low 32 bits, or whole. */
void combined_keys(const struct aggregate *a, const struct fold *f, struct u128 *keys);

void uniq_keys(const struct aggregate *a, const struct fold *f, struct u128 *keys); /* 32 bits */
/* uniqHLL12: single numbers as they are, else hashes; and the 32 bits that the registers take. */
unsigned hll12_key_bytes(const struct aggregate *a);
void hll12_keys(const struct aggregate *a, const struct fold *f, uint64_t keys[FOLD_ROWS]);
uint32_t hll12_hash(const struct aggregate *a, uint64_t key);

/* Arguments as declared to the store: not LowCardinality, Nullable only where the answer is NULL
 * when all were (NULLs are skipped here). */
enum err_code distinct_storage(struct aggregate *a, const char *call, bool is_nullable,
                               struct err *e);

#endif
