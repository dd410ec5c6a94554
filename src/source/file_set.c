/* SPDX-License-Identifier: Apache-2.0
 *
 * A file set from outside: opening, marks, events. Looking at names is scan.c, reading is
 * chunk.c. */
#include "source/file_priv.h"

#include <stdio.h>

#include "base/clock.h"

void push_file(struct file ***list, size_t *n, struct file *f)
{
    if ((*n & (*n - 1)) == 0)
        *list = xrealloc(*list, (*n ? *n * 2 : 1) * sizeof(**list));
    (*list)[(*n)++] = f;
}

/* ---- names and files ---- */

static struct entry **path_bucket(struct file_set *s, const char *path)
{
    return &s->by_path[city_hash64(path, strlen(path)) & (s->n_by_path - 1)];
}

static void grow_paths(struct file_set *s)
{
    free(s->by_path);
    s->n_by_path = s->n_by_path ? s->n_by_path * 4 : 256;
    s->by_path = xcalloc(s->n_by_path, sizeof(*s->by_path));
    for (size_t i = 0; i < s->n_entries; i++) {
        struct entry **bucket = path_bucket(s, s->entries[i]->path);
        s->entries[i]->next_by_path = *bucket;
        *bucket = s->entries[i];
    }
}

struct entry *entry_get(struct file_set *s, const char *path)
{
    if (s->n_entries >= s->n_by_path)
        grow_paths(s);
    struct entry **bucket = path_bucket(s, path);
    for (struct entry *e = *bucket; e != NULL; e = e->next_by_path)
        if (strcmp(e->path, path) == 0)
            return e;
    if (s->n_entries == s->cap_entries) {
        s->cap_entries = s->cap_entries ? s->cap_entries * 2 : 64;
        s->entries = xrealloc(s->entries, s->cap_entries * sizeof(*s->entries));
    }
    struct entry *e = xcalloc(1, sizeof(*e));
    e->path = xstrdup(path);
    e->role = ROLE_GONE;
    e->next_by_path = *bucket;
    *bucket = e;
    s->entries[s->n_entries++] = e;
    return e;
}

struct file *file_new(struct file_set *s)
{
    struct file *f = xcalloc(1, sizeof(*f));
    pthread_mutexattr_t brief; /* it is held for some microseconds mostly */
    pthread_mutexattr_init(&brief);
    pthread_mutexattr_settype(&brief, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&f->lock, &brief);
    pthread_mutexattr_destroy(&brief);
    pthread_cond_init(&f->turn, NULL);
    f->overlap = FIRST_OVERLAP_BYTES;
    f->cursor.reader.fd = -1;
    f->limit = UINT64_MAX;
    sip128_init(&f->head_state);
    atomic_init(&f->partition, UINT64_MAX);
    pthread_mutex_lock(&s->lock);
    push_file(&s->files, &s->n_files, f);
    pthread_mutex_unlock(&s->lock);
    return f;
}

static void file_free(struct file *f)
{
    cursor_done(&f->cursor);
    buf_done(&f->cursor.header);
    buf_done(&f->tail);
    free(f->path);
    free(f->header);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->turn);
    free(f);
}

void file_set_flag(struct file_set *s, struct file *f)
{
    pthread_mutex_lock(&s->lock);
    if (!f->is_flagged)
        push_file(&s->flagged, &s->n_flagged, f);
    f->is_flagged = true;
    s->is_unsettled = true;
    pthread_mutex_unlock(&s->lock);
}

void file_set_mark_dirty(struct file_set *s, struct file *f)
{
    pthread_mutex_lock(&s->lock);
    if (!f->is_marked)
        push_file(&s->marked, &s->n_marked, f);
    f->is_marked = true;
    if (!f->is_touched)
        push_file(&s->touched, &s->n_touched, f);
    f->is_touched = true;
    pthread_mutex_unlock(&s->lock);
}

void file_set_waiting(struct file_set *s, struct file *f, uint64_t bytes)
{
    uint64_t before = atomic_exchange(&f->waiting, bytes);
    atomic_fetch_add(&s->waiting, bytes - before);
}

/* ---- opening ---- */

static bool is_sound(const struct file_mark *m)
{
    return m->path != NULL && m->head_bytes <= FILE_HASH_BYTES &&
           m->tail_bytes <= FILE_HASH_BYTES && m->position >= m->header_bytes &&
           m->head_bytes <= m->position - m->header_bytes &&
           m->tail_bytes <= m->position - m->header_bytes && m->partition != UINT64_MAX;
}

