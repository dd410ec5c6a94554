/* SPDX-License-Identifier: Apache-2.0
 *
 * column/zone.c and column/type.c: offsets, local times and windows at known moments; type names. The
 * comparison with ClickHouse over all changes of offset is tests/differential/values/zones.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "column/type.h"
#include "column/zone.h"

static const struct zone *zone(const char *name)
{
    const struct zone *z = NULL;
    struct err e;
    if (zone_find(&z, str_of(name), &e) != ERR_OK)
        fail_msg("%s", e.text);
    return z;
}

static void zone_offsets_are_known_ones(void **state)
{
    static const struct {
        const char *zone;
        int64_t utc_s;
        int32_t offset;
    } cases[] = {
        {"UTC", 1700000000, 0},
        {"Asia/Kolkata", 1700000000, 19800},
        {"Europe/Berlin", 1700000000, 3600},
        {"Europe/Berlin", 1690000000, 7200},
        {"Europe/Berlin", 1679792399, 3600}, /* 2023-03-26 00:59:59 UTC */
        {"Europe/Berlin", 1679792400, 7200},
        {"America/New_York", 4070908800, -18000}, /* 2099-01-01: by the rule in the file's footer */
        {"America/New_York", 4086806400, -14400}, /* 2099-07-04 */
        {"Australia/Lord_Howe", 1700000000, 39600},
        {"Australia/Lord_Howe", 1690000000, 37800},
        {"Asia/Kathmandu", 1700000000, 20700},
        {"America/New_York", 13569465600, -18000}, /* 2400-01-01 */
        {"Europe/Berlin", -5000000000, 3208},      /* 1811: local mean time */
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (zone_offset_at(zone(cases[i].zone), cases[i].utc_s) != cases[i].offset)
            fail_msg("%s at %lld: %d", cases[i].zone, (long long)cases[i].utc_s,
                     zone_offset_at(zone(cases[i].zone), cases[i].utc_s));
}

static void zone_local_times_in_gap_and_overlap(void **state)
{
    const struct zone *berlin = zone("Europe/Berlin");
    int64_t gap = days_from_civil(2023, 3, 26) * 86400 + 9000, twice = days_from_civil(2023, 10, 29) * 86400 + 9000;
    assert_int_equal(zone_to_utc(berlin, gap), 1679790600);   /* 02:30 that never was: 01:30 */
    assert_int_equal(zone_to_utc(berlin, twice), 1698539400); /* 02:30 that came twice: the first */
    for (int64_t s = 1698500000; s < 1698600000; s += 1800)
        if (s < 1698541200 || s >= 1698544800)
            assert_int_equal(zone_to_utc(berlin, s + zone_offset_at(berlin, s)), s);
}

static void zone_windows_hold_their_time_and_touch(void **state)
{
    static const char *const names[] = {"UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"};
    for (size_t k = 0; k < COUNT(names); k++) {
        const struct zone *z = zone(names[k]);
        for (int unit = INTERVAL_SECOND; unit <= INTERVAL_YEAR; unit++) {
            for (int64_t count = 1; count <= 25; count += 6) {
                for (int64_t s = 1325000000; s < 1700000000; s += 3456789) {
                    int64_t start = zone_bucket_start(z, s, count, unit), next = zone_bucket_next(z, start, count, unit);
                    assert_true(start <= s && s < next);
                    assert_int_equal(zone_bucket_start(z, next, count, unit), next);
                    assert_int_equal(zone_bucket_start(z, next - 1, count, unit), start);
                }
            }
        }
    }
}

static void zone_windows_are_known_ones(void **state)
{
    const struct zone *kolkata = zone("Asia/Kolkata"), *new_york = zone("America/New_York");
    int64_t s = 1700000000; /* 2023-11-14 22:13:20 UTC */
    assert_int_equal(zone_bucket_start(NULL, s, 1, INTERVAL_DAY), 1699920000);
    assert_int_equal(zone_bucket_start(NULL, s, 1, INTERVAL_WEEK), 1699833600); /* Monday the 13th */
    assert_int_equal(zone_bucket_start(NULL, s, 1, INTERVAL_MONTH), 1698796800);
    assert_int_equal(zone_bucket_start(kolkata, s, 1, INTERVAL_HOUR), 1699997400);
    assert_int_equal(zone_bucket_start(kolkata, s, 1, INTERVAL_DAY), 1699986600);
    assert_int_equal(zone_bucket_start(new_york, s, 1, INTERVAL_DAY), 1699938000);
    assert_int_equal(zone_bucket_start(new_york, s, 1, INTERVAL_YEAR), 1672549200);
    /* the day of 25 hours */
    assert_int_equal(zone_bucket_next(new_york, 1699156800, 1, INTERVAL_DAY) - 1699156800, 90000);
}

