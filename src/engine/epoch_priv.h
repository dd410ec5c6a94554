/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of an epoch share: epoch.c seals, block.c cuts and writes blocks, receipt.c
 * reads what landed, ledger.c writes the books, land.c goes round until all is there. owner: the
 * storing thread. */
#ifndef ENGINE_EPOCH_PRIV_H
#define ENGINE_EPOCH_PRIV_H

#include "engine/epoch.h"

/* What is sealed once, for all tiers of cubes that are the same keys and buckets of one pane. */
struct seal_job {
    const struct plan_cube *cube; /* the first of them, and its tier */
    const struct plan_tier *tier;
    struct seal_spec spec;
    bool *is_wanted;
    size_t parent; /* the job it is made of; SIZE_MAX: the panes */
    unsigned level;
    struct sealed_tier **parts; /* n_parts */
};

/* Keys of a tier past max_keys. */
struct folding {
    uint8_t **is_folded; /* [part][row] */
    struct seal_spec spec;
    struct sealed_tier *others; /* a row a bucket: what the folded ones are together */
    uint64_t n_keys, n_folded;
};

/* A tier of a cube. */
struct tier_slot {
    size_t cube, tier, job;
    struct folding *folding; /* NULL: all keys are kept */
};

/* Seals all tiers of ep's gathers: fills jobs, tiers, n_parts. seals.c */
void tiers_seal(struct epoch *ep, size_t n_threads);
void tiers_done(struct epoch *ep);
/* The n_parts sealed parts of a tier of a cube; what is folded of them. */
struct sealed_tier *const *tier_parts(const struct epoch *ep, size_t cube, size_t tier);
const struct folding *tier_folding(const struct epoch *ep, size_t cube, size_t tier);

/* Which keys are too many: in each bucket those behind the first max_keys in key order, so that
 * whoever builds the epoch again folds the same. NULL: none. folding.c */
struct folding *folding_new(const struct seal_job *job, size_t n_parts, uint64_t max_keys);
void folding_free(struct folding *f, size_t n_parts);

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
