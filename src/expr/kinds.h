/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of the number kinds, for tables of kernels: X(KIND, c type, suffix). */
#ifndef EXPR_KINDS_H
#define EXPR_KINDS_H

#include "expr/expr_priv.h"

/* The kernels are made for signed and unsigned types alike. */
#pragma GCC diagnostic ignored "-Wtype-limits"

#define INTEGER_KINDS(X)                                                                           \
    X(UINT8, uint8_t, u8)                                                                          \
    X(UINT16, uint16_t, u16)                                                                       \
    X(UINT32, uint32_t, u32)                                                                       \
    X(UINT64, uint64_t, u64)                                                                       \
    X(INT8, int8_t, i8)                                                                            \
    X(INT16, int16_t, i16)                                                                         \
    X(INT32, int32_t, i32)                                                                         \
    X(INT64, int64_t, i64)

#define NUMBER_KINDS(X)                                                                            \
    INTEGER_KINDS(X)                                                                               \
    X(FLOAT32, float, f32)                                                                         \
    X(FLOAT64, double, f64)

#define VALUES(index, T) ((const T *)c->args[index]->values)
#define RESULT(T) ((T *)c->out->values)

/* Index of a storage kind (UINT8..FLOAT64) into a table of kernels. */
static inline unsigned kind_index(enum type_kind storage)
{
    return (unsigned)storage - TYPE_UINT8;
}
enum { N_KINDS = TYPE_FLOAT64 - TYPE_UINT8 + 1 };

/* What x86 does with numbers outside the range; C leaves it open. */
static inline int64_t double_to_i64(double v)
{
    return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (int64_t)v : INT64_MIN;
}
static inline uint64_t double_to_u64(double v)
{
    if (v >= 9223372036854775808.0 && v < 18446744073709551616.0)
        return (uint64_t)(v - 9223372036854775808.0) ^ (uint64_t)1 << 63;
    return (uint64_t)double_to_i64(v);
}

#endif
