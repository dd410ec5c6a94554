/* SPDX-License-Identifier: Apache-2.0
 *
 * Trees back to SQL. What was written as an operator is printed as one, with brackets only where
 * the parser would otherwise read another tree: print and parse give back the same. */
#include <strings.h>

#include "codec/value.h"
#include "lang/operator.h"
#include "lang/parse.h"

static void print(struct buf *out, const struct ast *node, int min);

/* ---- names and texts ---- */

static bool is_word(struct str name, const char *word)
{
    return name.n == strlen(word) && strncasecmp(name.p, word, name.n) == 0;
}

static bool is_plain(struct str name)
{
    /* ClickHouse reads even "interval OR day" as an interval. */
    bool is_taken = word_is_reserved(name) || is_word(name, "INTERVAL");
    if (name.n == 0 || (name.p[0] >= '0' && name.p[0] <= '9') || is_taken)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i], lower = c | 0x20;
        if (!((lower >= 'a' && lower <= 'z') || c == '_' || (c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

static void print_quoted(struct buf *out, struct str text, char quote)
{
    static const char bytes[] = "\b\f\n\r\t\0", letters[] = "bfnrt0";

    buf_byte(out, (uint8_t)quote);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        const char *escape = memchr(bytes, c, sizeof(bytes) - 1);
        if (escape != NULL || c == '\\' || c == quote)
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)(escape != NULL ? letters[escape - bytes] : c));
    }
    buf_byte(out, (uint8_t)quote);
}

void print_identifier(struct buf *out, struct str name)
{
    if (is_plain(name))
        buf_str(out, name);
    else
        print_quoted(out, name, '`');
}

void print_string_literal(struct buf *out, struct str text)
{
    print_quoted(out, text, '\'');
}

/* A name with dots: bare if all its parts are; else quoted as one, which means the same. */
static void print_name(struct buf *out, struct str name)
{
    for (size_t start = 0, i = 0; i <= name.n; i++)
        if (i == name.n || name.p[i] == '.') {
            if (!is_plain((struct str){name.p + start, i - start})) {
                print_quoted(out, name, '`');
                return;
            }
            start = i + 1;
        }
    buf_str(out, name);
}

void duration_print(struct buf *out, struct duration d)
{
    buf_printf(out, "%lld %s", (long long)d.count, interval_unit_name(d.unit));
}

void duration_say(struct buf *out, struct duration d)
{
    duration_print(out, d);
    if (d.count != 1)
        buf_byte(out, 'S');
}

/* ---- trees ---- */

static void print_list(struct buf *out, struct ast *const *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            buf_text(out, ", ");
        print(out, items[i], 0);
    }
}

static bool is_call(const struct ast *node, const char *name)
{
    return node->kind == AST_CALL && !node->has_params && !node->is_distinct &&
           str_is(node->text, name);
}

/* The unit of toIntervalX, or -1. */
static int interval_of(const struct ast *node)
{
    if (node->n_args == 1)
        for (int u = INTERVAL_NANOSECOND; u <= INTERVAL_YEAR; u++)
            if (is_call(node, interval_function((enum interval_unit)u)))
                return u;
    return -1;
}

static bool is_set(const struct ast *node)
{
    return is_call(node, "tuple") || is_call(node, "array");
}

/* ClickHouse takes what stands before :: as text where it is a literal. */
static bool is_castable(const struct ast *node)
{
    return node->kind == AST_NAME || node->kind == AST_STRING ||
           (node->kind == AST_CALL && !is_set(node));
}

