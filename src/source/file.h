/* SPDX-License-Identifier: Apache-2.0
 *
 * Files as a source. A file is known by its content, not by its name (reference:
 * docs/guarantees.md): the hash of the first min(read, 64 KiB) decompressed bytes after the header,
 * and of the 64 KiB before the committed position. Positions are offsets in the decompressed file,
 * header included. The chain gives each file a number (`partition`).
 *
 * struct file_set: owner: the source's reader thread (the one that gathers chunks);
 * file_next_chunk and file_release may be called by any worker (lock: file_set.lock). */
#ifndef SOURCE_FILE_H
#define SOURCE_FILE_H

#include "base/buf.h"
#include "base/hash.h"
#include "codec/decoder.h"

/* A chunk stays in a core's second-level cache from the copy out of the page cache to the last
 * column decoded. */
enum { FILE_HASH_BYTES = 65536, FILE_CHUNK_BYTES = 512 << 10 };

/* What the chain remembers of a file; written in intents and checkpoints. */
struct file_mark {
    uint64_t partition;
    char *path;            /* where it was last seen, relative paths made absolute */
    uint64_t position;     /* committed decompressed offset: everything before is in an epoch */
    uint32_t header_bytes; /* decompressed bytes before the first record (BOM, header line) */
    /* how many bytes after the header head_hash covers, <= FILE_HASH_BYTES */
    uint32_t head_bytes;
    struct u128 head_hash;
    uint32_t tail_bytes; /* how many bytes before position tail_hash covers */
    struct u128 tail_hash;
    /* Not identity, only a hint that saves reading at the next start (stored or not, 0 = none):
     * with this device, inode, size, mtime and ctime the path held nothing beyond `position`. */
    uint64_t stat_hash;
    /* Nor these, of the first 24 and 256 bytes after the header (0 = fewer were read, or not
     * known): they tell, without opening every known file, that new content cannot be the
     * beginning of one. */
    uint32_t small_hash, first_hash;
};

struct file_source_spec {
    const char *name;
    const char *const *globs; /* absolute patterns */
    size_t n_globs;
    bool is_distinct_path; /* equal content under two names is read twice */
    enum format format;
    char delimiter;
    struct csv_division division;
    uint32_t skip_lines; /* at each file's beginning: they count as header */
    size_t max_record_bytes;
    size_t max_open_files; /* 512; 0 = 512 */
    size_t max_chunks;     /* chunks in flight, each with a buffer; 0 = 64 */
    bool is_once;          /* the files as they are now; a last line without end is a record */
    /* follow: seconds until a last line without end counts as a record (60) */
    int unended_line_s;
    /* Formats with names: asked once for each new file; a failure (its text names the missing
     * column) stops that file with FILE_BAD_HEADER until it changes. May be NULL. Called by
     * file_set_scan and, for a file that goes on from a mark, by file_next_chunk: from any
     * thread. */
    enum err_code (*check_header)(void *context, struct str header, struct err *e);
    void *context;
};

enum file_event_kind {
    FILE_NEW,          /* first seen; nothing wrong */
    FILE_CHANGED,      /* red: other content under a known path; nothing is read again */
    FILE_LOST,         /* red: unread bytes are gone */
    FILE_SAME_CONTENT, /* equal to a file that is known, or the beginning of one: not read again */
    FILE_UNREADABLE,   /* said once per change, tried again at every look */
    FILE_BAD_HEADER,   /* not read: wrong header, or not text at all (UTF-16, zip, Parquet) */
    FILE_MOVED,        /* goes on under another name; nothing wrong */
    FILE_CORRUPT,      /* cannot be decompressed further; what came before stays */
};
/* Something to say and to keep (status, red). */
struct file_event {
    enum file_event_kind kind;
    uint64_t partition; /* or UINT64_MAX */
    char *path;
    char *text;
    /* FILE_LOST: unread bytes of the old content, as far as known (packed: on disk) */
    uint64_t lost_bytes;
};

