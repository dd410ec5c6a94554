/* SPDX-License-Identifier: Apache-2.0
 *
 * Landing: rounds of reading receipts and inserting what is missing, until all blocks and the
 * ledger are there. */
#include <inttypes.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/epoch_priv.h"

struct storing {
    struct epoch *ep;
    struct store *s;
    struct store *const *stores;
    size_t n_stores;
    struct slot_grid grid;
    int64_t now;
    /* later slot in which no INSERT of this epoch from before was seen running */
    int64_t quiet_slot;
    struct attempt ledger;
    struct patience patience;
    /* Senders of one round. */
    size_t next; /* target to take; guarded by lock */
    pthread_mutex_t lock;
    enum err_code failure; /* the first one; guarded by lock */
    struct err *e;
};

static bool is_set(const _Atomic bool *flag)
{
    return flag != NULL && *flag;
}

static enum err_code send_block(struct storing *st, struct store *s, struct block_target *t,
                                struct buf *body, struct err *e)
{
    struct epoch *ep = st->ep;
    uint32_t block = t->n_landed;
    AUTO_MEM char *family = xasprintf("%.*s#%" PRIu64 "/%s/%u/%u", STR_FMT(ep->source->name),
                                      ep->row.n, t->table, t->partition, block);
    attempt_next(&t->attempt, &st->grid, st->now);
    int64_t deadline = slot_deadline(&st->grid, t->attempt.slot);
    buf_reset(body);
    block_body(ep, t, block, deadline, body);
    if (body->n == 0) {
        /* Nothing left of this block (its range is gone): there is nothing to prove either. */
        t->n_landed++;
        t->attempt = (struct attempt){.slot = INT64_MIN};
        return ERR_OK;
    }
    AUTO_DONE(buf) columns = {0};
    block_columns(ep, t, &columns);
    AUTO_MEM char *table = xasprintf("%s.%s", ep->plan->settings.database, t->table);
    enum err_code code = insert_send(s, table, buf_cstr(&columns), family, &t->attempt, &st->grid,
                                     buf_view(body), e);
    t->attempt.is_acknowledged = code == ERR_OK;
    if (code == ERR_STORE)
        err_prefix(e, "%s", t->table);
    return code;
}

static enum err_code send_ledger(struct storing *st, struct err *e)
{
    struct epoch *ep = st->ep;
    AUTO_MEM char *family =
        xasprintf("%.*s#%" PRIu64 "/weir_ledger/0/4095", STR_FMT(ep->source->name), ep->row.n);
    attempt_next(&st->ledger, &st->grid, st->now);
    AUTO_DONE(buf) body = {0};
    ledger_body(ep, slot_deadline(&st->grid, st->ledger.slot), &body);
    AUTO_MEM char *table = xasprintf("%s.weir_ledger", ep->plan->settings.database);
    enum err_code code = insert_send(st->s, table, ledger_columns, family, &st->ledger, &st->grid,
                                     buf_view(&body), e);
    st->ledger.is_acknowledged = code == ERR_OK;
    return code;
}

struct sender {
    struct storing *st;
    struct store *store;
    pthread_t thread;
};

static void *send_targets(void *context)
{
    struct sender *sender = context;
    struct storing *st = sender->st;
    AUTO_DONE(buf) body = {0};
    for (;;) {
        pthread_mutex_lock(&st->lock);
        while (st->next < st->ep->n_targets &&
               st->ep->targets[st->next].n_landed >= st->ep->targets[st->next].n_blocks)
            st->next++;
        bool is_over = st->next >= st->ep->n_targets || st->failure != ERR_OK;
        struct block_target *t = is_over ? NULL : &st->ep->targets[st->next++];
        pthread_mutex_unlock(&st->lock);
        if (t == NULL)
            return NULL;
        struct err e = {0};
        enum err_code code = send_block(st, sender->store, t, &body, &e);
        pthread_mutex_lock(&st->lock);
        if (code != ERR_OK && st->failure == ERR_OK) {
            st->failure = code;
            if (st->e)
                *st->e = e;
        }
        pthread_mutex_unlock(&st->lock);
    }
}

