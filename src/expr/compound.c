/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays, tuples and maps: making them, taking them apart, comparing and casting them. */
#include "expr/compound.h"
#include "expr/advice.h"

#include <stdio.h>

#include "codec/value.h"

/* ---- order ---- */

#define ORDER_OF(T) ((*(const T *)a > *(const T *)b) - (*(const T *)a < *(const T *)b))

static int order_double(double a, double b)
{
    if (a != a || b != b)
        return (a != a) - (b != b);
    return (a > b) - (a < b);
}

static int order_runs(const struct elements *a, const struct elements *b)
{
    for (uint32_t i = 0; i < a->n && i < b->n; i++) {
        int order = element_order(a, i, b, i);
        if (order)
            return order;
    }
    return (a->n > b->n) - (a->n < b->n);
}

static int order_tuples(struct type t, const void *a, const void *b)
{
    for (uint32_t i = 0; i < t.more->n; i++) {
        bool x_null, y_null;
        const void *x = tuple_field(t, a, i, &x_null), *y = tuple_field(t, b, i, &y_null);
        int order = x_null || y_null ? x_null - y_null : value_order(t.more->elements[i], x, y);
        if (order)
            return order;
    }
    return 0;
}

/* Key by key, each with its value. */
static int order_maps(struct type t, const void *a, const void *b)
{
    struct elements x_keys = map_keys(t, a), y_keys = map_keys(t, b);
    struct elements x = array_elements(t, a), y = array_elements(t, b);

    for (uint32_t i = 0; i < x.n && i < y.n; i++) {
        int order = element_order(&x_keys, i, &y_keys, i);
        order = order ? order : element_order(&x, i, &y, i);
        if (order)
            return order;
    }
    return (x.n > y.n) - (x.n < y.n);
}

int value_order(struct type t, const void *a, const void *b)
{
    switch ((enum type_kind)t.kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: return ORDER_OF(uint8_t);
    case TYPE_UINT16:
    case TYPE_DATE: return ORDER_OF(uint16_t);
    case TYPE_UINT32:
    case TYPE_DATETIME:
    case TYPE_IPV4: return ORDER_OF(uint32_t);
    case TYPE_UINT64: return ORDER_OF(uint64_t);
    case TYPE_INT8:
    case TYPE_ENUM8: return ORDER_OF(int8_t);
    case TYPE_INT16:
    case TYPE_ENUM16: return ORDER_OF(int16_t);
    case TYPE_INT32:
    case TYPE_DATE32: return ORDER_OF(int32_t);
    case TYPE_INT64:
    case TYPE_DATETIME64:
    case TYPE_INTERVAL: return ORDER_OF(int64_t);
    case TYPE_FLOAT32: return order_double(*(const float *)a, *(const float *)b);
    case TYPE_FLOAT64: return order_double(*(const double *)a, *(const double *)b);
    case TYPE_STRING: return str_cmp(*(const struct str *)a, *(const struct str *)b);
    case TYPE_FIXED_STRING:
        return str_cmp(fixed_string(t, *(const struct str *)a),
                       fixed_string(t, *(const struct str *)b));
    case TYPE_IPV6: return memcmp(a, b, 16);
    case TYPE_UUID: return ORDER_OF(unsigned __int128);
    case TYPE_DECIMAL: {
        __int128 x = decimal_read(t, a), y = decimal_read(t, b);
        return (x > y) - (x < y);
    }
    case TYPE_TUPLE: return order_tuples(t, a, b);
    case TYPE_MAP: return order_maps(t, a, b);
    case TYPE_ARRAY: {
        struct elements x = array_elements(t, a), y = array_elements(t, b);
        return order_runs(&x, &y);
    }
    default: return 0;
    }
}

int element_order(const struct elements *a, uint32_t i, const struct elements *b, uint32_t k)
{
    bool x_null = element_is_null(a, i), y_null = element_is_null(b, k);

    if (x_null || y_null)
        return x_null - y_null;
    return value_order(a->type, element_at(a, i), element_at(b, k));
}

