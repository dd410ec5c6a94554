/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference page of functions, from the table. */
#ifndef EXPR_REFERENCE_H
#define EXPR_REFERENCE_H

#include "base/buf.h"

/* docs/reference-functions.md as Markdown. */
void function_reference(struct buf *out);

extern const char function_differences[]; /* where weir differs on purpose; reference.c */

#endif
