/* SPDX-License-Identifier: Apache-2.0
 *
 * The twins of csv_index.c's loops for AVX-512 (BW, VL, VBMI2). Masked loads touch no byte outside the
 * cell, so numbers are read right-aligned, 16 digits at once, without a look at what lies before them. */
#include "codec/csv_priv.h"

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,bmi,bmi2,popcnt,lzcnt")
#include <immintrin.h>

static const uint8_t byte_numbers[64] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

/* One compress of byte numbers, widened: the positions of a block's bits. Writes 16 or 64 entries. */
static inline void put_positions(uint32_t *out, __mmask64 m, unsigned n, uint32_t base, __m512i numbers)
{
    __m512i packed = _mm512_maskz_compress_epi8(m, numbers), add = _mm512_set1_epi32((int)base);

    _mm512_storeu_si512(out, _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
    if (__builtin_expect(n > 16, false)) {
        _mm512_storeu_si512(out + 16,
                            _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 1))));
        _mm512_storeu_si512(out + 32,
                            _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 2))));
        _mm512_storeu_si512(out + 48,
                            _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 3))));
    }
}

static void index_avx512(struct csv_scan *s)
{
    const __m512i delimiter = _mm512_set1_epi8(s->delimiter), line = _mm512_set1_epi8('\n'),
                  special = _mm512_set1_epi8(s->special), numbers = _mm512_loadu_si512(byte_numbers);
    size_t at = s->at, n_ends = s->n_ends, n_lines = s->n_lines;

    while (at < s->n && n_ends < s->cap) {
        size_t room = s->n - at;
        __mmask64 valid = room < 64 ? ((uint64_t)1 << room) - 1 : ~(uint64_t)0;
        __m512i w = _mm512_maskz_loadu_epi8(valid, s->data + at);
        __mmask64 lines = _mm512_mask_cmpeq_epi8_mask(valid, w, line);
        __mmask64 ends = _mm512_mask_cmpeq_epi8_mask(valid, w, delimiter) | lines;
        __mmask64 odd = _mm512_mask_cmpeq_epi8_mask(valid, w, special);
        size_t length = room < 64 ? room : 64;
        if (__builtin_expect(odd != 0, false)) {
            uint64_t below = _blsmsk_u64(odd) >> 1;
            ends &= below;
            lines &= below;
            length = (size_t)_tzcnt_u64(odd);
        }
        unsigned n = (unsigned)_mm_popcnt_u64(ends);
        put_positions(s->ends + n_ends, ends, n, (uint32_t)at, numbers);
        n_ends += n;
        n_lines += (size_t)_mm_popcnt_u64(lines);
        at += length;
        if (odd)
            break;
    }
    s->at = at;
    s->n_ends = n_ends;
    s->n_lines = n_lines;
}

/* 16 digits, high first, to a number. */
static inline uint64_t number16(__m128i digits)
{
    __m128i w = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    w = _mm_madd_epi16(w, _mm_set1_epi32(0x00010064));
    w = _mm_packus_epi32(w, w);
    w = _mm_madd_epi16(w, _mm_set1_epi32(0x00012710));
    uint64_t v = (uint64_t)_mm_cvtsi128_si64(w);
    return (v & 0xffffffff) * 100000000 + (v >> 32);
}

static size_t integers_avx512(int64_t *out, const struct csv_cells *c, uint16_t *left)
{
    const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9);
    const uint32_t *prev = c->prev, *ends = c->ends;
    unsigned takes_minus = c->takes_minus;
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r++, prev += c->prev_stride, ends += c->stride) {
        uint32_t start = *prev + 1, end = *ends;
        unsigned n = end - start;
        const char *last = c->data + end;
        unsigned is_negative = takes_minus & (n > 1) & (c->data[start] == '-');
        n -= is_negative;
        __mmask16 k = (__mmask16)(0xffffu << ((16 - n) & 31));
        __m128i w = _mm_maskz_sub_epi8(k, _mm_maskz_loadu_epi8(k, last - 16), zero);
        unsigned is_bad = (n - 1 > 15) | (_mm_cmpgt_epu8_mask(w, nine) != 0);
        int64_t v = (int64_t)number16(w), sign = -(int64_t)is_negative;
        out[r] = (v ^ sign) - sign;
        left[n_left] = (uint16_t)r;
        n_left += is_bad;
    }
    return n_left;
}

/* Divisors by sign and by the place of the dot: none, then 0, 1, 2 ... digits after it. */
static const double divisors_of[2][17] = {
    {1, 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15},
    {-1, -1, -1e1, -1e2, -1e3, -1e4, -1e5, -1e6, -1e7, -1e8, -1e9, -1e10, -1e11, -1e12, -1e13, -1e14, -1e15},
};

