/* SPDX-License-Identifier: Apache-2.0 */
#include "expr_compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/value.h"
#include "expr/program.h"
#include "expr_generator.h"
#include "expr_rows.h"
#include "harness.h"

/* ---- weir's side ---- */

struct answer {
    char type[512];
    char *cells[N_ROWS]; /* as TSV; NULL = fault */
    bool is_refused;
    char reason[256];
};

static void answer_done(struct answer *a)
{
    for (size_t i = 0; i < N_ROWS; i++)
        free(a->cells[i]);
}
DEFINE_AUTO_DONE(answer)

static value_id find_column(void *context, struct builder *b, struct str name, struct place at)
{
    (void)context, (void)at;
    for (size_t i = 0; i < n_test_columns; i++)
        if (str_is(name, test_columns[i].name))
            return builder_input(b, (uint32_t)i, table.types[i]);
    return VALUE_UNKNOWN;
}

static void put_tsv(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        static const char from[] = "\b\f\n\r\t\0\\'", to[] = "bfnrt0\\'";
        const char *hit = memchr(from, s.p[i], sizeof(from) - 1);
        if (hit) {
            buf_byte(out, '\\');
            buf_byte(out, (uint8_t)to[hit - from]);
        } else {
            buf_byte(out, (uint8_t)s.p[i]);
        }
    }
}

static char *cell_text(const struct column *c, size_t row)
{
    AUTO_DONE(buf) text = {0};
    AUTO_DONE(buf) out = {0};
    struct type bare = c->type;

    bare.is_nullable = bare.is_low_cardinality = false;
    if (c->nulls && c->nulls[row])
        return xstrdup("\\N");
    if (bare.kind == TYPE_INTERVAL)
        bare = (struct type){.kind = TYPE_INT64};
    value_print(&text, bare, (const char *)c->values + row * type_width(bare));
    if (type_is_text(bare) || type_is_enum(bare))
        put_tsv(&out, buf_view(&text));
    else
        buf_str(&out, buf_view(&text));
    return buf_take(&out);
}

/* LowCardinality of anything but a String counts as the plain type. */
static void plain_type(char *out, size_t n, struct str type)
{
    static const char prefix[] = "LowCardinality(";
    char text[512], unescaped[512];
    size_t k = 0;

    for (size_t i = 0; i < type.n && k < sizeof(unescaped) - 1; i++)
        if (type.p[i] != '\\')
            unescaped[k++] = type.p[i];
        else if (i + 1 < type.n && type.p[i + 1] == 'n')
            for (i++; i + 1 < type.n && type.p[i + 1] == ' ';)
                i++;
    unescaped[k] = 0;
    snprintf(text, sizeof(text), "%s", unescaped);
    if (strncmp(text, prefix, strlen(prefix)) == 0 && strstr(text, "String") == NULL) {
        size_t length = strlen(text);
        text[length - 1] = 0;
        memmove(text, text + strlen(prefix), length - strlen(prefix));
    }
    snprintf(out, n, "%s", text);
}

static void ask_weir(struct answer *a, const char *expression)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    struct scope scope = {NULL, find_column, NULL};
    struct builder *b = builder_new();
    struct ast *node = parse_expression(&arena, str_of(expression), &d);
    value_id v = node ? builder_expression(b, node, &scope, &d) : VALUE_FAILED;

    if (v < 0 || d.n_errors) {
        a->is_refused = true;
        for (size_t i = 0; i < d.n; i++)
            if (!d.items[i].is_warning) {
                snprintf(a->reason, sizeof(a->reason), "%s", d.items[i].text);
                break;
            }
        builder_free(b);
        return;
    }
    AUTO_DONE(buf) name = {0};
    type_print(&name, builder_type(b, v));
    plain_type(a->type, sizeof(a->type), buf_view(&name));
    struct program *p = builder_finish(b, &v, 1);
    builder_free(b);
    struct frame *f = frame_new(p);
    program_run(p, f, &table.batch, 1700000000);
    const struct column *c = frame_output(f, 0);
    for (size_t row = 0; row < N_ROWS; row++)
        a->cells[row] = c->faults && c->faults[row] ? NULL : cell_text(c, row);
    frame_free(f);
    program_free(p);
}

