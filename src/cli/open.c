/* SPDX-License-Identifier: Apache-2.0
 *
 * `weir open FILE…`: from unknown files to the answer. `weir init FILE…`: the definitions only.
 *
 * A file of definitions that is there already is used, never written over. What this run wrote
 * itself it may write again: when rejects show that a wider type would have taken them, the types
 * are widened and all is loaded anew. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/answer.h"
#include "cli/chart.h"
#include "cli/infer/infer.h"
#include "cli/progress.h"

enum { MAX_WIDENINGS = 3, WIDEN_REJECTS = 20000 };

struct opening {
    const struct arguments *a;
    char *folder, *name, *path; /* of the definitions */
    struct inference **sources;
    size_t n_sources;
    enum date_order order;
    bool is_written; /* by this run */
};

static void opening_done(struct opening *o)
{
    for (size_t i = 0; i < o->n_sources; i++)
        inference_free(o->sources[i]);
    free(o->sources);
    free(o->folder);
    free(o->name);
    free(o->path);
}

/* ---- which files are one source ---- */

static bool has_path(const struct inference *inf, const char *path)
{
    for (size_t i = 0; i < inf->n_columns; i++)
        if (strcmp(inf->columns[i]->path, path) == 0)
            return true;
    return false;
}

/* JSON records leave keys out: nine of ten in common will do. */
static bool has_same_paths(const struct inference *a, const struct inference *b)
{
    size_t n_common = 0;
    for (size_t i = 0; i < a->n_columns; i++)
        n_common += has_path(b, a->columns[i]->path);
    return n_common > 0 && n_common * 10 >= (a->n_columns + b->n_columns - n_common) * 9;
}

static size_t main_kind(const struct column_stats *s)
{
    size_t best = VALUE_KINDS;
    for (size_t i = 0; i < VALUE_KINDS; i++)
        if (s->n_kind[i] > 0 && (best == VALUE_KINDS || s->n_kind[i] > s->n_kind[best]))
            best = i;
    return best == VALUE_FLOAT ? VALUE_INT : best;
}

static bool has_same_kinds(const struct inference *a, const struct inference *b)
{
    for (size_t i = 0; i < a->n_columns; i++) {
        size_t x = main_kind(&a->columns[i]->stats), y = main_kind(&b->columns[i]->stats);
        if (x != y && x != VALUE_KINDS && y != VALUE_KINDS)
            return false;
    }
    return true;
}

static bool is_same_source(const struct inference *a, const struct inference *b)
{
    bool has_own_names = a->layout.is_json || a->layout.format == FORMAT_LOGFMT;
    if (has_own_names)
        return a->layout.format == b->layout.format && has_same_paths(a, b);
    return layout_eq(&a->layout, &b->layout) && a->n_columns == b->n_columns &&
           (a->layout.has_header || a->layout.is_decoded || has_same_kinds(a, b));
}

static int observe_file(struct opening *o, const char *path, int64_t now_s)
{
    struct err e;
    AUTO_DONE(sample) s = {0};
    AUTO(inference) own = inference_new();
    if (sample_read(&s, path, &e) != ERR_OK || inference_observe(own, &s, now_s, &e) != ERR_OK) {
        complain("%s", e.text);
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < o->n_sources; i++) {
        if (!is_same_source(o->sources[i], own))
            continue;
        if (inference_observe(o->sources[i], &s, now_s, &e) == ERR_OK)
            return EXIT_OK;
        complain("%s", e.text);
        return EXIT_FAILED;
    }
    o->sources = xrealloc(o->sources, (o->n_sources + 1) * sizeof(*o->sources));
    o->sources[o->n_sources++] = MOVE(own);
    return EXIT_OK;
}

/* ---- day or month first ---- */

static void put_choice(const struct opening *o, struct inference *inf, size_t column,
                       enum date_order order)
{
    struct infer_column *c = inf->columns[column];
    AUTO_DONE(buf) line = {0};
    c->order = order;
    inference_decide(inf);
    write_column(&line, c);
    fprintf(stderr, "  %s first: %s\n", order == ORDER_DAY_FIRST ? "day  " : "month",
            buf_cstr(&line));
    c->order = o->order;
    inference_decide(inf);
}

