/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of spans with AVX-512 (as Ice Lake and Zen 4 have it), for the kernels of all text
 * formats. Numbers are read eight at a time: their last eight bytes fill the lanes of a register,
 * '0' taken off, bytes before the number zeroed.
 *
 *     "…:95.34,"   bytes 5:95.34  dot  ...1..  digits before it move up:  00095034 -> 00009534, scale 2
 *
 * Eight of which one is longer are read four at a time by their last sixteen bytes; masks then
 * have 16 bits a number. Each function answers a mask of the rows that it declines. */
#ifndef CODEC_SPANS_AVX512_H
#define CODEC_SPANS_AVX512_H

#include "codec/spans.h"
#include "codec/time_shape.h"
#include "codec/value_fast.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512                                                                                     \
    __attribute__((                                                                                \
        target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512bitalg,"           \
               "avx512vpopcntdq,popcnt,bmi,bmi2,lzcnt")))

static inline bool avx512_is_usable(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq");
}

/* Without the bits of rows that only fill the last eight. */
static inline uint64_t of_block(const struct spans *v, uint64_t bad)
{
    return v->n == 64 ? bad : bad & ((1ULL << v->n) - 1);
}

AVX512 static inline __m256i eight_lengths(const struct spans *v, size_t k)
{
    __m256i end = _mm256_loadu_si256((const __m256i *)(v->end + k));
    __m256i begin = _mm256_loadu_si256((const __m256i *)(v->begin + k));
    return _mm256_sub_epi32(_mm256_sub_epi32(end, begin), _mm256_set1_epi32((int)v->skip));
}

/* Texts of more than `most` bytes, and those that end within the first 16 bytes of the data,
 * where there is nothing to load. */
AVX512 static inline __mmask8 longer_than(const struct spans *v, size_t k, int most)
{
    __m256i end = _mm256_loadu_si256((const __m256i *)(v->end + k));
    return _mm256_cmpgt_epu32_mask(eight_lengths(v, k), _mm256_set1_epi32(most)) |
           _mm256_cmplt_epu32_mask(end, _mm256_set1_epi32(16));
}

/* ---- eight texts of up to eight bytes ---- */

/* `digits`: '0' taken off, zero before the first; `first`: all ones in the byte of the first. */
struct eight {
    __m512i digits, first, valid;
    __mmask8 minus; /* there was one, which is no part of the others */
};

AVX512 static inline __m128i load_two(const struct spans *v, size_t k)
{
    __m128i w = _mm_loadl_epi64((const __m128i *)(v->base + v->end[k] - 8));
    return _mm_castps_si128(
        _mm_loadh_pi(_mm_castsi128_ps(w), (const __m64 *)(v->base + v->end[k + 1] - 8)));
}

AVX512 static inline __m512i load_eight(const struct spans *v, size_t k)
{
    __m256i low =
        _mm256_inserti128_si256(_mm256_castsi128_si256(load_two(v, k)), load_two(v, k + 2), 1);
    __m256i high =
        _mm256_inserti128_si256(_mm256_castsi128_si256(load_two(v, k + 4)), load_two(v, k + 6), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

AVX512 static inline struct eight take_eight(const struct spans *v, size_t k)
{
    __m512i w = load_eight(v, k), n = _mm512_cvtepu32_epi64(eight_lengths(v, k));
    __m512i before = _mm512_sub_epi64(_mm512_set1_epi64(64), _mm512_slli_epi64(n, 3));
    __m512i valid = _mm512_sllv_epi64(_mm512_set1_epi64(-1), before);
    __m512i first = _mm512_sllv_epi64(_mm512_set1_epi64(0xff), before);
    struct eight e;
    e.minus = _mm512_testn_epi64_mask(_mm512_xor_si512(w, _mm512_set1_epi8('-')), first);
    e.valid = _mm512_mask_slli_epi64(valid, e.minus, valid, 8);
    e.first = _mm512_mask_slli_epi64(first, e.minus, first, 8);
    e.digits = _mm512_ternarylogic_epi64(w, _mm512_set1_epi8('0'), e.valid, 0x28); /* (a ^ b) & c */
    return e;
}

AVX512 static inline __mmask8 has_more_than_9(__m512i digits)
{
    __m512i above = _mm512_subs_epu8(digits, _mm512_set1_epi8(9));
    return _mm512_test_epi64_mask(above, above);
}

/* The numbers that eight times eight digits spell. */
AVX512 static inline __m512i numbers8(__m512i digits)
{
    __m512i w = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a));
    w = _mm512_madd_epi16(w, _mm512_set1_epi32(0x00010064));
    return _mm512_add_epi64(_mm512_mul_epu32(w, _mm512_set1_epi64(10000)),
                            _mm512_srli_epi64(w, 32));
}

/* Digits without the dot; up = all ones in its byte and all before it. */
struct short_decimals {
    __m512i digits, up;
    __mmask8 minus, bad;
};

AVX512 static inline struct short_decimals take_short_decimals(const struct spans *v, size_t k)
{
    const __m512i ones = _mm512_set1_epi64(-1);
    struct eight e = take_eight(v, k);
    struct short_decimals r = {.minus = e.minus};
    __m512i dots = _mm512_movm_epi8(_mm512_cmpeq_epi8_mask(e.digits, _mm512_set1_epi8('.' ^ '0')));
    __m512i edges = _mm512_or_si512(e.first, _mm512_set1_epi64((long long)(0xffULL << 56)));
    r.bad = _mm512_test_epi64_mask(dots, edges) | _mm512_testn_epi64_mask(e.valid, e.valid);
    __m512i lowest = _mm512_and_si512(dots, _mm512_sub_epi64(_mm512_setzero_si512(), dots));
    /* a second dot stays, and is no digit */
    r.up = _mm512_maskz_add_epi64(_mm512_test_epi64_mask(dots, dots), _mm512_slli_epi64(lowest, 8),
                                  ones);
    /* a ? b : c */
    r.digits = _mm512_ternarylogic_epi64(r.up, _mm512_slli_epi64(e.digits, 8), e.digits, 0xca);
    r.bad |= has_more_than_9(r.digits);
    return r;
}

AVX512 static inline __m512d eight_short_decimals(const struct spans *v, size_t k, __mmask8 *bad)
{
    /* by the dot's byte + 1 */
    const __m512d powers = _mm512_setr_pd(1, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1);
    struct short_decimals d = take_short_decimals(v, k);
    __m512i place = _mm512_srli_epi64(_mm512_popcnt_epi64(d.up), 3);
    __m512d x =
        _mm512_div_pd(_mm512_cvtepi64_pd(numbers8(d.digits)), _mm512_permutexvar_pd(place, powers));
    *bad = d.bad;
    return _mm512_mask_xor_pd(x, d.minus, x, _mm512_set1_pd(-0.0));
}

AVX512 static inline __m512i eight_short_integers(const struct spans *v, size_t k, bool takes_minus,
                                                  __mmask8 *bad)
{
    struct eight e = take_eight(v, k);
    __m512i x = numbers8(e.digits);
    *bad = has_more_than_9(e.digits) | _mm512_testn_epi64_mask(e.valid, e.valid) |
           (takes_minus ? 0 : e.minus);
    return _mm512_mask_sub_epi64(x, e.minus, _mm512_setzero_si512(), x);
}

/* ---- four texts of up to sixteen bytes ---- */

/* Their bytes and which bytes are theirs. */
struct four {
    __m512i bytes;
    uint64_t lanes;
};

AVX512 static inline const void *window(const struct spans *v, size_t k)
{
    uint32_t end = v->end[k];
    return v->base + (end < 16 ? 0 : end - 16); /* what ends before is declined */
}

/* 0..15 in each quarter. */
AVX512 static inline __m512i byte_places(void)
{
    return _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/* The length of value k + i in all bytes of quarter i; 16 if it is longer. */
AVX512 static inline __m512i spread_lengths(const struct spans *v, size_t k)
{
    const __m512i spread =
        _mm512_set_epi64(0x0c0c0c0c0c0c0c0c, 0x0c0c0c0c0c0c0c0c, 0x0808080808080808,
                         0x0808080808080808, 0x0404040404040404, 0x0404040404040404, 0, 0);
    __m128i n = _mm_sub_epi32(_mm_loadu_si128((const __m128i *)(v->end + k)),
                              _mm_loadu_si128((const __m128i *)(v->begin + k)));
    n = _mm_min_epu32(_mm_sub_epi32(n, _mm_set1_epi32((int)v->skip)), _mm_set1_epi32(16));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(n), spread);
}

AVX512 static inline __m512i load_four(const struct spans *v, size_t k)
{
    __m512i w = _mm512_castsi128_si512(_mm_loadu_si128(window(v, k)));
    w = _mm512_inserti32x4(w, _mm_loadu_si128(window(v, k + 1)), 1);
    w = _mm512_inserti32x4(w, _mm_loadu_si128(window(v, k + 2)), 2);
    return _mm512_inserti32x4(w, _mm_loadu_si128(window(v, k + 3)), 3);
}

AVX512 static inline struct four take_four(const struct spans *v, size_t k)
{
    __m512i last = _mm512_add_epi8(spread_lengths(v, k), byte_places());
    return (struct four){load_four(v, k), _mm512_cmpge_epu8_mask(last, _mm512_set1_epi8(16))};
}

/* As take_four, but the texts begin their quarters. */
AVX512 static inline struct four take_four_left(const struct spans *v, size_t k)
{
    __m512i n = spread_lengths(v, k), places = byte_places();
    __m512i from = _mm512_and_si512(_mm512_sub_epi8(places, n), _mm512_set1_epi8(15));
    __m512i w = _mm512_shuffle_epi8(load_four(v, k), from);
    return (struct four){w, _mm512_cmplt_epu8_mask(places, n)};
}

/* One bit per number that has any of these bits. */
AVX512 static inline uint32_t any_of(uint64_t bits)
{
    __m128i w = _mm_cvtsi64_si128((long long)bits);
    return _mm_test_epi16_mask(w, w) & 15;
}

/* The first byte of each number. */
static inline uint64_t first_of(uint64_t lanes)
{
    return lanes & ~(lanes << 1 & 0xfffefffefffefffeULL);
}

/* Digits (values 0..9, the last at the end) of twice four numbers to eight numbers in order. */
AVX512 static inline __m512i to_numbers(__m512i a, __m512i b)
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    a = _mm512_madd_epi16(_mm512_maddubs_epi16(a, _mm512_set1_epi16(0x010a)),
                          _mm512_set1_epi32(0x00010064));
    b = _mm512_madd_epi16(_mm512_maddubs_epi16(b, _mm512_set1_epi16(0x010a)),
                          _mm512_set1_epi32(0x00010064));
    __m512i w = _mm512_madd_epi16(_mm512_packus_epi32(a, b), _mm512_set1_epi32(0x00012710));
    w = _mm512_add_epi64(_mm512_mul_epu32(w, _mm512_set1_epi64(100000000)),
                         _mm512_srli_epi64(w, 32));
    return _mm512_permutexvar_epi64(order, w);
}

/* Digits of four numbers without their signs and dots; scales = digits behind the dot, 16 bits
 * each. */
struct decimals {
    __m512i digits;
    __m128i scales;
    uint32_t signs, bad;
};

AVX512 static inline struct decimals four_integers(const struct spans *v, size_t k)
{
    struct four f = take_four(v, k);
    uint64_t sign = _mm512_mask_cmpeq_epi8_mask(first_of(f.lanes), f.bytes, _mm512_set1_epi8('-'));
    uint64_t lanes = f.lanes & ~sign;
    __m512i w = _mm512_maskz_sub_epi8(lanes, f.bytes, _mm512_set1_epi8('0'));
    return (struct decimals){.digits = w,
                             .signs = any_of(sign),
                             .bad = any_of(_mm512_cmpgt_epu8_mask(w, _mm512_set1_epi8(9))) |
                                    (any_of(lanes) ^ 15)};
}

AVX512 static inline struct decimals four_decimals(const struct spans *v, size_t k)
{
    struct four f = take_four(v, k);
    uint64_t sign = _mm512_mask_cmpeq_epi8_mask(first_of(f.lanes), f.bytes, _mm512_set1_epi8('-'));
    uint64_t lanes = f.lanes & ~sign;
    uint64_t dot = _mm512_mask_cmpeq_epi8_mask(lanes, f.bytes, _mm512_set1_epi8('.'));
    __m512i w = _mm512_maskz_sub_epi8(lanes & ~dot, f.bytes, _mm512_set1_epi8('0'));
    uint64_t wrong = _mm512_cmpgt_epu8_mask(w, _mm512_set1_epi8(9)) | (dot & first_of(lanes)) |
                     (dot & 0x8000800080008000ULL); /* a dot has digits on both sides */
    const __m128i one = _mm_set1_epi16(1);
    __m128i d = _mm_cvtsi64_si128((long long)dot);
    __mmask8 has_dot = _mm_test_epi16_mask(d, d);
    __m128i up = _mm_or_si128(d, _mm_subs_epu16(d, one)); /* the dot and all before it */
    uint64_t moved = (uint64_t)_mm_cvtsi128_si64(up);
    struct decimals r;
    r.digits = _mm512_mask_mov_epi8(w, moved, _mm512_bslli_epi128(w, 1));
    r.scales = _mm_maskz_popcnt_epi16(has_dot, _mm_xor_si128(up, _mm_set1_epi16(-1)));
    r.signs = any_of(sign);
    r.bad = any_of(wrong) | (any_of(lanes & ~dot) ^ 15) |
            (_mm_cmpgt_epi16_mask(_mm_popcnt_epi16(d), one) & 15);
    return r;
}

AVX512 static __attribute__((noinline)) __m512d eight_long_decimals(const struct spans *v, size_t k,
                                                                    __mmask8 *bad)
{
    const __m512d low_powers = _mm512_loadu_pd(fast_powers_of_10);
    const __m512d high_powers = _mm512_loadu_pd(fast_powers_of_10 + 8);
    struct decimals a = four_decimals(v, k), b = four_decimals(v, k + 4);
    __m512i mantissa = to_numbers(a.digits, b.digits);
    __m512i scale = _mm512_cvtepu16_epi64(_mm_unpacklo_epi64(a.scales, b.scales));
    __m512d power = _mm512_permutex2var_pd(low_powers, scale, high_powers);
    __m512d x = _mm512_div_pd(_mm512_cvtepi64_pd(mantissa), power);
    __mmask8 signs = (__mmask8)(a.signs | b.signs << 4);
    __mmask8 inexact = _mm512_cmpgt_epi64_mask(mantissa, _mm512_set1_epi64(1LL << 53));
    *bad = (__mmask8)(a.bad | b.bad << 4 | longer_than(v, k, 16) | inexact);
    return _mm512_mask_xor_pd(x, signs, x, _mm512_set1_pd(-0.0));
}

AVX512 static __attribute__((noinline)) __m512i eight_long_integers(const struct spans *v, size_t k,
                                                                    bool takes_minus, __mmask8 *bad)
{
    struct decimals a = four_integers(v, k), b = four_integers(v, k + 4);
    __m512i x = to_numbers(a.digits, b.digits);
    __mmask8 signs = (__mmask8)(a.signs | b.signs << 4);
    *bad = (__mmask8)(a.bad | b.bad << 4 | longer_than(v, k, 16) | (takes_minus ? 0 : signs));
    return _mm512_mask_sub_epi64(x, signs, _mm512_setzero_si512(), x);
}

/* Each place gets the number that ends there: its digit, ten times the one before, a hundred
 * times the one before that, as far as no dot is in between; then the places before dots and
 * ends are taken out. True if all four are addresses. */
AVX512 static inline bool four_ipv4s(const struct spans *v, size_t k, uint32_t *out)
{
    const __m128i reverse = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    const __m128i hundreds =
        _mm_setr_epi8(0, 100, (char)200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    struct four f = take_four_left(v, k);
    uint64_t dots = _mm512_mask_cmpeq_epi8_mask(f.lanes, f.bytes, _mm512_set1_epi8('.'));
    uint64_t digits = f.lanes & ~dots; /* the last bit of each 16 is 0 where the length is right */
    uint64_t ends = digits & ~(digits >> 1),
             of_four = digits & digits << 1 & digits << 2 & digits << 3;
    __m512i ones = _mm512_maskz_sub_epi8(digits, f.bytes, _mm512_set1_epi8('0'));
    __m512i tens = _mm512_bslli_epi128(ones, 1);
    __m512i hundred = _mm512_maskz_mov_epi8(~(dots << 1), _mm512_bslli_epi128(ones, 2));
    __m512i twice = _mm512_add_epi8(tens, tens);
    __m512i below = _mm512_add_epi8(ones, _mm512_add_epi8(twice, _mm512_slli_epi16(twice, 2)));
    __m512i above = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(hundreds), hundred);
    uint64_t large = _mm512_cmpgt_epu8_mask(hundred, _mm512_set1_epi8(2)) |
                     (_mm512_cmpeq_epu8_mask(hundred, _mm512_set1_epi8(2)) &
                      _mm512_cmpgt_epu8_mask(below, _mm512_set1_epi8(55)));
    uint64_t wrong = _mm512_cmpgt_epu8_mask(ones, _mm512_set1_epi8(9)) | of_four | (large & ends) |
                     (f.lanes & 0x8000800080008000ULL);
    __m128i n_dots = _mm_popcnt_epi16(_mm_cvtsi64_si128((long long)dots));
    __m128i n_ends = _mm_popcnt_epi16(_mm_cvtsi64_si128((long long)ends));
    uint32_t is_four = _mm_cmpeq_epi16_mask(n_dots, _mm_set1_epi16(3)) &
                       _mm_cmpeq_epi16_mask(n_ends, _mm_set1_epi16(4)) & 15;
    __m512i packed = _mm512_maskz_compress_epi8(ends, _mm512_add_epi8(above, below));
    _mm_storeu_si128((__m128i *)out, _mm_shuffle_epi8(_mm512_castsi512_si128(packed), reverse));
    return wrong == 0 && is_four == 15;
}

/* ---- all of them: each writes a multiple of eight ---- */

/* Up to 16 digits, behind a '-' fewer. */
AVX512 static inline uint64_t spans_integers(const struct spans *v, int64_t *out, bool takes_minus)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k += 8) {
        __mmask8 wrong;
        bool is_long = longer_than(v, k, 8) != 0;
        __m512i x = is_long ? eight_long_integers(v, k, takes_minus, &wrong)
                            : eight_short_integers(v, k, takes_minus, &wrong);
        _mm512_storeu_si512(out + k, x);
        bad |= (uint64_t)wrong << k;
    }
    return of_block(v, bad);
}

