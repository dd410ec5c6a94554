/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions that give up where the value would change: accurateCast, …OrNull, …OrDefault,
 * to…OrDefault. All are made of one: a cast whose result is NULL where it cannot be. */
#include <math.h>

#include "expr/text_value.h"
#include "expr/times.h"

/* Masks of the one argument; the kernels below add NULLs. */
static void take_masks(struct call *c)
{
    const struct column *in = c->args[0];

    if (in->nulls)
        memcpy(c->nulls, in->nulls, c->n);
    else
        memset(c->nulls, 0, c->n);
    c->out->nulls = c->nulls;
    c->out->faults = in->faults ? memcpy(c->faults, in->faults, c->n) : NULL;
}

/* Does the integer, in 64 bits of its own sign, have an equal of the floating point kind? */
static bool integer_fits(uint64_t v, bool is_signed, enum type_kind kind)
{
    unsigned digits = kind == TYPE_FLOAT32 ? 24 : 53;
    uint64_t magnitude = is_signed && (int64_t)v < 0 ? 0 - v : v;

    if (magnitude == 0)
        return true;
    return 64 - (unsigned)__builtin_clzll(magnitude) - (unsigned)__builtin_ctzll(magnitude) <=
           digits;
}

/* Smallest and largest of an integer kind, as far as 64 bits of the other sign allow. */
static void bounds_of(enum type_kind kind, bool is_signed, int64_t *low, uint64_t *high)
{
    unsigned bits = (unsigned)type_width(type_of(kind)) * 8;
    bool to_signed = kind >= TYPE_INT8;

    *high = to_signed    ? ((uint64_t)1 << (bits - 1)) - 1
            : bits == 64 ? UINT64_MAX
                         : ((uint64_t)1 << bits) - 1;
    if (is_signed && *high > INT64_MAX)
        *high = INT64_MAX;
    *low = to_signed && is_signed ? -(int64_t)*high - 1 : 0;
}

/* param.i = kind, param.j: signed */
static void run_fit_integer(struct call *c)
{
    const uint64_t *in = VALUES(0, uint64_t);
    enum type_kind kind = (enum type_kind)c->param.i;
    uint64_t *out = RESULT(uint64_t), high;
    int64_t low;

    take_masks(c);
    if (kind == TYPE_FLOAT32 || kind == TYPE_FLOAT64) {
        for (size_t i = 0; i < c->n; i++)
            c->nulls[i] |= !integer_fits(in[i], c->param.j, kind);
    } else {
        bounds_of(kind, c->param.j, &low, &high);
        for (size_t i = 0; i < c->n && c->param.j; i++)
            c->nulls[i] |= (int64_t)in[i] < low || (int64_t)in[i] > (int64_t)high;
        for (size_t i = 0; i < c->n && !c->param.j; i++)
            c->nulls[i] |= in[i] > high;
    }
    for (size_t i = 0; i < c->n; i++)
        out[i] = c->nulls[i] ? 0 : in[i];
}

static bool float_fits(double v, enum type_kind kind)
{
    if (kind == TYPE_FLOAT64)
        return true;
    if (kind == TYPE_FLOAT32)
        return v != v || (double)(float)v == v;
    if (!isfinite(v) || v != trunc(v))
        return false;
    double bits = (double)type_width(type_of(kind)) * 8;
    return kind >= TYPE_INT8 ? v >= -ldexp(1, (int)bits - 1) && v < ldexp(1, (int)bits - 1)
                             : v >= 0 && v < ldexp(1, (int)bits);
}

/* param.i = kind */
static void run_fit_float(struct call *c)
{
    const double *in = VALUES(0, double);

    take_masks(c);
    for (size_t i = 0; i < c->n; i++) {
        bool fits = float_fits(in[i], (enum type_kind)c->param.i);
        c->nulls[i] |= !fits;
        RESULT(double)[i] = fits ? in[i] : 0;
    }
}
static const struct op op_fit_integer = {"fits", run_fit_integer, OP_OWN_MASKS};
static const struct op op_fit_float = {"fits", run_fit_float, OP_OWN_MASKS};

