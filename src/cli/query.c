/* SPDX-License-Identifier: Apache-2.0
 *
 * `weir query`: SQL over the store. Without --write everything runs read-only. With --write a
 * statement that changes something runs in the database `default`, and is refused when it names
 * weir's database: what lies there is weir's to write, and the books would not balance. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/chart.h"
#include "cli/cli.h"
#include "cli/prompt.h"
#include "lang/lex.h"

struct asking {
    struct session *s;
    const char *format;
    bool is_chart, may_write;
    int code; /* of the last statement that failed, or 0 */
};

static bool write_out(void *context, const char *data, size_t n)
{
    (void)context;
    return fwrite(data, 1, n, stdout) == n;
}

/* ---- what a statement may do ---- */

static bool is_reading(const char *sql)
{
    static const char *const words[] = {"SELECT",  "WITH",   "SHOW",   "DESCRIBE", "DESC",
                                        "EXPLAIN", "EXISTS", "VALUES", "CHECK"};
    struct lexer l;
    lexer_init(&l, str_of(sql));
    struct token t = lexer_next(&l);
    while (t.kind == TOKEN_SYMBOL && t.symbol == '(')
        t = lexer_next(&l);
    for (size_t i = 0; i < COUNT(words); i++)
        if (token_is_word(&t, words[i]))
            return true;
    return false;
}

/* Does the name stand in the text, not as a part of a longer word? */
static bool names(struct str text, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = text.p, *end = text.p + text.n;
         (p = memmem(p, (size_t)(end - p), name, n)) != NULL; p++) {
        bool is_start = p == text.p || !(isalnum((unsigned char)p[-1]) || p[-1] == '_');
        bool is_end = p + n == end || !(isalnum((unsigned char)p[n]) || p[n] == '_');
        if (is_start && is_end)
            return true;
    }
    return false;
}

/* The store's own parser prints the statement again, so that no spelling (quotes, escapes,
 * comments) hides a name. */
static enum err_code check_write(struct session *s, const char *sql, struct err *e)
{
    AUTO_DONE(buf) text = {0};
    const struct store_setting settings[] = {{"readonly", "2"}, {"param_q", sql}};
    struct store_call call = {.sql = "SELECT formatQuerySingleLine({q:String}) FORMAT TSVRaw",
                              .settings = settings,
                              .n_settings = COUNT(settings),
                              .answer = &text};
    AUTO_DONE(buf) escaped = {0};
    for (const char *p = sql; *p; p++) { /* parameters come as TSV fields */
        if (*p == '\\' || *p == '\t' || *p == '\n')
            buf_byte(&escaped, '\\');
        buf_byte(&escaped, *p == '\t' ? 't' : *p == '\n' ? 'n' : (uint8_t)*p);
    }
    struct store_setting own[] = {settings[0], {"param_q", buf_cstr(&escaped)}};
    call.settings = own;
    TRY(store_call(s->store, &call, e));
    const char *database = s->plan->settings.database;
    if (names(buf_view(&text), database) || names(str_of(sql), database))
        return err_set(
            e, ERR_REFUSED,
            "refused: the statement names weir's database '%s'; only `weir run` writes there",
            database);
    return ERR_OK;
}

/* ---- --chart ---- */

static bool is_number_type(const char *type)
{
    static const char *const starts[] = {
        "UInt",          "Int",          "Float",          "Decimal",
        "Nullable(UInt", "Nullable(Int", "Nullable(Float", "Nullable(Decimal",
        "BFloat"};
    for (size_t i = 0; i < COUNT(starts); i++)
        if (strncmp(type, starts[i], strlen(starts[i])) == 0 && strncmp(type, "Interval", 8) != 0)
            return true;
    return false;
}

enum { CHART_COLUMNS = 256, CHART_ROWS = 10000 };

static size_t split_line(char *line, char **cells, size_t cap)
{
    size_t n = 0;
    for (char *p = line; p && n < cap;) {
        char *tab = strchr(p, '\t');
        if (tab)
            *tab = '\0';
        cells[n++] = p;
        p = tab ? tab + 1 : NULL;
    }
    return n;
}

/* The text's next line, cut off; NULL at the end. */
static char *take_line(char **text)
{
    if (**text == '\0')
        return NULL;
    char *line = *text, *end = strchr(line, '\n');
    *text = end ? end + 1 : line + strlen(line);
    if (end)
        *end = '\0';
    return line;
}

static int chart_choice(char **types, size_t n, size_t *label, size_t *value)
{
    *label = *value = n;
    for (size_t i = 0; i < n && *label == n; i++)
        if (!is_number_type(types[i]) && strncmp(types[i], "Array", 5) != 0)
            *label = i;
    for (size_t i = 0; i < n && *value == n; i++)
        if (is_number_type(types[i]) && (*label < n || i > 0 || n == 1))
            *value = i;
    if (*label == n)
        *label = 0;
    return *value < n;
}

