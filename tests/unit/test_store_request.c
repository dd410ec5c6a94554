/* SPDX-License-Identifier: Apache-2.0
 *
 * weir-store's reading of statements, addresses and headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* the program's own files: they are no part of the library */
#include "store/host/request.c"
#include "store/host/statement.c"

/* "kind head|format|data" of an INSERT, "kind format|end" of anything else, or why it is
 * refused. */
static void shape_of(struct buf *out, const char *text, bool is_whole)
{
    static const char *const kinds[] = {"empty", "select", "insert", "other"};
    struct statement s;

    buf_reset(out);
    if (statement_scan(&s, str_of(text), is_whole) == SCAN_NEEDS_MORE) {
        buf_text(out, "more");
        return;
    }
    if (s.refused_code)
        buf_printf(out, "refused %d", s.refused_code);
    else if (s.kind == STATEMENT_INSERT_DATA)
        buf_printf(out, "insert %.*s|%.*s|%s", (int)s.head_end, text, STR_FMT(s.format),
                   text + s.data_at);
    else if (s.kind == STATEMENT_EMPTY)
        buf_text(out, "empty");
    else
        buf_printf(out, "%s %.*s|%.*s", kinds[s.kind], STR_FMT(s.format), (int)s.end, text);
}

static void check_shapes(const char *const (*cases)[2], size_t n, bool is_whole)
{
    AUTO_DONE(buf) have = {0};

    for (size_t i = 0; i < n; i++) {
        shape_of(&have, cases[i][0], is_whole);
        assert_string_equal(buf_cstr(&have), cases[i][1]);
    }
}

static void whole_statements_show_their_shape(void **state)
{
    static const char *const cases[][2] = {
        {"", "empty"},
        {" ; -- x\n;", "empty"},
        {"select 1", "select |select 1"},
        {"SELECT 1 ; ", "select |SELECT 1"},
        {"SELECT 1 FORMAT JSON", "select JSON|SELECT 1 FORMAT JSON"},
        {"SELECT 1 format JSON SETTINGS a = 1;", "select JSON|SELECT 1 format JSON SETTINGS a = 1"},
        {"SELECT format FROM t", "select |SELECT format FROM t"},
        {"SELECT (SELECT 1 FORMAT JSON)", "select |SELECT (SELECT 1 FORMAT JSON)"},
        {"SELECT 'FORMAT x; y' -- FORMAT JSON", "select |SELECT 'FORMAT x; y'"},
        {"(SELECT 1) UNION ALL (SELECT 2)", "select |(SELECT 1) UNION ALL (SELECT 2)"},
        {"WITH a AS (SELECT 1) INSERT INTO t SELECT 1",
         "other |WITH a AS (SELECT 1) INSERT INTO t SELECT 1"},
        {"/* c */ SHOW TABLES FORMAT CSV", "other CSV|/* c */ SHOW TABLES FORMAT CSV"},
        {"SELECT 1; SELECT 2", "refused 62"},
        {"SELECT $a$;$a$, 'it''s;', 'a\\';'", "select |SELECT $a$;$a$, 'it''s;', 'a\\';'"},
        {"SELECT 1 INTO OUTFILE 'x'", "refused 358"},
        {"SYSTEM SHUTDOWN", "refused 48"},
        {"SYSTEM FLUSH LOGS", "other |SYSTEM FLUSH LOGS"},
        {"INSERT INTO t SELECT 1", "other |INSERT INTO t SELECT 1"},
        {"INSERT INTO t (a) SELECT 1 FORMAT CSV",
         "other CSV|INSERT INTO t (a) SELECT 1 FORMAT CSV"},
        {"INSERT INTO t FORMAT Native\nxyz", "insert INSERT INTO t |Native|xyz"},
        {"INSERT INTO t FORMAT TSV \t\r\n\nx", "insert INSERT INTO t |TSV|\nx"},
        {"INSERT INTO t FORMAT JSONEachRow {\"a\":1}",
         "insert INSERT INTO t |JSONEachRow|{\"a\":1}"},
        {"INSERT INTO t FORMAT TSV", "insert INSERT INTO t |TSV|"},
        {"INSERT INTO t FORMAT TSV;\nx", "refused 62"},
        {"INSERT INTO values (format, `values`) VALUES (1)",
         "insert INSERT INTO values (format, `values`) |Values| (1)"},
        {"INSERT INTO d.format FORMAT CSV\n1", "insert INSERT INTO d.format |CSV|1"},
        {"INSERT INTO t SETTINGS a = 'FORMAT x' FORMAT CSV\n1",
         "insert INSERT INTO t SETTINGS a = 'FORMAT x' |CSV|1"},
        {"INSERT INTO t FROM INFILE 'x' FORMAT CSV", "refused 78"},
        {"INSERT INTO FUNCTION f('x', (SELECT 1)) VALUES (1)",
         "other |INSERT INTO FUNCTION f('x', (SELECT 1)) VALUES (1)"},
    };
    check_shapes(cases, COUNT(cases), true);
}

