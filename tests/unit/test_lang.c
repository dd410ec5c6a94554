/* SPDX-License-Identifier: Apache-2.0
 *
 * lang/: what is read, what is refused and where, and that print and parse undo one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lang/parse.h"

/* ---- expressions ---- */

/* Every call as name(args), so that a table can say which tree is meant. */
static void shape(struct buf *out, const struct ast *node)
{
    bool is_tree = node->kind == AST_CALL || node->kind == AST_LAMBDA;
    if (!is_tree) {
        ast_print(out, node);
        return;
    }
    buf_text(out, node->kind == AST_LAMBDA ? "lambda" : "");
    buf_str(out, node->text);
    if (node->has_params) {
        buf_byte(out, '(');
        for (uint32_t i = 0; i < node->n_params; i++) {
            buf_text(out, i > 0 ? ", " : "");
            shape(out, node->params[i]);
        }
        buf_byte(out, ')');
    }
    buf_text(out, node->is_distinct ? "(DISTINCT " : "(");
    for (uint32_t i = 0; i < node->n_args; i++) {
        buf_text(out, i > 0 ? ", " : "");
        shape(out, node->args[i]);
    }
    buf_byte(out, ')');
}

/* Text, its tree, and how it is printed (NULL: as written). The trees are ClickHouse's (EXPLAIN AST). */
static const struct {
    const char *text, *shape, *printed;
} expressions[] = {
    {"a + b * c", "plus(a, multiply(b, c))", NULL},
    {"(a + b) * c", "multiply(plus(a, b), c)", NULL},
    {"a - b - c", "minus(minus(a, b), c)", NULL},
    {"a - (b - c)", "minus(a, minus(b, c))", NULL},
    {"trim(BOTH 'x' FROM a)", "trimBoth(a, 'x')", "trimBoth(a, 'x')"},
    {"TRIM(leading b || 'y' FROM lower(a))", "trimLeft(lower(a), concat(b, 'y'))", "trimLeft(lower(a), b || 'y')"},
    {"substring(a FROM 2 FOR 3)", "substring(a, 2, 3)", "substring(a, 2, 3)"},
    {"SUBSTRING(a FROM b)", "substring(a, b)", "substring(a, b)"},
    {"substring(a, 2)", "substring(a, 2)", NULL},
    {"position('x' IN a || b)", "position(concat(a, b), 'x')", "position(a || b, 'x')"},
    {"extract(DAY FROM t)", "toDayOfMonth(t)", "toDayOfMonth(t)"},
    {"extract(a, 'b+')", "extract(a, 'b+')", NULL},
    {"a DIV b MOD c", "modulo(intDiv(a, b), c)", "a DIV b % c"},
    {"a AND b AND c OR d", "or(and(a, b, c), d)", NULL},
    {"(a AND b) AND c", "and(and(a, b), c)", NULL},
    {"a = 1 OR NOT b AND c", "or(equals(a, 1), and(not(b), c))", NULL},
    {"not(a) = b", "not(equals(a, b))", "NOT a = b"},
    {"(NOT a) = b", "equals(not(a), b)", NULL},
    {"1 + NOT a = b", "plus(1, not(equals(a, b)))", "1 + (NOT a = b)"},
    {"1 = NOT a OR b", "or(equals(1, not(a)), b)", "1 = (NOT a) OR b"},
    {"a = b IS NULL", "isNull(equals(a, b))", NULL},
    {"a IS NULL = b", "equals(isNull(a), b)", "(a IS NULL) = b"},
    {"a IS NOT NULL IS NULL", "isNull(isNotNull(a))", NULL},
    {"a BETWEEN 1 AND 2", "and(greaterOrEquals(a, 1), lessOrEquals(a, 2))", "a >= 1 AND a <= 2"},
    {"a NOT BETWEEN 1 AND 2", "or(less(a, 1), greater(a, 2))", "a < 1 OR a > 2"},
    {"NOT a BETWEEN 1 AND 2 = 3", "not(and(greaterOrEquals(a, 1), lessOrEquals(a, equals(2, 3))))",
     "NOT (a >= 1 AND a <= (2 = 3))"},
    {"a = b BETWEEN 1 AND 2", "and(greaterOrEquals(equals(a, b), 1), lessOrEquals(equals(a, b), 2))",
     "a = b >= 1 AND a = b <= 2"},
    {"a BETWEEN 1 AND 2 AND b", "and(and(greaterOrEquals(a, 1), lessOrEquals(a, 2)), b)",
     "(a >= 1 AND a <= 2) AND b"},
    {"a || b || c", "concat(a, b, c)", NULL},
    {"a + b || c", "concat(plus(a, b), c)", NULL},
    {"a == b <> c", "notEquals(equals(a, b), c)", "a = b != c"},
    {"a LIKE 'x%' AND b not ilike c", "and(like(a, 'x%'), notILike(b, c))", "a LIKE 'x%' AND b NOT ILIKE c"},
    {"a REGEXP 'b'", "match(a, 'b')", NULL},
    {"a IN (1)", "in(a, tuple(1))", NULL},
    {"a IN (1, 2)", "in(a, tuple(1, 2))", NULL},
    {"a IN ((1, 2))", "in(a, tuple(1, 2))", "a IN (1, 2)"},
    {"a NOT IN (b, 'x')", "notIn(a, tuple(b, 'x'))", NULL},
    {"a IN b", "in(a, b)", NULL},
    {"a IN [1, 2]", "in(a, array(1, 2))", NULL},
    {"(a, b) IN ((1, 2), (3, 4))", "in(tuple(a, b), tuple(tuple(1, 2), tuple(3, 4)))", NULL},
    {"-1", "-1", NULL},
    {"- 1", "-1", "-1"},
    {"-(1)", "negate(1)", NULL},
    {"- -1", "negate(-1)", "-(-1)"},
    {"-x", "negate(x)", NULL},
    {"-a[1]", "negate(arrayElement(a, 1))", "-(a[1])"},
    {"- NOT a", "negate(not(a))", "-(NOT a)"},
    {"+1 - +x", "minus(1, x)", "1 - x"},
    {"-1::Int8::String", "CAST(CAST('-1', 'Int8'), 'String')", "'-1'::Int8::String"},
    {"300::UInt8", "CAST('300', 'UInt8')", "'300'::UInt8"},
    {"x::Nullable( DateTime64(3,'UTC') )", "CAST(x, 'Nullable(DateTime64(3, \\'UTC\\'))')",
     "CAST(x, 'Nullable(DateTime64(3, \\'UTC\\'))')"},
    {"cast(x as Int8)", "CAST(x, 'Int8')", "x::Int8"},
    {"CAST(x, 'Int8')", "CAST(x, 'Int8')", "x::Int8"},
    {"-x::Int8", "negate(CAST(x, 'Int8'))", "-(x::Int8)"},
    {"CASE WHEN a THEN 1 END", "multiIf(a, 1, NULL)", "CASE WHEN a THEN 1 ELSE NULL END"},
    {"case x when 1 then 'a' when 2 then 'b' else 'c' end", "caseWithExpression(x, 1, 'a', 2, 'b', 'c')",
     "CASE x WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE 'c' END"},
    {"a ? b : c AND d", "if(a, b, and(c, d))", NULL},
    {"a = b ? c OR d : e = f", "if(equals(a, b), or(c, d), equals(e, f))", NULL},
    {"f(x -> x + 1)", "f(lambda(x, plus(x, 1)))", NULL},
    {"f((x, y) -> x, z)", "f(lambda(x, y, x), z)", NULL},
    {"quantilesDD(0.01, 0.5)(x)", "quantilesDD(0.01, 0.5)(x)", NULL},
    {"f()(x)", "f()(x)", NULL},
    {"count(DISTINCT x)", "count(DISTINCT x)", NULL},
    {"COUNT(*)", "COUNT()", "COUNT()"},
    {"geo.country_code(client)", "geo.country_code(client)", NULL},
    {"t.*", "t.*", NULL},
    {"a.b.c", "a.b.c", NULL},
    {"`a b`.c", "`a b.c`", "`a b.c`"},
    {"\"x\"\"y\"", "`x\"y`", "`x\"y`"},
    {"a.1.2", "tupleElement(tupleElement(a, 1), 2)", "(a.1).2"},
    {"(a).b", "tupleElement(a, 'b')", NULL},
    {"f(x).a", "tupleElement(f(x), 'a')", NULL},
    {"[1, 2][1]", "arrayElement(array(1, 2), 1)", NULL},
    {"(1,)", "tuple(1)", "tuple(1)"},
    {"()", "tuple()", "tuple()"},
    {"INTERVAL 3 DAY", "toIntervalDay(3)", NULL},
    {"interval '3 day' + INTERVAL '3' hours", "plus(toIntervalDay(3), toIntervalHour(3))", "INTERVAL 3 DAY + INTERVAL 3 HOUR"},
    {"now() - INTERVAL 14 DAY - x", "minus(minus(now(), toIntervalDay(14)), x)", NULL},
    {"INTERVAL a DAY", "toIntervalDay(a)", "INTERVAL (a) DAY"},
    {"INTERVAL -1 DAY", "toIntervalDay(-1)", NULL},
    {"interval + 1", "plus(`interval`, 1)", "`interval` + 1"},
    {"interval - 5", "minus(`interval`, 5)", "`interval` - 5"},
    {"DATE '2020-01-01'", "toDate('2020-01-01')", "toDate('2020-01-01')"},
    {"date - 1", "minus(date, 1)", NULL},
    {"TIMESTAMP '2020-01-01 00:00:00'", "toDateTime('2020-01-01 00:00:00')", "toDateTime('2020-01-01 00:00:00')"},
    {"dateDiff(day, a, b)", "dateDiff('day', a, b)", "dateDiff('day', a, b)"},
    {"and(a, b)", "and(a, b)", NULL},
    {"0x1F + 1_000 + .5 + 1e-3 + inf", "plus(plus(plus(plus(0x1F, 1_000), 0.5), 1e-3), inf)", "0x1F + 1_000 + 0.5 + 1e-3 + inf"},
    {"'it''s' || '\\x41\\n\\q\\\\'", "concat('it\\'s', 'A\\n\\\\q\\\\')", "'it\\'s' || 'A\\n\\\\q\\\\'"},
    {"a /* b /* c */ d */ + -- x\n b # y\n // z\n", "plus(a, b)", "a + b"},
    {"true AND False OR null", "or(and(true, false), NULL)", "true AND false OR NULL"},
    {"`from` + time", "plus(`from`, time)", NULL},
};

