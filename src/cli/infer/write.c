/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions as definitions (what a person edits next) and as lines on a terminal. */
#include "cli/infer/infer.h"

#include <ctype.h>
#include <limits.h>

#include "lang/parse.h"

static void put_name(struct buf *out, const char *name)
{
    static const char *const words[] = {
        "from",         "format",     "settings", "event", "watermark", "keep",  "default",
        "materialized", "ephemeral",  "alias",    "order", "group",     "by",    "where",
        "select",       "as",         "and",      "or",    "not",       "in",    "is",
        "null",         "case",       "when",     "then",  "else",      "end",   "between",
        "like",         "interval",   "distinct", "cast",  "primary",   "with",  "having",
        "limit",        "union",      "join",     "on",    "true",      "false", "every",
        "index",        "constraint", "all",      "any",   "ttl",       "codec", "comment",
        "set"};
    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcasecmp(name, words[i]) == 0) {
            buf_printf(out, "`%s`", name);
            return;
        }
    }
    print_identifier(out, str_of(name));
}

/* Characters for a person: bytes that go on with one before do not count. */
static size_t text_width(const char *text, size_t n)
{
    size_t width = 0;
    for (size_t i = 0; i < n; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

static void put_from(struct buf *out, const char *name, const struct infer_column *c)
{
    if (c->is_positional || c->path == NULL || strcmp(name, c->path) == 0)
        return;
    buf_text(out, " FROM ");
    print_string_literal(out, str_of(c->path));
}

void write_column(struct buf *out, const struct infer_column *c)
{
    if (c->expression) {
        put_name(out, c->text_name);
        buf_printf(out, " %s EPHEMERAL", c->text_type);
        put_from(out, c->text_name, c);
        buf_text(out, ",\n    ");
        put_name(out, c->name);
        buf_printf(out, " %s MATERIALIZED %s", c->type, c->expression);
        return;
    }
    put_name(out, c->name);
    buf_printf(out, " %s", c->type);
    put_from(out, c->name, c);
}

/* Comments must stay on their line. */
static void put_comment(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++)
        buf_byte(out, *p == '\n' || *p == '\r' ? ' ' : (uint8_t)*p);
}

/* Why it is what it is; columns found by their place say what the header calls them. */
static void put_reason(struct buf *out, const struct infer_column *c)
{
    if (c->is_positional && c->path && *c->path && strcmp(c->path, c->name) != 0) {
        buf_text(out, "header '");
        put_comment(out, c->path);
        buf_text(out, "': ");
    }
    put_comment(out, c->reason);
}

/* A column as it stands in the list, from its last line start on; aligned where it is one line. */
static void put_column_line(struct buf *out, const struct infer_column *c, size_t name_width,
                            size_t width, bool is_last)
{
    size_t start = out->n + 4;
    buf_text(out, "    ");
    AUTO_DONE(buf) text = {0};
    if (c->expression) {
        write_column(&text, c);
        buf_printf(out, "-- %s: ", c->name);
        put_reason(out, c);
        if (*c->change)
            buf_printf(out, " (%s)", c->change);
        buf_text(out, "\n    ");
        buf_str(out, buf_view(&text));
        buf_text(out, is_last ? ")\n" : ",\n");
        return;
    }
    put_name(&text, c->name);
    buf_str(out, buf_view(&text));
    for (size_t i = text_width(text.p, text.n); i < name_width; i++)
        buf_byte(out, ' ');
    buf_printf(out, " %s", c->type);
    put_from(out, c->name, c);
    buf_byte(out, is_last ? ')' : ',');
    for (size_t i = text_width(out->p + start, out->n - start); i < width; i++)
        buf_byte(out, ' ');
    buf_text(out, "  -- ");
    put_reason(out, c);
    if (*c->change)
        buf_printf(out, " (%s)", c->change);
    buf_byte(out, '\n');
}

static void put_columns(struct buf *out, const struct inference *inf)
{
    size_t name_width = 0, width = 0, last = 0;
    for (size_t i = 0; i < inf->n_columns; i++) {
        const struct infer_column *c = inf->columns[i];
        if (c->is_skipped)
            continue;
        last = i;
        AUTO_DONE(buf) text = {0};
        put_name(&text, c->name);
        size_t n = text_width(text.p, text.n);
        if (!c->expression && n > name_width)
            name_width = n;
    }
    for (size_t i = 0; i < inf->n_columns; i++) {
        const struct infer_column *c = inf->columns[i];
        if (c->is_skipped || c->expression)
            continue;
        AUTO_DONE(buf) text = {0};
        put_from(&text, c->name, c);
        size_t n = name_width + 1 + strlen(c->type) + text_width(text.p ? text.p : "", text.n) + 1;
        if (n > width && n < 70)
            width = n;
    }
    for (size_t i = 0; i < inf->n_columns; i++) {
        const struct infer_column *c = inf->columns[i];
        if (c->is_skipped) {
            buf_printf(out, "    -- ");
            put_comment(out, c->path && *c->path ? c->path : "(no name)");
            buf_printf(out, ": %s\n", c->reason);
        } else {
            put_column_line(out, c, name_width, width, i == last);
        }
    }
}

/* Paths in definitions are relative to them; glob characters in a name are taken literally. */
static void put_path(struct buf *out, const char *path, const char *folder)
{
    char real[PATH_MAX], base[PATH_MAX];
    AUTO_DONE(buf) text = {0};
    const char *shown = path;
    if (realpath(path, real) && realpath(folder, base)) {
        size_t n = strlen(base);
        shown = strncmp(real, base, n) == 0 && real[n] == '/' ? real + n + 1 : real;
    }
    for (const char *p = shown; *p; p++) {
        if (strchr("*?[{", *p))
            buf_printf(&text, *p == '[' ? "[[]" : *p == '{' ? "?" : "[%c]", *p);
        else
            buf_byte(&text, (uint8_t)*p);
    }
    print_string_literal(out, buf_view(&text));
}

static const char *format_of(const struct layout *l)
{
    bool has_names = l->has_header && !l->is_positional;
    if (!layout_is_cells(l))
        return format_name(l->format);
    if (l->is_tsv)
        return has_names ? "TSVWithNames" : "TSV";
    return has_names ? "CSVWithNames" : "CSV";
}

static void put_setting(struct buf *out, size_t *n, const char *name, const char *value)
{
    buf_printf(out, "%s %s = ", (*n)++ ? "," : " SETTINGS", name);
    if (isdigit((unsigned char)*value))
        buf_text(out, value);
    else
        print_string_literal(out, str_of(value));
}

static void put_format(struct buf *out, const struct layout *l)
{
    size_t n = 0;
    char delimiter[2] = {l->delimiter, '\0'};
    buf_printf(out, " FORMAT %s", format_of(l));
    if (layout_is_cells(l) && !l->is_tsv && l->delimiter != ',')
        put_setting(out, &n, "format_csv_delimiter", delimiter);
    if (l->is_positional)
        put_setting(out, &n,
                    l->is_tsv ? "input_format_tsv_skip_first_lines"
                              : "input_format_csv_skip_first_lines",
                    "1");
    if (l->pattern)
        put_setting(out, &n, "format_regexp", l->pattern);
    if (l->skips_unmatched)
        put_setting(out, &n, "format_regexp_skip_unmatched", "1");
}

static void put_source(struct buf *out, const struct inference *inf, const char *folder)
{
    const struct layout *l = &inf->layout;
    buf_text(out, "CREATE SOURCE ");
    put_name(out, inf->name);
    buf_text(out, " (\n");
    put_columns(out, inf);
    buf_text(out, "FROM FILES ");
    for (size_t i = 0; i < inf->n_files; i++) {
        if (i)
            buf_text(out, ", ");
        put_path(out, inf->files[i], folder);
    }
    put_format(out, l);
    buf_text(out, "\nEVENT TIME ");
    put_name(out, inf->event_time < 0 ? "_arrival" : inf->columns[inf->event_time]->name);
    buf_text(out, " KEEP FOREVER");
    if (inf->event_time >= 0) {
        buf_text(out, " ORDER BY (");
        if (inf->n_dimensions) {
            put_name(out, inf->columns[inf->dimensions[0]]->name);
            buf_text(out, ", ");
        }
        put_name(out, inf->columns[inf->event_time]->name);
        buf_byte(out, ')');
    }
    buf_text(out, ";  -- ");
    put_comment(out, inf->event_reason);
    buf_byte(out, '\n');
}

static bool is_column_name(const struct inference *inf, const char *name)
{
    for (size_t i = 0; i < inf->n_columns; i++)
        if (!inf->columns[i]->is_skipped && strcmp(inf->columns[i]->name, name) == 0)
            return true;
    return false;
}

static void put_alias(struct buf *out, const struct inference *inf, const char *name,
                      const char *suffix)
{
    AUTO_DONE(buf) alias = {0};
    buf_printf(&alias, "%s%s", name, suffix);
    while (is_column_name(inf, buf_cstr(&alias)))
        buf_byte(&alias, '_');
    put_name(out, buf_cstr(&alias));
}

static void put_quantiles(struct buf *out, const struct inference *inf,
                          const struct infer_column *c)
{
    buf_text(out, "quantilesDD(0.01, 0.5, 0.95)(");
    put_name(out, c->name);
    buf_text(out, ") AS ");
    put_alias(out, inf, c->name, "_q");
}

static void put_measure(struct buf *out, const struct inference *inf, const struct infer_column *c)
{
    buf_printf(out, ", %s(", c->is_averaged ? "avg" : "sum");
    put_name(out, c->name);
    buf_text(out, ") AS ");
    put_alias(out, inf, c->name, c->is_averaged ? "_avg" : "_sum");
}

enum { MOST_QUANTILES = 2 };

static void put_metric_name(struct buf *out, const struct inference *inf, const char *suffix)
{
    AUTO_DONE(buf) metric = {0};
    buf_printf(&metric, "%s_%s", inf->name, suffix);
    buf_text(out, "CREATE METRIC ");
    put_name(out, buf_cstr(&metric));
    buf_text(out, " AS\nSELECT ");
}

static const char tiers[] =
    "\nEVERY 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER, 1 MONTH KEEP FOREVER;\n";

/* The looked up name that goes with a column; NULL: none. */
static const char *joined(const struct inference *inf, size_t column)
{
    for (size_t i = 0; i < inf->n_joins; i++)
        if (inf->joins[i].column == column && inf->joins[i].is_dimension)
            return inf->joins[i].name;
    return NULL;
}

/* The stream's name, where there is one. */
static void put_relation(struct buf *out, const struct inference *inf)
{
    AUTO_DONE(buf) name = {0};
    buf_printf(&name, "%s%s", inf->name, inf->n_joins ? "_more" : "");
    put_name(out, buf_cstr(&name));
}

static void put_dimensions(struct buf *out, const struct inference *inf, const char *before,
                           const char *after)
{
    for (size_t i = 0; i < inf->n_dimensions; i++) {
        const char *more = joined(inf, (size_t)inf->dimensions[i]);
        buf_text(out, before);
        put_name(out, inf->columns[inf->dimensions[i]]->name);
        if (more) {
            buf_text(out, ", ");
            put_name(out, more);
        }
        buf_text(out, after);
    }
    for (size_t i = 0; i < inf->n_joins; i++) {
        if (inf->joins[i].is_dimension)
            continue;
        buf_text(out, before);
        put_name(out, inf->joins[i].name);
        buf_text(out, after);
    }
}

static void put_stream(struct buf *out, const struct inference *inf)
{
    if (inf->n_joins == 0)
        return;
    buf_text(out, "\nCREATE STREAM ");
    put_relation(out, inf);
    buf_text(out, " AS SELECT *");
    for (size_t i = 0; i < inf->n_joins; i++) {
        const struct infer_join *j = &inf->joins[i];
        buf_text(out, ", ");
        put_name(out, j->table->name);
        buf_byte(out, '.');
        put_name(out, j->table->columns[j->attribute]->name);
        buf_byte(out, '(');
        put_name(out, inf->columns[j->column]->name);
        buf_text(out, ") AS ");
        put_name(out, j->name);
    }
    buf_text(out, " FROM ");
    put_name(out, inf->name);
    buf_text(out, ";\n");
}

static void put_metric(struct buf *out, const struct inference *inf)
{
    put_metric_name(out, inf, "overview");
    put_dimensions(out, inf, "", ", ");
    buf_text(out, "count() AS ");
    put_alias(out, inf, "rows", "");
    size_t n_quantiles = 0;
    for (size_t i = 0; i < inf->n_measures; i++) {
        const struct infer_column *c = inf->columns[inf->measures[i]];
        put_measure(out, inf, c);
        if (c->is_averaged && !inf->is_spread_apart && n_quantiles++ < MOST_QUANTILES) {
            buf_text(out, ",\n       ");
            put_quantiles(out, inf, c);
        }
    }
    buf_text(out, "\nFROM ");
    put_relation(out, inf);
    buf_text(out, " GROUP BY GROUPING SETS (");
    put_dimensions(out, inf, "(", "), ");
    buf_text(out, "())");
    buf_text(out, tiers);
}

/* Quantiles of all rows together, apart from the breakdowns. */
static void put_spread(struct buf *out, const struct inference *inf)
{
    size_t n_quantiles = 0;
    for (size_t i = 0; i < inf->n_measures; i++) {
        const struct infer_column *c = inf->columns[inf->measures[i]];
        if (!c->is_averaged || !inf->is_spread_apart || n_quantiles == MOST_QUANTILES)
            continue;
        if (n_quantiles++ == 0) {
            buf_text(out, "\n-- Quantiles apart: by hour and dimension they would be more than a "
                          "million states.\n");
            put_metric_name(out, inf, "spread");
        } else {
            buf_text(out, ",\n       ");
        }
        put_quantiles(out, inf, c);
    }
    if (n_quantiles == 0)
        return;
    buf_text(out, "\nFROM ");
    put_name(out, inf->name);
    buf_text(out, " GROUP BY GROUPING SETS (())");
    buf_text(out, tiers);
}

static void put_bytes(struct buf *out, uint64_t n)
{
    if (n >= 1000000000)
        buf_printf(out, "%.1f GB", (double)n / 1e9);
    else if (n >= 1000000)
        buf_printf(out, "%.1f MB", (double)n / 1e6);
    else if (n >= 1000)
        buf_printf(out, "%.1f kB", (double)n / 1e3);
    else
        buf_printf(out, "%llu bytes", (unsigned long long)n);
}

/* Three lines on the file as a whole, each behind `lead`. */
static void put_file_decisions(struct buf *out, const struct inference *inf, const char *lead)
{
    static const char *const packings[] = {"", ", gzip", ", zstd", ", bzip2", ", lz4"};
    const struct layout *l = &inf->layout;
    buf_text(out, lead);
    for (size_t i = 0; i < inf->n_files; i++) {
        buf_text(out, i ? ", " : "");
        put_comment(out, inf->files[i]);
    }
    buf_printf(out, ": %s%s; ", format_of(l), packings[inf->compression]);
    if (inf->is_whole) {
        buf_text(out, "read whole, ");
    } else {
        buf_text(out, "sampled ");
        put_bytes(out, inf->sampled_bytes);
        buf_text(out, inf->is_cut ? " of the first " : " all over ");
        put_bytes(out, inf->total_bytes);
        buf_text(out, ", ");
    }
    buf_printf(out, "%llu records\n", (unsigned long long)inf->n_records);
    if (!layout_is_cells(l)) {
        buf_printf(out, "%sformat: %s\n", lead, l->format_why);
    } else {
        buf_printf(out, "%sdelimiter: %s", lead, l->delimiter_why);
        buf_text(out, " (another: SETTINGS format_csv_delimiter)\n");
        buf_printf(out, "%sheader: %s: %s (%s)\n", lead, l->has_header ? "yes" : "no",
                   l->header_why,
                   l->is_positional ? "a name is missing or there twice: columns by their place"
                   : l->has_header  ? "none: FORMAT CSV"
                                    : "one: FORMAT CSVWithNames");
    }
    unsigned long long n_odd = inf->n_ragged + inf->n_broken;
    if (n_odd > 0)
        buf_printf(out, "%s%llu record%s of the sample with other columns or broken: rejects\n",
                   lead, n_odd, n_odd == 1 ? "" : "s");
}

static void put_lookup(struct buf *out, const struct inference *table, struct inference *const *all,
                       size_t n, const char *folder)
{
    buf_byte(out, '\n');
    put_file_decisions(out, table, "-- ");
    buf_text(out, "CREATE LOOKUP ");
    put_name(out, table->name);
    buf_text(out, " (");
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct infer_column *c = table->columns[i];
        if (c->is_skipped)
            continue;
        put_name(out, c->name);
        buf_printf(out, " %s", lookup_type(table, i, all, n));
        put_from(out, c->name, c);
        buf_text(out, ", ");
    }
    buf_text(out, "PRIMARY KEY ");
    put_name(out, table->columns[table->key]->name);
    buf_text(out, ")\nFROM FILES ");
    put_path(out, table->files[0], folder);
    put_format(out, &table->layout);
    buf_printf(out, ";  -- %s (as events: CREATE SOURCE; opened alone it is one)\n",
               table->lookup_reason);
}

