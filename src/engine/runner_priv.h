/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_RUNNER_PRIV_H
#define ENGINE_RUNNER_PRIV_H

#include "engine/alarm.h"
#include "engine/runner.h"

/* inserts side by side: one INSERT keeps one core of the store busy */
enum { STORER_CONNECTIONS = 2 };

struct worker {
    struct runner *runner;
    pthread_t thread;
    struct gatherer gatherer;
    struct gather *gathers[2];
    bool is_started;
};

/* Positions that sealed epochs end at, by partition (dense numbers). owner: coordinator. */
struct sealed_ends {
    uint64_t *positions; /* UINT64_MAX: not known yet */
    size_t n;
};

/* Events read, once a second over a minute, for the rate. */
enum { SAMPLES_KEPT = 61 };
struct rate_sample {
    int64_t ms;
    uint64_t read;
};

struct runner {
    const struct plan *plan;
    const struct plan_source *source;
    const struct store_place *place;
    struct runner_options options;
    struct store *store; /* coordinator's */
    struct store *storer_stores[STORER_CONNECTIONS];
    struct file_set *files;
    struct gatherer header_check; /* judges headers of files */
    pthread_mutex_t header_lock;  /* guards header_check */
    struct window *window;        /* DEDUPLICATE; NULL: none */
    struct store *window_store;   /* the window's */
    struct chain chain;           /* coordinator until the storer starts, then storer */
    struct sealed_ends ends;
    /* bytes of files that are gone: for the next epoch's ledger. owner: coordinator */
    struct ledger_extra *lost;
    size_t n_lost;
    struct alarm_queue alarms; /* owner: coordinator */
    /* mono clock when the store's time of the last epoch was asked. owner: coordinator */
    int64_t asked_ms;

    pthread_t coordinator, storer;
    struct worker *workers;
    size_t n_workers;

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t work;  /* workers: the gate opened, or input came */
    /* coordinator: a worker became idle; storer: an epoch is there, or is stored */
    pthread_cond_t quiet;
    bool has_store; /* runner_store_is_there was called; these are set with it */
    struct lookups *lookups;
    uint32_t generation;
    bool is_gate_open;
    bool is_ending; /* workers and storer leave */
    int n_active;
    bool is_starved;               /* the last look found no chunk */
    int slot;                      /* gathers that fill */
    int64_t now;                   /* of the epoch that gathers */
    struct lookup_pin pin;         /* likewise: what it reads */
    struct file_chunk first_chunk; /* found by the coordinator when it looked for input */
    bool has_first_chunk;
    struct epoch *pending; /* handed to the storer */
    bool is_storing;
    int64_t last_store_ms;
    /* status.rejected when the size of weir_rejects was looked at. owner: coordinator */
    uint64_t rejects_looked;
    /* bytes that weir_rejects may have; grows with each resume. owner: coordinator */
    uint64_t rejects_allowed;
    uint64_t window_read, window_rejected; /* since the last judgement, for pausing */
    _Atomic bool stop;                     /* asked to stop; read without the lock, too */
    _Atomic bool give_up;                  /* asked twice; likewise */
    uint64_t n_folded;                     /* keys past max_keys, in this run */
    const char *folded_in;                 /* the first table of them */
    bool is_folding_said;                  /* owner: coordinator */
    bool is_storer_failed;
    struct err failure;
    struct runner_status status;
    struct rate_sample samples[SAMPLES_KEPT];
    size_t n_samples;
    struct buf bad_files; /* a line each: the first ones */
    uint64_t *expired;    /* as gather.expired, over all epochs stored by this run */
};

/* Fills the gathers of one set from the intent's ranges and stores the epoch again. */
MUST_CHECK enum err_code runner_recover(struct runner *r, struct err *e);
void runner_set_state(struct runner *r, const char *state, const char *problem);
void runner_say(void *runner, const char *problem); /* for struct epoch */
/* Starts the store where it does not answer; says why where that fails. any thread */
bool runner_start_store(struct runner *r, struct store *s);
void *worker_main(void *context);
void *storer_main(void *context);
/* Raises an alarm. While the store fails it waits, and is written when the store answers again.
 * owner: coordinator */
void runner_alarm(struct runner *r, const char *kind, uint64_t partition, const char *text,
                  uint64_t events);

#endif
