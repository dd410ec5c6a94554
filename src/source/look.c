/* SPDX-License-Identifier: Apache-2.0
 *
 * The first and the last part of a scan: which names are there and whether they were touched, by
 * stat alone; and what becomes of files that wait or that have no name any more. */
#include "source/file_priv.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { MIN_TURN = 64, MIN_OFTEN = 500 };
static const int64_t SECOND_NS = 1000000000;
/* a scan spends so long on entries that are quiet */
static const int64_t TURN_NS = 1000000;
static const int64_t QUIET_NS = 60 * SECOND_NS; /* untouched so long: looked at in turns */
/* content of a growing file is compared so often */
static const int64_t RECHECK_NS = 2 * SECOND_NS;
/* a look ahead is good for the first scan for so long */
static const int64_t AHEAD_NS = 5 * SECOND_NS;
/* an open file without a name in the glob is kept so long */
static const int64_t ORPHAN_NS = 600 * SECOND_NS;

void entry_busy(struct file_set *s, struct entry *entry)
{
    if (entry->is_busy)
        return;
    entry->is_busy = true;
    if (s->n_busy == s->cap_busy) {
        s->cap_busy = s->cap_busy ? s->cap_busy * 2 : 64;
        s->busy = xrealloc(s->busy, s->cap_busy * sizeof(*s->busy));
    }
    s->busy[s->n_busy++] = entry;
}

void todo_add(struct file_set *s, struct entry *entry)
{
    if (s->n_todo == s->cap_todo) {
        s->cap_todo = s->cap_todo ? s->cap_todo * 2 : 64;
        s->todo = xrealloc(s->todo, s->cap_todo * sizeof(*s->todo));
    }
    entry_busy(s, entry);
    entry->must_check = true;
    entry->own = entry->other = MATCH_NONE;
    entry->other_file = NULL;
    entry->is_shorter = false;
    s->todo[s->n_todo++] = entry;
}

void file_watch(struct file_set *s, struct file *f)
{
    if (!f->is_watched)
        push_file(&s->watched, &s->n_watched, f);
    f->is_watched = true;
}

void file_make_ready(struct file_set *s, struct file *f)
{
    pthread_mutex_lock(&s->lock);
    f->is_ready = true;
    if (!f->is_queued) {
        push_file(&s->ready, &s->n_ready, f);
        f->is_queued = true;
        s->is_ready_unsorted = true;
    }
    if (s->ready_from > 0) {
        s->ready_from = 0; /* it may lie before */
        s->is_ready_unsorted = true;
    }
    pthread_mutex_unlock(&s->lock);
}

void file_make_unready(struct file_set *s, struct file *f)
{
    pthread_mutex_lock(&s->lock);
    f->is_ready = false;
    pthread_mutex_unlock(&s->lock);
}

/* ---- names that come and go ---- */

void file_lose_name(struct file_set *s, struct file *f)
{
    f->name = NULL;
    f->missing_scans = 0;
    f->missing_ns = s->now_ns;
    s->has_displaced = true;
    file_watch(s, f);
    pthread_mutex_lock(&f->lock);
    f->is_orphan = reader_is_open(&f->cursor.reader);
    if (!f->is_orphan)
        file_make_unready(s, f);
    pthread_mutex_unlock(&f->lock);
}

void entry_gone(struct file_set *s, struct entry *entry)
{
    if (entry->held != NULL && entry->held->name == entry)
        file_lose_name(s, entry->held);
    entry->role = ROLE_GONE;
    entry->twin = entry->said_twin = NULL;
    entry->key = (struct stat_key){0};
    entry->said_error = 0;
    entry->is_confirmed = false;
    entry->must_check = false;
}

