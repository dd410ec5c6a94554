/* SPDX-License-Identifier: Apache-2.0
 *
 * codec/value.c: a table of texts and what they are. Thousands more are compared with ClickHouse by
 * tests/differential/values/values.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/value.h"

static const struct {
    const char *type, *text, *printed; /* NULL = refused */
} cases[] = {
    {"UInt8", "255", "255"}, {"UInt8", "256", NULL}, {"UInt8", "-1", NULL}, {"UInt8", "+7", "7"}, {"UInt8", "", NULL},
    {"UInt8", "1.0", NULL}, {"UInt8", " 1", NULL}, {"UInt64", "18446744073709551615", "18446744073709551615"},
    {"UInt64", "18446744073709551616", NULL}, {"Int64", "-9223372036854775808", "-9223372036854775808"},
    {"Int64", "9223372036854775808", NULL}, {"Int8", "-129", NULL}, {"Int8", "--1", NULL}, {"Int8", "-", NULL},
    {"Float64", "0.1", "0.1"}, {"Float64", "1e400", "inf"}, {"Float64", "-1e-400", "-0"}, {"Float64", ".5", "0.5"},
    {"Float64", "5.", "5"}, {"Float64", "1e", NULL}, {"Float64", "0x10", NULL}, {"Float64", "nan", "nan"},
    {"Float64", "-Infinity", "-inf"}, {"Float64", "", NULL}, {"Float64", "1,5", NULL}, {"Float64", "infin", NULL},
    {"Float64", "9007199254740993", "9007199254740992"}, {"Float64", "9007199254740993.00000001", "9007199254740994"},
    {"Float64", "2.2250738585072011e-308", "2.225073858507201e-308"}, {"Float64", "4.9e-324", "5e-324"},
    {"Float64", "1e21", "1e21"}, {"Float64", "123456789012345680000", "123456789012345680000"},
    {"Float64", "0.000001", "0.000001"}, {"Float64", "0.0000001", "1e-7"},
    {"Float64", "1.7976931348623157e308", "1.7976931348623157e308"},
    {"Float32", "16777217", "16777216"}, {"Float32", "16777217.0000000000001", "16777218"}, {"Float32", "0.1", "0.1"},
    {"Float32", "1e39", "inf"}, {"Bool", "TRUE", "true"}, {"Bool", "off", "false"}, {"Bool", "2", NULL},
    {"Date", "2023-04-04", "2023-04-04"}, {"Date", "20230404", "2023-04-04"}, {"Date", "2023-4-4", "2023-04-04"},
    {"Date", "2023-13-01", NULL}, {"Date", "2023-04-04 10:00:00", NULL}, {"Date", "1969-12-31", NULL},
    {"Date", "2149-06-06", "2149-06-06"}, {"Date", "2149-06-07", NULL}, {"Date", "0000-00-00", "1970-01-01"},
    {"DateTime", "2023-04-04T10:09Z", "2023-04-04 10:09:00"}, {"DateTime", "1680613879", "2023-04-04 13:11:19"},
    {"DateTime", "06:55 PST", NULL}, {"DateTime", "2023-04-04 10:09:08", "2023-04-04 10:09:08"},
    {"DateTime", "1680613879.5", NULL}, {"DateTime", "1680613879123", "2023-04-04 13:11:19"},
    {"DateTime", "2106-02-07 06:28:15", "2106-02-07 06:28:15"}, {"DateTime", "2106-02-07 06:28:16", NULL},
    {"DateTime", "1969-12-31 23:59:59", NULL}, {"DateTime", "2023-02-29", NULL}, {"DateTime", "", NULL},
    {"DateTime", "Tue, 04 Apr 2023 10:09:08 +0200", "2023-04-04 08:09:08"},
    {"DateTime", "Tue Apr  4 10:09:08 2023", "2023-04-04 10:09:08"}, {"DateTime", "April 4, 2023 10:09 PM", "2023-04-04 22:09:00"},
    {"DateTime", "04/05/2023", "2023-05-04 00:00:00"}, {"DateTime", "Married 4 2023", NULL},
    {"DateTime('America/New_York')", "2023-04-04 10:09:08", "2023-04-04 10:09:08"},
    {"DateTime('America/New_York')", "2023-04-04 10:09:08Z", "2023-04-04 06:09:08"},
    {"DateTime64(3)", "2023-04-04T10:09:08.1239Z", "2023-04-04 10:09:08.123"},
    {"DateTime64(3)", "1680613879.5", "2023-04-04 13:11:19.500"}, {"DateTime64(3)", "1680613879123", "2023-04-04 13:11:19.123"},
    {"DateTime64(6)", "1680613879123456", "2023-04-04 13:11:19.123456"},
    {"DateTime64(9)", "1680613879123456789", "2023-04-04 13:11:19.123456789"}, {"DateTime64(9)", "2300-01-01", NULL},
    {"DateTime64(3)", "1969-12-31 23:59:59.5", "1969-12-31 23:59:59.500"}, {"DateTime64(3)", "Mar  3 01:33:48", NULL},
    {"DateTime64(3)", "2023-04-04 10:09:08+01:00+02:00", NULL}, {"DateTime64(0)", "2023-04-04 10:09:08.9", "2023-04-04 10:09:08"},
    {"IPv4", "1.2.3.4", "1.2.3.4"}, {"IPv4", "1.2.3", NULL}, {"IPv4", "1.2.3.256", NULL}, {"IPv4", "1.2.3.4 ", NULL},
    {"IPv6", "::1", "::1"}, {"IPv6", "1.2.3.4", "::ffff:1.2.3.4"}, {"IPv6", "2001:DB8::a", "2001:db8::a"},
    {"IPv6", "1::2::3", NULL}, {"IPv6", "12345::", NULL}, {"IPv6", "", NULL}, {"IPv6", "1:2:3:4:5:6:7:8:9", NULL},
};

