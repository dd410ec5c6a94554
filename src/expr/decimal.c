/* SPDX-License-Identifier: Apache-2.0
 *
 * Decimal: casts, sums, comparisons. Values are whole numbers with a scale; as in ClickHouse,
 * what is checked is whether they fit the 32, 64 or 128 bits they are kept in, not the number of
 * digits. */
#include <math.h>

#include "codec/value.h"
#include "expr/advice.h"
#include "expr/compound.h"
#include "expr/numbers.h"

static bool fits_width(__int128 v, size_t width)
{
    if (width == 16)
        return true;
    __int128 limit = (__int128)1 << (width * 8 - 1);
    return v >= -limit && v < limit;
}

/* An integer or Decimal of an argument. */
static __int128 whole_at(const struct call *c, uint32_t arg, size_t row)
{
    struct type t = call_type(c, arg);
    const void *value = call_value(c, arg, row);
    uint64_t bits = 0;
    unsigned unused;

    if (t.kind == TYPE_DECIMAL)
        return decimal_read(t, value);
    memcpy(&bits, value, type_width(t));
    unused = 64 - 8 * (unsigned)type_width(t);
    return type_is_signed(t) || type_is_enum(t) ? (__int128)((int64_t)(bits << unused) >> unused)
                                                : (__int128)bits;
}

static bool scale_up(__int128 *v, int by, size_t width)
{
    return !__builtin_mul_overflow(*v, decimal_powers[by], v) && fits_width(*v, width);
}

/* ---- casts ---- */

static void run_to_decimal(struct call *c)
{
    struct type from = call_type(c, 0), to = call_result_type(c);
    size_t width = type_width(to);

    for (size_t i = 0; i < c->n; i++) {
        __int128 v = 0;
        bool fits = true;
        if (type_is_float(from)) {
            double x = from.kind == TYPE_FLOAT32
                           ? (double)(VALUES(0, float)[i] * (float)decimal_powers[to.scale])
                           : VALUES(0, double)[i] * (double)decimal_powers[to.scale];
            double limit = ldexp(1, (int)width * 8 - 1);
            fits = x > -limit && x < limit;
            v = fits ? (__int128)x : 0;
        } else {
            int by = to.scale - (from.kind == TYPE_DECIMAL ? from.scale : 0);
            v = whole_at(c, 0, i);
            if (by >= 0)
                fits = scale_up(&v, by, width);
            else
                v /= decimal_powers[-by];
            fits = fits && fits_width(v, width);
        }
        c->fresh[i] = fits ? 0 : FAULT_RANGE;
        decimal_write(to, (char *)c->out->values + i * width, fits ? v : 0);
    }
}
static const struct op op_to_decimal = {"toDecimal", run_to_decimal, OP_FAULTS};

static void run_decimal_to_double(struct call *c)
{
    struct type from = call_type(c, 0);

    for (size_t i = 0; i < c->n; i++)
        RESULT(double)[i] = (double)whole_at(c, 0, i) / (double)decimal_powers[from.scale];
}
static const struct op op_decimal_to_double = {"toFloat64", run_decimal_to_double, 0};

value_id decimal_to_double(struct builder *b, value_id v)
{
    return emit_typed(b, &op_decimal_to_double, type_of(TYPE_FLOAT64), &v, 1, (struct param){0});
}

/* Whole part, within the integer type. */
static void run_decimal_to_integer(struct call *c)
{
    struct type from = call_type(c, 0), to = call_result_type(c);
    size_t width = type_width(to);
    bool is_signed = type_is_signed(to);

    for (size_t i = 0; i < c->n; i++) {
        __int128 v = whole_at(c, 0, i) / decimal_powers[from.scale];
        __int128 high = ((__int128)1 << (width * 8 - is_signed)) - 1,
                 low = is_signed ? -high - 1 : 0;
        bool fits = v >= low && v <= high;
        c->fresh[i] = fits ? 0 : FAULT_RANGE;
        v = fits ? v : 0;
        memcpy((char *)c->out->values + i * width, &v, width);
    }
}
static const struct op op_decimal_to_integer = {"toInteger", run_decimal_to_integer, OP_FAULTS};

