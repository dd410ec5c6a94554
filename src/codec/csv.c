/* SPDX-License-Identifier: Apache-2.0
 *
 * The drivers of CSV and TSV, with and without names: from a window of bytes to checked rows
 * (csv_priv.h draws it), and out of these the batch. Every record of the window becomes a row, a
 * reject, or, when it is an empty line, nothing. */
#include "base/mem.h"
#include "codec/csv_priv.h"

enum { MAX_ENDS = 1 << 16 }; /* of a window, where records are not wider than that */

static const size_t max_window = 0xffffff00; /* positions are 32 bits */

/* ---- life ---- */

void csv_set_columns(struct csv_decoder *d, size_t n)
{
    size_t cap = n * BATCH_ROWS;

    if (cap > MAX_ENDS)
        cap = n > MAX_ENDS ? n : MAX_ENDS;
    d->n_columns = n;
    if (cap + n + 1 <= d->ends_cap)
        return;
    d->ends_cap = cap + n + 1; /* one record more than fits, to see its end */
    d->ends = xrealloc(d->ends, (d->ends_cap + 128) * sizeof(*d->ends));
    free(d->spread);
    d->spread = NULL;
}

/* Do the settings say more than the quick loops know? */
static bool is_careful(const struct cell_settings *s)
{
    return s->allows_single_quotes || s->refuses_double_quotes || s->keeps_blanks ||
           s->has_blank_delimiter || s->is_empty_a_value || s->is_empty_the_default ||
           s->takes_any_width || s->takes_bad_values || s->refuses_null ||
           s->times != TIMES_BEST_EFFORT || s->null_text.p || s->true_text.p || s->false_text.p;
}

struct decoder *csv_open_as(const struct decoder_spec *spec, enum csv_dialect dialect, size_t bytes)
{
    struct csv_decoder *d = xcalloc(1, bytes);

    d->is_tsv = dialect != DIALECT_CSV;
    struct csv_division division = csv_division_of(&spec->cells);
    d->rules = (struct csv_rules){.dialect = dialect,
                                  .delimiter = d->is_tsv ? '\t' : spec->delimiter,
                                  .quoting = division.quoting,
                                  .keeps_blanks = division.keeps_blanks};
    d->cells = spec->cells;
    d->is_careful = is_careful(&d->cells) || dialect == DIALECT_TSV_RAW;
    d->has_odd_ends = d->rules.quoting == QUOTES_SINGLE || d->rules.quoting == QUOTES_BOTH;
    d->kernels = csv_kernels_best();
    d->fields = xcalloc(spec->n_fields + 1, sizeof(*d->fields));
    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct field *from = &spec->fields[i];
        d->fields[i] = (struct csv_field){
            .type = from->type, .name = from->path, .has_default = from->has_default};
        if (spec->positions)
            d->fields[i].position = spec->positions[i];
    }
    bool has_positions =
        spec->format == FORMAT_CSV || spec->format == FORMAT_TSV || spec->format == FORMAT_TSV_RAW;
    if (has_positions)
        csv_set_columns(d, spec->n_positions);
    return &d->base;
}

static struct decoder *csv_open(const struct decoder_spec *spec)
{
    return csv_open_as(spec, DIALECT_CSV, sizeof(struct csv_decoder));
}

static struct decoder *tsv_open(const struct decoder_spec *spec)
{
    return csv_open_as(spec, DIALECT_TSV, sizeof(struct csv_decoder));
}

static struct decoder *raw_open(const struct decoder_spec *spec)
{
    return csv_open_as(spec, DIALECT_TSV_RAW, sizeof(struct csv_decoder));
}

static void csv_free(struct decoder *base)
{
    struct csv_decoder *d = (struct csv_decoder *)base;

    free(d->ends);
    free(d->spread);
    free(d->fields);
    free(d);
}

/* ---- the header ---- */