AVX512 static inline __m512d eight_decimals(const struct spans *v, size_t k, __mmask8 *bad)
{
    return longer_than(v, k, 8) ? eight_long_decimals(v, k, bad) : eight_short_decimals(v, k, bad);
}

AVX512 static inline uint64_t spans_doubles(const struct spans *v, double *out)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k += 8) {
        __mmask8 wrong;
        _mm512_storeu_pd(out + k, eight_decimals(v, k, &wrong));
        bad |= (uint64_t)wrong << k;
    }
    return of_block(v, bad);
}

/* As fast_float: declined where rounding twice might differ from rounding once. */
AVX512 static inline uint64_t spans_floats(const struct spans *v, float *out)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k += 8) {
        __mmask8 wrong;
        __m512d x = eight_decimals(v, k, &wrong);
        __m512i rest = _mm512_and_si512(_mm512_castpd_si512(x), _mm512_set1_epi64(0x1fffffff));
        __mmask8 is_middle = _mm512_cmpeq_epi64_mask(rest, _mm512_set1_epi64(0x10000000));
        _mm256_storeu_ps(out + k, _mm512_cvtpd_ps(x));
        bad |= (uint64_t)(wrong | is_middle) << k;
    }
    return of_block(v, bad);
}

AVX512 static inline uint64_t spans_ipv4s(const struct spans *v, uint32_t *out)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k += 8) {
        unsigned wrong =
            (four_ipv4s(v, k, out + k) ? 0 : 15) | (four_ipv4s(v, k + 4, out + k + 4) ? 0 : 240);
        bad |= (uint64_t)(wrong | longer_than(v, k, 16)) << k;
    }
    return of_block(v, bad);
}

