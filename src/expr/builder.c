/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: typed nodes that exist once however often the text says them. A call whose arguments
 * are all constant is computed here, by the same kernel that would run over rows. */
#include "expr/expr_priv.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/value.h"
#include "expr/compound.h"

#include "base/hash.h"

enum { DEPTH_MAX = 1000 };

void expr_memory_unref(struct expr_memory *m)
{
    if (m == NULL || atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    for (struct expr_owned *o = m->owned; o != NULL; o = o->next)
        o->free(o->p);
    arena_done(&m->arena);
    free(m);
}

void expr_memory_own(struct expr_memory *m, void *p, void (*free)(void *p))
{
    struct expr_owned *o = arena_alloc(&m->arena, sizeof(*o));

    *o = (struct expr_owned){m->owned, free, p};
    m->owned = o;
}

struct builder *builder_new(void)
{
    struct builder *b = xcalloc(1, sizeof(*b));

    b->memory = xcalloc(1, sizeof(*b->memory));
    atomic_store(&b->memory->refs, 1);
    return b;
}

void builder_free(struct builder *b)
{
    if (b == NULL)
        return;
    expr_memory_unref(b->memory);
    free(b->values);
    free(b->table);
    free(b);
}

/* ---- hash-consing ---- */

static uint64_t cell_hash(struct type t, const struct cell *c)
{
    if (type_is_text(t) || type_is_compound(t))
        return value_hash_deep(t, c->bytes);
    return city_mix(c->u64, ((const uint64_t *)c->bytes)[1]);
}

static bool cell_eq(struct type t, const struct cell *a, const struct cell *b)
{
    if (a->is_null != b->is_null || a->fault != b->fault)
        return false;
    if (a->is_null || a->fault)
        return true;
    return type_is_text(t) || type_is_compound(t) ? value_same(t, a->bytes, b->bytes)
                                                  : memcmp(a->bytes, b->bytes, 16) == 0;
}

static uint64_t value_hash(const struct value *v)
{
    uint64_t h = city_mix(v->kind, (uint64_t)v->type.kind << 24 | v->type.scale << 16 |
                                       v->type.is_nullable << 8 | v->type.is_low_cardinality);
    h = city_mix(h, (uint64_t)(uintptr_t)v->type.more + v->type.size);

    if (v->kind == VALUE_CONSTANT)
        return city_mix(h, cell_hash(v->type, &v->cell));
    if (v->kind == VALUE_INPUT)
        return city_mix(h, v->slot);
    h = city_mix(h, (uint64_t)(uintptr_t)v->op);
    h = city_mix(h, (uint64_t)v->param.i * 31 + (uint64_t)v->param.j);
    h = city_mix(h, (uint64_t)(uintptr_t)v->param.p);
    for (uint32_t i = 0; i < v->n_args; i++)
        h = city_mix(h, (uint64_t)v->args[i] + 77);
    return h;
}

static bool value_eq(const struct value *a, const struct value *b)
{
    if (a->hash != b->hash || a->kind != b->kind || !type_eq(a->type, b->type))
        return false;
    if (a->kind == VALUE_CONSTANT)
        return cell_eq(a->type, &a->cell, &b->cell);
    if (a->kind == VALUE_INPUT)
        return a->slot == b->slot;
    return a->op == b->op && a->param.i == b->param.i && a->param.j == b->param.j &&
           a->param.p == b->param.p && a->n_args == b->n_args && a->n_guards == b->n_guards &&
           (a->n_args == 0 || memcmp(a->args, b->args, a->n_args * sizeof(*a->args)) == 0);
}

static void table_grow(struct builder *b)
{
    b->table_cap = b->table_cap ? b->table_cap * 2 : 256;
    b->table = xrealloc(b->table, b->table_cap * sizeof(*b->table));
    for (size_t i = 0; i < b->table_cap; i++)
        b->table[i] = -1;
    for (size_t v = 0; v < b->n; v++) {
        size_t at = b->values[v].hash & (b->table_cap - 1);
        while (b->table[at] >= 0)
            at = (at + 1) & (b->table_cap - 1);
        b->table[at] = (value_id)v;
    }
}

/* The id of a value equal to *v, which is added if there is none. */
static value_id intern(struct builder *b, struct value *v)
{
    if (b->n * 2 >= b->table_cap)
        table_grow(b);
    v->hash = value_hash(v);
    size_t at = v->hash & (b->table_cap - 1);
    for (; b->table[at] >= 0; at = (at + 1) & (b->table_cap - 1))
        if (value_eq(&b->values[b->table[at]], v))
            return b->table[at];
    if (b->n == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 64;
        b->values = xrealloc(b->values, b->cap * sizeof(*b->values));
    }
    if (v->kind == VALUE_CALL) {
        value_id *args = arena_alloc(&b->memory->arena, v->n_args * sizeof(*args) + 1);
        if (v->n_args)
            memcpy(args, v->args, v->n_args * sizeof(*args));
        v->args = args;
    } else if (v->kind == VALUE_CONSTANT && v->type.kind == TYPE_STRING && v->cell.str.n) {
        /* aligned: it may be a document */
        char *copy = arena_alloc(&b->memory->arena, v->cell.str.n + 1);
        memcpy(copy, v->cell.str.p, v->cell.str.n);
        copy[v->cell.str.n] = 0;
        v->cell.str.p = copy;
    } else if (v->kind == VALUE_CONSTANT && (type_is_text(v->type) || type_is_compound(v->type))) {
        struct cell copy = v->cell;
        value_copy(&b->memory->arena, v->type, copy.bytes, v->cell.bytes);
        v->cell = copy;
    }
    b->table[at] = (value_id)b->n;
    b->values[b->n] = *v;
    return (value_id)b->n++;
}

value_id builder_input(struct builder *b, uint32_t slot, struct type type)
{
    struct value v = {.type = type, .kind = VALUE_INPUT, .slot = slot, .can_fault = true};

    return intern(b, &v);
}

/* ---- constants ---- */

value_id emit_constant(struct builder *b, struct type type, struct cell cell)
{
    struct value v = {
        .type = type, .kind = VALUE_CONSTANT, .cell = cell, .can_fault = cell.fault != 0};

    return intern(b, &v);
}

value_id constant_u64(struct builder *b, enum type_kind kind, uint64_t n)
{
    return emit_constant(b, type_of(kind), (struct cell){.u64 = n});
}

value_id constant_str(struct builder *b, struct str s)
{
    return emit_constant(b, type_of(TYPE_STRING), (struct cell){.str = s});
}

value_id constant_null(struct builder *b)
{
    return emit_constant(b, type_nullable(type_of(TYPE_NOTHING)), (struct cell){.is_null = true});
}

const struct cell *constant_cell(const struct builder *b, value_id v)
{
    return value_at(b, v)->kind == VALUE_CONSTANT ? &value_at(b, v)->cell : NULL;
}

/* ---- calls ---- */

static void run_retype(struct call *c)
{
    (void)c;
}
static const struct op op_retype = {"retype", run_retype, OP_RETYPE};

value_id retype(struct builder *b, value_id v, struct type type)
{
    const struct value *value = value_at(b, v);

    type.is_nullable |= value->type.is_nullable;
    if (type_eq(value->type, type))
        return v;
    if (value->kind == VALUE_CONSTANT)
        return emit_constant(b, type, value->cell);
    return emit(b, &op_retype, type, &v, 1, (struct param){0}, NULL);
}

static value_id fold(struct builder *b, struct value *v)
{
    uint32_t n = v->n_args;
    AUTO_DONE(arena) scratch = {0};
    struct column *columns = arena_alloc(&scratch, (n + 1) * sizeof(*columns));
    const struct column **args = arena_alloc(&scratch, (n + 1) * sizeof(*args));
    bool *is_constant = arena_alloc(&scratch, n + 1);
    uint8_t *nulls = arena_alloc(&scratch, n + 1), *faults = arena_alloc(&scratch, n + 1);
    struct cell *cells = arena_alloc(&scratch, (n + 1) * sizeof(*cells));
    uint8_t out_null = 0, out_fault = 0, fresh = 0;
    struct cell result = {0};
    struct column out = {.type = v->type, .values = result.bytes};

    for (uint32_t i = 0; i < n; i++) {
        const struct value *arg = value_at(b, v->args[i]);
        cells[i] = arg->cell;
        nulls[i] = arg->cell.is_null;
        faults[i] = arg->cell.fault;
        columns[i] = (struct column){.type = arg->type, .values = cells[i].bytes};
        columns[i].nulls = nulls[i] ? &nulls[i] : NULL;
        columns[i].faults = faults[i] ? &faults[i] : NULL;
        args[i] = &columns[i];
        is_constant[i] = true;
    }
    struct call c = {.n = 1,
                     .args = args,
                     .is_constant = is_constant,
                     .n_args = n - v->n_guards,
                     .n_guards = v->n_guards,
                     .param = v->param,
                     .data = v->data,
                     .arena = &b->memory->arena,
                     .out = &out,
                     .nulls = &out_null,
                     .faults = &out_fault,
                     .fresh = &fresh};
    op_run(v->op, &c);
    result.is_null = out.nulls && out.nulls[0];
    result.fault = out.faults ? out.faults[0] : 0;
    if (result.is_null || result.fault) {
        uint8_t fault = result.fault;
        bool is_null = result.is_null;
        result = (struct cell){.is_null = is_null, .fault = fault};
    } else if (type_width(v->type) < 16) {
        memset(result.bytes + type_width(v->type), 0, 16 - type_width(v->type));
    }
    struct value folded = {
        .type = v->type, .kind = VALUE_CONSTANT, .cell = result, .can_fault = result.fault != 0};
    return intern(b, &folded);
}

static value_id emit_value(struct builder *b, struct value *v)
{
    bool all_constant = !(v->op->flags & OP_RUN);

    v->kind = VALUE_CALL;
    v->can_fault = v->op->flags & OP_FAULTS;
    for (uint32_t i = 0; i < v->n_args; i++) {
        const struct value *arg = value_at(b, v->args[i]);
        if (!(v->op->flags & (OP_OWN_MASKS | OP_RETYPE)) && !type_is_compound(v->type))
            v->type.is_nullable |= arg->type.is_nullable;
        v->can_fault |= arg->can_fault;
        v->is_lazy |= value_is_lazy(arg);
        all_constant &= arg->kind == VALUE_CONSTANT;
    }
    if (all_constant)
        return fold(b, v);
    return intern(b, v);
}

value_id emit_typed(struct builder *b, const struct op *op, struct type type, const value_id *args,
                    uint32_t n, struct param param)
{
    struct type *types = arena_alloc(&b->memory->arena, (n + 1) * sizeof(*types));

    for (uint32_t i = 0; i < n; i++)
        types[i] = value_at(b, args[i])->type;
    types[n] = type;
    return emit(b, op, type, args, n, param, types);
}

value_id emit(struct builder *b, const struct op *op, struct type type, const value_id *args,
              uint32_t n, struct param param, const void *data)
{
    struct value v = {.type = type,
                      .op = op,
                      .n_args = n,
                      .args = (value_id *)args,
                      .param = param,
                      .data = data};

    return emit_value(b, &v);
}

/* ---- short circuit ----
 *
 * ClickHouse evaluates an argument of a lazy function only where it is needed, except
 *   - constant expressions: they are computed when the query is analysed;
 *   - intDiv and modulo by a constant, toBool, unless they are computed from something it leaves alone;
 *   - parts that stand in several arguments of one if, multiIf, coalesce.
 * Such a part that may fault becomes a guard of the lazy value. */
struct guard_walk {
    struct builder *b;
    uint8_t *seen; /* per value: 0, or argument number + 1 of the argument that met it first */
    value_id *found;
    size_t n;
    uint8_t *is_found;
    bool common_is_lazy;
};

static bool faults_itself(const struct value *v)
{
    return v->kind == VALUE_CALL && (v->op->flags & OP_FAULTS) != 0;
}

static void guard_add(struct guard_walk *w, value_id id)
{
    if (w->is_found[id])
        return;
    w->is_found[id] = 1;
    w->found[w->n++] = id;
}

static void guard_visit(struct guard_walk *w, value_id id, uint8_t arg)
{
    const struct value *v = value_at(w->b, id);

    if (v->kind == VALUE_CONSTANT && v->cell.fault)
        guard_add(w, id);
    if (v->kind != VALUE_CALL || !v->can_fault)
        return;
    if (w->seen[id] == arg)
        return;
    if (w->seen[id] != 0) {
        if (!w->common_is_lazy && faults_itself(v))
            guard_add(w, id);
    } else {
        w->seen[id] = arg;
        if ((v->op->flags & OP_EAGER_FAULTS) && !v->is_lazy)
            guard_add(w, id);
    }
    for (uint32_t i = 0; i < v->n_args; i++) {
        if (i >= v->n_args - v->n_guards && !v->is_eager)
            guard_add(w, v->args[i]);
        guard_visit(w, v->args[i], arg);
    }
}

static value_id emit_guarded(struct builder *b, const struct op *op, struct type type,
                             const value_id *args, uint32_t n, const value_id *guards,
                             uint32_t n_guards)
{
    value_id *all = xmalloc((n + n_guards) * sizeof(*all));

    memcpy(all, args, n * sizeof(*all));
    if (n_guards)
        memcpy(all + n, guards, n_guards * sizeof(*all));
    struct value v = {
        .type = type, .op = op, .n_args = n + n_guards, .args = all, .n_guards = n_guards};
    value_id ret = emit_value(b, &v);
    free(all);
    return ret;
}

value_id emit_eager(struct builder *b, const struct op *op, struct type type, const value_id *args,
                    uint32_t n)
{
    bool may_fault = false;

    for (uint32_t i = 1; i < n; i++)
        may_fault |= value_at(b, args[i])->can_fault;
    value_id ret = emit_guarded(b, op, type, args, n, args, may_fault ? n : 0);
    b->values[ret].is_eager = true;
    return ret;
}

value_id emit_lazy(struct builder *b, const struct op *op, struct type type, const value_id *args,
                   uint32_t n)
{
    bool may_fault = false;

    for (uint32_t i = 1; i < n; i++)
        may_fault |= value_at(b, args[i])->can_fault;
    if (!may_fault)
        return emit(b, op, type, args, n, (struct param){0}, NULL);

    /* args[0] is always evaluated */
    struct guard_walk w = {.b = b, .common_is_lazy = op->flags & OP_LAZY_COMMON};
    w.seen = xcalloc(b->n, 1);
    w.is_found = xcalloc(b->n, 1);
    w.found = xcalloc(b->n, sizeof(*w.found));
    for (uint32_t i = 1; i < n; i++)
        guard_visit(&w, args[i], (uint8_t)(i < 254 ? i : 254));

    value_id ret = emit_guarded(b, op, type, args, n, w.found, (uint32_t)w.n);
    free(w.seen);
    free(w.is_found);
    free(w.found);
    return ret;
}

/* ---- now, DEFAULT, conditions ---- */

static void run_now(struct call *c)
{
    uint32_t *out = c->out->values;

    for (size_t i = 0; i < c->n; i++)
        out[i] = (uint32_t)c->now_s;
}
static const struct op op_now = {"now", run_now, OP_RUN};

value_id builder_now(struct builder *b)
{
    return emit(b, &op_now, type_of(TYPE_DATETIME), NULL, 0, (struct param){0}, NULL);
}

static void run_default(struct call *c)
{
    const struct column *input = c->args[0], *fallback = c->args[1];
    size_t width = type_width(c->out->type);
    const char *from[2] = {input->values, fallback->values};

    for (size_t i = 0; i < c->n; i++) {
        bool use_fallback = input->missing && input->missing[i];
        const struct column *chosen = use_fallback ? fallback : input;
        memcpy((char *)c->out->values + i * width, from[use_fallback] + i * width, width);
        c->nulls[i] = chosen->nulls ? chosen->nulls[i] : 0;
        c->faults[i] = chosen->faults ? chosen->faults[i] : 0;
    }
    c->out->nulls = input->nulls || fallback->nulls ? c->nulls : NULL;
    c->out->faults = input->faults || fallback->faults ? c->faults : NULL;
}
static const struct op op_default = {"default", run_default, OP_OWN_MASKS | OP_LAZY};

value_id builder_default(struct builder *b, value_id input, value_id fallback)
{
    struct type type = value_at(b, input)->type;

    type.is_nullable |= value_at(b, fallback)->type.is_nullable;
    return EMIT(b, &op_default, type, input, fallback);
}

struct type builder_type(const struct builder *b, value_id value)
{
    return value_at(b, value)->type;
}

bool builder_is_constant(const struct builder *b, value_id value)
{
    return value_at(b, value)->kind == VALUE_CONSTANT;
}

value_id builder_copy_constant(struct builder *to, const struct builder *from, value_id value)
{
    const struct value *v = value_at(from, value);

    return v->kind == VALUE_CONSTANT ? emit_constant(to, v->type, v->cell) : VALUE_UNKNOWN;
}

bool builder_constant_text(const struct builder *b, value_id value, struct buf *out)
{
    const struct cell *c = constant_cell(b, value);
    struct type t = value_at(b, value)->type;

    if (c == NULL || c->fault)
        return false;
    if (c->is_null) {
        buf_text(out, "NULL");
    } else if (type_is_number(t) || t.kind == TYPE_INTERVAL) {
        value_print(out, t.kind == TYPE_INTERVAL ? type_of(TYPE_INT64) : type_bare(t), c->bytes);
    } else {
        AUTO_DONE(buf) text = {0};
        value_print(&text, type_bare(t), c->bytes);
        print_string_literal(out, buf_view(&text));
    }
    return true;
}

value_id builder_cast(struct builder *b, value_id value, struct type type, struct place at,
                      struct diagnostics *d)
{
    value_id ret = cast_values(b, value, type);

    if (ret < 0) {
        char from[64], to[64];
        diagnose_error(d, at, NULL, "cannot convert %s to %s",
                       type_name(value_at(b, value)->type, from), type_name(type, to));
        return VALUE_FAILED;
    }
    return retype(b, ret, type); /* CAST to DateTime keeps the value's zone; a column has its own */
}

/* ---- expressions ---- */

static value_id fail(struct diagnostics *d, struct place at, const char *text)
{
    diagnose_error(d, at, NULL, "%s", text);
    return VALUE_FAILED;
}

static value_id integer_literal(struct builder *b, uint64_t magnitude, bool is_negative)
{
    if (!is_negative || magnitude == 0) {
        enum type_kind kind = magnitude <= 0xff         ? TYPE_UINT8
                              : magnitude <= 0xffff     ? TYPE_UINT16
                              : magnitude <= 0xffffffff ? TYPE_UINT32
                                                        : TYPE_UINT64;
        return constant_u64(b, kind, magnitude);
    }
    int64_t v = (int64_t)(0 - magnitude);
    enum type_kind kind = v >= INT8_MIN    ? TYPE_INT8
                          : v >= INT16_MIN ? TYPE_INT16
                          : v >= INT32_MIN ? TYPE_INT32
                                           : TYPE_INT64;
    static const uint64_t mask[] = {0xff, 0xffff, 0xffffffff, ~0ULL};
    return constant_u64(b, kind, (uint64_t)v & mask[kind - TYPE_INT8]);
}

/* A number as written; an integer literal takes the smallest type that holds it. */
static value_id build_number(struct builder *b, const struct ast *node, bool is_negative,
                             struct diagnostics *d)
{
    char text[512];
    size_t n = 0;

    for (size_t i = 0; i < node->text.n && n < sizeof(text) - 1; i++) {
        char ch = node->text.p[i];
        if (i == 0 && ch == '-')
            is_negative = !is_negative;
        else if (ch != '_')
            text[n++] = ch;
    }
    text[n] = 0;
    bool is_hex = n > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    bool is_binary = n > 2 && text[0] == '0' && (text[1] == 'b' || text[1] == 'B');
    bool is_integer = is_hex || is_binary || strspn(text, "0123456789") == n;
    if (is_integer) {
        unsigned base = is_hex ? 16 : is_binary ? 2 : 10;
        uint64_t v = 0;
        bool fits = true;
        for (size_t i = base == 10 ? 0 : 2; i < n; i++) {
            char ch = (char)tolower((unsigned char)text[i]);
            unsigned digit = ch <= '9' ? (unsigned)(ch - '0') : (unsigned)(ch - 'a' + 10);
            if (digit >= base)
                return fail(d, node->at, "not a number");
            fits &= !__builtin_mul_overflow(v, base, &v) && !__builtin_add_overflow(v, digit, &v);
        }
        if (fits && !(is_negative && v > (uint64_t)1 << 63))
            return integer_literal(b, v, is_negative);
    }
    char *end;
    double v = strtod(text, &end);
    if (end != text + n || n == 0)
        return fail(d, node->at, "not a number");
    return emit_constant(b, type_of(TYPE_FLOAT64), (struct cell){.f64 = is_negative ? -v : v});
}

/* t.name and t.name.name: elements of tuples. */
static value_id build_field(struct builder *b, const struct ast *node, const struct scope *scope,
                            struct diagnostics *d)
{
    const char *dot =
        scope && scope->lookup && node->text.n ? memrchr(node->text.p, '.', node->text.n) : NULL;

    if (dot == NULL || dot == node->text.p)
        return VALUE_UNKNOWN;
    struct ast whole = {
        .kind = AST_NAME, .at = node->at, .text = {node->text.p, (size_t)(dot - node->text.p)}};
    struct str name = {dot + 1, node->text.n - whole.text.n - 1};
    value_id v = scope->lookup(scope->context, b, whole.text, node->at);
    if (v == VALUE_UNKNOWN)
        v = build_field(b, &whole, scope, d);
    if (v < 0)
        return v;
    struct type t = value_at(b, v)->type;
    bool has_fields =
        t.kind == TYPE_TUPLE || (t.kind == TYPE_ARRAY && t.more->elements[0].kind == TYPE_TUPLE);
    return has_fields ? build_call(b, node, STR("tupleElement"),
                                   (value_id[]){v, constant_str(b, name)}, 2, scope, d)
                      : VALUE_UNKNOWN;
}

static value_id build_name(struct builder *b, const struct ast *node, const struct scope *scope,
                           struct diagnostics *d)
{
    value_id v = scope && scope->lookup ? scope->lookup(scope->context, b, node->text, node->at)
                                        : VALUE_UNKNOWN;
    struct str names[512];

    if (v == VALUE_UNKNOWN)
        v = build_field(b, node, scope, d);
    if (v != VALUE_UNKNOWN)
        return v;
    size_t n = scope && scope->names ? scope->names(scope->context, names, COUNT(names)) : 0;
    AUTO_DONE(arena) arena = {0};
    const char **texts = arena_alloc(&arena, (n + 1) * sizeof(*texts));
    for (size_t i = 0; i < n; i++)
        texts[i] = arena_text(&arena, names[i]);
    const char *nearest = nearest_name(node->text, texts, n);
    const char *advice = nearest ? arena_printf(&arena, "did you mean '%s'?", nearest) : NULL;
    diagnose_error(d, node->at, advice, "unknown name '%.*s'", STR_FMT(node->text));
    return VALUE_FAILED;
}

static value_id unknown_function(const struct ast *node, struct str name, struct diagnostics *d)
{
    size_t n;
    const char *const *names = function_names(&n);
    char advice[160];

    if (function_is_aggregate(name)) {
        diagnose_error(d, node->at, NULL, "aggregate function '%.*s' cannot stand here",
                       STR_FMT(name));
    } else if (function_in_other_case(name) == NULL && function_is_elsewhere(name)) {
        diagnose_error(d, node->at, NULL, "function '%.*s' is not there yet", STR_FMT(name));
    } else {
        const char *nearest = nearest_name(name, names, n);
        if (nearest)
            snprintf(advice, sizeof(advice), "did you mean '%s'?", nearest);
        diagnose_error(d, node->at, nearest ? advice : NULL, "unknown function '%.*s'",
                       STR_FMT(name));
    }
    return VALUE_FAILED;
}

bool gives_low_cardinality(const struct builder *b, const value_id *args, uint32_t n)
{
    bool has = false;
    uint32_t n_full_low = 0, n_ordinary = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct value *v = value_at(b, args[i]);
        bool is_constant = v->kind == VALUE_CONSTANT;
        has |= v->type.is_low_cardinality;
        n_full_low += v->type.is_low_cardinality && !is_constant;
        n_ordinary += !v->type.is_low_cardinality && !is_constant;
    }
    return has && n_full_low <= 1 && n_ordinary == 0;
}

