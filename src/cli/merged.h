/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MERGED_H
#define CLI_MERGED_H

#include <jansson.h>

#include "plan/plan.h"

/* [{"name", "kind", "sources": […], "watermark"}]: streams and metrics over several sources.
 * `sources`: rows with "source" and "watermark", whose least it is; null while one has none. */
json_t *merged_objects(const struct plan *p, json_t *sources);

#endif
