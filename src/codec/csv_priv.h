/* SPDX-License-Identifier: Apache-2.0
 *
 * How CSV and TSV are decoded, some thousands of records at a time:
 *
 *     bytes      a,12,"x, y"\n b,7,z\n ...
 *     index          ^  ^     ^  ^ ^ ^       ends[]: every delimiter and line end outside of quotes
 *     rows       n ends a row, checked; rows of another number are rejected and taken out
 *     columns    one kernel a wanted column over all rows; what it does not take is `left` to the
 *                careful reader of one cell, which knows all of ClickHouse's rules
 *
 * Positions are 32 bits, from the window's first byte. */
#ifndef CODEC_CSV_PRIV_H
#define CODEC_CSV_PRIV_H

#include "codec/decoder.h"
#include "codec/spans.h"
#include "codec/time_shape.h"
#include "codec/value_fast.h"

enum {
    CSV_SKIPPED = 1024,
    CSV_GROUP = 16,  /* columns whose ends are turned at a time */
    CSV_BLOCK = 256, /* rows whose columns are read before the next ones': their text stays in L1 */
    CSV_COLUMN_ROOM = CSV_BLOCK + 16,
};
#define CSV_ABSENT UINT32_MAX /* position of a column that the header does not have */

/* What the index stage works on. `ends` has room for 64 more entries than `cap`. */
struct csv_scan {
    const char *data;
    size_t n;
    char delimiter;
    char special; /* '"' for CSV, '\\' for TSV: where it stands the careful index takes over */
    size_t at;    /* next byte to look at */
    uint32_t *ends;
    size_t n_ends, cap;
    size_t n_lines;   /* line ends among `ends` */
    bool has_special; /* some were seen */
};

/* One column of up to CSV_BLOCK rows of a window: cell r is data[prev[r] + 1, ends[r]). Both
 * arrays have entries up to a multiple of 8, see struct spans. */
struct csv_cells {
    const char *data;
    const uint32_t *prev, *ends;
    size_t n;
    bool takes_minus; /* integers */
};

/* The loops that have twins. What two of them take they read alike; tests compare them. */
struct csv_kernels {
    const char *name;
    /* Appends to scan->ends from scan->at, where a record starts, to the end of the data, until
     * cap is reached, or up to a special character that it cannot judge (scan->at is then its
     * position). */
    void (*index)(struct csv_scan *scan);
    /* ends[r * width + i] to out[i][r], for up to CSV_GROUP columns and CSV_BLOCK rows; rows are
     * filled up to a multiple of 8 with ends of others. All columns of `out` may be written to. */
    void (*columns)(uint32_t (*out)[CSV_COLUMN_ROOM], const uint32_t *ends, size_t width,
                    size_t n_rows, size_t n_columns);
    /* Decimal integers. Rows not taken (more than 16 digits, any other text) are listed in `left`;
     * returns how many. */
    size_t (*integers)(int64_t *out, const struct csv_cells *cells, uint16_t *left);
    /* [-]digits[.digits], correctly rounded. */
    size_t (*doubles)(double *out, const struct csv_cells *cells, uint16_t *left);
    size_t (*floats)(float *out, const struct csv_cells *cells, uint16_t *left);
    /* a.b.c.d */
    size_t (*addresses)(uint32_t *out, const struct csv_cells *cells, uint16_t *left);
    /* As time_shape_read. */
    size_t (*times)(int64_t *out, const struct spans *v, size_t from,
                    const struct time_shape *shape);
    /* Views of all cells as they are. */
    void (*strings)(struct str *out, const struct csv_cells *cells);
};

extern const struct csv_kernels csv_plain, csv_avx2, csv_avx512;

const struct csv_kernels *csv_kernels_best(void);
bool csv_kernels_is_usable(const struct csv_kernels *k);

enum csv_dialect { DIALECT_CSV, DIALECT_TSV, DIALECT_TSV_RAW, DIALECT_ZEEK };

/* How a record is divided. */
struct csv_rules {
    enum csv_dialect dialect;
    char delimiter;
    enum csv_quoting quoting;
    bool keeps_blanks; /* they are never passed over */
};

static inline bool csv_is_quote(const struct csv_rules *r, char c)
{
    return (c == '"' && (r->quoting == QUOTES_DOUBLE || r->quoting == QUOTES_BOTH)) ||
           (c == '\'' && (r->quoting == QUOTES_SINGLE || r->quoting == QUOTES_BOTH));
}

static inline bool csv_is_space(const struct csv_rules *r, char c)
{
    return (c == ' ' || c == '\t') && c != r->delimiter && !r->keeps_blanks;
}

/* A record that has fewer fields than columns: the ends of the absent ones. Their cells' lengths
 * come out as this, modulo 2^32. */
