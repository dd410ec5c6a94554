/* SPDX-License-Identifier: Apache-2.0
 *
 * Type names, both ways. The table of names holds ClickHouse's aliases; a name of two or more words
 * ("DOUBLE PRECISION") is matched with single spaces between the words. */
#include "column/type.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>

#include "column/type_priv.h"
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
    {"Date32", TYPE_DATE32, true, false},
    {"UUID", TYPE_UUID, false, false},
    {"FixedString", TYPE_FIXED_STRING, false, false},
    {"Decimal", TYPE_DECIMAL, true, false},
    {"Enum8", TYPE_ENUM8, false, false},
    {"Enum16", TYPE_ENUM16, false, false},
    {"Array", TYPE_ARRAY, false, false},
    {"Tuple", TYPE_TUPLE, false, false},
    {"Map", TYPE_MAP, false, false},
    {"Enum", TYPE_ENUM8, true, true},
    {"BINARY", TYPE_FIXED_STRING, true, true},
    {"DEC", TYPE_DECIMAL, true, true},
    {"NUMERIC", TYPE_DECIMAL, true, true},
    {"FIXED", TYPE_DECIMAL, true, true},
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
    "Nested",
    "Decimal256",
    "Time",
    "Time64",
    "Int128",
    "Int256",
    "UInt128",
    "UInt256",
    "BFloat16",
    "JSON",
    "Dynamic",
    "Variant",
    "AggregateFunction",
    "SimpleAggregateFunction",
    "Point",
    "Ring",
    "Polygon",
    "MultiPolygon",
    "LineString",
    "Object",
};

static const char *const interval_names[] = {
    "Nanosecond", "Microsecond", "Millisecond", "Second",  "Minute", "Hour",
    "Day",        "Week",        "Month",       "Quarter", "Year",
};

size_t type_width(struct type t)
{
    switch ((enum type_kind)t.kind) {
    case TYPE_NOTHING:
    case TYPE_BOOL:
    case TYPE_UINT8:
    case TYPE_INT8: return 1;
    case TYPE_UINT16:
    case TYPE_INT16:
    case TYPE_DATE: return 2;
    case TYPE_UINT32:
    case TYPE_INT32:
    case TYPE_FLOAT32:
    case TYPE_DATETIME:
    case TYPE_IPV4:
    case TYPE_DATE32: return 4;
    case TYPE_ENUM8: return 1;
    case TYPE_ENUM16: return 2;
    case TYPE_DECIMAL: return t.size <= 9 ? 4 : t.size <= 18 ? 8 : 16;
    case TYPE_UINT64:
    case TYPE_INT64:
    case TYPE_FLOAT64:
    case TYPE_DATETIME64:
    case TYPE_INTERVAL:
    case TYPE_TUPLE: return 8;
    case TYPE_STRING:
    case TYPE_FIXED_STRING:
    case TYPE_IPV6:
    case TYPE_UUID:
    case TYPE_ARRAY:
    case TYPE_MAP: return 16;
    case TYPE_KIND_COUNT: break;
    }
    return 8;
}

/* A name or text in quotes, as ClickHouse escapes it. */
static void print_quoted(struct buf *out, struct str s, char quote)
{
    static const char from[] = "\b\f\n\r\t", to[] = "bfnrt";

    buf_byte(out, (uint8_t)quote);
    for (size_t i = 0; i < s.n; i++) {
        const char *escape = s.p[i] ? strchr(from, s.p[i]) : NULL;
        if (escape || s.p[i] == '\\' || s.p[i] == quote || s.p[i] == '\0')
            buf_byte(out, '\\');
        buf_byte(out, escape ? (uint8_t)to[escape - from] : s.p[i] ? (uint8_t)s.p[i] : '0');
    }
    buf_byte(out, (uint8_t)quote);
}

