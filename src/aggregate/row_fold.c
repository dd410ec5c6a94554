/* SPDX-License-Identifier: Apache-2.0
 *
 * The AVX-512 way of folding rows; what it must equal are the loops of sum.c and extreme.c. */
#include "aggregate/row_fold.h"

#include <immintrin.h>
#include <math.h>

#include "aggregate/aggregate_priv.h"

#define TARGET "avx512f,avx512dq,avx512bw,avx512vl"
#define AVX512 __attribute__((target(TARGET)))
#define AVX512_INLINE static inline __attribute__((always_inline, target(TARGET)))

static bool use_plain;

void row_fold_use_plain(bool plain)
{
    use_plain = plain;
}

static bool has_avx512(void)
{
    return !use_plain && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

/* ---- which lanes ---- */

static uint64_t neutral_of(const struct aggregate *a)
{
    double nan = NAN;
    uint64_t bits;
    memcpy(&bits, &nan, 8);
    if (a->fold_op == FOLD_OP_SUM || a->fold_op == FOLD_OP_COUNT)
        return 0;
    if (type_is_float(a->args[0]))
        return bits;
    if (a->is_wide_signed)
        return (uint64_t)(a->fold_op == FOLD_OP_MIN ? INT64_MAX : INT64_MIN);
    return a->fold_op == FOLD_OP_MIN ? UINT64_MAX : 0;
}

static uint8_t *mask_of(struct row_masks *k, const struct aggregate *a)
{
    bool is_float = a->n_args > 0 && type_is_float(a->args[0]);
    switch (a->fold_op) {
    case FOLD_OP_SUM: return is_float ? &k->add_float : &k->add_integer;
    case FOLD_OP_MIN:
        return is_float ? &k->min_float : a->is_wide_signed ? &k->min_signed : &k->min_unsigned;
    case FOLD_OP_MAX:
        return is_float ? &k->max_float : a->is_wide_signed ? &k->max_signed : &k->max_unsigned;
    default: return &k->add_integer;
    }
}

/* Lanes of measure m; false if its state is none or lies too far back. */
static bool add_lanes(struct row_fold *f, const struct aggregate *a, size_t m, size_t lane)
{
    if (a->fold_op == FOLD_OP_NONE || lane + a->state_bytes / 8 > ROW_FOLD_LANES)
        return false;
    bool is_count = a->fold_op == FOLD_OP_COUNT;
    *mask_of(&f->masks[lane / 8], a) |= (uint8_t)(1u << (lane % 8));
    struct row_lane l = {.kind = a->args[0].kind,
                         .measure = (uint8_t)m,
                         .is_used = true,
                         .is_count = is_count,
                         .has_argument = a->n_args > 0,
                         .neutral = neutral_of(a)};
    f->lanes[lane] = l;
    if (!is_count && a->state_bytes == 16) { /* how many rows were taken */
        lane++;
        f->masks[lane / 8].add_integer |= (uint8_t)(1u << (lane % 8));
        l.is_count = true;
        l.neutral = 0;
        f->lanes[lane] = l;
    }
    if (lane / 8 >= f->n_vectors)
        f->n_vectors = lane / 8 + 1;
    return true;
}

void row_fold_init(struct row_fold *f, const struct cube_shape *shape)
{
    const bool on = has_avx512();
    *f = (struct row_fold){.n_vectors = 1, .row_bytes = shape->stride};
    f->masks[0].add_integer = 1; /* the row count */
    for (size_t k = 0; k < ROW_FOLD_VECTORS; k++) {
        size_t words = shape->stride / 8 > k * 8 ? shape->stride / 8 - k * 8 : 0;
        f->masks[k].in_row = words >= 8 ? 0xff : (uint8_t)((1u << words) - 1);
    }
    for (size_t m = 0; m < shape->n_measures && m < 64; m++) {
        const struct aggregate *a = shape->measures[m].aggregate;
        if (a->update == NULL) {
            f->covered |= (uint64_t)1 << m;
        } else if (on && add_lanes(f, a, m, shape->measures[m].offset / 8)) {
            f->covered |= (uint64_t)1 << m;
            f->has_lanes = true;
        }
    }
}

/* ---- folding ---- */

/* Eight values from p, widened to 8 bytes. */
AVX512_INLINE __m512i load_8(enum type_kind kind, const char *p)
{
    switch (kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: return _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)p));
    case TYPE_INT8: return _mm512_cvtepi8_epi64(_mm_loadl_epi64((const __m128i *)p));
    case TYPE_DATE:
    case TYPE_UINT16: return _mm512_cvtepu16_epi64(_mm_loadu_si128((const __m128i *)p));
    case TYPE_INT16: return _mm512_cvtepi16_epi64(_mm_loadu_si128((const __m128i *)p));
    case TYPE_IPV4:
    case TYPE_DATETIME:
    case TYPE_UINT32: return _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)p));
    case TYPE_INT32: return _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)p));
    case TYPE_FLOAT32:
        return _mm512_castpd_si512(_mm512_cvtps_pd(_mm256_loadu_ps((const float *)p)));
    default: return _mm512_loadu_si512(p);
    }
}

