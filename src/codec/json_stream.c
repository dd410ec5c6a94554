/* SPDX-License-Identifier: Apache-2.0
 *
 * JSONEachRow over several lines: one array around all records, objects one behind the other,
 * pretty-printed. A file is lines, where every line end ends a record, unless its beginning
 * shows that it is none: then records end where their brackets do. */
#include "codec/json_priv.h"

/* Behind the string whose opening quote is at p. */
static const char *string_stop(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"')
            return p + 1;
        p += *p == '\\';
    }
    return NULL;
}

const char *json_stream_end(const char *p, const char *end)
{
    size_t depth = 0;

    if (*p != '{') {
        for (; p < end; p++)
            if (*p == '\n' || *p == '{')
                return p;
        return NULL;
    }
    while (p < end) {
        switch (*p) {
        case '"':
            p = string_stop(p, end);
            if (p == NULL)
                return NULL;
            continue;
        case '{':
        case '[': depth++; break;
        case '}':
        case ']': depth--; break;
        }
        p++;
        if (depth == 0)
            return p;
    }
    return NULL;
}

/* Records and the separators behind them. */
size_t json_stream_cut(const char *data, size_t n, bool is_end)
{
    const char *p = data, *end = data + n;

    if (is_end)
        return n;
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    while (p < end) {
        if (json_is_separator(*p)) {
            p++;
            continue;
        }
        const char *stop = json_stream_end(p, end);
        if (stop == NULL)
            break;
        p = stop;
    }
    return (size_t)(p - data);
}

enum json_layout json_layout_of(const char *data, size_t n)
{
    const char *p = data, *end = data + n;

    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    while (p < end && json_is_space(*p))
        p++;
    if (p == end)
        return JSON_UNDECIDED;
    if (*p == '[') { /* of records; any other array is a bad line */
        for (p++; p < end && json_is_space(*p);)
            p++;
        return p == end ? JSON_UNDECIDED : *p == '{' || *p == ']' ? JSON_IS_STREAM : JSON_IS_LINES;
    }
    if (*p != '{')
        return JSON_IS_LINES;
    const char *line_end = memchr(p, '\n', (size_t)(end - p)),
               *stop = json_stream_end(p, line_end ? line_end : end);
    if (stop != NULL)
        return JSON_IS_LINES;
    return line_end ? JSON_IS_STREAM : JSON_UNDECIDED;
}