static void print_enum(struct buf *out, const struct type_more *more)
{
    for (uint32_t i = 0; i < more->n; i++) {
        buf_text(out, i ? ", " : "(");
        print_quoted(out, more->names[i], '\'');
        buf_printf(out, " = %d", more->values[i]);
    }
    buf_byte(out, ')');
}

static bool is_plain_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalpha((unsigned char)s.p[i]) && s.p[i] != '_' &&
            !(i && isdigit((unsigned char)s.p[i])))
            return false;
    return s.n && !str_is(s, "null") && !str_is(s, "NULL");
}

static void print_elements(struct buf *out, const struct type_more *more)
{
    buf_byte(out, '(');
    for (uint32_t i = 0; i < more->n; i++) {
        buf_text(out, i ? ", " : "");
        if (more->names && is_plain_name(more->names[i])) {
            buf_str(out, more->names[i]);
            buf_byte(out, ' ');
        } else if (more->names) {
            print_quoted(out, more->names[i], '`');
            buf_byte(out, ' ');
        }
        type_print(out, more->elements[i]);
    }
    buf_byte(out, ')');
}

static void print_plain(struct buf *out, struct type t)
{
    if (t.kind == TYPE_INTERVAL) {
        buf_printf(out, "Interval%s",
                   t.scale < COUNT(interval_names) ? interval_names[t.scale] : "?");
        return;
    }
    const char *name = "?";
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
    } else if (t.kind == TYPE_DECIMAL) {
        buf_printf(out, "(%u, %u)", t.size, t.scale);
    } else if (t.kind == TYPE_FIXED_STRING) {
        buf_printf(out, "(%u)", t.size);
    } else if (type_is_enum(t)) {
        print_enum(out, t.more);
    } else if (type_is_compound(t)) {
        print_elements(out, t.more);
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
        if (distance <= best_distance && distance < name.n &&
            (best == NULL || distance < best_distance)) {
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
        if (strlen(t->name) == name.n && (t->any_case ? strncasecmp(t->name, name.p, name.n)
                                                      : memcmp(t->name, name.p, name.n)) == 0)
            return t;
    }
    return NULL;
}

const char *type_known_name(size_t i)
{
    size_t n = 0;

    for (size_t k = 0; k < COUNT(type_names); k++)
        if (!type_names[k].is_alias && type_names[k].kind != TYPE_NOTHING && n++ == i)
            return type_names[k].name;
    return NULL;
}

