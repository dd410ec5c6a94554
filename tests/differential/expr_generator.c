/* SPDX-License-Identifier: Apache-2.0
 *
 * Random expressions: templates whose holes are filled with columns, constants and further templates. */
#include "expr_generator.h"

#include <stdio.h>
#include <stdlib.h>

#include "expr_calls.h"
#include "expr_coverage.h"
#include "expr_rows.h"
#include "expr_templates.h"
#include "gen_text.h"
#include "harness.h"
#include "lang/parse.h"


static void gen_number(struct buf *out, int depth);
static void gen_string(struct buf *out, int depth);
static void gen_time(struct buf *out, int depth);
static void gen_condition(struct buf *out, int depth);
static void gen_argument(struct buf *out, int depth);
static void gen_format(struct buf *out, const char *format, int depth);

static void gen_column(struct buf *out, const char *classes)
{
    for (;;) {
        size_t i = below(n_test_columns);
        if (strchr(classes, test_columns[i].class[0])) {
            buf_text(out, test_columns[i].name);
            return;
        }
    }
}

static const char *pick(const char *const *texts, size_t n)
{
    return texts[below((unsigned)n)];
}
#define PICK(...) pick((const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

/* Arguments of any type anywhere: most are refused, none may crash. */
bool generate_wild;
/* Functions of texts for the most part. */
bool generate_text;

/* A time as people write it. */
static void gen_time_text(struct buf *out)
{
    static const char *const texts[] = {"'2023-04-04T10:09Z'", "'1680613879'", "'1680613879.5'", "'1680613879123'",
        "'2023-04-04 06:55 MSK'", "'2023-04-04 06:55 GMT'", "'Tue, 04 Apr 2023 10:09:08 GMT'", "'04-Apr-2023 10:09'",
        "'4/5/2023 10:09 PM'", "'13/4/2023'", "'4/13/2023'", "'4.5.23 5:06'", "'20230404100908'", "'20230404T100908'",
        "'April 4, 2023 10:09 PM'", "'12/11/1999 23:59:59.25'", "'2023-04-04 10:09:08.123456+05:30'", "'2023/4/4 1:02'",
        "'2023-04-04 06:55 PST'", "'2023-04-04 06:55 EST'", "'2023-04-04 06:55 CEST'", "'12:30 am 2023-04-04'",
        "'concat'", "'2023-04'", "'202304'", "'01/02/2024 03:04:05'", "'31-12-2023'", "'2023-04-04T10:09:08-0800'"};

    if (chance(30))
        gen_format(out, "concat(toString(%k), '/', toString(%k), '/20', toString(u8 %% 90 + 10))", 1);
    else
        buf_text(out, texts[below(COUNT(texts))]);
}

/* A format with %n number, %i integer, %s string, %t time, %c condition, %I small integer constant,
 * %C constant string, %Z zone, %U interval unit, %k small positive constant, %x text of a number,
 * %y text of a time, %z text of an address, %4 IPv4, %6 IPv6, %d Date, %F floating point column */
