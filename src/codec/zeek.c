/* SPDX-License-Identifier: Apache-2.0
 *
 * Zeek's logs: TSV whose lines that begin with # say what the columns are
 * (docs/formats/zeek.md). Cells are found and read by CSV's machinery; here are the header,
 * which may change within a file, and the rules of a cell. A record never begins with #: Zeek
 * writes \x23 there. */
#include "base/mem.h"
#include "codec/csv_priv.h"
#include "codec/elements.h"

struct zeek_decoder {
    struct csv_decoder csv;
    struct zeek_marks marks;
    struct buf text; /* what the marks point to */
    char *refusal;   /* why records under this header cannot be read; NULL: they can */
};

/* ---- lines about the file ---- */

enum directive { NO_DIRECTIVE, SEPARATOR, SET_SEPARATOR, EMPTY_FIELD, UNSET_FIELD, FIELDS, TYPES };

static const char *const directive_names[] = {
    [SEPARATOR] = "separator",     [SET_SEPARATOR] = "set_separator",
    [EMPTY_FIELD] = "empty_field", [UNSET_FIELD] = "unset_field",
    [FIELDS] = "fields",           [TYPES] = "types",
};

/* *rest: what stands behind the name and one byte, which is a space or the separator. */
static enum directive directive_of(struct str line, struct str *rest)
{
    for (enum directive i = SEPARATOR; i <= TYPES; i++) {
        size_t n = strlen(directive_names[i]);
        if (line.n < n + 2 || line.p[0] != '#' || memcmp(line.p + 1, directive_names[i], n) != 0)
            continue;
        char next = line.p[n + 1];
        if ((next >= 'a' && next <= 'z') || next == '_')
            continue;
        *rest = (struct str){line.p + n + 2, line.n - n - 2};
        return i;
    }
    return NO_DIRECTIVE;
}

/* The first line of *rest, without its end; *rest moves behind it. */
static struct str take_line(struct str *rest)
{
    const char *end = memchr(rest->p, '\n', rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    struct str line = {rest->p, n};

    rest->p += n + (end != NULL);
    rest->n -= n + (end != NULL);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* The header in force is kept as its lines that matter, each once, in the order in which they
 * came first. */
static void header_take(struct buf *header, struct str line)
{
    AUTO_DONE(buf) next = {0};
    struct str ignored;
    enum directive what = directive_of(line, &ignored);
    bool is_put = false;

    if (what == NO_DIRECTIVE)
        return;
    struct str rest = buf_view(header);
    while (what != SEPARATOR && rest.n > 0) {
        struct str old = take_line(&rest);
        bool is_same = directive_of(old, &ignored) == what;
        is_put |= is_same;
        buf_str(&next, is_same ? line : old);
        buf_byte(&next, '\n');
    }
    if (!is_put) {
        buf_str(&next, line);
        buf_byte(&next, '\n');
    }
    buf_reset(header);
    buf_str(header, buf_view(&next));
}

size_t decoder_header_pass(struct buf *header, const char *data, size_t n)
{
    struct str rest = {data, n}, ignored;

    if (str_starts(rest, "\xef\xbb\xbf"))
        rest = (struct str){data + 3, n - 3};
    while (rest.n > 0 && *rest.p == '#')
        header_take(header, take_line(&rest));
    while (rest.n > 0) {
        const char *found = memmem(rest.p, rest.n, "\n#", 2);
        if (found == NULL)
            break;
        rest = (struct str){found + 1, (size_t)(data + n - found - 1)};
        struct str line = take_line(&rest);
        if (directive_of(line, &ignored) != NO_DIRECTIVE)
            return (size_t)(line.p - data);
        if (rest.n > 0) { /* the next line may be another */
            rest.p--;
            rest.n++;
        }
    }
    return n;
}

/* ---- the header ---- */

/* Zeek writes \xHH and \\; any other backslash stands for itself. */
static struct str unescape(struct str s, struct arena *arena)
{
    if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL)
        return s;
    char *out = arena_bytes(arena, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '\\' && i + 3 < s.n && s.p[i + 1] == 'x' ? hex_value(s.p[i + 2]) : -1;
        int low = high >= 0 ? hex_value(s.p[i + 3]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high * 16 + low);
            i += 3;
            continue;
        }
        out[n++] = s.p[i];
        i += s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '\\';
    }
    return (struct str){out, n};
}

