/* SPDX-License-Identifier: Apache-2.0 */
#include "column/row_binary.h"

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

/* ---- reading back ---- */

static bool take_bytes(struct str *bytes, void *ret, size_t n)
{
    if (bytes->n < n)
        return false;
    memcpy(ret, bytes->p, n);
    *bytes = (struct str){bytes->p + n, bytes->n - n};
    return true;
}

static bool take_text(struct str *bytes, struct str *ret, uint64_t n)
{
    if (bytes->n < n)
        return false;
    *ret = (struct str){bytes->p, n};
    *bytes = (struct str){bytes->p + n, bytes->n - n};
    return true;
}

static bool take_varuint(struct str *bytes, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && bytes->n > 0; shift += 7) {
        uint8_t byte = (uint8_t)*bytes->p;
        *bytes = (struct str){bytes->p + 1, bytes->n - 1};
        v |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool take_element(struct arena *arena, struct type t, void *ret, uint8_t *null,
                         struct str *bytes)
{
    uint8_t is_null = 0;
    if (t.is_nullable && !take_bytes(bytes, &is_null, 1))
        return false;
    if (null != NULL)
        *null = is_null;
    return is_null || row_binary_take(arena, t, ret, bytes);
}

static bool take_run(struct arena *arena, struct type t, void *ret, struct str *bytes)
{
    bool is_map = t.kind == TYPE_MAP;
    struct type key = type_element(t, 0), element = type_element(t, is_map);
    struct array_room room;
    uint64_t n;
    /* an element without bytes (a tuple of nothing) does not exist */
    if (!take_varuint(bytes, &n) || n > bytes->n)
        return false;
    *(struct array_value *)ret = array_new(arena, t, (uint32_t)n, &room);
    for (uint64_t i = 0; i < n; i++) {
        if (is_map && !take_element(arena, key, room.keys + i * type_width(key), NULL, bytes))
            return false;
        if (!take_element(arena, element, room.values + i * type_width(element),
                          room.nulls ? &room.nulls[i] : NULL, bytes))
            return false;
    }
    return true;
}

static bool take_tuple(struct arena *arena, struct type t, void *ret, struct str *bytes)
{
    char *fields = tuple_new(arena, t, ret);
    for (uint32_t i = 0; i < t.more->n; i++)
        if (!take_element(arena, type_element(t, i), fields + t.more->offsets[i],
                          (uint8_t *)fields + t.more->null_offset + i, bytes))
            return false;
    return true;
}

bool row_binary_take(struct arena *arena, struct type t, void *ret, struct str *bytes)
{
    uint64_t n;
    switch (t.kind) {
    case TYPE_STRING: return take_varuint(bytes, &n) && take_text(bytes, ret, n);
    case TYPE_FIXED_STRING: return take_text(bytes, ret, t.size);
    case TYPE_ARRAY:
    case TYPE_MAP: return take_run(arena, t, ret, bytes);
    case TYPE_TUPLE: return take_tuple(arena, t, ret, bytes);
    default: return take_bytes(bytes, ret, type_width(t));
    }
}
