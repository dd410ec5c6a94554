/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/metric.h"

#include <stdio.h>

struct metric_build {
    struct relation *own;
    struct source_build *s;
    const struct metric_def *def;
    struct diagnostics *d;
    struct arena *arena;
    const struct zone *zone;
    /* Keys of all sets, in order of first appearance. */
    const struct ast **keys;
    value_id *key_values;
    struct plan_column *key_columns;
    size_t n_keys, cap_keys;
    struct plan_measure *measures;
    size_t n_measures, cap_measures;
    struct plan_item *items;
    size_t n_items;
    const struct ast *having;
    uint64_t max_keys;
    const struct lambda_names *lambda; /* parameters that stand where over_columns is */
    bool *is_open;                     /* items whose value is being replaced: by number */
};

struct lambda_names {
    const struct ast *lambda;
    const struct lambda_names *outer;
};

static bool is_aggregate_call(const struct ast *node)
{
    return node->kind == AST_CALL && !node->is_operator && aggregate_is_known(node->text);
}

bool ast_has_aggregate(const struct ast *node)
{
    if (is_aggregate_call(node))
        return true;
    for (uint32_t i = 0; i < node->n_args; i++)
        if (ast_has_aggregate(node->args[i]))
            return true;
    return false;
}

/* ---- keys ---- */

static const struct ast *resolve_key(struct metric_build *m, const struct ast *key)
{
    /* GROUP BY 1 means the first item, as in ClickHouse (enable_positional_arguments = 1). */
    if (key->kind == AST_NUMBER && key->text.n < 4) {
        char text[8] = "";
        memcpy(text, key->text.p, key->text.n);
        long at = strtol(text, NULL, 10);
        if (at >= 1 && at <= (long)m->def->n_items)
            return m->def->items[at - 1].value;
    }
    return key;
}

static struct str key_name(struct metric_build *m, const struct ast *key, value_id value)
{
    if (key->kind == AST_NAME)
        return key->text;
    for (uint32_t i = 0; i < m->def->n_items; i++) {
        const struct select_item *item = &m->def->items[i];
        if (!item->alias.n || ast_has_aggregate(item->value))
            continue;
        struct relation_column *c = relation_find(m->own, item->alias);
        if (c != NULL && relation_column_value(m->own, c) == value)
            return item->alias;
    }
    return ast_default_name(m->arena, key);
}

/* Index of the key among all keys; -1 after a mistake. */
static int add_key(struct metric_build *m, const struct ast *written)
{
    const struct ast *key = resolve_key(m, written);
    if (ast_has_aggregate(key)) {
        diagnose_error(m->d, written->at, NULL, "an aggregate function cannot stand in GROUP BY");
        return -1;
    }
    struct scope scope = relation_scope(m->own);
    value_id v = builder_expression(m->s->builder, key, &scope, m->d);
    if (v < 0)
        return -1;
    struct str name = key_name(m, key, v);
    /* Equal values under two names (u8 and toUInt8(u8) AS m0) are two keys. */
    for (size_t i = 0; i < m->n_keys; i++)
        if (m->key_values[i] == v && str_eq(m->key_columns[i].name, name))
            return (int)i;
    struct type t = builder_type(m->s->builder, v);
    char type[64];
    if (t.kind == TYPE_NOTHING || t.kind == TYPE_INTERVAL) {
        diagnose_error(m->d, written->at, NULL, "cannot group by a value of type %s",
                       type_name(t, type));
        return -1;
    }
    if (str_is(name, "bucket") || str_is(name, "_set")) {
        diagnose_error(m->d, written->at, "give it another name by AS",
                       "'%.*s' is the name of a column that weir adds", STR_FMT(name));
        return -1;
    }
    for (size_t i = 0; i < m->n_keys; i++) {
        if (str_eq(m->key_columns[i].name, name)) {
            diagnose_error(m->d, written->at, "name them apart by AS", "two keys are named '%.*s'",
                           STR_FMT(name));
            return -1;
        }
    }
    if (m->n_keys == m->cap_keys) {
        diagnose_error(m->d, written->at, NULL, "more than %zu keys", m->cap_keys);
        return -1;
    }
    m->keys[m->n_keys] = key;
    m->key_values[m->n_keys] = v;
    value_id kept = type_is_compound(t) ? builder_key_bytes(m->s->builder, v) : v;
    m->key_columns[m->n_keys] = (struct plan_column){name, t, source_output(m->s, kept)};
    return (int)m->n_keys++;
}

