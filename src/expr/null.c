/* SPDX-License-Identifier: Apache-2.0
 *
 * NULL: tests, replacements, and the smallest and largest of several values (which skip NULLs).
 * As in ClickHouse all arguments of coalesce and ifNull are computed, so each may reject. */
#include "expr/advice.h"
#include "expr/kinds.h"

static void all_faults(struct call *c)
{
    bool has = false;

    for (uint32_t a = 0; a < c->n_args; a++) {
        const uint8_t *from = c->args[a]->faults;
        if (from == NULL)
            continue;
        if (!has)
            memset(c->faults, 0, c->n);
        has = true;
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
            c->faults[i] = c->faults[i] ? c->faults[i] : from[i];
    }
    c->out->faults = has ? c->faults : NULL;
}

WIDE static void run_is_null(struct call *c)
{
    uint8_t *restrict out = RESULT(uint8_t);
    const uint8_t *nulls = c->args[0]->nulls;

    if (nulls)
        memcpy(out, nulls, c->n);
    else
        memset(out, 0, c->n);
    if (c->param.i)
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
            out[i] ^= 1;
    all_faults(c);
}
static const struct op op_is_null = {"isNull", run_is_null, OP_OWN_MASKS};

/* Default values where NULL. */
WIDE static void run_assume(struct call *c)
{
    size_t width = type_width(c->out->type);
    const uint8_t *nulls = c->args[0]->nulls;

    memcpy(c->out->values, c->args[0]->values, width * c->n);
    for (size_t i = 0; nulls && i < c->n; i++)
        if (nulls[i])
            memset((char *)c->out->values + i * width, 0, width);
    all_faults(c);
}
static const struct op op_assume = {"assumeNotNull", run_assume, OP_OWN_MASKS};

/* The first argument that is not NULL. */
WIDE static void run_coalesce(struct call *c)
{
    size_t width = type_width(c->out->type);
    bool is_open = false;

    memcpy(c->out->values, c->args[0]->values, width * c->n);
    if (c->args[0]->nulls) {
        memcpy(c->nulls, c->args[0]->nulls, c->n);
        is_open = true;
    }
    for (uint32_t a = 1; a < c->n_args && is_open; a++) {
        const char *from = c->args[a]->values;
        const uint8_t *nulls = c->args[a]->nulls;
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
            if (!c->nulls[i] || (nulls && nulls[i]))
                continue;
            memcpy((char *)c->out->values + i * width, from + i * width, width);
            c->nulls[i] = 0;
        }
        is_open = nulls != NULL;
    }
    c->out->nulls = is_open ? c->nulls : NULL;
    all_faults(c);
}
static const struct op op_coalesce = {"coalesce", run_coalesce, OP_OWN_MASKS};

/* args: equal?, a. */
WIDE static void run_null_if(struct call *c)
{
    size_t width = type_width(c->out->type);
    const uint8_t *equal = VALUES(0, uint8_t), *unknown = c->args[0]->nulls,
                  *nulls = c->args[1]->nulls;

    memcpy(c->out->values, c->args[1]->values, width * c->n);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        c->nulls[i] = (nulls && nulls[i]) || (equal[i] && !(unknown && unknown[i]));
    c->out->nulls = c->nulls;
    all_faults(c);
}
static const struct op op_null_if = {"nullIf", run_null_if, OP_OWN_MASKS};

/* ---- least, greatest ---- */

#define EXTREME_KERNELS(KIND, T, suffix)                                                           \
    WIDE static void run_least_##suffix(struct call *c)                                            \
    {                                                                                              \
        const T *a = VALUES(0, T), *b = VALUES(1, T);                                              \
        T *restrict result = RESULT(T);                                                            \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            result[i] = a[i] < b[i] ? a[i] : b[i];                                                 \
    }                                                                                              \
    WIDE static void run_greatest_##suffix(struct call *c)                                         \
    {                                                                                              \
        const T *a = VALUES(0, T), *b = VALUES(1, T);                                              \
        T *restrict result = RESULT(T);                                                            \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            result[i] = a[i] > b[i] ? a[i] : b[i];                                                 \
    }
NUMBER_KINDS(EXTREME_KERNELS)

/* Of more than two, or of Nullables, NaN is neither the smallest nor the largest. */
#define EXTREME_SANE(T, suffix)                                                                    \
    WIDE static void run_least_sane_##suffix(struct call *c)                                       \
    {                                                                                              \
        const T *a = VALUES(0, T), *b = VALUES(1, T);                                              \
        T *restrict result = RESULT(T);                                                            \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            result[i] = a[i] < b[i] || b[i] != b[i] ? a[i] : b[i];                                 \
    }                                                                                              \
    WIDE static void run_greatest_sane_##suffix(struct call *c)                                    \
    {                                                                                              \
        const T *a = VALUES(0, T), *b = VALUES(1, T);                                              \
        T *restrict result = RESULT(T);                                                            \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            result[i] = a[i] > b[i] || b[i] != b[i] ? a[i] : b[i];                                 \
    }