struct file_set;
struct file_chunk {
    struct file *file;
    uint64_t partition;
    uint64_t from, to; /* decompressed offsets; whole records */
    uint64_t after;    /* where the file's chunk before this one ended; 0: it is the first */
    /* data_bytes bytes, valid until file_release; 64 bytes behind them may be read */
    const char *data;
    size_t data_bytes; /* to - from; less if is_too_long */
    bool is_too_long;  /* one record above max_record_bytes: data is its first 64 KiB */
    /* where the file was seen when this was read; valid until file_release */
    const char *path;
    struct str header; /* formats with names: this file's header line */
    void *memory;
};

/* marks: what the chain knows (copied). */
MUST_CHECK enum err_code file_set_open(struct file_set **ret, const struct file_source_spec *spec,
                                       const struct file_mark *marks, size_t n_marks,
                                       uint64_t next_partition, struct err *e);
void file_set_close(struct file_set *s);

/* The same in steps, for who learns the marks late: file_set_look_ahead begins to list and stat
 * the names on a thread of its own; file_set_know takes the marks, once, before the first scan,
 * which then need not look. */
MUST_CHECK enum err_code file_set_new(struct file_set **ret, const struct file_source_spec *spec,
                                      struct err *e);
void file_set_look_ahead(struct file_set *s);
MUST_CHECK enum err_code file_set_know(struct file_set *s, const struct file_mark *marks,
                                       size_t n_marks, uint64_t next_partition, struct err *e);

/* Looks at the globs again: new, moved, rotated, truncated, changed files. Cheap when nothing
 * changed (stat only; of more than 1,000 files that have long been quiet only a part each time).
 * Call every ~200 ms when following; with is_once at the start, and again whenever
 * file_next_chunk says ERR_NOT_FOUND while file_set_is_drained is false (copies of a file are
 * compared when it has been read to its end). When following, a look that must read many files
 * returns after ~200 ms and goes on at the next call. */
MUST_CHECK enum err_code file_set_scan(struct file_set *s, struct err *e);
/* Takes what has to be said since the last call; false: nothing. The caller frees path and text. */
bool file_set_event(struct file_set *s, struct file_event *ret);

/* The next run of whole records of any file, in name order per file set, at most FILE_CHUNK_BYTES
 * unless one record is longer. ERR_NOT_FOUND: nothing to read now. ERR_UNAVAILABLE: max_chunks are
 * in flight. A record above max_record_bytes comes alone, is_too_long, and becomes one reject:
 * from/to cover it whole. Several workers may hold chunks of one plain file; of a compressed one
 * too (decompression itself is done by one thread at a time, under that file's lock). any thread */
MUST_CHECK enum err_code file_next_chunk(struct file_set *s, struct file_chunk *ret, struct err *e);
void file_release(struct file_set *s, struct file_chunk *c);

/* --once: has everything that was there been handed out? Following: bytes known to wait. any
 * thread */
bool file_set_is_drained(struct file_set *s);
uint64_t file_set_waiting_bytes(struct file_set *s);

/* The marks of all files that were handed out or known, position = end of what was handed out,
 * hashes up to date. For checkpoints. Call it between the last chunk of an epoch and the first
 * of the next. Caller frees with file_marks_free. */
size_t file_set_marks(struct file_set *s, struct file_mark **ret);
/* The same of those files alone that moved or handed something out since the last call. For the
 * intent. A file whose last chunk ended with a record without line end hands out nothing more
 * until this call: its range ends there. */
size_t file_set_changed_marks(struct file_set *s, struct file_mark **ret);
void file_marks_free(struct file_mark *marks, size_t n);

/* Recovery: reads exactly [from, to) of the file with this mark, wherever it is now (same or other
 * name, gzipped …). The chunk holds the whole range in pieces: call with from = the last piece's to
 * until *ret has from == to (no release needed then). ERR_NOT_FOUND: no file with that content.
 * Scan first, with this mark among those given to file_set_open. */
MUST_CHECK enum err_code file_read_range(struct file_set *s, const struct file_mark *mark,
                                         uint64_t from, uint64_t to, struct file_chunk *ret,
                                         struct err *e);

#endif
