/* SPDX-License-Identifier: Apache-2.0
 *
 * The coordinator: when an epoch begins and ends. It begins when a chunk is found; it ends
 *   - when the input is drained and epoch_min has passed since the last one ended,
 *   - after a time that adapts to the store (three times what the last epoch took to store, so that inserting stays
 *     below a quarter), if the storer is free,
 *   - when half the memory is used (the other half is being stored). */
#include "engine/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/alarm.h"
#include "engine/expired.h"
#include "engine/runner_priv.h"
#include "plan/source_settings.h"

enum {
    SCAN_MS = 200,
    LOOK_MS = 50,
    FIRST_EPOCH_MS = 100,
    JUDGE_AFTER = 10000,
    LAST_ALARMS_MS = 60000
};

/* ---- small helpers ---- */

static int64_t mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

const struct plan_source *runner_source(const struct runner *r)
{
    return r->source;
}

void runner_set_state(struct runner *r, const char *state, const char *problem)
{
    pthread_mutex_lock(&r->lock);
    if (state)
        snprintf(r->status.state, sizeof(r->status.state), "%s", state);
    if (problem)
        snprintf(r->status.problem, sizeof(r->status.problem), "%s", problem);
    pthread_mutex_unlock(&r->lock);
}

void runner_say(void *runner, const char *problem)
{
    runner_set_state(runner, NULL, problem);
}

void runner_status(struct runner *r, struct runner_status *ret)
{
    pthread_mutex_lock(&r->lock);
    *ret = r->status;
    pthread_mutex_unlock(&r->lock);
}

void runner_sample(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    struct rate_sample now = {mono_ms(), r->status.read};
    size_t oldest = r->n_samples < SAMPLES_KEPT ? 0 : r->n_samples % SAMPLES_KEPT;
    struct rate_sample from = r->n_samples > 0 ? r->samples[oldest] : now;
    r->status.rate =
        now.ms > from.ms ? (double)(now.read - from.read) * 1000 / (double)(now.ms - from.ms) : 0;
    r->samples[r->n_samples++ % SAMPLES_KEPT] = now;
    pthread_mutex_unlock(&r->lock);
}

void runner_print_expired(struct runner *r, struct buf *out)
{
    pthread_mutex_lock(&r->lock);
    expired_print(out, r->source, r->expired);
    pthread_mutex_unlock(&r->lock);
}

bool runner_start_store(struct runner *r, struct store *s)
{
    struct err why;
    if (store_ensure(s, true, &why) == ERR_OK)
        return true;
    runner_set_state(r, NULL, why.text);
    log_warn("runner", "store_start", "source=%.*s reason='%s'", STR_FMT(r->source->name),
             why.text);
    return false;
}

/* A store that is down does not lose an alarm: it is written as soon as it can be. */
static bool write_alarms(struct runner *r)
{
    struct err e;
    enum err_code code = alarm_queue_write(&r->alarms, r->store, r->plan->settings.database, &e);
    if (code != ERR_OK)
        log_warn("runner", "alarm", "source=%.*s waiting=%zu reason='%s'", STR_FMT(r->source->name),
                 r->alarms.n, e.text);
    if (code == ERR_UNAVAILABLE && runner_start_store(r, r->store)) {
        r->alarms.next_ms = 0;
        runner_set_state(r, NULL, "");
    }
    return r->alarms.n == 0;
}

void runner_alarm(struct runner *r, const char *kind, uint64_t partition, const char *text,
                  uint64_t events)
{
    AUTO_MEM char *source = xstrndup(r->source->name.p, r->source->name.n);
    struct alarm a = {
        .source = source, .kind = kind, .partition = partition, .text = text, .events = events};
    if (!alarm_queue_add(&r->alarms, &a)) {
        log_error("runner", "alarm", "kind=%s text='%s' reason='%d others wait to be written'",
                  kind, text, ALARMS_KEPT);
        return;
    }
    write_alarms(r);
}

void runner_print_bad_files(struct runner *r, struct buf *out)
{
    pthread_mutex_lock(&r->lock);
    buf_str(out, buf_view(&r->bad_files));
    pthread_mutex_unlock(&r->lock);
}

static void wait_quiet(struct runner *r, int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += (long)ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&r->quiet, &r->lock, &t);
}

