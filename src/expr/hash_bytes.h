/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes of bytes whose values ClickHouse's functions of these names give. */
#ifndef EXPR_HASH_BYTES_H
#define EXPR_HASH_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_rotr(uint64_t v, unsigned bits)
{
    return v >> bits | v << (64 - bits);
}
static inline uint64_t hash_rotl(uint64_t v, unsigned bits)
{
    return v << bits | v >> (64 - bits);
}
static inline uint64_t hash_le64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
static inline uint32_t hash_le32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

uint64_t farm_hash64(const char *s, size_t n);        /* FarmHash, the variant "xo" */
uint64_t farm_fingerprint64(const char *s, size_t n); /* the variant "na" */
uint64_t metro_hash64(const char *s, size_t n);       /* metrohash64_1, seed 0 */
uint32_t murmur2_hash32(const char *s, size_t n, uint32_t seed);
uint64_t murmur2_hash64(const char *s, size_t n);               /* MurmurHash64A, seed 0 */
uint64_t murmur2_gcc(const char *s, size_t n);                  /* what libstdc++ makes of it */
uint32_t murmur3_hash32(const char *s, size_t n);               /* x86_32, seed 0 */
void murmur3_hash128(const char *s, size_t n, uint64_t out[2]); /* x64_128, seed 0 */
uint64_t sip_hash64(const char *s, size_t n);                   /* SipHash-2-4, key 0 */
uint32_t crc32_mysql(const char *s, size_t n);                  /* zlib's */
uint32_t crc32_ieee(const char *s, size_t n); /* the same polynomial, no inversions */
uint64_t crc64_ecma(const char *s, size_t n);

#endif
