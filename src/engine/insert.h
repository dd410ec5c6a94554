/* SPDX-License-Identifier: Apache-2.0
 *
 * How anything is inserted (docs/formats/epochs.md, "insertion"): slots of the store's clock,
 * attempts within a slot, deadlines, and a proof by reading. What is inserted has a family; its
 * token is `family@slot/attempt`. Success of an INSERT proves nothing: only a read does. */
#ifndef ENGINE_INSERT_H
#define ENGINE_INSERT_H

#include "store/client.h"

/* The slot grid of one family. UTC seconds of the store's clock. */
struct slot_grid {
    int64_t t0;       /* start of slot 0 */
    int64_t slot_s;   /* L */
    int64_t margin_s; /* M */
};

/* floor((s - t0) / L): may be negative. */
int64_t slot_of(const struct slot_grid *g, int64_t s);
/* Seconds from s until the next slot in which an INSERT may start now; 0: now is fine. */
int64_t slot_wait(const struct slot_grid *g, int64_t s);
/* `_deadline` of rows sent in slot k. */
int64_t slot_deadline(const struct slot_grid *g, int64_t k);

/* One family's state between rounds. */
struct attempt {
    int64_t slot;         /* of the last INSERT sent; INT64_MIN: none yet */
    int64_t number;       /* a */
    bool is_acknowledged; /* that INSERT was answered with success */
};

/* Rule 5: what the next INSERT's attempt is, given a read at time s that showed the family
 * absent. */
void attempt_next(struct attempt *a, const struct slot_grid *g, int64_t s);

/* Rule 3: waits until no INSERT runs in the store whose token begins with `prefix` ("SOURCE#n@"
 * for a row of the chain, "SOURCE#n/" for all blocks of an epoch). Polls; ends with ERR_STOPPED
 * if *stop. */
MUST_CHECK enum err_code insert_wait_running(struct store *s, const char *prefix,
                                             const _Atomic bool *stop, struct err *e);

/* Sends one INSERT: `INSERT INTO table (columns) SETTINGS … FORMAT Native` with the token of
 * (family, a). */
MUST_CHECK enum err_code insert_send(struct store *s, const char *table, const char *columns,
                                     const char *family, const struct attempt *a,
                                     const struct slot_grid *g, struct str body, struct err *e);

#endif
