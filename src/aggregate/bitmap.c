/* SPDX-License-Identifier: Apache-2.0
 *
 * groupBitmap: up to 32 integers in the order they came, then a Roaring bitmap: the low 16 bits of
 * values with the same upper ones lie in one container, a sorted array of up to 4,096 or a bit set.
 *
 *   in memory   pointer to struct bitmap; NULL: nothing came
 *   written     byte 0, varuint n, n values in their own width
 *               byte 1, varuint bytes, then for types of up to 32 bits one map; of 64 bits UInt64 maps,
 *               and UInt32 upper half, map for each in ascending order
 *   map         the portable Roaring format: containers are written as runs where that is shorter
 *
 * Values of up to 32 bits are taken as 32 bits, sign-extended. */
#include "aggregate/aggregate_priv.h"

enum {
    SMALL = 32,
    MOST_ARRAY = 4096,
    FIRST_ARRAY = 8,
    BITSET_BYTES = 8192,
    BITSET_WORDS = BITSET_BYTES / 8,
    COOKIE_PLAIN = 12346,
    COOKIE_RUNS = 12347,
    OFFSETS_FROM = 4, /* with runs, so many containers have offsets */
};

struct container {
    uint16_t key;
    uint32_t n;
    uint32_t cap; /* of the array; 0: bit set */
    void *data;
};

struct map32 {
    uint32_t high;
    uint32_t n, cap;
    struct container *containers; /* by key */
};

struct bitmap {
    bool is_large;
    uint32_t n, cap; /* small values, or maps */
    uint64_t small[SMALL];
    struct map32 *maps; /* by high */
};

/* ---- containers ---- */

static void to_bitset(struct container *c, size_t *bytes)
{
    uint64_t *words = xcalloc(BITSET_WORDS, 8);
    const uint16_t *values = c->data;
    for (size_t i = 0; i < c->n; i++)
        words[values[i] / 64] |= (uint64_t)1 << values[i] % 64;
    *bytes += BITSET_BYTES;
    *bytes -= c->cap * sizeof(uint16_t);
    free(c->data);
    c->data = words;
    c->cap = 0;
}

static void container_add(struct container *c, uint16_t value, size_t *bytes)
{
    if (c->data != NULL && c->cap == 0) {
        uint64_t *word = (uint64_t *)c->data + value / 64, bit = (uint64_t)1 << value % 64;
        c->n += (*word & bit) == 0;
        *word |= bit;
        return;
    }
    uint16_t *values = c->data;
    uint32_t from = 0, to = c->n;
    if (c->n > 0 && values[c->n - 1] < value)
        from = c->n;
    while (from < to) {
        uint32_t mid = (from + to) / 2;
        if (values[mid] < value)
            from = mid + 1;
        else
            to = mid;
    }
    if (from < c->n && values[from] == value)
        return;
    if (c->n == MOST_ARRAY) {
        to_bitset(c, bytes);
        container_add(c, value, bytes);
        return;
    }
    if (c->n == c->cap) {
        uint32_t cap = c->cap == 0 ? FIRST_ARRAY : c->cap * 2;
        c->data = values = xrealloc(values, cap * sizeof(uint16_t));
        *bytes += (cap - c->cap) * sizeof(uint16_t);
        c->cap = cap;
    }
    memmove(values + from + 1, values + from, (c->n - from) * sizeof(uint16_t));
    values[from] = value;
    c->n++;
}

static size_t container_bytes(const struct container *c)
{
    return c->cap == 0 ? BITSET_BYTES : c->cap * sizeof(uint16_t);
}

/* ---- maps ---- */

/* Room for one more item at `at` of an array of n. */
static void *open_gap(void *items, uint32_t n, uint32_t *cap, uint32_t at, size_t width,
                      size_t *bytes)
{
    if (n == *cap) {
        uint32_t bigger = *cap == 0 ? 1 : *cap * 2;
        items = xrealloc(items, bigger * width);
        *bytes += (bigger - *cap) * width;
        *cap = bigger;
    }
    char *gap = (char *)items + at * width;
    memmove(gap + width, gap, (n - at) * width);
    memset(gap, 0, width);
    return items;
}

