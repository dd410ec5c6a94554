/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of shapes with AVX2: index and comparison; numbers are read eight characters at a
 * time as in plain C. */
#include "codec/json_priv.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,popcnt,bmi")))

AVX2 static inline uint32_t specials(const char *p)
{
    __m256i w = _mm256_loadu_si256((const __m256i *)p);
    __m256i found = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(w, _mm256_set1_epi8('"')),
                                                    _mm256_cmpeq_epi8(w, _mm256_set1_epi8('\n'))),
                                    _mm256_cmpeq_epi8(w, _mm256_set1_epi8('\\')));
    return (uint32_t)_mm256_movemask_epi8(found);
}

AVX2 static inline void put_positions(uint32_t *out, uint32_t at, uint64_t mask, size_t count)
{
    /* most blocks have no more; junk is overwritten */
    for (size_t i = 0; i < 8; i++, mask &= mask - 1)
        out[i] = at + (uint32_t)_tzcnt_u64(mask);
    if (__builtin_expect(count > 8, 0))
        for (size_t i = 8; i < count; i++, mask &= mask - 1)
            out[i] = at + (uint32_t)_tzcnt_u64(mask);
}

AVX2 static size_t index_avx2(const char *base, size_t *at, size_t n, uint32_t *out, size_t wanted)
{
    size_t count = 0, i = *at;
    for (; n - i >= 64 && count < wanted; i += 64) {
        uint64_t mask = specials(base + i) | (uint64_t)specials(base + i + 32) << 32;
        size_t more = (size_t)__builtin_popcountll(mask);
        put_positions(out + count, (uint32_t)i, mask, more);
        count += more;
    }
    if (n - i < 64 && count < wanted) {
        size_t more = json_kernels_plain.index(base, &i, n, out + count, wanted - count);
        count += more;
    }
    *at = i;
    return count;
}

/* Looks at 64 bytes for every piece: the caller keeps that room behind the record. */
AVX2 static uint64_t compare_avx2(const struct json_block *b, const struct json_shape *s,
                                  uint32_t (*at)[JSON_BLOCK])
{
    const size_t stride = b->stride, n_pieces = s->n_pieces;
    const uint32_t *idx = b->idx;
    uint64_t bad = 0;
    for (size_t k = 0; k < b->n; k++, idx += stride) {
        __m256i differs = _mm256_setzero_si256();
        for (size_t i = 0; i < n_pieces; i++) {
            const struct json_piece *piece = &s->pieces[i];
            uint32_t place = idx[piece->anchor] + (uint32_t)piece->shift;
            const __m256i *p = (const __m256i *)(b->base + place);
            const __m256i *want = (const __m256i *)(s->piece_text + 64 * i);
            const __m256i *mask = (const __m256i *)(s->piece_mask + 64 * i);
            __m256i w = _mm256_xor_si256(_mm256_loadu_si256(p), _mm256_loadu_si256(want));
            differs = _mm256_or_si256(differs, _mm256_and_si256(w, _mm256_loadu_si256(mask)));
            if (piece->lanes >> 32) {
                w = _mm256_xor_si256(_mm256_loadu_si256(p + 1), _mm256_loadu_si256(want + 1));
                differs =
                    _mm256_or_si256(differs, _mm256_and_si256(w, _mm256_loadu_si256(mask + 1)));
            }
            at[piece->literal][k] = place;
        }
        bool is_bad = !_mm256_testz_si256(differs, differs) || at[0][k] != idx[-1] + 1;
        bad |= (uint64_t)is_bad << k;
    }
    return bad;
}

static uint64_t uints(const struct spans *v, uint64_t out[JSON_BLOCK])
{
    return json_kernels_plain.uints(v, out);
}

static uint64_t doubles(const struct spans *v, double out[JSON_BLOCK])
{
    return json_kernels_plain.doubles(v, out);
}

static uint64_t floats(const struct spans *v, float out[JSON_BLOCK])
{
    return json_kernels_plain.floats(v, out);
}

static uint64_t ipv4s(const struct spans *v, uint32_t out[JSON_BLOCK])
{
    return json_kernels_plain.ipv4s(v, out);
}

static uint64_t numbers(const struct spans *v)
{
    return json_kernels_plain.numbers(v);
}

static void strings(const struct spans *v, struct str out[JSON_BLOCK])
{
    json_kernels_plain.strings(v, out);
}

const struct json_kernels json_kernels_avx2 = {
    .name = "avx2",
    .index = index_avx2,
    .compare = compare_avx2,
    .uints = uints,
    .doubles = doubles,
    .floats = floats,
    .ipv4s = ipv4s,
    .numbers = numbers,
    .times = time_shape_read,
    .strings = strings,
};
#endif
