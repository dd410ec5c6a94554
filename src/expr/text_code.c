/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as text and back: hex, bin, base64. Integers are written most significant byte first
 * without leading zero bytes, floating point numbers as they lie in memory. */
#include <pthread.h>

#include "expr/text_kit.h"

#define IN(row) (VALUES(0, struct str)[row])

/* ---- hex, bin: param.i = digits a byte (2, 8) ---- */

static char *put_byte(char *p, uint8_t byte, int64_t digits)
{
    static const char hex[] = "0123456789ABCDEF";

    if (digits == 2) {
        p[0] = hex[byte >> 4];
        p[1] = hex[byte & 15];
        return p + 2;
    }
    for (int bit = 7; bit >= 0; bit--)
        *p++ = (char)('0' + (byte >> bit & 1));
    return p;
}

/* Both digits by arithmetic, which the compiler makes vectors of. */
static void put_hex(char *restrict out, struct str s)
{
    for (size_t k = 0; k < s.n; k++) {
        uint8_t high = (uint8_t)s.p[k] >> 4, low = (uint8_t)s.p[k] & 15;
        out[2 * k] = (char)(high + '0' + (high > 9 ? 7 : 0));
        out[2 * k + 1] = (char)(low + '0' + (low > 9 ? 7 : 0));
    }
}

static void run_bytes(struct call *c)
{
    char *p = arena_bytes(c->arena, (size_t)c->param.i * column_bytes(c->args[0], c->n) + 1);

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        char *start = p;
        if (c->param.i == 2) {
            put_hex(p, s);
            p += 2 * s.n;
        } else {
            for (size_t k = 0; k < s.n; k++)
                p = put_byte(p, (uint8_t)s.p[k], c->param.i);
        }
        RESULT(struct str)[i] = (struct str){start, (size_t)(p - start)};
    }
}
static const struct op op_bytes = {"hex", run_bytes, 0};

/* Values of 1 to 16 bytes; param.j = bytes | is an integer << 8. */
static void run_value_bytes(struct call *c)
{
    size_t width = (size_t)(c->param.j & 0xff);
    char *p = arena_bytes(c->arena, (size_t)c->param.i * width * c->n + 1);

    for (size_t i = 0; i < c->n; i++) {
        const uint8_t *v = (const uint8_t *)c->args[0]->values + i * width;
        char *start = p;
        if (c->param.j >> 8) {
            size_t n = width;
            while (n > 1 && v[n - 1] == 0)
                n--;
            while (n-- > 0)
                p = put_byte(p, v[n], c->param.i);
        } else {
            for (size_t k = 0; k < width; k++)
                p = put_byte(p, v[k], c->param.i);
        }
        RESULT(struct str)[i] = (struct str){start, (size_t)(p - start)};
    }
}
static const struct op op_value_bytes = {"hex", run_value_bytes, 0};

static value_id build_bytes(struct site *s)
{
    struct type t = s->types[0];
    struct param param = {.i = s->f->param, .j = (int64_t)type_width(t)};

    switch (t.kind) {
    case TYPE_STRING: return emit(s->b, &op_bytes, t, s->args, 1, param, NULL);
    case TYPE_FLOAT32:
    case TYPE_FLOAT64:
    case TYPE_IPV6: break;
    case TYPE_BOOL:
    case TYPE_DATE:
    case TYPE_DATETIME:
    case TYPE_IPV4: param.j |= 1 << 8; break;
    default:
        if (!type_is_integer(t))
            return site_bad_type(s, 0, "a String, number, Date, DateTime or address");
        param.j |= 1 << 8;
    }
    return emit(s->b, &op_value_bytes, type_of(TYPE_STRING), s->args, 1, param, NULL);
}

/* ---- unhex, unbin: what is no digit counts as ClickHouse's tables have it ---- */

static inline uint8_t hex_digit(char c)
{
    if (is_digit(c))
        return (uint8_t)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (uint8_t)(c - 'a' + 10);
    return c >= 'A' && c <= 'F' ? (uint8_t)(c - 'A' + 10) : 0xff;
}

