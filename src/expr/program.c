/* SPDX-License-Identifier: Apache-2.0
 *
 * A program is the list of calls that its outputs need, in the order in which the builder made them
 * (arguments always come first). Each result lies in a register, an array of BATCH_ROWS values
 * with its masks; registers are reused after the last reader. Constants are broadcast once,
 * inputs are read where they lie. */
#include "expr/expr_priv.h"

#include <stdatomic.h>
#include <stdio.h>

#include "codec/value.h"

enum { PAD = 320 };

enum place_kind { PLACE_REGISTER, PLACE_INPUT, PLACE_CONSTANT };

/* Where a value lies at run time. */
struct place_of {
    uint8_t kind; /* enum place_kind */
    uint32_t index;
};

struct instruction {
    const struct op *op;
    struct type type;
    uint32_t out; /* register */
    uint32_t n_args, n_guards;
    uint32_t first_arg; /* in program.args */
    struct param param;
    const void *data;
};

struct program {
    struct expr_memory *memory;
    struct instruction *code;
    size_t n_code;
    struct place_of *args;
    bool *arg_is_constant;
    size_t n_args;
    struct column *constants; /* whole columns */
    void **constant_memory;
    size_t n_constants;
    uint32_t *register_width;
    size_t n_registers;
    struct place_of *outputs;
    struct type *output_types;
    size_t n_outputs;
    uint32_t args_max;
};

struct frame {
    const struct program *program;
    struct column *registers; /* values, nulls, faults point into memory; NULL masks = none set */
    char **values;            /* of each register */
    uint8_t **nulls, **faults;
    void *memory;
    struct column *outputs;
    const struct column **args; /* of one call */
    uint8_t *fresh;
    struct arena arena;
    struct inner *inner; /* frames of programs within this one */
    size_t n_inner;
    const struct lookup_table *const *tables;
    struct geo_memory *geos;
    size_t n_geos;
};

/* What a field or path of a GeoIP database gave so far. */
struct geo_memory {
    uint64_t serial; /* of the table */
    int64_t lookup, field;
    struct str path;
    struct lookup_geo *geo;
};

struct inner {
    const struct program *program;
    struct frame *frame;
};

const char *fault_text(enum fault f)
{
    static const char *const texts[FAULT_COUNT] = {
        [FAULT_NONE] = "no fault",
        [FAULT_PARSE] = "cannot parse text as the type",
        [FAULT_DIVISION] = "division by zero",
        [FAULT_RANGE] = "value out of range",
        [FAULT_NULL] = "NULL where there can be none",
        [FAULT_DECODE] = "cannot be decoded",
    };
    return f < FAULT_COUNT ? texts[f] : "unknown fault";
}

/* ---- masks around a kernel ---- */

static void mask_or(uint8_t *restrict into, const uint8_t *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        into[i] |= from[i];
}

/* Where there is a fault already, it stays. */
static void fault_or(uint8_t *restrict into, const uint8_t *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        into[i] = into[i] ? into[i] : from[i];
}

static bool mask_any(const uint8_t *mask, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++)
        any |= mask[i];
    return any != 0;
}

static void collect_nulls(struct call *c)
{
    bool has = false;

    for (uint32_t a = 0; a < c->n_args; a++) {
        if (c->args[a]->nulls == NULL)
            continue;
        if (has)
            mask_or(c->nulls, c->args[a]->nulls, c->n);
        else
            memcpy(c->nulls, c->args[a]->nulls, c->n);
        has = true;
    }
    c->out->nulls = has ? c->nulls : NULL;
}

static void add_faults(struct call *c, const uint8_t *faults)
{
    if (faults == NULL)
        return;
    if (c->out->faults)
        fault_or(c->faults, faults, c->n);
    else
        memcpy(c->faults, faults, c->n);
    c->out->faults = c->faults;
}

static void add_fresh(const struct op *op, struct call *c)
{
    const uint8_t *nulls = op->flags & OP_NULL_FAULTS       ? c->args[c->n_args - 1]->nulls
                           : op->flags & OP_ANY_NULL_FAULTS ? NULL
                                                            : c->out->nulls;

    if (nulls)
        for (size_t i = 0; i < c->n; i++)
            c->fresh[i] = nulls[i] ? 0 : c->fresh[i];
    if (mask_any(c->fresh, c->n))
        add_faults(c, c->fresh);
}

