/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/chart.h"

enum { TOP_VALUES = 5, MAX_COLUMNS = 16, MAX_SERIES = 400 };

/* ---- small tables of text ---- */

struct grid {
    struct buf text; /* TSV */
    char **cells;
    size_t n_rows, n_columns;
};

static void grid_done(struct grid *g)
{
    buf_done(&g->text);
    free(g->cells);
}
DEFINE_AUTO_DONE(grid)

static void unescape(char *text)
{
    char *to = text;
    for (const char *p = text; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
            *to++ = *p == 't' || *p == 'n' || *p == 'r' ? ' ' : *p;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
}

static enum err_code grid_ask(struct grid *g, struct session *s, const char *sql, struct err *e)
{
    struct store_call call = {
        .sql = sql, .database = s->plan->settings.database, .format = "TSV", .answer = &g->text};
    TRY(store_call(s->store, &call, e));
    buf_cstr(&g->text);
    size_t n_cells = 0, cap = 0;
    char *p = g->text.p, *end = p + g->text.n;
    while (p < end) {
        char *stop = p + strcspn(p, "\t\n");
        bool is_row_end = *stop != '\t';
        *stop = '\0';
        if (n_cells == cap)
            g->cells = xrealloc(g->cells, (cap = cap ? cap * 2 : 64) * sizeof(char *));
        g->cells[n_cells++] = p;
        if (is_row_end && ++g->n_rows == 1)
            g->n_columns = n_cells;
        p = stop + 1;
    }
    for (size_t i = 0; i < n_cells; i++) {
        bool is_null = strcmp(g->cells[i], "\\N") == 0;
        unescape(g->cells[i]);
        if (is_null)
            g->cells[i] = (char *)"NULL";
    }
    return ERR_OK;
}

static const char *grid_cell(const struct grid *g, size_t row, size_t column)
{
    return g->cells[row * g->n_columns + column];
}

/* [1.2345,6] -> 1.23 6.00 */
static void shown_cell(char *out, size_t size, const char *text)
{
    if (*text != '[') {
        number_for_people(out, size, text);
        return;
    }
    size_t at = 0;
    for (const char *p = text + 1; *p && *p != ']' && at + 24 < size;) {
        char number[40], shown[40];
        size_t n = strcspn(p, ",]");
        snprintf(number, sizeof(number), "%.*s", n < 39 ? (int)n : 39, p);
        number_for_people(shown, sizeof(shown), number);
        at += (size_t)snprintf(out + at, size - at, "%s%s", at ? " " : "", shown);
        p += n + (p[n] == ',');
    }
    if (at == 0)
        snprintf(out, size, "%s", text);
}

/* ---- SQL over a cube ---- */

/* A column of the answer: an item of the metric that is one measure, as it is. */
struct shown {
    struct str name;
    const struct plan_measure *measure;
};

/* Items name measures by their column; a prefix keeps aliases apart. */
static bool is_measure(const struct ast *value, const struct plan_measure *m)
{
    struct str text = value->text;
    if (value->kind != AST_NAME)
        return false;
    if (str_starts(text, "_m_") && strncmp(m->column, "_m_", 3) != 0)
        text = (struct str){text.p + 3, text.n - 3};
    return str_is(text, m->column);
}

static size_t shown_items(const struct plan_cube *c, struct shown *ret, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_items && n < cap; i++)
        for (size_t m = 0; m < c->n_measures; m++)
            if (c->items[i].type.kind == TYPE_NOTHING &&
                is_measure(c->items[i].value, &c->measures[m])) {
                ret[n++] = (struct shown){c->items[i].name, &c->measures[m]};
                break;
            }
    return n;
}

/* Do its values add up to a course that can be drawn? */
static bool is_drawable(const struct plan_measure *m)
{
    static const char *const calls[] = {"count", "countIf", "sum", "sumIf"};
    for (size_t i = 0; i < COUNT(calls); i++)
        if (str_is(m->call->text, calls[i]))
            return true;
    return false;
}

