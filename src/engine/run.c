/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/generations.h"
#include "engine/rebuild.h"

enum { MAX_OLD_PLANS = 16, STATUS_MS = 1000, SAY_STOPPING_MS = 2000 };

/* Plans of older generations, built when recovery asks for them. */
struct old_plans {
    const struct plan *current;
    struct store *store;
    const char *folder;
    pthread_mutex_t lock;
    struct {
        uint32_t number;
        struct definitions definitions;
        struct plan *plan;
    } items[MAX_OLD_PLANS];
    size_t n;
};

static enum err_code build_old_plan(struct old_plans *o, uint32_t number, struct err *e)
{
    if (o->n == MAX_OLD_PLANS)
        return err_set(e, ERR_LIMIT, "epochs of more than %d generations are open", MAX_OLD_PLANS);
    struct generation g;
    TRY(generation_read(&g, o->store, o->current->settings.database, number, e));
    AUTO_DONE(diagnostics) d = {0};
    char name[40];
    snprintf(name, sizeof(name), "generation %u", number);
    definitions_read_text(&o->items[o->n].definitions, name, str_of(g.definitions), &d);
    enum err_code code =
        d.n_errors ? ERR_INVALID
                   : plan_build(&o->items[o->n].plan, &o->items[o->n].definitions, o->folder, &d);
    generation_done(&g);
    if (code != ERR_OK)
        return err_set(e, ERR_INVALID,
                       "generation %u of the definitions cannot be read by this weir: %s", number,
                       d.n ? d.items[0].text : "");
    /* What decides about events stays as it was then; the rest is this process's. */
    struct plan_settings then = o->items[o->n].plan->settings,
                         *now = &o->items[o->n].plan->settings;
    *now = o->current->settings;
    now->max_future_s = then.max_future_s;
    now->max_record_bytes = then.max_record_bytes;
    now->max_columns = then.max_columns;
    now->max_depth = then.max_depth;
    o->items[o->n++].number = number;
    return ERR_OK;
}

static const struct plan *plan_of(void *context, uint32_t number, struct err *e)
{
    struct old_plans *o = context;
    const struct plan *found = NULL;
    pthread_mutex_lock(&o->lock);
    for (int tries = 0; tries < 2 && found == NULL; tries++) {
        for (size_t i = 0; i < o->n; i++)
            if (o->items[i].number == number)
                found = o->items[i].plan;
        if (found == NULL && tries == 0 && build_old_plan(o, number, e) != ERR_OK)
            break;
    }
    pthread_mutex_unlock(&o->lock);
    return found;
}

static void old_plans_done(struct old_plans *o)
{
    for (size_t i = 0; i < o->n; i++) {
        plan_free(o->items[i].plan);
        definitions_done(&o->items[i].definitions);
    }
    store_free(o->store);
}

/* One weir run per embedded store: a second one would only fight for every epoch. */
enum err_code run_lock_folder(const struct store_place *place, int *fd, struct err *e)
{
    *fd = -1;
    if (place->folder == NULL)
        return ERR_OK;
    if (mkdir(place->folder, 0700) != 0 && errno != EEXIST)
        return err_errno(e, "cannot make the store's folder %s", place->folder);
    AUTO_MEM char *path = xasprintf("%s/run.lock", place->folder);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_errno(e, "%s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        char pid[32] = "";
        ssize_t n = read(*fd, pid, sizeof(pid) - 1);
        close(*fd);
        return err_set(e, ERR_CONFLICT, "another `weir run`%s%.*s is at work on %s",
                       n > 0 ? ", process " : "", n > 0 ? (int)strcspn(pid, "\n") : 0, pid,
                       place->folder);
    }
    char text[32];
    int n = snprintf(text, sizeof(text), "%d\n", getpid());
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, text, (size_t)n, 0) != n)
        return err_errno(e, "%s", path);
    return ERR_OK;
}

