/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathering: batches of rows into the rows of keys. Per CUBE_BATCH rows: buckets, numbers of
 * strings, packed key words; hashes (prefetching slots); first slots (prefetching rows);
 * comparison without a branch per row; the few keys that were not at their first place; then one
 * pass per measure over rows that are in L1. */
#include "engine/cube.h"

#include <assert.h>

#include "engine/cube_priv.h"

#define INLINE static inline __attribute__((always_inline))

enum { FIRST_SLOTS = 1024, FIRST_ROWS_BYTES = 64 << 10, LOW_LOAD_UP_TO = 1 << 20 };
enum { KEPT_BYTES = 32 << 20 }; /* of each table over a reset */

/* ---- life ---- */

static void slots_new(struct cube *c, uint64_t n)
{
    c->n_slots = n;
    c->shift = 64 - (unsigned)__builtin_ctzll(n);
    c->slots = table_slots(n * sizeof(*c->slots));
}

static void rows_new(struct cube *c)
{
    c->rows_cap_bytes = FIRST_ROWS_BYTES;
    while (c->rows_cap_bytes < (CUBE_BATCH + 1) * c->shape->stride)
        c->rows_cap_bytes *= 2;
    c->rows = xmap(c->rows_cap_bytes);
    c->n_rows = c->most_rows = 1;
}

struct cube *cube_new(const struct cube_shape *shape)
{
    struct cube *c = xcalloc(1, sizeof(*c));
    c->shape = shape;
    c->seed = table_seed();
    key_layout_init(&c->layout, shape);
    row_fold_init(&c->row_fold, shape);
    bucketer_init(&c->bucketer, shape->zone, shape->count, shape->unit);
    c->dictionaries = xcalloc(shape->n_dimensions + 1, sizeof(*c->dictionaries));
    for (size_t d = 0; d < shape->n_dimensions; d++)
        if (c->layout.fields[d].is_text)
            dictionary_init(&c->dictionaries[d]);
    slots_new(c, FIRST_SLOTS);
    rows_new(c);
    c->words = xcalloc(c->layout.n_words + 1, CUBE_BATCH * sizeof(*c->words));
    c->ids = xcalloc(shape->n_dimensions + 1, CUBE_BATCH * sizeof(*c->ids));
    c->new_row = xcalloc(1, shape->stride);
    c->is_fixed = true;
    for (size_t m = 0; m < shape->n_measures; m++) {
        const struct cube_measure *measure = &shape->measures[m];
        aggregate_init(measure->aggregate, c->new_row + measure->offset);
        c->is_fixed &= aggregate_is_fixed(measure->aggregate);
    }
    return c;
}

static void states_done(struct cube *c)
{
    if (c->is_fixed)
        return;
    for (uint32_t row = 1; row < c->n_rows; row++)
        for (size_t m = 0; m < c->shape->n_measures; m++)
            aggregate_done(c->shape->measures[m].aggregate,
                           cube_row(c, row) + c->shape->measures[m].offset, &c->state_bytes);
}

void cube_free(struct cube *c)
{
    if (c == NULL)
        return;
    states_done(c);
    for (size_t d = 0; d < c->shape->n_dimensions; d++)
        dictionary_done(&c->dictionaries[d]);
    xunmap(c->slots, c->n_slots * sizeof(*c->slots));
    xunmap(c->rows, c->rows_cap_bytes);
    free(c->dictionaries);
    free(c->words);
    free(c->ids);
    free(c->new_row);
    free(c);
}

