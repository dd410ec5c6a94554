/* SPDX-License-Identifier: Apache-2.0
 *
 * Ceilings of keys (SETTINGS max_keys). Applied to what is sealed, last: sets and tiers that follow from
 * this one are made of all its keys. */
#include <stdlib.h>

#include "engine/epoch_priv.h"

struct sealed_key {
    const struct sealed_tier *part;
    uint32_t part_number, row, bucket;
};

static int by_bucket(const void *a, const void *b)
{
    uint32_t x = ((const struct sealed_key *)a)->bucket, y = ((const struct sealed_key *)b)->bucket;
    return (x > y) - (x < y);
}

static int by_key(const void *a, const void *b)
{
    const struct sealed_key *x = a, *y = b;
    return sealed_compare(x->part, x->row, y->part, y->row);
}

static struct sealed_key *list_places(const struct seal_job *job, size_t n_parts, size_t n)
{
    struct sealed_key *places = xcalloc(n, sizeof(*places));
    size_t at = 0;
    for (size_t p = 0; p < n_parts; p++)
        for (size_t row = 0; row < sealed_n_rows(job->parts[p]); row++)
            places[at++] = (struct sealed_key){job->parts[p], (uint32_t)p, (uint32_t)row,
                                               sealed_bucket(job->parts[p], row)};
    qsort(places, n, sizeof(*places), by_bucket);
    return places;
}

static void mark(struct folding *f, struct sealed_key *places, size_t n, uint64_t max_keys)
{
    for (size_t from = 0; from < n;) {
        size_t to = from + 1;
        while (to < n && places[to].bucket == places[from].bucket)
            to++;
        if (to - from > max_keys) {
            qsort(places + from, to - from, sizeof(*places), by_key);
            for (size_t i = from + max_keys; i < to; i++)
                f->is_folded[places[i].part_number][places[i].row] = 1;
            f->n_folded += to - from - max_keys;
        }
        from = to;
    }
}

struct folding *folding_new(const struct seal_job *job, size_t n_parts, uint64_t max_keys)
{
    size_t n = 0;
    for (size_t p = 0; p < n_parts; p++)
        n += sealed_n_rows(job->parts[p]);
    if (max_keys == 0 || job->spec.n_dimensions == 0 || n <= max_keys)
        return NULL;
    struct folding *f = xcalloc(1, sizeof(*f));
    f->n_keys = n;
    f->is_folded = xcalloc(n_parts, sizeof(*f->is_folded));
    for (size_t p = 0; p < n_parts; p++)
        f->is_folded[p] = xcalloc(sealed_n_rows(job->parts[p]) + 1, 1);
    AUTO_MEM struct sealed_key *places = list_places(job, n_parts, n);
    mark(f, places, n, max_keys);
    if (f->n_folded == 0) {
        folding_free(f, n_parts);
        return NULL;
    }
    f->spec = job->spec;
    f->spec.n_dimensions = 0;
    f->others =
        sealed_seal(job->parts, n_parts, (const uint8_t *const *)f->is_folded, &f->spec, 0, 1);
    return f;
}

void folding_free(struct folding *f, size_t n_parts)
{
    if (f == NULL)
        return;
    sealed_free(f->others);
    for (size_t p = 0; p < n_parts; p++)
        free(f->is_folded[p]);
    free(f->is_folded);
    free(f);
}
