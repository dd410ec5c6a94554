/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside a file set. A struct file is a content; a struct entry is a name. Names come and go, files
 * stay known until the set is closed.
 *
 *     entry ──held──▶ file     the name holds (or held last) this content
 *     entry ◀──name── file     the name under which the content is read now; NULL: nowhere to be seen
 *     entry ──twin──▶ file     the name shows the same content, or the beginning of it; it is not read
 *
 * Locks, in this order: file.lock (reading position and everything around it; held during I/O),
 * file_set.lock (queue of ready files, pool, events; short). Entries, the index and the fields
 * marked `scan` belong to the thread that calls file_set_scan and are not locked. */
#ifndef SOURCE_FILE_PRIV_H
#define SOURCE_FILE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "source/cursor.h"
#include "source/glob.h"
#include "source/identity.h"

enum {
    DEFAULT_OPEN_FILES = 512,
    DEFAULT_CHUNKS = 64,
    TAIL_CHECK_BYTES = 4096,
    /* as much as the tail can prove */
    FIRST_OVERLAP_BYTES = 8192,
    MAX_OVERLAP_BYTES = FILE_HASH_BYTES,
};

struct entry;

struct file {
    pthread_mutex_t lock;
    /* ---- lock ---- */
    struct cursor cursor;
    char *path; /* where to open it; the entry's */
    uint32_t header_bytes;
    char *header; /* without line end; NULL: none. Set once */
    /* head_state can go on: false after a start until the file was verified */
    bool has_head_state;
    struct sip128 head_state;
    uint32_t head_bytes; /* of what was read */
    struct u128 head_hash;
    bool is_head_stale, is_tail_stale; /* the hash has to be made from head_state / tail */
    uint32_t mark_first, mark_small;   /* as in struct file_mark */
    struct buf tail;                   /* while the reader is open: up to 64 KiB before position */
    uint32_t tail_bytes;
    struct u128 tail_hash;
    uint64_t limit; /* is_once: size on disk at the start */
    /* size on disk up to which all whole records were handed out; 0 = unknown */
    uint64_t end_size;
    uint64_t stat_hash;    /* see struct file_mark */
    bool has_partial;      /* a record without end waits */
    bool is_end;           /* it need not wait any longer */
    bool is_stuck;         /* unreadable or corrupt; until it changes */
    uint64_t corrupt_size; /* size on disk when that was said */
    bool is_orphan;        /* read through the open descriptor only */
    pthread_cond_t turn;   /* another turn was served; see ahead.c */
    uint64_t n_turns, n_served;
    uint64_t ahead_to;  /* where the window of the last turn ends; 0 = it has none */
    uint32_t overlap;   /* of windows; 0: records are too long to guess */
    uint64_t n_opened;  /* how often a reader was opened */
    uint64_t handed_to; /* where the last chunk handed out ended; 0: none was */
    /* ---- file_set.lock ---- */
    bool is_ready, is_queued, is_flagged, is_marked, is_touched;
    bool is_held; /* a record without end was handed out: the epoch's range ends there */
    struct file *lru_prev, *lru_next;
    bool is_in_lru;
    /* ---- any thread ---- */
    _Atomic uint64_t partition; /* UINT64_MAX until the first chunk */
    _Atomic bool is_packed;     /* it was compressed when it was opened last */
    _Atomic uint64_t waiting;   /* bytes on disk not handed out yet, about */
    /* ---- scan ---- */
    struct entry *name, *home; /* home: the entry that held it last */
    uint32_t seen_bytes;       /* head as seen before anything was read */
    struct u128 seen_hash;
    uint32_t first_hash, small_hash; /* see struct seen */
    struct u128 key_hash;            /* under which it is in the index, covering key_bytes */
    uint32_t key_bytes;
    bool is_indexed;
    struct file *next_in_heads, *next_in_firsts, *next_in_smalls;
    uint64_t device, inode, size; /* on disk, last seen */
    int64_t grown_ns;
    bool is_watched; /* in file_set.watched */
    uint32_t pattern;
    int missing_scans;
    int64_t missing_ns;
    bool is_changed; /* its name holds other content; nothing is read */
};

