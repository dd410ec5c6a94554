/* SPDX-License-Identifier: Apache-2.0
 *
 * Tasks never wait for a thread: when none is idle a new one is made. IDLE_MAX of them stay. */
#include "store/host/workers.h"

#include <errno.h>
#include <time.h>

#include "base/mem.h"

#define IDLE_MAX 16

struct workers {
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t has_task, is_done;
    struct task *first;
    int n_waiting; /* tasks that no thread has taken yet */
    int n_idle, n_threads;
    bool is_closing;
};

static void *work(void *arg)
{
    struct workers *w = arg;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->first == NULL && !w->is_closing)
            pthread_cond_wait(&w->has_task, &w->lock);
        if (w->first == NULL)
            break;
        struct task *t = w->first;
        w->first = t->next;
        w->n_waiting--;
        w->n_idle--;
        pthread_mutex_unlock(&w->lock);
        t->run(t->arg);
        pthread_mutex_lock(&w->lock);
        t->is_done = true;
        w->n_idle++;
        pthread_cond_broadcast(&w->is_done);
        if (w->n_idle - w->n_waiting > IDLE_MAX)
            break;
    }
    w->n_idle--;
    w->n_threads--;
    pthread_cond_broadcast(&w->is_done);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct workers *workers_new(void)
{
    struct workers *w = xcalloc(1, sizeof(*w));
    pthread_condattr_t monotonic;

    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->has_task, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->is_done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return w;
}

void workers_free(struct workers *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_closing = true;
    pthread_cond_broadcast(&w->has_task);
    while (w->n_threads)
        pthread_cond_wait(&w->is_done, &w->lock);
    pthread_mutex_unlock(&w->lock);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->has_task);
    pthread_cond_destroy(&w->is_done);
    free(w);
}

static bool add_thread(struct workers *w)
{
    pthread_attr_t detached;
    pthread_t thread;

    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    bool is_ok = pthread_create(&thread, &detached, work, w) == 0;
    pthread_attr_destroy(&detached);
    if (is_ok) {
        w->n_threads++;
        w->n_idle++;
    }
    return is_ok;
}

bool workers_start(struct workers *w, struct task *t)
{
    bool is_ok = true;

    t->is_done = false;
    pthread_mutex_lock(&w->lock);
    if (w->n_idle <= w->n_waiting)
        is_ok = add_thread(w);
    if (is_ok) {
        t->next = w->first;
        w->first = t;
        w->n_waiting++;
        pthread_cond_signal(&w->has_task);
    }
    pthread_mutex_unlock(&w->lock);
    return is_ok;
}

bool workers_wait(struct workers *w, struct task *t, int ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms % 1000 * 1000000L;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&w->lock);
    while (!t->is_done) {
        if (ms < 0)
            pthread_cond_wait(&w->is_done, &w->lock);
        else if (pthread_cond_timedwait(&w->is_done, &w->lock, &until) == ETIMEDOUT)
            break;
    }
    bool is_done = t->is_done;
    pthread_mutex_unlock(&w->lock);
    return is_done;
}