/* An argument of a kind that the function may not know. */
static bool take_more_type(struct site *s, uint32_t i)
{
    enum more_types takes = function_more_types(s->f);
    struct type t = s->types[i];
    value_id v = s->args[i];
    char name[64];

    bool is_fixed = t.kind == TYPE_FIXED_STRING &&
                    (takes == MORE_TYPES_FIXED_STRING || takes == MORE_TYPES_ANY_TEXT);
    if (takes == MORE_TYPES_ALL || (takes == MORE_TYPES_ANY_TEXT && !is_fixed))
        return true;
    if (is_fixed)
        v = fixed_as_text(s->b, v);
    else if (t.kind == TYPE_DATE32 && takes == MORE_TYPES_DATE32)
        v = cast_more(s->b, v, type_of(TYPE_DATETIME64));
    else
        return site_error(s, "'%.*s' does not take %s", STR_FMT(s->name), type_name(t, name)) >= 0;
    if (v < 0)
        return site_error(s, "'%.*s' does not take %s", STR_FMT(s->name), type_name(t, name)) >= 0;
    value_id *args = arena_alloc(&s->b->memory->arena, (s->n_args + 1) * sizeof(*args));
    memcpy(args, s->args, s->n_args * sizeof(*args));
    args[i] = v;
    s->args = args;
    s->types[i] = type_bare(value_at(s->b, v)->type);
    s->types[i].is_nullable = t.is_nullable;
    return true;
}

