/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/window.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "engine/table_memory.h"

enum { FIRST_ENTRIES = 16, AHEAD = 16 };

/* An empty one has until_ms == INT64_MIN. */
struct entry {
    struct u128 key;
    int64_t time_ms, until_ms;
};

struct window_part {
    uint64_t partition;
    uint64_t decided_to; /* window.lock */
    bool is_loaded;
    uint64_t used; /* in which epoch, counted by window_next_epoch */
    int64_t last_now;
    struct window_clock clock;
    struct entry *entries; /* open addressing by key and cell */
    size_t n_slots, n_entries;
};

struct window {
    const struct plan_source *source;
    const struct plan_settings *settings;
    struct window_options options;
    uint64_t epoch;
    _Atomic size_t bytes, n_entries; /* of all partitions in memory */
    size_t n_written; /* rows in the store since the last pruning. owner: storing thread */
    bool is_counted;
    pthread_mutex_t lock; /* parts, their decided_to */
    pthread_cond_t moved; /* some decided_to grew */
    pthread_mutex_t store_lock;
    struct window_part **parts; /* open addressing by partition */
    size_t n_parts, n_part_slots;
};

void window_rows_add(struct window_rows *rows, struct window_row row)
{
    if (rows->n == rows->cap) {
        rows->cap = rows->cap ? rows->cap * 2 : 256;
        rows->items = xrealloc(rows->items, rows->cap * sizeof(*rows->items));
    }
    rows->items[rows->n++] = row;
}

/* ---- life ---- */

struct window *window_new(const struct plan_source *source, const struct plan_settings *settings,
                          const struct window_options *options)
{
    struct window *w = xcalloc(1, sizeof(*w));
    w->source = source;
    w->settings = settings;
    w->options = *options;
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_init(&w->store_lock, NULL);
    pthread_cond_init(&w->moved, NULL);
    w->n_part_slots = 16;
    w->parts = xcalloc(w->n_part_slots, sizeof(*w->parts));
    return w;
}

static void forget_entries(struct window *w, struct window_part *p)
{
    atomic_fetch_sub(&w->bytes, p->n_slots * sizeof(*p->entries));
    atomic_fetch_sub(&w->n_entries, p->n_entries);
    free(p->entries);
    p->entries = NULL;
    p->n_slots = p->n_entries = 0;
}

void window_free(struct window *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->n_part_slots; i++) {
        if (w->parts[i] != NULL)
            free(w->parts[i]->entries);
        free(w->parts[i]);
    }
    free(w->parts);
    pthread_mutex_destroy(&w->lock);
    pthread_mutex_destroy(&w->store_lock);
    pthread_cond_destroy(&w->moved);
    free(w);
}

size_t window_bytes(const struct window *w)
{
    return atomic_load(&w->bytes);
}

static size_t limit_bytes(const struct window *w)
{
    return (size_t)w->settings->memory_bytes / 2;
}

void window_next_epoch(struct window *w)
{
    w->epoch++;
    if (window_bytes(w) <= limit_bytes(w) / 2)
        return;
    for (size_t i = 0; i < w->n_part_slots; i++) {
        struct window_part *p = w->parts[i];
        if (p == NULL || !p->is_loaded || p->used + 2 > w->epoch)
            continue;
        forget_entries(w, p);
        p->is_loaded = false;
    }
}

/* ---- partitions ---- */

static struct window_part **part_place(const struct window *w, uint64_t partition)
{
    size_t at = ih64(partition) & (w->n_part_slots - 1);
    while (w->parts[at] != NULL && w->parts[at]->partition != partition)
        at = (at + 1) & (w->n_part_slots - 1);
    return &w->parts[at];
}

static struct window_part *part_of(struct window *w, uint64_t partition)
{
    struct window_part **place = part_place(w, partition);
    if (*place != NULL)
        return *place;
    if ((w->n_parts + 1) * 2 > w->n_part_slots) {
        struct window_part **old = w->parts;
        size_t n_old = w->n_part_slots;
        w->n_part_slots *= 2;
        w->parts = xcalloc(w->n_part_slots, sizeof(*w->parts));
        for (size_t i = 0; i < n_old; i++)
            if (old[i] != NULL)
                *part_place(w, old[i]->partition) = old[i];
        free(old);
        place = part_place(w, partition);
    }
    *place = xcalloc(1, sizeof(**place));
    (*place)->partition = partition;
    w->n_parts++;
    return *place;
}

