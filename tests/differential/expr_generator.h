/* SPDX-License-Identifier: Apache-2.0
 *
 * Random expressions over the test columns. */
#ifndef DIFFERENTIAL_EXPR_GENERATOR_H
#define DIFFERENTIAL_EXPR_GENERATOR_H

#include "base/buf.h"

enum { MAX_DEPTH = 6 };

extern bool generate_wild; /* arguments of any type anywhere: most are refused, none may crash */
extern bool generate_text; /* functions of texts for the most part */

/* Tells coverage what can be asked for. */
void generator_init(void);
void generate(struct buf *out);
/* Do results of the call agree to some units in the last place only? */
bool is_inexact(const char *expression);

#endif