static void zone_names_that_are_none_are_refused(void **state)
{
    const struct zone *z;
    struct err e;
    static const char *const bad[] = {"", "Mars/Base", "../etc/passwd", "/etc/passwd", "Europe", "Europe/Berlin/..",
                                      "tzdata.zi", "Europe\nBerlin"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_not_equal(zone_find(&z, str_of(bad[i]), &e), ERR_OK);
    assert_int_equal(zone_find(&z, STR("Europe/Berln"), &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.text, "Europe/Berlin"));
}

static void civil_goes_there_and_back(void **state)
{
    for (int64_t day = -800000; day < 2000000; day += 17) {
        int32_t year;
        unsigned month, of_month;
        civil_from_days(day, &year, &month, &of_month);
        assert_int_equal(days_from_civil(year, month, of_month), day);
    }
    struct civil c = civil_from_local(1700000000);
    assert_int_equal(c.weekday, 2);
    assert_int_equal(c.yearday, 318);
}

static void type_names_are_clickhouses(void **state)
{
    static const struct {
        const char *text, *printed; /* NULL = refused */
    } cases[] = {
        {"UInt8", "UInt8"}, {"bigint", "Int64"}, {"INT UNSIGNED", "UInt32"}, {"varchar(255)", "String"},
        {"double  precision", "Float64"}, {"Bool", "Bool"}, {"datetime64", "DateTime64(3)"},
        {"DateTime64(6, 'Asia/Kolkata')", "DateTime64(6, 'Asia/Kolkata')"}, {"DateTime('UTC')", "DateTime('UTC')"},
        {"Nullable( Int8 )", "Nullable(Int8)"}, {"LowCardinality(Nullable(String))", "LowCardinality(Nullable(String))"},
        {"Nullable(LowCardinality(String))", NULL}, {"LowCardinality(UInt8)", "LowCardinality(UInt8)"}, {"string", NULL}, {"uint8", NULL},
        {"Array(UInt8)", "Array(UInt8)"}, {"Decimal", "Decimal(10, 0)"}, {"Decimal64(4)", "Decimal(18, 4)"},
        {"dec(20,3)", "Decimal(20, 3)"}, {"Decimal(39, 2)", NULL}, {"Decimal(3, 4)", NULL}, {"Decimal256(2)", NULL},
        {"FixedString(16)", "FixedString(16)"}, {"FixedString", NULL}, {"FixedString(0)", NULL}, {"date32", "Date32"},
        {"Enum('b', 'a')", "Enum8('b' = 1, 'a' = 2)"}, {"Enum8('b' = 2, 'a\\'' = -1)", "Enum8('a\\'' = -1, 'b' = 2)"},
        {"Enum('a' = 300)", "Enum16('a' = 300)"}, {"Enum8('a' = 300)", NULL}, {"Enum8('a' = 1, 'a' = 2)", NULL},
        {"Enum8('a' = 1, 'b' = 1)", NULL}, {"Enum8('a', 'b' = 3, 'c')", NULL}, {"Enum8()", NULL},
        {"Tuple(a Int8, `b c` Array(String))", "Tuple(a Int8, `b c` Array(String))"}, {"Tuple()", NULL},
        {"Tuple(Double Precision, Map(String, UUID))", "Tuple(Float64, Map(String, UUID))"},
        {"Tuple(a Int8, String)", NULL}, {"Tuple(a Int8, a String)", NULL}, {"Map(String)", NULL},
        {"Map(Nullable(String), Int8)", NULL}, {"Nullable(Array(Int8))", NULL}, {"Nullable(Tuple(Int8))", NULL},
        {"Array(Nullable(Decimal32(2)))", "Array(Nullable(Decimal(9, 2)))"},
        {"LowCardinality(Nullable(UUID))", "LowCardinality(Nullable(UUID))"}, {"LowCardinality(Enum8('a' = 1))", NULL},
        {"Array(Array", NULL}, {"Arary(Int8)", NULL},
        {"DateTime64(10)", NULL}, {"DateTime('Nowhere')", NULL}, {"Int32 x", NULL}, {"", NULL},
        {"Nullable(Nullable(Int8))", NULL}, {"UInt8(3)", NULL}, {"DateTime64(3", NULL}, {"Nothing", NULL},
    };
    char text[64];
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct type t;
        struct err e;
        enum err_code code = type_parse(&t, str_of(cases[i].text), &e);
        if ((code == ERR_OK) != (cases[i].printed != NULL))
            fail_msg("%s: %s", cases[i].text, code == ERR_OK ? "taken" : e.text);
        if (cases[i].printed)
            assert_string_equal(type_name(t, text), cases[i].printed);
    }
    struct type t;
    struct err e;
    assert_int_equal(type_parse(&t, STR("Uint16"), &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "did you mean UInt16"));
    assert_int_equal(type_parse(&t, STR("Array(Decmal(9, 2))"), &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "did you mean Decimal"));

    struct type a, b; /* equal types are one */
    assert_int_equal(type_parse(&a, STR("Array(Tuple(x Int8, y Enum8('a' = 1)))"), &e), ERR_OK);
    assert_int_equal(type_parse(&b, STR("Array(Tuple(x Int8,y Enum8('a')))"), &e), ERR_OK);
    assert_true(type_eq(a, b));
    assert_int_equal(type_parse(&b, STR("Array(Tuple(x Int8,z Enum8('a')))"), &e), ERR_OK);
    assert_false(type_eq(a, b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zone_offsets_are_known_ones),
        cmocka_unit_test(zone_local_times_in_gap_and_overlap),
        cmocka_unit_test(zone_windows_hold_their_time_and_touch),
        cmocka_unit_test(zone_windows_are_known_ones),
        cmocka_unit_test(zone_names_that_are_none_are_refused),
        cmocka_unit_test(civil_goes_there_and_back),
        cmocka_unit_test(type_names_are_clickhouses),
    };
    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
