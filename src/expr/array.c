/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of whole arrays. */
#include "expr/array.h"
#include "expr/advice.h"

#include <stdlib.h>

#include "codec/elements.h"
#include "expr/text_kit.h"

enum { RANGE_MAX = 1 << 20 }; /* elements of range() in a row */

void array_all_faults(struct call *c)
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

value_id array_without_dictionaries(struct builder *b, value_id array)
{
    struct type t = value_at(b, array)->type;

    if (t.kind != TYPE_ARRAY || !t.more->elements[0].is_low_cardinality)
        return array;
    struct type element = t.more->elements[0];
    element.is_low_cardinality = false;
    return retype(b, array, type_array(element));
}

static void drop_dictionaries(struct site *s)
{
    value_id *args = arena_alloc(&s->b->memory->arena, (s->n_args + 1) * sizeof(*args));

    for (uint32_t i = 0; i < s->n_args; i++) {
        args[i] = array_without_dictionaries(s->b, s->args[i]);
        if (s->types[i].kind == TYPE_ARRAY)
            s->types[i] = value_at(s->b, args[i])->type;
    }
    s->args = args;
}

/* ---- length ---- */

static void run_array_length(struct call *c)
{
    const struct array_value *arrays = c->args[0]->values;

    for (size_t i = 0; i < c->n; i++) {
        if (c->param.i == 0)
            RESULT(uint64_t)[i] = arrays[i].n;
        else
            RESULT(uint8_t)[i] = (arrays[i].n == 0) == (c->param.i == 1);
    }
}
static const struct op op_array_length = {"length", run_array_length, 0};

value_id emit_array_length(struct builder *b, value_id array, int what)
{
    return emit(b, &op_array_length, type_of(what == 0 ? TYPE_UINT64 : TYPE_UINT8), &array, 1,
                (struct param){.i = what}, NULL);
}

/* ---- folds ---- */

static double number_at(const struct elements *e, uint32_t i)
{
    const void *p = element_at(e, i);
    uint64_t bits = 0;

    if (e->type.kind == TYPE_FLOAT64)
        return *(const double *)p;
    if (e->type.kind == TYPE_FLOAT32)
        return *(const float *)p;
    memcpy(&bits, p, e->width);
    unsigned unused = 64 - 8 * e->width;
    return type_is_signed(e->type) ? (double)((int64_t)(bits << unused) >> unused) : (double)bits;
}

static void run_array_sum(struct call *c)
{
    bool is_mean = c->param.i == ARRAY_AVG;

    for (size_t i = 0; i < c->n; i++) {
        struct elements e = array_elements(call_type(c, 0), call_value(c, 0, i));
        double sum = 0;
        uint64_t whole = 0;
        for (uint32_t k = 0; k < e.n; k++) {
            uint64_t bits = 0;
            if (type_is_float(e.type)) {
                sum += number_at(&e, k);
                continue;
            }
            memcpy(&bits, element_at(&e, k), e.width);
            unsigned unused = 64 - 8 * e.width;
            whole +=
                type_is_signed(e.type) ? (uint64_t)((int64_t)(bits << unused) >> unused) : bits;
        }
        if (is_mean && !type_is_float(e.type)) /* whole numbers are added as such, and wrap */
            sum = type_is_signed(e.type) ? (double)(int64_t)whole : (double)whole;
        if (is_mean)
            RESULT(double)[i] = e.n ? sum / e.n : 0;
        else if (type_is_float(e.type))
            RESULT(double)[i] = sum;
        else
            RESULT(uint64_t)[i] = whole;
    }
}
static const struct op op_array_sum = {"arraySum", run_array_sum, 0};

static bool is_nan(const struct elements *e, uint32_t i)
{
    double v = type_is_float(e->type) ? number_at(e, i) : 0;

    return v != v;
}

