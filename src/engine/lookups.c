/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/lookups.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "engine/lookup_store.h"
#include "lookup/files.h"
#include "source/glob.h"

enum { TICK_MS = 250, REST_MS = 1000, CLEAN_MS = 600 * 1000, TRIES_TO_READ = 20 };

/* Made by whoever loads it; shared afterwards. */
struct lookup_version {
    _Atomic uint32_t refs;
    const struct plan_lookup *lookup;
    char hash[LOOKUP_HASH_TEXT];
    struct buf files;
    struct lookup_table *table;
    int64_t loaded_s;
    _Atomic int64_t
        confirmed_ms; /* mono clock: the store has it and knows that it is used; 0: not yet */
};

struct one_lookup {
    const struct plan_lookup *plan;
    struct lookup_version *current; /* NULL: not read by anything */
    char problem[1100];
    /* owner: the watching thread */
    uint64_t seen;    /* signature of the files: of the version tried last, loaded or refused */
    uint64_t resting; /* a newer one that was seen, and when: it may still be written */
    int64_t resting_ms;
    int64_t next_ms;
};

struct lookups {
    const struct plan *plan;
    struct one_lookup *items; /* by number of the lookup in the plan */
    size_t n;
    pthread_mutex_t lock; /* guards current and problem of all */
    pthread_t watcher;
    bool is_watched;
    const struct store_place *place;
    _Atomic bool is_ending;
};

static int64_t mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

/* ---- versions ---- */

static struct lookup_version *version_ref(struct lookup_version *v)
{
    if (v)
        v->refs++;
    return v;
}

static void version_unref(struct lookup_version *v)
{
    if (v == NULL || --v->refs > 0)
        return;
    lookup_table_free(v->table);
    buf_done(&v->files);
    free(v);
}

static void version_unref_at(struct lookup_version **v)
{
    version_unref(*v);
}
#define AUTO_VERSION __attribute__((cleanup(version_unref_at))) struct lookup_version *

static struct lookup_version *version_new(const struct plan_lookup *plan)
{
    struct lookup_version *v = xcalloc(1, sizeof(*v));
    v->refs = 1;
    v->lookup = plan;
    return v;
}

/* From v->files. */
static enum err_code make_table(struct lookup_version *v, const char *const *paths,
                                size_t max_bytes, struct err *e)
{
    int64_t start = clock_mono_ns();
    struct lookup_files files = {
        .bytes = buf_view(&v->files), .paths = paths, .max_bytes = max_bytes};
    TRY(lookup_table_new(&v->table, &v->lookup->spec, &files, e));
    lookup_files_hash(files.bytes, v->hash);
    v->loaded_s = clock_wall_s();
    log_info("lookup", "loaded",
             "lookup=%.*s hash=%s rows=%" PRIu64 " duplicates=%" PRIu64 " bytes=%zu ms=%" PRId64,
             STR_FMT(v->lookup->name), v->hash, lookup_table_rows(v->table),
             lookup_table_duplicates(v->table), lookup_table_bytes(v->table),
             (clock_mono_ns() - start) / 1000000);
    return ERR_OK;
}

/* ---- files ---- */

struct found {
    char **paths; /* sorted, each once */
    size_t n, cap;
    uint64_t signature; /* changes when a name comes, goes, or is touched */
};

static void found_done(struct found *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->paths[i]);
    free(f->paths);
}
DEFINE_AUTO_DONE(found)

static void take_path(void *context, const char *path, uint32_t pattern)
{
    struct found *f = context;
    (void)pattern;
    if (f->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 8;
        f->paths = xrealloc(f->paths, f->cap * sizeof(*f->paths));
    }
    f->paths[f->n++] = xstrdup(path);
}

static void ignore_path(void *context, const char *path)
{
    (void)context;
    (void)path;
}

