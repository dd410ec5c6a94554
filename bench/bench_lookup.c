/* SPDX-License-Identifier: Apache-2.0
 *
 * What lookup.column(key) costs, one thread: addresses in a GeoIP database, a million keys by hash, networks. Data
 * from fixed seeds; a line a figure: name value unit.
 *
 * usage: bench_lookup [DATABASE.mmdb[.zst]]     without one the GeoIP figures are left out */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lookup/files.h"
#include "lookup/table.h"

enum { N = 1 << 20, KEYS = 1000000, ROUNDS = 4 };

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x;
}

static void die(const struct err *e)
{
    fprintf(stderr, "bench_lookup: %s\n", e->text);
    exit(1);
}

/* One file's bytes as a version has them. */
static void put_file(struct buf *files, const struct buf *text)
{
    buf_u64(files, text->n);
    buf_str(files, buf_view(text));
}

/* Seconds for all keys, best of the rounds: find the rows, take a column's values. `width`: bytes of a key. */
static double time_column(const struct lookup_table *t, struct type type, const char *keys, size_t width, size_t column,
                          size_t *n_found)
{
    static uint32_t rows[BATCH_ROWS];
    static char values[BATCH_ROWS * 16] __attribute__((aligned(16)));
    static uint8_t nulls[BATCH_ROWS];
    static char batch[BATCH_ROWS * 16] __attribute__((aligned(16))), texts[BATCH_ROWS * 16]; /* just decoded: near */
    AUTO_DONE(arena) arena = {0};
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double s = 0;
        *n_found = 0;
        for (size_t i = 0; i < N; i += BATCH_ROWS) {
            struct column key = {.type = type, .values = batch};
            const struct column *const list[] = {&key};
            memcpy(batch, keys + i * width, BATCH_ROWS * width);
            for (size_t k = 0; type.kind == TYPE_STRING && k < BATCH_ROWS; k++) {
                struct str *text = (struct str *)batch + k;
                memcpy(texts + k * 16, text->p, text->n);
                text->p = texts + k * 16;
            }
            double from = cpu_s();
            lookup_find(t, (enum type_kind)type.kind, list, BATCH_ROWS, &arena, rows);
            lookup_values(t, column, rows, BATCH_ROWS, values, nulls);
            s += cpu_s() - from;
            for (size_t k = 0; k < BATCH_ROWS; k++)
                *n_found += !nulls[k];
            arena_reset(&arena);
        }
        best = s < best ? s : best;
    }
    return best;
}

static struct lookup_table *make_table(struct lookup_spec *spec, struct buf *files)
{
    struct lookup_table *t;
    struct err e;
    if (lookup_table_new(&t, spec, &(struct lookup_files){.bytes = buf_view(files), .max_bytes = (size_t)1 << 31}, &e) != ERR_OK)
        die(&e);
    return t;
}

static struct lookup_spec spec_of(enum lookup_layout layout, const struct field *fields, const struct str *names,
                                  const uint32_t *positions, const uint32_t *key)
{
    return (struct lookup_spec){.name = STR("bench"),
                                .layout = layout,
                                .format = {.format = FORMAT_CSV, .fields = fields, .n_fields = 2, .positions = positions, .n_positions = 2},
                                .names = names,
                                .keys = key,
                                .n_keys = 1};
}

static const struct str names[2] = {STR("k"), STR("v")};
static const uint32_t positions[2] = {0, 1}, first[1] = {0};

static void bench_texts(void)
{
    struct field fields[2] = {{STR("k"), {.kind = TYPE_STRING}, false}, {STR("v"), {.kind = TYPE_STRING}, false}};
    struct lookup_spec spec = spec_of(LOOKUP_HASHED, fields, names, positions, first);
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) files = {0};
    for (uint32_t i = 0; i < KEYS; i++)
        buf_printf(&text, "user-%07u,plan-%u\n", i, i % 977);
    put_file(&files, &text);
    AUTO(lookup_table) t = make_table(&spec, &files);
    char *bytes = xmalloc((size_t)N * 16);
    struct str *keys = xmalloc(N * sizeof(*keys));
    uint64_t x = 7;
    size_t n_found;
    for (size_t i = 0; i < N; i++) {
        int n = snprintf(bytes + i * 16, 16, "user-%07u", (unsigned)(next(&x) % KEYS));
        keys[i] = (struct str){bytes + i * 16, (size_t)n};
    }
    double s = time_column(t, fields[0].type, (char *)keys, 16, 1, &n_found);
    printf("lookup_text_1m %.1f ns\n", s / N * 1e9);
    free(keys);
    free(bytes);
}

