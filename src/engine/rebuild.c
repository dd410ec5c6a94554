/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/generations.h"
#include "source/glob.h"

enum { STOP_SECONDS = 60, SHOWN_FILES = 50 };

/* ---- folders ---- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static enum err_code remove_tree(const char *folder, struct err *e)
{
    if (nftw(folder, remove_one, 32, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return err_errno(e, "cannot remove %s", folder);
    return ERR_OK;
}

static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

static char *parent_of(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    return slash == NULL     ? xstrdup(".")
           : slash == folder ? xstrdup("/")
                             : xstrndup(folder, (size_t)(slash - folder));
}

/* The process named in the lock's text, if it is a weir-store. */
static pid_t holder_of(int fd)
{
    char text[64] = "", name[32] = "";
    long pid = 0;
    if (pread(fd, text, sizeof(text) - 1, 0) <= 0 || sscanf(text, "pid %ld", &pid) != 1 || pid <= 1)
        return 0;
    AUTO_MEM char *path = xasprintf("/proc/%ld/comm", pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    bool is_store = fgets(name, sizeof(name), f) != NULL && strncmp(name, "weir-store", 10) == 0;
    fclose(f);
    return is_store ? (pid_t)pid : 0;
}

/* Ends the weir-store on the folder cleanly and holds its lock, so that no other starts. *fd =
 * -1: the folder has no lock yet. */
static enum err_code close_store(const char *folder, int *fd, struct err *e)
{
    AUTO_MEM char *path = xasprintf("%s/lock", folder);
    *fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return errno == ENOENT ? ERR_OK : err_errno(e, "%s", path);
    int64_t deadline = clock_mono_ns() + (int64_t)STOP_SECONDS * 1000000000;
    pid_t told = 0;
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        pid_t holder = holder_of(*fd);
        if (holder != 0 && holder != told && kill(holder, SIGTERM) == 0)
            told = holder;
        if (clock_mono_ns() > deadline) {
            close(*fd);
            *fd = -1;
            return err_set(e, ERR_UNAVAILABLE, "weir-store on %s does not end", folder);
        }
        clock_sleep_ms(5);
    }
    if (told)
        waitpid(told, NULL, WNOHANG); /* it may have been our child */
    /* Who waits for a closing store must see that this holder does not close. */
    char text[64];
    int n = snprintf(text, sizeof(text), "pid %ld exchanging\n", (long)getpid());
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, text, (size_t)n, 0) != n)
        log_warn("rebuild", "lock", "folder=%s", folder);
    return ERR_OK;
}

static void let_go(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static char *beside(const struct store_place *place, const char *suffix)
{
    return xasprintf("%s%s", place->folder, suffix);
}

static enum err_code throw_away(const char *folder, struct err *e)
{
    int lock;
    TRY(close_store(folder, &lock, e));
    enum err_code code = remove_tree(folder, e);
    let_go(&lock);
    return code;
}

void rebuild_restore(const struct store_place *place)
{
    if (place->folder == NULL)
        return;
    AUTO_MEM char *old = beside(place, ".rebuild-old");
    if (access(place->folder, F_OK) != 0 && access(old, F_OK) == 0 &&
        rename(old, place->folder) != 0)
        log_error("rebuild", "restore", "folder=%s", old);
}

enum err_code rebuild_clean(const struct store_place *place, struct buf *said, struct err *e)
{
    if (place->folder == NULL)
        return ERR_OK;
    static const char *const suffixes[] = {".rebuild", ".rebuild-old"};
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        AUTO_MEM char *left = beside(place, suffixes[i]);
        if (access(left, F_OK) != 0)
            continue;
        TRY(throw_away(left, e));
        buf_printf(said, "%s, left by a rebuild that was broken off, has been thrown away\n", left);
    }
    return ERR_OK;
}

/* ---- what is gone ---- */

struct path_list {
    char **items;
    size_t n, cap;
};

static void take_path(void *context, const char *path, uint32_t pattern)
{
    struct path_list *l = context;
    (void)pattern;
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->items = xrealloc(l->items, l->cap * sizeof(*l->items));
    }
    l->items[l->n++] = xstrdup(path);
}

static void lose_path(void *context, const char *path)
{
    (void)context;
    (void)path;
}

