/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions over a small batch: text in, type and values out. With --reference: prints
 * docs/reference-functions.md. The broad comparison with ClickHouse is tests/differential/diff_expr.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <cmocka.h>

#include "codec/value.h"
#include "expr/program.h"
#include "expr/reference.h"

#include "expr_numbers.h"

enum { N_ROWS = 4 };

struct input {
    const char *name, *type;
    const char *rows[N_ROWS]; /* NULL pointer = NULL */
};

static const struct input inputs[] = {
    {"u8", "UInt8", {"0", "1", "200", "255"}},
    {"i8", "Int8", {"0", "-1", "-128", "127"}},
    {"u64", "UInt64", {"0", "5", "18446744073709551615", "9"}},
    {"i64", "Int64", {"0", "-5", "9223372036854775807", "-9223372036854775808"}},
    {"f", "Float64", {"0", "1.5", "nan", "-2.5"}},
    {"nu", "Nullable(UInt8)", {"1", NULL, "0", "7"}},
    {"s", "String", {"", "abc", "12", "Кот"}},
    {"ns", "Nullable(String)", {"5", NULL, "x", ""}},
    {"lc", "LowCardinality(String)", {"a", "b", "a", "c"}},
    {"d", "Date", {"1970-01-01", "2024-02-29", "2023-12-31", "2024-01-31"}},
    {"t", "DateTime", {"1970-01-01 00:00:00", "2024-02-29 12:34:56", "2023-12-31 23:59:59",
     "2024-06-15 00:30:00"}},
    {"tk", "DateTime('Asia/Kolkata')", {"2024-01-01 00:00:00", "2024-02-29 12:34:56",
     "2023-12-31 23:59:59", "2024-06-15 00:30:00"}},
    {"t64", "DateTime64(3)", {"1970-01-01 00:00:00.001", "2024-02-29 12:34:56.789",
     "2023-12-31 23:59:59.999", "2024-06-15 00:30:00"}},
    {"ip", "IPv4", {"0.0.0.0", "1.2.3.4", "10.0.0.1", "255.255.255.255"}},
    {"b", "Bool", {"false", "true", "false", "true"}},
};

struct fixture {
    struct batch batch;
    struct type types[COUNT(inputs)];
};

static void fixture_init(struct fixture *x)
{
    struct err e;

    for (size_t i = 0; i < COUNT(inputs); i++)
        assert_int_equal(type_parse(&x->types[i], str_of(inputs[i].type), &e), ERR_OK);
    batch_init(&x->batch, x->types, NULL, COUNT(inputs));
    x->batch.n_rows = N_ROWS;
    for (size_t i = 0; i < COUNT(inputs); i++) {
        struct column *c = &x->batch.columns[i];
        for (size_t row = 0; row < N_ROWS; row++) {
            const char *text = inputs[i].rows[row];
            struct type bare = x->types[i];
            bare.is_nullable = bare.is_low_cardinality = false;
            if (c->nulls)
                c->nulls[row] = text == NULL;
            if (text && value_parse((char *)c->values + row * type_width(bare), bare, str_of(text)))
                fail_msg("%s: bad fixture %s", inputs[i].name, text);
        }
    }
}

static value_id find_input(void *context, struct builder *b, struct str name, struct place at)
{
    struct fixture *x = context;

    (void)at;
    for (size_t i = 0; i < COUNT(inputs); i++)
        if (str_is(name, inputs[i].name))
            return builder_input(b, (uint32_t)i, x->types[i]);
    return VALUE_UNKNOWN;
}

static size_t input_names(void *context, struct str *out, size_t cap)
{
    (void)context;
    size_t n = COUNT(inputs) < cap ? COUNT(inputs) : cap;
    for (size_t i = 0; i < n; i++)
        out[i] = str_of(inputs[i].name);
    return n;
}

static void print_cell(struct buf *out, const struct column *c, size_t row)
{
    if (c->faults && c->faults[row])
        buf_printf(out, "!%s", c->faults[row] == FAULT_PARSE      ? "parse"
                               : c->faults[row] == FAULT_DIVISION ? "division"
                               : c->faults[row] == FAULT_NULL     ? "null"
                                                                  : "range");
    else if (c->nulls && c->nulls[row])
        buf_text(out, "NULL");
    else {
        struct type bare = c->type;
        bare.is_nullable = bare.is_low_cardinality = false;
        value_print(out, bare, (const char *)c->values + row * type_width(bare));
    }
}

