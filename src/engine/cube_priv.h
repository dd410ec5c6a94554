/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of a cube, shared by gathering (cube.c), key packing (cube_keys.c) and sealing (seal.c).
 *
 *   row 0: unused (slot 0 = empty); row 1, 2, …: | rows | key word 0 … | states … |
 *   slots: hash of key -> row number, 4 bytes
 *
 * Key words hold the bucket, the values of fixed-width dimensions, numbers of strings, NULL marks;
 * the widest first, so that no field crosses a word (16 bytes: two words). */
#ifndef ENGINE_CUBE_PRIV_H
#define ENGINE_CUBE_PRIV_H

#include "aggregate/row_fold.h"
#include "engine/bucket.h"
#include "engine/cube.h"
#include "engine/dictionary.h"
#include "engine/table_memory.h"

/* 128: rows, keys and columns of a batch stay in the first-level cache together. */
enum {
    CUBE_BATCH = 128,
    CUBE_MAX_DIMENSIONS = SHAPE_MAX_DIMENSIONS,
    CUBE_MAX_WORDS = 2 * CUBE_MAX_DIMENSIONS + 2,
    KEY_AT = 8
};

struct key_place {
    uint8_t word, shift;
};

struct key_field {
    struct key_place at;
    struct key_place null; /* a bit; only where has_null */
    uint8_t width;         /* bytes in the key: 0, 1, 2, 4, 8, 16 */
    bool is_text;
    bool has_null;
};

struct key_layout {
    size_t n_words;
    bool has_bucket;
    struct key_place bucket; /* 32 bits */
    struct key_field fields[CUBE_MAX_DIMENSIONS];
};

void key_layout_init(struct key_layout *l, const struct cube_shape *shape);
/* Sets the bits of a dimension that may be compared between cubes. */
void key_mark_plain(const struct key_layout *l, size_t dimension, uint64_t bits[CUBE_MAX_WORDS]);

/* Packs rows rows[i] (NULL = first + i) into words[w * CUBE_BATCH + i]. ids: numbers of strings by
 * dimension, [d * CUBE_BATCH + i]. */
void key_pack(const struct key_layout *l, const struct column *const *dimensions,
              size_t n_dimensions, const uint32_t *buckets, const uint32_t *ids,
              const uint32_t *rows, size_t first, size_t n, uint64_t *words);

static inline uint64_t key_get(const uint64_t *key, struct key_place at, unsigned bytes)
{
    uint64_t v = key[at.word] >> at.shift;
    return bytes >= 8 ? v : v & (((uint64_t)1 << (bytes * 8)) - 1);
}

static inline bool key_is_null(const uint64_t *key, const struct key_field *f)
{
    if (f->is_text)
        return key_get(key, f->at, 4) == 0;
    return f->has_null && (key[f->null.word] >> f->null.shift & 1);
}

struct cube {
    const struct cube_shape *shape;
    struct key_layout layout;
    struct row_fold row_fold;
    struct bucketer bucketer;
    struct dictionary *dictionaries; /* by dimension; only those of strings are in use */

    char *rows;
    size_t rows_cap_bytes;
    uint32_t n_rows;    /* with row 0 */
    uint32_t most_rows; /* since the memory was mapped */
    uint32_t *slots;
    uint64_t n_slots;
    unsigned shift;
    uint64_t seed;
    char *new_row; /* what an empty row looks like */

    size_t state_bytes; /* memory of states outside rows */
    bool is_fixed;      /* no state has memory outside its row */

    /* Scratch of one batch. */
    uint64_t *words;
    uint32_t *ids; /* numbers of strings */
};

static inline char *cube_row(const struct cube *c, uint32_t row)
{
    return c->rows + (size_t)row * c->shape->stride;
}

static inline const uint64_t *cube_key(const struct cube *c, uint32_t row)
{
    return (const uint64_t *)(cube_row(c, row) + KEY_AT);
}

#endif
