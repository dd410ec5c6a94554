/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of a sealed epoch: which row goes into which block of which table partition, and what
 * is sent. */
#include <stdio.h>
#include <xxhash.h>

#include "column/compound.h"
#include "engine/epoch_priv.h"
#include "engine/raw_order.h"

/* The cap is 1 M rows and 256 MB; the hash does not split evenly, so aim below. */
enum { BLOCK_ROWS = 900000, BLOCK_BYTES = 200 << 20 };

/* ---- cutting ---- */

static struct block_target *add_target(struct epoch *ep, struct block_target t)
{
    ep->targets = xrealloc(ep->targets, (ep->n_targets + 1) * sizeof(*ep->targets));
    ep->targets[ep->n_targets] = t;
    return &ep->targets[ep->n_targets++];
}

static uint32_t intended_blocks(const struct epoch *ep, const char *table, uint32_t partition,
                                uint32_t fallback)
{
    for (size_t i = 0; i < ep->row.n_blocks; i++)
        if (ep->row.blocks[i].partition == partition && strcmp(ep->row.blocks[i].table, table) == 0)
            return ep->row.blocks[i].n_blocks;
    return ep->row.n_blocks ? 0 : fallback;
}

static void push_row(struct block_rows *r, uint32_t row)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 256;
        r->rows = xrealloc(r->rows, r->cap * sizeof(*r->rows));
    }
    r->rows[r->n++] = row;
}

struct partition_size {
    uint32_t partition;
    size_t rows, bytes;
};

struct partition_sizes {
    struct partition_size *items;
    size_t n;
};

static size_t size_of_partition(struct partition_sizes *s, uint32_t partition)
{
    for (size_t i = s->n; i-- > 0;)
        if (s->items[i].partition == partition)
            return i;
    s->items = xrealloc(s->items, (s->n + 1) * sizeof(*s->items));
    s->items[s->n] = (struct partition_size){.partition = partition};
    return s->n++;
}

