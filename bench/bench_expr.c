/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions alone, over batches in memory, on one core. One table of made-up web events from a fixed
 * seed, so that the peer can be given the same rows:
 *
 *   bench_expr generate ROWS     the table as TSV
 *   bench_expr structure         its columns as SQL
 *   bench_expr run FILE          reads the table, then a line `PASSES<tab>EXPRESSION` at a time from standard input;
 *                                answers `ROWS<tab>CPU SECONDS<tab>TYPE`, or `-<tab>reason`. With 0 passes it answers the
 *                                sum of cityHash64(toString(x)) over all rows in place of their number */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "codec/decoder.h"
#include "codec/value.h"
#include "column/zone.h"
#include "expr/program.h"

enum { CHUNK = 8 << 20, FLUSH_BYTES = 1 << 20, LINE = 4096 };

static const struct {
    const char *name, *type;
} columns[] = {
    {"t", "DateTime"},      {"t2", "DateTime"},  {"t3", "DateTime64(3)"}, {"d", "Date"},       {"iso", "String"},
    {"clf", "String"},      {"url", "String"},   {"path", "String"},      {"agent", "String"}, {"message", "String"},
    {"json", "String"},     {"method", "String"}, {"user", "Nullable(String)"}, {"size", "String"}, {"code", "String"},
    {"status", "UInt16"},   {"bytes", "UInt64"}, {"delta", "Int32"},      {"rtt", "Float64"},  {"ip", "IPv4"},
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_expr: %s: %s\n", what, why);
    exit(1);
}

/* ---- generate ---- */

static uint64_t random_state = 88172645463325252ULL;

static unsigned below(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 20) % n);
}

#define PICK(list) (list)[below(COUNT(list))]

static const char *const hosts[] = {"www.example.com", "shop.example.co.uk", "api.example.org", "cdn3.static.example.net",
                                    "example.de",      "blog.example.com",   "www.example.fr",  "m.example.com:8080"};
static const char *const sections[] = {"/api/v1/users/", "/api/v2/orders/", "/products/", "/blog/2024/03/", "/static/img/logo-",
                                       "/login/",        "/search/all/",    "/checkout/cart/item-"};
