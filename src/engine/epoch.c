/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/epoch.h"

#include <pthread.h>

#include "engine/epoch_priv.h"

/* ---- sealing: merge by key ---- */

struct seal_job {
    struct epoch *ep;
    size_t cube, tier, slot;
};

struct seal_work {
    struct epoch *ep;
    struct seal_job *jobs; /* one per (cube, tier) */
    size_t n_jobs;
    size_t next; /* (job, part) to take; guarded by lock */
    pthread_mutex_t lock;
};

static void seal_one(struct seal_work *w, size_t job, size_t part)
{
    struct epoch *ep = w->ep;
    const struct plan_cube *cube = &ep->source->cubes[w->jobs[job].cube];
    const struct plan_tier *tier = &cube->tiers[w->jobs[job].tier];
    AUTO_MEM struct cube **from = xcalloc(ep->n_gathers, sizeof(*from));
    for (size_t i = 0; i < ep->n_gathers; i++)
        from[i] = ep->gathers[i]->cubes[w->jobs[job].cube];
    int64_t count = cube->shape.count ? tier->every.count : 0;
    ep->sealed[w->jobs[job].slot * ep->n_parts + part] = cube_seal(
        from, ep->n_gathers, cube->shape.zone, count, tier->every.unit, part, ep->n_parts);
}

static void *seal_thread(void *context)
{
    struct seal_work *w = context;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        size_t at = w->next++;
        pthread_mutex_unlock(&w->lock);
        if (at >= w->n_jobs * w->ep->n_parts)
            return NULL;
        seal_one(w, at / w->ep->n_parts, at % w->ep->n_parts);
    }
}

static void merge_cubes(struct epoch *ep, size_t n_threads)
{
    struct seal_work w = {.ep = ep, .lock = PTHREAD_MUTEX_INITIALIZER};
    for (size_t k = 0; k < ep->source->n_cubes; k++)
        w.n_jobs += ep->source->cubes[k].n_tiers;
    w.jobs = xcalloc(w.n_jobs + 1, sizeof(*w.jobs));
    size_t slot = 0;
    size_t n_keys = 0;
    for (size_t k = 0; k < ep->source->n_cubes; k++) {
        for (size_t i = 0; i < ep->n_gathers; i++)
            n_keys += cube_n_keys(ep->gathers[i]->cubes[k]);
        for (size_t t = 0; t < ep->source->cubes[k].n_tiers; t++, slot++)
            w.jobs[slot] = (struct seal_job){ep, k, t, slot};
    }
    if (n_keys < 10000)
        n_threads = 1; /* not worth a thread */
    ep->n_parts = n_threads;
    ep->sealed = xcalloc(w.n_jobs * ep->n_parts + 1, sizeof(*ep->sealed));
    AUTO_MEM pthread_t *threads = xcalloc(n_threads, sizeof(*threads));
    size_t started = 0;
    for (size_t i = 1; i < n_threads; i++)
        started += pthread_create(&threads[started], NULL, seal_thread, &w) == 0;
    seal_thread(&w);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(w.jobs);
}

/* ---- an epoch ---- */

void epoch_seal(struct epoch *ep, size_t n_threads)
{
    merge_cubes(ep, n_threads < 1 ? 1 : n_threads);
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
    size_t n_sealed = 0;
    for (size_t k = 0; k < ep->source->n_cubes; k++)
        n_sealed += ep->source->cubes[k].n_tiers * ep->n_parts;
    for (size_t i = 0; ep->sealed && i < n_sealed; i++)
        sealed_free(ep->sealed[i]);
    free(ep->sealed);
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
