/* SPDX-License-Identifier: Apache-2.0
 *
 * quantileDD, quantilesDD: DDSketch. Values fall into bins of equal relative width; a state is
 * counts by bin, so merging is exact in any order. Bins are kept densely between the lowest and the
 * highest one.
 *
 * Bin of x: ln |x| / ln gamma, truncated toward zero, as ClickHouse does it. What is smaller than
 * the least normal double times gamma counts as zero, NaN is ignored, and what is greater than the
 * greatest double over gamma throws in ClickHouse: such rows are refused by `rejects` and must not
 * come here. */
#include "aggregate/aggregate_priv.h"

#include <float.h>
#include <math.h>

struct bins {
    double *counts; /* of bins first .. first + n - 1; room before and after them */
    int32_t first;
    uint32_t n, start, cap; /* counts[start] is bin `first` */
};

struct sketch {
    double zero;
    struct bins positive, negative;
};

enum {
    MARK_MAPPING = 2,
    MARK_POSITIVE = 1,
    MARK_NEGATIVE = 3,
    MARK_ZERO = 4,
    STORE_DENSE = 0x0c,
    STORE_SPARSE = 0x04,
    STEP_ONE = 2, /* zigzag 1 */
};

/* Room for bins up to `bin` on the side where it is missing; grows by doubling. */
static void bins_widen(struct bins *b, int32_t bin, size_t *bytes)
{
    int64_t low = b->n ? b->first : bin, high = b->n ? (int64_t)b->first + b->n - 1 : bin;
    if (bin < low)
        low = bin;
    if (bin > high)
        high = bin;
    uint32_t n = (uint32_t)(high - low + 1), before = (uint32_t)(b->n ? b->first - low : 0);
    if (b->n > 0 && b->start >= before && b->start - before + n <= b->cap) {
        b->start -= before;
    } else {
        uint32_t cap = n * 2 < 16 ? 16 : n * 2, start = (cap - n) / 2;
        double *counts = xcalloc(cap, sizeof(double));
        if (b->n > 0)
            memcpy(counts + start + before, b->counts + b->start, b->n * sizeof(double));
        free(b->counts);
        *bytes += (size_t)(cap - b->cap) * sizeof(double);
        b->counts = counts;
        b->cap = cap;
        b->start = start;
    }
    b->first = (int32_t)low;
    b->n = n;
}

static inline void bins_add(struct bins *b, int32_t bin, double count, size_t *bytes)
{
    if ((uint32_t)(bin - b->first) >= b->n)
        bins_widen(b, bin, bytes);
    b->counts[b->start + (uint32_t)(bin - b->first)] += count;
}

static struct sketch *sketch_of(void *state, size_t *bytes)
{
    struct sketch **at = state;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof(**at));
        *bytes += sizeof(**at);
    }
    return *at;
}

static inline void sketch_add(const struct aggregate *a, struct sketch *s, double x, size_t *bytes)
{
    double size = fabs(x);
    if (x != x)
        return;
    if (size <= a->dd.least) {
        s->zero += 1;
        return;
    }
    if (size > a->dd.most) /* not reached: rejected before */
        return;
    bins_add(x > 0 ? &s->positive : &s->negative, (int32_t)(log(size) * a->dd.multiplier), 1,
             bytes);
}

static void update_dd(const struct aggregate *a, const struct fold *f)
{
    enum type_kind kind = a->args[0].kind;
    for (size_t i = 0; i < f->n; i++)
        __builtin_prefetch(*(struct sketch **)fold_state(f, i), 1);
    for (size_t i = 0; i < f->n; i++)
        sketch_add(a, sketch_of(fold_state(f, i), f->bytes),
                   double_at(kind, f->args[0]->values, fold_row(f, i)), f->bytes);
}

static void merge_bins(struct bins *into, const struct bins *from, size_t *bytes)
{
    if (from->n == 0)
        return;
    bins_add(into, from->first, 0, bytes);
    bins_add(into, from->first + (int32_t)from->n - 1, 0, bytes);
    double *x = into->counts + into->start + (uint32_t)(from->first - into->first);
    const double *y = from->counts + from->start;
    for (uint32_t i = 0; i < from->n; i++)
        x[i] += y[i];
}

static void merge_dd(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct sketch *y = *(struct sketch *const *)from;
    if (y == NULL)
        return;
    struct sketch *x = sketch_of(into, bytes);
    x->zero += y->zero;
    merge_bins(&x->positive, &y->positive, bytes);
    merge_bins(&x->negative, &y->negative, bytes);
}

static void done_dd(const struct aggregate *a, void *state, size_t *bytes)
{
    struct sketch *s = *(struct sketch **)state;
    if (s == NULL)
        return;
    *bytes -= sizeof(*s) + ((size_t)s->positive.cap + s->negative.cap) * sizeof(double);
    free(s->positive.counts);
    free(s->negative.counts);
    free(s);
    *(struct sketch **)state = NULL;
}

