/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the JSONEachRow decoder: the careful parser (json_parse.c), which is the reference and
 * takes anything, and the shapes (json_shape.c), which take runs of records that look alike.
 *
 *     record   {"time":"2026-01-02 03:04:05","bytes":17}\n
 *     literals 000000000                   1111111111  22
 *     values            0000000000000000000          11
 *
 * A shape is what stays the same from record to record: the literals between the values. A
 * literal holds at least one quote or the line end, so it is found by its ordinal in the index
 * of those bytes; when all literals compare equal and no backslash is in between, the structure
 * of the record is proven. Each value is then read by the same function as on the careful path,
 * or by a faster one that answers the same or declines. A record that is not proven goes the
 * careful way. */
#ifndef CODEC_JSON_PRIV_H
#define CODEC_JSON_PRIV_H

#include "codec/decoder.h"
#include "codec/elements.h"
#include "codec/spans.h"
#include "codec/time_shape.h"
#include "codec/value_fast.h"

enum {
    JSON_BLOCK = SPANS_MAX,   /* records taken at a time: one bit each */
    JSON_MAX_STRIDE = 1024,   /* index entries of a record that has a shape */
    JSON_MAX_LITERALS = 4096, /* bytes of literals of a shape */
    JSON_SHAPES = 8,
    JSON_MAX_DEPTH = 10000, /* of recursion, whatever the spec says */
};

/* 0000-01-01 00:00:00 and 9999-12-31 23:59:59: the range of DateTime64. */
#define JSON_FIRST_SECOND (-62167219200LL)
#define JSON_LAST_SECOND 253402300799LL

/* ---- wanted paths ---- */

struct json_path {
    struct str text; /* p NULL = free slot */
    uint32_t hash;
    int32_t field;   /* -1: only the beginning of longer paths */
    bool is_prefix;  /* some wanted path goes on with '.' */
    bool is_indexed; /* some wanted path goes on with '[' */
};

/* ---- shapes ---- */

/* Bytes that precede, separate or end values. Begins at index entry `anchor` minus `before`. */
struct json_literal {
    uint32_t anchor, before, n;
    uint32_t text; /* offset in shape.text */
};

/* Up to 64 bytes of a literal, for comparing: first those of up to 32 bytes, then the others.
 * Its text and mask are 64 bytes each at 64 * i of shape.piece_text and piece_mask, zero behind
 * the piece. */
struct json_piece {
    uint32_t anchor;
    int32_t shift;    /* from the anchor to where the piece begins */
    uint32_t literal; /* whose beginning it is; n_values + 1 if it is a later piece of one */
    uint64_t lanes;   /* one bit per byte */
};

enum json_value_kind {
    JSON_TEXT,   /* between quotes */
    JSON_TOKEN,  /* number, true, false, null */
    JSON_NESTED, /* array or object without quotes, unwanted */
};

/* Value i stands between literals i and i + 1. */
struct json_value {
    enum json_value_kind kind;
    int32_t field;  /* -1 = not wanted */
    uint32_t depth; /* NESTED: what max_depth leaves */
};

struct json_shape {
    size_t stride;   /* index entries of a record, with its line end */
    size_t n_values; /* literals: one more */
    struct json_literal *literals;
    struct json_value *values;
    size_t cap;
    struct buf text;
    size_t n_pieces, n_short_pieces;
    struct json_piece *pieces;
    char *piece_text, *piece_mask;
    uint32_t longest; /* literal, bytes */
    size_t block;     /* records at a time that keep in the first cache */
    bool *has_field;  /* per wanted field */
    bool is_known;
    size_t follower; /* the shape that came after this one the last time */
};

/* Up to JSON_BLOCK records of one shape. idx[-1] is the byte before the first of them. */
struct json_block {
    const char *base;
    const uint32_t *idx;
    size_t stride, n;
};

/* What is done differently per machine. Bit masks: bit k = record k is declined. */
struct json_kernels {
    const char *name;
    /* Appends the positions (from base) of quotes, backslashes and line ends in base[*at, n) to
     * out, in steps of 64 bytes until there are at least `wanted` or the data ends; *at = where
     * it stopped. Writes up to 64 entries past what it counts. Returns the count. */
    size_t (*index)(const char *base, size_t *at, size_t n, uint32_t *out, size_t wanted);
    /* Where each literal of the shape is in each record (at[literal][record]; one row more is
     * junk), and in which records one is not what it should be. Only for blocks that begin at
     * least `longest` bytes behind base. A literal may lie before the one before it: that the
     * caller must see. */
    uint64_t (*compare)(const struct json_block *b, const struct json_shape *s,
                        uint32_t (*at)[JSON_BLOCK]);
    /* Up to 16 digits; decimals; and whether it is a number at all. Each declines what it does
     * not know. Writes JSON_BLOCK entries at most, a multiple of 8. `times` as time_shape_read. */
    uint64_t (*uints)(const struct spans *v, uint64_t out[JSON_BLOCK]);
    uint64_t (*doubles)(const struct spans *v, double out[JSON_BLOCK]);
    uint64_t (*floats)(const struct spans *v, float out[JSON_BLOCK]);
    uint64_t (*ipv4s)(const struct spans *v, uint32_t out[JSON_BLOCK]);
    uint64_t (*numbers)(const struct spans *v);
    size_t (*times)(int64_t *out, const struct spans *v, size_t from,
                    const struct time_shape *shape);
    void (*strings)(const struct spans *v, struct str out[JSON_BLOCK]);
};

