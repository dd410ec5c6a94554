/* SPDX-License-Identifier: Apache-2.0
 *
 * uniq: the set of 32-bit hashes while there are at most 65,536; then of every second, fourth, …
 * one.
 *
 *   written   byte skip, varuint n, n hashes of 4 bytes divisible by 2^skip
 *
 * What is kept follows from the set of hashes alone: any order and any split gives the same
 * state. */
#include "aggregate/distinct.h"

enum { MOST = 65536, WIDTH = 4 };

static bool is_kept(const struct distinct *set, uint32_t key)
{
    return set == NULL || (key & (((uint32_t)1 << set->skip) - 1)) == 0;
}

/* Too many: those that are not divisible go. */
static void thin_out(struct distinct **at, uint8_t skip, size_t *bytes)
{
    struct distinct *old = *at, *set = NULL;
    struct u128 key;
    distinct_add(&set, (struct u128){0}, WIDTH, bytes); /* a set to begin with; zero is divisible */
    set->n = set->has_zero = old->has_zero;
    set->skip = skip;
    for (size_t i = 0; i < old->cap; i++)
        if (distinct_slot(old, i, WIDTH, &key) && is_kept(set, (uint32_t)key.lo))
            distinct_add(&set, key, WIDTH, bytes);
    distinct_free(&old, WIDTH, bytes);
    *at = set;
}

static inline void uniq_add(struct distinct **at, uint32_t key, size_t *bytes)
{
    if (!is_kept(*at, key))
        return;
    distinct_add(at, (struct u128){key, 0}, WIDTH, bytes);
    while ((*at)->n > MOST)
        thin_out(at, (*at)->skip + 1, bytes);
}

static void update_uniq(const struct aggregate *a, const struct fold *f)
{
    struct u128 keys[FOLD_ROWS];
    for (size_t i = 0; i < f->n; i++)
        distinct_prefetch(*(struct distinct **)fold_state(f, i));
    uniq_keys(a, f, keys);
    for (size_t i = 0; i < f->n; i++)
        uniq_add((struct distinct **)fold_state(f, i), (uint32_t)keys[i].lo, f->bytes);
}

static void merge_uniq(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    struct distinct **at = into;
    const struct distinct *set = *(struct distinct *const *)from;
    struct u128 key;
    if (set == NULL)
        return;
    if (set->has_zero)
        uniq_add(at, 0, bytes);
    for (size_t i = 0; i < set->cap; i++) {
        if (!distinct_slot(set, i, WIDTH, &key))
            continue;
        uniq_add(at, (uint32_t)key.lo, bytes);
        if (*at != NULL && (*at)->skip < set->skip)
            thin_out(at, set->skip, bytes);
    }
    if (*at != NULL && (*at)->skip < set->skip)
        thin_out(at, set->skip, bytes);
}

static void done_uniq(const struct aggregate *a, void *state, size_t *bytes)
{
    distinct_free(state, WIDTH, bytes);
}

static void write_uniq(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct distinct *set = *(struct distinct *const *)(rows[i] + offset);
        struct u128 key = {0};
        buf_byte(out, set == NULL ? 0 : set->skip);
        buf_varuint(out, set == NULL ? 0 : set->n);
        if (set == NULL)
            continue;
        if (set->has_zero)
            buf_u32(out, 0);
        for (size_t s = 0; s < set->cap; s++)
            if (distinct_slot(set, s, WIDTH, &key))
                buf_u32(out, (uint32_t)key.lo);
    }
}

enum err_code build_uniq(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    a->uniq.key_bytes = 8; /* a string's hash is mixed once more, whole */
    TRY(distinct_storage(a, q->call, false, e));
    a->update = update_uniq;
    a->merge = merge_uniq;
    a->done = done_uniq;
    a->write = write_uniq;
    return ERR_OK;
}