static void run_unhex(struct call *c)
{
    char *p = arena_bytes(c->arena, column_bytes(c->args[0], c->n) + c->n + 1);

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        char *start = p;
        size_t k = 0;
        if (s.n & 1)
            *p++ = (char)hex_digit(s.p[k++]);
        for (; k < s.n; k += 2)
            *p++ = (char)(hex_digit(s.p[k]) * 16 + hex_digit(s.p[k + 1]));
        RESULT(struct str)[i] = (struct str){start, (size_t)(p - start)};
    }
}
static void run_unbin(struct call *c)
{
    char *p = arena_bytes(c->arena, column_bytes(c->args[0], c->n) + c->n + 1);

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        char *start = p;
        for (size_t k = 0; k < s.n;) {
            size_t n = k == 0 && s.n % 8 ? s.n % 8 : 8;
            uint8_t byte = 0;
            for (; n > 0; n--)
                byte = (uint8_t)(byte << 1 | (s.p[k++] != '0'));
            bool is_odd = k < 8 && s.n > 8; /* zeros before the first whole byte make none */
            if (byte || !is_odd)
                *p++ = (char)byte;
        }
        RESULT(struct str)[i] = (struct str){start, (size_t)(p - start)};
    }
}
static const struct op op_unhex = {"unhex", run_unhex, 0}, op_unbin = {"unbin", run_unbin, 0};

static value_id build_from_digits(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return EMIT(s->b, s->f->param ? &op_unbin : &op_unhex, type_of(TYPE_STRING), s->args[0]);
}

/* ---- base64: param.i = URL alphabet | errors give '' << 1 ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Two digits for each 12 bits. */
static uint16_t digit_pairs[2][4096];
static pthread_once_t pairs_once = PTHREAD_ONCE_INIT;

static void fill_pairs(void)
{
    for (unsigned i = 0; i < 4096; i++) {
        char plain[2] = {alphabet[i >> 6], alphabet[i & 63]};
        char url[2] = {url_alphabet[i >> 6], url_alphabet[i & 63]};
        memcpy(&digit_pairs[0][i], plain, 2);
        memcpy(&digit_pairs[1][i], url, 2);
    }
}

static char *encode(char *p, struct str s, bool is_url)
{
    const uint16_t *pairs = digit_pairs[is_url];
    const char *digits = is_url ? url_alphabet : alphabet;
    const uint8_t *b = (const uint8_t *)s.p;
    size_t n = s.n;

    for (; n >= 3; b += 3, n -= 3, p += 4) {
        uint32_t v = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
        memcpy(p, &pairs[v >> 12], 2);
        memcpy(p + 2, &pairs[v & 4095], 2);
    }
    if (n == 0)
        return p;
    uint32_t v = (uint32_t)b[0] << 16 | (n == 2 ? (uint32_t)b[1] << 8 : 0);
    *p++ = digits[v >> 18];
    *p++ = digits[v >> 12 & 63];
    if (n == 2)
        *p++ = digits[v >> 6 & 63];
    for (; n < 3 && !is_url; n++)
        *p++ = '=';
    return p;
}

static void run_encode(struct call *c)
{
    char *p = arena_bytes(c->arena, (column_bytes(c->args[0], c->n) / 3 + c->n + 1) * 4 + 4 * c->n);

    pthread_once(&pairs_once, fill_pairs);
    for (size_t i = 0; i < c->n; i++) {
        char *start = p;
        p = encode(p, IN(i), c->param.i);
        RESULT(struct str)[i] = (struct str){start, (size_t)(p - start)};
    }
}
static const struct op op_encode = {"base64Encode", run_encode, 0};

enum { BLANK = 64, PADDING = 65, BAD = 66 };

static uint8_t digit_of(char c, bool is_url)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (is_digit(c))
        return (uint8_t)(c - '0' + 52);
    switch (c) {
    case '+': return 62;
    case '/': return 63;
    case '-': return is_url ? 62 : BAD;
    case '_': return is_url ? 63 : BAD;
    case '=': return PADDING;
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case '\f': return BLANK;
    default: return BAD;
    }
}

