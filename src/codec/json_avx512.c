/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of shapes with AVX-512 (as Ice Lake and Zen 4 have it). Numbers are read eight at a time: the
 * last sixteen bytes of each fill a quarter of a register, '0' taken off, bytes before the number zeroed;
 * masks have 16 bits per number.
 *
 *     "…:95.34,"   bytes 5:95.34  dot  ...1..  digits before it move up:  00095034 -> 00009534, scale 2 */
#include "codec/json_priv.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512                                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512bitalg,"    \
                          "popcnt,bmi,bmi2")))

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
        for (size_t k = n; k < json_padded(n); k++)
            at[i][k] = at[i][0];
    return bad;
}

/* Without the bits of rows that only fill the last eight. */
static inline uint64_t of_block(const struct json_spans *v, uint64_t bad)
{
    return v->n == 64 ? bad : bad & ((1ULL << v->n) - 1);
}

/* Four numbers: their bytes and which bytes are theirs. */
struct four {
    __m512i bytes;
    uint64_t lanes;
};

/* Numbers of more than 16 bytes are seen by `too_long`, and those that end within the first 16 bytes of the
 * data, where there is nothing to load, too. */
AVX512 static inline __mmask8 too_long(const struct json_spans *v, size_t k)
{
    __m256i end = _mm256_loadu_si256((const __m256i *)(v->end + k));
    __m256i begin = _mm256_loadu_si256((const __m256i *)(v->begin + k));
    __m256i n = _mm256_sub_epi32(_mm256_sub_epi32(end, begin), _mm256_set1_epi32((int)v->skip));
    return _mm256_cmpgt_epu32_mask(n, _mm256_set1_epi32(16)) |
           _mm256_cmplt_epu32_mask(end, _mm256_set1_epi32(16));
}

AVX512 static inline const void *window(const struct json_spans *v, size_t k)
{
    uint32_t end = v->end[k];
    return v->base + (end < 16 ? 0 : end - 16); /* a record is longer than 16 bytes from here on */
}

/* 0..15 in each quarter. */
AVX512 static inline __m512i byte_places(void)
{
    return _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/* The length of value k + i in all bytes of quarter i; 16 if it is longer. */
AVX512 static inline __m512i spread_lengths(const struct json_spans *v, size_t k)
{
    const __m512i spread = _mm512_set_epi64(0x0c0c0c0c0c0c0c0c, 0x0c0c0c0c0c0c0c0c, 0x0808080808080808,
                                            0x0808080808080808, 0x0404040404040404, 0x0404040404040404, 0, 0);
    __m128i n = _mm_sub_epi32(_mm_loadu_si128((const __m128i *)(v->end + k)),
                              _mm_loadu_si128((const __m128i *)(v->begin + k)));
    n = _mm_min_epu32(_mm_sub_epi32(n, _mm_set1_epi32((int)v->skip)), _mm_set1_epi32(16));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(n), spread);
}

AVX512 static inline struct four load_four(const struct json_spans *v, size_t k)
{
    __m512i w = _mm512_castsi128_si512(_mm_loadu_si128(window(v, k)));
    w = _mm512_inserti32x4(w, _mm_loadu_si128(window(v, k + 1)), 1);
    w = _mm512_inserti32x4(w, _mm_loadu_si128(window(v, k + 2)), 2);
    w = _mm512_inserti32x4(w, _mm_loadu_si128(window(v, k + 3)), 3);
    __m512i last = _mm512_add_epi8(spread_lengths(v, k), byte_places());
    return (struct four){w, _mm512_cmpge_epu8_mask(last, _mm512_set1_epi8(16))};
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
    a = _mm512_madd_epi16(_mm512_maddubs_epi16(a, _mm512_set1_epi16(0x010a)), _mm512_set1_epi32(0x00010064));
    b = _mm512_madd_epi16(_mm512_maddubs_epi16(b, _mm512_set1_epi16(0x010a)), _mm512_set1_epi32(0x00010064));
    __m512i w = _mm512_madd_epi16(_mm512_packus_epi32(a, b), _mm512_set1_epi32(0x00012710));
    w = _mm512_add_epi64(_mm512_mul_epu32(w, _mm512_set1_epi64(100000000)), _mm512_srli_epi64(w, 32));
    return _mm512_permutexvar_epi64(order, w);
}

/* Digits of four unsigned numbers; *bad = which have other bytes or none. */
AVX512 static inline __m512i four_uints(const struct json_spans *v, size_t k, uint32_t *bad)
{
    struct four f = load_four(v, k);
    __m512i w = _mm512_maskz_sub_epi8(f.lanes, f.bytes, _mm512_set1_epi8('0'));
    *bad = any_of(_mm512_cmpgt_epu8_mask(w, _mm512_set1_epi8(9))) | (any_of(f.lanes) ^ 15);
    return w;
}

AVX512 static uint64_t uints_avx512(const struct json_spans *v, uint64_t out[JSON_BLOCK])
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k += 8) {
        uint32_t bad_low, bad_high;
        __m512i low = four_uints(v, k, &bad_low), high = four_uints(v, k + 4, &bad_high);
        _mm512_storeu_si512(out + k, to_numbers(low, high));
        bad |= (uint64_t)(bad_low | bad_high << 4 | too_long(v, k)) << k;
    }
    return of_block(v, bad);
}

