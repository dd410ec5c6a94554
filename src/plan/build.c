/* SPDX-License-Identifier: Apache-2.0
 *
 * Definitions to plan: settings, names, then each source with the streams and metrics below it. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "expr/regex.h"
#include "plan/inline.h"
#include "plan/merge.h"
#include "plan/metric.h"
#include "plan/plan.h"
#include "plan/unfold.h"

struct build {
    struct plan *plan;
    struct diagnostics *d;
    const char *folder;
    /* builds every column, used or not, so that all mistakes are found */
    bool is_checking;
    /* Sources and streams in order of definition; over a merge several of one name, one a source. */
    struct relation **relations;
    size_t n_relations, cap_relations;
    struct source_build *sources;
    size_t n_sources;
    struct expr_lookups lookups; /* uses: of each source its own */
};

/* ---- settings ---- */

static void read_environment(struct plan *p, struct diagnostics *d)
{
    for (size_t i = 0; i < setting_row_count(); i++) {
        char name[80] = "WEIR_";
        size_t n = strlen(name);
        for (const char *c = setting_rows[i].name; *c && n + 1 < sizeof(name); c++)
            name[n++] = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
        name[n] = '\0';
        const char *value = getenv(name);
        struct err e;
        if (value != NULL && setting_apply(&p->settings, &p->arena, str_of(setting_rows[i].name),
                                           str_of(value), &e) != ERR_OK)
            diagnose_error(d, (struct place){0}, NULL, "environment %s: %s", name, e.text);
    }
}

/* Where the setting that the text names stands; nowhere if it came from the environment. */
static struct place place_of_setting(const struct definitions *defs, const struct err *e)
{
    for (size_t i = defs->n_statements; i-- > 0;) {
        const struct statement *s = &defs->statements[i];
        AUTO_MEM char *quoted =
            s->kind == STATEMENT_SET ? xasprintf("'%.*s'", STR_FMT(s->set.name)) : NULL;
        if (quoted != NULL && strstr(e->text, quoted) != NULL)
            return s->set.at;
    }
    return (struct place){0};
}

static void build_settings(struct build *b)
{
    struct plan *p = b->plan;
    struct err e;
    for (size_t i = 0; i < setting_row_count(); i++)
        if (setting_apply(&p->settings, &p->arena, str_of(setting_rows[i].name),
                          str_of(setting_rows[i].fallback), &e) != ERR_OK)
            /* a wrong default is a mistake of ours */
            diagnose_error(b->d, (struct place){0}, NULL, "%s", e.text);
    for (size_t i = 0; i < p->definitions->n_statements; i++) {
        const struct statement *s = &p->definitions->statements[i];
        if (s->kind == STATEMENT_SET &&
            setting_apply(&p->settings, &p->arena, s->set.name, s->set.value, &e) != ERR_OK)
            diagnose_error(b->d, s->set.at, NULL, "%s", e.text);
    }
    read_environment(p, b->d);
    if (b->d->n_errors == 0 && settings_check(&p->settings, &e) != ERR_OK)
        diagnose_error(b->d, place_of_setting(p->definitions, &e), NULL, "%s", e.text);
    if (p->settings.threads == 0)
        p->settings.threads = sysconf(_SC_NPROCESSORS_ONLN);
    if (p->settings.threads > 256)
        p->settings.threads = 256;
}

/* ---- names ---- */

static struct str statement_name(const struct statement *s, struct place *at)
{
    switch (s->kind) {
    case STATEMENT_SOURCE: *at = s->source.at; return s->source.name;
    case STATEMENT_STREAM: *at = s->stream.at; return s->stream.name;
    case STATEMENT_METRIC: *at = s->metric.at; return s->metric.name;
    case STATEMENT_FUNCTION: *at = s->function.at; return s->function.name;
    case STATEMENT_LOOKUP: *at = s->lookup.from.at; return s->lookup.from.name;
    default: return (struct str){0};
    }
}

/* A tier's view is named METRIC_1d: nothing else may have that name. */
static bool check_view_name(struct build *b, const struct plan_cube *c, const struct plan_tier *t)
{
    bool is_clash = false;
    AUTO_MEM char *view = xasprintf("%.*s_%s", STR_FMT(c->metric->name), t->suffix);
    for (size_t i = 0; i < b->plan->definitions->n_statements; i++) {
        struct place at;
        struct str name = statement_name(&b->plan->definitions->statements[i], &at);
        if (!str_is(name, view))
            continue;
        is_clash = true;
        diagnose_error(b->d, at, "give one of them another name",
                       "'%s' is the name of a tier of metric '%.*s', in line %u", view,
                       STR_FMT(c->metric->name), c->metric->at.line);
    }
    return is_clash;
}

static bool have_a_table_in_common(const struct plan_cube *a, const struct plan_cube *c)
{
    for (size_t i = 0; i < a->n_tiers; i++)
        for (size_t k = 0; k < c->n_tiers; k++)
            if (strcmp(a->tiers[i].table, c->tiers[k].table) == 0)
                return true;
    return false;
}

