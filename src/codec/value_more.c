/* SPDX-License-Identifier: Apache-2.0
 *
 * Date32, UUID, FixedString, Decimal, Enum: text to value and back, as ClickHouse reads and
 * prints them. */
#include <limits.h>
#include <stdlib.h>

#include "codec/value_priv.h"
#include "column/zone.h"

#define E9 1000000000LL
#define E18 ((__int128)E9 * E9)
#define TENS(m)                                                                                    \
    (__int128)1 * (m), (__int128)10 * (m), (__int128)100 * (m), (__int128)1000 * (m),              \
        (__int128)10000 * (m), (__int128)100000 * (m), (__int128)1000000 * (m),                    \
        (__int128)10000000 * (m), (__int128)100000000 * (m)
const __int128 decimal_powers[39] = {TENS(1),  TENS(E9),      TENS(E18),     TENS(E18 *E9),
                                     E18 *E18, E18 *E18 * 10, E18 *E18 * 100};

/* ---- Date32 ---- */

enum { DATE32_FIRST = -25567, DATE32_LAST = 120529 }; /* 1900-01-01, 2299-12-31 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* YYYYMMDD, or YYYY?M[M]?D[D] with any one byte between. */
const char *value_date32(int32_t *ret, struct str text)
{
    const char *p = text.p, *end = p + text.n;
    int parts[3] = {0};

    if (text.n < 8 || text.n > 10)
        return "not a date";
    for (int i = 0; i < 4; i++) {
        if (!is_digit(*p))
            return "not a date";
        parts[0] = parts[0] * 10 + (*p++ - '0');
    }
    bool is_plain = text.n == 8 && is_digit(*p);
    for (int i = 1; i < 3; i++) {
        p += !is_plain;
        if (p >= end || !is_digit(*p) || (!is_plain && is_digit(p[-1])))
            return "not a date";
        parts[i] = *p++ - '0';
        if (p < end && is_digit(*p))
            parts[i] = parts[i] * 10 + (*p++ - '0');
    }
    if (p != end)
        return "not a date";
    if (parts[0] == 0 && parts[1] == 0 && parts[2] == 0) {
        *ret = 0; /* what other databases write for "none" */
        return NULL;
    }
    if (parts[1] < 1 || parts[1] > 12 || parts[2] < 1 || parts[2] > 31)
        return "no such date";
    int64_t days = days_from_civil(parts[0], (unsigned)parts[1], (unsigned)parts[2]);
    if (days < DATE32_FIRST || days > DATE32_LAST)
        return "a date outside Date32 (1900-01-01 to 2299-12-31)";
    *ret = (int32_t)days;
    return NULL;
}

static void print_date32(struct buf *out, int32_t days)
{
    int32_t year;
    unsigned month, day;

    civil_from_days(days, &year, &month, &day);
    buf_printf(out, "%04d-%02u-%02u", year, month, day);
}

/* ---- UUID ---- */

/* 32 hexadecimal digits, bare or in groups of 8-4-4-4-12. */
const char *value_uuid(uint8_t ret[16], struct str text)
{
    static const uint8_t dashes[] = {8, 13, 18, 23};
    uint64_t halves[2] = {0};
    size_t n = 0;

    if (text.n != 32 && text.n != 36)
        return "not a UUID";
    for (size_t i = 0; i < text.n; i++) {
        bool is_dash = text.n == 36 && n < 24 &&
                       (i == dashes[0] || i == dashes[1] || i == dashes[2] || i == dashes[3]);
        int digit = hex_value(text.p[i]);
        if (is_dash && text.p[i] == '-')
            continue;
        if (is_dash || digit < 0)
            return "not a UUID";
        halves[n / 16] = halves[n / 16] << 4 | (uint64_t)digit;
        n++;
    }
    memcpy(ret, halves, 16);
    return NULL;
}

static void print_uuid(struct buf *out, const void *value)
{
    uint64_t halves[2];

    memcpy(halves, value, 16);
    buf_printf(out, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(halves[0] >> 32),
               (unsigned)(halves[0] >> 16) & 0xffff, (unsigned)halves[0] & 0xffff,
               (unsigned)(halves[1] >> 48), (unsigned long long)(halves[1] & 0xffffffffffff));
}

/* ---- Decimal ---- */

__int128 decimal_read(struct type type, const void *value)
{
    int32_t narrow;
    int64_t wide;
    __int128 widest;

    switch (type_width(type)) {
    case 4: memcpy(&narrow, value, 4); return narrow;
    case 8: memcpy(&wide, value, 8); return wide;
    default: memcpy(&widest, value, 16); return widest;
    }
}

void decimal_write(struct type type, void *out, __int128 v)
{
    memcpy(out, &v, type_width(type)); /* little-endian, as all of weir */
}

bool decimal_fits(struct type type, __int128 v)
{
    __int128 limit = decimal_powers[type.size];

    return v < limit && v > -limit;
}

/* What is read of a number: digits without point, and the power of ten they stand for. */
struct digits {
    __int128 value;
    int32_t n, exponent;
};

static const char *read_exponent(const char **at, const char *end, int32_t *exponent)
{
    const char *p = *at;
    bool is_negative = p < end && *p == '-';
    int32_t v = 0;

    p += p < end && (*p == '-' || *p == '+');
    if (p == end || !is_digit(*p))
        return "a number without digits in its exponent";
    for (; p < end && is_digit(*p); p++)
        v = v < 100000 ? v * 10 + (*p - '0') : v;
    *exponent += is_negative ? -v : v;
    *at = p;
    return NULL;
}

