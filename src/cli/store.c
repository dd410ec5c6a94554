/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "store/launch.h"

static int run_store(const struct arguments *a)
{
    struct session s;
    int code = session_open_store(&s, a);
    if (code != EXIT_OK)
        return code;
    if (s.place.folder == NULL) {
        complain("%s is a server already; `weir store` is for embedded: stores", s.place.url);
        session_close(&s);
        return EXIT_USAGE;
    }
    struct err e;
    char program[PATH_MAX];
    if (launch_find_program(program, sizeof(program), &e) != ERR_OK) {
        complain("%s", e.text);
        session_close(&s);
        return EXIT_FAILED;
    }
    const char *words[8] = {"weir-store", "--dir", s.place.folder};
    size_t n = 3;
    if (argument(a, "listen")) {
        words[n++] = "--listen";
        words[n++] = argument(a, "listen");
    }
    if (argument(a, "token-file")) {
        words[n++] = "--token-file";
        words[n++] = argument(a, "token-file");
    }
    execv(program, (char *const *)words);
    complain("%s: %s", program, strerror(errno));
    session_close(&s);
    return EXIT_FAILED;
}

static const struct option_row store_options[] = {
    {"listen", 0, OPTION_TEXT, "ADDRESS:PORT",
     "Listens there, too (127.0.0.1:8123, say); needs --token-file."},
    {"token-file", 0, OPTION_TEXT, "FILE",
     "Holds the token that TCP clients must show (mode 0600)."},
};

const struct command command_store = {
    .name = "store",
    .words = "[--listen ADDRESS:PORT --token-file FILE]",
    .summary = "Runs the store as a ClickHouse server standing alone, until SIGTERM.",
    .options = store_options,
    .n_options = COUNT(store_options),
    .run = run_store,
};
