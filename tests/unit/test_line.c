/* SPDX-License-Identifier: Apache-2.0
 *
 * codec/line: what is cut out of access logs, syslog, logfmt and whole lines (docs/formats/lines.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/decoder.h"
#include "codec/value.h"
#include "expr/regex.h"

enum { NOW = 1716163200 }; /* 2024-05-20 00:00:00 */

static const char common[] = "1.2.3.4 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a%20b.gif HTTP/1.0\" 200 2326";
#define COMBINED(REQUEST, REST) "::1 - - [29/Feb/2024:23:59:59 +0530] \"" REQUEST "\" 404 - " REST
static const char combined[] = COMBINED("POST /x y HTTP/1.1", "\"http://e/\\\"q\\\"\" \"Moz\\x41 \\\\ (x)\" \"5.6.7.8, 9.9.9.9\"");
static const char tls[] = COMBINED("\\x16\\x03\\x01", "\"-\" \"-\"");
static const char rfc5424[] = "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
                              "[exampleSDID@32473 iut=\"3\" eventSource=\"App\\]\"][b@1] \xef\xbb\xbf" "An event";
static const char rfc3164[] = "<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed on /dev/pts/8";
static const char file_line[] = "2024-05-20T00:00:18.123456+02:00 host kernel: [1.0] usb 1-1: new";

