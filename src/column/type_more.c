/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors of compound types and enums. They are few, so a list under a lock is searched;
 * none is ever freed. What is in the list is read-only, so readers need no lock. */
#include "column/type.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "column/compound.h"
#include "column/type_priv.h"

struct entry {
    struct type_more more; /* first: what types point to */
    uint64_t hash;
    uint8_t kind;
    struct entry *next;
};

enum { SLOTS = 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *slots[SLOTS];
static struct arena memory; /* under `lock` */

static uint64_t hash_of(uint8_t kind, const struct type_more *m)
{
    uint64_t h = city_mix(kind, m->n);

    for (uint32_t i = 0; m->elements && i < m->n; i++) {
        struct type t = m->elements[i];
        h = city_mix(h, (uint64_t)t.kind << 40 | (uint64_t)t.scale << 32 |
                            (uint64_t)t.is_nullable << 31 | (uint64_t)t.is_low_cardinality << 30 |
                            t.size);
        h = city_mix(h, (uint64_t)(uintptr_t)t.more + (uint64_t)(uintptr_t)t.zone);
    }
    for (uint32_t i = 0; m->names && i < m->n; i++)
        h = city_mix(h, city_hash64(m->names[i].p, m->names[i].n));
    for (uint32_t i = 0; m->values && i < m->n; i++)
        h = city_mix(h, (uint64_t)(uint16_t)m->values[i]);
    return h;
}

static bool is_same(const struct type_more *a, const struct type_more *b)
{
    if (a->n != b->n || !a->elements != !b->elements || !a->names != !b->names)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if ((a->elements && !type_eq(a->elements[i], b->elements[i])) ||
            (a->names && !str_eq(a->names[i], b->names[i])) ||
            (a->values && a->values[i] != b->values[i]))
            return false;
    return true;
}

static uint32_t aligned(uint32_t at, uint32_t width)
{
    return (at + width - 1) & ~(width - 1);
}

static void lay_out(struct type_more *m)
{
    uint32_t *offsets = arena_alloc(&memory, (m->n + 1) * sizeof(*offsets)), at = 0;

    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t width = (uint32_t)type_width(m->elements[i]);
        offsets[i] = aligned(at, width);
        at = offsets[i] + width;
    }
    m->offsets = offsets;
    m->null_offset = at;
    m->bytes = at + m->n;
    char *image = arena_zero(&memory, m->bytes);
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->elements[i].is_nullable)
            image[m->null_offset + i] = 1;
        else
            value_default(m->elements[i], image + offsets[i]);
    }
    m->image = image;
}

static const struct type_more *copy_in(uint8_t kind, const struct type_more *m, uint64_t hash)
{
    struct entry *entry = arena_zero(&memory, sizeof(*entry));
    struct type *elements = arena_alloc(&memory, (m->n + 1) * sizeof(*elements));
    struct str *names = arena_alloc(&memory, (m->n + 1) * sizeof(*names));
    int16_t *values = arena_alloc(&memory, (m->n + 1) * sizeof(*values));

    for (uint32_t i = 0; i < m->n; i++) {
        if (m->elements)
            elements[i] = m->elements[i];
        if (m->names)
            names[i] = arena_str(&memory, m->names[i]);
        if (m->values)
            values[i] = m->values[i];
    }
    entry->more = (struct type_more){.n = m->n,
                                     .elements = m->elements ? elements : NULL,
                                     .names = m->names ? names : NULL,
                                     .values = m->values ? values : NULL};
    if (kind == TYPE_TUPLE)
        lay_out(&entry->more);
    entry->hash = hash;
    entry->kind = kind;
    entry->next = slots[hash % SLOTS];
    slots[hash % SLOTS] = entry;
    return &entry->more;
}