static const char *const queries[] = {"?q=red%20shoes&page=", "?utm_source=mail&utm_medium=link&id=", "?id=", "?lang=en&q=caf%C3%A9&n="};
static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%u.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%u.4 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/%u.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html) %u",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_%u like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "curl/7.%u.0",
};
static const char *const messages[] = {
    "Accepted publickey for admin from 10.%u.7.%u port 50%u ssh2",
    "Failed password for invalid user oracle from 203.0.%u.%u port 4%u ssh2",
    "connection to 192.168.%u.%u timed out after %u ms, retrying",
    "GET /index.html finished: worker=%u shard=%u took %u us",
    "ERROR: duplicate key value violates unique constraint \"orders_%u_%u\" in batch %u",
};
static const char *const methods[] = {"GET", "GET", "GET", "POST", "HEAD", "PUT", "DELETE"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const actions[] = {"login", "purchase", "view", "logout", "add to cart"};
static const char *const cities[] = {"Lisbon", "Osaka", "S\303\243o Paulo", "Z\303\274rich", "Nairobi"};
static const uint16_t states[] = {200, 200, 200, 200, 200, 206, 301, 302, 304, 400, 403, 404, 404, 500, 502, 503};

static void put_time(struct buf *out, int64_t s, const char *fmt)
{
    struct civil c = civil_from_local(s);
    buf_printf(out, fmt, c.year, c.month, c.day, c.hour, c.minute, c.second);
}

static void put_json(struct buf *out, int64_t s)
{
    buf_printf(out, "{\"id\":%u,\"action\":\"%s\",\"time\":%lld,\"device\":{\"os\":\"%s\",\"version\":\"%u.%u\",\"screen\":[%u,%u]},", below(1000000),
               PICK(actions), (long long)s, below(2) ? "android" : "ios", 10 + below(8), below(10), 320 + below(8) * 160, 640 + below(4) * 160);
    buf_printf(out, "\"geo\":{\"city\":\"%s\",\"lat\":%d.%04u,\"lon\":%d.%04u},\"price\":%u.%02u,\"ok\":%s,\"tags\":[\"a\",\"b%u\"]}", PICK(cities),
               (int)below(180) - 90, below(10000), (int)below(360) - 180, below(10000), below(500), below(100), below(3) ? "true" : "false", below(10));
}

static void put_row(struct buf *out, size_t i)
{
    int64_t s = 1704067200 + (int64_t)(i * 97 % 31536000) + below(60), later = s + below(200000);
    const char *section = PICK(sections), *query = PICK(queries);
    unsigned id = below(100000), ms = below(1000), has_query = below(2);

    put_time(out, s, "%04d-%02u-%02u %02u:%02u:%02u\t");
    put_time(out, later, "%04d-%02u-%02u %02u:%02u:%02u\t");
    put_time(out, s, "%04d-%02u-%02u %02u:%02u:%02u");
    buf_printf(out, ".%03u\t", ms);
    struct civil c = civil_from_local(s);
    buf_printf(out, "%04d-%02u-%02u\t", c.year, c.month, c.day);
    put_time(out, s, "%04d-%02u-%02uT%02u:%02u:%02u");
    buf_printf(out, ".%03uZ\t%02u/%s/%04d:%02u:%02u:%02u +0000\t", ms, c.day, months[c.month - 1], c.year, c.hour, c.minute, c.second);
    buf_printf(out, "http%s://%s%s%u", below(3) ? "s" : "", PICK(hosts), section, id);
    if (has_query)
        buf_printf(out, "%s%u%s", query, below(1000), below(4) ? "" : "#top");
    buf_printf(out, "\t%s%u\t", section, id);
    buf_printf(out, PICK(agents), 50 + below(70));
    buf_byte(out, '\t');
    buf_printf(out, PICK(messages), below(256), below(256), below(1000));
    buf_byte(out, '\t');
    put_json(out, s);
    buf_printf(out, "\t%s\t", PICK(methods));
    if (below(4))
        buf_printf(out, "user%05u\t", below(10000));
    else
        buf_text(out, "\\N\t");
    buf_printf(out, "%u\t%08x%08x%08x\t%u\t%llu\t%d\t", below(10000000), below(1u << 31), below(1u << 31), below(1u << 31), PICK(states),
               (unsigned long long)below(1000) * below(100000), (int)below(200001) - 100000);
    buf_printf(out, "%u.%03u\t%u.%u.%u.%u\n", below(500), below(1000), 1 + below(223), below(256), below(256), below(256));
}

static void generate(size_t n)
{
    AUTO_DONE(buf) out = {0};
    for (size_t i = 0; i < n; i++) {
        put_row(&out, i);
        if (out.n > FLUSH_BYTES || i + 1 == n) {
            if (fwrite(out.p, 1, out.n, stdout) != out.n)
                fail("write", "output is gone");
            buf_reset(&out);
        }
    }
}

/* ---- the table ---- */

static struct {
    struct type types[COUNT(columns)];
    struct batch *batches;
    size_t n_batches, n_rows;
} table;

/* As the peer has them: the texts of a column one behind another. As they come, those of a row lie together, and a
 * column alone would be a cache miss a row; in a chunk that is just decoded it is none. */
static void gather_texts(struct batch *b)
{
    for (size_t i = 0; i < b->n_columns; i++) {
        if (b->columns[i].type.kind != TYPE_STRING)
            continue;
        struct str *s = b->columns[i].values;
        size_t n = 64; /* room behind the last, as behind a chunk */
        for (size_t k = 0; k < b->n_rows; k++)
            n += s[k].n;
        char *to = xmalloc(n);
        for (size_t k = 0; k < b->n_rows; k++, s++) {
            if (s->n)
                memcpy(to, s->p, s->n);
            s->p = to;
            to += s->n;
        }
    }
}

static void read_table(const char *path)
{
    uint32_t positions[COUNT(columns)];
    struct field fields[COUNT(columns)];
    struct reject_list rejects = {0};
    AUTO_DONE(buf) bytes = {0};
    struct decoder *d;
    struct err e;
    FILE *f = fopen(path, "r");

    if (f == NULL)
        fail(path, "cannot be opened");
    for (size_t n = 1; n > 0; bytes.n += n)
        n = fread(buf_reserve(&bytes, CHUNK), 1, CHUNK, f);
    fclose(f);
    buf_reserve(&bytes, 64);
    for (uint32_t i = 0; i < COUNT(columns); i++) {
        positions[i] = i;
        fields[i] = (struct field){.path = str_of(columns[i].name)};
        if (type_parse(&fields[i].type, str_of(columns[i].type), &e) != ERR_OK)
            fail("type", e.text);
        table.types[i] = fields[i].type;
    }
    struct decoder_spec spec = {.format = FORMAT_TSV, .fields = fields, .n_fields = COUNT(columns), .positions = positions, .n_positions = COUNT(columns)};
    if (decoder_new(&d, &spec, &e) != ERR_OK)
        fail("decoder", e.text);
    decoder_feed(d, bytes.p, bytes.n, 0);
    for (;;) {
        table.batches = xrealloc(table.batches, (table.n_batches + 1) * sizeof(*table.batches));
        struct batch *b = &table.batches[table.n_batches];
        batch_init(b, table.types, NULL, COUNT(columns));
        if (decoder_next(d, b, &rejects) == 0)
            break;
        if (rejects.n)
            fail("table", rejects.items[0].reason);
        gather_texts(b);
        table.n_rows += b->n_rows;
        table.n_batches++;
    }
    decoder_free(d);
}

/* ---- run ---- */

static value_id find_column(void *context, struct builder *b, struct str name, struct place at)
{
    (void)context, (void)at;
    for (uint32_t i = 0; i < COUNT(columns); i++)
        if (str_is(name, columns[i].name))
            return builder_input(b, i, table.types[i]);
    return VALUE_UNKNOWN;
}

/* NULL and a line with the reason where weir refuses it. */
static struct program *compile(const char *expression, struct type *type)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    struct scope scope = {NULL, find_column, NULL};
    struct builder *b = builder_new();
    struct ast *node = parse_expression(&arena, str_of(expression), &d);
    value_id v = node ? builder_expression(b, node, &scope, &d) : VALUE_FAILED;
    struct program *p = NULL;

    if (v < 0 || d.n_errors) {
        printf("-\t%s\n", d.n ? d.items[0].text : "no expression");
    } else {
        *type = builder_type(b, v);
        p = builder_finish(b, &v, 1);
    }
    builder_free(b);
    return p;
}