/* ---- making ---- */

static void put_element(const struct call *c, uint32_t arg, size_t row, char *to, uint8_t *null)
{
    bool is_null = call_is_null(c, arg, row);

    if (null)
        *null = is_null;
    if (!is_null)
        memcpy(to, call_value(c, arg, row), type_width(call_type(c, arg)));
}

static void no_nulls_all_faults(struct call *c)
{
    bool has = false;

    for (uint32_t a = 0; a < c->n_args + c->n_guards; a++) {
        const uint8_t *from = c->args[a]->faults;
        if (from == NULL)
            continue;
        for (size_t i = 0; i < c->n; i++)
            c->faults[i] = has && c->faults[i] ? c->faults[i] : from[i];
        has = true;
    }
    c->out->faults = has ? c->faults : NULL;
}

static void run_array(struct call *c)
{
    struct type t = call_result_type(c);
    size_t width = type_width(t.more->elements[0]);

    for (size_t i = 0; i < c->n; i++) {
        struct array_room room;
        RESULT(struct array_value)[i] = array_new(c->arena, t, c->n_args, &room);
        for (uint32_t a = 0; a < c->n_args; a++)
            put_element(c, a, i, room.values + a * width, room.nulls ? room.nulls + a : NULL);
    }
    no_nulls_all_faults(c);
}
static const struct op op_array = {"array", run_array, OP_OWN_MASKS};

static void run_map(struct call *c)
{
    struct type t = call_result_type(c);
    size_t key_width = type_width(t.more->elements[0]), width = type_width(t.more->elements[1]);

    for (size_t i = 0; i < c->n; i++) {
        struct array_room room;
        RESULT(struct array_value)[i] = array_new(c->arena, t, c->n_args / 2, &room);
        for (uint32_t a = 0; a < c->n_args / 2; a++) {
            put_element(c, 2 * a, i, room.keys + a * key_width, NULL);
            put_element(c, 2 * a + 1, i, room.values + a * width,
                        room.nulls ? room.nulls + a : NULL);
        }
    }
    no_nulls_all_faults(c);
}
static const struct op op_map = {"map", run_map, OP_OWN_MASKS};

static void run_tuple(struct call *c)
{
    struct type t = call_result_type(c);

    for (size_t i = 0; i < c->n; i++) {
        char *fields = tuple_new(c->arena, t, RESULT(struct tuple_value) + i);
        for (uint32_t a = 0; a < c->n_args; a++)
            put_element(c, a, i, fields + t.more->offsets[a],
                        (uint8_t *)fields + t.more->null_offset + a);
    }
    no_nulls_all_faults(c);
}
static const struct op op_tuple = {"tuple", run_tuple, OP_OWN_MASKS};

value_id emit_tuple(struct builder *b, const value_id *args, uint32_t n, const struct str *names)
{
    struct type *types = arena_alloc(&b->memory->arena, (n + 1) * sizeof(*types));

    for (uint32_t i = 0; i < n; i++)
        types[i] = value_at(b, args[i])->type;
    return emit_typed(b, &op_tuple, type_tuple(types, names, n), args, n, (struct param){0});
}

/* ---- taking apart ---- */

static void run_tuple_element(struct call *c)
{
    struct type t = call_type(c, 0);
    uint32_t field = (uint32_t)c->param.i;
    size_t width = type_width(t.more->elements[field]);
    bool is_null, has = false;

    for (size_t i = 0; i < c->n; i++) {
        memcpy((char *)c->out->values + i * width,
               tuple_field(t, call_value(c, 0, i), field, &is_null), width);
        c->nulls[i] = is_null;
        has |= is_null;
    }
    c->out->nulls = has ? c->nulls : NULL;
    no_nulls_all_faults(c);
}
static const struct op op_tuple_element = {"tupleElement", run_tuple_element, OP_OWN_MASKS};

