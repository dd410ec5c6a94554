/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing run of bytes, owned. A zeroed struct buf is empty and ready. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap;
};

void buf_done(struct buf *b);
void buf_grow_(struct buf *b, size_t more);

static inline void buf_reset(struct buf *b)
{
    b->n = 0;
}

/* Room for `more` bytes at the end; returns where they go. The caller adds to b->n what it
 * wrote. */
static inline char *buf_reserve(struct buf *b, size_t more)
{
    if (b->cap - b->n < more)
        buf_grow_(b, more);
    return b->p + b->n;
}

static inline void buf_put(struct buf *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    memcpy(buf_reserve(b, n), p, n);
    b->n += n;
}

static inline void buf_byte(struct buf *b, uint8_t byte)
{
    *buf_reserve(b, 1) = (char)byte;
    b->n++;
}

static inline void buf_str(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.n);
}

static inline void buf_text(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

static inline void buf_u16(struct buf *b, uint16_t v)
{
    buf_put(b, &v, 2);
}
static inline void buf_u32(struct buf *b, uint32_t v)
{
    buf_put(b, &v, 4);
}
static inline void buf_u64(struct buf *b, uint64_t v)
{
    buf_put(b, &v, 8);
}
static inline void buf_f64(struct buf *b, double v)
{
    buf_put(b, &v, 8);
}

/* LEB128, as in ClickHouse's Native format. */
static inline void buf_varuint(struct buf *b, uint64_t v)
{
    uint8_t *p = (uint8_t *)buf_reserve(b, 10);
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    b->n += n;
}

void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* NUL behind the end (not counted); the text stays the buffer's. */
const char *buf_cstr(struct buf *b);

/* The text as the caller's own C string (free()); the buffer is empty afterwards. */
char *buf_take(struct buf *b);

static inline struct str buf_view(const struct buf *b)
{
    return (struct str){b->p, b->n};
}

DEFINE_AUTO_DONE(buf)

#endif
