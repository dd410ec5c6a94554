/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays, maps, tuples and the scalars beside them, read from JSON, CSV and TSV: values and reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/decoder.h"
#include "codec/value.h"

/* All values of one column, a line each; rejects as "! reason". */
static void decode(struct buf *out, enum format format, const char *path, const char *type, const char *text)
{
    struct field field = {.path = str_of(path)};
    uint32_t position = 0;
    struct decoder_spec spec = {.format = format, .fields = &field, .n_fields = 1, .positions = &position,
                                .n_positions = 1, .max_record_bytes = 1 << 20, .max_columns = 16, .max_depth = 50};
    struct reject_list rejects = {0};
    struct decoder *d;
    struct batch b;
    struct err e;

    buf_reset(out);
    if (type_parse(&field.type, str_of(type), &e) != ERR_OK)
        fail_msg("%s", e.text);
    assert_int_equal(decoder_new(&d, &spec, &e), ERR_OK);
    batch_init(&b, &field.type, NULL, 1);
    decoder_feed(d, text, strlen(text), 0);
    while (decoder_next(d, &b, &rejects) > 0) {
        struct column *c = &b.columns[0];
        struct type bare = c->type;
        bare.is_nullable = bare.is_low_cardinality = false;
        for (size_t i = 0; i < b.n_rows; i++) {
            buf_text(out, out->n ? "|" : "");
            if (c->nulls && c->nulls[i])
                buf_text(out, "NULL");
            else
                value_print(out, bare, (const char *)c->values + i * type_width(c->type));
        }
        for (size_t i = 0; i < rejects.n; i++)
            buf_printf(out, "%s! %s", out->n ? "|" : "", rejects.items[i].reason);
        batch_reset(&b);
        reject_list_reset(&rejects);
    }
    reject_list_done(&rejects);
    batch_done(&b);
    decoder_free(d);
    buf_cstr(out);
}

struct reading {
    const char *type, *text, *shown;
};

static void check_all(enum format format, const struct reading *cases, size_t n)
{
    AUTO_DONE(buf) out = {0};

    for (size_t i = 0; i < n; i++) {
        decode(&out, format, "x", cases[i].type, cases[i].text);
        if (strcmp(buf_cstr(&out), cases[i].shown) != 0)
            fail_msg("%s of %s: %s, not %s", cases[i].text, cases[i].type, buf_cstr(&out), cases[i].shown);
    }
}

