/* SPDX-License-Identifier: Apache-2.0
 *
 * Combinators: an aggregate around another one, whose state lies inside its own.
 *
 *   Nullable argument   seen | inner            written: byte seen, then the inner state if so
 *   -OrNull, -OrDefault seen | inner            written: inner state, byte seen
 *   -ArgMin, -ArgMax    seen | key cell | inner written: inner state, key as a single value
 *
 * `seen` is 8 bytes. The inner one never meets NULL and is made with may_be_empty; if its
 * storage is a plain value (sum, min), the state that ClickHouse would have is written instead. */
#include "aggregate/cell.h"

static void *inner_of(const struct aggregate *a, void *state)
{
    return (char *)state + a->combined.offset;
}

static struct fold inner_fold(const struct aggregate *a, const struct fold *f)
{
    struct fold in = *f;
    in.rows += a->combined.offset;
    return in;
}

/* ---- what all have ---- */

static void init_combined(const struct aggregate *a, void *state)
{
    memset(state, 0, a->combined.offset);
    aggregate_init(a->inner, inner_of(a, state));
}

static void done_inner(const struct aggregate *a, void *state, size_t *bytes)
{
    aggregate_done(a->inner, inner_of(a, state), bytes);
}

static const char *rejects_inner(const struct aggregate *a, const struct column *const *args,
                                 size_t row)
{
    return a->inner->rejects(a->inner, args, row);
}

/* A plain value of n bytes as the state of a single one. */
static void put_single(const struct aggregate *a, struct buf *out, const char *cell, size_t n)
{
    bool is_text = a->args[0].kind == TYPE_STRING, is_null = cell[0] != 0;
    if (!is_text) {
        buf_byte(out, !is_null);
        if (!is_null)
            buf_put(out, cell + 1, n - 1);
        return;
    }
    if (is_null) {
        buf_u32(out, UINT32_MAX);
        return;
    }
    size_t at = 1;
    while (cell[at++] & 0x80) {
    }
    buf_u32(out, (uint32_t)(n - at + 1));
    buf_put(out, cell + at, n - at);
    buf_byte(out, 0);
}

void aggregate_write_state(const struct aggregate *a, struct buf *out, char *state)
{
    if (!a->storage.is_simple) {
        a->write(a, out, &state, 0, 1);
        return;
    }
    AUTO_DONE(buf) cell = {0};
    a->write(a, &cell, &state, 0, 1);
    uint64_t count;
    if (strcmp(a->name, "count") == 0) {
        memcpy(&count, cell.p, 8);
        buf_varuint(out, count);
    } else if (strcmp(a->name, "sum") == 0) {
        buf_put(out, cell.p, cell.n);
    } else {
        put_single(a, out, cell.p, cell.n);
    }
}

/* The state of the inner aggregate that begins in `state`. */
static void write_inner(const struct aggregate *a, struct buf *out, char *state)
{
    aggregate_write_state(a->inner, out, state + a->combined.offset);
}

static void take_inner(struct aggregate *a, const struct aggregate *inner, size_t offset)
{
    a->inner = inner;
    a->combined.offset = (uint32_t)offset;
    a->state_bytes = offset + inner->state_bytes;
    a->is_fixed = inner->is_fixed;
    a->init = inner->init == NULL ? NULL : init_combined;
    a->done = inner->done == NULL ? NULL : done_inner;
    a->rejects = inner->rejects == NULL ? NULL : rejects_inner;
}

/* ---- seen or not ---- */

static void update_seen(const struct aggregate *a, const struct fold *f)
{
    struct fold in = inner_fold(a, f);
    for (size_t i = 0; i < f->n; i++)
        *(uint64_t *)fold_state(f, i) = 1;
    a->inner->update(a->inner, &in);
}

static void merge_seen(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    *(uint64_t *)into |= *(const uint64_t *)from;
    aggregate_merge(a->inner, inner_of(a, into), inner_of(a, (void *)from), bytes);
}

static void write_flag_first(const struct aggregate *a, struct buf *out, char *const *rows,
                             size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *state = rows[i] + offset;
        bool is_seen = *(uint64_t *)state != 0;
        buf_byte(out, is_seen);
        if (is_seen)
            write_inner(a, out, state);
    }
}

static void write_flag_last(const struct aggregate *a, struct buf *out, char *const *rows,
                            size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *state = rows[i] + offset;
        write_inner(a, out, state);
        buf_byte(out, *(uint64_t *)state != 0);
    }
}

static void name_nullable(struct aggregate *a)
{
    const struct aggregate_storage *s = &a->inner->storage;
    a->storage.result = s->result;
    if (s->result_name != NULL) {
        bool can_be = !str_starts(str_of(s->result_name), "Array(") &&
                      !str_starts(str_of(s->result_name), "Map(");
        a->storage.result_name =
            can_be ? arena_printf(a->arena, "Nullable(%s)", s->result_name) : s->result_name;
    } else if (s->result.kind != TYPE_ARRAY && s->result.kind != TYPE_MAP) {
        a->storage.result.is_nullable = true;
    }
}

