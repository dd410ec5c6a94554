/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/generation.h"

#include <inttypes.h>
#include <stdio.h>

void generation_done(struct generation *g)
{
    for (size_t i = 0; i < g->n_objects; i++) {
        free(g->objects[i].kind);
        free(g->objects[i].name);
        free(g->objects[i].fingerprint);
    }
    free(g->objects);
    free(g->definitions);
    *g = (struct generation){0};
}

static struct generation_object *add_object(struct generation *g, const char *kind, char *name,
                                            struct buf *fingerprint, const struct keep *keep)
{
    g->objects = xrealloc(g->objects, (g->n_objects + 1) * sizeof(*g->objects));
    struct generation_object *o = &g->objects[g->n_objects++];
    *o = (struct generation_object){
        .kind = xstrdup(kind), .name = name, .fingerprint = buf_take(fingerprint)};
    if (keep && keep->is_given)
        o->keep_s = keep->is_forever ? -1 : duration_seconds(keep->age);
    else
        o->keep_s = strcmp(kind, "tier") == 0 ? -1 : 0;
    return o;
}

static void put_keep(struct buf *b, const struct keep *k, bool is_tier)
{
    static const char *const names[] = {"", "day", "month", "year"};
    if (!k->is_given && !is_tier)
        return;
    buf_printf(b, " KEEP by %s", names[keep_partition(k)]);
    for (uint32_t i = 0; i < k->n_order_by; i++) {
        buf_text(b, i ? ", " : " ORDER BY ");
        ast_print(b, k->order_by[i]);
    }
}

/* Rows that are landed are an object of their own: KEEP may be added later. */
static void rows_object(struct generation *g, struct str name, const struct keep *keep)
{
    if (!keep->is_given)
        return;
    struct buf b = {0};
    put_keep(&b, keep, false);
    add_object(g, "rows", xasprintf("rows of %.*s", STR_FMT(name)), &b, keep);
}

static void source_object(struct generation *g, const struct source_def *d)
{
    static const char *const modes[] = {"", " DEFAULT", " MATERIALIZED", " EPHEMERAL", " ALIAS"};
    struct buf b = {0};
    for (uint32_t i = 0; i < d->n_columns; i++) {
        const struct column_def *c = &d->columns[i];
        if (c->mode == COLUMN_ALIAS)
            continue; /* computed when it is read */
        buf_text(&b, i ? ", " : "(");
        print_identifier(&b, c->name);
        buf_byte(&b, ' ');
        if (c->has_type)
            type_print(&b, c->type);
        if (c->is_ephemeral)
            buf_text(&b, " EPHEMERAL");
        buf_text(&b, c->mode == COLUMN_EPHEMERAL ? "" : modes[c->mode]);
        if (c->value) {
            buf_byte(&b, ' ');
            ast_print(&b, c->value);
        }
        if (c->has_from) {
            buf_text(&b, " FROM ");
            print_string_literal(&b, c->from);
        }
    }
    buf_printf(&b, ") FORMAT %s", format_name(d->format));
    for (uint32_t i = 0; i < d->n_settings; i++)
        buf_printf(&b, " %.*s=%.*s", STR_FMT(d->settings[i].name), STR_FMT(d->settings[i].value));
    if (d->event_time) {
        buf_text(&b, " EVENT TIME ");
        ast_print(&b, d->event_time);
    }
    if (d->is_distinct_path)
        buf_text(&b, " DISTINCT PATH");
    for (uint32_t i = 0; i < d->n_deduplicate; i++) {
        buf_text(&b, i ? ", " : " DEDUPLICATE BY ");
        ast_print(&b, d->deduplicate[i]);
    }
    if (d->n_deduplicate > 0) {
        buf_text(&b, " WITHIN ");
        duration_print(&b, d->within);
    }
    add_object(g, "source", xstrndup(d->name.p, d->name.n), &b, NULL);
    rows_object(g, d->name, &d->keep);
}

