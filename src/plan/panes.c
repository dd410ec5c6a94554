/* SPDX-License-Identifier: Apache-2.0
 *
 * From cubes to panes. Cubes of equal keys, rows and buckets share one pane with all their measures;
 * a pane whose keys, measures and buckets follow from a finer one is left out, and its cubes are made
 * of the finer one at the seal. Where several would do, the one with the fewest keys is taken, as
 * far as types tell. */
#include "plan/plan.h"

/* ---- measures ---- */

static bool same_measure(const struct plan_measure *a, const struct plan_measure *b)
{
    if (a->condition != b->condition || a->n_args != b->n_args ||
        !aggregate_is_same(a->aggregate, b->aggregate))
        return false;
    for (size_t i = 0; i < a->n_args; i++)
        if (a->args[i] != b->args[i])
            return false;
    return true;
}

/* Place of the measure among the pane's; n_measures: it is not there. */
static size_t find_measure(const struct plan_pane *p, const struct plan_measure *m)
{
    size_t i = 0;
    while (i < p->n_measures && !same_measure(&p->measures[i], m))
        i++;
    return i;
}

static void add_measures(struct plan_pane *p, const struct plan_cube *c, struct arena *a)
{
    struct plan_measure *all = arena_zero(a, (p->n_measures + c->n_measures + 1) * sizeof(*all));
    if (p->n_measures > 0)
        memcpy(all, p->measures, p->n_measures * sizeof(*all));
    p->measures = all;
    for (size_t i = 0; i < c->n_measures; i++)
        if (find_measure(p, &c->measures[i]) == p->n_measures)
            p->measures[p->n_measures++] = c->measures[i];
}

/* ---- keys ---- */

static size_t find_dimension(const struct plan_pane *p, int output)
{
    size_t i = 0;
    while (i < p->shape.n_dimensions && p->dimensions[i] != output)
        i++;
    return i;
}

static bool has_keys_of(const struct plan_pane *p, const struct plan_pane *of)
{
    for (size_t i = 0; i < of->shape.n_dimensions; i++)
        if (find_dimension(p, of->dimensions[i]) == p->shape.n_dimensions)
            return false;
    return true;
}

static bool has_cube_keys(const struct plan_pane *p, const struct plan_cube *c)
{
    for (size_t i = 0; i < c->n_dimensions; i++)
        if (find_dimension(p, c->dimensions[i].output) == p->shape.n_dimensions)
            return false;
    return p->shape.n_dimensions == c->n_dimensions;
}

/* Bits of different values that a key has, as far as its type tells. */
static unsigned key_weight(struct type t)
{
    if (t.kind == TYPE_NOTHING || t.kind == TYPE_BOOL)
        return 1;
    if (type_is_text(t))
        return t.is_low_cardinality ? 9 : 20;
    size_t width = type_width(t);
    return width == 1 ? 6 : width == 2 ? 10 : 18;
}

static unsigned keys_weight(const struct plan_pane *p)
{
    unsigned weight = 0;
    for (size_t i = 0; i < p->shape.n_dimensions; i++)
        weight += key_weight(p->shape.dimensions[i]);
    return weight;
}

/* ---- buckets ---- */

static bool same_window(const struct cube_shape *a, const struct cube_shape *b)
{
    return a->zone == b->zone && a->count == b->count && (a->count == 0 || a->unit == b->unit);
}

/* ---- panes ---- */

static struct plan_pane *pane_of(struct plan_source *s, struct plan_cube *c, struct arena *a)
{
    for (size_t i = 0; i < s->n_panes; i++)
        if (s->panes[i].level == c->level && s->panes[i].pass == c->pass &&
            same_window(&s->panes[i].shape, &c->shape) && has_cube_keys(&s->panes[i], c))
            return &s->panes[i];
    struct plan_pane *p = &s->panes[s->n_panes++];
    *p = (struct plan_pane){.level = c->level, .pass = c->pass};
    p->shape.zone = c->shape.zone;
    p->shape.count = c->shape.count;
    p->shape.unit = c->shape.unit;
    p->shape.n_dimensions = c->n_dimensions;
    p->shape.dimensions = c->shape.dimensions;
    p->dimensions = arena_zero(a, (c->n_dimensions + 1) * sizeof(*p->dimensions));
    for (size_t i = 0; i < c->n_dimensions; i++)
        p->dimensions[i] = c->dimensions[i].output;
    return p;
}

