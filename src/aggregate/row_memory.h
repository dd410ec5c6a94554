/* SPDX-License-Identifier: Apache-2.0
 *
 * A compound value as ClickHouse's columns give it to hashes and sets: one run of bytes. */
#ifndef AGGREGATE_ROW_MEMORY_H
#define AGGREGATE_ROW_MEMORY_H

#include "base/buf.h"
#include "column/type.h"

/* An array whose elements lie side by side, each of the same number of bytes: where ClickHouse
 * takes the value for a text, it is the run without the number before it. */
bool row_memory_is_plain(struct type t);

/* Appends the run: the number of elements (8 bytes), then each; of a string the number of bytes with
 * the NUL behind it (8 bytes), the bytes, the NUL; before what may be NULL a byte that says so. */
void row_memory_put(struct buf *out, struct type t, const void *value);

#endif
