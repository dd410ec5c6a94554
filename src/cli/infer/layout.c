/* SPDX-License-Identifier: Apache-2.0
 *
 * Cells between delimiters: which one, and is there a header? From the first lines. */
#include "cli/infer/infer.h"

#include <ctype.h>

#include "codec/value.h"

enum { LOOK_RECORDS = 100, MAX_CELLS = 4096 };

static const char delimiters[] = {',', ';', '\t', '|'};
static const char *const delimiter_names[] = {"comma", "semicolon", "TAB", "bar |"};

/* ---- records ---- */

static size_t line_length(const char *p, const char *end)
{
    const char *line = memchr(p, '\n', (size_t)(end - p));
    return line ? (size_t)(line - p) : (size_t)(end - p);
}

static bool is_blank(char c, char delimiter)
{
    return (c == ' ' || c == '\t') && c != delimiter;
}

/* A quoted cell at p; returns behind its closing quote, NULL if there is none. */
static const char *quoted_cell(struct cell *cell, const char *p, const char *end,
                               struct arena *arena)
{
    bool has_doubled = false;
    const char *start = ++p;
    for (;;) {
        p = memchr(p, '"', (size_t)(end - p));
        if (p == NULL)
            return NULL;
        if (p + 1 < end && p[1] == '"') {
            has_doubled = true;
            p += 2;
            continue;
        }
        break;
    }
    cell->text = (struct str){start, (size_t)(p - start)};
    cell->is_quoted = true;
    if (has_doubled) {
        char *out = arena_bytes(arena, cell->text.n);
        size_t n = 0;
        for (const char *q = start; q < p; q++) {
            out[n++] = *q;
            q += *q == '"';
        }
        cell->text = (struct str){out, n};
    }
    return p + 1;
}

size_t split_record(const char **pp, const char *end, char delimiter, struct cell *cells,
                    size_t cap, struct arena *arena, bool *is_open)
{
    const char *p = *pp;
    size_t n = 0;
    *is_open = false;
    size_t length = line_length(p, end);
    if (length == 0 || (length == 1 && *p == '\r')) {
        *pp = p + length < end ? p + length + 1 : end;
        return 0;
    }
    for (;;) {
        struct cell cell = {0};
        while (p < end && is_blank(*p, delimiter))
            p++;
        if (p < end && *p == '"') {
            const char *after = quoted_cell(&cell, p, end, arena);
            if (after == NULL) {
                *is_open = true;
                *pp = end;
                return n;
            }
            p = after;
            while (p < end && *p != delimiter && *p != '\n')
                p++;
        } else {
            const char *start = p;
            while (p < end && *p != delimiter && *p != '\n')
                p++;
            const char *stop = p;
            while (stop > start && (is_blank(stop[-1], delimiter) ||
                                    (stop[-1] == '\r' && (p == end || *p == '\n'))))
                stop--;
            cell.text = (struct str){start, (size_t)(stop - start)};
        }
        if (n < cap)
            cells[n] = cell;
        n++;
        if (p >= end || *p == '\n')
            break;
        p++;
    }
    *pp = p < end ? p + 1 : end;
    return n;
}

/* TSV: quotes are bytes like others. */
static size_t split_tsv(const char **pp, const char *end, struct cell *cells, size_t cap)
{
    const char *p = *pp, *stop = p + line_length(p, end);
    *pp = stop < end ? stop + 1 : end;
    if (stop > p && stop[-1] == '\r')
        stop--;
    if (stop == p)
        return 0;
    size_t n = 0;
    for (;;) {
        const char *tab = memchr(p, '\t', (size_t)(stop - p));
        if (n < cap)
            cells[n] = (struct cell){.text = {p, (size_t)((tab ? tab : stop) - p)}};
        n++;
        if (tab == NULL)
            return n;
        p = tab + 1;
    }
}

size_t split_by_layout(const struct layout *l, const char **p, const char *end, struct cell *cells,
                       size_t cap, struct arena *arena, bool *is_open)
{
    *is_open = false;
    return l->is_tsv ? split_tsv(p, end, cells, cap)
                     : split_record(p, end, l->delimiter, cells, cap, arena, is_open);
}

/* Fields that begin with a quote and do not end with one. */
static bool has_stray_quotes(struct str text)
{
    AUTO_MEM struct cell *cells = xcalloc(MAX_CELLS, sizeof(*cells));
    const char *p = text.p, *end = text.p + text.n;
    while (p < end) {
        size_t n = split_tsv(&p, end, cells, MAX_CELLS);
        for (size_t i = 0; i < n && i < MAX_CELLS; i++) {
            struct str s = cells[i].text;
            if (s.n > 0 && s.p[0] == '"' && (s.n == 1 || s.p[s.n - 1] != '"'))
                return true;
        }
    }
    return false;
}

/* ---- delimiter ---- */

