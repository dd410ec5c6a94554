/* SPDX-License-Identifier: Apache-2.0
 *
 * `weir status`: what the ledger, the alarms and the running process say, in one picture. Exit 0
 * well, 1 warning,
 * 2 critical. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/merged.h"
#include "store/deaths.h"

enum { RATE_S = 60 };

enum severity { SEVERITY_OK, SEVERITY_WARNING, SEVERITY_CRITICAL };

/* What can be wrong: a code to search for, how bad it is, what helps. */
static const struct {
    const char *code;
    enum severity severity;
    const char *remedy;
} remedies[] = {
    {"lost", SEVERITY_CRITICAL,
     "input is gone unread; find out why it was removed early, then `weir ack ID --note TEXT`"},
    {"changed", SEVERITY_CRITICAL,
     "a file that was being read has other content now; give new content a new name, then `weir "
     "ack ID --note TEXT`"},
    {"paused", SEVERITY_CRITICAL,
     "see `weir rejects`, mend the definition or the input, then `weir resume SOURCE`"},
    {"header", SEVERITY_CRITICAL,
     "the file's header does not fit the definition; it is not read until it changes"},
    {"unreadable", SEVERITY_CRITICAL,
     "give weir the right to read the file; it tries again by itself"},
    {"corrupt", SEVERITY_CRITICAL,
     "the compressed file is damaged; what came before stays; put a whole file in its place"},
    {"rejects_full", SEVERITY_CRITICAL,
     "weir_rejects holds rejects_max; look at `weir rejects`, then `weir resume SOURCE`"},
    {"folded", SEVERITY_WARNING,
     "totals are right, the keys behind the first max_keys are not told apart; give the metric a "
     "larger max_keys or fewer keys, then `weir ack ID --note TEXT`"},
    {"store_died", SEVERITY_CRITICAL,
     "find out what kills it: crashed, store.log and engine.log in the store's folder say more; "
     "stop sending that "
     "query; weir starts the store again once a minute"},
    {"store_down", SEVERITY_CRITICAL, "see the text; `weir run` tries again by itself"},
    {"not_running", SEVERITY_WARNING,
     "start `weir run`; after `weir open` or `weir run --once` this is as it should be"},
    {"lookup", SEVERITY_CRITICAL,
     "mend the lookup's file; weir goes on with the version before and takes the new one once it "
     "can "
     "be read"},
    {"disk_low", SEVERITY_WARNING,
     "less than a tenth of the disk is free; shorten KEEP or add disk"},
    {"clock_skew", SEVERITY_WARNING,
     "the store's clock and this machine's differ by more than 5 s; results use the store's"},
    {"problem", SEVERITY_CRITICAL, "see the text; weir tries again by itself"},
};

struct report {
    json_t *root; /* what --json prints */
    json_t *reasons;
    enum severity severity;
};

static void add_reason(struct report *r, const char *code, const char *id, const char *source,
                       const char *text)
{
    json_t *o = json_object();
    for (size_t i = 0; i < COUNT(remedies); i++) {
        if (strcmp(remedies[i].code, code) != 0)
            continue;
        if (remedies[i].severity > r->severity)
            r->severity = remedies[i].severity;
        json_object_set_new(
            o, "severity",
            json_string(remedies[i].severity == SEVERITY_CRITICAL ? "critical" : "warning"));
        json_object_set_new(o, "remedy", json_string(remedies[i].remedy));
    }
    json_object_set_new(o, "code", json_string(code));
    if (id)
        json_object_set_new(o, "id", json_string(id));
    if (source)
        json_object_set_new(o, "source", json_string(source));
    json_object_set_new(o, "text", json_string(text));
    json_array_append_new(r->reasons, o);
}

/* Rows of a query as JSON objects (the store's own JSON, so that types and names are its own). */
static enum err_code query_json(struct session *s, json_t **rows, const char *sql, struct err *e)
{
    AUTO_DONE(buf) answer = {0};
    const struct store_setting settings[] = {{"output_format_json_quote_64bit_integers", "0"},
                                             {"readonly", "2"}};
    struct store_call call = {.sql = sql,
                              .answer = &answer,
                              .format = "JSON",
                              .settings = settings,
                              .n_settings = COUNT(settings)};
    TRY(store_call(s->store, &call, e));
    json_error_t problem;
    json_t *root = json_loadb(answer.p, answer.n, 0, &problem);
    if (root == NULL)
        return err_set(e, ERR_STORE, "the store's answer is not JSON: %s", problem.text);
    *rows = json_incref(json_object_get(root, "data"));
    json_decref(root);
    return ERR_OK;
}

