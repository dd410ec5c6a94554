/* SPDX-License-Identifier: Apache-2.0
 *
 * quantileTiming, quantilesTiming: times of up to 30,000. Up to 5,672 values are kept as they are,
 * more are counted: each below 1,024 for itself, above in steps of 16.
 *
 *   in memory   pointer to struct timing: values, then (cap 0) counts; NULL: nothing came
 *   written     1, UInt16 n, n * UInt16                        up to 31 values
 *               2, UInt64 n, n * UInt16                        up to 5,672
 *               3, UInt64 n, then pairs (UInt16 slot, UInt64 count) ended by UInt16 30000 where at most
 *                  1,417 values are, else all 2,835 counts; values of 30,000 are only in n */
#include "aggregate/aggregate_priv.h"

enum {
    GREATEST = 30000,
    FINE = 1024,
    STEP = 16,
    SLOTS = FINE + (GREATEST - FINE) / STEP,
    TINY = 31,
    MOST_VALUES = 5672,
    FIRST_VALUES = 12
};

struct timing {
    uint64_t n;
    uint32_t cap; /* of values; 0: counts */
    uint16_t data[] __attribute__((aligned(8)));
};

static size_t timing_bytes(uint32_t cap)
{
    return sizeof(struct timing) + (cap == 0 ? SLOTS * sizeof(uint64_t) : cap * sizeof(uint16_t));
}

static void timing_free(struct timing **at, size_t *bytes)
{
    if (*at != NULL)
        *bytes -= timing_bytes((*at)->cap);
    free(*at);
    *at = NULL;
}

static struct timing *timing_new(uint32_t cap, size_t *bytes)
{
    struct timing *t = xcalloc(1, timing_bytes(cap));
    t->cap = cap;
    *bytes += timing_bytes(cap);
    return t;
}

static void count(struct timing *t, uint16_t x)
{
    t->n++;
    if (x < GREATEST)
        ((uint64_t *)t->data)[x < FINE ? x : FINE + (x - FINE) / STEP]++;
}

static void to_counts(struct timing **at, size_t *bytes)
{
    struct timing *counts = timing_new(0, bytes);
    for (size_t i = 0; *at != NULL && i < (*at)->n; i++)
        count(counts, (*at)->data[i]);
    timing_free(at, bytes);
    *at = counts;
}

static void grow(struct timing **at, size_t *bytes)
{
    struct timing *old = *at;
    uint32_t cap = old == NULL ? FIRST_VALUES : old->cap * 2;
    if (cap > MOST_VALUES)
        cap = MOST_VALUES;
    struct timing *big = timing_new(cap, bytes);
    if (old != NULL) {
        big->n = old->n;
        memcpy(big->data, old->data, old->n * sizeof(uint16_t));
    }
    timing_free(at, bytes);
    *at = big;
}

static inline void timing_add(struct timing **at, uint16_t x, size_t *bytes)
{
    if (*at != NULL && (*at)->cap == 0) {
        count(*at, x);
        return;
    }
    if (*at != NULL && (*at)->n == MOST_VALUES) {
        to_counts(at, bytes);
        count(*at, x);
        return;
    }
    if (*at == NULL || (*at)->n == (*at)->cap)
        grow(at, bytes);
    (*at)->data[(*at)->n++] = x;
}

/* Not below 0, NaN or past what a signed number of 64 bits holds. */
static bool is_time(const struct column *c, size_t row, double x)
{
    if (c->type.kind == TYPE_UINT64)
        return COLUMN(c, const uint64_t)[row] <= INT64_MAX;
    return x >= 0 && x <= 0x1p63;
}

static void update_timing(const struct aggregate *a, const struct fold *f)
{
    double x[FOLD_ROWS];
    for (size_t i = 0; i < f->n; i++)
        __builtin_prefetch(*(struct timing **)fold_state(f, i), 1);
    fold_doubles(f, 0, x);
    for (size_t i = 0; i < f->n; i++)
        if (is_time(f->args[0], fold_row(f, i), x[i]))
            timing_add((struct timing **)fold_state(f, i),
                       x[i] < GREATEST ? (uint16_t)x[i] : GREATEST, f->bytes);
}

static void merge_timing(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    struct timing **at = into;
    const struct timing *other = *(struct timing *const *)from;
    if (other == NULL)
        return;
    if (other->cap > 0) {
        for (size_t i = 0; i < other->n; i++)
            timing_add(at, other->data[i], bytes);
        return;
    }
    if (*at == NULL || (*at)->cap > 0)
        to_counts(at, bytes);
    uint64_t *x = (uint64_t *)(*at)->data;
    const uint64_t *y = (const uint64_t *)other->data;
    (*at)->n += other->n;
    for (size_t i = 0; i < SLOTS; i++)
        x[i] += y[i];
}

static void done_timing(const struct aggregate *a, void *state, size_t *bytes)
{
    timing_free(state, bytes);
}

static void write_counts(struct buf *out, const struct timing *t)
{
    const uint64_t *counts = (const uint64_t *)t->data;
    buf_byte(out, 3);
    buf_u64(out, t->n);
    if (t->n * 2 > SLOTS) {
        buf_put(out, counts, SLOTS * sizeof(uint64_t));
        return;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if (counts[i] == 0)
            continue;
        buf_u16(out, (uint16_t)i);
        buf_u64(out, counts[i]);
    }
    buf_u16(out, GREATEST);
}

static void write_timing(const struct aggregate *a, struct buf *out, char *const *rows,
                         size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct timing *t = *(struct timing *const *)(rows[i] + offset);
        uint64_t count = t == NULL ? 0 : t->n;
        if (t != NULL && t->cap == 0) {
            write_counts(out, t);
            continue;
        }
        buf_byte(out, count <= TINY ? 1 : 2);
        if (count <= TINY)
            buf_u16(out, (uint16_t)count);
        else
            buf_u64(out, count);
        if (t != NULL)
            buf_put(out, t->data, count * sizeof(uint16_t));
    }
}

/* ---- building ---- */

static enum err_code build_timing(struct aggregate *a, const struct aggregate_request *q,
                                  bool is_array, struct err *e)
{
    struct type t = a->args[0];
    if (!type_is_number(t) && t.kind != TYPE_DATE && t.kind != TYPE_DATETIME)
        return refuse_type(a, t, e);
    TRY(check_levels(a, q, 0, e));
    a->storage.result = (struct type){.kind = TYPE_FLOAT32};
    if (is_array)
        result_array(a, a->storage.result);
    a->is_fixed = false;
    a->state_bytes = sizeof(struct timing *);
    a->update = update_timing;
    a->merge = merge_timing;
    a->done = done_timing;
    a->write = write_timing;
    return storage_state(a, q->call, a->args, 1, e);
}

enum err_code build_quantile_timing(struct aggregate *a, const struct aggregate_request *q,
                                    struct err *e)
{
    return build_timing(a, q, false, e);
}

enum err_code build_quantiles_timing(struct aggregate *a, const struct aggregate_request *q,
                                     struct err *e)
{
    return build_timing(a, q, true, e);
}