/* ---- measures ---- */

static const char *measure_column(struct metric_build *m, struct str wanted)
{
    char *name = arena_text(m->arena, wanted);
    for (int n = 1;; n++) {
        bool is_taken = strcmp(name, "bucket") == 0 || *name == '_' || *name == '\0';
        for (size_t i = 0; i < m->n_keys; i++)
            is_taken |= str_is(m->key_columns[i].name, name);
        for (size_t i = 0; i < m->n_measures; i++)
            is_taken |= strcmp(m->measures[i].column, name) == 0;
        if (!is_taken)
            return name;
        name = arena_printf(m->arena, "m%.*s_%d", STR_FMT(wanted), n);
    }
}

static bool constant_params(struct metric_build *m, const struct ast *call, struct str *out,
                            size_t cap)
{
    if (call->n_params > cap) {
        diagnose_error(m->d, call->at, NULL, "%.*s has more than %zu parameters",
                       STR_FMT(call->text), cap);
        return false;
    }
    for (uint32_t i = 0; i < call->n_params; i++) {
        const struct ast *p = call->params[i];
        AUTO_DONE(buf) text = {0};
        struct scope none = {0};
        value_id v = p->kind == AST_NUMBER ? VALUE_UNKNOWN
                                           : builder_expression(m->s->builder, p, &none, m->d);
        if (p->kind == AST_NUMBER)
            buf_str(&text, p->text);
        else if (v < 0)
            return false;
        else if (!builder_constant_text(m->s->builder, v, &text)) {
            diagnose_error(m->d, p->at, NULL, "parameters of %.*s must be constants",
                           STR_FMT(call->text));
            return false;
        }
        out[i] = arena_str(m->arena, buf_view(&text));
    }
    return true;
}

/* Index of the measure; -1 after a mistake. */
static int add_measure(struct metric_build *m, const struct ast *call, struct str wanted_name)
{
    enum { MAX_PARAMS = 32 };
    struct plan_measure measure = {.call = call, .condition = -1};
    bool is_if = aggregate_has_if(call->text);
    const char *base = aggregate_base(call->text);
    bool is_count = base != NULL && strcmp(base, "count") == 0;
    struct str name = call->text;
    if (call->is_distinct) {
        if (!is_count) {
            diagnose_error(m->d, call->at, NULL, "DISTINCT stands only in count(DISTINCT x)");
            return -1;
        }
        name = is_if ? STR("uniqExactIf") : STR("uniqExact");
    }
    uint32_t n_args = call->n_args;
    if (is_if && n_args == 0) {
        diagnose_error(m->d, call->at, NULL, "%.*s needs a condition", STR_FMT(call->text));
        return -1;
    }
    struct scope scope = relation_scope(m->own);
    struct type types[COUNT(measure.args)];
    struct str params[MAX_PARAMS];
    if (n_args - is_if > COUNT(measure.args)) {
        diagnose_error(m->d, call->at, NULL, "%.*s has more than %zu arguments",
                       STR_FMT(call->text), COUNT(measure.args));
        return -1;
    }
    for (uint32_t i = 0; i < n_args; i++) {
        if (ast_has_aggregate(call->args[i])) {
            diagnose_error(m->d, call->args[i]->at, NULL,
                           "an aggregate function inside another one");
            return -1;
        }
        /* count(*) is count(). */
        if (call->args[i]->kind == AST_STAR && is_count)
            continue;
        value_id v = builder_expression(m->s->builder, call->args[i], &scope, m->d);
        if (v < 0)
            return -1;
        if (is_if && i + 1 == n_args) {
            v = builder_condition(m->s->builder, v, call->args[i]->at, m->d);
            if (v < 0)
                return -1;
            measure.condition = source_output(m->s, v);
        } else {
            types[measure.n_args] = builder_type(m->s->builder, v);
            measure.args[measure.n_args++] = source_output(m->s, v);
        }
    }
    struct err e;
    if (!constant_params(m, call, params, MAX_PARAMS))
        return -1;
    if (aggregate_new(&measure.aggregate, m->arena, name, params, call->n_params, types,
                      measure.n_args, is_if, &e) != ERR_OK) {
        AUTO_DONE(buf) advice = {0};
        diagnose_error(m->d, call->at,
                       advice_for_measure(&advice, call, types, measure.n_args, e.text), "%s",
                       e.text);
        return -1;
    }
    /* The same aggregate twice is kept once. */
    for (size_t i = 0; i < m->n_measures; i++)
        if (ast_equal(m->measures[i].call, call))
            return (int)i;
    if (m->n_measures == m->cap_measures) {
        m->cap_measures = m->cap_measures ? m->cap_measures * 2 : 8;
        struct plan_measure *more = arena_zero(m->arena, m->cap_measures * sizeof(*more));
        if (m->n_measures)
            memcpy(more, m->measures, m->n_measures * sizeof(*more));
        m->measures = more;
    }
    measure.column = (char *)measure_column(m, wanted_name);
    m->measures[m->n_measures] = measure;
    return (int)m->n_measures++;
}

