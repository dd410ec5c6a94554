/* SPDX-License-Identifier: Apache-2.0
 *
 * A process that runs definitions: opens the store, adopts the generation, makes the tables,
 * starts a runner per source and waits for their end. */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include "engine/runner.h"

struct run_options {
    bool is_once;
    bool accept_loss;
    uint64_t enough_bytes;   /* as in runner_options */
    const char *only_source; /* runs this source alone; NULL = all */
    /* Called about every `tick_ms` while it runs, and once at the end. May be NULL. */
    void (*tick)(void *context, struct runner *const *runners, size_t n, bool is_end);
    int tick_ms;
    void *context;
    /* set by a signal handler: ends with the epoch that is under way */
    const _Atomic bool *stop;
    const _Atomic bool *give_up; /* set by a second one: ends at once. Either may be NULL */
    const char *folder;          /* of the definitions: for older generations */
    /* Told how many lookups go with an older version at the end. May be NULL. */
    size_t *n_old_lookups;
};

/* Runs to the end. `said` gets what changed in the definitions. ERR_REFUSED: definitions do not
 * fit; ERR_CONFLICT: another weir run is at work on the embedded store. */
MUST_CHECK enum err_code run_definitions(const struct plan *plan, const struct store_place *place,
                                         const struct run_options *options, struct buf *said,
                                         struct err *e);

/* All of weir's tables and the plan's tables and views. */
MUST_CHECK enum err_code run_make_tables(struct store *s, const struct plan *plan, struct err *e);

/* weir's own tables alone. */
MUST_CHECK enum err_code run_make_own_tables(struct store *s, const struct plan *plan,
                                             struct err *e);

/* One weir run per embedded store: *fd holds the folder's lock until it is closed (-1: not an
 * embedded store). */
MUST_CHECK enum err_code run_lock_folder(const struct store_place *place, int *fd, struct err *e);

/* One line of JSON about runners and lookups, which may be NULL (status file, log lines). */
void run_status_json(struct buf *out, struct runner *const *runners, size_t n, struct lookups *l);

#endif