static int ask_order(struct opening *o, struct inference *inf, size_t column)
{
    struct infer_column *c = inf->columns[column];
    fflush(stdout);
    fprintf(stderr,
            "%s: column '%s' has dates such as '%s': is the day or the month first? No value in "
            "the file tells.\n",
            inf->files[0], c->path ? c->path : c->name, c->stats.example[VALUE_DAY_MONTH]);
    put_choice(o, inf, column, ORDER_DAY_FIRST);
    put_choice(o, inf, column, ORDER_MONTH_FIRST);
    if (has_flag(o->a, "yes")) {
        fprintf(stderr, "Taken as day first (--yes).\n");
        c->order = ORDER_DAY_FIRST;
        return EXIT_OK;
    }
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "Choose by --dates day or --dates month.\n");
        return EXIT_USAGE;
    }
    char answer[64] = "";
    while (*answer != 'd' && *answer != 'm') {
        fprintf(stderr, "day or month? ");
        if (fgets(answer, sizeof(answer), stdin) == NULL)
            return EXIT_USAGE;
    }
    c->order = *answer == 'd' ? ORDER_DAY_FIRST : ORDER_MONTH_FIRST;
    return EXIT_OK;
}

static bool has_day_month(const struct infer_column *c)
{
    return c->stats.n_kind[VALUE_DAY_MONTH] > 0 &&
           c->stats.n_kind[VALUE_DAY_MONTH] * 2 > c->stats.n_values;
}

static int decide_dates(struct opening *o, struct inference *inf)
{
    struct err e;
    for (size_t i = 0; i < inf->n_columns; i++) {
        inf->columns[i]->order = ORDER_UNKNOWN;
        if (has_day_month(inf->columns[i]) && inference_scan_dates(inf, i, &e) != ERR_OK) {
            complain("%s", e.text);
            return EXIT_FAILED;
        }
    }
    inference_decide(inf);
    for (;;) {
        int column;
        if (inference_date_question(inf, &column, &e) != ERR_OK) {
            complain("%s", e.text);
            return EXIT_FAILED;
        }
        if (column < 0)
            return EXIT_OK;
        if (o->order != ORDER_UNKNOWN) {
            inf->columns[column]->order = o->order;
        } else {
            int code = ask_order(o, inf, (size_t)column);
            if (code != EXIT_OK)
                return code;
        }
        inference_decide(inf);
    }
}

/* ---- the file of definitions ---- */

static void unique_names(struct opening *o)
{
    for (size_t i = 1; i < o->n_sources; i++) {
        struct inference *inf = o->sources[i];
        const char *wish = inf->name;
        for (int n = 2;; n++) {
            bool is_taken = false;
            for (size_t k = 0; k < i; k++)
                is_taken = is_taken || strcmp(o->sources[k]->name, inf->name) == 0;
            if (!is_taken)
                break;
            inf->name = arena_printf(&inf->arena, "%s_%d", wish, n);
        }
    }
}

static int write_file(struct opening *o, bool is_again)
{
    AUTO_DONE(buf) text = {0};
    unique_names(o);
    write_definitions(&text, o->sources, o->n_sources, o->folder, o->name);
    int fd = open(o->path, O_WRONLY | O_CREAT | O_CLOEXEC | (is_again ? O_TRUNC : O_EXCL), 0644);
    if (fd < 0) {
        complain("%s: %s", o->path, strerror(errno));
        return EXIT_FAILED;
    }
    bool is_whole = write(fd, text.p, text.n) == (ssize_t)text.n;
    if (close(fd) != 0 || !is_whole) {
        complain("%s: %s", o->path, strerror(errno));
        unlink(o->path);
        return EXIT_FAILED;
    }
    o->is_written = true;
    return EXIT_OK;
}

static void print_decisions(const struct opening *o)
{
    for (size_t i = 0; i < o->n_sources; i++) {
        AUTO_DONE(buf) text = {0};
        write_decisions(&text, o->sources[i]);
        fputs(buf_cstr(&text), stdout);
    }
}

static bool is_empty_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

static int infer_files(struct opening *o)
{
    int64_t now_s = clock_wall_s();
    int n_empty = 0;
    for (int i = 0; i < o->a->n_words; i++)
        n_empty += is_empty_file(o->a->words[i]);
    for (int i = 0; i < o->a->n_words; i++) {
        if (n_empty < o->a->n_words && is_empty_file(o->a->words[i])) {
            printf("%s is empty: passed over\n", o->a->words[i]);
            continue;
        }
        int code = observe_file(o, o->a->words[i], now_s);
        if (code != EXIT_OK)
            return code;
    }
    for (size_t i = 0; i < o->n_sources; i++) {
        int code = decide_dates(o, o->sources[i]);
        if (code != EXIT_OK)
            return code;
    }
    for (size_t i = 0; i < o->n_sources; i++) {
        size_t n_read = 0;
        for (size_t k = 0; k < o->sources[i]->n_columns; k++)
            n_read += !o->sources[i]->columns[k]->is_skipped;
        if (n_read == 0) {
            complain("%s: no column of it can be read", o->sources[i]->files[0]);
            return EXIT_FAILED;
        }
    }
    unique_names(o);
    lookups_find(o->sources, o->n_sources);
    int code = write_file(o, false);
    if (code == EXIT_OK) {
        print_decisions(o);
        printf("written: %s\n", o->path);
        fflush(stdout);
    }
    return code;
}