static void expressions_become_clickhouse_trees(void **state)
{
    for (size_t i = 0; i < COUNT(expressions); i++) {
        AUTO_DONE(arena) arena = {0};
        AUTO_DONE(diagnostics) d = {0};
        AUTO_DONE(buf) tree = {0};
        AUTO_DONE(buf) printed = {0};
        const struct ast *node = parse_expression(&arena, str_of(expressions[i].text), &d);
        if (node == NULL)
            fail_msg("%s: %s", expressions[i].text, d.n > 0 ? d.items[0].text : "no message");
        shape(&tree, node);
        ast_print(&printed, node);
        assert_string_equal(buf_cstr(&tree), expressions[i].shape);
        assert_string_equal(buf_cstr(&printed), expressions[i].printed ? expressions[i].printed : expressions[i].text);
    }
}

/* Column (1-based) and part of the message. */
static const struct {
    const char *text;
    uint32_t column;
    const char *part;
} wrong_expressions[] = {
    {"", 1, "expected an expression"},
    {"a +", 4, "expected an expression, found the end"},
    {"a + b c", 7, "expected the end of the expression, found c"},
    {"(a", 3, "expected ')'"},
    {"f(a, )", 6, "expected an expression, found )"},
    {"f(a AS b)", 5, "name inside an expression"},
    {"a IN (SELECT 1)", 7, "SELECT inside an expression"},
    {"sum(x) OVER (PARTITION BY y)", 8, "OVER"},
    {"sum(x) FILTER (WHERE y)", 8, "FILTER"},
    {"any(x) RESPECT NULLS", 8, "RESPECT NULLS"},
    {"EXTRACT(WEEK FROM x)", 9, "EXTRACT(WEEK"},
    {"trim(BOTH 'a')", 14, "expected FROM"},
    {"a IS DISTINCT FROM b", 6, "IS [NOT] DISTINCT"},
    {"a ? b : c ? d : e", 11, "needs round brackets"},
    {"a ? b : c OR d", 11, "needs round brackets"},
    {"a ? b ? c : d : e", 7, "second ?"},
    {"a BETWEEN 1", 12, "expected AND"},
    {"CASE a END", 8, "expected WHEN"},
    {"CASE WHEN a THEN b", 19, "expected END"},
    {"INTERVAL 3 DAS", 12, "expected a unit"},
    {"INTERVAL '3 days 2 hours'", 10, "one number and one unit"},
    {"a + from", 5, "expected an expression, found from"},
    {"'abc", 1, "no closing quote"},
    {"a /* b", 3, "no end"},
    {"12abc", 1, "neither a number nor a name"},
    {"a + \xe2\x80\x98x\xe2\x80\x99", 5, "typographic"},
    {"a + \xc3\xa4", 5, "backquotes"},
    {"a ~ b", 3, "no place"},
    {"x::", 4, "expected a type"},
    {"x::Array(Int8", 14, "')' after the type"},
    {"(a + 1) -> 2", 2, "names left of ->"},
    {"``", 1, "cannot be empty"},
    {"{a: 1}", 1, "maps and query parameters"},
};