/* Declines all that are not of digits and one dot at most; values are not looked at. */
AVX512 static inline uint64_t spans_are_numbers(const struct spans *v)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k += 8) {
        if (longer_than(v, k, 8) == 0) {
            bad |= (uint64_t)take_short_decimals(v, k).bad << k;
            continue;
        }
        struct decimals a = four_decimals(v, k), b = four_decimals(v, k + 4);
        bad |= (uint64_t)(a.bad | b.bad << 4 | longer_than(v, k, 16)) << k;
    }
    return of_block(v, bad);
}

/* Any number of rows. Writes up to a multiple of eight. */
AVX512 static inline void spans_strings(const struct spans *v, struct str *out)
{
    const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    const __m512i base = _mm512_set1_epi64((long long)(uintptr_t)v->base);
    const __m256i skip = _mm256_set1_epi32((int)v->skip);

    _Static_assert(sizeof(struct str) == 16, "a pointer, a length");
    for (size_t k = 0; k < v->n; k += 8) {
        __m256i begin = _mm256_add_epi32(_mm256_loadu_si256((const __m256i *)(v->begin + k)), skip);
        /* 32 bits wrap: begin may be -1 */
        __m512i p = _mm512_add_epi64(base, _mm512_cvtepu32_epi64(begin));
        __m512i n = _mm512_cvtepu32_epi64(eight_lengths(v, k));
        _mm512_storeu_si512(out + k, _mm512_permutex2var_epi64(p, low, n));
        _mm512_storeu_si512(out + k + 4, _mm512_permutex2var_epi64(p, high, n));
    }
}

