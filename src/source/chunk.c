/* SPDX-License-Identifier: Apache-2.0
 *
 * Handing out chunks. A worker picks the first ready file in name order whose lock is free,
 * reads and cuts in turn (ahead.c), and decodes after it. Buffers come from a pool, open readers
 * are bounded. */
#include "source/file_priv.h"

#include <stdio.h>
#include <unistd.h>

/* ---- pool ---- */

/* A buffer that this thread used last lies in its core's cache. */
static struct chunk_memory *pool_pop(struct file_set *s)
{
    struct chunk_memory **at = &s->pool;
    while (*at != NULL && !pthread_equal((*at)->user, pthread_self()))
        at = &(*at)->next;
    if (*at == NULL)
        at = &s->pool;
    struct chunk_memory *m = *at;
    if (m != NULL)
        *at = m->next;
    return m;
}

struct chunk_memory *pool_take(struct file_set *s)
{
    pthread_mutex_lock(&s->lock);
    bool is_full = s->n_chunks >= s->spec.max_chunks;
    struct chunk_memory *m = is_full ? NULL : pool_pop(s);
    s->n_chunks += !is_full;
    pthread_mutex_unlock(&s->lock);
    if (is_full)
        return NULL;
    if (m == NULL) {
        m = xcalloc(1, sizeof(*m));
        memory_grow(m, FILE_CHUNK_BYTES);
    }
    m->user = pthread_self();
    return m;
}

void pool_give(struct file_set *s, struct chunk_memory *m)
{
    if (m->cap > FILE_CHUNK_BYTES) { /* grown for one long record: not kept */
        free(m->data);
        m->data = NULL;
        m->cap = 0;
        memory_grow(m, FILE_CHUNK_BYTES);
    }
    pthread_mutex_lock(&s->lock);
    m->next = s->pool;
    s->pool = m;
    s->n_chunks--;
    pthread_mutex_unlock(&s->lock);
}

void pool_done(struct file_set *s)
{
    while (s->pool != NULL) {
        struct chunk_memory *m = s->pool;
        s->pool = m->next;
        free(m->data);
        buf_done(&m->path);
        buf_done(&m->header);
        free(m);
    }
}

/* ---- open readers ---- */

static void lru_unlink(struct file_set *s, struct file *f)
{
    if (!f->is_in_lru)
        return;
    *(f->lru_prev ? &f->lru_prev->lru_next : &s->lru_first) = f->lru_next;
    *(f->lru_next ? &f->lru_next->lru_prev : &s->lru_last) = f->lru_prev;
    f->lru_prev = f->lru_next = NULL;
    f->is_in_lru = false;
    s->n_open--;
}

/* The least recently used reader that nobody uses now, locked. One that is the only way to its
 * content stays. */
static struct file *lru_victim(struct file_set *s, struct file *but)
{
    for (struct file *f = s->lru_first; f != NULL; f = f->lru_next) {
        if (f == but || pthread_mutex_trylock(&f->lock) != 0)
            continue;
        if (!f->is_orphan)
            return f;
        pthread_mutex_unlock(&f->lock);
    }
    return NULL;
}

void lru_touch(struct file_set *s, struct file *f)
{
    pthread_mutex_lock(&s->lock);
    lru_unlink(s, f);
    f->lru_prev = s->lru_last;
    *(s->lru_last ? &s->lru_last->lru_next : &s->lru_first) = f;
    s->lru_last = f;
    f->is_in_lru = true;
    s->n_open++;
    struct file *victim = s->n_open > s->spec.max_open_files ? lru_victim(s, f) : NULL;
    pthread_mutex_unlock(&s->lock);
    if (victim != NULL) {
        file_close_reader(s, victim);
        pthread_mutex_unlock(&victim->lock);
    }
}

void file_close_reader(struct file_set *s, struct file *f)
{
    if (!reader_is_open(&f->cursor.reader))
        return;
    struct file_mark m;
    file_snapshot(f, &m); /* the hashes, while the bytes are there */
    cursor_done(&f->cursor);
    buf_done(&f->tail);
    pthread_mutex_lock(&s->lock);
    lru_unlink(s, f);
    pthread_mutex_unlock(&s->lock);
}

/* A file that is known from a mark: its header is read when it is needed. It may have been written
 * over since: identity is that of the records alone. */
