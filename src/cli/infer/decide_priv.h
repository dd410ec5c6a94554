/* SPDX-License-Identifier: Apache-2.0
 *
 * One column while its type is chosen. For decide.c and decide_forms.c. */
#ifndef CLI_INFER_DECIDE_PRIV_H
#define CLI_INFER_DECIDE_PRIV_H

#include "cli/infer/infer.h"

struct decision {
    struct inference *inf;
    struct infer_column *c;
    const struct column_stats *s;
    uint64_t tolerance;
    struct buf why, change;
    const char *base;    /* type without Nullable */
    const char *convert; /* function of text that gives it: "toInt32(%s)" */
    bool must_convert;
    const char *number; /* EPHEMERAL type that is converted instead of String */
};

/* Are so many values, but for a few, all? */
static inline bool decision_fits(const struct decision *d, uint64_t n)
{
    return d->s->n_values > 0 && n > 0 && n + d->tolerance >= d->s->n_values;
}

static inline const char *decision_name(const struct decision *d)
{
    return d->c->path ? d->c->path : d->c->name;
}

/* decide.c */
void decide_text(struct decision *d, const char *why);
void decide_time(struct decision *d, const char *what, bool is_direct);
/* Measure, dimension or key, for whole numbers. */
void decide_number_role(struct decision *d, bool is_key);

/* decide_forms.c: each says whether it has decided. */
bool decide_declared(struct decision *d);
bool decide_json_compound(struct decision *d);
/* *n_fit: how many values are what was decided. */
bool decide_form(struct decision *d, uint64_t *n_fit);

#endif
