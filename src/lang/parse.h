/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to definitions. All mistakes of all files are found in one run; after a mistake the
 * parser goes on at the next statement. */
#ifndef LANG_PARSE_H
#define LANG_PARSE_H

#include "lang/ast.h"

struct diagnostic {
    struct place at;
    bool is_warning;
    char *text;       /* "unknown function 'foo'" */
    char *suggestion; /* "did you mean 'for'?" or NULL */
};

struct diagnostics {
    struct diagnostic *items;
    size_t n, cap;
    size_t n_errors;
    size_t n_repeated; /* of n_errors: the same said again of the same place, not among the items */
};

void diagnostics_done(struct diagnostics *d);
void diagnose(struct diagnostics *d, struct place at, bool is_warning, const char *suggestion,
              const char *fmt, ...) __attribute__((format(printf, 5, 6)));
#define diagnose_error(d, at, suggestion, ...) diagnose(d, at, false, suggestion, __VA_ARGS__)
#define diagnose_warning(d, at, suggestion, ...) diagnose(d, at, true, suggestion, __VA_ARGS__)

/* "net.sql:12:9: error: …", the line, a caret, the suggestion; sorted by place. */
void diagnostics_print(struct buf *out, const struct diagnostics *d,
                       const struct definitions *defs);

/* The same, in the same order, as a JSON array for editors:
 * {"file", "line", "column", "endLine", "endColumn", "severity", "message", "suggestion"}; columns from
 * 1 in bytes, the end one behind; line 0: of no place. */
void diagnostics_print_json(struct buf *out, const struct diagnostics *d,
                            const struct definitions *defs);

/* Adds a file's statements. `path` names it in messages. Mistakes go to d; the return value is
 * not ERR_OK only if the file cannot be read. definitions: zeroed = empty. */
MUST_CHECK enum err_code definitions_read_file(struct definitions *defs, const char *path,
                                               struct diagnostics *d, struct err *e);
void definitions_read_text(struct definitions *defs, const char *path, struct str text,
                           struct diagnostics *d);
void definitions_done(struct definitions *defs);

/* One expression from text (tests, tools). NULL after a mistake. */
struct ast *parse_expression(struct arena *arena, struct str text, struct diagnostics *d);

/* SQL text of a node that ClickHouse reads back as the same expression. Names are quoted where
 * needed. */
void ast_print(struct buf *out, const struct ast *node);
/* A column name as ClickHouse would give an unnamed item: the expression's text. */
struct str ast_default_name(struct arena *arena, const struct ast *node);
bool ast_equal(const struct ast *a, const struct ast *b); /* places do not count */

/* `name` with backquotes where it is not a plain identifier; 'text' with ClickHouse's escapes. */
void print_identifier(struct buf *out, struct str name);
void print_string_literal(struct buf *out, struct str text);

/* "7 DAY": part of fingerprints, does not change */
void duration_print(struct buf *out, struct duration d);
void duration_say(struct buf *out, struct duration d);   /* "7 DAYS", "1 DAY": for people */
const char *interval_unit_name(enum interval_unit unit); /* "DAY" */

DEFINE_AUTO_DONE(diagnostics)
DEFINE_AUTO_DONE(definitions)

#endif
