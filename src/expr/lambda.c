/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions with a lambda. The body is a program of its own over the elements; what it uses of
 * the row is given to it beside them. Each function is what the body makes of every element (a
 * list of values or of yes and no), then something done with that list. */
#include "expr/array.h"

#include <stdio.h>

#include "expr/text_kit.h"

enum { MAX_CAPTURES = 256, MAX_PARAMETERS = 8 };

/* Names inside a lambda: its parameters, then what is around it. */
struct lambda_scope {
    const struct scope *outer;
    struct builder *outer_builder, *inner;
    const struct ast *node;
    uint32_t n_params;
    struct type *types; /* of the parameters */
    value_id captured[MAX_CAPTURES];
    uint32_t n_captured;
};

/* A value of the row, as an input of the body. */
static value_id capture(struct lambda_scope *l, value_id v)
{
    const struct value *value = value_at(l->outer_builder, v);
    uint32_t k = 0;

    if (value->kind == VALUE_CONSTANT)
        return emit_constant(l->inner, value->type, value->cell);
    while (k < l->n_captured && l->captured[k] != v)
        k++;
    if (k == MAX_CAPTURES)
        return VALUE_UNKNOWN;
    l->captured[k] = v;
    l->n_captured = k == l->n_captured ? k + 1 : l->n_captured;
    return builder_input(l->inner, l->n_params + k, value->type);
}

static bool is_parameter(const struct lambda_scope *l, struct str name)
{
    for (uint32_t i = 0; i < l->n_params; i++) {
        struct str p = l->node->args[i]->text;
        if (name.n >= p.n && memcmp(name.p, p.p, p.n) == 0 && (name.n == p.n || name.p[p.n] == '.'))
            return true;
    }
    return false;
}

static bool has_parameter(const struct lambda_scope *l, const struct ast *node)
{
    if (node->kind == AST_NAME && is_parameter(l, node->text))
        return true;
    for (uint32_t i = 0; i < node->n_args; i++)
        if (has_parameter(l, node->args[i]))
            return true;
    return false;
}

/* What does not look at the parameters is computed once a row, outside, as in ClickHouse. */
static value_id hoist(void *context, const struct ast *node, struct diagnostics *d)
{
    struct lambda_scope *l = context;

    if (has_parameter(l, node))
        return VALUE_UNKNOWN;
    value_id v = build_node(l->outer_builder, node, l->outer, d);
    return v < 0 ? v : capture(l, v);
}

static value_id lookup(void *context, struct builder *b, struct str name, struct place at)
{
    struct lambda_scope *l = context;

    for (uint32_t i = 0; i < l->n_params; i++)
        if (str_eq(name, l->node->args[i]->text))
            return builder_input(l->inner, i, l->types[i]);
    if (l->outer == NULL || l->outer->lookup == NULL)
        return VALUE_UNKNOWN;
    value_id v = l->outer->lookup(l->outer->context, l->outer_builder, name, at);
    (void)b;
    return v < 0 ? v : capture(l, v);
}

static size_t names(void *context, struct str *out, size_t cap)
{
    struct lambda_scope *l = context;
    size_t n = 0;

    for (; n < l->n_params && n < cap; n++)
        out[n] = l->node->args[n]->text;
    return l->outer && l->outer->names ? n + l->outer->names(l->outer->context, out + n, cap - n)
                                       : n;
}

