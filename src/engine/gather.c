/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/gather_priv.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/hash.h"
#include "expr/regex.h"
#include "plan/source_settings.h"

/* ---- life ---- */

static size_t n_tiers_of(const struct plan_source *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_cubes; i++)
        n += p->cubes[i].n_tiers;
    return n;
}

struct gather *gather_new(const struct plan_source *plan)
{
    struct gather *g = xcalloc(1, sizeof(*g));
    g->plan = plan;
    g->cubes = xcalloc(plan->n_panes + 1, sizeof(*g->cubes));
    for (size_t i = 0; i < plan->n_panes; i++)
        g->cubes[i] = cube_new(&plan->panes[i].shape);
    g->raws = xcalloc(plan->n_raws + 1, sizeof(*g->raws));
    for (size_t i = 0; i < plan->n_raws; i++)
        raws_init(&g->raws[i], &plan->raws[i]);
    g->objects = xcalloc(plan->n_streams + 1, sizeof(*g->objects));
    g->expired = xcalloc(n_tiers_of(plan) + plan->n_raws + 1, sizeof(*g->expired));
    return g;
}

static void publish_bytes(struct gather *g)
{
    size_t bytes = g->reject_bytes + g->window.n * sizeof(*g->window.items);
    for (size_t i = 0; i < g->plan->n_panes; i++)
        bytes += cube_bytes(g->cubes[i]);
    for (size_t i = 0; i < g->plan->n_raws; i++)
        bytes += g->raws[i].bytes;
    atomic_store_explicit(&g->bytes, bytes, memory_order_relaxed);
}

void gather_reset(struct gather *g)
{
    for (size_t i = 0; i < g->plan->n_panes; i++)
        cube_reset(g->cubes[i]);
    for (size_t i = 0; i < g->plan->n_raws; i++)
        raws_reset(&g->raws[i]);
    g->n_rejects = 0;
    g->reject_bytes = 0;
    arena_reset(&g->reject_arena);
    g->window.n = 0;
    g->n_partitions = 0;
    g->total = (struct partition_counts){0};
    if (g->partition_slots)
        memset(g->partition_slots, 0, g->cap_partitions * 2 * sizeof(*g->partition_slots));
    memset(g->objects, 0, g->plan->n_streams * sizeof(*g->objects));
    memset(g->expired, 0, (n_tiers_of(g->plan) + g->plan->n_raws) * sizeof(*g->expired));
    publish_bytes(g);
}

void gather_free(struct gather *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->plan->n_panes; i++)
        cube_free(g->cubes[i]);
    for (size_t i = 0; i < g->plan->n_raws; i++)
        raws_done(&g->raws[i]);
    free(g->cubes);
    free(g->raws);
    free(g->rejects);
    arena_done(&g->reject_arena);
    free(g->partitions);
    free(g->partition_slots);
    free(g->objects);
    free(g->expired);
    free(g->window.items);
    free(g);
}

size_t gather_bytes(const struct gather *g)
{
    return atomic_load_explicit(&g->bytes, memory_order_relaxed);
}

bool gather_is_empty(const struct gather *g)
{
    return g->n_partitions == 0;
}

static const struct pattern_engine regexes = {regex_new, regex_free, regex_n_groups, regex_find};

struct gather_scratch *scratch_new(const struct plan_source *plan)
{
    struct gather_scratch *s = xcalloc(1, sizeof(*s));
    size_t widest = 1, measures = 1;
    for (size_t i = 0; i < plan->n_raws; i++)
        widest = plan->raws[i].n_columns > widest ? plan->raws[i].n_columns : widest;
    for (size_t i = 0; i < plan->n_panes; i++) {
        const struct plan_pane *p = &plan->panes[i];
        widest = p->shape.n_dimensions > widest ? p->shape.n_dimensions : widest;
        measures = p->n_measures > measures ? p->n_measures : measures;
    }
    s->columns = xcalloc(widest, sizeof(*s->columns));
    s->args = xcalloc(measures, sizeof(*s->args));
    s->arg_lists = xcalloc(measures, sizeof(*s->arg_lists));
    s->conditions = xcalloc(measures, sizeof(*s->conditions));
    if (plan->n_unfolds > 0) {
        s->came = xcalloc(plan->n_streams + 1, sizeof(*s->came));
        s->left = xcalloc(plan->n_streams + 1, sizeof(*s->left));
    }
    return s;
}

void scratch_free(struct gather_scratch *s)
{
    if (s == NULL)
        return;
    free(s->columns);
    free(s->args);
    free(s->arg_lists);
    free(s->conditions);
    free(s->came);
    free(s->left);
    free(s);
}

