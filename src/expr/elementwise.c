/* SPDX-License-Identifier: Apache-2.0
 *
 * A program over the elements of arrays: bodies of lambdas, casts of elements. The elements of
 * all rows lie in one run, which is computed BATCH_ROWS at a time; what comes out is cut into
 * arrays again. */
#include "expr/compound.h"

struct elementwise {
    struct program *program;
    struct type *types; /* of the arguments, then the result */
    uint32_t n_arrays;
};

struct work {
    struct call *c;
    const struct elementwise *e;
    struct flat *flats;   /* of the arrays */
    uint32_t *rows;       /* per element: its row */
    struct column result; /* of all elements */
    uint8_t *faults;
    size_t n;
};

/* Rows whose arrays are of different lengths, or that cannot be computed, count as empty. */
static void pick_rows(struct work *w, uint64_t *lengths)
{
    struct call *c = w->c;

    for (size_t i = 0; i < c->n; i++) {
        uint64_t n = ((const struct array_value *)c->args[0]->values)[i].n;
        for (uint32_t a = 1; a < w->e->n_arrays; a++)
            if (((const struct array_value *)c->args[a]->values)[i].n != n)
                c->fresh[i] = FAULT_RANGE;
        for (uint32_t a = 0; a < c->n_args; a++)
            if (c->args[a]->faults && c->args[a]->faults[i])
                n = 0;
        lengths[i] = c->fresh[i] ? 0 : n;
        w->n += lengths[i];
    }
}

static void flatten(struct work *w, const uint64_t *lengths)
{
    size_t n_rows = 0, at = 0;

    w->rows = xmalloc((w->n + 1) * sizeof(*w->rows));
    AUTO_MEM uint32_t *kept = xmalloc((w->c->n + 1) * sizeof(*kept));
    for (size_t i = 0; i < w->c->n; i++) {
        if (lengths[i] == 0)
            continue;
        kept[n_rows++] = (uint32_t)i;
        for (uint64_t k = 0; k < lengths[i]; k++)
            w->rows[at++] = (uint32_t)i;
    }
    for (uint32_t a = 0; a < w->e->n_arrays; a++) {
        struct column c = *w->c->args[a];
        c.type = w->e->types[a];
        flat_init(&w->flats[a], &c, kept, n_rows);
    }
}

/* The captured columns' values, one per element of the piece. */
static struct column spread(struct arena *scratch, const struct column *from, struct type type,
                            const uint32_t *rows, size_t n)
{
    size_t width = type_width(type);
    struct column ret = {.type = type, .values = arena_alloc(scratch, n * width + 1)};

    if (from->nulls)
        ret.nulls = arena_alloc(scratch, n + 1);
    for (size_t i = 0; i < n; i++) {
        memcpy((char *)ret.values + i * width, (const char *)from->values + rows[i] * width, width);
        if (ret.nulls)
            ret.nulls[i] = from->nulls[rows[i]];
    }
    return ret;
}

static void run_piece(struct work *w, struct frame *frame, struct arena *scratch, size_t from,
                      size_t n)
{
    uint32_t n_inputs = w->c->n_args - 1; /* the last tells programs apart */
    struct column *columns = arena_zero(scratch, (n_inputs + 1) * sizeof(*columns));
    struct batch batch = {.n_rows = n, .n_columns = n_inputs, .columns = columns};
    size_t width = type_width(w->result.type);

    for (uint32_t a = 0; a < n_inputs; a++) {
        if (a >= w->e->n_arrays) {
            columns[a] = spread(scratch, w->c->args[a], w->e->types[a], w->rows + from, n);
            continue;
        }
        columns[a] = w->flats[a].values;
        columns[a].values = (char *)columns[a].values + from * type_width(columns[a].type);
        if (columns[a].nulls)
            columns[a].nulls += from;
    }
    program_run(w->e->program, frame, &batch, w->c->now_s);
    const struct column *out = frame_output(frame, 0);
    for (size_t i = 0; i < n; i++) {
        bool is_null = out->nulls && out->nulls[i];
        w->faults[from + i] = out->faults ? out->faults[i] : 0;
        if (w->result.nulls)
            w->result.nulls[from + i] = is_null;
        char *to = (char *)w->result.values + (from + i) * width;
        if (is_null || w->faults[from + i])
            memset(to, 0, width);
        else
            value_copy(w->c->arena, w->result.type, to, (const char *)out->values + i * width);
    }
}