static void gen_format(struct buf *out, const char *format, int depth)
{
    for (const char *p = format; *p; p++) {
        if (*p == '#' && p[1] && strchr("ICNWBELMSTVX", p[1])) { /* a column of this class */
            gen_column(out, (char[]){*++p, 0});
            continue;
        }
        if (*p != '%' || p[1] == 0) {
            buf_byte(out, (uint8_t)*p);
            continue;
        }
        char what = *++p;
        if (generate_wild && chance(30))
            what = "nistdcFxyz46kCPZweWpDRruj"[below(25)];
        switch (what) {
        case 'n':
            gen_number(out, depth);
            break;
        case 'i':
            gen_column(out, "n");
            break;
        case 's':
            gen_string(out, depth);
            break;
        case 't':
            gen_time(out, depth);
            break;
        case 'd':
            gen_column(out, "d");
            break;
        case 'c':
            gen_condition(out, depth);
            break;
        case 'F':
            gen_column(out, "f");
            break;
        case 'x':
        case 'y':
        case 'z':
        case '4':
        case '6':
            gen_column(out, (char[]){what, 0});
            break;
        case 'a':
            gen_argument(out, depth);
            break;
        case 'm':
            buf_printf(out, "%u", below(12));
            break;
        case 'v':
            gen_time_text(out);
            break;
        case 'T':
            buf_text(out, PICK("UInt8", "UInt16", "UInt32", "UInt64", "Int8", "Int16", "Int32", "Int64", "Float32",
                "Float64"));
            break;
        case 'q':
            buf_text(out, PICK("'nanosecond'", "'microsecond'", "'millisecond'", "'second'", "'minute'", "'hour'",
                "'day'", "'month'", "'quarter'", "'year'"));
            break;
        case '7':
            buf_text(out, PICK("'nanosecond'", "'microsecond'", "'millisecond'", "'second'", "'minute'", "'hour'",
                "'day'", "'week'", "'month'", "'quarter'", "'year'"));
            break;
        case 'g':
            gen_format(out, PICK("%F", "f32", "f64", "i8", "u8", "%I", "%k", "(u16 / 256)", "(i16 / 64)", "0.5"), 0);
            break;
        case 'I':
            buf_text(out, PICK("0", "1", "2", "3", "-1", "-2", "7", "100", "255", "-128", "300"));
            break;
        case 'k':
            buf_text(out, PICK("1", "2", "3", "5", "7", "10", "12", "15", "30"));
            break;
        case 'C': {
            AUTO_DONE(buf) text = {0};
            print_string_literal(&text, str_of(random_text('s')));
            buf_str(out, buf_view(&text));
            break;
        }
        case 'w':
            if (depth > 0 && chance(30))
                gen_string(out, depth);
            else
                gen_column(out, "w");
            break;
        case 'e':
        case 'u':
        case 'j':
            gen_column(out, (char[]){what, 0});
            break;
        case 'W': {
            AUTO_DONE(buf) text = {0};
            print_string_literal(&text, str_of(random_text(chance(70) ? 'w' : 's')));
            buf_str(out, buf_view(&text));
            break;
        }
        case 'R':
            buf_text(out, patterns[below(COUNT(patterns))]);
            break;
        case 'K':
            buf_text(out, paths[below(COUNT(paths))]);
            break;
        case 'G':
            buf_text(out, PICK("'(a)'", "'(a)(b)?'", "'(\\\\w+)[ =](\\\\w+)'", "'(x*)'", "'(К)|(.)'", "'^(.)'", "'(b+)$'", "'(\\\\d)(\\\\d)'"));
            break;
        case 'M':
            buf_text(out, PICK("'a'", "'b+'", "'^a'", "'c$'", "'[a-c]x'", "'К.т'", "'a|fox'", "'(?i)abc'", "'\\\\d+:'", "'hello_world'", "'\\\\bb'", "'a.c'", "''", "'o[^b]'"));
            break;
        case 'J':
            buf_text(out, PICK("Int8", "UInt8", "Int32", "UInt64", "Int64", "Float32", "Float64", "Bool", "String", "Nullable(Int16)", "Nullable(String)", "Nullable(Float64)",
                "LowCardinality(String)", "Array(Int32)", "Array(Nullable(String))", "Array(Array(Int8))", "Tuple(Int8, String)", "Tuple(a Nullable(Int32), b Array(Int64))",
                "Map(String, String)", "Map(String, Nullable(Float64))", "Array(Tuple(a Int8, b String))", "Date", "FixedString(4)", "UUID", "IPv4", "Array(UInt16)",
                "Decimal(18, 3)", "Enum8(\\'a\\' = 1, \\'\\' = 0, \\'x\\' = 2)", "Nullable(Date)"));
            break;
        case 'Q':
            buf_text(out, PICK("$", "$.a", "$.b", "$.a.b", "$[0]", "$[*]", "$.a[*]", "$.a[0]", "$.a.b[1].c", "$[*].a", "$[1][0]", "$[0 to 2]", "$.a[0, 1]", "$[\"a\"]", "$.\"a\"", "$[1, 0]"));
            break;
        case 'r':
            buf_text(out, replacements[below(COUNT(replacements))]);
            break;
        case 'p':
            buf_text(out, PICK("0", "1", "2", "3", "-1", "-2", "4", "5", "7", "20"));
            break;
        case 'D':
            buf_text(out, PICK("'.'", "','", "'a'", "' '", "'b'", "'т'", "'日'"));
            break;
        case 'P':
            buf_text(out, PICK("'%'", "'a%'", "'%b'", "'%b%'", "'a_c'", "'_bc'", "'%a%b%'", "'_'",
                "''", "'abc'", "'a\\\\%b'", "'%_%'", "'К%'", "'%о_'",
                               "'a%c'", "'__'", "'A%'", "'%ABC%'"));
            break;
        case 'Z':
            buf_text(out, PICK("'UTC'", "'Asia/Kolkata'", "'America/New_York'", "'Europe/Paris'",
                "'Australia/Lord_Howe'", "'Asia/Kathmandu'"));
            break;
        case 'U':
            buf_text(out, PICK("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER",
                "YEAR", "MILLISECOND"));
            break;
        case '%':
            buf_byte(out, '%');
            break;
        default:
            abort();
        }
    }
}

