/* SPDX-License-Identifier: Apache-2.0
 *
 * transform(x, from, to[, default]): a table of constants. The values of `from` are kept as x's
 * type; those that would change on the way (300 for a UInt8, NaN) are never found. */
#include <stdlib.h>

#include "expr/array.h"

struct table {
    struct type key; /* bare */
    struct type to;
    size_t width, mask; /* mask: slots - 1 */
    uint32_t n;
    const char *keys;     /* n values of `key` */
    const char *values;   /* n of `to` */
    const uint8_t *nulls; /* of values */
    uint32_t *slots;      /* index + 1; 0 = empty */
    int null_at;          /* what NULL becomes, -1: the default */
};

static bool table_find(const struct table *t, const void *key, uint32_t *ret)
{
    size_t width = type_width(t->key);

    for (size_t at = value_hash_deep(t->key, key) & t->mask; t->slots[at];
         at = (at + 1) & t->mask) {
        *ret = t->slots[at] - 1;
        if (value_same(t->key, t->keys + *ret * width, key))
            return true;
    }
    return false;
}

/* Of equal ones the first counts. */
static void table_index(struct table *t, uint32_t i)
{
    const char *key = t->keys + i * type_width(t->key);
    uint32_t other;

    if (table_find(t, key, &other))
        return;
    size_t at = value_hash_deep(t->key, key) & t->mask;
    while (t->slots[at])
        at = (at + 1) & t->mask;
    t->slots[at] = i + 1;
}

/* args: x, default */
static void run_transform(struct call *c)
{
    const struct table *t = c->data;
    size_t width = t->width, key_width = type_width(t->key);
    const struct column *x = c->args[0], *other = c->args[1];

    for (size_t i = 0; i < c->n; i++) {
        bool is_null = x->nulls && x->nulls[i];
        uint32_t at = (uint32_t)t->null_at;
        bool found =
            is_null ? t->null_at >= 0 : table_find(t, (const char *)x->values + i * key_width, &at);
        char *to = (char *)c->out->values + i * width;
        if (found) {
            memcpy(to, t->values + at * width, width);
            c->nulls[i] = t->nulls[at];
        } else {
            memcpy(to, (const char *)other->values + i * width, width);
            c->nulls[i] = other->nulls && other->nulls[i];
        }
    }
    c->out->nulls = c->nulls;
    array_all_faults(c);
}
static const struct op op_transform = {"transform", run_transform, OP_OWN_MASKS};

/* ---- building ---- */

static bool constant_elements(struct site *s, uint32_t arg, struct elements *ret)
{
    const struct value *v = value_at(s->b, s->args[arg]);

    if (v->kind != VALUE_CONSTANT || v->cell.fault || v->cell.is_null || v->type.kind != TYPE_ARRAY)
        return site_bad_type(s, arg, "a constant array") >= 0;
    *ret = array_elements(v->type, v->cell.bytes);
    return true;
}

static struct cell cell_of(const struct elements *e, uint32_t i)
{
    struct cell cell = {.is_null = element_is_null(e, i)};

    if (!cell.is_null)
        memcpy(cell.bytes, element_at(e, i), e->width);
    return cell;
}

static bool is_plain_number(struct type t)
{
    return type_is_number(t) && t.kind != TYPE_BOOL;
}

/* Is the key as x's type still itself? 1; 0: it is never found; -1: there is no such cast. */
static int convert_key(struct site *s, const struct elements *from, uint32_t i, struct type key,
                       char *to)
{
    struct builder *b = s->b;
    struct type element = type_bare(from->type);
    value_id v = emit_constant(b, element, cell_of(from, i));
    bool are_numbers = type_is_number(element) && type_is_number(key);
    bool is_enum = type_is_enum(key) && element.kind == TYPE_STRING && !s->types[0].is_nullable;
    int16_t value;

    if (is_enum && !enum_value(key, cell_of(from, i).str, &value))
        return -1;

    if (!type_eq(element, key) && !are_numbers && !is_enum)
        return -1;
    value_id cast = type_eq(element, key) ? v
                    : are_numbers         ? cast_number(b, v, key.kind)
                                          : cast_values(b, v, key);
    const struct cell *c = cast < 0 ? NULL : constant_cell(b, cast);
    if (c == NULL)
        return -1;
    if (c->fault)
        return 0;
    memcpy(to, c->bytes, type_width(key));
    value_id same =
        is_enum || type_is_compound(key)
            ? v
            : build_call(b, s->node, STR("equals"), (value_id[]){v, cast}, 2, s->scope, s->d);
    if (same == v)
        return 1;
    return same >= 0 && constant_cell(b, same) && constant_cell(b, same)->u64 % 256 != 0;
}

