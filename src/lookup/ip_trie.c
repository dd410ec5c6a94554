/* SPDX-License-Identifier: Apache-2.0
 *
 *   starts   0 ........ 10.0.0.0 ..... 10.1.0.0 .. 10.2.0.0 ..... 11.0.0.0 .....
 *   rows     none       of 10/8        of 10.1/16  of 10/8        none
 *
 * `jump` says for the first 16 bits of an address which runs they may lie in. IPv4 has runs of its
 * own, of 32 bits. */
#include "lookup/ip_trie.h"

#include <string.h>

#include "base/mem.h"
#include "codec/value.h"

typedef unsigned __int128 address128;

enum { JUMP_BITS = 16, N_JUMPS = (1 << JUMP_BITS) + 1, GROUP = 16, MAPPED_BITS = 96 };
#define NO_ROW UINT32_MAX
#define MAPPED ((address128)0xffff << 32)

struct ip_trie {
    uint32_t *starts4, *rows4; /* starts[0] = 0 */
    address128 *starts6;
    uint32_t *rows6;
    size_t n4, n6;
    uint32_t *jump4, *jump6; /* the last run that starts at or before the first address */
};

/* ---- text ---- */

static bool bits_of(struct str text, unsigned max, unsigned *ret)
{
    unsigned v = 0;
    if (text.n == 0 || text.n > 3)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(text.p[i] - '0');
    }
    *ret = v;
    return v <= max;
}

static address128 mask_of(unsigned bits)
{
    return bits == 0 ? 0 : ~(address128)0 << (128 - bits);
}

static address128 load128(const uint8_t *p)
{
    uint64_t hi, lo;
    memcpy(&hi, p, 8);
    memcpy(&lo, p + 8, 8);
    return (address128)__builtin_bswap64(hi) << 64 | __builtin_bswap64(lo);
}

const char *ip_prefix_parse(struct ip_prefix *ret, struct str text)
{
    const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    struct str address = {text.p, slash ? (size_t)(slash - text.p) : text.n};
    bool is_ipv6 = address.n && memchr(address.p, ':', address.n) != NULL;
    unsigned max = is_ipv6 ? 128 : 32, bits = max;

    if (slash && !bits_of((struct str){slash + 1, text.n - address.n - 1}, max, &bits))
        return is_ipv6 ? "the prefix's length is a number from 0 to 128"
                       : "the prefix's length is a number from 0 to 32";
    if (is_ipv6) {
        uint8_t bytes[16];
        if (value_ipv6(bytes, address) != NULL)
            return "not an address or a network such as 10.0.0.0/8 or 2001:db8::/32";
        ret->address = load128(bytes);
    } else {
        uint32_t v;
        if (value_ipv4(&v, address) != NULL)
            return "not an address or a network such as 10.0.0.0/8 or 2001:db8::/32";
        ret->address = MAPPED | v;
        bits += MAPPED_BITS;
    }
    ret->bits = (uint8_t)bits;
    ret->address &= mask_of(bits);
    return NULL;
}

/* ---- making ---- */

/* Wider prefixes first where they begin at the same address, then the earlier row. */
static int by_address(const void *a, const void *b)
{
    const struct ip_prefix *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->bits != y->bits)
        return x->bits < y->bits ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static size_t drop_equal(struct ip_prefix *p, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || p[i].address != p[kept - 1].address || p[i].bits != p[kept - 1].bits)
            p[kept++] = p[i];
    return kept;
}

struct runs {
    address128 *starts;
    uint32_t *rows;
    size_t n;
};

/* A run that starts where the one before it does replaces that; equal neighbours are one. */
static void add_run(struct runs *r, address128 start, uint32_t row)
{
    if (r->n > 0 && r->starts[r->n - 1] == start)
        r->n--;
    if (r->n > 0 && r->rows[r->n - 1] == row)
        return;
    r->starts[r->n] = start;
    r->rows[r->n++] = row;
}

static address128 last_of(const struct ip_prefix *p)
{
    return p->address | ~mask_of(p->bits);
}

/* Prefixes either lie in one another or apart: those that are open form a stack. */
static void flatten(struct runs *r, const struct ip_prefix *p, size_t n)
{
    const struct ip_prefix *open[129];
    size_t depth = 0;

    add_run(r, 0, NO_ROW);
    for (size_t i = 0; i <= n; i++) {
        while (depth > 0 && (i == n || last_of(open[depth - 1]) < p[i].address)) {
            address128 last = last_of(open[--depth]);
            if (last != ~(address128)0)
                add_run(r, last + 1, depth > 0 ? open[depth - 1]->row : NO_ROW);
        }
        if (i < n) {
            add_run(r, p[i].address, p[i].row);
            open[depth++] = &p[i];
        }
    }
}