static void json_values_are_read_or_refused(void **state)
{
    static const struct reading cases[] = {
        {"Array(Int32)", "{\"x\":[1, 2 ]}\n{\"x\":[]}\n{\"x\":null}\n{}\n{\"x\":[null,\"3\"]}\n", "[1,2]|[]|[]|[]|[0,3]"},
        {"Array(Int32)", "{\"x\":\"[1]\"}\n", "! column 'x': text where an array is wanted"},
        {"Array(Int32)", "{\"x\":7}\n", "! column 'x': an array is wanted"},
        {"Array(Int32)", "{\"x\":{}}\n", "! column 'x': an object where an array is wanted"},
        {"Array(Int8)", "{\"x\":[300]}\n", "! column 'x': outside the type's range"},
        {"Array(String)", "{\"x\":[\"a\\n\",1,{\"b\":1},[2, 3],null]}\n", "['a\\n','1','{\"b\":1}','[2, 3]','']"},
        {"Array(Nullable(String))", "{\"x\":[null,\"null\"]}\n", "[NULL,'null']"},
        {"Tuple(Int8, String)", "{\"x\":[1,\"a\"]}\n", "(1,'a')"},
        {"Tuple(Int8, String)", "{\"x\":[1]}\n", "! column 'x': an array with fewer elements than its Tuple"},
        {"Tuple(Int8, String)", "{\"x\":[1,2,3]}\n", "! column 'x': an array with more elements than its Tuple"},
        {"Tuple(a Int8, b Nullable(String))", "{\"x\":{\"c\":[1],\"a\":5}}\n{\"x\":{}}\n{}\n", "(5,NULL)|(0,NULL)|(0,NULL)"},
        {"Tuple(a Int8)", "{\"x\":{\"a\":1,\"a\":2}}\n", "! column 'x': a key is there twice"},
        {"Map(String, Array(UInt8))", "{\"x\":{\"a\\\"\":[1],\"b\":[]}}\n", "{'a\"':[1],'b':[]}"},
        {"Map(UInt8, String)", "{\"x\":{\"1\":\"a\",\"q\":\"b\"}}\n", "! column 'x': not a number"},
        {"Enum8('a' = 1, 'b' = 2)", "{\"x\":\"b\"}\n{\"x\":1}\n{}\n", "b|a|a"},
        {"Enum8('a' = 1)", "{\"x\":\"c\"}\n", "! column 'x': not a name of the enum"},
        {"UUID", "{\"x\":\"61F0C404-5cb3-11e7-907b-a6006ad3dba0\"}\n", "61f0c404-5cb3-11e7-907b-a6006ad3dba0"},
        {"UUID", "{\"x\":\"61f0c404\"}\n", "! column 'x': not a UUID"},
        {"Decimal(9, 2)", "{\"x\":1.239}\n{\"x\":\"-5\"}\n{\"x\":1e3}\n", "1.23|-5|1000"},
        {"Decimal(9, 2)", "{\"x\":12345678}\n", "! column 'x': a number too large for the type"},
        {"FixedString(3)", "{\"x\":\"abcd\"}\n", "! column 'x': text longer than its FixedString"},
        {"Date32", "{\"x\":\"1899-12-31\"}\n", "! column 'x': a date outside Date32 (1900-01-01 to 2299-12-31)"},
        {"Date32", "{\"x\":\"1900-01-01\"}\n{\"x\":-1}\n", "1900-01-01|1969-12-31"},
    };
    check_all(FORMAT_JSON_EACH_ROW, cases, COUNT(cases));
}

static void csv_values_are_read_or_refused(void **state)
{
    static const struct reading cases[] = {
        {"Array(Int32)", "\"[1, 2]\"\n[]\n[3]\n\\N\n", "[1,2]|[]|[3]|[]"},
        {"Array(String)", "\"['a','it''s',\"\"b\"\"]\"\n", "! column x: text in single quotes is wanted in it"},
        {"Array(String)", "\"['a','it''s']\"\n", "['a','it\\'s']"},
        {"Array(Int32)", "\"[1\"\n", "! column x: ',' or the closing bracket is wanted"},
        {"Array(Int32)", "1\n", "! column x: an array begins with '['"},
        {"Tuple(Int8, String)", "\"(1,'a')\"\n", "(1,'a')"},
        {"Map(String, Int32)", "\"{'a':1, 'b' : 2}\"\n{}\n", "{'a':1,'b':2}|{}"},
        {"Decimal(9, 2)", "1.239\n\"-0.05\"\n", "1.23|-0.05"},
        {"Enum8('a' = 1)", "a\n1\n", "a|a"},
    };
    check_all(FORMAT_CSV, cases, COUNT(cases));
}

static void paths_lead_into_arrays(void **state)
{
    AUTO_DONE(buf) out = {0};
    static const char text[] = "{\"a\":{\"b\":[{\"c\":1},{\"c\":2}]}}\n{\"a\":{\"b\":[]}}\n{\"a\":{\"b\":7}}\n{\"a\":null}\n"
                               "{\"a\":{\"b\":[5,{\"c\":3}]}}\n";

    decode(&out, FORMAT_JSON_EACH_ROW, "a.b[1].c", "Int32", text);
    assert_string_equal(out.p, "2|0|0|0|3");
    decode(&out, FORMAT_JSON_EACH_ROW, "a.b[0]", "String", text);
    assert_string_equal(out.p, "{\"c\":1}||||5");
    decode(&out, FORMAT_JSON_EACH_ROW, "a.b[1].c", "UUID", text);
    assert_string_equal(out.p, "00000000-0000-0000-0000-000000000000|00000000-0000-0000-0000-000000000000|"
                               "00000000-0000-0000-0000-000000000000|! column 'a.b[1].c': text in quotes is wanted|"
                               "! column 'a.b[1].c': text in quotes is wanted");
    decode(&out, FORMAT_JSON_EACH_ROW, "a.\"x.y\"", "Int32", "{\"a\":{\"x.y\":4}}\n");
    assert_string_equal(out.p, "4");
    decode(&out, FORMAT_JSON_EACH_ROW, "\"a[0]\"", "Int32", "{\"a[0]\":4}\n");
    assert_string_equal(out.p, "4");
}

