/* SPDX-License-Identifier: Apache-2.0
 *
 * simpleJSON…: no parsing; the first "name": in the text and what is behind it. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "expr/text_kit.h"

#define IN(row) (VALUES(0, struct str)[row])

enum { GET_HAS, GET_UINT, GET_INT, GET_FLOAT, GET_BOOL, GET_STRING, GET_RAW };

/* data: "name": with its quotes. NULL: it is not there. */
static const char *find_value(const struct call *c, size_t row, const char **end)
{
    const struct str *name = c->data;
    const char *at = text_find(IN(row), *name);

    *end = IN(row).p + IN(row).n;
    return at ? at + name->n : NULL;
}

/* ---- numbers: as far as they go ---- */

/* 0 where it does not fit. */
static uint64_t read_integer(const char *p, const char *end, bool is_signed)
{
    bool is_negative = false, fits = true;
    uint64_t v = 0;

    if (p < end && *p == '"')
        p++;
    if (p < end && (*p == '+' || (*p == '-' && is_signed))) {
        is_negative = *p == '-';
        p++;
    }
    for (; p < end && is_digit(*p); p++)
        fits &= !__builtin_mul_overflow(v, 10, &v) &&
                !__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v);
    if (!fits || (is_signed && v > (uint64_t)INT64_MAX + is_negative))
        return 0;
    return is_negative ? 0 - v : v;
}

/* ClickHouse's quick reading of floating point numbers, which rounds more than once. */
enum { POWER_LEAST = -400, POWER_MOST = 400, DIGITS_MAX = 19 }; /* from 0 to infinity */
static double powers[POWER_MOST - POWER_LEAST + 1];
static long double long_powers[POWER_MOST - POWER_LEAST + 1];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;

static void fill_powers(void)
{
    for (int i = POWER_LEAST; i <= POWER_MOST; i++) {
        char text[16];
        snprintf(text, sizeof(text), "1e%d", i);
        powers[i - POWER_LEAST] = strtod(text, NULL);
        long_powers[i - POWER_LEAST] = strtold(text, NULL);
    }
}

static size_t power_index(int64_t exponent)
{
    exponent = exponent < POWER_LEAST ? POWER_LEAST : exponent > POWER_MOST ? POWER_MOST : exponent;
    return (size_t)(exponent - POWER_LEAST);
}

static double shift_digits(uint64_t v, int64_t exponent)
{
    return (double)((long double)v * long_powers[power_index(exponent)]);
}

/* Digits, of which the first 19 count. Returns how many there are. */
static int64_t read_digits(const char **p, const char *end, uint64_t *v)
{
    const char *start = *p;

    *v = 0;
    for (; *p < end && is_digit(**p); (*p)++)
        if (*p - start < DIGITS_MAX)
            *v = *v * 10 + (uint64_t)(**p - '0');
    return *p - start;
}

static bool has_word(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - p) >= n && same_any_case(p, word, n);
}

static double read_float(const char *p, const char *end)
{
    bool is_negative = false;
    uint64_t whole, fraction = 0;
    int64_t n, shift = 0;
    double v;

    if (p < end && *p == '"')
        p++;
    if (p < end && (*p == '-' || *p == '+'))
        is_negative = *p++ == '-';
    if (has_word(p, end, "nan"))
        return is_negative ? -NAN : NAN;
    if (has_word(p, end, "inf"))
        return is_negative ? -INFINITY : INFINITY;
    n = read_digits(&p, end, &whole);
    v = n > DIGITS_MAX ? shift_digits(whole, n - DIGITS_MAX) : (double)whole;
    if (p < end && *p == '.') {
        const char *zeros = ++p;
        while (p < end && *p == '0')
            p++;
        shift = zeros - p;
        n = read_digits(&p, end, &fraction);
        shift -= n > DIGITS_MAX ? DIGITS_MAX : n;
    }
    int64_t exponent = 0;
    if (p < end && (*p == 'e' || *p == 'E')) {
        bool is_small = false;
        p++;
        if (p == end)
            return 0;
        if (*p == '-' || *p == '+')
            is_small = *p++ == '-';
        for (; p < end && is_digit(*p); p++)
            exponent = exponent > 100000 ? exponent : exponent * 10 + (*p - '0');
        exponent = is_small ? -exponent : exponent;
    }
    if (fraction)
        v += shift_digits(fraction, shift);
    if (exponent)
        v *= powers[power_index(exponent)];
    return is_negative ? -v : v;
}

/* ---- texts ---- */

static int hex4(const char *p, const char *end)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        char c = end - p > i ? lower_ascii(p[i]) : 0;
        int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* Behind \u; NULL: no digits, or half of a pair. */
static const char *put_unicode(struct text_out *out, const char *p, const char *end)
{
    int high = hex4(p, end), low;

    if (high < 0)
        return NULL;
    uint32_t code = (uint32_t)high;
    p += 4;
    if (high >= 0xd800 && high < 0xdc00) {
        low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2, end) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return NULL;
        code = 0x10000 + (code - 0xd800) * 0x400 + ((uint32_t)low - 0xdc00);
        p += 6;
    }
    out->at += utf8_encode(text_out_room(out, 4), code);
    return p;
}

