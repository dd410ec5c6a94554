/* SPDX-License-Identifier: Apache-2.0
 *
 * What columns of several sources are made of: a type that holds all of theirs, and values that stand
 * for one where a source does not have it. */
#include "expr/compound.h"

/* Never folded, so what is built over it is the same in every source. */
static void run_opaque(struct call *c)
{
    memcpy(c->out->values, c->args[0]->values, c->n * type_width(c->out->type));
    if (type_is_compound(c->out->type) || c->args[0]->nulls == NULL)
        return;
    memcpy(c->nulls, c->args[0]->nulls, c->n);
    c->out->nulls = c->nulls;
}
static const struct op op_opaque = {"column", run_opaque, OP_OWN_MASKS | OP_RUN};

value_id builder_opaque(struct builder *b, value_id value)
{
    if (constant_cell(b, value) == NULL)
        return value;
    return EMIT(b, &op_opaque, value_at(b, value)->type, value);
}

value_id builder_text(struct builder *b, struct str text)
{
    return constant_str(b, text);
}

value_id builder_default_of(struct builder *b, struct type type)
{
    struct cell cell = {.is_null = type.is_nullable};
    if (!type.is_nullable)
        value_default(type, cell.bytes);
    return emit_constant(b, type, cell);
}

bool builder_supertype(struct type *ret, const struct type *types, size_t n)
{
    return type_super(ret, types, n);
}
