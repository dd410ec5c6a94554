/* SPDX-License-Identifier: Apache-2.0
 *
 * An arena hands out memory that is freed all at once. One thread. Blocks are kept over a reset,
 * so a hot path that resets its arena calls no allocator after the first rounds. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/mem.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *first; /* all blocks, in order of use */
    struct arena_block *current;
    char *at, *end;    /* free bytes of the current block */
    size_t used_bytes; /* handed out since the last reset */
};

/* A zeroed struct arena is empty and ready. */
void arena_done(struct arena *a);
void arena_reset(struct arena *a); /* everything handed out is gone; memory is kept */
void *arena_grow_(struct arena *a, size_t bytes, size_t align);

/* 16-byte aligned, not zeroed. Never NULL. */
static inline void *arena_alloc(struct arena *a, size_t bytes)
{
    char *p = (char *)(((size_t)a->at + 15) & ~(size_t)15);
    if (a->at == NULL || bytes > (size_t)(a->end - p) || p > a->end)
        return arena_grow_(a, bytes, 16);
    a->used_bytes += bytes;
    a->at = p + bytes;
    return p;
}

/* Bytes without alignment, for string contents. */
static inline char *arena_bytes(struct arena *a, size_t bytes)
{
    char *p = a->at;
    if (p == NULL || bytes > (size_t)(a->end - p))
        return arena_grow_(a, bytes, 1);
    a->used_bytes += bytes;
    a->at = p + bytes;
    return p;
}

void *arena_zero(struct arena *a, size_t bytes); /* zeroed */
/* a copy, NUL-terminated behind its end */
struct str arena_str(struct arena *a, struct str s);
char *arena_text(struct arena *a, struct str s); /* the same as a C string */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

DEFINE_AUTO_DONE(arena)

#endif
