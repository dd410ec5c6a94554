/* SPDX-License-Identifier: Apache-2.0
 *
 * The store as weir sees it: ClickHouse over HTTP. `embedded:DIR` is the program weir-store on a
 * Unix socket in DIR, started here when it does not answer; nothing above this file knows the
 * difference.
 *
 * A struct store is one connection of one thread. Failures: ERR_UNAVAILABLE = no answer, trying
 * again may help; ERR_STORE = the store's exception, `store_code` its number and the text as
 * ClickHouse wrote it. */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/native.h"

struct store;

struct store_place {
    char *url;    /* as given: "embedded:./x.weir", "clickhouse://user@host:8123/db" */
    char *folder; /* embedded: absolute folder; NULL else */
    char *socket; /* embedded: its Unix socket */
    char *http;   /* "http://localhost" or "http://host:8123" */
    char *user, *password;
    char *database; /* "weir" unless the URL names one */
};

/* folder: that relative paths of embedded: start from. */
MUST_CHECK enum err_code store_place_parse(struct store_place *ret, const char *url,
                                           const char *folder, struct err *e);
void store_place_done(struct store_place *p);

/* place must outlive the store. Does not connect yet. */
struct store *store_new(const struct store_place *place);
void store_free(struct store *s);

/* Makes sure that the store answers: embedded stores are started (by one process only; others
 * wait). With create = false a missing folder is an error instead of a new empty store. */
MUST_CHECK enum err_code store_ensure(struct store *s, bool create, struct err *e);

struct store_setting {
    const char *name, *value; /* sent as URL parameters; "param_x" for query parameters */
};
struct store_call {
    const char *sql;
    const struct store_setting *settings;
    size_t n_settings;
    struct str body;      /* data of an INSERT; empty else */
    const char *format;   /* default_format, or NULL */
    const char *database; /* for unqualified names; NULL: "default" */
    long timeout_s;       /* 0: none */
    /* Answer as it comes; a return of false ends the transfer. NULL: kept in `answer` if that is
     * given. */
    bool (*write)(void *context, const char *data, size_t n);
    void *context;
    struct buf *answer;
};
MUST_CHECK enum err_code store_call(struct store *s, const struct store_call *call, struct err *e);

MUST_CHECK enum err_code store_exec(struct store *s, const char *sql, struct err *e);
/* Answer in TSV (or the FORMAT in the SQL). */
MUST_CHECK enum err_code store_text(struct store *s, const char *sql, struct buf *answer,
                                    struct err *e);
MUST_CHECK enum err_code store_native(struct store *s, const char *sql, struct native_result *ret,
                                      struct err *e);

DEFINE_AUTO(store)

#endif