static const char *text_of(json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    return json_is_string(v) ? json_string_value(v) : "";
}

static int64_t number_of(json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    return json_is_number(v) ? (int64_t)json_number_value(v) : 0;
}

static const struct plan_source *planned_source(const struct session *s, const char *name)
{
    for (size_t i = 0; i < s->plan->n_sources; i++)
        if (str_is(s->plan->sources[i].name, name))
            return &s->plan->sources[i];
    return NULL;
}

static enum err_code read_sources(struct session *s, struct report *r, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    const char *db = s->plan->settings.database;
    /* A partition is active while it had input within idle_timeout; if none is, all count. */
    buf_printf(&sql,
               "SELECT source, sum(read) AS read, sum(kept) AS kept, sum(filtered) AS filtered, "
               "sum(rejected) AS rejected, sum(duplicate) AS duplicate, "
               "sum(lost) AS lost, sum(skipped) AS skipped, sum(bytes) AS bytes, count() AS "
               "partitions, max(last_n) AS epoch, toString(max(last_now)) AS last_epoch, "
               "toString(max(newest)) AS newest_event, if(countIf(active) = 0, max(newest), "
               "minIf(newest, active)) AS front, toUnixTimestamp(front) AS front_s, "
               "round(sum(recent) / %d, 1) AS rate FROM "
               "(SELECT source, partition, sumIf(l.read, l.now > now() - %d) AS recent, "
               "sum(read) AS read, sum(kept) AS kept, sum(filtered) AS "
               "filtered, sum(rejected) AS rejected, sum(duplicate) AS duplicate, "
               "sum(lost) AS lost, sum(skipped) AS skipped, sum(bytes) AS bytes, max(n) AS last_n, "
               "max(now) AS last_now, max(max_time) AS newest, "
               "max(now) >= now() - %" PRId64
               " AS active FROM %s.weir_ledger AS l WHERE kind = 'partition' GROUP BY source, "
               "partition) GROUP BY source ORDER BY source",
               RATE_S, RATE_S, s->plan->settings.idle_timeout_s, db);
    json_t *rows;
    TRY(query_json(s, &rows, buf_cstr(&sql), e));
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const struct plan_source *p = planned_source(s, text_of(row, "source"));
        int64_t delay = p ? duration_seconds(p->def->watermark) : 0;
        int64_t front = number_of(row, "front_s");
        if (front > 0) {
            char text[40];
            time_t at = (time_t)(front - delay);
            struct tm utc;
            gmtime_r(&at, &utc);
            strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &utc);
            json_object_set_new(row, "watermark", json_string(text));
        }
        json_object_del(row, "front");
        json_object_del(row, "front_s");
        int64_t sum = number_of(row, "kept") + number_of(row, "filtered") +
                      number_of(row, "rejected") + number_of(row, "duplicate");
        json_object_set_new(row, "balanced", json_boolean(sum == number_of(row, "read")));
    }
    json_object_set_new(r->root, "sources", rows);
    json_object_set_new(r->root, "merged", merged_objects(s->plan, rows));
    return ERR_OK;
}

static enum err_code read_files(struct session *s, struct report *r, struct err *e)
{
    AUTO_MEM char *sql =
        xasprintf("SELECT source, partition, argMax(name, n) AS path, max(to) AS position, "
                  "sum(read) AS read, sum(rejected) AS rejected, sum(lost) AS lost, "
                  "toString(max(max_time)) AS newest_event, max(n) AS epoch FROM %s.weir_ledger "
                  "WHERE kind = 'partition' GROUP BY source, partition "
                  "ORDER BY source, partition",
                  s->plan->settings.database);
    json_t *rows;
    TRY(query_json(s, &rows, sql, e));
    json_object_set_new(r->root, "files", rows);
    return ERR_OK;
}

static enum err_code read_expired(struct session *s, struct report *r, struct err *e)
{
    AUTO_MEM char *sql =
        xasprintf("SELECT name AS table, sum(expired) AS expired FROM %s.weir_ledger WHERE kind = "
                  "'expired' GROUP BY name ORDER BY name",
                  s->plan->settings.database);
    json_t *rows;
    TRY(query_json(s, &rows, sql, e));
    json_object_set_new(r->root, "expired", rows);
    return ERR_OK;
}

