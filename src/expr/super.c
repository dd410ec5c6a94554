/* SPDX-License-Identifier: Apache-2.0
 *
 * The least type that holds values of several types, as ClickHouse's getLeastSupertype, and the
 * casts to it, which never fail. */
#include "expr/compound.h"
#include "expr/times.h"

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Decimals and integers: as many digits behind the point as the finest, and room for the widest
 * integer. */
static bool super_decimal(struct type *ret, const struct type *types, size_t n)
{
    static const uint8_t digits[] = {[1] = 3, [2] = 5, [4] = 10, [8] = 19};
    size_t width = 0, integer = 0;
    uint32_t scale = 0, need = 0;
    bool has_u64 = false;

    for (size_t i = 0; i < n; i++) {
        if (types[i].kind == TYPE_NOTHING)
            continue;
        if (types[i].kind == TYPE_DECIMAL) {
            width = max_size(width, type_width(types[i]));
            scale = types[i].scale > scale ? types[i].scale : scale;
        } else if (type_is_integer(types[i]) || types[i].kind == TYPE_BOOL) {
            integer = max_size(integer, type_width(types[i]));
            has_u64 |= types[i].kind == TYPE_UINT64;
        } else {
            return false;
        }
    }
    if (integer)
        need = scale + digits[integer] + has_u64;
    if (scale == 0 && integer == 4)
        need = 9;
    if (scale == 0 && integer == 8)
        need = 18;
    if (need > 38)
        return false;
    bool is_widest = width == 16 || need > 18, is_wide = width == 8 || need > 9;
    *ret = type_decimal(is_widest ? 38 : is_wide ? 18 : 9, (uint8_t)scale);
    return true;
}

