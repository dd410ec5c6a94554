/* SPDX-License-Identifier: Apache-2.0
 *
 * Random typed expressions over random rows: type names, values, and "throws for this row alone" against
 * ClickHouse (libchdb in this process).
 *
 *   diff_expr [--seed N] [--cases N] [--seconds N] [--refused] [--alone] [--wild] [--text] [--only TEXT]
 *             ['expression' …]
 *
 * Expressions that weir refuses are not compared (--refused lists their reasons). A difference is cut down
 * to the smallest part that still differs. --text draws functions of texts for
 * the most part, --only TEXT: expressions that hold TEXT. --alone runs weir's side only (for sanitizers,
 * which libchdb does not bear). Exit code 77 = skipped: no libchdb. */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "codec/value.h"
#include "expr/program.h"
#include "gen_text.h"

#include "expr_calls.h"

enum { N_ROWS = 10, SKIPPED = 77, CASES_PER_TABLE = 250 };

/* ---- libchdb ---- */

typedef struct chdb_connection_ *chdb_connection;
typedef struct chdb_result_ chdb_result;

static struct {
    chdb_connection *(*connect)(int, char **);
    chdb_result *(*query)(chdb_connection, const char *, size_t, const char *, size_t);
    char *(*buffer)(chdb_result *);
    size_t (*length)(chdb_result *);
    const char *(*error)(chdb_result *);
    void (*destroy)(chdb_result *);
    chdb_connection *connection;
} chdb;

static void *open_library(void)
{
    const char *path = getenv("WEIR_LIBCHDB"), *cache = getenv("XDG_CACHE_HOME"),
        *home = getenv("HOME");
    char text[512];

    if (path != NULL)
        return dlopen(path, RTLD_NOW);
    if (cache != NULL)
        snprintf(text, sizeof(text), "%s/weir/26.7.3-stable.1/libchdb.so", cache);
    else
        snprintf(text, sizeof(text), "%s/.cache/weir/26.7.3-stable.1/libchdb.so",
            home ? home : "/root");
    return dlopen(text, RTLD_NOW);
}

static bool chdb_open(void)
{
    void *library = open_library();
    char *arguments[] = {"weir", NULL};

    if (library == NULL)
        return false;
    chdb.connect = (chdb_connection *(*)(int, char **))dlsym(library, "chdb_connect");
    chdb.query = (chdb_result *(*)(chdb_connection, const char *, size_t, const char *,
        size_t))dlsym(library, "chdb_query_n");
    chdb.buffer = (char *(*)(chdb_result *))dlsym(library, "chdb_result_buffer");
    chdb.length = (size_t (*)(chdb_result *))dlsym(library, "chdb_result_length");
    chdb.error = (const char *(*)(chdb_result *))dlsym(library, "chdb_result_error");
    chdb.destroy = (void (*)(chdb_result *))dlsym(library, "chdb_destroy_query_result");
    if (!chdb.connect || !chdb.query || !chdb.buffer || !chdb.length || !chdb.error ||
        !chdb.destroy)
        return false;
    chdb.connection = chdb.connect(1, arguments);
    return chdb.connection != NULL;
}

/* What a failed query had written by then comes with the next answer: throw it away. */
static void drain(void)
{
    chdb_result *r = chdb.query(*chdb.connection, "SELECT 1", 8, "TSV", 3);

    if (r)
        chdb.destroy(r);
}

/* True and the answer, or false and the exception's first line. */
static bool ask(struct buf *answer, const char *query, const char *format)
{
    chdb_result *r = chdb.query(*chdb.connection, query, strlen(query), format, strlen(format));
    const char *error = r ? chdb.error(r) : "no result";

    buf_reset(answer);
    if (error)
        buf_put(answer, error, strcspn(error, "\n"));
    else
        buf_put(answer, chdb.buffer(r), chdb.length(r));
    bool failed = error != NULL;
    if (r)
        chdb.destroy(r);
    if (failed)
        drain();
    return !failed;
}

static bool is_alone;

static void must(const char *query)
{
    AUTO_DONE(buf) answer = {0};

    if (is_alone)
        return;
    if (!ask(&answer, query, "TSV")) {
        fprintf(stderr, "%s\n%s\n", query, buf_cstr(&answer));
        exit(1);
    }
}

/* ---- random ---- */

static uint64_t random_state;

static uint64_t random_u64(void)
{
    random_state += 0x9e3779b97f4a7c15ULL;
    return ih64(random_state);
}
static unsigned below(unsigned n)
{
    return (unsigned)(random_u64() % n);
}
static bool chance(unsigned percent)
{
    return below(100) < percent;
}

/* ---- the table ---- */