/* Digits of four decimals without their dots; scales = digits behind the dot, 16 bits each. */
struct decimals {
    __m512i digits;
    __m128i scales;
    uint32_t signs, bad;
};

AVX512 static inline struct decimals four_decimals(const struct json_spans *v, size_t k)
{
    struct four f = load_four(v, k);
    uint64_t sign = _mm512_mask_cmpeq_epi8_mask(first_of(f.lanes), f.bytes, _mm512_set1_epi8('-'));
    uint64_t lanes = f.lanes & ~sign;
    uint64_t dot = _mm512_mask_cmpeq_epi8_mask(lanes, f.bytes, _mm512_set1_epi8('.'));
    __m512i w = _mm512_maskz_sub_epi8(lanes & ~dot, f.bytes, _mm512_set1_epi8('0'));
    uint64_t wrong = _mm512_cmpgt_epu8_mask(w, _mm512_set1_epi8(9));
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

AVX512 static inline __m512d eight_decimals(const struct json_spans *v, size_t k, __mmask8 *bad)
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
    *bad = (__mmask8)(a.bad | b.bad << 4 | too_long(v, k) | inexact);
    return _mm512_mask_xor_pd(x, signs, x, _mm512_set1_pd(-0.0));
}

AVX512 static uint64_t doubles_avx512(const struct json_spans *v, double out[JSON_BLOCK])
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
AVX512 static uint64_t floats_avx512(const struct json_spans *v, float out[JSON_BLOCK])
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k += 8) {
        __mmask8 wrong;
        __m512d x = eight_decimals(v, k, &wrong);
        __m512i rest = _mm512_add_epi64(_mm512_castpd_si512(x), _mm512_set1_epi64(1));
        rest = _mm512_sub_epi64(_mm512_and_si512(rest, _mm512_set1_epi64(0x1fffffff)),
                                _mm512_set1_epi64(0x10000000));
        __mmask8 is_middle = _mm512_cmple_epu64_mask(rest, _mm512_set1_epi64(2));
        _mm256_storeu_ps(out + k, _mm512_cvtpd_ps(x));
        bad |= (uint64_t)(wrong | is_middle) << k;
    }
    return of_block(v, bad);
}

/* The first 16 bytes of four values, which may be longer; behind a record there is room to load. */
AVX512 static inline struct four load_four_begins(const struct json_spans *v, size_t k)
{
    const char *base = v->base + v->skip;
    __m512i w = _mm512_castsi128_si512(_mm_loadu_si128((const void *)(base + v->begin[k])));
    w = _mm512_inserti32x4(w, _mm_loadu_si128((const void *)(base + v->begin[k + 1])), 1);
    w = _mm512_inserti32x4(w, _mm_loadu_si128((const void *)(base + v->begin[k + 2])), 2);
    w = _mm512_inserti32x4(w, _mm_loadu_si128((const void *)(base + v->begin[k + 3])), 3);
    return (struct four){w, _mm512_cmplt_epu8_mask(byte_places(), spread_lengths(v, k))};
}

/* Each place gets the number that ends there: its digit, ten times the one before, a hundred times the one
 * before that, as far as no dot is in between; then the places before dots and ends are taken out. True if
 * all four are addresses. */
AVX512 static inline bool four_ipv4s(const struct json_spans *v, size_t k, uint32_t *out)
{
    const __m128i reverse = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    const __m128i hundreds = _mm_setr_epi8(0, 100, (char)200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    struct four f = load_four_begins(v, k);
    uint64_t dots = _mm512_mask_cmpeq_epi8_mask(f.lanes, f.bytes, _mm512_set1_epi8('.'));
    uint64_t digits = f.lanes & ~dots; /* the last bit of each 16 is 0 where the length is right */
    uint64_t ends = digits & ~(digits >> 1), of_four = digits & digits << 1 & digits << 2 & digits << 3;
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

AVX512 static uint64_t ipv4s_avx512(const struct json_spans *v, uint32_t out[JSON_BLOCK])
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k += 4)
        bad |= (uint64_t)(four_ipv4s(v, k, out + k) ? 0 : 15) << k;
    return of_block(v, bad);
}

AVX512 static uint64_t numbers_avx512(const struct json_spans *v)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k += 4) {
        struct four f = load_four(v, k);
        uint64_t sign = _mm512_mask_cmpeq_epi8_mask(first_of(f.lanes), f.bytes, _mm512_set1_epi8('-'));
        uint64_t lanes = f.lanes & ~sign;
        uint64_t dot = _mm512_mask_cmpeq_epi8_mask(lanes, f.bytes, _mm512_set1_epi8('.'));
        __m512i w = _mm512_maskz_sub_epi8(lanes & ~dot, f.bytes, _mm512_set1_epi8('0'));
        __m128i n_dots = _mm_popcnt_epi16(_mm_cvtsi64_si128((long long)dot));
        uint32_t wrong = any_of(_mm512_cmpgt_epu8_mask(w, _mm512_set1_epi8(9))) |
                         (any_of(lanes & ~dot) ^ 15) |
                         (_mm_cmpgt_epi16_mask(n_dots, _mm_set1_epi16(1)) & 15);
        bad |= (uint64_t)wrong << k;
    }
    for (size_t k = 0; k < v->n; k += 8)
        bad |= (uint64_t)too_long(v, k) << k;
    return of_block(v, bad);
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
