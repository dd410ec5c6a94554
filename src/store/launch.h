/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting weir-store for an embedded store. */
#ifndef STORE_LAUNCH_H
#define STORE_LAUNCH_H

#include "base/err.h"

/* Path of the program weir-store. */
MUST_CHECK enum err_code launch_find_program(char *path, size_t size, struct err *e);
/* Starts weir-store on the folder and returns; it tells by its socket that it is ready. The
 * store is not a child that has to be waited for (it outlives us by its linger time). *pid is
 * for noticing an early end. */
MUST_CHECK enum err_code launch_store(const char *folder, int *pid, struct err *e);
/* Has the program ended? Then *status is its wait status. */
bool launch_has_ended(int pid, int *status);

#endif
