/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder of a store:
 *
 *   DIR/             mode 0700
 *     lock           held by flock while a weir-store runs; says "closing" while it ends
 *     layout.json    which versions wrote it
 *     config.xml     made at every start
 *     store.sock     mode 0600, while it runs
 *     engine.log     errors of the engine, 4 MB and one older file
 *     store.log      our stderr, when weir started us
 *     running        the statements at work (running.h)
 *     crashed        those at work when a weir-store died here, until the next death
 *     deaths         when the last ones died here (noticed by the next one): a line each, seconds since 1970
 *     files/         empty; relative paths of file() lead here, and not to anything of ours
 *     data/          the engine's own
 */
#ifndef STORE_HOST_FOLDER_H
#define STORE_HOST_FOLDER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define LAYOUT_VERSION 1

struct folder;

/* Makes `dir` where it is missing and takes its lock. ERR_CONFLICT: another weir-store holds it.
 * ERR_REFUSED: a newer weir or libchdb wrote it; nothing was touched. */
MUST_CHECK enum err_code folder_open(struct folder **ret, const char *dir,
                                     const char *engine_version, struct err *e);
/* Did the weir-store before this one end without saying that it was closing? */
bool folder_had_death(const struct folder *f);
/* "DIR/name", absolute, owned by the folder until it is closed. */
const char *folder_path(struct folder *f, const char *name);

struct folder_config {
    uint64_t memory_bytes; /* cap of the whole engine */
    unsigned cores;
};

/* Writes config.xml. */
MUST_CHECK enum err_code folder_write_config(struct folder *f, const struct folder_config *c,
                                             struct err *e);
/* Writes layout.json: the folder now belongs to these versions. */
MUST_CHECK enum err_code folder_write_layout(struct folder *f, struct err *e);

/* Adds a death, now, to the file `deaths`. */
MUST_CHECK enum err_code folder_add_death(struct folder *f, struct err *e);
/* Writes the file `name` anew, all or nothing. */
MUST_CHECK enum err_code folder_write(struct folder *f, const char *name, const struct buf *text,
                                      struct err *e);

/* Whoever waits for the lock knows from now on that it will be free soon. */
void folder_is_closing(struct folder *f);
void folder_close(struct folder *f);

/* Half of what this process may use: the least of RAM and the limits of its control groups. */
uint64_t default_memory_bytes(void);

#endif