/* A string in quotes, unescaped; false: it does not end, or an escape is none. */
static bool put_string(struct text_out *out, const char *p, const char *end)
{
    static const char from[] = "bfnrt0", to[] = "\b\f\n\r\t\0";

    if (p == end || *p++ != '"')
        return false;
    while (p < end) {
        char c = *p++;
        if (c == '"')
            return true;
        if (c != '\\') {
            text_out_byte(out, c);
            continue;
        }
        if (p == end)
            return false;
        c = *p++;
        if (c == 'u') {
            p = put_unicode(out, p, end);
            if (p == NULL)
                return false;
            continue;
        }
        const char *hit = c ? strchr(from, c) : NULL;
        text_out_byte(out, hit ? to[hit - from] : c);
    }
    return false;
}

/* Up to the comma or bracket that ends it; false: there is none. */
static bool raw_value(const char *p, const char *end, struct str *ret)
{
    char stack[64];
    size_t depth = 0;
    const char *start = p;

    for (; p < end; p++) {
        char expected = depth ? stack[depth - 1] : 0;
        if (depth && *p == expected) {
            depth--;
        } else if (expected == '"') {
            if (*p == '\\' && end - p > 1 && p[1] == '"')
                p++;
        } else if (*p == '[' || *p == '{' || *p == '"') {
            if (depth == sizeof(stack))
                return false;
            stack[depth++] = *p == '[' ? ']' : *p == '{' ? '}' : '"';
        } else if (depth == 0 && (*p == ',' || *p == '}')) {
            *ret = (struct str){start, (size_t)(p - start)};
            return true;
        }
    }
    return false;
}

/* ---- kernels: param.i = what ---- */

static void run_number(struct call *c)
{
    pthread_once(&powers_once, fill_powers);
    for (size_t i = 0; i < c->n; i++) {
        const char *end, *p = IN(i).n ? find_value(c, i, &end) : NULL;
        switch (c->param.i) {
        case GET_HAS: RESULT(uint8_t)[i] = p != NULL; break;
        case GET_BOOL: RESULT(uint8_t)[i] = p && end - p >= 4 && memcmp(p, "true", 4) == 0; break;
        case GET_FLOAT: RESULT(double)[i] = p ? read_float(p, end) : 0; break;
        default: RESULT(uint64_t)[i] = p ? read_integer(p, end, c->param.i == GET_INT) : 0;
        }
    }
}
static const struct op op_number = {"simpleJSON", run_number, 0};

static void run_text(struct call *c)
{
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        const char *end, *p = IN(i).n ? find_value(c, i, &end) : NULL;
        RESULT(struct str)[i] = (struct str){"", 0};
        if (p == NULL)
            continue;
        if (c->param.i == GET_RAW) {
            raw_value(p, end, &RESULT(struct str)[i]);
            continue;
        }
        bool ok = put_string(&out, p, end);
        struct str s = text_out_row(&out);
        if (ok)
            RESULT(struct str)[i] = s;
    }
}
static const struct op op_text = {"simpleJSON", run_text, 0};

static value_id build_simple(struct site *s)
{
    static const enum type_kind kinds[] = {
        [GET_HAS] = TYPE_UINT8,     [GET_UINT] = TYPE_UINT64, [GET_INT] = TYPE_INT64,
        [GET_FLOAT] = TYPE_FLOAT64, [GET_BOOL] = TYPE_UINT8,  [GET_STRING] = TYPE_STRING,
        [GET_RAW] = TYPE_STRING,
    };
    struct arena *arena = &s->b->memory->arena;

    if (!site_strings(s, 2))
        return VALUE_FAILED;
    const struct str *name = site_constant_text(s, 1);
    if (name == NULL)
        return site_bad_type(s, 1, "a constant string");
    struct str *quoted = arena_alloc(arena, sizeof(*quoted));
    char *bytes = arena_bytes(arena, name->n + 3);
    bytes[0] = '"';
    if (name->n)
        memcpy(bytes + 1, name->p, name->n);
    memcpy(bytes + 1 + name->n, "\":", 2);
    *quoted = (struct str){bytes, name->n + 3};
    return emit(s->b, s->f->param >= GET_STRING ? &op_text : &op_number,
                type_of(kinds[s->f->param]), s->args, 2, (struct param){.i = s->f->param}, quoted);
}

#define SIMPLE(name, alias, summary, what)                                                         \
    {name, "json, name", summary, 2, 2, 0, build_simple, what},                                    \
    {                                                                                              \
        alias, "json, name", name, 2, 2, FN_ALIAS, build_simple, what                              \
    }

static const struct function functions[] = {
    SIMPLE("simpleJSONHas", "visitParamHas", "Is there a \"name\": in the text?", GET_HAS),
    SIMPLE("simpleJSONExtractUInt", "visitParamExtractUInt", "The UInt64 behind it.", GET_UINT),
    SIMPLE("simpleJSONExtractInt", "visitParamExtractInt", "The Int64 behind it.", GET_INT),
    SIMPLE("simpleJSONExtractFloat", "visitParamExtractFloat", "The Float64 behind it.", GET_FLOAT),
    SIMPLE("simpleJSONExtractBool", "visitParamExtractBool", "Is there `true` behind it?",
           GET_BOOL),
    SIMPLE("simpleJSONExtractString", "visitParamExtractString", "The string behind it.",
           GET_STRING),
    SIMPLE("simpleJSONExtractRaw", "visitParamExtractRaw", "What is behind it, as it is there.",
           GET_RAW),
};
const struct function_family family_json_simple = {"JSON by search", functions, COUNT(functions)};
