/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's tables and views as SQL. Formats are described in docs/formats/tables.md. */
#include <inttypes.h>
#include <stdio.h>

#include "plan/plan.h"

int64_t duration_seconds(struct duration d)
{
    static const int64_t seconds[] = {
        [INTERVAL_SECOND] = 1,           [INTERVAL_MINUTE] = 60,
        [INTERVAL_HOUR] = 3600,          [INTERVAL_DAY] = 86400,
        [INTERVAL_WEEK] = 604800,        [INTERVAL_MONTH] = 31 * 86400,
        [INTERVAL_QUARTER] = 92 * 86400, [INTERVAL_YEAR] = 366 * 86400};
    return d.unit >= INTERVAL_SECOND ? d.count * seconds[d.unit] : 0;
}

static bool has_age(const struct keep *k)
{
    return k != NULL && k->is_given && !k->is_forever;
}

enum table_partition keep_partition(const struct keep *k)
{
    if (!has_age(k))
        return PARTITION_YEAR;
    int64_t s = duration_seconds(k->age);
    if (s <= 14 * 86400)
        return PARTITION_DAY;
    return s <= 366 * 86400 ? PARTITION_MONTH : PARTITION_YEAR;
}

int64_t keep_cutoff(const struct keep *k, int64_t hidden_before, int64_t now_s)
{
    int64_t hidden = hidden_before > 0 ? hidden_before : INT64_MIN;
    if (!has_age(k))
        return hidden;
    int64_t cut = now_s - duration_seconds(k->age);
    return cut > hidden ? cut : hidden;
}

uint32_t partition_of(enum table_partition p, int64_t utc_s)
{
    struct civil c = civil_from_local(utc_s);
    switch (p) {
    case PARTITION_DAY: return (uint32_t)c.year * 10000 + c.month * 100u + c.day;
    case PARTITION_MONTH: return (uint32_t)c.year * 100 + c.month;
    case PARTITION_YEAR: return (uint32_t)c.year;
    default: return 0;
    }
}

int64_t partition_start(enum table_partition p, uint32_t value)
{
    switch (p) {
    case PARTITION_DAY:
        return days_from_civil(value / 10000, value / 100 % 100, value % 100) * 86400;
    case PARTITION_MONTH: return days_from_civil(value / 100, value % 100, 1) * 86400;
    case PARTITION_YEAR: return days_from_civil(value, 1, 1) * 86400;
    default: return 0;
    }
}

static void put_partition(struct buf *b, enum table_partition p, const char *column)
{
    static const char *const functions[] = {[PARTITION_DAY] = "toYYYYMMDD",
                                            [PARTITION_MONTH] = "toYYYYMM",
                                            [PARTITION_YEAR] = "toYear"};
    if (p != PARTITION_NONE)
        buf_printf(b, "PARTITION BY %s(%s, 'UTC') ", functions[p], column);
}

enum { WIDE_COLUMNS = 256 };

static void put_table_settings(struct buf *b, const struct plan_settings *s, int granularity,
                               bool has_ttl)
{
    buf_printf(b,
               "SETTINGS non_replicated_deduplication_window = %" PRId64
               ", allow_nullable_key = 1, index_granularity = %d%s",
               s->dedup_window, granularity, has_ttl ? ", ttl_only_drop_parts = 1" : "");
}

static void put_column(struct buf *b, struct str name, struct type type)
{
    print_identifier(b, name);
    buf_byte(b, ' ');
    type_print(b, type);
    buf_text(b, ", ");
}

static void put_bucket_type(struct buf *b, const struct plan_cube *c)
{
    buf_text(b, "bucket DateTime(");
    print_string_literal(b, str_of(zone_name(c->shape.zone)));
    buf_text(b, ")");
}

