/* SPDX-License-Identifier: Apache-2.0
 *
 * Types beyond plain numbers, times and texts: lists and maps, numbers as people write them,
 * UUIDs and addresses, and what a file's own header says. */
#include <stdio.h>

#include "cli/infer/decide_priv.h"
#include "lang/parse.h"

/* ---- JSON ---- */

/* The type of numbers or texts that were counted. */
static const char *element_type(const struct column_stats *s)
{
    const uint64_t *n = s->n_kind;
    if (s->n_values == 0)
        return "String";
    if (n[VALUE_BOOL] == s->n_values)
        return "Bool";
    if (n[VALUE_INT] == s->n_values && s->n_leading_zero == 0 && s->n_huge == 0 &&
        (s->n_negative == 0 || s->max <= INT64_MAX))
        return s->n_negative ? "Int64" : "UInt64";
    if (n[VALUE_INT] + n[VALUE_FLOAT] == s->n_values && s->n_leading_zero == 0)
        return "Float64";
    return "String";
}

bool decide_json_compound(struct decision *d)
{
    struct arena *arena = &d->inf->arena;
    const struct column_stats *s = d->s;
    if (d->c->is_map) {
        d->base = arena_printf(arena, "Map(String, %s)", element_type(s));
        buf_printf(&d->why, "an object whose keys are data: %zu values by key", s->n_seen);
        buf_printf(&d->change, "one key: %s FROM '%s.KEY'", element_type(s), d->c->path);
        return true;
    }
    if (s->n_arrays == 0)
        return false;
    if (s->n_deep > 0 || s->n_values > 0) {
        d->base = "String";
        buf_text(&d->why, s->n_values > 0 ? "a value here, a list there: both as JSON text"
                                          : "lists or objects within a list: as JSON text");
        /* one object around all records, as cloud services deliver them */
        bool is_around_all = d->inf->n_records == 1 && d->inf->layout.is_json && s->n_values == 0;
        if (is_around_all)
            buf_printf(&d->change, "records of their own: jq -c '.%s[]'", d->c->path);
        else
            buf_text(&d->change, "an element: its type and FROM '….x[0].y'");
        return true;
    }
    uint64_t n_null = 0;
    for (size_t i = 0; i < NULL_SPELLINGS; i++)
        n_null += s->elements->n_null[i];
    const char *type = element_type(s->elements);
    bool is_null_text = n_null > s->elements->n_null[NULL_EMPTY] + s->elements->n_null[NULL_QUOTED];
    d->base = arena_printf(arena, is_null_text ? "Array(Nullable(%s))" : "Array(%s)", type);
    buf_printf(&d->why, "lists of %s",
               s->elements->n_values == 0    ? "nothing yet"
               : strcmp(type, "String") == 0 ? "texts"
                                             : "values");
    buf_text(&d->change, "as JSON text: String");
    return true;
}

/* ---- Zeek ---- */

static const char *declared_number(const char *t)
{
    return strcmp(t, "count") == 0                                  ? "UInt64"
           : strcmp(t, "int") == 0                                  ? "Int64"
           : strcmp(t, "port") == 0                                 ? "UInt16"
           : strcmp(t, "double") == 0 || strcmp(t, "interval") == 0 ? "Float64"
                                                                    : NULL;
}

static const char *declared_element(const char *t, size_t n)
{
    char name[32];
    snprintf(name, sizeof(name), "%.*s", (int)n, t);
    const char *number = declared_number(name);
    return number ? number : strcmp(name, "bool") == 0 ? "Bool" : "String";
}

