/* SPDX-License-Identifier: Apache-2.0
 *
 * Type names, both ways. The table of names holds ClickHouse's aliases; a name of two or more words
 * ("DOUBLE PRECISION") is matched with single spaces between the words. */
#include "column/type.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>

#include "column/zone.h"

enum { MAX_NAME = 40 };

struct type_name {
    const char *name;
    uint8_t kind;
    bool any_case;
    bool is_alias;
};

static const struct type_name type_names[] = {
    {"Bool", TYPE_BOOL, true, false},
    {"UInt8", TYPE_UINT8, false, false},
    {"UInt16", TYPE_UINT16, false, false},
    {"UInt32", TYPE_UINT32, false, false},
    {"UInt64", TYPE_UINT64, false, false},
    {"Int8", TYPE_INT8, false, false},
    {"Int16", TYPE_INT16, false, false},
    {"Int32", TYPE_INT32, false, false},
    {"Int64", TYPE_INT64, false, false},
    {"Float32", TYPE_FLOAT32, false, false},
    {"Float64", TYPE_FLOAT64, false, false},
    {"String", TYPE_STRING, false, false},
    {"Date", TYPE_DATE, true, false},
    {"DateTime", TYPE_DATETIME, true, false},
    {"DateTime64", TYPE_DATETIME64, true, false},
    {"IPv4", TYPE_IPV4, false, false},
    {"IPv6", TYPE_IPV6, false, false},
    {"Nothing", TYPE_NOTHING, false, false},
    {"DateTime32", TYPE_DATETIME, true, true},
    {"TIMESTAMP", TYPE_DATETIME, true, true},
    {"BOOLEAN", TYPE_BOOL, true, true},
    {"TINYINT", TYPE_INT8, true, true},
    {"TINYINT SIGNED", TYPE_INT8, true, true},
    {"INT1", TYPE_INT8, true, true},
    {"INT1 SIGNED", TYPE_INT8, true, true},
    {"BYTE", TYPE_INT8, true, true},
    {"SMALLINT", TYPE_INT16, true, true},
    {"SMALLINT SIGNED", TYPE_INT16, true, true},
    {"INT", TYPE_INT32, true, true},
    {"INT SIGNED", TYPE_INT32, true, true},
    {"INTEGER", TYPE_INT32, true, true},
    {"INTEGER SIGNED", TYPE_INT32, true, true},
    {"MEDIUMINT", TYPE_INT32, true, true},
    {"MEDIUMINT SIGNED", TYPE_INT32, true, true},
    {"BIGINT", TYPE_INT64, true, true},
    {"BIGINT SIGNED", TYPE_INT64, true, true},
    {"SIGNED", TYPE_INT64, true, true},
    {"TINYINT UNSIGNED", TYPE_UINT8, true, true},
    {"INT1 UNSIGNED", TYPE_UINT8, true, true},
    {"SMALLINT UNSIGNED", TYPE_UINT16, true, true},
    {"YEAR", TYPE_UINT16, true, true},
    {"INT UNSIGNED", TYPE_UINT32, true, true},
    {"INTEGER UNSIGNED", TYPE_UINT32, true, true},
    {"MEDIUMINT UNSIGNED", TYPE_UINT32, true, true},
    {"BIGINT UNSIGNED", TYPE_UINT64, true, true},
    {"UNSIGNED", TYPE_UINT64, true, true},
    {"BIT", TYPE_UINT64, true, true},
    {"SET", TYPE_UINT64, true, true},
    {"FLOAT", TYPE_FLOAT32, true, true},
    {"REAL", TYPE_FLOAT32, true, true},
    {"SINGLE", TYPE_FLOAT32, true, true},
    {"DOUBLE", TYPE_FLOAT64, true, true},
    {"DOUBLE PRECISION", TYPE_FLOAT64, true, true},
    {"INET4", TYPE_IPV4, true, true},
    {"INET6", TYPE_IPV6, true, true},
    {"TEXT", TYPE_STRING, true, true},
    {"TINYTEXT", TYPE_STRING, true, true},
    {"MEDIUMTEXT", TYPE_STRING, true, true},
    {"LONGTEXT", TYPE_STRING, true, true},
    {"BLOB", TYPE_STRING, true, true},
    {"TINYBLOB", TYPE_STRING, true, true},
    {"MEDIUMBLOB", TYPE_STRING, true, true},
    {"LONGBLOB", TYPE_STRING, true, true},
    {"BYTEA", TYPE_STRING, true, true},
    {"CLOB", TYPE_STRING, true, true},
    {"CHAR", TYPE_STRING, true, true},
    {"CHARACTER", TYPE_STRING, true, true},
    {"NCHAR", TYPE_STRING, true, true},
    {"VARCHAR", TYPE_STRING, true, true},
    {"VARCHAR2", TYPE_STRING, true, true},
    {"NVARCHAR", TYPE_STRING, true, true},
    {"VARBINARY", TYPE_STRING, true, true},
    {"CHAR VARYING", TYPE_STRING, true, true},
    {"CHARACTER VARYING", TYPE_STRING, true, true},
    {"NATIONAL CHAR", TYPE_STRING, true, true},
    {"NATIONAL CHARACTER", TYPE_STRING, true, true},
};