/* The item that counts events, else the first. */
static size_t counting_item(const struct shown *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(items[i].measure->call->text, "count") && items[i].measure->n_args == 0 &&
            items[i].measure->condition < 0)
            return i;
    return 0;
}

static void put_value(struct buf *sql, const struct shown *item)
{
    const char *call = aggregate_storage(item->measure->aggregate)->merge_call,
               *hole = strstr(call, "%s");
    buf_put(sql, call, (size_t)(hole - call));
    buf_text(sql, "k.");
    print_identifier(sql, str_of(item->measure->column));
    buf_text(sql, hole + 2);
}

static void put_values(struct buf *sql, const struct shown *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_text(sql, i ? ", " : "");
        put_value(sql, &items[i]);
    }
}

static void put_from(struct buf *sql, const struct session *s, const struct plan_tier *tier)
{
    buf_printf(sql, " FROM %s.%s AS k WHERE _lane = 0", s->plan->settings.database, tier->table);
    if (tier->keep && tier->keep->is_given && !tier->keep->is_forever)
        buf_printf(sql, " AND bucket >= now() - toIntervalSecond(%" PRId64 ")",
                   duration_seconds(tier->keep->age));
}

/* ---- parts of the answer ---- */

static void put_heading(const struct terminal *t, const char *text)
{
    printf("%s%s%s\n", t->has_colours ? "\033[1m" : "", text, t->has_colours ? "\033[0m" : "");
}

static enum err_code show_rejects(struct session *s, const struct plan_source *source,
                                  const struct terminal *t, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_text(
        &sql,
        "SELECT count(), reason, any(substring(record, 1, 100)) FROM weir_rejects WHERE source = ");
    print_string_literal(&sql, source->name);
    buf_text(&sql, " GROUP BY reason ORDER BY count() DESC, reason LIMIT 3");
    AUTO_DONE(grid) g = {0};
    TRY(grid_ask(&g, s, buf_cstr(&sql), e));
    for (size_t i = 0; i < g.n_rows; i++) {
        char n[40];
        number_for_people(n, sizeof(n), grid_cell(&g, i, 0));
        printf("  %s%s x%s %s, such as: %s\n", t->has_colours ? "\033[33m" : "", n,
               t->has_colours ? "\033[0m" : "", grid_cell(&g, i, 1), grid_cell(&g, i, 2));
    }
    return ERR_OK;
}

static enum err_code show_books(struct session *s, const struct plan_source *source,
                                const struct terminal *t, bool *is_empty, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_text(
        &sql,
        "SELECT sum(read), sum(kept), sum(filtered), sum(rejected), sum(lost), "
        "sum(duplicate), toString(toDateTime(min(min_time))), toString(toDateTime(max(max_time))) "
        "FROM weir_ledger WHERE kind = 'partition' AND source = ");
    print_string_literal(&sql, source->name);
    AUTO_DONE(grid) g = {0};
    TRY(grid_ask(&g, s, buf_cstr(&sql), e));
    static const char *const words[] = {"read",     "kept", "filtered",
                                        "rejected", "lost", "duplicate"};
    printf("%s%.*s%s: ", t->has_colours ? "\033[1m" : "", STR_FMT(source->name),
           t->has_colours ? "\033[0m" : "");
    for (size_t i = 0; i < COUNT(words) && g.n_rows == 1; i++) {
        const char *value = grid_cell(&g, 0, i);
        bool is_none = strcmp(value, "0") == 0;
        if (is_none && (i == 2 || i >= 4))
            continue;
        char n[40];
        number_for_people(n, sizeof(n), value);
        bool is_bad = !is_none && (i == 3 || i == 4);
        printf("%s%s%s %s%s", i ? ", " : "", is_bad && t->has_colours ? "\033[33m" : "", n,
               words[i], is_bad && t->has_colours ? "\033[0m" : "");
    }
    *is_empty = g.n_rows != 1 || strcmp(grid_cell(&g, 0, 0), "0") == 0;
    if (!*is_empty && strcmp(grid_cell(&g, 0, 6), "NULL") != 0)
        printf("; events from %s to %s", grid_cell(&g, 0, 6), grid_cell(&g, 0, 7));
    putchar('\n');
    if (g.n_rows == 1 && strcmp(grid_cell(&g, 0, 3), "0") != 0)
        TRY(show_rejects(s, source, t, e));
    return ERR_OK;
}