/* Tables of grouping sets are named weir_cube_METRIC_set1: METRIC_set1 may be a metric, too. */
static void check_tables(struct build *b, const struct plan_cube *c)
{
    for (size_t i = 0; i < b->plan->n_sources; i++)
        for (size_t k = 0; k < b->plan->sources[i].n_cubes; k++) {
            const struct plan_cube *other = &b->plan->sources[i].cubes[k];
            if (other == c)
                return;
            if (other->metric == c->metric && other->set == c->set)
                continue; /* over a merge: one table for all its sources */
            if (have_a_table_in_common(other, c))
                diagnose_error(b->d, c->metric->at, "give one of them another name",
                               "metrics '%.*s' and '%.*s' would have a table in common",
                               STR_FMT(c->metric->name), STR_FMT(other->metric->name));
        }
}

static void check_cube_names(struct build *b)
{
    bool is_clash = false;
    for (size_t i = 0; i < b->plan->n_sources; i++)
        for (size_t k = 0; k < b->plan->sources[i].n_cubes; k++) {
            const struct plan_cube *c = &b->plan->sources[i].cubes[k];
            for (size_t t = 0; t < c->n_tiers && c->set == 0; t++)
                if (c->tiers[t].suffix)
                    is_clash |= check_view_name(b, c, &c->tiers[t]);
        }
    /* Names that clash would be said once more of their tables. */
    for (size_t i = 0; i < b->plan->n_sources && !is_clash; i++)
        for (size_t k = 0; k < b->plan->sources[i].n_cubes; k++)
            check_tables(b, &b->plan->sources[i].cubes[k]);
}

static void check_column_name(struct build *b, struct str name, struct place at)
{
    for (int v = 0; v < VIRTUAL_COUNT; v++)
        if (str_is(name, virtual_names[v]))
            diagnose_error(b->d, at, NULL,
                           "column '%.*s' exists in every source and cannot be defined",
                           STR_FMT(name));
    if (str_is(name, "_set") || str_is(name, "_lane") || str_is(name, "_mark") ||
        str_is(name, "_deadline") || str_is(name, "_epoch") || str_is(name, "_block") ||
        str_is(name, "_time"))
        diagnose_error(b->d, at, NULL, "column name '%.*s' is weir's own", STR_FMT(name));
}

static struct relation *new_relation(struct build *b, struct relation like)
{
    if (b->n_relations == b->cap_relations) {
        b->cap_relations = b->cap_relations ? b->cap_relations * 2 : 64;
        struct relation **more = arena_zero(&b->plan->arena, b->cap_relations * sizeof(*more));
        if (b->n_relations)
            memcpy(more, b->relations, b->n_relations * sizeof(*more));
        b->relations = more;
    }
    struct relation *r = arena_zero(&b->plan->arena, sizeof(*r));
    *r = like;
    return b->relations[b->n_relations++] = r;
}

/* What a FROM names. */
struct parents {
    struct relation **items;
    size_t n;
    bool is_broken;
};

static void add_parent(struct parents *p, struct relation *r)
{
    p->items[p->n++] = r;
    p->is_broken |= r->is_broken;
}

static bool is_broken_name(const struct build *b, struct str name)
{
    const struct definitions *defs = b->plan->definitions;
    for (size_t i = 0; i < defs->n_broken_names; i++)
        if (str_eq(defs->broken_names[i], name))
            return true; /* what is wrong there is said there */
    return false;
}

/* Defined, but behind what reads it? */
static const struct statement *defined_later(const struct build *b, struct str name)
{
    struct place ignored;
    for (size_t i = 0; i < b->plan->definitions->n_statements; i++) {
        const struct statement *s = &b->plan->definitions->statements[i];
        if (str_eq(statement_name(s, &ignored), name))
            return s;
    }
    return NULL;
}

/* reader → … → reader, if reading on from `name` leads back. */
static bool find_circle(const struct build *b, struct str reader, struct str name, struct buf *way)
{
    buf_str(way, reader);
    for (size_t i = 0; i <= b->plan->definitions->n_statements; i++) {
        buf_printf(way, " → %.*s", STR_FMT(name));
        if (str_eq(name, reader))
            return true;
        const struct statement *s = defined_later(b, name);
        if (s == NULL || s->kind != STATEMENT_STREAM || s->stream.is_merge)
            return false;
        name = s->stream.from;
    }
    return false;
}

static void report_no_relation(struct build *b, struct str reader, struct str name, struct place at)
{
    const struct statement *later = defined_later(b, name);
    AUTO_DONE(buf) way = {0};
    if (find_circle(b, reader, name, &way)) {
        diagnose_error(b->d, at, "somewhere a source must be read",
                       "stream '%.*s' reads itself: %s", STR_FMT(reader), buf_cstr(&way));
        return;
    }
    if (later != NULL && later->kind == STATEMENT_METRIC) {
        diagnose_error(b->d, at, "read its view in a query, or the metric's own source here",
                       "'%.*s' is a metric: streams and metrics read sources and streams",
                       STR_FMT(name));
        return;
    }
    if (later != NULL && later->kind != STATEMENT_FUNCTION) {
        diagnose_error(b->d, at, "move it in front",
                       "'%.*s' is defined only in line %u, behind what reads it", STR_FMT(name),
                       later->at.line);
        return;
    }
    const char *known[256];
    size_t n = 0;
    for (size_t i = 0; i < b->n_relations && n < COUNT(known); i++)
        known[n++] = arena_text(&b->plan->arena, b->relations[i]->name);
    const char *near = nearest_name(name, known, n);
    char hint[300];
    snprintf(hint, sizeof(hint), "did you mean '%s'?", near ? near : "");
    diagnose_error(b->d, at, near ? hint : NULL, "no source or stream '%.*s' is defined above",
                   STR_FMT(name));
}

