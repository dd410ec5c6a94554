/* SPDX-License-Identifier: Apache-2.0 */
#include "base/example.h"

#include <string.h>

const struct example *example_find(const struct example *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

void code_cell(struct buf *out, const char *code)
{
    buf_byte(out, '`');
    for (; *code; code++) {
        if (*code == '|')
            buf_byte(out, '\\');
        buf_byte(out, (uint8_t)*code);
    }
    buf_byte(out, '`');
}

void example_cell(struct buf *out, const struct example *e)
{
    if (e == NULL)
        return;
    code_cell(out, e->text);
    buf_text(out, " → ");
    code_cell(out, *e->answer ? e->answer : "''");
}
