/* SPDX-License-Identifier: Apache-2.0
 *
 * Speed of aggregation alone, on one core: the seven aggregates (count, two sums, min, max, two
 * averages) over given ids; cubes by minute and user; memory and time of very many keys; sealing.
 * Best of several runs over warm tables unless said.
 *
 *   bench_aggregate [percent of the full size]      a table
 *   bench_aggregate --json                          row 3 of the line's figures, median of 7 runs */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "aggregate/row_fold.h"
#include "engine/cube.h"

enum { BATCH = 2048, PREFETCH = 128, N_MEASURES = 7 };

static struct arena arena;
static uint64_t random_state = 88172645463325252ULL;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void print_row(const char *what, size_t n, double seconds, double goal)
{
    double rate = (double)n / seconds / 1e6;
    printf("%-58s %7.2f ns/row %8.1f M rows/s", what, seconds / (double)n * 1e9, rate);
    if (goal > 0)
        printf("  goal %5.0f  ratio %.2f  %s", goal, rate / goal, rate >= goal ? "met" : "NOT MET");
    printf("\n");
    fflush(stdout);
}

/* ---- input ---- */

struct events {
    size_t n;
    uint32_t *times, *ids;
    struct str *users;
    uint64_t *keys;
    int64_t *down, *up;
    double *a, *b;
};

static struct events events_new(size_t n, uint32_t n_users, uint32_t rows_per_second)
{
    struct events e = {.n = n};
    e.times = xmap(n * 4);
    e.ids = xmap(n * 4);
    e.users = xmap(n * sizeof(struct str));
    e.keys = xmap(n * 8);
    e.down = xmap(n * 8);
    e.up = xmap(n * 8);
    e.a = xmap(n * 8);
    e.b = xmap(n * 8);
    char *names = xmap(n * 16 + 64);
    for (size_t i = 0; i < n; i++) {
        e.ids[i] = (uint32_t)(random64() % n_users);
        e.times[i] = 1725531300 + (uint32_t)(i / rows_per_second);
        int length = snprintf(names + i * 16, 16, "user%05u", e.ids[i]);
        e.users[i] = (struct str){names + i * 16, (size_t)length};
        e.keys[i] = e.ids[i] * 0x9e3779b97f4a7c15ULL;
        e.down[i] = (int64_t)(random64() % 5000000);
        e.up[i] = (int64_t)(random64() % 500000);
        e.a[i] = (double)(random64() % 100000) / 1000;
        e.b[i] = (double)(random64() % 100000) / 1000;
    }
    return e;
}

static void events_done(struct events *e)
{
    xunmap(e->times, e->n * 4);
    xunmap(e->ids, e->n * 4);
    xunmap((void *)((size_t)e->users[0].p & ~(size_t)4095), e->n * 16 + 64);
    xunmap(e->users, e->n * sizeof(struct str));
    xunmap(e->keys, e->n * 8);
    xunmap(e->down, e->n * 8);
    xunmap(e->up, e->n * 8);
    xunmap(e->a, e->n * 8);
    xunmap(e->b, e->n * 8);
}

/* ---- shapes ---- */

struct setup {
    struct cube_shape shape;
    struct type dimension;
    struct cube_measure measures[N_MEASURES];
    struct column columns[5]; /* down, up, a, b, dimension */
    const struct column *args[N_MEASURES];
    const struct column *const *arg_lists[N_MEASURES];
    const struct column *dimensions[1];
};

static const struct {
    const char *name;
    int column;
} job[N_MEASURES] = {{"count", -1}, {"sum", 0}, {"sum", 1}, {"min", 2}, {"max", 2}, {"avg", 2},
                     {"avg", 3}};

static void setup_init(struct setup *s, size_t n_measures, enum type_kind dimension)
{
    *s = (struct setup){.dimension = {.kind = (uint8_t)dimension}};
    s->shape = (struct cube_shape){.n_dimensions = 1, .dimensions = &s->dimension,
                                   .n_measures = n_measures, .measures = s->measures, .count = 1,
                                   .unit = INTERVAL_MINUTE};
    s->dimensions[0] = &s->columns[4];
    s->columns[4].type = s->dimension;
    for (int c = 0; c < 4; c++)
        s->columns[c].type.kind = c < 2 ? TYPE_INT64 : TYPE_FLOAT64;
    for (size_t m = 0; m < n_measures; m++) {
        int c = job[m].column;
        struct err e;
        s->args[m] = c < 0 ? NULL : &s->columns[c];
        s->arg_lists[m] = &s->args[m];
        if (aggregate_new(&s->measures[m].aggregate, &arena, str_of(job[m].name), NULL, 0,
                          c < 0 ? NULL : &s->columns[c].type, c >= 0, false, &e) != ERR_OK)
            abort();
    }
    cube_shape_init(&s->shape);
}

