/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/host/unpack.h"

#define FIRST_BYTES (1 << 20)    /* gathered before an answer starts */
#define WAITED_BYTES (256 << 20) /* the same with wait_end_of_query */
#define STATEMENT_MAX (16 << 20) /* text of a statement that has no data */
#define PIPE_BYTES (256 * 1024)
#define ID_TEXT 36

const char *const header_names[N_HEADERS] = {
    "Content-Type",         "X-ClickHouse-Format",         "X-ClickHouse-Query-Id",
    "X-ClickHouse-Summary", "X-ClickHouse-Exception-Code", "X-ClickHouse-Exception-Tag",
    "WWW-Authenticate",
};

/* A SELECT at work on a thread of its own, writing to a pipe. */
struct select_job {
    struct exchange *x;
    struct task task;
    bool is_joined;
    int read_fd, write_fd;
    bool is_ok; /* of the thread until it is joined, as the next two */
    struct exception failed;
    struct statement_stats stats;
};

struct exchange {
    struct host *host;
    int fd;
    bool needs_token, is_admitted;
    struct str address;
    char *address_text;
    struct store_request request;
    struct reply reply;
    struct exception failed;
    int64_t begin_ns;
    char id[ID_TEXT + 1]; /* made when the client gave none */
    char tag[17];         /* of an exception block */

    struct unpack *unpack;
    struct buf sql; /* statement text, until an INSERT takes over */
    struct statement shape;
    int slot; /* in `running`, -1 */
    struct session *session;
    struct insert *insert;
    bool insert_failed; /* its data are dropped, finish says why */
    struct statement_stats stats;

    struct select_job *job;
    size_t sent;    /* of reply.body, when it starts a stream */
    bool is_broken; /* the exception block is in reply.body, the end follows */
};

/* ---- names --------------------------------------------------------------------------------- */

static void random_bytes(void *p, size_t n)
{
    if (getrandom(p, n, 0) == (ssize_t)n)
        return;
    uint64_t seed = (uint64_t)clock_mono_ns() ^ (uintptr_t)p;
    for (size_t i = 0; i < n; i++, seed = seed * 6364136223846793005u + 1442695040888963407u)
        ((uint8_t *)p)[i] = (uint8_t)(seed >> 56);
}

static void make_id(char id[ID_TEXT + 1], char tag[17])
{
    uint8_t b[32];

    random_bytes(b, sizeof(b));
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    snprintf(id, ID_TEXT + 1,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    for (int i = 0; i < 16; i++)
        tag[i] = (char)('a' + b[16 + i] % 26);
    tag[16] = '\0';
}

static struct str id_of(const struct exchange *x)
{
    return x->request.query_id.n ? x->request.query_id : str_of(x->id);
}

static struct str format_of(const struct exchange *x)
{
    return x->shape.format.n ? x->shape.format : x->request.format;
}

static const char *content_type(struct str format)
{
    static const struct {
        const char *prefix, *type;
    } types[] = {
        {"JSONEachRow", "application/x-ndjson; charset=UTF-8"},
        {"JSONCompactEachRow", "application/x-ndjson; charset=UTF-8"},
        {"JSONStringsEachRow", "application/x-ndjson; charset=UTF-8"},
        {"JSON", "application/json; charset=UTF-8"},
        {"CSVWithNames", "text/csv; charset=UTF-8; header=present"},
        {"CSV", "text/csv; charset=UTF-8; header=absent"},
        {"TabSeparated", "text/tab-separated-values; charset=UTF-8"},
        {"TSV", "text/tab-separated-values; charset=UTF-8"},
        {"XML", "application/xml; charset=UTF-8"},
        {"Markdown", "text/markdown; charset=UTF-8"},
        {"Native", "application/octet-stream"},
        {"RowBinary", "application/octet-stream"},
        {"Parquet", "application/octet-stream"},
        {"Arrow", "application/octet-stream"},
        {"ORC", "application/octet-stream"},
        {"Avro", "application/octet-stream"},
        {"Protobuf", "application/octet-stream"},
        {"MsgPack", "application/octet-stream"},
    };

    for (size_t i = 0; i < COUNT(types); i++) {
        if (str_starts(format, types[i].prefix))
            return types[i].type;
    }
    return "text/plain; charset=UTF-8";
}

/* ---- replies ------------------------------------------------------------------------------- */

/* Header values come from clients too; control bytes would end the header early. */
static void set_header(struct exchange *x, enum header_kind kind, struct str value)
{
    struct buf *b = &x->reply.headers[kind];

    buf_reset(b);
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        buf_byte(b, c < ' ' || c == 0x7f ? '?' : c);
    }
}

