/* SPDX-License-Identifier: Apache-2.0
 *
 * The twins of csv_index.c's loops for AVX-512 (BW, DQ, VL, VBMI2, VPOPCNTDQ). Numbers are read four rows
 * at a time: the 16 bytes up to a cell's end are a lane, and a mask says which of them are the cell's. */
#include "codec/csv_priv.h"
#include "codec/csv_quotes.h"

#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(                                                                      \
    __attribute__((target(                                                                         \
        "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,avx512vpopcntdq,bmi,bmi2,popcnt,lzcnt"))), \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,avx512vpopcntdq,bmi,bmi2,popcnt,lzcnt")
#endif

static const uint8_t byte_numbers[64] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

/* One compress of byte numbers, widened: the positions of a block's bits. Writes 16 or 64 entries. */
static inline void put_positions(uint32_t *out, __mmask64 m, unsigned n, uint32_t base, __m512i numbers)
{
    __m512i packed = _mm512_maskz_compress_epi8(m, numbers), add = _mm512_set1_epi32((int)base);

    _mm512_storeu_si512(out, _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
    if (__builtin_expect(n > 16, false)) {
        _mm512_storeu_si512(out + 16,
                            _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 1))));
        _mm512_storeu_si512(out + 32,
                            _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 2))));
        _mm512_storeu_si512(out + 48,
                            _mm512_add_epi32(add, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 3))));
    }
}

/* Bytes of the block that count when it is stopped at `stop`; see csv_quotes_step. */
static inline uint64_t below(int stop)
{
    return stop <= 0 ? 0 : ~(uint64_t)0 >> (64 - stop);
}

static void index_avx512(struct csv_scan *s)
{
    const __m512i delimiter = _mm512_set1_epi8(s->delimiter), line = _mm512_set1_epi8('\n'),
                  special = _mm512_set1_epi8(s->special), ret = _mm512_set1_epi8('\r'),
                  numbers = _mm512_loadu_si512(byte_numbers);
    size_t at = s->at, n_ends = s->n_ends, n_lines = s->n_lines;
    struct csv_quotes quotes = {.may_open = 1};
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

/* 16 digits, high first, to a number. */
static inline uint64_t number16(__m128i digits)
{
    __m128i w = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    w = _mm_madd_epi16(w, _mm_set1_epi32(0x00010064));
    w = _mm_packus_epi32(w, w);
    w = _mm_madd_epi16(w, _mm_set1_epi32(0x00012710));
    uint64_t v = (uint64_t)_mm_cvtsi128_si64(w);
    return (v & 0xffffffff) * 100000000 + (v >> 32);
}

/* The same for the four lanes. */
static inline __m256i numbers16(__m512i digits)
{
    __m512i w = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a));
    w = _mm512_madd_epi16(w, _mm512_set1_epi32(0x00010064));
    w = _mm512_packus_epi32(w, w);
    w = _mm512_madd_epi16(w, _mm512_set1_epi32(0x00012710));
    w = _mm512_add_epi64(_mm512_mul_epu32(w, _mm512_set1_epi64(100000000)), _mm512_srli_epi64(w, 32));
    const __m512i firsts = _mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6);
    return _mm512_castsi512_si256(_mm512_permutexvar_epi64(firsts, w));
}

/* Four cells, each the last bytes of a 16-byte lane. Masks have a bit a byte, so 16 bits a lane; `text` is
 * the cell without a sign. A cell that is empty or longer than 16 bytes has an empty or full `text`. */
struct four {
    __m512i bytes;
    uint64_t text, first; /* first = the first byte of `text` */
    uint64_t minus;
    unsigned is_long;     /* a bit a lane */
};

static const uint64_t not_lane_starts = 0xfffefffefffefffe, lane_starts = 0x0001000100010001;

static inline __m512i load_four(const char *data, const uint32_t *ends, size_t stride)
{
    __m512i w = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(data + ends[0]) - 1));
    w = _mm512_inserti32x4(w, _mm_loadu_si128((const __m128i *)(data + ends[stride]) - 1), 1);
    w = _mm512_inserti32x4(w, _mm_loadu_si128((const __m128i *)(data + ends[2 * stride]) - 1), 2);
    return _mm512_inserti32x4(w, _mm_loadu_si128((const __m128i *)(data + ends[3 * stride]) - 1), 3);
}