/* A type of one word, which reads back as itself; others are printed as texts. */
static bool is_bare_type(const struct ast *node)
{
    for (size_t i = 0; i < node->text.n; i++) {
        char c = node->text.p[i], lower = c | 0x20;
        if (!((lower >= 'a' && lower <= 'z') || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return node->kind == AST_STRING && node->text.n > 0;
}

static bool is_digits(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    return text.n > 0;
}

enum form {
    FORM_CALL, /* name(args) */
    FORM_OPERATOR,
    FORM_IN,
    FORM_IS,
    FORM_NOT,
    FORM_SIGN,
    FORM_TERNARY,
    FORM_CASE,
    FORM_INTERVAL,
    FORM_CAST,
    FORM_SUBSCRIPT,
    FORM_ELEMENT,
    FORM_TUPLE,
    FORM_ARRAY,
};

static enum form form_of(const struct ast *node, const struct operator** op, int *precedence);

/* In round brackets a single value would become a tuple of one. */
static bool set_reads_back(const struct ast *set)
{
    const struct operator* op;
    int precedence = PRECEDENCE_LAMBDA;
    if (set->kind == AST_CALL)
        form_of(set, &op, &precedence);
    return (set->kind != AST_CALL && set->kind != AST_LAMBDA) || is_set(set) ||
           precedence > PRECEDENCE_COMPARE;
}

/* How a call is printed, and how tightly that binds. */
static enum form form_of(const struct ast *node, const struct operator** op, int *precedence)
{
    *op = NULL;
    *precedence = PRECEDENCE_ATOM;
    if (node->n_args == 1 && is_call(node, "not")) {
        *precedence = PRECEDENCE_NOT; /* also not(x): the parser knows no other NOT */
        return FORM_NOT;
    }
    if (!node->is_operator || node->has_params || node->is_distinct)
        return FORM_CALL;
    if (interval_of(node) >= 0)
        return FORM_INTERVAL;
    if (is_call(node, "tuple") && node->n_args > 1)
        return FORM_TUPLE;
    if (is_call(node, "array"))
        return FORM_ARRAY;
    *op = operator_of_function(node->text);
    bool fits =
        *op != NULL && ((*op)->kind == OPERATOR_MERGED ? node->n_args >= 2 : node->n_args == 2);
    if (fits && (*op)->kind == OPERATOR_IN && !set_reads_back(node->args[1]))
        return FORM_CALL;
    if (fits) {
        *precedence = (*op)->precedence;
        return (*op)->kind == OPERATOR_IN ? FORM_IN : FORM_OPERATOR;
    }
    if (node->n_args == 1 && (is_call(node, "isNull") || is_call(node, "isNotNull"))) {
        *precedence = PRECEDENCE_IS;
        return FORM_IS;
    }
    if (node->n_args == 1 && is_call(node, "negate")) {
        *precedence = PRECEDENCE_SIGN;
        return FORM_SIGN;
    }
    if (node->n_args == 3 && is_call(node, "if")) {
        *precedence = PRECEDENCE_TERNARY;
        return FORM_TERNARY;
    }
    if ((is_call(node, "multiIf") && node->n_args >= 3 && node->n_args % 2 == 1) ||
        (is_call(node, "caseWithExpression") && node->n_args >= 4 && node->n_args % 2 == 0))
        return FORM_CASE;
    if (node->n_args != 2)
        return FORM_CALL;
    const struct ast *second = node->args[1];
    bool is_index =
        second->kind == AST_STRING || (second->kind == AST_NUMBER && is_digits(second->text));
    bool is_cast = is_call(node, "CAST") && is_castable(node->args[0]) && is_bare_type(second);
    enum form form = is_cast                                     ? FORM_CAST
                     : is_call(node, "arrayElement")             ? FORM_SUBSCRIPT
                     : is_call(node, "tupleElement") && is_index ? FORM_ELEMENT
                                                                 : FORM_CALL;
    if (form != FORM_CALL)
        *precedence = PRECEDENCE_ACCESS;
    return form;
}

/* ::, [] and . bind to what stands directly left of them: numbers and the like need brackets. */
static void print_accessed(struct buf *out, const struct ast *node)
{
    bool is_number = node->kind == AST_NUMBER;
    if (is_number)
        buf_byte(out, '(');
    print(out, node, PRECEDENCE_ACCESS);
    if (is_number)
        buf_byte(out, ')');
}

static void print_case(struct buf *out, const struct ast *node)
{
    uint32_t i = 0;
    buf_text(out, "CASE");
    if (node->n_args % 2 == 0) {
        buf_byte(out, ' ');
        print(out, node->args[i++], 0);
    }
    for (; i + 1 < node->n_args; i += 2) {
        buf_text(out, " WHEN ");
        print(out, node->args[i], 0);
        buf_text(out, " THEN ");
        print(out, node->args[i + 1], 0);
    }
    buf_text(out, " ELSE ");
    print(out, node->args[i], 0);
    buf_text(out, " END");
}

static void print_operator(struct buf *out, const struct ast *node, const struct operator* op)
{
    /* A list like a AND b AND c needs brackets around an inner AND even on the left. */
    bool is_merged = op->kind == OPERATOR_MERGED;
    for (uint32_t i = 0; i < node->n_args; i++) {
        if (i > 0)
            buf_printf(out, " %s%s ", op->is_negated ? "NOT " : "", op->text);
        print(out, node->args[i], op->precedence + (i > 0 || is_merged));
    }
}

static void print_in(struct buf *out, const struct ast *node, const struct operator* op)
{
    const struct ast *set = node->args[1];
    print(out, node->args[0], op->precedence);
    buf_text(out, op->is_negated ? " NOT IN " : " IN ");
    bool is_list = is_call(set, "tuple") && set->n_args > 0;
    if (is_list && set->n_args == 1)
        is_list = !is_set(set->args[0]);
    if (is_list) {
        buf_byte(out, '(');
        print_list(out, set->args, set->n_args);
        buf_byte(out, ')');
    } else {
        print(out, set, op->precedence + 1);
    }
}

/* Quoted where the parser would take the bare word for something else. */
static void print_function_name(struct buf *out, const struct ast *node)
{
    bool is_cast = is_word(node->text, "CAST") && !(is_call(node, "CAST") && node->n_args == 2);
    if (is_cast)
        print_quoted(out, node->text, '`');
    else if (word_is_operator(node->text))
        buf_str(out, node->text);
    else
        print_name(out, node->text);
}

static void print_call(struct buf *out, const struct ast *node)
{
    print_function_name(out, node);
    if (node->has_params) {
        buf_byte(out, '(');
        print_list(out, node->params, node->n_params);
        buf_byte(out, ')');
    }
    buf_text(out, node->is_distinct ? "(DISTINCT " : "(");
    print_list(out, node->args, node->n_args);
    buf_byte(out, ')');
}

/* (t).name: without brackets t.name would be one name. */
static void print_of_element(struct buf *out, const struct ast *node, bool by_number)
{
    const struct operator* op;
    int precedence;
    bool is_bare = (node->kind == AST_NAME && by_number) ||
                   (node->kind == AST_CALL && form_of(node, &op, &precedence) == FORM_CALL);
    if (!is_bare)
        buf_byte(out, '(');
    print(out, node, is_bare ? PRECEDENCE_ACCESS : 0);
    if (!is_bare)
        buf_byte(out, ')');
}

static void print_form(struct buf *out, const struct ast *node, enum form form,
                       const struct operator* op)
{
    struct ast *const *args = node->args;

    switch (form) {
    case FORM_CALL: print_call(out, node); break;
    case FORM_OPERATOR: print_operator(out, node, op); break;
    case FORM_IN: print_in(out, node, op); break;
    case FORM_IS:
        print(out, args[0], PRECEDENCE_IS);
        buf_text(out, is_call(node, "isNull") ? " IS NULL" : " IS NOT NULL");
        break;
    case FORM_NOT:
        buf_text(out, "NOT ");
        print(out, args[0], PRECEDENCE_NOT);
        break;
    case FORM_SIGN: {
        /* -5, --x and -5::T would be read as something else. */
        bool is_safe =
            args[0]->kind == AST_NAME || (args[0]->kind == AST_CALL && !args[0]->is_operator);
        buf_byte(out, '-');
        print(out, args[0], is_safe ? PRECEDENCE_ACCESS : PRECEDENCE_ATOM + 1);
        break;
    }
    case FORM_TERNARY:
        print(out, args[0], PRECEDENCE_OR);
        buf_text(out, " ? ");
        print(out, args[1], PRECEDENCE_OR);
        buf_text(out, " : ");
        print(out, args[2], PRECEDENCE_AND);
        break;
    case FORM_CASE: print_case(out, node); break;
    case FORM_INTERVAL: {
        struct str text = args[0]->text;
        bool is_number = args[0]->kind == AST_NUMBER && text.p[text.p[0] == '-'] >= '0' &&
                         text.p[text.p[0] == '-'] <= '9';
        buf_text(out, is_number ? "INTERVAL " : "INTERVAL (");
        print(out, args[0], 0);
        buf_text(out, is_number ? " " : ") ");
        buf_text(out, interval_unit_name((enum interval_unit)interval_of(node)));
        break;
    }
    case FORM_CAST:
        print_accessed(out, args[0]);
        buf_text(out, "::");
        buf_str(out, args[1]->text);
        break;
    case FORM_SUBSCRIPT:
        print_accessed(out, args[0]);
        buf_byte(out, '[');
        print(out, args[1], 0);
        buf_byte(out, ']');
        break;
    case FORM_ELEMENT:
        print_of_element(out, args[0], args[1]->kind == AST_NUMBER);
        buf_byte(out, '.');
        if (args[1]->kind == AST_NUMBER)
            buf_str(out, args[1]->text);
        else
            print_identifier(out, args[1]->text);
        break;
    case FORM_TUPLE:
        buf_byte(out, '(');
        print_list(out, args, node->n_args);
        buf_byte(out, ')');
        break;
    case FORM_ARRAY:
        buf_byte(out, '[');
        print_list(out, args, node->n_args);
        buf_byte(out, ']');
        break;
    }
}

static void print_lambda(struct buf *out, const struct ast *node)
{
    uint32_t n = node->n_args - 1;
    if (n != 1)
        buf_byte(out, '(');
    print_list(out, node->args, n);
    if (n != 1)
        buf_byte(out, ')');
    buf_text(out, " -> ");
    print(out, node->args[n], PRECEDENCE_LAMBDA);
}

/* In brackets if it binds less tightly than `min`. */
static void print_bracketed(struct buf *out, const struct ast *node, int min)
{
    const struct operator* op = NULL;
    int precedence = PRECEDENCE_LAMBDA;
    enum form form = FORM_CALL;

    if (node->kind == AST_CALL)
        form = form_of(node, &op, &precedence);
    bool has_brackets = precedence < min;
    if (has_brackets)
        buf_byte(out, '(');
    if (node->kind == AST_CALL)
        print_form(out, node, form, op);
    else
        print_lambda(out, node);
    if (has_brackets)
        buf_byte(out, ')');
}

static void print(struct buf *out, const struct ast *node, int min)
{
    switch (node->kind) {
    case AST_NULL: buf_text(out, "NULL"); break;
    case AST_NUMBER: {
        bool has_brackets = min > PRECEDENCE_ATOM;
        if (has_brackets)
            buf_byte(out, '(');
        buf_str(out, node->text);
        if (has_brackets)
            buf_byte(out, ')');
        break;
    }
    case AST_BOOL: buf_str(out, node->text); break;
    case AST_STRING: print_string_literal(out, node->text); break;
    case AST_NAME: print_name(out, node->text); break;
    case AST_STAR:
        if (node->text.n > 0) {
            print_name(out, node->text);
            buf_byte(out, '.');
        }
        buf_byte(out, '*');
        break;
    case AST_CALL:
    case AST_LAMBDA: print_bracketed(out, node, min); break;
    }
}

void ast_print(struct buf *out, const struct ast *node)
{
    print(out, node, 0);
}

/* ---- column names ---- */

static void name_number(struct buf *out, struct str text)
{
    char digits[512];
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < sizeof(digits) - 1; i++)
        if (text.p[i] != '_')
            digits[n++] = text.p[i];
    digits[n] = '\0';

    bool is_negative = digits[0] == '-';
    const char *body = digits + is_negative;
    bool is_hex = body[0] == '0' && (body[1] | 0x20) == 'x';
    bool is_binary = body[0] == '0' && (body[1] | 0x20) == 'b';
    bool is_float = strpbrk(body, is_hex ? ".pP" : ".eEiInN") != NULL;
    if (!is_float) {
        unsigned long long value =
            is_binary ? strtoull(body + 2, NULL, 2) : strtoull(body, NULL, is_hex ? 16 : 10);
        buf_printf(out, "%s%llu", is_negative ? "-" : "", value);
        return;
    }
    size_t start = out->n;
    value_print_float(out, strtod(digits, NULL), false);
    bool looks_whole = true;
    for (size_t i = start; i < out->n; i++)
        looks_whole = looks_whole && (out->p[i] == '-' || (out->p[i] >= '0' && out->p[i] <= '9'));
    if (looks_whole)
        buf_byte(out, '.');
}

static void name_list(struct buf *out, struct ast *const *items, uint32_t n);

static void name_of(struct buf *out, const struct ast *node)
{
    switch (node->kind) {
    case AST_NUMBER: name_number(out, node->text); return;
    case AST_LAMBDA:
        buf_text(out, "lambda(tuple(");
        name_list(out, node->args, node->n_args - 1);
        buf_text(out, "), ");
        name_of(out, node->args[node->n_args - 1]);
        buf_byte(out, ')');
        return;
    case AST_CALL: break;
    default: print(out, node, 0); return;
    }
    bool is_tuple = is_call(node, "tuple") && node->n_args > 1, is_array = is_call(node, "array");
    if (!is_tuple && !is_array) {
        buf_str(out, node->text);
        if (node->is_distinct)
            buf_text(out, "Distinct");
        if (node->has_params) {
            buf_byte(out, '(');
            name_list(out, node->params, node->n_params);
            buf_byte(out, ')');
        }
    }
    buf_byte(out, is_array ? '[' : '(');
    name_list(out, node->args, node->n_args);
    buf_byte(out, is_array ? ']' : ')');
}

static void name_list(struct buf *out, struct ast *const *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            buf_text(out, ", ");
        name_of(out, items[i]);
    }
}

struct str ast_default_name(struct arena *arena, const struct ast *node)
{
    AUTO_DONE(buf) out = {0};
    if (node->kind == AST_NAME)
        return node->text;
    name_of(&out, node);
    return arena_str(arena, buf_view(&out));
}

/* ---- comparison ---- */

static bool all_equal(struct ast *const *a, struct ast *const *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!ast_equal(a[i], b[i]))
            return false;
    return true;
}

bool ast_equal(const struct ast *a, const struct ast *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL)
        return false;
    return a->kind == b->kind && str_eq(a->text, b->text) && a->n_args == b->n_args &&
           a->n_params == b->n_params && a->has_params == b->has_params &&
           a->is_distinct == b->is_distinct && all_equal(a->args, b->args, a->n_args) &&
           all_equal(a->params, b->params, a->n_params);
}
