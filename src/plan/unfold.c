/* SPDX-License-Identifier: Apache-2.0
 *
 * A level is what one ARRAY JOIN, or one arrayJoin(), makes of the rows above it: a program of its own
 * over a batch whose columns are the elements, and whatever else is asked of the rows above. Levels
 * stand in a tree under the source's records. */
#include "plan/unfold.h"

#include "aggregate/aggregate.h"

bool is_array_join_call(const struct ast *node)
{
    return node->kind == AST_CALL && !node->is_operator &&
           (str_is(node->text, "arrayJoin") || str_is(node->text, "unnest"));
}

/* ---- levels ---- */

static struct source_build *root_of(struct source_build *s)
{
    while (s->above != NULL)
        s = s->above;
    return s;
}

/* Does the level take just these arrays of the same rows apart? */
static bool is_same_level(const struct source_build *s, const struct source_build *like,
                          const int *arrays, size_t n)
{
    size_t n_same = 0;
    for (size_t i = 0; i < s->n_slots; i++) {
        if (!s->slots[i].is_element)
            continue;
        bool is_same = n_same < n && s->slots[i].output == arrays[n_same];
        if (!is_same)
            return false;
        n_same++;
    }
    return n_same == n && s->above == like->above && s->pass == like->pass &&
           s->is_left == like->is_left;
}

static uint32_t add_slot(struct source_build *s, struct plan_slot slot);

/* The level of these arrays: an earlier one where there is one, so that metrics share it. */
static struct source_build *level_of(struct source_build *above, value_id pass, bool is_left,
                                     const value_id *arrays, size_t n)
{
    struct source_build *root = root_of(above), **end = &root->levels;
    struct source_build like = {.plan = root->plan,
                                .def = root->def,
                                .d = root->d,
                                .arena = root->arena,
                                .above = above,
                                .level = 1,
                                .is_left = is_left,
                                .pass = pass >= 0 ? source_output(above, pass) : -1};
    int *outputs = arena_zero(root->arena, (n + 1) * sizeof(*outputs));
    for (size_t i = 0; i < n; i++)
        outputs[i] = source_output(above, arrays[i]);
    for (; *end != NULL; end = &(*end)->levels, like.level++)
        if (is_same_level(*end, &like, outputs, n))
            return *end;
    struct source_build *s = *end = arena_zero(root->arena, sizeof(*s));
    *s = like;
    s->builder = builder_new();
    builder_lookups(s->builder, &root->lookups);
    for (size_t i = 0; i < n; i++)
        add_slot(s, (struct plan_slot){
                        .output = outputs[i],
                        .is_element = true,
                        .type = type_element(builder_type(above->builder, arrays[i]), 0)});
    return s;
}

static uint32_t add_slot(struct source_build *s, struct plan_slot slot)
{
    for (size_t i = 0; i < s->n_slots; i++)
        if (s->slots[i].output == slot.output && s->slots[i].is_element == slot.is_element)
            return (uint32_t)i;
    if (s->n_slots == s->cap_slots) {
        s->cap_slots = s->cap_slots ? s->cap_slots * 2 : 16;
        struct plan_slot *more = arena_zero(s->arena, s->cap_slots * sizeof(*more));
        if (s->n_slots)
            memcpy(more, s->slots, s->n_slots * sizeof(*more));
        s->slots = more;
    }
    s->slots[s->n_slots] = slot;
    return (uint32_t)s->n_slots++;
}

value_id source_import(struct source_build *to, struct source_build *from, value_id v)
{
    if (to == from || v < 0)
        return v;
    v = source_import(to->above, from, v);
    value_id constant = builder_copy_constant(to->builder, to->above->builder, v);
    if (constant >= 0)
        return constant;
    struct type t = builder_type(to->above->builder, v);
    uint32_t slot =
        add_slot(to, (struct plan_slot){.output = source_output(to->above, v), .type = t});
    return builder_input(to->builder, slot, t);
}

/* ---- relations over a level ---- */

static struct relation *level_relation(struct relation *parent, struct source_build *s,
                                       size_t n_more)
{
    struct relation *r = arena_zero(s->arena, sizeof(*r));
    *r = (struct relation){.name = parent->name,
                           .parent = parent,
                           .source = s,
                           .pass = VALUE_UNKNOWN,
                           .n_columns = parent->n_columns};
    r->columns = arena_zero(s->arena, (parent->n_columns + n_more + 1) * sizeof(*r->columns));
    for (size_t i = 0; i < parent->n_columns; i++)
        r->columns[i] = (struct relation_column){.name = parent->columns[i].name,
                                                 .is_in_star = parent->columns[i].is_in_star,
                                                 .parent = &parent->columns[i],
                                                 .at = parent->columns[i].at};
    return r;
}

