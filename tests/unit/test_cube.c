/* SPDX-License-Identifier: Apache-2.0
 *
 * Cubes against a plain reference: random rows of all key types with NULLs, several workers, tiers
 * in zones, parts. The reference sorts rows by a textual key and folds neighbours. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "aggregate/row_fold.h"
#include "codec/native.h"
#include "engine/cube.h"
#include "engine/dictionary.h"

enum { MAX_DIMENSIONS = 16, N_MEASURES = 9, KEY_BYTES = 1024 };

static struct arena arena;
static uint64_t random_state = 0x9e3779b97f4a7c15ULL;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1dULL >> 3;
}

/* ---- input ---- */

struct input {
    size_t n;
    uint32_t *times;
    struct column x, y, condition; /* Int32; Nullable(UInt16); UInt8 */
    struct column dimensions[MAX_DIMENSIONS];
    size_t n_dimensions;
};

static struct column column_new(const char *type, size_t n)
{
    struct column c = {0};
    assert_int_equal(type_parse(&c.type, str_of(type), NULL), ERR_OK);
    c.values = arena_zero(&arena, n * 16 + 16);
    if (c.type.is_nullable)
        c.nulls = arena_zero(&arena, n + 1);
    return c;
}

static void fill(struct column *c, size_t n, uint64_t distinct)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t v = random64() % distinct;
        if (c->nulls != NULL)
            c->nulls[i] = random64() % 8 == 0;
        if (c->nulls != NULL && c->nulls[i]) { /* filler must not matter */
            memset((char *)c->values + i * type_width(c->type), 0xa5, type_width(c->type));
        } else if (c->type.kind == TYPE_STRING) {
            size_t extra = v % 3 == 0 ? 20 : v % 14;
            char *text = arena_printf(&arena, "%llu", (unsigned long long)v);
            for (size_t k = 0; k < extra; k++)
                text = arena_printf(&arena, "%s%c", text, (char)('a' + k));
            COLUMN(c, struct str)[i] = v == 0 ? (struct str){NULL, 0} : str_of(text);
        } else {
            uint64_t wide[2] = {v * 0x0101010101ULL, v};
            if (c->type.kind == TYPE_BOOL)
                wide[0] = v & 1;
            memcpy((char *)c->values + i * type_width(c->type), wide, type_width(c->type));
        }
    }
}

static void input_init(struct input *in, size_t n, const char *const *types, size_t n_types,
                       uint64_t distinct, uint32_t first_time, uint32_t span)
{
    *in = (struct input){.n = n, .n_dimensions = n_types};
    in->times = arena_zero(&arena, n * 4 + 4);
    for (size_t i = 0; i < n; i++)
        in->times[i] = first_time + (uint32_t)(random64() % span);
    in->x = column_new("Int32", n);
    in->y = column_new("Nullable(UInt16)", n);
    in->condition = column_new("Nullable(UInt8)", n);
    fill(&in->x, n, 1 << 20);
    fill(&in->y, n, 300);
    fill(&in->condition, n, 2);
    for (size_t d = 0; d < n_types; d++) {
        in->dimensions[d] = column_new(types[d], n);
        fill(&in->dimensions[d], n, distinct);
    }
}

/* ---- reference ---- */

struct folded {
    char key[KEY_BYTES];
    size_t key_n;
    uint64_t count, sum_y, n_y, count_if;
    int64_t sum_x, min_x, min_if, max_if_n;
    uint64_t max_y;
    uint64_t distinct_y;
};

static void key_put(char *key, size_t *n, const void *p, size_t bytes)
{
    assert_true(*n + bytes <= KEY_BYTES);
    if (bytes > 0)
        memcpy(key + *n, p, bytes);
    *n += bytes;
}

