/* SPDX-License-Identifier: Apache-2.0
 *
 * Random typed expressions over random rows: type names, values, and "throws for this row alone" against
 * ClickHouse (libchdb in this process).
 *
 *   diff_expr [--seed N] [--cases N] [--seconds N] [--least N] [--corpus FILE] [--table] [--refused] [--alone]
 *             [--wild] [--text] [--only TEXT] ['expression' …]
 *
 * Expressions that weir refuses are not compared (--refused lists their reasons). A difference is cut down
 * to the smallest part that still differs. --corpus: first those of the file, a line each. --table prints how
 * often each function was compared; --least N fails where one was less often. --text draws functions of texts for
 * the most part, --only TEXT: expressions that hold TEXT. --alone runs weir's side only (for sanitizers,
 * which libchdb does not bear). Exit code 77 = skipped: no libchdb. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "expr_compare.h"
#include "expr_coverage.h"
#include "expr_generator.h"
#include "expr_rows.h"
#include "harness.h"

enum { CASES_PER_TABLE = 600, MOST_DIFFERENCES = 20 };

static size_t n_cases, n_differ, n_refused;

static void seen(const char *expression, enum verdict verdict)
{
    n_cases += verdict != REFUSED;
    n_refused += verdict == REFUSED;
    if (verdict == REFUSED)
        return;
    coverage_count(expression, verdict == DIFFERENT);
    if (verdict != DIFFERENT)
        return;
    n_differ++;
    report_difference(expression);
}

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct options {
    uint64_t seed, n_cases;
    double seconds;
    size_t least;
    const char *only, *corpus;
    bool has_table;
};

/* The expressions given follow the options. */
static int read_options(struct options *o, int argc, char **argv)
{
    static const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--refused", &show_refused}, {"--wild", &generate_wild}, {"--text", &generate_text},
                 {"--alone", &table.is_alone}};
    int i = 1;

    for (; i < argc && argv[i][0] == '-' && argv[i][1] == '-'; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        bool is_flag = false;
        for (size_t k = 0; k < COUNT(flags); k++)
            if (strcmp(argv[i], flags[k].name) == 0)
                is_flag = *flags[k].flag = true;
        if (strcmp(argv[i], "--table") == 0)
            is_flag = o->has_table = true;
        else if (strcmp(argv[i], "--seed") == 0)
            o->seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--cases") == 0)
            o->n_cases = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            o->seconds = strtod(value, NULL);
        else if (strcmp(argv[i], "--least") == 0)
            o->least = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--only") == 0)
            o->only = value;
        else if (strcmp(argv[i], "--corpus") == 0)
            o->corpus = value;
        i += !is_flag;
    }
    return i;
}

/* A line each; # begins a remark. */
static void run_corpus(const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    size_t refused = n_refused;

    if (f == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    while (getline(&line, &cap, f) > 0) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == 0 || line[0] == '#')
            continue;
        compare_later(line, seen);
        if (n_refused > refused) {
            printf("refused: %s\n", line);
            n_differ++;
            refused = n_refused;
        }
    }
    compare_flush(seen);
    free(line);
    fclose(f);
    printf("corpus: %zu cases\n", n_cases);
}

static void run_random(const struct options *o)
{
    time_t start = time(NULL);

    for (size_t n = 0; n_differ < MOST_DIFFERENCES; n++) {
        AUTO_DONE(buf) text = {0};
        if (o->seconds > 0 ? difftime(time(NULL), start) >= o->seconds : n >= o->n_cases)
            break;
        if (n % CASES_PER_TABLE == CASES_PER_TABLE - 1) {
            compare_flush(seen);
            table_fill();
        }
        do {
            buf_reset(&text);
            generate(&text);
        } while (o->only && !strstr(buf_cstr(&text), o->only));
        compare_later(buf_cstr(&text), seen);
    }
    compare_flush(seen);
}

int main(int argc, char **argv)
{
    struct options o = {.seed = (uint64_t)time(NULL), .n_cases = 3000};
    int first = read_options(&o, argc, argv);

#ifdef __SANITIZE_ADDRESS__
    table.is_alone = true;
#endif
    setenv("TZ", "UTC", 1);
    if (!table.is_alone && !chdb_open(NULL)) {
        printf("skipped: no libchdb\n");
        return SKIPPED;
    }
    printf("seed %llu\n", (unsigned long long)o.seed);
    random_seed(o.seed);
    coverage_init();
    generator_init();
    table_create();
    table_fill();
    for (int i = first; i < argc; i++)
        compare(argv[i], true);
    fflush(stdout);
    if (first < argc)
        _exit(0);
    double start = cpu_seconds();
    if (o.corpus)
        run_corpus(o.corpus);
    run_random(&o);
    double seconds = cpu_seconds() - start;
    if (o.has_table)
        coverage_print();
    size_t n_lacking = o.least ? coverage_lacking(o.least) : 0;
    printf("%zu cases, %zu differ (%zu more refused by weir); %.0f cases a CPU second, %llu queries\n", n_cases,
           n_differ, n_refused, (double)n_cases / (seconds > 0 ? seconds : 1), (unsigned long long)chdb_queries());
    fflush(stdout);
    _exit(n_differ || n_lacking ? 1 : 0); /* libchdb's threads outlive main badly */
}