/* ---- times ---- */

/* 16 digits, high first, to a number. */
AVX512 static inline uint64_t number16(__m128i digits)
{
    __m128i w = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    w = _mm_madd_epi16(w, _mm_set1_epi32(0x00010064));
    w = _mm_packus_epi32(w, w);
    w = _mm_madd_epi16(w, _mm_set1_epi32(0x00012710));
    uint64_t v = (uint64_t)_mm_cvtsi128_si64(w);
    return (v & 0xffffffff) * 100000000 + (v >> 32);
}

AVX512 static inline __m512i to_all_lanes(const uint8_t bytes[8])
{
    uint64_t w;
    memcpy(&w, bytes, 8);
    return _mm512_set1_epi64((long long)w);
}

/* Bits of the first 16 bytes of four texts that differ from `minute`. */
AVX512 static inline __m512i minute_differs(const struct spans *v, size_t k, __m512i minute)
{
    const char *base = v->base;
    __m512i w = _mm512_castsi128_si512(
        _mm_loadu_si128((const __m128i *)(base + (uint32_t)(v->begin[k] + v->skip))));
    w = _mm512_inserti32x4(
        w, _mm_loadu_si128((const __m128i *)(base + (uint32_t)(v->begin[k + 1] + v->skip))), 1);
    w = _mm512_inserti32x4(
        w, _mm_loadu_si128((const __m128i *)(base + (uint32_t)(v->begin[k + 2] + v->skip))), 2);
    w = _mm512_inserti32x4(
        w, _mm_loadu_si128((const __m128i *)(base + (uint32_t)(v->begin[k + 3] + v->skip))), 3);
    return _mm512_xor_si512(w, minute);
}

