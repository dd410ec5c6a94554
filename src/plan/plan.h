/* SPDX-License-Identifier: Apache-2.0
 *
 * What the definitions mean: for each source the fields to decode, one expression program for
 * everything below it, the raw tables and cubes that rows go to, and the tables of the store. Built
 * once at start, read-only afterwards, shared by all threads.
 *
 * All expressions of a source, its streams and their metrics are one program over the decoded batch
 * (equal expressions are computed once); a stream is a condition, not a copy of rows. Outputs of
 * the program are named by their number (enum-like ints; -1 = none). */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "aggregate/shape.h"
#include "column/zone.h"
#include "expr/program.h"
#include "lang/parse.h"

/* Rows that an ARRAY JOIN makes of the rows above it: one for each element of its arrays. They have a
 * program of their own, whose batch has the slots as columns. Levels: 0 are the records, i the rows
 * of unfolds[i - 1]; what is above has the smaller number. */
struct plan_slot {
    int output;      /* of the program above */
    bool is_element; /* of this array, else the value as it is */
    struct type type;
};

struct plan_unfold {
    size_t above; /* level */
    int pass;     /* output above: the rows that are taken apart, -1 = every row */
    bool is_left; /* a row without elements stays, once, with their default values */
    struct plan_slot *slots;
    size_t n_slots;
    struct program *program;
};

/* A table that rows of a source or stream land in. */
struct plan_column {
    struct str name;
    struct type type;
    int output; /* of a compound key: its bytes (builder_key_bytes) */
};

struct plan_raw {
    struct str object; /* source or stream name; the view has this name */
    char *table;       /* weir_raw_NAME */
    struct plan_column *columns;
    size_t n_columns;
    size_t level;   /* that outputs are of */
    int pass;       /* output: condition, -1 = every row */
    bool is_shared; /* over a merge: the table is an earlier source's, too */
    const struct keep *keep;
    int64_t hidden_before; /* see generation_hide */
};

struct plan_tier {
    struct duration every;
    const struct keep *keep;
    char *table;           /* weir_cube_METRIC_1m */
    char *suffix;          /* "1m" */
    int64_t hidden_before; /* see generation_hide */
};

struct plan_measure {
    const struct aggregate *aggregate;
    char *column;           /* name in the tables */
    const struct ast *call; /* as written, for explain and the view */
    int args[8];
    size_t n_args;
    int condition; /* output of -If, or -1 */
};

/* A column of the metric's view: an expression over dimension and measure columns. */
struct plan_item {
    struct str name;
    const struct ast *value; /* AST_NAMEs in it are dimensions' or measures' columns */
    struct type type;        /* of a plain dimension; kind NOTHING otherwise */
};

/* What workers keep: one partial result a key, for all cubes that are made of it at the seal. */
struct plan_pane {
    struct cube_shape shape;
    int *dimensions; /* outputs */
    struct plan_measure *measures;
    size_t n_measures;
    size_t level; /* that outputs are of */
    int pass;
    size_t n_cubes;
};

struct plan_cube {
    const struct metric_def *metric;
    struct plan_item *items;
    size_t n_items;
    const struct ast *having; /* as an item's value; NULL: all rows */
    size_t set;               /* index of the grouping set */
    char *set_name;           /* "zone,country" */
    bool has_sets;            /* its view has _set, and keys that may be NULL */
    uint64_t max_keys;        /* a bucket and epoch; 0: as many as there are */
    struct plan_column *dimensions;
    size_t n_dimensions;
    struct plan_measure *measures;
    size_t n_measures;
    struct plan_tier *tiers; /* finest first; a profile has one, count 0 */
    size_t n_tiers;
    size_t finest;  /* tier that panes are kept for: all others are unions of its buckets */
    size_t level;   /* that outputs are of */
    bool is_shared; /* over a merge: tables and views are an earlier source's, too */
    int pass;
    struct cube_shape shape;
    /* panes.c: the pane that it is made of, which of its dimensions and measures are this cube's. A
     * derived cube has fewer keys or wider buckets than the pane; `finer`: of which the pane has
     * the keys. */
    size_t pane;
    uint32_t *pane_dimensions, *pane_measures;
    bool is_derived;
    const struct plan_cube *finer;
};

struct plan_stream {
    struct str name; /* stream or metric, for in/out counts of the ledger */
    bool is_metric;
    size_t in_level, out_level;
    int in, out; /* outputs: conditions, -1 = every row */
};

/* DEDUPLICATE BY keys WITHIN within_ms: a kept event is remembered until the partition's clock is
 * remember_ms (within and WATERMARK) further. */
struct plan_deduplicate {
    int *keys; /* outputs */
    size_t n_keys;
    int64_t within_ms, remember_ms;
    int64_t estimated_bytes; /* at dedup_rate */
};

/* Columns that every source has: _source _partition _offset _arrival _path _file _id, in this
 * order. */
enum { VIRTUAL_COLUMNS = 7 };

struct plan_lookup {
    const struct lookup_def *def;
    struct str name;
    char **globs; /* absolute; NULL-terminated */
    struct lookup_spec spec;
    int64_t refresh_s; /* how often its files are looked at */
    bool is_read;      /* by a source */
};