static const struct {
    const char *name, *type, *class; /* class: what the generator takes it for */
    const char *values;              /* of the further types: texts, '|' between */
} columns[] = {
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

static struct {
    struct batch batch;
    struct type types[COUNT(columns)];
} table;

static const char *random_text(char class)
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

/* Seconds in 1971 .. 2105, often near a change of clocks. */
static int64_t random_second(void)
{
    static const int64_t edges[] = {86400 * 500, 1710054000, 1710053999, 1710057600, 1711846800,
        1711846799, 1711850400, 1730595600, 1730599200, 1730602800,
                                    1729990800, 1729994400, 1709164800, 1704067199, 1704067200,
                                        951782400, 4102444800LL};
    if (chance(50))
        return edges[below(COUNT(edges))] + below(7200);
    return 500 * 86400LL + (int64_t)(random_u64() % 4200000000ULL);
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
        s = str_of(random_text(class));
        memcpy(out, &s, sizeof(s));
        return;
    case TYPE_DATE:
        v = chance(10) ? 500 + (int64_t)below(400) : random_second() / 86400;
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
    if (t.kind > TYPE_INTERVAL || columns[c - table.batch.columns].values) {
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

static void table_create(void)
{
    AUTO_DONE(buf) sql = {0};
    struct err e;

    buf_text(&sql, "CREATE TABLE rows (i UInt8");
    for (size_t i = 0; i < COUNT(columns); i++) {
        if (type_parse(&table.types[i], str_of(columns[i].type), &e) != ERR_OK) {
            fprintf(stderr, "%s\n", e.text);
            exit(1);
        }
        buf_printf(&sql, ", %s %s", columns[i].name, columns[i].type);
    }
    buf_text(&sql, ") ENGINE = Memory");
    must("CREATE DATABASE IF NOT EXISTS diff");
    must("USE diff");
    must("SET allow_suspicious_low_cardinality_types = 1");
    must("SET compile_expressions = 0"); /* compiled code skips checks that interpreted code makes */
    must("DROP TABLE IF EXISTS rows");
    must(buf_cstr(&sql));
    batch_init(&table.batch, table.types, NULL, COUNT(columns));
    table.batch.n_rows = N_ROWS;
}

static void table_fill(void)
{
    AUTO_DONE(buf) sql = {0};

    for (size_t i = 0; i < COUNT(columns); i++) {
        struct column *c = &table.batch.columns[i];
        for (size_t row = 0; row < N_ROWS; row++) {
            char *cell = (char *)c->values + row * type_width(table.types[i]);
            struct type bare = table.types[i];
            bare.is_nullable = bare.is_low_cardinality = false;
            if (columns[i].values == NULL)
                random_cell(table.types[i], columns[i].class[0], cell);
            else if (value_parse_in(cell, bare, random_given(columns[i].values), &values_arena))
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
        for (size_t i = 0; i < COUNT(columns); i++) {
            buf_text(&sql, ", ");
            literal(&sql, table.types[i], columns[i].type, &table.batch.columns[i], row);
        }
        buf_text(&sql, ")");
    }
    must(buf_cstr(&sql));
}

/* ---- weir's side ---- */

struct answer {
    char type[512];
    char *cells[N_ROWS]; /* as TSV; NULL = fault */
    bool is_refused;
    char reason[256];
};

static void answer_done(struct answer *a)
{
    for (size_t i = 0; i < N_ROWS; i++)
        free(a->cells[i]);
}
DEFINE_AUTO_DONE(answer)

static value_id find_column(void *context, struct builder *b, struct str name, struct place at)
{
    (void)context, (void)at;
    for (size_t i = 0; i < COUNT(columns); i++)
        if (str_is(name, columns[i].name))
            return builder_input(b, (uint32_t)i, table.types[i]);
    return VALUE_UNKNOWN;
}

static void put_tsv(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        static const char from[] = "\b\f\n\r\t\0\\'", to[] = "bfnrt0\\'";
        const char *hit = memchr(from, s.p[i], sizeof(from) - 1);
        if (hit) {
            buf_byte(out, '\\');
            buf_byte(out, (uint8_t)to[hit - from]);
        } else {
            buf_byte(out, (uint8_t)s.p[i]);
        }
    }
}

static char *cell_text(const struct column *c, size_t row)
{
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) out = {0};
    struct type bare = c->type;

    bare.is_nullable = bare.is_low_cardinality = false;
    if (c->nulls && c->nulls[row])
        return xstrdup("\\N");
    if (bare.kind == TYPE_INTERVAL)
        bare = (struct type){.kind = TYPE_INT64};
    value_print(&text, bare, (const char *)c->values + row * type_width(bare));
    if (type_is_text(bare) || type_is_enum(bare))
        put_tsv(&out, buf_view(&text));
    else
        buf_str(&out, buf_view(&text));
    return buf_take(&out);
}

static void ask_weir(struct answer *a, const char *expression)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    struct scope scope = {NULL, find_column, NULL};
    struct builder *b = builder_new();
    struct ast *node = parse_expression(&arena, str_of(expression), &d);
    value_id v = node ? builder_expression(b, node, &scope, &d) : VALUE_FAILED;

    if (v < 0 || d.n_errors) {
        a->is_refused = true;
        for (size_t i = 0; i < d.n; i++)
            if (!d.items[i].is_warning) {
                snprintf(a->reason, sizeof(a->reason), "%s", d.items[i].text);
                break;
            }
        builder_free(b);
        return;
    }
    AUTO_DONE(buf) name = {0};
    type_print(&name, builder_type(b, v));
    snprintf(a->type, sizeof(a->type), "%s", buf_cstr(&name));
    struct program *p = builder_finish(b, &v, 1);
    builder_free(b);
    struct frame *f = frame_new(p);
    program_run(p, f, &table.batch, 1700000000);
    const struct column *c = frame_output(f, 0);
    for (size_t row = 0; row < N_ROWS; row++)
        a->cells[row] = c->faults && c->faults[row] ? NULL : cell_text(c, row);
    frame_free(f);
    program_free(p);
}

/* ---- ClickHouse's side ---- */

/* LowCardinality of anything but a String counts as the plain type. */
static void plain_type(char *out, size_t n, struct str type)
{
    static const char prefix[] = "LowCardinality(";
    char text[512], unescaped[512];
    size_t k = 0;

    for (size_t i = 0; i < type.n && k < sizeof(unescaped) - 1; i++)
        if (type.p[i] != '\\')
            unescaped[k++] = type.p[i];
        else if (i + 1 < type.n && type.p[i + 1] == 'n')
            for (i++; i + 1 < type.n && type.p[i + 1] == ' ';)
                i++;
    unescaped[k] = 0;
    snprintf(text, sizeof(text), "%s", unescaped);
    if (strncmp(text, prefix, strlen(prefix)) == 0 && strstr(text, "String") == NULL) {
        size_t length = strlen(text);
        text[length - 1] = 0;
        memmove(text, text + strlen(prefix), length - strlen(prefix));
    }
    snprintf(out, n, "%s", text);
}

static struct str next_line(struct str *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct str line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};

    rest->p += line.n + (end != NULL);
    rest->n -= line.n + (end != NULL);
    return line;
}

