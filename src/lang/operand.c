/* SPDX-License-Identifier: Apache-2.0
 *
 * Operands: literals, brackets, names, calls, and the words that begin something of their own
 * (CASE, CAST, INTERVAL, DATE). */
#include <strings.h>

#include "lang/operator.h"
#include "lang/parse_priv.h"

/* ---- lists and brackets ---- */

/* Up to the closing bracket; an empty list is allowed. What the list holds already has been
 * read. */
static bool bracketed_list(struct parser *p, struct ast_list *list, uint16_t closing,
                           const char *where)
{
    if (list->n == 0)
        p->height = 0;
    if (list->n == 0 && !at_symbol(p, closing) && !expression_list(p, list))
        return false;
    unsigned height = p->height;
    if (at_word(p, "AS")) {
        mistake(p, place_here(p), "give the name in an item of SELECT",
                "a name inside an expression is not there yet");
        return false;
    }
    if (!expect_symbol(p, closing, where))
        return false;
    p->height = height;
    return true;
}

static bool refuse_subquery(struct parser *p)
{
    if (!at_word(p, "SELECT") && !at_word(p, "WITH"))
        return false;
    mistake(p, place_here(p), NULL, "a SELECT inside an expression is not there yet");
    return true;
}

/* (e), (e, e), (e,), () */
static struct ast *round_brackets(struct parser *p)
{
    struct place at = place_here(p);
    struct ast_list items = {0};
    bool is_tuple = false;
    unsigned height = 0;

    advance(p);
    if (refuse_subquery(p))
        return NULL;
    while (!at_symbol(p, ')')) {
        struct ast *node = expression(p);
        if (node == NULL)
            return NULL;
        height = higher(height, p->height);
        ast_list_add(p, &items, node);
        if (!accept_symbol(p, ','))
            break;
        is_tuple = true;
    }
    if (at_word(p, "AS")) {
        mistake(p, place_here(p), "give the name in an item of SELECT",
                "a name inside an expression is not there yet");
        return NULL;
    }
    if (!expect_symbol(p, ')', "after the expression"))
        return NULL;
    p->height = height;
    if (items.n == 1 && !is_tuple) {
        p->in_brackets = items.items[0];
        return items.items[0];
    }
    struct ast *tuple = ast_call(p, place_since(p, at), "tuple", height, items);
    if (tuple != NULL)
        tuple->is_operator = items.n > 1;
    return tuple;
}

static struct ast *square_brackets(struct parser *p)
{
    struct place at = place_here(p);
    struct ast_list items = {0};
    advance(p);
    if (!bracketed_list(p, &items, ']', "after the elements of the array"))
        return NULL;
    return ast_call(p, place_since(p, at), "array", p->height, items);
}

/* ---- literals and words with a meaning of their own ---- */

bool word_is_unit(struct str word, enum interval_unit *unit)
{
    for (int u = INTERVAL_NANOSECOND; u <= INTERVAL_YEAR; u++) {
        const char *name = interval_unit_name((enum interval_unit)u);
        size_t n = strlen(name);
        bool is_plural = word.n == n + 1 && (word.p[n] == 's' || word.p[n] == 'S');
        if ((word.n == n || is_plural) && strncasecmp(word.p, name, n) == 0) {
            *unit = (enum interval_unit)u;
            return true;
        }
    }
    return false;
}

/* The number's literal; before :: its text, which is what ClickHouse casts. */
struct ast *number_literal(struct parser *p, struct place at, bool is_negative)
{
    struct str text = p->token.text;
    bool lacks_zero = text.p[0] == '.'; /* .5 behind a word would be read as an element */
    if (is_negative || lacks_zero)
        text = str_of(arena_printf(p->arena, "%s%s%.*s", is_negative ? "-" : "",
                                   lacks_zero ? "0" : "", STR_FMT(text)));
    advance(p);
    return ast_leaf(p, at_symbol(p, SYMBOL(':', ':')) ? AST_STRING : AST_NUMBER, place_since(p, at),
                    text);
}

bool token_is_number_word(const struct token *t)
{
    return token_is_word(t, "inf") || token_is_word(t, "nan") || token_is_word(t, "infinity");
}

/* 'n unit' or 'n' before a unit. */
static struct ast *interval_text(struct parser *p, struct place at)
{
    struct place text_at = place_here(p);
    struct str s = token_unquote(p->arena, &p->token);
    size_t n = 0;
    enum interval_unit unit;

