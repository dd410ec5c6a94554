/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding known files by their beginning. A head covers what was read, at most 64 KiB, so a
 * content of n bytes is hashed once, and the hash is finished at each length that some known
 * file has. */
#include "source/file_priv.h"

enum { MIN_BUCKETS = 1024 };

static void put(struct file **buckets, size_t n, uint64_t key, struct file *f, struct file **link)
{
    *link = buckets[key & (n - 1)];
    buckets[key & (n - 1)] = f;
}

static void rehash(struct head_index *x, size_t n)
{
    struct file **heads = xcalloc(n, sizeof(*heads)), **firsts = xcalloc(n, sizeof(*firsts)),
                **smalls = xcalloc(n, sizeof(*smalls));
    for (size_t i = 0; i < x->n_buckets; i++) {
        for (struct file *f = x->heads[i], *next; f != NULL; f = next) {
            next = f->next_in_heads;
            put(heads, n, f->key_hash.lo, f, &f->next_in_heads);
        }
        for (struct file *f = x->firsts[i], *next; f != NULL; f = next) {
            next = f->next_in_firsts;
            put(firsts, n, f->first_hash, f, &f->next_in_firsts);
        }
        for (struct file *f = x->smalls[i], *next; f != NULL; f = next) {
            next = f->next_in_smalls;
            put(smalls, n, f->small_hash, f, &f->next_in_smalls);
        }
    }
    free(x->heads);
    free(x->firsts);
    free(x->smalls);
    x->heads = heads;
    x->firsts = firsts;
    x->smalls = smalls;
    x->n_buckets = n;
}

void head_index_reserve(struct head_index *x, size_t n_files)
{
    size_t n = x->n_buckets ? x->n_buckets : MIN_BUCKETS;
    while (n < n_files)
        n *= 4;
    if (n > x->n_buckets)
        rehash(x, n);
}

void head_index_add(struct head_index *x, struct file *f)
{
    if (x->n_files >= x->n_buckets)
        head_index_reserve(x, x->n_files + 1);
    put(x->heads, x->n_buckets, f->key_hash.lo, f, &f->next_in_heads);
    if (f->first_hash != 0)
        put(x->firsts, x->n_buckets, f->first_hash, f, &f->next_in_firsts);
    if (f->small_hash != 0)
        put(x->smalls, x->n_buckets, f->small_hash, f, &f->next_in_smalls);
    if (x->counts[f->key_bytes]++ == 0)
        x->lengths[f->key_bytes / 64] |= 1ULL << (f->key_bytes % 64);
    f->is_indexed = true;
    x->n_files++;
}

void head_index_remove(struct head_index *x, struct file *f)
{
    if (!f->is_indexed)
        return;
    size_t mask = x->n_buckets - 1;
    struct file **at = &x->heads[f->key_hash.lo & mask];
    while (*at != f)
        at = &(*at)->next_in_heads;
    *at = f->next_in_heads;
    for (at = &x->firsts[f->first_hash & mask]; f->first_hash != 0 && *at != f;)
        at = &(*at)->next_in_firsts;
    if (f->first_hash != 0)
        *at = f->next_in_firsts;
    for (at = &x->smalls[f->small_hash & mask]; f->small_hash != 0 && *at != f;)
        at = &(*at)->next_in_smalls;
    if (f->small_hash != 0)
        *at = f->next_in_smalls;
    if (--x->counts[f->key_bytes] == 0)
        x->lengths[f->key_bytes / 64] &= ~(1ULL << (f->key_bytes % 64));
    f->is_indexed = false;
    x->n_files--;
}

void head_index_done(struct head_index *x)
{
    free(x->heads);
    free(x->firsts);
    free(x->smalls);
}

size_t head_index_equal(const struct head_index *x, struct u128 hash, uint32_t n, struct file **ret,
                        size_t max)
{
    size_t found = 0;
    if (x->n_files == 0)
        return 0;
    for (struct file *f = x->heads[hash.lo & (x->n_buckets - 1)]; f != NULL && found < max;
         f = f->next_in_heads)
        if (f->key_bytes == n && f->key_hash.lo == hash.lo && f->key_hash.hi == hash.hi)
            ret[found++] = f;
    return found;
}

size_t head_index_first(const struct head_index *x, uint32_t first_hash, struct file **ret,
                        size_t max)
{
    size_t found = 0;
    if (x->n_files == 0 || first_hash == 0)
        return 0;
    for (struct file *f = x->firsts[first_hash & (x->n_buckets - 1)]; f != NULL && found < max;
         f = f->next_in_firsts)
        if (f->first_hash == first_hash)
            ret[found++] = f;
    return found;
}

size_t head_index_small(const struct head_index *x, uint32_t small_hash, struct file **ret,
                        size_t max)
{
    size_t found = 0;
    if (x->n_files == 0 || small_hash == 0)
        return 0;
    for (struct file *f = x->smalls[small_hash & (x->n_buckets - 1)]; f != NULL && found < max;
         f = f->next_in_smalls)
        if (f->small_hash == small_hash)
            ret[found++] = f;
    return found;
}

size_t head_index_find(const struct head_index *x, const char *head, uint32_t n, struct file **ret,
                       size_t max)
{
    struct sip128 state;
    sip128_init(&state);
    uint32_t done = 0;
    size_t found = 0;
    for (uint32_t word = 0; word <= n / 64; word++) {
        for (uint64_t bits = x->lengths[word]; bits != 0; bits &= bits - 1) {
            uint32_t length = word * 64 + (uint32_t)__builtin_ctzll(bits);
            if (length > n)
                return found;
            sip128_add(&state, head + done, length - done);
            done = length;
            struct sip128 end = state;
            found += head_index_equal(x, sip128_end(&end), length, ret + found, max - found);
        }
    }
    return found;
}
