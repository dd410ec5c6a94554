/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of the reference page that is not in the function table. */
#include "expr/reference.h"

const char function_differences[] =
    "\n## Where weir differs from ClickHouse\n\n"
    "- Only String is ever LowCardinality: `length(lc)` is UInt64, not LowCardinality(UInt64).\n"
    "- Results that would be Int128, UInt128 or Variant are refused: UInt64 with a signed integer in `if`,\n"
    "  the difference of two DateTime64, arithmetic with addresses.\n"
    "- A Decimal of 38 digits that overflows rejects; ClickHouse lets some of them wrap. `if` over Decimals of\n"
    "  different scales gives the finer one; ClickHouse throws.\n"
    "- An Enum beside a text that is none of its names is refused. `range` makes at most 1,048,576 numbers a row.\n"
    "- Lambdas over maps, arrayJoin and ARRAY JOIN are not there yet.\n"
    "- `if` with branches of unlike types (number and text) is refused; ClickHouse 26.7 makes it a Variant.\n"
    "- `CASE x WHEN 'text'` with an x that is no String is refused; ClickHouse never matches it.\n"
    "- Text with a year missing, and zone abbreviations outside docs/formats/times.md, are refused by\n"
    "  parseDateTimeBestEffort.\n"
    "- A NULL is never computed with: `toDateTime64(NULL::Nullable(String), 3)`, which throws in ClickHouse, is NULL.\n"
    "- Refused though ClickHouse takes them: a constant offset 0 in `substring`, `%` by the smallest\n"
    "  number of a signed type, negative numbers among DateTimes in IN,\n"
    "  `dateTrunc` of a DateTime64 to weeks and longer (a Date32), a DateTime64 as origin of windows.\n"
    "- `toDate` and its like on moments before 1970 or after 2106 follow ClickHouse where it is\n"
    "  consistent; windows that begin before 1971-05 are not compared.\n"
    "- `now()` and `today()` are the epoch's, in UTC.\n"
    "- `farmHash64` of 512 bytes and more rejects; `age` in weeks between times with fractions may be one off.\n"
    "- A floating point number that is NaN or infinite as the count of `addDays` and its like rejects; ClickHouse\n"
    "  moves by noise.\n"
    "- ILIKE folds the letters of Latin, Greek, Cyrillic and Armenian.\n"
    "- exp, log, sin and their like agree with ClickHouse to some units in the last place; `pow` with exponents\n"
    "  beyond 10^18 gives 0 or infinity, not the noise ClickHouse has there.\n"
    "- Floating point numbers outside an integer type have no meaning in ClickHouse either (the result depends on\n"
    "  the processor); weir keeps the low bits of the 64-bit value.\n";
