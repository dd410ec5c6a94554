/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver of the line formats: lines, cuts, columns. Each wanted field knows its cut; a cut
 * that the record does not have gives NULL, the DEFAULT, or the type's default. */
#include "base/mem.h"
#include "codec/json_priv.h"
#include "codec/line_priv.h"
#include "codec/value_fast.h"
#include "column/zone.h"

/* ---- life ---- */

static int32_t find_name(const struct line_format *f, struct str name)
{
    for (int32_t i = 0; f->names[i] != NULL; i++)
        if (str_is(name, f->names[i]))
            return i;
    return -1;
}

static struct decoder *line_open(const struct decoder_spec *spec, const struct line_format *format)
{
    struct line_decoder *d = xcalloc(1, sizeof(*d));

    d->format = format;
    d->n_cuts = spec->n_fields;
    if (format->names != NULL)
        for (d->n_cuts = 0; format->names[d->n_cuts] != NULL;)
            d->n_cuts++;
    d->cuts = xcalloc(d->n_cuts + 1, sizeof(*d->cuts));
    d->cut_of = xcalloc(spec->n_fields + 1, sizeof(*d->cut_of));
    for (size_t i = 0; i < spec->n_fields; i++)
        d->cut_of[i] = format->names == NULL ? (int32_t)i
                       : d->n_cuts == 1      ? 0 /* the whole line, by any name */
                                             : find_name(format, spec->fields[i].path);
    if (format->format == FORMAT_REGEXP)
        regexp_open(d, spec);
    return &d->base;
}

static void line_free(struct decoder *base)
{
    struct line_decoder *d = (struct line_decoder *)base;

    if (d->regex)
        base->spec.patterns->close(d->regex);
    free(d->groups);
    free(d->cuts);
    free(d->cut_of);
    free(d);
}

void line_own(struct line_decoder *d, struct str name, struct str value)
{
    for (size_t i = 0; i < d->n_cuts; i++)
        if (str_eq(d->base.spec.fields[i].path, name))
            d->cuts[i].text = value;
}

int line_month(const char *p)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (memcmp(months + 3 * i, p, 3) == 0)
            return i + 1;
    return 0;
}

/* ---- values ---- */

static const char *store_time(void *out, struct type type, const struct line_cut *cut)
{
    int64_t seconds = cut->is_local ? zone_to_utc(type.zone, cut->seconds) : cut->seconds;

    if (type.kind == TYPE_DATETIME) {
        if (seconds < 0 || seconds > UINT32_MAX)
            return "a time outside DateTime (1970-01-01 to 2106-02-07)";
        *(uint32_t *)out = (uint32_t)seconds;
    } else if (__builtin_mul_overflow(seconds, powers_of_10[type.scale], (int64_t *)out)) {
        return "a time outside DateTime64";
    }
    return NULL;
}

static const char *store(void *out, struct type type, const struct line_cut *cut)
{
    struct str t = cut->text;
    uint64_t u;

    if (cut->is_time && type_is_time(type))
        return store_time(out, type, cut);
    switch (type.kind) {
    case TYPE_STRING: *(struct str *)out = t; return NULL;
    case TYPE_UINT64:
        if (fast_uint(t.p, t.n, out))
            return NULL;
        break;
    case TYPE_UINT32:
        if (fast_uint(t.p, t.n, &u) && u <= UINT32_MAX) {
            *(uint32_t *)out = (uint32_t)u;
            return NULL;
        }
        break;
    case TYPE_UINT16:
        if (fast_uint(t.p, t.n, &u) && u <= UINT16_MAX) {
            *(uint16_t *)out = (uint16_t)u;
            return NULL;
        }
        break;
    case TYPE_IPV4:
        if (fast_ipv4(t.p, t.n, out))
            return NULL;
        break;
    }
    return value_parse(out, type, t);
}

/* Returns NULL, or why, with *field the one that it is about. */
static const char *store_row(struct line_decoder *d, struct batch *b, size_t row, size_t *field)
{
    for (size_t i = 0; i < d->base.spec.n_fields; i++) {
        struct column *c = &b->columns[i];
        size_t width = type_width(c->type);
        char *out = (char *)c->values + row * width;
        const struct line_cut *cut = &d->cuts[d->cut_of[i]];
        bool is_there = cut->text.p != NULL;
        if (c->nulls)
            c->nulls[row] = !is_there;
        if (c->missing)
            c->missing[row] = !is_there;
        if (!is_there) {
            memset(out, 0, width);
            if (c->type.kind == TYPE_STRING)
                *(struct str *)out = (struct str){"", 0};
            continue;
        }
        const char *reason = store(out, c->type, cut);
        if (reason) {
            *field = i;
            return reason;
        }
    }
    return NULL;
}

