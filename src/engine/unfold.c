/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/unfold.h"

#include "column/compound.h"

/* Rows first .. first + n of the array of one row above. */
struct run {
    uint32_t row, n;
    uint64_t first;
};

struct unfolded *unfolded_new(const struct plan_source *plan)
{
    if (plan->n_unfolds == 0)
        return NULL;
    struct unfolded *all = xcalloc(plan->n_unfolds, sizeof(*all));
    for (size_t i = 0; i < plan->n_unfolds; i++) {
        struct unfolded *u = &all[i];
        size_t n = plan->unfolds[i].n_slots;
        AUTO_MEM struct type *types = xcalloc(n + 1, sizeof(*types));
        for (size_t k = 0; k < n; k++)
            types[k] = plan->unfolds[i].slots[k].type;
        u->plan = &plan->unfolds[i];
        u->frame = frame_new(u->plan->program);
        batch_init(&u->batch, types, NULL, n);
        u->faults = xcalloc(n + 1, BATCH_ROWS);
        u->nulls = xcalloc(n + 1, BATCH_ROWS);
        u->runs = xcalloc(BATCH_ROWS, sizeof(*u->runs));
    }
    return all;
}

void unfolded_free(struct unfolded *all, size_t n)
{
    for (size_t i = 0; all != NULL && i < n; i++) {
        frame_free(all[i].frame);
        batch_done(&all[i].batch);
        free(all[i].faults);
        free(all[i].nulls);
        free(all[i].runs);
    }
    free(all);
}

/* ---- how many ---- */

static const struct array_value *arrays_of(const struct column *c)
{
    return c->values;
}

uint64_t unfold_count(const struct plan_unfold *plan, const struct frame *above, size_t row)
{
    uint64_t n = UINT64_MAX;
    for (size_t i = 0; i < plan->n_slots; i++) {
        if (!plan->slots[i].is_element)
            continue;
        uint64_t own = arrays_of(frame_output(above, (size_t)plan->slots[i].output))[row].n;
        if (plan->is_left && own == 0)
            own = 1;
        if (n != UINT64_MAX && own != n)
            return UINT64_MAX;
        n = own;
    }
    return n;
}

static void find_runs(struct unfolded *u, const struct rows_view *above, const uint8_t *bad,
                      struct unfold_cursor *at)
{
    const uint8_t *pass =
        u->plan->pass < 0 ? NULL : frame_output(above->frame, (size_t)u->plan->pass)->values;
    size_t n_rows = 0;
    u->n_runs = 0;
    for (; at->row < above->n_rows && n_rows < BATCH_ROWS; at->row++, at->element = 0) {
        uint32_t event = above->events ? above->events[at->row] : (uint32_t)at->row;
        if (bad[event] || (pass != NULL && !pass[at->row]))
            continue;
        uint64_t n = unfold_count(u->plan, above->frame, at->row);
        if (n == UINT64_MAX || n == 0)
            continue;
        uint64_t left = n - at->element, room = BATCH_ROWS - n_rows;
        uint32_t taken = (uint32_t)(left < room ? left : room);
        for (uint32_t k = 0; k < taken; k++) {
            u->events[n_rows + k] = event;
            u->times[n_rows + k] = above->times[at->row];
            u->offsets[n_rows + k] = above->offsets[at->row];
        }
        u->runs[u->n_runs++] = (struct run){(uint32_t)at->row, taken, at->element};
        n_rows += taken;
        at->element += taken;
        if (at->element < n)
            break;
    }
    u->batch.n_rows = n_rows;
}

/* ---- columns ---- */

static void repeat_value(char *to, const char *from, size_t width, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        memcpy(to + i * width, from, width);
}

static void copy_slot(struct unfolded *u, size_t slot, const struct column *from)
{
    struct column *to = &u->batch.columns[slot];
    size_t width = type_width(u->plan->slots[slot].type), at = 0;
    uint8_t *nulls = u->nulls + slot * BATCH_ROWS, *faults = u->faults + slot * BATCH_ROWS;
    for (size_t i = 0; i < u->n_runs; i++) {
        const struct run *r = &u->runs[i];
        repeat_value((char *)to->values + at * width,
                     (const char *)from->values + (size_t)r->row * width, width, r->n);
        if (from->nulls != NULL)
            memset(nulls + at, from->nulls[r->row], r->n);
        if (from->faults != NULL)
            memset(faults + at, from->faults[r->row], r->n);
        at += r->n;
    }
    to->nulls = from->nulls != NULL ? nulls : NULL;
    to->faults = from->faults != NULL ? faults : NULL;
}

static void element_slot(struct unfolded *u, size_t slot, const struct column *from)
{
    struct column *to = &u->batch.columns[slot];
    struct type t = u->plan->slots[slot].type;
    size_t width = type_width(t), at = 0;
    uint8_t *nulls = u->nulls + slot * BATCH_ROWS;
    for (size_t i = 0; i < u->n_runs; i++) {
        const struct run *r = &u->runs[i];
        struct elements e = array_elements(from->type, &arrays_of(from)[r->row]);
        char *values = (char *)to->values + at * width;
        if (e.n == 0) { /* LEFT: one row, though there is no element */
            value_default(t, values);
            nulls[at] = t.is_nullable;
        } else {
            memcpy(values, element_at(&e, (uint32_t)r->first), r->n * width);
            for (uint32_t k = 0; t.is_nullable && k < r->n; k++)
                nulls[at + k] = element_is_null(&e, (uint32_t)r->first + k);
        }
        at += r->n;
    }
    to->nulls = t.is_nullable ? nulls : NULL;
    to->faults = NULL;
}

bool unfold_next(struct unfolded *u, const struct rows_view *above, const uint8_t *bad,
                 struct unfold_cursor *at, int64_t now)
{
    u->serial = 0;
    find_runs(u, above, bad, at);
    if (u->batch.n_rows == 0)
        return false;
    for (size_t i = 0; i < u->plan->n_slots; i++) {
        const struct plan_slot *slot = &u->plan->slots[i];
        const struct column *from = frame_output(above->frame, (size_t)slot->output);
        if (slot->is_element)
            element_slot(u, i, from);
        else
            copy_slot(u, i, from);
    }
    frame_lookups_as(u->frame, above->frame);
    program_run(u->plan->program, u->frame, &u->batch, now);
    return true;
}

struct rows_view unfolded_view(const struct unfolded *u)
{
    return (struct rows_view){.frame = u->frame,
                              .n_rows = u->batch.n_rows,
                              .events = u->events,
                              .times = u->times,
                              .offsets = u->offsets};
}