/* The list of what the body makes of each element. wants_condition: yes and no as UInt8. */
static value_id build_body(struct site *s, const struct ast *lambda, const value_id *arrays,
                           uint32_t n, bool wants_condition)
{
    struct builder *b = s->b;
    struct type types[MAX_PARAMETERS];
    struct lambda_scope l = {.outer = s->scope,
                             .outer_builder = b,
                             .node = lambda,
                             .n_params = lambda->n_args - 1,
                             .types = types};
    struct scope scope = {&l, lookup, names, hoist};
    AUTO_DONE(buf) text = {0};

    if (l.n_params != n || n > MAX_PARAMETERS)
        return site_error(s, "the lambda has %u parameters, but there are %u arrays", l.n_params,
                          n);
    for (uint32_t i = 0; i < n; i++) {
        types[i] = value_at(b, arrays[i])->type.more->elements[0];
        types[i].is_low_cardinality = false; /* as in ClickHouse */
    }
    l.inner = builder_new();
    builder_lookups(l.inner, b->lookups);
    value_id body = builder_expression(l.inner, lambda->args[n], &scope, s->d);
    if (body >= 0 && wants_condition)
        body = builder_condition(l.inner, body, lambda->args[n]->at, s->d);
    if (body < 0) {
        builder_free(l.inner);
        return VALUE_FAILED;
    }
    struct type type = value_at(l.inner, body)->type;
    if (type.kind == TYPE_INTERVAL) {
        builder_free(l.inner);
        return site_error(s, "a lambda cannot give an INTERVAL");
    }
    if (l.inner->reads_lookups) {
        capture(&l, builder_now(b)); /* depends on the run: never folded */
        b->reads_lookups = true;
    }
    struct program *program = builder_finish(l.inner, &body, 1);
    builder_free(l.inner);
    ast_print(&text, lambda);
    value_id *args = arena_alloc(&b->memory->arena, (n + l.n_captured + 1) * sizeof(*args));
    memcpy(args, arrays, n * sizeof(*args));
    if (l.n_captured)
        memcpy(args + n, l.captured, l.n_captured * sizeof(*args));
    return emit_elementwise(b, program, type, args, n + l.n_captured, n, buf_view(&text));
}

/* ---- what is done with the list ---- */

static void run_filter(struct call *c)
{
    struct type t = call_result_type(c);
    size_t width = type_width(t.more->elements[0]);

    for (size_t i = 0; i < c->n; i++) {
        struct elements from = array_elements(call_type(c, 0), call_value(c, 0, i));
        struct elements mask = array_elements(call_type(c, 1), call_value(c, 1, i));
        struct array_room room;
        uint32_t kept = 0, n = 0;
        for (uint32_t k = 0; k < mask.n && k < from.n; k++)
            n += ((const uint8_t *)mask.values)[k] != 0;
        RESULT(struct array_value)[i] = array_new(c->arena, t, n, &room);
        for (uint32_t k = 0; k < mask.n && k < from.n; k++) {
            if (!((const uint8_t *)mask.values)[k])
                continue;
            memcpy(room.values + kept * width, element_at(&from, k), width);
            if (room.nulls)
                room.nulls[kept] = element_is_null(&from, k);
            kept++;
        }
    }
}
static const struct op op_filter = {"arrayFilter", run_filter, 0};

static void run_count(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct elements mask = array_elements(call_type(c, 0), call_value(c, 0, i));
        uint32_t n = 0;
        for (uint32_t k = 0; k < mask.n; k++)
            n += ((const uint8_t *)mask.values)[k] != 0;
        if (c->param.i == ARRAY_COUNT)
            RESULT(uint32_t)[i] = n;
        else
            RESULT(uint8_t)[i] = c->param.i == ARRAY_EXISTS ? n > 0 : n == mask.n;
    }
}
static const struct op op_count = {"arrayCount", run_count, 0};

static uint32_t find_true(const struct elements *mask, bool from_end)
{
    for (uint32_t k = 0; k < mask->n; k++) {
        uint32_t at = from_end ? mask->n - 1 - k : k;
        if (((const uint8_t *)mask->values)[at])
            return at;
    }
    return mask->n;
}

