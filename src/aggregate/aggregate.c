/* SPDX-License-Identifier: Apache-2.0
 *
 * What aggregate functions have in common: making one, skipping NULLs, names of storage types. */
#include "aggregate/aggregate_priv.h"

#include <assert.h>
#include <stdio.h>

struct type type_plain(struct type t)
{
    t.is_nullable = false;
    t.is_low_cardinality = false;
    return t;
}

enum err_code refuse_type(const struct aggregate *a, struct type t, struct err *e)
{
    char text[64];
    return err_set(e, ERR_INVALID, "illegal type %s of argument for aggregate function %s",
                   type_name(t, text), a->name);
}

static enum err_code refuse_unknown(struct str name, struct err *e)
{
    size_t n;
    const char *const *names = aggregate_names(&n);
    const char *why = aggregate_refusal(name), *near = NULL;
    if (why != NULL)
        return err_set(e, ERR_REFUSED, "%.*s cannot stand in a metric: %s", STR_FMT(name), why);
    for (enum combinator c = 0; near == NULL && c < N_COMBINATORS; c++)
        if (str_ends(name, combinator_names[c]))
            near =
                nearest_name((struct str){name.p, name.n - strlen(combinator_names[c])}, names, n);
    if (near == NULL)
        near = nearest_name(name, names, n);
    if (near == NULL)
        return err_set(e, ERR_NOT_FOUND, "unknown aggregate function '%.*s'", STR_FMT(name));
    return err_set(e, ERR_NOT_FOUND, "unknown aggregate function '%.*s'; did you mean %s?",
                   STR_FMT(name), near);
}

static enum err_code check_counts(const struct aggregate_family *f, size_t n_params, size_t n_args,
                                  struct err *e)
{
    if (n_args < f->min_args || n_args > f->max_args) {
        if (f->min_args == f->max_args)
            return err_set(e, ERR_INVALID, "aggregate function %s takes %u argument%s, not %zu",
                           f->name, f->min_args, f->min_args == 1 ? "" : "s", n_args);
        return err_set(e, ERR_INVALID, "aggregate function %s takes %u to %u arguments, not %zu",
                       f->name, f->min_args, f->max_args, n_args);
    }
    if (n_params > 0 && f->max_params == 0)
        return err_set(e, ERR_INVALID, "aggregate function %s cannot have parameters", f->name);
    if (n_params < f->min_params || n_params > f->max_params)
        return err_set(e, ERR_INVALID, "aggregate function %s takes %u to %u parameters, not %zu",
                       f->name, f->min_params, f->max_params, n_params);
    return ERR_OK;
}

/* ---- making one ---- */

static const char *keep_text(const struct aggregate *a, const struct buf *text)
{
    return arena_text(a->arena, buf_view(text));
}

struct maker {
    struct aggregate_parts parts;
    struct aggregate_request q;
    const char *called; /* as written, for messages */
};

/* "sumOrNull", "quantilesTDigestArgMin(0.5, 0.9)": with the first n combinators. */
static const char *call_text(const struct maker *m, size_t n)
{
    AUTO_DONE(buf) text = {0};
    buf_text(&text, m->parts.family->name);
    for (size_t i = 0; i < n; i++)
        buf_text(&text, combinator_names[m->parts.combinators[i]]);
    for (size_t i = 0; i < m->q.n_params; i++) {
        buf_text(&text, i == 0 ? "(" : ", ");
        buf_str(&text, m->q.params[i]);
    }
    if (m->q.n_params > 0)
        buf_text(&text, ")");
    return arena_text(m->q.arena, buf_view(&text));
}

static struct aggregate *new_aggregate(const struct maker *m, const char *call,
                                       const struct type *types, size_t n_types)
{
    struct aggregate *a = arena_zero(m->q.arena, sizeof(*a));
    a->name = m->parts.family->name;
    a->call = call;
    a->arena = m->q.arena;
    a->is_fixed = true;
    a->n_args = n_types;
    for (size_t i = 0; i < n_types; i++) {
        a->args[i] = types[i];
        a->is_nullable |= types[i].is_nullable || types[i].kind == TYPE_NOTHING;
    }
    return a;
}

