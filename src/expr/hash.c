/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash functions. One argument is hashed by a kernel for its width; several are hashed one by
 * one and combined from the left, by the rule that ClickHouse has for the function. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* the plain calls cost a fifth of EVP on short texts */
#include <openssl/md5.h>

#include "base/hash.h"

#include "expr/hash_bytes.h"
#include "expr/kinds.h"

/* ---- integers ---- */

static uint64_t mix_int64(uint64_t v)
{
    return ih64(v ^ 0x4cf2d2baae6da887ULL);
}

static uint32_t mix_int32(uint64_t v)
{
    v ^= 0x75d9543de018bf45ULL;
    v = ~v + (v << 18);
    v ^= hash_rotr(v, 31);
    v *= 21;
    v ^= hash_rotr(v, 11);
    v += v << 6;
    v ^= hash_rotr(v, 22);
    return (uint32_t)v;
}

#define INT_HASH_KERNELS(KIND, T, suffix)                                                          \
    static void run_int32_##suffix(struct call *c)                                                 \
    {                                                                                              \
        const T *in = VALUES(0, T);                                                                \
        for (size_t i = 0; i < c->n; i++)                                                          \
            RESULT(uint32_t)[i] = mix_int32((uint64_t)in[i]);                                      \
    }                                                                                              \
    static void run_int64_##suffix(struct call *c)                                                 \
    {                                                                                              \
        const T *in = VALUES(0, T);                                                                \
        for (size_t i = 0; i < c->n; i++)                                                          \
            RESULT(uint64_t)[i] = mix_int64((uint64_t)in[i]);                                      \
    }
INTEGER_KINDS(INT_HASH_KERNELS)
#define INT32_OP(KIND, T, suffix) {"intHash32", run_int32_##suffix, 0},
#define INT64_OP(KIND, T, suffix) {"intHash64", run_int64_##suffix, 0},
static const struct op int_ops[2][8] = {{INTEGER_KINDS(INT32_OP)}, {INTEGER_KINDS(INT64_OP)}};

/* ---- one kernel per hash and width ---- */

static uint64_t combine_city(uint64_t a, uint64_t b)
{
    return city_mix(a, b);
}
static uint64_t combine_int64(uint64_t a, uint64_t b)
{
    return mix_int64(a) ^ b;
}
static uint32_t combine_int32(uint32_t a, uint32_t b)
{
    return mix_int32(a) ^ b;
}

static uint64_t hash_sip(const char *s, size_t n)
{
    return sip_hash64(s, n);
}
static uint64_t combine_sip(uint64_t a, uint64_t b)
{
    return sip_hash64((const char *)(uint64_t[]){a, b}, 16);
}

/* The first half of MD5, read from its left. */
static uint64_t hash_half_md5(const char *s, size_t n)
{
    MD5_CTX md5;
    uint8_t digest[MD5_DIGEST_LENGTH];
    uint64_t half;

    MD5_Init(&md5);
    MD5_Update(&md5, s, n);
    MD5_Final(digest, &md5);
    memcpy(&half, digest, sizeof(half));
    return __builtin_bswap64(half);
}
static uint64_t combine_half_md5(uint64_t a, uint64_t b)
{
    return hash_half_md5((const char *)(uint64_t[]){a, b}, 16);
}

static uint32_t hash_xxh32(const char *s, size_t n)
{
    return XXH32(s, n, 0);
}
static uint64_t hash_xxh64(const char *s, size_t n)
{
    return XXH64(s, n, 0);
}
static uint64_t hash_xxh3(const char *s, size_t n)
{
    return XXH3_64bits(s, n);
}
static uint32_t hash_murmur2_32(const char *s, size_t n)
{
    return murmur2_hash32(s, n, 0);
}
static uint32_t hash_kafka(const char *s, size_t n)
{
    return murmur2_hash32(s, n, 0x9747b28c) & 0x7fffffff;
}
static uint64_t hash_murmur3_64(const char *s, size_t n)
{
    uint64_t h[2];

    murmur3_hash128(s, n, h);
    return h[0] ^ h[1];
}
static uint32_t hash_java(const char *s, size_t n)
{
    uint32_t h = 0;

    for (size_t i = 0; i < n; i++)
        h = 31 * h + (uint32_t)(int8_t)s[i];
    return h;
}
static uint32_t hash_hive(const char *s, size_t n)
{
    return hash_java(s, n) & 0x7fffffff;
}

