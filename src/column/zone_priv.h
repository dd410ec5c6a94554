/* SPDX-License-Identifier: Apache-2.0
 *
 * A zone's offsets as its TZif file has them, drawn out to the year 2440 by the rule in its
 * footer. */
#ifndef COLUMN_ZONE_PRIV_H
#define COLUMN_ZONE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct zone_rule {
    int64_t at;     /* from this UTC second on; the first item's is INT64_MIN */
    int32_t offset; /* seconds to add to UTC */
    bool is_dst;
    bool is_change; /* anything is different from the item before */
};

struct zone_rules {
    struct zone_rule *items; /* ascending; free() */
    size_t n;
};

MUST_CHECK enum err_code zone_rules_load(struct zone_rules *ret, struct str name, struct err *e);

#endif