/* Eight at a time, while all eight are of the shape, from a row on; returns the first that was
 * not read. */
AVX512 static inline size_t eights_of_times(const struct spans *v, size_t r,
                                            const struct time_shape *shape, int64_t *out)
{
    const struct time_tail *tail = &shape->tail;
    const __m512i second_halves = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0808080808080808, 0));
    const __m512i limit = to_all_lanes(tail->limit), expected = to_all_lanes(tail->expected);
    const __m512i order = _mm512_add_epi8(to_all_lanes(tail->order), second_halves);
    const uint64_t in_all = 0x0101010101010101, is_digit = in_all * tail->digits,
                   is_fixed = in_all * tail->fixed;
    const __m512i minute = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)shape->minute));
    const __m512i ticks = _mm512_set1_epi64(shape->minute_ticks),
                  step = _mm512_set1_epi64(shape->step);

    for (; r + 8 <= v->n; r += 8) {
        __m256i n = eight_lengths(v, r);
        if (_mm256_cmpneq_epi32_mask(n, _mm256_set1_epi32((int)shape->n)))
            break; /* else all have 16 bytes to load, and 8 before their end */
        __m512i differs =
            _mm512_or_si512(minute_differs(v, r, minute), minute_differs(v, r + 4, minute));
        __m512i w = load_eight(v, r), digits = _mm512_sub_epi8(w, _mm512_set1_epi8('0'));
        if (_mm512_mask_cmpgt_epu8_mask(is_digit, digits, limit) |
            _mm512_mask_cmpneq_epu8_mask(is_fixed, w, expected) |
            _mm512_test_epi64_mask(differs, differs))
            break;
        __m512i x = numbers8(_mm512_shuffle_epi8(digits, order));
        _mm512_storeu_si512(out + r, _mm512_add_epi64(ticks, _mm512_mullo_epi64(x, step)));
    }
    return r;
}

