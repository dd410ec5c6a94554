/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <string.h>

#include "cli/arguments.h"

/* By enum exit_code. */
const char *const exit_meanings[] = {
    [EXIT_OK] = "done",
    [EXIT_FAILED] = "failed or not well",
    [EXIT_USAGE] = "wrong command line or an open question",
    [EXIT_REFUSED] = "refused",
    [EXIT_UNAVAILABLE] = "the store does not answer",
    NULL,
};

static void put_exit_codes(FILE *out)
{
    for (int code = 0; exit_meanings[code] != NULL; code++)
        fprintf(out, "%s%d %s", code ? "; " : "", code, exit_meanings[code]);
}

void help_overview(FILE *out)
{
    fprintf(out, "weir turns event streams into exact metrics in ClickHouse.\n\nusage: weir "
                 "COMMAND [OPTION…]\n\n");
    for (size_t i = 0; commands[i] != NULL; i++)
        fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n`weir COMMAND --help` says more.\n");
}

static void put_options(FILE *out, const struct option_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char left[80];
        int at = rows[i].letter
                     ? snprintf(left, sizeof(left), "-%c, --%s", rows[i].letter, rows[i].name)
                     : snprintf(left, sizeof(left), "    --%s", rows[i].name);
        if (rows[i].argument)
            snprintf(left + at, sizeof(left) - (size_t)at, " %s", rows[i].argument);
        fprintf(out, "  %-26s %s\n", left, rows[i].help);
    }
}

void help_command(FILE *out, const struct command *c)
{
    fprintf(out, "usage: weir %s%s%s\n\n%s\n", c->name, *c->words ? " " : "", c->words, c->summary);
    if (c->details)
        fprintf(out, "\n%s\n", c->details);
    fprintf(out, "\noptions:\n");
    put_options(out, c->options, c->n_options);
    put_options(out, common_options, n_common_options);
    fprintf(out, "\nexit codes: ");
    put_exit_codes(out);
    fputc('\n', out);
}

/* ---- manual page (roff man) ---- */

static void put_roff(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void roff_options(FILE *out, const struct option_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fprintf(out, ".TP\n.B ");
        if (rows[i].letter)
            fprintf(out, "\\-%c, ", rows[i].letter);
        fprintf(out, "\\-\\-");
        put_roff(out, rows[i].name);
        if (rows[i].argument)
            fprintf(out, " %s", rows[i].argument);
        fputc('\n', out);
        put_roff(out, rows[i].help);
        fputc('\n', out);
    }
}

static void manual(FILE *out)
{
    fprintf(out, ".TH WEIR 1 \"\" \"weir " WEIR_VERSION
                 "\"\n.SH NAME\nweir \\- event streams to exact metrics in ClickHouse\n"
                 ".SH SYNOPSIS\n.B weir\n.I command\n[option ...]\n.SH COMMANDS\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(out, ".SS weir %s ", commands[i]->name);
        put_roff(out, commands[i]->words);
        fputc('\n', out);
        put_roff(out, commands[i]->summary);
        fputc('\n', out);
        if (commands[i]->details) {
            fprintf(out, ".PP\n");
            put_roff(out, commands[i]->details);
            fputc('\n', out);
        }
        roff_options(out, commands[i]->options, commands[i]->n_options);
    }
    fprintf(out, ".SH COMMON OPTIONS\n");
    roff_options(out, common_options, n_common_options);
    fprintf(out, ".SH SETTINGS\n");
    for (size_t i = 0; i < setting_row_count(); i++) {
        fprintf(out, ".TP\n.B %s\n", setting_rows[i].name);
        put_roff(out, setting_rows[i].help);
        fprintf(out, " Default: %s.\n",
                *setting_rows[i].fallback ? setting_rows[i].fallback : "none");
    }
    fprintf(out, ".SH EXIT STATUS\n");
    put_exit_codes(out);
    fprintf(out, ".\n");
}

/* ---- completion (bash) ---- */

static void completion(FILE *out)
{
    fprintf(out, "# bash completion for weir\n_weir() {\n  local cur=${COMP_WORDS[COMP_CWORD]}\n  "
                 "if [ $COMP_CWORD -eq 1 ]; then\n    COMPREPLY=($(compgen -W '");
    for (size_t i = 0; commands[i] != NULL; i++)
        fprintf(out, "%s%s", i ? " " : "", commands[i]->name);
    fprintf(out, "' -- \"$cur\"))\n    return\n  fi\n  case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(out, "    %s) COMPREPLY=($(compgen -f -W '", commands[i]->name);
        for (size_t k = 0; k < n_common_options; k++)
            fprintf(out, "--%s ", common_options[k].name);
        for (size_t k = 0; k < commands[i]->n_options; k++)
            fprintf(out, "--%s ", commands[i]->options[k].name);
        fprintf(out, "' -- \"$cur\"));;\n");
    }
    fprintf(out, "  esac\n}\ncomplete -o filenames -F _weir weir\n");
}

static int run_help(const struct arguments *a)
{
    if (has_flag(a, "manual")) {
        manual(stdout);
        return EXIT_OK;
    }
    if (has_flag(a, "completion")) {
        completion(stdout);
        return EXIT_OK;
    }
    const char *page = argument(a, "reference");
    if (page != NULL) {
        if (help_reference(stdout, page))
            return EXIT_OK;
        complain(
            "no reference page '%s'; there are settings, functions, types, formats and commands",
            page);
        return EXIT_USAGE;
    }
    if (a->n_words == 0) {
        help_overview(stdout);
        return EXIT_OK;
    }
    const struct command *c = find_command(a->words[0]);
    if (c == NULL)
        return unknown_command(a->words[0]);
    help_command(stdout, c);
    return EXIT_OK;
}

static const struct option_row help_options[] = {
    {"manual", 0, OPTION_FLAG, NULL, "Prints the manual page (weir help --manual | man -l -)."},
    {"completion", 0, OPTION_FLAG, NULL,
     "Prints bash completion (source <(weir help --completion))."},
    {"reference", 0, OPTION_TEXT, "PAGE",
     "Prints settings, functions or commands as a page of Markdown."},
};

const struct command command_help = {
    .name = "help",
    .words = "[COMMAND]",
    .summary = "Lists the commands, or says what one does.",
    .options = help_options,
    .n_options = COUNT(help_options),
    .run = run_help,
};