static void set_summary(struct exchange *x, const struct statement_stats *s)
{
    AUTO_DONE(buf) text = {0};

    buf_printf(&text,
               "{\"read_rows\":\"%llu\",\"read_bytes\":\"%llu\",\"written_rows\":\"%llu\","
               "\"written_bytes\":\"%llu\",\"total_rows_to_read\":\"0\",\"result_rows\":\"%llu\","
               "\"result_bytes\":\"%zu\",\"elapsed_ns\":\"%lld\"}",
               (unsigned long long)s->read_rows, (unsigned long long)s->read_bytes,
               (unsigned long long)s->written_rows, (unsigned long long)s->written_bytes,
               (unsigned long long)s->result_rows, x->reply.body.n,
               (long long)(clock_mono_ns() - x->begin_ns));
    set_header(x, HEADER_SUMMARY, buf_view(&text));
}

static void reply_with_rows(struct exchange *x)
{
    x->reply.status = 200;
    set_header(x, HEADER_CONTENT_TYPE, str_of(content_type(format_of(x))));
    set_header(x, HEADER_FORMAT, format_of(x));
    set_header(x, HEADER_QUERY_ID, id_of(x));
    set_header(x, HEADER_EXCEPTION_TAG, str_of(x->tag));
    set_summary(x, &x->stats);
}

static void reply_with_exception(struct exchange *x, const struct exception *e)
{
    char code[16];

    x->reply.status = exception_status(e->code);
    x->reply.is_stream = false;
    snprintf(code, sizeof(code), "%d", e->code);
    set_header(x, HEADER_CONTENT_TYPE, STR("text/plain; charset=UTF-8"));
    set_header(x, HEADER_QUERY_ID, id_of(x));
    set_header(x, HEADER_EXCEPTION_CODE, str_of(code));
    if (x->reply.status == 401)
        set_header(x, HEADER_AUTHENTICATE, STR("Basic realm=\"weir-store\""));
    buf_reset(&x->reply.body);
    set_summary(x, &x->stats);
    buf_put(&x->reply.body, e->text.p, e->text.n);
    buf_byte(&x->reply.body, '\n');
}

static void reply_with_text(struct exchange *x, unsigned status, const char *text)
{
    x->reply.status = status;
    set_header(x, HEADER_CONTENT_TYPE, STR("text/plain; charset=UTF-8"));
    buf_reset(&x->reply.body);
    buf_text(&x->reply.body, text);
}

static void move_exception(struct exception *to, struct exception *from)
{
    exception_done(to);
    *to = *from;
    *from = (struct exception){0};
}

/* ---- opening ------------------------------------------------------------------------------- */

struct exchange *exchange_new(struct host *h, struct str address, int fd, bool needs_token)
{
    struct exchange *x = xcalloc(1, sizeof(*x));

    x->host = h;
    x->fd = fd;
    x->needs_token = needs_token;
    x->slot = -1;
    x->begin_ns = clock_mono_ns();
    x->address_text = xstrndup(address.p, address.n);
    x->address = (struct str){x->address_text, address.n};
    make_id(x->id, x->tag);
    return x;
}

void exchange_method(struct exchange *x, struct str method)
{
    request_init(&x->request, method, x->address, &x->failed);
}

void exchange_header(struct exchange *x, struct str name, struct str value)
{
    if (x->failed.code == 0)
        request_header(&x->request, name, value, &x->failed);
}

/* Once, before anything else is looked at. */
static bool admit(struct exchange *x)
{
    if (x->is_admitted || !x->needs_token)
        return true;
    x->is_admitted = request_shows_token(&x->request, x->host->token);
    if (!x->is_admitted && request_shows_any(&x->request))
        exception_set(&x->failed, 516, "AUTHENTICATION_FAILED", "The token is wrong");
    else if (!x->is_admitted)
        exception_set(&x->failed, 194, "REQUIRED_PASSWORD",
                      "A token is needed over TCP: Authorization: Bearer, or as a password");
    return x->is_admitted;
}

/* Enters the statement among those that run. */
static bool enter(struct exchange *x, bool is_watched)
{
    struct str text = buf_view(&x->sql);

    x->slot = running_add(x->host->running, id_of(x), text, is_watched ? x->fd : -1);
    if (x->slot == -1)
        exception_set(&x->failed, 216, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                      "Query with id = %.*s is already running", STR_FMT(id_of(x)));
    else if (x->slot < 0)
        exception_set(&x->failed, 202, "TOO_MANY_SIMULTANEOUS_QUERIES",
                      "More than %d statements at once", RUNNING_MAX);
    if (x->slot < 0)
        x->slot = -1;
    return x->slot >= 0;
}

