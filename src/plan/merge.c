/* SPDX-License-Identifier: Apache-2.0
 *
 * A merge's column has one type in all its sources: the supertype, as in ClickHouse, or none. Where a
 * source does not have it, it has the type's default value. No value is a constant to what is built
 * over it, so that types come out equal whatever the source knows beforehand. */
#include "plan/merge.h"

enum { MAX_SHOWN = 6 };

/* One column of all relations of a merge. */
struct merged_column {
    struct str name;
    struct place at; /* of the FROM */
    struct relation **parents;
    struct relation_column **columns; /* by parent; NULL: it has none such */
    size_t n;
    bool is_typed, is_broken;
    struct type type;
};

/* ---- types ---- */

static void report_types(struct merged_column *m, const struct type *types)
{
    AUTO_DONE(buf) text = {0};
    const struct type *first = NULL;
    size_t n_shown = 0;
    char name[64];
    for (size_t i = 0; i < m->n; i++) {
        if (m->columns[i] == NULL || (first != NULL && type_eq(*first, types[i])))
            continue;
        first = &types[i];
        if (n_shown++ < MAX_SHOWN)
            buf_printf(&text, "%s%s in '%.*s'", text.n ? ", " : "", type_name(types[i], name),
                       STR_FMT(m->parents[i]->name));
    }
    AUTO_MEM char *hint = xasprintf("read one of them by a stream that converts: SELECT * …, or "
                                    "toString(%.*s) AS %.*s",
                                    STR_FMT(m->name), STR_FMT(m->name));
    diagnose_error(m->parents[0]->source->d, m->at, hint,
                   "column '%.*s' of merge has types that no one type holds: %s", STR_FMT(m->name),
                   buf_cstr(&text));
}

static bool find_type(struct merged_column *m)
{
    struct type *types = arena_zero(m->parents[0]->source->arena, m->n * sizeof(*types));
    struct type *there = arena_zero(m->parents[0]->source->arena, m->n * sizeof(*types));
    size_t n = 0;
    if (m->is_typed || m->is_broken)
        return m->is_typed;
    m->is_broken = true;
    for (size_t i = 0; i < m->n; i++) {
        if (m->columns[i] == NULL)
            continue;
        value_id v = relation_column_value(m->parents[i], m->columns[i]);
        if (v < 0)
            return false;
        types[i] = there[n++] = builder_type(m->parents[i]->source->builder, v);
    }
    bool are_equal = true;
    for (size_t i = 1; i < n; i++)
        are_equal &= type_eq(there[0], there[i]);
    m->type = there[0];
    if (!are_equal && !builder_supertype(&m->type, there, n)) {
        report_types(m, types);
        return false;
    }
    m->is_broken = false;
    m->is_typed = true;
    return true;
}

value_id merge_column_value(struct relation *r, struct relation_column *c)
{
    struct merged_column *m = c->merged;
    struct builder *b = r->source->builder;
    if (m == NULL) /* _table */
        return builder_opaque(
            b, builder_cast(b, builder_text(b, r->parent->name),
                            (struct type){.kind = TYPE_STRING, .is_low_cardinality = true}, c->at,
                            r->source->d));
    if (!find_type(m))
        return VALUE_FAILED;
    if (c->parent == NULL)
        return builder_opaque(b, builder_default_of(b, m->type));
    value_id v = relation_column_value(r->parent, c->parent);
    if (v >= 0 && !type_eq(builder_type(b, v), m->type))
        v = builder_cast(b, v, m->type, m->at, r->source->d);
    return v < 0 ? v : builder_opaque(b, v);
}

/* ---- relations ---- */

static struct merged_column *find_merged(struct merged_column *all, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(all[i].name, name))
            return &all[i];
    return NULL;
}

static bool is_merged(const struct relation_column *c)
{
    bool is_read_only =
        c->def != NULL && (c->def->is_ephemeral || c->def->mode == COLUMN_EPHEMERAL);
    return !is_read_only && c->name.n > 0 && c->name.p[0] != '\x01';
}

/* All columns by name, in the order in which they are met. */
static struct merged_column *collect(struct relation **parents, size_t n, struct place at,
                                     size_t *n_all)
{
    struct arena *a = parents[0]->source->arena;
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most += parents[i]->n_columns;
    struct merged_column *all = arena_zero(a, (most + 1) * sizeof(*all));
    *n_all = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < parents[i]->n_columns; k++) {
            struct relation_column *c = &parents[i]->columns[k];
            if (!is_merged(c))
                continue;
            struct merged_column *m = find_merged(all, *n_all, c->name);
            if (m == NULL) {
                m = &all[(*n_all)++];
                *m = (struct merged_column){.name = c->name, .at = at, .parents = parents, .n = n};
                m->columns = arena_zero(a, n * sizeof(struct relation_column *));
            }
            m->columns[i] = c;
        }
    }
    return all;
}

static bool is_in_star(const struct merged_column *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->columns[i] != NULL && m->columns[i]->is_in_star)
            return true;
    return false;
}

struct relation **merge_relations(struct relation **parents, size_t n, struct str pattern,
                                  struct place at)
{
    struct arena *a = parents[0]->source->arena;
    size_t n_all;
    struct merged_column *all = collect(parents, n, at, &n_all);
    struct relation **ret = arena_zero(a, n * sizeof(struct relation *));
    for (size_t i = 0; i < n; i++) {
        struct relation *r = ret[i] = arena_zero(a, sizeof(*r));
        *r = (struct relation){.name = pattern,
                               .parent = parents[i],
                               .source = parents[i]->source,
                               .pass = parents[i]->pass,
                               .columns = arena_zero(a, (n_all + 2) * sizeof(*r->columns))};
        for (size_t k = 0; k < n_all; k++)
            r->columns[r->n_columns++] = (struct relation_column){.name = all[k].name,
                                                                  .is_in_star = is_in_star(&all[k]),
                                                                  .is_merged = true,
                                                                  .merged = &all[k],
                                                                  .parent = all[k].columns[i],
                                                                  .at = at};
        if (find_merged(all, n_all, STR("_table")) == NULL)
            r->columns[r->n_columns++] =
                (struct relation_column){.name = STR("_table"), .is_merged = true, .at = at};
    }
    return ret;
}
