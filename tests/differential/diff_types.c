/* SPDX-License-Identifier: Apache-2.0
 *
 * Random types and random values of them against ClickHouse (libchdb in this process): the text form of TSV read and
 * printed, the JSON form read, Native blocks both ways.
 *
 *   diff_types [--seed N] [--cases N]
 *
 * Exit code 77 = skipped: no libchdb. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "codec/decoder.h"
#include "codec/native.h"
#include "codec/value.h"
#include "harness.h"

enum { N_ROWS = 5 };

static const char *const scalars[] = {
    "UInt8", "Int8", "UInt16", "Int32", "UInt64", "Int64", "Float32", "Float64", "Bool", "String", "Date", "Date32",
    "DateTime('UTC')", "DateTime64(3, 'UTC')", "DateTime('Asia/Kolkata')", "IPv4", "IPv6", "UUID", "FixedString(3)",
    "FixedString(16)", "Decimal(9, 2)", "Decimal(18, 6)", "Decimal(38, 10)", "Decimal(5, 0)",
    "Enum8('a' = 1, 'b\\'c' = -3, '' = 0)", "Enum16('xx' = 1000, 'y' = -1000)"};

static const char *const in_low_cardinality[] = {"String", "UInt8", "Int64", "Float64", "Date", "Date32", "UUID",
                                                 "FixedString(3)", "IPv4", "IPv6", "DateTime('UTC')"};

static void random_scalar(struct buf *out)
{
    bool is_low = chance(15), is_nullable = chance(30);

    if (is_low)
        buf_text(out, "LowCardinality(");
    if (is_nullable)
        buf_text(out, "Nullable(");
    buf_text(out, is_low ? in_low_cardinality[below(COUNT(in_low_cardinality))] : scalars[below(COUNT(scalars))]);
    if (is_nullable)
        buf_byte(out, ')');
    if (is_low)
        buf_byte(out, ')');
}

static void random_type(struct buf *out, int depth)
{
    static const char *const keys[] = {"String", "LowCardinality(String)", "UInt16", "UUID", "Date", "FixedString(3)"};
    static const char *const names[] = {"a ", "b ", "`c d` ", "e "};
    unsigned kind = depth <= 0 ? 9 : below(10);

    if (kind < 4) {
        buf_text(out, "Array(");
        random_type(out, depth - 1);
        buf_byte(out, ')');
    } else if (kind < 6) {
        buf_printf(out, "Map(%s, ", keys[below(COUNT(keys))]);
        random_type(out, depth - 1);
        buf_byte(out, ')');
    } else if (kind < 8) {
        bool is_named = chance(50);
        unsigned n = 1 + below(4);
        for (unsigned i = 0; i < n; i++) {
            buf_printf(out, "%s%s", i ? ", " : "Tuple(", is_named ? names[i] : "");
            random_type(out, depth - 1);
        }
        buf_byte(out, ')');
    } else {
        random_scalar(out);
    }
}

/* ---- values: as ClickHouse's text form and as JSON ---- */

struct texts {
    struct buf plain, json;
};

static void put_both(struct texts *t, const char *s)
{
    buf_text(&t->plain, s);
    buf_text(&t->json, s);
}

/* A text that stands in quotes in both; what needs an escape has one. */
static void put_text(struct texts *t, const char *s)
{
    buf_byte(&t->plain, '\'');
    buf_byte(&t->json, '"');
    for (; *s; s++) {
        if (*s == '\'' || *s == '\\')
            buf_byte(&t->plain, '\\');
        if (*s == '"' || *s == '\\')
            buf_byte(&t->json, '\\');
        if (*s == '\n' || *s == '\t') {
            buf_text(&t->plain, *s == '\n' ? "\\n" : "\\t");
            buf_text(&t->json, *s == '\n' ? "\\n" : "\\t");
            continue;
        }
        buf_byte(&t->plain, (uint8_t)*s);
        buf_byte(&t->json, (uint8_t)*s);
    }
    buf_byte(&t->plain, '\'');
    buf_byte(&t->json, '"');
}

#define PICK(...) ((const char *const[]){__VA_ARGS__})[below(COUNT(((const char *const[]){__VA_ARGS__})))]

static const char *random_integer(struct type t, char out[32])
{
    uint64_t v = chance(50) ? below(4) : random_u64();
    unsigned unused = 64 - 8 * (unsigned)type_width(t);

    if (type_is_signed(t))
        snprintf(out, 32, "%lld", (long long)((int64_t)(v << unused) >> unused));
    else
        snprintf(out, 32, "%llu", (unsigned long long)(v << unused >> unused));
    return out;
}

