/* SPDX-License-Identifier: Apache-2.0
 *
 * A scan in four stages:
 *
 *     look     which names are there, which were touched (look.c)
 *     own      touched names against the file they held: most go on; files that are no longer where they
 *              were lose their name
 *     match    the others against all known files: files without a name are found again, copies seen
 *     decide   what is left: new, changed, or not to be said yet (identity.c)
 *
 * The order makes decisions independent of the order of names: when a name is judged, it is
 * known where everything else is. Following, own and match stop after a while and go on with the
 * next call. */
#include "source/file_priv.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"

enum { MAX_TINY = 1000 };
static const int64_t SCAN_NS = 200000000;
static const int64_t SETTLE_NS = 5000000000, GIVE_UP_NS = 60000000000;

static bool is_out_of_time(struct file_set *s)
{
    return !s->spec.is_once && clock_mono_ns() > s->deadline_ns;
}

/* Entries that showed the content of a file that has lost its name may be its new home. */
static void add_twins(struct file_set *s)
{
    if (!s->has_displaced)
        return;
    for (size_t i = 0; i < s->n_entries; i++) {
        struct entry *entry = s->entries[i];
        bool is_twin = entry->role == ROLE_TWIN || entry->role == ROLE_PREFIX;
        if (is_twin && !entry->must_check && entry->twin->name == NULL)
            todo_add(s, entry);
    }
}

static bool own_stage(struct file_set *s)
{
    for (; s->todo_at < s->n_todo; s->todo_at++) {
        struct entry *entry = s->todo[s->todo_at];
        if (is_out_of_time(s))
            return false;
        if (entry->held != NULL && (entry->held->name == entry || entry->held->name == NULL))
            check_own(s, entry);
    }
    add_twins(s);
    s->todo_at = 0;
    return true;
}

static bool match_stage(struct file_set *s)
{
    for (; s->todo_at < s->n_todo; s->todo_at++) {
        if (is_out_of_time(s))
            return false;
        if (s->todo[s->todo_at]->must_check)
            check_others(s, s->todo[s->todo_at]);
    }
    s->todo_at = 0;
    return true;
}

/* ---- deciding ---- */

static bool is_held_open(struct file *f, const struct entry *entry)
{
    struct stat st;
    pthread_mutex_lock(&f->lock);
    const struct reader *r = &f->cursor.reader;
    bool is_open = reader_is_open(r) && fstat(r->fd, &st) == 0 && st.st_nlink > 0 &&
                   (r->key.device != entry->key.device || r->key.inode != entry->key.inode);
    pthread_mutex_unlock(&f->lock);
    return is_open;
}

static struct identity_facts facts_of(struct file_set *s, struct entry *entry)
{
    struct file *held = entry->held;
    int64_t since = entry->role == ROLE_WAIT ? entry->since_ns : s->now_ns;
    return (struct identity_facts){
        .is_known_path = held != NULL,
        .own = entry->own,
        .is_shorter = entry->is_shorter,
        .is_old_elsewhere = held != NULL && ((held->name != NULL && held->name != entry) ||
                                             is_held_open(held, entry)),
        .other = entry->other,
        .is_other_there = entry->other_file != NULL && entry->other_file->name != NULL,
        .is_distinct_path = s->spec.is_distinct_path,
        .is_settled = s->spec.is_once || s->now_ns - entry->changed_ns >= SETTLE_NS ||
                      s->now_ns - since >= GIVE_UP_NS,
    };
}

static void become_new(struct file_set *s, struct entry *entry)
{
    const struct seen *seen = &entry->seen;
    struct err err = {0};
    entry->must_check = false;
    if (s->spec.is_once && s->is_started) {
        entry->role = ROLE_LATE;
        return;
    }
    if (s->spec.check_header != NULL && seen->header != NULL &&
        s->spec.check_header(s->spec.context, str_of(seen->header), &err) != ERR_OK) {
        entry->role = ROLE_REFUSED;
        file_set_say(s, FILE_BAD_HEADER, UINT64_MAX, entry->path, 0, "%s: %s", entry->path,
                     err.text);
        return;
    }
    struct file *f = file_new(s);
    f->header_bytes = seen->header_bytes;
    f->header = seen->header ? xstrdup(seen->header) : NULL;
    f->cursor.position = seen->header_bytes;
    f->has_head_state = true;
    f->seen_bytes = f->key_bytes = seen->head_bytes;
    f->seen_hash = f->key_hash = seen->head_hash;
    f->first_hash = seen->first_hash;
    f->small_hash = seen->small_hash;
    head_index_add(&s->index, f);
    s->n_new++;
    s->last_new_ns[entry->pattern] = s->met_ns;
    s->last_new[entry->pattern] = f;
    if (entry->held != NULL)
        file_watch(s, entry->held);
    entry_go_on(s, entry, f, &entry->key);
    file_set_say(s, FILE_NEW, UINT64_MAX, entry->path, 0, "%s is new", entry->path);
}