static void wrong_expressions_are_refused_at_their_place(void **state)
{
    for (size_t i = 0; i < COUNT(wrong_expressions); i++) {
        AUTO_DONE(arena) arena = {0};
        AUTO_DONE(diagnostics) d = {0};
        parse_expression(&arena, str_of(wrong_expressions[i].text), &d);
        if (d.n != 1)
            fail_msg("%s: %zu messages", wrong_expressions[i].text, d.n);
        if (d.items[0].at.column != wrong_expressions[i].column ||
            strstr(d.items[0].text, wrong_expressions[i].part) == NULL)
            fail_msg("%s: %u: %s", wrong_expressions[i].text, d.items[0].at.column, d.items[0].text);
    }
}

static void column_names_are_clickhouses(void **state)
{
    static const char *const names[][2] = {
        {"a + 1", "plus(a, 1)"},           {"[1, a]", "[1, a]"},     {"(a, 2)", "(a, 2)"},
        {"a IN (1, 2)", "in(a, (1, 2))"},  {"-a", "negate(a)"},      {"1e3", "1000."},
        {"1.50", "1.5"},                   {"0x1F", "31"},           {"1_000", "1000"},
        {"count(*)", "count()"},           {"'a\n'", "'a\\n'"},      {"f(x -> x + 1)", "f(lambda(tuple(x), plus(x, 1)))"},
        {"count(DISTINCT a)", "countDistinct(a)"}, {"a::Int8", "CAST(a, 'Int8')"}, {"5::Int8", "CAST('5', 'Int8')"},
        {"a AND b AND c", "and(a, b, c)"}, {"`x y`", "x y"},         {"quantilesDD(0.010, 0.5)(a)", "quantilesDD(0.01, 0.5)(a)"},
        {"NOT a", "not(a)"},               {"1e300", "1e300"},       {"-1.0", "-1."},
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        AUTO_DONE(arena) arena = {0};
        AUTO_DONE(diagnostics) d = {0};
        const struct ast *node = parse_expression(&arena, str_of(names[i][0]), &d);
        assert_non_null(node);
        struct str name = ast_default_name(&arena, node);
        char text[128];
        snprintf(text, sizeof(text), "%.*s", STR_FMT(name));
        assert_string_equal(text, names[i][1]);
    }
}

/* ---- any tree survives printing ---- */

static uint64_t seed = 88172645463325252ULL;

