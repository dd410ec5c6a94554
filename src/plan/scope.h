/* SPDX-License-Identifier: Apache-2.0
 *
 * Names while a plan is built. A relation is what a FROM can name: a source or a stream over
 * one. Its columns are built on first use, so only what is needed is decoded and computed. */
#ifndef PLAN_SCOPE_H
#define PLAN_SCOPE_H

#include "plan/plan.h"

enum virtual_column {
    VIRTUAL_SOURCE,
    VIRTUAL_PARTITION,
    VIRTUAL_OFFSET,
    VIRTUAL_ARRIVAL,
    VIRTUAL_PATH,
    VIRTUAL_FILE,
    VIRTUAL_ID,
    VIRTUAL_COUNT
};
extern const char *const virtual_names[VIRTUAL_COUNT];
struct type virtual_type(enum virtual_column v);

struct relation_column {
    struct str name;
    bool is_in_star;  /* part of SELECT * and of what is stored */
    bool is_building; /* its expression is being built: a second visit is a cycle */
    bool is_built;
    value_id value;
    /* one of: */
    const struct column_def *def;   /* a source's column */
    const struct ast *item;         /* a stream's own expression */
    struct relation_column *parent; /* taken over by * from the parent */
    bool is_merged;                 /* merge.h */
    struct merged_column *merged;
    struct place at;
};

struct relation {
    struct str name;
    struct relation *parent; /* NULL: a source */
    struct source_build *source;
    struct relation_column *columns;
    size_t n_columns;
    value_id pass;  /* condition of the whole chain; VALUE_UNKNOWN = every row */
    bool is_broken; /* mistakes were found: what uses it is not checked further */
    const struct unfolded_calls *calls; /* arrayJoin(…) in its expressions, or NULL */
};

/* Everything of one source, or of one level of it (unfold.h), while it is built. A level uses builder,
 * outputs and what stands last. */
struct source_build {
    struct plan_source *plan;
    const struct source_def *def;
    struct builder *builder;
    struct diagnostics *d;
    struct arena *arena;
    /* by slot: slots 0..n_fields-1 are decoded fields in order of first use */
    struct field *fields;
    uint32_t *positions;
    size_t n_fields;
    int64_t *slot_of_column; /* by index of column_def, -1 = not used yet */
    value_id virtuals[VIRTUAL_COUNT];
    value_id *outputs;
    size_t n_outputs, cap_outputs;
    struct expr_lookups lookups;
    value_id *materialized; /* whose faults reject any event */
    size_t n_materialized;
    struct source_build *levels; /* of a source: its first level; of a level: the next one */
    struct source_build *above;  /* NULL: a source */
    size_t level;                /* 0: a source */
    struct plan_slot *slots;
    size_t n_slots, cap_slots;
    int pass; /* output above */
    bool is_left;
};

/* Number of the program's output that is this value (added on first use). */
int source_output(struct source_build *s, value_id value);

/* unfold.c: a value of `from`, a level above `to` or `to` itself, as one of `to`. */
value_id source_import(struct source_build *to, struct source_build *from, value_id v);
void unfold_finish(struct source_build *root); /* the levels' part of the plan */
void unfold_free(struct source_build *root);

struct relation_column *relation_find(struct relation *r, struct str name);
value_id relation_column_value(struct relation *r, struct relation_column *c);
/* Looks names up in relation r (aliases of its own items first). For builder_expression. */
struct scope relation_scope(struct relation *r);

/* source_settings.c: of a "source" or a "lookup", FORMAT with the columns that it reads, and SETTINGS
 * behind it. */
void check_source_format(struct diagnostics *d, const char *whose, const struct source_def *def);

/* advice.c: what to write where aggregate_new() refuses the type of an argument, `why` being what it
 * says; NULL if there is nothing to name. The text is in `out`. */
const char *advice_for_measure(struct buf *out, const struct ast *call, const struct type *types,
                               size_t n_types, const char *why);

/* lookup.c: what a definition of a lookup means; its name and globs are the caller's matter.
 * False after mistakes. */
bool plan_lookup_build(struct plan_lookup *ret, const struct lookup_def *def, struct arena *a,
                       const struct plan_settings *settings, struct diagnostics *d);

#endif
