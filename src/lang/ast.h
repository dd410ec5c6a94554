/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parser makes of definitions. All nodes and texts live in one arena per definition set
 * and are read-only afterwards. Operators become calls by ClickHouse's function names:
 *
 *     a + b                  plus(a, b)                  x IN (1, 2)      in(x, tuple(1, 2))
 *     a AND b AND c          and(a, b, c)                x IN (1)         in(x, tuple(1))
 *     a || b                 concat(a, b)                x NOT LIKE y     notLike(x, y)
 *     -x                     negate(x)                   x IS NULL        isNull(x)
 *     a[i]                   arrayElement(a, i)          [a, b]           array(a, b)
 *     t.1, t.name            tupleElement(t, 1 | 'name') (a, b)           tuple(a, b)
 *     x::T, CAST(x AS T)     CAST(x, 'T')                1.5::T           CAST('1.5', 'T')
 *     INTERVAL 3 DAY         toIntervalDay(3)            DATE 't'         toDate('t')
 *     CASE WHEN c THEN a ..  multiIf(c, a, .., NULL)     CASE x WHEN ..   caseWithExpression(x, ..)
 *     c ? a : b              if(c, a, b)                 count(*)         count()
 *     x BETWEEN a AND b      and(greaterOrEquals(x, a), lessOrEquals(x, b)), sharing the node of x */
#ifndef LANG_AST_H
#define LANG_AST_H

#include "base/arena.h"
#include "codec/decoder.h"
#include "column/type.h"

struct place {
    uint16_t file;         /* index into definitions.files */
    uint32_t line, column; /* from 1; columns in bytes */
    uint32_t length;       /* bytes for the caret line */
};

enum ast_kind {
    AST_NULL,
    AST_NUMBER, /* text as written: 12, 0x1f, 1.5e3, 1_000, inf, nan; .5 becomes 0.5. With its sign: -1 is
                 * a literal (Int8), -(1) is negate(1) (Int16) */
    AST_STRING, /* text unescaped */
    AST_BOOL,   /* text "true" / "false" */
    AST_NAME,   /* text; a qualified name keeps its dots: "geo.country" (quoted parts unquoted) */
    AST_STAR,   /* *; text = the qualifier of t.* or empty */
    AST_CALL,   /* text = function name as written; params only for f(params)(args) */
    AST_LAMBDA, /* args[0..n-1) = parameter names (AST_NAME), args[n-1] = body */
};

struct ast {
    enum ast_kind kind;
    struct place at;
    struct str text;
    struct ast **args;
    uint32_t n_args;
    struct ast **params;
    uint32_t n_params;
    bool has_params;  /* f()(x) differs from f(x) */
    bool is_distinct; /* count(DISTINCT x) */
    bool is_operator; /* was written as an operator: printed as one */
    bool is_broken;   /* a mistake in it has been reported: who would build it fails silently */
};

struct select_item {
    struct ast *value;
    struct str alias; /* empty: none given */
    struct place at;
};

/* [LEFT] ARRAY JOIN a, b AS y: arrays that are taken apart side by side. */
struct array_join {
    bool is_left;
    struct select_item *items;
    uint32_t n_items;
    struct place at;
};

/* n units, e.g. 7 DAYS. */
struct duration {
    int64_t count;
    enum interval_unit unit;
    struct place at;
};

/* KEEP: n_days < 0 none given; is_forever. */
struct keep {
    bool is_given, is_forever;
    struct duration age;
    struct ast **order_by;
    uint32_t n_order_by;
    struct place at;
};

struct setting {
    struct str name, value; /* value as text, strings unquoted */
    struct place at, value_at;
};

enum column_mode {
    COLUMN_PLAIN,
    COLUMN_DEFAULT,
    COLUMN_MATERIALIZED,
    COLUMN_EPHEMERAL,
    COLUMN_ALIAS
};