/* Digits beyond the type's, behind the point, are cut off; before it they are too many. */
static const char *read_digits(struct digits *d, struct str text, int32_t max)
{
    const char *p = text.p, *end = p + text.n;
    bool is_negative = p < end && *p == '-', is_leading = true, after_point = false;
    int32_t pending = 0; /* zeroes behind the point that count if a digit follows, and that digit */

    for (p += p < end && (*p == '-' || *p == '+'); p < end; p++) {
        if (*p == '.' && !after_point) {
            after_point = true;
            is_leading = false;
        } else if (is_digit(*p)) {
            if (*p == '0' && is_leading)
                continue;
            pending++;
            is_leading = false;
            if (*p == '0' && after_point)
                continue;
            if (d->n + pending > max) {
                if (after_point)
                    continue;
                return "more digits than the type has";
            }
            d->n += pending;
            d->exponent -= after_point ? pending : 0;
            d->value = d->value * decimal_powers[pending] + (*p - '0');
            pending = 0;
        } else if ((*p | 32) == 'e') {
            p++;
            const char *reason = read_exponent(&p, end, &d->exponent);
            if (reason)
                return reason;
            break;
        } else {
            return "not a number";
        }
    }
    d->value = is_negative ? -d->value : d->value;
    return p == end ? NULL : "not a number";
}

const char *value_decimal(void *out, struct type type, struct str text)
{
    struct digits d = {0};

    if (text.n == 0)
        return "not a number";
    const char *reason = read_digits(&d, text, (int32_t)type.size);
    if (reason)
        return reason;
    if (d.n + d.exponent > (int32_t)type.size - type.scale)
        return "a number too large for the type";
    int32_t shift = type.scale + d.exponent;
    if (shift < 0)
        d.value = -shift > DECIMAL_MAX_DIGITS ? 0 : d.value / decimal_powers[-shift];
    else if (d.value)
        d.value *= decimal_powers[shift];
    decimal_write(type, out, d.value);
    return NULL;
}

/* Zeroes at the end of the fraction are left out. */
static void print_decimal(struct buf *out, struct type type, const void *value)
{
    char digits[48];
    __int128 v = decimal_read(type, value);
    unsigned __int128 rest = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    size_t n = 0, scale = type.scale, zeroes = 0;

    for (; rest || n <= scale; rest /= 10)
        digits[n++] = (char)('0' + (int)(rest % 10));
    while (zeroes < scale && digits[zeroes] == '0')
        zeroes++;
    if (v < 0)
        buf_byte(out, '-');
    for (size_t i = n; i-- > zeroes;) {
        buf_byte(out, (uint8_t)digits[i]);
        if (i == scale && i > zeroes)
            buf_byte(out, '.');
    }
    if (zeroes > scale)
        buf_byte(out, '0');
}

/* ---- Enum, FixedString ---- */

static const char *parse_enum(void *out, struct type type, struct str text)
{
    int16_t value;
    int64_t number;
    struct str name;

    if (!enum_value(type, text, &value)) {
        if (value_int(&number, text, INT16_MIN, INT16_MAX) || !enum_name(type, number, &name))
            return "not a name of the enum";
        value = (int16_t)number;
    }
    memcpy(out, &value, type_width(type));
    return NULL;
}

static const char *parse_fixed_string(void *out, struct type type, struct str text,
                                      struct arena *arena)
{
    if (text.n > type.size)
        return "text longer than its FixedString";
    if (text.n < type.size) {
        if (arena == NULL)
            return "text shorter than its FixedString";
        char *padded = memset(arena_bytes(arena, type.size), 0, type.size);
        if (text.n)
            memcpy(padded, text.p, text.n);
        text = (struct str){padded, type.size};
    }
    memcpy(out, &text, sizeof(text));
    return NULL;
}

/* ---- all of them ---- */

const char *value_parse_more(void *out, struct type type, struct str text, struct arena *arena)
{
    switch ((enum type_kind)type.kind) {
    case TYPE_DATE32: return value_date32(out, text);
    case TYPE_UUID: return value_uuid(out, text);
    case TYPE_FIXED_STRING: return parse_fixed_string(out, type, text, arena);
    case TYPE_DECIMAL: return value_decimal(out, type, text);
    case TYPE_ENUM8:
    case TYPE_ENUM16: return parse_enum(out, type, text);
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_TUPLE:
        return arena ? value_parse_compound(out, type, text, arena)
                     : "text where a compound value is wanted";
    default: return "a value of this type has no text";
    }
}

void value_print_more(struct buf *out, struct type type, const void *value)
{
    struct str name;
    int64_t number = type.kind == TYPE_ENUM8 ? *(const int8_t *)value : 0;

    switch ((enum type_kind)type.kind) {
    case TYPE_DATE32: print_date32(out, *(const int32_t *)value); break;
    case TYPE_UUID: print_uuid(out, value); break;
    case TYPE_FIXED_STRING: buf_str(out, fixed_string(type, *(const struct str *)value)); break;
    case TYPE_DECIMAL: print_decimal(out, type, value); break;
    case TYPE_ENUM8:
    case TYPE_ENUM16:
        number = type.kind == TYPE_ENUM16 ? *(const int16_t *)value : number;
        if (enum_name(type, number, &name))
            buf_str(out, name);
        else
            buf_printf(out, "%lld", (long long)number);
        break;
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_TUPLE: value_print_compound(out, type, value); break;
    default: buf_text(out, "NULL"); break;
    }
}
