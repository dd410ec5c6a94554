/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealing all tiers of an epoch. Tiers with equal keys and buckets of one pane (of several metrics) are
 * sealed once. A tier is made of the smallest sealed one that it follows from: the next finer tier of
 * its own keys, or the same tier of a finer set; else of the panes. So there are levels, one after
 * another; the parts of a level are sealed side by side. */
#include <assert.h>
#include <pthread.h>

#include "engine/epoch_priv.h"

enum { FEW_KEYS = 10000 }; /* not worth a thread */

/* ---- which jobs ---- */

static bool same_keys(const struct plan_cube *a, const struct plan_cube *b)
{
    return a->n_dimensions == b->n_dimensions &&
           (a->n_dimensions == 0 || memcmp(a->pane_dimensions, b->pane_dimensions,
                                           a->n_dimensions * sizeof(*a->pane_dimensions)) == 0);
}

static bool same_every(const struct seal_job *j, const struct plan_tier *t)
{
    return j->spec.count == 0 ||
           (j->tier->every.count == t->every.count && j->tier->every.unit == t->every.unit);
}

static size_t find_job(struct epoch *ep, const struct plan_cube *c, const struct plan_tier *t)
{
    for (size_t i = 0; i < ep->n_jobs; i++)
        if (ep->jobs[i].cube->pane == c->pane && same_keys(ep->jobs[i].cube, c) &&
            ep->jobs[i].spec.zone == c->shape.zone &&
            (ep->jobs[i].spec.count == 0) == (c->shape.count == 0) && same_every(&ep->jobs[i], t))
            return i;
    struct seal_job *j = &ep->jobs[ep->n_jobs];
    *j = (struct seal_job){.cube = c, .tier = t, .parent = SIZE_MAX};
    j->is_wanted = xcalloc(ep->source->panes[c->pane].n_measures + 1, sizeof(*j->is_wanted));
    j->spec = (struct seal_spec){.zone = c->shape.zone,
                                 .count = c->shape.count ? t->every.count : 0,
                                 .unit = t->every.unit,
                                 .dimensions = c->pane_dimensions,
                                 .n_dimensions = c->n_dimensions,
                                 .is_wanted = j->is_wanted};
    return ep->n_jobs++;
}

static void list_jobs(struct epoch *ep)
{
    const struct plan_source *s = ep->source;
    for (size_t k = 0; k < s->n_cubes; k++)
        ep->n_tiers += s->cubes[k].n_tiers;
    ep->tiers = xcalloc(ep->n_tiers + 1, sizeof(*ep->tiers));
    ep->jobs = xcalloc(ep->n_tiers + 1, sizeof(*ep->jobs));
    size_t slot = 0;
    for (size_t k = 0; k < s->n_cubes; k++) {
        const struct plan_cube *c = &s->cubes[k];
        for (size_t t = 0; t < c->n_tiers; t++) {
            size_t job = find_job(ep, c, &c->tiers[t]);
            ep->tiers[slot++] = (struct tier_slot){k, t, job, NULL};
            for (size_t m = 0; m < c->n_measures; m++)
                ep->jobs[job].is_wanted[c->pane_measures[m]] = true;
        }
    }
}

static bool has_key(const struct plan_cube *c, uint32_t dimension)
{
    for (size_t i = 0; i < c->n_dimensions; i++)
        if (c->pane_dimensions[i] == dimension)
            return true;
    return false;
}

static bool has_keys_of(const struct plan_cube *c, const struct plan_cube *of)
{
    for (size_t i = 0; i < of->n_dimensions; i++)
        if (!has_key(c, of->pane_dimensions[i]))
            return false;
    return true;
}

static bool has_measures_of(const struct seal_job *j, const struct seal_job *of, size_t n)
{
    for (size_t m = 0; m < n; m++)
        if (of->is_wanted[m] && !j->is_wanted[m])
            return false;
    return true;
}

static int64_t width_of(const struct seal_job *j)
{
    return j->spec.count ? duration_seconds(j->tier->every) : 0;
}

/* Does job j follow from `from`? Its measures must be there, too, else `from` would merge what nobody
 * asked it for. */
static bool follows_from(const struct epoch *ep, const struct seal_job *j,
                         const struct seal_job *from)
{
    if (j->cube->pane != from->cube->pane || !has_keys_of(from->cube, j->cube) ||
        !has_measures_of(from, j, ep->source->panes[j->cube->pane].n_measures))
        return false;
    struct cube_shape fine = {.zone = from->spec.zone, .count = from->spec.count},
                      coarse = {.zone = j->spec.zone, .count = j->spec.count};
    fine.unit = from->spec.unit;
    coarse.unit = j->spec.unit;
    if (!shape_divides(&fine, &coarse))
        return false;
    /* Strictly finer, so that there are no circles. */
    return from->cube->n_dimensions > j->cube->n_dimensions || width_of(from) < width_of(j);
}