/* Integers and floating point. Mixed signs need one bit more; 64-bit integers fit no float. */
static bool super_number(struct type *ret, const struct type *types, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (types[i].kind == TYPE_DECIMAL)
            return super_decimal(ret, types, n);
    size_t unsigned_width = 0, signed_width = 0, float_width = 0;

    for (size_t i = 0; i < n; i++) {
        if (types[i].kind == TYPE_NOTHING)
            continue;
        size_t width = type_width(types[i]);
        if (!type_is_number(types[i]) && !type_is_enum(types[i]))
            return false;
        if (type_is_float(types[i]))
            float_width = max_size(float_width, width);
        else if (type_is_signed(types[i]) || type_is_enum(types[i]))
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
    bool has_date32 = false;

    for (size_t i = 0; i < n; i++) {
        if (types[i].kind == TYPE_NOTHING)
            continue;
        has_date32 |= types[i].kind == TYPE_DATE32;
        if (types[i].kind == TYPE_DATE32)
            continue;
        if (types[i].kind != TYPE_DATE && !type_is_time(types[i]))
            return false;
        bool finer = best == NULL || types[i].kind > best->kind ||
                     (types[i].kind == TYPE_DATETIME64 && types[i].scale > best->scale);
        if (finer)
            best = &types[i];
    }
    if (best == NULL || (has_date32 && best->kind == TYPE_DATE)) {
        *ret = type_of(TYPE_DATE32);
        return true;
    }
    *ret = type_bare(*best);
    if (has_date32 && best->kind == TYPE_DATETIME)
        ret->kind = TYPE_DATETIME64; /* of no digits */
    return true;
}

/* Arrays, tuples, maps: of the common types of their elements. */
static bool super_compound(struct type *ret, const struct type *types, size_t n)
{
    const struct type *first = NULL;
    bool same_names = true;

    for (size_t i = 0; i < n; i++) {
        if (types[i].kind == TYPE_NOTHING)
            continue;
        if (first == NULL)
            first = &types[i];
        if (types[i].kind != first->kind || !type_is_compound(*first) ||
            types[i].more->n != first->more->n)
            return false;
        same_names &= !types[i].more->names == !first->more->names;
        for (uint32_t k = 0; same_names && first->more->names && k < first->more->n; k++)
            same_names &= str_eq(types[i].more->names[k], first->more->names[k]);
    }
    uint32_t n_elements = first->more->n;
    AUTO_MEM struct type *columns = xcalloc(n + 1, sizeof(*columns));
    AUTO_MEM struct type *elements = xcalloc(n_elements + 1, sizeof(*elements));
    for (uint32_t k = 0; k < n_elements; k++) {
        size_t n_columns = 0;
        bool all_same = true;
        for (size_t i = 0; i < n; i++) {
            if (types[i].kind == TYPE_NOTHING)
                continue;
            columns[n_columns++] = types[i].more->elements[k];
            all_same &= type_eq(columns[n_columns - 1], columns[0]);
        }
        if (all_same)
            elements[k] = columns[0];
        else if (!type_super(&elements[k], columns, n_columns))
            return false;
    }
    *ret = first->kind == TYPE_ARRAY ? type_array(elements[0])
           : first->kind == TYPE_MAP
               ? type_map(elements[0], elements[1])
               : type_tuple(elements, same_names ? first->more->names : NULL, n_elements);
    return true;
}

bool type_super(struct type *ret, const struct type *types, size_t n)
{
    const struct type *first = NULL;
    bool is_nullable = false, all_same = true, all_strings = true, any_string = false,
         any_compound = false;
    bool any_number = false;

    for (size_t i = 0; i < n; i++) {
        is_nullable |= types[i].is_nullable;
        if (types[i].kind == TYPE_NOTHING)
            continue;
        if (first == NULL)
            first = &types[i];
        /* Bool equals UInt8 in ClickHouse's eyes: the first one names the result */
        enum type_kind kind = types[i].kind == TYPE_BOOL ? TYPE_UINT8 : types[i].kind;
        enum type_kind want = first->kind == TYPE_BOOL ? TYPE_UINT8 : first->kind;
        all_same &= kind == want && types[i].scale == first->scale &&
                    types[i].size == first->size && types[i].more == first->more;
        all_strings &= type_is_text(types[i]) || type_is_enum(types[i]);
        any_string |= type_is_text(types[i]);
        any_compound |= type_is_compound(types[i]);
        any_number |= type_is_number(types[i]) || types[i].kind == TYPE_DECIMAL;
    }
    bool found = true;
    if (first == NULL)
        *ret = type_of(TYPE_NOTHING);
    else if (all_same)
        *ret = type_bare(*first);
    else if (all_strings && any_string)
        *ret = type_of(TYPE_STRING);
    else if (any_compound)
        return !is_nullable && super_compound(ret, types, n);
    else if (any_number || type_is_enum(*first))
        found = super_number(ret, types, n);
    else if (first->kind == TYPE_DATE || first->kind == TYPE_DATE32 || type_is_time(*first))
        found = super_time(ret, types, n);
    else
        found = false;
    ret->is_nullable = is_nullable;
    return found;
}

value_id cast_branch(struct builder *b, value_id v, struct type type)
{
    struct type from = value_at(b, v)->type;

    if (type.kind == TYPE_BOOL && type.is_nullable && !from.is_nullable && from.kind != TYPE_BOOL &&
        type_is_number(from))
        return cast_bool(b, v, type);
    return cast_super(b, v, type);
}

value_id cast_super(struct builder *b, value_id v, struct type type)
{
    struct type from = value_at(b, v)->type;

    type.is_nullable = from.is_nullable;
    if (from.kind == TYPE_NOTHING) {
        type.is_nullable = true;
        return emit_constant(b, type, (struct cell){.is_null = true});
    }
    if (from.kind == type.kind && from.scale == type.scale && from.size == type.size &&
        from.more == type.more)
        return retype(b, v, type);
    if (type_is_number(from) && type_is_number(type) && type.kind != TYPE_BOOL)
        return cast_number(b, v, type_storage(type));
    if (type_is_number(from) && type.kind == TYPE_BOOL)
        return retype(b, v, type);
    if (from.kind == TYPE_FIXED_STRING && type.kind == TYPE_STRING)
        return retype(b, fixed_as_text(b, v), type);
    if (from.kind == TYPE_DATE && type.kind == TYPE_DATETIME)
        v = cap_date(b, v);
    return cast_values(b, v, type);
}
