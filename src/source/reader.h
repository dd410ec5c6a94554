/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a file as one run of decompressed bytes, whatever it is packed in. pread only: a file that
 * is truncated while it is read gives fewer bytes, never a signal. One thread at a time.
 *
 * A plain file can be read anywhere; a compressed one only forwards: seeking back starts over. */
#ifndef SOURCE_READER_H
#define SOURCE_READER_H

#include <sys/stat.h>

#include "codec/inflate.h"

/* What tells that a file was touched. Two equal keys: nothing has happened to it. */
struct stat_key {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns;
};

struct stat_key stat_key_of(const struct stat *st);
bool stat_key_eq(const struct stat_key *a, const struct stat_key *b);
uint64_t stat_key_hash(const struct stat_key *k); /* never 0 */

struct reader {
    int fd;              /* -1: closed */
    struct stat_key key; /* when it was opened */
    enum compression compression;
    uint64_t limit;    /* bytes of the file, as it lies on disk, that may be used */
    uint64_t at;       /* decompressed offset of the byte that is read next */
    struct inflate *z; /* compressed: its state, */
    char *in;          /*   what was read ahead, */
    struct str left;   /*   the part of it that is not used yet, */
    uint64_t in_at;    /*   and where in the file the next read goes on */
};

static inline bool reader_is_open(const struct reader *r)
{
    return r->fd >= 0;
}

/* ERR_NOT_FOUND: no such file; ERR_IO: cannot be opened; ERR_INVALID: not a regular file. On
 * failure the reader is closed. */
MUST_CHECK enum err_code reader_open(struct reader *r, const char *path, struct err *e);
void reader_close(struct reader *r); /* also of a closed one */

/* Up to n bytes from r->at on; *got < n only at the present end. On ERR_INVALID (corrupt) and
 * ERR_IO
 * *got bytes were read before the failure. */
MUST_CHECK enum err_code reader_read(struct reader *r, char *p, size_t n, size_t *got,
                                     struct err *e);

/* Goes to a decompressed offset. Past the present end of a compressed file: r->at stays before
 * `to`. */
MUST_CHECK enum err_code reader_seek(struct reader *r, uint64_t to, struct err *e);

/* After a short read: may the file end here (no member or frame is open)? */
bool reader_is_whole(const struct reader *r);

/* Bytes of the file on disk that have been used. */
uint64_t reader_used(const struct reader *r);

#endif