value_id emit_tuple_element(struct builder *b, value_id tuple, uint32_t i)
{
    struct type t = value_at(b, tuple)->type.more->elements[i];

    return emit_typed(b, &op_tuple_element, t, &tuple, 1, (struct param){.i = i});
}

/* param.i: 0 = from Array(Tuple), 1 = keys, 2 = values of a Map, 3 = Map from two arrays, 4 =
 * Array(Tuple) of a Map */
enum { FROM_PAIRS, KEYS_OF, VALUES_OF, FROM_ARRAYS, PAIRS_OF };

static struct array_value copy_run(struct call *c, struct type t, const struct elements *from)
{
    struct array_room room;
    struct array_value ret = array_new(c->arena, t, from->n, &room);

    if (from->n) {
        memcpy(room.values, from->values, (size_t)from->n * from->width);
        if (room.nulls && from->nulls)
            memcpy(room.nulls, from->nulls, from->n);
    }
    return ret;
}

static struct array_value map_of_arrays(struct call *c, size_t row)
{
    struct type t = call_result_type(c);
    struct elements keys = array_elements(call_type(c, 0), call_value(c, 0, row));
    struct elements values = array_elements(call_type(c, 1), call_value(c, 1, row));
    struct array_room room;

    if (keys.n != values.n) {
        c->fresh[row] = FAULT_RANGE;
        return (struct array_value){0};
    }
    struct array_value ret = array_new(c->arena, t, keys.n, &room);
    if (keys.n == 0)
        return ret;
    memcpy(room.keys, keys.values, (size_t)keys.n * keys.width);
    memcpy(room.values, values.values, (size_t)values.n * values.width);
    if (room.nulls && values.nulls)
        memcpy(room.nulls, values.nulls, values.n);
    return ret;
}

static struct array_value map_of_pairs(struct call *c, size_t row)
{
    struct type t = call_result_type(c), pair = call_type(c, 0).more->elements[0];
    struct elements pairs = array_elements(call_type(c, 0), call_value(c, 0, row));
    struct array_room room;
    struct array_value ret = array_new(c->arena, t, pairs.n, &room);
    size_t key_width = type_width(t.more->elements[0]), width = type_width(t.more->elements[1]);
    bool is_null;

    for (uint32_t i = 0; i < pairs.n; i++) {
        memcpy(room.keys + i * key_width, tuple_field(pair, element_at(&pairs, i), 0, &is_null),
               key_width);
        memcpy(room.values + i * width, tuple_field(pair, element_at(&pairs, i), 1, &is_null),
               width);
        if (room.nulls)
            room.nulls[i] = is_null;
    }
    return ret;
}

static struct array_value pairs_of_map(struct call *c, size_t row)
{
    struct type t = call_result_type(c), pair = t.more->elements[0], map = call_type(c, 0);
    struct elements keys = map_keys(map, call_value(c, 0, row)),
                    values = array_elements(map, call_value(c, 0, row));
    struct array_room room;
    struct array_value ret = array_new(c->arena, t, keys.n, &room);

    for (uint32_t i = 0; i < keys.n; i++) {
        char *fields = tuple_new(c->arena, pair, (struct tuple_value *)room.values + i);
        memcpy(fields + pair.more->offsets[0], element_at(&keys, i), keys.width);
        memcpy(fields + pair.more->offsets[1], element_at(&values, i), values.width);
        fields[pair.more->null_offset + 1] = element_is_null(&values, i);
    }
    return ret;
}

static void run_rearrange(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct array_value *out = RESULT(struct array_value) + i;
        struct elements run;
        switch (c->param.i) {
        case KEYS_OF:
            run = map_keys(call_type(c, 0), call_value(c, 0, i));
            *out = copy_run(c, call_result_type(c), &run);
            break;
        case VALUES_OF:
            run = array_elements(call_type(c, 0), call_value(c, 0, i));
            *out = copy_run(c, call_result_type(c), &run);
            break;
        case FROM_ARRAYS: *out = map_of_arrays(c, i); break;
        case FROM_PAIRS: *out = map_of_pairs(c, i); break;
        default: *out = pairs_of_map(c, i); break;
        }
    }
}
static const struct op op_rearrange = {"rearrange", run_rearrange, 0};
static const struct op op_map_of_arrays = {"mapFromArrays", run_rearrange, OP_FAULTS};

