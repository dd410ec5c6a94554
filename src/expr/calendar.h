/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of seconds and days, Int64 as the time functions pass them on. Nearly all rows lie in
 * our times: then 32 bits are enough, and the loops are as wide as the machine. */
#ifndef EXPR_CALENDAR_H
#define EXPR_CALENDAR_H

#include "column/zone.h"
#include "expr/expr_priv.h"

/* Are all rows in [0, 2^32)? */
bool rows_fit_u32(const int64_t *rows, size_t n);
/* Are all rows days for which civil_of may be asked? */
bool rows_are_near_days(const int64_t *rows, size_t n);
/* out[i] = floor(in[i] / per), per >= 1; out may be in. */
void floor_div_rows(int64_t *out, const int64_t *in, size_t n, int64_t per);
/* UTC seconds to those of the zone's wall clock; NULL: UTC. out may be in. */
void local_rows(const struct zone *zone, int64_t *out, const int64_t *in, size_t n);

/* Days since 0000-03-01, where a year ends with its leap day. */
enum { DAYS_TO_1970 = 719468 };
static inline uint32_t near_day(int64_t day)
{
    return (uint32_t)day + DAYS_TO_1970;
}

struct civil_day {
    uint32_t year, month, day; /* month and day from 1 */
    uint32_t year_day;         /* from 1 */
    uint32_t month_days;       /* how many the month has */
};

/* A day of the proleptic Gregorian calendar. Method: C. Neri, L. Schneider, "Euclidean affine
 * functions and their application to calendar algorithms" (2022), proposition 6.3. */
static inline struct civil_day civil_of(uint32_t near)
{
    uint32_t n1 = 4 * near + 3, century = n1 / 146097, n2 = 4 * (n1 % 146097 / 4) + 3;
    uint64_t p2 = (uint64_t)2939745 * n2;
    uint32_t of_century = (uint32_t)(p2 >> 32), of_year = (uint32_t)p2 / 2939745 / 4;
    uint32_t n3 = 2141 * of_year + 197913, shifted = n3 >> 16;
    uint32_t is_after = of_year >= 306; /* January and February belong to the next year */
    struct civil_day d;
    d.year = 100 * century + of_century + is_after;
    d.month = is_after ? shifted - 12 : shifted;
    d.day = (n3 & 0xffff) / 2141 + 1;
    uint32_t is_leap = (d.year % 4 == 0) & ((d.year % 100 != 0) | (d.year % 400 == 0));
    d.year_day = is_after ? of_year - 305 : of_year + 60 + is_leap;
    d.month_days = d.month == 2 ? 28 + is_leap : 30 + ((d.month + (d.month >> 3)) & 1);
    return d;
}

#endif
