/* SPDX-License-Identifier: Apache-2.0
 *
 * Files as a source. A file is known by its content, not by its name (reference: docs/guarantees.md): the
 * hash of the first min(read, 64 KiB) decompressed bytes after the header, and of the 64 KiB before the
 * committed position. Positions are offsets in the decompressed file, header included. The chain gives
 * each file a number (`partition`).
 *
 * struct file_set: owner: the source's reader thread (the one that gathers chunks); file_next_chunk and
 * file_release may be called by any worker (lock: file_set.lock). */
#ifndef SOURCE_FILE_H
#define SOURCE_FILE_H

#include "base/buf.h"
#include "base/hash.h"
#include "codec/decoder.h"

enum { FILE_HASH_BYTES = 65536, FILE_CHUNK_BYTES = 4 << 20 };

/* What the chain remembers of a file; written in intents and checkpoints. */
struct file_mark {
    uint64_t partition;
    char *path;            /* where it was last seen, relative paths made absolute */
    uint64_t position;     /* committed decompressed offset: everything before is in an epoch */
    uint32_t header_bytes; /* decompressed bytes before the first record (BOM, header line) */
    uint32_t head_bytes;   /* how many bytes after the header head_hash covers, <= FILE_HASH_BYTES */
    struct u128 head_hash;
    uint32_t tail_bytes;   /* how many bytes before position tail_hash covers */
    struct u128 tail_hash;
};

struct file_source_spec {
    const char *name;
    const char *const *globs;   /* absolute patterns */
    size_t n_globs;
    bool is_distinct_path;      /* equal content under two names is read twice */
    enum format format;
    char delimiter;
    size_t max_record_bytes;
    size_t max_open_files;      /* 512 */
    bool is_once;               /* the files as they are now; a last line without end is a record */
    int unended_line_s;         /* follow: seconds until a last line without end counts as a record (60) */
};

enum file_event_kind {
    FILE_NEW, FILE_CHANGED, FILE_LOST, FILE_SAME_CONTENT, FILE_UNREADABLE, FILE_BAD_HEADER, FILE_MOVED, FILE_CORRUPT,
};
/* Something to say and to keep (status, red). */
struct file_event {
    enum file_event_kind kind;
    uint64_t partition;    /* or UINT64_MAX */
    char *path;
    char *text;
    uint64_t lost_bytes;   /* FILE_LOST: unread bytes of the old content, as far as known */
};

struct file_set;
struct file_chunk {
    struct file *file;
    uint64_t partition;
    uint64_t from, to;     /* decompressed offsets; whole records */
    const char *data;      /* to - from bytes, valid until file_release */
    struct str header;     /* formats with names: this file's header line */
    void *memory;
};

/* marks: what the chain knows (copied). */
MUST_CHECK enum err_code file_set_open(struct file_set **ret, const struct file_source_spec *spec,
                                       const struct file_mark *marks, size_t n_marks, uint64_t next_partition,
                                       struct err *e);
void file_set_close(struct file_set *s);

/* Looks at the globs again: new, moved, rotated, truncated, changed files. Cheap when nothing changed
 * (stat only). Call every ~200 ms when following, once at the start with --once. */
MUST_CHECK enum err_code file_set_scan(struct file_set *s, struct err *e);
/* Takes what has to be said since the last call; false: nothing. The caller frees path and text. */
bool file_set_event(struct file_set *s, struct file_event *ret);

/* The next run of whole records of any file, in name order per file set, at most FILE_CHUNK_BYTES unless one record
 * is longer. ERR_NOT_FOUND: nothing to read now. A record above max_record_bytes: chunk.data holds its first bytes
 * up to 64 KiB, and is_too_long is handled by the decoder limit. Several workers may hold chunks of one plain file; of a compressed
 * one too (decompression itself is done by one thread at a time, under that file's lock). any thread */
MUST_CHECK enum err_code file_next_chunk(struct file_set *s, struct file_chunk *ret, struct err *e);
void file_release(struct file_set *s, struct file_chunk *c);

/* --once: has everything that was there been handed out? Following: bytes known to wait. any thread */
bool file_set_is_drained(struct file_set *s);
uint64_t file_set_waiting_bytes(struct file_set *s);

/* The marks of all files that were handed out or known, position = end of what was handed out, hashes up to date. For the
 * intent. Caller frees with file_marks_free. */
size_t file_set_marks(struct file_set *s, struct file_mark **ret);
void file_marks_free(struct file_mark *marks, size_t n);

/* Recovery: reads exactly [from, to) of the file with this mark, wherever it is now (same or other name, gzipped …). The
 * chunk holds the whole range in pieces: call until *ret has from == to. ERR_NOT_FOUND: no file with that content. */
MUST_CHECK enum err_code file_read_range(struct file_set *s, const struct file_mark *mark, uint64_t from, uint64_t to,
                                         struct file_chunk *ret, struct err *e);

#endif