/* ---- ClickHouse's side ---- */

static struct str next_line(struct str *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct str line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};

    rest->p += line.n + (end != NULL);
    rest->n -= line.n + (end != NULL);
    return line;
}

/* One row alone; false: it throws. */
static bool ask_row(struct answer *a, const char *expression, size_t row, struct buf *answer)
{
    AUTO_DONE(buf) sql = {0};

    buf_printf(&sql, "SELECT %s AS x FROM rows WHERE i = %zu", expression, row);
    if (!chdb_ask(answer, buf_view(&sql), "TSVWithNamesAndTypes"))
        return false;
    struct str rest = buf_view(answer);
    next_line(&rest);
    plain_type(a->type, sizeof(a->type), next_line(&rest));
    struct str cell = next_line(&rest);
    a->cells[row] = xstrndup(cell.p, cell.n);
    return true;
}

/* is_refused only if it throws for all rows; the reason is then its first exception. */
static void ask_clickhouse(struct answer *a, const char *expression)
{
    AUTO_DONE(buf) sql = {0};
    AUTO_DONE(buf) answer = {0};
    bool any = false;

    buf_printf(&sql, "SELECT %s AS x FROM rows ORDER BY i", expression);
    if (chdb_ask(&answer, buf_view(&sql), "TSVWithNamesAndTypes")) {
        struct str rest = buf_view(&answer);
        next_line(&rest);
        plain_type(a->type, sizeof(a->type), next_line(&rest));
        for (size_t row = 0; row < N_ROWS; row++) {
            struct str cell = next_line(&rest);
            a->cells[row] = xstrndup(cell.p, cell.n);
        }
        return;
    }
    snprintf(a->reason, sizeof(a->reason), "%.*s", (int)(answer.n < 200 ? answer.n : 200),
        answer.p);
    for (size_t row = 0; row < N_ROWS; row++)
        any |= ask_row(a, expression, row, &answer);
    a->is_refused = !any;
}

/* ---- comparing ---- */

bool show_refused;

/* To some units in the last place, or to what float has; tiny ones as sums that end near 0. */
static bool are_near(const char *a, const char *b, bool is_float32)
{
    double x = strtod(a, NULL), y = strtod(b, NULL), scale = fmax(fabs(x), fabs(y));

    return fabs(x - y) <= scale * (is_float32 ? 2e-6 : 1e-12) + 1e-14;
}

static bool cells_differ(const char *weir, const char *clickhouse)
{
    if (!weir || !clickhouse)
        return weir != clickhouse;
    if (strcmp(weir, clickhouse) == 0)
        return false;
    /* NaN has no sign worth comparing */
    return !((strcmp(weir, "nan") == 0 || strcmp(weir, "-nan") == 0) &&
        (strcmp(clickhouse, "nan") == 0 || strcmp(clickhouse, "-nan") == 0));
}

/* Text made from a number that came of LowCardinality text is LowCardinality in ClickHouse alone. */
static void without_dictionaries(char *out, size_t cap, const char *type)
{
    static const char prefix[] = "LowCardinality(";
    int depth = 0, open[32], n_open = 0;
    size_t n = 0;

    for (const char *p = type; *p && n + 1 < cap; p++) {
        if (strncmp(p, prefix, sizeof(prefix) - 1) == 0 && n_open < 32) {
            open[n_open++] = ++depth;
            p += sizeof(prefix) - 2;
            continue;
        }
        depth += *p == '(';
        if (*p == ')' && depth-- == (n_open ? open[n_open - 1] : -1)) {
            n_open--;
            continue;
        }
        out[n++] = *p;
    }
    out[n] = 0;
}

static bool types_differ(const char *weir, const char *clickhouse)
{
    size_t n = strlen(weir);
    char ours[512], theirs[512];

    if (strncmp(weir, "Array(", 6) == 0 || strncmp(weir, "Tuple(", 6) == 0 || strncmp(weir, "Map(", 4) == 0) {
        without_dictionaries(ours, sizeof(ours), weir);
        without_dictionaries(theirs, sizeof(theirs), clickhouse);
        return strcmp(ours, theirs) != 0;
    }

    if (strcmp(weir, clickhouse) == 0)
        return false;
    return !(strncmp(clickhouse, "LowCardinality(", 15) == 0 &&
        strncmp(clickhouse + 15, weir, n) == 0 && strcmp(clickhouse + 15 + n, ")") == 0);
}

