/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"
#include "engine/run.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile bool stop_asked;

static void ask_stop(int signal_number)
{
    (void)signal_number;
    stop_asked = true;
}

int run_to_end(struct session *s, bool is_once, bool accept_loss, bool is_quiet, struct run_totals *totals)
{
    struct sigaction action = {.sa_handler = ask_stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct progress progress;
    progress_init(&progress, is_quiet);
    struct run_options options = {
        .is_once = is_once,
        .accept_loss = accept_loss,
        .tick = progress_tick,
        .tick_ms = progress.tick_ms,
        .context = &progress,
        .stop = &stop_asked,
        .folder = s->folder,
    };
    AUTO_DONE(buf) said = {0};
    struct err e = {0};
    enum err_code code = run_definitions(s->plan, &s->place, &options, &said, &e);
    if (said.n > 0)
        fprintf(stderr, "%s", buf_cstr(&said));
    if (code != ERR_OK)
        complain("%s", e.text);
    if (totals)
        *totals = progress.totals;
    if (code != ERR_OK)
        return exit_code_of(&e);
    return progress.totals.n_paused ? EXIT_FAILED : EXIT_OK;
}

static int run_run(const struct arguments *a)
{
    struct session s;
    int code = session_open(&s, a);
    if (code != EXIT_OK)
        return code;
    if (s.plan->n_sources == 0) {
        complain("the definitions have no source: nothing to run");
        session_close(&s);
        return EXIT_FAILED;
    }
    code = run_to_end(&s, has_flag(a, "once"), has_flag(a, "accept-loss"), false, NULL);
    session_close(&s);
    return code;
}

static const struct option_row run_options[] = {
    {"once", 0, OPTION_FLAG, NULL, "Ends when the input that is there at the start is stored."},
    {"accept-loss", 0, OPTION_FLAG, NULL, "A shorter KEEP in the definitions may delete what is past it."},
};

const struct command command_run = {
    .name = "run",
    .words = "[--once]",
    .summary = "Follows the input and keeps the metrics up to date, until SIGTERM or SIGINT.",
    .details = "Progress, rate and estimate stand on a terminal; otherwise one line of JSON is "
               "written every 10 seconds.",
    .options = run_options,
    .n_options = COUNT(run_options),
    .run = run_run,
};