enum err_code run_make_tables(struct store *s, const struct plan *plan, struct err *e)
{
    struct arena arena = {0};
    char **statements;
    enum err_code code = ERR_OK;
    size_t n = plan_ddl(plan, &arena, &statements);
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        /* ClickHouse wants to be asked twice before it keeps a dictionary of anything but text */
        struct store_setting odd = {"allow_suspicious_low_cardinality_types", "1"};
        code = store_call(
            s, &(struct store_call){.sql = statements[i], .settings = &odd, .n_settings = 1}, e);
        if (code != ERR_OK)
            err_prefix(e, "%.200s", statements[i]);
    }
    arena_done(&arena);
    return code;
}

enum err_code run_make_own_tables(struct store *s, const struct plan *plan, struct err *e)
{
    struct arena arena = {0};
    char **statements;
    enum err_code code = ERR_OK;
    size_t n = plan_own_ddl(&plan->settings, &arena, &statements);
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        code = store_exec(s, statements[i], e);
    arena_done(&arena);
    return code;
}

/* ---- status ---- */

static json_t *runner_json(struct runner *r)
{
    struct runner_status s;
    runner_status(r, &s);
    const struct plan_source *p = runner_source(r);
    json_t *o = json_object();
    json_object_set_new(o, "source", json_stringn(p->name.p, p->name.n));
    json_object_set_new(o, "state", json_string(s.state));
    json_object_set_new(o, "problem", json_string(s.problem));
    json_object_set_new(o, "epochs", json_integer((json_int_t)s.epochs));
    json_object_set_new(o, "read", json_integer((json_int_t)s.read));
    json_object_set_new(o, "kept", json_integer((json_int_t)s.kept));
    json_object_set_new(o, "filtered", json_integer((json_int_t)s.filtered));
    json_object_set_new(o, "rejected", json_integer((json_int_t)s.rejected));
    json_object_set_new(o, "duplicate", json_integer((json_int_t)s.duplicate));
    json_object_set_new(o, "bytes", json_integer((json_int_t)s.read_bytes));
    json_object_set_new(o, "rate", json_real(s.rate));
    json_object_set_new(o, "waiting_bytes", json_integer((json_int_t)s.waiting_bytes));
    json_object_set_new(o, "memory_bytes", json_integer((json_int_t)s.memory_bytes));
    json_object_set_new(o, "gather_ms", json_integer(s.gather_ms));
    json_object_set_new(o, "store_ms", json_integer(s.store_ms));
    return o;
}

static json_t *lookup_json(struct lookups *l, size_t i)
{
    struct lookup_status s;
    lookups_status(l, i, &s);
    json_t *o = json_object();
    json_object_set_new(o, "lookup", json_stringn(s.name.p, s.name.n));
    json_object_set_new(o, "layout", json_string(s.layout));
    json_object_set_new(o, "version", json_string(s.hash));
    json_object_set_new(o, "rows", json_integer((json_int_t)s.rows));
    json_object_set_new(o, "memory_bytes",
                        json_integer((json_int_t)(s.table_bytes + s.file_bytes)));
    json_object_set_new(o, "loaded", json_integer(s.loaded_s));
    json_object_set_new(o, "problem", json_string(s.problem));
    return o;
}

void run_status_json(struct buf *out, struct runner *const *runners, size_t n, struct lookups *l)
{
    json_t *root = json_object();
    json_t *sources = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(sources, runner_json(runners[i]));
    json_object_set_new(root, "time", json_integer(clock_wall_s()));
    json_object_set_new(root, "pid", json_integer(getpid()));
    json_object_set_new(root, "resident_bytes", json_integer((json_int_t)mem_resident_bytes()));
    json_object_set_new(root, "sources", sources);
    json_t *lookups = json_array();
    for (size_t i = 0; i < lookups_count(l); i++)
        json_array_append_new(lookups, lookup_json(l, i));
    json_object_set_new(root, "lookups", lookups);
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
    buf_text(out, text ? text : "{}");
    free(text);
    json_decref(root);
}

