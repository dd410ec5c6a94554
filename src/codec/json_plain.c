/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of shapes in plain C: for machines without AVX2, and what the others are compared
 * with. */
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

static uint64_t compare_literal(const struct json_block *b, const struct json_shape *s, size_t i,
                                uint32_t at[JSON_BLOCK])
{
    const struct json_literal *l = &s->literals[i];
    uint64_t bad = 0;
    for (size_t k = 0; k < b->n; k++) {
        const uint32_t *idx = b->idx + k * b->stride;
        uint32_t begin = idx[-1] + 1, room = idx[l->anchor] - begin;
        at[k] = begin + room - (room < l->before ? room : l->before);
        if (room < l->before || (i == 0 && at[k] != begin) ||
            memcmp(b->base + at[k], s->text.p + l->text, l->n) != 0)
            bad |= 1ULL << k;
    }
    for (size_t k = b->n; k < spans_padded(b->n); k++)
        at[k] = at[0];
    return bad;
}

uint64_t json_compare_anywhere(const struct json_block *b, const struct json_shape *s,
                               uint32_t (*at)[JSON_BLOCK])
{
    uint64_t bad = 0;
    for (size_t i = 0; i <= s->n_values; i++)
        bad |= compare_literal(b, s, i, at[i]);
    return bad;
}

static uint64_t uints_plain(const struct spans *v, uint64_t out[JSON_BLOCK])
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k++) {
        uint32_t begin = v->begin[k] + v->skip;
        bad |= (uint64_t)!fast_uint(v->base + begin, v->end[k] - begin, out + k) << k;
    }
    return bad;
}

static uint64_t doubles_plain(const struct spans *v, double out[JSON_BLOCK])
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k++) {
        uint32_t begin = v->begin[k] + v->skip;
        out[k] = 0;
        bad |= (uint64_t)!fast_double(v->base + begin, v->end[k] - begin, out + k) << k;
    }
    return bad;
}

static uint64_t floats_plain(const struct spans *v, float out[JSON_BLOCK])
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k++) {
        uint32_t begin = v->begin[k] + v->skip;
        out[k] = 0;
        bad |= (uint64_t)!fast_float(v->base + begin, v->end[k] - begin, out + k) << k;
    }
    return bad;
}

static uint64_t ipv4s_plain(const struct spans *v, uint32_t out[JSON_BLOCK])
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k++) {
        uint32_t begin = v->begin[k] + v->skip;
        out[k] = 0;
        bad |= (uint64_t)!fast_ipv4(v->base + begin, v->end[k] - begin, out + k) << k;
    }
    return bad;
}

static uint64_t numbers_plain(const struct spans *v)
{
    uint64_t bad = 0;
    for (size_t k = 0; k < v->n; k++) {
        uint32_t begin = v->begin[k] + v->skip;
        int64_t mantissa;
        unsigned scale;
        bad |= (uint64_t)!fast_decimal(v->base + begin, v->end[k] - begin, &mantissa, &scale) << k;
    }
    return bad;
}

static void strings_plain(const struct spans *v, struct str out[JSON_BLOCK])
{
    const struct spans s = *v;
    for (size_t k = 0; k < s.n; k++) {
        uint32_t begin = s.begin[k] + s.skip;
        out[k] = (struct str){s.base + begin, s.end[k] - begin};
    }
}

const struct json_kernels json_kernels_plain = {
    .name = "plain",
    .index = index_plain,
    .compare = json_compare_anywhere,
    .uints = uints_plain,
    .doubles = doubles_plain,
    .floats = floats_plain,
    .ipv4s = ipv4s_plain,
    .numbers = numbers_plain,
    .times = time_shape_read,
    .strings = strings_plain,
};