static void no_folder(void *context, const char *folder, int error)
{
    (void)context;
    (void)folder;
    (void)error;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void path_list_done(struct path_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
}

/* The names that the source's patterns match now, sorted. */
static enum err_code match_names(struct path_list *l, const struct plan_source *p, size_t n_globs,
                                 struct err *e)
{
    struct glob *g;
    TRY(glob_new(&g, (const char *const *)p->globs, n_globs, e));
    struct glob_visitor v = {
        .context = l, .found = take_path, .gone = lose_path, .failed = no_folder};
    glob_walk(g, &v);
    glob_free(g);
    if (l->n)
        qsort(l->items, l->n, sizeof(*l->items), compare_paths);
    return ERR_OK;
}

static enum err_code ask_number(struct store *s, const struct buf *sql, int64_t *ret, struct err *e)
{
    AUTO_DONE(buf) answer = {0};
    TRY(store_text(s, buf_cstr((struct buf *)sql), &answer, e));
    *ret = strtoll(buf_cstr(&answer), NULL, 10);
    return ERR_OK;
}

static enum err_code events_of(struct store *s, const char *database, const char *source,
                               uint64_t partition, int64_t *ret, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql, "SELECT sum(read) FROM %s.weir_ledger WHERE kind = 'partition' AND source = ",
               database);
    print_string_literal(&sql, str_of(source));
    buf_printf(&sql, " AND partition = %" PRIu64, partition);
    return ask_number(s, &sql, ret, e);
}

/* ---- kept raw rows in place of input ---- */

/* The columns that a record of the source is decoded from. */
static bool is_input(const struct column_def *c)
{
    return c->mode == COLUMN_PLAIN || c->mode == COLUMN_DEFAULT;
}

/* Can a record be written again from the stored columns, so that it means what it meant? Not
 * with EPHEMERAL columns (they are not stored), formats that nobody writes, nested paths of
 * JSON, or columns made of the file's name. */
static bool is_rewritable(const struct plan_source *p, const char *folder)
{
    enum { PATH_COLUMN = 4, FILE_COLUMN = 5 };
    if (decoder_names(p->def->format) != NULL || p->def->format == FORMAT_LOGFMT ||
        p->def->format == FORMAT_ZEEK || p->def->format == FORMAT_REGEXP)
        return false;
    for (uint32_t i = 0; i < p->def->n_settings; i++)
        if (!str_is(p->def->settings[i].name, "format_csv_delimiter"))
            return false;
    if (p->uses_virtual[PATH_COLUMN] || p->uses_virtual[FILE_COLUMN] ||
        strpbrk(folder, "*?[]{}\\") != NULL)
        return false;
    for (uint32_t i = 0; i < p->def->n_columns; i++) {
        const struct column_def *c = &p->def->columns[i];
        if (c->is_ephemeral || c->mode == COLUMN_EPHEMERAL)
            return false;
        if (is_input(c) && c->has_from && p->def->format == FORMAT_JSON_EACH_ROW)
            return false;
    }
    return true;
}

/* How many rows of the partition are kept in the old store with all columns that are decoded
 * now? 0 where they cannot be used. */
static enum err_code rows_of(struct rebuild *r, struct store *s, const struct plan_source *p,
                             uint64_t partition, int64_t *ret, struct err *e)
{
    *ret = 0;
    if (!is_rewritable(p, r->fresh.folder))
        return ERR_OK;
    AUTO_DONE(buf) sql = {0};
    AUTO_MEM char *table = xasprintf("weir_raw_%.*s", STR_FMT(p->name));
    int64_t n_columns, n_wanted = 0;
    buf_printf(
        &sql,
        "SELECT count() FROM system.columns WHERE database = '%s' AND table = '%s' AND name IN (''",
        r->plan->settings.database, table);
    for (uint32_t i = 0; i < p->def->n_columns; i++) {
        if (!is_input(&p->def->columns[i]))
            continue;
        n_wanted++;
        buf_text(&sql, ", ");
        print_string_literal(&sql, p->def->columns[i].name);
    }
    buf_byte(&sql, ')');
    TRY(ask_number(s, &sql, &n_columns, e));
    if (n_columns != n_wanted || n_wanted == 0)
        return ERR_OK;
    buf_reset(&sql);
    buf_printf(&sql, "SELECT count() FROM %s.%s WHERE _partition = %" PRIu64,
               r->plan->settings.database, table, partition);
    return ask_number(s, &sql, ret, e);
}

static bool write_piece(void *context, const char *data, size_t n)
{
    return fwrite(data, 1, n, context) == n;
}