/* Types that ClickHouse has and weir has not: the answer is then "not supported", not "unknown". */
static const char *const foreign_names[] = {
    "Array", "Map", "Tuple", "Nested", "Decimal", "Decimal32", "Decimal64", "Decimal128", "Decimal256",
    "FixedString", "UUID", "Enum", "Enum8", "Enum16", "Date32", "Time", "Time64", "Int128", "Int256",
    "UInt128", "UInt256", "BFloat16", "JSON", "Dynamic", "Variant", "AggregateFunction",
    "SimpleAggregateFunction", "Point", "Ring", "Polygon", "MultiPolygon", "LineString", "Object",
};

static const char *const interval_names[] = {
    "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour",
    "Day", "Week", "Month", "Quarter", "Year",
};

size_t type_width(struct type t)
{
    switch ((enum type_kind)t.kind) {
    case TYPE_NOTHING:
    case TYPE_BOOL:
    case TYPE_UINT8:
    case TYPE_INT8:
        return 1;
    case TYPE_UINT16:
    case TYPE_INT16:
    case TYPE_DATE:
        return 2;
    case TYPE_UINT32:
    case TYPE_INT32:
    case TYPE_FLOAT32:
    case TYPE_DATETIME:
    case TYPE_IPV4:
        return 4;
    case TYPE_UINT64:
    case TYPE_INT64:
    case TYPE_FLOAT64:
    case TYPE_DATETIME64:
    case TYPE_INTERVAL:
    case TYPE_TUPLE: /* in no column */
        return 8;
    case TYPE_STRING:
    case TYPE_IPV6:
        return 16;
    case TYPE_KIND_COUNT:
        break;
    }
    return 8;
}

static void print_plain(struct buf *out, struct type t)
{
    if (t.kind == TYPE_INTERVAL) {
        buf_printf(out, "Interval%s", t.scale < COUNT(interval_names) ? interval_names[t.scale] : "?");
        return;
    }
    const char *name = "Tuple";
    for (size_t i = 0; i < COUNT(type_names); i++) {
        if (type_names[i].kind == t.kind) {
            name = type_names[i].name;
            break;
        }
    }
    buf_text(out, name);
    if (t.kind == TYPE_DATETIME64) {
        buf_printf(out, "(%u", t.scale);
        if (t.zone)
            buf_printf(out, ", '%s'", zone_name(t.zone));
        buf_byte(out, ')');
    } else if (t.kind == TYPE_DATETIME && t.zone) {
        buf_printf(out, "('%s')", zone_name(t.zone));
    }
}

