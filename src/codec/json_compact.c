/* SPDX-License-Identifier: Apache-2.0
 *
 * FORMAT JSONCompactEachRow: a record is one line that holds one JSON array, its values by
 * position, or by the names in the array that is the file's first line. Values are read as
 * JSONEachRow's. */
#include "base/mem.h"
#include "codec/json_priv.h"

static void want(struct json_decoder *d, size_t n)
{
    d->elements = xrealloc(d->elements, (n + 1) * sizeof(*d->elements));
    d->n_elements = n;
    for (size_t i = 0; i < n; i++)
        d->elements[i] = (struct json_path){.field = -1};
}

/* Several fields may want one value. */
static void add_field(struct json_decoder *d, size_t position, size_t field)
{
    d->next_same[field] = d->elements[position].field;
    d->elements[position].field = (int32_t)field;
}

static struct decoder *compact_open(const struct decoder_spec *spec)
{
    struct decoder *base = json_open_any(spec);
    struct json_decoder *d = (struct json_decoder *)base;

    d->others = -1;
    d->next_same = xcalloc(spec->n_fields + 1, sizeof(*d->next_same));
    if (spec->format != FORMAT_JSON_COMPACT)
        return base;
    want(d, spec->n_positions);
    for (size_t i = 0; i < spec->n_fields; i++)
        add_field(d, spec->positions[i], i);
    return base;
}

/* The names of a header line; returns how many, or -1. */
static ptrdiff_t read_names(struct str line, struct str *names, size_t cap, struct arena *arena)
{
    const char *p = line.p, *end = line.p + line.n;
    size_t n = 0;

    for (char wanted = '[';; wanted = ',') {
        while (p < end && json_is_space(*p))
            p++;
        if (n > 0 && p < end && *p == ']')
            return (ptrdiff_t)n;
        if (p == end || *p++ != wanted)
            return -1;
        while (p < end && json_is_space(*p))
            p++;
        struct str name;
        if (p == end || *p != '"' || !json_take_string(&p, end, arena, &name))
            return -1;
        if (n < cap)
            names[n] = name;
        n++;
    }
}

static enum err_code compact_header(struct decoder *base, struct str header, struct err *e)
{
    struct json_decoder *d = (struct json_decoder *)base;
    size_t cap = base->spec.max_columns;
    AUTO_DONE(arena) arena = {0};
    AUTO_MEM struct str *names = xcalloc(cap, sizeof(*names));
    ptrdiff_t n = read_names(header, names, cap, &arena);

    if (n < 0)
        return err_set(e, ERR_SYNTAX, "the header: not a JSON array of names");
    if ((size_t)n > cap)
        return err_set(e, ERR_LIMIT, "the header has more columns than max_columns = %zu", cap);
    want(d, (size_t)n);
    for (size_t f = 0; f < base->spec.n_fields; f++) {
        struct str name = base->spec.fields[f].path;
        size_t found = 0;
        for (size_t i = 0; i < (size_t)n; i++) {
            if (!str_eq(names[i], name))
                continue;
            if (found++ == 0)
                add_field(d, i, f);
        }
        if (found == 0)
            return err_set(e, ERR_NOT_FOUND, "column '%.*s' is not in the header", STR_FMT(name));
        if (found > 1)
            return err_set(e, ERR_INVALID, "column '%.*s' is in the header %zu times",
                           STR_FMT(name), found);
    }
    return ERR_OK;
}

static void take_line(struct json_decoder *d, struct batch *b, struct reject_list *rejects,
                      struct str line)
{
    if (json_parse_array(d, b, b->n_rows, line)) {
        b->offsets[b->n_rows] = d->base.offset;
        b->lengths[b->n_rows++] = (uint32_t)line.n;
    } else {
        reject_add(rejects, d->base.offset, line, "%s", d->reason);
    }
}

static bool is_blank(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (!json_is_space(line.p[i]))
            return false;
    return true;
}

static size_t compact_next(struct decoder *base, struct batch *b, struct reject_list *rejects)
{
    size_t n_before = b->n_rows + rejects->n, max_rejects = rejects->n + BATCH_ROWS;

    while (base->data < base->end && b->n_rows < BATCH_ROWS && rejects->n < max_rejects) {
        const char *p = base->data, *found = memchr(p, '\n', (size_t)(base->end - p));
        const char *end = found ? found : base->end;
        struct str line = {p, (size_t)(end - p)};
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (!is_blank(line))
            take_line((struct json_decoder *)base, b, rejects, line);
        end += found != NULL;
        base->offset += (uint64_t)(end - p);
        base->data = end;
    }
    return b->n_rows + rejects->n - n_before;
}

const struct decoder_driver decoder_json_compact = {
    .format = FORMAT_JSON_COMPACT,
    .open = compact_open,
    .next = compact_next,
    .cut = json_cut_lines,
    .free = json_free,
};

const struct decoder_driver decoder_json_compact_with_names = {
    .format = FORMAT_JSON_COMPACT_WITH_NAMES,
    .has_names = true,
    .open = compact_open,
    .header = compact_header,
    .next = compact_next,
    .cut = json_cut_lines,
    .free = json_free,
};
