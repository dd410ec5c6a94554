/* SPDX-License-Identifier: Apache-2.0
 *
 * A value as ClickHouse's states hold it: numbers as they lie, strings and arrays with their length
 * before them, tuples field by field. */
#ifndef AGGREGATE_ROW_BINARY_H
#define AGGREGATE_ROW_BINARY_H

#include "base/buf.h"
#include "column/type.h"

/* `value`: what a column holds of it. The type's own Nullable is not looked at, that of elements
 * is. */
void row_binary_put(struct buf *out, struct type t, const void *value);

#endif