bool decide_declared(struct decision *d)
{
    const char *t = d->c->declared, *open = t ? strchr(t, '[') : NULL;
    const struct column_stats *s = d->s;
    if (t == NULL)
        return false;
    buf_printf(&d->why, "%s by the header", t);
    d->convert = "%s";
    if (open && (strncmp(t, "set[", 4) == 0 || strncmp(t, "vector[", 7) == 0)) {
        d->base = arena_printf(&d->inf->arena, "Array(%s)",
                               declared_element(open + 1, strcspn(open + 1, "]")));
        buf_text(&d->change, "as text: String");
        return true;
    }
    if (strcmp(t, "time") == 0) {
        d->base = "DateTime64(6, 'UTC')";
        d->c->role = ROLE_TIME;
        buf_text(&d->change, "coarser: DateTime('UTC')");
        return true;
    }
    if (strcmp(t, "bool") == 0) {
        d->base = "Bool";
        d->c->role = ROLE_DIMENSION;
        return true;
    }
    if (strcmp(t, "addr") == 0) {
        bool is_v4 = s->n_values > 0 && s->n_kind[VALUE_IPV4] == s->n_values;
        d->base = is_v4 ? "IPv4" : "IPv6";
        buf_text(&d->change, is_v4 ? "IPv6 ones to come: IPv6" : "as text: String");
        return true;
    }
    d->base = declared_number(t);
    if (d->base) {
        d->c->is_real = strcmp(d->base, "Float64") == 0;
        d->c->is_signed = *d->base == 'I';
        if (strcmp(t, "port") == 0)
            d->c->role = ROLE_PLAIN;
        else
            decide_number_role(d, name_is_key(decision_name(d)));
        buf_text(&d->change, "as text: String");
        return true;
    }
    buf_reset(&d->why);
    if (s->n_values == 0)
        return false;
    decide_text(d, NULL);
    return true;
}

/* ---- numbers as people write them ---- */

/* The characters to be taken out, as a pattern; one alone is `*single`. */
static void put_stripped(struct buf *class, struct buf *words, const struct written_numbers *w,
                         char group)
{
    for (size_t i = 0; i < w->n_strips; i++) {
        const char *what = w->strips[i];
        if (*what >= 'A' && *what <= 'Z')
            buf_printf(words, "%s|", what);
        else
            buf_text(class, what);
    }
    if (group)
        buf_byte(class, (uint8_t)group);
}