static enum err_code make_family(struct aggregate **ret, struct maker *m, const struct type *types,
                                 size_t n_types, bool may_be_empty, struct err *e)
{
    TRY(check_counts(m->parts.family, m->q.n_params, n_types, e));
    m->q.call = call_text(m, 0);
    struct aggregate *a = new_aggregate(m, m->q.call, types, n_types);
    a->is_conditional = may_be_empty;
    a->is_plain = !a->is_conditional && !a->is_nullable;
    TRY(m->parts.family->build(a, &m->q, e));
    assert(a->state_bytes % 8 == 0);
    *ret = a;
    return ERR_OK;
}

static enum err_code make_level(struct aggregate **ret, struct maker *m, size_t level,
                                const struct type *types, size_t n_types, struct err *e);

static bool ends_with(const struct maker *m, size_t level, enum combinator c)
{
    return level > 0 && m->parts.combinators[level - 1] == c;
}

/* Can the answer be NULL where all arguments were? */
static bool is_flagged(const struct maker *m, size_t level, const struct aggregate *a,
                       bool is_conditional)
{
    enum null_rule rule = m->parts.family->nulls;
    bool has_key = false;
    for (size_t i = 0; i < level; i++)
        has_key |= m->parts.combinators[i] == ARG_MIN || m->parts.combinators[i] == ARG_MAX;
    if (m->parts.family->build == build_sum_count && has_key)
        /* sumCount itself has a way with NULL; with a key it is a tuple as others */
        rule = NULLS_FLAG;
    if (rule == NULLS_SKIP || ends_with(m, level, OR_NULL))
        return false;
    /* ClickHouse makes a tuple Nullable, but not behind -If. */
    if (is_conditional && a->storage.result_name != NULL &&
        str_starts(str_of(a->storage.result_name), "Tuple("))
        return false;
    if (rule == NULLS_FLAG)
        return true;
    return !str_is(str_of(a->name), "count") && !str_is(str_of(a->name), "uniqExact") &&
           !str_is(str_of(a->name), "quantilesDD");
}

/* The same over arguments that may be Nullable. */
static enum err_code make_nullable(struct aggregate **ret, struct maker *m, size_t level,
                                   const struct type *arg_types, size_t n_args, bool is_conditional,
                                   struct err *e)
{
    struct type types[AGGREGATE_MAX_ARGS];
    struct aggregate *a;
    bool has_null = false;
    for (size_t i = 0; i < n_args; i++) {
        types[i] = type_plain(arg_types[i]);
        has_null |= arg_types[i].is_nullable;
    }
    TRY(make_level(&a, m, level, types, n_args, e));
    if (has_null && is_flagged(m, level, a, is_conditional)) {
        const struct aggregate *inner = a;
        for (size_t i = 0; i < n_args; i++) {
            types[i] = inner->args[i];
            types[i].is_nullable = arg_types[i].is_nullable;
        }
        a = new_aggregate(m, inner->call, types, n_args);
        TRY(build_flagged(a, inner, e));
    }
    *ret = a;
    return ERR_OK;
}

/* What the combinator's inner aggregate is fed with. */
static enum err_code inner_types(const struct maker *m, enum combinator c, const struct type *types,
                                 size_t *n_types, struct type *ret, struct err *e)
{
    bool is_key = c == ARG_MIN || c == ARG_MAX;
    if (is_key && *n_types == 0)
        return err_set(e, ERR_INVALID, "aggregate function %s needs a key as its last argument",
                       m->called);
    if (c == MAP && (*n_types != 1 || types[0].kind != TYPE_MAP))
        return err_set(e, ERR_INVALID, "aggregate function %s takes one Map", m->called);
    *n_types -= is_key;
    for (size_t i = 0; i < *n_types; i++) {
        char text[64];
        bool takes_arrays = c == ARRAY || c == FOR_EACH;
        if (takes_arrays && types[i].kind != TYPE_ARRAY)
            return err_set(e, ERR_INVALID, "aggregate function %s takes arrays, not %s", m->called,
                           type_name(types[i], text));
        ret[i] = takes_arrays ? type_element(types[i], 0)
                 : c == MAP   ? type_element(types[i], 1)
                              : types[i];
    }
    if ((c == ARRAY || c == FOR_EACH) && *n_types == 0)
        return err_set(e, ERR_INVALID, "aggregate function %s takes arrays", m->called);
    return ERR_OK;
}