/* ---- items ---- */

/* Inside a view, keys are _k_NAME and measures _m_NAME: an item's alias can never stand in front
 * of them. */
static struct ast *name_node(struct metric_build *m, const struct ast *like, const char *prefix,
                             struct str name)
{
    struct ast *node = arena_zero(m->arena, sizeof(*node));
    *node = (struct ast){.kind = AST_NAME,
                         .at = like->at,
                         .text = str_of(arena_printf(m->arena, "%s%.*s", prefix, STR_FMT(name)))};
    return node;
}

static bool is_parameter(const struct lambda_names *names, struct str name)
{
    for (; names != NULL; names = names->outer)
        for (uint32_t i = 0; i + 1 < names->lambda->n_args; i++)
            if (str_eq(names->lambda->args[i]->text, name))
                return true;
    return false;
}

static bool has_parameter(const struct lambda_names *names, const struct ast *node)
{
    if (names == NULL)
        return false;
    if (node->kind == AST_NAME)
        return is_parameter(names, node->text);
    for (uint32_t i = 0; i < node->n_args; i++)
        if (has_parameter(names, node->args[i]))
            return true;
    return false;
}

static const struct ast *over_columns(struct metric_build *m, const struct ast *node,
                                      struct str item_name);

static const struct ast *over_item(struct metric_build *m, uint32_t i, struct str name)
{
    const struct select_item *item = &m->def->items[i];
    /* A key by its alias is what the alias says, whatever aggregates have the names in it. */
    for (size_t k = 0; item->alias.n && !ast_has_aggregate(item->value) && k < m->n_keys; k++)
        if (str_eq(m->key_columns[k].name, item->alias))
            return name_node(m, item->value, "_k_", item->alias);
    m->is_open[i] = true;
    const struct ast *value = over_columns(m, m->def->items[i].value, name);
    m->is_open[i] = false;
    return value;
}

/* Number of the item with an aggregate that the name stands for; -1: none, or it is part of it. */
static int aggregate_item(const struct metric_build *m, const struct ast *node)
{
    for (uint32_t i = 0; node->kind == AST_NAME && i < m->def->n_items; i++)
        if (str_eq(m->def->items[i].alias, node->text) && !m->is_open[i] &&
            ast_has_aggregate(m->def->items[i].value))
            return (int)i;
    return -1;
}

/* What stands around aggregates is for ClickHouse to compute, but must be there at all. */
static bool check_function(struct metric_build *m, const struct ast *node)
{
    if (node->kind != AST_CALL || node->is_operator ||
        (!node->has_params && function_exists(node->text)))
        return true;
    size_t n;
    const char *const *names = node->has_params ? aggregate_names(&n) : function_names(&n);
    const char *near = nearest_name(node->text, names, n);
    if (near == NULL && !node->has_params) {
        names = aggregate_names(&n);
        near = nearest_name(node->text, names, n);
    }
    diagnose_error(m->d, node->at, near ? arena_printf(m->arena, "did you mean '%s'?", near) : NULL,
                   node->has_params ? "unknown aggregate function '%.*s'"
                                    : "unknown function '%.*s'",
                   STR_FMT(node->text));
    return false;
}