enum err_code gatherer_init(struct gatherer *w, const struct plan_source *plan,
                            const struct plan_settings *settings, struct err *e)
{
    *w = (struct gatherer){.plan = plan, .settings = settings};
    uint32_t n_positions = 0;
    for (uint32_t i = 0; i < plan->def->n_columns; i++)
        n_positions += plan->def->columns[i].mode != COLUMN_MATERIALIZED &&
                       plan->def->columns[i].mode != COLUMN_ALIAS;
    struct decoder_spec spec = {
        .format = plan->def->format,
        .fields = plan->fields,
        .n_fields = plan->n_fields,
        .positions = plan->positions,
        .n_positions = n_positions,
        .max_record_bytes = (size_t)settings->max_record_bytes,
        .max_columns = (uint32_t)settings->max_columns,
        .max_depth = (uint32_t)settings->max_depth,
    };
    spec.patterns = &regexes;
    spec.pattern_flags = REGEX_STRICT;
    source_settings_apply(&spec, plan->def);
    enum format format = plan->def->format;
    bool may_detect = spec.detects_header && spec.cells.skip_lines == 0;
    w->delimiter = !may_detect            ? 0
                   : format == FORMAT_CSV ? (spec.delimiter ? spec.delimiter : ',')
                   : format == FORMAT_TSV || format == FORMAT_TSV_RAW ? '\t'
                                                                      : 0;
    TRY(decoder_new(&w->decoder, &spec, e));
    batch_init(&w->batch, plan->types, plan->has_default, plan->n_slots);
    w->frame = frame_new(plan->program);
    w->scratch = scratch_new(plan);
    w->levels = unfolded_new(plan);
    return ERR_OK;
}

void gatherer_done(struct gatherer *w)
{
    decoder_free(w->decoder);
    batch_done(&w->batch);
    frame_free(w->frame);
    reject_list_done(&w->rejects);
    free(w->header);
    scratch_free(w->scratch);
    unfolded_free(w->levels, w->plan ? w->plan->n_unfolds : 0);
    held_free(w->held);
    *w = (struct gatherer){0};
}

/* ---- rejects ---- */

static void keep_reject(struct gather *g, const struct gather_chunk *chunk, uint64_t offset,
                        struct str bytes, const char *reason)
{
    if (g->n_rejects == g->cap_rejects) {
        g->cap_rejects = g->cap_rejects ? g->cap_rejects * 2 : 64;
        g->rejects = xrealloc(g->rejects, g->cap_rejects * sizeof(*g->rejects));
    }
    struct str copy = arena_str(&g->reject_arena, bytes);
    /* Neighbours share their header. */
    struct str header = g->n_rejects ? g->rejects[g->n_rejects - 1].header : (struct str){"", 0};
    struct str wanted = chunk->header.p ? chunk->header : (struct str){"", 0};
    if (!str_eq(header, wanted))
        header = arena_str(&g->reject_arena, wanted);
    g->rejects[g->n_rejects++] = (struct kept_reject){chunk->partition, offset, copy, header,
                                                      arena_text(&g->reject_arena, str_of(reason))};
    g->reject_bytes += bytes.n + 100;
}

static const char *output_name(const struct plan_source *p, size_t level, int output, char *out,
                               size_t size)
{
    for (size_t r = 0; r < p->n_raws; r++)
        for (size_t i = 0; i < p->raws[r].n_columns && p->raws[r].level == level; i++)
            if (p->raws[r].columns[i].output == output) {
                snprintf(out, size, "column '%.*s'", STR_FMT(p->raws[r].columns[i].name));
                return out;
            }
    for (size_t c = 0; c < p->n_cubes; c++) {
        const struct plan_cube *cube = &p->cubes[c];
        if (cube->level != level)
            continue;
        for (size_t i = 0; i < cube->n_dimensions; i++)
            if (cube->dimensions[i].output == output) {
                snprintf(out, size, "key '%.*s' of metric '%.*s'",
                         STR_FMT(cube->dimensions[i].name), STR_FMT(cube->metric->name));
                return out;
            }
        for (size_t m = 0; m < cube->n_measures; m++) {
            bool is_it = cube->measures[m].condition == output;
            for (size_t a = 0; a < cube->measures[m].n_args; a++)
                is_it |= cube->measures[m].args[a] == output;
            if (is_it) {
                snprintf(out, size, "'%s' of metric '%.*s'", cube->measures[m].column,
                         STR_FMT(cube->metric->name));
                return out;
            }
        }
    }
    for (size_t s = 0; s < p->n_streams; s++)
        if (p->streams[s].out == output && p->streams[s].out_level == level) {
            snprintf(out, size, "WHERE of '%.*s'", STR_FMT(p->streams[s].name));
            return out;
        }
    for (size_t u = 0; u < p->n_unfolds; u++)
        for (size_t i = 0; i < p->unfolds[u].n_slots && p->unfolds[u].above == level; i++)
            if (p->unfolds[u].slots[i].is_element && p->unfolds[u].slots[i].output == output) {
                snprintf(out, size, "an array of ARRAY JOIN");
                return out;
            }
    snprintf(out, size, "%s",
             level == 0 && output == p->event_time ? "EVENT TIME" : "a MATERIALIZED column");
    return out;
}

