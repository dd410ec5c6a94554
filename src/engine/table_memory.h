/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays of one table: mapped pages that grow in place or are moved by the kernel without copying,
 * so growth needs no second copy of a large table. */
#ifndef ENGINE_TABLE_MEMORY_H
#define ENGINE_TABLE_MEMORY_H

#include <stdint.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/mem.h"

enum { TABLE_HUGE_FROM = 4 << 20 };

/* The thread sanitizer does not see pages move and takes them for another thread's. */
#if defined(__SANITIZE_THREAD__)
#define TABLE_CAN_MOVE 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TABLE_CAN_MOVE 0
#endif
#endif
#ifndef TABLE_CAN_MOVE
#define TABLE_CAN_MOVE 1
#endif

/* Zeroed slots of a table, all pages there: what looks for a free slot reads before it writes, and
 * a page that was only read costs a second fault and an interrupt of all other threads. */
static inline void *table_slots(size_t bytes)
{
    void *p = xmap(bytes);
#ifdef MADV_POPULATE_WRITE /* Linux 5.14; without it the slots are right, too */
    madvise(p, bytes, MADV_POPULATE_WRITE);
#endif
    return p;
}

static inline void *table_grow(void *p, size_t old_bytes, size_t new_bytes)
{
    if (p == NULL)
        return xmap(new_bytes);
    void *moved = TABLE_CAN_MOVE ? mremap(p, old_bytes, new_bytes, MREMAP_MAYMOVE) : MAP_FAILED;
    if (moved == MAP_FAILED) { /* xmap says what is wrong */
        moved = xmap(new_bytes);
        __builtin_memcpy(moved, p, old_bytes);
        xunmap(p, old_bytes);
    } else if (new_bytes >= TABLE_HUGE_FROM) {
        madvise(moved, new_bytes, MADV_HUGEPAGE);
    }
    return moved;
}

/* Pages the first `used` bytes of a mapping of `cap` bytes take. */
static inline size_t table_resident(size_t used, size_t cap)
{
    size_t page = cap >= TABLE_HUGE_FROM ? (size_t)2 << 20 : 4096;
    size_t bytes = (used + page - 1) / page * page;
    return bytes < cap ? bytes : cap;
}

/* 64 x 64 -> 128 bits, folded: the mixing step of all hashes here. */
static inline uint64_t mix64(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#define MIX_A 0xa0761d6478bd642fULL
#define MIX_B 0xe7037ed1a0b428dbULL
#define MIX_C 0x8ebc6af09c88c6e3ULL

/* Random: for hashes that place keys in tables. */
static inline uint64_t table_seed(void)
{
    uint64_t seed = MIX_A;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = MIX_A;
    return seed;
}

#endif