/* "Type: a | b | c | d", or "error: text". */
static void evaluate(struct buf *out, struct fixture *x, const char *text)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    struct builder *b = builder_new();
    struct scope scope = {x, find_input, input_names};
    struct ast *node = parse_expression(&arena, str_of(text), &d);
    value_id v = node ? builder_expression(b, node, &scope, &d) : VALUE_FAILED;
    char name[64];

    if (v < 0 || d.n_errors) {
        buf_printf(out, "error: %s", d.n ? d.items[0].text : "?");
        if (d.n && d.items[0].suggestion)
            buf_printf(out, "; %s", d.items[0].suggestion);
        builder_free(b);
        return;
    }
    struct program *p = builder_finish(b, &v, 1);
    buf_printf(out, "%s:", type_name(builder_type(b, v), name));
    builder_free(b);
    struct frame *f = frame_new(p);
    program_run(p, f, &x->batch, 1700000000);
    program_run(p, f, &x->batch, 1700000000); /* a frame is used again and again */
    for (size_t row = 0; row < N_ROWS; row++) {
        buf_text(out, row ? " | " : " ");
        print_cell(out, frame_output(f, 0), row);
    }
    frame_free(f);
    program_free(p);
}

struct expectation {
    const char *expression, *result;
};

static const struct expectation table[] = {
    {"[u8, 300]", "Array(UInt16): [0,300] | [1,300] | [200,300] | [255,300]"},
    {"[nu, 1]", "Array(Nullable(UInt8)): [1,1] | [NULL,1] | [0,1] | [7,1]"},
    {"[1, 2, 3][u8]", "UInt8: 0 | 1 | 0 | 0"},
    {"(u8, s).1", "UInt8: 0 | 1 | 200 | 255"},
    {"map('a', u8)['a']", "UInt8: 0 | 1 | 200 | 255"},
    {"arrayMap(x -> x + u8, [1, 2])", "Array(UInt16): [1,2] | [2,3] | [201,202] | [256,257]"},
    {"arrayMap(x -> intDiv(x, u8), [4])", "Array(UInt8): !division | [4] | [0] | [0]"},
    {"arrayFilter(x -> x > u8, [0, 1, 2])", "Array(UInt8): [1,2] | [2] | [] | []"},
    {"arraySum(x -> x * 2, [u8, 1])", "UInt64: 2 | 4 | 402 | 512"},
    {"arraySort([u8, 3, NULL])", "Array(Nullable(UInt8)): [0,3,NULL] | [1,3,NULL] | [3,200,NULL] | [3,255,NULL]"},
    {"toDecimal32(u8, 2) / 3", "Decimal(9, 2): 0 | 0.33 | 66.66 | 85"},
    {"toDecimal32(u8, 7)", "Decimal(9, 7): 0 | 1 | 200 | !range"},
    {"CAST(u8 AS Enum8('zero' = 0, 'one' = 1))", "Enum8('zero' = 0, 'one' = 1): zero | one | !range | !range"},
    {"(u8, nu) = (1, 1)", "Nullable(UInt8): 0 | NULL | 0 | 0"},
    {"[u8] IN ([1], [200])", "UInt8: 0 | 1 | 1 | 0"},
    {"1 + 1", "UInt16: 2 | 2 | 2 | 2"},
    {"u8 + 1", "UInt16: 1 | 2 | 201 | 256"},
    {"u8 - 1", "Int16: -1 | 0 | 199 | 254"},
    {"u64 + 1", "UInt64: 1 | 6 | 0 | 10"},
    {"i8 * -1", "Int16: 0 | 1 | 128 | -127"},
    {"u8 / 2", "Float64: 0 | 0.5 | 100 | 127.5"},
    {"-1", "Int8: -1 | -1 | -1 | -1"},
    {"-128", "Int8: -128 | -128 | -128 | -128"},
    {"-(u8)", "Int16: 0 | -1 | -200 | -255"},
    {"300", "UInt16: 300 | 300 | 300 | 300"},
    {"intDiv(10, u8)", "UInt8: !division | 10 | 0 | 0"},
    {"intDiv(i8, -1)", "Int8: 0 | 1 | !division | -127"},
    {"u8 % 7", "UInt8: 0 | 1 | 4 | 3"},
    {"positiveModulo(i8, 7)", "UInt8: 0 | 6 | 5 | 1"},
    {"abs(i8)", "UInt8: 0 | 1 | 128 | 127"},
    {"u64 > i64", "UInt8: 0 | 1 | 1 | 1"},
    {"i64 < u64", "UInt8: 0 | 1 | 1 | 1"},
    {"f = f", "UInt8: 1 | 1 | 0 | 1"},
    {"u8 BETWEEN 1 AND 200", "UInt8: 0 | 1 | 1 | 0"},
    {"nu + 1", "Nullable(UInt16): 2 | NULL | 1 | 8"},
    {"nu + NULL", "Nullable(Nothing): NULL | NULL | NULL | NULL"},
    {"nu > 0 AND u8 < 255", "Nullable(UInt8): 1 | NULL | 0 | 0"},
    {"nu > 0 OR 1", "Nullable(UInt8): 1 | 1 | 1 | 1"},
    {"NOT nu", "Nullable(UInt8): 0 | NULL | 1 | 0"},
    {"if(u8 = 0, 0, intDiv(100, u8))", "UInt8: 0 | 100 | 0 | 0"},
    {"if(u8 = 0, 0, intDiv(100, u8)) + intDiv(100, u8)", "UInt16: !division | 200 | 0 | 0"},
    {"u8 != 0 AND intDiv(100, u8) > 50", "UInt8: 0 | 1 | 0 | 0"},
    {"intDiv(100, u8) > 50 AND u8 != 0", "UInt8: !division | 1 | 0 | 0"},
    {"CASE WHEN u8 = 0 THEN 'zero' WHEN u8 < 200 THEN 'small' ELSE 'big' END",
     "String: zero | small | big | big"},
    {"CASE u8 WHEN 0 THEN 'zero' WHEN 1 THEN 'one' END",
     "Nullable(String): zero | one | NULL | NULL"},
    {"multiIf(u8 = 0, 1, u8 = 1, -1, 300)", "Int32: 1 | -1 | 300 | 300"},
    {"ifNull(nu, 9)", "UInt8: 1 | 9 | 0 | 7"},
    {"coalesce(NULL, nu, 1000)", "UInt16: 1 | 1000 | 0 | 7"},
    {"nullIf(u8, 1)", "Nullable(UInt8): 0 | NULL | 200 | 255"},
    {"isNull(nu)", "UInt8: 0 | 1 | 0 | 0"},
    {"nu IS NOT NULL", "UInt8: 1 | 0 | 1 | 1"},
    {"assumeNotNull(nu)", "UInt8: 1 | 0 | 0 | 7"},
    {"least(u8, 7)", "UInt8: 0 | 1 | 7 | 7"},
    {"u8 IN (1, 255, 300, NULL)", "UInt8: 0 | 1 | 0 | 1"},
    {"nu NOT IN (1)", "Nullable(UInt8): 0 | NULL | 1 | 1"},
    {"s IN ('abc', '12')", "UInt8: 0 | 1 | 1 | 0"},
    {"d IN ('2024-02-29')", "UInt8: 0 | 1 | 0 | 0"},
    {"s LIKE '%b%'", "UInt8: 0 | 1 | 0 | 0"},
    {"s LIKE '_о_'", "UInt8: 0 | 0 | 0 | 1"},
    {"s ILIKE 'кОТ'", "UInt8: 0 | 0 | 0 | 1"},
    {"s NOT LIKE 'a%'", "UInt8: 1 | 0 | 1 | 1"},
    {"toUInt32(s)", "UInt32: !parse | !parse | 12 | !parse"},
    {"toUInt8OrNull(s)", "Nullable(UInt8): NULL | NULL | 12 | NULL"},
    {"toUInt8OrZero(s)", "UInt8: 0 | 0 | 12 | 0"},
    {"toUInt8(300)", "UInt8: 44 | 44 | 44 | 44"},
    {"toUInt8('256')", "UInt8: 0 | 0 | 0 | 0"},
    {"toInt8(f)", "Int8: 0 | 1 | !range | -2"},
    {"CAST(ns AS UInt8)", "UInt8: 5 | !null | !parse | !parse"},
    {"CAST(ns AS Nullable(UInt8))", "Nullable(UInt8): 5 | NULL | NULL | NULL"},
    {"toUInt8(ns)", "Nullable(UInt8): 5 | NULL | NULL | NULL"},
    {"nu::UInt16", "UInt16: 1 | !null | 0 | 7"},
    {"toString(t)",
     "String: 1970-01-01 00:00:00 | 2024-02-29 12:34:56 | 2023-12-31 23:59:59 | 2024-06-15 00:30:00"},
    {"toHour(tk)", "UInt8: 0 | 12 | 23 | 0"},
    {"toHour(t, 'Asia/Kolkata')", "UInt8: 5 | 18 | 5 | 6"},
    {"toStartOfHour(tk)",
     "DateTime('Asia/Kolkata'): 2024-01-01 00:00:00 | 2024-02-29 12:00:00 | 2023-12-31 23:00:00 | 2024-06-15 00:00:00"},
    {"toStartOfMonth(t)", "Date: 1970-01-01 | 2024-02-01 | 2023-12-01 | 2024-06-01"},
    {"toMonday(d)", "Date: 1970-01-01 | 2024-02-26 | 2023-12-25 | 2024-01-29"},
    {"toStartOfInterval(t, INTERVAL 15 MINUTE)",
     "DateTime: 1970-01-01 00:00:00 | 2024-02-29 12:30:00 | 2023-12-31 23:45:00 | 2024-06-15 00:30:00"},
    {"toDayOfWeek(d)", "UInt8: 4 | 4 | 7 | 3"},
    {"toYYYYMM(t64)", "UInt32: 197001 | 202402 | 202312 | 202406"},
    {"toMillisecond(t64)", "UInt16: 1 | 789 | 999 | 0"},
    {"d + 1", "Date: 1970-01-02 | 2024-03-01 | 2024-01-01 | 2024-02-01"},
    {"d + INTERVAL 1 MONTH", "Date: 1970-02-01 | 2024-03-29 | 2024-01-31 | 2024-02-29"},
    {"t - INTERVAL 1 DAY",
     "DateTime: 2106-02-06 06:28:16 | 2024-02-28 12:34:56 | 2023-12-30 23:59:59 | 2024-06-14 00:30:00"},
    {"dateDiff('day', d, t)", "Int64: 0 | 0 | 0 | 136"},
    {"t64 + INTERVAL 1 MILLISECOND",
     "DateTime64(3): 1970-01-01 00:00:00.002 | 2024-02-29 12:34:56.790 | 2024-01-01 00:00:00.000 | 2024-06-15 00:30:00.001"},
    {"toUnixTimestamp64Milli(t64)", "Int64: 1 | 1709210096789 | 1704067199999 | 1718411400000"},
    {"fromUnixTimestamp64Milli(u64 % 10)",
     "DateTime64(3): 1970-01-01 00:00:00.000 | 1970-01-01 00:00:00.005 | 1970-01-01 00:00:00.005 | 1970-01-01 00:00:00.009"},
    {"now()", "DateTime: 2023-11-14 22:13:20 | 2023-11-14 22:13:20 | 2023-11-14 22:13:20 | 2023-11-14 22:13:20"},
    {"today() - d", "Int32: 19675 | -107 | -47 | -78"},
    {"t > '2024-01-01 00:00:00'", "UInt8: 0 | 1 | 0 | 1"},
    {"ip = '1.2.3.4'", "UInt8: 0 | 1 | 0 | 0"},
    {"toIPv6(ip)",
     "IPv6: ::ffff:0.0.0.0 | ::ffff:1.2.3.4 | ::ffff:10.0.0.1 | ::ffff:255.255.255.255"},
    {"upper(lc)", "LowCardinality(String): A | B | A | C"},
    {"concat(lc, s)", "String: a | babc | a12 | cКот"},
    {"substring(s, 2, 1)", "String:  | b | 2 | \x9a"},
    {"length(s)", "UInt64: 0 | 3 | 2 | 6"},
    {"position(s, 'c')", "UInt64: 0 | 3 | 0 | 0"},
    {"s || '-' || u8", "String: -0 | abc-1 | 12-200 | Кот-255"},
    {"round(f)", "Float64: 0 | 2 | nan | -2"},
    {"b AND true", "Bool: false | true | false | true"},
    {"LOWER('ABC')", "String: abc | abc | abc | abc"},
    {"toUInt32('x')", "UInt32: !parse | !parse | !parse | !parse"},
    {"if(u8 = 0, toUInt32('x'), 5)", "UInt32: !parse | !parse | !parse | !parse"},
    {"substringUTF8(s, 2)", "String:  | bc | 2 | от"},
    {"substringUTF8(s, -2, 1)", "String:  | b | 1 | о"},
    {"leftUTF8(s, -1)", "String:  | ab | 1 | Ко"},
    {"upperUTF8(s || 'ß')", "String: SS | ABCSS | 12SS | КОТSS"},
    {"lowerUTF8('ΑΣ' || s)", "String: ας | ασabc | ας12 | ασкот"},
    {"reverseUTF8(s)", "String:  | cba | 21 | тоК"},
    {"hex(toValidUTF8('a\\xff\\xfeb\\xe2\\x82'))", "String: 61EFBFBD62EFBFBD | 61EFBFBD62EFBFBD | 61EFBFBD62EFBFBD | 61EFBFBD62EFBFBD"},
    {"isValidUTF8(substring(s, 1, 3))", "UInt8: 1 | 1 | 1 | 0"},
    {"positionCaseInsensitiveUTF8(s, 'ОТ')", "UInt64: 0 | 0 | 0 | 2"},
    {"substringIndex('a.b.c', '.', i8)", "String:  | c | a.b.c | a.b.c"},
    {"countSubstrings('aaaa', 'aa')", "UInt64: 2 | 2 | 2 | 2"},
    {"hasToken(s || ' x', 'Кот')", "UInt8: 0 | 0 | 0 | 1"},
    {"hasTokenOrNull(s, 'a b')", "Nullable(UInt8): NULL | NULL | NULL | NULL"},
    {"replaceAll(s, '', 'x')", "String:  | abc | 12 | Кот"},
    {"replaceOne('aXbX', 'X', s)", "String: abX | aabcbX | a12bX | aКотbX"},
    {"leftPad(s, 4, '*-')", "String: *-*- | *abc | *-12 | Ко"},
    {"rightPadUTF8(s, 5, '*ж')", "String: *ж*ж* | abc*ж | 12*ж* | Кот*ж"},
    {"length(leftPad('a', i8))", "UInt64: 0 | !range | !range | 127"},
    {"repeat(s, 2)", "String:  | abcabc | 1212 | КотКот"},
    {"repeat('a', u64)", "String:  | aaaaa | !range | aaaaaaaaa"},
    {"format('{1}-{0}', s, u8)", "String: 0- | 1-abc | 200-12 | 255-Кот"},
    {"concatWithSeparator(', ', s, ns)", "Nullable(String): , 5 | NULL | 12, x | Кот, "},
    {"translate(s, 'ab1', 'xy')", "String:  | xyc | 2 | Кот"},
    {"hex(i8)", "String: 00 | FF | 80 | 7F"},
    {"unhex('6z') || bin(u8)", "String: _00000000 | _00000001 | _11001000 | _11111111"},
    {"base64Encode(s)", "String:  | YWJj | MTI= | 0JrQvtGC"},
    {"base64Decode(s)", "String:  | !parse | !parse | !parse"},
    {"tryBase64Decode(base64Encode(s))", "String:  | abc | 12 | Кот"},
    {"formatReadableSize(u64)", "String: 0.00 B | 5.00 B | 16.00 EiB | 9.00 B"},
    {"formatReadableTimeDelta(u8 * 61)",
     "String: 0 seconds | 1 minute and 1 second | 3 hours, 23 minutes and 20 seconds | 4 hours, 19 minutes and 15 seconds"},
    {"formatReadableSize(0.125)", "String: 0.13 B | 0.13 B | 0.13 B | 0.13 B"},

    {"t64 = (1, 'x')", "error: cannot compare DateTime64(3) with Tuple(UInt8, String)"},
    {"(1, 'x') IN t", "error: cannot compare Tuple(UInt8, String) with DateTime"},
    {"substringUTF8(s, 0)", "error: 'substringUTF8' counts from 1"},
    {"substringIndex(s, '..', 1)", "error: the delimiter of 'substringIndex' is one byte"},
    {"hasToken(s, 'a b')", "error: the word that 'hasToken' looks for holds a separator"},
    {"format('{} {}', s)", "error: the template has more {} than there are values"},
    {"format('{', s)", "error: a { of the template is not closed"},
    {"translate(s, 'a', 'bc')", "error: 'translate' has more new characters than old ones"},
    {"formatReadableTimeDelta(1, 'weeks')", NULL},
    {"leftPad(s, -1)", "error: the length is -1: 'leftPad' takes 0 to 1000000"},
    {"s REGEXP '^[a-z]+$'", "UInt8: 0 | 1 | 0 | 0"},
    {"match(s, 'К.т')", "UInt8: 0 | 0 | 0 | 1"},
    {"match(s, lc)", "UInt8: 0 | 1 | 0 | 0"},
    {"match('ab', s || '(')", "UInt8: !parse | !parse | !parse | !parse"},
    {"match(s, '')", "UInt8: 1 | 1 | 1 | 1"},
    {"match('a' || s, 'a)b')", "UInt8: 1 | 1 | 1 | 1"},
    {"match(s, 'c\\\\')", "UInt8: 0 | 1 | 0 | 0"},
    {"extract(s, '[a-z]([a-z])')", "String:  | b |  | "},
    {"regexpExtract('k=' || s, '(k)=(.*)', 2)", "String:  | abc | 12 | Кот"},
    {"regexpExtract('ab', '(a)(b)', u8)", "String: ab | a | !range | !range"},
    {"countMatches(s, '.')", "UInt64: 0 | 3 | 2 | 3"},
    {"countMatches('aaa', '^a')", "UInt64: 1 | 1 | 1 | 1"},
    {"replaceRegexpAll(s, '[a1](.)', '<\\\\1\\\\0>')", "String:  | <bab>c | <212> | Кот"},
    {"replaceRegexpAll(s, 'x*', '-')",
     "String: - | -a-b-c- | -1-2- | -\xd0-\x9a-\xd0-\xbe-\xd1-\x82-"},
    {"replaceRegexpOne(s, '', 'x')", "String:  | abc | 12 | Кот"},
    {"replaceRegexpAll(s, lc, '\\\\0')", "String:  | abc | 12 | Кот"},

    {"domain('https://user@www.example.co.uk:80/a?b#c')", "String: www.example.co.uk | www.example.co.uk | www.example.co.uk | www.example.co.uk"},
    {"firstSignificantSubdomain('http://a.www.example.co.uk/' || s)", "String: example | example | example | example"},
    {"path('http://a.b/' || s || '?q#f')", "String: / | /abc | /12 | /Кот"},
    {"queryString('?q=' || s || '#f')", "String: q= | q=abc | q=12 | q=Кот"},
    {"port('//a.b:' || s)", "UInt16: 0 | 0 | 12 | 0"},
    {"extractURLParameter('http://a.b/?x=1&k=' || s || '&y', 'k')", "String:  | abc | 12 | Кот"},
    {"cutURLParameter('http://a.b/?x=1&k=2', 'k')", "String: http://a.b/?x=1 | http://a.b/?x=1 | http://a.b/?x=1 | http://a.b/?x=1"},
    {"encodeURLComponent(s)", "String:  | abc | 12 | %D0%9A%D0%BE%D1%82"},
    {"decodeURLComponent('%4' || s)", "String: %4 | Jbc | A2 | %4Кот"},
    {"JSONExtractInt('{\"a\":[5,6,\"7\"]}', 'a', u8)", "Int64: 0 | 5 | 0 | 0"},
    {"JSONExtractString('{\"a\":\"\\\\u0041\",\"b\":[1, {}]}', lc)", "String: A | [1,{}] | A | "},
    {"JSONExtractRaw('[1.50,1e2,\"/\",null]')", "String: [1.5,100,\"/\",null] | [1.5,100,\"/\",null] | [1.5,100,\"/\",null] | [1.5,100,\"/\",null]"},
    {"JSONHas('{\"abc\":null}', s)", "UInt8: 0 | 1 | 0 | 0"},
    {"JSONLength('[' || s || ']')", "UInt64: 0 | 0 | 1 | 0"},
    {"JSONExtractFloat(ns)", "Nullable(Float64): 5 | NULL | 0 | 0"},
    {"multiSearchAny(s, ['bc', '1'])", "UInt8: 0 | 1 | 1 | 0"},
    {"multiSearchAnyCaseInsensitive(s, ['BC', ''])", "UInt8: 0 | 1 | 1 | 1"},
    {"isValidJSON(s)", "UInt8: 0 | 0 | 1 | 0"},
    {"simpleJSONExtractInt('{\"a\":' || s || '}', 'a')", "Int64: 0 | 0 | 12 | 0"},
    {"simpleJSONExtractRaw('{\"a\":[1,{}], \"b\":2}', 'a')", "String: [1,{}] | [1,{}] | [1,{}] | [1,{}]"},
    {"match(s, '(')", "error: '(' is no regular expression: missing ): ("},
    {"extract(s, lc)", "error: argument 2 of 'extract' is LowCardinality(String), expected a constant string"},
    {"regexpExtract(s, '(b)', 2)", "error: group 2: the pattern has 1"},
    {"replaceRegexpAll(s, 'b', '\\\\1')",
     "error: the replacement '\\1' names a group that the pattern does not have"},
    {"foo(1)", "error: unknown function 'foo'"},
    {"lenght(s)", "error: unknown function 'lenght'; did you mean 'length'?"},
    {"multiFuzzyMatchAny(s, 1, ['a'])", "error: function 'multiFuzzyMatchAny' is not there yet"},
    {"extractAll(s, '[a-z0-9]')", "Array(String): [] | ['a','b','c'] | ['1','2'] | []"},
    {"extractAll('aab', '^a')", "Array(String): ['a'] | ['a'] | ['a'] | ['a']"},
    {"extractGroups('k=' || s, '(k)=(.+)')", "Array(String): [] | ['k','abc'] | ['k','12'] | ['k','Кот']"},
    {"extractAllGroups('a=1, b=2', '(\\w)=(\\d)')[u8]", "Array(String): [] | ['a','1'] | [] | []"},
    {"extractAllGroupsHorizontal('a=1, b=2', '(\\w)=(\\d)')[u8]", "Array(String): [] | ['a','b'] | [] | []"},
    {"extractGroups(s, 'a')", "error: the pattern has no group; extractAll gives whole matches"},
    {"splitByRegexp('[b1]', s)", "Array(String): [''] | ['a','c'] | ['','2'] | ['Кот']"},
    {"multiMatchAny(s, ['^b', '2$', 'К.т'])", "UInt8: 0 | 0 | 1 | 1"},
    {"multiMatchAnyIndex(s, ['c', 'b', '.*'])", "UInt64: 3 | 3 | 3 | 3"},
    {"multiMatchAny(s, ['('])", "error: '(' is no regular expression: missing ): ("},
    {"transform(s, ['abc', '12'], [1, 2], 0)", "UInt8: 0 | 1 | 2 | 0"},
    {"transform(u8, [1, 300], ['x', 'y'], s)", "String:  | x | 12 | Кот"},
    {"transform(u8, [1], ['x'])",
     "error: the arguments of 'transform' are x, Array of x's type, Array(T)[, T]; without the last T must go "
     "together with x's type"},
    {"JSONExtractKeys('{\"a\":1,\"b\":{}}')", "Array(String): ['a','b'] | ['a','b'] | ['a','b'] | ['a','b']"},
    {"JSONExtract('[1,\"' || s || '\"]', 'Tuple(UInt8, Nullable(UInt16))')",
     "Tuple(UInt8, Nullable(UInt16)): (1,NULL) | (1,NULL) | (1,12) | (1,NULL)"},
    {"JSONExtract('{\"a\":[' || s || ']}', 'a', 'Array(LowCardinality(String))')",
     "Array(LowCardinality(String)): [] | [] | ['12'] | []"},
    {"JSONExtract(s, 'Bad')", "error: unknown type 'Bad'"},
    {"JSONExtract(ns, 'Array(UInt8)')",
     "error: 'JSONExtract' of a Nullable argument cannot be Array(UInt8): write ifNull around it"},
    {"JSON_VALUE('{\"a\":[{}, \"' || s || '\"]}', '$.a[0, 1]')", "String:  | abc | 12 | Кот"},
    {"JSON_VALUE(s, 'a')", "error: 'a' is no path like $.name[0]"},
    {"extractKeyValuePairs('k:' || s || ', \"a b\":1')",
     "Map(String, String): {'k':'','a b':'1'} | {'k':'abc','a b':'1'} | {'k':'12','a b':'1'} | {'k':'Кот','a b':'1'}"},
    {"IPv4CIDRToRange(ip, 9)",
     "Tuple(IPv4, IPv4): ('0.0.0.0','0.127.255.255') | ('1.0.0.0','1.127.255.255') | ('10.0.0.0','10.127.255.255') | "
     "('255.128.0.0','255.255.255.255')"},
    {"parseDateTime64OrNull('2024-01-02 03:04:' || s || '.5')",
     "Nullable(DateTime64(6, 'UTC')): NULL | NULL | 2024-01-02 03:04:12.500000 | NULL"},
    {"sumIf(u8, 1)", "error: aggregate function 'sumIf' cannot stand here"},
    {"length(u8)", "error: argument 1 of 'length' is UInt8, expected a String; convert it: toString(u8)"},
    {"u9 + 1", "error: unknown name 'u9'; did you mean 'u8'?"},
    {"d = s", "error: cannot compare Date with String; convert one of them: toString of the Date or "
     "parseDateTimeBestEffortOrNull of the String"},
    {"d = 'x'", "error: 'x' is not a value of Date: not a date"},
    {"if(s, 1, 2)", "error: the condition of 'if' must be UInt8 or Bool, this is String"},
    {"if(u8, 1, 'a')", "error: the branches have no common type: UInt8 and String; convert one of them: toString of the "
     "UInt8 or toFloat64OrNull of the String"},
    {"substring(s)", "error: 'substring' takes (s, offset[, length]), not 1 argument"},
    {"u8 IN (u8)", "error: the right side of IN must be constants"},
    {"toDateTime(t, 'Mars/Olympus')", NULL},
};

