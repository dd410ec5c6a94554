/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of Array, Map and Tuple. In a column's array each takes at most 16 bytes, like any other
 * value; what it consists of lies elsewhere, in an arena that lives as long as the column:
 *
 *     array_value.items   Array: n values            | n null bytes, if elements are Nullable
 *                         Map:   n keys | pad to 16 | n values | n null bytes, if values are Nullable
 *     tuple_value.fields  fields at type.more->offsets | a null byte for each field
 *
 * All zeroes is the empty array or map, and the tuple of default values. Who keeps a value
 * longer than its column copies it with value_copy. Under a null byte lies zero. */
#ifndef COLUMN_COMPOUND_H
#define COLUMN_COMPOUND_H

#include "base/arena.h"
#include "column/batch.h"

struct array_value {
    const void *items;
    uint64_t n;
};

struct tuple_value {
    const char *fields;
};

/* A run of values of one type. */
struct elements {
    struct type type;
    const char *values;
    const uint8_t *nulls; /* NULL = none of them is NULL */
    uint32_t n, width;
};

static inline const void *element_at(const struct elements *e, uint32_t i)
{
    return e->values + (size_t)i * e->width;
}
static inline bool element_is_null(const struct elements *e, uint32_t i)
{
    return e->nulls && e->nulls[i];
}

struct elements array_elements(struct type t, const void *value); /* Map: its values */
struct elements map_keys(struct type t, const void *value);
const void *tuple_field(struct type t, const void *value, uint32_t i, bool *is_null);

/* An array or map of n elements to be filled; all zero. */
struct array_room {
    char *keys, *values; /* keys: of a Map */
    uint8_t *nulls;      /* NULL if there can be none */
};
struct array_value array_new(struct arena *a, struct type t, uint32_t n, struct array_room *room);
/* A tuple's fields to be filled; all zero. */
char *tuple_new(struct arena *a, struct type t, struct tuple_value *ret);

/* What ClickHouse puts into a column where there is no value: zeroes, or an enum's lowest. */
void value_default(struct type t, void *out);
/* A deep copy into the arena: of text, too. */
void value_copy(struct arena *a, struct type t, void *to, const void *from);
/* The same to the last bit? */
bool value_same(struct type t, const void *a, const void *b);
uint64_t value_hash_deep(struct type t, const void *value);
/* The bytes of FixedString(N), all N of them. */
struct str fixed_string(struct type t, struct str s);

/* The elements of rows[0..n) (NULL: 0..n) of an Array's or Map's column in one run; ends[i]:
 * where row i's end. The run's values and nulls are for free(). */
struct flat {
    struct column values, keys; /* keys: of a Map */
    uint64_t *ends;
    size_t n;
};
void flat_init(struct flat *f, const struct column *c, const uint32_t *rows, size_t n);
void flat_done(struct flat *f);
/* Field i of a Tuple's rows as a column; values and nulls are for free(). */
struct column flat_field(const struct column *c, uint32_t field, const uint32_t *rows, size_t n);

#endif
