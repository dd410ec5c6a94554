/* SPDX-License-Identifier: Apache-2.0
 *
 * ClickHouse's Native blocks, no revision (as over HTTP). Written for inserts and read from
 * answers. */
#ifndef CODEC_NATIVE_H
#define CODEC_NATIVE_H

#include "column/batch.h"

/* Block writing: header, then per column head + data, appended to `out`. */
void native_block(struct buf *out, size_t n_columns, size_t n_rows);
void native_column_head(struct buf *out, const char *name, const char *type_name);
/* Values of column c rows[0..n) (rows NULL = 0..n). All types; dictionaries of LowCardinality are
 * built per block. `c` has no faults in these rows. */
void native_column_data(struct buf *out, const struct column *c, const uint32_t *rows, size_t n);

/* Reading an answer: a set of columns, all blocks appended. Types that struct type knows.
 * Limits: rows and bytes by what is given. */
struct native_column {
    char *name;
    struct type type;
    struct column column; /* what values point to lies in the result's arena */
};
struct native_result {
    size_t n_columns, n_rows;
    struct native_column *columns;
    struct arena arena;
};
MUST_CHECK enum err_code native_read(struct native_result *ret, const char *data, size_t n,
                                     struct err *e);
void native_result_done(struct native_result *r);

#endif