/* The column with defaults where it is NULL. */
static const struct column *without_nulls(struct call *c, const struct column *from)
{
    size_t width = type_width(from->type);
    struct column *ret = arena_alloc(c->arena, sizeof(*ret));
    char *values = arena_alloc(c->arena, width * c->n + 1);

    memcpy(values, from->values, width * c->n);
    for (size_t i = 0; i < c->n; i++)
        if (from->nulls[i])
            memset(values + i * width, 0, width);
    *ret = *from;
    ret->values = values;
    return ret;
}

/* Arrays and their like are never NULL: as in ClickHouse the kernel makes them of the arguments'
 * defaults. */
static void run_compound(const struct op *op, struct call *c)
{
    const struct column *const *args = c->args;
    const struct column **plain =
        arena_alloc(c->arena, (c->n_args + c->n_guards + 1) * sizeof(*plain));

    for (uint32_t a = 0; a < c->n_args + c->n_guards; a++)
        plain[a] = a < c->n_args && args[a]->nulls ? without_nulls(c, args[a]) : args[a];
    c->args = plain;
    op->run(c);
    c->args = args;
}

void op_run(const struct op *op, struct call *c)
{
    c->out->nulls = c->out->faults = NULL;
    if (op->flags & OP_RETYPE) {
        memcpy(c->out->values, c->args[0]->values, type_width(c->out->type) * c->n);
        collect_nulls(c);
        add_faults(c, c->args[0]->faults);
        return;
    }
    if (op->flags & OP_OWN_MASKS) {
        op->run(c);
        for (uint32_t g = c->n_args; g < c->n_args + c->n_guards; g++)
            add_faults(c, c->args[g]->faults);
        return;
    }
    bool is_compound = type_is_compound(c->out->type);
    if (!is_compound)
        collect_nulls(c);
    for (uint32_t a = 0; a < c->n_args; a++)
        add_faults(c, c->args[a]->faults);
    if (op->flags & OP_FAULTS)
        memset(c->fresh, 0, c->n);
    if (is_compound)
        run_compound(op, c);
    else
        op->run(c);
    if (op->flags & OP_FAULTS)
        add_fresh(op, c);
}

/* ---- making a program ---- */

struct maker {
    const struct builder *b;
    struct program *p;
    uint8_t *needed;    /* per value */
    uint32_t *last_use; /* per value (roots of retypes): index of the last reader */
    struct place_of *places;
    uint32_t *free_registers;
    size_t n_free;
};

/* The value whose bytes a retype shows. */
static value_id root_of(const struct builder *b, value_id v)
{
    while (value_at(b, v)->kind == VALUE_CALL && (value_at(b, v)->op->flags & OP_RETYPE))
        v = value_at(b, v)->args[0];
    return v;
}

static void broadcast(struct program *p, const struct value *v)
{
    size_t width = type_width(v->type);
    bool has_null = v->cell.is_null, has_fault = v->cell.fault != 0;
    char *memory = xmalloc(width * BATCH_ROWS + 2 * BATCH_ROWS + 64);
    struct column *c = &p->constants[p->n_constants];

    p->constant_memory[p->n_constants++] = memory;
    *c = (struct column){.type = v->type, .values = memory};
    for (size_t i = 0; i < BATCH_ROWS; i++)
        memcpy(memory + i * width, v->cell.bytes, width);
    if (has_null) {
        c->nulls = (uint8_t *)memory + width * BATCH_ROWS;
        memset(c->nulls, 1, BATCH_ROWS);
    }
    if (has_fault) {
        c->faults = (uint8_t *)memory + width * BATCH_ROWS + BATCH_ROWS;
        memset(c->faults, v->cell.fault, BATCH_ROWS);
    }
}

