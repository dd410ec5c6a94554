/* SPDX-License-Identifier: Apache-2.0
 *
 * argMin, argMax, anyLast: a value that another one, or the order, chooses; and min, max, any of
 * types that extreme.c has no kernel for.
 *
 *   argMin, argMax   seen (8 bytes) | key cell | value cell     written: value, key
 *   the others       seen (8 bytes) | cell                      stored as a plain value; of arrays,
 *                                                               tuples and maps as a state
 *
 * Of equal keys the first stays. A NaN key gives way to any number, and takes no number's place. */
#include "aggregate/cell.h"

#define INLINE static inline __attribute__((always_inline))

/* ---- argMin, argMax ---- */

static void take(const struct aggregate *a, char *state, const struct fold *f, size_t row)
{
    *(uint64_t *)state = 1;
    cell_set(a->args[1], state + a->arg.key_at, f->args[1], row, f->bytes);
    cell_set(a->args[0], state + a->arg.value_at, f->args[0], row, f->bytes);
}

/* Keys of up to 8 bytes: compared where they lie. `a != a` is never true of integers. */
#define ARG_LOOP(T)                                                                                \
    for (size_t i = 0; i < f->n; i++) {                                                            \
        char *state = fold_state(f, i);                                                            \
        size_t row = fold_row(f, i);                                                               \
        T now = *(const T *)(state + 8), v = COLUMN(f->args[1], const T)[row];                     \
        bool wins = is_max ? v > now : v < now;                                                    \
        if (*(uint64_t *)state == 0 || wins || (now != now && v == v))                             \
            take(a, state, f, row);                                                                \
    }                                                                                              \
    break

INLINE void update_arg(const struct aggregate *a, const struct fold *f, bool is_max)
{
    switch (a->args[1].kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: ARG_LOOP(uint8_t);
    case TYPE_DATE:
    case TYPE_UINT16: ARG_LOOP(uint16_t);
    case TYPE_DATETIME:
    case TYPE_IPV4:
    case TYPE_UINT32: ARG_LOOP(uint32_t);
    case TYPE_UINT64: ARG_LOOP(uint64_t);
    case TYPE_INT8: ARG_LOOP(int8_t);
    case TYPE_INT16: ARG_LOOP(int16_t);
    case TYPE_INT32: ARG_LOOP(int32_t);
    case TYPE_DATETIME64:
    case TYPE_INT64: ARG_LOOP(int64_t);
    case TYPE_FLOAT32: ARG_LOOP(float);
    case TYPE_FLOAT64: ARG_LOOP(double);
    default:
        for (size_t i = 0; i < f->n; i++) {
            char *state = fold_state(f, i);
            size_t row = fold_row(f, i);
            if (*(uint64_t *)state == 0 ||
                cell_row_wins(a->args[1], state + 8, f->args[1], row, is_max))
                take(a, state, f, row);
        }
    }
}

static void update_arg_min(const struct aggregate *a, const struct fold *f)
{
    update_arg(a, f, false);
}

static void update_arg_max(const struct aggregate *a, const struct fold *f)
{
    update_arg(a, f, true);
}

static void merge_arg(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    char *x = into;
    const char *y = from;
    if (*(const uint64_t *)from == 0)
        return;
    if (*(const uint64_t *)into != 0 &&
        !cell_wins(a->args[1], x + a->arg.key_at, y + a->arg.key_at, a->arg.is_max))
        return;
    *(uint64_t *)into = 1;
    cell_copy(a->args[1], x + a->arg.key_at, y + a->arg.key_at, bytes);
    cell_copy(a->args[0], x + a->arg.value_at, y + a->arg.value_at, bytes);
}

static void done_arg(const struct aggregate *a, void *state, size_t *bytes)
{
    cell_done(a->args[1], (char *)state + a->arg.key_at, bytes);
    cell_done(a->args[0], (char *)state + a->arg.value_at, bytes);
    *(uint64_t *)state = 0;
}

static void write_arg(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *state = rows[i] + offset;
        bool is_seen = *(const uint64_t *)state != 0;
        cell_write_single(a->args[0], out, is_seen ? state + a->arg.value_at : NULL);
        cell_write_single(a->args[1], out, is_seen ? state + a->arg.key_at : NULL);
    }
}

static enum err_code build_arg(struct aggregate *a, const struct aggregate_request *q, bool is_max,
                               struct err *e)
{
    if (type_is_compound(a->args[1]))
        return refuse_type(a, a->args[1], e);
    a->storage.result = a->args[0];
    a->arg.is_max = is_max;
    a->arg.key_at = 8;
    a->arg.value_at = (uint32_t)(8 + cell_bytes(a->args[1]));
    a->state_bytes = a->arg.value_at + cell_bytes(a->args[0]);
    a->is_fixed = cell_is_fixed(a->args[0]) && cell_is_fixed(a->args[1]);
    a->update = is_max ? update_arg_max : update_arg_min;
    a->merge = merge_arg;
    a->write = write_arg;
    if (!a->is_fixed)
        a->done = done_arg;
    return storage_state(a, q->call, a->args, 2, e);
}

enum err_code build_arg_min(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_arg(a, q, false, e);
}