static uint64_t hash_of(const struct column *c, size_t n_rows, struct buf *text)
{
    struct type bare = c->type;
    uint64_t sum = 0;

    bare.is_nullable = bare.is_low_cardinality = false;
    for (size_t i = 0; i < n_rows; i++) {
        if (c->nulls && c->nulls[i])
            continue;
        buf_reset(text);
        value_print(text, bare, (const char *)c->values + i * type_width(bare));
        sum += city_hash64(text->p ? text->p : "", text->n);
    }
    return sum;
}

static void answer(const char *expression, size_t n_passes)
{
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) name = {0};
    struct type type;
    struct program *p = compile(expression, &type);
    uint64_t sum = 0;

    if (p == NULL)
        return;
    struct frame *f = frame_new(p);
    program_run(p, f, &table.batches[0], 1700000000);
    int64_t start = clock_cpu_ns();
    for (size_t pass = 0; pass < n_passes; pass++)
        for (size_t i = 0; i < table.n_batches; i++)
            program_run(p, f, &table.batches[i], 1700000000);
    int64_t took = clock_cpu_ns() - start;
    for (size_t i = 0; i < table.n_batches && n_passes == 0; i++) {
        program_run(p, f, &table.batches[i], 1700000000);
        sum += hash_of(frame_output(f, 0), table.batches[i].n_rows, &text);
    }
    type_print(&name, type);
    printf("%llu\t%.9f\t%s\n", n_passes ? (unsigned long long)(table.n_rows * n_passes) : (unsigned long long)sum, (double)took * 1e-9,
           buf_cstr(&name));
    frame_free(f);
    program_free(p);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (strcmp(command, "generate") == 0 && argc > 2) {
        generate(strtoul(argv[2], NULL, 10));
    } else if (strcmp(command, "structure") == 0) {
        for (size_t i = 0; i < COUNT(columns); i++)
            printf("%s%s %s", i ? ", " : "", columns[i].name, columns[i].type);
        printf("\n");
    } else if (strcmp(command, "run") == 0 && argc > 2) {
        char line[LINE];
        read_table(argv[2]);
        while (fgets(line, sizeof(line), stdin)) {
            char *tab = strchr(line, '\t');
            line[strcspn(line, "\n")] = '\0';
            if (tab == NULL)
                fail("line", "no tab in it");
            answer(tab + 1, strtoul(line, NULL, 10));
            fflush(stdout);
        }
    } else {
        fprintf(stderr, "usage: bench_expr generate ROWS | structure | run FILE\n");
        return 2;
    }
    return 0;
}