static const struct type_more *intern(uint8_t kind, const struct type_more *m)
{
    uint64_t hash = hash_of(kind, m);
    const struct type_more *ret = NULL;

    pthread_mutex_lock(&lock);
    for (const struct entry *e = slots[hash % SLOTS]; e && ret == NULL; e = e->next)
        if (e->hash == hash && e->kind == kind && is_same(&e->more, m))
            ret = &e->more;
    if (ret == NULL)
        ret = copy_in(kind, m, hash);
    pthread_mutex_unlock(&lock);
    return ret;
}

struct type type_array(struct type element)
{
    struct type_more m = {.n = 1, .elements = &element};

    return (struct type){.kind = TYPE_ARRAY, .more = intern(TYPE_ARRAY, &m)};
}

struct type type_map(struct type key, struct type value)
{
    struct type_more m = {.n = 2, .elements = (const struct type[]){key, value}};

    return (struct type){.kind = TYPE_MAP, .more = intern(TYPE_MAP, &m)};
}

struct type type_tuple(const struct type *elements, const struct str *names, uint32_t n)
{
    struct type_more m = {.n = n, .elements = elements, .names = names};

    return (struct type){.kind = TYPE_TUPLE, .more = intern(TYPE_TUPLE, &m)};
}

struct type type_decimal(uint32_t digits, uint8_t scale)
{
    return (struct type){.kind = TYPE_DECIMAL, .size = digits, .scale = scale};
}

static int by_value(const void *a, const void *b)
{
    const struct enum_item *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

enum err_code type_enum_intern(struct type *t, struct str text, struct enum_item *items, size_t n,
                               struct err *e)
{
    AUTO_MEM struct str *names = xmalloc((n + 1) * sizeof(*names)),
                        *sorted = xmalloc((n + 1) * sizeof(*sorted));
    AUTO_MEM int16_t *values = xmalloc((n + 1) * sizeof(*values));

    qsort(items, n, sizeof(*items), by_value);
    for (size_t i = 0; i < n; i++) {
        sorted[i] = names[i] = (struct str){text.p + items[i].at, items[i].n};
        values[i] = (int16_t)items[i].value;
        if (i && items[i - 1].value == items[i].value)
            return err_set(e, ERR_INVALID, "the enum has two names for %ld: '%.*s' and '%.*s'",
                           items[i].value, STR_FMT(names[i - 1]), STR_FMT(names[i]));
    }
    qsort(sorted, n, sizeof(*sorted), by_name);
    for (size_t i = 1; i < n; i++)
        if (str_eq(sorted[i - 1], sorted[i]))
            return err_set(e, ERR_INVALID, "the enum has '%.*s' twice", STR_FMT(sorted[i]));
    struct type_more m = {.n = (uint32_t)n, .names = names, .values = values};
    t->more = intern(t->kind, &m);
    return ERR_OK;
}

bool enum_name(struct type t, int64_t value, struct str *ret)
{
    const struct type_more *m = t.more;
    uint32_t low = 0, high = m->n;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (m->values[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == m->n || m->values[low] != value)
        return false;
    *ret = m->names[low];
    return true;
}

bool enum_value(struct type t, struct str name, int16_t *ret)
{
    for (uint32_t i = 0; i < t.more->n; i++) {
        if (str_eq(t.more->names[i], name)) {
            *ret = t.more->values[i];
            return true;
        }
    }
    return false;
}

int tuple_find(struct type t, struct str name)
{
    for (uint32_t i = 0; t.more->names && i < t.more->n; i++)
        if (str_eq(t.more->names[i], name))
            return (int)i;
    return -1;
}

bool type_may_be_nullable(struct type t)
{
    return !type_is_compound(t);
}

bool type_may_be_low_cardinality(struct type t)
{
    return type_is_text(t) || type_is_number(t) || t.kind == TYPE_DATE || t.kind == TYPE_DATE32 ||
           t.kind == TYPE_DATETIME || t.kind == TYPE_UUID || t.kind == TYPE_IPV4 ||
           t.kind == TYPE_IPV6;
}
