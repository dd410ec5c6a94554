/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions that need no going back, matched without RE2: one thing after another, each a
 * text or a class of ASCII characters so or so many times, where what may follow a repeated class is
 * none of it; or a choice among texts.
 *
 *     port [0-9]+     ^/api/v([0-9]+)/     ([0-9]+)[.]([0-9]+)     (?i)(fail|error)     \s+
 *
 * Answers are RE2's. A compiled pattern is shared by threads. */
#ifndef EXPR_REGEX_LINE_H
#define EXPR_REGEX_LINE_H

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

struct regex_line;

/* NULL: the pattern is not of this kind (or is none at all). */
struct regex_line *regex_line_new(struct str pattern, bool any_case);
void regex_line_free(struct regex_line *r);

/* LINE_UNSURE: RE2 has to be asked, since the text is not ASCII or takes too many tries. */
enum line_answer { LINE_NO, LINE_YES, LINE_UNSURE };
/* As regex_find. */
enum line_answer regex_line_find(const struct regex_line *r, struct str text, size_t from,
                                 struct str *groups, size_t n_groups);
/* Where matches begin and end, in turns, one behind another; none is empty. SIZE_MAX where they have
 * to be looked for one by one. At most text.n + 1 places. */
size_t regex_line_all(const struct regex_line *r, struct str text, uint32_t *bounds);
/* A text that every match holds, for searching many rows at once; n = 0 if there is none. */
struct str regex_line_text(const struct regex_line *r, bool *any_case);

#ifdef __cplusplus
}
#endif

#endif
