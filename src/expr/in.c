/* SPDX-License-Identifier: Apache-2.0
 *
 * IN and NOT IN over constants: each constant becomes a value of the left side's type, those that
 * cannot (300 for a UInt8, 1.5 for an integer) and NULLs are left out; the rest is a hash set. */
#include "expr/advice.h"
#include "expr/kinds.h"

#include "base/hash.h"

struct set {
    size_t n, mask; /* mask: slots - 1 */
    uint8_t *used;
    uint64_t *numbers; /* by raw bits */
    struct str *texts; /* strings, and the 16 bytes of IPv6 */
};

static uint64_t text_hash(struct str s)
{
    return city_hash64(s.p, s.n);
}

static void set_init(struct set *set, struct arena *arena, size_t n, bool is_text)
{
    size_t cap = 8;

    while (cap < n * 2)
        cap *= 2;
    *set = (struct set){.mask = cap - 1, .used = arena_zero(arena, cap)};
    if (is_text)
        set->texts = arena_zero(arena, cap * sizeof(*set->texts));
    else
        set->numbers = arena_zero(arena, cap * sizeof(*set->numbers));
}

static bool set_has_number(const struct set *set, uint64_t v)
{
    for (size_t at = ih64(v) & set->mask; set->used[at]; at = (at + 1) & set->mask)
        if (set->numbers[at] == v)
            return true;
    return false;
}

static bool set_has_text(const struct set *set, struct str s)
{
    for (size_t at = text_hash(s) & set->mask; set->used[at]; at = (at + 1) & set->mask)
        if (str_eq(set->texts[at], s))
            return true;
    return false;
}

static void set_add(struct set *set, struct arena *arena, const struct cell *c, struct type type)
{
    if (set->numbers) {
        if (set_has_number(set, c->u64))
            return;
        size_t at = ih64(c->u64) & set->mask;
        while (set->used[at])
            at = (at + 1) & set->mask;
        set->used[at] = 1;
        set->numbers[at] = c->u64;
        set->n++;
        return;
    }
    struct str s = type_is_text(type) ? c->str : (struct str){(const char *)c->bytes, 16};
    if (set_has_text(set, s))
        return;
    size_t at = text_hash(s) & set->mask;
    while (set->used[at])
        at = (at + 1) & set->mask;
    set->used[at] = 1;
    set->texts[at] = arena_str(arena, s);
    set->n++;
}

/* ---- kernels: param.i = negated ---- */

#define IN_KERNEL(T, suffix)                                                                       \
    static void run_in_##suffix(struct call *c)                                                    \
    {                                                                                              \
        const struct set *set = c->data;                                                           \
        uint8_t negate = (uint8_t)c->param.i;                                                      \
        for (size_t i = 0; i < c->n; i++)                                                          \
            RESULT(uint8_t)[i] = set_has_number(set, VALUES(0, T)[i]) ^ negate;                    \
    }                                                                                              \
    static const struct op op_in_##suffix = {"in", run_in_##suffix, 0};
IN_KERNEL(uint8_t, 1)
IN_KERNEL(uint16_t, 2)
IN_KERNEL(uint32_t, 4)
IN_KERNEL(uint64_t, 8)

static void run_in_str(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint8_t)[i] = set_has_text(c->data, VALUES(0, struct str)[i]) ^ (uint8_t)c->param.i;
}
static void run_in_ip6(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = {VALUES(0, char) + i * 16, 16};
        RESULT(uint8_t)[i] = set_has_text(c->data, s) ^ (uint8_t)c->param.i;
    }
}
static const struct op op_in_str = {"in", run_in_str, 0}, op_in_ip6 = {"in", run_in_ip6, 0};

static const struct op *in_op(struct type type)
{
    if (type_is_text(type))
        return &op_in_str;
    switch (type_width(type)) {
    case 1: return &op_in_1;
    case 2: return &op_in_2;
    case 4: return &op_in_4;
    case 8: return &op_in_8;
    default: return &op_in_ip6;
    }
}

