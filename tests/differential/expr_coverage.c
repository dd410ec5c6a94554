/* SPDX-License-Identifier: Apache-2.0 */
#include "expr_coverage.h"

#include <stdio.h>
#include <stdlib.h>

#include "expr/expr_priv.h"
#include "expr/program.h"
#include "harness.h"

enum { MAX_FUNCTIONS = 1024, TEMPLATES_MAX = 24 };

static struct covered {
    const struct function *function;
    size_t n_hits, n_differ, n_templates;
    const char *templates[TEMPLATES_MAX];
} covered[MAX_FUNCTIONS];
static size_t n_covered;

/* Depends on the run or has no rows of its own. */
static bool is_left_out(const struct function *f)
{
    static const char *const names[] = {"now", "today", "yesterday", "now64", "toTypeName"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(f->name, names[i]) == 0)
            return true;
    return f->flags & FN_ALIAS;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct covered *)a)->function->name, ((const struct covered *)b)->function->name);
}

void coverage_init(void)
{
    size_t n;
    const char *const *names = function_names(&n);

    for (size_t i = 0; i < n && n_covered < MAX_FUNCTIONS; i++) {
        const struct function *f = function_find(str_of(names[i]));
        if (f && strcmp(f->name, names[i]) == 0)
            covered[n_covered++].function = f;
    }
    qsort(covered, n_covered, sizeof(*covered), by_name);
}

static struct covered *find(struct str name)
{
    const struct function *f = function_find(name);

    for (size_t i = 0; f && i < n_covered; i++)
        if (covered[i].function == f)
            return &covered[i];
    return NULL;
}

static void count(const struct ast *node, bool differs, struct covered **seen, size_t *n_seen)
{
    struct covered *c = node->kind == AST_CALL ? find(node->text) : NULL;
    bool is_new = c != NULL && *n_seen < 256;

    for (size_t i = 0; i < *n_seen; i++)
        is_new &= seen[i] != c;
    if (is_new) {
        seen[(*n_seen)++] = c;
        c->n_hits++;
        c->n_differ += differs;
    }
    for (uint32_t i = 0; i < node->n_args; i++)
        count(node->args[i], differs, seen, n_seen);
}

void coverage_count(const char *expression, bool differs)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    struct ast *node = parse_expression(&arena, str_of(expression), &d);
    struct covered *seen[256];
    size_t n_seen = 0;

    if (node)
        count(node, differs, seen, &n_seen);
}

void coverage_template(const char *text)
{
    for (const char *p = text; *p; p++) {
        size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if (n > 0 && p[n] == '(') {
            struct covered *c = find((struct str){p, n});
            if (c && c->n_templates < TEMPLATES_MAX)
                c->templates[c->n_templates++] = text;
        }
        p += n ? n - 1 : 0;
    }
}

const char *coverage_wanted(void)
{
    struct covered *least = NULL;

    for (int i = 0; i < 40; i++) { /* of some, so that all get their turn */
        struct covered *c = &covered[below((unsigned)n_covered)];
        if (c->n_templates && (least == NULL || c->n_hits < least->n_hits))
            least = c;
    }
    return least ? least->templates[below((unsigned)least->n_templates)] : NULL;
}

void coverage_print(void)
{
    size_t column = 0;

    printf("function: hits, differences\n");
    for (size_t i = 0; i < n_covered; i++) {
        const struct covered *c = &covered[i];
        if (c->n_hits == 0 && is_left_out(c->function))
            continue;
        printf("%-36s %8zu %4zu%s", c->function->name, c->n_hits, c->n_differ, ++column % 3 ? "  | " : "\n");
    }
    printf("\n");
}

size_t coverage_lacking(size_t least)
{
    size_t n = 0;

    for (size_t i = 0; i < n_covered; i++) {
        if (covered[i].n_hits >= least || is_left_out(covered[i].function))
            continue;
        printf("hit less than %zu times: %s (%zu)%s\n", least, covered[i].function->name, covered[i].n_hits,
               covered[i].n_templates ? "" : ", the generator has no template of it");
        n++;
    }
    return n;
}
