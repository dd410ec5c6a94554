/* SPDX-License-Identifier: Apache-2.0
 *
 * Help, manual page, completion and the reference pages, all from the tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cli.h"

void help_overview(FILE *out);
void help_command(FILE *out, const struct command *c);
/* The page settings, functions or commands of docs/reference-PAGE.md; false if there is no such
 * page. */
bool help_reference(FILE *out, const char *page);

extern const char *const exit_meanings[]; /* by exit code; NULL-terminated */

#endif
