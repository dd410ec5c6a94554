/* SPDX-License-Identifier: Apache-2.0
 *
 * What an embedded store's folder says of weir-stores that died there (files `deaths`,
 * `crashed`, `running` and `lock`, written by weir-store; docs: host/folder.h). */
#ifndef STORE_DEATHS_H
#define STORE_DEATHS_H

#include <stdint.h>

#include "base/buf.h"

enum { DEATHS_ALLOWED = 5, DEATH_WINDOW_S = 600 };

/* Deaths within the last DEATH_WINDOW_S; the text of what was at work at the last one goes to
 * `last` ("" if nothing was). Also counts one that no later weir-store has seen yet. any thread */
unsigned deaths_count(const char *folder, struct buf *last);

#endif
