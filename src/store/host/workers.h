/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that run one task after another. A new thread's first call into libchdb costs about half
 * a millisecond (its thread-local state, its allocator), a reused one's nothing. */
#ifndef STORE_HOST_WORKERS_H
#define STORE_HOST_WORKERS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

struct workers;

/* Belongs to who starts it; must stay until it is done. */
struct task {
    void (*run)(void *arg);
    void *arg;
    bool is_done; /* under the lock of the workers */
    struct task *next;
};

struct workers *workers_new(void);
/* All tasks must be done. Takes NULL. */
void workers_free(struct workers *w);

/* Runs the task on an idle thread, or on a new one. False: no thread. any thread */
MUST_CHECK bool workers_start(struct workers *w, struct task *t);
/* True once the task is done; waits for it up to `ms`, without end when that is negative. any
 * thread */
bool workers_wait(struct workers *w, struct task *t, int ms);

#endif