EXTREME_SANE(float, f32)
EXTREME_SANE(double, f64)

WIDE static void run_least_str(struct call *c)
{
    const struct str *a = VALUES(0, struct str), *b = VALUES(1, struct str);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        RESULT(struct str)[i] = str_cmp(a[i], b[i]) < 0 ? a[i] : b[i];
}
WIDE static void run_greatest_str(struct call *c)
{
    const struct str *a = VALUES(0, struct str), *b = VALUES(1, struct str);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        RESULT(struct str)[i] = str_cmp(a[i], b[i]) > 0 ? a[i] : b[i];
}

/* A NULL gives way to the other side: the masks around the kernels above. */
static void extreme_masks(struct call *c)
{
    size_t width = type_width(c->out->type);
    const uint8_t *x = c->args[0]->nulls, *y = c->args[1]->nulls;

    for (size_t i = 0; (x || y) && i < c->n; i++) {
        bool null_x = x && x[i], null_y = y && y[i];
        c->nulls[i] = null_x && null_y;
        if (null_x != null_y)
            memcpy((char *)c->out->values + i * width,
                   (const char *)c->args[null_x ? 1 : 0]->values + i * width, width);
    }
    c->out->nulls = x && y ? c->nulls : NULL;
    all_faults(c);
}

#define EXTREME_WRAPPED(name, suffix)                                                              \
    WIDE static void run_own_##name##_##suffix(struct call *c)                                     \
    {                                                                                              \
        run_##name##_##suffix(c);                                                                  \
        extreme_masks(c);                                                                          \
    }
#define EXTREME_WRAPPERS(KIND, T, suffix)                                                          \
    EXTREME_WRAPPED(least, suffix) EXTREME_WRAPPED(greatest, suffix)
NUMBER_KINDS(EXTREME_WRAPPERS)
EXTREME_WRAPPED(least_sane, f32)
EXTREME_WRAPPED(least_sane, f64)
EXTREME_WRAPPED(greatest_sane, f32)
EXTREME_WRAPPED(greatest_sane, f64)
EXTREME_WRAPPED(least, str)
EXTREME_WRAPPED(greatest, str)
#define LEAST_OP(KIND, T, suffix) {"least", run_own_least_##suffix, OP_OWN_MASKS},
#define GREATEST_OP(KIND, T, suffix) {"greatest", run_own_greatest_##suffix, OP_OWN_MASKS},
static const struct op extreme_ops[2][N_KINDS] = {{NUMBER_KINDS(LEAST_OP)},
                                                  {NUMBER_KINDS(GREATEST_OP)}};
static const struct op extreme_sane_ops[2][2] = {
    {{"least", run_own_least_sane_f32, OP_OWN_MASKS},
     {"least", run_own_least_sane_f64, OP_OWN_MASKS}},
    {{"greatest", run_own_greatest_sane_f32, OP_OWN_MASKS},
     {"greatest", run_own_greatest_sane_f64, OP_OWN_MASKS}}};
static const struct op extreme_str_ops[2] = {{"least", run_own_least_str, OP_OWN_MASKS},
                                             {"greatest", run_own_greatest_str, OP_OWN_MASKS}};

static value_id no_common_type(struct site *s)
{
    char x[64], y[64];
    uint32_t other = s->n_args > 1 ? 1 : 0;

    return site_types_error(
        s, s->types[0], s->types[other], "'%.*s' has arguments without a common type: %s and %s",
        STR_FMT(s->name), type_name(s->types[0], x), type_name(s->types[other], y));
}

static value_id build_extreme(struct site *s)
{
    struct builder *b = s->b;
    struct type super;

    if (!type_super(&super, s->types, s->n_args))
        return no_common_type(s);
    if (super.kind == TYPE_NOTHING)
        return constant_null(b);
    bool is_more = super.kind > TYPE_INTERVAL && super.kind != TYPE_DATE32 &&
                   (super.kind != TYPE_DECIMAL || type_width(super) == 16);
    if (super.kind == TYPE_IPV6 || is_more)
        return site_bad_type(s, 0, "a number, a string or a time");
    bool is_plain_number = s->n_args == 2 && super.kind == TYPE_BOOL;
    for (uint32_t i = 0; i < s->n_args; i++)
        is_plain_number &= s->types[i].kind != TYPE_NOTHING;
    if (is_plain_number)
        super.kind = TYPE_UINT8;
    value_id v = cast_super(b, s->args[0], super);
    for (uint32_t i = 1; i < s->n_args; i++) {
        value_id next = cast_super(b, s->args[i], super);
        if (v < 0 || next < 0)
            return no_common_type(s);
        bool is_sane = type_is_float(super) && (s->n_args > 2 || super.is_nullable);
        const struct op *op = super.kind == TYPE_STRING ? &extreme_str_ops[s->f->param]
                              : is_sane
                                  ? &extreme_sane_ops[s->f->param][super.kind == TYPE_FLOAT64]
                                  : &extreme_ops[s->f->param][kind_index(type_storage(super))];
        v = EMIT(b, op, super, v, next);
    }
    return v < 0 ? no_common_type(s) : retype(b, v, super);
}

