/* SPDX-License-Identifier: Apache-2.0
 *
 * Files to statements. A statement with a mistake leaves only its name; reading goes on behind
 * it. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lang/parse_priv.h"

/* ---- what there is ---- */

static const char *const create_kinds[] = {
    "SOURCE", "STREAM",    "METRIC",   "LOOKUP", "VIEW",       "TIMELINE", "MODEL", "ALERT",
    "EXPORT", "DASHBOARD", "FUNCTION", "ROLE",   "ROW POLICY", "QUOTA",    NULL,
};
static const char *const foreign_kinds[] = {"TABLE",     "DATABASE",   "MATERIALIZED",
                                            "TEMPORARY", "DICTIONARY", "USER",
                                            "INDEX",     "SETTINGS",   NULL};
static const char *const verbs[] = {"SET", "CREATE", "GRANT", NULL};
static const char *const foreign_verbs[] = {
    "SELECT",   "WITH",   "INSERT",   "DROP",   "ALTER",  "DELETE", "UPDATE",
    "TRUNCATE", "RENAME", "EXCHANGE", "ATTACH", "DETACH", "SHOW",   "DESCRIBE",
    "EXPLAIN",  "USE",    "OPTIMIZE", "SYSTEM", "REVOKE", "KILL",   NULL,
};

/* ---- results ---- */

/* Grown at 8, 16, 32, ... */
static void *grow(void *items, size_t n, size_t bytes)
{
    bool is_full = n == 0 || (n >= 8 && (n & (n - 1)) == 0);
    return is_full ? xrealloc(items, (n == 0 ? 8 : n * 2) * bytes) : items;
}

static void add_statement(struct definitions *defs, const struct statement *s)
{
    defs->statements = grow(defs->statements, defs->n_statements, sizeof(*s));
    defs->statements[defs->n_statements++] = *s;
}

static void add_broken(struct definitions *defs, struct str name)
{
    if (name.n == 0)
        return;
    defs->broken_names = grow(defs->broken_names, defs->n_broken_names, sizeof(name));
    defs->broken_names[defs->n_broken_names++] = name;
}

static struct str name_of(const struct statement *s)
{
    switch (s->kind) {
    case STATEMENT_SOURCE: return s->source.name;
    case STATEMENT_STREAM: return s->stream.name;
    case STATEMENT_METRIC: return s->metric.name;
    case STATEMENT_FUNCTION: return s->function.name;
    case STATEMENT_LOOKUP: return s->lookup.from.name;
    case STATEMENT_SET: break;
    }
    return (struct str){0};
}

static struct place name_place(const struct statement *s)
{
    return s->kind == STATEMENT_SOURCE     ? s->source.at
           : s->kind == STATEMENT_STREAM   ? s->stream.at
           : s->kind == STATEMENT_FUNCTION ? s->function.at
           : s->kind == STATEMENT_LOOKUP   ? s->lookup.from.at
                                           : s->metric.at;
}

static void set_text(struct statement *s, struct str text)
{
    s->text = text;
    if (s->kind == STATEMENT_SOURCE)
        s->source.text = text;
    else if (s->kind == STATEMENT_STREAM)
        s->stream.text = text;
    else if (s->kind == STATEMENT_METRIC)
        s->metric.text = text;
    else if (s->kind == STATEMENT_FUNCTION)
        s->function.text = text;
    else if (s->kind == STATEMENT_LOOKUP)
        s->lookup.from.text = text;
}

/* ---- SET ---- */

/* PASSWORD FROM ENV 'X' | FROM FILE 'p' behind `store` becomes the setting store_password_env or
 * _file. */
static bool password_clause(struct parser *p, struct str name, struct setting *ret)
{
    ret->at = place_here(p);
    advance(p);
    if (!expect_word(p, "FROM", "after PASSWORD"))
        return false;
    bool is_env = at_word(p, "ENV");
    if (!is_env && !at_word(p, "FILE")) {
        mistake_expected(p, "ENV 'VARIABLE' or FILE 'path'");
        return false;
    }
    advance(p);
    ret->name =
        str_of(arena_printf(p->arena, "%.*s_password_%s", STR_FMT(name), is_env ? "env" : "file"));
    ret->value_at = place_here(p);
    return string_here(p, is_env ? "the variable's name in quotes" : "the path in quotes",
                       &ret->value);
}

static bool set_statement(struct parser *p, struct definitions *defs, struct place at,
                          const char *start)
{
    size_t n_before = defs->n_statements;
    do {
        struct statement s = {.kind = STATEMENT_SET, .at = at};
        struct statement password = s;
        if (!setting_here(p, &s.set))
            return false;
        add_statement(defs, &s);
        if (at_word(p, "PASSWORD")) {
            if (!password_clause(p, s.set.name, &password.set))
                return false;
            add_statement(defs, &password);
        }
    } while (accept_symbol(p, ','));
    for (size_t i = n_before; i < defs->n_statements; i++)
        set_text(&defs->statements[i], (struct str){start, (size_t)(p->last_end - start)});
    return !p->in_panic;
}

