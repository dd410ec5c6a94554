/* SPDX-License-Identifier: Apache-2.0
 *
 * Help, manual page and completion, all from the tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cli.h"

void help_overview(FILE *out);
void help_command(FILE *out, const struct command *c);

#endif