/* ---- functions ---- */

static value_id build_is_null(struct site *s)
{
    if (!s->types[0].is_nullable) /* known without looking */
        return constant_u64(s->b, TYPE_UINT8, s->f->param != 0);
    return emit(s->b, &op_is_null, type_of(TYPE_UINT8), s->args, 1,
                (struct param){.i = s->f->param}, NULL);
}

static value_id build_assume(struct site *s)
{
    struct type type = s->types[0];

    if (type.kind == TYPE_NOTHING)
        return site_error(s, "NULL alone has no type to assume");
    if (!type.is_nullable)
        return s->args[0];
    type.is_nullable = false;
    return EMIT(s->b, &op_assume, type, s->args[0]);
}

static value_id build_coalesce(struct site *s)
{
    struct builder *b = s->b;
    value_id *args = arena_alloc(&b->memory->arena, (s->n_args + 1) * sizeof(*args));
    struct type super;
    uint32_t n = 0, n_kept = 0;

    /* what follows the first that cannot be NULL does not count for the type, only for faults */
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (s->types[i].kind == TYPE_NOTHING)
            continue;
        s->types[n] = s->types[i];
        args[n++] = s->args[i];
    }
    if (n == 0)
        return constant_null(b);
    while (n_kept < n && s->types[n_kept++].is_nullable)
        ;
    if (!type_super(&super, s->types, n_kept))
        return no_common_type(s);
    super.is_nullable = s->types[n_kept - 1].is_nullable;
    for (uint32_t i = 0; i < n_kept; i++) {
        args[i] = cast_super(b, args[i], super);
        if (args[i] < 0)
            return no_common_type(s);
    }
    if (n == 1)
        return args[0];
    return emit(b, &op_coalesce, super, args, n, (struct param){0}, NULL);
}

static value_id build_null_if(struct site *s)
{
    struct builder *b = s->b;
    value_id equal = build_call(b, s->node, STR("equals"), s->args, 2, s->scope, s->d);

    if (equal < 0)
        return VALUE_FAILED;
    if (s->types[0].kind == TYPE_NOTHING)
        return constant_null(b);
    if (value_at(b, equal)->type.kind == TYPE_NOTHING)
        return retype(b, s->args[0], type_nullable(s->types[0]));
    return EMIT(b, &op_null_if, type_nullable(type_bare(s->types[0])), equal, s->args[0]);
}

static value_id build_nullable(struct site *s)
{
    return retype(s->b, s->args[0], type_nullable(s->types[0]));
}

static const struct function functions[] = {
    {"isNull", "x", "`x IS NULL`", 1, 1, FN_ANY_CASE | FN_OWN_NULLS, build_is_null, 0},
    {"isNotNull", "x", "`x IS NOT NULL`", 1, 1, FN_OWN_NULLS, build_is_null, 1},
    {"ifNull", "x, other", "x, or other where x is NULL.", 2, 2, FN_ANY_CASE | FN_OWN_NULLS,
     build_coalesce, 0},
    {"coalesce", "a, b, …", "The first that is not NULL. All of them are computed.", 1, 255,
     FN_ANY_CASE | FN_OWN_NULLS, build_coalesce, 0},
    {"nullIf", "a, b", "NULL where a equals b, else a.", 2, 2, FN_ANY_CASE | FN_OWN_NULLS,
     build_null_if, 0},
    {"assumeNotNull", "x", "x without its Nullable; 0 or '' where it was NULL.", 1, 1, FN_OWN_NULLS,
     build_assume, 0},
    {"toNullable", "x", "x as Nullable.", 1, 1, FN_OWN_NULLS, build_nullable, 0},
    {"least", "a, b, …", "The smallest; NULLs are skipped.", 1, 255, FN_ANY_CASE | FN_OWN_NULLS,
     build_extreme, 0},
    {"greatest", "a, b, …", "The largest; NULLs are skipped.", 1, 255, FN_ANY_CASE | FN_OWN_NULLS,
     build_extreme, 1},
};
const struct function_family family_null = {"NULL", functions, COUNT(functions)};
