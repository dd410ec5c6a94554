/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers, Bool and addresses from text, and the dispatch by type both ways. Floating point is in
 * value_float.c, times are in value_time.c. */
#include "codec/value.h"
#include "codec/value_priv.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "column/zone.h"

/* ---- reading ---- */

/* Digits up to the end. */
static const char *read_digits(uint64_t *ret, const char *p, const char *end, uint64_t max)
{
    uint64_t v = 0;

    if (p == end)
        return "not a number";
    for (; p < end; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';
        if (digit > 9)
            return "not a number";
        if (v > UINT64_MAX / 10 || v * 10 > UINT64_MAX - digit)
            return "outside the type's range";
        v = v * 10 + digit;
    }
    if (v > max)
        return "outside the type's range";
    *ret = v;
    return NULL;
}

const char *value_uint(uint64_t *ret, struct str text, uint64_t max)
{
    const char *p = text.p, *end = p + text.n;

    if (p < end && *p == '+')
        p++;
    if (p < end && *p == '-')
        return p + 1 < end && p == text.p ? "negative, but the type is unsigned" : "not a number";
    return read_digits(ret, p, end, max);
}

const char *value_int(int64_t *ret, struct str text, int64_t min, int64_t max)
{
    const char *p = text.p, *end = p + text.n;
    bool is_negative = p < end && *p == '-';
    uint64_t v;

    if (p < end && (*p == '+' || *p == '-'))
        p++;
    const char *reason =
        read_digits(&v, p, end, is_negative ? (uint64_t)0 - (uint64_t)min : (uint64_t)max);
    if (reason == NULL)
        *ret = is_negative ? (int64_t)(0 - v) : (int64_t)v;
    return reason;
}

const char *value_bool(uint8_t *ret, struct str text)
{
    static const char *const words[][2] = {
        {"false", "true"},
        {"0", "1"},
        {"f", "t"},
        {"n", "y"},
        {"no", "yes"},
        {"off", "on"},
        {"disable", "enable"},
        {"disabled", "enabled"},
    };

    for (size_t i = 0; i < COUNT(words); i++) {
        for (uint8_t v = 0; v < 2; v++) {
            if (strlen(words[i][v]) == text.n && strncasecmp(words[i][v], text.p, text.n) == 0) {
                *ret = v;
                return NULL;
            }
        }
    }
    return "not a Bool (true or false)";
}

/* Four numbers of up to four digits, leading zeros allowed; `*p` moves past them. */
static bool read_ipv4(uint32_t *ret, const char **p, const char *end)
{
    uint32_t address = 0;

    for (int i = 0; i < 4; i++) {
        unsigned v = 0, n = 0;
        if (i > 0 && (*p == end || *(*p)++ != '.'))
            return false;
        while (*p < end && n < 4 && **p >= '0' && **p <= '9') {
            v = v * 10 + (unsigned)(**p - '0');
            n++;
            ++*p;
        }
        if (n == 0 || v > 255)
            return false;
        address = address << 8 | v;
    }
    *ret = address;
    return true;
}

const char *value_ipv4(uint32_t *ret, struct str text)
{
    const char *p = text.p, *end = p + text.n;
    uint32_t address;

    if (!read_ipv4(&address, &p, end) || p != end)
        return "not an IPv4 address";
    *ret = address;
    return NULL;
}

static void put_ipv4(uint8_t *out, uint32_t address)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(address >> (24 - 8 * i));
}

/* Groups of 16 bits; "::" once, perhaps for no group at all; the last two groups may be an IPv4
 * address. After "::" a colon too many is passed over, as in ClickHouse. */
static bool read_ipv6(uint8_t ret[16], const char *p, const char *end)
{
    uint8_t bytes[16] = {0};
    int n = 0, gap = -1;

    if (end - p >= 2 && p[0] == ':' && p[1] == ':') {
        gap = 0;
        p += 2;
    }
    while (p < end) {
        const char *start = p;
        unsigned v = 0;
        int n_hex = 0, digit;
        while (p < end && n_hex < 4 && (digit = hex_value(*p)) >= 0) {
            v = v << 4 | (unsigned)digit;
            n_hex++;
            p++;
        }
        if (p < end && *p == '.') {
            uint32_t address;
            p = start;
            if (n > 12 || !read_ipv4(&address, &p, end) || p != end)
                return false;
            put_ipv4(bytes + n, address);
            n += 4;
            break;
        }
        if (n_hex == 0 || n > 14)
            return false;
        bytes[n++] = (uint8_t)(v >> 8);
        bytes[n++] = (uint8_t)v;
        if (p == end)
            break;
        if (n == 16 || *p++ != ':')
            return false;
        if (p < end && *p == ':') {
            if (gap >= 0)
                return false;
            gap = n;
            p++;
            p += p < end && *p == ':';
        } else if (p == end && gap < 0) {
            return false;
        }
    }
    if (n < 16 && gap < 0)
        return false;
    if (gap >= 0) {
        memmove(bytes + 16 - (n - gap), bytes + gap, (size_t)(n - gap));
        memset(bytes + gap, 0, (size_t)(16 - n));
    }
    memcpy(ret, bytes, 16);
    return true;
}

const char *value_ipv6(uint8_t ret[16], struct str text)
{
    const char *p = text.p, *end = p + text.n;
    uint32_t address;

    bool may_be_ipv4 = text.n > 1 && (p[0] != '0' || p[1] == '.');
    if (may_be_ipv4 && read_ipv4(&address, &p, end) && p == end) {
        memset(ret, 0, 10);
        memset(ret + 10, 0xff, 2);
        put_ipv4(ret + 12, address);
        return NULL;
    }
    return read_ipv6(ret, text.p, end) ? NULL : "not an IPv6 address";
}

