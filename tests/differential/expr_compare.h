/* SPDX-License-Identifier: Apache-2.0
 *
 * weir's answer to an expression beside ClickHouse's: type, values, and for each row "throws alone". */
#ifndef DIFFERENTIAL_EXPR_COMPARE_H
#define DIFFERENTIAL_EXPR_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

enum verdict { SAME, DIFFERENT, REFUSED };

extern bool show_refused;

/* Row by row where ClickHouse throws. print: both answers whole. */
enum verdict compare(const char *expression, bool print);

/* Many at once: those without rows that throw wait until some are there, and go in one query. `seen` is
 * called for each, in any order, before compare_flush returns. */
typedef void compared(const char *expression, enum verdict verdict);
void compare_later(const char *expression, compared *seen);
void compare_flush(compared *seen);

/* The expression cut down to the smallest part that still differs, printed. */
void report_difference(const char *expression);

#endif