static uint32_t blocks_for(size_t rows, size_t bytes)
{
    size_t by_rows = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS,
           by_bytes = (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    size_t n = by_rows > by_bytes ? by_rows : by_bytes;
    return n < 1 ? 1 : n > 4000 ? 4000 : (uint32_t)n;
}

/* The targets of the sizes, in `first`..; returns false where the intent knows none (a row that
 * the writer of the intent did not have: its range is not there any more as it was). */
static size_t targets_of(struct epoch *ep, struct block_target like,
                         const struct partition_sizes *sizes, size_t n_pieces)
{
    size_t first = ep->n_targets;
    for (size_t i = 0; i < sizes->n; i++) {
        like.partition = sizes->items[i].partition;
        like.n_blocks = intended_blocks(ep, like.table, like.partition,
                                        blocks_for(sizes->items[i].rows, sizes->items[i].bytes));
        like.n_pieces = n_pieces;
        like.attempt.slot = INT64_MIN;
        like.rows = xcalloc((size_t)like.n_blocks * n_pieces + 1, sizeof(*like.rows));
        add_target(ep, like);
    }
    return first;
}

/* Walks the rows of a sealed tier; partition of a row's bucket, remembering the last one. */
struct bucket_partition {
    enum table_partition kind;
    bool has_bucket;
    int64_t from, to;
    uint32_t value;
    size_t index;
};

static bool same_partition(struct bucket_partition *b, uint32_t bucket)
{
    if (!b->has_bucket)
        return b->to == 1;
    return bucket >= b->from && bucket < b->to;
}

static void next_partition(struct bucket_partition *b, uint32_t bucket,
                           struct partition_sizes *sizes)
{
    b->value = b->has_bucket ? partition_of(b->kind, bucket) : 0;
    b->from = b->has_bucket ? (int64_t)bucket / 86400 * 86400 : 0;
    b->to = b->has_bucket ? b->from + 86400 : 1;
    b->index = size_of_partition(sizes, b->value);
}

/* About what a row of the cube takes in memory. */
static size_t row_bytes_of(const struct epoch *ep, const struct plan_cube *cube)
{
    size_t n_keys = 0, bytes = 0;
    for (size_t i = 0; i < ep->n_gathers; i++) {
        n_keys += cube_n_keys(ep->gathers[i]->cubes[cube->pane]);
        bytes += cube_bytes(ep->gathers[i]->cubes[cube->pane]);
    }
    size_t row = n_keys ? bytes / n_keys + 1 : 1;
    bool is_fixed = true;
    for (size_t m = 0; m < cube->n_measures; m++)
        is_fixed &= aggregate_is_fixed(cube->measures[m].aggregate);
    /* Other metrics' measures lie in the pane's rows, too. */
    size_t others = ep->source->panes[cube->pane].shape.stride - cube->shape.stride;
    return is_fixed && cube->shape.stride < ep->source->panes[cube->pane].shape.stride &&
                   row > others + cube->shape.stride
               ? row - others
               : row;
}

static void cut_tier(struct epoch *ep, size_t k, size_t t)
{
    const struct plan_cube *cube = &ep->source->cubes[k];
    const struct plan_tier *tier = &cube->tiers[t];
    bool has_bucket = cube->shape.count != 0;
    int64_t cutoff =
        has_bucket ? keep_cutoff(tier->keep, tier->hidden_before, ep->row.now) : INT64_MIN;
    struct partition_sizes sizes = {0};
    size_t row_bytes = row_bytes_of(ep, cube);
    struct sealed_tier *const *parts = tier_parts(ep, k, t);
    const struct folding *folding = tier_folding(ep, k, t);
    size_t n_pieces = ep->n_parts + (folding != NULL);

    for (int pass = 0; pass < 2; pass++) {
        size_t first = ep->n_targets;
        if (pass == 1) {
            struct block_target like = {
                .kind = BLOCK_TIER, .table = tier->table, .object = k, .tier = t};
            first = targets_of(ep, like, &sizes, n_pieces);
        }
        for (size_t piece = 0; piece < n_pieces; piece++) {
            const struct sealed_tier *sealed = piece < ep->n_parts ? parts[piece] : folding->others;
            const uint8_t *is_folded =
                folding && piece < ep->n_parts ? folding->is_folded[piece] : NULL;
            struct bucket_partition b = {
                .kind = keep_partition(tier->keep), .has_bucket = has_bucket, .from = 1, .to = 0};
            size_t n = sealed_n_rows(sealed);
            for (size_t i = 0; i < n; i++) {
                uint32_t bucket = has_bucket ? sealed_bucket(sealed, i) : 0;
                if (has_bucket && (int64_t)bucket < cutoff)
                    continue; /* expired here; counted as its events came */
                if (is_folded && is_folded[i])
                    continue;
                if (!same_partition(&b, bucket))
                    next_partition(&b, bucket, &sizes);
                if (pass == 0) {
                    sizes.items[b.index].rows++;
                    sizes.items[b.index].bytes += row_bytes;
                } else {
                    struct block_target *target = &ep->targets[first + b.index];
                    uint32_t block = target->n_blocks > 1
                                         ? (uint32_t)(sealed_hash(sealed, i) % target->n_blocks)
                                         : 0;
                    if (target->n_blocks > 0)
                        push_row(&target->rows[block * n_pieces + piece], (uint32_t)i);
                }
            }
        }
    }
    free(sizes.items);
}

static uint64_t position_hash(uint64_t partition, uint64_t offset)
{
    uint64_t key[2] = {partition, offset};
    return XXH3_64bits(key, sizeof(key));
}

static void cut_raw(struct epoch *ep, size_t r)
{
    struct partition_sizes sizes = {0};
    for (size_t g = 0; g < ep->n_gathers; g++) {
        const struct raws *raws = &ep->gathers[g]->raws[r];
        size_t n_rows = 0;
        for (size_t i = 0; i < raws->n_parts; i++)
            n_rows += raws->parts[i].n_rows;
        for (size_t i = 0; i < raws->n_parts; i++) {
            size_t at = size_of_partition(&sizes, raws->parts[i].partition);
            sizes.items[at].rows += raws->parts[i].n_rows;
            sizes.items[at].bytes += n_rows ? raws->bytes / n_rows * raws->parts[i].n_rows : 0;
        }
    }
    struct block_target like = {.kind = BLOCK_RAW, .table = ep->source->raws[r].table, .object = r};
    size_t first = targets_of(ep, like, &sizes, ep->n_gathers);
    for (size_t g = 0; g < ep->n_gathers; g++) {
        const struct raws *raws = &ep->gathers[g]->raws[r];
        for (size_t i = 0; i < raws->n_parts; i++) {
            const struct raw_part *p = &raws->parts[i];
            struct block_target *target =
                &ep->targets[first + size_of_partition(&sizes, p->partition)];
            for (size_t row = 0; row < p->n_rows && target->n_blocks > 0; row++) {
                uint32_t block =
                    target->n_blocks > 1
                        ? (uint32_t)(position_hash(p->partitions[row], p->offsets[row]) %
                                     target->n_blocks)
                        : 0;
                push_row(&target->rows[block * ep->n_gathers + g], (uint32_t)row);
            }
        }
    }
    free(sizes.items);
}

static void cut_rejects(struct epoch *ep)
{
    struct partition_sizes sizes = {0};
    for (size_t g = 0; g < ep->n_gathers; g++) {
        if (ep->gathers[g]->n_rejects == 0)
            continue;
        size_t at = size_of_partition(&sizes, partition_of(PARTITION_DAY, ep->row.now));
        sizes.items[at].rows += ep->gathers[g]->n_rejects;
        sizes.items[at].bytes += ep->gathers[g]->reject_bytes;
    }
    struct block_target like = {.kind = BLOCK_REJECTS, .table = "weir_rejects"};
    size_t first = targets_of(ep, like, &sizes, ep->n_gathers);
    for (size_t g = 0; g < ep->n_gathers && sizes.n > 0; g++) {
        struct block_target *target = &ep->targets[first];
        for (size_t i = 0; i < ep->gathers[g]->n_rejects && target->n_blocks > 0; i++) {
            const struct kept_reject *r = &ep->gathers[g]->rejects[i];
            uint32_t block = (uint32_t)(position_hash(r->partition, r->offset) % target->n_blocks);
            push_row(&target->rows[block * ep->n_gathers + g], (uint32_t)i);
        }
    }
    free(sizes.items);
}

/* The clocks of all partitions, as they are after the epoch's last chunks, join the rows to
 * remember. */
static void add_clocks(struct epoch *ep)
{
    for (size_t g = 0; g < ep->n_gathers; g++) {
        for (size_t k = 0; k < ep->gathers[g]->n_partitions; k++) {
            const struct partition_counts *c = &ep->gathers[g]->partitions[k];
            bool is_last = c->clock.previous_ms != 0;
            for (size_t other = 0; is_last && other < ep->n_gathers; other++) {
                const struct partition_counts *o =
                    other == g ? NULL : gather_counts(ep->gathers[other], c->partition);
                is_last = o == NULL || o->clock.previous_ms == 0 || o->decided_to < c->decided_to;
            }
            if (is_last)
                window_rows_add(&ep->gathers[g]->window,
                                (struct window_row){.partition = c->partition,
                                                    .time_ms = c->clock.previous_ms,
                                                    .until_ms = c->clock.now_ms,
                                                    .is_clock = true});
        }
    }
}

static void cut_window(struct epoch *ep)
{
    enum { ROW_BYTES = 64 };
    struct partition_sizes sizes = {0};
    if (ep->source->deduplicate == NULL || ep->row.kind == CHAIN_RETRY)
        return;
    add_clocks(ep);
    for (size_t g = 0; g < ep->n_gathers; g++) {
        size_t n = ep->gathers[g]->window.n;
        if (n == 0)
            continue;
        size_t at = size_of_partition(&sizes, 0);
        sizes.items[at].rows += n;
        sizes.items[at].bytes += n * ROW_BYTES;
    }
    struct block_target like = {.kind = BLOCK_WINDOW, .table = "weir_window"};
    size_t first = targets_of(ep, like, &sizes, ep->n_gathers);
    for (size_t g = 0; g < ep->n_gathers && sizes.n > 0; g++) {
        struct block_target *target = &ep->targets[first];
        for (size_t i = 0; i < ep->gathers[g]->window.n && target->n_blocks > 0; i++) {
            const struct window_row *r = &ep->gathers[g]->window.items[i];
            uint32_t block =
                (uint32_t)(position_hash(r->partition, r->key.lo ^ (uint64_t)r->time_ms) %
                           target->n_blocks);
            push_row(&target->rows[block * ep->n_gathers + g], (uint32_t)i);
        }
    }
    free(sizes.items);
}

void blocks_cut(struct epoch *ep)
{
    for (size_t k = 0; k < ep->source->n_cubes; k++)
        for (size_t t = 0; t < ep->source->cubes[k].n_tiers; t++)
            cut_tier(ep, k, t);
    for (size_t r = 0; r < ep->source->n_raws; r++)
        cut_raw(ep, r);
    cut_rejects(ep);
    cut_window(ep);
}

/* ---- bodies ---- */

void put_constant_u64(struct buf *b, const char *name, uint64_t v, size_t n)
{
    native_column_head(b, name, "UInt64");
    char *p = buf_reserve(b, n * 8);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * 8, &v, 8);
    b->n += n * 8;
}