void entry_go_on(struct file_set *s, struct entry *entry, struct file *f,
                 const struct stat_key *key)
{
    bool is_other_disk_file = f->device != key->device || f->inode != key->inode;
    f->name = f->home = entry;
    f->device = key->device;
    f->inode = key->inode;
    f->size = key->size;
    f->pattern = entry->pattern;
    f->is_changed = false;
    entry->held = f;
    entry->role = ROLE_READ;
    entry->twin = NULL;
    entry->checked_ns = s->now_ns;
    entry->must_check = entry->is_confirmed = false;
    entry->said_error = 0;

    pthread_mutex_lock(&f->lock);
    f->is_orphan = false;
    if (f->path == NULL || strcmp(f->path, entry->path) != 0) {
        free(f->path);
        f->path = xstrdup(entry->path);
        if (atomic_load(&f->partition) != UINT64_MAX)
            file_set_mark_dirty(s, f);
    }
    const struct reader *r = &f->cursor.reader;
    if (reader_is_open(r) && (r->key.device != key->device || r->key.inode != key->inode))
        file_close_reader(s, f);
    if (is_other_disk_file || f->is_stuck)
        f->end_size = 0;
    if (s->spec.is_once && is_other_disk_file)
        f->limit = key->size;
    if (stat_key_hash(key) == f->stat_hash)
        f->end_size = key->size;
    if (f->end_size == 0 || key->size > f->end_size) {
        f->is_end = false;
        f->grown_ns = s->now_ns; /* not the age of the file: this machine's clock may be wrong */
        file_set_waiting(s, f, key->size > f->end_size ? key->size - f->end_size : 0);
        file_make_ready(s, f);
    }
    pthread_mutex_unlock(&f->lock);
    file_watch(s, f);
}

/* ---- stat ---- */

static void grow(struct file_set *s, struct entry *entry, const struct stat_key *key)
{
    struct file *f = entry->held;
    f->size = key->size;
    if (s->spec.is_once)
        return;
    pthread_mutex_lock(&f->lock);
    f->grown_ns = s->now_ns;
    f->is_end = false;
    file_set_waiting(s, f, key->size > f->end_size ? key->size - f->end_size : 0);
    if (key->size > f->end_size)
        file_make_ready(s, f);
    pthread_mutex_unlock(&f->lock);
    file_watch(s, f);
}

/* How long ago the file was written, as far as clocks can be trusted. */
static int64_t age_ns(const struct stat_key *key)
{
    int64_t age = clock_wall_s() - key->mtime_ns / SECOND_NS;
    return age < 0 ? 0 : age > 3600 ? 3600 * SECOND_NS : age * SECOND_NS;
}

static bool is_untouched(struct file *f, const struct stat_key *key)
{
    pthread_mutex_lock(&f->lock);
    bool ret = f->stat_hash == stat_key_hash(key);
    pthread_mutex_unlock(&f->lock);
    return ret;
}

static struct sight sight_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct sight){.error = errno};
    return (struct sight){.is_file = S_ISREG(st.st_mode), .key = stat_key_of(&st)};
}

static void take_sight(struct file_set *s, struct entry *entry, const struct sight *sight)
{
    entry->must_stat = false;
    if (sight->error == ENOENT || sight->error == ENOTDIR ||
        (sight->error == 0 && !sight->is_file)) {
        entry_gone(s, entry);
        return;
    }
    if (sight->error != 0) {
        entry->must_check = true; /* opening it says why */
        return;
    }
    struct stat_key key = sight->key, old = entry->key;
    if (entry->role == ROLE_GONE)
        entry->role = ROLE_NONE;
    if (entry->role != ROLE_NONE && stat_key_eq(&key, &old))
        return;
    entry->key = key;
    entry->changed_ns = entry->role == ROLE_NONE ? s->now_ns - age_ns(&key) : s->now_ns;
    struct file *f = entry->held;
    if (entry->role == ROLE_NONE && f != NULL && f->name == NULL && is_untouched(f, &key)) {
        entry_go_on(s, entry, f, &key); /* as it was when its end had been read */
        return;
    }
    bool is_growth = entry->role == ROLE_READ && key.device == old.device &&
                     key.inode == old.inode && key.size > old.size;
    if (is_growth)
        grow(s, entry, &key);
    if (!is_growth || (!s->spec.is_once && s->now_ns - entry->checked_ns > RECHECK_NS))
        entry->must_check = entry->role != ROLE_LATE;
}