static value_id fit(struct builder *b, value_id v, enum type_kind kind)
{
    struct type from = value_at(b, v)->type;
    bool is_signed = type_is_signed(from);

    if (type_is_float(from)) {
        v = cast_number(b, v, TYPE_FLOAT64);
        return emit(b, &op_fit_float, type_nullable(type_of(TYPE_FLOAT64)), &v, 1,
                    (struct param){.i = kind}, NULL);
    }
    enum type_kind wide = is_signed ? TYPE_INT64 : TYPE_UINT64;
    v = cast_number(b, v, wide);
    return emit(b, &op_fit_integer, type_nullable(type_of(wide)), &v, 1,
                (struct param){.i = kind, .j = is_signed}, NULL);
}

/* -1: there is no such cast. The result is Nullable(to). */
static value_id cast_or_null(struct builder *b, value_id v, struct type to, bool is_best_effort)
{
    struct type from = type_bare(value_at(b, v)->type), bare = type_bare(to);

    if (from.kind == TYPE_NOTHING)
        return emit_constant(b, type_nullable(bare), (struct cell){.is_null = true});
    if (from.kind == TYPE_STRING && bare.kind != TYPE_STRING)
        return emit_text_to(b, v, bare, TEXT_NULL, is_best_effort);
    if (type_is_number(from) && type_is_number(bare) && bare.kind != TYPE_BOOL) {
        if (from.kind == bare.kind || (from.kind == TYPE_BOOL && bare.kind == TYPE_UINT8))
            return retype(b, v, type_nullable(bare));
        return retype(b, cast_number(b, fit(b, v, bare.kind), bare.kind), type_nullable(bare));
    }
    if (type_is_number(from) && bare.kind == TYPE_DATETIME)
        v = fit(b, v, TYPE_UINT32);
    else if (type_is_number(from) && bare.kind == TYPE_DATE)
        v = fit(b, v, TYPE_UINT32);
    else if (bare.kind == TYPE_IPV4 || bare.kind == TYPE_IPV6) {
        if (from.kind != bare.kind)
            return -1;
    }
    return cast_values(b, v, type_nullable(bare));
}

/* ---- NULL that may not be ---- */

/* args: result, input. param.i: NULLs of the input stay */
static void run_must_fit(struct call *c)
{
    const struct column *result = c->args[0], *input = c->args[1];
    uint8_t why = input->type.kind == TYPE_STRING ? FAULT_PARSE : FAULT_RANGE;
    size_t width = type_width(c->out->type);

    memcpy(c->out->values, result->values, width * c->n);
    for (size_t i = 0; i < c->n; i++) {
        bool is_null = result->nulls && result->nulls[i],
             was_null = input->nulls && input->nulls[i];
        uint8_t fault = result->faults ? result->faults[i] : 0;
        c->nulls[i] = is_null && was_null && c->param.i;
        c->faults[i] = fault ? fault : !is_null || c->nulls[i] ? 0 : was_null ? FAULT_NULL : why;
        if (is_null)
            memset((char *)c->out->values + i * width, 0, width);
    }
    c->out->nulls = c->param.i ? c->nulls : NULL;
    c->out->faults = c->faults;
}
static const struct op op_must_fit = {"accurateCast", run_must_fit, OP_OWN_MASKS | OP_FAULTS};

/* The first not NULL; `fallback` has the same bare type, or is VALUE_FAILED for its default. */
static value_id or_default(struct site *s, value_id v, struct type to, value_id fallback)
{
    struct builder *b = s->b;

    if (fallback < 0)
        return build_call(b, s->node, STR("assumeNotNull"), &v, 1, s->scope, s->d);
    struct type given = value_at(b, fallback)->type;
    char expected[64], actual[64];
    if (given.kind != to.kind || given.scale != to.scale || given.is_nullable)
        return site_error(s, "the default of '%.*s' must be %s, this is %s", STR_FMT(s->name),
                          type_name(to, expected), type_name(given, actual));
    value_id ret =
        build_call(b, s->node, STR("ifNull"), (value_id[]){v, fallback}, 2, s->scope, s->d);
    return ret < 0 ? ret : retype(b, ret, to);
}

static value_id no_such_cast(struct site *s, struct type to)
{
    char from_name[64], to_name[64];

    return site_error(s, "'%.*s' does not convert %s to %s", STR_FMT(s->name),
                      type_name(value_at(s->b, s->args[0])->type, from_name),
                      type_name(to, to_name));
}

enum { ACCURATE_THROW, ACCURATE_NULL, ACCURATE_DEFAULT };

