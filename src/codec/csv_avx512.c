/* SPDX-License-Identifier: Apache-2.0
 *
 * The twins of csv_index.c's loops for AVX-512: the index and times; other values are read by
 * spans_avx512.h. */
#include "codec/csv_priv.h"
#include "codec/csv_quotes.h"
#include "codec/spans_avx512.h"

static const uint8_t byte_numbers[64] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

/* One compress of byte numbers, widened: the positions of a block's bits. Writes 16 or 64
 * entries. */
AVX512 static inline void put_positions(uint32_t *out, __mmask64 m, unsigned n, uint32_t base,
                                        __m512i numbers)
{
    __m512i packed = _mm512_maskz_compress_epi8(m, numbers), add = _mm512_set1_epi32((int)base);

    _mm512_storeu_si512(
        out, _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
    if (__builtin_expect(n > 16, false)) {
        _mm512_storeu_si512(
            out + 16,
            _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 1))));
        _mm512_storeu_si512(
            out + 32,
            _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 2))));
        _mm512_storeu_si512(
            out + 48,
            _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 3))));
    }
}

/* Bytes of the block that count when it is stopped at `stop`; see csv_quotes_step. */
static inline uint64_t below(int stop)
{
    return stop <= 0 ? 0 : ~(uint64_t)0 >> (64 - stop);
}

/* Whole blocks up to one with a special character. Answers whether the last one ended with an
 * end. */
AVX512 static uint64_t index_usual(struct csv_scan *s)
{
    const __m512i delimiter = _mm512_set1_epi8(s->delimiter), line = _mm512_set1_epi8('\n'),
                  special = _mm512_set1_epi8(s->special),
                  numbers = _mm512_loadu_si512(byte_numbers);
    const char *data = s->data;
    uint32_t *out = s->ends + s->n_ends, *const most = s->ends + s->cap;
    size_t at = s->at, n_lines = s->n_lines;
    uint64_t ends = (uint64_t)1 << 63;

    for (; s->n - at >= 64 && out < most; at += 64) {
        __m512i w = _mm512_loadu_si512(data + at);
        __mmask64 lines = _mm512_cmpeq_epi8_mask(w, line),
                  quotes = _mm512_cmpeq_epi8_mask(w, special);
        if (__builtin_expect(quotes != 0, false))
            break;
        ends = _mm512_cmpeq_epi8_mask(w, delimiter) | lines;
        unsigned n = (unsigned)_mm_popcnt_u64(ends);
        put_positions(out, ends, n, (uint32_t)at, numbers);
        out += n;
        n_lines += (size_t)_mm_popcnt_u64(lines);
    }
    s->at = at;
    s->n_ends = (size_t)(out - s->ends);
    s->n_lines = n_lines;
    return ends >> 63;
}

AVX512 static void index_avx512(struct csv_scan *s)
{
    struct csv_quotes quotes = {.may_open = index_usual(s)};
    const __m512i delimiter = _mm512_set1_epi8(s->delimiter), line = _mm512_set1_epi8('\n'),
                  special = _mm512_set1_epi8(s->special), ret = _mm512_set1_epi8('\r'),
                  numbers = _mm512_loadu_si512(byte_numbers);
    size_t at = s->at, n_ends = s->n_ends, n_lines = s->n_lines;
    int stop = 64;

    while (at < s->n && n_ends < s->cap && stop == 64) {
        size_t room = s->n - at;
        __mmask64 valid = room < 64 ? ((uint64_t)1 << room) - 1 : ~(uint64_t)0;
        __m512i w = _mm512_maskz_loadu_epi8(valid, s->data + at);
        struct csv_block b = {.lines = _mm512_mask_cmpeq_epi8_mask(valid, w, line),
                              .quotes = _mm512_mask_cmpeq_epi8_mask(valid, w, special)};
        b.ends = _mm512_mask_cmpeq_epi8_mask(valid, w, delimiter) | b.lines;
        if (__builtin_expect((b.quotes | quotes.inside) != 0 || quotes.is_closing, false)) {
            s->has_special = true;
            b.returns = _mm512_mask_cmpeq_epi8_mask(valid, w, ret);
            stop = s->special == '"' ? csv_quotes_step(&quotes, &b, at) : (int)_tzcnt_u64(b.quotes);
            b.ends &= below(stop);
            b.lines &= below(stop);
        } else {
            quotes.may_open = b.ends >> 63;
        }
        unsigned n = (unsigned)_mm_popcnt_u64(b.ends);
        put_positions(s->ends + n_ends, b.ends, n, (uint32_t)at, numbers);
        n_ends += n;
        n_lines += (size_t)_mm_popcnt_u64(b.lines);
        at = stop == 64 ? at + (room < 64 ? room : 64) : at + (size_t)(int64_t)stop;
    }
    if (stop == 64 && at >= s->n && quotes.inside)
        at = quotes.open_at;
    s->at = at;
    s->n_ends = n_ends;
    s->n_lines = n_lines;
}