/* What is stored depends on the columns' types; all else of a lookup may change, as its files do. */
static void lookup_object(struct generation *g, const struct lookup_def *d)
{
    struct buf b = {0};
    for (uint32_t i = 0; i < d->from.n_columns; i++) {
        const struct column_def *c = &d->from.columns[i];
        buf_text(&b, i ? "; " : "");
        print_identifier(&b, c->name);
        buf_byte(&b, ' ');
        type_print(&b, c->type);
    }
    buf_text(&b, d->is_geoip ? "GEOIP" : "; KEY");
    for (uint32_t i = 0; i < d->n_keys; i++) {
        buf_text(&b, i ? ", " : " ");
        print_identifier(&b, d->keys[i]);
    }
    if (d->layout == LAYOUT_IP_TRIE)
        buf_text(&b, " LAYOUT(IP_TRIE)");
    add_object(g, "lookup", xstrndup(d->from.name.p, d->from.name.n), &b, NULL);
}

struct from {
    struct str name;
    bool is_merge;
    const struct array_join *joins;
    uint32_t n_joins;
};

static void put_list(struct buf *b, const struct select_item *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        buf_text(b, i ? ", " : "");
        ast_print(b, items[i].value);
        if (items[i].alias.n) {
            buf_text(b, " AS ");
            print_identifier(b, items[i].alias);
        }
    }
}

static void put_items(struct buf *b, const struct select_item *items, uint32_t n,
                      const struct from *f, const struct ast *where)
{
    buf_text(b, n ? "SELECT " : "");
    put_list(b, items, n);
    buf_text(b, f->is_merge ? " FROM merge " : " FROM ");
    print_identifier(b, f->name);
    for (uint32_t i = 0; i < f->n_joins; i++) {
        buf_text(b, f->joins[i].is_left ? " LEFT ARRAY JOIN " : " ARRAY JOIN ");
        put_list(b, f->joins[i].items, f->joins[i].n_items);
    }
    if (where) {
        buf_text(b, " WHERE ");
        ast_print(b, where);
    }
}

static bool has_call(const struct ast *node, const struct ast *call)
{
    if (ast_equal(node, call))
        return true;
    for (uint32_t i = 0; i < node->n_args; i++)
        if (has_call(node->args[i], call))
            return true;
    return false;
}

/* Does HAVING take an aggregate that no item has? Else it changes views alone. */
static bool having_keeps_more(const struct metric_def *m, const struct ast *node)
{
    if (node->kind == AST_CALL && !node->is_operator && aggregate_is_known(node->text)) {
        for (uint32_t i = 0; i < m->n_items; i++)
            if (has_call(m->items[i].value, node))
                return false;
        return true;
    }
    for (uint32_t i = 0; i < node->n_args; i++)
        if (having_keeps_more(m, node->args[i]))
            return true;
    return false;
}

static void metric_object(struct generation *g, const struct metric_def *m)
{
    static const char *const suffix[] = {
        [INTERVAL_SECOND] = "s",  [INTERVAL_MINUTE] = "m", [INTERVAL_HOUR] = "h",
        [INTERVAL_DAY] = "d",     [INTERVAL_WEEK] = "w",   [INTERVAL_MONTH] = "mo",
        [INTERVAL_QUARTER] = "q", [INTERVAL_YEAR] = "y"};
    struct buf b = {0};
    struct from from = {m->from, m->is_merge, m->array_joins, m->n_array_joins};
    put_items(&b, m->items, m->n_items, &from, m->where);
    for (uint32_t i = 0; i < m->n_sets; i++) {
        buf_text(&b, i ? ", (" : " BY (");
        for (uint32_t k = 0; k < m->sets[i].n_keys; k++) {
            buf_text(&b, k ? ", " : "");
            ast_print(&b, m->sets[i].keys[k]);
        }
        buf_byte(&b, ')');
    }
    if (m->has_grouping_sets)
        buf_text(&b, " SETS");
    for (uint32_t i = 0; i < m->n_settings;
         i++) /* that there is a row of the rest; not how many keys */
        buf_printf(&b, " SETTINGS %.*s", STR_FMT(m->settings[i].name));
    if (m->having && having_keeps_more(m, m->having)) {
        buf_text(&b, " HAVING ");
        ast_print(&b, m->having);
    }
    if (m->zone.n)
        buf_printf(&b, " TIME ZONE %.*s", STR_FMT(m->zone));
    if (m->n_tiers == 0)
        put_keep(&b, &m->keep, true);
    add_object(g, "metric", xstrndup(m->name.p, m->name.n), &b, m->n_tiers ? NULL : &m->keep);
    for (uint32_t i = 0; i < m->n_tiers; i++) {
        struct buf t = {0};
        buf_printf(&t, "EVERY ");
        duration_print(&t, m->tiers[i].every);
        put_keep(&t, &m->tiers[i].keep, true);
        char *name = xasprintf("%.*s_%" PRId64 "%s", STR_FMT(m->name), m->tiers[i].every.count,
                               suffix[m->tiers[i].every.unit]);
        add_object(g, "tier", name, &t, &m->tiers[i].keep);
    }
}

