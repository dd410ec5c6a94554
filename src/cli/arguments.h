/* SPDX-License-Identifier: Apache-2.0
 *
 * argv to struct arguments, by the option tables. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "cli/cli.h"

const struct command *find_command(const char *name);
int unknown_command(const char *name); /* says it, with the nearest name; EXIT_USAGE */
/* EXIT_OK; EXIT_USAGE after a message; -1: --help was asked for. */
int parse_arguments(struct arguments *a, const struct command *command, int argc, char **argv);

#endif
