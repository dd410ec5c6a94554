/* SPDX-License-Identifier: Apache-2.0
 *
 * Variance, covariance and their like: sums of powers of the values, or (Stable) a mean and sums of
 * squares about it.
 *
 *   var, stddev        n, x, x²                       varStable     n, mean, (x - mean)²
 *   skew / kurt        n, x, x², x³ / and x⁴          covarStable   n, means, co-moment
 *   covar              n, x, y, xy                    corrStable    … and both (x - mean)²
 *   corr               n, x, y, xy, x², y²
 *   linear regression  n (UInt64), x, y, x², xy
 *
 * All are doubles, in memory and written; of Float32 arguments floats, as in ClickHouse. The
 * count of the Stable ones and of the regression is a number of 8 bytes, written by the former
 * as varuint. */
#include "aggregate/aggregate_priv.h"

/* ---- sums of powers ---- */

#define POWER_LOOP(T, N)                                                                           \
    for (size_t i = 0; i < f->n; i++) {                                                            \
        T *s = (T *)fold_state(f, i), v = (T)x[i];                                                 \
        s[0] += 1;                                                                                 \
        s[1] += v;                                                                                 \
        s[2] += v * v;                                                                             \
        if ((N) > 3)                                                                               \
            s[3] += v * v * v;                                                                     \
        if ((N) > 4)                                                                               \
            s[4] += v * v * v * v;                                                                 \
    }

static void update_powers(const struct aggregate *a, const struct fold *f)
{
    double x[FOLD_ROWS];
    fold_doubles(f, 0, x);
    if (a->moments.is_narrow) {
        switch (a->moments.n) {
        case 3: POWER_LOOP(float, 3); break;
        case 4: POWER_LOOP(float, 4); break;
        default: POWER_LOOP(float, 5); break;
        }
        return;
    }
    switch (a->moments.n) {
    case 3: POWER_LOOP(double, 3); break;
    case 4: POWER_LOOP(double, 4); break;
    default: POWER_LOOP(double, 5); break;
    }
}

#define PRODUCT_LOOP(T, N)                                                                         \
    for (size_t i = 0; i < f->n; i++) {                                                            \
        T *s = (T *)fold_state(f, i), v = (T)x[i], w = (T)y[i];                                    \
        s[0] += 1;                                                                                 \
        s[1] += v;                                                                                 \
        s[2] += w;                                                                                 \
        s[3] += v * w;                                                                             \
        if ((N) > 4) {                                                                             \
            s[4] += v * v;                                                                         \
            s[5] += w * w;                                                                         \
        }                                                                                          \
    }

static void update_products(const struct aggregate *a, const struct fold *f)
{
    double x[FOLD_ROWS], y[FOLD_ROWS];
    fold_doubles(f, 0, x);
    fold_doubles(f, 1, y);
    if (a->moments.is_narrow && a->moments.n == 4) {
        PRODUCT_LOOP(float, 4);
    } else if (a->moments.is_narrow) {
        PRODUCT_LOOP(float, 6);
    } else if (a->moments.n == 4) {
        PRODUCT_LOOP(double, 4);
    } else {
        PRODUCT_LOOP(double, 6);
    }
}

static void merge_sums(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    if (a->moments.is_narrow) {
        float *x = into;
        const float *y = from;
        for (size_t i = 0; i < a->moments.n; i++)
            x[i] += y[i];
        return;
    }
    double *x = into;
    const double *y = from;
    for (size_t i = 0; i < a->moments.n; i++)
        x[i] += y[i];
}

static void write_sums(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                       size_t n)
{
    size_t width = a->moments.n * (a->moments.is_narrow ? sizeof(float) : sizeof(double));
    for (size_t i = 0; i < n; i++)
        buf_put(out, rows[i] + offset, width);
}

static enum err_code check_numbers(const struct aggregate *a, struct err *e)
{
    /* ClickHouse has no covariance of decimals, but all else. */
    bool takes_decimal = a->n_args == 1 || a->name[0] == 's';
    for (size_t k = 0; k < a->n_args; k++)
        if (!type_is_number(a->args[k]) && !(takes_decimal && a->args[k].kind == TYPE_DECIMAL))
            return refuse_type(a, a->args[k], e);
    return ERR_OK;
}

static enum err_code build_sums(struct aggregate *a, const struct aggregate_request *q, uint8_t n,
                                struct err *e)
{
    TRY(check_numbers(a, e));
    bool is_narrow = true;
    for (size_t k = 0; k < a->n_args; k++)
        is_narrow &= a->args[k].kind == TYPE_FLOAT32;
    a->moments.n = n;
    a->moments.is_narrow = is_narrow;
    a->storage.result = (struct type){.kind = is_narrow ? TYPE_FLOAT32 : TYPE_FLOAT64};
    a->state_bytes = is_narrow ? (n * sizeof(float) + 7) / 8 * 8 : n * sizeof(double);
    a->update = a->n_args == 1 ? update_powers : update_products;
    a->merge = merge_sums;
    a->write = write_sums;
    return storage_state(a, q->call, a->args, a->n_args, e);
}

enum err_code build_var(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_sums(a, q, 3, e);
}

enum err_code build_skew(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_sums(a, q, 4, e);
}

enum err_code build_kurt(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_sums(a, q, 5, e);
}

enum err_code build_covar(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_sums(a, q, 4, e);
}

enum err_code build_corr(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_sums(a, q, 6, e);
}

/* ---- linear regression ---- */

struct regression {
    uint64_t n;
    double x, y, xx, xy;
};

