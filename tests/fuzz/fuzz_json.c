/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON lines: any bytes. Every line that is not blank is at least one row or reject (one more for each object behind
 * the first), and all kernels
 * give what the careful way gives. Byte 0 of the input: whether room follows the data (then all its
 * records may go by shape), and whether each line stands there thrice (so that shapes are used). */
#include <assert.h>
#include <stdio.h>

#include "../json_ways.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = JSON_MAX_LITERALS + 200 };

static size_t count_lines(struct str data)
{
    size_t n = 0;
    bool is_blank = true;
    for (size_t i = 0; i < data.n; i++) {
        if (data.p[i] == '\n') {
            n += !is_blank;
            is_blank = true;
        } else if (!json_is_space(data.p[i])) {
            is_blank = false;
        }
    }
    return n + !is_blank;
}

static void put_lines(struct buf *out, struct str data, unsigned times)
{
    while (data.n) {
        const char *found = memchr(data.p, '\n', data.n);
        size_t n = found ? (size_t)(found - data.p) + 1 : data.n;
        for (unsigned i = 0; i < times; i++)
            buf_put(out, data.p, n);
        data.p += n;
        data.n -= n;
    }
}

/* The same bytes as a stream of objects, or as arrays, in pieces. */
static size_t decode_pieces(struct buf *out, enum format format, struct str file, size_t piece)
{
    static const uint32_t positions[] = {0, 2};
    static const char *const types[] = {"Nullable(String)", "Array(Nullable(UInt8))"};
    struct field fields[2] = {{.path = STR("a")}, {.path = STR("b.c")}};
    struct type column_types[2];
    struct decoder_spec spec = {.format = format, .fields = fields, .n_fields = 2, .positions = positions,
                                .n_positions = 3, .max_depth = 50, .max_record_bytes = 1000};
    struct decoder *d;
    struct batch b;
    struct reject_list rejects = {0};
    struct err e;
    size_t n_all = 0, room = piece;
    for (size_t i = 0; i < 2; i++) {
        assert(type_parse(&fields[i].type, str_of(types[i]), &e) == ERR_OK);
        column_types[i] = fields[i].type;
    }
    assert(decoder_new(&d, &spec, &e) == ERR_OK);
    batch_init(&b, column_types, NULL, 2);
    assert(decoder_header(d, STR(JSON_STREAM), &e) == ERR_OK);
    for (size_t done = 0; done < file.n; room += piece) {
        size_t n = room < file.n - done ? room : file.n - done;
        bool is_end = n == file.n - done;
        n = format == FORMAT_JSON_EACH_ROW ? json_stream_cut(file.p + done, n, is_end)
                                           : decoder_cut(format, 0, file.p + done, n, is_end);
        if (n == 0)
            continue;
        char *copy = xmalloc(n);
        memcpy(copy, file.p + done, n);
        decoder_feed(d, copy, n, done + 10);
        while (batch_reset(&b), reject_list_reset(&rejects), decoder_next(d, &b, &rejects) > 0) {
            n_all += b.n_rows + rejects.n;
            for (size_t i = 0; i < b.n_rows; i++) {
                buf_printf(out, "%llu+%u ", (unsigned long long)b.offsets[i], b.lengths[i]);
                value_print(out, column_types[1], (const char *)b.columns[1].values + 16 * i);
            }
        }
        free(copy);
        done += n;
        room = 0;
    }
    decoder_free(d);
    batch_done(&b);
    reject_list_done(&rejects);
    return n_all;
}

static void try_pieces(struct str file, size_t piece)
{
    static const enum format formats[] = {FORMAT_JSON_EACH_ROW, FORMAT_JSON_COMPACT};
    if (memmem(file.p, file.n, "\xef\xbb\xbf", 3))
        return;
    for (size_t i = 0; i < 2; i++) {
        AUTO_DONE(buf) small = {0};
        AUTO_DONE(buf) whole = {0};
        size_t n = decode_pieces(&small, formats[i], file, piece);
        assert(n == decode_pieces(&whole, formats[i], file, file.n));
        assert(str_eq(buf_view(&small), buf_view(&whole)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 4 && size > 1) {
        try_pieces((struct str){(const char *)data + 1, size - 1}, data[0] / 8 + 1u);
        return 0;
    }
    const struct json_kernels *all[3];
    size_t n_kernels = json_all_kernels(all);
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) careful = {0};
    put_lines(&text, (struct str){(const char *)data + 1, size - 1}, data[0] & 2 ? 3 : 1);
    if (data[0] & 1) {
        memset(buf_reserve(&text, ROOM), ' ', ROOM);
        text.n += ROOM;
    }
    char *exact = xmalloc(text.n ? text.n : 1); /* a byte read behind its end is seen */
    if (text.n)
        memcpy(exact, text.p, text.n);
    struct str input = {exact, text.n};
    size_t n = json_run(&careful, &json_spec, NULL, input, 0);
    assert(n >= count_lines(input));
    for (size_t i = 0; i < n_kernels; i++) {
        AUTO_DONE(buf) fast = {0};
        assert(json_run(&fast, &json_spec, all[i], input, 0) == n);
        assert(str_eq(buf_view(&fast), buf_view(&careful)));
    }
    free(exact);
    return 0;
}
