/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOKUP_TABLE_PRIV_H
#define LOOKUP_TABLE_PRIV_H

#include "lookup/ip_trie.h"
#include "lookup/key_index.h"
#include "lookup/table.h"

/* A column of all rows. Texts lie in the table's arena. */
struct lookup_values {
    struct type type;
    size_t width;
    char *values;
    size_t mapped_bytes; /* values are xmap'ed; 0: from the heap */
    uint8_t *nulls;      /* of Nullable types */
};

struct lookup_table {
    const struct lookup_spec *spec;
    uint64_t serial;
    struct lookup_values *columns;
    size_t n_rows, cap_rows;
    uint64_t n_duplicates;
    struct arena arena;
    struct key_index *index; /* HASHED */
    struct ip_trie *trie;    /* IP_TRIE */
    struct mmdb *db;         /* GEOIP */
    struct buf database;     /* its bytes, if the file is compressed */
};

/* load.c: the records of all files, appended to the columns. */
MUST_CHECK enum err_code lookup_decompress(struct buf *out, struct str in, size_t max_bytes,
                                           struct err *e);
MUST_CHECK enum err_code lookup_load(struct lookup_table *t, const struct lookup_files *files,
                                     struct err *e);

#endif