/* On a full disk: over the old text, whose room is there. */
static void write_in_place(const char *path, struct buf *text)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while (fstat(fd, &st) == 0 && (off_t)text->n < st.st_size)
        buf_byte(text, ' ');
    if (pwrite(fd, text->p, text->n, 0) != (ssize_t)text->n)
        log_warn("run", "status", "path=%s reason='%s'", path, strerror(errno));
    close(fd);
}

/* FOLDER/run.json: what only this process knows, for `weir status`. Renamed into place, so it is
 * never half. */
static void write_status(const struct store_place *place, struct runner *const *runners, size_t n,
                         struct lookups *lookups)
{
    if (place->folder == NULL)
        return;
    AUTO_DONE(buf) text = {0};
    run_status_json(&text, runners, n, lookups);
    AUTO_MEM char *path = xasprintf("%s/run.json", place->folder);
    AUTO_MEM char *fresh = xasprintf("%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        write_in_place(path, &text);
        return;
    }
    bool is_whole = write(fd, text.p, text.n) == (ssize_t)text.n;
    close(fd);
    if (!is_whole || rename(fresh, path) != 0) {
        unlink(fresh);
        write_in_place(path, &text);
    }
}

/* ---- running ---- */

static uint64_t new_lane(void)
{
    uint64_t lane = 0;
    while (lane == 0)
        if (getrandom(&lane, sizeof(lane), 0) != sizeof(lane))
            lane = (uint64_t)clock_mono_ns() * 0x9e3779b97f4a7c15ULL;
    return lane;
}

/* Sources that are retired while epochs of theirs are not done, and the generation that knows
 * them. */
static enum err_code find_unfinished(struct store *s, const struct plan *plan,
                                     struct native_result *ret, struct err *e)
{
    AUTO_DONE(buf) sources = {0};
    AUTO_DONE(buf) sql = {0};
    for (size_t i = 0; i < plan->n_sources; i++) {
        buf_text(&sources, i ? ", " : "");
        print_string_literal(&sources, plan->sources[i].name);
    }
    const char *db = plan->settings.database, *names = buf_cstr(&sources);
    buf_printf(&sql,
               "SELECT toString(source), toUInt64(max(generation)) FROM %s.weir_epochs "
               "WHERE kind IN ('epoch', 'retry') AND source NOT IN (%s) AND (source, n) NOT IN "
               "(SELECT source, n FROM %s.weir_ledger "
               "WHERE source NOT IN (%s)) GROUP BY source",
               db, names, db, names);
    return store_native(s, buf_cstr(&sql), ret, e);
}

/* The runners of a process. */
struct crew {
    struct runner **items;
    size_t n;
    struct lookups *lookups; /* that they read */
    char process[160];       /* its name in the chain */
};

static void crew_init(struct crew *c)
{
    char host[100] = "";
    gethostname(host, sizeof(host) - 1);
    *c = (struct crew){0};
    snprintf(c->process, sizeof(c->process), "%s:%d:%016" PRIx64, host, getpid(), new_lane());
}

static enum err_code crew_add(struct crew *c, const struct plan *plan,
                              const struct plan_source *source, const struct store_place *place,
                              struct runner_options *how, struct err *e)
{
    how->process = c->process;
    how->lane = new_lane();
    c->items = xrealloc(c->items, (c->n + 1) * sizeof(*c->items));
    TRY(runner_start(&c->items[c->n], plan, source, place, how, e));
    c->n++;
    return ERR_OK;
}

/* They look for files while the store starts. */
static enum err_code start_sources(struct crew *c, const struct plan *plan,
                                   const struct store_place *place,
                                   const struct run_options *options, struct old_plans *old,
                                   struct err *e)
{
    for (size_t i = 0; i < plan->n_sources; i++) {
        if (options->only_source != NULL && !str_is(plan->sources[i].name, options->only_source))
            continue;
        struct runner_options how = {.enough_bytes = options->enough_bytes,
                                     .is_once = options->is_once,
                                     .plan_of = plan_of,
                                     .context = old};
        TRY(crew_add(c, plan, &plan->sources[i], place, &how, e));
    }
    return ERR_OK;
}

