/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON lines: any bytes. Every line that is not blank is exactly one row or one reject, and all kernels
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
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
    assert(n == count_lines(input));
    for (size_t i = 0; i < n_kernels; i++) {
        AUTO_DONE(buf) fast = {0};
        assert(json_run(&fast, &json_spec, all[i], input, 0) == n);
        assert(str_eq(buf_view(&fast), buf_view(&careful)));
    }
    free(exact);
    return 0;
}