static void mark_needed(struct maker *m, const value_id *outputs, size_t n)
{
    const struct builder *b = m->b;

    for (size_t i = 0; i < n; i++) {
        value_id root = root_of(b, outputs[i]);
        m->needed[root] = 1;
        m->last_use[root] = UINT32_MAX;
    }
    for (size_t v = b->n; v-- > 0;) {
        if (!m->needed[v] || value_at(b, (value_id)v)->kind != VALUE_CALL)
            continue;
        const struct value *value = value_at(b, (value_id)v);
        for (uint32_t a = 0; a < value->n_args; a++) {
            value_id root = root_of(b, value->args[a]);
            m->needed[root] = 1;
            if (m->last_use[root] == 0)
                m->last_use[root] = (uint32_t)v;
        }
    }
}

static uint32_t take_register(struct maker *m, size_t width)
{
    struct program *p = m->p;

    for (size_t i = 0; i < m->n_free; i++) {
        uint32_t r = m->free_registers[i];
        if (p->register_width[r] == width) {
            m->free_registers[i] = m->free_registers[--m->n_free];
            return r;
        }
    }
    p->register_width[p->n_registers] = (uint32_t)width;
    return (uint32_t)p->n_registers++;
}

static void release_dead(struct maker *m, const struct value *value, value_id reader)
{
    for (uint32_t a = 0; a < value->n_args; a++) {
        value_id root = root_of(m->b, value->args[a]);
        if (m->last_use[root] != (uint32_t)reader || m->places[root].kind != PLACE_REGISTER)
            continue;
        m->last_use[root] = UINT32_MAX - 1; /* released once, though it may stand twice */
        m->free_registers[m->n_free++] = m->places[root].index;
    }
}

static void add_instruction(struct maker *m, value_id id)
{
    struct program *p = m->p;
    const struct value *v = value_at(m->b, id);
    struct instruction *at = &p->code[p->n_code++];

    *at = (struct instruction){.op = v->op,
                               .type = v->type,
                               .n_args = v->n_args - v->n_guards,
                               .n_guards = v->n_guards,
                               .first_arg = (uint32_t)p->n_args,
                               .param = v->param,
                               .data = v->data};
    for (uint32_t a = 0; a < v->n_args; a++) {
        struct place_of place = m->places[root_of(m->b, v->args[a])];
        p->args[p->n_args] = place;
        p->arg_is_constant[p->n_args++] = place.kind == PLACE_CONSTANT;
    }
    if (v->n_args > p->args_max)
        p->args_max = v->n_args;
    at->out = take_register(m, type_width(v->type));
    m->places[id] = (struct place_of){PLACE_REGISTER, at->out};
    release_dead(m, v, id);
}

static void place_values(struct maker *m)
{
    const struct builder *b = m->b;

    for (size_t i = 0; i < b->n; i++) {
        const struct value *v = value_at(b, (value_id)i);
        if (!m->needed[i])
            continue;
        if (v->kind == VALUE_INPUT) {
            m->places[i] = (struct place_of){PLACE_INPUT, v->slot};
        } else if (v->kind == VALUE_CONSTANT) {
            m->places[i] = (struct place_of){PLACE_CONSTANT, (uint32_t)m->p->n_constants};
            broadcast(m->p, v);
        } else {
            add_instruction(m, (value_id)i);
        }
    }
}

struct program *builder_finish(struct builder *b, const value_id *outputs, size_t n)
{
    struct program *p = xcalloc(1, sizeof(*p));
    struct maker m = {.b = b, .p = p};
    size_t n_values = b->n + 1, n_args = 1;

    atomic_fetch_add(&b->memory->refs, 1);
    p->memory = b->memory;
    for (size_t i = 0; i < b->n; i++)
        n_args += b->values[i].kind == VALUE_CALL ? b->values[i].n_args : 0;
    p->code = xcalloc(n_values, sizeof(*p->code));
    p->args = xcalloc(n_args, sizeof(*p->args));
    p->arg_is_constant = xcalloc(n_args, sizeof(bool));
    p->constants = xcalloc(n_values, sizeof(*p->constants));
    p->constant_memory = xcalloc(n_values, sizeof(void *));
    p->register_width = xcalloc(n_values, sizeof(uint32_t));
    p->outputs = xcalloc(n + 1, sizeof(*p->outputs));
    p->output_types = xcalloc(n + 1, sizeof(*p->output_types));
    m.needed = xcalloc(n_values, 1);
    m.last_use = xcalloc(n_values, sizeof(uint32_t));
    m.places = xcalloc(n_values, sizeof(*m.places));
    m.free_registers = xcalloc(n_values, sizeof(uint32_t));

