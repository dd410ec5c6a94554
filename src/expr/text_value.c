/* SPDX-License-Identifier: Apache-2.0 */
#include "expr/text_value.h"

#include <strings.h>

#include "codec/value.h"

#include "expr/kinds.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- integers ---- */

/* [+-]digits. Without `is_strict` the value wraps. */
static bool text_to_integer(uint64_t *ret, struct str text, bool is_signed, size_t bytes,
                            bool is_strict)
{
    const char *p = text.p, *end = text.p + text.n;
    bool is_negative = false, overflow = false;
    uint64_t v = 0;

    if (p < end && (*p == '+' || *p == '-')) {
        is_negative = *p == '-';
        p++;
        if (is_negative && !is_signed)
            return false;
    }
    if (p == end)
        return false;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return false;
        overflow |= __builtin_mul_overflow(v, 10, &v);
        overflow |= __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v);
    }
    if (is_strict) {
        unsigned bits = (unsigned)bytes * 8;
        uint64_t max = is_signed    ? ((uint64_t)1 << (bits - 1)) - !is_negative
                       : bits == 64 ? ~0ULL
                                    : ((uint64_t)1 << bits) - 1;
        if (overflow || v > max)
            return false;
    }
    *ret = is_negative ? 0 - v : v;
    return true;
}

static bool text_to_bool(uint8_t *ret, struct str text)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "on", "1", "enable", "enabled"};
    static const char *const no[] = {"false", "f", "no", "n", "off", "0", "disable", "disabled"};

    for (size_t i = 0; i < COUNT(yes); i++) {
        if (strlen(yes[i]) == text.n && strncasecmp(yes[i], text.p, text.n) == 0) {
            *ret = 1;
            return true;
        }
        if (strlen(no[i]) == text.n && strncasecmp(no[i], text.p, text.n) == 0) {
            *ret = 0;
            return true;
        }
    }
    return false;
}

/* ---- dates ---- */

static uint16_t clamp_date(int year, int month, int day)
{
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return 0;
    int64_t days = days_from_civil(year, (unsigned)month, 1) + day - 1;
    return days < 0 ? 0 : days > UINT16_MAX ? UINT16_MAX : (uint16_t)days;
}

static int32_t clamp_date32(const int parts[3])
{
    if (parts[0] < 1900 || parts[1] < 1 || parts[1] > 12 || parts[2] < 1 || parts[2] > 31)
        return 0;
    int64_t days = days_from_civil(parts[0], (unsigned)parts[1], 1) + parts[2] - 1;
    return days > 120529 ? 120529 : (int32_t)days; /* 2299-12-31 */
}

/* YYYYMMDD, or YYYY?M[M]?D[D] with any one byte between; the long form may be followed by a
 * time. */
static bool text_to_civil(int parts[3], struct str text)
{
    const char *p = text.p, *end = text.p + text.n;

    memset(parts, 0, 3 * sizeof(*parts));
    if (text.n < 8)
        return false;
    for (int i = 0; i < 4; i++) {
        if (!is_digit(p[i]))
            return false;
        parts[0] = parts[0] * 10 + (p[i] - '0');
    }
    p += 4;
    if (is_digit(*p)) {
        for (int i = 0; i < 4; i++) {
            if (!is_digit(p[i]))
                return false;
            parts[1 + i / 2] = parts[1 + i / 2] * 10 + (p[i] - '0');
        }
        return p + 4 == end;
    }
    for (int i = 1; i < 3; i++) {
        p++;
        if (p >= end || !is_digit(*p))
            return false;
        parts[i] = *p++ - '0';
        if (p < end && is_digit(*p))
            parts[i] = parts[i] * 10 + (*p++ - '0');
        if (i == 1 && (p >= end || is_digit(*p)))
            return false;
    }
    bool has_time = p == text.p + 10 && p < end && (*p == ' ' || *p == 'T') &&
                    (text.n == 19 || (text.n > 19 && text.p[19] == '.'));
    return p == end || has_time;
}

static bool text_to_date(uint16_t *ret, struct str text)
{
    int parts[3];

    if (!text_to_civil(parts, text))
        return false;
    *ret = clamp_date(parts[0], parts[1], parts[2]);
    return true;
}