/* ---- entries ---- */

static int64_t cell_of(const struct window *w, int64_t time_ms)
{
    return time_ms / (w->source->deduplicate->within_ms + 1); /* times are from 1971 on */
}

static size_t first_slot(const struct window_part *p, struct u128 key, int64_t cell)
{
    return (key.lo ^ mix64((uint64_t)cell ^ MIX_A, MIX_B)) & (p->n_slots - 1);
}

/* The entry of the key in the cell, or the empty one where it would be. */
static struct entry *find(const struct window *w, const struct window_part *p, struct u128 key,
                          int64_t cell)
{
    size_t at = first_slot(p, key, cell);
    for (;; at = (at + 1) & (p->n_slots - 1)) {
        struct entry *e = &p->entries[at];
        if (e->until_ms == INT64_MIN ||
            (e->key.lo == key.lo && e->key.hi == key.hi && cell_of(w, e->time_ms) == cell))
            return e;
    }
}

static bool is_remembered(const struct window_part *p, const struct entry *e)
{
    return e->until_ms != INT64_MIN && e->until_ms >= p->clock.now_ms;
}

/* Room for `more`; what the clock has passed goes first. */
static void make_room(struct window *w, struct window_part *p, size_t more)
{
    if ((p->n_entries + more) * 10 <= p->n_slots * 7)
        return;
    struct entry *old = p->entries;
    size_t n_old = p->n_slots, n_live = 0;
    for (size_t i = 0; i < n_old; i++)
        n_live += is_remembered(p, &old[i]);
    size_t n = FIRST_ENTRIES;
    while ((n_live + more) * 2 > n)
        n *= 2;
    p->entries = xmalloc(n * sizeof(*p->entries));
    for (size_t i = 0; i < n; i++)
        p->entries[i].until_ms = INT64_MIN;
    p->n_slots = n;
    atomic_fetch_sub(&w->n_entries, p->n_entries - n_live);
    p->n_entries = n_live;
    for (size_t i = 0; i < n_old; i++)
        if (is_remembered(p, &old[i]))
            *find(w, p, old[i].key, cell_of(w, old[i].time_ms)) = old[i];
    atomic_fetch_add(&w->bytes, n * sizeof(*old));
    atomic_fetch_sub(&w->bytes, n_old * sizeof(*old));
    free(old);
}

static void put(struct window *w, struct window_part *p, struct u128 key, int64_t time_ms,
                int64_t until_ms)
{
    struct entry *e = find(w, p, key, cell_of(w, time_ms));
    if (e->until_ms == INT64_MIN) {
        p->n_entries++;
        atomic_fetch_add_explicit(&w->n_entries, 1, memory_order_relaxed);
    }
    *e = (struct entry){key, time_ms, until_ms};
}

/* ---- from the store ---- */

static int64_t *numbers(const struct native_result *r, size_t column)
{
    return r->columns[column].column.values;
}

static void put_from(struct buf *sql, const struct window *w, const struct window_part *p,
                     const char *kind)
{
    buf_printf(sql, " FROM %s.weir_window WHERE _source = ", w->settings->database);
    print_string_literal(sql, w->source->name);
    buf_printf(sql, " AND partition = %" PRIu64 " AND is_clock = %s", p->partition, kind);
    if (w->options.before_n > 0)
        buf_printf(sql, " AND _epoch < %" PRIu64, w->options.before_n);
}

