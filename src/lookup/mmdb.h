/* SPDX-License-Identifier: Apache-2.0
 *
 * Databases in MaxMind's form (.mmdb): a binary tree over the bits of addresses whose leaves name
 * records, which are values as JSON has them. docs/formats/mmdb.md has the layout.
 *
 * A database is looked through whole when it is made (tree, every record that the tree names,
 * metadata) and refused for any fault, so that finding and reading cannot fail afterwards; they
 * stay inside its bytes all the same. It does not change once made and owns only its tables: the
 * bytes stay the caller's and must outlive it. any thread */
#ifndef LOOKUP_MMDB_H
#define LOOKUP_MMDB_H

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct mmdb;

/* The numbers are the format's. Pointers are followed and never seen by callers. */
enum mmdb_type {
    MMDB_STRING = 2,
    MMDB_DOUBLE = 3,
    MMDB_BYTES = 4,
    MMDB_UINT16 = 5,
    MMDB_UINT32 = 6,
    MMDB_MAP = 7,
    MMDB_INT32 = 8,
    MMDB_UINT64 = 9,
    MMDB_UINT128 = 10,
    MMDB_ARRAY = 11,
    MMDB_BOOL = 14,
    MMDB_FLOAT = 15,
};

struct mmdb_value {
    uint8_t type;  /* enum mmdb_type; 0: there is none */
    uint32_t size; /* bytes of the payload; pairs of a map, items of an array; a bool's value */
    uint32_t at;   /* the payload's place in the data section */
};

struct mmdb_facts {
    uint32_t n_nodes;
    uint32_t n_records;     /* distinct ones that the tree names */
    uint16_t record_bits;   /* 24, 28 or 32 */
    uint16_t ip_version;    /* 4 or 6 */
    uint64_t build_epoch_s; /* 0: not stated */
    struct str database_type;
};

#define MMDB_NONE UINT32_MAX /* no record */

/* Do the last bytes look like those of a database? */
bool mmdb_has_mark(struct str bytes);

/* Refuses with ERR_INVALID and the reason what is no database or has a fault anywhere; ERR_LIMIT
 * from 4 GiB on. */
MUST_CHECK enum err_code mmdb_new(struct mmdb **ret, struct str bytes, struct err *e);
void mmdb_free(struct mmdb *db);
DEFINE_AUTO(mmdb)

const struct mmdb_facts *mmdb_facts(const struct mmdb *db);

/* The record of each address, or MMDB_NONE. IPv4 addresses are numbers (1.2.3.4 = 0x01020304);
 * IPv6 ones are 16 bytes in network order, where ::ffff:a.b.c.d means a.b.c.d. Several addresses
 * at once are several times faster than one by one: their ways down the tree overlap. */
void mmdb_find_ipv4(const struct mmdb *db, const uint32_t *addresses, size_t n, uint32_t *records);
void mmdb_find_ipv6(const struct mmdb *db, const uint8_t (*addresses)[16], size_t n,
                    uint32_t *records);

/* Steps into a record: names of keys, or numbers of items. Its text is the caller's. */
struct mmdb_path {
    struct {
        struct str key; /* NULL: an item */
        uint32_t item;
    } steps[16];
    size_t n;
};

/* 'city.names.en', 'subdivisions[0].names.en', 'a."key.with.dots"'. */
MUST_CHECK enum err_code mmdb_path_parse(struct mmdb_path *path, struct str text, struct err *e);

/* What lies at the path in the record; type 0 where nothing does. An empty path is the record
 * itself. */
struct mmdb_value mmdb_get(const struct mmdb *db, uint32_t record, const struct mmdb_path *path);

/* Bytes of a string or of bytes: a view into the database. */
struct str mmdb_text(const struct mmdb *db, struct mmdb_value v);

/* Numbers and bools as double, integers above 2^53 rounded; false for other types. */
bool mmdb_number(const struct mmdb *db, struct mmdb_value v, double *ret);

/* Integers and bools that a uint64 holds; false for others. */
bool mmdb_uint(const struct mmdb *db, struct mmdb_value v, uint64_t *ret);

/* The value as JSON: bytes in hex, integers as they are, NaN and infinities as null. ERR_LIMIT
 * once the text is longer than max_bytes (a record whose parts point at one another can be far
 * longer than its file). */
MUST_CHECK enum err_code mmdb_print_json(struct buf *out, const struct mmdb *db,
                                         struct mmdb_value v, size_t max_bytes, struct err *e);

#endif
