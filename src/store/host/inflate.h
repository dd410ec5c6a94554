/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a request, uncompressed as it arrives (gzip with several members, zstd with several
 * frames). Output goes on in pieces of bounded size, however far the input blows up. */
#ifndef STORE_HOST_INFLATE_H
#define STORE_HOST_INFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/host/request.h"

struct inflate;

typedef bool (*inflate_sink)(void *arg, const char *data, size_t n); /* false: stop */

/* NULL when there is no memory. `coding` is gzip or zstd. */
struct inflate *inflate_new(enum body_coding coding);
void inflate_free(struct inflate *z);

/* False when the input is damaged. A sink that stops ends the call with true. */
bool inflate_feed(struct inflate *z, const char *data, size_t n, inflate_sink sink, void *arg);
/* True when the input may end here. */
bool inflate_is_complete(const struct inflate *z);

#endif