static void key_value(char *key, size_t *n, const struct column *c, size_t row)
{
    uint8_t null = c->nulls != NULL && c->nulls[row];
    key_put(key, n, &null, 1);
    if (null)
        return;
    if (c->type.kind == TYPE_STRING) {
        struct str s = COLUMN(c, struct str)[row];
        key_put(key, n, &s.n, 8);
        key_put(key, n, s.p, s.n);
    } else {
        size_t width = type_width(c->type);
        key_put(key, n, (char *)c->values + row * width, width);
    }
}

struct reference_row {
    char key[KEY_BYTES];
    size_t key_n;
    size_t row;
};

static int by_key(const void *a, const void *b)
{
    const struct reference_row *x = a, *y = b;
    return str_cmp((struct str){x->key, x->key_n}, (struct str){y->key, y->key_n});
}

static int folded_by_key(const void *a, const void *b)
{
    const struct folded *x = a, *y = b;
    return str_cmp((struct str){x->key, x->key_n}, (struct str){y->key, y->key_n});
}

static bool is_true(const struct input *in, size_t row)
{
    return !in->condition.nulls[row] && COLUMN(&in->condition, uint8_t)[row];
}

static void fold_row(struct folded *f, const struct input *in, size_t row, uint64_t *seen_y)
{
    int64_t x = COLUMN(&in->x, int32_t)[row];
    f->sum_x += x;
    if (f->count == 0 || x < f->min_x)
        f->min_x = x;
    f->count++;
    if (is_true(in, row)) {
        if (f->count_if == 0 || x < f->min_if)
            f->min_if = x;
        f->count_if++;
    }
    if (!in->y.nulls[row]) {
        uint64_t y = COLUMN(&in->y, uint16_t)[row];
        f->sum_y += y;
        f->max_y = y > f->max_y ? y : f->max_y;
        f->n_y++;
        f->distinct_y += !(seen_y[y / 64] >> (y % 64) & 1);
        seen_y[y / 64] |= (uint64_t)1 << (y % 64);
    }
}

static size_t reference(const struct input *in, const struct zone *zone, int64_t count,
                        enum interval_unit unit, struct folded **ret)
{
    struct reference_row *rows = xcalloc(in->n + 1, sizeof(*rows));
    struct folded *out = xcalloc(in->n + 1, sizeof(*out));
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++) {
        uint32_t bucket = count ? (uint32_t)zone_bucket_start(zone, in->times[i], count,
                                                              (int)unit) : 0;
        key_put(rows[i].key, &rows[i].key_n, &bucket, 4);
        for (size_t d = 0; d < in->n_dimensions; d++)
            key_value(rows[i].key, &rows[i].key_n, &in->dimensions[d], i);
        rows[i].row = i;
    }
    qsort(rows, in->n, sizeof(*rows), by_key);
    uint64_t seen_y[1024] = {0};
    for (size_t i = 0; i < in->n; i++) {
        if (i == 0 || by_key(&rows[i - 1], &rows[i]) != 0) {
            memcpy(out[n].key, rows[i].key, rows[i].key_n);
            out[n++].key_n = rows[i].key_n;
            memset(seen_y, 0, sizeof(seen_y));
        }
        fold_row(&out[n - 1], in, rows[i].row, seen_y);
    }
    free(rows);
    *ret = out;
    return n;
}

/* ---- cubes ---- */

struct setup {
    struct cube_shape shape;
    struct type types[MAX_DIMENSIONS];
    struct cube_measure measures[N_MEASURES];
    const struct column *columns[N_MEASURES];
    const struct column *const *args[N_MEASURES];
    const struct column *conditions[N_MEASURES];
};

/* In the order of check_row. */
static const struct {
    const char *name;
    char column; /* x, y, 0 = none */
    bool is_if;
} measures[N_MEASURES] = {
    {"count", 0, false}, {"sum", 'x', false}, {"min", 'x', false}, {"sum", 'y',
                                                                    false}, {"max", 'y', false},
    {"countIf", 0, true}, {"minIf", 'x', true}, {"avg", 'x', false}, {"uniqExact", 'y', false},
};