static const struct case_ {
    enum format format;
    const char *line, *field, *type, *want; /* want: printed value, or "!" and a part of the reason */
} cases[] = {
    {FORMAT_COMMON_LOG, common, "remote_addr", "String", "1.2.3.4"},
    {FORMAT_COMMON_LOG, common, "remote_addr", "IPv4", "1.2.3.4"},
    {FORMAT_COMMON_LOG, common, "remote_ident", "Nullable(String)", "NULL"},
    {FORMAT_COMMON_LOG, common, "remote_ident", "String", ""},
    {FORMAT_COMMON_LOG, common, "remote_user", "String", "frank"},
    {FORMAT_COMMON_LOG, common, "time_local", "DateTime", "2000-10-10 20:55:36"},
    {FORMAT_COMMON_LOG, common, "time_local", "DateTime64(3)", "2000-10-10 20:55:36.000"},
    {FORMAT_COMMON_LOG, common, "time_local", "String", "10/Oct/2000:13:55:36 -0700"},
    {FORMAT_COMMON_LOG, common, "request", "String", "GET /a%20b.gif HTTP/1.0"},
    {FORMAT_COMMON_LOG, common, "request_method", "String", "GET"},
    {FORMAT_COMMON_LOG, common, "request_uri", "String", "/a%20b.gif"},
    {FORMAT_COMMON_LOG, common, "server_protocol", "String", "HTTP/1.0"},
    {FORMAT_COMMON_LOG, common, "status", "UInt16", "200"},
    {FORMAT_COMMON_LOG, common, "status", "UInt8", "200"},
    {FORMAT_COMMON_LOG, common, "body_bytes_sent", "UInt8", "!column body_bytes_sent: outside"},
    {FORMAT_COMMON_LOG, combined, "status", "UInt16", "!more than a Common Log record"},
    {FORMAT_COMBINED_LOG, common, "status", "UInt16", "!not a combined log record: no referer"},
    {FORMAT_COMBINED_LOG, combined, "remote_addr", "IPv6", "::1"},
    {FORMAT_COMBINED_LOG, combined, "time_local", "DateTime", "2024-02-29 18:29:59"},
    {FORMAT_COMBINED_LOG, combined, "request_method", "String", "POST"},
    {FORMAT_COMBINED_LOG, combined, "request_uri", "String", "/x y"},
    {FORMAT_COMBINED_LOG, combined, "body_bytes_sent", "UInt64", "0"},
    {FORMAT_COMBINED_LOG, combined, "body_bytes_sent", "Nullable(UInt64)", "NULL"},
    {FORMAT_COMBINED_LOG, combined, "http_referer", "String", "http://e/\"q\""},
    {FORMAT_COMBINED_LOG, combined, "http_user_agent", "String", "MozA \\ (x)"},
    {FORMAT_COMBINED_LOG, combined, "http_x_forwarded_for", "String", "5.6.7.8, 9.9.9.9"},
    {FORMAT_COMBINED_LOG, tls, "request", "String", "\x16\x03\x01"},
    {FORMAT_COMBINED_LOG, tls, "request_method", "Nullable(String)", "NULL"},
    {FORMAT_COMBINED_LOG, tls, "http_user_agent", "Nullable(String)", "NULL"},
    {FORMAT_COMBINED_LOG, "a b c", "status", "UInt16", "!not an access log record"},
    {FORMAT_COMBINED_LOG, "a - - [x] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"", "time_local", "DateTime", "!column time_local:"},
    {FORMAT_COMBINED_LOG, "a - - [30/Feb/2024:00:00:00 +0000] \"\" 200 1 \"-\" \"-\"", "time_local", "DateTime",
     "!column time_local:"},
    {FORMAT_COMBINED_LOG, "a - - [x] \"GET / HTTP/1.1", "status", "UInt16", "!not an access log record: no request"},
    {FORMAT_COMBINED_LOG, " \"curl/7.54.0\"", "status", "UInt16", "!not an access log record"},
    {FORMAT_LOGFMT, "level=info msg=\"a \\\"b\\\" \\u00e9\\ud83d\\ude00\" n=5 on t=2024-05-20T01:02:03Z", "msg", "String",
     "a \"b\" \xc3\xa9\xf0\x9f\x98\x80"},
    {FORMAT_LOGFMT, "level=info n=5 on", "n", "UInt8", "5"},
    {FORMAT_LOGFMT, "level=info n=5 on", "on", "Bool", "true"},
    {FORMAT_LOGFMT, "level=info n=5 on", "off", "Nullable(Bool)", "NULL"},
    {FORMAT_LOGFMT, "n=1 n=2", "n", "UInt8", "2"},
    {FORMAT_LOGFMT, "n= m=1", "n", "String", ""},
    {FORMAT_LOGFMT, "t=2024-05-20T01:02:03Z", "t", "DateTime", "2024-05-20 01:02:03"},
    {FORMAT_LOGFMT, "n=\"1", "n", "UInt8", "!a text in quotes does not end"},
    {FORMAT_LOGFMT, "=1", "n", "UInt8", "!a value without a key"},
    {FORMAT_LOGFMT, "n=\"\\q\"", "n", "String", "!a wrong escape"},
    {FORMAT_LOGFMT, "n=\"a\"b", "n", "String", "!something follows"},
    {FORMAT_LOGFMT, "n=x", "n", "UInt8", "!column n: not a number"},
    {FORMAT_LOGFMT, "   ", "n", "UInt8", "!no key=value"},
    {FORMAT_SYSLOG, rfc5424, "facility", "UInt8", "20"},
    {FORMAT_SYSLOG, rfc5424, "severity", "UInt8", "5"},
    {FORMAT_SYSLOG, rfc5424, "timestamp", "DateTime64(3)", "2003-10-11 22:14:15.003"},
    {FORMAT_SYSLOG, rfc5424, "hostname", "String", "mymachine.example.com"},
    {FORMAT_SYSLOG, rfc5424, "app_name", "String", "evntslog"},
    {FORMAT_SYSLOG, rfc5424, "procid", "Nullable(String)", "NULL"},
    {FORMAT_SYSLOG, rfc5424, "msgid", "String", "ID47"},
    {FORMAT_SYSLOG, rfc5424, "structured_data", "String", "[exampleSDID@32473 iut=\"3\" eventSource=\"App\\]\"][b@1]"},
    {FORMAT_SYSLOG, rfc5424, "message", "String", "An event"},
    {FORMAT_SYSLOG, rfc3164, "priority", "UInt8", "34"},
    {FORMAT_SYSLOG, rfc3164, "timestamp", "DateTime", "2023-10-11 22:14:15"},
    {FORMAT_SYSLOG, rfc3164, "timestamp", "DateTime('Asia/Kolkata')", "2023-10-11 22:14:15"},
    {FORMAT_SYSLOG, rfc3164, "app_name", "String", "su"},
    {FORMAT_SYSLOG, rfc3164, "procid", "UInt32", "12"},
    {FORMAT_SYSLOG, rfc3164, "message", "String", "'su root' failed on /dev/pts/8"},
    {FORMAT_SYSLOG, "May 20 23:59:59 h x: y", "timestamp", "DateTime", "2024-05-20 23:59:59"},
    {FORMAT_SYSLOG, "May 21 00:00:01 h x: y", "timestamp", "DateTime", "2023-05-21 00:00:01"},
    {FORMAT_SYSLOG, "Feb 29 00:00:01 h x: y", "timestamp", "DateTime", "2024-02-29 00:00:01"},
    {FORMAT_SYSLOG, "Feb 30 00:00:01 h x: y", "timestamp", "DateTime", "!column timestamp:"},
    {FORMAT_SYSLOG, file_line, "timestamp", "DateTime64(6)", "2024-05-19 22:00:18.123456"},
    {FORMAT_SYSLOG, file_line, "app_name", "String", "kernel"},
    {FORMAT_SYSLOG, file_line, "message", "String", "[1.0] usb 1-1: new"},
    {FORMAT_SYSLOG, "May  1 00:00:01 h just words", "message", "String", "just words"},
    {FORMAT_SYSLOG, "<192>May  1 00:00:01 h x: y", "message", "String", "!not a syslog record: a wrong priority"},
    {FORMAT_SYSLOG, "<1>1 2003-10-11T22:14:15Z h a b c", "message", "String", "!not a syslog record (RFC 5424)"},
    {FORMAT_SYSLOG, "<1>1 2003-10-11T22:14:15Z h a b c [x", "message", "String", "!not a syslog record (RFC 5424)"},
    {FORMAT_SYSLOG, "hello", "message", "String", "!not a syslog record"},
    {FORMAT_LINE_AS_STRING, " a,\"b ", "x", "String", " a,\"b "},
    {FORMAT_JSON_AS_STRING, " {\"a\": [1]} ", "x", "String", "{\"a\": [1]}"},
    {FORMAT_JSON_AS_STRING, "{\"a\": [1}", "x", "String", "!a JSON object that is damaged"},
    {FORMAT_JSON_AS_STRING, "[1]", "x", "String", "!not a JSON object"},
    {FORMAT_JSON_AS_STRING, "{} {}", "x", "String", "!something stands behind"},
};

/* The field's value of one line, printed, or "!reason". */
static void decode_one(struct buf *out, const struct case_ *c, const char *line_end)
{
    struct err e;
    struct field field = {.path = str_of(c->field)};
    struct decoder_spec spec = {.format = c->format, .fields = &field, .n_fields = 1};
    struct decoder *d;
    struct batch b;
    struct reject_list rejects = {0};
    AUTO_DONE(buf) data = {0};
    assert_int_equal(type_parse(&field.type, str_of(c->type), &e), ERR_OK);
    batch_init(&b, &field.type, NULL, 1);
    assert_int_equal(decoder_new(&d, &spec, &e), ERR_OK);
    buf_printf(&data, "%s%s", c->line, line_end);
    size_t n = data.n;
    buf_reserve(&data, 64);
    decoder_set_now(d, NOW);
    decoder_feed(d, data.p, n, 0);
    assert_int_equal(decoder_next(d, &b, &rejects), 1);
    if (rejects.n) {
        buf_printf(out, "!%s", rejects.items[0].reason);
        assert_true(str_is(rejects.items[0].bytes, c->line));
    } else if (b.columns[0].nulls && b.columns[0].nulls[0]) {
        buf_text(out, "NULL");
    } else {
        value_print(out, field.type, b.columns[0].values);
    }
    decoder_free(d);
    batch_done(&b);
    reject_list_done(&rejects);
}

static void fields_are_cut_out_of_lines(void **state)
{
    static const char *const ends[] = {"\n", "\r\n", ""};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t k = 0; k < COUNT(ends); k++) {
            AUTO_DONE(buf) got = {0};
            decode_one(&got, &cases[i], ends[k]);
            bool is_right = *cases[i].want == '!' ? str_starts(buf_view(&got), cases[i].want)
                                                  : str_is(buf_view(&got), cases[i].want);
            if (!is_right)
                print_error("%s of %s: got %s, want %s\n", cases[i].field, cases[i].line, buf_cstr(&got), cases[i].want);
            assert_true(is_right);
        }
    }
}