static void run_decimal_to_bool(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint8_t)[i] = whole_at(c, 0, i) != 0;
}
static const struct op op_decimal_to_bool = {"toBool", run_decimal_to_bool, 0};

value_id cast_decimal(struct builder *b, value_id v, struct type to)
{
    struct type from = type_bare(value_at(b, v)->type);

    if (to.kind == TYPE_DECIMAL) {
        if (type_is_number(from) || from.kind == TYPE_DECIMAL)
            return emit_typed(b, &op_to_decimal, type_bare(to), &v, 1, (struct param){0});
        return -1;
    }
    if (to.kind == TYPE_BOOL)
        return emit_typed(b, &op_decimal_to_bool, type_bare(to), &v, 1, (struct param){0});
    if (type_is_float(to))
        return cast_number(b, decimal_to_double(b, v), to.kind);
    if (type_is_integer(to))
        return emit_typed(b, &op_decimal_to_integer, type_bare(to), &v, 1, (struct param){0});
    return -1;
}

/* ---- sums ---- */

/* param.i = the sign, param.j = power of ten that the left side of a quotient gets */
static void run_decimal_sum(struct call *c)
{
    struct type x_type = call_type(c, 0), y_type = call_type(c, 1), to = call_result_type(c);
    size_t width = type_width(to);
    char op = (char)c->param.i;
    int x_scale = x_type.kind == TYPE_DECIMAL ? x_type.scale : 0;
    int y_scale = y_type.kind == TYPE_DECIMAL ? y_type.scale : 0;
    bool is_sum = op == '+' || op == '-';

    for (size_t i = 0; i < c->n; i++) {
        __int128 x = whole_at(c, 0, i), y = whole_at(c, 1, i), v = 0;
        uint8_t fault = 0;
        if (width == 4)
            x = (int32_t)x, y = (int32_t)y; /* integers wrap, as in ClickHouse */
        else if (width == 8)
            x = (int64_t)x, y = (int64_t)y;
        if (is_sum &&
            !(scale_up(&x, to.scale - x_scale, width) && scale_up(&y, to.scale - y_scale, width)))
            fault = FAULT_RANGE;
        if (op == '/' && !scale_up(&x, (int)c->param.j, width))
            fault = FAULT_RANGE;
        if (op == '/' && y == 0)
            fault = FAULT_DIVISION;
        if (!fault && op == '+')
            fault = __builtin_add_overflow(x, y, &v) ? FAULT_RANGE : 0;
        else if (!fault && op == '-')
            fault = __builtin_sub_overflow(x, y, &v) ? FAULT_RANGE : 0;
        else if (!fault && op == '*')
            fault = __builtin_mul_overflow(x, y, &v) ? FAULT_RANGE : 0;
        else if (!fault)
            v = x / y;
        if (!fault && !fits_width(v, width))
            fault = FAULT_RANGE;
        c->fresh[i] = fault;
        decimal_write(to, (char *)c->out->values + i * width, fault ? 0 : v);
    }
}
static const struct op op_decimal_sum = {"decimal", run_decimal_sum, OP_FAULTS};

static uint32_t digits_of_width(size_t width)
{
    return width == 4 ? 9 : width == 8 ? 18 : 38;
}

static bool is_integer_like(struct type t)
{
    return type_is_integer(t) || t.kind == TYPE_BOOL;
}