    mark_needed(&m, outputs, n);
    place_values(&m);
    p->n_outputs = n;
    for (size_t i = 0; i < n; i++) {
        p->outputs[i] = m.places[root_of(b, outputs[i])];
        p->output_types[i] = value_at(b, outputs[i])->type;
    }
    free(m.needed);
    free(m.last_use);
    free(m.places);
    free(m.free_registers);
    return p;
}

void program_free(struct program *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->n_constants; i++)
        free(p->constant_memory[i]);
    expr_memory_unref(p->memory);
    free(p->code);
    free(p->args);
    free(p->arg_is_constant);
    free(p->constants);
    free(p->constant_memory);
    free(p->register_width);
    free(p->outputs);
    free(p->output_types);
    free(p);
}

size_t program_n_outputs(const struct program *p)
{
    return p->n_outputs;
}

/* ---- explain ---- */

static void explain_place(struct buf *out, const struct program *p, struct place_of place)
{
    static const char letter[] = {[PLACE_REGISTER] = 'r', [PLACE_INPUT] = '#'};

    if (place.kind != PLACE_CONSTANT) {
        buf_printf(out, "%c%u", letter[place.kind], place.index);
        return;
    }
    const struct column *c = &p->constants[place.index];
    if (c->nulls)
        buf_text(out, "NULL");
    else if (c->faults)
        buf_text(out, fault_text(c->faults[0]));
    else if (c->type.kind == TYPE_STRING)
        print_string_literal(out, str_at(c, 0));
    else
        value_print(out, c->type.kind == TYPE_INTERVAL ? type_of(TYPE_INT64) : type_bare(c->type),
                    c->values);
}

void program_explain(struct buf *out, const struct program *p)
{
    char type[64];

    for (size_t i = 0; i < p->n_code; i++) {
        const struct instruction *at = &p->code[i];
        const char *name = at->op->flags & OP_LABEL ? at->data : at->op->name;
        buf_printf(out, "r%u = %s(", at->out, name);
        for (uint32_t a = 0; a < at->n_args; a++) {
            buf_text(out, a ? ", " : "");
            explain_place(out, p, p->args[at->first_arg + a]);
        }
        buf_printf(out, ") %s\n", type_name(at->type, type));
    }
    for (size_t i = 0; i < p->n_outputs; i++) {
        buf_printf(out, "output %zu = ", i);
        explain_place(out, p, p->outputs[i]);
        buf_printf(out, " %s\n", type_name(p->output_types[i], type));
    }
}

/* ---- running ---- */

static size_t padded(size_t bytes)
{
    return ((bytes + 63) & ~(size_t)63) + PAD;
}

struct frame *frame_new(const struct program *p)
{
    struct frame *f = xcalloc(1, sizeof(*f));
    size_t n = p->n_registers, bytes = 64 + padded(BATCH_ROWS);

    f->program = p;
    f->registers = xcalloc(n + 1, sizeof(*f->registers));
    f->values = xcalloc(n + 1, sizeof(*f->values));
    f->nulls = xcalloc(n + 1, sizeof(*f->nulls));
    f->faults = xcalloc(n + 1, sizeof(*f->faults));
    f->outputs = xcalloc(p->n_outputs + 1, sizeof(*f->outputs));
    f->args = xcalloc(p->args_max + 1, sizeof(*f->args));
    for (size_t i = 0; i < n; i++)
        bytes += padded(p->register_width[i] * BATCH_ROWS) + 2 * padded(BATCH_ROWS);
    f->memory = xcalloc(1, bytes);
    char *at = (char *)(((size_t)f->memory + 63) & ~(size_t)63);
    f->fresh = (uint8_t *)at;
    at += padded(BATCH_ROWS);
    for (size_t i = 0; i < n; i++) {
        f->values[i] = at;
        at += padded(p->register_width[i] * BATCH_ROWS);
        f->nulls[i] = (uint8_t *)at;
        at += padded(BATCH_ROWS);
        f->faults[i] = (uint8_t *)at;
        at += padded(BATCH_ROWS);
    }
    return f;
}