/* Writes the partition's rows as a file of the source's own format. */
static enum err_code write_rows(struct rebuild *r, struct store *s, const struct rebuild_rows *rows,
                                const char *path, struct err *e)
{
    const struct plan_source *p = rows->source;
    AUTO_DONE(buf) sql = {0};
    const char *comma = "SELECT ";
    for (uint32_t i = 0; i < p->def->n_columns; i++) {
        const struct column_def *c = &p->def->columns[i];
        if (!is_input(c))
            continue;
        buf_text(&sql, comma);
        print_identifier(&sql, c->name);
        if (c->has_from) {
            buf_text(&sql, " AS ");
            print_identifier(&sql, c->from);
        }
        comma = ", ";
    }
    buf_printf(&sql, " FROM %s.weir_raw_%.*s WHERE _partition = %" PRIu64 " ORDER BY _offset",
               r->plan->settings.database, STR_FMT(p->name), rows->partition);
    /* Times in UTC, because the column's zone may change; JSON with its NaN and infinities. */
    buf_text(&sql,
             " SETTINGS date_time_output_format = 'iso', output_format_json_quote_denormals = 1");
    for (uint32_t i = 0; i < p->def->n_settings; i++) {
        if (!str_is(p->def->settings[i].name, "format_csv_delimiter"))
            continue;
        buf_text(&sql, ", format_csv_delimiter = ");
        print_string_literal(&sql, p->def->settings[i].value);
    }
    buf_printf(&sql, " FORMAT %s", format_name(p->def->format));
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return err_errno(e, "%s", path);
    struct store_call call = {.sql = buf_cstr(&sql), .write = write_piece, .context = f};
    enum err_code code = store_call(s, &call, e);
    if (ferror(f) && code == ERR_OK)
        code = err_errno(e, "%s", path);
    if (fclose(f) != 0 && code == ERR_OK)
        code = err_errno(e, "%s", path);
    return code;
}

/* The plan with one pattern more for every file of kept rows. `copy` borrows all else. */
struct plan_copy {
    struct plan plan;
    char **names;
    size_t n_names;
};

static void plan_copy_done(struct plan_copy *c)
{
    for (size_t i = 0; i < c->plan.n_sources; i++)
        free(c->plan.sources[i].globs);
    free(c->plan.sources);
    for (size_t i = 0; i < c->n_names; i++)
        free(c->names[i]);
    free(c->names);
}

static enum err_code write_kept_rows(struct rebuild *r, struct plan_copy *c, struct err *e)
{
    const struct plan *plan = r->plan;
    *c = (struct plan_copy){.plan = *plan, .names = xcalloc(r->n_rows + 1, sizeof(*c->names))};
    c->plan.sources = xcalloc(plan->n_sources + 1, sizeof(*c->plan.sources));
    for (size_t i = 0; i < plan->n_sources; i++) {
        size_t n = 0;
        c->plan.sources[i] = plan->sources[i];
        while (plan->sources[i].globs[n] != NULL)
            n++;
        c->plan.sources[i].globs = xcalloc(n + r->n_rows + 1, sizeof(char *));
        memcpy(c->plan.sources[i].globs, plan->sources[i].globs, n * sizeof(char *));
    }
    AUTO_MEM char *folder = xasprintf("%s/kept-rows", r->fresh.folder);
    if (r->n_rows > 0 && mkdir(folder, 0700) != 0 && errno != EEXIST)
        return err_errno(e, "%s", folder);
    AUTO(store) s = store_new(r->place);
    if (r->n_rows > 0)
        TRY(store_ensure(s, false, e));
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct rebuild_rows *rows = &r->rows[i];
        char *path = c->names[c->n_names++] =
            xasprintf("%s/%.*s-%" PRIu64, folder, STR_FMT(rows->source->name), rows->partition);
        TRY(write_rows(r, s, rows, path, e));
        char **globs = c->plan.sources[rows->source - plan->sources].globs;
        while (*globs != NULL)
            globs++;
        *globs = path;
    }
    return ERR_OK;
}

/* A pattern matches its name. */
static bool has_name(const struct path_list *names, const struct file_mark *mark)
{
    char *path = mark->path ? mark->path : "";
    return names->n > 0 &&
           bsearch(&path, names->items, names->n, sizeof(*names->items), compare_paths) != NULL;
}

