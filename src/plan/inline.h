/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLAN_INLINE_H
#define PLAN_INLINE_H

#include "lang/parse.h"

/* Replaces every call of a function of the definitions by what the function says, with the arguments
 * in the parameters' places. As in ClickHouse, other names in a function mean what they mean where it
 * is called; a lambda inside it never catches a name of an argument. Calls that cannot be replaced
 * are reported and marked is_broken. Doing it again changes nothing. */
void definitions_inline(struct definitions *defs, struct diagnostics *d);

#endif
