/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE FUNCTION: calls are written out before anything else looks at the trees, so aggregates, keys
 * and fingerprints see what a person would have written without the function. Bodies are written out
 * first, in the order in which they need each other; a circle is a mistake. */
#include "plan/inline.h"

#include <stdio.h>

#include "aggregate/aggregate.h"
#include "expr/program.h"

enum {
    MAX_PARTS = 100000, /* of one tree with everything written out */
    MAX_TREE_HEIGHT = 900,
    MAX_MADE = 10000000, /* nodes of all trees */
};

struct own_function {
    struct function_def *def;
    enum { FUNCTION_NEW, FUNCTION_OPEN, FUNCTION_DONE } state;
    bool is_broken;
};

struct inlining {
    const struct definitions *defs;
    struct arena *arena;
    struct diagnostics *d;
    struct own_function *functions;
    size_t n;
    struct own_function **open; /* those being written out, outermost first */
    size_t n_open;
    size_t n_changed;
    size_t n_made; /* nodes */
};

/* A lambda's parameters inside a body: they hide the function's; renamed where an argument has a
 * name like it. */
struct hidden {
    struct str from, to;
    const struct hidden *outer;
};

struct substitution {
    struct inlining *in;
    const struct ast *lambda; /* the function */
    struct ast **args;
};

static struct own_function *find_function(const struct inlining *in, struct str name)
{
    for (size_t i = 0; i < in->n; i++)
        if (str_eq(in->functions[i].def->name, name))
            return &in->functions[i];
    return NULL;
}

/* Defined by a statement with a mistake, which is said there. */
static bool is_broken_name(const struct inlining *in, struct str name)
{
    for (size_t i = 0; i < in->defs->n_broken_names; i++)
        if (str_eq(in->defs->broken_names[i], name) && !function_exists(name) &&
            !aggregate_is_known(name))
            return true;
    return false;
}

static size_t count_parts(const struct ast *node, size_t limit)
{
    size_t n = 1;
    for (uint32_t i = 0; i < node->n_args && n <= limit; i++)
        n += count_parts(node->args[i], limit - n + 1);
    for (uint32_t i = 0; i < node->n_params && n <= limit; i++)
        n += count_parts(node->params[i], limit - n + 1);
    return n;
}

static size_t tree_height(const struct ast *node)
{
    size_t most = 0;
    for (uint32_t i = 0; i < node->n_args; i++) {
        size_t h = tree_height(node->args[i]);
        most = h > most ? h : most;
    }
    return most + 1;
}

/* ---- one call ---- */

/* `a` in `a` and in `a.b`. */
static bool begins_with_name(struct str text, struct str name)
{
    return text.n >= name.n && memcmp(text.p, name.p, name.n) == 0 &&
           (text.n == name.n || text.p[name.n] == '.');
}

static bool has_name(const struct ast *node, struct str name)
{
    if (node->kind == AST_NAME && begins_with_name(node->text, name))
        return true;
    for (uint32_t i = 0; i < node->n_args; i++)
        if (has_name(node->args[i], name))
            return true;
    for (uint32_t i = 0; i < node->n_params; i++)
        if (has_name(node->params[i], name))
            return true;
    return false;
}

static struct ast *new_node(struct substitution *s, const struct ast *like)
{
    struct ast *node = arena_alloc(s->in->arena, sizeof(*node));
    *node = *like;
    s->in->n_made++;
    return node;
}

/* The name with `begin` in the place of its first `n` bytes. */
static struct ast *renamed(struct substitution *s, const struct ast *node, struct str begin,
                           size_t n)
{
    struct ast *ret = new_node(s, node);
    ret->text = str_of(arena_printf(s->in->arena, "%.*s%.*s", STR_FMT(begin),
                                    (int)(node->text.n - n), node->text.p + n));
    return ret;
}

/* `x.name` of a parameter x: an element of the argument. */
static struct ast *element_of(struct substitution *s, const struct ast *node, struct ast *argument,
                              size_t n)
{
    if (argument->kind == AST_NAME)
        return renamed(s, node, argument->text, n);
    struct ast *index = new_node(s, node);
    *index = (struct ast){
        .kind = AST_STRING, .at = node->at, .text = {node->text.p + n + 1, node->text.n - n - 1}};
    struct ast *ret = new_node(s, node);
    *ret = (struct ast){.kind = AST_CALL, .at = node->at, .text = STR("tupleElement"), .n_args = 2};
    ret->args = arena_alloc(s->in->arena, 2 * sizeof(struct ast *));
    ret->args[0] = argument;
    ret->args[1] = index;
    return ret;
}