/* Rows of cells with right-aligned numbers. names: of the columns. */
static void print_table(const struct terminal *t, const struct grid *g, const char *const *names,
                        size_t n_keys)
{
    size_t widths[MAX_COLUMNS] = {0};
    char cell[400];
    size_t n_columns = g->n_columns < MAX_COLUMNS ? g->n_columns : MAX_COLUMNS;
    for (size_t c = 0; c < n_columns; c++) {
        widths[c] = text_columns(names[c]);
        for (size_t r = 0; r < g->n_rows; r++) {
            shown_cell(cell, sizeof(cell), grid_cell(g, r, c));
            size_t n = text_columns(c < n_keys ? grid_cell(g, r, c) : cell);
            widths[c] = n > widths[c] ? n : widths[c];
        }
        widths[c] = widths[c] > 40 ? 40 : widths[c];
    }
    size_t total = 0, n_fit = 0;
    for (;
         n_fit < n_columns && (n_fit < n_keys + 1 || total + widths[n_fit] + 4 <= (size_t)t->width);
         n_fit++)
        total += widths[n_fit] + 2;
    for (size_t r = 0; r <= g->n_rows; r++) {
        fputs("  ", stdout);
        for (size_t c = 0; c < n_fit; c++) {
            const char *text = r == 0 ? names[c] : grid_cell(g, r - 1, c);
            if (r > 0 && c >= n_keys) {
                shown_cell(cell, sizeof(cell), text);
                text = cell;
            }
            size_t n = text_columns(text);
            int pad = n < widths[c] ? (int)(widths[c] - n) : 0;
            if (r == 0 && t->has_colours)
                fputs("\033[1m", stdout);
            if (c < n_keys) {
                int bytes = (int)strlen(text);
                /* cut at a character */
                while (text_columns(text) > widths[c] && bytes > 0 && n > widths[c]) {
                    do
                        bytes--;
                    while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80);
                    n--;
                }
                printf("%s%.*s%*s", c ? "  " : "", bytes, text, pad, "");
            } else {
                printf("  %*s%s", pad, "", text);
            }
            if (r == 0 && t->has_colours)
                fputs("\033[0m", stdout);
        }
        putchar('\n');
    }
}

static enum err_code show_totals(struct session *s, const struct plan_cube *c,
                                 const struct shown *items, size_t n, const struct terminal *t,
                                 struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_text(&sql, "SELECT 'all', ");
    put_values(&sql, items, n);
    put_from(&sql, s, &c->tiers[c->n_tiers - 1]);
    AUTO_DONE(grid) g = {0};
    TRY(grid_ask(&g, s, buf_cstr(&sql), e));
    const char *names[MAX_COLUMNS + 1] = {""};
    AUTO_DONE(arena) arena = {0};
    for (size_t i = 0; i < n; i++)
        names[i + 1] = arena_text(&arena, items[i].name);
    print_table(t, &g, names, 1);
    return ERR_OK;
}

