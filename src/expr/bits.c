/* SPDX-License-Identifier: Apache-2.0
 *
 * Bits and divisors of integers, and numbers put into coarse classes. */
#include <math.h>

#include "expr/kinds.h"

static bool is_integer_like(struct type t)
{
    return type_is_integer(t) || t.kind == TYPE_BOOL;
}

static enum type_kind wider(struct type a, struct type b)
{
    size_t x = type_width(a), y = type_width(b);

    return integer_kind(type_is_signed(a) || type_is_signed(b), x > y ? x : y);
}

/* ---- shifts: args = a in the result's type, count in its own sign; param.i = bits of a,
 * param.j: the count is signed ---- */

/* ClickHouse computes these for NULLs, too, and in branches that are not taken. */
enum { BITS_FAULT = OP_FAULTS | OP_EAGER_FAULTS | OP_ANY_NULL_FAULTS };

enum { SHIFT_LEFT, SHIFT_RIGHT, ROTATE_LEFT, ROTATE_RIGHT };

#define SHIFT_KERNEL(T, UT, suffix, name, EXPRESSION)                                              \
    WIDE static void run_##name##_##suffix(struct call *c)                                         \
    {                                                                                              \
        const T *in = VALUES(0, T);                                                                \
        const uint64_t *counts = VALUES(1, uint64_t);                                              \
        uint64_t bits = (uint64_t)c->param.i;                                                      \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {                                       \
            uint64_t n = counts[i];                                                                \
            T a = in[i];                                                                           \
            c->fresh[i] = c->param.j && (int64_t)n < 0 ? FAULT_RANGE : 0;                          \
            RESULT(T)[i] = n >= bits ? 0 : (T)(EXPRESSION);                                        \
        }                                                                                          \
    }
#define ROTATE_KERNEL(T, UT, suffix, name, by)                                                     \
    WIDE static void run_##name##_##suffix(struct call *c)                                         \
    {                                                                                              \
        const UT *in = VALUES(0, UT);                                                              \
        const uint64_t *counts = VALUES(1, uint64_t);                                              \
        const unsigned width = sizeof(T) * 8;                                                      \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {                                       \
            unsigned n = (unsigned)(by) & (width - 1);                                             \
            UT a = in[i];                                                                          \
            RESULT(UT)[i] = (UT)(n == 0 ? a : a << n | a >> (width - n));                          \
        }                                                                                          \
    }
#define BIT_KERNELS(T, UT, suffix)                                                                 \
    SHIFT_KERNEL(T, UT, suffix, left, (UT)a << n)                                                  \
    SHIFT_KERNEL(T, UT, suffix, right, a >> n)                                                     \
    ROTATE_KERNEL(T, UT, suffix, rotate_left, counts[i])                                           \
    ROTATE_KERNEL(T, UT, suffix, rotate_right, 0 - counts[i])