static struct source_build *records_of(struct relation *r)
{
    struct source_build *s = r->source;
    while (s != NULL && s->above != NULL)
        s = s->above;
    return s;
}

/* Rows of one source must not come in twice: both would be rows of one table in one epoch. */
static bool check_sources_differ(struct build *b, const struct parents *p, struct place at)
{
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < i; k++)
            if (records_of(p->items[i]) == records_of(p->items[k])) {
                diagnose_error(
                    b->d, at,
                    "match one of them only, as in merge('^(a|b)$'), or make it one stream",
                    "merge would read source '%.*s' twice: as '%.*s' and as '%.*s'",
                    STR_FMT(records_of(p->items[i])->def->name), STR_FMT(p->items[k]->name),
                    STR_FMT(p->items[i]->name));
                return false;
            }
    return true;
}

static bool merge_parents(struct build *b, struct parents *p, struct str pattern, struct place at)
{
    char why[200];
    struct regex *regex = regex_new(pattern, 0, why, sizeof(why));
    if (regex == NULL) {
        diagnose_error(b->d, at, NULL, "merge: '%.*s' is no regular expression: %s",
                       STR_FMT(pattern), why);
        return false;
    }
    for (size_t i = 0; i < b->n_relations; i++)
        if (regex_matches(regex, b->relations[i]->name))
            add_parent(p, b->relations[i]);
    bool has_broken = false;
    for (size_t i = 0; i < b->plan->definitions->n_broken_names; i++)
        has_broken |= regex_matches(regex, b->plan->definitions->broken_names[i]);
    regex_free(regex);
    if (p->n == 0 && !has_broken)
        diagnose_error(b->d, at, "it is looked for in the names of those defined above",
                       "merge: no source or stream has a name that matches '%.*s'",
                       STR_FMT(pattern));
    if (p->n == 0 || p->is_broken || has_broken || !check_sources_differ(b, p, at))
        return false;
    p->items = merge_relations(p->items, p->n, pattern, at);
    return true;
}

/* False: said, or to be said where they are defined. */
static bool find_parents(struct build *b, struct parents *ret, struct str reader, struct str from,
                         bool is_merge, struct place at)
{
    *ret = (struct parents){
        .items = arena_zero(&b->plan->arena, (b->n_relations + 1) * sizeof(struct relation *))};
    if (is_merge)
        return merge_parents(b, ret, from, at);
    for (size_t i = 0; i < b->n_relations; i++)
        if (str_eq(b->relations[i]->name, from))
            add_parent(ret, b->relations[i]);
    if (ret->n == 0 && !is_broken_name(b, from))
        report_no_relation(b, reader, from, at);
    return ret->n > 0 && !ret->is_broken;
}

/* ---- files ---- */

static char *absolute_glob(struct arena *a, const char *folder, struct str glob)
{
    if (glob.n && glob.p[0] == '/')
        return arena_text(a, glob);
    char cwd[PATH_MAX];
    if (folder[0] == '/')
        return arena_printf(a, "%s/%.*s", folder, STR_FMT(glob));
    if (getcwd(cwd, sizeof(cwd)) == NULL)
        cwd[0] = '\0';
    if (str_starts(glob, "./"))
        glob = (struct str){glob.p + 2, glob.n - 2};
    if (strcmp(folder, ".") == 0 || *folder == '\0')
        return arena_printf(a, "%s/%.*s", cwd, STR_FMT(glob));
    return arena_printf(a, "%s/%s/%.*s", cwd, folder, STR_FMT(glob));
}

static char **absolute_globs(struct build *b, const struct source_def *def)
{
    char **globs = arena_zero(&b->plan->arena, (def->n_files + 1) * sizeof(*globs));
    for (size_t i = 0; i < def->n_files; i++)
        globs[i] = absolute_glob(&b->plan->arena, b->folder, def->files[i]);
    return globs;
}

/* ---- lookups ---- */

/* Before all else: a stream may name a lookup that is defined below it. */
static void build_lookups(struct build *b)
{
    const struct definitions *defs = b->plan->definitions;
    struct plan *p = b->plan;
    size_t most = defs->n_statements + defs->n_broken_names + 1;
    const struct lookup_spec **specs = arena_zero(&p->arena, most * sizeof(*specs));
    struct str *broken = arena_zero(&p->arena, most * sizeof(*broken));
    p->lookups = arena_zero(&p->arena, most * sizeof(*p->lookups));
    b->lookups = (struct expr_lookups){.specs = specs, .broken = broken};
    for (size_t i = 0; i < defs->n_broken_names; i++)
        broken[b->lookups.n_broken++] = defs->broken_names[i];
    for (size_t i = 0; i < defs->n_statements; i++) {
        const struct lookup_def *def = &defs->statements[i].lookup;
        if (defs->statements[i].kind != STATEMENT_LOOKUP)
            continue;
        struct plan_lookup *l = &p->lookups[p->n_lookups];
        if (!plan_lookup_build(l, def, &p->arena, &p->settings, b->d)) {
            broken[b->lookups.n_broken++] = def->from.name;
            continue;
        }
        l->globs = absolute_globs(b, &def->from);
        specs[p->n_lookups++] = &l->spec;
    }
    b->lookups.n = p->n_lookups;
}