/* The store died while something was asked that can be asked again? Then it is started once
 * more. */
static bool may_ask_again(struct runner *r, enum err_code code, int *pause_ms, const struct err *e)
{
    if (code != ERR_UNAVAILABLE || r->stop)
        return false;
    runner_set_state(r, NULL, e->text);
    log_warn("runner", "store_retry", "source=%.*s wait_ms=%d reason='%s'",
             STR_FMT(r->source->name), *pause_ms, e->text);
    clock_sleep_ms(*pause_ms);
    *pause_ms = *pause_ms < 5000 ? *pause_ms * 2 : 5000;
    if (runner_start_store(r, r->store)) {
        *pause_ms = 50;
        runner_set_state(r, NULL, "");
    }
    return true;
}

/* The store's time; waits for the store as long as it takes. */
static enum err_code store_now(struct runner *r, int64_t *now, struct err *e)
{
    int pause_ms = 50;
    for (;;) {
        AUTO_DONE(buf) answer = {0};
        enum err_code code = store_text(r->store, "SELECT toUnixTimestamp(now())", &answer, e);
        if (code == ERR_OK)
            *now = strtoll(buf_cstr(&answer), NULL, 10);
        if (!may_ask_again(r, code, &pause_ms, e))
            return code;
    }
}

/* ---- files ---- */

static enum err_code check_header(void *context, struct str header, struct err *e)
{
    struct runner *r = context;
    pthread_mutex_lock(&r->header_lock); /* workers ask, too */
    enum err_code code = decoder_header(r->header_check.decoder, header, e);
    pthread_mutex_unlock(&r->header_lock);
    return code;
}

static void note_lost(struct runner *r, const struct file_event *event)
{
    r->lost = xrealloc(r->lost, (r->n_lost + 1) * sizeof(*r->lost));
    r->lost[r->n_lost++] =
        (struct ledger_extra){.partition = event->partition, .lost = event->lost_bytes};
    pthread_mutex_lock(&r->lock);
    r->status.lost_bytes += event->lost_bytes;
    pthread_mutex_unlock(&r->lock);
}

static void note_bad_file(struct runner *r, const char *text)
{
    enum { TEXTS_KEPT = 20 };
    pthread_mutex_lock(&r->lock);
    if (r->status.n_bad_files++ < TEXTS_KEPT)
        buf_printf(&r->bad_files, "source %.*s: %s\n", STR_FMT(r->source->name), text);
    pthread_mutex_unlock(&r->lock);
}

/* Once a run: how many there are is in the ledger. */
static void alarm_folded(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t n = r->n_folded;
    const char *table = r->folded_in;
    pthread_mutex_unlock(&r->lock);
    if (n == 0 || r->is_folding_said)
        return;
    char text[300];
    r->is_folding_said = true;
    snprintf(text, sizeof(text), "%s had more keys in a bucket than max_keys: the rest is one row",
             table);
    log_warn("runner", "folded", "source=%.*s %s", STR_FMT(r->source->name), text);
    runner_alarm(r, "folded", UINT64_MAX, text, n);
}

static void take_events(struct runner *r)
{
    struct file_event event;
    write_alarms(r);
    alarm_folded(r);
    while (file_set_event(r->files, &event)) {
        static const char *const kinds[] = {[FILE_CHANGED] = "changed",
                                            [FILE_LOST] = "lost",
                                            [FILE_UNREADABLE] = "unreadable",
                                            [FILE_BAD_HEADER] = "header",
                                            [FILE_CORRUPT] = "corrupt"};
        const char *kind = (size_t)event.kind < COUNT(kinds) ? kinds[event.kind] : NULL;
        const char *text = event.text ? event.text : event.path; /* it names the path */
        if (kind == NULL) {
            log_info("files",
                     event.kind == FILE_NEW     ? "new"
                     : event.kind == FILE_MOVED ? "moved"
                                                : "same_content",
                     "%s", text);
        } else {
            log_warn("files", kind, "%s", text);
            runner_alarm(r, kind, event.partition, text, event.lost_bytes);
            note_bad_file(r, text);
            if (event.kind == FILE_LOST)
                note_lost(r, &event);
            if (event.kind == FILE_BAD_HEADER || event.kind == FILE_UNREADABLE ||
                event.kind == FILE_CORRUPT)
                runner_set_state(r, NULL, text);
        }
        free(event.path);
        free(event.text);
    }
}

