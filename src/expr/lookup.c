/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup.column(key, …): two operations, so that columns of one key share the search.
 *
 *     customers.plan(user)   rows = find(user)            UInt32, LOOKUP_NONE where there is none
 *                            plan = column(rows)          Nullable
 *
 * Which version of a lookup is read is the run's matter: frame_lookups. */
#include "expr/expr_priv.h"

#include <assert.h>
#include <stdio.h>

/* ---- kernels ---- */

static const struct lookup_table *table_of(const struct call *c)
{
    assert(c->frame != NULL); /* OP_RUN: never folded */
    const struct lookup_table *const *tables = frame_tables(c->frame);
    assert(tables != NULL && tables[c->param.i] != NULL);
    return tables[c->param.i];
}

static void pass_faults(struct call *c)
{
    c->out->faults = NULL;
    for (uint32_t a = 0; a < c->n_args; a++) {
        const uint8_t *faults = c->args[a]->faults;
        if (faults == NULL)
            continue;
        if (c->out->faults == NULL)
            memcpy(c->faults, faults, c->n);
        for (size_t i = 0; c->out->faults && i < c->n; i++)
            c->faults[i] = c->faults[i] ? c->faults[i] : faults[i];
        c->out->faults = c->faults;
    }
}

/* param.j: kind of the first key. Nothing is looked for under a NULL or a fault. */
static void run_find(struct call *c)
{
    uint32_t *rows = c->out->values;
    lookup_find(table_of(c), (enum type_kind)c->param.j, c->args, c->n, c->arena, rows);
    pass_faults(c);
    for (uint32_t a = 0; a < c->n_args; a++) {
        const uint8_t *nulls = c->args[a]->nulls;
        for (size_t i = 0; nulls && i < c->n; i++)
            rows[i] = nulls[i] ? LOOKUP_NONE : rows[i];
    }
    for (size_t i = 0; c->out->faults && i < c->n; i++)
        rows[i] = c->faults[i] ? LOOKUP_NONE : rows[i];
}

static void run_column(struct call *c)
{
    lookup_values(table_of(c), (size_t)c->param.j, c->args[0]->values, c->n, c->out->values,
                  c->nulls);
    c->out->nulls = c->nulls;
    pass_faults(c);
}

/* param.j: the field; with a second argument, a path, that is read instead. */
static void run_geo(struct call *c)
{
    struct str path = c->n_args > 1 ? str_at(c->args[1], 0) : (struct str){0};
    struct lookup_geo *g = frame_geo(c->frame, table_of(c), c->param, c->n_args > 1 ? &path : NULL);
    lookup_geo_values(g, c->args[0]->values, c->n, c->arena, c->out->values, c->nulls);
    c->out->nulls = c->nulls;
    pass_faults(c);
}

static const struct op op_find = {"find", run_find, OP_OWN_MASKS | OP_RUN | OP_LABEL};
static const struct op op_column = {"column", run_column, OP_OWN_MASKS | OP_RUN | OP_LABEL};
static const struct op op_geo = {"geo", run_geo, OP_OWN_MASKS | OP_RUN | OP_LABEL};

/* ---- building ---- */

struct lookup_site {
    struct builder *b;
    const struct ast *node;
    struct diagnostics *d;
    size_t index; /* of the lookup */
    const struct lookup_spec *spec;
    struct str column;
    value_id *args;
    uint32_t n_args;
};

