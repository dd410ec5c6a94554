/* SPDX-License-Identifier: Apache-2.0
 *
 * What to write where an aggregate function does not take the type. */
#include <stdio.h>

#include "expr/advice.h"
#include "plan/scope.h"

static bool is_the_type(struct type t, const char *why)
{
    char name[64], text[128];
    snprintf(text, sizeof(text), "illegal type %s of argument", type_name(t, name));
    return strncmp(why, text, strlen(text)) == 0;
}

const char *advice_for_measure(struct buf *out, const struct ast *call, const struct type *types,
                               size_t n_types, const char *why)
{
    bool is_by_key = str_starts(call->text, "argM");
    enum wanted_kind wanted = str_starts(call->text, "groupBit") ? WANTED_INTEGER : WANTED_NUMBER;
    for (size_t i = 0; i < n_types && i < call->n_args && !is_by_key; i++) {
        if (!is_the_type(types[i], why) && !is_the_type(type_bare(types[i]), why))
            continue;
        if (types[i].kind != TYPE_ARRAY)
            return advice_for_wanted(out, types[i], wanted, call->args[i]);
        if (n_types > 1 || call->n_args > 1)
            return NULL;
        buf_printf(out, "over all elements: %.*sArray(", STR_FMT(call->text));
        ast_print(out, call->args[i]);
        buf_byte(out, ')');
        return buf_cstr(out);
    }
    return NULL;
}