BIT_KERNELS(uint8_t, uint8_t, u8)
BIT_KERNELS(uint16_t, uint16_t, u16)
BIT_KERNELS(uint32_t, uint32_t, u32)
BIT_KERNELS(uint64_t, uint64_t, u64)
BIT_KERNELS(int8_t, uint8_t, i8)
BIT_KERNELS(int16_t, uint16_t, i16)
BIT_KERNELS(int32_t, uint32_t, i32)
BIT_KERNELS(int64_t, uint64_t, i64)
#define SHIFT_ROW(text, name, flags)                                                               \
    {                                                                                              \
        {text, run_##name##_u8, flags}, {text, run_##name##_u16, flags},                           \
            {text, run_##name##_u32, flags}, {text, run_##name##_u64, flags},                      \
            {text, run_##name##_i8, flags}, {text, run_##name##_i16, flags},                       \
            {text, run_##name##_i32, flags}, {text, run_##name##_i64, flags},                      \
    }
static const struct op shift_ops[4][8] = {
    [SHIFT_LEFT] = SHIFT_ROW("bitShiftLeft", left, BITS_FAULT),
    [SHIFT_RIGHT] = SHIFT_ROW("bitShiftRight", right, BITS_FAULT),
    [ROTATE_LEFT] = SHIFT_ROW("bitRotateLeft", rotate_left, 0),
    [ROTATE_RIGHT] = SHIFT_ROW("bitRotateRight", rotate_right, 0),
};

static value_id build_shift(struct site *s)
{
    struct type a = s->types[0], n = s->types[1];

    for (uint32_t i = 0; i < 2; i++)
        if (!is_integer_like(s->types[i]))
            return site_bad_type(s, i, "an integer");
    enum type_kind kind = wider(a, n);
    value_id args[] = {cast_number(s->b, s->args[0], kind),
                       cast_number(s->b, s->args[1], type_is_signed(n) ? TYPE_INT64 : TYPE_UINT64)};
    return emit(s->b, &shift_ops[s->f->param][kind_index(kind)], type_of(kind), args, 2,
                (struct param){.i = (int64_t)type_width(a) * 8, .j = type_is_signed(n)}, NULL);
}

/* param.i = bits, param.j: the position is signed */
WIDE static void run_bit_test(struct call *c)
{
    const uint64_t *in = VALUES(0, uint64_t), *positions = VALUES(1, uint64_t);

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        bool is_good = positions[i] < (uint64_t)c->param.i;
        RESULT(uint8_t)[i] = is_good && (in[i] >> positions[i] & 1);
        c->fresh[i] = is_good ? 0 : FAULT_RANGE;
    }
}
static const struct op op_bit_test = {"bitTest", run_bit_test, BITS_FAULT};

static value_id build_bit_test(struct site *s)
{
    for (uint32_t i = 0; i < 2; i++)
        if (!is_integer_like(s->types[i]))
            return site_bad_type(s, i, "an integer");
    value_id args[] = {cast_number(s->b, s->args[0], TYPE_UINT64),
                       cast_number(s->b, s->args[1], TYPE_UINT64)};
    return emit(s->b, &op_bit_test, type_of(TYPE_UINT8), args, 2,
                (struct param){.i = (int64_t)type_width(s->types[0]) * 8}, NULL);
}

#define COUNT_KERNEL(T, suffix)                                                                    \
    WIDE static void run_count_##suffix(struct call *c)                                            \
    {                                                                                              \
        uint8_t *restrict result = RESULT(uint8_t);                                                \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            result[i] = (uint8_t)__builtin_popcountll(VALUES(0, T)[i]);                            \
    }
COUNT_KERNEL(uint8_t, 1)
COUNT_KERNEL(uint16_t, 2)
COUNT_KERNEL(uint32_t, 4)
COUNT_KERNEL(uint64_t, 8)
WIDE static void run_count_text(struct call *c)
{
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        struct str text = str_at(c->args[0], i);
        uint64_t n = 0;
        for (size_t k = 0; k < text.n; k++)
            n += (uint64_t)__builtin_popcount((uint8_t)text.p[k]);
        RESULT(uint64_t)[i] = n;
    }
}
static const struct op count_ops[] = {{"bitCount", run_count_1, 0},
                                      {"bitCount", run_count_2, 0},
                                      {"bitCount", run_count_4, 0},
                                      {"bitCount", run_count_8, 0}};
static const struct op op_count_text = {"bitCount", run_count_text, 0};

static value_id build_bit_count(struct site *s)
{
    size_t width = type_width(s->types[0]);

    if (s->types[0].kind == TYPE_STRING)
        return EMIT(s->b, &op_count_text, type_of(TYPE_UINT64), s->args[0]);
    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number or a String");
    return EMIT(s->b,
                &count_ops[width == 1   ? 0
                           : width == 2 ? 1
                           : width == 4 ? 2
                                        : 3],
                type_of(TYPE_UINT8), s->args[0]);
}

WIDE static void run_hamming(struct call *c)
{
    uint8_t *restrict result = RESULT(uint8_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = (uint8_t)__builtin_popcountll(VALUES(0, uint64_t)[i] ^ VALUES(1, uint64_t)[i]);
}
static const struct op op_hamming = {"bitHammingDistance", run_hamming, 0};

static value_id build_hamming(struct site *s)
{
    for (uint32_t i = 0; i < 2; i++)
        if (!is_integer_like(s->types[i]))
            return site_bad_type(s, i, "an integer");
    return EMIT(s->b, &op_hamming, type_of(TYPE_UINT8), cast_number(s->b, s->args[0], TYPE_UINT64),
                cast_number(s->b, s->args[1], TYPE_UINT64));
}

#define SWAP_KERNEL(T, suffix, EXPRESSION)                                                         \
    WIDE static void run_swap_##suffix(struct call *c)                                             \
    {                                                                                              \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {                                       \
            T v = VALUES(0, T)[i];                                                                 \
            RESULT(T)[i] = EXPRESSION;                                                             \
        }                                                                                          \
    }
SWAP_KERNEL(uint16_t, 2, __builtin_bswap16(v))
SWAP_KERNEL(uint32_t, 4, __builtin_bswap32(v))
SWAP_KERNEL(uint64_t, 8, __builtin_bswap64(v))
static const struct op swap_ops[] = {
    {"byteSwap", run_swap_2, 0}, {"byteSwap", run_swap_4, 0}, {"byteSwap", run_swap_8, 0}};

static value_id build_byte_swap(struct site *s)
{
    struct type t = s->types[0];
    size_t width = type_width(t);

    if (!is_integer_like(t))
        return site_bad_type(s, 0, "an integer");
    if (width == 1)
        return cast_number(s->b, s->args[0], type_storage(t));
    return EMIT(s->b, &swap_ops[width == 2 ? 0 : width == 4 ? 1 : 2], t, s->args[0]);
}

/* ---- divisors ---- */

static uint64_t divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Would a % b fail in their own types? param.i, param.j: the smallest value of each, 0 =
 * unsigned. */
static bool cannot_divide(const struct call *c, int64_t a, int64_t b)
{
    return a == 0 || b == 0 ||
           (c->param.i && c->param.j &&
            ((b == -1 && a == c->param.i) || (a == -1 && b == c->param.j)));
}

static uint64_t magnitude(const struct call *c, int64_t v)
{
    return (c->param.i || c->param.j) && v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

/* ClickHouse takes no magnitude of these. */
static inline bool is_over(const struct call *c, int64_t a, int64_t b)
{
    return (c->param.i || c->param.j) &&
           (a == INT64_MIN || b == INT64_MIN || a == INT64_MAX || b == INT64_MAX);
}

WIDE static void run_gcd(struct call *c)
{
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        int64_t a = VALUES(0, int64_t)[i], b = VALUES(1, int64_t)[i];
        bool is_bad = cannot_divide(c, a, b);
        RESULT(uint64_t)[i] = is_bad ? 0 : divisor(magnitude(c, a), magnitude(c, b));
        c->fresh[i] = is_bad ? FAULT_DIVISION : is_over(c, a, b) ? FAULT_RANGE : 0;
    }
}
WIDE static void run_lcm(struct call *c)
{
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        int64_t a = VALUES(0, int64_t)[i], b = VALUES(1, int64_t)[i];
        bool is_bad = cannot_divide(c, a, b);
        uint64_t x = magnitude(c, a), y = magnitude(c, b);
        RESULT(uint64_t)[i] = is_bad ? 0 : x / divisor(x, y) * y;
        c->fresh[i] = is_bad ? FAULT_DIVISION : is_over(c, a, b) ? FAULT_RANGE : 0;
    }
}
static const struct op divisor_ops[] = {{"gcd", run_gcd, BITS_FAULT}, {"lcm", run_lcm, BITS_FAULT}};

static int64_t smallest_of(struct type t)
{
    return type_is_signed(t) ? -((int64_t)1 << (type_width(t) * 8 - 2)) * 2 : 0;
}

static value_id build_divisor(struct site *s)
{
    struct type a = s->types[0], b = s->types[1];

    for (uint32_t i = 0; i < 2; i++)
        if (!is_integer_like(s->types[i]))
            return site_bad_type(s, i, "an integer");
    bool is_signed = type_is_signed(a) || type_is_signed(b);
    size_t width = type_width(a) > type_width(b) ? type_width(a) : type_width(b);
    value_id args[] = {cast_number(s->b, s->args[0], TYPE_INT64),
                       cast_number(s->b, s->args[1], TYPE_INT64)};
    value_id v =
        emit(s->b, &divisor_ops[s->f->param], type_of(is_signed ? TYPE_INT64 : TYPE_UINT64), args,
             2, (struct param){.i = smallest_of(a), .j = smallest_of(b)}, NULL);
    return cast_number(s->b, v, integer_kind(is_signed, width < 8 ? width * 2 : 8));
}

WIDE static void run_factorial(struct call *c)
{
    static const uint64_t values[21] = {1,
                                        1,
                                        2,
                                        6,
                                        24,
                                        120,
                                        720,
                                        5040,
                                        40320,
                                        362880,
                                        3628800,
                                        39916800,
                                        479001600,
                                        6227020800,
                                        87178291200,
                                        1307674368000,
                                        20922789888000,
                                        355687428096000,
                                        6402373705728000,
                                        121645100408832000,
                                        2432902008176640000};

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        int64_t n = VALUES(0, int64_t)[i];
        bool is_over = c->param.i ? (uint64_t)n > 20 : n > 20;
        RESULT(uint64_t)[i] = is_over || n < 0 ? 1 : values[n];
        c->fresh[i] = is_over ? FAULT_RANGE : 0;
    }
}
static const struct op op_factorial = {"factorial", run_factorial, OP_FAULTS | OP_EAGER_FAULTS};

static value_id build_factorial(struct site *s)
{
    if (!is_integer_like(s->types[0]))
        return site_bad_type(s, 0, "an integer");
    value_id n = cast_number(s->b, s->args[0], TYPE_INT64);
    return emit(s->b, &op_factorial, type_of(TYPE_UINT64), &n, 1,
                (struct param){.i = !type_is_signed(s->types[0])}, NULL);
}

/* param.i: 2 or 10 */
WIDE static void run_int_power(struct call *c)
{
    uint64_t powers[64] = {1};
    int n_powers = c->param.i == 2 ? 64 : 20;

    for (int i = 1; i < n_powers; i++)
        powers[i] = powers[i - 1] * (uint64_t)c->param.i;
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        double x = VALUES(0, double)[i];
        bool is_nan = x != x;
        RESULT(uint64_t)[i] = is_nan || x < 0 ? 0 : x >= n_powers ? UINT64_MAX : powers[(int)x];
        c->fresh[i] = is_nan ? FAULT_RANGE : 0;
    }
}
static const struct op op_int_power = {"intExp", run_int_power, OP_FAULTS | OP_EAGER_FAULTS};