static size_t split(struct str line, char delimiter, struct str *out, size_t cap)
{
    size_t n = 0;

    for (;;) {
        const char *end = line.n ? memchr(line.p, delimiter, line.n) : NULL;
        size_t length = end ? (size_t)(end - line.p) : line.n;
        if (n < cap)
            out[n] = (struct str){line.p, length};
        n++;
        if (end == NULL)
            return n;
        line = (struct str){end + 1, line.n - length - 1};
    }
}

static bool is_list(struct str type)
{
    return str_starts(type, "set[") || str_starts(type, "vector[");
}

static enum err_code find_columns(struct zeek_decoder *z, const struct str *names, size_t n,
                                  const struct str *types, size_t n_types, struct err *e)
{
    for (size_t f = 0; f < z->csv.base.spec.n_fields; f++) {
        struct csv_field *field = &z->csv.fields[f];
        size_t found = 0;
        field->position = CSV_ABSENT;
        field->is_flag = field->is_time = field->is_list = false;
        for (size_t i = 0; i < n; i++) {
            if (!str_eq(names[i], field->name))
                continue;
            struct str type = i < n_types ? types[i] : (struct str){"", 0};
            found++;
            field->position = (uint32_t)i;
            field->is_flag = str_is(type, "bool");
            field->is_time = str_is(type, "time");
            field->is_list = is_list(type);
        }
        if (found > 1)
            return err_set(e, ERR_INVALID, "column '%.*s' is in the header %zu times",
                           STR_FMT(field->name), found);
        if (found == 0 && !field->type.is_nullable && !field->has_default)
            return csv_missing_column(field, names, n, e);
    }
    return ERR_OK;
}

static enum err_code read_header(struct zeek_decoder *z, struct str header, struct err *e)
{
    struct str values[TYPES + 1] = {[EMPTY_FIELD] = {"(empty)", 7},
                                    [UNSET_FIELD] = {"-", 1},
                                    [SET_SEPARATOR] = {",", 1},
                                    [SEPARATOR] = {"\\x09", 4}};
    AUTO_DONE(arena) arena = {0};
    size_t cap = z->csv.base.spec.max_columns;

    while (header.n > 0) {
        struct str value, line = take_line(&header);
        enum directive what = directive_of(line, &value);
        if (what != NO_DIRECTIVE)
            values[what] = value;
    }
    struct str separator = unescape(values[SEPARATOR], &arena);
    if (separator.n != 1 || *separator.p == '\n' || *separator.p == '\\' || *separator.p == '#')
        return err_set(e, ERR_INVALID, "the header: #separator is not one byte");
    if (values[FIELDS].p == NULL)
        return err_set(e, ERR_INVALID, "there is no #fields line, so its columns have no names");
    AUTO_MEM struct str *names = xcalloc(cap, sizeof(*names)),
                        *types = xcalloc(cap, sizeof(*types));
    size_t n = split(values[FIELDS], *separator.p, names, cap), n_types = 0;
    if (values[TYPES].p != NULL)
        n_types = split(values[TYPES], *separator.p, types, cap);
    if (n > cap)
        return err_set(e, ERR_LIMIT, "the header has more columns than max_columns = %zu", cap);
    TRY(find_columns(z, names, n, types, n_types < cap ? n_types : cap, e));
    buf_reset(&z->text);
    size_t at[TYPES + 1];
    for (enum directive i = SET_SEPARATOR; i <= UNSET_FIELD; i++) {
        at[i] = z->text.n;
        buf_str(&z->text, values[i]);
    }
    const char *p = buf_cstr(&z->text);
    z->marks.set_separator = (struct str){p + at[SET_SEPARATOR], values[SET_SEPARATOR].n};
    z->marks.empty = (struct str){p + at[EMPTY_FIELD], values[EMPTY_FIELD].n};
    z->marks.unset = (struct str){p + at[UNSET_FIELD], values[UNSET_FIELD].n};
    z->csv.rules.delimiter = *separator.p;
    csv_set_columns(&z->csv, n);
    return ERR_OK;
}