static struct ast *substitute_name(struct substitution *s, struct ast *node,
                                   const struct hidden *hidden)
{
    for (; hidden != NULL; hidden = hidden->outer)
        if (begins_with_name(node->text, hidden->from))
            return str_eq(hidden->from, hidden->to) ? node
                                                    : renamed(s, node, hidden->to, hidden->from.n);
    for (uint32_t i = 0; i + 1 < s->lambda->n_args; i++) {
        struct str name = s->lambda->args[i]->text;
        if (str_eq(node->text, name))
            return s->args[i];
        if (begins_with_name(node->text, name))
            return element_of(s, node, s->args[i], name.n);
    }
    return node;
}

static bool args_have_name(const struct substitution *s, struct str name)
{
    for (uint32_t i = 0; i + 1 < s->lambda->n_args; i++)
        if (has_name(s->args[i], name))
            return true;
    return false;
}

static struct str free_name(const struct substitution *s, const struct ast *body, struct str name)
{
    struct str ret = name;
    for (int n = 1; args_have_name(s, ret) || (n > 1 && has_name(body, ret)); n++)
        ret = str_of(arena_printf(s->in->arena, "%.*s_%d", STR_FMT(name), n));
    return ret;
}

static struct ast *substitute(struct substitution *s, struct ast *node,
                              const struct hidden *hidden);

static struct ast *substitute_lambda(struct substitution *s, struct ast *node,
                                     const struct hidden *hidden)
{
    struct ast *ret = new_node(s, node);
    uint32_t body = node->n_args - 1;
    struct hidden *own = arena_alloc(s->in->arena, (body + 1) * sizeof(*own));
    ret->args = arena_alloc(s->in->arena, node->n_args * sizeof(struct ast *));
    for (uint32_t i = 0; i < body; i++) {
        struct str name = node->args[i]->text;
        own[i] = (struct hidden){name, free_name(s, node->args[body], name), hidden};
        hidden = &own[i];
        ret->args[i] = new_node(s, node->args[i]);
        ret->args[i]->text = own[i].to;
    }
    ret->args[body] = substitute(s, node->args[body], hidden);
    return ret;
}

static struct ast **substitute_list(struct substitution *s, struct ast **nodes, uint32_t n,
                                    const struct hidden *hidden)
{
    struct ast **ret = arena_alloc(s->in->arena, (n + 1) * sizeof(struct ast *));
    for (uint32_t i = 0; i < n; i++)
        ret[i] = substitute(s, nodes[i], hidden);
    return ret;
}

/* A copy of a body with the arguments in it. */
static struct ast *substitute(struct substitution *s, struct ast *node, const struct hidden *hidden)
{
    if (node->kind == AST_NAME)
        return substitute_name(s, node, hidden);
    if (node->kind == AST_LAMBDA)
        return substitute_lambda(s, node, hidden);
    if (node->n_args == 0 && node->n_params == 0)
        return node;
    struct ast *ret = new_node(s, node);
    ret->args = substitute_list(s, node->args, node->n_args, hidden);
    ret->params = substitute_list(s, node->params, node->n_params, hidden);
    return ret;
}

/* ---- trees ---- */

static struct ast *broken(struct ast *node)
{
    node->is_broken = true;
    return node;
}

static bool check_call(struct inlining *in, const struct ast *node, const struct function_def *f)
{
    uint32_t n = f->lambda->n_args - 1;
    if (node->has_params || node->is_distinct) {
        diagnose_error(in->d, node->at, NULL, "'%.*s' takes no parameters and no DISTINCT",
                       STR_FMT(node->text));
        return false;
    }
    if (node->n_args == n)
        return true;
    AUTO_DONE(buf) names = {0};
    for (uint32_t i = 0; i < n; i++)
        buf_printf(&names, "%s%.*s", i ? ", " : "", STR_FMT(f->lambda->args[i]->text));
    diagnose_error(in->d, node->at, NULL, "'%.*s' takes (%.*s), not %u argument%s",
                   STR_FMT(node->text), (int)names.n, names.n ? names.p : "", node->n_args,
                   node->n_args == 1 ? "" : "s");
    return false;
}