struct delimiter_score {
    size_t columns, n_same, n_records, n_open;
};

static struct delimiter_score score_delimiter(struct str text, char delimiter, struct cell *cells,
                                              struct arena *arena)
{
    struct delimiter_score s = {0};
    size_t counts[LOOK_RECORDS], n = 0;
    const char *p = text.p, *end = text.p + text.n;
    const struct layout guess = {.delimiter = delimiter,
                                 .is_tsv = delimiter == '\t' && has_stray_quotes(text)};
    while (p < end && n < LOOK_RECORDS) {
        bool is_open;
        size_t got = split_by_layout(&guess, &p, end, cells, MAX_CELLS, arena, &is_open);
        s.n_open += is_open;
        if (got > 0 && !is_open)
            counts[n++] = got;
    }
    s.n_records = n;
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        for (size_t k = 0; k < n; k++)
            same += counts[k] == counts[i];
        if (same > s.n_same) {
            s.n_same = same;
            s.columns = counts[i];
        }
    }
    return s;
}

static size_t choose_delimiter(struct delimiter_score *best, struct str text, struct cell *cells,
                               struct arena *arena)
{
    size_t choice = 0;
    double best_value = -1;
    for (size_t i = 0; i < sizeof(delimiters); i++) {
        struct delimiter_score s = score_delimiter(text, delimiters[i], cells, arena);
        if (s.n_records == 0)
            continue;
        double same = (double)s.n_same / (double)s.n_records;
        /* Lines that agree count most, then how many cells they have. One cell a line says
         * nothing. */
        double value = s.columns < 2
                           ? 0
                           : same * same * (1 + 0.01 * (double)(s.columns < 50 ? s.columns : 50)) -
                                 (s.n_open ? 0.3 : 0);
        if (value > best_value) {
            best_value = value;
            choice = i;
            *best = s;
        }
    }
    return choice;
}

/* ---- header ---- */

/* Is it what only data is: a number, a time, an address, true or false? */
static bool is_data(struct str s)
{
    double f;
    int64_t t;
    uint32_t a;
    uint8_t b16[16];
    if (s.n == 0)
        return false;
    if (isalpha((unsigned char)s.p[0]) && memchr(s.p, ':', s.n) == NULL)
        return str_is(s, "true") || str_is(s, "false");
    return value_float(&f, s) == NULL || value_datetime64(&t, s, NULL, 3) == NULL ||
           value_ipv4(&a, s) == NULL || value_ipv6(b16, s) == NULL;
}

static bool header_is_possible(const struct cell *cells, size_t n, bool *is_repeating,
                               const char **why)
{
    *is_repeating = false;
    for (size_t i = 0; i < n; i++) {
        if (cells[i].text.n > 0 && is_data(cells[i].text)) {
            *why = "the first line holds values";
            return false;
        }
        if (cells[i].text.n > 200) {
            *why = "the first line holds long texts";
            return false;
        }
        for (size_t k = 0; k < i && cells[i].text.n > 0; k++)
            *is_repeating = *is_repeating || str_eq(cells[i].text, cells[k].text);
    }
    return true;
}

static void find_header(struct layout *l, struct str text, struct cell *cells, struct arena *arena)
{
    const char *p = text.p, *end = text.p + text.n, *why = "";
    bool is_open;
    size_t n = 0;
    while (p < end && n == 0)
        n = split_by_layout(l, &p, end, cells, MAX_CELLS, arena, &is_open);
    bool is_repeating;
    if (!header_is_possible(cells, n, &is_repeating, &why) || n != l->n_columns) {
        l->has_header = false;
        l->header_why = arena_text(arena, str_of(*why ? why : "the first line has other columns"));
        return;
    }
    l->names = arena_zero(arena, (n + 1) * sizeof(*l->names));
    for (size_t i = 0; i < n; i++)
        l->names[i] = arena_str(arena, cells[i].text);
    size_t n_data = 0, n_repeated = 0, n_records = 0;
    AUTO_MEM struct cell *row = xcalloc(MAX_CELLS, sizeof(*row));
    while (p < end && n_records < LOOK_RECORDS) {
        size_t got = split_by_layout(l, &p, end, row, MAX_CELLS, arena, &is_open);
        if (got != n || is_open)
            continue;
        n_records++;
        for (size_t i = 0; i < n; i++) {
            n_data += is_data(row[i].text);
            n_repeated += row[i].text.n > 0 && str_eq(row[i].text, l->names[i]);
        }
    }
    l->has_header = true;
    if (n_data > 0) {
        l->header_why = arena_text(arena, STR("the first line has names, the others values"));
    } else if (n_repeated > 0 || is_repeating) {
        l->has_header = false;
        l->names = NULL;
        l->header_why =
            arena_text(arena, str_of(n_repeated > 0 ? "the words of the first line come again"
                                                    : "the first line repeats itself"));
    } else {
        l->header_why = arena_text(arena, STR("all is text; the first line is taken for names"));
    }
}