static value_id emit_part_of_map(struct builder *b, value_id map, int part)
{
    struct type t = type_array(value_at(b, map)->type.more->elements[part == VALUES_OF]);

    return emit_typed(b, &op_rearrange, t, &map, 1, (struct param){.i = part});
}

/* ---- casts ---- */

/* The cast of every element, as a program. -1 if elements cannot be cast. */
static value_id cast_elements(struct builder *b, value_id array, struct type to)
{
    struct type from = value_at(b, array)->type.more->elements[0];
    AUTO_DONE(buf) text = {0};

    if (type_eq(from, to))
        return array;
    struct builder *inner = builder_new();
    value_id v = cast_values(inner, builder_input(inner, 0, from), to);
    if (v < 0) {
        builder_free(inner);
        return -1;
    }
    v = retype(inner, v, to);
    struct program *program = builder_finish(inner, &v, 1);
    builder_free(inner);
    buf_text(&text, "CAST ");
    type_print(&text, from);
    buf_text(&text, " AS ");
    type_print(&text, to);
    return emit_elementwise(b, program, to, &array, 1, 1, buf_view(&text));
}

static value_id cast_tuple(struct builder *b, value_id v, struct type from, struct type to)
{
    const struct type_more *m = to.more;

    if (from.more->n != m->n)
        return -1;
    if (from.more->elements &&
        memcmp(from.more->elements, m->elements, m->n * sizeof(struct type)) == 0)
        return retype(b, v, to);
    value_id *args = arena_alloc(&b->memory->arena, (m->n + 1) * sizeof(*args));
    for (uint32_t i = 0; i < m->n; i++) {
        args[i] = cast_values(b, emit_tuple_element(b, v, i), m->elements[i]);
        if (args[i] < 0)
            return -1;
        args[i] = retype(b, args[i], m->elements[i]);
    }
    return retype(b, emit_typed(b, &op_tuple, to, args, m->n, (struct param){0}), to);
}

value_id cast_compound(struct builder *b, value_id v, struct type to)
{
    struct type from = value_at(b, v)->type;

    if (from.kind == TYPE_TUPLE && to.kind == TYPE_TUPLE)
        return cast_tuple(b, v, from, to);
    if (from.kind == TYPE_ARRAY && to.kind == TYPE_ARRAY)
        return cast_elements(b, v, to.more->elements[0]);
    if (from.kind == TYPE_MAP && to.kind == TYPE_ARRAY) {
        struct type pair = type_tuple(from.more->elements, NULL, 2);
        value_id pairs =
            emit_typed(b, &op_rearrange, type_array(pair), &v, 1, (struct param){.i = PAIRS_OF});
        return cast_elements(b, pairs, to.more->elements[0]);
    }
    if (from.kind == TYPE_ARRAY && to.kind == TYPE_MAP) {
        struct type pair = type_tuple(to.more->elements, NULL, 2), element = from.more->elements[0];
        if (element.kind != TYPE_TUPLE || element.more->n != 2)
            return -1;
        value_id pairs = cast_elements(b, v, pair);
        return pairs < 0
                   ? -1
                   : emit_typed(b, &op_rearrange, to, &pairs, 1, (struct param){.i = FROM_PAIRS});
    }
    if (from.kind != TYPE_MAP || to.kind != TYPE_MAP)
        return -1;
    value_id parts[2] = {cast_elements(b, emit_part_of_map(b, v, KEYS_OF), to.more->elements[0]),
                         cast_elements(b, emit_part_of_map(b, v, VALUES_OF), to.more->elements[1])};
    if (parts[0] < 0 || parts[1] < 0)
        return -1;
    return emit_typed(b, &op_map_of_arrays, to, parts, 2, (struct param){.i = FROM_ARRAYS});
}

