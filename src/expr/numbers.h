/* SPDX-License-Identifier: Apache-2.0
 *
 * What the arithmetic files share. */
#ifndef EXPR_NUMBERS_H
#define EXPR_NUMBERS_H

#include "expr/expr_priv.h"

enum {
    DIVISION_INT,
    DIVISION_INT_OR_ZERO,
    DIVISION_MODULO,
    DIVISION_POSITIVE_MODULO,
    DIVISION_REAL, /* the soft ones below: DIVISION_OR_ZERO or DIVISION_OR_NULL added */
    DIVISION_OR_ZERO = 8,
    DIVISION_OR_NULL = 16
};

value_id build_division(struct site *s);
value_id build_soft_division(struct site *s); /* NULL or 0 where it cannot be */
/* Dates and times in + and -: *is_mine tells whether these types are its business. */
value_id build_time_sum(struct site *s, bool is_minus, bool *is_mine);
enum type_kind sum_kind(struct type a, struct type b, bool is_signed);
value_id emit_sum(struct builder *b, int which, value_id x, value_id y,
                  enum type_kind kind); /* 0 +, 1 -, 2 * */

#endif