/* The node itself stays, its arguments are replaced; NULL after a mistake. */
static const struct ast *over_arguments(struct metric_build *m, const struct ast *node,
                                        struct str item_name)
{
    struct ast *copy = arena_zero(m->arena, sizeof(*copy));
    struct lambda_names names = {node, m->lambda};
    bool is_lambda = node->kind == AST_LAMBDA, is_whole = true;
    *copy = *node;
    copy->args = arena_zero(m->arena, (node->n_args + 1) * sizeof(*copy->args));
    if (is_lambda)
        m->lambda = &names;
    for (uint32_t i = 0; i < node->n_args && is_whole; i++) {
        bool is_name = is_lambda && i + 1 < node->n_args;
        copy->args[i] =
            is_name ? node->args[i] : (struct ast *)over_columns(m, node->args[i], item_name);
        is_whole = copy->args[i] != NULL;
    }
    m->lambda = names.outer;
    return is_whole ? copy : NULL;
}

/* Written out or by the name of an item. */
static bool has_aggregate(const struct metric_build *m, const struct ast *node)
{
    if (is_aggregate_call(node) || aggregate_item(m, node) >= 0)
        return true;
    for (uint32_t i = 0; i < node->n_args; i++)
        if (has_aggregate(m, node->args[i]))
            return true;
    return false;
}

/* The expression with aggregates and keys replaced by the names of their columns; NULL after a
 * mistake. */
static const struct ast *over_columns(struct metric_build *m, const struct ast *node,
                                      struct str item_name)
{
    if (node->is_broken)
        return NULL;
    if (is_aggregate_call(node)) {
        int i = add_measure(m, node, item_name);
        return i < 0 ? NULL : name_node(m, node, "_m_", str_of(m->measures[i].column));
    }
    if (node->kind == AST_NULL || node->kind == AST_NUMBER || node->kind == AST_STRING ||
        node->kind == AST_BOOL)
        return node;
    if (node->kind == AST_NAME && is_parameter(m->lambda, node->text))
        return node;
    int item = aggregate_item(m, node);
    if (item >= 0)
        return over_item(m, (uint32_t)item, node->text);
    if (lookup_is_call(node) && has_aggregate(m, node)) {
        diagnose_error(m->d, node->at, "read it in a stream, and aggregate what it gives",
                       "lookup '%.*s' cannot be asked after aggregating", STR_FMT(node->text));
        return NULL;
    }
    if (!lookup_is_call(node) && !check_function(m, node))
        return NULL;
    if (!has_aggregate(m, node) && node->kind != AST_LAMBDA && !has_parameter(m->lambda, node)) {
        struct scope scope = relation_scope(m->own);
        value_id v = builder_expression(m->s->builder, node, &scope, m->d);
        if (v < 0)
            return NULL;
        for (size_t i = 0; node->kind == AST_NAME && i < m->n_keys; i++)
            if (m->key_values[i] == v && str_eq(m->key_columns[i].name, node->text))
                return name_node(m, node, "_k_", m->key_columns[i].name);
        for (size_t i = 0; i < m->n_keys; i++)
            if (m->key_values[i] == v)
                return name_node(m, node, "_k_", m->key_columns[i].name);
    }
    if (lookup_is_call(node)) {
        AUTO_DONE(buf) text = {0};
        ast_print(&text, node);
        diagnose_error(m->d, node->at, "add it to GROUP BY, or aggregate it",
                       "%s is neither in GROUP BY nor in an aggregate function", buf_cstr(&text));
        return NULL;
    }
    if (node->kind == AST_NAME) {
        struct relation_column *alias = relation_find(m->own, node->text);
        if (alias != NULL && alias->item != node)
            return over_columns(m, alias->item, item_name);
        diagnose_error(m->d, node->at, "add it to GROUP BY, or aggregate it",
                       "column '%.*s' is neither in GROUP BY nor in an aggregate function",
                       STR_FMT(node->text));
        return NULL;
    }
    return over_arguments(m, node, item_name);
}