/* The array that is taken apart, as a value of the level above; a Map as an array of pairs. */
static value_id array_value(struct relation *scope_of, const struct ast *value, const char *what)
{
    struct source_build *s = scope_of->source;
    struct scope scope = relation_scope(scope_of);
    value_id v = builder_expression(s->builder, value, &scope, s->d);
    if (v < 0)
        return v;
    struct type t = builder_type(s->builder, v);
    if (t.kind == TYPE_MAP) {
        static const struct str names[] = {{"keys", 4}, {"values", 6}};
        struct ast *part[] = {(struct ast *)value}, calls[3];
        struct ast *both[] = {&calls[0], &calls[1]};
        static const char *const functions[] = {"mapKeys", "mapValues", "arrayZip"};
        for (int i = 0; i < 3; i++)
            calls[i] = (struct ast){.kind = AST_CALL,
                                    .at = value->at,
                                    .text = str_of(functions[i]),
                                    .args = i < 2 ? part : both,
                                    .n_args = i < 2 ? 1 : 2};
        v = builder_expression(s->builder, &calls[2], &scope, s->d);
        return v < 0
                   ? v
                   : builder_cast(s->builder, v, type_array(type_tuple(t.more->elements, names, 2)),
                                  value->at, s->d);
    }
    char name[64];
    bool is_typed = t.kind == TYPE_ARRAY && type_element(t, 0).kind != TYPE_NOTHING;
    if (is_typed)
        return v;
    diagnose_error(s->d, value->at,
                   t.kind == TYPE_STRING ? "splitByChar(',', s) makes an array of a text" : NULL,
                   t.kind == TYPE_ARRAY ? "%s wants an array whose elements have a type, not %s"
                                        : "%s wants an array or a map, not %s",
                   what, type_name(t, name));
    return VALUE_FAILED;
}

static struct relation_column element_column(struct source_build *s, struct str name,
                                             value_id array, struct place at, bool is_in_star)
{
    struct type t = type_element(builder_type(s->above->builder, array), 0);
    uint32_t slot =
        add_slot(s, (struct plan_slot){
                        .output = source_output(s->above, array), .is_element = true, .type = t});
    return (struct relation_column){.name = name,
                                    .is_in_star = is_in_star,
                                    .is_built = true,
                                    .value = builder_input(s->builder, slot, t),
                                    .at = at};
}

/* ---- ARRAY JOIN ---- */

/* One array of an ARRAY JOIN: what it is called there. */
struct joined {
    const struct ast *value;
    struct str name;
    struct place at;
    value_id array;
    bool has_alias;
};

struct joined_list {
    struct joined *items;
    size_t n;
};

static void add_joined(struct joined_list *l, struct relation *parent, const struct ast *value,
                       struct str name, struct place at, bool has_alias)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(l->items[i].name, name))
            diagnose_error(parent->source->d, at, "give it another name by AS",
                           "ARRAY JOIN has two arrays named '%.*s'", STR_FMT(name));
    l->items[l->n++] =
        (struct joined){value, name, at, array_value(parent, value, "ARRAY JOIN"), has_alias};
}

/* `n` where there are arrays `n.a`, `n.b`: all of them. */
static bool add_nested(struct joined_list *l, struct relation *parent, const struct select_item *i)
{
    bool has = false;
    struct str name = i->value->text;
    for (size_t k = 0; i->value->kind == AST_NAME && k < parent->n_columns; k++) {
        struct str column = parent->columns[k].name;
        if (column.n <= name.n + 1 || memcmp(column.p, name.p, name.n) != 0 ||
            column.p[name.n] != '.')
            continue;
        struct ast *value = arena_zero(parent->source->arena, sizeof(*value));
        *value = (struct ast){.kind = AST_NAME, .at = i->at, .text = column};
        struct str called = column;
        if (i->alias.n)
            called = str_of(arena_printf(parent->source->arena, "%.*s%.*s", STR_FMT(i->alias),
                                         (int)(column.n - name.n), column.p + name.n));
        add_joined(l, parent, value, called, i->at, i->alias.n > 0);
        has = true;
    }
    return has;
}

static void add_join_item(struct joined_list *l, struct relation *parent,
                          const struct select_item *i)
{
    bool is_column = i->value->kind == AST_NAME && relation_find(parent, i->value->text) != NULL;
    if (i->value->kind == AST_STAR || ast_has_aggregate(i->value)) {
        diagnose_error(parent->source->d, i->at, NULL, "ARRAY JOIN wants an array or a map");
        l->items[l->n++] = (struct joined){i->value, i->alias, i->at, VALUE_FAILED, true};
        return;
    }
    if (!is_column && add_nested(l, parent, i))
        return;
    struct str name = i->alias.n ? i->alias : ast_default_name(parent->source->arena, i->value);
    add_joined(l, parent, i->value, name, i->at, i->alias.n > 0);
}

