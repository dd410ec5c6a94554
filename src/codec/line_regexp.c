/* SPDX-License-Identifier: Apache-2.0
 *
 * FORMAT Regexp: a record is a line that matches a pattern from its first byte to its last;
 * group i is column i. Expressions come from outside (struct pattern_engine): this folder has
 * none. */
#include "base/mem.h"
#include "codec/csv_priv.h"
#include "codec/line_priv.h"

const char line_skipped[] = "is passed over";

/* The whole line, as ClickHouse matches it. */
static struct regex *compile(const struct decoder_spec *s, char *why, size_t why_bytes)
{
    AUTO_DONE(buf) pattern = {0};

    buf_text(&pattern, "\\A(?:");
    buf_str(&pattern, s->pattern);
    buf_text(&pattern, ")\\z");
    return s->patterns->open(buf_view(&pattern), s->pattern_flags, why, why_bytes);
}

enum err_code regexp_check(const struct decoder_spec *s, struct err *e)
{
    char why[300] = "";

    if (s->patterns == NULL || s->pattern.n == 0)
        return err_set(e, ERR_INVALID,
                       "FORMAT Regexp needs format_regexp, a pattern with one group a column");
    struct regex *r = compile(s, why, sizeof(why));
    if (r == NULL)
        return err_set(e, ERR_SYNTAX, "format_regexp: %s", why);
    size_t n = s->patterns->n_groups(r);
    s->patterns->close(r);
    if (n != s->n_positions)
        return err_set(e, ERR_INVALID, "format_regexp has %zu groups, the source has %zu columns",
                       n, s->n_positions);
    return ERR_OK;
}

static const char *unescape_groups(struct line_decoder *d)
{
    enum regexp_escaping rule = d->base.spec.escaping;
    const struct csv_rules rules = {.dialect = rule == REGEXP_ESCAPED ? DIALECT_TSV : DIALECT_CSV,
                                    .delimiter = ','};

    for (size_t i = 0; i < d->n_cuts && rule != REGEXP_RAW; i++) {
        struct str *text = &d->cuts[i].text;
        if (text->p == NULL)
            continue;
        if (str_is(*text, "\\N")) {
            *text = (struct str){0};
            continue;
        }
        const char *reason = csv_cell_text(text, *text, &rules, d->arena);
        if (reason)
            return reason;
    }
    return NULL;
}

static const char *cut_groups(struct line_decoder *d, struct str line)
{
    const struct decoder_spec *s = &d->base.spec;

    if (!s->patterns->find(d->regex, line, 0, d->groups, d->n_cuts + 1))
        return s->skips_unmatched ? line_skipped : "does not match format_regexp";
    for (size_t i = 0; i < d->n_cuts; i++)
        d->cuts[i].text = d->groups[i + 1];
    return unescape_groups(d);
}

const struct line_format line_regexp = {FORMAT_REGEXP, NULL, cut_groups};

void regexp_open(struct line_decoder *d, const struct decoder_spec *s)
{
    char why[300];

    d->regex = compile(s, why, sizeof(why));
    d->n_cuts = s->n_positions;
    d->groups = xcalloc(d->n_cuts + 1, sizeof(*d->groups));
    d->cuts = xrealloc(d->cuts, (d->n_cuts + 1) * sizeof(*d->cuts));
    for (size_t i = 0; i < s->n_fields; i++)
        d->cut_of[i] = (int32_t)s->positions[i];
}