static void ignore_folder(void *context, const char *folder, int error)
{
    (void)context;
    (void)folder;
    (void)error;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint64_t sign_file(const char *path, uint64_t before)
{
    struct stat st;
    uint64_t h = city_mix(before, city_hash64(path, strlen(path)));
    if (stat(path, &st) != 0)
        return city_mix(h, 1);
    h = city_mix(h, (uint64_t)st.st_ino ^ (uint64_t)st.st_dev << 48);
    h = city_mix(h, (uint64_t)st.st_size);
    return city_mix(h, (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec);
}

static enum err_code find_files(struct found *ret, const struct plan_lookup *plan, struct err *e)
{
    struct glob *g;
    size_t n_globs = plan->def->from.n_files;
    TRY(glob_new(&g, (const char *const *)plan->globs, n_globs, e));
    glob_walk(
        g, &(struct glob_visitor){
               .context = ret, .found = take_path, .gone = ignore_path, .failed = ignore_folder});
    glob_free(g);
    if (ret->n)
        qsort(ret->paths, ret->n, sizeof(*ret->paths), by_path);
    size_t kept = 0;
    for (size_t i = 0; i < ret->n; i++) {
        if (kept > 0 && strcmp(ret->paths[i], ret->paths[kept - 1]) == 0)
            free(ret->paths[i]);
        else
            ret->paths[kept++] = ret->paths[i];
    }
    ret->n = kept;
    ret->signature = 77;
    for (size_t i = 0; i < ret->n; i++)
        ret->signature = sign_file(ret->paths[i], ret->signature);
    return ERR_OK;
}

static enum err_code read_files(struct buf *out, const struct found *f,
                                const struct plan_lookup *plan, size_t max_bytes, struct err *e)
{
    if (f->n == 0)
        return err_set(e, ERR_NOT_FOUND, "%s is not there", plan->globs[0]);
    for (size_t i = 0; i < f->n; i++)
        TRY(lookup_files_add(out, f->paths[i], max_bytes, e));
    return ERR_OK;
}

static enum err_code load_files(struct lookup_version **ret, const struct found *f,
                                const struct plan_lookup *plan, size_t max_bytes, struct err *e)
{
    AUTO_VERSION v = version_new(plan);
    TRY(read_files(&v->files, f, plan, max_bytes, e));
    TRY(make_table(v, (const char *const *)f->paths, max_bytes, e));
    *ret = MOVE(v);
    return ERR_OK;
}

static enum err_code load_stored(struct lookup_version **ret, const struct plan_lookup *plan,
                                 const char *hash, const struct plan_settings *settings,
                                 struct store *s, struct err *e)
{
    AUTO_VERSION v = version_new(plan);
    TRY(lookup_store_get(s, settings->database, (struct lookup_name){plan->name, hash}, &v->files,
                         e));
    TRY(make_table(v, NULL, (size_t)settings->lookup_max_bytes, e));
    *ret = MOVE(v);
    return ERR_OK;
}

/* ---- opening ---- */

static bool is_wanted(const struct plan *plan, size_t lookup, const char *only_source)
{
    for (size_t i = 0; i < plan->n_sources; i++)
        if (plan->sources[i].lookups[lookup].is_read &&
            (only_source == NULL || str_is(plan->sources[i].name, only_source)))
            return true;
    return false;
}

static void set_problem(struct lookups *l, struct one_lookup *o, const char *text)
{
    pthread_mutex_lock(&l->lock);
    bool is_new = strcmp(o->problem, text) != 0;
    snprintf(o->problem, sizeof(o->problem), "%s", text);
    pthread_mutex_unlock(&l->lock);
    if (is_new && *text)
        log_warn("lookup", "not_loaded", "lookup=%.*s reason='%s' 'the version before stays'",
                 STR_FMT(o->plan->name), text);
}

/* The version that the last epoch read, where the files give none. */
static enum err_code open_last(struct lookups *l, struct one_lookup *o, struct store *s,
                               const struct err *why, struct err *e)
{
    char hash[LOOKUP_HASH_TEXT] = "";
    struct err ignored;
    const struct plan_settings *settings = &l->plan->settings;
    if (s == NULL ||
        lookup_store_last(s, settings->database, o->plan->name, hash, &ignored) != ERR_OK ||
        *hash == '\0' || load_stored(&o->current, o->plan, hash, settings, s, &ignored) != ERR_OK)
        return err_set(e, why->code, "lookup '%.*s' cannot be loaded: %s", STR_FMT(o->plan->name),
                       why->text);
    set_problem(l, o, why->text);
    return ERR_OK;
}

static enum err_code open_one(struct lookups *l, struct one_lookup *o, struct store *s,
                              struct err *e)
{
    struct err why = {0};
    for (int i = 0; i < TRIES_TO_READ; i++) { /* while it is being written */
        AUTO_DONE(found) found = {0};
        enum err_code code = find_files(&found, o->plan, &why);
        if (code == ERR_OK)
            code = load_files(&o->current, &found, o->plan,
                              (size_t)l->plan->settings.lookup_max_bytes, &why);
        o->seen = found.signature;
        if (code == ERR_OK)
            return ERR_OK;
        if (code != ERR_UNAVAILABLE)
            break;
        clock_sleep_ms(100);
    }
    return open_last(l, o, s, &why, e);
}

enum err_code lookups_open(struct lookups **ret, const struct plan *plan, const char *only_source,
                           struct store *s, struct err *e)
{
    struct lookups *l = xcalloc(1, sizeof(*l));
    l->plan = plan;
    l->n = plan->n_lookups;
    l->items = xcalloc(l->n + 1, sizeof(*l->items));
    pthread_mutex_init(&l->lock, NULL);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < l->n && code == ERR_OK; i++) {
        l->items[i].plan = &plan->lookups[i];
        if (is_wanted(plan, i, only_source))
            code = open_one(l, &l->items[i], s, e);
    }
    if (code != ERR_OK) {
        lookups_close(l);
        return code;
    }
    *ret = l;
    return ERR_OK;
}

void lookups_close(struct lookups *l)
{
    if (l == NULL)
        return;
    l->is_ending = true;
    if (l->is_watched)
        pthread_join(l->watcher, NULL);
    for (size_t i = 0; i < l->n; i++)
        version_unref(l->items[i].current);
    pthread_mutex_destroy(&l->lock);
    free(l->items);
    free(l);
}

/* ---- watching ---- */

static void take_version(struct lookups *l, struct one_lookup *o, struct lookup_version *v)
{
    pthread_mutex_lock(&l->lock);
    struct lookup_version *old = o->current;
    bool is_same = strcmp(old->hash, v->hash) == 0;
    if (!is_same)
        o->current = version_ref(v);
    pthread_mutex_unlock(&l->lock);
    if (!is_same)
        version_unref(old);
}

static void try_files(struct lookups *l, struct one_lookup *o, const struct found *found)
{
    AUTO_VERSION v = NULL;
    struct err e = {0};
    enum err_code code =
        load_files(&v, found, o->plan, (size_t)l->plan->settings.lookup_max_bytes, &e);
    if (code == ERR_OK)
        take_version(l, o, v);
    /* What failed for a moment is tried again; what is wrong is looked at when it changes. */
    bool may_pass = code == ERR_IO || code == ERR_UNAVAILABLE;
    o->seen = may_pass ? 0 : found->signature;
    if (code != ERR_UNAVAILABLE)
        set_problem(l, o, code == ERR_OK ? "" : e.text);
}

/* A file that changed is loaded once it has rested. */
static void look(struct lookups *l, struct one_lookup *o, int64_t now_ms)
{
    AUTO_DONE(found) found = {0};
    struct err e;
    o->next_ms = now_ms + o->plan->refresh_s * 1000;
    if (find_files(&found, o->plan, &e) != ERR_OK)
        return; /* never: the patterns were good at the start */
    if (found.signature == o->seen) {
        o->resting = 0;
        return;
    }
    if (found.signature == o->resting && now_ms - o->resting_ms >= REST_MS) {
        o->resting = 0;
        try_files(l, o, &found);
        return;
    }
    if (found.signature != o->resting) {
        o->resting = found.signature;
        o->resting_ms = now_ms;
    }
    o->next_ms = now_ms + TICK_MS;
}

void lookups_clean(struct lookups *l, struct store *s)
{
    struct err e;
    if (lookups_count(l) == 0)
        return;
    AUTO_MEM struct lookup_name *held = xcalloc(l->n + 1, sizeof(*held));
    AUTO_MEM struct lookup_version **versions = xcalloc(l->n + 1, sizeof(struct lookup_version *));
    size_t n = 0;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].current)
            versions[n++] = version_ref(l->items[i].current);
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < n; i++)
        held[i] = (struct lookup_name){versions[i]->lookup->name, versions[i]->hash};
    if (lookup_store_clean(s, l->plan->settings.database, held, n, &e) != ERR_OK)
        log_warn("lookup", "clean", "reason='%s'", e.text); /* the next round tries again */
    for (size_t i = 0; i < n; i++)
        version_unref(versions[i]);
}

