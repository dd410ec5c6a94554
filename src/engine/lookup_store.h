/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of lookups in the store: table weir_lookups, a partition each. */
#ifndef ENGINE_LOOKUP_STORE_H
#define ENGINE_LOOKUP_STORE_H

#include "store/client.h"

struct lookup_name {
    struct str lookup;
    const char *hash;
};

/* How long a version that was written or confirmed may be named without asking again; and how long
 * one that nobody names stays. The second is the longer one by far more than an intent takes. */
enum { LOOKUP_FRESH_MS = 600 * 1000, LOOKUP_STAYS_S = 1200 };

/* Writes it if it is not there; else confirms that it is in use. */
MUST_CHECK enum err_code lookup_store_put(struct store *s, const char *database,
                                          struct lookup_name name, struct str bytes, struct err *e);
/* ERR_NOT_FOUND: it is not there, or not whole. */
MUST_CHECK enum err_code lookup_store_get(struct store *s, const char *database,
                                          struct lookup_name name, struct buf *bytes,
                                          struct err *e);
/* The version that the last epoch read, into hash[33]; "" if there is none. */
MUST_CHECK enum err_code lookup_store_last(struct store *s, const char *database, struct str lookup,
                                           char *hash, struct err *e);
/* Drops versions that no open epoch names, none of `held`, and nobody used for LOOKUP_STAYS_S. */
MUST_CHECK enum err_code lookup_store_clean(struct store *s, const char *database,
                                            const struct lookup_name *held, size_t n_held,
                                            struct err *e);

/* Cuts the next line of an intent's text; false at the end. */
bool lookup_name_next(struct str *text, struct str *lookup, struct str *hash);

#endif
