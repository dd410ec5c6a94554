/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of real numbers, Float64 in and out. ClickHouse has its own library for them:
 * results agree to some units in the last place (relative 1e-14), but for tanh, whose formula is
 * taken over. */
#include <math.h>

#include "expr/kinds.h"

static double sigmoid(double v)
{
    return 1 / (1 + exp(-v));
}
static double tanh_by_exp(double v)
{
    return 2 / (1 + exp(-2 * v)) - 1;
}
static double ln_gamma(double v)
{
    int sign;
    bool is_pole = (v < 0 && v == floor(v)) || v == -INFINITY;

    return is_pole ? NAN : lgamma_r(v, &sign);
}
static double degrees(double v)
{
    return v * (180 / M_PI);
}
static double radians(double v)
{
    return v * (M_PI / 180);
}

/* clang-format off */
#define UNARY(X)                                                                                   \
    X(exp, exp) X(exp2, exp2) X(exp10, exp10) X(log, log) X(log2, log2) X(log10, log10)            \
    X(log1p, log1p) X(sqrt, sqrt) X(cbrt, cbrt) X(sin, sin) X(cos, cos) X(tan, tan) X(asin, asin)  \
    X(acos, acos) X(atan, atan) X(sinh, sinh) X(cosh, cosh) X(tanh, tanh_by_exp) X(asinh, asinh)   \
    X(acosh, acosh) X(atanh, atanh) X(erf, erf) X(erfc, erfc) X(lgamma, ln_gamma)                  \
    X(tgamma, tgamma) X(sigmoid, sigmoid) X(degrees, degrees) X(radians, radians)
#define BINARY(X) X(pow, pow) X(atan2, atan2) X(hypot, hypot)
/* clang-format on */

#define UNARY_KERNEL(name, f)                                                                      \
    static void run_##name(struct call *c)                                                         \
    {                                                                                              \
        const double *in = VALUES(0, double);                                                      \
        double *out = RESULT(double);                                                              \
        for (size_t i = 0; i < c->n; i++)                                                          \
            out[i] = f(in[i]);                                                                     \
    }
#define BINARY_KERNEL(name, f)                                                                     \
    static void run_##name(struct call *c)                                                         \
    {                                                                                              \
        const double *a = VALUES(0, double), *b = VALUES(1, double);                               \
        double *out = RESULT(double);                                                              \
        for (size_t i = 0; i < c->n; i++)                                                          \
            out[i] = f(a[i], b[i]);                                                                \
    }
UNARY(UNARY_KERNEL)
BINARY(BINARY_KERNEL)

#define ENUM(name, f) MATH_##name,
enum math { UNARY(ENUM) BINARY(ENUM) };
#define OP(name, f) {#name, run_##name, 0},
static const struct op math_ops[] = {UNARY(OP) BINARY(OP)};

static value_id build_math(struct site *s)
{
    value_id args[2];

    for (uint32_t i = 0; i < s->n_args; i++) {
        if (!type_is_number(s->types[i]))
            return site_bad_type(s, i, "a number");
        args[i] = cast_number(s->b, s->args[i], TYPE_FLOAT64);
    }
    return emit(s->b, &math_ops[s->f->param], type_of(TYPE_FLOAT64), args, s->n_args,
                (struct param){0}, NULL);
}

static value_id build_constant(struct site *s)
{
    return emit_constant(s->b, type_of(TYPE_FLOAT64),
                         (struct cell){.f64 = s->f->param ? M_E : M_PI});
}

/* ---- is it a number? ---- */

#define IS_KERNEL(name, T, suffix, test)                                                           \
    static void run_##name##_##suffix(struct call *c)                                              \
    {                                                                                              \
        const T *in = VALUES(0, T);                                                                \
        for (size_t i = 0; i < c->n; i++)                                                          \
            RESULT(uint8_t)[i] = (test(in[i])) != 0;                                               \
    }
#define IS_NAN(v) ((v) != (v))
#define IS_FINITE(v) ((v) - (v) == 0)
#define IS_INFINITE(v) ((v) == (v) && (v) - (v) != 0)
IS_KERNEL(finite, float, f32, IS_FINITE)
IS_KERNEL(finite, double, f64, IS_FINITE)
IS_KERNEL(infinite, float, f32, IS_INFINITE)
IS_KERNEL(infinite, double, f64, IS_INFINITE)
IS_KERNEL(nan, float, f32, IS_NAN)
IS_KERNEL(nan, double, f64, IS_NAN)
enum { IS_FINITE_OP, IS_INFINITE_OP, IS_NAN_OP };
static const struct op is_ops[3][2] = {
    [IS_FINITE_OP] = {{"isFinite", run_finite_f32, 0}, {"isFinite", run_finite_f64, 0}},
    [IS_INFINITE_OP] = {{"isInfinite", run_infinite_f32, 0}, {"isInfinite", run_infinite_f64, 0}},
    [IS_NAN_OP] = {{"isNaN", run_nan_f32, 0}, {"isNaN", run_nan_f64, 0}},
};