/* Builds the constant `node` and adds it. */
static bool add_constant(struct site *s, struct set *set, const struct ast *node, struct type type,
                         value_id *id)
{
    struct builder *b = s->b;
    const char *why = NULL;
    struct cell cell;
    char left[64], right[64];

    *id = build_node(b, node, s->scope, s->d);
    if (*id < 0)
        return false;
    const struct cell *c = constant_cell(b, *id);
    if (c == NULL || c->fault) {
        diagnose_error(s->d, node->at, NULL, "the right side of IN must be constants");
        return false;
    }
    if (c->is_null)
        return true;
    int how = constant_convert(&cell, b, *id, type, &why);
    if (how < 0) {
        AUTO_DONE(buf) advice = {0};
        struct type constant = value_at(b, *id)->type;
        diagnose_error(s->d, node->at, advice_for_pair(&advice, constant, type),
                       "%s cannot be looked for among %s: %s", type_name(constant, right),
                       type_name(type, left), why);
        return false;
    }
    if (how > 0)
        set_add(set, &b->memory->arena, &cell, type);
    return true;
}

static bool is_list(const struct ast *node)
{
    return node->kind == AST_CALL && (str_is(node->text, "tuple") || str_is(node->text, "array"));
}

/* Of tuples and arrays: one comparison after the other. (a, b) IN (1, 2) is one tuple. */
static value_id build_in_compound(struct site *s, value_id left, struct ast *const *elements,
                                  uint32_t n)
{
    struct builder *b = s->b;
    value_id ret = -1;
    bool is_one = n > 0 && !is_list(elements[0]) && is_list(s->node->args[1]);

    if (is_one) {
        elements = &s->node->args[1];
        n = 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        value_id right = build_node(b, elements[i], s->scope, s->d);
        if (right < 0)
            return VALUE_FAILED;
        value_id here =
            build_call(b, s->node, STR("equals"), (value_id[]){left, right}, 2, s->scope, s->d);
        if (here >= 0)
            here =
                build_call(b, s->node, STR("ifNull"),
                           (value_id[]){here, constant_u64(b, TYPE_UINT8, 0)}, 2, s->scope, s->d);
        if (here >= 0 && ret >= 0)
            here = build_call(b, s->node, STR("or"), (value_id[]){ret, here}, 2, s->scope, s->d);
        if (here < 0)
            return VALUE_FAILED;
        ret = here;
    }
    if (ret < 0)
        return site_error(s, "the right side of IN is empty");
    return s->f->param ? build_call(b, s->node, STR("not"), &ret, 1, s->scope, s->d) : ret;
}

static value_id build_in(struct site *s)
{
    struct builder *b = s->b;
    struct ast *const *elements = &s->node->args[1];
    uint32_t n = 1;

    if (is_list(s->node->args[1])) {
        elements = s->node->args[1]->args;
        n = s->node->args[1]->n_args;
    }
    value_id left = build_node(b, s->node->args[0], s->scope, s->d);
    if (left < 0)
        return VALUE_FAILED;
    struct type type = type_bare(value_at(b, left)->type);
    if (type.kind == TYPE_NOTHING)
        return constant_null(b);
    if (type.kind == TYPE_INTERVAL) {
        s->args = &left;
        return site_bad_type(s, 0, "a value that columns can have");
    }
    if (type_is_compound(type))
        return build_in_compound(s, left, elements, n);
    struct set *set = arena_alloc(&b->memory->arena, sizeof(*set));
    set_init(set, &b->memory->arena, n, type_width(type) == 16);
    value_id *args = arena_alloc(&b->memory->arena, (n + 1) * sizeof(*args));
    args[0] = left;
    bool failed = false;
    for (uint32_t i = 0; i < n; i++)
        failed |= !add_constant(s, set, elements[i], type, &args[i + 1]);
    if (failed)
        return VALUE_FAILED;

    /* the set's text stands for it among equal values */
    AUTO_DONE(buf) text = {0};
    for (uint32_t i = 0; i < n; i++) {
        buf_text(&text, i ? ", " : "");
        builder_constant_text(b, args[i + 1], &text);
    }
    args[1] = constant_str(b, buf_view(&text));
    if (value_at(b, left)->kind == VALUE_CONSTANT && value_at(b, left)->cell.is_null)
        return emit_constant(b, type_nullable(type_of(TYPE_UINT8)), (struct cell){.is_null = true});
    return emit(b, in_op(type), type_of(TYPE_UINT8), args, 2, (struct param){.i = s->f->param},
                set);
}

static const struct function functions[] = {
    {"in", "x, (a, b, …)", "`x IN (a, b, …)`: constants. NULL is in nothing and gives NULL.", 2, 2,
     FN_RAW | FN_OWN_NULLS, build_in, 0},
    {"notIn", "x, (a, b, …)", "`x NOT IN (a, b, …)`", 2, 2, FN_RAW | FN_OWN_NULLS, build_in, 1},
};
const struct function_family family_in = {"Sets", functions, COUNT(functions)};