struct plan_source {
    const struct source_def *def;
    struct str name;
    char **globs; /* absolute */
    struct field *fields;
    uint32_t *positions; /* CSV without names */
    size_t n_fields;
    /* Slots of the batch: fields first, then (from def->n_columns on) the virtual columns in
     * use. */
    bool *has_default;
    struct type *types;
    size_t n_slots;
    bool uses_virtual[VIRTUAL_COLUMNS];
    struct program *program;
    struct plan_unfold *unfolds;
    size_t n_unfolds;
    int event_time;                       /* output, DateTime or DateTime64, maybe Nullable */
    struct plan_deduplicate *deduplicate; /* NULL: none */
    struct plan_raw *raws;
    size_t n_raws;
    struct plan_cube *cubes;
    size_t n_cubes;
    struct plan_pane *panes;
    size_t n_panes;
    struct plan_stream *streams;
    size_t n_streams;
    struct lookup_use *lookups; /* of each lookup of the plan: what the program reads */
    int *checked; /* outputs whose fault rejects any event: MATERIALIZED columns in use */
    size_t n_checked;
};

struct plan_settings {
    char *store;                                    /* "embedded:./weir-data" */
    char *database;                                 /* "weir" */
    char *store_password_env, *store_password_file; /* "": none */
    int64_t epoch_min_ms, epoch_max_ms;
    int64_t memory_bytes; /* of panes and raw rows */
    int64_t max_record_bytes, max_open_files, max_columns, max_depth;
    int64_t max_future_s;
    int64_t threads;
    int64_t slot_s, margin_s, dedup_window; /* L, M and the tokens' window of the epoch protocol */
    int64_t checkpoint_every;
    int64_t unended_line_s;
    double allow_errors_ratio;
    int64_t rejects_max_bytes;
    int64_t lookup_max_bytes;
    int64_t idle_timeout_s;
    int64_t dedup_rate, dedup_prune;
};

struct plan {
    struct arena arena;
    const struct definitions *definitions;
    struct plan_settings settings;
    struct plan_source *sources;
    size_t n_sources;
    struct plan_lookup *lookups;
    size_t n_lookups;
};

/* Checks the definitions and builds the plan. All mistakes go to d; with any error *ret is not
 * written and the answer is ERR_INVALID. `defs` must outlive the plan. folder: of the
 * definitions, for relative paths. Calls of the definitions' own functions are written out in `defs`. */
MUST_CHECK enum err_code plan_build(struct plan **ret, struct definitions *defs, const char *folder,
                                    struct diagnostics *d);
void plan_free(struct plan *p);
DEFINE_AUTO(plan)

/* Settings are data: one row gives parser, default, range, help. */
enum setting_type {
    SETTING_TEXT,
    SETTING_INTEGER,
    SETTING_DURATION_MS,
    SETTING_DURATION_S,
    SETTING_BYTES,
    SETTING_RATIO
};
struct setting_row {
    const char *name;
    enum setting_type type;
    size_t offset; /* in struct plan_settings */
    const char *fallback;
    const char *help;
};
extern const struct setting_row setting_rows[];
size_t setting_row_count(void);
/* What settings must be to one another, and the most that one may be: ERR_INVALID names the
 * setting. */
MUST_CHECK enum err_code settings_check(const struct plan_settings *s, struct err *e);
/* built-in default < SET < environment WEIR_NAME < flag (applied later by the caller with this). */
MUST_CHECK enum err_code setting_apply(struct plan_settings *s, struct arena *arena,
                                       struct str name, struct str value, struct err *e);

/* Panes of a source whose cubes are known. Allocates in `arena`. */
void plan_panes(struct plan_source *s, struct arena *arena);

/* Statements that make (IF NOT EXISTS) everything of the plan, in order; then the views. Each
 * ends up as one string in `out` (an array in `arena`). */
size_t plan_ddl(const struct plan *p, struct arena *arena, char ***out);
/* The tables weir keeps for itself. */
size_t plan_own_ddl(const struct plan_settings *s, struct arena *arena, char ***out);

/* _lane of the rows that keys past max_keys are folded into; never that of an epoch. */
enum { FOLDED_LANE = 1 };

/* How a table with this KEEP is partitioned. */
enum table_partition { PARTITION_NONE, PARTITION_DAY, PARTITION_MONTH, PARTITION_YEAR };
enum table_partition keep_partition(const struct keep *k);
/* The partition value of an instant, e.g. 20260131 / 202601 / 2026 / 0, and its first second. */
uint32_t partition_of(enum table_partition p, int64_t utc_s);
int64_t partition_start(enum table_partition p, uint32_t value);

int64_t duration_seconds(struct duration d); /* months as 31, years as 366 days: never too short */
/* Is an instant with this (bucket) time past KEEP at `now_s`? */
/* times below are past it; INT64_MIN = none */
int64_t keep_cutoff(const struct keep *k, int64_t hidden_before, int64_t now_s);

void plan_explain(struct buf *out, const struct plan *p);
/* What a plan keeps and how long, one line a table (for check). */
void plan_retention(struct buf *out, const struct plan *p);

#endif
