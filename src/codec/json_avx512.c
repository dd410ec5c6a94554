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
    _mm512_storeu_si512(
        out, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
    if (__builtin_expect(count > 16, 0)) {
        _mm512_storeu_si512(
            out + 16,
            _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 1))));
        _mm512_storeu_si512(
            out + 32,
            _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 2))));
        _mm512_storeu_si512(
            out + 48,
            _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 3))));
    }
}

/* Quotes, line ends and backslashes differ in their low four bits: these look up the only byte
 * that would count. What is above 127 looks up 0, as no other byte does. */
AVX512 static inline uint64_t specials(__m512i w)
{
    const __m512i by_low_bits = _mm512_broadcast_i32x4(
        _mm_setr_epi8(1, 0, '"', 0, 0, 0, 0, 0, 0, 0, '\n', 0, '\\', 0, 0, 0));
    return _mm512_cmpeq_epi8_mask(w, _mm512_shuffle_epi8(by_low_bits, w));
}

AVX512 static size_t index_avx512(const char *base, size_t *at, size_t n, uint32_t *out,
                                  size_t wanted)
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

enum { TOGETHER = 8 }; /* records whose differences are kept in registers, while pieces go by */

/* What differs in these records from the pieces of up to 32 bytes: some bit of out[i] is set. */
AVX512 static inline void short_differences(__m256i out[TOGETHER], const struct json_shape *s,
                                            const char *base, const uint32_t *const idx[TOGETHER],
                                            uint32_t (*at)[JSON_BLOCK], size_t k)
{
    __m256i differs[TOGETHER];

    for (size_t i = 0; i < TOGETHER; i++)
        differs[i] = _mm256_setzero_si256();
    for (size_t p = 0; p < s->n_short_pieces; p++) {
        const struct json_piece *piece = &s->pieces[p];
        const __m256i want = _mm256_loadu_si256((const __m256i *)(s->piece_text + 64 * p));
        const __mmask32 lanes = (__mmask32)piece->lanes;
        const size_t anchor = piece->anchor;
        const uint32_t shift = (uint32_t)piece->shift;
        uint32_t *places = &at[piece->literal][k];
        for (size_t i = 0; i < TOGETHER; i++) {
            uint32_t place = idx[i][anchor] + shift;
            __m256i w = _mm256_maskz_loadu_epi8(lanes, base + place);
            places[i] = place;
            differs[i] = _mm256_ternarylogic_epi64(differs[i], w, want, 0xf6); /* a | (b ^ c) */
        }
    }
    for (size_t i = 0; i < TOGETHER; i++)
        out[i] = differs[i];
}

/* The same for longer pieces, and one record. */
AVX512 static inline bool has_long_difference(const struct json_shape *s, const char *base,
                                              const uint32_t *idx, uint32_t (*at)[JSON_BLOCK],
                                              size_t k)
{
    __m512i all = _mm512_setzero_si512();

    for (size_t p = s->n_short_pieces; p < s->n_pieces; p++) {
        const struct json_piece *piece = &s->pieces[p];
        uint32_t place = idx[piece->anchor] + (uint32_t)piece->shift;
        __m512i w = _mm512_maskz_loadu_epi8(piece->lanes, base + place);
        at[piece->literal][k] = place;
        all = _mm512_ternarylogic_epi64(all, w, _mm512_loadu_si512(s->piece_text + 64 * p), 0xf6);
    }
    return _mm512_test_epi64_mask(all, all) != 0;
}

/* Records from k on; those past the block's end repeat the last. */
AVX512 static inline uint32_t compare_together(const struct json_block *b,
                                               const struct json_shape *s,
                                               uint32_t (*at)[JSON_BLOCK], size_t k)
{
    const uint32_t *idx[TOGETHER];
    __m256i differs[TOGETHER], any = _mm256_setzero_si256();
    uint32_t bad = 0;

    for (size_t i = 0; i < TOGETHER; i++)
        idx[i] = b->idx + (k + i < b->n ? k + i : b->n - 1) * b->stride;
    short_differences(differs, s, b->base, idx, at, k);
    for (size_t i = 0; i < TOGETHER; i++)
        any = _mm256_or_si256(any, differs[i]);
    if (_mm256_test_epi64_mask(any, any))
        for (size_t i = 0; i < TOGETHER; i++)
            bad |= (uint32_t)(_mm256_test_epi64_mask(differs[i], differs[i]) != 0) << i;
    for (size_t i = 0; i < TOGETHER && s->n_short_pieces < s->n_pieces; i++)
        bad |= (uint32_t)has_long_difference(s, b->base, idx[i], at, k + i) << i;
    for (size_t i = 0; i < TOGETHER; i++)
        bad |= (uint32_t)(at[0][k + i] != idx[i][-1] + 1) << i;
    return bad;
}

AVX512 static uint64_t compare_avx512(const struct json_block *b, const struct json_shape *s,
                                      uint32_t (*at)[JSON_BLOCK])
{
    const struct json_shape shape = *s; /* what is written to `at` cannot be in here */
    uint64_t bad = 0;

    for (size_t k = 0; k < b->n; k += TOGETHER)
        bad |= (uint64_t)compare_together(b, &shape, at, k) << k;
    return b->n == 64 ? bad : bad & ((1ULL << b->n) - 1);
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

AVX512 static size_t times_avx512(int64_t *out, const struct spans *v, size_t from,
                                  const struct time_shape *shape)
{
    return spans_times(v, from, shape, out);
}

AVX512 static void strings_avx512(const struct spans *v, struct str out[JSON_BLOCK])
{
    spans_strings(v, out);
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
    .times = times_avx512,
    .strings = strings_avx512,
};
#endif
