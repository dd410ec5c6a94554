/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers for people: sizes, quantities, spans of time. */
#include <math.h>
#include <stdio.h>

#include "codec/value.h"
#include "expr/text_kit.h"

static void put_text(struct text_out *out, const char *text)
{
    text_out_put(out, text, strlen(text));
}

static void put_float(struct text_out *out, double v)
{
    AUTO_DONE(buf) text = {0};

    value_print(&text, type_of(TYPE_FLOAT64), &v);
    text_out_str(out, buf_view(&text));
}

/* With two digits behind the point; just between two it is the one farther from 0. */
static void put_fixed(struct text_out *out, double v)
{
    char text[80];

    if (!isfinite(v) || fabs(v) >= 1e60) {
        put_float(out, v);
        return;
    }
    bool is_between = fabs(v) < 1e15 && fmod(v * 8, 2) != 0 && v * 8 == floor(v * 8);
    snprintf(text, sizeof(text), "%.2f", is_between ? v + copysign(0.001, v) : v);
    put_text(out, text);
}

/* ---- sizes and quantities ---- */

struct scale {
    double base;
    const char *const *units;
    size_t n;
};

static const char *const binary_units[] = {" B",   " KiB", " MiB", " GiB", " TiB",
                                           " PiB", " EiB", " ZiB", " YiB"};
static const char *const decimal_units[] = {" B",  " KB", " MB", " GB", " TB",
                                            " PB", " EB", " ZB", " YB"};
static const char *const quantity_units[] = {
    "",
    " thousand",
    " million",
    " billion",
    " trillion",
    " quadrillion",
    " quintillion",
    " sextillion",
    " septillion",
    " octillion",
    " nonillion",
    " decillion",
    " undecillion",
    " duodecillion",
    " tredecillion",
    " quattuordecillion",
    " quindecillion",
    " sexdecillion",
    " septendecillion",
    " octodecillion",
    " novemdecillion",
    " vigintillion",
};
static const struct scale scales[] = {
    {1024, binary_units, COUNT(binary_units)},
    {1000, decimal_units, COUNT(decimal_units)},
    {1000, quantity_units, COUNT(quantity_units)},
};