/* Is the content of the mark in a file that the patterns match? */
static enum err_code is_there(struct file_set *files, struct path_list *names,
                              const struct file_mark *mark, bool *ret, struct err *e)
{
    struct file_mark wanted = *mark;
    if (!has_name(names, mark))
        wanted.path = ""; /* a file that no pattern matches any more is not loaded */
    struct file_chunk chunk;
    struct err why;
    enum err_code code =
        file_read_range(files, &wanted, mark->header_bytes, mark->position, &chunk, &why);
    *ret = code == ERR_OK;
    if (code == ERR_OK && chunk.from != chunk.to)
        file_release(files, &chunk);
    if (code == ERR_OK || code == ERR_NOT_FOUND || code == ERR_INVALID || code == ERR_IO)
        return ERR_OK;
    if (e)
        *e = why;
    return code;
}

static enum err_code look_at_chain(struct rebuild *r, struct store *s, const struct plan_source *p,
                                   const struct chain *chain, struct file_set *files,
                                   struct path_list *names, struct buf *said, struct err *e)
{
    AUTO_MEM char *name = xstrndup(p->name.p, p->name.n);
    int64_t rest = 0;
    size_t n_rest = 0, n_shown = 0;
    for (size_t i = 0; i < chain->n_ends; i++) {
        const struct file_mark *mark = &chain->ends[i];
        bool is_found = true;
        if (mark->partition == REJECTS_PARTITION || mark->position <= mark->header_bytes)
            continue;
        TRY(is_there(files, names, mark, &is_found, e));
        if (is_found)
            continue;
        int64_t events, kept = 0;
        TRY(events_of(s, r->plan->settings.database, name, mark->partition, &events, e));
        /* A file of that name may be what is left of it: its rows are not taken, lest any come
         * twice. */
        if (access(mark->path ? mark->path : "", F_OK) != 0)
            TRY(rows_of(r, s, p, mark->partition, &kept, e));
        if (kept > 0) {
            r->rows = xrealloc(r->rows, (r->n_rows + 1) * sizeof(*r->rows));
            r->rows[r->n_rows++] = (struct rebuild_rows){p, mark->partition};
            buf_printf(said,
                       "gone: %s, %" PRId64 " events of source %s; %" PRId64
                       " are kept as raw rows and loaded\n",
                       mark->path ? mark->path : "?", events, name, kept);
            r->n_gone += kept < events;
            continue;
        }
        r->n_gone++;
        if (n_shown++ < SHOWN_FILES) {
            buf_printf(said, "gone: %s, %" PRId64 " events of source %s\n",
                       mark->path ? mark->path : "?", events, name);
        } else {
            rest += events;
            n_rest++;
        }
    }
    if (n_rest)
        buf_printf(said, "gone: %zu more files, %" PRId64 " events of source %s\n", n_rest, rest,
                   name);
    return ERR_OK;
}

static enum err_code look_at_source(struct rebuild *r, struct store *s, const struct plan_source *p,
                                    struct buf *said, struct err *e)
{
    AUTO_MEM char *name = xstrndup(p->name.p, p->name.n);
    struct chain chain = {0};
    TRY(chain_read(&chain, s, r->plan->settings.database, name, e));
    size_t n_globs = 0;
    while (p->globs[n_globs] != NULL)
        n_globs++;
    struct file_source_spec spec = {
        .name = name,
        .globs = (const char *const *)p->globs,
        .n_globs = n_globs,
        .is_distinct_path = p->def->is_distinct_path,
        .format = p->def->format,
        .max_record_bytes = (size_t)r->plan->settings.max_record_bytes,
        .max_open_files = (size_t)r->plan->settings.max_open_files,
        .is_once = true,
    };
    struct path_list names = {0};
    struct file_set *files = NULL;
    enum err_code code = match_names(&names, p, n_globs, e);
    if (code == ERR_OK)
        code = file_set_open(&files, &spec, NULL, 0, chain.next_partition, e);
    if (code == ERR_OK)
        code = file_set_scan(files, e);
    if (code == ERR_OK)
        code = look_at_chain(r, s, p, &chain, files, &names, said, e);
    if (files)
        file_set_close(files);
    path_list_done(&names);
    chain_done(&chain);
    return code;
}

