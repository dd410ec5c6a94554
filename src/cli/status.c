/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static int run_status(const struct arguments *a)
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
    AUTO_DONE(buf) answer = {0};
    AUTO_MEM char *sql = xasprintf("SELECT source, sum(read) AS read, sum(kept) AS kept, sum(filtered) AS filtered, sum(rejected) AS rejected, "
                                   "sum(lost) AS lost, max(max_time) AS newest, max(n) AS epoch FROM %s.weir_ledger WHERE kind = 'partition' "
                                   "GROUP BY source ORDER BY source FORMAT PrettyCompactMonoBlock", s.plan->settings.database);
    if (store_text(s.store, sql, &answer, &e) != ERR_OK) {
        complain("%s", e.text);
        session_close(&s);
        return exit_code_of(&e);
    }
    fwrite(answer.p, 1, answer.n, stdout);
    session_close(&s);
    return EXIT_OK;
}

const struct command command_status = {
    .name = "status", .words = "", .summary = "Says how every source is, and what is wrong.", .run = run_status,
};

static int run_store(const struct arguments *a)
{
    (void)a;
    complain("start the program weir-store; see its --help");
    return EXIT_USAGE;
}

const struct command command_store = {
    .name = "store", .words = "", .summary = "Runs the store as a ClickHouse server standing alone.", .run = run_store,
};
