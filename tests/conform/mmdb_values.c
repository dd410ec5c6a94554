/* SPDX-License-Identifier: Apache-2.0
 *
 * mmdb_values DATABASE: for each address on a line of stdin its record as a line of JSON, null where there is none. With
 * geo: in front, `geo:FIELD DATABASE`, only what the field has. A database that is refused gives its reason on stderr
 * and exit code 2. mmdb_values bench DATABASE: lookups a second, one core. */
#include <arpa/inet.h>
#include <stdio.h>
#include <time.h>

#include "lookup/geo.h"

static void load(struct buf *bytes, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    for (size_t n; (n = fread(buf_reserve(bytes, 1 << 20), 1, 1 << 20, f)) > 0;)
        bytes->n += n;
    fclose(f);
}

static uint32_t find(const struct mmdb *db, const char *address)
{
    uint8_t ipv6[1][16], ipv4[4];
    uint32_t record = MMDB_NONE;
    if (inet_pton(AF_INET, address, ipv4) == 1) {
        uint32_t number = (uint32_t)ipv4[0] << 24 | ipv4[1] << 16 | ipv4[2] << 8 | ipv4[3];
        mmdb_find_ipv4(db, &number, 1, &record);
    } else if (inet_pton(AF_INET6, address, ipv6[0]) == 1) {
        mmdb_find_ipv6(db, ipv6, 1, &record);
    }
    return record;
}

static int print_all(const struct mmdb *db, struct geo_column *column)
{
    char line[256];
    struct err e;
    AUTO_DONE(buf) out = {0};
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = 0;
        uint32_t record = find(db, line);
        struct mmdb_value v = mmdb_get(db, record, &(struct mmdb_path){0});
        if (column)
            geo_column_values(column, &record, 1, &v);
        buf_reset(&out);
        if (mmdb_print_json(&out, db, v, 1 << 20, &e) != ERR_OK) {
            fprintf(stderr, "%s: %s\n", line, e.text);
            return 2;
        }
        puts(buf_cstr(&out));
    }
    return 0;
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A million distinct addresses in random order; then the same number, of which most lie in networks met just before. */
static void bench(const struct mmdb *db)
{
    enum { N = 1 << 20, BATCH = 4096, ROUNDS = 8 };
    uint32_t *addresses = xmalloc(N * sizeof(*addresses)), records[BATCH];
    struct mmdb_value values[BATCH];
    AUTO(geo_column) column = geo_column_new(db, GEO_COUNTRY_CODE);
    for (int is_local = 0; is_local < 2; is_local++) {
        uint64_t x = 88172645463325252u;
        for (size_t i = 0; i < N; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            addresses[i] = is_local ? (uint32_t)(x % 1000) * 0x41c64eu + (uint32_t)(x >> 40) % 256
                                    : (uint32_t)i * 2654435761u; /* odd: all distinct */
        }
        size_t found = 0;
        double from = cpu_s();
        for (size_t i = 0; i < (size_t)N * ROUNDS; i += BATCH) {
            mmdb_find_ipv4(db, addresses + i % N, BATCH, records);
            geo_column_values(column, records, BATCH, values);
            for (size_t k = 0; k < BATCH; k++)
                found += values[k].type != 0;
        }
        double s = cpu_s() - from;
        printf("%s: %.1f M/s, %.0f %% found\n", is_local ? "with locality" : "distinct", N * (double)ROUNDS / s / 1e6,
               100.0 * (double)found / N / ROUNDS);
    }
    free(addresses);
}

int main(int argc, char **argv)
{
    bool is_bench = argc == 3 && strcmp(argv[1], "bench") == 0, is_geo = argc == 3 && strncmp(argv[1], "geo:", 4) == 0;
    AUTO_DONE(buf) bytes = {0};
    AUTO(mmdb) db = NULL;
    AUTO(geo_column) column = NULL;
    struct err e;
    enum geo_field field;

    if (argc != 2 && !is_bench && !is_geo) {
        fprintf(stderr, "usage: mmdb_values [bench | geo:FIELD] DATABASE\n");
        return 1;
    }
    load(&bytes, argv[argc - 1]);
    double from = cpu_s();
    if (mmdb_new(&db, buf_view(&bytes), &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 2;
    }
    if (is_bench) {
        printf("opened in %.0f ms, %u nodes, %u records\n", 1e3 * (cpu_s() - from), mmdb_facts(db)->n_nodes,
               mmdb_facts(db)->n_records);
        bench(db);
        return 0;
    }
    if (is_geo && geo_field_named(str_of(argv[1] + 4), &field))
        column = geo_column_new(db, field);
    else if (is_geo && geo_column_new_at(&column, db, str_of(argv[1] + 4), &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    return print_all(db, column);
}