/* NULL and NaN only where there is nothing else. */
static void run_array_extreme(struct call *c)
{
    size_t width = type_width(c->out->type);
    int sign = c->param.i == ARRAY_MIN ? -1 : 1;
    bool has = false;

    for (size_t i = 0; i < c->n; i++) {
        struct elements e = array_elements(call_type(c, 0), call_value(c, 0, i));
        uint32_t best = e.n;
        for (uint32_t k = 0; k < e.n; k++) {
            if (element_is_null(&e, k))
                continue;
            if (best == e.n || is_nan(&e, best) ||
                (!is_nan(&e, k) &&
                 value_order(e.type, element_at(&e, k), element_at(&e, best)) * sign > 0))
                best = k;
        }
        char *to = (char *)c->out->values + i * width;
        c->nulls[i] = best == e.n && e.type.is_nullable;
        has |= c->nulls[i];
        if (best < e.n)
            memcpy(to, element_at(&e, best), width);
        else
            memset(to, 0, width);
    }
    c->out->nulls = has ? c->nulls : NULL;
    array_all_faults(c);
}
static const struct op op_array_extreme = {"arrayMin", run_array_extreme, OP_OWN_MASKS};

struct sorting {
    const struct elements *keys;
    bool is_descending;
};

static int compare_places(const void *a, const void *b, void *context)
{
    const struct sorting *s = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    bool x_null = element_is_null(s->keys, x), y_null = element_is_null(s->keys, y);
    bool x_nan = !x_null && is_nan(s->keys, x), y_nan = !y_null && is_nan(s->keys, y);
    int order;

    if (x_null || y_null)
        order = x_null - y_null;
    else if (x_nan || y_nan)
        order = x_nan - y_nan;
    else
        order = value_order(s->keys->type, element_at(s->keys, x), element_at(s->keys, y)) *
                (s->is_descending ? -1 : 1);
    return order ? order : (x > y) - (x < y);
}

/* args: the array, the list to sort by */
static void run_array_sort(struct call *c)
{
    struct type t = call_result_type(c);
    size_t width = type_width(t.more->elements[0]);
    AUTO_MEM uint32_t *places = NULL;
    uint32_t cap = 0;

    for (size_t i = 0; i < c->n; i++) {
        struct elements from = array_elements(call_type(c, 0), call_value(c, 0, i));
        struct elements keys = array_elements(call_type(c, 1), call_value(c, 1, i));
        struct array_room room;
        struct sorting s = {&keys, c->param.i == ARRAY_REVERSE_SORT};
        uint32_t n = from.n < keys.n ? from.n : keys.n;
        if (n > cap)
            places = xrealloc(places, (cap = 2 * n) * sizeof(*places));
        for (uint32_t k = 0; k < n; k++)
            places[k] = k;
        if (n)
            qsort_r(places, n, sizeof(*places), compare_places, &s);
        RESULT(struct array_value)[i] = array_new(c->arena, t, n, &room);
        for (uint32_t k = 0; k < n; k++) {
            memcpy(room.values + k * width, element_at(&from, places[k]), width);
            if (room.nulls)
                room.nulls[k] = element_is_null(&from, places[k]);
        }
    }
}
static const struct op op_array_sort = {"arraySort", run_array_sort, 0};

value_id build_array_fold(struct site *s, value_id array, value_id list, enum array_function what)
{
    struct type element = value_at(s->b, list)->type.more->elements[0];
    struct param param = {.i = what};
    char name[64];

    if (what == ARRAY_SORT || what == ARRAY_REVERSE_SORT)
        return emit_typed(s->b, &op_array_sort, value_at(s->b, array)->type,
                          (value_id[]){array, list}, 2, param);
    if (what == ARRAY_MIN || what == ARRAY_MAX) {
        element.is_low_cardinality = false;
        return emit_typed(s->b, &op_array_extreme, element, &list, 1, param);
    }
    if (!type_is_number(element) || element.is_nullable)
        return site_error(s, "'%.*s' takes an array of numbers, not of %s%s", STR_FMT(s->name),
                          type_name(element, name),
                          element.is_nullable ? ": give NULLs a value by ifNull" : "");
    struct type sum = type_of(what == ARRAY_AVG || type_is_float(element) ? TYPE_FLOAT64
                              : type_is_signed(element)                   ? TYPE_INT64
                                                                          : TYPE_UINT64);
    return emit_typed(s->b, &op_array_sum, sum, &list, 1, param);
}

