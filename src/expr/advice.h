/* SPDX-License-Identifier: Apache-2.0
 *
 * What to write where a type does not fit. All give NULL where there is nothing to say; the text lies in
 * `out`. */
#ifndef EXPR_ADVICE_H
#define EXPR_ADVICE_H

#include "expr/expr_priv.h"

enum wanted_kind {
    WANTED_NUMBER,
    WANTED_INTEGER,
    WANTED_TEXT,
    WANTED_TIME,
    WANTED_ARRAY,
    WANTED_OTHER
};

/* node: what is to be converted, or NULL. */
const char *advice_for_wanted(struct buf *out, struct type have, enum wanted_kind wanted,
                              const struct ast *node);
/* expected: as site_bad_type says it, "a number". */
const char *advice_for_argument(struct buf *out, struct type have, const char *expected,
                                const struct ast *node);
/* Two types that do not go together. */
const char *advice_for_pair(struct buf *out, struct type a, struct type b);
/* site_error with that. */
value_id site_types_error(struct site *s, struct type a, struct type b, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
