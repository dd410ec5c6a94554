/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "plan/plan.h"

static void put_keep(struct buf *out, const struct keep *k)
{
    if (k == NULL || !k->is_given || k->is_forever) {
        buf_text(out, "for ever");
        return;
    }
    duration_say(out, k->age);
}

void plan_retention(struct buf *out, const struct plan *p)
{
    for (size_t i = 0; i < p->n_sources; i++) {
        const struct plan_source *s = &p->sources[i];
        for (size_t r = 0; r < s->n_raws; r++) {
            if (s->raws[r].is_shared)
                continue;
            buf_printf(out, "%.*s: rows kept ", STR_FMT(s->raws[r].object));
            put_keep(out, s->raws[r].keep);
            buf_text(out, "\n");
        }
        for (size_t c = 0; c < s->n_cubes; c++) {
            if (s->cubes[c].set != 0 || s->cubes[c].is_shared)
                continue;
            for (size_t t = 0; t < s->cubes[c].n_tiers; t++) {
                const struct plan_tier *tier = &s->cubes[c].tiers[t];
                buf_printf(out, "%.*s%s%s: kept ", STR_FMT(s->cubes[c].metric->name),
                           tier->suffix ? "_" : "", tier->suffix ? tier->suffix : "");
                put_keep(out, tier->keep);
                buf_text(out, "\n");
            }
        }
    }
}

static void name_cube(struct buf *out, const struct plan_cube *c)
{
    buf_printf(out, "metric %.*s", STR_FMT(c->metric->name));
    if (c->has_sets)
        buf_printf(out, ", set '%s'", c->set_name);
}

/* What workers keep for it, and who else's that is. */
static void explain_pane(struct buf *out, const struct plan_source *s, const struct plan_cube *c)
{
    const struct plan_pane *p = &s->panes[c->pane];
    if (c->is_derived) {
        buf_text(out, "    derived at the seal from ");
        name_cube(out, c->finer);
        buf_text(out, ": events do not touch it\n");
        return;
    }
    /* Bucket and keys, states, one slot of 4 bytes at a quarter's load, and both sets of
     * gathers. */
    size_t key_bytes = 4 + 8 * c->n_dimensions + p->shape.stride + 16;
    buf_printf(out, "    memory: about %zu bytes a key and worker; a pane row has %zu\n", key_bytes,
               p->shape.stride);
    size_t n = 0;
    for (size_t i = 0; i < s->n_cubes; i++) {
        if (s->cubes[i].pane != c->pane || s->cubes[i].is_derived || &s->cubes[i] == c)
            continue;
        buf_text(out, n++ ? "; " : "    one cube with ");
        name_cube(out, &s->cubes[i]);
    }
    if (n > 0)
        buf_printf(out, ": %zu measures in all\n", p->n_measures);
}

static void explain_cube(struct buf *out, const struct plan_source *s, const struct plan_cube *c)
{
    buf_text(out, "  cube of ");
    name_cube(out, c);
    buf_printf(out, "  (merged result: exact at once, any order)\n    keys:");
    for (size_t i = 0; i < c->n_dimensions; i++) {
        char type[64];
        buf_printf(out, "%s %.*s %s", i ? "," : "", STR_FMT(c->dimensions[i].name),
                   type_name(c->dimensions[i].type, type));
    }
    buf_text(out, c->n_dimensions ? "\n    measures:" : " none\n    measures:");
    for (size_t i = 0; i < c->n_measures; i++) {
        buf_printf(out, "%s ", i ? "," : "");
        ast_print(out, c->measures[i].call);
        buf_printf(out, " as %s", aggregate_storage(c->measures[i].aggregate)->type_name);
    }
    buf_text(out, "\n");
    explain_pane(out, s, c);
    if (c->shape.count) {
        const struct cube_shape *pane = &s->panes[c->pane].shape;
        buf_text(out, "    panes of ");
        duration_say(out, (struct duration){pane->count, pane->unit});
        buf_printf(out, ", time zone %s\n", zone_name(c->shape.zone));
    }
    if (c->max_keys > 0 && c->n_dimensions > 0)
        buf_printf(out,
                   "    at most %" PRIu64
                   " keys a bucket and epoch; the rest is one row, set '%s/other'\n",
                   c->max_keys, c->set_name);
    for (size_t t = 0; t < c->n_tiers; t++) {
        static const char *const partitions[] = {"", "day", "month", "year"};
        buf_printf(out, "    tier %s -> table %s, a partition a %s, kept ",
                   c->tiers[t].suffix ? c->tiers[t].suffix : "(all time)", c->tiers[t].table,
                   c->shape.count ? partitions[keep_partition(c->tiers[t].keep)] : "table");
        put_keep(out, c->tiers[t].keep);
        /* One key in every bucket of a day, about 12 bytes a compressed number. */
        if (c->shape.count) {
            int64_t seconds = duration_seconds(c->tiers[t].every);
            double rows = seconds ? 86400.0 / (double)seconds : 0;
            buf_printf(out, "; disk about %.0f bytes a day and key",
                       (rows < 1 ? 1 : rows) *
                           (4.0 + 4.0 * (double)(c->n_dimensions + c->n_measures)));
        }
        buf_text(out, "\n");
    }
}