/* ---- searching ---- */

enum { HAS, INDEX_OF, COUNT_EQUAL, HAS_ANY, HAS_ALL };

static bool is_same(const struct elements *a, uint32_t i, const struct elements *b, uint32_t k)
{
    bool x_null = element_is_null(a, i), y_null = element_is_null(b, k);

    if (x_null || y_null)
        return x_null && y_null;
    if (is_nan(a, i) || is_nan(b, k))
        return false;
    return value_order(a->type, element_at(a, i), element_at(b, k)) == 0;
}

/* args: the array, a value of the elements' type */
static void run_search(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct elements e = array_elements(call_type(c, 0), call_value(c, 0, i));
        struct elements wanted = {.type = call_type(c, 1), .values = call_value(c, 1, i), .n = 1};
        wanted.nulls = c->args[1]->nulls ? c->args[1]->nulls + i : NULL;
        uint64_t n = 0;
        for (uint32_t k = 0; k < e.n; k++) {
            if (!is_same(&e, k, &wanted, 0))
                continue;
            n++;
            if (c->param.i == INDEX_OF)
                n = k + 1;
            if (c->param.i != COUNT_EQUAL)
                break;
        }
        if (c->param.i == HAS)
            RESULT(uint8_t)[i] = n != 0;
        else
            RESULT(uint64_t)[i] = n;
    }
    array_all_faults(c);
}
static const struct op op_search = {"has", run_search, OP_OWN_MASKS};

static void run_has_many(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct elements e = array_elements(call_type(c, 0), call_value(c, 0, i));
        struct elements wanted = array_elements(call_type(c, 1), call_value(c, 1, i));
        uint32_t found = 0;
        for (uint32_t w = 0; w < wanted.n; w++) {
            uint32_t k = 0;
            while (k < e.n && !is_same(&e, k, &wanted, w))
                k++;
            found += k < e.n;
        }
        RESULT(uint8_t)[i] = c->param.i == HAS_ANY ? found > 0 : found == wanted.n;
    }
}
static const struct op op_has_many = {"hasAny", run_has_many, 0};

static value_id no_common_type(struct site *s)
{
    char x[64], y[64];

    struct type a = value_at(s->b, s->args[0])->type, b = value_at(s->b, s->args[1])->type;
    return site_types_error(s, a, b, "'%.*s' has arguments without a common type: %s and %s",
                            STR_FMT(s->name), type_name(a, x), type_name(b, y));
}

static value_id build_search(struct site *s)
{
    struct builder *b = s->b;
    struct type t = s->types[0], wanted = s->types[1], super;
    value_id array = s->args[0];

    if (t.kind == TYPE_MAP && s->f->param == HAS) {
        array = build_call(b, s->node, STR("mapKeys"), &array, 1, s->scope, s->d);
        t = array < 0 ? t : value_at(b, array)->type;
    }
    if (t.kind != TYPE_ARRAY)
        return site_bad_type(s, 0, "an array");
    if (!type_super(&super, (struct type[]){t.more->elements[0], wanted}, 2))
        return no_common_type(s);
    bool is_nullable = t.more->elements[0].is_nullable;
    super.is_nullable = is_nullable;
    value_id pair[2] = {cast_values(b, array, type_array(super)), cast_super(b, s->args[1], super)};
    if (pair[0] < 0 || pair[1] < 0)
        return no_common_type(s);
    return emit_typed(b, &op_search, type_of(s->f->param == HAS ? TYPE_UINT8 : TYPE_UINT64), pair,
                      2, (struct param){.i = s->f->param});
}