static enum err_code show_top(struct session *s, const struct plan_cube *c,
                              const struct shown *items, size_t n, const struct terminal *t,
                              struct err *e)
{
    AUTO_DONE(buf) sql = {0}, keys = {0};
    AUTO_DONE(arena) arena = {0};
    const char *names[MAX_COLUMNS + 1] = {0};
    size_t n_keys = c->n_dimensions;
    if (n_keys + n > MAX_COLUMNS)
        return ERR_OK;
    for (size_t i = 0; i < n_keys; i++) {
        buf_text(&keys, i ? ", k." : "k.");
        print_identifier(&keys, c->dimensions[i].name);
        names[i] = arena_text(&arena, c->dimensions[i].name);
    }
    for (size_t i = 0; i < n; i++)
        names[n_keys + i] = arena_text(&arena, items[i].name);
    buf_printf(&sql, "SELECT %s, ", buf_cstr(&keys));
    put_values(&sql, items, n);
    buf_printf(&sql, ", count() OVER ()");
    put_from(&sql, s, &c->tiers[c->n_tiers - 1]);
    buf_printf(&sql, " GROUP BY %s ORDER BY ", buf_cstr(&keys));
    put_value(&sql, &items[counting_item(items, n)]);
    buf_printf(&sql, " DESC, %s LIMIT %d", buf_cstr(&keys), TOP_VALUES);
    AUTO_DONE(grid) g = {0};
    TRY(grid_ask(&g, s, buf_cstr(&sql), e));
    if (g.n_rows == 0)
        return ERR_OK;
    char n_values[40];
    number_for_people(n_values, sizeof(n_values), grid_cell(&g, 0, g.n_columns - 1));
    printf("\n");
    AUTO_DONE(buf) by = {0};
    for (size_t i = 0; i < n_keys; i++)
        buf_printf(&by, "%s%s", i ? ", " : "", names[i]);
    AUTO_MEM char *heading = xasprintf("by %s (%s values%s)", buf_cstr(&by), n_values,
                                       g.n_rows == TOP_VALUES ? ", the largest" : "");
    put_heading(t, heading);
    /* The last column was only for the heading. */
    for (size_t r = 0; r < g.n_rows; r++)
        memmove(&g.cells[r * (g.n_columns - 1)], &g.cells[r * g.n_columns],
                (g.n_columns - 1) * sizeof(char *));
    g.n_columns--;
    print_table(t, &g, names, n_keys);
    return ERR_OK;
}

static enum err_code show_course(struct session *s, const struct plan_tier *tier,
                                 const struct shown *item, int64_t step_s, const struct terminal *t,
                                 struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_text(&sql, "SELECT toUnixTimestamp(bucket), ");
    put_value(&sql, item);
    buf_text(&sql, ", toUnixTimestamp(min(bucket) OVER ())");
    put_from(&sql, s, tier);
    buf_printf(&sql, " GROUP BY bucket ORDER BY bucket DESC LIMIT %d", MAX_SERIES);
    AUTO_DONE(grid) g = {0};
    TRY(grid_ask(&g, s, buf_cstr(&sql), e));
    AUTO_MEM int64_t *times = xcalloc(g.n_rows + 1, sizeof(*times));
    AUTO_MEM double *values = xcalloc(g.n_rows + 1, sizeof(*values));
    for (size_t i = 0; i < g.n_rows; i++) {
        times[g.n_rows - 1 - i] = strtoll(grid_cell(&g, i, 0), NULL, 10);
        double v = strtod(grid_cell(&g, i, 1), NULL);
        values[g.n_rows - 1 - i] = isfinite(v) ? v : 0;
    }
    AUTO_MEM char *name = xstrndup(item->name.p, item->name.n);
    printf("\n");
    chart_columns(
        stdout, t,
        &(struct chart_series){.name = name,
                               .times = times,
                               .values = values,
                               .n = g.n_rows,
                               .step_s = step_s,
                               .start = g.n_rows ? strtoll(grid_cell(&g, 0, 2), NULL, 10) : 0});
    return ERR_OK;
}

/* The set without keys, else any: its buckets add up. */
static const struct plan_cube *total_cube(const struct plan_source *source,
                                          const struct plan_cube *first)
{
    for (size_t k = 0; k < source->n_cubes; k++)
        if (source->cubes[k].metric == first->metric && source->cubes[k].n_dimensions == 0)
            return &source->cubes[k];
    return first;
}