static bool fill(struct site *s, struct table *t, const struct elements *from,
                 const struct elements *to)
{
    struct arena *arena = &s->b->memory->arena;
    size_t key_width = type_width(t->key), cap = 8;
    char *keys = arena_zero(arena, (from->n + 1) * 16),
         *values = arena_zero(arena, (from->n + 1) * 16);
    uint8_t *nulls = arena_zero(arena, from->n + 1);
    char have[64], want[64];

    while (cap < (size_t)from->n * 2)
        cap *= 2;
    t->slots = arena_zero(arena, cap * sizeof(*t->slots));
    t->mask = cap - 1;
    t->keys = keys;
    t->values = values;
    t->nulls = nulls;
    for (uint32_t i = 0; i < from->n; i++) {
        value_id v = cast_super(s->b, emit_constant(s->b, to->type, cell_of(to, i)), t->to);
        const struct cell *c = v < 0 ? NULL : constant_cell(s->b, v);
        if (c == NULL || c->fault)
            return site_error(s, "'%.*s' cannot give that value", STR_FMT(s->name)) >= 0;
        nulls[i] = c->is_null;
        if (!c->is_null)
            memcpy(values + i * t->width, c->bytes, t->width);
        if (element_is_null(from, i) && !s->types[0].is_nullable)
            return site_error(s, "x of '%.*s' is not Nullable, but there is a NULL to be found",
                              STR_FMT(s->name)) >= 0;
        if (element_is_null(from, i)) {
            if (t->null_at < 0)
                t->null_at = (int)i;
            continue;
        }
        int is_key = convert_key(s, from, i, t->key, keys + i * key_width);
        if (is_key < 0)
            return site_error(s, "'%.*s' does not find %s among %s: write a cast", STR_FMT(s->name),
                              type_name(t->key, want), type_name(type_bare(from->type), have)) >= 0;
        if (is_key)
            table_index(t, i);
    }
    return true;
}

/* As ClickHouse asks it where the default is x itself. */
static bool is_by_number(struct type t)
{
    return !t.is_nullable && !type_is_text(t) && !type_is_compound(t) && t.kind != TYPE_UUID &&
           t.kind != TYPE_IPV6;
}

static value_id bad_arguments(struct site *s)
{
    return site_error(s,
                      "the arguments of '%.*s' are x, Array of x's type, Array(T)[, T]; without "
                      "the last T must go together with x's type",
                      STR_FMT(s->name));
}

static value_id build_transform(struct site *s)
{
    struct table *t = arena_zero(&s->b->memory->arena, sizeof(*t));
    uint32_t given = s->n_args > 3 ? 3 : 0; /* what stands for the others */
    struct type x = s->types[0], super;
    struct elements from, to;

    if (!constant_elements(s, 1, &from) || !constant_elements(s, 2, &to))
        return VALUE_FAILED;
    if (from.n != to.n)
        return site_error(s, "the arrays of '%.*s' must be equally long", STR_FMT(s->name));
    if (!given && (is_by_number(x) != is_by_number(to.type) ||
                   (x.kind == TYPE_STRING && !x.is_nullable) !=
                       (to.type.kind == TYPE_STRING && !to.type.is_nullable)))
        return bad_arguments(s);
    bool have_common = type_super(&super, (struct type[]){x, from.type}, 2);
    if (!have_common && !(is_plain_number(x) && !x.is_nullable) &&
        !(is_plain_number(from.type) && !from.type.is_nullable))
        return bad_arguments(s);
    if (!type_super(&super, (struct type[]){to.type, s->types[given]}, 2) ||
        type_is_compound(super))
        return bad_arguments(s);
    super.is_low_cardinality = false;
    value_id other = cast_super(s->b, s->args[given], super);
    if (other < 0)
        return bad_arguments(s);
    if (x.kind == TYPE_NOTHING)
        return retype(s->b, other, super);
    *t =
        (struct table){.key = type_bare(x), .to = super, .width = type_width(super), .null_at = -1};
    if (!fill(s, t, &from, &to))
        return VALUE_FAILED;
    value_id args[] = {s->args[0], other, s->args[1], s->args[2]};
    return emit(s->b, &op_transform, super, args, 4, (struct param){0}, t);
}

static const struct function functions[] = {
    {"transform", "x, [from, …], [to, …][, default]",
     "The value of `to` that stands where x stands in `from`; the default, or x, elsewhere.", 3, 4,
     FN_OWN_NULLS, build_transform, 0},
};
const struct function_family family_transform = {"Tables of values", functions, COUNT(functions)};