/* No branch depends on the text: lengths and dots of real columns are not to be foreseen. */
static size_t floats_avx512(double *out, const struct csv_cells *c, uint16_t *left)
{
    const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9), dot = _mm_set1_epi8('.');
    const uint32_t *prev = c->prev, *ends = c->ends;
    double divisors[CSV_BLOCK];
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r++, prev += c->prev_stride, ends += c->stride) {
        uint32_t start = *prev + 1, end = *ends;
        unsigned n = end - start;
        const char *last = c->data + end;
        unsigned is_negative = (n > 1) & (c->data[start] == '-');
        n -= is_negative;
        __mmask16 k = (__mmask16)(0xffffu << ((16 - n) & 31));
        __m128i w = _mm_maskz_loadu_epi8(k, last - 16);
        unsigned dots = _mm_cmpeq_epi8_mask(w, dot);
        unsigned n_after = 16 - _tzcnt_u32(dots | 0x10000); /* one more than the digits after the dot, or 0 */
        w = _mm_maskz_sub_epi8((__mmask16)(k & ~dots), w, zero);
        /* one dot, a digit on both sides of it, 1 to 16 characters */
        unsigned is_bad = (n - 1 > 15) | (_blsr_u32(dots) != 0) | (n_after == 1) | ((dots != 0) & (n_after >= n)) |
                          (_mm_cmpgt_epu8_mask(w, nine) != 0);
        w = _mm_mask_mov_epi8(w, (__mmask16)((dots << 1) - (dots != 0)), _mm_slli_si128(w, 1));
        out[r] = (double)(int64_t)number16(w);
        divisors[r] = divisors_of[is_negative][n_after];
        left[n_left] = (uint16_t)r;
        n_left += is_bad;
    }
    for (size_t r = 0; r < c->n; r++) /* eight at a time */
        out[r] /= divisors[r];
    return n_left;
}

/* The digits are packed, then spread so that each number ends its own four bytes. */
static size_t addresses_avx512(uint32_t *out, const struct csv_cells *c, uint16_t *left)
{
    const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9), dot = _mm_set1_epi8('.');
    const __m128i weights = _mm_set1_epi32(0x010a6400), ones = _mm_set1_epi16(1), most = _mm_set1_epi32(255);
    const __m128i order = _mm_setr_epi8(12, 8, 4, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const uint32_t *prev = c->prev, *ends = c->ends;
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r++, prev += c->prev_stride, ends += c->stride) {
        uint32_t start = *prev + 1;
        unsigned n = *ends - start;
        __mmask16 k = (__mmask16)_bzhi_u32(0xffff, n);
        __m128i w = _mm_maskz_loadu_epi8(k, c->data + start);
        unsigned dots = _mm_cmpeq_epi8_mask(w, dot);
        unsigned rest = _blsr_u32(dots), last = _blsr_u32(rest);
        unsigned a = _tzcnt_u32(dots), b = _tzcnt_u32(rest), d = _tzcnt_u32(last);
        unsigned n0 = a, n1 = b - a - 1, n2 = d - b - 1, n3 = n - d - 1;
        unsigned is_bad = (n > 15) | (last == 0) | (_blsr_u32(last) != 0) | (n0 - 1 > 2) | (n1 - 1 > 2) |
                          (n2 - 1 > 2) | (n3 - 1 > 2);
        unsigned spread = (0xf0u >> (n0 & 3) & 15) | (0xf0u >> (n1 & 3) & 15) << 4 |
                          (0xf0u >> (n2 & 3) & 15) << 8 | (0xf0u >> (n3 & 3) & 15) << 12;
        __m128i digits = _mm_sub_epi8(_mm_maskz_compress_epi8((__mmask16)(k & ~dots), w), zero);
        digits = _mm_maskz_expand_epi8((__mmask16)spread, digits);
        is_bad |= _mm_cmpgt_epu8_mask(digits, nine) != 0;
        __m128i v = _mm_madd_epi16(_mm_maddubs_epi16(digits, weights), ones);
        is_bad |= _mm_cmpgt_epi32_mask(v, most) != 0;
        out[r] = (uint32_t)_mm_cvtsi128_si32(_mm_shuffle_epi8(v, order));
        left[n_left] = (uint16_t)r;
        n_left += is_bad;
    }
    return n_left;
}

static size_t times_avx512(int64_t *out, const struct csv_cells *c, size_t from,
                           const struct csv_time_shape *shape)
{
    const __m128i zero = _mm_set1_epi8('0'), limit = _mm_loadu_si128((const __m128i *)shape->limit),
                  expected = _mm_loadu_si128((const __m128i *)shape->expected),
                  order = _mm_loadu_si128((const __m128i *)shape->order),
                  minute = _mm_loadu_si128((const __m128i *)shape->minute);
    __mmask16 k = (__mmask16)_bzhi_u32(0xffff, shape->n - 16);
    __mmask16 fixed = _mm_mask_cmpeq_epi8_mask(k, limit, _mm_set1_epi8(-1));

    if (shape->n == 0)
        return from;
    for (size_t r = from; r < c->n; r++) {
        uint32_t start = c->prev[r * c->prev_stride] + 1, n = c->ends[r * c->stride] - start;
        const char *p = c->data + start;
        if (n != shape->n)
            return r;
        __m128i first = _mm_loadu_si128((const __m128i *)p), w = _mm_maskz_loadu_epi8(k, p + 16);
        __m128i digits = _mm_sub_epi8(w, zero);
        unsigned differs = _mm_cmpneq_epi8_mask(first, minute) | _mm_mask_cmpgt_epu8_mask(k, digits, limit) |
                           _mm_mask_cmpneq_epi8_mask(fixed, w, expected);
        if (differs)
            return r;
        out[r] = shape->minute_ticks + (int64_t)number16(_mm_shuffle_epi8(digits, order)) * shape->step;
    }
    return c->n;
}

const struct csv_kernels csv_avx512 = {
    .name = "avx512", .index = index_avx512, .integers = integers_avx512, .floats = floats_avx512,
    .addresses = addresses_avx512, .times = times_avx512,
};
