/* SPDX-License-Identifier: Apache-2.0
 *
 * if, multiIf, CASE. One kernel: from the last branch to the first, each condition lays its
 * branch over what is there; so the first that holds wins, and faults of branches not taken are
 * gone. */
#include "expr/advice.h"
#include "expr/kinds.h"

struct cell16 {
    uint64_t a, b;
};

#define LAY_OVER(T)                                                                                \
    do {                                                                                           \
        T *restrict out = RESULT(T);                                                               \
        const T *v = VALUES(branch, T);                                                            \
        if (c->is_constant[branch]) {                                                              \
            T one = v[0];                                                                          \
            for (size_t i = 0; i < n; i++)                                                         \
                out[i] = take[i] ? one : out[i];                                                   \
        } else {                                                                                   \
            for (size_t i = 0; i < n; i++)                                                         \
                out[i] = take[i] ? v[i] : out[i];                                                  \
        }                                                                                          \
    } while (0)

static void lay_values(struct call *c, uint32_t branch, const uint8_t *take)
{
    size_t n = c->n;

    switch (type_width(c->out->type)) {
    case 1: LAY_OVER(uint8_t); break;
    case 2: LAY_OVER(uint16_t); break;
    case 4: LAY_OVER(uint32_t); break;
    case 8: LAY_OVER(uint64_t); break;
    default: LAY_OVER(struct cell16); break;
    }
}

static void lay_mask(uint8_t *mask, const uint8_t *from, const uint8_t *take, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mask[i] = take[i] ? (from ? from[i] : 0) : mask[i];
}

WIDE static void run_multi_if(struct call *c)
{
    uint32_t last = c->n_args - 1;
    bool has_nulls = false, has_faults = false;
    uint8_t *take = c->fresh;

    for (uint32_t a = 0; a < c->n_args; a++) {
        has_nulls |= (a % 2 == 1 || a == last) && c->args[a]->nulls;
        has_faults |= c->args[a]->faults != NULL;
    }
    if (has_nulls)
        memset(c->nulls, 0, c->n);
    if (has_faults)
        memset(c->faults, 0, c->n);
    memset(take, 1, c->n);
    lay_values(c, last, take);
    if (has_nulls)
        lay_mask(c->nulls, c->args[last]->nulls, take, c->n);
    if (has_faults)
        lay_mask(c->faults, c->args[last]->faults, take, c->n);

    for (uint32_t a = last; a >= 2; a -= 2) {
        const struct column *condition = c->args[a - 2], *branch = c->args[a - 1];
        const uint8_t *v = condition->values;
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
            take[i] = v[i] != 0;
        if (condition->nulls)
            for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
                take[i] &= !condition->nulls[i];
        lay_values(c, a - 1, take);
        if (has_nulls)
            lay_mask(c->nulls, branch->nulls, take, c->n);
        if (has_faults)
            lay_mask(c->faults, branch->faults, take, c->n);
        if (condition->faults)
            for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
                c->faults[i] = condition->faults[i] ? condition->faults[i] : c->faults[i];
    }
    c->out->nulls = has_nulls ? c->nulls : NULL;
    c->out->faults = has_faults ? c->faults : NULL;
}
static const struct op op_if = {"if", run_multi_if, OP_OWN_MASKS | OP_LAZY};
static const struct op op_multi_if = {"multiIf", run_multi_if, OP_OWN_MASKS | OP_LAZY};

/* Equal in ClickHouse's eyes, for which Bool is a UInt8 and the zone is none of a type's. */
static bool same_but_bool(struct type a, struct type b)
{
    a.zone = b.zone = NULL;
    if (a.kind == TYPE_BOOL)
        a.kind = TYPE_UINT8;
    if (b.kind == TYPE_BOOL)
        b.kind = TYPE_UINT8;
    return type_eq(a, b);
}