static void write_out(struct inlining *in, struct own_function *f);

static struct ast *expand_call(struct inlining *in, struct ast *node, struct own_function *f)
{
    write_out(in, f);
    if (f->is_broken || !check_call(in, node, f->def))
        return broken(node);
    for (uint32_t i = 0; i < node->n_args; i++) {
        if (node->args[i]->kind == AST_STAR) {
            diagnose_error(in->d, node->args[i]->at, NULL, "'*' cannot stand here");
            return broken(node);
        }
    }
    struct substitution s = {in, f->def->lambda, node->args};
    if (in->n_made > MAX_MADE) {
        diagnose_error(in->d, node->at, NULL,
                       "the definitions have more than %d parts with their functions written out",
                       MAX_MADE);
        return broken(node);
    }
    struct ast *ret = substitute(&s, f->def->lambda->args[f->def->lambda->n_args - 1], NULL);
    if (count_parts(ret, MAX_PARTS) > MAX_PARTS || tree_height(ret) > MAX_TREE_HEIGHT) {
        diagnose_error(in->d, node->at, "make a part of it a column, and use that",
                       "'%.*s' written out has more than %d parts, or %d levels",
                       STR_FMT(node->text), MAX_PARTS, MAX_TREE_HEIGHT);
        return broken(node);
    }
    in->n_changed++;
    return ret;
}

/* In place, but for a call of a function, in whose place its body comes. */
static struct ast *expand(struct inlining *in, struct ast *node)
{
    if (node->is_broken)
        return node;
    for (uint32_t i = 0; i < node->n_params; i++)
        node->params[i] = expand(in, node->params[i]);
    for (uint32_t i = 0; i < node->n_args; i++)
        node->args[i] = expand(in, node->args[i]);
    if (node->kind != AST_CALL || node->is_operator)
        return node;
    struct own_function *f = find_function(in, node->text);
    if (f != NULL)
        return expand_call(in, node, f);
    return is_broken_name(in, node->text) ? broken(node) : node;
}

/* ---- the functions themselves ---- */

static void report_circle(struct inlining *in, struct own_function *f)
{
    AUTO_DONE(buf) way = {0};
    size_t first = in->n_open;
    while (in->open[first - 1] != f)
        first--;
    for (size_t i = first - 1; i < in->n_open; i++) {
        buf_printf(&way, "%.*s → ", STR_FMT(in->open[i]->def->name));
        in->open[i]->is_broken = true;
    }
    diagnose_error(in->d, f->def->at, "a function cannot call itself, nor those that call it",
                   "function '%.*s' is defined by itself: %s%.*s", STR_FMT(f->def->name),
                   buf_cstr(&way), STR_FMT(f->def->name));
}

static void write_out(struct inlining *in, struct own_function *f)
{
    if (f->state == FUNCTION_OPEN && !f->is_broken)
        report_circle(in, f);
    if (f->state != FUNCTION_NEW)
        return;
    f->state = FUNCTION_OPEN;
    in->open[in->n_open++] = f;
    size_t before = in->d->n_errors, body = f->def->lambda->n_args - 1;
    f->def->lambda->args[body] = expand(in, f->def->lambda->args[body]);
    f->is_broken |= in->d->n_errors > before;
    in->n_open--;
    f->state = FUNCTION_DONE;
}

/* A function that nothing calls is looked at, too. */
static void check_names(struct inlining *in, const struct ast *node)
{
    bool is_plain = node->kind == AST_CALL && !node->is_operator &&
                    memchr(node->text.p, '.', node->text.n) == NULL;
    for (uint32_t i = 0; i < node->n_args; i++)
        check_names(in, node->args[i]);
    if (!is_plain || function_exists(node->text) || aggregate_is_known(node->text) ||
        find_function(in, node->text) != NULL || is_broken_name(in, node->text))
        return;
    size_t n, n_names = 0;
    const char *const *known = function_names(&n);
    const char **names = arena_alloc(in->arena, (n + in->n + 1) * sizeof(*names));
    for (size_t i = 0; i < in->n; i++)
        names[n_names++] = arena_text(in->arena, in->functions[i].def->name);
    for (size_t i = 0; i < n; i++)
        names[n_names++] = known[i];
    const char *near = nearest_name(node->text, names, n_names);
    diagnose_error(in->d, node->at,
                   near ? arena_printf(in->arena, "did you mean '%s'?", near) : NULL,
                   "unknown function '%.*s'", STR_FMT(node->text));
}

