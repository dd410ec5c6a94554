/* SPDX-License-Identifier: Apache-2.0
 *
 * count, sum, avg: numbers that add up.
 *
 *   count   plain: no state (the row count)       else: uint64_t count
 *   sum     plain or -If: sum                     Nullable: sum, count of values (0 = NULL)
 *   avg     plain: sum                            else: sum, count
 *
 * A sum is 8 bytes: wrapping integer, or double. avg of DateTime64 sums in 128 bits, as ClickHouse
 * does. */
#include "aggregate/aggregate_priv.h"

#define INLINE static inline __attribute__((always_inline))

enum sum_mode { SUM_ONLY, SUM_AND_COUNT };

/* The loops differ in the value's type, in whether a count follows the sum, and in a row list.
 * `stride` 8 (row numbers are given in words) saves a multiplication a row. */
#define SUM_LOOP(T, ACC, counted, stride_, row_)                                                   \
    for (size_t i = 0; i < f->n; i++) {                                                            \
        ACC *state = (ACC *)(f->rows + (size_t)f->ids[i] * (stride_));                             \
        state[0] += (ACC)((const T *)f->args[0]->values)[row_];                                    \
        if (counted)                                                                               \
            ((uint64_t *)state)[1]++;                                                              \
    }

#define SUM_LOOPS(T, ACC, counted)                                                                 \
    do {                                                                                           \
        if (f->pick == NULL && f->stride == 8)                                                     \
            SUM_LOOP(T, ACC, counted, 8, i)                                                        \
        else if (f->pick == NULL)                                                                  \
            SUM_LOOP(T, ACC, counted, f->stride, i)                                                \
        else                                                                                       \
            SUM_LOOP(T, ACC, counted, f->stride, f->pick[i])                                       \
    } while (0)

INLINE void add_all(enum type_kind kind, enum sum_mode mode, const struct fold *f)
{
    const bool counted = mode == SUM_AND_COUNT;
    switch (kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: SUM_LOOPS(uint8_t, uint64_t, counted); break;
    case TYPE_DATE:
    case TYPE_UINT16: SUM_LOOPS(uint16_t, uint64_t, counted); break;
    case TYPE_DATETIME:
    case TYPE_UINT32: SUM_LOOPS(uint32_t, uint64_t, counted); break;
    case TYPE_INT64:
    case TYPE_UINT64: SUM_LOOPS(uint64_t, uint64_t, counted); break;
    case TYPE_INT8: SUM_LOOPS(int8_t, uint64_t, counted); break;
    case TYPE_INT16: SUM_LOOPS(int16_t, uint64_t, counted); break;
    case TYPE_INT32: SUM_LOOPS(int32_t, uint64_t, counted); break;
    case TYPE_FLOAT32: SUM_LOOPS(float, double, counted); break;
    default: SUM_LOOPS(double, double, counted); break;
    }
}

static void update_sum(const struct aggregate *a, const struct fold *f)
{
    add_all(a->args[0].kind, SUM_ONLY, f);
}

static void update_sum_and_count(const struct aggregate *a, const struct fold *f)
{
    add_all(a->args[0].kind, SUM_AND_COUNT, f);
}

static void update_count(const struct aggregate *a, const struct fold *f)
{
    for (size_t i = 0; i < f->n; i++)
        ++*(uint64_t *)fold_state(f, i);
}

/* DateTime64: {low, high} or {low, high, count}. */
static void update_wide_sum(const struct aggregate *a, const struct fold *f)
{
    const int64_t *values = f->args[0]->values;
    for (size_t i = 0; i < f->n; i++) {
        uint64_t *state = (uint64_t *)fold_state(f, i);
        int64_t v = values[fold_row(f, i)];
        uint64_t low = state[0] + (uint64_t)v;
        state[1] += (uint64_t)(v >> 63) + (low < state[0]);
        state[0] = low;
        if (!a->is_plain)
            state[2]++;
    }
}

static void merge_words(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    uint64_t *x = into;
    const uint64_t *y = from;
    for (size_t i = 0; i < a->state_bytes / 8; i++)
        x[i] += y[i];
}

static void merge_float(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    *(double *)into += *(const double *)from;
    if (a->state_bytes > 8)
        ((uint64_t *)into)[1] += ((const uint64_t *)from)[1];
}

static void merge_wide(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    uint64_t *x = into;
    const uint64_t *y = from;
    uint64_t low = x[0] + y[0];
    x[1] += y[1] + (low < x[0]);
    x[0] = low;
    if (!a->is_plain)
        x[2] += y[2];
}

