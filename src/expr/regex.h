/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions by RE2, read as ClickHouse reads them: the dot takes newlines, text is
 * UTF-8, and a pattern without operators is searched for as plain text. A compiled pattern is
 * shared by threads. */
#ifndef EXPR_REGEX_H
#define EXPR_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* A text without which there is no match, to look for in many rows at once; n = 0: none. */
struct str regex_required(const struct regex *r, bool *any_case);

/* Is there a match anywhere in the text? */
bool regex_matches(const struct regex *r, struct str text);
/* The first match at or behind `from`, of which ^ and \b still see what is before: groups[0] is
 * the whole; groups without part in it have p == NULL. n_groups <= regex_n_groups + 1. */
bool regex_find(const struct regex *r, struct str text, size_t from, struct str *groups,
                size_t n_groups);

/* Many patterns looked for in one pass, read as multiMatchAny reads them: $ matches before a
 * newline at the end, too, and \s takes the vertical tab. NULL with the reason in `why`. */
struct regex_set;
struct regex_set *regex_set_new(const struct str *patterns, size_t n, char *why, size_t why_bytes);
void regex_set_free(struct regex_set *s);
bool regex_set_matches(const struct regex_set *s, struct str text);
/* The pattern, from 1, of which a match ends before all matches of others (of several such the
 * first); 0 if none matches. */
size_t regex_set_first(const struct regex_set *s, struct str text);
/* All matches of a text at once, if that can be done: their begins and ends in turns, at most
 * text.n + 1 places; none is empty. Else SIZE_MAX. */
size_t regex_find_all(const struct regex *r, struct str text, uint32_t *bounds);

#ifdef __cplusplus
}
#endif

#endif