static int start_opening(struct opening *o, const struct arguments *a)
{
    *o = (struct opening){.a = a};
    if (a->n_words == 0) {
        complain("%s wants the names of files", a->command->name);
        return EXIT_USAGE;
    }
    const char *dates = argument(a, "dates");
    if (dates && strcmp(dates, "day") == 0) {
        o->order = ORDER_DAY_FIRST;
    } else if (dates && strcmp(dates, "month") == 0) {
        o->order = ORDER_MONTH_FIRST;
    } else if (dates) {
        complain("--dates wants day or month, not '%s'", dates);
        return EXIT_USAGE;
    }
    AUTO_MEM char *copy = xstrdup(a->words[0]);
    o->folder = xstrdup(dirname(copy));
    o->name = source_name_of(a->words[0]);
    o->path = strcmp(o->folder, ".") == 0 ? xasprintf("%s.sql", o->name)
                                          : xasprintf("%s/%s.sql", o->folder, o->name);
    return EXIT_OK;
}

/* ---- widening ---- */

static char *types_of(const struct inference *inf)
{
    AUTO_DONE(buf) text = {0};
    for (size_t i = 0; i < inf->n_columns; i++) {
        if (inf->columns[i]->is_skipped)
            continue;
        write_column(&text, inf->columns[i]);
        buf_byte(&text, '\n');
    }
    return buf_take(&text);
}

/* Shows the rejects of a source to its inference; true if that changes its columns. */
static bool learn_from_rejects(struct session *s, struct inference *inf)
{
    struct err e;
    struct native_result r = {0};
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql, "SELECT record, header FROM %s.weir_rejects WHERE source = ",
               s->plan->settings.database);
    print_string_literal(&sql, str_of(inf->name));
    buf_printf(&sql, " LIMIT %d", WIDEN_REJECTS);
    if (store_native(s->store, buf_cstr(&sql), &r, &e) != ERR_OK) {
        complain("%s", e.text);
        return false;
    }
    AUTO_MEM char *before = types_of(inf);
    int64_t now_s = clock_wall_s();
    for (size_t i = 0; i < r.n_rows; i++)
        inference_observe_record(inf, ((struct str *)r.columns[0].column.values)[i],
                                 ((struct str *)r.columns[1].column.values)[i], now_s);
    native_result_done(&r);
    inference_decide(inf);
    AUTO_MEM char *after = types_of(inf);
    return strcmp(before, after) != 0;
}

static void say_widened(const struct inference *inf, const char *before)
{
    AUTO_MEM char *after = types_of(inf);
    const char *p = before, *q = after;
    while (*p && *q) {
        size_t n = strcspn(p, "\n"), m = strcspn(q, "\n");
        if (n != m || memcmp(p, q, n) != 0)
            printf("rejects show more: %.*s instead of %.*s\n", (int)m, q, (int)n, p);
        p += n + (p[n] != '\0');
        q += m + (q[m] != '\0');
    }
}

/* True if definitions were widened and the store is empty again. */
static bool widen(struct opening *o, struct session *s, const struct run_totals *totals)
{
    bool is_changed = false;
    struct err e;
    if (store_ensure(s->store, false, &e) != ERR_OK)
        return false;
    for (size_t i = 0; i < o->n_sources; i++) {
        struct inference *inf = o->sources[i];
        if (inf->is_lookup)
            continue;
        AUTO_MEM char *before = types_of(inf);
        inf->is_paused = totals->n_paused > 0;
        if (learn_from_rejects(s, inf)) {
            say_widened(inf, before);
            is_changed = true;
        }
    }
    if (!is_changed)
        return false;
    AUTO_MEM char *drop = xasprintf("DROP DATABASE IF EXISTS %s SYNC", s->plan->settings.database);
    if (store_exec(s->store, drop, &e) != ERR_OK) {
        complain("%s", e.text);
        return false;
    }
    return write_file(o, true) == EXIT_OK;
}

/* ---- loading ---- */

static bool is_among(char *const *globs, const char *base)
{
    for (size_t k = 0; globs[k] != NULL; k++)
        if (strpbrk(globs[k], "*?[{") || str_ends(str_of(globs[k]), base))
            return true;
    return false;
}

