/* SPDX-License-Identifier: Apache-2.0
 *
 * Where fields lie in a key, and packing a batch of keys, one column at a time. */
#include <assert.h>

#include "engine/cube_priv.h"

#define INLINE static inline __attribute__((always_inline))

static struct key_place place_of(size_t byte)
{
    return (struct key_place){(uint8_t)(byte / 8), (uint8_t)(byte % 8 * 8)};
}

static uint8_t field_width(struct type t)
{
    if (t.kind == TYPE_NOTHING)
        return 0;
    return type_is_text(t) ? 4 : (uint8_t)type_width(t);
}

void key_mark_plain(const struct key_layout *l, size_t dimension, uint64_t bits[CUBE_MAX_WORDS])
{
    const struct key_field *f = &l->fields[dimension];
    if (f->has_null)
        bits[f->null.word] |= (uint64_t)1 << f->null.shift;
    if (f->is_text || f->width == 0)
        return; /* numbers of strings mean something only within their cube */
    if (f->width == 16) {
        bits[f->at.word] = bits[f->at.word + 1] = UINT64_MAX;
        return;
    }
    uint64_t mask = f->width >= 8 ? UINT64_MAX : ((uint64_t)1 << (f->width * 8)) - 1;
    bits[f->at.word] |= mask << f->at.shift;
}

/* NULL marks: one byte for eight dimensions. Strings need none, nor does a column of bare NULLs. */
static size_t place_null_marks(struct key_layout *l, const struct cube_shape *shape, size_t byte)
{
    size_t n = 0;
    for (size_t d = 0; d < shape->n_dimensions; d++) {
        struct key_field *f = &l->fields[d];
        f->has_null = shape->dimensions[d].is_nullable && !f->is_text;
        if (!f->has_null)
            continue;
        f->null = place_of(byte + n / 8);
        f->null.shift += n % 8;
        n++;
    }
    return byte + (n + 7) / 8;
}

void key_layout_init(struct key_layout *l, const struct cube_shape *shape)
{
    size_t byte = 0;
    assert(shape->n_dimensions <= CUBE_MAX_DIMENSIONS);
    *l = (struct key_layout){.has_bucket = shape->count > 0};
    for (unsigned width = 16; width > 0; width /= 2) {
        if (width == 4 && l->has_bucket) {
            l->bucket = place_of(byte);
            byte += 4;
        }
        for (size_t d = 0; d < shape->n_dimensions; d++) {
            struct key_field *f = &l->fields[d];
            if (field_width(shape->dimensions[d]) != width)
                continue;
            f->width = (uint8_t)width;
            f->is_text = type_is_text(shape->dimensions[d]);
            f->at = place_of(byte);
            byte += width;
        }
    }
    byte = place_null_marks(l, shape, byte);
    l->n_words = (byte + 7) / 8;
    assert(l->n_words == shape_key_words(shape) && l->n_words <= CUBE_MAX_WORDS);
}

/* words[i] |= value << shift, value 0 where NULL. */
#define PACK_LOOP(T, row_)                                                                         \
    for (size_t i = 0; i < n; i++) {                                                               \
        size_t row = row_;                                                                         \
        uint64_t v = ((const T *)c->values)[row];                                                  \
        if (has_nulls)                                                                             \
            v &= (uint64_t)0 - (nulls[row] == 0);                                                  \
        words[i] |= v << shift;                                                                    \
    }

#define PACK(T)                                                                                    \
    do {                                                                                           \
        if (rows == NULL)                                                                          \
            PACK_LOOP(T, first + i)                                                                \
        else                                                                                       \
            PACK_LOOP(T, rows[i])                                                                  \
    } while (0)

INLINE void pack_column(const struct column *c, bool has_nulls, unsigned width, unsigned shift,
                        const uint32_t *rows, size_t first, size_t n, uint64_t *words)
{
    const uint8_t *nulls = c->nulls;
    switch (width) {
    case 1: PACK(uint8_t); break;
    case 2: PACK(uint16_t); break;
    case 4: PACK(uint32_t); break;
    default: PACK(uint64_t); break;
    }
}

static void pack_16_bytes(const struct column *c, const uint32_t *rows, size_t first, size_t n,
                          uint64_t *words)
{
    for (size_t i = 0; i < n; i++) {
        size_t row = rows ? rows[i] : first + i;
        uint64_t v[2] = {0};
        if (c->nulls == NULL || !c->nulls[row])
            memcpy(v, (const char *)c->values + row * 16, 16);
        words[i] = v[0];
        words[CUBE_BATCH + i] = v[1];
    }
}

static void pack_nulls(const struct column *c, unsigned shift, const uint32_t *rows, size_t first,
                       size_t n, uint64_t *words)
{
    for (size_t i = 0; i < n; i++)
        words[i] |= (uint64_t)(c->nulls[rows ? rows[i] : first + i] != 0) << shift;
}

static void pack_numbers(const uint32_t *numbers, unsigned shift, size_t n, uint64_t *words)
{
    for (size_t i = 0; i < n; i++)
        words[i] |= (uint64_t)numbers[i] << shift;
}

void key_pack(const struct key_layout *l, const struct column *const *dimensions,
              size_t n_dimensions, const uint32_t *buckets, const uint32_t *ids,
              const uint32_t *rows, size_t first, size_t n, uint64_t *words)
{
    for (size_t w = 0; w < l->n_words; w++)
        memset(words + w * CUBE_BATCH, 0, n * 8);
    if (l->has_bucket)
        pack_numbers(buckets, l->bucket.shift, n, words + l->bucket.word * CUBE_BATCH);
    for (size_t d = 0; d < n_dimensions; d++) {
        const struct key_field *f = &l->fields[d];
        const struct column *c = dimensions[d];
        uint64_t *to = words + f->at.word * CUBE_BATCH;
        if (f->is_text)
            pack_numbers(ids + d * CUBE_BATCH, f->at.shift, n, to);
        else if (f->width == 16)
            pack_16_bytes(c, rows, first, n, to);
        else if (f->width > 0 && c->nulls != NULL)
            pack_column(c, true, f->width, f->at.shift, rows, first, n, to);
        else if (f->width > 0)
            pack_column(c, false, f->width, f->at.shift, rows, first, n, to);
        if (f->has_null && c->nulls != NULL)
            pack_nulls(c, f->null.shift, rows, first, n, words + f->null.word * CUBE_BATCH);
    }
}