static struct container *container_of(struct map32 *m, uint16_t key, size_t *bytes)
{
    uint32_t from = 0, to = m->n;
    while (from < to) {
        uint32_t mid = (from + to) / 2;
        if (m->containers[mid].key < key)
            from = mid + 1;
        else
            to = mid;
    }
    if (from == m->n || m->containers[from].key != key) {
        m->containers = open_gap(m->containers, m->n, &m->cap, from, sizeof(*m->containers), bytes);
        m->containers[from].key = key;
        m->n++;
    }
    return &m->containers[from];
}

static struct map32 *map_of(struct bitmap *b, uint32_t high, size_t *bytes)
{
    uint32_t from = 0, to = b->n;
    while (from < to) {
        uint32_t mid = (from + to) / 2;
        if (b->maps[mid].high < high)
            from = mid + 1;
        else
            to = mid;
    }
    if (from == b->n || b->maps[from].high != high) {
        b->maps = open_gap(b->maps, b->n, &b->cap, from, sizeof(*b->maps), bytes);
        b->maps[from].high = high;
        b->n++;
    }
    return &b->maps[from];
}

static void large_add(struct bitmap *b, uint64_t value, size_t *bytes)
{
    struct map32 *m = map_of(b, (uint32_t)(value >> 32), bytes);
    container_add(container_of(m, (uint16_t)(value >> 16), bytes), (uint16_t)value, bytes);
}

static void to_large(struct bitmap *b, size_t *bytes)
{
    uint32_t n = b->n;
    b->n = 0;
    b->is_large = true;
    for (uint32_t i = 0; i < n; i++)
        large_add(b, b->small[i], bytes);
}

static void bitmap_add(struct bitmap *b, uint64_t value, size_t *bytes)
{
    if (!b->is_large) {
        for (uint32_t i = 0; i < b->n; i++)
            if (b->small[i] == value)
                return;
        if (b->n < SMALL) {
            b->small[b->n++] = value;
            return;
        }
        to_large(b, bytes);
    }
    large_add(b, value, bytes);
}

static struct bitmap *bitmap_of(void *state, size_t *bytes)
{
    struct bitmap **at = state;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof(**at));
        *bytes += sizeof(**at);
    }
    return *at;
}

/* ---- as an aggregate ---- */

static uint64_t value_at(enum type_kind kind, const void *values, size_t row)
{
    switch (kind) {
    case TYPE_BOOL:
    case TYPE_UINT8: return ((const uint8_t *)values)[row];
    case TYPE_INT8: return (uint32_t)((const int8_t *)values)[row];
    case TYPE_UINT16: return ((const uint16_t *)values)[row];
    case TYPE_INT16: return (uint32_t)((const int16_t *)values)[row];
    case TYPE_UINT32:
    case TYPE_INT32: return ((const uint32_t *)values)[row];
    default: return ((const uint64_t *)values)[row];
    }
}

static void update_bitmap(const struct aggregate *a, const struct fold *f)
{
    enum type_kind kind = a->args[0].kind;
    for (size_t i = 0; i < f->n; i++)
        bitmap_add(bitmap_of(fold_state(f, i), f->bytes),
                   value_at(kind, f->args[0]->values, fold_row(f, i)), f->bytes);
}

static void merge_container(struct container *into, const struct container *from, size_t *bytes)
{
    if (from->cap > 0) {
        for (size_t i = 0; i < from->n; i++)
            container_add(into, ((const uint16_t *)from->data)[i], bytes);
        return;
    }
    if (into->data == NULL || into->cap > 0)
        to_bitset(into, bytes);
    uint64_t *x = into->data;
    const uint64_t *y = from->data;
    into->n = 0;
    for (size_t i = 0; i < BITSET_WORDS; i++) {
        x[i] |= y[i];
        into->n += (uint32_t)__builtin_popcountll(x[i]);
    }
}