static value_id build_has_many(struct site *s)
{
    struct type super;
    value_id pair[2];

    drop_dictionaries(s);
    for (uint32_t i = 0; i < 2; i++)
        if (s->types[i].kind != TYPE_ARRAY)
            return site_bad_type(s, i, "an array");
    if (!type_super(&super, s->types, 2))
        return no_common_type(s);
    for (uint32_t i = 0; i < 2; i++)
        if ((pair[i] = cast_values(s->b, s->args[i], super)) < 0)
            return no_common_type(s);
    return emit_typed(s->b, &op_has_many, type_of(TYPE_UINT8), pair, 2,
                      (struct param){.i = s->f->param});
}

/* ---- rearranging ---- */

enum { DISTINCT, REVERSE, ENUMERATE, UNIQ };

static uint32_t distinct_places(const struct elements *e, uint32_t *places, bool with_null)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < e->n; k++) {
        uint32_t seen = 0;
        if (element_is_null(e, k) && !with_null)
            continue;
        while (seen < n && element_order(e, places[seen], e, k) != 0)
            seen++;
        if (seen == n)
            places[n++] = k;
    }
    return n;
}

static void run_rearrange(struct call *c)
{
    struct type t = call_result_type(c);
    bool is_uniq = c->param.i == UNIQ;
    size_t width = is_uniq ? 4 : type_width(t.more->elements[0]);
    AUTO_MEM uint32_t *places = NULL;
    uint32_t cap = 0;

    for (size_t i = 0; i < c->n; i++) {
        struct elements e = array_elements(call_type(c, 0), call_value(c, 0, i));
        struct array_room room;
        uint32_t n = e.n;
        if (n > cap)
            places = xrealloc(places, (cap = 2 * n) * sizeof(*places));
        if (c->param.i == DISTINCT || is_uniq)
            n = distinct_places(&e, places, is_uniq);
        for (uint32_t k = 0; c->param.i == REVERSE && k < n; k++)
            places[k] = n - 1 - k;
        if (is_uniq) {
            RESULT(uint32_t)[i] = n;
            continue;
        }
        RESULT(struct array_value)[i] = array_new(c->arena, t, n, &room);
        for (uint32_t k = 0; k < n; k++) {
            if (c->param.i == ENUMERATE) {
                ((uint32_t *)room.values)[k] = k + 1;
                continue;
            }
            memcpy(room.values + k * width, element_at(&e, places[k]), width);
            if (room.nulls)
                room.nulls[k] = element_is_null(&e, places[k]);
        }
    }
}
static const struct op op_rearrange = {"arrayDistinct", run_rearrange, 0};

static value_id build_rearrange(struct site *s)
{
    drop_dictionaries(s);
    struct type t = s->types[0];

    if (t.kind != TYPE_ARRAY)
        return site_bad_type(s, 0, "an array");
    struct type element = t.more->elements[0];
    if (s->f->param == DISTINCT && !type_is_compound(element))
        element.is_nullable = false; /* NULLs are left out */
    struct type result = s->f->param == ENUMERATE ? type_array(type_of(TYPE_UINT32))
                         : s->f->param == UNIQ    ? type_of(TYPE_UINT32)
                                                  : type_array(element);
    return emit_typed(s->b, &op_rearrange, result, s->args, 1, (struct param){.i = s->f->param});
}