static unsigned pick(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

#define PICK(texts) str_of((texts)[pick(COUNT(texts))])

static struct ast *node_of(struct arena *arena, enum ast_kind kind, struct str text, uint32_t n_args)
{
    struct ast *node = arena_zero(arena, sizeof(*node));
    node->kind = kind;
    node->text = text;
    node->n_args = n_args;
    node->args = arena_zero(arena, (n_args + 1) * sizeof(*node->args));
    return node;
}

static struct ast *random_leaf(struct arena *arena)
{
    static const char *const numbers[] = {"0", "12", "-3", "1.5", "-2e10", "0x1f", "1_000", "inf", "-inf", "nan", "0.5", "1."};
    static const char *const texts[] = {"", "a", "it's", "\\", "a\nb\t", "'", "日本", "`\"", "%_\\%"};
    static const char *const names[] = {"a", "time", "geo.x", "from", "Null", "interval", "a b", "a`b", "in", "9x", "date",
                                        "case", "x.from", "day", "not", "cast", "end", "$", "nan"};
    switch (pick(7)) {
    case 0:
        return node_of(arena, AST_NULL, (struct str){0}, 0);
    case 1:
        return node_of(arena, AST_BOOL, pick(2) ? STR("true") : STR("false"), 0);
    case 2:
        return node_of(arena, AST_STRING, PICK(texts), 0);
    case 3:
    case 4:
        return node_of(arena, AST_NUMBER, PICK(numbers), 0);
    default:
        return node_of(arena, AST_NAME, PICK(names), 0);
    }
}

/* Operators and their counts of arguments (0: any from two on). */
static const struct {
    const char *name;
    unsigned n;
} random_operators[] = {
    {"plus", 2}, {"minus", 2}, {"multiply", 2}, {"divide", 2}, {"modulo", 2}, {"equals", 2}, {"notEquals", 2},
    {"less", 2}, {"greaterOrEquals", 2}, {"like", 2}, {"notILike", 2}, {"match", 2}, {"concat", 0}, {"and", 0}, {"or", 0},
    {"not", 1}, {"negate", 1}, {"isNull", 1}, {"isNotNull", 1}, {"if", 3}, {"in", 2}, {"notIn", 2}, {"arrayElement", 2},
    {"tupleElement", 2}, {"CAST", 2}, {"multiIf", 3}, {"multiIf", 5}, {"caseWithExpression", 4}, {"tuple", 0},
    {"array", 0}, {"array", 1}, {"toIntervalDay", 1}, {"tuple", 1},
};

static struct ast *random_tree(struct arena *arena, unsigned depth);

static struct ast *random_operator(struct arena *arena, unsigned depth)
{
    static const char *const types[] = {"Int8", "String", "DateTime64(3, 'UTC')", "LowCardinality(String)", "double precision"};
    unsigned which = pick(COUNT(random_operators));
    struct str name = str_of(random_operators[which].name);
    unsigned n = random_operators[which].n ? random_operators[which].n : 2 + pick(3);
    struct ast *node = node_of(arena, AST_CALL, name, n);

    node->is_operator = true;
    for (unsigned i = 0; i < n; i++)
        node->args[i] = random_tree(arena, depth - 1);
    if (str_is(name, "CAST"))
        node->args[1] = node_of(arena, AST_STRING, PICK(types), 0);
    if (str_is(name, "tupleElement") && pick(4) > 0)
        node->args[1] = pick(2) ? node_of(arena, AST_NUMBER, STR("2"), 0) : node_of(arena, AST_STRING, STR("from"), 0);
    return node;
}

static struct ast *random_call(struct arena *arena, unsigned depth)
{
    static const char *const names[] = {"f", "sum", "geo.country", "and", "in", "plus", "CAST", "cast", "interval", "not",
                                        "case", "null", "date", "extract", "tuple", "toIntervalDay", "a b", "mod", "or"};
    struct ast *node = node_of(arena, AST_CALL, PICK(names), pick(4));
    for (uint32_t i = 0; i < node->n_args; i++)
        node->args[i] = random_tree(arena, depth - 1);
    if (pick(5) == 0) {
        node->has_params = true;
        node->n_params = pick(3);
        node->params = arena_zero(arena, 3 * sizeof(*node->params));
        for (uint32_t i = 0; i < node->n_params; i++)
            node->params[i] = random_tree(arena, depth - 1);
    }
    node->is_distinct = node->n_args > 0 && pick(8) == 0;
    return node;
}

static struct ast *random_tree(struct arena *arena, unsigned depth)
{
    if (depth == 0 || pick(6) == 0)
        return random_leaf(arena);
    if (pick(12) == 0) {
        unsigned n = pick(4);
        static const char *const names[] = {"x", "y", "from"};
        struct ast *node = node_of(arena, AST_LAMBDA, (struct str){0}, n + 1);
        for (unsigned i = 0; i < n; i++)
            node->args[i] = node_of(arena, AST_NAME, PICK(names), 0);
        node->args[n] = random_tree(arena, depth - 1);
        return node;
    }
    return pick(3) == 0 ? random_call(arena, depth) : random_operator(arena, depth);
}

static void any_tree_reads_back_as_printed(void **state)
{
    const char *given = getenv("WEIR_TEST_SEED");
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) again = {0};

    if (given != NULL)
        seed = strtoull(given, NULL, 10);
    for (int i = 0; i < 20000; i++) {
        AUTO_DONE(diagnostics) d = {0};
        arena_reset(&arena);
        buf_reset(&text);
        buf_reset(&again);
        const struct ast *tree = random_tree(&arena, 1 + pick(5));
        ast_print(&text, tree);
        const struct ast *back = parse_expression(&arena, buf_view(&text), &d);
        if (back == NULL)
            fail_msg("case %d: %s: %s at %u", i, buf_cstr(&text), d.items[0].text, d.items[0].at.column);
        if (!ast_equal(tree, back)) {
            ast_print(&again, back);
            fail_msg("case %d: %s\nread back as %s", i, buf_cstr(&text), buf_cstr(&again));
        }
    }
}

/* ---- limits ---- */

static void repeat(struct buf *out, const char *text, int n)
{
    for (int i = 0; i < n; i++)
        buf_text(out, text);
}

static void depth_is_limited_by_name(void **state)
{
    static const char *const parts[][3] = {
        {"(", "1", ")"}, {"- ", "x", ""},       {"NOT ", "x", ""},      {"f(", "1", ")"}, {"[", "", "]"},
        {"a ? (", "1", ") : 1"}, {"x -> ", "1", ""}, {"CASE WHEN ", "1", ""}, {"", "1", "+1"}, {"", "x", "[1]"},
        {"", "x", ".1"},  {"", "x", "::Int8"}, {"", "x", " IS NULL"}, {"", "x", " BETWEEN 1 AND 2"},
        {"INTERVAL (", "1", ") DAY"}, {"CAST(", "1", " AS Int8)"}, {"f(", "1", ")(1)"},
    };
    for (size_t i = 0; i < COUNT(parts); i++) {
        AUTO_DONE(arena) arena = {0};
        AUTO_DONE(diagnostics) d = {0};
        AUTO_DONE(buf) text = {0};
        repeat(&text, parts[i][0], 100000);
        buf_text(&text, parts[i][1]);
        repeat(&text, parts[i][2], 100000);
        assert_null(parse_expression(&arena, buf_view(&text), &d));
        bool is_named = strstr(d.items[0].text, "200 levels") || strstr(d.items[0].text, "1000");
        if (!is_named)
            fail_msg("%s: %s", parts[i][0], d.items[0].text);
    }
}

static void long_lists_are_no_depth(void **state)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) text = {0};
    buf_text(&text, "a = 1");
    repeat(&text, " OR a = 1", 10000);
    const struct ast *node = parse_expression(&arena, buf_view(&text), &d);
    assert_non_null(node);
    assert_int_equal(node->n_args, 10001);
}

/* ---- statements ---- */

#define SOURCE_HEAD "CREATE SOURCE s (a Int8, t DateTime) "
#define SOURCE_TAIL " FROM FILES 'x' FORMAT CSV EVENT TIME t"