static void expressions_give_clickhouse_types_and_values(void **state)
{
    struct fixture x;
    size_t n_bad = 0;

    (void)state;
    fixture_init(&x);
    for (size_t i = 0; i < COUNT(table); i++) {
        AUTO_DONE(buf) out = {0};
        evaluate(&out, &x, table[i].expression);
        if (table[i].result == NULL ? strncmp(buf_cstr(&out), "error: ", 7) != 0
                                    : strcmp(buf_cstr(&out), table[i].result) != 0) {
            print_error("%s\n  is       %s\n  expected %s\n", table[i].expression, buf_cstr(&out),
                        table[i].result ? table[i].result : "an error");
            n_bad++;
        }
    }
    batch_done(&x.batch);
    assert_int_equal(n_bad, 0);
}

static void constants_are_clickhouse_s(void **state)
{
    struct fixture x;
    size_t n_bad = 0;

    (void)state;
    fixture_init(&x);
    for (size_t i = 0; i < COUNT(constants); i++) {
        AUTO_DONE(buf) out = {0};
        AUTO_DONE(buf) row = {0};
        evaluate(&out, &x, constants[i].expression);
        const char *is = buf_cstr(&out), *colon = strstr(is, ": ");
        buf_printf(&row, ": %s | %s | %s | %s", constants[i].value, constants[i].value,
            constants[i].value, constants[i].value);
        bool is_type_good = constants[i].type[0] == 0 ||
            (colon && strncmp(is, constants[i].type, (size_t)(colon - is)) == 0);
        if (!is_type_good || colon == NULL || strcmp(colon, buf_cstr(&row)) != 0) {
            print_error("%s\n  is       %s\n  expected %s%s\n", constants[i].expression, is,
                        constants[i].type, buf_cstr(&row));
            n_bad++;
        }
    }
    batch_done(&x.batch);
    assert_int_equal(n_bad, 0);
}

