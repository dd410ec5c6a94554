/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of checked rows: a quick loop by type over all rows, which leaves what is not of the
 * common form to read_cell. That one knows ClickHouse's rules: spaces around a CSV field,
 * quotes, \N, empty fields, TSV's escapes and its narrower integers. */
#include "codec/csv_priv.h"

/* ---- the careful reader of one cell ---- */

static bool is_null_mark(struct str raw)
{
    return raw.n == 2 && raw.p[0] == '\\' && raw.p[1] == 'N';
}

static struct str trim_left(struct str s, char delimiter)
{
    while (s.n && csv_is_space(*s.p, delimiter)) {
        s.p++;
        s.n--;
    }
    return s;
}

static struct str trim_right(struct str s, char delimiter)
{
    while (s.n && csv_is_space(s.p[s.n - 1], delimiter))
        s.n--;
    return s;
}

/* What lies between the quotes, "" still doubled. `s` begins with the quote. */
static const char *between_quotes(struct str *ret, struct str s, bool *has_doubled)
{
    const char *p = s.p + 1, *end = s.p + s.n;

    *has_doubled = false;
    while ((p = memchr(p, '"', (size_t)(end - p))) != NULL) {
        if (p + 1 == end || p[1] != '"') {
            *ret = (struct str){s.p + 1, (size_t)(p - s.p) - 1};
            return NULL;
        }
        *has_doubled = true;
        p += 2;
    }
    return "a quoted field has no closing quote";
}

static struct str undouble(struct str s, struct arena *arena)
{
    char *out = arena_bytes(arena, s.n);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        out[n++] = s.p[i];
        i += s.p[i] == '"';
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

const char *csv_cell_text(struct str *ret, struct str raw, bool is_tsv, char delimiter,
                          struct arena *arena)
{
    if (is_tsv)
        return unescape(ret, raw, arena);
    struct str s = trim_left(raw, delimiter);
    bool has_doubled;
    if (s.n == 0 || *s.p != '"') {
        *ret = trim_right(s, delimiter);
        return NULL;
    }
    const char *reason = between_quotes(ret, s, &has_doubled);
    if (reason == NULL && has_doubled)
        *ret = undouble(*ret, arena);
    return reason;
}

/* A number in quotes without content is 0, as in ClickHouse. */
static const char *parse_integer_or_nothing(void *out, struct type type, struct str text)
{
    if (text.n == 0 && type_is_integer(type)) {
        memset(out, 0, type_width(type));
        return NULL;
    }
    return value_parse(out, type, text);
}

static const char *read_cell_csv(const struct csv_decoder *d, struct type type, struct str raw,
                                 void *out, struct arena *arena, enum csv_cell *cell)
{
    struct str s = trim_left(raw, d->delimiter), text;
    bool has_doubled;
    const char *reason;

    if (s.n == 0 || is_null_mark(s)) {
        *cell = s.n && type.is_nullable ? CELL_NULL : CELL_DEFAULT;
        return NULL;
    }
    if (type.kind == TYPE_STRING) {
        reason = csv_cell_text(&text, s, false, d->delimiter, arena);
        memcpy(out, &text, sizeof(text));
        return reason;
    }
    if (type.kind > TYPE_INTERVAL && type.kind != TYPE_UUID && type.kind != TYPE_DATE32 &&
        type.kind != TYPE_DECIMAL) {
        reason = csv_cell_text(&text, s, false, d->delimiter, arena);
        return reason ? reason : value_parse_in(out, type, text, arena);
    }
    if (*s.p == '"' && type.kind != TYPE_BOOL) {
        reason = between_quotes(&text, s, &has_doubled);
        return reason ? reason : parse_integer_or_nothing(out, type, text);
    }
    if (type.kind != TYPE_BOOL)
        s = trim_right(s, d->delimiter);
    if (*s.p == '\'' && type.kind != TYPE_BOOL) {
        if (s.n < 2 || s.p[s.n - 1] != '\'')
            return "a quoted field has no closing quote";
        return parse_integer_or_nothing(out, type, (struct str){s.p + 1, s.n - 2});
    }
    return value_parse(out, type, s);
}

static const char *read_cell_tsv(struct type type, struct str raw, void *out, struct arena *arena,
                                 enum csv_cell *cell)
{
    struct str text;

