/* SPDX-License-Identifier: Apache-2.0
 *
 * Cells: setting, comparing, writing. A value is passed as a pointer to what a column would
 * hold. */
#include "aggregate/cell.h"

#include "column/compound.h"
#include "column/row_binary.h"

size_t cell_bytes(struct type t)
{
    return type_width(t) <= 8 ? 8 : 16;
}

bool cell_is_fixed(struct type t)
{
    return !type_is_text(t) && !type_is_compound(t);
}

static const void *column_value(struct type t, const struct column *c, size_t row)
{
    return (const char *)c->values + row * type_width(t);
}

/* The cell's value as a column would hold it; of a string, in *text. */
static const void *cell_value(struct type t, const void *cell, struct str *text)
{
    if (cell_is_fixed(t))
        return cell;
    const struct cell_text *s = cell;
    *text = (struct str){s->p, s->n};
    return text;
}

static void set_text(struct cell_text *s, struct str v, size_t *bytes)
{
    if (s->cap < v.n) {
        size_t cap = (v.n + 15) & ~(size_t)15;
        *bytes += cap - s->cap;
        s->p = xrealloc(s->p, cap);
        s->cap = (uint32_t)cap;
    }
    if (v.n > 0)
        memcpy(s->p, v.p, v.n);
    s->n = (uint32_t)v.n;
}

static void set_value(struct type t, void *cell, const void *value, size_t *bytes)
{
    if (!cell_is_fixed(t))
        set_text(cell, *(const struct str *)value, bytes);
    else
        memcpy(cell, value, type_width(t));
}

void cell_set(struct type t, void *cell, const struct column *c, size_t row, size_t *bytes)
{
    if (type_is_compound(t)) { /* as it will be written */
        AUTO_DONE(buf) text = {0};
        row_binary_put(&text, t, column_value(t, c, row));
        set_text(cell, buf_view(&text), bytes);
        return;
    }
    set_value(t, cell, column_value(t, c, row), bytes);
}

void cell_copy(struct type t, void *cell, const void *from, size_t *bytes)
{
    struct str text;
    set_value(t, cell, cell_value(t, from, &text), bytes);
}

void cell_done(struct type t, void *cell, size_t *bytes)
{
    if (!cell_is_fixed(t)) {
        struct cell_text *s = cell;
        *bytes -= s->cap;
        free(s->p);
    }
    memset(cell, 0, cell_bytes(t));
}

/* ---- comparing ---- */

#define ORDER(T)                                                                                   \
    do {                                                                                           \
        T x, y;                                                                                    \
        memcpy(&x, a, sizeof(T));                                                                  \
        memcpy(&y, b, sizeof(T));                                                                  \
        return (x > y) - (x < y);                                                                  \
    } while (0)

/* By the lower half first, as ClickHouse has it. */
static int order_of_uuids(const void *a, const void *b)
{
    uint64_t x[2], y[2];
    memcpy(x, a, 16);
    memcpy(y, b, 16);
    if (x[1] != y[1])
        return x[1] < y[1] ? -1 : 1;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

static int order_of(struct type t, const void *a, const void *b)
{
    switch (t.kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: ORDER(uint8_t);
    case TYPE_DATE:
    case TYPE_UINT16: ORDER(uint16_t);
    case TYPE_DATETIME:
    case TYPE_IPV4:
    case TYPE_UINT32: ORDER(uint32_t);
    case TYPE_UINT64: ORDER(uint64_t);
    case TYPE_ENUM8:
    case TYPE_INT8: ORDER(int8_t);
    case TYPE_ENUM16:
    case TYPE_INT16: ORDER(int16_t);
    case TYPE_DATE32:
    case TYPE_INT32: ORDER(int32_t);
    case TYPE_DATETIME64:
    case TYPE_INT64: ORDER(int64_t);
    case TYPE_FLOAT32: ORDER(float);
    case TYPE_FLOAT64: ORDER(double);
    case TYPE_STRING: return str_cmp(*(const struct str *)a, *(const struct str *)b);
    case TYPE_FIXED_STRING:
        return str_cmp(fixed_string(t, *(const struct str *)a),
                       fixed_string(t, *(const struct str *)b));
    case TYPE_UUID: return order_of_uuids(a, b);
    case TYPE_DECIMAL:
        if (type_width(t) == 4)
            ORDER(int32_t);
        if (type_width(t) == 8)
            ORDER(int64_t);
        ORDER(__int128);
    default: return memcmp(a, b, type_width(t));
    }
}

static bool is_nan(struct type t, const void *value)
{
    float narrow;
    double wide;
    if (t.kind == TYPE_FLOAT32) {
        memcpy(&narrow, value, 4);
        return narrow != narrow;
    }
    if (t.kind != TYPE_FLOAT64)
        return false;
    memcpy(&wide, value, 8);
    return wide != wide;
}

static bool value_wins(struct type t, const void *now, const void *value, bool is_max)
{
    if (type_is_float(t)) {
        if (is_nan(t, value))
            return false;
        if (is_nan(t, now))
            return true;
    }
    int order = order_of(t, value, now);
    return is_max ? order > 0 : order < 0;
}

static bool values_equal(struct type t, const void *a, const void *b)
{
    if (type_is_float(t) && (is_nan(t, a) || is_nan(t, b)))
        return false;
    return order_of(t, a, b) == 0;
}

bool cell_row_wins(struct type t, const void *cell, const struct column *c, size_t row, bool is_max)
{
    struct str text;
    return value_wins(t, cell_value(t, cell, &text), column_value(t, c, row), is_max);
}

bool cell_wins(struct type t, const void *cell, const void *other, bool is_max)
{
    struct str x, y;
    return value_wins(t, cell_value(t, cell, &x), cell_value(t, other, &y), is_max);
}

bool cell_row_equals(struct type t, const void *cell, const struct column *c, size_t row)
{
    struct str text;
    return values_equal(t, cell_value(t, cell, &text), column_value(t, c, row));
}

bool cell_equals(struct type t, const void *cell, const void *other)
{
    struct str x, y;
    return values_equal(t, cell_value(t, cell, &x), cell_value(t, other, &y));
}

/* ---- writing ---- */

/* Without a length before it. */
static void put_plain(struct type t, struct buf *out, const void *cell)
{
    const struct cell_text *s = cell;
    if (cell_is_fixed(t))
        buf_put(out, cell, type_width(t));
    else if (t.kind == TYPE_FIXED_STRING)
        buf_str(out, fixed_string(t, (struct str){s->p, s->n}));
    else
        buf_put(out, s->p, s->n);
}

void cell_write_single(struct type t, struct buf *out, const void *cell)
{
    if (t.kind == TYPE_STRING) { /* the length counts a NUL at the end; -1: none */
        const struct cell_text *s = cell;
        buf_u32(out, s == NULL ? UINT32_MAX : s->n + 1);
        if (s == NULL)
            return;
        buf_put(out, s->p, s->n);
        buf_byte(out, 0);
        return;
    }
    buf_byte(out, cell != NULL);
    if (cell != NULL)
        put_plain(t, out, cell);
}

void cell_write_native(struct type t, struct buf *out, const void *cell)
{
    if (t.kind == TYPE_STRING)
        buf_varuint(out, ((const struct cell_text *)cell)->n);
    put_plain(t, out, cell);
}
