/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of a raw block: by every kind of column, over several workers' pieces, or as it came where no
 * cheap order exists; all rows once in any case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/raw_order.h"

enum { N_PIECES = 3, COLUMNS = 5, MOST = 80000 };
enum { NAME, SIGNED, REAL, TIME, MAYBE };

static const uint8_t kinds[COLUMNS] = {TYPE_STRING, TYPE_INT32, TYPE_FLOAT64, TYPE_DATETIME64, TYPE_UINT8};
static const char *const names[COLUMNS] = {"name", "number", "real", "time", "maybe"};

struct sample {
    struct raw_part parts[N_PIECES];
    struct column columns[N_PIECES][COLUMNS];
    uint32_t *rows;
    struct raw_piece pieces[N_PIECES];
    struct arena arena;
};

static uint64_t state = 88172645463325252ULL;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fill_row(struct sample *s, struct column *c, size_t row, uint64_t id, size_t n_names)
{
    uint64_t name = draw() % n_names;
    COLUMN(&c[NAME], struct str)[row] = str_of(arena_printf(&s->arena, name % 3 ? "n%lu" : "a longer name, %lu", (unsigned long)name));
    COLUMN(&c[SIGNED], int32_t)[row] = (int32_t)(draw() % 200) - 100;
    COLUMN(&c[REAL], double)[row] = ((double)(draw() % 2000) - 1000) / 8;
    COLUMN(&c[TIME], int64_t)[row] = (int64_t)(draw() % 1000000) - 500000;
    COLUMN(&c[MAYBE], uint8_t)[row] = (uint8_t)id;
    c[MAYBE].nulls[row] = id % 5 == 0;
}

static void sample_init(struct sample *s, size_t n, size_t n_names)
{
    *s = (struct sample){0};
    s->rows = xmalloc(n * sizeof(*s->rows));
    for (size_t i = 0; i < n; i++)
        s->rows[i] = (uint32_t)i;
    for (size_t p = 0; p < N_PIECES; p++) {
        struct raw_part *part = &s->parts[p];
        part->columns = s->columns[p];
        part->times = xcalloc(n, 4);
        part->partitions = xcalloc(n, 8);
        part->offsets = xcalloc(n, 8);
        for (size_t c = 0; c < COLUMNS; c++) {
            s->columns[p][c] = (struct column){.type = {.kind = kinds[c], .is_nullable = c == MAYBE}};
            s->columns[p][c].values = xcalloc(n, type_width(s->columns[p][c].type));
        }
        s->columns[p][MAYBE].nulls = xcalloc(n, 1);
        for (size_t row = 0; row < n; row++) {
            part->offsets[row] = p * MOST + row;
            fill_row(s, s->columns[p], row, part->offsets[row], n_names);
        }
        s->pieces[p] = (struct raw_piece){part, s->rows, n - p}; /* not all of them are of the block */
    }
}

static void sample_done(struct sample *s)
{
    for (size_t p = 0; p < N_PIECES; p++) {
        for (size_t c = 0; c < COLUMNS; c++)
            free(s->columns[p][c].values);
        free(s->columns[p][MAYBE].nulls);
        free(s->parts[p].times);
        free(s->parts[p].partitions);
        free(s->parts[p].offsets);
    }
    free(s->rows);
    arena_done(&s->arena);
}

static int compare(const struct sample *s, uint64_t x, uint64_t y, size_t column)
{
    const struct column *a = &s->columns[x / MOST][column], *b = &s->columns[y / MOST][column];
    x %= MOST;
    y %= MOST;
#define COMPARE(T) (COLUMN(a, T)[x] > COLUMN(b, T)[y]) - (COLUMN(a, T)[x] < COLUMN(b, T)[y])
    switch (column) {
    case SIGNED: return COMPARE(int32_t);
    case REAL: return COMPARE(double);
    case TIME: return COMPARE(int64_t);
    default: {
        struct str v = COLUMN(a, struct str)[x], w = COLUMN(b, struct str)[y];
        int c = memcmp(v.p, w.p, v.n < w.n ? v.n : w.n);
        return c ? c : (v.n > w.n) - (v.n < w.n);
    }
    }
}