enum err_code csv_missing_column(const struct csv_field *f, const struct str *names, size_t n,
                                 struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        char text[200];
        const char *one[] = {text};
        if (names[i].n >= sizeof(text))
            continue;
        memcpy(text, names[i].p, names[i].n);
        text[names[i].n] = '\0';
        if (nearest_name(f->name, one, 1))
            return err_set(e, ERR_NOT_FOUND,
                           "column '%.*s' is not in the header; did you mean '%s'?",
                           STR_FMT(f->name), text);
    }
    return err_set(e, ERR_NOT_FOUND, "column '%.*s' is not in the header", STR_FMT(f->name));
}

static enum err_code find_columns(struct csv_decoder *d, const struct str *names, size_t n,
                                  struct err *e)
{
    for (size_t f = 0; f < d->base.spec.n_fields; f++) {
        struct csv_field *field = &d->fields[f];
        size_t found = 0;
        for (size_t i = 0; i < n; i++) {
            if (str_eq(names[i], field->name)) {
                field->position = (uint32_t)i;
                found++;
            }
        }
        if (found == 0)
            return csv_missing_column(field, names, n, e);
        if (found > 1)
            return err_set(e, ERR_INVALID, "column '%.*s' is in the header %zu times",
                           STR_FMT(field->name), found);
    }
    return ERR_OK;
}

/* The cells of the line at *p, which moves behind it. */
static enum err_code header_line(struct csv_decoder *d, struct str *rest, struct str *cells,
                                 size_t *n, struct arena *arena, struct err *e)
{
    size_t cap = d->base.spec.max_columns;
    AUTO_MEM uint32_t *ends = xmalloc((cap + 64) * sizeof(*ends));
    struct csv_scan s = {
        .data = rest->p, .n = rest->n, .delimiter = d->rules.delimiter, .ends = ends, .cap = cap};
    uint32_t finish;

    const char *problem = csv_index_record(&s, 0, &d->rules, &finish);
    if (problem)
        return err_set(e, ERR_SYNTAX, "the header: %s", problem);
    if (s.n_ends > cap)
        return err_set(e, ERR_LIMIT, "the header has more columns than max_columns = %zu", cap);
    *n = s.n_ends;
    bool has_return = finish < rest->n && finish > 0 && rest->p[finish - 1] == '\r';
    for (size_t i = 0, start = 0; i < *n; start = ends[i++] + 1) {
        size_t end = ends[i] - (has_return && i + 1 == *n && ends[i] > start);
        problem =
            csv_cell_text(&cells[i], (struct str){rest->p + start, end - start}, &d->rules, arena);
        if (problem)
            return err_set(e, ERR_SYNTAX, "the header's column %zu: %s", i + 1, problem);
    }
    size_t used = finish < rest->n ? finish + 1 : rest->n;
    *rest = (struct str){rest->p + used, rest->n - used};
    return ERR_OK;
}

/* As in ClickHouse, where the type is another the file is refused. */
static enum err_code check_types(const struct csv_decoder *d, const struct str *types, size_t n,
                                 struct err *e)
{
    for (size_t f = 0; f < d->base.spec.n_fields; f++) {
        const struct csv_field *field = &d->fields[f];
        struct type type;
        struct err ignored;
        char name[200];
        if (field->position >= n)
            return err_set(e, ERR_SYNTAX, "the header has no type for column '%.*s'",
                           STR_FMT(field->name));
        struct str text = types[field->position];
        if (type_parse(&type, text, &ignored) == ERR_OK && type_eq(type, field->type))
            continue;
        return err_set(e, ERR_INVALID,
                       "column '%.*s' is %.*s by the header, not %s "
                       "(input_format_with_types_use_header = 0 passes over it)",
                       STR_FMT(field->name), STR_FMT(text), type_name(field->type, name));
    }
    return ERR_OK;
}

static enum err_code csv_header(struct decoder *base, struct str line, struct err *e)
{
    struct csv_decoder *d = (struct csv_decoder *)base;
    bool has_types =
        base->spec.format == FORMAT_CSV_WITH_TYPES || base->spec.format == FORMAT_TSV_WITH_TYPES;
    AUTO_MEM struct str *cells = xmalloc((base->spec.max_columns + 64) * sizeof(*cells));
    AUTO_DONE(arena) arena = {0};
    size_t n, n_types;

