/* SPDX-License-Identifier: Apache-2.0
 *
 * The sockets: libmicrohttpd with a thread for each connection, which runs the exchange of each of
 * its requests and may block in the engine. */
#ifndef STORE_HOST_HTTP_H
#define STORE_HOST_HTTP_H

#include "store/host/exchange.h"

struct http;

/* Listens on the unix socket `path` (mode 0600; what lay there is replaced) and, when `listen` is
 * not NULL, on that "address:port" over TCP, where the host's token is asked for. */
MUST_CHECK enum err_code http_open(struct http **ret, struct host *host, const char *path,
                                   const char *listen, struct err *e);

/* Connections open now. any thread */
int http_connections(const struct http *h);
/* No more connections are taken; the socket's name is gone. Those open go on. */
void http_stop_listening(struct http *h);
/* Ends all connections, waits for their threads. */
void http_close(struct http *h);

#endif
