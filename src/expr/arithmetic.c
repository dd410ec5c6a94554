/* SPDX-License-Identifier: Apache-2.0
 *
 * + - * / and their like over numbers. Arguments are cast to the result type first, then one
 * kernel per result type computes, wrapping. Sums of times and numbers or intervals are in
 * time_shift.c, integer division in division.c. */
#include <math.h>

#include "expr/compound.h"
#include "expr/kinds.h"
#include "expr/numbers.h"

/* ---- result types, as ClickHouse's NumberTraits ---- */

static size_t twice(size_t bytes)
{
    return bytes < 8 ? bytes * 2 : 8;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

enum type_kind sum_kind(struct type a, struct type b, bool is_signed)
{
    if (type_is_float(a) || type_is_float(b))
        return TYPE_FLOAT64;
    is_signed |= type_is_signed(a) || type_is_signed(b);
    return integer_kind(is_signed, twice(larger(type_width(a), type_width(b))));
}

/* ---- kernels ---- */

#define WIDE_OF_u8 unsigned
#define WIDE_OF_u16 unsigned
#define WIDE_OF_u32 uint32_t
#define WIDE_OF_u64 uint64_t
#define WIDE_OF_i8 unsigned
#define WIDE_OF_i16 unsigned
#define WIDE_OF_i32 uint32_t
#define WIDE_OF_i64 uint64_t
#define WIDE_OF_f32 float
#define WIDE_OF_f64 double

#define BINARY(name, T, suffix, op)                                                                \
    WIDE static void run_##name##_##suffix(struct call *c)                                         \
    {                                                                                              \
        const T *a = VALUES(0, T), *b = VALUES(1, T);                                              \
        T *restrict out = RESULT(T);                                                               \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = (T)((WIDE_OF_##suffix)a[i] op(WIDE_OF_##suffix) b[i]);                        \
    }
#define SUM_KERNELS(KIND, T, suffix)                                                               \
    BINARY(plus, T, suffix, +)                                                                     \
    BINARY(minus, T, suffix, -)                                                                    \
    BINARY(multiply, T, suffix, *)
NUMBER_KINDS(SUM_KERNELS)
#define PLUS_OP(KIND, T, suffix) {"plus", run_plus_##suffix, 0},
#define MINUS_OP(KIND, T, suffix) {"minus", run_minus_##suffix, 0},
#define MULTIPLY_OP(KIND, T, suffix) {"multiply", run_multiply_##suffix, 0},
static const struct op sum_ops[3][N_KINDS] = {
    {NUMBER_KINDS(PLUS_OP)}, {NUMBER_KINDS(MINUS_OP)}, {NUMBER_KINDS(MULTIPLY_OP)}};

WIDE static void run_divide(struct call *c)
{
    const double *a = VALUES(0, double), *b = VALUES(1, double);
    double *restrict out = RESULT(double);

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        out[i] = a[i] / b[i];
}
static const struct op op_divide = {"divide", run_divide, 0};

#define UNARY_KERNELS(KIND, T, suffix)                                                             \
    WIDE static void run_negate_##suffix(struct call *c)                                           \
    {                                                                                              \
        const T *a = VALUES(0, T);                                                                 \
        T *restrict out = RESULT(T);                                                               \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = (T) - (WIDE_OF_##suffix)a[i];                                                 \
    }                                                                                              \
    WIDE static void run_sign_##suffix(struct call *c)                                             \
    {                                                                                              \
        const T *a = VALUES(0, T);                                                                 \
        int8_t *restrict out = RESULT(int8_t);                                                     \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = a[i] < 0 ? -1 : a[i] == 0 ? 0 : 1;                                            \
    }
NUMBER_KINDS(UNARY_KERNELS)
#define NEGATE_OP(KIND, T, suffix) {"negate", run_negate_##suffix, 0},
#define SIGN_OP(KIND, T, suffix) {"sign", run_sign_##suffix, 0},
static const struct op negate_ops[N_KINDS] = {NUMBER_KINDS(NEGATE_OP)};
static const struct op sign_ops[N_KINDS] = {NUMBER_KINDS(SIGN_OP)};

#define ABS_KERNEL(T, UT, WT, suffix)                                                              \
    WIDE static void run_abs_##suffix(struct call *c)                                              \
    {                                                                                              \
        const T *a = VALUES(0, T);                                                                 \
        UT *restrict out = RESULT(UT);                                                             \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = a[i] < 0 ? (UT)(0 - (WT)a[i]) : (UT)a[i];                                     \
    }                                                                                              \
    static const struct op op_abs_##suffix = {"abs", run_abs_##suffix, 0};
ABS_KERNEL(int8_t, uint8_t, unsigned, i8)
ABS_KERNEL(int16_t, uint16_t, unsigned, i16)
ABS_KERNEL(int32_t, uint32_t, uint32_t, i32)
ABS_KERNEL(int64_t, uint64_t, uint64_t, i64)

WIDE static void run_abs_f32(struct call *c)
{
    float *restrict result = RESULT(float);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = fabsf(VALUES(0, float)[i]);
}
WIDE static void run_abs_f64(struct call *c)
{
    double *restrict result = RESULT(double);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = fabs(VALUES(0, double)[i]);
}
static const struct op op_abs_f32 = {"abs", run_abs_f32, 0}, op_abs_f64 = {"abs", run_abs_f64, 0};

/* ---- bits ---- */

#define BIT_KERNELS(KIND, T, suffix)                                                               \
    BINARY(and, T, suffix, &)                                                                      \
    BINARY(or, T, suffix, |)                                                                       \
    BINARY(xor, T, suffix, ^)                                                                      \
    WIDE static void run_not_##suffix(struct call *c)                                              \
    {                                                                                              \
        T *restrict result = RESULT(T);                                                            \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            result[i] = (T)~VALUES(0, T)[i];                                                       \
    }
INTEGER_KINDS(BIT_KERNELS)
#define AND_OP(KIND, T, suffix) {"bitAnd", run_and_##suffix, 0},
#define OR_OP(KIND, T, suffix) {"bitOr", run_or_##suffix, 0},
#define XOR_OP(KIND, T, suffix) {"bitXor", run_xor_##suffix, 0},
#define NOT_OP(KIND, T, suffix) {"bitNot", run_not_##suffix, 0},
static const struct op bit_ops[3][8] = {
    {INTEGER_KINDS(AND_OP)}, {INTEGER_KINDS(OR_OP)}, {INTEGER_KINDS(XOR_OP)}};
static const struct op bit_not_ops[8] = {INTEGER_KINDS(NOT_OP)};

/* ---- functions ---- */

enum { SUM_PLUS, SUM_MINUS, SUM_MULTIPLY };

value_id emit_sum(struct builder *b, int which, value_id x, value_id y, enum type_kind kind)
{
    x = cast_number(b, x, kind);
    y = cast_number(b, y, kind);
    return EMIT(b, &sum_ops[which][kind_index(kind)], type_of(kind), x, y);
}

static value_id build_sum(struct site *s)
{
    if (s->f->param != SUM_MULTIPLY) {
        bool is_mine;
        value_id shifted = build_time_sum(s, s->f->param == SUM_MINUS, &is_mine);
        if (is_mine)
            return shifted;
    }
    bool is_decimal;
    value_id decimal = build_decimal_binary(s, "+-*"[s->f->param], &is_decimal);
    if (is_decimal)
        return decimal;
    for (uint32_t i = 0; i < 2; i++)
        if (!type_is_number(s->types[i]))
            return site_bad_type(s, i, "a number");
    return emit_sum(s->b, (int)s->f->param, s->args[0], s->args[1],
                    sum_kind(s->types[0], s->types[1], s->f->param == SUM_MINUS));
}

static value_id build_divide(struct site *s)
{
    bool is_decimal;
    value_id decimal = build_decimal_binary(s, '/', &is_decimal);
    if (is_decimal)
        return decimal;
    for (uint32_t i = 0; i < 2; i++)
        if (!type_is_number(s->types[i]))
            return site_bad_type(s, i, "a number");
    return EMIT(s->b, &op_divide, type_of(TYPE_FLOAT64),
                cast_number(s->b, s->args[0], TYPE_FLOAT64),
                cast_number(s->b, s->args[1], TYPE_FLOAT64));
}

static value_id build_negate(struct site *s)
{
    struct type t = s->types[0];
    bool is_decimal;
    value_id decimal = build_decimal_unary(s, '-', &is_decimal);

    if (is_decimal)
        return decimal;

    if (!type_is_number(t))
        return site_bad_type(s, 0, "a number");
    enum type_kind kind = type_is_float(t)    ? t.kind
                          : type_is_signed(t) ? t.kind
                                              : integer_kind(true, twice(type_width(t)));
    return EMIT(s->b, &negate_ops[kind_index(kind)], type_of(kind),
                cast_number(s->b, s->args[0], kind));
}

static value_id build_abs(struct site *s)
{
    struct type t = s->types[0];
    bool is_decimal;
    value_id decimal = build_decimal_unary(s, '|', &is_decimal);

    if (is_decimal)
        return decimal;

    if (!type_is_number(t))
        return site_bad_type(s, 0, "a number");
    enum type_kind storage = type_storage(t);
    const struct op *op = storage == TYPE_INT8      ? &op_abs_i8
                          : storage == TYPE_INT16   ? &op_abs_i16
                          : storage == TYPE_INT32   ? &op_abs_i32
                          : storage == TYPE_INT64   ? &op_abs_i64
                          : storage == TYPE_FLOAT32 ? &op_abs_f32
                          : storage == TYPE_FLOAT64 ? &op_abs_f64
                                                    : NULL;
    if (op == NULL)
        return cast_number(s->b, s->args[0], storage);
    return EMIT(s->b, op, type_of(type_is_float(t) ? storage : integer_kind(false, type_width(t))),
                s->args[0]);
}

static value_id build_sign(struct site *s)
{
    bool is_decimal;
    value_id decimal = build_decimal_unary(s, 's', &is_decimal);
    if (is_decimal)
        return decimal;
    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number");
    return EMIT(s->b, &sign_ops[kind_index(type_storage(s->types[0]))], type_of(TYPE_INT8),
                s->args[0]);
}

static bool is_integer_like(struct type t)
{
    return type_is_integer(t) || t.kind == TYPE_BOOL;
}

static value_id build_bits(struct site *s)
{
    for (uint32_t i = 0; i < 2; i++)
        if (!is_integer_like(s->types[i]))
            return site_bad_type(s, i, "an integer");
    enum type_kind kind = integer_kind(type_is_signed(s->types[0]) || type_is_signed(s->types[1]),
                                       larger(type_width(s->types[0]), type_width(s->types[1])));
    return EMIT(s->b, &bit_ops[s->f->param][kind_index(kind)], type_of(kind),
                cast_number(s->b, s->args[0], kind), cast_number(s->b, s->args[1], kind));
}

static value_id build_bit_not(struct site *s)
{
    if (!is_integer_like(s->types[0]))
        return site_bad_type(s, 0, "an integer");
    enum type_kind kind = type_storage(s->types[0]);
    return EMIT(s->b, &bit_not_ops[kind_index(kind)], type_of(kind), s->args[0]);
}

static const struct function functions[] = {
    {"plus", "a, b",
     "`a + b`: the sum in the next larger type, wrapping; a time plus a number of days (Date) or "
     "seconds, or plus an INTERVAL.",
     2, 2, 0, build_sum, SUM_PLUS},
    {"minus", "a, b",
     "`a - b`: always signed; the difference of two Dates in days, of two DateTimes in seconds.", 2,
     2, 0, build_sum, SUM_MINUS},
    {"multiply", "a, b", "`a * b`", 2, 2, 0, build_sum, SUM_MULTIPLY},
    {"divide", "a, b", "`a / b`: always Float64.", 2, 2, 0, build_divide, 0},
    {"intDiv", "a, b", "Quotient without its fraction; division by zero rejects.", 2, 2, 0,
     build_division, DIVISION_INT},
    {"intDivOrZero", "a, b", "The same, 0 where it cannot be.", 2, 2, 0, build_division,
     DIVISION_INT_OR_ZERO},
    {"modulo", "a, b", "`a % b`: the sign is a's; division by zero rejects.", 2, 2, 0,
     build_division, DIVISION_MODULO},
    {"mod", "a, b", "modulo", 2, 2, FN_ANY_CASE | FN_ALIAS, build_division, DIVISION_MODULO},
    {"positiveModulo", "a, b", "Remainder that is never negative.", 2, 2, FN_ANY_CASE,
     build_division, DIVISION_POSITIVE_MODULO},
    {"positive_modulo", "a, b", "positiveModulo", 2, 2, FN_ANY_CASE | FN_ALIAS, build_division,
     DIVISION_POSITIVE_MODULO},
    {"pmod", "a, b", "positiveModulo", 2, 2, FN_ANY_CASE | FN_ALIAS, build_division,
     DIVISION_POSITIVE_MODULO},
    {"moduloOrZero", "a, b", "modulo, 0 where it cannot be.", 2, 2, 0, build_soft_division,
     DIVISION_MODULO | DIVISION_OR_ZERO},
    {"moduloOrNull", "a, b", "modulo, NULL where it cannot be.", 2, 2, 0, build_soft_division,
     DIVISION_MODULO | DIVISION_OR_NULL},
    {"intDivOrNull", "a, b", "intDiv, NULL where it cannot be.", 2, 2, 0, build_soft_division,
     DIVISION_INT | DIVISION_OR_NULL},
    {"divideOrNull", "a, b", "divide, NULL for b = 0.", 2, 2, 0, build_soft_division,
     DIVISION_REAL | DIVISION_OR_NULL},
    {"positiveModuloOrNull", "a, b", "positiveModulo, NULL where it cannot be.", 2, 2, FN_ANY_CASE,
     build_soft_division, DIVISION_POSITIVE_MODULO | DIVISION_OR_NULL},
    {"negate", "a", "`-a`", 1, 1, 0, build_negate, 0},
    {"abs", "a", "Magnitude, unsigned.", 1, 1, FN_ANY_CASE, build_abs, 0},
    {"sign", "a", "-1, 0 or 1.", 1, 1, FN_ANY_CASE, build_sign, 0},
    {"bitAnd", "a, b", "Bits of both.", 2, 2, 0, build_bits, 0},
    {"bitOr", "a, b", "Bits of either.", 2, 2, 0, build_bits, 1},
    {"bitXor", "a, b", "Bits of one of the two.", 2, 2, 0, build_bits, 2},
    {"bitNot", "a", "All bits the other way.", 1, 1, 0, build_bit_not, 0},
};
const struct function_family family_arithmetic = {"Arithmetic", functions, COUNT(functions)};