static inline struct four take_four(const struct csv_cells *c, size_t r, bool takes_minus)
{
    const uint32_t *ends = c->ends + r * c->stride, *prev = c->prev + r * c->prev_stride;
    size_t stride = c->stride, prev_stride = c->prev_stride;
    const __m512i places = _mm512_broadcast_i32x4(_mm_setr_epi8(16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1));
    const __m512i spread = _mm512_setr_epi32(0, 0, 0, 0, 0x04040404, 0x04040404, 0x04040404, 0x04040404, 0x08080808,
                                             0x08080808, 0x08080808, 0x08080808, 0x0c0c0c0c, 0x0c0c0c0c, 0x0c0c0c0c,
                                             0x0c0c0c0c);
    __m128i end = _mm_setr_epi32((int)ends[0], (int)ends[stride], (int)ends[2 * stride], (int)ends[3 * stride]);
    __m128i before = _mm_setr_epi32((int)prev[0], (int)prev[prev_stride], (int)prev[2 * prev_stride],
                                    (int)prev[3 * prev_stride]);
    __m128i n = _mm_sub_epi32(_mm_sub_epi32(end, before), _mm_set1_epi32(1));
    struct four f = {.bytes = load_four(c->data, ends, stride)};
    f.is_long = _mm_cmpgt_epu32_mask(n, _mm_set1_epi32(16));
    n = _mm_min_epu32(n, _mm_set1_epi32(16));
    __m512i lengths = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(n), spread);
    f.text = _mm512_cmpge_epu8_mask(lengths, places);
    f.first = f.text & ~(f.text << 1 & not_lane_starts);
    if (takes_minus) {
        f.minus = _mm512_mask_cmpeq_epi8_mask(f.first, f.bytes, _mm512_set1_epi8('-'));
        f.text &= ~f.minus;
        f.first = f.text & ~(f.text << 1 & not_lane_starts);
    }
    return f;
}

/* A bit a lane: which of the four 16-bit fields are not zero. */
static inline unsigned fields_set(uint64_t m)
{
    __m128i v = _mm_cvtsi64_si128((long long)m);
    return _mm_test_epi16_mask(v, v) & 15;
}

static inline size_t leave(uint16_t *left, size_t n_left, unsigned lanes, size_t r)
{
    for (; lanes; lanes &= lanes - 1)
        left[n_left++] = (uint16_t)(r + _tzcnt_u32(lanes));
    return n_left;
}

/* Rows from 0 on that the wide loops must not take: the 16 bytes before their cell's end may lie before
 * the input. */
static size_t first_wide_row(const struct csv_cells *c)
{
    size_t r = 0;

    while (r < c->n && c->ends[r * c->stride] < 16)
        r++;
    return r;
}

static struct csv_cells cells_of(const struct csv_cells *c, size_t from, size_t n)
{
    struct csv_cells part = *c;

    part.ends += from * c->stride;
    part.prev += from * c->prev_stride;
    part.n = n;
    return part;
}

/* The plain loop for some rows. */
#define NARROWLY(kernel, from, count)                                                              \
    do {                                                                                           \
        struct csv_cells part = cells_of(c, (from), (count));                                      \
        size_t more = csv_plain.kernel(out + (from), &part, left + n_left);                        \
        for (size_t i = 0; i < more; i++)                                                          \
            left[n_left + i] = (uint16_t)(left[n_left + i] + (from));                              \
        n_left += more;                                                                            \
    } while (0)

static size_t integers_avx512(int64_t *out, const struct csv_cells *c, uint16_t *left)
{
    size_t n_left = 0, r = first_wide_row(c);

    NARROWLY(integers, 0, r);
    for (; r + 4 <= c->n; r += 4) {
        struct four f = take_four(c, r, c->takes_minus);
        __m512i digits = _mm512_maskz_sub_epi8(f.text, f.bytes, _mm512_set1_epi8('0'));
        uint64_t bad = _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9));
        __m256i v = numbers16(digits);
        if (c->takes_minus)
            v = _mm256_mask_sub_epi64(v, (__mmask8)fields_set(f.minus), _mm256_setzero_si256(), v);
        _mm256_storeu_si256((__m256i *)(out + r), v);
        unsigned lanes = fields_set(bad) | (fields_set(f.text) ^ 15) | f.is_long;
        if (__builtin_expect(lanes != 0, false))
            n_left = leave(left, n_left, lanes, r);
    }
    NARROWLY(integers, r, c->n - r);
    return n_left;
}

/* Divisors by one more than the place of the dot in its lane; 0 = no dot. */
static const double divisors_of[16] = {1,   1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9,
                                       1e8, 1e7,  1e6,  1e5,  1e4,  1e3,  1e2,  1e1};

