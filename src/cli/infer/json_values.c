/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON records into columns: a path a column, arrays with counts of their elements, and objects
 * whose keys are data taken together as one map. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>

#include "cli/infer/infer.h"

enum { MAX_PATHS = 4096, MAX_DEPTH = 20, MAX_RECORDS = 150000 };

/* ---- one value ---- */

static struct infer_column *column_of_path(struct inference *inf, const char *path)
{
    /* Records are alike: the column is nearly always the next one. */
    static _Thread_local size_t guess;
    for (size_t k = 0; k < inf->n_columns; k++) {
        size_t i = (guess + k) % inf->n_columns;
        if (strcmp(inf->columns[i]->path, path) == 0) {
            guess = i + 1;
            return inf->columns[i];
        }
    }
    if (inf->n_columns == MAX_PATHS)
        return NULL;
    struct infer_column *c = inference_add_column(inf, path, inf->n_columns);
    c->stats.n_missing = inf->n_records; /* of all records before */
    return c;
}

static void observe_scalar(struct column_stats *s, json_t *value, int64_t now_s)
{
    char number[64];
    if (json_is_null(value)) {
        s->n_null[NULL_MARK]++;
        return;
    }
    if (json_is_string(value)) {
        column_observe(s, (struct str){json_string_value(value), json_string_length(value)}, true,
                       true, now_s);
        return;
    }
    if (json_is_boolean(value))
        snprintf(number, sizeof(number), "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value))
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(number, sizeof(number), "%.17g", json_real_value(value));
    size_t n = strlen(number);
    if (json_is_real(value) && strpbrk(number, ".eni") == NULL)
        snprintf(number + n, sizeof(number) - n, ".0"); /* 5.0 stays a number with a fraction */
    column_observe(s, str_of(number), false, true, now_s);
}

static void observe_array(struct column_stats *s, json_t *array, int64_t now_s)
{
    size_t i;
    json_t *element;
    bool is_deep = false;
    s->n_arrays++;
    if (s->elements == NULL)
        s->elements = xcalloc(1, sizeof(*s->elements));
    json_array_foreach(array, i, element)
    {
        if (json_is_array(element) || json_is_object(element))
            is_deep = true;
        else
            observe_scalar(s->elements, element, now_s);
    }
    s->n_deep += is_deep;
}

/* As the decoder's paths want it: brackets of a key in double quotes; '*' alone is the rest. */
static void put_key(struct buf *path, const char *key)
{
    bool is_quoted = strchr(key, '[') != NULL || strcmp(key, "*") == 0;
    if (is_quoted)
        buf_byte(path, '"');
    buf_text(path, key);
    if (is_quoted)
        buf_byte(path, '"');
}

static void observe_value(struct inference *inf, json_t *value, struct buf *path, int depth,
                          int64_t now_s)
{
    if (json_is_object(value) && json_object_size(value) > 0 && depth < MAX_DEPTH) {
        const char *key;
        json_t *member;
        size_t n = path->n;
        json_object_foreach(value, key, member)
        {
            if (strchr(key, '"')) /* no path leads there */
                continue;
            path->n = n;
            if (n)
                buf_byte(path, '.');
            put_key(path, key);
            observe_value(inf, member, path, depth + 1, now_s);
        }
        path->n = n;
        return;
    }
    if (path->n == 0)
        return;
    struct infer_column *c = column_of_path(inf, buf_cstr(path));
    if (c == NULL)
        return;
    if (json_is_array(value)) {
        observe_array(&c->stats, value, now_s);
    } else if (json_is_object(value)) {
        c->stats.n_arrays++;
        c->stats.n_deep++;
    } else {
        observe_scalar(&c->stats, value, now_s);
    }
}

/* ---- records ---- */

static void observe_object(struct inference *inf, json_t *value, int64_t now_s)
{
    AUTO_DONE(buf) path = {0};
    if (!json_is_object(value)) {
        inf->n_broken++;
        return;
    }
    observe_value(inf, value, &path, 0, now_s);
    inf->n_records++;
}

static json_t *load(const char *p, size_t n, size_t flags, size_t *n_used)
{
    json_error_t error;
    json_t *value = json_loadb(p, n, flags, &error);
    if (value == NULL)
        value = json_loadb(p, n, flags | JSON_DECODE_INT_AS_REAL, &error);
    *n_used = value ? (size_t)error.position : 0;
    return value;
}

void observe_json_record(struct inference *inf, struct str text, int64_t now_s)
{
    size_t n_used;
    json_t *value = load(text.p, text.n, 0, &n_used);
    observe_object(inf, value, now_s);
    json_decref(value);
}

void observe_compact_record(struct inference *inf, struct str line, int64_t now_s)
{
    size_t n_used, i;
    json_t *value = load(line.p, line.n, 0, &n_used), *element;
    if (!json_is_array(value)) {
        inf->n_broken++;
    } else if (json_array_size(value) != inf->n_columns) {
        inf->n_ragged++;
    } else {
        json_array_foreach(value, i, element)
        {
            struct column_stats *s = &inf->columns[i]->stats;
            if (json_is_array(element)) {
                observe_array(s, element, now_s);
            } else if (json_is_object(element)) {
                s->n_arrays++;
                s->n_deep++;
            } else {
                observe_scalar(s, element, now_s);
            }
        }
        inf->n_records++;
    }
    json_decref(value);
}

/* ---- objects whose keys are data ---- */

static size_t last_dot(const char *path)
{
    bool is_quoted = false;
    size_t at = 0;
    for (size_t i = 0; path[i]; i++) {
        is_quoted ^= path[i] == '"';
        if (path[i] == '.' && !is_quoted)
            at = i;
    }
    return at;
}

static bool is_child(const struct infer_column *c, const char *parent, size_t n)
{
    return strncmp(c->path, parent, n) == 0 && c->path[n] == '.';
}

static uint64_t times_there(const struct column_stats *s)
{
    uint64_t n = s->n_values + s->n_arrays;
    for (size_t i = 0; i < NULL_SPELLINGS; i++)
        n += s->n_null[i];
    return n;
}

/* Numbers, or texts; nothing else, nothing deeper. */
static int map_kind(const struct infer_column *c, size_t parent_n)
{
    const struct column_stats *s = &c->stats;
    uint64_t n_numbers = s->n_kind[VALUE_INT] + s->n_kind[VALUE_FLOAT];
    if (s->n_arrays > 0 || strchr(c->path + parent_n + 1, '.') || c->is_map)
        return -1;
    return s->n_values == 0 ? 0 : n_numbers == s->n_values && s->n_json_text == 0 ? 1 : 2;
}

/* Many keys, each of which few of the records have. */
static bool is_map(const struct inference *inf, const char *parent, size_t n)
{
    enum { FEWEST_KEYS = 20 };
    size_t n_keys = 0;
    int kind = 0;
    uint64_t n_there = 0;
    for (size_t i = 0; i < inf->n_columns; i++) {
        if (!is_child(inf->columns[i], parent, n))
            continue;
        int own = map_kind(inf->columns[i], n);
        if (own < 0 || (own > 0 && kind > 0 && own != kind))
            return false;
        kind = own ? own : kind;
        n_there += times_there(&inf->columns[i]->stats);
        n_keys++;
    }
    return n_keys >= FEWEST_KEYS && n_there * 4 < n_keys * inf->n_records;
}

static void make_map(struct inference *inf, const char *parent, size_t n)
{
    size_t kept = 0;
    struct infer_column *map = NULL;
    for (size_t i = 0; i < inf->n_columns; i++) {
        struct infer_column *c = inf->columns[i];
        if (!is_child(c, parent, n)) {
            inf->columns[kept++] = c;
            continue;
        }
        if (map == NULL) {
            map = c;
            c->path = arena_text(&inf->arena, (struct str){parent, n});
            c->is_map = true;
            inf->columns[kept++] = c;
        } else {
            column_stats_merge(&map->stats, &c->stats);
        }
    }
    inf->n_columns = kept;
}

static void find_maps(struct inference *inf)
{
    for (size_t i = 0; i < inf->n_columns; i++) {
        AUTO_MEM char *path = xstrdup(inf->columns[i]->path);
        size_t n = last_dot(path);
        if (n > 0 && !inf->columns[i]->is_map && is_map(inf, path, n))
            make_map(inf, path, n);
    }
}

/* ---- a sample ---- */

static const char *behind_mark(const char *p, const char *end)
{
    return end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? p + 3 : p;
}

/* Paths that are an object in some records and a value or null in others. */
static void note_objects(struct inference *inf)
{
    for (size_t i = 0; i < inf->n_columns; i++) {
        struct infer_column *c = inf->columns[i];
        size_t n = strlen(c->path);
        for (size_t k = 0; k < inf->n_columns; k++)
            c->stats.n_objects += is_child(inf->columns[k], c->path, n);
    }
}

static void count_missing(struct inference *inf)
{
    for (size_t i = 0; i < inf->n_columns; i++) {
        struct column_stats *c = &inf->columns[i]->stats;
        uint64_t there = times_there(c);
        c->n_missing =
            inf->columns[i]->is_map || inf->n_records <= there ? 0 : inf->n_records - there;
    }
}

static void observe_lines(struct inference *inf, const struct layout *own, const struct sample *s,
                          int64_t now_s)
{
    const char *end = s->text.p + s->text.n, *p = behind_mark(s->text.p, end);
    bool has_header = own->is_compact && own->has_header;
    for (size_t n = 0; p < end && n < MAX_RECORDS;) {
        const char *line = memchr(p, '\n', (size_t)(end - p));
        struct str text = {p, (size_t)((line ? line : end) - p)};
        p = line ? line + 1 : end;
        if (text.n == 0 || (text.n == 1 && text.p[0] == '\r'))
            continue;
        if (has_header)
            has_header = false;
        else if (own->is_compact)
            observe_compact_record(inf, text, now_s);
        else
            observe_json_record(inf, text, now_s);
        n++;
    }
}

/* Records wherever they end; the last one may be cut off. Only the sample's first piece: where a
 * record begins further on nothing shows. */
static void observe_stream(struct inference *inf, const struct sample *s, int64_t now_s)
{
    const char *end = s->text.p + (s->n_pieces ? s->ends[0] : 0), *p = behind_mark(s->text.p, end);
    for (size_t n = 0; n < MAX_RECORDS; n++) {
        while (p < end && (isspace((unsigned char)*p) || *p == ',' || *p == '[' || *p == ']'))
            p++;
        if (p == end)
            break;
        size_t n_used;
        json_t *value = load(p, (size_t)(end - p), JSON_DISABLE_EOF_CHECK, &n_used);
        if (value == NULL || n_used == 0) {
            inf->n_broken += s->is_whole;
            json_decref(value);
            break;
        }
        observe_object(inf, value, now_s);
        json_decref(value);
        p += n_used;
    }
}

void observe_json(struct inference *inf, const struct layout *own, const struct sample *s,
                  int64_t now_s)
{
    if (own->is_stream)
        observe_stream(inf, s, now_s);
    else
        observe_lines(inf, own, s, now_s);
    if (own->is_compact)
        return;
    find_maps(inf);
    note_objects(inf);
    count_missing(inf);
}
