/* SPDX-License-Identifier: Apache-2.0
 *
 * The least type that holds values of several types, as ClickHouse's getLeastSupertype, and the casts
 * to it, which never fail. */
#include "expr/times.h"

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Integers and floating point. Mixed signs need one bit more; 64-bit integers fit no float. */
static bool super_number(struct type *ret, const struct type *types, size_t n)
{
    size_t unsigned_width = 0, signed_width = 0, float_width = 0;

    for (size_t i = 0; i < n; i++) {
        if (types[i].kind == TYPE_NOTHING)
            continue;
        size_t width = type_width(types[i]);
        if (!type_is_number(types[i]))
            return false;
        if (type_is_float(types[i]))
            float_width = max_size(float_width, width);
        else if (type_is_signed(types[i]))
            signed_width = max_size(signed_width, width);
        else
            unsigned_width = max_size(unsigned_width, width);
    }
    size_t integer_width = max_size(unsigned_width, signed_width);
    if (float_width) {
        if (integer_width == 8)
            return false;
        *ret = type_of(float_width == 8 || integer_width == 4 ? TYPE_FLOAT64 : TYPE_FLOAT32);
        return true;
    }
    if (signed_width && unsigned_width >= signed_width) {
        if (unsigned_width == 8)
            return false;
        *ret = type_of(integer_kind(true, unsigned_width * 2));
        return true;
    }
    *ret = type_of(integer_kind(signed_width != 0, integer_width));
    return true;
}

/* Date, DateTime, DateTime64: the finest; its first zone in order. */
static bool super_time(struct type *ret, const struct type *types, size_t n)
{
    const struct type *best = NULL;

    for (size_t i = 0; i < n; i++) {
        if (types[i].kind == TYPE_NOTHING)
            continue;
        if (types[i].kind != TYPE_DATE && !type_is_time(types[i]))
            return false;
        bool finer = best == NULL || types[i].kind > best->kind ||
                     (types[i].kind == TYPE_DATETIME64 && types[i].scale > best->scale);
        if (finer)
            best = &types[i];
    }
    *ret = type_bare(*best);
    return true;
}

bool type_super(struct type *ret, const struct type *types, size_t n)
{
    const struct type *first = NULL;
    bool is_nullable = false, all_same = true, all_strings = true;

    for (size_t i = 0; i < n; i++) {
        is_nullable |= types[i].is_nullable;
        if (types[i].kind == TYPE_NOTHING)
            continue;
        if (first == NULL)
            first = &types[i];
        /* Bool equals UInt8 in ClickHouse's eyes: the first one names the result */
        enum type_kind kind = types[i].kind == TYPE_BOOL ? TYPE_UINT8 : types[i].kind;
        enum type_kind want = first->kind == TYPE_BOOL ? TYPE_UINT8 : first->kind;
        all_same &= kind == want && types[i].scale == first->scale;
        all_strings &= types[i].kind == TYPE_STRING;
    }
    bool found = true;
    if (first == NULL)
        *ret = type_of(TYPE_NOTHING);
    else if (all_same || all_strings)
        *ret = type_bare(*first);
    else if (type_is_number(*first))
        found = super_number(ret, types, n);
    else if (first->kind == TYPE_DATE || type_is_time(*first))
        found = super_time(ret, types, n);
    else
        found = false;
    ret->is_nullable = is_nullable;
    return found;
}

value_id cast_super(struct builder *b, value_id v, struct type type)
{
    struct type from = value_at(b, v)->type;

    type.is_nullable = from.is_nullable;
    if (from.kind == TYPE_NOTHING) {
        type.is_nullable = true;
        return emit_constant(b, type, (struct cell){.is_null = true});
    }
    if (from.kind == type.kind && from.scale == type.scale)
        return retype(b, v, type);
    if (type_is_number(from) && type_is_number(type) && type.kind != TYPE_BOOL)
        return cast_number(b, v, type_storage(type));
    if (type_is_number(from) && type.kind == TYPE_BOOL)
        return retype(b, v, type);
    if (from.kind == TYPE_DATE && type.kind == TYPE_DATETIME)
        v = cap_date(b, v);
    return cast_values(b, v, type);
}