/* As time_shape_read. */
AVX512 static inline size_t spans_times(const struct spans *v, size_t from,
                                        const struct time_shape *shape, int64_t *out)
{
    const __m128i zero = _mm_set1_epi8('0'), limit = _mm_loadu_si128((const __m128i *)shape->limit),
                  expected = _mm_loadu_si128((const __m128i *)shape->expected),
                  order = _mm_loadu_si128((const __m128i *)shape->order),
                  minute = _mm_loadu_si128((const __m128i *)shape->minute);

    if (shape->n == 0)
        return from;
    if (shape->n <= 24)
        from = eights_of_times(v, from, shape, out);
    __mmask16 k = (__mmask16)_bzhi_u32(0xffff, shape->n - 16);
    __mmask16 fixed = _mm_mask_cmpeq_epi8_mask(k, limit, _mm_set1_epi8(-1));
    for (size_t r = from; r < v->n; r++) {
        uint32_t start = v->begin[r] + v->skip, n = v->end[r] - start;
        const char *p = v->base + start;
        if (n != shape->n)
            return r;
        __m128i first = _mm_loadu_si128((const __m128i *)p), w = _mm_maskz_loadu_epi8(k, p + 16);
        __m128i digits = _mm_sub_epi8(w, zero);
        unsigned differs = _mm_cmpneq_epi8_mask(first, minute) |
                           _mm_mask_cmpgt_epu8_mask(k & ~fixed, digits, limit) |
                           _mm_mask_cmpneq_epi8_mask(fixed, w, expected);
        if (differs)
            return r;
        out[r] =
            shape->minute_ticks + (int64_t)number16(_mm_shuffle_epi8(digits, order)) * shape->step;
    }
    return v->n;
}

#endif
#endif