void put_constant_u32(struct buf *b, const char *name, const char *type, uint32_t v, size_t n)
{
    native_column_head(b, name, type);
    char *p = buf_reserve(b, n * 4);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * 4, &v, 4);
    b->n += n * 4;
}

static void put_head(struct buf *b, struct str name, struct type type)
{
    AUTO_DONE(buf) name_text = {0}, type_text = {0};
    buf_str(&name_text, name);
    type_print(&type_text, type);
    native_column_head(b, buf_cstr(&name_text), buf_cstr(&type_text));
}

static void put_defaults(struct buf *b, struct type type, size_t n)
{
    size_t width = type_width(type);
    AUTO_MEM char *values = xcalloc(n + 1, width);
    AUTO_MEM uint8_t *nulls = xcalloc(n + 1, 1);
    for (size_t i = 0; i < n; i++)
        value_default(type, values + i * width);
    struct column c = {.type = type, .values = values, .nulls = type.is_nullable ? nulls : NULL};
    native_column_data(b, &c, NULL, n);
}

static size_t tier_columns(const struct plan_cube *c)
{
    return 3 + (c->shape.count != 0) + c->n_dimensions + c->n_measures;
}

/* The marker: default keys in the partition's first bucket, empty states, this lane's mark and
 * deadline. */
