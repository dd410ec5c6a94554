/* SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/row_binary.h"

#include "column/compound.h"

static void put_element(struct buf *out, const struct elements *e, uint32_t i)
{
    if (e->type.is_nullable) {
        buf_byte(out, element_is_null(e, i));
        if (element_is_null(e, i))
            return;
    }
    row_binary_put(out, e->type, element_at(e, i));
}

static void put_tuple(struct buf *out, struct type t, const void *value)
{
    for (uint32_t i = 0; i < t.more->n; i++) {
        bool is_null;
        const void *field = tuple_field(t, value, i, &is_null);
        if (type_element(t, i).is_nullable) {
            buf_byte(out, is_null);
            if (is_null)
                continue;
        }
        row_binary_put(out, type_element(t, i), field);
    }
}

void row_binary_put(struct buf *out, struct type t, const void *value)
{
    struct elements keys, values;
    switch (t.kind) {
    case TYPE_STRING: {
        struct str s = *(const struct str *)value;
        buf_varuint(out, s.n);
        buf_str(out, s);
        break;
    }
    case TYPE_FIXED_STRING: buf_str(out, fixed_string(t, *(const struct str *)value)); break;
    case TYPE_ARRAY:
        values = array_elements(t, value);
        buf_varuint(out, values.n);
        for (uint32_t i = 0; i < values.n; i++)
            put_element(out, &values, i);
        break;
    case TYPE_MAP:
        keys = map_keys(t, value);
        values = array_elements(t, value);
        buf_varuint(out, values.n);
        for (uint32_t i = 0; i < values.n; i++) {
            put_element(out, &keys, i);
            put_element(out, &values, i);
        }
        break;
    case TYPE_TUPLE: put_tuple(out, t, value); break;
    default: buf_put(out, value, type_width(t));
    }
}
