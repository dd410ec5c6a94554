/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions about types rather than values. */
#include "expr/expr_priv.h"

static void run_copy(struct call *c)
{
    memcpy(c->out->values, c->args[0]->values, type_width(c->out->type) * c->n);
}
static const struct op op_materialize = {"materialize", run_copy, OP_RUN};

/* A column even of a constant. */
static value_id build_materialize(struct site *s)
{
    struct type type = s->types[0];

    if (!builder_is_constant(s->b, s->args[0]) || type.kind == TYPE_NOTHING)
        return s->args[0];
    return emit(s->b, &op_materialize, type, s->args, 1, (struct param){0}, NULL);
}

static value_id build_low_cardinality(struct site *s)
{
    struct type type = s->types[0];

    if (type.kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    type.is_low_cardinality = true;
    return retype(s->b, s->args[0], type);
}

static value_id build_type_name(struct site *s)
{
    char name[64];

    return constant_str(s->b, str_of(type_name(s->types[0], name)));
}

static const struct function functions[] = {
    {"toLowCardinality", "s", "s as LowCardinality(String).", 1, 1, FN_OWN_NULLS | FN_OWN_LC,
     build_low_cardinality, 0},
    {"materialize", "x", "x as a column, even of a constant.", 1, 1, FN_OWN_NULLS | FN_OWN_LC,
     build_materialize, 0},
    {"toTypeName", "x", "The name of x's type.", 1, 1, FN_OWN_NULLS | FN_OWN_LC, build_type_name,
     0},
};
const struct function_family family_other = {"Types", functions, COUNT(functions)};
