/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats by name, and the way from a decoder to its driver. A new format is one driver and one
 * line in `drivers`. */
#include "codec/decoder.h"

#include <strings.h>

#include "base/mem.h"
#include "codec/csv_priv.h"
#include "codec/format_examples.h"

static const struct decoder_driver *const drivers[] = {
    &decoder_csv,          &decoder_csv_with_names,     &decoder_csv_with_types,
    &decoder_tsv,          &decoder_tsv_with_names,     &decoder_tsv_with_types,
    &decoder_tsv_raw,      &decoder_tsv_raw_with_names, &decoder_json,
    &decoder_combined_log, &decoder_common_log,         &decoder_logfmt,
    &decoder_syslog,       &decoder_line_as_string,     &decoder_json_as_string,
    &decoder_zeek,         &decoder_json_compact,       &decoder_json_compact_with_names,
    &decoder_regexp,
};

static const struct {
    const char *name;
    enum format format;
} names[] = {
    {"CSV", FORMAT_CSV},
    {"CSVWithNames", FORMAT_CSV_WITH_NAMES},
    {"CSVWithNamesAndTypes", FORMAT_CSV_WITH_TYPES},
    {"TSV", FORMAT_TSV},
    {"TSVWithNames", FORMAT_TSV_WITH_NAMES},
    {"TSVWithNamesAndTypes", FORMAT_TSV_WITH_TYPES},
    {"TSVRaw", FORMAT_TSV_RAW},
    {"TSVRawWithNames", FORMAT_TSV_RAW_WITH_NAMES},
    {"JSONEachRow", FORMAT_JSON_EACH_ROW},
    {"CombinedLog", FORMAT_COMBINED_LOG},
    {"CommonLog", FORMAT_COMMON_LOG},
    {"Logfmt", FORMAT_LOGFMT},
    {"Syslog", FORMAT_SYSLOG},
    {"LineAsString", FORMAT_LINE_AS_STRING},
    {"JSONAsString", FORMAT_JSON_AS_STRING},
    {"Zeek", FORMAT_ZEEK},
    {"JSONCompactEachRow", FORMAT_JSON_COMPACT},
    {"JSONCompactEachRowWithNames", FORMAT_JSON_COMPACT_WITH_NAMES},
    {"Regexp", FORMAT_REGEXP},
    {"TabSeparated", FORMAT_TSV},
    {"TabSeparatedWithNames", FORMAT_TSV_WITH_NAMES},
    {"TabSeparatedWithNamesAndTypes", FORMAT_TSV_WITH_TYPES},
    {"TabSeparatedRaw", FORMAT_TSV_RAW},
    {"Raw", FORMAT_TSV_RAW},
    {"TabSeparatedRawWithNames", FORMAT_TSV_RAW_WITH_NAMES},
    {"RawWithNames", FORMAT_TSV_RAW_WITH_NAMES},
    {"JSONLines", FORMAT_JSON_EACH_ROW},
    {"NDJSON", FORMAT_JSON_EACH_ROW},
    {"JSONL", FORMAT_JSON_EACH_ROW},
};

const char *const format_names[] = {
    "CSV",
    "CSVWithNames",
    "CSVWithNamesAndTypes",
    "TSV",
    "TSVWithNames",
    "TSVWithNamesAndTypes",
    "TSVRaw",
    "TSVRawWithNames",
    "JSONEachRow",
    "TabSeparated",
    "TabSeparatedWithNames",
    "TabSeparatedWithNamesAndTypes",
    "TabSeparatedRaw",
    "JSONLines",
    "NDJSON",
    "CombinedLog",
    "CommonLog",
    "Logfmt",
    "Syslog",
    "LineAsString",
    "JSONAsString",
    "Zeek",
    "JSONCompactEachRow",
    "JSONCompactEachRowWithNames",
    "Regexp",
    NULL,
};

const char *format_name(enum format f)
{
    for (size_t i = 0; i < COUNT(names); i++)
        if (names[i].format == f)
            return names[i].name;
    return "none";
}

const struct format_row *format_row(enum format f)
{
    for (size_t i = 0; i < COUNT(format_rows); i++)
        if (strcmp(format_rows[i].name, format_name(f)) == 0)
            return &format_rows[i];
    return NULL;
}

enum format format_find(struct str name)
{
    for (size_t i = 0; i < COUNT(names); i++)
        if (strlen(names[i].name) == name.n && strncasecmp(names[i].name, name.p, name.n) == 0)
            return names[i].format;
    return FORMAT_NONE;
}

