/* SPDX-License-Identifier: Apache-2.0
 *
 * A request as ClickHouse's HTTP interface means it: what the method, the address and the headers
 * say, sorted into query, settings, query parameters and the few names of the interface itself.
 * Nothing here touches the outside world, all of it takes any bytes. */
#ifndef STORE_HOST_REQUEST_H
#define STORE_HOST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "store/host/backend.h"

#define REQUEST_PARAMS_MAX 512        /* names in one address */
#define REQUEST_ADDRESS_MAX (1 << 20) /* bytes of one address */

enum request_target {
    TARGET_QUERY,
    TARGET_PING,    /* GET /ping, and GET / without a query */
    TARGET_UNKNOWN, /* no such path */
    TARGET_METHOD,  /* a method that is not served */
};

enum body_coding { CODING_PLAIN, CODING_GZIP, CODING_ZSTD, CODING_LZ4, CODING_UNKNOWN };

/* owner: the thread of the connection. Views point into `text`. */
struct store_request {
    enum request_target target;
    bool is_get, is_head; /* GET and HEAD may only read */
    enum body_coding coding;

    struct str query;       /* of the address; empty without */
    struct str database;    /* empty: the session's own */
    struct str format;      /* default format of the answer, never empty */
    struct str query_id;    /* as the client gave it; empty: one is made */
    struct str password;    /* what may be the token, wherever the client put it */
    struct str credentials; /* "Authorization: Basic", still coded */
    bool waits_for_end;     /* wait_end_of_query */

    struct pair settings[REQUEST_PARAMS_MAX]; /* everything that is no name of the interface */
    size_t n_settings;
    struct pair params[REQUEST_PARAMS_MAX]; /* param_NAME */
    size_t n_params;

    struct buf text; /* decoded address, never moved after request_init */
    struct buf kept; /* copies of header values */
};

/* Fills `r`. On failure `x` holds what the client is told, and `r` can still be given headers and
 * must be emptied. */
bool request_init(struct store_request *r, struct str method, struct str address,
                  struct exception *x);
void request_done(struct store_request *r);

/* Takes one header. Unknown ones are ignored. Order does not matter: a name in the address wins. */
bool request_header(struct store_request *r, struct str name, struct str value,
                    struct exception *x);

/* True when the client showed `token`. Time does not depend on where a wrong one differs. */
bool request_shows_token(const struct store_request *r, struct str token);
bool request_shows_any(const struct store_request *r);

/* SET a = '1', …; for all settings of the request. Empty when there are none. */
void request_write_set(const struct store_request *r, struct buf *out);

/* Fills `x` with "Code: N. DB::Exception: … (NAME)". */
void exception_set(struct exception *x, int code, const char *name, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Takes the text of the engine; the code is read from it. */
void exception_take(struct exception *x, const char *text);
void exception_done(struct exception *x);
/* ClickHouse's HTTP status for the code. */
unsigned exception_status(int code);

#endif
