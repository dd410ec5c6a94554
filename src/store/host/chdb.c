/* SPDX-License-Identifier: Apache-2.0
 *
 * The C interface of libchdb, declared as used (the package has no header). What was found out
 * about it and is relied on:
 *
 * - A connection has its own settings and database; opening one costs 0.13 ms, so each request gets
 *   a new one and nothing has to be reset. `--name=value` at connect sets like SET. One connection
 *   stays open all the time: closing the last one stops the engine.
 * - chdb_stream_query formats every block as a document of its own (JSON, Parquet, CSVWithNames …
 *   come out several times), and chdb_query_n keeps the whole result in memory outside any limit.
 *   INTO OUTFILE writes one document, in parallel, and takes a pipe by its /proc/self/fd name: that
 *   is how rows come out here.
 * - A query's id is always the engine's own. query_cache_tag, a free text without effect as there
 *   is no query cache, carries the client's id; system.processes shows it under Settings.
 * - chdb_stream_insert_n runs the INSERT on a thread of its own; append blocks while 16 chunks
 *   wait. */
#include "store/host/chdb.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/host/request.h"

typedef struct chdb_connection_ *chdb_connection;
typedef struct chdb_result_ chdb_result;
typedef struct chdb_insert_stream_ *chdb_insert_stream;

struct query_analysis {
    uint32_t struct_size, statement_count, flags, query_class;
};

struct library {
    const char *(*chdb_version)(void);
    chdb_connection *(*chdb_connect)(int argc, char **argv);
    void (*chdb_close_conn)(chdb_connection *conn);
    chdb_result *(*chdb_query_with_params_n)(chdb_connection conn, const char *query,
                                             size_t query_len, const char *format,
                                             size_t format_len, const char *const *names,
                                             const size_t *name_lens, const char *const *values,
                                             const size_t *value_lens, size_t n);
    void (*chdb_destroy_query_result)(chdb_result *result);
    char *(*chdb_result_buffer)(chdb_result *result);
    size_t (*chdb_result_length)(chdb_result *result);
    const char *(*chdb_result_error)(chdb_result *result);
    uint64_t (*chdb_result_rows_read)(chdb_result *result);
    uint64_t (*chdb_result_storage_rows_read)(chdb_result *result);
    uint64_t (*chdb_result_storage_bytes_read)(chdb_result *result);
    uint64_t (*chdb_result_rows_written)(chdb_result *result);
    uint64_t (*chdb_result_bytes_written)(chdb_result *result);
    chdb_insert_stream (*chdb_stream_insert_with_params_n)(
        chdb_connection conn, const char *query, size_t query_len, const char *format,
        size_t format_len, const char *const *names, const size_t *name_lens,
        const char *const *values, const size_t *value_lens, size_t n);
    int (*chdb_stream_append)(chdb_insert_stream stream, const void *data, size_t len);
    chdb_result *(*chdb_stream_done)(chdb_insert_stream stream);
    const char *(*chdb_stream_insert_error)(chdb_insert_stream stream);
    void (*chdb_destroy_insert_stream)(chdb_insert_stream stream);
    int (*chdb_classify_query_n)(chdb_connection conn, const char *sql, size_t sql_len,
                                 const char *database, size_t database_len,
                                 struct query_analysis *ret);
    int (*chdb_shutdown)(void);
};

struct chdb {
    struct backend backend; /* first: a struct backend * of ours is a struct chdb * */
    struct library lib;
    char *path_argument;      /* --path=…: every connection must say it */
    chdb_connection *own;     /* kept open; KILL QUERY goes here */
    pthread_mutex_t own_lock; /* one statement at a time on `own` */
};

struct session {
    struct chdb *chdb;
    chdb_connection *conn;
};

struct insert {
    struct session *session;
    chdb_insert_stream stream;
};

/* ---- finding and loading ------------------------------------------------------------------- */

static void add_place(struct buf *places, const char *fmt, const char *dir)
{
    if (dir && dir[0]) {
        buf_printf(places, fmt, dir);
        buf_byte(places, '\0');
    }
}

