/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums with something besides: sumKahan (what rounding lost), sumCount (the number of values),
 * avgWeighted (the sum of weights).
 *
 *   sumKahan      sum, compensation: doubles
 *   sumCount      sum (UInt64, Int64 or Float64), varuint count
 *   avgWeighted   sum of x * weight, sum of weights: both UInt64, Int64 or Float64 by the weight's
 *                 type, an unsigned sum of weights written as varuint. So with whole weights x loses
 *                 its fraction: that is what ClickHouse does. */
#include "aggregate/aggregate_priv.h"

/* ---- sumKahan ---- */

static void update_kahan(const struct aggregate *a, const struct fold *f)
{
    double x[FOLD_ROWS];
    fold_doubles(f, 0, x);
    for (size_t i = 0; i < f->n; i++) {
        double *s = (double *)fold_state(f, i);
        double v = x[i] - s[1], sum = s[0] + v;
        s[1] = (sum - s[0]) - v;
        s[0] = sum;
    }
}

static void merge_kahan(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    double *s = into;
    const double *v = from;
    double raw = s[0] + v[0], added = raw - s[0];
    double lost = ((v[0] - added) + (s[0] - (raw - added))) + s[1] + v[1];
    s[0] = raw + lost;
    s[1] = lost - (s[0] - raw);
}

static void write_kahan(const struct aggregate *a, struct buf *out, char *const *rows,
                        size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_put(out, rows[i] + offset, 16);
}

enum err_code build_sum_kahan(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    if (!type_is_number(a->args[0]))
        return refuse_type(a, a->args[0], e);
    a->storage.result = (struct type){.kind = TYPE_FLOAT64};
    a->state_bytes = 16;
    a->update = update_kahan;
    a->merge = merge_kahan;
    a->write = write_kahan;
    return storage_state(a, q->call, a->args, 1, e);
}

/* ---- whole numbers and doubles ---- */

enum family { UNSIGNED, SIGNED, FLOATING };

static enum family family_of(struct type t)
{
    return type_is_float(t) ? FLOATING : type_is_signed(t) ? SIGNED : UNSIGNED;
}

/* Truncated; what does not fit is the least number, as the processor has it. */
static int64_t to_signed(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

static uint64_t to_unsigned(double x)
{
    int64_t v = to_signed(x);
    return (uint64_t)v | (v < 0 ? (uint64_t)to_signed(x - 0x1p63) : 0);
}

/* An integer of any kind, sign-extended. */
static uint64_t integer_at(enum type_kind kind, const void *values, size_t row)
{
    switch (kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: return ((const uint8_t *)values)[row];
    case TYPE_INT8: return (uint64_t)((const int8_t *)values)[row];
    case TYPE_UINT16: return ((const uint16_t *)values)[row];
    case TYPE_INT16: return (uint64_t)((const int16_t *)values)[row];
    case TYPE_UINT32: return ((const uint32_t *)values)[row];
    case TYPE_INT32: return (uint64_t)((const int32_t *)values)[row];
    default: return ((const uint64_t *)values)[row];
    }
}

struct pair {
    union {
        uint64_t integer;
        double number;
    } sum, weight;
};

static void merge_pair(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    struct pair *s = into;
    const struct pair *v = from;
    bool is_float =
        a->args[a->n_args - 1].kind == TYPE_FLOAT32 || a->args[a->n_args - 1].kind == TYPE_FLOAT64;
    if (is_float)
        s->sum.number += v->sum.number;
    else
        s->sum.integer += v->sum.integer;
    if (is_float && a->n_args == 2)
        s->weight.number += v->weight.number;
    else
        s->weight.integer += v->weight.integer;
}

static void write_pair(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                       size_t n)
{
    bool is_varuint = a->n_args == 1 || family_of(a->args[1]) == UNSIGNED;
    for (size_t i = 0; i < n; i++) {
        const struct pair *s = (const struct pair *)(rows[i] + offset);
        buf_u64(out, s->sum.integer);
        if (is_varuint)
            buf_varuint(out, s->weight.integer);
        else
            buf_u64(out, s->weight.integer);
    }
}

/* ---- sumCount ---- */

static void update_sum_count(const struct aggregate *a, const struct fold *f)
{
    double x[FOLD_ROWS];
    const void *values = f->args[0]->values;
    if (type_is_float(a->args[0])) {
        fold_doubles(f, 0, x);
        for (size_t i = 0; i < f->n; i++) {
            struct pair *s = (struct pair *)fold_state(f, i);
            s->sum.number += x[i];
            s->weight.integer++;
        }
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        struct pair *s = (struct pair *)fold_state(f, i);
        s->sum.integer += integer_at(a->args[0].kind, values, fold_row(f, i));
        s->weight.integer++;
    }
}

enum err_code build_sum_count(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    static const char *const names[] = {[UNSIGNED] = "Tuple(UInt64, UInt64)",
                                        [SIGNED] = "Tuple(Int64, UInt64)",
                                        [FLOATING] = "Tuple(Float64, UInt64)"};
    if (!type_is_number(a->args[0]))
        return refuse_type(a, a->args[0], e);
    result_text(a, names[family_of(a->args[0])]);
    a->state_bytes = sizeof(struct pair);
    a->update = update_sum_count;
    a->merge = merge_pair;
    a->write = write_pair;
    return storage_state(a, q->call, a->args, 1, e);
}

/* ---- avgWeighted ---- */

static void update_weighted(const struct aggregate *a, const struct fold *f)
{
    enum type_kind x_kind = a->args[0].kind, w_kind = a->args[1].kind;
    enum family family = family_of(a->args[1]);
    bool is_float = type_is_float(a->args[0]);
    const void *x = f->args[0]->values, *w = f->args[1]->values;
    for (size_t i = 0; i < f->n; i++) {
        struct pair *s = (struct pair *)fold_state(f, i);
        size_t row = fold_row(f, i);
        if (family == FLOATING) {
            double weight = double_at(w_kind, w, row);
            s->sum.number += double_at(x_kind, x, row) * weight;
            s->weight.number += weight;
            continue;
        }
        uint64_t weight = integer_at(w_kind, w, row), value;
        if (!is_float)
            value = integer_at(x_kind, x, row);
        else if (family == SIGNED)
            value = (uint64_t)to_signed(double_at(x_kind, x, row));
        else
            value = to_unsigned(double_at(x_kind, x, row));
        s->sum.integer += value * weight;
        s->weight.integer += weight;
    }
}

enum err_code build_avg_weighted(struct aggregate *a, const struct aggregate_request *q,
                                 struct err *e)
{
    for (size_t k = 0; k < 2; k++)
        if (!type_is_number(a->args[k]))
            return refuse_type(a, a->args[k], e);
    a->storage.result = (struct type){.kind = TYPE_FLOAT64};
    a->state_bytes = sizeof(struct pair);
    a->update = update_weighted;
    a->merge = merge_pair;
    a->write = write_pair;
    return storage_state(a, q->call, a->args, 2, e);
}