/* One row alone; false: it throws. */
static bool ask_row(struct answer *a, const char *expression, size_t row, struct buf *answer)
{
    AUTO_DONE(buf) sql = {0};

    buf_printf(&sql, "SELECT %s AS x FROM rows WHERE i = %zu", expression, row);
    if (!ask(answer, buf_cstr(&sql), "TSVWithNamesAndTypes"))
        return false;
    struct str rest = buf_view(answer);
    next_line(&rest);
    plain_type(a->type, sizeof(a->type), next_line(&rest));
    struct str cell = next_line(&rest);
    a->cells[row] = xstrndup(cell.p, cell.n);
    return true;
}

/* is_refused only if it throws for all rows; the reason is then its first exception. */
static void ask_clickhouse(struct answer *a, const char *expression)
{
    AUTO_DONE(buf) sql = {0};
    AUTO_DONE(buf) answer = {0};
    bool any = false;

    buf_printf(&sql, "SELECT %s AS x FROM rows ORDER BY i", expression);
    if (ask(&answer, buf_cstr(&sql), "TSVWithNamesAndTypes")) {
        struct str rest = buf_view(&answer);
        next_line(&rest);
        plain_type(a->type, sizeof(a->type), next_line(&rest));
        for (size_t row = 0; row < N_ROWS; row++) {
            struct str cell = next_line(&rest);
            a->cells[row] = xstrndup(cell.p, cell.n);
        }
        return;
    }
    snprintf(a->reason, sizeof(a->reason), "%.*s", (int)(answer.n < 200 ? answer.n : 200),
        answer.p);
    for (size_t row = 0; row < N_ROWS; row++)
        any |= ask_row(a, expression, row, &answer);
    a->is_refused = !any;
}

/* ---- comparing ---- */

enum verdict { SAME, DIFFERENT, REFUSED };

static bool show_refused;

static bool is_inexact(const char *expression)
{
    for (size_t i = 0; i < COUNT(inexact_calls); i++) {
        size_t n = strcspn(inexact_calls[i], "(") + 1;
        if (strncmp(expression, inexact_calls[i], n) == 0)
            return true;
    }
    return false;
}

/* To some units in the last place, or to what float has; tiny ones as sums that end near 0. */
static bool are_near(const char *a, const char *b, bool is_float32)
{
    double x = strtod(a, NULL), y = strtod(b, NULL), scale = fmax(fabs(x), fabs(y));

    return fabs(x - y) <= scale * (is_float32 ? 2e-6 : 1e-12) + 1e-14;
}

static bool cells_differ(const char *weir, const char *clickhouse)
{
    if (!weir || !clickhouse)
        return weir != clickhouse;
    if (strcmp(weir, clickhouse) == 0)
        return false;
    /* NaN has no sign worth comparing */
    return !((strcmp(weir, "nan") == 0 || strcmp(weir, "-nan") == 0) &&
        (strcmp(clickhouse, "nan") == 0 || strcmp(clickhouse, "-nan") == 0));
}

/* Text made from a number that came of LowCardinality text is LowCardinality in ClickHouse alone. */
static void without_dictionaries(char *out, size_t cap, const char *type)
{
    static const char prefix[] = "LowCardinality(";
    int depth = 0, open[32], n_open = 0;
    size_t n = 0;

    for (const char *p = type; *p && n + 1 < cap; p++) {
        if (strncmp(p, prefix, sizeof(prefix) - 1) == 0 && n_open < 32) {
            open[n_open++] = ++depth;
            p += sizeof(prefix) - 2;
            continue;
        }
        depth += *p == '(';
        if (*p == ')' && depth-- == (n_open ? open[n_open - 1] : -1)) {
            n_open--;
            continue;
        }
        out[n++] = *p;
    }
    out[n] = 0;
}

static bool types_differ(const char *weir, const char *clickhouse)
{
    size_t n = strlen(weir);
    char ours[512], theirs[512];

    if (strncmp(weir, "Array(", 6) == 0 || strncmp(weir, "Tuple(", 6) == 0 || strncmp(weir, "Map(", 4) == 0) {
        without_dictionaries(ours, sizeof(ours), weir);
        without_dictionaries(theirs, sizeof(theirs), clickhouse);
        return strcmp(ours, theirs) != 0;
    }

    if (strcmp(weir, clickhouse) == 0)
        return false;
    return !(strncmp(clickhouse, "LowCardinality(", 15) == 0 &&
        strncmp(clickhouse + 15, weir, n) == 0 && strcmp(clickhouse + 15 + n, ")") == 0);
}