/* Sources of the old store that the definitions do not have: their input is not loaded. */
static enum err_code look_at_removed(struct rebuild *r, struct store *s, struct buf *said,
                                     struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql,
               "SELECT toString(source), toInt64(sum(read)) FROM %s.weir_ledger "
               "WHERE kind = 'partition' AND source NOT IN (''",
               r->plan->settings.database);
    for (size_t i = 0; i < r->plan->n_sources; i++) {
        buf_text(&sql, ", ");
        print_string_literal(&sql, r->plan->sources[i].name);
    }
    buf_text(&sql, ") GROUP BY source ORDER BY source");
    struct native_result rows = {0};
    TRY(store_native(s, buf_cstr(&sql), &rows, e));
    for (size_t i = 0; i < rows.n_rows; i++) {
        struct str name = ((struct str *)rows.columns[0].column.values)[i];
        r->n_gone++;
        buf_printf(said, "not in the definitions: source %.*s, %" PRId64 " events\n", STR_FMT(name),
                   ((int64_t *)rows.columns[1].column.values)[i]);
    }
    native_result_done(&rows);
    return ERR_OK;
}

static void look_at_objects(struct rebuild *r, const struct generation *old, struct buf *said)
{
    struct generation new = {0};
    generation_of_plan(&new, r->plan);
    for (size_t i = 0; i < old->n_objects; i++) {
        const struct generation_object *o = &old->objects[i];
        bool is_kept = strcmp(o->kind, "source") == 0; /* told with its events */
        for (size_t k = 0; k < new.n_objects && !is_kept; k++)
            is_kept = strcmp(new.objects[k].kind, o->kind) == 0 &&
                      strcmp(new.objects[k].name, o->name) == 0;
        if (is_kept)
            continue;
        r->n_gone++;
        buf_printf(said, "not in the definitions: %s%s%s\n", o->kind,
                   strcmp(o->kind, "rows") == 0 ? ": " : " ", o->name);
    }
    generation_done(&new);
}

static enum err_code look(struct rebuild *r, struct store *s, struct buf *said, struct err *e)
{
    struct generation old = {0};
    TRY(store_ensure(s, false, e));
    TRY(generation_newest(&old, s, r->plan->settings.database, e));
    r->generation = old.number;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < r->plan->n_sources && code == ERR_OK; i++)
        code = look_at_source(r, s, &r->plan->sources[i], said, e);
    if (code == ERR_OK)
        code = look_at_removed(r, s, said, e);
    if (code == ERR_OK)
        look_at_objects(r, &old, said);
    generation_done(&old);
    return code;
}

enum err_code rebuild_begin(struct rebuild *r, const struct plan *plan,
                            const struct store_place *place, struct buf *said, struct err *e)
{
    *r = (struct rebuild){.plan = plan, .place = place, .lock = -1};
    if (place->folder == NULL)
        return err_set(e, ERR_REFUSED,
                       "--rebuild exchanges folders, so it works for an embedded store only; "
                       "give SET store or SET database a new name");
    rebuild_restore(place);
    if (access(place->folder, F_OK) != 0)
        return err_set(e, ERR_NOT_FOUND,
                       "there is no store at %s yet: nothing to rebuild; `weir run` makes it",
                       place->folder);
    TRY(run_lock_folder(place, &r->lock, e));
    TRY(rebuild_clean(place, said, e));
    AUTO_MEM char *url = xasprintf("embedded:%s.rebuild", place->folder);
    TRY(store_place_parse(&r->fresh, url, NULL, e));
    AUTO(store) s = store_new(place);
    return look(r, s, said, e);
}

void rebuild_done(struct rebuild *r)
{
    let_go(&r->lock);
    store_place_done(&r->fresh);
    free(r->rows);
    r->rows = NULL;
}

/* ---- loading ---- */

/* The numbers of generations go on, so that no number ever means two things. */
static enum err_code number_generation(struct rebuild *r, struct err *e)
{
    AUTO(store) s = store_new(&r->fresh);
    TRY(store_ensure(s, true, e));
    TRY(run_make_own_tables(s, r->plan, e));
    struct generation g = {0};
    generation_of_plan(&g, r->plan);
    g.number = r->generation + 1;
    enum err_code code = generation_write(s, r->plan->settings.database, &g, "rebuilt", e);
    generation_done(&g);
    return code;
}

/* The caller's tick, and what the sources were at their end. */
struct watch {
    const struct run_options *options;
    size_t n_paused;
};

