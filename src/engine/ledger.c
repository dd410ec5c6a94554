/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger's rows of an epoch: what became of its events, what it touched, and its done mark. */
#include "engine/epoch_priv.h"

struct ledger_row {
    const char *kind;
    struct str name;
    /* partition from to read kept filtered rejected duplicate lost skipped expired bytes; 12:
     * unused */
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
            r->numbers[L_DUPLICATE] = c->duplicate;
            r->numbers[L_REJECTED] = -(c->kept + c->filtered + c->duplicate);
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
        struct ledger_row *r =
            add_ledger_row(l, "partition", str_of(range->mark.path ? range->mark.path : ""));
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
            r->numbers[L_DUPLICATE] += c->duplicate;
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
                add_ledger_row(l, "expired", str_of(ep->source->cubes[k].tiers[t].table))
                    ->numbers[L_EXPIRED] = n;
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

static void ledger_folded(const struct epoch *ep, struct ledger_rows *l)
{
    for (size_t i = 0; i < ep->n_tiers; i++) {
        const struct tier_slot *t = &ep->tiers[i];
        if (t->folding == NULL)
            continue;
        struct ledger_row *r =
            add_ledger_row(l, "folded", str_of(ep->source->cubes[t->cube].tiers[t->tier].table));
        r->numbers[L_READ] = t->folding->n_keys;
        r->numbers[L_FILTERED] = t->folding->n_folded;
        r->numbers[L_KEPT] = t->folding->n_keys - t->folding->n_folded;
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

enum { MAX_TOUCHED_RUNS = 1000 };

/* Runs of buckets that an epoch touched in a table; past MAX_TOUCHED_RUNS neighbours are joined
 * (a superset is allowed: touched means "may have changed"). */
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
    for (size_t k = 0; k < ep->source->n_cubes; k++) {
        const struct plan_cube *cube = &ep->source->cubes[k];
        for (size_t t = 0; t < cube->n_tiers; t++) {
            if (cube->shape.count == 0)
                continue;
            uint32_t *buckets = NULL;
            size_t n = 0, cap = 0;
            for (size_t part = 0; part < ep->n_parts; part++) {
                const struct sealed_tier *s = tier_parts(ep, k, t)[part];
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
            int64_t v = which == 0   ? r->min_ms
                        : which == 1 ? r->max_ms
                        : which == 2 ? r->bucket_from
                                     : r->bucket_to;
            bool is_null = which == 0 ? v == INT64_MAX : which == 1 ? v == INT64_MIN : v < 0;
            if (pass == 0)
                buf_byte(b, is_null);
            else
                buf_put(b, &(int64_t){is_null ? 0 : v}, width);
        }
    }
}

void ledger_body(const struct epoch *ep, int64_t deadline, struct buf *b)
{
    struct ledger_rows l = {0};
    ledger_partitions(ep, &l);
    ledger_objects(ep, &l);
    ledger_folded(ep, &l);
    ledger_touched(ep, &l);
    for (size_t i = 0; i < ep->n_extras; i++) {
        struct ledger_row *r =
            add_ledger_row(&l, "partition", str_of(ep->extras[i].name ? ep->extras[i].name : ""));
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

const char ledger_columns[] =
    "source, n, kind, name, partition, `from`, `to`, read, kept, filtered, rejected, duplicate, "
    "lost, skipped, expired, bytes, "
    "min_time, max_time, bucket_from, bucket_to, now, _deadline";