/* args: the array, yes and no */
static void run_first(struct call *c)
{
    size_t width = type_width(c->out->type);
    bool has = false;

    for (size_t i = 0; i < c->n; i++) {
        struct elements from = array_elements(call_type(c, 0), call_value(c, 0, i));
        struct elements mask = array_elements(call_type(c, 1), call_value(c, 1, i));
        uint32_t at = find_true(&mask, c->param.i == ARRAY_LAST);
        char *to = (char *)c->out->values + i * width;
        bool is_there = at < from.n && at < mask.n;
        c->nulls[i] = is_there ? element_is_null(&from, at) : from.type.is_nullable;
        has |= c->nulls[i];
        if (is_there)
            memcpy(to, element_at(&from, at), width);
        else
            memset(to, 0, width);
    }
    c->out->nulls = has ? c->nulls : NULL;
    array_all_faults(c);
}
static const struct op op_first = {"arrayFirst", run_first, OP_OWN_MASKS};

static void run_first_index(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct elements mask = array_elements(call_type(c, 0), call_value(c, 0, i));
        uint32_t at = find_true(&mask, c->param.i == ARRAY_LAST_INDEX);
        RESULT(uint32_t)[i] = at < mask.n ? at + 1 : 0;
    }
}
static const struct op op_first_index = {"arrayFirstIndex", run_first_index, 0};

/* ---- functions ---- */

/* The arguments behind the lambda, or all; each an array. */
static bool build_arrays(struct site *s, uint32_t first, value_id *arrays)
{
    bool is_good = true;

    s->args = arena_zero(&s->b->memory->arena, (s->n_args + 1) * sizeof(*s->args));
    for (uint32_t i = first; i < s->n_args; i++) {
        s->args[i] = build_node(s->b, s->node->args[i], s->scope, s->d);
        if (s->args[i] < 0) {
            is_good = false;
        } else if (value_at(s->b, s->args[i])->type.kind == TYPE_MAP) {
            site_error(s, "lambdas over maps are not there yet: use mapKeys(m) and mapValues(m)");
            is_good = false;
        } else if (value_at(s->b, s->args[i])->type.kind != TYPE_ARRAY) {
            site_bad_type(s, i, "an array");
            is_good = false;
        }
        if (is_good)
            s->args[i] = array_without_dictionaries(s->b, s->args[i]);
        arrays[i - first] = s->args[i];
    }
    return is_good;
}

static bool is_condition_list(struct site *s, value_id list)
{
    struct type element = value_at(s->b, list)->type.more->elements[0];

    return element.kind == TYPE_NOTHING ||
           ((element.kind == TYPE_UINT8 || element.kind == TYPE_BOOL) && !element.is_nullable);
}

static value_id finish(struct site *s, value_id first, value_id list, enum array_function what)
{
    struct builder *b = s->b;
    struct param param = {.i = what};
    struct type element = value_at(b, first)->type.more->elements[0];

    switch (what) {
    case ARRAY_MAP: return list;
    case ARRAY_FILTER:
        return emit_typed(b, &op_filter, value_at(b, first)->type, (value_id[]){first, list}, 2,
                          param);
    case ARRAY_COUNT: return emit_typed(b, &op_count, type_of(TYPE_UINT32), &list, 1, param);
    case ARRAY_EXISTS:
    case ARRAY_ALL: return emit_typed(b, &op_count, type_of(TYPE_UINT8), &list, 1, param);
    case ARRAY_FIRST:
    case ARRAY_LAST: return emit_typed(b, &op_first, element, (value_id[]){first, list}, 2, param);
    case ARRAY_FIRST_INDEX:
    case ARRAY_LAST_INDEX:
        return emit_typed(b, &op_first_index, type_of(TYPE_UINT32), &list, 1, param);
    default: return build_array_fold(s, first, list, what);
    }
}

