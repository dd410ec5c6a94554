/* SPDX-License-Identifier: Apache-2.0
 *
 * From unknown files to definitions. Three steps, each of its own file:
 *
 *     sample.c   reads pieces from all over a file                       the only one that touches files
 *     recognise.c, layout.c  format; delimiter, header                   text -> struct layout
 *     inference.c, decoded.c, json_values.c  records into columns
 *     observe.c, forms.c     what a value looks like                     values -> struct column_stats
 *     decide.c, lookups.c, names.c  type, name, role, event time, metric, each with its reason
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
    enum format format; /* FORMAT_CSV and FORMAT_TSV stand for those with names as well */
    const char *format_why;
    bool is_json;    /* JSONEachRow: columns are paths */
    bool is_stream;  /* JSONEachRow, but not a record a line */
    bool is_compact; /* JSONCompactEachRow */
    bool is_decoded; /* the format's own decoder finds the values: access logs, Zeek ... */
    char *pattern;   /* Regexp */
    bool skips_unmatched;
    struct str *types; /* Zeek: beside the names */
    char *header;      /* Zeek: its lines */
    char delimiter;
    bool has_header;
    bool is_positional; /* its names are not enough to find the columns by */
    /* TAB, and FORMAT TSV reads it: backslash escapes, or quotes that are no quotes */
    bool is_tsv;
    struct str *names; /* header cells, or NULL */
    size_t n_columns;  /* 0 for JSON */
    char *delimiter_why, *header_why;
};

/* Fails when there is nothing to see or nothing that fits. Texts live in `arena`. */
MUST_CHECK enum err_code layout_find(struct layout *ret, const struct sample *s,
                                     struct arena *arena, struct err *e);
static inline bool layout_is_cells(const struct layout *l)
{
    return !l->is_json && !l->is_compact && !l->is_decoded;
}
/* ---- recognise.c ---- */

/* Formats that are known by their looks; false: cells between delimiters, or none of all. */
bool layout_recognise(struct layout *ret, struct str text, struct arena *arena);
/* What lines of text that have no delimiter are read as: a pattern for logs that begin with a time
 * and a level, else whole lines. `is_certain` asks for the first alone. */
bool layout_of_lines(struct layout *ret, struct str text, bool is_certain, struct arena *arena);
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
    VALUE_UUID,
    VALUE_MAC,
    VALUE_CLOCK,   /* 06:55 PST: no date */
    VALUE_WRITTEN, /* a number as people write it: struct written_numbers */
    VALUE_LIST,    /* [1,2], {'k':1} as ClickHouse writes them */
    VALUE_TEXT,
    VALUE_KINDS
};

/* Numbers with separators, signs of money, percent. */
struct written_numbers {
    uint64_t n_comma_groups;   /* 1,256,789 and 1,256.5: no other reading */
    uint64_t n_one_comma;      /* 1,256: a thousand, or one and a bit */
    uint64_t n_comma_fraction; /* 12,5 and 1.234,56 */
    uint64_t n_fraction;       /* anything behind the last point or comma that is not a group */
    uint64_t n_percent, n_money;
    uint64_t n_negative;
    bool has_point_groups; /* 1.234.567 */
    char strips[12][8];    /* what stands there and is no digit, in the order of meeting */
    size_t n_strips;
};

/* Lists and maps written as text: how many could be read with elements of these types. */
enum { LIST_INT, LIST_FLOAT, LIST_TEXT, MAP_INT, MAP_FLOAT, MAP_TEXT, LIST_TYPES };

