/* SPDX-License-Identifier: Apache-2.0
 *
 * quantileTDigest and its like: a t-digest as ClickHouse keeps it. Points are gathered; when more
 * than
 * 2,048 are new, all are sorted and neighbours joined where the digest allows it: by at most
 * 4 ε N q (1 - q), least in the tails.
 *
 *   in memory   pointer to struct digest and its points; NULL: nothing came
 *   written     joined, then varuint n, n * (Float32 mean, Float32 weight) in order of the means
 *
 * A fold that takes the points in ClickHouse's order gives ClickHouse's bytes. */
#include "aggregate/aggregate_priv.h"

#include <math.h>

enum { MOST_POINTS = 2048, MOST_NEW = 2048, FIRST_POINTS = 4, RADIX_LEAST = 64 };

struct point {
    float mean, weight;
};

struct digest {
    struct point *points;
    uint32_t n, cap, n_new;
    double total;
};

/* ---- sorting ---- */

/* A float's bits in the order of its values. */
static uint32_t ordered_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

static void sort_few(struct point *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct point v = p[i];
        uint32_t key = ordered_bits(v.mean);
        size_t at = i;
        for (; at > 0 && ordered_bits(p[at - 1].mean) > key; at--)
            p[at] = p[at - 1];
        p[at] = v;
    }
}

/* By three digits of 11 bits from the lowest; stable. */
static void sort_points(struct point *p, size_t n)
{
    enum { DIGITS = 3, BITS = 11, VALUES = 1 << BITS };
    if (n < RADIX_LEAST) {
        sort_few(p, n);
        return;
    }
    struct point room[MOST_POINTS + MOST_NEW + 2], *from = p, *to = room;
    uint32_t counts[DIGITS][VALUES] = {0};
    for (size_t i = 0; i < n; i++) {
        uint32_t key = ordered_bits(p[i].mean);
        for (unsigned d = 0; d < DIGITS; d++)
            counts[d][key >> d * BITS & (VALUES - 1)]++;
    }
    for (unsigned d = 0; d < DIGITS; d++) {
        uint32_t at = 0;
        for (size_t v = 0; v < VALUES; v++) {
            uint32_t count = counts[d][v];
            counts[d][v] = at;
            at += count;
        }
        for (size_t i = 0; i < n; i++)
            to[counts[d][ordered_bits(from[i].mean) >> d * BITS & (VALUES - 1)]++] = from[i];
        struct point *other = from;
        from = to;
        to = other;
    }
    memcpy(p, room, n * sizeof(*p)); /* an odd number of digits ends in the room */
}

/* ---- joining ---- */

static bool can_join(double a, float b)
{
    return a == (double)b || (!isinf(a) && !isinf(b));
}

/* Every `step` neighbours become one: where the rule alone leaves too many. */
static void join_blindly(struct digest *d)
{
    if (d->n <= MOST_POINTS)
        return;
    uint32_t step = (d->n + MOST_POINTS - 1) / MOST_POINTS, kept = 0;
    for (uint32_t at = 0; at < d->n;) {
        double mean = (double)d->points[at].mean, weight = (double)d->points[at].weight;
        uint32_t end = at + step < d->n ? at + step : d->n;
        for (at++; at < end && can_join(mean, d->points[at].mean); at++) {
            struct point r = d->points[at];
            weight += (double)r.weight;
            if ((double)r.mean != mean)
                mean += (double)r.weight * ((double)r.mean - mean) / weight;
        }
        d->points[kept++] = (struct point){(float)mean, (float)weight};
    }
    d->n = kept;
}

static void digest_join(struct digest *d)
{
    if (d->n_new > 0) {
        sort_points(d->points, d->n);
        struct point *p = d->points;
        const double limit = d->total * (double)0.01f * 4;
        double sum = 0, mean = (double)p[0].mean, weight = (double)p[0].weight;
        uint32_t at = 0;
        for (uint32_t i = 1; i < d->n; i++) {
            double next = (double)p[i].weight;
            double left = (sum + weight * 0.5) / d->total;
            double right = (sum + weight + next * 0.5) / d->total;
            double room = left * (1 - left), other = right * (1 - right);
            room = limit * (room < other ? room : other);
            if (weight + next <= room && can_join(mean, p[i].mean)) {
                weight += next;
                if ((double)p[i].mean != mean)
                    mean += next * ((double)p[i].mean - mean) / weight;
                p[at] = (struct point){(float)mean, (float)weight};
            } else {
                sum += (double)p[at].weight;
                p[++at] = p[i];
                mean = (double)p[at].mean;
                weight = (double)p[at].weight;
            }
        }
        d->total = sum + weight;
        d->n = at + 1;
        d->n_new = 0;
    }
    join_blindly(d);
}

