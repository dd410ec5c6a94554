/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain of a source's epochs (table weir_epochs) and what it says about each partition. A
 * struct chain belongs to the source's coordinator thread. */
#ifndef ENGINE_CHAIN_H
#define ENGINE_CHAIN_H

#include "engine/insert.h"
#include "source/file.h"

/* One partition's part of an epoch. `mark` describes the file at `to`; its position = to. */
struct chain_range {
    uint64_t from, to;
    struct file_mark mark;
};

/* How many blocks a (table, table partition) has in this epoch. */
struct chain_block {
    char *table;
    uint32_t partition;
    uint32_t n_blocks;
};

enum chain_kind { CHAIN_EPOCH, CHAIN_CHECKPOINT, CHAIN_SKIP, CHAIN_RETRY };

/* The source's own rejects are a partition of its chain: position = the n of the last epoch
 * whose rejects were retried. */
#define REJECTS_PARTITION (UINT64_MAX - 1)

struct chain_row {
    uint64_t n;
    enum chain_kind kind;
    uint64_t lane;
    char *process;
    uint32_t generation;
    int64_t now;
    int64_t slot_s, margin_s;
    struct chain_range *ranges;
    size_t n_ranges;
    struct chain_block *blocks;
    size_t n_blocks;
    char *lookups; /* versions read: lines of name TAB hash (engine/lookups.h); NULL: none */
};
void chain_row_done(struct chain_row *r);

struct chain {
    char *source;
    const char *database;
    uint64_t last_n; /* 0: no row yet */
    int64_t last_now;
    /* L and M of row last_n: the grid of the next row, whatever settings say now */
    int64_t last_slot_s, last_margin_s;
    uint64_t next_partition;
    struct file_mark *ends; /* by partition: where the chain's valid epochs end */
    size_t n_ends, cap_ends;
    struct chain_row *open; /* valid rows without a ledger entry */
    size_t n_open;
    uint64_t last_checkpoint; /* n of the newest checkpoint row, 0 = none */
};

/* Reads the chain from its newest checkpoint on. */
MUST_CHECK enum err_code chain_read(struct chain *c, struct store *s, const char *database,
                                    const char *source, struct err *e);
/* Rows another process appended since; adopted in order. *n_new says how many. */
MUST_CHECK enum err_code chain_refresh(struct chain *c, struct store *s, size_t *n_new,
                                       struct err *e);
void chain_done(struct chain *c);
/* NULL: not in the chain */
const struct file_mark *chain_end(const struct chain *c, uint64_t partition);

/* Appends row (its n is filled here: last_n + 1). After success the chain holds exactly this row at
 * that n (lane and process prove it; a row is never changed between tries) and has adopted it.
 * ERR_CONFLICT: another process wrote that n, or a `from` is not the partition's end; the chain has
 * been refreshed and the epoch must be gathered again. */
MUST_CHECK enum err_code chain_append(struct chain *c, struct store *s, struct chain_row *row,
                                      const _Atomic bool *stop, struct err *e);
/* Writes a checkpoint row with the same n as the last row (all ends, all open rows). */
MUST_CHECK enum err_code chain_checkpoint(struct chain *c, struct store *s,
                                          const struct chain_row *like, struct err *e);
void chain_close_row(struct chain *c, uint64_t n); /* row n is done */

/* Text forms of ranges and blocks, as stored (docs/formats/tables.md). */
void ranges_print(struct buf *out, const struct chain_range *ranges, size_t n);
MUST_CHECK enum err_code ranges_parse(struct chain_range **ret, size_t *n, struct str text,
                                      struct err *e);
void blocks_print(struct buf *out, const struct chain_block *blocks, size_t n);
MUST_CHECK enum err_code blocks_parse(struct chain_block **ret, size_t *n, struct str text,
                                      struct err *e);

#endif
