/* SPDX-License-Identifier: Apache-2.0
 *
 * What bench/run needs from the library itself; each command prints one line of JSON, `generate` its data:
 *
 *   bench_line decode csv|json FILE              decoding alone, from memory: one pass, CPU time
 *   bench_line job DEFINITIONS THREADS           files to panes: read, decode, program, cubes; nothing is sealed
 *   bench_line generate csv|json RECORDS [USERS] ten-field records; CSV with a header
 *   bench_line generate keys RECORDS             CSV `time,key,a,b`: every key new
 *   bench_line generate ages|ages-shuffled RECORDS   CSV `time,device,value` over 20 years, in order or not */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "column/zone.h"
#include "engine/gather.h"
#include "records.h"
#include "source/file.h"

enum { CHUNK = 8 << 20, FLUSH_BYTES = 1 << 20, MAX_THREADS = 64 };

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_line: %s: %s\n", what, why);
    exit(1);
}

/* ---- decode ---- */

static struct decoder *ten_fields(enum format format, struct batch *b)
{
    static uint32_t positions[10];
    static struct field fields[10];
    struct type types[10];
    struct decoder *d;
    struct err e;

    for (uint32_t i = 0; i < 10; i++) {
        positions[i] = i;
        fields[i] = (struct field){.path = str_of(record_names[i])};
        if (type_parse(&fields[i].type, str_of(record_types[i]), &e) != ERR_OK)
            fail("type", e.text);
        types[i] = fields[i].type;
    }
    struct decoder_spec spec = {.format = format, .fields = fields, .n_fields = 10, .positions = positions, .n_positions = 10};
    if (decoder_new(&d, &spec, &e) != ERR_OK)
        fail("decoder", e.text);
    batch_init(b, types, NULL, 10);
    return d;
}

static size_t decode_all(struct decoder *d, struct batch *b, enum format format, struct str input)
{
    struct reject_list rejects = {0};
    size_t n_rows = 0;

    for (size_t at = 0; at < input.n;) {
        size_t n = input.n - at < CHUNK ? input.n - at : CHUNK;
        n = decoder_cut(format, ',', input.p + at, n, at + n == input.n);
        decoder_feed(d, input.p + at, n, at);
        while (decoder_next(d, b, &rejects)) {
            n_rows += b->n_rows;
            batch_reset(b);
        }
        at += n;
    }
    reject_list_done(&rejects);
    return n_rows;
}

/* The file's lines without a header; room behind them, as decoders want. */
static struct str read_lines(struct buf *out, const char *path, bool has_header)
{
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail(path, "cannot be opened");
    for (size_t n = 1; n > 0; out->n += n) {
        char *to = buf_reserve(out, CHUNK);
        n = fread(to, 1, CHUNK, f);
    }
    fclose(f);
    buf_reserve(out, 64);
    const char *end = has_header ? memchr(out->p, '\n', out->n) : NULL;
    size_t skipped = end ? (size_t)(end + 1 - out->p) : 0;
    return (struct str){out->p + skipped, out->n - skipped};
}

