/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of shapes in plain C: for machines without AVX2, and what the others are compared with. */
#include "codec/json_priv.h"

static size_t index_plain(const char *base, size_t *at, size_t n, uint32_t *out, size_t wanted)
{
    size_t count = 0, i = *at;
    while (i < n && count < wanted) {
        size_t stop = n - i < 64 ? n : i + 64;
        for (; i < stop; i++) {
            out[count] = (uint32_t)i;
            count += base[i] == '"' || base[i] == '\n' || base[i] == '\\';
        }
    }
    *at = i;
    return count;
}

static uint64_t compare_plain(const struct json_block *b, const struct json_literal *l, const char *text)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < b->n; k++) {
        const uint32_t *idx = b->idx + k * b->stride;
        uint32_t begin = idx[-1] + 1, room = idx[l->anchor] - begin;
        if (room < l->before || memcmp(b->base + begin + room - l->before, text + l->text, l->n) != 0)
            bad |= 1ULL << k;
    }
    return bad;
}

static uint64_t uints_plain(const struct json_block *b, const struct json_literal *l, uint64_t *out)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < b->n; k++) {
        uint32_t begin = json_value_begin(b, l, k), n = json_value_end(b, l, k) - begin;
        if (n > 16 || !fast_uint(b->base + begin, n, out + k)) {
            out[k] = 0;
            bad |= 1ULL << k;
        }
    }
    return bad;
}

static uint64_t doubles_plain(const struct json_block *b, const struct json_literal *l, double *out)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < b->n; k++) {
        uint32_t begin = json_value_begin(b, l, k), n = json_value_end(b, l, k) - begin;
        bad |= (uint64_t)(n - 1 >= 20 || !fast_double(b->base + begin, n, out + k)) << k;
    }
    return bad;
}

static uint64_t numbers_plain(const struct json_block *b, const struct json_literal *l)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < b->n; k++) {
        uint32_t begin = json_value_begin(b, l, k), n = json_value_end(b, l, k) - begin;
        int64_t mantissa;
        unsigned scale;
        bad |= (uint64_t)(n - 1 >= 20 || !fast_decimal(b->base + begin, n, &mantissa, &scale)) << k;
    }
    return bad;
}

const struct json_kernels json_kernels_plain = {
    .name = "plain",
    .index = index_plain,
    .compare = compare_plain,
    .uints = uints_plain,
    .doubles = doubles_plain,
    .numbers = numbers_plain,
};
