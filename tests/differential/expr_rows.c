/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that random expressions are computed over: a column of each type, filled with values among which
 * edges are frequent, in weir's batch and in ClickHouse's table `rows`. */
#include "expr_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/value.h"
#include "gen_text.h"
#include "harness.h"
#include "lang/parse.h"

static void must(const char *sql)
{
    if (!table.is_alone)
        chdb_must(sql);
}

const struct test_column test_columns[] = {
    {"b", "Bool", "c"}, {"u8", "UInt8", "n"}, {"u16", "UInt16", "n"}, {"u32", "UInt32", "n"},
     {"u64", "UInt64", "n"},
    {"i8", "Int8", "n"}, {"i16", "Int16", "n"}, {"i32", "Int32", "n"}, {"i64", "Int64", "n"},
    {"f32", "Float32", "f"}, {"f64", "Float64", "f"},
    {"nu8", "Nullable(UInt8)", "n"}, {"ni32", "Nullable(Int32)", "n"}, {"ni64", "Nullable(Int64)",
     "n"}, {"nf", "Nullable(Float64)", "f"},
    {"s", "String", "s"}, {"ns", "Nullable(String)", "s"}, {"lc", "LowCardinality(String)", "s"},
     {"nlc", "LowCardinality(Nullable(String))", "s"},
    {"sn", "String", "x"}, {"nsn", "Nullable(String)", "x"}, {"sd", "String", "y"}, {"sip",
     "String", "z"},
    {"sw", "String", "w"}, {"nsw", "Nullable(String)", "w"}, {"lw", "LowCardinality(String)", "w"},
     {"se", "String", "e"}, {"su", "String", "u"}, {"nsu", "Nullable(String)", "u"}, {"lu", "LowCardinality(String)", "u"},
     {"sj", "String", "j"}, {"nsj", "Nullable(String)", "j"}, {"lj", "LowCardinality(String)", "j"},
    {"d", "Date", "d"}, {"nd", "Nullable(Date)", "d"}, {"t", "DateTime", "t"}, {"nt",
     "Nullable(DateTime)", "t"},
    {"tk", "DateTime('Asia/Kolkata')", "t"}, {"tn", "DateTime('America/New_York')", "t"},
    {"t0", "DateTime64(0)", "t"}, {"t3", "DateTime64(3)", "t"}, {"t6",
     "DateTime64(6, 'Europe/Paris')", "t"}, {"nt9", "Nullable(DateTime64(9))", "t"},
    {"ip4", "IPv4", "4"}, {"nip4", "Nullable(IPv4)", "4"}, {"ip6", "IPv6", "6"},
    {"ai", "Array(Int32)", "I", "[]|[1]|[1,2,3]|[-5,0,7,7]|[2147483647,-2147483648]|[3,2,1,2]"},
    {"au", "Array(UInt8)", "I", "[]|[0]|[1,0,1]|[255,1,2,3]|[7,7,7]"},
    {"an", "Array(Nullable(Int32))", "N", "[]|[NULL]|[1,NULL,3]|[NULL,NULL,-1]|[5,6]"},
    {"af", "Array(Float64)", "F", "[]|[1.5]|[0.5,-2,100.25]|[nan,1]|[3,3,1e10]"},
    {"ast", "Array(String)", "S", "[]|['a']|['a','b','a']|['','abc','x']|['it\\'s','a%b']"},
    {"aln", "Array(LowCardinality(String))", "S", "[]|['a']|['b','a','b']|['abc','']"},
    {"ad", "Array(Date)", "D", "[]|['2024-02-29']|['1970-01-02','2024-02-29','2000-01-01']"},
    {"aa", "Array(Array(Int8))", "B", "[]|[[]]|[[1,2],[3]]|[[],[1],[2,3]]"},
    {"tp", "Tuple(Int32, String)", "T", "(1,'a')|(-1,'')|(0,'abc')|(1,'b')"},
    {"tpn", "Tuple(Nullable(Int32), Nullable(String))", "T", "(1,'a')|(NULL,'')|(0,NULL)|(NULL,NULL)"},
    {"ms", "Map(String, Int32)", "M", "{}|{'a':1}|{'a':1,'b':2}|{'':-1,'abc':7,'a':0}"},
    {"mu", "Map(UInt8, String)", "U", "{}|{1:'a'}|{0:'',255:'x',2:'b'}"},
    {"e8", "Enum8('a' = 1, 'b' = -2, '' = 0, 'abc' = 100)", "E", "a|b||abc"},
    {"ne8", "Nullable(Enum8('a' = 1, 'b' = -2))", "E", "a|b"},
    {"e16", "Enum16('a' = 1000, 'xx' = -2)", "E", "a|xx"},
    {"d32", "Date32", "X", "1900-01-01|1969-12-31|2024-02-29|2299-12-31|1970-01-01|2000-01-01"},
    {"nd32", "Nullable(Date32)", "X", "1950-06-15|2024-02-29"},
    {"uu", "UUID", "V", "61f0c404-5cb3-11e7-907b-a6006ad3dba0|00000000-0000-0000-0000-000000000000|"
     "00000000-0000-0000-ffff-000000000001"},
    {"nuu", "Nullable(UUID)", "V", "61f0c404-5cb3-11e7-907b-a6006ad3dba0|ffffffff-ffff-ffff-0000-000000000000"},
    {"f5", "FixedString(5)", "W", "|a|abc|abcde|Abc_d"},
    {"nf3", "Nullable(FixedString(3))", "W", "a|abc|"},
    {"c9", "Decimal(9, 2)", "C", "0|1.5|-1.25|9999999.99|0.01|100|-7.77"},
    {"c18", "Decimal(18, 4)", "C", "0|1.5|-1.2345|12345678901234.5678|0.0001|3"},
    {"c38", "Decimal(38, 10)", "C", "0|1.5|-1.0000000001|12345678901234.5|2"},
    {"nc9", "Nullable(Decimal(9, 3))", "O", "1.125|-0.5|300"},
    {"lcu", "LowCardinality(UInt16)", "L", "0|1|300|65535"},
    {"nli", "LowCardinality(Nullable(Int32))", "L", "0|-1|70000"},
};