/* Also on failure: what is fed next becomes rejects that say so. */
static enum err_code zeek_header(struct decoder *base, struct str header, struct err *e)
{
    struct zeek_decoder *z = (struct zeek_decoder *)base;
    struct err why = {0};
    enum err_code code = read_header(z, header, &why);

    free(z->refusal);
    z->refusal = code == ERR_OK ? NULL : xstrdup(why.text);
    return code == ERR_OK ? ERR_OK : err_set(e, code, "%s", why.text);
}

/* ---- cells ---- */

/* Ticks of 10^-to out of those of 10^-from, cut off towards the past. */
static bool scale_ticks(int64_t v, unsigned from, unsigned to, int64_t *ret)
{
    if (to >= from)
        return !__builtin_mul_overflow(v, powers_of_10[to - from], ret);
    int64_t by = powers_of_10[from - to];
    *ret = v / by - (v % by < 0);
    return true;
}

bool zeek_read_time(struct type type, struct str text, void *out)
{
    enum { FIRST_64 = -2208988800 };
    static const int64_t last_64 = 10413791999; /* 2299-12-31 23:59:59 */
    int64_t mantissa, seconds, ticks;
    unsigned scale;

    if (!fast_decimal(text.p, text.n, &mantissa, &scale) ||
        !scale_ticks(mantissa, scale, 0, &seconds))
        return false;
    if (type.kind == TYPE_DATETIME) {
        if (seconds < 0 || seconds > UINT32_MAX)
            return false;
        *(uint32_t *)out = (uint32_t)seconds;
        return true;
    }
    if (type.kind != TYPE_DATETIME64 || seconds < FIRST_64 || seconds > last_64 ||
        !scale_ticks(mantissa, scale, type.scale, &ticks))
        return false;
    *(int64_t *)out = ticks;
    return true;
}

static const char *read_value(struct type type, struct str raw, bool is_time, bool is_flag,
                              void *out, struct arena *arena)
{
    if (is_time && type_is_time(type) && zeek_read_time(type, raw, out))
        return NULL;
    if (is_flag && type_is_integer(type) && raw.n == 1 && (*raw.p == 'T' || *raw.p == 'F'))
        raw = *raw.p == 'T' ? (struct str){"1", 1} : (struct str){"0", 1};
    return value_parse_in(out, type, unescape(raw, arena), arena);
}

static const char *read_list(const struct csv_decoder *d, const struct csv_field *f, struct str raw,
                             void *out, struct arena *arena)
{
    AUTO_DONE(element_list) list;
    const struct zeek_marks *marks = d->zeek;
    struct str by = marks->set_separator;
    struct type type = type_element(f->type, 0);
    bool is_end = false;

    element_list_init(&list, f->type);
    while (!is_end) {
        _Alignas(16) char value[16] = {0};
        const char *end = by.n && raw.n >= by.n ? memmem(raw.p, raw.n, by.p, by.n) : NULL;
        is_end = end == NULL;
        struct str one = {raw.p, is_end ? raw.n : (size_t)(end - raw.p)};
        raw = is_end ? raw : (struct str){end + by.n, raw.n - one.n - by.n};
        bool is_null = zeek_is(one, marks->unset);
        if (zeek_is(one, marks->empty))
            one.n = 0;
        const char *reason = is_null ? NULL : read_value(type, one, true, true, value, arena);
        if (reason)
            return reason;
        element_list_add(&list, NULL, value, is_null);
    }
    *(struct array_value *)out = element_list_take(&list, arena);
    return NULL;
}