/* ---- elements ---- */

/* Index from 1, or from the end if negative (param.i: it has no sign); what is outside is the
 * element type's default. */
static void run_array_element(struct call *c)
{
    struct type t = call_type(c, 0), element = t.more->elements[0];
    size_t width = type_width(element);
    bool has = false;

    for (size_t i = 0; i < c->n; i++) {
        struct elements run = array_elements(t, call_value(c, 0, i));
        int64_t index = ((const int64_t *)c->args[1]->values)[i];
        char *to = (char *)c->out->values + i * width;
        if (index < 0)
            index = c->param.i ? run.n : index + run.n;
        else
            index--;
        bool is_inside = index >= 0 && index < run.n;
        bool is_null = (is_inside && element_is_null(&run, (uint32_t)index)) ||
                       call_is_null(c, 1, i) || (!is_inside && element.is_nullable);
        if (is_inside)
            memcpy(to, element_at(&run, (uint32_t)index), width);
        else
            memset(to, 0, width);
        c->nulls[i] = is_null;
        has |= is_null;
    }
    c->out->nulls = has ? c->nulls : NULL;
    no_nulls_all_faults(c);
}
static const struct op op_array_element = {"arrayElement", run_array_element, OP_OWN_MASKS};

static void run_map_element(struct call *c)
{
    struct type t = call_type(c, 0), element = t.more->elements[1];
    size_t width = type_width(element);
    bool has = false;

    for (size_t i = 0; i < c->n; i++) {
        struct elements keys = map_keys(t, call_value(c, 0, i)),
                        values = array_elements(t, call_value(c, 0, i));
        char *to = (char *)c->out->values + i * width;
        uint32_t at = 0;
        while (at < keys.n &&
               value_order(keys.type, element_at(&keys, at), call_value(c, 1, i)) != 0)
            at++;
        bool is_null = call_is_null(c, 1, i) ||
                       (at < keys.n ? element_is_null(&values, at) : element.is_nullable);
        if (at < keys.n)
            memcpy(to, element_at(&values, at), width);
        else
            memset(to, 0, width);
        c->nulls[i] = is_null;
        has |= is_null;
    }
    c->out->nulls = has ? c->nulls : NULL;
    no_nulls_all_faults(c);
}
static const struct op op_map_element = {"mapElement", run_map_element, OP_OWN_MASKS};

/* ---- functions ---- */

static value_id no_common_type(struct site *s, struct type x, struct type y)
{
    char first[64], second[64];

    return site_types_error(s, x, y, "the elements have no common type: %s and %s",
                            type_name(x, first), type_name(y, second));
}

/* Casts args[first], args[first + step] … to their common type. */
static bool cast_to_common(struct site *s, value_id *args, uint32_t first, uint32_t step,
                           struct type *super)
{
    struct type *types = arena_alloc(&s->b->memory->arena, (s->n_args + 1) * sizeof(*types));
    uint32_t n = 0;
    bool all_low = true;

    for (uint32_t i = first; i < s->n_args; i += step) {
        types[n++] = value_at(s->b, args[i])->type;
        all_low &= types[n - 1].is_low_cardinality && type_eq(types[n - 1], types[0]);
    }
    if (n == 0) {
        *super = type_of(TYPE_NOTHING);
        return true;
    }
    if (all_low) {
        *super = types[0];
        return true;
    }
    if (!type_super(super, types, n)) {
        uint32_t other = 1;
        while (other + 1 < n && type_super(super, types, other + 1))
            other++;
        no_common_type(s, types[0], types[other]);
        return false;
    }
    for (uint32_t i = first; i < s->n_args; i += step) {
        struct type from = value_at(s->b, args[i])->type;
        struct type text = type_of(TYPE_STRING);
        text.is_nullable = from.is_nullable;
        /* its zeroes go, as in ClickHouse */
        if (from.kind == TYPE_FIXED_STRING && super->kind == TYPE_STRING)
            args[i] = cast_values(s->b, args[i], text);
        args[i] = cast_branch(s->b, args[i], *super);
        if (args[i] < 0) {
            no_common_type(s, from, *super);
            return false;
        }
    }
    return true;
}

