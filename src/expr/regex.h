/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions by RE2, read as ClickHouse reads them: the dot takes newlines, text is
 * UTF-8, and a pattern without operators is searched for as plain text. A compiled pattern is
 * shared by threads. */
#ifndef EXPR_REGEX_H
#define EXPR_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

struct regex;

enum regex_flags {
    REGEX_ANY_CASE = 1,
    /* always RE2, also for what ClickHouse takes for plain text: replaceRegexp… */
    REGEX_STRICT = 2,
};

/* NULL, with the reason in `why`, where the pattern is none. */
struct regex *regex_new(struct str pattern, unsigned flags, char *why, size_t why_bytes);
void regex_free(struct regex *r);
size_t regex_n_groups(const struct regex *r); /* without the whole match */
/* The text that the pattern is, without operators; NULL if it is not so. */
const struct str *regex_literal(const struct regex *r);
/* Is there a | of which one side has to match? As ClickHouse sees it: not in groups that may
 * lack. */
bool regex_has_choice(const struct regex *r);

/* Is there a match anywhere in the text? */
bool regex_matches(const struct regex *r, struct str text);
/* The first match at or behind `from`, of which ^ and \b still see what is before: groups[0] is
 * the whole; groups without part in it have p == NULL. n_groups <= regex_n_groups + 1. */
bool regex_find(const struct regex *r, struct str text, size_t from, struct str *groups,
                size_t n_groups);

#ifdef __cplusplus
}
#endif

#endif
