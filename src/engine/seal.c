/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealing: the rows of all workers' cubes as one row a key of one tier. A sealed row points to the
 * cube row that brought the key; only where several rows meet in one key is a merged copy of their
 * states made.
 *
 * one cube, all its keys and its own finest tier: rows are the cube's rows (of this part), nothing
 * is looked up. Else: hash -> sealed row; keys are compared by their values, since numbers of
 * strings mean something only within their cube.
 *
 * A coarser tier, or a set with fewer keys, is sealed from what is sealed already: fewer rows. */
#include <assert.h>

#include "codec/native.h"
#include "column/compound.h"
#include "column/row_binary.h"
#include "engine/cube_priv.h"

#define INLINE static inline __attribute__((always_inline))

enum { SEAL_BATCH = 128, FIRST_SLOTS = 1024, FIRST_ROWS = 512 };

struct sealed_row {
    uint64_t hash;
    uint32_t row; /* in its cube: has the key, and the states while merged == 0 */
    uint32_t cube;
    uint32_t bucket;
    uint32_t merged; /* > 0: place of the merged states + 1 */
};

struct sealed_tier {
    const struct cube_shape *shape; /* of the panes */
    const struct seal_spec *spec;
    uint64_t plain_bits[CUBE_MAX_WORDS]; /* of the spec's dimensions */
    struct cube *const *cubes;
    size_t n_cubes;
    struct cube **cubes_copy;

    /* One cube, finest tier: cube rows in `picked`, or all in order. */
    bool is_direct;
    uint32_t *picked;
    size_t picked_cap;

    struct sealed_row *rows;
    size_t rows_cap;
    uint32_t *slots;
    uint64_t n_slots;
    unsigned shift;
    char *merged;
    size_t merged_cap_bytes;

    size_t n_rows, n_merged;
    size_t state_bytes;
};

/* ---- hashes of values ---- */

/* Same in every process: texts by their bytes, others by their value. */
static uint64_t hash_of(const struct seal_spec *spec, const struct cube *c, const uint64_t *key,
                        uint32_t bucket)
{
    uint64_t h = mix64(bucket ^ MIX_A, MIX_B);
    for (size_t i = 0; i < spec->n_dimensions; i++) {
        size_t d = spec->dimensions[i];
        const struct key_field *f = &c->layout.fields[d];
        uint64_t v = 0;
        if (f->is_text) {
            uint32_t id = (uint32_t)key_get(key, f->at, 4);
            v = id == 0 ? MIX_A : dictionary_hash(&c->dictionaries[d], id);
        } else if (f->width == 16) {
            v = mix64(key[f->at.word] ^ MIX_A, key[f->at.word + 1] ^ MIX_B);
        } else if (f->width > 0) {
            v = key_get(key, f->at, f->width);
        }
        if (f->has_null && key_is_null(key, f))
            v = MIX_B;
        h = mix64(h ^ v, MIX_C);
    }
    return h;
}

/* Part from the hash's low half; places in tables come from its high bits. */
static size_t part_of(uint64_t hash, size_t n_parts)
{
    return (size_t)(((hash & UINT32_MAX) * n_parts) >> 32);
}

static uint32_t finest_bucket(const struct cube *c, uint32_t row)
{
    return c->layout.has_bucket ? (uint32_t)key_get(cube_key(c, row), c->layout.bucket, 4) : 0;
}

/* ---- rows ---- */

/* The cube row that brought a sealed row's key. */
struct origin {
    const struct cube *cube;
    uint32_t row, cube_index;
};

INLINE struct origin origin_of(const struct sealed_tier *s, size_t row)
{
    if (s->is_direct)
        return (struct origin){s->cubes[0], s->picked ? s->picked[row] : (uint32_t)row + 1, 0};
    return (struct origin){s->cubes[s->rows[row].cube], s->rows[row].row, s->rows[row].cube};
}