static void setup_init(struct setup *s, const struct input *in, const struct zone *zone,
                       int64_t count, enum interval_unit unit)
{
    *s = (struct setup){.shape = {.n_dimensions = in->n_dimensions, .dimensions = s->types,
                                  .n_measures = N_MEASURES, .measures = s->measures, .zone = zone,
                                  .count = count, .unit = unit}};
    for (size_t d = 0; d < in->n_dimensions; d++)
        s->types[d] = in->dimensions[d].type;
    for (size_t m = 0; m < N_MEASURES; m++) {
        s->columns[m] = measures[m].column == 'x' ? &in->x : &in->y;
        s->args[m] = &s->columns[m];
        s->conditions[m] = measures[m].is_if ? &in->condition : NULL;
        assert_int_equal(aggregate_new(&s->measures[m].aggregate, &arena, str_of(measures[m].name),
                                       NULL, 0, &s->columns[m]->type, measures[m].column ? 1 : 0,
                                       measures[m].is_if, NULL),
                         ERR_OK);
    }
    cube_shape_init(&s->shape);
}

/* Deals the rows out to the cubes in random batches, some as row lists. */
static void feed(const struct setup *s, const struct input *in, struct cube **cubes, size_t n_cubes)
{
    const struct column *dimensions[MAX_DIMENSIONS];
    uint32_t rows[2048];
    struct cube_rows r = {in->times, dimensions, s->args, s->conditions, NULL, 0};
    for (size_t d = 0; d < in->n_dimensions; d++)
        dimensions[d] = &in->dimensions[d];
    for (size_t at = 0; at < in->n; at += r.n) {
        r.n = 1 + random64() % 2048;
        r.n = in->n - at < r.n ? in->n - at : r.n;
        if (at == 0 && random64() % 2) {
            r.rows = NULL; /* the columns' first rows */
        } else {
            for (size_t i = 0; i < r.n; i++)
                rows[i] = (uint32_t)(at + i);
            r.rows = rows;
        }
        cube_add(cubes[random64() % n_cubes], &r);
    }
}

/* Reads a part back as columns; avg and uniqExact stay states. */
static void read_part(const struct setup *s, const struct sealed_tier *part,
                      struct native_result *ret)
{
    AUTO_DONE(buf) out = {0};
    struct err e;
    char name[64];
    size_t n = sealed_n_rows(part), n_dimensions = s->shape.n_dimensions;
    native_block(&out, 1 + n_dimensions + 7, n);
    native_column_head(&out, "bucket", "DateTime");
    sealed_write_buckets(part, &out, NULL, n);
    for (size_t d = 0; d < n_dimensions; d++) {
        native_column_head(&out, "d", type_name(s->types[d], name));
        sealed_write_dimension(part, &out, d, NULL, n);
    }
    for (size_t m = 0; m < 7; m++) {
        native_column_head(&out, measures[m].name,
                           aggregate_storage(s->measures[m].aggregate)->wire_type);
        sealed_write_measure(part, &out, m, NULL, n);
    }
    if (native_read(ret, out.p, out.n, &e) != ERR_OK)
        fail_msg("%s", e.text);
    assert_int_equal(ret->n_rows, n);
}

static uint64_t number(const struct native_result *r, size_t column, size_t row)
{
    uint64_t v = 0;
    const struct column *c = &r->columns[column].column;
    size_t width = type_width(c->type);
    memcpy(&v, (char *)c->values + row * width, width);
    return v;
}

static bool null(const struct native_result *r, size_t column, size_t row)
{
    const struct column *c = &r->columns[column].column;
    return c->nulls != NULL && c->nulls[row];
}

