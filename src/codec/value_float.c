/* SPDX-License-Identifier: Apache-2.0
 *
 * Floating point, correctly rounded both ways. Reading: up to 19 digits and a small power of ten
 * are one division or product in the 64-bit significand of long double, which is right unless
 * its last bits lie at the middle between two doubles; then, and for all longer texts, strtod
 * decides on a bounded copy. */
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "codec/value.h"

enum {
    MAX_DIGITS = 800,     /* more cannot matter, but for being zero or not */
    MAX_EXPONENT = 100000 /* far outside double, far from overflow */
};

struct decimal {
    const char *first; /* first digit that is not 0, or the end */
    const char *end;   /* of the digits and the point */
    uint64_t mantissa; /* of up to 19 digits */
    unsigned n_digits; /* from `first` */
    int64_t exponent;  /* value = digits * 10^exponent */
    bool is_negative;
    double special; /* inf or nan; else 0 */
};

static const long double powers[] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,
    1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
    1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(const char *p, const char *end, const char *word)
{
    return (size_t)(end - p) == strlen(word) && strncasecmp(p, word, strlen(word)) == 0;
}

static const char *read_special(struct decimal *d, const char *p, const char *end)
{
    if (is_word(p, end, "inf") || is_word(p, end, "infinity"))
        d->special = INFINITY;
    else if (is_word(p, end, "nan"))
        d->special = NAN;
    else
        return "not a number";
    return NULL;
}

static const char *read_exponent(struct decimal *d, const char *p, const char *end)
{
    int64_t e = 0;

    p++;
    bool is_negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return "not a number";
    for (; p < end; p++) {
        if (!is_digit(*p))
            return "not a number";
        if (e < MAX_EXPONENT)
            e = e * 10 + (*p - '0');
    }
    d->exponent += is_negative ? -e : e;
    return NULL;
}

static const char *read_decimal(struct decimal *d, struct str text)
{
    const char *p = text.p, *end = p + text.n, *point = NULL;
    bool has_digit = false;

    *d = (struct decimal){0};
    if (p < end && (*p == '-' || *p == '+'))
        d->is_negative = *p++ == '-';
    if (p < end && !is_digit(*p) && *p != '.')
        return read_special(d, p, end);
    for (; p < end; p++) {
        if (*p == '.') {
            if (point)
                return "not a number";
            point = p;
            continue;
        }
        if (!is_digit(*p))
            break;
        has_digit = true;
        d->exponent -= point != NULL;
        if (d->n_digits == 0 && *p == '0')
            continue;
        if (d->n_digits == 0)
            d->first = p;
        if (d->n_digits < 19)
            d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
        d->n_digits++;
    }
    d->end = p;
    if (!has_digit)
        return "not a number";
    if (p == end)
        return NULL;
    return *p == 'e' || *p == 'E' ? read_exponent(d, p, end) : "not a number";
}

static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", NULL);
}

/* By strtod, on digits without leading zeros; what is past MAX_DIGITS only says whether it is
 * zero. */
static void copy_decimal(char out[MAX_DIGITS + 40], const struct decimal *d)
{
    size_t n = 0;
    int64_t exponent = d->exponent;
    bool has_more = false;

    for (const char *p = d->first; p && p < d->end; p++) {
        if (*p == '.')
            continue;
        if (n < MAX_DIGITS) {
            out[n++] = *p;
        } else {
            has_more |= *p != '0';
            exponent++;
        }
    }
    if (has_more) {
        out[n++] = '1';
        exponent--;
    }
    if (exponent > 2 * MAX_EXPONENT)
        exponent = 2 * MAX_EXPONENT;
    if (exponent < -2 * MAX_EXPONENT)
        exponent = -2 * MAX_EXPONENT;
    snprintf(out + n, 30, "%se%lld", n ? "" : "0", (long long)exponent);
}

static void slow(double *v, float *v32, const struct decimal *d)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char text[MAX_DIGITS + 40];

    pthread_once(&once, make_locale);
    copy_decimal(text, d);
    if (v)
        *v = strtod_l(text, NULL, c_locale);
    else
        *v32 = strtof_l(text, NULL, c_locale);
}

