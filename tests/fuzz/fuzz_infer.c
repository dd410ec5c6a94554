/* SPDX-License-Identifier: Apache-2.0
 *
 * Unknown files: whatever the bytes are, `weir init` ends with an error or with definitions that
 * the language takes and that make a plan. The first byte says how the file is cut into pieces,
 * the second what its rejects show. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/infer/infer.h"
#include "plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1790000000, HEAD = 2 };

static void check_definitions(struct inference *inf)
{
    AUTO_DONE(buf) text = {0}, said = {0};
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO(plan) plan = NULL;
    size_t n_read = 0;

    for (size_t i = 0; i < inf->n_columns; i++)
        n_read += !inf->columns[i]->is_skipped;
    if (n_read == 0 || n_read > 200)
        return;
    write_definitions(&text, &inf, 1, ".", "t");
    definitions_read_text(&defs, "t.sql", buf_view(&text), &d);
    if (plan_build(&plan, &defs, ".", &d) == ERR_OK && d.n_errors == 0)
        return;
    diagnostics_print(&said, &d, &defs);
    fprintf(stderr, "%s\n%s\n", buf_cstr(&text), buf_cstr(&said));
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e;

    if (size < HEAD)
        return 0;
    struct str text = {(const char *)data + HEAD, size - HEAD};
    AUTO_DONE(sample) s = {0};
    AUTO(inference) inf = inference_new();
    sample_of_text(&s, "t.csv", text);
    const char *line = text.n ? memchr(text.p + text.n / 2, '\n', text.n - text.n / 2) : NULL;
    if ((data[0] & 1) && line) { /* two pieces */
        s.ends = xrealloc(s.ends, 2 * sizeof(*s.ends));
        s.ends[0] = (size_t)(line + 1 - text.p);
        s.ends[1] = text.n;
        s.n_pieces = 2;
    }
    if (inference_observe(inf, &s, NOW, &e) != ERR_OK)
        return 0;
    inference_decide(inf);
    if (data[1] & 1) {
        inference_observe_record(inf, STR("1,2"), STR("a,b"), NOW);
        inf->is_paused = data[1] & 2;
        inference_decide(inf);
    }
    check_definitions(inf);
    return 0;
}
