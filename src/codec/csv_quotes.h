/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotes by masks, a block of 64 bytes at a time, for the SIMD index. Where every quote opens a
 * field right behind a delimiter, closes it right before one, or is doubled, the quoted bytes
 * are those with an odd number of quotes up to them. That is checked for each quote; at the
 * first that is otherwise the index stops, and the careful one goes on. */
#ifndef CODEC_CSV_QUOTES_H
#define CODEC_CSV_QUOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv_quotes {
    uint64_t inside;   /* all ones: the block before ended within quotes */
    uint64_t may_open; /* 1: it ended with a delimiter, a line end or a closing quote */
    bool is_closing;   /* it ended with a closing quote: what follows must be an end or a quote */
    size_t open_at;    /* where the quotes opened that are not closed yet */
};

struct csv_block {
    uint64_t ends, lines, quotes, returns; /* a bit a byte; line ends are among `ends` */
};

/* Takes quoted bytes out of b->ends and b->lines. Answers 64, or the place of the first quote
 * that is not as it should be; -1 = it was the last byte of the block before. */
static inline int csv_quotes_step(struct csv_quotes *q, struct csv_block *b, size_t at)
{
    uint64_t inside = b->quotes;

    inside ^= inside << 1;
    inside ^= inside << 2;
    inside ^= inside << 4;
    inside ^= inside << 8;
    inside ^= inside << 16;
    inside ^= inside << 32;
    inside ^= q->inside;
    b->ends &= ~inside;
    b->lines &= ~inside;
    uint64_t opening = b->quotes & inside, closing = b->quotes & ~inside;
    uint64_t follows = (b->ends | closing) << 1 | q->may_open;
    uint64_t is_end = b->ends | opening | (b->returns & b->lines >> 1);
    uint64_t odd = (opening & ~follows) | (closing & ~(is_end >> 1 | (uint64_t)1 << 63));
    if (q->is_closing && !(is_end & 1))
        return -1;
    if (odd)
        return __builtin_ctzll(odd);
    if (opening)
        q->open_at = at + 63 - (size_t)__builtin_clzll(opening);
    q->inside = (uint64_t)((int64_t)inside >> 63);
    q->may_open = (b->ends | closing) >> 63;
    q->is_closing = closing >> 63;
    return 64;
}

#endif