void generation_of_plan(struct generation *g, const struct plan *p)
{
    *g = (struct generation){0};
    struct buf text = {0};
    for (size_t i = 0; i < p->definitions->n_files; i++) {
        buf_str(&text, p->definitions->files[i].text);
        if (text.n && text.p[text.n - 1] != '\n')
            buf_byte(&text, '\n');
    }
    g->definitions = buf_take(&text);
    for (size_t i = 0; i < p->definitions->n_statements; i++) {
        const struct statement *s = &p->definitions->statements[i];
        if (s->kind == STATEMENT_SOURCE) {
            source_object(g, &s->source);
        } else if (s->kind == STATEMENT_STREAM) {
            struct buf b = {0};
            struct from from = {s->stream.from, s->stream.is_merge, s->stream.array_joins,
                                s->stream.n_array_joins};
            put_items(&b, s->stream.items, s->stream.n_items, &from, s->stream.where);
            add_object(g, "stream", xstrndup(s->stream.name.p, s->stream.name.n), &b, NULL);
            rows_object(g, s->stream.name, &s->stream.keep);
        } else if (s->kind == STATEMENT_LOOKUP) {
            lookup_object(g, &s->lookup);
        } else if (s->kind == STATEMENT_METRIC) {
            metric_object(g, &s->metric);
        }
    }
}

/* ---- text form ---- */

static void put_field(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\t' || *text == '\n' || *text == '\\') {
            buf_byte(out, '\\');
            buf_byte(out, *text == '\t' ? 't' : *text == '\n' ? 'n' : '\\');
        } else {
            buf_byte(out, (uint8_t)*text);
        }
    }
    buf_byte(out, '\t');
}

void generation_print(struct buf *out, const struct generation *g)
{
    for (size_t i = 0; i < g->n_objects; i++) {
        const struct generation_object *o = &g->objects[i];
        put_field(out, o->kind);
        put_field(out, o->name);
        buf_printf(out, "%" PRId64 "\t%" PRId64 "\t%d\t", o->keep_s, o->since, o->is_retired);
        put_field(out, o->fingerprint);
        buf_printf(out, "%" PRId64 "\n", o->hidden_before);
    }
}

static char *take_field(struct str *line)
{
    struct buf b = {0};
    size_t i = 0;
    for (; i < line->n && line->p[i] != '\t'; i++) {
        char c = line->p[i];
        if (c == '\\' && i + 1 < line->n) {
            c = line->p[++i];
            c = c == 't' ? '\t' : c == 'n' ? '\n' : c;
        }
        buf_byte(&b, (uint8_t)c);
    }
    i += i < line->n;
    line->p += i;
    line->n -= i;
    return buf_take(&b);
}

static int64_t take_number(struct str *line)
{
    AUTO_MEM char *text = take_field(line);
    return strtoll(text, NULL, 10);
}

enum err_code generation_parse(struct generation *g, struct str text, struct err *e)
{
    *g = (struct generation){0};
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        struct str line = {text.p, end ? (size_t)(end - text.p) : text.n};
        text.p += line.n + (end != NULL);
        text.n -= line.n + (end != NULL);
        g->objects = xrealloc(g->objects, (g->n_objects + 1) * sizeof(*g->objects));
        struct generation_object *o = &g->objects[g->n_objects++];
        *o = (struct generation_object){0};
        o->kind = take_field(&line);
        o->name = take_field(&line);
        o->keep_s = take_number(&line);
        o->since = take_number(&line);
        o->is_retired = take_number(&line) != 0;
        o->fingerprint = take_field(&line);
        o->hidden_before = line.n ? take_number(&line) : 0; /* not in the first stores */
        if (*o->kind == '\0' || *o->name == '\0')
            return err_set(e, ERR_INVALID, "weir_generations.objects: line %zu cannot be read",
                           g->n_objects);
    }
    return ERR_OK;
}

/* ---- comparison ---- */

