/* SPDX-License-Identifier: Apache-2.0
 *
 * Comments are --, //, # to the end of the line, and slash-star pairs, which nest as in
 * ClickHouse. A quote inside quotes of its own kind is doubled or escaped. */
#include "lang/lex.h"

#include <strings.h>

enum { MAX_OPEN_ENDS = 8 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool is_word_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '$';
}

void lexer_init(struct lexer *l, struct str text)
{
    if (str_starts(text, "\xef\xbb\xbf")) {
        text.p += 3;
        text.n -= 3;
    }
    *l = (struct lexer){.at = text.p, .end = text.p + text.n, .line_start = text.p, .line = 1};
}

static bool has(const struct lexer *l, size_t ahead, char c)
{
    return (size_t)(l->end - l->at) > ahead && l->at[ahead] == c;
}

/* Moves to `to`, counting lines on the way. */
static void move_to(struct lexer *l, const char *to)
{
    const char *newline;
    while (l->at < to && (newline = memchr(l->at, '\n', (size_t)(to - l->at))) != NULL) {
        l->line++;
        l->at = l->line_start = newline + 1;
    }
    l->at = to;
}

static const char *end_of_line(const struct lexer *l)
{
    const char *newline = memchr(l->at, '\n', (size_t)(l->end - l->at));
    return newline != NULL ? newline : l->end;
}

/* Past a comment that starts here; false if its end is missing. */
static bool skip_block_comment(struct lexer *l)
{
    size_t depth = 0;
    const char *p = l->at;
    while (p + 1 < l->end) {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p[0] == '*' && p[1] == '/') {
            p += 2;
            if (--depth == 0) {
                move_to(l, p);
                return true;
            }
        } else {
            p++;
        }
    }
    return false;
}

/* Past blanks and comments. Returns false at a comment without end. */
static bool skip_blank(struct lexer *l, bool *crossed_line)
{
    uint32_t line = l->line;
    while (l->at < l->end) {
        char c = *l->at;
        if (c == '\n') {
            move_to(l, l->at + 1);
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
            l->at++;
        } else if (c == '#' || (c == '-' && has(l, 1, '-')) || (c == '/' && has(l, 1, '/'))) {
            l->at = end_of_line(l);
        } else if (c == '/' && has(l, 1, '*')) {
            if (!skip_block_comment(l))
                return false;
        } else {
            break;
        }
    }
    *crossed_line = l->line != line;
    return true;
}

/* The end of the quoted text that starts at l->at, or NULL if the file ends first. */
static const char *quoted_end(const struct lexer *l)
{
    char quote = *l->at;
    const char *p = l->at + 1;
    while (p < l->end) {
        if (*p == '\\' && p + 1 < l->end)
            p += 2;
        else if (*p != quote)
            p++;
        else if (p + 1 < l->end && p[1] == quote)
            p += 2;
        else
            return p + 1;
    }
    return NULL;
}

static const char *skip_digits(const char *p, const char *end, bool is_hex)
{
    while (p < end &&
           (is_digit(*p) || (is_hex && hex_value(*p) >= 0) ||
            (*p == '_' && p + 1 < end && (is_hex ? hex_value(p[1]) >= 0 : is_digit(p[1])))))
        p++;
    return p;
}

/* The end of the number at l->at; *mistake if it is none. After a dot (t.1.2) only digits count. */
static const char *number_end(const struct lexer *l, const char **mistake)
{
    const char *p = l->at, *end = l->end, *start = p;
    bool after_dot = l->last_kind == TOKEN_SYMBOL && l->last_symbol == '.';
    bool is_hex = false;

    if (!after_dot && *p == '0' && p + 2 < end && (p[1] | 0x20) == 'x' && hex_value(p[2]) >= 0) {
        is_hex = true;
        p = skip_digits(p + 2, end, true);
    } else if (!after_dot && *p == '0' && p + 2 < end && (p[1] | 0x20) == 'b' &&
               (p[2] == '0' || p[2] == '1')) {
        for (p += 2; p < end && (*p == '0' || *p == '1' || *p == '_');)
            p++;
    } else {
        p = skip_digits(p, end, false);
        if (!after_dot && p < end && *p == '.')
            p = skip_digits(p + 1, end, false);
    }
    if (!after_dot && p < end && (*p | 0x20) == (is_hex ? 'p' : 'e')) {
        const char *digits = p + 1;
        if (digits < end && (*digits == '+' || *digits == '-'))
            digits++;
        if (digits < end && is_digit(*digits))
            p = skip_digits(digits, end, false);
    }
    if (p < end && is_word_char(*p)) {
        while (p < end && is_word_char(*p))
            p++;
        *mistake = is_digit(*start) ? "this is neither a number nor a name (names that start with "
                                      "a digit go into backquotes)"
                                    : "malformed number";
    }
    return p;
}

static bool dot_is_access(const struct lexer *l)
{
    return l->last_kind == TOKEN_WORD || l->last_kind == TOKEN_QUOTED ||
           l->last_kind == TOKEN_NUMBER ||
           (l->last_kind == TOKEN_SYMBOL &&
            (l->last_symbol == ')' || l->last_symbol == ']' || l->last_symbol == '.'));
}

