/* SPDX-License-Identifier: Apache-2.0
 *
 * groupBitAnd, groupBitOr, groupBitXor: one integer, kept in 8 bytes, written in its own width. */
#include "aggregate/aggregate_priv.h"

#define INLINE static inline __attribute__((always_inline))

enum bit_op { BIT_AND, BIT_OR, BIT_XOR };

#define BIT_LOOP(T)                                                                                \
    for (size_t i = 0; i < f->n; i++) {                                                            \
        uint64_t *s = (uint64_t *)fold_state(f, i);                                                \
        uint64_t v = COLUMN(f->args[0], const T)[fold_row(f, i)];                                  \
        *s = op == BIT_AND ? *s & v : op == BIT_OR ? *s | v : *s ^ v;                              \
    }                                                                                              \
    break

INLINE void update_bits(const struct aggregate *a, const struct fold *f, enum bit_op op)
{
    switch (type_width(a->args[0])) {
    case 1: BIT_LOOP(uint8_t);
    case 2: BIT_LOOP(uint16_t);
    case 4: BIT_LOOP(uint32_t);
    default: BIT_LOOP(uint64_t);
    }
}

static void update_and(const struct aggregate *a, const struct fold *f)
{
    update_bits(a, f, BIT_AND);
}

static void update_or(const struct aggregate *a, const struct fold *f)
{
    update_bits(a, f, BIT_OR);
}

static void update_xor(const struct aggregate *a, const struct fold *f)
{
    update_bits(a, f, BIT_XOR);
}

static void init_and(const struct aggregate *a, void *state)
{
    *(uint64_t *)state = UINT64_MAX;
}

static void merge_and(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    *(uint64_t *)into &= *(const uint64_t *)from;
}

static void merge_or(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    *(uint64_t *)into |= *(const uint64_t *)from;
}

static void merge_xor(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    *(uint64_t *)into ^= *(const uint64_t *)from;
}

static void write_bits(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                       size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_put(out, rows[i] + offset, type_width(a->args[0]));
}

static enum err_code build_bits(struct aggregate *a, const struct aggregate_request *q,
                                struct err *e)
{
    struct type t = a->args[0];
    if (!type_is_integer(t) && t.kind != TYPE_BOOL)
        return refuse_type(a, t, e);
    a->storage.result = t;
    if (t.kind == TYPE_BOOL)
        a->storage.result.kind = TYPE_UINT8;
    a->state_bytes = 8;
    a->write = write_bits;
    return storage_state(a, q->call, a->args, 1, e);
}

enum err_code build_bit_and(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    a->init = init_and;
    a->update = update_and;
    a->merge = merge_and;
    return build_bits(a, q, e);
}

enum err_code build_bit_or(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    a->update = update_or;
    a->merge = merge_or;
    return build_bits(a, q, e);
}

enum err_code build_bit_xor(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    a->update = update_xor;
    a->merge = merge_xor;
    return build_bits(a, q, e);
}
