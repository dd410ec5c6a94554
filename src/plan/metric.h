/* SPDX-License-Identifier: Apache-2.0
 *
 * One metric to cubes: one cube a grouping set, its measures, its tiers, its views. */
#ifndef PLAN_METRIC_H
#define PLAN_METRIC_H

#include "plan/scope.h"

/* own: relation of the metric's own items over its FROM. Mistakes go to the source's
 * diagnostics. */
void metric_build(struct relation *own, const struct metric_def *def, value_id pass);

/* Does the expression hold an aggregate function call? */
bool ast_has_aggregate(const struct ast *node);

#endif