static enum err_code read_objects(struct session *s, struct report *r, struct err *e)
{
    AUTO_MEM char *sql = xasprintf("SELECT generation, toString(created) AS created, objects FROM "
                                   "%s.weir_generations ORDER BY generation DESC LIMIT 1",
                                   s->plan->settings.database);
    json_t *rows;
    TRY(query_json(s, &rows, sql, e));
    json_t *newest = json_array_get(rows, 0);
    json_object_set_new(r->root, "generation",
                        json_integer(newest ? number_of(newest, "generation") : 0));
    json_t *retired = json_array(), *young = json_array();
    const char *line = newest ? text_of(newest, "objects") : "";
    while (*line) {
        char kind[32] = "", name[300] = "";
        long long keep = 0, since = 0;
        int is_retired = 0;
        if (sscanf(line, "%31[^\t]\t%299[^\t]\t%lld\t%lld\t%d", kind, name, &keep, &since,
                   &is_retired) == 5) {
            if (is_retired)
                json_array_append_new(retired, json_sprintf("%s %s", kind, name));
            else if (since > 0) {
                char text[40];
                time_t at = (time_t)since;
                struct tm utc;
                gmtime_r(&at, &utc);
                strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &utc);
                json_array_append_new(young, json_sprintf("%s %s since %s", kind, name, text));
            }
        }
        line = strchrnul(line, '\n');
        line += *line == '\n';
    }
    json_object_set_new(r->root, "retired", retired);
    json_object_set_new(r->root, "added_later", young);
    json_decref(rows);
    return ERR_OK;
}

static enum err_code read_alarms(struct session *s, struct report *r, struct err *e)
{
    const char *db = s->plan->settings.database;
    AUTO_MEM char *sql =
        xasprintf("SELECT id, source, kind, text, events, toString(raised) AS raised FROM "
                  "%s.weir_alarms WHERE id NOT IN (SELECT id FROM %s.weir_acks) "
                  "ORDER BY raised LIMIT 1 BY id LIMIT 100",
                  db, db);
    json_t *rows;
    TRY(query_json(s, &rows, sql, e));
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) add_reason(r, text_of(row, "kind"), text_of(row, "id"),
                                                text_of(row, "source"), text_of(row, "text"));
    json_decref(rows);
    return ERR_OK;
}

static enum err_code read_store(struct session *s, struct report *r, struct err *e)
{
    AUTO_MEM char *sql = xasprintf(
        "SELECT version() AS version, toUnixTimestamp(now()) AS now_s, (SELECT sum(bytes_on_disk) "
        "FROM system.parts WHERE active AND database = '%s') AS bytes, "
        "(SELECT count() FROM system.parts WHERE active AND database = '%s') AS parts",
        s->plan->settings.database, s->plan->settings.database);
    json_t *rows;
    TRY(query_json(s, &rows, sql, e));
    json_t *o = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    int64_t skew = number_of(o, "now_s") - clock_wall_s();
    json_object_set_new(o, "clock_skew_s", json_integer(skew));
    json_object_set_new(o, "place", json_string(s->plan->settings.store));
    if (skew > 5 || skew < -5) {
        char text[100];
        snprintf(text, sizeof(text),
                 "the store's clock differs from this machine's by %" PRId64 " s", skew);
        add_reason(r, "clock_skew", NULL, NULL, text);
    }
    struct statvfs disk;
    if (s->place.folder && statvfs(s->place.folder, &disk) == 0) {
        double free_share = (double)disk.f_bavail / (double)(disk.f_blocks ? disk.f_blocks : 1);
        json_object_set_new(o, "disk_free_bytes",
                            json_integer((json_int_t)((uint64_t)disk.f_bavail * disk.f_frsize)));
        if (free_share < 0.1)
            add_reason(r, "disk_low", NULL, NULL, "less than a tenth of the store's disk is free");
    }
    json_object_set_new(r->root, "store", o);
    return ERR_OK;
}

/* The process knows its rate better than the ledger does, which hears of an epoch at its end. */
static void take_what_it_knows(struct report *r, json_t *source)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(r->root, "sources"), i, row)
    {
        if (strcmp(text_of(row, "source"), text_of(source, "source")) != 0)
            continue;
        json_object_set(row, "rate", json_object_get(source, "rate"));
        json_object_set(row, "waiting_bytes", json_object_get(source, "waiting_bytes"));
    }
}

