/* SPDX-License-Identifier: Apache-2.0
 *
 * Decompression: any bytes, fed in pieces of any size into rooms of any size, end in data or an error,
 * and the same bytes in other pieces give the same. Input: byte 0 = kind, byte 1 = size of the pieces. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_OUTPUT = 4 << 20 };

/* All output up to the limit; true if there was no error. */
static bool run(struct buf *out, enum compression c, struct str all, size_t piece, size_t room)
{
    AUTO(inflate) z = inflate_new(c);
    struct err e;
    while (out->n < MAX_OUTPUT) {
        struct str in = {all.p, all.n < piece ? all.n : piece};
        size_t n_in = in.n, written;
        enum err_code code = inflate_run(z, &in, buf_reserve(out, room), room, &written, &e);
        assert(in.n <= n_in && written <= room);
        if (code != ERR_OK)
            return false;
        out->n += written;
        all.p += n_in - in.n;
        all.n -= n_in - in.n;
        if (written == 0 && n_in == in.n)
            return all.n == 0 && inflate_is_at_end(z);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum compression c = data[0] % 5;
    struct str all = {(const char *)data + 2, size - 2};
    AUTO_DONE(buf) whole = {0};
    AUTO_DONE(buf) pieces = {0};
    bool is_whole = run(&whole, c, all, all.n, 65536);
    bool is_pieces = run(&pieces, c, all, (size_t)data[1] + 1, 777);
    if (whole.n < MAX_OUTPUT && is_whole) {
        assert(is_pieces);
        assert(str_eq(buf_view(&whole), buf_view(&pieces)));
    }
    return 0;
}
