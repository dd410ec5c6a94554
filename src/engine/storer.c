/* SPDX-License-Identifier: Apache-2.0
 *
 * The storer takes sealed-off gathers and makes them an epoch: merge, intent, inserts, ledger.
 * At most one epoch of the lane is between intent and done, because there is one storer. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/alarm.h"
#include "engine/expired.h"
#include "engine/runner_priv.h"

/* The intent, with patience: an unknown outcome is asked again with the same row. */
static enum err_code write_intent(struct runner *r, struct epoch *ep, struct err *e)
{
    int pause_ms = 50;
    for (;;) {
        enum err_code code =
            lookup_pin_store(&ep->pin, r->storer_stores[0], r->plan->settings.database, e);
        if (code == ERR_OK)
            code = chain_append(&r->chain, r->storer_stores[0], &ep->row, &r->give_up, e);
        if (code != ERR_UNAVAILABLE && code != ERR_STORE)
            return code;
        runner_set_state(r, NULL, e->text);
        log_warn("storer", "intent_retry", "source=%.*s wait_ms=%d reason='%s'",
                 STR_FMT(r->source->name), pause_ms, e->text);
        if (r->stop)
            return code;
        clock_sleep_ms(pause_ms);
        pause_ms = pause_ms < 5000 ? pause_ms * 2 : 5000;
        if (code == ERR_UNAVAILABLE && runner_start_store(r, r->storer_stores[0]))
            pause_ms = 50;
    }
}

static void prune_window(struct runner *r, const struct epoch *ep)
{
    struct err e;
    size_t n = 0;
    if (r->window == NULL)
        return;
    for (size_t i = 0; i < ep->n_gathers; i++)
        n += ep->gathers[i]->window.n;
    if (window_prune(r->window, r->storer_stores[0], ep->row.n, ep->row.now, n, &e) != ERR_OK)
        log_warn("storer", "window", "source=%.*s reason='%s'", STR_FMT(r->source->name),
                 e.text); /* a later epoch tries again */
}

static enum err_code store_epoch(struct runner *r, struct epoch *ep, struct err *e)
{
    enum err_code code = write_intent(r, ep, e);
    if (code != ERR_OK)
        return r->stop ? err_prefix(e, "what was read last is not stored; the next start stores it")
                       : code;
    struct patience patience = {.stop = &r->stop, .give_up = &r->give_up};
    code = epoch_store(ep, r->storer_stores, STORER_CONNECTIONS, patience, e);
    if (code != ERR_OK)
        return r->stop ? err_prefix(e,
                                    "the intent of epoch %" PRIu64
                                    " stands; the next start completes it",
                                    ep->row.n)
                       : code;
    runner_set_state(r, NULL, "");
    prune_window(r, ep);
    if ((int64_t)(r->chain.last_n - r->chain.last_checkpoint) >=
        r->plan->settings.checkpoint_every) {
        struct err ignored;
        if (chain_checkpoint(&r->chain, r->storer_stores[0], &ep->row, &ignored) != ERR_OK)
            log_warn("storer", "checkpoint", "source=%.*s reason='%s'", STR_FMT(r->source->name),
                     ignored.text); /* the next epoch tries again */
    }
    return ERR_OK;
}

void *storer_main(void *context)
{
    struct runner *r = context;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (r->pending == NULL && !r->is_ending)
            pthread_cond_wait(&r->quiet, &r->lock);
        if (r->pending == NULL)
            break;
        struct epoch *ep = r->pending;
        pthread_mutex_unlock(&r->lock);

        int64_t start = clock_mono_ns();
        struct err e = {0};
        epoch_seal(ep, r->n_workers);
        enum err_code code = store_epoch(r, ep, &e);
        int64_t store_ms = (clock_mono_ns() - start) / 1000000;
        if (code == ERR_OK)
            log_info("storer", "epoch",
                     "source=%.*s n=%" PRIu64 " inserts=%" PRIu64 " rows=%" PRIu64 " ms=%" PRId64,
                     STR_FMT(r->source->name), ep->row.n, epoch_volume(ep).inserts,
                     epoch_volume(ep).rows, store_ms);
        if (code == ERR_OK) {
            const char *folded_in = "";
            uint64_t n_folded = epoch_folded(ep, &folded_in);
            pthread_mutex_lock(&r->lock);
            if (n_folded > 0 && r->n_folded == 0)
                r->folded_in = folded_in;
            r->n_folded += n_folded;
            expired_add(r->expired, r->source, ep->gathers, ep->n_gathers);
            pthread_mutex_unlock(&r->lock);
        }
        for (size_t i = 0; i < ep->n_gathers; i++)
            gather_reset(ep->gathers[i]);
        free(ep->gathers);
        epoch_done(ep);
        free(ep);

        pthread_mutex_lock(&r->lock);
        r->pending = NULL;
        r->last_store_ms = store_ms;
        r->status.store_ms = store_ms;
        if (code == ERR_OK) {
            r->status.epochs++;
            r->status.last_epoch_ms = clock_mono_ns() / 1000000;
        } else {
            r->is_storer_failed = true;
            r->failure = e;
            r->failure.code = code;
            r->stop = true;
        }
        pthread_cond_broadcast(&r->quiet);
        if (code != ERR_OK)
            break;
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}