/* ---- lines ---- */

static void take_line(struct line_decoder *d, struct batch *b, struct reject_list *rejects,
                      struct str line, uint64_t offset)
{
    size_t field = SIZE_MAX, row = b->n_rows;

    memset(d->cuts, 0, d->n_cuts * sizeof(*d->cuts));
    const char *reason = line.n > d->base.spec.max_record_bytes ? "longer than max_record_bytes"
                                                                : d->format->cut(d, line);
    if (reason == line_skipped)
        return;
    if (reason == NULL)
        reason = store_row(d, b, row, &field);
    if (reason == NULL) {
        b->offsets[row] = offset;
        b->lengths[row] = (uint32_t)line.n;
        b->n_rows++;
    } else if (field == SIZE_MAX) {
        reject_add(rejects, offset, line, "%s", reason);
    } else {
        reject_add(rejects, offset, line, "column %.*s: %s",
                   STR_FMT(d->base.spec.fields[field].path), reason);
    }
}

static size_t line_next(struct decoder *base, struct batch *b, struct reject_list *rejects)
{
    struct line_decoder *d = (struct line_decoder *)base;
    size_t n_before = b->n_rows + rejects->n, max_rejects = rejects->n + BATCH_ROWS;

    d->arena = &b->arena;
    while (base->data < base->end && b->n_rows < BATCH_ROWS && rejects->n < max_rejects) {
        const char *p = base->data, *found = memchr(p, '\n', (size_t)(base->end - p));
        const char *end = found ? found : base->end;
        struct str line = {p, (size_t)(end - p)};
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n)
            take_line(d, b, rejects, line, base->offset);
        end += found != NULL;
        base->offset += (uint64_t)(end - p);
        base->data = end;
    }
    return b->n_rows + rejects->n - n_before;
}

static size_t line_cut(char delimiter, const char *data, size_t n, bool is_end)
{
    if (is_end)
        return n;
    const char *last = memrchr(data, '\n', n);
    return last ? (size_t)(last - data) + 1 : 0;
}

/* ---- whole lines ---- */

static const char *cut_whole(struct line_decoder *d, struct str line)
{
    d->cuts[0].text = line;
    return NULL;
}

static const char *cut_json(struct line_decoder *d, struct str line)
{
    const char *end = line.p + line.n;

    while (end > line.p && json_is_space(end[-1]))
        end--;
    while (line.p < end && json_is_space(*line.p))
        line.p++;
    if (line.p == end || *line.p != '{')
        return "not a JSON object";
    const char *stop = json_skip(line.p, end, d->base.spec.max_depth);
    if (stop == NULL)
        return "a JSON object that is damaged or nested too deeply";
    if (stop != end)
        return "something stands behind the JSON object";
    d->cuts[0].text = (struct str){line.p, (size_t)(end - line.p)};
    return NULL;
}

static const char *const whole_names[] = {"line", NULL};
const struct line_format line_as_string = {FORMAT_LINE_AS_STRING, whole_names, cut_whole};
static const char *const json_names[] = {"json", NULL};
const struct line_format line_json = {FORMAT_JSON_AS_STRING, json_names, cut_json};

/* ---- drivers ---- */

#define DRIVER(NAME, FORMAT, LINE)                                                                 \
    static struct decoder *open_##NAME(const struct decoder_spec *spec)                            \
    {                                                                                              \
        return line_open(spec, &LINE);                                                             \
    }                                                                                              \
    const struct decoder_driver decoder_##NAME = {                                                 \
        .format = FORMAT,                                                                          \
        .open = open_##NAME,                                                                       \
        .next = line_next,                                                                         \
        .cut = line_cut,                                                                           \
        .free = line_free,                                                                         \
    }

DRIVER(combined_log, FORMAT_COMBINED_LOG, line_combined);
DRIVER(common_log, FORMAT_COMMON_LOG, line_common);
DRIVER(logfmt, FORMAT_LOGFMT, line_logfmt);
DRIVER(syslog, FORMAT_SYSLOG, line_syslog);
DRIVER(line_as_string, FORMAT_LINE_AS_STRING, line_as_string);
DRIVER(regexp, FORMAT_REGEXP, line_regexp);
DRIVER(json_as_string, FORMAT_JSON_AS_STRING, line_json);

const char *const *decoder_names(enum format format)
{
    static const struct line_format *const fixed[] = {&line_combined, &line_common, &line_syslog};

    for (size_t i = 0; i < COUNT(fixed); i++)
        if (fixed[i]->format == format)
            return fixed[i]->names;
    return NULL;
}
