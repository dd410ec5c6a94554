/* SPDX-License-Identifier: Apache-2.0
 *
 * Bars on a terminal: eighths of a character where the locale is UTF-8, ASCII else. */
#ifndef CLI_CHART_H
#define CLI_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct terminal {
    int width;
    bool is_utf8, has_colours;
};

/* Of stdout: its width (or COLUMNS, or 80), LC_ALL, LC_CTYPE, LANG, NO_COLOR. */
void terminal_look(struct terminal *t);

/* One bar a line: label, number, bar. Values that are no number: NAN. */
struct chart_bar {
    const char *label;
    const char *number;
    double value;
};
void chart_bars(FILE *out, const struct terminal *t, const struct chart_bar *bars, size_t n);

/* Upright bars over time: one a step, the last ones that fit the width; steps without a value are
 * 0. times (UTC seconds) ascend. step_s: 3600 or 86400. */
struct chart_series {
    const char *name; /* "rows" */
    const int64_t *times;
    const double *values;
    size_t n;
    int64_t step_s;
    int64_t start; /* first of all, also of those not given; 0: times[0] */
};
void chart_columns(FILE *out, const struct terminal *t, const struct chart_series *s);

/* Characters of UTF-8 text, for alignment. */
size_t text_columns(const char *text);
/* 1234567 -> "1,234,567"; numbers with a fraction shortened to six digits; anything else as it
 * is. */
void number_for_people(char *out, size_t size, const char *text);

#endif
