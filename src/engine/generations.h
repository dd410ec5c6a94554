/* SPDX-License-Identifier: Apache-2.0
 *
 * Generations of definitions in the store (table weir_generations): what was accepted when. */
#ifndef ENGINE_GENERATIONS_H
#define ENGINE_GENERATIONS_H

#include "plan/generation.h"
#include "store/client.h"

/* The newest generation; number 0 if there is none. */
MUST_CHECK enum err_code generation_newest(struct generation *g, struct store *s,
                                           const char *database, struct err *e);
/* Its definitions by number. */
MUST_CHECK enum err_code generation_read(struct generation *g, struct store *s,
                                         const char *database, uint32_t number, struct err *e);

/* Stores g under g->number, if that number is not taken. */
MUST_CHECK enum err_code generation_write(struct store *s, const char *database,
                                          const struct generation *g, const char *note,
                                          struct err *e);

/* Compares the plan with the newest generation. Nothing stored changes its meaning: *number is
 * the generation to run with, new rows are written where the definitions differ, and `said` gets
 * a line per change. Otherwise ERR_REFUSED and `said` holds old and new side by side and the
 * ways out. */
struct adoption {
    bool accept_loss; /* a shorter KEEP may delete */
};
MUST_CHECK enum err_code generation_adopt(uint32_t *number, struct store *s,
                                          const struct plan *plan, const struct adoption *how,
                                          struct buf *said, struct err *e);

#endif
