/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain twins of text_avx512.c (16 bytes at a time where every x86-64 can), and the choice. */
#include "expr/text_wide.h"

#include <string.h>

#include "codec/spans_avx512.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const char *find_from(struct str s, struct str needle, size_t from)
{
    size_t n_starts = s.n - needle.n + 1;

    for (size_t i = from; i < n_starts; i++) {
        const char *hit = memchr(s.p + i, needle.p[0], n_starts - i);
        if (hit == NULL)
            return NULL;
        if (memcmp(hit, needle.p, needle.n) == 0)
            return hit;
        i = (size_t)(hit - s.p);
    }
    return NULL;
}

/* Compares the first and the last byte of the needle at 16 places at once and only then the rest.
 * Texts are short, so there is no table to prepare. */
static const char *find_plain(struct str s, struct str needle)
{
    size_t i = 0;

    if (needle.n == 1)
        return memchr(s.p, needle.p[0], s.n);
#ifdef __SSE2__
    size_t n_starts = s.n - needle.n + 1;
    __m128i first = _mm_set1_epi8(needle.p[0]), last = _mm_set1_epi8(needle.p[needle.n - 1]);
    for (; i + 16 <= n_starts; i += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(s.p + i));
        __m128i b = _mm_loadu_si128((const __m128i *)(s.p + i + needle.n - 1));
        unsigned hits = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last)));
        for (; hits; hits &= hits - 1) {
            const char *at = s.p + i + __builtin_ctz(hits);
            if (memcmp(at, needle.p, needle.n) == 0)
                return at;
        }
    }
#endif
    return find_from(s, needle, i);
}

static const char *find_any_case_plain(struct str s, struct str needle)
{
    size_t i = 0, n_starts = s.n - needle.n + 1;
#ifdef __SSE2__
    char head = needle.p[0], tail = needle.p[needle.n - 1];
    __m128i low_a = _mm_set1_epi8(lower_ascii(head)), up_a = _mm_set1_epi8(upper_ascii(head));
    __m128i low_b = _mm_set1_epi8(lower_ascii(tail)), up_b = _mm_set1_epi8(upper_ascii(tail));
    for (; i + 16 <= n_starts; i += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(s.p + i));
        __m128i b = _mm_loadu_si128((const __m128i *)(s.p + i + needle.n - 1));
        __m128i hit_a = _mm_or_si128(_mm_cmpeq_epi8(a, low_a), _mm_cmpeq_epi8(a, up_a));
        __m128i hit_b = _mm_or_si128(_mm_cmpeq_epi8(b, low_b), _mm_cmpeq_epi8(b, up_b));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_and_si128(hit_a, hit_b));
        for (; hits; hits &= hits - 1) {
            const char *at = s.p + i + __builtin_ctz(hits);
            if (same_any_case(at, needle.p, needle.n))
                return at;
        }
    }
#endif
    for (; i < n_starts; i++)
        if (same_any_case(s.p + i, needle.p, needle.n))
            return s.p + i;
    return NULL;
}

static void find_rows_plain(uint32_t *at, const struct str *rows, size_t n, struct str needle)
{
    for (size_t i = 0; i < n; i++) {
        const char *hit = rows[i].n < needle.n ? NULL : find_plain(rows[i], needle);
        at[i] = hit ? (uint32_t)(hit - rows[i].p) : TEXT_NOWHERE;
    }
}

static void find_rows_any_case_plain(uint32_t *at, const struct str *rows, size_t n,
                                     struct str needle)
{
    for (size_t i = 0; i < n; i++) {
        const char *hit = rows[i].n < needle.n ? NULL : find_any_case_plain(rows[i], needle);
        at[i] = hit ? (uint32_t)(hit - rows[i].p) : TEXT_NOWHERE;
    }
}

static size_t find_class_plain(struct str s, const struct byte_class *class)
{
    for (size_t i = 0; i < s.n; i++)
        if (class->has[(uint8_t)s.p[i]])
            return i;
    return s.n;
}

static size_t class_runs_plain(uint32_t *bounds, struct str s, const struct byte_class *class)
{
    uint8_t inside = 0;
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        uint8_t has = class->has[(uint8_t)s.p[i]];
        bounds[n] = (uint32_t)i;
        n += has != inside;
        inside = has;
    }
    bounds[n] = (uint32_t)s.n;
    return n + n % 2;
}

static void swap_case_plain(struct str *to, char *out, const struct str *rows, size_t n, char first)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rows[i].n; k++) {
            char c = rows[i].p[k];
            out[k] = c >= first && c <= first + 25 ? (char)(c ^ 32) : c;
        }
        to[i] = (struct str){out, rows[i].n};
        out += rows[i].n;
    }
}

static bool is_ascii_plain(struct str s)
{
    uint64_t any = 0, word;
    size_t i = 0;

    for (; i + 8 <= s.n; i += 8) {
        memcpy(&word, s.p + i, 8);
        any |= word;
    }
    for (; i < s.n; i++)
        any |= (uint8_t)s.p[i];
    return (any & 0x8080808080808080ULL) == 0;
}

static size_t count_starts_plain(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
    return n;
}

static size_t count_byte_plain(struct str s, char c)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

const struct text_kernels text_plain = {
    .find = find_plain,
    .find_any_case = find_any_case_plain,
    .find_rows = find_rows_plain,
    .find_rows_any_case = find_rows_any_case_plain,
    .find_class = find_class_plain,
    .class_runs = class_runs_plain,
    .swap_case = swap_case_plain,
    .is_ascii = is_ascii_plain,
    .count_starts = count_starts_plain,
    .count_byte = count_byte_plain,
};

const struct text_kernels *text_best = &text_plain;

bool text_kernels_is_usable(const struct text_kernels *k)
{
#if defined(__x86_64__)
    if (k == &text_avx512) {
        __builtin_cpu_init();
        return avx512_is_usable();
    }
#endif
    return k == &text_plain;
}

#if defined(__x86_64__)
__attribute__((constructor)) static void choose(void)
{
    if (text_kernels_is_usable(&text_avx512))
        text_best = &text_avx512;
}
#endif
