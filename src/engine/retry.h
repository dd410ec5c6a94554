/* SPDX-License-Identifier: Apache-2.0
 *
 * Rejected records once more, exactly once: an epoch (kind 'retry') over the rejects' partition of
 * the source's chain. What is good now goes where it would have gone, and the ledger moves it from
 * rejected to kept or filtered; what fails again is a reject of the retry's own epoch. */
#ifndef ENGINE_RETRY_H
#define ENGINE_RETRY_H

#include "engine/epoch.h"

struct retry_counts {
    uint64_t records, kept, filtered, rejected, duplicate;
};

/* All rejects of the source that were not retried yet. Works beside a running `weir run`. */
MUST_CHECK enum err_code retry_rejects(struct retry_counts *ret, const struct plan *plan,
                                       const struct plan_source *source,
                                       const struct store_place *place, uint32_t generation,
                                       struct err *e);

/* Reads the rejects of epochs (from, to] into the gather. For recovery, too. */
MUST_CHECK enum err_code retry_gather(struct gather *g, struct gatherer *w, struct store *s,
                                      const struct plan *plan, uint64_t from, uint64_t to,
                                      int64_t now, struct err *e);

#endif
