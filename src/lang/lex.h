/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to tokens, with ClickHouse's rules. A lexer is a small value: copying it is how the
 * parser looks ahead. It allocates nothing; texts are views into the source. */
#ifndef LANG_LEX_H
#define LANG_LEX_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* bare: keyword or name */
    TOKEN_QUOTED, /* `name` or "name" */
    TOKEN_STRING, /* 'text' */
    TOKEN_NUMBER,
    TOKEN_SYMBOL,  /* one or two characters, in `symbol` */
    TOKEN_MISTAKE, /* `mistake` says what is wrong */
};

/* Symbols are compared as numbers: '(' or SYMBOL(':', ':'). */
#define SYMBOL(a, b) ((uint16_t)((a) | (b) << 8))

struct token {
    enum token_kind kind;
    uint16_t symbol;
    bool is_first_on_line;
    bool is_open_end;      /* a string or comment that the file's end cuts off */
    uint32_t line, column; /* from 1 */
    struct str text;       /* as written, quotes included */
    const char *mistake;
};

struct lexer {
    const char *at, *end, *line_start;
    uint32_t line;
    enum token_kind last_kind; /* decides whether ".1" is a number or the element of a tuple */
    uint16_t last_symbol;
    uint32_t n_open_ends; /* texts without closing quote so far */
};

void lexer_init(struct lexer *l, struct str text); /* a byte order mark is skipped */
struct token lexer_next(struct lexer *l);          /* TOKEN_END for ever at the end */

/* What stands between the quotes, escapes resolved as ClickHouse does. Copied into the arena
 * only where it differs from the source. */
struct str token_unquote(struct arena *arena, const struct token *t);

bool token_is_word(const struct token *t, const char *word); /* any case */

#endif
