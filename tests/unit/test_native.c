/* SPDX-License-Identifier: Apache-2.0
 *
 * codec/native: ClickHouse's own blocks are read, ours come back as they went, damage is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/native.h"
#include "codec/value.h"

static size_t unhex(char *to, const char *hex)
{
    size_t n = 0;
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        to[n++] = (char)byte;
    return n;
}

static void show_value(struct buf *out, const struct native_column *c, size_t i)
{
    if (c->column.nulls && c->column.nulls[i]) {
        buf_text(out, "NULL");
        return;
    }
    if (c->type.kind == TYPE_STRING) {
        buf_str(out, COLUMN(&c->column, struct str)[i]);
        return;
    }
    uint64_t v = 0;
    size_t width = type_width(c->type);
    memcpy(&v, (const char *)c->column.values + i * width, width < 8 ? width : 8);
    buf_printf(out, "%llu", (unsigned long long)v);
}

/* The one column of an answer as text: "1 2 3", arrays "[1,2] []". */
static void show_column(struct buf *out, const struct native_result *r, size_t column)
{
    const struct native_column *c = &r->columns[column];
    for (size_t row = 0; row < r->n_rows; row++) {
        buf_text(out, row ? " " : "");
        if (!type_is_compound(c->type))
            show_value(out, c, row);
        else
            value_print(out, c->type, (const char *)c->column.values + row * type_width(c->type));
    }
}

static void show(struct buf *out, const char *data, size_t n)
{
    struct native_result r;
    struct err e;
    if (native_read(&r, data, n, &e) != ERR_OK) {
        buf_text(out, e.text);
        return;
    }
    for (size_t i = 0; i < r.n_columns; i++) {
        buf_text(out, i ? "; " : "");
        show_column(out, &r, i);
    }
    native_result_done(&r);
}

static const struct {
    const char *hex, *shown;
} clickhouse_blocks[] = {
    {"010301780655496e743332000000000100000002000000", "0 1 2"},
    {"0103017806537472696e67013001310132", "0 1 2"},
    {"01030178164c6f7743617264696e616c69747928537472696e672901000000000000000006000000000000030000000000"
     "000000013001310300000000000000010201",
     "0 1 0"},
    {"01030178204c6f7743617264696e616c697479284e756c6c61626c6528537472696e672929010000000000000000060000"
     "00000000050000000000000000000130013101320300000000000000020304",
     "0 1 2"},
    {"01030178104e756c6c61626c652855496e74313629000100000000000200", "0 NULL 2"},
    {"01030178104e756c6c61626c6528537472696e67290001000130000132", "0 NULL 2"},
    {"010301780d41727261792855496e74313629020000000000000004000000000000000600000000000000000007000100070002"
     "000700",
     "[0,7] [1,7] [2,7]"},
    {"010301780d417272617928537472696e6729000000000000000001000000000000000300000000000000013001300131",
     "[] ['0'] ['0','1']"},
    {"010301781d4172726179284c6f7743617264696e616c69747928537472696e6729290100000000000000010000000000000002"
     "00000000000000030000000000000000060000000000000400000000000000000130013101320300000000000000010203",
     "['0'] ['1'] ['2']"},
};

static void blocks_of_clickhouse_are_read(void **state)
{
    for (size_t i = 0; i < COUNT(clickhouse_blocks); i++) {
        char data[512];
        AUTO_DONE(buf) out = {0};
        size_t n = unhex(data, clickhouse_blocks[i].hex);
        show(&out, data, n);
        assert_string_equal(buf_cstr(&out), clickhouse_blocks[i].shown);
    }
}

static void several_blocks_become_one_result(void **state)
{
    char data[512];
    AUTO_DONE(buf) out = {0};
    size_t n = unhex(data, clickhouse_blocks[6].hex);
    memcpy(data + n, data, n);
    show(&out, data, 2 * n);
    assert_string_equal(buf_cstr(&out), "[0,7] [1,7] [2,7] [0,7] [1,7] [2,7]");
}

static void every_prefix_is_refused_or_a_whole_answer(void **state)
{
    for (size_t i = 0; i < COUNT(clickhouse_blocks); i++) {
        char data[512];
        size_t n = unhex(data, clickhouse_blocks[i].hex);
        for (size_t k = 1; k < n; k++) {
            char *exact = xmalloc(k); /* so that reading past the end is seen */
            AUTO_DONE(buf) out = {0};
            memcpy(exact, data, k);
            show(&out, exact, k);
            assert_true(str_starts(buf_view(&out), "Native answer damaged"));
            free(exact);
        }
    }
}