static enum err_code read_header(struct file_set *s, struct file *f, struct chunk_memory *m,
                                 struct err *e)
{
    struct content content;
    if (f->header != NULL || !format_has_names(s->spec.format))
        return ERR_OK;
    memory_grow(m, SCRATCH_BYTES);
    TRY(content_look(&f->cursor.reader, &s->spec, m->data, &content, e));
    struct err why = {0};
    AUTO_MEM char *header = xstrndup(content.header.p ? content.header.p : "", content.header.n);
    if (s->spec.check_header != NULL &&
        s->spec.check_header(s->spec.context, str_of(header), &why) != ERR_OK)
        return err_set(e, ERR_REFUSED, "%s", why.text);
    f->header = MOVE(header);
    return ERR_OK;
}

/* Opens the file and proves that it is still the one that was read. m is scratch. */
static enum err_code open_reader(struct file_set *s, struct file *f, struct chunk_memory *memory,
                                 struct err *e)
{
    struct reader *r = &f->cursor.reader;
    TRY(reader_open(r, f->path, e));
    r->limit = f->limit;
    f->n_opened++;
    atomic_store(&f->is_packed, r->compression != COMPRESSION_NONE);
    struct file_mark m;
    file_snapshot(f, &m);
    if (m.head_bytes > 0) {
        struct match_result result;
        enum err_code code = identity_match(r, &m, memory->data, &result, e);
        if (code == ERR_OK && result.match != MATCH_FULL)
            code = err_set(e, ERR_CONFLICT, "%s has other content now", f->path);
        if (code != ERR_OK) {
            reader_close(r);
            return code;
        }
        buf_reset(&f->tail);
        buf_put(&f->tail, memory->data, m.tail_bytes);
        if (!f->has_head_state)
            f->head_state = result.head_state;
        f->has_head_state = true;
    }
    enum err_code code = read_header(s, f, memory, e);
    if (code == ERR_OK)
        code = cursor_seek(&f->cursor, &s->spec, f->cursor.position, e);
    if (code != ERR_OK)
        cursor_done(&f->cursor);
    else
        lru_touch(s, f);
    return code;
}

/* After a read: are the bytes before the position still those that were handed out? If so, what
 * was read behind them is this file's. */
static bool is_still_same(struct file *f, uint64_t from)
{
    char now[TAIL_CHECK_BYTES];
    size_t n = f->tail.n < sizeof(now) ? f->tail.n : sizeof(now);
    if (f->cursor.reader.compression != COMPRESSION_NONE || n == 0)
        return true;
    return pread(f->cursor.reader.fd, now, n, (off_t)(from - n)) == (ssize_t)n &&
           memcmp(now, f->tail.p + f->tail.n - n, n) == 0;
}

/* The same for a file of which nothing was handed out yet: it must begin as it did when it was
 * met. */
static bool is_as_seen(const struct file *f, const struct piece *p)
{
    size_t n = p->is_too_long ? p->n : p->n + p->rest;
    if (n < f->seen_bytes)
        return false;
    struct u128 hash = sip_hash128(p->data, f->seen_bytes);
    return hash.lo == f->seen_hash.lo && hash.hi == f->seen_hash.hi;
}

/* ---- chunks ---- */

static void set_ready(struct file_set *s, struct file *f, bool is_ready)
{
    pthread_mutex_lock(&s->lock);
    f->is_ready = is_ready;
    pthread_mutex_unlock(&s->lock);
}

/* What comes behind a record that was cut short may turn out to be its rest. A recovery that
 * read both in one range would find one record where two were stored, so nothing more of the
 * file is handed out until the range has been taken (file_set_changed_marks). */
static void hold(struct file_set *s, struct file *f)
{
    pthread_mutex_lock(&s->lock);
    f->is_held = true;
    pthread_mutex_unlock(&s->lock);
}

static void head_push(struct file *f, const char *p, size_t n)
{
    size_t room = FILE_HASH_BYTES - f->head_bytes;
    if (room == 0)
        return;
    if (n > room)
        n = room;
    /* The beginning is at hand with the first chunk, and as long as the tail still holds all. */
    const char *head = f->head_bytes == 0 ? p : f->tail.n == f->head_bytes + n ? f->tail.p : NULL;
    if (head != NULL && f->mark_first == 0) {
        f->mark_first = first_hash_of(head, f->head_bytes + n);
        f->mark_small = small_hash_of(head, f->head_bytes + n);
    }
    sip128_add(&f->head_state, p, n);
    f->head_bytes += (uint32_t)n;
    f->is_head_stale = true;
}

