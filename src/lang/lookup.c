/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE LOOKUP name (columns, PRIMARY KEY k) [LAYOUT(…)] FROM FILES … FORMAT … [REFRESH EVERY d],
 * and CREATE LOOKUP name FROM GEOIP 'x.mmdb' [REFRESH EVERY d]. */
#include "lang/parse_priv.h"

static const char *const lookup_clauses[] = {
    "FROM", "FORMAT", "SETTINGS", "LAYOUT", "REFRESH", "PRIMARY", "LIFETIME", "SOURCE", NULL,
};

enum { MAX_KEYS = 16 };

enum {
    SEEN_FROM = 1,
    SEEN_FORMAT = 2,
    SEEN_SETTINGS = 4,
    SEEN_LAYOUT = 8,
    SEEN_REFRESH = 16,
};

/* ---- the key ---- */

static bool key_name(struct parser *p, struct lookup_def *l)
{
    struct place at = place_here(p);
    struct str name;
    if (!name_here(p, "the name of a key's column", &name))
        return false;
    for (uint32_t i = 0; i < l->n_keys; i++)
        if (str_eq(l->keys[i], name))
            refuse(p, at, NULL, "%.*s stands twice in PRIMARY KEY", STR_FMT(name));
    if (l->n_keys == MAX_KEYS) {
        mistake(p, at, NULL, "a PRIMARY KEY has at most %d columns", MAX_KEYS);
        return false;
    }
    l->keys = room_for_one(p, l->keys, l->n_keys, sizeof(*l->keys));
    l->keys_at = room_for_one(p, l->keys_at, l->n_keys, sizeof(*l->keys_at));
    l->keys_at[l->n_keys] = at;
    l->keys[l->n_keys++] = name;
    return true;
}

bool lookup_key(struct parser *p, struct lookup_def *l)
{
    struct place at = place_here(p);
    advance(p);
    if (!expect_word(p, "KEY", "after PRIMARY"))
        return false;
    if (l->n_keys > 0) {
        mistake(p, at, "several columns: PRIMARY KEY (a, b)", "PRIMARY KEY is given twice");
        return false;
    }
    if (!accept_symbol(p, '('))
        return key_name(p, l);
    do {
        if (!key_name(p, l))
            return false;
    } while (accept_symbol(p, ','));
    return expect_symbol(p, ')', "after the key's columns");
}

/* ---- clauses ---- */

/* HASHED or HASHED(), as ClickHouse writes it. */
static bool layout_clause(struct parser *p, struct lookup_def *l)
{
    static const char *const names[] = {"HASHED", "IP_TRIE", "COMPLEX_KEY_HASHED", NULL};
    struct str name;
    if (!expect_symbol(p, '(', "after LAYOUT"))
        return false;
    l->layout_at = place_here(p);
    if (!name_here(p, "the name of a layout", &name))
        return false;
    const char *found = NULL;
    for (size_t i = 0; names[i] != NULL; i++)
        if (strlen(names[i]) == name.n && strncasecmp(names[i], name.p, name.n) == 0)
            found = names[i];
    if (found == NULL)
        refuse(p, l->layout_at, "there are HASHED and IP_TRIE", "unknown layout %.*s",
               STR_FMT(name));
    l->layout = found == names[1] ? LAYOUT_IP_TRIE : LAYOUT_HASHED;
    if (accept_symbol(p, '(') && !expect_symbol(p, ')', "after the layout's '('"))
        return false;
    return expect_symbol(p, ')', "after the layout");
}

static bool geoip_file(struct parser *p, struct lookup_def *l)
{
    l->is_geoip = true;
    l->from.files = room_for_one(p, NULL, 0, sizeof(*l->from.files));
    l->from.files_at = room_for_one(p, NULL, 0, sizeof(*l->from.files_at));
    l->from.files_at[0] = place_here(p);
    if (!string_here(p, "the path of a GeoIP database in quotes", &l->from.files[0]))
        return false;
    if (l->from.files[0].n == 0)
        refuse(p, l->from.files_at[0], NULL, "the path is empty");
    l->from.n_files = 1;
    return true;
}

static bool from_clause(struct parser *p, struct lookup_def *l)
{
    static const char *const kinds[] = {"FILES", "GEOIP", NULL};
    struct place at = place_here(p);

    if (accept_word(p, "FILES"))
        return source_files(p, &l->from);
    if (accept_word(p, "GEOIP"))
        return geoip_file(p, l);
    const char *near =
        p->token.kind == TOKEN_WORD ? suggest_keyword(p, p->token.text, kinds, 2) : NULL;
    if (p->token.kind == TOKEN_STRING)
        near = "write FROM FILES, or FROM GEOIP for a .mmdb";
    if (at_symbol(p, '('))
        mistake(p, at, NULL, "a LOOKUP from a SELECT is not there yet");
    else
        mistake(p, at, near, "expected FILES or GEOIP after FROM");
    return false;
}

static bool refresh_clause(struct parser *p, struct lookup_def *l)
{
    return expect_word(p, "EVERY", "after REFRESH") &&
           duration_here(p, &l->refresh, DURATION_POSITIVE);
}