static void *watcher_main(void *context)
{
    struct lookups *l = context;
    AUTO(store) s = store_new(l->place);
    int64_t next_clean = mono_ms() + TICK_MS;
    for (size_t i = 0; i < l->n; i++)
        l->items[i].next_ms = mono_ms() + l->items[i].plan->refresh_s * 1000;
    while (!l->is_ending) {
        int64_t now = mono_ms();
        for (size_t i = 0; i < l->n && !l->is_ending; i++)
            if (l->items[i].current != NULL && now >= l->items[i].next_ms)
                look(l, &l->items[i], now);
        if (now >= next_clean) {
            lookups_clean(l, s);
            next_clean = mono_ms() + CLEAN_MS;
        }
        clock_sleep_ms(TICK_MS);
    }
    return NULL;
}

enum err_code lookups_watch(struct lookups *l, const struct store_place *place, struct err *e)
{
    bool is_any = false;
    for (size_t i = 0; i < l->n; i++)
        is_any |= l->items[i].current != NULL;
    if (!is_any)
        return ERR_OK;
    l->place = place;
    if (pthread_create(&l->watcher, NULL, watcher_main, l) != 0)
        return err_set(e, ERR_NOMEM, "cannot start a thread for lookups");
    l->is_watched = true;
    return ERR_OK;
}

