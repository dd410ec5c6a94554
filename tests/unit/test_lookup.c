/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup/: keys to rows against a plain search, networks against the longest prefix of a list, values of GeoIP
 * databases by name, files that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../mmdb_make.h"
#include "column/compound.h"
#include "lookup/files.h"
#include "lookup/ip_trie.h"
#include "lookup/key_index.h"
#include "lookup/table.h"

static uint64_t seed = 88172645463325252u;
static uint64_t rnd(void)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed;
}

/* ---- keys ---- */

static void numbers_are_found_and_keep_their_first_row(void **state)
{
    enum { N = 5000 };
    struct key_index *k = key_index_new(KEY_NUMBERS, 0);
    static uint64_t keys[N], asked[KEY_INDEX_GROUP];
    static uint32_t rows[KEY_INDEX_GROUP];
    for (uint32_t i = 0; i < N; i++) {
        keys[i] = rnd() % 3 ? rnd() % 3000 : rnd();
        bool is_new = true;
        for (uint32_t j = 0; j < i; j++)
            is_new = is_new && keys[j] != keys[i];
        assert_int_equal(key_index_add_number(k, keys[i], i), is_new);
    }
    for (size_t i = 0; i < KEY_INDEX_GROUP; i++)
        asked[i] = i % 2 ? keys[rnd() % N] : rnd() % 4000;
    key_index_find_numbers(k, asked, KEY_INDEX_GROUP, rows);
    for (size_t i = 0; i < KEY_INDEX_GROUP; i++) {
        uint32_t expected = UINT32_MAX;
        for (uint32_t j = N; j-- > 0;)
            expected = keys[j] == asked[i] ? j : expected;
        assert_int_equal(rows[i], expected);
    }
    key_index_free(k);
}

/* Lengths about the 8, 16 and 23 bytes where the ways of keeping and comparing them change. */
static void texts_of_any_length_are_found(void **state)
{
    enum { N = 3000 };
    struct key_index *k = key_index_new(KEY_BYTES, 0);
    AUTO_DONE(arena) arena = {0};
    static struct str keys[N], asked[KEY_INDEX_GROUP];
    static uint32_t rows[KEY_INDEX_GROUP];
    for (uint32_t i = 0; i < N; i++) {
        size_t n = rnd() % 4 ? rnd() % 30 : rnd() % 200;
        char *p = arena_alloc(&arena, n + 1);
        for (size_t j = 0; j < n; j++)
            p[j] = (char)(rnd() % 2 ? 0 : 'a');
        keys[i] = (struct str){p, n};
        bool is_new = true;
        for (uint32_t j = 0; j < i; j++)
            is_new = is_new && !str_eq(keys[j], keys[i]);
        assert_int_equal(key_index_add_bytes(k, keys[i], i), is_new);
    }
    for (size_t i = 0; i < KEY_INDEX_GROUP; i++) {
        asked[i] = keys[rnd() % N];
        if (i % 3 == 0 && asked[i].n > 0)
            asked[i].n--; /* mostly no key, or another's */
    }
    key_index_find_bytes(k, asked, KEY_INDEX_GROUP, rows);
    for (size_t i = 0; i < KEY_INDEX_GROUP; i++) {
        uint32_t expected = UINT32_MAX;
        for (uint32_t j = N; j-- > 0;)
            expected = str_eq(keys[j], asked[i]) ? j : expected;
        assert_int_equal(rows[i], expected);
    }
    key_index_free(k);
}

/* ---- networks ---- */