static const struct {
    const char *text;
    uint32_t line, column; /* of the first message */
    const char *part;      /* NULL: no message */
    size_t n_errors;
} programs[] = {
    {"", 0, 0, NULL, 0},
    {";; ;", 0, 0, NULL, 0},
    {"SET a = 1, b = 'x'; SET c = -1.5; SET d = true", 0, 0, NULL, 0},
    {"SET store = 'clickhouse://u@h/db' PASSWORD FROM ENV 'X';", 0, 0, NULL, 0},
    {SOURCE_HEAD SOURCE_TAIL, 0, 0, NULL, 0},
    {SOURCE_HEAD "FROM FILES 'x', 'y' DISTINCT PATH FORMAT JSONEachRow SETTINGS a = 1, b = 'c' EVENT TIME t WATERMARK 5 minutes "
                 "KEEP 7 DAYS ORDER BY (a, t);",
     0, 0, NULL, 0},
    {"CREATE SOURCE s (a Int8 DEFAULT 1 FROM 'x.y', b FROM 'q' MATERIALIZED a + 1, c String EPHEMERAL, `d e` EPHEMERAL 'x' FROM 'f',)"
     SOURCE_TAIL ";",
     1, 47, "is computed, so it has no FROM", 1},
    {"CREATE SOURCE s (a Int8 DEFAULT 1 FROM 'x.y', b MATERIALIZED a + 1, c String EPHEMERAL, `d e` EPHEMERAL 'x' FROM 'f',)"
     SOURCE_TAIL " KEEP FOREVER ORDER BY a;",
     0, 0, NULL, 0},
    {"CREATE STREAM x KEEP 1 DAY ORDER BY (a, b) AS SELECT *, a + 1 AS b, c d FROM s WHERE a > 1;", 0, 0, NULL, 0},
    {"CREATE STREAM x AS SELECT * FROM s WHERE a > 1 KEEP 1 DAY;", 0, 0, NULL, 0},
    {"CREATE METRIC m AS SELECT a, count() AS n FROM s WHERE b GROUP BY a EVERY 1 MINUTE KEEP 7 DAYS, 1 HOUR KEEP FOREVER, 1 MONTH "
     "TIME ZONE 'UTC'",
     0, 0, NULL, 0},
    {"CREATE METRIC m AS SELECT a, b, count() FROM s GROUP BY GROUPING SETS ((a, b), (a), (), b) TIME ZONE 'UTC' EVERY 1 DAY", 0, 0, NULL,
     0},
    {"CREATE METRIC m AS SELECT user, max(t) AS last FROM s GROUP BY user KEEP 1 YEAR", 0, 0, NULL, 0},
    {"CREATE METRIC m AS SELECT count() AS n FROM s EVERY 1 MINUTE", 0, 0, NULL, 0},
    /* words that are names as well */
    {"CREATE METRIC every AS SELECT keep, event, time, format, count() AS settings FROM source GROUP BY keep, event, time, format EVERY 1 DAY",
     0, 0, NULL, 0},
    /* not there yet, by name */
    {"CREATE LOOKUP geo FROM GEOIP 'x.mmdb' REFRESH EVERY 1 DAY;", 0, 0, NULL, 0},
    {"CREATE LOOKUP l (k String, v String FROM 'a b', PRIMARY KEY (k, v),) LAYOUT(HASHED()) FROM FILES 'x', 'y' FORMAT CSV;", 0, 0, NULL, 0},
    {"CREATE LOOKUP l (k String, v String) PRIMARY KEY k FROM FILES 'x' FORMAT CSV LAYOUT(ip_trie) REFRESH EVERY 5 SECONDS;", 0, 0, NULL, 0},
    {"CREATE LOOKUP l (k String, v String) FROM FILES 'x' FORMAT CSV", 1, 15, "needs a PRIMARY KEY", 1},
    {"CREATE LOOKUP l (k String, PRIMARY KEY k, PRIMARY KEY k) FROM FILES 'x' FORMAT CSV", 1, 43, "PRIMARY KEY is given twice", 1},
    {"CREATE LOOKUP l (k String, PRIMARY KEY (k, k)) FROM FILES 'x' FORMAT CSV", 1, 44, "k stands twice", 1},
    {"CREATE LOOKUP l (k String, PRIMARY KEY k) FROM FILES 'x'", 1, 15, "needs FORMAT", 1},
    {"CREATE LOOKUP l (k String, PRIMARY KEY k)", 1, 15, "needs FROM FILES", 1},
    {"CREATE LOOKUP l FROM FILES 'x' FORMAT CSV", 1, 15, "needs columns", 1},
    {"CREATE LOOKUP l (k String, PRIMARY KEY k) LAYOUT(FLAT) FROM FILES 'x' FORMAT CSV", 1, 50, "unknown layout FLAT", 1},
    {"CREATE LOOKUP l (k String, PRIMARY KEY k) FROM FILES 'x' FORMAT CSV LIFETIME(1)", 1, 69, "has no LIFETIME", 1},
    {"CREATE LOOKUP l (k String, v UInt8 MATERIALIZED 1, PRIMARY KEY k) FROM FILES 'x' FORMAT CSV", 1, 28, "read as they stand", 1},
    {"CREATE LOOKUP g (k String) FROM GEOIP 'x.mmdb'", 1, 18, "has its own columns", 1},
    {"CREATE LOOKUP g FROM GEOIP 'x.mmdb' FORMAT CSV", 1, 15, "no FORMAT, SETTINGS or LAYOUT", 1},
    {"CREATE LOOKUP g FROM GEOPI 'x.mmdb'", 1, 22, "expected FILES or GEOIP", 1},
    {"CREATE OR REPLACE LOOKUP g FROM GEOIP 'x.mmdb'", 1, 8, "OR REPLACE", 1},
    {"CREATE ROW POLICY own ON x USING y;", 1, 1, "CREATE ROW POLICY is not there yet", 1},
    {"CREATE TABLE x (a Int8) ENGINE = Memory;", 1, 1, "no CREATE TABLE", 1},
    {"GRANT SELECT ON x TO y", 1, 1, "GRANT is not there yet", 1},
    {"SELECT 1", 1, 1, "no SELECT", 1},
    {"CREATE OR REPLACE METRIC m AS SELECT count() FROM s", 1, 8, "OR REPLACE", 1},
    {"CREATE METRIC IF NOT EXISTS m AS SELECT count() FROM s", 1, 15, "IF NOT EXISTS", 1},
    {"CREATE SOURCE s (a Int8, t DateTime) FROM KAFKA 'k' TOPIC 't' FORMAT CSV EVENT TIME t", 1, 43, "FROM KAFKA", 1},
    {"CREATE SOURCE s (a Int8, t DateTime) FROM FILES 'x' FORMAT Avro EVENT TIME t", 1, 60, "FORMAT Avro is not there yet", 1},
    {"CREATE SOURCE s (a Int8, t DateTime) FROM FILES 'x' FORMAT CVS EVENT TIME t", 1, 60, "unknown format CVS", 1},
    {SOURCE_HEAD SOURCE_TAIL " DEDUPLICATE BY (a, t)", 1, 99, "expected WITHIN", 1},
    {SOURCE_HEAD SOURCE_TAIL " DEDUPLICATE a WITHIN 1 DAY", 1, 90, "expected BY", 1},
    {SOURCE_HEAD SOURCE_TAIL " KEYED BY a", 1, 78, "KEYED BY is not there yet", 1},
    {"CREATE STREAM m AS SELECT a FROM s WHERE a DEDUPLICATE BY a WITHIN 1 DAY", 1, 44, "DEDUPLICATE has its place in CREATE SOURCE", 1},
    {"CREATE STREAM m AS SELECT a FROM s SETTINGS max_keys = 1", 1, 36, "SETTINGS has no place in a stream", 1},
    {SOURCE_HEAD SOURCE_TAIL " KEEP 7 DAYS TO DISK 'cold' AFTER 1 DAY ORDER BY a", 1, 90, "TO DISK", 1},
    {"CREATE SOURCE s (a Int8, rest String FROM '*')" SOURCE_TAIL, 1, 31, "FROM '*'", 1},
    {"CREATE METRIC m VERSION 2 AS SELECT count() FROM s", 1, 17, "VERSION", 1},
    {"CREATE METRIC m AS SELECT count() FROM s JOIN t ON a = b GROUP BY c", 1, 42, "JOIN", 1},
    {"CREATE METRIC m AS SELECT count() FROM (SELECT 1)", 1, 40, "SELECT inside FROM", 1},
    {"CREATE STREAM m AS SELECT a FROM s HAVING a > 1", 1, 36, "HAVING has no place in a stream", 1},
    {"CREATE METRIC m AS SELECT a FROM s GROUP BY a HAVING", 1, 53, "expected", 1},
    {"CREATE METRIC m AS SELECT a FROM s GROUP BY a ORDER BY a", 1, 47, "ORDER BY has no place in a metric", 1},
    {"CREATE METRIC m AS SELECT a FROM s GROUP BY a LIMIT 5", 1, 47, "LIMIT has no place in a metric", 1},
    {"CREATE METRIC m AS SELECT a FROM s GROUP BY CUBE(a, b, c, d, e, f, g)", 1, 45, "CUBE of 7 keys", 1},
    {"CREATE METRIC m AS SELECT a FROM s GROUP BY a WITH TOTALS", 1, 47, "WITH TOTALS", 1},
    {"CREATE METRIC m AS SELECT a FROM s GROUP BY ROLLUP(a) WITH CUBE", 1, 55, "WITH CUBE", 1},
    {"CREATE METRIC m AS SELECT a FROM s GROUP BY 1", 1, 45, "numbers of items", 1},
    {"CREATE METRIC m AS SELECT a FROM s GROUP BY GROUPING SETS ((a), (a, b) TOP 3 PER a BY c, (b))", 1, 72, "TOP n PER", 1},
    {"CREATE METRIC m AS SELECT a FROM s GROUP BY a EVERY 1 MINUTE SET x = max(a), y = min(b), 1 HOUR", 1, 62, "SET in a tier", 1},
    {"CREATE STREAM x AS SELECT a, count() FROM s GROUP BY a", 1, 45, "GROUP BY has no place in a stream", 1},
    {"CREATE STREAM x AS SELECT DISTINCT a FROM s", 1, 27, "DISTINCT", 1},
    {"CREATE STREAM x AS SELECT * EXCEPT (a) FROM s", 1, 29, "* EXCEPT", 1},
    {"CREATE STREAM x AS WITH 1 AS a SELECT a FROM s", 1, 20, "WITH", 1},
    {"CREATE STREAM x AS SELECT a FROM s ARRAY JOIN", 1, 46, "expected an expression", 1},
    {"CREATE STREAM x AS SELECT a FROM s ARRAY b", 1, 36, "JOIN is not there yet", 1},
    {"CREATE STREAM x AS SELECT a FROM s LEFT ARRAY JOIN b, c AS d ARRAY JOIN e f WHERE d > 1 KEEP 1 DAY", 0, 0, NULL, 0},
    {"CREATE METRIC m AS SELECT count() FROM merge('a|b') INNER ARRAY JOIN e GROUP BY e EVERY 1 DAY", 0, 0, NULL, 0},
    {"CREATE FUNCTION f AS (x, y) -> x + y; CREATE FUNCTION g AS x -> f(x, 1); CREATE FUNCTION h AS () -> 1", 0, 0, NULL, 0},
    {"CREATE FUNCTION f AS (x, x) -> x", 1, 26, "stands twice", 1},
    {"CREATE FUNCTION f AS 5", 1, 22, "parameters and '->'", 1},
    {"CREATE STREAM x AS SELECT a FROM s AS q", 1, 36, "second name", 1},
    /* mistakes */
    {"CRAETE SOURCE s", 1, 1, "expected SET or CREATE", 1},
    {"CREATE SORCE s", 1, 8, "expected SOURCE", 1},
    {"SET a = b", 1, 9, "text in quotes", 1},
    {"SET a 1", 1, 7, "expected '='", 1},
    {"SET store = 'clickhouse://u:secret@h/db'", 1, 13, "password", 1},
    {"SET password = 'x'", 1, 16, "password", 1},
    {SOURCE_HEAD "FROM FILES 'x' FORMAT CSV", 1, 15, "needs EVENT TIME", 1},
    {SOURCE_HEAD "FORMAT CSV EVENT TIME t", 1, 15, "needs FROM FILES", 1},
    {"CREATE SOURCE s FROM FILES 'x' FORMAT CSV EVENT TIME t", 1, 17, "columns", 1},
    {"CREATE SOURCE s (a Int8, a Int8)" SOURCE_TAIL, 1, 26, "there twice", 1},
    {"CREATE SOURCE s (a Int8, _offset Int8)" SOURCE_TAIL, 1, 26, "every source has _offset", 1},
    {"CREATE SOURCE s (a, b Int8)" SOURCE_TAIL, 1, 18, "needs a type", 1},
    {"CREATE SOURCE s (a Itn8, b Int8 DEFUALT 1, c FROM 1, d String DEFAULT)" SOURCE_TAIL, 1, 20, "unknown type", 4},
    {SOURCE_HEAD SOURCE_TAIL " KEPE 7 DAYS", 1, 78, "KEPE has no place here", 1},
    {SOURCE_HEAD SOURCE_TAIL " KEEP 7 DAY ORDER BY a KEEP 8 DAYS", 1, 100, "given twice", 1},
    {SOURCE_HEAD SOURCE_TAIL " KEEP 7.5 DAYS", 1, 83, "whole number", 1},
    {SOURCE_HEAD SOURCE_TAIL " KEEP 0 DAYS", 1, 83, "must not be 0", 1},
    {SOURCE_HEAD SOURCE_TAIL " KEEP 5 MILLISECONDS", 1, 85, "below SECOND", 1},
    {"CREATE METRIC weir_x AS SELECT count() FROM s", 1, 15, "weir's own", 1},
    {"CREATE METRIC m AS SELECT count() FROM s EVERY 1 MINUT", 1, 50, "expected a unit", 1},
    {"CREATE METRIC m AS SELECT count() FROM s EVERY 1 DAY, 1 DAYS", 1, 55, "twice", 1},
    {"CREATE METRIC m AS SELECT count() FROM s EVRY 1 MINUTE", 1, 42, "EVRY has no place here", 1},
    {"CREATE METRIC m AS SELECT count() FROM s WHER a > 1", 1, 42, "WHER has no place here", 1},
    {"CREATE METRIC m AS SELECT count() FROM s TIME ZONE 'Mars/Base' EVERY 1 DAY", 1, 52, "Mars/Base", 1},
    {"CREATE METRIC m AS SELECT count(), FROM s", 1, 36, "found FROM", 1},
    {"CREATE METRIC m AS SELECT count() EVERY 1 DAY", 1, 35, "expected FROM", 1},
    {"CREATE METRIC m AS SELECT a FROM s; CREATE METRIC m AS SELECT b FROM s", 1, 51, "defined already", 1},
    {SOURCE_HEAD "FROM FILES 'x', 'y', 'z' FROM FILES 'q' SETTINGS a = 1, b = 2, c = 3 SETTINGS d = 4 FORMAT CSV EVENT TIME t",
     1, 63, "FROM is given twice", 2},
    /* all of them in one run */
    {"SET a = ;\nCREATE SORCE x;\nCREATE STREAM y AS SELECT a +, b c d, e FROM s WHERE ;\nSET ok = 1;", 1, 9, "expected a number", 5},
    {"CREATE STREAM x AS SELECT a FROM s\nCREATE STREAM y AS SELECT b FROM\nCREATE STREAM z AS SELECT c FROM s", 2, 1, "expected ';'", 2},
    {"CREATE STREAM x AS SELECT a + 'no end FROM s;\nCREATE STREAM y AS SELECT a b c FROM s;", 1, 31, "closing quote", 2},
};

