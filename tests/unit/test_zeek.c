/* SPDX-License-Identifier: Apache-2.0
 *
 * codec/zeek: headers, cells, and what is no record (docs/formats/zeek.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/decoder.h"
#include "codec/value.h"

#define MARKS "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tx\n#open\ty\n"

static const struct case_ {
    const char *zeek_type, *cell, *type, *want; /* want: printed value, or "!" and a part of the reason */
} cases[] = {
    {"string", "a b", "String", "a b"},
    {"string", "a\\x09b\\\\c\\xzz\\", "String", "a\tb\\c\\xzz\\"},
    {"string", "-", "String", ""},
    {"string", "-", "Nullable(String)", "NULL"},
    {"string", "\\x2d", "Nullable(String)", "-"},
    {"string", "(empty)", "Nullable(String)", ""},
    {"string", "\\x28empty)", "LowCardinality(String)", "(empty)"},
    {"time", "1713596330.099631", "DateTime64(6)", "2024-04-20 06:58:50.099631"},
    {"time", "1713596330.099631", "DateTime64(3)", "2024-04-20 06:58:50.099"},
    {"time", "1713596330.099631", "DateTime64(9)", "2024-04-20 06:58:50.099631000"},
    {"time", "1713596330.999999", "DateTime", "2024-04-20 06:58:50"},
    {"time", "0.000000", "DateTime64(6)", "1970-01-01 00:00:00.000000"},
    {"time", "-0.500000", "DateTime64(1)", "1969-12-31 23:59:59.5"},
    {"time", "1713596330.099631", "Float64", "1713596330.099631"},
    {"time", "1713596330.099631", "String", "1713596330.099631"},
    {"time", "-", "DateTime", "1970-01-01 00:00:00"},
    {"time", "x", "DateTime", "!column v: "},
    {"time", "99999999999999.0", "DateTime", "!column v: "},
    {"interval", "0.000870", "Float64", "0.00087"},
    {"interval", "65.131450", "Decimal(18, 6)", "65.13145"},
    {"interval", "-", "Nullable(Float64)", "NULL"},
    {"count", "919", "UInt64", "919"},
    {"count", "-", "UInt64", "0"},
    {"count", "x", "UInt64", "!column v: not a number"},
    {"count", "", "UInt64", "!column v: "},
    {"port", "80", "UInt16", "80"},
    {"bool", "T", "Bool", "true"},
    {"bool", "F", "Bool", "false"},
    {"bool", "T", "UInt8", "1"},
    {"bool", "-", "Nullable(Bool)", "NULL"},
    {"addr", "162.158.90.254", "IPv4", "162.158.90.254"},
    {"addr", "fe80::1", "IPv6", "fe80::1"},
    {"addr", "fe80::1", "IPv4", "!column v: "},
    {"enum", "tcp", "Enum8('tcp' = 1, 'udp' = 2)", "tcp"},
    {"set[string]", "a,b\\x2cc,-,(empty)", "Array(String)", "['a','b,c','','']"},
    {"set[string]", "a,-", "Array(Nullable(String))", "['a',NULL]"},
    {"set[string]", "a,b\\x2cc", "String", "a,b\\x2cc"},
    {"set[string]", "(empty)", "Array(String)", "[]"},
    {"set[string]", "-", "Array(String)", "[]"},
    {"set[string]", "(empty)", "String", ""},
    {"vector[interval]", "1.500000,2.000000", "Array(Float64)", "[1.5,2]"},
    {"vector[count]", "1,x", "Array(UInt8)", "!column v: not a number"},
    {"vector[time]", "1713596330.099631", "Array(DateTime64(3))", "['2024-04-20 06:58:50.099']"},
    {"vector[bool]", "T,F", "Array(UInt8)", "[1,0]"},
};

struct run {
    struct decoder *d;
    struct batch batch;
    struct reject_list rejects;
    struct buf out; /* "a|b\n" a row, "!reason\n" a reject */
};

static void run_init(struct run *r, const struct field *fields, size_t n)
{
    struct err e;
    struct type types[8];
    bool has_default[8];
    struct decoder_spec spec = {.format = FORMAT_ZEEK, .fields = fields, .n_fields = n};

    *r = (struct run){0};
    for (size_t i = 0; i < n; i++) {
        types[i] = fields[i].type;
        has_default[i] = fields[i].has_default;
    }
    assert_int_equal(decoder_new(&r->d, &spec, &e), ERR_OK);
    batch_init(&r->batch, types, has_default, n);
}

static void run_done(struct run *r)
{
    decoder_free(r->d);
    batch_done(&r->batch);
    reject_list_done(&r->rejects);
    buf_done(&r->out);
}

static void put_rows(struct run *r)
{
    for (size_t row = 0; row < r->batch.n_rows; row++) {
        for (size_t i = 0; i < r->batch.n_columns; i++) {
            const struct column *c = &r->batch.columns[i];
            buf_text(&r->out, i ? "|" : "");
            buf_text(&r->out, c->missing && c->missing[row] ? "D" : "");
            if (c->nulls && c->nulls[row])
                buf_text(&r->out, "NULL");
            else
                value_print(&r->out, c->type, (const char *)c->values + row * type_width(c->type));
        }
        buf_byte(&r->out, '\n');
    }
    for (size_t i = 0; i < r->rejects.n; i++)
        buf_printf(&r->out, "!%s\n", r->rejects.items[i].reason);
}

