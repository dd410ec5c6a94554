/* SPDX-License-Identifier: Apache-2.0
 *
 * What somebody must hear of and acknowledge: lost input, changed files, a paused source (table
 * weir_alarms). An alarm's id follows from what it says, so saying it twice keeps one row. */
#ifndef ENGINE_ALARM_H
#define ENGINE_ALARM_H

#include "store/client.h"

struct alarm {
    const char *source;
    const char *kind;   /* lost changed paused corrupt unreadable header */
    uint64_t partition; /* UINT64_MAX: none */
    const char *text;
    uint64_t events;
};
MUST_CHECK enum err_code alarm_raise(struct store *s, const char *database, const struct alarm *a,
                                     struct err *e);

/* Alarms that could not be written yet. owner: coordinator */
enum { ALARMS_KEPT = 256 };
struct alarm_queue {
    struct alarm items[ALARMS_KEPT]; /* kind and text are owned */
    size_t n;
    int64_t next_ms; /* mono clock: not tried before */
    int pause_ms;
};
/* False: the queue is full, the alarm was not taken. */
bool alarm_queue_add(struct alarm_queue *q, const struct alarm *a);
/* Writes what waits, oldest first, unless the last try was a moment ago. The first failure ends
 * it. */
MUST_CHECK enum err_code alarm_queue_write(struct alarm_queue *q, struct store *s,
                                           const char *database, struct err *e);
void alarm_queue_done(struct alarm_queue *q);

/* Is there an alarm of the source and kind that nobody acknowledged? Its id goes to id (33
 * bytes). */
MUST_CHECK enum err_code alarm_is_open(struct store *s, const char *database, const char *source,
                                       const char *kind, bool *ret, char *id, struct err *e);

#endif