static void statements_are_read_or_refused_at_their_place(void **state)
{
    for (size_t i = 0; i < COUNT(programs); i++) {
        AUTO_DONE(definitions) defs = {0};
        AUTO_DONE(diagnostics) d = {0};
        AUTO_DONE(buf) out = {0};
        definitions_read_text(&defs, "x.sql", str_of(programs[i].text), &d);
        diagnostics_print(&out, &d, &defs);
        if (d.n_errors != programs[i].n_errors)
            fail_msg("%s:\n%zu errors:\n%s", programs[i].text, d.n_errors, buf_cstr(&out));
        if (programs[i].part == NULL)
            continue;
        char place[64];
        snprintf(place, sizeof(place), "x.sql:%u:%u: error: ", programs[i].line, programs[i].column);
        const char *line_end = strchr(buf_cstr(&out), '\n');
        const char *part = strstr(buf_cstr(&out), programs[i].part);
        if (strncmp(buf_cstr(&out), place, strlen(place)) != 0 || part == NULL || part > line_end)
            fail_msg("%s:\nexpected %s%s, got\n%s", programs[i].text, place, programs[i].part, buf_cstr(&out));
    }
}

/* ---- whole programs ---- */

static void read_source_file(struct buf *out, const char *name)
{
    const char *root = getenv("WEIR_SOURCE_ROOT");
    AUTO_MEM char *path = xasprintf("%s/%s", root != NULL ? root : ".", name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s: cannot be opened", path);
    out->n += fread(buf_reserve(out, 1 << 20), 1, 1 << 20, file);
    fclose(file);
    buf_cstr(out);
}

/* Each line of the .txt: line:column and what the message contains. */
static void programs_are_answered_as_listed(void **state)
{
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) list = {0};
    size_t n = 0;

    read_source_file(&text, "tests/unit/lang_programs.sql");
    read_source_file(&list, "tests/unit/lang_programs.txt");
    definitions_read_text(&defs, "x.sql", buf_view(&text), &d);
    for (char *line = list.p, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, n++) {
        unsigned number, column;
        int at = 0;
        *end = '\0';
        assert_int_equal(sscanf(line, "%u:%u %n", &number, &column, &at), 2);
        assert_true(n < d.n);
        const struct diagnostic *item = &d.items[n];
        if (item->at.line != number || item->at.column != column || strstr(item->text, line + at) == NULL)
            fail_msg("expected %s, got %u:%u %s", line, item->at.line, item->at.column, item->text);
    }
    assert_int_equal(n, d.n);
    assert_int_equal(defs.n_statements, 20);
}