/* Columns to rows: v[c] lane r becomes v[r] lane c. */
AVX512_INLINE void transpose(__m512i v[8])
{
    __m512i pairs[8], quads[8];
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        quads[i] = _mm512_shuffle_i64x2(pairs[i], pairs[i + 2], 0x88);
        quads[i + 2] = _mm512_shuffle_i64x2(pairs[i], pairs[i + 2], 0xdd);
        quads[i + 4] = _mm512_shuffle_i64x2(pairs[i + 4], pairs[i + 6], 0x88);
        quads[i + 6] = _mm512_shuffle_i64x2(pairs[i + 4], pairs[i + 6], 0xdd);
    }
    /* quads[0]: even rows' 128-bit pieces 0 and 2 of columns 0..3; [2]: pieces 1 and 3; [4], [6]:
     * columns 4..7 */
    for (int i = 0; i < 2; i++) {
        v[i] = _mm512_shuffle_i64x2(quads[i], quads[i + 4], 0x88);
        v[i + 4] = _mm512_shuffle_i64x2(quads[i], quads[i + 4], 0xdd);
        v[i + 2] = _mm512_shuffle_i64x2(quads[i + 2], quads[i + 6], 0x88);
        v[i + 6] = _mm512_shuffle_i64x2(quads[i + 2], quads[i + 6], 0xdd);
    }
}

/* A NaN in the state gives way, one in the input never wins. */
AVX512_INLINE __m512i fold_floats(__m512i r, __m512i s, __m512i v, __mmask8 add, __mmask8 min,
                                  __mmask8 max)
{
    __m512d sd = _mm512_castsi512_pd(s), vd = _mm512_castsi512_pd(v);
    __mmask8 numbers = _mm512_cmp_pd_mask(vd, vd, _CMP_ORD_Q);
    __mmask8 less = _mm512_mask_cmp_pd_mask(min & numbers, sd, vd, _CMP_NLE_UQ);
    __mmask8 more = _mm512_mask_cmp_pd_mask(max & numbers, sd, vd, _CMP_NGE_UQ);
    r = _mm512_castpd_si512(_mm512_mask_add_pd(_mm512_castsi512_pd(r), add, sd, vd));
    return _mm512_mask_mov_epi64(r, less | more, v);
}

AVX512_INLINE __m512i fold_vector(const struct row_masks *k, bool has_extremes, __m512i s,
                                  __m512i v)
{
    __m512i r = _mm512_mask_add_epi64(s, k->add_integer, s, v);
    r = fold_floats(r, s, v, k->add_float, k->min_float, k->max_float);
    if (has_extremes) {
        r = _mm512_mask_min_epi64(r, k->min_signed, s, v);
        r = _mm512_mask_max_epi64(r, k->max_signed, s, v);
        r = _mm512_mask_min_epu64(r, k->min_unsigned, s, v);
        r = _mm512_mask_max_epu64(r, k->max_unsigned, s, v);
    }
    return r;
}

static bool has_integer_extremes(const struct row_masks *k)
{
    return (k->min_signed | k->max_signed | k->min_unsigned | k->max_unsigned) != 0;
}

/* One vector of n rows; at: of the first row's word 0 plus the vector's place. whole: all lanes lie
 * in the row. */
AVX512_INLINE void fold_8(const struct row_masks *masks, char *at, const uint32_t *ids,
                          const __m512i v[8], size_t n, bool whole)
{
    const struct row_masks k = *masks;
    const bool has_extremes = has_integer_extremes(&k);
    for (size_t i = 0; i < n; i++) {
        char *row = at + (size_t)ids[i] * 8;
        if (whole)
            _mm512_storeu_si512(row, fold_vector(&k, has_extremes, _mm512_loadu_si512(row), v[i]));
        else
            _mm512_mask_storeu_epi64(
                row, k.in_row,
                fold_vector(&k, has_extremes, _mm512_maskz_loadu_epi64(k.in_row, row), v[i]));
    }
}

