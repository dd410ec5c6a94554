/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxMind databases: the input is a file. What is taken can be searched for any address, alone and among others with the
 * same answer, and each record found prints, gives its fields, and the same again from memory. */
#include <stdio.h>
#include <stdlib.h>

#include "lookup/geo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N = 48 };

static void need(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "not true: %s\n", what);
        abort();
    }
}

static void find_all(const struct mmdb *db, const uint8_t *data, size_t size, uint32_t *records)
{
    uint32_t ipv4[N], one;
    uint8_t ipv6[N][16];
    for (uint32_t i = 0; i < N; i++) {
        ipv4[i] = i * 0x05555555u;
        for (int k = 0; k < 16; k++)
            ipv6[i][k] = i < 8 && k < 12 ? 0 : data[(i * 16u + (uint32_t)k * 7) % size];
    }
    mmdb_find_ipv4(db, ipv4, N, records);
    mmdb_find_ipv6(db, ipv6, N, records + N);
    for (uint32_t i = 0; i < N; i++) {
        mmdb_find_ipv4(db, ipv4 + i, 1, &one);
        need(one == records[i], "the same record alone");
        mmdb_find_ipv6(db, ipv6 + i, 1, &one);
        need(one == records[N + i], "the same record alone, IPv6");
    }
}

static void read_field(const struct mmdb *db, enum geo_field field, const uint32_t *records)
{
    AUTO(geo_column) c = geo_column_new(db, field);
    struct mmdb_value first[2 * N], again[2 * N];
    double number;
    uint64_t whole;
    geo_column_values(c, records, 2 * N, first);
    geo_column_values(c, records, 2 * N, again);
    for (int i = 0; i < 2 * N; i++) {
        need(first[i].type == again[i].type && first[i].at == again[i].at, "a remembered value is the same");
        if (first[i].type == 0)
            continue;
        need(geo_field_kind(field) != GEO_TEXT || first[i].type == MMDB_STRING, "a text");
        need(geo_field_kind(field) != GEO_FLOAT || mmdb_number(db, first[i], &number), "a number");
        need(geo_field_kind(field) != GEO_UINT || mmdb_uint(db, first[i], &whole), "a whole number");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(mmdb) db = NULL;
    AUTO_DONE(buf) out = {0};
    struct err e = {0};
    uint32_t records[2 * N];

    if (mmdb_new(&db, (struct str){(const char *)data, size}, &e) != ERR_OK) {
        need(e.text[0], "a reason");
        return 0;
    }
    find_all(db, data, size, records);
    for (int i = 0; i < 2 * N; i++) {
        if (records[i] == MMDB_NONE)
            continue;
        struct mmdb_value v = mmdb_get(db, records[i], &(struct mmdb_path){0});
        buf_reset(&out);
        need(v.type != 0, "a record is a value");
        need(mmdb_print_json(&out, db, v, 4096, &e) == ERR_OK || e.code == ERR_LIMIT, "a record prints");
    }
    for (int f = 0; f < GEO_N_FIELDS; f++)
        read_field(db, (enum geo_field)f, records);
    return 0;
}
