/* SPDX-License-Identifier: Apache-2.0
 *
 * Casts of Date32, FixedString, Enum; those of Decimal are in decimal.c, those of arrays and
 * their like in compound.c. */
#include "column/zone.h"
#include "expr/compound.h"
#include "expr/text_value.h"
#include "expr/times.h"

/* ---- Date32 ---- */

static void run_date_to_date32(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(int32_t)[i] = VALUES(0, uint16_t)[i];
}
static const struct op op_date_to_date32 = {"toDate32", run_date_to_date32, 0};

static void run_date32_to_date(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint16_t)[i] = (uint16_t)VALUES(0, int32_t)[i]; /* the low bits, as in ClickHouse */
}
static const struct op op_date32_to_date = {"toDate", run_date32_to_date, 0};

static void run_days_to_date32(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(int32_t)[i] = (int32_t)VALUES(0, int64_t)[i];
}
static const struct op op_days_to_date32 = {"toDate32", run_days_to_date32, 0};

/* param.i = power of ten, param.p = zone. Of nanoseconds the last whole second there is, as in
 * ClickHouse. */
static void run_date32_to_ticks(struct call *c)
{
    int64_t last = INT64_MAX / c->param.i;
    for (size_t i = 0; i < c->n; i++) {
        int64_t s = zone_to_utc(c->param.p, (int64_t)VALUES(0, int32_t)[i] * 86400);
        RESULT(int64_t)[i] = (s < last ? s : last) * c->param.i;
    }
}
static const struct op op_date32_to_ticks = {"toDateTime64", run_date32_to_ticks, 0};

static value_id cast_date32(struct builder *b, value_id v, struct type from, struct type to)
{
    if (from.kind == TYPE_DATE && to.kind == TYPE_DATE32)
        return EMIT(b, &op_date_to_date32, to, v);
    if (type_is_time(from) && to.kind == TYPE_DATE32)
        return EMIT(b, &op_days_to_date32, to, days_of(b, v, from.zone));
    if (from.kind != TYPE_DATE32)
        return -1;
    if (to.kind == TYPE_DATE)
        return EMIT(b, &op_date32_to_date, to, v);
    if (type_is_integer(to) && type_is_signed(to) && type_width(to) >= 4)
        return cast_number(b, retype(b, v, type_of(TYPE_INT32)), to.kind);
    if (to.kind == TYPE_DATETIME64)
        return emit(b, &op_date32_to_ticks, to, &v, 1,
                    (struct param){.i = power_of_ten[to.scale], .p = to.zone ? to.zone : NULL},
                    NULL);
    return -1;
}

/* ---- FixedString ---- */

/* Longer or of equal length: zeroes are added. */
static void run_widen_fixed(struct call *c)
{
    struct type from = call_type(c, 0), to = call_result_type(c);

    for (size_t i = 0; i < c->n; i++) {
        struct str s = fixed_string(from, VALUES(0, struct str)[i]);
        char *p = memset(arena_bytes(c->arena, to.size), 0, to.size);
        memcpy(p, s.p, s.n);
        RESULT(struct str)[i] = (struct str){p, to.size};
    }
}
static const struct op op_widen_fixed = {"toFixedString", run_widen_fixed, 0};

static void run_fixed_as_text(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = fixed_string(call_type(c, 0), VALUES(0, struct str)[i]);
        if (VALUES(0, struct str)[i].n == 0)
            s.p = memset(arena_bytes(c->arena, s.n), 0, s.n);
        RESULT(struct str)[i] = s;
    }
}
static const struct op op_fixed_as_text = {"asText", run_fixed_as_text, 0};

value_id fixed_as_text(struct builder *b, value_id v)
{
    return emit_typed(b, &op_fixed_as_text, type_of(TYPE_STRING), &v, 1, (struct param){0});
}

/* ---- Enum ---- */

static bool has_all_names(struct type narrow, struct type wide)
{
    int16_t value;

    for (uint32_t i = 0; i < narrow.more->n; i++)
        if (!enum_value(wide, narrow.more->names[i], &value) || value != narrow.more->values[i])
            return false;
    return true;
}

static void run_number_to_enum(struct call *c)
{
    struct type to = call_result_type(c);
    size_t width = type_width(to);
    struct str name;

    for (size_t i = 0; i < c->n; i++) {
        int64_t v = VALUES(0, int64_t)[i];
        bool is_there = enum_name(to, v, &name);
        c->fresh[i] = is_there ? 0 : FAULT_RANGE;
        v = is_there ? v : to.more->values[0];
        memcpy((char *)c->out->values + i * width, &v, width);
    }
}
static const struct op op_number_to_enum = {"toEnum", run_number_to_enum, OP_FAULTS};

static value_id cast_enum(struct builder *b, value_id v, struct type from, struct type to)
{
    if (type_is_enum(from)) {
        struct type as = type_of(from.kind == TYPE_ENUM8 ? TYPE_INT8 : TYPE_INT16);
        if (type_is_number(to))
            return to.kind == TYPE_BOOL ? -1 : cast_number(b, retype(b, v, as), to.kind);
        if (!type_is_enum(to) || !has_all_names(from, to))
            return -1;
        if (from.kind == to.kind)
            return retype(b, v, to);
        return retype(
            b, cast_number(b, retype(b, v, as), to.kind == TYPE_ENUM8 ? TYPE_INT8 : TYPE_INT16),
            to);
    }
    if (!type_is_integer(from) || !type_is_enum(to))
        return -1;
    value_id wide = cast_number(b, v, TYPE_INT64);
    return emit_typed(b, &op_number_to_enum, to, &wide, 1, (struct param){0});
}

/* ---- all of them ---- */

value_id cast_more(struct builder *b, value_id v, struct type to)
{
    struct type from = type_bare(value_at(b, v)->type);

    to = type_bare(to);
    if (from.kind == to.kind && from.more == to.more && from.size == to.size &&
        from.scale == to.scale) {
        to.is_nullable = value_at(b, v)->type.is_nullable;
        return retype(b, v, to);
    }
    if (from.kind == TYPE_FIXED_STRING && to.kind == TYPE_FIXED_STRING)
        return from.size <= to.size ? emit_typed(b, &op_widen_fixed, to, &v, 1, (struct param){0})
                                    : -1;
    if (from.kind == TYPE_FIXED_STRING)
        return cast_values(b, emit_to_text(b, v, from), to);
    if (type_is_compound(from) || type_is_compound(to))
        return cast_compound(b, v, to);
    if (from.kind == TYPE_DECIMAL || to.kind == TYPE_DECIMAL)
        return cast_decimal(b, v, to);
    if (type_is_enum(from) || type_is_enum(to))
        return cast_enum(b, v, from, to);
    return cast_date32(b, v, from, to);
}
