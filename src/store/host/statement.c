/* SPDX-License-Identifier: Apache-2.0
 *
 * A lexer with ClickHouse's rules for strings, quoted names, comments and heredocs, and the few
 * rules that tell a statement's shape. Words are compared without case. */
#include "store/host/statement.h"

#include <strings.h>

enum token_kind {
    TOKEN_END,  /* of the text */
    TOKEN_OPEN, /* a string or comment that does not end within the text */
    TOKEN_WORD,
    TOKEN_NAME, /* `quoted` or "quoted" */
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_PUNCT, /* one byte */
};

struct token {
    enum token_kind kind;
    size_t at, end;
};

struct lexer {
    struct str text;
    size_t at;
};

static bool is_word_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_byte(unsigned char c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static size_t find(struct str text, size_t from, const char *what, size_t n)
{
    if (from > text.n)
        return SIZE_MAX;
    const char *hit = memmem(text.p + from, text.n - from, what, n);
    return hit ? (size_t)(hit - text.p) : SIZE_MAX;
}

/* Past blanks and comments; false when a comment does not end. */
static bool skip_blanks(struct lexer *l)
{
    while (l->at < l->text.n) {
        struct str rest = {l->text.p + l->at, l->text.n - l->at};

        if (is_blank((unsigned char)rest.p[0])) {
            l->at++;
        } else if (str_starts(rest, "--") || str_starts(rest, "# ") || str_starts(rest, "#!")) {
            size_t end = find(l->text, l->at, "\n", 1);
            l->at = end == SIZE_MAX ? l->text.n : end + 1;
        } else if (str_starts(rest, "/*")) {
            size_t end = find(l->text, l->at + 2, "*/", 2);
            if (end == SIZE_MAX)
                return false;
            l->at = end + 2;
        } else {
            break;
        }
    }
    return true;
}

/* The end of what begins with the quote at `at`; SIZE_MAX when it does not end. A backslash takes
 * the next byte along, a doubled quote stands for one. */
static size_t quoted_end(struct str text, size_t at)
{
    char quote = text.p[at];

    for (size_t i = at + 1; i < text.n; i++) {
        if (text.p[i] == '\\')
            i++;
        else if (text.p[i] == quote) {
            if (i + 1 >= text.n || text.p[i + 1] != quote)
                return i + 1;
            i++;
        }
    }
    return SIZE_MAX;
}

/* $tag$ … $tag$; 0 when no heredoc begins at `at`, SIZE_MAX when it does not end. */
static size_t heredoc_end(struct str text, size_t at)
{
    size_t i = at + 1;

    while (i < text.n && text.p[i] != '$' && is_word_byte((unsigned char)text.p[i]))
        i++;
    if (i >= text.n || text.p[i] != '$')
        return 0;
    size_t n = i + 1 - at;
    size_t close = find(text, i + 1, text.p + at, n);
    return close == SIZE_MAX ? SIZE_MAX : close + n;
}

static struct token token_to(struct lexer *l, enum token_kind kind, size_t end)
{
    struct token t = {kind, l->at, end};

    if (end == SIZE_MAX) {
        t.kind = TOKEN_OPEN;
        t.end = l->text.n;
    }
    l->at = t.end;
    return t;
}

static struct token next_token(struct lexer *l)
{
    if (!skip_blanks(l))
        return token_to(l, TOKEN_OPEN, SIZE_MAX);
    if (l->at >= l->text.n)
        return (struct token){TOKEN_END, l->text.n, l->text.n};

    unsigned char c = (unsigned char)l->text.p[l->at];
    size_t end = l->at + 1;

    if (c == '\'')
        return token_to(l, TOKEN_STRING, quoted_end(l->text, l->at));
    if (c == '`' || c == '"')
        return token_to(l, TOKEN_NAME, quoted_end(l->text, l->at));
    if (c == '$') {
        size_t close = heredoc_end(l->text, l->at);
        if (close)
            return token_to(l, TOKEN_STRING, close);
    }
    if (is_word_start(c) || is_digit(c)) {
        while (end < l->text.n && is_word_byte((unsigned char)l->text.p[end]))
            end++;
        return token_to(l, is_digit(c) ? TOKEN_NUMBER : TOKEN_WORD, end);
    }
    return token_to(l, TOKEN_PUNCT, end);
}

static bool token_is(struct str text, struct token t, const char *word)
{
    return t.kind == TOKEN_WORD && t.end - t.at == strlen(word) &&
           strncasecmp(text.p + t.at, word, t.end - t.at) == 0;
}

static bool token_is_one_of(struct str text, struct token t, const char *const *words)
{
    for (; *words; words++) {
        if (token_is(text, t, *words))
            return true;
    }
    return false;
}

static bool token_is_punct(struct str text, struct token t, char c)
{
    return t.kind == TOKEN_PUNCT && text.p[t.at] == c;
}

static void refuse(struct statement *s, int code, const char *why)
{
    if (s->refused_code == 0) {
        s->refused_code = code;
        s->refused = why;
    }
}

/* After FORMAT x: blanks and at most one line end belong to the statement, then data begins.
 * Returns false when more text could still move the place. */
static bool data_begins(struct str text, size_t at, bool is_whole, size_t *ret)
{
    while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t' || text.p[at] == '\f'))
        at++;
    if (at < text.n && text.p[at] == '\r')
        at++;
    if (at >= text.n)
        return (*ret = text.n, is_whole);
    *ret = at + (text.p[at] == '\n');
    return true;
}

static enum statement_scan undecided(bool is_whole)
{
    return is_whole ? SCAN_DONE : SCAN_NEEDS_MORE;
}

/* At the word FORMAT of an INSERT. */
static enum statement_scan scan_insert_format(struct statement *s, struct lexer *l,
                                              struct token format, bool is_whole)
{
    struct str text = l->text;
    struct token name = next_token(l);

    if (name.kind != TOKEN_WORD)
        return undecided(is_whole || name.kind == TOKEN_PUNCT);
    if (name.end == text.n && !is_whole)
        return SCAN_NEEDS_MORE;
    s->data_at = name.end;
    if (!token_is(text, name, "VALUES") && !data_begins(text, name.end, is_whole, &s->data_at))
        return SCAN_NEEDS_MORE;
    s->kind = STATEMENT_INSERT_DATA;
    s->head_end = s->format_at = format.at;
    s->format = (struct str){text.p + name.at, name.end - name.at};
    if (name.end < text.n && text.p[name.end] == ';')
        refuse(s, 62, "Syntax error: a ';' between the FORMAT of an INSERT and its data");
    return SCAN_DONE;
}

/* SELECT or WITH in brackets: INSERT INTO t (SELECT …), unless it is the name of a column. */
static bool is_query_in_brackets(struct lexer ahead)
{
    struct token next = next_token(&ahead);

    return !token_is_punct(ahead.text, next, ',') && !token_is_punct(ahead.text, next, ')');
}

/* The rest of an INSERT after its first word. The name of the table is the first thing after INTO,
 * TABLE or FUNCTION and may be any word, so keywords count only after it. */
static enum statement_scan scan_insert(struct statement *s, struct lexer *l, bool is_whole)
{
    static const char *const before_name[] = {"INTO", "TABLE", "FUNCTION", NULL};
    static const char *const query_words[] = {"SELECT", "WITH", NULL};
    struct str text = l->text;
    int depth = 0;
    bool has_name = false, after_dot = false;

    for (;;) {
        struct token t = next_token(l);
        bool is_query_word = token_is_one_of(text, t, query_words);

        if (t.kind == TOKEN_END || t.kind == TOKEN_OPEN || (t.end == text.n && !is_whole))
            return undecided(is_whole);
        depth += token_is_punct(text, t, '(') - token_is_punct(text, t, ')');
        if (has_name && depth > 0 && is_query_word && is_query_in_brackets(*l))
            return undecided(is_whole);
        if (depth > 0 || t.kind == TOKEN_PUNCT) {
            after_dot = token_is_punct(text, t, '.');
            continue;
        }
        if (!has_name || after_dot) {
            has_name = has_name || !token_is_one_of(text, t, before_name);
            after_dot = false;
            continue;
        }
        if (is_query_word)
            return undecided(is_whole);
        if (token_is(text, t, "FORMAT"))
            return scan_insert_format(s, l, t, is_whole);
        if (token_is(text, t, "INFILE")) {
            refuse(s, 78, "INSERT FROM INFILE reads a file of the client: send its content");
            return SCAN_DONE;
        }
        if (token_is(text, t, "VALUES")) {
            s->kind = STATEMENT_INSERT_DATA;
            s->head_end = s->format_at = t.at;
            s->format = STR("Values");
            s->data_at = t.end;
            return SCAN_DONE;
        }
    }
}

/* Finds the end, the FORMAT clause and what is refused in a whole statement that has no data. */
static void scan_tail(struct statement *s, struct lexer *l, struct token first)
{
    struct str text = l->text;
    struct token before = first, format = {TOKEN_END, 0, 0};
    int depth = token_is_punct(text, first, '(') ? 1 : 0;
    bool is_ended = false;

    s->end = first.end;
    for (struct token t = next_token(l); t.kind != TOKEN_END; before = t, t = next_token(l)) {
        if (token_is_punct(text, t, ';')) {
            is_ended = true;
            continue;
        }
        if (is_ended) {
            refuse(s, 62, "Syntax error: multi-statements are not allowed");
            return;
        }
        s->end = t.end;
        if (token_is_punct(text, t, '('))
            depth++;
        if (token_is_punct(text, t, ')'))
            depth--;
        if (token_is(text, before, "INTO") && token_is(text, t, "OUTFILE"))
            refuse(s, 358, "INTO OUTFILE writes a file of the client and is not allowed here");
        if (depth == 0 && token_is(text, t, "INSERT") && s->kind == STATEMENT_SELECT)
            s->kind = STATEMENT_OTHER;
        if (depth == 0 && t.kind == TOKEN_WORD && token_is(text, before, "FORMAT"))
            format = (struct token){TOKEN_WORD, before.at, t.end};
        else if (format.kind == TOKEN_WORD && before.end == format.end &&
                 !token_is(text, t, "SETTINGS"))
            format.kind = TOKEN_END; /* something goes on: it was a name, not the clause */
    }
    s->format_at = s->end;
    if (format.kind == TOKEN_WORD) {
        size_t at = format.end;
        while (at > format.at && is_word_byte((unsigned char)text.p[at - 1]))
            at--;
        s->format = (struct str){text.p + at, format.end - at};
        s->format_at = format.at;
    }
}

static void refuse_dangerous(struct statement *s, struct lexer l)
{
    static const char *const stopping[] = {"SHUTDOWN", "KILL", "SUSPEND", NULL};

    if (token_is_one_of(l.text, next_token(&l), stopping))
        refuse(s, 48, "this store is stopped by a signal, not by SYSTEM");
}

enum statement_scan statement_scan(struct statement *ret, struct str text, bool is_whole)
{
    static const char *const select_words[] = {"SELECT", "WITH", "FROM", NULL};
    struct lexer l = {text, 0};
    struct token first;

    *ret = (struct statement){.kind = STATEMENT_EMPTY, .end = text.n, .format_at = text.n};
    do {
        first = next_token(&l);
    } while (token_is_punct(text, first, ';'));
    if (first.kind == TOKEN_END || first.kind == TOKEN_OPEN || (first.end == text.n && !is_whole)) {
        if (!is_whole)
            return SCAN_NEEDS_MORE;
        if (first.kind == TOKEN_END)
            return SCAN_DONE;
    }
    ret->kind = STATEMENT_OTHER;
    if (token_is(text, first, "INSERT")) {
        struct lexer insert = l;
        enum statement_scan scan = scan_insert(ret, &insert, is_whole);
        if (scan == SCAN_NEEDS_MORE || ret->kind == STATEMENT_INSERT_DATA || ret->refused_code)
            return scan;
    }
    if (!is_whole)
        return SCAN_NEEDS_MORE;
    if (token_is_one_of(text, first, select_words) || token_is_punct(text, first, '('))
        ret->kind = STATEMENT_SELECT;
    ret->is_kill = token_is(text, first, "KILL");
    if (token_is(text, first, "SYSTEM"))
        refuse_dangerous(ret, l);
    scan_tail(ret, &l, first);
    return SCAN_DONE;
}

void statement_write_to_file(struct buf *out, const struct statement *s, struct str text,
                             const char *path, struct str format)
{
    buf_put(out, text.p, s->format_at);
    buf_printf(out, "\nINTO OUTFILE '%s' TRUNCATE\n", path);
    if (s->format.n)
        buf_put(out, text.p + s->format_at, s->end - s->format_at);
    else
        buf_printf(out, "FORMAT %.*s", STR_FMT(format));
}

void statement_write_kill(struct buf *out, struct str text, const char *tag_setting)
{
    struct lexer l = {text, 0};
    size_t done = 0;

    for (struct token t = next_token(&l); t.kind != TOKEN_END && t.kind != TOKEN_OPEN;
         t = next_token(&l)) {
        if (!token_is(text, t, "query_id"))
            continue;
        buf_put(out, text.p + done, t.at - done);
        buf_printf(out, "if(Settings['%s'] != '', Settings['%s'], query_id)", tag_setting,
                   tag_setting);
        done = t.end;
    }
    buf_put(out, text.p + done, text.n - done);
}

static void quote_with(struct buf *out, struct str text, char quote)
{
    buf_byte(out, (uint8_t)quote);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == quote || text.p[i] == '\\')
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)text.p[i]);
    }
    buf_byte(out, (uint8_t)quote);
}

void sql_quote(struct buf *out, struct str text)
{
    quote_with(out, text, '\'');
}

void sql_quote_name(struct buf *out, struct str name)
{
    quote_with(out, name, '`');
}
