/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/retry.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/run.h"

enum { RETRY_BYTES = 128 << 20 }; /* of records per epoch */

static void source_condition(struct buf *sql, const struct plan_source *source, uint64_t from,
                             uint64_t to)
{
    buf_text(sql, " WHERE source = ");
    print_string_literal(sql, source->name);
    buf_printf(sql, " AND n > %" PRIu64 " AND n <= %" PRIu64, from, to);
}

static struct str cell(const struct native_result *r, size_t column, size_t row)
{
    return ((struct str *)r->columns[column].column.values)[row];
}

static uint64_t number(const struct native_result *r, size_t column, size_t row)
{
    return ((uint64_t *)r->columns[column].column.values)[row];
}

enum err_code retry_gather(struct gather *g, struct gatherer *w, struct store *s,
                           const struct plan *plan, uint64_t from, uint64_t to, int64_t now,
                           struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    /* The path is the one under which the record's epoch read it. */
    buf_printf(&sql,
               "SELECT partition, `offset`, record, header, startsWith(reason, 'record longer "
               "than'), path FROM "
               "(SELECT n, partition, `offset`, record, header, reason FROM %s.weir_rejects",
               plan->settings.database);
    source_condition(&sql, w->plan, from, to);
    buf_printf(&sql,
               ") AS r ASOF LEFT JOIN (SELECT partition AS of, n AS read_in, toString(name) AS "
               "path FROM %s.weir_ledger WHERE source = ",
               plan->settings.database);
    print_string_literal(&sql, w->plan->name);
    buf_text(&sql, " AND kind = 'partition' AND name NOT IN ('', 'retry')) AS l ON r.partition = "
                   "l.of AND r.n >= l.read_in "
                   "ORDER BY n, partition, `offset`");
    struct native_result r = {0};
    TRY(store_native(s, buf_cstr(&sql), &r, e));
    enum err_code code = ERR_OK;
    /* Judged among themselves: a run's epochs, which may be under way, neither see nor are seen. */
    struct window_options alone = {0};
    if (w->plan->deduplicate != NULL)
        w->window = window_new(w->plan, &plan->settings, &alone);
    bool has_header =
        format_has_names(w->plan->def->format) || format_has_state(w->plan->def->format);
    for (size_t i = 0; i < r.n_rows && code == ERR_OK; i++) {
        struct gather_chunk chunk = {
            .partition = number(&r, 0, i),
            .offset = number(&r, 1, i),
            .bytes = cell(&r, 2, i),
            .header = has_header ? cell(&r, 3, i) : (struct str){0},
            .is_too_long = ((uint8_t *)r.columns[4].column.values)[i] != 0,
        };
        struct str name = cell(&r, 5, i);
        AUTO_MEM char *path = xstrndup(name.p, name.n);
        chunk.path = path;
        chunk.after = WINDOW_NO_TURN;
        chunk.to = chunk.offset + 1;
        code = gather_chunk(g, w, &chunk, now, e);
    }
    window_free(w->window);
    w->window = NULL;
    native_result_done(&r);
    return code;
}

/* The last n whose rejects fit one epoch, from `from` on; 0: there are none. */
static enum err_code next_range(struct store *s, const struct plan *plan,
                                const struct plan_source *source, uint64_t from, uint64_t newest,
                                uint64_t *to, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql, "SELECT n, sum(length(record) + length(header)) FROM %s.weir_rejects",
               plan->settings.database);
    source_condition(&sql, source, from, newest);
    buf_text(&sql, " GROUP BY n ORDER BY n");
    struct native_result r = {0};
    TRY(store_native(s, buf_cstr(&sql), &r, e));
    *to = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < r.n_rows; i++) {
        bytes += number(&r, 1, i);
        if (*to != 0 && bytes > RETRY_BYTES)
            break;
        *to = number(&r, 0, i);
    }
    native_result_done(&r);
    return ERR_OK;
}

static enum err_code store_now(struct store *s, int64_t *now, struct err *e)
{
    AUTO_DONE(buf) answer = {0};
    TRY(store_text(s, "SELECT toUnixTimestamp(now())", &answer, e));
    *now = strtoll(buf_cstr(&answer), NULL, 10);
    return ERR_OK;
}

static void add_counts(struct retry_counts *counts, const struct gather *g)
{
    for (size_t i = 0; i < g->n_partitions; i++) {
        counts->records += g->partitions[i].read;
        counts->kept += g->partitions[i].kept;
        counts->filtered += g->partitions[i].filtered;
        counts->rejected += g->partitions[i].rejected;
        counts->duplicate += g->partitions[i].duplicate;
    }
}

struct retrying {
    const struct plan *plan;
    const struct plan_source *source;
    struct store *s;
    struct chain *chain;
    struct gatherer *w;
    struct gather *g;
    struct lookups *lookups;
    uint64_t lane;
    uint32_t generation;
};

