/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats of lines: the first byte chooses the format, the rest is the file. Every line that is not empty is exactly
 * one row or one reject, at its place. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "codec/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum format formats[] = {FORMAT_COMBINED_LOG, FORMAT_COMMON_LOG,     FORMAT_LOGFMT,
                                      FORMAT_SYSLOG,       FORMAT_LINE_AS_STRING, FORMAT_JSON_AS_STRING};
static const char *const own_names[] = {"a", "b", "time", "level", "msg", NULL};
static const char *const one_name[] = {"x", NULL};
static const char *const types[] = {"String", "Nullable(UInt16)", "DateTime", "Nullable(DateTime64(3, 'Asia/Kolkata'))",
                                    "LowCardinality(String)", "Nullable(IPv4)", "Float64"};

static void need(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "not true: %s\n", what);
        abort();
    }
}

/* The line at the offset, without its line end. */
static struct str line_at(struct str all, uint64_t offset)
{
    const char *p = all.p + offset, *end = memchr(p, '\n', all.n - offset);
    size_t n = end ? (size_t)(end - p) : all.n - offset;
    return (struct str){p, n - (n > 0 && p[n - 1] == '\r')};
}

static size_t count_lines(struct str all)
{
    size_t n = 0;
    for (size_t at = 0; at < all.n;) {
        struct str line = line_at(all, at);
        const char *end = memchr(all.p + at, '\n', all.n - at);
        n += line.n > 0;
        at = end ? (size_t)(end + 1 - all.p) : all.n;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum { MAX_FIELDS = 16, SLACK = 64 };
    struct field fields[MAX_FIELDS];
    struct type column_types[MAX_FIELDS];
    struct err e;
    struct decoder_spec spec = {.format = formats[data[0] % COUNT(formats)], .fields = fields, .max_record_bytes = 4096,
                                .max_depth = 50};
    const char *const *names = decoder_names(spec.format);
    if (names == NULL)
        names = format_is_whole(spec.format) ? one_name : own_names;
    for (; names[spec.n_fields] != NULL; spec.n_fields++) {
        struct field *f = &fields[spec.n_fields];
        *f = (struct field){.path = str_of(names[spec.n_fields])};
        need(type_parse(&f->type, str_of(types[(data[0] / 8 + spec.n_fields) % COUNT(types)]), &e) == ERR_OK, "a type");
        column_types[spec.n_fields] = f->type;
    }
    struct decoder *d;
    struct batch b;
    struct reject_list rejects = {0};
    need(decoder_new(&d, &spec, &e) == ERR_OK, "a decoder");
    batch_init(&b, column_types, NULL, spec.n_fields);
    AUTO_MEM char *copy = xcalloc(1, size + SLACK);
    memcpy(copy, data + 1, size - 1);
    bool has_bom = size >= 4 && memcmp(copy, "\xef\xbb\xbf", 3) == 0;
    struct str all = {copy + (has_bom ? 3 : 0), size - 1 - (has_bom ? 3 : 0)};
    decoder_set_now(d, 1716163200);
    decoder_feed(d, copy, size - 1, 0);
    size_t n = 0;
    for (;;) {
        batch_reset(&b);
        reject_list_reset(&rejects);
        size_t added = decoder_next(d, &b, &rejects);
        need(added == b.n_rows + rejects.n, "what was added is there");
        if (added == 0)
            break;
        n += added;
        for (size_t i = 0; i < b.n_rows; i++)
            need(b.lengths[i] > 0 && line_at(all, b.offsets[i] - (has_bom ? 3 : 0)).n == b.lengths[i], "a row is a line");
        for (size_t i = 0; i < rejects.n; i++)
            need(str_eq(line_at(all, rejects.items[i].offset - (has_bom ? 3 : 0)), rejects.items[i].bytes),
                 "a reject is a line");
    }
    need(n == count_lines(all), "each line is one row or one reject");
    decoder_free(d);
    batch_done(&b);
    reject_list_done(&rejects);
    return 0;
}