/* No branch depends on the text: lengths and dots of real columns are not to be foreseen. */
static size_t floats_avx512(double *out, const struct csv_cells *c, uint16_t *left)
{
    const __m512d low = _mm512_loadu_pd(divisors_of), high = _mm512_loadu_pd(divisors_of + 8);
    size_t n_left = 0, r = first_wide_row(c);

    NARROWLY(floats, 0, r);
    for (; r + 4 <= c->n; r += 4) {
        struct four f = take_four(c, r, true);
        uint64_t dots = _mm512_mask_cmpeq_epi8_mask(f.text, f.bytes, _mm512_set1_epi8('.'));
        __m512i digits = _mm512_maskz_sub_epi8(f.text & ~dots, f.bytes, _mm512_set1_epi8('0'));
        uint64_t bad = _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9));
        /* a dot has digits on both sides */
        bad |= (dots & 0x8000800080008000) | (dots & f.first);
        dots &= 0x7fff7fff7fff7fff;
        uint64_t has_dot = (dots + 0x7fff7fff7fff7fff) >> 15 & lane_starts;
        bad |= dots & (dots - has_dot); /* more than one */
        uint64_t before_dot = (dots << 1) - has_dot;
        digits = _mm512_mask_mov_epi8(digits, before_dot, _mm512_bslli_epi128(digits, 1));
        __m256d v = _mm256_cvtepi64_pd(numbers16(digits));
        __m256i place = _mm256_popcnt_epi64(_mm256_cvtepu16_epi64(_mm_cvtsi64_si128((long long)before_dot)));
        __m512d by = _mm512_permutex2var_pd(low, _mm512_castsi256_si512(place), high);
        v = _mm256_div_pd(v, _mm512_castpd512_pd256(by));
        v = _mm256_mask_xor_pd(v, (__mmask8)fields_set(f.minus), v, _mm256_set1_pd(-0.0));
        _mm256_storeu_pd(out + r, v);
        unsigned lanes = fields_set(bad) | (fields_set(f.text) ^ 15) | f.is_long;
        if (__builtin_expect(lanes != 0, false))
            n_left = leave(left, n_left, lanes, r);
    }
    NARROWLY(floats, r, c->n - r);
    return n_left;
}

static bool narrow_avx512(float *out, const double *in, size_t n)
{
    const __m512i low = _mm512_set1_epi64(0x1fffffff), middle = _mm512_set1_epi64(0x10000000);
    unsigned has_middle = 0;

    for (size_t i = 0; i < n; i += 8) {
        __mmask8 k = n - i < 8 ? (__mmask8)((1u << (n - i)) - 1) : 0xff;
        __m512d v = _mm512_maskz_loadu_pd(k, in + i);
        has_middle |= _mm512_cmpeq_epi64_mask(_mm512_and_si512(_mm512_castpd_si512(v), low), middle);
        _mm256_mask_storeu_ps(out + i, k, _mm512_cvtpd_ps(v));
    }
    return has_middle;
}

/* Where the digits of a.b.c.d go, by the places of the dots in a lane whose text ends it: 27 patterns, for
 * the first number takes all that lies before the first dot. `length` = bytes from that dot on. */
struct dot_pattern {
    uint8_t order[16]; /* each number ends its own four bytes; 128 = nothing */
    uint8_t length;
};

static struct dot_pattern patterns[28]; /* 0 = none: a length that no text has */
static uint8_t pattern_by_dots[2048];   /* of the dots' bits from the fifth byte of the lane */

/* Before main, for the tables belong to the code. */
__attribute__((constructor)) static void make_patterns(void)
{
    unsigned n_patterns = 1;

    patterns[0].length = 255;
    for (unsigned n1 = 1; n1 <= 3; n1++) {
        for (unsigned n2 = 1; n2 <= 3; n2++) {
            for (unsigned n3 = 1; n3 <= 3; n3++) {
                struct dot_pattern *p = &patterns[n_patterns];
                unsigned third = 15 - n3, second = third - 1 - n2, first = second - 1 - n1;
                unsigned ends[4] = {first, second, third, 16}, sizes[4] = {3, n1, n2, n3};
                memset(p->order, 128, sizeof(p->order));
                for (unsigned i = 0; i < 4; i++)
                    for (unsigned k = 1; k <= sizes[i]; k++)
                        p->order[4 * i + 4 - k] = (uint8_t)(ends[i] - k);
                p->length = (uint8_t)(16 - first);
                pattern_by_dots[(1u << first | 1u << second | 1u << third) >> 4] = (uint8_t)n_patterns++;
            }
        }
    }
}

