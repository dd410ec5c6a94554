/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of a lookup to columns. Whole or not at all: the first record that cannot be read ends it. */
#include <stdio.h>

#include "codec/inflate.h"
#include "column/compound.h"
#include "lookup/files.h"
#include "lookup/table_priv.h"

enum { INFLATE_BYTES = 1 << 20, REASON_BYTES = 300 };

struct loading {
    struct lookup_table *t;
    struct decoder *decoder;
    struct batch batch;
    struct reject_list rejects;
    size_t max_bytes;
    struct str text; /* of the file, decompressed */
};

/* ---- bytes ---- */

enum err_code lookup_decompress(struct buf *out, struct str in, size_t max_bytes, struct err *e)
{
    AUTO(inflate) z = inflate_new(compression_of(in.p, in.n));
    for (;;) {
        size_t n;
        TRY(inflate_run(z, &in, buf_reserve(out, INFLATE_BYTES), INFLATE_BYTES, &n, e));
        out->n += n;
        if (out->n > max_bytes)
            return err_set(e, ERR_LIMIT, "holds more than lookup_max_bytes = %zu", max_bytes);
        if (n == 0 && in.n == 0)
            break;
    }
    if (!inflate_is_at_end(z))
        return err_set(e, ERR_INVALID, "ends within its compressed data");
    return ERR_OK;
}

/* ---- rows ---- */

static void make_room(struct lookup_table *t, size_t more)
{
    if (t->cap_rows - t->n_rows >= more)
        return;
    while (t->cap_rows - t->n_rows < more)
        t->cap_rows = t->cap_rows ? t->cap_rows * 2 : 4096;
    for (size_t c = 0; c < t->spec->format.n_fields; c++) {
        struct lookup_values *v = &t->columns[c];
        v->values = xrealloc(v->values, t->cap_rows * v->width);
        if (v->type.is_nullable)
            v->nulls = xrealloc(v->nulls, t->cap_rows);
    }
}

static void take_column(struct lookup_table *t, struct lookup_values *v, const struct column *c,
                        size_t n)
{
    char *to = v->values + t->n_rows * v->width;
    if (v->type.is_nullable && c->nulls)
        memcpy(v->nulls + t->n_rows, c->nulls, n);
    else if (v->type.is_nullable)
        memset(v->nulls + t->n_rows, 0, n);
    memcpy(to, c->values, n * v->width);
    for (size_t i = 0; type_is_text(v->type) && i < n; i++) {
        bool is_null = v->type.is_nullable && c->nulls && c->nulls[i];
        struct str *s = (struct str *)to + i;
        if (is_null || s->n == 0) {
            *s = (struct str){"", 0};
            continue;
        }
        char *copy = arena_bytes(&t->arena, s->n);
        memcpy(copy, s->p, s->n);
        s->p = copy;
    }
}

static enum err_code take_batch(struct loading *l, struct err *e)
{
    struct lookup_table *t = l->t;
    if (t->n_rows + l->batch.n_rows >= LOOKUP_NONE)
        return err_set(e, ERR_LIMIT, "more than %u rows", LOOKUP_NONE - 1);
    make_room(t, l->batch.n_rows);
    for (size_t c = 0; c < t->spec->format.n_fields; c++)
        take_column(t, &t->columns[c], &l->batch.columns[c], l->batch.n_rows);
    t->n_rows += l->batch.n_rows;
    return ERR_OK;
}

