/* SPDX-License-Identifier: Apache-2.0
 *
 * Folding rows at once against the plain loops: random shapes over all types of arguments, NULLs,
 * conditions, row lists; the states must be the same bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "aggregate/row_fold.h"

enum { N_ROWS = ROW_FOLD_ROWS, N_KEYS = 7, MAX_MEASURES = 20 };

static struct arena arena;
static uint64_t random_state = 0x2545f4914f6cdd1dULL;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x9e3779b97f4a7c15ULL;
}

static size_t below(size_t n)
{
    return (size_t)((random64() >> 11) % n);
}

static const char *const types[] = {
    "Bool", "UInt8", "UInt16", "UInt32", "UInt64", "Int8", "Int16", "Int32", "Int64", "Float32",
    "Float64", "Date", "DateTime", "DateTime64(3)", "IPv4",
};

/* Values of 8 bytes or less; floats with NaN and both zeros, quarters so that sums are exact. */
static struct column *column_new(void)
{
    struct column *c = arena_zero(&arena, sizeof(*c));
    char name[40];
    bool nullable = below(3) == 0;
    snprintf(name, sizeof(name), nullable ? "Nullable(%s)" : "%s", types[below(COUNT(types))]);
    assert_int_equal(type_parse(&c->type, str_of(name), NULL), ERR_OK);
    size_t width = type_width(c->type);
    c->values = arena_zero(&arena, 2 * N_ROWS * width);
    c->nulls = nullable ? arena_zero(&arena, 2 * N_ROWS) : NULL;
    for (size_t i = 0; i < 2 * N_ROWS; i++) {
        uint64_t v = below(4) ? random64() : 0;
        double d = below(20) == 0 ? NAN : below(20) == 0 ? -0.0 : (double)(v % 1000) / 4 - 100;
        float f = (float)d;
        const void *from = c->type.kind == TYPE_FLOAT64 ? (void *)&d
        : c->type.kind == TYPE_FLOAT32 ? (void *)&f : &v;
        memcpy((char *)c->values + i * width, from, width);
        if (nullable)
            c->nulls[i] = below(3) == 0;
    }
    return c;
}

static struct column *condition_new(void)
{
    struct column *c = arena_zero(&arena, sizeof(*c));
    c->type = (struct type){.kind = TYPE_UINT8, .is_nullable = below(2)};
    c->values = arena_zero(&arena, 2 * N_ROWS);
    c->nulls = c->type.is_nullable ? arena_zero(&arena, 2 * N_ROWS) : NULL;
    for (size_t i = 0; i < 2 * N_ROWS; i++) {
        COLUMN(c, uint8_t)[i] = below(2) ? (uint8_t)random64() : 0;
        if (c->nulls)
            c->nulls[i] = below(5) == 0;
    }
    return c;
}

struct setup {
    struct cube_shape shape;
    struct cube_measure measures[MAX_MEASURES];
    const struct column *columns[MAX_MEASURES];
    const struct column *const *args[MAX_MEASURES];
    const struct column *conditions[MAX_MEASURES];
};

static void setup_init(struct setup *s)
{
    static const char *const names[] = {"count", "sum", "min", "max", "avg", "any"};
    const struct column *shared = condition_new();
    *s = (struct setup){.shape = {.n_measures = 1 + below(MAX_MEASURES), .measures = s->measures,
                                  .count = 1}};
    for (size_t m = 0; m < s->shape.n_measures; m++) {
        enum err_code code;
        do {
            const char *name = names[below(COUNT(names))];
            s->columns[m] = m > 0 && below(3) == 0 ? s->columns[m - 1] : column_new();
            s->args[m] = &s->columns[m];
            s->conditions[m] = below(2) ? NULL : below(2) ? shared : condition_new();
            code = aggregate_new(&s->measures[m].aggregate, &arena, str_of(name), NULL, 0,
                                 &s->columns[m]->type, name[0] == 'c' ? below(2) : 1,
                                 s->conditions[m] != NULL, NULL);
        } while (code != ERR_OK);
    }
    cube_shape_init(&s->shape);
}

static void rows_init(const struct setup *s, char *rows)
{
    for (size_t k = 0; k < N_KEYS; k++)
        for (size_t m = 0; m < s->shape.n_measures; m++)
            aggregate_init(s->measures[m].aggregate, rows + k * s->shape.stride +
                           s->measures[m].offset);
}

