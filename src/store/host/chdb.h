/* SPDX-License-Identifier: Apache-2.0
 *
 * libchdb as a backend: found, loaded, started and stopped here and nowhere else. */
#ifndef STORE_HOST_CHDB_H
#define STORE_HOST_CHDB_H

#include "store/host/backend.h"

#define CHDB_VERSION "26.7.3" /* what chdb_version() of the pinned package says */
#define CHDB_PACKAGE "26.7.3-stable.1"

struct chdb;

/* Loads the library from `path`, or from the first of the places where it may lie when that is
 * NULL. ERR_NOT_FOUND names all places tried. Starts nothing yet. */
MUST_CHECK enum err_code chdb_load(struct chdb **ret, const char *path, struct err *e);

/* As the library says it. */
const char *chdb_library_version(const struct chdb *c);

/* Starts the engine over `data` with the configuration file `config`. Once a process. */
MUST_CHECK enum err_code chdb_start(struct chdb *c, const char *data, const char *config,
                                    struct err *e);
struct backend *chdb_backend(struct chdb *c);

/* Ends the engine cleanly; all sessions must be closed. The library stays loaded. */
void chdb_stop(struct chdb *c);

#endif
