/* SPDX-License-Identifier: Apache-2.0
 *
 * What a set of definitions means for what is stored, object by object, so that two generations
 * can be compared. An object's fingerprint is everything that touches stored values; what it
 * leaves out (comments, WATERMARK, globs, length of KEEP within one partitioning) may change at
 * any time. */
#ifndef PLAN_GENERATION_H
#define PLAN_GENERATION_H

#include "plan/plan.h"

struct generation_object {
    char *kind;        /* source stream metric tier rows lookup */
    char *name;        /* tiers: "traffic_1m" */
    char *fingerprint; /* readable, one line */
    int64_t keep_s;    /* KEEP of its own table: -1 forever, 0 none */
    int64_t since;     /* UTC seconds of the generation that brought it; 0 = the first */
    bool is_retired;
    /* what was past an earlier, shorter KEEP stays hidden: times before it; 0 = none */
    int64_t hidden_before;
};

struct generation {
    uint32_t number;
    struct generation_object *objects;
    size_t n_objects;
    char *definitions; /* the text of all files */
};
void generation_done(struct generation *g);

/* Gives the plan's tables the times before which their rows stay hidden. */
void generation_hide(const struct generation *g, const struct plan *p);
void generation_of_plan(struct generation *g, const struct plan *p);
/* One object a line, fields by TAB: as stored in weir_generations.objects. */
void generation_print(struct buf *out, const struct generation *g);
MUST_CHECK enum err_code generation_parse(struct generation *g, struct str text, struct err *e);

enum change_kind {
    CHANGE_NONE,
    CHANGE_ADDED,
    CHANGE_RETIRED,
    CHANGE_LONGER_KEEP,
    CHANGE_SHORTER_KEEP,
    CHANGE_REFUSED,
    CHANGE_REVIVED,
    CHANGE_LOOKUP /* a lookup's definition: counts from now on */
};
struct change {
    enum change_kind kind;
    const struct generation_object *old, *new; /* one may be NULL */
};
/* All objects that differ; *ret is malloc'd. */
size_t generation_compare(struct change **ret, const struct generation *old,
                          const struct generation *new);

#endif