static enum err_code open_files(struct runner *r, struct err *e)
{
    const struct plan_source *p = r->source;
    size_t n_globs = 0;
    while (p->globs[n_globs] != NULL)
        n_globs++;
    AUTO_MEM char *name = xstrndup(p->name.p, p->name.n);
    struct decoder_spec cells = {0};
    source_settings_apply(&cells, p->def);
    struct file_source_spec spec = {
        .name = name,
        .globs = (const char *const *)p->globs,
        .n_globs = n_globs,
        .is_distinct_path = p->def->is_distinct_path,
        .format = p->def->format,
        .delimiter = cells.delimiter,
        .division = csv_division_of(&cells.cells),
        .skip_lines = cells.cells.skip_lines,
        .max_record_bytes = (size_t)r->plan->settings.max_record_bytes,
        .max_open_files = (size_t)r->plan->settings.max_open_files,
        .max_chunks = r->n_workers * 2 + 2,
        .is_once = r->options.is_once,
        .unended_line_s = (int)r->plan->settings.unended_line_s,
        .check_header = check_header,
        .context = r,
    };
    TRY(file_set_new(&r->files, &spec, e));
    file_set_look_ahead(r->files);
    return ERR_OK;
}

static enum err_code know_files(struct runner *r, struct err *e)
{
    /* The rejects' partition has the largest number, so it can only be the last. */
    size_t n_files = r->chain.n_ends;
    n_files -= n_files > 0 && r->chain.ends[n_files - 1].partition == REJECTS_PARTITION;
    return file_set_know(r->files, r->chain.ends, n_files, r->chain.next_partition, e);
}

/* ---- positions ---- */

static void set_sealed_end(struct sealed_ends *ends, uint64_t partition, uint64_t position)
{
    if (partition >= ends->n) {
        size_t n = ends->n ? ends->n * 2 : 64;
        while (n <= partition)
            n *= 2;
        ends->positions = xrealloc(ends->positions, n * sizeof(*ends->positions));
        for (size_t i = ends->n; i < n; i++)
            ends->positions[i] = UINT64_MAX;
        ends->n = n;
    }
    ends->positions[partition] = position;
}

static uint64_t sealed_end(const struct sealed_ends *ends, uint64_t partition)
{
    return partition < ends->n ? ends->positions[partition] : UINT64_MAX;
}

/* The ranges of the epoch that just stopped gathering. */
static void take_ranges(struct runner *r, struct chain_row *row)
{
    struct file_mark *marks;
    size_t n = file_set_changed_marks(r->files, &marks);
    row->ranges = xcalloc(n + 1, sizeof(*row->ranges));
    for (size_t i = 0; i < n; i++) {
        uint64_t from = sealed_end(&r->ends, marks[i].partition);
        if (from == UINT64_MAX)
            from = 0;
        if (from >= marks[i].position)
            continue; /* it moved, or grew by nothing whole */
        struct chain_range *range = &row->ranges[row->n_ranges++];
        *range = (struct chain_range){from, marks[i].position, marks[i]};
        range->mark.path = xstrdup(marks[i].path ? marks[i].path : "");
        set_sealed_end(&r->ends, marks[i].partition, marks[i].position);
    }
    file_marks_free(marks, n);
}

/* ---- epochs ---- */

static size_t gathered_bytes(struct runner *r, int slot)
{
    size_t bytes = 0;
    for (size_t i = 0; i < r->n_workers; i++)
        bytes += gather_bytes(r->workers[i].gathers[slot]);
    return bytes;
}

static void open_gate(struct runner *r, int64_t now, const struct file_chunk *first)
{
    pthread_mutex_lock(&r->lock);
    r->now = now;
    r->first_chunk = *first;
    r->has_first_chunk = true;
    r->is_starved = false;
    r->is_gate_open = true;
    snprintf(r->status.state, sizeof(r->status.state), "reading");
    pthread_cond_broadcast(&r->work);
    pthread_mutex_unlock(&r->lock);
}

