/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/help.h"

extern const struct command command_ack, command_init, command_open, command_drop, command_preview,
    command_rejects, command_resume, command_check, command_explain, command_help, command_query,
    command_run, command_status, command_store;

const struct command *const commands[] = {
    &command_open,   &command_init,  &command_check,  &command_explain, &command_preview,
    &command_run,    &command_query, &command_status, &command_rejects, &command_ack,
    &command_resume, &command_drop,  &command_store,  &command_help,    NULL,
};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        help_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("weir " WEIR_VERSION "\n");
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_overview(stdout);
        return EXIT_OK;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL)
        return unknown_command(argv[1]);
    struct arguments *a = calloc(1, sizeof(*a));
    int code = parse_arguments(a, command, argc - 2, argv + 2);
    if (code < 0) {
        help_command(stdout, command);
        code = EXIT_OK;
    } else if (code == EXIT_OK) {
        code = command->run(a);
    }
    free(a->words);
    free(a);
    return code;
}