static void reject_row(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                       size_t row, int64_t now)
{
    const struct gather_scratch *s = w->scratch;
    char reason[400], where[200];
    output_name(g->plan, s->fault_level[row], s->fault_output[row], where, sizeof(where));
    if (s->fault[row] == WHY_NO_TIME)
        snprintf(reason, sizeof(reason), "EVENT TIME is NULL");
    else if (s->fault[row] == WHY_TIME_RANGE)
        snprintf(reason, sizeof(reason), "EVENT TIME %s",
                 s->times_ms[row] / 1000 > now ? "lies more than max_future ahead"
                                               : "lies before 1971");
    else if (s->fault[row] == WHY_AGGREGATE)
        snprintf(reason, sizeof(reason), "%s: the value cannot be aggregated", where);
    else if (s->fault[row] == WHY_ARRAYS)
        snprintf(reason, sizeof(reason), "the arrays of ARRAY JOIN have different lengths");
    else
        snprintf(reason, sizeof(reason), "%s: %s", where, fault_text(s->fault[row]));
    struct batch *b = &w->batch;
    uint64_t at = b->offsets[row] - chunk->offset;
    keep_reject(g, chunk, b->offsets[row], (struct str){chunk->bytes.p + at, b->lengths[row]},
                reason);
}

/* ---- judging a batch ---- */

/* What is looked at: rows of the records, or of a level. */
struct judged {
    struct gather_scratch *s;
    const struct rows_view *rows;
    size_t level;
};

static size_t event_of(const struct rows_view *v, size_t row)
{
    return v->events ? v->events[row] : row;
}

static void set_bad(const struct judged *j, size_t row, uint8_t why, int output)
{
    struct gather_scratch *s = j->s;
    size_t event = event_of(j->rows, row);
    if (s->bad[event])
        return;
    s->bad[event] = 1;
    s->n_bad++;
    s->fault[event] = why;
    s->fault_output[event] = (uint16_t)output;
    s->fault_level[event] = (uint16_t)j->level;
}

/* Marks events with rows of `among` (NULL = all) in which the column has a fault. */
static void judge(const struct judged *j, const struct column *c, int output, const uint8_t *among,
                  const uint8_t *also)
{
    if (c->faults == NULL)
        return;
    for (size_t i = 0; i < j->rows->n_rows; i++)
        if (c->faults[i] != 0 && (!among || among[i]) && (!also || also[i]))
            set_bad(j, i, c->faults[i], output);
}

static const struct column *output_column(const struct rows_view *v, int output)
{
    return frame_output(v->frame, (size_t)output);
}

static const uint8_t *output_bytes(const struct rows_view *v, int output)
{
    return output < 0 ? NULL : output_column(v, output)->values;
}

static struct rows_view records_view(const struct gatherer *w)
{
    return (struct rows_view){.frame = w->frame,
                              .n_rows = w->batch.n_rows,
                              .times = w->scratch->times,
                              .offsets = w->batch.offsets};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static void judge_times(struct gatherer *w, const struct judged *j, int64_t now)
{
    struct gather_scratch *s = w->scratch;
    const struct column *c = output_column(j->rows, w->plan->event_time);
    size_t n = w->batch.n_rows;
    judge(j, c, w->plan->event_time, NULL, NULL);
    int64_t low = 365 * 86400, high = now + w->settings->max_future_s;
    if (high > (int64_t)UINT32_MAX)
        high = UINT32_MAX;
    if (c->type.kind == TYPE_DATETIME) {
        const uint32_t *v = c->values;
        for (size_t i = 0; i < n; i++) {
            s->times[i] = v[i];
            s->times_ms[i] = (int64_t)v[i] * 1000;
        }
    } else if (c->type.scale == 3) {
        const int64_t *v = c->values;
        for (size_t i = 0; i < n; i++) {
            s->times_ms[i] = v[i];
            int64_t sec = floor_div(v[i], 1000);
            s->times[i] = sec < 0 ? 0 : sec > UINT32_MAX ? UINT32_MAX : (uint32_t)sec;
        }
    } else {
        static const int64_t powers[] = {1,      10,      100,      1000,      10000,
                                         100000, 1000000, 10000000, 100000000, 1000000000};
        int64_t unit = powers[c->type.scale];
        const int64_t *v = c->values;
        for (size_t i = 0; i < n; i++) {
            int64_t sec = floor_div(v[i], unit);
            s->times[i] = sec < 0 ? 0 : sec > UINT32_MAX ? UINT32_MAX : (uint32_t)sec;
            int64_t rest = v[i] - sec * unit;
            int64_t ms = unit >= 1000 ? rest / (unit / 1000) : rest * (1000 / unit);
            s->times_ms[i] = sec > INT64_MAX / 2000 || sec < INT64_MIN / 2000
                                 ? (sec > 0 ? INT64_MAX / 2 : INT64_MIN / 2)
                                 : sec * 1000 + ms;
        }
    }
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        least = s->times_ms[i] < least ? s->times_ms[i] : least;
        most = s->times_ms[i] > most ? s->times_ms[i] : most;
    }
    if (c->nulls == NULL && least >= low * 1000 && most <= high * 1000 + 999)
        return;
    for (size_t i = 0; i < n; i++) {
        bool is_null = c->nulls && c->nulls[i];
        if (__builtin_expect(
                is_null || s->times_ms[i] < low * 1000 || s->times_ms[i] > high * 1000 + 999, 0) &&
            !s->bad[i])
            set_bad(j, i, is_null ? WHY_NO_TIME : WHY_TIME_RANGE, w->plan->event_time);
    }
}