static void equal_expressions_are_computed_once(void **state)
{
    struct fixture x;
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    struct builder *b = builder_new();
    struct scope scope = {&x, find_input, input_names};
    AUTO_DONE(buf) text = {0};

    (void)state;
    fixture_init(&x);
    const char *texts[] = {"(u8 + 1) * 2", "(u8 + 1) * 3", "(u8 + 1) * 2"};
    value_id v[3];
    for (size_t i = 0; i < 3; i++)
        v[i] = builder_expression(b, parse_expression(&arena, str_of(texts[i]), &d), &scope, &d);
    assert_int_equal(v[0], v[2]);
    assert_int_not_equal(v[0], v[1]);
    struct program *p = builder_finish(b, v, 3);
    builder_free(b);
    program_explain(&text, p);
    size_t n_plus = 0;
    for (const char *at = buf_cstr(&text); (at = strstr(at, "plus(")) != NULL; at++)
        n_plus++;
    assert_int_equal(n_plus, 1);
    struct frame *f = frame_new(p);
    program_run(p, f, &x.batch, 0);
    assert_int_equal(COLUMN(frame_output(f, 0), uint32_t)[2], 402);
    assert_int_equal(COLUMN(frame_output(f, 1), uint32_t)[2], 603);
    assert_int_equal(COLUMN(frame_output(f, 2), uint32_t)[3], 512);
    frame_free(f);
    program_free(p);
    batch_done(&x.batch);
}