static void put_marker(struct buf *b, const struct plan_cube *c, int64_t bucket,
                       const struct chain_row *row, uint64_t mark, int64_t deadline)
{
    native_block(b, tier_columns(c), 1);
    put_constant_u64(b, "_lane", row->lane, 1);
    if (c->shape.count)
        put_constant_u32(b, "bucket", "DateTime", (uint32_t)bucket, 1);
    for (size_t i = 0; i < c->n_dimensions; i++) {
        put_head(b, c->dimensions[i].name, c->dimensions[i].type);
        put_defaults(b, c->dimensions[i].type, 1);
    }
    AUTO_MEM char *state = xcalloc(1, c->shape.stride + 64);
    for (size_t i = 0; i < c->n_measures; i++) {
        const struct aggregate *a = c->measures[i].aggregate;
        aggregate_init(a, state + c->shape.measures[i].offset);
        native_column_head(b, c->measures[i].column, aggregate_storage(a)->wire_type);
        aggregate_write_column(a, b, &state, c->shape.measures[i].offset, 1);
    }
    put_constant_u64(b, "_mark", mark, 1);
    put_constant_u32(b, "_deadline", "DateTime", (uint32_t)deadline, 1);
}

/* Rows of one sealed part, or (lane FOLDED_LANE) of what was folded, which have no keys. */
static void tier_rows(struct buf *b, const struct plan_cube *c, const struct sealed_tier *s,
                      const struct block_rows *rows, uint64_t lane, int64_t deadline)
{
    native_block(b, tier_columns(c), rows->n);
    put_constant_u64(b, "_lane", lane, rows->n);
    if (c->shape.count) {
        native_column_head(b, "bucket", "DateTime");
        sealed_write_buckets(s, b, rows->rows, rows->n);
    }
    for (size_t i = 0; i < c->n_dimensions; i++) {
        put_head(b, c->dimensions[i].name, c->dimensions[i].type);
        if (lane == FOLDED_LANE)
            put_defaults(b, c->dimensions[i].type, rows->n);
        else if (type_is_compound(c->dimensions[i].type))
            sealed_write_compound(s, b, i, c->dimensions[i].type, rows->rows, rows->n);
        else
            sealed_write_dimension(s, b, i, rows->rows, rows->n);
    }
    for (size_t i = 0; i < c->n_measures; i++) {
        native_column_head(b, c->measures[i].column,
                           aggregate_storage(c->measures[i].aggregate)->wire_type);
        sealed_write_measure(s, b, c->pane_measures[i], rows->rows, rows->n);
    }
    put_constant_u64(b, "_mark", 0, rows->n);
    put_constant_u32(b, "_deadline", "DateTime", (uint32_t)deadline, rows->n);
}

