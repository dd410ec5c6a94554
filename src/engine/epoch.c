/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/epoch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/raw_order.h"

/* The cap is 1 M rows and 256 MB; the hash does not split evenly, so aim below. */
enum { BLOCK_ROWS = 900000, BLOCK_BYTES = 200 << 20 };

/* ---- sealing: merge by key ---- */

struct seal_job {
    struct epoch *ep;
    size_t cube, tier, slot;
};

struct seal_work {
    struct epoch *ep;
    struct seal_job *jobs; /* one per (cube, tier) */
    size_t n_jobs;
    size_t next;           /* (job, part) to take; guarded by lock */
    pthread_mutex_t lock;
};

static void seal_one(struct seal_work *w, size_t job, size_t part)
{
    struct epoch *ep = w->ep;
    const struct plan_cube *cube = &ep->source->cubes[w->jobs[job].cube];
    const struct plan_tier *tier = &cube->tiers[w->jobs[job].tier];
    AUTO_MEM struct cube **from = xcalloc(ep->n_gathers, sizeof(*from));
    for (size_t i = 0; i < ep->n_gathers; i++)
        from[i] = ep->gathers[i]->cubes[w->jobs[job].cube];
    int64_t count = cube->shape.count ? tier->every.count : 0;
    ep->sealed[w->jobs[job].slot * ep->n_parts + part] =
        cube_seal(from, ep->n_gathers, cube->shape.zone, count, tier->every.unit, part, ep->n_parts);
}

static void *seal_thread(void *context)
{
    struct seal_work *w = context;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        size_t at = w->next++;
        pthread_mutex_unlock(&w->lock);
        if (at >= w->n_jobs * w->ep->n_parts)
            return NULL;
        seal_one(w, at / w->ep->n_parts, at % w->ep->n_parts);
    }
}

static void merge_cubes(struct epoch *ep, size_t n_threads)
{
    struct seal_work w = {.ep = ep, .lock = PTHREAD_MUTEX_INITIALIZER};
    for (size_t k = 0; k < ep->source->n_cubes; k++)
        w.n_jobs += ep->source->cubes[k].n_tiers;
    w.jobs = xcalloc(w.n_jobs + 1, sizeof(*w.jobs));
    size_t slot = 0;
    size_t n_keys = 0;
    for (size_t k = 0; k < ep->source->n_cubes; k++) {
        for (size_t i = 0; i < ep->n_gathers; i++)
            n_keys += cube_n_keys(ep->gathers[i]->cubes[k]);
        for (size_t t = 0; t < ep->source->cubes[k].n_tiers; t++, slot++)
            w.jobs[slot] = (struct seal_job){ep, k, t, slot};
    }
    if (n_keys < 10000)
        n_threads = 1; /* not worth a thread */
    ep->n_parts = n_threads;
    ep->sealed = xcalloc(w.n_jobs * ep->n_parts + 1, sizeof(*ep->sealed));
    AUTO_MEM pthread_t *threads = xcalloc(n_threads, sizeof(*threads));
    size_t started = 0;
    for (size_t i = 1; i < n_threads; i++)
        started += pthread_create(&threads[started], NULL, seal_thread, &w) == 0;
    seal_thread(&w);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(w.jobs);
}

/* ---- sealing: cut into blocks ---- */

static struct block_target *add_target(struct epoch *ep, struct block_target t)
{
    ep->targets = xrealloc(ep->targets, (ep->n_targets + 1) * sizeof(*ep->targets));
    ep->targets[ep->n_targets] = t;
    return &ep->targets[ep->n_targets++];
}

static uint32_t intended_blocks(const struct epoch *ep, const char *table, uint32_t partition, uint32_t fallback)
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
    size_t by_rows = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS, by_bytes = (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
    size_t n = by_rows > by_bytes ? by_rows : by_bytes;
    return n < 1 ? 1 : n > 4000 ? 4000 : (uint32_t)n;
}

/* The targets of the sizes, in `first`..; returns false where the intent knows none (a row that the writer of
 * the intent did not have: its range is not there any more as it was). */
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

static void next_partition(struct bucket_partition *b, uint32_t bucket, struct partition_sizes *sizes)
{
    b->value = b->has_bucket ? partition_of(b->kind, bucket) : 0;
    b->from = b->has_bucket ? (int64_t)bucket / 86400 * 86400 : 0;
    b->to = b->has_bucket ? b->from + 86400 : 1;
    b->index = size_of_partition(sizes, b->value);
}