    advance(p);
    if (n < s.n && s.p[n] == '-')
        n++;
    size_t digits = n;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    struct str count = {s.p, n}, rest = {s.p + n, s.n - n};
    while (rest.n > 0 && rest.p[0] == ' ') {
        rest.p++;
        rest.n--;
    }
    if (n > digits && rest.n == 0 && p->token.kind == TOKEN_WORD)
        rest = p->token.text, advance(p);
    if (n == digits || !word_is_unit(rest, &unit)) {
        mistake(p, text_at, NULL,
                "expected one number and one unit in the text of INTERVAL, such as '3 day'");
        return NULL;
    }
    struct ast *node = ast_leaf(p, AST_NUMBER, text_at, count);
    return ast_call2(p, place_since(p, at), interval_function(unit), 1, node, NULL);
}

static struct ast *interval(struct parser *p)
{
    struct place at = place_here(p);
    enum interval_unit unit;

    advance(p);
    if (p->token.kind == TOKEN_STRING)
        return interval_text(p, at);
    struct ast *count = climb(p, 0);
    if (count == NULL)
        return NULL;
    unsigned height = p->height;
    if (p->token.kind != TOKEN_WORD || !word_is_unit(p->token.text, &unit)) {
        mistake(p, place_here(p),
                p->token.kind == TOKEN_WORD
                    ? suggest_keyword(p, p->token.text, interval_unit_names, INTERVAL_YEAR + 1)
                    : NULL,
                "expected a unit of INTERVAL such as DAY");
        return NULL;
    }
    advance(p);
    return ast_call2(p, place_since(p, at), interval_function(unit), height, count, NULL);
}

/* `interval` is a column's name too: the word behind it decides. */
static bool starts_interval(const struct parser *p)
{
    struct lexer l = p->lexer;
    struct token t = lexer_next(&l);
    enum interval_unit unit;

    if (t.kind == TOKEN_SYMBOL && t.symbol == '-') {
        t = lexer_next(&l);
        struct token after = lexer_next(&l);
        return t.kind == TOKEN_NUMBER && after.kind == TOKEN_WORD &&
               word_is_unit(after.text, &unit);
    }
    if (t.kind == TOKEN_WORD || t.kind == TOKEN_QUOTED) {
        struct token after = lexer_next(&l);
        return !(t.kind == TOKEN_WORD && word_is_reserved(t.text)) && after.kind == TOKEN_WORD &&
               word_is_unit(after.text, &unit);
    }
    return t.kind == TOKEN_NUMBER || t.kind == TOKEN_STRING ||
           (t.kind == TOKEN_SYMBOL && t.symbol == '(');
}

/* CASE [x] WHEN a THEN b ... [ELSE c] END */
static struct ast *case_expression(struct parser *p)
{
    struct place at = place_here(p);
    struct ast_list args = {0};
    unsigned height = 1;

    advance(p);
    bool has_subject = !at_word(p, "WHEN");
    if (has_subject) {
        struct ast *subject = expression(p);
        if (subject == NULL)
            return NULL;
        height = higher(height, p->height);
        ast_list_add(p, &args, subject);
    }
    if (!at_word(p, "WHEN")) {
        mistake_expected(p, "WHEN");
        return NULL;
    }
    while (accept_word(p, "WHEN")) {
        struct ast *when = expression(p);
        height = higher(height, p->height);
        if (when == NULL || !expect_word(p, "THEN", "in CASE"))
            return NULL;
        struct ast *then = expression(p);
        if (then == NULL)
            return NULL;
        height = higher(height, p->height);
        ast_list_add(p, &args, when);
        ast_list_add(p, &args, then);
    }
    struct ast *otherwise = accept_word(p, "ELSE")
                                ? expression(p)
                                : ast_leaf(p, AST_NULL, place_here(p), (struct str){0});
    if (otherwise == NULL || !expect_word(p, "END", "in CASE"))
        return NULL;
    height = higher(height, p->height);
    ast_list_add(p, &args, otherwise);
    return ast_call(p, place_since(p, at), has_subject ? "caseWithExpression" : "multiIf", height,
                    args);
}