static void become_changed(struct file_set *s, struct entry *entry)
{
    struct file *f = entry->held;
    if (!entry->is_confirmed) { /* a rotation may have been under way while the folder was listed */
        entry->is_confirmed = true;
        entry->role = ROLE_WAIT;
        entry->since_ns = s->now_ns;
        return;
    }
    entry->role = ROLE_CHANGED;
    entry->must_check = false;
    f->is_changed = true;
    file_watch(s, f);
    pthread_mutex_lock(&f->lock);
    uint64_t position = f->cursor.position;
    pthread_mutex_unlock(&f->lock);
    file_set_say(
        s, FILE_CHANGED, atomic_load(&f->partition), entry->path, 0,
        "%s has other content than the %llu bytes that were read from it, and the old content is "
        "nowhere. "
        "What was read stays, nothing is read again. To go on: put the old content back (it may be "
        "longer); "
        "to read the new content whole: give it another name; to start over: weir run --rebuild",
        entry->path, (unsigned long long)position);
}

/* Files that were met in this same scan were not known when the name was matched. */
static void match_new(struct file_set *s, struct entry *entry)
{
    struct file *found[1];
    const struct seen *seen = &entry->seen;
    bool is_likely =
        (seen->small_hash == 0 && s->n_new < MAX_TINY) ||
        head_index_equal(&s->index, seen->head_hash, seen->head_bytes, found, 1) > 0 ||
        (seen->first_hash != 0 ? head_index_first(&s->index, seen->first_hash, found, 1) > 0
                               : head_index_small(&s->index, seen->small_hash, found, 1) > 0);
    if (s->n_new > 0 && entry->other == MATCH_NONE && is_likely)
        check_others(s, entry);
}

static void decide(struct file_set *s, struct entry *entry)
{
    match_new(s, entry);
    if (!entry->must_check)
        return;
    struct identity_facts facts = facts_of(s, entry);
    switch (identity_decide(&facts)) {
    case IDENTITY_NEW: become_new(s, entry); break;
    case IDENTITY_CHANGED: become_changed(s, entry); break;
    case IDENTITY_PREFIX:
        entry->role = ROLE_PREFIX;
        entry->twin = entry->other_file;
        entry->must_check = false;
        break;
    case IDENTITY_WAIT:
        if (entry->role != ROLE_WAIT)
            entry->since_ns = s->now_ns;
        entry->role = ROLE_WAIT;
        break;
    case IDENTITY_GO_ON:
    case IDENTITY_MOVED:
    case IDENTITY_SAME:
        entry->must_check = false; /* applied when it was matched */
        break;
    }
}

static void scan_once(struct file_set *s)
{
    int64_t now_ns = clock_mono_ns();
    s->now_ns = now_ns + s->ahead_ns;
    if (s->stage == STAGE_LOOK) {
        look(s);
        s->stage = STAGE_OWN;
    }
    s->deadline_ns = clock_mono_ns() + SCAN_NS; /* for reading files: a look is never cut short */
    if (s->stage == STAGE_OWN && own_stage(s))
        s->stage = STAGE_MATCH;
    if (s->stage == STAGE_MATCH && match_stage(s)) {
        for (size_t i = 0; i < s->n_todo; i++)
            if (s->todo[i]->must_check)
                decide(s, s->todo[i]);
        finish_scan(s);
        s->stage = STAGE_LOOK;
    }
}

enum err_code file_set_scan(struct file_set *s, struct err *e)
{
    bool is_unsettled;
    int rounds = 0;
    do {
        scan_once(s);
        pthread_mutex_lock(&s->lock);
        is_unsettled = s->is_unsettled;
        pthread_mutex_unlock(&s->lock);
    } while (s->spec.is_once && is_unsettled && ++rounds < 3);
    return ERR_OK;
}