static void digest_add(struct digest *d, struct point p, size_t *bytes)
{
    if (d->n == d->cap) {
        uint32_t cap = d->cap == 0 ? FIRST_POINTS : d->cap * 2;
        if (cap > MOST_POINTS + MOST_NEW + 2)
            cap = MOST_POINTS + MOST_NEW + 2;
        d->points = xrealloc(d->points, cap * sizeof(*d->points));
        *bytes += (cap - d->cap) * sizeof(*d->points);
        d->cap = cap;
    }
    d->points[d->n++] = p;
    d->total += (double)p.weight;
    if (++d->n_new > MOST_NEW)
        digest_join(d);
}

/* ---- as an aggregate ---- */

static struct digest *digest_of(void *state, size_t *bytes)
{
    struct digest **at = state;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof(**at));
        *bytes += sizeof(**at);
    }
    return *at;
}

/* Rounded once: 64 bits by way of a double would be rounded twice. */
static void fold_floats(const struct fold *f, float out[FOLD_ROWS])
{
    const struct column *c = f->args[0];
    double x[FOLD_ROWS];
    if (c->type.kind == TYPE_UINT64 || c->type.kind == TYPE_INT64) {
        bool is_signed = c->type.kind == TYPE_INT64;
        for (size_t i = 0; i < f->n; i++)
            out[i] = is_signed ? (float)COLUMN(c, const int64_t)[fold_row(f, i)]
                               : (float)COLUMN(c, const uint64_t)[fold_row(f, i)];
        return;
    }
    fold_doubles(f, 0, x);
    for (size_t i = 0; i < f->n; i++)
        out[i] = (float)x[i];
}

static void update_digest(const struct aggregate *a, const struct fold *f)
{
    float x[FOLD_ROWS];
    for (size_t i = 0; i < f->n; i++)
        __builtin_prefetch(*(struct digest **)fold_state(f, i), 1);
    fold_floats(f, x);
    for (size_t i = 0; i < f->n; i++)
        if (x[i] == x[i])
            digest_add(digest_of(fold_state(f, i), f->bytes), (struct point){x[i], 1}, f->bytes);
}

static uint64_t weight_at(enum type_kind kind, const void *values, size_t row)
{
    switch (kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: return ((const uint8_t *)values)[row];
    case TYPE_UINT16: return ((const uint16_t *)values)[row];
    case TYPE_UINT32: return ((const uint32_t *)values)[row];
    default: return ((const uint64_t *)values)[row];
    }
}

static void update_weighted(const struct aggregate *a, const struct fold *f)
{
    float x[FOLD_ROWS];
    fold_floats(f, x);
    for (size_t i = 0; i < f->n; i++) {
        uint64_t weight = weight_at(a->args[1].kind, f->args[1]->values, fold_row(f, i));
        if (x[i] == x[i] && weight > 0)
            digest_add(digest_of(fold_state(f, i), f->bytes), (struct point){x[i], (float)weight},
                       f->bytes);
    }
}

static void merge_digest(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct digest *other = *(struct digest *const *)from;
    if (other == NULL)
        return;
    struct digest *d = digest_of(into, bytes);
    for (uint32_t i = 0; i < other->n; i++)
        digest_add(d, other->points[i], bytes);
}

static void done_digest(const struct aggregate *a, void *state, size_t *bytes)
{
    struct digest *d = *(struct digest **)state;
    if (d == NULL)
        return;
    *bytes -= sizeof(*d) + d->cap * sizeof(*d->points);
    free(d->points);
    free(d);
    *(struct digest **)state = NULL;
}

static void write_digest(const struct aggregate *a, struct buf *out, char *const *rows,
                         size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct digest *d = *(struct digest *const *)(rows[i] + offset);
        if (d == NULL) {
            buf_byte(out, 0);
            continue;
        }
        digest_join(d);
        buf_varuint(out, d->n);
        buf_put(out, d->points, d->n * sizeof(*d->points));
    }
}

/* ---- building ---- */

static enum err_code build_digest(struct aggregate *a, const struct aggregate_request *q,
                                  bool is_array, struct err *e)
{
    struct type t = a->args[0];
    if (!type_is_number(t) && t.kind != TYPE_DATE && t.kind != TYPE_DATETIME)
        return refuse_type(a, t, e);
    if (a->n_args > 1 &&
        (type_is_signed(a->args[1]) || type_is_float(a->args[1]) || !type_is_number(a->args[1])))
        return err_set(e, ERR_INVALID, "the weight of %s must be an unsigned integer", a->name);
    TRY(check_levels(a, q, 0, e));
    a->storage.result = type_is_number(t) ? (struct type){.kind = TYPE_FLOAT32} : t;
    if (is_array)
        result_array(a, a->storage.result);
    a->is_fixed = false;
    a->state_bytes = sizeof(struct digest *);
    a->update = a->n_args == 1 ? update_digest : update_weighted;
    a->merge = merge_digest;
    a->done = done_digest;
    a->write = write_digest;
    return storage_state(a, q->call, a->args, a->n_args, e);
}

enum err_code build_quantile_digest(struct aggregate *a, const struct aggregate_request *q,
                                    struct err *e)
{
    return build_digest(a, q, false, e);
}

enum err_code build_quantiles_digest(struct aggregate *a, const struct aggregate_request *q,
                                     struct err *e)
{
    return build_digest(a, q, true, e);
}