uint32_t sealed_bucket(const struct sealed_tier *s, size_t row)
{
    if (!s->is_direct)
        return s->rows[row].bucket;
    struct origin o = origin_of(s, row);
    return finest_bucket(o.cube, o.row);
}

/* ---- merging ---- */

static bool same_values(const struct sealed_tier *s, const struct sealed_row *r,
                        const struct cube *c, uint32_t row)
{
    const struct cube *other = s->cubes[r->cube];
    const struct key_layout *l = &c->layout;
    const uint64_t *x = cube_key(other, r->row), *y = cube_key(c, row);
    for (size_t w = 0; w < l->n_words; w++)
        if ((x[w] ^ y[w]) & s->plain_bits[w])
            return false;
    for (size_t k = 0; k < s->spec->n_dimensions; k++) {
        size_t d = s->spec->dimensions[k];
        const struct key_field *f = &l->fields[d];
        if (!f->is_text)
            continue;
        uint32_t i = (uint32_t)key_get(x, f->at, 4), j = (uint32_t)key_get(y, f->at, 4);
        if (other == c ? i != j
                       : !dictionary_same_text(&other->dictionaries[d], i, &c->dictionaries[d], j))
            return false;
    }
    return true;
}

static const char *states_of(const struct sealed_tier *s, const struct sealed_row *r)
{
    if (r->merged > 0)
        return s->merged + (size_t)(r->merged - 1) * s->shape->stride;
    return cube_row(s->cubes[r->cube], r->row);
}

static void merge_into(struct sealed_tier *s, char *to, const char *from)
{
    const struct row_fold *f = &s->cubes[0]->row_fold;
    row_fold_merge(f, to, from);
    for (size_t m = 0; m < s->shape->n_measures; m++) {
        if ((m < 64 && f->covered >> m & 1) || (s->spec->is_wanted && !s->spec->is_wanted[m]))
            continue;
        const struct cube_measure *measure = &s->shape->measures[m];
        aggregate_merge(measure->aggregate, to + measure->offset, from + measure->offset,
                        &s->state_bytes);
    }
}

/* A copy of the states `from`, as the row's own. */
static char *merged_new(struct sealed_tier *s, struct sealed_row *r, const char *from)
{
    const size_t stride = s->shape->stride;
    if ((s->n_merged + 1) * stride > s->merged_cap_bytes) {
        size_t cap =
            s->merged_cap_bytes ? s->merged_cap_bytes * 2 : (stride + 4095) / 4096 * 4096 * 4;
        s->merged = table_grow(s->merged, s->merged_cap_bytes, cap);
        s->merged_cap_bytes = cap;
    }
    const struct cube *c = s->cubes[r->cube];
    char *to = s->merged + s->n_merged * stride;
    if (c->is_fixed) {
        memcpy(to, from, stride);
    } else {
        memcpy(to, c->new_row, stride);
        merge_into(s, to, from);
    }
    r->merged = (uint32_t)++s->n_merged;
    return to;
}

static void add_states(struct sealed_tier *s, struct sealed_row *r, const char *from)
{
    char *to = r->merged > 0 ? s->merged + (size_t)(r->merged - 1) * s->shape->stride
                             : merged_new(s, r, cube_row(s->cubes[r->cube], r->row));
    merge_into(s, to, from);
}

static void slots_fill(struct sealed_tier *s)
{
    for (size_t i = 0; i < s->n_rows; i++) {
        uint64_t at = s->rows[i].hash >> s->shift;
        while (s->slots[at] != 0)
            at = (at + 1) & (s->n_slots - 1);
        s->slots[at] = (uint32_t)i + 1;
    }
}