/* ---- sources ---- */

static void start_source(struct build *b, const struct source_def *def)
{
    struct arena *a = &b->plan->arena;
    struct plan_source *p = &b->plan->sources[b->plan->n_sources++];
    struct source_build *s = &b->sources[b->n_sources++];
    *p = (struct plan_source){.def = def, .name = def->name, .event_time = -1};
    *s = (struct source_build){
        .plan = p,
        .def = def,
        .builder = builder_new(),
        .d = b->d,
        .arena = a,
        .fields = arena_zero(a, (def->n_columns + 1) * sizeof(struct field)),
        .positions = arena_zero(a, (def->n_columns + 1) * sizeof(uint32_t)),
        .slot_of_column = arena_zero(a, (def->n_columns + 1) * sizeof(int64_t)),
        .materialized = arena_zero(a, (def->n_columns + 1) * sizeof(value_id)),
    };
    for (size_t i = 0; i < VIRTUAL_COUNT; i++)
        s->virtuals[i] = -1;
    s->lookups = b->lookups;
    s->lookups.uses = p->lookups = arena_zero(a, (b->lookups.n + 1) * sizeof(*p->lookups));
    builder_lookups(s->builder, &s->lookups);
    p->globs = absolute_globs(b, def);

    struct relation *r = new_relation(
        b, (struct relation){
               .name = def->name,
               .source = s,
               .pass = VALUE_UNKNOWN,
               .n_columns = def->n_columns,
               .columns = arena_zero(a, (def->n_columns + 1) * sizeof(struct relation_column))});
    check_source_format(b->d, "source", def);
    for (size_t i = 0; i < def->n_columns; i++) {
        const struct column_def *c = &def->columns[i];
        s->slot_of_column[i] = -1;
        check_column_name(b, c->name, c->at);
        if (c->has_from && str_is(c->from, "*") && def->format != FORMAT_JSON_EACH_ROW)
            diagnose_error(b->d, c->at, "name the columns of the file that you want",
                           "FROM '*' is there for FORMAT JSONEachRow alone");
        if (relation_find(r, c->name) != NULL)
            diagnose_error(b->d, c->at, NULL, "column '%.*s' is defined twice", STR_FMT(c->name));
        r->columns[i] = (struct relation_column){.name = c->name,
                                                 .def = c,
                                                 .at = c->at,
                                                 .is_in_star = !c->is_ephemeral &&
                                                               c->mode != COLUMN_EPHEMERAL &&
                                                               c->mode != COLUMN_ALIAS};
    }
}

static int event_time_output(struct build *b, struct relation *r)
{
    const struct source_def *def = r->source->def;
    if (def->event_time == NULL) {
        diagnose_error(b->d, def->at, "add EVENT TIME column, or EVENT TIME _arrival",
                       "source '%.*s' has no EVENT TIME", STR_FMT(def->name));
        return -1;
    }
    struct scope scope = relation_scope(r);
    value_id v = builder_expression(r->source->builder, def->event_time, &scope, b->d);
    if (v < 0)
        return -1;
    struct type t = builder_type(r->source->builder, v);
    if (t.kind != TYPE_DATETIME && t.kind != TYPE_DATETIME64 && t.kind != TYPE_DATE) {
        char name[64];
        diagnose_error(b->d, def->event_time->at, "use DateTime, DateTime64 or Date",
                       "EVENT TIME is of type %s, not a time", type_name(t, name));
        return -1;
    }
    if (t.kind == TYPE_DATE) {
        v = builder_cast(r->source->builder, v,
                         (struct type){.kind = TYPE_DATETIME, .is_nullable = t.is_nullable},
                         def->event_time->at, b->d);
        if (v < 0)
            return -1;
    }
    return source_output(r->source, v);
}

/* Bytes that an event takes in the window, as its table grows. */
enum { REMEMBERED_BYTES = 96 };

static void check_window(struct build *b, const struct source_def *def, struct plan_deduplicate *d)
{
    const struct plan_settings *s = &b->plan->settings;
    d->within_ms = duration_seconds(def->within) * 1000;
    d->remember_ms = d->within_ms + duration_seconds(def->watermark) * 1000;
    double bytes = (double)d->remember_ms / 1000 * (double)s->dedup_rate * REMEMBERED_BYTES;
    d->estimated_bytes = bytes > 1e18 ? (int64_t)1e18 : (int64_t)bytes;
    if (d->estimated_bytes > s->memory_bytes / 2)
        diagnose_error(b->d, def->within.at,
                       "a shorter WITHIN or WATERMARK, more 'memory', or SET dedup_rate = the "
                       "events a second that there are",
                       "at %lld events a second (dedup_rate) about %lld MiB would have to be "
                       "remembered, more than half of 'memory'",
                       (long long)s->dedup_rate, (long long)(d->estimated_bytes >> 20));
}

