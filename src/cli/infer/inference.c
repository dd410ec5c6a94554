/* SPDX-License-Identifier: Apache-2.0
 *
 * Records into columns. Pieces of a file begin at a line, which may lie inside a quoted cell: a
 * piece is entered where three records in a row have the right number of cells. */
#include "cli/infer/infer.h"

#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

enum { MAX_CELLS = 4096 };

struct inference *inference_new(void)
{
    return xcalloc(1, sizeof(struct inference));
}

void inference_free(struct inference *inf)
{
    if (inf == NULL)
        return;
    for (size_t i = 0; i < inf->n_columns; i++)
        column_stats_done(&inf->columns[i]->stats);
    free(inf->columns);
    free(inf->files);
    arena_done(&inf->arena);
    free(inf);
}

struct infer_column *inference_add_column(struct inference *inf, const char *path, size_t position)
{
    if (inf->n_columns == inf->columns_cap) {
        inf->columns_cap = inf->columns_cap ? inf->columns_cap * 2 : 32;
        inf->columns = xrealloc(inf->columns, inf->columns_cap * sizeof(*inf->columns));
    }
    struct infer_column *c = arena_zero(&inf->arena, sizeof(*c));
    c->path = path ? arena_text(&inf->arena, str_of(path)) : NULL;
    c->position = position;
    inf->columns[inf->n_columns++] = c;
    return c;
}

/* ---- CSV, TSV ---- */

static struct str undo_escapes(struct str s, struct arena *arena)
{
    if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL || (s.n == 2 && s.p[1] == 'N'))
        return s;
    char *out = arena_bytes(arena, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n) {
            char c = s.p[++i];
            out[n++] = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
        } else {
            out[n++] = s.p[i];
        }
    }
    return (struct str){out, n};
}

/* Columns of this file's cells, by the inference's order. */
static void map_header(const struct inference *inf, const struct layout *own, size_t *map)
{
    for (size_t i = 0; i < own->n_columns; i++) {
        map[i] = i;
        for (size_t k = 0; own->has_header && !own->is_positional && k < inf->n_columns; k++)
            if (inf->columns[k]->path && str_eq(own->names[i], str_of(inf->columns[k]->path)))
                map[i] = k;
    }
}

struct row_reader {
    struct inference *inf;
    const struct layout *layout;
    const size_t *map;
    struct cell *cells;
    struct arena *arena;
    int64_t now_s;
};

static void observe_row(struct row_reader *r, size_t n)
{
    const struct layout *l = r->layout;
    for (size_t i = 0; i < n; i++) {
        struct str text = l->is_tsv ? undo_escapes(r->cells[i].text, r->arena) : r->cells[i].text;
        column_observe(&r->inf->columns[r->map[i]]->stats, text, r->cells[i].is_quoted, false,
                       r->now_s);
    }
    r->inf->n_records++;
}

/* Where records begin for sure: three that have the right number of cells. */
static const char *enter_piece(struct row_reader *r, const char *p, const char *end)
{
    for (int tries = 0; tries < 200 && p < end; tries++) {
        const char *q = p;
        int n_good = 0;
        while (n_good < 3 && q < end) {
            bool is_open;
            size_t n = split_by_layout(r->layout, &q, end, r->cells, MAX_CELLS, r->arena, &is_open);
            if (n != r->layout->n_columns || is_open)
                break;
            n_good++;
        }
        if (n_good == 3 || (q >= end && n_good > 0))
            return p;
        const char *line = memchr(p, '\n', (size_t)(end - p));
        p = line ? line + 1 : end;
    }
    return end;
}

