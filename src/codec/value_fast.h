/* SPDX-License-Identifier: Apache-2.0
 *
 * The common forms of numbers and addresses, inline, for decoders. Each function either answers
 * exactly what value.h's would or says false: then the caller asks value.h. None reads outside
 * [p, p + n). */
#ifndef CODEC_VALUE_FAST_H
#define CODEC_VALUE_FAST_H

#include "codec/value.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static inline uint64_t fast_load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline uint32_t fast_load32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static inline uint16_t fast_load16(const char *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}

/* Eight characters are digits. */
static inline bool fast_is_digits8(uint64_t w)
{
    return (((w + 0x4646464646464646ULL) | (w - 0x3030303030303030ULL)) & 0x8080808080808080ULL) ==
           0;
}

/* The number that eight digits spell, first character lowest. */
static inline uint32_t fast_digits8(uint64_t w)
{
    w = (w & 0x0f0f0f0f0f0f0f0fULL) * 2561 >> 8;
    w = (w & 0x00ff00ff00ff00ffULL) * 6553601 >> 16;
    return (uint32_t)((w & 0x0000ffff0000ffffULL) * 42949672960001ULL >> 32);
}

/* n = 1..8 characters as eight, '0' put before them. */
static inline uint64_t fast_right_aligned(const char *p, size_t n)
{
    uint64_t w;
    if (n == 8)
        return fast_load64(p);
    if (n >= 4)
        w = (uint64_t)fast_load32(p) | (uint64_t)fast_load32(p + n - 4) << (8 * (n - 4));
    else if (n >= 2)
        w = (uint64_t)fast_load16(p) | (uint64_t)fast_load16(p + n - 2) << (8 * (n - 2));
    else
        w = (uint8_t)*p;
    return w << (64 - 8 * n) | 0x3030303030303030ULL >> (8 * n);
}

/* 1..19 digits and nothing else. */
static inline bool fast_uint(const char *p, size_t n, uint64_t *ret)
{
    if (n - 1 >= 19) /* also n = 0 */
        return false;
    if (n <= 8) {
        uint64_t w = fast_right_aligned(p, n);
        *ret = fast_digits8(w);
        return fast_is_digits8(w);
    }
    uint64_t low = fast_load64(p + n - 8);
    if (n <= 16) {
        uint64_t high = fast_right_aligned(p, n - 8);
        *ret = fast_digits8(high) * 100000000ULL + fast_digits8(low);
        return fast_is_digits8(high) && fast_is_digits8(low);
    }
    uint64_t high = fast_right_aligned(p, n - 16), middle = fast_load64(p + n - 16);
    *ret = (fast_digits8(high) * 100000000ULL + fast_digits8(middle)) * 100000000ULL +
           fast_digits8(low);
    return fast_is_digits8(high) && fast_is_digits8(middle) && fast_is_digits8(low);
}

/* As fast_uint, with an optional '-' and at most 18 digits. */
static inline bool fast_int(const char *p, size_t n, int64_t *ret)
{
    bool is_negative = n && *p == '-';
    uint64_t v;
    if (n > 18u + is_negative || !fast_uint(p + is_negative, n - is_negative, &v))
        return false;
    *ret = is_negative ? -(int64_t)v : (int64_t)v;
    return true;
}

static const double fast_powers_of_10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                           1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                           1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* As fast_decimal, for 1..8 characters without a sign: the digits before the dot move over it. */
static inline bool fast_decimal8(const char *p, size_t n, uint64_t *mantissa, unsigned *scale)
{
    uint64_t w = fast_right_aligned(p, n), x = w ^ 0x2e2e2e2e2e2e2e2eULL;
    /* its lowest bit is true */
    uint64_t dot = (x - 0x0101010101010101ULL) & ~x & 0x8080808080808080ULL;
    *scale = 0;
    if (dot) {
        unsigned at = (unsigned)__builtin_ctzll(dot) - 7;
        uint64_t before = (1ULL << at) - 1;
        w = (w & before) << 8 | '0' | (w & ~(before << 8 | 0xff));
        *scale = 7 - at / 8;
    }
    *mantissa = fast_digits8(w);
    return fast_is_digits8(w) && n > (dot != 0);
}