/* The places where the library may lie, in order, each ended by a NUL. */
static void list_places(struct buf *places, const char *path)
{
    char exe[4096];
    const char *cache = getenv("XDG_CACHE_HOME");
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    if (path) {
        add_place(places, "%s", path);
        return;
    }
    add_place(places, "%s", getenv("WEIR_LIBCHDB"));
    if (n > 0) {
        exe[n] = '\0';
        for (int up = 0; up < 2; up++) {
            char *slash = strrchr(exe, '/');
            if (slash)
                *slash = '\0';
        }
        add_place(places, "%s/lib/weir/libchdb.so", exe);
    }
    add_place(places, "%s/weir/" CHDB_PACKAGE "/libchdb.so", cache);
    if (cache == NULL || cache[0] == '\0')
        add_place(places, "%s/.cache/weir/" CHDB_PACKAGE "/libchdb.so", getenv("HOME"));
}

static const char *first_existing(const struct buf *places)
{
    for (size_t at = 0; at < places->n; at += strlen(places->p + at) + 1) {
        if (access(places->p + at, R_OK) == 0)
            return places->p + at;
    }
    return NULL;
}

static enum err_code not_found(struct buf *places, struct err *e)
{
    for (size_t i = 0; i + 1 < places->n; i++) {
        if (places->p[i] == '\0')
            places->p[i] = ' ';
    }
    return err_set(e, ERR_NOT_FOUND,
                   "libchdb.so was not found; tried: %s -- get it with scripts/fetch-libchdb, or "
                   "set WEIR_LIBCHDB",
                   places->n ? places->p : "(nowhere)");
}

static enum err_code resolve(struct library *lib, void *handle, const char *path, struct err *e)
{
    const struct {
        const char *name;
        void **slot;
    } symbols[] = {
#define SYMBOL(name) {#name, (void **)&lib->name}
        SYMBOL(chdb_version),
        SYMBOL(chdb_connect),
        SYMBOL(chdb_close_conn),
        SYMBOL(chdb_query_with_params_n),
        SYMBOL(chdb_destroy_query_result),
        SYMBOL(chdb_result_buffer),
        SYMBOL(chdb_result_length),
        SYMBOL(chdb_result_error),
        SYMBOL(chdb_result_rows_read),
        SYMBOL(chdb_result_storage_rows_read),
        SYMBOL(chdb_result_storage_bytes_read),
        SYMBOL(chdb_result_rows_written),
        SYMBOL(chdb_result_bytes_written),
        SYMBOL(chdb_stream_insert_with_params_n),
        SYMBOL(chdb_stream_append),
        SYMBOL(chdb_stream_done),
        SYMBOL(chdb_stream_insert_error),
        SYMBOL(chdb_destroy_insert_stream),
        SYMBOL(chdb_classify_query_n),
        SYMBOL(chdb_shutdown),
#undef SYMBOL
    };

    for (size_t i = 0; i < COUNT(symbols); i++) {
        *symbols[i].slot = dlsym(handle, symbols[i].name);
        if (*symbols[i].slot == NULL)
            return err_set(e, ERR_INVALID, "%s has no %s: weir needs libchdb " CHDB_PACKAGE, path,
                           symbols[i].name);
    }
    return ERR_OK;
}

/* ---- statements ---------------------------------------------------------------------------- */

#define PARAMS_MAX REQUEST_PARAMS_MAX

/* Pairs as the four arrays that the library wants. */
struct param_arrays {
    const char *names[PARAMS_MAX], *values[PARAMS_MAX];
    size_t name_lens[PARAMS_MAX], value_lens[PARAMS_MAX];
};

static void fill_params(struct param_arrays *a, struct pairs params)
{
    for (size_t i = 0; i < params.n && i < PARAMS_MAX; i++) {
        a->names[i] = params.items[i].name.p;
        a->name_lens[i] = params.items[i].name.n;
        a->values[i] = params.items[i].value.n ? params.items[i].value.p : "";
        a->value_lens[i] = params.items[i].value.n;
    }
}

static void take_stats(const struct library *lib, chdb_result *result,
                       struct statement_stats *stats)
{
    stats->read_rows = lib->chdb_result_storage_rows_read(result);
    stats->read_bytes = lib->chdb_result_storage_bytes_read(result);
    stats->written_rows = lib->chdb_result_rows_written(result);
    stats->written_bytes = lib->chdb_result_bytes_written(result);
    stats->result_rows = lib->chdb_result_rows_read(result);
}