enum role {
    ROLE_NONE, /* nothing known yet */
    ROLE_GONE,
    ROLE_READ, /* held is read here */
    ROLE_EMPTY,
    ROLE_TWIN,   /* same content as twin */
    ROLE_PREFIX, /* beginning of twin */
    ROLE_WAIT,   /* written over right now? */
    ROLE_CHANGED,
    ROLE_REFUSED,
    ROLE_UNREADABLE,
    ROLE_LATE, /* is_once: came after the start */
};

/* The beginning of a name's content, kept until it is decided what it is. */
struct seen {
    uint32_t header_bytes, head_bytes;
    struct u128 head_hash;
    uint32_t first_hash; /* of the first FIRST_BYTES, 0 = shorter */
    uint32_t small_hash; /* of the first SMALL_BYTES, 0 = shorter */
    char *header;
};

struct entry {
    char *path;
    uint32_t pattern;
    enum role role;
    struct file *held, *twin;
    struct stat_key key;
    int64_t changed_ns;     /* when the key changed last */
    int64_t checked_ns;     /* when the content was compared last */
    int64_t since_ns;       /* in this role */
    uint64_t twin_position; /* of twin when it was compared */
    bool must_stat, must_check;
    bool is_busy;      /* in file_set.busy */
    bool is_confirmed; /* CHANGED was found twice */
    struct file *said_twin;
    int said_error;
    /* between the passes of one scan */
    enum match own, other;
    bool is_shorter;
    struct file *other_file;
    struct seen seen;
    struct entry *next_by_path;
};

/* Files by the hash of their head. The heads have many lengths; which are in use is counted. */
struct head_index {
    struct file **heads, **firsts, **smalls; /* buckets */
    size_t n_buckets, n_files;
    uint32_t counts[FILE_HASH_BYTES + 1];
    uint64_t lengths[FILE_HASH_BYTES / 64 + 1];
};

void head_index_reserve(struct head_index *x, size_t n_files); /* room for so many */
void head_index_add(struct head_index *x, struct file *f);
void head_index_remove(struct head_index *x, struct file *f);
void head_index_done(struct head_index *x);
/* The files whose head is a prefix of this one, at most max. */
size_t head_index_find(const struct head_index *x, const char *head, uint32_t n, struct file **ret,
                       size_t max);
/* Those with this same head; those with the same first_hash or small_hash. */
size_t head_index_equal(const struct head_index *x, struct u128 hash, uint32_t n, struct file **ret,
                        size_t max);
size_t head_index_first(const struct head_index *x, uint32_t first_hash, struct file **ret,
                        size_t max);
size_t head_index_small(const struct head_index *x, uint32_t small_hash, struct file **ret,
                        size_t max);

struct event_item {
    struct file_event event;
    struct event_item *next;
};

/* What stat said of a name. */
struct sight {
    int error; /* 0: it is there */
    bool is_file;
    struct stat_key key;
};

enum stage { STAGE_LOOK, STAGE_OWN, STAGE_MATCH, STAGE_DECIDE };

