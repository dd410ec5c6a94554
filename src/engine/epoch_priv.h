/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of an epoch share: epoch.c seals, block.c cuts and writes blocks, receipt.c
 * reads what landed, ledger.c writes the books, land.c goes round until all is there. owner: the
 * storing thread. */
#ifndef ENGINE_EPOCH_PRIV_H
#define ENGINE_EPOCH_PRIV_H

#include "engine/epoch.h"

/* Fills ep->targets: every sealed row, raw row and reject in its block. */
void blocks_cut(struct epoch *ep);

/* Native blocks of one INSERT, with the receipt in it; nothing if no row is left of the block.
 * Any thread. */
void block_body(struct epoch *ep, const struct block_target *t, uint32_t block, int64_t deadline,
                struct buf *b);
/* The columns of that INSERT, as SQL. */
void block_columns(const struct epoch *ep, const struct block_target *t, struct buf *b);

/* A whole column of one value. */
void put_constant_u64(struct buf *b, const char *name, uint64_t v, size_t n);
void put_constant_u32(struct buf *b, const char *name, const char *type, uint32_t v, size_t n);

/* Updates n_landed of all targets; *now = the store's time (UTC seconds), *is_done = the ledger
 * is there. */
MUST_CHECK enum err_code receipts_read(struct epoch *ep, struct store *s, int64_t *now,
                                       bool *is_done, struct err *e);

/* The ledger's INSERT. */
extern const char ledger_columns[];
void ledger_body(const struct epoch *ep, int64_t deadline, struct buf *b);

#endif
