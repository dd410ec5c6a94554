/* SPDX-License-Identifier: Apache-2.0
 *
 * A sealed epoch: the gathers of all workers over the intent's ranges, cut into blocks, and stored.
 *
 *   gathers ─epoch_seal─▶ blocks by (table, table partition) ─chain_append─▶ intent
 *           ─epoch_store─▶ INSERTs, each with its receipt ─▶ ledger (done mark)
 *
 * Whoever builds the epoch again from the intent's ranges gets equal blocks: a row's block is
 * the hash of its key modulo the number of blocks that the intent names. owner: the storing
 * thread; sealing uses helper threads. */
#ifndef ENGINE_EPOCH_H
#define ENGINE_EPOCH_H

#include "engine/chain.h"
#include "engine/gather.h"
#include "engine/lookups.h"

enum block_kind { BLOCK_TIER, BLOCK_RAW, BLOCK_REJECTS, BLOCK_WINDOW };

/* Rows of one sealed part (tiers) or one gather (raws, rejects) that belong to a block. */
struct block_rows {
    uint32_t *rows;
    size_t n, cap;
};

/* One (table, table partition) of this epoch. */
struct block_target {
    enum block_kind kind;
    const char *table;
    size_t object; /* index of the cube or raw */
    size_t tier;
    uint32_t partition;
    uint32_t n_blocks;
    size_t n_pieces;         /* sealed parts or gathers */
    struct block_rows *rows; /* [block * n_pieces + piece] */
    uint32_t n_landed;       /* blocks proven to be there, from the first on */
    struct attempt attempt;  /* of block n_landed */
};

struct epoch {
    const struct plan *plan;
    const struct plan_source *source;
    struct chain_row row; /* the intent; filled by the caller but for blocks */
    struct gather **gathers;
    size_t n_gathers;
    struct seal_job *jobs; /* see epoch_priv.h */
    size_t n_jobs;
    struct tier_slot *tiers; /* [(cube, tier) in order] */
    size_t n_tiers;
    size_t n_parts;
    struct block_target *targets;
    size_t n_targets;
    /* Ledger facts that are not in the gathers. */
    struct ledger_extra *extras;
    size_t n_extras;
    bool is_done;
    struct lookup_pin pin; /* what the gathers read, named in row.lookups */
    /* Told what holds the epoch up, each time. May be NULL. */
    void (*say)(void *context, const char *problem);
    void *context;
};

/* An entry of the ledger beyond what the gathers counted, e.g. lost bytes of a file. */
struct ledger_extra {
    uint64_t partition;
    uint64_t lost, skipped;
    const char *name;
};

/* Cuts the gathers into blocks. With row.blocks given (recovery) their numbers are used, else
 * row.blocks is filled. n_threads: for merging. */
void epoch_seal(struct epoch *ep, size_t n_threads);
void epoch_done(struct epoch *ep); /* frees all but the gathers */

/* What ends waiting; set by other threads. Either may be NULL. */
struct patience {
    /* asked to end: the epoch is finished, but a store that fails is not waited for */
    const _Atomic bool *stop;
    const _Atomic bool *give_up; /* asked twice: a slot is not waited for either */
};

/* Targets are sent side by side over n_stores connections (1 is enough).
 * Inserts what is missing until everything is proven to be there, ledger last. Failures of the
 * store are retried here (ERR_UNAVAILABLE calls store_ensure) until *stop. ERR_STOPPED: given
 * up; the intent stands. */
MUST_CHECK enum err_code epoch_store(struct epoch *ep, struct store *const *stores, size_t n_stores,
                                     struct patience patience, struct err *e);

/* Keys past max_keys, and the first table of them. */
uint64_t epoch_folded(const struct epoch *ep, const char **table);

/* Rows and bytes sent, for progress. */
struct epoch_volume {
    uint64_t inserts, rows, bytes;
};
struct epoch_volume epoch_volume(const struct epoch *ep);

#endif
