/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/epoch.h"

#include "engine/epoch_priv.h"

void epoch_seal(struct epoch *ep, size_t n_threads)
{
    tiers_seal(ep, n_threads);
    blocks_cut(ep);
    if (ep->row.n_blocks > 0)
        return;
    ep->row.blocks = xcalloc(ep->n_targets + 1, sizeof(*ep->row.blocks));
    for (size_t i = 0; i < ep->n_targets; i++)
        ep->row.blocks[ep->row.n_blocks++] = (struct chain_block){
            xstrdup(ep->targets[i].table), ep->targets[i].partition, ep->targets[i].n_blocks};
}

void epoch_done(struct epoch *ep)
{
    lookup_pin_done(&ep->pin);
    tiers_done(ep);
    for (size_t i = 0; i < ep->n_targets; i++) {
        for (size_t k = 0; k < (size_t)ep->targets[i].n_blocks * ep->targets[i].n_pieces; k++)
            free(ep->targets[i].rows[k].rows);
        free(ep->targets[i].rows);
    }
    free(ep->targets);
    free(ep->extras);
    chain_row_done(&ep->row);
    *ep = (struct epoch){0};
}

struct epoch_volume epoch_volume(const struct epoch *ep)
{
    struct epoch_volume v = {.inserts = 1};
    for (size_t i = 0; i < ep->n_targets; i++) {
        v.inserts += ep->targets[i].n_blocks;
        for (size_t k = 0; k < (size_t)ep->targets[i].n_blocks * ep->targets[i].n_pieces; k++)
            v.rows += ep->targets[i].rows[k].n;
    }
    return v;
}

uint64_t epoch_folded(const struct epoch *ep, const char **table)
{
    uint64_t n = 0;
    for (size_t i = 0; i < ep->n_tiers; i++) {
        const struct tier_slot *t = &ep->tiers[i];
        if (t->folding != NULL && n == 0)
            *table = ep->source->cubes[t->cube].tiers[t->tier].table;
        n += t->folding ? t->folding->n_folded : 0;
    }
    return n;
}
