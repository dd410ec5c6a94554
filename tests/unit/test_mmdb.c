/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup/mmdb and lookup/geo over small databases made here: networks against a plain search, values of all types,
 * paths, fields, and files with faults. MaxMind's own files are read by tests/conform/mmdb.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../mmdb_make.h"
#include "lookup/geo.h"

static uint64_t seed = 88172645463325252u;

static uint32_t draw(uint32_t below)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (uint32_t)(seed >> 20) % below;
}

static struct mmdb *made(struct buf *file, const struct mmdb_make *m)
{
    struct mmdb *db = NULL;
    struct err e;
    make_file(file, m);
    if (mmdb_new(&db, buf_view(file), &e) != ERR_OK)
        fail_msg("%s", e.text);
    return db;
}

static void refuses(const struct mmdb_make *m, const char *reason)
{
    AUTO_DONE(buf) file = {0};
    struct mmdb *db = NULL;
    struct err e;
    make_file(&file, m);
    assert_int_equal(mmdb_new(&db, buf_view(&file), &e), ERR_INVALID);
    assert_null(db);
    if (!strstr(e.text, reason))
        fail_msg("'%s' instead of '%s'", e.text, reason);
}

static struct mmdb_make *make_new(int version, int bits)
{
    struct mmdb_make *m = xcalloc(1, sizeof(*m));
    m->version = version;
    m->bits = bits;
    return m;
}

static void make_free(struct mmdb_make *m)
{
    buf_done(&m->data);
    free(m);
}

struct network {
    uint8_t address[16];
    int length;
    uint32_t record;
};