/* CAST(x AS T) and CAST(x, 'T'). */
static struct ast *cast(struct parser *p)
{
    struct place at = place_here(p);
    advance(p);
    advance(p);
    struct ast *value = expression(p);
    if (value == NULL)
        return NULL;
    unsigned height = p->height;
    struct ast *node;
    if (accept_word(p, "AS")) {
        node = parse_cast(p, at, value, height);
    } else {
        if (!expect_symbol(p, ',', "or AS in CAST"))
            return NULL;
        struct ast *type = expression(p);
        node =
            type == NULL ? NULL : ast_call2(p, at, "CAST", higher(height, p->height), value, type);
    }
    height = p->height;
    if (node == NULL || !expect_symbol(p, ')', "after CAST(… AS type"))
        return NULL;
    node->at = place_since(p, at);
    p->height = height;
    return node;
}

/* ---- names and calls ---- */

/* What may stand behind a call in ClickHouse and is not there yet. */
static bool check_call_suffix(struct parser *p)
{
    struct place at = place_here(p);
    if (at_word(p, "OVER")) {
        refuse(p, at, NULL, "OVER (window functions) is not there yet");
        advance(p);
        if (at_symbol(p, '('))
            skip_brackets(p);
        else
            advance(p);
    } else if (at_word(p, "FILTER")) {
        struct token next = token_after(p);
        if (next.kind != TOKEN_SYMBOL || next.symbol != '(')
            return true;
        refuse(p, at, "write the condition with -If: sumIf(x, condition)",
               "FILTER is not there yet");
        advance(p);
        skip_brackets(p);
    } else if (at_word(p, "IGNORE") || at_word(p, "RESPECT")) {
        struct token next = token_after(p);
        if (!token_is_word(&next, "NULLS"))
            return true;
        refuse(p, at, NULL, "%.*s NULLS is not there yet", STR_FMT(p->token.text));
        advance(p);
        advance(p);
    }
    return true;
}

static bool name_is(struct str name, const char *word)
{
    return name.n == strlen(word) && strncasecmp(name.p, word, name.n) == 0;
}

/* dateDiff(day, a, b) means dateDiff('day', a, b). */
static void unit_to_text(struct ast *node)
{
    static const char *const functions[] = {"dateDiff", "date_diff", "timestampDiff",
                                            "timestamp_diff"};
    enum interval_unit unit;

    for (size_t i = 0; i < COUNT(functions); i++)
        if (node->n_args > 0 && name_is(node->text, functions[i]) &&
            node->args[0]->kind == AST_NAME && word_is_unit(node->args[0]->text, &unit)) {
            node->args[0]->kind = AST_STRING;
            node->args[0]->text = str_of(interval_unit_text(unit));
        }
}

/* position(part IN text) means position(text, part). */
static void turn_position(struct parser *p, struct ast *node)
{
    struct ast *in = node->args[0], *text = in->args[1];
    struct ast_list args = {0};

    if (text->kind == AST_CALL && str_is(text->text, "tuple") && text->n_args == 1)
        text = text->args[0];
    ast_list_add(p, &args, text);
    ast_list_add(p, &args, in->args[0]);
    node->args = args.items;
    node->n_args = args.n;
}

static bool check_call(struct parser *p, struct ast *node)
{
    if (name_is(node->text, "position") && node->n_args == 1 && node->args[0]->is_operator &&
        str_is(node->args[0]->text, "in"))
        turn_position(p, node);
    unit_to_text(node);
    bool is_count_star = node->n_args == 1 && node->args[0]->kind == AST_STAR &&
                         node->args[0]->text.n == 0 && name_is(node->text, "count") &&
                         !node->is_distinct;
    if (is_count_star)
        node->n_args = 0;
    return true;
}

/* ---- calls that read like sentences; each begins behind its '(' ---- */

/* trim(BOTH 'x' FROM s) */
static struct ast *trim_call(struct parser *p, struct place at)
{
    const char *function = at_word(p, "BOTH")      ? "trimBoth"
                           : at_word(p, "LEADING") ? "trimLeft"
                                                   : "trimRight";
    advance(p);
    struct ast *characters = expression(p);
    unsigned height = p->height;
    if (characters == NULL || !expect_word(p, "FROM", "in trim"))
        return NULL;
    struct ast *text = expression(p);
    height = higher(height, p->height);
    if (text == NULL || !expect_symbol(p, ')', "after the text of trim"))
        return NULL;
    return ast_call2(p, place_since(p, at), function, height, text, characters);
}

/* substring(s FROM 2 FOR 3), from its FROM on. */
static struct ast *substring_call(struct parser *p, struct place at, struct ast_list args)
{
    unsigned height = p->height;

