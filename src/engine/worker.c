/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers draw chunks while the gate is open. They share nothing while they work but the file
 * set's queue. */
#include <time.h>

#include "base/log.h"
#include "engine/runner_priv.h"

enum { STARVED_WAIT_MS = 20 };

static void wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += (long)ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_cond_timedwait(cond, lock, &t);
}

static void process_chunk(struct worker *w, const struct file_chunk *chunk, int slot, int64_t now)
{
    struct runner *r = w->runner;
    struct gather_chunk in = {
        .partition = chunk->partition,
        .offset = chunk->from,
        .bytes = {chunk->data, chunk->data_bytes},
        .header = chunk->header,
        .is_too_long = chunk->is_too_long,
        .path = chunk->path,
        .after = chunk->after,
        .to = chunk->to,
    };
    struct err e;
    w->gatherer.tables = r->pin.tables; /* stays while the gate is open */
    enum err_code code = gather_chunk(w->gathers[slot], &w->gatherer, &in, now, &e);
    if (code == ERR_OK)
        return;
    /* The header was judged when the file was opened, so this is the window of DEDUPLICATE, or a
     * bug. */
    log_error("worker", "chunk", "source=%.*s path=%s reason='%s'", STR_FMT(r->source->name),
              chunk->path, e.text);
    runner_set_state(r, "failed", e.text);
    /* The chunk is in no gather, so this epoch must not be sealed: the next start reads it
     * again. */
    pthread_mutex_lock(&r->lock);
    r->is_storer_failed = true;
    if (r->failure.code == ERR_OK) {
        r->failure = e;
        r->failure.code = code;
    }
    r->stop = true;
    pthread_cond_broadcast(&r->quiet);
    pthread_mutex_unlock(&r->lock);
}

/* The next chunk, with the lock held on entry and exit. */
static bool draw_chunk(struct runner *r, struct file_chunk *chunk)
{
    if (r->has_first_chunk) {
        *chunk = r->first_chunk;
        r->has_first_chunk = false;
        return true;
    }
    pthread_mutex_unlock(&r->lock);
    struct err e;
    enum err_code code = file_next_chunk(r->files, chunk, &e);
    pthread_mutex_lock(&r->lock);
    if (code == ERR_NOT_FOUND)
        r->is_starved = true;
    else if (code == ERR_OK)
        r->is_starved = false;
    else if (code != ERR_UNAVAILABLE)
        log_warn("worker", "next_chunk", "source=%.*s reason='%s'", STR_FMT(r->source->name),
                 e.text);
    return code == ERR_OK;
}

/* What the chunk added, to the source's status. With the lock held. */
static void count_progress(struct runner *r, const struct partition_counts *before,
                           const struct partition_counts *after)
{
    r->status.read += after->read - before->read;
    r->status.rejected += after->rejected - before->rejected;
    r->status.kept += after->kept - before->kept;
    r->status.duplicate += after->duplicate - before->duplicate;
    r->status.filtered += after->filtered - before->filtered;
    r->status.read_bytes += after->bytes - before->bytes;
    r->window_read += after->read - before->read;
    r->window_rejected += after->rejected - before->rejected;
}

void *worker_main(void *context)
{
    struct worker *w = context;
    struct runner *r = w->runner;
    pthread_mutex_lock(&r->lock);
    while (!r->is_ending) {
        if (!r->is_gate_open) {
            pthread_cond_wait(&r->work, &r->lock);
            continue;
        }
        struct file_chunk chunk;
        r->n_active++;
        if (!draw_chunk(r, &chunk)) {
            r->n_active--;
            pthread_cond_broadcast(&r->quiet);
            if (r->is_gate_open)
                wait_ms(&r->work, &r->lock, STARVED_WAIT_MS);
            continue;
        }
        int slot = r->slot;
        int64_t now = r->now;
        pthread_mutex_unlock(&r->lock);

        struct partition_counts before = w->gathers[slot]->total;
        process_chunk(w, &chunk, slot, now);
        file_release(r->files, &chunk);

        pthread_mutex_lock(&r->lock);
        count_progress(r, &before, &w->gathers[slot]->total);
        r->n_active--;
        pthread_cond_broadcast(&r->quiet);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}
