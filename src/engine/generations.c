/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/generations.h"

#include <inttypes.h>
#include <stdio.h>

static enum err_code read_generation(struct generation *g, struct store *s, const char *sql,
                                     struct err *e)
{
    *g = (struct generation){0};
    struct native_result r = {0};
    TRY(store_native(s, sql, &r, e));
    enum err_code code = ERR_OK;
    if (r.n_rows > 0) {
        struct str definitions = ((struct str *)r.columns[1].column.values)[0];
        struct str objects = ((struct str *)r.columns[2].column.values)[0];
        code = generation_parse(g, objects, e);
        g->number = (uint32_t)((uint64_t *)r.columns[0].column.values)[0];
        g->definitions = xstrndup(definitions.p, definitions.n);
    }
    native_result_done(&r);
    return code;
}

enum err_code generation_newest(struct generation *g, struct store *s, const char *database,
                                struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql,
               "SELECT toUInt64(generation), definitions, objects FROM %s.weir_generations ORDER "
               "BY generation DESC LIMIT 1",
               database);
    return read_generation(g, s, buf_cstr(&sql), e);
}

enum err_code generation_read(struct generation *g, struct store *s, const char *database,
                              uint32_t number, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql,
               "SELECT toUInt64(generation), definitions, objects FROM %s.weir_generations WHERE "
               "generation = %u LIMIT 1",
               database, number);
    TRY(read_generation(g, s, buf_cstr(&sql), e));
    if (g->number != number)
        return err_set(e, ERR_NOT_FOUND, "the store has no generation %u", number);
    return ERR_OK;
}

enum err_code generation_write(struct store *s, const char *database, const struct generation *g,
                               const char *note, struct err *e)
{
    AUTO_DONE(buf) objects = {0};
    AUTO_DONE(buf) sql = {0};
    generation_print(&objects, g);
    buf_printf(&sql,
               "INSERT INTO %s.weir_generations SETTINGS insert_deduplication_token = "
               "'generation#%u' SELECT %u, now(), '" WEIR_VERSION "', ",
               database, g->number, g->number);
    print_string_literal(&sql, str_of(g->definitions));
    buf_text(&sql, ", ");
    print_string_literal(&sql, buf_view(&objects));
    buf_text(&sql, ", ");
    print_string_literal(&sql, str_of(note));
    buf_printf(&sql, " WHERE (SELECT count() FROM %s.weir_generations WHERE generation = %u) = 0",
               database, g->number);
    return store_exec(s, buf_cstr(&sql), e);
}

static void say_refused(struct buf *said, const struct change *c)
{
    buf_printf(said, "%s %s\n  stored:  %s\n  now:     %s\n", c->new->kind, c->new->name,
               c->old->fingerprint, c->new->fingerprint);
}

static void say_duration(struct buf *said, int64_t s)
{
    if (s < 0)
        buf_text(said, "for ever");
    else
        buf_printf(said, "%" PRId64 " days", s / 86400);
}

static enum err_code judge_changes(const struct change *changes, size_t n,
                                   const struct adoption *how, struct buf *said, struct err *e)
{
    bool is_refused = false, is_loss = false;
    for (size_t i = 0; i < n; i++) {
        const struct change *c = &changes[i];
        switch (c->kind) {
        case CHANGE_LOOKUP:
            buf_printf(said, "changed lookup %s: as it is now from now on\n", c->new->name);
            break;
        case CHANGE_ADDED:
            buf_printf(said, "added %s %s: its history begins now\n", c->new->kind, c->new->name);
            break;
        case CHANGE_RETIRED:
            if (strcmp(c->old->kind, "lookup") == 0) {
                buf_printf(said, "lookup %s is gone: no longer read\n", c->old->name);
                break;
            }
            buf_printf(said, "retired %s %s: kept, no longer fed; `weir drop` removes it\n",
                       c->old->kind, c->old->name);
            break;
        case CHANGE_LONGER_KEEP:
        case CHANGE_SHORTER_KEEP:
            buf_printf(said, "%s %s: KEEP ", c->new->kind, c->new->name);
            say_duration(said, c->old->keep_s);
            buf_text(said, " -> ");
            say_duration(said, c->new->keep_s);
            buf_byte(said, '\n');
            is_loss |= c->kind == CHANGE_SHORTER_KEEP;
            break;
        case CHANGE_REVIVED:
            buf_printf(said, "%s %s is retired; its name comes back only after `weir drop`\n",
                       c->new->kind, c->new->name);
            is_refused = true;
            break;
        case CHANGE_REFUSED:
            say_refused(said, c);
            is_refused = true;
            break;
        case CHANGE_NONE: break;
        }
    }
    if (is_refused)
        return err_set(e, ERR_REFUSED,
                       "the definitions do not fit what is stored. Ways out: undo the change; give "
                       "the changed object a new name; "
                       "or `weir run --rebuild`, which loads all input again into a second store "
                       "and exchanges them when it is complete");
    if (is_loss && !how->accept_loss)
        return err_set(e, ERR_REFUSED,
                       "a shorter KEEP deletes what is stored; say --accept-loss if that is meant");
    return ERR_OK;
}

