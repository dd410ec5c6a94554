/* SPDX-License-Identifier: Apache-2.0
 *
 * quantileExact and its like: all values, or (Weighted) the weight of each.
 *
 *   in memory   pointer to struct values, or to struct weights; NULL: nothing came
 *   written     varuint n, n values in the order they came      (NaN is left out)
 *               varuint n, n * (value, UInt64 weight)           in any order
 *
 * Values are up to 8 bytes wide and kept in their own width; floats differ by their bits. */
#include "aggregate/aggregate_priv.h"
#include "base/hash.h"

enum { FIRST_VALUES = 8, FIRST_SLOTS = 8 };

static bool is_nan_at(struct type t, const void *values, size_t row)
{
    if (t.kind == TYPE_FLOAT32)
        return ((const float *)values)[row] != ((const float *)values)[row];
    return t.kind == TYPE_FLOAT64 && ((const double *)values)[row] != ((const double *)values)[row];
}

/* ---- all values ---- */

struct values {
    uint32_t n, cap;
    char *data;
};

static struct values *values_room(void *state, size_t more, size_t width, size_t *bytes)
{
    struct values **at = state, *v = *at;
    if (v == NULL) {
        v = *at = xcalloc(1, sizeof(*v));
        *bytes += sizeof(*v);
    }
    if (v->n + more > v->cap) {
        size_t cap = v->cap == 0 ? FIRST_VALUES : v->cap;
        while (cap < v->n + more)
            cap *= 2;
        v->data = xrealloc(v->data, cap * width);
        *bytes += (cap - v->cap) * width;
        v->cap = (uint32_t)cap;
    }
    return v;
}

static void update_exact(const struct aggregate *a, const struct fold *f)
{
    size_t width = type_width(a->args[0]);
    const char *values = f->args[0]->values;
    bool is_float = type_is_float(a->args[0]);
    for (size_t i = 0; i < f->n; i++) {
        size_t row = fold_row(f, i);
        if (is_float && is_nan_at(a->args[0], values, row))
            continue;
        struct values *v = values_room(fold_state(f, i), 1, width, f->bytes);
        memcpy(v->data + v->n++ * width, values + row * width, width);
    }
}

static void merge_exact(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct values *other = *(struct values *const *)from;
    size_t width = type_width(a->args[0]);
    if (other == NULL || other->n == 0)
        return;
    struct values *v = values_room(into, other->n, width, bytes);
    memcpy(v->data + v->n * width, other->data, other->n * width);
    v->n += other->n;
}

static void done_exact(const struct aggregate *a, void *state, size_t *bytes)
{
    struct values *v = *(struct values **)state;
    if (v == NULL)
        return;
    *bytes -= sizeof(*v) + v->cap * type_width(a->args[0]);
    free(v->data);
    free(v);
    *(struct values **)state = NULL;
}

static void write_exact(const struct aggregate *a, struct buf *out, char *const *rows,
                        size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct values *v = *(struct values *const *)(rows[i] + offset);
        buf_varuint(out, v == NULL ? 0 : v->n);
        if (v != NULL)
            buf_put(out, v->data, v->n * type_width(a->args[0]));
    }
}

/* ---- values with weights ---- */

struct weight_slot {
    uint64_t value, weight;
    bool is_used;
};

struct weights {
    uint32_t n, cap; /* slots: a power of two */
    struct weight_slot slots[];
};

static struct weight_slot *slot_find(struct weights *w, uint64_t value)
{
    size_t at = ih64(value);
    while (w->slots[at & (w->cap - 1)].is_used && w->slots[at & (w->cap - 1)].value != value)
        at++;
    return &w->slots[at & (w->cap - 1)];
}

static size_t weights_bytes(uint32_t cap)
{
    return sizeof(struct weights) + cap * sizeof(struct weight_slot);
}

static struct weights *weights_new(uint32_t cap, size_t *bytes)
{
    struct weights *w = xcalloc(1, weights_bytes(cap));
    w->cap = cap;
    *bytes += weights_bytes(cap);
    return w;
}