/* The family and its first `level` combinators, innermost first. No argument is Nullable. */
static enum err_code make_level(struct aggregate **ret, struct maker *m, size_t level,
                                const struct type *types, size_t n_types, struct err *e)
{
    struct aggregate *inner;
    struct type own[AGGREGATE_MAX_ARGS];
    size_t n_inner = n_types;
    if (level == 0)
        return make_family(ret, m, types, n_types, true, e);
    enum combinator c = m->parts.combinators[level - 1];
    TRY(inner_types(m, c, types, &n_inner, own, e));
    TRY(make_nullable(&inner, m, level - 1, own, n_inner, false, e));
    /* As declared to the store: what the inner one is declared over, and what is around it. */
    for (size_t i = 0; i < n_types; i++) {
        if (i >= n_inner)
            own[i] = types[i];
        else if (c == ARRAY || c == FOR_EACH)
            own[i] = type_array(inner->args[i]);
        else if (c == MAP)
            own[i] = type_map(type_element(types[i], 0), inner->args[i]);
        else
            own[i] = inner->args[i];
    }
    struct aggregate *a = new_aggregate(m, call_text(m, level), own, n_types);
    a->is_conditional = true;
    TRY(build_combined(a, c, inner, a->call, e));
    *ret = a;
    return ERR_OK;
}

static enum err_code check_types(const struct maker *m, const struct type *types, size_t n_types,
                                 struct err *e)
{
    const struct aggregate named = {.name = m->called};
    bool is_count = m->parts.family->build == build_count && m->parts.n_combinators == 0;
    for (size_t i = 0; i < n_types; i++)
        if (types[i].kind == TYPE_INTERVAL || (types[i].kind == TYPE_NOTHING && !is_count))
            return refuse_type(&named, types[i], e);
    return ERR_OK;
}

/* States know no LowCardinality, not inside arrays either. */
static struct type without_dictionaries(struct type t)
{
    t.is_low_cardinality = false;
    if (t.kind == TYPE_ARRAY) {
        struct type array = type_array(without_dictionaries(type_element(t, 0)));
        array.is_nullable = t.is_nullable;
        return array;
    }
    if (t.kind == TYPE_MAP)
        return type_map(without_dictionaries(type_element(t, 0)),
                        without_dictionaries(type_element(t, 1)));
    if (t.kind != TYPE_TUPLE || t.more->n > 64)
        return t;
    struct type fields[64];
    for (uint32_t i = 0; i < t.more->n; i++)
        fields[i] = without_dictionaries(type_element(t, i));
    struct type tuple = type_tuple(fields, t.more->names, t.more->n);
    tuple.is_nullable = t.is_nullable;
    return tuple;
}

/* sumMap over a Map is the combinator -Map of sum; over arrays a function of its own, alone. */
static enum err_code settle_map(struct maker *m, const struct type *types, size_t n_types,
                                struct err *e)
{
    struct aggregate_parts *p = &m->parts, plain;
    size_t base = strlen(p->family->name) - strlen("Map");
    if (p->family->build != build_sum_map && p->family->build != build_min_map &&
        p->family->build != build_max_map)
        return ERR_OK;
    bool is_nested = n_types > 0 && types[0].kind == TYPE_ARRAY && p->n_combinators > 0 &&
                     type_element(types[0], 0).kind == TYPE_MAP;
    if (n_types > 0 && types[0].kind != TYPE_MAP && !is_nested) {
        if (p->n_combinators > 0)
            return err_set(e, ERR_REFUSED, "%s over arrays takes no combinator but -If", m->called);
        return ERR_OK;
    }
    aggregate_split(&plain, (struct str){p->family->name, base});
    if (p->n_combinators == MAX_COMBINATORS)
        return err_set(e, ERR_REFUSED, "%s has more than %d combinators", m->called,
                       MAX_COMBINATORS);
    memmove(p->combinators + 1, p->combinators, p->n_combinators * sizeof(p->combinators[0]));
    p->combinators[0] = MAP;
    p->n_combinators++;
    p->family = plain.family;
    return ERR_OK;
}