static void stat_entry(struct file_set *s, struct entry *entry)
{
    struct sight sight = sight_of(entry->path);
    take_sight(s, entry, &sight);
}

/* A twin was compared when less of its file had been read. */
static bool is_twin_due(struct file_set *s, struct entry *entry)
{
    struct file *f = entry->twin;
    if (entry->role != ROLE_TWIN || f == NULL)
        return false;
    if (f->name == NULL)
        return true;
    pthread_mutex_lock(&f->lock);
    bool is_due = f->cursor.position > entry->twin_position;
    pthread_mutex_lock(&s->lock);
    is_due = is_due && !f->is_ready;
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_unlock(&f->lock);
    return is_due;
}

/* ---- looking ---- */

static void on_found(void *context, const char *path, uint32_t pattern)
{
    struct entry *entry = entry_get(context, path);
    entry->pattern = pattern;
    entry->must_stat = true;
    entry_busy(context, entry);
}

static void on_gone(void *context, const char *path)
{
    struct entry *entry = entry_get(context, path);
    if (entry->role == ROLE_GONE)
        return;
    entry->must_stat = true;
    entry_busy(context, entry);
}

static void on_failed(void *context, const char *folder, int error)
{
    file_set_say(context, FILE_UNREADABLE, UINT64_MAX, folder, 0,
                 "the folder %s cannot be listed: %s; tried again", folder, strerror(error));
}

/* A head that was shorter than 64 KiB has grown: the file is found under the new one. */
static void rekey(struct file_set *s, struct file *f)
{
    struct file_mark m;
    pthread_mutex_lock(&f->lock);
    file_snapshot(f, &m);
    pthread_mutex_unlock(&f->lock);
    file_watch(s, f);
    if (m.head_bytes == 0 || (f->key_bytes == m.head_bytes && f->key_hash.lo == m.head_hash.lo))
        return;
    head_index_remove(&s->index, f);
    f->key_bytes = m.head_bytes;
    f->key_hash = m.head_hash;
    if (m.first_hash != 0)
        f->first_hash = m.first_hash;
    if (m.small_hash != 0)
        f->small_hash = m.small_hash;
    head_index_add(&s->index, f);
}

static void take_messages(struct file_set *s)
{
    pthread_mutex_lock(&s->lock);
    AUTO_MEM struct file **flagged = s->flagged, **touched = s->touched;
    size_t n_flagged = s->n_flagged, n_touched = s->n_touched;
    for (size_t i = 0; i < n_flagged; i++)
        flagged[i]->is_flagged = false;
    for (size_t i = 0; i < n_touched; i++)
        touched[i]->is_touched = false;
    s->flagged = s->touched = NULL;
    s->n_flagged = s->n_touched = 0;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < n_touched; i++)
        rekey(s, touched[i]);
    for (size_t i = 0; i < n_flagged; i++) {
        struct file *f = flagged[i];
        struct entry *entry = f->name ? f->name : f->home;
        if (entry != NULL && entry->role != ROLE_GONE) {
            entry->must_stat = entry->must_check = true;
            entry_busy(s, entry);
        }
        file_watch(s, f);
    }
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp((*(struct entry *const *)a)->path, (*(struct entry *const *)b)->path);
}

/* Of the entries that have long been quiet as many as fit into a millisecond. */
static void take_turns(struct file_set *s)
{
    int64_t until = clock_mono_ns() + TURN_NS;
    for (size_t n = 0; n < s->n_entries; n++) {
        if (n >= MIN_OFTEN || (n >= MIN_TURN && n % MIN_TURN == 0 && clock_mono_ns() > until))
            break;
        struct entry *entry = s->entries[s->turn++ % s->n_entries];
        if (entry->is_busy || entry->role == ROLE_GONE)
            continue;
        struct stat_key old = entry->key;
        stat_entry(s, entry);
        if (!stat_key_eq(&old, &entry->key) || entry->must_check)
            entry_busy(s, entry);
    }
}