#define FIXED_KERNEL(name, R, hash, width)                                                         \
    static void run_##name##_##width(struct call *c)                                               \
    {                                                                                              \
        const char *in = c->args[0]->values;                                                       \
        for (size_t i = 0; i < c->n; i++)                                                          \
            RESULT(R)[i] = hash(in + i * (width), width);                                          \
    }
#define HASH_KERNELS(name, R, hash)                                                                \
    static void run_##name##_text(struct call *c)                                                  \
    {                                                                                              \
        const struct str *in = VALUES(0, struct str);                                              \
        for (size_t i = 0; i < c->n; i++)                                                          \
            RESULT(R)[i] = hash(in[i].p, in[i].n);                                                 \
    }                                                                                              \
    FIXED_KERNEL(name, R, hash, 1)                                                                 \
    FIXED_KERNEL(name, R, hash, 2)                                                                 \
    FIXED_KERNEL(name, R, hash, 4)                                                                 \
    FIXED_KERNEL(name, R, hash, 8)                                                                 \
    FIXED_KERNEL(name, R, hash, 16)
/* From 512 bytes on ClickHouse takes a variant of FarmHash that is not there: rejected rather
 * than another value. */
static void run_farm_short_text(struct call *c)
{
    const struct str *in = VALUES(0, struct str);

    for (size_t i = 0; i < c->n; i++) {
        bool is_long = in[i].n >= 512;
        RESULT(uint64_t)[i] = is_long ? 0 : farm_hash64(in[i].p, in[i].n);
        c->fresh[i] = is_long ? FAULT_RANGE : 0;
    }
}
#define COMBINE_KERNEL(name, R, combine)                                                           \
    static void run_combine_##name(struct call *c)                                                 \
    {                                                                                              \
        const R *a = VALUES(0, R), *b = VALUES(1, R);                                              \
        for (size_t i = 0; i < c->n; i++)                                                          \
            RESULT(R)[i] = combine(a[i], b[i]);                                                    \
    }

HASH_KERNELS(city, uint64_t, city_hash64)
FIXED_KERNEL(farm, uint64_t, farm_hash64, 1)
FIXED_KERNEL(farm, uint64_t, farm_hash64, 2)
FIXED_KERNEL(farm, uint64_t, farm_hash64, 4)
FIXED_KERNEL(farm, uint64_t, farm_hash64, 8)
FIXED_KERNEL(farm, uint64_t, farm_hash64, 16)
HASH_KERNELS(farm_fingerprint, uint64_t, farm_fingerprint64)
HASH_KERNELS(metro, uint64_t, metro_hash64)
HASH_KERNELS(sip, uint64_t, hash_sip)
HASH_KERNELS(half_md5, uint64_t, hash_half_md5)
HASH_KERNELS(xxh32, uint32_t, hash_xxh32)
HASH_KERNELS(xxh64, uint64_t, hash_xxh64)
HASH_KERNELS(xxh3, uint64_t, hash_xxh3)
HASH_KERNELS(murmur2_32, uint32_t, hash_murmur2_32)
HASH_KERNELS(murmur2_64, uint64_t, murmur2_hash64)
HASH_KERNELS(gcc, uint64_t, murmur2_gcc)
HASH_KERNELS(kafka, uint32_t, hash_kafka)
HASH_KERNELS(murmur3_32, uint32_t, murmur3_hash32)
HASH_KERNELS(murmur3_64, uint64_t, hash_murmur3_64)
HASH_KERNELS(java, uint32_t, hash_java)
HASH_KERNELS(hive, uint32_t, hash_hive)
COMBINE_KERNEL(city, uint64_t, combine_city)
COMBINE_KERNEL(int64, uint64_t, combine_int64)
COMBINE_KERNEL(int32, uint32_t, combine_int32)
COMBINE_KERNEL(sip, uint64_t, combine_sip)
COMBINE_KERNEL(half_md5, uint64_t, combine_half_md5)

enum hash {
    HASH_CITY,
    HASH_FARM,
    HASH_FARM_FINGERPRINT,
    HASH_METRO,
    HASH_SIP,
    HASH_HALF_MD5,
    HASH_XXH32,
    HASH_XXH64,
    HASH_XXH3,
    HASH_MURMUR2_32,
    HASH_MURMUR2_64,
    HASH_GCC,
    HASH_KAFKA,
    HASH_MURMUR3_32,
    HASH_MURMUR3_64,
    HASH_JAVA,
    HASH_HIVE
};

