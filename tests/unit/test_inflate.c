/* SPDX-License-Identifier: Apache-2.0
 *
 * codec/inflate: several members, any piece sizes, corruption. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <bzlib.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "codec/inflate.h"

static void put_gzip(struct buf *out, struct str text)
{
    z_stream z = {0};
    size_t cap = text.n + 1000;
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)buf_reserve(out, cap);
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n += cap - z.avail_out;
    deflateEnd(&z);
}

static void put_zstd(struct buf *out, struct str text)
{
    size_t cap = ZSTD_compressBound(text.n);
    out->n += ZSTD_compress(buf_reserve(out, cap), cap, text.p, text.n, 1);
}

static void put_bzip2(struct buf *out, struct str text)
{
    unsigned cap = (unsigned)text.n * 2 + 1000;
    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)buf_reserve(out, cap), &cap, (char *)text.p, (unsigned)text.n, 1, 0, 0),
                     BZ_OK);
    out->n += cap;
}

static void put_lz4(struct buf *out, struct str text)
{
    LZ4F_preferences_t p = {.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled};
    size_t cap = LZ4F_compressFrameBound(text.n, &p);
    out->n += LZ4F_compressFrame(buf_reserve(out, cap), cap, text.p, text.n, &p);
}

static void put(struct buf *out, enum compression c, struct str text)
{
    if (c == COMPRESSION_GZIP)
        put_gzip(out, text);
    else if (c == COMPRESSION_ZSTD)
        put_zstd(out, text);
    else if (c == COMPRESSION_BZIP2)
        put_bzip2(out, text);
    else if (c == COMPRESSION_LZ4)
        put_lz4(out, text);
    else
        buf_str(out, text);
}

struct pieces {
    size_t in, out;
};

static enum err_code run(struct buf *out, enum compression c, struct str all, struct pieces pieces,
                         bool *is_at_end, struct err *e)
{
    AUTO(inflate) z = inflate_new(c);
    for (;;) {
        struct str in = {all.p, all.n < pieces.in ? all.n : pieces.in};
        size_t n_in = in.n, written;
        TRY(inflate_run(z, &in, buf_reserve(out, pieces.out), pieces.out, &written, e));
        out->n += written;
        all.p += n_in - in.n;
        all.n -= n_in - in.n;
        if (written == 0 && n_in == in.n)
            break;
    }
    *is_at_end = inflate_is_at_end(z);
    assert_int_equal(all.n, 0);
    return ERR_OK;
}

static void text_of_lines(struct buf *text)
{
    for (int i = 0; i < 3000; i++)
        buf_printf(text, "line %d of some, %d\n", i, i * i);
}

static void members_follow_one_another_in_pieces_of_any_size(void **state)
{
    static const struct pieces sizes[] = {
        {1, 1 << 20}, {7, 13}, {1 << 20, 1}, {4096, 4096}, {1 << 20, 1 << 20}};
    for (enum compression c = COMPRESSION_NONE; c <= COMPRESSION_LZ4; c++) {
        AUTO_DONE(buf) text = {0};
        AUTO_DONE(buf) packed = {0};
        AUTO_DONE(buf) twice = {0};
        text_of_lines(&text);
        put(&packed, c, buf_view(&text));
        put(&packed, c, STR(""));
        put(&packed, c, buf_view(&text));
        assert_int_equal(compression_of(packed.p, packed.n), c);
        buf_str(&twice, buf_view(&text));
        buf_str(&twice, buf_view(&text));
        for (size_t i = 0; i < COUNT(sizes); i++) {
            AUTO_DONE(buf) out = {0};
            struct err e;
            bool is_at_end;
            assert_int_equal(run(&out, c, buf_view(&packed), sizes[i], &is_at_end, &e), ERR_OK);
            assert_true(is_at_end);
            assert_true(str_eq(buf_view(&out), buf_view(&twice)));
        }
    }
}

static void a_file_cut_short_is_not_at_its_end(void **state)
{
    for (enum compression c = COMPRESSION_GZIP; c <= COMPRESSION_LZ4; c++) {
        AUTO_DONE(buf) text = {0};
        AUTO_DONE(buf) packed = {0};
        AUTO_DONE(buf) out = {0};
        struct err e;
        bool is_at_end;
        text_of_lines(&text);
        put(&packed, c, buf_view(&text));
        struct str cut = {packed.p, packed.n - 3};
        assert_int_equal(run(&out, c, cut, (struct pieces){100, 100}, &is_at_end, &e), ERR_OK);
        assert_false(is_at_end);
    }
}

static void corruption_names_the_position(void **state)
{
    for (enum compression c = COMPRESSION_GZIP; c <= COMPRESSION_LZ4; c++) {
        AUTO_DONE(buf) packed = {0};
        AUTO_DONE(buf) out = {0};
        struct err e;
        bool is_at_end;
        put(&packed, c, STR("some text that is some text"));
        buf_text(&packed, "garbage");
        assert_int_equal(run(&out, c, buf_view(&packed), (struct pieces){100, 100}, &is_at_end, &e),
                         ERR_INVALID);
        assert_non_null(strstr(e.text, "at compressed byte "));
    }
}

static void zeros_after_a_gzip_member_are_padding(void **state)
{
    AUTO_DONE(buf) packed = {0};
    AUTO_DONE(buf) out = {0};
    struct err e;
    bool is_at_end;
    put_gzip(&packed, STR("text"));
    buf_put(&packed, "\0\0\0\0", 4);
    assert_int_equal(run(&out, COMPRESSION_GZIP, buf_view(&packed), (struct pieces){3, 100}, &is_at_end, &e),
                     ERR_OK);
    assert_true(is_at_end);
    assert_true(str_is(buf_view(&out), "text"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_follow_one_another_in_pieces_of_any_size),
        cmocka_unit_test(a_file_cut_short_is_not_at_its_end),
        cmocka_unit_test(corruption_names_the_position),
        cmocka_unit_test(zeros_after_a_gzip_member_are_padding),
    };
    return cmocka_run_group_tests_name("inflate", tests, NULL, NULL);
}