static value_id build_lambda_function(struct site *s)
{
    enum array_function what = (enum array_function)s->f->param;
    bool has_lambda = s->node->args[0]->kind == AST_LAMBDA;
    bool is_search = what >= ARRAY_FIRST && what <= ARRAY_LAST_INDEX;
    bool wants_condition = is_search || (what >= ARRAY_FILTER && what <= ARRAY_COUNT);
    bool needs_lambda = is_search || what == ARRAY_MAP || what == ARRAY_FILTER;
    value_id *arrays = arena_alloc(&s->b->memory->arena, (s->n_args + 1) * sizeof(*arrays));

    if (needs_lambda && !has_lambda)
        return site_error(s, "'%.*s' wants a lambda first: %.*s(x -> …, array)", STR_FMT(s->name),
                          STR_FMT(s->name));
    if (has_lambda && s->n_args < 2)
        return site_error(s, "'%.*s' wants an array behind the lambda", STR_FMT(s->name));
    if (!build_arrays(s, has_lambda, arrays))
        return VALUE_FAILED;
    uint32_t n = s->n_args - has_lambda;
    if (has_lambda) {
        value_id list = build_body(s, s->node->args[0], arrays, n, wants_condition);
        return list < 0 ? VALUE_FAILED : finish(s, arrays[0], list, what);
    }
    if (n > 1)
        return site_error(s, "'%.*s' takes several arrays only with a lambda", STR_FMT(s->name));
    if (wants_condition && !is_condition_list(s, arrays[0]))
        return site_error(s, "'%.*s' without a lambda takes an array of UInt8", STR_FMT(s->name));
    return finish(s, arrays[0], arrays[0], what);
}

#define WITH_LAMBDA(name, arguments, summary, what)                                                \
    {                                                                                              \
        name, arguments, summary, 1, 255, FN_RAW | FN_OWN_NULLS | FN_OWN_LC,                       \
            build_lambda_function, what                                                            \
    }

static const struct function functions[] = {
    WITH_LAMBDA("arrayMap", "x -> …, a[, b, …]", "What the lambda makes of each element.",
                ARRAY_MAP),
    WITH_LAMBDA("arrayFilter", "x -> …, a[, b, …]",
                "The elements of a for which the lambda is true.", ARRAY_FILTER),
    WITH_LAMBDA("arrayExists", "[x -> …,] a", "Is it true for any element?", ARRAY_EXISTS),
    WITH_LAMBDA("arrayAll", "[x -> …,] a", "Is it true for all elements?", ARRAY_ALL),
    WITH_LAMBDA("arrayCount", "[x -> …,] a", "For how many elements is it true?", ARRAY_COUNT),
    WITH_LAMBDA("arraySum", "[x -> …,] a", "The sum.", ARRAY_SUM),
    WITH_LAMBDA("arrayAvg", "[x -> …,] a", "The mean; nan of an empty array.", ARRAY_AVG),
    WITH_LAMBDA("arrayMin", "[x -> …,] a", "The smallest; 0 or '' of an empty array.", ARRAY_MIN),
    WITH_LAMBDA("arrayMax", "[x -> …,] a", "The largest; 0 or '' of an empty array.", ARRAY_MAX),
    WITH_LAMBDA("arrayFirst", "x -> …, a", "The first element for which it is true, else 0 or ''.",
                ARRAY_FIRST),
    WITH_LAMBDA("arrayLast", "x -> …, a", "The last such element.", ARRAY_LAST),
    WITH_LAMBDA("arrayFirstIndex", "x -> …, a", "Where that is, counted from 1; 0 if nowhere.",
                ARRAY_FIRST_INDEX),
    WITH_LAMBDA("arrayLastIndex", "x -> …, a", "Where the last is.", ARRAY_LAST_INDEX),
    WITH_LAMBDA("arraySort", "[x -> …,] a",
                "In ascending order, of the lambda's values if there is one; NaN, then NULL last.",
                ARRAY_SORT),
    WITH_LAMBDA("arrayReverseSort", "[x -> …,] a", "In descending order; NaN, then NULL last.",
                ARRAY_REVERSE_SORT),
};
const struct function_family family_lambda = {"Arrays with lambdas", functions, COUNT(functions)};