/* Takes what a result says and frees it. */
static bool take_result(const struct library *lib, chdb_result *result, struct buf *out,
                        struct statement_stats *stats, struct exception *x)
{
    if (result == NULL) {
        exception_set(x, 1002, "UNKNOWN_EXCEPTION", "The engine gave no result");
        return false;
    }
    const char *error = lib->chdb_result_error(result);
    if (error)
        exception_take(x, error);
    else if (stats)
        take_stats(lib, result, stats);
    if (error == NULL && out)
        buf_put(out, lib->chdb_result_buffer(result), lib->chdb_result_length(result));
    lib->chdb_destroy_query_result(result);
    return error == NULL;
}

static bool chdb_run(struct session *s, struct str sql, struct str format, struct pairs params,
                     struct buf *out, struct statement_stats *stats, struct exception *x)
{
    const struct library *lib = &s->chdb->lib;
    struct param_arrays a;

    fill_params(&a, params);
    return take_result(lib,
                       lib->chdb_query_with_params_n(*s->conn, sql.p, sql.n, format.p, format.n,
                                                     a.names, a.name_lens, a.values, a.value_lens,
                                                     params.n),
                       out, stats, x);
}

static bool chdb_run_to_pipe(struct session *s, struct str sql, const struct statement *shape,
                             struct str format, struct pairs params, int fd,
                             struct statement_stats *stats, struct exception *x)
{
    AUTO_DONE(buf) text = {0};
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    statement_write_to_file(&text, shape, sql, path, format);
    return chdb_run(s, buf_view(&text), format, params, NULL, stats, x);
}

static struct insert *chdb_insert_begin(struct session *s, struct str head, struct str format,
                                        struct pairs params, struct exception *x)
{
    const struct library *lib = &s->chdb->lib;
    struct param_arrays a;

    fill_params(&a, params);
    chdb_insert_stream stream =
        lib->chdb_stream_insert_with_params_n(*s->conn, head.p, head.n, format.p, format.n, a.names,
                                              a.name_lens, a.values, a.value_lens, params.n);
    const char *error = stream ? lib->chdb_stream_insert_error(stream) : "No stream was given";
    if (error) {
        exception_take(x, error);
        if (stream)
            lib->chdb_destroy_insert_stream(stream);
        return NULL;
    }
    struct insert *i = xmalloc(sizeof(*i));
    *i = (struct insert){s, stream};
    return i;
}

static bool chdb_insert_append(struct insert *i, const void *data, size_t n)
{
    return i->session->chdb->lib.chdb_stream_append(i->stream, data, n) == 0;
}

static bool chdb_insert_finish(struct insert *i, struct statement_stats *stats, struct exception *x)
{
    const struct library *lib = &i->session->chdb->lib;
    bool is_ok = take_result(lib, lib->chdb_stream_done(i->stream), NULL, stats, x);

    lib->chdb_destroy_insert_stream(i->stream);
    free(i);
    return is_ok;
}

static void chdb_insert_cancel(struct insert *i)
{
    i->session->chdb->lib.chdb_destroy_insert_stream(i->stream);
    free(i);
}

static unsigned chdb_count_statements(struct session *s, struct str sql)
{
    struct query_analysis a = {.struct_size = sizeof(a)};

    if (s->chdb->lib.chdb_classify_query_n(*s->conn, sql.p, sql.n, NULL, 0, &a) != 0)
        return 0;
    return a.statement_count;
}

/* ---- sessions ------------------------------------------------------------------------------ */

static chdb_connection *connect_with(struct chdb *c, const char *extra, struct pairs settings)
{
    char **argv = xcalloc(settings.n + 3, sizeof(*argv));
    int argc = 0;

    argv[argc++] = xstrdup("weir-store");
    argv[argc++] = xstrdup(c->path_argument);
    if (extra)
        argv[argc++] = xstrdup(extra);
    for (size_t i = 0; i < settings.n; i++)
        argv[argc++] = xasprintf("--%.*s=%.*s", STR_FMT(settings.items[i].name),
                                 STR_FMT(settings.items[i].value));
    chdb_connection *conn = c->lib.chdb_connect(argc, argv);
    while (argc)
        free(argv[--argc]);
    free(argv);
    return conn;
}

