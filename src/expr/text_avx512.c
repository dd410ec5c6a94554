/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels over texts, 64 bytes at a time. Loads are masked to the text's length, so nothing outside
 * it is read and there is no tail to handle otherwise. */
#include "expr/text_wide.h"

#include <string.h>

#include "codec/spans_avx512.h"

#if defined(__x86_64__)

static inline __mmask64 first_bits(size_t n)
{
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

AVX512 static inline __m512i lowered(__m512i v)
{
    __mmask64 upper =
        _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8('A')), _mm512_set1_epi8(25));
    return _mm512_mask_add_epi8(v, upper, v, _mm512_set1_epi8(32));
}

AVX512 static inline __m512i load(const char *p, size_t n, bool any_case)
{
    __m512i v = _mm512_maskz_loadu_epi8(first_bits(n), p);
    return any_case ? lowered(v) : v;
}

/* A needle made ready: its first and last byte everywhere, and its first 64 bytes. */
struct needle {
    __m512i first, last, head;
    struct str text;
};

AVX512 static inline struct needle needle_of(struct str s, bool any_case)
{
    struct needle x = {.head = load(s.p, s.n, any_case), .text = s};
    char first = s.p[0], last = s.p[s.n - 1];

    if (any_case) {
        first = first >= 'A' && first <= 'Z' ? (char)(first + 32) : first;
        last = last >= 'A' && last <= 'Z' ? (char)(last + 32) : last;
    }
    x.first = _mm512_set1_epi8(first);
    x.last = _mm512_set1_epi8(last);
    return x;
}

AVX512 static inline bool is_here(const char *at, const struct needle *x, bool any_case)
{
    __m512i v = load(at, x->text.n, any_case);

    if (_mm512_cmpneq_epi8_mask(v, x->head))
        return false;
    for (size_t i = 64; i < x->text.n; i += 64) {
        __m512i rest = load(x->text.p + i, x->text.n - i, any_case);
        if (_mm512_cmpneq_epi8_mask(load(at + i, x->text.n - i, any_case), rest))
            return false;
    }
    return true;
}

/* The needle is not longer than s. */
AVX512 static inline __attribute__((always_inline)) const char *
find_in(struct str s, const struct needle *x, bool any_case)
{
    size_t n_starts = s.n - x->text.n + 1;

    for (size_t i = 0; i < n_starts; i += 64) {
        __m512i a = load(s.p + i, n_starts - i, any_case);
        __m512i b = load(s.p + i + x->text.n - 1, n_starts - i, any_case);
        __mmask64 hits = _mm512_cmpeq_epi8_mask(a, x->first) & first_bits(n_starts - i);
        /* without a branch between, which would be taken at random */
        for (hits &= _mm512_cmpeq_epi8_mask(b, x->last); hits; hits &= hits - 1) {
            const char *at = s.p + i + __builtin_ctzll(hits);
            if (x->text.n <= 2 || is_here(at, x, any_case))
                return at;
        }
    }
    return NULL;
}

AVX512 static const char *find_avx512(struct str s, struct str needle)
{
    struct needle x = needle_of(needle, false);
    return find_in(s, &x, false);
}

AVX512 static const char *find_any_case_avx512(struct str s, struct str needle)
{
    struct needle x = needle_of(needle, true);
    return find_in(s, &x, true);
}

AVX512 static void find_rows_avx512(uint32_t *at, const struct str *rows, size_t n,
                                    struct str needle)
{
    struct needle x = needle_of(needle, false);

    for (size_t i = 0; i < n; i++) {
        const char *hit = rows[i].n < needle.n ? NULL : find_in(rows[i], &x, false);
        at[i] = hit ? (uint32_t)(hit - rows[i].p) : TEXT_NOWHERE;
    }
}

AVX512 static void find_rows_any_case_avx512(uint32_t *at, const struct str *rows, size_t n,
                                             struct str needle)
{
    struct needle x = needle_of(needle, true);

    for (size_t i = 0; i < n; i++) {
        const char *hit = rows[i].n < needle.n ? NULL : find_in(rows[i], &x, true);
        at[i] = hit ? (uint32_t)(hit - rows[i].p) : TEXT_NOWHERE;
    }
}

