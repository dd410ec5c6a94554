/* SPDX-License-Identifier: Apache-2.0
 *
 * The twins of csv_index.c's loops for AVX2. */
#include "codec/csv_priv.h"

#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,popcnt,lzcnt")
#endif

struct masks {
    uint64_t ends, lines, special;
};

static inline uint64_t equal(__m256i low, __m256i high, __m256i c)
{
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, c));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, c));
    return a | (uint64_t)b << 32;
}

static inline struct masks look(const char *p, char delimiter, char special)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)p), high = _mm256_loadu_si256((const __m256i *)(p + 32));
    uint64_t lines = equal(low, high, _mm256_set1_epi8('\n'));
    return (struct masks){
        .ends = lines | equal(low, high, _mm256_set1_epi8(delimiter)),
        .lines = lines,
        .special = equal(low, high, _mm256_set1_epi8(special)),
    };
}

static inline void put(struct csv_scan *s, struct masks m, uint32_t base)
{
    uint32_t *out = s->ends + s->n_ends;

    s->n_ends += (size_t)_mm_popcnt_u64(m.ends);
    s->n_lines += (size_t)_mm_popcnt_u64(m.lines);
    while (m.ends) {
        *out++ = base + (uint32_t)_tzcnt_u64(m.ends);
        m.ends = _blsr_u64(m.ends);
    }
}

static void index_avx2(struct csv_scan *s)
{
    char last[64];

    while (s->at < s->n && s->n_ends < s->cap) {
        size_t room = s->n - s->at;
        const char *p = s->data + s->at;
        if (room < 64) {
            memset(last, 0, sizeof(last));
            memcpy(last, p, room);
            p = last;
        }
        struct masks m = look(p, s->delimiter, s->special);
        size_t length = room < 64 ? room : 64;
        if (room < 64) {
            uint64_t valid = ((uint64_t)1 << room) - 1;
            m = (struct masks){m.ends & valid, m.lines & valid, m.special & valid};
        }
        if (m.special) {
            length = (size_t)_tzcnt_u64(m.special);
            uint64_t below = _blsmsk_u64(m.special) >> 1;
            m.ends &= below;
            m.lines &= below;
        }
        put(s, m, (uint32_t)s->at);
        s->at += length;
        if (m.special)
            break;
    }
}


/* The plain loops for values work on eight bytes at a time already. */
static size_t integers_avx2(int64_t *out, const struct csv_cells *c, uint16_t *left)
{
    return csv_plain.integers(out, c, left);
}

static size_t floats_avx2(double *out, const struct csv_cells *c, uint16_t *left)
{
    return csv_plain.floats(out, c, left);
}

static bool narrow_avx2(float *out, const double *in, size_t n)
{
    return csv_plain.narrow(out, in, n);
}

static size_t addresses_avx2(uint32_t *out, const struct csv_cells *c, uint16_t *left)
{
    return csv_plain.addresses(out, c, left);
}

static size_t times_avx2(int64_t *out, const struct csv_cells *c, size_t from, const struct csv_time_shape *shape)
{
    return csv_plain.times(out, c, from, shape);
}

const struct csv_kernels csv_avx2 = {
    .name = "avx2", .index = index_avx2, .integers = integers_avx2, .floats = floats_avx2,
    .narrow = narrow_avx2, .addresses = addresses_avx2, .times = times_avx2,
};

#ifdef __clang__
#pragma clang attribute pop
#endif
