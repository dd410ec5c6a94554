/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

void progress_init(struct progress *p, bool is_quiet)
{
    *p = (struct progress){
        .is_terminal = isatty(STDERR_FILENO), .is_quiet = is_quiet, .start_ns = clock_mono_ns()};
    p->tick_ms = p->is_terminal ? 200 : 10000;
}

static void put_count(char out[24], double v)
{
    if (v >= 1e9)
        snprintf(out, 24, "%.2f G", v / 1e9);
    else if (v >= 1e6)
        snprintf(out, 24, "%.2f M", v / 1e6);
    else if (v >= 1e4)
        snprintf(out, 24, "%.1f k", v / 1e3);
    else
        snprintf(out, 24, "%.0f", v);
}

static void show_terminal(const struct progress *p, uint64_t waiting, const char *state,
                          bool is_end)
{
    double seconds = (double)(clock_mono_ns() - p->start_ns) / 1e9;
    double rate = seconds > 0 ? (double)p->totals.read / seconds : 0,
           byte_rate = seconds > 0 ? (double)p->totals.bytes / seconds : 0;
    char read[24], per_s[24], rejected[24];
    put_count(read, (double)p->totals.read);
    put_count(per_s, rate);
    put_count(rejected, (double)p->totals.rejected);
    fprintf(stderr, "\r\033[K%s: %s events, %s/s", state, read, per_s);
    if (p->totals.rejected)
        fprintf(stderr, ", %s rejected", rejected);
    if (waiting > 0 && byte_rate > 0)
        fprintf(stderr, ", %.0f s left", (double)waiting / byte_rate);
    if (is_end)
        fputc('\n', stderr);
    fflush(stderr);
}

void progress_done(struct progress *p)
{
    if (!p->is_quiet && p->expired.n > 0)
        fprintf(stderr, "%s", buf_cstr(&p->expired));
    buf_done(&p->expired);
    buf_done(&p->bad_files);
}

void progress_tick(void *context, struct runner *const *runners, size_t n, bool is_end)
{
    struct progress *p = context;
    p->totals = (struct run_totals){0};
    uint64_t waiting = 0;
    char state[64] = "";
    for (size_t i = 0; i < n; i++) {
        struct runner_status s;
        runner_status(runners[i], &s);
        p->totals.read += s.read;
        p->totals.kept += s.kept;
        p->totals.filtered += s.filtered;
        p->totals.rejected += s.rejected;
        p->totals.bytes += s.read_bytes;
        p->totals.n_paused += s.is_paused;
        p->totals.n_bad_files += s.n_bad_files;
        waiting += s.waiting_bytes;
        if (*state == '\0' || strcmp(s.state, "reading") == 0)
            snprintf(state, sizeof(state), "%s", s.state);
    }
    for (size_t i = 0; is_end && i < n; i++) {
        runner_print_expired(runners[i], &p->expired);
        runner_print_bad_files(runners[i], &p->bad_files);
    }
    if (p->is_quiet)
        return;
    if (p->is_terminal) {
        show_terminal(p, waiting, state, is_end);
        return;
    }
    AUTO_DONE(buf) line = {0};
    run_status_json(&line, runners, n, NULL);
    buf_byte(&line, '\n');
    fwrite(line.p, 1, line.n, stdout); /* alone there: all else goes to stderr */
    fflush(stdout);
}