static void runs_of_lines_become_rows_and_rejects_at_their_places(void **state)
{
    struct err e;
    struct field fields[] = {{.path = STR("n"), .type = {.kind = TYPE_UINT64}}};
    struct decoder_spec spec = {.format = FORMAT_LOGFMT, .fields = fields, .n_fields = 1};
    struct decoder *d;
    struct batch b;
    struct reject_list rejects = {0};
    AUTO_DONE(buf) data = {0};
    enum { N = 10000 };
    batch_init(&b, &fields[0].type, NULL, 1);
    assert_int_equal(decoder_new(&d, &spec, &e), ERR_OK);
    for (int i = 0; i < N; i++)
        buf_printf(&data, i % 7 == 0 ? "n=x%d\n" : i % 11 == 0 ? "\nn=%d\n" : "n=%d\n", i);
    size_t n = data.n, n_rows = 0, n_rejects = 0;
    buf_reserve(&data, 64);
    decoder_feed(d, data.p, n, 1000);
    for (;;) {
        batch_reset(&b);
        reject_list_reset(&rejects);
        if (decoder_next(d, &b, &rejects) == 0)
            break;
        for (size_t i = 0; i < b.n_rows; i++) {
            char text[30];
            snprintf(text, sizeof(text), "n=%llu\n", (unsigned long long)COLUMN(&b.columns[0], uint64_t)[i]);
            assert_memory_equal(data.p + b.offsets[i] - 1000, text, strlen(text));
            assert_int_equal(b.lengths[i], strlen(text) - 1);
        }
        n_rows += b.n_rows;
        n_rejects += rejects.n;
    }
    assert_int_equal(n_rows + n_rejects, N);
    assert_int_equal(n_rejects, (N + 6) / 7);
    decoder_free(d);
    batch_done(&b);
    reject_list_done(&rejects);
}

