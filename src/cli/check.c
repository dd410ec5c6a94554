/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "engine/lookups.h"

/* All mistakes with their ranges; nothing else is looked at. */
static int check_json(const struct arguments *a)
{
    struct session s;
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) text = {0};
    int code = session_read(&s, a, &d);
    if (code != EXIT_OK)
        return code;
    diagnostics_print_json(&text, &d, &s.definitions);
    fwrite(text.p, 1, text.n, stdout);
    code = s.plan == NULL ? EXIT_FAILED : EXIT_OK;
    session_close(&s);
    return code;
}

static int run_check(const struct arguments *a)
{
    struct session s;
    if (has_flag(a, "json"))
        return check_json(a);
    int code = session_open(&s, a); /* says all mistakes */
    if (code != EXIT_OK)
        return code;
    AUTO_DONE(buf) text = {0};
    plan_retention(&text, s.plan);
    lookups_print_files(s.plan, &text);
    printf("%s", text.n ? buf_cstr(&text) : "");
    printf("ok: %zu source%s\n", s.plan->n_sources, s.plan->n_sources == 1 ? "" : "s");
    session_close(&s);
    return EXIT_OK;
}

static const struct option_row check_options[] = {
    {"json", 0, OPTION_FLAG, NULL,
     "The mistakes as a JSON array, for editors: file, line, column, endLine, endColumn (from 1, "
     "columns in bytes, the end one behind), severity, message, suggestion."}};

const struct command command_check = {
    .name = "check",
    .words = "[--json]",
    .options = check_options,
    .n_options = COUNT(check_options),
    .summary = "Finds all mistakes of the definitions; says which tables keep what how long.",
    .run = run_check,
};

/* As `weir run` would load them now. */
static void print_lookups(const struct session *s, struct buf *out)
{
    struct lookups *l = NULL;
    struct err e;
    if (s->plan->n_lookups == 0)
        return;
    buf_text(out, "\nlookups:\n");
    if (lookups_open(&l, s->plan, NULL, NULL, &e) == ERR_OK)
        lookups_print(l, out);
    else
        buf_printf(out, "%s\n", e.text);
    lookups_close(l);
}

static int run_explain(const struct arguments *a)
{
    struct session s;
    int code = session_open(&s, a);
    if (code != EXIT_OK)
        return code;
    AUTO_DONE(buf) text = {0};
    plan_explain(&text, s.plan);
    print_lookups(&s, &text);
    fputs(buf_cstr(&text), stdout);
    session_close(&s);
    return EXIT_OK;
}

const struct command command_explain = {
    .name = "explain",
    .words = "",
    .summary = "Shows what is decoded and computed, the cubes, tiers and tables with their SQL, "
               "memory and disk.",
    .run = run_explain,
};
