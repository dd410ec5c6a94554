/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of an aggregate. A family's `build` checks parameters and argument types, picks the
 * kernels and describes the storage; after that an aggregate is read-only. */
#ifndef AGGREGATE_AGGREGATE_PRIV_H
#define AGGREGATE_AGGREGATE_PRIV_H

#include "aggregate/aggregate.h"

enum { AGGREGATE_MAX_ARGS = 16, FOLD_ROWS = 256 };

/* What an update kernel folds: at most FOLD_ROWS rows, none of them NULL in any argument. */
struct fold {
    char *rows; /* first pane row + the function's offset */
    size_t stride;
    const uint32_t *ids;
    const uint32_t *pick; /* NULL = 0..n */
    size_t n;
    const struct column *const *args;
    size_t *bytes;
};

static inline char *fold_state(const struct fold *f, size_t i)
{
    return f->rows + (size_t)f->ids[i] * f->stride;
}

static inline size_t fold_row(const struct fold *f, size_t i)
{
    return f->pick ? f->pick[i] : i;
}

/* A state of one 8-byte number, or that and a count of the values: see row_fold.h. */
enum fold_op { FOLD_OP_NONE, FOLD_OP_COUNT, FOLD_OP_SUM, FOLD_OP_MIN, FOLD_OP_MAX };

struct aggregate {
    const char *name;
    const char *call;              /* as stored: "argMin", "quantilesTDigest(0.5, 0.9)" */
    const struct aggregate *inner; /* of a combinator */
    struct arena *arena;           /* where it and its names live */
    struct aggregate_storage storage;
    struct type args[AGGREGATE_MAX_ARGS];
    size_t n_args;
    bool is_conditional; /* a key may have met no row */
    bool is_plain;       /* every row of a key comes: not conditional, no Nullable argument */
    bool is_nullable;    /* an argument is Nullable */
    bool is_fixed;
    size_t state_bytes;
    enum fold_op fold_op;
    bool is_wide_signed; /* min, max: compared as int64_t */

    void (*init)(const struct aggregate *a, void *state); /* NULL: zero bytes are the empty state */
    void (*update)(const struct aggregate *a,
                   const struct fold *f); /* NULL: the row count suffices */
    void (*merge)(const struct aggregate *a, void *into, const void *from, size_t *bytes);
    void (*done)(const struct aggregate *a, void *state, size_t *bytes); /* NULL: nothing to free */
    void (*write)(const struct aggregate *a, struct buf *out, char *const *rows, size_t offset,
                  size_t n);
    const char *(*rejects)(const struct aggregate *a, const struct column *const *args, size_t row);

    union {
        struct {
            unsigned precision; /* uniqCombined: 2^precision registers */
            unsigned limit;     /* most keys before the registers */
            unsigned key_bytes; /* of one key as written */
        } uniq;
        struct {
            double gamma, multiplier, least, most;
        } dd;
        struct {
            uint8_t n;      /* numbers in the state */
            bool is_narrow; /* Float32 ones */
        } moments;
        struct {
            uint32_t offset; /* of the inner state */
            bool is_max;     /* -ArgMax */
        } combined;
        struct {
            bool is_max;
            uint32_t key_at, value_at; /* cells */
        } arg;
        struct {
            bool has_keys; /* -Map */
        } many;
        struct {
            uint8_t op; /* of an entry of sumMap and its like */
        } map;
        struct {
            uint64_t most; /* groupUniqArray: at most so many */
        } array;
    };
};

/* What aggregate_new was asked for. */
struct aggregate_request {
    const struct str *params;
    size_t n_params;
    struct arena *arena;
    const char *call; /* name and parameters, as stored */
};

/* What a NULL argument means. All skip it; they differ in what an answer over nothing else is. */
enum null_rule {
    NULLS_OWN,  /* the family sees to it */
    NULLS_FLAG, /* NULL: the state is a flag and the plain state */
    NULLS_SKIP, /* the plain function's: nothing is kept of it */
};

struct aggregate_family {
    const char *name;
    const char *usage, *help; /* of the reference */
    uint8_t min_args, max_args, min_params, max_params;
    enum null_rule nulls;
    bool is_any_case; /* ClickHouse takes it in capitals, too */
    enum err_code (*build)(struct aggregate *a, const struct aggregate_request *q, struct err *e);
};