/* Closes the gate and waits until every drawn chunk is in a gather. */
static void close_gate(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    /* A first chunk nobody drew yet was handed out by the file set: it must be in this epoch. */
    while (r->has_first_chunk)
        wait_quiet(r, 5);
    r->is_gate_open = false;
    while (r->n_active > 0)
        pthread_cond_wait(&r->quiet, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

/* More rejected than allowed_errors_ratio among the last 10,000 or more? */
static bool fails_too_often(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    bool is_bad = false;
    if (r->window_read >= JUDGE_AFTER) {
        is_bad = (double)r->window_rejected >
                 r->plan->settings.allow_errors_ratio * (double)r->window_read;
        if (!is_bad)
            r->window_read = r->window_rejected = 0;
    }
    pthread_mutex_unlock(&r->lock);
    return is_bad;
}

static bool should_close(struct runner *r, int64_t opened_ms, int64_t last_closed_ms)
{
    const struct plan_settings *s = &r->plan->settings;
    pthread_mutex_lock(&r->lock);
    bool is_starved = r->is_starved && r->n_active == 0 && !r->has_first_chunk;
    bool is_storer_free = r->pending == NULL;
    bool is_first = r->status.epochs == 0;
    int64_t last_store_ms = r->last_store_ms;
    int slot = r->slot;
    if (r->options.enough_bytes && r->status.read_bytes >= r->options.enough_bytes)
        r->stop = true;
    bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);

    int64_t now = mono_ms();
    int64_t target = is_first ? FIRST_EPOCH_MS : 3 * last_store_ms;
    if (!is_first && target < s->epoch_min_ms)
        target = s->epoch_min_ms;
    if (target > s->epoch_max_ms)
        target = s->epoch_max_ms;
    if (stop)
        return true;
    if ((int64_t)gathered_bytes(r, slot) >= s->memory_bytes / 2)
        return true;
    if (is_starved && (r->options.is_once || now - last_closed_ms >= s->epoch_min_ms ||
                       now - opened_ms >= s->epoch_min_ms))
        return is_storer_free || r->options.is_once;
    return now - opened_ms >= target && is_storer_free;
}

/* Hands the gathers of the slot to the storer; waits while it is busy. */
static void hand_over(struct runner *r, bool is_heartbeat)
{
    struct epoch *ep = xcalloc(1, sizeof(*ep));
    ep->plan = r->plan;
    ep->source = r->source;
    ep->say = runner_say;
    ep->context = r;
    ep->extras = MOVE(r->lost);
    ep->n_extras = r->n_lost;
    r->n_lost = 0;
    ep->row = (struct chain_row){.kind = CHAIN_EPOCH,
                                 .lane = r->options.lane,
                                 .process = xstrdup(r->options.process),
                                 .generation = r->generation,
                                 .now = r->now,
                                 .slot_s = r->plan->settings.slot_s,
                                 .margin_s = r->plan->settings.margin_s};
    if (!is_heartbeat) {
        AUTO_DONE(buf) lookups = {0};
        take_ranges(r, &ep->row);
        ep->pin = r->pin;
        r->pin = (struct lookup_pin){0};
        lookup_pin_print(&ep->pin, &lookups);
        ep->row.lookups = buf_take(&lookups);
    }
    pthread_mutex_lock(&r->lock);
    while (r->pending != NULL && !r->is_storer_failed)
        pthread_cond_wait(&r->quiet, &r->lock);
    ep->n_gathers = r->n_workers;
    ep->gathers = xcalloc(r->n_workers, sizeof(*ep->gathers));
    for (size_t i = 0; i < r->n_workers; i++)
        ep->gathers[i] = r->workers[i].gathers[r->slot];
    if (r->is_storer_failed) {
        pthread_mutex_unlock(&r->lock);
        free(ep->gathers);
        epoch_done(ep);
        free(ep);
        return;
    }
    r->pending = ep;
    r->slot ^= 1;
    pthread_cond_broadcast(&r->quiet);
    pthread_mutex_unlock(&r->lock);
}

static void wait_stored(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->pending != NULL && !r->is_storer_failed)
        pthread_cond_wait(&r->quiet, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

static bool is_storer_free(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    bool is_free = r->pending == NULL;
    pthread_mutex_unlock(&r->lock);
    return is_free;
}

/* An epoch without input. Only while the storer is free: were it to wait, its time would be old
 * when it is stored. */
static enum err_code hand_over_heartbeat(struct runner *r, struct err *e)
{
    int64_t now;
    TRY(store_now(r, &now, e));
    r->now = now;
    r->asked_ms = mono_ms();
    hand_over(r, true);
    return ERR_OK;
}

/* Gathers one epoch, from its first chunk to its hand-over. */
static enum err_code gather_epoch(struct runner *r, const struct file_chunk *first,
                                  int64_t *last_closed_ms, struct err *e)
{
    int64_t now;
    TRY(store_now(r, &now, e));
    int64_t opened = mono_ms(), scanned = opened;
    r->asked_ms = opened;
    if (r->window != NULL)
        window_next_epoch(r->window);
    lookups_pin(r->lookups, r->source, &r->pin); /* nobody reads it while the gate is closed */
    open_gate(r, now, first);
    while (!should_close(r, opened, *last_closed_ms)) {
        pthread_mutex_lock(&r->lock);
        wait_quiet(r, 10);
        pthread_mutex_unlock(&r->lock);
        if (mono_ms() - scanned >= SCAN_MS) {
            TRY(file_set_scan(r->files, e));
            take_events(r);
            scanned = mono_ms();
        }
        if (fails_too_often(r))
            break;
    }
    close_gate(r);
    pthread_mutex_lock(&r->lock);
    r->status.gather_ms = mono_ms() - opened;
    r->status.memory_bytes = gathered_bytes(r, r->slot);
    pthread_mutex_unlock(&r->lock);
    hand_over(r, false);
    *last_closed_ms = mono_ms();
    return ERR_OK;
}

/* ---- pausing ---- */

static void pause_source(struct runner *r, const char *kind, const char *text)
{
    wait_stored(r); /* the samples are in weir_rejects before the alarm names them */
    pthread_mutex_lock(&r->lock);
    r->status.is_paused = true;
    r->window_read = r->window_rejected = 0;
    pthread_mutex_unlock(&r->lock);
    runner_set_state(r, "paused", text);
    log_error("runner", kind, "source=%.*s %s", STR_FMT(r->source->name), text);
    runner_alarm(r, kind, UINT64_MAX, text, 0);
}

static void pause_for_failures(struct runner *r)
{
    char text[300];
    pthread_mutex_lock(&r->lock);
    snprintf(text, sizeof(text),
             "%" PRIu64 " of the last %" PRIu64
             " records were rejected, more than allow_errors_ratio = %g (epoch time %" PRId64
             "); see `weir rejects`, then `weir resume %.*s`",
             r->window_rejected, r->window_read, r->plan->settings.allow_errors_ratio, r->now,
             STR_FMT(r->source->name));
    pthread_mutex_unlock(&r->lock);
    pause_source(r, "paused", text);
}

/* Do the rejects of all sources take more than rejects_max in the store? Looked at after epochs
 * with new rejects only; what is still being stored is seen one epoch later. A store that does not
 * answer is the storer's matter. */
static bool rejects_are_full(struct runner *r, uint64_t *bytes)
{
    pthread_mutex_lock(&r->lock);
    uint64_t rejected = r->status.rejected;
    pthread_mutex_unlock(&r->lock);
    if (rejected == r->rejects_looked)
        return false;
    AUTO_MEM char *sql = xasprintf("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND "
                                   "database = '%s' AND table = 'weir_rejects'",
                                   r->plan->settings.database);
    AUTO_DONE(buf) answer = {0};
    struct err e;
    if (store_text(r->store, sql, &answer, &e) != ERR_OK)
        return false;
    r->rejects_looked = rejected;
    *bytes = strtoull(buf_cstr(&answer), NULL, 10);
    return *bytes > r->rejects_allowed;
}

static void pause_for_size(struct runner *r, uint64_t bytes)
{
    char text[300];
    snprintf(text, sizeof(text),
             "weir_rejects takes %" PRIu64 " bytes, more than %" PRIu64
             " (rejects_max; epoch time %" PRId64 "); see `weir rejects`, then `weir resume %.*s`",
             bytes, r->rejects_allowed, r->now, STR_FMT(r->source->name));
    r->rejects_allowed =
        bytes +
        (uint64_t)r->plan->settings.rejects_max_bytes; /* whoever resumes allows as much again */
    pause_source(r, "rejects_full", text);
}

static enum err_code is_pause_open(struct runner *r, bool *ret, struct err *e)
{
    static const char *const kinds[] = {"paused", "rejects_full"};
    AUTO_MEM char *source = xstrndup(r->source->name.p, r->source->name.n);
    *ret = false;
    for (size_t i = 0; i < COUNT(kinds) && !*ret; i++) {
        char id[40];
        TRY(alarm_is_open(r->store, r->plan->settings.database, source, kinds[i], ret, id, e));
    }
    return ERR_OK;
}

/* Paused until somebody acknowledges (`weir resume`). False: stopped meanwhile, or --once ends
 * with it. */
static bool wait_resumed(struct runner *r)
{
    while (!r->stop) {
        bool is_open = true;
        struct err e;
        if (write_alarms(r) && is_pause_open(r, &is_open, &e) == ERR_OK && !is_open) {
            pthread_mutex_lock(&r->lock);
            r->status.is_paused = false;
            pthread_mutex_unlock(&r->lock);
            runner_set_state(r, "reading", "");
            return true;
        }
        if (r->options.is_once)
            return false;
        for (int i = 0; i < 10 && !r->stop; i++)
            clock_sleep_ms(100);
    }
    return false;
}

/* ---- the loop ---- */

/* Looks for input until there is some. ERR_NOT_FOUND: none, and none will come (--once), or
 * stopped. */
static enum err_code wait_for_input(struct runner *r, struct file_chunk *chunk, struct err *e)
{
    int64_t scanned = 0;
    int64_t heartbeat_ms = (r->plan->settings.slot_s - 2 * r->plan->settings.margin_s) * 1000;
    while (!r->stop) {
        if (mono_ms() - scanned >= SCAN_MS) {
            TRY(file_set_scan(r->files, e));
            take_events(r);
            scanned = mono_ms();
        }
        enum err_code code = file_next_chunk(r->files, chunk, e);
        if (code != ERR_NOT_FOUND && code != ERR_UNAVAILABLE)
            return code;
        if (r->options.is_once && code == ERR_NOT_FOUND) {
            if (file_set_is_drained(r->files))
                return ERR_NOT_FOUND;
            TRY(file_set_scan(r->files, e));
            take_events(r);
            scanned = mono_ms();
        }
        pthread_mutex_lock(&r->lock);
        r->status.waiting_bytes = file_set_waiting_bytes(r->files);
        if (r->status.problem[0] == '\0')
            snprintf(r->status.state, sizeof(r->status.state), "idle");
        pthread_mutex_unlock(&r->lock);
        bool is_due =
            r->n_lost > 0 || (heartbeat_ms > 0 && mono_ms() - r->asked_ms >= heartbeat_ms);
        if (is_due && is_storer_free(r))
            TRY(hand_over_heartbeat(r, e));
        clock_sleep_ms(r->options.is_once ? 2 : LOOK_MS);
    }
    return ERR_NOT_FOUND;
}

static enum err_code read_chain(struct runner *r, const char *source, struct err *e)
{
    int pause_ms = 50;
    for (;;) {
        enum err_code code = chain_read(&r->chain, r->store, r->plan->settings.database, source, e);
        if (!may_ask_again(r, code, &pause_ms, e))
            return code;
        chain_done(&r->chain);
    }
}

static enum err_code recover(struct runner *r, struct err *e)
{
    int pause_ms = 50;
    for (;;) {
        enum err_code code = runner_recover(r, e);
        if (!may_ask_again(r, code, &pause_ms, e))
            return code;
    }
}

static enum err_code ask_paused(struct runner *r, bool *is_paused, struct err *e)
{
    int pause_ms = 50;
    for (;;) {
        enum err_code code = is_pause_open(r, is_paused, e);
        if (!may_ask_again(r, code, &pause_ms, e))
            return code;
    }
}

/* What was lost comes into the ledger though nothing is read any more. */
static enum err_code book_lost(struct runner *r, struct err *e)
{
    wait_stored(r);
    return hand_over_heartbeat(r, e);
}

static enum err_code follow(struct runner *r, struct err *e)
{
    int64_t last_closed_ms = mono_ms() - r->plan->settings.epoch_max_ms;
    r->asked_ms = last_closed_ms;
    bool is_paused = false;
    TRY(ask_paused(r, &is_paused, e));
    if (is_paused) {
        pthread_mutex_lock(&r->lock);
        r->status.is_paused = true;
        pthread_mutex_unlock(&r->lock);
        runner_set_state(r, "paused", "paused because of rejected records; `weir resume` goes on");
        if (!wait_resumed(r))
            return ERR_OK;
    }
    for (;;) {
        struct file_chunk chunk;
        enum err_code code = wait_for_input(r, &chunk, e);
        if (code == ERR_NOT_FOUND && r->n_lost > 0)
            return book_lost(r, e);
        if (code == ERR_NOT_FOUND)
            return ERR_OK;
        if (code != ERR_OK)
            return code;
        code = gather_epoch(r, &chunk, &last_closed_ms, e);
        if (code != ERR_OK)
            return code;
        if (r->is_storer_failed)
            return ERR_OK; /* told by the end */
        uint64_t bytes;
        bool is_bad = true;
        if (fails_too_often(r))
            pause_for_failures(r);
        else if (rejects_are_full(r, &bytes))
            pause_for_size(r, bytes);
        else
            is_bad = false;
        if (is_bad && !wait_resumed(r))
            return ERR_OK;
    }
}

static enum err_code start_threads(struct runner *r, struct err *e)
{
    r->workers = xcalloc(r->n_workers, sizeof(*r->workers));
    if (r->source->deduplicate != NULL) {
        r->window_store = store_new(r->place);
        struct window_options remembered = {
            .store = r->window_store, .first_new = r->chain.next_partition, .stop = &r->stop};
        r->window = window_new(r->source, &r->plan->settings, &remembered);
    }
    for (size_t i = 0; i < r->n_workers; i++) {
        struct worker *w = &r->workers[i];
        w->runner = r;
        TRY(gatherer_init(&w->gatherer, r->source, &r->plan->settings, e));
        w->gatherer.window = r->window;
        for (int k = 0; k < 2; k++)
            w->gathers[k] = gather_new(r->source);
    }
    for (size_t i = 0; i < r->n_workers; i++) {
        if (pthread_create(&r->workers[i].thread, NULL, worker_main, &r->workers[i]) != 0)
            return err_set(e, ERR_NOMEM, "cannot start a worker thread");
        r->workers[i].is_started = true;
    }
    if (pthread_create(&r->storer, NULL, storer_main, r) != 0)
        return err_set(e, ERR_NOMEM, "cannot start the storing thread");
    return ERR_OK;
}

static void end_threads(struct runner *r)
{
    wait_stored(r);
    pthread_mutex_lock(&r->lock);
    r->is_ending = true;
    pthread_cond_broadcast(&r->work);
    pthread_cond_broadcast(&r->quiet);
    pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; r->workers != NULL && i < r->n_workers; i++)
        if (r->workers[i].is_started)
            pthread_join(r->workers[i].thread, NULL);
    if (r->storer)
        pthread_join(r->storer, NULL);
}

/* What could not be written so far: tried for a while, or once more if asked to stop. */
static void end_alarms(struct runner *r)
{
    int64_t end = mono_ms() + LAST_ALARMS_MS;
    while (!write_alarms(r) && !r->stop && mono_ms() < end)
        clock_sleep_ms(20);
    r->alarms.next_ms = 0;
    if (!write_alarms(r))
        log_error("runner", "alarm",
                  "source=%.*s waiting=%zu reason='the run ends without having written them'",
                  STR_FMT(r->source->name), r->alarms.n);
}

/* False: stopped before the store was there. */
static bool wait_store(struct runner *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->has_store && !r->stop)
        wait_quiet(r, 100);
    bool has_store = r->has_store;
    pthread_mutex_unlock(&r->lock);
    return has_store;
}