static void update_regression(const struct aggregate *a, const struct fold *f)
{
    double x[FOLD_ROWS], y[FOLD_ROWS];
    fold_doubles(f, 0, x);
    fold_doubles(f, 1, y);
    for (size_t i = 0; i < f->n; i++) {
        struct regression *s = (struct regression *)fold_state(f, i);
        s->n++;
        s->x += x[i];
        s->y += y[i];
        s->xx += x[i] * x[i];
        s->xy += x[i] * y[i];
    }
}

static void merge_regression(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    struct regression *s = into;
    const struct regression *v = from;
    s->n += v->n;
    s->x += v->x;
    s->y += v->y;
    s->xx += v->xx;
    s->xy += v->xy;
}

static void write_regression(const struct aggregate *a, struct buf *out, char *const *rows,
                             size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_put(out, rows[i] + offset, sizeof(struct regression));
}

enum err_code build_linear_regression(struct aggregate *a, const struct aggregate_request *q,
                                      struct err *e)
{
    TRY(check_numbers(a, e));
    result_text(a, "Tuple(k Float64, b Float64)");
    a->state_bytes = sizeof(struct regression);
    a->update = update_regression;
    a->merge = merge_regression;
    a->write = write_regression;
    return storage_state(a, q->call, a->args, 2, e);
}

/* ---- about the mean ---- */

/* One argument: mean[0], square[0]. Two: all. */
struct about_mean {
    uint64_t n;
    double mean[2], product, square[2];
};

struct about_mean_one {
    uint64_t n;
    double mean, square;
};

static void update_mean_one(const struct aggregate *a, const struct fold *f)
{
    double x[FOLD_ROWS];
    fold_doubles(f, 0, x);
    for (size_t i = 0; i < f->n; i++) {
        struct about_mean_one *s = (struct about_mean_one *)fold_state(f, i);
        double delta = x[i] - s->mean;
        s->n++;
        s->mean += delta / (double)s->n;
        s->square += delta * (x[i] - s->mean);
    }
}

static void merge_mean_one(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    struct about_mean_one *s = into;
    const struct about_mean_one *v = from;
    if (v->n == 0)
        return;
    double n = (double)(s->n + v->n), delta = v->mean - s->mean;
    s->square += v->square + delta * delta * ((double)s->n * (double)v->n / n);
    s->mean = s->n == 0 ? v->mean
              : s->n / 2 < v->n && v->n / 2 < s->n
                  ? ((double)s->n * s->mean + (double)v->n * v->mean) / n
                  : s->mean + delta * ((double)v->n / n);
    s->n += v->n;
}

static void update_mean_two(const struct aggregate *a, const struct fold *f)
{
    double x[FOLD_ROWS], y[FOLD_ROWS];
    fold_doubles(f, 0, x);
    fold_doubles(f, 1, y);
    for (size_t i = 0; i < f->n; i++) {
        struct about_mean *s = (struct about_mean *)fold_state(f, i);
        double dx = x[i] - s->mean[0], dy = y[i] - s->mean[1];
        s->n++;
        s->mean[0] += dx / (double)s->n;
        s->mean[1] += dy / (double)s->n;
        s->product += (x[i] - s->mean[0]) * dy;
        s->square[0] += dx * (x[i] - s->mean[0]);
        s->square[1] += dy * (y[i] - s->mean[1]);
    }
}

static void merge_mean_two(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    struct about_mean *s = into;
    const struct about_mean *v = from;
    if (v->n == 0)
        return;
    if (s->n == 0) {
        *s = *v;
        return;
    }
    double n = (double)(s->n + v->n), share = (double)v->n / n, both = (double)s->n * share;
    double dx = v->mean[0] - s->mean[0], dy = v->mean[1] - s->mean[1];
    s->product += v->product + dx * dy * both;
    s->square[0] += v->square[0] + dx * dx * both;
    s->square[1] += v->square[1] + dy * dy * both;
    s->mean[0] += dx * share;
    s->mean[1] += dy * share;
    s->n += v->n;
}

/* A count as varuint, then the doubles after it. */
static void write_about_mean(const struct aggregate *a, struct buf *out, char *const *rows,
                             size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t count;
        memcpy(&count, rows[i] + offset, 8);
        buf_varuint(out, count);
        buf_put(out, rows[i] + offset + 8, a->moments.n * sizeof(double));
    }
}

static enum err_code build_about_mean(struct aggregate *a, const struct aggregate_request *q,
                                      uint8_t n_written, struct err *e)
{
    for (size_t k = 0; k < a->n_args; k++)
        if (!type_is_number(a->args[k]) && a->args[k].kind != TYPE_DATE &&
            a->args[k].kind != TYPE_DATETIME && a->args[k].kind != TYPE_DECIMAL &&
            a->args[k].kind != TYPE_DATE32)
            return refuse_type(a, a->args[k], e);
    bool is_one = a->n_args == 1;
    a->moments.n = n_written;
    a->storage.result = (struct type){.kind = TYPE_FLOAT64};
    a->state_bytes = is_one ? sizeof(struct about_mean_one) : sizeof(struct about_mean);
    a->update = is_one ? update_mean_one : update_mean_two;
    a->merge = is_one ? merge_mean_one : merge_mean_two;
    a->write = write_about_mean;
    return storage_state(a, q->call, a->args, a->n_args, e);
}

enum err_code build_var_stable(struct aggregate *a, const struct aggregate_request *q,
                               struct err *e)
{
    return build_about_mean(a, q, 2, e);
}

enum err_code build_covar_stable(struct aggregate *a, const struct aggregate_request *q,
                                 struct err *e)
{
    return build_about_mean(a, q, 3, e);
}

enum err_code build_corr_stable(struct aggregate *a, const struct aggregate_request *q,
                                struct err *e)
{
    return build_about_mean(a, q, 5, e);
}