/* ---- which rows a measure takes ---- */

struct taken {
    const uint8_t *nulls, *values, *value_nulls; /* of the argument; of the condition */
    uint8_t bits[ROW_FOLD_ROWS / 8 + 8];         /* bit i: row i is taken */
};

static bool is_taken(const struct taken *t, size_t row)
{
    return (t->nulls == NULL || t->nulls[row] == 0) && (t->values == NULL || t->values[row] != 0) &&
           (t->value_nulls == NULL || t->value_nulls[row] == 0);
}

AVX512 static void find_taken(struct taken *t, const struct row_fold_input *in)
{
    if (in->pick != NULL) {
        memset(t->bits, 0, sizeof(t->bits));
        for (size_t i = 0; i < in->n; i++)
            t->bits[i / 8] |= (uint8_t)(is_taken(t, in->pick[i]) << (i % 8));
        return;
    }
    for (size_t i = 0; i < in->n; i += 64) {
        size_t left = in->n - i, row = in->first + i;
        __mmask64 m = left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
        __mmask64 take = m;
        __m512i bytes;
        if (t->nulls != NULL) {
            bytes = _mm512_maskz_loadu_epi8(m, t->nulls + row);
            take &= ~_mm512_test_epi8_mask(bytes, bytes);
        }
        if (t->values != NULL) {
            bytes = _mm512_maskz_loadu_epi8(m, t->values + row);
            take &= _mm512_test_epi8_mask(bytes, bytes);
        }
        if (t->value_nulls != NULL) {
            bytes = _mm512_maskz_loadu_epi8(m, t->value_nulls + row);
            take &= ~_mm512_test_epi8_mask(bytes, bytes);
        }
        memcpy(t->bits + i / 8, &take, 8);
    }
}

/* A batch's sources of one vector. */
struct lane_source {
    const char *values; /* zeros, width 0 where the lane takes no argument */
    size_t width;
    const uint8_t *taken; /* NULL: every row */
};

struct lane_batch {
    struct lane_source sources[8];
    bool is_wide;   /* all arguments are 8 bytes wide */
    bool is_masked; /* some rows are not taken */
    struct taken taken[8];
    size_t n_taken;
};

static const uint8_t *taken_bits(struct lane_batch *b, const struct row_fold_input *in, size_t m,
                                 const struct column *arg)
{
    const struct column *condition = in->conditions ? in->conditions[m] : NULL;
    struct taken *t = &b->taken[b->n_taken];
    t->nulls = arg ? arg->nulls : NULL;
    t->values = condition ? condition->values : NULL;
    t->value_nulls = condition ? condition->nulls : NULL;
    if (t->nulls == NULL && t->values == NULL)
        return NULL;
    b->is_masked = true;
    for (size_t i = 0; i < b->n_taken; i++)
        if (b->taken[i].nulls == t->nulls && b->taken[i].values == t->values)
            return b->taken[i].bits;
    find_taken(t, in);
    b->n_taken++;
    return t->bits;
}

static void find_sources(struct lane_batch *b, const struct row_lane *lanes,
                         const struct row_fold_input *in)
{
    static const uint64_t zeros[8];
    b->is_wide = in->pick == NULL;
    b->is_masked = false;
    b->n_taken = 0;
    for (size_t lane = 0; lane < 8; lane++) {
        const struct row_lane *l = &lanes[lane];
        struct lane_source *s = &b->sources[lane];
        *s = (struct lane_source){.values = (const char *)zeros};
        if (!l->is_used)
            continue;
        const struct column *arg = l->has_argument ? in->args[l->measure][0] : NULL;
        if (!l->is_count) {
            s->width = type_width(arg->type);
            s->values = (const char *)arg->values + in->first * s->width;
            b->is_wide &= s->width == 8;
        }
        s->taken = taken_bits(b, in, l->measure, arg);
    }
}

/* ---- values of eight rows ---- */

static void gather_narrow(char values[64], const struct lane_source *s, const uint32_t *pick,
                          size_t row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *from = s->values + (pick ? pick[row + i] : row + i) * s->width;
        switch (s->width) {
        case 1: memcpy(values + i, from, 1); break;
        case 2: memcpy(values + i * 2, from, 2); break;
        case 4: memcpy(values + i * 4, from, 4); break;
        default: memcpy(values + i * 8, from, 8); break;
        }
    }
}