static void build_deduplicate(struct build *b, struct relation *r)
{
    const struct source_def *def = r->source->def;
    if (def->n_deduplicate == 0)
        return;
    struct plan_deduplicate *d = arena_zero(&b->plan->arena, sizeof(*d));
    d->keys = arena_zero(&b->plan->arena, def->n_deduplicate * sizeof(*d->keys));
    struct scope scope = relation_scope(r);
    for (uint32_t i = 0; i < def->n_deduplicate; i++) {
        const struct ast *key = def->deduplicate[i];
        value_id v = builder_expression(r->source->builder, key, &scope, b->d);
        if (v < 0)
            continue;
        struct type t = builder_type(r->source->builder, v);
        char name[64];
        if (t.kind == TYPE_NOTHING || t.kind == TYPE_INTERVAL || type_is_compound(t))
            diagnose_error(b->d, key->at, "take its elements, or toString of it",
                           "cannot deduplicate by a value of type %s", type_name(t, name));
        else
            d->keys[d->n_keys++] = source_output(r->source, v);
    }
    check_window(b, def, d);
    r->source->plan->deduplicate = d;
}

/* A raw table of a source's or stream's columns. */
static void add_raw(struct build *b, struct relation *r, const struct keep *keep)
{
    struct source_build *s = r->source;
    struct plan_source *p = s->plan;
    struct arena *a = &b->plan->arena;
    struct plan_raw raw = {.object = r->name, .keep = keep, .level = s->level, .pass = -1};
    raw.table = arena_printf(a, "weir_raw_%.*s", STR_FMT(r->name));
    raw.columns = arena_zero(a, (r->n_columns + 1) * sizeof(*raw.columns));
    for (size_t i = 0; i < r->n_columns; i++) {
        struct relation_column *c = &r->columns[i];
        if (!c->is_in_star)
            continue;
        value_id v = relation_column_value(r, c);
        if (v < 0)
            continue; /* reported */
        struct type t = builder_type(s->builder, v);
        if (t.kind == TYPE_NOTHING || t.kind == TYPE_INTERVAL) {
            char name[64];
            diagnose_error(b->d, c->at, NULL, "column '%.*s' of type %s cannot be stored",
                           STR_FMT(c->name), type_name(t, name));
            continue;
        }
        raw.columns[raw.n_columns++] = (struct plan_column){c->name, t, source_output(s, v)};
    }
    for (uint32_t i = 0; i < keep->n_order_by; i++) {
        const struct ast *key = keep->order_by[i];
        if (key->kind == AST_NAME &&
            (relation_find(r, key->text) == NULL || !relation_find(r, key->text)->is_in_star))
            diagnose_error(b->d, key->at, NULL, "ORDER BY '%.*s': no such stored column",
                           STR_FMT(key->text));
    }
    if (r->pass >= 0)
        raw.pass = source_output(s, r->pass);
    p->raws = xrealloc(p->raws, (p->n_raws + 1) * sizeof(*p->raws));
    p->raws[p->n_raws++] = raw;
}

static void build_source(struct build *b, const struct source_def *def)
{
    start_source(b, def);
    struct relation *r = b->relations[b->n_relations - 1];
    size_t before = b->d->n_errors;
    r->source->plan->event_time = event_time_output(b, r);
    build_deduplicate(b, r);
    struct diagnostics *d = b->d;
    bool is_good = r->source->plan->event_time >= 0;
    for (size_t i = 0; b->is_checking && i < r->n_columns; i++) {
        is_good &= relation_column_value(r, &r->columns[i]) >= 0;
        if (!is_good && d->n_errors == 0)
            diagnose_error(d, r->columns[i].at, NULL, "column '%.*s' cannot be built",
                           STR_FMT(r->columns[i].name));
    }
    if (def->keep.is_given)
        add_raw(b, r, &def->keep);
    r->is_broken = !is_good || b->d->n_errors > before;
}

/* ---- streams ---- */

static size_t star_width(const struct relation *parent)
{
    size_t n = 0;
    for (size_t i = 0; i < parent->n_columns; i++)
        n += parent->columns[i].is_in_star;
    return n;
}

static void add_stream_column(struct build *b, struct relation *r, struct relation_column c)
{
    check_column_name(b, c.name, c.at);
    if (relation_find(r, c.name) != NULL)
        diagnose_error(b->d, c.at, "give it another name by AS",
                       "column '%.*s' stands twice in stream '%.*s'", STR_FMT(c.name),
                       STR_FMT(r->name));
    r->columns[r->n_columns++] = c;
}

static void stream_columns(struct build *b, struct relation *r, const struct stream_def *def)
{
    struct arena *a = &b->plan->arena;
    size_t cap = def->n_items + 1;
    for (uint32_t i = 0; i < def->n_items; i++)
        cap += def->items[i].value->kind == AST_STAR ? star_width(r->parent) : 0;
    r->columns = arena_zero(a, cap * sizeof(*r->columns));
    for (uint32_t i = 0; i < def->n_items; i++) {
        const struct select_item *item = &def->items[i];
        if (item->value->kind != AST_STAR) {
            struct str name = item->alias.n ? item->alias : ast_default_name(a, item->value);
            add_stream_column(
                b, r,
                (struct relation_column){
                    .name = name, .item = item->value, .at = item->at, .is_in_star = true});
            continue;
        }
        for (size_t k = 0; k < r->parent->n_columns; k++) {
            struct relation_column *above = &r->parent->columns[k];
            if (above->is_in_star)
                add_stream_column(
                    b, r,
                    (struct relation_column){
                        .name = above->name, .parent = above, .at = item->at, .is_in_star = true});
        }
    }
}

