/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests of text as FixedString: MD5, the SHA family, hashes of 128 bits. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the plain calls cost a fifth of EVP on short texts */
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "base/hash.h"

#include "expr/hash_bytes.h"
#include "expr/kinds.h"

/* Writes `bytes` of digest per row; c->param.i = bytes. */
#define DIGEST(name, CONTEXT, INIT, UPDATE, FINAL)                                                 \
    static void digest_##name(const char *s, size_t n, uint8_t *out)                               \
    {                                                                                              \
        CONTEXT context;                                                                           \
        INIT(&context);                                                                            \
        UPDATE(&context, s, n);                                                                    \
        FINAL(out, &context);                                                                      \
    }
DIGEST(md5, MD5_CTX, MD5_Init, MD5_Update, MD5_Final)
DIGEST(sha1, SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final)
DIGEST(sha224, SHA256_CTX, SHA224_Init, SHA224_Update, SHA224_Final)
DIGEST(sha256, SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final)
DIGEST(sha384, SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final)
DIGEST(sha512, SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final)

static void digest_sip(const char *s, size_t n, uint8_t *out)
{
    struct u128 h = sip_hash128(s, n);

    memcpy(out, &h.lo, 8);
    memcpy(out + 8, &h.hi, 8);
}
static void digest_murmur(const char *s, size_t n, uint8_t *out)
{
    uint64_t h[2];

    murmur3_hash128(s, n, h);
    memcpy(out, h, 16);
}

#define DIGEST_KERNEL(name)                                                                        \
    static void run_##name(struct call *c)                                                         \
    {                                                                                              \
        size_t bytes = (size_t)c->param.i;                                                         \
        char *p = arena_bytes(c->arena, c->n * bytes + 1);                                         \
        for (size_t i = 0; i < c->n; i++, p += bytes) {                                            \
            struct str text = str_at(c->args[0], i);                                               \
            digest_##name(text.p, text.n, (uint8_t *)p);                                           \
            RESULT(struct str)[i] = (struct str){p, bytes};                                        \
        }                                                                                          \
    }
DIGEST_KERNEL(md5)
DIGEST_KERNEL(sha1)
DIGEST_KERNEL(sha224)
DIGEST_KERNEL(sha256)
DIGEST_KERNEL(sha384)
DIGEST_KERNEL(sha512)
DIGEST_KERNEL(sip)
DIGEST_KERNEL(murmur)

static const struct {
    struct op op;
    uint32_t bytes;
} digests[] = {
    {{"MD5", run_md5, 0}, 16},        {{"SHA1", run_sha1, 0}, 20},
    {{"SHA224", run_sha224, 0}, 28},  {{"SHA256", run_sha256, 0}, 32},
    {{"SHA384", run_sha384, 0}, 48},  {{"SHA512", run_sha512, 0}, 64},
    {{"sipHash128", run_sip, 0}, 16}, {{"murmurHash3_128", run_murmur, 0}, 16},
};

static value_id build_digest(struct site *s)
{
    uint32_t bytes = digests[s->f->param].bytes;

    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    return emit(s->b, &digests[s->f->param].op,
                (struct type){.kind = TYPE_FIXED_STRING, .size = bytes}, s->args, 1,
                (struct param){.i = bytes}, NULL);
}

static const struct function functions[] = {
    {"MD5", "s", "FixedString(16).", 1, 1, 0, build_digest, 0},
    {"SHA1", "s", "FixedString(20).", 1, 1, 0, build_digest, 1},
    {"SHA224", "s", "FixedString(28).", 1, 1, 0, build_digest, 2},
    {"SHA256", "s", "FixedString(32).", 1, 1, 0, build_digest, 3},
    {"SHA384", "s", "FixedString(48).", 1, 1, 0, build_digest, 4},
    {"SHA512", "s", "FixedString(64).", 1, 1, 0, build_digest, 5},
    {"sipHash128", "s", "SipHash-2-4 of text, FixedString(16).", 1, 1, 0, build_digest, 6},
    {"murmurHash3_128", "s", "MurmurHash3 of text, FixedString(16).", 1, 1, 0, build_digest, 7},
};
const struct function_family family_digest = {"Digests", functions, COUNT(functions)};