static enum err_code start_retired(struct crew *c, struct str name, uint32_t generation,
                                   const struct store_place *place, struct old_plans *old,
                                   struct err *e)
{
    const struct plan *plan = plan_of(old, generation, e);
    if (plan == NULL)
        return ERR_INVALID;
    struct runner_options how = {
        .is_once = true, .is_recovery = true, .plan_of = plan_of, .context = old};
    for (size_t i = 0; i < plan->n_sources; i++) {
        if (!str_eq(plan->sources[i].name, name))
            continue;
        TRY(crew_add(c, plan, &plan->sources[i], place, &how, e));
        runner_store_is_there(c->items[c->n - 1], generation, NULL);
        return ERR_OK;
    }
    return err_set(e, ERR_INVALID, "generation %u does not have source '%.*s'", generation,
                   STR_FMT(name));
}

static enum err_code finish_retired(struct crew *c, struct store *s, const struct plan *plan,
                                    const struct store_place *place, struct old_plans *old,
                                    struct err *e)
{
    struct native_result retired = {0};
    enum err_code code = find_unfinished(s, plan, &retired, e);
    if (code == ERR_UNAVAILABLE && store_ensure(s, true, e) == ERR_OK)
        code = find_unfinished(s, plan, &retired, e);
    TRY(code);
    for (size_t i = 0; i < retired.n_rows && code == ERR_OK; i++)
        code = start_retired(c, ((struct str *)retired.columns[0].column.values)[i],
                             (uint32_t)((uint64_t *)retired.columns[1].column.values)[i], place,
                             old, e);
    native_result_done(&retired);
    return code;
}

struct stopping {
    int64_t since_ms; /* 0: not asked */
    bool is_said;
};

/* Signals to the runners. Whoever waits for the end hears why it takes a while. */
static void pass_signals(const struct run_options *options, const struct crew *c,
                         struct stopping *stopping, int64_t now_ms)
{
    if (options->stop == NULL || !*options->stop)
        return;
    bool is_twice = options->give_up != NULL && *options->give_up;
    for (size_t i = 0; i < c->n; i++) {
        if (is_twice)
            runner_give_up(c->items[i]);
        else
            runner_stop(c->items[i]);
    }
    if (stopping->since_ms == 0)
        stopping->since_ms = now_ms;
    if (!stopping->is_said && !is_twice && now_ms - stopping->since_ms >= SAY_STOPPING_MS) {
        log_warn("run", "stopping",
                 "the last epoch is being stored; a second SIGTERM or SIGINT ends at once, and the "
                 "next start completes it");
        stopping->is_said = true;
    }
}

static void watch(struct crew *c, const struct store_place *place,
                  const struct run_options *options)
{
    int64_t last_tick = 0, last_status = 0;
    struct stopping stopped = {0};
    for (bool is_end = false; !is_end;) {
        is_end = true;
        for (size_t i = 0; i < c->n; i++) {
            struct runner_status s;
            runner_status(c->items[i], &s);
            is_end &= s.is_finished;
        }
        int64_t now = clock_mono_ns() / 1000000;
        pass_signals(options, c, &stopped, now);
        if (now - last_status >= STATUS_MS || is_end) {
            for (size_t i = 0; i < c->n; i++)
                runner_sample(c->items[i]);
            write_status(place, c->items, c->n, c->lookups);
            last_status = now;
        }
        if (options->tick && (now - last_tick >= options->tick_ms || is_end)) {
            options->tick(options->context, c->items, c->n, is_end);
            last_tick = now;
        }
        if (!is_end)
            clock_sleep_ms(options->is_once ? 5 : 50);
    }
}