enum err_code aggregate_new(const struct aggregate **ret, struct arena *arena, struct str name,
                            const struct str *params, size_t n_params, const struct type *arg_types,
                            size_t n_args, bool may_be_empty, struct err *e)
{
    struct maker m = {.q = {params, n_params, arena, NULL}};
    struct aggregate *a;
    if (!aggregate_split(&m.parts, name))
        return refuse_unknown(name, e);
    m.called = arena_text(arena, name);
    may_be_empty |= m.parts.has_if;
    if (m.parts.is_if_inside)
        return err_set(e, ERR_REFUSED, "%s: write If as the last of its combinators", m.called);
    if (n_args > AGGREGATE_MAX_ARGS)
        return err_set(e, ERR_INVALID, "aggregate function %s takes at most %d arguments", m.called,
                       AGGREGATE_MAX_ARGS);
    TRY(settle_map(&m, arg_types, n_args, e));
    TRY(check_types(&m, arg_types, n_args, e));
    struct type types[AGGREGATE_MAX_ARGS];
    for (size_t i = 0; i < n_args; i++)
        types[i] = without_dictionaries(arg_types[i]);
    if (m.parts.n_combinators == 0 && m.parts.family->nulls == NULLS_OWN) {
        TRY(make_family(&a, &m, types, n_args, may_be_empty, e));
    } else {
        TRY(make_nullable(&a, &m, m.parts.n_combinators, types, n_args, may_be_empty, e));
        a->is_conditional = may_be_empty;
        a->is_plain = false;
    }
    if (a->storage.result_name == NULL) {
        AUTO_DONE(buf) text = {0};
        type_print(&text, a->storage.result);
        a->storage.result_name = keep_text(a, &text);
    }
    *ret = a;
    return ERR_OK;
}

/* ---- names of storage ---- */

/* Type name as the inside of a '...' literal. */
static void print_quoted_type(struct buf *out, struct type t)
{
    AUTO_DONE(buf) text = {0};
    type_print(&text, t);
    for (const char *c = buf_cstr(&text); *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\')
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)*c);
    }
}

/* What ClickHouse answers where nothing came: the default, but of Date32 the zero, 1970-01-01. */
static void print_nothing(struct buf *out, struct type t)
{
    buf_text(out, t.kind == TYPE_DATE32 ? "CAST(0, '" : "defaultValueOfTypeName('");
    print_quoted_type(out, t);
    buf_text(out, "')");
}

enum err_code storage_simple(struct aggregate *a, const char *function, struct type type,
                             struct err *e)
{
    AUTO_DONE(buf) text = {0};
    a->storage.is_simple = true;
    type_print(&text, type);
    a->storage.wire_type = keep_text(a, &text);

    buf_reset(&text);
    buf_printf(&text, "SimpleAggregateFunction(%s, %s)", function, a->storage.wire_type);
    a->storage.type_name = keep_text(a, &text);

    buf_reset(&text);
    if (type.is_nullable && !a->storage.result.is_nullable) {
        buf_printf(&text, "ifNull(%s(%%s), ", function);
        print_nothing(&text, a->storage.result);
        buf_text(&text, ")");
    } else {
        buf_printf(&text, "%s(%%s)", function);
    }
    a->storage.merge_call = keep_text(a, &text);
    return ERR_OK;
}

enum err_code storage_state(struct aggregate *a, const char *call, const struct type *types,
                            size_t n_types, struct err *e)
{
    AUTO_DONE(buf) text = {0};
    buf_printf(&text, "AggregateFunction(%s", call);
    for (size_t i = 0; i < n_types; i++) {
        buf_text(&text, ", ");
        type_print(&text, types[i]);
    }
    buf_text(&text, ")");
    a->storage.type_name = keep_text(a, &text);
    a->storage.wire_type = keep_text(a, &text);

    const char *params = strchr(call, '(');
    int name_n = params ? (int)(params - call) : (int)strlen(call);
    buf_reset(&text);
    buf_printf(&text, "%.*sMerge%s(%%s)", name_n, call, params ? params : "");
    a->storage.merge_call = keep_text(a, &text);
    return ERR_OK;
}