static void make_room(struct sealed_tier *s)
{
    size_t need = s->n_rows + SEAL_BATCH;
    assert(need < UINT32_MAX);
    if (need * 2 > s->n_slots) {
        uint64_t n = s->n_slots ? s->n_slots * 2 : FIRST_SLOTS;
        xunmap(s->slots, s->n_slots * sizeof(*s->slots));
        s->n_slots = n;
        s->shift = 64 - (unsigned)__builtin_ctzll(n);
        s->slots = table_slots(n * sizeof(*s->slots));
        slots_fill(s);
    }
    if (need > s->rows_cap) {
        size_t cap = s->rows_cap ? s->rows_cap * 2 : FIRST_ROWS;
        s->rows = table_grow(s->rows, s->rows_cap * sizeof(*s->rows), cap * sizeof(*s->rows));
        s->rows_cap = cap;
    }
}

/* A row to fold in: its key is that cube row's; states NULL: its states, too. */
struct incoming {
    uint64_t hash;
    const char *states;
    uint32_t cube, row, bucket;
};

static void add_row(struct sealed_tier *s, const struct incoming *in)
{
    const struct cube *c = s->cubes[in->cube];
    for (uint64_t at = in->hash >> s->shift;; at = (at + 1) & (s->n_slots - 1)) {
        uint32_t place = s->slots[at];
        if (place == 0) {
            struct sealed_row *r = &s->rows[s->n_rows++];
            *r = (struct sealed_row){in->hash, in->row, in->cube, in->bucket, 0};
            s->slots[at] = (uint32_t)s->n_rows;
            if (in->states != NULL)
                merged_new(s, r, in->states);
            return;
        }
        struct sealed_row *r = &s->rows[place - 1];
        if (r->hash == in->hash && r->bucket == in->bucket && same_values(s, r, c, in->row)) {
            add_states(s, r, in->states ? in->states : cube_row(c, in->row));
            return;
        }
    }
}

static void add_batch(struct sealed_tier *s, const struct incoming *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t place = s->slots[in[i].hash >> s->shift];
        if (place > 0)
            __builtin_prefetch(&s->rows[place - 1], 1);
    }
    for (size_t i = 0; i < n; i++)
        add_row(s, &in[i]);
}

/* Takes it into the batch if its hash falls to this part. */
static bool is_taken(struct sealed_tier *s, struct incoming *in, size_t part, size_t n_parts)
{
    const struct cube *c = s->cubes[in->cube];
    in->hash = hash_of(s->spec, c, cube_key(c, in->row), in->bucket);
    if (n_parts > 1 && part_of(in->hash, n_parts) != part)
        return false;
    __builtin_prefetch(&s->slots[in->hash >> s->shift], 1);
    return true;
}

static void add_cube(struct sealed_tier *s, size_t cube, struct bucketer *tier, size_t part,
                     size_t n_parts)
{
    const struct cube *c = s->cubes[cube];
    struct incoming in[SEAL_BATCH];
    for (uint32_t row = 1; row < c->n_rows;) {
        size_t n = 0;
        make_room(s);
        for (; n < SEAL_BATCH && row < c->n_rows; row++) {
            uint32_t bucket = finest_bucket(c, row);
            in[n] = (struct incoming){.cube = (uint32_t)cube,
                                      .row = row,
                                      .bucket = tier ? bucketer_start(tier, bucket) : bucket};
            n += is_taken(s, &in[n], part, n_parts);
        }
        add_batch(s, in, n);
    }
}

static void add_sealed(struct sealed_tier *s, const struct sealed_tier *from, const uint8_t *only,
                       struct bucketer *tier, size_t part, size_t n_parts)
{
    struct incoming in[SEAL_BATCH];
    for (size_t row = 0; row < from->n_rows;) {
        size_t n = 0;
        make_room(s);
        for (; n < SEAL_BATCH && row < from->n_rows; row++) {
            if (only != NULL && !only[row])
                continue;
            struct origin o = origin_of(from, row);
            uint32_t bucket = sealed_bucket(from, row);
            bool is_merged = !from->is_direct && from->rows[row].merged > 0;
            in[n] =
                (struct incoming){.states = is_merged ? states_of(from, &from->rows[row]) : NULL,
                                  .cube = o.cube_index,
                                  .row = o.row,
                                  .bucket = tier ? bucketer_start(tier, bucket) : bucket};
            n += is_taken(s, &in[n], part, n_parts);
        }
        add_batch(s, in, n);
    }
}

