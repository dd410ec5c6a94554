/* SPDX-License-Identifier: Apache-2.0
 *
 * Named fields of GeoIP databases, and values remembered by record. The memory is a table of
 * open addressing, at most half full, that never holds more than the database has records. */
#include <assert.h>

#include "lookup/geo.h"
#include "lookup/mmdb_priv.h"

enum { MAX_PLACES = 4 };

/* The places are tried in order: MaxMind's (City, Country, ASN, ISP, Enterprise), then the flat
 * names of others. */
static const struct {
    const char *name;
    enum geo_kind kind;
    const char *places[MAX_PLACES];
} fields[GEO_N_FIELDS] = {
    [GEO_COUNTRY_CODE] = {"country_code",
                          GEO_TEXT,
                          {"country.iso_code", "country_code", "country"}},
    [GEO_COUNTRY] = {"country", GEO_TEXT, {"country.names.en", "country_name", "country"}},
    [GEO_CITY] = {"city", GEO_TEXT, {"city.names.en", "city", "city_name"}},
    [GEO_REGION] = {"region",
                    GEO_TEXT,
                    {"subdivisions[0].names.en", "state1", "region", "region_name"}},
    [GEO_LATITUDE] = {"latitude", GEO_FLOAT, {"location.latitude", "latitude"}},
    [GEO_LONGITUDE] = {"longitude", GEO_FLOAT, {"location.longitude", "longitude"}},
    [GEO_ASN] = {"asn",
                 GEO_UINT,
                 {"autonomous_system_number", "traits.autonomous_system_number", "asn"}},
    [GEO_ORGANISATION] = {"organisation",
                          GEO_TEXT,
                          {"autonomous_system_organization",
                           "traits.autonomous_system_organization", "organization",
                           "as_organization"}},
};

struct geo_slot {
    uint32_t record; /* MMDB_NONE: free */
    struct mmdb_value value;
};

struct geo_column {
    const struct mmdb *db;
    bool any_kind; /* a path gives what is there, a field only values of its kind */
    enum geo_kind kind;
    struct mmdb_path places[MAX_PLACES];
    size_t n_places;
    struct geo_slot *slots; /* n_slots is a power of two */
    uint32_t n_slots, n_used;
};

bool geo_field_named(struct str name, enum geo_field *field)
{
    for (int i = 0; i < GEO_N_FIELDS; i++) {
        if (str_is(name, fields[i].name)) {
            *field = (enum geo_field)i;
            return true;
        }
    }
    return false;
}

const char *geo_field_name(enum geo_field field)
{
    return fields[field].name;
}

enum geo_kind geo_field_kind(enum geo_field field)
{
    return fields[field].kind;
}

static struct geo_slot *slots_new(uint32_t n)
{
    struct geo_slot *slots = xmalloc(n * sizeof(*slots));
    for (uint32_t i = 0; i < n; i++)
        slots[i].record = MMDB_NONE;
    return slots;
}

static struct geo_column *column_new(const struct mmdb *db)
{
    struct geo_column *c = xcalloc(1, sizeof(*c));
    c->db = db;
    c->n_slots = 64;
    c->slots = slots_new(c->n_slots);
    return c;
}

bool geo_has_field(const struct mmdb *db, enum geo_field field)
{
    AUTO(geo_column) c = geo_column_new(db, field);
    uint32_t n_nodes = db->facts.n_nodes, last = MMDB_NONE;
    for (uint32_t i = 0; i < n_nodes * 2; i++) {
        uint32_t to = mmdb_child(db, i / 2, i % 2);
        struct mmdb_value v;
        if (to <= n_nodes || to == last)
            continue;
        last = to;
        geo_column_values(c, &(uint32_t){to - n_nodes - MMDB_SEPARATOR_BYTES}, 1, &v);
        if (v.type != 0)
            return true;
    }
    return false;
}

struct geo_column *geo_column_new(const struct mmdb *db, enum geo_field field)
{
    struct geo_column *c = column_new(db);
    c->kind = fields[field].kind;
    for (; c->n_places < MAX_PLACES && fields[field].places[c->n_places]; c->n_places++) {
        enum err_code code = mmdb_path_parse(&c->places[c->n_places],
                                             str_of(fields[field].places[c->n_places]), NULL);
        assert(code == ERR_OK);
        (void)code;
    }
    return c;
}

enum err_code geo_column_new_at(struct geo_column **ret, const struct mmdb *db, struct str path,
                                struct err *e)
{
    AUTO(geo_column) c = column_new(db);
    TRY(mmdb_path_parse(&c->places[0], path, e));
    c->any_kind = true;
    c->n_places = 1;
    *ret = MOVE(c);
    return ERR_OK;
}

void geo_column_free(struct geo_column *c)
{
    if (c)
        free(c->slots);
    free(c);
}

static bool is_of_kind(const struct geo_column *c, struct mmdb_value v)
{
    uint64_t n;
    double number;
    if (c->any_kind || v.type == 0)
        return v.type != 0;
    return c->kind == GEO_TEXT   ? v.type == MMDB_STRING
           : c->kind == GEO_UINT ? v.type != MMDB_BOOL && mmdb_uint(c->db, v, &n)
                                 : v.type != MMDB_BOOL && mmdb_number(c->db, v, &number);
}

static struct mmdb_value read_record(const struct geo_column *c, uint32_t record)
{
    for (size_t i = 0; i < c->n_places; i++) {
        struct mmdb_value v = mmdb_get(c->db, record, &c->places[i]);
        if (is_of_kind(c, v))
            return v;
    }
    return (struct mmdb_value){0};
}

static uint32_t slot_of(const struct geo_column *c, uint32_t record)
{
    uint32_t at = (uint32_t)((record * 0x9e3779b97f4a7c15u) >> 32) & (c->n_slots - 1);
    while (c->slots[at].record != record && c->slots[at].record != MMDB_NONE)
        at = (at + 1) & (c->n_slots - 1);
    return at;
}

static void grow(struct geo_column *c)
{
    struct geo_slot *old = c->slots;
    uint32_t n_old = c->n_slots;
    c->n_slots *= 2;
    c->slots = slots_new(c->n_slots);
    for (uint32_t i = 0; i < n_old; i++)
        if (old[i].record != MMDB_NONE)
            c->slots[slot_of(c, old[i].record)] = old[i];
    free(old);
}

static struct mmdb_value remember(struct geo_column *c, uint32_t at, uint32_t record)
{
    struct mmdb_value v = read_record(c, record);
    c->slots[at] = (struct geo_slot){record, v};
    if (++c->n_used > c->n_slots / 2)
        grow(c);
    return v;
}

void geo_column_values(struct geo_column *c, const uint32_t *records, size_t n,
                       struct mmdb_value *values)
{
    for (size_t i = 0; i < n; i++) {
        if (records[i] == MMDB_NONE) {
            values[i] = (struct mmdb_value){0};
            continue;
        }
        uint32_t at = slot_of(c, records[i]);
        values[i] =
            c->slots[at].record == records[i] ? c->slots[at].value : remember(c, at, records[i]);
    }
}