void cube_reset(struct cube *c)
{
    states_done(c);
    c->most_rows = c->n_rows > c->most_rows ? c->n_rows : c->most_rows;
    c->n_rows = 1;
    if (c->n_slots * sizeof(*c->slots) > KEPT_BYTES) {
        xunmap(c->slots, c->n_slots * sizeof(*c->slots));
        slots_new(c, FIRST_SLOTS);
    } else {
        memset(c->slots, 0, c->n_slots * sizeof(*c->slots));
    }
    if (c->rows_cap_bytes > KEPT_BYTES) {
        xunmap(c->rows, c->rows_cap_bytes);
        rows_new(c);
    }
    /* Numbers of strings stay: the next epoch meets mostly the same ones. */
    for (size_t d = 0; d < c->shape->n_dimensions; d++)
        if (c->layout.fields[d].is_text && dictionary_bytes(&c->dictionaries[d]) > KEPT_BYTES)
            dictionary_reset(&c->dictionaries[d]);
}

size_t cube_n_keys(const struct cube *c)
{
    return c->n_rows - 1;
}

size_t cube_bytes(const struct cube *c)
{
    size_t bytes = sizeof(*c) + c->state_bytes + c->n_slots * sizeof(*c->slots);
    size_t most_rows = c->n_rows > c->most_rows ? c->n_rows : c->most_rows;
    bytes += table_resident(most_rows * c->shape->stride, c->rows_cap_bytes);
    bytes +=
        (c->layout.n_words + 1) * CUBE_BATCH * 8 + (c->shape->n_dimensions + 1) * CUBE_BATCH * 4;
    for (size_t d = 0; d < c->shape->n_dimensions; d++)
        if (c->layout.fields[d].is_text)
            bytes += dictionary_bytes(&c->dictionaries[d]);
    return bytes;
}

/* ---- keys ---- */

/* Hash of the key in words[0], words[stride], … */
INLINE uint64_t hash_words(const uint64_t *words, size_t stride, size_t n_words, uint64_t seed)
{
    if (n_words == 1)
        return mix64(words[0] ^ seed, MIX_B);
    uint64_t h = mix64(words[0] ^ seed, words[stride] ^ MIX_B);
    for (size_t w = 2; w < n_words; w++)
        h = mix64(h ^ words[w * stride], MIX_C);
    return h;
}

static uint64_t key_hash(const struct cube *c, const uint64_t *key)
{
    if (c->layout.n_words == 0)
        return 0;
    return hash_words(key, 1, c->layout.n_words, c->seed);
}

static void slots_fill(struct cube *c)
{
    enum { AHEAD = 16 };
    uint64_t hashes[AHEAD];
    for (uint32_t row = 1; row < c->n_rows + AHEAD; row++) {
        if (row > AHEAD) { /* the row that was hashed AHEAD rounds ago */
            uint64_t at = hashes[row % AHEAD] >> c->shift;
            while (c->slots[at] != 0)
                at = (at + 1) & (c->n_slots - 1);
            c->slots[at] = row - AHEAD;
        }
        if (row < c->n_rows) {
            hashes[row % AHEAD] = key_hash(c, cube_key(c, row));
            __builtin_prefetch(&c->slots[hashes[row % AHEAD] >> c->shift], 1);
        }
    }
}

/* Room for `more` keys: load 1/4, for very many keys 1/2. */
static void make_room(struct cube *c, size_t more)
{
    uint64_t n = (uint64_t)c->n_rows + more, n_slots = c->n_slots;
    while (n * (n_slots < LOW_LOAD_UP_TO ? 4 : 2) > n_slots)
        n_slots *= 2;
    if (n_slots != c->n_slots) {
        xunmap(c->slots, c->n_slots * sizeof(*c->slots));
        slots_new(c, n_slots);
        slots_fill(c);
    }
    size_t cap = c->rows_cap_bytes;
    while (n * c->shape->stride > cap)
        cap *= 2;
    assert(cap / 8 <= UINT32_MAX); /* rows are addressed in words; the memory limit is far below */
    if (cap != c->rows_cap_bytes) {
        c->rows = table_grow(c->rows, c->rows_cap_bytes, cap);
        c->rows_cap_bytes = cap;
    }
}