static const struct decoder_driver *driver_of(enum format f)
{
    for (size_t i = 0; i < COUNT(drivers); i++)
        if (drivers[i]->format == f)
            return drivers[i];
    return NULL;
}

static enum err_code check(const struct decoder_spec *s, const struct decoder_driver *driver,
                           struct err *e)
{
    bool has_positions = s->format == FORMAT_CSV || s->format == FORMAT_TSV ||
                         s->format == FORMAT_TSV_RAW || s->format == FORMAT_JSON_COMPACT ||
                         s->format == FORMAT_REGEXP || s->cells.is_by_order;

    if (driver == NULL)
        return err_set(e, ERR_INVALID, "no decoder for this format");
    if (s->n_fields > s->max_columns)
        return err_set(e, ERR_LIMIT, "%zu columns, more than max_columns = %u", s->n_fields,
                       s->max_columns);
    if (!has_positions)
        return ERR_OK;
    if (s->n_positions > s->max_columns)
        return err_set(e, ERR_LIMIT, "%zu columns, more than max_columns = %u", s->n_positions,
                       s->max_columns);
    if (s->n_positions == 0 || (s->n_fields && s->positions == NULL))
        return err_set(e, ERR_INVALID, "%s without names needs the columns' positions",
                       format_name(s->format));
    for (size_t i = 0; i < s->n_fields; i++)
        if (s->positions[i] >= s->n_positions)
            return err_set(e, ERR_INVALID, "column %.*s is at position %u of %zu",
                           STR_FMT(s->fields[i].path), s->positions[i] + 1, s->n_positions);
    if (s->format == FORMAT_REGEXP)
        return regexp_check(s, e);
    return ERR_OK;
}

static void free_spec(struct decoder_spec *s)
{
    for (size_t i = 0; i < s->n_fields; i++)
        free((char *)s->fields[i].path.p);
    free((struct field *)s->fields);
    free((uint32_t *)s->positions);
    free((char *)s->pattern.p);
    free((char *)s->cells.null_text.p);
    free((char *)s->cells.true_text.p);
    free((char *)s->cells.false_text.p);
}

static void copy_text(struct str *text)
{
    if (text->p)
        text->p = xstrndup(text->p, text->n);
}

static struct decoder_spec copy_spec(const struct decoder_spec *from)
{
    struct decoder_spec s = *from;
    struct field *fields = xcalloc(s.n_fields + 1, sizeof(*fields));

    for (size_t i = 0; i < s.n_fields; i++) {
        fields[i] = from->fields[i];
        fields[i].path.p = xstrndup(from->fields[i].path.p, from->fields[i].path.n);
    }
    s.fields = fields;
    s.pattern.p = xstrndup(from->pattern.p ? from->pattern.p : "", from->pattern.n);
    copy_text(&s.cells.null_text);
    copy_text(&s.cells.true_text);
    copy_text(&s.cells.false_text);
    if (from->positions) {
        uint32_t *positions = xmalloc((s.n_fields + 1) * sizeof(*positions));
        memcpy(positions, from->positions, s.n_fields * sizeof(*positions));
        s.positions = positions;
    }
    return s;
}

enum err_code decoder_new(struct decoder **ret, const struct decoder_spec *spec, struct err *e)
{
    struct decoder_spec s = *spec;
    const struct decoder_driver *driver = driver_of(s.format);

    s.delimiter = s.delimiter ? s.delimiter : ',';
    s.max_record_bytes = s.max_record_bytes ? s.max_record_bytes : 16 << 20;
    s.max_columns = s.max_columns ? s.max_columns : 4096;
    s.max_depth = s.max_depth ? s.max_depth : 1000;
    TRY(check(&s, driver, e));
    s = copy_spec(&s);
    struct decoder *d = driver->open(&s);
    d->driver = driver;
    if (d->spec.format == FORMAT_NONE) /* else the driver took it, perhaps with lower limits */
        d->spec = s;
    d->data = d->end = NULL;
    d->offset = 0;
    *ret = d;
    return ERR_OK;
}

void decoder_free(struct decoder *d)
{
    if (d == NULL)
        return;
    struct decoder_spec s = d->spec;
    d->driver->free(d);
    free_spec(&s);
}

bool format_has_names(enum format f)
{
    const struct decoder_driver *driver = driver_of(f);
    return driver && driver->has_names;
}

enum err_code decoder_header(struct decoder *d, struct str header, struct err *e)
{
    if (d->driver->header == NULL)
        return ERR_OK;
    return d->driver->header(d, header, e);
}

