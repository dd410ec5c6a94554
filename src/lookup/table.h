/* SPDX-License-Identifier: Apache-2.0
 *
 * One version of a LOOKUP, whole and ready to be read: what `lookup.column(key)` answers from. Made
 * from the bytes of its files and nothing else, so that equal bytes give equal answers. Does not
 * change once made. any thread
 *
 *   bytes of the files ─load.c─▶ columns ─┬─ key_index.c  HASHED: key to row
 *                                         └─ ip_trie.c    IP_TRIE: address to the row of its longest prefix
 *   bytes of a database ─mmdb.c─▶ GEOIP: address to record, geo.c: record to value */
#ifndef LOOKUP_TABLE_H
#define LOOKUP_TABLE_H

#include "codec/decoder.h"
#include "lookup/geo.h"

enum { LOOKUP_MAX_KEYS = 16 };
enum lookup_layout { LOOKUP_HASHED, LOOKUP_IP_TRIE, LOOKUP_GEOIP };

#define LOOKUP_NONE UINT32_MAX /* no row */

/* What the definition says. Everything it points to must outlive the tables made from it. */
struct lookup_spec {
    struct str name;
    enum lookup_layout layout;
    struct decoder_spec format; /* fields: all columns, in order; GEOIP: none */
    const struct str *names;    /* of the columns: a field may have another path */
    const uint32_t *keys;       /* columns of the key; IP_TRIE: one */
    size_t n_keys;
    bool fields[GEO_N_FIELDS]; /* GEOIP: those that are asked for must be there */
};

static inline struct type lookup_column_type(const struct lookup_spec *s, size_t column)
{
    return s->format.fields[column].type;
}

struct lookup_table;

/* The bytes of its files (lookup/files.h) and what to call them in messages: a path each, or NULL.
 * The bytes of a GEOIP database must outlive the table. ERR_INVALID names the record that is wrong,
 * and how. */
struct lookup_files {
    struct str bytes;
    const char *const *paths;
    size_t max_bytes; /* of what one may hold, decompressed */
};
MUST_CHECK enum err_code lookup_table_new(struct lookup_table **ret, const struct lookup_spec *spec,
                                          const struct lookup_files *files, struct err *e);
void lookup_table_free(struct lookup_table *t);
DEFINE_AUTO(lookup_table)

uint64_t
lookup_table_serial(const struct lookup_table *t);        /* no other table of the process has it */
uint64_t lookup_table_rows(const struct lookup_table *t); /* GEOIP: records */
size_t lookup_table_bytes(const struct lookup_table *t);  /* of memory, without the files' bytes */
/* Rows whose key an earlier one has: that one is read, as in ClickHouse's dictionaries. */
uint64_t lookup_table_duplicates(const struct lookup_table *t);

/* The row of each key, LOOKUP_NONE where there is none; GEOIP: the record. The values of `keys` are
 * of exactly the key's types; IP_TRIE and GEOIP: of `address`, which is IPv4, UInt32, IPv6 or
 * FixedString (16 bytes). What stands under a NULL does not matter. n <= BATCH_ROWS. The arena is
 * for scratch. */
void lookup_find(const struct lookup_table *t, enum type_kind address,
                 const struct column *const *keys, size_t n, struct arena *scratch, uint32_t *rows);

/* The column's values of rows from lookup_find into out->values, NULL where there are none into
 * nulls. Texts are views into the table. Not GEOIP. */
void lookup_values(const struct lookup_table *t, size_t column, const uint32_t *rows, size_t n,
                   void *values, uint8_t *nulls);

/* GEOIP: one thread's way to a field's values, which it remembers. A path's values are texts. */
struct lookup_geo;
struct lookup_geo *lookup_geo_new(const struct lookup_table *t, enum geo_field field);
/* The path was checked when the expression was built. */
struct lookup_geo *lookup_geo_new_at(const struct lookup_table *t, struct str path);
void lookup_geo_free(struct lookup_geo *g);
void lookup_geo_values(struct lookup_geo *g, const uint32_t *rows, size_t n, struct arena *arena,
                       void *values, uint8_t *nulls);
struct type geo_field_type(enum geo_field field);

#endif
