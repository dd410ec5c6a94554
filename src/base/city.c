/* SPDX-License-Identifier: Apache-2.0
 *
 * CityHash64 version 1.0.2, the one ClickHouse's cityHash64 and its distinct-count states use
 * (later versions of CityHash give other values). Vectors: tests/unit/test_base.c. */
#include "base/hash.h"

#include <string.h>

#define K0 0xc3a5c85c97cb3127ULL
#define K1 0xb492b66fbe98f273ULL
#define K2 0x9ae16a3b2f90404fULL
#define K3 0xc949d7c7509e6557ULL

struct pair {
    uint64_t a, b;
};

static uint64_t le64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint64_t le32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static uint64_t rotr(uint64_t v, unsigned bits)
{
    return bits == 0 ? v : v >> bits | v << (64 - bits);
}

static uint64_t shift_mix(uint64_t v)
{
    return v ^ v >> 47;
}

static uint64_t hash_upto16(const char *s, size_t n)
{
    if (n > 8) {
        uint64_t a = le64(s), b = le64(s + n - 8);
        return city_mix(a, rotr(b + n, (unsigned)n)) ^ b;
    }
    if (n >= 4)
        return city_mix(n + (le32(s) << 3), le32(s + n - 4));
    if (n > 0) {
        uint32_t y = (uint8_t)s[0] + ((uint32_t)(uint8_t)s[n >> 1] << 8);
        uint32_t z = (uint32_t)n + ((uint32_t)(uint8_t)s[n - 1] << 2);
        return shift_mix(y * K2 ^ z * K3) * K2;
    }
    return K2;
}

static uint64_t hash_upto32(const char *s, size_t n)
{
    uint64_t a = le64(s) * K1, b = le64(s + 8);
    uint64_t c = le64(s + n - 8) * K2, d = le64(s + n - 16) * K0;
    return city_mix(rotr(a - b, 43) + rotr(c, 30) + d, a + rotr(b ^ K3, 20) - c + n);
}

static struct pair upto64_pass(uint64_t a, uint64_t z, uint64_t p, uint64_t q)
{
    uint64_t b = rotr(a + z, 52), c = rotr(a, 37);
    a += p;
    c += rotr(a, 7);
    a += q;
    return (struct pair){a + z, b + rotr(a, 31) + c};
}

static uint64_t hash_upto64(const char *s, size_t n)
{
    struct pair f =
        upto64_pass(le64(s) + (n + le64(s + n - 16)) * K0, le64(s + 24), le64(s + 8), le64(s + 16));
    struct pair g = upto64_pass(le64(s + 16) + le64(s + n - 32), le64(s + n - 8), le64(s + n - 24),
                                le64(s + n - 16));
    uint64_t r = shift_mix((f.a + g.b) * K2 + (g.a + f.b) * K0);
    return shift_mix(r * K0 + f.b) * K2;
}

static struct pair weak32(const char *p, uint64_t a, uint64_t b)
{
    uint64_t w = le64(p), x = le64(p + 8), y = le64(p + 16), z = le64(p + 24);
    a += w;
    b = rotr(b + a + z, 21);
    uint64_t c = a;
    a += x + y;
    b += rotr(a, 44);
    return (struct pair){a + z, b + c};
}

uint64_t city_hash64(const char *s, size_t n)
{
    if (n <= 16)
        return hash_upto16(s, n);
    if (n <= 32)
        return hash_upto32(s, n);
    if (n <= 64)
        return hash_upto64(s, n);

    uint64_t x = le64(s), y = le64(s + n - 16) ^ K1, z = le64(s + n - 56) ^ K0;
    struct pair v = weak32(s + n - 64, n, y), w = weak32(s + n - 32, n * K1, K0);
    z += shift_mix(v.b) * K1;
    x = rotr(z + x, 39) * K1;
    y = rotr(y, 33) * K1;
    for (size_t left = (n - 1) & ~(size_t)63; left != 0; left -= 64, s += 64) {
        x = rotr(x + y + v.a + le64(s + 16), 37) * K1;
        y = rotr(y + v.b + le64(s + 48), 42) * K1;
        x ^= w.b;
        y ^= v.a;
        z = rotr(z ^ w.a, 33);
        v = weak32(s, v.b * K1, x + w.a);
        w = weak32(s + 32, z + w.b, y);
        uint64_t swap = z;
        z = x;
        x = swap;
    }
    return city_mix(city_mix(v.a, w.a) + shift_mix(y) * K1 + z, city_mix(v.b, w.b) + x);
}