value_id build_decimal_binary(struct site *s, char op, bool *is_mine)
{
    struct type x = s->types[0], y = s->types[1];
    struct builder *b = s->b;

    *is_mine = (x.kind == TYPE_DECIMAL || y.kind == TYPE_DECIMAL) &&
               (x.kind == TYPE_DECIMAL || type_is_number(x)) &&
               (y.kind == TYPE_DECIMAL || type_is_number(y));
    if (!*is_mine)
        return -1;
    if (type_is_float(x) || type_is_float(y)) {
        const char *names[] = {"plus", "minus", "multiply", "divide"};
        value_id pair[2];
        for (uint32_t i = 0; i < 2; i++)
            pair[i] =
                s->types[i].kind == TYPE_DECIMAL ? decimal_to_double(b, s->args[i]) : s->args[i];
        return build_call(b, s->node, str_of(names[strchr("+-*/", op) - "+-*/"]), pair, 2, s->scope,
                          s->d);
    }
    size_t x_width = x.kind == TYPE_DECIMAL ? type_width(x) : 0,
           y_width = y.kind == TYPE_DECIMAL ? type_width(y) : 0;
    size_t width = x_width > y_width ? x_width : y_width;
    unsigned x_scale = x_width ? x.scale : 0, y_scale = y_width ? y.scale : 0;
    unsigned scale = op == '*'           ? x_scale + y_scale
                     : op == '/'         ? x_scale
                     : x_scale > y_scale ? x_scale
                                         : y_scale;
    int64_t shift = y_scale;
    if (op == '/' && !is_integer_like(x) && x_scale < y_scale)
        return site_error(
            s, "the quotient would have fewer digits behind the point than its divisor: cast the "
               "first to a Decimal of more");
    if (op == '/' && is_integer_like(x)) {
        scale = y_scale;
        shift = 2 * y_scale;
    }
    if (scale > digits_of_width(width))
        return site_error(
            s, "the product would have %u digits behind the point, more than its Decimal has",
            scale);
    if (shift > DECIMAL_MAX_DIGITS)
        return site_error(s, "the quotient needs more digits than a Decimal has");
    return emit_typed(b, &op_decimal_sum, type_decimal(digits_of_width(width), (uint8_t)scale),
                      s->args, 2, (struct param){.i = op, .j = shift});
}

/* param.i: '-' negates, '|' is the magnitude */
static void run_decimal_unary(struct call *c)
{
    struct type t = call_type(c, 0);
    size_t width = type_width(t);

    for (size_t i = 0; i < c->n; i++) {
        __int128 v = whole_at(c, 0, i);
        if (c->param.i == '-' || v < 0)
            v = (__int128)(0 - (unsigned __int128)v);
        decimal_write(t, (char *)c->out->values + i * width, v);
    }
}
static const struct op op_decimal_unary = {"decimal", run_decimal_unary, 0};

static void run_decimal_sign(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        __int128 v = whole_at(c, 0, i);
        RESULT(int8_t)[i] = (int8_t)((v > 0) - (v < 0));
    }
}
static const struct op op_decimal_sign = {"sign", run_decimal_sign, 0};

value_id build_decimal_unary(struct site *s, char op, bool *is_mine)
{
    *is_mine = s->types[0].kind == TYPE_DECIMAL;
    if (!*is_mine)
        return -1;
    if (op == 's')
        return emit_typed(s->b, &op_decimal_sign, type_of(TYPE_INT8), s->args, 1,
                          (struct param){0});
    struct type t = type_decimal(digits_of_width(type_width(s->types[0])), s->types[0].scale);
    return emit_typed(s->b, &op_decimal_unary, t, s->args, 1, (struct param){.i = op});
}

/* ---- comparing: param.i = operation ---- */

enum { EQ, NE, LT, LE, GT, GE };

static bool holds(int order, int64_t compare)
{
    switch (compare) {
    case EQ: return order == 0;
    case NE: return order != 0;
    case LT: return order < 0;
    case LE: return order <= 0;
    case GT: return order > 0;
    default: return order >= 0;
    }
}

