/* SPDX-License-Identifier: Apache-2.0
 *
 * CAST, :: and the to…() functions. */
#include "codec/value.h"

#include "expr/compound.h"
#include "expr/text_value.h"
#include "expr/times.h"

/* ---- addresses ---- */

static void run_ip4_to_ip6(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint8_t *out = RESULT(uint8_t) + i * 16;
        uint32_t v = VALUES(0, uint32_t)[i];
        memset(out, 0, 10);
        out[10] = out[11] = 0xff;
        for (int k = 0; k < 4; k++)
            out[12 + k] = (uint8_t)(v >> (24 - 8 * k));
    }
}
static void run_ip6_to_ip4(struct call *c)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    for (size_t i = 0; i < c->n; i++) {
        const uint8_t *in = VALUES(0, uint8_t) + i * 16;
        RESULT(uint32_t)
        [i] = (uint32_t)in[12] << 24 | (uint32_t)in[13] << 16 | (uint32_t)in[14] << 8 | in[15];
        c->fresh[i] = memcmp(in, prefix, 12) == 0 ? 0 : FAULT_RANGE;
    }
}
static const struct op op_ip4_to_ip6 = {"toIPv6", run_ip4_to_ip6, 0};
static const struct op op_ip6_to_ip4 = {"toIPv4", run_ip6_to_ip4, OP_FAULTS};

static value_id cast_address(struct builder *b, value_id v, struct type from, struct type to)
{
    if (from.kind == TYPE_IPV4 && to.kind == TYPE_IPV6)
        return EMIT(b, &op_ip4_to_ip6, to, v);
    if (from.kind == TYPE_IPV6 && to.kind == TYPE_IPV4)
        return EMIT(b, &op_ip6_to_ip4, to, v);
    if (from.kind == TYPE_IPV4 && (to.kind == TYPE_UINT32 || to.kind == TYPE_UINT64))
        return cast_number(b, v, to.kind);
    if (to.kind == TYPE_IPV4 && type_is_integer(from) && !type_is_signed(from)) {
        to.is_nullable = value_at(b, v)->type.is_nullable;
        return retype(b, cast_number(b, v, TYPE_UINT32), to);
    }
    return -1;
}

/* ---- NULL where there can be none ---- */

static void run_not_null(struct call *c)
{
    const struct column *in = c->args[0];
    size_t width = type_width(c->out->type);

    memcpy(c->out->values, in->values, width * c->n);
    if (in->nulls == NULL) {
        c->out->faults = in->faults ? memcpy(c->faults, in->faults, c->n) : NULL;
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        uint8_t fault = in->faults ? in->faults[i] : 0;
        c->faults[i] = fault ? fault : in->nulls[i] ? FAULT_NULL : 0;
        if (in->nulls[i])
            memset((char *)c->out->values + i * width, 0, width);
    }
    c->out->faults = c->faults;
}
static const struct op op_not_null = {"notNull", run_not_null, OP_OWN_MASKS | OP_FAULTS};

/* ---- choosing ---- */

/* From and to without Nullable; NULLs pass. */
static value_id cast_inner(struct builder *b, value_id v, struct type to, enum text_mode mode,
                           bool is_best_effort)
{
    struct type from = type_bare(value_at(b, v)->type);
    bool is_nullable = value_at(b, v)->type.is_nullable;

    if (to.kind == TYPE_STRING) {
        struct type as = from;
        if (to.zone)
            as.zone = to.zone;
        value_id text = emit_to_text(b, v, as);
        struct type type = type_of(TYPE_STRING);
        type.is_low_cardinality = to.is_low_cardinality;
        type.is_nullable = is_nullable;
        return retype(b, text, type);
    }
    if (from.kind == TYPE_STRING && to.kind == TYPE_MAP)
        return -1; /* as in ClickHouse */
    if (from.kind == TYPE_STRING)
        return emit_text_to(b, v, to, mode, is_best_effort);
    if (from.kind > TYPE_INTERVAL || to.kind > TYPE_INTERVAL)
        return cast_more(b, v, to);
    if (type_is_day_or_time(from) || (type_is_day_or_time(to) && type_is_number(from)))
        return cast_time(b, v, to);
    to.is_nullable = is_nullable;
    if (from.kind == TYPE_INTERVAL)
        return type_is_number(to) ? cast_number(b, v, type_storage(to))
               : from.kind == to.kind && from.scale == to.scale ? v
                                                                : -1;
    if (from.kind == to.kind)
        return retype(b, v, to);
    if (from.kind == TYPE_IPV4 || from.kind == TYPE_IPV6 || to.kind == TYPE_IPV4 ||
        to.kind == TYPE_IPV6)
        return cast_address(b, v, from, type_bare(to));
    if (!type_is_number(from) || !type_is_number(to))
        return -1;
    if (to.kind == TYPE_BOOL)
        return cast_bool(b, v, to);
    return cast_number_checked(b, v, to.kind);
}