const size_t n_test_columns = COUNT(test_columns);
_Static_assert(COUNT(test_columns) <= MAX_COLUMNS, "room for all columns");

static struct arena values_arena;

/* One of the column's texts. */
static struct str random_given(const char *values)
{
    unsigned n = 1;

    for (const char *p = values; *p; p++)
        n += *p == '|';
    for (unsigned skip = below(n); skip; skip--)
        values = strchr(values, '|') + 1;
    return (struct str){values, strcspn(values, "|")};
}

struct test_table table;

const char *random_text(char class)
{
    static const char *const words[] = {"", "a", "b", "abc", "ABC", "Abc_d", "a%b", "hello world",
        " pad ", "Кот", "naïve", "x\\y", "aa", "ba", "12",
                                        "a\377b", "tab\there", "q'q", "ÀÉ", "abcabc", "日本", "_"};
    static const char *const numbers[] = {"0", "1", "-1", "12", "255", "256", "-128", "300",
        "65536", "4294967296", "18446744073709551615",
                                          "18446744073709551616", "9223372036854775808", "", "x",
                                              "1.5", "-0.25", "1e3", "+7", " 1", "1 ", "007",
                                          "true", "false", "yes", "nan", "inf", "-", "1e",
                                              "-9223372036854775808", ".5", "5."};
    static const char *const dates[] = {"2024-02-29", "2024-02-29 12:34:56", "2023-12-31T23:59:59",
        "2024-03-10 02:30:00", "1971-01-01 00:00:00", "2024/01/02",
                                        "2024-01-02T03:04:05Z", "2024-01-02 03:04:05.678",
                                            "2024-01-02 03:04:05+01:00", "x", "", "2024-02-31",
                                            "2024-02-30",
                                        "1700000000", "2024-1-2", "20240102", "2024-01-02 03:04",
                                            "2105-12-31 23:59:59", "1971-01-01", "2099-01-01"};
    static const char *const addresses[] = {"1.2.3.4", "255.255.255.255", "0.0.0.0", "::1",
        "::ffff:1.2.3.4", "fe80::AB", "1.2.3", "x", "", "1.2.3.256",
                                            "2001:db8::8a2e:370:7334"};
    switch (class) {
    case 'w':
        return wide_words[below(COUNT(wide_words))];
    case 'j':
        return documents[below(COUNT(documents))];
    case 'u':
        return urls[below(COUNT(urls))];
    case 'e':
        return coded_words[below(COUNT(coded_words))];
    case 'x':
        return numbers[below(COUNT(numbers))];
    case 'y':
        return dates[below(COUNT(dates))];
    case 'z':
        return addresses[below(COUNT(addresses))];
    default:
        return words[below(COUNT(words))];
    }
}