static void check_states(const struct sealed_tier *part, uint32_t row, const struct folded *f)
{
    AUTO_DONE(buf) out = {0};
    AUTO_DONE(buf) expected = {0};
    sealed_write_measure(part, &out, 7, &row, 1);
    buf_u64(&expected, (uint64_t)f->sum_x);
    buf_varuint(&expected, f->count);
    assert_int_equal(out.n, expected.n);
    assert_memory_equal(out.p, expected.p, out.n);
    buf_reset(&out);
    buf_reset(&expected);
    sealed_write_measure(part, &out, 8, &row, 1);
    buf_varuint(&expected, f->distinct_y);
    assert_int_equal(out.n, expected.n + 2 * f->distinct_y);
    assert_memory_equal(out.p, expected.p, expected.n);
}

static void check_row(const struct native_result *r, size_t n_dimensions,
                      const struct sealed_tier *part, size_t row, const struct folded *f)
{
    size_t m = 1 + n_dimensions;
    assert_int_equal(number(r, m, row), f->count);
    assert_int_equal(number(r, m + 1, row), (uint64_t)f->sum_x);
    assert_int_equal((int32_t)number(r, m + 2, row), f->min_x);
    assert_int_equal(null(r, m + 3, row), f->n_y == 0);
    assert_int_equal(null(r, m + 4, row), f->n_y == 0);
    if (f->n_y > 0) {
        assert_int_equal(number(r, m + 3, row), f->sum_y);
        assert_int_equal(number(r, m + 4, row), f->max_y);
    }
    assert_int_equal(number(r, m + 5, row), f->count_if);
    assert_int_equal(null(r, m + 6, row), f->count_if == 0);
    if (f->count_if > 0)
        assert_int_equal((int32_t)number(r, m + 6, row), f->min_if);
    check_states(part, (uint32_t)row, f);
}

struct part_job {
    pthread_t thread;
    struct cube **cubes;
    size_t n_cubes, part, n_parts;
    struct seal_spec spec;
    struct sealed_tier *const *parents; /* NULL: of the cubes themselves */
    size_t n_parents;
    struct sealed_tier *sealed;
};

static void *seal_part(void *context)
{
    struct part_job *j = context;
    j->sealed = j->parents ? sealed_seal(j->parents, j->n_parents, NULL, &j->spec, j->part, j->n_parts)
                           : cube_seal(j->cubes, j->n_cubes, &j->spec, j->part, j->n_parts);
    return NULL;
}

/* Seals one tier in parts, a thread each; every reference key is there once with its values. */
static void check_tier(const struct setup *s, const struct input *in, struct cube **cubes,
                       size_t n_cubes, const struct zone *zone, int64_t count,
                       enum interval_unit unit, size_t n_parts)
{
    struct folded *expected, wanted;
    size_t n = reference(in, zone, s->shape.count ? count : 0, unit, &expected), n_found = 0;
    struct part_job jobs[8];
    /* Of the cubes, or of their own windows, which are sealed in one to three parts. */
    const struct cube_shape *shape = &s->shape;
    struct seal_spec own = seal_all(shape, shape->zone, shape->count, shape->unit);
    struct sealed_tier *parents[3];
    size_t n_parents = random64() % 4;
    for (size_t i = 0; i < n_parents; i++)
        parents[i] = cube_seal(cubes, n_cubes, &own, i, n_parents);
    for (size_t p = 0; p < n_parts; p++) {
        jobs[p] = (struct part_job){0, cubes, n_cubes, p, n_parts, seal_all(shape, zone, count, unit),
                                    n_parents ? parents : NULL, n_parents, NULL};
        assert_int_equal(pthread_create(&jobs[p].thread, NULL, seal_part, &jobs[p]), 0);
    }
    for (size_t p = 0; p < n_parts; p++)
        pthread_join(jobs[p].thread, NULL);
    for (size_t p = 0; p < n_parts; p++) {
        struct sealed_tier *part = jobs[p].sealed;
        struct native_result r = {0};
        read_part(s, part, &r);
        for (size_t row = 0; row < r.n_rows; row++) {
            uint32_t bucket = sealed_bucket(part, row);
            wanted.key_n = 0;
            key_put(wanted.key, &wanted.key_n, &bucket, 4);
            assert_int_equal(number(&r, 0, row), bucket);
            for (size_t d = 0; d < in->n_dimensions; d++)
                key_value(wanted.key, &wanted.key_n, &r.columns[1 + d].column, row);
            struct folded *f = bsearch(&wanted, expected, n, sizeof(*expected), folded_by_key);
            assert_non_null(f);
            check_row(&r, in->n_dimensions, part, row, f);
            f->count = 0; /* met: not again */
            n_found++;
        }
        native_result_done(&r);
        sealed_free(part);
    }
    for (size_t i = 0; i < n_parents; i++)
        sealed_free(parents[i]);
    assert_int_equal(n_found, n);
    free(expected);
}

