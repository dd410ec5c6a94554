/* SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/row_fold.h"

#include <immintrin.h>

#include "aggregate/aggregate_priv.h"

#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))
#define AVX512_INLINE static inline __attribute__((always_inline, target("avx512f,avx512dq,avx512bw,avx512vl")))

static bool cpu_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

/* ---- which lanes ---- */

static bool add_lane(struct row_fold *f, const struct aggregate *a, size_t lane)
{
    uint8_t *masks = NULL;
    struct type t = a->args[0];
    switch (a->fold_op) {
    case FOLD_OP_SUM: masks = type_is_float(t) ? f->add_float : f->add_integer; break;
    case FOLD_OP_MIN:
        masks = type_is_float(t) ? f->min_float : a->is_wide_signed ? f->min_signed : f->min_unsigned;
        break;
    case FOLD_OP_MAX:
        masks = type_is_float(t) ? f->max_float : a->is_wide_signed ? f->max_signed : f->max_unsigned;
        break;
    case FOLD_OP_NONE: return false;
    }
    masks[lane / 8] |= (uint8_t)(1u << (lane % 8));
    return true;
}

void row_fold_init(struct row_fold *f, const struct cube_shape *shape)
{
    *f = (struct row_fold){.n_vectors = 1};
    size_t words = shape->stride / 8;
    f->in_row[0] = words >= 8 ? 0xff : (uint8_t)((1u << words) - 1);
    f->in_row[1] = words >= 16 ? 0xff : words > 8 ? (uint8_t)((1u << (words - 8)) - 1) : 0;
    f->add_integer[0] = 1; /* the row count */
    const bool has_avx512 = cpu_has_avx512();
    for (size_t m = 0; m < shape->n_measures && m < 64; m++) {
        const struct aggregate *a = shape->measures[m].aggregate;
        size_t lane = shape->measures[m].offset / 8;
        if (a->update == NULL) {
            f->covered |= (uint64_t)1 << m;
        } else if (has_avx512 && lane < ROW_FOLD_LANES && add_lane(f, a, lane)) {
            f->lanes[lane] = (struct row_lane){a->args[0].kind, (uint8_t)m, true};
            f->covered |= (uint64_t)1 << m;
            f->has_lanes = true;
            if (lane >= 8)
                f->n_vectors = 2;
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
    case TYPE_FLOAT32: return _mm512_castpd_si512(_mm512_cvtps_pd(_mm256_loadu_ps((const float *)p)));
    default: return _mm512_loadu_si512(p);
    }
}

static size_t width_of(enum type_kind kind)
{
    return type_width((struct type){.kind = (uint8_t)kind});
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
    /* quads[0]: even rows' 128-bit pieces 0 and 2 of columns 0..3; [2]: pieces 1 and 3; [4], [6]: columns 4..7 */
    for (int i = 0; i < 2; i++) {
        v[i] = _mm512_shuffle_i64x2(quads[i], quads[i + 4], 0x88);
        v[i + 4] = _mm512_shuffle_i64x2(quads[i], quads[i + 4], 0xdd);
        v[i + 2] = _mm512_shuffle_i64x2(quads[i + 2], quads[i + 6], 0x88);
        v[i + 6] = _mm512_shuffle_i64x2(quads[i + 2], quads[i + 6], 0xdd);
    }
}

/* A NaN in the state gives way, one in the input never wins. */
AVX512_INLINE __m512i fold_floats(__m512i r, __m512i s, __m512i v, __mmask8 add, __mmask8 min, __mmask8 max)
{
    __m512d sd = _mm512_castsi512_pd(s), vd = _mm512_castsi512_pd(v);
    __mmask8 numbers = _mm512_cmp_pd_mask(vd, vd, _CMP_ORD_Q);
    __mmask8 less = _mm512_mask_cmp_pd_mask(min & numbers, sd, vd, _CMP_NLE_UQ);
    __mmask8 more = _mm512_mask_cmp_pd_mask(max & numbers, sd, vd, _CMP_NGE_UQ);
    r = _mm512_castpd_si512(_mm512_mask_add_pd(_mm512_castsi512_pd(r), add, sd, vd));
    return _mm512_mask_mov_epi64(r, less | more, v);
}

AVX512_INLINE __m512i fold_integers(const struct row_fold *f, size_t k, __m512i r, __m512i s, __m512i v)
{
    r = _mm512_mask_min_epi64(r, f->min_signed[k], s, v);
    r = _mm512_mask_max_epi64(r, f->max_signed[k], s, v);
    r = _mm512_mask_min_epu64(r, f->min_unsigned[k], s, v);
    return _mm512_mask_max_epu64(r, f->max_unsigned[k], s, v);
}

/* Vector k of up to eight rows. whole: all eight lanes lie in the row. */
AVX512_INLINE void fold_8(const struct row_fold *f, size_t k, char *rows, const uint32_t *ids, const __m512i v[8],
                          size_t n, bool whole)
{
    const __mmask8 add_integer = f->add_integer[k], add_float = f->add_float[k], in_row = f->in_row[k];
    const __mmask8 min = f->min_float[k], max = f->max_float[k];
    const bool has_extremes = (f->min_signed[k] | f->max_signed[k] | f->min_unsigned[k] | f->max_unsigned[k]) != 0;
    for (size_t i = 0; i < n; i++) {
        char *at = rows + (size_t)ids[i] * 8 + k * 64;
        __m512i s = whole ? _mm512_loadu_si512(at) : _mm512_maskz_loadu_epi64(in_row, at);
        __m512i r = _mm512_mask_add_epi64(s, add_integer, s, v[i]);
        r = fold_floats(r, s, v[i], add_float, min, max);
        if (has_extremes)
            r = fold_integers(f, k, r, s, v[i]);
        if (whole)
            _mm512_storeu_si512(at, r);
        else
            _mm512_mask_storeu_epi64(at, in_row, r);
    }
}

/* Argument columns of the lanes of vector k. */
struct lane_source {
    const char *values[8];
    size_t widths[8];
};

/* The usual case: all arguments are 8 bytes wide, rows follow one another. Lanes out of use read zeros. */
AVX512_INLINE void load_wide(const struct lane_source *source, bool counts, size_t row, __m512i v[8])
{
    v[0] = counts ? _mm512_set1_epi64(1) : _mm512_loadu_si512(source->values[0] + row * source->widths[0]);
    for (size_t lane = 1; lane < 8; lane++)
        v[lane] = _mm512_loadu_si512(source->values[lane] + row * source->widths[lane]);
    transpose(v);
}

AVX512_INLINE void gather_8(const struct row_fold *f, size_t k, const struct lane_source *source,
                            const uint32_t *pick, size_t row, size_t n, __m512i v[8])
{
    for (size_t lane = 0; lane < 8; lane++) {
        const struct row_lane *l = &f->lanes[k * 8 + lane];
        if (!l->is_used) {
            v[lane] = k == 0 && lane == 0 ? _mm512_set1_epi64(1) : _mm512_setzero_si512();
        } else if (pick == NULL && n == 8) {
            v[lane] = load_8((enum type_kind)l->kind, source->values[lane] + row * source->widths[lane]);
        } else {
            char values[64] = {0};
            size_t width = source->widths[lane];
            for (size_t i = 0; i < n; i++) {
                const char *from = source->values[lane] + (pick ? pick[row + i] : row + i) * width;
                switch (width) {
                case 1: memcpy(values + i, from, 1); break;
                case 2: memcpy(values + i * 2, from, 2); break;
                case 4: memcpy(values + i * 4, from, 4); break;
                default: memcpy(values + i * 8, from, 8); break;
                }
            }
            v[lane] = load_8((enum type_kind)l->kind, values);
        }
    }
    transpose(v);
}

/* Returns whether all arguments are 8 bytes wide. */
static bool find_sources(const struct row_fold *f, size_t k, const struct column *const *const *args, size_t first,
                         struct lane_source *source)
{
    static const uint64_t zeros[8];
    bool all_wide = true;
    for (size_t lane = 0; lane < 8; lane++) {
        const struct row_lane *l = &f->lanes[k * 8 + lane];
        source->values[lane] = (const char *)zeros;
        source->widths[lane] = 0;
        if (!l->is_used)
            continue;
        source->widths[lane] = width_of((enum type_kind)l->kind);
        source->values[lane] = (const char *)args[l->measure][0]->values + first * source->widths[lane];
        all_wide &= source->widths[lane] == 8;
    }
    return all_wide;
}

AVX512 static void fold_vector(const struct row_fold *f, size_t k, char *rows, const uint32_t *ids,
                               const struct column *const *const *args, const uint32_t *pick, size_t first, size_t n)
{
    struct lane_source source;
    const bool is_wide = find_sources(f, k, args, first, &source) && pick == NULL, whole = f->in_row[k] == 0xff;
    size_t i = 0;
    __m512i v[8];
    if (is_wide && whole) {
        for (; i + 8 <= n; i += 8) {
            load_wide(&source, k == 0, i, v);
            fold_8(f, k, rows, ids + i, v, 8, true);
        }
    }
    for (; i < n; i += 8) {
        size_t some = n - i < 8 ? n - i : 8;
        gather_8(f, k, &source, pick, i, some, v);
        fold_8(f, k, rows, ids + i, v, some, false);
    }
}

void row_fold(const struct row_fold *f, char *rows, const uint32_t *ids, const struct column *const *const *args,
              const uint32_t *pick, size_t first, size_t n)
{
    if (!f->has_lanes) {
        for (size_t i = 0; i < n; i++)
            ++*(uint64_t *)(rows + (size_t)ids[i] * 8);
        return;
    }
    for (size_t k = 0; k < f->n_vectors; k++)
        fold_vector(f, k, rows, ids, args, pick, first, n);
}