static struct relation *unfold_join(struct relation *parent, const struct array_join *join)
{
    struct joined_list l = {0};
    size_t before = parent->source->d->n_errors;
    bool is_good = true;
    l.items = arena_zero(parent->source->arena,
                         (join->n_items + parent->n_columns + 1) * sizeof(*l.items));
    for (uint32_t i = 0; i < join->n_items && l.n < join->n_items + parent->n_columns; i++)
        add_join_item(&l, parent, &join->items[i]);
    for (size_t i = 0; i < l.n; i++)
        is_good &= l.items[i].array >= 0;
    if (!is_good || parent->source->d->n_errors > before)
        return NULL;
    value_id *arrays = arena_zero(parent->source->arena, (l.n + 1) * sizeof(*arrays));
    for (size_t i = 0; i < l.n; i++)
        arrays[i] = l.items[i].array;
    struct source_build *s = level_of(parent->source, parent->pass, join->is_left, arrays, l.n);
    struct relation *r = level_relation(parent, s, l.n);
    for (size_t i = 0; i < l.n; i++) {
        /* `ARRAY JOIN a`: from here on a is the element, in SELECT *, too. */
        struct relation_column *hidden = relation_find(r, l.items[i].name);
        struct relation_column c =
            element_column(s, l.items[i].name, l.items[i].array, l.items[i].at,
                           hidden != NULL && hidden->is_in_star);
        if (hidden != NULL)
            *hidden = c;
        else
            r->columns[r->n_columns++] = c;
    }
    return r;
}

struct relation *unfold_joins(struct relation *parent, const struct array_join *joins, uint32_t n)
{
    for (uint32_t i = 0; i < n && parent != NULL; i++)
        parent = unfold_join(parent, &joins[i]);
    return parent;
}

/* ---- arrayJoin() ---- */

/* Lambdas around a node. */
struct around {
    const struct ast *lambda;
    const struct around *outer;
};

static bool uses_parameter(const struct around *a, const struct ast *node)
{
    for (; a != NULL; a = a->outer)
        for (uint32_t i = 0; i + 1 < a->lambda->n_args; i++)
            if (node->kind == AST_NAME && str_eq(node->text, a->lambda->args[i]->text))
                return true;
    return false;
}

static bool has_parameter(const struct around *a, const struct ast *node)
{
    if (uses_parameter(a, node))
        return true;
    for (uint32_t i = 0; i < node->n_args; i++)
        if (has_parameter(a, node->args[i]))
            return true;
    return false;
}

static bool add_call(struct unfolded_calls *calls, struct arena *arena, const struct ast *node,
                     const struct around *a, struct diagnostics *d)
{
    if (node->n_args != 1 || node->has_params || node->is_distinct) {
        diagnose_error(d, node->at, "several arrays side by side: FROM … ARRAY JOIN a, b",
                       "'%.*s' takes (array), not %u arguments", STR_FMT(node->text), node->n_args);
        return false;
    }
    if (a != NULL && has_parameter(a, node->args[0])) {
        diagnose_error(d, node->at, "take the array apart outside the lambda",
                       "'%.*s' cannot depend on a lambda's parameter", STR_FMT(node->text));
        return false;
    }
    if (ast_has_aggregate(node->args[0])) {
        diagnose_error(d, node->at,
                       "write it in the query: SELECT … FROM the metric's view ARRAY JOIN …",
                       "'%.*s' of an aggregate has no place in a metric", STR_FMT(node->text));
        return false;
    }
    for (size_t i = 0; i < calls->n; i++)
        if (ast_equal(calls->items[i].argument, node->args[0]))
            return true;
    if (calls->n == calls->cap) {
        calls->cap = calls->cap ? calls->cap * 2 : 8;
        struct unfolded_call *more = arena_zero(arena, calls->cap * sizeof(*more));
        if (calls->n)
            memcpy(more, calls->items, calls->n * sizeof(*more));
        calls->items = more;
    }
    calls->items[calls->n++] = (struct unfolded_call){.argument = node->args[0]};
    return true;
}

static bool find_calls(struct unfolded_calls *calls, struct arena *arena, const struct ast *node,
                       const struct around *a, struct diagnostics *d)
{
    bool is_good = true;
    struct around own = {node, a};
    const struct around *inside = node->kind == AST_LAMBDA ? &own : a;
    for (uint32_t i = 0; i < node->n_args; i++)
        is_good &= find_calls(calls, arena, node->args[i], inside, d);
    return is_array_join_call(node) ? add_call(calls, arena, node, a, d) && is_good : is_good;
}

bool unfold_find(struct unfolded_calls *calls, struct arena *arena, const struct ast *node,
                 struct diagnostics *d)
{
    return node == NULL || find_calls(calls, arena, node, NULL, d);
}