struct tier {
    const char *zone;
    int64_t count;
    enum interval_unit unit;
};

static const struct zone *zone_by(const char *name)
{
    const struct zone *z = NULL;
    assert_int_equal(zone_find(&z, str_of(name), NULL), ERR_OK);
    return z;
}

static void check_cubes(const struct input *in, struct tier finest, const struct tier *tiers,
                        size_t n_tiers, size_t n_cubes)
{
    struct setup s;
    struct cube *cubes[8];
    setup_init(&s, in, zone_by(finest.zone), finest.count, finest.unit);
    for (size_t c = 0; c < n_cubes; c++)
        cubes[c] = cube_new(&s.shape);
    for (int round = 0; round < 2; round++) { /* the second time after a reset */
        feed(&s, in, cubes, n_cubes);
        for (size_t t = 0; t < n_tiers; t++)
            check_tier(&s, in, cubes, n_cubes, zone_by(tiers[t].zone), tiers[t].count,
                       tiers[t].unit, 1 + random64() % 4);
        check_tier(&s, in, cubes, n_cubes, zone_by(finest.zone), finest.count, finest.unit, 1 +
                   (size_t)round * 3);
        for (size_t c = 0; c < n_cubes; c++) {
            assert_true(cube_bytes(cubes[c]) > 0);
            cube_reset(cubes[c]);
            assert_int_equal(cube_n_keys(cubes[c]), 0);
        }
    }
    for (size_t c = 0; c < n_cubes; c++)
        cube_free(cubes[c]);
}

/* ---- cases ---- */

static const char *const all_types[] = {
    "UInt8", "Nullable(String)", "IPv6", "Nullable(Int64)", "LowCardinality(String)", "Bool",
    "Date", "Nullable(Float64)", "DateTime", "Nullable(IPv4)", "LowCardinality(Nullable(String))",
    "UInt64", "Nullable(Bool)", "Float32", "Nullable(IPv6)", "DateTime64(3)",
};

static const struct tier utc_tiers[] = {{"UTC", 1, INTERVAL_HOUR}, {"UTC", 1, INTERVAL_DAY},
                                        {"UTC", 1, INTERVAL_MONTH}};
static const struct tier berlin_tiers[] = {{"Europe/Berlin", 1, INTERVAL_HOUR},
                                           {"Europe/Berlin", 1,
                                            INTERVAL_DAY}, {"Europe/Berlin", 1,
                                                            INTERVAL_WEEK}, {"Europe/Berlin", 1, INTERVAL_YEAR}};
static const struct tier kolkata_tiers[] = {{"Asia/Kolkata", 1, INTERVAL_HOUR},
                                            {"Asia/Kolkata", 1, INTERVAL_DAY}};

static void every_key_type_alone(void **unused)
{
    for (size_t t = 0; t < COUNT(all_types); t++) {
        struct input in;
        input_init(&in, 2000, &all_types[t], 1, 40, 1700000000, 7200);
        check_cubes(&in, (struct tier){"UTC", 1, INTERVAL_MINUTE}, utc_tiers, 1, 1 + t % 2);
        arena_done(&arena);
    }
}

