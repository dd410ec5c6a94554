/* SPDX-License-Identifier: Apache-2.0
 *
 * `weir drop NAME --yes`: the tables of a retired object go, once no open epoch could still need
 * them. */
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "engine/generations.h"

static bool is_object_of(const struct generation_object *o, const char *name)
{
    size_t n = strlen(name);
    if (strcmp(o->name, name) == 0)
        return true;
    /* Tiers of a metric and the rows of a source belong to it. */
    if (strcmp(o->kind, "tier") == 0)
        return strncmp(o->name, name, n) == 0 && o->name[n] == '_' &&
               strchr(o->name + n + 1, '_') == NULL;
    return strcmp(o->kind, "rows") == 0 && strncmp(o->name, "rows of ", 8) == 0 &&
           strcmp(o->name + 8, name) == 0;
}

/* Epochs with an intent and no ledger entry. */
static enum err_code count_open(struct session *s, uint64_t *n, struct err *e)
{
    AUTO_DONE(buf) answer = {0};
    AUTO_MEM char *sql = xasprintf("SELECT count() FROM %s.weir_epochs WHERE kind != 'checkpoint' "
                                   "AND (source, n) NOT IN (SELECT source, n FROM %s.weir_ledger)",
                                   s->plan->settings.database, s->plan->settings.database);
    TRY(store_text(s->store, sql, &answer, e));
    *n = strtoull(buf_cstr(&answer), NULL, 10);
    return ERR_OK;
}

/* Adds a regular expression for the object's own tables and views, not for those of objects with
 * longer names. */
static void put_tables(struct buf *b, const struct generation_object *o)
{
    if (strcmp(o->kind, "source") == 0 || strcmp(o->kind, "stream") == 0)
        return; /* they have none but those of their rows */
    if (b->n > 0)
        buf_byte(b, '|');
    if (strcmp(o->kind, "rows") == 0) {
        buf_printf(b, "(weir_raw_)?\\Q%s\\E", o->name + strlen("rows of "));
        return;
    }
    buf_printf(b, "\\Q%s\\E", o->name);
    const char *suffix = strcmp(o->kind, "tier") == 0 ? strrchr(o->name, '_') : NULL;
    if (suffix != NULL)
        buf_printf(b, "|weir_cube_\\Q%.*s\\E(_set[0-9]+)?\\Q%s\\E", (int)(suffix - o->name),
                   o->name, suffix);
    else if (strcmp(o->kind, "metric") == 0)
        buf_printf(b, "|weir_cube_\\Q%s\\E(_set[0-9]+)?", o->name);
}

static void put_match(struct buf *sql, struct buf *tables)
{
    AUTO_MEM char *whole = xasprintf("^(%s)$", buf_cstr(tables));
    buf_text(sql, "match(name, ");
    print_string_literal(sql, str_of(whole));
    buf_byte(sql, ')');
}

static enum err_code drop_tables(struct session *s, const struct generation *g, const char *name,
                                 struct err *e)
{
    const char *db = s->plan->settings.database;
    AUTO_DONE(buf) sql = {0};
    AUTO_DONE(buf) answer = {0};
    AUTO_DONE(buf) dropped = {0};
    AUTO_DONE(buf) live = {0};
    for (size_t i = 0; i < g->n_objects; i++) {
        if (!g->objects[i].is_retired)
            put_tables(&live, &g->objects[i]);
        else if (is_object_of(&g->objects[i], name))
            put_tables(&dropped, &g->objects[i]);
    }
    buf_printf(&sql, "SELECT name FROM system.tables WHERE database = '%s' AND ", db);
    put_match(&sql, &dropped);
    if (live.n > 0) {
        buf_text(&sql, " AND NOT ");
        put_match(&sql, &live);
    }
    TRY(store_text(s->store, buf_cstr(&sql), &answer, e));
    char *save = NULL;
    for (char *line = strtok_r((char *)buf_cstr(&answer), "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        AUTO_DONE(buf) drop = {0};
        buf_printf(&drop, "DROP TABLE IF EXISTS %s.", db);
        print_identifier(&drop, str_of(line));
        buf_text(&drop, " SYNC");
        TRY(store_exec(s->store, buf_cstr(&drop), e));
        printf("dropped %s\n", line);
    }
    return ERR_OK;
}

/* The generation without the dropped objects, written if asked for; *n_dropped says how many
 * they were. */
static enum err_code forget_objects(struct session *s, const char *name, bool is_written,
                                    size_t *n_dropped, struct err *e)
{
    struct generation g;
    TRY(generation_newest(&g, s->store, s->plan->settings.database, e));
    size_t kept = 0;
    for (size_t i = 0; i < g.n_objects; i++) {
        if (g.objects[i].is_retired && is_object_of(&g.objects[i], name)) {
            free(g.objects[i].kind);
            free(g.objects[i].name);
            free(g.objects[i].fingerprint);
            continue;
        }
        g.objects[kept++] = g.objects[i];
    }
    *n_dropped = g.n_objects - kept;
    g.n_objects = kept;
    enum err_code code = ERR_OK;
    if (*n_dropped > 0 && is_written) {
        g.number++;
        code = generation_write(s->store, s->plan->settings.database, &g, "dropped", e);
    }
    generation_done(&g);
    return code;
}

static enum err_code drop(struct session *s, const char *name, struct err *e)
{
    uint64_t n_open;
    TRY(store_ensure(s->store, false, e));
    TRY(count_open(s, &n_open, e));
    if (n_open > 0)
        return err_set(e, ERR_REFUSED,
                       "%" PRIu64
                       " epochs are not done yet; start `weir run` so that they end, then drop",
                       n_open);
    size_t n_dropped;
    TRY(forget_objects(s, name, false, &n_dropped, e));
    if (n_dropped == 0)
        return err_set(e, ERR_NOT_FOUND,
                       "'%s' is not a retired object (see `weir status`); remove it from the "
                       "definitions and run first",
                       name);
    /* Tables first: while one is there the name must not come back. */
    struct generation g;
    TRY(generation_newest(&g, s->store, s->plan->settings.database, e));
    enum err_code code = drop_tables(s, &g, name, e);
    generation_done(&g);
    TRY(code);
    return forget_objects(s, name, true, &n_dropped, e);
}

static int run_drop(const struct arguments *a)
{
    if (a->n_words != 1 || !has_flag(a, "yes")) {
        complain("drop wants the NAME of a retired object and --yes: its tables and all in them "
                 "are removed");
        return EXIT_USAGE;
    }
    struct session s;
    int code = session_open_store(&s, a);
    if (code != EXIT_OK)
        return code;
    struct err e;
    enum err_code result = drop(&s, a->words[0], &e);
    if (result != ERR_OK)
        complain("%s", e.text);
    session_close(&s);
    return result == ERR_OK ? EXIT_OK : exit_code_of(&e);
}

static const struct option_row drop_options[] = {
    {"yes", 0, OPTION_FLAG, NULL, "Yes, remove it for good."}};

const struct command command_drop = {
    .name = "drop",
    .words = "NAME --yes",
    .summary = "Removes the tables of a retired object.",
    .options = drop_options,
    .n_options = COUNT(drop_options),
    .run = run_drop,
};
