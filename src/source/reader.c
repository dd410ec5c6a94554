/* SPDX-License-Identifier: Apache-2.0 */
#include "source/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/hash.h"

enum { IN_BYTES = 128 << 10, SKIP_BYTES = 64 << 10 };

struct stat_key stat_key_of(const struct stat *st)
{
    return (struct stat_key){
        .device = st->st_dev,
        .inode = st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
    };
}

bool stat_key_eq(const struct stat_key *a, const struct stat_key *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

uint64_t stat_key_hash(const struct stat_key *k)
{
    uint64_t h = city_mix(k->device, k->inode);
    h = city_mix(h, k->size);
    h = city_mix(h, (uint64_t)k->mtime_ns);
    h = city_mix(h, (uint64_t)k->ctime_ns);
    return h ? h : 1;
}

static ssize_t read_at(int fd, char *p, size_t n, uint64_t at)
{
    ssize_t got;
    do
        got = pread(fd, p, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got;
}

enum err_code reader_open(struct reader *r, const char *path, struct err *e)
{
    *r = (struct reader){.fd = -1, .limit = UINT64_MAX};
    /* O_NONBLOCK: a fifo that matches the glob must not stop us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        enum err_code code = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
        err_errno(e, "cannot open %s", path);
        if (e != NULL)
            e->code = code;
        return code;
    }
    struct stat st;
    char magic[8];
    ssize_t n = 0;
    if (fstat(fd, &st) != 0 ||
        (S_ISREG(st.st_mode) && (n = read_at(fd, magic, sizeof(magic), 0)) < 0)) {
        err_errno(e, "cannot read %s", path);
        close(fd);
        return ERR_IO;
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(e, ERR_INVALID, "%s is not a regular file", path);
    }
    r->fd = fd;
    r->key = stat_key_of(&st);
    r->compression = compression_of(magic, (size_t)n);
    if (r->compression != COMPRESSION_NONE) {
        r->z = inflate_new(r->compression);
        r->in = xmalloc(IN_BYTES);
    }
    return ERR_OK;
}

void reader_close(struct reader *r)
{
    if (r->fd >= 0)
        close(r->fd);
    inflate_free(r->z);
    free(r->in);
    *r = (struct reader){.fd = -1};
}

static enum err_code read_plain(struct reader *r, char *p, size_t n, size_t *got, struct err *e)
{
    uint64_t rest = r->limit > r->at ? r->limit - r->at : 0;
    if (n > rest)
        n = (size_t)rest;
    while (*got < n) {
        ssize_t k = read_at(r->fd, p + *got, n - *got, r->at);
        if (k < 0)
            return err_errno(e, "cannot read at byte %llu", (unsigned long long)r->at);
        if (k == 0)
            break;
        *got += (size_t)k;
        r->at += (uint64_t)k;
    }
    return ERR_OK;
}

/* Fills the input buffer when it is used up; left.n stays 0 at the present end. */
static enum err_code refill(struct reader *r, struct err *e)
{
    if (r->left.n > 0)
        return ERR_OK;
    uint64_t rest = r->limit > r->in_at ? r->limit - r->in_at : 0;
    ssize_t k = read_at(r->fd, r->in, rest < IN_BYTES ? (size_t)rest : IN_BYTES, r->in_at);
    if (k < 0)
        return err_errno(e, "cannot read at byte %llu", (unsigned long long)r->in_at);
    r->left = (struct str){r->in, (size_t)k};
    r->in_at += (uint64_t)k;
    return ERR_OK;
}

static enum err_code read_packed(struct reader *r, char *p, size_t n, size_t *got, struct err *e)
{
    while (*got < n) {
        TRY(refill(r, e));
        size_t before = r->left.n, written = 0;
        enum err_code code = inflate_run(r->z, &r->left, p + *got, n - *got, &written, e);
        *got += written;
        r->at += written;
        if (code != ERR_OK)
            return err_set(e, ERR_INVALID, "%s, near byte %llu of the compressed file",
                           e ? e->text : "", (unsigned long long)(r->in_at - r->left.n));
        if (written > 0 || r->left.n < before)
            continue;
        if (before == 0)
            break;
        return err_set(e, ERR_INVALID, "cannot be decompressed past byte %llu",
                       (unsigned long long)(r->in_at - r->left.n));
    }
    return ERR_OK;
}

enum err_code reader_read(struct reader *r, char *p, size_t n, size_t *got, struct err *e)
{
    *got = 0;
    return r->compression == COMPRESSION_NONE ? read_plain(r, p, n, got, e)
                                              : read_packed(r, p, n, got, e);
}

enum err_code reader_seek(struct reader *r, uint64_t to, struct err *e)
{
    if (r->compression == COMPRESSION_NONE) {
        r->at = to;
        return ERR_OK;
    }
    if (to < r->at) {
        inflate_free(r->z);
        r->z = inflate_new(r->compression);
        r->left = (struct str){r->in, 0};
        r->in_at = r->at = 0;
    }
    char skipped[SKIP_BYTES];
    while (r->at < to) {
        uint64_t rest = to - r->at;
        size_t want = rest < sizeof(skipped) ? (size_t)rest : sizeof(skipped), got;
        TRY(reader_read(r, skipped, want, &got, e));
        if (got < want)
            break;
    }
    return ERR_OK;
}

bool reader_is_whole(const struct reader *r)
{
    return r->compression == COMPRESSION_NONE || (r->left.n == 0 && inflate_is_at_end(r->z));
}

uint64_t reader_used(const struct reader *r)
{
    return r->compression == COMPRESSION_NONE ? r->at : r->in_at - r->left.n;
}