static void run_compare_decimal(struct call *c)
{
    struct type x_type = call_type(c, 0), y_type = call_type(c, 1);
    int x_scale = x_type.kind == TYPE_DECIMAL ? x_type.scale : 0;
    int y_scale = y_type.kind == TYPE_DECIMAL ? y_type.scale : 0;
    int scale = x_scale > y_scale ? x_scale : y_scale;
    /* as ClickHouse: in the width of the Decimal, whatever the integer's */
    size_t x_width = x_type.kind == TYPE_DECIMAL ? type_width(x_type) : 0;
    size_t y_width = y_type.kind == TYPE_DECIMAL ? type_width(y_type) : 0;
    size_t width = x_width > y_width ? x_width : y_width;

    for (size_t i = 0; i < c->n; i++) {
        __int128 x = whole_at(c, 0, i), y = whole_at(c, 1, i);
        bool fits = fits_width(x, width) && fits_width(y, width) &&
                    scale_up(&x, scale - x_scale, width) && scale_up(&y, scale - y_scale, width);
        c->fresh[i] = fits ? 0 : FAULT_RANGE;
        RESULT(uint8_t)[i] = fits && holds((x > y) - (x < y), c->param.i);
    }
}
static const struct op op_compare_decimal = {"compare", run_compare_decimal, OP_FAULTS};

static void run_compare_deep(struct call *c)
{
    struct type t = call_type(c, 0);

    for (size_t i = 0; i < c->n; i++)
        RESULT(uint8_t)
    [i] = holds(value_order(t, call_value(c, 0, i), call_value(c, 1, i)), c->param.i);
}
static const struct op op_compare_deep = {"compare", run_compare_deep, 0};

/* FixedString and String: zeroes at the end do not count. */
static struct str without_zeroes(struct str s)
{
    while (s.n && s.p[s.n - 1] == '\0')
        s.n--;
    return s;
}

static void run_compare_fixed(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str x = without_zeroes(VALUES(0, struct str)[i]),
                   y = without_zeroes(VALUES(1, struct str)[i]);
        RESULT(uint8_t)[i] = holds(str_cmp(x, y), c->param.i);
    }
}
static const struct op op_compare_fixed = {"compare", run_compare_fixed, 0};

static value_id compare_tuples(struct site *s, int compare)
{
    static const char *const names[] = {"equals",       "notEquals", "less",
                                        "lessOrEquals", "greater",   "greaterOrEquals"};
    static const int strict[] = {EQ, NE, LT, LT, GT, GT};
    struct builder *b = s->b;
    uint32_t n = s->types[0].more->n;
    value_id ret = -1;

    for (uint32_t i = n; i-- > 0;) {
        value_id pair[2] = {emit_tuple_element(b, s->args[0], i),
                            emit_tuple_element(b, s->args[1], i)};
        int how = i + 1 == n ? compare : strict[compare];
        value_id here = build_call(b, s->node, str_of(names[how]), pair, 2, s->scope, s->d);
        if (here < 0)
            return VALUE_FAILED;
        if (ret < 0) {
            ret = here;
        } else if (compare == EQ || compare == NE) {
            struct str both = compare == EQ ? STR("and") : STR("or");
            ret = build_call(b, s->node, both, (value_id[]){here, ret}, 2, s->scope, s->d);
        } else {
            value_id same = build_call(b, s->node, STR("equals"), pair, 2, s->scope, s->d);
            value_id rest =
                build_call(b, s->node, STR("and"), (value_id[]){same, ret}, 2, s->scope, s->d);
            ret = build_call(b, s->node, STR("or"), (value_id[]){here, rest}, 2, s->scope, s->d);
        }
        if (ret < 0)
            return VALUE_FAILED;
    }
    return ret;
}

static value_id incomparable(struct site *s)
{
    char x[64], y[64];

    struct type a = value_at(s->b, s->args[0])->type, b = value_at(s->b, s->args[1])->type;
    return site_types_error(s, a, b, "cannot compare %s with %s", type_name(a, x), type_name(b, y));
}

static value_id emit_deep(struct site *s, int compare, struct type type)
{
    value_id pair[2];

    for (uint32_t i = 0; i < 2; i++) {
        type.is_nullable = value_at(s->b, s->args[i])->type.is_nullable;
        pair[i] = cast_values(s->b, s->args[i], type);
        if (pair[i] < 0)
            return incomparable(s);
    }
    return emit_typed(s->b, &op_compare_deep, type_of(TYPE_UINT8), pair, 2,
                      (struct param){.i = compare});
}