static void tier_table(struct buf *b, const struct plan *p, const struct plan_cube *c,
                       const struct plan_tier *t)
{
    bool has_bucket = c->shape.count != 0;
    buf_printf(b, "CREATE TABLE IF NOT EXISTS %s.%s (_lane UInt64, ", p->settings.database,
               t->table);
    if (has_bucket) {
        put_bucket_type(b, c);
        buf_text(b, ", ");
    }
    for (size_t i = 0; i < c->n_dimensions; i++)
        put_column(b, c->dimensions[i].name, c->dimensions[i].type);
    for (size_t i = 0; i < c->n_measures; i++) {
        print_identifier(b, str_of(c->measures[i].column));
        buf_printf(b, " %s, ", aggregate_storage(c->measures[i].aggregate)->type_name);
    }
    buf_text(b, "_mark SimpleAggregateFunction(max, UInt64), _deadline "
                "SimpleAggregateFunction(max, DateTime('UTC')), "
                "CONSTRAINT fresh CHECK _lane = 0 OR _deadline >= nowInBlock()) ENGINE = "
                "AggregatingMergeTree ");
    if (has_bucket)
        put_partition(b, keep_partition(t->keep), "bucket");
    buf_text(b, "ORDER BY (_lane");
    if (has_bucket)
        buf_text(b, ", bucket");
    for (size_t i = 0; i < c->n_dimensions; i++) {
        buf_text(b, ", ");
        print_identifier(b, c->dimensions[i].name);
    }
    buf_text(b, ") ");
    bool has_ttl = has_bucket && has_age(t->keep);
    if (has_ttl) {
        /* Views hide what is past KEEP at once; parts go when all in them is. */
        buf_printf(b, "TTL toDateTime(bucket) + toIntervalSecond(%" PRId64 ") ",
                   duration_seconds(t->keep->age));
    }
    /* Smaller granules would answer narrow ranges sooner, but each is compressed for itself: 1,024
     * cost a seventh more disk. */
    put_table_settings(b, &p->settings, 4096, has_ttl);
}

static void put_keep_filter(struct buf *b, const struct keep *keep, int64_t hidden_before,
                            const char *column)
{
    if (has_age(keep))
        buf_printf(b, " AND %s >= now() - toIntervalSecond(%" PRId64 ")", column,
                   duration_seconds(keep->age));
    if (hidden_before > 0)
        buf_printf(b, " AND %s >= toDateTime(%" PRId64 ", 'UTC')", column, hidden_before);
}

static bool set_has_key(const struct plan_cube *c, struct str name)
{
    for (size_t i = 0; i < c->n_dimensions; i++)
        if (str_eq(c->dimensions[i].name, name))
            return true;
    return false;
}

static void put_prefixed(struct buf *b, const char *prefix, struct str name)
{
    AUTO_DONE(buf) text = {0};
    buf_text(&text, prefix);
    buf_str(&text, name);
    print_identifier(b, buf_view(&text));
}