AVX512 static size_t find_class_avx512(struct str s, const struct byte_class *class)
{
    __m512i low = _mm512_loadu_si512(class->has), high = _mm512_loadu_si512(class->has + 64);

    for (size_t i = 0; i < s.n; i += 64) {
        __mmask64 k = first_bits(s.n - i);
        __m512i v = _mm512_maskz_loadu_epi8(k, s.p + i);
        __mmask64 hits = _mm512_movepi8_mask(_mm512_permutex2var_epi8(low, v, high)) & k &
                         ~_mm512_movepi8_mask(v);
        if (hits)
            return i + (size_t)__builtin_ctzll(hits);
    }
    return s.n;
}

AVX512 static size_t class_runs_avx512(uint32_t *bounds, struct str s,
                                       const struct byte_class *class)
{
    __m512i low = _mm512_loadu_si512(class->has), high = _mm512_loadu_si512(class->has + 64);
    uint64_t inside = 0; /* the last byte of the block before was */
    size_t n = 0;

    for (size_t i = 0; i < s.n; i += 64) {
        __mmask64 k = first_bits(s.n - i);
        __m512i v = _mm512_maskz_loadu_epi8(k, s.p + i);
        uint64_t has = _mm512_movepi8_mask(_mm512_permutex2var_epi8(low, v, high)) & k &
                       ~_mm512_movepi8_mask(v);
        for (uint64_t edges = (has ^ (has << 1 | inside)) & k; edges; edges &= edges - 1)
            bounds[n++] = (uint32_t)i + (uint32_t)__builtin_ctzll(edges);
        inside = has >> 63;
    }
    bounds[n] = (uint32_t)s.n;
    return n + n % 2;
}

AVX512 static void swap_case_avx512(struct str *to, char *out, const struct str *rows, size_t n,
                                    char first)
{
    const __m512i from = _mm512_set1_epi8(first), more = _mm512_set1_epi8(25),
                  change = _mm512_set1_epi8(32);

    for (size_t i = 0; i < n; i++) {
        const char *p = rows[i].p;
        size_t n_bytes = rows[i].n;
        for (size_t k = 0; k < n_bytes; k += 64) {
            __m512i v = _mm512_maskz_loadu_epi8(first_bits(n_bytes - k), p + k);
            __mmask64 letters = _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, from), more);
            v = _mm512_mask_blend_epi8(letters, v, _mm512_xor_si512(v, change));
            _mm512_storeu_si512(out + k, v); /* the next row writes over what is too much */
        }
        to[i] = (struct str){out, n_bytes};
        out += n_bytes;
    }
}

AVX512 static bool is_ascii_avx512(struct str s)
{
    __m512i any = _mm512_setzero_si512();

    for (size_t i = 0; i < s.n; i += 64)
        any = _mm512_or_si512(any, _mm512_maskz_loadu_epi8(first_bits(s.n - i), s.p + i));
    return _mm512_movepi8_mask(any) == 0;
}

AVX512 static size_t count_starts_avx512(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i += 64) {
        __mmask64 k = first_bits(s.n - i);
        __m512i v = _mm512_maskz_loadu_epi8(k, s.p + i);
        /* as signed, 0x80 to 0xbf are the smallest */
        n += (size_t)__builtin_popcountll(
            _mm512_mask_cmpge_epi8_mask(k, v, _mm512_set1_epi8((char)0xc0)));
    }
    return n;
}

AVX512 static size_t count_byte_avx512(struct str s, char c)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i += 64) {
        __mmask64 k = first_bits(s.n - i);
        n += (size_t)__builtin_popcountll(_mm512_mask_cmpeq_epi8_mask(
            k, _mm512_maskz_loadu_epi8(k, s.p + i), _mm512_set1_epi8(c)));
    }
    return n;
}

const struct text_kernels text_avx512 = {
    .find = find_avx512,
    .find_any_case = find_any_case_avx512,
    .find_rows = find_rows_avx512,
    .find_rows_any_case = find_rows_any_case_avx512,
    .find_class = find_class_avx512,
    .class_runs = class_runs_avx512,
    .swap_case = swap_case_avx512,
    .is_ascii = is_ascii_avx512,
    .count_starts = count_starts_avx512,
    .count_byte = count_byte_avx512,
};

#endif
