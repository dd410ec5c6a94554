/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"

typedef struct chdb_connection_ *chdb_connection;
typedef struct chdb_result_ chdb_result;

static struct {
    chdb_connection *(*connect)(int, char **);
    chdb_result *(*query)(chdb_connection, const char *, size_t, const char *, size_t);
    char *(*buffer)(chdb_result *);
    size_t (*length)(chdb_result *);
    const char *(*error)(chdb_result *);
    void (*destroy)(chdb_result *);
    void (*close)(chdb_connection *);
    chdb_connection *connection;
    uint64_t n_queries;
} chdb;

static void *open_library(void)
{
    const char *path = getenv("WEIR_LIBCHDB"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char text[512];

    if (path != NULL)
        return dlopen(path, RTLD_NOW);
    if (cache != NULL)
        snprintf(text, sizeof(text), "%s/weir/26.7.3-stable.1/libchdb.so", cache);
    else
        snprintf(text, sizeof(text), "%s/.cache/weir/26.7.3-stable.1/libchdb.so", home ? home : "/root");
    return dlopen(text, RTLD_NOW);
}

bool chdb_open(const char *folder)
{
    void *library = open_library();
    char *path = folder ? xasprintf("--path=%s/store", folder) : NULL;
    char *arguments[] = {"weir", path, NULL};

    if (library == NULL)
        return false;
    chdb.connect = (chdb_connection *(*)(int, char **))dlsym(library, "chdb_connect");
    chdb.query = (chdb_result *(*)(chdb_connection, const char *, size_t, const char *, size_t))dlsym(
        library, "chdb_query_n");
    chdb.buffer = (char *(*)(chdb_result *))dlsym(library, "chdb_result_buffer");
    chdb.length = (size_t (*)(chdb_result *))dlsym(library, "chdb_result_length");
    chdb.error = (const char *(*)(chdb_result *))dlsym(library, "chdb_result_error");
    chdb.destroy = (void (*)(chdb_result *))dlsym(library, "chdb_destroy_query_result");
    chdb.close = (void (*)(chdb_connection *))dlsym(library, "chdb_close_conn");
    if (!chdb.connect || !chdb.query || !chdb.buffer || !chdb.length || !chdb.error || !chdb.destroy || !chdb.close)
        return false;
    chdb.connection = chdb.connect(folder ? 2 : 1, arguments);
    free(path);
    return chdb.connection != NULL;
}

void chdb_close(void)
{
    chdb.close(chdb.connection);
}

/* What a failed query had written by then comes with the next answer: throw it away. */
static void drain(void)
{
    chdb_result *r = chdb.query(*chdb.connection, "SELECT 1", 8, "TSV", 3);

    if (r)
        chdb.destroy(r);
}

bool chdb_ask(struct buf *answer, struct str sql, const char *format)
{
    chdb_result *r = chdb.query(*chdb.connection, sql.p, sql.n, format, strlen(format));
    const char *error = r ? chdb.error(r) : "no result";

    chdb.n_queries++;
    buf_reset(answer);
    if (error)
        buf_put(answer, error, strcspn(error, "\n"));
    else
        buf_put(answer, chdb.buffer(r), chdb.length(r));
    bool failed = error != NULL;
    if (r)
        chdb.destroy(r);
    if (failed)
        drain();
    return !failed;
}

void chdb_must(const char *sql)
{
    AUTO_DONE(buf) answer = {0};

    if (chdb_ask(&answer, str_of(sql), "TSV"))
        return;
    fprintf(stderr, "%s\n%s\n", sql, buf_cstr(&answer));
    fflush(NULL);
    _exit(1); /* libchdb's threads outlive main badly */
}

uint64_t chdb_queries(void)
{
    return chdb.n_queries;
}

/* ---- random ---- */

static uint64_t random_state;

void random_seed(uint64_t seed)
{
    random_state = ih64(seed);
}

uint64_t random_u64(void)
{
    random_state += 0x9e3779b97f4a7c15ULL;
    return ih64(random_state);
}

unsigned below(unsigned n)
{
    return (unsigned)(random_u64() % n);
}

bool chance(unsigned percent)
{
    return below(100) < percent;
}