enum err_code build_arg_max(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_arg(a, q, true, e);
}

/* ---- one value ---- */

enum choice { LEAST, GREATEST, FIRST, LAST };

INLINE bool is_taken(const struct aggregate *a, const char *state, const struct fold *f, size_t row,
                     enum choice which)
{
    if (which == LAST || *(const uint64_t *)state == 0)
        return true;
    return which != FIRST &&
           cell_row_wins(a->args[0], state + 8, f->args[0], row, which == GREATEST);
}

INLINE void update_value(const struct aggregate *a, const struct fold *f, enum choice which)
{
    for (size_t i = 0; i < f->n; i++) {
        char *state = fold_state(f, i);
        if (!is_taken(a, state, f, fold_row(f, i), which))
            continue;
        *(uint64_t *)state = 1;
        cell_set(a->args[0], state + 8, f->args[0], fold_row(f, i), f->bytes);
    }
}

static void update_least(const struct aggregate *a, const struct fold *f)
{
    update_value(a, f, LEAST);
}

static void update_greatest(const struct aggregate *a, const struct fold *f)
{
    update_value(a, f, GREATEST);
}

static void update_first(const struct aggregate *a, const struct fold *f)
{
    update_value(a, f, FIRST);
}

static void update_last(const struct aggregate *a, const struct fold *f)
{
    update_value(a, f, LAST);
}

INLINE void merge_value(const struct aggregate *a, void *into, const void *from, size_t *bytes,
                        enum choice which)
{
    char *cell = (char *)into + 8;
    const char *other = (const char *)from + 8;
    if (*(const uint64_t *)from == 0)
        return;
    if (*(uint64_t *)into != 0 && which != LAST &&
        (which == FIRST || !cell_wins(a->args[0], cell, other, which == GREATEST)))
        return;
    *(uint64_t *)into = 1;
    cell_copy(a->args[0], cell, other, bytes);
}

static void merge_least(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    merge_value(a, into, from, bytes, LEAST);
}

static void merge_greatest(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    merge_value(a, into, from, bytes, GREATEST);
}

static void merge_first(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    merge_value(a, into, from, bytes, FIRST);
}

static void merge_last(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    merge_value(a, into, from, bytes, LAST);
}

static void done_value(const struct aggregate *a, void *state, size_t *bytes)
{
    cell_done(a->args[0], (char *)state + 8, bytes);
    *(uint64_t *)state = 0;
}

static void write_plain(const struct aggregate *a, struct buf *out, char *const *rows,
                        size_t offset, size_t n)
{
    static const uint64_t none[2];
    if (a->is_nullable || a->is_conditional) {
        char *nulls = buf_reserve(out, n);
        for (size_t i = 0; i < n; i++)
            nulls[i] = *(const uint64_t *)(rows[i] + offset) == 0;
        out->n += n;
    }
    for (size_t i = 0; i < n; i++) {
        bool is_seen = *(const uint64_t *)(rows[i] + offset) != 0;
        cell_write_native(a->args[0], out, is_seen ? (const void *)(rows[i] + offset + 8) : none);
    }
}

static void write_single(const struct aggregate *a, struct buf *out, char *const *rows,
                         size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *state = rows[i] + offset;
        cell_write_single(a->args[0], out, *(const uint64_t *)state != 0 ? state + 8 : NULL);
    }
}

static enum err_code build_value(struct aggregate *a, const struct aggregate_request *q,
                                 enum choice which, struct err *e)
{
    static void (*const updates[])(const struct aggregate *, const struct fold *) = {
        update_least, update_greatest, update_first, update_last};
    static void (*const merges[])(const struct aggregate *, void *, const void *, size_t *) = {
        merge_least, merge_greatest, merge_first, merge_last};
    struct type stored = type_plain(a->args[0]);
    a->storage.result = stored;
    a->storage.result.is_nullable = a->is_nullable;
    stored.is_nullable = a->is_nullable || a->is_conditional;
    a->args[0] = type_plain(a->args[0]);
    a->state_bytes = 8 + cell_bytes(a->args[0]);
    a->is_fixed = cell_is_fixed(a->args[0]);
    a->update = updates[which];
    a->merge = merges[which];
    if (!a->is_fixed)
        a->done = done_value;
    if (type_is_compound(a->args[0])) {
        if (which == LEAST || which == GREATEST)
            return refuse_type(a, a->args[0], e);
        a->write = write_single;
        return storage_state(a, q->call, a->args, 1, e);
    }
    a->write = write_plain;
    return storage_simple(a, a->name, stored, e);
}

enum err_code build_any_last(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    return build_value(a, q, LAST, e);
}

enum err_code build_least_value(struct aggregate *a, const struct aggregate_request *q,
                                struct err *e)
{
    return build_value(a, q, LEAST, e);
}

enum err_code build_greatest_value(struct aggregate *a, const struct aggregate_request *q,
                                   struct err *e)
{
    return build_value(a, q, GREATEST, e);
}

enum err_code build_first_value(struct aggregate *a, const struct aggregate_request *q,
                                struct err *e)
{
    return build_value(a, q, FIRST, e);
}