/* Nearest double unless false. */
static bool fast(double *ret, const struct decimal *d)
{
    if (d->mantissa == 0) {
        *ret = 0;
        return d->n_digits == 0;
    }
    if (d->n_digits > 19 || d->exponent > 27 || d->exponent < -27)
        return false;
    union {
        long double v;
        uint64_t significand;
    } x = {.v = d->exponent < 0 ? (long double)d->mantissa / powers[-d->exponent]
                                : (long double)d->mantissa * powers[d->exponent]};
    unsigned last = x.significand & 0x7ff;
    *ret = (double)x.v;
    return last < 0x3ff || last > 0x401;
}

const char *value_float(double *ret, struct str text)
{
    struct decimal d;
    const char *reason = read_decimal(&d, text);
    double v;

    if (reason)
        return reason;
    if (d.special != 0)
        v = d.special;
    else if (!fast(&v, &d))
        slow(&v, NULL, &d);
    *ret = d.is_negative ? -v : v;
    return NULL;
}

const char *value_float32(float *ret, struct str text)
{
    struct decimal d;
    const char *reason = read_decimal(&d, text);
    union {
        double v;
        uint64_t bits;
    } x;
    float v;

    if (reason)
        return reason;
    if (d.special != 0) {
        v = (float)d.special;
    } else if (fast(&x.v, &d) && (x.bits & 0x1fffffff) != 0x10000000 &&
               (x.v == 0 || x.v >= 1.2e-38)) {
        v = (float)x.v; /* not at the middle between two floats: rounding twice is rounding once */
    } else {
        slow(NULL, &v, &d);
    }
    *ret = d.is_negative ? -v : v;
    return NULL;
}

/* ---- printing ---- */

static bool reads_back(const char *text, double v, bool is_float32)
{
    return is_float32 ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
}

/* Shortest digits that read back, without point: "12345" and the power of ten of the first
 * digit. */
static int shortest(char digits[32], double v, bool is_float32)
{
    char text[40];
    int first = is_float32 ? 6 : 15, last = is_float32 ? 9 : 17;

    if (v < (is_float32 ? 1.2e-38 : 2.3e-308))
        first = 1; /* subnormal: fewer digits may do */
    for (int precision = first; precision <= last; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision - 1, v);
        if (reads_back(text, v, is_float32))
            break;
        /* above a power of two there is more room than below: the next digit up may do */
        char *last_digit = strchr(text, 'e') - 1;
        if (precision < last && *last_digit != '9' &&
            (++*last_digit, reads_back(text, v, is_float32)))
            break;
    }
    char *e = strchr(text, 'e');
    size_t n = 0;
    for (char *p = text; p < e; p++)
        if (is_digit(*p))
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return (int)strtol(e + 1, NULL, 10);
}

void value_print_float(struct buf *out, double v, bool is_float32)
{
    char digits[32];

    if (isnan(v)) {
        buf_text(out, "nan");
        return;
    }
    if (signbit(v))
        buf_byte(out, '-');
    v = fabs(v);
    if (isinf(v) || v == 0) {
        buf_text(out, v == 0 ? "0" : "inf");
        return;
    }
    int exponent = shortest(digits, v, is_float32), n = (int)strlen(digits);
    if (exponent < -6 || exponent > 20) {
        buf_byte(out, (uint8_t)digits[0]);
        if (n > 1) {
            buf_byte(out, '.');
            buf_text(out, digits + 1);
        }
        buf_printf(out, "e%d", exponent);
    } else if (exponent < 0) {
        buf_text(out, "0.");
        for (int i = -1; i > exponent; i--)
            buf_byte(out, '0');
        buf_text(out, digits);
    } else {
        for (int i = 0; i <= exponent || i < n; i++) {
            if (i == exponent + 1)
                buf_byte(out, '.');
            buf_byte(out, (uint8_t)(i < n ? digits[i] : '0'));
        }
    }
}