    TRY(header_line(d, &line, cells, &n, &arena, e));
    if (!d->cells.is_by_order)
        TRY(find_columns(d, cells, n, e));
    if (has_types)
        TRY(header_line(d, &line, cells, &n_types, &arena, e));
    if (line.n > 0)
        return err_set(e, ERR_SYNTAX, "the header: more than one line");
    if (has_types && !d->cells.ignores_types)
        TRY(check_types(d, cells, n_types, e));
    csv_set_columns(d, d->cells.is_by_order ? base->spec.n_positions : n);
    return ERR_OK;
}

/* ---- the index of a window ---- */

static bool is_line_end(const struct csv_scan *s, uint32_t at)
{
    return at >= s->n || s->data[at] == '\n';
}

static void skip_record(struct csv_decoder *d, uint32_t start, uint32_t finish, const char *reason)
{
    d->skipped[d->n_skipped++] = (struct csv_skipped){start, finish, reason};
}

/* The record around the special character at s->at. */
static void index_carefully(struct csv_decoder *d, struct csv_scan *s)
{
    uint32_t start = 0, finish;

    while (s->n_ends > 0 && !is_line_end(s, s->ends[s->n_ends - 1]))
        s->n_ends--;
    if (s->n_ends > 0)
        start = s->ends[s->n_ends - 1] + 1;
    if (d->n_skipped && d->skipped[d->n_skipped - 1].finish + 1 > start)
        start = d->skipped[d->n_skipped - 1].finish + 1;
    const char *reason = csv_index_record(s, start, &d->rules, &finish);
    if (reason)
        skip_record(d, start, finish, reason);
}

/* The last record of the run may have no line end. */
static void close_last(struct csv_decoder *d, struct csv_scan *s)
{
    uint32_t start = 0, n = (uint32_t)s->n;

    for (size_t k = s->n_ends; k > 0 && start == 0; k--)
        if (is_line_end(s, s->ends[k - 1]))
            start = s->ends[k - 1] + 1;
    if (d->n_skipped && d->skipped[d->n_skipped - 1].finish + 1 > start)
        start = d->skipped[d->n_skipped - 1].finish + 1;
    if (start >= n)
        return;
    if (!d->is_tsv && s->data[n - 1] == '\r') {
        while (s->n_ends > 0 && s->ends[s->n_ends - 1] >= start)
            s->n_ends--;
        skip_record(d, start, n, csv_lone_return);
        return;
    }
    s->ends[s->n_ends++] = n;
    s->n_lines++;
}

static void index_window(struct csv_decoder *d, struct csv_scan *s)
{
    d->n_skipped = 0;
    while (s->at < s->n && s->n_ends < s->cap && s->n_lines < BATCH_ROWS &&
           d->n_skipped < CSV_SKIPPED - 1) {
        if (d->has_odd_ends) {
            index_carefully(d, s);
            continue;
        }
        d->kernels->index(s);
        if (s->at < s->n && s->data[s->at] == s->special)
            index_carefully(d, s);
    }
    if (s->at >= s->n)
        close_last(d, s);
    d->has_special = s->has_special;
}

/* ---- from the index to rows ---- */

static void mark_bad(struct csv_decoder *d, size_t row, const char *reason)
{
    d->n_bad += !d->is_bad[row];
    d->is_bad[row] = 1;
    d->bad_field[row] = UINT16_MAX;
    d->bad_reason[row] = reason;
}

/* Zeek's lines about its file are no records. */
static bool is_remark(const struct csv_decoder *d, const struct csv_scan *s, uint32_t start)
{
    return d->zeek && start < s->n && s->data[start] == '#';
}

/* All records have the right number of columns: ends[] is a matrix already. False if one has
 * not. */