static value_id *own_args(struct site *s)
{
    value_id *args = arena_alloc(&s->b->memory->arena, (s->n_args + 1) * sizeof(*args));

    if (s->n_args)
        memcpy(args, s->args, s->n_args * sizeof(*args));
    return args;
}

static value_id build_array(struct site *s)
{
    struct type super;
    value_id *args = own_args(s);

    if (!cast_to_common(s, args, 0, 1, &super))
        return VALUE_FAILED;
    return emit_typed(s->b, &op_array, type_array(super), args, s->n_args, (struct param){0});
}

static value_id build_tuple(struct site *s)
{
    if (s->n_args == 0)
        return site_error(s, "an empty tuple is not there yet");
    return emit_tuple(s->b, s->args, s->n_args, NULL);
}

static value_id build_map(struct site *s)
{
    struct type key, value;
    value_id *args = own_args(s);

    if (s->n_args % 2)
        return site_error(s, "'map' takes keys with their values: an even number");
    if (!cast_to_common(s, args, 0, 2, &key) || !cast_to_common(s, args, 1, 2, &value))
        return VALUE_FAILED;
    if (key.is_nullable)
        return site_error(s, "the keys of a map cannot be Nullable");
    return emit_typed(s->b, &op_map, type_map(key, value), args, s->n_args, (struct param){0});
}

static value_id build_map_from_arrays(struct site *s)
{
    for (uint32_t i = 0; i < 2; i++)
        if (s->types[i].kind != TYPE_ARRAY)
            return site_bad_type(s, i, "an array");
    struct type key = s->types[0].more->elements[0];
    if (key.is_nullable)
        return site_error(s, "the keys of a map cannot be Nullable");
    return emit_typed(s->b, &op_map_of_arrays, type_map(key, s->types[1].more->elements[0]),
                      s->args, 2, (struct param){.i = FROM_ARRAYS});
}

static value_id build_part_of_map(struct site *s)
{
    if (s->types[0].kind != TYPE_MAP)
        return site_bad_type(s, 0, "a map");
    return emit_part_of_map(s->b, s->args[0], (int)s->f->param);
}

static value_id build_array_element(struct site *s)
{
    struct builder *b = s->b;
    struct type t = s->types[0];

    if (t.kind == TYPE_MAP) {
        struct type key = type_bare(t.more->elements[0]);
        key.is_nullable = s->types[1].is_nullable;
        value_id pair[2] = {s->args[0], -1};
        if (type_is_integer(key) && type_is_integer(s->types[1]))
            pair[1] = s->types[1].kind == key.kind ? s->args[1] : cast_values(b, s->args[1], key);
        else if (s->types[1].kind == key.kind || builder_is_constant(b, s->args[1]) ||
                 type_is_text(s->types[1]))
            pair[1] = cast_values(b, s->args[1], key);
        if (pair[1] < 0)
            return site_bad_type(s, 1, "a key of the map");
        struct type value = t.more->elements[1];
        value.is_nullable |= s->types[1].is_nullable && type_may_be_nullable(value);
        return emit_typed(b, &op_map_element, value, pair, 2, (struct param){0});
    }
    if (t.kind != TYPE_ARRAY)
        return site_bad_type(s, 0, "an array or a map");
    if (s->types[1].kind == TYPE_NOTHING)
        return constant_null(b);
    if (!type_is_integer(s->types[1]))
        return site_bad_type(s, 1, "an integer");
    const struct cell *index = constant_cell(b, s->args[1]);
    struct type element = t.more->elements[0];
    value_id pair[2] = {s->args[0], cast_number(b, s->args[1], TYPE_INT64)};
    if (index && !index->is_null && !index->fault && constant_cell(b, pair[1])->i64 == 0)
        return site_error(s, "elements of arrays are counted from 1");
    element.is_nullable |= s->types[1].is_nullable && type_may_be_nullable(element);
    element.is_low_cardinality = false;
    return emit_typed(b, &op_array_element, element, pair, 2,
                      (struct param){.i = !type_is_signed(s->types[1])});
}