value_id cast_values(struct builder *b, value_id v, struct type to)
{
    struct type from = value_at(b, v)->type;

    if (type_eq(from, to))
        return v;
    if (type_is_compound(from) && to.is_nullable)
        return -1;
    if (from.kind == TYPE_NOTHING)
        return emit_constant(
            b, to,
            (struct cell){.is_null = to.is_nullable, .fault = to.is_nullable ? 0 : FAULT_NULL});
    if (from.is_nullable && !to.is_nullable) {
        struct type bare = from;
        bare.is_nullable = false;
        v = EMIT(b, &op_not_null, bare, v);
    }
    /* text that does not parse is NULL where there may be one */
    bool is_soft = to.is_nullable && from.kind == TYPE_STRING && to.kind != TYPE_STRING &&
                   to.kind != TYPE_BOOL;
    if (to.is_nullable && from.kind == TYPE_IPV6 && to.kind == TYPE_IPV4)
        return -1;
    value_id ret = cast_inner(b, v, type_bare(to), is_soft ? TEXT_NULL : TEXT_THROW, true);
    if (ret < 0)
        return -1;
    struct type type = value_at(b, ret)->type;
    type.is_nullable = to.is_nullable;
    type.is_low_cardinality = to.is_low_cardinality;
    return retype(b, ret, type);
}

/* ---- functions ---- */

bool site_zone(struct site *s, uint32_t arg, struct type type, const struct zone **ret)
{
    struct str name;
    struct err e;

    *ret = type.zone;
    if (arg >= s->n_args)
        return true;
    if (!site_string(s, arg, &name))
        return false;
    if (zone_find(ret, name, &e) != ERR_OK) {
        site_error(s, "%s", e.text);
        return false;
    }
    return true;
}

static value_id no_such_cast(struct site *s, struct type to)
{
    char from_name[64], to_name[64];

    return site_error(s, "cannot convert %s to %s",
                      type_name(value_at(s->b, s->args[0])->type, from_name),
                      type_name(to, to_name));
}

static value_id build_cast(struct site *s)
{
    struct str name;
    struct type to;
    struct err e;

    if (!site_string(s, 1, &name))
        return VALUE_FAILED;
    if (type_parse(&to, name, &e) != ERR_OK)
        return site_error(s, "%s", e.text);
    value_id ret = cast_values(s->b, s->args[0], to);
    return ret < 0 ? no_such_cast(s, to) : ret;
}

#define TO(kind, mode) ((int64_t)(kind) | (int64_t)(mode) << 8)