static void judge_raws(const struct judged *j, const struct plan_source *p)
{
    for (size_t r = 0; r < p->n_raws; r++) {
        const struct plan_raw *raw = &p->raws[r];
        for (size_t i = 0; i < raw->n_columns && raw->level == j->level; i++)
            judge(j, output_column(j->rows, raw->columns[i].output), raw->columns[i].output,
                  output_bytes(j->rows, raw->pass), NULL);
    }
}

/* Values that ClickHouse's aggregate would throw on (an infinity in quantilesDD, arrays of
 * different length). */
static void judge_aggregate(const struct judged *j, const struct plan_measure *m,
                            const uint8_t *pass, const uint8_t *condition)
{
    if (m->n_args == 0 || !aggregate_can_reject(m->aggregate))
        return;
    const struct column *args[COUNT(m->args)];
    for (size_t k = 0; k < m->n_args; k++)
        args[k] = output_column(j->rows, m->args[k]);
    for (size_t i = 0; i < j->rows->n_rows; i++)
        if (!j->s->bad[event_of(j->rows, i)] && (!pass || pass[i]) &&
            (!condition || condition[i]) && aggregate_rejects(m->aggregate, args, i))
            set_bad(j, i, WHY_AGGREGATE, m->args[0]);
}

/* What cubes are derived from has all their keys and measures. */
static void judge_pane(const struct judged *j, const struct plan_pane *pane)
{
    const uint8_t *pass = output_bytes(j->rows, pane->pass);
    for (size_t i = 0; i < pane->shape.n_dimensions; i++)
        judge(j, output_column(j->rows, pane->dimensions[i]), pane->dimensions[i], pass, NULL);
    for (size_t m = 0; m < pane->n_measures; m++) {
        const struct plan_measure *measure = &pane->measures[m];
        const uint8_t *condition = output_bytes(j->rows, measure->condition);
        if (measure->condition >= 0)
            judge(j, output_column(j->rows, measure->condition), measure->condition, pass, NULL);
        for (size_t a = 0; a < measure->n_args; a++)
            judge(j, output_column(j->rows, measure->args[a]), measure->args[a], pass, condition);
        judge_aggregate(j, measure, pass, condition);
    }
}

/* The arrays that are taken apart: computed, and as long as one another? */
static void judge_arrays(const struct judged *j, const struct plan_unfold *u)
{
    const uint8_t *pass = output_bytes(j->rows, u->pass);
    size_t n_arrays = 0;
    for (size_t i = 0; i < u->n_slots; i++) {
        if (!u->slots[i].is_element)
            continue;
        judge(j, output_column(j->rows, u->slots[i].output), u->slots[i].output, pass, NULL);
        n_arrays++;
    }
    for (size_t i = 0; n_arrays > 1 && i < j->rows->n_rows; i++)
        if ((!pass || pass[i]) && !j->s->bad[event_of(j->rows, i)] &&
            unfold_count(u, j->rows->frame, i) == UINT64_MAX)
            set_bad(j, i, WHY_ARRAYS, 0);
}

/* Everything of one level's rows, then the levels below. is_all: these are all its rows. */
static void judge_level(struct gatherer *w, const struct judged *j, bool is_all, int64_t now)
{
    const struct plan_source *p = w->plan;
    for (size_t i = 0; i < p->n_streams; i++)
        if (p->streams[i].out >= 0 && p->streams[i].out_level == j->level)
            judge(j, output_column(j->rows, p->streams[i].out), p->streams[i].out, NULL, NULL);
    judge_raws(j, p);
    for (size_t k = 0; k < p->n_panes; k++)
        if (p->panes[k].level == j->level)
            judge_pane(j, &p->panes[k]);
    for (size_t i = 0; i < p->n_unfolds; i++) {
        struct unfold_cursor at = {0};
        struct unfolded *u = w->levels ? &w->levels[i] : NULL;
        if (u == NULL || p->unfolds[i].above != j->level)
            continue;
        judge_arrays(j, &p->unfolds[i]);
        bool is_first = true, are_all_there = is_all;
        while (at.row < j->rows->n_rows && unfold_next(u, j->rows, w->scratch->bad, &at, now)) {
            struct rows_view rows = unfolded_view(u);
            struct judged below = {w->scratch, &rows, i + 1};
            are_all_there = is_all && is_first && at.row >= j->rows->n_rows;
            judge_level(w, &below, are_all_there, now);
            is_first = false;
        }
        if (are_all_there)
            u->serial = w->scratch->serial;
    }
}

/* An event is good as a whole or rejected as a whole, before anything of it goes anywhere. */
static void judge_batch(struct gatherer *w, int64_t now)
{
    const struct plan_source *p = w->plan;
    struct rows_view rows = records_view(w);
    struct judged j = {w->scratch, &rows, 0};
    memset(w->scratch->bad, 0, w->batch.n_rows);
    w->scratch->n_bad = w->scratch->n_duplicates = 0;
    w->scratch->serial = ++w->serial;
    judge_times(w, &j, now);
    for (size_t i = 0; i < p->n_checked; i++)
        judge(&j, output_column(&rows, p->checked[i]), p->checked[i], NULL, NULL);
    judge_level(w, &j, true, now);
}

