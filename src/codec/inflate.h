/* SPDX-License-Identifier: Apache-2.0
 *
 * Streaming decompression of files: gzip and bzip2 (several members), zstd and lz4 (several
 * frames), or none, known by their first bytes. One thread. Corrupt input is an error with the
 * compressed position. */
#ifndef CODEC_INFLATE_H
#define CODEC_INFLATE_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_ZSTD,
    COMPRESSION_BZIP2,
    COMPRESSION_LZ4
};

enum compression compression_of(const char *data, size_t n); /* by magic bytes: 8 are enough */

struct inflate;
struct inflate *inflate_new(enum compression c);
void inflate_free(struct inflate *z);

/* Takes compressed bytes from in (moves in->p, in->n past what was used) and writes up to cap
 * bytes to out; *written says how many. Call until it writes nothing and in->n is 0. */
MUST_CHECK enum err_code inflate_run(struct inflate *z, struct str *in, char *out, size_t cap,
                                     size_t *written, struct err *e);
/* True at a member's / frame's end: the file may end here. */
bool inflate_is_at_end(const struct inflate *z);

DEFINE_AUTO(inflate)

#endif