static enum err_code show_metric(struct session *s, const struct plan_source *source,
                                 const struct plan_cube *first, const struct terminal *t,
                                 struct err *e)
{
    const struct plan_cube *total = total_cube(source, first);
    struct shown items[MAX_COLUMNS];
    size_t n = shown_items(total, items, MAX_COLUMNS - 4), n_shown = 0;
    if (n == 0)
        return ERR_OK;
    putchar('\n');
    AUTO_MEM char *name = xstrndup(first->metric->name.p, first->metric->name.n);
    put_heading(t, name);
    TRY(show_totals(s, total, items, n, t, e));
    for (size_t k = 0; k < source->n_cubes && n_shown < 4; k++) {
        const struct plan_cube *c = &source->cubes[k];
        if (c->metric != first->metric || c->n_dimensions == 0)
            continue;
        struct shown own[MAX_COLUMNS];
        size_t n_own = shown_items(c, own, MAX_COLUMNS - 4);
        if (n_own > 0)
            TRY(show_top(s, c, own, n_own, t, e));
        n_shown++;
    }
    const struct shown *item = &items[counting_item(items, n)];
    for (size_t i = 0; i < total->n_tiers && is_drawable(item->measure); i++) {
        const struct plan_tier *tier = &total->tiers[i];
        if (tier->suffix && strcmp(tier->suffix, "1h") == 0)
            TRY(show_course(s, tier, item, 3600, t, e));
        if (tier->suffix && strcmp(tier->suffix, "1d") == 0)
            TRY(show_course(s, tier, item, 86400, t, e));
    }
    return ERR_OK;
}

static void show_next(const struct session *s, const char *sql_path)
{
    const char *program = program_invocation_name;
    AUTO_DONE(buf) file = {0};
    buf_text(&file, " -f ");
    if (strpbrk(sql_path, " '\"$`\\&;()<>|*?[]{}~#!"))
        buf_printf(&file, "'%s'", sql_path);
    else
        buf_text(&file, sql_path);
    printf("\nThree to try next:\n");
    const struct plan_cube *cube = NULL;
    struct shown items[MAX_COLUMNS];
    size_t n = 0;
    for (size_t i = 0; i < s->plan->n_sources && n == 0; i++) {
        const struct plan_source *source = &s->plan->sources[i];
        for (size_t k = 0; k < source->n_cubes && n == 0; k++) {
            cube = &source->cubes[k];
            if (cube->n_tiers > 0 && cube->tiers[0].suffix)
                n = shown_items(cube, items, MAX_COLUMNS);
        }
    }
    if (n > 0) {
        const struct plan_tier *tier = &cube->tiers[cube->n_tiers > 1 ? 1 : 0];
        const struct shown *item = &items[counting_item(items, n)];
        AUTO_DONE(buf) sql = {0};
        buf_text(&sql, "SELECT bucket, ");
        print_identifier(&sql, item->name);
        buf_printf(&sql, " FROM %.*s_%s%s ORDER BY bucket", STR_FMT(cube->metric->name),
                   tier->suffix, cube->metric->has_grouping_sets ? " WHERE _set = ''" : "");
        printf("  %s query%s --chart \"%s\"\n", program, buf_cstr(&file), buf_cstr(&sql));
    } else {
        printf("  %s query%s \"SHOW TABLES\"\n", program, buf_cstr(&file));
    }
    printf("  %s explain%s\n", program, buf_cstr(&file));
    printf("  %s run%s\n", program, buf_cstr(&file));
}

int answer_show(struct session *s, const char *sql_path)
{
    struct err e;
    struct terminal t;
    terminal_look(&t);
    enum err_code code = store_ensure(s->store, false, &e);
    for (size_t i = 0; i < s->plan->n_sources && code == ERR_OK; i++) {
        const struct plan_source *source = &s->plan->sources[i];
        bool is_empty;
        if (i > 0)
            putchar('\n');
        code = show_books(s, source, &t, &is_empty, &e);
        const struct metric_def *last = NULL;
        for (size_t k = 0; k < source->n_cubes && code == ERR_OK && !is_empty; k++) {
            if (source->cubes[k].metric != last)
                code = show_metric(s, source, &source->cubes[k], &t, &e);
            last = source->cubes[k].metric;
        }
    }
    if (code != ERR_OK) {
        complain("%s", e.text);
        return exit_code_of(&e);
    }
    show_next(s, sql_path);
    fflush(stdout);
    return EXIT_OK;
}