/* ---- spreading good rows ---- */

static size_t good_rows(const struct gather_scratch *s, const struct rows_view *v,
                        const uint8_t *pass, uint32_t *rows)
{
    size_t kept = 0, n = v->n_rows;
    if (pass == NULL && s->n_bad == 0) {
        for (size_t i = 0; i < n; i++)
            rows[i] = (uint32_t)i;
        return n;
    }
    if (v->events != NULL) {
        for (size_t i = 0; i < n; i++) {
            rows[kept] = (uint32_t)i;
            kept += (pass == NULL || pass[i] != 0) & !s->bad[v->events[i]];
        }
        return kept;
    }
    if (pass == NULL) {
        for (size_t i = 0; i < n; i++) {
            rows[kept] = (uint32_t)i;
            kept += !s->bad[i];
        }
        return kept;
    }
    for (size_t i = 0; i < n; i++) {
        rows[kept] = (uint32_t)i;
        kept += (pass[i] != 0) & !s->bad[i];
    }
    return kept;
}

/* The first n of s->rows go somewhere. */
static void mark_kept(struct gather_scratch *s, const struct rows_view *v, size_t n)
{
    if (v->events != NULL) {
        for (size_t i = 0; i < n; i++)
            s->kept[v->events[s->rows[i]]] = 1;
        return;
    }
    if (n == v->n_rows) {
        memset(s->kept, 1, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        s->kept[s->rows[i]] = 1;
}

static size_t live_rows(struct gather_scratch *s, const struct rows_view *v, size_t n,
                        int64_t cutoff, uint64_t *expired)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        s->live[kept] = s->rows[i];
        kept += (int64_t)v->times[s->rows[i]] >= cutoff;
    }
    *expired += n - kept;
    return kept;
}

static void spread_raw(struct gather *g, struct gatherer *w, const struct rows_view *v, size_t r,
                       const struct gather_chunk *chunk, int64_t now, uint64_t *expired)
{
    struct gather_scratch *s = w->scratch;
    const struct plan_raw *raw = &w->plan->raws[r];
    size_t n = good_rows(s, v, output_bytes(v, raw->pass), s->rows);
    mark_kept(s, v, n);
    n = live_rows(s, v, n, keep_cutoff(raw->keep, raw->hidden_before, now), expired);
    const struct column **columns = s->columns;
    for (size_t i = 0; i < raw->n_columns; i++)
        columns[i] = output_column(v, raw->columns[i].output);
    struct raws_input in = {.columns = columns,
                            .rows = s->live,
                            .n = n,
                            .times = v->times,
                            .offsets = v->offsets,
                            .partition = chunk->partition};
    raws_add(&g->raws[r], &in);
}

/* First time that is not past KEEP: a bucket is expired when its start is. */
static int64_t tier_cutoff(const struct plan_cube *cube, const struct plan_tier *tier, int64_t now)
{
    int64_t cut = keep_cutoff(tier->keep, tier->hidden_before, now);
    if (cut == INT64_MIN || cube->shape.count == 0)
        return INT64_MIN;
    if (cut < 0)
        return INT64_MIN;
    int64_t start =
        zone_bucket_start(cube->shape.zone, cut, tier->every.count, (int)tier->every.unit);
    return start >= cut ? start
                        : zone_bucket_next(cube->shape.zone, start, tier->every.count,
                                           (int)tier->every.unit);
}

/* Counts rows (the first n of s->rows) past the tiers' KEEP. Returns the first time that is not
 * past all of them; INT64_MIN: none is. */
static int64_t count_expired(const struct gather_scratch *s, const struct rows_view *v, size_t n,
                             const struct plan_cube *cube, int64_t now, uint64_t *expired)
{
    int64_t lowest = INT64_MAX;
    for (size_t t = 0; t < cube->n_tiers; t++) {
        int64_t cut = tier_cutoff(cube, &cube->tiers[t], now);
        lowest = cut < lowest ? cut : lowest;
        if (cut == INT64_MIN)
            continue;
        for (size_t i = 0; i < n; i++)
            expired[t] += (int64_t)v->times[s->rows[i]] < cut;
    }
    return lowest;
}