static const char *run_text(struct run *r, const char *text)
{
    decoder_feed(r->d, text, strlen(text), 100);
    for (;;) {
        batch_reset(&r->batch);
        reject_list_reset(&r->rejects);
        if (decoder_next(r->d, &r->batch, &r->rejects) == 0)
            return buf_cstr(&r->out);
        put_rows(r);
    }
}

static void cells_are_read_by_the_types_of_the_header(void **state)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct case_ *c = &cases[i];
        for (size_t n_rows = 1; n_rows < 40; n_rows += 19) { /* few are read by other loops than many */
            struct err e;
            struct field field = {.path = STR("v")};
            struct run r;
            AUTO_DONE(buf) header = {0};
            AUTO_DONE(buf) text = {0};
            assert_int_equal(type_parse(&field.type, str_of(c->type), &e), ERR_OK);
            run_init(&r, &field, 1);
            buf_printf(&header, MARKS "#fields\tu\tv\tw\n#types\tstring\t%s\tcount\n", c->zeek_type);
            assert_int_equal(decoder_header(r.d, buf_view(&header), &e), ERR_OK);
            for (size_t k = 0; k < n_rows; k++)
                buf_printf(&text, "u%zu\t%s\t5\n", k, c->cell);
            const char *got = run_text(&r, buf_cstr(&text));
            for (size_t k = 0; k < n_rows; k++) {
                bool is_equal = c->want[0] == '!' ? strncmp(got, c->want, strlen(c->want)) == 0
                                                  : strncmp(got, c->want, strlen(c->want)) == 0 &&
                                                        got[strlen(c->want)] == '\n';
                if (!is_equal)
                    fail_msg("%s as %s: %s", c->cell, c->type, got);
                got = strchr(got, '\n') + 1;
            }
            run_done(&r);
        }
    }
}

static void columns_are_found_by_name(void **state)
{
    struct err e;
    struct field fields[3] = {{.path = STR("b")}, {.path = STR("id.a")}, {.path = STR("c")}};
    struct run r;
    assert_int_equal(type_parse(&fields[0].type, STR("UInt8"), &e), ERR_OK);
    assert_int_equal(type_parse(&fields[1].type, STR("String"), &e), ERR_OK);
    assert_int_equal(type_parse(&fields[2].type, STR("Nullable(UInt8)"), &e), ERR_OK);
    run_init(&r, fields, 3);
    assert_string_equal(run_text(&r, "#x\n1\t2\n"), "!no #fields line stands before it\n");
    assert_int_equal(decoder_header(r.d, STR(MARKS "#fields\tid.a\tb\tc\n#types\tstring\tcount\tcount"), &e), ERR_OK);
    buf_reset(&r.out);
    assert_string_equal(run_text(&r, "x\t1\t2\n#close\tx\ty\n\ny\t3\n"), "1|x|2\n!2 columns instead of 3\n");
    assert_int_equal(decoder_header(r.d, STR("#separator |\n#fields|b|d|id.a"), &e), ERR_OK);
    buf_reset(&r.out);
    assert_string_equal(run_text(&r, "1|2|x|\n1|2|x\n"), "1|x|NULL\n!4 columns instead of 3\n");
    assert_int_equal(decoder_header(r.d, STR("#fields\tb\n#types\tcount"), &e), ERR_NOT_FOUND);
    buf_reset(&r.out);
    assert_string_equal(run_text(&r, "1\n#close\n"), "!column 'id.a' is not in the header\n");
    assert_int_equal(decoder_header(r.d, STR("#fields\tb\tb\tid.a"), &e), ERR_INVALID);
    assert_int_equal(decoder_header(r.d, STR("#separator \\x0a\n#fields\tb"), &e), ERR_INVALID);
    run_done(&r);
}

static void the_header_in_force_is_followed(void **state)
{
    AUTO_DONE(buf) header = {0};
    static const char text[] = MARKS "#fields\ta\n#types\tcount\n1\n#close\tx\n2\n#remark\n" "#fields\tb\n3\n";
    size_t n = strlen(text), at = decoder_header_pass(&header, text, n);

    assert_int_equal(at, n - strlen("#fields\tb\n3\n"));
    assert_string_equal(buf_cstr(&header), "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
                                           "#fields\ta\n#types\tcount\n");
    assert_int_equal(decoder_header_pass(&header, text + at, n - at), n - at);
    assert_string_equal(buf_cstr(&header), "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
                                           "#fields\tb\n#types\tcount\n");
    decoder_header_pass(&header, "#separator \\x20\n", 15);
    assert_string_equal(buf_cstr(&header), "#separator \\x20\n");
}

static void a_header_is_complete_when_a_record_begins(void **state)
{
    struct str line;
    assert_int_equal(decoder_header_length(FORMAT_ZEEK, "#a\n#b\n", 6, &line), 0);
    assert_int_equal(decoder_header_length(FORMAT_ZEEK, "#a\n#b", 5, &line), 0);
    assert_int_equal(decoder_header_length(FORMAT_ZEEK, "1\n", 2, &line), 0);
    assert_int_equal(decoder_header_length(FORMAT_ZEEK, "\xef\xbb\xbf#a\n#b\n1", 10, &line), 9);
    assert_memory_equal(line.p, "#a\n#b\n", line.n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_read_by_the_types_of_the_header),
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(the_header_in_force_is_followed),
        cmocka_unit_test(a_header_is_complete_when_a_record_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