static value_id build_site(struct site *s)
{
    bool own_nulls = s->f->flags & FN_OWN_NULLS;

    for (uint32_t i = 0; i < s->n_args; i++) {
        s->types[i] = value_at(s->b, s->args[i])->type;
        if (!own_nulls && s->types[i].kind == TYPE_NOTHING)
            return constant_null(s->b);
        if (!own_nulls)
            s->types[i] = type_bare(s->types[i]);
    }
    for (uint32_t i = 0; i < s->n_args; i++)
        if (s->types[i].kind > TYPE_INTERVAL && !take_more_type(s, i))
            return VALUE_FAILED;
    value_id ret = s->f->build(s);
    if (ret >= 0 && value_at(s->b, ret)->kind == VALUE_CALL && function_is_lazy(s->f, s->types))
        s->b->values[ret].is_lazy = true;
    if (ret < 0 || (s->f->flags & FN_OWN_LC))
        return ret;
    struct type type = value_at(s->b, ret)->type;
    if (type.kind != TYPE_STRING)
        return ret;
    type.is_low_cardinality = gives_low_cardinality(s->b, s->args, s->n_args);
    return retype(s->b, ret, type);
}

static void warn_if_it_always_faults(const struct site *s, value_id v)
{
    const struct cell *c = constant_cell(s->b, v);

    if (c == NULL || !c->fault)
        return;
    for (uint32_t i = 0; s->args && i < s->n_args; i++) {
        const struct cell *arg = constant_cell(s->b, s->args[i]);
        if (arg && arg->fault)
            return;
    }
    diagnose_warning(s->d, s->at, NULL, "this always fails, so every event is rejected: %s",
                     fault_text(c->fault));
}

