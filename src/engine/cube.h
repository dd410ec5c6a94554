/* SPDX-License-Identifier: Apache-2.0
 *
 * A pane set: one worker's partial aggregates of one cube (one grouping set of one metric) for the
 * epoch that gathers. Key = bucket of the finest tier + dimensions, interned once into a dense id;
 * states lie in rows by id. Strings of keys are interned into ids of the worker's dictionary per
 * dimension, so a key is a few machine words and is compared as such.
 *
 * owner: worker thread; at seal handed to the merging threads. */
#ifndef ENGINE_CUBE_H
#define ENGINE_CUBE_H

#include "aggregate/shape.h"

struct cube;
struct cube *cube_new(const struct cube_shape *shape);
void cube_free(struct cube *c);
void cube_reset(struct cube *c); /* no keys; memory kept up to a bound */

/* Folds rows of one batch. times: DateTime (uint32_t UTC seconds) of each row (NULL for a profile).
 * dimensions[i]: key columns; args[m] = the argument columns of measure m, conditions[m] = UInt8
 * column of -If or NULL; rows: which rows (NULL = 0..n). NULL keys are keys as in ClickHouse. */
struct cube_rows {
    const uint32_t *times;
    const struct column *const *dimensions;
    const struct column *const *const *args;
    const struct column *const *conditions;
    const uint32_t *rows;
    size_t n;
};
void cube_add(struct cube *c, const struct cube_rows *rows);

size_t cube_n_keys(const struct cube *c);
size_t cube_bytes(const struct cube *c); /* memory in use */

/* What is wanted of panes: one tier of one grouping set. Read until what is sealed by it is
 * freed. */
struct seal_spec {
    const struct zone *zone; /* the tier's own buckets, each a union of those it is made of; */
    int64_t count;           /* 0: none (a profile) */
    enum interval_unit unit;
    const uint32_t *dimensions; /* which of the panes', in the set's order */
    size_t n_dimensions;
    const bool *is_wanted; /* of each measure; NULL: all */
};

/* All keys and measures of the panes. */
struct seal_spec seal_all(const struct cube_shape *shape, const struct zone *zone, int64_t count,
                          enum interval_unit unit);

/* Sealed form: the keys of all workers merged, one row a key, for one tier. Built in parallel:
 * partition p of n_parts takes the keys whose hash falls to it; parts are disjoint. `from` are the
 * workers' cubes: not changed, but the sealed tier reads their rows until it is freed. Where all
 * their keys and buckets are wanted and there is one cube, nothing is copied. */
struct sealed_tier;
struct sealed_tier *cube_seal(struct cube *const *from, size_t n_from, const struct seal_spec *spec,
                              size_t part, size_t n_parts);
/* The same of what is sealed already (all parts of a finer tier or set over the same panes, which
 * must outlive this one). Its wanted measures hold those of `spec`. only[i][row]: takes only the rows
 * of parents[i] that are marked; NULL: all. */
struct sealed_tier *sealed_seal(struct sealed_tier *const *parents, size_t n_parents,
                                const uint8_t *const *only, const struct seal_spec *spec,
                                size_t part, size_t n_parts);
void sealed_free(struct sealed_tier *s);
size_t sealed_n_rows(const struct sealed_tier *s);
size_t sealed_bytes(const struct sealed_tier *s); /* memory of its own */
uint32_t sealed_bucket(const struct sealed_tier *s, size_t row);
/* Of the key's values: equal in every process, for block splits. */
uint64_t sealed_hash(const struct sealed_tier *s, size_t row);
/* By the key's values, dimension by dimension, NULL last: the same in every process. */
int sealed_compare(const struct sealed_tier *a, size_t a_row, const struct sealed_tier *b,
                   size_t b_row);
/* Appends Native column data for the rows in `rows` (NULL: 0..n). dimension: of the spec's; measure:
 * of the panes'. */
void sealed_write_buckets(const struct sealed_tier *s, struct buf *out, const uint32_t *rows,
                          size_t n);
void sealed_write_dimension(const struct sealed_tier *s, struct buf *out, size_t dimension,
                            const uint32_t *rows, size_t n);
/* The same for a dimension of strings that are the bytes of values of `type` (builder_key_bytes). */
void sealed_write_compound(const struct sealed_tier *s, struct buf *out, size_t dimension,
                           struct type type, const uint32_t *rows, size_t n);
void sealed_write_measure(const struct sealed_tier *s, struct buf *out, size_t measure,
                          const uint32_t *rows, size_t n);

#endif