static void add_to_pane(struct gather *g, struct gatherer *w, const struct rows_view *v, size_t k,
                        const uint32_t *rows, size_t n)
{
    struct gather_scratch *s = w->scratch;
    const struct plan_pane *pane = &w->plan->panes[k];
    const struct column **dimensions = s->columns, **conditions = s->conditions;
    const struct column *(*args)[MAX_ARGS] = s->args;
    const struct column *const **arg_lists = s->arg_lists;
    for (size_t i = 0; i < pane->shape.n_dimensions; i++)
        dimensions[i] = output_column(v, pane->dimensions[i]);
    for (size_t m = 0; m < pane->n_measures; m++) {
        const struct plan_measure *measure = &pane->measures[m];
        for (size_t a = 0; a < measure->n_args; a++)
            args[m][a] = output_column(v, measure->args[a]);
        arg_lists[m] = args[m];
        conditions[m] = measure->condition >= 0 ? output_column(v, measure->condition) : NULL;
    }
    struct cube_rows in = {
        .times = pane->shape.count ? v->times : NULL,
        .dimensions = dimensions,
        .args = arg_lists,
        .conditions = conditions,
        .rows = n == v->n_rows ? NULL : rows, /* all of them: no indirection */
        .n = n,
    };
    if (n > 0)
        cube_add(g->cubes[k], &in);
}

/* expired: of all tiers, cube by cube. */
static void spread_pane(struct gather *g, struct gatherer *w, const struct rows_view *v, size_t k,
                        int64_t now, uint64_t *expired)
{
    struct gather_scratch *s = w->scratch;
    const struct plan_source *p = w->plan;
    size_t n = good_rows(s, v, output_bytes(v, p->panes[k].pass), s->rows);
    if (n == 0)
        return;
    mark_kept(s, v, n);
    /* Rows past every tier's KEEP need no pane; those past some tier's are dropped from it at
     * the seal. */
    int64_t lowest = INT64_MAX;
    for (size_t c = 0; c < p->n_cubes; expired += p->cubes[c].n_tiers, c++) {
        if (p->cubes[c].pane != k)
            continue;
        int64_t cut = count_expired(s, v, n, &p->cubes[c], now, expired);
        lowest = cut < lowest ? cut : lowest;
    }
    uint64_t ignored = 0;
    size_t n_live = lowest == INT64_MIN ? n : live_rows(s, v, n, lowest, &ignored);
    add_to_pane(g, w, v, k, lowest == INT64_MIN ? s->rows : s->live, n_live);
}

/* ---- counts ---- */

static size_t partition_slot(const struct gather *g, uint64_t partition)
{
    size_t n_slots = g->cap_partitions * 2, at = ih64(partition) & (n_slots - 1);
    while (g->partition_slots[at] != 0 &&
           g->partitions[g->partition_slots[at] - 1].partition != partition)
        at = (at + 1) & (n_slots - 1);
    return at;
}

static void grow_partitions(struct gather *g)
{
    g->cap_partitions = g->cap_partitions ? g->cap_partitions * 2 : 16;
    g->partitions = xrealloc(g->partitions, g->cap_partitions * sizeof(*g->partitions));
    free(g->partition_slots);
    g->partition_slots = xcalloc(g->cap_partitions * 2, sizeof(*g->partition_slots));
    for (size_t i = 0; i < g->n_partitions; i++)
        g->partition_slots[partition_slot(g, g->partitions[i].partition)] = (uint32_t)i + 1;
}

static struct partition_counts *counts_of(struct gather *g, uint64_t partition, uint64_t offset)
{
    if (g->n_partitions == g->cap_partitions)
        grow_partitions(g);
    size_t at = partition_slot(g, partition);
    if (g->partition_slots[at] == 0) {
        g->partitions[g->n_partitions] = (struct partition_counts){.partition = partition,
                                                                   .from = offset,
                                                                   .to = offset,
                                                                   .min_ms = INT64_MAX,
                                                                   .max_ms = INT64_MIN};
        g->partition_slots[at] = (uint32_t)++g->n_partitions;
    }
    return &g->partitions[g->partition_slots[at] - 1];
}

static void add_to_total(struct gather *g, const struct partition_counts *before,
                         const struct partition_counts *after)
{
    g->total.read += after->read - before->read;
    g->total.kept += after->kept - before->kept;
    g->total.filtered += after->filtered - before->filtered;
    g->total.rejected += after->rejected - before->rejected;
    g->total.duplicate += after->duplicate - before->duplicate;
    g->total.bytes += after->bytes - before->bytes;
}

/* Good rows that pass; pass NULL: all good ones. */
static uint64_t count_passing(const struct gather_scratch *s, const uint8_t *pass, size_t n)
{
    if (pass == NULL)
        return n - s->n_bad;
    uint64_t count = 0;
    for (size_t k = 0; k < n; k++)
        count += !s->bad[k] & (pass[k] != 0);
    return count;
}

/* The ledger counts events: one of which many rows are made came once, and left once. */
static uint64_t count_marks(const uint8_t *marks, size_t n)
{
    uint64_t count = 0;
    for (size_t k = 0; k < n; k++)
        count += marks[k];
    return count;
}

static void count_objects(struct gather *g, struct gatherer *w)
{
    struct rows_view v = records_view(w);
    const struct gather_scratch *s = w->scratch;
    for (size_t i = 0; i < w->plan->n_streams; i++) {
        const struct plan_stream *p = &w->plan->streams[i];
        g->objects[i].in += p->in_level == 0 ? count_passing(s, output_bytes(&v, p->in), v.n_rows)
                                             : count_marks(s->came[i], v.n_rows);
        g->objects[i].out += p->out_level == 0
                                 ? count_passing(s, output_bytes(&v, p->out), v.n_rows)
                                 : count_marks(s->left[i], v.n_rows);
    }
}

