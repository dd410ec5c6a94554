/* SPDX-License-Identifier: Apache-2.0
 *
 * A source at work. Three kinds of threads:
 *
 *   coordinator  looks for input, opens and closes epochs        (one)
 *   workers      draw chunks, decode, compute, fill their gather (settings.threads)
 *   storer       seals, writes the intent, inserts, proves       (one; while the next epoch gathers)
 *
 * Gathers exist twice: one set fills while the other is stored. */
#ifndef ENGINE_RUNNER_H
#define ENGINE_RUNNER_H

#include <pthread.h>

#include "engine/epoch.h"

struct runner_options {
    bool is_once;
    /* completes what is open, reads nothing new: for a source that is retired */
    bool is_recovery;
    uint64_t enough_bytes; /* preview: stops after about so many bytes of input; 0 = never */
    const char *process;   /* name of this process in the chain */
    uint64_t lane;         /* never used before for this source */
    /* The plan of an older generation's definitions for this source; for recovery. The caller
     * keeps it. */
    const struct plan *(*plan_of)(void *context, uint32_t generation, struct err *e);
    void *context;
};

/* Copied out by runner_status. any thread */
struct runner_status {
    char state[24];     /* starting recovering reading idle paused stopping finished failed */
    char problem[1100]; /* why it is not well; empty = well */
    uint64_t epochs, read, kept, filtered, rejected, duplicate, read_bytes, waiting_bytes;
    uint64_t lost_bytes;
    int64_t last_epoch_ms;       /* mono clock, 0 = none yet */
    int64_t gather_ms, store_ms; /* of the last epoch */
    size_t n_files;
    size_t n_bad_files; /* files that were not read as they should be, in this run */
    uint64_t memory_bytes;
    double rate; /* events read a second, over the last minute (or since the start) */
    bool is_paused, is_finished;
    enum err_code failure;
};

struct runner;
/* Begins to look for files; nothing is asked of the store before runner_store_is_there. */
MUST_CHECK enum err_code runner_start(struct runner **ret, const struct plan *plan,
                                      const struct plan_source *source,
                                      const struct store_place *place,
                                      const struct runner_options *options, struct err *e);
/* The store answers and has the tables of the plan; its definitions have this number; the lookups
 * that the source reads are loaded (NULL: there are none) and outlive the runner. Once. */
void runner_store_is_there(struct runner *r, uint32_t generation, struct lookups *lookups);
/* Asks; the epoch that gathers is finished. any thread, also from a signal's flag */
void runner_stop(struct runner *r);
/* Asks once more: nothing is waited for, the next start completes what is open. any thread */
void runner_give_up(struct runner *r);
/* Waits for the end. Its failure, if it had one. */
MUST_CHECK enum err_code runner_join(struct runner *r, struct err *e);
void runner_free(struct runner *r);
void runner_status(struct runner *r, struct runner_status *ret);
/* To be called about once a second: what the rate is computed from. any thread */
void runner_sample(struct runner *r);
/* A line per table of this run's rows that were older than its KEEP. any thread */
void runner_print_expired(struct runner *r, struct buf *out);
/* A line per file that was not read as it should be (the first twenty), and why. any thread */
void runner_print_bad_files(struct runner *r, struct buf *out);
const struct plan_source *runner_source(const struct runner *r);

#endif
