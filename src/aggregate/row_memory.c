/* SPDX-License-Identifier: Apache-2.0 */
#include "aggregate/row_memory.h"

#include "column/compound.h"

static bool is_plain_element(struct type t)
{
    return !t.is_nullable && t.kind != TYPE_STRING && !type_is_compound(t);
}

bool row_memory_is_plain(struct type t)
{
    return t.kind == TYPE_ARRAY && is_plain_element(type_element(t, 0));
}

static void put_nullable(struct buf *out, struct type t, const void *value, bool is_null)
{
    if (t.is_nullable)
        buf_byte(out, is_null);
    if (!is_null)
        row_memory_put(out, t, value);
}

static void put_count(struct buf *out, uint64_t n)
{
    buf_put(out, &n, sizeof(n));
}

void row_memory_put(struct buf *out, struct type t, const void *value)
{
    struct elements keys, values;

    switch (t.kind) {
    case TYPE_STRING: {
        struct str s = *(const struct str *)value;
        put_count(out, s.n + 1);
        buf_str(out, s);
        buf_byte(out, 0);
        break;
    }
    case TYPE_FIXED_STRING: {
        struct str s = fixed_string(t, *(const struct str *)value);
        buf_put(out, s.p, s.n);
        break;
    }
    case TYPE_TUPLE:
        for (uint32_t i = 0; i < t.more->n; i++) {
            bool is_null;
            const void *field = tuple_field(t, value, i, &is_null);
            put_nullable(out, type_element(t, i), field, is_null);
        }
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
        values = array_elements(t, value);
        put_count(out, values.n);
        if (t.kind == TYPE_MAP)
            keys = map_keys(t, value);
        for (uint32_t i = 0; i < values.n; i++) {
            if (t.kind == TYPE_MAP)
                row_memory_put(out, keys.type, element_at(&keys, i));
            put_nullable(out, values.type, element_at(&values, i), element_is_null(&values, i));
        }
        break;
    default: buf_put(out, value, type_width(t));
    }
}
