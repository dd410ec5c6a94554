/* SPDX-License-Identifier: Apache-2.0
 *
 * uniqExact: the set itself. State bytes: varuint n, then n keys in any order: a number in its own
 * width, else 16 bytes of SipHash. */
#include "aggregate/distinct.h"

/* Width in the set: narrow numbers take 4 bytes. */
static unsigned set_width(const struct aggregate *a)
{
    return a->uniq.key_bytes < 4 ? 4 : a->uniq.key_bytes;
}

static void update_exact(const struct aggregate *a, const struct fold *f)
{
    struct u128 keys[FOLD_ROWS];
    unsigned width = set_width(a);
    for (size_t i = 0; i < f->n; i++)
        distinct_prefetch(*(struct distinct **)fold_state(f, i));
    exact_keys(a, f, keys);
    for (size_t i = 0; i < f->n; i++)
        distinct_add((struct distinct **)fold_state(f, i), keys[i], width, f->bytes);
}

static void merge_exact(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct distinct *set = *(struct distinct *const *)from;
    unsigned width = set_width(a);
    if (set == NULL)
        return;
    struct u128 key;
    for (size_t i = 0; i < set->cap; i++)
        if (distinct_slot(set, i, width, &key))
            distinct_add(into, key, width, bytes);
    if (set->has_zero)
        distinct_add(into, (struct u128){0}, width, bytes);
}

static void done_exact(const struct aggregate *a, void *state, size_t *bytes)
{
    distinct_free(state, set_width(a), bytes);
}

static void write_exact(const struct aggregate *a, struct buf *out, char *const *rows,
                        size_t offset, size_t n)
{
    unsigned width = set_width(a), key_bytes = a->uniq.key_bytes;
    for (size_t i = 0; i < n; i++) {
        const struct distinct *set = *(struct distinct *const *)(rows[i] + offset);
        struct u128 key = {0};
        if (set == NULL) {
            buf_byte(out, 0);
            continue;
        }
        buf_varuint(out, set->n);
        buf_reserve(out, (size_t)set->n * key_bytes);
        if (set->has_zero)
            buf_put(out, &key, key_bytes);
        for (size_t s = 0; s < set->cap; s++)
            if (distinct_slot(set, s, width, &key))
                buf_put(out, &key, key_bytes);
    }
}

enum err_code build_uniq_exact(struct aggregate *a, const struct aggregate_request *q,
                               struct err *e)
{
    TRY(distinct_storage(a, "uniqExact", false, e));
    a->uniq.key_bytes = exact_key_bytes(a);
    a->update = update_exact;
    a->merge = merge_exact;
    a->done = done_exact;
    a->write = write_exact;
    return ERR_OK;
}