static void observe_piece(struct row_reader *r, const char *p, const char *end, bool is_first)
{
    bool is_open, has_header = is_first && r->layout->has_header;
    if (is_first && end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    if (!is_first)
        p = enter_piece(r, p, end);
    while (p < end) {
        const char *start = p;
        size_t n = split_by_layout(r->layout, &p, end, r->cells, MAX_CELLS, r->arena, &is_open);
        if (n == 0 && !is_open)
            continue;
        if (has_header) {
            has_header = false;
            continue;
        }
        if (is_open) {
            r->inf->n_broken++;
            const char *line = memchr(start, '\n', (size_t)(end - start));
            p = line ? line + 1 : end;
        } else if (n != r->layout->n_columns) {
            r->inf->n_ragged++;
        } else {
            observe_row(r, n);
        }
        arena_reset(r->arena);
    }
}

static void observe_rows(struct inference *inf, const struct layout *own, const struct sample *s,
                         int64_t now_s)
{
    AUTO_MEM struct cell *cells = xcalloc(MAX_CELLS, sizeof(*cells));
    AUTO_MEM size_t *map = xcalloc(own->n_columns + 1, sizeof(*map));
    AUTO_DONE(arena) scratch = {0};
    map_header(inf, own, map);
    struct row_reader r = {
        .inf = inf, .layout = own, .map = map, .cells = cells, .arena = &scratch, .now_s = now_s};
    size_t from = 0;
    for (size_t i = 0; i < s->n_pieces; i++) {
        observe_piece(&r, s->text.p + from, s->text.p + s->ends[i], i == 0);
        from = s->ends[i];
    }
}

/* ---- all ---- */

static void add_file(struct inference *inf, const struct sample *s)
{
    if (inf->n_files == inf->files_cap) {
        inf->files_cap = inf->files_cap ? inf->files_cap * 2 : 8;
        inf->files = xrealloc(inf->files, inf->files_cap * sizeof(*inf->files));
    }
    inf->files[inf->n_files++] = arena_text(&inf->arena, str_of(s->path));
    inf->is_whole = s->is_whole && (inf->n_files == 1 || inf->is_whole);
    inf->is_cut = inf->is_cut || s->is_cut;
    inf->compression = s->compression;
    inf->sampled_bytes += s->text.n;
    inf->total_bytes += s->total_bytes;
}

static void add_columns(struct inference *inf, const struct layout *own)
{
    if (own->is_decoded) {
        add_decoded_columns(inf, own);
        return;
    }
    for (size_t i = 0; i < own->n_columns; i++)
        inference_add_column(inf, own->names ? own->names[i].p : NULL, i)->is_positional =
            own->is_positional || own->format == FORMAT_JSON_COMPACT;
}

enum err_code inference_observe(struct inference *inf, const struct sample *s, int64_t now_s,
                                struct err *e)
{
    struct layout own;
    TRY(layout_find(&own, s, &inf->arena, e));
    if (inf->n_files == 0) {
        inf->layout = own;
        add_columns(inf, &own);
    }
    add_file(inf, s);
    if (own.is_json || own.is_compact)
        observe_json(inf, &own, s, now_s);
    else if (own.is_decoded)
        TRY(observe_decoded(inf, &own, s, now_s, e));
    else
        observe_rows(inf, &own, s, now_s);
    if (inf->n_records == 0)
        return err_set(e, ERR_INVALID, "%s: no record could be read", s->path);
    return ERR_OK;
}

void inference_observe_record(struct inference *inf, struct str record, struct str header,
                              int64_t now_s)
{
    const struct layout *l = &inf->layout;
    if (l->is_json) {
        observe_json_record(inf, record, now_s);
        return;
    }
    if (l->is_compact) {
        observe_compact_record(inf, record, now_s);
        return;
    }
    if (l->is_decoded) {
        observe_decoded_lines(inf, l, record, now_s);
        return;
    }
    AUTO_MEM struct cell *cells = xcalloc(MAX_CELLS, sizeof(*cells));
    AUTO_DONE(arena) scratch = {0};
    struct layout own = *l;
    bool is_open;
    if (l->has_header && header.n > 0) {
        const char *p = header.p;
        own.n_columns =
            split_by_layout(l, &p, header.p + header.n, cells, MAX_CELLS, &scratch, &is_open);
        if (own.n_columns != l->n_columns)
            return;
        own.names = arena_zero(&scratch, own.n_columns * sizeof(*own.names));
        for (size_t i = 0; i < own.n_columns; i++)
            own.names[i] = cells[i].text;
    }
    AUTO_MEM size_t *map = xcalloc(own.n_columns + 1, sizeof(*map));
    map_header(inf, &own, map);
    const char *p = record.p;
    size_t n = split_by_layout(l, &p, record.p + record.n, cells, MAX_CELLS, &scratch, &is_open);
    if (n != own.n_columns || is_open)
        return;
    struct row_reader r = {
        .inf = inf, .layout = &own, .map = map, .cells = cells, .arena = &scratch, .now_s = now_s};
    observe_row(&r, n);
}

/* ---- day/month over the whole file ---- */

enum { SCAN_BYTES = 4 << 20 };

struct scan {
    const struct layout *layout;
    const char *path; /* the column's header */
    size_t at;        /* cell */
    bool is_header;
    struct cell *cells;
    struct arena arena;
    struct column_stats found;
};

/* The wanted cell of a record without quotes, without looking at the others' contents. */
static bool plain_cell(struct str *cell, const char *p, const char *line_end, char delimiter,
                       size_t at)
{
    for (; at > 0; at--) {
        p = memchr(p, delimiter, (size_t)(line_end - p));
        if (p == NULL)
            return false;
        p++;
    }
    const char *stop = memchr(p, delimiter, (size_t)(line_end - p));
    if (stop == NULL)
        stop = line_end;
    while (stop > p && (stop[-1] == '\r' || stop[-1] == ' '))
        stop--;
    while (p < stop && *p == ' ')
        p++;
    *cell = (struct str){p, (size_t)(stop - p)};
    return true;
}

static void scan_cell(struct scan *s, struct str text)
{
    if (text.n >= 6 && text.n < 64)
        column_observe(&s->found, text, false, false, 0);
    s->found.is_full = true; /* distinct values are of no interest */
}

static json_t *at_path(json_t *value, const char *path)
{
    json_t *whole = json_object_get(value, path);
    if (whole)
        return whole;
    for (const char *dot = path; (dot = strchr(dot, '.')) != NULL; dot++) {
        AUTO_MEM char *key = xstrndup(path, (size_t)(dot - path));
        json_t *member = json_object_get(value, key),
               *found = member ? at_path(member, dot + 1) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

/* Text that decides: 13/… or …/13/. */
static bool is_deciding(const char *p, const char *end)
{
    unsigned first = 0, second = 0;
    const char *q = p;
    for (; q < end && q - p < 2 && *q >= '0' && *q <= '9'; q++)
        first = first * 10 + (unsigned)(*q - '0');
    if (q == p || q >= end)
        return false;
    const char *from = ++q;
    for (; q < end && q - from < 2 && *q >= '0' && *q <= '9'; q++)
        second = second * 10 + (unsigned)(*q - '0');
    return first > 12 || second > 12;
}

/* A line is parsed only if its field, or another of that name, holds a date that decides. */
static void scan_json_line(struct scan *s, struct str line)
{
    const char *dot = strrchr(s->path, '.'), *end = line.p + line.n, *p = line.p;
    AUTO_MEM char *key = xasprintf("\"%s\"", dot ? dot + 1 : s->path);
    bool is_candidate = false;
    while (!is_candidate && (p = memmem(p, (size_t)(end - p), key, strlen(key))) != NULL) {
        p += strlen(key);
        while (p < end && (*p == ' ' || *p == ':' || *p == '"'))
            p++;
        is_candidate = is_deciding(p, end);
    }
    if (!is_candidate)
        return;
    json_t *value = json_loadb(line.p, line.n, JSON_DECODE_INT_AS_REAL, NULL);
    json_t *found = json_is_object(value) ? at_path(value, s->path) : NULL;
    if (json_is_string(found))
        scan_cell(s, (struct str){json_string_value(found), json_string_length(found)});
    json_decref(value);
}

static void scan_json(struct scan *s, const char *p, const char *end)
{
    while (p < end) {
        const char *line = memchr(p, '\n', (size_t)(end - p));
        scan_json_line(s, (struct str){p, (size_t)((line ? line : end) - p)});
        p = line ? line + 1 : end;
    }
}

/* Each file has its own order of columns. */
static const char *scan_header(struct scan *s, const char *p, const char *end)
{
    bool is_open;
    if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    size_t n = split_by_layout(s->layout, &p, end, s->cells, MAX_CELLS, &s->arena, &is_open);
    for (size_t i = 0; i < n && i < MAX_CELLS; i++)
        if (str_is(s->cells[i].text, s->path))
            s->at = i;
    s->is_header = false;
    return p;
}

static void scan_records(struct scan *s, const char *p, const char *end)
{
    if (s->layout->is_json) {
        scan_json(s, p, end);
        return;
    }
    if (s->is_header && p < end)
        p = scan_header(s, p, end);
    while (p < end) {
        const char *line = memchr(p, '\n', (size_t)(end - p));
        const char *line_end = line ? line : end;
        struct str cell;
        if (s->layout->is_tsv || memchr(p, '"', (size_t)(line_end - p)) == NULL) {
            if (plain_cell(&cell, p, line_end, s->layout->delimiter, s->at))
                scan_cell(s, cell);
            p = line ? line + 1 : end;
        } else {
            bool is_open;
            size_t n =
                split_by_layout(s->layout, &p, end, s->cells, MAX_CELLS, &s->arena, &is_open);
            if (!is_open && s->at < n)
                scan_cell(s, s->cells[s->at].text);
            arena_reset(&s->arena);
        }
    }
}

static enum err_code scan_text(struct scan *s, int fd, enum compression compression,
                               const char *path, struct err *e)
{
    AUTO(inflate) z = compression == COMPRESSION_NONE ? NULL : inflate_new(compression);
    AUTO_MEM char *in = z ? xmalloc(SCAN_BYTES) : NULL;
    size_t cap = SCAN_BYTES, n = 0;
    AUTO_MEM char *text = xmalloc(cap);
    struct str rest = {0};
    for (bool is_end = false; !is_end;) {
        size_t got = 0;
        if (z == NULL || rest.n == 0) {
            ssize_t r = read(fd, z ? in : text + n, z ? SCAN_BYTES : cap - n);
            if (r < 0)
                return err_errno(e, "read %s", path);
            got = (size_t)r;
            is_end = r == 0;
            if (z)
                rest = (struct str){in, got};
        }
        if (z && inflate_run(z, &rest, text + n, cap - n, &got, e) != ERR_OK)
            is_end = true; /* the load will say it */
        if (z && got > 0)
            is_end = false;
        n += got;
        size_t whole = is_end ? n
                              : decoder_cut(s->layout->is_json  ? FORMAT_JSON_EACH_ROW
                                            : s->layout->is_tsv ? FORMAT_TSV
                                                                : FORMAT_CSV,
                                            s->layout->delimiter, text, n, false);
        scan_records(s, text, text + whole);
        n -= whole;
        memmove(text, text + whole, n);
        if (n == cap) { /* a record longer than the buffer */
            if (cap >= 64u << 20)
                n = 0;
            else
                text = xrealloc(text, cap *= 2);
        }
    }
    return ERR_OK;
}

enum err_code inference_scan_dates(struct inference *inf, size_t column, struct err *e)
{
    struct infer_column *c = inf->columns[column];
    bool is_scanned =
        layout_is_cells(&inf->layout) || (inf->layout.is_json && !inf->layout.is_stream);
    if (!is_scanned || (inf->is_whole && !inf->is_cut))
        return ERR_OK;
    AUTO_MEM struct cell *cells = xcalloc(MAX_CELLS, sizeof(*cells));
    struct scan s = {.layout = &inf->layout, .path = c->path, .at = c->position, .cells = cells};
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < inf->n_files && code == ERR_OK; i++) {
        int fd = open(inf->files[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            code = err_errno(e, "%s", inf->files[i]);
            break;
        }
        char head[8];
        ssize_t got = pread(fd, head, sizeof(head), 0);
        s.is_header = inf->layout.has_header;
        code = scan_text(&s, fd, compression_of(head, got > 0 ? (size_t)got : 0), inf->files[i], e);
        close(fd);
    }
    struct column_stats *to = &c->stats;
    to->n_day_first = s.found.n_day_first;
    to->n_month_first = s.found.n_month_first;
    memcpy(to->day_first_example, s.found.day_first_example, sizeof(to->day_first_example));
    memcpy(to->month_first_example, s.found.month_first_example, sizeof(to->month_first_example));
    column_stats_done(&s.found);
    arena_done(&s.arena);
    return code;
}