/* A statement of ours on the new session. */
static bool prepare_with(struct exchange *x, const struct buf *sql)
{
    return x->host->backend->run(x->session, buf_view(sql), STR("TabSeparated"), (struct pairs){0},
                                 NULL, NULL, &x->failed);
}

/* Opens the session and gives it what the request asks for. */
static bool open_session(struct exchange *x, bool is_watched)
{
    AUTO_DONE(buf) sql = {0};
    char memory[32], threads[16];
    struct pair own[8];
    size_t n = 0;

    if (atomic_load(&x->host->is_stopping)) {
        exception_set(&x->failed, 439, "CANNOT_SCHEDULE_TASK", "The store is stopping");
        return false;
    }
    if (!enter(x, is_watched))
        return false;
    own[n++] = (struct pair){STR("query_cache_tag"), id_of(x)};
    own[n++] = (struct pair){STR("implicit_select"), STR("0")};
    if (x->host->query_memory_bytes) {
        snprintf(memory, sizeof(memory), "%llu", (unsigned long long)x->host->query_memory_bytes);
        own[n++] = (struct pair){STR("max_memory_usage"), str_of(memory)};
    }
    if (x->host->threads) {
        snprintf(threads, sizeof(threads), "%u", x->host->threads);
        own[n++] = (struct pair){STR("max_threads"), str_of(threads)};
    }
    if (x->request.is_get)
        own[n++] = (struct pair){STR("readonly"), STR("2")};
    x->session =
        x->host->backend->session_open(x->host->backend, (struct pairs){own, n}, &x->failed);
    if (x->session == NULL)
        return false;
    if (x->request.database.n) {
        buf_text(&sql, "USE ");
        sql_quote_name(&sql, x->request.database);
        if (!prepare_with(x, &sql))
            return false;
    }
    buf_reset(&sql);
    request_write_set(&x->request, &sql);
    return sql.n == 0 || prepare_with(x, &sql);
}

static struct pairs params_of(const struct exchange *x)
{
    return (struct pairs){x->request.params, x->request.n_params};
}

/* ---- INSERT -------------------------------------------------------------------------------- */

static void feed_insert(struct exchange *x, const char *data, size_t n)
{
    if (n && !x->insert_failed && !x->host->backend->insert_append(x->insert, data, n))
        x->insert_failed = true;
}

static void begin_insert(struct exchange *x)
{
    struct str head = {x->sql.p, x->shape.head_end};
    struct str data = {x->sql.p + x->shape.data_at, x->sql.n - x->shape.data_at};

    if (!open_session(x, false))
        return;
    x->insert =
        x->host->backend->insert_begin(x->session, head, x->shape.format, params_of(x), &x->failed);
    if (x->insert)
        feed_insert(x, data.p, data.n);
}

static void end_insert(struct exchange *x)
{
    struct insert *i = MOVE(x->insert);

    x->host->backend->insert_finish(i, &x->stats, &x->failed);
}

/* ---- body ---------------------------------------------------------------------------------- */

static void refuse_statement(struct exchange *x)
{
    const char *name = x->shape.refused_code == 62    ? "SYNTAX_ERROR"
                       : x->shape.refused_code == 78  ? "UNKNOWN_TYPE_OF_QUERY"
                       : x->shape.refused_code == 358 ? "INTO_OUTFILE_NOT_ALLOWED"
                                                      : "NOT_IMPLEMENTED";
    exception_set(&x->failed, x->shape.refused_code, name, "%s", x->shape.refused);
}

/* Plain bytes of the body. */
static bool take_plain(void *arg, const char *data, size_t n)
{
    struct exchange *x = arg;

    if (x->failed.code)
        return false;
    if (x->insert) {
        feed_insert(x, data, n);
        return !x->insert_failed;
    }
    if (x->sql.n + n > STATEMENT_MAX) {
        exception_set(&x->failed, 229, "QUERY_IS_TOO_LARGE",
                      "A statement without data may have %d bytes", STATEMENT_MAX);
        return false;
    }
    buf_put(&x->sql, data, n);
    if (statement_scan(&x->shape, buf_view(&x->sql), false) == SCAN_DONE) {
        if (x->shape.refused_code)
            refuse_statement(x);
        else
            begin_insert(x);
    }
    return x->failed.code == 0;
}