static struct session *chdb_session_open(struct backend *b, struct pairs settings,
                                         struct exception *x)
{
    struct chdb *c = (struct chdb *)b;
    chdb_connection *conn = connect_with(c, NULL, settings);

    if (conn == NULL) {
        exception_set(x, 1002, "UNKNOWN_EXCEPTION", "The engine refused a new connection");
        return NULL;
    }
    struct session *s = xmalloc(sizeof(*s));
    *s = (struct session){c, conn};
    return s;
}

static void chdb_session_close(struct session *s)
{
    s->chdb->lib.chdb_close_conn(s->conn);
    free(s);
}

static void chdb_kill(struct backend *b, struct str tag)
{
    struct chdb *c = (struct chdb *)b;
    struct session own = {c, c->own};
    struct exception x = {0};
    AUTO_DONE(buf) sql = {0};

    buf_text(&sql, "KILL QUERY WHERE Settings['query_cache_tag'] = ");
    sql_quote(&sql, tag);
    buf_text(&sql, " ASYNC");
    pthread_mutex_lock(&c->own_lock);
    chdb_run(&own, buf_view(&sql), STR("TabSeparated"), (struct pairs){0}, NULL, NULL, &x);
    pthread_mutex_unlock(&c->own_lock);
    exception_done(&x);
}

/* ---- life ---------------------------------------------------------------------------------- */

static const struct backend chdb_functions = {
    .session_open = chdb_session_open,
    .session_close = chdb_session_close,
    .run = chdb_run,
    .run_to_pipe = chdb_run_to_pipe,
    .insert_begin = chdb_insert_begin,
    .insert_append = chdb_insert_append,
    .insert_finish = chdb_insert_finish,
    .insert_cancel = chdb_insert_cancel,
    .count_statements = chdb_count_statements,
    .kill = chdb_kill,
};

enum err_code chdb_load(struct chdb **ret, const char *path, struct err *e)
{
    AUTO_DONE(buf) places = {0};
    struct library lib;

    list_places(&places, path);
    const char *found = first_existing(&places);
    if (found == NULL)
        return not_found(&places, e);
    void *handle = dlopen(found, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return err_set(e, ERR_INVALID, "cannot load %s: %s", found, dlerror());
    TRY(resolve(&lib, handle, found, e));

    struct chdb *c = xcalloc(1, sizeof(*c));
    c->backend = chdb_functions;
    c->lib = lib;
    pthread_mutex_init(&c->own_lock, NULL);
    *ret = c;
    return ERR_OK;
}

const char *chdb_library_version(const struct chdb *c)
{
    return c->lib.chdb_version();
}

/* The engine talks to stderr while it starts. That is caught, and told only when it fails. */
static int catch_stderr(int *saved)
{
    int caught = memfd_create("stderr", MFD_CLOEXEC);

    fflush(stderr);
    *saved = caught >= 0 ? fcntl(2, F_DUPFD_CLOEXEC, 3) : -1;
    if (*saved >= 0)
        dup2(caught, 2);
    return caught;
}

static void release_stderr(int caught, int saved, char *text, size_t room)
{
    fflush(stderr);
    if (saved >= 0) {
        dup2(saved, 2);
        close(saved);
    }
    ssize_t n = caught >= 0 ? pread(caught, text, room - 1, 0) : 0;
    text[n > 0 ? n : 0] = '\0';
    if (caught >= 0)
        close(caught);
}

enum err_code chdb_start(struct chdb *c, const char *data, const char *config, struct err *e)
{
    AUTO_MEM char *config_argument = xasprintf("--config-file=%s", config);
    char said[700];
    int saved = -1, caught = catch_stderr(&saved);

    c->path_argument = xasprintf("--path=%s", data);
    c->own = connect_with(c, config_argument, (struct pairs){0});
    release_stderr(caught, saved, said, sizeof(said));
    if (c->own == NULL)
        return err_set(e, ERR_UNAVAILABLE, "the engine does not start over %s: %s", data, said);
    return ERR_OK;
}

struct backend *chdb_backend(struct chdb *c)
{
    return &c->backend;
}

void chdb_stop(struct chdb *c)
{
    if (c->own)
        c->lib.chdb_close_conn(c->own);
    c->lib.chdb_shutdown();
    free(c->path_argument);
    pthread_mutex_destroy(&c->own_lock);
    free(c);
}