static void what_no_column_wants_is_a_map(void **state)
{
    struct field fields[3] = {{.path = STR("a")}, {.path = STR("*")}, {.path = STR("n.x")}};
    struct decoder_spec spec = {.format = FORMAT_JSON_EACH_ROW, .fields = fields, .n_fields = 3,
                                .max_record_bytes = 1 << 20, .max_columns = 16, .max_depth = 50};
    static const char text[] = "{\"a\":1,\"b\":\"x\\ny\",\"n\":{\"x\":2},\"c\":[1, 2]}\n{\"a\":2}\n{\"d\":null,\"e\":1.5}\n";
    struct reject_list rejects = {0};
    struct type types[3];
    struct decoder *d;
    struct batch b;
    struct err e;
    AUTO_DONE(buf) out = {0};

    assert_int_equal(type_parse(&fields[0].type, STR("UInt8"), &e), ERR_OK);
    assert_int_equal(type_parse(&fields[1].type, STR("Map(String, String)"), &e), ERR_OK);
    assert_int_equal(type_parse(&fields[2].type, STR("UInt8"), &e), ERR_OK);
    for (int i = 0; i < 3; i++)
        types[i] = fields[i].type;
    assert_int_equal(decoder_new(&d, &spec, &e), ERR_OK);
    batch_init(&b, types, NULL, 3);
    decoder_feed(d, text, strlen(text), 0);
    assert_int_equal(decoder_next(d, &b, &rejects), 3);
    for (size_t i = 0; i < 3; i++)
        value_print(&out, types[1], COLUMN(&b.columns[1], struct array_value) + i);
    assert_string_equal(buf_cstr(&out), "{'b':'x\\ny','c':'[1, 2]'}{}{'d':'','e':'1.5'}");
    reject_list_done(&rejects);
    batch_done(&b);
    decoder_free(d);
}

static void copies_are_the_same_and_their_own(void **state)
{
    static const char *const cases[][2] = {
        {"Array(Tuple(a Int8, b Nullable(String)))", "[(1,'x'),(2,NULL)]"},
        {"Map(String, Array(UUID))", "{'k':['61f0c404-5cb3-11e7-907b-a6006ad3dba0'],'':[]}"},
        {"Tuple(Array(Array(Nullable(Int16))), FixedString(2), Enum8('a' = 1))", "([[1,NULL],[]],'ab','a')"},
    };
    AUTO_DONE(arena) first = {0}, second = {0};
    AUTO_DONE(buf) text = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct type t;
        struct err e;
        _Alignas(16) char a[16], b[16];
        assert_int_equal(type_parse(&t, str_of(cases[i][0]), &e), ERR_OK);
        assert_null(value_parse_in(a, t, str_of(cases[i][1]), &first));
        value_copy(&second, t, b, a);
        assert_true(value_same(t, a, b));
        assert_true(value_hash_deep(t, a) == value_hash_deep(t, b));
        memset(a, 0, sizeof(a));
        arena_reset(&first);
        buf_reset(&text);
        value_print(&text, t, b);
        assert_string_equal(buf_cstr(&text), cases[i][1]);
        value_default(t, a);
        assert_false(value_same(t, a, b));
        arena_reset(&second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_values_are_read_or_refused), cmocka_unit_test(csv_values_are_read_or_refused),
        cmocka_unit_test(paths_lead_into_arrays),          cmocka_unit_test(what_no_column_wants_is_a_map),
        cmocka_unit_test(copies_are_the_same_and_their_own),
    };
    return cmocka_run_group_tests_name("compound", tests, NULL, NULL);
}
