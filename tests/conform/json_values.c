/* SPDX-License-Identifier: Apache-2.0
 *
 * Decodes JSON lines from standard input into the given columns and writes a line for each: the values as
 * ClickHouse's TSV, or "!" and the reason. For json_clickhouse.py.
 *
 *   json_values NAME TYPE [NAME TYPE …] */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/decoder.h"
#include "codec/value.h"

enum { MAX_FIELDS = 64 };

static void put_escaped(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        static const char plain[] = "\b\f\r\n\t\\'", names[] = "bfrnt\\'";
        const char *found = s.p[i] ? strchr(plain, s.p[i]) : NULL;
        if (s.p[i] == 0)
            buf_text(out, "\\0");
        else if (found)
            buf_printf(out, "\\%c", names[found - plain]);
        else
            buf_byte(out, (uint8_t)s.p[i]);
    }
}

static void put_value(struct buf *out, const struct column *c, size_t row)
{
    AUTO_DONE(buf) text = {0};
    if (c->nulls && c->nulls[row]) {
        buf_text(out, "\\N");
        return;
    }
    value_print(&text, c->type, (const char *)c->values + row * type_width(c->type));
    put_escaped(out, buf_view(&text));
}

static void put_rows(struct buf *out, const struct batch *b, const struct reject_list *rejects)
{
    size_t row = 0, reject = 0;
    while (row < b->n_rows || reject < rejects->n) {
        if (row == b->n_rows || (reject < rejects->n && rejects->items[reject].offset < b->offsets[row])) {
            buf_printf(out, "!%s\n", rejects->items[reject++].reason);
            continue;
        }
        for (size_t i = 0; i < b->n_columns; i++) {
            buf_text(out, i ? "\t" : "");
            put_value(out, &b->columns[i], row);
        }
        buf_text(out, "\n");
        row++;
    }
}

static void read_all(struct buf *to)
{
    size_t n;
    while ((n = fread(buf_reserve(to, 1 << 16), 1, 1 << 16, stdin)) > 0)
        to->n += n;
}

int main(int argc, char **argv)
{
    struct field fields[MAX_FIELDS] = {0};
    struct type types[MAX_FIELDS];
    struct decoder_spec spec = {.format = FORMAT_JSON_EACH_ROW, .fields = fields};
    struct decoder *d;
    struct batch b;
    struct reject_list rejects = {0};
    struct err e;
    AUTO_DONE(buf) input = {0};
    AUTO_DONE(buf) out = {0};

    for (int i = 1; i + 1 < argc && spec.n_fields < MAX_FIELDS; i += 2) {
        struct field *f = &fields[spec.n_fields];
        f->path = str_of(argv[i]);
        if (type_parse(&f->type, str_of(argv[i + 1]), &e) != ERR_OK) {
            fprintf(stderr, "%s\n", e.text);
            return 2;
        }
        types[spec.n_fields++] = f->type;
    }
    if (decoder_new(&d, &spec, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 2;
    }
    read_all(&input);
    batch_init(&b, types, NULL, spec.n_fields);
    decoder_feed(d, input.p, input.n, 0);
    while (decoder_next(d, &b, &rejects)) {
        put_rows(&out, &b, &rejects);
        batch_reset(&b);
        reject_list_reset(&rejects);
    }
    decoder_free(d);
    batch_done(&b);
    reject_list_done(&rejects);
    fwrite(out.p, 1, out.n, stdout);
    return 0;
}