/* An enum beside text: a constant that is none of its names equals nothing. */
static value_id compare_enum(struct site *s, int compare)
{
    struct type x = s->types[0], y = s->types[1];
    struct builder *b = s->b;

    if (type_is_enum(x) && type_is_enum(y) && type_eq(x, y))
        return emit_deep(s, compare, x);
    if (x.kind != TYPE_STRING && y.kind != TYPE_STRING) { /* as numbers */
        value_id pair[2];
        for (uint32_t i = 0; i < 2; i++) {
            struct type as = type_of(s->types[i].kind == TYPE_ENUM8 ? TYPE_INT8 : TYPE_INT16);
            pair[i] = type_is_enum(s->types[i]) ? retype(b, s->args[i], as) : s->args[i];
        }
        const char *names[] = {"equals",       "notEquals", "less",
                               "lessOrEquals", "greater",   "greaterOrEquals"};
        return build_call(b, s->node, str_of(names[compare]), pair, 2, s->scope, s->d);
    }
    uint32_t text = x.kind == TYPE_STRING ? 0 : 1;
    struct type type = s->types[1 - text];
    const struct cell *constant = constant_cell(b, s->args[text]);
    int16_t value;
    if (constant && !constant->is_null && !constant->fault &&
        enum_value(type, constant->str, &value))
        return emit_deep(s, compare, type);
    if (constant == NULL)
        return emit_deep(s, compare, type_of(TYPE_STRING));
    char name[64];
    return site_error(s, "'%.*s' is not a name of %s", STR_FMT(constant->str),
                      type_name(type, name));
}

value_id compare_more(struct site *s, int compare, bool *is_mine)
{
    struct type x = s->types[0], y = s->types[1], super;

    *is_mine = x.kind > TYPE_INTERVAL || y.kind > TYPE_INTERVAL;
    if (!*is_mine)
        return -1;
    if (x.kind == TYPE_TUPLE && y.kind == TYPE_TUPLE)
        return x.more->n == y.more->n ? compare_tuples(s, compare) : incomparable(s);
    if (type_is_text(x) && type_is_text(y))
        return emit_typed(s->b, &op_compare_fixed, type_of(TYPE_UINT8), s->args, 2,
                          (struct param){.i = compare});
    if (type_is_enum(x) || type_is_enum(y))
        return compare_enum(s, compare);
    uint32_t text = x.kind == TYPE_STRING ? 0 : 1;
    if (s->types[text].kind == TYPE_STRING)
        return builder_is_constant(s->b, s->args[text]) ? emit_deep(s, compare, s->types[1 - text])
                                                        : incomparable(s);
    if (x.kind == TYPE_DECIMAL || y.kind == TYPE_DECIMAL) {
        bool is_number = (x.kind == TYPE_DECIMAL || type_is_number(x)) &&
                         (y.kind == TYPE_DECIMAL || type_is_number(y));
        if (!is_number)
            return incomparable(s);
        if (type_is_float(x) || type_is_float(y)) {
            const char *names[] = {"equals",       "notEquals", "less",
                                   "lessOrEquals", "greater",   "greaterOrEquals"};
            value_id pair[2];
            for (uint32_t i = 0; i < 2; i++)
                pair[i] = s->types[i].kind == TYPE_DECIMAL ? decimal_to_double(s->b, s->args[i])
                                                           : s->args[i];
            return build_call(s->b, s->node, str_of(names[compare]), pair, 2, s->scope, s->d);
        }
        return emit_typed(s->b, &op_compare_decimal, type_of(TYPE_UINT8), s->args, 2,
                          (struct param){.i = compare});
    }
    if (!type_super(&super, s->types, 2))
        return incomparable(s);
    return emit_deep(s, compare, super);
}
