/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { READ_BYTES = 1 << 20 };

static enum err_code read_all(struct buf *out, int fd, const char *path, size_t max_bytes,
                              struct err *e)
{
    size_t start = out->n;
    for (;;) {
        ssize_t n = read(fd, buf_reserve(out, READ_BYTES), READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "%s", path);
        if (n == 0)
            return ERR_OK;
        out->n += (size_t)n;
        if (out->n - start > max_bytes)
            return err_set(e, ERR_LIMIT, "%s is longer than lookup_max_bytes = %zu", path,
                           max_bytes);
    }
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum err_code read_unchanged(struct buf *out, int fd, const char *path, size_t max_bytes,
                                    struct err *e)
{
    struct stat before, after;
    size_t start = out->n;
    if (fstat(fd, &before) != 0)
        return err_errno(e, "%s", path);
    if (!S_ISREG(before.st_mode))
        return err_set(e, ERR_INVALID, "%s is not a regular file", path);
    TRY(read_all(out, fd, path, max_bytes, e));
    if (fstat(fd, &after) != 0)
        return err_errno(e, "%s", path);
    if (!is_same(&before, &after) || out->n - start != (size_t)after.st_size)
        return err_set(e, ERR_UNAVAILABLE, "%s is being written", path);
    return ERR_OK;
}

enum err_code lookup_files_add(struct buf *out, const char *path, size_t max_bytes, struct err *e)
{
    size_t start = out->n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum err_code code = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
        (void)err_errno(e, "%s", path);
        if (e)
            e->code = code;
        return code;
    }
    buf_u64(out, 0);
    enum err_code code = read_unchanged(out, fd, path, max_bytes, e);
    close(fd);
    if (code != ERR_OK) {
        out->n = start;
        return code;
    }
    uint64_t n = out->n - start - 8;
    memcpy(out->p + start, &n, 8);
    return ERR_OK;
}

bool lookup_files_next(struct str *files, struct str *bytes)
{
    uint64_t n;
    if (files->n < 8)
        return false;
    memcpy(&n, files->p, 8);
    if (n > files->n - 8)
        return false;
    *bytes = (struct str){files->p + 8, n};
    *files = (struct str){files->p + 8 + n, files->n - 8 - n};
    return true;
}

void lookup_files_hash(struct str files, char text[LOOKUP_HASH_TEXT])
{
    XXH128_hash_t h = XXH3_128bits(files.p, files.n);
    snprintf(text, LOOKUP_HASH_TEXT, "%016" PRIx64 "%016" PRIx64, (uint64_t)h.high64,
             (uint64_t)h.low64);
}
