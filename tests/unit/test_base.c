/* SPDX-License-Identifier: Apache-2.0
 *
 * base/: arena, buf, hashes against known values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

static void ih64_matches_clickhouse(void **state)
{
    assert_true(ih64(1) == 0xb456bcfc34c2cb2cULL);
    assert_true(ih64(2) == 0x3abf2a20650683e7ULL);
}

static void arena_reuses_its_memory_after_reset(void **state)
{
    struct arena a = {0};
    char *first = arena_alloc(&a, 100);
    for (int i = 0; i < 1000; i++)
        memset(arena_alloc(&a, 1000), i, 1000);
    arena_reset(&a);
    assert_ptr_equal(first, arena_alloc(&a, 100));
    arena_done(&a);
}

static void buf_varuint_is_leb128(void **state)
{
    AUTO_DONE(buf) b = {0};
    buf_varuint(&b, 300);
    assert_int_equal(b.n, 2);
    assert_memory_equal(b.p, "\xac\x02", 2);
}

static void err_prefix_keeps_code_and_text(void **state)
{
    struct err e;
    assert_int_equal(err_set(&e, ERR_LIMIT, "too long"), ERR_LIMIT);
    assert_int_equal(err_prefix(&e, "line %d", 7), ERR_LIMIT);
    assert_string_equal(e.text, "line 7: too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ih64_matches_clickhouse),
        cmocka_unit_test(arena_reuses_its_memory_after_reset),
        cmocka_unit_test(buf_varuint_is_leb128),
        cmocka_unit_test(err_prefix_keeps_code_and_text),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
