/* SPDX-License-Identifier: Apache-2.0 */
#include "source/quotes.h"

#include <stdint.h>
#include <string.h>

struct quotes_cut quotes_cut_plain(char delimiter, const char *data, size_t n)
{
    struct quotes_cut cut = {0, true};
    bool is_inside = false;
    char before = '\n';
    for (size_t i = 0; i < n; i++) {
        char c = data[i];
        if (c == '"') {
            if (!is_inside && before != delimiter && before != '\n' && before != '"') {
                cut.is_complete = false;
                break;
            }
            is_inside = !is_inside;
        } else if (c == '\n' && !is_inside) {
            cut.length = i + 1;
        }
        before = c;
    }
    return cut;
}

#if defined(__x86_64__)
#include <immintrin.h>

enum { BLOCK = 64 };

struct state {
    uint64_t inside;   /* all ones: within quotes before this block */
    uint64_t may_open; /* bit 0: a quote may open at the block's first byte */
};

__attribute__((target("avx2"))) static inline uint64_t equal_bits(__m256i low, __m256i high, char c)
{
    __m256i wanted = _mm256_set1_epi8(c);
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted));
    return a | (uint64_t)b << 32;
}

/* Bit i becomes the parity of bits 0..i. */
static inline uint64_t running_parity(uint64_t x)
{
    x ^= x << 1;
    x ^= x << 2;
    x ^= x << 4;
    x ^= x << 8;
    x ^= x << 16;
    x ^= x << 32;
    return x;
}

/* Line ends outside of quotes; false: a quote opens where none may. */
__attribute__((target("avx2"))) static inline bool take_block(struct state *s, char delimiter,
                                                              const char *p, uint64_t *line_ends)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)p),
            high = _mm256_loadu_si256((const __m256i *)(p + 32));
    uint64_t quotes = equal_bits(low, high, '"'), lines = equal_bits(low, high, '\n');
    uint64_t borders = equal_bits(low, high, delimiter) | lines | quotes;
    uint64_t inside = running_parity(quotes) ^ s->inside;
    uint64_t opening = quotes & inside, may_open = borders << 1 | s->may_open;
    *line_ends = lines & ~inside;
    if (opening & ~may_open)
        return false;
    s->inside = (uint64_t)((int64_t)inside >> 63);
    s->may_open = borders >> 63;
    return true;
}

__attribute__((target("avx2"))) static struct quotes_cut quotes_cut_avx2(char delimiter,
                                                                         const char *data, size_t n)
{
    struct quotes_cut cut = {0, true};
    struct state s = {0, 1};
    uint64_t line_ends;
    for (size_t at = 0; at < n; at += BLOCK) {
        char last[BLOCK] = {0};
        bool is_last = n - at < BLOCK;
        if (is_last)
            memcpy(last, data + at, n - at);
        if (!take_block(&s, delimiter, is_last ? last : data + at, &line_ends)) {
            cut.is_complete = false;
            break;
        }
        if (line_ends != 0)
            cut.length = at + 64 - (size_t)__builtin_clzll(line_ends);
    }
    return cut;
}

struct quotes_cut quotes_cut(char delimiter, const char *data, size_t n)
{
    return __builtin_cpu_supports("avx2") ? quotes_cut_avx2(delimiter, data, n)
                                          : quotes_cut_plain(delimiter, data, n);
}
#else
struct quotes_cut quotes_cut(char delimiter, const char *data, size_t n)
{
    return quotes_cut_plain(delimiter, data, n);
}
#endif