static bool text_to_date32(int32_t *ret, struct str text)
{
    int parts[3];

    if (!text_to_civil(parts, text))
        return false;
    *ret = clamp_date32(parts);
    return true;
}

/* ---- times in the plain form ---- */

static bool two_digits(const char *p, int *ret)
{
    if (!is_digit(p[0]) || !is_digit(p[1]))
        return false;
    *ret = (p[0] - '0') * 10 + (p[1] - '0');
    return true;
}

/* YYYY-MM-DD[ hh:mm:ss] with any separators, or digits: seconds since 1970. Returns bytes read,
 * 0 if none. */
static size_t plain_time(int64_t *utc_s, struct str text, const struct zone *zone)
{
    const char *p = text.p;
    int century, of_century, month, day, hour = 0, minute = 0, second = 0;
    size_t n_digits = 0;

    while (n_digits < text.n && is_digit(p[n_digits]))
        n_digits++;
    if (n_digits != 4) {
        if (n_digits < 5 || n_digits > 18)
            return 0;
        *utc_s = 0;
        for (size_t i = 0; i < n_digits; i++)
            *utc_s = *utc_s * 10 + (p[i] - '0');
        return n_digits;
    }
    if (text.n < 10 || !two_digits(p, &century) || !two_digits(p + 2, &of_century) ||
        !two_digits(p + 5, &month) || !two_digits(p + 8, &day))
        return 0;
    size_t n = 10;
    if (text.n > 10 && (p[10] == ' ' || p[10] == 'T')) {
        if (text.n < 19 || !two_digits(p + 11, &hour) || !two_digits(p + 14, &minute) ||
            !two_digits(p + 17, &second))
            return 0;
        n = 19;
    }
    int year = century * 100 + of_century;
    if (year == 0) {
        *utc_s = 0;
        return n;
    }
    if (month < 1 || month > 12 || day < 1 || day > 31) {
        *utc_s = -2208988800; /* what ClickHouse makes of it: 1900-01-01 */
        return n;
    }
    int64_t days = days_from_civil(year, (unsigned)month, 1) + day - 1;
    *utc_s = zone_to_utc(zone, days * 86400 + hour * 3600 + minute * 60 + second);
    return n;
}