/* SELECT over one cube's table: measures finalised inside, items outside. lane: of its rows. */
static void view_select(struct buf *b, const struct plan *p, const struct plan_source *s,
                        const struct plan_cube *c, const struct plan_tier *t, int lane)
{
    bool has_bucket = c->shape.count != 0;
    bool has_sets = c->has_sets;
    buf_text(b, "SELECT ");
    const char *separator = "";
    if (has_bucket) {
        buf_text(b, "bucket");
        separator = ", ";
    }
    if (has_sets) {
        buf_printf(b, "%s", separator);
        print_string_literal(b, str_of(c->set_name));
        buf_text(b, " AS _set");
        separator = ", ";
    }
    for (size_t i = 0; i < c->n_items; i++) {
        buf_text(b, separator);
        separator = ", ";
        ast_print(b, c->items[i].value);
        buf_text(b, " AS ");
        print_identifier(b, c->items[i].name);
    }
    buf_text(b, " FROM (SELECT ");
    separator = "";
    if (has_bucket) {
        buf_text(b, "bucket");
        separator = ", ";
    }
    for (size_t i = 0; i < c->n_dimensions; i++, separator = ", ") {
        buf_text(b, separator);
        /* As ClickHouse answers with group_by_use_nulls = 1. */
        bool becomes_nullable = has_sets && !type_is_compound(c->dimensions[i].type);
        buf_text(b, becomes_nullable ? "toNullable(k." : "(k.");
        print_identifier(b, c->dimensions[i].name);
        buf_text(b, ") AS ");
        put_prefixed(b, "_k_", c->dimensions[i].name);
    }
    /* Keys of the other sets are NULL here, with their own type; empty where it cannot be Nullable. */
    for (size_t k = 0; has_sets && k < s->n_cubes; k++) {
        const struct plan_cube *other = &s->cubes[k];
        if (other->metric != c->metric)
            continue;
        for (size_t i = 0; i < other->n_dimensions; i++) {
            const struct plan_column *d = &other->dimensions[i];
            bool is_first = !set_has_key(c, d->name);
            for (size_t earlier = 0; is_first && earlier < k; earlier++)
                is_first = s->cubes[earlier].metric != c->metric ||
                           !set_has_key(&s->cubes[earlier], d->name);
            if (!is_first)
                continue;
            struct type type = d->type;
            type.is_nullable = !type_is_compound(type);
            buf_printf(b, "%s%s", separator,
                       type.is_nullable ? "CAST(NULL, '" : "defaultValueOfTypeName('");
            AUTO_DONE(buf) name = {0};
            type_print(&name, type);
            for (size_t n = 0; n < name.n; n++) {
                if (name.p[n] == '\'')
                    buf_byte(b, '\\');
                buf_byte(b, (uint8_t)name.p[n]);
            }
            buf_text(b, "') AS ");
            put_prefixed(b, "_k_", d->name);
            separator = ", ";
        }
    }
    for (size_t i = 0; i < c->n_measures; i++, separator = ", ") {
        AUTO_DONE(buf) column = {0};
        buf_text(&column, "k.");
        print_identifier(&column, str_of(c->measures[i].column));
        const char *call = aggregate_storage(c->measures[i].aggregate)->merge_call;
        const char *hole = strstr(call, "%s");
        buf_text(b, separator);
        buf_put(b, call, (size_t)(hole - call));
        buf_str(b, buf_view(&column));
        buf_text(b, hole + 2);
        buf_text(b, " AS ");
        put_prefixed(b, "_m_", str_of(c->measures[i].column));
    }
    buf_printf(b, " FROM %s.%s AS k WHERE _lane = %d", p->settings.database, t->table, lane);
    if (has_bucket)
        put_keep_filter(b, t->keep, t->hidden_before, "bucket");
    if (has_bucket || c->n_dimensions > 0) {
        buf_text(b, " GROUP BY ");
        separator = "";
        if (has_bucket) {
            buf_text(b, "bucket");
            separator = ", ";
        }
        for (size_t i = 0; i < c->n_dimensions; i++, separator = ", ") {
            buf_printf(b, "%sk.", separator);
            print_identifier(b, c->dimensions[i].name);
        }
    } else {
        /* no rows, no answer: as GROUP BY () over nothing has none here */
        buf_text(b, " HAVING count() > 0");
    }
    buf_text(b, ")");
    if (c->having != NULL) {
        buf_text(b, " WHERE ");
        ast_print(b, c->having);
    }
}

/* Keys past max_keys: one row a bucket, of no key. */
static void folded_select(struct buf *b, const struct plan *p, const struct plan_source *s,
                          const struct plan_cube *c, const struct plan_tier *t)
{
    AUTO_MEM char *name = xasprintf("%s/other", c->set_name);
    struct plan_cube other = *c;
    other.n_dimensions = 0;
    other.set_name = name;
    buf_text(b, " UNION ALL ");
    view_select(b, p, s, &other, t, FOLDED_LANE);
}