static void networks_are_read_or_refused(void **state)
{
    static const struct {
        const char *text;
        int bits; /* -1: refused */
    } cases[] = {
        {"10.0.0.0/8", 104}, {"10.1.2.3/8", 104}, {"192.168.1.1", 128}, {"0.0.0.0/0", 96}, {"::/0", 0}, {"2001:db8::/32", 32},
        {"2001:db8::5", 128}, {"10.0.0.0/08", 104}, {"::ffff:11.0.0.0/104", 104}, {"10.0.0.0/33", -1}, {"::/129", -1}, {"", -1},
        {"x", -1}, {"10.0.0.0/", -1}, {"10.0.0.0/8 ", -1}, {" 10.0.0.0/8", -1}, {"10.0.0.0/+8", -1}, {"10.0.0.0/255.0.0.0", -1},
        {"10.0.0/8", -1}, {"fe80::1%eth0/64", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ip_prefix p;
        const char *why = ip_prefix_parse(&p, str_of(cases[i].text));
        if ((why == NULL) != (cases[i].bits >= 0) || (why == NULL && p.bits != cases[i].bits))
            fail_msg("%s: %s, %d bits", cases[i].text, why ? why : "read", why ? 0 : p.bits);
    }
}

static unsigned __int128 random_address(void)
{
    unsigned __int128 mapped = (unsigned __int128)0xffff << 32;
    switch (rnd() % 4) {
    case 0: return mapped | (uint32_t)rnd();
    case 1: return mapped | 0x0a000000 | (uint32_t)(rnd() % 4096);
    case 2: return (unsigned __int128)0x20010db8 << 96 | rnd() % 4096;
    default: return (unsigned __int128)rnd() << 64 | rnd();
    }
}

static void the_longest_prefix_wins(void **state)
{
    enum { N = 1500, ASKED = 4000 };
    static struct ip_prefix prefixes[N], sorted[N];
    static uint8_t bytes[ASKED][16];
    static uint32_t rows[ASKED], ipv4[ASKED], rows4[ASKED];
    for (int round = 0; round < 4; round++) {
        size_t n = round == 0 ? 0 : round == 1 ? 1 : N;
        uint64_t n_dropped;
        for (uint32_t i = 0; i < n; i++) {
            unsigned bits = (unsigned)(rnd() % 129);
            unsigned __int128 mask = bits ? ~(unsigned __int128)0 << (128 - bits) : 0;
            prefixes[i] = sorted[i] = (struct ip_prefix){random_address() & mask, (uint8_t)bits, i};
        }
        struct ip_trie *t = ip_trie_new(sorted, n, &n_dropped);
        for (size_t i = 0; i < ASKED; i++) {
            unsigned __int128 a = n && i % 3 == 0 ? prefixes[rnd() % n].address + rnd() % 3 - 1 : random_address();
            for (int k = 0; k < 16; k++)
                bytes[i][k] = (uint8_t)(a >> (120 - 8 * k));
            ipv4[i] = (uint32_t)a;
        }
        ip_trie_find_ipv6(t, bytes, ASKED, rows);
        ip_trie_find_ipv4(t, ipv4, ASKED, rows4);
        for (size_t i = 0; i < 2 * ASKED; i++) {
            unsigned __int128 a = 0;
            for (int k = 0; k < 16; k++)
                a = a << 8 | bytes[i % ASKED][k];
            if (i >= ASKED)
                a = (unsigned __int128)0xffff << 32 | ipv4[i - ASKED];
            uint32_t expected = UINT32_MAX;
            int best = -1;
            for (uint32_t j = 0; j < n; j++) {
                unsigned __int128 mask = prefixes[j].bits ? ~(unsigned __int128)0 << (128 - prefixes[j].bits) : 0;
                if ((a & mask) == prefixes[j].address && prefixes[j].bits > best) {
                    best = prefixes[j].bits;
                    expected = j;
                }
            }
            assert_int_equal(i < ASKED ? rows[i] : rows4[i - ASKED], expected);
        }
        ip_trie_free(t);
    }
}

/* ---- tables ---- */

static void put_file(struct buf *files, const char *text, size_t n)
{
    buf_u64(files, n);
    buf_put(files, text, n);
}

static const struct str names[2] = {STR("k"), STR("v")};
static const uint32_t positions[2] = {0, 1}, first[1] = {0};
static const struct field fields[2] = {{STR("k"), {.kind = TYPE_STRING}, false}, {STR("v"), {.kind = TYPE_UINT8}, false}};

static struct lookup_spec csv_spec(enum lookup_layout layout, enum format format)
{
    return (struct lookup_spec){.name = STR("l"),
                                .layout = layout,
                                .format = {.format = format, .fields = fields, .n_fields = 2, .positions = positions, .n_positions = 2},
                                .names = names,
                                .keys = first,
                                .n_keys = 1};
}

static void files_are_whole_or_refused(void **state)
{
    static const struct {
        enum lookup_layout layout;
        enum format format;
        const char *text, *why; /* NULL: taken */
        uint64_t rows, duplicates;
    } cases[] = {
        {LOOKUP_HASHED, FORMAT_CSV, "a,1\nb,2\na,3\n", NULL, 3, 1},
        {LOOKUP_HASHED, FORMAT_CSV, "", NULL, 0, 0},
        {LOOKUP_HASHED, FORMAT_CSV_WITH_NAMES, "v,k\n1,a\n", NULL, 1, 0},
        {LOOKUP_HASHED, FORMAT_CSV_WITH_NAMES, "k,v", NULL, 0, 0},
        {LOOKUP_HASHED, FORMAT_CSV_WITH_NAMES, "", "u.csv: is empty", 0, 0},
        {LOOKUP_HASHED, FORMAT_CSV_WITH_NAMES, "v,q\n1,a\n", "u.csv: ", 0, 0},
        {LOOKUP_HASHED, FORMAT_CSV, "a,1\nb,256\n", "u.csv: line 2: ", 0, 0},
        {LOOKUP_HASHED, FORMAT_CSV, "a,1\nb\n", "u.csv: line 2: ", 0, 0},
        {LOOKUP_HASHED, FORMAT_CSV, "a,1\n\"b,2\n", "u.csv: line 2: ", 0, 0},
        {LOOKUP_IP_TRIE, FORMAT_CSV, "10.0.0.0/8,1\n10.9.9.9/8,2\n::/0,3\n", NULL, 3, 1},
        {LOOKUP_IP_TRIE, FORMAT_CSV, "10.0.0.0/8,1\nten,2\n", "row 2, 'ten'", 0, 0},
        {LOOKUP_HASHED, FORMAT_CSV, "\x1f\x8b\x08 cut", "u.csv: ", 0, 0},
    };
    static const char *const paths[] = {"u.csv"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lookup_spec spec = csv_spec(cases[i].layout, cases[i].format);
        AUTO_DONE(buf) files = {0};
        AUTO(lookup_table) t = NULL;
        struct err e = {0};
        put_file(&files, cases[i].text, strlen(cases[i].text));
        enum err_code code =
            lookup_table_new(&t, &spec, &(struct lookup_files){.bytes = buf_view(&files), .paths = paths, .max_bytes = 1 << 20}, &e);
        bool is_right = cases[i].why ? code != ERR_OK && strstr(e.text, cases[i].why) != NULL
                                     : code == ERR_OK && lookup_table_rows(t) == cases[i].rows &&
                                           lookup_table_duplicates(t) == cases[i].duplicates;
        if (!is_right)
            fail_msg("case %zu: %d %s", i, code, e.text);
    }
}

static void what_is_not_there_is_null(void **state)
{
    struct lookup_spec spec = csv_spec(LOOKUP_HASHED, FORMAT_CSV);
    AUTO_DONE(buf) files = {0};
    AUTO_DONE(arena) arena = {0};
    AUTO(lookup_table) t = NULL;
    put_file(&files, "a,1\n,2\n", 7);
    put_file(&files, "a,9\nb,3", 7);
    assert_int_equal(lookup_table_new(&t, &spec, &(struct lookup_files){.bytes = buf_view(&files), .max_bytes = 1 << 20}, NULL), ERR_OK);
    struct str keys[] = {STR("a"), STR("b"), STR(""), STR("c")};
    struct column key = {.type = {.kind = TYPE_STRING}, .values = keys};
    const struct column *const list[] = {&key};
    uint32_t rows[4];
    uint8_t values[4], nulls[4];
    lookup_find(t, TYPE_STRING, list, 4, &arena, rows);
    lookup_values(t, 1, rows, 4, values, nulls);
    assert_memory_equal(values, ((uint8_t[]){1, 3, 2, 0}), 4);
    assert_memory_equal(nulls, ((uint8_t[]){0, 0, 0, 1}), 4);
}

/* ---- GeoIP ---- */

static void put_database(struct buf *files)
{
    static struct mmdb_make m;
    AUTO_DONE(buf) bytes = {0};
    uint8_t address[16] = {10};
    m = (struct mmdb_make){.version = 4, .bits = 24};
    /* {"country_code": "NO", "autonomous_system_number": 64500, "location": {"latitude": 59.5}} */
    buf_byte(&m.data, 7 << 5 | 3);
    make_key(&m.data, "country_code");
    make_key(&m.data, "NO");
    make_key(&m.data, "autonomous_system_number");
    make_uint(&m.data, 6, 64500);
    make_key(&m.data, "location");
    buf_byte(&m.data, 7 << 5 | 1);
    make_key(&m.data, "latitude");
    make_double(&m.data, 59.5);
    make_network(&m, address, 8, 0);
    make_file(&bytes, &m);
    put_file(files, bytes.p, bytes.n);
    buf_done(&m.data);
}

static void databases_give_columns_by_name(void **state)
{
    struct lookup_spec spec = {.name = STR("g"), .layout = LOOKUP_GEOIP};
    AUTO_DONE(buf) files = {0};
    AUTO_DONE(arena) arena = {0};
    AUTO(lookup_table) t = NULL;
    struct err e;
    put_database(&files);
    struct lookup_files in = {.bytes = buf_view(&files), .max_bytes = 1 << 20};
    spec.fields[GEO_CITY] = true;
    assert_int_equal(lookup_table_new(&t, &spec, &in, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "no record of this database"));
    assert_non_null(strstr(e.text, "has a city"));
    spec.fields[GEO_CITY] = false;
    spec.fields[GEO_ASN] = spec.fields[GEO_COUNTRY_CODE] = spec.fields[GEO_LATITUDE] = true;
    assert_int_equal(lookup_table_new(&t, &spec, &in, &e), ERR_OK);
    uint32_t addresses[] = {0x0a010203, 0x0b000000}, rows[2], asn[2];
    struct str texts[2];
    double latitude[2];
    uint8_t nulls[2];
    struct column key = {.type = {.kind = TYPE_IPV4}, .values = addresses};
    const struct column *const list[] = {&key};
    lookup_find(t, TYPE_IPV4, list, 2, &arena, rows);
    struct lookup_geo *g = lookup_geo_new(t, GEO_COUNTRY_CODE);
    lookup_geo_values(g, rows, 2, &arena, texts, nulls);
    assert_true(str_is(texts[0], "NO") && !nulls[0] && nulls[1]);
    lookup_geo_free(g);
    g = lookup_geo_new(t, GEO_ASN);
    lookup_geo_values(g, rows, 2, &arena, asn, nulls);
    assert_true(asn[0] == 64500 && !nulls[0] && nulls[1]);
    lookup_geo_free(g);
    g = lookup_geo_new(t, GEO_LATITUDE);
    lookup_geo_values(g, rows, 2, &arena, latitude, nulls);
    assert_true(latitude[0] == 59.5 && !nulls[0] && nulls[1]);
    lookup_geo_free(g);
    g = lookup_geo_new_at(t, STR("location.latitude")); /* any value as text */
    lookup_geo_values(g, rows, 2, &arena, texts, nulls);
    assert_true(str_is(texts[0], "59.5") && !nulls[0] && nulls[1]);
    lookup_geo_free(g);
    /* IPv4 within IPv6 */
    uint8_t mapped[2][16] = {{[10] = 0xff, [11] = 0xff, [12] = 10}, {0x20, 1}};
    key = (struct column){.type = {.kind = TYPE_IPV6}, .values = mapped};
    lookup_find(t, TYPE_IPV6, list, 2, &arena, rows);
    assert_true(rows[0] != LOOKUP_NONE && rows[1] == LOOKUP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_found_and_keep_their_first_row),
        cmocka_unit_test(texts_of_any_length_are_found),
        cmocka_unit_test(networks_are_read_or_refused),
        cmocka_unit_test(the_longest_prefix_wins),
        cmocka_unit_test(files_are_whole_or_refused),
        cmocka_unit_test(what_is_not_there_is_null),
        cmocka_unit_test(databases_give_columns_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