/* ---- pins ---- */

static void pin_init(struct lookup_pin *p, size_t n)
{
    *p = (struct lookup_pin){.n = n};
    p->tables = xcalloc(n + 1, sizeof(*p->tables));
    p->versions = xcalloc(n + 1, sizeof(*p->versions));
}

/* Takes the reference. */
static void pin_set(struct lookup_pin *p, size_t i, struct lookup_version *v)
{
    p->versions[i] = v;
    p->tables[i] = v->table;
}

void lookup_pin_done(struct lookup_pin *p)
{
    for (size_t i = 0; i < p->n; i++)
        version_unref(p->versions[i]);
    free(p->tables);
    free(p->versions);
    *p = (struct lookup_pin){0};
}

void lookups_pin(struct lookups *l, const struct plan_source *source, struct lookup_pin *ret)
{
    pin_init(ret, l ? l->n : 0);
    for (size_t i = 0; i < ret->n; i++) {
        if (!source->lookups[i].is_read)
            continue;
        pthread_mutex_lock(&l->lock);
        pin_set(ret, i, version_ref(l->items[i].current));
        pthread_mutex_unlock(&l->lock);
    }
}

void lookup_pin_print(const struct lookup_pin *p, struct buf *out)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->versions[i])
            buf_printf(out, "%.*s\t%s\n", STR_FMT(p->versions[i]->lookup->name),
                       p->versions[i]->hash);
}

enum err_code lookup_pin_store(const struct lookup_pin *p, struct store *s, const char *database,
                               struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        struct lookup_version *v = p->versions[i];
        if (v == NULL || (v->confirmed_ms != 0 && mono_ms() - v->confirmed_ms < LOOKUP_FRESH_MS))
            continue;
        int64_t asked = mono_ms();
        TRY(lookup_store_put(s, database, (struct lookup_name){v->lookup->name, v->hash},
                             buf_view(&v->files), e));
        v->confirmed_ms = asked;
    }
    return ERR_OK;
}

/* What this process holds of the name and hash; its plan must be the same. */
static struct lookup_version *held_version(struct lookups *now, const struct plan *plan, size_t i,
                                           const char *hash)
{
    struct lookup_version *v = NULL;
    if (now == NULL || now->plan != plan)
        return NULL;
    pthread_mutex_lock(&now->lock);
    struct lookup_version *current = now->items[i].current;
    if (current && strcmp(current->hash, hash) == 0)
        v = version_ref(current);
    pthread_mutex_unlock(&now->lock);
    return v;
}

