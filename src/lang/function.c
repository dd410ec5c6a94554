/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE FUNCTION name AS (x, y) -> expression. */
#include "lang/parse_priv.h"

enum { MAX_PARAMETERS = 64 };

static void check_parameters(struct parser *p, const struct ast *lambda)
{
    uint32_t n = lambda->n_args - 1;
    if (n > MAX_PARAMETERS)
        refuse(p, lambda->at, NULL, "a function has at most %d parameters", MAX_PARAMETERS);
    for (uint32_t i = 0; i < n && n <= MAX_PARAMETERS; i++)
        for (uint32_t k = 0; k < i; k++)
            if (str_eq(lambda->args[i]->text, lambda->args[k]->text))
                refuse(p, lambda->args[i]->at, "give each parameter a name of its own",
                       "parameter '%.*s' stands twice", STR_FMT(lambda->args[i]->text));
}

bool function_statement(struct parser *p, struct function_def *def)
{
    def->at = place_here(p);
    if (!name_here(p, "the function's name", &def->name) ||
        !expect_word(p, "AS", "and the function: (x, y) -> …"))
        return false;
    struct ast *lambda = expression(p);
    if (lambda == NULL)
        return false;
    if (lambda->kind != AST_LAMBDA) {
        refuse(p, lambda->at, "write (x, y) -> …; without parameters () -> …",
               "expected the function's parameters and '->'");
        return true;
    }
    check_parameters(p, lambda);
    def->lambda = lambda;
    return true;
}