static enum err_code read_part(struct window *w, struct window_part *p, int64_t now, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    struct native_result r = {0};
    buf_text(&sql, "SELECT toInt64(count()), argMax(time, _epoch), max(until), "
                   "toInt64(toUnixTimestamp(max(now)))");
    put_from(&sql, w, p, "1");
    TRY(store_native(w->options.store, buf_cstr(&sql), &r, e));
    p->clock = (struct window_clock){0};
    if (r.n_rows > 0 && numbers(&r, 0)[0] > 0) {
        p->clock = (struct window_clock){numbers(&r, 2)[0], numbers(&r, 1)[0]};
        p->last_now = numbers(&r, 3)[0];
    }
    native_result_done(&r);
    if (p->clock.previous_ms == 0 || now - p->last_now > WINDOW_IDLE_S)
        return ERR_OK;

    buf_reset(&sql);
    buf_text(&sql, "SELECT hi, lo, time, until");
    put_from(&sql, w, p, "0");
    buf_printf(&sql, " AND until >= %" PRId64, p->clock.now_ms);
    r = (struct native_result){0};
    TRY(store_native(w->options.store, buf_cstr(&sql), &r, e));
    make_room(w, p, r.n_rows);
    for (size_t i = 0; i < r.n_rows; i++)
        put(w, p,
            (struct u128){.lo = (uint64_t)numbers(&r, 1)[i], .hi = (uint64_t)numbers(&r, 0)[i]},
            numbers(&r, 2)[i], numbers(&r, 3)[i]);
    native_result_done(&r);
    return ERR_OK;
}

static bool is_stopped(const struct window *w)
{
    return w->options.stop != NULL && *w->options.stop;
}

/* A store that does not answer is waited for. */
static enum err_code load(struct window *w, struct window_part *p, int64_t now, struct err *e)
{
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&w->store_lock);
    for (int pause_ms = 50;; pause_ms = pause_ms < 5000 ? pause_ms * 2 : 5000) {
        code = read_part(w, p, now, e);
        if (code != ERR_UNAVAILABLE || is_stopped(w))
            break;
        forget_entries(w, p);
        clock_sleep_ms(pause_ms);
        struct err why;
        if (store_ensure(w->options.store, true, &why) == ERR_OK)
            pause_ms = 25;
    }
    pthread_mutex_unlock(&w->store_lock);
    if (code == ERR_OK)
        p->is_loaded = true;
    else
        forget_entries(w, p);
    return code;
}

/* ---- turns ---- */

