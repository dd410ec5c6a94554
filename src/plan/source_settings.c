/* SPDX-License-Identifier: Apache-2.0
 *
 * SETTINGS behind a source's FORMAT: ClickHouse's names, as far as weir has them. */
#include <stdio.h>

#include "expr/regex.h"
#include "plan/scope.h"

static const char *const names[] = {
    "format_csv_delimiter",
    "format_regexp",
    "format_regexp_escaping_rule",
    "format_regexp_skip_unmatched",
    NULL,
};

static bool is_known(struct str name)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

static void check_value(struct diagnostics *d, const struct setting *s)
{
    bool is_flag = str_is(s->name, "format_regexp_skip_unmatched");
    struct str v = s->value;

    if (str_is(s->name, "format_csv_delimiter") &&
        (v.n != 1 || *v.p == '"' || *v.p == '\n' || *v.p == '\r'))
        diagnose_error(d, s->value_at, NULL,
                       "format_csv_delimiter is one byte, no quote and no line end");
    if (is_flag && !str_is(v, "0") && !str_is(v, "1") && !str_is(v, "true") && !str_is(v, "false"))
        diagnose_error(d, s->value_at, NULL, "%.*s is 0 or 1", STR_FMT(s->name));
    bool is_rule = str_is(s->name, "format_regexp_escaping_rule");
    if (is_rule && !str_is(v, "Raw") && !str_is(v, "Escaped") && !str_is(v, "CSV"))
        diagnose_error(d, s->value_at, "there are Raw, Escaped and CSV",
                       "escaping rule '%.*s' is not there", STR_FMT(v));
}

static void check_regexp(struct diagnostics *d, const struct source_def *def)
{
    const struct setting *found = NULL;
    size_t n_columns = 0;
    char why[300];

    for (uint32_t i = 0; i < def->n_columns; i++)
        n_columns +=
            def->columns[i].mode != COLUMN_MATERIALIZED && def->columns[i].mode != COLUMN_ALIAS;
    for (uint32_t i = 0; i < def->n_settings; i++)
        if (str_is(def->settings[i].name, "format_regexp"))
            found = &def->settings[i];
    if (found == NULL) {
        diagnose_error(d, def->format_at,
                       "write FORMAT Regexp SETTINGS format_regexp = '(\\\\S+) (.*)'",
                       "FORMAT Regexp needs format_regexp, a pattern with one group a column");
        return;
    }
    struct regex *r = regex_new(found->value, REGEX_STRICT, why, sizeof(why));
    if (r == NULL)
        diagnose_error(d, found->value_at, NULL, "format_regexp: %s", why);
    else if (regex_n_groups(r) != n_columns)
        diagnose_error(d, found->value_at,
                       "one group a column, in order; (?:...) is a group that is none",
                       "format_regexp has %zu groups, the source has %zu columns",
                       regex_n_groups(r), n_columns);
    regex_free(r);
}

void check_source_settings(struct diagnostics *d, const struct source_def *def)
{
    for (uint32_t i = 0; i < def->n_settings; i++) {
        const struct setting *s = &def->settings[i];
        const char *near = nearest_name(s->name, names, COUNT(names) - 1);
        char hint[100];
        snprintf(hint, sizeof(hint), "did you mean %s?", near ? near : "");
        if (is_known(s->name))
            check_value(d, s);
        else
            diagnose_error(d, s->at, near ? hint : NULL, "a source has no setting %.*s",
                           STR_FMT(s->name));
    }
    if (def->format == FORMAT_REGEXP)
        check_regexp(d, def);
}
