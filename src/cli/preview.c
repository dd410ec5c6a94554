/* SPDX-License-Identifier: Apache-2.0
 *
 * `weir preview NAME`: the first rows of a source, stream or metric from the real input. The real
 * line runs over the first megabytes into a store of its own in a temporary folder, which is
 * removed: what is shown is what would be stored. */
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "engine/run.h"

enum { PREVIEW_BYTES = 4 << 20 };

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* The object must be stored to be read: gives it KEEP FOREVER; returns its statement, NULL if
 * there is none. */
static struct statement *keep_object(struct definitions *d, const char *name)
{
    for (size_t i = 0; i < d->n_statements; i++) {
        struct statement *s = &d->statements[i];
        if (s->kind == STATEMENT_SOURCE && str_is(s->source.name, name)) {
            s->source.keep.is_given = s->source.keep.is_forever = true;
            return s;
        }
        if (s->kind == STATEMENT_STREAM && str_is(s->stream.name, name)) {
            s->stream.keep.is_given = s->stream.keep.is_forever = true;
            return s;
        }
        if (s->kind == STATEMENT_METRIC && str_is(s->metric.name, name)) {
            for (uint32_t t = 0; t < s->metric.n_tiers; t++)
                s->metric.tiers[t].keep.is_forever = true;
            return s;
        }
    }
    return NULL;
}

/* The source that an object comes from. */
static struct str source_of(const struct definitions *d, struct str name)
{
    for (int depth = 0; depth < 1000; depth++) {
        struct str from = {0};
        for (size_t i = 0; i < d->n_statements; i++) {
            const struct statement *s = &d->statements[i];
            if (s->kind == STATEMENT_SOURCE && str_eq(s->source.name, name))
                return name;
            if (s->kind == STATEMENT_STREAM && str_eq(s->stream.name, name))
                from = s->stream.from;
            if (s->kind == STATEMENT_METRIC && str_eq(s->metric.name, name))
                from = s->metric.from;
        }
        name = from;
    }
    return name;
}

static bool to_stdout(void *context, const char *data, size_t n)
{
    (void)context;
    return fwrite(data, 1, n, stdout) == n;
}

static enum err_code show(struct session *s, const struct statement *object, const char *name,
                          const char *limit, struct err *e)
{
    AUTO_DONE(buf) view = {0};
    buf_text(&view, name);
    if (object->kind == STATEMENT_METRIC && object->metric.n_tiers > 0)
        for (size_t i = 0; i < s->plan->n_sources; i++)
            for (size_t c = 0; c < s->plan->sources[i].n_cubes; c++)
                if (view.n == strlen(name) &&
                    s->plan->sources[i].cubes[c].metric == &object->metric)
                    buf_printf(&view, "_%s", s->plan->sources[i].cubes[c].tiers[0].suffix);
    AUTO_DONE(buf) sql = {0};
    if (object->kind == STATEMENT_METRIC) {
        buf_text(&sql, "SELECT * FROM ");
        print_identifier(&sql, buf_view(&view));
        buf_text(&sql, " ORDER BY ALL");
    } else { /* as they stand in the input: the view does not have the positions */
        AUTO_DONE(buf) table = {0};
        buf_printf(&table, "weir_raw_%s", name);
        buf_text(&sql,
                 "SELECT * EXCEPT (_time, _partition, _offset, _arrival, _source, _epoch, _block, "
                 "_deadline) FROM ");
        print_identifier(&sql, buf_view(&table));
        buf_text(&sql, " ORDER BY _partition, _offset");
    }
    buf_printf(&sql, " LIMIT %lu", strtoul(limit, NULL, 10));
    struct store_call call = {.sql = buf_cstr(&sql),
                              .database = s->plan->settings.database,
                              .format = isatty(STDOUT_FILENO) ? "PrettyCompact" : "TSVWithNames",
                              .write = to_stdout};
    return store_call(s->store, &call, e);
}

static int preview_in(const struct arguments *a, const char *folder)
{
    const char *name = a->words[0];
    struct session s;
    int code = session_open(&s, a);
    if (code != EXIT_OK)
        return code;
    struct statement *object = keep_object(&s.definitions, name);
    if (object == NULL) {
        complain("there is no source, stream or metric '%s' in the definitions", name);
        session_close(&s);
        return EXIT_USAGE;
    }
    /* Built again: now the object is stored, in the temporary place. */
    plan_free(s.plan);
    s.plan = NULL;
    AUTO_DONE(diagnostics) d = {0};
    struct err e;
    if (plan_build(&s.plan, &s.definitions, s.folder, &d) != ERR_OK) {
        session_close(&s);
        return EXIT_FAILED;
    }
    store_free(s.store);
    store_place_done(&s.place);
    AUTO_MEM char *url = xasprintf("embedded:%s/store", folder);
    if (store_place_parse(&s.place, url, ".", &e) != ERR_OK) {
        complain("%s", e.text);
        return EXIT_FAILED;
    }
    s.store = store_new(&s.place);
    s.plan->settings.allow_errors_ratio = 1;
    struct str source = source_of(&s.definitions, str_of(name));
    AUTO_MEM char *source_name = xstrndup(source.p ? source.p : "", source.n);
    struct run_options options = {.is_once = true,
                                  .enough_bytes = PREVIEW_BYTES,
                                  .only_source = source_name,
                                  .folder = s.folder};
    AUTO_DONE(buf) said = {0};
    const char *limit = argument(a, "limit");
    enum err_code result = run_definitions(s.plan, &s.place, &options, &said, &e);
    if (result == ERR_OK)
        result = show(&s, object, name, limit ? limit : "20", &e);
    fflush(stdout);
    if (result != ERR_OK)
        complain("%s", e.text);
    session_close(&s);
    return result == ERR_OK ? EXIT_OK : exit_code_of(&e);
}

static int run_preview(const struct arguments *a)
{
    if (a->n_words != 1) {
        complain("preview wants the name of a source, stream or metric");
        return EXIT_USAGE;
    }
    const char *tmp = getenv("TMPDIR");
    AUTO_MEM char *folder = xasprintf("%s/weir-preview-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL) {
        complain("cannot make a temporary folder %s", folder);
        return EXIT_FAILED;
    }
    setenv("WEIR_STORE_LINGER", "1", 0); /* its store ends soon after us */
    int code = preview_in(a, folder);
    /* The store ends once we are gone; what it holds open it may still write, so give it its
     * moment. */
    AUTO_MEM char *socket = xasprintf("%s/store/store.sock", folder);
    for (int i = 0; i < 200 && access(socket, F_OK) == 0; i++)
        clock_sleep_ms(20);
    nftw(folder, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
    return code;
}

static const struct option_row preview_options[] = {
    {"limit", 0, OPTION_TEXT, "N", "How many rows (20)."}};

const struct command command_preview = {
    .name = "preview",
    .words = "NAME [--limit N]",
    .summary = "Shows the first rows of a source, stream or metric from the real input; nothing is "
               "stored.",
    .options = preview_options,
    .n_options = COUNT(preview_options),
    .run = run_preview,
};