static void any_number_of_dimensions(void **unused)
{
    for (size_t n = 0; n <= COUNT(all_types); n++) {
        struct input in;
        input_init(&in, 1500, all_types, n, 2 + n % 3, 1700000000, 3600);
        check_cubes(&in, (struct tier){"UTC", 10, INTERVAL_SECOND}, utc_tiers, 2, 3);
        arena_done(&arena);
    }
}

static void tiers_in_zones(void **unused)
{
    static const char *const types[] = {"LowCardinality(String)", "UInt32"};
    struct input in;
    input_init(&in, 4000, types, 2, 5, 1700000000, 400 * 86400);
    check_cubes(&in, (struct tier){"Europe/Berlin", 15, INTERVAL_MINUTE}, berlin_tiers,
                COUNT(berlin_tiers), 4);
    check_cubes(&in, (struct tier){"Asia/Kolkata", 1, INTERVAL_MINUTE}, kolkata_tiers,
                COUNT(kolkata_tiers), 2);
    arena_done(&arena);
}

static void many_keys_grow_tables(void **unused)
{
    static const char *const types[] = {"String", "UInt64"};
    struct input in;
    input_init(&in, 20000, types, 2, 100000, 1700000000, 60);
    check_cubes(&in, (struct tier){"UTC", 1, INTERVAL_MINUTE}, utc_tiers, 1, 2);
    arena_done(&arena);
}

static void profiles_have_no_buckets(void **unused)
{
    static const char *const types[] = {"String"};
    struct input in;
    input_init(&in, 3000, types, 1, 50, 1700000000, 86400);
    check_cubes(&in, (struct tier){"UTC", 0, INTERVAL_SECOND}, NULL, 0, 1);
    check_cubes(&in, (struct tier){"UTC", 0, INTERVAL_SECOND}, NULL, 0, 3);
    arena_done(&arena);
}

static void hashes_do_not_depend_on_numbers_of_strings(void **unused)
{
    static const char *const types[] = {"Nullable(String)", "Int16"};
    struct input in;
    struct setup s;
    uint64_t sums[2] = {0, 0};
    input_init(&in, 2000, types, 2, 30, 1700000000, 600);
    setup_init(&s, &in, NULL, 1, INTERVAL_MINUTE);
    for (int turn = 0; turn < 2; turn++) {
        struct cube *c = cube_new(&s.shape);
        if (turn == 1) { /* other strings first: other numbers */
            struct input before;
            input_init(&before, 100, types, 2, 1000, 1700000000, 60);
            struct setup other;
            setup_init(&other, &before, NULL, 1, INTERVAL_MINUTE);
            feed(&other, &before, &c, 1);
            cube_reset(c);
        }
        feed(&s, &in, &c, 1);
        struct seal_spec spec = seal_all(&s.shape, NULL, 1, INTERVAL_MINUTE);
        struct sealed_tier *t = cube_seal(&c, 1, &spec, 0, 1);
        for (size_t i = 0; i < sealed_n_rows(t); i++)
            sums[turn] += sealed_hash(t, i) * (sealed_bucket(t, i) + 1);
        sealed_free(t);
        cube_free(c);
    }
    assert_int_equal(sums[0], sums[1]);
    arena_done(&arena);
}

/* Everything once more with the plain twins of the vector code. */
static void plain_twins(void **unused)
{
    row_fold_use_plain(true);
    dictionary_use_plain(true);
    every_key_type_alone(unused);
    any_number_of_dimensions(unused);
    many_keys_grow_tables(unused);
    row_fold_use_plain(false);
    dictionary_use_plain(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_type_alone),
        cmocka_unit_test(any_number_of_dimensions),
        cmocka_unit_test(tiers_in_zones),
        cmocka_unit_test(many_keys_grow_tables),
        cmocka_unit_test(profiles_have_no_buckets),
        cmocka_unit_test(hashes_do_not_depend_on_numbers_of_strings),
        cmocka_unit_test(plain_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