static bool rows_of_equal_width(struct csv_decoder *d, struct csv_scan *s, size_t *n_rows,
                                uint32_t *consumed)
{
    size_t n = s->n_ends / d->n_columns, n_lines = s->n_lines, width = d->n_columns;
    uint32_t previous = UINT32_MAX, *before = d->before, *finish = d->finish;
    bool is_equal = true;

    if (n > BATCH_ROWS)
        n = BATCH_ROWS;
    if (d->n_skipped || width == 1 || n == 0)
        return false;
    for (size_t k = n * width; k < s->n_ends; k++)
        n_lines -= is_line_end(s, s->ends[k]);
    const uint32_t *last = s->ends + width - 1;
    const char *data = s->data;
    /* only the last may end without a line end */
    for (size_t r = 0; r + 1 < n; r++, last += width) {
        is_equal &= data[*last] == '\n';
        before[r] = previous;
        finish[r] = previous = *last;
    }
    is_equal &= is_line_end(s, *last);
    before[n - 1] = previous;
    finish[n - 1] = *last;
    for (size_t r = 0; d->zeek && r < n; r++)
        is_equal &= !is_remark(d, s, before[r] + 1);
    *n_rows = n;
    *consumed = *last + 1;
    return is_equal && n_lines == n;
}

static bool is_blank(const struct csv_decoder *d, const char *p, const char *end)
{
    while (p < end && csv_is_space(&d->rules, *p))
        p++;
    return p == end;
}

static void reject_record(struct csv_decoder *d, struct reject_list *rejects, uint32_t start,
                          uint32_t finish, const char *reason)
{
    const char *p = d->base.data;
    bool has_cr = !d->is_tsv && finish > start && p + finish < d->base.end && p[finish - 1] == '\r';

    reject_add(rejects, d->base.offset + start, (struct str){p + start, finish - has_cr - start},
               "%s", reason);
}

/* Record by record: takes out what is no row. */
static void rows_of_any_width(struct csv_decoder *d, struct csv_scan *s,
                              struct reject_list *rejects, size_t *n_rows, uint32_t *consumed)
{
    size_t n = 0, width = d->n_columns, skipped = 0;
    uint32_t start = 0;

    for (size_t k = 0, next; n < BATCH_ROWS; k = next) {
        for (; skipped < d->n_skipped && d->skipped[skipped].start == start; skipped++) {
            reject_record(d, rejects, start, d->skipped[skipped].finish,
                          d->skipped[skipped].reason);
            start = d->skipped[skipped].finish + 1;
        }
        size_t j = k;
        while (j < s->n_ends && !is_line_end(s, s->ends[j]))
            j++;
        if (j == s->n_ends)
            break;
        next = j + 1;
        size_t count = next - k;
        uint32_t end = s->ends[j];
        bool has_cr = !d->is_tsv && end > start && end < s->n && s->data[end - 1] == '\r';
        uint32_t length = end - has_cr - start;
        bool has_blank_last = !d->is_tsv && count == width + 1 &&
                              is_blank(d, s->data + s->ends[j - 1] + 1, s->data + end - has_cr);
        if (length == 0 || is_remark(d, s, start)) {
            /* an empty line is no record */
        } else if (count == width || has_blank_last) {
            memmove(s->ends + n * width, s->ends + k, width * sizeof(*s->ends));
            d->before[n] = start - 1;
            d->finish[n++] = end;
        } else {
            reject_add(rejects, d->base.offset + start, (struct str){s->data + start, length},
                       "%zu columns instead of %zu", count, width);
        }
        start = end + 1;
    }
    *n_rows = n;
    *consumed = start;
}

/* Settings: rows of all widths. Their ends become a matrix of its own, where absent cells are
 * marked (CSV_NO_CELL). */
