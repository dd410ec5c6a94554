/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes whose values are part of formats: ClickHouse's CityHash64 1.0.2, SipHash-2-4 with 128
 * bits as ClickHouse ends it, murmur3's finaliser ("ih64") and ih32; and XXH3 where only we read
 * the value. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct u128 {
    uint64_t lo, hi;
};

uint64_t city_hash64(const char *s, size_t n);
struct u128 sip_hash128(const void *p, size_t n); /* key 0; lo is written first */

/* Incremental form: sip128_init, any number of sip128_add, sip128_end. */
struct sip128 {
    uint64_t v0, v1, v2, v3;
    uint64_t tail;
    uint64_t n;
};
void sip128_init(struct sip128 *s);
void sip128_add(struct sip128 *s, const void *p, size_t n);
struct u128 sip128_end(struct sip128 *s);

static inline uint64_t ih64(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    x ^= x >> 33;
    return x;
}

/* CityHash's combination of two 64-bit values. */
static inline uint64_t city_mix(uint64_t a, uint64_t b)
{
    const uint64_t m = 0x9ddfea08eb382d69ULL;
    uint64_t t = (a ^ b) * m;
    t ^= t >> 47;
    uint64_t u = (b ^ t) * m;
    u ^= u >> 47;
    return u * m;
}

#endif
