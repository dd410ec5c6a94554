/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference has an example of everything, and weir answers each as it says there. ClickHouse is asked by
 * tests/conform/reference.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "aggregate/aggregate.h"
#include "codec/decoder.h"
#include "codec/value.h"
#include "expr/expr_priv.h"
#include "expr/program.h"
#include "expr/reference.h"

static value_id no_name(void *context, struct builder *b, struct str name, struct place at)
{
    (void)context, (void)b, (void)name, (void)at;
    return VALUE_UNKNOWN;
}

static size_t no_names(void *context, struct str *out, size_t cap)
{
    (void)context, (void)out, (void)cap;
    return 0;
}

static void print_answer(struct buf *out, const struct column *c)
{
    struct type bare = c->type;

    bare.is_nullable = bare.is_low_cardinality = false;
    if (c->faults && c->faults[0])
        buf_printf(out, "rejected: %s", fault_text(c->faults[0]));
    else if (c->nulls && c->nulls[0])
        buf_text(out, "NULL");
    else
        value_print(out, bare, c->values);
}

static void evaluate(struct buf *out, const char *text)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    struct batch batch;
    struct builder *b = builder_new();
    struct scope scope = {NULL, no_name, no_names, NULL};
    struct ast *node = parse_expression(&arena, str_of(text), &d);
    value_id v = node ? builder_expression(b, node, &scope, &d) : VALUE_FAILED;

    if (v < 0 || d.n_errors) {
        buf_printf(out, "refused: %s", d.n ? d.items[0].text : "?");
        builder_free(b);
        return;
    }
    struct program *p = builder_finish(b, &v, 1);
    struct frame *f = frame_new(p);
    batch_init(&batch, NULL, NULL, 0);
    batch.n_rows = 1;
    program_run(p, f, &batch, 1750000000);
    print_answer(out, frame_output(f, 0));
    frame_free(f);
    program_free(p);
    builder_free(b);
    batch_done(&batch);
}

/* Of exp, sin and their like the last digits are the C library's. */
static bool is_near(const char *a, const char *b)
{
    char *end_a, *end_b;
    double x = strtod(a, &end_a), y = strtod(b, &end_b);

    return *a && *b && *end_a == '\0' && *end_b == '\0' && fabs(x - y) <= 1e-13 * fabs(y);
}

static unsigned answers(const struct example *e, const char *text)
{
    AUTO_DONE(buf) got = {0};

    evaluate(&got, text);
    if (strcmp(buf_cstr(&got), e->answer) == 0 || is_near(buf_cstr(&got), e->answer))
        return 0;
    fprintf(stderr, "%s: %s, but the reference says %s\n", text, buf_cstr(&got), e->answer);
    return 1;
}

/* `text` with calls of `from` written as `to`. */
static void renamed(struct buf *out, const char *text, const char *from, const char *to)
{
    size_t n = strlen(from);

    while (*text) {
        if (strncmp(text, from, n) == 0 && text[n] == '(') {
            buf_text(out, to);
            text += n;
        }
        buf_byte(out, (uint8_t)*text++);
    }
}

static void every_function_has_an_example_that_weir_answers(void **state)
{
    size_t n;
    unsigned n_bad = 0;
    const struct function_family *const *families = function_families(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < families[i]->n; k++) {
            const struct function *f = &families[i]->functions[k];
            const struct example *e = function_example(f->name);
            if (f->flags & FN_ALIAS)
                continue;
            if (e == NULL) {
                fprintf(stderr, "%s has no example in src/expr/function_examples.h\n", f->name);
                n_bad++;
            } else {
                n_bad += answers(e, e->text);
            }
        }
    }
    assert_int_equal(n_bad, 0);
}

/* An other spelling says in its summary what it is. */
static void other_spellings_answer_the_same(void **state)
{
    size_t n;
    unsigned n_bad = 0, n_run = 0;
    const struct function_family *const *families = function_families(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < families[i]->n; k++) {
            const struct function *f = &families[i]->functions[k];
            const struct example *e = function_example(f->summary);
            AUTO_DONE(buf) text = {0};
            if (!(f->flags & FN_ALIAS))
                continue;
            if (e == NULL) {
                fprintf(stderr, "%s is another spelling of %s?\n", f->name, f->summary);
                n_bad++;
                continue;
            }
            renamed(&text, e->text, e->name, f->name);
            n_run += strcmp(buf_cstr(&text), e->text) != 0;
            n_bad += answers(e, buf_cstr(&text));
        }
    }
    assert_int_equal(n_bad, 0);
    assert_true(n_run > 40);
}

static void every_type_has_an_example_that_weir_answers(void **state)
{
    const char *name;
    unsigned n_bad = 0;

    (void)state;
    for (size_t i = 0; (name = type_known_name(i)) != NULL; i++) {
        const struct example *e = type_example(name);
        if (e == NULL) {
            fprintf(stderr, "%s has no example in src/expr/type_examples.h\n", name);
            n_bad++;
        } else {
            n_bad += answers(e, e->text);
        }
    }
    assert_int_equal(n_bad, 0);
}

static void every_aggregate_combinator_and_format_has_an_example(void **state)
{
    unsigned n_bad = 0;

    (void)state;
    for (size_t i = 0; i < aggregate_n_rows() + aggregate_n_combinators(); i++) {
        struct aggregate_row row = i < aggregate_n_rows()
            ? aggregate_row(i) : aggregate_combinator_row(i - aggregate_n_rows());
        if (aggregate_example(row.name) == NULL) {
            fprintf(stderr, "%s has no example in src/aggregate/examples.c\n", row.name);
            n_bad++;
        }
    }
    for (size_t i = 0; format_names[i] != NULL; i++) {
        if (format_row(format_find(str_of(format_names[i]))) == NULL) {
            fprintf(stderr, "%s has no example in src/codec/format_examples.h\n", format_names[i]);
            n_bad++;
        }
    }
    assert_int_equal(n_bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_has_an_example_that_weir_answers),
        cmocka_unit_test(other_spellings_answer_the_same),
        cmocka_unit_test(every_type_has_an_example_that_weir_answers),
        cmocka_unit_test(every_aggregate_combinator_and_format_has_an_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