static void merge_bitmap(const struct aggregate *a, void *into, const void *from, size_t *bytes)
{
    const struct bitmap *other = *(struct bitmap *const *)from;
    if (other == NULL)
        return;
    struct bitmap *b = bitmap_of(into, bytes);
    if (!other->is_large) {
        for (uint32_t i = 0; i < other->n; i++)
            bitmap_add(b, other->small[i], bytes);
        return;
    }
    if (!b->is_large)
        to_large(b, bytes);
    for (uint32_t m = 0; m < other->n; m++) {
        const struct map32 *map = &other->maps[m];
        for (uint32_t c = 0; c < map->n; c++)
            merge_container(
                container_of(map_of(b, map->high, bytes), map->containers[c].key, bytes),
                &map->containers[c], bytes);
    }
}

static void done_bitmap(const struct aggregate *a, void *state, size_t *bytes)
{
    struct bitmap *b = *(struct bitmap **)state;
    if (b == NULL)
        return;
    for (uint32_t m = 0; b->is_large && m < b->n; m++) {
        struct map32 *map = &b->maps[m];
        for (uint32_t c = 0; c < map->n; c++) {
            *bytes -= container_bytes(&map->containers[c]);
            free(map->containers[c].data);
        }
        *bytes -= map->cap * sizeof(*map->containers);
        free(map->containers);
    }
    *bytes -= sizeof(*b) + b->cap * sizeof(*b->maps);
    free(b->maps);
    free(b);
    *(struct bitmap **)state = NULL;
}

/* ---- writing ---- */

static uint32_t count_runs(const struct container *c)
{
    uint32_t n = 0;
    if (c->cap > 0) {
        const uint16_t *values = c->data;
        for (uint32_t i = 0; i < c->n; i++)
            n += i == 0 || values[i] != values[i - 1] + 1;
        return n;
    }
    const uint64_t *words = c->data;
    uint64_t before = 0; /* the bit below */
    for (size_t i = 0; i < BITSET_WORDS; i++) {
        n += (uint32_t)__builtin_popcountll(words[i] & ~(words[i] << 1 | before));
        before = words[i] >> 63;
    }
    return n;
}

/* Bytes of the container without runs. */
static size_t plain_bytes(const struct container *c)
{
    return c->n <= MOST_ARRAY ? c->n * 2 : BITSET_BYTES;
}

static size_t run_bytes(uint32_t n_runs)
{
    return 2 + 4 * (size_t)n_runs;
}

/* An array costs two bytes more than its values when it is weighed against runs. */
static bool is_shorter_as_runs(const struct container *c, uint32_t n_runs)
{
    return run_bytes(n_runs) < plain_bytes(c) + (c->n <= MOST_ARRAY ? 2 : 0);
}

/* The next value of the container from `at` on; 65,536 if there is none. */
static uint32_t next_set(const uint64_t *words, uint32_t at, bool is_set)
{
    while (at < 65536) {
        uint64_t w = (is_set ? words[at / 64] : ~words[at / 64]) >> at % 64;
        if (w != 0)
            return at + (uint32_t)__builtin_ctzll(w);
        at = (at / 64 + 1) * 64;
    }
    return 65536;
}

static void put_runs(struct buf *out, const struct container *c, uint32_t n_runs)
{
    buf_u16(out, (uint16_t)n_runs);
    if (c->cap > 0) {
        const uint16_t *values = c->data;
        for (uint32_t i = 0; i < c->n;) {
            uint32_t first = i;
            while (++i < c->n && values[i] == values[i - 1] + 1) {
            }
            buf_u16(out, values[first]);
            buf_u16(out, (uint16_t)(i - first - 1));
        }
        return;
    }
    for (uint32_t at = 0; (at = next_set(c->data, at, true)) < 65536;) {
        uint32_t end = next_set(c->data, at, false);
        buf_u16(out, (uint16_t)at);
        buf_u16(out, (uint16_t)(end - at - 1));
        at = end;
    }
}