    if (is_null_mark(raw)) {
        *cell = type.is_nullable ? CELL_NULL : CELL_DEFAULT;
        return NULL;
    }
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
    if (type_is_integer(type)) {
        bool is_negative = raw.n && *raw.p == '-';
        const char *digits = raw.p + is_negative;
        if (raw.n > 1u + is_negative && *digits == '0')
            return "a number with leading zeros";
        if (raw.n && *raw.p == '+')
            return "a number with a plus sign";
    }
    return parse_integer_or_nothing(out, type, raw);
}

static void read_cell(struct csv_decoder *d, size_t f, struct str raw, struct column *c, size_t row,
                      struct arena *arena)
{
    struct type type = d->fields[f].type;
    size_t width = type_width(type);
    char *out = (char *)c->values + row * width;
    enum csv_cell cell = CELL_VALUE;
    const char *reason = d->zeek     ? zeek_read_cell(d, &d->fields[f], raw, out, arena, &cell)
                         : d->is_tsv ? read_cell_tsv(type, raw, out, arena, &cell)
                                     : read_cell_csv(d, type, raw, out, arena, &cell);

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

static inline struct str cell_at(const struct csv_cells *cells, size_t r)
{
    uint32_t start = cells->prev[r] + 1;
    return (struct str){cells->data + start, cells->ends[r] - start};
}

/* ---- loops by type ---- */

struct loop {
    struct csv_decoder *d;
    const struct csv_kernels *kernels;
    size_t f;
    const struct csv_cells *cells; /* their texts without quotes, where these are simple */
    const struct csv_cells *raw;   /* with them, for the careful reader */
    struct column *c;
    void *values; /* of the rows of `cells` */
    size_t first; /* row of the batch that cell 0 is */
    struct arena *arena;
};

static void read_one(const struct loop *l, size_t r)
{
    read_cell(l->d, l->f, cell_at(l->raw, r), l->c, l->first + r, l->arena);
}

static void read_left(const struct loop *l, size_t n_left)
{
    for (size_t i = 0; i < n_left; i++)
        read_one(l, l->d->left[i]);
}

/* Values from the kernel's 64 bits into the column's width; those outside go to the careful
 * reader, which knows the reason. */
#define NARROW(name, T)                                                                            \
    static size_t narrow_##name(const struct loop *l, size_t n_left)                               \
    {                                                                                              \
        T *out = l->values;                                                                        \
        const int64_t *in = l->d->scratch;                                                         \
        uint64_t outside = 0;                                                                      \
        for (size_t r = 0; r < l->cells->n; r++) {                                                 \
            out[r] = (T)in[r];                                                                     \
            outside |= (uint64_t)((int64_t)out[r] ^ in[r]);                                        \
        }                                                                                          \
        for (size_t r = 0; outside && r < l->cells->n; r++)                                        \
            if ((int64_t)out[r] != in[r])                                                          \
                l->d->left[n_left++] = (uint16_t)r;                                                \
        return n_left;                                                                             \
    }
NARROW(u8, uint8_t)
NARROW(u16, uint16_t)
NARROW(u32, uint32_t)
NARROW(i8, int8_t)
NARROW(i16, int16_t)
NARROW(i32, int32_t)

/* TSV takes no leading zeros. */
static size_t leave_leading_zeros(const struct loop *l, size_t n_left)
{
    uint8_t is_left[CSV_BLOCK] = {0};

    for (size_t i = 0; i < n_left; i++)
        is_left[l->d->left[i]] = 1;
    for (size_t r = 0; r < l->cells->n; r++) {
        struct str s = cell_at(l->cells, r);
        if (s.n > 1 && (*s.p == '0' || (*s.p == '-' && s.p[1] == '0')) && !is_left[r])
            l->d->left[n_left++] = (uint16_t)r;
    }
    return n_left;
}

static void read_integers(const struct loop *l)
{
    static size_t (*const narrow[])(const struct loop *, size_t) = {
        [TYPE_UINT8] = narrow_u8, [TYPE_UINT16] = narrow_u16, [TYPE_UINT32] = narrow_u32,
        [TYPE_INT8] = narrow_i8,  [TYPE_INT16] = narrow_i16,  [TYPE_INT32] = narrow_i32,
    };
    bool is_64 = type_width(l->c->type) == 8;
    int64_t *out = is_64 ? l->values : l->d->scratch;
    size_t n_left = l->kernels->integers(out, l->cells, l->d->left);

    for (size_t i = 0; i < n_left; i++)
        out[l->d->left[i]] = 0; /* in every type's range: not listed twice */
    if (!is_64)
        n_left = narrow[l->c->type.kind](l, n_left);
    if (l->d->dialect == DIALECT_TSV)
        n_left = leave_leading_zeros(l, n_left);
    read_left(l, n_left);
}

static void read_floats(const struct loop *l)
{
    if (l->c->type.kind == TYPE_FLOAT64)
        read_left(l, l->kernels->doubles(l->values, l->cells, l->d->left));
    else
        read_left(l, l->kernels->floats(l->values, l->cells, l->d->left));
}

/* Texts of rows [from, to) that may be in quotes, or have spaces around or be marks. */
static void read_odd_strings(const struct loop *l, size_t from, size_t to)
{
    struct str *out = l->values;
    bool is_plain_empty = l->d->is_tsv || (!l->c->nulls && !l->c->missing);
    char special = l->d->is_tsv ? '\\' : '"';

    for (size_t r = from; r < to; r++) {
        struct str s = out[r];
        if (__builtin_expect(s.n == 0, false)) {
            if (!is_plain_empty)
                read_one(l, r);
            continue;
        }
        char first = s.p[0], last = s.p[s.n - 1];
        if (first == '"' && last == '"' && s.n > 1 && !l->d->is_tsv &&
            (s.n == 2 || memchr(s.p + 1, '"', s.n - 2) == NULL)) {
            out[r] = (struct str){s.p + 1, s.n - 2};
            continue;
        }
        bool is_odd = l->d->is_tsv ? l->d->has_special && memchr(s.p, special, s.n) != NULL
                                   : first == special || first == '\\' || first == ' ' ||
                                         first == '\t' || last == ' ' || last == '\t';
        if (__builtin_expect(is_odd, false))
            read_one(l, r);
    }
}

/* Does text s ask for a closer look? Its bytes need not be there when it is empty. */
static inline unsigned may_be_odd(struct str s, const char *anywhere)
{
    static const bool is_odd[256] = {[' '] = true, ['\t'] = true, ['\\'] = true, ['"'] = true};
    const char *first = s.n ? s.p : anywhere, *last = s.n ? s.p + s.n - 1 : anywhere;

    return is_odd[(unsigned char)*first] | is_odd[(unsigned char)*last] | (s.n == 0);
}

/* Zeek: marks, and texts with escapes. */
static void read_zeek_strings(const struct loop *l)
{
    const struct zeek_marks *z = l->d->zeek;
    const struct str *out = l->values;

    l->kernels->strings(l->values, l->cells);
    for (size_t r = 0; r < l->cells->n; r++) {
        struct str s = out[r];
        bool is_odd = zeek_is(s, z->unset) || zeek_is(s, z->empty) ||
                      (l->d->has_special && s.n > 0 && memchr(s.p, '\\', s.n) != NULL);
        if (is_odd)
            read_one(l, r);
    }
}

static void read_zeek_times(const struct loop *l)
{
    size_t width = type_width(l->c->type);

    for (size_t r = 0; r < l->cells->n; r++)
        if (!zeek_read_time(l->c->type, cell_at(l->cells, r), (char *)l->values + r * width))
            read_one(l, r);
}

static void read_strings(const struct loop *l)
{
    enum { SOME = 8 };
    const struct str *out = l->values;
    size_t n = l->cells->n;

    l->kernels->strings(l->values, l->cells);
    if (l->d->is_tsv && !l->d->has_special)
        return;
    for (size_t r = 0; r < n; r += SOME) {
        size_t end = n - r < SOME ? n : r + SOME;
        unsigned is_odd = 0;
        for (size_t k = r; k < end; k++)
            is_odd |= may_be_odd(out[k], l->cells->data);
        if (is_odd || l->d->is_tsv)
            read_odd_strings(l, r, end);
    }
}

/* Runs of times of one shape, and between them one by the careful reader. */
static void read_times(const struct loop *l)
{
    struct csv_field *field = &l->d->fields[l->f];
    bool is_64 = field->type.kind == TYPE_DATETIME64;
    int64_t *out = is_64 ? l->values : l->d->scratch;
    uint32_t *narrow = l->values;
    const struct csv_cells *c = l->cells;
    struct spans v = {.base = c->data, .begin = c->prev, .end = c->ends, .skip = 1, .n = c->n};
    size_t r = 0;

    for (;;) {
        size_t from = r;
        r = l->kernels->times(out, &v, from, &field->shape);
        for (size_t i = from; !is_64 && i < r; i++)
            narrow[i] = (uint32_t)out[i];
        if (r == l->cells->n)
            break;
        struct str s = cell_at(l->cells, r);
        read_one(l, r);
        if (!l->d->is_bad[l->first + r])
            time_shape_learn(&field->shape, field->type, s);
        r++;
    }
}

static void read_dates(const struct loop *l)
{
    struct csv_field *field = &l->d->fields[l->f];
    uint16_t *out = l->values;

    for (size_t r = 0; r < l->cells->n; r++) {
        struct str s = cell_at(l->cells, r);
        if (s.n == 10 && memcmp(s.p, field->date_text, 10) == 0) {
            out[r] = field->date;
            continue;
        }
        read_one(l, r);
        if (s.n == 10 && s.p[0] > '0' && s.p[0] <= '9' && !l->d->is_bad[l->first + r]) {
            memcpy(field->date_text, s.p, 10);
            field->date = out[r];
        }
    }
}

static void read_ipv4s(const struct loop *l)
{
    read_left(l, l->kernels->addresses(l->values, l->cells, l->d->left));
}

static void read_bools(const struct loop *l)
{
    uint8_t *out = l->values;

    for (size_t r = 0; r < l->cells->n; r++) {
        struct str s = cell_at(l->cells, r);
        if (s.n == 4 && memcmp(s.p, "true", 4) == 0)
            out[r] = 1;
        else if (s.n == 5 && memcmp(s.p, "false", 5) == 0)
            out[r] = 0;
        else
            read_one(l, r);
    }
}

static void read_others(const struct loop *l)
{
    for (size_t r = 0; r < l->cells->n; r++)
        read_one(l, r);
}

/* "x" becomes x. What else stands in quotes (doubled ones, spaces around) the loops leave. */
static void take_off_quotes(struct csv_cells *to, uint32_t *prev, uint32_t *ends,
                            const struct csv_cells *from)
{
    *to = *from;
    to->prev = prev;
    to->ends = ends;
    for (size_t r = 0; r < from->n; r++) {
        struct str s = cell_at(from, r);
        bool is_quoted = s.n > 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
        prev[r] = from->prev[r] + is_quoted;
        ends[r] = from->ends[r] - is_quoted;
    }
    for (size_t r = from->n; r < spans_padded(from->n); r++)
        ends[r] = ends[0];
}

void csv_read_column(struct csv_decoder *d, size_t f, const struct csv_cells *cells, size_t first,
                     struct column *c, struct arena *arena)
{
    /* Eight at a time is no gain where there are not eight, and loads of 16 bytes need so many. */
    bool is_small = cells->n < 8 || d->base.end - cells->data < 16;
    const struct csv_kernels *kernels = is_small ? &csv_plain : d->kernels;
    struct loop l = {.d = d,
                     .kernels = kernels,
                     .f = f,
                     .cells = cells,
                     .raw = cells,
                     .c = c,
                     .first = first,
                     .arena = arena};
    uint32_t prev[CSV_BLOCK], ends[CSV_BLOCK];
    struct csv_cells bare;