/* pass of the parent AND own WHERE. */
static value_id chain_pass(struct build *b, struct relation *r, const struct ast *where)
{
    struct source_build *s = r->source;
    value_id above = r->parent->pass;
    if (where == NULL)
        return above;
    if (ast_has_aggregate(where)) {
        diagnose_error(b->d, where->at, "HAVING is asked of the merged rows",
                       "an aggregate function cannot stand in WHERE");
        return VALUE_FAILED;
    }
    struct scope scope = relation_scope(r);
    value_id v = builder_expression(s->builder, where, &scope, b->d);
    if (v >= 0)
        v = builder_condition(s->builder, v, where->at, b->d);
    if (v < 0 || above < 0)
        return v;
    return builder_and(s->builder, above, v);
}

static void add_counts(const struct relation *parent, const struct relation *r, bool is_metric,
                       value_id out)
{
    struct plan_source *p = r->source->plan;
    value_id in = parent->pass;
    p->streams = xrealloc(p->streams, (p->n_streams + 1) * sizeof(*p->streams));
    p->streams[p->n_streams++] =
        (struct plan_stream){.name = r->name,
                             .is_metric = is_metric,
                             .in_level = parent->source->level,
                             .in = in >= 0 ? source_output(parent->source, in) : -1,
                             .out_level = r->source->level,
                             .out = out >= 0 ? source_output(r->source, out) : -1};
}

/* What FROM and arrayJoin() of a SELECT make of its parent. */
struct select_from {
    const struct array_join *joins;
    uint32_t n_joins;
    const struct ast *where;
    const struct select_item *items;
    uint32_t n_items;
    struct unfolded_calls calls;
    bool is_where_done; /* it needs no elements, so it was asked first, as in ClickHouse */
};

/* WHERE over the parent with the items' aliases, before arrayJoin() makes rows. */
static value_id pass_before_calls(struct build *b, struct select_from *f, struct relation *parent)
{
    struct relation own = {
        .name = parent->name, .parent = parent, .source = parent->source, .calls = &f->calls};
    own.columns = arena_zero(&b->plan->arena, (f->n_items + 1) * sizeof(*own.columns));
    for (uint32_t i = 0; i < f->n_items; i++)
        if (f->items[i].alias.n && f->items[i].value->kind != AST_STAR &&
            !ast_has_aggregate(f->items[i].value))
            own.columns[own.n_columns++] = (struct relation_column){
                .name = f->items[i].alias, .item = f->items[i].value, .at = f->items[i].at};
    return chain_pass(b, &own, f->where);
}

/* NULL after a mistake. */
static struct relation *unfold_select(struct build *b, struct select_from *f,
                                      struct relation *parent)
{
    parent = unfold_joins(parent, f->joins, f->n_joins);
    if (parent == NULL || f->calls.n == 0)
        return parent;
    value_id pass = parent->pass;
    f->is_where_done = f->where == NULL || !unfold_has_call(f->where, f->items, f->n_items);
    if (f->is_where_done)
        pass = pass_before_calls(b, f, parent);
    return pass == VALUE_FAILED ? NULL
                                : unfold_calls(parent, pass, &f->calls, f->items, f->n_items);
}

static void build_stream_over(struct build *b, const struct stream_def *def,
                              struct relation *parent)
{
    struct relation *r = new_relation(b, (struct relation){.name = def->name,
                                                           .parent = parent,
                                                           .source = parent->source,
                                                           .pass = VALUE_UNKNOWN,
                                                           .is_broken = true});
    /* outlives this: columns are built when somebody asks for them */
    struct select_from *f = arena_zero(&b->plan->arena, sizeof(*f));
    *f = (struct select_from){.joins = def->array_joins,
                              .n_joins = def->n_array_joins,
                              .where = def->where,
                              .items = def->items,
                              .n_items = def->n_items};
    size_t before = b->d->n_errors;
    bool is_good = unfold_find(&f->calls, &b->plan->arena, def->where, b->d);
    for (uint32_t i = 0; i < def->n_items; i++) {
        is_good &= unfold_find(&f->calls, &b->plan->arena, def->items[i].value, b->d);
        if (def->items[i].value->kind != AST_STAR && ast_has_aggregate(def->items[i].value))
            diagnose_error(b->d, def->items[i].at, "CREATE METRIC aggregates",
                           "an aggregate function cannot stand in a stream");
    }
    if (b->d->n_errors > before || !is_good)
        return;
    r->parent = unfold_select(b, f, parent);
    if (r->parent == NULL)
        return;
    r->source = r->parent->source;
    r->calls = &f->calls;
    stream_columns(b, r, def);
    for (size_t i = 0; b->is_checking && i < r->n_columns; i++) {
        is_good &= relation_column_value(r, &r->columns[i]) >= 0;
        if (!is_good && b->d->n_errors == 0)
            diagnose_error(b->d, r->columns[i].at, NULL, "column '%.*s' cannot be built",
                           STR_FMT(r->columns[i].name));
    }
    r->pass = f->is_where_done ? r->parent->pass : chain_pass(b, r, def->where);
    is_good &= r->pass != VALUE_FAILED;
    if (r->pass != VALUE_FAILED) {
        add_counts(parent, r, false, r->pass);
        if (def->keep.is_given)
            add_raw(b, r, &def->keep);
    }
    r->is_broken = !is_good || b->d->n_errors > before;
}

