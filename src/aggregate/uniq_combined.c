/* SPDX-License-Identifier: Apache-2.0
 *
 * uniqCombined(K), uniqCombined64(K): the exact set of hashes while it is small, then 2^K
 * HyperLogLog registers.
 *
 *   in memory   struct distinct: hashes of 4 or 8 bytes; cap == 0: one byte a register
 *   written     kind 1: varuint n (at most 16), n keys      kind 2: the same, more keys
 * kind 3: ranks of 5 or 6 bits packed from bit 0, UInt32 how many registers have rank 0, 1,
 *                       … highest, number of zero registers (UInt16, from K = 16 on UInt32)
 *
 * Registers follow from the set of hashes alone: any order and any split gives the same state. */
#include "aggregate/distinct.h"

enum {
    KIND_SMALL = 1,
    KIND_MEDIUM = 2,
    KIND_LARGE = 3,
    MAX_SMALL = 16,
    MIN_K = 12,
    MAX_K = 20,
    DEFAULT_K = 17
};

static size_t registers_bytes(const struct aggregate *a)
{
    return sizeof(struct distinct) + ((size_t)1 << a->uniq.precision);
}

static unsigned highest_rank(const struct aggregate *a)
{
    return a->uniq.key_bytes * 8 - a->uniq.precision + 1;
}

static void register_add(const struct aggregate *a, struct distinct *registers, uint64_t hash)
{
    uint64_t tail = hash >> a->uniq.precision;
    size_t at = hash & (((uint64_t)1 << a->uniq.precision) - 1);
    unsigned highest = highest_rank(a);
    unsigned rank = tail == 0 ? highest : (unsigned)__builtin_ctzll(tail) + 1;
    uint8_t *to = (uint8_t *)registers->data + at;
    if (rank > highest)
        rank = highest;
    if (rank > *to)
        *to = (uint8_t)rank;
}

static bool is_large(const struct distinct *set)
{
    return set->cap == 0;
}

/* The set has become too big: registers instead. */
static void to_registers(const struct aggregate *a, struct distinct **at, size_t *bytes)
{
    struct distinct *set = *at, *registers = xcalloc(1, registers_bytes(a));
    struct u128 key;
    for (size_t i = 0; i < set->cap; i++)
        if (distinct_slot(set, i, a->uniq.key_bytes, &key))
            register_add(a, registers, key.lo);
    if (set->has_zero)
        register_add(a, registers, 0);
    distinct_free(at, a->uniq.key_bytes, bytes);
    *bytes += registers_bytes(a);
    *at = registers;
}

static inline void combined_add(const struct aggregate *a, struct distinct **at, uint64_t hash,
                                size_t *bytes)
{
    /* A full set becomes registers at whatever comes next, known or not: as ClickHouse's does. */
    if (*at != NULL && !is_large(*at) && (*at)->n >= a->uniq.limit)
        to_registers(a, at, bytes);
    if (*at != NULL && is_large(*at))
        register_add(a, *at, hash);
    else
        distinct_add(at, (struct u128){hash, 0}, a->uniq.key_bytes, bytes);
}

static void update_combined(const struct aggregate *a, const struct fold *f)
{
    struct u128 keys[FOLD_ROWS];
    for (size_t i = 0; i < f->n; i++)
        distinct_prefetch(*(struct distinct **)fold_state(f, i));
    combined_keys(a, f, keys);
    for (size_t i = 0; i < f->n; i++)
        combined_add(a, (struct distinct **)fold_state(f, i), keys[i].lo, f->bytes);
}

static void merge_combined(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    struct distinct **at = into;
    const struct distinct *set = *(struct distinct *const *)from;
    if (set == NULL)
        return;
    if (!is_large(set)) {
        struct u128 key;
        for (size_t i = 0; i < set->cap; i++)
            if (distinct_slot(set, i, a->uniq.key_bytes, &key))
                combined_add(a, at, key.lo, bytes);
        if (set->has_zero)
            combined_add(a, at, 0, bytes);
        return;
    }
    if (*at == NULL) {
        *at = xcalloc(1, registers_bytes(a));
        *bytes += registers_bytes(a);
    } else if (!is_large(*at)) {
        to_registers(a, at, bytes);
    }
    uint8_t *x = (uint8_t *)(*at)->data;
    const uint8_t *y = (const uint8_t *)set->data;
    for (size_t i = 0; i < (size_t)1 << a->uniq.precision; i++)
        x[i] = x[i] > y[i] ? x[i] : y[i];
}

