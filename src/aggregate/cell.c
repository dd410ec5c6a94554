/* SPDX-License-Identifier: Apache-2.0
 *
 * Cells: setting, comparing, writing. A value is passed as a pointer to what a column would hold. */
#include "aggregate/cell.h"

size_t cell_bytes(struct type t)
{
    return type_width(t) <= 8 ? 8 : 16;
}

bool cell_is_fixed(struct type t)
{
    return t.kind != TYPE_STRING;
}

static const void *column_value(struct type t, const struct column *c, size_t row)
{
    return (const char *)c->values + row * type_width(t);
}

/* The cell's value as a column would hold it; of a string, in *text. */
static const void *cell_value(struct type t, const void *cell, struct str *text)
{
    if (t.kind != TYPE_STRING)
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
    if (t.kind == TYPE_STRING)
        set_text(cell, *(const struct str *)value, bytes);
    else
        memcpy(cell, value, type_width(t));
}

void cell_set(struct type t, void *cell, const struct column *c, size_t row, size_t *bytes)
{
    set_value(t, cell, column_value(t, c, row), bytes);
}

void cell_copy(struct type t, void *cell, const void *from, size_t *bytes)
{
    struct str text;
    set_value(t, cell, cell_value(t, from, &text), bytes);
}

void cell_done(struct type t, void *cell, size_t *bytes)
{
    if (t.kind == TYPE_STRING) {
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
    case TYPE_INT8: ORDER(int8_t);
    case TYPE_INT16: ORDER(int16_t);
    case TYPE_INT32: ORDER(int32_t);
    case TYPE_DATETIME64:
    case TYPE_INT64: ORDER(int64_t);
    case TYPE_FLOAT32: ORDER(float);
    case TYPE_FLOAT64: ORDER(double);
    case TYPE_STRING: return str_cmp(*(const struct str *)a, *(const struct str *)b);
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
        buf_put(out, cell, type_width(t));
}

void cell_write_native(struct type t, struct buf *out, const void *cell)
{
    if (t.kind == TYPE_STRING) {
        const struct cell_text *s = cell;
        buf_varuint(out, s->n);
        buf_put(out, s->p, s->n);
    } else {
        buf_put(out, cell, type_width(t));
    }
}
