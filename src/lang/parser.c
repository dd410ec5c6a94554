/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser's hands: tokens, places, mistakes. */
#include <ctype.h>
#include <stdio.h>

#include "lang/parse_priv.h"

/* ---- tokens ---- */

static struct place place_of(const struct parser *p, const struct token *t)
{
    size_t length = t->text.n;
    const char *newline = memchr(t->text.p, '\n', t->text.n);
    if (newline != NULL)
        length = (size_t)(newline - t->text.p);
    return (struct place){.file = p->file,
                          .line = t->line,
                          .column = t->column,
                          .length = length ? (uint32_t)length : 1};
}

static void read_token(struct parser *p)
{
    p->token = lexer_next(&p->lexer);
    if (p->token.kind != TOKEN_MISTAKE)
        return;
    /* One report a mess; but what swallows text must be said even so. */
    if (!p->in_panic || p->token.is_open_end)
        diagnose_error(p->d, place_of(p, &p->token), NULL, "%s", p->token.mistake);
    p->in_panic = true;
}

void parser_init(struct parser *p, struct arena *arena, struct diagnostics *d, uint16_t file,
                 struct str text)
{
    *p = (struct parser){.arena = arena, .d = d, .file = file, .last_end = text.p};
    lexer_init(&p->lexer, text);
    read_token(p);
}

void advance(struct parser *p)
{
    if (p->token.kind == TOKEN_END)
        return;
    p->last_line = p->lexer.line;
    p->last_column = (uint32_t)(p->lexer.at - p->lexer.line_start) + 1;
    p->last_end = p->lexer.at;
    if (at_symbol(p, '(') || at_symbol(p, '['))
        p->brackets++;
    else if ((at_symbol(p, ')') || at_symbol(p, ']')) && p->brackets > 0)
        p->brackets--;
    read_token(p);
}

struct token token_after(const struct parser *p)
{
    struct lexer l = p->lexer;
    return lexer_next(&l);
}

bool at_symbol(const struct parser *p, uint16_t symbol)
{
    return p->token.kind == TOKEN_SYMBOL && p->token.symbol == symbol;
}

bool at_word(const struct parser *p, const char *word)
{
    return token_is_word(&p->token, word);
}

bool at_end_of_statement(const struct parser *p)
{
    /* No statement stands inside another: where a line begins with CREATE only the ';' is
     * missing. */
    bool is_next = p->token.is_first_on_line && p->brackets == 0 && at_word(p, "CREATE");
    return p->token.kind == TOKEN_END || at_symbol(p, ';') || is_next;
}

bool accept_symbol(struct parser *p, uint16_t symbol)
{
    if (!at_symbol(p, symbol))
        return false;
    advance(p);
    return true;
}

bool accept_word(struct parser *p, const char *word)
{
    if (!at_word(p, word))
        return false;
    advance(p);
    return true;
}

bool expect_symbol(struct parser *p, uint16_t symbol, const char *where)
{
    if (accept_symbol(p, symbol))
        return !p->in_panic;
    char what[128];
    snprintf(what, sizeof(what), "'%c' %s", (char)symbol, where);
    mistake_expected(p, what);
    return false;
}

bool expect_word(struct parser *p, const char *word, const char *where)
{
    if (accept_word(p, word))
        return !p->in_panic;
    char what[128];
    snprintf(what, sizeof(what), "%s %s", word, where);
    mistake_expected(p, what);
    return false;
}

void skip_brackets(struct parser *p)
{
    size_t depth = 0;
    do {
        if (at_symbol(p, '('))
            depth++;
        else if (at_symbol(p, ')'))
            depth--;
        advance(p);
    } while (depth > 0 && !at_end_of_statement(p));
}

/* ---- places ---- */

struct place place_here(const struct parser *p)
{
    return place_of(p, &p->token);
}

struct place place_since(const struct parser *p, struct place start)
{
    if (p->last_line == start.line && p->last_column > start.column)
        start.length = p->last_column - start.column;
    else if (p->last_line > start.line)
        start.length = UINT32_MAX; /* to the end of its line */
    return start;
}

/* ---- mistakes ---- */

static void report(struct parser *p, struct place at, const char *suggestion, const char *fmt,
                   va_list args)
{
    char text[512];
    vsnprintf(text, sizeof(text), fmt, args);
    diagnose_error(p->d, at, suggestion, "%s", text);
}

void mistake(struct parser *p, struct place at, const char *suggestion, const char *fmt, ...)
{
    if (p->in_panic)
        return;
    va_list args;
    va_start(args, fmt);
    report(p, at, suggestion, fmt, args);
    va_end(args);
    p->in_panic = true;
}

void refuse(struct parser *p, struct place at, const char *suggestion, const char *fmt, ...)
{
    if (p->in_panic)
        return;
    va_list args;
    va_start(args, fmt);
    report(p, at, suggestion, fmt, args);
    va_end(args);
}

void mistake_expected(struct parser *p, const char *what)
{
    if (p->token.kind == TOKEN_END) {
        /* Pointing behind the last token says more than the end of the file does. */
        struct place at = place_here(p);
        if (p->last_line > 0)
            at = (struct place){p->file, p->last_line, p->last_column, 1};
        mistake(p, at, NULL, "expected %s, found the end of the text", what);
        return;
    }
    struct str found = p->token.text;
    bool is_long = found.n > 40 || memchr(found.p, '\n', found.n) != NULL;
    if (is_long)
        mistake(p, place_here(p), NULL, "expected %s", what);
    else
        mistake(p, place_here(p), NULL, "expected %s, found %.*s", what, STR_FMT(found));
}

const char *suggest(struct parser *p, struct str word, const char *const *names, size_t n)
{
    const char *near = nearest_name(word, names, n);
    return near != NULL ? arena_printf(p->arena, "did you mean %s?", near) : NULL;
}

const char *suggest_keyword(struct parser *p, struct str word, const char *const *names, size_t n)
{
    char upper[32];
    if (word.n > sizeof(upper))
        return NULL;
    for (size_t i = 0; i < word.n; i++)
        upper[i] = (char)toupper((unsigned char)word.p[i]);
    return suggest(p, (struct str){upper, word.n}, names, n);
}

/* Doubled at 8, 16, ... */
void *room_for_one(struct parser *p, void *items, uint32_t n, size_t bytes)
{
    bool is_full = n == 0 || (n >= 8 && (n & (n - 1)) == 0);
    if (!is_full)
        return items;
    void *grown = arena_alloc(p->arena, (n == 0 ? 8 : (size_t)n * 2) * bytes);
    if (n > 0)
        memcpy(grown, items, n * bytes);
    return grown;
}