/* The next block of every target, side by side. */
static enum err_code send_round(struct storing *st, struct err *e)
{
    size_t n = st->n_stores > st->ep->n_targets ? st->ep->n_targets : st->n_stores;
    AUTO_MEM struct sender *senders = xcalloc(n + 1, sizeof(*senders));
    st->next = 0;
    st->failure = ERR_OK;
    st->e = e;
    for (size_t i = 0; i < n; i++)
        senders[i] = (struct sender){.st = st, .store = st->stores[i]};
    size_t started = 0;
    for (size_t i = 1; i < n; i++)
        started += pthread_create(&senders[1 + started].thread, NULL, send_targets,
                                  &senders[1 + started]) == 0;
    send_targets(&senders[0]);
    for (size_t i = 0; i < started; i++)
        pthread_join(senders[1 + i].thread, NULL);
    return st->failure;
}

/* Rule 3, once per later slot for all blocks of the epoch: no INSERT of theirs from an earlier slot
 * runs; then the receipts are read again. False in *may_send: the next round looks again. */
static enum err_code enter_later_slot(struct storing *st, bool *is_done, bool *may_send,
                                      struct err *e)
{
    int64_t slot = slot_of(&st->grid, st->now);
    AUTO_MEM char *prefix =
        xasprintf("%.*s#%" PRIu64 "/", STR_FMT(st->ep->source->name), st->ep->row.n);
    TRY(insert_wait_running(st->s, prefix, st->patience.give_up, e));
    TRY(receipts_read(st->ep, st->s, &st->now, is_done, e));
    *may_send =
        !*is_done && slot_of(&st->grid, st->now) == slot && slot_wait(&st->grid, st->now) == 0;
    if (*may_send)
        st->quiet_slot = slot;
    return ERR_OK;
}

/* One round: read all receipts, send what comes next of each target. */
static enum err_code store_round(struct storing *st, bool *is_done, struct err *e)
{
    struct epoch *ep = st->ep;
    TRY(receipts_read(ep, st->s, &st->now, is_done, e));
    if (*is_done)
        return ERR_OK;
    if (slot_wait(&st->grid, st->now) > 0) {
        if (is_set(st->patience.give_up))
            return err_set(e, ERR_STOPPED,
                           "stopped while epoch %" PRIu64 " waits for its next slot", ep->row.n);
        clock_sleep_ms(200);
        return ERR_OK;
    }
    if (slot_of(&st->grid, st->now) != 0 && slot_of(&st->grid, st->now) != st->quiet_slot) {
        bool may_send = false;
        TRY(enter_later_slot(st, is_done, &may_send, e));
        if (!may_send)
            return ERR_OK;
    }
    for (size_t i = 0; i < ep->n_targets; i++)
        if (ep->targets[i].n_landed < ep->targets[i].n_blocks)
            return send_round(st, e);
    return send_ledger(st, e);
}

static void say_retry(const struct epoch *ep, int pause_ms, const struct err *e)
{
    log_warn("epoch", "store_retry", "source=%.*s n=%" PRIu64 " wait_ms=%d reason='%s'",
             STR_FMT(ep->source->name), ep->row.n, pause_ms, e ? e->text : "");
    if (ep->say != NULL && e != NULL)
        ep->say(ep->context, e->text);
}

enum err_code epoch_store(struct epoch *ep, struct store *const *stores, size_t n_stores,
                          struct patience patience, struct err *e)
{
    struct storing st = {
        .ep = ep,
        .s = stores[0],
        .stores = stores,
        .n_stores = n_stores,
        .patience = patience,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .quiet_slot = INT64_MIN,
        .ledger = {.slot = INT64_MIN},
        .grid = {.t0 = ep->row.now, .slot_s = ep->row.slot_s, .margin_s = ep->row.margin_s},
    };
    enum err_code code = ERR_OK;
    bool is_done = false;
    int pause_ms = 50;
    while (!is_done) {
        code = store_round(&st, &is_done, e);
        if (code == ERR_OK) {
            pause_ms = 50;
            continue;
        }
        if (code != ERR_UNAVAILABLE && code != ERR_STORE)
            break;
        say_retry(ep, pause_ms, e);
        if (is_set(patience.stop))
            break; /* the intent stands: the next start completes it */
        clock_sleep_ms(pause_ms);
        pause_ms = pause_ms < 5000 ? pause_ms * 2 : 5000;
        if (code == ERR_UNAVAILABLE && store_ensure(st.s, true, e) == ERR_OK)
            pause_ms = 50;
        else if (code == ERR_UNAVAILABLE)
            say_retry(ep, pause_ms, e);
        code = ERR_OK;
    }
    ep->is_done = is_done;
    return code;
}
