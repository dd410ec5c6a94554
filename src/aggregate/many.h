/* SPDX-License-Identifier: Apache-2.0
 *
 * States by place (-ForEach) or by key (-Map, sumMap): what an aggregate whose own state is a
 * pointer to struct many keeps of a->inner, and a->many.has_keys says which. */
#ifndef AGGREGATE_MANY_H
#define AGGREGATE_MANY_H

#include "aggregate/aggregate_priv.h"

struct many_key {
    uint64_t hash, at;
    uint32_t n;
};

struct many {
    uint32_t n, cap;
    char *states;
    struct many_key *keys; /* as they are written, in `bytes` */
    uint32_t *slots;       /* number + 1; twice `cap` of them, a power of two */
    struct buf bytes;
};

struct many *many_of(const struct aggregate *a, void *state, size_t *bytes); /* made if need be */
char *many_state(const struct aggregate *a, const struct many *m, size_t i);
/* Number of the key's state, a new one if need be: others may move then. Memory is for the
 * caller to count: many_bytes before and after. */
uint32_t many_find(const struct aggregate *a, struct many *m, struct str key);
size_t many_bytes(const struct aggregate *a, const struct many *m);

void many_merge(const struct aggregate *a, void *into, const void *from, size_t *bytes);
void many_done(const struct aggregate *a, void *state, size_t *bytes);

#endif