void result_array(struct aggregate *a, struct type element)
{
    AUTO_DONE(buf) text = {0};
    buf_text(&text, "Array(");
    type_print(&text, element);
    buf_text(&text, ")");
    a->storage.result = element;
    a->storage.result_name = keep_text(a, &text);
}

void result_text(struct aggregate *a, const char *type)
{
    a->storage.result_name = type == NULL ? NULL : arena_text(a->arena, str_of(type));
}

/* ---- parameters ---- */

bool parse_number(double *ret, struct str text)
{
    char copy[64], *end;
    if (text.n == 0 || text.n >= sizeof(copy) || strspn(text.p, "0123456789.eE+-") < text.n)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    *ret = strtod(copy, &end);
    return *end == '\0';
}

enum err_code check_levels(const struct aggregate *a, const struct aggregate_request *q,
                           size_t first, struct err *e)
{
    for (size_t i = first; i < q->n_params; i++) {
        double level;
        if (!parse_number(&level, q->params[i]) || !(level >= 0 && level <= 1))
            return err_set(e, ERR_INVALID, "a level of %s must be from 0 to 1, not %.*s", a->name,
                           STR_FMT(q->params[i]));
    }
    return ERR_OK;
}

/* ---- numbers ---- */

double double_at(enum type_kind kind, const void *values, size_t row)
{
    switch (kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: return ((const uint8_t *)values)[row];
    case TYPE_INT8: return ((const int8_t *)values)[row];
    case TYPE_DATE:
    case TYPE_UINT16: return ((const uint16_t *)values)[row];
    case TYPE_INT16: return ((const int16_t *)values)[row];
    case TYPE_INT32: return ((const int32_t *)values)[row];
    case TYPE_DATETIME:
    case TYPE_UINT32: return ((const uint32_t *)values)[row];
    case TYPE_INT64: return (double)((const int64_t *)values)[row];
    case TYPE_UINT64: return (double)((const uint64_t *)values)[row];
    case TYPE_FLOAT32: return (double)((const float *)values)[row];
    default: return ((const double *)values)[row];
    }
}

static void fold_decimals(const struct fold *f, const struct column *c, double out[FOLD_ROWS])
{
    double scale = 1;
    for (unsigned i = 0; i < c->type.scale; i++)
        scale *= 10;
    size_t width = type_width(c->type);
    for (size_t i = 0; i < f->n; i++) {
        size_t row = fold_row(f, i);
        __int128 wide = 0; /* may lie at any 8 bytes */
        if (width == 16)
            memcpy(&wide, COLUMN(c, const char) + row * 16, 16);
        double v = width == 4   ? (double)COLUMN(c, const int32_t)[row]
                   : width == 8 ? (double)COLUMN(c, const int64_t)[row]
                                : (double)wide;
        out[i] = v / scale;
    }
}

#define WIDEN(T)                                                                                   \
    for (size_t i = 0; i < f->n; i++)                                                              \
        out[i] = (double)((const T *)values)[fold_row(f, i)];                                      \
    break

void fold_doubles(const struct fold *f, size_t arg, double out[FOLD_ROWS])
{
    const void *values = f->args[arg]->values;
    switch (f->args[arg]->type.kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: WIDEN(uint8_t);
    case TYPE_INT8: WIDEN(int8_t);
    case TYPE_DATE:
    case TYPE_UINT16: WIDEN(uint16_t);
    case TYPE_INT16: WIDEN(int16_t);
    case TYPE_DATE32:
    case TYPE_INT32: WIDEN(int32_t);
    case TYPE_DATETIME:
    case TYPE_UINT32: WIDEN(uint32_t);
    case TYPE_DECIMAL: fold_decimals(f, f->args[arg], out); break;
    case TYPE_DATETIME64:
    case TYPE_INT64: WIDEN(int64_t);
    case TYPE_UINT64: WIDEN(uint64_t);
    case TYPE_FLOAT32: WIDEN(float);
    default: WIDEN(double);
    }
}

/* ---- use ---- */

const struct aggregate_storage *aggregate_storage(const struct aggregate *a)
{
    return &a->storage;
}

size_t aggregate_n_args(const struct aggregate *a)
{
    return a->n_args;
}

size_t aggregate_state_bytes(const struct aggregate *a)
{
    return a->state_bytes;
}