void write_definitions(struct buf *out, struct inference *const *sources, size_t n,
                       const char *folder, const char *store_name)
{
    buf_text(out, "-- weir definitions, written by weir from the files' contents. Edit them, then "
                  "`weir run`.\n");
    buf_text(out,
             "-- Each column says why it is what it is, and in brackets what else it could be.\n");
    buf_printf(out, "SET store = 'embedded:./%s.weir';\n", store_name);
    for (size_t i = 0; i < n; i++)
        if (sources[i]->is_lookup)
            put_lookup(out, sources[i], sources, n, folder);
    for (size_t i = 0; i < n; i++) {
        if (sources[i]->is_lookup)
            continue;
        buf_byte(out, '\n');
        put_file_decisions(out, sources[i], "-- ");
        put_source(out, sources[i], folder);
        put_stream(out, sources[i]);
        buf_byte(out, '\n');
        put_metric(out, sources[i]);
        put_spread(out, sources[i]);
    }
}

void write_decisions(struct buf *out, const struct inference *inf)
{
    put_file_decisions(out, inf, "");
    size_t width = 4, type_width = 4;
    for (size_t i = 0; i < inf->n_columns; i++) {
        const struct infer_column *c = inf->columns[i];
        size_t n = strlen(c->name), t = strlen(c->type);
        width = n > width && n <= 24 ? n : width;
        type_width = t > type_width && t <= 32 ? t : type_width;
    }
    for (size_t i = 0; i < inf->n_columns; i++) {
        const struct infer_column *c = inf->columns[i];
        buf_printf(out, "  %-*s  %-*s  ", (int)width, c->name, (int)type_width, c->type);
        put_comment(out, c->reason);
        if (*c->change)
            buf_printf(out, "  [%s]", c->change);
        buf_byte(out, '\n');
    }
    if (inf->is_lookup)
        buf_printf(out, "  a table to look up in: %s  [as events: open it alone]\n",
                   inf->lookup_reason);
    else
        buf_printf(out, "  event time: %s  [EVENT TIME another column]\n", inf->event_reason);
}

char *source_name_of(const char *path)
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    AUTO_DONE(buf) name = {0};
    for (const char *p = base; *p && *p != '.'; p++) {
        if (isalnum((unsigned char)*p))
            buf_byte(&name, (uint8_t)*p);
        else if (name.n > 0 && name.p[name.n - 1] != '_')
            buf_byte(&name, '_');
    }
    while (name.n > 0 && name.p[name.n - 1] == '_')
        name.n--;
    if (name.n > 60)
        name.n = 60;
    const char *text = name.n ? buf_cstr(&name) : "events";
    if (isdigit((unsigned char)*text) || strncmp(text, "weir_", 5) == 0)
        return xasprintf("f_%s", text);
    return xstrdup(text);
}