struct column_def {
    struct str name;
    struct type type;
    struct str type_text;
    bool has_type;
    enum column_mode mode;
    bool is_ephemeral; /* EPHEMERAL may also carry a default */
    struct ast *value; /* DEFAULT / MATERIALIZED / EPHEMERAL default, or NULL */
    struct str from;   /* FROM 'path'; empty: the name itself */
    bool has_from;
    struct place at, type_at;
};

struct source_def {
    struct str name;
    struct place at;
    struct column_def *columns;
    uint32_t n_columns;
    struct str *files; /* FROM FILES 'glob', ... */
    struct place *files_at;
    uint32_t n_files;
    bool is_distinct_path;
    enum format format;
    struct place format_at;
    struct setting *settings; /* SETTINGS name = value, ... */
    uint32_t n_settings;
    struct ast *event_time;
    struct duration watermark; /* count 0 if not given */
    struct ast **deduplicate;  /* DEDUPLICATE BY (keys) WITHIN within */
    uint32_t n_deduplicate;    /* 0: not given */
    struct duration within;
    struct place deduplicate_at;
    struct keep keep;
    struct str text; /* the statement's own text, for generations and comparisons */
};

enum lookup_layout_def { LAYOUT_HASHED, LAYOUT_IP_TRIE };

/* Its columns, files and format are read as a source's. GEOIP: no columns, one file. */
struct lookup_def {
    struct source_def from; /* name and text, too */
    bool is_geoip;
    enum lookup_layout_def layout;
    struct place layout_at;
    struct str *keys;
    struct place *keys_at;
    uint32_t n_keys;
    struct duration refresh; /* count 0: none given */
};

struct stream_def {
    struct str name;
    struct place at;
    struct select_item *items;
    uint32_t n_items;
    struct str from; /* a name; with is_merge a regular expression over names */
    struct place from_at;
    bool is_merge; /* FROM merge('…') */
    struct array_join *array_joins;
    uint32_t n_array_joins;
    struct ast *where; /* or NULL */
    struct keep keep;
    struct str text;
};

struct grouping_set {
    struct ast **keys;
    uint32_t n_keys;
    struct place at;
};

struct tier_def {
    struct duration every;
    struct keep keep;
};

struct metric_def {
    struct str name;
    struct place at;
    struct select_item *items;
    uint32_t n_items;
    struct str from; /* as of a stream */
    struct place from_at;
    bool is_merge;
    struct array_join *array_joins;
    uint32_t n_array_joins;
    struct ast *where;
    struct ast *having;        /* or NULL; over the merged rows of a view */
    struct grouping_set *sets; /* plain GROUP BY a, b = one set */
    uint32_t n_sets;
    bool has_grouping_sets;
    struct tier_def *tiers; /* none: a profile */
    uint32_t n_tiers;
    struct keep keep; /* of a profile */
    struct str zone;  /* TIME ZONE '...'; empty: UTC */
    struct place zone_at;
    struct setting *settings; /* SETTINGS name = value, ... */
    uint32_t n_settings;
    struct str text;
};

/* CREATE FUNCTION name AS (x, y) -> expression: calls are replaced by it before a plan is built. */
struct function_def {
    struct str name;
    struct place at;
    struct ast *lambda;
    struct str text;
};

enum statement_kind {
    STATEMENT_SET,
    STATEMENT_SOURCE,
    STATEMENT_STREAM,
    STATEMENT_METRIC,
    STATEMENT_FUNCTION,
    STATEMENT_LOOKUP
};

struct statement {
    enum statement_kind kind;
    struct place at;
    struct str text;
    union {
        struct setting set;
        struct source_def source;
        struct stream_def stream;
        struct metric_def metric;
        struct function_def function;
        struct lookup_def lookup;
    };
};

struct definition_file {
    char *path;
    struct str text;
};

struct definitions {
    struct arena arena;
    struct definition_file *files;
    size_t n_files;
    struct statement *statements; /* in order; only whole ones, see broken_names */
    size_t n_statements;
    /* What statements with mistakes would have defined: such a name needs no second report. */
    struct str *broken_names;
    size_t n_broken_names;
};

#endif
