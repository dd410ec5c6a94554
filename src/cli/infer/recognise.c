/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats that are known by their looks: JSON in its layouts, Zeek, and those of one record a
 * line, which their own decoders are asked about. Nothing here looks at more than the first
 * lines. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>

#include "cli/infer/infer.h"
#include "expr/regex.h"

enum { LOOK_LINES = 200 };

/* The first lines, whole ones if there are several. */
static struct str first_lines(struct str text, size_t *n_lines)
{
    const char *p = text.p, *end = text.p + text.n, *stop = end;
    size_t n = 0;
    while (p < end && n < LOOK_LINES) {
        const char *line = memchr(p, '\n', (size_t)(end - p));
        if (line == NULL && n > 0)
            break;
        stop = line ? line + 1 : end;
        const char *q = p;
        while (q < stop && isspace((unsigned char)*q))
            q++;
        n += q < stop;
        p = stop;
    }
    *n_lines = n;
    return (struct str){text.p, (size_t)(stop - text.p)};
}

/* ---- JSON ---- */

static bool begins_with_array(struct str text, size_t *n_cells, bool *is_all_text)
{
    const char *line = memchr(text.p, '\n', text.n);
    size_t n = line ? (size_t)(line - text.p) : text.n;
    json_t *value = json_loadb(text.p, n, JSON_DECODE_INT_AS_REAL, NULL);
    bool is_array = json_is_array(value) && json_array_size(value) > 0;
    *n_cells = json_array_size(value);
    *is_all_text = is_array;
    for (size_t i = 0; i < *n_cells; i++)
        *is_all_text = *is_all_text && json_is_string(json_array_get(value, i)) &&
                       json_string_length(json_array_get(value, i)) > 0;
    json_decref(value);
    return is_array;
}

static struct str behind_line(struct str text)
{
    const char *line = memchr(text.p, '\n', text.n);
    size_t n = line ? (size_t)(line + 1 - text.p) : text.n;
    return (struct str){text.p + n, text.n - n};
}

/* A name in the first line that comes again below it is a value there. */
static bool names_come_again(struct str text)
{
    json_t *names = json_loadb(text.p, text.n - behind_line(text).n, 0, NULL);
    struct str rest = behind_line(text);
    bool is_again = false;
    for (int i = 0; i < LOOK_LINES && rest.n > 0 && !is_again; i++, rest = behind_line(rest)) {
        json_t *row = json_loadb(rest.p, rest.n - behind_line(rest).n, 0, NULL);
        for (size_t k = 0; k < json_array_size(row) && !is_again; k++)
            is_again = json_equal(json_array_get(row, k), json_array_get(names, k));
        json_decref(row);
    }
    json_decref(names);
    return is_again;
}

static bool recognise_compact(struct layout *l, struct str text, struct arena *arena)
{
    size_t n_cells, n_others;
    bool is_all_text, is_text;
    if (!begins_with_array(text, &n_cells, &is_all_text))
        return false;
    struct str rest = behind_line(text);
    bool has_more = rest.n > 0 && begins_with_array(rest, &n_others, &is_text);
    if (rest.n > 0 && (!has_more || n_others != n_cells))
        return false;
    *l = (struct layout){.format = FORMAT_JSON_COMPACT,
                         .is_compact = true,
                         .n_columns = n_cells,
                         .format_why = "each line is one JSON array"};
    l->has_header = is_all_text && has_more && !names_come_again(text);
    l->header_why = arena_text(arena, l->has_header ? STR("the first line is an array of names")
                                                    : STR("the first line holds values"));
    if (!l->has_header)
        return true;
    json_t *names = json_loadb(text.p, text.n - rest.n, 0, NULL);
    l->format = FORMAT_JSON_COMPACT_WITH_NAMES;
    l->names = arena_zero(arena, (n_cells + 1) * sizeof(*l->names));
    for (size_t i = 0; i < n_cells; i++)
        l->names[i] = arena_str(arena, str_of(json_string_value(json_array_get(names, i))));
    json_decref(names);
    return true;
}

