/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV and TSV: the first bytes make a spec, the rest is the file. Whatever it holds, every record is
 * exactly one row or one reject, with its place in the file; between them lie only line ends (and a mark
 * of byte order). The SIMD loops find the same as the plain ones. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "codec/csv_priv.h"
#include "codec/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FIELDS = 6, HEAD = 2 + MAX_FIELDS };

static const char *const types[] = {
    "String", "Int8", "UInt64", "Int64", "Float32", "Float64", "DateTime", "DateTime64(3)", "Date", "IPv4", "IPv6",
    "Bool", "Nullable(String)", "Nullable(Int32)", "LowCardinality(Nullable(String))", "DateTime64(9, 'Asia/Kolkata')",
    "UInt16", "Nullable(Float64)",
};

struct span {
    uint64_t offset, length;
    bool is_row;
};

struct result {
    struct span *spans;
    size_t n, cap;
    struct buf values;
};

static void need(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "not true: %s\n", what);
        abort();
    }
}

static void add(struct result *r, uint64_t offset, uint64_t length, bool is_row)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->spans = xrealloc(r->spans, r->cap * sizeof(*r->spans));
    }
    r->spans[r->n++] = (struct span){offset, length, is_row};
}

static int by_offset(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static void take_batch(struct result *r, const struct batch *b, const struct reject_list *rejects)
{
    for (size_t row = 0; row < b->n_rows; row++) {
        add(r, b->offsets[row], b->lengths[row], true);
        for (size_t i = 0; i < b->n_columns; i++) {
            const struct column *c = &b->columns[i];
            if (c->nulls && c->nulls[row])
                buf_text(&r->values, "NULL");
            else
                value_print(&r->values, c->type, (char *)c->values + row * type_width(c->type));
            buf_byte(&r->values, '|');
        }
    }
    for (size_t i = 0; i < rejects->n; i++) {
        add(r, rejects->items[i].offset, rejects->items[i].bytes.n, false);
        need(rejects->items[i].reason[0] != '\0', "a reject has a reason");
    }
}

static void decode(struct result *r, struct decoder *d, struct batch *b, enum format format, struct str file,
                   size_t piece)
{
    struct reject_list rejects = {0};
    size_t done = 0, room = piece;

    while (done < file.n) {
        size_t n = room < file.n - done ? room : file.n - done;
        struct csv_division division = csv_division_of(&d->spec.cells);
        bool is_end = done + n == file.n;
        size_t length = format == FORMAT_CSV && !csv_division_is_usual(division)
                            ? csv_cut_by(division, 0, file.p + done, n, is_end)
                            : decoder_cut(format, 0, file.p + done, n, is_end);
        need(length <= n, "a cut lies within the data");
        if (length == 0) {
            room += piece;
            continue;
        }
        char *copy = xmalloc(length);
        memcpy(copy, file.p + done, length);
        decoder_feed(d, copy, length, done);
        while (decoder_next(d, b, &rejects) > 0) {
            take_batch(r, b, &rejects);
            batch_reset(b);
            reject_list_reset(&rejects);
        }
        need(d->data == d->end, "all that was fed is used");
        free(copy);
        done += length;
        room = piece;
    }
    reject_list_done(&rejects);
    if (r->n)
        qsort(r->spans, r->n, sizeof(*r->spans), by_offset);
}

/* What lies between two records is line ends. */
static void check_spans(const struct result *r, struct str file)
{
    uint64_t at = file.n >= 3 && memcmp(file.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    for (size_t i = 0; i <= r->n; i++) {
        uint64_t next = i < r->n ? r->spans[i].offset : file.n;
        need(next >= at, "records do not overlap");
        for (; at < next; at++)
            need(file.p[at] == '\n' || file.p[at] == '\r', "nothing but line ends between records");
        if (i < r->n)
            at += r->spans[i].length;
        need(at <= file.n, "records lie within the file");
    }
}

/* Settings out of the bytes that choose the types. */
static void some_settings(struct decoder_spec *spec, const uint8_t *p)
{
    spec->cells = (struct cell_settings){
        .allows_single_quotes = p[0] & 32,
        .refuses_double_quotes = p[1] & 32,
        .keeps_blanks = p[2] & 32,
        .has_blank_delimiter = p[3] & 32,
        .is_empty_a_value = p[4] & 32,
        .is_empty_the_default = p[5] & 32,
        .takes_any_width = p[0] & 64,
        .takes_bad_values = p[1] & 64,
        .refuses_null = p[2] & 64,
        .ends_with_return = p[3] & 64,
        .times = p[4] / 64 % 3,
        .null_text = p[5] & 64 ? STR("NA") : (struct str){0},
        .true_text = p[5] & 128 ? STR("yes") : (struct str){0},
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct field fields[MAX_FIELDS] = {0};
    struct type field_types[MAX_FIELDS];
    uint32_t positions[MAX_FIELDS];
    bool has_default[MAX_FIELDS] = {0};
    struct err e;

    if (size < HEAD)
        return 0;
    enum format format = !(data[0] & 1) ? FORMAT_CSV : data[0] & 128 ? FORMAT_TSV_RAW : FORMAT_TSV;
    struct decoder_spec spec = {.format = format, .fields = fields, .positions = positions,
                                .n_fields = data[0] / 2 % MAX_FIELDS + 1, .max_record_bytes = 1000};
    spec.n_positions = spec.n_fields + data[0] / 16 % 4;
    size_t piece = data[1] + 1;
    if (data[0] & 64)
        some_settings(&spec, data + 2);
    for (size_t i = 0; i < spec.n_fields; i++) {
        fields[i].path = STR("c");
        if (type_parse(&fields[i].type, str_of(types[data[2 + i] % COUNT(types)]), &e) != ERR_OK)
            abort();
        fields[i].has_default = has_default[i] = data[2 + i] >= 128;
        field_types[i] = fields[i].type;
        positions[i] = (uint32_t)((i + data[1]) % spec.n_positions);
    }
    struct str file = {(const char *)data + HEAD, size - HEAD};
    if (file.n > 3 && memmem(file.p + 1, file.n - 1, "\xef\xbb\xbf", 3))
        return 0; /* a cut cannot tell a run's start from the file's */
    const struct csv_kernels *kernels[] = {&csv_plain, csv_kernels_best()};
    struct result results[2] = {0};
    for (int k = 0; k < 2; k++) {
        struct decoder *d = NULL;
        struct batch b;
        if (decoder_new(&d, &spec, &e) != ERR_OK)
            abort();
        ((struct csv_decoder *)d)->kernels = kernels[k];
        batch_init(&b, field_types, has_default, spec.n_fields);
        decode(&results[k], d, &b, format, file, k ? piece * 7 : piece);
        check_spans(&results[k], file);
        batch_done(&b);
        decoder_free(d);
    }
    need(results[0].n == results[1].n, "both loops find as many records");
    for (size_t i = 0; i < results[0].n; i++)
        need(results[0].spans[i].offset == results[1].spans[i].offset &&
             results[0].spans[i].length == results[1].spans[i].length &&
             results[0].spans[i].is_row == results[1].spans[i].is_row, "both loops find the same records");
    need(str_eq(buf_view(&results[0].values), buf_view(&results[1].values)), "both loops read the same values");
    for (int k = 0; k < 2; k++) {
        free(results[k].spans);
        buf_done(&results[k].values);
    }
    return 0;
}