static bool follows_from(const struct plan_pane *p, const struct plan_pane *finer)
{
    if (p == finer || p->level != finer->level || p->pass != finer->pass ||
        !shape_divides(&finer->shape, &p->shape) || !has_keys_of(finer, p))
        return false;
    for (size_t m = 0; m < p->n_measures; m++)
        if (find_measure(finer, &p->measures[m]) == finer->n_measures ||
            !aggregate_merges_exactly(p->measures[m].aggregate))
            return false;
    return true;
}

/* The finer pane with the fewest keys; itself if there is none. Of several panes that follow from one
 * another (equal keys, windows that divide) the earlier stays. */
static size_t finer_of(const struct plan_source *s, size_t i)
{
    size_t best = i;
    for (size_t k = 0; k < s->n_panes; k++) {
        if (!follows_from(&s->panes[i], &s->panes[k]))
            continue;
        if (k > i && follows_from(&s->panes[k], &s->panes[i]))
            continue;
        if (best == i || keys_weight(&s->panes[k]) < keys_weight(&s->panes[best]))
            best = k;
    }
    return best;
}

static void finish_pane(struct plan_pane *p, struct arena *a)
{
    p->shape.n_measures = p->n_measures;
    p->shape.measures = arena_zero(a, (p->n_measures + 1) * sizeof(*p->shape.measures));
    for (size_t i = 0; i < p->n_measures; i++)
        p->shape.measures[i].aggregate = p->measures[i].aggregate;
    cube_shape_init(&p->shape);
}

static void set_places(struct plan_cube *c, const struct plan_pane *p, struct arena *a)
{
    c->pane_dimensions = arena_zero(a, (c->n_dimensions + 1) * sizeof(*c->pane_dimensions));
    c->pane_measures = arena_zero(a, (c->n_measures + 1) * sizeof(*c->pane_measures));
    for (size_t i = 0; i < c->n_dimensions; i++)
        c->pane_dimensions[i] = (uint32_t)find_dimension(p, c->dimensions[i].output);
    for (size_t i = 0; i < c->n_measures; i++)
        c->pane_measures[i] = (uint32_t)find_measure(p, &c->measures[i]);
}

/* The first cube with the pane's own keys. */
static const struct plan_cube *owner_of(const struct plan_source *s, size_t pane)
{
    for (size_t i = 0; i < s->n_cubes; i++)
        if (s->cubes[i].pane == pane && !s->cubes[i].is_derived)
            return &s->cubes[i];
    return NULL;
}

void plan_panes(struct plan_source *s, struct arena *arena)
{
    s->panes = arena_zero(arena, (s->n_cubes + 1) * sizeof(*s->panes));
    s->n_panes = 0;
    for (size_t i = 0; i < s->n_cubes; i++) {
        struct plan_pane *p = pane_of(s, &s->cubes[i], arena);
        add_measures(p, &s->cubes[i], arena);
        s->cubes[i].pane = (size_t)(p - s->panes);
    }
    /* Chains end at panes that follow from none: those are kept. */
    AUTO_MEM size_t *finer = xcalloc(s->n_panes + 1, sizeof(*finer));
    AUTO_MEM size_t *kept = xcalloc(s->n_panes + 1, sizeof(*kept));
    size_t n_kept = 0;
    for (size_t i = 0; i < s->n_panes; i++)
        finer[i] = finer_of(s, i);
    for (size_t i = 0; i < s->n_panes; i++)
        if (finer[i] == i)
            kept[i] = n_kept++;
    for (size_t i = 0; i < s->n_cubes; i++) {
        struct plan_cube *c = &s->cubes[i];
        size_t pane = c->pane;
        while (finer[pane] != pane)
            pane = finer[pane];
        c->is_derived = pane != c->pane;
        c->pane = kept[pane];
    }
    for (size_t i = 0; i < s->n_panes; i++)
        if (finer[i] == i)
            s->panes[kept[i]] = s->panes[i];
    s->n_panes = n_kept;
    for (size_t i = 0; i < s->n_panes; i++)
        finish_pane(&s->panes[i], arena);
    for (size_t i = 0; i < s->n_cubes; i++) {
        set_places(&s->cubes[i], &s->panes[s->cubes[i].pane], arena);
        s->panes[s->cubes[i].pane].n_cubes++;
        if (s->cubes[i].is_derived)
            s->cubes[i].finer = owner_of(s, s->cubes[i].pane);
    }
}
