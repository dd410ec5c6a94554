/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLUMN_TYPE_PRIV_H
#define COLUMN_TYPE_PRIV_H

#include "column/type.h"

/* A name of an enum: where it lies in the text of all names. */
struct enum_item {
    size_t at, n;
    long value;
};

/* Sets t->more. Fails if a name or a value is there twice. Sorts `items`. */
MUST_CHECK enum err_code type_enum_intern(struct type *t, struct str text, struct enum_item *items,
                                          size_t n, struct err *e);

#endif