static size_t bom_bytes(const char *data, size_t n)
{
    return n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* A header's names may hold line ends where they are quoted. */
static const char *line_end(const char *p, const char *end, bool has_quotes)
{
    bool is_inside = false;

    for (; p < end; p++) {
        is_inside ^= has_quotes && *p == '"';
        if (*p == '\n' && !is_inside)
            return p;
    }
    return NULL;
}

size_t decoder_header_length(enum format format, const char *data, size_t n, struct str *line)
{
    return decoder_header_behind(format, &(struct header_rules){0}, data, n, line);
}

/* Behind one record; NULL: it is not complete. */
static const char *skip_record(enum format format, const struct header_rules *h, const char *p,
                               const char *end)
{
    uint32_t ends[64], finish;
    const struct csv_rules rules = {.dialect = format_is_csv(format)       ? DIALECT_CSV
                                               : format_is_raw_tsv(format) ? DIALECT_TSV_RAW
                                                                           : DIALECT_TSV,
                                    .delimiter = !format_is_csv(format) ? '\t'
                                                 : h->delimiter         ? h->delimiter
                                                                        : ',',
                                    .quoting = h->division.quoting,
                                    .keeps_blanks = h->division.keeps_blanks};
    struct csv_scan s = {
        .data = p, .n = (size_t)(end - p), .delimiter = rules.delimiter, .ends = ends};
    csv_index_record(&s, 0, &rules, &finish);
    return finish < s.n ? p + finish + 1 : NULL;
}

size_t decoder_header_behind(enum format format, const struct header_rules *rules, const char *data,
                             size_t n, struct str *line)
{
    const struct decoder_driver *driver = driver_of(format);
    bool has_names = driver && driver->has_names, has_quotes = format_is_csv(format);
    bool has_types = format == FORMAT_CSV_WITH_TYPES || format == FORMAT_TSV_WITH_TYPES;
    const char *p = data + bom_bytes(data, n), *end = data + n, *stop = p;

    if (driver == NULL || (!has_names && rules->skip_lines == 0))
        return 0;
    if (format == FORMAT_ZEEK)
        return zeek_header_length(data, n, line);
    for (uint32_t i = 0; i < rules->skip_lines && p != NULL; i++)
        p = skip_record(format, rules, p, end);
    if (p == NULL)
        return 0;
    *line = (struct str){p, 0};
    if (!has_names)
        return (size_t)(p - data);
    stop = line_end(p, end, has_quotes);
    if (stop && has_types)
        stop = line_end(stop + 1, end, has_quotes);
    if (stop == NULL)
        return 0;
    *line = (struct str){p, (size_t)(stop - p)};
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return (size_t)(stop + 1 - data);
}

/* The name, maybe in quotes, at the beginning of `at`; what follows, or NULL. */
static struct str pass_name(struct str at, struct str name)
{
    size_t quote = at.n > 0 && *at.p == '"';
    bool is_there = at.n >= name.n + 2 * quote && memcmp(at.p + quote, name.p, name.n) == 0 &&
                    (!quote || at.p[name.n + 1] == '"');
    size_t n = name.n + 2 * quote;
    return is_there ? (struct str){at.p + n, at.n - n} : (struct str){0};
}

size_t decoder_detected_header(char delimiter, const struct str *names, size_t n, struct str bytes)
{
    size_t bom = bom_bytes(bytes.p, bytes.n);
    struct str at = {bytes.p + bom, bytes.n - bom};

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (at.n == 0 || *at.p != delimiter))
            return 0;
        if (i > 0)
            at = (struct str){at.p + 1, at.n - 1};
        at = pass_name(at, names[i]);
        if (at.p == NULL)
            return 0;
    }
    if (at.n > 0 && *at.p == '\r')
        at = (struct str){at.p + 1, at.n - 1};
    if (at.n > 0 && *at.p != '\n')
        return 0;
    return bytes.n - at.n + (at.n > 0);
}

void decoder_feed(struct decoder *d, const char *data, size_t n, uint64_t offset)
{
    size_t bom = offset == 0 && !d->driver->has_names ? bom_bytes(data, n) : 0;

    d->data = data + bom;
    d->end = data + n;
    d->offset = offset + bom;
}

size_t decoder_next(struct decoder *d, struct batch *b, struct reject_list *rejects)
{
    return d->driver->next(d, b, rejects);
}

size_t decoder_cut(enum format format, char delimiter, const char *data, size_t n, bool is_end)
{
    const struct decoder_driver *driver = driver_of(format);

    return driver && n ? driver->cut(delimiter, data, n, is_end) : 0;
}