static bool is_key(const struct cube *c, uint32_t row, const uint64_t *words)
{
    const uint64_t *key = cube_key(c, row);
    uint64_t difference = 0;
    for (size_t w = 0; w < c->layout.n_words; w++)
        difference |= key[w] ^ words[w * CUBE_BATCH];
    return difference == 0;
}

static uint32_t find_or_add(struct cube *c, const uint64_t *words, uint64_t hash)
{
    for (uint64_t at = c->layout.n_words ? hash >> c->shift : 0;;
         at = (at + 1) & (c->n_slots - 1)) {
        uint32_t row = c->slots[at];
        if (row == 0) {
            row = c->n_rows++;
            c->slots[at] = row;
            char *to = cube_row(c, row);
            memcpy(to, c->new_row, c->shape->stride);
            for (size_t w = 0; w < c->layout.n_words; w++)
                ((uint64_t *)(to + KEY_AT))[w] = words[w * CUBE_BATCH];
            return row;
        }
        if (is_key(c, row, words))
            return row;
    }
}

/* Looks a batch up by first slots; returns how many were not there, their places in missed. */
INLINE size_t first_probe(struct cube *c, size_t n_words, size_t n, uint64_t *hashes,
                          uint32_t *rows, uint16_t *missed)
{
    const uint64_t *words = c->words;
    const size_t stride = c->shape->stride;
    size_t n_missed = 0;
    for (size_t i = 0; i < n; i++) {
        hashes[i] = hash_words(words + i, CUBE_BATCH, n_words, c->seed);
        __builtin_prefetch(&c->slots[hashes[i] >> c->shift]);
    }
    for (size_t i = 0; i < n; i++) {
        rows[i] = c->slots[hashes[i] >> c->shift];
        const char *row = c->rows + rows[i] * stride;
        __builtin_prefetch(row, 1);
        if (stride != 64)
            __builtin_prefetch(row + stride - 1, 1);
    }
    for (size_t i = 0; i < n; i++) {
        const uint64_t *key = (const uint64_t *)(c->rows + rows[i] * stride + KEY_AT);
        uint64_t difference = rows[i] == 0;
        for (size_t w = 0; w < n_words; w++)
            difference |= key[w] ^ words[w * CUBE_BATCH + i];
        missed[n_missed] = (uint16_t)i;
        n_missed += difference != 0;
    }
    return n_missed;
}

/* rows[i] = row number of the key packed at place i. */
static void find_rows(struct cube *c, size_t n, uint32_t *rows)
{
    uint64_t hashes[CUBE_BATCH];
    uint16_t missed[CUBE_BATCH];
    size_t n_missed = 0;

    switch (c->layout.n_words) {
    case 0: /* one key in all */
        make_room(c, 1);
        for (size_t i = 0; i < n; i++)
            rows[i] = find_or_add(c, c->words, 0);
        return;
    case 1: n_missed = first_probe(c, 1, n, hashes, rows, missed); break;
    case 2: n_missed = first_probe(c, 2, n, hashes, rows, missed); break;
    case 3: n_missed = first_probe(c, 3, n, hashes, rows, missed); break;
    case 4: n_missed = first_probe(c, 4, n, hashes, rows, missed); break;
    default: n_missed = first_probe(c, c->layout.n_words, n, hashes, rows, missed);
    }
    if (n_missed == 0)
        return;
    make_room(c, n_missed);
    for (size_t m = 0; m < n_missed; m++) {
        size_t i = missed[m];
        rows[i] = find_or_add(c, c->words + i, hashes[i]);
    }
}

/* ---- measures ---- */

/* Place of row i of a batch in its columns. */
struct batch_rows {
    const uint32_t *rows; /* NULL: first + i */
    size_t first, n;
};

static struct column shifted(const struct column *c, size_t first)
{
    struct column s = *c;
    s.values = (char *)c->values + first * type_width(c->type);
    if (c->nulls != NULL)
        s.nulls = c->nulls + first;
    return s;
}

