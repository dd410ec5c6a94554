/* SPDX-License-Identifier: Apache-2.0
 *
 * The requests that run now: so that no two have one query_id, so that a query whose client has
 * gone is cancelled, and so that after a crash the file `running` says what was at work. The file
 * is a mapped page range of RUNNING_MAX slots of RUNNING_SLOT_BYTES: "id TAB text" while a
 * statement runs, zeroes when not; kill -9 leaves it as it was. */
#ifndef STORE_HOST_RUNNING_H
#define STORE_HOST_RUNNING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define RUNNING_MAX 512
#define RUNNING_SLOT_BYTES 512

struct running;

/* Appends a line "id TAB text" for each statement that the last process left in the file `path`:
 * those at which it crashed or was killed. Returns how many. Before running_open empties it. */
size_t running_left_behind(const char *path, struct buf *out);

/* `path` NULL: no file. `kill` is called from a thread of this object, without its lock. */
MUST_CHECK enum err_code running_open(struct running **ret, const char *path,
                                      void (*kill)(void *arg, struct str id), void *arg,
                                      struct err *e);
void running_close(struct running *r);

/* Enters a statement. Returns its slot, -1 when `id` runs already, -2 when all slots are taken.
 * With `fd` >= 0 it is cancelled once that connection is closed by its client; without, it is left
 * alone (an INSERT whose data are here ends as it would have). any thread */
int running_add(struct running *r, struct str id, struct str text, int fd);
void running_remove(struct running *r, int slot);

/* Statements at work; with `kill_watched` those that may be cancelled are. any thread */
int running_count(struct running *r, bool kill_watched);

#endif
