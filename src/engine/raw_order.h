/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of one block of a raw table, of all workers, in the table's ORDER BY. A block that
 * comes in order costs the store a third of one that it must sort itself. Only an order that is
 * cheap to make is made: plain columns, texts of few distinct values; else rows stay as they
 * came and the store sorts. Never more than a matter of speed. */
#ifndef ENGINE_RAW_ORDER_H
#define ENGINE_RAW_ORDER_H

#include "engine/raws.h"

/* What a worker has of the block. */
struct raw_piece {
    const struct raw_part *part;
    const uint32_t *rows;
    size_t n;
};

struct raw_order {
    const struct raw_piece *pieces;
    size_t n_pieces;
    uint64_t *places; /* piece << 32 | row, in the block's order */
    size_t n;
    const void **bases; /* by piece: the array that is picked from */
    char *values;       /* of the last pick */
    uint8_t *nulls;
};

/* `pieces` must outlive the order. */
void raw_order_init(struct raw_order *o, const struct plan_raw *plan,
                    const struct raw_piece *pieces, size_t n_pieces);
void raw_order_done(struct raw_order *o);

/* The column's values in order; valid until the next pick. */
struct column raw_order_pick(struct raw_order *o, size_t column);

enum raw_helper { RAW_TIMES, RAW_PARTITIONS, RAW_OFFSETS };
struct column raw_order_pick_helper(struct raw_order *o, enum raw_helper helper);

DEFINE_AUTO_DONE(raw_order)

#endif
