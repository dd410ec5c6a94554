/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/expired.h"

#include <inttypes.h>
#include <stdio.h>

#include "lang/parse.h"

size_t expired_slots(const struct plan_source *p)
{
    size_t n = p->n_raws;
    for (size_t k = 0; k < p->n_cubes; k++)
        n += p->cubes[k].n_tiers;
    return n;
}

void expired_add(uint64_t *totals, const struct plan_source *p, struct gather *const *gathers,
                 size_t n_gathers)
{
    size_t n = expired_slots(p);
    for (size_t g = 0; g < n_gathers; g++)
        for (size_t i = 0; i < n; i++)
            totals[i] += gathers[g]->expired[i];
}

static void put_number(struct buf *out, uint64_t v)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            buf_byte(out, ',');
        buf_byte(out, (uint8_t)digits[i]);
    }
}

static void put_line(struct buf *out, uint64_t n, const struct keep *keep)
{
    buf_text(out, ": ");
    put_number(out, n);
    buf_text(out, n == 1 ? " row older than " : " rows older than ");
    if (keep != NULL && keep->is_given) {
        buf_text(out, "KEEP ");
        duration_say(out, keep->age);
    } else {
        buf_text(out, "its KEEP");
    }
    buf_text(out, ", not stored");
}

static void print_tiers(struct buf *out, const struct plan_cube *cube, const uint64_t *totals)
{
    for (size_t t = 0; t < cube->n_tiers; t++) {
        if (totals[t] == 0)
            continue;
        buf_printf(out, "%.*s_%s", STR_FMT(cube->metric->name),
                   cube->tiers[t].suffix ? cube->tiers[t].suffix : "");
        put_line(out, totals[t], cube->tiers[t].keep);
        /* The next coarser tier that has more of them. */
        for (size_t c = t + 1; c < cube->n_tiers; c++) {
            if (totals[c] >= totals[t])
                continue;
            buf_printf(out, "; %.*s_%s has ", STR_FMT(cube->metric->name), cube->tiers[c].suffix);
            if (totals[c] > 0) {
                put_number(out, totals[t] - totals[c]);
                buf_text(out, " of ");
            }
            buf_text(out, "them");
            break;
        }
        buf_byte(out, '\n');
    }
}

void expired_print(struct buf *out, const struct plan_source *p, const uint64_t *totals)
{
    size_t at = 0;
    for (size_t k = 0; k < p->n_cubes; at += p->cubes[k].n_tiers, k++)
        if (p->cubes[k].set == 0) /* grouping sets of one metric see the same events */
            print_tiers(out, &p->cubes[k], totals + at);
    for (size_t r = 0; r < p->n_raws; r++, at++) {
        if (totals[at] == 0)
            continue;
        buf_str(out, p->raws[r].object);
        put_line(out, totals[at], p->raws[r].keep);
        buf_byte(out, '\n');
    }
}