static void cut_tier(struct epoch *ep, size_t k, size_t t, size_t slot)
{
    const struct plan_cube *cube = &ep->source->cubes[k];
    const struct plan_tier *tier = &cube->tiers[t];
    bool has_bucket = cube->shape.count != 0;
    int64_t cutoff = has_bucket ? keep_cutoff(tier->keep, tier->hidden_before, ep->row.now) : INT64_MIN;
    struct partition_sizes sizes = {0};
    size_t n_keys = 0, bytes = 0;
    for (size_t i = 0; i < ep->n_gathers; i++) {
        n_keys += cube_n_keys(ep->gathers[i]->cubes[k]);
        bytes += cube_bytes(ep->gathers[i]->cubes[k]);
    }
    size_t row_bytes = n_keys ? bytes / n_keys + 1 : 1;

    for (int pass = 0; pass < 2; pass++) {
        size_t first = ep->n_targets;
        if (pass == 1) {
            struct block_target like = {.kind = BLOCK_TIER, .table = tier->table, .object = k, .tier = t};
            first = targets_of(ep, like, &sizes, ep->n_parts);
        }
        for (size_t part = 0; part < ep->n_parts; part++) {
            const struct sealed_tier *sealed = ep->sealed[slot * ep->n_parts + part];
            struct bucket_partition b = {
                .kind = keep_partition(tier->keep), .has_bucket = has_bucket, .from = 1, .to = 0};
            size_t n = sealed_n_rows(sealed);
            for (size_t i = 0; i < n; i++) {
                uint32_t bucket = has_bucket ? sealed_bucket(sealed, i) : 0;
                if (has_bucket && (int64_t)bucket < cutoff)
                    continue; /* expired here; counted as its events came */
                if (!same_partition(&b, bucket))
                    next_partition(&b, bucket, &sizes);
                if (pass == 0) {
                    sizes.items[b.index].rows++;
                    sizes.items[b.index].bytes += row_bytes;
                } else {
                    struct block_target *target = &ep->targets[first + b.index];
                    uint32_t block = target->n_blocks > 1 ? (uint32_t)(sealed_hash(sealed, i) % target->n_blocks) : 0;
                    if (target->n_blocks > 0)
                        push_row(&target->rows[block * ep->n_parts + part], (uint32_t)i);
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
            struct block_target *target = &ep->targets[first + size_of_partition(&sizes, p->partition)];
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

void epoch_seal(struct epoch *ep, size_t n_threads)
{
    merge_cubes(ep, n_threads < 1 ? 1 : n_threads);
    size_t slot = 0;
    for (size_t k = 0; k < ep->source->n_cubes; k++)
        for (size_t t = 0; t < ep->source->cubes[k].n_tiers; t++)
            cut_tier(ep, k, t, slot++);
    for (size_t r = 0; r < ep->source->n_raws; r++)
        cut_raw(ep, r);
    cut_rejects(ep);
    if (ep->row.n_blocks > 0)
        return;
    ep->row.blocks = xcalloc(ep->n_targets + 1, sizeof(*ep->row.blocks));
    for (size_t i = 0; i < ep->n_targets; i++)
        ep->row.blocks[ep->row.n_blocks++] = (struct chain_block){
            xstrdup(ep->targets[i].table), ep->targets[i].partition, ep->targets[i].n_blocks};
}

void epoch_done(struct epoch *ep)
{
    size_t n_sealed = 0;
    for (size_t k = 0; k < ep->source->n_cubes; k++)
        n_sealed += ep->source->cubes[k].n_tiers * ep->n_parts;
    for (size_t i = 0; ep->sealed && i < n_sealed; i++)
        sealed_free(ep->sealed[i]);
    free(ep->sealed);
    for (size_t i = 0; i < ep->n_targets; i++) {
        for (size_t k = 0; k < (size_t)ep->targets[i].n_blocks * ep->targets[i].n_pieces; k++)
            free(ep->targets[i].rows[k].rows);
        free(ep->targets[i].rows);
    }
    free(ep->targets);
    free(ep->extras);
    chain_row_done(&ep->row);
    *ep = (struct epoch){0};
}

/* ---- bodies ---- */

static void put_constant_u64(struct buf *b, const char *name, uint64_t v, size_t n)
{
    native_column_head(b, name, "UInt64");
    char *p = buf_reserve(b, n * 8);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * 8, &v, 8);
    b->n += n * 8;
}

static void put_constant_u32(struct buf *b, const char *name, const char *type, uint32_t v, size_t n)
{
    native_column_head(b, name, type);
    char *p = buf_reserve(b, n * 4);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * 4, &v, 4);
    b->n += n * 4;
}

static const char *name_text(struct str s, char out[256])
{
    snprintf(out, 256, "%.*s", STR_FMT(s));
    return out;
}

static void put_default(struct buf *b, struct type type)
{
    uint8_t zero[16] = {0}, null = 0;
    struct str empty = {"", 0};
    struct column c = {.type = type,
                       .values = type.kind == TYPE_STRING ? (void *)&empty : (void *)zero,
                       .nulls = type.is_nullable ? &null : NULL};
    native_column_data(b, &c, NULL, 1);
}

static size_t tier_columns(const struct plan_cube *c)
{
    return 3 + (c->shape.count != 0) + c->n_dimensions + c->n_measures;
}

/* The marker: default keys in the partition's first bucket, empty states, this lane's mark and deadline. */
static void put_marker(struct buf *b, const struct plan_cube *c, int64_t bucket,
                       const struct chain_row *row, uint64_t mark, int64_t deadline)
{
    char name[256], type[64];
    native_block(b, tier_columns(c), 1);
    put_constant_u64(b, "_lane", row->lane, 1);
    if (c->shape.count)
        put_constant_u32(b, "bucket", "DateTime", (uint32_t)bucket, 1);
    for (size_t i = 0; i < c->n_dimensions; i++) {
        native_column_head(b, name_text(c->dimensions[i].name, name), type_name(c->dimensions[i].type, type));
        put_default(b, c->dimensions[i].type);
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

static void tier_body(struct epoch *ep, const struct block_target *t, uint32_t block, int64_t deadline, struct buf *b)
{
    const struct plan_cube *c = &ep->source->cubes[t->object];
    size_t slot = 0;
    for (size_t k = 0; k < t->object; k++)
        slot += ep->source->cubes[k].n_tiers;
    slot += t->tier;
    char name[256], type[64];
    for (size_t part = 0; part < ep->n_parts; part++) {
        const struct sealed_tier *s = ep->sealed[slot * ep->n_parts + part];
        const struct block_rows *rows = &t->rows[block * ep->n_parts + part];
        if (rows->n == 0)
            continue;
        native_block(b, tier_columns(c), rows->n);
        put_constant_u64(b, "_lane", 0, rows->n);
        if (c->shape.count) {
            native_column_head(b, "bucket", "DateTime");
            sealed_write_buckets(s, b, rows->rows, rows->n);
        }
        for (size_t i = 0; i < c->n_dimensions; i++) {
            native_column_head(b, name_text(c->dimensions[i].name, name), type_name(c->dimensions[i].type, type));
            sealed_write_dimension(s, b, i, rows->rows, rows->n);
        }
        for (size_t i = 0; i < c->n_measures; i++) {
            native_column_head(b, c->measures[i].column, aggregate_storage(c->measures[i].aggregate)->wire_type);
            sealed_write_measure(s, b, i, rows->rows, rows->n);
        }
        put_constant_u64(b, "_mark", 0, rows->n);
        put_constant_u32(b, "_deadline", "DateTime", 0, rows->n);
    }
    int64_t bucket = partition_start(keep_partition(c->tiers[t->tier].keep), t->partition);
    put_marker(b, c, bucket, &ep->row, ep->row.n * 4096 + block, deadline);
}

static void put_row_helpers(struct buf *b, const struct epoch *ep, uint32_t block, int64_t deadline, size_t n)
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

static void put_values(struct buf *b, const char *name, const char *type_text, struct column c, size_t n)
{
    native_column_head(b, name, type_text);
    native_column_data(b, &c, NULL, n);
}

/* One Native block with the rows of all workers, in the table's order where that is cheap. */
static void raw_body(struct epoch *ep, const struct block_target *t, uint32_t block, int64_t deadline, struct buf *b)
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
    char name[256], type[64];
    native_block(b, plan->n_columns + 8, order.n);
    for (size_t i = 0; i < plan->n_columns; i++)
        put_values(b, name_text(plan->columns[i].name, name),
                   type_name(plan->columns[i].type, type), raw_order_pick(&order, i), order.n);
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

static void column_list(const struct epoch *ep, const struct block_target *t, struct buf *b)
{
    if (t->kind == BLOCK_REJECTS) {
        buf_text(b, "source, n, partition, `offset`, reason, record, header, now, _source, _epoch, _block, _deadline");
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

/* ---- receipts ---- */

static const char *partition_function(enum table_partition kind)
{
    static const char *const functions[] = {"", "toYYYYMMDD", "toYYYYMM", "toYear"};
    return functions[kind];
}

/* How the partition value of a target's table is computed from its rows; "0" where there is one partition. */
static void partition_expression(const struct epoch *ep, const struct block_target *t, struct buf *sql)
{
    if (t->kind == BLOCK_TIER) {
        const struct plan_cube *c = &ep->source->cubes[t->object];
        if (c->shape.count == 0)
            buf_text(sql, "0");
        else
            buf_printf(sql, "%s(bucket, 'UTC')", partition_function(keep_partition(c->tiers[t->tier].keep)));
    } else if (t->kind == BLOCK_RAW) {
        buf_printf(sql, "%s(_time, 'UTC')", partition_function(keep_partition(ep->source->raws[t->object].keep)));
    } else {
        buf_text(sql, "toYYYYMMDD(now, 'UTC')");
    }
}

/* One SELECT per table: its partitions and how many blocks of this epoch each has. Rows: first target of the table,
 * partition, blocks landed, the store's time. */
static void receipts_query(const struct epoch *ep, struct buf *sql)
{
    const char *db = ep->plan->settings.database;
    AUTO_DONE(buf) source = {0};
    print_string_literal(&source, ep->source->name);
    buf_printf(sql,
               "SELECT toUInt64(4294967295) AS target, toUInt64(0) AS part, toUInt64(0) AS landed, "
               "toUInt64(toUnixTimestamp(now())) AS s UNION ALL "
               "SELECT toUInt64(4294967294), toUInt64(0), count(), toUInt64(0) FROM %s.weir_ledger "
               "WHERE source = %s AND n = %" PRIu64,
               db, buf_cstr(&source), ep->row.n);
    for (size_t i = 0; i < ep->n_targets; i++) {
        const struct block_target *t = &ep->targets[i];
        if (i > 0 && strcmp(ep->targets[i - 1].table, t->table) == 0)
            continue; /* targets of a table stand together */
        bool is_over = true;
        for (size_t k = i; k < ep->n_targets && strcmp(ep->targets[k].table, t->table) == 0; k++)
            is_over &= ep->targets[k].n_landed >= ep->targets[k].n_blocks;
        if (is_over)
            continue;
        buf_printf(sql, " UNION ALL SELECT toUInt64(%zu), toUInt64(", i);
        partition_expression(ep, t, sql);
        buf_text(sql, ") AS p, ");
        if (t->kind == BLOCK_TIER) {
            uint64_t base = ep->row.n * 4096;
            buf_printf(sql,
                       "toUInt64(if(max(_mark) >= %" PRIu64 ", max(_mark) - %" PRIu64
                       " + 1, 0)), toUInt64(0) FROM %s.%s WHERE _lane = %" PRIu64 " GROUP BY p",
                       base, base, db, t->table, ep->row.lane);
        } else {
            /* Blocks land in order, so their number is how many there are. */
            buf_printf(sql,
                       "toUInt64(max(_block) + 1), toUInt64(0) FROM %s.%s WHERE _source = %s AND "
                       "_epoch = %" PRIu64 " GROUP BY p",
                       db, t->table, buf_cstr(&source), ep->row.n);
        }
    }
}

static void note_landed(struct epoch *ep, uint64_t first, uint64_t partition, uint64_t landed)
{
    if (first >= ep->n_targets)
        return;
    for (size_t i = first; i < ep->n_targets && strcmp(ep->targets[i].table, ep->targets[first].table) == 0; i++) {
        struct block_target *t = &ep->targets[i];
        if (t->partition == partition && landed > t->n_landed) {
            t->n_landed = (uint32_t)landed;
            t->attempt = (struct attempt){.slot = INT64_MIN};
        }
    }
}

/* Updates n_landed of all targets; *now = the store's time, *is_done = the ledger is there. */
static enum err_code read_receipts(struct epoch *ep, struct store *s, int64_t *now, bool *is_done, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    receipts_query(ep, &sql);
    struct native_result r = {0};
    TRY(store_native(s, buf_cstr(&sql), &r, e));
    for (size_t i = 0; i < r.n_rows; i++) {
        uint64_t target = ((uint64_t *)r.columns[0].column.values)[i],
                 partition = ((uint64_t *)r.columns[1].column.values)[i];
        uint64_t landed = ((uint64_t *)r.columns[2].column.values)[i];
        if (target == 4294967295u)
            *now = (int64_t)((uint64_t *)r.columns[3].column.values)[i];
        else if (target == 4294967294u)
            *is_done = landed > 0;
        else
            note_landed(ep, target, partition, landed);
    }
    native_result_done(&r);
    return ERR_OK;
}

/* ---- the ledger ---- */

struct ledger_row {
    const char *kind;
    struct str name;
    /* partition from to read kept filtered rejected duplicate lost skipped expired bytes; 12: unused */
    uint64_t numbers[13];
    int64_t min_ms, max_ms;
    int64_t bucket_from, bucket_to; /* < 0: NULL */
};

struct ledger_rows {
    struct ledger_row *items;
    size_t n, cap;
};

enum {
    L_PARTITION,
    L_FROM,
    L_TO,
    L_READ,
    L_KEPT,
    L_FILTERED,
    L_REJECTED,
    L_DUPLICATE,
    L_LOST,
    L_SKIPPED,
    L_EXPIRED,
    L_BYTES,
    L_COUNT
};

static struct ledger_row *add_ledger_row(struct ledger_rows *l, const char *kind, struct str name)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->items = xrealloc(l->items, l->cap * sizeof(*l->items));
    }
    struct ledger_row *r = &l->items[l->n++];
    *r = (struct ledger_row){.kind = kind,
                             .name = name,
                             .min_ms = INT64_MAX,
                             .max_ms = INT64_MIN,
                             .bucket_from = -1,
                             .bucket_to = -1};
    return r;
}

/* A retry reads nothing new: what is good now moves from rejected to kept or filtered. */
static void ledger_retry(const struct epoch *ep, struct ledger_rows *l)
{
    for (size_t g = 0; g < ep->n_gathers; g++) {
        for (size_t k = 0; k < ep->gathers[g]->n_partitions; k++) {
            const struct partition_counts *c = &ep->gathers[g]->partitions[k];
            struct ledger_row *r = add_ledger_row(l, "partition", STR("retry"));
            r->numbers[L_PARTITION] = c->partition;
            r->numbers[L_KEPT] = c->kept;
            r->numbers[L_FILTERED] = c->filtered;
            r->numbers[L_REJECTED] = -(c->kept + c->filtered);
            r->min_ms = c->min_ms;
            r->max_ms = c->max_ms;
        }
    }
}

static void ledger_partitions(const struct epoch *ep, struct ledger_rows *l)
{
    if (ep->row.kind == CHAIN_RETRY) {
        ledger_retry(ep, l);
        return;
    }
    for (size_t i = 0; i < ep->row.n_ranges; i++) {
        const struct chain_range *range = &ep->row.ranges[i];
        struct ledger_row *r = add_ledger_row(l, "partition", str_of(range->mark.path ? range->mark.path : ""));
        r->numbers[L_PARTITION] = range->mark.partition;
        r->numbers[L_FROM] = range->from;
        r->numbers[L_TO] = range->to;
        for (size_t g = 0; g < ep->n_gathers; g++) {
            const struct partition_counts *c = gather_counts(ep->gathers[g], range->mark.partition);
            if (c == NULL)
                continue;
            r->numbers[L_READ] += c->read;
            r->numbers[L_KEPT] += c->kept;
            r->numbers[L_FILTERED] += c->filtered;
            r->numbers[L_REJECTED] += c->rejected;
            r->numbers[L_BYTES] += c->bytes;
            r->min_ms = c->min_ms < r->min_ms ? c->min_ms : r->min_ms;
            r->max_ms = c->max_ms > r->max_ms ? c->max_ms : r->max_ms;
        }
    }
}

static void ledger_objects(const struct epoch *ep, struct ledger_rows *l)
{
    for (size_t i = 0; i < ep->source->n_streams; i++) {
        struct ledger_row *r = add_ledger_row(
            l, ep->source->streams[i].is_metric ? "metric" : "stream", ep->source->streams[i].name);
        for (size_t g = 0; g < ep->n_gathers; g++) {
            r->numbers[L_READ] += ep->gathers[g]->objects[i].in;
            r->numbers[L_KEPT] += ep->gathers[g]->objects[i].out;
        }
        r->numbers[L_FILTERED] = r->numbers[L_READ] - r->numbers[L_KEPT];
    }
    size_t at = 0;
    for (size_t k = 0; k < ep->source->n_cubes; k++) {
        for (size_t t = 0; t < ep->source->cubes[k].n_tiers; t++, at++) {
            uint64_t n = 0;
            for (size_t g = 0; g < ep->n_gathers; g++)
                n += ep->gathers[g]->expired[at];
            if (n)
                add_ledger_row(l, "expired", str_of(ep->source->cubes[k].tiers[t].table))->numbers[L_EXPIRED] = n;
        }
    }
    for (size_t r = 0; r < ep->source->n_raws; r++, at++) {
        uint64_t n = 0;
        for (size_t g = 0; g < ep->n_gathers; g++)
            n += ep->gathers[g]->expired[at];
        if (n)
            add_ledger_row(l, "expired", str_of(ep->source->raws[r].table))->numbers[L_EXPIRED] = n;
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

enum { MAX_TOUCHED_RUNS = 1000 };

/* Runs of buckets that an epoch touched in a table; past MAX_TOUCHED_RUNS neighbours are joined (a superset is
 * allowed: touched means "may have changed"). */
static void touched_runs(struct ledger_rows *l, const struct plan_cube *cube,
                         const struct plan_tier *tier, uint32_t *buckets, size_t n)
{
    if (n > 0) /* buckets is NULL otherwise */
        qsort(buckets, n, sizeof(*buckets), compare_u32);
    size_t unique = 0;
    for (size_t i = 0; i < n; i++)
        if (unique == 0 || buckets[unique - 1] != buckets[i])
            buckets[unique++] = buckets[i];
    size_t step = unique / MAX_TOUCHED_RUNS + 1;
    size_t from = 0;
    while (from < unique) {
        size_t to = from + 1;
        while (to < unique &&
               (to - from < step ||
                (int64_t)buckets[to] == zone_bucket_next(cube->shape.zone, buckets[to - 1],
                                                         tier->every.count, (int)tier->every.unit)))
            to++;
        struct ledger_row *r = add_ledger_row(l, "touched", str_of(tier->table));
        r->bucket_from = buckets[from];
        r->bucket_to = buckets[to - 1];
        from = to;
    }
}

static void ledger_touched(const struct epoch *ep, struct ledger_rows *l)
{
    size_t slot = 0;
    for (size_t k = 0; k < ep->source->n_cubes; k++) {
        const struct plan_cube *cube = &ep->source->cubes[k];
        for (size_t t = 0; t < cube->n_tiers; t++, slot++) {
            if (cube->shape.count == 0)
                continue;
            uint32_t *buckets = NULL;
            size_t n = 0, cap = 0;
            for (size_t part = 0; part < ep->n_parts; part++) {
                const struct sealed_tier *s = ep->sealed[slot * ep->n_parts + part];
                for (size_t i = 0; i < sealed_n_rows(s); i++) {
                    uint32_t bucket = sealed_bucket(s, i);
                    if (n && buckets[n - 1] == bucket)
                        continue;
                    if (n == cap) {
                        cap = cap ? cap * 2 : 256;
                        buckets = xrealloc(buckets, cap * sizeof(*buckets));
                    }
                    buckets[n++] = bucket;
                }
            }
            touched_runs(l, cube, &cube->tiers[t], buckets, n);
            free(buckets);
        }
    }
}

static void put_nullable(struct buf *b, const char *name, const char *type,
                         const struct ledger_rows *l, size_t which, size_t width)
{
    native_column_head(b, name, type);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < l->n; i++) {
            const struct ledger_row *r = &l->items[i];
            int64_t v = which == 0 ? r->min_ms : which == 1 ? r->max_ms : which == 2 ? r->bucket_from : r->bucket_to;
            bool is_null = which == 0 ? v == INT64_MAX : which == 1 ? v == INT64_MIN : v < 0;
            if (pass == 0)
                buf_byte(b, is_null);
            else
                buf_put(b, &(int64_t){is_null ? 0 : v}, width);
        }
    }
}

static void ledger_body(const struct epoch *ep, int64_t deadline, struct buf *b)
{
    struct ledger_rows l = {0};
    ledger_partitions(ep, &l);
    ledger_objects(ep, &l);
    ledger_touched(ep, &l);
    for (size_t i = 0; i < ep->n_extras; i++) {
        struct ledger_row *r = add_ledger_row(&l, "partition", str_of(ep->extras[i].name ? ep->extras[i].name : ""));
        r->numbers[L_PARTITION] = ep->extras[i].partition;
        r->numbers[L_LOST] = ep->extras[i].lost;
        r->numbers[L_SKIPPED] = ep->extras[i].skipped;
    }
    /* An epoch without input (a heartbeat) has its done mark, too. */
    add_ledger_row(&l, "done", (struct str){"", 0});

    static const char *const names[L_COUNT] = {"partition", "from",     "to",       "read",
                                               "kept",      "filtered", "rejected", "duplicate",
                                               "lost",      "skipped",  "expired",  "bytes"};
    native_block(b, 4 + L_COUNT + 4 + 2, l.n);
    native_column_head(b, "source", "String");
    for (size_t i = 0; i < l.n; i++) {
        buf_varuint(b, ep->source->name.n);
        buf_str(b, ep->source->name);
    }
    put_constant_u64(b, "n", ep->row.n, l.n);
    native_column_head(b, "kind", "String");
    for (size_t i = 0; i < l.n; i++) {
        buf_varuint(b, strlen(l.items[i].kind));
        buf_text(b, l.items[i].kind);
    }
    native_column_head(b, "name", "String");
    for (size_t i = 0; i < l.n; i++) {
        buf_varuint(b, l.items[i].name.n);
        buf_str(b, l.items[i].name);
    }
    for (size_t c = 0; c < L_COUNT; c++) {
        /* Retries take back: these are signed. */
        native_column_head(b, names[c], c >= L_READ && c <= L_REJECTED ? "Int64" : "UInt64");
        for (size_t i = 0; i < l.n; i++)
            buf_u64(b, l.items[i].numbers[c]);
    }
    put_nullable(b, "min_time", "Nullable(DateTime64(3, 'UTC'))", &l, 0, 8);
    put_nullable(b, "max_time", "Nullable(DateTime64(3, 'UTC'))", &l, 1, 8);
    put_nullable(b, "bucket_from", "Nullable(DateTime)", &l, 2, 4);
    put_nullable(b, "bucket_to", "Nullable(DateTime)", &l, 3, 4);
    put_constant_u32(b, "now", "DateTime", (uint32_t)ep->row.now, l.n);
    put_constant_u32(b, "_deadline", "DateTime", (uint32_t)deadline, l.n);
    free(l.items);
}

static const char ledger_columns[] =
    "source, n, kind, name, partition, `from`, `to`, read, kept, filtered, rejected, duplicate, "
    "lost, skipped, expired, bytes, "
    "min_time, max_time, bucket_from, bucket_to, now, _deadline";

/* ---- storing ---- */

struct storing {
    struct epoch *ep;
    struct store *s;
    struct store *const *stores;
    size_t n_stores;
    struct slot_grid grid;
    int64_t now;
    int64_t quiet_slot;       /* later slot in which no INSERT of this epoch from before was seen running */
    struct attempt ledger;
    const _Atomic bool *stop;
    /* Senders of one round. */
    size_t next;              /* target to take; guarded by lock */
    pthread_mutex_t lock;
    enum err_code failure;    /* the first one; guarded by lock */
    struct err *e;
};

static enum err_code send_block(struct storing *st, struct store *s, struct block_target *t,
                                struct buf *body, struct err *e)
{
    struct epoch *ep = st->ep;
    uint32_t block = t->n_landed;
    AUTO_MEM char *family = xasprintf("%.*s#%" PRIu64 "/%s/%u/%u", STR_FMT(ep->source->name),
                                      ep->row.n, t->table, t->partition, block);
    attempt_next(&t->attempt, &st->grid, st->now);
    int64_t deadline = slot_deadline(&st->grid, t->attempt.slot);
    buf_reset(body);
    switch (t->kind) {
    case BLOCK_TIER: tier_body(ep, t, block, deadline, body); break;
    case BLOCK_RAW: raw_body(ep, t, block, deadline, body); break;
    case BLOCK_REJECTS: rejects_body(ep, t, block, deadline, body); break;
    }
    if (body->n == 0) {
        /* Nothing left of this block (its range is gone): there is nothing to prove either. */
        t->n_landed++;
        t->attempt = (struct attempt){.slot = INT64_MIN};
        return ERR_OK;
    }
    AUTO_DONE(buf) columns = {0};
    column_list(ep, t, &columns);
    AUTO_MEM char *table = xasprintf("%s.%s", ep->plan->settings.database, t->table);
    enum err_code code = insert_send(s, table, buf_cstr(&columns), family, &t->attempt, &st->grid, buf_view(body), e);
    t->attempt.is_acknowledged = code == ERR_OK;
    if (code == ERR_STORE)
        err_prefix(e, "%s", t->table);
    return code;
}

static enum err_code send_ledger(struct storing *st, struct err *e)
{
    struct epoch *ep = st->ep;
    AUTO_MEM char *family = xasprintf("%.*s#%" PRIu64 "/weir_ledger/0/4095", STR_FMT(ep->source->name), ep->row.n);
    attempt_next(&st->ledger, &st->grid, st->now);
    AUTO_DONE(buf) body = {0};
    ledger_body(ep, slot_deadline(&st->grid, st->ledger.slot), &body);
    AUTO_MEM char *table = xasprintf("%s.weir_ledger", ep->plan->settings.database);
    enum err_code code = insert_send(st->s, table, ledger_columns, family, &st->ledger, &st->grid, buf_view(&body), e);
    st->ledger.is_acknowledged = code == ERR_OK;
    return code;
}

struct sender {
    struct storing *st;
    struct store *store;
    pthread_t thread;
};

static void *send_targets(void *context)
{
    struct sender *sender = context;
    struct storing *st = sender->st;
    AUTO_DONE(buf) body = {0};
    for (;;) {
        pthread_mutex_lock(&st->lock);
        while (st->next < st->ep->n_targets && st->ep->targets[st->next].n_landed >= st->ep->targets[st->next].n_blocks)
            st->next++;
        bool is_over = st->next >= st->ep->n_targets || st->failure != ERR_OK;
        struct block_target *t = is_over ? NULL : &st->ep->targets[st->next++];
        pthread_mutex_unlock(&st->lock);
        if (t == NULL)
            return NULL;
        struct err e = {0};
        enum err_code code = send_block(st, sender->store, t, &body, &e);
        pthread_mutex_lock(&st->lock);
        if (code != ERR_OK && st->failure == ERR_OK) {
            st->failure = code;
            if (st->e)
                *st->e = e;
        }
        pthread_mutex_unlock(&st->lock);
    }
}

/* The next block of every target, side by side. */
static enum err_code send_round(struct storing *st, struct err *e)
{
    size_t n = st->n_stores > st->ep->n_targets ? st->ep->n_targets : st->n_stores;
    AUTO_MEM struct sender *senders = xcalloc(n + 1, sizeof(*senders));
    st->next = 0;
    st->failure = ERR_OK;
    st->e = e;
    for (size_t i = 0; i < n; i++)
        senders[i] = (struct sender){.st = st, .store = st->stores[i]};
    size_t started = 0;
    for (size_t i = 1; i < n; i++)
        started += pthread_create(&senders[1 + started].thread, NULL, send_targets, &senders[1 + started]) == 0;
    send_targets(&senders[0]);
    for (size_t i = 0; i < started; i++)
        pthread_join(senders[1 + i].thread, NULL);
    return st->failure;
}

/* Rule 3, once per later slot for all blocks of the epoch: no INSERT of theirs from an earlier slot
 * runs; then the receipts are read again. False in *may_send: the next round looks again. */
static enum err_code enter_later_slot(struct storing *st, bool *is_done, bool *may_send, struct err *e)
{
    int64_t slot = slot_of(&st->grid, st->now);
    AUTO_MEM char *prefix = xasprintf("%.*s#%" PRIu64 "/", STR_FMT(st->ep->source->name), st->ep->row.n);
    TRY(insert_wait_running(st->s, prefix, st->stop, e));
    TRY(read_receipts(st->ep, st->s, &st->now, is_done, e));
    *may_send = !*is_done && slot_of(&st->grid, st->now) == slot && slot_wait(&st->grid, st->now) == 0;
    if (*may_send)
        st->quiet_slot = slot;
    return ERR_OK;
}

/* One round: read all receipts, send what comes next of each target. */
static enum err_code store_round(struct storing *st, bool *is_done, struct err *e)
{
    struct epoch *ep = st->ep;
    TRY(read_receipts(ep, st->s, &st->now, is_done, e));
    if (*is_done)
        return ERR_OK;
    if (slot_wait(&st->grid, st->now) > 0) {
        if (st->stop && *st->stop)
            return err_set(e, ERR_STOPPED, "stopped while epoch %" PRIu64 " waits for its next slot", ep->row.n);
        clock_sleep_ms(200);
        return ERR_OK;
    }
    if (slot_of(&st->grid, st->now) != 0 && slot_of(&st->grid, st->now) != st->quiet_slot) {
        bool may_send = false;
        TRY(enter_later_slot(st, is_done, &may_send, e));
        if (!may_send)
            return ERR_OK;
    }
    for (size_t i = 0; i < ep->n_targets; i++)
        if (ep->targets[i].n_landed < ep->targets[i].n_blocks)
            return send_round(st, e);
    return send_ledger(st, e);
}

enum err_code epoch_store(struct epoch *ep, struct store *const *stores, size_t n_stores,
                          const _Atomic bool *stop, struct err *e)
{
    struct storing st = {
        .ep = ep,
        .s = stores[0],
        .stores = stores,
        .n_stores = n_stores,
        .stop = stop,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .quiet_slot = INT64_MIN,
        .ledger = {.slot = INT64_MIN},
        .grid = {.t0 = ep->row.now, .slot_s = ep->row.slot_s, .margin_s = ep->row.margin_s},
    };
    enum err_code code = ERR_OK;
    bool is_done = false;
    int pause_ms = 50;
    while (!is_done) {
        code = store_round(&st, &is_done, e);
        if (code == ERR_OK) {
            pause_ms = 50;
            continue;
        }
        if (code != ERR_UNAVAILABLE && code != ERR_STORE)
            break;
        log_warn("epoch", "store_retry", "source=%.*s n=%" PRIu64 " wait_ms=%d reason='%s'",
                 STR_FMT(ep->source->name), ep->row.n, pause_ms, e ? e->text : "");
        if (ep->say != NULL && e != NULL)
            ep->say(ep->context, e->text);
        if (stop && *stop)
            break; /* the intent stands: the next start completes it */
        clock_sleep_ms(pause_ms);
        pause_ms = pause_ms < 5000 ? pause_ms * 2 : 5000;
        if (code == ERR_UNAVAILABLE && store_ensure(st.s, true, e) == ERR_OK)
            pause_ms = 50;
        code = ERR_OK;
    }
    ep->is_done = is_done;
    return code;
}

struct epoch_volume epoch_volume(const struct epoch *ep)
{
    struct epoch_volume v = {.inserts = 1};
    for (size_t i = 0; i < ep->n_targets; i++) {
        v.inserts += ep->targets[i].n_blocks;
        for (size_t k = 0; k < (size_t)ep->targets[i].n_blocks * ep->targets[i].n_pieces; k++)
            v.rows += ep->targets[i].rows[k].n;
    }
    return v;
}