static void weights_add(void *state, uint64_t value, uint64_t weight, size_t *bytes)
{
    struct weights **at = state;
    if (*at == NULL)
        *at = weights_new(FIRST_SLOTS, bytes);
    struct weight_slot *slot = slot_find(*at, value);
    if (slot->is_used) {
        slot->weight += weight;
        return;
    }
    *slot = (struct weight_slot){value, weight, true};
    if (++(*at)->n <= (*at)->cap / 4 * 3)
        return;
    struct weights *old = *at, *big = weights_new(old->cap * 2, bytes);
    big->n = old->n;
    for (size_t i = 0; i < old->cap; i++)
        if (old->slots[i].is_used)
            *slot_find(big, old->slots[i].value) = old->slots[i];
    *bytes -= weights_bytes(old->cap);
    free(old);
    *at = big;
}

static uint64_t weight_at(enum type_kind kind, const void *values, size_t row)
{
    switch (kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: return ((const uint8_t *)values)[row];
    case TYPE_UINT16: return ((const uint16_t *)values)[row];
    case TYPE_UINT32: return ((const uint32_t *)values)[row];
    default: return ((const uint64_t *)values)[row];
    }
}

static void update_weighted(const struct aggregate *a, const struct fold *f)
{
    size_t width = type_width(a->args[0]);
    const char *values = f->args[0]->values;
    for (size_t i = 0; i < f->n; i++) {
        size_t row = fold_row(f, i);
        uint64_t value = 0;
        if (is_nan_at(a->args[0], values, row))
            continue;
        memcpy(&value, values + row * width, width);
        weights_add(fold_state(f, i), value, weight_at(a->args[1].kind, f->args[1]->values, row),
                    f->bytes);
    }
}

static void merge_weighted(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct weights *w = *(struct weights *const *)from;
    for (size_t i = 0; w != NULL && i < w->cap; i++)
        if (w->slots[i].is_used)
            weights_add(into, w->slots[i].value, w->slots[i].weight, bytes);
}

static void done_weighted(const struct aggregate *a, void *state, size_t *bytes)
{
    struct weights **at = state;
    if (*at != NULL)
        *bytes -= weights_bytes((*at)->cap);
    free(*at);
    *at = NULL;
}

static void write_weighted(const struct aggregate *a, struct buf *out, char *const *rows,
                           size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct weights *w = *(struct weights *const *)(rows[i] + offset);
        buf_varuint(out, w == NULL ? 0 : w->n);
        for (size_t s = 0; w != NULL && s < w->cap; s++) {
            if (!w->slots[s].is_used)
                continue;
            buf_put(out, &w->slots[s].value, type_width(a->args[0]));
            buf_u64(out, w->slots[s].weight);
        }
    }
}

/* ---- building ---- */

static enum err_code build_exact(struct aggregate *a, const struct aggregate_request *q,
                                 bool is_array, struct err *e)
{
    struct type t = a->args[0];
    bool is_weighted = a->n_args == 2, is_decimal = t.kind == TYPE_DECIMAL;
    if (!type_is_number(t) && t.kind != TYPE_DATE && !type_is_time(t) && !is_decimal)
        return refuse_type(a, t, e);
    if (is_weighted && type_width(t) > 8)
        return refuse_type(a, t, e);
    if (is_weighted &&
        (type_is_signed(a->args[1]) || type_is_float(a->args[1]) || !type_is_number(a->args[1])))
        return err_set(e, ERR_INVALID, "the weight of %s must be an unsigned integer", a->name);
    TRY(check_levels(a, q, 0, e));
    a->storage.result = t;
    if (is_array)
        result_array(a, t);
    a->is_fixed = false;
    a->state_bytes = sizeof(void *);
    a->update = is_weighted ? update_weighted : update_exact;
    a->merge = is_weighted ? merge_weighted : merge_exact;
    a->done = is_weighted ? done_weighted : done_exact;
    a->write = is_weighted ? write_weighted : write_exact;
    return storage_state(a, q->call, a->args, a->n_args, e);
}

enum err_code build_quantile_exact(struct aggregate *a, const struct aggregate_request *q,
                                   struct err *e)
{
    return build_exact(a, q, false, e);
}

enum err_code build_quantiles_exact(struct aggregate *a, const struct aggregate_request *q,
                                    struct err *e)
{
    return build_exact(a, q, true, e);
}