static void check_function(struct inlining *in, struct own_function *f)
{
    struct str name = f->def->name;
    if (function_exists(name) || aggregate_is_known(name)) {
        diagnose_error(in->d, f->def->at, "give it another name",
                       "'%.*s' is a function of ClickHouse's", STR_FMT(name));
        f->is_broken = true;
        f->state = FUNCTION_DONE;
    }
    size_t before = in->d->n_errors;
    check_names(in, f->def->lambda->args[f->def->lambda->n_args - 1]);
    if (in->d->n_errors > before) {
        f->is_broken = true;
        f->state = FUNCTION_DONE;
    }
}

/* ---- statements ---- */

static void expand_value(struct inlining *in, struct ast **value)
{
    if (*value != NULL)
        *value = expand(in, *value);
}

/* A column is named by what was written. */
static void expand_items(struct inlining *in, struct select_item *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].value->kind == AST_STAR)
            continue;
        struct str name =
            items[i].alias.n ? items[i].alias : ast_default_name(in->arena, items[i].value);
        size_t before = in->n_changed;
        expand_value(in, &items[i].value);
        if (in->n_changed > before)
            items[i].alias = name;
    }
}

static void expand_array_joins(struct inlining *in, struct array_join *joins, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        expand_items(in, joins[i].items, joins[i].n_items);
}

static void expand_keep(struct inlining *in, struct keep *k)
{
    for (uint32_t i = 0; i < k->n_order_by; i++)
        expand_value(in, &k->order_by[i]);
}

static void expand_source(struct inlining *in, struct source_def *s)
{
    for (uint32_t i = 0; i < s->n_columns; i++)
        expand_value(in, &s->columns[i].value);
    expand_value(in, &s->event_time);
    for (uint32_t i = 0; i < s->n_deduplicate; i++)
        expand_value(in, &s->deduplicate[i]);
    expand_keep(in, &s->keep);
}

static void expand_metric(struct inlining *in, struct metric_def *m)
{
    expand_items(in, m->items, m->n_items);
    expand_array_joins(in, m->array_joins, m->n_array_joins);
    expand_value(in, &m->where);
    expand_value(in, &m->having);
    for (uint32_t i = 0; i < m->n_sets; i++)
        for (uint32_t k = 0; k < m->sets[i].n_keys; k++)
            expand_value(in, &m->sets[i].keys[k]);
}

static void expand_statement(struct inlining *in, struct statement *s)
{
    switch (s->kind) {
    case STATEMENT_SOURCE: expand_source(in, &s->source); break;
    case STATEMENT_STREAM:
        expand_items(in, s->stream.items, s->stream.n_items);
        expand_array_joins(in, s->stream.array_joins, s->stream.n_array_joins);
        expand_value(in, &s->stream.where);
        expand_keep(in, &s->stream.keep);
        break;
    case STATEMENT_METRIC: expand_metric(in, &s->metric); break;
    case STATEMENT_SET:
    case STATEMENT_LOOKUP:
    case STATEMENT_FUNCTION: break;
    }
}

void definitions_inline(struct definitions *defs, struct diagnostics *d)
{
    struct inlining in = {.defs = defs, .arena = &defs->arena, .d = d};
    for (size_t i = 0; i < defs->n_statements; i++)
        in.n += defs->statements[i].kind == STATEMENT_FUNCTION;
    if (in.n + defs->n_broken_names == 0)
        return;
    in.functions = xcalloc(in.n + 1, sizeof(*in.functions));
    in.open = xcalloc(in.n + 1, sizeof(struct own_function *));
    in.n = 0;
    for (size_t i = 0; i < defs->n_statements; i++)
        if (defs->statements[i].kind == STATEMENT_FUNCTION)
            in.functions[in.n++].def = &defs->statements[i].function;
    for (size_t i = 0; i < in.n; i++)
        check_function(&in, &in.functions[i]);
    for (size_t i = 0; i < in.n; i++)
        write_out(&in, &in.functions[i]);
    for (size_t i = 0; i < defs->n_statements; i++)
        expand_statement(&in, &defs->statements[i]);
    free(in.functions);
    free(in.open);
}
