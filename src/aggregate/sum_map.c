/* SPDX-License-Identifier: Apache-2.0
 *
 * sumMap, minMap, maxMap over an array of keys and arrays of values: for each key the sum (least,
 * greatest) of what stands at its place. Over a Map they are -Map.
 *
 *   in memory   pointer to struct many: states of a word "seen" and a word for each array of values
 *   written     varuint n, n * (key, values in 8 bytes each), keys ascending; the type bears the version 1
 *
 * Arrays of one row that differ in length are rejected before. */
#include "aggregate/many.h"

#include "column/compound.h"
#include "column/row_binary.h"

enum map_op { OP_SUM, OP_MIN, OP_MAX };

/* A value as a word: integers extended, floats as doubles. */
union word {
    uint64_t u;
    int64_t i;
    double f;
};

static union word word_at(struct type t, const void *value)
{
    union word w = {.u = 0};
    switch (t.kind) {
    case TYPE_ENUM8:
    case TYPE_INT8: w.i = *(const int8_t *)value; break;
    case TYPE_ENUM16:
    case TYPE_INT16: w.i = *(const int16_t *)value; break;
    case TYPE_DATE32:
    case TYPE_INT32: w.i = *(const int32_t *)value; break;
    case TYPE_FLOAT32: w.f = (double)*(const float *)value; break;
    default: memcpy(&w, value, type_width(t));
    }
    return w;
}

static union word combine(struct type t, enum map_op op, union word a, union word b)
{
    bool is_less = type_is_float(t) ? b.f < a.f : type_is_signed(t) ? b.i < a.i : b.u < a.u;
    bool is_more = type_is_float(t) ? b.f > a.f : type_is_signed(t) ? b.i > a.i : b.u > a.u;
    if (op == OP_MIN)
        return is_less ? b : a;
    if (op == OP_MAX)
        return is_more ? b : a;
    if (type_is_float(t))
        return (union word){.f = a.f + b.f};
    return (union word){.u = a.u + b.u};
}

static struct type value_type(const struct aggregate *a, size_t k)
{
    return type_element(a->args[k], 0);
}

/* `inner` has the arguments and the operation of the whole. */
static void merge_entry(const struct aggregate *inner, void *into, const void *from, size_t *bytes)
{
    union word *x = into;
    const union word *y = from;
    for (size_t k = 1; k < inner->n_args; k++)
        x[k] = x[0].u == 0 ? y[k] : combine(value_type(inner, k), inner->map.op, x[k], y[k]);
    x[0].u = 1;
}

static void update_map(const struct aggregate *a, const struct fold *f)
{
    AUTO_DONE(buf) key = {0};
    for (size_t i = 0; i < f->n; i++) {
        size_t row = fold_row(f, i);
        struct elements lists[AGGREGATE_MAX_ARGS];
        uint32_t n = UINT32_MAX;
        for (size_t k = 0; k < a->n_args; k++) {
            const struct column *c = f->args[k];
            lists[k] = array_elements(c->type, (const char *)c->values + row * type_width(c->type));
            n = lists[k].n < n ? lists[k].n : n;
        }
        struct many *m = many_of(a, fold_state(f, i), f->bytes);
        *f->bytes -= many_bytes(a, m);
        for (uint32_t j = 0; j < n; j++) {
            union word entry[AGGREGATE_MAX_ARGS];
            buf_reset(&key);
            row_binary_put(&key, lists[0].type, element_at(&lists[0], j));
            for (size_t k = 1; k < a->n_args; k++)
                entry[k] = word_at(value_type(a, k), element_at(&lists[k], j));
            uint32_t at = many_find(a, m, buf_view(&key));
            merge_entry(a->inner, many_state(a, m, at), entry, f->bytes);
        }
        *f->bytes += many_bytes(a, m);
    }
}

/* ---- writing ---- */

struct sorted_key {
    const char *p;
    uint32_t n, state;
    struct type type;
};

static struct str text_of(const struct sorted_key *k)
{
    uint32_t at = 0;
    while (k->p[at++] & 0x80) {
    }
    return (struct str){k->p + at, k->n - at};
}

