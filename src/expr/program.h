/* SPDX-License-Identifier: Apache-2.0
 *
 * Expression programs: typed, column at a time, equal subexpressions once. A builder turns ASTs
 * into values (ids); the finished program computes all outputs for a batch.
 *
 * Types, results and wrapping are ClickHouse's. An expression that throws for a row there gives
 * a *fault* in that row here (column.faults): faults pass through strict functions and are
 * dropped by lazy ones (if, multiIf, and, or, coalesce …) where ClickHouse would not have
 * evaluated the argument (short_circuit_function_evaluation = 'enable'). now() and today() are
 * given per run, so that replay is equal. */
#ifndef EXPR_PROGRAM_H
#define EXPR_PROGRAM_H

#include "column/batch.h"
#include "lang/parse.h"
#include "lookup/table.h"

enum fault {
    FAULT_NONE,
    FAULT_PARSE,    /* text is not a value of the type */
    FAULT_DIVISION, /* division by zero, or of the smallest by -1 */
    FAULT_RANGE,    /* value outside the type or an argument outside its range */
    FAULT_NULL,     /* NULL where there can be none */
    FAULT_DECODE,
    FAULT_COUNT,
};
const char *fault_text(enum fault f); /* "cannot parse text as the type" */

typedef int32_t value_id; /* of a builder; < 0: none */

struct builder;
struct program;

/* Names inside an expression are found by `lookup`, which may build other expressions (aliases)
 * first. It returns the value, VALUE_UNKNOWN (the builder then reports the name) or VALUE_FAILED
 * (already reported). `names` fills a list of known names for suggestions. */
enum { VALUE_UNKNOWN = -1, VALUE_FAILED = -2 };
struct scope {
    void *context;
    value_id (*lookup)(void *context, struct builder *b, struct str name, struct place at);
    size_t (*names)(void *context, struct str *out, size_t cap);
    /* Or NULL. A call that is to be built elsewhere: its value, VALUE_UNKNOWN if it is not, or
     * VALUE_FAILED. */
    value_id (*call)(void *context, const struct ast *node, struct diagnostics *d);
};

struct builder *builder_new(void);
void builder_free(struct builder *b);

/* The lookups that calls may name, `lookup.column(key)`. What is read is noted in `uses`, one for
 * each. All must outlive the builder; the specs its programs. */
struct lookup_use {
    bool is_read;
    bool fields[GEO_N_FIELDS];
};
struct expr_lookups {
    const struct lookup_spec *const *specs;
    struct lookup_use *uses;
    size_t n;
    const struct str *broken; /* names whose definitions have mistakes: not reported again */
    size_t n_broken;
};
void builder_lookups(struct builder *b, const struct expr_lookups *lookups);
/* lookup.column(…)? */
bool lookup_is_call(const struct ast *node);

/* column `slot` of the batch */
value_id builder_input(struct builder *b, uint32_t slot, struct type type);
/* the run's now, DateTime */
value_id builder_now(struct builder *b);
/* VALUE_FAILED after a mistake, which is in d. Aggregate functions are refused here. */
value_id builder_expression(struct builder *b, const struct ast *node, const struct scope *scope,
                            struct diagnostics *d);
/* CAST(value, type) as ClickHouse's CAST; used for column types of MATERIALIZED and DEFAULT. */
value_id builder_cast(struct builder *b, value_id value, struct type type, struct place at,
                      struct diagnostics *d);
/* if(column.missing, fallback, column): DEFAULT of an input with `has_default`. */
value_id builder_default(struct builder *b, value_id input, value_id fallback);
/* A String for an Array, Tuple or Map: what row_binary_take reads. */
value_id builder_key_bytes(struct builder *b, value_id value);
struct type builder_type(const struct builder *b, value_id value);
bool builder_is_constant(const struct builder *b, value_id value);
/* The same constant in another builder; VALUE_UNKNOWN if it is not one. */
value_id builder_copy_constant(struct builder *to, const struct builder *from, value_id value);
/* The constant's value as SQL text (for settings and parameters); false if not constant. */
bool builder_constant_text(const struct builder *b, value_id value, struct buf *out);
/* A condition for WHERE, if, -If: a number or Nullable number becomes UInt8 0/1 (NULL = 0). */
value_id builder_condition(struct builder *b, value_id value, struct place at,
                           struct diagnostics *d);

/* For columns that are one of several sources (merged.c). ClickHouse's least supertype; false: there
 * is none. A constant of the text, of a type's default value. The same value, which nothing built
 * over it takes for a constant. */
bool builder_supertype(struct type *ret, const struct type *types, size_t n);
value_id builder_text(struct builder *b, struct str text);
value_id builder_default_of(struct builder *b, struct type type);
value_id builder_opaque(struct builder *b, value_id value);

/* a AND b of two conditions (UInt8 0/1), lazily: a fault of b does not count where a is 0. */
value_id builder_and(struct builder *b, value_id left, value_id right);

/* The program computes these outputs, in this order (duplicates allowed). The builder may go on
 * being used for further programs. The program is read-only and shared by threads; a run needs a
 * struct frame, one per thread. */
struct program *builder_finish(struct builder *b, const value_id *outputs, size_t n);
void program_free(struct program *p);
size_t program_n_outputs(const struct program *p);
void program_explain(struct buf *out, const struct program *p); /* one line an instruction */

struct frame *frame_new(const struct program *p);
void frame_free(struct frame *f);
/* The versions that the next runs read, by number of the lookup; those that are not read may be
 * NULL. The array and the tables must live until then, the tables until outputs are used. */
void frame_lookups(struct frame *f, const struct lookup_table *const *tables);
void frame_lookups_as(struct frame *f, const struct frame *other); /* the same */
/* Columns valid until the next run of this frame; strings may point into in's arena/input or the
 * frame. now_s: the epoch's now. in->n_rows <= BATCH_ROWS. */
void program_run(const struct program *p, struct frame *f, const struct batch *in, int64_t now_s);
const struct column *frame_output(const struct frame *f, size_t output);

/* Is this a function the builder knows? For checks and completion. */
bool function_is_known(struct str name);
const char *const *function_names(size_t *n);
/* Is it a function of weir's or of ClickHouse's, which may stand in a view? */
bool function_exists(struct str name);
/* An aggregate function of ClickHouse 26.7, with or without combinators, whether weir has it or not? */
bool function_is_aggregate(struct str name);
/* A function of weir's whose name differs in upper and lower case only, NULL if there is none or if
 * the name is right as it is. */
const char *function_in_other_case(struct str name);

#endif
