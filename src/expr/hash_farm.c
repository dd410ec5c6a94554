/* SPDX-License-Identifier: Apache-2.0
 *
 * FarmHash (Pike 2014): "na" for up to 256 bytes and as fingerprint, "xo" around it, "uo" for
 * long ones; and MetroHash (Rogers 2015). */
#include "expr/hash_bytes.h"

#define K0 0xc3a5c85c97cb3127ULL
#define K1 0xb492b66fbe98f273ULL
#define K2 0x9ae16a3b2f90404fULL

struct pair {
    uint64_t a, b;
};

static uint64_t shift_mix(uint64_t v)
{
    return v ^ v >> 47;
}

static uint64_t mix16(uint64_t u, uint64_t v, uint64_t mul)
{
    uint64_t a = shift_mix((u ^ v) * mul);

    return shift_mix((v ^ a) * mul) * mul;
}

static void swap(uint64_t *a, uint64_t *b)
{
    uint64_t v = *a;
    *a = *b;
    *b = v;
}

/* ---- na ---- */

static uint64_t na_upto16(const char *s, size_t n)
{
    if (n >= 8) {
        uint64_t mul = K2 + n * 2, a = hash_le64(s) + K2, b = hash_le64(s + n - 8);
        return mix16(hash_rotr(b, 37) * mul + a, (hash_rotr(a, 25) + b) * mul, mul);
    }
    if (n >= 4) {
        uint64_t a = hash_le32(s);
        return mix16(n + (a << 3), hash_le32(s + n - 4), K2 + n * 2);
    }
    if (n > 0) {
        uint32_t y = (uint8_t)s[0] + ((uint32_t)(uint8_t)s[n >> 1] << 8);
        uint32_t z = (uint32_t)n + ((uint32_t)(uint8_t)s[n - 1] << 2);
        return shift_mix(y * K2 ^ z * K0) * K2;
    }
    return K2;
}

static uint64_t na_upto32(const char *s, size_t n)
{
    uint64_t mul = K2 + n * 2, a = hash_le64(s) * K1, b = hash_le64(s + 8);
    uint64_t c = hash_le64(s + n - 8) * mul, d = hash_le64(s + n - 16) * K2;

    return mix16(hash_rotr(a + b, 43) + hash_rotr(c, 30) + d, a + hash_rotr(b + K2, 18) + c, mul);
}

static struct pair weak32(const char *p, uint64_t a, uint64_t b)
{
    uint64_t w = hash_le64(p), x = hash_le64(p + 8), y = hash_le64(p + 16), z = hash_le64(p + 24);

    a += w;
    b = hash_rotr(b + a + z, 21);
    uint64_t c = a;
    a += x + y;
    b += hash_rotr(a, 44);
    return (struct pair){a + z, b + c};
}

static uint64_t na_upto64(const char *s, size_t n)
{
    uint64_t mul = K2 + n * 2, a = hash_le64(s) * K2, b = hash_le64(s + 8);
    uint64_t c = hash_le64(s + n - 8) * mul, d = hash_le64(s + n - 16) * K2;
    uint64_t y = hash_rotr(a + b, 43) + hash_rotr(c, 30) + d;
    uint64_t z = mix16(y, a + hash_rotr(b + K2, 18) + c, mul);
    uint64_t e = hash_le64(s + 16) * mul, f = hash_le64(s + 24);
    uint64_t g = (y + hash_le64(s + n - 32)) * mul, h = (z + hash_le64(s + n - 24)) * mul;

    return mix16(hash_rotr(e + f, 43) + hash_rotr(g, 30) + h, e + hash_rotr(f + a, 18) + g, mul);
}