AVX512_INLINE __m512i lane_values(const struct row_lane *l, const struct lane_source *s,
                                  const uint32_t *pick, size_t row, size_t n)
{
    if (!l->is_used)
        return _mm512_setzero_si512();
    if (l->is_count)
        return _mm512_set1_epi64(1);
    if (pick == NULL && n == 8)
        return load_8((enum type_kind)l->kind, s->values + row * s->width);
    char values[64] = {0};
    gather_narrow(values, s, pick, row, n);
    return load_8((enum type_kind)l->kind, values);
}

AVX512_INLINE void mask_lanes(const struct lane_batch *b, const struct row_lane *lanes, size_t row,
                              __m512i v[8])
{
    for (size_t lane = 0; lane < 8; lane++)
        if (b->sources[lane].taken != NULL)
            v[lane] = _mm512_mask_mov_epi64(_mm512_set1_epi64((int64_t)lanes[lane].neutral),
                                            b->sources[lane].taken[row / 8], v[lane]);
}

static inline __attribute__((always_inline)) void fetch(const struct row_fold *f, const char *rows,
                                                        const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        __builtin_prefetch(rows + (size_t)ids[i] * 8, 1);
    for (size_t i = 0; i < n && f->row_bytes != 64; i++)
        __builtin_prefetch(rows + (size_t)ids[i] * 8 + f->row_bytes - 1, 1);
}

AVX512 static void fold_rows(const struct row_fold *f, size_t k, char *rows, const uint32_t *ids,
                             const struct row_fold_input *in)
{
    const struct row_lane *lanes = &f->lanes[k * 8];
    const struct row_masks *masks = &f->masks[k];
    const bool whole = masks->in_row == 0xff, counts_rows = k == 0;
    const size_t n_ahead = k == 0 ? in->n_ahead : 0;
    struct lane_batch b;
    __m512i v[8];
    size_t i = 0;
    find_sources(&b, lanes, in);
    char *at = rows + k * 64;

    if (b.is_wide && whole && !b.is_masked) { /* the usual case */
        for (; i + 8 <= in->n; i += 8) {
            if (i + 8 <= n_ahead)
                fetch(f, rows, in->ahead + i, 8);
            for (size_t lane = 0; lane < 8; lane++)
                v[lane] = _mm512_loadu_si512(b.sources[lane].values + i * b.sources[lane].width);
            if (counts_rows)
                v[0] = _mm512_set1_epi64(1);
            transpose(v);
            fold_8(masks, at, ids + i, v, 8, true);
        }
    }
    for (; i < in->n; i += 8) {
        size_t n = in->n - i < 8 ? in->n - i : 8;
        if (i + 8 <= n_ahead)
            fetch(f, rows, in->ahead + i, 8);
        for (size_t lane = 0; lane < 8; lane++)
            v[lane] = lane_values(&lanes[lane], &b.sources[lane], in->pick, i, n);
        if (b.is_masked)
            mask_lanes(&b, lanes, i, v);
        if (counts_rows)
            v[0] = _mm512_set1_epi64(1);
        transpose(v);
        if (whole && n == 8)
            fold_8(masks, at, ids + i, v, 8, true);
        else
            fold_8(masks, at, ids + i, v, n, false);
    }
}

void row_fold(const struct row_fold *f, char *rows, const uint32_t *ids,
              const struct row_fold_input *in)
{
    size_t n_fetched = 0;
    if (f->has_lanes && in->n > 0) {
        for (size_t k = 0; k < f->n_vectors; k++)
            fold_rows(f, k, rows, ids, in);
        n_fetched = (in->n_ahead < in->n ? in->n_ahead : in->n) & ~(size_t)7;
    } else {
        for (size_t i = 0; i < in->n; i++)
            ++*(uint64_t *)(rows + (size_t)ids[i] * 8);
    }
    if (n_fetched < in->n_ahead)
        fetch(f, rows, in->ahead + n_fetched, in->n_ahead - n_fetched);
}

AVX512 static void merge_vectors(const struct row_fold *f, char *into, const char *from)
{
    for (size_t k = 0; k < f->n_vectors; k++) {
        const struct row_masks *masks = &f->masks[k];
        __m512i s = _mm512_maskz_loadu_epi64(masks->in_row, into + k * 64);
        __m512i v = _mm512_maskz_loadu_epi64(masks->in_row, from + k * 64);
        _mm512_mask_storeu_epi64(into + k * 64, masks->in_row,
                                 fold_vector(masks, has_integer_extremes(masks), s, v));
    }
}

void row_fold_merge(const struct row_fold *f, char *into, const char *from)
{
    if (f->has_lanes)
        merge_vectors(f, into, from);
    else
        *(uint64_t *)into += *(const uint64_t *)from;
}