static void build_stream(struct build *b, const struct stream_def *def)
{
    struct parents parents;
    size_t n_before = b->n_relations;
    if (find_parents(b, &parents, def->name, def->from, def->is_merge, def->from_at))
        for (size_t i = 0; i < parents.n; i++)
            build_stream_over(b, def, parents.items[i]);
    if (b->n_relations == n_before)
        new_relation(b, (struct relation){.name = def->name, .is_broken = true});
}

/* ---- metrics ---- */

/* WHERE that names an aggregate's alias. */
static const struct ast *aggregate_name(const struct ast *node, const struct metric_def *def)
{
    for (uint32_t i = 0; node->kind == AST_NAME && i < def->n_items; i++)
        if (str_eq(def->items[i].alias, node->text) && ast_has_aggregate(def->items[i].value))
            return node;
    for (uint32_t i = 0; i < node->n_args; i++) {
        const struct ast *found = aggregate_name(node->args[i], def);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static bool check_where_names(struct build *b, const struct metric_def *def,
                              struct relation *parent)
{
    const struct ast *name = def->where ? aggregate_name(def->where, def) : NULL;
    /* sum(bytes) AS bytes … WHERE bytes > 0 means the column */
    if (name == NULL || relation_find(parent, name->text) != NULL)
        return true;
    diagnose_error(b->d, name->at, "HAVING is asked of the merged rows",
                   "'%.*s' is an aggregate: WHERE is asked of events", STR_FMT(name->text));
    return false;
}

static bool find_metric_calls(struct build *b, struct select_from *f, const struct metric_def *def)
{
    struct arena *a = &b->plan->arena;
    bool is_good = unfold_find(&f->calls, a, def->where, b->d);
    is_good &= unfold_find(&f->calls, a, def->having, b->d);
    for (uint32_t i = 0; i < def->n_items; i++)
        is_good &= unfold_find(&f->calls, a, def->items[i].value, b->d);
    for (uint32_t i = 0; i < def->n_sets; i++)
        for (uint32_t k = 0; k < def->sets[i].n_keys; k++)
            is_good &= unfold_find(&f->calls, a, def->sets[i].keys[k], b->d);
    return is_good;
}

static void build_metric_over(struct build *b, const struct metric_def *def,
                              struct relation *parent)
{
    /* The metric's own items are a relation, too, so that its aliases are found. */
    struct relation own = {
        .name = def->name, .parent = parent, .source = parent->source, .pass = VALUE_UNKNOWN};
    struct select_from f = {.joins = def->array_joins,
                            .n_joins = def->n_array_joins,
                            .where = def->where,
                            .items = def->items,
                            .n_items = def->n_items};
    own.columns = arena_zero(&b->plan->arena, (def->n_items + 1) * sizeof(*own.columns));
    for (uint32_t i = 0; i < def->n_items; i++) {
        const struct select_item *item = &def->items[i];
        if (item->value->kind == AST_STAR) {
            diagnose_error(b->d, item->at, "name the columns", "* cannot stand in a metric");
            return;
        }
        if (item->alias.n && !ast_has_aggregate(item->value))
            own.columns[own.n_columns++] =
                (struct relation_column){.name = item->alias, .item = item->value, .at = item->at};
    }
    if (!check_where_names(b, def, parent) || !find_metric_calls(b, &f, def))
        return;
    own.parent = unfold_select(b, &f, parent);
    if (own.parent == NULL)
        return;
    own.source = own.parent->source;
    own.calls = &f.calls;
    value_id pass = f.is_where_done ? own.parent->pass : chain_pass(b, &own, def->where);
    if (pass == VALUE_FAILED)
        return;
    add_counts(parent, &own, true, pass);
    metric_build(&own, def, pass);
}

static void build_metric(struct build *b, const struct metric_def *def)
{
    struct parents parents;
    if (find_parents(b, &parents, def->name, def->from, def->is_merge, def->from_at))
        for (size_t i = 0; i < parents.n; i++)
            build_metric_over(b, def, parents.items[i]);
}

/* ---- the end ---- */

static void finish_source(struct source_build *s)
{
    struct plan_source *p = s->plan;
    size_t n = s->n_fields;
    p->fields = s->fields;
    p->positions = s->positions;
    p->n_fields = n;
    size_t n_slots = s->def->n_columns + VIRTUAL_COUNT;
    p->types = arena_zero(s->arena, n_slots * sizeof(*p->types));
    p->has_default = arena_zero(s->arena, n_slots * sizeof(*p->has_default));
    for (size_t i = 0; i < n_slots; i++)
        p->types[i] = (struct type){.kind = TYPE_UINT8};
    for (size_t i = 0; i < n; i++) {
        p->types[i] = s->fields[i].type;
        p->has_default[i] = s->fields[i].has_default;
    }
    for (size_t v = 0; v < VIRTUAL_COUNT; v++)
        if (s->virtuals[v] >= 0)
            p->types[s->def->n_columns + v] = virtual_type(v);
    p->n_slots = n_slots;
    for (size_t v = 0; v < VIRTUAL_COUNT; v++)
        p->uses_virtual[v] = s->virtuals[v] >= 0;
    size_t n_keys = p->deduplicate ? p->deduplicate->n_keys : 0;
    p->checked = arena_zero(s->arena, (s->n_materialized + n_keys + 1) * sizeof(int));
    for (size_t i = 0; i < n_keys; i++)
        p->checked[p->n_checked++] = p->deduplicate->keys[i];
    /* MATERIALIZED columns that nothing uses are not computed, so they cannot reject. */
    for (size_t i = 0; i < s->n_materialized; i++)
        for (size_t k = 0; k < s->n_outputs; k++)
            if (s->outputs[k] == s->materialized[i])
                p->checked[p->n_checked++] = (int)k;
    plan_panes(p, s->arena);
    unfold_finish(s);
    p->program = builder_finish(s->builder, s->outputs, s->n_outputs);
}

static bool has_raw(const struct plan_source *p, const struct plan_raw *raw)
{
    for (size_t i = 0; i < p->n_raws; i++)
        if (strcmp(p->raws[i].table, raw->table) == 0)
            return true;
    return false;
}

static bool has_metric(const struct plan_source *p, const struct metric_def *metric)
{
    for (size_t i = 0; i < p->n_cubes; i++)
        if (p->cubes[i].metric == metric)
            return true;
    return false;
}

/* What stands over a merge is in each of its sources: tables and views are the first one's. */
static void mark_shared(struct plan *p)
{
    for (size_t i = 0; i < p->n_sources; i++) {
        struct plan_source *s = &p->sources[i];
        for (size_t r = 0; r < s->n_raws; r++)
            for (size_t k = 0; k < i; k++)
                s->raws[r].is_shared |= has_raw(&p->sources[k], &s->raws[r]);
        for (size_t c = 0; c < s->n_cubes; c++)
            for (size_t k = 0; k < i; k++)
                s->cubes[c].is_shared |= has_metric(&p->sources[k], s->cubes[c].metric);
    }
}

/* What any source reads of a lookup, its tables must have. */
static void finish_lookups(struct plan *p)
{
    for (size_t i = 0; i < p->n_lookups; i++) {
        struct plan_lookup *l = &p->lookups[i];
        for (size_t k = 0; k < p->n_sources; k++) {
            const struct lookup_use *use = &p->sources[k].lookups[i];
            l->is_read |= use->is_read;
            for (int f = 0; f < GEO_N_FIELDS; f++)
                l->spec.fields[f] |= use->fields[f];
        }
    }
}

static void warn_unused(struct build *b)
{
    for (size_t i = 0; i < b->n_sources; i++) {
        const struct plan_source *p = b->sources[i].plan;
        if (p->n_raws == 0 && p->n_cubes == 0)
            diagnose_warning(b->d, p->def->at, "add KEEP, or a CREATE METRIC over it",
                             "nothing of source '%.*s' is stored", STR_FMT(p->name));
    }
}

static enum err_code build(struct plan **ret, const struct definitions *defs, const char *folder,
                           bool is_checking, struct diagnostics *d)
{
    AUTO(plan) p = xcalloc(1, sizeof(*p));
    struct build b = {.plan = p, .d = d, .folder = folder, .is_checking = is_checking};
    p->definitions = defs;
    build_settings(&b);
    build_lookups(&b);
    p->sources = arena_zero(&p->arena, (defs->n_statements + 1) * sizeof(*p->sources));
    b.sources = arena_zero(&p->arena, (defs->n_statements + 1) * sizeof(*b.sources));
    for (size_t i = 0; i < defs->n_statements; i++) {
        const struct statement *s = &defs->statements[i];
        if (s->kind == STATEMENT_SOURCE)
            build_source(&b, &s->source);
        else if (s->kind == STATEMENT_STREAM)
            build_stream(&b, &s->stream);
        else if (s->kind == STATEMENT_METRIC)
            build_metric(&b, &s->metric);
    }
    if (d->n_errors == 0)
        check_cube_names(&b);
    bool is_good = d->n_errors == 0;
    if (is_good) {
        mark_shared(p);
        warn_unused(&b);
        for (size_t i = 0; i < b.n_sources; i++)
            finish_source(&b.sources[i]);
        finish_lookups(p);
    }
    for (size_t i = 0; i < b.n_sources; i++) {
        builder_free(b.sources[i].builder);
        free(b.sources[i].outputs);
        unfold_free(&b.sources[i]);
    }
    if (!is_good)
        return ERR_INVALID;
    *ret = MOVE(p);
    return ERR_OK;
}

/* Twice: first with every column, for the mistakes; then with those alone that something needs,
 * so that nothing else is decoded. */
enum err_code plan_build(struct plan **ret, struct definitions *defs, const char *folder,
                         struct diagnostics *d)
{
    AUTO(plan) checked = NULL;
    AUTO_DONE(diagnostics) known = {0};
    definitions_inline(defs, d);
    TRY(build(&checked, defs, folder, true, d));
    return build(ret, defs, folder, false, &known);
}

void plan_free(struct plan *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->n_sources; i++) {
        program_free(p->sources[i].program);
        for (size_t k = 0; k < p->sources[i].n_unfolds; k++)
            program_free(p->sources[i].unfolds[k].program);
        free(p->sources[i].raws);
        free(p->sources[i].cubes);
        free(p->sources[i].streams);
    }
    arena_done(&p->arena);
    free(p);
}