enum err_code lookup_pin_recover(struct lookup_pin *ret, struct lookups *now,
                                 const struct plan *plan, const struct plan_source *source,
                                 struct store *s, struct str text, struct err *e)
{
    pin_init(ret, plan->n_lookups);
    for (size_t i = 0; i < ret->n; i++) {
        char hash[LOOKUP_HASH_TEXT] = "";
        struct str left = text, name, found;
        if (!source->lookups[i].is_read)
            continue;
        while (lookup_name_next(&left, &name, &found))
            if (str_eq(name, plan->lookups[i].name) && found.n < sizeof(hash))
                snprintf(hash, sizeof(hash), "%.*s", STR_FMT(found));
        struct lookup_version *v = held_version(now, plan, i, hash);
        if (v == NULL && *hash == '\0')
            return err_set(e, ERR_INVALID, "the intent names no version of lookup '%.*s'",
                           STR_FMT(plan->lookups[i].name));
        if (v == NULL)
            TRY(load_stored(&v, &plan->lookups[i], hash, &plan->settings, s, e));
        pin_set(ret, i, v);
    }
    return ERR_OK;
}

/* ---- status ---- */

size_t lookups_count(const struct lookups *l)
{
    return l ? l->n : 0;
}

void lookups_status(struct lookups *l, size_t i, struct lookup_status *ret)
{
    static const char *const layouts[] = {
        [LOOKUP_HASHED] = "HASHED", [LOOKUP_IP_TRIE] = "IP_TRIE", [LOOKUP_GEOIP] = "GEOIP"};
    const struct one_lookup *o = &l->items[i];
    *ret = (struct lookup_status){.name = o->plan->name, .layout = layouts[o->plan->spec.layout]};
    pthread_mutex_lock(&l->lock);
    snprintf(ret->problem, sizeof(ret->problem), "%s", o->problem);
    struct lookup_version *v = version_ref(o->current);
    pthread_mutex_unlock(&l->lock);
    if (v != NULL) {
        snprintf(ret->hash, sizeof(ret->hash), "%s", v->hash);
        ret->rows = lookup_table_rows(v->table);
        ret->duplicates = lookup_table_duplicates(v->table);
        ret->file_bytes = v->files.n;
        ret->table_bytes = lookup_table_bytes(v->table);
        ret->loaded_s = v->loaded_s;
    }
    version_unref(v);
}

void lookups_print(struct lookups *l, struct buf *out)
{
    for (size_t i = 0; i < lookups_count(l); i++) {
        struct lookup_status s;
        lookups_status(l, i, &s);
        buf_printf(out, "lookup %.*s %s: ", STR_FMT(s.name), s.layout);
        if (*s.hash == '\0')
            buf_text(out, "nothing reads it");
        else
            buf_printf(out, "%" PRIu64 " %s, %.1f MB of memory, and %.1f MB for its files' bytes",
                       s.rows, strcmp(s.layout, "GEOIP") == 0 ? "records" : "rows",
                       (double)s.table_bytes / 1e6, (double)s.file_bytes / 1e6);
        if (s.duplicates)
            buf_printf(out, "; %" PRIu64 " rows with a key that an earlier row has are not read",
                       s.duplicates);
        if (*s.problem)
            buf_printf(out, "; %s", s.problem);
        buf_byte(out, '\n');
    }
}

size_t lookups_count_bad(struct lookups *l)
{
    size_t n = 0;
    for (size_t i = 0; i < lookups_count(l); i++) {
        struct lookup_status s;
        lookups_status(l, i, &s);
        n += *s.problem != '\0';
    }
    return n;
}

void lookups_print_files(const struct plan *plan, struct buf *out)
{
    for (size_t i = 0; i < plan->n_lookups; i++) {
        const struct plan_lookup *l = &plan->lookups[i];
        AUTO_DONE(found) found = {0};
        struct err e;
        uint64_t bytes = 0;
        enum err_code code = find_files(&found, l, &e);
        struct stat st;
        for (size_t f = 0; f < found.n; f++)
            bytes += stat(found.paths[f], &st) == 0 ? (uint64_t)st.st_size : 0;
        buf_printf(out, "lookup %.*s: ", STR_FMT(l->name));
        if (code != ERR_OK)
            buf_printf(out, "%s\n", e.text);
        else if (found.n == 0)
            buf_printf(out, "%s is not there yet\n", l->globs[0]);
        else
            buf_printf(out, "%zu file%s, %.1f MB, looked at every %" PRId64 " s%s\n", found.n,
                       found.n == 1 ? "" : "s", (double)bytes / 1e6, l->refresh_s,
                       l->is_read ? "" : "; nothing reads it");
    }
}