#define CSV_NO_CELL UINT32_MAX

/* What stands for no value, for the empty one, and between the elements of a list. */
struct zeek_marks {
    struct str unset, empty, set_separator;
};

struct csv_field {
    struct type type;
    struct str name;
    bool has_default;
    bool is_flag, is_time, is_list; /* what Zeek's header says it is */
    uint32_t position;              /* column of the file; CSV_ABSENT */
    struct time_shape shape;
    char date_text[10]; /* the date read last */
    uint16_t date;
};

struct csv_decoder {
    struct decoder base;
    const struct csv_kernels *kernels;
    struct csv_rules rules;
    struct cell_settings cells;
    bool is_tsv;       /* no quotes: TSV and Zeek */
    bool is_careful;   /* settings that the quick loops do not know: each cell by the rules */
    bool has_odd_ends; /* nor the quick index */
    const struct zeek_marks *zeek; /* Zeek alone */
    size_t n_columns;              /* of a record; 0 = no header yet */
    struct csv_field *fields;

    uint32_t *ends;
    size_t ends_cap;
    uint32_t *spread;            /* the ends again, where rows of any width are taken */
    uint32_t before[BATCH_ROWS]; /* position before the row's first byte */
    uint32_t finish[BATCH_ROWS]; /* position of the row's line end */
    uint16_t left[CSV_BLOCK];
    struct csv_skipped {
        uint32_t start, finish;
        const char *reason;
    } skipped[CSV_SKIPPED]; /* records of the window that the index refused */
    size_t n_skipped;
    bool has_special; /* the window holds special characters */
    uint8_t is_bad[BATCH_ROWS];
    uint16_t bad_field[BATCH_ROWS];
    const char *bad_reason[BATCH_ROWS];
    size_t n_bad;
    int64_t scratch[CSV_BLOCK];
    uint32_t columns[CSV_GROUP][CSV_COLUMN_ROOM]; /* ends of the cells of some columns of a block */
};

/* Reads cells of field `f` into `c` from row `first` on. Rows that fail are marked in d->is_bad. */
void csv_read_column(struct csv_decoder *d, size_t f, const struct csv_cells *cells, size_t first,
                     struct column *c, struct arena *arena);

/* A record by the rules, from `start`: appends its ends, the last one is its line end (or scan->n).
 * scan->at moves behind it. Answers NULL, or why it is none; its ends are then taken back, and
 * *finish is where it ends. */
extern const char csv_lone_return[]; /* one of the reasons */
const char *csv_index_record(struct csv_scan *scan, size_t start, const struct csv_rules *rules,
                             uint32_t *finish);

/* A cell's text without quotes or escapes: a view, or in the arena where it had to be changed.
 * Answers NULL, or why it has none. */
const char *csv_cell_text(struct str *ret, struct str raw, const struct csv_rules *rules,
                          struct arena *arena);

enum csv_cell { CELL_VALUE, CELL_NULL, CELL_DEFAULT };

/* One cell of column `f` by all rules and settings, into row `row` of `c`; what cannot be read
 * marks the row in d->is_bad. */
void csv_read_cell(struct csv_decoder *d, size_t f, struct str raw, struct column *c, size_t row,
                   struct arena *arena);

/* One cell of a Zeek record by its rules; strings that need no change are views. */
const char *zeek_read_cell(const struct csv_decoder *d, const struct csv_field *f, struct str raw,
                           void *out, struct arena *arena, enum csv_cell *cell);
/* Seconds since 1970 with a fraction, as time `type`. False: not of that form, or out of range. */
bool zeek_read_time(struct type type, struct str text, void *out);
static inline bool zeek_is(struct str raw, struct str mark)
{
    return raw.n == mark.n && memcmp(raw.p, mark.p, mark.n) == 0;
}

/* line_regexp.c: can such a decoder be? */
MUST_CHECK enum err_code regexp_check(const struct decoder_spec *s, struct err *e);
/* As decoder_header_length. */
size_t zeek_header_length(const char *data, size_t n, struct str *line);

/* For drivers that are CSV with differences. */
struct decoder *csv_open_as(const struct decoder_spec *spec, enum csv_dialect dialect,
                            size_t bytes);
void csv_set_columns(struct csv_decoder *d, size_t n);
enum err_code csv_missing_column(const struct csv_field *f, const struct str *names, size_t n,
                                 struct err *e);
size_t csv_next(struct decoder *base, struct batch *b, struct reject_list *rejects);

size_t csv_cut(char delimiter, const char *data, size_t n, bool is_end);
size_t tsv_cut(char delimiter, const char *data, size_t n, bool is_end);
size_t raw_cut(char delimiter, const char *data, size_t n, bool is_end);

#endif