/* run.json of the process at work, if it is there and that process lives. */
static void read_process(struct session *s, struct report *r)
{
    if (s->place.folder == NULL)
        return;
    AUTO_MEM char *path = xasprintf("%s/run.json", s->place.folder);
    json_error_t problem;
    json_t *run = json_load_file(path, 0, &problem);
    bool is_alive =
        run && number_of(run, "pid") > 0 && clock_wall_s() - number_of(run, "time") < 15;
    if (is_alive) {
        AUTO_MEM char *proc = xasprintf("/proc/%" PRId64 "/comm", number_of(run, "pid"));
        is_alive = access(proc, F_OK) == 0;
    }
    if (!is_alive) {
        json_decref(run);
        add_reason(r, "not_running", NULL, NULL, "no process follows the input");
        return;
    }
    size_t i;
    json_t *source;
    json_array_foreach(json_object_get(run, "sources"), i, source) take_what_it_knows(r, source);
    json_array_foreach(json_object_get(run, "sources"), i,
                       source) if (*text_of(source, "problem") &&
                                   strcmp(text_of(source, "state"), "paused") != 0)
        add_reason(r, "problem", NULL, text_of(source, "source"), text_of(source, "problem"));
    json_t *lookup;
    json_array_foreach(json_object_get(run, "lookups"), i, lookup)
    {
        if (*text_of(lookup, "problem") == '\0')
            continue;
        AUTO_MEM char *text =
            xasprintf("lookup %s: %s", text_of(lookup, "lookup"), text_of(lookup, "problem"));
        add_reason(r, "lookup", NULL, NULL, text);
    }
    json_object_set_new(r->root, "process", run);
}

/* Does the store die again and again? Then what was at work may be what kills it. */
static bool read_deaths(struct session *s, struct report *r)
{
    AUTO_DONE(buf) last = {0};
    unsigned n = s->place.folder ? deaths_count(s->place.folder, &last) : 0;
    if (n < DEATHS_ALLOWED)
        return false;
    AUTO_MEM char *text =
        xasprintf("weir-store died %u times within ten minutes; at work when it died last: %s", n,
                  last.n ? buf_cstr(&last) : "nothing");
    add_reason(r, "store_died", NULL, NULL, text);
    return true;
}

static void print_report(const struct report *r, bool has_files)
{
    static const char *const words[] = {"ok", "warning", "critical"};
    bool colours = use_colours();
    static const char *const paint[] = {"\033[32m", "\033[33m", "\033[31m"};
    printf("%s%s%s\n", colours ? paint[r->severity] : "", words[r->severity],
           colours ? "\033[0m" : "");
    size_t i;
    json_t *o;
    json_array_foreach(r->reasons, i, o)
    {
        printf("  %s [%s] %s%s%s\n", text_of(o, "severity"), text_of(o, "code"),
               text_of(o, "source"), *text_of(o, "source") ? ": " : "", text_of(o, "text"));
        printf("    -> %s%s%s\n", text_of(o, "remedy"), *text_of(o, "id") ? "; id " : "",
               text_of(o, "id"));
    }
    json_array_foreach(json_object_get(r->root, "sources"), i, o)
    {
        printf("\nsource %s: epoch %" PRId64 " at %s, %" PRId64 " partition%s\n",
               text_of(o, "source"), number_of(o, "epoch"), text_of(o, "last_epoch"),
               number_of(o, "partitions"), number_of(o, "partitions") == 1 ? "" : "s");
        printf("  read %" PRId64 " = kept %" PRId64 " + filtered %" PRId64 " + rejected %" PRId64
               " + duplicate %" PRId64 "%s\n",
               number_of(o, "read"), number_of(o, "kept"), number_of(o, "filtered"),
               number_of(o, "rejected"), number_of(o, "duplicate"),
               json_is_true(json_object_get(o, "balanced")) ? "" : "   (does not balance!)");
        printf("  lost %" PRId64 ", skipped %" PRId64 "; newest event %s, watermark %s\n",
               number_of(o, "lost"), number_of(o, "skipped"), text_of(o, "newest_event"),
               text_of(o, "watermark"));
        printf("  %.1f events/s over the last minute\n",
               json_number_value(json_object_get(o, "rate")));
        if (number_of(o, "rejected") > 0)
            printf("  rejected records with their reasons: `weir rejects`\n");
    }
    json_array_foreach(json_object_get(r->root, "merged"), i, o)
        printf("\n%s %s of %zu sources: watermark %s\n", text_of(o, "kind"), text_of(o, "name"),
               json_array_size(json_object_get(o, "sources")), text_of(o, "watermark"));
    json_array_foreach(json_object_get(json_object_get(r->root, "process"), "sources"), i, o)
        printf("\nat work: %s %s, %" PRId64 " bytes wait, %" PRId64 " MB of panes\n",
               text_of(o, "source"), text_of(o, "state"), number_of(o, "waiting_bytes"),
               number_of(o, "memory_bytes") / 1000000);
    json_array_foreach(json_object_get(json_object_get(r->root, "process"), "lookups"), i, o)
    {
        char text[40];
        time_t at = (time_t)number_of(o, "loaded");
        struct tm utc;
        gmtime_r(&at, &utc);
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &utc);
        if (*text_of(o, "version"))
            printf("lookup %s: %" PRId64 " rows, %.1f MB, loaded %s\n", text_of(o, "lookup"),
                   number_of(o, "rows"), (double)number_of(o, "memory_bytes") / 1e6, text);
    }
    json_array_foreach(json_object_get(r->root, "expired"), i, o)
        printf("%s: %" PRId64 " rows older than its KEEP, not stored\n", text_of(o, "table"),
               number_of(o, "expired"));
    json_array_foreach(json_object_get(r->root, "retired"), i, o)
        printf("retired: %s\n", json_string_value(o));
    json_array_foreach(json_object_get(r->root, "added_later"), i, o)
        printf("added later: %s\n", json_string_value(o));
    json_t *store = json_object_get(r->root, "store");
    if (store == NULL)
        return;
    printf("\nstore %s: ClickHouse %s, %.1f MB in %" PRId64 " parts\n", text_of(store, "place"),
           text_of(store, "version"), (double)number_of(store, "bytes") / 1e6,
           number_of(store, "parts"));
    if (!has_files)
        return;
    printf("\n%-12s %9s %14s %12s %9s  %s\n", "source", "partition", "position", "read", "rejected",
           "path");
    json_array_foreach(json_object_get(r->root, "files"), i, o)
        printf("%-12s %9" PRId64 " %14" PRId64 " %12" PRId64 " %9" PRId64 "  %s\n",
               text_of(o, "source"), number_of(o, "partition"), number_of(o, "position"),
               number_of(o, "read"), number_of(o, "rejected"), text_of(o, "path"));
}

