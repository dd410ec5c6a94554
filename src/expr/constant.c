/* SPDX-License-Identifier: Apache-2.0
 *
 * A constant as a value of another type, for comparisons with constants and for sets: exact or
 * not at all, never wrapped. */
#include <math.h>

#include "codec/value.h"

#include "expr/kinds.h"

const int64_t power_of_ten[19] = {1LL,
                                  10LL,
                                  100LL,
                                  1000LL,
                                  10000LL,
                                  100000LL,
                                  1000000LL,
                                  10000000LL,
                                  100000000LL,
                                  1000000000LL,
                                  10000000000LL,
                                  100000000000LL,
                                  1000000000000LL,
                                  10000000000000LL,
                                  100000000000000LL,
                                  1000000000000000LL,
                                  10000000000000000LL,
                                  100000000000000000LL,
                                  1000000000000000000LL};

static void cell_set(struct cell *c, enum type_kind storage, const void *value)
{
    *c = (struct cell){0};
    memcpy(c->bytes, value, type_width(type_of(storage)));
}

static double cell_double(const struct value *v)
{
    switch (type_storage(v->type)) {
    case TYPE_FLOAT32: return v->cell.f32;
    case TYPE_FLOAT64: return v->cell.f64;
    case TYPE_UINT64: return (double)v->cell.u64;
    case TYPE_INT8: return *(const int8_t *)v->cell.bytes;
    case TYPE_INT16: return *(const int16_t *)v->cell.bytes;
    case TYPE_INT32: return *(const int32_t *)v->cell.bytes;
    case TYPE_INT64: return (double)v->cell.i64;
    default: return (double)v->cell.u64; /* narrow cells are padded with zeroes */
    }
}

static __int128 cell_integer(const struct value *v)
{
    switch (type_storage(v->type)) {
    case TYPE_INT8: return *(const int8_t *)v->cell.bytes;
    case TYPE_INT16: return *(const int16_t *)v->cell.bytes;
    case TYPE_INT32: return *(const int32_t *)v->cell.bytes;
    case TYPE_INT64: return v->cell.i64;
    default: return v->cell.u64;
    }
}

static int from_integer(struct cell *ret, __int128 v, enum type_kind storage)
{
    static const int bits[] = {8, 16, 32, 64};

    if (storage == TYPE_FLOAT64) {
        double d = (double)v;
        cell_set(ret, storage, &d);
        return 1;
    }
    if (storage == TYPE_FLOAT32) {
        float f = (float)v;
        cell_set(ret, storage, &f);
        return (__int128)f == v;
    }
    bool is_signed = storage >= TYPE_INT8;
    int n = bits[is_signed ? storage - TYPE_INT8 : storage - TYPE_UINT8];
    __int128 low = is_signed ? -((__int128)1 << (n - 1)) : 0;
    __int128 high = ((__int128)1 << (is_signed ? n - 1 : n)) - 1;
    if (v < low || v > high)
        return 0;
    uint64_t raw = (uint64_t)v;
    cell_set(ret, storage, &raw);
    return 1;
}

static int from_number(struct cell *ret, const struct value *v, enum type_kind storage)
{
    if (!type_is_float(v->type))
        return from_integer(ret, cell_integer(v), storage);
    double d = cell_double(v);
    if (storage == TYPE_FLOAT64) {
        cell_set(ret, storage, &d);
        return 1;
    }
    if (storage == TYPE_FLOAT32) {
        float f = (float)d;
        cell_set(ret, storage, &f);
        return f == d || d != d;
    }
    if (!isfinite(d) || d != trunc(d) || fabs(d) > 1e20)
        return 0;
    return from_integer(ret, (__int128)d, storage);
}

/* Seconds or days as ticks of another time type. */
static int from_time(struct cell *ret, const struct value *v, struct type type)
{
    int64_t ticks = (int64_t)cell_integer(v);

    if (v->type.kind == TYPE_DATETIME && type.kind == TYPE_DATETIME64)
        ticks *= power_of_ten[type.scale];
    else if (v->type.kind == TYPE_DATETIME64 && type.kind == TYPE_DATETIME64 &&
             v->type.scale <= type.scale)
        ticks *= power_of_ten[type.scale - v->type.scale];
    else if (v->type.kind != type.kind || type.kind == TYPE_DATETIME64)
        return -1;
    cell_set(ret, type_storage(type), &ticks);
    return 1;
}

/* By the cast that columns would get. */
static int convert_more(struct cell *ret, struct builder *b, value_id id, struct type type,
                        const char **why)
{
    const struct value *v = value_at(b, id);
    int16_t value;

    if (type_is_enum(type) && v->type.kind == TYPE_STRING &&
        !enum_value(type, v->cell.str, &value)) {
        *why = "not a name of the enum";
        return -1;
    }
    value_id cast = cast_values(b, id, type);
    const struct cell *cell = cast < 0 ? NULL : constant_cell(b, cast);
    if (cell == NULL)
        return -1;
    if (cell->fault) {
        *why = "not a value of the type";
        return v->type.kind == TYPE_STRING ? -1 : 0;
    }
    if (type_is_float(v->type) && type.kind == TYPE_DECIMAL) { /* exact or not at all */
        value_id back = cast_values(b, cast, type_of(TYPE_FLOAT64));
        if (back < 0 || constant_cell(b, back)->f64 != cell_double(v))
            return 0;
    }
    *ret = *cell;
    return 1;
}

int constant_convert(struct cell *ret, struct builder *b, value_id id, struct type type,
                     const char **why)
{
    const struct value *v = value_at(b, id);
    struct type from = v->type;

    *why = "the types do not go together";
    if (type.kind > TYPE_INTERVAL || from.kind > TYPE_INTERVAL)
        return convert_more(ret, b, id, type_bare(type), why);
    if (type.kind == TYPE_STRING) {
        *ret = v->cell;
        return from.kind == TYPE_STRING ? 1 : -1;
    }
    if (from.kind == TYPE_STRING) {
        *ret = (struct cell){0};
        *why = value_parse(ret->bytes, type_bare(type), v->cell.str);
        return *why ? -1 : 1;
    }
    if (type.kind == TYPE_IPV6 || from.kind == TYPE_IPV6) {
        *ret = v->cell;
        return from.kind == type.kind ? 1 : -1;
    }
    if (type.kind == TYPE_IPV4 || from.kind == TYPE_IPV4) {
        *ret = v->cell;
        return from.kind == type.kind ? 1 : -1;
    }
    if ((from.kind == TYPE_DATE || type_is_time(from)) &&
        (type.kind == TYPE_DATE || type_is_time(type)))
        return from_time(ret, v, type);
    if (type.kind == TYPE_DATETIME && (type_is_float(from) || type_is_signed(from)))
        return -1;
    if (type_is_number(from) && (type_is_number(type) || type.kind == TYPE_DATETIME))
        return from_number(ret, v, type_storage(type));
    return -1;
}