/* toUInt8(x), toDate(x, zone), toDateTime64OrNull(x, scale, zone) … */
static value_id build_to(struct site *s)
{
    struct type to = type_of((enum type_kind)(s->f->param & 0xff)), from = s->types[0];
    enum text_mode mode = (enum text_mode)(s->f->param >> 8);
    uint32_t zone_arg = 1;
    int64_t scale = 0;

    if (to.kind == TYPE_DATETIME64) {
        if (!site_integer(s, 1, &scale))
            return VALUE_FAILED;
        if (scale < 0 || scale > 9)
            return site_error(s, "the scale of DateTime64 is 0 to 9, not %lld", (long long)scale);
        to.scale = (uint8_t)scale;
        zone_arg = 2;
    }
    if (to.kind == TYPE_DATETIME64 && scale == 0 && mode != TEXT_THROW)
        to.kind = TYPE_DATETIME; /* so says ClickHouse */
    const struct zone *zone = NULL;
    if (!site_zone(s, zone_arg, to, &zone))
        return VALUE_FAILED;
    to.zone = zone;
    if (mode != TEXT_THROW && from.kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    if (to.kind == TYPE_STRING && s->n_args > 1 && !type_is_time(from))
        return site_error(s, "toString takes a zone only for a DateTime or DateTime64");
    /* of a Nullable String they are …OrNull, but for two */
    bool is_soft = mode == TEXT_THROW && from.kind == TYPE_STRING &&
                   value_at(s->b, s->args[0])->type.is_nullable && to.kind != TYPE_BOOL &&
                   to.kind != TYPE_DATETIME64;
    value_id ret = cast_inner(s->b, s->args[0], to, is_soft ? TEXT_NULL : mode, is_soft);
    if (ret < 0)
        return no_such_cast(s, to);
    struct type type = value_at(s->b, ret)->type;
    if (!type_is_time(type))
        type.zone = NULL; /* it only told on which clock to read */
    return retype(s->b, ret, type);
}

enum { BEST_EFFORT_64 = 1, BEST_EFFORT_US = 2 };

/* parseDateTimeBestEffort… (x, zone), parseDateTime64BestEffort… (x, scale, zone) */
static value_id build_best_effort(struct site *s)
{
    bool is_64 = s->f->param & BEST_EFFORT_64;
    enum text_mode mode = (enum text_mode)(s->f->param >> 8);
    struct type to = type_of(is_64 ? TYPE_DATETIME64 : TYPE_DATETIME);
    uint32_t zone_arg = 1;
    int64_t scale = 3;

    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    if (is_64 && s->n_args > 1) {
        if (!site_integer(s, 1, &scale))
            return VALUE_FAILED;
        if (scale < 0 || scale > 9)
            return site_error(s, "the scale of DateTime64 is 0 to 9, not %lld", (long long)scale);
        zone_arg = 2;
    } else if (is_64) {
        zone_arg = 2;
    }
    if (scale == 0)
        to.kind = TYPE_DATETIME; /* so says ClickHouse */
    to.scale = is_64 ? (uint8_t)scale : 0;
    const struct zone *zone = NULL;
    if (!site_zone(s, zone_arg, to, &zone))
        return VALUE_FAILED;
    to.zone = zone;
    if (s->f->param & BEST_EFFORT_US)
        return emit_us_text_to(s->b, s->args[0], to, mode);
    return emit_text_to(s->b, s->args[0], to, mode, true);
}

static value_id build_interval(struct site *s)
{
    struct type type = {.kind = TYPE_INTERVAL, .scale = (uint8_t)s->f->param};
    value_id v = s->args[0];

    if (s->types[0].kind == TYPE_STRING)
        v = emit_text_to(s->b, v, type_of(TYPE_INT64),
                         value_at(s->b, v)->type.is_nullable ? TEXT_NULL : TEXT_THROW, false);
    else if (type_is_number(s->types[0]))
        v = cast_number_checked(s->b, v, TYPE_INT64);
    else
        return site_bad_type(s, 0, "a number");
    type.is_nullable = value_at(s->b, v)->type.is_nullable;
    return retype(s->b, v, type);
}

/* toDecimal64(x, scale), toFixedString(s, n) */
static value_id build_to_sized(struct site *s)
{
    int64_t size;
    struct type to = type_of((enum type_kind)(s->f->param & 0xff));
    enum text_mode mode = (enum text_mode)(s->f->param >> 8 & 0xff);
    uint32_t digits = (uint32_t)(s->f->param >> 16);

    if (!site_integer(s, 1, &size))
        return VALUE_FAILED;
    if (to.kind == TYPE_DECIMAL && (size < 0 || size > digits))
        return site_error(s, "the scale of %.*s is 0 to %u, not %lld", STR_FMT(s->name), digits,
                          (long long)size);
    if (to.kind == TYPE_FIXED_STRING && (size < 1 || size > FIXED_STRING_MAX))
        return site_error(s, "a FixedString has 1 to %d bytes, not %lld", FIXED_STRING_MAX,
                          (long long)size);
    if (to.kind == TYPE_FIXED_STRING && s->types[0].kind != TYPE_STRING &&
        s->types[0].kind != TYPE_FIXED_STRING)
        return site_bad_type(s, 0, "a String");
    if (mode != TEXT_THROW && s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    to = to.kind == TYPE_DECIMAL ? type_decimal(digits, (uint8_t)size) : to;
    to.size = to.kind == TYPE_FIXED_STRING ? (uint32_t)size : to.size;
    bool is_soft = mode == TEXT_THROW && to.kind == TYPE_DECIMAL &&
                   value_at(s->b, s->args[0])->type.is_nullable;
    value_id ret = cast_inner(s->b, s->args[0], to, is_soft ? TEXT_NULL : mode, false);
    return ret < 0 ? no_such_cast(s, to) : ret;
}

/* to…OrDefault(s[, default]): the default of the type where the text is none. */
static value_id build_or_default(struct site *s)
{
    struct builder *b = s->b;
    struct type to = type_of((enum type_kind)(s->f->param & 0xff));
    value_id other;

    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    value_id v = cast_inner(b, s->args[0], to, TEXT_NULL, false);
    if (v < 0)
        return no_such_cast(s, to);
    if (s->n_args > 1) {
        if (s->types[1].kind != to.kind)
            return site_bad_type(s, 1, "a value of the type itself: cast it");
        other = s->args[1];
    } else {
        int64_t none = to.kind == TYPE_DATE32 ? -25567 : 0; /* 1900-01-01 */
        struct cell cell = {.i64 = none};
        if (to.kind == TYPE_DATE32)
            cell.u64 &= 0xffffffff;
        other = emit_constant(b, to, cell);
    }
    return build_call(b, s->node, STR("ifNull"), (value_id[]){v, other}, 2, s->scope, s->d);
}

/* toDecimal64OrDefault(s, scale[, default]) */
static value_id build_decimal_or_default(struct site *s)
{
    struct builder *b = s->b;
    uint32_t digits = (uint32_t)s->f->param;
    struct cell zero = {.u64 = 0};
    int64_t scale;
    char name[64];

    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    if (!site_integer(s, 1, &scale))
        return VALUE_FAILED;
    if (scale < 0 || scale > digits)
        return site_error(s, "the scale of %.*s is 0 to %u, not %lld", STR_FMT(s->name), digits,
                          (long long)scale);
    struct type to = type_decimal(digits, (uint8_t)scale);
    if (s->n_args > 2 && !type_eq(s->types[2], to))
        return site_bad_type(s, 2, type_name(to, name));
    value_id other = s->n_args > 2 ? s->args[2] : emit_constant(b, to, zero);
    value_id v = cast_inner(b, s->args[0], to, TEXT_NULL, false);
    return build_call(b, s->node, STR("ifNull"), (value_id[]){v, other}, 2, s->scope, s->d);
}

#define TO_SIZED(kind, mode, digits) (TO(kind, mode) | (int64_t)(digits) << 16)
#define TO_DECIMAL(name, digits)                                                                   \
    {"to" name, "x, scale", "x as " name "(scale).", 2,                                            \
     2,         0,          build_to_sized,          TO_SIZED(TYPE_DECIMAL, TEXT_THROW, digits)},  \
        {"to" name "OrNull",                                                                       \
         "s, scale",                                                                               \
         "Text as " name ", NULL where it is none.",                                               \
         2,                                                                                        \
         2,                                                                                        \
         0,                                                                                        \
         build_to_sized,                                                                           \
         TO_SIZED(TYPE_DECIMAL, TEXT_NULL, digits)},                                               \
    {                                                                                              \
        "to" name "OrZero", "s, scale", "Text as " name ", 0 where it is none.", 2, 2, 0,          \
            build_to_sized, TO_SIZED(TYPE_DECIMAL, TEXT_ZERO, digits)                              \
    }
#define DECIMAL_OR_DEFAULT(name, digits)                                                           \
    {                                                                                              \
        "to" name "OrDefault", "s, scale[, default]",                                              \
            "Text as " name ", the default (0) where it is none.", 2, 3, 0,                        \
            build_decimal_or_default, digits                                                       \
    }
#define OR_DEFAULT(name, kind)                                                                     \
    {                                                                                              \
        "to" name "OrDefault", "s[, default]", "Text as " name ", the default where it is none.",  \
            1, 2, 0, build_or_default, TO(kind, TEXT_NULL)                                         \
    }

#define TO_NUMBER(name, kind)                                                                      \
    {"to" name, "x", "x as " name ".", 1, 1, 0, build_to, TO(kind, TEXT_THROW)},                   \
        {"to" name "OrNull", "s", "Text as " name ", NULL where it is none.", 1, 1, 0, build_to,   \
         TO(kind, TEXT_NULL)},                                                                     \
    {                                                                                              \
        "to" name "OrZero", "s", "Text as " name ", 0 where it is none.", 1, 1, 0, build_to,       \
            TO(kind, TEXT_ZERO)                                                                    \
    }
#define TO_ZONED(name, kind)                                                                       \
    {"to" name, "x[, zone]",         "x as " name " in a time zone.", 1, 2, 0,                     \
     build_to,  TO(kind, TEXT_THROW)},                                                             \
        {"to" name "OrNull",                                                                       \
         "s[, zone]",                                                                              \
         "Text as " name ", NULL where it is none.",                                               \
         1,                                                                                        \
         2,                                                                                        \
         0,                                                                                        \
         build_to,                                                                                 \
         TO(kind, TEXT_NULL)},                                                                     \
    {                                                                                              \
        "to" name "OrZero", "s[, zone]", "Text as " name ", 1970 where it is none.", 1, 2, 0,      \
            build_to, TO(kind, TEXT_ZERO)                                                          \
    }
#define US(name, arguments, which, n)                                                              \
    {name, arguments,         "The same where 01/02/2024 is 2 January.", 1, n,                     \
     0,    build_best_effort, TO((which) | BEST_EFFORT_US, TEXT_THROW)},                           \
        {name "OrNull",                                                                            \
         arguments,                                                                                \
         "The same, NULL where it is none.",                                                       \
         1,                                                                                        \
         n,                                                                                        \
         0,                                                                                        \
         build_best_effort,                                                                        \
         TO((which) | BEST_EFFORT_US, TEXT_NULL)},                                                 \
    {                                                                                              \
        name "OrZero", arguments, "The same, 1970 where it is none.", 1, n, 0, build_best_effort,  \
            TO((which) | BEST_EFFORT_US, TEXT_ZERO)                                                \
    }
#define INTERVAL(name, unit)                                                                       \
    {                                                                                              \
        "toInterval" name, "n", "`INTERVAL n " name "`", 1, 1, 0, build_interval, unit             \
    }

static const struct function functions[] = {
    {"CAST", "x, 'type'",
     "`CAST(x AS type)`, `x::type`. NULL to a type without Nullable rejects; text to a Nullable "
     "type "
     "gives NULL where it does not parse.",
     2, 2, FN_ANY_CASE | FN_OWN_NULLS | FN_OWN_LC, build_cast, 0},
    TO_NUMBER("UInt8", TYPE_UINT8),
    TO_NUMBER("UInt16", TYPE_UINT16),
    TO_NUMBER("UInt32", TYPE_UINT32),
    TO_NUMBER("UInt64", TYPE_UINT64),
    TO_NUMBER("Int8", TYPE_INT8),
    TO_NUMBER("Int16", TYPE_INT16),
    TO_NUMBER("Int32", TYPE_INT32),
    TO_NUMBER("Int64", TYPE_INT64),
    TO_NUMBER("Float32", TYPE_FLOAT32),
    TO_NUMBER("Float64", TYPE_FLOAT64),
    OR_DEFAULT("UUID", TYPE_UUID),
    OR_DEFAULT("Date32", TYPE_DATE32),
    TO_NUMBER("UUID", TYPE_UUID),
    {"toDate32", "x", "x as Date32.", 1, 1, 0, build_to, TO(TYPE_DATE32, TEXT_THROW)},
    {"toDate32OrNull", "s", "Text as Date32, NULL where it is none.", 1, 1, 0, build_to,
     TO(TYPE_DATE32, TEXT_NULL)},
    {"toDate32OrZero", "s", "Text as Date32, 1900-01-01 where it is none.", 1, 1, 0,
     build_or_default, TO(TYPE_DATE32, TEXT_NULL)},
    TO_DECIMAL("Decimal32", 9),
    TO_DECIMAL("Decimal64", 18),
    TO_DECIMAL("Decimal128", 38),
    DECIMAL_OR_DEFAULT("Decimal32", 9),
    DECIMAL_OR_DEFAULT("Decimal64", 18),
    DECIMAL_OR_DEFAULT("Decimal128", 38),
    {"toFixedString", "s, n", "Text as FixedString(n).", 2, 2, 0, build_to_sized,
     TO_SIZED(TYPE_FIXED_STRING, TEXT_THROW, 0)},
    TO_NUMBER("IPv4", TYPE_IPV4),
    TO_NUMBER("IPv6", TYPE_IPV6),
    {"toBool", "x",
     "Is x not zero? Text: true, t, yes, y, on, 1, enable, enabled and their opposites.", 1, 1, 0,
     build_to, TO(TYPE_BOOL, TEXT_THROW)},
    {"toString", "x[, zone]", "x as text.", 1, 2, 0, build_to, TO(TYPE_STRING, TEXT_THROW)},
    TO_ZONED("Date", TYPE_DATE),
    TO_ZONED("DateTime", TYPE_DATETIME),
    {"toDateTime64", "x, scale[, zone]", "x as DateTime64(scale) in a time zone.", 2, 3, 0,
     build_to, TO(TYPE_DATETIME64, TEXT_THROW)},
    {"toDateTime64OrNull", "s, scale[, zone]", "Text as DateTime64, NULL where it is none.", 2, 3,
     0, build_to, TO(TYPE_DATETIME64, TEXT_NULL)},
    {"toDateTime64OrZero", "s, scale[, zone]", "Text as DateTime64, 1970 where it is none.", 2, 3,
     0, build_to, TO(TYPE_DATETIME64, TEXT_ZERO)},
    {"parseDateTimeBestEffort", "s[, zone]", "Text in any common form as DateTime.", 1, 2, 0,
     build_best_effort, TO(0, TEXT_THROW)},
    {"parseDateTimeBestEffortOrNull", "s[, zone]", "The same, NULL where it is none.", 1, 2, 0,
     build_best_effort, TO(0, TEXT_NULL)},
    {"parseDateTimeBestEffortOrZero", "s[, zone]", "The same, 1970 where it is none.", 1, 2, 0,
     build_best_effort, TO(0, TEXT_ZERO)},
    {"parseDateTime64BestEffort", "s[, scale[, zone]]", "Text in any common form as DateTime64(3).",
     1, 3, 0, build_best_effort, TO(BEST_EFFORT_64, TEXT_THROW)},
    {"parseDateTime64BestEffortOrNull", "s[, scale[, zone]]", "The same, NULL where it is none.", 1,
     3, 0, build_best_effort, TO(BEST_EFFORT_64, TEXT_NULL)},
    {"parseDateTime64BestEffortOrZero", "s[, scale[, zone]]", "The same, 1970 where it is none.", 1,
     3, 0, build_best_effort, TO(BEST_EFFORT_64, TEXT_ZERO)},
    {"parseDateTime32BestEffort", "s[, zone]", "parseDateTimeBestEffort", 1, 2, FN_ALIAS,
     build_best_effort, TO(0, TEXT_THROW)},
    {"parseDateTime32BestEffortOrNull", "s[, zone]", "parseDateTimeBestEffortOrNull", 1, 2,
     FN_ALIAS, build_best_effort, TO(0, TEXT_NULL)},
    {"parseDateTime32BestEffortOrZero", "s[, zone]", "parseDateTimeBestEffortOrZero", 1, 2,
     FN_ALIAS, build_best_effort, TO(0, TEXT_ZERO)},
    US("parseDateTimeBestEffortUS", "s[, zone]", 0, 2),
    US("parseDateTime64BestEffortUS", "s[, scale[, zone]]", BEST_EFFORT_64, 3),
    INTERVAL("Nanosecond", INTERVAL_NANOSECOND),
    INTERVAL("Microsecond", INTERVAL_MICROSECOND),
    INTERVAL("Millisecond", INTERVAL_MILLISECOND),
    INTERVAL("Second", INTERVAL_SECOND),
    INTERVAL("Minute", INTERVAL_MINUTE),
    INTERVAL("Hour", INTERVAL_HOUR),
    INTERVAL("Day", INTERVAL_DAY),
    INTERVAL("Week", INTERVAL_WEEK),
    INTERVAL("Month", INTERVAL_MONTH),
    INTERVAL("Quarter", INTERVAL_QUARTER),
    INTERVAL("Year", INTERVAL_YEAR),
};
const struct function_family family_cast = {"Conversion", functions, COUNT(functions)};