static enum err_code build_report(struct session *s, struct report *r, bool has_files,
                                  struct err *e)
{
    /* A store that dies again and again is not started here: `weir run` backs off, too. */
    enum err_code code =
        read_deaths(s, r) ? store_exec(s->store, "SELECT 1", e) : store_ensure(s->store, false, e);
    if (code == ERR_UNAVAILABLE) {
        add_reason(r, "store_down", NULL, NULL, e->text);
        read_process(s, r);
        return ERR_OK;
    }
    TRY(code);
    TRY(read_store(s, r, e));
    TRY(read_sources(s, r, e));
    TRY(read_expired(s, r, e));
    TRY(read_objects(s, r, e));
    TRY(read_alarms(s, r, e));
    if (has_files)
        TRY(read_files(s, r, e));
    read_process(s, r);
    return ERR_OK;
}

static int run_status(const struct arguments *a)
{
    struct session s;
    int code = session_open_store(&s, a);
    if (code != EXIT_OK)
        return EXIT_USAGE;
    struct report r = {.root = json_object(), .reasons = json_array()};
    struct err e;
    if (build_report(&s, &r, has_flag(a, "files"), &e) != ERR_OK) {
        complain("%s", e.text);
        code = SEVERITY_CRITICAL;
    } else if (has_flag(a, "json")) {
        static const char *const words[] = {"ok", "warning", "critical"};
        json_object_set_new(r.root, "status", json_string(words[r.severity]));
        json_object_set(r.root, "reasons", r.reasons);
        json_dumpf(r.root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        putchar('\n');
        code = (int)r.severity;
    } else {
        print_report(&r, has_flag(a, "files"));
        code = (int)r.severity;
    }
    json_decref(r.root);
    json_decref(r.reasons);
    session_close(&s);
    return code;
}

static const struct option_row status_options[] = {
    {"json", 0, OPTION_FLAG, NULL, "Everything as JSON."},
    {"files", 0, OPTION_FLAG, NULL, "Every file (partition) with its position."},
};

const struct command command_status = {
    .name = "status",
    .words = "",
    .summary = "Says how every source is, and what is wrong.",
    .details = "Exit 0: well, 1: warning, 2: critical. Every reason has a code and a remedy.",
    .options = status_options,
    .n_options = COUNT(status_options),
    .run = run_status,
};
