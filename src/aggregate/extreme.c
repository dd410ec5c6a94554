/* SPDX-License-Identifier: Apache-2.0
 *
 * min, max, any: one value of the input.
 *
 * Numbers and times are kept widened to 8 bytes (uint64_t, int64_t or double), then 8 bytes "values
 * seen" unless every row of the key has a value. IPv6: 16 bytes and the seen mark. Strings: a
 * struct text_state. Equal values: the first stays, so -0 and 0 do as they do in ClickHouse. NaN
 * loses against every number and is the answer only where there is nothing else. */
#include "aggregate/aggregate_priv.h"

#include <math.h>

#define INLINE static inline __attribute__((always_inline))

enum extreme { MIN, MAX, ANY };

/* ---- fixed width up to 8 bytes ---- */

static bool is_wide_signed(struct type t)
{
    return type_is_signed(t) || t.kind == TYPE_DATETIME64;
}

#define BETTER(which, v, s) ((which) == MIN ? (v) < (s) : (v) > (s))

/* A NaN in the state gives way to anything; never true for integers. */
#define EXTREME_LOOP(T, ACC, which, marked, stride_, row_)                                         \
    for (size_t i = 0; i < f->n; i++) {                                                            \
        char *at = f->rows + (size_t)f->ids[i] * (stride_);                                        \
        ACC s = *(ACC *)at, v = (ACC)((const T *)f->args[0]->values)[row_];                        \
        if ((which) == ANY)                                                                        \
            *(ACC *)at = ((uint64_t *)at)[1] ? s : v;                                              \
        else                                                                                       \
            *(ACC *)at = (BETTER(which, v, s) | (s != s)) ? v : s;                                 \
        if (marked)                                                                                \
            ((uint64_t *)at)[1]++;                                                                 \
    }

#define EXTREME_LOOPS(T, ACC, which, marked)                                                       \
    do {                                                                                           \
        if (f->pick == NULL && f->stride == 8)                                                     \
            EXTREME_LOOP(T, ACC, which, marked, 8, i)                                              \
        else if (f->pick == NULL)                                                                  \
            EXTREME_LOOP(T, ACC, which, marked, f->stride, i)                                      \
        else                                                                                       \
            EXTREME_LOOP(T, ACC, which, marked, f->stride, f->pick[i])                             \
    } while (0)

INLINE void extreme_all(enum type_kind kind, enum extreme which, bool marked, const struct fold *f)
{
    switch (kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: EXTREME_LOOPS(uint8_t, uint64_t, which, marked); break;
    case TYPE_DATE:
    case TYPE_UINT16: EXTREME_LOOPS(uint16_t, uint64_t, which, marked); break;
    case TYPE_DATETIME:
    case TYPE_IPV4:
    case TYPE_UINT32: EXTREME_LOOPS(uint32_t, uint64_t, which, marked); break;
    case TYPE_UINT64: EXTREME_LOOPS(uint64_t, uint64_t, which, marked); break;
    case TYPE_INT8: EXTREME_LOOPS(int8_t, int64_t, which, marked); break;
    case TYPE_INT16: EXTREME_LOOPS(int16_t, int64_t, which, marked); break;
    case TYPE_INT32: EXTREME_LOOPS(int32_t, int64_t, which, marked); break;
    case TYPE_DATETIME64:
    case TYPE_INT64: EXTREME_LOOPS(int64_t, int64_t, which, marked); break;
    case TYPE_FLOAT32: EXTREME_LOOPS(float, double, which, marked); break;
    default: EXTREME_LOOPS(double, double, which, marked); break;
    }
}

static void update_min(const struct aggregate *a, const struct fold *f)
{
    extreme_all(a->args[0].kind, MIN, false, f);
}

static void update_max(const struct aggregate *a, const struct fold *f)
{
    extreme_all(a->args[0].kind, MAX, false, f);
}

static void update_min_marked(const struct aggregate *a, const struct fold *f)
{
    extreme_all(a->args[0].kind, MIN, true, f);
}

static void update_max_marked(const struct aggregate *a, const struct fold *f)
{
    extreme_all(a->args[0].kind, MAX, true, f);
}

