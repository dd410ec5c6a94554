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
    const char *(*rejects)(const struct aggregate *a, const struct column *arg, size_t row);

    union {
        struct {
            unsigned precision; /* uniqCombined: 2^precision registers */
            unsigned limit;     /* most keys before the registers */
            unsigned key_bytes; /* of one key as written */
        } uniq;
        struct {
            double gamma, multiplier, least, most;
        } dd;
    };
};

/* What aggregate_new was asked for. */
struct aggregate_request {
    const struct str *params;
    size_t n_params;
    struct arena *arena;
};

struct aggregate_family {
    const char *name;
    size_t min_args, max_args;
    size_t min_params, max_params;
    enum err_code (*build)(struct aggregate *a, const struct aggregate_request *q, struct err *e);
};

enum err_code build_count(struct aggregate *a, const struct aggregate_request *q, struct err *e);
enum err_code build_sum(struct aggregate *a, const struct aggregate_request *q, struct err *e);
enum err_code build_avg(struct aggregate *a, const struct aggregate_request *q, struct err *e);
enum err_code build_min(struct aggregate *a, const struct aggregate_request *q, struct err *e);
enum err_code build_max(struct aggregate *a, const struct aggregate_request *q, struct err *e);
enum err_code build_any(struct aggregate *a, const struct aggregate_request *q, struct err *e);
enum err_code build_uniq_exact(struct aggregate *a, const struct aggregate_request *q,
                               struct err *e);
enum err_code build_uniq_combined(struct aggregate *a, const struct aggregate_request *q,
                                  struct err *e);
enum err_code build_quantile_dd(struct aggregate *a, const struct aggregate_request *q,
                                struct err *e);
enum err_code build_quantiles_dd(struct aggregate *a, const struct aggregate_request *q,
                                 struct err *e);

/* Fills type_name, wire_type and merge_call. ERR_LIMIT if a name is too long. `type` is the stored
 * one. */
enum err_code storage_simple(struct aggregate *a, const char *function, struct type type,
                             struct err *e);
/* `call`: function with parameters, e.g. "uniqCombined(14)"; types: as declared to the store. */
enum err_code storage_state(struct aggregate *a, const char *call, const struct type *types,
                            size_t n_types, struct err *e);

enum err_code refuse_type(const struct aggregate *a, struct type t, struct err *e);
struct type type_plain(struct type t); /* neither Nullable nor LowCardinality */

#endif
