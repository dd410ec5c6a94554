/* SPDX-License-Identifier: Apache-2.0
 *
 * What weir-store needs from a database engine. There are two: libchdb (chdb.c), loaded at run
 * time, and the fake of the fuzz target, so that everything between the socket and the engine can
 * be run under sanitizers, which libchdb does not survive. */
#ifndef STORE_HOST_BACKEND_H
#define STORE_HOST_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "store/host/statement.h"

/* A name with a value: a setting, a query parameter, a header. Views. */
struct pair {
    struct str name, value;
};

struct pairs {
    const struct pair *items;
    size_t n;
};

/* What a statement did, for X-ClickHouse-Summary. */
struct statement_stats {
    uint64_t read_rows, read_bytes, written_rows, written_bytes, result_rows;
};

/* ClickHouse's exception. `text` is owned, "Code: N. DB::Exception: …". code 0: none. */
struct exception {
    int code;
    struct buf text;
};

struct session; /* one connection: its own settings, current database, one statement at a time */
struct insert;  /* a running INSERT that is fed its data */

struct backend {
    /* Opens a session. `settings` come from us, not from a client. NULL: `x` says why. any
     * thread */
    struct session *(*session_open)(struct backend *b, struct pairs settings, struct exception *x);
    void (*session_close)(struct session *s);

    /* Runs one statement; its whole result is appended to `out`. False: `x` is set. */
    bool (*run)(struct session *s, struct str sql, struct str format, struct pairs params,
                struct buf *out, struct statement_stats *stats, struct exception *x);

    /* Runs a SELECT and writes its result to the pipe `fd` as it comes, in `format` unless the text
     * names one. Returns when all is written; the caller closes `fd`. */
    bool (*run_to_pipe)(struct session *s, struct str sql, const struct statement *shape,
                        struct str format, struct pairs params, int fd,
                        struct statement_stats *stats, struct exception *x);

    /* Begins an INSERT whose data follows. `head` is the text before FORMAT or VALUES. */
    struct insert *(*insert_begin)(struct session *s, struct str head, struct str format,
                                   struct pairs params, struct exception *x);
    /* False: the INSERT failed already; insert_finish says how. May block while the engine is
     * busy. */
    bool (*insert_append)(struct insert *i, const void *data, size_t n);
    /* Both end the INSERT and free it. */
    bool (*insert_finish)(struct insert *i, struct statement_stats *stats, struct exception *x);
    void (*insert_cancel)(struct insert *i);

    /* How many statements the text holds; 0 when it cannot be parsed. */
    unsigned (*count_statements)(struct session *s, struct str sql);

    /* Cancels the running query whose session was opened with this query_cache_tag. any thread */
    void (*kill)(struct backend *b, struct str tag);
};

#endif