    l.values = (char *)c->values + first * type_width(c->type);
    if (c->nulls)
        memset(c->nulls + first, 0, cells->n);
    if (c->missing)
        memset(c->missing + first, 0, cells->n);
    if (d->has_special && !d->is_tsv && c->type.kind != TYPE_STRING && c->type.kind != TYPE_BOOL) {
        take_off_quotes(&bare, prev, ends, cells);
        l.cells = &bare;
    }
    switch (c->type.kind) {
    case TYPE_STRING:
        if (d->zeek)
            read_zeek_strings(&l);
        else
            read_strings(&l);
        break;
    case TYPE_UINT8:
    case TYPE_UINT16:
    case TYPE_UINT32:
    case TYPE_UINT64:
    case TYPE_INT8:
    case TYPE_INT16:
    case TYPE_INT32:
    case TYPE_INT64: read_integers(&l); break;
    case TYPE_FLOAT32:
    case TYPE_FLOAT64: read_floats(&l); break;
    case TYPE_DATE: read_dates(&l); break;
    case TYPE_DATETIME:
    case TYPE_DATETIME64:
        if (d->fields[f].is_time)
            read_zeek_times(&l);
        else
            read_times(&l);
        break;
    case TYPE_IPV4: read_ipv4s(&l); break;
    case TYPE_BOOL:
        if (d->zeek)
            read_others(&l);
        else
            read_bools(&l);
        break;
    default: read_others(&l); break;
    }
}
