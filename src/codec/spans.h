/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the texts of one column stand in up to 64 records, a bit each, for kernels that read
 * values of many rows at a time. */
#ifndef CODEC_SPANS_H
#define CODEC_SPANS_H

#include <stddef.h>
#include <stdint.h>

enum { SPANS_MAX = 64 };

/* Text k is base[begin[k] + skip, end[k]), never of negative length. Both arrays have entries up
 * to a multiple of 8: those from n on are of any length, but their `end` is within the data. */
struct spans {
    const char *base;
    const uint32_t *begin, *end;
    uint32_t skip;
    size_t n;
};

/* Number of rows that kernels which take eight at a time look at. */
static inline size_t spans_padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

#endif
