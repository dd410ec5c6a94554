/* SPDX-License-Identifier: Apache-2.0
 *
 * One request and its answer, between the HTTP library and the engine:
 *
 *   exchange_new (address) → exchange_header* → exchange_body* → exchange_finish → reply
 *                                                   │                                │
 *                        an INSERT begins as soon as its head is here,    exchange_read* when
 *                        its data go on to the engine as they come        the answer is a stream
 *
 * Up to FIRST_BYTES of an answer are gathered before anything is sent, so most failures get their
 * HTTP status; a later one ends the stream with ClickHouse's exception block and a broken end. */
#ifndef STORE_HOST_EXCHANGE_H
#define STORE_HOST_EXCHANGE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "store/host/request.h"
#include "store/host/running.h"
#include "store/host/workers.h"

/* What all exchanges share. Written before the first, except `is_stopping`. */
struct host {
    struct backend *backend;
    struct running *running;
    struct workers *workers;
    struct str token;            /* what a TCP client must show */
    uint64_t query_memory_bytes; /* cap of one query; 0: none */
    unsigned threads;            /* of one query; 0: the engine's choice */
    _Atomic bool is_stopping;    /* new statements are refused */
};

enum header_kind {
    HEADER_CONTENT_TYPE,
    HEADER_FORMAT,
    HEADER_QUERY_ID,
    HEADER_SUMMARY,
    HEADER_EXCEPTION_CODE,
    HEADER_EXCEPTION_TAG,
    HEADER_AUTHENTICATE,
    N_HEADERS,
};

extern const char *const header_names[N_HEADERS];

struct reply {
    unsigned status;
    struct buf headers[N_HEADERS]; /* values; empty: not sent */
    struct buf body;
    bool is_stream; /* more comes by exchange_read; `body` is unused then */
};

/* owner: the thread of the connection */
struct exchange;

/* `fd`: the client's connection, -1 when it is not to be watched. */
struct exchange *exchange_new(struct host *h, struct str address, int fd, bool needs_token);
/* After it, before the headers. */
void exchange_method(struct exchange *x, struct str method);
void exchange_header(struct exchange *x, struct str name, struct str value);
void exchange_body(struct exchange *x, const char *data, size_t n);
/* The body is here whole. Runs the statement; afterwards the reply is complete, or streams. */
void exchange_finish(struct exchange *x);
/* Bytes written to `to`, 0 at the end, -1 when the answer breaks off (its reason was in the
 * bytes). */
ssize_t exchange_read(struct exchange *x, char *to, size_t room);
struct reply *exchange_reply(struct exchange *x);
/* Cancels what still runs. Takes NULL. */
void exchange_free(struct exchange *x);

#endif