static value_id build_int_power(struct site *s)
{
    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number");
    value_id x = s->args[0];
    if (!type_is_float(s->types[0]) && s->f->param == 10)
        x = cast_number(s->b, x, TYPE_INT32); /* as ClickHouse */
    x = cast_number(s->b, x, TYPE_FLOAT64);
    return emit(s->b, &op_int_power, type_of(TYPE_UINT64), &x, 1, (struct param){.i = s->f->param},
                NULL);
}

/* ---- classes ---- */

#define EXP2_UNSIGNED(T, suffix)                                                                   \
    WIDE static void run_exp2_##suffix(struct call *c)                                             \
    {                                                                                              \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {                                       \
            T v = VALUES(0, T)[i];                                                                 \
            RESULT(T)[i] = v <= 0 ? 0 : (T)((uint64_t)1 << (63 - __builtin_clzll((uint64_t)v)));   \
        }                                                                                          \
    }
#define EXP2_KERNEL(KIND, T, suffix) EXP2_UNSIGNED(T, suffix)
INTEGER_KINDS(EXP2_KERNEL)
WIDE static void run_exp2_f32(struct call *c)
{
    uint32_t *restrict result = RESULT(uint32_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = VALUES(0, uint32_t)[i] & 0xff800000;
}
WIDE static void run_exp2_f64(struct call *c)
{
    uint64_t *restrict result = RESULT(uint64_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = VALUES(0, uint64_t)[i] & 0xfff0000000000000ULL;
}
#define EXP2_OP(KIND, T, suffix) {"roundToExp2", run_exp2_##suffix, 0},
static const struct op exp2_ops[N_KINDS] = {NUMBER_KINDS(EXP2_OP)};

static value_id build_round_exp2(struct site *s)
{
    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number");
    enum type_kind kind = type_storage(s->types[0]);
    return EMIT(s->b, &exp2_ops[kind_index(kind)], type_of(kind), s->args[0]);
}

WIDE static void run_duration(struct call *c)
{
    static const uint16_t steps[] = {1,   10,   30,   60,   120,  180,   240,  300,
                                     600, 1200, 1800, 3600, 7200, 18000, 36000};

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        double x = VALUES(0, double)[i];
        uint16_t v = 0;
        for (size_t k = 0; k < COUNT(steps); k++)
            v = x < steps[k] ? v : steps[k]; /* NaN is less than none */
        RESULT(uint16_t)[i] = v;
    }
}
WIDE static void run_age(struct call *c)
{
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
        double x = VALUES(0, double)[i];
        RESULT(uint8_t)
        [i] = x < 1 ? 0 : x < 18 ? 17 : x < 25 ? 18 : x < 35 ? 25 : x < 45 ? 35 : x < 55 ? 45 : 55;
    }
}
static const struct op class_ops[] = {{"roundDuration", run_duration, 0}, {"roundAge", run_age, 0}};

