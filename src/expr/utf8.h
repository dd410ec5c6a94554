/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8, strictly (what is a character) and as ClickHouse steps through text that may be none
 * (how far to the next). Case as the Unicode tables in utf8_case.c have it. */
#ifndef EXPR_UTF8_H
#define EXPR_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Bytes of the character at p, 0 if there is none: cut short, too long a form, a surrogate, too
 * large. */
static inline size_t utf8_bytes(const char *at, size_t n)
{
    const uint8_t *p = (const uint8_t *)at;

    if (n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    if (n < 2 || (p[1] & 0xc0) != 0x80)
        return 0;
    if (p[0] < 0xe0)
        return 2;
    if (n < 3 || (p[2] & 0xc0) != 0x80)
        return 0;
    if (p[0] < 0xf0)
        return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ? 0 : 3;
    if (n < 4 || (p[3] & 0xc0) != 0x80)
        return 0;
    return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ? 0 : 4;
}

/* Of a character of so many bytes. */
static inline uint32_t utf8_decode(const char *at, size_t bytes)
{
    const uint8_t *p = (const uint8_t *)at;

    switch (bytes) {
    case 2: return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3: return (uint32_t)(p[0] & 0xf) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    case 4:
        return (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    default: return p[0];
    }
}

/* At most 4 bytes. */
static inline size_t utf8_encode(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static inline bool utf8_is_inside(char c)
{
    return ((uint8_t)c & 0xc0) == 0x80;
}

/* Bytes that the first one announces; 1 where it announces nothing. */
static inline size_t utf8_step(char c)
{
    uint8_t b = (uint8_t)c;

    if (b < 0xc0 || b >= 0xf8)
        return 1;
    return b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
}

/* Bytes that begin a character. */
static inline size_t utf8_count(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += !utf8_is_inside(s.p[i]);
    return n;
}

bool text_is_ascii(struct str s);
bool utf8_is_valid(struct str s);

/* Other case of one code point as one code point (itself where there is none). */
uint32_t utf8_lower_code(uint32_t code);
uint32_t utf8_upper_code(uint32_t code);
/* Equal for what ClickHouse's search in any case takes for equal: the lower case, of fewer
 * letters. */
uint32_t utf8_search_code(uint32_t code);

/* What ClickHouse's lowerUTF8 and upperUTF8 write; room for 3 bytes per byte of s. Returns the
 * length. */
size_t utf8_lower(char *out, struct str s);
size_t utf8_upper(char *out, struct str s);

#endif
