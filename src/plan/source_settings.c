/* SPDX-License-Identifier: Apache-2.0
 *
 * SETTINGS behind a source's FORMAT: ClickHouse's names. One row a setting: what it takes, where
 * it goes, which formats it is for. What ClickHouse has and weir has not is refused with what to
 * do instead. */
#include "plan/source_settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "expr/regex.h"
#include "plan/scope.h"

enum value_form {
    FLAG,
    NOT, /* a flag that is on by default: the field is its opposite */
    BYTE,
    COUNT_OF,
    TEXT,
    TIMES,
    ESCAPING,
    ONLY, /* the one value that weir has */
};

enum {
    OF_CSV = 1,
    OF_TSV = 2,
    OF_REGEXP = 4,
    OF_NAMES = 8,
    OF_CELLS = OF_CSV | OF_TSV,
    OF_ALL = 7
};

#define AT(field) offsetof(struct decoder_spec, field)

static const struct row {
    const char *name;
    enum value_form form;
    unsigned formats;
    size_t at;
    const char *only, *instead; /* ONLY */
} rows[] = {
    {"format_csv_delimiter", BYTE, OF_CSV, AT(delimiter), NULL, NULL},
    {"format_csv_allow_single_quotes", FLAG, OF_CSV, AT(cells.allows_single_quotes), NULL, NULL},
    {"format_csv_allow_double_quotes", NOT, OF_CSV, AT(cells.refuses_double_quotes), NULL, NULL},
    {"format_csv_null_representation", TEXT, OF_CSV, AT(cells.null_text), NULL, NULL},
    {"input_format_csv_empty_as_default", NOT, OF_CSV, AT(cells.is_empty_a_value), NULL, NULL},
    {"input_format_csv_trim_whitespaces", NOT, OF_CSV, AT(cells.keeps_blanks), NULL, NULL},
    {"input_format_csv_allow_whitespace_or_tab_as_delimiter", FLAG, OF_CSV,
     AT(cells.has_blank_delimiter), NULL, NULL},
    {"input_format_csv_allow_variable_number_of_columns", FLAG, OF_CSV, AT(cells.takes_any_width),
     NULL, NULL},
    {"input_format_csv_use_default_on_bad_values", FLAG, OF_CSV, AT(cells.takes_bad_values), NULL,
     NULL},
    {"input_format_csv_skip_first_lines", COUNT_OF, OF_CSV, AT(cells.skip_lines), NULL, NULL},
    {"input_format_csv_detect_header", FLAG, OF_CSV, AT(detects_header), NULL, NULL},
    {"format_tsv_null_representation", TEXT, OF_TSV, AT(cells.null_text), NULL, NULL},
    {"input_format_tsv_empty_as_default", FLAG, OF_TSV, AT(cells.is_empty_the_default), NULL, NULL},
    {"input_format_tsv_allow_variable_number_of_columns", FLAG, OF_TSV, AT(cells.takes_any_width),
     NULL, NULL},
    {"input_format_tsv_skip_first_lines", COUNT_OF, OF_TSV, AT(cells.skip_lines), NULL, NULL},
    {"input_format_tsv_crlf_end_of_line", FLAG, OF_TSV, AT(cells.ends_with_return), NULL, NULL},
    {"input_format_tsv_detect_header", FLAG, OF_TSV, AT(detects_header), NULL, NULL},
    {"input_format_with_names_use_header", NOT, OF_CELLS | OF_NAMES, AT(cells.is_by_order), NULL,
     NULL},
    {"input_format_with_types_use_header", NOT, OF_CELLS | OF_NAMES, AT(cells.ignores_types), NULL,
     NULL},
    {"input_format_null_as_default", NOT, OF_CELLS, AT(cells.refuses_null), NULL, NULL},
    {"date_time_input_format", TIMES, OF_CELLS, AT(cells.times), NULL, NULL},
    {"bool_true_representation", TEXT, OF_CELLS, AT(cells.true_text), NULL, NULL},
    {"bool_false_representation", TEXT, OF_CELLS, AT(cells.false_text), NULL, NULL},
    {"format_regexp", TEXT, OF_REGEXP, AT(pattern), NULL, NULL},
    {"format_regexp_escaping_rule", ESCAPING, OF_REGEXP, AT(escaping), NULL, NULL},
    {"format_regexp_skip_unmatched", FLAG, OF_REGEXP, AT(skips_unmatched), NULL, NULL},

    {"input_format_skip_unknown_fields", ONLY, OF_ALL, 0, "1",
     "columns of the file that nobody defines are passed over"},
    {"input_format_defaults_for_omitted_fields", ONLY, OF_ALL, 0, "1",
     "fields that are not there are DEFAULTs"},
    {"input_format_csv_skip_trailing_empty_lines", ONLY, OF_CSV, 0, "1",
     "empty lines are no records, wherever they are"},
    {"input_format_tsv_skip_trailing_empty_lines", ONLY, OF_TSV, 0, "1",
     "empty lines are no records, wherever they are"},
    {"input_format_csv_allow_cr_end_of_line", ONLY, OF_CSV, 0, "0",
     "lines end by LF or CR LF: tr '\\\\r' '\\\\n' turns others"},
    {"input_format_csv_arrays_as_nested_csv", ONLY, OF_CSV, 0, "0",
     "arrays are read as ['a','b']; else read a String and use splitByChar"},
    {"input_format_csv_enum_as_number", ONLY, OF_CSV, 0, "0",
     "read an Int8 and CAST it to the Enum"},
    {"input_format_tsv_enum_as_number", ONLY, OF_TSV, 0, "0",
     "read an Int8 and CAST it to the Enum"},
    {"input_format_csv_missing_nullable_as_empty_string", ONLY, OF_CSV, 0, "0",
     "ifNull(x, '') gives an empty text"},
    {"input_format_csv_deserialize_separate_columns_into_tuple", ONLY, OF_CSV, 0, "0",
     "a Tuple is one field: (1,'a')"},
    {"input_format_allow_errors_num", ONLY, OF_ALL, 0, "0",
     "every record that cannot be read is kept as a reject"},
    {"input_format_allow_errors_ratio", ONLY, OF_ALL, 0, "0",
     "every record that cannot be read is kept as a reject"},
};

