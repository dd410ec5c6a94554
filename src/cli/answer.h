/* SPDX-License-Identifier: Apache-2.0
 *
 * What `weir open` shows at its end: what was read, kept and rejected, totals and the largest
 * dimension values of each metric, and its course per hour and day. It is asked of the
 * definitions' own tables, so it fits edited ones, too. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "cli/cli.h"

/* The store must answer. The exit code. sql_path: of the definitions, for the commands to try
 * next. */
int answer_show(struct session *s, const char *sql_path);

#endif