static void watch_tick(void *context, struct runner *const *runners, size_t n, bool is_end)
{
    struct watch *w = context;
    w->n_paused = 0;
    for (size_t i = 0; i < n; i++) {
        struct runner_status s;
        runner_status(runners[i], &s);
        w->n_paused += s.is_paused;
    }
    if (w->options->tick)
        w->options->tick(w->options->context, runners, n, is_end);
}

static enum err_code load(struct rebuild *r, const struct run_options *options, struct buf *said,
                          struct err *e)
{
    struct watch w = {.options = options};
    struct run_options once = *options;
    once.is_once = true;
    once.tick = watch_tick;
    once.context = &w;
    if (once.tick_ms <= 0)
        once.tick_ms = 1000;
    TRY(number_generation(r, e));
    struct plan_copy copy;
    enum err_code code = write_kept_rows(r, &copy, e);
    if (code == ERR_OK)
        code = run_definitions(&copy.plan, &r->fresh, &once, said, e);
    plan_copy_done(&copy);
    TRY(code);
    AUTO_MEM char *kept = xasprintf("%s/kept-rows", r->fresh.folder);
    TRY(remove_tree(kept, e));
    if (options->stop && *options->stop)
        return err_set(e, ERR_STOPPED,
                       "stopped before the new store was complete; the old one stays as it is");
    if (w.n_paused)
        return err_set(e, ERR_REFUSED,
                       "%zu sources paused while the new store was loaded (too many rejects); "
                       "the old one stays as it is",
                       w.n_paused);
    return ERR_OK;
}

/* ---- exchanging ---- */

static enum err_code exchange(struct rebuild *r, struct err *e)
{
    const char *old = r->place->folder, *new = r->fresh.folder;
    AUTO_MEM char *aside = beside(r->place, ".rebuild-old");
    AUTO_MEM char *parent = parent_of(old);
    if (renameat2(AT_FDCWD, new, AT_FDCWD, old, RENAME_EXCHANGE) != 0) {
        if (errno != EINVAL && errno != ENOSYS)
            return err_errno(e, "cannot exchange %s and %s", new, old);
        /* In two steps; rebuild_restore undoes the first if a crash comes between. */
        if (rename(old, aside) != 0)
            return err_errno(e, "cannot rename %s", old);
        if (rename(new, old) != 0) {
            err_errno(e, "cannot rename %s", new);
            if (rename(aside, old) != 0)
                log_error("rebuild", "restore", "folder=%s", aside);
            return ERR_IO;
        }
    }
    sync_folder(parent);
    return ERR_OK;
}

/* The exchange is done and stays, whatever comes now: the store is opened under its name before
 * anybody who waits for it gives up, and the old one is removed (what stays of it goes at the
 * next start). */
static void finish(struct rebuild *r)
{
    static const char *const suffixes[] = {".rebuild", ".rebuild-old"};
    AUTO(store) s = store_new(r->place);
    struct err e;
    if (store_ensure(s, false, &e) != ERR_OK)
        log_warn("rebuild", "open", "reason='%s'", e.text);
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        AUTO_MEM char *left = beside(r->place, suffixes[i]);
        if (remove_tree(left, &e) != ERR_OK)
            log_warn("rebuild", "leftover", "reason='%s'", e.text);
    }
}

static enum err_code close_and_exchange(struct rebuild *r, struct err *e)
{
    int new_lock = -1, old_lock = -1;
    enum err_code code = close_store(r->fresh.folder, &new_lock, e);
    if (code == ERR_OK)
        code = close_store(r->place->folder, &old_lock, e);
    if (code == ERR_OK) {
        clock_sleep_ms(100); /* stores that were just starting see the locks and leave */
        sync();
        code = exchange(r, e);
    }
    let_go(&new_lock);
    if (code == ERR_OK)
        finish(r);
    let_go(&old_lock);
    return code;
}

enum err_code rebuild_store(struct rebuild *r, const struct run_options *options, struct buf *said,
                            struct err *e)
{
    enum err_code code = load(r, options, said, e);
    if (code != ERR_OK) {
        struct err ignored;
        if (throw_away(r->fresh.folder, &ignored) != ERR_OK)
            /* the next start removes it */
            log_warn("rebuild", "leftover", "reason='%s'", ignored.text);
        return code;
    }
    TRY(close_and_exchange(r, e));
    buf_printf(said, "%s is rebuilt with generation %u of the definitions\n", r->place->folder,
               r->generation + 1);
    let_go(&r->lock); /* of the old folder, which is gone */
    return ERR_OK;
}