void type_print(struct buf *out, struct type t)
{
    if (t.is_low_cardinality)
        buf_text(out, "LowCardinality(");
    if (t.is_nullable)
        buf_text(out, "Nullable(");
    print_plain(out, t);
    if (t.is_nullable)
        buf_byte(out, ')');
    if (t.is_low_cardinality)
        buf_byte(out, ')');
}

const char *type_name(struct type t, char out[64])
{
    AUTO_DONE(buf) b = {0};

    type_print(&b, t);
    snprintf(out, 64, "%s", buf_cstr(&b));
    return out;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edit distance without regard to case; stops counting sense past the length of a row. */
static size_t edit_distance(struct str a, const char *b)
{
    size_t row[MAX_NAME + 1];
    size_t n = strlen(b);

    if (a.n > MAX_NAME || n > MAX_NAME)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j];
            bool is_same = tolower((unsigned char)a.p[i - 1]) == tolower((unsigned char)b[j - 1]);
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + !is_same);
            diagonal = above;
        }
    }
    return row[n];
}

const char *nearest_name(struct str name, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t best_distance = name.n <= 3 ? 1 : name.n <= 6 ? 2 : 3;

    for (size_t i = 0; i < n && names[i]; i++) {
        size_t distance = edit_distance(name, names[i]);
        if (distance <= best_distance && distance < name.n && (best == NULL || distance < best_distance)) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}

struct scan {
    const char *at, *end;
};

static void skip_space(struct scan *s)
{
    while (s->at < s->end && isspace((unsigned char)*s->at))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* One or more words, single spaces between them. */
static struct str take_name(struct scan *s, char out[MAX_NAME])
{
    size_t n = 0;

    skip_space(s);
    while (s->at < s->end && n < MAX_NAME - 1) {
        unsigned char c = (unsigned char)*s->at;
        if (isalnum(c) || c == '_') {
            out[n++] = (char)c;
            s->at++;
            continue;
        }
        const char *before = s->at;
        skip_space(s);
        if (n == 0 || s->at == before || s->at == s->end || !isalpha((unsigned char)*s->at))
            break;
        out[n++] = ' ';
    }
    return (struct str){out, n};
}

static const struct type_name *find_name(struct str name)
{
    for (size_t i = 0; i < COUNT(type_names); i++) {
        const struct type_name *t = &type_names[i];
        if (strlen(t->name) == name.n &&
            (t->any_case ? strncasecmp(t->name, name.p, name.n) : memcmp(t->name, name.p, name.n)) == 0)
            return t;
    }
    return NULL;
}

static enum err_code unknown_name(struct str name, struct err *e)
{
    const char *names[COUNT(type_names) + 3];
    size_t n = 0;

    for (size_t i = 0; i < COUNT(foreign_names); i++)
        if (str_is(name, foreign_names[i]))
            return err_set(e, ERR_INVALID, "type %s is not supported", foreign_names[i]);
    if (name.n == 0)
        return err_set(e, ERR_SYNTAX, "a type is missing");
    names[n++] = "LowCardinality";
    names[n++] = "Nullable";
    for (size_t i = 0; i < COUNT(type_names); i++)
        if (!type_names[i].is_alias)
            names[n++] = type_names[i].name;
    const char *near = nearest_name(name, names, n);
    if (near)
        return err_set(e, ERR_INVALID, "unknown type '%.*s'; did you mean %s?", STR_FMT(name), near);
    return err_set(e, ERR_INVALID, "unknown type '%.*s'", STR_FMT(name));
}

static enum err_code expect(struct scan *s, char c, struct err *e)
{
    if (take(s, c))
        return ERR_OK;
    if (s->at == s->end)
        return err_set(e, ERR_SYNTAX, "'%c' is missing at the end of the type", c);
    return err_set(e, ERR_SYNTAX, "'%c' expected in the type before '%.*s'", c,
                   (int)(s->end - s->at > 20 ? 20 : s->end - s->at), s->at);
}

static enum err_code take_number(struct scan *s, long *ret, struct err *e)
{
    long n = 0;

    skip_space(s);
    if (s->at == s->end || !isdigit((unsigned char)*s->at))
        return err_set(e, ERR_SYNTAX, "a number is expected in the type's brackets");
    while (s->at < s->end && isdigit((unsigned char)*s->at) && n < INT_MAX)
        n = n * 10 + (*s->at++ - '0');
    *ret = n;
    return ERR_OK;
}

static enum err_code take_zone(struct scan *s, const struct zone **ret, struct err *e)
{
    TRY(expect(s, '\'', e));
    const char *quote = memchr(s->at, '\'', (size_t)(s->end - s->at));
    if (quote == NULL)
        return err_set(e, ERR_SYNTAX, "the time zone's name has no closing quote");
    TRY(zone_find(ret, (struct str){s->at, (size_t)(quote - s->at)}, e));
    s->at = quote + 1;
    return ERR_OK;
}

static enum err_code take_arguments(struct scan *s, struct type *t, const struct type_name *name,
                                    struct err *e)
{
    long n = 0;

    if (t->kind == TYPE_DATETIME64) {
        TRY(take_number(s, &n, e));
        if (n > 9)
            return err_set(e, ERR_INVALID, "DateTime64 has 0 to 9 digits after the second, not %ld", n);
        t->scale = (uint8_t)n;
        if (take(s, ','))
            TRY(take_zone(s, &t->zone, e));
    } else if (t->kind == TYPE_DATETIME) {
        TRY(take_zone(s, &t->zone, e));
    } else if (name->is_alias && name->kind != TYPE_BOOL) {
        TRY(take_number(s, &n, e)); /* VARCHAR(255), INT(11): without meaning, as in ClickHouse */
    } else {
        return err_set(e, ERR_INVALID, "type %s takes no arguments", name->name);
    }
    return expect(s, ')', e);
}

static enum err_code take_type(struct scan *s, struct type *ret, int depth, struct err *e)
{
    char text[MAX_NAME];
    struct str name = take_name(s, text);

    if (str_is(name, "Nullable") || str_is(name, "LowCardinality")) {
        bool is_nullable = name.p[0] == 'N';
        struct type inner;
        if (depth > 2)
            return err_set(e, ERR_INVALID, "type nested too deep");
        TRY(expect(s, '(', e));
        TRY(take_type(s, &inner, depth + 1, e));
        TRY(expect(s, ')', e));
        if (is_nullable && (inner.is_nullable || inner.is_low_cardinality))
            return err_set(e, ERR_INVALID, "%s cannot be inside Nullable",
                           inner.is_nullable && !inner.is_low_cardinality ? "Nullable"
                                                                         : "LowCardinality");
        if (!is_nullable && (inner.is_low_cardinality || inner.kind != TYPE_STRING))
            return err_set(e, ERR_INVALID, "LowCardinality is there for String and Nullable(String)");
        inner.is_nullable |= is_nullable;
        inner.is_low_cardinality |= !is_nullable;
        *ret = inner;
        return ERR_OK;
    }
    const struct type_name *found = find_name(name);
    if (found == NULL)
        return unknown_name(name, e);
    struct type t = {.kind = found->kind};
    if (t.kind == TYPE_NOTHING && depth == 0)
        return err_set(e, ERR_INVALID, "type Nothing cannot be a column's");
    if (t.kind == TYPE_DATETIME64)
        t.scale = 3;
    if (take(s, '('))
        TRY(take_arguments(s, &t, found, e));
    *ret = t;
    return ERR_OK;
}

enum err_code type_parse(struct type *ret, struct str text, struct err *e)
{
    struct scan s = {text.p, text.p + text.n};
    struct type t;

    TRY(take_type(&s, &t, 0, e));
    skip_space(&s);
    if (s.at != s.end)
        return err_set(e, ERR_SYNTAX, "unexpected text after the type: '%.*s'",
                       (int)(s.end - s.at > 20 ? 20 : s.end - s.at), s.at);
    *ret = t;
    return ERR_OK;
}
