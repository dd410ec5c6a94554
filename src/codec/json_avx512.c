/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of shapes with AVX-512: index and comparison; values are read by spans_avx512.h. */
#include "codec/json_priv.h"
#include "codec/spans_avx512.h"

#if defined(__x86_64__)
/* The block after this one comes into the cache while this one is taken apart. */
enum { AHEAD_BYTES = 8 << 10 };

static const uint8_t iota[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

AVX512 static inline void put_positions(uint32_t *out, uint32_t at, uint64_t mask, __m512i lanes)
{
    __m512i packed = _mm512_maskz_compress_epi8(mask, lanes), base = _mm512_set1_epi32((int)at);
    int count = __builtin_popcountll(mask);
    _mm512_storeu_si512(out, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
    if (__builtin_expect(count > 16, 0)) {
        _mm512_storeu_si512(out + 16, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(
                                                                 _mm512_extracti32x4_epi32(packed, 1))));
        _mm512_storeu_si512(out + 32, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(
                                                                 _mm512_extracti32x4_epi32(packed, 2))));
        _mm512_storeu_si512(out + 48, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(
                                                                 _mm512_extracti32x4_epi32(packed, 3))));
    }
}

AVX512 static inline uint64_t specials(__m512i w)
{
    return _mm512_cmpeq_epi8_mask(w, _mm512_set1_epi8('"')) |
           _mm512_cmpeq_epi8_mask(w, _mm512_set1_epi8('\n')) |
           _mm512_cmpeq_epi8_mask(w, _mm512_set1_epi8('\\'));
}

AVX512 static size_t index_avx512(const char *base, size_t *at, size_t n, uint32_t *out, size_t wanted)
{
    const __m512i lanes = _mm512_loadu_si512(iota);
    size_t count = 0, i = *at;
    for (; n - i >= 64 && count < wanted; i += 64) {
        __builtin_prefetch(base + i + AHEAD_BYTES);
        uint64_t mask = specials(_mm512_loadu_si512(base + i));
        put_positions(out + count, (uint32_t)i, mask, lanes);
        count += (size_t)__builtin_popcountll(mask);
    }
    if (i < n && count < wanted) {
        uint64_t mask = specials(_mm512_maskz_loadu_epi8((1ULL << (n - i)) - 1, base + i));
        put_positions(out + count, (uint32_t)i, mask, lanes);
        count += (size_t)__builtin_popcountll(mask);
        i = n;
    }
    *at = i;
    return count;
}

/* Are the pieces in the record whose entries are at idx? Not so: some bit of what is returned is set. */
AVX512 static inline __m512i differences(const struct json_shape *s, const char *base, const uint32_t *idx,
                                         uint32_t (*at)[JSON_BLOCK], size_t k)
{
    const struct json_piece *piece = s->pieces, *end = piece + s->n_short_pieces;
    const char *text = s->piece_text;
    __m256i short_ones = _mm256_setzero_si256();
    for (; piece < end; piece++, text += 64) {
        uint32_t place = idx[piece->anchor] + (uint32_t)piece->shift;
        __m256i w = _mm256_maskz_loadu_epi8((__mmask32)piece->lanes, base + place);
        __m256i want = _mm256_loadu_si256((const __m256i *)text);
        at[piece->literal][k] = place;
        short_ones = _mm256_ternarylogic_epi64(short_ones, w, want, 0xf6); /* a | (b ^ c) */
    }
    __m512i all = _mm512_zextsi256_si512(short_ones);
    for (end = s->pieces + s->n_pieces; piece < end; piece++, text += 64) {
        uint32_t place = idx[piece->anchor] + (uint32_t)piece->shift;
        __m512i w = _mm512_maskz_loadu_epi8(piece->lanes, base + place);
        at[piece->literal][k] = place;
        all = _mm512_ternarylogic_epi64(all, w, _mm512_loadu_si512(text), 0xf6);
    }
    return all;
}

AVX512 static uint64_t compare_avx512(const struct json_block *b, const struct json_shape *s,
                                      uint32_t (*at)[JSON_BLOCK])
{
    const struct json_shape shape = *s; /* what is written to `at` cannot be in here */
    const size_t stride = b->stride, n = b->n;
    const uint32_t *idx = b->idx;
    const char *base = b->base;
    uint64_t bad = 0;
    for (size_t k = 0; k < n; k++, idx += stride) {
        __m512i differs = differences(&shape, base, idx, at, k);
        bool is_bad = (_mm512_test_epi64_mask(differs, differs) != 0) | (at[0][k] != idx[-1] + 1);
        bad |= (uint64_t)is_bad << k;
    }
    for (size_t i = 0; i <= shape.n_values; i++)
        for (size_t k = n; k < spans_padded(n); k++)
            at[i][k] = at[i][0];
    return bad;
}

AVX512 static uint64_t uints_avx512(const struct spans *v, uint64_t out[JSON_BLOCK])
{
    return spans_integers(v, (int64_t *)out, false);
}

AVX512 static uint64_t doubles_avx512(const struct spans *v, double out[JSON_BLOCK])
{
    return spans_doubles(v, out);
}

AVX512 static uint64_t floats_avx512(const struct spans *v, float out[JSON_BLOCK])
{
    return spans_floats(v, out);
}

AVX512 static uint64_t ipv4s_avx512(const struct spans *v, uint32_t out[JSON_BLOCK])
{
    return spans_ipv4s(v, out);
}

AVX512 static uint64_t numbers_avx512(const struct spans *v)
{
    return spans_are_numbers(v);
}

const struct json_kernels json_kernels_avx512 = {
    .name = "avx512",
    .index = index_avx512,
    .compare = compare_avx512,
    .uints = uints_avx512,
    .doubles = doubles_avx512,
    .floats = floats_avx512,
    .ipv4s = ipv4s_avx512,
    .numbers = numbers_avx512,
};
#endif
