/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4 (Aumasson, Bernstein 2012) with key 0; the 128 bits are ClickHouse's: (v0^v1, v2^v3)
 * after the finalisation of the 64-bit variant, not the reference's 128-bit variant. */
#include "base/hash.h"

#include <string.h>

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static void sip_round(struct sip128 *s)
{
    s->v0 += s->v1;
    s->v1 = ROTL(s->v1, 13);
    s->v1 ^= s->v0;
    s->v0 = ROTL(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = ROTL(s->v3, 16);
    s->v3 ^= s->v2;
    s->v0 += s->v3;
    s->v3 = ROTL(s->v3, 21);
    s->v3 ^= s->v0;
    s->v2 += s->v1;
    s->v1 = ROTL(s->v1, 17);
    s->v1 ^= s->v2;
    s->v2 = ROTL(s->v2, 32);
}

static void sip_word(struct sip128 *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

void sip128_init(struct sip128 *s)
{
    *s = (struct sip128){.v0 = 0x736f6d6570736575ULL,
                         .v1 = 0x646f72616e646f6dULL,
                         .v2 = 0x6c7967656e657261ULL,
                         .v3 = 0x7465646279746573ULL};
}

void sip128_add(struct sip128 *s, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n > 0 && s->n % 8 != 0) {
        s->tail |= (uint64_t)*p++ << (s->n % 8 * 8);
        s->n++;
        n--;
        if (s->n % 8 == 0) {
            sip_word(s, s->tail);
            s->tail = 0;
        }
    }
    for (; n >= 8; n -= 8, p += 8, s->n += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        sip_word(s, word);
    }
    for (; n > 0; n--, s->n++)
        s->tail |= (uint64_t)*p++ << (s->n % 8 * 8);
}

struct u128 sip128_end(struct sip128 *s)
{
    sip_word(s, s->tail | s->n << 56);
    s->v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(s);
    return (struct u128){s->v0 ^ s->v1, s->v2 ^ s->v3};
}

struct u128 sip_hash128(const void *p, size_t n)
{
    struct sip128 s;
    sip128_init(&s);
    sip128_add(&s, p, n);
    return sip128_end(&s);
}
