/* SPDX-License-Identifier: Apache-2.0
 *
 * A value as ClickHouse's states hold it: numbers as they lie, strings and arrays with their length
 * before them, tuples field by field. */
#ifndef COLUMN_ROW_BINARY_H
#define COLUMN_ROW_BINARY_H

#include "base/arena.h"
#include "base/buf.h"
#include "column/type.h"

/* `value`: what a column holds of it. The type's own Nullable is not looked at, that of elements
 * is. */
void row_binary_put(struct buf *out, struct type t, const void *value);

/* Reads back what row_binary_put wrote from the front of `bytes`; what the value consists of comes
 * from the arena, but texts stay where they are. False if the bytes end too early. */
bool row_binary_take(struct arena *arena, struct type t, void *ret, struct str *bytes);

#endif
