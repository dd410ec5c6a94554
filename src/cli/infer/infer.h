/* SPDX-License-Identifier: Apache-2.0
 *
 * From unknown files to definitions. Three steps, each of its own file:
 *
 *     sample.c   reads pieces from all over a file                       the only one that touches files
 *     layout.c   format, delimiter, header                               text -> struct layout
 *     observe.c  what each column's values look like                     records -> struct column_stats
 *     decide.c   type, role, event time, metric, each with its reason    counts -> struct inference
 *     write.c    the definitions as text
 *
 * Everything but sample.c is pure: the same bytes and the same `now` give the same definitions.
 * One thread. */
#ifndef CLI_INFER_INFER_H
#define CLI_INFER_INFER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/decoder.h"
#include "codec/inflate.h"

/* ---- sample.c ---- */

/* Pieces of a file's text, each beginning at a line's start. */
struct sample {
    char *path;
    enum compression compression;
    struct buf text;
    size_t *ends; /* of the pieces in text */
    size_t n_pieces;
    uint64_t total_bytes; /* of text in the file; as far as it was read */
    bool is_whole;        /* all of it is here */
    bool is_cut;          /* a packed file was not read to its end */
};

/* Fails with the command that converts when the file is none of ours (ERR_INVALID). */
MUST_CHECK enum err_code sample_read(struct sample *ret, const char *path, struct err *e);
void sample_of_text(struct sample *ret, const char *path, struct str text);
void sample_done(struct sample *s);
DEFINE_AUTO_DONE(sample)

/* What a file is that begins with these bytes, and the command that makes it readable; false if
 * it is text. */
bool foreign_file(char *out, size_t size, const char *path, const char *data, size_t n);

/* ---- layout.c ---- */

struct layout {
    bool is_json;
    char delimiter;
    bool has_header;
    /* TAB, and FORMAT TSV reads it: backslash escapes, or quotes that are no quotes */
    bool is_tsv;
    struct str *names; /* header cells, or NULL */
    size_t n_columns;  /* 0 for JSON */
    char *delimiter_why, *header_why;
};

/* Fails when there is nothing to see or nothing that fits. Texts live in `arena`. */
MUST_CHECK enum err_code layout_find(struct layout *ret, const struct sample *s,
                                     struct arena *arena, struct err *e);
bool layout_eq(const struct layout *a, const struct layout *b);

struct cell {
    struct str text;
    bool is_quoted;
};
/* Splits the record at *p; moves *p behind it. Returns the number of cells (at most cap are
 * written), 0 for an empty line. *is_open: a quote was never closed. */
size_t split_by_layout(const struct layout *l, const char **p, const char *end, struct cell *cells,
                       size_t cap, struct arena *arena, bool *is_open);
size_t split_record(const char **p, const char *end, char delimiter, struct cell *cells, size_t cap,
                    struct arena *arena, bool *is_open);

/* ---- observe.c ---- */

enum {
    NULL_EMPTY,
    NULL_QUOTED,
    NULL_NA,
    NULL_N_A,
    NULL_WORD,
    NULL_DASH,
    NULL_MARK,
    NULL_SPELLINGS
};
extern const char *const null_spelling_texts[NULL_SPELLINGS];

enum value_kind {
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_TIME,
    VALUE_DAY_MONTH,
    VALUE_IPV4,
    VALUE_IPV6,
    VALUE_TEXT,
    VALUE_KINDS
};