static void groups_are_unescaped_by_the_rule(void **state)
{
    static const struct pattern_engine engine = {regex_new, regex_free, regex_n_groups, regex_find};
    static const uint32_t positions[] = {1, 0};
    static const struct {
        const char *pattern, *line;
        enum regexp_escaping rule;
        bool skips;
        const char *want;
    } lines[] = {
        {"(\\d+)-(.*)", "5-a\\tb", REGEXP_RAW, false, "a\\tb 5"},
        {"(\\d+)-(.*)", "5-a\\tb", REGEXP_ESCAPED, false, "a\tb 5"},
        {"(\\d+)-(.*)", "5-\\N", REGEXP_ESCAPED, false, "NULL 5"},
        {"(\\d+)-(.*)", "5-\"a\"\"b\"", REGEXP_CSV, false, "a\"b 5"},
        {"(\\d+)-(.*)", "5-\"a", REGEXP_CSV, false, "!a quoted field"},
        {"(\\d+)-(.*)", "x5-a", REGEXP_RAW, false, "!does not match"},
        {"(\\d+)-(.*)", "x5-a", REGEXP_RAW, true, ""},
        {"(\\d+)(-a|-b)?", "5", REGEXP_RAW, false, "NULL 5"},
        {"(\\d+)(-a|-b*)|x", "5-bb", REGEXP_RAW, false, "-bb 5"},
        {"(\\d+)-(.*)", "300-", REGEXP_RAW, false, "!column n: outside"},
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct err e;
        struct field fields[2] = {{.path = STR("s")}, {.path = STR("n")}};
        struct type types[2];
        assert_int_equal(type_parse(&types[0], STR("Nullable(String)"), &e), ERR_OK);
        assert_int_equal(type_parse(&types[1], STR("UInt8"), &e), ERR_OK);
        fields[0].type = types[0];
        fields[1].type = types[1];
        struct decoder_spec spec = {.format = FORMAT_REGEXP, .fields = fields, .n_fields = 2, .positions = positions,
                                    .n_positions = 2, .pattern = str_of(lines[i].pattern), .escaping = lines[i].rule,
                                    .skips_unmatched = lines[i].skips, .patterns = &engine};
        struct decoder *d;
        struct batch b;
        struct reject_list rejects = {0};
        AUTO_DONE(buf) got = {0};
        assert_int_equal(decoder_new(&d, &spec, &e), ERR_OK);
        batch_init(&b, types, NULL, 2);
        decoder_feed(d, lines[i].line, strlen(lines[i].line), 9);
        decoder_next(d, &b, &rejects);
        if (b.n_rows) {
            struct str text = COLUMN(&b.columns[0], struct str)[0];
            buf_printf(&got, "%.*s %u", STR_FMT((b.columns[0].nulls[0] ? STR("NULL") : text)),
                       COLUMN(&b.columns[1], uint8_t)[0]);
        } else if (rejects.n) {
            buf_printf(&got, "!%.*s", (int)strlen(lines[i].want) - 1, rejects.items[0].reason);
        }
        assert_string_equal(buf_cstr(&got), lines[i].want);
        decoder_free(d);
        batch_done(&b);
        reject_list_done(&rejects);
        spec.n_positions = 3;
        assert_int_equal(decoder_new(&d, &spec, &e), ERR_INVALID);
        spec.pattern = STR("(");
        assert_int_equal(decoder_new(&d, &spec, &e), ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_cut_out_of_lines),
        cmocka_unit_test(groups_are_unescaped_by_the_rule),
        cmocka_unit_test(runs_of_lines_become_rows_and_rejects_at_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