/* One cube, finest tier, one of several parts: the rows whose hash falls to it. */
static void pick_part(struct sealed_tier *s, size_t part, size_t n_parts)
{
    const struct cube *c = s->cubes[0];
    for (uint32_t row = 1; row < c->n_rows; row++) {
        if (part_of(hash_of(s->spec, c, cube_key(c, row), finest_bucket(c, row)), n_parts) != part)
            continue;
        if (s->n_rows == s->picked_cap) {
            size_t cap = s->picked_cap ? s->picked_cap * 2 : 1024;
            s->picked =
                table_grow(s->picked, s->picked_cap * sizeof(*s->picked), cap * sizeof(*s->picked));
            s->picked_cap = cap;
        }
        s->picked[s->n_rows++] = row;
    }
}

static bool same_buckets(const struct seal_spec *spec, const struct zone *zone, int64_t count,
                         enum interval_unit unit)
{
    return spec->count == 0 || (spec->zone == zone && spec->count == count && spec->unit == unit);
}

struct seal_spec seal_all(const struct cube_shape *shape, const struct zone *zone, int64_t count,
                          enum interval_unit unit)
{
    static const uint32_t numbers[] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    static_assert(COUNT(numbers) == CUBE_MAX_DIMENSIONS, "as many as dimensions");
    return (struct seal_spec){.zone = zone,
                              .count = shape->count ? count : 0,
                              .unit = unit,
                              .dimensions = numbers,
                              .n_dimensions = shape->n_dimensions};
}

static void end_lookups(struct sealed_tier *s)
{
    xunmap(s->slots, s->n_slots * sizeof(*s->slots)); /* only reading follows */
    s->slots = NULL;
    s->n_slots = 0;
}

/* Bits of the keys that all rows of a sealed key have in common, but for buckets and strings. */
static void set_plain_bits(struct sealed_tier *s)
{
    const struct key_layout *l = &s->cubes[0]->layout;
    for (size_t i = 0; i < s->spec->n_dimensions; i++)
        key_mark_plain(l, s->spec->dimensions[i], s->plain_bits);
}

struct sealed_tier *cube_seal(struct cube *const *from, size_t n_from, const struct seal_spec *spec,
                              size_t part, size_t n_parts)
{
    assert(n_from > 0 && part < n_parts);
    struct sealed_tier *s = xcalloc(1, sizeof(*s));
    const struct cube_shape *shape = from[0]->shape;
    s->shape = shape;
    s->spec = spec;
    s->cubes_copy = xcalloc(n_from, sizeof(*s->cubes_copy));
    for (size_t i = 0; i < n_from; i++)
        if (from[i]->n_rows > 1)
            s->cubes_copy[s->n_cubes++] = from[i];
    s->cubes = s->cubes_copy;
    bool is_finest = same_buckets(spec, shape->zone, shape->count, shape->unit);
    if (s->n_cubes == 0)
        return s;

    set_plain_bits(s);
    s->is_direct = s->n_cubes == 1 && is_finest && spec->n_dimensions == shape->n_dimensions;
    if (s->is_direct && n_parts == 1) {
        s->n_rows = s->cubes[0]->n_rows - 1;
    } else if (s->is_direct) {
        pick_part(s, part, n_parts);
    } else {
        struct bucketer tier;
        if (!is_finest)
            bucketer_init(&tier, spec->zone, spec->count, spec->unit);
        for (size_t i = 0; i < s->n_cubes; i++)
            add_cube(s, i, is_finest ? NULL : &tier, part, n_parts);
        end_lookups(s);
    }
    return s;
}