static const struct row *find_row(struct str name)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}

static bool is_flag(struct str v, bool *ret)
{
    *ret = str_is(v, "1") || str_is(v, "true");
    return *ret || str_is(v, "0") || str_is(v, "false");
}

static bool time_reading_of(struct str v, enum time_reading *ret)
{
    *ret = str_is(v, "basic")            ? TIMES_BASIC
           : str_is(v, "best_effort_us") ? TIMES_BEST_EFFORT_US
                                         : TIMES_BEST_EFFORT;
    return *ret != TIMES_BEST_EFFORT || str_is(v, "best_effort");
}

/* Writes the value to its place. Answers NULL, or what the setting takes. */
static const char *apply(struct decoder_spec *spec, const struct row *row, struct str v)
{
    char *to = (char *)spec + row->at;
    char digits[16];
    bool flag;

    switch (row->form) {
    case FLAG:
    case NOT:
        if (!is_flag(v, &flag))
            return "0 or 1";
        *(bool *)to = flag == (row->form == FLAG);
        return NULL;
    case BYTE:
        if (v.n != 1 || *v.p == '"' || *v.p == '\'' || *v.p == '\n' || *v.p == '\r')
            return "one byte, no quote and no line end";
        *to = *v.p;
        return NULL;
    case COUNT_OF:
        if (v.n == 0 || v.n > 6)
            return "a number of lines up to 999999";
        for (size_t i = 0; i < v.n; i++)
            if (v.p[i] < '0' || v.p[i] > '9')
                return "a number of lines up to 999999";
        snprintf(digits, sizeof(digits), "%.*s", STR_FMT(v));
        *(uint32_t *)to = (uint32_t)strtoul(digits, NULL, 10);
        return NULL;
    case TEXT: *(struct str *)to = v; return NULL;
    case TIMES:
        return time_reading_of(v, (enum time_reading *)to) ? NULL
                                                           : "best_effort, best_effort_us or basic";
    case ESCAPING:
        *(enum regexp_escaping *)to = str_is(v, "Escaped") ? REGEXP_ESCAPED
                                      : str_is(v, "CSV")   ? REGEXP_CSV
                                                           : REGEXP_RAW;
        return str_is(v, "Raw") || str_is(v, "Escaped") || str_is(v, "CSV") ? NULL
                                                                            : "Raw, Escaped or CSV";
    case ONLY:
        return str_is(v, row->only) || (is_flag(v, &flag) && flag == (*row->only == '1'))
                   ? NULL
                   : row->only;
    }
    return NULL;
}

void source_settings_init(struct decoder_spec *spec)
{
    spec->detects_header = true;
}

bool source_setting_apply(struct decoder_spec *spec, struct str name, struct str value)
{
    const struct row *row = find_row(name);
    return row && apply(spec, row, value) == NULL;
}

void source_settings_apply(struct decoder_spec *spec, const struct source_def *def)
{
    source_settings_init(spec);
    for (uint32_t i = 0; i < def->n_settings; i++)
        (void)source_setting_apply(spec, def->settings[i].name, def->settings[i].value);
}

const char *source_setting_name(size_t i)
{
    return i < COUNT(rows) ? rows[i].name : NULL;
}

