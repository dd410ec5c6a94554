/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"
#include "cli/progress.h"
#include "engine/rebuild.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static _Atomic bool stop_asked, give_up_asked;

struct run_choices {
    bool is_once, accept_loss, is_quiet, is_rebuild, is_yes;
};

static void ask_stop(int signal_number)
{
    (void)signal_number;
    if (stop_asked)
        give_up_asked = true;
    stop_asked = true;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = ask_stop, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

/* What would be missing from the new store is said before anything is loaded. */
static enum err_code rebuild(struct session *s, const struct run_options *options, bool is_yes,
                             struct buf *said, struct err *e)
{
    struct rebuild r;
    enum err_code code = rebuild_begin(&r, s->plan, &s->place, said, e);
    if (said->n > 0)
        fprintf(stderr, "%s", buf_cstr(said));
    buf_reset(said);
    if (code == ERR_OK && r.n_gone > 0 && !is_yes)
        code = err_set(e, ERR_REFUSED,
                       "the lines above would be missing from the new store; nothing was done. "
                       "`weir run --rebuild --yes` goes on without them");
    if (code == ERR_OK)
        code = rebuild_store(&r, options, said, e);
    rebuild_done(&r);
    return code;
}

static void complain_lines(struct buf *lines)
{
    char *save = NULL;
    for (char *line = strtok_r((char *)buf_cstr(lines), "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        complain("%s", line);
}

static int run_or_rebuild(struct session *s, const struct run_choices *how,
                          struct run_totals *totals)
{
    struct progress progress;
    size_t n_old_lookups = 0;
    progress_init(&progress, how->is_quiet);
    struct run_options options = {
        .is_once = how->is_once,
        .accept_loss = how->accept_loss,
        .tick = progress_tick,
        .tick_ms = progress.tick_ms,
        .context = &progress,
        .stop = &stop_asked,
        .give_up = &give_up_asked,
        .folder = s->folder,
        .n_old_lookups = &n_old_lookups,
    };
    AUTO_DONE(buf) said = {0};
    struct err e = {0};
    enum err_code code = ERR_OK;
    if (how->is_rebuild)
        code = rebuild(s, &options, how->is_yes, &said, &e);
    if (code == ERR_OK && !(how->is_rebuild && how->is_once))
        code = run_definitions(s->plan, &s->place, &options, &said, &e);
    if (said.n > 0)
        fprintf(stderr, "%s", buf_cstr(&said));
    if (code != ERR_OK)
        complain("%s", e.text);
    if (totals)
        *totals = progress.totals;
    bool is_whole = progress.totals.n_paused == 0 && (!how->is_once || n_old_lookups == 0);
    if (how->is_once && progress.totals.n_bad_files > 0) {
        complain_lines(&progress.bad_files);
        is_whole = false;
    }
    progress_done(&progress);
    if (code != ERR_OK)
        return exit_code_of(&e);
    return is_whole ? EXIT_OK : EXIT_FAILED;
}

int run_to_end(struct session *s, bool is_once, bool accept_loss, bool is_quiet,
               struct run_totals *totals)
{
    struct run_choices how = {.is_once = is_once, .accept_loss = accept_loss, .is_quiet = is_quiet};
    catch_signals();
    return run_or_rebuild(s, &how, totals);
}

static int run_run(const struct arguments *a)
{
    struct session s;
    catch_signals(); /* first of all: whoever stops a run that has just begun gets exit 0, too */
    int code = session_open(&s, a);
    if (code != EXIT_OK)
        return code;
    if (s.plan->n_sources == 0) {
        complain("the definitions have no source: nothing to run");
        session_close(&s);
        return EXIT_FAILED;
    }
    struct run_choices how = {
        .is_once = has_flag(a, "once"),
        .accept_loss = has_flag(a, "accept-loss"),
        .is_rebuild = has_flag(a, "rebuild"),
        .is_yes = has_flag(a, "yes"),
    };
    code = stop_asked && !how.is_rebuild ? EXIT_OK : run_or_rebuild(&s, &how, NULL);
    session_close(&s);
    return code;
}

static const struct option_row run_options[] = {
    {"once", 0, OPTION_FLAG, NULL, "Ends when the input that is there at the start is stored."},
    {"accept-loss", 0, OPTION_FLAG, NULL,
     "A shorter KEEP in the definitions may delete what is past it."},
    {"rebuild", 0, OPTION_FLAG, NULL,
     "Loads all input that still exists into a new store and exchanges it for the old one."},
    {"yes", 0, OPTION_FLAG, NULL, "With --rebuild: goes on although input that is listed is gone."},
};

const struct command command_run = {
    .name = "run",
    .words = "[--once] [--rebuild [--yes]]",
    .summary = "Follows the input and keeps the metrics up to date, until SIGTERM or SIGINT.",
    .details = "Progress, rate and estimate stand on a terminal; otherwise one line of JSON is "
               "written every 10 seconds to standard output, and nothing else is; notes and log "
               "lines go to standard error.\n\n"
               "SIGTERM or SIGINT finishes the epoch (exit 0); a second one ends at once (exit 1), "
               "and the next start completes it. --once ends with exit 1 when a source paused or "
               "a file, also of a lookup, was not read as it should be, and says why.",
    .options = run_options,
    .n_options = COUNT(run_options),
    .run = run_run,
};