typedef enum err_code aggregate_build(struct aggregate *a, const struct aggregate_request *q,
                                      struct err *e);
aggregate_build build_any, build_any_last, build_arg_max, build_arg_min, build_avg,
    build_avg_weighted, build_bit_and, build_bit_or, build_bit_xor, build_bitmap, build_corr,
    build_corr_stable, build_count, build_covar, build_covar_stable, build_kurt,
    build_linear_regression, build_max, build_max_map, build_min, build_min_map, build_quantile_dd,
    build_quantile_digest, build_quantile_exact, build_quantile_timing, build_quantiles_dd,
    build_quantiles_digest, build_quantiles_exact, build_quantiles_timing, build_skew, build_sum,
    build_sum_count, build_sum_kahan, build_sum_map, build_uniq, build_uniq_array,
    build_uniq_combined, build_uniq_combined64, build_uniq_exact, build_uniq_hll12, build_var,
    build_var_stable;
/* What min, max, any, sum and avg become where their own file has no kernel for the type. */
aggregate_build build_least_value, build_greatest_value, build_first_value, build_decimal_sum,
    build_decimal_avg;

/* The tables of families.c. */
enum combinator { OR_NULL, OR_DEFAULT, ARG_MIN, ARG_MAX, ARRAY, FOR_EACH, MAP, IF, N_COMBINATORS };
enum { MAX_COMBINATORS = 4 };

struct aggregate_parts {
    const struct aggregate_family *family;
    enum combinator combinators[MAX_COMBINATORS]; /* innermost first, without IF */
    size_t n_combinators;
    bool has_if;
    bool is_if_inside; /* something else than -OrNull, -OrDefault follows it */
};
/* False: no aggregate of weir's has this name. */
bool aggregate_split(struct aggregate_parts *ret, struct str name);
extern const char *const combinator_names[N_COMBINATORS];
/* Why it is refused; NULL if there is no such entry. */
const char *aggregate_refusal(struct str name);

/* Around an aggregate: combine.c. */
enum err_code build_flagged(struct aggregate *a, const struct aggregate *inner, struct err *e);
enum err_code build_combined(struct aggregate *a, enum combinator c, const struct aggregate *inner,
                             const char *call, struct err *e);

/* combine_many.c */
enum err_code build_many(struct aggregate *a, enum combinator c, const struct aggregate *inner,
                         struct err *e);
/* Why arrays of one row cannot go together; NULL: they can. */
const char *rejects_lengths(const struct aggregate *a, const struct column *const *args,
                            size_t row);
/* ClickHouse's state, also of what is stored as a plain value (made with may_be_empty, not
 * Nullable). */
void aggregate_write_state(const struct aggregate *a, struct buf *out, char *state);

/* Fills type_name, wire_type and merge_call. `type` is the stored one. */
enum err_code storage_simple(struct aggregate *a, const char *function, struct type type,
                             struct err *e);
/* `call`: function with parameters, e.g. "uniqCombined(14)"; types: as declared to the store. */
enum err_code storage_state(struct aggregate *a, const char *call, const struct type *types,
                            size_t n_types, struct err *e);
/* The answer is Array(result). */
void result_array(struct aggregate *a, struct type element);
/* The answer is of a type that struct type cannot say. */
void result_text(struct aggregate *a, const char *type);

enum err_code refuse_type(const struct aggregate *a, struct type t, struct err *e);
struct type type_plain(struct type t); /* neither Nullable nor LowCardinality */

/* A parameter: a plain decimal number, nothing else. */
bool parse_number(double *ret, struct str text);
/* Levels from parameter `first` on; each from 0 to 1. */
enum err_code check_levels(const struct aggregate *a, const struct aggregate_request *q,
                           size_t first, struct err *e);

/* Number in a row as a double; of numbers and dates. */
double double_at(enum type_kind kind, const void *values, size_t row);
/* Argument `arg` of all rows of the fold as doubles. */
void fold_doubles(const struct fold *f, size_t arg, double out[FOLD_ROWS]);

#endif