static enum err_code coordinate(struct runner *r, struct err *e)
{
    AUTO_MEM char *source = xstrndup(r->source->name.p, r->source->name.n);
    TRY(gatherer_init(&r->header_check, r->source, &r->plan->settings, e));
    TRY(open_files(r, e));
    if (!wait_store(r))
        return ERR_OK;
    TRY(read_chain(r, source, e));
    for (size_t i = 0; i < r->chain.n_ends; i++)
        if (r->chain.ends[i].partition != REJECTS_PARTITION)
            set_sealed_end(&r->ends, r->chain.ends[i].partition, r->chain.ends[i].position);
    TRY(know_files(r, e));
    if (r->chain.n_open > 0) {
        runner_set_state(r, "recovering", NULL);
        TRY(file_set_scan(r->files, e));
        take_events(r);
        TRY(recover(r, e));
        runner_set_state(r, NULL, "");
    }
    if (r->options.is_recovery)
        return ERR_OK;
    TRY(start_threads(r, e));
    enum err_code code = follow(r, e);
    wait_stored(r);
    take_events(r); /* what the last reads found, and the last epoch */
    return code;
}

static void *coordinator_main(void *context)
{
    struct runner *r = context;
    struct err e = {0};
    enum err_code code = coordinate(r, &e);
    end_alarms(r);
    end_threads(r);
    pthread_mutex_lock(&r->lock);
    if (code != ERR_OK && r->failure.code == ERR_OK) {
        r->failure = e;
        r->failure.code = code;
    }
    r->status.failure = r->failure.code;
    if (r->failure.code != ERR_OK)
        snprintf(r->status.problem, sizeof(r->status.problem), "%s", r->failure.text);
    if (!r->status.is_paused)
        snprintf(r->status.state, sizeof(r->status.state),
                 r->failure.code == ERR_OK ? "finished" : "failed");
    r->status.is_finished = true;
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

enum err_code runner_start(struct runner **ret, const struct plan *plan,
                           const struct plan_source *source, const struct store_place *place,
                           const struct runner_options *options, struct err *e)
{
    struct runner *r = xcalloc(1, sizeof(*r));
    r->plan = plan;
    r->source = source;
    r->place = place;
    r->options = *options;
    r->n_workers = (size_t)plan->settings.threads;
    r->expired = xcalloc(expired_slots(source) + 1, sizeof(*r->expired));
    r->rejects_allowed = (uint64_t)plan->settings.rejects_max_bytes;
    r->store = store_new(place);
    for (size_t i = 0; i < STORER_CONNECTIONS; i++)
        r->storer_stores[i] = store_new(place);
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->header_lock, NULL);
    pthread_cond_init(&r->work, NULL);
    pthread_cond_init(&r->quiet, NULL);
    snprintf(r->status.state, sizeof(r->status.state), "starting");
    if (pthread_create(&r->coordinator, NULL, coordinator_main, r) != 0) {
        runner_free(r);
        return err_set(e, ERR_NOMEM, "cannot start a thread");
    }
    *ret = r;
    return ERR_OK;
}