static void tier_body(struct epoch *ep, const struct block_target *t, uint32_t block,
                      int64_t deadline, struct buf *b)
{
    const struct plan_cube *c = &ep->source->cubes[t->object];
    struct sealed_tier *const *parts = tier_parts(ep, t->object, t->tier);
    const struct folding *folding = tier_folding(ep, t->object, t->tier);
    for (size_t piece = 0; piece < t->n_pieces; piece++) {
        const struct block_rows *rows = &t->rows[block * t->n_pieces + piece];
        if (rows->n > 0 && piece < ep->n_parts)
            tier_rows(b, c, parts[piece], rows, 0, 0);
        else if (rows->n > 0)
            tier_rows(b, c, folding->others, rows, FOLDED_LANE, deadline);
    }
    int64_t bucket = partition_start(keep_partition(c->tiers[t->tier].keep), t->partition);
    put_marker(b, c, bucket, &ep->row, ep->row.n * 4096 + block, deadline);
}

static void put_row_helpers(struct buf *b, const struct epoch *ep, uint32_t block, int64_t deadline,
                            size_t n)
{
    struct column source = {.type = {.kind = TYPE_STRING, .is_low_cardinality = true}};
    AUTO_MEM struct str *names = xmalloc(n * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = ep->source->name;
    source.values = names;
    native_column_head(b, "_source", "LowCardinality(String)");
    native_column_data(b, &source, NULL, n);
    put_constant_u64(b, "_epoch", ep->row.n, n);
    put_constant_u32(b, "_block", "UInt32", block, n);
    put_constant_u32(b, "_deadline", "DateTime", (uint32_t)deadline, n);
}

static const struct raw_part *part_of(const struct raws *r, uint32_t partition)
{
    for (size_t i = 0; i < r->n_parts; i++)
        if (r->parts[i].partition == partition)
            return &r->parts[i];
    return NULL;
}

static void put_values(struct buf *b, const char *name, const char *type_text, struct column c,
                       size_t n)
{
    native_column_head(b, name, type_text);
    native_column_data(b, &c, NULL, n);
}

/* One Native block with the rows of all workers, in the table's order where that is cheap. */
static void raw_body(struct epoch *ep, const struct block_target *t, uint32_t block,
                     int64_t deadline, struct buf *b)
{
    const struct plan_raw *plan = &ep->source->raws[t->object];
    AUTO_MEM struct raw_piece *pieces = xcalloc(ep->n_gathers, sizeof(*pieces));
    size_t n_pieces = 0;
    for (size_t g = 0; g < ep->n_gathers; g++) {
        const struct block_rows *rows = &t->rows[block * ep->n_gathers + g];
        const struct raw_part *p = part_of(&ep->gathers[g]->raws[t->object], t->partition);
        if (rows->n > 0 && p != NULL)
            pieces[n_pieces++] = (struct raw_piece){p, rows->rows, rows->n};
    }
    if (n_pieces == 0)
        return;
    AUTO_DONE(raw_order) order;
    raw_order_init(&order, plan, pieces, n_pieces);
    native_block(b, plan->n_columns + 8, order.n);
    for (size_t i = 0; i < plan->n_columns; i++) {
        struct column c = raw_order_pick(&order, i);
        put_head(b, plan->columns[i].name, plan->columns[i].type);
        native_column_data(b, &c, NULL, order.n);
    }
    put_values(b, "_time", "DateTime", raw_order_pick_helper(&order, RAW_TIMES), order.n);
    put_values(b, "_partition", "UInt64", raw_order_pick_helper(&order, RAW_PARTITIONS), order.n);
    put_values(b, "_offset", "UInt64", raw_order_pick_helper(&order, RAW_OFFSETS), order.n);
    put_constant_u32(b, "_arrival", "DateTime", (uint32_t)ep->row.now, order.n);
    put_row_helpers(b, ep, block, deadline, order.n);
}

static void rejects_body(struct epoch *ep, const struct block_target *t, uint32_t block,
                         int64_t deadline, struct buf *b)
{
    for (size_t g = 0; g < ep->n_gathers; g++) {
        const struct block_rows *rows = &t->rows[block * ep->n_gathers + g];
        const struct kept_reject *rejects = ep->gathers[g]->rejects;
        size_t n = rows->n;
        if (n == 0)
            continue;
        native_block(b, 12, n);
        native_column_head(b, "source", "String");
        for (size_t i = 0; i < n; i++) {
            buf_varuint(b, ep->source->name.n);
            buf_str(b, ep->source->name);
        }
        put_constant_u64(b, "n", ep->row.n, n);
        native_column_head(b, "partition", "UInt64");
        for (size_t i = 0; i < n; i++)
            buf_u64(b, rejects[rows->rows[i]].partition);
        native_column_head(b, "offset", "UInt64");
        for (size_t i = 0; i < n; i++)
            buf_u64(b, rejects[rows->rows[i]].offset);
        native_column_head(b, "reason", "String");
        for (size_t i = 0; i < n; i++) {
            struct str reason = str_of(rejects[rows->rows[i]].reason);
            buf_varuint(b, reason.n);
            buf_str(b, reason);
        }
        native_column_head(b, "record", "String");
        for (size_t i = 0; i < n; i++) {
            struct str bytes = rejects[rows->rows[i]].bytes;
            buf_varuint(b, bytes.n);
            buf_str(b, bytes);
        }
        native_column_head(b, "header", "String");
        for (size_t i = 0; i < n; i++) {
            struct str header = rejects[rows->rows[i]].header;
            buf_varuint(b, header.n);
            buf_str(b, header);
        }
        put_constant_u32(b, "now", "DateTime", (uint32_t)ep->row.now, n);
        put_row_helpers(b, ep, block, deadline, n);
    }
}

static void window_body(struct epoch *ep, const struct block_target *t, uint32_t block,
                        int64_t deadline, struct buf *b)
{
    static const char *const names[] = {"partition", "hi", "lo", "time", "until"};
    for (size_t g = 0; g < ep->n_gathers; g++) {
        const struct block_rows *rows = &t->rows[block * ep->n_gathers + g];
        const struct window_row *items = ep->gathers[g]->window.items;
        size_t n = rows->n;
        if (n == 0)
            continue;
        native_block(b, 11, n);
        for (size_t c = 0; c < COUNT(names); c++) {
            native_column_head(b, names[c], c < 3 ? "UInt64" : "Int64");
            for (size_t i = 0; i < n; i++) {
                const struct window_row *r = &items[rows->rows[i]];
                buf_u64(b, c == 0   ? r->partition
                           : c == 1 ? r->key.hi
                           : c == 2 ? r->key.lo
                           : c == 3 ? (uint64_t)r->time_ms
                                    : (uint64_t)r->until_ms);
            }
        }
        native_column_head(b, "is_clock", "UInt8");
        for (size_t i = 0; i < n; i++)
            buf_byte(b, items[rows->rows[i]].is_clock);
        put_constant_u32(b, "now", "DateTime", (uint32_t)ep->row.now, n);
        put_row_helpers(b, ep, block, deadline, n);
    }
}

void block_columns(const struct epoch *ep, const struct block_target *t, struct buf *b)
{
    if (t->kind == BLOCK_REJECTS) {
        buf_text(b, "source, n, partition, `offset`, reason, record, header, now, _source, _epoch, "
                    "_block, _deadline");
        return;
    }
    if (t->kind == BLOCK_WINDOW) {
        buf_text(b, "partition, hi, lo, time, until, is_clock, now, _source, _epoch, _block, "
                    "_deadline");
        return;
    }
    if (t->kind == BLOCK_RAW) {
        const struct plan_raw *raw = &ep->source->raws[t->object];
        for (size_t i = 0; i < raw->n_columns; i++) {
            print_identifier(b, raw->columns[i].name);
            buf_text(b, ", ");
        }
        buf_text(b, "_time, _partition, _offset, _arrival, _source, _epoch, _block, _deadline");
        return;
    }
    const struct plan_cube *c = &ep->source->cubes[t->object];
    buf_text(b, "_lane");
    if (c->shape.count)
        buf_text(b, ", bucket");
    for (size_t i = 0; i < c->n_dimensions; i++) {
        buf_text(b, ", ");
        print_identifier(b, c->dimensions[i].name);
    }
    for (size_t i = 0; i < c->n_measures; i++) {
        buf_text(b, ", ");
        print_identifier(b, str_of(c->measures[i].column));
    }
    buf_text(b, ", _mark, _deadline");
}

void block_body(struct epoch *ep, const struct block_target *t, uint32_t block, int64_t deadline,
                struct buf *b)
{
    switch (t->kind) {
    case BLOCK_TIER: tier_body(ep, t, block, deadline, b); break;
    case BLOCK_RAW: raw_body(ep, t, block, deadline, b); break;
    case BLOCK_REJECTS: rejects_body(ep, t, block, deadline, b); break;
    case BLOCK_WINDOW: window_body(ep, t, block, deadline, b); break;
    }
}