static void random_scalar_value(struct texts *t, struct type type)
{
    char text[32];

    switch ((enum type_kind)type.kind) {
    case TYPE_BOOL: put_both(t, PICK("true", "false")); break;
    case TYPE_FLOAT32:
    case TYPE_FLOAT64: put_both(t, PICK("0", "1.5", "-0.25", "1e10", "-3", "12345.678", "0.1")); break;
    case TYPE_STRING: put_text(t, PICK("", "a", "it's", "b\\s", "q\"q", "Zürich", "new\nline", "tab\t", "NULL", "[1]")); break;
    case TYPE_DATE: put_text(t, PICK("2024-02-29", "1970-01-01", "2149-06-06", "2000-12-31")); break;
    case TYPE_DATE32: put_text(t, PICK("2024-02-29", "1900-01-01", "2299-12-31", "1969-12-31", "1970-01-01")); break;
    case TYPE_DATETIME: put_text(t, PICK("2024-02-29 12:34:56", "1971-01-01 00:00:00", "2105-12-31 23:59:59")); break;
    case TYPE_DATETIME64: put_text(t, PICK("2024-02-29 12:34:56.789", "1925-01-01 00:00:00.5", "2200-12-31 23:59:59")); break;
    case TYPE_IPV4: put_text(t, PICK("1.2.3.4", "0.0.0.0", "255.255.255.255")); break;
    case TYPE_IPV6: put_text(t, PICK("::1", "::", "2001:db8::8a2e:370:7334", "::ffff:1.2.3.4")); break;
    case TYPE_UUID: put_text(t, PICK("61f0c404-5cb3-11e7-907b-a6006ad3dba0", "00000000-0000-0000-0000-000000000000",
                                     "FFFFFFFF-0000-4000-8000-00000000000A")); break;
    case TYPE_FIXED_STRING: put_text(t, PICK("", "a", "abc", "é")); break;
    case TYPE_DECIMAL: put_both(t, PICK("0", "1", "-1", "99999", "-99999", "0.01", "12.5", "0.000001", "123.456789012345",
                                        "1e2", "5e-3", "-0.05", "7.")); break;
    case TYPE_ENUM8: put_text(t, PICK("a", "b'c", "")); break;
    case TYPE_ENUM16: put_text(t, PICK("xx", "y")); break;
    default: put_both(t, random_integer(type, text)); break;
    }
}

static void put_space(struct texts *t)
{
    if (chance(10))
        put_both(t, " ");
}

static void random_value(struct texts *t, struct type type);

static void random_key(struct texts *t, struct type type)
{
    size_t before = t->json.n;

    random_scalar_value(t, type);
    if (t->json.p[before] != '"') { /* keys of objects are texts */
        char number[64];
        snprintf(number, sizeof(number), "\"%.*s\"", (int)(t->json.n - before), t->json.p + before);
        t->json.n = before;
        buf_text(&t->json, number);
    }
}

static void random_value(struct texts *t, struct type type)
{
    if (type.is_nullable && chance(25)) {
        buf_text(&t->plain, "NULL");
        buf_text(&t->json, "null");
        return;
    }
    if (!type_is_compound(type)) {
        random_scalar_value(t, type);
        return;
    }
    bool is_tuple = type.kind == TYPE_TUPLE, is_map = type.kind == TYPE_MAP;
    bool is_object = is_map || (is_tuple && type.more->names);
    uint32_t n = is_tuple ? type.more->n : below(4);
    buf_byte(&t->plain, is_tuple ? '(' : is_map ? '{' : '[');
    buf_byte(&t->json, is_object ? '{' : '[');
    for (uint32_t i = 0; i < n; i++) {
        put_space(t);
        if (i)
            put_both(t, ",");
        put_space(t);
        if (is_map) {
            random_key(t, type_element(type, 0));
            put_both(t, ":");
        } else if (is_object) {
            buf_printf(&t->json, "\"%.*s\":", STR_FMT(type.more->names[i]));
        }
        random_value(t, type_element(type, is_tuple ? i : is_map));
    }
    buf_byte(&t->plain, is_tuple ? ')' : is_map ? '}' : ']');
    buf_byte(&t->json, is_object ? '}' : ']');
}

/* ---- comparing ---- */