void runner_store_is_there(struct runner *r, uint32_t generation, struct lookups *lookups)
{
    pthread_mutex_lock(&r->lock);
    r->generation = generation;
    r->lookups = lookups;
    r->has_store = true;
    pthread_cond_broadcast(&r->quiet);
    pthread_mutex_unlock(&r->lock);
}

void runner_stop(struct runner *r)
{
    r->stop = true;
}

void runner_give_up(struct runner *r)
{
    r->stop = true;
    r->give_up = true;
}

enum err_code runner_join(struct runner *r, struct err *e)
{
    pthread_join(r->coordinator, NULL);
    if (r->failure.code != ERR_OK && e)
        *e = r->failure;
    return r->failure.code;
}

void runner_free(struct runner *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; r->workers && i < r->n_workers; i++) {
        gatherer_done(&r->workers[i].gatherer);
        for (int k = 0; k < 2; k++)
            gather_free(r->workers[i].gathers[k]);
    }
    free(r->workers);
    gatherer_done(&r->header_check);
    window_free(r->window);
    if (r->window_store)
        store_free(r->window_store);
    if (r->files)
        file_set_close(r->files);
    chain_done(&r->chain);
    lookup_pin_done(&r->pin);
    free(r->ends.positions);
    free(r->expired);
    free(r->lost);
    alarm_queue_done(&r->alarms);
    buf_done(&r->bad_files);
    store_free(r->store);
    for (size_t i = 0; i < STORER_CONNECTIONS; i++)
        store_free(r->storer_stores[i]);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->header_lock);
    pthread_cond_destroy(&r->work);
    pthread_cond_destroy(&r->quiet);
    free(r);
}
