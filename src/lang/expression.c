/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions, by precedence climbing over ClickHouse's table of operators:
 *
 *      1  ->                      9  = == != <> < <= > >= LIKE ILIKE REGEXP IN (and NOT ...)
 *      2  ? :                    10  ||
 *      3  OR                     11  + -
 *      4  AND                    12  * / % DIV MOD
 *      5  NOT                    13  - (sign)
 *      6  IS [NOT] NULL          14  . [] ::
 *      7  [NOT] BETWEEN
 *
 * All are left-associative. Recursion is bounded by MAX_NESTING, trees by MAX_HEIGHT, so that
 * neither this nor anybody who walks a tree can run out of stack. What stands between operators
 * is in operand.c. */
#include "lang/operator.h"
#include "lang/parse_priv.h"

/* ---- nodes ---- */

struct ast *ast_leaf(struct parser *p, enum ast_kind kind, struct place at, struct str text)
{
    struct ast *node = arena_zero(p->arena, sizeof(*node));
    node->kind = kind;
    node->at = at;
    node->text = text;
    p->height = 1;
    return node;
}

/* `height` is that of the highest argument. */
struct ast *ast_call(struct parser *p, struct place at, const char *name, unsigned height,
                     struct ast_list args)
{
    if (height >= MAX_HEIGHT) {
        mistake(p, at, "name parts of it as columns and use those",
                "this expression is higher than %d levels", MAX_HEIGHT);
        return NULL;
    }
    struct ast *node = ast_leaf(p, AST_CALL, at, str_of(name));
    node->args = args.items;
    node->n_args = args.n;
    node->is_operator = true;
    p->height = height + 1;
    return node;
}

