/* SPDX-License-Identifier: Apache-2.0
 *
 * ClickHouse's types as far as weir has them. A struct type is a small value, compared by
 * type_eq and copied freely; `zone` points to a time zone and `more` to what a compound type or
 * an enum consists of. Both live as long as the process, and equal ones are one: types are
 * compared without following them. */
#ifndef COLUMN_TYPE_H
#define COLUMN_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct zone;

enum type_kind {
    TYPE_NOTHING, /* the type of a bare NULL (always nullable) */
    TYPE_BOOL,    /* uint8_t 0/1 */
    TYPE_UINT8,
    TYPE_UINT16,
    TYPE_UINT32,
    TYPE_UINT64,
    TYPE_INT8,
    TYPE_INT16,
    TYPE_INT32,
    TYPE_INT64,
    TYPE_FLOAT32,
    TYPE_FLOAT64,
    TYPE_STRING,     /* struct str */
    TYPE_DATE,       /* uint16_t days since 1970-01-01 */
    TYPE_DATETIME,   /* uint32_t UTC seconds */
    TYPE_DATETIME64, /* int64_t ticks of 10^-scale s, UTC */
    TYPE_IPV4,       /* uint32_t, 1.2.3.4 = 0x01020304 */
    TYPE_IPV6,       /* 16 bytes, network order */
    TYPE_INTERVAL,   /* int64_t count of `scale` = enum interval_unit; only inside expressions */
    TYPE_TUPLE,      /* struct tuple_value; `more` */
    TYPE_DATE32,     /* int32_t days since 1970-01-01 */
    TYPE_UUID,       /* 16 bytes: upper half, then lower half, each little-endian */
    /* struct str of `size` bytes; one of no bytes stands for `size` zero bytes */
    TYPE_FIXED_STRING,
    TYPE_DECIMAL, /* `size` digits, `scale` of them behind the point: int32_t up to 9 digits, int64_t up
                      * to 18, __int128 up to 38 */
    TYPE_ENUM8,
    TYPE_ENUM16, /* int8_t, int16_t; `more` has the names */
    TYPE_ARRAY,  /* struct array_value; `more` */
    TYPE_MAP,    /* struct array_value; `more`: key and value */
    TYPE_KIND_COUNT,
};

enum interval_unit {
    INTERVAL_NANOSECOND,
    INTERVAL_MICROSECOND,
    INTERVAL_MILLISECOND,
    INTERVAL_SECOND,
    INTERVAL_MINUTE,
    INTERVAL_HOUR,
    INTERVAL_DAY,
    INTERVAL_WEEK,
    INTERVAL_MONTH,
    INTERVAL_QUARTER,
    INTERVAL_YEAR,
};

enum { DECIMAL_MAX_DIGITS = 38, FIXED_STRING_MAX = 16 << 20 };

struct type_more;

struct type {
    uint8_t kind; /* enum type_kind */
    /* DateTime64: digits after the second, 0..9; Decimal: after the point; Interval: unit */
    uint8_t scale;
    bool is_nullable;
    bool is_low_cardinality;      /* LowCardinality(T), LowCardinality(Nullable(T)) */
    uint32_t size;                /* FixedString: bytes; Decimal: digits */
    const struct zone *zone;      /* DateTime, DateTime64: NULL = none given, i.e. UTC */
    const struct type_more *more; /* Array, Tuple, Map, Enum; else NULL */
};

/* Bytes of one value in a column's array: 1, 2, 4, 8 or 16 (struct str is 16). */
size_t type_width(struct type t);

static inline bool type_eq(struct type a, struct type b)
{
    return a.kind == b.kind && a.scale == b.scale && a.is_nullable == b.is_nullable &&
           a.is_low_cardinality == b.is_low_cardinality && a.zone == b.zone && a.size == b.size &&
           a.more == b.more;
}

static inline bool type_is_integer(struct type t)
{
    return t.kind >= TYPE_UINT8 && t.kind <= TYPE_INT64;
}
static inline bool type_is_signed(struct type t)
{
    return t.kind >= TYPE_INT8 && t.kind <= TYPE_INT64;
}
static inline bool type_is_float(struct type t)
{
    return t.kind == TYPE_FLOAT32 || t.kind == TYPE_FLOAT64;
}
/* Bool counts as a number, as in ClickHouse (it is a UInt8 by another name). */
static inline bool type_is_number(struct type t)
{
    return t.kind >= TYPE_BOOL && t.kind <= TYPE_FLOAT64;
}
static inline bool type_is_enum(struct type t)
{
    return t.kind == TYPE_ENUM8 || t.kind == TYPE_ENUM16;
}
/* Its values point to others: they must be copied deeply (column/compound.h). */
static inline bool type_is_compound(struct type t)
{
    return t.kind == TYPE_ARRAY || t.kind == TYPE_TUPLE || t.kind == TYPE_MAP;
}
/* Values are struct str. */
static inline bool type_is_text(struct type t)
{
    return t.kind == TYPE_STRING || t.kind == TYPE_FIXED_STRING;
}
static inline bool type_is_time(struct type t)
{
    return t.kind == TYPE_DATETIME || t.kind == TYPE_DATETIME64;
}

/* What a compound type or an enum consists of. Interned: never built but by the functions below. */
struct type_more {
    uint32_t n;                  /* elements (Array 1, Map 2), or names of an enum */
    const struct type *elements; /* Array, Tuple, Map */
    /* enum: in order of their values; Tuple: NULL if it has no names */
    const struct str *names;
    const int16_t *values;       /* enum */
    const uint32_t *offsets;     /* Tuple: of each field; then n null bytes at `null_offset` */
    uint32_t null_offset, bytes; /* Tuple: all of it */
    const char *image;           /* Tuple: its fields' default values */
};

struct type type_array(struct type element);
struct type type_map(struct type key, struct type value);
/* names may be NULL */
struct type type_tuple(const struct type *elements, const struct str *names, uint32_t n);
struct type type_decimal(uint32_t digits, uint8_t scale);
static inline struct type type_element(struct type t, uint32_t i)
{
    return t.more->elements[i];
}
/* The name of an enum's value, or its value by name; false if it has none such. */
bool enum_name(struct type t, int64_t value, struct str *ret);
bool enum_value(struct type t, struct str name, int16_t *ret);
/* Index of a Tuple's field by name, -1 if there is none. */
int tuple_find(struct type t, struct str name);
/* May the type stand in Nullable(…), in LowCardinality(…)? */
bool type_may_be_nullable(struct type t);
bool type_may_be_low_cardinality(struct type t);

/* As ClickHouse prints it: "LowCardinality(Nullable(String))", "DateTime64(3, 'UTC')",
 * "Array(UInt8)". */
void type_print(struct buf *out, struct type t);
/* For the reference: name i of the types by their own names; other name i of that type. NULL: no
 * more. */
const char *type_known_name(size_t i);
const char *type_alias(const char *name, size_t i);
const char *type_name(struct type t, char out[64]); /* the same, into the caller's array */

/* Parses a type name as ClickHouse spells it (aliases as in ClickHouse: INT, BIGINT, TEXT,
 * VARCHAR … case-insensitive where ClickHouse is). On failure the text says what is wrong and
 * the nearest name. */
MUST_CHECK enum err_code type_parse(struct type *ret, struct str text, struct err *e);

/* Nearest name in `names` by edit distance, or NULL if none is near. */
const char *nearest_name(struct str name, const char *const *names, size_t n);

#endif