static void bench_numbers(void)
{
    struct field fields[2] = {{STR("k"), {.kind = TYPE_UINT64}, false}, {STR("v"), {.kind = TYPE_FLOAT64}, false}};
    struct lookup_spec spec = spec_of(LOOKUP_HASHED, fields, names, positions, first);
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) files = {0};
    for (uint32_t i = 0; i < KEYS; i++)
        buf_printf(&text, "%u,%u.5\n", i * 7, i);
    put_file(&files, &text);
    AUTO(lookup_table) t = make_table(&spec, &files);
    uint64_t *keys = xmalloc(N * sizeof(*keys)), x = 9;
    size_t n_found;
    for (size_t i = 0; i < N; i++)
        keys[i] = next(&x) % KEYS * 7;
    double s = time_column(t, fields[0].type, (char *)keys, 8, 1, &n_found);
    printf("lookup_number_1m %.1f ns\n", s / N * 1e9);
    free(keys);
}

static void bench_networks(void)
{
    struct field fields[2] = {{STR("k"), {.kind = TYPE_STRING}, false}, {STR("v"), {.kind = TYPE_UINT32}, false}};
    struct lookup_spec spec = spec_of(LOOKUP_IP_TRIE, fields, names, positions, first);
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) files = {0};
    uint64_t x = 11;
    size_t n_found;
    for (uint32_t i = 0; i < 200000; i++) {
        uint64_t a = next(&x);
        buf_printf(&text, "%u.%u.%u.%u/%u,%u\n", (unsigned)(a >> 56), (unsigned)(a >> 48) & 255, (unsigned)(a >> 40) & 255,
                   (unsigned)(a >> 32) & 255, 12 + (unsigned)(a % 13), i);
    }
    put_file(&files, &text);
    AUTO(lookup_table) t = make_table(&spec, &files);
    uint32_t *keys = xmalloc(N * sizeof(*keys));
    for (size_t i = 0; i < N; i++)
        keys[i] = (uint32_t)i * 2654435761u;
    double s = time_column(t, (struct type){.kind = TYPE_IPV4}, (char *)keys, 4, 1, &n_found);
    printf("lookup_networks_200k %.1f M/s\n", N / s / 1e6);
    free(keys);
}

/* All distinct in random order; then as clients come: networks met before, some addresses of each. */
static void bench_geo(const char *path)
{
    struct lookup_spec spec = {.name = STR("geo"), .layout = LOOKUP_GEOIP};
    AUTO_DONE(buf) files = {0};
    struct err e;
    if (lookup_files_add(&files, path, (size_t)1 << 31, &e) != ERR_OK)
        die(&e);
    AUTO(lookup_table) t = make_table(&spec, &files);
    struct lookup_geo *g = lookup_geo_new(t, GEO_COUNTRY_CODE);
    AUTO_DONE(arena) arena = {0};
    static uint32_t rows[BATCH_ROWS];
    static struct str values[BATCH_ROWS];
    static uint8_t nulls[BATCH_ROWS];
    uint32_t *keys = xmalloc(N * sizeof(*keys));
    for (int is_local = 0; is_local < 2; is_local++) {
        uint64_t x = 88172645463325252u;
        double best = 1e9;
        for (size_t i = 0; i < N; i++) {
            uint64_t r = next(&x);
            keys[i] = is_local ? (uint32_t)(r % 1000) * 0x41c64eu + (uint32_t)(r >> 40) % 256
                               : (uint32_t)i * 2654435761u; /* odd: all distinct */
        }
        for (int round = 0; round < ROUNDS; round++) {
            double from = cpu_s();
            for (size_t i = 0; i < N; i += BATCH_ROWS) {
                struct column key = {.type = {.kind = TYPE_IPV4}, .values = keys + i};
                const struct column *const list[] = {&key};
                lookup_find(t, TYPE_IPV4, list, BATCH_ROWS, &arena, rows);
                lookup_geo_values(g, rows, BATCH_ROWS, &arena, values, nulls);
            }
            double s = cpu_s() - from;
            best = s < best ? s : best;
        }
        printf("geoip_%s %.1f M/s\n", is_local ? "local" : "distinct_1m", N / best / 1e6);
    }
    free(keys);
    lookup_geo_free(g);
}

int main(int argc, char **argv)
{
    bench_texts();
    bench_numbers();
    bench_networks();
    if (argc > 1)
        bench_geo(argv[1]);
    return 0;
}
