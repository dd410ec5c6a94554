/* SPDX-License-Identifier: Apache-2.0
 *
 * A cursor goes through one file record by record: reads, cuts at the last whole record, keeps
 * the rest. Following and recovery share it. One thread at a time. */
#ifndef SOURCE_CURSOR_H
#define SOURCE_CURSOR_H

#include <pthread.h>

#include "source/file.h"
#include "source/reader.h"

enum { CHUNK_SLACK_BYTES = 64, TOO_LONG_BYTES = 65536 };

/* One buffer of the pool. */
struct chunk_memory {
    char *data;
    size_t cap; /* without slack */
    /* Read ahead of the cut: data[0..ahead_bytes) are the file's from ahead_from on. 0 bytes:
     * nothing. */
    uint64_t ahead_from;
    size_t ahead_bytes;
    bool is_quoteless; /* there is no quote in them */
    struct buf path;
    struct buf header; /* formats with headers inside: in force from the chunk's first record on */
    pthread_t user;    /* who had it last */
    struct chunk_memory *next;
};

void memory_grow(struct chunk_memory *m, size_t cap); /* keeps what is in it */

struct cursor {
    struct reader reader;
    uint64_t position;   /* of the next record */
    struct buf leftover; /* compressed: decompressed bytes from position on */
    bool is_broken;      /* the last read failed or gave up; the cursor has to be opened again */
    enum err_code code;  /*   why: what came before was still given out */
    char *reason;
    struct buf passed; /* the last bytes of a record that was too long */
    struct buf header; /* formats with headers inside: the one in force at the position, ... */
    /* ... if this is true. Both outlive cursor_done; the buffer is for buf_done */
    bool is_header_known;
};

void cursor_done(struct cursor *c);

/* What one step found: whole records in data[0..n), covering [from, to). */
struct piece {
    uint64_t from, to;
    const char *data; /* in the memory */
    size_t n;
    bool is_too_long;  /* one record above the limit; n <= TOO_LONG_BYTES */
    bool is_eof;       /* the file's present end was met, */
    size_t rest;       /*   with so many bytes of a record without end before it; */
    uint64_t used;     /*   bytes on disk up to there */
    bool is_whole;     /*   no member or frame is open there */
    bool is_cut_short; /* the last record has no end yet: it was taken for one because is_end */
};

/* Goes on to the next piece and moves c->position past it. n = 0: no whole record before the
 * end. stop: a record boundary not to pass, UINT64_MAX = none; is_end: at the end of the file a
 * record without end is one. Failures as reader_read, when nothing is left to give. What the
 * memory holds of a plain file from the position on is not read again. */
MUST_CHECK enum err_code cursor_next(struct cursor *c, const struct file_source_spec *spec,
                                     struct chunk_memory *m, uint64_t stop, bool is_end,
                                     struct piece *ret, struct err *e);

/* Goes to a record's beginning. A header in force there is found by reading what is before, if
 * it is not known. */
MUST_CHECK enum err_code cursor_seek(struct cursor *c, const struct file_source_spec *spec,
                                     uint64_t to, struct err *e);

/* Keeps the last FILE_HASH_BYTES of what was pushed. */
void tail_push(struct buf *tail, const char *p, size_t n);

#endif