static double random_double(void)
{
    static const double edges[] = {0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 100.25, 255, 256, -0.0,
        3.7, 1e3, 12345.678, 0.1, 127.9};

    if (chance(4))
        return NAN;
    if (chance(4))
        return chance(50) ? INFINITY : -INFINITY;
    if (chance(25)) /* coordinates, angles */
        return ((double)(random_u64() % 4000001) - 2000000) / 10000;
    return edges[below(COUNT(edges))];
}

static uint64_t random_integer(void)
{
    static const int64_t edges[] = {0, 1, 2, 3, 7, 10, 100, 127, 128, 200, 255, 256, 1000, 32767,
        32768, 65535, 65536, 2147483647, 2147483648LL, 4294967295LL,
                                    INT64_MAX, -1, -2, -7, -128, -129, -32768, -2147483648LL,
                                        INT64_MIN};
    return chance(80) ? (uint64_t)edges[below(COUNT(edges))] : random_u64();
}

/* Seconds in 1971 .. 2105, mostly from 2001, so that what is subtracted seldom leads before 1970; often near a
 * change of clocks. */
static int64_t random_second(void)
{
    static const int64_t edges[] = {1710054000, 1710053999, 1710057600, 1711846800,
        1711846799, 1711850400, 1730595600, 1730599200, 1730602800,
                                    1729990800, 1729994400, 1709164800, 1704067199, 1704067200,
                                        951782400, 4102444800LL, 1709251199};
    if (chance(50))
        return edges[below(COUNT(edges))] + below(7200);
    if (chance(2))
        return 500 * 86400LL + (int64_t)(random_u64() % 900000000ULL);
    return 978307200LL + (int64_t)(random_u64() % 3200000000ULL);
}

/* Thousands of bytes, of characters of any width. */
static struct str huge_text(void)
{
    const char *part = wide_words[below(COUNT(wide_words))];
    size_t n = strlen(part), times = n ? 1 + 3000 / n : 0;
    char *text = arena_bytes(&values_arena, n * times + 1);

    for (size_t i = 0; i < times; i++)
        memcpy(text + i * n, part, n);
    return (struct str){text, n * times};
}

static void random_cell(struct type type, char class, void *out)
{
    int64_t v = 0;
    double d;
    float f;
    struct str s;

    switch (type.kind) {
    case TYPE_BOOL:
        v = below(2);
        break;
    case TYPE_FLOAT64:
        d = random_double();
        memcpy(out, &d, 8);
        return;
    case TYPE_FLOAT32:
        f = (float)random_double();
        memcpy(out, &f, 4);
        return;
    case TYPE_STRING:
        s = strchr("swu", class) && chance(1) ? huge_text() : str_of(random_text(class));
        memcpy(out, &s, sizeof(s));
        return;
    case TYPE_DATE:
        v = chance(1) ? 500 + (int64_t)below(400) : random_second() / 86400;
        break;
    case TYPE_DATETIME:
        v = random_second();
        break;
    case TYPE_DATETIME64:
        v = random_second();
        if (type.scale == 9 && v > 9000000000LL)
            v = 40000000;
        for (int i = 0; i < type.scale; i++)
            v = v * 10 + below(10);
        break;
    case TYPE_IPV6: {
        const char *text = random_text('z');
        if (value_ipv6(out, str_of(text)))
            memset(out, 0, 16);
        return;
    }
    default:
        v = (int64_t)random_integer();
        break;
    }
    memcpy(out, &v, type_width(type));
}