static bool add_items(struct metric_build *m)
{
    bool is_good = true;
    m->items = arena_zero(m->arena, (m->def->n_items + 1) * sizeof(*m->items));
    m->is_open = arena_zero(m->arena, m->def->n_items + 1);
    for (uint32_t i = 0; i < m->def->n_items; i++) {
        const struct select_item *item = &m->def->items[i];
        struct str name = item->alias.n ? item->alias : ast_default_name(m->arena, item->value);
        if (str_is(name, "bucket") || str_is(name, "_set"))
            diagnose_error(m->d, item->at, "give it another name by AS",
                           "'%.*s' is the name of a column that weir adds", STR_FMT(name));
        for (size_t k = 0; k < m->n_items; k++)
            if (str_eq(m->items[k].name, name))
                diagnose_error(m->d, item->at, "give it another name by AS",
                               "column '%.*s' stands twice", STR_FMT(name));
        const struct ast *value = over_item(m, i, name);
        is_good &= value != NULL;
        if (value == NULL)
            continue;
        struct type type = {.kind = TYPE_NOTHING};
        for (size_t k = 0; k < m->n_keys; k++)
            if (value->kind == AST_NAME && str_starts(value->text, "_k_") &&
                str_eq((struct str){value->text.p + 3, value->text.n - 3}, m->key_columns[k].name))
                type = m->key_columns[k].type;
        m->items[m->n_items++] = (struct plan_item){name, value, type};
    }
    if (m->def->having) {
        m->having = over_columns(m, m->def->having, STR("having"));
        is_good &= m->having != NULL;
    }
    return is_good;
}

/* ---- tiers ---- */

static const char *const unit_suffix[] = {
    [INTERVAL_SECOND] = "s",  [INTERVAL_MINUTE] = "m", [INTERVAL_HOUR] = "h",
    [INTERVAL_DAY] = "d",     [INTERVAL_WEEK] = "w",   [INTERVAL_MONTH] = "mo",
    [INTERVAL_QUARTER] = "q", [INTERVAL_YEAR] = "y",
};

static int64_t gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* The coarsest window that every tier's windows are unions of. */
static void finest_window(struct metric_build *m, struct cube_shape *shape)
{
    static const int64_t seconds[] = {[INTERVAL_SECOND] = 1,
                                      [INTERVAL_MINUTE] = 60,
                                      [INTERVAL_HOUR] = 3600,
                                      [INTERVAL_DAY] = 86400,
                                      [INTERVAL_WEEK] = 604800};
    static const int64_t months[] = {
        [INTERVAL_MONTH] = 1, [INTERVAL_QUARTER] = 3, [INTERVAL_YEAR] = 12};
    int64_t s = 0, mo = 0;
    bool has_wide_hours = false;
    for (uint32_t i = 0; i < m->def->n_tiers; i++) {
        struct duration e = m->def->tiers[i].every;
        has_wide_hours |= e.unit == INTERVAL_HOUR && e.count > 1;
        if (e.unit >= INTERVAL_MONTH)
            mo = gcd(mo, e.count * months[e.unit]);
        else
            s = gcd(s, e.count * seconds[e.unit]);
    }
    if (m->def->n_tiers == 1) {
        shape->count = m->def->tiers[0].every.count;
        shape->unit = m->def->tiers[0].every.unit;
    } else if (s == 0) {
        shape->count = mo;
        shape->unit = INTERVAL_MONTH;
    } else {
        if (mo != 0)
            s = gcd(s, 86400);
        bool is_plain = zone_is_utc(m->zone);
        /* Windows of several hours do not begin at whole local hours on a day that is longer or
         * shorter by half an hour (Lord Howe); every zone's offset is a multiple of a quarter. */
        if (!is_plain && has_wide_hours)
            s = gcd(s, 900);
        shape->unit = s % 86400 == 0  ? INTERVAL_DAY
                      : s % 3600 == 0 ? INTERVAL_HOUR
                      : s % 60 == 0   ? INTERVAL_MINUTE
                                      : INTERVAL_SECOND;
        /* Several hours or days do not keep their grid over a change of the clock: one is safe. */
        shape->count = shape->unit == INTERVAL_DAY      ? 1
                       : shape->unit == INTERVAL_HOUR   ? (is_plain ? s / 3600 : 1)
                       : shape->unit == INTERVAL_MINUTE ? s / 60
                                                        : s;
    }
}