/* Index of the named or numbered field; -1: said. */
static int field_of(struct site *s, struct type t)
{
    const struct value *v = value_at(s->b, s->args[1]);
    int64_t index;

    if (v->kind == VALUE_CONSTANT && v->type.kind == TYPE_STRING && !v->cell.is_null) {
        int i = tuple_find(t, v->cell.str);
        if (i >= 0)
            return i;
        const char *names[64] = {NULL};
        AUTO_DONE(arena) arena = {0};
        for (uint32_t k = 0; t.more->names && k < t.more->n && k < 63; k++)
            names[k] = arena_text(&arena, t.more->names[k]);
        const char *near =
            nearest_name(v->cell.str, names, t.more->names && t.more->n < 63 ? t.more->n : 0);
        site_error(s, "the tuple has no element '%.*s'%s%s%s", STR_FMT(v->cell.str),
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return -1;
    }
    if (!site_integer(s, 1, &index))
        return -1;
    if (index < 0)
        index += t.more->n + 1;
    if (index >= 1 && index <= t.more->n)
        return (int)index - 1;
    site_error(s, "the tuple has %u elements, counted from 1", t.more->n);
    return -1;
}

static value_id build_tuple_element(struct site *s)
{
    struct builder *b = s->b;
    struct type t = s->types[0];
    bool in_array = t.kind == TYPE_ARRAY && t.more->elements[0].kind == TYPE_TUPLE;

    if (t.kind != TYPE_TUPLE && !in_array)
        return site_bad_type(s, 0, "a tuple");
    struct type tuple = in_array ? t.more->elements[0] : t;
    int i = field_of(s, tuple);
    if (i < 0)
        return VALUE_FAILED;
    if (!in_array)
        return emit_tuple_element(b, s->args[0], (uint32_t)i);
    struct builder *inner = builder_new();
    value_id v = emit_tuple_element(inner, builder_input(inner, 0, tuple), (uint32_t)i);
    struct program *program = builder_finish(inner, &v, 1);
    builder_free(inner);
    char text[64];
    snprintf(text, sizeof(text), ".%d", i + 1);
    return emit_elementwise(b, program, tuple.more->elements[i], s->args, 1, 1, str_of(text));
}

static const struct function functions[] = {
    {"array", "a, b, …", "`[a, b, …]`: an array; its elements get their common type.", 0, 255,
     FN_OWN_NULLS | FN_OWN_LC, build_array, 0},
    {"tuple", "a, b, …", "`(a, b, …)`: a tuple.", 0, 255, FN_OWN_NULLS | FN_OWN_LC, build_tuple, 0},
    {"map", "key, value, …", "A map of these keys and values.", 0, 254, FN_OWN_NULLS | FN_OWN_LC,
     build_map, 0},
    {"mapFromArrays", "keys, values", "A map of two arrays of one length.", 2, 2, FN_OWN_LC,
     build_map_from_arrays, 0},
    {"mapKeys", "m", "The keys of a map.", 1, 1, FN_OWN_LC, build_part_of_map, KEYS_OF},
    {"mapValues", "m", "The values of a map.", 1, 1, FN_OWN_LC, build_part_of_map, VALUES_OF},
    {"arrayElement", "a, i",
     "`a[i]`, counted from 1, from the end if negative; `m[key]`. Where there is none it is "
     "the type's default: 0, '', NULL.",
     2, 2, FN_OWN_NULLS | FN_OWN_LC, build_array_element, 0},
    {"tupleElement", "t, n", "`t.1`, `t.name`; of an array of tuples an array.", 2, 2,
     FN_OWN_NULLS | FN_OWN_LC, build_tuple_element, 0},
};
const struct function_family family_compound = {"Arrays, tuples, maps", functions,
                                                COUNT(functions)};