/* The present end was met: what is known about the file now. */
static void note_end(struct file_set *s, struct file *f, const struct piece *p)
{
    struct stat st;
    f->end_size = p->used;
    f->has_partial = p->rest > 0;
    f->is_end = false;
    f->stat_hash = 0;
    if (p->rest == 0 && p->is_whole && fstat(f->cursor.reader.fd, &st) == 0 &&
        (uint64_t)st.st_size == p->used) {
        struct stat_key key = stat_key_of(&st);
        f->stat_hash = stat_key_hash(&key);
    }
    file_set_waiting(s, f, f->cursor.reader.compression == COMPRESSION_NONE ? p->rest : 0);
    if (s->spec.is_once && !p->is_whole)
        file_set_say(s, FILE_CORRUPT, atomic_load(&f->partition), f->path, 0,
                     "%s ends within its compressed data; the %llu bytes before that were read",
                     f->path, (unsigned long long)f->cursor.position);
    set_ready(s, f, false);
    bool is_done = f->cursor.reader.compression != COMPRESSION_NONE && p->rest == 0;
    if (is_done || f->cursor.is_broken)
        file_close_reader(s, f); /* the state of a decompressor is large */
}

static void note_failure(struct file_set *s, struct file *f, enum err_code code, const char *text)
{
    set_ready(s, f, false);
    struct stat st;
    if (code == ERR_REFUSED && stat(f->path, &st) == 0) {
        f->end_size = (uint64_t)st.st_size; /* tried again when it changes */
        if (f->corrupt_size != f->end_size)
            file_set_say(s, FILE_BAD_HEADER, atomic_load(&f->partition), f->path, 0,
                         "%s: %s; what was read before stays, the rest waits for the header to fit",
                         f->path, text);
        f->corrupt_size = f->end_size;
        f->is_stuck = true;
        file_close_reader(s, f);
        return;
    }
    bool is_open = reader_is_open(&f->cursor.reader) && fstat(f->cursor.reader.fd, &st) == 0;
    if (code == ERR_INVALID && is_open) {
        f->end_size = (uint64_t)st.st_size; /* tried again when it changes */
        if (f->corrupt_size != f->end_size)
            file_set_say(s, FILE_CORRUPT, atomic_load(&f->partition), f->path, 0,
                         "%s: %s; the %llu decompressed bytes before that were read. Put the whole "
                         "file in its "
                         "place: it goes on from there",
                         f->path, text, (unsigned long long)f->cursor.position);
        f->corrupt_size = f->end_size;
        f->is_stuck = true;
    } else if (code == ERR_IO) {
        if (!f->is_stuck)
            file_set_say(s, FILE_UNREADABLE, atomic_load(&f->partition), f->path, 0,
                         "%s: %s; tried again", f->path, text);
        f->is_stuck = true;
        if (!s->spec.is_once)
            file_set_flag(s, f);
    } else {
        file_set_flag(s, f);
    }
    file_close_reader(s, f);
}

static bool may_end(struct file_set *s, struct file *f)
{
    struct stat st;
    if (!s->spec.is_once)
        return f->is_end;
    /* A file that grows meanwhile has its last line completed after our limit. */
    return f->cursor.reader.compression != COMPRESSION_NONE ||
           (fstat(f->cursor.reader.fd, &st) == 0 && (uint64_t)st.st_size <= f->limit);
}

static void fill_chunk(struct file_set *s, struct file *f, struct chunk_memory *m,
                       const struct piece *p, struct file_chunk *ret)
{
    pthread_mutex_lock(&s->lock);
    if (atomic_load(&f->partition) == UINT64_MAX)
        atomic_store(&f->partition, s->next_partition++);
    pthread_mutex_unlock(&s->lock);
    buf_reset(&m->path);
    buf_text(&m->path, f->path);
    *ret = (struct file_chunk){
        .file = f,
        .partition = atomic_load(&f->partition),
        .from = p->from,
        .to = p->to,
        .after = f->handed_to,
        .data = p->data,
        .data_bytes = p->n,
        .is_too_long = p->is_too_long,
        .path = buf_cstr(&m->path),
        .header = format_has_state(s->spec.format) ? (struct str){buf_cstr(&m->header), m->header.n}
                                                   : str_of(f->header),
        .memory = m,
    };
    f->handed_to = p->to;
}

