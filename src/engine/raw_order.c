/* SPDX-License-Identifier: Apache-2.0
 *
 * Stable radix passes from the last column of ORDER BY to the first, each skipped where the rows
 * are in order already (times mostly are). A text's key is its rank among the distinct texts of
 * the block. */
#include "engine/raw_order.h"

#include <xxhash.h>

#include "base/hash.h"

enum { MAX_TEXTS = 65535, DIGIT_BITS = 16, DIGITS = 1 << DIGIT_BITS };

/* Neighbours in order lie far apart in memory: enough misses must be under way at a time. */
enum { AHEAD = 24 };

static const struct column *column_of(const struct raw_order *o, uint64_t place, size_t column)
{
    return &o->pieces[place >> 32].part->columns[column];
}

/* ---- keys ---- */

struct texts {
    struct str *items;
    uint32_t *slots; /* number of the text + 1 */
    size_t n, mask;
};

/* The text's number, MAX_TEXTS where there are too many. */
static uint32_t text_number(struct texts *t, struct str s)
{
    size_t at = XXH3_64bits(s.p, s.n) & t->mask;
    while (t->slots[at] != 0) {
        if (str_eq(t->items[t->slots[at] - 1], s))
            return t->slots[at] - 1;
        at = (at + 1) & t->mask;
    }
    if (t->n == MAX_TEXTS)
        return MAX_TEXTS;
    t->items[t->n] = s;
    t->slots[at] = (uint32_t)++t->n;
    return (uint32_t)t->n - 1;
}