static void update_any(const struct aggregate *a, const struct fold *f)
{
    extreme_all(a->args[0].kind, ANY, true, f);
}

/* The value that loses against all. */
static void init_extreme(const struct aggregate *a, void *state, enum extreme which)
{
    memset(state, 0, a->state_bytes);
    if (type_is_float(a->args[0]))
        *(double *)state = NAN;
    else if (is_wide_signed(a->args[0]))
        *(int64_t *)state = which == MIN ? INT64_MAX : INT64_MIN;
    else
        *(uint64_t *)state = which == MIN ? UINT64_MAX : 0;
}

static void init_min(const struct aggregate *a, void *state)
{
    init_extreme(a, state, MIN);
}

static void init_max(const struct aggregate *a, void *state)
{
    init_extreme(a, state, MAX);
}

INLINE void merge_number(const struct aggregate *a, void *into, const void *from,
                         enum extreme which)
{
    if (type_is_float(a->args[0])) {
        double *s = into, v = *(const double *)from;
        *s = BETTER(which, v, *s) || *s != *s ? v : *s;
    } else if (is_wide_signed(a->args[0])) {
        int64_t *s = into, v = *(const int64_t *)from;
        *s = BETTER(which, v, *s) ? v : *s;
    } else {
        uint64_t *s = into, v = *(const uint64_t *)from;
        *s = BETTER(which, v, *s) ? v : *s;
    }
    if (a->state_bytes > 8)
        ((uint64_t *)into)[1] += ((const uint64_t *)from)[1];
}

static void merge_min(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    merge_number(a, into, from, MIN);
}

static void merge_max(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    merge_number(a, into, from, MAX);
}

static void merge_any(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    uint64_t *s = into;
    const uint64_t *v = from;
    if (s[1] == 0)
        s[0] = v[0];
    s[1] += v[1];
}

/* One null byte a cell before the values. seen_at: of the seen mark, from the row. */
static void write_nulls(struct buf *out, char *const *rows, size_t seen_at, size_t n)
{
    char *nulls = buf_reserve(out, n);
    for (size_t i = 0; i < n; i++)
        nulls[i] = *(const uint64_t *)(rows[i] + seen_at) == 0;
    out->n += n;
}

static bool is_stored_nullable(const struct aggregate *a)
{
    return a->is_nullable || a->is_conditional;
}

static void write_number(const struct aggregate *a, struct buf *out, char *const *rows,
                         size_t offset, size_t n)
{
    if (is_stored_nullable(a))
        write_nulls(out, rows, offset + 8, n);
    size_t width = type_width(a->args[0]);
    char *to = buf_reserve(out, n * width);
    for (size_t i = 0; i < n; i++) {
        if (a->args[0].kind == TYPE_FLOAT32) {
            float v = (float)*(const double *)(rows[i] + offset);
            memcpy(to + i * 4, &v, 4);
        } else {
            memcpy(to + i * width, rows[i] + offset, width); /* low bytes: little-endian */
        }
    }
    out->n += n * width;
}

/* ---- IPv6 ---- */

struct ip_state {
    uint8_t bytes[16];
    uint64_t n_seen;
};

static enum extreme which_of(const struct aggregate *a)
{
    return a->name[0] == 'a' ? ANY : a->name[1] == 'i' ? MIN : MAX;
}

static bool wins(enum extreme which, int order)
{
    return which == MIN ? order < 0 : which == MAX ? order > 0 : false;
}

static void ip_take(enum extreme which, struct ip_state *s, const uint8_t *v, uint64_t seen)
{
    if (s->n_seen == 0 || wins(which, memcmp(v, s->bytes, 16)))
        memcpy(s->bytes, v, 16);
    s->n_seen += seen;
}

static void update_ip(const struct aggregate *a, const struct fold *f)
{
    enum extreme which = which_of(a);
    for (size_t i = 0; i < f->n; i++)
        ip_take(which, (struct ip_state *)fold_state(f, i),
                (const uint8_t *)f->args[0]->values + fold_row(f, i) * 16, 1);
}

static void merge_ip(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct ip_state *v = from;
    if (v->n_seen > 0)
        ip_take(which_of(a), into, v->bytes, v->n_seen);
}