static value_id build_class(struct site *s)
{
    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number");
    return EMIT(s->b, &class_ops[s->f->param], type_of(s->f->param ? TYPE_UINT8 : TYPE_UINT16),
                cast_number(s->b, s->args[0], TYPE_FLOAT64));
}

static const struct function functions[] = {
    {"bitShiftLeft", "a, n", "a moved n bits up; 0 from a's width on.", 2, 2, 0, build_shift,
     SHIFT_LEFT},
    {"bitShiftRight", "a, n", "a moved n bits down.", 2, 2, 0, build_shift, SHIFT_RIGHT},
    {"bitRotateLeft", "a, n", "The bits that leave come back.", 2, 2, 0, build_shift, ROTATE_LEFT},
    {"bitRotateRight", "a, n", "The same the other way.", 2, 2, 0, build_shift, ROTATE_RIGHT},
    {"bitTest", "a, n", "Bit n of a, counted from 0.", 2, 2, 0, build_bit_test, 0},
    {"bitCount", "a", "How many bits are set.", 1, 1, 0, build_bit_count, 0},
    {"bitHammingDistance", "a, b", "How many bits differ.", 2, 2, 0, build_hamming, 0},
    {"byteSwap", "a", "The bytes in reverse.", 1, 1, FN_ANY_CASE, build_byte_swap, 0},
    {"gcd", "a, b", "Greatest common divisor; 0 rejects.", 2, 2, 0, build_divisor, 0},
    {"lcm", "a, b", "Least common multiple; 0 rejects.", 2, 2, 0, build_divisor, 1},
    {"factorial", "n", "1 · 2 · … · n; more than 20 rejects.", 1, 1, FN_ANY_CASE, build_factorial,
     0},
    {"intExp2", "n", "2 to the power n as UInt64, at most its largest.", 1, 1, 0, build_int_power,
     2},
    {"intExp10", "n", "10 to the power n as UInt64, at most its largest.", 1, 1, 0, build_int_power,
     10},
    {"roundToExp2", "x", "Down to a power of 2.", 1, 1, 0, build_round_exp2, 0},
    {"roundDuration", "x", "Seconds down to 1, 10, 30, 60 … 36000.", 1, 1, 0, build_class, 0},
    {"roundAge", "x", "Years down to 17, 18, 25, 35, 45, 55.", 1, 1, 0, build_class, 1},
};
const struct function_family family_bits = {"Bits and divisors", functions, COUNT(functions)};