value_id build_call(struct builder *b, const struct ast *node, struct str name, value_id *args,
                    uint32_t n, const struct scope *scope, struct diagnostics *d)
{
    const struct function *f = function_find(name);

    if (f == NULL)
        return unknown_function(node, name, d);
    struct site s = {.b = b,
                     .f = f,
                     .at = node->at,
                     .node = node,
                     .scope = scope,
                     .d = d,
                     .name = name,
                     .args = args,
                     .n_args = n};
    if (n < f->min_args || (f->max_args != 255 && n > f->max_args))
        return site_error(&s, "'%.*s' takes (%s), not %u argument%s", STR_FMT(name), f->arguments,
                          n, n == 1 ? "" : "s");
    s.types = arena_alloc(&b->memory->arena, (n + 1) * sizeof(*s.types));
    value_id ret = f->flags & FN_RAW ? f->build(&s) : build_site(&s);
    if (ret >= 0)
        warn_if_it_always_faults(&s, ret);
    return ret;
}

static value_id build_call_node(struct builder *b, const struct ast *node,
                                const struct scope *scope, struct diagnostics *d)
{
    if (node->has_params) {
        diagnose_error(d, node->at, NULL,
                       "'%.*s(…)(…)' cannot stand here: only aggregate functions have parameters",
                       STR_FMT(node->text));
        return VALUE_FAILED;
    }
    if (node->is_operator && str_is(node->text, "negate") && node->n_args == 1 &&
        node->args[0]->kind == AST_NUMBER)
        return build_number(b, node->args[0], true, d);

    if (lookup_is_call(node))
        return build_lookup(b, node, scope, d);
    const struct function *f = function_find(node->text);
    if (f && (f->flags & FN_RAW))
        return build_call(b, node, node->text, NULL, node->n_args, scope, d);
    value_id *args = arena_alloc(&b->memory->arena, (node->n_args + 1) * sizeof(*args));
    bool failed = false;
    for (uint32_t i = 0; i < node->n_args; i++) {
        args[i] = build_node(b, node->args[i], scope, d);
        failed |= args[i] < 0;
    }
    if (f == NULL)
        return unknown_function(node, node->text, d);
    return failed ? VALUE_FAILED : build_call(b, node, node->text, args, node->n_args, scope, d);
}