struct file_set {
    struct file_source_spec spec; /* own copy */
    struct buf text;              /* the spec's strings */
    pthread_mutex_t lock;
    /* ---- lock ---- */
    uint64_t next_partition;
    struct file **ready; /* sorted by path; some may not be ready any more */
    size_t n_ready, ready_from;
    bool is_ready_unsorted;
    size_t n_cutting; /* calls of file_next_chunk under way */
    struct chunk_memory *pool;
    size_t n_chunks; /* handed out */
    struct event_item *events, *last_event;
    struct file *lru_first, *lru_last; /* least recently used first */
    size_t n_open;
    struct file **flagged; /* must be checked by the next scan */
    size_t n_flagged;
    struct file **touched; /* handed something out since the last scan */
    size_t n_touched;
    struct file **marked; /* since the last file_set_changed_marks */
    size_t n_marked;
    bool is_unsettled; /* a scan has more to do */
    /* ---- any thread ---- */
    _Atomic uint64_t waiting; /* sum over the files */
    /* ---- scan ---- */
    struct glob *glob;
    struct entry **entries;
    size_t n_entries, cap_entries;
    struct entry **by_path;
    size_t n_by_path;
    struct file **files; /* grown under lock as well: read by marks */
    size_t n_files, cap_files;
    struct head_index index;
    char *scratch, *scratch2;
    struct entry **busy; /* looked at by every scan; the others in turns: */
    size_t n_busy, cap_busy;
    size_t turn;
    struct file **watched; /* files that finish_scan has to look at */
    size_t n_watched;
    size_t n_new; /* files met in this scan */
    bool has_displaced;
    struct file **unhashed; /* from marks that lack first_hash or small_hash */
    size_t n_unhashed;
    /* of those with longer heads this scan has made what can be made */
    uint32_t hashed_above;
    enum stage stage;
    struct entry **todo;
    size_t n_todo, cap_todo, todo_at;
    int64_t now_ns, deadline_ns;
    int64_t met_ns;   /* when names that this scan finds were there at the earliest */
    bool is_look_old; /* its names and stats are those of the look ahead */
    int64_t ahead_ns; /* added to the clock: tests need not wait */
    bool is_started;  /* the first scan is complete */
    /* the look ahead: a thread that owns the scan's fields until it is joined */
    pthread_t looker;
    bool is_looking; /* the thread has not been joined */
    _Atomic bool stop_looking;
    struct sight *sights; /* of the first n_sights of busy; NULL: none */
    size_t n_sights;
    int64_t seen_ns;      /* when they were seen */
    int64_t *last_new_ns; /* per glob: when a file with content came last */
    struct file **last_new;
    /* recovery; owner */
    struct cursor range;
    uint64_t range_partition;
    char *range_header;
};

/* file_set.c */
struct entry *entry_get(struct file_set *s, const char *path);
struct file *file_new(struct file_set *s);
void file_set_say(struct file_set *s, enum file_event_kind kind, uint64_t partition,
                  const char *path, uint64_t lost_bytes, const char *fmt, ...) PRINTF_LIKE(6, 7);
/* m->path is the file's own. Under f->lock. */
void file_snapshot(struct file *f, struct file_mark *m);
void file_set_flag(struct file_set *s, struct file *f); /* let the next scan check it */
void file_set_waiting(struct file_set *s, struct file *f, uint64_t bytes);
void file_set_mark_dirty(struct file_set *s, struct file *f);
void push_file(struct file ***list, size_t *n, struct file *f); /* grows by powers of two */

/* look.c: names, stats, growth; fills todo */
void look(struct file_set *s);
void *look_ahead(void *set);
void entry_gone(struct file_set *s, struct entry *entry);
void entry_go_on(struct file_set *s, struct entry *entry, struct file *f,
                 const struct stat_key *key);
void file_lose_name(struct file_set *s, struct file *f);
void file_watch(struct file_set *s, struct file *f);
void file_make_ready(struct file_set *s, struct file *f); /* under f->lock */
void file_make_unready(struct file_set *s, struct file *f);
void entry_busy(struct file_set *s, struct entry *entry);
void todo_add(struct file_set *s, struct entry *entry);
void finish_scan(struct file_set *s);

/* match.c: comparing contents */
void check_own(struct file_set *s, struct entry *entry);
void check_others(struct file_set *s, struct entry *entry);

/* ahead.c; all under f->lock */
/* Waits for its turn, during which the lock is given away; m may hold what comes next then. Look
 * again whether the file is ready. */
void file_take_turn(struct file_set *s, struct file *f, struct chunk_memory *m);
void file_end_turn(struct file *f);
/* would a turn now have something to read ahead, or be the only one? */
bool file_can_share(const struct file *f);

/* chunk.c; all under f->lock */
bool file_is_ready(struct file_set *s, struct file *f);
void file_close_reader(struct file_set *s, struct file *f);
void lru_touch(struct file_set *s, struct file *f);
struct chunk_memory *pool_take(struct file_set *s); /* NULL: all are in use */
void pool_give(struct file_set *s, struct chunk_memory *m);
void pool_done(struct file_set *s);

#endif