static bool reads_file(const struct session *s, const char *path)
{
    char real[PATH_MAX];
    if (realpath(path, real) == NULL)
        return false;
    const char *base = strrchr(real, '/') + 1;
    for (size_t i = 0; i < s->plan->n_sources; i++)
        if (is_among(s->plan->sources[i].globs, base))
            return true;
    for (size_t i = 0; i < s->plan->n_lookups; i++)
        if (s->plan->lookups[i].globs && is_among(s->plan->lookups[i].globs, base))
            return true;
    return false;
}

static int load(struct opening *o, struct arguments *own)
{
    for (int round = 0;; round++) {
        struct session s;
        struct run_totals totals = {0};
        int code = session_open(&s, own);
        if (code != EXIT_OK)
            return code;
        for (int i = 0; i < o->a->n_words && !o->is_written; i++)
            if (!reads_file(&s, o->a->words[i]))
                complain("no source or lookup of %s reads %s", o->path, o->a->words[i]);
        bool is_fresh = s.place.folder == NULL || access(s.place.folder, F_OK) != 0;
        code = run_to_end(&s, true, false, !isatty(STDERR_FILENO), &totals);
        bool is_loaded = code == EXIT_OK || totals.n_paused > 0 || totals.n_bad_files > 0;
        bool may_widen = o->is_written && (is_fresh || round > 0) && s.place.folder != NULL &&
                         round < MAX_WIDENINGS;
        if (is_loaded && totals.rejected > 0 && may_widen && widen(o, &s, &totals)) {
            session_close(&s);
            continue;
        }
        if (is_loaded) {
            putchar('\n');
            int shown = answer_show(&s, o->path);
            code = code == EXIT_OK ? shown : code;
        }
        session_close(&s);
        return code;
    }
}

static int run_open(const struct arguments *a)
{
    struct opening o;
    int code = start_opening(&o, a);
    if (code == EXIT_OK && a->n_list[0] > 0) {
        complain("open finds its definitions by the file's name; `weir run -f` runs others");
        code = EXIT_USAGE;
    }
    if (code == EXIT_OK) {
        if (access(o.path, F_OK) == 0)
            printf("%s is there: used as it is (without it the files are looked at anew)\n",
                   o.path);
        else
            code = infer_files(&o);
    }
    if (code == EXIT_OK) {
        struct arguments *own = xmalloc(sizeof(*own));
        *own = *a;
        own->list[0][0] = own->values[0] = o.path;
        own->n_list[0] = 1;
        code = load(&o, own);
        free(own);
    }
    opening_done(&o);
    return code;
}

static int run_init(const struct arguments *a)
{
    struct opening o;
    int code = start_opening(&o, a);
    if (code == EXIT_OK && access(o.path, F_OK) == 0) {
        complain("%s is there already and is not written over; remove it, or edit it", o.path);
        code = EXIT_FAILED;
    }
    if (code == EXIT_OK)
        code = infer_files(&o);
    opening_done(&o);
    return code;
}

static const struct option_row open_options[] = {
    {"once", 0, OPTION_FLAG, NULL,
     "Ends when the files are loaded (as it does anyway until there is a page to serve)."},
    {"dates", 0, OPTION_TEXT, "day|month",
     "Which comes first in dates such as 04/05/2023 when no value in the file tells."},
    {"yes", 0, OPTION_FLAG, NULL,
     "Asks nothing, for scripts: what no value tells is taken as proposed (dates: day first)."},
};

const struct command command_open = {
    .name = "open",
    .words = "[--once] FILE…",
    .summary = "Finds out what is in unknown files, loads them and shows the answer.",
    .details =
        "Recognises from their bytes: CSV, TSV and other delimiters with and without header; "
        "JSON as lines, as one array, over several lines, as arrays; access logs, syslog, "
        "logfmt, Zeek, programs' logs; other text as whole lines; all of it also .gz, .zst, "
        ".bz2 and .lz4 (docs/open.md). What it finds out it says with "
        "the reason, and writes it as definitions to NAME.sql beside "
        "the first file; the store is NAME.weir. A NAME.sql that is there already is used "
        "and never written over. Files with equal columns are one "
        "source.",
    .options = open_options,
    .n_options = COUNT(open_options),
    .run = run_open,
};

static const struct option_row init_options[] = {
    {"dates", 0, OPTION_TEXT, "day|month",
     "Which comes first in dates such as 04/05/2023 when no value in the file tells."},
    {"yes", 0, OPTION_FLAG, NULL,
     "Asks nothing, for scripts: what no value tells is taken as proposed (dates: day first)."},
};

const struct command command_init = {
    .name = "init",
    .words = "FILE…",
    .summary = "Writes definitions for unknown files, and nothing else.",
    .details = "The definitions go to NAME.sql beside the first file; one that is there is not "
               "written over.",
    .options = init_options,
    .n_options = COUNT(init_options),
    .run = run_init,
};