static void damaged_bytes_do_no_harm(void **state)
{
    uint32_t random = 7;
    for (size_t round = 0; round < 20000; round++) {
        char data[512];
        AUTO_DONE(buf) out = {0};
        size_t n = unhex(data, clickhouse_blocks[round % COUNT(clickhouse_blocks)].hex);
        for (int k = 0; k < 2; k++) {
            random = random * 1664525 + 1013904223;
            data[(random >> 8) % n] ^= (char)(1 << (random >> 29));
        }
        char *exact = xmalloc(n);
        memcpy(exact, data, n);
        show(&out, exact, n);
        free(exact);
    }
}

static void sizes_are_not_believed(void **state)
{
    char data[64];
    AUTO_DONE(buf) out = {0};
    size_t n = unhex(data, "01ffffffffffffffffff01017806537472696e67");
    show(&out, data, n);
    assert_non_null(strstr(buf_cstr(&out), "more rows than bytes"));
}

enum { N = 700 }; /* more than 256 keys: indexes of two bytes */

static void put_column(struct buf *out, const struct column *c, const char *name, const uint32_t *rows,
                       size_t n)
{
    char type[64];
    native_column_head(out, name, type_name(c->type, type));
    native_column_data(out, c, rows, n);
}

static void what_is_written_is_read_back(void **state)
{
    struct type types[] = {
        {.kind = TYPE_STRING},
        {.kind = TYPE_STRING, .is_nullable = true},
        {.kind = TYPE_STRING, .is_low_cardinality = true},
        {.kind = TYPE_STRING, .is_low_cardinality = true, .is_nullable = true},
        {.kind = TYPE_UINT8},
        {.kind = TYPE_INT16, .is_nullable = true},
        {.kind = TYPE_UINT64},
        {.kind = TYPE_IPV6},
    };
    static char texts[N][300];
    struct batch b;
    batch_init(&b, types, NULL, COUNT(types));
    for (size_t row = 0; row < N; row++) {
        int n = snprintf(texts[row], sizeof(texts[row]), "%*zu", (int)(row % 290), row * 7);
        bool is_null = row % 5 == 3;
        for (size_t i = 0; i < COUNT(types); i++) {
            struct column *c = &b.columns[i];
            if (c->nulls)
                c->nulls[row] = is_null;
            if (types[i].kind == TYPE_STRING)
                COLUMN(c, struct str)[row] = is_null && c->nulls ? (struct str){NULL, 9}
                                             : row % 9 == 0     ? STR("")
                                                                : (struct str){texts[row], (size_t)n};
            else
                memset((char *)c->values + row * type_width(types[i]), (int)row,
                       type_width(types[i]));
        }
    }

    uint32_t odd[N / 2];
    for (uint32_t i = 0; i < N / 2; i++)
        odd[i] = 2 * i + 1;
    for (int is_some = 0; is_some < 2; is_some++) {
        const uint32_t *rows = is_some ? odd : NULL;
        size_t n = is_some ? N / 2 : N;
        AUTO_DONE(buf) out = {0};
        struct native_result r;
        struct err e;
        native_block(&out, COUNT(types), n);
        for (size_t i = 0; i < COUNT(types); i++)
            put_column(&out, &b.columns[i], "c", rows, n);
        assert_int_equal(native_read(&r, out.p, out.n, &e), ERR_OK);
        assert_int_equal(r.n_rows, n);
        for (size_t i = 0; i < COUNT(types); i++) {
            const struct column *got = &r.columns[i].column, *want = &b.columns[i];
            assert_true(type_eq(r.columns[i].type, types[i]));
            for (size_t k = 0; k < n; k++) {
                size_t row = rows ? rows[k] : k;
                if (want->nulls) {
                    assert_int_equal(got->nulls[k], want->nulls[row]);
                    if (want->nulls[row])
                        continue;
                }
                if (types[i].kind == TYPE_STRING)
                    assert_true(str_eq(COLUMN(got, struct str)[k], COLUMN(want, struct str)[row]));
                else
                    assert_memory_equal((char *)got->values + k * type_width(types[i]),
                                        (char *)want->values + row * type_width(types[i]),
                                        type_width(types[i]));
            }
        }
        native_result_done(&r);
    }
    batch_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_clickhouse_are_read),
        cmocka_unit_test(several_blocks_become_one_result),
        cmocka_unit_test(every_prefix_is_refused_or_a_whole_answer),
        cmocka_unit_test(damaged_bytes_do_no_harm),
        cmocka_unit_test(sizes_are_not_believed),
        cmocka_unit_test(what_is_written_is_read_back),
    };
    return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
