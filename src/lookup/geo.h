/* SPDX-License-Identifier: Apache-2.0
 *
 * What people ask of a GeoIP database by name, wherever its maker put it: MaxMind's nested
 * records and the flat ones of others. A column remembers the value of each record it met, so
 * that a record is read once however many addresses lead to it. */
#ifndef LOOKUP_GEO_H
#define LOOKUP_GEO_H

#include "lookup/mmdb.h"

enum geo_field {
    GEO_COUNTRY_CODE,
    GEO_COUNTRY,
    GEO_CITY,
    GEO_REGION,
    GEO_LATITUDE,
    GEO_LONGITUDE,
    GEO_ASN,
    GEO_ORGANISATION,
    GEO_N_FIELDS,
};

enum geo_kind { GEO_TEXT, GEO_FLOAT, GEO_UINT };

/* False: no such field. */
bool geo_field_named(struct str name, enum geo_field *field);
const char *geo_field_name(enum geo_field field);
enum geo_kind geo_field_kind(enum geo_field field);

/* Does any record have it? Looks at all of them where none does. */
bool geo_has_field(const struct mmdb *db, enum geo_field field);

/* owner: one thread. The database must outlive it, and so must the text of a path. */
struct geo_column;

/* Of a named field: the first of its places that a record has. */
struct geo_column *geo_column_new(const struct mmdb *db, enum geo_field field);

/* Of one place in the records, as mmdb_path_parse reads it. */
MUST_CHECK enum err_code geo_column_new_at(struct geo_column **ret, const struct mmdb *db,
                                           struct str path, struct err *e);
void geo_column_free(struct geo_column *c);
DEFINE_AUTO(geo_column)

/* The values of records that mmdb_find_* gave; type 0 for MMDB_NONE and where a record has none. */
void geo_column_values(struct geo_column *c, const uint32_t *records, size_t n,
                       struct mmdb_value *values);

#endif
