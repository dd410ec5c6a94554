/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels over texts against their plain twins, at all lengths around 64 bytes, each text ending where
 * its memory ends; patterns matched without RE2 against RE2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "expr/regex.h"
#include "expr/regex_line.h"
#include "expr/text_wide.h"

enum { N_ROWS = 7 };

static uint64_t random_state = 0x2545f4914f6cdd1dULL;

static size_t below(size_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)((random_state * 0x9e3779b97f4a7c15ULL >> 11) % n);
}

static const char letters[] = "aAbBzZ09 .-_/portPORT%";

/* In memory of its own, so that a sanitizer sees a read beyond it. */
static struct str random_text(size_t n, bool is_ascii)
{
    char *p = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = !is_ascii && below(20) == 0 ? (char)(128 + below(128)) : letters[below(sizeof(letters) - 1)];
    return (struct str){realloc(p, n ? n : 1), n};
}

static void free_text(struct str s)
{
    free((char *)(size_t)s.p);
}

static void check_rows(const struct text_kernels *k)
{
    struct str rows[N_ROWS], needle = random_text(1 + below(below(8) ? 4 : 80), false), a[N_ROWS], b[N_ROWS];
    uint32_t x[N_ROWS], y[N_ROWS], bounds[2][400];
    struct byte_class class = {0};
    size_t n = 0;

    for (size_t i = 0; i < N_ROWS; i++) {
        rows[i] = random_text(below(below(4) ? 70 : 200), below(2));
        if (below(2) && rows[i].n >= needle.n) /* so that it is there */
            memcpy((char *)(size_t)rows[i].p + below(rows[i].n - needle.n + 1), needle.p, needle.n);
        n += rows[i].n;
    }
    for (size_t i = 0; i < 6; i++)
        class.has[below(128)] = 0xff, class.has[(uint8_t)letters[below(sizeof(letters) - 1)]] = 0xff;
    k->find_rows(x, rows, N_ROWS, needle);
    text_plain.find_rows(y, rows, N_ROWS, needle);
    assert_memory_equal(x, y, sizeof(x));
    k->find_rows_any_case(x, rows, N_ROWS, needle);
    text_plain.find_rows_any_case(y, rows, N_ROWS, needle);
    assert_memory_equal(x, y, sizeof(x));
    char *out = malloc(n + 64), *plain = malloc(n + 64), first = below(2) ? 'a' : 'A';
    k->swap_case(a, out, rows, N_ROWS, first);
    text_plain.swap_case(b, plain, rows, N_ROWS, first);
    assert_memory_equal(out, plain, n);
    for (size_t i = 0; i < N_ROWS; i++) {
        struct str s = rows[i];
        assert_true(a[i].n == s.n && b[i].n == s.n && a[i].p - out == b[i].p - plain);
        if (s.n >= needle.n) {
            assert_ptr_equal(k->find(s, needle), text_plain.find(s, needle));
            assert_ptr_equal(k->find_any_case(s, needle), text_plain.find_any_case(s, needle));
        }
        assert_int_equal(k->find_class(s, &class), text_plain.find_class(s, &class));
        size_t n_bounds = k->class_runs(bounds[0], s, &class);
        assert_int_equal(n_bounds, text_plain.class_runs(bounds[1], s, &class));
        assert_memory_equal(bounds[0], bounds[1], n_bounds * 4);
        assert_int_equal(k->is_ascii(s), text_plain.is_ascii(s));
        assert_int_equal(k->count_starts(s), text_plain.count_starts(s));
        assert_int_equal(k->count_byte(s, 'a'), text_plain.count_byte(s, 'a'));
        free_text(s);
    }
    free(out);
    free(plain);
    free_text(needle);
}

static void wide_kernels_equal_plain_ones(void **unused)
{
#if defined(__x86_64__)
    if (!text_kernels_is_usable(&text_avx512))
        skip();
    for (size_t i = 0; i < 4000; i++)
        check_rows(&text_avx512);
#else
    skip();
#endif
}

/* ---- patterns ---- */

