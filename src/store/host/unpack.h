/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a request, uncompressed as it arrives (gzip with several members, zstd and lz4 with
 * several frames). Output goes on in pieces of bounded size, however far the input blows up. */
#ifndef STORE_HOST_UNPACK_H
#define STORE_HOST_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "store/host/request.h"

struct unpack;

typedef bool (*unpack_sink)(void *arg, const char *data, size_t n); /* false: stop */

/* NULL when there is no memory. `coding` is not CODING_PLAIN or CODING_UNKNOWN. */
struct unpack *unpack_new(enum body_coding coding);
void unpack_free(struct unpack *z);

/* False when the input is damaged. A sink that stops ends the call with true. */
bool unpack_feed(struct unpack *z, const char *data, size_t n, unpack_sink sink, void *arg);
/* True when the input may end here. */
bool unpack_is_complete(const struct unpack *z);

#endif