static bool check_tiers(struct metric_build *m)
{
    size_t before = m->d->n_errors;
    for (uint32_t i = 0; i < m->def->n_tiers; i++) {
        struct duration e = m->def->tiers[i].every;
        if (e.count < 1 || e.unit < INTERVAL_SECOND)
            diagnose_error(m->d, e.at, NULL,
                           "EVERY takes n SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER or YEAR");
        for (uint32_t k = 0; k < i; k++)
            if (m->def->tiers[k].every.count == e.count && m->def->tiers[k].every.unit == e.unit)
                diagnose_error(m->d, e.at, NULL, "this tier stands twice");
    }
    return m->d->n_errors == before;
}

static void cube_tiers(struct metric_build *m, struct plan_cube *cube)
{
    size_t n = m->def->n_tiers ? m->def->n_tiers : 1;
    cube->tiers = arena_zero(m->arena, n * sizeof(*cube->tiers));
    cube->n_tiers = n;
    AUTO_DONE(buf) base = {0};
    buf_printf(&base, "weir_cube_%.*s", STR_FMT(m->def->name));
    if (m->def->n_sets > 1)
        buf_printf(&base, "_set%zu", cube->set + 1);
    for (size_t i = 0; i < n; i++) {
        struct plan_tier *tier = &cube->tiers[i];
        if (m->def->n_tiers == 0) {
            *tier = (struct plan_tier){.keep = &m->def->keep,
                                       .table = arena_text(m->arena, buf_view(&base)),
                                       .suffix = NULL};
            continue;
        }
        const struct tier_def *def = &m->def->tiers[i];
        tier->every = def->every;
        tier->keep = &def->keep;
        tier->suffix = arena_printf(m->arena, "%lld%s", (long long)def->every.count,
                                    unit_suffix[def->every.unit]);
        tier->table = arena_printf(m->arena, "%s_%s", buf_cstr(&base), tier->suffix);
    }
}

/* ---- settings ---- */

static void metric_settings(struct metric_build *m)
{
    static const char *const names[] = {"max_keys"};
    for (uint32_t i = 0; i < m->def->n_settings; i++) {
        const struct setting *s = &m->def->settings[i];
        if (!str_is(s->name, names[0])) {
            const char *near = nearest_name(s->name, names, COUNT(names));
            diagnose_error(m->d, s->at, near ? "did you mean max_keys?" : "there is max_keys",
                           "a metric has no setting %.*s", STR_FMT(s->name));
            continue;
        }
        bool is_number = s->value.n > 0 && s->value.n < 16;
        m->max_keys = 0;
        for (size_t k = 0; k < s->value.n && is_number; k++) {
            is_number = s->value.p[k] >= '0' && s->value.p[k] <= '9';
            m->max_keys = m->max_keys * 10 + (uint64_t)(s->value.p[k] - '0');
        }
        if (!is_number || m->max_keys == 0)
            diagnose_error(m->d, s->value_at, "leave it out for as many keys as there are",
                           "max_keys is a whole number from 1 on");
    }
}

/* ---- cubes ---- */

/* Does an earlier set have the same keys? Its rows would be these. */
static bool is_there_already(const struct metric_build *m, const struct plan_cube *cube)
{
    const struct plan_source *p = m->s->plan;
    for (size_t i = 0; i < p->n_cubes; i++) {
        const struct plan_cube *other = &p->cubes[i];
        if (other->metric != m->def || other->n_dimensions != cube->n_dimensions)
            continue;
        size_t n_equal = 0;
        for (size_t a = 0; a < cube->n_dimensions; a++)
            for (size_t b = 0; b < cube->n_dimensions; b++)
                n_equal += str_eq(cube->dimensions[a].name, other->dimensions[b].name);
        if (n_equal == cube->n_dimensions)
            return true;
    }
    return false;
}

