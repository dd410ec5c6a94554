/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding known files by their beginning. A head covers what was read, at most 64 KiB, so a content of n
 * bytes is hashed once, and the hash is finished at each length that some known file has. */
#include "source/file_priv.h"

enum { MIN_BUCKETS = 1024 };

static void rehash(struct head_index *x)
{
    size_t n = x->n_buckets ? x->n_buckets * 4 : MIN_BUCKETS;
    struct file **heads = xcalloc(n, sizeof(*heads)), **firsts = xcalloc(n, sizeof(*firsts));
    for (size_t i = 0; i < x->n_buckets; i++) {
        for (struct file *f = x->heads[i], *next; f != NULL; f = next) {
            next = f->next_in_heads;
            f->next_in_heads = heads[f->key_hash.lo & (n - 1)];
            heads[f->key_hash.lo & (n - 1)] = f;
        }
        for (struct file *f = x->firsts[i], *next; f != NULL; f = next) {
            next = f->next_in_firsts;
            f->next_in_firsts = firsts[f->first_hash & (n - 1)];
            firsts[f->first_hash & (n - 1)] = f;
        }
    }
    free(x->heads);
    free(x->firsts);
    x->heads = heads;
    x->firsts = firsts;
    x->n_buckets = n;
}

void head_index_add(struct head_index *x, struct file *f)
{
    if (x->n_files >= x->n_buckets)
        rehash(x);
    struct file **bucket = &x->heads[f->key_hash.lo & (x->n_buckets - 1)];
    f->next_in_heads = *bucket;
    *bucket = f;
    if (f->first_hash != 0) {
        bucket = &x->firsts[f->first_hash & (x->n_buckets - 1)];
        f->next_in_firsts = *bucket;
        *bucket = f;
    }
    if (x->counts[f->key_bytes]++ == 0)
        x->lengths[f->key_bytes / 64] |= 1ULL << (f->key_bytes % 64);
    f->is_indexed = true;
    x->n_files++;
}

void head_index_remove(struct head_index *x, struct file *f)
{
    if (!f->is_indexed)
        return;
    struct file **at = &x->heads[f->key_hash.lo & (x->n_buckets - 1)];
    while (*at != f)
        at = &(*at)->next_in_heads;
    *at = f->next_in_heads;
    if (f->first_hash != 0) {
        at = &x->firsts[f->first_hash & (x->n_buckets - 1)];
        while (*at != f)
            at = &(*at)->next_in_firsts;
        *at = f->next_in_firsts;
    }
    if (--x->counts[f->key_bytes] == 0)
        x->lengths[f->key_bytes / 64] &= ~(1ULL << (f->key_bytes % 64));
    f->is_indexed = false;
    x->n_files--;
}

void head_index_done(struct head_index *x)
{
    free(x->heads);
    free(x->firsts);
}

size_t head_index_equal(const struct head_index *x, struct u128 hash, uint32_t n, struct file **ret, size_t max)
{
    size_t found = 0;
    if (x->n_files == 0)
        return 0;
    for (struct file *f = x->heads[hash.lo & (x->n_buckets - 1)]; f != NULL && found < max; f = f->next_in_heads)
        if (f->key_bytes == n && f->key_hash.lo == hash.lo && f->key_hash.hi == hash.hi)
            ret[found++] = f;
    return found;
}

size_t head_index_first(const struct head_index *x, uint64_t first_hash, struct file **ret, size_t max)
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

size_t head_index_find(const struct head_index *x, const char *head, uint32_t n, struct file **ret, size_t max)
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
