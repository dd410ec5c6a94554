/* SPDX-License-Identifier: Apache-2.0 */
#include "expr/calendar.h"

/* Before a loop whose result may lie where its input does, row by row. */
#ifdef __clang__
#define IN_PLACE _Pragma("clang loop vectorize(assume_safety)")
#else
#define IN_PLACE _Pragma("GCC ivdep")
#endif

/* All bits of all rows + add. */
WIDE static uint64_t bits_of(const int64_t *rows, size_t n, int64_t add)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits |= (uint64_t)rows[i] + (uint64_t)add;
    return bits;
}

bool rows_fit_u32(const int64_t *rows, size_t n)
{
    return bits_of(rows, n, 0) >> 32 == 0;
}

bool rows_are_near_days(const int64_t *rows, size_t n)
{
    return bits_of(rows, n, DAYS_TO_1970) >> 29 == 0; /* 2^29 days are a million years */
}

/* Doubles hold numbers below 2^52 and the quotient to less than one: it is put right after. */
WIDE static void near_quotients(int64_t *out, const int64_t *in, size_t n, int64_t per)
{
    double inverse = 1.0 / (double)per;
    IN_PLACE
    for (size_t i = 0; i < n; i++) {
        int64_t v = in[i], q = (int64_t)((double)v * inverse), rest = v - q * per;
        q -= rest < 0;
        rest += rest < 0 ? per : 0;
        q -= rest < 0;
        q += rest >= per;
        out[i] = q;
    }
}

WIDE static void quotients_by_day(int64_t *out, const int64_t *in, size_t n)
{
    IN_PLACE
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)in[i] / 86400;
}

void floor_div_rows(int64_t *out, const int64_t *in, size_t n, int64_t per)
{
    if (per == 86400 && rows_fit_u32(in, n)) {
        quotients_by_day(out, in, n);
    } else if (per < (int64_t)1 << 51 && bits_of(in, n, (int64_t)1 << 51) >> 52 == 0) {
        near_quotients(out, in, n, per);
    } else {
        for (size_t i = 0; i < n; i++)
            out[i] = floor_div(in[i], per);
    }
}

void local_rows(const struct zone *zone, int64_t *out, const int64_t *in, size_t n)
{
    if (zone_is_utc(zone))
        memmove(out, in, n * sizeof(*out));
    else
        zone_local(zone, out, in, n);
}