static bool is_query(const struct exchange *x)
{
    return x->request.target == TARGET_QUERY;
}

/* The query of the address stands before the body, a line end between them. */
static void begin_statement(struct exchange *x)
{
    if (x->sql.n || x->insert || x->request.query.n == 0)
        return;
    buf_str(&x->sql, x->request.query);
    buf_byte(&x->sql, '\n');
}

void exchange_body(struct exchange *x, const char *data, size_t n)
{
    if (!is_query(x) || x->failed.code || !admit(x) || n == 0)
        return;
    begin_statement(x);
    if (x->request.coding == CODING_PLAIN) {
        take_plain(x, data, n);
        return;
    }
    if (x->unpack == NULL)
        x->unpack = unpack_new(x->request.coding);
    if (x->unpack == NULL || !unpack_feed(x->unpack, data, n, take_plain, x)) {
        if (x->failed.code == 0)
            exception_set(&x->failed, 354, "ZLIB_INFLATE_FAILED",
                          "The body is not valid for its Content-Encoding");
    }
}

/* ---- SELECT -------------------------------------------------------------------------------- */

static void run_job(void *arg)
{
    struct select_job *job = arg;
    struct exchange *x = job->x;

    job->is_ok =
        x->host->backend->run_to_pipe(x->session, buf_view(&x->sql), &x->shape, x->request.format,
                                      params_of(x), job->write_fd, &job->stats, &job->failed);
    close(job->write_fd);
}

static bool start_job(struct exchange *x)
{
    struct select_job *job = xcalloc(1, sizeof(*job));
    int fds[2];

    job->x = x;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        exception_set(&x->failed, 76, "CANNOT_OPEN_FILE", "No pipe: %s", strerror(errno));
        free(job);
        return false;
    }
    fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES); /* smaller where the user's allowance is used up */
    job->read_fd = fds[0];
    job->write_fd = fds[1];
    job->task = (struct task){.run = run_job, .arg = job};
    if (!workers_start(x->host->workers, &job->task)) {
        exception_set(&x->failed, 439, "CANNOT_SCHEDULE_TASK", "No thread for the query");
        close(fds[0]);
        close(fds[1]);
        free(job);
        return false;
    }
    x->job = job;
    return true;
}

static void join_job(struct select_job *job)
{
    if (!job->is_joined)
        workers_wait(job->x->host->workers, &job->task, -1);
    job->is_joined = true;
}