static void draw(char *text)
{
    char *names[CHART_COLUMNS], *types[CHART_COLUMNS], *cells[CHART_COLUMNS];
    char *line = take_line(&text);
    size_t n = line ? split_line(line, names, CHART_COLUMNS) : 0, label, value;
    line = take_line(&text);
    if (n == 0 || line == NULL || split_line(line, types, CHART_COLUMNS) != n ||
        !chart_choice(types, n, &label, &value)) {
        complain("--chart wants an answer with a column of numbers");
        return;
    }
    struct terminal t;
    terminal_look(&t);
    AUTO_MEM struct chart_bar *bars = xcalloc(CHART_ROWS, sizeof(*bars));
    AUTO_DONE(arena) arena = {0};
    size_t n_bars = 0, n_rows = 0;
    for (; (line = take_line(&text)) != NULL; n_rows++) {
        if (n_bars == CHART_ROWS || split_line(line, cells, CHART_COLUMNS) != n)
            continue;
        char number[64];
        number_for_people(number, sizeof(number),
                          strcmp(cells[value], "\\N") == 0 ? "" : cells[value]);
        char *end;
        double v = strtod(cells[value], &end);
        bars[n_bars++] =
            (struct chart_bar){.label = strcmp(cells[label], "\\N") == 0 ? "NULL" : cells[label],
                               .number = arena_text(&arena, str_of(number)),
                               .value = end == cells[value] ? NAN : v};
    }
    printf("%s, %s\n", names[label], names[value]);
    chart_bars(stdout, &t, bars, n_bars);
    if (n_rows > n_bars)
        printf("(the first %zu of %zu rows)\n", n_bars, n_rows);
}

/* ---- one statement ---- */

static bool is_blank_sql(const char *sql)
{
    struct lexer l;
    lexer_init(&l, str_of(sql));
    return lexer_next(&l).kind == TOKEN_END;
}

static void ask(void *context, const char *sql)
{
    struct asking *a = context;
    struct err e;
    bool is_writing = a->may_write && !is_reading(sql);
    AUTO_DONE(buf) answer = {0};
    if (is_blank_sql(sql))
        return;
    enum err_code code = is_writing ? check_write(a->s, sql, &e) : ERR_OK;
    if (code == ERR_OK) {
        const struct store_setting settings[] = {{"readonly", "2"}};
        struct store_call call = {
            .sql = sql,
            .settings = settings,
            .n_settings = is_writing ? 0 : 1,
            .database = is_writing ? "default" : a->s->plan->settings.database,
            .format = a->is_chart ? "TSVWithNamesAndTypes" : a->format,
            .write = a->is_chart ? NULL : write_out,
            .answer = a->is_chart ? &answer : NULL,
        };
        code = store_call(a->s->store, &call, &e);
    }
    if (code == ERR_OK && a->is_chart) {
        buf_cstr(&answer);
        draw(answer.p);
    }
    fflush(stdout);
    if (code != ERR_OK) {
        complain("%s", e.text);
        if (e.store_code == 164 && !a->may_write)
            complain("`weir query --write` allows statements that change something, outside weir's "
                     "own database");
        a->code = exit_code_of(&e);
    }
}

static void ask_all(struct asking *a, struct str text)
{
    struct str statement, rest = text;
    while (a->code == EXIT_OK && rest.n > 0) {
        bool is_ended = next_statement(rest, &statement, &rest);
        AUTO_MEM char *sql = xstrndup(statement.p, statement.n);
        ask(a, sql);
        if (!is_ended)
            break;
    }
}

static int read_stdin(struct buf *text)
{
    enum { MOST = 64 << 20 };
    size_t got;
    while ((got = fread(buf_reserve(text, 65536), 1, 65536, stdin)) > 0) {
        text->n += got;
        if (text->n > MOST) {
            complain("more than %d MB of SQL", MOST >> 20);
            return EXIT_USAGE;
        }
    }
    return EXIT_OK;
}

static int run_query(const struct arguments *a)
{
    if (a->n_words > 1) {
        complain("query wants one SQL text in quotes");
        return EXIT_USAGE;
    }
    struct session s;
    int code = session_open_store(&s, a);
    if (code != EXIT_OK)
        return code;
    struct err e;
    if (store_ensure(s.store, false, &e) != ERR_OK) {
        complain("%s", e.text);
        session_close(&s);
        return exit_code_of(&e);
    }
    const char *format = argument(a, "format");
    struct asking asking = {.s = &s,
                            .format = format                  ? format
                                      : isatty(STDOUT_FILENO) ? "PrettyCompact"
                                                              : "TSV",
                            .is_chart = has_flag(a, "chart"),
                            .may_write = has_flag(a, "write")};
    if (a->n_words == 1) {
        ask_all(&asking, str_of(a->words[0]));
    } else if (isatty(STDIN_FILENO)) {
        if (isatty(STDOUT_FILENO))
            printf("SQL up to a semicolon; \\q ends. SHOW TABLES; lists what there is.\n");
        prompt_loop(ask, &asking);
        asking.code = EXIT_OK;
    } else {
        AUTO_DONE(buf) text = {0};
        asking.code = read_stdin(&text);
        if (asking.code == EXIT_OK)
            ask_all(&asking, buf_view(&text));
    }
    session_close(&s);
    return asking.code;
}

static const struct option_row query_options[] = {
    {"format", 0, OPTION_TEXT, "FORMAT",
     "ClickHouse's output format (PrettyCompact on a terminal, TSV else)."},
    {"chart", 0, OPTION_FLAG, NULL,
     "Draws the answer as bars: the first text or time is the label, the first number the bar."},
    {"write", 0, OPTION_FLAG, NULL,
     "Allows statements that change something (never in weir's own database)."},
};

const struct command command_query = {
    .name = "query",
    .words = "[\"SQL\"]",
    .summary = "Asks the store in SQL, also while `weir run` is running.",
    .details = "Without SQL it reads statements, each up to its semicolon: from a prompt with "
               "history on a terminal, else from standard input.",
    .options = query_options,
    .n_options = COUNT(query_options),
    .run = run_query,
};
