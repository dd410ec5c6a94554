/* SPDX-License-Identifier: Apache-2.0
 *
 * MurmurHash 2 and 3 (Appleby), SipHash-2-4 with 64 bits, and cyclic redundancy checks. */
#include <pthread.h>
#include <zlib.h>

#include "expr/hash_bytes.h"

/* ---- MurmurHash2 ---- */

uint32_t murmur2_hash32(const char *s, size_t n, uint32_t seed)
{
    const uint32_t m = 0x5bd1e995;
    uint32_t h = seed ^ (uint32_t)n;

    for (; n >= 4; n -= 4, s += 4) {
        uint32_t k = hash_le32(s) * m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }
    switch (n) {
    case 3: h ^= (uint32_t)(uint8_t)s[2] << 16; /* fall through */
    case 2: h ^= (uint32_t)(uint8_t)s[1] << 8;  /* fall through */
    case 1: h = (h ^ (uint8_t)s[0]) * m; break;
    default: break;
    }
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

#define MURMUR_M 0xc6a4a7935bd1e995ULL

uint64_t murmur2_hash64(const char *s, size_t n)
{
    uint64_t h = n * MURMUR_M;

    for (; n >= 8; n -= 8, s += 8) {
        uint64_t k = hash_le64(s) * MURMUR_M;
        k ^= k >> 47;
        h = (h ^ k * MURMUR_M) * MURMUR_M;
    }
    if (n) {
        uint64_t k = 0;
        memcpy(&k, s, n);
        h = (h ^ k) * MURMUR_M;
    }
    h ^= h >> 47;
    h *= MURMUR_M;
    return h ^ h >> 47;
}

uint64_t murmur2_gcc(const char *s, size_t n)
{
    uint64_t h = 0xc70f6907 ^ n * MURMUR_M;

    for (; n >= 8; n -= 8, s += 8) {
        uint64_t k = hash_le64(s) * MURMUR_M;
        k ^= k >> 47;
        h = (h ^ k * MURMUR_M) * MURMUR_M;
    }
    if (n) {
        uint64_t k = 0;
        memcpy(&k, s, n);
        h = (h ^ k) * MURMUR_M;
    }
    h = (h ^ h >> 47) * MURMUR_M;
    return h ^ h >> 47;
}

/* ---- MurmurHash3 ---- */

static uint32_t rotl32(uint32_t v, unsigned bits)
{
    return v << bits | v >> (32 - bits);
}

uint32_t murmur3_hash32(const char *s, size_t n)
{
    const uint32_t c1 = 0xcc9e2d51, c2 = 0x1b873593;
    uint32_t h = 0, length = (uint32_t)n;

    for (; n >= 4; n -= 4, s += 4)
        h = rotl32(h ^ rotl32(hash_le32(s) * c1, 15) * c2, 13) * 5 + 0xe6546b64;
    if (n) {
        uint32_t k = 0;
        memcpy(&k, s, n);
        h ^= rotl32(k * c1, 15) * c2;
    }
    h ^= length;
    h = (h ^ h >> 16) * 0x85ebca6b;
    h = (h ^ h >> 13) * 0xc2b2ae35;
    return h ^ h >> 16;
}

static uint64_t finish64(uint64_t k)
{
    k = (k ^ k >> 33) * 0xff51afd7ed558ccdULL;
    k = (k ^ k >> 33) * 0xc4ceb9fe1a85ec53ULL;
    return k ^ k >> 33;
}

void murmur3_hash128(const char *s, size_t n, uint64_t out[2])
{
    const uint64_t c1 = 0x87c37b91114253d5ULL, c2 = 0x4cf5ad432745937fULL;
    uint64_t h1 = 0, h2 = 0, length = n;

    for (; n >= 16; n -= 16, s += 16) {
        h1 ^= hash_rotl(hash_le64(s) * c1, 31) * c2;
        h1 = (hash_rotl(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= hash_rotl(hash_le64(s + 8) * c2, 33) * c1;
        h2 = (hash_rotl(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    uint64_t k[2] = {0, 0};
    if (n)
        memcpy(k, s, n);
    h2 ^= hash_rotl(k[1] * c2, 33) * c1;
    h1 ^= hash_rotl(k[0] * c1, 31) * c2;
    h1 ^= length;
    h2 ^= length;
    h1 += h2;
    h2 += h1;
    h1 = finish64(h1);
    h2 = finish64(h2);
    out[0] = h1 + h2;
    out[1] = h2 + out[0];
}

/* ---- SipHash ---- */

#define SIP_ROUND                                                                                  \
    do {                                                                                           \
        v0 += v1, v1 = hash_rotl(v1, 13) ^ v0, v0 = hash_rotl(v0, 32);                             \
        v2 += v3, v3 = hash_rotl(v3, 16) ^ v2;                                                     \
        v0 += v3, v3 = hash_rotl(v3, 21) ^ v0;                                                     \
        v2 += v1, v1 = hash_rotl(v1, 17) ^ v2, v2 = hash_rotl(v2, 32);                             \
    } while (0)

uint64_t sip_hash64(const char *s, size_t n)
{
    uint64_t v0 = 0x736f6d6570736575ULL, v1 = 0x646f72616e646f6dULL;
    uint64_t v2 = 0x6c7967656e657261ULL, v3 = 0x7465646279746573ULL;
    uint64_t last = (uint64_t)n << 56, rest = 0;

    for (; n >= 8; n -= 8, s += 8) {
        uint64_t word = hash_le64(s);
        v3 ^= word;
        SIP_ROUND;
        SIP_ROUND;
        v0 ^= word;
    }
    if (n)
        memcpy(&rest, s, n);
    last |= rest;
    v3 ^= last;
    SIP_ROUND;
    SIP_ROUND;
    v0 ^= last;
    v2 ^= 0xff;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

/* ---- CRC ---- */

uint32_t crc32_mysql(const char *s, size_t n)
{
    return (uint32_t)crc32_z(0, (const uint8_t *)s, n);
}

/* zlib inverts before and after; undone, the register begins and ends as it is. */
uint32_t crc32_ieee(const char *s, size_t n)
{
    return n ? ~(uint32_t)crc32_z(0xffffffff, (const uint8_t *)s, n) : 0;
}

/* ECMA-182's polynomial, reflected, no inversions; a byte at a time. */
static uint64_t crc64_table[256];
static pthread_once_t crc64_once = PTHREAD_ONCE_INIT;

static void crc64_fill(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t v = i;
        for (int k = 0; k < 8; k++)
            v = v >> 1 ^ (v & 1 ? 0xc96c5795d7870f42ULL : 0);
        crc64_table[i] = v;
    }
}

uint64_t crc64_ecma(const char *s, size_t n)
{
    uint64_t crc = 0;

    pthread_once(&crc64_once, crc64_fill);
    for (size_t i = 0; i < n; i++)
        crc = crc64_table[(uint8_t)(crc ^ (uint64_t)(uint8_t)s[i])] ^ crc >> 8;
    return crc;
}