static const struct op op_combine_city = {"combineHash", run_combine_city, 0};
static const struct op op_combine_int64 = {"combineHash", run_combine_int64, 0};
static const struct op op_combine_int32 = {"combineHash", run_combine_int32, 0};
static const struct op op_combine_sip = {"combineHash", run_combine_sip, 0};
static const struct op op_combine_half_md5 = {"combineHash", run_combine_half_md5, 0};

#define HASH(name, function)                                                                       \
    {                                                                                              \
        {function, run_##name##_text, 0}, {function, run_##name##_1, 0},                           \
            {function, run_##name##_2, 0}, {function, run_##name##_4, 0},                          \
            {function, run_##name##_8, 0},                                                         \
        {                                                                                          \
            function, run_##name##_16, 0                                                           \
        }                                                                                          \
    }
static const struct {
    struct op ops[6];         /* text, 1, 2, 4, 8, 16 bytes */
    const struct op *combine; /* NULL: takes one argument only */
    uint8_t result;           /* enum type_kind */
    bool has_int_hash;        /* numbers are hashed by intHash64 */
} hashes[] = {
    [HASH_CITY] = {HASH(city, "cityHash64"), &op_combine_city, TYPE_UINT64, true},
    [HASH_FARM] = {{{"farmHash64", run_farm_short_text, OP_FAULTS},
                    {"farmHash64", run_farm_1, 0},
                    {"farmHash64", run_farm_2, 0},
                    {"farmHash64", run_farm_4, 0},
                    {"farmHash64", run_farm_8, 0},
                    {"farmHash64", run_farm_16, 0}},
                   &op_combine_city,
                   TYPE_UINT64,
                   true},
    [HASH_FARM_FINGERPRINT] = {HASH(farm_fingerprint, "farmFingerprint64"), &op_combine_city,
                               TYPE_UINT64, true},
    [HASH_METRO] = {HASH(metro, "metroHash64"), &op_combine_city, TYPE_UINT64, true},
    [HASH_SIP] = {HASH(sip, "sipHash64"), &op_combine_sip, TYPE_UINT64},
    [HASH_HALF_MD5] = {HASH(half_md5, "halfMD5"), &op_combine_half_md5, TYPE_UINT64},
    [HASH_XXH32] = {HASH(xxh32, "xxHash32"), &op_combine_int32, TYPE_UINT32},
    [HASH_XXH64] = {HASH(xxh64, "xxHash64"), &op_combine_city, TYPE_UINT64},
    [HASH_XXH3] = {HASH(xxh3, "xxh3"), &op_combine_city, TYPE_UINT64},
    [HASH_MURMUR2_32] = {HASH(murmur2_32, "murmurHash2_32"), &op_combine_int32, TYPE_UINT32},
    [HASH_MURMUR2_64] = {HASH(murmur2_64, "murmurHash2_64"), &op_combine_int64, TYPE_UINT64},
    [HASH_GCC] = {HASH(gcc, "gccMurmurHash"), &op_combine_int64, TYPE_UINT64},
    [HASH_KAFKA] = {HASH(kafka, "kafkaMurmurHash"), &op_combine_int32, TYPE_UINT32},
    [HASH_MURMUR3_32] = {HASH(murmur3_32, "murmurHash3_32"), &op_combine_int32, TYPE_UINT32},
    [HASH_MURMUR3_64] = {HASH(murmur3_64, "murmurHash3_64"), &op_combine_int64, TYPE_UINT64},
    [HASH_JAVA] = {HASH(java, "javaHash"), NULL, TYPE_INT32},
    [HASH_HIVE] = {HASH(hive, "hiveHash"), NULL, TYPE_INT32},
};

static unsigned width_index(size_t width)
{
    return width == 1 ? 1 : width == 2 ? 2 : width == 4 ? 3 : width == 8 ? 4 : 5;
}

static bool can_hash(struct type t)
{
    return t.kind == TYPE_STRING || type_is_number(t) || t.kind == TYPE_DATE || type_is_time(t) ||
           t.kind == TYPE_IPV4 || t.kind == TYPE_IPV6 || t.kind == TYPE_INTERVAL;
}

static value_id hash_of(struct site *s, uint32_t arg)
{
    struct builder *b = s->b;
    struct type t = s->types[arg];
    enum hash hash = (enum hash)s->f->param;

    if (hashes[hash].has_int_hash && t.kind != TYPE_STRING && t.kind != TYPE_IPV6 &&
        t.kind != TYPE_DATETIME64) {
        enum type_kind kind = integer_kind(false, type_width(t)); /* its bytes, not its value */
        return EMIT(b, &int_ops[1][kind_index(kind)], type_of(TYPE_UINT64), s->args[arg]);
    }
    unsigned index = t.kind == TYPE_STRING ? 0 : width_index(type_width(t));
    return EMIT(b, &hashes[hash].ops[index], type_of((enum type_kind)hashes[hash].result),
                s->args[arg]);
}

static value_id build_hash(struct site *s)
{
    enum hash hash = (enum hash)s->f->param;
    value_id v = VALUE_FAILED;

    for (uint32_t i = 0; i < s->n_args; i++)
        if (!can_hash(s->types[i]))
            return site_bad_type(s, i, "a number, a String, a time or an address");
    if (s->n_args == 0) { /* ClickHouse's constant for nothing */
        bool is_short = hashes[hash].result == TYPE_UINT32;
        return constant_u64(s->b, (enum type_kind)hashes[hash].result,
                            is_short ? 0xe28dbde7fe22e41cULL & 0xffffffff : 0xe28dbde7fe22e41cULL);
    }
    for (uint32_t i = 0; i < s->n_args; i++) {
        value_id next = hash_of(s, i);
        v = i == 0 ? next
                   : EMIT(s->b, hashes[hash].combine, type_of((enum type_kind)hashes[hash].result),
                          v, next);
    }
    return v;
}

/* ---- javaHash of integers is the integer ---- */

static void run_java_i64(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        uint64_t v = VALUES(0, uint64_t)[i];
        RESULT(uint32_t)[i] = (uint32_t)(v ^ v >> 32);
    }
}
static const struct op op_java_i64 = {"javaHash", run_java_i64, 0};

static value_id build_java(struct site *s)
{
    struct type t = s->types[0];
    enum type_kind storage = type_storage(t);

    if (t.kind == TYPE_STRING || type_is_float(t) || t.kind == TYPE_IPV4 || t.kind == TYPE_IPV6 ||
        t.kind == TYPE_DATETIME64)
        return build_hash(s);
    if (storage == TYPE_INT64)
        return EMIT(s->b, &op_java_i64, type_of(TYPE_INT32), s->args[0]);
    if (type_is_signed(t))
        return cast_number(s->b, s->args[0], TYPE_INT32);
    return site_bad_type(s, 0, "a String or a signed number");
}

/* Pairs of bytes, as Java holds text. */
static void run_java_wide(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str text = str_at(c->args[0], i);
        uint32_t h = 0;
        for (size_t k = 0; k + 1 < text.n; k += 2)
            h = 31 * h + (uint32_t)((uint8_t)text.p[k] | (uint8_t)text.p[k + 1] << 8);
        RESULT(uint32_t)[i] = h;
        c->fresh[i] = text.n % 2 ? FAULT_PARSE : 0;
    }
}
static const struct op op_java_wide = {"javaHashUTF16LE", run_java_wide, OP_FAULTS};

static value_id build_java_wide(struct site *s)
{
    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    return EMIT(s->b, &op_java_wide, type_of(TYPE_INT32), s->args[0]);
}

static value_id build_int_hash(struct site *s)
{
    struct type t = s->types[0];
    bool is_good = type_is_integer(t) || t.kind == TYPE_BOOL || t.kind == TYPE_DATE ||
                   t.kind == TYPE_DATETIME || t.kind == TYPE_IPV4;

    if (!is_good)
        return site_bad_type(s, 0, "an integer, a Date, DateTime or IPv4");
    return EMIT(s->b, &int_ops[s->f->param == 64][kind_index(type_storage(t))],
                type_of(s->f->param == 64 ? TYPE_UINT64 : TYPE_UINT32), s->args[0]);
}

/* ---- checks ---- */

#define CHECK_KERNEL(name, R, hash)                                                                \
    static void run_##name(struct call *c)                                                         \
    {                                                                                              \
        for (size_t i = 0; i < c->n; i++) {                                                        \
            struct str text = str_at(c->args[0], i);                                               \
            RESULT(R)[i] = hash(text.p, text.n);                                                   \
        }                                                                                          \
    }
CHECK_KERNEL(crc32, uint32_t, crc32_mysql)
CHECK_KERNEL(crc32_ieee, uint32_t, crc32_ieee)
CHECK_KERNEL(crc64, uint64_t, crc64_ecma)
static const struct op check_ops[] = {
    {"CRC32", run_crc32, 0}, {"CRC32IEEE", run_crc32_ieee, 0}, {"CRC64", run_crc64, 0}};

static value_id build_check(struct site *s)
{
    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    return EMIT(s->b, &check_ops[s->f->param],
                type_of(s->f->param == 2 ? TYPE_UINT64 : TYPE_UINT32), s->args[0]);
}

/* Without the last / ? # */
static void run_url_hash(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str text = str_at(c->args[0], i);
        if (text.n && strchr("/?#", text.p[text.n - 1]) && text.p[text.n - 1])
            text.n--;
        RESULT(uint64_t)[i] = city_hash64(text.p, text.n);
    }
}
static const struct op op_url_hash = {"URLHash", run_url_hash, 0};

