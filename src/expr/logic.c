/* SPDX-License-Identifier: Apache-2.0
 *
 * and, or, xor, not with three values. and / or look at an argument only while the row is
 * undecided, so a fault in a later one is dropped where ClickHouse would not have computed it
 * (see lazy_last). */
#include "expr/kinds.h"

/* decided: the value that ends the search (0 for and, 1 for or). */
static inline void run_chain(struct call *c, uint8_t decided)
{
    uint8_t *restrict out = RESULT(uint8_t), *nulls = c->nulls, *faults = c->faults;
    bool has_faults = false, has_nulls = false;

    memset(out, !decided, c->n);
    for (uint32_t a = 0; a < c->n_args; a++) {
        has_nulls |= c->args[a]->nulls != NULL;
        has_faults |= c->args[a]->faults != NULL;
    }
    if (!has_nulls && !has_faults) {
        for (uint32_t a = 0; a < c->n_args; a++) {
            const uint8_t *v = VALUES(a, uint8_t);
            if (decided)
                for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
                    out[i] |= v[i] != 0;
            else
                for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
                    out[i] &= v[i] != 0;
        }
        return;
    }
    memset(nulls, 0, c->n);
    memset(faults, 0, c->n);
    for (uint32_t a = 0; a < c->n_args; a++) {
        const uint8_t *v = VALUES(a, uint8_t), *null = c->args[a]->nulls,
                      *fault = c->args[a]->faults;
        for (size_t i = 0, n_rows = c->n; i < n_rows; i++) {
            bool is_open = !faults[i] && (nulls[i] || out[i] != decided);
            if (!is_open)
                continue;
            if (fault && fault[i]) {
                faults[i] = fault[i];
            } else if (null && null[i]) {
                nulls[i] = 1;
            } else if ((v[i] != 0) == decided) {
                out[i] = decided;
                nulls[i] = 0;
            }
        }
    }
    c->out->nulls = has_nulls ? nulls : NULL;
    c->out->faults = has_faults ? faults : NULL;
}

WIDE static void run_and(struct call *c)
{
    run_chain(c, 0);
}
WIDE static void run_or(struct call *c)
{
    run_chain(c, 1);
}
static const struct op op_and = {"and", run_and, OP_OWN_MASKS | OP_LAZY | OP_LAZY_COMMON};
static const struct op op_or = {"or", run_or, OP_OWN_MASKS | OP_LAZY | OP_LAZY_COMMON};

WIDE static void run_xor(struct call *c)
{
    uint8_t *restrict result = RESULT(uint8_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = (VALUES(0, uint8_t)[i] != 0) ^ (VALUES(1, uint8_t)[i] != 0);
}
WIDE static void run_not(struct call *c)
{
    uint8_t *restrict result = RESULT(uint8_t);
    for (size_t i = 0, n_rows = c->n; i < n_rows; i++)
        result[i] = VALUES(0, uint8_t)[i] == 0;
}
static const struct op op_xor = {"xor", run_xor, 0}, op_not = {"not", run_not, 0};

enum { LOGIC_AND, LOGIC_OR, LOGIC_XOR };

/* Any number as UInt8, zero or not. */
static value_id as_u8(struct builder *b, value_id v)
{
    struct type type = value_at(b, v)->type, u8 = type_of(TYPE_UINT8);

    if (type.kind == TYPE_NOTHING)
        return emit_constant(b, type_nullable(u8), (struct cell){.is_null = true});
    u8.is_nullable = type.is_nullable;
    if (type_storage(type) == TYPE_UINT8)
        return retype(b, v, u8);
    return cast_bool(b, v, u8);
}

/* ClickHouse computes the first argument and those without costly calls at once, then the others
 * one after another where still needed. */
static void lazy_last(struct builder *b, value_id *args, uint32_t n)
{
    value_id *sorted = arena_alloc(&b->memory->arena, n * sizeof(*sorted));
    uint32_t k = 0;

    sorted[k++] = args[0];
    for (uint32_t i = 1; i < n; i++)
        if (!value_is_lazy(value_at(b, args[i])))
            sorted[k++] = args[i];
    for (uint32_t i = 1; i < n; i++)
        if (value_is_lazy(value_at(b, args[i])))
            sorted[k++] = args[i];
    memcpy(args, sorted, n * sizeof(*sorted));
}

static value_id build_logic(struct site *s)
{
    struct builder *b = s->b;
    value_id *args = arena_alloc(&b->memory->arena, s->n_args * sizeof(*args));
    struct type type = type_of(TYPE_UINT8);
    bool any_bool = false;

    for (uint32_t i = 0; i < s->n_args; i++) {
        if (!type_is_number(s->types[i]) && s->types[i].kind != TYPE_NOTHING)
            return site_bad_type(s, i, "a number");
        any_bool |=
            s->types[i].kind == TYPE_BOOL && (s->f->param == LOGIC_XOR || !s->types[i].is_nullable);
        type.is_nullable |= s->types[i].is_nullable;
        args[i] = as_u8(b, s->args[i]);
    }
    if (any_bool)
        type.kind = TYPE_BOOL;
    uint64_t decided = s->f->param == LOGIC_OR;
    for (uint32_t i = 0; i < s->n_args && s->f->param != LOGIC_XOR; i++) {
        const struct cell *cell = constant_cell(b, args[i]);
        if (cell && !cell->is_null && !cell->fault && (cell->bytes[0] != 0) == decided)
            return emit_constant(b, type, (struct cell){.u64 = decided});
    }
    if (s->f->param == LOGIC_XOR) {
        value_id v = args[0];
        for (uint32_t i = 1; i < s->n_args; i++)
            v = EMIT(b, &op_xor, type_of(TYPE_UINT8), v, args[i]);
        type.is_nullable = value_at(b, v)->type.is_nullable;
        return retype(b, v, type);
    }
    lazy_last(b, args, s->n_args);
    return emit_lazy(b, s->f->param == LOGIC_AND ? &op_and : &op_or, type, args, s->n_args);
}

static value_id build_not(struct site *s)
{
    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number");
    return EMIT(s->b, &op_not, type_of(s->types[0].kind == TYPE_BOOL ? TYPE_BOOL : TYPE_UINT8),
                as_u8(s->b, s->args[0]));
}

static const struct function functions[] = {
    {"and", "a, b, …", "`a AND b`; later arguments are looked at only while none is false.", 2, 255,
     FN_OWN_NULLS, build_logic, LOGIC_AND},
    {"or", "a, b, …", "`a OR b`; later arguments are looked at only while none is true.", 2, 255,
     FN_OWN_NULLS, build_logic, LOGIC_OR},
    {"xor", "a, b, …", "Is one and not the other true?", 2, 255, FN_OWN_NULLS, build_logic,
     LOGIC_XOR},
    {"not", "a", "`NOT a`", 1, 1, FN_ANY_CASE, build_not, 0},
};
const struct function_family family_logic = {"Logic", functions, COUNT(functions)};