/* Rows where the condition is true (NULL is not). */
static size_t pick_true(const struct column *condition, const struct batch_rows *b,
                        const uint32_t *ids, uint32_t *picked, uint32_t *picked_ids)
{
    const uint8_t *values = condition->values, *nulls = condition->nulls;
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        uint32_t row = b->rows ? b->rows[i] : (uint32_t)(b->first + i);
        picked[n] = row;
        picked_ids[n] = ids[i];
        n += values[row] != 0 && (nulls == NULL || !nulls[row]);
    }
    return n;
}

enum { MAX_ARGS = 16 };

static void update_measure(struct cube *c, size_t m, const struct cube_rows *in,
                           const struct batch_rows *b, const uint32_t *ids)
{
    const struct cube_measure *measure = &c->shape->measures[m];
    const struct aggregate *a = measure->aggregate;
    const struct column *condition = in->conditions ? in->conditions[m] : NULL;
    struct aggregate_input ai = {.args = in->args[m], .rows = b->rows, .ids = ids, .n = b->n};
    uint32_t picked[CUBE_BATCH], picked_ids[CUBE_BATCH];
    struct column columns[MAX_ARGS];
    const struct column *args[MAX_ARGS];

    if (condition != NULL) {
        ai.n = pick_true(condition, b, ids, picked, picked_ids);
        ai.rows = picked;
        ai.ids = picked_ids;
    } else if (b->rows == NULL && b->first > 0) {
        size_t n_args = aggregate_n_args(a);
        for (size_t k = 0; k < n_args; k++) {
            columns[k] = shifted(ai.args[k], b->first);
            args[k] = &columns[k];
        }
        ai.args = args;
    }
    if (ai.n > 0)
        aggregate_update(a, c->rows, 8, measure->offset, &ai, &c->state_bytes);
}

static void add_batch(struct cube *c, const struct cube_rows *in, const struct batch_rows *b)
{
    uint32_t buckets[CUBE_BATCH], ids[CUBE_BATCH];
    const struct cube_shape *shape = c->shape;

    if (c->layout.has_bucket)
        bucketer_starts(&c->bucketer, b->rows ? in->times : in->times + b->first, b->rows, b->n,
                        buckets);
    for (size_t d = 0; d < shape->n_dimensions; d++)
        if (c->layout.fields[d].is_text)
            dictionary_intern(&c->dictionaries[d], in->dimensions[d], b->rows, b->first, b->n,
                              c->ids + d * CUBE_BATCH);
    key_pack(&c->layout, in->dimensions, shape->n_dimensions, buckets, c->ids, b->rows, b->first,
             b->n, c->words);
    find_rows(c, b->n, ids);

    /* Rows are known by their first word from here on. */
    const uint32_t row_words = (uint32_t)(shape->stride / 8);
    for (size_t i = 0; i < b->n; i++)
        ids[i] *= row_words;
    struct row_fold_input fold = {in->args, in->conditions, b->rows, b->first, b->n};
    row_fold(&c->row_fold, c->rows, ids, &fold);
    for (size_t m = 0; m < shape->n_measures; m++)
        if (m >= 64 || !(c->row_fold.covered >> m & 1))
            update_measure(c, m, in, b, ids);
}

void cube_add(struct cube *c, const struct cube_rows *in)
{
    for (size_t m = 0; in->conditions != NULL && m < c->shape->n_measures; m++)
        assert(in->conditions[m] == NULL ||
               aggregate_is_conditional(c->shape->measures[m].aggregate));
    for (size_t at = 0; at < in->n; at += CUBE_BATCH) {
        struct batch_rows b = {.rows = in->rows ? in->rows + at : NULL, .first = in->rows ? 0 : at};
        b.n = in->n - at < CUBE_BATCH ? in->n - at : CUBE_BATCH;
        add_batch(c, in, &b);
    }
}
