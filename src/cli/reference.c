/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference pages of docs/ as Markdown, from the tables that the program works by. */
#include <string.h>

#include "aggregate/aggregate.h"
#include "cli/help.h"
#include "codec/decoder.h"
#include "expr/reference.h"

/* Text of a table cell: a bar would end it, an angle bracket would begin a tag. */
static void put_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|' || *text == '<')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static const char *const kind_names[] = {
    [SETTING_TEXT] = "text",
    [SETTING_INTEGER] = "integer",
    [SETTING_DURATION_MS] = "duration",
    [SETTING_DURATION_S] = "duration",
    [SETTING_BYTES] = "bytes",
    [SETTING_RATIO] = "ratio",
};

static void settings_page(FILE *out)
{
    fprintf(out,
            "# Settings\n\n"
            "Written by `weir help --reference settings` from the table in src/plan/settings.c.\n\n"
            "A setting is given, from the weakest to the strongest: its built-in default; `SET "
            "name = value;` in the\n"
            "definitions; the environment variable `WEIR_NAME` (`WEIR_EPOCH_MAX=10s`); the flag "
            "`--set name=value`\n"
            "(`-s`), and `--store PLACE` for `store`.\n\n"
            "| setting | kind | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < setting_row_count(); i++) {
        const struct setting_row *row = &setting_rows[i];
        const char *fallback = *row->fallback ? row->fallback : "''";
        fprintf(out, "| `%s` | %s | `%s` | ", row->name, kind_names[row->type], fallback);
        put_cell(out, row->help);
        fprintf(out, " |\n");
    }
    fprintf(
        out,
        "\n"
        "- **duration**: a number with `ms`, `s`, `m` (`min`), `h`, `d`, or the words: `'90s'`, "
        "`'1.5 h'`, `'2 days'`.\n"
        "  Without a unit: seconds; milliseconds for `epoch_min` and `epoch_max`.\n"
        "- **bytes**: a number with `k`, `m`, `g`, `t` or `KiB`, `MiB`, `GiB`, `TiB` (1,024 each), "
        "`KB`, `MB`, `GB` (1,000 each).\n"
        "- **ratio**: `0.01` or `1%%`.\n\n"
        "In `SET`, values with a unit stand in quotes: `SET epoch_max = '10s', threads = 2;`.\n");
}

static void option_table(FILE *out, const struct option_row *rows, size_t n)
{
    fprintf(out, "| option | does |\n|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "| `");
        if (rows[i].letter)
            fprintf(out, "-%c`, `", rows[i].letter);
        fprintf(out, "--%s", rows[i].name);
        if (rows[i].argument) {
            fputc(' ', out);
            put_cell(out, rows[i].argument);
        }
        fprintf(out, "` | ");
        put_cell(out, rows[i].help);
        fprintf(out, " |\n");
    }
    fputc('\n', out);
}