static void rows_spread_out(struct csv_decoder *d, struct csv_scan *s, struct reject_list *rejects,
                            size_t *n_rows, uint32_t *consumed)
{
    size_t n = 0, width = d->n_columns, skipped = 0;
    uint32_t start = 0;

    d->spread = d->spread ? d->spread : xmalloc((d->ends_cap + 128) * sizeof(*d->spread));
    for (size_t k = 0; n < BATCH_ROWS && (n + 1) * width <= d->ends_cap;) {
        for (; skipped < d->n_skipped && d->skipped[skipped].start == start; skipped++) {
            reject_record(d, rejects, start, d->skipped[skipped].finish,
                          d->skipped[skipped].reason);
            start = d->skipped[skipped].finish + 1;
        }
        size_t j = k;
        while (j < s->n_ends && !is_line_end(s, s->ends[j]))
            j++;
        if (j == s->n_ends)
            break;
        uint32_t end = s->ends[j], *out = d->spread + n * width;
        bool may_return = !d->is_tsv || d->cells.ends_with_return;
        bool has_cr = may_return && end > start && end < s->n && s->data[end - 1] == '\r';
        for (size_t i = 0; i < width; i++)
            out[i] = k + i < j ? s->ends[k + i] : end - has_cr;
        if (end - has_cr > start) {
            d->before[n] = start - 1;
            d->finish[n++] = end - has_cr;
        }
        start = end + 1;
        k = j + 1;
    }
    s->ends = d->spread;
    *n_rows = n;
    *consumed = start;
}

/* No line ends of two characters, and none too long. */
static bool are_usual(const struct csv_decoder *d, const struct csv_scan *s, size_t n_rows)
{
    const uint32_t *before = d->before, *finish = d->finish;
    const char *data = s->data;
    uint32_t longest = 0;
    unsigned has_cr = 0;

    for (size_t r = 0; r < n_rows; r++) {
        uint32_t n = finish[r] - before[r]; /* with the line end */
        has_cr |= data[finish[r] - (n > 1)] == '\r';
        longest = n > longest ? n : longest;
    }
    return !has_cr && longest - 1 <= d->base.spec.max_record_bytes;
}

/* Line ends of two characters, and limits. */
static void finish_rows(struct csv_decoder *d, struct csv_scan *s, size_t n_rows)
{
    size_t width = d->n_columns, max_bytes = d->base.spec.max_record_bytes;

    for (size_t r = 0; d->cells.takes_any_width && r < n_rows; r++)
        if (d->finish[r] - d->before[r] - 1 > max_bytes)
            mark_bad(d, r, "longer than max_record_bytes");
    if (d->cells.takes_any_width || are_usual(d, s, n_rows))
        return;
    for (size_t r = 0; r < n_rows; r++) {
        uint32_t *last = &s->ends[r * width + width - 1], end = d->finish[r];
        bool has_cr = end > d->before[r] + 1 && s->data[end - 1] == '\r';
        if (__builtin_expect(has_cr, false)) {
            if (d->is_tsv && !d->cells.ends_with_return) {
                mark_bad(d, r, "a carriage return before the line end");
            } else if (end < s->n) {
                d->finish[r] = end - 1;
                *last = *last == end ? end - 1 : *last;
            }
        }
        if (__builtin_expect(end - d->before[r] - 1 > max_bytes, false))
            mark_bad(d, r, "longer than max_record_bytes");
    }
}

/* ---- the batch ---- */

/* Rows of a column that the records do not have. */
static void put_nothing(struct column *c, size_t first, size_t n)
{
    size_t width = type_width(c->type);

    for (size_t r = first; r < first + n; r++)
        value_default(c->type, (char *)c->values + r * width);
    if (c->nulls)
        memset(c->nulls + first, 1, n);
    if (c->missing)
        memset(c->missing + first, 1, n);
}

