/* SPDX-License-Identifier: Apache-2.0
 *
 * One cell by ClickHouse's rules and settings: spaces around a CSV field, quotes, \N, empty
 * fields, TSV's escapes and its narrower integers. The quick loops of csv_column.c leave to it
 * what they cannot prove. */
#include "codec/csv_priv.h"

static bool is_null_mark(const struct cell_settings *s, struct str raw)
{
    return s->null_text.p ? str_eq(raw, s->null_text)
                          : raw.n == 2 && raw.p[0] == '\\' && raw.p[1] == 'N';
}

static struct str trim_left(struct str s, const struct csv_rules *r)
{
    while (s.n && csv_is_space(r, *s.p)) {
        s.p++;
        s.n--;
    }
    return s;
}

/* Also where blanks are never passed over: as in ClickHouse. */
static struct str trim_right(struct str s, const struct csv_rules *r)
{
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t') && s.p[s.n - 1] != r->delimiter)
        s.n--;
    return s;
}

/* What lies between the quotes, those within still doubled. `s` begins with the quote. */
static const char *between_quotes(struct str *ret, struct str s, bool *has_doubled)
{
    const char *p = s.p + 1, *end = s.p + s.n, mark = *s.p;

    *has_doubled = false;
    while ((p = memchr(p, mark, (size_t)(end - p))) != NULL) {
        if (p + 1 == end || p[1] != mark) {
            *ret = (struct str){s.p + 1, (size_t)(p - s.p) - 1};
            return NULL;
        }
        *has_doubled = true;
        p += 2;
    }
    return "a quoted field has no closing quote";
}

static struct str undouble(struct str s, char mark, struct arena *arena)
{
    char *out = arena_bytes(arena, s.n);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        out[n++] = s.p[i];
        i += s.p[i] == mark;
    }
    return (struct str){out, n};
}

/* One escape behind the backslash at p[-1]; *p moves behind it. */
static const char *unescape_one(char *out, size_t *n, const char **p, const char *end)
{
    static const char from[] = "bfnrt0aev", to[] = "\b\f\n\r\t\0\a\033\v";
    char c = *(*p)++;
    const char *found = memchr(from, c, sizeof(from) - 1);

    if (found) {
        out[(*n)++] = to[found - from];
    } else if (c == 'x') {
        int high = end - *p >= 2 ? hex_value((*p)[0]) : -1,
            low = high >= 0 ? hex_value((*p)[1]) : -1;
        if (low < 0)
            return "\\x without two hexadecimal digits";
        out[(*n)++] = (char)(high * 16 + low);
        *p += 2;
    } else if ((unsigned char)c < 0x20 || strchr("\\'\"`/", c)) {
        out[(*n)++] = c;
    } else if (c != 'N') { /* \N within a text is nothing; an unknown escape stays as it is */
        out[(*n)++] = '\\';
        out[(*n)++] = c;
    }
    return NULL;
}

static const char *unescape(struct str *ret, struct str s, struct arena *arena)
{
    const char *p = s.p, *end = p + s.n, *slash = s.n ? memchr(p, '\\', s.n) : NULL;

    *ret = s;
    if (slash == NULL)
        return NULL;
    char *out = arena_bytes(arena, s.n);
    size_t n = 0;
    while (p < end) {
        if (*p != '\\') {
            out[n++] = *p++;
            continue;
        }
        if (++p == end)
            return "a backslash at the end";
        const char *reason = unescape_one(out, &n, &p, end);
        if (reason)
            return reason;
    }
    *ret = (struct str){out, n};
    return NULL;
}

const char *csv_cell_text(struct str *ret, struct str raw, const struct csv_rules *rules,
                          struct arena *arena)
{
    *ret = raw;
    if (rules->dialect == DIALECT_TSV)
        return unescape(ret, raw, arena);
    if (rules->dialect == DIALECT_TSV_RAW)
        return NULL;
    struct str s = trim_left(raw, rules);
    bool has_doubled;
    if (s.n == 0 || !csv_is_quote(rules, *s.p)) {
        *ret = trim_right(s, rules);
        return NULL;
    }
    const char *reason = between_quotes(ret, s, &has_doubled);
    if (reason == NULL && has_doubled)
        *ret = undouble(*ret, *s.p, arena);
    return reason;
}

/* ---- values by the settings ---- */

static bool digits(struct str s, size_t at, size_t n, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = at; i < at + n; i++) {
        unsigned d = i < s.n ? (unsigned)(s.p[i] - '0') : 10;
        if (d > 9)
            return false;
        *ret = *ret * 10 + d;
    }
    return true;
}

/* Seconds since 1970, which 'basic' takes with 5 to 10 digits. */
static bool basic_seconds(void *out, struct type type, struct str s)
{
    uint64_t v;
    if (s.n < 5 || s.n > 10 || !digits(s, 0, s.n, &v))
        return false;
    if (type.kind == TYPE_DATETIME && v <= UINT32_MAX) {
        *(uint32_t *)out = (uint32_t)v;
        return true;
    }
    return type.kind == TYPE_DATETIME64 &&
           !__builtin_mul_overflow((int64_t)v, powers_of_10[type.scale], (int64_t *)out);
}

