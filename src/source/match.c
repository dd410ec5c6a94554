/* SPDX-License-Identifier: Apache-2.0
 *
 * The middle of a scan: opening names that were touched and comparing their content with the
 * files that are known. What is certain at once is applied (goes on, moved, twin), the rest is
 * left to the decision. */
#include "source/file_priv.h"

#include <errno.h>
#include <stdio.h>

enum { MAX_CANDIDATES = 64, MAX_FIRSTS = 16, MAX_SMALLS = 4, MAX_TINY = 1000 };
/* a file untouched so long is not being written by a copy */
static const int64_t CALM_NS = 5000000000;

/* The name cannot be read now: said once a reason, tried again at every scan. */
static void unreadable(struct file_set *s, struct entry *entry, enum err_code code,
                       const struct err *err)
{
    if (code == ERR_NOT_FOUND) {
        entry_gone(s, entry);
        return;
    }
    uint64_t partition = entry->held ? atomic_load(&entry->held->partition) : UINT64_MAX;
    entry->must_check = false;
    if (code == ERR_INVALID) { /* corrupt from the beginning: only a change helps */
        entry->role = ROLE_REFUSED;
        file_set_say(s, FILE_CORRUPT, partition, entry->path, 0, "%s: %s; nothing of it was read",
                     entry->path, err->text);
        return;
    }
    entry->role = ROLE_UNREADABLE;
    if (entry->said_error != (int)code)
        file_set_say(s, FILE_UNREADABLE, partition, entry->path, 0, "%s; tried again", err->text);
    entry->said_error = (int)code;
}

static void snapshot(struct file *f, struct file_mark *m)
{
    pthread_mutex_lock(&f->lock);
    file_snapshot(f, m);
    pthread_mutex_unlock(&f->lock);
}

/* Of a file that was met but of which nothing was read: it is the same as long as its beginning
 * is. */
static enum err_code match_unread(struct file_set *s, struct reader *r, const struct file *f,
                                  struct match_result *ret, struct err *e)
{
    struct content content;
    *ret = (struct match_result){.match = MATCH_NONE,
                                 .is_shorter = true}; /* else: nothing of it can stay */
    TRY(content_look(r, &s->spec, s->scratch, &content, e));
    if (content.kind != CONTENT_OK || content.header_bytes != f->header_bytes ||
        content.head_bytes < f->seen_bytes)
        return ERR_OK;
    struct u128 hash = sip_hash128(content.head, f->seen_bytes);
    if (hash.lo == f->seen_hash.lo && hash.hi == f->seen_hash.hi)
        ret->match = MATCH_FULL;
    return ERR_OK;
}

static void become_moved(struct file_set *s, struct entry *entry, struct file *f,
                         const struct stat_key *key)
{
    AUTO_MEM char *from = xstrdup(f->path);
    entry_go_on(s, entry, f, key);
    uint64_t partition = atomic_load(&f->partition);
    if (partition != UINT64_MAX && strcmp(from, entry->path) != 0)
        file_set_say(s, FILE_MOVED, partition, entry->path, 0, "%s goes on as %s", from,
                     entry->path);
}

/* The content was replaced in place: what the open descriptor shows is not this file's either. */
static void drop_reader_of(struct file_set *s, struct file *f, const struct stat_key *key)
{
    pthread_mutex_lock(&f->lock);
    const struct reader *r = &f->cursor.reader;
    if (reader_is_open(r) && r->key.device == key->device && r->key.inode == key->inode) {
        file_close_reader(s, f);
        f->is_orphan = false;
        file_make_unready(s, f);
    }
    pthread_mutex_unlock(&f->lock);
}

void check_own(struct file_set *s, struct entry *entry)
{
    struct err err = {0};
    struct file *f = entry->held;
    struct reader r;
    struct file_mark m;
    struct match_result result;
    snapshot(f, &m);
    enum err_code code = reader_open(&r, entry->path, &err);
    if (code == ERR_OK)
        code = m.head_bytes > 0 ? identity_match(&r, &m, s->scratch, &result, &err)
                                : match_unread(s, &r, f, &result, &err);
    /* corrupt at its beginning: not what was read */
    if (code == ERR_INVALID && reader_is_open(&r)) {
        result = (struct match_result){.match = MATCH_NONE, .is_shorter = true};
        code = ERR_OK;
    }
    if (code != ERR_OK) {
        unreadable(s, entry, code, &err);
    } else if (result.match == MATCH_FULL) {
        entry->key = r.key;
        become_moved(s, entry, f, &r.key);
    } else {
        if (f->name == entry)
            file_lose_name(s, f);
        drop_reader_of(s, f, &r.key);
        entry->own = result.match;
        entry->is_shorter = result.is_shorter;
    }
    reader_close(&r);
}