static void run_concat(struct call *c)
{
    struct type t = call_result_type(c);
    size_t width = type_width(t.more->elements[0]);

    for (size_t i = 0; i < c->n; i++) {
        struct array_room room;
        uint32_t n = 0, at = 0;
        for (uint32_t a = 0; a < c->n_args; a++)
            n += (uint32_t)((const struct array_value *)call_value(c, a, i))->n;
        RESULT(struct array_value)[i] = array_new(c->arena, t, n, &room);
        for (uint32_t a = 0; a < c->n_args; a++) {
            struct elements e = array_elements(call_type(c, a), call_value(c, a, i));
            if (e.n == 0)
                continue;
            memcpy(room.values + at * width, e.values, (size_t)e.n * width);
            if (room.nulls && e.nulls)
                memcpy(room.nulls + at, e.nulls, e.n);
            at += e.n;
        }
    }
}
static const struct op op_concat = {"arrayConcat", run_concat, 0};

static value_id build_concat(struct site *s)
{
    struct type super;
    value_id *args = arena_alloc(&s->b->memory->arena, (s->n_args + 1) * sizeof(*args));

    drop_dictionaries(s);
    for (uint32_t i = 0; i < s->n_args; i++)
        if (s->types[i].kind != TYPE_ARRAY)
            return site_bad_type(s, i, "an array");
    if (!type_super(&super, s->types, s->n_args))
        return no_common_type(s);
    for (uint32_t i = 0; i < s->n_args; i++)
        if ((args[i] = cast_values(s->b, s->args[i], super)) < 0)
            return no_common_type(s);
    return emit_typed(s->b, &op_concat, super, args, s->n_args, (struct param){0});
}

/* args: the array, offset from 1 or from the end, length (NULL: to the end; negative: that many
 * less) */
static void run_slice(struct call *c)
{
    struct type t = call_result_type(c);
    size_t width = type_width(t.more->elements[0]);

    for (size_t i = 0; i < c->n; i++) {
        struct elements e = array_elements(call_type(c, 0), call_value(c, 0, i));
        int64_t n = e.n,
                offset = call_is_null(c, 1, i) ? 1 : ((const int64_t *)c->args[1]->values)[i];
        bool is_open = c->n_args < 3 || call_is_null(c, 2, i);
        int64_t length = is_open ? 0 : ((const int64_t *)c->args[2]->values)[i];
        int64_t from = offset > 0 ? offset - 1 : offset < -n ? 0 : n + offset, to;
        /* from before the begin the length counts from there */
        int64_t begin = offset > 0 ? offset - 1 : offset < -(1LL << 40) ? -(1LL << 40) : n + offset;
        if (is_open)
            to = n;
        else if (length < 0)
            to = length < -n ? 0 : n + length;
        else
            to = length > n - begin ? n : begin + length;
        if (offset == 0 || from > n)
            from = to = 0;
        uint32_t kept = to > from ? (uint32_t)(to - from) : 0;
        struct array_room room;
        RESULT(struct array_value)[i] = array_new(c->arena, t, kept, &room);
        if (kept) {
            memcpy(room.values, element_at(&e, (uint32_t)from), kept * width);
            if (room.nulls && e.nulls)
                memcpy(room.nulls, e.nulls + from, kept);
        }
    }
    array_all_faults(c);
}
static const struct op op_slice = {"arraySlice", run_slice, OP_OWN_MASKS};

static value_id build_slice(struct site *s)
{
    value_id args[3] = {s->args[0]};

    drop_dictionaries(s);
    if (s->types[0].kind != TYPE_ARRAY)
        return site_bad_type(s, 0, "an array");
    for (uint32_t i = 1; i < s->n_args; i++) {
        if (!type_is_integer(s->types[i]) && s->types[i].kind != TYPE_NOTHING)
            return site_bad_type(s, i, "an integer");
        args[i] = s->types[i].kind == TYPE_NOTHING
                      ? emit_constant(s->b, type_nullable(type_of(TYPE_INT64)),
                                      (struct cell){.is_null = true})
                      : cast_number(s->b, s->args[i], TYPE_INT64);
    }
    return emit_typed(s->b, &op_slice, s->types[0], args, s->n_args, (struct param){0});
}

