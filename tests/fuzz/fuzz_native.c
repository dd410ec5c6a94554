/* SPDX-License-Identifier: Apache-2.0
 *
 * Native answers: any bytes are read or refused; what is read can be walked to its last byte. */
#include <stddef.h>
#include <stdint.h>

#include "codec/native.h"
#include "column/compound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum_strings(const struct native_column *c, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        struct str s = COLUMN(&c->column, struct str)[i];
        for (size_t k = 0; k < s.n; k++)
            sum += (uint8_t)s.p[k];
    }
    return sum;
}

static uint64_t sum_column(const struct native_column *c, size_t n_rows)
{
    size_t n = n_rows;
    uint64_t sum = 0;
    for (size_t i = 0; type_is_compound(c->type) && i < n; i++)
        sum += value_hash_deep(c->type, (const char *)c->column.values + i * type_width(c->type));
    if (type_is_compound(c->type))
        return sum;
    for (size_t i = 0; c->column.nulls && i < n; i++)
        sum += c->column.nulls[i];
    if (c->type.kind == TYPE_STRING)
        return sum + sum_strings(c, n);
    for (size_t i = 0; i < n * type_width(c->type); i++)
        sum += ((const uint8_t *)c->column.values)[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct native_result r;
    struct err e;
    uint64_t sum = 0;
    if (native_read(&r, (const char *)data, size, &e) != ERR_OK)
        return 0;
    for (size_t i = 0; i < r.n_columns; i++)
        sum += sum_column(&r.columns[i], r.n_rows);
    native_result_done(&r);
    static volatile uint64_t sink; /* so that the walk is not left out */
    sink = sum;
    (void)sink;
    return 0;
}