static uint64_t na_long(const char *s, size_t n)
{
    uint64_t x = 81, y = 81 * K1 + 113, z = shift_mix(y * K2 + 113) * K2;
    struct pair v = {0, 0}, w = {0, 0};
    size_t rest = (n - 1) & 63;
    const char *end = s + (n - 1) / 64 * 64, *last = end + rest - 63;

    x = x * K2 + hash_le64(s);
    for (; s != end; s += 64) {
        x = hash_rotr(x + y + v.a + hash_le64(s + 8), 37) * K1;
        y = hash_rotr(y + v.b + hash_le64(s + 48), 42) * K1;
        x ^= w.b;
        y += v.a + hash_le64(s + 40);
        z = hash_rotr(z + w.a, 33) * K1;
        v = weak32(s, v.b * K1, x + w.a);
        w = weak32(s + 32, z + w.b, y + hash_le64(s + 16));
        swap(&z, &x);
    }
    uint64_t mul = K1 + ((z & 0xff) << 1);
    s = last;
    w.a += rest;
    v.a += w.a;
    w.a += v.a;
    x = hash_rotr(x + y + v.a + hash_le64(s + 8), 37) * mul;
    y = hash_rotr(y + v.b + hash_le64(s + 48), 42) * mul;
    x ^= w.b * 9;
    y += v.a * 9 + hash_le64(s + 40);
    z = hash_rotr(z + w.a, 33) * mul;
    v = weak32(s, v.b * mul, x + w.a);
    w = weak32(s + 32, z + w.b, y + hash_le64(s + 16));
    swap(&z, &x);
    return mix16(mix16(v.a, w.a, mul) + shift_mix(y) * K0 + z, mix16(v.b, w.b, mul) + x, mul);
}

uint64_t farm_fingerprint64(const char *s, size_t n)
{
    return n <= 16   ? na_upto16(s, n)
           : n <= 32 ? na_upto32(s, n)
           : n <= 64 ? na_upto64(s, n)
                     : na_long(s, n);
}

/* ---- xo ---- */

static uint64_t xo_32(const char *s, uint64_t mul, uint64_t seed0, uint64_t seed1)
{
    uint64_t a = hash_le64(s) * K1, b = hash_le64(s + 8), c = hash_le64(s + 24) * mul,
             d = hash_le64(s + 16) * K2;
    uint64_t u = hash_rotr(a + b, 43) + hash_rotr(c, 30) + d + seed0;
    uint64_t v = a + hash_rotr(b + K2, 18) + c + seed1;

    a = shift_mix((u ^ v) * mul);
    return shift_mix((v ^ a) * mul);
}

static uint64_t xo_upto64(const char *s, size_t n)
{
    uint64_t mul0 = K2 - 30, mul1 = K2 - 30 + 2 * n;
    uint64_t h0 = xo_32(s, mul0, 0, 0), h1 = xo_32(s + n - 32, mul1, 0, 0);

    return (h1 * mul1 + h0) * mul1;
}

static uint64_t xo_upto96(const char *s, size_t n)
{
    uint64_t mul0 = K2 - 114, mul1 = K2 - 114 + 2 * n;
    uint64_t h0 = xo_32(s, mul0, 0, 0), h1 = xo_32(s + 32, mul1, 0, 0),
             h2 = xo_32(s + n - 32, mul1, h0, h1);

    return (h2 * 9 + (h0 >> 17) + (h1 >> 21)) * mul1;
}

/* ---- uo ---- */

static uint64_t uo_mix(uint64_t x, uint64_t y, uint64_t mul, unsigned bits)
{
    uint64_t a = shift_mix((x ^ y) * mul);

    return hash_rotr((y ^ a) * mul, bits) * mul;
}

struct uo {
    uint64_t x, y, z, u;
    struct pair v, w;
};

static void uo_block(struct uo *h, const char *s, uint64_t mul)
{
    uint64_t a[8];

    memcpy(a, s, 64);
    h->x += a[0] + a[1];
    h->y += a[2];
    h->z += a[3];
    h->v.a += a[4];
    h->v.b += a[5] + a[1];
    h->w.a += a[6];
    h->w.b += a[7];
    h->x = hash_rotr(h->x, 26) * 9;
    h->y = hash_rotr(h->y, 29);
    h->z *= mul;
    h->v.a = hash_rotr(h->v.a, 33);
    h->v.b = hash_rotr(h->v.b, 30);
    h->w.a = (h->w.a ^ h->x) * 9;
    h->z = hash_rotr(h->z, 32) + h->w.b;
    h->w.b += h->z;
    h->z *= 9;
    swap(&h->u, &h->y);

    h->z += a[0] + a[6];
    h->v.a += a[2];
    h->v.b += a[3];
    h->w.a += a[4];
    h->w.b += a[5] + a[6];
    h->x += a[1];
    h->y += a[7];
    h->y += h->v.a;
    h->v.a += h->x - h->y;
    h->v.b += h->w.a;
    h->w.a += h->v.b;
    h->w.b += h->x - h->y;
    h->x += h->w.b;
    h->w.b = hash_rotr(h->w.b, 34);
    swap(&h->u, &h->z);
}