value_id build_node(struct builder *b, const struct ast *node, const struct scope *scope,
                    struct diagnostics *d)
{
    static _Thread_local unsigned depth;
    value_id ret = VALUE_FAILED;

    if (node->is_broken)
        return VALUE_FAILED;
    if (depth >= DEPTH_MAX)
        return fail(d, node->at, "the expression is nested too deeply");
    depth++;
    switch (node->kind) {
    case AST_NULL: ret = constant_null(b); break;
    case AST_NUMBER: ret = build_number(b, node, false, d); break;
    case AST_STRING: ret = constant_str(b, node->text); break;
    case AST_BOOL: ret = constant_u64(b, TYPE_BOOL, node->text.n == 4); break;
    case AST_NAME: ret = build_name(b, node, scope, d); break;
    case AST_STAR: ret = fail(d, node->at, "'*' cannot stand here"); break;
    case AST_LAMBDA: ret = fail(d, node->at, "a lambda cannot stand here"); break;
    case AST_CALL:
        ret = scope && scope->call ? scope->call(scope->context, node, d) : VALUE_UNKNOWN;
        if (ret == VALUE_UNKNOWN)
            ret = build_call_node(b, node, scope, d);
        break;
    }
    depth--;
    return ret;
}

value_id builder_expression(struct builder *b, const struct ast *node, const struct scope *scope,
                            struct diagnostics *d)
{
    return build_node(b, node, scope, d);
}