static bool holds(const struct network *n, const uint8_t *address)
{
    for (int i = 0; i < n->length; i++)
        if ((n->address[i / 8] ^ address[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

/* The last one that was written over it. */
static uint32_t plain_find(const struct network *networks, int n, const uint8_t *address)
{
    while (n-- > 0)
        if (holds(&networks[n], address))
            return networks[n].record;
    return MMDB_NONE;
}

/* Addresses out of few values per byte, so that networks overlap and are met. */
static void draw_address(uint8_t *address, int n_bytes, bool is_ipv4_in_ipv6)
{
    for (int i = 0; i < n_bytes; i++)
        address[i] = (uint8_t)(draw(3) * 85);
    if (is_ipv4_in_ipv6)
        memset(address, 0, 12);
}

/* Wide networks first: nothing becomes unreachable. */
static void draw_networks(struct mmdb_make *m, struct network *networks, int n)
{
    int n_bytes = m->version == 4 ? 4 : 16;
    for (int i = 0; i < n; i++) {
        bool is_mapped = n_bytes == 16 && draw(2);
        int wide = is_mapped ? 96 : 0, span = n_bytes * 8 - wide;
        draw_address(networks[i].address, n_bytes, is_mapped);
        networks[i].length = wide + 1 + i * (span - 1) / n;
        networks[i].record = (uint32_t)i * 3; /* a number of three bytes each */
        if (is_mapped && networks[i].length < 97)
            networks[i].length = 97;
    }
    for (int length = 1; length <= 128; length++)
        for (int i = 0; i < n; i++)
            if (networks[i].length == length)
                make_network(m, networks[i].address, length, networks[i].record);
}

static int by_length(const void *a, const void *b)
{
    const struct network *x = a, *y = b;
    return x->length != y->length ? x->length - y->length : x->record < y->record ? -1 : 1;
}

static void check_networks(int version, int bits)
{
    enum { N = 60, TRIES = 1000 };
    struct network networks[N] = {0};
    struct mmdb_make *m = make_new(version, bits);
    AUTO_DONE(buf) file = {0};
    uint32_t ipv4[TRIES], records[TRIES];
    uint8_t ipv6[TRIES][16] = {0};

    for (int i = 0; i < N; i++)
        make_uint(&m->data, 5, (uint64_t)i);
    draw_networks(m, networks, N);
    qsort(networks, N, sizeof(*networks), by_length);
    AUTO(mmdb) db = made(&file, m);

    for (int i = 0; i < TRIES; i++) {
        uint8_t *a = ipv6[i] + 12;
        draw_address(a, 4, false);
        ipv4[i] = (uint32_t)a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3];
    }
    mmdb_find_ipv4(db, ipv4, TRIES, records);
    for (int i = 0; i < TRIES; i++)
        assert_int_equal(records[i], plain_find(networks, N, version == 4 ? ipv6[i] + 12 : ipv6[i]));
    for (int i = 0; i < TRIES; i++)
        memset(ipv6[i] + 10, 0xff, 2);
    uint32_t mapped[TRIES];
    mmdb_find_ipv6(db, ipv6, TRIES, mapped);
    assert_memory_equal(records, mapped, sizeof(records));
    for (int i = 0; i < TRIES; i++)
        draw_address(ipv6[i], 16, draw(2));
    mmdb_find_ipv6(db, ipv6, TRIES - 3, records);
    for (int i = 0; i < TRIES - 3; i++)
        assert_int_equal(records[i], version == 4 ? MMDB_NONE : plain_find(networks, N, ipv6[i]));
    make_free(m);
}

static void addresses_are_found_as_by_a_plain_search(void **state)
{
    for (int round = 0; round < 4; round++)
        for (int bits = 24; bits <= 32; bits += 4) {
            check_networks(4, bits);
            check_networks(6, bits);
        }
}

/* One record of all types; 'loop' is filled in by callers. */
static void put_all_types(struct buf *b)
{
    buf_byte(b, 7 << 5 | 10);
    make_key(b, "text");
    make_key(b, "a \"b\"\n\xc3\xa9");
    make_key(b, "double");
    make_double(b, -0.1);
    make_key(b, "u16");
    make_uint(b, 5, 65535);
    make_key(b, "u64");
    make_uint(b, 9, UINT64_MAX);
    make_key(b, "u128");
    buf_put(b, "\x10\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 18);
    make_key(b, "i32");
    buf_put(b, "\x04\x01\x80\x00\x00\x00", 6);
    make_key(b, "bytes");
    buf_put(b, "\x82\x00\xff", 3);
    make_key(b, "float");
    buf_put(b, "\x04\x08\x3f\x8c\xcc\xcd", 6);
    make_key(b, "list");
    buf_put(b, "\x02\x04\x01\x07\xe1", 5);
    make_key(b, "a.b");
    make_uint(b, 5, 7);
    make_key(b, "none");
    buf_put(b, "\x00\x07", 2);
}

static void values_of_all_types_print_as_json(void **state)
{
    struct mmdb_make *m = make_new(4, 24);
    AUTO_DONE(buf) file = {0};
    AUTO_DONE(buf) out = {0};
    uint32_t address = 0x80000000, record;
    struct err e;
    double number;
    uint64_t whole;
    struct mmdb_path path;

    put_all_types(&m->data);
    make_network(m, (const uint8_t *)"\x80", 1, 0);
    AUTO(mmdb) db = made(&file, m);
    mmdb_find_ipv4(db, &address, 1, &record);
    assert_int_equal(record, 0);
    struct mmdb_value all = mmdb_get(db, record, &(struct mmdb_path){0});
    assert_int_equal(mmdb_print_json(&out, db, all, 1000, &e), ERR_OK);
    assert_string_equal(buf_cstr(&out),
                        "{\"text\":\"a \\\"b\\\"\\u000a\xc3\xa9\",\"double\":-0.1,\"u16\":65535,\"u64\":18446744073709551615,"
                        "\"u128\":340282366920938463463374607431768211455,\"i32\":-2147483648,\"bytes\":\"00ff\","
                        "\"float\":1.1,\"list\":[true,{\"a.b\":7}],\"none\":false}");
    assert_int_equal(mmdb_print_json(&out, db, all, 30, &e), ERR_LIMIT);

    static const struct {
        const char *path;
        double number;
        int type;
    } cases[] = {
        {"double", -0.1, MMDB_DOUBLE}, {"u16", 65535, MMDB_UINT16}, {"i32", -2147483648.0, MMDB_INT32},
        {"list[0]", 1, MMDB_BOOL}, {"list[1].\"a.b\"", 7, MMDB_UINT16}, {"list[2]", 0, 0}, {"list.x", 0, 0},
        {"text[0]", 0, 0}, {"absent", 0, 0}, {"u64", 18446744073709551615.0, MMDB_UINT64},
        {"u128", 340282366920938463463374607431768211455.0, MMDB_UINT128}, {"none", 0, MMDB_BOOL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(mmdb_path_parse(&path, str_of(cases[i].path), &e), ERR_OK);
        struct mmdb_value v = mmdb_get(db, record, &path);
        assert_int_equal(v.type, cases[i].type);
        if (v.type)
            assert_true(mmdb_number(db, v, &number) && number == cases[i].number);
    }
    assert_int_equal(mmdb_path_parse(&path, STR("u128"), &e), ERR_OK);
    assert_false(mmdb_uint(db, mmdb_get(db, record, &path), &whole));
    assert_int_equal(mmdb_facts(db)->build_epoch_s, 1700000000);
    make_free(m);
}

static void paths_say_what_is_wrong(void **state)
{
    static const char *const bad[] = {"", ".", "a.", "a..b", "a[", "a[x]", "a[1", "\"a", "a[1]b", "\"\"", ".a",
                                      "a[99999999999]", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q"};
    struct mmdb_path path;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err e = {0};
        if (mmdb_path_parse(&path, str_of(bad[i]), &e) == ERR_OK || !strstr(e.text, "path"))
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void fields_are_found_in_nested_and_flat_records(void **state)
{
    struct mmdb_make *m = make_new(4, 28);
    AUTO_DONE(buf) file = {0};
    static const char flat[] = "\xe2\x4c" "country_code\x42" "DE\x44" "city\x46" "Berlin";
    static const char nested[] = "\xe2\x47" "country\xe2\x48" "iso_code\x42" "FR\x45" "names\xe1\x42" "en\x46" "France"
                                 "\x4c" "subdivisions\x01\x04\xe1\x45" "names\xe1\x42" "en\x44" "Alps";
    buf_put(&m->data, flat, sizeof(flat) - 1);
    uint32_t second = (uint32_t)m->data.n;
    buf_put(&m->data, nested, sizeof(nested) - 1);
    make_network(m, (const uint8_t *)"\x00", 2, 0);
    make_network(m, (const uint8_t *)"\x40", 2, second);
    AUTO(mmdb) db = made(&file, m);

    static const struct {
        enum geo_field field;
        const char *values[3];
    } cases[] = {
        {GEO_COUNTRY_CODE, {"DE", "FR", NULL}}, {GEO_COUNTRY, {NULL, "France", NULL}},
        {GEO_CITY, {"Berlin", NULL, NULL}},     {GEO_REGION, {NULL, "Alps", NULL}},
        {GEO_LATITUDE, {NULL, NULL, NULL}},     {GEO_ASN, {NULL, NULL, NULL}},
    };
    static const uint32_t addresses[] = {1, 0x40000001, 0x80000001};
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(geo_column) c = geo_column_new(db, cases[i].field);
        uint32_t records[3];
        struct mmdb_value values[3];
        mmdb_find_ipv4(db, addresses, 3, records);
        for (int again = 0; again < 2; again++) {
            geo_column_values(c, records, 3, values);
            for (int k = 0; k < 3; k++)
                assert_true(cases[i].values[k] ? str_is(mmdb_text(db, values[k]), cases[i].values[k]) : !values[k].type);
        }
    }
    enum geo_field field;
    assert_true(geo_field_named(STR("organisation"), &field) && field == GEO_ORGANISATION);
    assert_false(geo_field_named(STR("planet"), &field));
    make_free(m);
}

static void a_column_remembers_more_records_than_it_began_with(void **state)
{
    enum { N = 1000 };
    struct mmdb_make *m = make_new(4, 32);
    AUTO_DONE(buf) file = {0};
    uint32_t records[N], twice[2 * N];
    struct mmdb_value values[2 * N];
    struct err e;
    for (uint32_t i = 0; i < N; i++) {
        records[i] = (uint32_t)m->data.n;
        buf_text(&m->data, "\xe1\x41n");
        make_uint(&m->data, 5, i);
        make_network(m, (const uint8_t[]){(uint8_t)(i >> 2), (uint8_t)(i << 6)}, 10, records[i]);
    }
    AUTO(mmdb) db = made(&file, m);
    AUTO(geo_column) c = NULL;
    assert_int_equal(geo_column_new_at(&c, db, STR("n"), &e), ERR_OK);
    for (int i = 0; i < 2 * N; i++)
        twice[i] = records[i % N];
    geo_column_values(c, twice, 2 * N, values);
    for (uint32_t i = 0; i < 2 * N; i++) {
        uint64_t n;
        assert_true(mmdb_uint(db, values[i], &n) && n == i % N);
    }
    assert_int_equal(mmdb_facts(db)->n_records, N);
    make_free(m);
}

static void refuses_data(const void *bytes, size_t n, const char *reason)
{
    struct mmdb_make *m = make_new(4, 24);
    buf_put(&m->data, bytes, n);
    make_network(m, (const uint8_t *)"\x80", 1, 0);
    refuses(m, reason);
    make_free(m);
}

static void faults_are_refused_with_their_reason(void **state)
{
    struct err e;
    struct mmdb *db = NULL;
    assert_int_equal(mmdb_new(&db, STR(""), &e), ERR_INVALID);
    assert_int_equal(mmdb_new(&db, STR("GIF89a"), &e), ERR_INVALID);
    refuses_data("\x01\x04\x20\x00", 4, "holds itself");
    refuses_data("\x01\x04\x20\x04\x20\x00", 6, "leads to another one");
    refuses_data("\x01\x04\x27\xff", 4, "out of the section");
    refuses_data("\x42\xc3\x28", 3, "not UTF-8");
    refuses_data("\x43\xed\xa0\x80", 4, "not UTF-8");
    refuses_data("\x64\x00\x00\x00\x00", 5, "not a size of its type");
    refuses_data("\xe1\xa1\x01\xa1\x01", 5, "no string");
    refuses_data("\x5f\xff\xff\xff", 4, "beyond");
    refuses_data("\xff\xff\xff\xff", 4, "cannot be in the bytes left");
    refuses_data("\x00\x05", 2, "no value");

    struct mmdb_make *m = make_new(4, 24);
    make_uint(&m->data, 5, 1);
    make_network(m, (const uint8_t *)"\x80", 8, 0);
    m->nodes[3][1] = -1; /* back to the root */
    refuses(m, "comes back");
    m->nodes[3][1] = 100;
    refuses(m, "no node and no record");
    m->nodes[3][1] = 0;
    m->n_nodes++;
    refuses(m, "nothing in the tree leads");
    make_free(m);
}

/* Thirty arrays, each twice the one after it: small in the file, a thousand million values when followed. */
static void values_that_multiply_are_cheap_to_check_and_limited_in_print(void **state)
{
    struct mmdb_make *m = make_new(4, 24);
    AUTO_DONE(buf) file = {0};
    AUTO_DONE(buf) out = {0};
    struct err e;
    for (int i = 0; i < 30; i++) {
        uint8_t next = (uint8_t)(6 * (i + 1));
        buf_put(&m->data, (const uint8_t[]){2, 4, 0x20, next, 0x20, next}, 6);
    }
    buf_byte(&m->data, 0xa0);
    make_network(m, (const uint8_t *)"\x80", 1, 0);
    AUTO(mmdb) db = made(&file, m);
    assert_int_equal(mmdb_print_json(&out, db, mmdb_get(db, 0, &(struct mmdb_path){0}), 10000, &e), ERR_LIMIT);
    assert_true(out.n < 20000);
    make_free(m);
}

/* Whatever is taken after a change can be read everywhere. */
static void use(struct str bytes)
{
    AUTO(mmdb) db = NULL;
    AUTO_DONE(buf) out = {0};
    struct err e;
    if (mmdb_new(&db, bytes, &e) != ERR_OK) {
        assert_true(e.text[0]);
        return;
    }
    for (uint32_t i = 0; i < 32; i++) {
        uint32_t address = i << 27, record;
        mmdb_find_ipv4(db, &address, 1, &record);
        if (record == MMDB_NONE)
            continue;
        buf_reset(&out);
        if (mmdb_print_json(&out, db, mmdb_get(db, record, &(struct mmdb_path){0}), 1000, &e) != ERR_OK)
            assert_int_equal(e.code, ERR_LIMIT);
    }
}

static void changed_bytes_and_cut_files_never_break_a_reader(void **state)
{
    struct mmdb_make *m = make_new(4, 24);
    AUTO_DONE(buf) file = {0};
    put_all_types(&m->data);
    make_network(m, (const uint8_t *)"\x50", 4, 0);
    AUTO(mmdb) db = made(&file, m);
    (void)db;
    for (size_t i = 0; i < file.n; i++) {
        char *copy = xmalloc(i ? i : 1); /* its own size: a sanitizer sees what is read beyond */
        memcpy(copy, file.p, i);
        use((struct str){copy, i});
        free(copy);
        for (int bit = 0; bit < 8; bit++) {
            file.p[i] ^= (char)(1 << bit);
            use(buf_view(&file));
            file.p[i] ^= (char)(1 << bit);
        }
    }
    make_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_found_as_by_a_plain_search),
        cmocka_unit_test(values_of_all_types_print_as_json),
        cmocka_unit_test(paths_say_what_is_wrong),
        cmocka_unit_test(fields_are_found_in_nested_and_flat_records),
        cmocka_unit_test(a_column_remembers_more_records_than_it_began_with),
        cmocka_unit_test(faults_are_refused_with_their_reason),
        cmocka_unit_test(values_that_multiply_are_cheap_to_check_and_limited_in_print),
        cmocka_unit_test(changed_bytes_and_cut_files_never_break_a_reader),
    };
    return cmocka_run_group_tests_name("mmdb", tests, NULL, NULL);
}
