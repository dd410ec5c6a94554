/* SPDX-License-Identifier: Apache-2.0
 *
 * What CREATE LOOKUP means: the fields to decode, the key, the layout. */
#include <stdio.h>

#include "expr/regex.h"
#include "plan/scope.h"
#include "plan/source_settings.h"

enum { LOOK_EVERY_S = 10 }; /* without REFRESH EVERY */

static const struct pattern_engine regexes = {regex_new, regex_free, regex_n_groups, regex_find};

static bool column_index(const struct source_def *def, struct str name, uint32_t *ret)
{
    for (uint32_t i = 0; i < def->n_columns; i++) {
        if (str_eq(def->columns[i].name, name)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static void unknown_key(struct diagnostics *d, const struct lookup_def *def, uint32_t k)
{
    AUTO_DONE(arena) arena = {0};
    const struct source_def *f = &def->from;
    const char **names = arena_alloc(&arena, (f->n_columns + 1) * sizeof(*names));
    for (uint32_t i = 0; i < f->n_columns; i++)
        names[i] = arena_text(&arena, f->columns[i].name);
    const char *near = nearest_name(def->keys[k], names, f->n_columns);
    diagnose_error(d, def->keys_at[k], near ? arena_printf(&arena, "did you mean %s?", near) : NULL,
                   "PRIMARY KEY %.*s: lookup '%.*s' has no such column", STR_FMT(def->keys[k]),
                   STR_FMT(f->name));
}

static void check_key_type(struct diagnostics *d, const struct lookup_def *def,
                           const struct column_def *c)
{
    struct type t = c->type;
    char name[64];
    if (def->layout == LAYOUT_IP_TRIE && (t.kind != TYPE_STRING || t.is_nullable)) {
        diagnose_error(d, c->type_at, "write String: 10.0.0.0/8, 2001:db8::/32",
                       "the key of LAYOUT(IP_TRIE) is a network as text, not %s",
                       type_name(t, name));
        return;
    }
    if (t.is_nullable)
        diagnose_error(d, c->type_at, "leave out Nullable", "key %.*s cannot be NULL",
                       STR_FMT(c->name));
    else if (type_is_float(t) || type_is_compound(t))
        diagnose_error(d, c->type_at,
                       type_is_float(t) ? "write Decimal(18, 6), or String" : "name several keys",
                       "a %s cannot be a key", type_name(t, name));
}

static void check_columns(struct diagnostics *d, const struct source_def *def)
{
    for (uint32_t i = 0; i < def->n_columns; i++) {
        const struct column_def *c = &def->columns[i];
        char name[64];
        if (!type_may_be_nullable(c->type))
            diagnose_error(d, c->type_at, "read it as String and take it apart in the stream",
                           "column %.*s: a %s cannot be NULL, as what a lookup gives must be able "
                           "to be",
                           STR_FMT(c->name), type_name(c->type, name));
    }
}

/* All columns are decoded, in order. */
static void set_format(struct lookup_spec *spec, const struct source_def *def, struct arena *a,
                       const struct plan_settings *settings)
{
    struct field *fields = arena_zero(a, (def->n_columns + 1) * sizeof(*fields));
    struct str *names = arena_zero(a, (def->n_columns + 1) * sizeof(*names));
    uint32_t *positions = arena_zero(a, (def->n_columns + 1) * sizeof(*positions));
    for (uint32_t i = 0; i < def->n_columns; i++) {
        const struct column_def *c = &def->columns[i];
        fields[i] = (struct field){.path = c->has_from ? c->from : c->name, .type = c->type};
        names[i] = c->name;
        positions[i] = i;
    }
    spec->names = names;
    spec->format = (struct decoder_spec){.format = def->format,
                                         .fields = fields,
                                         .n_fields = def->n_columns,
                                         .positions = positions,
                                         .n_positions = def->n_columns,
                                         .max_record_bytes = (size_t)settings->max_record_bytes,
                                         .max_columns = (uint32_t)settings->max_columns,
                                         .max_depth = (uint32_t)settings->max_depth};
    spec->format.patterns = &regexes;
    spec->format.pattern_flags = REGEX_STRICT;
    source_settings_apply(&spec->format, def);
}

static void set_keys(struct lookup_spec *spec, const struct lookup_def *def, struct arena *a,
                     struct diagnostics *d)
{
    uint32_t *keys = arena_zero(a, (def->n_keys + 1) * sizeof(*keys));
    for (uint32_t k = 0; k < def->n_keys; k++) {
        if (column_index(&def->from, def->keys[k], &keys[k]))
            check_key_type(d, def, &def->from.columns[keys[k]]);
        else
            unknown_key(d, def, k);
    }
    if (def->layout == LAYOUT_IP_TRIE && def->n_keys > 1)
        diagnose_error(d, def->keys_at[1], NULL, "LAYOUT(IP_TRIE) has one key, a network");
    spec->keys = keys;
    spec->n_keys = def->n_keys;
}

bool plan_lookup_build(struct plan_lookup *ret, const struct lookup_def *def, struct arena *a,
                       const struct plan_settings *settings, struct diagnostics *d)
{
    size_t before = d->n_errors;
    *ret = (struct plan_lookup){.def = def, .name = def->from.name};
    ret->refresh_s = def->refresh.count ? duration_seconds(def->refresh) : LOOK_EVERY_S;
    if (ret->refresh_s < 1)
        ret->refresh_s = 1;
    ret->spec.name = ret->name;
    if (def->is_geoip) {
        ret->spec.layout = LOOKUP_GEOIP;
        return true;
    }
    ret->spec.layout = def->layout == LAYOUT_IP_TRIE ? LOOKUP_IP_TRIE : LOOKUP_HASHED;
    check_source_format(d, "lookup", &def->from);
    check_columns(d, &def->from);
    set_format(&ret->spec, &def->from, a, settings);
    set_keys(&ret->spec, def, a, d);
    return d->n_errors == before;
}