bool aggregate_is_same(const struct aggregate *a, const struct aggregate *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->call, b->call) == 0 &&
           strcmp(a->storage.type_name, b->storage.type_name) == 0 &&
           a->is_conditional == b->is_conditional && a->n_args == b->n_args;
}

bool aggregate_merges_exactly(const struct aggregate *a)
{
    /* uniqCombined becomes registers when a value comes to a full set, known or not: 256 values that
     * were merged may stay exact where a repeated one would have made an estimate of them. */
    return strstr(a->call, "TDigest") == NULL && strstr(a->call, "uniqCombined") == NULL;
}

bool aggregate_is_fixed(const struct aggregate *a)
{
    return a->is_fixed;
}

bool aggregate_is_conditional(const struct aggregate *a)
{
    return a->is_conditional;
}

bool aggregate_needs_init(const struct aggregate *a)
{
    return a->init != NULL;
}

void aggregate_init(const struct aggregate *a, void *state)
{
    if (a->init != NULL)
        a->init(a, state);
    else
        memset(state, 0, a->state_bytes);
}

/* Rows i of [from, to) without a NULL argument. */
static size_t pick_valid(const struct aggregate *a, const struct aggregate_input *in, size_t from,
                         size_t to, uint32_t *picked, uint32_t *ids)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        uint32_t row = in->rows ? in->rows[i] : (uint32_t)i;
        bool null = false;
        for (size_t k = 0; k < a->n_args; k++)
            null |= in->args[k]->nulls != NULL && in->args[k]->nulls[row] != 0;
        picked[n] = row;
        ids[n] = in->ids[i];
        n += !null;
    }
    return n;
}

static void update_with_nulls(const struct aggregate *a, struct fold f,
                              const struct aggregate_input *in)
{
    uint32_t picked[FOLD_ROWS], ids[FOLD_ROWS];
    f.pick = picked;
    f.ids = ids;
    for (size_t at = 0; at < in->n; at += FOLD_ROWS) {
        size_t end = in->n - at < FOLD_ROWS ? in->n : at + FOLD_ROWS;
        f.n = pick_valid(a, in, at, end, picked, ids);
        if (f.n > 0)
            a->update(a, &f);
    }
}

void aggregate_update(const struct aggregate *a, char *rows, size_t stride, size_t offset,
                      const struct aggregate_input *in, size_t *bytes)
{
    if (a->update == NULL)
        return;
    struct fold f = {.rows = rows + offset, .stride = stride, .args = in->args, .bytes = bytes};
    for (size_t k = 0; k < a->n_args; k++) {
        if (in->args[k]->type.kind == TYPE_NOTHING)
            return;
        if (in->args[k]->nulls != NULL) {
            update_with_nulls(a, f, in);
            return;
        }
    }
    uint32_t picked[FOLD_ROWS];
    for (size_t at = 0; at < in->n; at += FOLD_ROWS) {
        f.n = in->n - at < FOLD_ROWS ? in->n - at : FOLD_ROWS;
        f.ids = in->ids + at;
        f.pick = in->rows ? in->rows + at : NULL;
        if (f.pick == NULL && at > 0) {
            for (size_t i = 0; i < f.n; i++)
                picked[i] = (uint32_t)(at + i);
            f.pick = picked;
        }
        a->update(a, &f);
    }
}

bool aggregate_can_reject(const struct aggregate *a)
{
    return a->rejects != NULL;
}

const char *aggregate_rejects(const struct aggregate *a, const struct column *const *args,
                              size_t row)
{
    for (size_t k = 0; k < a->n_args; k++)
        if (args[k]->nulls != NULL && args[k]->nulls[row])
            return NULL;
    return a->rejects == NULL ? NULL : a->rejects(a, args, row);
}

void aggregate_merge(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    if (a->state_bytes > 0)
        a->merge(a, into, from, bytes);
}

void aggregate_done(const struct aggregate *a, void *state, size_t *bytes)
{
    if (a->done != NULL)
        a->done(a, state, bytes);
}

void aggregate_write_column(const struct aggregate *a, struct buf *out, char *const *state_rows,
                            size_t offset, size_t n)
{
    a->write(a, out, state_rows, offset, n);
}
