/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes with their ranges, for editors and scripts. */
#include "lang/diagnose_priv.h"

static void put_text(struct buf *out, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    buf_byte(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            buf_byte(out, '\\');
            buf_byte(out, c);
        } else if (c < 0x20) {
            buf_printf(out, "\\u00%c%c", digits[c >> 4], digits[c & 15]);
        } else {
            buf_byte(out, c);
        }
    }
    buf_byte(out, '"');
}

/* One behind the range's last byte. It may go over line ends: a text in quotes does. */
static void find_end(const struct definition_file *file, struct place at, uint32_t *line,
                     uint32_t *column)
{
    const char *p = file->text.p, *end = p + file->text.n;
    *line = at.line;
    *column = at.column;
    for (uint32_t i = 1; i < at.line && p < end; i++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        p = newline != NULL ? newline + 1 : end;
    }
    p = (size_t)(end - p) > at.column - 1 ? p + at.column - 1 : end;
    for (uint32_t i = 0; i < at.length && p < end; i++, p++) {
        *column = *p == '\n' ? 1 : *column + 1;
        *line += *p == '\n';
    }
}

static void put_one(struct buf *out, const struct diagnostic *item,
                    const struct definition_file *file)
{
    uint32_t line = item->at.line, column = item->at.column;
    if (file != NULL && line > 0 && column > 0)
        find_end(file, item->at, &line, &column);
    buf_text(out, "{\"file\": ");
    put_text(out, file != NULL ? file->path : "");
    buf_printf(out, ", \"line\": %u, \"column\": %u, \"endLine\": %u, \"endColumn\": %u",
               item->at.line, item->at.column, line, column);
    buf_printf(out,
               ", \"severity\": \"%s\", \"message\": ", item->is_warning ? "warning" : "error");
    put_text(out, item->text);
    if (item->suggestion != NULL) {
        buf_text(out, ", \"suggestion\": ");
        put_text(out, item->suggestion);
    }
    buf_byte(out, '}');
}

void diagnostics_print_json(struct buf *out, const struct diagnostics *d,
                            const struct definitions *defs)
{
    const struct diagnostic **sorted = diagnostics_sorted(d);
    buf_byte(out, '[');
    for (size_t i = 0; i < d->n; i++) {
        bool is_of_file = sorted[i]->at.line > 0 && sorted[i]->at.file < defs->n_files;
        buf_text(out, i ? ",\n " : "");
        put_one(out, sorted[i], is_of_file ? &defs->files[sorted[i]->at.file] : NULL);
    }
    buf_text(out, "]\n");
    free(sorted);
}