static void run_zip(struct call *c)
{
    struct type t = call_result_type(c), tuple = t.more->elements[0];

    for (size_t i = 0; i < c->n; i++) {
        struct array_room room;
        uint32_t n = (uint32_t)((const struct array_value *)call_value(c, 0, i))->n;
        for (uint32_t a = 1; a < c->n_args; a++)
            if (((const struct array_value *)call_value(c, a, i))->n != n)
                c->fresh[i] = FAULT_RANGE;
        n = c->fresh[i] ? 0 : n;
        RESULT(struct array_value)[i] = array_new(c->arena, t, n, &room);
        for (uint32_t k = 0; k < n; k++) {
            char *fields = tuple_new(c->arena, tuple, (struct tuple_value *)room.values + k);
            for (uint32_t a = 0; a < c->n_args; a++) {
                struct elements e = array_elements(call_type(c, a), call_value(c, a, i));
                memcpy(fields + tuple.more->offsets[a], element_at(&e, k), e.width);
                fields[tuple.more->null_offset + a] = element_is_null(&e, k);
            }
        }
    }
}
static const struct op op_zip = {"arrayZip", run_zip, OP_FAULTS};

static value_id build_zip(struct site *s)
{
    struct type *elements = arena_alloc(&s->b->memory->arena, (s->n_args + 1) * sizeof(*elements));

    drop_dictionaries(s);
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (s->types[i].kind != TYPE_ARRAY)
            return site_bad_type(s, i, "an array");
        elements[i] = s->types[i].more->elements[0];
    }
    return emit_typed(s->b, &op_zip, type_array(type_tuple(elements, NULL, s->n_args)), s->args,
                      s->n_args, (struct param){0});
}

/* args: begin, end, step as Int64; param.i: only the end is given */
static void run_range(struct call *c)
{
    struct type t = call_result_type(c);
    size_t width = type_width(t.more->elements[0]);

    for (size_t i = 0; i < c->n; i++) {
        __int128 from = ((const int64_t *)c->args[0]->values)[i],
                 to = ((const int64_t *)c->args[1]->values)[i];
        __int128 step = ((const int64_t *)c->args[2]->values)[i], n = 0;
        if (step > 0 && to > from)
            n = (to - from + step - 1) / step;
        else if (step < 0 && to < from)
            n = (from - to - step - 1) / -step;
        if (step == 0 || n > RANGE_MAX || (c->param.i && to < 0)) {
            c->fresh[i] = FAULT_RANGE;
            n = 0;
        }
        struct array_room room;
        RESULT(struct array_value)[i] = array_new(c->arena, t, (uint32_t)n, &room);
        for (uint32_t k = 0; k < n; k++) {
            int64_t v = (int64_t)(from + k * step);
            memcpy(room.values + k * width, &v, width);
        }
    }
}
static const struct op op_range = {"range", run_range, OP_FAULTS};

static value_id build_range(struct site *s)
{
    struct builder *b = s->b;
    struct type super;

    for (uint32_t i = 0; i < s->n_args; i++)
        if (!type_is_integer(s->types[i]) || s->types[i].kind == TYPE_UINT64)
            return site_bad_type(s, i, "an integer of at most Int64");
    if (!type_super(&super, s->types, s->n_args))
        return no_common_type(s);
    value_id zero = constant_u64(b, TYPE_INT64, 0), one = constant_u64(b, TYPE_INT64, 1);
    value_id args[3] = {zero, cast_number(b, s->args[s->n_args > 1], TYPE_INT64), one};
    if (s->n_args > 1)
        args[0] = cast_number(b, s->args[0], TYPE_INT64);
    if (s->n_args > 2)
        args[2] = cast_number(b, s->args[2], TYPE_INT64);
    return emit_typed(b, &op_range, type_array(super), args, 3,
                      (struct param){.i = s->n_args == 1});
}

/* ---- text ---- */