    while (accept_word(p, args.n == 1 ? "FROM" : "FOR")) {
        struct ast *number = expression(p);
        if (number == NULL)
            return NULL;
        height = higher(height, p->height);
        ast_list_add(p, &args, number);
        if (args.n == 3)
            break;
    }
    if (!expect_symbol(p, ')', "after the arguments"))
        return NULL;
    return ast_call(p, place_since(p, at), "substring", height, args);
}

/* extract(DAY FROM t) */
static struct ast *extract_call(struct parser *p, struct place at)
{
    static const char *const functions[] = {
        [INTERVAL_SECOND] = "toSecond", [INTERVAL_MINUTE] = "toMinute",
        [INTERVAL_HOUR] = "toHour",     [INTERVAL_DAY] = "toDayOfMonth",
        [INTERVAL_MONTH] = "toMonth",   [INTERVAL_QUARTER] = "toQuarter",
        [INTERVAL_YEAR] = "toYear",
    };
    enum interval_unit unit;

    word_is_unit(p->token.text, &unit);
    if (functions[unit] == NULL) {
        mistake(p, place_here(p), NULL, "EXTRACT(%.*s FROM …) is not there yet",
                STR_FMT(p->token.text));
        return NULL;
    }
    advance(p);
    advance(p);
    struct ast *time = expression(p);
    unsigned height = p->height;
    if (time == NULL || !expect_symbol(p, ')', "after the time of EXTRACT"))
        return NULL;
    return ast_call2(p, place_since(p, at), functions[unit], height, time, NULL);
}

/* At the first word in the brackets: is it such a call's? */
static bool starts_trim(const struct parser *p, struct str name)
{
    struct token next = token_after(p);
    bool ends = next.kind == TOKEN_SYMBOL && next.symbol != '(' && next.symbol != '-';

    return name_is(name, "trim") && !ends &&
           (at_word(p, "BOTH") || at_word(p, "LEADING") || at_word(p, "TRAILING"));
}

static bool starts_extract(const struct parser *p, struct str name)
{
    struct token next = token_after(p);
    enum interval_unit unit;

    return name_is(name, "extract") && p->token.kind == TOKEN_WORD &&
           word_is_unit(p->token.text, &unit) && token_is_word(&next, "FROM");
}

static struct ast *plain_call(struct ast *node)
{
    if (node != NULL)
        node->is_operator = false;
    return node;
}

/* At '(' behind the name. */
static struct ast *function_call(struct parser *p, struct place at, struct str name)
{
    struct ast_list params = {0}, args = {0};
    bool has_params = false, is_distinct = false;
    unsigned height = 0;

    advance(p);
    if (refuse_subquery(p))
        return NULL;
    if (starts_trim(p, name))
        return plain_call(trim_call(p, at));
    if (starts_extract(p, name))
        return plain_call(extract_call(p, at));
    struct token next = token_after(p);
    if (at_word(p, "DISTINCT") &&
        !(next.kind == TOKEN_SYMBOL && next.symbol != '(' && next.symbol != '*' &&
          next.symbol != '[' && next.symbol != '-')) {
        advance(p);
        is_distinct = true;
    }
    if (name_is(name, "substring") && !at_symbol(p, ')')) {
        if (!expression_list(p, &args))
            return NULL;
        if (args.n == 1 && at_word(p, "FROM"))
            return plain_call(substring_call(p, at, args));
    }
    if (!bracketed_list(p, &args, ')', "after the arguments"))
        return NULL;
    height = p->height;
    if (at_symbol(p, '(') && !is_distinct) {
        has_params = true;
        params = args;
        args = (struct ast_list){0};
        advance(p);
        is_distinct = accept_word(p, "DISTINCT");
        if (!bracketed_list(p, &args, ')', "after the arguments"))
            return NULL;
        height = higher(height, p->height);
    }
    struct ast *node = ast_call(p, place_since(p, at), NULL, height, args);
    if (node == NULL)
        return NULL;
    node->text = name;
    node->params = params.items;
    node->n_params = params.n;
    node->has_params = has_params;
    node->is_distinct = is_distinct;
    node->is_operator = false;
    height = p->height;
    if (!check_call(p, node) || !check_call_suffix(p))
        return NULL;
    p->height = height;
    return node;
}

