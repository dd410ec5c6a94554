/* SPDX-License-Identifier: Apache-2.0
 *
 * The one table of operators: the parser climbs by it, the printer sets its brackets by it. */
#ifndef LANG_OPERATOR_H
#define LANG_OPERATOR_H

#include "lang/ast.h"

enum {
    PRECEDENCE_LAMBDA = 1,
    PRECEDENCE_TERNARY = 2,
    PRECEDENCE_OR = 3,
    PRECEDENCE_AND = 4,
    PRECEDENCE_NOT = 5,
    PRECEDENCE_IS = 6,
    PRECEDENCE_BETWEEN = 7,
    PRECEDENCE_COMPARE = 9,
    PRECEDENCE_CONCAT = 10,
    PRECEDENCE_ADD = 11,
    PRECEDENCE_MULTIPLY = 12,
    PRECEDENCE_SIGN = 13,
    PRECEDENCE_ACCESS = 14,
    PRECEDENCE_ATOM = 15,
};

enum operator_kind {
    OPERATOR_BINARY,
    OPERATOR_MERGED, /* a OR b OR c is one call */
    OPERATOR_IN,
    OPERATOR_IS,
    OPERATOR_BETWEEN,
    OPERATOR_TERNARY,
    OPERATOR_LAMBDA,
    OPERATOR_ELEMENT,
    OPERATOR_SUBSCRIPT,
    OPERATOR_CAST,
};

struct operator
{
    const char *text;     /* upper case; the part behind NOT if is_negated */
    const char *function; /* ClickHouse's name; NULL where the parser decides */
    uint8_t precedence;
    uint8_t kind; /* enum operator_kind */
    bool is_negated;
};

/* NULL if there is none that binds at least as tightly as `min`. */
const struct operator* operator_find_symbol(uint16_t symbol, int min);
const struct operator* operator_find_word(struct str word, bool is_negated, int min);
/* The operator that a call of this function is printed with (BINARY, MERGED, IN only), or NULL. */
const struct operator* operator_of_function(struct str function);

bool word_is_reserved(
    struct str word); /* means something where an operand could stand: a name needs quotes */
bool word_is_operator(struct str word); /* and, or, in, like, ilike, mod: functions too */

extern const char *const interval_unit_names[];          /* "NANOSECOND" .. "YEAR" */
const char *interval_function(enum interval_unit unit);  /* "toIntervalDay" */
const char *interval_unit_text(enum interval_unit unit); /* "day" */

#endif
