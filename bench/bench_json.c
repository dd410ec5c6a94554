/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON decoding alone, one thread: the ten-field record to columns, all ten and four of them, with each
 * kind of kernels and the careful way. usage: bench_json [RECORDS [ROUNDS [LINE]]] */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "codec/json_priv.h"
#include "records.h"

enum { CHUNK = 8 << 20 };

struct setup {
    const char *what;
    const char *types[10]; /* NULL = not wanted */
    const struct json_kernels *kernels;
    const char *kernels_name;
};

struct sums {
    size_t n_rows;
    uint64_t integers;
};

static void add(struct sums *sums, const struct batch *b)
{
    sums->n_rows += b->n_rows;
    for (size_t i = 0; i < b->n_columns; i++)
        for (size_t row = 0; b->columns[i].type.kind == TYPE_UINT64 && row < b->n_rows; row++)
            sums->integers += COLUMN(&b->columns[i], uint64_t)[row];
}

static struct sums decode(struct decoder *d, struct batch *b, struct reject_list *rejects, struct str input)
{
    struct sums sums = {0, 0};
    for (size_t at = 0; at < input.n;) {
        size_t n = input.n - at < CHUNK ? input.n - at : CHUNK;
        n = decoder_cut(FORMAT_JSON_EACH_ROW, 0, input.p + at, n, at + n == input.n);
        decoder_feed(d, input.p + at, n, at);
        while (decoder_next(d, b, rejects)) {
            add(&sums, b);
            batch_reset(b);
        }
        at += n;
    }
    return sums;
}

static size_t set_fields(struct field fields[10], struct type types[10], const struct setup *s)
{
    size_t n = 0;
    struct err e;
    for (size_t i = 0; i < 10; i++) {
        if (s->types[i] == NULL)
            continue;
        fields[n] = (struct field){.path = str_of(record_names[i])};
        if (type_parse(&fields[n].type, str_of(s->types[i]), &e) != ERR_OK)
            exit(1);
        types[n] = fields[n].type;
        n++;
    }
    return n;
}

static void run(const struct setup *s, struct str input, size_t n_records, int rounds)
{
    struct field fields[10];
    struct type types[10];
    struct decoder_spec spec = {.format = FORMAT_JSON_EACH_ROW, .fields = fields};
    struct decoder *d;
    struct batch b;
    struct reject_list rejects = {0};
    struct err e;
    struct sums sums = {0, 0};
    double best = 1e9;

    spec.n_fields = set_fields(fields, types, s);
    if (decoder_new(&d, &spec, &e) != ERR_OK)
        exit(1);
    if (s->kernels_name)
        ((struct json_decoder *)d)->kernels = s->kernels;
    batch_init(&b, types, NULL, spec.n_fields);
    for (int i = 0; i < rounds; i++) {
        int64_t start = clock_cpu_ns();
        sums = decode(d, &b, &rejects, input);
        double ns = (double)(clock_cpu_ns() - start) / (double)n_records;
        best = ns < best ? ns : best;
    }
    if (sums.n_rows != n_records)
        fprintf(stderr, "%zu rows of %zu, %zu rejects: %s\n", sums.n_rows, n_records, rejects.n,
                rejects.n ? rejects.items[0].reason : "");
    const struct json_kernels *used = ((struct json_decoder *)d)->kernels;
    printf("%-34s %-7s %7.1f M records/s %7.2f ns/record %6.2f GB/s  check %016llx\n", s->what,
           used ? used->name : "careful", 1e3 / best, best, (double)input.n / (double)n_records / best,
           (unsigned long long)sums.integers);
    fflush(stdout);
    batch_done(&b);
    reject_list_done(&rejects);
    decoder_free(d);
}

#define NUMBERS "UInt64", "UInt64", "Float32", "Float32", "Float32", "Float32"
#define ALL {"DateTime64(3)", "String", "IPv4", "IPv4", NUMBERS}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)atol(argv[1]) : 1000000;
    int rounds = argc > 2 ? atoi(argv[2]) : 7, only = argc > 3 ? atoi(argv[3]) : -1;
    AUTO_DONE(buf) lines = {0};
    const struct setup setups[] = {
        {"ten fields", ALL, NULL, NULL},
        {"ten fields, addresses as texts", {"DateTime64(3)", "String", "String", "String", NUMBERS}, NULL, NULL},
        {"ten fields, texts, Float64",
         {"DateTime64(3)", "String", "String", "String", "UInt64", "UInt64", "Float64", "Float64", "Float64", "Float64"},
         NULL, NULL},
        {"four of ten", {"DateTime64(3)", "String", NULL, NULL, "UInt64", NULL, NULL, "Float32"}, NULL, NULL},
        {"ten fields", ALL, &json_kernels_avx2, "avx2"},
        {"ten fields", ALL, &json_kernels_plain, "plain"},
        {"ten fields", ALL, NULL, "careful"},
    };

    records_json(&lines, n, RECORDS_USERS);
    struct str input = {xmap(lines.n + 64), lines.n};
    memcpy((char *)input.p, lines.p, lines.n);
    printf("%zu records of %.1f bytes\n%.*s", n, (double)input.n / (double)n,
           (int)((const char *)memchr(input.p, '\n', input.n) + 1 - input.p), input.p);
    for (size_t i = 0; i < COUNT(setups); i++) {
        if (setups[i].kernels == &json_kernels_avx2 && !__builtin_cpu_supports("avx2"))
            continue;
        if (only < 0 || only == (int)i)
            run(&setups[i], buf_view(&(struct buf){(char *)input.p, input.n, input.n}), n, rounds);
    }
    xunmap((char *)input.p, lines.n + 64);
    return 0;
}