static void read_block(struct csv_decoder *d, const struct csv_scan *s, struct batch *b,
                       size_t first, size_t n)
{
    /* d->columns holds positions from `from` on */
    size_t width = d->n_columns, from = 0, n_turned = 0;
    const uint32_t *ends = s->ends + first * width;

    for (size_t f = 0; f < d->base.spec.n_fields; f++) {
        if (d->fields[f].position == CSV_ABSENT) {
            put_nothing(&b->columns[f], first, n);
            continue;
        }
        size_t position = d->fields[f].position, before = position ? position - 1 : 0;
        if (before < from || position >= from + n_turned) {
            from = before;
            n_turned = width - from < CSV_GROUP ? width - from : CSV_GROUP;
            d->kernels->columns(d->columns, ends + from, width, n, n_turned);
        }
        struct csv_cells cells = {
            .data = s->data,
            .n = n,
            .takes_minus = type_is_signed(d->fields[f].type),
            .ends = d->columns[position - from],
            .prev = position ? d->columns[position - 1 - from] : d->before + first,
        };
        csv_read_column(d, f, &cells, first, &b->columns[f], &b->arena);
    }
}

static void read_columns(struct csv_decoder *d, const struct csv_scan *s, struct batch *b,
                         size_t n_rows)
{
    for (size_t first = 0; first < n_rows; first += CSV_BLOCK)
        read_block(d, s, b, first, n_rows - first < CSV_BLOCK ? n_rows - first : CSV_BLOCK);
}

static void reject_row(struct csv_decoder *d, const struct csv_scan *s, struct reject_list *rejects,
                       size_t r)
{
    uint32_t start = d->before[r] + 1;
    struct str bytes = {s->data + start, d->finish[r] - start};

    if (d->bad_field[r] == UINT16_MAX)
        reject_add(rejects, d->base.offset + start, bytes, "%s", d->bad_reason[r]);
    else
        reject_add(rejects, d->base.offset + start, bytes, "column %.*s: %s",
                   STR_FMT(d->fields[d->bad_field[r]].name), d->bad_reason[r]);
}

static void move_row(struct batch *b, size_t from, size_t to)
{
    for (size_t i = 0; i < b->n_columns; i++) {
        struct column *c = &b->columns[i];
        size_t width = type_width(c->type);
        memcpy((char *)c->values + to * width, (char *)c->values + from * width, width);
        if (c->nulls)
            c->nulls[to] = c->nulls[from];
        if (c->missing)
            c->missing[to] = c->missing[from];
    }
    b->offsets[to] = b->offsets[from];
    b->lengths[to] = b->lengths[from];
}

/* Takes bad rows out of the batch. */
static void take_out_bad(struct csv_decoder *d, const struct csv_scan *s, struct batch *b,
                         struct reject_list *rejects, size_t n_rows)
{
    size_t kept = 0;

    for (size_t r = 0; r < n_rows; r++) {
        if (d->is_bad[r]) {
            reject_row(d, s, rejects, r);
            d->is_bad[r] = 0;
            continue;
        }
        if (kept != r)
            move_row(b, r, kept);
        kept++;
    }
    d->n_bad = 0;
    b->n_rows = kept;
}

/* A record that does not even end within the index. */
static uint32_t reject_endless(struct csv_decoder *d, struct csv_scan *s,
                               struct reject_list *rejects)
{
    uint32_t ends[64], finish;
    struct csv_scan record = {.data = s->data, .n = s->n, .delimiter = s->delimiter, .ends = ends};

    csv_index_record(&record, 0, &d->rules, &finish);
    reject_record(d, rejects, 0, finish, "more columns than the format has");
    return finish + 1;
}

static void put_places(const struct csv_decoder *d, struct batch *b, size_t n_rows)
{
    const uint32_t *restrict before = d->before, *restrict finish = d->finish;
    uint64_t *restrict offsets = b->offsets, offset = d->base.offset;
    uint32_t *restrict lengths = b->lengths;

    for (size_t r = 0; r < n_rows; r++) {
        offsets[r] = offset + (uint32_t)(before[r] + 1);
        lengths[r] = finish[r] - before[r] - 1;
    }
}

/* Where nothing is special it is a byte that is seldom there. */
static char special_of(const struct csv_decoder *d)
{
    if (d->rules.dialect == DIALECT_TSV_RAW || d->rules.quoting == QUOTES_NONE)
        return '\0';
    return d->is_tsv ? '\\' : '"';
}

