/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/chart.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"

enum { CHART_HEIGHT = 8, MIN_WIDTH = 40, MAX_WIDTH = 200 };

static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

void terminal_look(struct terminal *t)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    *t = (struct terminal){.width = 80, .is_utf8 = locale_is_utf8(), .has_colours = use_colours()};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        t->width = size.ws_col;
    else if (columns && atol(columns) > 0)
        t->width = (int)atol(columns);
    if (t->width < MIN_WIDTH)
        t->width = MIN_WIDTH;
    if (t->width > MAX_WIDTH)
        t->width = MAX_WIDTH;
}

size_t text_columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void number_for_people(char *out, size_t size, const char *text)
{
    const char *digits = text + (*text == '-');
    size_t n = strspn(digits, "0123456789"), at = 0;
    if (n == 0 ||
        (digits[n] != '\0' && strspn(digits + n, "0123456789.eE+-") != strlen(digits + n))) {
        snprintf(out, size, "%s", text);
        return;
    }
    if (digits[n] != '\0') {
        double v = strtod(text, NULL);
        if (fabs(v) < 1e6) {
            snprintf(out, size, "%.*f", fabs(v) >= 1000 ? 1 : fabs(v) >= 1 ? 2 : 4, v);
            return;
        }
        char whole[400];
        snprintf(whole, sizeof(whole), "%.0f", v);
        if (strlen(whole) < 24)
            number_for_people(out, size, whole);
        else
            snprintf(out, size, "%.6g", v);
        return;
    }
    if (digits != text && at + 1 < size)
        out[at++] = '-';
    for (size_t i = 0; i < n && at + 2 < size; i++) {
        if (i && (n - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

/* ---- lying bars ---- */

static void put_bar(FILE *out, const struct terminal *t, double share, int width)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int n = (int)(share * width * 8 + 0.5);
    if (n == 0 && share > 0)
        n = t->is_utf8 ? 1 : 8;
    if (!t->is_utf8)
        n = (n + 4) / 8 * 8;
    if (t->has_colours)
        fputs("\033[36m", out);
    for (int i = 0; i < n / 8; i++)
        fputs(t->is_utf8 ? "█" : "#", out);
    if (t->is_utf8)
        fputs(eighths[n % 8], out);
    if (t->has_colours)
        fputs("\033[0m", out);
}

static void put_padded(FILE *out, const char *text, size_t width, bool is_right)
{
    size_t n = text_columns(text);
    for (size_t i = n; is_right && i < width; i++)
        fputc(' ', out);
    if (n <= width) {
        fputs(text, out);
    } else { /* cut */
        size_t shown = 0;
        for (const char *p = text; *p; p++) {
            shown += ((unsigned char)*p & 0xc0) != 0x80;
            if (shown > width)
                break;
            fputc(*p, out);
        }
    }
    for (size_t i = n; !is_right && i < width; i++)
        fputc(' ', out);
}

void chart_bars(FILE *out, const struct terminal *t, const struct chart_bar *bars, size_t n)
{
    size_t label_width = 1, number_width = 1;
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t label = text_columns(bars[i].label), number = text_columns(bars[i].number);
        label_width = label > label_width ? label : label_width;
        number_width = number > number_width ? number : number_width;
        if (isfinite(bars[i].value) && fabs(bars[i].value) > most)
            most = fabs(bars[i].value);
    }
    size_t widest_label = (size_t)t->width / 2 - 4;
    label_width = label_width > widest_label ? widest_label : label_width;
    int width = t->width - (int)label_width - (int)number_width - 4;
    if (width < 8)
        width = 8;
    for (size_t i = 0; i < n; i++) {
        put_padded(out, bars[i].label, label_width, false);
        fputs("  ", out);
        put_padded(out, bars[i].number, number_width, true);
        fputc(' ', out);
        if (isfinite(bars[i].value) && most > 0) {
            if (bars[i].value < 0)
                fputc('-', out);
            put_bar(out, t, fabs(bars[i].value) / most, width - 1);
        }
        fputc('\n', out);
    }
}

/* ---- upright bars ---- */

static void short_number(char out[16], double v)
{
    if (v >= 1e9)
        snprintf(out, 16, "%.1fG", v / 1e9);
    else if (v >= 1e6)
        snprintf(out, 16, "%.1fM", v / 1e6);
    else if (v >= 1e4)
        snprintf(out, 16, "%.1fk", v / 1e3);
    else
        snprintf(out, 16, "%.*f", v == floor(v) ? 0 : 1, v);
}

static void put_time(char *out, size_t size, int64_t at, int64_t step_s)
{
    struct tm tm;
    time_t t = (time_t)at;
    gmtime_r(&t, &tm);
    strftime(out, size, step_s < 86400 ? "%Y-%m-%d %H:%M" : "%Y-%m-%d", &tm);
}

/* The character of a bar in a row of the chart (0 = lowest). */
static const char *bar_cell(const struct terminal *t, double share, int row)
{
    static const char *const eighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int n = (int)(share * CHART_HEIGHT * 8 + 0.5);
    if (n == 0 && share > 0)
        n = 1;
    n -= row * 8;
    n = n < 0 ? 0 : n > 8 ? 8 : n;
    if (t->is_utf8)
        return eighths[n];
    return n > 4 ? "#" : n > 0 ? (row == 0 ? "_" : ".") : " ";
}

void chart_columns(FILE *out, const struct terminal *t, const struct chart_series *s)
{
    if (s->n == 0)
        return;
    enum { AXIS = 8 };
    int room = t->width - AXIS - 1;
    int64_t last = s->times[s->n - 1];
    int64_t n_steps = (last - (s->start ? s->start : s->times[0])) / s->step_s + 1;
    /* with a gap behind wide ones */
    int each = n_steps * 4 <= room ? 4 : n_steps * 2 <= room ? 2 : 1;
    int64_t n_shown = n_steps < room / each ? n_steps : room / each;
    int64_t first = last - (n_shown - 1) * s->step_s;
    AUTO_MEM double *values = xcalloc((size_t)n_shown, sizeof(*values));
    double most = 0;
    for (size_t i = 0; i < s->n; i++) {
        int64_t k = (s->times[i] - first) / s->step_s;
        if (s->times[i] < first || k >= n_shown)
            continue;
        values[k] += s->values[i];
        most = values[k] > most ? values[k] : most;
    }
    const char *unit = s->step_s == 3600 ? "hour" : s->step_s == 86400 ? "day" : "step";
    fprintf(out, "%s%s per %s%s", t->has_colours ? "\033[1m" : "", s->name, unit,
            t->has_colours ? "\033[0m" : "");
    if (n_shown < n_steps) {
        char all[32], number[48];
        snprintf(all, sizeof(all), "%lld", (long long)n_steps);
        number_for_people(number, sizeof(number), all);
        fprintf(out, " (the last %lld of %s)", (long long)n_shown, number);
    }
    fputc('\n', out);
    for (int row = CHART_HEIGHT - 1; row >= 0; row--) {
        char number[16] = "";
        if (row == CHART_HEIGHT - 1)
            short_number(number, most);
        else if (row == 0)
            snprintf(number, sizeof(number), "0");
        fprintf(out, "%*s %s", AXIS - 2, number, t->is_utf8 ? "│" : "|");
        if (t->has_colours)
            fputs("\033[36m", out);
        for (int64_t k = 0; k < n_shown; k++) {
            const char *cell = bar_cell(t, most > 0 ? values[k] / most : 0, row);
            for (int i = 0; i < each; i++)
                fputs(each > 1 && i == each - 1 ? " " : cell, out);
        }
        if (t->has_colours)
            fputs("\033[0m", out);
        fputc('\n', out);
    }
    char from[32], to[32];
    put_time(from, sizeof(from), first, s->step_s);
    put_time(to, sizeof(to), last, s->step_s);
    int gap = (int)n_shown * each - (int)strlen(from) - (int)strlen(to);
    if (n_shown == 1)
        fprintf(out, "%*s%s\n", AXIS, "", from);
    else
        fprintf(out, "%*s%s%*s%s\n", AXIS, "", from, gap > 1 ? gap : 1, "", to);
}
