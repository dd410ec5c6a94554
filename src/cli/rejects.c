/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at and mending what went wrong: rejects, ack, resume, drop. */
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/generations.h"
#include "engine/retry.h"
#include "engine/run.h"

static bool to_stdout(void *context, const char *data, size_t n)
{
    (void)context;
    return fwrite(data, 1, n, stdout) == n;
}

/* Session with a store that answers; 0 or the exit code. */
static int open_with_store(struct session *s, const struct arguments *a)
{
    int code = session_open_store(s, a);
    if (code != EXIT_OK)
        return code;
    struct err e;
    if (store_ensure(s->store, false, &e) == ERR_OK)
        return EXIT_OK;
    complain("%s", e.text);
    session_close(s);
    return exit_code_of(&e);
}

static int fail(struct session *s, const struct err *e)
{
    complain("%s", e->text);
    session_close(s);
    return exit_code_of(e);
}

static int retry(struct session *s)
{
    struct err e;
    struct generation newest;
    if (generation_newest(&newest, s->store, s->plan->settings.database, &e) != ERR_OK)
        return fail(s, &e);
    uint32_t number = newest.number;
    generation_done(&newest);
    /* The definitions of now must be those of the newest generation, as for `weir run`. */
    AUTO_DONE(buf) said = {0};
    struct adoption how = {0};
    if (generation_adopt(&number, s->store, s->plan, &how, &said, &e) != ERR_OK) {
        fprintf(stderr, "%s", buf_cstr(&said));
        return fail(s, &e);
    }
    /* the definitions may have something new */
    if (run_make_tables(s->store, s->plan, &e) != ERR_OK)
        return fail(s, &e);
    for (size_t i = 0; i < s->plan->n_sources; i++) {
        struct retry_counts counts;
        if (retry_rejects(&counts, s->plan, &s->plan->sources[i], &s->place, number, &e) != ERR_OK)
            return fail(s, &e);
        printf("%.*s: %" PRIu64 " retried, %" PRIu64 " kept, %" PRIu64 " filtered, %" PRIu64
               " rejected again",
               STR_FMT(s->plan->sources[i].name), counts.records, counts.kept, counts.filtered,
               counts.rejected);
        if (counts.duplicate > 0)
            printf(", %" PRIu64 " duplicate", counts.duplicate);
        putchar('\n');
    }
    session_close(s);
    return EXIT_OK;
}

static int run_rejects(const struct arguments *a)
{
    struct session s;
    int code = has_flag(a, "retry") ? session_open(&s, a) : open_with_store(&s, a);
    if (code != EXIT_OK)
        return code;
    struct err e;
    if (has_flag(a, "retry")) {
        if (store_ensure(s.store, false, &e) != ERR_OK)
            return fail(&s, &e);
        return retry(&s);
    }
    const char *limit = argument(a, "limit");
    const char *db = s.plan->settings.database;
    /* Rejects up to the retried position are done with. */
    AUTO_MEM char *sql = xasprintf(
        "SELECT r.source AS source, r.n AS epoch, r.partition AS partition, r.`offset` AS "
        "`offset`, r.reason AS reason, r.record AS record FROM %s.weir_rejects AS r "
        "LEFT JOIN (SELECT source, toUInt64(max(toUInt64OrZero(splitByChar('\\t', line)[3]))) AS "
        "done FROM (SELECT source, arrayJoin(splitByChar('\\n', ranges)) AS line "
        "FROM %s.weir_epochs WHERE kind = 'retry') GROUP BY source) AS d ON r.source = d.source "
        "WHERE r.n > d.done ORDER BY source, epoch, partition, `offset` LIMIT %lu",
        db, db, limit ? strtoul(limit, NULL, 10) : 100ul);
    const char *format = argument(a, "format");
    const struct store_setting settings[] = {{"readonly", "2"}};
    struct store_call call = {.sql = sql,
                              .format = format                  ? format
                                        : isatty(STDOUT_FILENO) ? "Vertical"
                                                                : "TSVWithNames",
                              .write = to_stdout,
                              .settings = settings,
                              .n_settings = 1};
    if (store_call(s.store, &call, &e) != ERR_OK)
        return fail(&s, &e);
    fflush(stdout);
    session_close(&s);
    return EXIT_OK;
}

static const struct option_row rejects_options[] = {
    {"retry", 0, OPTION_FLAG, NULL,
     "Runs all rejects again with the definitions of now, exactly once."},
    {"limit", 0, OPTION_TEXT, "N", "How many are shown (100)."},
    {"format", 0, OPTION_TEXT, "FORMAT", "ClickHouse's output format."},
};