static const char *parse_unsigned(void *out, size_t width, struct str text)
{
    uint64_t v;
    const char *reason = value_uint(&v, text, UINT64_MAX >> (64 - 8 * width));

    if (reason == NULL)
        memcpy(out, &v, width); /* little-endian, as all of weir */
    return reason;
}

static const char *parse_signed(void *out, size_t width, struct str text)
{
    int64_t max = INT64_MAX >> (64 - 8 * width), v;
    const char *reason = value_int(&v, text, -max - 1, max);

    if (reason == NULL)
        memcpy(out, &v, width);
    return reason;
}

const char *value_parse_in(void *out, struct type type, struct str text, struct arena *arena)
{
    if (type_is_compound(type) || type.kind == TYPE_FIXED_STRING)
        return value_parse_more(out, type, text, arena);
    return value_parse(out, type, text);
}

const char *value_parse(void *out, struct type type, struct str text)
{
    switch ((enum type_kind)type.kind) {
    case TYPE_BOOL: return value_bool(out, text);
    case TYPE_UINT8:
    case TYPE_UINT16:
    case TYPE_UINT32:
    case TYPE_UINT64: return parse_unsigned(out, type_width(type), text);
    case TYPE_INT8:
    case TYPE_INT16:
    case TYPE_INT32:
    case TYPE_INT64: return parse_signed(out, type_width(type), text);
    case TYPE_FLOAT32: return value_float32(out, text);
    case TYPE_FLOAT64: return value_float(out, text);
    case TYPE_STRING: memcpy(out, &text, sizeof(text)); return NULL;
    case TYPE_DATE: return value_date(out, text);
    case TYPE_DATETIME: return value_datetime(out, text, type.zone);
    case TYPE_DATETIME64: return value_datetime64(out, text, type.zone, type.scale);
    case TYPE_IPV4: return value_ipv4(out, text);
    case TYPE_IPV6: return value_ipv6(out, text);
    default: return value_parse_more(out, type, text, NULL);
    }
}

/* ---- printing ---- */

static int64_t read_signed(const void *value, size_t width)
{
    uint64_t v = 0;
    unsigned unused_bits = (unsigned)(64 - 8 * width);

    memcpy(&v, value, width);
    return (int64_t)(v << unused_bits) >> unused_bits;
}

static void print_date(struct buf *out, int64_t days)
{
    int32_t year;
    unsigned month, day;

    civil_from_days(days, &year, &month, &day);
    buf_printf(out, "%04d-%02u-%02u", year, month, day);
}

static void print_time(struct buf *out, const struct zone *zone, int64_t utc_s)
{
    struct civil c = civil_from_local(utc_s + zone_offset_at(zone, utc_s));

    buf_printf(out, "%04d-%02u-%02u %02u:%02u:%02u", c.year, c.month, c.day, c.hour, c.minute,
               c.second);
}

static void print_datetime64(struct buf *out, struct type type, int64_t ticks)
{
    int64_t per_second = 1;

    for (unsigned i = 0; i < type.scale; i++)
        per_second *= 10;
    int64_t s = ticks / per_second - (ticks % per_second < 0);
    print_time(out, type.zone, s);
    if (type.scale)
        buf_printf(out, ".%0*lld", type.scale, (long long)(ticks - s * per_second));
}

/* The longest run of two or more zero groups becomes "::"; mapped and compatible addresses end
 * in IPv4. */
static void print_ipv6(struct buf *out, const uint8_t *bytes)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(AF_INET6, bytes, text, sizeof(text));
    buf_text(out, text);
}

void value_print(struct buf *out, struct type type, const void *value)
{
    size_t width = type_width(type);
    uint64_t bits = 0;
    double f64;
    float f32;

    if (width <= 8)
        memcpy(&bits, value, width);
    switch ((enum type_kind)type.kind) {
    case TYPE_BOOL: buf_text(out, bits ? "true" : "false"); break;
    case TYPE_UINT8:
    case TYPE_UINT16:
    case TYPE_UINT32:
    case TYPE_UINT64: buf_printf(out, "%llu", (unsigned long long)bits); break;
    case TYPE_INT8:
    case TYPE_INT16:
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTERVAL: buf_printf(out, "%lld", (long long)read_signed(value, width)); break;
    case TYPE_FLOAT32:
        memcpy(&f32, value, sizeof(f32));
        value_print_float(out, f32, true);
        break;
    case TYPE_FLOAT64:
        memcpy(&f64, value, sizeof(f64));
        value_print_float(out, f64, false);
        break;
    case TYPE_STRING: buf_str(out, *(const struct str *)value); break;
    case TYPE_DATE: print_date(out, (int64_t)bits); break;
    case TYPE_DATETIME: print_time(out, type.zone, (int64_t)bits); break;
    case TYPE_DATETIME64: print_datetime64(out, type, (int64_t)bits); break;
    case TYPE_IPV4:
        buf_printf(out, "%u.%u.%u.%u", (unsigned)(bits >> 24) & 255, (unsigned)(bits >> 16) & 255,
                   (unsigned)(bits >> 8) & 255, (unsigned)bits & 255);
        break;
    case TYPE_IPV6: print_ipv6(out, value); break;
    default: value_print_more(out, type, value); break;
    }
}