static size_t line_at(struct str text, uint64_t offset)
{
    size_t n = 1;
    for (uint64_t i = 0; i < offset && i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static enum err_code refuse_record(const struct loading *l, const struct reject *r, struct err *e)
{
    size_t n = r->bytes.n < 80 ? r->bytes.n : 80;
    while (n > 0 && (r->bytes.p[n - 1] == '\n' || r->bytes.p[n - 1] == '\r'))
        n--;
    return err_set(e, ERR_INVALID, "line %zu: %s: %.*s", line_at(l->text, r->offset), r->reason,
                   (int)n, r->bytes.p);
}

/* Records of text[from..to), under the header that was given last. */
static enum err_code load_records(struct loading *l, size_t from, size_t to, struct err *e)
{
    decoder_feed(l->decoder, l->text.p + from, to - from, from);
    for (;;) {
        batch_reset(&l->batch);
        reject_list_reset(&l->rejects);
        if (decoder_next(l->decoder, &l->batch, &l->rejects) == 0)
            return ERR_OK;
        if (l->rejects.n > 0)
            return refuse_record(l, &l->rejects.items[0], e);
        TRY(take_batch(l, e));
    }
}

/* ---- headers ---- */

/* Names, or lines to skip, or both. */
static enum err_code load_headed(struct loading *l, struct err *e)
{
    const struct decoder_spec *f = &l->t->spec->format;
    const struct header_rules rules = {f->cells.skip_lines, f->delimiter,
                                       csv_division_of(&f->cells)};
    struct str line = {0};
    size_t n = decoder_header_behind(f->format, &rules, l->text.p, l->text.n, &line);
    if (n == 0 && format_has_names(f->format) && l->text.n > 0 && rules.skip_lines == 0) {
        line = l->text; /* a header alone, without line end */
        n = l->text.n;
    }
    if (n == 0 && format_has_names(f->format))
        return err_set(e, ERR_INVALID, "is empty: it has no line of names");
    if (n == 0)
        return ERR_OK; /* no more lines than are skipped */
    TRY(decoder_header(l->decoder, line, e));
    return load_records(l, n, l->text.n, e);
}

static enum err_code load_zeek(struct loading *l, struct err *e)
{
    AUTO_DONE(buf) header = {0};
    for (size_t at = 0; at < l->text.n;) {
        size_t n = decoder_header_pass(&header, l->text.p + at, l->text.n - at);
        if (n == 0)
            n = l->text.n - at;
        TRY(decoder_header(l->decoder, buf_view(&header), e));
        TRY(load_records(l, at, at + n, e));
        at += n;
    }
    return ERR_OK;
}

static enum err_code load_json(struct loading *l, struct err *e)
{
    bool is_stream = json_layout_of(l->text.p, l->text.n) == JSON_IS_STREAM;
    TRY(decoder_header(l->decoder, is_stream ? STR(JSON_STREAM) : STR(""), e));
    return load_records(l, 0, l->text.n, e);
}

static enum err_code load_unnamed(struct loading *l, struct err *e)
{
    const struct decoder_spec *f = &l->t->spec->format;
    AUTO_MEM struct str *names = xcalloc(f->n_fields + 1, sizeof(*names));
    bool is_tsv = f->format == FORMAT_TSV || f->format == FORMAT_TSV_RAW;
    char delimiter = is_tsv ? '\t' : f->delimiter ? f->delimiter : ',';
    size_t skipped = 0;
    for (size_t i = 0; i < f->n_fields; i++)
        names[i] = f->fields[i].path;
    if (f->detects_header && (f->format == FORMAT_CSV || is_tsv))
        skipped = decoder_detected_header(delimiter, names, f->n_fields, l->text);
    return load_records(l, skipped, l->text.n, e);
}

static enum err_code load_text(struct loading *l, struct err *e)
{
    enum format format = l->t->spec->format.format;
    if (format == FORMAT_ZEEK)
        return load_zeek(l, e);
    if (format == FORMAT_JSON_EACH_ROW)
        return load_json(l, e);
    bool is_headed = format_has_names(format) || l->t->spec->format.cells.skip_lines > 0;
    return is_headed ? load_headed(l, e) : load_unnamed(l, e);
}

/* ---- files ---- */

static enum err_code load_file(struct loading *l, struct str bytes, struct err *e)
{
    AUTO_DONE(buf) text = {0};
    l->text = bytes;
    if (compression_of(bytes.p, bytes.n) != COMPRESSION_NONE) {
        TRY(lookup_decompress(&text, bytes, l->max_bytes, e));
        l->text = buf_view(&text);
    }
    return load_text(l, e);
}

static enum err_code load_files(struct loading *l, const struct lookup_files *files, struct err *e)
{
    struct str left = files->bytes, bytes;
    for (size_t i = 0; lookup_files_next(&left, &bytes); i++) {
        if (load_file(l, bytes, e) == ERR_OK)
            continue;
        if (files->paths)
            return err_prefix(e, "%s", files->paths[i]);
        return err_prefix(e, "file %zu", i + 1);
    }
    return ERR_OK;
}

enum err_code lookup_load(struct lookup_table *t, const struct lookup_files *files, struct err *e)
{
    const struct decoder_spec *f = &t->spec->format;
    struct loading l = {.t = t, .max_bytes = files->max_bytes};
    AUTO_MEM struct type *types = xcalloc(f->n_fields + 1, sizeof(*types));
    for (size_t i = 0; i < f->n_fields; i++) {
        types[i] = f->fields[i].type;
        t->columns[i].type = types[i];
        t->columns[i].width = type_width(types[i]);
    }
    TRY(decoder_new(&l.decoder, f, e));
    batch_init(&l.batch, types, NULL, f->n_fields);
    enum err_code code = load_files(&l, files, e);
    batch_done(&l.batch);
    reject_list_done(&l.rejects);
    decoder_free(l.decoder);
    return code;
}
