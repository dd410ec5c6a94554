/* SPDX-License-Identifier: Apache-2.0
 *
 * Combinators over arrays and maps.
 *
 *   -Array     the inner state, fed with every element
 *   -ForEach   a state for each place: UInt64 n, n inner states
 *   -Map       a state for each key: varuint n, n * (key, inner state), in any order
 *
 * The last two are a pointer to struct many (NULL: nothing came). NULL elements are left out, as
 * ClickHouse does; arrays of one row that differ in length are rejected before. */
#include "aggregate/many.h"

#include "base/hash.h"
#include "column/compound.h"
#include "column/row_binary.h"

enum { FIRST_STATES = 4 };

/* ---- states ---- */

size_t many_bytes(const struct aggregate *a, const struct many *m)
{
    size_t each = a->inner->state_bytes;
    if (m->keys != NULL)
        each += sizeof(*m->keys) + 2 * sizeof(*m->slots);
    return sizeof(*m) + m->cap * each + m->bytes.cap;
}

char *many_state(const struct aggregate *a, const struct many *m, size_t i)
{
    return m->states + i * a->inner->state_bytes;
}

static void place_key(struct many *m, uint32_t i)
{
    size_t at = m->keys[i].hash;
    while (m->slots[at & (m->cap * 2 - 1)] != 0)
        at++;
    m->slots[at & (m->cap * 2 - 1)] = i + 1;
}

static void many_widen(const struct aggregate *a, struct many *m, uint32_t n)
{
    uint32_t cap = m->cap == 0 ? FIRST_STATES : m->cap;
    while (cap < n)
        cap *= 2;
    if (cap == m->cap)
        return;
    m->states = xrealloc(m->states, cap * a->inner->state_bytes);
    m->cap = cap;
    if (!a->many.has_keys)
        return;
    m->keys = xrealloc(m->keys, cap * sizeof(*m->keys));
    free(m->slots);
    m->slots = xcalloc(cap * 2, sizeof(*m->slots));
    for (uint32_t i = 0; i < m->n; i++)
        place_key(m, i);
}

/* At least n states; the new ones are empty. */
static void many_grow(const struct aggregate *a, struct many *m, uint32_t n)
{
    if (n > m->cap)
        many_widen(a, m, n);
    for (; m->n < n; m->n++)
        aggregate_init(a->inner, many_state(a, m, m->n));
}

uint32_t many_find(const struct aggregate *a, struct many *m, struct str key)
{
    uint64_t hash = city_hash64(key.p, key.n);
    if (m->cap > 0) {
        for (size_t at = hash;; at++) {
            uint32_t slot = m->slots[at & (m->cap * 2 - 1)];
            if (slot == 0)
                break;
            const struct many_key *k = &m->keys[slot - 1];
            if (k->hash == hash && str_eq((struct str){m->bytes.p + k->at, k->n}, key))
                return slot - 1;
        }
    }
    uint32_t i = m->n;
    many_grow(a, m, i + 1);
    m->keys[i] = (struct many_key){hash, m->bytes.n, (uint32_t)key.n};
    buf_str(&m->bytes, key);
    place_key(m, i);
    return i;
}

struct many *many_of(const struct aggregate *a, void *state, size_t *bytes)
{
    struct many **at = state;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof(**at));
        *bytes += many_bytes(a, *at);
    }
    return *at;
}

/* ---- elements as rows ---- */

struct element_rows {
    struct elements args[AGGREGATE_MAX_ARGS];
    struct column columns[AGGREGATE_MAX_ARGS];
    const struct column *list[AGGREGATE_MAX_ARGS];
    uint32_t n; /* of the shortest */
};

static void elements_of_row(const struct aggregate *a, const struct fold *f, size_t row,
                            struct element_rows *r)
{
    r->n = UINT32_MAX;
    for (size_t k = 0; k < a->n_args; k++) {
        const struct column *c = f->args[k];
        r->args[k] = array_elements(c->type, (const char *)c->values + row * type_width(c->type));
        r->columns[k] = (struct column){.type = type_plain(r->args[k].type),
                                        .values = (void *)r->args[k].values};
        r->list[k] = &r->columns[k];
        if (r->args[k].n < r->n)
            r->n = r->args[k].n;
    }
}