const char *zeek_read_cell(const struct csv_decoder *d, const struct csv_field *f, struct str raw,
                           void *out, struct arena *arena, enum csv_cell *cell)
{
    if (zeek_is(raw, d->zeek->unset)) {
        *cell = CELL_DEFAULT;
        return NULL;
    }
    if (f->type.kind == TYPE_ARRAY && zeek_is(raw, d->zeek->empty)) {
        *(struct array_value *)out = (struct array_value){0};
        return NULL;
    }
    if (f->type.kind == TYPE_ARRAY)
        return read_list(d, f, raw, out, arena);
    if (f->type.kind == TYPE_STRING) {
        struct str text = zeek_is(raw, d->zeek->empty) ? (struct str){raw.p, 0}
                          : f->is_list                 ? raw
                                                       : unescape(raw, arena);
        memcpy(out, &text, sizeof(text));
        return NULL;
    }
    if (zeek_is(raw, d->zeek->empty))
        raw.n = 0;
    return read_value(f->type, raw, f->is_time, f->is_flag, out, arena);
}

/* ---- the driver ---- */

static struct decoder *zeek_open(const struct decoder_spec *spec)
{
    struct decoder *d = csv_open_as(spec, DIALECT_ZEEK, sizeof(struct zeek_decoder));
    struct zeek_decoder *z = (struct zeek_decoder *)d;

    z->csv.zeek = &z->marks;
    z->refusal = xstrdup("no #fields line stands before it");
    return d;
}

static void zeek_free(struct decoder *base)
{
    struct zeek_decoder *z = (struct zeek_decoder *)base;

    buf_done(&z->text);
    free(z->refusal);
    free(z->csv.ends);
    free(z->csv.fields);
    free(z);
}

static void refuse_line(struct zeek_decoder *z, struct reject_list *rejects)
{
    struct decoder *d = &z->csv.base;
    struct str rest = {d->data, (size_t)(d->end - d->data)}, line = take_line(&rest);

    if (line.n > 0 && *line.p != '#')
        reject_add(rejects, d->offset, line, "%s", z->refusal);
    d->offset += (uint64_t)(rest.p - d->data);
    d->data = rest.p;
}

static size_t zeek_next(struct decoder *base, struct batch *b, struct reject_list *rejects)
{
    struct zeek_decoder *z = (struct zeek_decoder *)base;
    size_t n_before = rejects->n;

    if (z->refusal == NULL)
        return csv_next(base, b, rejects);
    b->n_rows = 0;
    while (base->data < base->end && rejects->n - n_before < BATCH_ROWS)
        refuse_line(z, rejects);
    return rejects->n - n_before;
}

static size_t zeek_cut(char delimiter, const char *data, size_t n, bool is_end)
{
    const char *last = is_end ? NULL : memrchr(data, '\n', n);
    return is_end ? n : last ? (size_t)(last - data) + 1 : 0;
}

const struct decoder_driver decoder_zeek = {
    .format = FORMAT_ZEEK,
    .has_names = true,
    .open = zeek_open,
    .header = zeek_header,
    .next = zeek_next,
    .cut = zeek_cut,
    .free = zeek_free,
};

size_t zeek_header_length(const char *data, size_t n, struct str *line)
{
    size_t at = n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, begin = at;

    while (at < n && data[at] == '#') {
        const char *end = memchr(data + at, '\n', n - at);
        if (end == NULL)
            return 0;
        at = (size_t)(end - data) + 1;
    }
    *line = (struct str){data + begin, at - begin};
    return at < n && at > begin ? at : 0; /* the next line may be one, too */
}