static void run_join(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct elements e = array_elements(call_type(c, 0), call_value(c, 0, i));
        struct str separator = c->n_args > 1 ? VALUES(1, struct str)[i] : STR("");
        size_t bytes = 0, at = 0;
        bool is_first = true;
        for (uint32_t k = 0; k < e.n; k++)
            bytes += ((const struct str *)e.values)[k].n + separator.n;
        char *out = arena_bytes(c->arena, bytes);
        for (uint32_t k = 0; k < e.n; k++) {
            struct str s = ((const struct str *)e.values)[k];
            if (element_is_null(&e, k))
                continue;
            if (!is_first && separator.n)
                memcpy(out + at, separator.p, separator.n);
            at += is_first ? 0 : separator.n;
            if (s.n)
                memcpy(out + at, s.p, s.n);
            at += s.n;
            is_first = false;
        }
        RESULT(struct str)[i] = (struct str){out, at};
    }
}
static const struct op op_join = {"arrayStringConcat", run_join, 0};

static value_id build_join(struct site *s)
{
    struct type t = s->types[0];

    if (t.kind != TYPE_ARRAY)
        return site_bad_type(s, 0, "an array");
    struct type string = type_of(TYPE_STRING);
    string.is_nullable = t.more->elements[0].is_nullable;
    if (s->n_args > 1 &&
        (s->types[1].kind != TYPE_STRING || !builder_is_constant(s->b, s->args[1])))
        return site_bad_type(s, 1, "a constant string");
    value_id args[2] = {cast_values(s->b, s->args[0], type_array(string)),
                        s->n_args > 1 ? s->args[1] : -1};
    if (args[0] < 0)
        return site_bad_type(s, 0, "an array of values that have a text");
    return emit_typed(s->b, &op_join, type_of(TYPE_STRING), args, s->n_args, (struct param){0});
}

enum { BY_STRING, BY_SPACE };

static void add_piece(struct element_list *l, const char *p, const char *end)
{
    struct str s = {p, (size_t)(end - p)};

    element_list_add(l, NULL, &s, false);
}

static void split_by(struct element_list *l, struct str s, struct str separator, uint64_t max)
{
    const char *p = s.p, *end = p + s.n;

    if (separator.n == 0) {
        for (; p < end && (!max || l->n < max); p++)
            add_piece(l, p, p + 1);
        return;
    }
    for (;;) {
        struct str rest = {p, (size_t)(end - p)};
        const char *hit = rest.n ? text_find(rest, separator) : NULL;
        if (max && l->n == max)
            return;
        add_piece(l, p, hit ? hit : end);
        if (hit == NULL)
            return;
        p = hit + separator.n;
    }
}

static void split_by_space(struct element_list *l, struct str s, uint64_t max)
{
    const char *p = s.p, *end = p + s.n;

    while (p < end) {
        while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
            p++;
        const char *start = p;
        while (p < end && *p != ' ' && !(*p >= '\t' && *p <= '\r'))
            p++;
        if (p > start && !(max && l->n == max))
            add_piece(l, start, p);
    }
}

/* args: the text; param.j = most pieces, 0: all; param.p = the separator */
static void run_split(struct call *c)
{
    const struct str *separator = c->data;
    AUTO_DONE(element_list) list;

    element_list_init(&list, type_array(type_of(TYPE_STRING)));
    for (size_t i = 0; i < c->n; i++) {
        struct str s = VALUES(0, struct str)[i];
        element_list_reset(&list);
        if (c->param.i == BY_SPACE)
            split_by_space(&list, s, (uint64_t)c->param.j);
        else
            split_by(&list, s, *separator, (uint64_t)c->param.j);
        RESULT(struct array_value)[i] = element_list_take(&list, c->arena);
    }
}
static const struct op op_split = {"split", run_split, 0};

