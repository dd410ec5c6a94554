/* SPDX-License-Identifier: Apache-2.0
 *
 * ClickHouse's types as far as weir has them. A struct type is a small value, compared by type_eq and
 * copied freely; `zone` points to a time zone that lives as long as the process. */
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
    TYPE_UINT8, TYPE_UINT16, TYPE_UINT32, TYPE_UINT64,
    TYPE_INT8, TYPE_INT16, TYPE_INT32, TYPE_INT64,
    TYPE_FLOAT32, TYPE_FLOAT64,
    TYPE_STRING,     /* struct str */
    TYPE_DATE,       /* uint16_t days since 1970-01-01 */
    TYPE_DATETIME,   /* uint32_t UTC seconds */
    TYPE_DATETIME64, /* int64_t ticks of 10^-scale s, UTC */
    TYPE_IPV4,       /* uint32_t, 1.2.3.4 = 0x01020304 */
    TYPE_IPV6,       /* 16 bytes, network order */
    TYPE_INTERVAL,   /* int64_t count of `scale` = enum interval_unit; only inside expressions */
    TYPE_TUPLE,      /* only as the right side of IN, folded at compile time; never in a column */
    TYPE_KIND_COUNT,
};

enum interval_unit {
    INTERVAL_NANOSECOND, INTERVAL_MICROSECOND, INTERVAL_MILLISECOND,
    INTERVAL_SECOND, INTERVAL_MINUTE, INTERVAL_HOUR, INTERVAL_DAY, INTERVAL_WEEK, INTERVAL_MONTH,
    INTERVAL_QUARTER, INTERVAL_YEAR,
};

struct type {
    uint8_t kind; /* enum type_kind */
    uint8_t scale; /* DateTime64: digits after the second, 0..9; Interval: unit */
    bool is_nullable;
    bool is_low_cardinality; /* LowCardinality(String), LowCardinality(Nullable(String)) */
    const struct zone *zone; /* DateTime, DateTime64: NULL = none given, i.e. UTC */
};

/* Bytes of one value in a column's array: 1, 2, 4, 8 or 16 (struct str is 16). */
size_t type_width(struct type t);

static inline bool type_eq(struct type a, struct type b)
{
    return a.kind == b.kind && a.scale == b.scale && a.is_nullable == b.is_nullable &&
           a.is_low_cardinality == b.is_low_cardinality && a.zone == b.zone;
}

static inline bool type_is_integer(struct type t) { return t.kind >= TYPE_UINT8 && t.kind <= TYPE_INT64; }
static inline bool type_is_signed(struct type t) { return t.kind >= TYPE_INT8 && t.kind <= TYPE_INT64; }
static inline bool type_is_float(struct type t) { return t.kind == TYPE_FLOAT32 || t.kind == TYPE_FLOAT64; }
/* Bool counts as a number, as in ClickHouse (it is a UInt8 by another name). */
static inline bool type_is_number(struct type t) { return t.kind >= TYPE_BOOL && t.kind <= TYPE_FLOAT64; }
static inline bool type_is_time(struct type t) { return t.kind == TYPE_DATETIME || t.kind == TYPE_DATETIME64; }

/* As ClickHouse prints it: "LowCardinality(Nullable(String))", "DateTime64(3, 'UTC')". */
void type_print(struct buf *out, struct type t);
const char *type_name(struct type t, char out[64]); /* the same, into the caller's array */

/* Parses a type name as ClickHouse spells it (aliases as in ClickHouse: INT, BIGINT, TEXT, VARCHAR …
 * case-insensitive where ClickHouse is). On failure the text says what is wrong and the nearest name. */
MUST_CHECK enum err_code type_parse(struct type *ret, struct str text, struct err *e);

/* Nearest name in `names` by edit distance, or NULL if none is near. */
const char *nearest_name(struct str name, const char *const *names, size_t n);

#endif