static void gen_number(struct buf *out, int depth)
{
    static const char *const leaves[] = {"%i", "%i", "%F", "%I", "0.5", "1.5", "2", "65536",
        "4294967296", "b"};
    if (depth > 0 && chance(generate_text ? 85 : 25)) {
        gen_format(out, text_numbers[below(COUNT(text_numbers))], depth - 1);
        return;
    }
    if (depth <= 0 || chance(25))
        gen_format(out, leaves[below(COUNT(leaves))], 0);
    else if (chance(20))
        gen_format(out, pick(number_calls, COUNT(number_calls)), depth - 1);
    else if (chance(15))
        gen_format(out, pick(time_number_calls, COUNT(time_number_calls)), depth - 1);
    else
        gen_format(out, plain_number_calls[below(COUNT(plain_number_calls))], depth - 1);
}

static void gen_condition(struct buf *out, int depth)
{
    static const char *const leaves[] = {"b", "u8 = 0", "nu8 > 1", "i32 < u32", "s = 'abc'",
        "isNull(ns)", "lc != ''", "t > '2024-01-01 00:00:00'"};
    if (depth > 0 && chance(generate_text ? 85 : 25)) {
        gen_format(out, text_conditions[below(COUNT(text_conditions))], depth - 1);
        return;
    }
    if (depth <= 0 || chance(20))
        buf_text(out, leaves[below(COUNT(leaves))]);
    else
        gen_format(out, condition_calls[below(COUNT(condition_calls))], depth - 1);
}

static void gen_string(struct buf *out, int depth)
{
    if (depth > 0 && chance(generate_text ? 85 : 25)) {
        gen_format(out, text_strings[below(COUNT(text_strings))], depth - 1);
        return;
    }
    if (depth <= 0 || chance(30)) {
        if (chance(25))
            gen_format(out, "%C", 0);
        else
            gen_column(out, "s");
    } else {
        gen_format(out, string_calls[below(COUNT(string_calls))], depth - 1);
    }
}

static void gen_time(struct buf *out, int depth)
{
    if (depth <= 0 || chance(40))
        gen_column(out, "dt");
    else if (chance(30))
        gen_format(out, pick(time_calls, COUNT(time_calls)), depth - 1);
    else
        gen_format(out, plain_time_calls[below(COUNT(plain_time_calls))], depth - 1);
}