const char *type_alias(const char *name, size_t i)
{
    const struct type_name *type = find_name(str_of(name));
    size_t n = 0;

    for (size_t k = 0; type && k < COUNT(type_names); k++)
        if (type_names[k].is_alias && type_names[k].kind == type->kind && n++ == i)
            return type_names[k].name;
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
        return err_set(e, ERR_INVALID, "unknown type '%.*s'; did you mean %s?", STR_FMT(name),
                       near);
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

static enum err_code take_digits(struct scan *s, struct type *t, struct err *e)
{
    long digits = 10, scale = 0;

    if (take(s, '(')) {
        TRY(take_number(s, &digits, e));
        if (take(s, ','))
            TRY(take_number(s, &scale, e));
        TRY(expect(s, ')', e));
    }
    if (digits < 1 || digits > DECIMAL_MAX_DIGITS)
        return err_set(e, ERR_INVALID, "Decimal has 1 to %d digits here, not %ld",
                       DECIMAL_MAX_DIGITS, digits);
    if (scale > digits)
        return err_set(e, ERR_INVALID,
                       "Decimal(%ld, %ld) has more digits behind the point than in all", digits,
                       scale);
    t->size = (uint32_t)digits;
    t->scale = (uint8_t)scale;
    return ERR_OK;
}

/* Decimal32(S), Decimal64(S), Decimal128(S) */
static enum err_code take_decimal_of_width(struct scan *s, struct str name, struct type *ret,
                                           struct err *e)
{
    uint32_t digits = str_is(name, "Decimal32") ? 9 : str_is(name, "Decimal64") ? 18 : 38;
    long scale;

    TRY(expect(s, '(', e));
    TRY(take_number(s, &scale, e));
    TRY(expect(s, ')', e));
    if (scale > (long)digits)
        return err_set(e, ERR_INVALID, "%.*s has at most %u digits behind the point", STR_FMT(name),
                       digits);
    *ret = type_decimal(digits, (uint8_t)scale);
    return ERR_OK;
}

static enum err_code take_arguments(struct scan *s, struct type *t, const struct type_name *name,
                                    struct err *e)
{
    long n = 0;

    if (t->kind == TYPE_DATETIME64) {
        TRY(take_number(s, &n, e));
        if (n > 9)
            return err_set(e, ERR_INVALID, "DateTime64 has 0 to 9 digits after the second, not %ld",
                           n);
        t->scale = (uint8_t)n;
        if (take(s, ','))
            TRY(take_zone(s, &t->zone, e));
    } else if (t->kind == TYPE_DATETIME) {
        TRY(take_zone(s, &t->zone, e));
    } else if (t->kind == TYPE_FIXED_STRING) {
        TRY(take_number(s, &n, e));
        if (n < 1 || n > FIXED_STRING_MAX)
            return err_set(e, ERR_INVALID, "FixedString has 1 to %d bytes, not %ld",
                           FIXED_STRING_MAX, n);
        t->size = (uint32_t)n;
    } else if (name->is_alias && name->kind != TYPE_BOOL) {
        TRY(take_number(s, &n, e)); /* VARCHAR(255), INT(11): without meaning, as in ClickHouse */
    } else {
        return err_set(e, ERR_INVALID, "type %s takes no arguments", name->name);
    }
    return expect(s, ')', e);
}

/* Text in the given quotes, without them and its escapes. */
static enum err_code take_quoted(struct scan *s, char quote, struct buf *ret, struct err *e)
{
    static const char from[] = "bfnrt0", to[] = "\b\f\n\r\t\0";

    TRY(expect(s, quote, e));
    for (; s->at < s->end && *s->at != quote; s->at++) {
        char c = *s->at;
        if (c == '\\' && s->at + 1 < s->end) {
            const char *escape = strchr(from, *++s->at);
            c = escape && *escape ? to[escape - from] : *s->at;
        }
        buf_byte(ret, (uint8_t)c);
    }
    if (s->at == s->end)
        return err_set(e, ERR_SYNTAX, "a name in the type has no closing quote");
    s->at++;
    return ERR_OK;
}

enum { MAX_ELEMENTS = 4096, MAX_ENUM = 65536 };

static enum err_code take_enum_value(struct scan *s, long *ret, struct err *e)
{
    bool is_negative = take(s, '-');

    TRY(take_number(s, ret, e));
    *ret = is_negative ? -*ret : *ret;
    return ERR_OK;
}

static enum err_code take_enum(struct scan *s, struct type *t, bool is_any_width, struct err *e)
{
    AUTO_DONE(buf) text = {0};
    AUTO_MEM struct enum_item *items = NULL;
    size_t n = 0;
    long value = 0, low = 0, high = 0;
    int with_value = -1;

    TRY(expect(s, '(', e));
    do {
        size_t start = text.n;
        if (n == MAX_ENUM)
            return err_set(e, ERR_INVALID, "an enum with more than %d names", MAX_ENUM);
        TRY(take_quoted(s, '\'', &text, e));
        bool has_value = take(s, '=');
        if (has_value)
            TRY(take_enum_value(s, &value, e));
        else
            value++;
        if (with_value >= 0 && n > 1 && with_value != has_value)
            return err_set(e, ERR_INVALID,
                           "give all names of the enum a number, or the first at most");
        if (n > 0)
            with_value = has_value;
        if ((n & (n - 1)) == 0)
            items = xrealloc(items, (n ? 2 * n : 1) * sizeof(*items));
        items[n++] = (struct enum_item){start, text.n - start, value};
        low = value < low ? value : low;
        high = value > high ? value : high;
    } while (take(s, ','));
    TRY(expect(s, ')', e));
    if (is_any_width)
        t->kind = low < INT8_MIN || high > INT8_MAX ? TYPE_ENUM16 : TYPE_ENUM8;
    long limit = t->kind == TYPE_ENUM8 ? INT8_MAX : INT16_MAX;
    if (low < -limit - 1 || high > limit)
        return err_set(e, ERR_INVALID, "the enum's number %ld does not fit %s",
                       low < -limit - 1 ? low : high, t->kind == TYPE_ENUM8 ? "Enum8" : "Enum16");
    return type_enum_intern(t, buf_view(&text), items, n, e);
}

static enum err_code take_type(struct scan *s, struct type *ret, int depth, struct err *e);

static bool at_quote_or_name(const struct scan *s, char *quote)
{
    *quote = s->at < s->end && (*s->at == '`' || *s->at == '"') ? *s->at : 0;
    return *quote || (s->at < s->end && (isalpha((unsigned char)*s->at) || *s->at == '_'));
}

/* The name in front of a tuple's element, if there is one: a word that another word follows. */
static enum err_code take_field_name(struct scan *s, struct buf *text, bool *has_name,
                                     struct err *e)
{
    struct scan ahead = *s;
    char quote;

    skip_space(&ahead);
    *has_name = false;
    if (!at_quote_or_name(&ahead, &quote))
        return ERR_OK;
    const char *start = ahead.at;
    if (quote) {
        *s = ahead;
        *has_name = true;
        return take_quoted(s, quote, text, e);
    }
    while (ahead.at < ahead.end && (isalnum((unsigned char)*ahead.at) || *ahead.at == '_'))
        ahead.at++;
    struct str word = {start, (size_t)(ahead.at - start)};
    skip_space(&ahead);
    /* DOUBLE PRECISION and its like are types of two words */
    if (!at_quote_or_name(&ahead, &quote) || quote)
        return ERR_OK;
    char whole[MAX_NAME];
    struct scan both = {start, s->end};
    if (find_name(take_name(&both, whole)))
        return ERR_OK;
    buf_str(text, word);
    s->at = ahead.at;
    *has_name = true;
    return ERR_OK;
}

static enum err_code take_tuple(struct scan *s, struct type *ret, int depth, struct err *e)
{
    AUTO_DONE(buf) text = {0};
    AUTO_MEM struct type *elements = xmalloc(MAX_ELEMENTS * sizeof(*elements));
    AUTO_MEM struct str *names = xmalloc(MAX_ELEMENTS * sizeof(*names));
    AUTO_MEM size_t *ends = xmalloc((MAX_ELEMENTS + 1) * sizeof(*ends));
    uint32_t n = 0, n_named = 0;

    ends[0] = 0;
    TRY(expect(s, '(', e));
    while (!take(s, ')')) {
        bool has_name;
        if (n == MAX_ELEMENTS)
            return err_set(e, ERR_INVALID, "a Tuple of more than %d elements", MAX_ELEMENTS);
        if (n)
            TRY(expect(s, ',', e));
        TRY(take_field_name(s, &text, &has_name, e));
        TRY(take_type(s, &elements[n], depth + 1, e));
        n_named += has_name;
        ends[++n] = text.n;
    }
    if (n == 0)
        return err_set(e, ERR_INVALID, "a Tuple of nothing is not supported");
    if (n_named && n_named != n)
        return err_set(e, ERR_INVALID, "name all elements of the Tuple or none");
    for (uint32_t i = 0; n_named && i < n; i++)
        names[i] = (struct str){text.p + ends[i], ends[i + 1] - ends[i]};
    for (uint32_t i = 0; n_named && i < n; i++)
        for (uint32_t k = 0; k < i && n < 256; k++)
            if (str_eq(names[i], names[k]))
                return err_set(e, ERR_INVALID, "the Tuple has two elements named '%.*s'",
                               STR_FMT(names[i]));
    *ret = type_tuple(elements, n_named ? names : NULL, n);
    return ERR_OK;
}

static enum err_code take_array(struct scan *s, struct type *ret, int depth, struct err *e)
{
    struct type element;

    TRY(expect(s, '(', e));
    TRY(take_type(s, &element, depth + 1, e));
    TRY(expect(s, ')', e));
    *ret = type_array(element);
    return ERR_OK;
}

static enum err_code take_map(struct scan *s, struct type *ret, int depth, struct err *e)
{
    struct type key, value;

    TRY(expect(s, '(', e));
    TRY(take_type(s, &key, depth + 1, e));
    TRY(expect(s, ',', e));
    TRY(take_type(s, &value, depth + 1, e));
    TRY(expect(s, ')', e));
    if (key.is_nullable)
        return err_set(e, ERR_INVALID, "the keys of a Map cannot be Nullable");
    *ret = type_map(key, value);
    return ERR_OK;
}

/* Nullable(T), LowCardinality(T) */
static enum err_code take_wrapped(struct scan *s, struct type *ret, bool is_nullable, int depth,
                                  struct err *e)
{
    struct type inner;
    char name[64];

    TRY(expect(s, '(', e));
    TRY(take_type(s, &inner, depth + 1, e));
    TRY(expect(s, ')', e));
    if (is_nullable && (inner.is_nullable || inner.is_low_cardinality))
        return err_set(e, ERR_INVALID, "%s cannot be inside Nullable",
                       inner.is_nullable && !inner.is_low_cardinality ? "Nullable"
                                                                      : "LowCardinality");
    if (is_nullable && !type_may_be_nullable(inner))
        return err_set(e, ERR_INVALID, "%s cannot be inside Nullable; its elements can",
                       type_name(inner, name));
    if (!is_nullable && (inner.is_low_cardinality || !type_may_be_low_cardinality(inner)))
        return err_set(e, ERR_INVALID,
                       "LowCardinality is there for strings, numbers, dates, addresses and their "
                       "Nullable, not for %s",
                       type_name(inner, name));
    inner.is_nullable |= is_nullable;
    inner.is_low_cardinality |= !is_nullable;
    *ret = inner;
    return ERR_OK;
}

enum { MAX_DEPTH = 30 };

static enum err_code take_type(struct scan *s, struct type *ret, int depth, struct err *e)
{
    char text[MAX_NAME];
    struct str name = take_name(s, text);

    if (depth > MAX_DEPTH)
        return err_set(e, ERR_INVALID, "type nested too deep");
    if (str_is(name, "Nullable") || str_is(name, "LowCardinality"))
        return take_wrapped(s, ret, name.p[0] == 'N', depth, e);
    if (str_is(name, "Decimal32") || str_is(name, "Decimal64") || str_is(name, "Decimal128"))
        return take_decimal_of_width(s, name, ret, e);
    const struct type_name *found = find_name(name);
    if (found == NULL)
        return unknown_name(name, e);
    struct type t = {.kind = found->kind};
    if (t.kind == TYPE_NOTHING && depth == 0)
        return err_set(e, ERR_INVALID, "type Nothing cannot be a column's");
    *ret = t;
    switch ((enum type_kind)t.kind) {
    case TYPE_ARRAY: return take_array(s, ret, depth, e);
    case TYPE_TUPLE: return take_tuple(s, ret, depth, e);
    case TYPE_MAP: return take_map(s, ret, depth, e);
    case TYPE_ENUM8:
    case TYPE_ENUM16: return take_enum(s, ret, found->is_alias, e);
    case TYPE_DECIMAL: return take_digits(s, ret, e);
    case TYPE_DATETIME64: ret->scale = 3; break;
    default: break;
    }
    if (take(s, '('))
        return take_arguments(s, ret, found, e);
    if (t.kind == TYPE_FIXED_STRING)
        return err_set(e, ERR_INVALID, "FixedString wants its number of bytes: FixedString(16)");
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