/* Objects, whether a line, several lines or all in one array. */
static bool recognise_objects(struct layout *l, struct str text)
{
    const char *p = text.p, *end = p + text.n;
    bool is_array = *p == '[';
    if (is_array)
        for (p++; p < end && isspace((unsigned char)*p);)
            p++;
    if (p == end || *p != '{')
        return false;
    json_t *value =
        json_loadb(p, (size_t)(end - p), JSON_DECODE_INT_AS_REAL | JSON_DISABLE_EOF_CHECK, NULL);
    bool is_object = json_is_object(value);
    bool is_stream = json_layout_of(text.p, text.n) == JSON_IS_STREAM;
    json_decref(value);
    if (!is_object)
        return false;
    *l = (struct layout){.format = FORMAT_JSON_EACH_ROW,
                         .is_json = true,
                         .is_stream = is_stream,
                         .format_why = is_array    ? "one JSON array holds all records"
                                       : is_stream ? "JSON objects over several lines"
                                                   : "each line is one JSON object"};
    return true;
}

/* ---- Zeek ---- */

static struct str line_of(struct str text, const char *name)
{
    for (struct str rest = text; rest.n > 0 && *rest.p == '#'; rest = behind_line(rest)) {
        struct str line = {rest.p, rest.n - behind_line(rest).n};
        while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
            line.n--;
        if (str_starts(line, name))
            return (struct str){line.p + strlen(name), line.n - strlen(name)};
    }
    return (struct str){NULL, 0};
}

static char zeek_separator(struct str text)
{
    struct str s = line_of(text, "#separator ");
    if (s.n == 4 && s.p[0] == '\\' && s.p[1] == 'x' && hex_value(s.p[2]) >= 0 &&
        hex_value(s.p[3]) >= 0)
        return (char)(hex_value(s.p[2]) * 16 + hex_value(s.p[3]));
    return s.n == 1 ? *s.p : '\t';
}

static size_t split_names(struct str line, char separator, struct str *out, struct arena *arena)
{
    size_t n = 0;
    while (line.n > 0) {
        const char *stop = memchr(line.p, separator, line.n);
        size_t length = stop ? (size_t)(stop - line.p) : line.n;
        if (out)
            out[n] = arena_str(arena, (struct str){line.p, length});
        n++;
        line.p += length + (stop != NULL);
        line.n -= length + (stop != NULL);
    }
    return n;
}

static bool recognise_zeek(struct layout *l, struct str text, struct arena *arena)
{
    struct str fields = line_of(text, "#fields"), types = line_of(text, "#types");
    char separator = zeek_separator(text);
    if (fields.n < 2)
        return false;
    fields = (struct str){fields.p + 1, fields.n - 1};
    types = types.n < 2 ? (struct str){"", 0} : (struct str){types.p + 1, types.n - 1};
    *l = (struct layout){.format = FORMAT_ZEEK,
                         .is_decoded = true,
                         .has_header = true,
                         .format_why = "the header of a Zeek log (#fields)"};
    l->n_columns = split_names(fields, separator, NULL, NULL);
    l->names = arena_zero(arena, (l->n_columns + 1) * sizeof(*l->names));
    split_names(fields, separator, l->names, arena);
    if (split_names(types, separator, NULL, NULL) == l->n_columns) {
        l->types = arena_zero(arena, (l->n_columns + 1) * sizeof(*l->types));
        split_names(types, separator, l->types, arena);
    }
    const char *p = text.p, *end = p + text.n;
    while (p < end && *p == '#') {
        const char *line = memchr(p, '\n', (size_t)(end - p));
        p = line ? line + 1 : end;
    }
    AUTO_DONE(buf) header = {0};
    decoder_header_pass(&header, text.p, (size_t)(p - text.p));
    l->header = arena_text(arena, buf_view(&header));
    return true;
}

/* ---- one record a line ---- */

