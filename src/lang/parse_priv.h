/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser's state, and what parser.c, expression.c, clause.c, source.c, select.c and statement.c
 * give one another.
 *
 * A mistake sets `in_panic`: everything returns, nothing more is reported, until somebody who
 * knows where to go on (the next column, the next statement) clears it. A refusal (parsed, but
 * not there yet) is reported without panic, so that the rest of the statement is still looked
 * at. */
#ifndef LANG_PARSE_PRIV_H
#define LANG_PARSE_PRIV_H

#include "column/zone.h"
#include "lang/lex.h"
#include "lang/parse.h"

enum {
    MAX_NESTING = 200, /* brackets in brackets: what the parser's own recursion reaches */
    MAX_HEIGHT = 1000, /* of a tree: 1 + 1 + 1 + ... is deep without brackets */
    MAX_SHARED = 1000, /* nodes left of BETWEEN, which are there twice */
    MAX_COLUMNS = 4096,
    MAX_FILE_BYTES = 16 << 20,
};

struct parser {
    struct lexer lexer;              /* behind `token` */
    struct token token;              /* the one looked at */
    uint32_t last_line, last_column; /* where the token before it ended (column: one behind) */
    const char *last_end;
    struct arena *arena;
    struct diagnostics *d;
    uint16_t file;
    bool in_panic;
    unsigned nesting;
    unsigned brackets; /* round and square ones open before `token`, in this statement */
    unsigned height;   /* of the tree returned last */
    const struct ast *in_brackets; /* the tree returned last, if it stood in round brackets */
};

void parser_init(struct parser *p, struct arena *arena, struct diagnostics *d, uint16_t file,
                 struct str text);

/* Tokens. */
void advance(struct parser *p);
struct token token_after(const struct parser *p); /* the one behind p->token */
bool at_symbol(const struct parser *p, uint16_t symbol);
bool at_word(const struct parser *p, const char *word);
bool at_end_of_statement(const struct parser *p); /* ';', the end, the next statement */
bool accept_symbol(struct parser *p, uint16_t symbol);
bool accept_word(struct parser *p, const char *word);
bool expect_symbol(struct parser *p, uint16_t symbol, const char *where);
bool expect_word(struct parser *p, const char *word, const char *where);
void skip_brackets(struct parser *p); /* at '(': behind its ')' or at the end of the statement */

/* The list of n items, or a copy in the arena with room for one more. All growth of it goes
 * through here. */
void *room_for_one(struct parser *p, void *items, uint32_t n, size_t bytes);

/* Places. */
struct place place_here(const struct parser *p);                      /* of p->token */
struct place place_since(const struct parser *p, struct place start); /* start .. last token */

/* Mistakes. */
void mistake(struct parser *p, struct place at, const char *suggestion, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void mistake_expected(struct parser *p, const char *what); /* "expected WHAT, found 'x'" */
void refuse(struct parser *p, struct place at, const char *suggestion, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* "did you mean 'x'?" for a word of the program, or NULL; lives in the arena. */
const char *suggest(struct parser *p, struct str word, const char *const *names, size_t n);
const char *suggest_keyword(struct parser *p, struct str word, const char *const *names,
                            size_t n); /* any case */

/* expression.c. NULL: reported, in panic. */
struct ast *expression(struct parser *p);
bool word_is_unit(struct str word, enum interval_unit *unit);
/* A type's text as ClickHouse writes it, n = 0 in panic. */
struct str type_text(struct parser *p);
struct ast_list {
    struct ast **items;
    uint32_t n, cap;
};
void ast_list_add(struct parser *p, struct ast_list *list, struct ast *node);
bool expression_list(struct parser *p, struct ast_list *list); /* e, e, … */
bool key_list(struct parser *p, struct ast_list *list);        /* e, e, … or (e, e, …) */

/* Between expression.c and operand.c. `height` is that of the highest argument; a tree's own is
 * left in p->height. */
struct ast *ast_leaf(struct parser *p, enum ast_kind kind, struct place at, struct str text);
struct ast *ast_call(struct parser *p, struct place at, const char *name, unsigned height,
                     struct ast_list args);
struct ast *ast_call2(struct parser *p, struct place at, const char *name, unsigned height,
                      struct ast *a, struct ast *b); /* b may be NULL */
struct ast *climb(struct parser *p, int min); /* operators that bind at least as tightly as `min` */
struct ast *operand(struct parser *p);
struct ast *parse_cast(struct parser *p, struct place at, struct ast *value, unsigned height);
struct ast *number_literal(struct parser *p, struct place at, bool is_negative);
bool token_is_number_word(const struct token *t); /* inf, nan */
static inline unsigned higher(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* clause.c. False in panic. */
bool name_here(struct parser *p, const char *what, struct str *ret); /* an identifier */
bool string_here(struct parser *p, const char *what, struct str *ret);
enum duration_use { DURATION_POSITIVE, DURATION_ANY };
bool duration_here(struct parser *p, struct duration *ret, enum duration_use use);
enum keep_of { KEEP_OF_ROWS, KEEP_OF_TIER };                         /* rows may say ORDER BY */
bool keep_here(struct parser *p, struct keep *ret, enum keep_of of); /* behind KEEP */
bool setting_here(struct parser *p, struct setting *ret); /* name = literal, no secrets */
bool settings_here(struct parser *p, struct setting **ret, uint32_t *n);

/* from.c: at merge, whose '(' follows; at [LEFT | INNER] ARRAY JOIN, which is added to the list. */
bool at_merge(const struct parser *p);
bool merge_here(struct parser *p, struct str *pattern);
bool at_array_join(const struct parser *p);
bool array_join_here(struct parser *p, struct array_join **joins, uint32_t *n,
                     const char *const *clauses);

/* Clauses, by the NULL-terminated list of the words that begin one. */
void skip_to_clause(struct parser *p,
                    const char *const *words); /* or to the end of the statement */
bool resume_at_clause(struct parser *p,
                      const char *const *words); /* after panic; false: none follows */
/* After panic in a list whose items stand `brackets` deep: at the next ',' or ')' there, or a
 * clause. */
bool resume_in_list(struct parser *p, unsigned brackets, const char *const *words);
void unexpected_clause(struct parser *p, const char *const *words);
/* A clause given twice is refused. `seen` is a set of bits. */
void check_once(struct parser *p, uint32_t *seen, uint32_t bit, const char *clause);

/* source.c: parts that CREATE LOOKUP has, too. lookup: NULL, or takes the PRIMARY KEY among the
 * columns. */
bool source_columns(struct parser *p, struct source_def *s, struct lookup_def *lookup);
bool source_files(struct parser *p, struct source_def *s);
bool source_format(struct parser *p, struct source_def *s);
bool lookup_key(struct parser *p, struct lookup_def *l); /* lookup.c: at PRIMARY */

/* source.c, lookup.c, select.c, function.c: behind CREATE SOURCE, LOOKUP, STREAM, METRIC, FUNCTION.
 * False in panic; what went before is filled. */
bool source_statement(struct parser *p, struct source_def *s);
bool lookup_statement(struct parser *p, struct lookup_def *l);
bool stream_statement(struct parser *p, struct stream_def *s);
bool metric_statement(struct parser *p, struct metric_def *m);
bool function_statement(struct parser *p, struct function_def *f);

#endif
