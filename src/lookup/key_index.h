/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys to rows: a table of open addressing, at most half full, over whole numbers or over bytes. One
 * thread while keys are added; does not change afterwards. */
#ifndef LOOKUP_KEY_INDEX_H
#define LOOKUP_KEY_INDEX_H

#include <stdint.h>

#include "base/arena.h"

struct key_index;

enum key_kind { KEY_NUMBERS, KEY_BYTES };
struct key_index *key_index_new(enum key_kind kind, size_t n_expected);
void key_index_free(struct key_index *k);
size_t key_index_bytes(const struct key_index *k);

/* False: the key is there already, and keeps its row. Bytes are copied. row < UINT32_MAX */
bool key_index_add_number(struct key_index *k, uint64_t key, uint32_t row);
bool key_index_add_bytes(struct key_index *k, struct str key, uint32_t row);

/* UINT32_MAX where the key is not there. Many at once: what is not in the cache is fetched for all
 * of them together. n <= KEY_INDEX_GROUP */
enum { KEY_INDEX_GROUP = 2048 };
void key_index_find_numbers(const struct key_index *k, const uint64_t *keys, size_t n,
                            uint32_t *rows);
void key_index_find_bytes(const struct key_index *k, const struct str *keys, size_t n,
                          uint32_t *rows);

#endif
