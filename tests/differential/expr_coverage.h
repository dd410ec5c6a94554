/* SPDX-License-Identifier: Apache-2.0
 *
 * How often each function of weir's table was compared, and differed. */
#ifndef DIFFERENTIAL_EXPR_COVERAGE_H
#define DIFFERENTIAL_EXPR_COVERAGE_H

#include "lang/parse.h"

void coverage_init(void);
/* Each function of the expression counts once. */
void coverage_count(const char *expression, bool differs);
/* A template of the generator: what it calls can be asked for. */
void coverage_template(const char *text);
/* A template with one of the functions that were hit least. */
const char *coverage_wanted(void);
void coverage_print(void);
/* Functions hit less than that; they are printed. Other spellings do not count. */
size_t coverage_lacking(size_t least);

#endif
