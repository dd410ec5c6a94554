/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line. A command is one file with one const struct command at its end, listed in
 * main.c. Options are data: one row gives the parser, --help, the completion and the manual
 * page. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "plan/plan.h"
#include "store/client.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,      /* it was tried and failed, or the answer is "not well" */
    EXIT_USAGE = 2,       /* wrong command line, or a question that only a person can answer */
    EXIT_REFUSED = 3,     /* definitions do not fit what is stored; another weir holds the folder */
    EXIT_UNAVAILABLE = 4, /* the store does not answer */
};

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST };

struct option_row {
    const char *name; /* "format" for --format */
    char letter;      /* 'f' for -f, or 0 */
    enum option_kind kind;
    const char *argument; /* "FILE"; NULL for flags */
    const char *help;
};

enum { MAX_OPTIONS = 64, MAX_LIST = 256 };

/* A parsed command line. Values point into argv. */
struct arguments {
    const struct command *command;
    const char *values[MAX_OPTIONS]; /* by option index; flags: "" when given */
    const char *list[MAX_OPTIONS][MAX_LIST];
    size_t n_list[MAX_OPTIONS];
    char **words; /* what is not an option */
    int n_words;
    const char *settings[MAX_LIST][2]; /* --set name=value */
    size_t n_settings;
};

struct command {
    const char *name;
    const char *words; /* "[--once] FILE…" for the usage line */
    const char *summary;
    const char *details; /* paragraphs for --help and the manual, or NULL */
    const struct option_row *options;
    size_t n_options;
    int (*run)(const struct arguments *a);
};

extern const struct command *const commands[]; /* NULL-terminated */
extern const struct option_row common_options[];
extern const size_t n_common_options;

/* Value of an option of this command by its name ("" for a flag that was given, NULL if not given).
 * Unknown names are a bug. */
const char *argument(const struct arguments *a, const char *name);
bool has_flag(const struct arguments *a, const char *name);

/* "weir: TEXT" on stderr. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Exit code that fits a failure. */
int exit_code_of(const struct err *e);

/* Definitions, plan and place of the store for commands that need them: from -f FILE…, else
 * weir.sql, else the only .sql here that init wrote. Says all mistakes itself. */
struct session {
    struct definitions definitions;
    struct plan *plan;
    char *folder; /* of the definitions; relative paths start there */
    struct store_place place;
    struct store *store; /* not connected yet */
};
/* Reads the definitions alone: mistakes are in d, and then plan is NULL. Not 0: they cannot be read,
 * which has been said. */
int session_read(struct session *s, const struct arguments *a, struct diagnostics *d);
/* 0, or the exit code after everything has been said. */
int session_open(struct session *s, const struct arguments *a);
void session_close(struct session *s);
/* The same without requiring that the definitions are right or there: for query, status … when
 * -f or weir.sql is missing, --store or WEIR_STORE names the store. */
int session_open_store(struct session *s, const struct arguments *a);

/* The file names that definitions come from, as session_open finds them; *n = 0 and a message if
 * none. */
int find_definitions(const struct arguments *a, const char **files, size_t cap, size_t *n);

/* stdout is a terminal and NO_COLOR is not set. */
bool use_colours(void);

#endif