/* args: condition, branch, condition, branch …, else. */
static value_id emit_branches(struct site *s, value_id *args, uint32_t n, bool is_eager)
{
    struct builder *b = s->b;
    struct type *types = arena_alloc(&b->memory->arena, (n + 1) * sizeof(*types)), super;
    uint32_t n_types = 0;
    value_id given[2] = {n == 3 ? args[1] : -1, n == 3 ? args[2] : -1};
    char x[64], y[64];

    for (uint32_t i = 0; i < n; i++)
        if (i % 2 == 1 || i == n - 1)
            types[n_types++] = value_at(b, args[i])->type;
    if (!type_super(&super, types, n_types)) {
        uint32_t other = 1;
        while (other + 1 < n_types && type_super(&super, types, other + 1))
            other++;
        return site_types_error(s, types[0], types[other],
                                "the branches have no common type: %s and %s",
                                type_name(types[0], x), type_name(types[other], y));
    }
    for (uint32_t i = 0; i < n; i++) {
        if (i % 2 == 1 || i == n - 1) {
            struct type from = value_at(b, args[i])->type;
            args[i] =
                n > 3 || is_eager ? cast_branch(b, args[i], super) : cast_super(b, args[i], super);
            if (args[i] < 0)
                return site_types_error(s, from, super, "cannot convert %s to %s",
                                        type_name(from, x), type_name(super, y));
            continue;
        }
        struct type t = value_at(b, args[i])->type;
        if (t.kind == TYPE_NOTHING) {
            args[i] = constant_u64(b, TYPE_UINT8, 0);
        } else if (t.kind != TYPE_UINT8 && t.kind != TYPE_BOOL) {
            return site_error(s, "the condition of '%.*s' must be UInt8 or Bool, this is %s",
                              STR_FMT(s->name), type_name(t, x));
        }
    }
    const struct cell *cell = n == 3 && !is_eager ? constant_cell(b, args[0]) : NULL;
    if (cell && !cell->fault) {
        value_id taken = cell->is_null || cell->bytes[0] == 0 ? given[1] : given[0];
        if (same_but_bool(value_at(b, taken)->type, super)) /* ClickHouse forgets the other */
            return taken;
    }
    const struct op *op = n == 3 ? &op_if : &op_multi_if;
    return is_eager ? emit_eager(b, op, super, args, n) : emit_lazy(b, op, super, args, n);
}

static value_id build_if(struct site *s)
{
    if (s->n_args % 2 == 0)
        return site_error(
            s, "'%.*s' takes conditions with their values and one value for else: an odd number",
            STR_FMT(s->name));
    value_id *args = arena_alloc(&s->b->memory->arena, s->n_args * sizeof(*args));
    memcpy(args, s->args, s->n_args * sizeof(*args));
    return emit_branches(s, args, s->n_args, false);
}

/* CASE x WHEN v THEN r … ELSE e END; WHEN NULL matches NULL, and all branches are computed where
 * all v are constant, as in ClickHouse. */
static value_id build_case(struct site *s)
{
    struct builder *b = s->b;

    if (s->n_args % 2 != 0)
        return site_error(s, "'%.*s' takes (x, value, result, …, else)", STR_FMT(s->name));
    uint32_t n = s->n_args - 1;
    bool is_eager = true;
    value_id *args = arena_alloc(&b->memory->arena, n * sizeof(*args));
    for (uint32_t i = 0; i < n; i++) {
        value_id v = s->args[i + 1];
        if (i % 2 == 1 || i == n - 1) {
            args[i] = v;
            continue;
        }
        struct type t = value_at(b, v)->type, x = s->types[0];
        if (t.kind == TYPE_STRING && x.kind != TYPE_STRING && x.kind != TYPE_NOTHING)
            return site_error(s, "WHEN %u is a string, the CASE is not: use CASE WHEN x = '…'",
                              i / 2 + 1);
        bool is_null = t.kind == TYPE_NOTHING;
        is_eager &= builder_is_constant(b, v);
        args[i] = build_call(b, s->node, is_null ? STR("isNull") : STR("equals"),
                             (value_id[]){s->args[0], v}, is_null ? 1 : 2, s->scope, s->d);
        if (args[i] < 0)
            return VALUE_FAILED;
    }
    return emit_branches(s, args, n, is_eager);
}

static const struct function functions[] = {
    {"if", "condition, then, else",
     "`condition ? then : else`; NULL is false. Only the branch taken can reject.", 3, 3,
     FN_ANY_CASE | FN_OWN_NULLS | FN_OWN_LC, build_if, 0},
    {"multiIf", "condition, then, …, else", "CASE WHEN condition THEN then … ELSE else END.", 3,
     255, FN_OWN_NULLS | FN_OWN_LC, build_if, 0},
    {"caseWithoutExpression", "condition, then, …, else", "multiIf", 3, 255,
     FN_OWN_NULLS | FN_OWN_LC | FN_ALIAS, build_if, 0},
    {"caseWithExpression", "x, value, then, …, else",
     "CASE x WHEN value THEN then … ELSE else END.", 4, 255, FN_OWN_NULLS, build_case, 0},
};
const struct function_family family_conditional = {"Conditions", functions, COUNT(functions)};
