/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of JSON functions share: the document as a value, the path to a place in it, the
 * text of an element. */
#ifndef EXPR_JSON_GET_H
#define EXPR_JSON_GET_H

#include "expr/json_doc.h"
#include "expr/text_kit.h"

/* The arguments of a kernel: document, its text, then the first n_path arguments behind the
 * call's first one. */
struct json_args {
    value_id *args;
    uint32_t n;
    const uint8_t *is_name; /* per argument: a name, not an index */
};
/* False: said. */
bool site_json(struct site *s, uint32_t n_path, struct json_args *ret);

/* To where the path leads in that row; false: nowhere. *key: the name that led to it last, "" for
 * an element of an array. */
bool json_walk(const struct call *c, const uint8_t *is_name, bool any_case, size_t row,
               struct json_at *at, struct str *key);

/* Appends the element as JSON, numbers and texts as JSONExtractRaw writes them, or as JSON_VALUE. */
enum json_style { JSON_AS_EXTRACTED, JSON_AS_BY_PATH };
void json_put_raw(struct text_out *out, struct json_at at, enum json_style style);

/* A number of 64 bits, also one in quotes; false: it is none or does not fit. */
bool json_int(struct json_at at, int64_t *ret);
bool json_uint(struct json_at at, uint64_t *ret);

#endif