/* [-]digits[.digits] as mantissa / 10^scale, at most 18 digits in all; short ones may lack those
 * on one side of the dot. */
static inline bool fast_decimal(const char *p, size_t n, int64_t *mantissa, unsigned *scale)
{
    bool is_negative = n && *p == '-';
    uint64_t whole, part = 0;
    size_t dot = 0;
    p += is_negative;
    n -= is_negative;
    if (n - 1 >= 19)
        return false;
    if (n <= 8) {
        bool is_good = fast_decimal8(p, n, &whole, scale);
        *mantissa = is_negative ? -(int64_t)whole : (int64_t)whole;
        return is_good;
    }
    while (dot < n && p[dot] != '.')
        dot++;
    size_t n_part = dot < n ? n - dot - 1 : 0;
    if (dot + n_part > 18 || !fast_uint(p, dot, &whole) ||
        (dot < n && !fast_uint(p + dot + 1, n_part, &part)))
        return false;
    whole = whole * (uint64_t)fast_powers_of_10[n_part] + part;
    *mantissa = is_negative ? -(int64_t)whole : (int64_t)whole;
    *scale = (unsigned)n_part;
    return true;
}

/* Correctly rounded: both sides of the one division are exact. */
static inline bool fast_double(const char *p, size_t n, double *ret)
{
    int64_t mantissa;
    unsigned scale;
    if (!fast_decimal(p, n, &mantissa, &scale) || mantissa > 1LL << 53 || mantissa < -(1LL << 53))
        return false;
    if (mantissa == 0 && *p == '-') {
        *ret = -0.0;
        return true;
    }
    *ret = (double)mantissa / fast_powers_of_10[scale];
    return true;
}

/* A double, correctly rounded from a decimal, rounds on to the float that the decimal rounds to,
 * unless it lies at the middle between two floats. For 0 and magnitudes from 1e-30 to 1e30. */
static inline bool fast_is_float(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    /* the 29 bits that fall away: at the middle or next to it? */
    return ((bits + 1) & 0x1fffffff) - 0x10000000 > 2;
}

static inline bool fast_float(const char *p, size_t n, float *ret)
{
    double v;
    if (!fast_double(p, n, &v) || !fast_is_float(v))
        return false;
    *ret = (float)v;
    return true;
}

/* ---- addresses ---- */

#if defined(__SSE2__)
/* Four numbers of one to three digits. */
static inline bool fast_ipv4(const char *p, size_t n, uint32_t *ret)
{
    char text[20];
    if (n < 7 || n > 15)
        return false;
    uint64_t low =
        n > 7 ? fast_load64(p) : (uint64_t)fast_load32(p) | (uint64_t)fast_load32(p + 3) << 24;
    uint64_t high = n > 8 ? fast_load64(p + n - 8) >> (8 * (16 - n)) : 0;
    __m128i w = _mm_set_epi64x((long long)high, (long long)low);
    _mm_storeu_si128((__m128i *)text, w);
    unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(w, _mm_set1_epi8('.')));
    __m128i digits = _mm_sub_epi8(w, _mm_set1_epi8('0'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
    unsigned all = (1u << n) - 1; /* behind the text are zeros: neither dots nor digits */
    if (((unsigned)_mm_movemask_epi8(is_digit) | dots) != all)
        return false;
    dots |= 1u << n;
    uint32_t address = 0;
    for (unsigned i = 0, begin = 0; i < 4; i++) {
        if (dots == 0)
            return false;
        unsigned end = (unsigned)__builtin_ctz(dots), n_digits = end - begin;
        dots &= dots - 1;
        if (n_digits - 1 > 2)
            return false;
        uint32_t d = (fast_load32(text + begin) << (8 * (4 - n_digits))) & 0x0f0f0f0f;
        uint32_t v = (d >> 8 & 0xff) * 100 + (d >> 16 & 0xff) * 10 + (d >> 24);
        if (v > 255)
            return false;
        address = address << 8 | v;
        begin = end + 1;
    }
    *ret = address;
    return dots == 0;
}
#else
static inline bool fast_ipv4(const char *p, size_t n, uint32_t *ret)
{
    return false;
}
#endif

#endif