static uint64_t uo_long(const char *s, size_t n)
{
    size_t rest = (n - 1) & 63;
    const char *end = s + (n - 1) / 64 * 64, *last = end + rest - 63;
    struct uo h = {.x = 81, .y = 113, .z = shift_mix(113 * K2) * K2, .v = {81, 0}};

    h.u = h.x - h.z;
    h.x *= K2;
    uint64_t mul = K2 + (h.u & 0x82);
    for (; s != end; s += 64)
        uo_block(&h, s, mul);
    s = last;
    h.u *= 9;
    h.v.b = hash_rotr(h.v.b, 28);
    h.v.a = hash_rotr(h.v.a, 20);
    h.w.a += rest;
    h.u += h.y;
    h.y += h.u;
    h.x = hash_rotr(h.y - h.x + h.v.a + hash_le64(s + 8), 37) * mul;
    h.y = hash_rotr(h.y ^ h.v.b ^ hash_le64(s + 48), 42) * mul;
    h.x ^= h.w.b * 9;
    h.y += h.v.a + hash_le64(s + 40);
    h.z = hash_rotr(h.z + h.w.a, 33) * mul;
    h.v = weak32(s, h.v.b * mul, h.x + h.w.a);
    h.w = weak32(s + 32, h.z + h.w.b, h.y + hash_le64(s + 16));
    return uo_mix(mix16(h.v.a + h.x, h.w.a ^ h.y, mul) + h.z - h.u,
                  uo_mix(h.v.b + h.y, h.w.b + h.z, K2, 30) ^ h.x, K2, 31);
}

uint64_t farm_hash64(const char *s, size_t n)
{
    if (n <= 16)
        return na_upto16(s, n);
    if (n <= 32)
        return na_upto32(s, n);
    if (n <= 64)
        return xo_upto64(s, n);
    if (n <= 96)
        return xo_upto96(s, n);
    return n <= 256 ? na_long(s, n) : uo_long(s, n);
}

/* ---- MetroHash ---- */

#define M0 0xC83A91E1ULL
#define M1 0x8648DBDBULL
#define M2 0x7BDEC03BULL
#define M3 0x2F5870A5ULL

static const char *metro_blocks(uint64_t *hash, const char *p, const char *end)
{
    uint64_t v[4] = {*hash, *hash, *hash, *hash};

    for (; end - p >= 32; p += 32) {
        v[0] = hash_rotr(v[0] + hash_le64(p) * M0, 29) + v[2];
        v[1] = hash_rotr(v[1] + hash_le64(p + 8) * M1, 29) + v[3];
        v[2] = hash_rotr(v[2] + hash_le64(p + 16) * M2, 29) + v[0];
        v[3] = hash_rotr(v[3] + hash_le64(p + 24) * M3, 29) + v[1];
    }
    v[2] ^= hash_rotr((v[0] + v[3]) * M0 + v[1], 33) * M1;
    v[3] ^= hash_rotr((v[1] + v[2]) * M1 + v[0], 33) * M0;
    v[0] ^= hash_rotr((v[0] + v[2]) * M0 + v[3], 33) * M1;
    v[1] ^= hash_rotr((v[1] + v[3]) * M1 + v[2], 33) * M0;
    *hash += v[0] ^ v[1];
    return p;
}

uint64_t metro_hash64(const char *s, size_t n)
{
    const char *p = s, *end = s + n;
    uint64_t h = M2 * M0 + n;

    if (n >= 32)
        p = metro_blocks(&h, p, end);
    if (end - p >= 16) {
        uint64_t a = hash_rotr(h + hash_le64(p) * M0, 33) * M1,
                 b = hash_rotr(h + hash_le64(p + 8) * M1, 33) * M2;
        a ^= hash_rotr(a * M0, 35) + b;
        b ^= hash_rotr(b * M3, 35) + a;
        h += b;
        p += 16;
    }
    if (end - p >= 8) {
        h += hash_le64(p) * M3;
        h ^= hash_rotr(h, 33) * M1;
        p += 8;
    }
    if (end - p >= 4) {
        h += hash_le32(p) * M3;
        h ^= hash_rotr(h, 15) * M1;
        p += 4;
    }
    if (end - p >= 2) {
        h += ((uint64_t)(uint8_t)p[0] | (uint64_t)(uint8_t)p[1] << 8) * M3;
        h ^= hash_rotr(h, 13) * M1;
        p += 2;
    }
    if (end - p >= 1) {
        h += (uint8_t)*p * M3;
        h ^= hash_rotr(h, 25) * M1;
    }
    h ^= hash_rotr(h, 33);
    h *= M0;
    return h ^ hash_rotr(h, 33);
}