/* A mark at which nothing was read yet has no identity: the file is met anew. */
static void take_mark(struct file_set *s, const struct file_mark *m)
{
    if (m->head_bytes == 0)
        return;
    struct file *f = file_new(s);
    atomic_store(&f->partition, m->partition);
    f->cursor.position = m->position;
    f->path = xstrdup(m->path);
    f->header_bytes = m->header_bytes;
    f->head_bytes = m->head_bytes;
    f->head_hash = m->head_hash;
    f->tail_bytes = m->tail_bytes;
    f->tail_hash = m->tail_hash;
    f->stat_hash = m->stat_hash;
    f->key_bytes = m->head_bytes;
    f->key_hash = m->head_hash;
    f->mark_first = f->first_hash = m->first_hash;
    f->mark_small = f->small_hash = m->small_hash;
    head_index_add(&s->index, f);
    if ((m->first_hash == 0 && m->head_bytes >= FIRST_BYTES) ||
        (m->small_hash == 0 && m->head_bytes >= SMALL_BYTES))
        push_file(&s->unhashed, &s->n_unhashed, f);

    struct entry *entry = entry_get(s, m->path);
    f->home = entry;
    if (entry->held == NULL || atomic_load(&entry->held->partition) < m->partition)
        entry->held = f;
}

static char *keep_text(struct buf *b, const char *text)
{
    char *copy = xstrdup(text ? text : "");
    buf_put(b, &copy, sizeof(copy));
    return copy;
}

enum err_code file_set_new(struct file_set **ret, const struct file_source_spec *spec,
                           struct err *e)
{
    struct glob *glob;
    TRY(glob_new(&glob, spec->globs, spec->n_globs, e));

