/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPR_ARRAY_H
#define EXPR_ARRAY_H

#include "expr/compound.h"

enum array_function {
    ARRAY_MAP,
    ARRAY_FILTER,
    ARRAY_EXISTS,
    ARRAY_ALL,
    ARRAY_COUNT,
    ARRAY_FIRST,
    ARRAY_LAST,
    ARRAY_FIRST_INDEX,
    ARRAY_LAST_INDEX,
    ARRAY_SUM,
    ARRAY_AVG,
    ARRAY_MIN,
    ARRAY_MAX,
    ARRAY_SORT,
    ARRAY_REVERSE_SORT,
};

void array_all_faults(struct call *c); /* own masks: the faults of all arguments */
/* Sum, mean, extremes of `list`; or `array` in the order of `list`. */
value_id build_array_fold(struct site *s, value_id array, value_id list, enum array_function what);
/* As in ClickHouse functions of arrays give elements that are not LowCardinality. */
value_id array_without_dictionaries(struct builder *b, value_id array);
/* length, empty, notEmpty of arrays and maps: param.i 0, 1, 2 */
value_id emit_array_length(struct builder *b, value_id array, int what);

#endif
