/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators, reserved words and units. */
#include "lang/operator.h"

#include <strings.h>

#include "lang/parse.h"

static const struct operator operators[] = {
    {"->", NULL, PRECEDENCE_LAMBDA, OPERATOR_LAMBDA, false},
    {"?", NULL, PRECEDENCE_TERNARY, OPERATOR_TERNARY, false},
    {"OR", "or", PRECEDENCE_OR, OPERATOR_MERGED, false},
    {"AND", "and", PRECEDENCE_AND, OPERATOR_MERGED, false},
    {"IS", NULL, PRECEDENCE_IS, OPERATOR_IS, false},
    {"BETWEEN", NULL, PRECEDENCE_BETWEEN, OPERATOR_BETWEEN, false},
    {"BETWEEN", NULL, PRECEDENCE_BETWEEN, OPERATOR_BETWEEN, true},
    {"=", "equals", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {"==", "equals", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {"!=", "notEquals", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {"<>", "notEquals", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {"<=", "lessOrEquals", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {">=", "greaterOrEquals", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {"<", "less", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {">", "greater", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {"LIKE", "like", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {"LIKE", "notLike", PRECEDENCE_COMPARE, OPERATOR_BINARY, true},
    {"ILIKE", "ilike", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {"ILIKE", "notILike", PRECEDENCE_COMPARE, OPERATOR_BINARY, true},
    {"REGEXP", "match", PRECEDENCE_COMPARE, OPERATOR_BINARY, false},
    {"IN", "in", PRECEDENCE_COMPARE, OPERATOR_IN, false},
    {"IN", "notIn", PRECEDENCE_COMPARE, OPERATOR_IN, true},
    {"||", "concat", PRECEDENCE_CONCAT, OPERATOR_MERGED, false},
    {"+", "plus", PRECEDENCE_ADD, OPERATOR_BINARY, false},
    {"-", "minus", PRECEDENCE_ADD, OPERATOR_BINARY, false},
    {"*", "multiply", PRECEDENCE_MULTIPLY, OPERATOR_BINARY, false},
    {"/", "divide", PRECEDENCE_MULTIPLY, OPERATOR_BINARY, false},
    {"%", "modulo", PRECEDENCE_MULTIPLY, OPERATOR_BINARY, false},
    {"MOD", "modulo", PRECEDENCE_MULTIPLY, OPERATOR_BINARY, false},
    {"DIV", "intDiv", PRECEDENCE_MULTIPLY, OPERATOR_BINARY, false},
    {".", NULL, PRECEDENCE_ACCESS, OPERATOR_ELEMENT, false},
    {"[", NULL, PRECEDENCE_ACCESS, OPERATOR_SUBSCRIPT, false},
    {"::", NULL, PRECEDENCE_ACCESS, OPERATOR_CAST, false},
};

const struct operator* operator_find_symbol(uint16_t symbol, int min)
{
    char text[3] = {(char)(symbol & 0xff), (char)(symbol >> 8), '\0'};
    for (size_t i = 0; i < COUNT(operators); i++)
        if (operators[i].precedence >= min && strcmp(operators[i].text, text) == 0)
            return &operators[i];
    return NULL;
}

static bool is_same_word(struct str word, const char *text)
{
    return word.n == strlen(text) && strncasecmp(word.p, text, word.n) == 0;
}

const struct operator* operator_find_word(struct str word, bool is_negated, int min)
{
    for (size_t i = 0; i < COUNT(operators); i++)
        if (operators[i].precedence >= min && operators[i].is_negated == is_negated &&
            is_same_word(word, operators[i].text))
            return &operators[i];
    return NULL;
}

const struct operator* operator_of_function(struct str function)
{
    for (size_t i = 0; i < COUNT(operators); i++)
        if (operators[i].function != NULL && str_is(function, operators[i].function))
            return &operators[i];
    return NULL;
}

/* A name that is printed bare must never be one of these. */
static const char *const reserved[] = {
    "SELECT", "FROM",  "WHERE", "GROUP",  "HAVING", "ORDER", "LIMIT",    "AS",
    "AND",    "OR",    "NOT",   "IN",     "LIKE",   "ILIKE", "BETWEEN",  "IS",
    "ON",     "USING", "JOIN",  "UNION",  "CASE",   "WHEN",  "THEN",     "ELSE",
    "END",    "NULL",  "TRUE",  "FALSE",  "INF",    "NAN",   "INFINITY", "DISTINCT",
    "WITH",   "DIV",   "MOD",   "REGEXP", "GLOBAL",
};

bool word_is_reserved(struct str word)
{
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (is_same_word(word, reserved[i]))
            return true;
    return false;
}

bool word_is_operator(struct str word)
{
    static const char *const words[] = {"AND", "OR", "IN", "LIKE", "ILIKE", "MOD"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (is_same_word(word, words[i]))
            return true;
    return false;
}

const char *const interval_unit_names[] = {
    "NANOSECOND", "MICROSECOND", "MILLISECOND", "SECOND",  "MINUTE", "HOUR",
    "DAY",        "WEEK",        "MONTH",       "QUARTER", "YEAR",   NULL,
};

const char *interval_unit_name(enum interval_unit unit)
{
    return interval_unit_names[unit];
}

const char *interval_function(enum interval_unit unit)
{
    static const char *const names[] = {
        "toIntervalNanosecond", "toIntervalMicrosecond", "toIntervalMillisecond",
        "toIntervalSecond",     "toIntervalMinute",      "toIntervalHour",
        "toIntervalDay",        "toIntervalWeek",        "toIntervalMonth",
        "toIntervalQuarter",    "toIntervalYear",
    };
    return names[unit];
}

const char *interval_unit_text(enum interval_unit unit)
{
    static const char *const names[] = {
        "nanosecond", "microsecond", "millisecond", "second",  "minute", "hour",
        "day",        "week",        "month",       "quarter", "year",
    };
    return names[unit];
}