static value_id build_split(struct site *s)
{
    struct arena *arena = &s->b->memory->arena;
    bool by_space = s->f->param == BY_SPACE;
    uint32_t text = by_space ? 0 : 1;
    struct str *separator = arena_zero(arena, sizeof(*separator));
    int64_t max = 0;

    if (s->types[text].kind != TYPE_STRING)
        return site_bad_type(s, text, "a string");
    if (!by_space && !site_string(s, 0, separator))
        return VALUE_FAILED;
    if (!by_space && str_is(s->name, "splitByChar") && separator->n != 1)
        return site_error(
            s, "the separator of splitByChar is one byte; splitByString takes longer ones");
    if (s->n_args > text + 1 && !site_integer(s, text + 1, &max))
        return VALUE_FAILED;
    *separator = arena_str(arena, *separator);
    value_id args[2] = {s->args[text], by_space ? constant_str(s->b, STR("")) : s->args[0]};
    return emit(s->b, &op_split, type_array(type_of(TYPE_STRING)), args, 2,
                (struct param){.i = s->f->param, .j = max < 0 ? 0 : max}, separator);
}

static const struct function functions[] = {
    {"has", "a, x", "Is x among the elements of a (or the keys of a map)? NULL equals NULL here.",
     2, 2, FN_OWN_NULLS | FN_OWN_LC, build_search, HAS},
    {"mapContains", "m, key", "Does the map have the key?", 2, 2, FN_OWN_NULLS | FN_OWN_LC,
     build_search, HAS},
    {"indexOf", "a, x", "Where x is first in a, counted from 1; 0 if nowhere.", 2, 2,
     FN_OWN_NULLS | FN_OWN_LC, build_search, INDEX_OF},
    {"countEqual", "a, x", "How many elements equal x.", 2, 2, FN_OWN_NULLS | FN_OWN_LC,
     build_search, COUNT_EQUAL},
    {"hasAny", "a, b", "Have the arrays an element in common?", 2, 2, FN_OWN_LC, build_has_many,
     HAS_ANY},
    {"hasAll", "a, b", "Are all elements of b among those of a?", 2, 2, FN_OWN_LC, build_has_many,
     HAS_ALL},
    {"arrayDistinct", "a", "Each element once, NULLs left out.", 1, 1, FN_OWN_LC, build_rearrange,
     DISTINCT},
    {"arrayUniq", "a", "How many different elements.", 1, 1, FN_OWN_LC, build_rearrange, UNIQ},
    {"arrayReverse", "a", "The elements from the last to the first.", 1, 1, FN_OWN_LC,
     build_rearrange, REVERSE},
    {"arrayEnumerate", "a", "[1, 2, …, length(a)]", 1, 1, FN_OWN_LC, build_rearrange, ENUMERATE},
    {"arrayConcat", "a, b, …", "The elements of all, one array after another.", 1, 255, FN_OWN_LC,
     build_concat, 0},
    {"arraySlice", "a, offset[, length]",
     "Elements from offset on (from 1, or from the end if negative).", 2, 3,
     FN_OWN_NULLS | FN_OWN_LC, build_slice, 0},
    {"arrayZip", "a, b, …", "An array of tuples of the first elements, of the second, ….", 1, 255,
     FN_OWN_LC, build_zip, 0},
    {"range", "[begin,] end[, step]",
     "Numbers from begin (0) up to but not end; at most 1,048,576.", 1, 3, FN_OWN_LC, build_range,
     0},
    {"arrayStringConcat", "a[, separator]", "The elements as one text; NULLs left out.", 1, 2, 0,
     build_join, 0},
    {"splitByChar", "separator, s[, most]", "The parts of s between bytes.", 2, 3, FN_OWN_LC,
     build_split, BY_STRING},
    {"splitByString", "separator, s[, most]",
     "The parts of s between texts; between all bytes if it is ''.", 2, 3, FN_OWN_LC, build_split,
     BY_STRING},
    {"splitByWhitespace", "s[, most]", "The parts of s between spaces.", 1, 2, FN_OWN_LC,
     build_split, BY_SPACE},
};
const struct function_family family_array = {"Array functions", functions, COUNT(functions)};
