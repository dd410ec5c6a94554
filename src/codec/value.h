/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to values as ClickHouse 26.7 reads them with default settings and
 * date_time_input_format = 'best_effort', except that an integer outside its type is refused, never
 * wrapped. Each function takes the whole text of one value (no quotes, already unescaped) and
 * answers NULL on success, else a static reason such as "not a number". Nothing is trimmed. any
 * thread */
#ifndef CODEC_VALUE_H
#define CODEC_VALUE_H

#include <stdint.h>

#include "column/compound.h"

/* 10^0 to 10^18. */
extern const int64_t powers_of_10[19];

const char *value_uint(uint64_t *ret, struct str text, uint64_t max);
const char *value_int(int64_t *ret, struct str text, int64_t min, int64_t max);
/* correctly rounded; inf, nan as ClickHouse */
const char *value_float(double *ret, struct str text);
const char *value_float32(float *ret, struct str text);
const char *value_bool(uint8_t *ret, struct str text); /* true/false/1/0 and ClickHouse's like */
const char *value_date(uint16_t *ret, struct str text);
/* YYYY-MM-DD hh:mm:ss, ISO 8601, Unix seconds, RFC 2822 …, as parseDateTimeBestEffort. Without a
 * zone in the text: `zone` (NULL = UTC). Out of DateTime's range is refused. Zone abbreviations
 * in the text only from the table in docs/formats/times.md; unknown ones are refused. */
const char *value_datetime(uint32_t *ret, struct str text, const struct zone *zone);
const char *value_datetime64(int64_t *ret, struct str text, const struct zone *zone,
                             unsigned scale);
/* The same where 01/02/2024 is 2 January. */
const char *value_datetime_us(uint32_t *ret, struct str text, const struct zone *zone);
const char *value_datetime64_us(int64_t *ret, struct str text, const struct zone *zone,
                                unsigned scale);
const char *value_ipv4(uint32_t *ret, struct str text);
const char *value_ipv6(uint8_t ret[16], struct str text); /* an IPv4 text becomes ::ffff:a.b.c.d */

/* Any of the above by type, written to `out` (type_width bytes; String: the view itself). NULL
 * is the caller's matter. */
const char *value_parse(void *out, struct type type, struct str text);

/* The same for every type. FixedString, Array, Map and Tuple need the arena for what their
 * values point to, and the last three are read in ClickHouse's text form: [1,2], {'k':1},
 * ('a',1). */
const char *value_parse_in(void *out, struct type type, struct str text, struct arena *arena);
const char *value_date32(int32_t *ret, struct str text);
const char *value_uuid(uint8_t ret[16], struct str text);
const char *value_decimal(void *out, struct type type, struct str text);
/* Integer digits as a Decimal; false if there are more than its type has. */
bool decimal_fits(struct type type, __int128 v);
__int128 decimal_read(struct type type, const void *value);
void decimal_write(struct type type, void *out, __int128 v);
extern const __int128 decimal_powers[39]; /* 10^0 .. 10^38 */

/* The other way, as ClickHouse prints (toString): appends to `out`. */
void value_print(struct buf *out, struct type type, const void *value);
/* As it stands inside an array or tuple: texts, dates and their like in single quotes. */
void value_print_quoted(struct buf *out, struct type type, const void *value);
void value_print_float(struct buf *out, double v, bool is_float32); /* shortest that reads back */

#endif