/* The value as SQL of exactly that value. */
static void literal(struct buf *out, struct type t, const char *type, const struct column *c,
    size_t row)
{
    struct type bare = t;
    const char *value = (const char *)c->values + row * type_width(t);
    AUTO_DONE(buf) text = {0};

    bare.is_nullable = bare.is_low_cardinality = false;
    if (c->nulls && c->nulls[row]) {
        buf_text(out, "NULL");
        return;
    }
    if (t.kind == TYPE_DATETIME64) {
        buf_printf(out, "reinterpret(toInt64(%lld), 'DateTime64(%u, \\'UTC\\')')",
            (long long)*(const int64_t *)value, t.scale);
        return;
    }
    if (t.kind == TYPE_DATE || t.kind == TYPE_DATETIME) {
        uint32_t v = 0;
        memcpy(&v, value, type_width(t));
        buf_printf(out, t.kind == TYPE_DATE ? "toDate(toUInt16(%u))"
            : "toDateTime(toUInt32(%u), 'UTC')", v);
        return;
    }
    value_print(&text, bare, value);
    if (t.kind > TYPE_INTERVAL || test_columns[c - table.batch.columns].values) {
        while (t.kind == TYPE_FIXED_STRING && text.n && text.p[text.n - 1] == '\0')
            text.n--;
        if (type_is_compound(t)) {
            buf_str(out, buf_view(&text));
            return;
        }
        buf_text(out, "CAST(");
        print_string_literal(out, buf_view(&text));
        buf_text(out, ", ");
        print_string_literal(out, str_of(type));
        buf_text(out, ")");
    } else if (t.kind == TYPE_STRING) {
        buf_text(out, "unhex('");
        for (size_t i = 0; i < text.n; i++)
            buf_printf(out, "%02x", (uint8_t)text.p[i]);
        buf_text(out, "')");
    } else if (type_is_float(t)) {
        buf_printf(out, "CAST('%.*s' AS Float64)", (int)text.n, text.p);
    } else if (type_is_number(t)) {
        buf_printf(out, "(%.*s)", (int)text.n, text.p);
    } else {
        buf_printf(out, "CAST('%.*s', '%s')", (int)text.n, text.p,
            t.kind == TYPE_IPV4 ? "IPv4" : "IPv6");
    }
    (void)type;
}

void table_create(void)
{
    AUTO_DONE(buf) sql = {0};
    struct err e;

    buf_text(&sql, "CREATE TABLE rows (i UInt8");
    for (size_t i = 0; i < n_test_columns; i++) {
        if (type_parse(&table.types[i], str_of(test_columns[i].type), &e) != ERR_OK) {
            fprintf(stderr, "%s\n", e.text);
            exit(1);
        }
        buf_printf(&sql, ", %s %s", test_columns[i].name, test_columns[i].type);
    }
    buf_text(&sql, ") ENGINE = Memory");
    must("CREATE DATABASE IF NOT EXISTS diff");
    must("USE diff");
    must("SET allow_suspicious_low_cardinality_types = 1");
    must("SET compile_expressions = 0"); /* compiled code skips checks that interpreted code makes */
    must("DROP TABLE IF EXISTS rows");
    must(buf_cstr(&sql));
    batch_init(&table.batch, table.types, NULL, n_test_columns);
    table.batch.n_rows = N_ROWS;
}

void table_fill(void)
{
    AUTO_DONE(buf) sql = {0};

    for (size_t i = 0; i < n_test_columns; i++) {
        struct column *c = &table.batch.columns[i];
        for (size_t row = 0; row < N_ROWS; row++) {
            char *cell = (char *)c->values + row * type_width(table.types[i]);
            struct type bare = table.types[i];
            bare.is_nullable = bare.is_low_cardinality = false;
            if (test_columns[i].values == NULL)
                random_cell(table.types[i], test_columns[i].class[0], cell);
            else if (value_parse_in(cell, bare, random_given(test_columns[i].values), &values_arena))
                abort();
            if (c->nulls) {
                c->nulls[row] = chance(30);
                if (c->nulls[row])
                    memset((char *)c->values + row * type_width(table.types[i]), 0,
                        type_width(table.types[i]));
            }
        }
    }
    must("TRUNCATE TABLE rows");
    buf_text(&sql, "INSERT INTO rows VALUES ");
    for (size_t row = 0; row < N_ROWS; row++) {
        buf_printf(&sql, "%s(%zu", row ? ", " : "", row);
        for (size_t i = 0; i < n_test_columns; i++) {
            buf_text(&sql, ", ");
            literal(&sql, table.types[i], test_columns[i].type, &table.batch.columns[i], row);
        }
        buf_text(&sql, ")");
    }
    must(buf_cstr(&sql));
}

void print_inputs(const char *expression, size_t row)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

    for (size_t i = 0; i < n_test_columns; i++) {
        AUTO_DONE(buf) text = {0};
        const char *name = test_columns[i].name, *at = expression;
        size_t n = strlen(name);
        while ((at = strstr(at, name)) != NULL && ((at > expression && strchr(letters, at[-1])) || strchr(letters, at[n])))
            at += n;
        if (at == NULL)
            continue;
        literal(&text, table.types[i], test_columns[i].type, &table.batch.columns[i], row);
        printf("        %s = %.*s\n", name, (int)(text.n < 300 ? text.n : 300), text.p);
    }
}