static void mark_passing(const struct gather_scratch *s, const struct rows_view *v, int output,
                         uint8_t *marks)
{
    const uint8_t *pass = output_bytes(v, output);
    for (size_t i = 0; i < v->n_rows; i++)
        marks[v->events[i]] |= (pass == NULL || pass[i] != 0) & !s->bad[v->events[i]];
}

static void mark_objects(struct gatherer *w, const struct rows_view *v, size_t level)
{
    for (size_t i = 0; i < w->plan->n_streams; i++) {
        const struct plan_stream *p = &w->plan->streams[i];
        if (p->in_level == level)
            mark_passing(w->scratch, v, p->in, w->scratch->came[i]);
        if (p->out_level == level)
            mark_passing(w->scratch, v, p->out, w->scratch->left[i]);
    }
}

static void count_batch(struct gather *g, struct gatherer *w, struct partition_counts *counts)
{
    const struct gather_scratch *s = w->scratch;
    size_t n = w->batch.n_rows;
    uint64_t n_bad = s->n_bad, n_kept = 0;
    int64_t low = counts->min_ms, high = counts->max_ms;
    for (size_t i = 0; i < n; i++)
        n_kept += s->kept[i];
    for (size_t i = 0; i < n; i++) {
        bool is_good = n_bad == 0 || !s->bad[i];
        int64_t t = s->times_ms[i];
        low = is_good && t < low ? t : low;
        high = is_good && t > high ? t : high;
    }
    counts->min_ms = low;
    counts->max_ms = high;
    counts->read += n;
    counts->rejected += n_bad - s->n_duplicates;
    counts->duplicate += s->n_duplicates;
    counts->kept += n_kept;
    counts->filtered += n - n_bad - n_kept;
    count_objects(g, w);
}

/* ---- a batch, a chunk ---- */

static void fill_virtuals(struct gatherer *w, const struct gather_chunk *chunk, int64_t now)
{
    const struct plan_source *p = w->plan;
    size_t n = w->batch.n_rows;
    struct column *c = &w->batch.columns[p->def->n_columns];
    for (size_t v = 0; v < VIRTUAL_COLUMNS; v++) {
        if (!p->uses_virtual[v])
            continue;
        for (size_t i = 0; i < n; i++) {
            switch (v) {
            case 0: COLUMN(&c[v], struct str)[i] = p->name; break;
            case 1: COLUMN(&c[v], uint64_t)[i] = chunk->partition; break;
            case 2: COLUMN(&c[v], uint64_t)[i] = w->batch.offsets[i]; break;
            case 3: COLUMN(&c[v], uint32_t)[i] = (uint32_t)now; break;
            case 4: COLUMN(&c[v], struct str)[i] = str_of(chunk->path ? chunk->path : ""); break;
            case 5: {
                const char *slash = chunk->path ? strrchr(chunk->path, '/') : NULL;
                COLUMN(&c[v], struct str)
                [i] = str_of(slash ? slash + 1 : chunk->path ? chunk->path : "");
                break;
            }
            default: {
                /* sipHash128 of source, topic (none), partition, offset. */
                struct sip128 sip;
                sip128_init(&sip);
                sip128_add(&sip, p->name.p, p->name.n);
                sip128_add(&sip, "\0", 1);
                sip128_add(&sip, &chunk->partition, 8);
                sip128_add(&sip, &w->batch.offsets[i], 8);
                struct u128 id = sip128_end(&sip);
                char *text = arena_bytes(&w->batch.arena, 33);
                snprintf(text, 33, "%016lx%016lx", (unsigned long)id.hi, (unsigned long)id.lo);
                COLUMN(&c[v], struct str)[i] = (struct str){text, 32};
            }
            }
        }
    }
}

void batch_judge(struct gatherer *w, const struct gather_chunk *chunk, int64_t now)
{
    fill_virtuals(w, chunk, now);
    frame_lookups(w->frame, w->tables);
    program_run(w->plan->program, w->frame, &w->batch, now);
    judge_batch(w, now);
}

static void spread_level(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                         const struct rows_view *v, size_t level, int64_t now);

static void spread_below(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                         const struct rows_view *v, size_t i, int64_t now)
{
    struct unfolded *u = &w->levels[i];
    struct unfold_cursor at = {0};
    if (u->serial == w->scratch->serial) { /* made when the batch was judged */
        struct rows_view rows = unfolded_view(u);
        spread_level(g, w, chunk, &rows, i + 1, now);
        return;
    }
    while (at.row < v->n_rows && unfold_next(u, v, w->scratch->bad, &at, now)) {
        struct rows_view rows = unfolded_view(u);
        spread_level(g, w, chunk, &rows, i + 1, now);
    }
}