static void put_zigzag(struct buf *out, int64_t v)
{
    buf_varuint(out, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

/* Dense where the holes cost less than the indexes of the others: ClickHouse's rule. */
static void write_bins(struct buf *out, const struct bins *b)
{
    const double *counts = b->counts + b->start;
    uint32_t used = 0;
    for (uint32_t i = 0; i < b->n; i++)
        used += counts[i] != 0;
    if (used == 0) {
        buf_put(out, "\x0c\x00\xfe\xff\xff\xff\x0f\x02", 8);
        return;
    }
    if ((uint64_t)8 * (b->n - used) <= (uint64_t)2 * used) {
        buf_byte(out, STORE_DENSE);
        buf_varuint(out, b->n);
        put_zigzag(out, b->first);
        buf_byte(out, STEP_ONE);
        buf_put(out, counts, (size_t)b->n * 8);
        return;
    }
    buf_byte(out, STORE_SPARSE);
    buf_varuint(out, used);
    int64_t last = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        if (counts[i] == 0)
            continue;
        int64_t bin = (int64_t)b->first + i;
        put_zigzag(out, bin - last);
        buf_f64(out, counts[i]);
        last = bin;
    }
}

static void write_dd(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                     size_t n)
{
    static const struct sketch empty;
    bool is_flagged = a->storage.result.is_nullable;
    for (size_t i = 0; i < n; i++) {
        const struct sketch *s = *(struct sketch *const *)(rows[i] + offset);
        if (is_flagged) {
            buf_byte(out, s != NULL);
            if (s == NULL)
                continue;
        }
        if (s == NULL)
            s = &empty;
        buf_byte(out, MARK_MAPPING);
        buf_f64(out, a->dd.gamma);
        buf_f64(out, 0);
        buf_byte(out, MARK_POSITIVE);
        write_bins(out, &s->positive);
        buf_byte(out, MARK_NEGATIVE);
        write_bins(out, &s->negative);
        buf_byte(out, MARK_ZERO);
        buf_f64(out, s->zero);
    }
}

static const char *rejects_dd(const struct aggregate *a, const struct column *const *args,
                              size_t row)
{
    double size = fabs(double_at(a->args[0].kind, args[0]->values, row));
    return size > a->dd.most ? "value out of range for quantilesDD" : NULL;
}

/* ---- building ---- */

/* ClickHouse's limits for the accuracy. Below a thousandth one sketch could take megabytes. */
static enum err_code set_accuracy(struct aggregate *a, struct str text, struct err *e)
{
    double accuracy;
    if (!parse_number(&accuracy, text) || !(accuracy >= 0.001 && accuracy < 1))
        return err_set(
            e, ERR_INVALID,
            "the relative accuracy of %s must be at least 0.001 and less than 1, not %.*s", a->name,
            STR_FMT(text));
    a->dd.gamma = (1 + accuracy) / (1 - accuracy);
    a->dd.multiplier = 1 / log(a->dd.gamma);
    a->dd.least = DBL_MIN * a->dd.gamma;
    a->dd.most = DBL_MAX / a->dd.gamma;
    return ERR_OK;
}

static enum err_code build_dd(struct aggregate *a, const struct aggregate_request *q, bool is_array,
                              struct err *e)
{
    struct type t = type_plain(a->args[0]);
    if (!type_is_number(t) && t.kind != TYPE_DATE && t.kind != TYPE_DATETIME)
        return refuse_type(a, a->args[0], e);
    TRY(set_accuracy(a, q->params[0], e));

    TRY(check_levels(a, q, 1, e));

    a->storage.result = type_is_number(t) ? (struct type){.kind = TYPE_FLOAT64} : t;
    a->storage.result.is_nullable = a->is_nullable && !is_array;
    struct type stored = t;
    stored.is_nullable = a->storage.result.is_nullable;
    if (is_array)
        result_array(a, a->storage.result);
    TRY(storage_state(a, q->call, &stored, 1, e));

    a->is_fixed = false;
    a->state_bytes = sizeof(struct sketch *);
    a->update = update_dd;
    a->merge = merge_dd;
    a->done = done_dd;
    a->write = write_dd;
    if (type_is_float(t))
        a->rejects = rejects_dd;
    return ERR_OK;
}

enum err_code build_quantile_dd(struct aggregate *a, const struct aggregate_request *q,
                                struct err *e)
{
    return build_dd(a, q, false, e);
}

enum err_code build_quantiles_dd(struct aggregate *a, const struct aggregate_request *q,
                                 struct err *e)
{
    return build_dd(a, q, true, e);
}
