/* SPDX-License-Identifier: Apache-2.0
 *
 * gzip through zlib; zstd, bzip2 and lz4 through their libraries; member after member (frame
 * after frame) until the bytes end. Zero bytes after a gzip member are padding, as gzip itself
 * takes them; anything else is corrupt. An error names the compressed position, counted from
 * where the stream began. */
#include "codec/inflate.h"

#include <bzlib.h>
#include <limits.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

enum { MAX_WINDOW_LOG = 27 }; /* 128 MB: what zstd itself decodes without being asked for more */

struct inflate {
    enum compression compression;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bz_stream bzip2;
    LZ4F_dctx *lz4;
    uint64_t position; /* compressed bytes used */
    bool is_at_end;    /* between members */
    unsigned n_magic;  /* zstd: bytes of the frame's magic number that were seen */
    bool is_padding;   /* gzip: zeros were seen after a member */
    bool is_broken;    /* an error was answered; it stays */
};

enum compression compression_of(const char *data, size_t n)
{
    static const char zstd_magic[4] = {0x28, (char)0xb5, 0x2f, (char)0xfd};
    if (n >= 2 && memcmp(data, "\x1f\x8b", 2) == 0)
        return COMPRESSION_GZIP;
    if (n >= 4 && memcmp(data, zstd_magic, 4) == 0)
        return COMPRESSION_ZSTD;
    /* a skippable frame may come first */
    if (n >= 4 && ((uint8_t)data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0)
        return COMPRESSION_ZSTD;
    if (n >= 4 && memcmp(data, "\x04\x22\x4d\x18", 4) == 0)
        return COMPRESSION_LZ4;
    /* a block, or the end of a stream without any */
    if (n >= 8 && memcmp(data, "BZh", 3) == 0 && data[3] >= '1' && data[3] <= '9' &&
        (memcmp(data + 4, "1AY&", 4) == 0 || memcmp(data + 4, "\x17\x72\x45\x38", 4) == 0))
        return COMPRESSION_BZIP2;
    return COMPRESSION_NONE;
}

struct inflate *inflate_new(enum compression c)
{
    struct inflate *z = xcalloc(1, sizeof(*z));
    z->compression = c;
    z->is_at_end = true;
    if (c == COMPRESSION_GZIP && inflateInit2(&z->gzip, 15 + 16) != Z_OK)
        z->is_broken = true;
    if (c == COMPRESSION_ZSTD) {
        z->zstd = ZSTD_createDStream();
        if (z->zstd == NULL)
            z->is_broken = true;
        else
            ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax, MAX_WINDOW_LOG);
    }
    if (c == COMPRESSION_LZ4 &&
        LZ4F_isError(LZ4F_createDecompressionContext(&z->lz4, LZ4F_VERSION)))
        z->is_broken = true;
    return z;
}

void inflate_free(struct inflate *z)
{
    if (z == NULL)
        return;
    if (z->compression == COMPRESSION_GZIP)
        inflateEnd(&z->gzip);
    if (z->compression == COMPRESSION_BZIP2)
        BZ2_bzDecompressEnd(&z->bzip2); /* says so, and no more, if nothing was begun */
    LZ4F_freeDecompressionContext(z->lz4);
    ZSTD_freeDStream(z->zstd);
    free(z);
}

static void use(struct inflate *z, struct str *in, size_t n)
{
    in->p += n;
    in->n -= n;
    z->position += n;
}

static const char *const compression_names[] = {
    [COMPRESSION_GZIP] = "gzip",
    [COMPRESSION_ZSTD] = "zstd",
    [COMPRESSION_BZIP2] = "bzip2",
    [COMPRESSION_LZ4] = "lz4",
};

static enum err_code corrupt(struct inflate *z, const char *what, struct err *e)
{
    z->is_broken = true;
    return err_set(e, ERR_INVALID, "corrupt %s data at compressed byte %llu (%s)",
                   compression_names[z->compression], (unsigned long long)z->position, what);
}

/* Between members: a new one begins, or padding goes on. False if all input was padding. */
static bool gzip_begin(struct inflate *z, struct str *in)
{
    while (z->position && in->n && *in->p == 0) { /* no member begins with a zero */
        use(z, in, 1);
        z->is_padding = true;
    }
    if (in->n == 0)
        return false;
    inflateReset(&z->gzip);
    z->is_at_end = false;
    return true;
}

/* One call of zlib: until a member ends, input or room runs out. */
static enum err_code gzip_step(struct inflate *z, struct str *in, char *out, size_t cap,
                               size_t *made, struct err *e)
{
    *made = 0;
    if (z->is_at_end && !gzip_begin(z, in))
        return ERR_OK;
    if (z->is_padding)
        return corrupt(z, "bytes after the padding at its end", e);

    size_t n_in = in->n < UINT_MAX ? in->n : UINT_MAX, n_out = cap < UINT_MAX ? cap : UINT_MAX;
    z->gzip.next_in = (Bytef *)in->p;
    z->gzip.avail_in = (uInt)n_in;
    z->gzip.next_out = (Bytef *)out;
    z->gzip.avail_out = (uInt)n_out;
    int code = inflate(&z->gzip, Z_NO_FLUSH);
    use(z, in, n_in - z->gzip.avail_in);
    *made = n_out - z->gzip.avail_out;
    if (code == Z_STREAM_END)
        z->is_at_end = true;
    else if (code != Z_OK && code != Z_BUF_ERROR)
        return corrupt(z, z->gzip.msg ? z->gzip.msg : "zlib refuses it", e);
    return ERR_OK;
}