static void build_cube(struct metric_build *m, size_t set, value_id pass, const int *key_index)
{
    struct plan_source *p = m->s->plan;
    const struct grouping_set *def = m->def->n_sets ? &m->def->sets[set] : NULL;
    struct plan_cube cube = {.metric = m->def,
                             .set = set,
                             .has_sets = m->def->has_grouping_sets || m->max_keys > 0,
                             .max_keys = m->max_keys,
                             .items = m->items,
                             .n_items = m->n_items,
                             .having = m->having,
                             .measures = m->measures,
                             .n_measures = m->n_measures,
                             .level = m->s->level,
                             .pass = pass >= 0 ? source_output(m->s, pass) : -1};
    size_t n = def ? def->n_keys : 0;
    cube.dimensions = arena_zero(m->arena, (n + 1) * sizeof(*cube.dimensions));
    AUTO_DONE(buf) set_name = {0};
    for (size_t i = 0; i < n; i++) {
        bool is_there = false;
        for (size_t k = 0; k < i; k++)
            is_there |= key_index[k] == key_index[i];
        if (is_there)
            continue;
        if (cube.n_dimensions == SHAPE_MAX_DIMENSIONS) {
            diagnose_error(m->d, def->keys[i]->at,
                           "leave keys out, or make one text of several by concat(a, '/', b)",
                           "a grouping set has at most %d keys", SHAPE_MAX_DIMENSIONS);
            return;
        }
        cube.dimensions[cube.n_dimensions++] = m->key_columns[key_index[i]];
        if (set_name.n)
            buf_byte(&set_name, ',');
        buf_str(&set_name, m->key_columns[key_index[i]].name);
    }
    cube.set_name = arena_text(m->arena, buf_view(&set_name));
    if (def != NULL && is_there_already(m, &cube)) {
        diagnose_error(m->d, def->at, NULL, "the grouping set (%s) stands twice", cube.set_name);
        return;
    }
    cube_tiers(m, &cube);

    struct cube_shape *shape = &cube.shape;
    shape->zone = m->zone;
    finest_window(m, shape);
    if (m->def->n_tiers == 0)
        shape->count = 0;
    shape->n_dimensions = cube.n_dimensions;
    shape->dimensions = arena_zero(m->arena, (cube.n_dimensions + 1) * sizeof(struct type));
    for (size_t i = 0; i < cube.n_dimensions; i++)
        shape->dimensions[i] = type_is_compound(cube.dimensions[i].type)
                                   ? (struct type){.kind = TYPE_STRING} /* its bytes */
                                   : cube.dimensions[i].type;
    shape->n_measures = cube.n_measures;
    shape->measures = arena_zero(m->arena, (cube.n_measures + 1) * sizeof(*shape->measures));
    for (size_t i = 0; i < cube.n_measures; i++)
        shape->measures[i].aggregate = cube.measures[i].aggregate;
    cube_shape_init(shape);

    p->cubes = xrealloc(p->cubes, (p->n_cubes + 1) * sizeof(*p->cubes));
    p->cubes[p->n_cubes++] = cube;
}

void metric_build(struct relation *own, const struct metric_def *def, value_id pass)
{
    struct source_build *s = own->source;
    struct metric_build m = {.own = own, .s = s, .def = def, .d = s->d, .arena = s->arena};
    size_t before = m.d->n_errors;
    struct err e;
    if (def->zone.n && zone_find(&m.zone, def->zone, &e) != ERR_OK)
        diagnose_error(m.d, def->zone_at, NULL, "%s", e.text);
    check_tiers(&m);
    metric_settings(&m);

    size_t n_written = 0;
    for (uint32_t i = 0; i < def->n_sets; i++)
        n_written += def->sets[i].n_keys;
    m.cap_keys = n_written;
    m.keys = arena_zero(m.arena, (n_written + 1) * sizeof(*m.keys));
    m.key_values = arena_zero(m.arena, (n_written + 1) * sizeof(*m.key_values));
    m.key_columns = arena_zero(m.arena, (n_written + 1) * sizeof(*m.key_columns));
    int *index = arena_zero(m.arena, (n_written + 1) * sizeof(*index));
    size_t at = 0;
    bool is_good = true;
    for (uint32_t i = 0; i < def->n_sets; i++)
        for (uint32_t k = 0; k < def->sets[i].n_keys; k++) {
            index[at] = add_key(&m, def->sets[i].keys[k]);
            is_good &= index[at++] >= 0;
        }
    if (m.d->n_errors > before || !is_good)
        return;

    if (!add_items(&m))
        return;
    if (m.d->n_errors == before && m.n_measures == 0)
        diagnose_error(m.d, def->at, "add count()", "metric '%.*s' aggregates nothing",
                       STR_FMT(def->name));
    if (m.d->n_errors > before)
        return;
    at = 0;
    size_t n_sets = def->n_sets ? def->n_sets : 1;
    for (size_t i = 0; i < n_sets; i++) {
        build_cube(&m, i, pass, index + at);
        at += def->n_sets ? def->sets[i].n_keys : 0;
    }
}