/* NULL: it is no base64. */
static char *decode(char *p, struct str s, const uint8_t *digits, bool is_url)
{
    uint32_t v = 0, n = 0, n_padding = 0;
    size_t i = 0;

    for (; i < s.n; i++) {
        uint8_t d = digits[(uint8_t)s.p[i]];
        if (d >= BLANK) {
            if (d == BLANK)
                continue;
            break;
        }
        v = v << 6 | d;
        if (++n == 4) {
            *p++ = (char)(v >> 16);
            *p++ = (char)(v >> 8);
            *p++ = (char)v;
            n = v = 0;
        }
    }
    for (; i < s.n; i++) {
        uint8_t d = digits[(uint8_t)s.p[i]];
        if (d == PADDING)
            n_padding++;
        else if (d != BLANK)
            return NULL;
    }
    uint32_t wanted = n == 0 ? 0 : 4 - n;
    if (n == 1 || n_padding > wanted || (n_padding < wanted && !is_url))
        return NULL;
    if (n >= 2)
        *p++ = (char)(n == 2 ? v >> 4 : v >> 10);
    if (n == 3)
        *p++ = (char)(v >> 2);
    return p;
}

static void run_decode(struct call *c)
{
    bool is_url = c->param.i & 1, is_try = c->param.i & 2;
    char *p = arena_bytes(c->arena, column_bytes(c->args[0], c->n) + 3 * c->n + 1);
    uint8_t digits[256];

    for (int i = 0; i < 256; i++)
        digits[i] = digit_of((char)i, is_url);
    for (size_t i = 0; i < c->n; i++) {
        char *end = decode(p, IN(i), digits, is_url);
        if (!is_try)
            c->fresh[i] = end ? 0 : FAULT_PARSE;
        RESULT(struct str)[i] = (struct str){p, end ? (size_t)(end - p) : 0};
        p = end ? end : p;
    }
}
static const struct op op_decode = {"base64Decode", run_decode, OP_FAULTS};
static const struct op op_try_decode = {"tryBase64Decode", run_decode, 0};

static value_id build_encode(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return emit(s->b, &op_encode, type_of(TYPE_STRING), s->args, 1,
                (struct param){.i = s->f->param}, NULL);
}

static value_id build_decode(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return emit(s->b, s->f->param & 2 ? &op_try_decode : &op_decode, type_of(TYPE_STRING), s->args,
                1, (struct param){.i = s->f->param}, NULL);
}

static const struct function functions[] = {
    {"hex", "x", "The bytes as hexadecimal digits.", 1, 1, FN_ANY_CASE, build_bytes, 2},
    {"unhex", "s", "Hexadecimal digits as bytes.", 1, 1, FN_ANY_CASE, build_from_digits, 0},
    {"bin", "x", "The bytes as binary digits.", 1, 1, FN_ANY_CASE, build_bytes, 8},
    {"unbin", "s", "Binary digits as bytes.", 1, 1, FN_ANY_CASE, build_from_digits, 1},
    {"base64Encode", "s", "The bytes in base64.", 1, 1, 0, build_encode, 0},
    {"TO_BASE64", "s", "base64Encode", 1, 1, FN_ANY_CASE | FN_ALIAS, build_encode, 0},
    {"base64URLEncode", "s", "The same with - and _, without =.", 1, 1, 0, build_encode, 1},
    {"base64Decode", "s", "The bytes that base64 stands for.", 1, 1, 0, build_decode, 0},
    {"FROM_BASE64", "s", "base64Decode", 1, 1, FN_ANY_CASE | FN_ALIAS, build_decode, 0},
    {"base64URLDecode", "s", "The same of base64URLEncode's text.", 1, 1, 0, build_decode, 1},
    {"tryBase64Decode", "s", "base64Decode; '' where it is none.", 1, 1, 0, build_decode, 2},
    {"tryBase64URLDecode", "s", "base64URLDecode; '' where it is none.", 1, 1, 0, build_decode, 3},
};
const struct function_family family_text_code = {"Bytes as text", functions, COUNT(functions)};