static void beginnings_are_decided_only_when_sure(void **state)
{
    static const char *const cases[][2] = {
        {"", "more"},
        {"INS", "more"},
        {"INSERT", "more"},
        {"INSERT INTO t FORMAT", "more"},
        {"INSERT INTO t FORMAT Nat", "more"},
        {"INSERT INTO t FORMAT Native", "more"},
        {"INSERT INTO t FORMAT Native \r", "more"},
        {"INSERT INTO t FORMAT Native\n", "insert INSERT INTO t |Native|"},
        {"INSERT INTO t FORMAT Native x", "insert INSERT INTO t |Native|x"},
        {"INSERT INTO t VALUES", "more"},
        {"INSERT INTO t VALUES (", "insert INSERT INTO t |Values| ("},
        {"INSERT INTO t /* FORMAT", "more"},
        {"INSERT INTO `t FORMAT Native\n", "more"},
        {"SELECT 1 FORMAT JSON\n", "more"},
        {"INSERT INTO t SELECT 1 FORMAT CSV\n", "more"},
    };
    check_shapes(cases, COUNT(cases), false);
}

static void output_goes_before_format_or_at_the_end(void **state)
{
    static const char *const cases[][2] = {
        {"SELECT 1 FORMAT JSON SETTINGS a = 1;",
         "SELECT 1 \nINTO OUTFILE 'p' TRUNCATE\nFORMAT JSON SETTINGS a = 1"},
        {"SELECT 1 -- x", "SELECT 1\nINTO OUTFILE 'p' TRUNCATE\nFORMAT TSV"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO_DONE(buf) out = {0};
        struct statement s;
        statement_scan(&s, str_of(cases[i][0]), true);
        statement_write_to_file(&out, &s, str_of(cases[i][0]), "p", STR("TSV"));
        assert_string_equal(buf_cstr(&out), cases[i][1]);
    }
}

static void kill_asks_for_the_clients_id(void **state)
{
    AUTO_DONE(buf) out = {0};

    statement_write_kill(&out, STR("KILL QUERY WHERE query_id = 'query_id' -- query_id"), "tag");
    assert_string_equal(buf_cstr(&out),
                        "KILL QUERY WHERE if(Settings['tag'] != '', Settings['tag'], query_id) = "
                        "'query_id' -- query_id");
}

static struct store_request *open_request(const char *method, const char *address)
{
    struct store_request *r = xcalloc(1, sizeof(*r));
    struct exception x = {0};

    assert_true(request_init(r, str_of(method), str_of(address), &x));
    return r;
}

static void close_request(struct store_request *r)
{
    request_done(r);
    free(r);
}

static void addresses_are_sorted_into_what_they_say(void **state)
{
    struct store_request *r = open_request(
        "POST", "/?query=SELECT+%27a%2Bb%27&database=d&param_x=1%262&max_threads=2&readonly=1&"
                "default_format=CSV&query_id=q&session_id=s&log_comment=a%27%5Cb&&");
    AUTO_DONE(buf) set = {0};

    assert_true(str_is(r->query, "SELECT 'a+b'") && str_is(r->database, "d"));
    assert_true(str_is(r->format, "CSV") && str_is(r->query_id, "q") && r->n_params == 1);
    assert_true(str_is(r->params[0].name, "x") && str_is(r->params[0].value, "1&2"));
    request_write_set(r, &set);
    assert_string_equal(buf_cstr(&set),
                        "SET max_threads = '2', log_comment = 'a\\'\\\\b', readonly = '1'");
    close_request(r);
}

static void bad_addresses_are_refused(void **state)
{
    static const struct {
        const char *address;
        int code;
    } cases[] = {
        {"/?a%20b=1", 115},   {"/?x%3D1,y=2", 115},         {"/?a=%00", 115},
        {"/?param_=1", 36},   {"/?param_a.b=1", 36},        {"/?default_format=a'b", 73},
        {"/?compress=1", 48}, {"/?max_threads%60=1", 115},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct store_request *r = xcalloc(1, sizeof(*r));
        struct exception x = {0};
        assert_false(request_init(r, STR("POST"), str_of(cases[i].address), &x));
        assert_int_equal(x.code, cases[i].code);
        exception_done(&x);
        close_request(r);
    }
}

static void targets_follow_method_and_path(void **state)
{
    static const struct {
        const char *method, *address;
        enum request_target target;
    } cases[] = {
        {"GET", "/", TARGET_PING},          {"GET", "/ping", TARGET_PING},
        {"HEAD", "/ping", TARGET_PING},     {"POST", "/", TARGET_QUERY},
        {"GET", "/?query=1", TARGET_QUERY}, {"GET", "/x?query=1", TARGET_UNKNOWN},
        {"DELETE", "/", TARGET_METHOD},     {"PUT", "/", TARGET_QUERY},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct store_request *r = open_request(cases[i].method, cases[i].address);
        assert_int_equal(r->target, cases[i].target);
        close_request(r);
    }
}

static bool shows(const char *name, const char *value)
{
    struct store_request *r = open_request("GET", "/?query=1");
    struct exception x = {0};
    bool is_taken = request_header(r, str_of(name), str_of(value), &x) &&
                    request_shows_token(r, STR("secret-secret-16"));

    close_request(r);
    return is_taken;
}

static void the_token_counts_wherever_clients_put_it(void **state)
{
    assert_true(shows("authorization", "Bearer secret-secret-16"));
    assert_true(shows("X-ClickHouse-Key", "secret-secret-16"));
    assert_true(shows("Authorization", "Basic dTpzZWNyZXQtc2VjcmV0LTE2"));
    assert_false(shows("Authorization", "Basic dTpzZWNyZXQtc2VjcmV0LTE"));
    assert_false(shows("Authorization", "Basic c2VjcmV0LXNlY3JldC0xNg=="));
    assert_false(shows("Authorization", "Bearer secret-secret-1"));
    assert_false(shows("Authorization", "Bearer secret-secret-166"));
    assert_false(shows("Authorization", "Bearer "));
    assert_false(shows("X-ClickHouse-Key", ""));
}

static void exceptions_carry_code_and_status(void **state)
{
    static const struct {
        const char *text;
        int code;
        unsigned status;
    } cases[] = {
        {"Code: 60. DB::Exception: x. (UNKNOWN_TABLE)", 60, 404},
        {"Code: 164. DB::Exception: x. (READONLY)", 164, 403},
        {"Code: 62. DB::Exception: x. (SYNTAX_ERROR)", 62, 400},
        {"something odd", 1002, 500},
        {"", 62, 400},
        {"Code: -5", 1002, 500},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct exception x = {0};
        exception_take(&x, cases[i].text);
        assert_int_equal(x.code, cases[i].code);
        assert_int_equal(exception_status(x.code), cases[i].status);
        assert_memory_equal(x.text.p, "Code: ", 6);
        exception_done(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_statements_show_their_shape),
        cmocka_unit_test(beginnings_are_decided_only_when_sure),
        cmocka_unit_test(output_goes_before_format_or_at_the_end),
        cmocka_unit_test(kill_asks_for_the_clients_id),
        cmocka_unit_test(addresses_are_sorted_into_what_they_say),
        cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(targets_follow_method_and_path),
        cmocka_unit_test(the_token_counts_wherever_clients_put_it),
        cmocka_unit_test(exceptions_carry_code_and_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
