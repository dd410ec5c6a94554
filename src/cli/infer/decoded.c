/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats whose own decoders find the values (access logs, syslog, logfmt, Zeek, lines by a
 * pattern): all their fields are read as text, their times as times, and shown to the columns'
 * counts. So what is seen here is what the load will see. */
#include "base/mem.h"
#include "cli/infer/infer.h"
#include "expr/regex.h"

/* ---- columns ---- */

/* Fields that the decoder reads as times, in whatever form. */
static bool is_time_field(const struct layout *l, const struct infer_column *c)
{
    if (l->format == FORMAT_ZEEK)
        return c->declared && strcmp(c->declared, "time") == 0;
    return (l->format == FORMAT_COMBINED_LOG || l->format == FORMAT_COMMON_LOG)
               ? strcmp(c->path, "time_local") == 0
               : l->format == FORMAT_SYSLOG && strcmp(c->path, "timestamp") == 0;
}

static bool has_column(const struct inference *inf, struct str name)
{
    for (size_t i = 0; i < inf->n_columns; i++)
        if (str_is(name, inf->columns[i]->path))
            return true;
    return false;
}

void add_decoded_columns(struct inference *inf, const struct layout *own)
{
    const char *const *names = decoder_names(own->format);
    for (size_t i = 0; names && names[i]; i++)
        inference_add_column(inf, names[i], i);
    for (size_t i = 0; names == NULL && i < own->n_columns; i++) {
        AUTO_MEM char *name = xstrndup(own->names[i].p, own->names[i].n);
        struct infer_column *c = inference_add_column(inf, name, i);
        if (own->types)
            c->declared = arena_text(&inf->arena, own->types[i]);
    }
}

/* logfmt: names are the records' own. */
static void find_keys(struct inference *inf, struct str text)
{
    enum { MOST_KEYS = 1000 };
    const char *p = text.p, *end = p + text.n;
    while (p < end) {
        while (p < end && (unsigned char)*p <= ' ')
            p++;
        const char *key = p;
        while (p < end && (unsigned char)*p > ' ' && *p != '=' && *p != '"')
            p++;
        struct str name = {key, (size_t)(p - key)};
        bool has_value = p < end && *p == '=';
        if (has_value && name.n > 0 && inf->n_columns < MOST_KEYS && !has_column(inf, name)) {
            AUTO_MEM char *text_name = xstrndup(name.p, name.n);
            inference_add_column(inf, text_name, inf->n_columns);
        }
        p += has_value;
        if (p < end && *p == '"') {
            for (p++; p < end && *p != '"' && *p != '\n'; p++)
                p += *p == '\\' && p + 1 < end && p[1] != '\n';
            p += p < end && *p == '"';
        } else {
            while (has_value && p < end && (unsigned char)*p > ' ')
                p++;
        }
    }
}

/* ---- values ---- */

struct watch {
    struct inference *inf;
    const struct layout *layout;
    struct decoder *decoder;
    struct batch batch;
    struct reject_list rejects;
    struct field *fields;
    struct type *types;
    bool *has_default;
    uint32_t *positions;
};

static const struct pattern_engine regexes = {regex_new, regex_free, regex_n_groups, regex_find};

static enum err_code watch_open(struct watch *w, struct inference *inf, const struct layout *own,
                                int64_t now_s, struct err *e)
{
    size_t n = inf->n_columns;
    *w = (struct watch){.inf = inf, .layout = own};
    w->fields = xcalloc(n + 1, sizeof(*w->fields));
    w->types = xcalloc(n + 1, sizeof(*w->types));
    w->has_default = xcalloc(n + 1, sizeof(*w->has_default));
    w->positions = xcalloc(n + 1, sizeof(*w->positions));
    for (size_t i = 0; i < n; i++) {
        const struct infer_column *c = inf->columns[i];
        bool is_time = is_time_field(own, c);
        TRY(type_parse(&w->types[i],
                       is_time ? STR("Nullable(DateTime64(6, 'UTC'))") : STR("Nullable(String)"),
                       e));
        w->fields[i] = (struct field){.path = str_of(c->path), .type = w->types[i]};
        w->positions[i] = (uint32_t)i;
    }
    struct decoder_spec spec = {.format = own->format,
                                .fields = w->fields,
                                .n_fields = n,
                                .positions = w->positions,
                                .n_positions = n,
                                .pattern = str_of(own->pattern),
                                .pattern_flags = REGEX_STRICT,
                                .skips_unmatched = own->skips_unmatched,
                                .patterns = &regexes};
    TRY(decoder_new(&w->decoder, &spec, e));
    decoder_set_now(w->decoder, now_s);
    if (own->header)
        TRY(decoder_header(w->decoder, str_of(own->header), e));
    batch_init(&w->batch, w->types, w->has_default, n);
    return ERR_OK;
}

