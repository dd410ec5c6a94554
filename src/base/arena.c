/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks double in size up to 4 MiB; after a reset they are used again from the first. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

struct arena_block {
    struct arena_block *next;
    size_t bytes;
    char data[];
};

enum { FIRST_BLOCK = 4096, LAST_BLOCK = 4 << 20 };

void arena_done(struct arena *a)
{
    struct arena_block *block = a->first;
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    *a = (struct arena){0};
}

static void use_block(struct arena *a, struct arena_block *block)
{
    a->current = block;
    a->at = block->data;
    a->end = block->data + block->bytes;
}

void arena_reset(struct arena *a)
{
    a->used_bytes = 0;
    if (a->first != NULL)
        use_block(a, a->first);
}

void *arena_grow_(struct arena *a, size_t bytes, size_t align)
{
    size_t wanted = bytes + align;
    struct arena_block *next = a->current ? a->current->next : a->first;
    while (next != NULL && next->bytes < wanted)
        next = next->next; /* too small for this one: skipped until the next reset */
    if (next == NULL) {
        size_t size = a->current ? a->current->bytes * 2 : FIRST_BLOCK;
        size = size > LAST_BLOCK ? LAST_BLOCK : size;
        size = size < wanted ? wanted : size;
        next = xmalloc(sizeof(*next) + size);
        next->bytes = size;
        /* Behind the last block, so that no block is ever lost. */
        next->next = NULL;
        struct arena_block **end = a->current ? &a->current->next : &a->first;
        while (*end != NULL)
            end = &(*end)->next;
        *end = next;
    }
    use_block(a, next);
    char *p = (char *)(((size_t)a->at + align - 1) & ~(align - 1));
    a->at = p + bytes;
    a->used_bytes += bytes;
    return p;
}

void *arena_zero(struct arena *a, size_t bytes)
{
    void *p = arena_alloc(a, bytes);
    memset(p, 0, bytes);
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *copy = arena_bytes(a, s.n + 1);
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return (struct str){copy, s.n};
}

char *arena_text(struct arena *a, struct str s)
{
    return (char *)arena_str(a, s).p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = NULL;
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    struct str copy = arena_str(a, (struct str){text, n < 0 ? 0 : (size_t)n});
    free(text);
    return (char *)copy.p;
}