static value_id build_accurate(struct site *s)
{
    struct builder *b = s->b;
    struct str name;
    struct type to;
    struct err e;

    if (!site_string(s, 1, &name))
        return VALUE_FAILED;
    if (type_parse(&to, name, &e) != ERR_OK)
        return site_error(s, "%s", e.text);
    value_id v = cast_or_null(b, s->args[0], to, true);
    if (v < 0)
        return no_such_cast(s, to);
    if (s->f->param == ACCURATE_NULL)
        return v;
    if (s->f->param == ACCURATE_DEFAULT)
        return or_default(s, v, to, s->n_args > 2 ? s->args[2] : VALUE_FAILED);
    return emit(b, &op_must_fit, to, (const value_id[]){v, s->args[0]}, 2,
                (struct param){.i = to.is_nullable}, NULL);
}

/* toUInt8OrDefault(x[, default]), toDateTimeOrDefault(x[, zone[, default]]),
 * toDateTime64OrDefault(x, scale …) */
static value_id build_or_default(struct site *s)
{
    struct type to = type_of((enum type_kind)s->f->param);
    uint32_t next = 1;
    int64_t scale = 0;

    if (to.kind == TYPE_DATETIME64) {
        if (!site_integer(s, next++, &scale))
            return VALUE_FAILED;
        if (scale < 0 || scale > 9)
            return site_error(s, "the scale of DateTime64 is 0 to 9, not %lld", (long long)scale);
        to.scale = (uint8_t)scale;
    }
    if (type_is_time(to) && s->n_args > next) {
        if (!site_zone(s, next, to, &to.zone))
            return VALUE_FAILED;
        next++;
    }
    if (s->n_args > next + 1)
        return site_error(s, "'%.*s' takes (%s)", STR_FMT(s->name), s->f->arguments);
    value_id v = cast_or_null(s->b, s->args[0], to, false);
    if (v < 0)
        return no_such_cast(s, to);
    return or_default(s, v, to, s->n_args > next ? s->args[next] : VALUE_FAILED);
}

#define OR_DEFAULT(name, kind)                                                                     \
    {                                                                                              \
        "to" name "OrDefault", "x[, default]",                                                     \
            "x as " name ", or the default (0) where that cannot be.", 1, 2, FN_OWN_NULLS,         \
            build_or_default, kind                                                                 \
    }
static const struct function functions[] = {
    {"accurateCast", "x, 'type'", "CAST that rejects where the value would change.", 2, 2,
     FN_OWN_NULLS, build_accurate, ACCURATE_THROW},
    {"accurateCastOrNull", "x, 'type'", "The same, NULL where it would.", 2, 2, FN_OWN_NULLS,
     build_accurate, ACCURATE_NULL},
    {"accurateCastOrDefault", "x, 'type'[, default]", "The same, the default where it would.", 2, 3,
     FN_OWN_NULLS, build_accurate, ACCURATE_DEFAULT},
    OR_DEFAULT("UInt8", TYPE_UINT8),
    OR_DEFAULT("UInt16", TYPE_UINT16),
    OR_DEFAULT("UInt32", TYPE_UINT32),
    OR_DEFAULT("UInt64", TYPE_UINT64),
    OR_DEFAULT("Int8", TYPE_INT8),
    OR_DEFAULT("Int16", TYPE_INT16),
    OR_DEFAULT("Int32", TYPE_INT32),
    OR_DEFAULT("Int64", TYPE_INT64),
    OR_DEFAULT("Float32", TYPE_FLOAT32),
    OR_DEFAULT("Float64", TYPE_FLOAT64),
    OR_DEFAULT("Date", TYPE_DATE),
    OR_DEFAULT("IPv4", TYPE_IPV4),
    OR_DEFAULT("IPv6", TYPE_IPV6),
    {"toDateTimeOrDefault", "x[, zone[, default]]", "x as DateTime, or the default (1970).", 1, 3,
     FN_OWN_NULLS, build_or_default, TYPE_DATETIME},
    {"toDateTime64OrDefault", "x, scale[, zone[, default]]",
     "x as DateTime64, or the default (1970).", 2, 4, FN_OWN_NULLS, build_or_default,
     TYPE_DATETIME64},
};
const struct function_family family_cast_accurate = {"Accurate conversion", functions,
                                                     COUNT(functions)};
