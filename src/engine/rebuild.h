/* SPDX-License-Identifier: Apache-2.0
 *
 * `weir run --rebuild`: all input that still exists is loaded into a second embedded store beside
 * the first, with the definitions as they are now; when that is complete the two folders are
 * exchanged.
 *
 *   FOLDER (old)  ──queries go on──────────────┐ both stores closed, locks held,
 *   FOLDER.rebuild (new)  ◀── all input ───────┘ exchanged in one step; then FOLDER.rebuild (now the old one) goes
 *
 * A crash before the exchange leaves the old store at FOLDER, one after it the new store;
 * whatever is at FOLDER.rebuild when a run starts is thrown away. */
#ifndef ENGINE_REBUILD_H
#define ENGINE_REBUILD_H

#include "engine/run.h"

/* Input that is gone, but whose rows the old store has kept. */
struct rebuild_rows {
    const struct plan_source *source;
    uint64_t partition;
};

struct rebuild {
    const struct plan *plan;
    const struct store_place *place; /* of the old store */
    struct store_place fresh;        /* FOLDER.rebuild */
    uint32_t generation;             /* newest one of the old store */
    /* things that are in the old store and cannot be loaded again */
    size_t n_gone;
    struct rebuild_rows *rows;
    size_t n_rows;
    int lock; /* of FOLDER: no other run meanwhile */
};

/* Locks the old store, throws away a rebuild that was begun before, and lists in `said` what
 * would be missing from a new store: input that is gone with its events, sources and retired
 * objects that are not in the definitions. ERR_CONFLICT: another weir run is at work;
 * ERR_NOT_FOUND: there is no store; ERR_REFUSED: not an embedded store. */
MUST_CHECK enum err_code rebuild_begin(struct rebuild *r, const struct plan *plan,
                                       const struct store_place *place, struct buf *said,
                                       struct err *e);
/* Loads and exchanges. With any error FOLDER is what it was. options: tick, stop, folder as for
 * run_definitions. */
MUST_CHECK enum err_code rebuild_store(struct rebuild *r, const struct run_options *options,
                                       struct buf *said, struct err *e);
void rebuild_done(struct rebuild *r); /* also after a failed begin */

/* What a rebuild that was broken off left beside the store: removed and said. For a start, under
 * its lock. */
MUST_CHECK enum err_code rebuild_clean(const struct store_place *place, struct buf *said,
                                       struct err *e);
/* Before that lock: a crash between two renames (file systems that cannot exchange in one step)
 * is undone. */
void rebuild_restore(const struct store_place *place);

#endif
