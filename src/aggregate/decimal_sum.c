/* SPDX-License-Identifier: Apache-2.0
 *
 * sum and avg of decimals: 128 bits, wrapping.
 *
 *   in memory   sum (16 bytes), count
 *   sum         stored as SimpleAggregateFunction(sum, Decimal(38, S))
 *   avg         written: sum, varuint count; with Nullable a byte "any value" before it */
#include "aggregate/aggregate_priv.h"

struct decimal_sum {
    uint64_t low, high;
    uint64_t n;
};

static void add(struct decimal_sum *s, unsigned __int128 v)
{
    unsigned __int128 sum = ((unsigned __int128)s->high << 64 | s->low) + v;
    s->low = (uint64_t)sum;
    s->high = (uint64_t)(sum >> 64);
}

#define ADD(T)                                                                                     \
    for (size_t i = 0; i < f->n; i++) {                                                            \
        struct decimal_sum *s = (struct decimal_sum *)fold_state(f, i);                            \
        add(s, (unsigned __int128)(__int128)COLUMN(f->args[0], const T)[fold_row(f, i)]);          \
        s->n++;                                                                                    \
    }

static void update_decimals(const struct aggregate *a, const struct fold *f)
{
    switch (type_width(a->args[0])) {
    case 4: ADD(int32_t); break;
    case 8: ADD(int64_t); break;
    default:
        for (size_t i = 0; i < f->n; i++) {
            struct decimal_sum *s = (struct decimal_sum *)fold_state(f, i), v;
            memcpy(&v, COLUMN(f->args[0], const char) + fold_row(f, i) * 16, 16);
            add(s, (unsigned __int128)v.high << 64 | v.low);
            s->n++;
        }
    }
}

static void merge_decimals(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct decimal_sum *v = from;
    struct decimal_sum *s = into;
    add(s, (unsigned __int128)v->high << 64 | v->low);
    s->n += v->n;
}

static void write_sum(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                      size_t n)
{
    for (size_t i = 0; a->is_nullable && i < n; i++)
        buf_byte(out, ((const struct decimal_sum *)(rows[i] + offset))->n == 0);
    for (size_t i = 0; i < n; i++)
        buf_put(out, rows[i] + offset, 16);
}

static void write_counted(const struct aggregate *a, struct buf *out, char *const *rows,
                          size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct decimal_sum *s = (const struct decimal_sum *)(rows[i] + offset);
        if (a->is_nullable) {
            buf_byte(out, s->n > 0);
            if (s->n == 0)
                continue;
        }
        buf_put(out, s, 16);
        buf_varuint(out, s->n);
    }
}

static void set_kernels(struct aggregate *a)
{
    a->state_bytes = sizeof(struct decimal_sum);
    a->update = update_decimals;
    a->merge = merge_decimals;
}

enum err_code build_decimal_sum(struct aggregate *a, const struct aggregate_request *q,
                                struct err *e)
{
    set_kernels(a);
    a->write = write_sum;
    a->storage.result = type_decimal(DECIMAL_MAX_DIGITS, a->args[0].scale);
    a->storage.result.is_nullable = a->is_nullable;
    return storage_simple(a, "sum", a->storage.result, e);
}

enum err_code build_decimal_avg(struct aggregate *a, const struct aggregate_request *q,
                                struct err *e)
{
    set_kernels(a);
    a->write = write_counted;
    a->storage.result = (struct type){.kind = TYPE_FLOAT64, .is_nullable = a->is_nullable};
    return storage_state(a, q->call, a->args, 1, e);
}
