/* SPDX-License-Identifier: Apache-2.0
 *
 * The times of a column mostly look alike and are of the same minute: then each is the minute's
 * ticks plus the number that its later digits spell. */
#ifndef CODEC_TIME_SHAPE_H
#define CODEC_TIME_SHAPE_H

#include "codec/spans.h"
#include "column/type.h"

/* The form of the time read last, "YYYY-MM-DD?hh:mm:ss[.digits][Z]". Zeroed = none. One per
 * column: it belongs to one type. */
struct time_shape {
    char minute[16];
    uint32_t n;     /* bytes of the text */
    uint8_t n_used; /* digits after the minute that count: 2 and those of the fraction */
    /* byte 16 + i is a digit of at most limit[i], or, where that is 255, ... */
    uint8_t limit[16];
    uint8_t expected[16]; /* ... this character; 0 past the end */
    uint8_t order[16];    /* which of these bytes are the used digits, right-aligned; 128 = none */
    int64_t minute_ticks, step;
    struct time_tail {
        uint8_t limit[8], expected[8], order[8];
        uint8_t digits, fixed; /* a bit a byte: held against limit, expected */
    } tail;                    /* the same of the last eight bytes of texts of up to 24 */
    char seen[16];             /* the minute of the text read last that was of another */
};

/* After value_parse has taken this text as a DateTime or DateTime64. */
void time_shape_learn(struct time_shape *shape, struct type type, struct str text);

/* Ticks of times of this shape, from row `from` on: returns the first row that is of another, or
 * v->n, which may be any number here. */
size_t time_shape_read(int64_t *out, const struct spans *v, size_t from,
                       const struct time_shape *shape);

#endif