static void run_scaled(struct call *c)
{
    const struct scale *scale = &scales[c->param.i];
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        double v = VALUES(0, double)[i];
        size_t unit = 0;
        while (unit + 1 < scale->n && fabs(v) >= scale->base) {
            v /= scale->base;
            unit++;
        }
        put_fixed(&out, v);
        put_text(&out, scale->units[unit]);
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_scaled = {"formatReadable", run_scaled, 0};

static value_id build_scaled(struct site *s)
{
    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number");
    value_id v = cast_number(s->b, s->args[0], TYPE_FLOAT64);
    return emit(s->b, &op_scaled, type_of(TYPE_STRING), &v, 1, (struct param){.i = s->f->param},
                NULL);
}

/* ---- spans of time ---- */

static const struct {
    const char *name;
    uint32_t seconds; /* a unit has, or … */
    uint32_t digits;  /* … digits behind the second */
} units[] = {
    {"nanosecond", 1, 9}, {"microsecond", 1, 6}, {"millisecond", 1, 3},
    {"second", 1, 0},     {"minute", 60, 0},     {"hour", 3600, 0},
    {"day", 86400, 0},    {"month", 2635200, 0}, {"year", 31536000, 0},
};
enum { UNIT_SECOND = 3, UNIT_YEAR = COUNT(units) - 1 };

struct span {
    double whole;
    char digits[10]; /* nine, of the part below the second */
    bool has_output;
    bool is_bad; /* ClickHouse fails on it */
    int least;
};

static bool digits_are_zero(const char *digits, int n)
{
    for (int i = 0; i < n && digits[i]; i++)
        if (digits[i] != '0')
            return false;
    return true;
}

/* How many of the unit are in it; false: none that are to be printed. */
static bool take_unit(struct span *span, int unit, uint64_t *n)
{
    uint32_t digits = units[unit].digits;
    bool is_least = unit == span->least;

    if (digits == 0) {
        *n = (uint64_t)floor(span->whole / units[unit].seconds);
        if (*n == 0 && (units[unit].seconds != 1 || span->has_output))
            return false;
        span->whole -= (double)(*n * units[unit].seconds);
        return true;
    }
    *n = 0;
    if (span->whole >= 1) {
        *n = (uint64_t)span->whole * (uint64_t)power_of_ten[digits];
        span->whole = 0;
    }
    for (uint32_t i = 0; i < digits; i++) {
        *n += (uint64_t)(span->digits[i] - '0') * (uint64_t)power_of_ten[digits - i - 1];
        span->digits[i] = '0';
    }
    return *n || (is_least && !span->has_output);
}

static void put_unit(struct text_out *out, struct span *span, int unit)
{
    bool is_least = unit == span->least;
    char text[64];
    uint64_t n;

    if (span->whole + 1.0 == span->whole) {
        put_float(out, floor(span->whole * (double)power_of_ten[units[unit].digits] /
                             units[unit].seconds));
        put_text(out, " ");
        put_text(out, units[unit].name);
        put_text(out, "s");
        span->has_output = true;
        span->whole = 0;
        return;
    }
    if (!take_unit(span, unit, &n))
        return;
    if (span->has_output) {
        bool is_last = is_least;
        if (!is_last && span->whole < 1) {
            span->is_bad |= span->least > UNIT_SECOND;
            is_last = digits_are_zero(span->digits, 3 * (UNIT_SECOND - span->least));
        }
        put_text(out, is_last ? " and " : ", ");
    }
    snprintf(text, sizeof(text), "%llu %s%s", (unsigned long long)n, units[unit].name,
             n == 1 ? "" : "s");
    put_text(out, text);
    span->has_output = true;
}

/* param.i = the largest unit, param.j = the least */
static void run_span(struct call *c)
{
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        double v = VALUES(0, double)[i];
        struct span span = {.least = (int)c->param.j};
        char fraction[32];
        if (!isfinite(v)) {
            put_float(&out, v);
            RESULT(struct str)[i] = text_out_row(&out);
            continue;
        }
        if (v < 0) {
            text_out_byte(&out, '-');
            v = -v;
        }
        snprintf(fraction, sizeof(fraction), "%.9f", modf(v, &span.whole));
        memcpy(span.digits, fraction + 2, 9);
        for (int unit = (int)c->param.i; unit >= span.least; unit--)
            put_unit(&out, &span, unit);
        c->fresh[i] = span.is_bad ? FAULT_RANGE : 0;
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_span = {"formatReadableTimeDelta", run_span, OP_FAULTS};

/* The unit named by a constant ("hours"), `otherwise` for ''; -1 with a message. */
static int unit_argument(struct site *s, uint32_t arg, int otherwise)
{
    struct str text;

    if (!site_string(s, arg, &text))
        return -1;
    if (text.n == 0)
        return otherwise;
    for (int i = 0; i < (int)COUNT(units); i++) {
        size_t n = strlen(units[i].name);
        if (text.n == n + 1 && memcmp(text.p, units[i].name, n) == 0 && text.p[n] == 's')
            return i;
    }
    site_error(s,
               "'%.*s' is no unit: nanoseconds, microseconds, milliseconds, seconds, minutes, "
               "hours, days, months, years are",
               STR_FMT(text));
    return -1;
}

static value_id build_span(struct site *s)
{
    int most = UNIT_YEAR, least = UNIT_SECOND;
    bool is_given = s->n_args > 2;

    if (!type_is_number(s->types[0]))
        return site_bad_type(s, 0, "a number");
    if (s->n_args > 1 && (most = unit_argument(s, 1, UNIT_YEAR)) < 0)
        return VALUE_FAILED;
    if (is_given && (least = unit_argument(s, 2, UNIT_SECOND)) < 0)
        return VALUE_FAILED;
    if (is_given) {
        const struct cell *c = constant_cell(s->b, s->args[2]);
        is_given = c->str.n > 0;
    }
    if (least > most && is_given)
        return site_error(s, "the least unit is larger than the largest one");
    if (least > most)
        least = 0;
    value_id v = cast_number(s->b, s->args[0], TYPE_FLOAT64);
    return emit(s->b, &op_span, type_of(TYPE_STRING), &v, 1, (struct param){.i = most, .j = least},
                NULL);
}

static const struct function functions[] = {
    {"formatReadableSize", "x", "Bytes as `1.50 KiB`.", 1, 1, 0, build_scaled, 0},
    {"FORMAT_BYTES", "x", "formatReadableSize", 1, 1, FN_ANY_CASE | FN_ALIAS, build_scaled, 0},
    {"formatReadableDecimalSize", "x", "Bytes as `1.50 KB`.", 1, 1, 0, build_scaled, 1},
    {"formatReadableQuantity", "x", "A number as `1.50 thousand`.", 1, 1, 0, build_scaled, 2},
    {"formatReadableTimeDelta", "x[, largest[, least]]",
     "Seconds as `1 hour, 2 minutes and 3 seconds`, in units between these two.", 1, 3, 0,
     build_span, 0},
};
const struct function_family family_readable = {"Numbers for people", functions, COUNT(functions)};