extern const struct json_kernels json_kernels_plain, json_kernels_avx2, json_kernels_avx512;

/* ---- the decoder ---- */

struct json_decoder {
    struct decoder base;
    struct json_path *paths;
    size_t path_mask;
    int32_t *next_same;             /* per field: another field of the same path, or -1 */
    struct str *tails;              /* per field: what follows the path from the first '[' on */
    int32_t others;                 /* the field of '*', or -1 */
    struct element_list other_list; /* keys of the record that no field wants, with their values */
    struct arena names;             /* paths as they are looked up */
    uint32_t *seen;                 /* per field: number of the record that had it last */
    uint32_t record;
    struct buf path;            /* of the key being read, dots between */
    struct buf key;             /* a key that had escapes */
    char reason[512];           /* of the last failure */
    const char *next_object;    /* of the record read last: another one on its line; NULL: none */
    bool is_stream;             /* records are found by their brackets, not by lines */
    struct json_path *elements; /* JSONCompactEachRow: what is wanted of each value */
    size_t n_elements;
    struct time_shape *times; /* per field */

    const struct json_kernels *kernels;
    struct json_shape shapes[JSON_SHAPES];
    size_t shape, next_shape;   /* in use; to be replaced next */
    size_t run;                 /* records tried at a time: doubles while all fit */
    uint32_t *index;            /* its first entry is spare */
    uint32_t (*at)[JSON_BLOCK]; /* per literal of the block: where it is */
    uint32_t n_learned, n_used; /* shapes, records: when learning does not pay it rests */
    uint32_t rest;
};

/* NULL if no wanted path is or begins with this one. */
const struct json_path *json_find_path(const struct json_decoder *d, struct str path);

/* json_parse.c: the careful way. Fills row `row` of every column or says why not (d->reason). */
bool json_parse_record(struct json_decoder *d, struct batch *b, size_t row, struct str line);

/* The same of an array: value i is d->elements[i]. */
bool json_parse_array(struct json_decoder *d, struct batch *b, size_t row, struct str line);

/* One value whose text is known. False: d->reason. Text: what stands between quotes, no
 * backslash in it. Token: all bytes up to the next comma, bracket or space. */
bool json_store_text(struct json_decoder *d, struct batch *b, size_t field, size_t row,
                     struct str text);
bool json_store_token(struct json_decoder *d, struct batch *b, size_t field, size_t row,
                      struct str token);
void json_store_missing(struct json_decoder *d, struct batch *b, size_t field, size_t row);
bool json_is_token(struct str token); /* number, true, false, null */
/* The end of the value at p, NULL if it is not one. */
const char *json_skip(const char *p, const char *end, uint32_t max_depth);

static inline bool json_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline uint32_t json_max_depth(const struct json_decoder *d)
{
    uint32_t depth = d->base.spec.max_depth;
    return depth < JSON_MAX_DEPTH ? depth : JSON_MAX_DEPTH;
}

/* A value of any type from its text. Text: without quotes and escapes. Token: not null. NULL, or
 * why not. */
const char *json_text_value(void *out, struct type type, struct str text, struct arena *arena);
const char *json_token_value(void *out, struct type type, struct str token);
/* The string whose opening quote is at *p; *p moves behind it. */
bool json_take_string(const char **p, const char *end, struct arena *arena, struct str *ret);

/* json_compound.c: the kinds that json_parse.c leaves to it. */
const char *json_text_more(void *out, struct type type, struct str text, struct arena *arena);
const char *json_token_more(void *out, struct type type, struct str token);
/* Any value, whose text json_skip has accepted. */
const char *json_read_value(void *out, bool *is_null, struct type type, struct str text,
                            struct arena *arena, uint32_t depth);
/* The part of *value that `rest` ("[0].c") leads to; false if there is none. */
bool json_navigate(struct str *value, struct str rest, struct arena *arena, uint32_t depth);
void json_split_path(struct str written, struct arena *arena, struct str *path, struct str *rest);

/* json_stream.c: the end of what begins at p, which is no separator: an object, or what is none
 * up to its line end or to an object. NULL: it does not end. */
const char *json_stream_end(const char *p, const char *end);
static inline bool json_is_separator(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == ',' || c == '[' || c == ']';
}
size_t json_cut_lines(char delimiter, const char *data, size_t n, bool is_end);
void json_add_paths(struct json_decoder *d);
struct decoder *json_open_any(const struct decoder_spec *spec);
void json_free(struct decoder *base);

/* json_shape.c */
void json_shape_learn(struct json_decoder *d, struct json_shape *s, struct str line_with_end);
void json_shape_done(struct json_shape *s);
/* As kernels.compare, for blocks anywhere. */
uint64_t json_compare_anywhere(const struct json_block *b, const struct json_shape *s,
                               uint32_t (*at)[JSON_BLOCK]);
/* Fills rows from `row` on with records whose literals are at d->at; returns a mask of those
 * that must be done the careful way. */
uint64_t json_shape_fill(struct json_decoder *d, const struct json_shape *s, struct batch *b,
                         size_t row, const struct json_block *block);

#endif