/* How many of the lines the format's decoder takes. */
static size_t lines_taken(enum format format, const char *field, struct str lines)
{
    struct err e;
    struct decoder *d = NULL;
    struct field f = {.path = str_of(field)};
    struct batch b;
    struct reject_list rejects = {0};
    bool has_default = false;
    size_t n = 0;
    if (type_parse(&f.type, STR("Nullable(String)"), &e) != ERR_OK)
        return 0;
    struct decoder_spec spec = {.format = format, .fields = &f, .n_fields = 1};
    if (decoder_new(&d, &spec, &e) != ERR_OK)
        return 0;
    batch_init(&b, &f.type, &has_default, 1);
    decoder_feed(d, lines.p, lines.n, 0);
    while (decoder_next(d, &b, &rejects) > 0) {
        for (size_t r = 0; r < b.n_rows; r++)
            n += format != FORMAT_SYSLOG || !b.columns[0].nulls[r];
        batch_reset(&b);
        reject_list_reset(&rejects);
    }
    batch_done(&b);
    reject_list_done(&rejects);
    decoder_free(d);
    return n;
}

/* <priority>, a month's name, or a date and time in one word: nothing else begins a system log. */
static bool may_be_syslog(struct str line)
{
    size_t word = 0;
    while (word < line.n && (unsigned char)line.p[word] > ' ' && !strchr(",;|", line.p[word]))
        word++;
    bool is_word = word < line.n && line.p[word] == ' ';
    if (line.n < 16 || !is_word)
        return false;
    return *line.p == '<' || (word == 3 && isalpha((unsigned char)*line.p)) ||
           (word > 18 && isdigit((unsigned char)*line.p) && line.p[10] == 'T');
}

static size_t lines_like_syslog(struct str lines)
{
    size_t n = 0;
    for (struct str rest = lines; rest.n > 0; rest = behind_line(rest))
        n += may_be_syslog((struct str){rest.p, rest.n - behind_line(rest).n});
    return n;
}

/* Lines whose words have keys: a=b c="d" in the greater part. */
static size_t lines_of_pairs(struct str lines)
{
    size_t n = 0;
    for (struct str rest = lines; rest.n > 0; rest = behind_line(rest)) {
        struct str line = {rest.p, rest.n - behind_line(rest).n};
        size_t n_words = 0, n_pairs = 0;
        bool is_quoted = false, is_word = false, is_pair = false;
        for (size_t i = 0; i <= line.n; i++) {
            char c = i < line.n ? line.p[i] : ' ';
            if (c == '"' && i > 0 && line.p[i - 1] != '\\')
                is_quoted = !is_quoted;
            if (is_quoted && i < line.n)
                continue;
            if ((unsigned char)c <= ' ') {
                n_words += is_word;
                n_pairs += is_pair;
                is_word = is_pair = false;
                continue;
            }
            is_pair = is_pair || (c == '=' && is_word);
            is_word = true;
        }
        n += n_pairs >= 2 && n_pairs * 5 >= n_words * 4;
    }
    return n;
}

static bool recognise_line_format(struct layout *l, struct str text)
{
    static const struct {
        enum format format;
        const char *field, *why;
        unsigned percent; /* of the lines must be so; an access log's are like no others */
    } known[] = {
        {FORMAT_COMBINED_LOG, "remote_addr", "lines of an access log with referer and user agent",
         20},
        {FORMAT_COMMON_LOG, "remote_addr", "lines of an access log", 20},
        {FORMAT_SYSLOG, "app_name", "lines of a system log: time, host, program", 70},
        {FORMAT_LOGFMT, "-", "lines of key=value", 70},
    };
    size_t n_lines;
    struct str lines = first_lines(text, &n_lines);
    for (size_t i = 0; n_lines > 0 && i < COUNT(known); i++) {
        if (known[i].format == FORMAT_LOGFMT && lines_of_pairs(lines) * 10 < n_lines * 8)
            continue;
        if (known[i].format == FORMAT_SYSLOG && lines_like_syslog(lines) * 10 < n_lines * 7)
            continue;
        if (lines_taken(known[i].format, known[i].field, lines) * 100 < n_lines * known[i].percent)
            continue;
        *l = (struct layout){
            .format = known[i].format, .is_decoded = true, .format_why = known[i].why};
        return true;
    }
    return false;
}

