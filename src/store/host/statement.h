/* SPDX-License-Identifier: Apache-2.0
 *
 * The shape of a statement's text, seen from outside: is it an INSERT whose data follows, where do
 * the data begin, which FORMAT does it name. Only a lexer and a few rules; parsing is the engine's
 * work. Nothing here touches the outside world, all of it takes any bytes. */
#ifndef STORE_HOST_STATEMENT_H
#define STORE_HOST_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum statement_kind {
    STATEMENT_EMPTY,       /* nothing but blanks, comments and semicolons */
    STATEMENT_SELECT,      /* rows come out: SELECT, WITH, FROM, ( */
    STATEMENT_INSERT_DATA, /* INSERT … FORMAT x or VALUES: the rest of the text is data */
    STATEMENT_OTHER,
};

/* Places are byte offsets into the scanned text. */
struct statement {
    enum statement_kind kind;
    struct str format; /* of the FORMAT clause, as written; empty without one. A view */
    size_t format_at;  /* the word FORMAT, == end without one */
    size_t head_end;   /* INSERT_DATA: end of the text before FORMAT or VALUES */
    size_t data_at;    /* INSERT_DATA: first byte of data */
    size_t end;        /* end of the statement, before a closing ';' and trailing comments */
    bool is_kill;
    int refused_code;    /* not 0: the text asks for something that is not given here */
    const char *refused; /* why, static */
};

enum statement_scan { SCAN_DONE, SCAN_NEEDS_MORE };

/* Reads the shape of `text`. With `is_whole` false the text is only its beginning: the answer
 * SCAN_NEEDS_MORE means that what has come does not decide it (for anything but an INSERT with data
 * that is always so). With `is_whole` it is always SCAN_DONE. */
enum statement_scan statement_scan(struct statement *ret, struct str text, bool is_whole);

/* Appends the statement to `out` with its result sent to the file `path` in `format` (used when the
 * text names none). `path` must not need quoting. */
void statement_write_to_file(struct buf *out, const struct statement *s, struct str text,
                             const char *path, struct str format);

/* Appends `text` to `out` with the column query_id replaced by an expression over `tag_setting`
 * that gives the id which the client chose: the engine makes ids of its own. For KILL QUERY. */
void statement_write_kill(struct buf *out, struct str text, const char *tag_setting);

/* Appends 'text' quoted for SQL, or `text` in backquotes. */
void sql_quote(struct buf *out, struct str text);
void sql_quote_name(struct buf *out, struct str name);

#endif