static void put_sql_text(struct buf *out, struct str s)
{
    buf_text(out, "unhex('");
    for (size_t i = 0; i < s.n; i++)
        buf_printf(out, "%02x", (uint8_t)s.p[i]);
    buf_text(out, "')");
}

static void put_sql_quoted(struct buf *out, const char *s)
{
    buf_byte(out, '\'');
    for (; *s; s++) {
        if (*s == '\'' || *s == '\\')
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)*s);
    }
    buf_byte(out, '\'');
}

/* SELECT what FROM format(name, 'x type', data) */
static bool ask_format(struct buf *answer, const char *what, const char *name, const char *type, struct str data,
                       const char *answer_format)
{
    AUTO_DONE(buf) sql = {0}, structure = {0};

    buf_printf(&structure, "x %s", type);
    buf_printf(&sql, "SELECT %s FROM format(%s, ", what, name);
    put_sql_quoted(&sql, buf_cstr(&structure));
    buf_text(&sql, ", ");
    put_sql_text(&sql, data);
    buf_text(&sql, ") SETTINGS allow_suspicious_low_cardinality_types = 1, date_time_input_format = 'best_effort'");
    return chdb_ask(answer, buf_view(&sql), answer_format);
}

static void print_rows(struct buf *out, const struct column *c, size_t n)
{
    struct type bare = c->type;

    bare.is_nullable = bare.is_low_cardinality = false;
    for (size_t i = 0; i < n; i++) {
        AUTO_DONE(buf) text = {0};
        if (c->nulls && c->nulls[i])
            buf_text(out, "NULL");
        else {
            value_print(&text, bare, (const char *)c->values + i * type_width(bare));
            for (size_t k = 0; k < text.n; k++)
                buf_printf(out, "%02X", (uint8_t)text.p[k]);
        }
        buf_byte(out, '\n');
    }
}

static size_t n_differ;

static bool differs(const char *step, const char *type, const struct buf *data, const struct buf *weir, const struct buf *clickhouse)
{
    if (str_eq(buf_view(weir), buf_view(clickhouse)))
        return false;
    printf("%s differs: %s\n%.*s\n-- weir\n%.*s\n-- clickhouse\n%.*s\n", step, type, (int)data->n, data->p, (int)weir->n,
           weir->p, (int)clickhouse->n, clickhouse->p);
    n_differ++;
    return true;
}

/* FixedString prints all its bytes in weir, toString cuts zeroes at the end. */
static const char *shown_of(struct type t)
{
    return t.kind == TYPE_FIXED_STRING
               ? (t.is_nullable ? "if(isNull(x), 'NULL', hex(assumeNotNull(x)))" : "hex(x)")
               : (t.is_nullable ? "if(isNull(x), 'NULL', hex(assumeNotNull(toString(x))))" : "hex(toString(x))");
}

DEFINE_AUTO_DONE(reject_list)

/* The decoder's batch, printed. */
static void decode(struct buf *out, enum format format, struct type type, struct str data)
{
    struct field field = {.path = STR("x"), .type = type};
    uint32_t position = 0;
    struct decoder_spec spec = {.format = format, .fields = &field, .n_fields = 1, .positions = &position,
                                .n_positions = 1, .max_record_bytes = 1 << 20, .max_columns = 16, .max_depth = 100};
    AUTO_DONE(reject_list) rejects = {0};
    struct decoder *d;
    struct batch b;
    struct err e;

    if (decoder_new(&d, &spec, &e) != ERR_OK)
        abort();
    batch_init(&b, &type, NULL, 1);
    decoder_feed(d, data.p, data.n, 0);
    while (decoder_next(d, &b, &rejects) > 0) {
        print_rows(out, &b.columns[0], b.n_rows);
        batch_reset(&b);
    }
    for (size_t i = 0; i < rejects.n; i++)
        buf_printf(out, "rejected: %s\n", rejects.items[i].reason);
    batch_done(&b);
    decoder_free(d);
}