void ast_list_add(struct parser *p, struct ast_list *list, struct ast *node)
{
    if (list->n == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 2;
        struct ast **items = arena_alloc(p->arena, cap * sizeof(*items));
        if (list->n > 0)
            memcpy(items, list->items, list->n * sizeof(*items));
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = node;
}

struct ast *ast_call2(struct parser *p, struct place at, const char *name, unsigned height,
                      struct ast *a, struct ast *b)
{
    struct ast_list args = {0};
    ast_list_add(p, &args, a);
    if (b != NULL)
        ast_list_add(p, &args, b);
    return ast_call(p, at, name, height, args);
}

bool expression_list(struct parser *p, struct ast_list *list)
{
    unsigned height = 0;
    do {
        struct ast *node = expression(p);
        if (node == NULL)
            return false;
        height = higher(height, p->height);
        ast_list_add(p, list, node);
    } while (accept_symbol(p, ','));
    p->height = height;
    return true;
}

/* Types are copied token by token, written as ClickHouse writes them. */
struct str type_text(struct parser *p)
{
    AUTO_DONE(buf) out = {0};
    unsigned depth = 0;

    if (p->token.kind != TOKEN_WORD) {
        mistake_expected(p, "a type");
        return (struct str){0};
    }
    for (bool was_word = false;;) {
        const struct token *t = &p->token;
        bool is_word = t->kind == TOKEN_WORD || t->kind == TOKEN_NUMBER ||
                       t->kind == TOKEN_STRING || t->kind == TOKEN_QUOTED;
        if (t->kind == TOKEN_SYMBOL && t->symbol == '(') {
            depth++;
        } else if (t->kind == TOKEN_SYMBOL && t->symbol == ')' && depth > 0) {
            depth--;
        } else if (depth == 0 && was_word) {
            bool goes_on = at_word(p, "UNSIGNED") || at_word(p, "SIGNED") ||
                           at_word(p, "PRECISION") || at_word(p, "VARYING");
            if (!goes_on)
                break;
        } else if (!is_word && !at_symbol(p, ',') && !at_symbol(p, '=') && !at_symbol(p, '-')) {
            mistake_expected(p, depth > 0 ? "')' after the type" : "a type");
            return (struct str){0};
        }
        if (was_word && is_word)
            buf_byte(&out, ' ');
        if (at_symbol(p, '='))
            buf_text(&out, " = ");
        else
            buf_str(&out, t->text);
        if (at_symbol(p, ','))
            buf_byte(&out, ' ');
        bool closes = at_symbol(p, ')');
        advance(p);
        if (closes && depth == 0)
            break;
        was_word = is_word || closes;
    }
    return arena_str(p->arena, buf_view(&out));
}

struct ast *parse_cast(struct parser *p, struct place at, struct ast *value, unsigned height)
{
    struct place type_at = place_here(p);
    struct str text = type_text(p);
    if (text.n == 0)
        return NULL;
    struct ast *type = ast_leaf(p, AST_STRING, place_since(p, type_at), text);
    return ast_call2(p, place_since(p, at), "CAST", height, value, type);
}

/* ---- operators ---- */

static struct ast *prefix(struct parser *p)
{
    struct place at = place_here(p);

    if (accept_word(p, "NOT")) {
        struct ast *value = climb(p, PRECEDENCE_NOT + 1);
        return value == NULL ? NULL
                             : ast_call2(p, place_since(p, at), "not", p->height, value, NULL);
    }
    if (accept_symbol(p, '+'))
        return climb(p, PRECEDENCE_SIGN + 1);
    if (accept_symbol(p, '-')) {
        if (p->token.kind == TOKEN_NUMBER || token_is_number_word(&p->token))
            return number_literal(p, at, true);
        struct ast *value = climb(p, PRECEDENCE_SIGN + 1);
        return value == NULL ? NULL
                             : ast_call2(p, place_since(p, at), "negate", p->height, value, NULL);
    }
    return operand(p);
}

/* The operator at p->token, if it binds at least as tightly as `min`. Its words: 1 or 2 (NOT
 * IN). */
static const struct operator* operator_here(const struct parser *p, int min, int *n_tokens)
{
    *n_tokens = 1;
    if (p->token.kind == TOKEN_SYMBOL)
        return operator_find_symbol(p->token.symbol, min);
    if (p->token.kind != TOKEN_WORD)
        return NULL;
    struct token t = p->token;
    bool is_negated = token_is_word(&t, "NOT");
    if (is_negated) {
        t = token_after(p);
        *n_tokens = 2;
        if (t.kind != TOKEN_WORD)
            return NULL;
    }
    return operator_find_word(t.text, is_negated, min);
}

/* a AND b AND c is one call. */
static struct ast *merged(struct parser *p, const struct operator* op, struct ast *first)
{
    struct ast_list args = {0};
    unsigned height = p->height;
    struct place at = first->at;

    ast_list_add(p, &args, first);
    for (;;) {
        int n_tokens;
        struct ast *next = climb(p, op->precedence + 1);
        if (next == NULL)
            return NULL;
        height = higher(height, p->height);
        ast_list_add(p, &args, next);
        if (operator_here(p, op->precedence, &n_tokens) != op)
            break;
        advance(p);
    }
    return ast_call(p, place_since(p, at), op->function, height, args);
}

/* Nodes of a tree, but no more than limit + 1. */
static size_t count_nodes(const struct ast *node, size_t limit)
{
    size_t n = 1;
    for (uint32_t i = 0; i < node->n_args && n <= limit; i++)
        n += count_nodes(node->args[i], limit - n + 1);
    for (uint32_t i = 0; i < node->n_params && n <= limit; i++)
        n += count_nodes(node->params[i], limit - n + 1);
    return n;
}

static struct ast *between(struct parser *p, struct ast *value, bool is_negated)
{
    struct place at = value->at;
    unsigned height = p->height;

    if (count_nodes(value, MAX_SHARED) > MAX_SHARED) {
        mistake(p, at, "name it as a column and use that",
                "the left side of BETWEEN has more than %d parts", MAX_SHARED);
        return NULL;
    }
    struct ast *low = climb(p, PRECEDENCE_BETWEEN + 1);
    height = higher(height, p->height);
    if (low == NULL || !expect_word(p, "AND", "in BETWEEN"))
        return NULL;
    struct ast *high = climb(p, PRECEDENCE_BETWEEN + 2);
    if (high == NULL)
        return NULL;
    height = higher(height, p->height);
    at = place_since(p, at);
    struct ast *above =
        ast_call2(p, at, is_negated ? "less" : "greaterOrEquals", height, value, low);
    struct ast *below =
        ast_call2(p, at, is_negated ? "greater" : "lessOrEquals", height, value, high);
    if (above == NULL || below == NULL)
        return NULL;
    return ast_call2(p, at, is_negated ? "or" : "and", height + 1, above, below);
}

/* condition ? a : b. ClickHouse takes no OR and no second ? on the right without brackets. */
static struct ast *ternary(struct parser *p, struct ast *condition)
{
    struct ast_list args = {0};
    struct place at = condition->at;
    unsigned height = p->height;

    struct ast *then = climb(p, PRECEDENCE_TERNARY + 1);
    height = higher(height, p->height);
    if (then != NULL && at_symbol(p, '?')) {
        mistake(p, place_here(p), NULL, "a second ? needs round brackets");
        return NULL;
    }
    if (then == NULL || !expect_symbol(p, ':', "after condition ? value"))
        return NULL;
    struct ast *otherwise = climb(p, PRECEDENCE_TERNARY + 2);
    if (otherwise == NULL)
        return NULL;
    height = higher(height, p->height);
    if (at_symbol(p, '?') || at_word(p, "OR")) {
        mistake(p, place_here(p), NULL, "behind a ? b : c, %.*s needs round brackets",
                STR_FMT(p->token.text));
        return NULL;
    }
    ast_list_add(p, &args, condition);
    ast_list_add(p, &args, then);
    ast_list_add(p, &args, otherwise);
    return ast_call(p, place_since(p, at), "if", height, args);
}

static struct ast *lambda(struct parser *p, struct ast *left)
{
    struct ast_list args = {0};
    bool is_list = left->kind == AST_CALL && str_is(left->text, "tuple") && left->n_params == 0;

    for (uint32_t i = 0; i < (is_list ? left->n_args : 1); i++) {
        struct ast *parameter = is_list ? left->args[i] : left;
        if (parameter->kind != AST_NAME ||
            memchr(parameter->text.p, '.', parameter->text.n) != NULL) {
            mistake(p, parameter->at, NULL, "expected names left of ->");
            return NULL;
        }
        ast_list_add(p, &args, parameter);
    }
    struct ast *body = climb(p, PRECEDENCE_LAMBDA);
    if (body == NULL)
        return NULL;
    ast_list_add(p, &args, body);
    struct ast *node = ast_call(p, place_since(p, left->at), NULL, p->height, args);
    if (node == NULL)
        return NULL;
    node->kind = AST_LAMBDA;
    node->text = (struct str){0};
    node->is_operator = false;
    return node;
}

/* t.1, t.name */
static struct ast *element(struct parser *p, struct ast *left)
{
    unsigned height = p->height;
    struct ast *index;

    if (p->token.kind == TOKEN_NUMBER) {
        index = ast_leaf(p, AST_NUMBER, place_here(p), p->token.text);
    } else if (p->token.kind == TOKEN_WORD) {
        index = ast_leaf(p, AST_STRING, place_here(p), p->token.text);
    } else if (p->token.kind == TOKEN_QUOTED) {
        index = ast_leaf(p, AST_STRING, place_here(p), token_unquote(p->arena, &p->token));
    } else {
        mistake_expected(p, "a number or a name after '.'");
        return NULL;
    }
    advance(p);
    return ast_call2(p, place_since(p, left->at), "tupleElement", height, left, index);
}

static struct ast *subscript(struct parser *p, struct ast *left)
{
    unsigned height = p->height;
    struct ast *index = expression(p);
    height = higher(height, p->height);
    if (index == NULL || !expect_symbol(p, ']', "after the index"))
        return NULL;
    return ast_call2(p, place_since(p, left->at), "arrayElement", height, left, index);
}

/* IS [NOT] NULL; the rest of that family is refused by name. */
static struct ast *is_null(struct parser *p, struct ast *left)
{
    unsigned height = p->height;
    bool is_negated = accept_word(p, "NOT");

    if (accept_word(p, "NULL"))
        return ast_call2(p, place_since(p, left->at), is_negated ? "isNotNull" : "isNull", height,
                         left, NULL);
    if (p->token.kind == TOKEN_WORD && (at_word(p, "DISTINCT") || at_word(p, "TRUE") ||
                                        at_word(p, "FALSE") || at_word(p, "UNKNOWN")))
        mistake(p, place_here(p), NULL, "IS [NOT] %.*s is not there yet", STR_FMT(p->token.text));
    else
        mistake_expected(p, is_negated ? "NULL" : "NULL or NOT NULL");
    return NULL;
}

/* x IN (1) is x IN a tuple of one, as x IN (1, 2) is of two. */
static struct ast *wrap_single(struct parser *p, struct ast *right)
{
    bool is_set =
        right->kind == AST_CALL && (str_is(right->text, "tuple") || str_is(right->text, "array"));
    if (p->in_brackets != right || is_set)
        return right;
    struct ast *tuple = ast_call2(p, right->at, "tuple", p->height, right, NULL);
    if (tuple != NULL)
        tuple->is_operator = false;
    return tuple;
}

static struct ast *binary(struct parser *p, const struct operator* op, struct ast *left)
{
    unsigned height = p->height;
    struct ast *right = climb(p, op->precedence + 1);
    if (right != NULL && op->kind == OPERATOR_IN)
        right = wrap_single(p, right);
    if (right == NULL)
        return NULL;
    height = higher(height, p->height);
    return ast_call2(p, place_since(p, left->at), op->function, height, left, right);
}

static struct ast *apply(struct parser *p, const struct operator* op, struct ast *left)
{
    switch (op->kind) {
    case OPERATOR_MERGED: return merged(p, op, left);
    case OPERATOR_BETWEEN: return between(p, left, op->is_negated);
    case OPERATOR_IS: return is_null(p, left);
    case OPERATOR_TERNARY: return ternary(p, left);
    case OPERATOR_LAMBDA: return lambda(p, left);
    case OPERATOR_ELEMENT: return element(p, left);
    case OPERATOR_SUBSCRIPT: return subscript(p, left);
    case OPERATOR_CAST: return parse_cast(p, left->at, left, p->height);
    case OPERATOR_BINARY:
    case OPERATOR_IN: break;
    }
    return binary(p, op, left);
}

/* An expression whose operators bind at least as tightly as `min`. */
struct ast *climb(struct parser *p, int min)
{
    const struct operator* op;
    int n_tokens;

    if (p->nesting >= MAX_NESTING) {
        mistake(p, place_here(p), "name parts of it as columns and use those",
                "this expression is nested deeper than %d levels", MAX_NESTING);
        return NULL;
    }
    p->nesting++;
    p->in_brackets = NULL;
    struct ast *left = prefix(p);
    while (left != NULL && (op = operator_here(p, min, &n_tokens)) != NULL) {
        for (int i = 0; i < n_tokens; i++)
            advance(p);
        left = p->in_panic ? NULL : apply(p, op, left);
        p->in_brackets = NULL;
    }
    p->nesting--;
    return p->in_panic ? NULL : left;
}

struct ast *expression(struct parser *p)
{
    return climb(p, 0);
}
