/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON document, read once and looked into many times. It is a run of nodes that refers to itself
 * and to the text by offsets only, so that it can be kept and copied as the value of a String:
 *
 *     {"a":[1,"x"]}      object 1 · key a · array 2 · int 1 · text x · unescaped bytes
 *
 * Valid is what ClickHouse's parser takes: RFC 8259, UTF-8, numbers that fit, at most 1023
 * levels that hold something. The decoder of records (codec/json_parse.c) is laxer. */
#ifndef EXPR_JSON_DOC_H
#define EXPR_JSON_DOC_H

#include <stdint.h>

#include "base/arena.h"

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_UINT,
    JSON_DOUBLE,
    JSON_TEXT,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_node {
    uint8_t kind;
    /* text: the offset is into the document, not into the text it was read from */
    uint8_t is_unescaped;
    uint32_t n; /* text: bytes; array, object: members */
    union {
        /* bool, uint; text: offset; array, object: nodes that it takes, with this one */
        uint64_t u64;
        int64_t i64;
        double f64;
    };
};

/* What parsing works in; zeroed is ready. */
struct json_scratch {
    struct arena arena;
    struct json_node *nodes;
    char *bytes;
    size_t cap;
};
void json_scratch_done(struct json_scratch *s);

/* n = 0: it is not valid. */
struct str json_doc_parse(struct json_scratch *scratch, struct arena *arena, struct str text);

/* A place in a document. */
struct json_at {
    const struct json_node *node;
    const char *doc, *text;
};
struct str json_text(struct json_at at); /* of a text node */
static inline const struct json_node *json_next(const struct json_node *n)
{
    return n->kind >= JSON_ARRAY ? n + n->u64 : n + 1;
}
/* To the member of that name, the index-th element or member (from 1; negative: from the end).
 * *key, if not NULL, is the member's name. False: there is none. */
bool json_to_key(struct json_at *at, struct str key, bool any_case);
bool json_to_index(struct json_at *at, int32_t index, struct json_at *key);

#endif
