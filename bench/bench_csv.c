/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV decoding alone, one thread: the ten-field record to columns, all ten and four of them, addresses as
 * IPv4 and as texts. usage: bench_csv [RECORDS [ROUNDS [LINE]]] */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "codec/csv_priv.h"
#include "codec/decoder.h"
#include "records.h"

enum { CHUNK = 8 << 20 };

struct setup {
    const char *what;
    const char *types[10];
    uint32_t positions[10];
    size_t n_fields;
    const struct csv_kernels *kernels; /* NULL = the best */
    enum { AS_IT_IS, QUOTED, RANDOM_TIMES } input;
};

static uint64_t check_of(const struct batch *b)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < b->n_columns; i++)
        if (b->columns[i].type.kind == TYPE_UINT64)
            for (size_t r = 0; r < b->n_rows; r++)
                sum += COLUMN(&b->columns[i], uint64_t)[r];
    return sum;
}

static size_t decode(struct decoder *d, struct batch *b, struct reject_list *rejects, struct str input, uint64_t *check)
{
    size_t n_rows = 0, at = 0;

    while (at < input.n) {
        size_t n = input.n - at < CHUNK ? input.n - at : CHUNK;
        n = decoder_cut(FORMAT_CSV, ',', input.p + at, n, at + n == input.n);
        decoder_feed(d, input.p + at, n, at);
        while (decoder_next(d, b, rejects)) {
            n_rows += b->n_rows;
            if (check)
                *check += check_of(b);
            batch_reset(b);
        }
        at += n;
    }
    return n_rows;
}

static void run(const struct setup *s, struct str input, size_t n_records, int rounds)
{
    struct field fields[10] = {0};
    struct type types[10];
    bool has_default[10] = {false};
    struct err e;

    for (size_t i = 0; i < s->n_fields; i++) {
        fields[i].path = str_of(record_names[s->positions[i]]);
        if (type_parse(&fields[i].type, str_of(s->types[i]), &e) != ERR_OK)
            exit(1);
        types[i] = fields[i].type;
    }
    struct decoder_spec spec = {.format = FORMAT_CSV, .fields = fields, .n_fields = s->n_fields,
                                .positions = s->positions, .n_positions = 10};
    struct decoder *d;
    struct batch b;
    struct reject_list rejects = {0};
    if (decoder_new(&d, &spec, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    if (s->kernels)
        ((struct csv_decoder *)d)->kernels = s->kernels;
    batch_init(&b, types, has_default, s->n_fields);
    double best = 1e9;
    uint64_t check = 0;
    for (int i = 0; i < rounds; i++) {
        int64_t start = clock_cpu_ns();
        size_t n = decode(d, &b, &rejects, input, NULL);
        double ns = (double)(clock_cpu_ns() - start) / (double)n_records;
        if (n != n_records)
            fprintf(stderr, "%zu rows of %zu, %zu rejects: %s\n", n, n_records, rejects.n,
                    rejects.n ? rejects.items[0].reason : "");
        best = ns < best ? ns : best;
    }
    decode(d, &b, &rejects, input, &check);
    printf("%-34s %-7s %7.1f M records/s %7.2f ns/record %6.2f GB/s  check %016llx\n", s->what,
           ((struct csv_decoder *)d)->kernels->name, 1e3 / best, best,
           (double)input.n / (double)n_records / best, (unsigned long long)check);
    fflush(stdout);
    batch_done(&b);
    reject_list_done(&rejects);
    decoder_free(d);
}

/* The same records with their texts in quotes, as many programs write them. */
static void put_quotes(struct buf *out, struct str input)
{
    unsigned column = 0;

    for (size_t i = 0, start = 0; i < input.n; i++) {
        if (input.p[i] != ',' && input.p[i] != '\n')
            continue;
        bool is_text = column < 4;
        if (is_text)
            buf_byte(out, '"');
        buf_put(out, input.p + start, i - start);
        if (is_text)
            buf_byte(out, '"');
        buf_byte(out, (uint8_t)input.p[i]);
        column = input.p[i] == '\n' ? 0 : column + 1;
        start = i + 1;
    }
}

/* The same records at times of twenty years, in no order. */
static void put_random_times(struct buf *out, struct str input)
{
    uint64_t state = 88172645463325252ULL;
    size_t at = 0;

    buf_put(out, input.p, input.n);
    while (at < out->n) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        uint32_t bits = (uint32_t)(state >> 32);
        char text[17];
        snprintf(text, sizeof(text), "20%02u-%02u-%02uT%02u:%02u", bits % 20 + 5, bits / 20 % 12 + 1, bits / 240 % 28 + 1,
                 bits / 6720 % 24, bits / 161280 % 60);
        memcpy(out->p + at, text, 16);
        at = (size_t)((char *)memchr(out->p + at, '\n', out->n - at) - out->p) + 1;
    }
}

#define NUMBERS "UInt64", "UInt64", "Float32", "Float32", "Float32", "Float32"
#define ALL {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)atol(argv[1]) : 1000000;
    int rounds = argc > 2 ? atoi(argv[2]) : 7, only = argc > 3 ? atoi(argv[3]) : -1;
    AUTO_DONE(buf) input = {0}, quoted = {0}, random = {0};
    const struct setup setups[] = {
        {"ten fields", {"DateTime64(3)", "String", "IPv4", "IPv4", NUMBERS}, ALL, 10, NULL},
        {"ten fields, addresses as texts", {"DateTime64(3)", "String", "String", "String", NUMBERS}, ALL, 10, NULL},
        {"four of ten", {"DateTime64(3)", "String", "UInt64", "Float32"}, {0, 1, 4, 7}, 4, NULL},
        {"ten fields, texts in quotes", {"DateTime64(3)", "String", "IPv4", "IPv4", NUMBERS}, ALL, 10, NULL, QUOTED},
        {"ten fields, times in no order", {"DateTime64(3)", "String", "IPv4", "IPv4", NUMBERS}, ALL, 10, NULL, RANDOM_TIMES},
        {"ten fields", {"DateTime64(3)", "String", "IPv4", "IPv4", NUMBERS}, ALL, 10, &csv_avx2},
        {"ten fields", {"DateTime64(3)", "String", "IPv4", "IPv4", NUMBERS}, ALL, 10, &csv_plain},
    };

    records_csv(&input, n, RECORDS_USERS);
    put_quotes(&quoted, buf_view(&input));
    put_random_times(&random, buf_view(&input));
    const struct buf *inputs[] = {&input, &quoted, &random};
    printf("%zu records of %.1f bytes\n", n, (double)input.n / (double)n);
    for (size_t i = 0; i < COUNT(setups); i++)
        if ((only < 0 || only == (int)i) &&
            (setups[i].kernels == NULL || csv_kernels_is_usable(setups[i].kernels)))
            run(&setups[i], buf_view(inputs[setups[i].input]), n, rounds);
    return 0;
}
