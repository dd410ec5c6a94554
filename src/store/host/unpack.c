/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host/unpack.h"

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

#define PIECE_BYTES (256 * 1024)

struct unpack {
    enum body_coding coding;
    bool is_between; /* members or frames: the input may end here */
    z_stream gzip;
    ZSTD_DStream *zstd;
    LZ4F_dctx *lz4;
    char piece[PIECE_BYTES];
};

struct unpack *unpack_new(enum body_coding coding)
{
    struct unpack *z = xcalloc(1, sizeof(*z));

    z->coding = coding;
    z->is_between = true;
    if (coding == CODING_GZIP && inflateInit2(&z->gzip, 15 + 16) == Z_OK)
        return z;
    if (coding == CODING_ZSTD) {
        z->zstd = ZSTD_createDStream();
        /* 128 MiB window: what a request may make us allocate */
        if (z->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax, 27)))
            return z;
        ZSTD_freeDStream(z->zstd);
    }
    if (coding == CODING_LZ4 &&
        !LZ4F_isError(LZ4F_createDecompressionContext(&z->lz4, LZ4F_VERSION)))
        return z;
    free(z);
    return NULL;
}

void unpack_free(struct unpack *z)
{
    if (z == NULL)
        return;
    if (z->coding == CODING_GZIP)
        inflateEnd(&z->gzip);
    ZSTD_freeDStream(z->zstd);
    LZ4F_freeDecompressionContext(z->lz4);
    free(z);
}

static bool feed_gzip(struct unpack *z, const char *data, size_t n, unpack_sink sink, void *arg)
{
    z->gzip.next_in = (Bytef *)(uintptr_t)data;
    z->gzip.avail_in = (uInt)n;
    do {
        if (z->is_between && z->gzip.avail_in == 0)
            return true;
        z->gzip.next_out = (Bytef *)z->piece;
        z->gzip.avail_out = PIECE_BYTES;
        int state = inflate(&z->gzip, Z_NO_FLUSH);
        size_t made = PIECE_BYTES - z->gzip.avail_out;
        if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
            return false;
        z->is_between = state == Z_STREAM_END;
        if (made && !sink(arg, z->piece, made))
            return true;
        if (state == Z_STREAM_END && inflateReset(&z->gzip) != Z_OK)
            return false;
        if (state == Z_BUF_ERROR && made == 0)
            return true;
    } while (z->gzip.avail_in || z->gzip.avail_out == 0);
    return true;
}

static bool feed_zstd(struct unpack *z, const char *data, size_t n, unpack_sink sink, void *arg)
{
    ZSTD_inBuffer in = {data, n, 0};
    bool is_full = false;

    while (in.pos < in.size || is_full) {
        ZSTD_outBuffer out = {z->piece, PIECE_BYTES, 0};
        size_t left = ZSTD_decompressStream(z->zstd, &out, &in);
        if (ZSTD_isError(left))
            return false;
        z->is_between = left == 0;
        is_full = out.pos == out.size && left != 0;
        if (out.pos && !sink(arg, z->piece, out.pos))
            return true;
    }
    return true;
}

static bool feed_lz4(struct unpack *z, const char *data, size_t n, unpack_sink sink, void *arg)
{
    size_t at = 0, made = PIECE_BYTES;

    while (at < n || made == PIECE_BYTES) {
        size_t used = n - at;
        made = PIECE_BYTES;
        size_t left = LZ4F_decompress(z->lz4, z->piece, &made, data + at, &used, NULL);
        if (LZ4F_isError(left) || (used == 0 && made == 0 && at < n))
            return false;
        at += used;
        if (used || made)
            z->is_between = left == 0;
        if (made && !sink(arg, z->piece, made))
            return true;
    }
    return true;
}

bool unpack_feed(struct unpack *z, const char *data, size_t n, unpack_sink sink, void *arg)
{
    if (n == 0)
        return true;
    switch (z->coding) {
    case CODING_GZIP: return feed_gzip(z, data, n, sink, arg);
    case CODING_ZSTD: return feed_zstd(z, data, n, sink, arg);
    default: return feed_lz4(z, data, n, sink, arg);
    }
}

bool unpack_is_complete(const struct unpack *z)
{
    return z->is_between;
}
