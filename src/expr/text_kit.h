/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of text functions share: search, output that grows, checks of arguments. */
#ifndef EXPR_TEXT_KIT_H
#define EXPR_TEXT_KIT_H

#include "expr/kinds.h"
#include "expr/utf8.h"

static inline size_t column_bytes(const struct column *c, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += str_at(c, i).n;
    return sum;
}

static inline char lower_ascii(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline char upper_ascii(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}
static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

static inline bool same_any_case(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower_ascii(a[i]) != lower_ascii(b[i]))
            return false;
    return true;
}

/* First place of the needle, NULL if there is none; an empty one is everywhere. The second takes
 * ASCII letters of either case. */
const char *text_find(struct str s, struct str needle);
const char *text_find_any_case(struct str s, struct str needle);
/* The same for the rows of a batch and one needle: at[row] = its first place, or TEXT_NOWHERE. */
#define TEXT_NOWHERE UINT32_MAX
void text_find_rows(uint32_t *at, const struct str *rows, size_t n, struct str needle,
                    bool any_case);
/* Letters outside ASCII of either case, too. */
const char *text_find_utf8_any_case(struct str s, struct str needle);
/* Bytes that the needle covers at the begin of s; SIZE_MAX where it is not there. */
size_t text_match_utf8_any_case(struct str s, struct str needle);

/* Texts of a batch, one after another in pieces of the arena. The row begun moves with the
 * piece. */
struct text_out {
    struct arena *arena;
    char *start, *at, *end;
};
void text_out_grow(struct text_out *o, size_t n);

static inline char *text_out_room(struct text_out *o, size_t n)
{
    if ((size_t)(o->end - o->at) < n || o->at == NULL)
        text_out_grow(o, n);
    return o->at;
}
/* memcpy without a call for the short ones, by two copies that may overlap. */
static inline void copy_text(char *to, const char *from, size_t n)
{
    if (n > 32) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        char head[16], tail[16];
        memcpy(head, from, 16), memcpy(tail, from + n - 16, 16);
        memcpy(to, head, 16), memcpy(to + n - 16, tail, 16);
    } else if (n >= 8) {
        uint64_t head, tail;
        memcpy(&head, from, 8), memcpy(&tail, from + n - 8, 8);
        memcpy(to, &head, 8), memcpy(to + n - 8, &tail, 8);
    } else if (n >= 4) {
        uint32_t head, tail;
        memcpy(&head, from, 4), memcpy(&tail, from + n - 4, 4);
        memcpy(to, &head, 4), memcpy(to + n - 4, &tail, 4);
    } else if (n > 0) {
        char first = from[0], middle = from[n / 2], last = from[n - 1];
        to[0] = first, to[n / 2] = middle, to[n - 1] = last;
    }
}

static inline void text_out_put(struct text_out *o, const char *p, size_t n)
{
    char *at = text_out_room(o, n);

    copy_text(at, p, n);
    o->at = at + n;
}
static inline void text_out_str(struct text_out *o, struct str s)
{
    text_out_put(o, s.p, s.n);
}
static inline void text_out_byte(struct text_out *o, char c)
{
    *text_out_room(o, 1) = c;
    o->at++;
}
/* Ends the row. */
static inline struct str text_out_row(struct text_out *o)
{
    struct str s = {o->start ? o->start : "", (size_t)(o->at - o->start)};

    o->start = o->at;
    return s;
}

/* Are the first n arguments Strings? If not, it is said. */
bool site_strings(struct site *s, uint32_t n);
/* (s, needle[, start]) of a search whose kernel takes the start as UInt64 and, in param.i, what the
 * function's table says. */
value_id site_position(struct site *s, const struct op *op);
/* An integer argument as INT64; VALUE_FAILED with a message. */
value_id site_int64(struct site *s, uint32_t arg);
/* The constant's text, or NULL where the argument is none, NULL or a fault. */
const struct str *site_constant_text(struct site *s, uint32_t arg);

#endif
