/* SPDX-License-Identifier: Apache-2.0
 *
 * argMin, argMax, anyLast: a value that another one, or the order, chooses.
 *
 *   argMin, argMax   seen (8 bytes) | key cell | value cell     written: value, key
 *   anyLast          seen (8 bytes) | cell                      stored as a plain value
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

/* ---- anyLast ---- */

/* Of rows of one key in a fold only the last matters, but finding it costs more than setting. */
static void update_last(const struct aggregate *a, const struct fold *f)
{
    for (size_t i = 0; i < f->n; i++) {
        char *state = fold_state(f, i);
        *(uint64_t *)state = 1;
        cell_set(a->args[0], state + 8, f->args[0], fold_row(f, i), f->bytes);
    }
}

static void merge_last(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    if (*(const uint64_t *)from == 0)
        return;
    *(uint64_t *)into = 1;
    cell_copy(a->args[0], (char *)into + 8, (const char *)from + 8, bytes);
}

static void done_last(const struct aggregate *a, void *state, size_t *bytes)
{
    cell_done(a->args[0], (char *)state + 8, bytes);
    *(uint64_t *)state = 0;
}

static void write_last(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                       size_t n)
{
    if (a->is_nullable || a->is_conditional) {
        char *nulls = buf_reserve(out, n);
        for (size_t i = 0; i < n; i++)
            nulls[i] = *(const uint64_t *)(rows[i] + offset) == 0;
        out->n += n;
    }
    for (size_t i = 0; i < n; i++)
        cell_write_native(a->args[0], out, rows[i] + offset + 8);
}

enum err_code build_any_last(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    struct type stored = type_plain(a->args[0]);
    a->storage.result = stored;
    a->storage.result.is_nullable = a->is_nullable;
    stored.is_nullable = a->is_nullable || a->is_conditional;
    a->args[0] = type_plain(a->args[0]);
    a->state_bytes = 8 + cell_bytes(a->args[0]);
    a->is_fixed = cell_is_fixed(a->args[0]);
    a->update = update_last;
    a->merge = merge_last;
    a->write = write_last;
    if (!a->is_fixed)
        a->done = done_last;
    return storage_simple(a, "anyLast", stored, e);
}
