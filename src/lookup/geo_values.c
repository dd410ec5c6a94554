/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of a GeoIP lookup to values of a column. */
#include <stdio.h>

#include "lookup/table_priv.h"

enum { MAX_TEXT_BYTES = 1 << 20 };

struct lookup_geo {
    const struct mmdb *db;
    struct geo_column *column;
    bool is_path;
    enum geo_kind kind;
    struct mmdb_value *found; /* of a batch */
};

struct type geo_field_type(enum geo_field field)
{
    enum geo_kind kind = geo_field_kind(field);
    return (struct type){.kind = kind == GEO_TEXT    ? TYPE_STRING
                                 : kind == GEO_FLOAT ? TYPE_FLOAT64
                                                     : TYPE_UINT32,
                         .is_nullable = true};
}

static struct lookup_geo *geo_new(const struct lookup_table *t)
{
    struct lookup_geo *g = xcalloc(1, sizeof(*g));
    g->db = t->db;
    g->found = xmalloc(BATCH_ROWS * sizeof(*g->found));
    return g;
}

struct lookup_geo *lookup_geo_new(const struct lookup_table *t, enum geo_field field)
{
    struct lookup_geo *g = geo_new(t);
    g->column = geo_column_new(t->db, field);
    g->kind = geo_field_kind(field);
    return g;
}

struct lookup_geo *lookup_geo_new_at(const struct lookup_table *t, struct str path)
{
    struct lookup_geo *g = geo_new(t);
    g->is_path = true;
    if (geo_column_new_at(&g->column, t->db, path, NULL) != ERR_OK)
        g->column = NULL; /* never: it was parsed before */
    return g;
}

void lookup_geo_free(struct lookup_geo *g)
{
    if (g == NULL)
        return;
    geo_column_free(g->column);
    free(g->found);
    free(g);
}

/* A value of any type as text: what is no text as in JSON. */
static struct str any_text(const struct lookup_geo *g, struct mmdb_value v, struct arena *arena)
{
    if (v.type == MMDB_STRING)
        return mmdb_text(g->db, v);
    AUTO_DONE(buf) text = {0};
    if (mmdb_print_json(&text, g->db, v, MAX_TEXT_BYTES, NULL) != ERR_OK)
        return (struct str){0};
    return arena_str(arena, buf_view(&text));
}

static bool put_value(const struct lookup_geo *g, struct mmdb_value v, struct arena *arena,
                      void *values, size_t i)
{
    uint64_t number;
    if (g->is_path) {
        ((struct str *)values)[i] = any_text(g, v, arena);
        return ((struct str *)values)[i].p != NULL;
    }
    if (g->kind == GEO_TEXT) {
        ((struct str *)values)[i] = mmdb_text(g->db, v);
        return true;
    }
    if (g->kind == GEO_FLOAT)
        return mmdb_number(g->db, v, &((double *)values)[i]);
    if (!mmdb_uint(g->db, v, &number) || number > UINT32_MAX)
        return false;
    ((uint32_t *)values)[i] = (uint32_t)number;
    return true;
}

static void put_filler(const struct lookup_geo *g, void *values, size_t i)
{
    if (g->is_path || g->kind == GEO_TEXT)
        ((struct str *)values)[i] = (struct str){"", 0};
    else if (g->kind == GEO_FLOAT)
        ((double *)values)[i] = 0;
    else
        ((uint32_t *)values)[i] = 0;
}

void lookup_geo_values(struct lookup_geo *g, const uint32_t *rows, size_t n, struct arena *arena,
                       void *values, uint8_t *nulls)
{
    if (g->column == NULL)
        memset(g->found, 0, n * sizeof(*g->found));
    else
        geo_column_values(g->column, rows, n, g->found);
    for (size_t i = 0; i < n; i++) {
        nulls[i] = g->found[i].type == 0 || !put_value(g, g->found[i], arena, values, i);
        if (nulls[i])
            put_filler(g, values, i);
    }
}