static void compare_native(const char *name, struct type type, const struct buf *data, const struct buf *expected)
{
    AUTO_DONE(buf) native = {0}, weir = {0}, written = {0}, answer = {0};
    struct native_result r;
    struct err e;

    if (!ask_format(&native, "x", "TSV", name, buf_view(data), "Native")) {
        differs("asking for Native", name, data, expected, &native);
        return;
    }
    if (native_read(&r, native.p, native.n, &e) != ERR_OK) {
        buf_text(&weir, e.text);
        differs("reading Native", name, data, &weir, expected);
        return;
    }
    r.columns[0].column.type = type; /* without a revision ClickHouse leaves zones out */
    print_rows(&weir, &r.columns[0].column, r.n_rows);
    if (!differs("reading Native", name, data, &weir, expected)) {
        char text[1024];
        AUTO_DONE(buf) type_text = {0};
        type_print(&type_text, type);
        snprintf(text, sizeof(text), "%s", buf_cstr(&type_text));
        native_block(&written, 1, r.n_rows);
        native_column_head(&written, "x", text);
        native_column_data(&written, &r.columns[0].column, NULL, r.n_rows);
        ask_format(&answer, shown_of(type), "Native", name, buf_view(&written), "TSVRaw");
        differs("writing Native", name, data, expected, &answer);
    }
    native_result_done(&r);
}

static void compare_type(void)
{
    AUTO_DONE(buf) name = {0}, tsv = {0}, json = {0}, csv = {0}, weir = {0}, answer = {0};
    struct type type;
    struct err e;

    random_type(&name, (int)below(4));
    if (type_parse(&type, str_of(buf_cstr(&name)), &e) != ERR_OK) {
        printf("%s: %s\n", buf_cstr(&name), e.text);
        n_differ++;
        return;
    }
    for (int row = 0; row < N_ROWS; row++) {
        struct texts t = {0};
        random_value(&t, type);
        struct str plain = buf_view(&t.plain);
        if (!type_is_compound(type) && plain.p[0] == '\'') /* bare at the top */
            plain = (struct str){plain.p + 1, plain.n - 2};
        bool is_null = str_is(plain, "NULL") && type.is_nullable && t.plain.p[0] == 'N';
        if (plain.n == 0) { /* an empty line is no record */
            buf_done(&t.plain);
            buf_done(&t.json);
            continue;
        }
        buf_str(&tsv, is_null ? STR("\\N") : plain);
        buf_byte(&tsv, '\n');
        buf_printf(&json, "{\"x\":%.*s}\n", (int)t.json.n, t.json.p);
        buf_byte(&csv, '"');
        for (size_t i = 0; i < plain.n; i++) {
            if (plain.p[i] == '"')
                buf_byte(&csv, '"');
            buf_byte(&csv, (uint8_t)plain.p[i]);
        }
        buf_text(&csv, "\"\n");
        buf_done(&t.plain);
        buf_done(&t.json);
    }
    const char *shown = shown_of(type);
    ask_format(&answer, shown, "TSV", buf_cstr(&name), buf_view(&tsv), "TSVRaw");
    decode(&weir, FORMAT_TSV, type, buf_view(&tsv));
    bool failed = differs("TSV", buf_cstr(&name), &tsv, &weir, &answer);
    buf_reset(&weir);
    if (type_is_compound(type) && type.kind != TYPE_TUPLE) { /* ClickHouse spreads a Tuple over several columns of CSV */
        ask_format(&answer, shown, "CSV", buf_cstr(&name), buf_view(&csv), "TSVRaw");
        decode(&weir, FORMAT_CSV, type, buf_view(&csv));
        differs("CSV", buf_cstr(&name), &csv, &weir, &answer);
        buf_reset(&weir);
    }
    ask_format(&answer, shown, "JSONEachRow", buf_cstr(&name), buf_view(&json), "TSVRaw");
    decode(&weir, FORMAT_JSON_EACH_ROW, type, buf_view(&json));
    differs("JSON", buf_cstr(&name), &json, &weir, &answer);
    if (failed)
        return;
    ask_format(&answer, shown, "TSV", buf_cstr(&name), buf_view(&tsv), "TSVRaw");
    compare_native(buf_cstr(&name), type, &tsv, &answer);
}

int main(int argc, char **argv)
{
    uint64_t seed = (uint64_t)time(NULL), n_cases = 500;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--cases") == 0)
            n_cases = strtoull(argv[i + 1], NULL, 10);
    }
    if (!chdb_open(NULL)) {
        printf("skipped: no libchdb\n");
        return SKIPPED;
    }
    printf("seed %llu\n", (unsigned long long)seed);
    random_seed(seed);
    uint64_t n = 0;
    for (; n < n_cases && n_differ < 10; n++)
        compare_type();
    printf("%llu cases, %zu differ\n", (unsigned long long)n, n_differ);
    fflush(stdout);
    _exit(n_differ ? 1 : 0); /* libchdb's threads outlive main badly */
}