static void explain_deduplicate(struct buf *out, const struct plan_source *s)
{
    const struct source_def *def = s->def;
    buf_text(out, "  deduplicate by ");
    for (uint32_t i = 0; i < def->n_deduplicate; i++) {
        buf_text(out, i ? ", " : "");
        ast_print(out, def->deduplicate[i]);
    }
    buf_text(out, " within ");
    duration_say(out, def->within);
    buf_printf(out,
               ": decided in each partition in offset order, before streams and metrics; about "
               "%.1f MiB remembered at dedup_rate -> table weir_window\n",
               (double)s->deduplicate->estimated_bytes / (1 << 20));
}

static void put_program(struct buf *out, const struct program *p)
{
    AUTO_DONE(buf) program = {0};
    program_explain(&program, p);
    const char *line = buf_cstr(&program);
    while (*line) {
        const char *end = strchrnul(line, '\n');
        buf_printf(out, "    %.*s\n", (int)(end - line), line);
        line = *end ? end + 1 : end;
    }
}

/* Its slots are #0, #1, … of its program. */
static void explain_unfold(struct buf *out, const struct plan_unfold *u, size_t level)
{
    char type[64], above[32] = "the records";
    if (u->above)
        snprintf(above, sizeof(above), "level %zu", u->above);
    buf_printf(out, "  level %zu: a row for each element of%s arrays of %s", level,
               u->is_left ? " (or of a row without elements, once)" : "", above);
    if (u->pass >= 0)
        buf_printf(out, " where output %d", u->pass);
    buf_text(out, "; columns:");
    for (size_t i = 0; i < u->n_slots; i++)
        buf_printf(out, "%s #%zu %s %d %s", i ? "," : "", i,
                   u->slots[i].is_element ? "element of output" : "output", u->slots[i].output,
                   type_name(u->slots[i].type, type));
    buf_text(out, "\n");
    put_program(out, u->program);
}

static void explain_source(struct buf *out, const struct plan_source *s)
{
    buf_printf(out, "source %.*s, FORMAT %s\n  decoded fields:", STR_FMT(s->name),
               format_name(s->def->format));
    for (size_t i = 0; i < s->n_fields; i++) {
        char type[64];
        buf_printf(out, "%s %.*s %s", i ? "," : "", STR_FMT(s->fields[i].path),
                   type_name(s->fields[i].type, type));
    }
    buf_text(out, "\n  program:\n");
    put_program(out, s->program);
    for (size_t i = 0; i < s->n_unfolds; i++)
        explain_unfold(out, &s->unfolds[i], i + 1);
    if (s->deduplicate != NULL)
        explain_deduplicate(out, s);
    for (size_t r = 0; r < s->n_raws; r++) {
        size_t bytes = 24;
        for (size_t i = 0; i < s->raws[r].n_columns; i++)
            bytes += type_is_text(s->raws[r].columns[i].type)
                         ? 12
                         : type_width(s->raws[r].columns[i].type);
        buf_printf(out, "  raw rows of %.*s -> table %s, %zu columns, kept ",
                   STR_FMT(s->raws[r].object), s->raws[r].table, s->raws[r].n_columns);
        put_keep(out, s->raws[r].keep);
        buf_printf(out, "; disk about %.1f GB a thousand million rows before compression\n",
                   (double)bytes);
    }
    for (size_t c = 0; c < s->n_cubes; c++)
        explain_cube(out, s, &s->cubes[c]);
}

/* Their calls are written out wherever they stood: below they do not appear any more. */
static void explain_functions(struct buf *out, const struct definitions *defs)
{
    for (size_t i = 0; i < defs->n_statements; i++) {
        const struct statement *s = &defs->statements[i];
        if (s->kind != STATEMENT_FUNCTION)
            continue;
        buf_printf(out, "function %.*s = ", STR_FMT(s->function.name));
        ast_print(out, s->function.lambda);
        buf_text(out, "\n");
    }
}

void plan_explain(struct buf *out, const struct plan *p)
{
    buf_printf(out, "store %s, database %s\n", p->settings.store, p->settings.database);
    explain_functions(out, p->definitions);
    for (size_t i = 0; i < p->n_sources; i++)
        explain_source(out, &p->sources[i]);
    buf_text(out, "\ntables and views:\n");
    struct arena arena = {0};
    char **statements;
    size_t n = plan_ddl(p, &arena, &statements);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s;\n", statements[i]);
    arena_done(&arena);
}
