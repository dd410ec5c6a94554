/* SPDX-License-Identifier: Apache-2.0
 *
 * static_cast between numbers, 10 x 10 kernels, and numbers to Bool. Integers wrap; infinity and
 * NaN become no integer (a fault in the checked form). */
#include <assert.h>

#include <math.h>

#include "expr/kinds.h"

#define TO_u8(v) ((uint8_t)(v))
#define TO_u16(v) ((uint16_t)(v))
#define TO_u32(v) ((uint32_t)(v))
#define TO_u64(v) ((uint64_t)(v))
#define TO_i8(v) ((int8_t)(v))
#define TO_i16(v) ((int16_t)(v))
#define TO_i32(v) ((int32_t)(v))
#define TO_i64(v) ((int64_t)(v))
#define TO_f32(v) ((float)(v))
#define TO_f64(v) ((double)(v))

#define CAST_KERNEL(from, From, to, To)                                                            \
    WIDE static void run_##from##_##to(struct call *c)                                             \
    {                                                                                              \
        const From *in = VALUES(0, From);                                                          \
        To *restrict out = RESULT(To);                                                             \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = TO_##to(in[i]);                                                               \
    }                                                                                              \
    static const struct op op_##from##_##to = {"cast", run_##from##_##to, 0};

#define FROM_INTEGER(KIND, To, to)                                                                 \
    CAST_KERNEL(u8, uint8_t, to, To)                                                               \
    CAST_KERNEL(u16, uint16_t, to, To)                                                             \
    CAST_KERNEL(u32, uint32_t, to, To)                                                             \
    CAST_KERNEL(u64, uint64_t, to, To)                                                             \
    CAST_KERNEL(i8, int8_t, to, To)                                                                \
    CAST_KERNEL(i16, int16_t, to, To)                                                              \
    CAST_KERNEL(i32, int32_t, to, To)                                                              \
    CAST_KERNEL(i64, int64_t, to, To)
NUMBER_KINDS(FROM_INTEGER)

CAST_KERNEL(f32, float, f32, float)
CAST_KERNEL(f32, float, f64, double)
CAST_KERNEL(f64, double, f32, float)
CAST_KERNEL(f64, double, f64, double)

/* Floating point to integer, with and without the check for infinity and NaN. */
#define FLOAT_TO_INTEGER(from, From, to, To, wide)                                                 \
    WIDE static void run_##from##_##to(struct call *c)                                             \
    {                                                                                              \
        const From *in = VALUES(0, From);                                                          \
        To *restrict out = RESULT(To);                                                             \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = (To)wide(in[i]);                                                              \
    }                                                                                              \
    static const struct op op_##from##_##to = {"cast", run_##from##_##to, 0};                      \
    WIDE static void run_checked_##from##_##to(struct call *c)                                     \
    {                                                                                              \
        const From *in = VALUES(0, From);                                                          \
        run_##from##_##to(c);                                                                      \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            c->fresh[i] = isfinite(in[i]) ? 0 : FAULT_RANGE;                                       \
    }                                                                                              \
    static const struct op op_checked_##from##_##to = {"cast", run_checked_##from##_##to,          \
                                                       OP_FAULTS};