static void examples_of_the_reference_are_valid(void **state)
{
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) page = {0};
    AUTO_DONE(buf) program = {0};
    AUTO_DONE(buf) out = {0};

    read_source_file(&page, "docs/reference-syntax.md");
    for (const char *at = page.p; (at = strstr(at, "```sql\n")) != NULL;) {
        const char *end = strstr(at += 7, "```");
        assert_non_null(end);
        buf_put(&program, at, (size_t)(end - at));
        at = end + 3;
    }
    definitions_read_text(&defs, "reference", buf_view(&program), &d);
    diagnostics_print(&out, &d, &defs);
    assert_string_equal(buf_cstr(&out), "");
    assert_true(defs.n_statements > 3);
}

static void messages_show_line_caret_and_suggestion(void **state)
{
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) out = {0};
    definitions_read_text(&defs, "net.sql", STR("SET a = 1;\n\tCREATE METRC `日本` AS SELECT;\r\nSET b = x"), &d);
    diagnostics_print(&out, &d, &defs);
    assert_string_equal(buf_cstr(&out), "net.sql:2:9: error: expected SOURCE, LOOKUP, STREAM, METRIC or FUNCTION after CREATE\n"
                                        "     CREATE METRC `日本` AS SELECT;\n"
                                        "            ^~~~~\n"
                                        "    did you mean METRIC?\n"
                                        "net.sql:3:9: error: expected a number or a text in quotes, found x\n"
                                        "    SET b = x\n"
                                        "            ^\n"
                                        "    write 'x'\n");
}

