/* SPDX-License-Identifier: Apache-2.0
 *
 * groupUniqArray: the distinct values, at most `most` of them.
 *
 *   in memory   pointer to a set of numbers (struct distinct) or of texts; NULL: nothing came
 *   written     varuint n, n values in any order: numbers, dates and IPv4 as they are, strings and
 *               other types with their length before them; arrays and maps are such texts
 *
 * Floats differ by their bits. */
#include "aggregate/distinct.h"
#include "aggregate/row_memory.h"
#include "column/compound.h"

enum { FIRST_SLOTS = 8 };

/* A set of byte strings. A slot holds number + 1 of an item; 0: free. */
struct text_item {
    uint64_t hash, at;
    uint32_t n;
};

struct texts {
    uint32_t n, cap; /* slots: a power of two; items have room for 3/4 of it */
    uint32_t *slots;
    struct text_item *items;
    struct buf bytes;
};

static bool is_text(const struct aggregate *a)
{
    return type_is_text(a->args[0]) || type_is_compound(a->args[0]);
}

static unsigned set_width(const struct aggregate *a)
{
    size_t width = type_width(a->args[0]);
    return width < 4 ? 4 : (unsigned)width;
}

static bool has_length(struct type t)
{
    return t.kind == TYPE_IPV6 || t.kind == TYPE_DATETIME64 || t.kind == TYPE_DATE32 ||
           t.kind == TYPE_UUID || t.kind == TYPE_DECIMAL;
}

/* ---- texts ---- */

static size_t texts_bytes(const struct texts *s)
{
    return sizeof(*s) + s->cap * sizeof(uint32_t) + s->cap / 4 * 3 * sizeof(struct text_item) +
           s->bytes.cap;
}

static void texts_resize(struct texts *s, uint32_t cap)
{
    free(s->slots);
    s->slots = xcalloc(cap, sizeof(uint32_t));
    s->items = xrealloc(s->items, cap / 4 * 3 * sizeof(struct text_item));
    s->cap = cap;
    for (uint32_t i = 0; i < s->n; i++) {
        size_t at = s->items[i].hash;
        while (s->slots[at & (cap - 1)] != 0)
            at++;
        s->slots[at & (cap - 1)] = i + 1;
    }
}

static void texts_add(struct texts *s, struct str v, uint64_t hash)
{
    size_t at = hash;
    for (;; at++) {
        uint32_t slot = s->slots[at & (s->cap - 1)];
        if (slot == 0)
            break;
        const struct text_item *t = &s->items[slot - 1];
        if (t->hash == hash && str_eq((struct str){s->bytes.p + t->at, t->n}, v))
            return;
    }
    if (s->n == s->cap / 4 * 3) {
        texts_resize(s, s->cap * 2);
        texts_add(s, v, hash);
        return;
    }
    s->items[s->n] = (struct text_item){hash, s->bytes.n, (uint32_t)v.n};
    buf_str(&s->bytes, v);
    s->slots[at & (s->cap - 1)] = ++s->n;
}

static void add_text(const struct aggregate *a, void *state, struct str v, size_t *bytes)
{
    struct texts **at = state;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof(**at));
        texts_resize(*at, FIRST_SLOTS);
        *bytes += texts_bytes(*at);
    }
    if ((*at)->n >= a->array.most)
        return;
    *bytes -= texts_bytes(*at);
    texts_add(*at, v, city_hash64(v.p, v.n));
    *bytes += texts_bytes(*at);
}

static void update_compounds(const struct aggregate *a, const struct fold *f)
{
    struct type t = a->args[0];
    size_t count = row_memory_is_plain(t) ? sizeof(uint64_t) : 0, width = type_width(t);
    AUTO_DONE(buf) run = {0};
    for (size_t i = 0; i < f->n; i++) {
        buf_reset(&run);
        row_memory_put(&run, t, (const char *)f->args[0]->values + fold_row(f, i) * width);
        add_text(a, fold_state(f, i), (struct str){run.p + count, run.n - count}, f->bytes);
    }
}