/* date_time_input_format = 'basic': YYYY-MM-DD[ hh:mm:ss[.fraction]], or seconds with a fraction. */
static const char *check_basic_time(struct str s)
{
    static const char reason[] = "not a time as date_time_input_format = 'basic' has it";
    uint64_t v, year, month, day, hour, minute, second;
    size_t point = 0;

    while (point < s.n && s.p[point] != '.')
        point++;
    if (point < s.n && point >= 9 && point <= 10 && digits(s, 0, point, &v))
        return digits(s, point + 1, s.n - point - 1, &v) ? NULL : reason;
    bool is_date = s.n >= 10 && digits(s, 0, 4, &year) && s.p[4] == '-' &&
                   digits(s, 5, 2, &month) && s.p[7] == '-' && digits(s, 8, 2, &day);
    if (!is_date || month < 1 || month > 12 || day < 1)
        return reason;
    if (s.n == 10)
        return NULL;
    bool is_time = s.n >= 19 && (s.p[10] == ' ' || s.p[10] == 'T') && digits(s, 11, 2, &hour) &&
                   s.p[13] == ':' && digits(s, 14, 2, &minute) && s.p[16] == ':' &&
                   digits(s, 17, 2, &second) && hour < 24 && minute < 60 && second < 60;
    if (!is_time)
        return reason;
    return s.n == 19 || (s.p[19] == '.' && s.n > 20 && digits(s, 20, s.n - 20, &v)) ? NULL : reason;
}

static const char *read_time(void *out, struct type type, struct str text, enum time_reading how)
{
    if (how == TIMES_BEST_EFFORT_US)
        return type.kind == TYPE_DATETIME ? value_datetime_us(out, text, type.zone)
                                          : value_datetime64_us(out, text, type.zone, type.scale);
    if (how == TIMES_BASIC && basic_seconds(out, type, text))
        return NULL;
    const char *reason = how == TIMES_BASIC ? check_basic_time(text) : NULL;
    return reason ? reason : value_parse(out, type, text);
}

/* A number in quotes without content is 0, as in ClickHouse. */
static const char *parse_value(const struct csv_decoder *d, void *out, struct type type,
                               struct str text)
{
    const struct cell_settings *s = &d->cells;

    if (text.n == 0 && type_is_integer(type)) {
        memset(out, 0, type_width(type));
        return NULL;
    }
    if (type_is_time(type) && (type.kind == TYPE_DATETIME || type.kind == TYPE_DATETIME64))
        return read_time(out, type, text, s->times);
    if (type.kind == TYPE_BOOL && ((s->true_text.p && str_eq(text, s->true_text)) ||
                                   (s->false_text.p && str_eq(text, s->false_text)))) {
        *(uint8_t *)out = s->true_text.p && str_eq(text, s->true_text);
        return NULL;
    }
    return value_parse(out, type, text);
}

/* Is the cell one for NULL or the DEFAULT by what it is written as? */
static bool is_no_value(const struct csv_decoder *d, struct type type, struct str s,
                        enum csv_cell *cell)
{
    const struct cell_settings *c = &d->cells;
    bool is_csv = d->rules.dialect == DIALECT_CSV;

    if (is_null_mark(c, s) && (type.is_nullable || !c->refuses_null)) {
        *cell = type.is_nullable ? CELL_NULL : CELL_DEFAULT;
        return true;
    }
    if (s.n > 0 || (is_csv ? c->is_empty_a_value : !c->is_empty_the_default))
        return false;
    *cell = CELL_DEFAULT;
    return true;
}

static const char *read_text_csv(const struct csv_decoder *d, struct str s, struct str *text,
                                 struct arena *arena)
{
    if (d->cells.keeps_blanks && (s.n == 0 || !csv_is_quote(&d->rules, *s.p))) {
        *text = s;
        return NULL;
    }
    return csv_cell_text(text, s, &d->rules, arena);
}

/* As in ClickHouse: blanks are kept around texts alone, and not before LowCardinality ones. */
static struct str trim_for_type(const struct csv_decoder *d, struct type type, struct str s)
{
    bool is_kept = d->cells.has_blank_delimiter ||
                   (d->cells.keeps_blanks && type_is_text(type) && !type.is_low_cardinality);
    while (!is_kept && s.n && (*s.p == ' ' || *s.p == '\t') && *s.p != d->rules.delimiter) {
        s.p++;
        s.n--;
    }
    return s;
}

static bool is_plain_value(struct type type, struct str s)
{
    return s.n > 0 && type.kind < TYPE_INTERVAL && type.kind != TYPE_STRING && *s.p >= '0' &&
           *s.p <= '9' && s.p[s.n - 1] > ' ';
}