/* All four must be of the form, else they are read one by one. */
static size_t addresses_avx512(uint32_t *out, const struct csv_cells *c, uint16_t *left)
{
    const __m512i weights = _mm512_set1_epi32(0x010a6400), ones = _mm512_set1_epi16(1);
    const __m512i order = _mm512_broadcast_i32x4(
        _mm_setr_epi8(12, 8, 4, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m512i firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
    size_t n_left = 0, r = first_wide_row(c);

    NARROWLY(addresses, 0, r);
    for (; r + 4 <= c->n; r += 4) {
        struct four f = take_four(c, r, false);
        uint64_t dots = _mm512_mask_cmpeq_epi8_mask(f.text, f.bytes, _mm512_set1_epi8('.'));
        const struct dot_pattern *p[4];
        unsigned is_bad = f.is_long;
        for (unsigned lane = 0; lane < 4; lane++) {
            unsigned n = (unsigned)_mm_popcnt_u64(f.text >> 16 * lane & 0xffff);
            p[lane] = &patterns[pattern_by_dots[dots >> (16 * lane + 4) & 2047]];
            is_bad |= n - p[lane]->length - 1 > 2; /* the first number has one to three digits */
        }
        is_bad |= (dots & 0x800f800f800f800f) != 0;
        __m512i digits = _mm512_maskz_sub_epi8(f.text & ~dots, f.bytes, _mm512_set1_epi8('0'));
        is_bad |= _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9)) != 0;
        __m512i to = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)p[0]->order));
        to = _mm512_inserti32x4(to, _mm_loadu_si128((const __m128i *)p[1]->order), 1);
        to = _mm512_inserti32x4(to, _mm_loadu_si128((const __m128i *)p[2]->order), 2);
        to = _mm512_inserti32x4(to, _mm_loadu_si128((const __m128i *)p[3]->order), 3);
        __m512i v = _mm512_maddubs_epi16(_mm512_shuffle_epi8(digits, to), weights);
        v = _mm512_madd_epi16(v, ones);
        is_bad |= _mm512_cmpgt_epi32_mask(v, _mm512_set1_epi32(255)) != 0;
        v = _mm512_permutexvar_epi32(firsts, _mm512_shuffle_epi8(v, order));
        _mm_storeu_si128((__m128i *)(out + r), _mm512_castsi512_si128(v));
        if (__builtin_expect(is_bad, false))
            NARROWLY(addresses, r, 4);
    }
    NARROWLY(addresses, r, c->n - r);
    return n_left;
}

static size_t times_avx512(int64_t *out, const struct csv_cells *c, size_t from,
                           const struct csv_time_shape *shape)
{
    const __m128i zero = _mm_set1_epi8('0'), limit = _mm_loadu_si128((const __m128i *)shape->limit),
                  expected = _mm_loadu_si128((const __m128i *)shape->expected),
                  order = _mm_loadu_si128((const __m128i *)shape->order),
                  minute = _mm_loadu_si128((const __m128i *)shape->minute);
    __mmask16 k = (__mmask16)_bzhi_u32(0xffff, shape->n - 16);
    __mmask16 fixed = _mm_mask_cmpeq_epi8_mask(k, limit, _mm_set1_epi8(-1));

    if (shape->n == 0)
        return from;
    for (size_t r = from; r < c->n; r++) {
        uint32_t start = c->prev[r * c->prev_stride] + 1, n = c->ends[r * c->stride] - start;
        const char *p = c->data + start;
        if (n != shape->n)
            return r;
        __m128i first = _mm_loadu_si128((const __m128i *)p), w = _mm_maskz_loadu_epi8(k, p + 16);
        __m128i digits = _mm_sub_epi8(w, zero);
        unsigned differs = _mm_cmpneq_epi8_mask(first, minute) | _mm_mask_cmpgt_epu8_mask(k, digits, limit) |
                           _mm_mask_cmpneq_epi8_mask(fixed, w, expected);
        if (differs)
            return r;
        out[r] = shape->minute_ticks + (int64_t)number16(_mm_shuffle_epi8(digits, order)) * shape->step;
    }
    return c->n;
}

const struct csv_kernels csv_avx512 = {
    .name = "avx512", .index = index_avx512, .integers = integers_avx512, .floats = floats_avx512,
    .narrow = narrow_avx512, .addresses = addresses_avx512, .times = times_avx512,
};

#ifdef __clang__
#pragma clang attribute pop
#endif