static int compare_texts(const void *a, const void *b)
{
    const struct str *x = *(const struct str *const *)a, *y = *(const struct str *const *)b;
    int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* Numbers in keys become ranks. */
static void rank_texts(const struct texts *t, uint64_t *keys, size_t n)
{
    AUTO_MEM const struct str **sorted = xmalloc((t->n + 1) * sizeof(*sorted));
    AUTO_MEM uint32_t *ranks = xmalloc((t->n + 1) * sizeof(*ranks));
    for (size_t i = 0; i < t->n; i++)
        sorted[i] = &t->items[i];
    qsort(sorted, t->n, sizeof(*sorted), compare_texts);
    for (size_t i = 0; i < t->n; i++)
        ranks[sorted[i] - t->items] = (uint32_t)i;
    for (size_t i = 0; i < n; i++)
        keys[i] = ranks[keys[i]];
}

static bool text_keys(const struct raw_order *o, size_t column, uint64_t *keys)
{
    size_t most = o->n < MAX_TEXTS ? o->n : MAX_TEXTS, slots = 64;
    while (slots < 2 * most)
        slots *= 2;
    AUTO_MEM struct str *items = xmalloc((most + 1) * sizeof(*items));
    AUTO_MEM uint32_t *table = xcalloc(slots, sizeof(*table));
    struct texts t = {.items = items, .slots = table, .mask = slots - 1};
    for (size_t i = 0; i < o->n; i++) {
        struct str s =
            COLUMN(column_of(o, o->places[i], column), struct str)[(uint32_t)o->places[i]];
        keys[i] = text_number(&t, s);
        if (keys[i] == MAX_TEXTS)
            return false;
    }
    rank_texts(&t, keys, o->n);
    return true;
}

static uint64_t float_key(uint64_t bits, unsigned width)
{
    uint64_t sign = (uint64_t)1 << (width * 8 - 1), all = sign | (sign - 1);
    return bits & sign ? ~bits & all : bits | sign;
}

/* A number as an unsigned one of the same order. */
static uint64_t number_key(const struct column *c, uint32_t row)
{
    size_t width = type_width(c->type);
    uint64_t v = 0;
    memcpy(&v, (const char *)c->values + (size_t)row * width, width);
    switch (c->type.kind) {
    case TYPE_FLOAT32:
    case TYPE_FLOAT64: return float_key(v, (unsigned)width);
    case TYPE_INT8:
    case TYPE_INT16:
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_DATE32:
    case TYPE_DECIMAL:
    case TYPE_ENUM8:
    case TYPE_ENUM16:
    case TYPE_DATETIME64: return v ^ (uint64_t)1 << (width * 8 - 1);
    default: return v;
    }
}

/* False: no cheap key. */
static bool fill_keys(const struct raw_order *o, size_t column, uint64_t *keys)
{
    struct type type = column_of(o, o->places[0], column)->type;
    if (type.is_nullable)
        return false;
    if (type_is_text(type))
        return text_keys(o, column, keys);
    if (type_width(type) > 8 || type_is_compound(type))
        return false;
    for (size_t i = 0; i < o->n; i++)
        keys[i] = number_key(column_of(o, o->places[i], column), (uint32_t)o->places[i]);
    return true;
}

/* ---- passes ---- */

static bool is_in_order(const uint64_t *keys, const uint32_t *at, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (keys[at[i - 1]] > keys[at[i]])
            return false;
    return true;
}

/* One digit: counts, then places. */
static void pass(const uint64_t *keys, unsigned shift, const uint32_t *from, uint32_t *to, size_t n,
                 uint32_t *counts)
{
    memset(counts, 0, DIGITS * sizeof(*counts));
    for (size_t i = 0; i < n; i++)
        counts[keys[i] >> shift & (DIGITS - 1)]++;
    uint32_t sum = 0;
    for (size_t d = 0; d < DIGITS; d++) {
        uint32_t count = counts[d];
        counts[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[counts[keys[from[i]] >> shift & (DIGITS - 1)]++] = from[i];
}

/* Sorts `at` by keys, keeping the order of equal ones. `spare` is as large; the result may lie
 * in either. */
static void sort_by(const uint64_t *keys, uint32_t **at, uint32_t **spare, size_t n,
                    uint32_t *counts)
{
    uint64_t varied = 0;
    for (size_t i = 1; i < n; i++)
        varied |= keys[i] ^ keys[0];
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        if ((varied >> shift & (DIGITS - 1)) == 0)
            continue;
        pass(keys, shift, *at, *spare, n, counts);
        uint32_t *swap = *at;
        *at = *spare;
        *spare = swap;
    }
}

static int column_named(const struct plan_raw *plan, const struct ast *key)
{
    for (size_t i = 0; key->kind == AST_NAME && i < plan->n_columns; i++)
        if (str_eq(plan->columns[i].name, key->text))
            return (int)i;
    return -1;
}

/* With places behind the end that may be looked at ahead: row 0 of piece 0. */
static uint64_t *new_places(size_t n)
{
    uint64_t *places = xmalloc((n + AHEAD) * sizeof(*places));
    memset(places + n, 0, AHEAD * sizeof(*places));
    return places;
}

static void apply(struct raw_order *o, const uint32_t *at)
{
    uint64_t *places = new_places(o->n);
    for (size_t i = 0; i < o->n; i++)
        places[i] = o->places[at[i]];
    free(o->places);
    o->places = places;
}

static void sort_rows(struct raw_order *o, const struct plan_raw *plan)
{
    AUTO_MEM uint64_t *keys = xmalloc(o->n * sizeof(*keys));
    AUTO_MEM uint32_t *counts = xmalloc(DIGITS * sizeof(*counts));
    AUTO_MEM uint32_t *first = xmalloc(o->n * sizeof(*first)),
                      *second = xmalloc(o->n * sizeof(*second));
    uint32_t *at = first, *spare = second;
    for (size_t i = 0; i < o->n; i++)
        at[i] = (uint32_t)i;
    for (size_t k = plan->keep->n_order_by; k-- > 0;) {
        int column = column_named(plan, plan->keep->order_by[k]);
        if (column < 0 || !fill_keys(o, (size_t)column, keys))
            return;
        if (!is_in_order(keys, at, o->n))
            sort_by(keys, &at, &spare, o->n, counts);
    }
    apply(o, at);
}

void raw_order_init(struct raw_order *o, const struct plan_raw *plan,
                    const struct raw_piece *pieces, size_t n_pieces)
{
    *o = (struct raw_order){.pieces = pieces,
                            .n_pieces = n_pieces,
                            .bases = xmalloc((n_pieces + 1) * sizeof(*o->bases))};
    for (size_t p = 0; p < n_pieces; p++)
        o->n += pieces[p].n;
    o->places = new_places(o->n);
    o->values = xmalloc((o->n + 1) * sizeof(struct str));
    o->nulls = xmalloc(o->n + 1);
    size_t at = 0;
    for (size_t p = 0; p < n_pieces; p++)
        for (size_t i = 0; i < pieces[p].n; i++)
            o->places[at++] = (uint64_t)p << 32 | pieces[p].rows[i];
    if (o->n > 1 && plan->keep->n_order_by > 0)
        sort_rows(o, plan);
}

void raw_order_done(struct raw_order *o)
{
    free(o->places);
    free(o->bases);
    free(o->values);
    free(o->nulls);
}

/* ---- picking ---- */

#define PICK(T)                                                                                    \
    for (size_t i = 0; i < o->n; i++) {                                                            \
        uint64_t place = places[i], next = places[i + AHEAD];                                      \
        __builtin_prefetch((const T *)bases[next >> 32] + (uint32_t)next);                         \
        ((T *)values)[i] = ((const T *)bases[place >> 32])[(uint32_t)place];                       \
    }                                                                                              \
    break

/* From the arrays at o->bases. */
static void pick(const struct raw_order *o, void *values, size_t width)
{
    const uint64_t *places = o->places;
    const void *const *bases = o->bases;
    switch (width) {
    case 1: PICK(uint8_t);
    case 2: PICK(uint16_t);
    case 4: PICK(uint32_t);
    case 8: PICK(uint64_t);
    default: PICK(struct u128); /* texts and IPv6 */
    }
}

struct column raw_order_pick(struct raw_order *o, size_t column)
{
    struct column ret = {.type = o->pieces[0].part->columns[column].type, .values = o->values};
    for (size_t p = 0; p < o->n_pieces; p++)
        o->bases[p] = o->pieces[p].part->columns[column].values;
    pick(o, o->values, type_width(ret.type));
    if (ret.type.is_nullable) {
        for (size_t p = 0; p < o->n_pieces; p++)
            o->bases[p] = o->pieces[p].part->columns[column].nulls;
        pick(o, o->nulls, 1);
        ret.nulls = o->nulls;
    }
    return ret;
}

struct column raw_order_pick_helper(struct raw_order *o, enum raw_helper helper)
{
    struct column ret = {.type = {.kind = helper == RAW_TIMES ? TYPE_DATETIME : TYPE_UINT64},
                         .values = o->values};
    for (size_t p = 0; p < o->n_pieces; p++) {
        const struct raw_part *part = o->pieces[p].part;
        o->bases[p] = helper == RAW_TIMES        ? (const void *)part->times
                      : helper == RAW_PARTITIONS ? part->partitions
                                                 : part->offsets;
    }
    pick(o, o->values, type_width(ret.type));
    return ret;
}