static void metric_view(struct buf *b, const struct plan *p, const struct plan_source *s,
                        size_t first, size_t tier)
{
    const struct plan_cube *c = &s->cubes[first];
    buf_printf(b, "CREATE OR REPLACE VIEW %s.", p->settings.database);
    AUTO_DONE(buf) name = {0};
    buf_str(&name, c->metric->name);
    if (c->tiers[tier].suffix)
        buf_printf(&name, "_%s", c->tiers[tier].suffix);
    print_identifier(b, buf_view(&name));
    buf_text(b, " AS ");
    bool is_first = true;
    for (size_t i = first; i < s->n_cubes; i++) {
        if (s->cubes[i].metric != c->metric)
            continue;
        if (!is_first)
            buf_text(b, " UNION ALL ");
        is_first = false;
        view_select(b, p, s, &s->cubes[i], &s->cubes[i].tiers[tier], 0);
        if (s->cubes[i].max_keys > 0 && s->cubes[i].n_dimensions > 0)
            folded_select(b, p, s, &s->cubes[i], &s->cubes[i].tiers[tier]);
    }
}

/* Times lie near their neighbours' in any order that people choose: differences are half the
 * bytes or less. */
static void put_raw_column(struct buf *b, const struct plan_column *c)
{
    bool is_time = c->type.kind == TYPE_DATETIME || c->type.kind == TYPE_DATETIME64;

    print_identifier(b, c->name);
    buf_byte(b, ' ');
    type_print(b, c->type);
    buf_text(b, is_time && !c->type.is_nullable && !c->type.is_low_cardinality
                    ? " CODEC(Delta, ZSTD(1)), "
                    : ", ");
}

static void raw_table(struct buf *b, const struct plan *p, const struct plan_raw *r)
{
    buf_printf(b, "CREATE TABLE IF NOT EXISTS %s.%s (", p->settings.database, r->table);
    for (size_t i = 0; i < r->n_columns; i++)
        put_raw_column(b, &r->columns[i]);
    buf_text(b, "_time DateTime('UTC') CODEC(Delta, ZSTD(1)), _partition UInt64, _offset UInt64 "
                "CODEC(Delta, ZSTD(1)), _arrival DateTime('UTC'), "
                "_source LowCardinality(String), _epoch UInt64, "
                "_block UInt32 CODEC(T64, ZSTD(1)), _deadline DateTime('UTC'), "
                "INDEX _by_epoch _epoch TYPE minmax GRANULARITY 1, "
                "CONSTRAINT fresh CHECK _deadline >= nowInBlock()) ENGINE = MergeTree ");
    put_partition(b, keep_partition(r->keep), "_time");
    buf_text(b, "ORDER BY (");
    for (uint32_t i = 0; i < r->keep->n_order_by; i++) {
        if (i)
            buf_text(b, ", ");
        ast_print(b, r->keep->order_by[i]);
    }
    if (r->keep->n_order_by == 0)
        buf_text(b, "_time");
    buf_text(b, ") ");
    if (has_age(r->keep))
        buf_printf(b, "TTL _time + toIntervalSecond(%" PRId64 ") ", duration_seconds(r->keep->age));
    put_table_settings(b, &p->settings, 8192, has_age(r->keep));
    /* A file a column and an fsync each: past some hundred columns that is what an insert costs. */
    if (r->n_columns > WIDE_COLUMNS)
        buf_text(b, ", min_bytes_for_wide_part = 1073741824");
}

static void raw_view(struct buf *b, const struct plan *p, const struct plan_raw *r)
{
    buf_printf(b, "CREATE OR REPLACE VIEW %s.", p->settings.database);
    print_identifier(b, r->object);
    buf_text(b, " AS SELECT ");
    for (size_t i = 0; i < r->n_columns; i++) {
        if (i)
            buf_text(b, ", ");
        print_identifier(b, r->columns[i].name);
    }
    buf_printf(b, " FROM %s.%s", p->settings.database, r->table);
    if (has_age(r->keep) || r->hidden_before > 0) {
        buf_text(b, " WHERE 1");
        put_keep_filter(b, r->keep, r->hidden_before, "_time");
    }
}

