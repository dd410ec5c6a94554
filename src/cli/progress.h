/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run shows while it goes on: a line on a terminal, JSON otherwise. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/cli.h"
#include "engine/run.h"

struct run_totals {
    uint64_t read, kept, filtered, rejected, bytes;
    size_t n_paused, n_bad_files;
};

struct progress {
    bool is_terminal, is_quiet;
    int tick_ms;
    int64_t start_ns;
    struct run_totals totals;
    struct buf expired;   /* lines about rows past their KEEP */
    struct buf bad_files; /* lines about files that were not read as they should be */
};

void progress_init(struct progress *p, bool is_quiet);
/* Says what a run ends with. */
void progress_done(struct progress *p);
void progress_tick(void *progress, struct runner *const *runners, size_t n, bool is_end);

/* Runs the session's definitions (installs handlers for SIGTERM and SIGINT); the exit code.
 * totals may be NULL. */
int run_to_end(struct session *s, bool is_once, bool accept_loss, bool is_quiet,
               struct run_totals *totals);

#endif
