/* SPDX-License-Identifier: Apache-2.0
 *
 * An array or map being read: elements are added one by one, then moved into an arena. */
#ifndef CODEC_ELEMENTS_H
#define CODEC_ELEMENTS_H

#include "column/compound.h"

struct element_list {
    struct type type; /* Array or Map */
    struct buf keys, values, nulls;
    uint32_t n;
};

void element_list_init(struct element_list *l, struct type t);
void element_list_reset(struct element_list *l);
void element_list_done(struct element_list *l);
/* Copies the value's own bytes; what it points to stays where it is. NULL where there can be
 * none is the default. */
void element_list_add(struct element_list *l, const void *key, const void *value, bool is_null);
struct array_value element_list_take(const struct element_list *l, struct arena *arena);

DEFINE_AUTO_DONE(element_list)

#endif