/* One row at a time through aggregate_update. */
static void fold_plainly(const struct setup *s, char *rows, const uint32_t *ids,
                         const struct row_fold_input *in)
{
    size_t bytes = 0;
    for (size_t i = 0; i < in->n; i++) {
        uint32_t row = in->pick ? in->pick[i] : (uint32_t)(in->first + i);
        ++*(uint64_t *)(rows + (size_t)ids[i] * 8);
        for (size_t m = 0; m < s->shape.n_measures; m++) {
            const struct column *c = s->conditions[m];
            struct aggregate_input one = {s->args[m], &row, &ids[i], 1};
            if (c == NULL || (COLUMN(c, uint8_t)[row] && !(c->nulls && c->nulls[row])))
                aggregate_update(s->measures[m].aggregate, rows, 8, s->measures[m].offset, &one,
                                 &bytes);
        }
    }
}

static void fold_at_once(const struct setup *s, const struct row_fold *f, char *rows,
                         const uint32_t *ids, const struct row_fold_input *in)
{
    struct setup rest = *s;
    row_fold(f, rows, ids, in);
    for (size_t i = 0; i < in->n; i++)
        --*(uint64_t *)(rows + (size_t)ids[i] * 8); /* fold_plainly counts again */
    for (size_t m = rest.shape.n_measures; m-- > 0;) /* only what is not covered */
        if (f->covered >> m & 1) {
            rest.shape.n_measures--;
            memmove(&rest.measures[m], &rest.measures[m + 1],
                    (rest.shape.n_measures - m) * sizeof(rest.measures[0]));
            memmove(&rest.args[m], &rest.args[m + 1],
                    (rest.shape.n_measures - m) * sizeof(rest.args[0]));
            memmove(&rest.conditions[m], &rest.conditions[m + 1],
                    (rest.shape.n_measures - m) * sizeof(rest.conditions[0]));
        }
    fold_plainly(&rest, rows, ids, in);
}

static void rows_at_once_equal_plain_loops(void **unused)
{
    for (int turn = 0; turn < 400; turn++) {
        struct setup s;
        struct row_fold f;
        uint32_t ids[N_ROWS], pick[N_ROWS];
        setup_init(&s);
        row_fold_init(&f, &s.shape);
        size_t bytes = N_KEYS * s.shape.stride;
        char *plain = arena_zero(&arena, bytes), *once = arena_zero(&arena, bytes);
        rows_init(&s, plain);
        rows_init(&s, once);
        for (int batch = 0; batch < 3; batch++) {
            struct row_fold_input in = {s.args, s.conditions, batch == 2 ? pick : NULL, batch == 2
                                        ? 0 : below(N_ROWS), 1 + below(N_ROWS)};
            for (size_t i = 0; i < in.n; i++) {
                ids[i] = (uint32_t)(below(N_KEYS) * s.shape.stride / 8);
                pick[i] = (uint32_t)below(2 * N_ROWS);
            }
            fold_plainly(&s, plain, ids, &in);
            fold_at_once(&s, &f, once, ids, &in);
        }
        assert_memory_equal(plain, once, bytes);
        arena_done(&arena);
    }
}

static void merged_rows_equal_plain_merges(void **unused)
{
    for (int turn = 0; turn < 200; turn++) {
        struct setup s;
        struct row_fold f;
        uint32_t ids[N_ROWS];
        size_t memory = 0;
        setup_init(&s);
        row_fold_init(&f, &s.shape);
        size_t stride = s.shape.stride;
        char *rows = arena_zero(&arena, N_KEYS * stride), *copy = arena_zero(&arena, stride);
        struct row_fold_input in = {s.args, s.conditions, NULL, 0, 1 + below(20)};
        rows_init(&s, rows);
        for (size_t i = 0; i < in.n; i++)
            ids[i] = (uint32_t)(below(2) * stride / 8);
        fold_plainly(&s, rows, ids, &in);
        memcpy(copy, rows, stride);
        row_fold_merge(&f, copy, rows + stride);
        *(uint64_t *)rows += *(uint64_t *)(rows + stride);
        for (size_t m = 0; m < s.shape.n_measures; m++) {
            size_t at = s.measures[m].offset;
            aggregate_merge(s.measures[m].aggregate, rows + at, rows + stride + at, &memory);
            if (!(f.covered >> m & 1))
                aggregate_merge(s.measures[m].aggregate, copy + at, rows + stride + at, &memory);
        }
        assert_memory_equal(rows, copy, stride);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_at_once_equal_plain_loops),
        cmocka_unit_test(merged_rows_equal_plain_merges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
