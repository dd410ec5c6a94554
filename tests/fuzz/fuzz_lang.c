/* SPDX-License-Identifier: Apache-2.0
 *
 * Definitions: any bytes end in statements or messages, never in a crash or a hang; an expression that is
 * read is printed, read again, and is the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "lang/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_expression(const struct ast *node)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) again = {0};

    ast_print(&text, node);
    ast_default_name(&arena, node);
    const struct ast *back = parse_expression(&arena, buf_view(&text), &d);
    if (back == NULL) {
        /* Brackets of the printed form may reach the limit of nesting that the original kept. */
        assert(d.n == 1 && strstr(d.items[0].text, "nested deeper") != NULL);
        return;
    }
    assert(ast_equal(node, back));
    ast_print(&again, back);
    assert(str_eq(buf_view(&text), buf_view(&again)));
}

static void check_items(const struct select_item *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        check_expression(items[i].value);
}

static void check_statement(const struct statement *s)
{
    switch (s->kind) {
    case STATEMENT_SET:
        assert(s->set.name.n > 0);
        break;
    case STATEMENT_SOURCE:
        for (uint32_t i = 0; i < s->source.n_columns; i++)
            if (s->source.columns[i].value != NULL)
                check_expression(s->source.columns[i].value);
        check_expression(s->source.event_time);
        break;
    case STATEMENT_STREAM:
        check_items(s->stream.items, s->stream.n_items);
        if (s->stream.where != NULL)
            check_expression(s->stream.where);
        break;
    case STATEMENT_METRIC:
        check_items(s->metric.items, s->metric.n_items);
        for (uint32_t i = 0; i < s->metric.n_sets; i++)
            for (uint32_t j = 0; j < s->metric.sets[i].n_keys; j++)
                check_expression(s->metric.sets[i].keys[j]);
        assert(s->metric.n_sets > 0);
        break;
    case STATEMENT_FUNCTION:
        check_expression(s->function.lambda);
        break;
    case STATEMENT_LOOKUP:
        assert(s->lookup.from.name.n > 0);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(buf) out = {0};
    struct str text = {(const char *)data, size};

    definitions_read_text(&defs, "fuzz.sql", text, &d);
    for (size_t i = 0; i < defs.n_statements; i++)
        check_statement(&defs.statements[i]);
    diagnostics_print(&out, &d, &defs);

    const struct ast *node = parse_expression(&arena, text, &d);
    if (node != NULL)
        check_expression(node);
    return 0;
}
