/* SPDX-License-Identifier: Apache-2.0
 *
 * The prompt of `weir query`. History lies in $XDG_STATE_HOME/weir/history,
 * ~/.local/state/weir/history where the latter folder can be made, else in ~/.weir_history. */
#include "cli/prompt.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/buf.h"
#include "lang/lex.h"

enum { HISTORY_LINES = 2000 };

bool next_statement(struct str text, struct str *statement, struct str *rest)
{
    struct lexer l;
    lexer_init(&l, text);
    for (;;) {
        struct token t = lexer_next(&l);
        if (t.kind == TOKEN_END || t.is_open_end)
            break;
        if (t.kind == TOKEN_SYMBOL && t.symbol == ';') {
            *statement = (struct str){text.p, (size_t)(t.text.p - text.p)};
            *rest = (struct str){t.text.p + 1, text.n - statement->n - 1};
            return true;
        }
    }
    *statement = *rest = text;
    return false;
}

static bool make_folders(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        int result = mkdir(path, 0700);
        *p = '/';
        if (result != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

static char *history_path(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if ((state == NULL || *state == '\0') && (home == NULL || *home == '\0'))
        return NULL;
    char *path = state && *state ? xasprintf("%s/weir/history", state)
                                 : xasprintf("%s/.local/state/weir/history", home);
    if (make_folders(path))
        return path;
    free(path);
    return home && *home ? xasprintf("%s/.weir_history", home) : NULL;
}

static bool is_blank_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr(" \t\r\n", s.p[i]))
            return false;
    return true;
}

static bool is_quit(const char *line)
{
    static const char *const words[] = {"\\q", "quit", "exit", "quit;", "exit;"};
    line += strspn(line, " \t");
    size_t n = strlen(line);
    while (n > 0 && strchr(" \t", line[n - 1]))
        n--;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strlen(words[i]) == n && strncmp(line, words[i], n) == 0)
            return true;
    return false;
}

static void remember(const char *path, struct str statement)
{
    AUTO_DONE(buf) line = {0};
    while (statement.n && strchr(" \t\r\n", *statement.p)) {
        statement.p++;
        statement.n--;
    }
    for (size_t i = 0; i < statement.n; i++) /* one line an entry */
        buf_byte(&line, statement.p[i] == '\n' ? ' ' : (uint8_t)statement.p[i]);
    buf_byte(&line, ';');
    add_history(buf_cstr(&line));
    if (path && append_history(1, path) != 0)
        write_history(path);
}

static sigjmp_buf interrupted;

static void on_interrupt(int number)
{
    (void)number;
    siglongjmp(interrupted, 1);
}

void prompt_loop(void (*run)(void *context, const char *sql), void *context)
{
    AUTO_MEM char *path = history_path();
    static struct buf text; /* survives the jump */
    using_history();
    stifle_history(HISTORY_LINES);
    if (path)
        read_history(path);
    rl_readline_name = "weir";
    rl_catch_signals = 1;
    struct sigaction old, action = {.sa_handler = on_interrupt};
    for (;;) {
        if (sigsetjmp(interrupted, 1) != 0) { /* Ctrl-C drops what was typed */
            rl_free_line_state();
            rl_cleanup_after_signal();
            buf_reset(&text);
            fputc('\n', stdout);
        }
        sigaction(SIGINT, &action, &old);
        char *line = readline(text.n ? "   -> " : "weir> ");
        sigaction(SIGINT, &old, NULL);
        if (line == NULL) {
            fputc('\n', stdout);
            break;
        }
        if (text.n == 0 && is_quit(line)) {
            free(line);
            break;
        }
        if (text.n)
            buf_byte(&text, '\n');
        buf_text(&text, line);
        free(line);
        struct str statement, rest = buf_view(&text);
        while (next_statement(rest, &statement, &rest)) {
            if (is_blank_text(statement))
                continue;
            remember(path, statement);
            AUTO_MEM char *sql = xstrndup(statement.p, statement.n);
            run(context, sql);
        }
        AUTO_MEM char *left = xstrndup(rest.p ? rest.p : "", rest.n);
        buf_reset(&text);
        if (!is_blank_text(str_of(left)))
            buf_text(&text, left);
    }
    buf_done(&text);
}
