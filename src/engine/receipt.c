/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts: what the tables say has landed of an epoch. Only they prove it. */
#include <inttypes.h>

#include "engine/epoch_priv.h"

static const char *partition_function(enum table_partition kind)
{
    static const char *const functions[] = {"", "toYYYYMMDD", "toYYYYMM", "toYear"};
    return functions[kind];
}

/* How the partition value of a target's table is computed from its rows; "0" where there is one
 * partition. */
static void partition_expression(const struct epoch *ep, const struct block_target *t,
                                 struct buf *sql)
{
    if (t->kind == BLOCK_TIER) {
        const struct plan_cube *c = &ep->source->cubes[t->object];
        if (c->shape.count == 0)
            buf_text(sql, "0");
        else
            buf_printf(sql, "%s(bucket, 'UTC')",
                       partition_function(keep_partition(c->tiers[t->tier].keep)));
    } else if (t->kind == BLOCK_RAW) {
        buf_printf(sql, "%s(_time, 'UTC')",
                   partition_function(keep_partition(ep->source->raws[t->object].keep)));
    } else if (t->kind == BLOCK_WINDOW) {
        buf_text(sql, "0");
    } else {
        buf_text(sql, "toYYYYMMDD(now, 'UTC')");
    }
}

/* One SELECT per table: its partitions and how many blocks of this epoch each has. Rows: first
 * target of the table, partition, blocks landed, the store's time. */
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
    for (size_t i = first;
         i < ep->n_targets && strcmp(ep->targets[i].table, ep->targets[first].table) == 0; i++) {
        struct block_target *t = &ep->targets[i];
        if (t->partition == partition && landed > t->n_landed) {
            t->n_landed = (uint32_t)landed;
            t->attempt = (struct attempt){.slot = INT64_MIN};
        }
    }
}

enum err_code receipts_read(struct epoch *ep, struct store *s, int64_t *now, bool *is_done,
                            struct err *e)
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