static void point_at(struct setup *s, const struct events *e, size_t row)
{
    s->columns[0].values = e->down + row;
    s->columns[1].values = e->up + row;
    s->columns[2].values = e->a + row;
    s->columns[3].values = e->b + row;
    s->columns[4].values = s->dimension.kind == TYPE_STRING   ? (void *)(e->users + row)
                           : s->dimension.kind == TYPE_UINT64 ? (void *)(e->keys + row)
                                                              : (void *)(e->ids + row);
}

static void fill_cube(struct cube *c, struct setup *s, const struct events *e, size_t from,
                      size_t to)
{
    for (size_t at = from; at < to; at += BATCH) {
        size_t n = to - at < BATCH ? to - at : BATCH;
        point_at(s, e, at);
        struct cube_rows r = {e->times + at, s->dimensions, s->arg_lists, NULL, NULL, n};
        cube_add(c, &r);
    }
}

/* ---- rows ---- */

static size_t take_ids(const struct setup *s, const struct events *e, size_t at, uint32_t ids[PREFETCH])
{
    size_t n = e->n - at < PREFETCH ? e->n - at : PREFETCH;
    for (size_t i = 0; i < n; i++)
        ids[i] = e->ids[at + i] * (uint32_t)(s->shape.stride / 8);
    return n;
}