/* Names are looked through `depth` times: circles end there, and are reported when they are built. */
static bool has_call(const struct ast *node, const struct select_item *items, uint32_t n_items,
                     const struct unfolded_calls *done, unsigned depth)
{
    if (is_array_join_call(node)) {
        for (size_t i = 0; done != NULL && i < done->n; i++)
            if (done->items[i].at != NULL && node->n_args == 1 &&
                ast_equal(done->items[i].argument, node->args[0]))
                return false;
        return true;
    }
    for (uint32_t i = 0; i < node->n_args; i++)
        if (has_call(node->args[i], items, n_items, done, depth))
            return true;
    for (uint32_t i = 0; node->kind == AST_NAME && depth > 0 && i < n_items; i++)
        if (str_eq(items[i].alias, node->text) && items[i].value != node &&
            has_call(items[i].value, items, n_items, done, depth - 1))
            return true;
    return false;
}

enum { MAX_ALIAS_DEPTH = 8 };

bool unfold_has_call(const struct ast *node, const struct select_item *items, uint32_t n_items)
{
    return node != NULL && has_call(node, items, n_items, NULL, MAX_ALIAS_DEPTH);
}

/* The items' aliases over the parent: what an argument may name. */
static struct relation *alias_relation(struct relation *parent, struct unfolded_calls *calls,
                                       const struct select_item *items, uint32_t n_items)
{
    struct source_build *s = parent->source;
    struct relation *r = arena_zero(s->arena, sizeof(*r));
    *r = (struct relation){
        .name = parent->name, .parent = parent, .source = s, .pass = VALUE_UNKNOWN, .calls = calls};
    r->columns = arena_zero(s->arena, (n_items + 1) * sizeof(*r->columns));
    for (uint32_t i = 0; i < n_items; i++)
        if (items[i].alias.n && items[i].value->kind != AST_STAR &&
            !ast_has_aggregate(items[i].value))
            r->columns[r->n_columns++] = (struct relation_column){
                .name = items[i].alias, .item = items[i].value, .at = items[i].at};
    return r;
}

static struct relation *unfold_one(struct relation *parent, value_id pass,
                                   struct unfolded_calls *calls, struct unfolded_call *call,
                                   const struct select_item *items, uint32_t n_items)
{
    struct relation *aliases = alias_relation(parent, calls, items, n_items);
    value_id array = array_value(aliases, call->argument, "arrayJoin");
    if (array < 0)
        return NULL;
    struct source_build *s = level_of(parent->source, pass, false, &array, 1);
    struct relation *r = level_relation(parent, s, 1);
    /* no name can be written so: it is found by its argument alone */
    r->columns[r->n_columns] = element_column(s, STR("\x01"), array, call->argument->at, false);
    call->at = r;
    call->column = &r->columns[r->n_columns++];
    return r;
}

struct relation *unfold_calls(struct relation *parent, value_id pass, struct unfolded_calls *calls,
                              const struct select_item *items, uint32_t n_items)
{
    for (size_t n_done = 0; n_done < calls->n; n_done++) {
        struct unfolded_call *next = NULL;
        for (size_t i = 0; i < calls->n && next == NULL; i++)
            if (calls->items[i].at == NULL &&
                !has_call(calls->items[i].argument, items, n_items, calls, MAX_ALIAS_DEPTH))
                next = &calls->items[i];
        if (next == NULL) {
            diagnose_error(parent->source->d, calls->items[0].argument->at, NULL,
                           "calls of arrayJoin are defined by one another");
            return NULL;
        }
        parent =
            unfold_one(parent, n_done == 0 ? pass : VALUE_UNKNOWN, calls, next, items, n_items);
        if (parent == NULL)
            return NULL;
    }
    return parent;
}

/* ---- the plan ---- */

void unfold_finish(struct source_build *root)
{
    struct plan_source *p = root->plan;
    for (struct source_build *s = root->levels; s != NULL; s = s->levels)
        p->n_unfolds++;
    p->unfolds = arena_zero(root->arena, (p->n_unfolds + 1) * sizeof(*p->unfolds));
    for (struct source_build *s = root->levels; s != NULL; s = s->levels)
        p->unfolds[s->level - 1] =
            (struct plan_unfold){.above = s->above->level,
                                 .pass = s->pass,
                                 .is_left = s->is_left,
                                 .slots = s->slots,
                                 .n_slots = s->n_slots,
                                 .program = builder_finish(s->builder, s->outputs, s->n_outputs)};
}

void unfold_free(struct source_build *root)
{
    for (struct source_build *s = root->levels; s != NULL; s = s->levels) {
        builder_free(s->builder);
        free(s->outputs);
    }
}