/* Retired objects stay in the list until they are dropped; `since` of what was there stays. */
static void carry_over(struct generation *new, const struct generation *old, int64_t now)
{
    for (size_t i = 0; i < new->n_objects; i++) {
        struct generation_object *o = &new->objects[i];
        o->since = now;
        for (size_t k = 0; k < old->n_objects; k++) {
            const struct generation_object *before = &old->objects[k];
            if (strcmp(before->name, o->name) != 0)
                continue;
            o->since = before->since;
            o->hidden_before = before->hidden_before;
            bool is_longer = before->keep_s > 0 && (o->keep_s < 0 || o->keep_s > before->keep_s);
            if (is_longer && now - before->keep_s > o->hidden_before)
                o->hidden_before = now - before->keep_s;
        }
    }
    size_t n_new = new->n_objects;
    for (size_t k = 0; k < old->n_objects; k++) {
        bool is_there = false;
        for (size_t i = 0; i < n_new; i++)
            is_there |= strcmp(old->objects[k].name, new->objects[i].name) == 0;
        if (is_there || strcmp(old->objects[k].kind, "lookup") == 0)
            continue; /* a lookup stores nothing */
        new->objects = xrealloc(new->objects, (new->n_objects + 1) * sizeof(*new->objects));
        const struct generation_object *o = &old->objects[k];
        new->objects[new->n_objects++] =
            (struct generation_object){.kind = xstrdup(o->kind),
                                       .name = xstrdup(o->name),
                                       .fingerprint = xstrdup(o->fingerprint),
                                       .keep_s = o->keep_s,
                                       .since = o->since,
                                       .hidden_before = o->hidden_before,
                                       .is_retired = true};
    }
}

static enum err_code store_now(struct store *s, int64_t *now, struct err *e)
{
    AUTO_DONE(buf) answer = {0};
    TRY(store_text(s, "SELECT toUnixTimestamp(now())", &answer, e));
    *now = strtoll(buf_cstr(&answer), NULL, 10);
    return ERR_OK;
}

/* Tables whose KEEP changed get the new TTL; views are made anew with every start. */
static enum err_code change_ttls(struct store *s, const struct plan *plan,
                                 const struct change *changes, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (changes[i].kind != CHANGE_LONGER_KEEP && changes[i].kind != CHANGE_SHORTER_KEEP)
            continue;
        const struct generation_object *o = changes[i].new;
        for (size_t k = 0; k < plan->n_sources; k++) {
            const struct plan_source *p = &plan->sources[k];
            for (size_t c = 0; c < p->n_cubes; c++) {
                for (size_t t = 0; t < p->cubes[c].n_tiers; t++) {
                    AUTO_MEM char *name =
                        xasprintf("%.*s_%s", STR_FMT(p->cubes[c].metric->name),
                                  p->cubes[c].tiers[t].suffix ? p->cubes[c].tiers[t].suffix : "");
                    if (strcmp(o->kind, "tier") != 0 || strcmp(o->name, name) != 0)
                        continue;
                    AUTO_MEM char *sql =
                        o->keep_s < 0
                            ? xasprintf("ALTER TABLE %s.%s REMOVE TTL", plan->settings.database,
                                        p->cubes[c].tiers[t].table)
                            : xasprintf("ALTER TABLE %s.%s MODIFY TTL toDateTime(bucket) + "
                                        "toIntervalSecond(%" PRId64 ")",
                                        plan->settings.database, p->cubes[c].tiers[t].table,
                                        o->keep_s);
                    TRY(store_exec(s, sql, e));
                }
            }
            for (size_t r = 0; r < p->n_raws; r++) {
                AUTO_MEM char *name = xasprintf("rows of %.*s", STR_FMT(p->raws[r].object));
                if (strcmp(o->kind, "rows") != 0 || strcmp(o->name, name) != 0)
                    continue;
                AUTO_MEM char *sql =
                    o->keep_s < 0
                        ? xasprintf("ALTER TABLE %s.%s REMOVE TTL", plan->settings.database,
                                    p->raws[r].table)
                        : xasprintf("ALTER TABLE %s.%s MODIFY TTL _time + toIntervalSecond(%" PRId64
                                    ")",
                                    plan->settings.database, p->raws[r].table, o->keep_s);
                TRY(store_exec(s, sql, e));
            }
        }
    }
    return ERR_OK;
}

static enum err_code adopt(struct generation *old, struct generation *new, uint32_t *number,
                           struct store *s, const struct plan *plan, const struct adoption *how,
                           struct buf *said, struct err *e)
{
    const char *db = plan->settings.database;
    TRY(generation_newest(old, s, db, e));
    generation_of_plan(new, plan);
    if (old->number == 0) {
        new->number = *number = 1;
        return generation_write(s, db, new, "first", e);
    }
    struct change *changes;
    size_t n = generation_compare(&changes, old, new);
    enum err_code code = judge_changes(changes, n, how, said, e);
    if (code == ERR_OK)
        code = change_ttls(s, plan, changes, n, e);
    free(changes);
    TRY(code);
    *number = old->number;
    if (n == 0 && strcmp(old->definitions, new->definitions) == 0)
        return ERR_OK;
    int64_t now;
    TRY(store_now(s, &now, e));
    carry_over(new, old, now);
    new->number = *number = old->number + 1;
    return generation_write(s, db, new, buf_cstr(said), e);
}

enum err_code generation_adopt(uint32_t *number, struct store *s, const struct plan *plan,
                               const struct adoption *how, struct buf *said, struct err *e)
{
    struct generation old = {0}, new = {0};
    enum err_code code = adopt(&old, &new, number, s, plan, how, said, e);
    if (code == ERR_OK)
        generation_hide(old.number == *number ? &old : &new, plan);
    generation_done(&old);
    generation_done(&new);
    return code;
}