static void put_container(struct buf *out, const struct container *c)
{
    if (c->cap > 0) {
        buf_put(out, c->data, c->n * 2);
    } else {
        buf_put(out, c->data, BITSET_BYTES);
    }
}

static void put_map(struct buf *out, const struct map32 *m)
{
    AUTO_MEM uint32_t *runs = xcalloc(m->n, sizeof(*runs)); /* 0: not as runs */
    bool has_runs = false;
    for (uint32_t c = 0; c < m->n; c++) {
        uint32_t n = count_runs(&m->containers[c]);
        runs[c] = is_shorter_as_runs(&m->containers[c], n) ? n : 0;
        has_runs |= runs[c] > 0;
    }
    size_t start = out->n;
    if (has_runs) {
        buf_u32(out, COOKIE_RUNS | (m->n - 1) << 16);
        for (uint32_t c = 0; c < m->n; c += 8) {
            uint8_t flags = 0;
            for (uint32_t k = c; k < m->n && k < c + 8; k++)
                flags |= (uint8_t)((runs[k] > 0) << (k - c));
            buf_byte(out, flags);
        }
    } else {
        buf_u32(out, COOKIE_PLAIN);
        buf_u32(out, m->n);
    }
    for (uint32_t c = 0; c < m->n; c++) {
        buf_u16(out, m->containers[c].key);
        buf_u16(out, (uint16_t)(m->containers[c].n - 1));
    }
    if (!has_runs || m->n >= OFFSETS_FROM) {
        size_t at = out->n - start + (size_t)m->n * 4;
        for (uint32_t c = 0; c < m->n; c++) {
            buf_u32(out, (uint32_t)at);
            at += runs[c] > 0 ? run_bytes(runs[c]) : plain_bytes(&m->containers[c]);
        }
    }
    for (uint32_t c = 0; c < m->n; c++) {
        if (runs[c] > 0)
            put_runs(out, &m->containers[c], runs[c]);
        else
            put_container(out, &m->containers[c]);
    }
}

static void put_large(const struct aggregate *a, struct buf *out, const struct bitmap *b)
{
    AUTO_DONE(buf) maps = {0};
    if (type_width(a->args[0]) == 8) {
        buf_u64(&maps, b->n);
        for (uint32_t m = 0; m < b->n; m++) {
            buf_u32(&maps, b->maps[m].high);
            put_map(&maps, &b->maps[m]);
        }
    } else {
        put_map(&maps, &b->maps[0]);
    }
    buf_byte(out, 1);
    buf_varuint(out, maps.n);
    buf_put(out, maps.p, maps.n);
}

static void write_bitmap(const struct aggregate *a, struct buf *out, char *const *rows,
                         size_t offset, size_t n)
{
    size_t width = type_width(a->args[0]);
    for (size_t i = 0; i < n; i++) {
        const struct bitmap *b = *(struct bitmap *const *)(rows[i] + offset);
        if (b != NULL && b->is_large) {
            put_large(a, out, b);
            continue;
        }
        buf_byte(out, 0);
        buf_varuint(out, b == NULL ? 0 : b->n);
        for (uint32_t k = 0; b != NULL && k < b->n; k++)
            buf_put(out, &b->small[k], width);
    }
}

enum err_code build_bitmap(struct aggregate *a, const struct aggregate_request *q, struct err *e)
{
    struct type t = a->args[0];
    if (!type_is_integer(t) && t.kind != TYPE_BOOL)
        return refuse_type(a, t, e);
    a->storage.result = t;
    if (t.kind == TYPE_BOOL)
        a->storage.result.kind = TYPE_UINT8;
    a->is_fixed = false;
    a->state_bytes = sizeof(struct bitmap *);
    a->update = update_bitmap;
    a->merge = merge_bitmap;
    a->done = done_bitmap;
    a->write = write_bitmap;
    return storage_state(a, q->call, a->args, 1, e);
}