static void gen_address(struct buf *out)
{
    gen_format(out, pick(address_calls, COUNT(address_calls)), 1);
}

static void gen_argument(struct buf *out, int depth)
{
    switch (below(6)) {
    case 0:
        gen_number(out, depth);
        break;
    case 1:
    case 2:
        gen_string(out, depth);
        break;
    case 3:
        gen_time(out, depth);
        break;
    case 4:
        gen_column(out, "46");
        break;
    default:
        gen_column(out, "nfsdt");
        break;
    }
}

/* Arrays, tuples, maps and the further scalars. */
static void gen_further(struct buf *out, int depth)
{
    gen_format(out, further_calls[below(COUNT(further_calls))], depth);
}

static void gen_any(struct buf *out)
{
    int depth = 1 + (int)below(MAX_DEPTH);

    if (!generate_text && chance(30)) {
        gen_further(out, (int)below(3));
        return;
    }
    if (chance(15)) {
        gen_format(out, pick(list_calls, COUNT(list_calls)), (int)below(3));
        return;
    }
    switch (generate_text ? below(7) : below(16)) {
    case 0:
    case 1:
    case 2:
        gen_number(out, depth);
        break;
    case 3:
    case 4:
        gen_condition(out, depth);
        break;
    case 5:
    case 6:
        gen_string(out, depth);
        break;
    case 7:
    case 8:
        gen_time(out, depth);
        break;
    case 9:
        gen_address(out);
        break;
    case 10:
        gen_format(out, pick(inexact_calls, COUNT(inexact_calls)), (int)below(2));
        break;
    case 11:
        gen_format(out, pick(number_calls, COUNT(number_calls)), depth - 1);
        break;
    case 13:
        gen_format(out, pick(time_number_calls, COUNT(time_number_calls)), depth - 1);
        break;
    case 14:
        gen_format(out, chance(60) ? pick(time_calls, COUNT(time_calls))
            : pick(time_text_calls, COUNT(time_text_calls)), depth - 1);
        break;
    case 12:
        gen_format(out, pick(hash_calls, COUNT(hash_calls)), (int)below(3));
        break;
    default:
        gen_format(out, pick(network_calls, COUNT(network_calls)), (int)below(3));
        break;
    }
}

bool is_inexact(const char *expression)
{
    for (size_t i = 0; i < COUNT(inexact_calls); i++) {
        size_t n = strcspn(inexact_calls[i], "(") + 1;
        if (strncmp(expression, inexact_calls[i], n) == 0)
            return true;
    }
    return false;
}

#define TEMPLATES(list)                                                                                                \
    {                                                                                                                  \
        list, COUNT(list)                                                                                              \
    }
static const struct {
    const char *const *texts;
    size_t n;
} all_templates[] = {
    TEMPLATES(plain_number_calls), TEMPLATES(condition_calls),   TEMPLATES(string_calls),      TEMPLATES(plain_time_calls),
    TEMPLATES(further_calls),      TEMPLATES(address_calls),     TEMPLATES(inexact_calls),     TEMPLATES(number_calls),
    TEMPLATES(time_number_calls),  TEMPLATES(time_calls),        TEMPLATES(time_text_calls),   TEMPLATES(hash_calls),
    TEMPLATES(network_calls),      TEMPLATES(text_numbers),      TEMPLATES(text_conditions),   TEMPLATES(text_strings),
    TEMPLATES(list_calls),         TEMPLATES(plain_calls),
};

void generator_init(void)
{
    for (size_t i = 0; i < COUNT(all_templates); i++)
        for (size_t k = 0; k < all_templates[i].n; k++)
            coverage_template(all_templates[i].texts[k]);
}

void generate(struct buf *out)
{
    const char *wanted = generate_text || !chance(30) ? NULL : coverage_wanted();

    if (wanted)
        gen_format(out, wanted, is_inexact(wanted) ? (int)below(2) : (int)below(4));
    else
        gen_any(out);
}