/* ---- checks ---- */

static unsigned formats_of(enum format f)
{
    return format_is_csv(f)     ? OF_CSV
           : format_is_tsv(f)   ? OF_TSV
           : f == FORMAT_REGEXP ? OF_REGEXP
                                : 0;
}

static void check_value(struct diagnostics *d, const struct source_def *def,
                        const struct setting *s, const struct row *row)
{
    struct decoder_spec spec = {0};
    const char *problem = apply(&spec, row, s->value);

    if (problem && row->form == ONLY)
        diagnose_error(d, s->value_at, row->instead, "%.*s is always %s here", STR_FMT(s->name),
                       problem);
    else if (problem)
        diagnose_error(d, s->value_at, NULL, "%.*s is %s", STR_FMT(s->name), problem);
    if (def->format != FORMAT_NONE && row->form != ONLY &&
        (row->formats & formats_of(def->format)) == 0)
        diagnose_error(d, s->at, NULL, "%.*s is no setting of FORMAT %s", STR_FMT(s->name),
                       format_name(def->format));
    if (row->at == AT(cells.null_text) && (memchr(s->value.p, '"', s->value.n) != NULL ||
                                           memchr(s->value.p, '\n', s->value.n) != NULL))
        diagnose_error(d, s->value_at, NULL, "%.*s has no quotes and no line ends",
                       STR_FMT(s->name));
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

static void refuse_unknown(struct diagnostics *d, const char *whose, const struct setting *s)
{
    const char *names[COUNT(rows)];
    char hint[120];

    for (size_t i = 0; i < COUNT(rows); i++)
        names[i] = rows[i].name;
    const char *near = nearest_name(s->name, names, COUNT(names));
    bool is_custom =
        str_starts(s->name, "format_custom_") || str_starts(s->name, "input_format_custom_");
    if (is_custom)
        snprintf(hint, sizeof(hint),
                 "CustomSeparated is not there: CSV with format_csv_delimiter, or Regexp");
    else
        snprintf(hint, sizeof(hint), "did you mean %s?", near ? near : "");
    diagnose_error(d, s->at, near || is_custom ? hint : NULL, "a %s has no setting %.*s", whose,
                   STR_FMT(s->name));
}

/* Formats of lines: is there such a field? */
static void check_field_name(struct diagnostics *d, const struct source_def *def,
                             const struct column_def *c)
{
    const char *const *names = decoder_names(def->format);
    bool is_read = c->mode != COLUMN_MATERIALIZED && c->mode != COLUMN_ALIAS;
    struct str path = c->has_from ? c->from : c->name;
    size_t n = 0;
    if (names == NULL || !is_read)
        return;
    for (; names[n] != NULL; n++)
        if (str_is(path, names[n]))
            return;
    AUTO_DONE(buf) all = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    const char *near = nearest_name(path, names, n);
    AUTO_MEM char *hint =
        near ? xasprintf("did you mean %s?", near) : xasprintf("it has %s", buf_cstr(&all));
    diagnose_error(d, c->at, hint, "FORMAT %s has no field '%.*s'", format_name(def->format),
                   STR_FMT(path));
}

/* Formats of whole lines have one column. */
static void check_whole_format(struct diagnostics *d, const struct source_def *def)
{
    size_t n_read = 0;
    for (size_t i = 0; i < def->n_columns; i++)
        n_read +=
            def->columns[i].mode != COLUMN_MATERIALIZED && def->columns[i].mode != COLUMN_ALIAS;
    if (format_is_whole(def->format) && n_read != 1)
        diagnose_error(d, def->format_at, "others are computed: x UInt32 MATERIALIZED …",
                       "FORMAT %s has one column, not %zu", format_name(def->format), n_read);
}

static void check_source_settings(struct diagnostics *d, const char *whose,
                                  const struct source_def *def)
{
    for (uint32_t i = 0; i < def->n_settings; i++) {
        const struct setting *s = &def->settings[i];
        const struct row *row = find_row(s->name);
        for (uint32_t k = 0; k < i; k++)
            if (str_eq(def->settings[k].name, s->name))
                diagnose_error(d, s->at, NULL, "%.*s is said twice", STR_FMT(s->name));
        if (row)
            check_value(d, def, s, row);
        else
            refuse_unknown(d, whose, s);
    }
    if (def->format == FORMAT_REGEXP)
        check_regexp(d, def);
}

void check_source_format(struct diagnostics *d, const char *whose, const struct source_def *def)
{
    check_whole_format(d, def);
    check_source_settings(d, whose, def);
    for (size_t i = 0; i < def->n_columns; i++)
        check_field_name(d, def, &def->columns[i]);
}
