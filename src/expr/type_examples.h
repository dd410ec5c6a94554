/* SPDX-License-Identifier: Apache-2.0
 *
 * What the reference says of each type: how it is written, what it holds, an example with ClickHouse's
 * answer. tests/unit/test_reference.c sees to it that no type of column/type.c is left out. */
#ifndef EXPR_TYPE_EXAMPLES_H
#define EXPR_TYPE_EXAMPLES_H

#include <string.h>

#include "base/example.h"

struct type_row {
    const char *usage, *holds;
    struct example example;
};

static const struct type_row type_rows[] = {
    {"Bool", "true or false", {"Bool", "toBool('true')", "true"}},
    {"UInt8", "0 to 255", {"UInt8", "toUInt8(255)", "255"}},
    {"UInt16", "0 to 65,535", {"UInt16", "toUInt16(65535)", "65535"}},
    {"UInt32", "0 to 4,294,967,295", {"UInt32", "toUInt32(4294967295)", "4294967295"}},
    {"UInt64",
     "0 to 18,446,744,073,709,551,615",
     {"UInt64", "toUInt64(18446744073709551615)", "18446744073709551615"}},
    {"Int8", "-128 to 127", {"Int8", "toInt8(-128)", "-128"}},
    {"Int16", "-32,768 to 32,767", {"Int16", "toInt16(-32768)", "-32768"}},
    {"Int32", "-2,147,483,648 to 2,147,483,647", {"Int32", "toInt32(-2147483648)", "-2147483648"}},
    {"Int64",
     "-9,223,372,036,854,775,808 to 9,223,372,036,854,775,807",
     {"Int64", "toInt64(-9223372036854775807)", "-9223372036854775807"}},
    {"Float32", "IEEE 754, 32 bits; inf, nan", {"Float32", "toFloat32(0.1)", "0.1"}},
    {"Float64", "IEEE 754, 64 bits; inf, nan", {"Float64", "toFloat64(0.1)", "0.1"}},
    {"String", "any bytes", {"String", "'größe'", "größe"}},
    {"Date",
     "days from 1970-01-01 to 2149-06-06",
     {"Date", "CAST('2024-02-29' AS Date)", "2024-02-29"}},
    {"DateTime[('zone')]",
     "seconds from 1970 to 2106-02-07 06:28:15 UTC, shown in the zone (UTC)",
     {"DateTime", "CAST('2024-02-29 12:34:56' AS DateTime('UTC'))", "2024-02-29 12:34:56"}},
    {"DateTime64(digits[, 'zone'])",
     "the same with 0 to 9 digits of a second, from 1900 to 2299",
     {"DateTime64", "CAST('2024-02-29 12:34:56.789' AS DateTime64(3, 'UTC'))",
      "2024-02-29 12:34:56.789"}},
    {"IPv4", "an address of 32 bits", {"IPv4", "CAST('192.0.2.1' AS IPv4)", "192.0.2.1"}},
    {"IPv6",
     "an address of 128 bits; IPv4 addresses as `::ffff:a.b.c.d`",
     {"IPv6", "CAST('2001:db8::1' AS IPv6)", "2001:db8::1"}},
    {"Date32",
     "days from 1900-01-01 to 2299-12-31",
     {"Date32", "CAST('1925-06-01' AS Date32)", "1925-06-01"}},
    {"UUID",
     "128 bits",
     {"UUID", "CAST('61f0c404-5cb3-11e7-907b-a6006ad3dba0' AS UUID)",
      "61f0c404-5cb3-11e7-907b-a6006ad3dba0"}},
    {"FixedString(n)",
     "n bytes, shorter ones are filled with zero bytes",
     {"FixedString", "CAST('DE' AS FixedString(2))", "DE"}},
    {"Decimal(digits[, behind])",
     "exact numbers of 1 to 38 digits, some of them behind the point",
     {"Decimal", "CAST('1234.5' AS Decimal(9, 2))", "1234.5"}},
    {"Enum8('name'[ = n], …)",
     "one of at most 256 names, kept as Int8; written `Enum(…)` the size is chosen by the numbers",
     {"Enum8", "CAST('up' AS Enum8('up' = 1, 'down' = 2))", "up"}},
    {"Enum16('name'[ = n], …)",
     "one of at most 65,536 names, kept as Int16",
     {"Enum16", "CAST('down' AS Enum16('up' = 1, 'down' = 300))", "down"}},
    {"Array(T)",
     "any number of values of one type",
     {"Array", "CAST('[1,2,3]' AS Array(UInt8))", "[1,2,3]"}},
    {"Tuple(T, …), Tuple(name T, …)",
     "one value of each type",
     {"Tuple", "CAST((1, 'a') AS Tuple(n UInt8, s String)).n", "1"}},
    {"Map(K, V)", "values by key", {"Map", "CAST(map('a', 1) AS Map(String, UInt64))", "{'a':1}"}},
    {"Nullable(T)",
     "a value or NULL; not of Array, Tuple, Map",
     {"Nullable", "CAST(NULL AS Nullable(UInt8))", "NULL"}},
    {"LowCardinality(T)",
     "the same values, kept as numbers of a dictionary: for texts (or numbers, dates) with few "
     "different values",
     {"LowCardinality", "CAST('DE' AS LowCardinality(String))", "DE"}},
};

static const struct type_row *type_row_find(const char *name)
{
    for (size_t i = 0; i < sizeof(type_rows) / sizeof(*type_rows); i++)
        if (strcmp(type_rows[i].example.name, name) == 0)
            return &type_rows[i];
    return NULL;
}

#endif
