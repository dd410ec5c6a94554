/* SPDX-License-Identifier: Apache-2.0
 *
 * Zeek logs, whose header may change anywhere: two bytes choose loops and the size of pieces, the rest is the file.
 * Read in small pieces by the plain loops and in large ones by the best, it gives the same rows and rejects; each line
 * that is not empty and does not begin with # is exactly one of them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "codec/csv_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *name, *type;
} columns[] = {
    {"ts", "DateTime64(6)"}, {"a", "String"}, {"b", "Nullable(UInt16)"}, {"c", "Array(Nullable(String))"},
    {"d", "Nullable(Bool)"}, {"e", "Nullable(Float64)"}, {"f", "Nullable(IPv4)"}, {"g", "Array(UInt8)"},
};

static void need(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "not true: %s\n", what);
        abort();
    }
}

static size_t count_records(struct str all)
{
    size_t n = 0;
    for (const char *p = all.p, *end = all.p + all.n; p < end;) {
        const char *next = memchr(p, '\n', (size_t)(end - p));
        next = next ? next : end;
        bool is_cr = next == p + 1 && *p == '\r' && next < end; /* of CRLF */
        n += next > p && *p != '#' && !is_cr;
        p = next + 1;
    }
    return n;
}

static void take(struct buf *rows, struct buf *bad, const struct batch *b, const struct reject_list *rejects)
{
    for (size_t r = 0; r < b->n_rows; r++) {
        buf_printf(rows, "%llu+%u", (unsigned long long)b->offsets[r], b->lengths[r]);
        for (size_t i = 0; i < b->n_columns; i++) {
            const struct column *c = &b->columns[i];
            buf_byte(rows, '|');
            if (c->nulls && c->nulls[r])
                buf_text(rows, "NULL");
            else
                value_print(rows, c->type, (const char *)c->values + r * type_width(c->type));
        }
        buf_byte(rows, '\n');
    }
    for (size_t i = 0; i < rejects->n; i++)
        buf_printf(bad, "%llu+%zu %s\n", (unsigned long long)rejects->items[i].offset, rejects->items[i].bytes.n,
                   rejects->items[i].reason);
}

/* Returns how many rows and rejects. */
static size_t decode(struct buf *rows, struct buf *bad, const struct csv_kernels *kernels, struct str file, size_t piece)
{
    struct field fields[COUNT(columns)] = {0};
    struct type types[COUNT(columns)];
    struct decoder_spec spec = {.format = FORMAT_ZEEK, .fields = fields, .n_fields = COUNT(columns), .max_columns = 64};
    struct decoder *d;
    struct batch b;
    struct reject_list rejects = {0};
    struct err e;
    AUTO_DONE(buf) header = {0};
    size_t n_all = 0, room = piece;

    for (size_t i = 0; i < COUNT(columns); i++) {
        fields[i].path = str_of(columns[i].name);
        need(type_parse(&fields[i].type, str_of(columns[i].type), &e) == ERR_OK, "a type");
        types[i] = fields[i].type;
    }
    need(decoder_new(&d, &spec, &e) == ERR_OK, "a decoder");
    ((struct csv_decoder *)d)->kernels = kernels;
    batch_init(&b, types, NULL, COUNT(columns));
    for (size_t done = 0; done < file.n;) {
        size_t n = room < file.n - done ? room : file.n - done;
        n = decoder_cut(FORMAT_ZEEK, 0, file.p + done, n, done + n == file.n);
        room += piece;
        if (n == 0)
            continue;
        n = decoder_header_pass(&header, file.p + done, n);
        need(n > 0, "a header is in force somewhere");
        char *copy = xmalloc(n);
        memcpy(copy, file.p + done, n);
        if (decoder_header(d, buf_view(&header), &e) != ERR_OK)
            need(e.text[0] != '\0', "a reason");
        decoder_feed(d, copy, n, done + 10);
        for (size_t added; batch_reset(&b), reject_list_reset(&rejects), (added = decoder_next(d, &b, &rejects)) > 0;) {
            take(rows, bad, &b, &rejects);
            n_all += added;
        }
        free(copy);
        done += n;
        room = piece;
    }
    decoder_free(d);
    batch_done(&b);
    reject_list_done(&rejects);
    return n_all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || memmem(data, size, "\xef\xbb\xbf", 3))
        return 0;
    struct str file = {(const char *)data + 1, size - 1}, line;
    struct buf rows[2] = {0}, bad[2] = {0};
    decoder_header_length(FORMAT_ZEEK, file.p, file.n, &line);
    size_t n = decode(&rows[0], &bad[0], &csv_plain, file, data[0] + 1u);
    need(n == decode(&rows[1], &bad[1], csv_kernels_best(), file, 1 << 20), "as many records");
    need(n == count_records(file), "each line is one row or one reject");
    need(str_eq(buf_view(&rows[0]), buf_view(&rows[1])), "the same rows");
    need(bad[0].n == bad[1].n, "the same rejects");
    for (int i = 0; i < 2; i++) {
        buf_done(&rows[i]);
        buf_done(&bad[i]);
    }
    return 0;
}