static size_t count_lines(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

static void decode(bool is_json, const char *path)
{
    enum format format = is_json ? FORMAT_JSON_EACH_ROW : FORMAT_CSV;
    AUTO_DONE(buf) memory = {0};
    struct batch b;
    struct decoder *d = ten_fields(format, &b);
    struct str lines = read_lines(&memory, path, !is_json);

    decode_all(d, &b, format, (struct str){lines.p, lines.n / 8}); /* memory and shapes are warm */
    int64_t start = clock_cpu_ns();
    size_t n_rows = decode_all(d, &b, format, lines);
    int64_t took = clock_cpu_ns() - start;
    if (n_rows != count_lines(lines))
        fail("decode", "records were rejected");
    printf("{\"records\": %zu, \"cpu_s\": %.6f}\n", n_rows, (double)took * 1e-9);
    batch_done(&b);
    decoder_free(d);
}

/* ---- job ---- */

struct job {
    const struct plan *plan;
    struct file_set *files;
    int64_t now;
};

struct job_worker {
    struct job *job;
    struct gather *gather;
    pthread_t thread;
    double cpu_s;
};

static double thread_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool take_chunk(struct job *j, struct file_chunk *c)
{
    struct err e;
    for (;;) {
        enum err_code code = file_next_chunk(j->files, c, &e);
        if (code == ERR_OK)
            return true;
        if (code == ERR_NOT_FOUND && file_set_is_drained(j->files))
            return false;
        if (code != ERR_NOT_FOUND && code != ERR_UNAVAILABLE)
            fail("chunk", e.text);
        clock_sleep_ms(1);
    }
}

static void *work(void *context)
{
    struct job_worker *w = context;
    struct job *j = w->job;
    struct gatherer gatherer;
    struct file_chunk c;
    struct err e;

    if (gatherer_init(&gatherer, &j->plan->sources[0], &j->plan->settings, &e) != ERR_OK)
        fail("gatherer", e.text);
    w->gather = gather_new(&j->plan->sources[0]);
    while (take_chunk(j, &c)) {
        struct gather_chunk in = {.partition = c.partition, .offset = c.from, .bytes = {c.data, c.data_bytes}, .header = c.header,
                                  .is_too_long = c.is_too_long, .path = c.path};
        if (gather_chunk(w->gather, &gatherer, &in, j->now, &e) != ERR_OK)
            fail("gather", e.text);
        file_release(j->files, &c);
    }
    gatherer_done(&gatherer);
    w->cpu_s = thread_cpu_s();
    return NULL;
}

static void open_files(struct job *j, const char *path)
{
    const struct plan_source *p = &j->plan->sources[0];
    struct err e;
    size_t n_globs = 0;

    while (p->globs[n_globs] != NULL)
        n_globs++;
    struct file_source_spec spec = {.name = path, .globs = (const char *const *)p->globs, .n_globs = n_globs, .is_distinct_path = true,
                                    .format = p->def->format, .max_record_bytes = 16 << 20, .is_once = true};
    if (file_set_open(&j->files, &spec, NULL, 0, 0, &e) != ERR_OK || file_set_scan(j->files, &e) != ERR_OK)
        fail("files", e.text);
}

static void print_job(const struct job_worker *workers, size_t n, int64_t wall_ns, int64_t cpu_ns)
{
    uint64_t read = 0, rejected = 0;
    size_t keys = 0;
    double longest_s = 0;

    for (size_t i = 0; i < n; i++) {
        const struct gather *g = workers[i].gather;
        for (size_t k = 0; k < g->n_partitions; k++) {
            read += g->partitions[k].read;
            rejected += g->partitions[k].rejected;
        }
        for (size_t k = 0; k < g->plan->n_panes; k++)
            keys += cube_n_keys(g->cubes[k]);
        longest_s = workers[i].cpu_s > longest_s ? workers[i].cpu_s : longest_s;
    }
    printf("{\"records\": %llu, \"rejected\": %llu, \"keys\": %zu, \"wall_s\": %.6f, \"cpu_s\": %.6f, \"longest_thread_s\": %.6f}\n",
           (unsigned long long)read, (unsigned long long)rejected, keys, (double)wall_ns * 1e-9, (double)cpu_ns * 1e-9, longest_s);
}

static void run_job(const char *path, size_t n_threads)
{
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO(plan) plan = NULL;
    struct job_worker workers[MAX_THREADS] = {0};
    struct err e;
    AUTO_MEM char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');

    if (slash)
        *slash = '\0';
    if (definitions_read_file(&defs, path, &d, &e) != ERR_OK)
        fail("definitions", e.text);
    if (plan_build(&plan, &defs, slash ? folder : ".", &d) != ERR_OK || plan->n_sources == 0)
        fail("definitions", d.n ? d.items[0].text : "no source");
    struct job job = {.plan = plan, .now = clock_wall_s()};
    int64_t wall = clock_mono_ns(), cpu = clock_cpu_ns();
    open_files(&job, path);
    for (size_t i = 0; i < n_threads; i++) {
        workers[i].job = &job;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            fail("thread", "cannot start");
    }
    for (size_t i = 0; i < n_threads; i++)
        pthread_join(workers[i].thread, NULL);
    print_job(workers, n_threads, clock_mono_ns() - wall, clock_cpu_ns() - cpu);
    for (size_t i = 0; i < n_threads; i++)
        gather_free(workers[i].gather);
    file_set_close(job.files);
}

/* ---- generate ---- */

static void flush(struct buf *out)
{
    if (fwrite(out->p, 1, out->n, stdout) != out->n)
        fail("write", "output is gone");
    buf_reset(out);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return x ^ x >> 31;
}

static void generate_records(struct buf *out, bool is_json, size_t n, uint32_t n_users)
{
    struct record_source s = record_source(n_users);
    for (size_t i = 0; i < 10 && !is_json; i++)
        buf_printf(out, "%s%c", record_names[i], i == 9 ? '\n' : ',');
    for (size_t i = 0; i < n; i++) {
        struct record r = record_next(&s);
        (is_json ? record_put_json : record_put_csv)(out, &r);
        if (out->n > FLUSH_BYTES)
            flush(out);
    }
}

static void put_second(struct buf *out, int64_t s)
{
    struct civil c = civil_from_local(s);
    buf_printf(out, "%04d-%02u-%02u %02u:%02u:%02u", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

static void generate_keys(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t h = mix(i + 1);
        put_second(out, 1725527700 + (int64_t)(i / 10000));
        buf_printf(out, ",%llu,%u,%u\n", (unsigned long long)h, (unsigned)(h % 1000), (unsigned)(h >> 32) % 100000);
        if (out->n > FLUSH_BYTES)
            flush(out);
    }
}

/* Record k of n has time k * 20 years / n; the shuffled file holds the same records. */
static void generate_ages(struct buf *out, size_t n, bool is_shuffled)
{
    const int64_t from = 1104537600, span = 631152000; /* 2005-01-01, 20 years */
    uint64_t *order = xmalloc((n + 1) * sizeof(*order));

    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; is_shuffled && i > 1; i--) {
        size_t k = mix(i) % i;
        uint64_t swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t h = mix(order[i] + 7);
        put_second(out, from + (int64_t)((double)order[i] / (double)n * (double)span));
        buf_printf(out, ",dev%03u,%u\n", (unsigned)(h % 100), (unsigned)(h >> 40));
        if (out->n > FLUSH_BYTES)
            flush(out);
    }
    free(order);
}

int main(int argc, char **argv)
{
    const char *command = argc > 3 ? argv[1] : "";
    AUTO_DONE(buf) out = {0};

    if (strcmp(command, "decode") == 0) {
        decode(strcmp(argv[2], "json") == 0, argv[3]);
    } else if (strcmp(command, "job") == 0) {
        size_t n = strtoul(argv[3], NULL, 10);
        run_job(argv[2], n == 0 ? 1 : n > MAX_THREADS ? MAX_THREADS : n);
    } else if (strcmp(command, "generate") == 0) {
        size_t n = strtoul(argv[3], NULL, 10);
        if (strcmp(argv[2], "keys") == 0)
            generate_keys(&out, n);
        else if (strncmp(argv[2], "ages", 4) == 0)
            generate_ages(&out, n, argv[2][4] != '\0');
        else
            generate_records(&out, strcmp(argv[2], "json") == 0, n, argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : RECORDS_USERS);
        flush(&out);
    } else {
        fprintf(stderr, "usage: bench_line decode csv|json FILE | job DEFINITIONS THREADS | generate WHAT RECORDS [USERS]\n");
        return 2;
    }
    return 0;
}