/* a, a.b.c, a.*, f(...), a.f(...) */
static struct ast *name_or_call(struct parser *p)
{
    struct place at = place_here(p);
    struct str name =
        p->token.kind == TOKEN_QUOTED ? token_unquote(p->arena, &p->token) : p->token.text;

    advance(p);
    while (at_symbol(p, '.')) {
        struct token next = token_after(p);
        if (next.kind == TOKEN_SYMBOL && next.symbol == '*') {
            advance(p);
            advance(p);
            return ast_leaf(p, AST_STAR, place_since(p, at), name);
        }
        if (next.kind != TOKEN_WORD && next.kind != TOKEN_QUOTED)
            break;
        if (name.n > 4096) {
            mistake(p, at, NULL, "this name is too long");
            return NULL;
        }
        advance(p);
        struct str part =
            p->token.kind == TOKEN_QUOTED ? token_unquote(p->arena, &p->token) : p->token.text;
        name = str_of(arena_printf(p->arena, "%.*s.%.*s", STR_FMT(name), STR_FMT(part)));
        advance(p);
    }
    if (name.n == 0) {
        mistake(p, place_since(p, at), NULL, "a name cannot be empty");
        return NULL;
    }
    if (at_symbol(p, '('))
        return function_call(p, at, name);
    return ast_leaf(p, AST_NAME, place_since(p, at), name);
}

/* ---- operands ---- */

/* A bare word where an operand must stand. */
static struct ast *word_operand(struct parser *p)
{
    struct place at = place_here(p);
    struct token next = token_after(p);
    bool is_call = next.kind == TOKEN_SYMBOL && next.symbol == '(';

    if (at_word(p, "NULL") || at_word(p, "TRUE") || at_word(p, "FALSE")) {
        enum ast_kind kind = at_word(p, "NULL") ? AST_NULL : AST_BOOL;
        struct str text = kind == AST_NULL     ? (struct str){0}
                          : at_word(p, "TRUE") ? STR("true")
                                               : STR("false");
        advance(p);
        return ast_leaf(p, kind, at, text);
    }
    if (token_is_number_word(&p->token) && !is_call)
        return number_literal(p, at, false);
    if (at_word(p, "CASE"))
        return case_expression(p);
    if (at_word(p, "CAST") && is_call)
        return cast(p);
    if (at_word(p, "INTERVAL") && starts_interval(p))
        return interval(p);
    if ((at_word(p, "DATE") || at_word(p, "TIMESTAMP")) && next.kind == TOKEN_STRING) {
        const char *function = at_word(p, "DATE") ? "toDate" : "toDateTime";
        advance(p);
        struct ast *text =
            ast_leaf(p, AST_STRING, place_here(p), token_unquote(p->arena, &p->token));
        advance(p);
        struct ast *node = ast_call2(p, place_since(p, at), function, 1, text, NULL);
        node->is_operator = false;
        return node;
    }
    if (word_is_reserved(p->token.text) && !(is_call && word_is_operator(p->token.text))) {
        bool is_clause = at_word(p, "FROM") || at_word(p, "WHERE") || at_word(p, "SELECT") ||
                         at_word(p, "GROUP");
        const char *advice =
            arena_printf(p->arena, "a column of this name is written `%.*s`, in backquotes",
                         STR_FMT(p->token.text));
        mistake(p, at, is_clause ? NULL : advice, "expected an expression, found %.*s",
                STR_FMT(p->token.text));
        return NULL;
    }
    return name_or_call(p);
}

struct ast *operand(struct parser *p)
{
    struct place at = place_here(p);

    switch (p->token.kind) {
    case TOKEN_NUMBER: return number_literal(p, at, false);
    case TOKEN_STRING: {
        struct str text = token_unquote(p->arena, &p->token);
        advance(p);
        return ast_leaf(p, AST_STRING, at, text);
    }
    case TOKEN_QUOTED: return name_or_call(p);
    case TOKEN_WORD: return word_operand(p);
    default: break;
    }
    if (at_symbol(p, '('))
        return round_brackets(p);
    if (at_symbol(p, '['))
        return square_brackets(p);
    if (at_symbol(p, '*')) {
        advance(p);
        return ast_leaf(p, AST_STAR, at, (struct str){0});
    }
    if (at_symbol(p, '{'))
        mistake(p, at, NULL, "maps and query parameters in { } are not there yet");
    else
        mistake_expected(p, "an expression");
    return NULL;
}