static value_id is_of(struct builder *b, int which, value_id v)
{
    if (!type_is_float(value_at(b, v)->type))
        v = cast_number(b, v, TYPE_FLOAT64);
    bool is_wide = value_at(b, v)->type.kind == TYPE_FLOAT64;
    return EMIT(b, &is_ops[which][is_wide], type_of(TYPE_UINT8), v);
}

static value_id build_is(struct site *s)
{
    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number");
    return is_of(s->b, (int)s->f->param, s->args[0]);
}

static value_id build_if_not_finite(struct site *s)
{
    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number");
    value_id test = is_of(s->b, IS_FINITE_OP, s->args[0]);
    return build_call(s->b, s->node, STR("if"), (value_id[]){test, s->args[0], s->args[1]}, 3,
                      s->scope, s->d);
}

#define MATH(name, arguments, text, flags, which, n)                                               \
    {                                                                                              \
        name, arguments, text, n, n, flags, build_math, which                                      \
    }
static const struct function functions[] = {
    MATH("exp", "x", "e to the power x.", FN_ANY_CASE, MATH_exp, 1),
    MATH("exp2", "x", "2 to the power x.", 0, MATH_exp2, 1),
    MATH("exp10", "x", "10 to the power x.", 0, MATH_exp10, 1),
    MATH("log", "x", "Natural logarithm.", FN_ANY_CASE, MATH_log, 1),
    MATH("ln", "x", "log", FN_ANY_CASE | FN_ALIAS, MATH_log, 1),
    MATH("log2", "x", "Logarithm to the base 2.", FN_ANY_CASE, MATH_log2, 1),
    MATH("log10", "x", "Logarithm to the base 10.", FN_ANY_CASE, MATH_log10, 1),
    MATH("log1p", "x", "log(1 + x)", 0, MATH_log1p, 1),
    MATH("sqrt", "x", "Square root.", FN_ANY_CASE, MATH_sqrt, 1),
    MATH("cbrt", "x", "Cubic root.", 0, MATH_cbrt, 1),
    MATH("pow", "x, y", "x to the power y.", FN_ANY_CASE, MATH_pow, 2),
    MATH("power", "x, y", "pow", FN_ANY_CASE | FN_ALIAS, MATH_pow, 2),
    MATH("sin", "x", "Sine of an angle in radians.", FN_ANY_CASE, MATH_sin, 1),
    MATH("cos", "x", "Cosine.", FN_ANY_CASE, MATH_cos, 1),
    MATH("tan", "x", "Tangent.", FN_ANY_CASE, MATH_tan, 1),
    MATH("asin", "x", "Arc sine.", FN_ANY_CASE, MATH_asin, 1),
    MATH("acos", "x", "Arc cosine.", FN_ANY_CASE, MATH_acos, 1),
    MATH("atan", "x", "Arc tangent.", FN_ANY_CASE, MATH_atan, 1),
    MATH("atan2", "y, x", "Angle of the point (x, y).", FN_ANY_CASE, MATH_atan2, 2),
    MATH("hypot", "x, y", "sqrt(x² + y²)", FN_ANY_CASE, MATH_hypot, 2),
    MATH("sinh", "x", "Hyperbolic sine.", 0, MATH_sinh, 1),
    MATH("cosh", "x", "Hyperbolic cosine.", 0, MATH_cosh, 1),
    MATH("tanh", "x", "Hyperbolic tangent, as 2 / (1 + exp(-2x)) - 1.", FN_ANY_CASE, MATH_tanh, 1),
    MATH("asinh", "x", "Inverse hyperbolic sine.", 0, MATH_asinh, 1),
    MATH("acosh", "x", "Inverse hyperbolic cosine.", 0, MATH_acosh, 1),
    MATH("atanh", "x", "Inverse hyperbolic tangent.", 0, MATH_atanh, 1),
    MATH("degrees", "x", "Radians as degrees.", FN_ANY_CASE, MATH_degrees, 1),
    MATH("radians", "x", "Degrees as radians.", FN_ANY_CASE, MATH_radians, 1),
    MATH("erf", "x", "Error function.", 0, MATH_erf, 1),
    MATH("erfc", "x", "1 - erf(x)", 0, MATH_erfc, 1),
    MATH("lgamma", "x", "Logarithm of the gamma function.", 0, MATH_lgamma, 1),
    MATH("tgamma", "x", "Gamma function.", 0, MATH_tgamma, 1),
    MATH("sigmoid", "x", "1 / (1 + exp(-x))", 0, MATH_sigmoid, 1),
    {"pi", "", "3.141592653589793", 0, 0, FN_ANY_CASE, build_constant, 0},
    {"e", "", "2.718281828459045", 0, 0, 0, build_constant, 1},
    {"isFinite", "x", "Is it neither infinite nor NaN?", 1, 1, 0, build_is, IS_FINITE_OP},
    {"isInfinite", "x", "Is it infinite?", 1, 1, 0, build_is, IS_INFINITE_OP},
    {"isNaN", "x", "Is it NaN?", 1, 1, 0, build_is, IS_NAN_OP},
    {"ifNotFinite", "x, other", "x, or other where x is infinite or NaN.", 2, 2, FN_OWN_NULLS,
     build_if_not_finite, 0},
};
const struct function_family family_math = {"Mathematics", functions, COUNT(functions)};
