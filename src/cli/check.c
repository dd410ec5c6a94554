/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static int run_check(const struct arguments *a)
{
    struct session s;
    int code = session_open(&s, a); /* says all mistakes */
    if (code != EXIT_OK)
        return code;
    AUTO_DONE(buf) text = {0};
    plan_retention(&text, s.plan);
    printf("%s", text.n ? buf_cstr(&text) : "");
    printf("ok: %zu source%s\n", s.plan->n_sources, s.plan->n_sources == 1 ? "" : "s");
    session_close(&s);
    return EXIT_OK;
}

const struct command command_check = {
    .name = "check",
    .words = "",
    .summary = "Finds all mistakes of the definitions; says which tables keep what how long.",
    .run = run_check,
};

static int run_explain(const struct arguments *a)
{
    struct session s;
    int code = session_open(&s, a);
    if (code != EXIT_OK)
        return code;
    AUTO_DONE(buf) text = {0};
    plan_explain(&text, s.plan);
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