static enum verdict compare(const char *expression, bool print)
{
    AUTO_DONE(answer) ours = {0};
    AUTO_DONE(answer) theirs = {0};
    bool differs = false;

    ask_weir(&ours, expression);
    if (is_alone || (ours.is_refused && !show_refused && !print))
        return ours.is_refused ? REFUSED : SAME;
    ask_clickhouse(&theirs, expression);
    if (ours.is_refused) {
        if ((show_refused && !theirs.is_refused) || print)
            printf("refused: %s\n  weir: %s\n  ClickHouse: %s %s\n", expression, ours.reason,
                theirs.type, theirs.reason);
        return REFUSED;
    }
    bool inexact = is_inexact(expression), is_float32 = strstr(ours.type, "Float32") != NULL;
    for (size_t row = 0; row < N_ROWS; row++)
        differs |= cells_differ(ours.cells[row], theirs.cells[row]) &&
            !(inexact && ours.cells[row] && theirs.cells[row] &&
              are_near(ours.cells[row], theirs.cells[row], is_float32));
    differs |= !theirs.is_refused && types_differ(ours.type, theirs.type);
    if (!differs && !print)
        return SAME;
    if (print) {
        printf("  %s\n    types: weir %s, ClickHouse %s %s\n", expression, ours.type, theirs.type,
            theirs.reason);
        for (size_t row = 0; row < N_ROWS; row++) {
            bool row_differs = cells_differ(ours.cells[row], theirs.cells[row]);
            printf("    %c row %zu: weir %s, ClickHouse %s\n", row_differs ? '*' : ' ', row,
                ours.cells[row] ? ours.cells[row] : "rejects",
                   theirs.cells[row] ? theirs.cells[row] : "throws");
        }
    }
    return differs ? DIFFERENT : SAME;
}

/* The smallest part that differs on its own. */
static const struct ast *shrink(const struct ast *node)
{
    for (uint32_t i = 0; i < node->n_args; i++) {
        AUTO_DONE(buf) text = {0};
        if (node->args[i]->kind != AST_CALL || str_is(node->args[i]->text, "tuple"))
            continue;
        ast_print(&text, node->args[i]);
        if (compare(buf_cstr(&text), false) == DIFFERENT)
            return shrink(node->args[i]);
    }
    return node;
}

static void report_difference(const char *expression)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) text = {0};
    struct ast *node = parse_expression(&arena, str_of(expression), &d);

    ast_print(&text, node ? shrink(node) : NULL);
    printf("differs: %s\n", expression);
    if (compare(buf_cstr(&text), true) != DIFFERENT)
        compare(expression, true);
    fflush(stdout);
}

/* ---- the generator ---- */

static void gen_number(struct buf *out, int depth);
static void gen_string(struct buf *out, int depth);
static void gen_time(struct buf *out, int depth);
static void gen_condition(struct buf *out, int depth);
static void gen_argument(struct buf *out, int depth);
static void gen_format(struct buf *out, const char *format, int depth);

