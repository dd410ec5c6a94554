/* SPDX-License-Identifier: Apache-2.0
 *
 * weir-store's handling of address, headers and body, over a fake engine that keeps the rules of
 * the real one and checks what it is asked. Input: a line "METHOD address", header lines "Name:
 * value", an empty line, the body; the first byte says into pieces of which size the body is
 * cut. */
#include <assert.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* the program's own files: they are no part of the library */
#include "store/host/exchange.c"
#include "store/host/request.c"
#include "store/host/running.c"
#include "store/host/statement.c"
#include "store/host/unpack.c"
#include "store/host/workers.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Atomic int n_sessions, n_inserts;

struct session {
    bool is_busy;
};

struct insert {
    struct session *session;
    size_t n;
};

static bool asks_failure(struct str sql, struct exception *x)
{
    if (sql.n == 0 || memmem(sql.p, sql.n, "fail", 4) == NULL)
        return false;
    exception_take(x, "Code: 60. DB::Exception: asked for. (UNKNOWN_TABLE)");
    return true;
}

static struct session *fake_open(struct backend *b, struct pairs settings, struct exception *x)
{
    assert(settings.n >= 2 && str_is(settings.items[0].name, "query_cache_tag"));
    n_sessions++;
    return xcalloc(1, sizeof(struct session));
}

static void fake_close(struct session *s)
{
    assert(!s->is_busy);
    n_sessions--;
    free(s);
}

static void check_params(struct pairs params)
{
    for (size_t i = 0; i < params.n; i++)
        assert(params.items[i].name.n > 0);
}

static bool fake_run(struct session *s, struct str sql, struct str format, struct pairs params,
                     struct buf *out, struct statement_stats *stats, struct exception *x)
{
    assert(!s->is_busy && sql.n > 0 && format.n > 0);
    check_params(params);
    if (asks_failure(sql, x))
        return false;
    if (out)
        buf_str(out, sql);
    if (stats)
        stats->read_rows = 1;
    return true;
}

static bool fake_run_to_pipe(struct session *s, struct str sql, const struct statement *shape,
                             struct str format, struct pairs params, int fd,
                             struct statement_stats *stats, struct exception *x)
{
    AUTO_DONE(buf) text = {0};
    size_t most = memmem(sql.p, sql.n, "much", 4) ? 3 << 20 : 1;

    check_params(params);
    statement_write_to_file(&text, shape, sql, "/proc/self/fd/0", format);
    assert(memmem(text.p, text.n, "INTO OUTFILE '/proc/self/fd/0' TRUNCATE", 38));
    assert(memmem(text.p, text.n, "FORMAT ", 7) || shape->format.n);
    while (text.n < most / 32)
        buf_put(&text, buf_reserve(&text, text.n) - text.n, text.n);
    for (size_t n = 0; n < most; n += text.n) {
        if (write(fd, text.p, text.n) < 0) {
            exception_take(x, "Code: 75. DB::Exception: nobody reads. (CANNOT_WRITE)");
            return false;
        }
    }
    return !asks_failure(sql, x);
}

static struct insert *fake_begin(struct session *s, struct str head, struct str format,
                                 struct pairs params, struct exception *x)
{
    assert(!s->is_busy && format.n > 0 && head.n >= 6);
    check_params(params);
    if (asks_failure(head, x))
        return NULL;
    struct insert *i = xcalloc(1, sizeof(*i));
    i->session = s;
    s->is_busy = true;
    n_inserts++;
    return i;
}

static bool fake_append(struct insert *i, const void *data, size_t n)
{
    i->n += n;
    return memmem(data, n, "bad", 3) == NULL;
}

static bool fake_end(struct insert *i)
{
    i->session->is_busy = false;
    n_inserts--;
    free(i);
    return true;
}

static bool fake_finish(struct insert *i, struct statement_stats *stats, struct exception *x)
{
    stats->written_rows = i->n;
    return fake_end(i);
}

static void fake_cancel(struct insert *i)
{
    fake_end(i);
}

static unsigned fake_count(struct session *s, struct str sql)
{
    return 1;
}

static void fake_kill(struct backend *b, struct str tag)
{
    assert(tag.n > 0);
}

static void no_kill(void *arg, struct str id)
{
}

static struct backend fake = {fake_open,   fake_close,  fake_run,    fake_run_to_pipe, fake_begin,
                              fake_append, fake_finish, fake_cancel, fake_count,       fake_kill};

static struct host *the_host(void)
{
    static struct host host;

    if (host.backend == NULL) {
        struct err e;
        signal(SIGPIPE, SIG_IGN);
        host.backend = &fake;
        host.token = STR("0123456789abcdef");
        host.query_memory_bytes = 1000;
        host.workers = workers_new();
        if (running_open(&host.running, NULL, no_kill, NULL, &e) != ERR_OK)
            abort();
    }
    return &host;
}

static struct str take_line(struct str *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct str line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    size_t used = line.n + (end != NULL);

    *rest = (struct str){rest->p + used, rest->n - used};
    return line;
}

static struct str cut_at(struct str *line, char c)
{
    const char *at = line->n ? memchr(line->p, c, line->n) : NULL;
    struct str head = {line->p, at ? (size_t)(at - line->p) : line->n};

    *line = (struct str){head.p + head.n + (at != NULL), line->n - head.n - (at != NULL)};
    return head;
}

static void drain(struct exchange *x, size_t most)
{
    char piece[65536];
    size_t sum = 0;

    while (sum < most) {
        ssize_t n = exchange_read(x, piece, sizeof(piece));
        if (n <= 0)
            break;
        sum += (size_t)n;
    }
}

static void check_reply(const struct reply *r)
{
    assert(r->status >= 200 && r->status < 600);
    for (int i = 0; i < N_HEADERS; i++) {
        for (size_t k = 0; k < r->headers[i].n; k++)
            assert((unsigned char)r->headers[i].p[k] >= ' ');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t piece = data[0] % 64 ? data[0] % 64 : 100000;
    bool gives_up = data[0] & 64, is_tcp = data[0] & 128;
    struct str rest = {(const char *)data + 1, size - 1};
    struct str line = take_line(&rest);
    struct str method = cut_at(&line, ' ');
    struct exchange *x = exchange_new(the_host(), line, -1, is_tcp);

    exchange_method(x, method);
    while ((line = take_line(&rest)).n) {
        struct str name = cut_at(&line, ':');
        exchange_header(x, name, line);
    }
    for (; rest.n && !(gives_up && rest.n < piece);) {
        size_t n = piece < rest.n ? piece : rest.n;
        exchange_body(x, rest.p, n);
        rest = (struct str){rest.p + n, rest.n - n};
    }
    if (!gives_up || rest.n == 0) {
        exchange_finish(x);
        check_reply(exchange_reply(x));
        if (exchange_reply(x)->is_stream)
            drain(x, gives_up ? 1000 : SIZE_MAX);
    }
    exchange_free(x);
    assert(n_sessions == 0 && n_inserts == 0);
    return 0;
}