static bool has_null(const struct aggregate *a, const struct element_rows *r, uint32_t i)
{
    for (size_t k = 0; k < a->n_args; k++)
        if (element_is_null(&r->args[k], i))
            return true;
    return false;
}

/* Folds the elements: element i into state ids_of[i], or all into the first if ids_of is NULL. */
static void fold_elements(const struct aggregate *a, const struct element_rows *r, char *states,
                          const uint32_t *ids_of, size_t *bytes)
{
    uint32_t pick[FOLD_ROWS], ids[FOLD_ROWS];
    struct fold in = {.rows = states,
                      .stride = a->inner->state_bytes,
                      .ids = ids,
                      .pick = pick,
                      .args = r->list,
                      .bytes = bytes};
    for (uint32_t at = 0; at < r->n;) {
        in.n = 0;
        for (; at < r->n && in.n < FOLD_ROWS; at++) {
            if (has_null(a, r, at))
                continue;
            pick[in.n] = at;
            ids[in.n++] = ids_of == NULL ? 0 : ids_of[at];
        }
        if (in.n > 0)
            a->inner->update(a->inner, &in);
    }
}

/* ---- -Array ---- */

static void update_array(const struct aggregate *a, const struct fold *f)
{
    struct element_rows r;
    for (size_t i = 0; i < f->n; i++) {
        elements_of_row(a, f, fold_row(f, i), &r);
        fold_elements(a, &r, fold_state(f, i), NULL, f->bytes);
    }
}

static void merge_array(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    aggregate_merge(a->inner, into, from, bytes);
}

static void init_array(const struct aggregate *a, void *state)
{
    aggregate_init(a->inner, state);
}

static void done_array(const struct aggregate *a, void *state, size_t *bytes)
{
    aggregate_done(a->inner, state, bytes);
}

static void write_array(const struct aggregate *a, struct buf *out, char *const *rows,
                        size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++)
        aggregate_write_state(a->inner, out, rows[i] + offset);
}

/* ---- -ForEach, -Map ---- */

/* Numbers of the row's states, one an element; grows `room`. */
static const uint32_t *find_states(const struct aggregate *a, struct many *m, struct buf *room,
                                   const struct fold *f, size_t row, uint32_t n)
{
    uint32_t *ids = (uint32_t *)buf_reserve(room, n * sizeof(uint32_t));
    if (!a->many.has_keys) {
        many_grow(a, m, n);
        for (uint32_t i = 0; i < n; i++)
            ids[i] = i;
        return ids;
    }
    const struct column *c = f->args[0];
    struct elements keys = map_keys(c->type, (const char *)c->values + row * type_width(c->type));
    AUTO_DONE(buf) key = {0};
    for (uint32_t i = 0; i < n; i++) {
        buf_reset(&key);
        if (keys.type.kind == TYPE_FIXED_STRING) /* as any text */
            buf_varuint(&key, keys.type.size);
        row_binary_put(&key, keys.type, element_at(&keys, i));
        ids[i] = many_find(a, m, buf_view(&key));
    }
    return ids;
}

static void update_many(const struct aggregate *a, const struct fold *f)
{
    struct element_rows r;
    AUTO_DONE(buf) room = {0};
    for (size_t i = 0; i < f->n; i++) {
        size_t row = fold_row(f, i);
        elements_of_row(a, f, row, &r);
        struct many *m = many_of(a, fold_state(f, i), f->bytes);
        if (r.n == 0)
            continue;
        *f->bytes -= many_bytes(a, m);
        const uint32_t *ids = find_states(a, m, &room, f, row, r.n);
        *f->bytes += many_bytes(a, m);
        fold_elements(a, &r, m->states, ids, f->bytes);
    }
}