static value_id fail(const struct lookup_site *s, const char *advice, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static value_id fail(const struct lookup_site *s, const char *advice, const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    diagnose_error(s->d, s->node->at, advice, "%s", text);
    return VALUE_FAILED;
}

static bool holds_same(struct type a, struct type b)
{
    return a.kind == b.kind && a.scale == b.scale && a.size == b.size && a.more == b.more;
}

/* What one would write to make the argument a key of the type. */
static void put_conversion(struct buf *out, const struct ast *arg, struct type from, struct type to)
{
    char name[64];
    bool has_or_null = type_is_integer(to) || type_is_float(to) || type_is_time(to) ||
                       to.kind == TYPE_DATE || to.kind == TYPE_DATE32 || to.kind == TYPE_UUID ||
                       to.kind == TYPE_IPV4 || to.kind == TYPE_IPV6;
    buf_text(out, "write ");
    if (to.kind == TYPE_STRING) {
        buf_text(out, "toString(");
        ast_print(out, arg);
        buf_text(out, ")");
    } else if (has_or_null && type_is_text(from) && to.kind != TYPE_DATETIME64) {
        buf_printf(out, "to%sOrNull(", type_name(type_of(to.kind), name));
        ast_print(out, arg);
        buf_text(out, ")");
    } else {
        buf_text(out, "accurateCastOrNull(");
        ast_print(out, arg);
        buf_printf(out, ", '%s')", type_name(type_bare(to), name));
    }
}

static value_id refuse_key(struct lookup_site *s, uint32_t i, struct type want)
{
    AUTO_DONE(buf) advice = {0};
    char from[64], to[64];
    struct type have = value_at(s->b, s->args[i])->type;
    struct str key = s->spec->names[s->spec->keys[i]];
    put_conversion(&advice, s->node->args[i], have, want);
    return fail(s, buf_cstr(&advice), "key '%.*s' of lookup '%.*s' is %s, this is %s", STR_FMT(key),
                STR_FMT(s->spec->name), type_name(type_bare(want), to), type_name(have, from));
}

static bool take_key(struct lookup_site *s, uint32_t i)
{
    struct type have = type_bare(value_at(s->b, s->args[i])->type);
    struct type want = type_bare(lookup_column_type(s->spec, s->spec->keys[i])), super;
    if (holds_same(have, want))
        return true;
    bool is_number = type_is_number(have) && type_is_number(want);
    bool is_text = type_is_text(have) && want.kind == TYPE_STRING;
    if ((is_number || is_text) && type_super(&super, (struct type[]){have, want}, 2) &&
        holds_same(super, want))
        s->args[i] = cast_super(s->b, s->args[i], want);
    else
        return refuse_key(s, i, want) >= 0;
    return true;
}

static bool take_address(struct lookup_site *s)
{
    struct type t = value_at(s->b, s->args[0])->type;
    char name[64];
    if (t.kind == TYPE_IPV4 || t.kind == TYPE_IPV6 || t.kind == TYPE_UINT32 ||
        (t.kind == TYPE_FIXED_STRING && t.size == 16))
        return true;
    AUTO_DONE(buf) advice = {0};
    buf_text(&advice, "write toIPv6OrNull(");
    ast_print(&advice, s->node->args[0]);
    buf_text(&advice, "), which takes both IPv4 and IPv6");
    return fail(s, type_is_text(t) ? buf_cstr(&advice) : NULL,
                "the key of lookup '%.*s' is an address, IPv4 or IPv6; this is %s",
                STR_FMT(s->spec->name), type_name(t, name)) >= 0;
}

static bool take_keys(struct lookup_site *s, uint32_t n)
{
    if (s->spec->layout != LOOKUP_HASHED)
        return take_address(s);
    bool is_good = true;
    for (uint32_t i = 0; i < n; i++)
        is_good = take_key(s, i) && is_good;
    return is_good;
}

static const char *label_of(struct lookup_site *s, const char *what, struct str column)
{
    return arena_printf(&s->b->memory->arena, "%.*s.%s%.*s", STR_FMT(s->spec->name), what,
                        STR_FMT(column));
}

static value_id emit_find(struct lookup_site *s, uint32_t n)
{
    s->b->reads_lookups = true;
    s->b->lookups->uses[s->index].is_read = true;
    return emit(s->b, &op_find, type_of(TYPE_UINT32), s->args, n,
                (struct param){.i = (int64_t)s->index, .j = value_at(s->b, s->args[0])->type.kind},
                label_of(s, "find", STR("")));
}

/* A literal NULL among the keys: nothing has it. */
static bool has_null_key(const struct lookup_site *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (value_at(s->b, s->args[i])->type.kind == TYPE_NOTHING)
            return true;
    return false;
}

static value_id unknown_column(struct lookup_site *s, const struct str *names, size_t n)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(buf) advice = {0};
    const char **texts = arena_alloc(&arena, (n + 1) * sizeof(*texts));
    for (size_t i = 0; i < n; i++)
        texts[i] = arena_text(&arena, names[i]);
    const char *near = nearest_name(s->column, texts, n);
    buf_text(&advice, near ? "did you mean " : "it has ");
    for (size_t i = 0; i < n && !near; i++)
        buf_printf(&advice, "%s%s", i ? ", " : "", texts[i]);
    if (near)
        buf_printf(&advice, "%.*s.%s?", STR_FMT(s->spec->name), near);
    return fail(s, buf_cstr(&advice), "lookup '%.*s' has no column '%.*s'", STR_FMT(s->spec->name),
                STR_FMT(s->column));
}

static value_id build_geo(struct lookup_site *s)
{
    enum geo_field field = GEO_N_FIELDS;
    bool is_path = str_is(s->column, "get");
    uint32_t n_wanted = is_path ? 2 : 1;
    struct err e;
    if (!is_path && !geo_field_named(s->column, &field)) {
        struct str names[GEO_N_FIELDS + 1] = {[GEO_N_FIELDS] = STR("get")};
        for (int f = 0; f < GEO_N_FIELDS; f++)
            names[f] = str_of(geo_field_name((enum geo_field)f));
        return unknown_column(s, names, COUNT(names));
    }
    if (s->n_args != n_wanted)
        return fail(s, NULL, "'%.*s' takes (%s), not %u argument%s", STR_FMT(s->node->text),
                    is_path ? "address, 'path.in.the.record'" : "address", s->n_args,
                    s->n_args == 1 ? "" : "s");
    struct type type = is_path ? type_nullable(type_of(TYPE_STRING)) : geo_field_type(field);
    if (has_null_key(s, 1))
        return emit_constant(s->b, type, (struct cell){.is_null = true});
    if (!take_keys(s, 1))
        return VALUE_FAILED;
    value_id rows = emit_find(s, 1);
    if (!is_path) {
        s->b->lookups->uses[s->index].fields[field] = true;
        return emit(s->b, &op_geo, type, &rows, 1,
                    (struct param){.i = (int64_t)s->index, .j = field}, label_of(s, "", s->column));
    }
    const struct cell *path = constant_cell(s->b, s->args[1]);
    struct mmdb_path parsed;
    if (path == NULL || value_at(s->b, s->args[1])->type.kind != TYPE_STRING || path->is_null)
        return fail(s, "write 'city.names.en'", "the path of '%.*s' is a text in quotes",
                    STR_FMT(s->node->text));
    if (mmdb_path_parse(&parsed, path->str, &e) != ERR_OK)
        return fail(s, NULL, "%s", e.text);
    return emit(s->b, &op_geo, type, (value_id[]){rows, s->args[1]}, 2,
                (struct param){.i = (int64_t)s->index, .j = GEO_N_FIELDS},
                label_of(s, "", s->column));
}