static void gen_column(struct buf *out, const char *classes)
{
    for (;;) {
        size_t i = below(COUNT(columns));
        if (strchr(classes, columns[i].class[0])) {
            buf_text(out, columns[i].name);
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
static bool is_wild;
/* Functions of texts for the most part. */
static bool is_text;

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
        if (is_wild && chance(30))
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
    static const char *const calls[] = {
        "(%n + %n)", "(%n - %n)", "(%n * %n)", "(%n / %n)", "intDiv(%i, %i)", "intDiv(%n, %I)",
            "(%i %% %i)", "(%i %% %I)", "positiveModulo(%i, %i)",
        "intDivOrZero(%i, %i)", "(-%n)", "abs(%n)", "sign(%n)", "bitAnd(%i, %i)", "bitOr(%i, %I)",
            "bitXor(%i, %i)", "bitNot(%i)",
        "if(%c, %n, %n)", "if(%c, %i, NULL)", "multiIf(%c, %n, %c, %n, %n)",
            "CASE WHEN %c THEN %n WHEN %c THEN %n ELSE %n END",
        "CASE %i WHEN 0 THEN %n WHEN 1 THEN %n ELSE %n END", "CASE WHEN %c THEN %i END",
            "ifNull(%n, %n)", "coalesce(%n, %n, %n)", "nullIf(%n, %I)",
        "least(%i, %i)", "greatest(%i, %I)", "length(%s)", "lengthUTF8(%s)", "position(%s, %s)",
            "position(%s, %C)",
        "toUInt8(%i)", "toInt8(%i)", "toUInt16(%i)", "toInt16(%i)", "toUInt32(%i)", "toInt32(%i)",
            "toUInt64(%i)", "toInt64(%i)", "toFloat32(%n)",
        "toFloat64(%n)", "toUInt8(%x)", "toInt32(%x)", "toUInt64(%x)", "toFloat64(%x)",
            "toFloat32(%x)", "toInt64OrNull(%x)", "toUInt8OrZero(%x)",
        "toInt8OrNull(%x)", "toFloat64OrNull(%x)", "toFloat64OrZero(%x)",
            "CAST(%x AS Nullable(UInt16))", "%i::Int16", "CAST(%i AS Nullable(UInt8))",
        "toInt32(%F)", "toUInt16(%F)", "toYear(%t)", "toQuarter(%t)", "toMonth(%t)",
            "toDayOfMonth(%t)", "toDayOfWeek(%t)", "toDayOfWeek(%t, 1)",
        "toDayOfWeek(%t, 2, %Z)", "toDayOfWeek(%d, 3)", "toDayOfYear(%t)", "toHour(%t)",
            "toMinute(%t)", "toSecond(%t)", "toHour(%t, %Z)", "toMinute(%t, %Z)",
        "toMillisecond(%t)", "toYYYYMM(%t)", "toYYYYMMDD(%t)", "toYYYYMMDDhhmmss(%t)",
            "toUnixTimestamp(t3)", "toUnixTimestamp(tk)", "toUnixTimestamp(d)",
            "toUnixTimestamp64Milli(%t)",
        "toUnixTimestamp64Micro(%t)", "toUnixTimestamp64Nano(t3)", "dateDiff('second', %t, %t)",
            "dateDiff('minute', %t, %t)", "dateDiff('hour', %t, %t)",
        "dateDiff('day', %t, %t)", "dateDiff('week', %t, %t)", "dateDiff('month', %t, %t)",
            "dateDiff('quarter', %t, %t)", "dateDiff('year', %t, %t)",
        "dateDiff('day', %t, %t, %Z)", "dateDiff('millisecond', %t, %t)", "(d - nd)", "(t - tk)",
            "round(%F)", "round(%F, 1)", "floor(%F)", "ceil(%n)",
        "round(%i, -1)", "trunc(%F, 1)", "floor(%i, -2)", "assumeNotNull(ni32)", "materialize(%n)",
            "toUInt32(ip4)", "toInt64(t)", "toUInt16(d)",
        "toFloat64(t3)", "toInt64(t6)", "(%i %% 2.5)", "toUInt8(%c)", "CAST(ns AS UInt8)",
            "nu8::UInt32", "xor(%c, %c)",
    };
    if (depth > 0 && chance(is_text ? 85 : 25)) {
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
        gen_format(out, calls[below(COUNT(calls))], depth - 1);
}

static void gen_condition(struct buf *out, int depth)
{
    static const char *const leaves[] = {"b", "u8 = 0", "nu8 > 1", "i32 < u32", "s = 'abc'",
        "isNull(ns)", "lc != ''", "t > '2024-01-01 00:00:00'"};
    static const char *const calls[] = {
        "(%n = %n)", "(%n != %n)", "(%n < %n)", "(%n <= %n)", "(%n > %n)", "(%n >= %n)",
            "(%n = %I)", "(%s = %s)", "(%s < %C)", "(%s >= %s)", "(%t = %t)",
        "(%t < %t)", "(%t >= %t)", "(%t != %d)", "(%c AND %c)", "(%c OR %c)", "(%c AND %c AND %c)",
            "(NOT %c)", "(%s LIKE %P)", "(%s ILIKE %P)", "(%s NOT LIKE %P)",
        "(%i IN (0, 1, 255, -1))", "(%n NOT IN (0, 300, NULL))", "(%s IN ('abc', 'a', ''))",
            "(%d IN ('2024-02-29', '2000-01-01'))", "(%F IN (0.5, 1, 2.5))",
        "(%s NOT IN ('b'))", "isNull(%n)", "isNotNull(%s)", "(%n IS NULL)", "empty(%s)",
            "notEmpty(%s)", "startsWith(%s, %C)", "endsWith(%s, %s)",
        "(%n BETWEEN 0 AND 100)", "(%4 = '1.2.3.4')", "(%4 < %4)", "(%6 = %4)", "(%6 > '::1')",
            "(%t > '2024-01-01 00:00:00')", "(d = '2024-02-29')",
        "(t3 <= '2024-03-10 02:30:00.5')", "(%i = '5')", "toBool(%i)", "toBool(%x)",
            "if(%c, %c, %c)", "(t > %i)", "(t6 = %i)", "(intDiv(100, %i) > 3)",
        "(u8 != 0 AND intDiv(7, u8) > 1)", "(i8 = 0 OR i64 %% i8 = 0)", "(%F > %i)", "(u64 > i64)",
            "(u64 = f64)", "(i64 <= f64)",
    };
    if (depth > 0 && chance(is_text ? 85 : 25)) {
        gen_format(out, text_conditions[below(COUNT(text_conditions))], depth - 1);
        return;
    }
    if (depth <= 0 || chance(20))
        buf_text(out, leaves[below(COUNT(leaves))]);
    else
        gen_format(out, calls[below(COUNT(calls))], depth - 1);
}

static void gen_string(struct buf *out, int depth)
{
    static const char *const calls[] = {
        "lower(%s)", "upper(%s)", "reverse(%s)", "concat(%s, %s)", "concat(%s, %n)", "(%s || %C)",
            "substring(%s, %I)", "substring(%s, %I, %I)", "substring(%s, 2, 3)",
        "left(%s, %I)", "right(%s, %I)", "trimBoth(%s)", "trimLeft(%s)", "trimRight(%s)",
            "trimBoth(%s, 'ab')", "toString(%n)", "toString(%t)", "toString(%4)",
        "toString(%6)", "toString(%t, %Z)", "if(%c, %s, %s)", "if(%c, %s, %C)",
            "multiIf(%c, %s, %c, %C, 'z')", "CASE WHEN %c THEN 'one' ELSE %s END",
        "CASE lc WHEN 'a' THEN 'A' WHEN 'abc' THEN 'X' END", "coalesce(%s, %C)",
            "ifNull(%s, 'none')", "nullIf(%s, 'a')", "assumeNotNull(ns)",
        "toLowCardinality(%s)", "CAST(%s AS String)", "CAST(%n AS String)", "materialize(%C)",
            "least(%s, %s)", "greatest(%s, %C)", "toString(b)",
            "toString(parseDateTimeBestEffortOrZero(%y))", "toString(toDateTimeOrZero(%y))",
            "toString(toDate(i64))", "toString(toDate(u32))", "toString(toDate(u16))",
            "toString(toDateTime(%i))", "%s::LowCardinality(String)",
    };
    if (depth > 0 && chance(is_text ? 85 : 25)) {
        gen_format(out, text_strings[below(COUNT(text_strings))], depth - 1);
        return;
    }
    if (depth <= 0 || chance(30)) {
        if (chance(25))
            gen_format(out, "%C", 0);
        else
            gen_column(out, "s");
    } else {
        gen_format(out, calls[below(COUNT(calls))], depth - 1);
    }
}

static void gen_time(struct buf *out, int depth)
{
    static const char *const calls[] = {
        "toStartOfMinute(%t)", "toStartOfFiveMinutes(%t)", "toStartOfTenMinutes(%t)",
            "toStartOfFifteenMinutes(%t)", "toStartOfHour(%t)", "toStartOfDay(%t)",
        "toStartOfWeek(%t)", "toStartOfWeek(%t, 1)", "toStartOfMonth(%t)", "toStartOfQuarter(%t)",
            "toStartOfYear(%t)", "toMonday(%t)", "toStartOfSecond(%t)",
        "toStartOfDay(%t, %Z)", "toStartOfHour(%t, %Z)", "toMonday(%t, %Z)",
            "toStartOfInterval(%t, INTERVAL %k %U)", "toStartOfInterval(%t, INTERVAL %k %U)",
        "toStartOfInterval(%t, INTERVAL %k %U, %Z)", "(%t + INTERVAL %k %U)",
            "(%t - INTERVAL %k %U)", "(d + %k)", "(t - %k)", "(t3 + 1)", "(d - 1)",
        "(%t + toIntervalHour(i8))", "(%t + toIntervalDay(i8))", "(%t - toIntervalMonth(i8))",
            "toDate(%t)", "toDateTime(%t)", "toDateTime64(%t, 3)", "toDateTime64(%t, 6, %Z)",
        "toDateTime(%t, %Z)", "toDate(%t, %Z)", "toDate(%y)", "toDateTime(%y)",
            "toDateTime64(%y, 3)", "toDateTime(%y, %Z)", "toDateOrNull(%y)", "toDateTimeOrNull(%y)",
        "toDateTime64OrNull(%y, 3)", "parseDateTimeBestEffort(%y)",
            "parseDateTimeBestEffortOrNull(%y)", "parseDateTime64BestEffort(%y, 3)",
        "parseDateTime64BestEffortOrNull(%y, 6, %Z)", "toDate(toInt32(u16) %% 45000 + 366)",
            "toDateTime(u32 + 100000000)", "toDateTime(toInt64(u32) + 100000000)",
            "toDate(u16 %% 40000 + 400)",
        "toDateTime64(u32 + 100000000, 3)", "fromUnixTimestamp(toUInt32(u16) + 100000000)",
            "fromUnixTimestamp64Milli((toInt64(u32) + 100000000) * 1000)",
            "fromUnixTimestamp64Nano((toInt64(u32) + 100000000) * 1000000000)",
            "toTimeZone(t, %Z)", "toTimeZone(t3, %Z)",
        "if(%c, %t, %t)", "coalesce(%t, %t)", "ifNull(nd, d)", "least(%t, %t)",
            "nullIf(%d, toDate('2024-02-29'))", "CAST(%t AS Date)", "CAST(%t AS DateTime)",
        "CAST(%t AS DateTime64(3))", "toLastDayOfMonth(%t)", "addDays(%t, i8)",
            "addMonths(%t, %k)", "subtractHours(%t, %k)", "addYears(d, 1)", "ifNull(nt, t)",
    };
    if (depth <= 0 || chance(40))
        gen_column(out, "dt");
    else if (chance(30))
        gen_format(out, pick(time_calls, COUNT(time_calls)), depth - 1);
    else
        gen_format(out, calls[below(COUNT(calls))], depth - 1);
}

static void gen_address(struct buf *out)
{
    gen_format(out, PICK("toIPv4(%z)", "toIPv6(%z)", "toIPv4OrNull(%z)", "toIPv6OrNull(%z)",
        "toIPv6(%4)", "toIPv4OrZero(%z)", "toIPv4(%6)", "toIPv6OrZero(%z)",
                         "if(%c, %4, %4)", "toIPv4(u32)", "ifNull(nip4, ip4)", "CAST(%z AS IPv4)",
                             "CAST(%z AS Nullable(IPv6))"), 1);
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
    static const char *const calls[] = {
        "#I[%I]", "#I[%i]", "#N[1]", "#N[%i]", "#S[2]", "#B[1]", "#B[1][1]", "[%i, %i]", "[%n, %n, NULL]", "[%s, %s]", "[%t, %t]",
        "(%n, %s)", "tuple(%n, %t).1", "(%n, %s).2", "#T.1", "#T.2", "tupleElement(#T, 2)", "[#T, #T].2", "map(%s, %i)", "map('a', %n, 'b', %n)['b']",
        "ms[%C]", "ms['a']", "mu[1]", "mu[%i]", "mapKeys(#M)", "mapValues(#M)", "mapContains(#M, %C)", "length(#M)", "mapFromArrays(#S, arrayEnumerate(#S))",
        "length(#I)", "empty(#S)", "notEmpty(#N)", "toString(#I)", "toString(#N)", "toString(#S)", "toString(#B)", "toString(#T)", "toString(#M)",
        "(#I = #I)", "(#I < #I)", "(#N >= #N)", "(#S != #S)", "(#T = #T)", "(#T < (1, 'a'))", "(#T IN ((1, 'a'), (0, 'abc')))", "(#T NOT IN ((1, 'b')))",
        "(#I IN ([1, 2, 3], []))", "(#M = #M)", "#I::Array(String)", "#N::Array(Nullable(Float64))", "#I::Array(UInt16)", "#T::Tuple(Nullable(Int64), Nullable(String))",
        "ms::Map(String, Nullable(Int64))", "'[1, 2]'::Array(Int32)", "if(%c, #I, #I)", "if(%c, #S, [])", "multiIf(%c, #T, %c, (1, 'x'), #T)", "if(%c, #M, map())",
        "arrayMap(x -> x + %i, #I)", "arrayMap(x -> x * 2 + %n, #I)", "arrayMap((x, y) -> x - y, #I, reverse([1]))", "arrayMap(x -> toString(x), #N)",
        "arrayMap(x -> (x, %s), #I)", "arrayMap(x -> intDiv(%i, x), #I)", "arrayMap(x -> if(x = 0, 0, intDiv(10, x)), #I)", "arrayMap(x -> arraySum(x), #B)",
        "arrayMap(x -> arrayMap(y -> y + %i, x), #B)", "arrayMap(x -> length(x), #S)", "arrayMap(x -> concat(x, %s), #S)", "arrayMap(x -> x IN (1, 7, NULL), #I)",
        "arrayMap(x -> isNull(x), #N)", "arrayMap(x -> ifNull(x, %i), #N)", "arrayMap(x -> NULL, #I)", "arrayFilter(x -> x > %I, #I)", "arrayFilter(x -> x LIKE %P, #S)",
        "arrayFilter(x -> isNotNull(x), #N)", "arrayFilter((x, y) -> y %% 2 = 0, #S, arrayEnumerate(#S))", "arrayExists(x -> x = %i, #I)", "arrayAll(x -> x < %n, #I)",
        "arrayCount(x -> x > 0, #I)", "arrayCount(au)", "arraySum(#I)", "arraySum(af)", "arraySum(x -> x * 2, #I)", "arrayAvg(#I)", "arrayAvg(x -> x + %i, au)",
        "arrayMin(#I)", "arrayMax(#S)", "arrayMin(#N)", "arrayMax(x -> -x, #I)", "arrayMin(af)", "arrayMax(ad)", "arrayFirst(x -> x > %I, #I)", "arrayLast(x -> x < %I, #I)",
        "arrayFirst(x -> x != 'a', #S)", "arrayFirstIndex(x -> x > %I, #I)", "arrayLastIndex(x -> x > %I, #I)", "arraySort(#I)", "arraySort(#N)", "arrayReverseSort(#S)",
        "arrayReverseSort(#N)", "arraySort(af)", "arrayReverseSort(af)", "arraySort(x -> -x, #I)", "arraySort((x, y) -> y, #S, arrayEnumerate(#S))", "arrayReverseSort(x -> x %% 3, #I)",
        "arrayDistinct(#I)", "arrayDistinct(#N)", "arrayDistinct(#S)", "arrayUniq(#N)", "arrayReverse(#I)", "arrayConcat(#I, #I)", "arrayConcat(#N, #I, [%i])", "arrayConcat(#S, [%s])",
        "arraySlice(#I, %I)", "arraySlice(#I, %I, %I)", "arraySlice(#S, 2)", "arraySlice(#N, -2, 1)", "arraySlice(#I, i8, 2)", "arrayZip(#I, arrayEnumerate(#I))", "arrayEnumerate(#S)",
        "range(u8 %% 7)", "range(i8, 20, 3)", "range(u8 %% 5, %k)", "arrayStringConcat(#S)", "arrayStringConcat(#S, ', ')", "arrayStringConcat(#N, '-')", "splitByChar('a', s)",
        "splitByString('b', lc)", "splitByString('', s)", "splitByWhitespace(lw)", "splitByChar('a', s, 2)", "has(#I, %I)", "has(#N, %I)", "has(#N, NULL)", "has(ast, %C)",
        "has(#I, u8)", "indexOf(#I, %I)", "countEqual(#I, %I)", "hasAny(#I, #I)", "hasAll(#I, [%I])", "hasAny(#S, ['a', 'x'])", "hasAll(#S, #S)", "(#E = 'a')", "(#E != 'a')",
        "(#E < 'a')", "(#E IN ('a'))", "toString(#E)", "toInt16(#E)", "concat(#E, %s)", "if(%c, #E, #E)", "if(%c, e8, %s)", "CAST(#E AS String)",
        "CAST(i8 AS Enum8('a' = 1, 'z' = -1))", "CAST(%C AS Enum8('a' = 1, 'b' = 2, '' = 3))", "ifNull(ne8, e8)", "nullIf(e8, 'a')", "(#C + #C)", "(#C - %i)", "(#C * c9)", "(#C / 3)",
        "(#C / c9)", "(c18 * %i)", "(%i + #C)", "(#C + %F)", "(-#C)", "abs(#C)", "sign(#C)", "(#C = #C)", "(#C < %i)", "(#C > 1.5)", "(#C != #C)", "(#C IN (1.5, 0, 100))",
        "toString(#C)", "toInt32(#C)", "toUInt8(#C)", "toFloat64(#C)", "toFloat32(#C)", "CAST(#C AS Decimal(18, 1))", "CAST(#C AS Decimal(38, 15))", "toDecimal32(%i, 2)",
        "toDecimal64(%i, 4)", "toDecimal128(%F, 3)", "toDecimal32(%x, 2)", "toDecimal64OrNull(%x, 3)", "toDecimal32OrZero(%x, 1)", "if(%c, #C, 1)", "[#C, #C]",
        "least(c9, c18)", "greatest(c9, nc9)", "ifNull(nc9, 0)", "(#C = '1.5')", "(#L + %i)", "(#L = %i)", "toString(#L)", "(#L IN (1, 300))", "if(%c, #L, %i)",
        "coalesce(nli, 5)", "toYear(#X)", "toMonth(#X)", "toDayOfWeek(#X)", "toYYYYMMDD(#X)", "toQuarter(#X)", "toString(#X)", "(#X = #X)", "(#X < %d)", "(#X >= '2000-01-01')",
        "(#X IN ('2024-02-29', '1900-01-01'))", "toDate32(%t)", "toDate32(%y)", "toDate32OrNull(%y)", "toDate(#X)", "toDateTime64(#X, 3)", "[#X, %d]", "least(#X, #X)", "greatest(#X, %d)",
        "if(%c, #X, %d)", "ifNull(nd32, d32)", "toInt32(#X)", "(#V = #V)", "(#V < #V)", "toString(#V)", "(#V = '61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
        "(#V IN ('61f0c404-5cb3-11e7-907b-a6006ad3dba0'))", "toUUIDOrNull(%s)", "toUUIDOrZero(toString(#V))", "toUUIDOrDefault(%s)", "toUUID(toString(#V))", "if(%c, #V, #V)", "coalesce(nuu, uu)",
        "(#W = %C)", "(#W < #W)", "(#W = %s)", "toString(#W)", "length(#W)", "concat(#W, 'x')", "startsWith(#W, 'a')", "(#W IN ('abc', 'a'))", "toFixedString(%C, 9)", "CAST(%s AS FixedString(6))",
        "#W::FixedString(9)", "#W::String", "if(%c, #W, %s)", "[#W, #W]", "isNull(#V)", "isNotNull(#C)", "assumeNotNull(nc9)", "toNullable(uu)", "toInt32OrDefault(%x)",
        "toUInt8OrDefault(%x, toUInt8(7))", "toFloat64OrDefault(%x)",
    };
    gen_format(out, calls[below(COUNT(calls))], depth);
}

static void gen_any(struct buf *out)
{
    int depth = 1 + (int)below(4);

    if (!is_text && chance(30)) {
        gen_further(out, (int)below(3));
        return;
    }
    switch (is_text ? below(7) : below(16)) {
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

/* ---- main ---- */

int main(int argc, char **argv)
{
    uint64_t seed = (uint64_t)time(NULL), n_cases = 3000;
    double seconds = 0;
    size_t n = 0, n_differ = 0, n_refused = 0;
    bool given = false;
    const char *only = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--cases") == 0 && i + 1 < argc)
            n_cases = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--refused") == 0)
            show_refused = true;
        else if (strcmp(argv[i], "--wild") == 0)
            is_wild = true;
        else if (strcmp(argv[i], "--text") == 0)
            is_text = true;
        else if (strcmp(argv[i], "--alone") == 0)
            is_alone = true;
    }
#ifdef __SANITIZE_ADDRESS__
    is_alone = true;
#endif
    setenv("TZ", "UTC", 1);
    if (!is_alone && !chdb_open()) {
        printf("skipped: no libchdb\n");
        return SKIPPED;
    }
    printf("seed %llu\n", (unsigned long long)seed);
    random_state = ih64(seed);
    table_create();
    table_fill();
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            bool is_flag = strcmp(argv[i], "--refused") == 0 || strcmp(argv[i], "--alone") == 0 ||
                strcmp(argv[i], "--wild") == 0 || strcmp(argv[i], "--text") == 0;
            i += !is_flag;
            continue;
        }
        given = true;
        compare(argv[i], true);
    }
    fflush(stdout);
    if (given)
        _exit(0);
    time_t start = time(NULL);
    for (; seconds > 0 ? difftime(time(NULL), start) < seconds : n < n_cases; n++) {
        AUTO_DONE(buf) text = {0};
        if (n % CASES_PER_TABLE == CASES_PER_TABLE - 1)
            table_fill();
        do {
            buf_reset(&text);
            gen_any(&text);
        } while (only && !strstr(buf_cstr(&text), only));
        enum verdict v = compare(buf_cstr(&text), false);
        n_refused += v == REFUSED;
        if (v == DIFFERENT) {
            n_differ++;
            report_difference(buf_cstr(&text));
            if (n_differ >= 20)
                break;
        }
    }
    printf("%zu cases, %zu differ (%zu more refused by weir)\n", n - n_refused, n_differ,
        n_refused);
    fflush(stdout);
    _exit(n_differ ? 1 : 0); /* libchdb's threads outlive main badly */
}
