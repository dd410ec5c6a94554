/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of aggregate functions and what they have in common: making one, skipping NULLs, names
 * of storage types. A new family is a line in `families`, a build function and a file. */
#include "aggregate/aggregate_priv.h"

#include <assert.h>
#include <stdio.h>

static const struct aggregate_family families[] = {
    {"any", 1, 1, 0, 0, build_any},
    {"avg", 1, 1, 0, 0, build_avg},
    {"count", 0, 1, 0, 0, build_count},
    {"max", 1, 1, 0, 0, build_max},
    {"min", 1, 1, 0, 0, build_min},
    {"quantileDD", 1, 1, 1, 2, build_quantile_dd},
    {"quantilesDD", 1, 1, 2, 64, build_quantiles_dd},
    {"sum", 1, 1, 0, 0, build_sum},
    {"uniqCombined", 1, AGGREGATE_MAX_ARGS, 0, 1, build_uniq_combined},
    {"uniqExact", 1, AGGREGATE_MAX_ARGS, 0, 0, build_uniq_exact},
};

static struct str without_if(struct str name)
{
    if (str_ends(name, "If"))
        name.n -= 2;
    return name;
}

static const struct aggregate_family *family_find(struct str name)
{
    for (size_t i = 0; i < COUNT(families); i++)
        if (str_is(name, families[i].name))
            return &families[i];
    return NULL;
}

const char *const *aggregate_names(size_t *n)
{
    static const char *names[COUNT(families)];
    for (size_t i = 0; i < COUNT(families); i++)
        names[i] = families[i].name;
    *n = COUNT(families);
    return names;
}

bool aggregate_is_plain(struct str name)
{
    return family_find(name) != NULL;
}

bool aggregate_is_known(struct str name)
{
    return family_find(name) != NULL || family_find(without_if(name)) != NULL;
}

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
    const char *near = nearest_name(without_if(name), names, n);
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
            return err_set(e, ERR_INVALID, "aggregate function %s takes %zu argument%s, not %zu",
                           f->name, f->min_args, f->min_args == 1 ? "" : "s", n_args);
        return err_set(e, ERR_INVALID, "aggregate function %s takes %zu to %zu arguments, not %zu",
                       f->name, f->min_args, f->max_args, n_args);
    }
    if (n_params > 0 && f->max_params == 0)
        return err_set(e, ERR_INVALID, "aggregate function %s cannot have parameters", f->name);
    if (n_params < f->min_params || n_params > f->max_params)
        return err_set(e, ERR_INVALID, "aggregate function %s takes %zu to %zu parameters, not %zu",
                       f->name, f->min_params, f->max_params, n_params);
    return ERR_OK;
}

enum err_code aggregate_new(const struct aggregate **ret, struct arena *arena, struct str name,
                            const struct str *params, size_t n_params, const struct type *arg_types,
                            size_t n_args, bool may_be_empty, struct err *e)
{
    const struct aggregate_family *f = family_find(name);
    if (f == NULL) {
        f = family_find(without_if(name));
        may_be_empty = true;
    }
    if (f == NULL)
        return refuse_unknown(name, e);
    TRY(check_counts(f, n_params, n_args, e));

    struct aggregate *a = arena_zero(arena, sizeof(*a));
    a->name = f->name;
    a->n_args = n_args;
    a->is_conditional = may_be_empty;
    a->is_fixed = true;
    for (size_t i = 0; i < n_args; i++) {
        a->args[i] = arg_types[i];
        if (arg_types[i].kind >= TYPE_INTERVAL || (arg_types[i].kind == TYPE_NOTHING &&
                                                   f->build != build_count))
            return refuse_type(a, arg_types[i], e);
        a->is_nullable |= arg_types[i].is_nullable || arg_types[i].kind == TYPE_NOTHING;
    }
    a->is_plain = !a->is_conditional && !a->is_nullable;
    struct aggregate_request q = {params, n_params, arena};
    TRY(f->build(a, &q, e));
    assert(a->state_bytes % 8 == 0);
    *ret = a;
    return ERR_OK;
}

/* ---- names of storage ---- */

static enum err_code put_name(char *out, size_t cap, const struct buf *text,
                              const struct aggregate *a, struct err *e)
{
    if (text->n >= cap)
        return err_set(e, ERR_LIMIT,
                       "the storage type of %s is longer than %zu bytes; use fewer arguments "
                       "or parameters", a->name, cap - 1);
    memcpy(out, text->p, text->n);
    out[text->n] = '\0';
    return ERR_OK;
}

/* Type name as the inside of a '...' literal. */
static void print_quoted_type(struct buf *out, struct type t)
{
    char text[64];
    for (const char *c = type_name(t, text); *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\')
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)*c);
    }
}

enum err_code storage_simple(struct aggregate *a, const char *function, struct type type,
                             struct err *e)
{
    AUTO_DONE(buf) text = {0};
    a->storage.is_simple = true;
    type_print(&text, type);
    TRY(put_name(a->storage.wire_type, sizeof(a->storage.wire_type), &text, a, e));

    buf_reset(&text);
    buf_printf(&text, "SimpleAggregateFunction(%s, %s)", function, a->storage.wire_type);
    TRY(put_name(a->storage.type_name, sizeof(a->storage.type_name), &text, a, e));

    buf_reset(&text);
    if (type.is_nullable && !a->storage.result.is_nullable) {
        buf_printf(&text, "ifNull(%s(%%s), defaultValueOfTypeName('", function);
        print_quoted_type(&text, a->storage.result);
        buf_text(&text, "'))");
    } else {
        buf_printf(&text, "%s(%%s)", function);
    }
    return put_name(a->storage.merge_call, sizeof(a->storage.merge_call), &text, a, e);
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
    TRY(put_name(a->storage.type_name, sizeof(a->storage.type_name), &text, a, e));
    TRY(put_name(a->storage.wire_type, sizeof(a->storage.wire_type), &text, a, e));

    const char *params = strchr(call, '(');
    int name_n = params ? (int)(params - call) : (int)strlen(call);
    buf_reset(&text);
    buf_printf(&text, "%.*sMerge%s(%%s)", name_n, call, params ? params : "");
    return put_name(a->storage.merge_call, sizeof(a->storage.merge_call), &text, a, e);
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

const char *aggregate_rejects(const struct aggregate *a, const struct column *arg, size_t row)
{
    if (a->rejects == NULL || (arg->nulls != NULL && arg->nulls[row]))
        return NULL;
    return a->rejects(a, arg, row);
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
