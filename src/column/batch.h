/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch is some thousands of rows as columns of equal length. It belongs to one thread, which
 * resets and fills it again and again. Strings are views: into the input chunk, or into the
 * batch's arena where a value had to be unescaped; both live until the batch is reset. */
#ifndef COLUMN_BATCH_H
#define COLUMN_BATCH_H

#include "base/arena.h"
#include "column/type.h"

enum { BATCH_ROWS = 2048 };

struct column {
    struct type type;
    void *values;    /* type_width() bytes a row; filler where NULL */
    uint8_t *nulls;  /* 1 = NULL; pointer NULL = no NULLs in this column */
    uint8_t *faults; /* != 0: the value could not be computed (enum fault); pointer NULL = none */
    /* 1 = the record did not have the field (DEFAULT applies); pointer NULL = none */
    uint8_t *missing;
};

/* Typed access: COLUMN(c, uint64_t)[row]. */
#define COLUMN(column, T) ((T *)(column)->values)

struct batch {
    size_t n_rows;
    size_t n_columns;
    struct column *columns;
    uint64_t *offsets;  /* per row: position of its record's first byte in its partition */
    uint32_t *lengths;  /* per row: bytes of its record, without the line end */
    struct arena arena; /* string contents of this batch */
    void *memory;
};

/* Columns of BATCH_ROWS rows, padded apart by a few cache lines (equal strides alias in L1).
 * `nulls` is allocated for nullable types and `missing` for those with a default; kept for
 * types[i]. */
void batch_init(struct batch *b, const struct type *types, const bool *has_default, size_t n);
void batch_done(struct batch *b);
void batch_reset(struct batch *b); /* no rows, empty arena */

/* Records that could not be decoded, or whose expressions failed. Views into the input. */
struct reject {
    uint64_t offset;
    struct str bytes;
    const char *reason; /* static or in the list's arena */
};

struct reject_list {
    struct reject *items;
    size_t n, cap;
    struct arena arena;
};

void reject_list_done(struct reject_list *r);
void reject_list_reset(struct reject_list *r);
void reject_add(struct reject_list *r, uint64_t offset, struct str bytes, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
