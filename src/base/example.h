/* SPDX-License-Identifier: Apache-2.0
 *
 * Examples of the reference: an expression with ClickHouse's answer. They lie in tables beside what
 * they show; tests/unit/test_reference.c asks weir, tests/conform/reference.py asks ClickHouse. */
#ifndef BASE_EXAMPLE_H
#define BASE_EXAMPLE_H

#include "base/buf.h"

struct example {
    const char *name, *text, *answer; /* answer: as toString prints it, NULL for NULL */
};

/* NULL: none of that name. */
const struct example *example_find(const struct example *rows, size_t n, const char *name);

/* "`text` → `answer`" as the cell of a Markdown table; nothing for NULL. */
void example_cell(struct buf *out, const struct example *e);

/* Code within a cell: a bar would end it. */
void code_cell(struct buf *out, const char *code);

#endif