static bool refuse_clickhouse_clause(struct parser *p, struct place at)
{
    bool is_lifetime = accept_word(p, "LIFETIME");
    if (!is_lifetime)
        advance(p);
    if (is_lifetime)
        mistake(p, at, "write REFRESH EVERY 1 MINUTE", "a LOOKUP has no LIFETIME");
    else
        mistake(p, at, "write FROM FILES 'path' FORMAT CSV", "a LOOKUP has no SOURCE");
    return false;
}

static bool lookup_clause(struct parser *p, struct lookup_def *l, uint32_t *seen)
{
    struct place at = place_here(p);

    if (at_word(p, "FROM")) {
        check_once(p, seen, SEEN_FROM, "FROM");
        advance(p);
        return from_clause(p, l);
    }
    if (at_word(p, "FORMAT")) {
        check_once(p, seen, SEEN_FORMAT, "FORMAT");
        advance(p);
        return source_format(p, &l->from);
    }
    if (at_word(p, "SETTINGS")) {
        check_once(p, seen, SEEN_SETTINGS, "SETTINGS");
        advance(p);
        return settings_here(p, &l->from.settings, &l->from.n_settings);
    }
    if (at_word(p, "LAYOUT")) {
        check_once(p, seen, SEEN_LAYOUT, "LAYOUT");
        advance(p);
        return layout_clause(p, l);
    }
    if (at_word(p, "REFRESH")) {
        check_once(p, seen, SEEN_REFRESH, "REFRESH");
        advance(p);
        return refresh_clause(p, l);
    }
    if (at_word(p, "PRIMARY"))
        return lookup_key(p, l);
    if (at_word(p, "LIFETIME") || at_word(p, "SOURCE"))
        return refuse_clickhouse_clause(p, at);
    unexpected_clause(p, lookup_clauses);
    return false;
}

/* ---- the whole ---- */

static void check_column(struct parser *p, const struct column_def *c)
{
    if (c->mode != COLUMN_PLAIN || c->is_ephemeral)
        refuse(p, c->at, "compute it in the stream that reads the lookup",
               "column %.*s: a lookup's columns are read as they stand in the file",
               STR_FMT(c->name));
    else if (c->has_from && str_is(c->from, "*"))
        refuse(p, c->at, "name the columns that you want", "FROM '*' has no place in a lookup");
}

static void check_geoip(struct parser *p, const struct lookup_def *l, uint32_t seen)
{
    const char *name = arena_printf(p->arena, "%.*s", STR_FMT(l->from.name));
    if (l->from.n_columns > 0)
        refuse(p, l->from.columns[0].at, "leave them out",
               "lookup %s is a GeoIP database, which has its own columns", name);
    if (l->n_keys > 0)
        refuse(p, l->keys_at[0], "leave it out",
               "lookup %s is a GeoIP database: its key is an address", name);
    if (seen & (SEEN_FORMAT | SEEN_SETTINGS | SEEN_LAYOUT))
        refuse(p, l->from.at, "leave it out",
               "lookup %s is a GeoIP database: it has no FORMAT, SETTINGS or LAYOUT", name);
}

static void check_is_whole(struct parser *p, const struct lookup_def *l, uint32_t seen)
{
    const struct source_def *f = &l->from;
    if (f->n_files == 0) {
        refuse(p, f->at, NULL, "lookup %.*s needs FROM FILES 'path' or FROM GEOIP 'path'",
               STR_FMT(f->name));
        return;
    }
    if (l->is_geoip) {
        check_geoip(p, l, seen);
        return;
    }
    if (f->n_columns == 0)
        refuse(p, f->at, "write CREATE LOOKUP name (key String, value String, PRIMARY KEY key)",
               "lookup %.*s needs columns", STR_FMT(f->name));
    else if (l->n_keys == 0)
        refuse(p, f->at,
               arena_printf(p->arena, "write PRIMARY KEY %.*s behind the last column",
                            STR_FMT(f->columns[0].name)),
               "lookup %.*s needs a PRIMARY KEY", STR_FMT(f->name));
    if (f->format == FORMAT_NONE)
        refuse(p, f->at, NULL, "lookup %.*s needs FORMAT", STR_FMT(f->name));
    for (uint32_t i = 0; i < f->n_columns; i++)
        check_column(p, &f->columns[i]);
}

bool lookup_statement(struct parser *p, struct lookup_def *l)
{
    size_t n_errors = p->d->n_errors;
    uint32_t seen = 0;

    l->from.at = place_here(p);
    if (!name_here(p, "the lookup's name", &l->from.name))
        return false;
    if (at_symbol(p, '(') && !source_columns(p, &l->from, l) &&
        !resume_at_clause(p, lookup_clauses))
        return false;
    while (!at_end_of_statement(p))
        if (!lookup_clause(p, l, &seen) && !resume_at_clause(p, lookup_clauses))
            return false;
    if (p->d->n_errors == n_errors)
        check_is_whole(p, l, seen);
    return !p->in_panic;
}
