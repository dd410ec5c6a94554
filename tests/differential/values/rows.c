/* SPDX-License-Identifier: Apache-2.0
 *
 * Decodes a file and prints what came of it, one line a record in the order of offsets:
 *
 *     rows FORMAT FILE [KERNELS] [-s SETTING=VALUE ...] NAME TYPE [NAME TYPE ...]
 *     =value TAB value ...       (NULL as \N, bytes below 0x21 and \ as \xHH)
 *     !reason
 *
 * With a name "-" the column is in the file but not wanted. The file is fed in pieces, cut at records. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/csv_priv.h"
#include "codec/decoder.h"
#include "plan/source_settings.h"

struct line {
    uint64_t offset;
    char *text;
};

static struct line *lines;
static size_t n_lines, cap_lines;

static void add_line(uint64_t offset, struct buf *text)
{
    if (n_lines == cap_lines) {
        cap_lines = cap_lines ? cap_lines * 2 : 1024;
        lines = xrealloc(lines, cap_lines * sizeof(*lines));
    }
    lines[n_lines++] = (struct line){offset, buf_take(text)};
}

static int by_offset(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static void put_text(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x21 || c == '\\')
            buf_printf(out, "\\x%02x", c);
        else
            buf_byte(out, c);
    }
}

static void put_row(const struct batch *b, size_t r)
{
    struct buf line = {0};
    AUTO_DONE(buf) value = {0};

    buf_byte(&line, '=');
    for (size_t i = 0; i < b->n_columns; i++) {
        const struct column *c = &b->columns[i];
        if (i)
            buf_byte(&line, '\t');
        if (c->nulls && c->nulls[r]) {
            buf_text(&line, "\\N");
            continue;
        }
        buf_reset(&value);
        value_print(&value, c->type, (char *)c->values + r * type_width(c->type));
        put_text(&line, buf_view(&value));
    }
    add_line(b->offsets[r], &line);
}

static void drain(struct decoder *d, struct batch *b, struct reject_list *rejects)
{
    while (decoder_next(d, b, rejects)) {
        for (size_t r = 0; r < b->n_rows; r++)
            put_row(b, r);
        for (size_t i = 0; i < rejects->n; i++) {
            struct buf line = {0};
            buf_printf(&line, "!%s", rejects->items[i].reason);
            add_line(rejects->items[i].offset, &line);
        }
        batch_reset(b);
        reject_list_reset(rejects);
    }
}

static char *read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        exit(2);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    char *data = malloc(*n + 1);
    if (fread(data, 1, *n, f) != *n)
        exit(2);
    fclose(f);
    return data;
}

int main(int argc, char **argv)
{
    struct field fields[64] = {0};
    struct type types[64];
    bool has_default[64] = {0};
    uint32_t positions[64];
    struct decoder_spec spec = {.fields = fields, .positions = positions};
    struct err e = {0};
    struct decoder *d = NULL;
    struct batch b;
    struct reject_list rejects = {0};
    const struct csv_kernels *kernels = NULL;
    int at = 3;

    if (argc < 5)
        return 2;
    if (strcmp(argv[at], "plain") == 0 || strcmp(argv[at], "avx2") == 0 || strcmp(argv[at], "avx512") == 0) {
        kernels = argv[at][0] == 'p' ? &csv_plain : argv[at][3] == '2' ? &csv_avx2 : &csv_avx512;
        if (!csv_kernels_is_usable(kernels))
            return 77;
        at++;
    }
    spec.format = format_find(str_of(argv[1]));
    for (; at + 1 < argc && strcmp(argv[at], "-s") == 0; at += 2) {
        const char *is = strchr(argv[at + 1], '=');
        if (is == NULL || !source_setting_apply(&spec, (struct str){argv[at + 1], (size_t)(is - argv[at + 1])}, str_of(is + 1))) {
            snprintf(e.text, sizeof(e.text), "no such setting: %s", argv[at + 1]);
            goto failed;
        }
    }
    for (; at + 1 < argc && spec.n_positions < 64; at += 2, spec.n_positions++) {
        struct field *f = &fields[spec.n_fields];
        if (strcmp(argv[at], "-") == 0)
            continue;
        f->path = str_of(argv[at]);
        if (type_parse(&f->type, str_of(argv[at + 1]), &e) != ERR_OK)
            goto failed;
        types[spec.n_fields] = f->type;
        positions[spec.n_fields++] = (uint32_t)spec.n_positions;
    }
    if (decoder_new(&d, &spec, &e) != ERR_OK)
        goto failed;
    if (kernels)
        ((struct csv_decoder *)d)->kernels = kernels;
    batch_init(&b, types, has_default, spec.n_fields);

    size_t n, done = 0;
    char *data = read_all(argv[2], &n);
    struct str header;
    const struct header_rules rules = {spec.cells.skip_lines, spec.delimiter, csv_division_of(&spec.cells)};
    size_t header_length = decoder_header_behind(spec.format, &rules, data, n, &header);
    if (header_length && !format_has_names(spec.format)) {
        done = header_length;
    } else if (header_length) {
        if (decoder_header(d, header, &e) != ERR_OK)
            goto failed;
        done = header_length;
    }
    for (size_t piece = 1000; done < n; piece += 777) {
        size_t room = n - done < piece ? n - done : piece;
        bool is_end = done + room == n;
        struct csv_division division = csv_division_of(&spec.cells);
        size_t length = format_is_csv(spec.format) && !csv_division_is_usual(division)
                            ? csv_cut_by(division, spec.delimiter, data + done, room, is_end)
                            : decoder_cut(spec.format, spec.delimiter, data + done, room, is_end);
        if (length == 0)
            continue;
        /* a copy of exact size: reading past the end is then seen by the sanitizer */
        char *copy = malloc(length);
        memcpy(copy, data + done, length);
        decoder_feed(d, copy, length, done);
        drain(d, &b, &rejects);
        free(copy);
        done += length;
    }
    qsort(lines, n_lines, sizeof(*lines), by_offset);
    for (size_t i = 0; i < n_lines; i++) {
        puts(lines[i].text);
        free(lines[i].text);
    }
    free(lines);
    free(data);
    batch_done(&b);
    reject_list_done(&rejects);
    decoder_free(d);
    return 0;
failed:
    fprintf(stderr, "%s\n", e.text);
    return 1;
}