static enum err_code retry_epoch(struct retrying *t, uint64_t from, uint64_t to,
                                 struct retry_counts *counts, struct err *e)
{
    int64_t now;
    TRY(store_now(t->s, &now, e));
    gather_reset(t->g);
    struct epoch ep = {.plan = t->plan, .source = t->source, .gathers = &t->g, .n_gathers = 1};
    AUTO_DONE(buf) versions = {0};
    lookups_pin(t->lookups, t->source, &ep.pin);
    lookup_pin_print(&ep.pin, &versions);
    t->w->tables = ep.pin.tables;
    enum err_code code = retry_gather(t->g, t->w, t->s, t->plan, from, to, now, e);
    if (code != ERR_OK) {
        epoch_done(&ep);
        return code;
    }
    ep.row = (struct chain_row){.kind = CHAIN_RETRY,
                                .lane = t->lane,
                                .process = xasprintf("retry:%d", getpid()),
                                .generation = t->generation,
                                .now = now,
                                .slot_s = t->plan->settings.slot_s,
                                .margin_s = t->plan->settings.margin_s,
                                .lookups = buf_take(&versions),
                                .n_ranges = 1};
    ep.row.ranges = xcalloc(1, sizeof(*ep.row.ranges));
    ep.row.ranges[0] = (struct chain_range){
        .from = from,
        .to = to,
        .mark = {.partition = REJECTS_PARTITION, .position = to, .path = xstrdup("rejects")}};
    epoch_seal(&ep, 1);
    code = lookup_pin_store(&ep.pin, t->s, t->plan->settings.database, e);
    if (code == ERR_OK)
        code = chain_append(t->chain, t->s, &ep.row, NULL, e);
    if (code == ERR_OK)
        code = epoch_store(&ep, &t->s, 1, (struct patience){0}, e);
    if (code == ERR_OK)
        add_counts(counts, t->g);
    epoch_done(&ep);
    return code;
}

/* A retry that was killed after its intent: completed under its own number. Two who do so at
 * once do no harm. */
static enum err_code complete_retry(struct retrying *t, const struct chain_row *row,
                                    struct retry_counts *counts, struct err *e)
{
    gather_reset(t->g);
    struct epoch ep = {.plan = t->plan, .source = t->source, .gathers = &t->g, .n_gathers = 1};
    ep.row = *row; /* borrowed: given back below */
    enum err_code code = lookup_pin_recover(&ep.pin, t->lookups, t->plan, t->source, t->s,
                                            str_of(row->lookups ? row->lookups : ""), e);
    if (code == ERR_OK)
        t->w->tables = ep.pin.tables;
    for (size_t i = 0; i < row->n_ranges && code == ERR_OK; i++)
        code = retry_gather(t->g, t->w, t->s, t->plan, row->ranges[i].from, row->ranges[i].to,
                            row->now, e);
    if (code == ERR_OK) {
        epoch_seal(&ep, 1);
        code = epoch_store(&ep, &t->s, 1, (struct patience){0}, e);
    }
    if (code == ERR_OK)
        add_counts(counts, t->g);
    ep.row = (struct chain_row){0};
    epoch_done(&ep);
    return code;
}

static enum err_code complete_retries(struct retrying *t, struct retry_counts *counts,
                                      struct err *e)
{
    size_t i = 0;
    while (i < t->chain->n_open) {
        const struct chain_row *row = &t->chain->open[i];
        if (row->kind != CHAIN_RETRY || row->generation != t->generation) {
            i++; /* `weir run` completes it */
            continue;
        }
        uint64_t n = row->n;
        TRY(complete_retry(t, row, counts, e));
        chain_close_row(t->chain, n);
    }
    return ERR_OK;
}

static enum err_code retry_all(struct retrying *t, struct retry_counts *counts, struct err *e)
{
    TRY(complete_retries(t, counts, e));
    const struct file_mark *end = chain_end(t->chain, REJECTS_PARTITION);
    uint64_t from = end ? end->position : 0, newest = t->chain->last_n, to;
    /* Rejects of an epoch that is not done may land yet: they wait for the next retry. */
    if (t->chain->n_open > 0 && t->chain->open[0].n <= newest)
        newest = t->chain->open[0].n - 1;
    for (;;) {
        TRY(next_range(t->s, t->plan, t->source, from, newest, &to, e));
        if (to == 0)
            return ERR_OK;
        TRY(retry_epoch(t, from, to, counts, e));
        from = to;
    }
}

enum err_code retry_rejects(struct retry_counts *ret, const struct plan *plan,
                            const struct plan_source *source, const struct store_place *place,
                            uint32_t generation, struct err *e)
{
    *ret = (struct retry_counts){0};
    AUTO(store) s = store_new(place);
    struct chain chain = {0};
    struct gatherer w = {0};
    struct retrying t = {
        .plan = plan, .source = source, .s = s, .chain = &chain, .w = &w, .generation = generation};
    if (getrandom(&t.lane, sizeof(t.lane), 0) != sizeof(t.lane) || t.lane == 0)
        t.lane = (uint64_t)clock_mono_ns() | 1;
    AUTO_MEM char *name = xstrndup(source->name.p, source->name.n);
    enum err_code code = run_make_own_tables(s, plan, e);
    if (code == ERR_OK)
        code = chain_read(&chain, s, plan->settings.database, name, e);
    if (code == ERR_OK)
        code = lookups_open(&t.lookups, plan, name, s, e);
    if (code == ERR_OK)
        code = gatherer_init(&w, source, &plan->settings, e);
    if (code == ERR_OK) {
        t.g = gather_new(source);
        code = retry_all(&t, ret, e);
        gather_free(t.g);
    }
    gatherer_done(&w);
    lookups_close(t.lookups);
    chain_done(&chain);
    return code;
}