static size_t characters(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* "%s" without what is no digit, sign or point; behind it a point for the fraction. */
static const char *stripping(struct decision *d, char group, bool has_comma_fraction)
{
    AUTO_DONE(buf) class = {0}, words = {0}, pattern = {0}, out = {0};
    put_stripped(&class, &words, &d->s->written, group);
    bool is_one = words.n == 0 && characters(buf_view(&class)) == 1;
    if (words.n == 0 && class.n == 0) {
        buf_text(&out, "%s");
    } else {
        if (is_one)
            buf_str(&pattern, buf_view(&class));
        else if (class.n == 0)
            buf_put(&pattern, words.p, words.n - 1);
        else
            buf_printf(&pattern, "%s[%s]", words.n ? buf_cstr(&words) : "", buf_cstr(&class));
        buf_text(&out, is_one ? "replaceAll(%s, " : "replaceRegexpAll(%s, ");
        /* a percent sign is no hole */
        print_string_literal(&out, buf_view(&pattern));
        buf_text(&out, ", '')");
    }
    const char *text = arena_text(&d->inf->arena, buf_view(&out));
    return has_comma_fraction ? arena_printf(&d->inf->arena, "replaceOne(%s, ',', '.')", text)
                              : text;
}

static void say_written(struct decision *d, bool is_comma_fraction, bool is_unclear)
{
    const struct written_numbers *w = &d->s->written;
    buf_printf(&d->why, "numbers as people write them ('%s')", d->s->example[VALUE_WRITTEN]);
    if (w->n_comma_groups + w->n_one_comma + w->n_comma_fraction > 0)
        buf_text(&d->why, is_comma_fraction ? ", a comma before the fraction"
                                            : ", commas between thousands");
    if (w->n_percent)
        buf_text(&d->why, ", percent as they stand");
    if (is_unclear)
        buf_text(&d->change, is_comma_fraction ? "commas between thousands: replaceAll(…, ',', '')"
                                               : "a comma before the fraction: "
                                                 "toFloat64(replaceOne(…, ',', '.'))");
    else
        buf_text(&d->change,
                 w->n_money ? "exact: Decimal(18, 2) and toDecimal64(…, 2)" : "as text: String");
}

static bool decide_written(struct decision *d, uint64_t *n_fit)
{
    const struct column_stats *s = d->s;
    const struct written_numbers *w = &s->written;
    uint64_t n_floats = s->n_kind[VALUE_FLOAT];
    *n_fit = s->n_kind[VALUE_WRITTEN] + s->n_kind[VALUE_INT] + n_floats;
    if (s->n_kind[VALUE_WRITTEN] == 0 || !decision_fits(d, *n_fit) || s->n_leading_zero > 0)
        return false;
    bool is_unclear = w->n_one_comma > 0 && w->n_comma_groups + w->n_comma_fraction == 0;
    bool is_comma_fraction =
        w->n_comma_fraction > 0 || (is_unclear && d->inf->layout.delimiter == ';');
    bool has_both = w->n_comma_fraction > 0 && w->n_comma_groups > 0;
    if (has_both || (is_comma_fraction && n_floats > s->n_point_groups))
        return false;
    bool is_real = w->n_fraction > 0 || (is_comma_fraction && w->n_one_comma > 0) ||
                   (!is_comma_fraction && n_floats > 0);
    bool has_groups = is_comma_fraction ? w->has_point_groups || n_floats > 0
                                        : w->n_comma_groups + w->n_one_comma > 0;
    const char *text = stripping(d,
                                 !has_groups         ? '\0'
                                 : is_comma_fraction ? '.'
                                                     : ',',
                                 is_comma_fraction);
    bool is_negative = w->n_negative + s->n_negative > 0;
    d->base = is_real ? "Float64" : is_negative ? "Int64" : "UInt64";
    d->convert = arena_printf(&d->inf->arena, "to%s(%s)", d->base, text);
    d->must_convert = true;
    d->c->is_real = is_real || w->n_percent > 0;
    d->c->is_signed = is_negative;
    say_written(d, is_comma_fraction, is_unclear);
    if (name_is_key(decision_name(d)))
        d->c->role = ROLE_KEY;
    else
        d->c->role = ROLE_MEASURE;
    return true;
}

/* ---- others ---- */

static bool decide_list(struct decision *d)
{
    static const char *const types[LIST_TYPES] = {"Array(Int64)",         "Array(Float64)",
                                                  "Array(String)",        "Map(String, Int64)",
                                                  "Map(String, Float64)", "Map(String, String)"};
    for (size_t i = 0; i < LIST_TYPES; i++) {
        if (!decision_fits(d, d->s->n_list[i]))
            continue;
        d->base = types[i];
        d->convert = "%s";
        buf_printf(&d->why, "%s ('%s')", i < MAP_INT ? "lists" : "maps", d->s->example[VALUE_LIST]);
        buf_text(&d->change, "as text: String");
        return true;
    }
    return false;
}

bool decide_form(struct decision *d, uint64_t *n_fit)
{
    const uint64_t *n = d->s->n_kind;
    *n_fit = d->s->n_values;
    if (decision_fits(d, n[VALUE_UUID])) {
        *n_fit = n[VALUE_UUID];
        d->base = "UUID";
        d->convert = "toUUID(%s)";
        d->c->role = ROLE_KEY;
        buf_text(&d->why, "UUIDs");
        buf_text(&d->change, "as text: String");
        return true;
    }
    if (decision_fits(d, n[VALUE_MAC])) {
        decide_text(d, "MAC addresses");
        buf_reset(&d->change);
        buf_printf(&d->change, "as a number: MACStringToNum(%s)", d->c->name);
        return true;
    }
    if (decision_fits(d, n[VALUE_CLOCK])) {
        decide_text(d, "times of day without a date");
        buf_reset(&d->change);
        buf_printf(&d->change,
                   "with a date beside it: MATERIALIZED parseDateTimeBestEffort(concat(DATE, ' ', "
                   "%s), 'UTC')",
                   d->c->name);
        d->c->role = ROLE_PLAIN;
        return true;
    }
    if (decide_written(d, n_fit))
        return true;
    if (n[VALUE_LIST] > 0 && decide_list(d)) {
        *n_fit = n[VALUE_LIST];
        return true;
    }
    return false;
}