static void commands_page(FILE *out)
{
    fprintf(out, "# Commands\n\nWritten by `weir help --reference commands` from the option tables "
                 "in src/cli.\n\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        const struct command *c = commands[i];
        fprintf(out, "## weir %s%s%s%s\n\n%s\n\n", c->name, *c->words ? " `" : "", c->words,
                *c->words ? "`" : "", c->summary);
        if (c->details)
            fprintf(out, "%s\n\n", c->details);
        if (c->n_options)
            option_table(out, c->options, c->n_options);
    }
    fprintf(out, "## Options of all commands\n\n");
    option_table(out, common_options, n_common_options);
    fprintf(out, "## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (int code = 0; exit_meanings[code] != NULL; code++)
        fprintf(out, "| %d | %s |\n", code, exit_meanings[code]);
    fprintf(out, "\n`weir status` answers 0, 1 or 2 for well, warning, critical.\n");
}

static void row(FILE *out, const char *usage, const char *help)
{
    fprintf(out, "| `");
    put_cell(out, usage);
    fprintf(out, "` | ");
    put_cell(out, help);
    fprintf(out, " |\n");
}

static void example(FILE *out, const struct example *e)
{
    AUTO_DONE(buf) text = {0};

    example_cell(&text, e);
    fputs(buf_cstr(&text), out);
}

static void aggregate_line(FILE *out, struct aggregate_row a)
{
    fprintf(out, "| `");
    put_cell(out, a.usage);
    fprintf(out, "` | ");
    put_cell(out, a.help);
    fprintf(out, " | ");
    example(out, aggregate_example(a.name));
    fprintf(out, " |\n");
}

static void aggregates(FILE *out)
{
    fprintf(out,
            "\n## Aggregates\n\n"
            "In metrics. NULLs are passed over. States are ClickHouse's, byte for byte; a view\n"
            "merges them and answers with ClickHouse's type. The examples are over these six\n"
            "requests (%s):\n\n```json\n%s```\n\n"
            "| aggregate | does | example |\n|---|---|---|\n",
            aggregate_example_columns, aggregate_example_rows);
    for (size_t i = 0; i < aggregate_n_rows(); i++)
        aggregate_line(out, aggregate_row(i));
    fprintf(out, "\n### Combinators\n\nAt the end of any of them, also several: `sumArgMaxIf(x, "
                 "key, condition)`.\n\n"
                 "| ending | usage | does | example |\n|---|---|---|---|\n");
    for (size_t i = 0; i < aggregate_n_combinators(); i++) {
        struct aggregate_row c = aggregate_combinator_row(i);
        fprintf(out, "| `%s` | `%s` | %s | ", c.name, c.usage, c.help);
        example(out, aggregate_example(c.name));
        fprintf(out, " |\n");
    }
    fprintf(out, "\n### Other names\n\n| name | is |\n|---|---|\n");
    for (size_t i = 0; i < aggregate_n_aliases(); i++)
        fprintf(out, "| `%s` | `%s` |\n", aggregate_alias_row(i).name, aggregate_alias_row(i).help);
    fprintf(out, "\n### Refused\n\nWhat cannot be merged without changing the answer, or has no "
                 "place in a metric.\n\n"
                 "| name | why, and what to write |\n|---|---|\n");
    for (size_t i = 0; i < aggregate_n_refusals(); i++)
        row(out, aggregate_refusal_row(i).name, aggregate_refusal_row(i).help);
}

static const char *event_time(const char *columns)
{
    static const char *const names[] = {"time ", "timestamp ", "ts "};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        for (const char *at = strstr(columns, names[i]); at; at = strstr(at + 1, names[i]))
            if (at == columns || at[-1] == ' ')
                return names[i];
    return "time ";
}

static void one_format(FILE *out, enum format f, const struct format_row *r)
{
    fprintf(out, "\n## %s\n\n%s", format_name(f), r->what);
    for (size_t i = 0, n = 0; format_names[i] != NULL; i++)
        if (strcmp(format_names[i], format_name(f)) != 0 &&
            format_find(str_of(format_names[i])) == f)
            fprintf(out, "%s`%s`", n++ ? ", " : " Also written: ", format_names[i]);
    fprintf(out,
            "\n\n```sql\nCREATE SOURCE s (%s)\nFROM FILES 'file' FORMAT %s%s EVENT TIME %sKEEP "
            "FOREVER;\n```\n\nA file, and its rows:\n\n```text\n%s```\n\n```text\n%s```\n",
            r->columns, r->name, r->settings, event_time(r->columns), r->file, r->rows);
}

static void formats_page(FILE *out)
{
    fprintf(
        out,
        "# Formats\n\nWritten by `weir help --reference formats` from the table of formats; the "
        "tests run each example, in\nClickHouse too where it has the format. What is read and "
        "what is rejected, value by value: [CSV, TSV](formats/csv.md),\n[JSON](formats/json.md), "
        "[lines](formats/lines.md), [Zeek](formats/zeek.md), [times](formats/times.md). Files may "
        "be packed (gz, zst, bz2, lz4).\n");
    for (enum format f = FORMAT_NONE + 1; strcmp(format_name(f), "none") != 0; f++)
        if (format_row(f) != NULL)
            one_format(out, f, format_row(f));
}

bool help_reference(FILE *out, const char *page)
{
    if (strcmp(page, "settings") == 0) {
        settings_page(out);
    } else if (strcmp(page, "commands") == 0) {
        commands_page(out);
    } else if (strcmp(page, "functions") == 0) {
        AUTO_DONE(buf) text = {0};
        function_reference(&text);
        fputs(buf_cstr(&text), out);
        aggregates(out);
    } else if (strcmp(page, "types") == 0) {
        AUTO_DONE(buf) text = {0};
        type_reference(&text);
        fputs(buf_cstr(&text), out);
    } else if (strcmp(page, "formats") == 0) {
        formats_page(out);
    } else {
        return false;
    }
    return true;
}
