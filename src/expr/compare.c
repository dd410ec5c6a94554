/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons. Numbers compare by value whatever their types: both sides are cast to a common
 * type where one holds them all, else (UInt64 with signed, 64 bits with floating point) a kernel
 * compares exactly. */
#include "expr/advice.h"
#include "expr/compound.h"
#include "expr/times.h"

enum compare { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

#define COMPARE_KERNELS(KIND, T, suffix)                                                           \
    WIDE static void run_eq_##suffix(struct call *c)                                               \
    {                                                                                              \
        const T *a = VALUES(0, T), *b = VALUES(1, T);                                              \
        uint8_t *restrict out = RESULT(uint8_t);                                                   \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = a[i] == b[i];                                                                 \
    }                                                                                              \
    WIDE static void run_ne_##suffix(struct call *c)                                               \
    {                                                                                              \
        const T *a = VALUES(0, T), *b = VALUES(1, T);                                              \
        uint8_t *restrict out = RESULT(uint8_t);                                                   \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = a[i] != b[i];                                                                 \
    }                                                                                              \
    WIDE static void run_lt_##suffix(struct call *c)                                               \
    {                                                                                              \
        const T *a = VALUES(0, T), *b = VALUES(1, T);                                              \
        uint8_t *restrict out = RESULT(uint8_t);                                                   \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = a[i] < b[i];                                                                  \
    }                                                                                              \
    WIDE static void run_le_##suffix(struct call *c)                                               \
    {                                                                                              \
        const T *a = VALUES(0, T), *b = VALUES(1, T);                                              \
        uint8_t *restrict out = RESULT(uint8_t);                                                   \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            out[i] = a[i] <= b[i];                                                                 \
    }
NUMBER_KINDS(COMPARE_KERNELS)
#define EQ_OP(KIND, T, suffix) {"equals", run_eq_##suffix, 0},
#define NE_OP(KIND, T, suffix) {"notEquals", run_ne_##suffix, 0},
#define LT_OP(KIND, T, suffix) {"less", run_lt_##suffix, 0},
#define LE_OP(KIND, T, suffix) {"lessOrEquals", run_le_##suffix, 0},
static const struct op number_ops[4][N_KINDS] = {
    {NUMBER_KINDS(EQ_OP)}, {NUMBER_KINDS(NE_OP)}, {NUMBER_KINDS(LT_OP)}, {NUMBER_KINDS(LE_OP)}};

/* ---- strings and IPv6 ---- */

WIDE static void run_eq_str(struct call *c)
{
    const struct str *a = VALUES(0, struct str), *b = VALUES(1, struct str);
    uint8_t *restrict out = RESULT(uint8_t);

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        out[i] = str_eq(a[i], b[i]);
}
WIDE static void run_ne_str(struct call *c)
{
    const struct str *a = VALUES(0, struct str), *b = VALUES(1, struct str);
    uint8_t *restrict out = RESULT(uint8_t);

    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        out[i] = !str_eq(a[i], b[i]);
}
WIDE static void run_lt_str(struct call *c)
{
    uint8_t *restrict result = RESULT(uint8_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = str_cmp(VALUES(0, struct str)[i], VALUES(1, struct str)[i]) < 0;
}
WIDE static void run_le_str(struct call *c)
{
    uint8_t *restrict result = RESULT(uint8_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = str_cmp(VALUES(0, struct str)[i], VALUES(1, struct str)[i]) <= 0;
}
static const struct op string_ops[4] = {{"equals", run_eq_str, 0},
                                        {"notEquals", run_ne_str, 0},
                                        {"less", run_lt_str, 0},
                                        {"lessOrEquals", run_le_str, 0}};

struct ip6 {
    uint8_t bytes[16];
};
static int ip6_cmp(const struct call *c, size_t i)
{
    return memcmp(&VALUES(0, struct ip6)[i], &VALUES(1, struct ip6)[i], 16);
}
WIDE static void run_eq_ip6(struct call *c)
{
    uint8_t *restrict result = RESULT(uint8_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = ip6_cmp(c, i) == 0;
}
WIDE static void run_ne_ip6(struct call *c)
{
    uint8_t *restrict result = RESULT(uint8_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = ip6_cmp(c, i) != 0;
}
WIDE static void run_lt_ip6(struct call *c)
{
    uint8_t *restrict result = RESULT(uint8_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = ip6_cmp(c, i) < 0;
}
WIDE static void run_le_ip6(struct call *c)
{
    uint8_t *restrict result = RESULT(uint8_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = ip6_cmp(c, i) <= 0;
}
static const struct op ip6_ops[4] = {{"equals", run_eq_ip6, 0},
                                     {"notEquals", run_ne_ip6, 0},
                                     {"less", run_lt_ip6, 0},
                                     {"lessOrEquals", run_le_ip6, 0}};

/* ---- exact comparisons of kinds without a common type: param.i = enum compare ---- */

enum order { ORDER_LESS, ORDER_EQUAL, ORDER_GREATER, ORDER_NONE };

static bool holds(enum order o, int64_t compare)
{
    static const bool table[6][4] = {
        [COMPARE_EQ] = {0, 1, 0, 0}, [COMPARE_NE] = {1, 0, 1, 1}, [COMPARE_LT] = {1, 0, 0, 0},
        [COMPARE_LE] = {1, 1, 0, 0}, [COMPARE_GT] = {0, 0, 1, 0}, [COMPARE_GE] = {0, 1, 1, 0},
    };
    return table[compare][o];
}

static enum order order_u64_i64(uint64_t a, int64_t b)
{
    if (b < 0 || a > (uint64_t)b)
        return ORDER_GREATER;
    return a == (uint64_t)b ? ORDER_EQUAL : ORDER_LESS;
}

static enum order order_i64_f64(int64_t a, double b)
{
    if (b != b)
        return ORDER_NONE;
    if (b >= 9223372036854775808.0)
        return ORDER_LESS;
    if (b < -9223372036854775808.0)
        return ORDER_GREATER;
    int64_t whole = (int64_t)b;
    if (a != whole)
        return a < whole ? ORDER_LESS : ORDER_GREATER;
    double rest = b - (double)whole;
    return rest == 0 ? ORDER_EQUAL : rest > 0 ? ORDER_LESS : ORDER_GREATER;
}

static enum order order_u64_f64(uint64_t a, double b)
{
    if (b != b)
        return ORDER_NONE;
    if (b >= 18446744073709551616.0)
        return ORDER_LESS;
    if (b < 0)
        return ORDER_GREATER;
    uint64_t whole = double_to_u64(b);
    if (a != whole)
        return a < whole ? ORDER_LESS : ORDER_GREATER;
    return b - (double)whole > 0 ? ORDER_LESS : ORDER_EQUAL;
}

#define EXACT_KERNEL(A, sa, B, sb)                                                                 \
    WIDE static void run_exact_##sa##_##sb(struct call *c)                                         \
    {                                                                                              \
        uint8_t *restrict result = RESULT(uint8_t);                                                \
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)                                         \
            result[i] = holds(order_##sa##_##sb(VALUES(0, A)[i], VALUES(1, B)[i]), c->param.i);    \
    }                                                                                              \
    static const struct op op_exact_##sa##_##sb = {"compare", run_exact_##sa##_##sb, 0};
EXACT_KERNEL(uint64_t, u64, int64_t, i64)
EXACT_KERNEL(int64_t, i64, double, f64)
EXACT_KERNEL(uint64_t, u64, double, f64)

static enum compare mirrored(enum compare op)
{
    static const uint8_t mirror[] = {
        [COMPARE_EQ] = COMPARE_EQ, [COMPARE_NE] = COMPARE_NE, [COMPARE_LT] = COMPARE_GT,
        [COMPARE_LE] = COMPARE_GE, [COMPARE_GT] = COMPARE_LT, [COMPARE_GE] = COMPARE_LE};
    return mirror[op];
}

static value_id emit_exact(struct builder *b, enum compare compare, value_id x, value_id y)
{
    enum type_kind kx = type_storage(value_at(b, x)->type), ky = type_storage(value_at(b, y)->type);
    const struct op *op = NULL;

    if (kx == TYPE_FLOAT64 || (ky == TYPE_UINT64 && kx == TYPE_INT64))
        return emit_exact(b, mirrored(compare), y, x);
    if (kx == TYPE_UINT64)
        op = ky == TYPE_INT64 ? &op_exact_u64_i64 : &op_exact_u64_f64;
    else
        op = &op_exact_i64_f64;
    return emit(b, op, type_of(TYPE_UINT8), (const value_id[]){x, y}, 2,
                (struct param){.i = compare}, NULL);
}

/* ---- choosing ---- */

static value_id emit_compare(struct builder *b, enum compare compare, const struct op ops[4],
                             value_id x, value_id y)
{
    if (compare == COMPARE_GT || compare == COMPARE_GE)
        return EMIT(b, &ops[compare - 2], type_of(TYPE_UINT8), y, x);
    return EMIT(b, &ops[compare], type_of(TYPE_UINT8), x, y);
}

static value_id compare_kind(struct builder *b, enum compare compare, value_id x, value_id y,
                             enum type_kind kind)
{
    enum compare as = compare;

    x = cast_number(b, x, kind);
    y = cast_number(b, y, kind);
    if (compare == COMPARE_GT || compare == COMPARE_GE) {
        value_id swap = x;
        x = y;
        y = swap;
        as = compare - 2;
    }
    return EMIT(b, &number_ops[as][kind_index(kind)], type_of(TYPE_UINT8), x, y);
}

static bool is_signed_kind(enum type_kind k)
{
    return k >= TYPE_INT8 && k <= TYPE_INT64;
}

static size_t kind_width(enum type_kind k)
{
    return type_width(type_of(k));
}

static value_id compare_numbers(struct builder *b, enum compare compare, value_id x, value_id y)
{
    enum type_kind kx = type_storage(value_at(b, x)->type), ky = type_storage(value_at(b, y)->type);
    bool float_x = kx >= TYPE_FLOAT32, float_y = ky >= TYPE_FLOAT32;

    if (kx == ky)
        return compare_kind(b, compare, x, y, kx);
    if (float_x || float_y) {
        enum type_kind other = float_x ? ky : kx;
        if (other >= TYPE_FLOAT32 || kind_width(other) < 8)
            return compare_kind(b, compare, x, y, TYPE_FLOAT64);
        if (float_x)
            x = cast_number(b, x, TYPE_FLOAT64);
        else
            y = cast_number(b, y, TYPE_FLOAT64);
        return emit_exact(b, compare, x, y);
    }
    if (is_signed_kind(kx) == is_signed_kind(ky))
        return compare_kind(b, compare, x, y, kind_width(kx) > kind_width(ky) ? kx : ky);
    enum type_kind plain = is_signed_kind(kx) ? ky : kx;
    if (plain == TYPE_UINT64) {
        if (kx == TYPE_UINT64)
            y = cast_number(b, y, TYPE_INT64);
        else
            x = cast_number(b, x, TYPE_INT64);
        return emit_exact(b, compare, x, y);
    }
    size_t twice = kind_width(plain) * 2, other = kind_width(is_signed_kind(kx) ? kx : ky);
    return compare_kind(b, compare, x, y, integer_kind(true, twice > other ? twice : other));
}

static value_id incomparable(struct site *s)
{
    char x[64], y[64];

    struct type a = value_at(s->b, s->args[0])->type, b = value_at(s->b, s->args[1])->type;
    return site_types_error(s, a, b, "cannot compare %s with %s", type_name(a, x), type_name(b, y));
}

/* Everything can be compared with a constant string, which is read as the other side's type. */
static value_id compare_with_text(struct site *s, enum compare compare)
{
    struct builder *b = s->b;
    uint32_t text = s->types[0].kind == TYPE_STRING ? 0 : 1;
    struct type type = s->types[1 - text];
    const char *why = NULL;
    struct cell cell;
    char name[64];

    if (!builder_is_constant(b, s->args[text]))
        return incomparable(s);
    if (constant_cell(b, s->args[text])->is_null || constant_cell(b, s->args[text])->fault)
        return site_bad_type(s, text, "text that is known here");
    if (constant_convert(&cell, b, s->args[text], type, &why) != 1) {
        struct str t = constant_cell(b, s->args[text])->str;
        return site_error(s, "'%.*s' is not a value of %s: %s", STR_FMT(t), type_name(type, name),
                          why ? why : "out of range");
    }
    value_id constant = emit_constant(b, type, cell);
    value_id pair[2] = {text == 0 ? constant : s->args[0], text == 1 ? constant : s->args[1]};
    if (type.kind == TYPE_IPV6)
        return emit_compare(b, compare, ip6_ops, pair[0], pair[1]);
    return compare_numbers(b, compare, pair[0], pair[1]);
}

static value_id compare_times(struct site *s, enum compare compare)
{
    struct builder *b = s->b;
    value_id x = s->args[0], y = s->args[1];
    struct type super;

    if (s->types[0].kind == s->types[1].kind && s->types[0].kind != TYPE_DATETIME64)
        return compare_numbers(b, compare, x, y);
    if (!type_super(&super, s->types, 2))
        return incomparable(s);
    x = cast_super(b, x, super);
    y = cast_super(b, y, super);
    return x < 0 || y < 0 ? incomparable(s) : compare_kind(b, compare, x, y, type_storage(super));
}

/* DateTime64 against a number of seconds. */
static value_id compare_ticks(struct site *s, enum compare compare)
{
    struct builder *b = s->b;
    uint32_t ticks = s->types[0].kind == TYPE_DATETIME64 ? 0 : 1;
    struct type number = s->types[1 - ticks];
    value_id pair[2] = {s->args[0], s->args[1]};

    if (type_is_float(number)) {
        value_id scale =
            emit_constant(b, type_of(TYPE_FLOAT64),
                          (struct cell){.f64 = (double)power_of_ten[s->types[ticks].scale]});
        value_id seconds = build_call(
            b, s->node, STR("divide"),
            (value_id[]){cast_number(b, s->args[ticks], TYPE_FLOAT64), scale}, 2, s->scope, s->d);
        pair[ticks] = seconds;
        return compare_numbers(b, compare, pair[0], pair[1]);
    }
    pair[1 - ticks] = scaled(b, s->args[1 - ticks], power_of_ten[s->types[ticks].scale]);
    pair[ticks] = cast_number(b, s->args[ticks], TYPE_INT64);
    return compare_numbers(b, compare, pair[0], pair[1]);
}

static bool compares_as_number(struct type t)
{
    return type_is_number(t) || t.kind == TYPE_DATETIME || t.kind == TYPE_IPV4 ||
           t.kind == TYPE_INTERVAL;
}

static bool goes_with_ip4(struct type t)
{
    return t.kind == TYPE_IPV4 || t.kind == TYPE_BOOL || (type_is_integer(t) && !type_is_signed(t));
}

static value_id compare_values(struct site *s)
{
    struct builder *b = s->b;
    enum compare compare = (enum compare)s->f->param;
    struct type x = s->types[0], y = s->types[1];

    bool is_mine;
    value_id more = compare_more(s, compare, &is_mine);
    if (is_mine)
        return more;
    if (x.kind == TYPE_STRING && y.kind == TYPE_STRING)
        return emit_compare(b, compare, string_ops, s->args[0], s->args[1]);
    if (x.kind == TYPE_STRING || y.kind == TYPE_STRING)
        return compare_with_text(s, compare);
    if (type_is_day_or_time(x) && type_is_day_or_time(y))
        return compare_times(s, compare);
    if (x.kind == TYPE_IPV6 || y.kind == TYPE_IPV6) {
        struct type ip6 = type_of(TYPE_IPV6);
        if ((x.kind != TYPE_IPV4 && x.kind != TYPE_IPV6) ||
            (y.kind != TYPE_IPV4 && y.kind != TYPE_IPV6))
            return incomparable(s);
        value_id pair[2];
        for (uint32_t i = 0; i < 2; i++) {
            ip6.is_nullable = value_at(b, s->args[i])->type.is_nullable;
            pair[i] = cast_values(b, s->args[i], ip6);
        }
        return emit_compare(b, compare, ip6_ops, pair[0], pair[1]);
    }
    if ((x.kind == TYPE_INTERVAL) != (y.kind == TYPE_INTERVAL) ||
        (x.kind == TYPE_INTERVAL && x.scale != y.scale))
        return incomparable(s);
    if (x.kind == TYPE_DATETIME64 && type_is_number(y))
        return compare_ticks(s, compare);
    if (y.kind == TYPE_DATETIME64 && type_is_number(x))
        return compare_ticks(s, compare);
    if ((x.kind == TYPE_IPV4 && !goes_with_ip4(y)) || (y.kind == TYPE_IPV4 && !goes_with_ip4(x)))
        return incomparable(s);
    if (!compares_as_number(x) || !compares_as_number(y))
        return incomparable(s);
    return compare_numbers(b, compare, s->args[0], s->args[1]);
}

/* Beside a constant NULL ClickHouse does not compute the other side. */
static value_id build_compare(struct site *s)
{
    value_id ret = compare_values(s);

    for (uint32_t i = 0; i < 2 && ret >= 0; i++) {
        const struct cell *c = constant_cell(s->b, s->args[i]);
        if (c && c->is_null)
            return emit_constant(s->b, type_nullable(type_of(TYPE_UINT8)),
                                 (struct cell){.is_null = true});
    }
    return ret;
}

static const struct function functions[] = {
    {"equals", "a, b",
     "`a = b`: numbers by value whatever their types; a constant string is read as the other "
     "side's type.",
     2, 2, 0, build_compare, COMPARE_EQ},
    {"notEquals", "a, b", "`a != b`", 2, 2, 0, build_compare, COMPARE_NE},
    {"less", "a, b", "`a < b`", 2, 2, 0, build_compare, COMPARE_LT},
    {"lessOrEquals", "a, b", "`a <= b`", 2, 2, 0, build_compare, COMPARE_LE},
    {"greater", "a, b", "`a > b`", 2, 2, 0, build_compare, COMPARE_GT},
    {"greaterOrEquals", "a, b", "`a >= b`", 2, 2, 0, build_compare, COMPARE_GE},
};
const struct function_family family_compare = {"Comparison", functions, COUNT(functions)};