struct column_stats {
    uint64_t n_values, n_missing, n_arrays;
    /* JSON: records in which it is an object with columns of its own */
    uint64_t n_objects;
    uint64_t n_null[NULL_SPELLINGS]; /* as spelled; JSON's null is NULL_MARK */
    uint64_t n_kind[VALUE_KINDS];
    char example[VALUE_KINDS][48]; /* the first of each kind */
    uint64_t n_leading_zero, n_negative, n_huge;
    uint64_t n_epoch[4]; /* s, ms, us, ns between 1980 and tomorrow */
    uint64_t n_epoch_float;
    uint64_t n_date8;        /* 20260131 */
    uint64_t n_json_text;    /* JSON: values between quotes */
    int64_t min;             /* of all */
    uint64_t max;            /* of those not negative */
    unsigned fraction;       /* most digits behind the second */
    int64_t first_s, last_s; /* of its times; 0, 0: none */
    uint64_t n_zoned, n_date_only, n_out_of_range, n_iso;
    uint64_t n_day_first, n_month_first; /* a value above 12 decides */
    char day_first_example[48], month_first_example[48];
    char separator;
    uint64_t n_other_separator;
    uint64_t n_steps; /* value = the one before + 1 */
    int64_t last;
    bool has_last;
    uint64_t *seen; /* hashes of distinct values */
    size_t n_seen, seen_cap;
    uint64_t n_counted; /* values looked at for it */
    bool is_full;       /* more distinct values than are counted */
};

enum { DISTINCT_MAX = 1 << 16 };

/* now_s: values after tomorrow are no times. */
void column_observe(struct column_stats *s, struct str text, bool is_quoted, bool is_json,
                    int64_t now_s);
void column_stats_done(struct column_stats *s);

/* ---- decide.c ---- */

enum date_order { ORDER_UNKNOWN, ORDER_DAY_FIRST, ORDER_MONTH_FIRST };
enum column_role { ROLE_PLAIN, ROLE_TIME, ROLE_DIMENSION, ROLE_MEASURE, ROLE_KEY };

struct infer_column {
    char *path;      /* the header's text, the JSON path; NULL without header */
    size_t position; /* in the file */
    struct column_stats stats;
    enum date_order order; /* of day/month dates */
    /* decided: */
    char *name;
    char *type;
    char *expression; /* over text_name, or NULL */
    char *text_name;
    char *text_type; /* "String" */
    char *reason, *change;
    enum column_role role;
    bool is_skipped; /* not read; reason says why */
    bool is_nullable, is_signed, is_real;
    bool is_averaged; /* measure: an average tells more than a sum */
};

/* Files with equal columns. */
struct inference {
    struct arena arena;
    char *name; /* of the source */
    struct layout layout;
    char **files;
    size_t n_files, files_cap;
    struct infer_column **columns;
    size_t n_columns, columns_cap;
    uint64_t n_records, n_ragged, n_broken;
    uint64_t sampled_bytes, total_bytes;
    bool is_whole, is_cut;
    enum compression compression;
    bool is_paused; /* too many rejects: what does not fit becomes text */
    /* decided: */
    int event_time; /* column, -1 = _arrival */
    char *event_reason;
    int dimensions[4];
    size_t n_dimensions;
    int measures[6];
    size_t n_measures;
    bool is_spread_apart; /* quantiles in a metric of their own */
};

struct inference *inference_new(void);
void inference_free(struct inference *inf);
DEFINE_AUTO(inference)

/* Adds what a file's sample shows. The first one sets the layout. */
MUST_CHECK enum err_code inference_observe(struct inference *inf, const struct sample *s,
                                           int64_t now_s, struct err *e);
/* A record of the file, as the store kept it (for widening). */
void inference_observe_record(struct inference *inf, struct str record, struct str header,
                              int64_t now_s);
/* Counts the column's day/month dates in all its files. */
MUST_CHECK enum err_code inference_scan_dates(struct inference *inf, size_t column, struct err *e);
/* A column whose day/month order nothing decides yet; -1 = none. ERR_INVALID with both examples
 * when both orders are there. */
MUST_CHECK enum err_code inference_date_question(const struct inference *inf, int *column,
                                                 struct err *e);

/* Types, roles, event time, metric. Can be called again after more was observed. */
void inference_decide(struct inference *inf);

/* ---- write.c ---- */

/* The column's definition as it stands in the text: "date DateTime64(3, 'UTC')". */
void write_column(struct buf *out, const struct infer_column *c);
/* folder: of the file that is written; file names below it become relative. */
void write_definitions(struct buf *out, struct inference *const *sources, size_t n,
                       const char *folder, const char *store_name);
/* The decisions for a person. */
void write_decisions(struct buf *out, const struct inference *inf);

/* "flights" of "a/flights.csv.gz": letters, digits, '_'; never reserved. */
char *source_name_of(const char *path);

#endif