/* Orders the sample by `by`; checks that all rows are there, whole, and in that order (or as they came). */
static void check_order(const struct sample *s, const int *by, size_t n_by, bool is_ordered)
{
    struct ast nodes[COLUMNS] = {0}, *order_by[COLUMNS];
    struct plan_column columns[COLUMNS] = {0};
    struct keep keep = {.order_by = order_by, .n_order_by = (uint32_t)n_by};
    struct plan_raw plan = {.columns = columns, .n_columns = COLUMNS, .keep = &keep};
    for (size_t i = 0; i < COLUMNS; i++)
        columns[i].name = str_of(names[i]);
    for (size_t i = 0; i < n_by; i++) {
        nodes[i] = (struct ast){.kind = AST_NAME, .text = str_of(names[by[i]])};
        order_by[i] = &nodes[i];
    }
    AUTO_DONE(raw_order) o;
    raw_order_init(&o, &plan, s->pieces, N_PIECES);
    size_t n = 0;
    for (size_t p = 0; p < N_PIECES; p++)
        n += s->pieces[p].n;
    assert_int_equal(o.n, n);

    AUTO_MEM uint64_t *ids = xmalloc(n * sizeof(*ids));
    struct column picked = raw_order_pick_helper(&o, RAW_OFFSETS);
    memcpy(ids, picked.values, n * sizeof(*ids));
    AUTO_MEM uint8_t *seen = xcalloc(N_PIECES, MOST);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(seen[ids[i]]++, 0);
    for (size_t i = 1; i < n; i++) {
        int c = 0;
        for (size_t k = 0; is_ordered && c == 0 && k < n_by; k++)
            c = compare(s, ids[i - 1], ids[i], (size_t)by[k]);
        assert_true(c < 0 || (c == 0 && ids[i - 1] < ids[i])); /* equal ones as they came */
    }
    picked = raw_order_pick(&o, NAME);
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(COLUMN(&picked, struct str)[i].p, COLUMN(&s->columns[ids[i] / MOST][NAME], struct str)[ids[i] % MOST].p);
    picked = raw_order_pick(&o, MAYBE);
    for (size_t i = 0; i < n; i++)
        assert_true(COLUMN(&picked, uint8_t)[i] == (uint8_t)ids[i] && picked.nulls[i] == (ids[i] % 5 == 0));
}

static void rows_come_in_the_order_of_the_table(void **unused)
{
    static const int orders[][3] = {{NAME, TIME, -1}, {TIME, -1}, {REAL, NAME, SIGNED}, {SIGNED, REAL, -1}, {-1}};
    struct sample s;
    sample_init(&s, 3000, 50);
    for (size_t i = 0; i < COUNT(orders); i++) {
        size_t n = 0;
        while (n < 3 && orders[i][n] >= 0)
            n++;
        check_order(&s, orders[i], n, true);
    }
    sample_done(&s);
}

static void rows_stay_as_they_came_where_no_order_is_cheap(void **unused)
{
    struct sample s;
    sample_init(&s, 1000, 50);
    check_order(&s, (int[]){NAME, MAYBE}, 2, false); /* Nullable */
    sample_done(&s);
    sample_init(&s, MOST, 10000000);
    check_order(&s, (int[]){NAME}, 1, false); /* more texts than have ranks */
    sample_done(&s);
}

static void one_row_is_a_block(void **unused)
{
    struct sample s;
    sample_init(&s, N_PIECES, 2);
    s.pieces[0].n = 0;
    s.pieces[1].n = 0;
    s.pieces[2].n = 1;
    check_order(&s, (int[]){NAME}, 1, true);
    sample_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_the_order_of_the_table),
        cmocka_unit_test(rows_stay_as_they_came_where_no_order_is_cheap),
        cmocka_unit_test(one_row_is_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