static bool row_differs(const char *expression, const struct answer *ours, const struct answer *theirs,
                        size_t row)
{
    const char *x = ours->cells[row], *y = theirs->cells[row];

    if (!cells_differ(x, y))
        return false;
    if (x == NULL && strstr(expression, "farmHash64")) /* of 512 bytes and more: rejected, as said */
        return false;
    return !(x && y && is_inexact(expression) && are_near(x, y, strstr(ours->type, "Float32") != NULL));
}

enum verdict compare(const char *expression, bool print)
{
    AUTO_DONE(answer) ours = {0};
    AUTO_DONE(answer) theirs = {0};
    bool differs = false;
    int n_shown = 0;

    ask_weir(&ours, expression);
    if (table.is_alone || (ours.is_refused && !show_refused && !print))
        return ours.is_refused ? REFUSED : SAME;
    ask_clickhouse(&theirs, expression);
    if (ours.is_refused) {
        if ((show_refused && !theirs.is_refused) || print)
            printf("refused: %s\n  weir: %s\n  ClickHouse: %s %s\n", expression, ours.reason,
                theirs.type, theirs.reason);
        return REFUSED;
    }
    for (size_t row = 0; row < N_ROWS; row++)
        differs |= row_differs(expression, &ours, &theirs, row);
    differs |= !theirs.is_refused && types_differ(ours.type, theirs.type);
    if (!differs && !print)
        return SAME;
    if (print) {
        printf("  %s\n    types: weir %s, ClickHouse %s %s\n", expression, ours.type, theirs.type,
            theirs.reason);
        for (size_t row = 0; row < N_ROWS; row++) {
            bool row_differs = cells_differ(ours.cells[row], theirs.cells[row]);
            printf("    %c row %zu: weir %s, ClickHouse %s\n", row_differs ? '*' : ' ', row,
                ours.cells[row] ? ours.cells[row] : "rejects",
                   theirs.cells[row] ? theirs.cells[row] : "throws");
            if (row_differs && n_shown++ < 2)
                print_inputs(expression, row);
        }
    }
    return differs ? DIFFERENT : SAME;
}

/* ---- many at once ---- */

enum { BATCH = 48 };

static struct waiting {
    char *expression;
    struct answer ours;
} waiting[BATCH];
static size_t n_waiting;

static bool has_fault(const struct answer *a)
{
    for (size_t row = 0; row < N_ROWS; row++)
        if (a->cells[row] == NULL)
            return true;
    return false;
}

static struct str next_cell(struct str *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\t', rest->n) : NULL;
    struct str cell = {rest->p, end ? (size_t)(end - rest->p) : rest->n};

    rest->p += cell.n + (end != NULL);
    rest->n -= cell.n + (end != NULL);
    return cell;
}

/* The rows of theirs that were asked for; the others as ours. */
static bool answers_differ(const char *expression, const struct answer *ours, const struct answer *theirs)
{
    bool differs = types_differ(ours->type, theirs->type);

    for (size_t row = 0; row < N_ROWS; row++)
        if (ours->cells[row])
            differs |= row_differs(expression, ours, theirs, row);
    return differs;
}

