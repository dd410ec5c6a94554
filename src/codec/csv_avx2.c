/* SPDX-License-Identifier: Apache-2.0
 *
 * The twins of csv_index.c's loops for AVX2. */
#include "codec/csv_priv.h"
#include "codec/csv_quotes.h"

#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt"))),                \
                             apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,popcnt,lzcnt")
#endif

static inline uint64_t equal(__m256i low, __m256i high, char c)
{
    __m256i all = _mm256_set1_epi8(c);
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all));
    return a | (uint64_t)b << 32;
}

static inline void put(struct csv_scan *s, uint64_t ends, uint64_t lines)
{
    uint32_t *out = s->ends + s->n_ends, base = (uint32_t)s->at;

    s->n_ends += (size_t)_mm_popcnt_u64(ends);
    s->n_lines += (size_t)_mm_popcnt_u64(lines);
    while (ends) {
        *out++ = base + (uint32_t)_tzcnt_u64(ends);
        ends = _blsr_u64(ends);
    }
}

static void index_avx2(struct csv_scan *s)
{
    struct csv_quotes quotes = {.may_open = 1};
    char last[64] = {0};
    int stop = 64;

    while (s->at < s->n && s->n_ends < s->cap && stop == 64) {
        size_t room = s->n - s->at;
        const char *p = s->data + s->at;
        uint64_t valid = room < 64 ? ((uint64_t)1 << room) - 1 : ~(uint64_t)0;
        if (room < 64)
            p = memcpy(last, p, room);
        __m256i low = _mm256_loadu_si256((const __m256i *)p),
                high = _mm256_loadu_si256((const __m256i *)(p + 32));
        struct csv_block b = {.lines = equal(low, high, '\n') & valid,
                              .quotes = equal(low, high, s->special) & valid};
        b.ends = (equal(low, high, s->delimiter) & valid) | b.lines;
        if (__builtin_expect((b.quotes | quotes.inside) != 0 || quotes.is_closing, false)) {
            s->has_special = true;
            b.returns = equal(low, high, '\r') & valid;
            stop =
                s->special == '"' ? csv_quotes_step(&quotes, &b, s->at) : (int)_tzcnt_u64(b.quotes);
            uint64_t counts = stop <= 0 ? 0 : ~(uint64_t)0 >> (64 - stop);
            b.ends &= counts;
            b.lines &= counts;
        } else {
            quotes.may_open = b.ends >> 63;
        }
        put(s, b.ends, b.lines);
        s->at = stop == 64 ? s->at + (room < 64 ? room : 64) : s->at + (size_t)(int64_t)stop;
    }
    if (stop == 64 && s->at >= s->n && quotes.inside)
        s->at = quotes.open_at;
}

/* The plain loops for values work on eight bytes at a time already. */
static void columns_avx2(uint32_t (*out)[CSV_COLUMN_ROOM], const uint32_t *ends, size_t width,
                         size_t n_rows, size_t n_columns)
{
    csv_plain.columns(out, ends, width, n_rows, n_columns);
}

static size_t integers_avx2(int64_t *out, const struct csv_cells *c, uint16_t *left)
{
    return csv_plain.integers(out, c, left);
}

static size_t doubles_avx2(double *out, const struct csv_cells *c, uint16_t *left)
{
    return csv_plain.doubles(out, c, left);
}

static size_t floats_avx2(float *out, const struct csv_cells *c, uint16_t *left)
{
    return csv_plain.floats(out, c, left);
}

static size_t addresses_avx2(uint32_t *out, const struct csv_cells *c, uint16_t *left)
{
    return csv_plain.addresses(out, c, left);
}

static void strings_avx2(struct str *out, const struct csv_cells *c)
{
    csv_plain.strings(out, c);
}

const struct csv_kernels csv_avx2 = {
    .name = "avx2",
    .index = index_avx2,
    .columns = columns_avx2,
    .integers = integers_avx2,
    .doubles = doubles_avx2,
    .floats = floats_avx2,
    .addresses = addresses_avx2,
    .times = time_shape_read,
    .strings = strings_avx2,
};

#ifdef __clang__
#pragma clang attribute pop
#endif