const struct command command_rejects = {
    .name = "rejects",
    .words = "[--retry]",
    .summary = "Shows rejected records with reason and bytes, or runs them again.",
    .options = rejects_options,
    .n_options = COUNT(rejects_options),
    .run = run_rejects,
};

/* ---- ack, resume ---- */

static enum err_code acknowledge(struct session *s, const char *id, const char *note, struct err *e)
{
    const struct passwd *who = getpwuid(getuid());
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql, "INSERT INTO %s.weir_acks SELECT id, ", s->plan->settings.database);
    print_string_literal(&sql, str_of(note));
    buf_text(&sql, ", ");
    print_string_literal(&sql, str_of(who ? who->pw_name : "?"));
    buf_printf(&sql, ", now() FROM %s.weir_alarms WHERE id = ", s->plan->settings.database);
    print_string_literal(&sql, str_of(id));
    buf_text(&sql, " LIMIT 1");
    return store_exec(s->store, buf_cstr(&sql), e);
}

static enum err_code count_rows(struct session *s, const char *sql, uint64_t *n, struct err *e)
{
    AUTO_DONE(buf) answer = {0};
    TRY(store_text(s->store, sql, &answer, e));
    *n = strtoull(buf_cstr(&answer), NULL, 10);
    return ERR_OK;
}

static int run_ack(const struct arguments *a)
{
    const char *note = argument(a, "note");
    if (a->n_words != 1 || note == NULL || *note == '\0') {
        complain("ack wants the alarm's ID (see `weir status`) and --note TEXT");
        return EXIT_USAGE;
    }
    struct session s;
    int code = open_with_store(&s, a);
    if (code != EXIT_OK)
        return code;
    struct err e;
    uint64_t n = 0;
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql, "SELECT count() FROM %s.weir_alarms WHERE kind != 'paused' AND id = ",
               s.plan->settings.database);
    print_string_literal(&sql, str_of(a->words[0]));
    if (count_rows(&s, buf_cstr(&sql), &n, &e) != ERR_OK)
        return fail(&s, &e);
    if (n == 0) {
        complain("there is no alarm '%s' to acknowledge (a paused source goes on by `weir resume`)",
                 a->words[0]);
        session_close(&s);
        return EXIT_FAILED;
    }
    if (acknowledge(&s, a->words[0], note, &e) != ERR_OK)
        return fail(&s, &e);
    printf("acknowledged %s\n", a->words[0]);
    session_close(&s);
    return EXIT_OK;
}

static const struct option_row ack_options[] = {
    {"note", 0, OPTION_TEXT, "TEXT", "Why it is well now; kept with who and when."}};

const struct command command_ack = {
    .name = "ack",
    .words = "ID --note TEXT",
    .summary = "Ends an alarm about something that cannot be undone (lost, changed).",
    .options = ack_options,
    .n_options = COUNT(ack_options),
    .run = run_ack,
};

static int run_resume(const struct arguments *a)
{
    if (a->n_words != 1) {
        complain("resume wants the name of a source");
        return EXIT_USAGE;
    }
    struct session s;
    int code = open_with_store(&s, a);
    if (code != EXIT_OK)
        return code;
    struct err e;
    const char *db = s.plan->settings.database;
    AUTO_DONE(buf) sql = {0};
    AUTO_DONE(buf) answer = {0};
    buf_printf(&sql,
               "SELECT id FROM %s.weir_alarms WHERE kind IN ('paused', 'rejects_full') AND id NOT "
               "IN (SELECT id FROM %s.weir_acks) AND source = ",
               db, db);
    print_string_literal(&sql, str_of(a->words[0]));
    if (store_text(s.store, buf_cstr(&sql), &answer, &e) != ERR_OK)
        return fail(&s, &e);
    size_t n = 0;
    char *save = NULL;
    for (char *id = strtok_r((char *)buf_cstr(&answer), "\n", &save); id != NULL;
         id = strtok_r(NULL, "\n", &save), n++)
        if (acknowledge(&s, id, "resumed", &e) != ERR_OK)
            return fail(&s, &e);
    if (n == 0)
        complain("source '%s' is not paused", a->words[0]);
    else
        printf("%s goes on\n", a->words[0]);
    session_close(&s);
    return n ? EXIT_OK : EXIT_FAILED;
}

const struct command command_resume = {
    .name = "resume",
    .words = "SOURCE",
    .summary = "Lets a paused source go on.",
    .run = run_resume,
};