struct sealed_tier *sealed_seal(struct sealed_tier *const *parents, size_t n_parents,
                                const uint8_t *const *only, const struct seal_spec *spec,
                                size_t part, size_t n_parts)
{
    assert(n_parents > 0 && part < n_parts);
    const struct sealed_tier *first = parents[0];
    struct sealed_tier *s = xcalloc(1, sizeof(*s));
    s->shape = first->shape;
    s->spec = spec;
    s->n_cubes = first->n_cubes;
    s->cubes_copy = xcalloc(s->n_cubes + 1, sizeof(*s->cubes_copy));
    for (size_t i = 0; i < s->n_cubes; i++)
        s->cubes_copy[i] = first->cubes[i];
    s->cubes = s->cubes_copy;
    if (s->n_cubes == 0)
        return s;

    set_plain_bits(s);
    bool is_same = same_buckets(spec, first->spec->zone, first->spec->count, first->spec->unit);
    struct bucketer tier;
    if (!is_same)
        bucketer_init(&tier, spec->zone, spec->count, spec->unit);
    for (size_t i = 0; i < n_parents; i++)
        add_sealed(s, parents[i], only ? only[i] : NULL, is_same ? NULL : &tier, part, n_parts);
    end_lookups(s);
    return s;
}

void sealed_free(struct sealed_tier *s)
{
    if (s == NULL)
        return;
    if (s->n_cubes > 0 && !s->cubes[0]->is_fixed)
        for (size_t i = 0; i < s->n_merged; i++)
            for (size_t m = 0; m < s->shape->n_measures; m++)
                aggregate_done(s->shape->measures[m].aggregate,
                               s->merged + i * s->shape->stride + s->shape->measures[m].offset,
                               &s->state_bytes);
    xunmap(s->picked, s->picked_cap * sizeof(*s->picked));
    xunmap(s->rows, s->rows_cap * sizeof(*s->rows));
    xunmap(s->slots, s->n_slots * sizeof(*s->slots));
    xunmap(s->merged, s->merged_cap_bytes);
    free(s->cubes_copy);
    free(s);
}

size_t sealed_n_rows(const struct sealed_tier *s)
{
    return s->n_rows;
}

size_t sealed_bytes(const struct sealed_tier *s)
{
    return sizeof(*s) + s->state_bytes +
           table_resident(s->n_merged * s->shape->stride, s->merged_cap_bytes) +
           table_resident(s->is_direct ? 0 : s->n_rows * sizeof(*s->rows),
                          s->rows_cap * sizeof(*s->rows)) +
           table_resident(s->picked ? s->n_rows * sizeof(*s->picked) : 0,
                          s->picked_cap * sizeof(*s->picked));
}

/* ---- reading ---- */

uint64_t sealed_hash(const struct sealed_tier *s, size_t row)
{
    if (!s->is_direct)
        return s->rows[row].hash;
    struct origin o = origin_of(s, row);
    return hash_of(s->spec, o.cube, cube_key(o.cube, o.row), finest_bucket(o.cube, o.row));
}

void sealed_write_buckets(const struct sealed_tier *s, struct buf *out, const uint32_t *rows,
                          size_t n)
{
    uint32_t *to = (uint32_t *)buf_reserve(out, n * 4);
    for (size_t i = 0; i < n; i++) {
        uint32_t bucket = sealed_bucket(s, rows ? rows[i] : i);
        memcpy(&to[i], &bucket, 4);
    }
    out->n += n * 4;
}

