/* SPDX-License-Identifier: Apache-2.0
 *
 * Which paths match the patterns now: *, ?, [a-z], {a,b}, {1..3}, and ** for any number of folders.
 * Names with a leading dot are matched only by a pattern with one. A folder is listed again only
 * when its own stat says that names came or went, so an idle walk costs one stat a folder. One
 * thread. */
#ifndef SOURCE_GLOB_H
#define SOURCE_GLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct glob;

struct glob_visitor {
    void *context;
    /* A path that matches and was not there before, or that now leads to another inode. */
    void (*found)(void *context, const char *path, uint32_t pattern);
    void (*gone)(void *context, const char *path);
    /* A folder that cannot be listed; said once until the reason changes. What was in it stays
     * found. */
    void (*failed)(void *context, const char *folder, int error);
    /* May be NULL. Set: the walk breaks off anywhere, and only glob_free is left to do. */
    const _Atomic bool *stop;
};

/* Patterns are copied. ERR_INVALID: braces that do not close or make more than 10,000 patterns. */
MUST_CHECK enum err_code glob_new(struct glob **ret, const char *const *patterns, size_t n,
                                  struct err *e);
void glob_free(struct glob *g);
void glob_walk(struct glob *g, const struct glob_visitor *v);

#endif