static void fold_ids(const struct setup *s, const struct events *e, char *rows)
{
    uint32_t both[2][PREFETCH];
    struct row_fold f;
    row_fold_init(&f, &s->shape);
    size_t n_next = take_ids(s, e, 0, both[0]);
    for (size_t at = 0; at < e->n; at += PREFETCH) {
        uint32_t *ids = both[at / PREFETCH % 2], *next = both[at / PREFETCH % 2 ^ 1];
        size_t n = n_next;
        n_next = take_ids(s, e, at + n, next);
        struct row_fold_input fold = {s->arg_lists, NULL, NULL, at, n, next, n_next};
        row_fold(&f, rows, ids, &fold);
        for (size_t m = 0; m < s->shape.n_measures; m++) {
            struct aggregate_input in = {s->arg_lists[m], NULL, ids, n};
            size_t bytes = 0;
            if (!(f.covered >> m & 1))
                aggregate_update(s->measures[m].aggregate, rows, 8, s->measures[m].offset, &in,
                                 &bytes);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { ID_RUNS = 7 };

/* Dense ids are given: what aggregation itself costs. Seconds of all runs, in order. */
static void time_ids(size_t n, uint32_t n_keys, double seconds[ID_RUNS])
{
    struct events e = events_new(n, n_keys, 2000);
    struct setup s;
    setup_init(&s, N_MEASURES, TYPE_UINT32);
    point_at(&s, &e, 0);
    const size_t huge = (size_t)2 << 20; /* tables are whole huge pages, too */
    size_t bytes = ((size_t)n_keys * s.shape.stride + huge - 1) & ~(huge - 1);
    char *rows = xmap(bytes);
    for (int run = 0; run < ID_RUNS; run++) {
        double start = now_s();
        fold_ids(&s, &e, rows);
        seconds[run] = now_s() - start;
    }
    qsort(seconds, ID_RUNS, sizeof(*seconds), by_value);
    xunmap(rows, bytes);
    events_done(&e);
}

static void bench_ids(size_t n, uint32_t n_keys, double goal)
{
    double seconds[ID_RUNS];
    char what[80];
    time_ids(n, n_keys, seconds);
    snprintf(what, sizeof(what), "on ids, 7 aggregates, %u keys", n_keys);
    print_row(what, n, seconds[0], goal);
}

/* The figure of the whole line's table. */
static void print_json(size_t n)
{
    enum { GOAL = 120 };
    double seconds[ID_RUNS];
    time_ids(n, 100000, seconds);
    double rate = (double)n / seconds[ID_RUNS / 2] / 1e6;
    printf("{\"row\": 3, \"what\": \"aggregation on ids, 100 k keys, 7 aggregates, per core\", \"ours\": %.1f, "
           "\"peer\": null, \"unit\": \"M rows/s\", \"ratio\": %.2f, \"goal\": %d, \"met\": %s}\n",
           rate, rate / GOAL, GOAL, rate >= GOAL ? "true" : "false");
}

static void bench_cube(const char *what, size_t n, uint32_t n_users, enum type_kind kind,
                       double goal)
{
    struct events e = events_new(n, n_users, strstr(what, "hour") ? 2000000 : 2000);
    struct setup s;
    setup_init(&s, N_MEASURES, kind);
    struct cube *c = cube_new(&s.shape);
    double best = 1e9;
    for (int run = 0; run < 5; run++) {
        double start = now_s();
        fill_cube(c, &s, &e, 0, n);
        double took = now_s() - start;
        best = took < best ? took : best;
    }
    print_row(what, n, best, goal);
    cube_free(c);
    events_done(&e);
}

/* Every row is a new key: time, memory, sealing. */
static void bench_many_keys(size_t n)
{
    struct events e = events_new(n, 1, 1000000);
    struct setup s;
    for (size_t i = 0; i < n; i++)
        e.keys[i] = random64();
    setup_init(&s, 3, TYPE_UINT64);
    struct cube *c = cube_new(&s.shape);
    size_t before = mem_resident_bytes();
    double start = now_s();
    fill_cube(c, &s, &e, 0, n);
    print_row("UInt64 keys, all new: count and two sums", n, now_s() - start, 0);
    size_t resident = mem_resident_bytes() - before;
    printf("    %zu keys: %.0f MB said, %.0f MB resident more, %.1f B a key\n", cube_n_keys(c),
           (double)cube_bytes(c) / 1e6, (double)resident / 1e6, (double)cube_bytes(c) / (double)n);
    start = now_s();
    fill_cube(c, &s, &e, 0, n);
    print_row("the same keys again", n, now_s() - start, 0);

    static const struct {
        const char *what;
        int64_t count;
        enum interval_unit unit;
        size_t n_parts;
    } seals[] = {{"seal, one cube, finest tier", 1, INTERVAL_MINUTE, 1},
                 {"seal, one cube, finest tier, part 1 of 2", 1, INTERVAL_MINUTE, 2},
                 {"seal, one cube, hours", 1, INTERVAL_HOUR, 1}};
    for (size_t i = 0; i < COUNT(seals); i++) {
        start = now_s();
        struct seal_spec spec = seal_all(&s.shape, NULL, seals[i].count, seals[i].unit);
        struct sealed_tier *t = cube_seal(&c, 1, &spec, 0, seals[i].n_parts);
        print_row(seals[i].what, n, now_s() - start, 0);
        printf("    %zu rows, %.0f MB of its own\n", sealed_n_rows(t),
               (double)sealed_bytes(t) / 1e6);
        sealed_free(t);
    }
    cube_free(c);
    events_done(&e);
}

/* The job's keys in four cubes, sealed into hours, and their cells written. */
static void bench_seal_workers(size_t n)
{
    struct events e = events_new(n, 1000, 2000);
    struct setup s;
    setup_init(&s, N_MEASURES, TYPE_STRING);
    struct cube *cubes[4];
    size_t n_keys = 0;
    for (size_t w = 0; w < 4; w++) {
        cubes[w] = cube_new(&s.shape);
        for (size_t at = w * BATCH; at + BATCH <= n; at += 4 * BATCH)
            fill_cube(cubes[w], &s, &e, at, at + BATCH);
        n_keys += cube_n_keys(cubes[w]);
    }
    double start = now_s();
    struct seal_spec spec = seal_all(&s.shape, NULL, 1, INTERVAL_MINUTE);
    struct sealed_tier *t = cube_seal(cubes, 4, &spec, 0, 1);
    print_row("seal, 4 cubes of minute x user, finest tier: per key in", n_keys, now_s() - start,
              0);
    struct buf out = {0};
    start = now_s();
    sealed_write_buckets(t, &out, NULL, sealed_n_rows(t));
    sealed_write_dimension(t, &out, 0, NULL, sealed_n_rows(t));
    for (size_t m = 0; m < N_MEASURES; m++)
        sealed_write_measure(t, &out, m, NULL, sealed_n_rows(t));
    print_row("    write all its columns: per row", sealed_n_rows(t), now_s() - start, 0);
    printf("    %zu keys -> %zu rows, %.1f B a row in Native\n", n_keys, sealed_n_rows(t),
           (double)out.n / (double)sealed_n_rows(t));
    buf_done(&out);
    sealed_free(t);
    for (size_t w = 0; w < 4; w++)
        cube_free(cubes[w]);
    events_done(&e);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--json") == 0) {
        print_json(4000000);
        return 0;
    }
    size_t percent = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    size_t n = 4000000 * percent / 100;
    bench_ids(n, 1000, 0);
    bench_ids(n, 100000, 120);
    bench_ids(n, 1000000, 0);
    bench_cube("cube, minute x UInt32, 1,000", n, 1000, TYPE_UINT32, 0);
    bench_cube("cube, minute x UInt32, 100,000", n, 100000, TYPE_UINT32, 0);
    bench_cube("cube, hour x UInt32, 100,000, each key often", n, 100000, TYPE_UINT32, 0);
    bench_cube("cube, minute x user (text), 1,000: the job", n, 1000, TYPE_STRING, 125);
    bench_cube("cube, minute x user (text), 100,000", n, 100000, TYPE_STRING, 0);
    bench_seal_workers(n);
    bench_many_keys(10000000 * percent / 100);
    return 0;
}
