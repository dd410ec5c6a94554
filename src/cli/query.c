/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static bool write_out(void *context, const char *data, size_t n)
{
    (void)context;
    return fwrite(data, 1, n, stdout) == n;
}

static int run_query(const struct arguments *a)
{
    struct session s;
    int code = session_open_store(&s, a);
    if (code != EXIT_OK)
        return code;
    struct err e;
    if (store_ensure(s.store, false, &e) != ERR_OK) {
        complain("%s", e.text);
        session_close(&s);
        return exit_code_of(&e);
    }
    if (a->n_words != 1) {
        complain("query wants one SQL text in quotes");
        session_close(&s);
        return EXIT_USAGE;
    }
    const char *format = argument(a, "format");
    const struct store_setting settings[] = {{"readonly", "2"}};
    struct store_call call = {
        .sql = a->words[0], .settings = settings, .n_settings = has_flag(a, "write") ? 0 : 1, .database = s.plan->settings.database,
        .format = format ? format : isatty(STDOUT_FILENO) ? "PrettyCompact" : "TSV", .write = write_out,
    };
    enum err_code result = store_call(s.store, &call, &e);
    fflush(stdout);
    if (result != ERR_OK)
        complain("%s", e.text);
    session_close(&s);
    return result == ERR_OK ? EXIT_OK : exit_code_of(&e);
}

static const struct option_row query_options[] = {
    {"format", 0, OPTION_TEXT, "FORMAT", "ClickHouse's output format (PrettyCompact on a terminal, TSV else)."},
    {"chart", 0, OPTION_FLAG, NULL, "Draws the answer's first number column as bars."},
    {"write", 0, OPTION_FLAG, NULL, "Allows statements that change something (never in weir's own database)."},
};

const struct command command_query = {
    .name = "query", .words = "[\"SQL\"]", .summary = "Asks the store in SQL, also while `weir run` is running.",
    .options = query_options, .n_options = COUNT(query_options), .run = run_query,
};