static void done_combined(const struct aggregate *a, void *state, size_t *bytes)
{
    struct distinct **at = state;
    if (*at != NULL && is_large(*at)) {
        *bytes -= registers_bytes(a);
        free(*at);
        *at = NULL;
    } else {
        distinct_free(at, a->uniq.key_bytes, bytes);
    }
}

static void write_set(const struct aggregate *a, struct buf *out, const struct distinct *set)
{
    unsigned width = a->uniq.key_bytes;
    struct u128 key = {0};
    buf_byte(out, set->n <= MAX_SMALL ? KIND_SMALL : KIND_MEDIUM);
    buf_varuint(out, set->n);
    if (set->has_zero)
        buf_put(out, &key, width);
    for (size_t i = 0; i < set->cap; i++)
        if (distinct_slot(set, i, width, &key))
            buf_put(out, &key, width);
}

static void write_registers(const struct aggregate *a, struct buf *out, const struct distinct *set)
{
    const uint8_t *ranks = (const uint8_t *)set->data;
    const size_t m = (size_t)1 << a->uniq.precision;
    const unsigned rank_bits = a->uniq.key_bytes == 4 ? 5 : 6, highest = highest_rank(a);
    uint32_t counts[64] = {0};
    uint64_t gathered = 0;
    unsigned bits = 0;

    buf_byte(out, KIND_LARGE);
    uint8_t *to = (uint8_t *)buf_reserve(out, m * rank_bits / 8);
    for (size_t i = 0; i < m; i++) {
        counts[ranks[i]]++;
        gathered |= (uint64_t)ranks[i] << bits;
        for (bits += rank_bits; bits >= 8; bits -= 8, gathered >>= 8)
            *to++ = (uint8_t)gathered;
    }
    out->n += m * rank_bits / 8;
    buf_put(out, counts, (highest + 1) * 4);
    if (m < 65536)
        buf_u16(out, (uint16_t)counts[0]);
    else
        buf_u32(out, counts[0]);
}

static void write_combined(const struct aggregate *a, struct buf *out, char *const *rows,
                           size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct distinct *set = *(struct distinct *const *)(rows[i] + offset);
        if (a->is_nullable) { /* over nothing but NULLs the answer is NULL */
            buf_byte(out, set != NULL);
            if (set == NULL)
                continue;
        }
        if (set == NULL)
            buf_put(out, "\1\0", 2);
        else if (is_large(set))
            write_registers(a, out, set);
        else
            write_set(a, out, set);
    }
}

static enum err_code parse_precision(const struct aggregate *a, unsigned *ret, struct str text,
                                     struct err *e)
{
    unsigned k = 0;
    for (size_t i = 0; i < text.n; i++)
        k = text.p[i] >= '0' && text.p[i] <= '9' && k < 1000 ? k * 10 + (unsigned)(text.p[i] - '0')
                                                             : 1000;
    if (text.n == 0 || k < MIN_K || k > MAX_K)
        return err_set(e, ERR_INVALID, "the parameter of %s must be from %d to %d, not %.*s",
                       a->name, MIN_K, MAX_K, STR_FMT(text));
    *ret = k;
    return ERR_OK;
}

static enum err_code build_precision(struct aggregate *a, const struct aggregate_request *q,
                                     struct err *e)
{
    unsigned k = DEFAULT_K;
    if (q->n_params > 0)
        TRY(parse_precision(a, &k, q->params[0], e));
    TRY(distinct_storage(a, q->call, a->is_nullable, e));
    a->uniq.precision = k;
    a->uniq.limit = 1u << (k - (a->uniq.key_bytes == 4 ? 4 : 5));
    a->update = update_combined;
    a->merge = merge_combined;
    a->done = done_combined;
    a->write = write_combined;
    return ERR_OK;
}

enum err_code build_uniq_combined(struct aggregate *a, const struct aggregate_request *q,
                                  struct err *e)
{
    a->uniq.key_bytes = combined_key_bytes(a);
    return build_precision(a, q, e);
}

enum err_code build_uniq_combined64(struct aggregate *a, const struct aggregate_request *q,
                                    struct err *e)
{
    a->uniq.key_bytes = 8;
    return build_precision(a, q, e);
}
