/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/merge.h"
#include "plan/unfold.h"

const char *const virtual_names[VIRTUAL_COUNT] = {"_source", "_partition", "_offset", "_arrival",
                                                  "_path",   "_file",      "_id"};

struct type virtual_type(enum virtual_column v)
{
    switch (v) {
    case VIRTUAL_PARTITION:
    case VIRTUAL_OFFSET: return (struct type){.kind = TYPE_UINT64};
    case VIRTUAL_ARRIVAL: return (struct type){.kind = TYPE_DATETIME};
    default: return (struct type){.kind = TYPE_STRING};
    }
}

int source_output(struct source_build *s, value_id value)
{
    for (size_t i = 0; i < s->n_outputs; i++)
        if (s->outputs[i] == value)
            return (int)i;
    if (s->n_outputs == s->cap_outputs) {
        s->cap_outputs = s->cap_outputs ? s->cap_outputs * 2 : 32;
        s->outputs = xrealloc(s->outputs, s->cap_outputs * sizeof(*s->outputs));
    }
    s->outputs[s->n_outputs] = value;
    return (int)s->n_outputs++;
}

struct relation_column *relation_find(struct relation *r, struct str name)
{
    for (size_t i = 0; i < r->n_columns; i++)
        if (str_eq(r->columns[i].name, name))
            return &r->columns[i];
    return NULL;
}

/* The input slot of a column of the record, given out on first use. */
static value_id source_field(struct source_build *s, size_t index)
{
    const struct column_def *def = &s->def->columns[index];
    if (s->slot_of_column[index] < 0) {
        size_t slot = s->n_fields++;
        uint32_t position = 0;
        for (size_t i = 0; i < index; i++)
            position += s->def->columns[i].mode != COLUMN_MATERIALIZED &&
                        s->def->columns[i].mode != COLUMN_ALIAS;
        s->fields[slot] = (struct field){.path = def->has_from ? def->from : def->name,
                                         .type = def->type,
                                         .has_default = def->value != NULL};
        s->positions[slot] = position;
        s->slot_of_column[index] = (int64_t)slot;
    }
    return builder_input(s->builder, (uint32_t)s->slot_of_column[index], def->type);
}

static value_id build_source_column(struct relation *r, struct relation_column *c)
{
    struct source_build *s = r->source;
    const struct column_def *def = c->def;
    struct scope scope = relation_scope(r);
    if (def->mode == COLUMN_MATERIALIZED || def->mode == COLUMN_ALIAS) {
        value_id v = builder_expression(s->builder, def->value, &scope, s->d);
        if (v >= 0 && def->has_type)
            v = builder_cast(s->builder, v, def->type, def->at, s->d);
        if (v >= 0 && def->mode == COLUMN_MATERIALIZED)
            s->materialized[s->n_materialized++] = v;
        return v;
    }
    if (!def->has_type) {
        diagnose_error(s->d, def->at, NULL, "column '%.*s' needs a type", STR_FMT(def->name));
        return VALUE_FAILED;
    }
    value_id input = source_field(s, (size_t)(def - s->def->columns));
    if (def->value == NULL)
        return input;
    value_id fallback = builder_expression(s->builder, def->value, &scope, s->d);
    if (fallback >= 0)
        fallback = builder_cast(s->builder, fallback, def->type, def->at, s->d);
    return fallback >= 0 ? builder_default(s->builder, input, fallback) : VALUE_FAILED;
}

value_id relation_column_value(struct relation *r, struct relation_column *c)
{
    if (c->is_built)
        return c->value;
    if (c->is_building) {
        diagnose_error(r->source->d, c->at, NULL, "column '%.*s' is defined by itself",
                       STR_FMT(c->name));
        return VALUE_FAILED;
    }
    c->is_building = true;
    if (c->is_merged) {
        c->value = merge_column_value(r, c);
    } else if (c->parent != NULL) {
        c->value = source_import(r->source, r->parent->source,
                                 relation_column_value(r->parent, c->parent));
    } else if (c->def != NULL) {
        c->value = build_source_column(r, c);
    } else {
        struct scope scope = relation_scope(r);
        c->value = builder_expression(r->source->builder, c->item, &scope, r->source->d);
    }
    c->is_building = false;
    c->is_built = true;
    return c->value;
}

static value_id virtual_value(struct source_build *s, struct str name)
{
    if (s->above != NULL)
        return source_import(s, s->above, virtual_value(s->above, name));
    for (int v = 0; v < VIRTUAL_COUNT; v++) {
        if (!str_is(name, virtual_names[v]))
            continue;
        if (s->virtuals[v] < 0)
            s->virtuals[v] = builder_input(s->builder, (uint32_t)(s->def->n_columns + (size_t)v),
                                           virtual_type(v));
        return s->virtuals[v];
    }
    return VALUE_UNKNOWN;
}

static bool has_name(const struct ast *node, struct str name)
{
    if (node->kind == AST_NAME && str_eq(node->text, name))
        return true;
    for (uint32_t i = 0; i < node->n_args; i++)
        if (has_name(node->args[i], name))
            return true;
    return false;
}

static value_id lookup(void *context, struct builder *b, struct str name, struct place at)
{
    (void)b;
    (void)at;
    struct relation *r = context;
    /* A stream's items may use each other's aliases; an alias inside its own expression means
     * the parent's column (SELECT lower(zone) AS zone), as in ClickHouse. */
    struct relation_column *c = relation_find(r, name);
    if (c != NULL && !(c->is_building && r->parent != NULL))
        return relation_column_value(r, c);
    /* Past this relation's own items only what its parent shows is visible: its stored columns. */
    struct relation_column *above = r->parent ? relation_find(r->parent, name) : NULL;
    if (above != NULL)
        return source_import(r->source, r->parent->source, relation_column_value(r->parent, above));
    value_id v = virtual_value(r->source, name);
    if (v != VALUE_UNKNOWN || c == NULL || c->item == NULL || has_name(c->item, name))
        return v;
    /* another item in between: a means b, b means a */
    diagnose_error(r->source->d, c->at, NULL, "column '%.*s' is defined by itself", STR_FMT(name));
    return VALUE_FAILED;
}

/* arrayJoin(…) has been made a column. */
static value_id call(void *context, const struct ast *node, struct diagnostics *d)
{
    struct relation *r = context;
    if (!is_array_join_call(node))
        return VALUE_UNKNOWN;
    for (size_t i = 0; r->calls != NULL && i < r->calls->n; i++) {
        const struct unfolded_call *c = &r->calls->items[i];
        if (c->at != NULL && node->n_args == 1 && ast_equal(c->argument, node->args[0]))
            return source_import(r->source, c->at->source, c->column->value);
    }
    diagnose_error(d, node->at, "write it in a stream or metric",
                   "'%.*s' cannot stand here: it makes rows", STR_FMT(node->text));
    return VALUE_FAILED;
}

static size_t names(void *context, struct str *out, size_t cap)
{
    struct relation *r = context;
    size_t n = 0;
    for (size_t i = 0; i < r->n_columns && n < cap; i++)
        if (!r->columns[i].is_building) /* it is what is not found */
            out[n++] = r->columns[i].name;
    for (size_t i = 0; r->parent && i < r->parent->n_columns && n < cap; i++)
        if (*r->parent->columns[i].name.p != '\x01')
            out[n++] = r->parent->columns[i].name;
    return n;
}

struct scope relation_scope(struct relation *r)
{
    return (struct scope){r, lookup, names, call};
}