enum err_code build_flagged(struct aggregate *a, const struct aggregate *inner, struct err *e)
{
    take_inner(a, inner, 8);
    name_nullable(a);
    a->update = update_seen;
    a->merge = merge_seen;
    a->write = write_flag_first;
    return storage_state(a, a->call, a->args, a->n_args, e);
}

/* ---- -ArgMin, -ArgMax ---- */

static struct type key_type(const struct aggregate *a)
{
    return a->args[a->n_args - 1];
}

static void arg_reset(const struct aggregate *a, void *state, size_t *bytes)
{
    aggregate_done(a->inner, inner_of(a, state), bytes);
    aggregate_init(a->inner, inner_of(a, state));
}

/* First the keys, which empty what is of no use any more; then the rows whose key stands. */
static void update_arg(const struct aggregate *a, const struct fold *f)
{
    const struct type t = key_type(a);
    const struct column *keys = f->args[a->n_args - 1];
    uint32_t pick[FOLD_ROWS], ids[FOLD_ROWS];
    bool has_won[FOLD_ROWS];
    struct fold in = inner_fold(a, f);

    for (size_t i = 0; i < f->n; i++) {
        char *state = fold_state(f, i);
        uint64_t *seen = (uint64_t *)state;
        has_won[i] =
            *seen == 0 || cell_row_wins(t, state + 8, keys, fold_row(f, i), a->combined.is_max);
        if (!has_won[i])
            continue;
        if (*seen != 0)
            arg_reset(a, state, f->bytes);
        *seen = 1;
        cell_set(t, state + 8, keys, fold_row(f, i), f->bytes);
    }
    in.n = 0;
    for (size_t i = 0; i < f->n; i++) {
        size_t row = fold_row(f, i);
        const char *cell = fold_state(f, i) + 8;
        /* A NaN equals nothing, but is kept where nothing else came. */
        bool stands =
            cell_row_equals(t, cell, keys, row) || (has_won[i] && !cell_equals(t, cell, cell));
        pick[in.n] = (uint32_t)row;
        ids[in.n] = f->ids[i];
        in.n += stands;
    }
    in.pick = pick;
    in.ids = ids;
    if (in.n > 0)
        a->inner->update(a->inner, &in);
}

static void merge_arg(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct type t = key_type(a);
    const char *other = (const char *)from + 8;
    uint64_t *seen = into;
    char *cell = (char *)into + 8;
    if (*(const uint64_t *)from == 0)
        return;
    if (*seen == 0 || cell_wins(t, cell, other, a->combined.is_max)) {
        if (*seen != 0)
            arg_reset(a, into, bytes);
        *seen = 1;
        cell_copy(t, cell, other, bytes);
    } else if (!cell_equals(t, cell, other)) {
        return;
    }
    aggregate_merge(a->inner, inner_of(a, into), inner_of(a, (void *)from), bytes);
}

static void done_arg(const struct aggregate *a, void *state, size_t *bytes)
{
    cell_done(key_type(a), (char *)state + 8, bytes);
    done_inner(a, state, bytes);
    *(uint64_t *)state = 0;
}

static void write_arg(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *state = rows[i] + offset;
        write_inner(a, out, state);
        cell_write_single(key_type(a), out, *(uint64_t *)state ? state + 8 : NULL);
    }
}

/* ---- building ---- */

static void build_arg(struct aggregate *a, const struct aggregate *inner, bool is_max)
{
    take_inner(a, inner, 8 + cell_bytes(key_type(a)));
    a->is_fixed &= cell_is_fixed(key_type(a));
    if (!a->is_fixed)
        a->done = done_arg;
    a->combined.is_max = is_max;
    a->storage.result = inner->storage.result;
    result_text(a, inner->storage.result_name);
    a->update = update_arg;
    a->merge = merge_arg;
    a->write = write_arg;
}

static void build_or(struct aggregate *a, const struct aggregate *inner, bool is_null)
{
    take_inner(a, inner, 8);
    if (is_null)
        name_nullable(a);
    else {
        a->storage.result = inner->storage.result;
        result_text(a, inner->storage.result_name);
    }
    a->update = update_seen;
    a->merge = merge_seen;
    a->write = write_flag_last;
}

enum err_code build_combined(struct aggregate *a, enum combinator c, const struct aggregate *inner,
                             const char *call, struct err *e)
{
    if (c == ARRAY || c == FOR_EACH || c == MAP)
        return build_many(a, c, inner, e);
    if ((c == ARG_MIN || c == ARG_MAX) && type_is_compound(key_type(a)))
        return refuse_type(a, key_type(a), e);
    if (c == ARG_MIN || c == ARG_MAX)
        build_arg(a, inner, c == ARG_MAX);
    else
        build_or(a, inner, c == OR_NULL);
    return storage_state(a, call, a->args, a->n_args, e);
}