/* In one query; where it throws, in two of half as many. */
static void ask_many(size_t first, size_t n, compared *seen)
{
    AUTO_DONE(buf) sql = {0}, answer = {0};
    struct answer theirs[BATCH] = {0};

    if (n == 1) {
        seen(waiting[first].expression, compare(waiting[first].expression, false));
        return;
    }
    buf_text(&sql, "SELECT ");
    for (size_t i = 0; i < n; i++)
        buf_printf(&sql, "%s%s AS _%zu", i ? ", " : "", waiting[first + i].expression, i);
    buf_text(&sql, " FROM rows ORDER BY i");
    if (!chdb_ask(&answer, buf_view(&sql), "TSVWithNamesAndTypes")) {
        ask_many(first, n / 2, seen);
        ask_many(first + n / 2, n - n / 2, seen);
        return;
    }
    struct str rest = buf_view(&answer);
    next_line(&rest);
    struct str types = next_line(&rest);
    for (size_t i = 0; i < n; i++)
        plain_type(theirs[i].type, sizeof(theirs[i].type), next_cell(&types));
    for (size_t row = 0; row < N_ROWS; row++) {
        struct str line = next_line(&rest);
        for (size_t i = 0; i < n; i++) {
            struct str cell = next_cell(&line);
            theirs[i].cells[row] = xstrndup(cell.p, cell.n);
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct waiting *w = &waiting[first + i];
        bool differs = answers_differ(w->expression, &w->ours, &theirs[i]);
        /* together they may share what alone they would not: alone it counts */
        seen(w->expression, differs ? compare(w->expression, false) : SAME);
        answer_done(&theirs[i]);
    }
}

/* Rows that weir says do not throw, in one query; of those that do, two, each alone. */
static enum verdict compare_faulty(const char *expression, const struct answer *ours)
{
    AUTO_DONE(buf) sql = {0}, answer = {0};
    AUTO_DONE(answer) theirs = {0};
    size_t faulty[N_ROWS], n_faulty = 0;

    buf_printf(&sql, "SELECT %s AS x FROM rows WHERE i NOT IN (255", expression);
    for (size_t row = 0; row < N_ROWS; row++)
        if (ours->cells[row] == NULL) {
            faulty[n_faulty++] = row;
            buf_printf(&sql, ", %zu", row);
        }
    buf_text(&sql, ") ORDER BY i");
    for (size_t i = 0; i < 2; i++) {
        size_t row = faulty[below((unsigned)n_faulty)];
        if (ask_row(&theirs, expression, row, &answer))
            return compare(expression, false);
    }
    if (n_faulty == N_ROWS)
        return SAME;
    if (!chdb_ask(&answer, buf_view(&sql), "TSVWithNamesAndTypes"))
        return compare(expression, false);
    struct str rest = buf_view(&answer);
    next_line(&rest);
    plain_type(theirs.type, sizeof(theirs.type), next_line(&rest));
    for (size_t row = 0; row < N_ROWS; row++)
        if (ours->cells[row]) {
            struct str cell = next_line(&rest);
            free(theirs.cells[row]);
            theirs.cells[row] = xstrndup(cell.p, cell.n);
        }
    return answers_differ(expression, ours, &theirs) ? compare(expression, false) : SAME;
}

void compare_flush(compared *seen)
{
    if (n_waiting)
        ask_many(0, n_waiting, seen);
    for (size_t i = 0; i < n_waiting; i++) {
        free(waiting[i].expression);
        answer_done(&waiting[i].ours);
    }
    n_waiting = 0;
}

void compare_later(const char *expression, compared *seen)
{
    struct waiting w = {.expression = xstrdup(expression)};

    ask_weir(&w.ours, expression);
    if (!w.ours.is_refused && !table.is_alone && !has_fault(&w.ours)) {
        waiting[n_waiting++] = w;
        if (n_waiting == BATCH)
            compare_flush(seen);
        return;
    }
    if (w.ours.is_refused)
        seen(expression, show_refused ? compare(expression, false) : REFUSED);
    else
        seen(expression, table.is_alone ? SAME : compare_faulty(expression, &w.ours));
    free(w.expression);
    answer_done(&w.ours);
}

/* ---- reporting ---- */

/* The smallest part that differs on its own. */
static const struct ast *shrink(const struct ast *node)
{
    for (uint32_t i = 0; i < node->n_args; i++) {
        AUTO_DONE(buf) text = {0};
        if (node->args[i]->kind != AST_CALL || str_is(node->args[i]->text, "tuple"))
            continue;
        ast_print(&text, node->args[i]);
        if (compare(buf_cstr(&text), false) == DIFFERENT)
            return shrink(node->args[i]);
    }
    return node;
}

void report_difference(const char *expression)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) text = {0};
    struct ast *node = parse_expression(&arena, str_of(expression), &d);

    ast_print(&text, node ? shrink(node) : NULL);
    printf("differs: %s\n", expression);
    if (compare(buf_cstr(&text), true) != DIFFERENT)
        compare(expression, true);
    fflush(stdout);
}