static uint16_t symbol_at(const struct lexer *l)
{
    static const char pairs[][3] = {"==", "!=", "<>", "<=", ">=", "||", "::", "->"};
    if (l->end - l->at >= 2)
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
            if (l->at[0] == pairs[i][0] && l->at[1] == pairs[i][1])
                return SYMBOL((uint8_t)l->at[0], (uint8_t)l->at[1]);
    return strchr("()[]{},;.*/%+-=<>?:@", *l->at) != NULL && *l->at != '\0' ? (uint8_t)*l->at : 0;
}

/* A run of bytes that cannot start a token, told apart where a person would know the cause. */
static const char *stray_end(const struct lexer *l, const char **mistake)
{
    const char *p = l->at;
    struct str rest = {p, (size_t)(l->end - p)};

    if (str_starts(rest, "\xe2\x80\x98") || str_starts(rest, "\xe2\x80\x99") ||
        str_starts(rest, "\xe2\x80\x9c") || str_starts(rest, "\xe2\x80\x9d")) {
        *mistake = "typographic quote; texts stand in plain quotes: 'text'";
        return p + 3;
    }
    if ((unsigned char)*p < 0x80) {
        *mistake = *p == '\0' ? "a NUL byte has no place here" : "this character has no place here";
        return p + 1;
    }
    *mistake = "a name with letters outside ASCII goes into backquotes";
    while (p < l->end && ((unsigned char)*p >= 0x80 || is_word_char(*p)))
        p++;
    return p;
}

struct token lexer_next(struct lexer *l)
{
    bool is_start = l->last_kind == TOKEN_END;
    bool crossed_line = false;
    struct token t = {.kind = TOKEN_END};
    bool blank_ok = skip_blank(l, &crossed_line);
    const char *start = l->at, *end = start;

    t.is_first_on_line = is_start || crossed_line;
    t.line = l->line;
    t.column = (uint32_t)(start - l->line_start) + 1;
    if (!blank_ok) {
        t.kind = TOKEN_MISTAKE;
        t.mistake = "this comment has no end";
        t.is_open_end = true;
        end = l->end;
    } else if (start == l->end) {
        t.text = (struct str){start, 0};
        return t;
    } else if (is_letter(*start)) {
        t.kind = TOKEN_WORD;
        while (end < l->end && is_word_char(*end))
            end++;
    } else if (is_digit(*start) ||
               (*start == '.' && l->end - start > 1 && is_digit(start[1]) && !dot_is_access(l))) {
        end = number_end(l, &t.mistake);
        t.kind = t.mistake != NULL ? TOKEN_MISTAKE : TOKEN_NUMBER;
    } else if (*start == '\'' || *start == '`' || *start == '"') {
        t.kind = *start == '\'' ? TOKEN_STRING : TOKEN_QUOTED;
        end = quoted_end(l);
        if (end == NULL) {
            /* Going on behind this line keeps the mistakes of the following statements in sight;
             * a few times only, as each looks through the rest of the file. */
            t.kind = TOKEN_MISTAKE;
            t.mistake = *start == '\'' ? "this text has no closing quote"
                                       : "this name has no closing quote";
            t.is_open_end = true;
            end = ++l->n_open_ends <= MAX_OPEN_ENDS ? end_of_line(l) : l->end;
        }
    } else if ((t.symbol = symbol_at(l)) != 0) {
        t.kind = TOKEN_SYMBOL;
        end = start + (t.symbol > 0xff ? 2 : 1);
    } else {
        t.kind = TOKEN_MISTAKE;
        end = stray_end(l, &t.mistake);
    }
    t.text = (struct str){start, (size_t)(end - start)};
    move_to(l, end);
    l->last_kind = t.kind;
    l->last_symbol = t.symbol;
    return t;
}

/* One escape at s[0] == '\\'; returns the bytes read. Unknown escapes keep their backslash, as
 * there. */
static size_t unescape(struct str s, char *out, size_t *n)
{
    static const char letters[] = "abefnrtv0", bytes[] = "\a\b\x1b\f\n\r\t\v\0";
    char c = s.n > 1 ? s.p[1] : '\\';

    if (s.n > 3 && c == 'x' && hex_value(s.p[2]) >= 0 && hex_value(s.p[3]) >= 0) {
        out[(*n)++] = (char)(hex_value(s.p[2]) << 4 | hex_value(s.p[3]));
        return 4;
    }
    if (c == 'N')
        return 2;
    const char *known = c != '\0' ? strchr(letters, c) : NULL;
    if (known != NULL) {
        out[(*n)++] = bytes[known - letters];
        return 2;
    }
    bool drops_backslash = c == '\\' || c == '\'' || c == '"' || c == '`' || c == '/' || c == '=' ||
                           (unsigned char)c < 0x20 || c == 0x7f;
    if (!drops_backslash)
        out[(*n)++] = '\\';
    out[(*n)++] = c;
    return s.n > 1 ? 2 : 1;
}

struct str token_unquote(struct arena *arena, const struct token *t)
{
    char quote = t->text.p[0];
    struct str s = {t->text.p + 1, t->text.n - 2};

    if (s.n == 0 || (memchr(s.p, '\\', s.n) == NULL && memchr(s.p, quote, s.n) == NULL))
        return s;
    char *out = arena_bytes(arena, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] == '\\') {
            i += unescape((struct str){s.p + i, s.n - i}, out, &n);
        } else {
            out[n++] = s.p[i];
            i += s.p[i] == quote ? 2 : 1;
        }
    }
    return (struct str){out, n};
}

bool token_is_word(const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && t->text.n == strlen(word) &&
           strncasecmp(t->text.p, word, t->text.n) == 0;
}