static const char *const simple[] = {
    "[0-9]+",         "port [0-9]+",    "^/a([0-9]+)/",      "(?i)(port|zz|a)",    "\\s+",           "([0-9]+)[.]([0-9]+)",
    "a[0-9]*b",       "a?b",            "[^a]b",             "(?i)po[r-t]+",       "\\w+",           "(a)(b)?"
                                                                                                     "Z",
    "(\\d{1,2})/",    "(?:a)b{2}",      "a|b|port",          "(P|R)",              "^a*$",           "b$",
    "(?i)[^a-z]+b",   "\\.-",           "[a-z]{2,}[A-Z]",    "((a)b)+",            ".a",             "a.",
    "a.*z",           "z[^/]*/",        "^/([a-z]+)/.*$",    "[.]",                "(?i)k|s",        "[\\w.]+-",
    "([a-z]+)([0-9]+)", "0{3}",         "a+a",               "(?i)ab",             "[^%]*%",         "x*",
};

static void check_pattern(const char *pattern, size_t *n_line)
{
    char with_flag[64], why[100];
    struct regex_line *line = regex_line_new(str_of(pattern), false);
    /* which regex_line_new does not read */
    snprintf(with_flag, sizeof(with_flag), "(?s)%s", pattern);
    struct regex *re2 = regex_new(str_of(with_flag), REGEX_STRICT, why, sizeof(why));

    assert_non_null(re2);
    *n_line += line != NULL;
    for (size_t i = 0; line && i < 800; i++) {
        struct str s = random_text(below(below(4) ? 12 : 100), below(2)), ours[10] = {0}, theirs[10] = {0};
        size_t n = regex_n_groups(re2) + 1, from = below(3) ? 0 : below(s.n + 1);
        uint32_t bounds[200];
        enum line_answer answer = regex_line_find(line, s, from, ours, n);
        bool found = regex_find(re2, s, from, theirs, n);
        if (answer != LINE_UNSURE) {
            assert_int_equal(answer == LINE_YES, found);
            for (size_t k = 0; found && k < n; k++)
                assert_true(ours[k].p == theirs[k].p && ours[k].n == theirs[k].n);
        }
        size_t n_bounds = regex_line_all(line, s, bounds), at = 0;
        for (size_t k = 0; n_bounds != SIZE_MAX && k < n_bounds; k += 2) {
            assert_true(regex_find(re2, s, at, theirs, 1));
            assert_int_equal(theirs[0].p - s.p, bounds[k]);
            at = bounds[k] + theirs[0].n;
            assert_int_equal(at, bounds[k + 1]);
        }
        if (n_bounds != SIZE_MAX)
            assert_false(regex_find(re2, s, at, theirs, 1));
        free_text(s);
    }
    regex_line_free(line);
    regex_free(re2);
}

static void simple_patterns_match_as_re2_does(void **unused)
{
    size_t n_line = 0;

    for (size_t i = 0; i < COUNT(simple); i++)
        check_pattern(simple[i], &n_line);
    assert_true(n_line >= 25);
}

/* Refused: RE2 answers. */
static void other_patterns_are_refused(void **unused)
{
    static const char *const patterns[] = {"a+a", "a*?b", "(ab)+", "a|b*", "\\bx", "[[:alpha:]]", "(?m)^a", "é", "x**",
                                           "a{2}{3}", "(?P<n>a)", "a$b", "", "*", "(", "[a", "a)", "[z-a]", "\\", "a{,2}"};

    for (size_t i = 0; i < COUNT(patterns); i++)
        assert_null(regex_line_new(str_of(patterns[i]), false));
}

/* Not by trying each place to the end. */
static void long_runs_end_early(void **unused)
{
    struct str s = {malloc(1 << 20), 1 << 20}, groups[1];
    struct regex_line *line = regex_line_new(STR("[0-9]+x"), false), *other = regex_line_new(STR("1[0-9]*x"), false);

    memset((char *)(size_t)s.p, '1', s.n);
    assert_int_equal(regex_line_find(line, s, 0, groups, 1), LINE_NO);
    assert_int_equal(regex_line_find(other, s, 0, groups, 1), LINE_UNSURE);
    regex_line_free(line);
    regex_line_free(other);
    free_text(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_kernels_equal_plain_ones),
        cmocka_unit_test(simple_patterns_match_as_re2_does),
        cmocka_unit_test(other_patterns_are_refused),
        cmocka_unit_test(long_runs_end_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