static void messages_do_not_repeat_a_password(void **state)
{
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) out = {0};
    definitions_read_text(&defs, "x.sql", STR("SET store = 'clickhouse://u:hunter2@h';"), &d);
    diagnostics_print(&out, &d, &defs);
    assert_non_null(strstr(buf_cstr(&out), "PASSWORD FROM ENV"));
    assert_null(strstr(buf_cstr(&out), "hunter2"));
}

static void parts_of_statements_are_kept(void **state)
{
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    definitions_read_text(
        &defs, "x.sql",
        STR("SET store = 'clickhouse://u@h' PASSWORD FROM FILE 'p';"
            "CREATE SOURCE s (id UInt64 EPHEMERAL FROM 'a.b', t DateTime64(3) MATERIALIZED x(id)) FROM FILES 'a*', 'b' "
            "FORMAT CSV EVENT TIME t WATERMARK 30 SECONDS KEEP 7 DAYS ORDER BY (id, t);"
            "CREATE METRIC m AS SELECT a, count() AS n FROM s GROUP BY GROUPING SETS ((a), ()) "
            "TIME ZONE 'UTC' EVERY 1 MINUTE KEEP 7 DAYS, 1 MONTH KEEP FOREVER;"),
        &d);
    assert_int_equal(d.n, 0);
    assert_int_equal(defs.n_statements, 4);
    assert_true(str_is(defs.statements[1].set.name, "store_password_file"));
    assert_true(str_is(defs.statements[1].set.value, "p"));
    const struct source_def *s = &defs.statements[2].source;
    assert_int_equal(s->n_columns, 2);
    assert_true(s->columns[0].is_ephemeral && str_is(s->columns[0].from, "a.b"));
    assert_int_equal(s->columns[1].mode, COLUMN_MATERIALIZED);
    assert_int_equal(s->columns[1].type.kind, TYPE_DATETIME64);
    assert_int_equal(s->n_files, 2);
    assert_int_equal(s->watermark.count, 30);
    assert_int_equal(s->keep.n_order_by, 2);
    const struct metric_def *m = &defs.statements[3].metric;
    assert_int_equal(m->n_sets, 2);
    assert_int_equal(m->sets[1].n_keys, 0);
    assert_int_equal(m->n_tiers, 2);
    assert_int_equal(m->tiers[1].every.unit, INTERVAL_MONTH);
    assert_true(m->tiers[1].keep.is_forever && str_is(m->zone, "UTC"));
    assert_true(str_starts(m->text, "CREATE METRIC m") && str_ends(m->text, "FOREVER"));
}

static void refused_names_are_kept_for_later_checks(void **state)
{
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    definitions_read_text(&defs, "x.sql", STR("CREATE LOOKUP geo FROM x; CREATE STREAM y AS SELECT FROM; SET a = 1"), &d);
    assert_int_equal(defs.n_statements, 1);
    assert_int_equal(defs.n_broken_names, 2);
    assert_true(str_is(defs.broken_names[0], "geo") && str_is(defs.broken_names[1], "y"));
}

static void garbage_ends_in_a_bounded_number_of_messages(void **state)
{
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) out = {0};
    for (int i = 0; i < 200000; i++)
        buf_byte(&text, i % 7 == 0 ? ';' : (uint8_t)pick(256));
    definitions_read_text(&defs, "x.sql", buf_view(&text), &d);
    assert_true(d.n <= 1000 && d.n_errors > d.n);
    diagnostics_print(&out, &d, &defs);
    assert_non_null(strstr(buf_cstr(&out), "more errors"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_become_clickhouse_trees),
        cmocka_unit_test(wrong_expressions_are_refused_at_their_place),
        cmocka_unit_test(column_names_are_clickhouses),
        cmocka_unit_test(any_tree_reads_back_as_printed),
        cmocka_unit_test(depth_is_limited_by_name),
        cmocka_unit_test(long_lists_are_no_depth),
        cmocka_unit_test(statements_are_read_or_refused_at_their_place),
        cmocka_unit_test(programs_are_answered_as_listed),
        cmocka_unit_test(examples_of_the_reference_are_valid),
        cmocka_unit_test(messages_show_line_caret_and_suggestion),
        cmocka_unit_test(messages_do_not_repeat_a_password),
        cmocka_unit_test(parts_of_statements_are_kept),
        cmocka_unit_test(refused_names_are_kept_for_later_checks),
        cmocka_unit_test(garbage_ends_in_a_bounded_number_of_messages),
    };
    return cmocka_run_group_tests_name("lang", tests, NULL, NULL);
}