/* count: state or row count as a plain UInt64. */
static void write_count(const struct aggregate *a, struct buf *out, char *const *rows,
                        size_t offset, size_t n)
{
    uint64_t *to = (uint64_t *)buf_reserve(out, n * 8);
    size_t at = a->state_bytes > 0 ? offset : 0;
    for (size_t i = 0; i < n; i++)
        memcpy(&to[i], rows[i] + at, 8);
    out->n += n * 8;
}

static void write_sum(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                      size_t n)
{
    if (a->is_nullable) {
        char *nulls = buf_reserve(out, n);
        for (size_t i = 0; i < n; i++)
            nulls[i] = *(const uint64_t *)(rows[i] + offset + 8) == 0;
        out->n += n;
    }
    char *to = buf_reserve(out, n * 8);
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * 8, rows[i] + offset, 8);
    out->n += n * 8;
}

static void write_avg(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                      size_t n)
{
    enum { MOST = 1 + 16 + 10 };
    const size_t sum_bytes = a->args[0].kind == TYPE_DATETIME64 ? 16 : 8;
    const size_t count_at = a->is_plain ? 0 : offset + sum_bytes;
    uint8_t *to = (uint8_t *)buf_reserve(out, n * MOST), *start = to;
    for (size_t i = 0; i < n; i++) {
        uint64_t count = *(const uint64_t *)(rows[i] + count_at);
        if (a->is_nullable) {
            *to++ = count > 0;
            if (count == 0)
                continue;
        }
        memcpy(to, rows[i] + offset, sum_bytes);
        to += sum_bytes;
        for (; count >= 0x80; count >>= 7)
            *to++ = (uint8_t)(count | 0x80);
        *to++ = (uint8_t)count;
    }
    out->n += (size_t)(to - start);
}

enum err_code build_count(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    a->storage.result = (struct type){.kind = TYPE_UINT64};
    TRY(storage_simple(a, "sum", a->storage.result, e));
    a->state_bytes = a->is_plain ? 0 : 8;
    a->update = a->is_plain ? NULL : update_count;
    a->fold_op = a->is_plain || (a->n_args > 0 && a->args[0].kind == TYPE_NOTHING) ? FOLD_OP_NONE
                                                                                   : FOLD_OP_COUNT;
    a->merge = merge_words;
    a->write = write_count;
    return ERR_OK;
}

static enum type_kind promoted(struct type t)
{
    return type_is_float(t) ? TYPE_FLOAT64 : type_is_signed(t) ? TYPE_INT64 : TYPE_UINT64;
}

enum err_code build_sum(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    if (a->args[0].kind == TYPE_DECIMAL)
        return build_decimal_sum(a, q, e);
    if (!type_is_number(a->args[0]))
        return refuse_type(a, a->args[0], e);
    a->storage.result = (struct type){.kind = promoted(a->args[0]), .is_nullable = a->is_nullable};
    TRY(storage_simple(a, "sum", a->storage.result, e));
    a->state_bytes = a->is_nullable ? 16 : 8;
    a->update = a->is_nullable ? update_sum_and_count : update_sum;
    a->merge = type_is_float(a->args[0]) ? merge_float : merge_words;
    a->write = write_sum;
    a->fold_op = FOLD_OP_SUM;
    return ERR_OK;
}

enum err_code build_avg(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    struct type t = a->args[0];
    if (t.kind == TYPE_DECIMAL)
        return build_decimal_avg(a, q, e);
    if (type_is_number(t))
        a->storage.result = (struct type){.kind = TYPE_FLOAT64, .is_nullable = a->is_nullable};
    else if (t.kind == TYPE_DATE || type_is_time(t))
        a->storage.result = t;
    else
        return refuse_type(a, t, e);
    TRY(storage_state(a, "avg", &t, 1, e));
    a->write = write_avg;
    if (t.kind == TYPE_DATETIME64) {
        a->state_bytes = a->is_plain ? 16 : 24;
        a->update = update_wide_sum;
        a->merge = merge_wide;
        return ERR_OK;
    }
    a->fold_op = FOLD_OP_SUM;
    a->state_bytes = a->is_plain ? 8 : 16;
    a->update = a->is_plain ? update_sum : update_sum_and_count;
    a->merge = type_is_float(t) ? merge_float : merge_words;
    return ERR_OK;
}
