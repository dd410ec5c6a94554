/* SPDX-License-Identifier: Apache-2.0 */
#include "column/batch.h"

#include <stdarg.h>
#include <stdio.h>

enum { PAD = 320 }; /* five cache lines between arrays: no two start at the same L1 set */

static size_t padded(size_t bytes)
{
    return ((bytes + 63) & ~(size_t)63) + PAD;
}

static size_t column_bytes(struct type t, bool has_default)
{
    return padded(type_width(t) * BATCH_ROWS) + (t.is_nullable ? padded(BATCH_ROWS) : 0) +
           (has_default ? padded(BATCH_ROWS) : 0);
}

void batch_init(struct batch *b, const struct type *types, const bool *has_default, size_t n)
{
    *b = (struct batch){.n_columns = n};
    size_t bytes =
        padded(n * sizeof(struct column)) + padded(BATCH_ROWS * 8) + padded(BATCH_ROWS * 4);
    for (size_t i = 0; i < n; i++)
        bytes += column_bytes(types[i], has_default && has_default[i]);

    char *at = xcalloc(1, bytes + 64);
    b->memory = at;
    at = (char *)(((size_t)at + 63) & ~(size_t)63);
    b->columns = (struct column *)at;
    at += padded(n * sizeof(struct column));
    b->offsets = (uint64_t *)at;
    at += padded(BATCH_ROWS * 8);
    b->lengths = (uint32_t *)at;
    at += padded(BATCH_ROWS * 4);
    for (size_t i = 0; i < n; i++) {
        struct column *c = &b->columns[i];
        c->type = types[i];
        c->values = at;
        at += padded(type_width(types[i]) * BATCH_ROWS);
        if (types[i].is_nullable) {
            c->nulls = (uint8_t *)at;
            at += padded(BATCH_ROWS);
        }
        if (has_default && has_default[i]) {
            c->missing = (uint8_t *)at;
            at += padded(BATCH_ROWS);
        }
    }
}

void batch_done(struct batch *b)
{
    free(b->memory);
    arena_done(&b->arena);
    *b = (struct batch){0};
}

void batch_reset(struct batch *b)
{
    b->n_rows = 0;
    arena_reset(&b->arena);
}

void reject_list_done(struct reject_list *r)
{
    free(r->items);
    arena_done(&r->arena);
    *r = (struct reject_list){0};
}

void reject_list_reset(struct reject_list *r)
{
    r->n = 0;
    arena_reset(&r->arena);
}

void reject_add(struct reject_list *r, uint64_t offset, struct str bytes, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->items = xrealloc(r->items, r->cap * sizeof(*r->items));
    }
    r->items[r->n++] = (struct reject){offset, bytes, arena_text(&r->arena, str_of(text))};
}