static struct type type_of(const char *name)
{
    struct type t = {0};
    struct err e;
    if (type_parse(&t, str_of(name), &e) != ERR_OK)
        fail_msg("%s", e.text);
    return t;
}

static void value_texts_are_read_as_told(void **state)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct type t = type_of(cases[i].type);
        uint64_t value[2] = {0};
        AUTO_DONE(buf) out = {0};
        const char *reason = value_parse(value, t, str_of(cases[i].text));
        if (reason == NULL)
            value_print(&out, t, value);
        if ((reason == NULL) != (cases[i].printed != NULL) ||
            (reason == NULL && strcmp(buf_cstr(&out), cases[i].printed) != 0))
            fail_msg("%s '%s': %s, not %s", cases[i].type, cases[i].text, reason ? reason : buf_cstr(&out),
                     cases[i].printed ? cases[i].printed : "refused");
    }
}

static uint64_t random_bits(void)
{
    static uint64_t s = 88172645463325252ULL;
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return s;
}

static void value_floats_read_back_what_they_print(void **state)
{
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = random_bits();
        double v, again;
        float f, f_again;
        memcpy(&v, &bits, 8);
        memcpy(&f, &bits, 4);
        AUTO_DONE(buf) out = {0};
        value_print_float(&out, v, false);
        assert_null(value_float(&again, buf_view(&out)));
        assert_true(v != v ? again != again : memcmp(&v, &again, 8) == 0);
        buf_reset(&out);
        value_print_float(&out, f, true);
        assert_null(value_float32(&f_again, buf_view(&out)));
        assert_true(f != f ? f_again != f_again : memcmp(&f, &f_again, 4) == 0);
    }
}

static void value_floats_agree_with_strtod(void **state)
{
    for (int i = 0; i < 200000; i++) {
        char text[80];
        int digits = 1 + (int)(random_bits() % 25), places = (int)(random_bits() % 40);
        int n = 0;
        for (int k = 0; k < digits; k++) {
            if (k == places)
                text[n++] = '.';
            text[n++] = (char)('0' + random_bits() % 10);
        }
        text[n] = 0;
        if (random_bits() % 3 == 0)
            n += snprintf(text + n, 10, "e%d", (int)(random_bits() % 60) - 30);
        double v;
        float f;
        assert_null(value_float(&v, (struct str){text, (size_t)n}));
        assert_null(value_float32(&f, (struct str){text, (size_t)n}));
        if (v != strtod(text, NULL) || f != strtof(text, NULL))
            fail_msg("%s", text);
    }
}

static void value_long_texts_end(void **state)
{
    size_t n = 1 << 20;
    char *text = malloc(n);
    double v;
    memset(text, '9', n);
    assert_null(value_float(&v, (struct str){text, n}));
    memset(text, '0', n);
    assert_null(value_float(&v, (struct str){text, n}));
    assert_true(v == 0);
    uint64_t u;
    assert_null(value_uint(&u, (struct str){text, n}, UINT64_MAX));
    memset(text, 'a', n);
    uint32_t time;
    assert_non_null(value_datetime(&time, (struct str){text, n}, NULL));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_texts_are_read_as_told),
        cmocka_unit_test(value_floats_read_back_what_they_print),
        cmocka_unit_test(value_floats_agree_with_strtod),
        cmocka_unit_test(value_long_texts_end),
    };
    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
