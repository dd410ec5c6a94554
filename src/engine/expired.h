/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of one run that were older than their table's KEEP, for the line that the run ends with. */
#ifndef ENGINE_EXPIRED_H
#define ENGINE_EXPIRED_H

#include "engine/gather.h"

size_t expired_slots(const struct plan_source *p); /* length of gather.expired */
/* Adds what the gathers of one epoch counted. totals: expired_slots of them. */
void expired_add(uint64_t *totals, const struct plan_source *p, struct gather *const *gathers,
                 size_t n_gathers);
/* A line per table with expired rows:
 * traffic_1m: 4,211,002 rows older than KEEP 7 DAYS, not stored; traffic_1h has them */
void expired_print(struct buf *out, const struct plan_source *p, const uint64_t *totals);

#endif