static ssize_t read_again(int fd, char *to, size_t room)
{
    ssize_t n;

    do {
        n = read(fd, to, room);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* Gathers the beginning of the answer. True when it is all. */
static bool gather(struct exchange *x)
{
    struct buf *body = &x->reply.body;
    size_t most = x->request.waits_for_end ? WAITED_BYTES : FIRST_BYTES;

    while (body->n < most) {
        char *to = buf_reserve(body, PIPE_BYTES);
        ssize_t n = read_again(x->job->read_fd, to, PIPE_BYTES);
        if (n <= 0)
            return true;
        body->n += (size_t)n;
    }
    return false;
}

static void run_select(struct exchange *x)
{
    if (!start_job(x))
        return;
    if (!gather(x)) {
        reply_with_rows(x);
        x->reply.is_stream = true;
        return;
    }
    join_job(x->job);
    x->stats = x->job->stats;
    if (!x->job->is_ok)
        move_exception(&x->failed, &x->job->failed);
}

/* The block that ends an answer that broke off, as ClickHouse ≥ 25.11 writes it. */
static void break_off(struct exchange *x)
{
    const struct buf *text = &x->job->failed.text;

    buf_reset(&x->reply.body);
    buf_printf(&x->reply.body, "\r\n__exception__\r\n%s\r\n", x->tag);
    buf_put(&x->reply.body, text->p, text->n);
    buf_printf(&x->reply.body, "\n%zu %s\r\n__exception__\r\n", text->n + 1, x->tag);
    x->sent = 0;
    x->is_broken = true;
}

static size_t send_gathered(struct exchange *x, char *to, size_t room)
{
    size_t n = x->reply.body.n - x->sent;

    n = n < room ? n : room;
    memcpy(to, x->reply.body.p + x->sent, n);
    x->sent += n;
    return n;
}

ssize_t exchange_read(struct exchange *x, char *to, size_t room)
{
    if (x->sent < x->reply.body.n)
        return (ssize_t)send_gathered(x, to, room);
    if (x->is_broken)
        return -1;
    ssize_t n = read_again(x->job->read_fd, to, room);
    if (n > 0)
        return n;
    join_job(x->job);
    if (x->job->is_ok)
        return 0;
    break_off(x);
    return (ssize_t)send_gathered(x, to, room);
}

/* ---- the statement ------------------------------------------------------------------------- */

static void run_other(struct exchange *x)
{
    AUTO_DONE(buf) kill = {0};
    struct str sql = {x->sql.p, x->shape.end};

    if (x->shape.is_kill) {
        statement_write_kill(&kill, sql, "query_cache_tag");
        sql = buf_view(&kill);
    }
    x->host->backend->run(x->session, sql, x->request.format, params_of(x), &x->reply.body,
                          &x->stats, &x->failed);
}

static void run_statement(struct exchange *x)
{
    statement_scan(&x->shape, buf_view(&x->sql), true);
    if (x->shape.refused_code) {
        refuse_statement(x);
    } else if (x->shape.kind == STATEMENT_EMPTY) {
        exception_set(&x->failed, 62, "SYNTAX_ERROR", "Syntax error: empty query");
    } else if (x->shape.kind == STATEMENT_INSERT_DATA) {
        begin_insert(x);
        if (x->insert)
            end_insert(x);
    } else if (open_session(x, x->shape.kind == STATEMENT_SELECT)) {
        if (x->host->backend->count_statements(x->session, buf_view(&x->sql)) > 1)
            exception_set(&x->failed, 62, "SYNTAX_ERROR",
                          "Syntax error: multi-statements are not allowed");
        else if (x->shape.kind == STATEMENT_SELECT)
            run_select(x);
        else
            run_other(x);
    }
}

static void end_statement(struct exchange *x)
{
    if (x->unpack && !unpack_is_complete(x->unpack))
        exception_set(&x->failed, 354, "ZLIB_INFLATE_FAILED",
                      "The body ends within its compression");
    if (x->insert && x->failed.code)
        x->host->backend->insert_cancel(MOVE(x->insert));
    else if (x->insert)
        end_insert(x);
    else if (x->failed.code == 0)
        run_statement(x);
}

/* Kills until it ends: the first time may be too early for the engine to know the query. */
static void kill_job(struct exchange *x)
{
    do {
        x->host->backend->kill(x->host->backend, id_of(x));
    } while (!workers_wait(x->host->workers, &x->job->task, 50));
    x->job->is_joined = true;
}

/* Gives back session and slot as soon as nothing of the statement runs any more. */
static void release(struct exchange *x)
{
    if (x->job) {
        if (!x->job->is_joined) {
            close(x->job->read_fd); /* a writer at work fails now; one at thought is killed */
            x->job->read_fd = -1;
            kill_job(x);
        }
        if (x->job->read_fd >= 0)
            close(x->job->read_fd);
        exception_done(&x->job->failed);
        free(x->job);
        x->job = NULL;
    }
    if (x->insert)
        x->host->backend->insert_cancel(MOVE(x->insert));
    if (x->session)
        x->host->backend->session_close(MOVE(x->session));
    if (x->slot >= 0)
        running_remove(x->host->running, x->slot);
    x->slot = -1;
}

void exchange_finish(struct exchange *x)
{
    if (x->request.target == TARGET_METHOD) {
        reply_with_text(x, 405, "Only GET, HEAD, POST and PUT are served\n");
        return;
    }
    if (x->request.target == TARGET_UNKNOWN) {
        reply_with_text(x, 404, "There is no handle for this path; statements go to /\n");
        return;
    }
    if (x->request.target == TARGET_PING) {
        reply_with_text(x, 200, "Ok.\n");
        return;
    }
    if (admit(x) && x->failed.code == 0) {
        begin_statement(x);
        end_statement(x);
    } else if (x->insert) {
        end_statement(x);
    }
    if (x->reply.is_stream)
        return;
    release(x);
    if (x->failed.code)
        reply_with_exception(x, &x->failed);
    else
        reply_with_rows(x);
}

struct reply *exchange_reply(struct exchange *x)
{
    return &x->reply;
}

void exchange_free(struct exchange *x)
{
    if (x == NULL)
        return;
    release(x);
    unpack_free(x->unpack);
    for (int i = 0; i < N_HEADERS; i++)
        buf_done(&x->reply.headers[i]);
    buf_done(&x->reply.body);
    buf_done(&x->sql);
    exception_done(&x->failed);
    request_done(&x->request);
    free(x->address_text);
    free(x);
}