/* Waits for the end of all; with a failure so far they are stopped. */
static enum err_code crew_join(struct crew *c, enum err_code code, struct err *e)
{
    for (size_t i = 0; i < c->n && code != ERR_OK; i++)
        runner_stop(c->items[i]);
    for (size_t i = 0; i < c->n; i++) {
        struct err failure;
        enum err_code result = runner_join(c->items[i], &failure);
        if (result != ERR_OK && code == ERR_OK) {
            code = result;
            if (e)
                *e = failure;
        }
        runner_free(c->items[i]);
    }
    free(c->items);
    lookups_close(c->lookups);
    return code;
}

static enum err_code prepare_store(struct store *s, const struct plan *plan,
                                   const struct adoption *how, uint32_t *generation,
                                   struct buf *said, struct err *e)
{
    TRY(store_ensure(s, true, e));
    TRY(run_make_own_tables(s, plan, e));
    TRY(generation_adopt(generation, s, plan, how, said, e));
    return run_make_tables(s, plan, e);
}

/* Each step may be done twice, so a store that dies meanwhile is started again. */
static enum err_code prepare_patiently(struct store *s, const struct plan *plan,
                                       const struct run_options *options, uint32_t *generation,
                                       struct buf *said, struct err *e)
{
    struct adoption how = {.accept_loss = options->accept_loss};
    size_t n_said = said->n;
    enum err_code code;
    int tries = 0;
    do {
        said->n = n_said;
        code = prepare_store(s, plan, &how, generation, said, e);
    } while (code == ERR_UNAVAILABLE && ++tries < 3 && !(options->stop && *options->stop));
    return code;
}

static enum err_code run_locked(const struct plan *plan, const struct store_place *place,
                                const struct run_options *options, struct store *s,
                                struct buf *said, struct err *e)
{
    uint32_t generation;
    struct crew crew;
    struct old_plans old = {.current = plan,
                            .store = store_new(place),
                            .folder = options->folder,
                            .lock = PTHREAD_MUTEX_INITIALIZER};
    crew_init(&crew);
    enum err_code code = start_sources(&crew, plan, place, options, &old, e);
    if (code == ERR_OK)
        code = prepare_patiently(s, plan, options, &generation, said, e);
    if (code == ERR_OK)
        code = lookups_open(&crew.lookups, plan, options->only_source, s, e);
    for (size_t i = 0; i < lookups_count(crew.lookups); i++) {
        struct lookup_status status;
        lookups_status(crew.lookups, i, &status);
        if (*status.problem)
            buf_printf(said, "lookup %.*s goes with the version that the last epoch read: %s\n",
                       STR_FMT(status.name), status.problem);
    }
    if (code == ERR_OK && !options->is_once)
        code = lookups_watch(crew.lookups, place, e);
    if (code == ERR_OK) {
        for (size_t i = 0; i < crew.n; i++)
            runner_store_is_there(crew.items[i], generation, crew.lookups);
        if (options->only_source == NULL)
            code = finish_retired(&crew, s, plan, place, &old, e);
    }
    if (code == ERR_OK)
        watch(&crew, place, options);
    if (code == ERR_OK && options->is_once)
        lookups_clean(crew.lookups, s);
    if (options->n_old_lookups != NULL)
        *options->n_old_lookups = lookups_count_bad(crew.lookups);
    code = crew_join(&crew, code, e);
    old_plans_done(&old);
    return code;
}

enum err_code run_definitions(const struct plan *plan, const struct store_place *place,
                              const struct run_options *options, struct buf *said, struct err *e)
{
    int lock;
    rebuild_restore(place);
    TRY(run_lock_folder(place, &lock, e));
    AUTO(store) s = store_new(place);
    enum err_code code = rebuild_clean(place, said, e);
    if (code == ERR_OK)
        code = run_locked(plan, place, options, s, said, e);
    if (lock >= 0)
        close(lock);
    return code;
}