/* d: of the panes' dimensions. */
static void read_value(const struct sealed_tier *s, size_t row, size_t d, char *value,
                       uint8_t *null)
{
    struct origin o = origin_of(s, row);
    const struct key_field *f = &o.cube->layout.fields[d];
    const uint64_t *key = cube_key(o.cube, o.row);
    *null = key_is_null(key, f);
    if (f->is_text) {
        uint32_t id = (uint32_t)key_get(key, f->at, 4);
        struct str text = id ? dictionary_text(&o.cube->dictionaries[d], id) : (struct str){"", 0};
        memcpy(value, &text, sizeof(text));
    } else if (f->width == 16) {
        memcpy(value, &key[f->at.word], 16);
    } else {
        uint64_t v = key_get(key, f->at, f->width);
        memcpy(value, &v, f->width);
    }
}

static int compare_bytes(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = n; i-- > 0;) /* little endian */
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

int sealed_compare(const struct sealed_tier *a, size_t a_row, const struct sealed_tier *b,
                   size_t b_row)
{
    for (size_t i = 0; i < a->spec->n_dimensions; i++) {
        size_t d = a->spec->dimensions[i];
        struct type t = a->shape->dimensions[d];
        _Alignas(16) char x[16], y[16];
        uint8_t x_null, y_null;
        read_value(a, a_row, d, x, &x_null);
        read_value(b, b_row, d, y, &y_null);
        int order = (x_null != 0) - (y_null != 0);
        if (order == 0 && !x_null)
            order = type_is_text(t) ? str_cmp(*(struct str *)x, *(struct str *)y)
                                    : compare_bytes(x, y, type_width(t));
        if (order != 0)
            return order;
    }
    return 0;
}

static void read_dimension(const struct sealed_tier *s, size_t dimension, const uint32_t *rows,
                           size_t n, char *values, uint8_t *nulls)
{
    size_t d = s->spec->dimensions[dimension], width = type_width(s->shape->dimensions[d]);
    for (size_t i = 0; i < n; i++)
        read_value(s, rows ? rows[i] : i, d, values + i * width, &nulls[i]);
}

void sealed_write_dimension(const struct sealed_tier *s, struct buf *out, size_t dimension,
                            const uint32_t *rows, size_t n)
{
    struct type t = s->shape->dimensions[s->spec->dimensions[dimension]];
    AUTO_MEM char *values = xcalloc(n + 1, type_width(t));
    AUTO_MEM uint8_t *nulls = xcalloc(n + 1, 1);
    read_dimension(s, dimension, rows, n, values, nulls);
    struct column c = {.type = t, .values = values, .nulls = t.is_nullable ? nulls : NULL};
    native_column_data(out, &c, NULL, n);
}

void sealed_write_compound(const struct sealed_tier *s, struct buf *out, size_t dimension,
                           struct type type, const uint32_t *rows, size_t n)
{
    size_t width = type_width(type);
    AUTO_DONE(arena) arena = {0};
    AUTO_MEM struct str *bytes = xcalloc(n + 1, sizeof(*bytes));
    AUTO_MEM uint8_t *nulls = xcalloc(n + 1, 1);
    AUTO_MEM char *values = xcalloc(n + 1, width);
    read_dimension(s, dimension, rows, n, (char *)bytes, nulls);
    for (size_t i = 0; i < n; i++)
        if (!row_binary_take(&arena, type, values + i * width, &bytes[i]))
            value_default(type, values + i * width); /* never: the cube's own bytes */
    struct column c = {.type = type, .values = values};
    native_column_data(out, &c, NULL, n);
}

void sealed_write_measure(const struct sealed_tier *s, struct buf *out, size_t measure,
                          const uint32_t *rows, size_t n)
{
    AUTO_MEM char **states = xcalloc(n + 1, sizeof(*states));
    for (size_t i = 0; i < n; i++) {
        size_t row = rows ? rows[i] : i;
        struct origin o = origin_of(s, row);
        states[i] = (char *)(s->is_direct ? cube_row(o.cube, o.row) : states_of(s, &s->rows[row]));
    }
    const struct cube_measure *m = &s->shape->measures[measure];
    aggregate_write_column(m->aggregate, out, states, m->offset, n);
}
