/* SPDX-License-Identifier: Apache-2.0
 *
 * What somebody must hear of and acknowledge: lost input, changed files, a paused source (table weir_alarms).
 * An alarm's id follows from what it says, so saying it twice keeps one row. */
#ifndef ENGINE_ALARM_H
#define ENGINE_ALARM_H

#include "store/client.h"

struct alarm {
    const char *source;
    const char *kind;      /* lost changed paused corrupt unreadable header */
    uint64_t partition;    /* UINT64_MAX: none */
    const char *text;
    uint64_t events;
};
MUST_CHECK enum err_code alarm_raise(struct store *s, const char *database, const struct alarm *a, struct err *e);
/* Is there an alarm of the source and kind that nobody acknowledged? Its id goes to id (33 bytes). */
MUST_CHECK enum err_code alarm_is_open(struct store *s, const char *database, const char *source,
                                       const char *kind, bool *ret, char *id, struct err *e);

#endif