struct statements {
    struct arena *arena;
    char **items;
    size_t n, cap;
    struct buf text;
};

static void statement_end(struct statements *s)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        char **more = arena_alloc(s->arena, cap * sizeof(*more));
        if (s->n)
            memcpy(more, s->items, s->n * sizeof(*more));
        s->items = more;
        s->cap = cap;
    }
    s->items[s->n++] = arena_text(s->arena, buf_view(&s->text));
    buf_reset(&s->text);
}

size_t plan_ddl(const struct plan *p, struct arena *arena, char ***out)
{
    struct statements s = {.arena = arena};
    for (size_t i = 0; i < p->n_sources; i++) {
        const struct plan_source *source = &p->sources[i];
        for (size_t k = 0; k < source->n_raws; k++) {
            if (source->raws[k].is_shared)
                continue;
            raw_table(&s.text, p, &source->raws[k]);
            statement_end(&s);
            raw_view(&s.text, p, &source->raws[k]);
            statement_end(&s);
        }
        for (size_t k = 0; k < source->n_cubes; k++) {
            for (size_t t = 0; !source->cubes[k].is_shared && t < source->cubes[k].n_tiers; t++) {
                tier_table(&s.text, p, &source->cubes[k], &source->cubes[k].tiers[t]);
                statement_end(&s);
            }
        }
        for (size_t k = 0; k < source->n_cubes; k++) {
            bool has_views = source->cubes[k].set == 0 && !source->cubes[k].is_shared;
            for (size_t t = 0; has_views && t < source->cubes[k].n_tiers; t++) {
                metric_view(&s.text, p, source, k, t);
                statement_end(&s);
            }
        }
    }
    buf_done(&s.text);
    *out = s.items;
    return s.n;
}

