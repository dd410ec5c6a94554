/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer division and remainder. ClickHouse computes them in the arguments' own types with C's
 * rules of mixed signs, so there is a kernel for each pair of integer types. */
#include <math.h>

#include "expr/kinds.h"
#include "expr/numbers.h"

#define IS_SIGNED(T) ((T)-1 < (T)1)
#define SMALLEST(T) (IS_SIGNED(T) ? (T)((uint64_t)1 << (sizeof(T) * 8 - 1)) : (T)0)

/* Is a / b undefined? */
#define BAD(A, B, a, b)                                                                            \
    ((b) == 0 || (IS_SIGNED(A) && IS_SIGNED(B) && (b) == (B)-1 && (a) == SMALLEST(A)))

#define SIGNED_u8 int8_t
#define SIGNED_u16 int16_t
#define SIGNED_u32 int32_t
#define SIGNED_u64 int64_t
#define SIGNED_i8 int8_t
#define SIGNED_i16 int16_t
#define SIGNED_i32 int32_t
#define SIGNED_i64 int64_t

/* intDiv: with one signed side both become signed: a in its width, b in the wider one's. The
 * result is as wide as a. */
#define INT_DIV(A, sa, B, sb)                                                                      \
    static inline bool divide_##sa##_##sb(A a, B b, int64_t *quotient)                             \
    {                                                                                              \
        *quotient = 0;                                                                             \
        if (!IS_SIGNED(A) && !IS_SIGNED(B)) {                                                      \
            *quotient = b ? (int64_t)((uint64_t)a / (uint64_t)b) : 0;                              \
            return b != 0;                                                                         \
        }                                                                                          \
        int64_t x = (SIGNED_##sa)a, y = sizeof(A) <= sizeof(B) ? (SIGNED_##sb)b : (SIGNED_##sa)b;  \
        if (y == 0 || (y == -1 && x == SMALLEST(SIGNED_##sa)))                                     \
            return false;                                                                          \
        *quotient = x / y;                                                                         \
        return true;                                                                               \
    }                                                                                              \
    static void run_div_##sa##_##sb(struct call *c)                                                \
    {                                                                                              \
        const A *a = VALUES(0, A);                                                                 \
        const B *b = VALUES(1, B);                                                                 \
        for (size_t i = 0; i < c->n; i++) {                                                        \
            int64_t q;                                                                             \
            c->fresh[i] = divide_##sa##_##sb(a[i], b[i], &q) ? 0 : FAULT_DIVISION;                 \
            RESULT(A)[i] = (A)q;                                                                   \
        }                                                                                          \
    }                                                                                              \
    static void run_div0_##sa##_##sb(struct call *c)                                               \
    {                                                                                              \
        const A *a = VALUES(0, A);                                                                 \
        const B *b = VALUES(1, B);                                                                 \
        for (size_t i = 0; i < c->n; i++) {                                                        \
            int64_t q;                                                                             \
            divide_##sa##_##sb(a[i], b[i], &q);                                                    \
            RESULT(A)[i] = (A)q;                                                                   \
        }                                                                                          \
    }

/* modulo: C's % after its usual conversions, then cast. RESULT has twice(b)'s width where a is
 * signed. */
#define WIDTH_OF_RESULT(A, B) (IS_SIGNED(A) && sizeof(B) < 8 ? sizeof(B) * 2 : sizeof(B))
#define MODULO(A, sa, B, sb)                                                                       \
    static inline int64_t rest_##sa##_##sb(A a, B b)                                               \
    {                                                                                              \
        return (IS_SIGNED(B) && b == (B)-1 && IS_SIGNED(A)) ? 0 : (int64_t)(a % b);                \
    }                                                                                              \
    static void run_mod_##sa##_##sb(struct call *c)                                                \
    {                                                                                              \
        const A *a = VALUES(0, A);                                                                 \
        const B *b = VALUES(1, B);                                                                 \
        enum { WIDTH = WIDTH_OF_RESULT(A, B) };                                                    \
        for (size_t i = 0; i < c->n; i++) {                                                        \
            bool bad = BAD(A, B, a[i], b[i]);                                                      \
            int64_t r = bad ? 0 : rest_##sa##_##sb(a[i], b[i]);                                    \
            c->fresh[i] = bad ? FAULT_DIVISION : 0;                                                \
            memcpy((char *)c->out->values + i * WIDTH, &r, WIDTH);                                 \
        }                                                                                          \
    }                                                                                              \
    static void run_pmod_##sa##_##sb(struct call *c)                                               \
    {                                                                                              \
        const A *a = VALUES(0, A);                                                                 \
        const B *b = VALUES(1, B);                                                                 \
        for (size_t i = 0; i < c->n; i++) {                                                        \
            bool bad = BAD(A, B, a[i], b[i]);                                                      \
            int64_t r = bad ? 0 : rest_##sa##_##sb(a[i], b[i]);                                    \
            bool over = IS_SIGNED(A) && r < 0 && IS_SIGNED(B) && b[i] == SMALLEST(B);              \
            if (IS_SIGNED(A) && r < 0) {                                                           \
                r = (int64_t)((uint64_t)r + (b[i] < 0 ? 0 - (uint64_t)b[i] : (uint64_t)b[i]));     \
            }                                                                                      \
            c->fresh[i] = bad ? FAULT_DIVISION : over ? FAULT_RANGE : 0;                           \
            memcpy((char *)c->out->values + i * sizeof(B), &r, sizeof(B));                         \
        }                                                                                          \
    }

#define PAIR(A, sa, B, sb) INT_DIV(A, sa, B, sb) MODULO(A, sa, B, sb)
#define PAIRS_OF(A, sa)                                                                            \
    PAIR(A, sa, uint8_t, u8)                                                                       \
    PAIR(A, sa, uint16_t, u16)                                                                     \
    PAIR(A, sa, uint32_t, u32)                                                                     \
    PAIR(A, sa, uint64_t, u64)                                                                     \
    PAIR(A, sa, int8_t, i8)                                                                        \
    PAIR(A, sa, int16_t, i16)                                                                      \
    PAIR(A, sa, int32_t, i32)                                                                      \
    PAIR(A, sa, int64_t, i64)
PAIRS_OF(uint8_t, u8)
PAIRS_OF(uint16_t, u16)
PAIRS_OF(uint32_t, u32)
PAIRS_OF(uint64_t, u64)
PAIRS_OF(int8_t, i8)
PAIRS_OF(int16_t, i16)
PAIRS_OF(int32_t, i32)
PAIRS_OF(int64_t, i64)

#define OPS_ROW(text, flags, run, sa)                                                              \
    {                                                                                              \
        {text, run##_##sa##_u8, flags}, {text, run##_##sa##_u16, flags},                           \
            {text, run##_##sa##_u32, flags}, {text, run##_##sa##_u64, flags},                      \
            {text, run##_##sa##_i8, flags}, {text, run##_##sa##_i16, flags},                       \
            {text, run##_##sa##_i32, flags}, {text, run##_##sa##_i64, flags},                      \
    }
#define OPS_TABLE(text, flags, run)                                                                \
    {                                                                                              \
        OPS_ROW(text, flags, run, u8), OPS_ROW(text, flags, run, u16),                             \
            OPS_ROW(text, flags, run, u32), OPS_ROW(text, flags, run, u64),                        \
            OPS_ROW(text, flags, run, i8), OPS_ROW(text, flags, run, i16),                         \
            OPS_ROW(text, flags, run, i32), OPS_ROW(text, flags, run, i64),                        \
    }
static const struct op division_ops[4][8][8] = {
    [DIVISION_INT] = OPS_TABLE("intDiv", OP_FAULTS | OP_NULL_FAULTS, run_div),
    [DIVISION_INT_OR_ZERO] = OPS_TABLE("intDivOrZero", 0, run_div0),
    [DIVISION_MODULO] = OPS_TABLE("modulo", OP_FAULTS | OP_NULL_FAULTS, run_mod),
    [DIVISION_POSITIVE_MODULO] = OPS_TABLE("positiveModulo", OP_FAULTS | OP_NULL_FAULTS, run_pmod),
};
/* By a constant: evaluated even in a branch that is not taken. */
static const struct op constant_division_ops[4][8][8] = {
    [DIVISION_INT] = OPS_TABLE("intDiv", OP_FAULTS | OP_NULL_FAULTS | OP_EAGER_FAULTS, run_div),
    [DIVISION_INT_OR_ZERO] = OPS_TABLE("intDivOrZero", 0, run_div0),
    [DIVISION_MODULO] = OPS_TABLE("modulo", OP_FAULTS | OP_NULL_FAULTS | OP_EAGER_FAULTS, run_mod),
    [DIVISION_POSITIVE_MODULO] =
        OPS_TABLE("positiveModulo", OP_FAULTS | OP_NULL_FAULTS | OP_EAGER_FAULTS, run_pmod),
};

/* ---- with floating point ---- */

/* param.i, param.j: the bounds of the result type as ClickHouse checks them. is_float32: so is the
 * quotient, there being no Float64 in it. */
static inline void div_float(struct call *c, bool is_float32)
{
    const double *a = VALUES(0, double), *b = VALUES(1, double);
    double low = (double)c->param.i, high = (double)(uint64_t)c->param.j;

    for (size_t i = 0; i < c->n; i++) {
        double q = is_float32 ? (float)a[i] / (float)b[i] : a[i] / b[i];
        bool bad = b[i] == 0 || !isfinite(a[i]) || !isfinite(b[i]) || q >= high || q <= low;
        c->fresh[i] = bad ? FAULT_DIVISION : 0;
        RESULT(int64_t)[i] = bad ? 0 : low < 0 ? double_to_i64(q) : (int64_t)double_to_u64(q);
    }
}
static void run_div_float64(struct call *c)
{
    div_float(c, false);
}
static void run_div_float32(struct call *c)
{
    div_float(c, true);
}

/* By zero is zero. */
/* What the processor cannot divide: the smallest signed integer by -1. */
static inline bool is_smallest_by_minus_one(bool is_signed, double low, double a, double b)
{
    return is_signed && a == low && b == -1;
}

static inline void div_float_soft(struct call *c, bool is_float32)
{
    const double *a = VALUES(0, double), *b = VALUES(1, double);
    double low = (double)c->param.i;
    bool is_signed = c->data != NULL;

    div_float(c, is_float32);
    for (size_t i = 0; i < c->n; i++)
        if (b[i] == 0 || is_smallest_by_minus_one(is_signed, low, a[i], b[i]))
            c->fresh[i] = 0;
}
static void run_div_float64_soft(struct call *c)
{
    div_float_soft(c, false);
}
static void run_div_float32_soft(struct call *c)
{
    div_float_soft(c, true);
}

enum { FLOAT_ROWS, FLOAT_CONSTANT, FLOAT_SOFT };
#define FLOAT_OPS(width)                                                                           \
    {                                                                                              \
        [FLOAT_ROWS] = {"intDiv", run_div_float##width, OP_FAULTS | OP_NULL_FAULTS},               \
        [FLOAT_CONSTANT] = {"intDiv", run_div_float##width,                                        \
                            OP_FAULTS | OP_NULL_FAULTS | OP_EAGER_FAULTS},                         \
        [FLOAT_SOFT] = {"intDivOrZero", run_div_float##width##_soft,                               \
                        OP_FAULTS | OP_NULL_FAULTS | OP_EAGER_FAULTS},                             \
    }
static const struct op div_float_ops[2][3] = {FLOAT_OPS(64), FLOAT_OPS(32)};

static double float_rest(double a, double b)
{
    return a - trunc(a / b) * b;
}

static void run_mod_float(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(double)[i] = float_rest(VALUES(0, double)[i], VALUES(1, double)[i]);
}
/* param.i: the smallest value of b's type, which has no magnitude there; 0: none. Then args[2] is
 * b as it was. */
static void run_pmod_float(struct call *c)
{
    int64_t smallest = c->param.i;

    for (size_t i = 0; i < c->n; i++) {
        double b = VALUES(1, double)[i], r = float_rest(VALUES(0, double)[i], b);
        RESULT(double)[i] = r < 0 ? r + fabs(b) : r;
        bool is_smallest = r < 0 && smallest && VALUES(2, int64_t)[i] == smallest;
        c->fresh[i] = is_smallest ? FAULT_DIVISION : 0;
    }
}
static const struct op op_mod_float = {"modulo", run_mod_float, 0};
static const struct op op_pmod_float = {"positiveModulo", run_pmod_float,
                                        OP_FAULTS | OP_NULL_FAULTS};
static const struct op op_pmod_float_constant = {"positiveModulo", run_pmod_float,
                                                 OP_FAULTS | OP_NULL_FAULTS | OP_EAGER_FAULTS};

static value_id float_division(struct site *s, int which)
{
    struct builder *b = s->b;
    struct type t = s->types[0];
    bool is_constant = value_at(b, s->args[1])->kind == VALUE_CONSTANT;
    value_id x = cast_number(b, s->args[0], TYPE_FLOAT64),
             y = cast_number(b, s->args[1], TYPE_FLOAT64);

    if (which == DIVISION_MODULO)
        return EMIT(b, &op_mod_float, type_of(TYPE_FLOAT64), x, y);
    if (which == DIVISION_POSITIVE_MODULO) {
        struct type d = s->types[1];
        int64_t smallest = type_is_signed(d) ? -((int64_t)1 << (type_width(d) * 8 - 2)) * 2 : 0;
        value_id args[] = {x, y, smallest ? cast_number(b, s->args[1], TYPE_INT64) : y};
        return emit(b, is_constant ? &op_pmod_float_constant : &op_pmod_float,
                    type_of(TYPE_FLOAT64), args, smallest ? 3 : 2, (struct param){.i = smallest},
                    NULL);
    }
    enum type_kind kind = integer_kind(true, type_width(t));
    unsigned bits = 8 * (unsigned)type_width(t);
    struct param bounds = {.i = -((int64_t)1 << (bits - 2)) * 2,
                           .j = (int64_t)(((uint64_t)1 << (bits - 1)) - 1)};
    bool is_float32 = t.kind != TYPE_FLOAT64 && s->types[1].kind != TYPE_FLOAT64;
    int how = which == DIVISION_INT_OR_ZERO ? FLOAT_SOFT
              : is_constant                 ? FLOAT_CONSTANT
                                            : FLOAT_ROWS;
    const struct op *op = &div_float_ops[is_float32][how];
    static const bool is_signed = true;
    value_id q = emit(b, op, type_of(TYPE_INT64), (const value_id[]){x, y}, 2, bounds,
                      type_is_signed(t) ? &is_signed : NULL);
    return cast_number(b, q, kind);
}

/* ---- …OrNull, …OrZero ---- */

/* The masks of the arguments, as around a strict kernel. */
static void join_masks(struct call *c)
{
    memset(c->nulls, 0, c->n);
    memset(c->faults, 0, c->n);
    for (uint32_t a = 0; a < c->n_args; a++)
        for (size_t i = 0; i < c->n; i++) {
            c->nulls[i] |= c->args[a]->nulls && c->args[a]->nulls[i];
            c->faults[i] |= c->args[a]->faults ? c->args[a]->faults[i] : 0;
        }
    c->out->nulls = c->nulls;
    c->out->faults = c->faults;
}

/* Runs the operation param.p; where it cannot be, NULL or (param.i) 0. */
static void run_soft(struct call *c)
{
    const struct op *op = c->param.p;
    size_t width = type_width(c->out->type);

    join_masks(c);
    memset(c->fresh, 0, c->n);
    op->run(c);
    for (size_t i = 0; i < c->n; i++) {
        bool is_bad = c->fresh[i] == FAULT_DIVISION;
        c->nulls[i] |= is_bad && !c->param.i;
        if (c->fresh[i] && !is_bad && !c->faults[i])
            c->faults[i] = c->fresh[i];
        if (is_bad)
            memset((char *)c->out->values + i * width, 0, width);
    }
}
static const struct op op_soft = {"orNull", run_soft, OP_OWN_MASKS},
                       op_soft_faulty = {"orNull", run_soft,
                                         OP_OWN_MASKS | OP_FAULTS | OP_EAGER_FAULTS};

/* args: a result, the divisor and the number divided as Float64; param.i: that is a signed integer,
 * param.j: its type's smallest */
static void run_null_by_zero(struct call *c)
{
    join_masks(c);
    memcpy(c->out->values, c->args[0]->values, c->n * type_width(c->out->type));
    for (size_t i = 0; i < c->n; i++)
        c->nulls[i] |= VALUES(1, double)[i] == 0 ||
                       is_smallest_by_minus_one(c->param.i, (double)c->param.j,
                                                VALUES(2, double)[i], VALUES(1, double)[i]);
}
static const struct op op_null_by_zero = {"orNull", run_null_by_zero, OP_OWN_MASKS};

static value_id real_or_null(struct site *s, int which)
{
    struct builder *b = s->b;
    value_id divisor = cast_number(b, s->args[1], TYPE_FLOAT64), v;

    if (which == DIVISION_REAL)
        v = build_call(b, s->node, STR("divide"), s->args, 2, s->scope, s->d);
    else
        v = float_division(s, which == DIVISION_INT ? DIVISION_INT_OR_ZERO : which);
    if (v < 0)
        return v;
    struct type x = s->types[0];
    value_id args[] = {v, divisor, cast_number(b, s->args[0], TYPE_FLOAT64)};
    struct param smallest = {.i = which == DIVISION_INT && type_is_signed(x),
                             .j = INT64_MIN >> (64 - 8 * type_width(x))};
    return emit(b, &op_null_by_zero, type_nullable(value_at(b, v)->type), args, 3, smallest, NULL);
}

static enum type_kind modulo_kind(int which, struct type x, struct type y)
{
    if (which == DIVISION_MODULO && type_is_signed(x))
        return integer_kind(true, type_width(y) < 8 ? type_width(y) * 2 : 8);
    return integer_kind(false, type_width(y));
}

value_id build_soft_division(struct site *s)
{
    struct builder *b = s->b;
    bool is_zero = s->f->param & DIVISION_OR_ZERO;
    int which = (int)s->f->param & 7;
    struct type x = s->types[0], y = s->types[1];

    for (uint32_t i = 0; i < 2; i++)
        if (!type_is_number(s->types[i]))
            return site_bad_type(s, i, "a number");
    if (type_is_float(x) || type_is_float(y) || which == DIVISION_REAL)
        return is_zero ? float_division(s, which) : real_or_null(s, which);
    enum type_kind kind = which == DIVISION_INT
                              ? integer_kind(type_is_signed(x) || type_is_signed(y), type_width(x))
                              : modulo_kind(which, x, y);
    struct type type = type_of(kind);
    type.is_nullable = !is_zero || value_at(b, s->args[0])->type.is_nullable ||
                       value_at(b, s->args[1])->type.is_nullable;
    const struct op *op =
        &division_ops[which][kind_index(type_storage(x))][kind_index(type_storage(y))];
    const struct op *soft = which == DIVISION_POSITIVE_MODULO ? &op_soft_faulty : &op_soft;
    return emit(b, soft, type, s->args, 2, (struct param){.i = is_zero, .p = op}, NULL);
}

static bool is_time_here(struct type t)
{
    return t.kind == TYPE_DATE || t.kind == TYPE_DATETIME;
}

static bool is_smallest(const struct cell *c, struct type type)
{
    unsigned bits = (unsigned)type_width(type) * 8;
    return !c->is_null && c->u64 == (uint64_t)1 << (bits - 1);
}

static bool is_minus_one(const struct cell *c, struct type type)
{
    return c->u64 == ~0ULL >> (64 - 8 * type_width(type));
}

value_id build_division(struct site *s)
{
    struct builder *b = s->b;
    int which = (int)s->f->param;
    bool is_modulo = which == DIVISION_MODULO || which == DIVISION_POSITIVE_MODULO;
    struct type x = s->types[0], y = s->types[1];
    char name[64];

    if (!type_is_number(x) && !(is_modulo && is_time_here(x)))
        return site_bad_type(s, 0, "a number");
    if (!type_is_number(y))
        return site_bad_type(s, 1, "a number");
    if (type_is_float(x) || type_is_float(y))
        return float_division(s, which);

    const struct cell *divisor = constant_cell(b, s->args[1]);
    if (which == DIVISION_MODULO && divisor && type_is_signed(y) && is_smallest(divisor, y))
        return site_error(
            s, "ClickHouse has no remainder by the smallest %s: write it as a wider type",
            type_name(y, name));

    bool is_signed = type_is_signed(x) || type_is_signed(y);
    enum type_kind kind = type_storage(y);
    if (!is_modulo)
        kind = integer_kind(is_signed, type_width(x));
    else if (is_time_here(x))
        kind = type_storage(y);
    else
        kind = modulo_kind(which, x, y);
    if (which == DIVISION_MODULO && divisor && !divisor->is_null && type_is_signed(y) &&
        is_minus_one(divisor, y) && type_is_signed(x) && type_width(x) >= 4)
        return emit_sum(b, 2, s->args[0], constant_u64(b, kind, 0),
                        kind); /* also of the smallest */
    if (which == DIVISION_INT && divisor && !divisor->is_null && type_is_signed(y) &&
        is_minus_one(divisor, y) && type_is_signed(x) && type_width(x) >= 4 &&
        !builder_is_constant(b, s->args[0])) /* ClickHouse negates the rows: the smallest wraps */
        return emit_sum(b, 1, constant_u64(b, kind, 0), s->args[0], kind);
    bool is_constant = value_at(b, s->args[1])->kind == VALUE_CONSTANT;
    const struct op *op =
        &(is_constant
              ? constant_division_ops
              : division_ops)[which][kind_index(type_storage(x))][kind_index(type_storage(y))];
    return EMIT(b, op, type_of(kind), s->args[0], s->args[1]);
}
