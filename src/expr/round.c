/* SPDX-License-Identifier: Apache-2.0
 *
 * round, floor, ceil, trunc to n digits after the point (negative n: before it). Floating point
 * halves go to the even neighbour, integers' halves away from zero, as in ClickHouse. */
#include <math.h>

#include "expr/kinds.h"

enum rounding { ROUND, FLOOR, CEIL, TRUNC, BANKERS };

static double round_double(double v, enum rounding how)
{
    switch (how) {
    case ROUND:
    case BANKERS: return nearbyint(v);
    case FLOOR: return floor(v);
    case CEIL: return ceil(v);
    default: return trunc(v);
    }
}

/* param.i = enum rounding, param.j = digits */
#define FLOAT_KERNEL(T, suffix)                                                                    \
    WIDE static void run_round_##suffix(struct call *c)                                            \
    {                                                                                              \
        enum rounding how = (enum rounding)c->param.i;                                             \
        int64_t digits = c->param.j;                                                               \
        T scale = (T)pow(10, (double)(digits < 0 ? -digits : digits));                             \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {                                       \
            T v = VALUES(0, T)[i];                                                                 \
            T scaled = digits == 0 ? v : digits > 0 ? v * scale : v / scale;                       \
            T whole = (T)round_double(scaled, how);                                                \
            RESULT(T)[i] = digits == 0 ? whole : digits > 0 ? whole / scale : whole * scale;       \
        }                                                                                          \
    }                                                                                              \
    static const struct op op_round_##suffix = {"round", run_round_##suffix, 0};
FLOAT_KERNEL(float, f32)
FLOAT_KERNEL(double, f64)

/* Integers to a multiple of param.j = 10^-digits; 0: everything rounds to 0. Steps wrap as in
 * ClickHouse: what it stores on the way in the type's width, what it does not in int. */
#define INTEGER_KERNEL(KIND, T, suffix)                                                            \
    WIDE static void run_round_##suffix(struct call *c)                                            \
    {                                                                                              \
        enum rounding how = (enum rounding)c->param.i;                                             \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {                                       \
            STEP_##suffix v = VALUES(0, T)[i], scale = (STEP_##suffix)c->param.j;                  \
            bool is_negative = v < 0;                                                              \
            if (scale == 0) {                                                                      \
                RESULT(T)[i] = 0;                                                                  \
                continue;                                                                          \
            }                                                                                      \
            if ((how == ROUND || how == BANKERS) && is_negative)                                   \
                v = (T)WRAP(suffix, v, -, scale);                                                  \
            if (how == BANKERS) {                                                                  \
                STEP_##suffix sum = WRAP(suffix, v, +, scale / 2);                                 \
                T quotient = (T)(sum / scale);                                                     \
                STEP_##suffix back = WRAP(suffix, quotient, *, scale);                             \
                bool is_half = (KIND_IS_INT8(T) ? (T)back : back) == sum;                          \
                quotient = is_half ? (T)((T)(quotient + (v < 0)) & ~(T)1) : quotient;              \
                RESULT(T)[i] = (T)WRAP(suffix, quotient, *, scale);                                \
                continue;                                                                          \
            }                                                                                      \
            if (how == ROUND)                                                                      \
                v = WRAP(suffix, v, +, scale / 2);                                                 \
            else if (how == FLOOR && is_negative)                                                  \
                v = (T)WRAP(suffix, v, -, scale - 1);                                              \
            else if (how == CEIL && !is_negative)                                                  \
                v = (T)WRAP(suffix, v, +, scale - 1);                                              \
            v = v / scale * scale;                                                                 \
            RESULT(T)[i] = (T)v;                                                                   \
        }                                                                                          \
    }
/* Signed bytes alone forget here what does not fit. */
#define KIND_IS_INT8(T) (sizeof(T) == 1 && (T)-1 < 0)
#define STEP_u8 int32_t
#define STEP_u16 int32_t
#define STEP_u32 uint32_t
#define STEP_u64 uint64_t
#define STEP_i8 int32_t
#define STEP_i16 int32_t
#define STEP_i32 int32_t
#define STEP_i64 int64_t
#define WRAP(suffix, a, op, b) ((STEP_##suffix)((uint64_t)(a)op(uint64_t)(b)))
INTEGER_KINDS(INTEGER_KERNEL)
#define ROUND_OP(KIND, T, suffix) {"round", run_round_##suffix, 0},
static const struct op integer_ops[8] = {INTEGER_KINDS(ROUND_OP)};

static value_id build_round(struct site *s)
{
    struct type t = s->types[0];
    int64_t digits = 0;

    if (!type_is_number(t))
        return site_bad_type(s, 0, "a number");
    if (s->n_args > 1 && !site_integer(s, 1, &digits))
        return VALUE_FAILED;
    if (digits < -30 || digits > 30)
        return site_error(s, "'%.*s' takes -30 to 30 digits, not %lld", STR_FMT(s->name),
                          (long long)digits);
    enum type_kind storage = type_storage(t);
    if (type_is_float(t))
        return emit(s->b, storage == TYPE_FLOAT32 ? &op_round_f32 : &op_round_f64, t, s->args, 1,
                    (struct param){.i = s->f->param, .j = digits}, NULL);
    if (digits >= 0)
        return s->args[0];
    static const uint8_t most[] = {2, 4, 9, 19, 2, 4, 9, 18};
    int64_t scale = -digits > most[kind_index(storage)] || digits < -18 ? 0 : power_of_ten[-digits];
    return emit(s->b, &integer_ops[kind_index(storage)], t, s->args, 1,
                (struct param){.i = s->f->param, .j = scale}, NULL);
}

static const struct function functions[] = {
    {"round", "x[, digits]",
     "To the nearest; halves of floating point to even, of integers away from 0.", 1, 2,
     FN_ANY_CASE, build_round, ROUND},
    {"roundBankers", "x[, digits]", "To the nearest; halves to even.", 1, 2, 0, build_round,
     BANKERS},
    {"floor", "x[, digits]", "Down.", 1, 2, FN_ANY_CASE, build_round, FLOOR},
    {"ceil", "x[, digits]", "Up.", 1, 2, FN_ANY_CASE, build_round, CEIL},
    {"ceiling", "x[, digits]", "ceil", 1, 2, FN_ANY_CASE | FN_ALIAS, build_round, CEIL},
    {"trunc", "x[, digits]", "Towards 0.", 1, 2, FN_ANY_CASE, build_round, TRUNC},
    {"truncate", "x[, digits]", "trunc", 1, 2, FN_ANY_CASE | FN_ALIAS, build_round, TRUNC},
};
const struct function_family family_round = {"Rounding", functions, COUNT(functions)};