/* ---- CREATE ---- */

static const char *word_among(const struct parser *p, const char *const *words)
{
    for (; *words != NULL; words++)
        if (at_word(p, *words))
            return *words;
    return NULL;
}

/* CREATE of something that is not there: its name is kept, so that its users are not reported as
 * well. */
static bool refuse_create(struct parser *p, struct definitions *defs, struct place at)
{
    const char *foreign = word_among(p, foreign_kinds);
    const char *kind = word_among(p, create_kinds);
    if (at_word(p, "ROW"))
        kind = "ROW POLICY";
    if (foreign != NULL) {
        mistake(p, at, "KEEP on a source or stream stores its rows; a metric stores its tiers",
                "there is no CREATE %s in weir", foreign);
        return false;
    }
    if (kind == NULL) {
        size_t n = COUNT(create_kinds) - 1;
        const char *near =
            p->token.kind == TOKEN_WORD ? suggest_keyword(p, p->token.text, create_kinds, n) : NULL;
        mistake(p, place_here(p), near,
                "expected SOURCE, LOOKUP, STREAM, METRIC or FUNCTION after CREATE");
        return false;
    }
    advance(p);
    accept_word(p, "POLICY");
    refuse(p, at, NULL, "CREATE %s is not there yet", kind);
    if (p->token.kind == TOKEN_WORD || p->token.kind == TOKEN_QUOTED)
        add_broken(defs, p->token.kind == TOKEN_QUOTED ? token_unquote(p->arena, &p->token)
                                                       : p->token.text);
    p->in_panic = true; /* the rest is not looked at */
    return false;
}

static void skip_create_options(struct parser *p)
{
    struct place at = place_here(p);
    if (accept_word(p, "OR")) {
        accept_word(p, "REPLACE");
        refuse(p, place_since(p, at), "leave it out: the files are the whole program",
               "OR REPLACE is not there");
    }
}

static void check_name(struct parser *p, struct str name, struct place at)
{
    if (str_starts(name, "weir_"))
        refuse(p, at, NULL, "names that begin with weir_ are weir's own");
    else if (name.n > 128)
        refuse(p, at, NULL, "a name has at most 128 bytes");
}

static bool create_statement(struct parser *p, struct definitions *defs, struct statement *s)
{
    struct place at = s->at;

    skip_create_options(p);
    if (at_word(p, "SOURCE"))
        s->kind = STATEMENT_SOURCE;
    else if (at_word(p, "STREAM"))
        s->kind = STATEMENT_STREAM;
    else if (at_word(p, "METRIC"))
        s->kind = STATEMENT_METRIC;
    else if (at_word(p, "FUNCTION"))
        s->kind = STATEMENT_FUNCTION;
    else if (at_word(p, "LOOKUP"))
        s->kind = STATEMENT_LOOKUP;
    else
        return refuse_create(p, defs, place_since(p, at));
    advance(p);
    struct token next = token_after(p);
    if (at_word(p, "IF") && token_is_word(&next, "NOT")) {
        refuse(p, place_here(p), "leave it out: the files are the whole program",
               "IF NOT EXISTS is not there");
        advance(p);
        advance(p);
        accept_word(p, "EXISTS");
    }
    bool is_ok = s->kind == STATEMENT_SOURCE     ? source_statement(p, &s->source)
                 : s->kind == STATEMENT_STREAM   ? stream_statement(p, &s->stream)
                 : s->kind == STATEMENT_LOOKUP   ? lookup_statement(p, &s->lookup)
                 : s->kind == STATEMENT_FUNCTION ? function_statement(p, &s->function)
                                                 : metric_statement(p, &s->metric);
    check_name(p, name_of(s), name_place(s));
    return is_ok;
}

/* ---- files ---- */

static bool any_statement(struct parser *p, struct definitions *defs)
{
    const char *start = p->token.text.p;
    size_t n_errors = p->d->n_errors, n_statements = defs->n_statements;
    struct statement s = {.at = place_here(p)};
    bool is_ok = false;

    p->brackets = 0;
    p->nesting = 0;
    if (accept_word(p, "SET")) {
        is_ok = set_statement(p, defs, s.at, start);
        if (p->d->n_errors > n_errors)
            defs->n_statements = n_statements;
    } else if (accept_word(p, "CREATE")) {
        s.kind = STATEMENT_SET;
        is_ok = create_statement(p, defs, &s);
        set_text(&s, (struct str){start, (size_t)(p->last_end - start)});
        if (p->d->n_errors == n_errors && is_ok)
            add_statement(defs, &s);
        else
            add_broken(defs, name_of(&s));
    } else if (at_word(p, "GRANT")) {
        mistake(p, s.at, NULL, "GRANT is not there yet");
    } else if (word_among(p, foreign_verbs) != NULL) {
        mistake(p, s.at, "`weir query` asks the store", "a file of definitions has no %s",
                word_among(p, foreign_verbs));
    } else {
        const char *near = p->token.kind == TOKEN_WORD
                               ? suggest_keyword(p, p->token.text, verbs, COUNT(verbs) - 1)
                               : NULL;
        mistake(p, s.at, near, "expected SET or CREATE at the start of a statement");
    }
    return is_ok;
}

