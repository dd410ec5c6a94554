/* SPDX-License-Identifier: Apache-2.0
 *
 * Epochs that have an intent but no ledger entry: their ranges are read again, with the intent's
 * generation and time, and what is missing is inserted under the intent's own lane and number. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/retry.h"
#include "engine/runner_priv.h"

enum { GONE_AFTER_MS = 10000, LOOK_AGAIN_MS = 200 };

static const struct plan_source *source_of(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->n_sources; i++)
        if (str_eq(plan->sources[i].name, name))
            return &plan->sources[i];
    return NULL;
}

/* Reads one range into the gather. What cannot be read is lost: said, counted, and the epoch
 * completes without it. */
/* Files vanish for a moment (restored, moved between file systems): the next piece is looked for
 * again and again for a while before it counts as gone. */
static enum err_code find_piece(struct runner *r, const struct chain_range *range, uint64_t at,
                                struct file_chunk *chunk, struct err *e)
{
    for (int waited_ms = 0;; waited_ms += LOOK_AGAIN_MS) {
        enum err_code code = file_read_range(r->files, &range->mark, at, range->to, chunk, e);
        bool is_gone = code == ERR_NOT_FOUND || code == ERR_INVALID ||
                       (code == ERR_OK && chunk->from == chunk->to);
        if (!is_gone)
            return code;
        if (waited_ms >= GONE_AFTER_MS)
            return ERR_NOT_FOUND;
        if (r->give_up)
            return err_set(e, ERR_STOPPED, "stopped while %s is looked for", range->mark.path);
        clock_sleep_ms(LOOK_AGAIN_MS);
        TRY(file_set_scan(r->files, e));
    }
}

static enum err_code read_range(struct runner *r, struct epoch *ep, struct gatherer *w,
                                const struct chain_range *range, struct err *e)
{
    uint64_t at = range->from, after = 0;
    while (at < range->to) {
        struct file_chunk chunk;
        enum err_code code = find_piece(r, range, at, &chunk, e);
        if (code == ERR_NOT_FOUND) {
            char text[700];
            snprintf(text, sizeof(text),
                     "epoch %" PRIu64 " needs bytes %" PRIu64 " to %" PRIu64
                     " of %s, which cannot be found any more",
                     ep->row.n, at, range->to, range->mark.path);
            log_error("recover", "lost", "source=%.*s %s", STR_FMT(r->source->name), text);
            runner_alarm(r, "lost", range->mark.partition, text, range->to - at);
            ep->extras = xrealloc(ep->extras, (ep->n_extras + 1) * sizeof(*ep->extras));
            ep->extras[ep->n_extras++] =
                (struct ledger_extra){.partition = range->mark.partition, .lost = range->to - at};
            return ERR_OK;
        }
        if (code != ERR_OK)
            return code;
        struct gather_chunk in = {.partition = range->mark.partition,
                                  .offset = chunk.from,
                                  .bytes = {chunk.data, chunk.data_bytes},
                                  .header = chunk.header,
                                  .is_too_long = chunk.is_too_long,
                                  .path = chunk.path,
                                  .after = after,
                                  .to = chunk.to};
        after = at = chunk.to;
        code = gather_chunk(ep->gathers[0], w, &in, ep->row.now, e);
        file_release(r->files, &chunk);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static enum err_code recover_row(struct runner *r, const struct chain_row *row, struct err *e)
{
    const struct plan *plan = r->plan;
    if (row->generation != r->generation && r->options.plan_of != NULL) {
        plan = r->options.plan_of(r->options.context, row->generation, e);
        if (plan == NULL)
            return ERR_INVALID;
    }
    const struct plan_source *source = source_of(plan, r->source->name);
    if (source == NULL)
        return err_set(e, ERR_INVALID, "generation %u does not have source '%.*s'", row->generation,
                       STR_FMT(r->source->name));
    log_info("recover", "epoch", "source=%.*s n=%" PRIu64 " ranges=%zu", STR_FMT(source->name),
             row->n, row->n_ranges);

    struct gather *gather = gather_new(source);
    struct gatherer w;
    enum err_code code = gatherer_init(&w, source, &plan->settings, e);
    struct window_options remembered = {.store = r->store, .before_n = row->n, .stop = &r->give_up};
    if (source->deduplicate != NULL && row->kind != CHAIN_RETRY)
        w.window = window_new(source, &plan->settings, &remembered);
    struct epoch ep = {.plan = plan,
                       .source = source,
                       .gathers = &gather,
                       .n_gathers = 1,
                       .say = runner_say,
                       .context = r};
    ep.row = *row; /* borrowed: given back below */
    if (code == ERR_OK)
        code = lookup_pin_recover(&ep.pin, r->lookups, plan, source, r->store,
                                  str_of(row->lookups ? row->lookups : ""), e);
    if (code == ERR_OK)
        w.tables = ep.pin.tables;
    for (size_t i = 0; i < row->n_ranges && code == ERR_OK; i++) {
        const struct chain_range *range = &row->ranges[i];
        code = row->kind == CHAIN_RETRY
                   ? retry_gather(gather, &w, r->store, plan, range->from, range->to, row->now, e)
                   : read_range(r, &ep, &w, range, e);
    }
    if (code == ERR_OK) {
        epoch_seal(&ep, r->n_workers);
        code = epoch_store(&ep, &r->store, 1,
                           (struct patience){.stop = &r->stop, .give_up = &r->give_up}, e);
    }
    ep.row = (struct chain_row){0};
    epoch_done(&ep);
    window_free(w.window);
    gatherer_done(&w);
    gather_free(gather);
    return code;
}

enum err_code runner_recover(struct runner *r, struct err *e)
{
    while (r->chain.n_open > 0) {
        uint64_t n = r->chain.open[0].n;
        TRY(recover_row(r, &r->chain.open[0], e));
        chain_close_row(&r->chain, n);
    }
    return ERR_OK;
}
