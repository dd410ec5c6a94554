/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that random expressions are computed over. */
#ifndef DIFFERENTIAL_EXPR_ROWS_H
#define DIFFERENTIAL_EXPR_ROWS_H

#include "column/batch.h"

enum { N_ROWS = 24, MAX_COLUMNS = 128 };

struct test_column {
    const char *name, *type, *class; /* class: what the generator takes it for */
    const char *values;              /* of the further types: texts, '|' between */
};
extern const struct test_column test_columns[];
extern const size_t n_test_columns;

struct test_table {
    struct batch batch;
    struct type types[MAX_COLUMNS];
    bool is_alone; /* weir's side only */
};
extern struct test_table table;

void table_create(void);
/* New values. */
void table_fill(void);
/* The columns that the expression names, as they are in that row. */
void print_inputs(const char *expression, size_t row);
/* A text of that class of columns, edges of its kind among them. */
const char *random_text(char class);

#endif