/* After a scan: whom need the next ones not look at? */
static void drop_quiet(struct file_set *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_busy; i++) {
        struct entry *entry = s->busy[i];
        bool is_open = entry->must_stat || entry->must_check || entry->role == ROLE_NONE ||
                       entry->role == ROLE_WAIT || entry->role == ROLE_TWIN ||
                       entry->role == ROLE_UNREADABLE;
        bool is_recent = entry->role != ROLE_GONE && s->now_ns - entry->changed_ns < QUIET_NS;
        entry->is_busy = is_open || is_recent;
        if (entry->is_busy)
            s->busy[n++] = entry;
    }
    s->n_busy = n;
}

static void walk(struct file_set *s, const _Atomic bool *stop)
{
    const struct glob_visitor visitor = {s, on_found, on_gone, on_failed, stop};
    glob_walk(s->glob, &visitor);
}

void *look_ahead(void *set)
{
    struct file_set *s = set;
    s->seen_ns = clock_mono_ns();
    walk(s, &s->stop_looking);
    s->sights = xmalloc((s->n_busy + 1) * sizeof(*s->sights));
    for (; s->n_sights < s->n_busy && !s->stop_looking; s->n_sights++)
        s->sights[s->n_sights] = sight_of(s->busy[s->n_sights]->path);
    return NULL;
}

void look(struct file_set *s)
{
    AUTO_MEM struct sight *sights = MOVE(s->sights);
    size_t n_sights = clock_mono_ns() - s->seen_ns < AHEAD_NS ? s->n_sights : 0;
    s->n_sights = 0;
    /* What the first look after the one ahead finds may have been there all the time. */
    s->met_ns = s->is_look_old ? s->met_ns : s->now_ns;
    s->is_look_old = n_sights > 0;
    if (!s->is_look_old)
        walk(s, NULL);
    take_messages(s);
    s->n_todo = s->todo_at = s->n_new = 0;
    s->has_displaced = false;
    s->hashed_above = UINT32_MAX;
    take_turns(s);
    for (size_t i = 0; i < s->n_busy; i++) {
        struct entry *entry = s->busy[i];
        if (i < n_sights)
            take_sight(s, entry, &sights[i]);
        else if (entry->role != ROLE_GONE || entry->must_stat)
            stat_entry(s, entry);
        if (entry->role == ROLE_GONE)
            continue;
        if (entry->must_check || entry->role == ROLE_WAIT || entry->role == ROLE_UNREADABLE ||
            is_twin_due(s, entry))
            todo_add(s, entry);
    }
    if (s->n_todo > 0)
        qsort(s->todo, s->n_todo, sizeof(*s->todo), compare_entries);
}

/* ---- finishing ---- */