static const struct generation_object *find_object(const struct generation *g, const char *name)
{
    for (size_t i = 0; i < g->n_objects; i++)
        if (strcmp(g->objects[i].name, name) == 0)
            return &g->objects[i];
    return NULL;
}

static struct str next_part(struct str *text)
{
    const char *end = text->n ? memmem(text->p, text->n, "; ", 2) : NULL;
    struct str part = {text->p, end ? (size_t)(end - text->p) : text->n};
    size_t passed = part.n + (end ? 2 : 0);
    *text = (struct str){text->p + passed, text->n - passed};
    return part;
}

/* Is there a column in both that has another type? */
static bool has_other_types(const char *old, const char *new)
{
    for (struct str a = str_of(old); a.n > 0;) {
        struct str x = next_part(&a);
        bool is_quoted = *x.p == '`';
        const char *space = is_quoted ? memmem(x.p, x.n, "` ", 2) : memchr(x.p, ' ', x.n);
        space = space && is_quoted ? space + 1 : space;
        size_t n = space && !str_starts(x, "KEY ") ? (size_t)(space - x.p) + 1 : 0;
        for (struct str b = str_of(new); n > 0 && b.n > 0;) {
            struct str y = next_part(&b);
            if (y.n >= n && memcmp(x.p, y.p, n) == 0 && !str_eq(x, y))
                return true;
        }
    }
    return false;
}

static enum change_kind compare_lookups(const struct generation_object *old,
                                        const struct generation_object *new)
{
    if (strcmp(old->fingerprint, new->fingerprint) == 0)
        return CHANGE_NONE;
    return has_other_types(old->fingerprint, new->fingerprint) ? CHANGE_REFUSED : CHANGE_LOOKUP;
}

static enum change_kind compare_objects(const struct generation_object *old,
                                        const struct generation_object *new)
{
    if (strcmp(old->kind, "lookup") == 0 && strcmp(new->kind, "lookup") == 0)
        return compare_lookups(old, new);
    if (strcmp(old->kind, new->kind) != 0 || strcmp(old->fingerprint, new->fingerprint) != 0)
        return CHANGE_REFUSED;
    if (old->is_retired)
        return CHANGE_REVIVED;
    if (old->keep_s == new->keep_s)
        return CHANGE_NONE;
    bool is_longer = new->keep_s < 0 || (old->keep_s >= 0 && new->keep_s > old->keep_s);
    return is_longer ? CHANGE_LONGER_KEEP : CHANGE_SHORTER_KEEP;
}

size_t generation_compare(struct change **ret, const struct generation *old,
                          const struct generation *new)
{
    struct change *changes = xcalloc(old->n_objects + new->n_objects + 1, sizeof(*changes));
    size_t n = 0;
    for (size_t i = 0; i < new->n_objects; i++) {
        const struct generation_object *before = find_object(old, new->objects[i].name);
        enum change_kind kind = before ? compare_objects(before, &new->objects[i]) : CHANGE_ADDED;
        if (kind != CHANGE_NONE)
            changes[n++] = (struct change){kind, before, &new->objects[i]};
    }
    for (size_t i = 0; i < old->n_objects; i++)
        if (!old->objects[i].is_retired && find_object(new, old->objects[i].name) == NULL)
            changes[n++] = (struct change){CHANGE_RETIRED, &old->objects[i], NULL};
    *ret = changes;
    return n;
}

void generation_hide(const struct generation *g, const struct plan *p)
{
    for (size_t i = 0; i < p->n_sources; i++) {
        const struct plan_source *s = &p->sources[i];
        for (size_t r = 0; r < s->n_raws; r++) {
            AUTO_MEM char *name = xasprintf("rows of %.*s", STR_FMT(s->raws[r].object));
            const struct generation_object *o = find_object(g, name);
            s->raws[r].hidden_before = o ? o->hidden_before : 0;
        }
        for (size_t c = 0; c < s->n_cubes; c++) {
            for (size_t t = 0; t < s->cubes[c].n_tiers; t++) {
                struct plan_tier *tier = &s->cubes[c].tiers[t];
                if (tier->suffix == NULL)
                    continue;
                AUTO_MEM char *name =
                    xasprintf("%.*s_%s", STR_FMT(s->cubes[c].metric->name), tier->suffix);
                const struct generation_object *o = find_object(g, name);
                tier->hidden_before = o ? o->hidden_before : 0;
            }
        }
    }
}