static void spread_level(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                         const struct rows_view *v, size_t level, int64_t now)
{
    const struct plan_source *p = w->plan;
    uint64_t *expired = g->expired;
    for (size_t k = 0; k < p->n_panes; k++)
        if (p->panes[k].level == level)
            spread_pane(g, w, v, k, now, expired);
    expired += n_tiers_of(p);
    for (size_t r = 0; r < p->n_raws; r++, expired++)
        if (p->raws[r].level == level)
            spread_raw(g, w, v, r, chunk, now, expired);
    if (level > 0)
        mark_objects(w, v, level);
    for (size_t i = 0; i < p->n_unfolds; i++)
        if (p->unfolds[i].above == level)
            spread_below(g, w, chunk, v, i, now);
}

void batch_spread(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                  struct partition_counts *counts, int64_t now)
{
    struct rows_view rows = records_view(w);
    size_t n = w->batch.n_rows;
    memset(w->scratch->kept, 0, n);
    for (size_t i = 0; w->scratch->came != NULL && i < w->plan->n_streams; i++) {
        memset(w->scratch->came[i], 0, n);
        memset(w->scratch->left[i], 0, n);
    }
    spread_level(g, w, chunk, &rows, 0, now);
    count_batch(g, w, counts);
    for (size_t i = 0; w->scratch->n_bad > 0 && i < n; i++)
        if (w->scratch->bad[i] && w->scratch->fault[i] != WHY_DUPLICATE)
            reject_row(g, w, chunk, i, now);
}

static enum err_code use_header(struct gatherer *w, struct str header, struct err *e)
{
    if (header.p == NULL || (w->header && str_is(header, w->header)))
        return ERR_OK;
    free(w->header);
    w->header = NULL;
    enum err_code code = decoder_header(w->decoder, header, e);
    if (code != ERR_OK && !format_has_headers_inside(w->plan->def->format))
        return code;
    w->header = xstrndup(header.p, header.n);
    return ERR_OK;
}

/* Bytes of a first line that is no record but holds the source's own column names. */
static size_t detected_header(const struct gatherer *w, struct str bytes)
{
    const struct source_def *def = w->plan->def;
    AUTO_MEM struct str *names = xcalloc(def->n_columns + 1, sizeof(*names));
    size_t n = 0;
    for (uint32_t i = 0; i < def->n_columns; i++) {
        const struct column_def *c = &def->columns[i];
        if (c->mode != COLUMN_MATERIALIZED && c->mode != COLUMN_ALIAS)
            names[n++] = c->has_from ? c->from : c->name;
    }
    return decoder_detected_header(w->delimiter, names, n, bytes);
}

void feed_chunk(struct gatherer *w, const struct gather_chunk *chunk, int64_t now)
{
    size_t skipped = w->delimiter && chunk->offset == 0 ? detected_header(w, chunk->bytes) : 0;
    decoder_set_now(w->decoder, now);
    decoder_feed(w->decoder, chunk->bytes.p + skipped, chunk->bytes.n - skipped,
                 chunk->offset + skipped);
}

void keep_decoder_rejects(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                          struct partition_counts *counts)
{
    for (size_t i = 0; i < w->rejects.n; i++) {
        const struct reject *r = &w->rejects.items[i];
        keep_reject(g, chunk, r->offset, r->bytes, r->reason);
    }
    counts->read += w->rejects.n;
    counts->rejected += w->rejects.n;
}

static void gather_records(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                           struct partition_counts *counts, int64_t now)
{
    feed_chunk(w, chunk, now);
    for (;;) {
        batch_reset(&w->batch);
        reject_list_reset(&w->rejects);
        if (decoder_next(w->decoder, &w->batch, &w->rejects) == 0)
            return;
        if (w->batch.n_rows > 0) {
            batch_judge(w, chunk, now);
            batch_spread(g, w, chunk, counts, now);
        }
        keep_decoder_rejects(g, w, chunk, counts);
    }
}

void keep_too_long(struct gather *g, const struct gatherer *w, const struct gather_chunk *chunk,
                   struct partition_counts *counts)
{
    char reason[100];
    snprintf(reason, sizeof(reason), "record longer than max_record (%lld bytes)",
             (long long)w->settings->max_record_bytes);
    keep_reject(g, chunk, chunk->offset, chunk->bytes, reason);
    counts->read++;
    counts->rejected++;
}

enum err_code gather_chunk(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                           int64_t now, struct err *e)
{
    enum err_code code = use_header(w, chunk->header, e);
    if (code != ERR_OK) {
        if (w->window != NULL)
            window_give_up(w->window, chunk->partition, chunk->after, chunk->to);
        return code;
    }
    struct partition_counts *counts = counts_of(g, chunk->partition, chunk->offset);
    struct partition_counts before = *counts;
    counts->bytes += chunk->bytes.n;
    if (w->window != NULL)
        code = held_chunk(g, w, chunk, counts, now, e);
    else if (chunk->is_too_long)
        keep_too_long(g, w, chunk, counts);
    else
        gather_records(g, w, chunk, counts, now);
    add_to_total(g, &before, counts);
    publish_bytes(g);
    return code;
}

const struct partition_counts *gather_counts(const struct gather *g, uint64_t partition)
{
    if (g->cap_partitions == 0)
        return NULL;
    uint32_t index = g->partition_slots[partition_slot(g, partition)];
    return index ? &g->partitions[index - 1] : NULL;
}
