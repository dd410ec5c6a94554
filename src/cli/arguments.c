/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "column/type.h"

const struct option_row common_options[] = {
    {"file", 'f', OPTION_LIST, "FILE",
     "Definitions to read (else weir.sql, else the only .sql file here that `weir init` wrote)."},
    {"set", 's', OPTION_LIST, "NAME=VALUE", "A setting, stronger than SET and WEIR_NAME."},
    {"store", 0, OPTION_TEXT, "PLACE",
     "The store: embedded:FOLDER or clickhouse://user@host:8123/db."},
    {"help", 'h', OPTION_FLAG, NULL, "Says what the command does."},
};
const size_t n_common_options = COUNT(common_options);

static const struct option_row *option_at(const struct command *c, size_t i)
{
    return i < n_common_options ? &common_options[i] : &c->options[i - n_common_options];
}

static size_t option_count(const struct command *c)
{
    return n_common_options + c->n_options;
}

const struct command *find_command(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

int unknown_command(const char *name)
{
    const char *names[64];
    size_t n = 0;
    for (; commands[n] != NULL && n < COUNT(names); n++)
        names[n] = commands[n]->name;
    const char *near = nearest_name(str_of(name), names, n);
    complain("unknown command '%s'; %s%s%s`weir help` lists them", name,
             near ? "did you mean '" : "", near ? near : "", near ? "'? " : "");
    return EXIT_USAGE;
}

void complain(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fflush(stdout);
    fputs("weir: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

int exit_code_of(const struct err *e)
{
    switch (e->code) {
    case ERR_OK: return EXIT_OK;
    case ERR_REFUSED:
    case ERR_CONFLICT: return EXIT_REFUSED;
    case ERR_UNAVAILABLE: return EXIT_UNAVAILABLE;
    default: return EXIT_FAILED;
    }
}

bool use_colours(void)
{
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0');
}

const char *argument(const struct arguments *a, const char *name)
{
    for (size_t i = 0; i < option_count(a->command); i++)
        if (strcmp(option_at(a->command, i)->name, name) == 0)
            return a->values[i];
    assert(!"no such option in this command's table");
    return NULL;
}

bool has_flag(const struct arguments *a, const char *name)
{
    return argument(a, name) != NULL;
}

static int take_setting(struct arguments *a, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || a->n_settings == MAX_LIST) {
        complain("--set wants NAME=VALUE, not '%s'", text);
        return EXIT_USAGE;
    }
    a->settings[a->n_settings][0] = strndup(text, (size_t)(equals - text));
    a->settings[a->n_settings++][1] = equals + 1;
    return EXIT_OK;
}

static int take_value(struct arguments *a, size_t i, const char *value)
{
    const struct option_row *row = option_at(a->command, i);
    if (strcmp(row->name, "set") == 0)
        return take_setting(a, value);
    if (row->kind == OPTION_LIST) {
        if (a->n_list[i] == MAX_LIST) {
            complain("more than %d times --%s", MAX_LIST, row->name);
            return EXIT_USAGE;
        }
        a->list[i][a->n_list[i]++] = value;
    }
    a->values[i] = value;
    return EXIT_OK;
}

static int unknown_option(const struct command *c, const char *text)
{
    const char *names[MAX_OPTIONS];
    size_t n = option_count(c);
    for (size_t i = 0; i < n; i++)
        names[i] = option_at(c, i)->name;
    const char *bare = text + strspn(text, "-");
    const char *near = nearest_name((struct str){bare, strcspn(bare, "=")}, names, n);
    complain("%s has no option '%s'%s%s%s", c->name, text, near ? "; did you mean --" : "",
             near ? near : "", near ? "?" : "");
    return EXIT_USAGE;
}

/* One option at argv[at]; *at moves over its value. */
static int parse_option(struct arguments *a, int argc, char **argv, int *at)
{
    const char *text = argv[*at];
    bool is_long = text[1] == '-';
    const char *equals = is_long ? strchr(text, '=') : NULL;
    size_t n = equals ? (size_t)(equals - text - 2) : strlen(text) - (is_long ? 2 : 0);
    for (size_t i = 0; i < option_count(a->command); i++) {
        const struct option_row *row = option_at(a->command, i);
        bool is_it = is_long ? strlen(row->name) == n && strncmp(row->name, text + 2, n) == 0
                             : row->letter && text[1] == row->letter && text[2] == '\0';
        if (!is_it)
            continue;
        if (row->kind == OPTION_FLAG) {
            if (equals) {
                complain("--%s takes no value", row->name);
                return EXIT_USAGE;
            }
            a->values[i] = "";
            return strcmp(row->name, "help") == 0 ? -1 : EXIT_OK;
        }
        if (equals)
            return take_value(a, i, equals + 1);
        if (*at + 1 >= argc) {
            complain("--%s wants %s", row->name, row->argument);
            return EXIT_USAGE;
        }
        return take_value(a, i, argv[++*at]);
    }
    return unknown_option(a->command, text);
}

int parse_arguments(struct arguments *a, const struct command *command, int argc, char **argv)
{
    a->command = command;
    a->words = calloc((size_t)argc + 1, sizeof(*a->words));
    bool is_rest = false;
    for (int i = 0; i < argc; i++) {
        if (!is_rest && strcmp(argv[i], "--") == 0) {
            is_rest = true;
        } else if (!is_rest && argv[i][0] == '-' && argv[i][1] != '\0') {
            int code = parse_option(a, argc, argv, &i);
            if (code != EXIT_OK)
                return code;
        } else {
            a->words[a->n_words++] = argv[i];
        }
    }
    return EXIT_OK;
}