static uint32_t clamp_datetime(int64_t s)
{
    return s < 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

static bool plain_datetime(uint32_t *ret, struct str text, const struct zone *zone)
{
    int64_t s;
    size_t n = plain_time(&s, text, zone);

    if (n == 0 || n != text.n)
        return false;
    *ret = clamp_datetime(s);
    return true;
}

static bool plain_datetime64(int64_t *ret, struct str text, const struct zone *zone, unsigned scale)
{
    int64_t s, fraction = 0;
    size_t n = plain_time(&s, text, zone);
    unsigned n_digits = 0;

    if (text.n == 0) {
        *ret = 0; /* ClickHouse takes nothing for 1970 here */
        return true;
    }
    if (n == 0)
        return false;
    if (n < text.n && text.p[n] == '.') {
        for (n++; n < text.n && is_digit(text.p[n]); n++)
            if (n_digits < scale) {
                fraction = fraction * 10 + (text.p[n] - '0');
                n_digits++;
            }
    }
    if (n != text.n)
        return false;
    fraction *= power_of_ten[scale - n_digits];
    return !__builtin_mul_overflow(s, power_of_ten[scale], ret) &&
           !__builtin_add_overflow(*ret, fraction, ret);
}

static bool text_to_datetime_best_effort(uint32_t *out, struct str text, const struct zone *zone,
                                         bool is_us)
{
    int64_t s;

    if ((is_us ? value_datetime_us : value_datetime)(out, text, zone) == NULL)
        return true;
    if ((is_us ? value_datetime64_us : value_datetime64)(&s, text, zone, 0) != NULL ||
        (s >= 0 && s <= UINT32_MAX))
        return false;
    *out = clamp_datetime(s);
    return true;
}

struct reading {
    struct arena *arena;
    bool integers_wrap;
    bool times_are_plain; /* YYYY-MM-DD hh:mm:ss or seconds, nothing else */
    bool is_us;           /* MM/DD */
};

/* Writes one value of type_storage(type); false if the text is none. */
static bool text_to_value(void *out, struct str text, struct type type, struct reading how)
{
    uint64_t integer = 0;

    switch (type.kind) {
    case TYPE_BOOL: return text_to_bool(out, text);
    case TYPE_FLOAT32: return value_float32(out, text) == NULL;
    case TYPE_FLOAT64: return value_float(out, text) == NULL;
    case TYPE_STRING: memcpy(out, &text, sizeof(text)); return true;
    case TYPE_DATE: return text_to_date(out, text);
    case TYPE_DATETIME:
        return how.times_are_plain ? plain_datetime(out, text, type.zone)
                                   : text_to_datetime_best_effort(out, text, type.zone, how.is_us);
    case TYPE_DATETIME64:
        return how.times_are_plain ? plain_datetime64(out, text, type.zone, type.scale)
               : how.is_us         ? value_datetime64_us(out, text, type.zone, type.scale) == NULL
                                   : value_datetime64(out, text, type.zone, type.scale) == NULL;
    case TYPE_IPV4: return value_ipv4(out, text) == NULL;
    case TYPE_IPV6: return value_ipv6(out, text) == NULL;
    case TYPE_DATE32: return text_to_date32(out, text);
    default:
        if (type.kind > TYPE_INTERVAL)
            return value_parse_in(out, type, text, how.arena) == NULL;
        if (!type_is_integer(type) && type.kind != TYPE_INTERVAL)
            return false;
        if (!text_to_integer(&integer, text, type_is_signed(type) || type.kind == TYPE_INTERVAL,
                             type_width(type), !how.integers_wrap))
            return false;
        memcpy(out, &integer, type_width(type));
        return true;
    }
}

bool text_to_other(void *out, struct str text, struct type type, struct arena *arena)
{
    return text_to_value(out, text, type, (struct reading){.arena = arena});
}

/* ---- kernels: param.i = type kind | scale << 8 | mode << 16 | best effort << 24 | US << 25,
 * param.p = zone ---- */

static struct type param_type(struct param p)
{
    struct type t = {
        .kind = (uint8_t)p.i, .scale = (uint8_t)(p.i >> 8), .size = (uint32_t)(p.i >> 32)};

    if (type_is_compound(t) || type_is_enum(t))
        t.more = p.p;
    else
        t.zone = p.p;
    return t;
}

static struct param type_param(struct type t)
{
    return (struct param){.i = t.kind | t.scale << 8 | (int64_t)t.size << 32,
                          .p = t.more ? (const void *)t.more : t.zone};
}

static bool parse_row(const struct call *c, size_t row, struct type type, struct reading how)
{
    size_t width = type_width(type);
    char *out = (char *)c->out->values + row * width;

    if (text_to_value(out, str_at(c->args[0], row), type, how))
        return true;
    memset(out, 0, width);
    return false;
}

static struct reading param_reading(const struct call *c)
{
    struct param p = c->param;
    bool may_throw = (p.i >> 16 & 0xff) == TEXT_THROW;

    return (struct reading){.arena = c->arena,
                            .integers_wrap = may_throw,
                            .times_are_plain = !may_throw && !(p.i >> 24 & 1),
                            .is_us = p.i >> 25 & 1};
}

static void run_parse(struct call *c)
{
    struct type type = param_type(c->param);

    for (size_t i = 0; i < c->n; i++) {
        if (c->out->nulls && c->out->nulls[i]) {
            memset((char *)c->out->values + i * type_width(type), 0, type_width(type));
            continue;
        }
        c->fresh[i] = parse_row(c, i, type, param_reading(c)) ? 0 : FAULT_PARSE;
    }
}
static const struct op op_parse = {"parse", run_parse, OP_FAULTS};
/* toBool: computed even in a branch that is not taken */
static const struct op op_parse_eager = {"parse", run_parse, OP_FAULTS | OP_EAGER_FAULTS};

static void run_parse_zero(struct call *c)
{
    struct type type = param_type(c->param);
    struct reading how = param_reading(c);

    for (size_t i = 0; i < c->n; i++)
        parse_row(c, i, type, how);
}
static const struct op op_parse_zero = {"parseOrZero", run_parse_zero, 0};

static void run_parse_null(struct call *c)
{
    struct type type = param_type(c->param);
    const uint8_t *nulls = c->args[0]->nulls;
    struct reading how = param_reading(c);

    for (size_t i = 0; i < c->n; i++) {
        bool is_null = nulls && nulls[i];
        c->nulls[i] = !parse_row(c, i, type, how) || is_null;
    }
    c->out->nulls = c->nulls;
    c->out->faults = c->args[0]->faults ? memcpy(c->faults, c->args[0]->faults, c->n) : NULL;
}
static const struct op op_parse_null = {"parseOrNull", run_parse_null, OP_OWN_MASKS};

static value_id emit_reading(struct builder *b, value_id v, struct type type, enum text_mode mode,
                             bool is_best_effort, bool is_us)
{
    const struct op *op =
        mode == TEXT_THROW
            ? (type.kind == TYPE_BOOL && !is_best_effort ? &op_parse_eager : &op_parse)
        : mode == TEXT_NULL ? &op_parse_null
                            : &op_parse_zero;
    struct param p = type_param(type);

    p.i |= (int64_t)mode << 16 | (int64_t)is_best_effort << 24 | (int64_t)is_us << 25;

    type = type_bare(type);
    type.is_nullable = mode == TEXT_NULL;
    return emit(b, op, type, &v, 1, p, NULL);
}

value_id emit_text_to(struct builder *b, value_id v, struct type type, enum text_mode mode,
                      bool is_best_effort)
{
    return emit_reading(b, v, type, mode, is_best_effort, false);
}

value_id emit_us_text_to(struct builder *b, value_id v, struct type type, enum text_mode mode)
{
    return emit_reading(b, v, type, mode, true, true);
}

/* Decimal digits of integers straight into the arena. */
static void print_integers(struct call *c, struct type type)
{
    size_t width = type_width(type);
    unsigned shift = 64 - 8 * (unsigned)width;
    bool is_signed = type_is_signed(type) || type.kind == TYPE_INTERVAL;
    char *p = arena_bytes(c->arena, c->n * 20 + 1);

    for (size_t i = 0; i < c->n; i++) {
        char digits[20];
        size_t n = 0;
        uint64_t v = 0;
        memcpy(&v, (const char *)c->args[0]->values + i * width, width);
        int64_t extended = (int64_t)(v << shift) >> shift;
        bool is_negative = is_signed && extended < 0;
        v = is_negative ? 0 - (uint64_t)extended : v;
        do
            digits[n++] = (char)('0' + v % 10);
        while ((v /= 10) != 0);
        RESULT(struct str)[i] = (struct str){p, n + is_negative};
        if (is_negative)
            *p++ = '-';
        while (n)
            *p++ = digits[--n];
    }
}

/* All texts of the batch go into one buffer, then in one piece into the arena. */
static void run_print(struct call *c)
{
    struct type type = param_type(c->param);
    size_t width = type_width(type);
    struct str *out = RESULT(struct str);
    AUTO_DONE(buf) text = {0};

    if (type_is_integer(type)) {
        print_integers(c, type);
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        size_t start = text.n;
        value_print(&text, type, (const char *)c->args[0]->values + i * width);
        while (type.kind == TYPE_FIXED_STRING && text.n > start && text.p[text.n - 1] == '\0')
            text.n--; /* as ClickHouse */
        out[i].n = text.n - start;
    }
    char *p = arena_bytes(c->arena, text.n + 1);
    if (text.n)
        memcpy(p, text.p, text.n);
    for (size_t i = 0; i < c->n; i++) {
        out[i].p = p;
        p += out[i].n;
    }
}
static const struct op op_print = {"toString", run_print, 0};

value_id emit_to_text(struct builder *b, value_id v, struct type type)
{
    if (type.kind == TYPE_STRING) {
        struct type string = value_at(b, v)->type;
        string.is_low_cardinality = false;
        return retype(b, v, string);
    }
    if (type.kind == TYPE_DATE || type.kind == TYPE_DATETIME)
        return emit_time_text(b, v, type);
    if (type.kind == TYPE_INTERVAL)
        type = type_of(TYPE_INT64);
    return emit(b, &op_print, type_of(TYPE_STRING), &v, 1, type_param(type), NULL);
}
