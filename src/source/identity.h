/* SPDX-License-Identifier: Apache-2.0
 *
 * What makes a file that file: hashes of its content, and the decision what a name means now.
 * Reading is apart from deciding: identity_decide is a pure function over facts, tested as a
 * table. */
#ifndef SOURCE_IDENTITY_H
#define SOURCE_IDENTITY_H

#include "source/file.h"
#include "source/reader.h"

enum {
    HEADER_MAX_BYTES = 1 << 20, /* a header line above this is refused */
    FIRST_BYTES = 256,          /* what content.first_hash covers */
    SMALL_BYTES = 24,           /* and content.small_hash */
    SCRATCH_BYTES = HEADER_MAX_BYTES + FILE_HASH_BYTES,
};

enum content_kind {
    CONTENT_OK,
    CONTENT_EMPTY,   /* no byte after the header yet: no identity */
    CONTENT_REFUSED, /* known by its first bytes to be something else; text says what to do */
};

/* The beginning of a file, as it is now. */
struct content {
    enum content_kind kind;
    uint32_t header_bytes;
    struct str header;   /* points into scratch */
    const char *head;    /* points into scratch */
    uint32_t head_bytes; /* up to FILE_HASH_BYTES */
    struct u128 head_hash;
    uint32_t first_hash; /* of the first FIRST_BYTES after the header; 0 = shorter than that */
    uint32_t small_hash; /* of the first SMALL_BYTES likewise */
    char text[400];
};

/* The hashes of `n` bytes after the header. */
uint32_t first_hash_of(const char *head, size_t n);
uint32_t small_hash_of(const char *head, size_t n);

/* Looks at an open reader's beginning. scratch: SCRATCH_BYTES. */
MUST_CHECK enum err_code content_look(struct reader *r, const struct file_source_spec *spec,
                                      char *scratch, struct content *ret, struct err *e);

enum match {
    MATCH_NONE,
    /* the head is equal, but it ends before the position: the tail cannot be compared */
    MATCH_PREFIX,
    MATCH_FULL, /* head and tail are equal */
};

struct match_result {
    enum match match;
    bool is_shorter;          /* ends before mark.position */
    struct sip128 head_state; /* after head_bytes, to go on hashing (MATCH_FULL) */
};

/* Is the reader's content that of the mark? MATCH_FULL: r->at == mark->position and scratch
 * begins with mark->tail_bytes bytes of tail. Corrupt content that breaks off counts as shorter. */
MUST_CHECK enum err_code identity_match(struct reader *r, const struct file_mark *mark,
                                        char *scratch, struct match_result *ret, struct err *e);

/* What is known when a name has to be judged. "Its file": what the name held last. */
struct identity_facts {
    bool is_known_path; /* the name held a file before */
    bool is_empty;      /* no identity yet */
    enum match own;     /* content against its file's */
    bool is_shorter;    /* than what was read of its file */
    /* its file's content is under another name, or held open and still named */
    bool is_old_elsewhere;
    enum match other;    /* content against the best of all other known files; PREFIX only if that
                            * file is there and its bytes were compared */
    bool is_other_there; /* that file's content is still under its own name */
    bool is_distinct_path;
    bool is_settled; /* has not been touched for some seconds, or nobody waits */
};

enum identity {
    IDENTITY_WAIT,    /* cannot be said yet; nothing is read */
    IDENTITY_GO_ON,   /* its file, maybe longer */
    IDENTITY_MOVED,   /* another known file that has no name now */
    IDENTITY_SAME,    /* another known file that has its own name: not read */
    IDENTITY_PREFIX,  /* the beginning of a known file: a copy under way, or an old one; not read */
    IDENTITY_NEW,     /* a new file; its file's unread rest is lost unless it is elsewhere */
    IDENTITY_CHANGED, /* what was read stays, nothing is read again */
};

enum identity identity_decide(const struct identity_facts *f);

#endif