    struct file_set *s = xcalloc(1, sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->spec = *spec;
    s->spec.name = keep_text(&s->text, spec->name);
    s->spec.globs = NULL; /* glob has them */
    if (s->spec.max_open_files == 0)
        s->spec.max_open_files = DEFAULT_OPEN_FILES;
    if (s->spec.max_chunks == 0)
        s->spec.max_chunks = DEFAULT_CHUNKS;
    if (s->spec.max_record_bytes == 0)
        s->spec.max_record_bytes = (size_t)16 << 20;
    s->glob = glob;
    s->scratch = xmalloc(SCRATCH_BYTES);
    s->scratch2 = xmalloc(FILE_HASH_BYTES);
    s->last_new_ns = xcalloc(spec->n_globs, sizeof(*s->last_new_ns));
    s->last_new = xcalloc(spec->n_globs, sizeof(*s->last_new));
    s->range.reader.fd = -1;
    s->is_unsettled = true;
    *ret = s;
    return ERR_OK;
}

void file_set_look_ahead(struct file_set *s)
{
    /* else the first scan looks */
    s->is_looking = pthread_create(&s->looker, NULL, look_ahead, s) == 0;
}

static void end_look_ahead(struct file_set *s)
{
    if (s->is_looking)
        pthread_join(s->looker, NULL);
    s->is_looking = false;
}

enum err_code file_set_know(struct file_set *s, const struct file_mark *marks, size_t n_marks,
                            uint64_t next_partition, struct err *e)
{
    for (size_t i = 0; i < n_marks; i++)
        if (!is_sound(&marks[i]))
            return err_set(e, ERR_INVALID, "the stored mark of file %s is damaged",
                           marks[i].path ? marks[i].path : "(no path)");
    end_look_ahead(s);
    s->next_partition = next_partition;
    head_index_reserve(&s->index, n_marks + 1);
    for (size_t i = 0; i < n_marks; i++)
        take_mark(s, &marks[i]);
    return ERR_OK;
}

enum err_code file_set_open(struct file_set **ret, const struct file_source_spec *spec,
                            const struct file_mark *marks, size_t n_marks, uint64_t next_partition,
                            struct err *e)
{
    struct file_set *s;
    TRY(file_set_new(&s, spec, e));
    enum err_code code = file_set_know(s, marks, n_marks, next_partition, e);
    if (code == ERR_OK)
        *ret = s;
    else
        file_set_close(s);
    return code;
}

void file_set_close(struct file_set *s)
{
    if (s == NULL)
        return;
    s->stop_looking = true;
    end_look_ahead(s);
    free(s->sights);
    struct file_event event;
    while (file_set_event(s, &event)) {
        free(event.path);
        free(event.text);
    }
    for (size_t i = 0; i < s->n_files; i++)
        file_free(s->files[i]);
    for (size_t i = 0; i < s->n_entries; i++) {
        free(s->entries[i]->path);
        free(s->entries[i]->seen.header);
        free(s->entries[i]);
    }
    cursor_done(&s->range);
    buf_done(&s->range.header);
    pool_done(s);
    glob_free(s->glob);
    head_index_done(&s->index);
    for (size_t i = 0; i < s->text.n / sizeof(char *); i++)
        free(((char **)s->text.p)[i]);
    buf_done(&s->text);
    free(s->range_header);
    free(s->files);
    free(s->entries);
    free(s->by_path);
    free(s->ready);
    free(s->flagged);
    free(s->touched);
    free(s->unhashed);
    free(s->marked);
    free(s->todo);
    free(s->busy);
    free(s->watched);
    free(s->scratch);
    free(s->scratch2);
    free(s->last_new_ns);
    free(s->last_new);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- events ---- */

void file_set_say(struct file_set *s, enum file_event_kind kind, uint64_t partition,
                  const char *path, uint64_t lost_bytes, const char *fmt, ...)
{
    char text[1200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct event_item *item = xcalloc(1, sizeof(*item));
    item->event = (struct file_event){.kind = kind,
                                      .partition = partition,
                                      .path = xstrdup(path),
                                      .text = xstrdup(text),
                                      .lost_bytes = lost_bytes};
    pthread_mutex_lock(&s->lock);
    if (s->last_event != NULL)
        s->last_event->next = item;
    else
        s->events = item;
    s->last_event = item;
    pthread_mutex_unlock(&s->lock);
}

bool file_set_event(struct file_set *s, struct file_event *ret)
{
    pthread_mutex_lock(&s->lock);
    struct event_item *item = s->events;
    if (item != NULL) {
        s->events = item->next;
        if (item->next == NULL)
            s->last_event = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    if (item == NULL)
        return false;
    *ret = item->event;
    free(item);
    return true;
}

/* ---- marks ---- */

void file_snapshot(struct file *f, struct file_mark *m)
{
    if (f->is_head_stale) {
        struct sip128 state = f->head_state;
        f->head_hash = sip128_end(&state);
        f->is_head_stale = false;
    }
    if (f->is_tail_stale) {
        f->tail_bytes = (uint32_t)f->tail.n;
        f->tail_hash = sip_hash128(f->tail.p, f->tail.n);
        f->is_tail_stale = false;
    }
    *m = (struct file_mark){
        .partition = atomic_load(&f->partition),
        .path = f->path,
        .position = f->cursor.position,
        .header_bytes = f->header_bytes,
        .head_bytes = f->head_bytes,
        .head_hash = f->head_hash,
        .tail_bytes = f->tail_bytes,
        .tail_hash = f->tail_hash,
        .stat_hash = f->stat_hash,
        .small_hash = f->mark_small,
        .first_hash = f->mark_first,
    };
}

static size_t collect_marks(struct file **files, size_t n, struct file_mark **ret)
{
    struct file_mark *marks = xcalloc(n, sizeof(*marks));
    size_t n_marks = 0;
    for (size_t i = 0; i < n; i++) {
        struct file *f = files[i];
        if (atomic_load(&f->partition) == UINT64_MAX)
            continue;
        pthread_mutex_lock(&f->lock);
        struct file_mark *m = &marks[n_marks++];
        file_snapshot(f, m);
        m->path = xstrdup(m->path);
        pthread_mutex_unlock(&f->lock);
    }
    *ret = marks;
    return n_marks;
}

size_t file_set_marks(struct file_set *s, struct file_mark **ret)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->n_files;
    AUTO_MEM struct file **files = xmalloc(n * sizeof(*files));
    if (n > 0)
        memcpy(files, s->files, n * sizeof(*files));
    pthread_mutex_unlock(&s->lock);
    return collect_marks(files, n, ret);
}

size_t file_set_changed_marks(struct file_set *s, struct file_mark **ret)
{
    pthread_mutex_lock(&s->lock);
    AUTO_MEM struct file **files = s->marked;
    size_t n = s->n_marked;
    for (size_t i = 0; i < n; i++)
        files[i]->is_marked = files[i]->is_held = false;
    s->marked = NULL;
    s->n_marked = 0;
    pthread_mutex_unlock(&s->lock);
    return collect_marks(files, n, ret);
}

void file_marks_free(struct file_mark *marks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(marks[i].path);
    free(marks);
}

/* ---- what is left ---- */

bool file_set_is_drained(struct file_set *s)
{
    bool is_ready = false;
    pthread_mutex_lock(&s->lock);
    for (size_t i = s->ready_from; i < s->n_ready && !is_ready; i++)
        is_ready = s->ready[i]->is_ready;
    bool is_drained = !is_ready && !s->is_unsettled && s->n_cutting == 0;
    pthread_mutex_unlock(&s->lock);
    return is_drained;
}

uint64_t file_set_waiting_bytes(struct file_set *s)
{
    return atomic_load(&s->waiting);
}
