/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of shapes with AVX-512 (BW, DQ, VL, VBMI2). Loads are masked: bytes outside the value are
 * never touched, so it does not matter where the data begins or ends. */
#include "codec/json_priv.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi,bmi2")))

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

AVX512 static uint64_t compare_avx512(const struct json_block *b, const struct json_literal *l,
                                      const char *text)
{
    uint64_t bad = 0;
    uint64_t lanes = l->n >= 64 ? ~0ULL : (1ULL << l->n) - 1;
    const __m512i want = _mm512_maskz_loadu_epi8(lanes, text + l->text);
    const uint32_t *idx = b->idx;
    for (size_t k = 0; k < b->n; k++, idx += b->stride) {
        uint32_t begin = idx[-1] + 1, room = idx[l->anchor] - begin;
        uint32_t skip = room < l->before ? 0 : room - l->before;
        __m512i w = _mm512_maskz_loadu_epi8(lanes, b->base + begin + skip);
        bool differs = _mm512_mask_cmpneq_epi8_mask(lanes, w, want) != 0 || room < l->before;
        if (__builtin_expect(l->n > 64 && !differs, 0))
            differs = memcmp(b->base + begin + skip + 64, text + l->text + 64, l->n - 64) != 0;
        bad |= (uint64_t)differs << k;
    }
    return bad;
}

/* Sixteen digits (values 0..9, first one lowest) to their number. */
AVX512 static inline uint64_t digits16(__m128i w)
{
    w = _mm_maddubs_epi16(w, _mm_set1_epi16(0x010a));
    w = _mm_madd_epi16(w, _mm_set1_epi32(0x00010064));
    w = _mm_packus_epi32(w, w);
    w = _mm_madd_epi16(w, _mm_set1_epi32(0x00012710));
    uint64_t r = (uint64_t)_mm_cvtsi128_si64(w);
    return (r & 0xffffffff) * 100000000ULL + (r >> 32);
}

/* The n bytes before `end`, at the high end of the register, '0' taken off. */
AVX512 static inline __m128i load_before(const char *end, __mmask16 lanes)
{
    return _mm_maskz_sub_epi8(lanes, _mm_maskz_loadu_epi8(lanes, end - 16), _mm_set1_epi8('0'));
}

AVX512 static uint64_t uints_avx512(const struct json_block *b, const struct json_literal *l, uint64_t *out)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < b->n; k++) {
        uint32_t begin = json_value_begin(b, l, k), end = json_value_end(b, l, k), n = end - begin;
        bool is_bad = n - 1 >= 16;
        __mmask16 lanes = is_bad ? 0 : (__mmask16)(0xffffu << (16 - n));
        __m128i w = load_before(b->base + end, lanes);
        is_bad |= _mm_cmpgt_epu8_mask(w, _mm_set1_epi8(9)) != 0;
        out[k] = is_bad ? 0 : digits16(w);
        bad |= (uint64_t)is_bad << k;
    }
    return bad;
}

AVX512 static uint64_t doubles_avx512(const struct json_block *b, const struct json_literal *l, double *out)
{
    uint64_t bad = 0;
    int64_t mantissas[JSON_BLOCK];
    uint32_t scales[JSON_BLOCK];
    uint64_t signs = 0;
    for (size_t k = 0; k < b->n; k++) {
        uint32_t begin = json_value_begin(b, l, k), end = json_value_end(b, l, k), n = end - begin;
        bool is_negative = b->base[begin] == '-';
        n -= is_negative;
        bool is_bad = n - 1 >= 16;
        __mmask16 lanes = is_bad ? 0 : (__mmask16)(0xffffu << (16 - n));
        __m128i w = load_before(b->base + end, lanes);
        uint32_t dot = _mm_mask_cmpeq_epi8_mask(lanes, w, _mm_set1_epi8('.' - '0'));
        is_bad |= (dot & (dot - 1)) != 0 || lanes == dot;
        w = _mm_maskz_mov_epi8((__mmask16)(lanes & ~dot), w);
        is_bad |= _mm_cmpgt_epu8_mask(w, _mm_set1_epi8(9)) != 0;
        /* digits before the dot move up by one */
        w = _mm_mask_mov_epi8(w, (__mmask16)(dot ? (dot << 1) - 1 : 0), _mm_slli_si128(w, 1));
        uint64_t v = digits16(w);
        is_bad |= v > 1ULL << 53;
        mantissas[k] = (int64_t)v;
        scales[k] = dot ? 15 - (uint32_t)__builtin_ctz(dot) : 0;
        signs |= (uint64_t)is_negative << k;
        bad |= (uint64_t)is_bad << k;
    }
    for (size_t k = 0; k < b->n; k += 8) {
        __mmask8 rows = b->n - k >= 8 ? 0xff : (__mmask8)((1u << (b->n - k)) - 1);
        __m512d v = _mm512_cvtepi64_pd(_mm512_maskz_loadu_epi64(rows, mantissas + k));
        __m256i scale = _mm256_maskz_loadu_epi32(rows, scales + k);
        __m512d power = _mm512_mask_i32gather_pd(_mm512_set1_pd(1), rows, scale, fast_powers_of_10, 8);
        v = _mm512_div_pd(v, power);
        v = _mm512_mask_xor_pd(v, (__mmask8)(signs >> k), v, _mm512_set1_pd(-0.0));
        _mm512_mask_storeu_pd(out + k, rows, v);
    }
    return bad;
}

AVX512 static uint64_t numbers_avx512(const struct json_block *b, const struct json_literal *l)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < b->n; k++) {
        uint32_t begin = json_value_begin(b, l, k), end = json_value_end(b, l, k), n = end - begin;
        n -= b->base[begin] == '-';
        bool is_bad = n - 1 >= 16;
        __mmask16 lanes = is_bad ? 0 : (__mmask16)(0xffffu << (16 - n));
        __m128i w = load_before(b->base + end, lanes);
        uint32_t dot = _mm_mask_cmpeq_epi8_mask(lanes, w, _mm_set1_epi8('.' - '0'));
        uint32_t digits = _mm_mask_cmple_epu8_mask(lanes, w, _mm_set1_epi8(9));
        is_bad |= (dot & (dot - 1)) != 0 || (digits | dot) != lanes || digits == 0;
        bad |= (uint64_t)is_bad << k;
    }
    return bad;
}

const struct json_kernels json_kernels_avx512 = {
    .name = "avx512",
    .index = index_avx512,
    .compare = compare_avx512,
    .uints = uints_avx512,
    .doubles = doubles_avx512,
    .numbers = numbers_avx512,
};
#endif