/* ---- others ---- */

/* Is all of r's content the beginning of f's, as f lies there now? The last 64 KiB decide. */
static bool is_beginning_of(struct file_set *s, struct reader *r, const struct entry *entry,
                            const struct file *f)
{
    struct err err;
    struct reader there;
    if (f->name == NULL || f->name == entry || entry->seen.header_bytes != f->header_bytes)
        return false;
    if (r->compression == COMPRESSION_NONE && !atomic_load(&f->is_packed) && f->size < r->key.size)
        return false;
    if (reader_seek(r, UINT64_MAX, &err) != ERR_OK && r->at == 0)
        return false;
    uint64_t end = r->compression == COMPRESSION_NONE ? r->key.size : r->at;
    size_t n =
        end - f->header_bytes < FILE_HASH_BYTES ? (size_t)(end - f->header_bytes) : FILE_HASH_BYTES;
    size_t got = 0, got_there = 0;
    if (end <= f->header_bytes || reader_open(&there, f->name->path, &err) != ERR_OK)
        return false;
    bool is_read = reader_seek(r, end - n, &err) == ERR_OK && r->at == end - n &&
                   reader_read(r, s->scratch, n, &got, &err) == ERR_OK &&
                   reader_seek(&there, end - n, &err) == ERR_OK && there.at == end - n &&
                   reader_read(&there, s->scratch2, n, &got_there, &err) == ERR_OK;
    reader_close(&there);
    return is_read && got == n && got_there == n && memcmp(s->scratch, s->scratch2, n) == 0;
}

struct best {
    struct file *file;
    enum match match;
    uint64_t position;
};

/* Is f a better match than what was found? */
static enum err_code try_file(struct file_set *s, struct reader *r, struct entry *entry,
                              struct file *f, struct best *best, struct err *e)
{
    struct file_mark m;
    struct match_result result = {.match = MATCH_FULL};
    snapshot(f, &m);
    if (m.header_bytes != entry->seen.header_bytes ||
        (f == entry->held && f->name == NULL && entry->own != MATCH_NONE))
        return ERR_OK;
    if (s->spec.is_distinct_path && f->name != NULL && f->name != entry)
        return ERR_OK;
    if (m.head_bytes > 0) {
        if (best->match == MATCH_FULL && m.position < best->position)
            return ERR_OK;
        TRY(identity_match(r, &m, s->scratch, &result, e));
    }
    if (result.match == MATCH_PREFIX && !is_beginning_of(s, r, entry, f))
        return ERR_OK;
    bool is_better =
        result.match > best->match ||
        (result.match == best->match && best->file != NULL && m.position >= best->position);
    if (result.match != MATCH_NONE && is_better)
        *best = (struct best){f, result.match, m.position};
    return ERR_OK;
}

static void make_hashes(struct file_set *s, struct file *f)
{
    struct reader r;
    struct err err;
    struct content content;
    if (reader_open(&r, f->name->path, &err) != ERR_OK)
        return;
    if (content_look(&r, &s->spec, s->scratch, &content, &err) == ERR_OK &&
        content.kind == CONTENT_OK) {
        head_index_remove(&s->index, f);
        f->first_hash = content.first_hash;
        f->small_hash = content.small_hash;
        head_index_add(&s->index, f);
    }
    reader_close(&r);
}

/* Files whose mark lacks these hashes (older ones do): they are made when they are first needed,
 * for content of n bytes that is the head of no known file. It can only be the beginning of
 * those with longer heads. */
static void fill_hashes(struct file_set *s, uint32_t n)
{
    size_t kept = 0;
    if (s->n_unhashed == 0 || n >= s->hashed_above)
        return;
    s->hashed_above = n;
    struct file **todo = s->unhashed, **rest = NULL;
    for (size_t i = 0; i < s->n_unhashed; i++) {
        /* by reading, meanwhile */
        bool is_made = todo[i]->first_hash != 0 && todo[i]->small_hash != 0;
        if (is_made)
            continue;
        if (todo[i]->name != NULL && todo[i]->is_indexed && todo[i]->key_bytes > n)
            make_hashes(s, todo[i]);
        else
            push_file(&rest, &kept, todo[i]);
    }
    free(todo);
    s->unhashed = rest;
    s->n_unhashed = kept;
}

/* Files that begin like this content. Where that many do, no copy is looked for among them. */
static size_t find_alike(struct file_set *s, const struct seen *seen, struct file **ret)
{
    if (seen->first_hash != 0)
        return head_index_first(&s->index, seen->first_hash, ret, MAX_FIRSTS);
    if (seen->small_hash != 0)
        return head_index_small(&s->index, seen->small_hash, ret, MAX_SMALLS);
    size_t n = 0; /* tiny: all files are tried where there are few */
    for (size_t i = 0; s->n_files < MAX_TINY && i < s->n_files && n < MAX_CANDIDATES; i++)
        if (s->files[i]->name != NULL)
            ret[n++] = s->files[i];
    return n;
}