/* Rows of cells from `from` on. */
static struct spans spans_of(const struct csv_cells *c, size_t from)
{
    size_t n = c->n - from < SPANS_MAX ? c->n - from : SPANS_MAX;
    return (struct spans){
        .base = c->data, .begin = c->prev + from, .end = c->ends + from, .skip = 1, .n = n};
}

static size_t leave(uint16_t *left, size_t n_left, uint64_t rows, size_t from)
{
    for (; rows; rows &= rows - 1)
        left[n_left++] = (uint16_t)(from + (size_t)__builtin_ctzll(rows));
    return n_left;
}

/* Four rows of four become four columns of four, in each quarter. */
AVX512 static inline void turn_four(__m512i out[4], __m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i ab_low = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
    __m512i cd_low = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);

    out[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
    out[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
    out[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
    out[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

/* Sixteen rows of sixteen; as many columns as are wanted. */
AVX512 static inline void turn_sixteen(uint32_t (*out)[CSV_COLUMN_ROOM],
                                       const uint32_t *const rows[16], size_t n_columns)
{
    __m512i q[4][4]; /* q[i][c]: rows 4i to 4i + 3 of columns c, c + 4, c + 8, c + 12 */

    for (size_t i = 0; i < 4; i++)
        turn_four(q[i], _mm512_loadu_si512(rows[4 * i]), _mm512_loadu_si512(rows[4 * i + 1]),
                  _mm512_loadu_si512(rows[4 * i + 2]), _mm512_loadu_si512(rows[4 * i + 3]));
    for (size_t c = 0; c < 4 && c < n_columns; c++) {
        __m512i a = _mm512_shuffle_i32x4(q[0][c], q[1][c], 0x88),
                b = _mm512_shuffle_i32x4(q[2][c], q[3][c], 0x88);
        __m512i d = _mm512_shuffle_i32x4(q[0][c], q[1][c], 0xdd),
                e = _mm512_shuffle_i32x4(q[2][c], q[3][c], 0xdd);
        _mm512_storeu_si512(out[c], _mm512_shuffle_i32x4(a, b, 0x88));
        _mm512_storeu_si512(out[c + 4], _mm512_shuffle_i32x4(d, e, 0x88));
        if (c + 8 >= n_columns)
            continue;
        _mm512_storeu_si512(out[c + 8], _mm512_shuffle_i32x4(a, b, 0xdd));
        _mm512_storeu_si512(out[c + 12], _mm512_shuffle_i32x4(d, e, 0xdd));
    }
}

AVX512 static void columns_avx512(uint32_t (*out)[CSV_COLUMN_ROOM], const uint32_t *ends,
                                  size_t width, size_t n_rows, size_t n_columns)
{
    for (size_t r = 0; r < n_rows; r += 16) {
        const uint32_t *rows[16];
        for (size_t i = 0; i < 16; i++)
            rows[i] = ends + (r + i < n_rows ? r + i : r) * width;
        turn_sixteen((uint32_t(*)[CSV_COLUMN_ROOM])(out[0] + r), rows, n_columns);
    }
}

AVX512 static size_t integers_avx512(int64_t *out, const struct csv_cells *c, uint16_t *left)
{
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r += SPANS_MAX) {
        struct spans v = spans_of(c, r);
        n_left = leave(left, n_left, spans_integers(&v, out + r, c->takes_minus), r);
    }
    return n_left;
}

AVX512 static size_t doubles_avx512(double *out, const struct csv_cells *c, uint16_t *left)
{
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r += SPANS_MAX) {
        struct spans v = spans_of(c, r);
        n_left = leave(left, n_left, spans_doubles(&v, out + r), r);
    }
    return n_left;
}

AVX512 static size_t floats_avx512(float *out, const struct csv_cells *c, uint16_t *left)
{
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r += SPANS_MAX) {
        struct spans v = spans_of(c, r);
        n_left = leave(left, n_left, spans_floats(&v, out + r), r);
    }
    return n_left;
}

AVX512 static size_t addresses_avx512(uint32_t *out, const struct csv_cells *c, uint16_t *left)
{
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r += SPANS_MAX) {
        struct spans v = spans_of(c, r);
        n_left = leave(left, n_left, spans_ipv4s(&v, out + r), r);
    }
    return n_left;
}

AVX512 static size_t times_avx512(int64_t *out, const struct spans *v, size_t from,
                                  const struct time_shape *shape)
{
    return spans_times(v, from, shape, out);
}

AVX512 static void strings_avx512(struct str *out, const struct csv_cells *c)
{
    struct spans v = {.base = c->data, .begin = c->prev, .end = c->ends, .skip = 1, .n = c->n};
    spans_strings(&v, out);
}

const struct csv_kernels csv_avx512 = {
    .name = "avx512",
    .index = index_avx512,
    .columns = columns_avx512,
    .integers = integers_avx512,
    .doubles = doubles_avx512,
    .floats = floats_avx512,
    .addresses = addresses_avx512,
    .times = times_avx512,
    .strings = strings_avx512,
};