static const char *read_cell_csv(const struct csv_decoder *d, struct type type, struct str raw,
                                 void *out, struct arena *arena, enum csv_cell *cell)
{
    struct str s = trim_for_type(d, type, raw), text;
    bool has_doubled;
    const char *reason;

    /* the most usual by far: a plain value between delimiters */
    if (!d->is_careful && is_plain_value(type, raw))
        return value_parse(out, type, raw);
    /* there ClickHouse looks at the text of the whole field first */
    if (d->cells.takes_bad_values && !d->cells.keeps_blanks && s.n > 0 && *s.p != '"')
        s = trim_right(s, &d->rules);
    if (is_no_value(d, type, s, cell))
        return NULL;
    if (type.kind == TYPE_STRING) {
        reason = read_text_csv(d, s, &text, arena);
        memcpy(out, &text, sizeof(text));
        return reason;
    }
    if (type.kind > TYPE_INTERVAL && type.kind != TYPE_UUID && type.kind != TYPE_DATE32 &&
        type.kind != TYPE_DECIMAL) {
        reason = csv_cell_text(&text, s, &d->rules, arena);
        return reason ? reason : value_parse_in(out, type, text, arena);
    }
    if (s.n > 0 && *s.p == '"' && type.kind != TYPE_BOOL) {
        reason = between_quotes(&text, s, &has_doubled);
        return reason ? reason : parse_value(d, out, type, text);
    }
    bool is_address = type.kind == TYPE_IPV4 || type.kind == TYPE_IPV6;
    if (type.kind != TYPE_BOOL && (is_address || !d->cells.keeps_blanks))
        s = trim_right(s, &d->rules);
    if (s.n > 0 && *s.p == '\'' && type.kind != TYPE_BOOL) {
        if (s.n < 2 || s.p[s.n - 1] != '\'')
            return "a quoted field has no closing quote";
        return parse_value(d, out, type, (struct str){s.p + 1, s.n - 2});
    }
    return s.n == 0 ? value_parse(out, type, s) : parse_value(d, out, type, s);
}

/* TSV's integers are narrower. */
static const char *check_digits(struct type type, struct str s)
{
    bool is_negative = s.n && *s.p == '-';
    if (!type_is_integer(type))
        return NULL;
    if (s.n > 1u + is_negative && s.p[is_negative] == '0')
        return "a number with leading zeros";
    return s.n && *s.p == '+' ? "a number with a plus sign" : NULL;
}

static const char *read_cell_raw(const struct csv_decoder *d, struct type type, struct str raw,
                                 void *out, struct arena *arena)
{
    if (type.kind == TYPE_STRING) {
        memcpy(out, &raw, sizeof(raw));
        return NULL;
    }
    if (type.kind > TYPE_INTERVAL)
        return value_parse_in(out, type, raw, arena);
    const char *reason = raw.n ? check_digits(type, raw) : "nothing";
    return reason ? reason : parse_value(d, out, type, raw);
}

static const char *read_cell_tsv(const struct csv_decoder *d, struct type type, struct str raw,
                                 void *out, struct arena *arena, enum csv_cell *cell)
{
    struct str text;

    if (is_no_value(d, type, raw, cell))
        return NULL;
    if (d->rules.dialect == DIALECT_TSV_RAW)
        return read_cell_raw(d, type, raw, out, arena);
    if (type.kind == TYPE_STRING) {
        const char *reason = unescape(&text, raw, arena);
        memcpy(out, &text, sizeof(text));
        return reason;
    }
    if (type_is_compound(type)) /* escapes stand only in the texts within */
        return value_parse_in(out, type, raw, arena);
    if (type.kind > TYPE_INTERVAL) {
        const char *reason = unescape(&text, raw, arena);
        return reason ? reason : value_parse_in(out, type, text, arena);
    }
    const char *reason = check_digits(type, raw);
    return reason ? reason : parse_value(d, out, type, raw);
}

void csv_read_cell(struct csv_decoder *d, size_t f, struct str raw, struct column *c, size_t row,
                   struct arena *arena)
{
    struct type type = d->fields[f].type;
    char *out = (char *)c->values + row * type_width(type);
    enum csv_cell cell = CELL_VALUE;
    const char *reason = NULL;

    if (raw.n == CSV_NO_CELL)
        cell = CELL_DEFAULT;
    else if (d->zeek)
        reason = zeek_read_cell(d, &d->fields[f], raw, out, arena, &cell);
    else if (d->is_tsv)
        reason = read_cell_tsv(d, type, raw, out, arena, &cell);
    else
        reason = read_cell_csv(d, type, raw, out, arena, &cell);
    if (reason && d->cells.takes_bad_values) {
        cell = CELL_DEFAULT;
        reason = NULL;
    }
    if (reason && !d->is_bad[row]) {
        d->is_bad[row] = 1;
        d->bad_field[row] = (uint16_t)f;
        d->bad_reason[row] = reason;
        d->n_bad++;
    }
    if (reason || cell != CELL_VALUE)
        value_default(type, out);
    if (cell != CELL_VALUE && c->nulls)
        c->nulls[row] = 1;
    if (cell == CELL_DEFAULT && c->missing)
        c->missing[row] = 1;
}