static struct window_part *wait_turn(struct window *w, uint64_t partition, uint64_t after)
{
    pthread_mutex_lock(&w->lock);
    struct window_part *p = part_of(w, partition);
    while (after != WINDOW_NO_TURN && p->decided_to != after)
        pthread_cond_wait(&w->moved, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return p;
}

static bool is_new(const struct window *w, uint64_t partition)
{
    return w->options.store == NULL ||
           (w->options.before_n == 0 && partition >= w->options.first_new);
}

enum err_code window_enter(struct window *w, uint64_t partition, uint64_t after, int64_t now,
                           struct window_part **ret, struct err *e)
{
    struct window_part *p = wait_turn(w, partition, after);
    /* A partition that left the memory is in the store by now, new or not. */
    if (!p->is_loaded && p->used == 0 && is_new(w, partition))
        p->is_loaded = true;
    if (!p->is_loaded)
        TRY(load(w, p, now, e));
    if (p->clock.previous_ms != 0 && now - p->last_now > WINDOW_IDLE_S) {
        forget_entries(w, p);
        p->clock = (struct window_clock){0};
    }
    p->last_now = now;
    p->used = w->epoch + 1;
    *ret = p;
    return ERR_OK;
}

void window_leave(struct window *w, struct window_part *p, uint64_t to)
{
    pthread_mutex_lock(&w->lock);
    p->decided_to = to;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

void window_give_up(struct window *w, uint64_t partition, uint64_t after, uint64_t to)
{
    window_leave(w, wait_turn(w, partition, after), to);
}

/* ---- judging ---- */

static void move_clock(struct window_clock *c, int64_t time_ms)
{
    int64_t reached = c->previous_ms < time_ms ? c->previous_ms : time_ms;
    c->now_ms = reached > c->now_ms ? reached : c->now_ms;
    c->previous_ms = time_ms;
}

static bool is_near(const struct window *w, const struct window_part *p, struct u128 key,
                    int64_t cell, int64_t time_ms)
{
    const struct entry *e = find(w, p, key, cell);
    if (!is_remembered(p, e))
        return false;
    int64_t apart = e->time_ms > time_ms ? e->time_ms - time_ms : time_ms - e->time_ms;
    return apart <= w->source->deduplicate->within_ms;
}

static void fetch_ahead(const struct window *w, const struct window_part *p, struct u128 key,
                        int64_t time_ms)
{
    int64_t cell = cell_of(w, time_ms);
    for (int64_t c = cell - 1; c <= cell + 1; c++)
        __builtin_prefetch(&p->entries[first_slot(p, key, c)]);
}

enum err_code window_judge(struct window *w, struct window_part *p, const struct window_input *in,
                           uint8_t *is_duplicate, struct window_rows *kept, struct err *e)
{
    int64_t remember_ms = w->source->deduplicate->remember_ms;
    make_room(w, p, in->n);
    for (size_t i = 0; i < in->n; i++) {
        if (i + AHEAD < in->n && !in->is_out[i + AHEAD])
            fetch_ahead(w, p, in->keys[i + AHEAD], in->times_ms[i + AHEAD]);
        if (in->is_out[i])
            continue;
        struct u128 key = in->keys[i];
        int64_t t = in->times_ms[i], cell = cell_of(w, t);
        move_clock(&p->clock, t);
        is_duplicate[i] = is_near(w, p, key, cell, t) || is_near(w, p, key, cell - 1, t) ||
                          is_near(w, p, key, cell + 1, t);
        if (is_duplicate[i])
            continue;
        int64_t until = (t > p->clock.now_ms ? t : p->clock.now_ms) + remember_ms;
        put(w, p, key, t, until);
        window_rows_add(kept, (struct window_row){p->partition, key, t, until, false});
    }
    if (window_bytes(w) > limit_bytes(w))
        return err_set(e, ERR_LIMIT,
                       "DEDUPLICATE of source '%.*s' has to remember more than half of setting "
                       "'memory' (%zu bytes); give it more, or a shorter WITHIN",
                       STR_FMT(w->source->name), limit_bytes(w));
    return ERR_OK;
}

struct window_clock window_clock(const struct window_part *p)
{
    return p->clock;
}

/* ---- pruning ---- */

/* Rows that the clocks have passed, clocks that newer ones replace, and partitions without input
 * for so long that they would begin anew. Epochs up to done_n are done, so none of them reads
 * these again, and later ones have later clocks. */
static void prune_sql(struct buf *sql, const struct window *w, uint64_t done_n, int64_t done_now)
{
    AUTO_DONE(buf) from = {0};
    buf_printf(&from,
               "(SELECT partition, max(until) AS clock, max(_epoch) AS last, max(now) AS at "
               "FROM %s.weir_window WHERE is_clock = 1 AND _source = ",
               w->settings->database);
    print_string_literal(&from, w->source->name);
    buf_printf(&from, " AND _epoch <= %" PRIu64 " GROUP BY partition ORDER BY partition)", done_n);
    buf_printf(sql, "ALTER TABLE %s.weir_window DELETE WHERE _source = ", w->settings->database);
    print_string_literal(sql, w->source->name);
    buf_printf(sql,
               " AND _epoch <= %" PRIu64
               " AND (if(is_clock = 0, until < transform(partition, (SELECT groupArray(partition) "
               "FROM %s), (SELECT groupArray(clock) FROM %s), toInt64(0)), "
               "_epoch < transform(partition, (SELECT groupArray(partition) FROM %s), (SELECT "
               "groupArray(last) FROM %s), toUInt64(0))) OR partition IN (SELECT partition FROM %s "
               "WHERE at < toDateTime(%" PRId64 ", 'UTC')))",
               done_n, buf_cstr(&from), buf_cstr(&from), buf_cstr(&from), buf_cstr(&from),
               buf_cstr(&from), done_now - WINDOW_IDLE_S);
}

enum err_code window_prune(struct window *w, struct store *s, uint64_t done_n, int64_t done_now,
                           size_t n_written, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    if (!w->is_counted) {
        AUTO_DONE(buf) answer = {0};
        buf_printf(&sql,
                   "SELECT count() FROM %s.weir_window WHERE _source = ", w->settings->database);
        print_string_literal(&sql, w->source->name);
        TRY(store_text(s, buf_cstr(&sql), &answer, e));
        w->n_written = strtoull(buf_cstr(&answer), NULL, 10);
        w->is_counted = true;
        buf_reset(&sql);
    }
    w->n_written += n_written;
    size_t n_remembered = atomic_load(&w->n_entries);
    if (w->n_written < (size_t)w->settings->dedup_prune || w->n_written < n_remembered)
        return ERR_OK;
    prune_sql(&sql, w, done_n, done_now);
    TRY(store_exec(s, buf_cstr(&sql), e));
    w->n_written = 0;
    return ERR_OK;
}