static enum err_code find_best(struct file_set *s, struct reader *r, struct entry *entry,
                               const struct content *content, struct best *best, struct err *e)
{
    struct file *found[MAX_CANDIDATES];
    size_t n =
        head_index_find(&s->index, content->head, content->head_bytes, found, MAX_CANDIDATES);
    for (size_t i = 0; i < n; i++)
        TRY(try_file(s, r, entry, found[i], best, e));
    if (best->match != MATCH_NONE || content->head_bytes == FILE_HASH_BYTES ||
        s->spec.is_distinct_path)
        return ERR_OK;
    fill_hashes(s, content->head_bytes);
    n = find_alike(s, &entry->seen, found);
    for (size_t i = 0; i < n && best->file == NULL; i++)
        if (is_beginning_of(s, r, entry, found[i]))
            *best = (struct best){found[i], MATCH_PREFIX, 0};
    return ERR_OK;
}

/* The same content under a second name. When its file was read to the end and this name has
 * more, the file goes on here. */
static void become_twin(struct file_set *s, struct entry *entry, struct file *f,
                        const struct best *best, struct reader *r)
{
    char byte;
    size_t got = 0;
    struct err err;
    pthread_mutex_lock(&f->lock);
    pthread_mutex_lock(&s->lock);
    bool is_drained =
        !f->is_ready && f->cursor.position == best->position && best->position > f->header_bytes;
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_unlock(&f->lock);
    bool is_longer = is_drained && reader_seek(r, best->position, &err) == ERR_OK &&
                     r->at == best->position && reader_read(r, &byte, 1, &got, &err) == ERR_OK &&
                     got == 1;
    struct entry *old = f->name;
    if (is_longer && (s->spec.is_once || s->now_ns - old->changed_ns > CALM_NS)) {
        old->role = ROLE_PREFIX;
        old->twin = f;
        become_moved(s, entry, f, &r->key);
        return;
    }
    entry->role = ROLE_TWIN;
    entry->twin = entry->held = f;
    entry->twin_position = is_longer ? 0 : best->position;
    entry->must_check = false;
    if (entry->said_twin != f)
        file_set_say(s, FILE_SAME_CONTENT, atomic_load(&f->partition), entry->path, 0,
                     "%s has the same content as %s and is not read; DISTINCT PATH would read both",
                     entry->path, old->path);
    entry->said_twin = f;
}

static void keep_seen(struct entry *entry, const struct content *c)
{
    free(entry->seen.header);
    entry->seen = (struct seen){
        .header_bytes = c->header_bytes,
        .head_bytes = c->head_bytes,
        .head_hash = c->head_hash,
        .first_hash = c->first_hash,
        .small_hash = c->small_hash,
        .header = c->header.p ? xstrndup(c->header.p, c->header.n) : NULL,
    };
}

static enum err_code compare(struct file_set *s, struct entry *entry, struct reader *r,
                             struct err *e)
{
    struct content content;
    struct best best = {.match = MATCH_NONE};
    TRY(content_look(r, &s->spec, s->scratch, &content, e));
    entry->said_error = 0;
    if (content.kind == CONTENT_REFUSED) {
        entry->role = ROLE_REFUSED;
        entry->must_check = false;
        file_set_say(s, FILE_BAD_HEADER, UINT64_MAX, entry->path, 0, "%s %s", entry->path,
                     content.text);
        return ERR_OK;
    }
    if (content.kind == CONTENT_EMPTY) {
        entry->role = ROLE_EMPTY;
        entry->must_check = false;
        return ERR_OK;
    }
    keep_seen(entry, &content);
    TRY(find_best(s, r, entry, &content, &best, e));
    if (best.match == MATCH_FULL && best.file->name == NULL)
        become_moved(s, entry, best.file, &r->key);
    else if (best.match == MATCH_FULL && !s->spec.is_distinct_path)
        become_twin(s, entry, best.file, &best, r);
    entry->other = best.match;
    entry->other_file = best.file;
    return ERR_OK;
}

void check_others(struct file_set *s, struct entry *entry)
{
    struct err err = {0};
    struct reader r;
    enum err_code code = reader_open(&r, entry->path, &err);
    if (code == ERR_OK)
        code = compare(s, entry, &r, &err);
    if (code == ERR_OK)
        entry->key = r.key;
    else
        unreadable(s, entry, code, &err);
    reader_close(&r);
}
