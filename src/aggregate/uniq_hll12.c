/* SPDX-License-Identifier: Apache-2.0
 *
 * uniqHLL12: up to 16 keys in the order they came, then 4,096 HyperLogLog registers of 32-bit
 * hashes.
 *
 *   in memory   pointer to struct hll12; NULL: nothing came
 *   written     byte 0, varuint n, n keys (numbers in their own width, hashes in 8 bytes)
 *               byte 1, ranks of 5 bits packed from bit 0, UInt32 how many registers have rank 0 … 21,
 *               UInt16 number of zero registers */
#include "aggregate/distinct.h"

enum {
    PRECISION = 12,
    REGISTERS = 1 << PRECISION,
    SMALL = 16,
    HIGHEST = 32 - PRECISION + 1,
    RANK_BITS = 5
};

struct hll12 {
    uint32_t n;
    bool is_large;
    char data[] __attribute__((aligned(8))); /* keys of 8 bytes, or a byte a register */
};

static size_t block_bytes(bool is_large)
{
    return sizeof(struct hll12) + (is_large ? REGISTERS : SMALL * sizeof(uint64_t));
}

static struct hll12 *hll_new(bool is_large, size_t *bytes)
{
    struct hll12 *h = xcalloc(1, block_bytes(is_large));
    h->is_large = is_large;
    *bytes += block_bytes(is_large);
    return h;
}

static void hll_free(struct hll12 **at, size_t *bytes)
{
    if (*at != NULL)
        *bytes -= block_bytes((*at)->is_large);
    free(*at);
    *at = NULL;
}

static void register_add(struct hll12 *h, uint32_t hash)
{
    uint32_t tail = hash >> PRECISION;
    uint8_t rank = tail == 0 ? HIGHEST : (uint8_t)(__builtin_ctz(tail) + 1);
    uint8_t *to = (uint8_t *)h->data + (hash & (REGISTERS - 1));
    if (rank > *to)
        *to = rank;
}

static void to_registers(const struct aggregate *a, struct hll12 **at, size_t *bytes)
{
    struct hll12 *large = hll_new(true, bytes);
    const uint64_t *keys = (const uint64_t *)(*at)->data;
    for (size_t i = 0; i < (*at)->n; i++)
        register_add(large, hll12_hash(a, keys[i]));
    hll_free(at, bytes);
    *at = large;
}

static void hll_add(const struct aggregate *a, struct hll12 **at, uint64_t key, size_t *bytes)
{
    if (*at == NULL)
        *at = hll_new(false, bytes);
    struct hll12 *h = *at;
    if (h->is_large) {
        register_add(h, hll12_hash(a, key));
        return;
    }
    uint64_t *keys = (uint64_t *)h->data;
    for (size_t i = 0; i < h->n; i++)
        if (keys[i] == key)
            return;
    if (h->n < SMALL) {
        keys[h->n++] = key;
    } else {
        to_registers(a, at, bytes);
        register_add(*at, hll12_hash(a, key));
    }
}

static void update_hll(const struct aggregate *a, const struct fold *f)
{
    uint64_t keys[FOLD_ROWS];
    for (size_t i = 0; i < f->n; i++)
        __builtin_prefetch(*(struct hll12 **)fold_state(f, i), 1);
    hll12_keys(a, f, keys);
    for (size_t i = 0; i < f->n; i++)
        hll_add(a, (struct hll12 **)fold_state(f, i), keys[i], f->bytes);
}

static void merge_hll(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    struct hll12 **at = into;
    const struct hll12 *other = *(struct hll12 *const *)from;
    if (other == NULL)
        return;
    if (!other->is_large) {
        for (size_t i = 0; i < other->n; i++)
            hll_add(a, at, ((const uint64_t *)other->data)[i], bytes);
        return;
    }
    if (*at == NULL)
        *at = hll_new(true, bytes);
    else if (!(*at)->is_large)
        to_registers(a, at, bytes);
    uint8_t *x = (uint8_t *)(*at)->data;
    const uint8_t *y = (const uint8_t *)other->data;
    for (size_t i = 0; i < REGISTERS; i++)
        x[i] = x[i] > y[i] ? x[i] : y[i];
}

static void done_hll(const struct aggregate *a, void *state, size_t *bytes)
{
    hll_free(state, bytes);
}

static void write_registers(struct buf *out, const struct hll12 *h)
{
    const uint8_t *ranks = (const uint8_t *)h->data;
    uint32_t counts[HIGHEST + 1] = {0};
    uint64_t gathered = 0;
    unsigned bits = 0;
    buf_byte(out, 1);
    uint8_t *to = (uint8_t *)buf_reserve(out, REGISTERS * RANK_BITS / 8);
    for (size_t i = 0; i < REGISTERS; i++) {
        counts[ranks[i]]++;
        gathered |= (uint64_t)ranks[i] << bits;
        for (bits += RANK_BITS; bits >= 8; bits -= 8, gathered >>= 8)
            *to++ = (uint8_t)gathered;
    }
    out->n += REGISTERS * RANK_BITS / 8;
    buf_put(out, counts, sizeof(counts));
    buf_u16(out, (uint16_t)counts[0]);
}

static void write_hll(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                      size_t n)
{
    unsigned width = hll12_key_bytes(a);
    for (size_t i = 0; i < n; i++) {
        const struct hll12 *h = *(struct hll12 *const *)(rows[i] + offset);
        if (h == NULL) {
            buf_put(out, "\0\0", 2);
        } else if (h->is_large) {
            write_registers(out, h);
        } else {
            buf_byte(out, 0);
            buf_varuint(out, h->n);
            for (size_t k = 0; k < h->n; k++)
                buf_put(out, (const uint64_t *)h->data + k, width);
        }
    }
}

enum err_code build_uniq_hll12(struct aggregate *a, const struct aggregate_request *q,
                               struct err *e)
{
    a->uniq.key_bytes = 8;
    TRY(distinct_storage(a, q->call, false, e));
    a->update = update_hll;
    a->merge = merge_hll;
    a->done = done_hll;
    a->write = write_hll;
    return ERR_OK;
}