size_t plan_own_ddl(const struct plan_settings *s, struct arena *arena, char ***out)
{
    static const char *const templates[] = {
        "CREATE DATABASE IF NOT EXISTS %s ENGINE = Atomic",
        /* The chain: one row an epoch. Durable, because all else is judged by it. */
        "CREATE TABLE IF NOT EXISTS %s.weir_epochs (source LowCardinality(String), n UInt64, kind "
        "LowCardinality(String), lane UInt64, "
        "process String, generation UInt32, now DateTime('UTC'), slot_s UInt32, margin_s UInt32, "
        "ranges String CODEC(ZSTD(1)), "
        "blocks String CODEC(ZSTD(1)), lookups String CODEC(ZSTD(1)), _deadline DateTime('UTC'), "
        "CONSTRAINT fresh CHECK _deadline >= nowInBlock()) "
        "ENGINE = MergeTree ORDER BY (source, n) SETTINGS index_granularity = 256, "
        "fsync_after_insert = 1, fsync_part_directory = 1, "
        "non_replicated_deduplication_window = ",
        "CREATE TABLE IF NOT EXISTS %s.weir_ledger (source LowCardinality(String), n UInt64, kind "
        "LowCardinality(String), name LowCardinality(String), "
        "partition UInt64, `from` UInt64, `to` UInt64, read Int64, kept Int64, filtered Int64, "
        "rejected Int64, duplicate UInt64, lost UInt64, "
        "skipped UInt64, expired UInt64, bytes UInt64, min_time Nullable(DateTime64(3, 'UTC')), "
        "max_time Nullable(DateTime64(3, 'UTC')), "
        "bucket_from Nullable(DateTime('UTC')), bucket_to Nullable(DateTime('UTC')), now "
        "DateTime('UTC'), _deadline DateTime('UTC'), "
        "CONSTRAINT fresh CHECK _deadline >= nowInBlock()) ENGINE = MergeTree ORDER BY (source, n, "
        "kind, name, partition) "
        "SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, "
        "non_replicated_deduplication_window = ",
        "CREATE TABLE IF NOT EXISTS %s.weir_rejects (source LowCardinality(String), n UInt64, "
        "partition UInt64, `offset` UInt64, reason String, "
        "record String CODEC(ZSTD(1)), header String CODEC(ZSTD(1)), now DateTime('UTC'), _source "
        "LowCardinality(String), _epoch UInt64, _block UInt32, _deadline DateTime('UTC'), "
        "CONSTRAINT fresh CHECK _deadline >= nowInBlock()) ENGINE = MergeTree PARTITION BY "
        "toYYYYMMDD(now, 'UTC') ORDER BY (source, n, partition, `offset`) "
        "TTL now + INTERVAL 30 DAY SETTINGS ttl_only_drop_parts = 1, index_granularity = 256, "
        "non_replicated_deduplication_window = ",
        "CREATE TABLE IF NOT EXISTS %s.weir_window (partition UInt64, is_clock UInt8, hi UInt64 "
        "CODEC(NONE), lo UInt64 CODEC(NONE), time Int64 CODEC(Delta, ZSTD(1)), until Int64 "
        "CODEC(Delta, ZSTD(1)), now DateTime('UTC'), _source LowCardinality(String), _epoch "
        "UInt64, _block UInt32, _deadline DateTime('UTC'), "
        "CONSTRAINT fresh CHECK _deadline >= nowInBlock()) ENGINE = MergeTree ORDER BY (_source, "
        "partition, is_clock, _epoch) SETTINGS index_granularity = 1024, "
        "non_replicated_deduplication_window = ",
        "CREATE TABLE IF NOT EXISTS %s.weir_generations (generation UInt32, created "
        "DateTime('UTC'), version String, definitions String CODEC(ZSTD(3)), "
        "objects String CODEC(ZSTD(3)), note String) ENGINE = MergeTree ORDER BY generation "
        "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, "
        "non_replicated_deduplication_window = ",
        "CREATE TABLE IF NOT EXISTS %s.weir_alarms (id String, source LowCardinality(String), kind "
        "LowCardinality(String), partition UInt64, "
        "text String, events UInt64, raised DateTime('UTC')) ENGINE = MergeTree ORDER BY id "
        "SETTINGS non_replicated_deduplication_window = ",
        "CREATE TABLE IF NOT EXISTS %s.weir_acks (id String, note String, who String, at "
        "DateTime('UTC')) ENGINE = MergeTree ORDER BY id "
        "SETTINGS non_replicated_deduplication_window = ",
        /* Versions of lookups, a partition each, so that one goes at once. Written before the first
         * intent that names it. */
        "CREATE TABLE IF NOT EXISTS %s.weir_lookups (lookup String, hash String, piece UInt32, "
        "pieces UInt32, data String CODEC(ZSTD(1)), written DateTime('UTC') DEFAULT now()) ENGINE "
        "= MergeTree PARTITION BY (lookup, hash) ORDER BY (lookup, hash, piece) SETTINGS "
        "index_granularity = 1, fsync_after_insert = 1, fsync_part_directory = 1, "
        "non_replicated_deduplication_window = ",
    };
    /* Stores of older versions. */
    static const char later[] =
        "ALTER TABLE %s.weir_epochs ADD COLUMN IF NOT EXISTS lookups String CODEC(ZSTD(1))";
    *out = arena_alloc(arena, (COUNT(templates) + 1) * sizeof(char *));
    (*out)[COUNT(templates)] = arena_printf(arena, later, s->database);
    for (size_t i = 0; i < COUNT(templates); i++) {
        const char *hole = strstr(templates[i], "%s");
        (*out)[i] = arena_printf(arena, "%.*s%s%s", (int)(hole - templates[i]), templates[i],
                                 s->database, hole + 2);
        if (i > 0)
            (*out)[i] = arena_printf(arena, "%s%" PRId64, (*out)[i], s->dedup_window);
    }
    return COUNT(templates) + 1;
}