#define A_TIME "\\d{4}-\\d\\d-\\d\\d[ T]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)?(?:Z|[+-]\\d\\d:?\\d\\d)?"
#define A_LEVEL "(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE|EMERG|ALERT)"

/* Logs of programs, from those that say most. One group a column. */
static const struct {
    const char *pattern, *names;
} programs[] = {
    {"\\[?(" A_TIME ")\\]? +\\[([^\\]]*)\\] +(" A_LEVEL ") +(\\S+) +- +(.*)",
     "time thread level logger message"},
    {"\\[?(" A_TIME ")\\]? +\\[?(" A_LEVEL ")\\]? +\\[([^\\]]+)\\]:? +(.*)",
     "time level thread message"},
    {"\\[?(" A_TIME ")\\]? +\\[?(" A_LEVEL ")\\]?:? +(.*)", "time level message"},
    {"\\[?(" A_LEVEL ")\\]? +\\[?(" A_TIME ")\\]? +(.*)", "level time message"},
};

static size_t lines_matching(const char *pattern, struct str lines)
{
    char why[200];
    struct str groups[8];
    AUTO_MEM char *whole = xasprintf("^(?:%s)$", pattern);
    struct regex *r = regex_new(str_of(whole), REGEX_STRICT, why, sizeof(why));
    size_t n = 0;
    for (struct str rest = lines; r && rest.n > 0; rest = behind_line(rest)) {
        struct str line = {rest.p, rest.n - behind_line(rest).n};
        while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
            line.n--;
        n += line.n > 0 && regex_find(r, line, 0, groups, 1);
    }
    regex_free(r);
    return n;
}

static bool layout_of_program(struct layout *l, struct str lines, size_t n_lines,
                              struct arena *arena)
{
    for (size_t i = 0; i < COUNT(programs); i++) {
        size_t n = lines_matching(programs[i].pattern, lines);
        if (n < 2 || n * 10 < n_lines * 3)
            continue;
        *l = (struct layout){.format = FORMAT_REGEXP,
                             .is_decoded = true,
                             .pattern = arena_text(arena, str_of(programs[i].pattern)),
                             .skips_unmatched = n * 10 < n_lines * 9};
        l->n_columns = split_names(str_of(programs[i].names), ' ', NULL, NULL);
        l->names = arena_zero(arena, (l->n_columns + 1) * sizeof(*l->names));
        split_names(str_of(programs[i].names), ' ', l->names, arena);
        l->format_why = arena_printf(
            arena, "a program's log, a time and a level first in %zu of the first %zu lines%s", n,
            n_lines, l->skips_unmatched ? "; lines without these are passed over" : "");
        return true;
    }
    return false;
}

bool layout_of_lines(struct layout *ret, struct str text, bool is_certain, struct arena *arena)
{
    size_t n_lines;
    struct str lines = first_lines(text, &n_lines);
    if (layout_of_program(ret, lines, n_lines, arena))
        return true;
    if (is_certain || n_lines == 0)
        return false;
    *ret = (struct layout){.format = FORMAT_LINE_AS_STRING,
                           .is_decoded = true,
                           .n_columns = 1,
                           .format_why = "no delimiter and no format that is known: whole lines; "
                                         "FORMAT Regexp cuts them by a pattern"};
    ret->names = arena_zero(arena, 2 * sizeof(*ret->names));
    ret->names[0] = STR("line");
    return true;
}

bool layout_recognise(struct layout *ret, struct str text, struct arena *arena)
{
    while (text.n && isspace((unsigned char)*text.p)) {
        text.p++;
        text.n--;
    }
    if (text.n == 0)
        return false;
    if ((*text.p == '{' || *text.p == '[') && recognise_objects(ret, text))
        return true;
    if (*text.p == '[' && recognise_compact(ret, text, arena))
        return true;
    if (*text.p == '#')
        return recognise_zeek(ret, text, arena);
    return recognise_line_format(ret, text) || layout_of_lines(ret, text, true, arena);
}