void frame_free(struct frame *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n_inner; i++)
        frame_free(f->inner[i].frame);
    free(f->inner);
    for (size_t i = 0; i < f->n_geos; i++)
        lookup_geo_free(f->geos[i].geo);
    free(f->geos);
    free(f->registers);
    free(f->values);
    free(f->nulls);
    free(f->faults);
    free(f->outputs);
    free(f->args);
    free(f->memory);
    arena_done(&f->arena);
    free(f);
}

struct frame *inner_frame(struct call *c, const struct program *p, struct frame **own)
{
    struct frame *f = c->frame;

    *own = NULL;
    if (f == NULL)
        return *own = frame_new(p);
    size_t i = 0;
    while (i < f->n_inner && f->inner[i].program != p)
        i++;
    if (i == f->n_inner) {
        f->inner = xrealloc(f->inner, (f->n_inner + 1) * sizeof(*f->inner));
        f->inner[f->n_inner++] = (struct inner){p, frame_new(p)};
    }
    f->inner[i].frame->tables = f->tables;
    return f->inner[i].frame;
}

void frame_lookups(struct frame *f, const struct lookup_table *const *tables)
{
    f->tables = tables;
}

void frame_lookups_as(struct frame *f, const struct frame *other)
{
    f->tables = other->tables;
}

const struct lookup_table *const *frame_tables(const struct frame *f)
{
    return f->tables;
}

struct lookup_geo *frame_geo(struct frame *f, const struct lookup_table *t, struct param what,
                             const struct str *path)
{
    struct geo_memory *m = NULL;
    for (size_t i = 0; i < f->n_geos && m == NULL; i++) {
        struct geo_memory *g = &f->geos[i];
        if (g->lookup == what.i && g->field == what.j && (!path || str_eq(g->path, *path)))
            m = g;
    }
    if (m == NULL) {
        f->geos = xrealloc(f->geos, (f->n_geos + 1) * sizeof(*f->geos));
        m = &f->geos[f->n_geos++];
        *m = (struct geo_memory){.lookup = what.i, .field = what.j};
        if (path)
            m->path = *path; /* the program's constant */
    }
    if (m->geo != NULL && m->serial == lookup_table_serial(t))
        return m->geo;
    lookup_geo_free(m->geo); /* of an older version */
    m->serial = lookup_table_serial(t);
    m->geo = path ? lookup_geo_new_at(t, m->path) : lookup_geo_new(t, (enum geo_field)what.j);
    return m->geo;
}

static const struct column *place_column(const struct frame *f, const struct batch *in,
                                         struct place_of place)
{
    switch (place.kind) {
    case PLACE_INPUT: return &in->columns[place.index];
    case PLACE_CONSTANT: return &f->program->constants[place.index];
    default: return &f->registers[place.index];
    }
}

static void run_instruction(struct frame *f, const struct batch *in, const struct instruction *at,
                            int64_t now_s)
{
    const struct program *p = f->program;

    for (uint32_t a = 0; a < at->n_args + at->n_guards; a++)
        f->args[a] = place_column(f, in, p->args[at->first_arg + a]);
    f->registers[at->out] = (struct column){.type = at->type, .values = f->values[at->out]};
    struct call c = {.n = in->n_rows,
                     .args = f->args,
                     .is_constant = p->arg_is_constant + at->first_arg,
                     .n_args = at->n_args,
                     .n_guards = at->n_guards,
                     .param = at->param,
                     .data = at->data,
                     .arena = &f->arena,
                     .now_s = now_s,
                     .out = &f->registers[at->out],
                     .nulls = f->nulls[at->out],
                     .faults = f->faults[at->out],
                     .fresh = f->fresh,
                     .frame = f};
    op_run(at->op, &c);
}

void program_run(const struct program *p, struct frame *f, const struct batch *in, int64_t now_s)
{
    arena_reset(&f->arena);
    for (size_t i = 0; i < p->n_code; i++)
        run_instruction(f, in, &p->code[i], now_s);
    for (size_t i = 0; i < p->n_outputs; i++) {
        f->outputs[i] = *place_column(f, in, p->outputs[i]);
        f->outputs[i].type = p->output_types[i];
        f->outputs[i].missing = NULL;
    }
}

const struct column *frame_output(const struct frame *f, size_t output)
{
    return &f->outputs[output];
}