/* Of those that it follows from, the one with the fewest keys, then the widest buckets. */
static void pick_parents(struct epoch *ep)
{
    for (size_t i = 0; i < ep->n_jobs; i++) {
        struct seal_job *j = &ep->jobs[i];
        for (size_t k = 0; k < ep->n_jobs; k++) {
            const struct seal_job *now = j->parent == SIZE_MAX ? NULL : &ep->jobs[j->parent];
            const struct seal_job *other = &ep->jobs[k];
            if (k == i || !follows_from(ep, j, other))
                continue;
            if (now == NULL || other->cube->n_dimensions < now->cube->n_dimensions ||
                (other->cube->n_dimensions == now->cube->n_dimensions &&
                 width_of(other) > width_of(now)))
                j->parent = k;
        }
    }
    for (size_t i = 0; i < ep->n_jobs; i++)
        for (size_t k = ep->jobs[i].parent; k != SIZE_MAX; k = ep->jobs[k].parent)
            ep->jobs[i].level++;
}

/* ---- sealing ---- */

struct seal_work {
    struct epoch *ep;
    unsigned level;
    size_t next; /* (job, part) to take; guarded by lock */
    pthread_mutex_t lock;
};

static void seal_one(struct epoch *ep, struct seal_job *j, size_t part)
{
    if (j->parent != SIZE_MAX) {
        j->parts[part] =
            sealed_seal(ep->jobs[j->parent].parts, ep->n_parts, NULL, &j->spec, part, ep->n_parts);
        return;
    }
    AUTO_MEM struct cube **from = xcalloc(ep->n_gathers, sizeof(*from));
    for (size_t i = 0; i < ep->n_gathers; i++)
        from[i] = ep->gathers[i]->cubes[j->cube->pane];
    j->parts[part] = cube_seal(from, ep->n_gathers, &j->spec, part, ep->n_parts);
}

static void *seal_thread(void *context)
{
    struct seal_work *w = context;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        size_t at = w->next++;
        pthread_mutex_unlock(&w->lock);
        if (at >= w->ep->n_jobs * w->ep->n_parts)
            return NULL;
        struct seal_job *j = &w->ep->jobs[at / w->ep->n_parts];
        if (j->level == w->level)
            seal_one(w->ep, j, at % w->ep->n_parts);
    }
}

static void seal_level(struct epoch *ep, unsigned level)
{
    struct seal_work w = {.ep = ep, .level = level, .lock = PTHREAD_MUTEX_INITIALIZER};
    AUTO_MEM pthread_t *threads = xcalloc(ep->n_parts, sizeof(*threads));
    size_t started = 0;
    for (size_t i = 1; i < ep->n_parts; i++)
        started += pthread_create(&threads[started], NULL, seal_thread, &w) == 0;
    seal_thread(&w);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

void tiers_seal(struct epoch *ep, size_t n_threads)
{
    size_t n_keys = 0;
    unsigned highest = 0;
    for (size_t k = 0; k < ep->source->n_panes; k++)
        for (size_t i = 0; i < ep->n_gathers; i++)
            n_keys += cube_n_keys(ep->gathers[i]->cubes[k]);
    ep->n_parts = n_threads < 1 || n_keys < FEW_KEYS ? 1 : n_threads;
    list_jobs(ep);
    pick_parents(ep);
    for (size_t i = 0; i < ep->n_jobs; i++) {
        ep->jobs[i].parts = xcalloc(ep->n_parts, sizeof(*ep->jobs[i].parts));
        highest = ep->jobs[i].level > highest ? ep->jobs[i].level : highest;
    }
    for (unsigned level = 0; level <= highest; level++)
        seal_level(ep, level);
    for (size_t i = 0; i < ep->n_tiers; i++)
        ep->tiers[i].folding = folding_new(&ep->jobs[ep->tiers[i].job], ep->n_parts,
                                           ep->source->cubes[ep->tiers[i].cube].max_keys);
}

void tiers_done(struct epoch *ep)
{
    for (size_t i = 0; i < ep->n_tiers; i++)
        folding_free(ep->tiers[i].folding, ep->n_parts);
    for (size_t i = 0; i < ep->n_jobs; i++) {
        for (size_t part = 0; part < ep->n_parts; part++)
            sealed_free(ep->jobs[i].parts[part]);
        free(ep->jobs[i].parts);
        free(ep->jobs[i].is_wanted);
    }
    free(ep->jobs);
    free(ep->tiers);
}

static const struct tier_slot *tier_slot_of(const struct epoch *ep, size_t cube, size_t tier)
{
    size_t slot = tier;
    for (size_t k = 0; k < cube; k++)
        slot += ep->source->cubes[k].n_tiers;
    return &ep->tiers[slot];
}

struct sealed_tier *const *tier_parts(const struct epoch *ep, size_t cube, size_t tier)
{
    return ep->jobs[tier_slot_of(ep, cube, tier)->job].parts;
}

const struct folding *tier_folding(const struct epoch *ep, size_t cube, size_t tier)
{
    return tier_slot_of(ep, cube, tier)->folding;
}