struct column_stats {
    uint64_t n_values, n_missing;
    uint64_t n_arrays;             /* JSON: values that are arrays ... */
    uint64_t n_deep;               /* ... of which hold arrays or objects, or are empty objects */
    struct column_stats *elements; /* of the arrays; NULL: none was seen */
    uint64_t n_list[LIST_TYPES];
    struct written_numbers written;
    char *few[8]; /* the first distinct texts */
    size_t n_few;
    /* JSON: records in which it is an object with columns of its own */
    uint64_t n_objects;
    uint64_t n_null[NULL_SPELLINGS]; /* as spelled; JSON's null is NULL_MARK */
    uint64_t n_kind[VALUE_KINDS];
    char example[VALUE_KINDS][48]; /* the first of each kind */
    uint64_t n_leading_zero, n_negative, n_huge;
    uint64_t n_point_groups; /* 1.234: a fraction, or more than a thousand */
    uint64_t n_epoch[4];     /* s, ms, us, ns between 1980 and tomorrow */
    uint64_t n_epoch_float;
    uint64_t n_date8;        /* 20260131 */
    uint64_t n_json_text;    /* JSON: values between quotes */
    int64_t min;             /* of all */
    uint64_t max;            /* of those not negative */
    unsigned fraction;       /* most digits behind the second */
    int64_t first_s, last_s; /* of its times; 0, 0: none */
    uint64_t n_zoned, n_date_only, n_out_of_range, n_iso;
    uint64_t n_comma_times;              /* the fraction behind a comma */
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
/* A time that the format's decoder has read; tick: microseconds since 1970. */
void column_observe_time(struct column_stats *s, int64_t tick, bool is_zoned);
void column_stats_done(struct column_stats *s);
/* Everything but the spans of time and steps; `from` is left empty. */
void column_stats_merge(struct column_stats *to, struct column_stats *from);

/* ---- forms.c ---- */

/* Looks for the kinds from VALUE_UUID to VALUE_LIST; VALUE_KINDS: none. */
enum value_kind form_of(struct column_stats *s, struct str text);

/* ---- json_values.c ---- */

struct inference;
/* One JSON object; false: the text is none. */
void observe_json_record(struct inference *inf, struct str text, int64_t now_s);
/* A line of JSONCompactEachRow. */
void observe_compact_record(struct inference *inf, struct str line, int64_t now_s);
/* A whole file's sample. */
void observe_json(struct inference *inf, const struct layout *own, const struct sample *s,
                  int64_t now_s);

/* ---- decoded.c ---- */

/* Columns of a format with a decoder of its own, before any value is seen. */
void add_decoded_columns(struct inference *inf, const struct layout *own);
MUST_CHECK enum err_code observe_decoded(struct inference *inf, const struct layout *own,
                                         const struct sample *s, int64_t now_s, struct err *e);
/* The format's values of these lines are added. */
void observe_decoded_lines(struct inference *inf, const struct layout *own, struct str lines,
                           int64_t now_s);

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
    bool is_averaged;     /* measure: an average tells more than a sum */
    bool is_map;          /* JSON: an object whose keys are data */
    bool is_positional;   /* found by its place, not by its name */
    const char *declared; /* Zeek's type */
};

struct inference;
/* `name` = table.attribute(column) */
struct infer_join {
    size_t column;
    struct inference *table;
    size_t attribute;
    char *name;
    bool is_dimension; /* the column itself is one, too */
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
    struct infer_join joins[2];
    size_t n_joins;
    bool is_lookup; /* a table that others look up in, by column `key` */
    size_t key;
    char *lookup_reason;
};

struct inference *inference_new(void);
struct infer_column *inference_add_column(struct inference *inf, const char *path, size_t position);
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

/* ---- names.c ---- */

bool name_is_key(const char *name); /* ends in id, code, zip and their like */
bool name_is_time(const char *name);
bool name_is_other_time(const char *name); /* birthdays and the like: not the event's */
bool name_is_rate(const char *name);       /* an average tells more than a sum */
bool name_is_sum(const char *name);
bool name_is_place(const char *name);
/* A name that none of the first `before` columns has. */
char *column_free_name(struct inference *inf, size_t before, const char *wish);
/* Names in SQL for all columns. */
void columns_name(struct inference *inf);

/* ---- lookups.c ---- */

/* Finds which of the files are tables that others look up in. After all were decided. */
void lookups_find(struct inference **sources, size_t n);
/* The type of a table's column. */
const char *lookup_type(const struct inference *table, size_t column, struct inference *const *all,
                        size_t n);

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