static void write_ip(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                     size_t n)
{
    if (is_stored_nullable(a))
        write_nulls(out, rows, offset + offsetof(struct ip_state, n_seen), n);
    for (size_t i = 0; i < n; i++)
        buf_put(out, rows[i] + offset, 16);
}

/* ---- strings ---- */

struct text_state {
    char *p; /* NULL: nothing seen */
    uint32_t n, cap;
};

static void text_take(enum extreme which, struct text_state *s, struct str v, size_t *bytes)
{
    if (s->p != NULL && !wins(which, str_cmp(v, (struct str){s->p, s->n})))
        return;
    if (s->p == NULL || s->cap < v.n) {
        size_t cap = (v.n + 15) & ~(size_t)15;
        if (cap == 0)
            cap = 16;
        *bytes += cap - s->cap;
        s->p = xrealloc(s->p, cap);
        s->cap = (uint32_t)cap;
    }
    if (v.n > 0)
        memcpy(s->p, v.p, v.n);
    s->n = (uint32_t)v.n;
}

static void update_text(const struct aggregate *a, const struct fold *f)
{
    enum extreme which = which_of(a);
    for (size_t i = 0; i < f->n; i++)
        text_take(which, (struct text_state *)fold_state(f, i),
                  COLUMN(f->args[0], struct str)[fold_row(f, i)], f->bytes);
}

static void merge_text(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct text_state *v = from;
    if (v->p != NULL)
        text_take(which_of(a), into, (struct str){v->p, v->n}, bytes);
}

static void done_text(const struct aggregate *a, void *state, size_t *bytes)
{
    struct text_state *s = state;
    *bytes -= s->cap;
    free(s->p);
    *s = (struct text_state){0};
}

static void write_text(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                       size_t n)
{
    if (is_stored_nullable(a))
        write_nulls(out, rows, offset, n); /* a NULL pointer reads as 0 */
    for (size_t i = 0; i < n; i++) {
        const struct text_state *s = (const struct text_state *)(rows[i] + offset);
        buf_varuint(out, s->n);
        buf_put(out, s->p, s->n);
    }
}

/* ---- building ---- */

static enum err_code build_extreme(struct aggregate *a, enum extreme which, struct err *e)
{
    struct type t = type_plain(a->args[0]), stored = t;
    a->storage.result = t;
    a->storage.result.is_nullable = a->is_nullable;
    stored.is_nullable = is_stored_nullable(a);
    TRY(storage_simple(a, a->name, stored, e));

    if (t.kind == TYPE_STRING) {
        a->is_fixed = false;
        a->state_bytes = sizeof(struct text_state);
        a->update = update_text;
        a->merge = merge_text;
        a->done = done_text;
        a->write = write_text;
    } else if (t.kind == TYPE_IPV6) {
        a->state_bytes = sizeof(struct ip_state);
        a->update = update_ip;
        a->merge = merge_ip;
        a->write = write_ip;
    } else {
        a->write = write_number;
        a->state_bytes = a->is_plain && which != ANY ? 8 : 16;
        a->is_wide_signed = is_wide_signed(t);
        if (which != ANY)
            a->fold_op = which == MIN ? FOLD_OP_MIN : FOLD_OP_MAX;
        if (which == ANY) {
            a->update = update_any;
            a->merge = merge_any;
        } else {
            a->init = which == MIN ? init_min : init_max;
            a->merge = which == MIN ? merge_min : merge_max;
            if (a->is_plain)
                a->update = which == MIN ? update_min : update_max;
            else
                a->update = which == MIN ? update_min_marked : update_max_marked;
        }
    }
    return ERR_OK;
}

static bool has_kernel(const struct aggregate *a)
{
    return a->args[0].kind <= TYPE_IPV6;
}

enum err_code build_min(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    if (!has_kernel(a))
        return build_least_value(a, q, e);
    return build_extreme(a, MIN, e);
}

enum err_code build_max(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    if (!has_kernel(a))
        return build_greatest_value(a, q, e);
    return build_extreme(a, MAX, e);
}

enum err_code build_any(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    if (!has_kernel(a))
        return build_first_value(a, q, e);
    return build_extreme(a, ANY, e);
}