/* A file without a name: read to its end while it is open; what is then not read is lost. */
static bool watch_orphan(struct file_set *s, struct file *f)
{
    struct stat st;
    struct reader *r = &f->cursor.reader;
    bool is_open = reader_is_open(r) && fstat(r->fd, &st) == 0, is_ready;
    if (is_open && !f->is_changed && (uint64_t)st.st_size > f->size) {
        f->size = (uint64_t)st.st_size;
        f->grown_ns = s->now_ns;
        f->is_end = false;
        if (f->size > f->end_size && !s->spec.is_once)
            file_make_ready(s, f);
    }
    pthread_mutex_lock(&s->lock);
    is_ready = f->is_ready;
    pthread_mutex_unlock(&s->lock);
    if (is_open && is_ready && !f->is_changed)
        return true;
    bool is_idle = is_open && (st.st_nlink == 0 || s->now_ns - f->grown_ns > ORPHAN_NS);
    if (is_open && !f->is_changed && (f->has_partial || !is_idle) && !s->spec.is_once)
        return true;
    if (is_open)
        file_close_reader(s, f);
    f->is_orphan = false;
    file_make_unready(s, f);
    if (f->is_changed)
        return false;

    /* Being written over right now, or about to be found under another name. */
    bool is_awaited = f->home != NULL && f->home->held == f && f->home->role == ROLE_WAIT;
    bool is_settled =
        s->spec.is_once || (++f->missing_scans >= 2 && s->now_ns - f->missing_ns >= SECOND_NS);
    if (is_awaited || !is_settled)
        return true;
    uint64_t rest = f->size > f->cursor.position ? f->size - f->cursor.position : 0;
    if (atomic_load(&f->is_packed))
        rest = atomic_load(&f->waiting);
    if (rest > 0)
        file_set_say(
            s, FILE_LOST, atomic_load(&f->partition), f->path, rest,
            "%s is gone or replaced, %llu bytes of it were not read; its content is in no file of "
            "the "
            "source. If there is a copy, put it there under any name: it goes on where it was",
            f->path, (unsigned long long)rest);
    f->size = 0;
    f->has_partial = false;
    file_set_waiting(s, f, 0);
    return false;
}

/* A last line without line end: how long does it wait for it? */
static void watch_partial(struct file_set *s, struct file *f)
{
    int64_t quiet = s->now_ns - f->grown_ns;
    bool is_newer = s->last_new_ns[f->pattern] > f->grown_ns && s->last_new[f->pattern] != f &&
                    quiet >= SECOND_NS;
    if (f->is_end || !(is_newer || quiet >= s->spec.unended_line_s * SECOND_NS))
        return;
    f->is_end = true;
    file_make_ready(s, f);
}

static int compare_ready(const void *a, const void *b)
{
    return strcmp((*(struct file *const *)a)->path, (*(struct file *const *)b)->path);
}

static void sort_ready(struct file_set *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_ready; i++) {
        struct file *f = s->ready[i];
        if (f->is_ready)
            s->ready[n++] = f;
        else
            f->is_queued = false;
    }
    struct file **kept = NULL;
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        push_file(&kept, &n_kept, s->ready[i]);
    free(s->ready);
    s->ready = kept;
    s->n_ready = n;
    s->ready_from = 0;
    s->is_ready_unsorted = false;
    if (n > 0)
        qsort(s->ready, n, sizeof(*s->ready), compare_ready);
}

/* May the next scan find something though no file is touched meanwhile? */
static bool is_unsettled(struct file_set *s)
{
    for (size_t i = 0; i < s->n_busy; i++) {
        const struct entry *entry = s->busy[i];
        if (entry->role == ROLE_WAIT || (entry->role == ROLE_TWIN && entry->twin->is_ready))
            return true;
    }
    return s->n_flagged > 0;
}

void finish_scan(struct file_set *s)
{
    struct file **old = s->watched;
    size_t n = s->n_watched;
    s->watched = NULL;
    s->n_watched = 0;
    for (size_t i = 0; i < n; i++) {
        struct file *f = old[i];
        pthread_mutex_lock(&f->lock);
        f->is_watched = false;
        bool is_watched = f->name == NULL && watch_orphan(s, f);
        if (f->has_partial && (f->name != NULL || f->is_orphan) && !s->spec.is_once &&
            !f->is_changed) {
            watch_partial(s, f);
            is_watched = true;
        }
        pthread_mutex_unlock(&f->lock);
        if (is_watched)
            file_watch(s, f);
    }
    free(old);
    drop_quiet(s);
    pthread_mutex_lock(&s->lock);
    if (s->is_ready_unsorted)
        sort_ready(s);
    s->is_unsettled = is_unsettled(s);
    pthread_mutex_unlock(&s->lock);
    s->is_started = true;
}