static void decode_window(struct csv_decoder *d, struct batch *b, struct reject_list *rejects)
{
    size_t n = (size_t)(d->base.end - d->base.data), n_rows = 0;
    uint32_t consumed = 0;

    if (n > max_window) {
        size_t whole = d->base.driver->cut(d->rules.delimiter, d->base.data, max_window, false);
        n = whole ? whole : max_window;
    }
    struct csv_scan s = {
        .data = d->base.data,
        .n = n,
        .delimiter = d->rules.delimiter,
        .special = special_of(d),
        .ends = d->ends,
        .cap = d->ends_cap,
    };
    index_window(d, &s);
    if (d->cells.takes_any_width)
        rows_spread_out(d, &s, rejects, &n_rows, &consumed);
    else if (!rows_of_equal_width(d, &s, &n_rows, &consumed))
        rows_of_any_width(d, &s, rejects, &n_rows, &consumed);
    if (consumed == 0)
        consumed = reject_endless(d, &s, rejects);
    finish_rows(d, &s, n_rows);
    read_columns(d, &s, b, n_rows);
    put_places(d, b, n_rows);
    b->n_rows = n_rows;
    if (d->n_bad)
        take_out_bad(d, &s, b, rejects, n_rows);
    if (consumed > n)
        consumed = (uint32_t)n;
    d->base.data += consumed;
    d->base.offset += consumed;
}

size_t csv_next(struct decoder *base, struct batch *b, struct reject_list *rejects)
{
    struct csv_decoder *d = (struct csv_decoder *)base;
    size_t rejects_before = rejects->n;

    b->n_rows = 0;
    if (d->n_columns == 0 && base->data < base->end) {
        reject_add(rejects, base->offset,
                   (struct str){base->data, (size_t)(base->end - base->data)},
                   "no header was read");
        base->offset += (size_t)(base->end - base->data);
        base->data = base->end;
    }
    while (b->n_rows == 0 && rejects->n == rejects_before && base->data < base->end)
        decode_window(d, b, rejects);
    return b->n_rows + rejects->n - rejects_before;
}

const struct decoder_driver decoder_csv = {
    .format = FORMAT_CSV,
    .open = csv_open,
    .next = csv_next,
    .cut = csv_cut,
    .free = csv_free,
};

const struct decoder_driver decoder_csv_with_names = {
    .format = FORMAT_CSV_WITH_NAMES,
    .has_names = true,
    .open = csv_open,
    .header = csv_header,
    .next = csv_next,
    .cut = csv_cut,
    .free = csv_free,
};

const struct decoder_driver decoder_csv_with_types = {
    .format = FORMAT_CSV_WITH_TYPES,
    .has_names = true,
    .open = csv_open,
    .header = csv_header,
    .next = csv_next,
    .cut = csv_cut,
    .free = csv_free,
};

const struct decoder_driver decoder_tsv_with_types = {
    .format = FORMAT_TSV_WITH_TYPES,
    .has_names = true,
    .open = tsv_open,
    .header = csv_header,
    .next = csv_next,
    .cut = tsv_cut,
    .free = csv_free,
};

const struct decoder_driver decoder_tsv_raw = {
    .format = FORMAT_TSV_RAW,
    .open = raw_open,
    .next = csv_next,
    .cut = raw_cut,
    .free = csv_free,
};

const struct decoder_driver decoder_tsv_raw_with_names = {
    .format = FORMAT_TSV_RAW_WITH_NAMES,
    .has_names = true,
    .open = raw_open,
    .header = csv_header,
    .next = csv_next,
    .cut = raw_cut,
    .free = csv_free,
};

const struct decoder_driver decoder_tsv = {
    .format = FORMAT_TSV,
    .open = tsv_open,
    .next = csv_next,
    .cut = tsv_cut,
    .free = csv_free,
};

const struct decoder_driver decoder_tsv_with_names = {
    .format = FORMAT_TSV_WITH_NAMES,
    .has_names = true,
    .open = tsv_open,
    .header = csv_header,
    .next = csv_next,
    .cut = tsv_cut,
    .free = csv_free,
};