/* Reads and proves what is next. On failure nothing of the file has moved. */
static enum err_code read_piece(struct file_set *s, struct file *f, struct chunk_memory *m,
                                struct piece *p, struct err *e)
{
    struct cursor *c = &f->cursor;
    if (!reader_is_open(&c->reader))
        TRY(open_reader(s, f, m, e));
    TRY(cursor_next(c, &s->spec, m, UINT64_MAX, may_end(s, f), p, e));
    if (f->head_bytes == 0 ? is_as_seen(f, p) : is_still_same(f, p->from))
        return ERR_OK;
    c->position = p->from;
    c->is_header_known = false;
    return err_set(e, ERR_CONFLICT, "%s has other content now", f->path);
}

/* Under f->lock. False: nothing to hand out now; the file is not ready any more. */
static bool file_cut(struct file_set *s, struct file *f, struct chunk_memory *m,
                     struct file_chunk *ret)
{
    struct err err = {0};
    struct piece p;
    enum err_code code = read_piece(s, f, m, &p, &err);
    if (code != ERR_OK) {
        note_failure(s, f, code, err.text);
        return false;
    }
    if (p.n > 0) {
        const struct buf *passed = &f->cursor.passed;
        tail_push(&f->tail, p.is_too_long ? passed->p : p.data, p.is_too_long ? passed->n : p.n);
        head_push(f, p.data, p.n);
        f->is_tail_stale = true;
        f->is_stuck = false;
        f->stat_hash = 0;
        fill_chunk(s, f, m, &p, ret);
        uint64_t used = reader_used(&f->cursor.reader), size = f->cursor.reader.key.size;
        file_set_waiting(s, f, size > used ? size - used : 0);
    }
    if (p.is_cut_short)
        hold(s, f);
    if (p.is_eof)
        note_end(s, f, &p);
    if (p.n > 0)
        file_set_mark_dirty(s, f);
    return p.n > 0;
}

/* The first ready file from which something can be read now, locked; if all are busy the first
 * of them, to wait for. */
static struct file *pick(struct file_set *s, struct file **busy)
{
    struct file *found = NULL;
    *busy = NULL;
    pthread_mutex_lock(&s->lock);
    while (s->ready_from < s->n_ready && !s->ready[s->ready_from]->is_ready)
        s->ready_from++;
    for (size_t i = s->ready_from; i < s->n_ready && found == NULL; i++) {
        struct file *f = s->ready[i];
        if (!f->is_ready || f->is_held)
            continue;
        bool is_locked = pthread_mutex_trylock(&f->lock) == 0;
        if (is_locked && file_can_share(f))
            found = f;
        else if (*busy == NULL)
            *busy = f;
        if (is_locked && found == NULL)
            pthread_mutex_unlock(&f->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

bool file_is_ready(struct file_set *s, struct file *f)
{
    pthread_mutex_lock(&s->lock);
    bool ret = f->is_ready && !f->is_held;
    pthread_mutex_unlock(&s->lock);
    return ret;
}

static bool next_chunk(struct file_set *s, struct chunk_memory *m, struct file_chunk *ret)
{
    for (;;) {
        struct file *busy, *f = pick(s, &busy);
        if (f == NULL && busy == NULL)
            return false;
        if (f == NULL) {
            f = busy;
            pthread_mutex_lock(&f->lock);
        }
        bool is_got = false;
        if (file_is_ready(s, f)) {
            file_take_turn(s, f, m);
            is_got = file_is_ready(s, f) && file_cut(s, f, m, ret);
            file_end_turn(f);
        }
        pthread_mutex_unlock(&f->lock);
        if (is_got)
            return true;
    }
}

static void count_cutting(struct file_set *s, int by)
{
    pthread_mutex_lock(&s->lock);
    s->n_cutting += (size_t)by;
    pthread_mutex_unlock(&s->lock);
}

enum err_code file_next_chunk(struct file_set *s, struct file_chunk *ret, struct err *e)
{
    struct chunk_memory *m = pool_take(s);
    if (m == NULL)
        return err_set(e, ERR_UNAVAILABLE, "%zu chunks of source %s are in use", s->spec.max_chunks,
                       s->spec.name);
    count_cutting(s, 1);
    bool is_got = next_chunk(s, m, ret);
    count_cutting(s, -1);
    if (is_got)
        return ERR_OK;
    pool_give(s, m);
    return err_set(e, ERR_NOT_FOUND, "nothing to read now in source %s", s->spec.name);
}

void file_release(struct file_set *s, struct file_chunk *c)
{
    if (c->memory != NULL)
        pool_give(s, c->memory);
    c->memory = NULL;
    c->data = NULL;
}