void many_merge(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct many *other = *(struct many *const *)from;
    if (other == NULL)
        return;
    struct many *m = many_of(a, into, bytes);
    for (uint32_t i = 0; i < other->n; i++) {
        uint32_t to = i;
        *bytes -= many_bytes(a, m);
        if (a->many.has_keys)
            to =
                many_find(a, m, (struct str){other->bytes.p + other->keys[i].at, other->keys[i].n});
        else
            many_grow(a, m, i + 1);
        *bytes += many_bytes(a, m);
        aggregate_merge(a->inner, many_state(a, m, to), many_state(a, other, i), bytes);
    }
}

void many_done(const struct aggregate *a, void *state, size_t *bytes)
{
    struct many *m = *(struct many **)state;
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->n; i++)
        aggregate_done(a->inner, many_state(a, m, i), bytes);
    *bytes -= many_bytes(a, m);
    free(m->states);
    free(m->keys);
    free(m->slots);
    buf_done(&m->bytes);
    free(m);
    *(struct many **)state = NULL;
}

static void write_many(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct many *m = *(struct many *const *)(rows[i] + offset);
        uint32_t count = m == NULL ? 0 : m->n;
        if (a->many.has_keys)
            buf_varuint(out, count);
        else
            buf_u64(out, count);
        for (uint32_t k = 0; k < count; k++) {
            if (a->many.has_keys)
                buf_put(out, m->bytes.p + m->keys[k].at, m->keys[k].n);
            aggregate_write_state(a->inner, out, many_state(a, m, k));
        }
    }
}

const char *rejects_lengths(const struct aggregate *a, const struct column *const *args, size_t row)
{
    size_t width = sizeof(struct array_value);
    for (size_t k = 1; k < a->n_args; k++) {
        struct elements x =
            array_elements(args[0]->type, (const char *)args[0]->values + row * width);
        struct elements y =
            array_elements(args[k]->type, (const char *)args[k]->values + row * width);
        if (x.n != y.n)
            return "arrays of different length";
    }
    return NULL;
}

/* An element that the inner aggregate must not see. */
static const char *rejects_element(const struct aggregate *a, const struct column *const *args,
                                   size_t row)
{
    const char *why = rejects_lengths(a, args, row);
    struct fold f = {.args = args};
    struct element_rows r;
    if (why != NULL || a->inner->rejects == NULL)
        return why;
    elements_of_row(a, &f, row, &r);
    for (uint32_t i = 0; i < r.n; i++) {
        why = has_null(a, &r, i) ? NULL : a->inner->rejects(a->inner, r.list, i);
        if (why != NULL)
            return why;
    }
    return NULL;
}

/* ---- building ---- */

static const char *inner_result(const struct aggregate *a)
{
    if (a->inner->storage.result_name != NULL)
        return a->inner->storage.result_name;
    AUTO_DONE(buf) text = {0};
    type_print(&text, a->inner->storage.result);
    return arena_text(a->arena, buf_view(&text));
}

enum err_code build_many(struct aggregate *a, enum combinator c, const struct aggregate *inner,
                         struct err *e)
{
    a->inner = inner;
    a->rejects = inner->rejects == NULL && a->n_args < 2 ? NULL : rejects_element;
    if (c == ARRAY) {
        a->storage.result = inner->storage.result;
        a->storage.result_name = inner->storage.result_name;
        a->state_bytes = inner->state_bytes;
        a->is_fixed = inner->is_fixed;
        a->init = inner->init == NULL ? NULL : init_array;
        a->done = inner->done == NULL ? NULL : done_array;
        a->update = update_array;
        a->merge = merge_array;
        a->write = write_array;
        return storage_state(a, a->call, a->args, a->n_args, e);
    }
    a->many.has_keys = c == MAP;
    a->state_bytes = sizeof(struct many *);
    a->is_fixed = false;
    a->update = update_many;
    a->merge = many_merge;
    a->done = many_done;
    a->write = write_many;
    if (c == MAP) {
        AUTO_DONE(buf) key = {0};
        type_print(&key, type_element(a->args[0], 0));
        a->storage.result_name =
            arena_printf(a->arena, "Map(%s, %s)", buf_cstr(&key), inner_result(a));
    } else {
        a->storage.result_name = arena_printf(a->arena, "Array(%s)", inner_result(a));
    }
    return storage_state(a, a->call, a->args, a->n_args, e);
}