static value_id build_url_hash(struct site *s)
{
    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    return EMIT(s->b, &op_url_hash, type_of(TYPE_UINT64), s->args[0]);
}

#define ANY_HASH(name, text, hash)                                                                 \
    {                                                                                              \
        name, "a, b, …", text, 0, 255, 0, build_hash, hash                                         \
    }
static const struct function functions[] = {
    ANY_HASH("cityHash64", "CityHash 1.0.2, UInt64; of numbers intHash64.", HASH_CITY),
    ANY_HASH("farmHash64", "FarmHash, UInt64; of numbers intHash64.", HASH_FARM),
    ANY_HASH("farmFingerprint64", "FarmHash's fingerprint, UInt64; of numbers intHash64.",
             HASH_FARM_FINGERPRINT),
    ANY_HASH("metroHash64", "MetroHash, UInt64; of numbers intHash64.", HASH_METRO),
    ANY_HASH("sipHash64", "SipHash-2-4, UInt64.", HASH_SIP),
    ANY_HASH("halfMD5", "The first 8 bytes of MD5, UInt64.", HASH_HALF_MD5),
    ANY_HASH("xxHash32", "xxHash, UInt32.", HASH_XXH32),
    ANY_HASH("xxHash64", "xxHash, UInt64.", HASH_XXH64),
    ANY_HASH("xxh3", "XXH3, UInt64.", HASH_XXH3),
    ANY_HASH("murmurHash2_32", "MurmurHash2, UInt32.", HASH_MURMUR2_32),
    ANY_HASH("murmurHash2_64", "MurmurHash2, UInt64.", HASH_MURMUR2_64),
    ANY_HASH("gccMurmurHash", "MurmurHash2 as GCC's library has it, UInt64.", HASH_GCC),
    ANY_HASH("kafkaMurmurHash", "MurmurHash2 as Kafka's partitioner has it, UInt32.", HASH_KAFKA),
    ANY_HASH("murmurHash3_32", "MurmurHash3, UInt32.", HASH_MURMUR3_32),
    ANY_HASH("murmurHash3_64", "MurmurHash3, UInt64.", HASH_MURMUR3_64),
    {"javaHash", "x", "Java's hashCode of text or a signed number, Int32.", 1, 1, 0, build_java,
     HASH_JAVA},
    {"javaHashUTF16LE", "s", "Java's hashCode of text in UTF-16.", 1, 1, 0, build_java_wide, 0},
    {"hiveHash", "x", "Java's hashCode without its sign, Int32.", 1, 1, 0, build_hash, HASH_HIVE},
    {"intHash32", "n", "Hash of an integer, UInt32.", 1, 1, 0, build_int_hash, 32},
    {"intHash64", "n", "Hash of an integer, UInt64.", 1, 1, 0, build_int_hash, 64},
    {"CRC32", "s", "zlib's checksum, UInt32.", 1, 1, FN_ANY_CASE, build_check, 0},
    {"CRC32IEEE", "s", "The same polynomial, beginning with 0.", 1, 1, FN_ANY_CASE, build_check, 1},
    {"CRC64", "s", "Checksum by ECMA-182's polynomial, UInt64.", 1, 1, FN_ANY_CASE, build_check, 2},
    {"URLHash", "s", "cityHash64 without a last / ? #.", 1, 1, 0, build_url_hash, 0},
};
const struct function_family family_hash = {"Hashes", functions, COUNT(functions)};