static size_t run_of(const struct runs *r, address128 address)
{
    size_t lo = 0, hi = r->n;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (r->starts[mid] <= address)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* The runs of ::ffff:0:0/96, by 32 bits. */
static void take_ipv4(struct ip_trie *t, const struct runs *r)
{
    size_t first = run_of(r, MAPPED), last = run_of(r, MAPPED | UINT32_MAX);
    t->n4 = last - first + 1;
    t->starts4 = xmalloc(t->n4 * sizeof(*t->starts4));
    t->rows4 = xmalloc(t->n4 * sizeof(*t->rows4));
    for (size_t i = 0; i < t->n4; i++) {
        address128 start = r->starts[first + i];
        t->starts4[i] = start < MAPPED ? 0 : (uint32_t)start;
        t->rows4[i] = r->rows[first + i];
    }
}

static void make_jumps(struct ip_trie *t)
{
    size_t at4 = 0, at6 = 0;
    t->jump4 = xmalloc(N_JUMPS * sizeof(uint32_t));
    t->jump6 = xmalloc(N_JUMPS * sizeof(uint32_t));
    for (uint32_t i = 0; i < N_JUMPS - 1; i++) {
        while (at4 + 1 < t->n4 && t->starts4[at4 + 1] <= i << JUMP_BITS)
            at4++;
        while (at6 + 1 < t->n6 && t->starts6[at6 + 1] <= (address128)i << (128 - JUMP_BITS))
            at6++;
        t->jump4[i] = (uint32_t)at4;
        t->jump6[i] = (uint32_t)at6;
    }
    t->jump4[N_JUMPS - 1] = (uint32_t)t->n4 - 1;
    t->jump6[N_JUMPS - 1] = (uint32_t)t->n6 - 1;
}

struct ip_trie *ip_trie_new(struct ip_prefix *prefixes, size_t n, uint64_t *n_dropped)
{
    struct ip_trie *t = xcalloc(1, sizeof(*t));
    if (n > 0)
        qsort(prefixes, n, sizeof(*prefixes), by_address);
    size_t kept = drop_equal(prefixes, n);
    struct runs r = {xmalloc((2 * kept + 2) * sizeof(*r.starts)),
                     xmalloc((2 * kept + 2) * sizeof(*r.rows)), 0};
    *n_dropped = n - kept;
    flatten(&r, prefixes, kept);
    take_ipv4(t, &r);
    t->starts6 = r.starts;
    t->rows6 = r.rows;
    t->n6 = r.n;
    make_jumps(t);
    return t;
}

void ip_trie_free(struct ip_trie *t)
{
    if (t == NULL)
        return;
    free(t->starts4);
    free(t->rows4);
    free(t->starts6);
    free(t->rows6);
    free(t->jump4);
    free(t->jump6);
    free(t);
}

size_t ip_trie_bytes(const struct ip_trie *t)
{
    return t->n4 * 8 + t->n6 * 20 + 2 * N_JUMPS * sizeof(uint32_t);
}

/* ---- finding ---- */

/* Sixteen searches step together, so that their misses of the cache overlap. */
void ip_trie_find_ipv4(const struct ip_trie *t, const uint32_t *addresses, size_t n, uint32_t *rows)
{
    for (size_t i = 0; i < n; i += GROUP) {
        size_t g = n - i < GROUP ? n - i : GROUP;
        uint32_t lo[GROUP], count[GROUP], most = 0;
        for (size_t k = 0; k < g; k++) {
            uint32_t top = addresses[i + k] >> (32 - JUMP_BITS);
            lo[k] = t->jump4[top];
            count[k] = t->jump4[top + 1] - lo[k] + 1;
            most = count[k] > most ? count[k] : most;
        }
        for (; most > 1; most = (most + 1) / 2) {
            for (size_t k = 0; k < g; k++) {
                uint32_t half = count[k] / 2;
                lo[k] = half && t->starts4[lo[k] + half] <= addresses[i + k] ? lo[k] + half : lo[k];
                count[k] -= half;
            }
        }
        for (size_t k = 0; k < g; k++)
            rows[i + k] = t->rows4[lo[k]];
    }
}

void ip_trie_find_ipv6(const struct ip_trie *t, const uint8_t (*addresses)[16], size_t n,
                       uint32_t *rows)
{
    for (size_t i = 0; i < n; i += GROUP) {
        size_t g = n - i < GROUP ? n - i : GROUP;
        uint32_t lo[GROUP], count[GROUP], most = 0;
        address128 a[GROUP];
        for (size_t k = 0; k < g; k++) {
            a[k] = load128(addresses[i + k]);
            uint32_t top = (uint32_t)(a[k] >> (128 - JUMP_BITS));
            lo[k] = t->jump6[top];
            count[k] = t->jump6[top + 1] - lo[k] + 1;
            most = count[k] > most ? count[k] : most;
        }
        for (; most > 1; most = (most + 1) / 2) {
            for (size_t k = 0; k < g; k++) {
                uint32_t half = count[k] / 2;
                lo[k] = half && t->starts6[lo[k] + half] <= a[k] ? lo[k] + half : lo[k];
                count[k] -= half;
            }
        }
        for (size_t k = 0; k < g; k++)
            rows[i + k] = t->rows6[lo[k]];
    }
}