static int compare_keys(const void *a, const void *b)
{
    const struct sorted_key *x = a, *y = b;
    if (x->type.kind == TYPE_STRING)
        return str_cmp(text_of(x), text_of(y));
    if (type_width(x->type) > 8)
        return memcmp(x->p, y->p, x->n);
    union word v = word_at(x->type, x->p), w = word_at(x->type, y->p);
    if (type_is_float(x->type))
        return (v.f > w.f) - (v.f < w.f);
    bool is_signed = type_is_signed(x->type) || type_is_enum(x->type) ||
                     x->type.kind == TYPE_DATE32 || x->type.kind == TYPE_DATETIME64;
    return is_signed ? (v.i > w.i) - (v.i < w.i) : (v.u > w.u) - (v.u < w.u);
}

static void write_map(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct many *m = *(struct many *const *)(rows[i] + offset);
        uint32_t count = m == NULL ? 0 : m->n;
        buf_varuint(out, count);
        if (count == 0)
            continue;
        AUTO_MEM struct sorted_key *keys = xcalloc(count, sizeof(*keys));
        for (uint32_t k = 0; k < count; k++)
            keys[k] =
                (struct sorted_key){m->bytes.p + m->keys[k].at, m->keys[k].n, k, value_type(a, 0)};
        qsort(keys, count, sizeof(*keys), compare_keys);
        for (uint32_t k = 0; k < count; k++) {
            buf_put(out, keys[k].p, keys[k].n);
            buf_put(out, many_state(a, m, keys[k].state) + sizeof(union word),
                    (a->n_args - 1) * sizeof(union word));
        }
    }
}

/* ---- building ---- */

static enum err_code check_arrays(const struct aggregate *a, struct err *e)
{
    for (size_t k = 0; k < a->n_args; k++) {
        if (a->args[k].kind != TYPE_ARRAY)
            return refuse_type(a, a->args[k], e);
        struct type t = value_type(a, k);
        if (t.is_nullable || (k > 0 && !type_is_number(t)) || type_is_compound(t) ||
            t.kind == TYPE_FIXED_STRING || t.kind == TYPE_DECIMAL)
            return refuse_type(a, a->args[k], e);
    }
    return ERR_OK;
}

static const char *with_version(const struct aggregate *a, const char *type)
{
    const char *inside = strchr(type, '(') + 1;
    return arena_printf(a->arena, "AggregateFunction(1, %s", inside);
}

static enum err_code build_map(struct aggregate *a, const struct aggregate_request *q,
                               enum map_op op, struct err *e)
{
    TRY(check_arrays(a, e));
    struct aggregate *entry = arena_zero(a->arena, sizeof(*entry));
    entry->state_bytes = a->n_args * sizeof(union word);
    entry->n_args = a->n_args;
    memcpy(entry->args, a->args, sizeof(entry->args));
    entry->map.op = (uint8_t)op;
    entry->merge = merge_entry;

    a->inner = entry;
    a->many.has_keys = true;
    a->is_fixed = false;
    a->state_bytes = sizeof(struct many *);
    a->update = update_map;
    a->merge = many_merge;
    a->done = many_done;
    a->write = write_map;
    a->rejects = rejects_lengths;

    AUTO_DONE(buf) result = {0};
    buf_text(&result, "Tuple(");
    for (size_t k = 0; k < a->n_args; k++) {
        struct type t = value_type(a, k);
        if (k > 0 && op == OP_SUM)
            t = (struct type){.kind = type_is_float(t)    ? TYPE_FLOAT64
                                      : type_is_signed(t) ? TYPE_INT64
                                                          : TYPE_UINT64};
        buf_text(&result, k ? ", Array(" : "Array(");
        type_print(&result, t);
        buf_text(&result, ")");
    }
    buf_text(&result, ")");
    result_text(a, buf_cstr(&result));
    TRY(storage_state(a, q->call, a->args, a->n_args, e));
    a->storage.type_name = with_version(a, a->storage.type_name);
    a->storage.wire_type = with_version(a, a->storage.wire_type);
    return ERR_OK;
}

enum err_code build_sum_map(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_map(a, q, OP_SUM, e);
}

enum err_code build_min_map(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_map(a, q, OP_MIN, e);
}

enum err_code build_max_map(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_map(a, q, OP_MAX, e);
}