static void update_texts(const struct aggregate *a, const struct fold *f)
{
    const struct type t = a->args[0];
    for (size_t i = 0; i < f->n; i++) {
        struct str v = COLUMN(f->args[0], struct str)[fold_row(f, i)];
        add_text(a, fold_state(f, i), t.kind == TYPE_STRING ? v : fixed_string(t, v), f->bytes);
    }
}

static void merge_texts(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct texts *s = *(struct texts *const *)from;
    for (uint32_t i = 0; s != NULL && i < s->n; i++)
        add_text(a, into, (struct str){s->bytes.p + s->items[i].at, s->items[i].n}, bytes);
}

static void done_texts(const struct aggregate *a, void *state, size_t *bytes)
{
    struct texts *s = *(struct texts **)state;
    if (s == NULL)
        return;
    *bytes -= texts_bytes(s);
    free(s->slots);
    free(s->items);
    buf_done(&s->bytes);
    free(s);
    *(struct texts **)state = NULL;
}

static void write_texts(struct buf *out, const struct texts *s)
{
    buf_varuint(out, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        buf_varuint(out, s->items[i].n);
        buf_put(out, s->bytes.p + s->items[i].at, s->items[i].n);
    }
}

/* ---- numbers ---- */

static void add_number(const struct aggregate *a, void *state, struct u128 key, size_t *bytes)
{
    struct distinct **at = state;
    if (*at == NULL || (*at)->n < a->array.most)
        distinct_add(at, key, set_width(a), bytes);
}

static void update_numbers(const struct aggregate *a, const struct fold *f)
{
    size_t width = type_width(a->args[0]);
    const char *values = f->args[0]->values;
    for (size_t i = 0; i < f->n; i++) {
        struct u128 key = {0};
        memcpy(&key, values + fold_row(f, i) * width, width);
        add_number(a, fold_state(f, i), key, f->bytes);
    }
}

static void merge_numbers(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct distinct *set = *(struct distinct *const *)from;
    struct u128 key;
    if (set == NULL)
        return;
    if (set->has_zero)
        add_number(a, into, (struct u128){0}, bytes);
    for (size_t i = 0; i < set->cap; i++)
        if (distinct_slot(set, i, set_width(a), &key))
            add_number(a, into, key, bytes);
}

static void done_numbers(const struct aggregate *a, void *state, size_t *bytes)
{
    distinct_free(state, set_width(a), bytes);
}

static void write_number(const struct aggregate *a, struct buf *out, struct u128 key)
{
    size_t width = type_width(a->args[0]);
    if (has_length(a->args[0]))
        buf_varuint(out, width);
    buf_put(out, &key, width);
}

static void write_numbers(const struct aggregate *a, struct buf *out, const struct distinct *set)
{
    struct u128 key;
    buf_varuint(out, set->n);
    if (set->has_zero)
        write_number(a, out, (struct u128){0});
    for (size_t i = 0; i < set->cap; i++)
        if (distinct_slot(set, i, set_width(a), &key))
            write_number(a, out, key);
}

static void write_array(const struct aggregate *a, struct buf *out, char *const *rows,
                        size_t offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const void *set = *(void *const *)(rows[i] + offset);
        if (set == NULL)
            buf_byte(out, 0);
        else if (is_text(a))
            write_texts(out, set);
        else
            write_numbers(a, out, set);
    }
}

/* ---- building ---- */

enum err_code build_uniq_array(struct aggregate *a, const struct aggregate_request *q,
                               struct err *e)
{
    double most = (double)UINT32_MAX;
    if (q->n_params > 0 && (!parse_number(&most, q->params[0]) || !(most >= 1) ||
                            most > (double)UINT32_MAX || most != (double)(uint32_t)most))
        return err_set(e, ERR_INVALID, "the parameter of %s must be a number of values, not %.*s",
                       a->name, STR_FMT(q->params[0]));
    a->array.most = (uint64_t)most;
    result_array(a, a->args[0]);
    a->is_fixed = false;
    a->state_bytes = sizeof(void *);
    a->update = type_is_compound(a->args[0]) ? update_compounds
                : is_text(a)                 ? update_texts
                                             : update_numbers;
    a->merge = is_text(a) ? merge_texts : merge_numbers;
    a->done = is_text(a) ? done_texts : done_numbers;
    a->write = write_array;
    return storage_state(a, q->call, a->args, 1, e);
}
