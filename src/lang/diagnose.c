/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes, kept in the order found and printed in the order of the text. */
#include <stdio.h>

#include "lang/diagnose_priv.h"

enum {
    MAX_KEPT = 1000,      /* a binary file given by mistake has more */
    MAX_LINE_SHOWN = 160, /* bytes of a source line around the place */
};

void diagnostics_done(struct diagnostics *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->items[i].text);
        free(d->items[i].suggestion);
    }
    free(d->items);
    *d = (struct diagnostics){0};
}

/* The body of a function is built at each of its calls: one mistake is said once. */
static bool is_there(const struct diagnostics *d, struct place at, const char *text)
{
    for (size_t i = 0; i < d->n; i++) {
        const struct diagnostic *item = &d->items[i];
        if (item->at.line == at.line && item->at.column == at.column && item->at.file == at.file &&
            at.line > 0 && strcmp(item->text, text) == 0)
            return true;
    }
    return false;
}

void diagnose(struct diagnostics *d, struct place at, bool is_warning, const char *suggestion,
              const char *fmt, ...)
{
    d->n_errors += !is_warning;
    if (d->n >= MAX_KEPT)
        return;
    if (d->n == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 8;
        d->items = xrealloc(d->items, d->cap * sizeof(*d->items));
    }
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        text = xstrdup("out of memory");
    if (is_there(d, at, text)) {
        d->n_repeated += !is_warning;
        free(text);
        return;
    }
    d->items[d->n++] = (struct diagnostic){
        .at = at,
        .is_warning = is_warning,
        .text = text,
        .suggestion = suggestion != NULL ? xstrdup(suggestion) : NULL,
    };
}

static int by_place(const void *a, const void *b)
{
    const struct diagnostic *x = *(const struct diagnostic *const *)a,
                            *y = *(const struct diagnostic *const *)b;
    if (x->at.file != y->at.file)
        return x->at.file < y->at.file ? -1 : 1;
    if (x->at.line != y->at.line)
        return x->at.line < y->at.line ? -1 : 1;
    if (x->at.column != y->at.column)
        return x->at.column < y->at.column ? -1 : 1;
    return x < y ? -1 : 1; /* as found */
}

/* Walks a file once, as the places come sorted. */
struct line_finder {
    const struct definition_file *file;
    const char *at;
    uint32_t line;
};

static struct str find_line(struct line_finder *f, const struct definition_file *file,
                            uint32_t line)
{
    if (f->file != file)
        *f = (struct line_finder){file, file->text.p, 1};
    const char *end = file->text.p + file->text.n;
    while (f->line < line && f->at < end) {
        const char *newline = memchr(f->at, '\n', (size_t)(end - f->at));
        f->at = newline != NULL ? newline + 1 : end;
        f->line++;
    }
    const char *newline = f->at < end ? memchr(f->at, '\n', (size_t)(end - f->at)) : NULL;
    return (struct str){f->at, (size_t)((newline != NULL ? newline : end) - f->at)};
}

static bool continues_character(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* One character a column; what would move the cursor or ring the bell becomes a blank. */
static void put_visible(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_byte(out, c < 0x20 || c == 0x7f ? ' ' : c);
    }
}

static void put_repeated(struct buf *out, struct str under, char c)
{
    for (size_t i = 0; i < under.n; i++)
        if (!continues_character(under.p[i]))
            buf_byte(out, (uint8_t)c);
}

static void print_line(struct buf *out, struct str line, struct place at)
{
    while (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    size_t start = at.column - 1 < line.n ? at.column - 1 : line.n;
    size_t end = at.length < line.n - start ? start + at.length : line.n;
    size_t from =
        start > MAX_LINE_SHOWN / 2 && line.n > MAX_LINE_SHOWN ? start - MAX_LINE_SHOWN / 2 : 0;
    size_t to = line.n - from > MAX_LINE_SHOWN ? from + MAX_LINE_SHOWN : line.n;
    while (from > 0 && continues_character(line.p[from]))
        from--;
    while (to < line.n && continues_character(line.p[to]))
        to++;
    end = end < to ? end : to;

    buf_text(out, from > 0 ? "  … " : "    ");
    put_visible(out, (struct str){line.p + from, to - from});
    buf_text(out, to < line.n ? " …\n    " : "\n    ");
    put_repeated(out, (struct str){line.p + from, start - from}, ' ');
    buf_byte(out, '^');
    size_t first = start + 1;
    while (first < end && continues_character(line.p[first]))
        first++;
    if (first < end)
        put_repeated(out, (struct str){line.p + first, end - first}, '~');
    buf_byte(out, '\n');
}

const struct diagnostic **diagnostics_sorted(const struct diagnostics *d)
{
    const struct diagnostic **sorted = xmalloc((d->n + 1) * sizeof(*sorted));
    for (size_t i = 0; i < d->n; i++)
        sorted[i] = &d->items[i];
    qsort(sorted, d->n, sizeof(*sorted), by_place);
    return sorted;
}

void diagnostics_print(struct buf *out, const struct diagnostics *d, const struct definitions *defs)
{
    if (d->n == 0)
        return;
    const struct diagnostic **sorted = diagnostics_sorted(d);
    struct line_finder finder = {0};
    size_t n_shown_errors = 0;

    for (size_t i = 0; i < d->n; i++) {
        const struct diagnostic *item = sorted[i];
        const struct definition_file *file =
            defs != NULL && item->at.file < defs->n_files ? &defs->files[item->at.file] : NULL;
        n_shown_errors += !item->is_warning;
        if (file != NULL)
            buf_printf(out, "%s:", file->path);
        if (item->at.line > 0)
            buf_printf(out, "%u:%u:", item->at.line, item->at.column);
        buf_printf(out, "%s%s: %s\n", file != NULL || item->at.line > 0 ? " " : "",
                   item->is_warning ? "warning" : "error", item->text);
        if (file != NULL && item->at.line > 0 && item->at.length > 0)
            print_line(out, find_line(&finder, file, item->at.line), item->at);
        if (item->suggestion != NULL)
            buf_printf(out, "    %s\n", item->suggestion);
    }
    size_t n_errors = d->n_errors - d->n_repeated;
    if (n_errors > n_shown_errors)
        buf_printf(out, "… and %zu more errors\n", n_errors - n_shown_errors);
    free(sorted);
}