static void watch_done(struct watch *w)
{
    if (w->batch.memory)
        batch_done(&w->batch);
    reject_list_done(&w->rejects);
    decoder_free(w->decoder);
    free(w->fields);
    free(w->types);
    free(w->has_default);
    free(w->positions);
}
DEFINE_AUTO_DONE(watch)

/* Zeek writes its times with their zone said, UTC; so do access logs. */
static bool is_zoned(const struct layout *l)
{
    return l->format != FORMAT_SYSLOG;
}

static void watch_column(struct watch *w, size_t i, int64_t now_s)
{
    struct column_stats *s = &w->inf->columns[i]->stats;
    const struct column *c = &w->batch.columns[i];
    bool is_time = c->type.kind == TYPE_DATETIME64;
    for (size_t r = 0; r < w->batch.n_rows; r++) {
        if (c->nulls[r]) {
            s->n_missing++;
        } else if (is_time) {
            column_observe_time(s, COLUMN(c, int64_t)[r], is_zoned(w->layout));
        } else {
            struct str text = COLUMN(c, struct str)[r];
            column_observe(s, text.n ? text : STR("(empty)"), true, false, now_s);
        }
    }
}

static void watch_lines(struct watch *w, struct str lines, int64_t now_s)
{
    decoder_feed(w->decoder, lines.p, lines.n, 1);
    while (decoder_next(w->decoder, &w->batch, &w->rejects) > 0) {
        for (size_t i = 0; i < w->inf->n_columns; i++)
            watch_column(w, i, now_s);
        w->inf->n_records += w->batch.n_rows;
        w->inf->n_broken += w->rejects.n;
        batch_reset(&w->batch);
        reject_list_reset(&w->rejects);
    }
}

/* Zeek: lines under another header than the first are passed over. */
static struct str under_first_header(const struct layout *own, struct str text, bool is_first)
{
    if (own->format != FORMAT_ZEEK)
        return text;
    if (is_first)
        while (text.n > 0 && *text.p == '#') {
            const char *line = memchr(text.p, '\n', text.n);
            size_t n = line ? (size_t)(line + 1 - text.p) : text.n;
            text = (struct str){text.p + n, text.n - n};
        }
    const char *next = memmem(text.p, text.n, "\n#separator", 11);
    return next ? (struct str){text.p, (size_t)(next + 1 - text.p)} : text;
}

enum err_code observe_decoded(struct inference *inf, const struct layout *own,
                              const struct sample *s, int64_t now_s, struct err *e)
{
    if (own->format == FORMAT_LOGFMT)
        find_keys(inf, buf_view((struct buf *)&s->text));
    AUTO_DONE(watch) w = {0};
    TRY(watch_open(&w, inf, own, now_s, e));
    size_t from = 0;
    for (size_t i = 0; i < s->n_pieces; i++) {
        struct str text = {s->text.p + from, s->ends[i] - from};
        if (i == 0 && str_starts(text, "\xef\xbb\xbf"))
            text = (struct str){text.p + 3, text.n - 3};
        watch_lines(&w, under_first_header(own, text, i == 0), now_s);
        from = s->ends[i];
    }
    return ERR_OK;
}

void observe_decoded_lines(struct inference *inf, const struct layout *own, struct str lines,
                           int64_t now_s)
{
    struct err e;
    AUTO_DONE(watch) w = {0};
    if (watch_open(&w, inf, own, now_s, &e) == ERR_OK)
        watch_lines(&w, lines, now_s);
}