/* Frames of today and skippable ones. libzstd may also know those of before 1.0, whose end it
 * does not find when they come in pieces. */
static bool is_zstd_magic(unsigned at, uint8_t byte)
{
    static const uint8_t frame[4] = {0x28, 0xb5, 0x2f, 0xfd},
                         skippable[4] = {0x50, 0x2a, 0x4d, 0x18};
    return byte == frame[at] || (at == 0 ? byte & 0xf0 : byte) == skippable[at];
}

static enum err_code zstd_step(struct inflate *z, struct str *in, char *out, size_t cap,
                               size_t *made, struct err *e)
{
    if (z->is_at_end)
        z->n_magic = 0;
    for (size_t i = 0; i < in->n && z->n_magic < 4; i++)
        if (!is_zstd_magic(z->n_magic++, (uint8_t)in->p[i]))
            return corrupt(z, "not a zstd frame", e);
    ZSTD_inBuffer from = {in->p, in->n, 0};
    ZSTD_outBuffer to = {out, cap, 0};
    size_t code = ZSTD_decompressStream(z->zstd, &to, &from);
    use(z, in, from.pos);
    *made = to.pos;
    if (ZSTD_isError(code))
        return corrupt(z, ZSTD_getErrorName(code), e);
    if (from.pos || to.pos)
        z->is_at_end = code == 0;
    return ERR_OK;
}

static enum err_code bzip2_step(struct inflate *z, struct str *in, char *out, size_t cap,
                                size_t *made, struct err *e)
{
    *made = 0;
    if (z->is_at_end) {
        if (in->n == 0)
            return ERR_OK;
        BZ2_bzDecompressEnd(&z->bzip2);
        z->bzip2 = (bz_stream){0};
        if (BZ2_bzDecompressInit(&z->bzip2, 0, 0) != BZ_OK)
            return corrupt(z, "no memory for it", e);
        z->is_at_end = false;
    }
    size_t n_in = in->n < INT_MAX ? in->n : INT_MAX, n_out = cap < INT_MAX ? cap : INT_MAX;
    z->bzip2.next_in = (char *)in->p;
    z->bzip2.avail_in = (unsigned)n_in;
    z->bzip2.next_out = out;
    z->bzip2.avail_out = (unsigned)n_out;
    int code = BZ2_bzDecompress(&z->bzip2);
    use(z, in, n_in - z->bzip2.avail_in);
    *made = n_out - z->bzip2.avail_out;
    if (code == BZ_STREAM_END)
        z->is_at_end = true;
    else if (code != BZ_OK)
        return corrupt(z, code == BZ_DATA_ERROR_MAGIC ? "not a bzip2 stream" : "libbz2 refuses it",
                       e);
    return ERR_OK;
}

static enum err_code lz4_step(struct inflate *z, struct str *in, char *out, size_t cap,
                              size_t *made, struct err *e)
{
    size_t n_in = in->n, n_out = cap;

    *made = 0;
    if (z->is_at_end && in->n == 0)
        return ERR_OK;
    size_t code = LZ4F_decompress(z->lz4, out, &n_out, in->p, &n_in, NULL);
    if (LZ4F_isError(code))
        return corrupt(z, LZ4F_getErrorName(code), e);
    use(z, in, n_in);
    *made = n_out;
    if (n_in || n_out)
        z->is_at_end = code == 0;
    return ERR_OK;
}

static enum err_code plain_step(struct inflate *z, struct str *in, char *out, size_t cap,
                                size_t *made)
{
    *made = in->n < cap ? in->n : cap;
    if (*made)
        memcpy(out, in->p, *made);
    use(z, in, *made);
    return ERR_OK;
}

enum err_code inflate_run(struct inflate *z, struct str *in, char *out, size_t cap, size_t *written,
                          struct err *e)
{
    *written = 0;
    if (z->is_broken)
        return err_set(e, ERR_INVALID, "corrupt data before compressed byte %llu",
                       (unsigned long long)z->position);
    while (*written < cap) {
        size_t made = 0, n_in = in->n;
        if (z->compression == COMPRESSION_NONE)
            TRY(plain_step(z, in, out + *written, cap - *written, &made));
        else if (z->compression == COMPRESSION_GZIP)
            TRY(gzip_step(z, in, out + *written, cap - *written, &made, e));
        else if (z->compression == COMPRESSION_BZIP2)
            TRY(bzip2_step(z, in, out + *written, cap - *written, &made, e));
        else if (z->compression == COMPRESSION_LZ4)
            TRY(lz4_step(z, in, out + *written, cap - *written, &made, e));
        else
            TRY(zstd_step(z, in, out + *written, cap - *written, &made, e));
        *written += made;
        if (made == 0 && in->n == n_in)
            break; /* wants more input */
    }
    return ERR_OK;
}

bool inflate_is_at_end(const struct inflate *z)
{
    return z->is_at_end;
}