#define FROM_FLOATS(KIND, To, to)                                                                  \
    FLOAT_TO_INTEGER(f32, float, to, To, WIDE_##to)                                                \
    FLOAT_TO_INTEGER(f64, double, to, To, WIDE_##to)
#define WIDE_u8 double_to_i64
#define WIDE_u16 double_to_i64
#define WIDE_u32 double_to_i64
#define WIDE_u64 double_to_u64
#define WIDE_i8 double_to_i64
#define WIDE_i16 double_to_i64
#define WIDE_i32 double_to_i64
#define WIDE_i64 double_to_i64
INTEGER_KINDS(FROM_FLOATS)

#define ROW_OF(from)                                                                               \
    {                                                                                              \
        &op_##from##_u8, &op_##from##_u16, &op_##from##_u32, &op_##from##_u64, &op_##from##_i8,    \
            &op_##from##_i16, &op_##from##_i32, &op_##from##_i64, &op_##from##_f32,                \
            &op_##from##_f64                                                                       \
    }
static const struct op *const casts[N_KINDS][N_KINDS] = {
    ROW_OF(u8),  ROW_OF(u16), ROW_OF(u32), ROW_OF(u64), ROW_OF(i8),
    ROW_OF(i16), ROW_OF(i32), ROW_OF(i64), ROW_OF(f32), ROW_OF(f64),
};
#define CHECKED_ROW(from)                                                                          \
    {                                                                                              \
        &op_checked_##from##_u8, &op_checked_##from##_u16, &op_checked_##from##_u32,               \
            &op_checked_##from##_u64, &op_checked_##from##_i8, &op_checked_##from##_i16,           \
            &op_checked_##from##_i32, &op_checked_##from##_i64                                     \
    }
static const struct op *const checked_casts[2][8] = {CHECKED_ROW(f32), CHECKED_ROW(f64)};

enum type_kind type_storage(struct type t)
{
    switch (t.kind) {
    case TYPE_BOOL: return TYPE_UINT8;
    case TYPE_DATE: return TYPE_UINT16;
    case TYPE_DATETIME:
    case TYPE_IPV4: return TYPE_UINT32;
    case TYPE_DATETIME64:
    case TYPE_INTERVAL: return TYPE_INT64;
    case TYPE_DATE32: return TYPE_INT32;
    case TYPE_ENUM8: return TYPE_INT8;
    case TYPE_ENUM16: return TYPE_INT16;
    case TYPE_DECIMAL: return type_width(t) == 4 ? TYPE_INT32 : TYPE_INT64;
    default: return t.kind;
    }
}

enum type_kind integer_kind(bool is_signed, size_t bytes)
{
    enum type_kind base = is_signed ? TYPE_INT8 : TYPE_UINT8;

    return bytes == 1 ? base : bytes == 2 ? base + 1 : bytes == 4 ? base + 2 : base + 3;
}

static value_id cast_storage(struct builder *b, value_id v, enum type_kind kind, bool is_checked)
{
    struct type type = value_at(b, v)->type, to = type_of(kind);
    enum type_kind from = type_storage(type);

    to.is_nullable = type.is_nullable;
    if (from == kind)
        return retype(b, v, to);
    const struct op *op = casts[kind_index(from)][kind_index(kind)];
    if (is_checked && (from == TYPE_FLOAT32 || from == TYPE_FLOAT64) && kind < TYPE_FLOAT32)
        op = checked_casts[from == TYPE_FLOAT64][kind_index(kind)];
    return EMIT(b, op, to, v);
}

value_id cast_number(struct builder *b, value_id v, enum type_kind kind)
{
    return cast_storage(b, v, kind, false);
}

value_id cast_number_checked(struct builder *b, value_id v, enum type_kind kind)
{
    return cast_storage(b, v, kind, true);
}

/* ---- to Bool: not zero ---- */

#define BOOL_KERNEL(KIND, T, suffix)                                                               \
    WIDE static void run_bool_##suffix(struct call *c)                                             \
    {                                                                                              \
        const T *in = VALUES(0, T);                                                                \
        uint8_t *restrict out = RESULT(uint8_t);                                                   \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = in[i] != 0;                                                                   \
    }
NUMBER_KINDS(BOOL_KERNEL)
#define BOOL_OP(KIND, T, suffix) {"notZero", run_bool_##suffix, 0},
static const struct op to_bool[N_KINDS] = {NUMBER_KINDS(BOOL_OP)};

value_id cast_bool(struct builder *b, value_id v, struct type to)
{
    to.is_nullable = value_at(b, v)->type.is_nullable;
    return EMIT(b, &to_bool[kind_index(type_storage(value_at(b, v)->type))], to, v);
}

/* A condition: 1 where the number is not zero, else 0, also for NULL. */
#define CONDITION_KERNEL(KIND, T, suffix)                                                          \
    WIDE static void run_condition_##suffix(struct call *c)                                        \
    {                                                                                              \
        const T *in = VALUES(0, T);                                                                \
        const uint8_t *nulls = c->args[0]->nulls;                                                  \
        uint8_t *restrict out = RESULT(uint8_t);                                                   \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = in[i] != 0;                                                                   \
        for (size_t i = 0; nulls && i < c->n; i++)                                                 \
            out[i] &= !nulls[i];                                                                   \
        c->out->faults = c->args[0]->faults ? memcpy(c->faults, c->args[0]->faults, c->n) : NULL;  \
    }
NUMBER_KINDS(CONDITION_KERNEL)
#define CONDITION_OP(KIND, T, suffix) {"condition", run_condition_##suffix, OP_OWN_MASKS},
static const struct op to_condition[N_KINDS] = {NUMBER_KINDS(CONDITION_OP)};

value_id builder_condition(struct builder *b, value_id value, struct place at,
                           struct diagnostics *d)
{
    struct type type = value_at(b, value)->type;
    char name[64];

    if (type.kind == TYPE_NOTHING)
        return constant_u64(b, TYPE_UINT8, 0);
    if (!type_is_number(type)) {
        diagnose_error(d, at,
                       type_is_text(type) ? "compare it, as in notEmpty(…) or … = 'x'" : NULL,
                       "a condition must be a number, this is %s", type_name(type, name));
        return VALUE_FAILED;
    }
    return EMIT(b, &to_condition[kind_index(type_storage(type))], type_of(TYPE_UINT8), value);
}

value_id builder_and(struct builder *b, value_id left, value_id right)
{
    value_id args[] = {left, right};
    struct diagnostics none = {0};
    struct ast node = {.kind = AST_CALL, .text = STR("and")};
    value_id v = build_call(b, &node, node.text, args, 2, NULL, &none);
    assert(v >= 0); /* two conditions always have an AND */
    diagnostics_done(&none);
    return v;
}