static void cut_into_arrays(struct work *w, const uint64_t *lengths)
{
    struct call *c = w->c;
    struct type t = type_array(w->result.type);
    size_t width = type_width(w->result.type), at = 0;

    for (size_t i = 0; i < c->n; i++) {
        struct array_room room;
        uint8_t fault = c->fresh[i];
        for (size_t k = 0; k < lengths[i]; k++)
            fault = fault ? fault : w->faults[at + k];
        c->fresh[i] = fault;
        RESULT(struct array_value)
        [i] = array_new(c->arena, t, fault ? 0 : (uint32_t)lengths[i], &room);
        if (!fault && lengths[i]) {
            memcpy(room.values, (char *)w->result.values + at * width, lengths[i] * width);
            if (room.nulls)
                memcpy(room.nulls, w->result.nulls + at, lengths[i]);
        }
        at += lengths[i];
    }
}

static void run_elementwise(struct call *c)
{
    const struct elementwise *e = c->data;
    AUTO_DONE(arena) scratch = {0};
    struct work w = {
        .c = c, .e = e, .flats = arena_zero(&scratch, (e->n_arrays + 1) * sizeof(*w.flats))};
    uint64_t *lengths = arena_zero(&scratch, (c->n + 1) * sizeof(*lengths));
    struct frame *own = NULL, *frame = inner_frame(c, e->program, &own);

    pick_rows(&w, lengths);
    flatten(&w, lengths);
    w.result.type = e->types[c->n_args].more->elements[0];
    w.result.values = xcalloc(w.n + 1, type_width(w.result.type));
    w.result.nulls = w.result.type.is_nullable ? xcalloc(w.n + 1, 1) : NULL;
    w.faults = xcalloc(w.n + 1, 1);
    AUTO_DONE(arena) pieces = {0};
    for (size_t from = 0; from < w.n; from += BATCH_ROWS) {
        arena_reset(&pieces);
        run_piece(&w, frame, &pieces, from, w.n - from < BATCH_ROWS ? w.n - from : BATCH_ROWS);
    }
    cut_into_arrays(&w, lengths);
    for (uint32_t a = 0; a < e->n_arrays; a++)
        flat_done(&w.flats[a]);
    free(w.rows);
    free(w.result.values);
    free(w.result.nulls);
    free(w.faults);
    frame_free(own);
}
/* Masks of its own: a captured NULL is a value for the lambda, not for the array. */
static void run_elementwise_masks(struct call *c)
{
    bool has = false;

    memset(c->fresh, 0, c->n);
    run_elementwise(c);
    for (size_t i = 0; i < c->n; i++) {
        c->faults[i] = c->fresh[i];
        for (uint32_t a = 0; a < c->n_args + c->n_guards; a++)
            if (c->args[a]->faults && c->args[a]->faults[i])
                c->faults[i] = c->args[a]->faults[i];
        has |= c->faults[i] != 0;
    }
    c->out->faults = has ? c->faults : NULL;
}
static const struct op op_elementwise = {"elementwise", run_elementwise_masks,
                                         OP_OWN_MASKS | OP_FAULTS};

static void free_program(void *p)
{
    program_free(p);
}

value_id emit_elementwise(struct builder *b, struct program *program, struct type element,
                          const value_id *args, uint32_t n, uint32_t n_arrays, struct str text)
{
    struct arena *arena = &b->memory->arena;
    struct elementwise *e = arena_alloc(arena, sizeof(*e));
    value_id *all = arena_alloc(arena, (n + 1) * sizeof(*all));
    struct type type = type_array(element);

    expr_memory_own(b->memory, program, free_program);
    memcpy(all, args, n * sizeof(*all));
    /* stands for the program among equal values, and is an input of no use */
    all[n] = constant_str(b, text);
    *e = (struct elementwise){program, arena_alloc(arena, (n + 2) * sizeof(struct type)), n_arrays};
    for (uint32_t i = 0; i <= n; i++)
        e->types[i] = value_at(b, all[i])->type;
    e->types[n + 1] = type;
    return emit(b, &op_elementwise, type, all, n + 1, (struct param){.i = n_arrays}, e);
}