static value_id build_column(struct lookup_site *s)
{
    const struct decoder_spec *f = &s->spec->format;
    size_t column = 0;
    while (column < f->n_fields && !str_eq(s->spec->names[column], s->column))
        column++;
    if (column == f->n_fields)
        return unknown_column(s, s->spec->names, f->n_fields);
    uint32_t n = (uint32_t)s->spec->n_keys;
    if (s->n_args != n) {
        AUTO_DONE(buf) keys = {0};
        for (uint32_t i = 0; i < n; i++)
            buf_printf(&keys, "%s%.*s", i ? ", " : "", STR_FMT(s->spec->names[s->spec->keys[i]]));
        return fail(s, NULL, "'%.*s' takes (%s), not %u argument%s", STR_FMT(s->node->text),
                    buf_cstr(&keys), s->n_args, s->n_args == 1 ? "" : "s");
    }
    struct type type = type_nullable(f->fields[column].type);
    if (type.kind == TYPE_STRING && gives_low_cardinality(s->b, s->args, n))
        type.is_low_cardinality = true;
    if (has_null_key(s, n))
        return emit_constant(s->b, type, (struct cell){.is_null = true});
    if (!take_keys(s, n))
        return VALUE_FAILED;
    value_id rows = emit_find(s, n);
    return emit(s->b, &op_column, type, &rows, 1,
                (struct param){.i = (int64_t)s->index, .j = (int64_t)column},
                label_of(s, "", s->column));
}

/* ---- names ---- */

static bool begins_with_name(struct str text, struct str name)
{
    return text.n > name.n + 1 && memcmp(text.p, name.p, name.n) == 0 && text.p[name.n] == '.';
}

static value_id unknown_lookup(const struct builder *b, const struct ast *node,
                               struct diagnostics *d)
{
    const struct expr_lookups *l = b->lookups;
    AUTO_DONE(arena) arena = {0};
    const char *dot = memchr(node->text.p, '.', node->text.n);
    struct str name = {node->text.p, (size_t)(dot - node->text.p)};
    const char **texts = arena_alloc(&arena, ((l ? l->n : 0) + 1) * sizeof(*texts));
    for (size_t i = 0; l && i < l->n; i++)
        texts[i] = arena_text(&arena, l->specs[i]->name);
    const char *near = l ? nearest_name(name, texts, l->n) : NULL;
    const char *advice =
        near ? arena_printf(&arena, "did you mean '%s'?", near) : "CREATE LOOKUP defines one";
    diagnose_error(d, node->at, advice, "there is no lookup '%.*s'", STR_FMT(name));
    return VALUE_FAILED;
}

bool lookup_is_call(const struct ast *node)
{
    return node->kind == AST_CALL && !node->is_operator && node->text.n > 0 &&
           memchr(node->text.p, '.', node->text.n) != NULL;
}

value_id build_lookup(struct builder *b, const struct ast *node, const struct scope *scope,
                      struct diagnostics *d)
{
    const struct expr_lookups *l = b->lookups;
    for (size_t i = 0; l && i < l->n_broken; i++)
        if (begins_with_name(node->text, l->broken[i]))
            return VALUE_FAILED; /* what is wrong with it is said there */
    struct lookup_site s = {.b = b, .node = node, .d = d, .n_args = node->n_args};
    for (size_t i = 0; l && i < l->n && s.spec == NULL; i++) {
        if (!begins_with_name(node->text, l->specs[i]->name))
            continue;
        s.index = i;
        s.spec = l->specs[i];
    }
    if (s.spec == NULL)
        return unknown_lookup(b, node, d);
    s.column = (struct str){node->text.p + s.spec->name.n + 1, node->text.n - s.spec->name.n - 1};
    s.args = arena_alloc(&b->memory->arena, (node->n_args + 1) * sizeof(*s.args));
    bool failed = false;
    for (uint32_t i = 0; i < node->n_args; i++) {
        s.args[i] = build_node(b, node->args[i], scope, d);
        failed |= s.args[i] < 0;
    }
    if (failed)
        return VALUE_FAILED;
    return s.spec->layout == LOOKUP_GEOIP ? build_geo(&s) : build_column(&s);
}

void builder_lookups(struct builder *b, const struct expr_lookups *lookups)
{
    b->lookups = lookups;
}