/* Backslash escapes that only FORMAT TSV undoes, in a file without quoted cells. */
static bool has_tsv_escapes(struct str text)
{
    size_t n_escapes = 0;
    const char *p = text.p, *end = text.p + text.n;
    for (; (p = memchr(p, '\\', (size_t)(end - p))) != NULL && p + 1 < end; p += 2)
        n_escapes += p[1] == 't' || p[1] == 'n' || p[1] == '\\';
    return n_escapes > 0;
}

/* ---- all ---- */

/* Lines of several words: text, not one column of values. */
static bool is_prose(struct str text)
{
    const char *p = text.p, *end = p + text.n;
    size_t n_lines = 0, n_prose = 0;
    while (p < end && n_lines < LOOK_RECORDS) {
        size_t n = line_length(p, end), n_blanks = 0;
        for (size_t i = 1; i < n; i++)
            n_blanks += p[i] == ' ' && p[i - 1] != ' ';
        n_lines += n > 0;
        n_prose += n_blanks >= 3;
        p += n < (size_t)(end - p) ? n + 1 : n;
    }
    return n_prose * 2 > n_lines;
}

/* Columns cannot be found by their names: some have none, or one name is there twice. */
static bool needs_positions(const struct layout *l)
{
    for (size_t i = 0; i < l->n_columns; i++) {
        if (l->names[i].n == 0 || str_is(l->names[i], "*"))
            return true;
        for (size_t k = 0; k < i; k++)
            if (str_eq(l->names[i], l->names[k]))
                return true;
    }
    return false;
}

enum err_code layout_find(struct layout *ret, const struct sample *s, struct arena *arena,
                          struct err *e)
{
    struct layout l = {0};
    struct str text = {s->text.p, s->n_pieces ? s->ends[0] : 0};
    if (text.n > (1 << 20))
        text.n = 1 << 20;
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) {
        text.p += 3;
        text.n -= 3;
    }
    bool has_nul = memchr(text.p ? text.p : "", '\0', text.n < 4096 ? text.n : 4096) != NULL;
    if (!has_nul && layout_recognise(&l, text, arena)) {
        *ret = l;
        return ERR_OK;
    }
    if (has_nul)
        return err_set(e, ERR_INVALID, "%s is no text (it holds NUL bytes)", s->path);
    AUTO_MEM struct cell *cells = xcalloc(MAX_CELLS, sizeof(*cells));
    struct delimiter_score best = {0};
    size_t choice = choose_delimiter(&best, text, cells, arena);
    if (best.n_records == 0)
        return err_set(e, ERR_INVALID, "%s holds no records", s->path);
    bool is_uneven = best.n_records >= 5 && best.n_same * 10 < best.n_records * 6;
    if ((is_uneven || (best.columns < 2 && is_prose(text))) &&
        layout_of_lines(ret, text, false, arena))
        return ERR_OK;
    if (best.columns > MAX_CELLS)
        return err_set(e, ERR_LIMIT, "%s has more than %d columns", s->path, MAX_CELLS);
    l.format = FORMAT_CSV;
    l.delimiter = delimiters[choice];
    l.n_columns = best.columns;
    l.delimiter_why =
        best.columns < 2
            ? arena_printf(arena, "one column")
            : arena_printf(arena, "%s: %zu of the first %zu lines have %zu columns by it",
                           delimiter_names[choice], best.n_same, best.n_records, best.columns);
    l.is_tsv = l.delimiter == '\t' && (has_tsv_escapes(text) || has_stray_quotes(text));
    if (l.is_tsv)
        l.format = FORMAT_TSV;
    find_header(&l, text, cells, arena);
    l.is_positional = l.has_header && needs_positions(&l);
    if (l.has_header && best.n_records < 2 && s->is_whole)
        return err_set(e, ERR_INVALID, "%s holds a header and no records", s->path);
    *ret = l;
    return ERR_OK;
}

static bool has_name(const struct layout *l, struct str name)
{
    for (size_t i = 0; i < l->n_columns; i++)
        if (str_eq(l->names[i], name))
            return true;
    return false;
}

bool layout_eq(const struct layout *a, const struct layout *b)
{
    bool is_same = a->format == b->format && a->delimiter == b->delimiter &&
                   a->has_header == b->has_header && a->n_columns == b->n_columns;
    if (!is_same || a->is_json)
        return false;
    if (a->pattern && b->pattern && strcmp(a->pattern, b->pattern) != 0)
        return false;
    for (size_t i = 0; a->has_header && i < a->n_columns; i++) {
        bool is_there =
            a->is_positional ? str_eq(a->names[i], b->names[i]) : has_name(b, a->names[i]);
        if (!is_there)
            return false;
    }
    return true;
}