/* Behind the statement that began at `start`: at its ';' or, where that is missing, at the next
 * CREATE that begins a line. */
static void end_statement(struct parser *p, const char *start)
{
    bool is_end = p->token.kind == TOKEN_END || at_symbol(p, ';');
    if (!is_end)
        mistake_expected(p, "';' at the end of the statement");
    if (!p->in_panic)
        return;
    while (p->token.kind != TOKEN_END && !at_symbol(p, ';')) {
        bool is_next =
            p->token.is_first_on_line && at_word(p, "CREATE") && p->token.text.p != start;
        if (is_next)
            break;
        advance(p);
    }
    p->in_panic = false;
}

/* One name space for all: the later of two definitions is reported. */
struct named {
    struct str name;
    size_t index;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int c = str_cmp(x->name, y->name);
    return c != 0 ? c : (x->index > y->index) - (x->index < y->index);
}

static void check_names_are_new(const struct definitions *defs, size_t n_old, struct diagnostics *d)
{
    struct named *all = xmalloc((defs->n_statements + 1) * sizeof(*all));
    size_t n = 0;
    for (size_t i = 0; i < defs->n_statements; i++)
        if (defs->statements[i].kind != STATEMENT_SET)
            all[n++] = (struct named){name_of(&defs->statements[i]), i};
    qsort(all, n, sizeof(*all), by_name);
    for (size_t i = 1; i < n; i++) {
        if (!str_eq(all[i].name, all[i - 1].name) || all[i].index < n_old)
            continue;
        struct place first = name_place(&defs->statements[all[i - 1].index]);
        diagnose_error(d, name_place(&defs->statements[all[i].index]), NULL,
                       "%.*s is defined already at %s:%u:%u", STR_FMT(all[i].name),
                       defs->files[first.file].path, first.line, first.column);
    }
    free(all);
}

void definitions_read_text(struct definitions *defs, const char *path, struct str text,
                           struct diagnostics *d)
{
    struct parser p;
    struct place nowhere = {
        .file = (uint16_t)(defs->n_files < UINT16_MAX ? defs->n_files : UINT16_MAX)};
    size_t n_old = defs->n_statements;

    if (defs->n_files >= UINT16_MAX) {
        diagnose_error(d, nowhere, NULL, "%s: more than %d files of definitions", path, UINT16_MAX);
        return;
    }
    defs->files = grow(defs->files, defs->n_files, sizeof(*defs->files));
    struct definition_file *file = &defs->files[defs->n_files++];
    *file =
        (struct definition_file){.path = arena_text(&defs->arena, str_of(path)), .text = STR("")};
    if (text.n > MAX_FILE_BYTES) {
        diagnose_error(d, nowhere, NULL, "a file of definitions has at most %d MB",
                       MAX_FILE_BYTES >> 20);
        return;
    }
    file->text = arena_str(&defs->arena, text);
    parser_init(&p, &defs->arena, d, nowhere.file, file->text);
    while (p.token.kind != TOKEN_END) {
        if (accept_symbol(&p, ';'))
            continue;
        const char *start = p.token.text.p;
        any_statement(&p, defs);
        end_statement(&p, start);
    }
    check_names_are_new(defs, n_old, d);
}

static enum err_code read_all(struct buf *out, int fd, const char *path, struct err *e)
{
    for (;;) {
        ssize_t n = read(fd, buf_reserve(out, 65536), 65536);
        if (n < 0)
            return err_errno(e, "%s", path);
        if (n == 0)
            return ERR_OK;
        out->n += (size_t)n;
        if (out->n > MAX_FILE_BYTES)
            return err_set(e, ERR_LIMIT, "%s: a file of definitions has at most %d MB", path,
                           MAX_FILE_BYTES >> 20);
    }
}

enum err_code definitions_read_file(struct definitions *defs, const char *path,
                                    struct diagnostics *d, struct err *e)
{
    AUTO_DONE(buf) text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "%s", path);
    enum err_code code = read_all(&text, fd, path, e);
    close(fd);
    TRY(code);
    definitions_read_text(defs, path, buf_view(&text), d);
    return ERR_OK;
}

void definitions_done(struct definitions *defs)
{
    free(defs->files);
    free(defs->statements);
    free(defs->broken_names);
    arena_done(&defs->arena);
    *defs = (struct definitions){0};
}

struct ast *parse_expression(struct arena *arena, struct str text, struct diagnostics *d)
{
    struct parser p;

    if (text.n > MAX_FILE_BYTES) {
        diagnose_error(d, (struct place){0}, NULL, "an expression has at most %d MB",
                       MAX_FILE_BYTES >> 20);
        return NULL;
    }
    parser_init(&p, arena, d, 0, arena_str(arena, text));
    struct ast *node = p.in_panic ? NULL : expression(&p);
    if (node != NULL && p.token.kind != TOKEN_END)
        mistake_expected(&p, "the end of the expression");
    return p.in_panic ? NULL : node;
}