static void conditions_and_defaults(void **state)
{
    struct type types[1] = {{.kind = TYPE_INT32}};
    bool has_default[1] = {true};
    struct batch batch;
    struct builder *b = builder_new();
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(arena) arena = {0};

    (void)state;
    batch_init(&batch, types, has_default, 1);
    batch.n_rows = 2;
    COLUMN(&batch.columns[0], int32_t)[0] = 5;
    batch.columns[0].missing[1] = 1;
    value_id in = builder_input(b, 0, types[0]);
    value_id fallback = builder_expression(b, parse_expression(&arena, STR("CAST(7 AS Int32)"),
        &d), NULL, &d);
    value_id v[2];
    v[0] = builder_default(b, in, fallback);
    v[1] = builder_condition(b, v[0], (struct place){0}, &d);
    value_id time = builder_expression(b, parse_expression(&arena, STR("toDateTime(5, 'Asia/Kolkata')"), &d), NULL, &d);
    value_id column = builder_cast(b, time, (struct type){.kind = TYPE_DATETIME}, (struct place){0}, &d);
    assert_null(builder_type(b, column).zone);
    struct program *p = builder_finish(b, v, 2);
    struct frame *f = frame_new(p);
    program_run(p, f, &batch, 0);
    assert_int_equal(COLUMN(frame_output(f, 0), int32_t)[0], 5);
    assert_int_equal(COLUMN(frame_output(f, 0), int32_t)[1], 7);
    assert_int_equal(COLUMN(frame_output(f, 1), uint8_t)[1], 1);
    frame_free(f);
    program_free(p);
    builder_free(b);
    batch_done(&batch);
}

static void names_are_known_by_clickhouse_case(void **state)
{
    (void)state;
    assert_true(function_is_known(STR("ifNull")));
    assert_true(function_is_known(STR("IFNULL")));
    assert_true(function_is_known(STR("toHour")));
    assert_false(function_is_known(STR("tohour")));
    assert_false(function_is_known(STR("sum")));
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--reference") == 0) {
        AUTO_DONE(buf) out = {0};
        function_reference(&out);
        fwrite(out.p, 1, out.n, stdout);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_give_clickhouse_types_and_values),
        cmocka_unit_test(constants_are_clickhouse_s),
        cmocka_unit_test(equal_expressions_are_computed_once),
        cmocka_unit_test(conditions_and_defaults),
        cmocka_unit_test(names_are_known_by_clickhouse_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
