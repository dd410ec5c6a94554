/* SPDX-License-Identifier: Apache-2.0
 *
 * A decoder turns runs of whole records into batches, reading only the fields that are wanted. It
 * belongs to one thread. A format is one const struct decoder_driver, listed in decoder.c.
 *
 *     decoder_feed(d, bytes, n, offset);            bytes must live until the last batch is used
 *     while (decoder_next(d, &batch, &rejects) > 0 || rejects.n) ... use and reset both ...
 *
 * Each record ends up either as one row of a batch or as one reject with all its bytes and a
 * reason that names the column; none vanishes. Empty lines are no records (as in ClickHouse),
 * and are skipped. */
#ifndef CODEC_DECODER_H
#define CODEC_DECODER_H

#include "base/buf.h"
#include "column/batch.h"

enum format {
    FORMAT_NONE,
    FORMAT_CSV, /* header detected as ClickHouse does not: see decoder_spec.has_header */
    FORMAT_CSV_WITH_NAMES,
    FORMAT_CSV_WITH_TYPES, /* CSVWithNamesAndTypes */
    FORMAT_TSV,
    FORMAT_TSV_WITH_NAMES,
    FORMAT_TSV_WITH_TYPES,
    FORMAT_TSV_RAW, /* no escapes */
    FORMAT_TSV_RAW_WITH_NAMES,
    FORMAT_JSON_EACH_ROW,
    FORMAT_COMBINED_LOG, /* one line a record from here on: see line_priv.h */
    FORMAT_COMMON_LOG,
    FORMAT_LOGFMT,
    FORMAT_SYSLOG,
    FORMAT_LINE_AS_STRING, /* one column */
    FORMAT_JSON_AS_STRING,
    FORMAT_ZEEK,         /* columns by the file's own header, which may change within it */
    FORMAT_JSON_COMPACT, /* JSONCompactEachRow */
    FORMAT_JSON_COMPACT_WITH_NAMES,
    FORMAT_REGEXP,
};

const char *format_name(enum format f);
/* FORMAT_NONE if unknown; ClickHouse's aliases are known */
enum format format_find(struct str name);
extern const char *const format_names[]; /* for suggestions; NULL-terminated */

/* For the reference: columns of a source whose event time is `time`, `timestamp` or `ts`, what
 * stands behind FORMAT and its name, a file, and its rows as TSV. */
struct format_row {
    const char *name, *what, *columns, *settings, *file, *rows;
};
const struct format_row *format_row(enum format f); /* NULL: none */

static inline bool format_is_csv(enum format f)
{
    return f == FORMAT_CSV || f == FORMAT_CSV_WITH_NAMES || f == FORMAT_CSV_WITH_TYPES;
}
static inline bool format_is_raw_tsv(enum format f)
{
    return f == FORMAT_TSV_RAW || f == FORMAT_TSV_RAW_WITH_NAMES;
}
static inline bool format_is_tsv(enum format f)
{
    return f == FORMAT_TSV || f == FORMAT_TSV_WITH_NAMES || f == FORMAT_TSV_WITH_TYPES ||
           format_is_raw_tsv(f);
}

struct field {
    struct str path; /* JSON: keys joined by dots, "a.b"; CSV: the header's literal text */
    struct type type;
    bool has_default; /* fill column.missing */
};

/* Regular expressions, as expr/regex.h has them, for FORMAT Regexp. */
struct regex;
struct pattern_engine {
    struct regex *(*open)(struct str pattern, unsigned flags, char *why, size_t why_bytes);
    void (*close)(struct regex *r);
    size_t (*n_groups)(const struct regex *r);
    bool (*find)(const struct regex *r, struct str text, size_t from, struct str *groups,
                 size_t n_groups);
};
enum regexp_escaping { REGEXP_RAW, REGEXP_ESCAPED, REGEXP_CSV };

/* Which quotes begin a field of CSV. */
enum csv_quoting { QUOTES_DOUBLE, QUOTES_SINGLE, QUOTES_BOTH, QUOTES_NONE };
enum time_reading { TIMES_BEST_EFFORT, TIMES_BEST_EFFORT_US, TIMES_BASIC };

/* ClickHouse's settings of CSV and TSV (plan/source_settings.c has their names). All zero: its
 * defaults. Texts are borrowed. */
struct cell_settings {
    uint32_t skip_lines; /* at the beginning of each file, before a header */
    bool allows_single_quotes, refuses_double_quotes;
    bool keeps_blanks;         /* around texts of CSV */
    bool has_blank_delimiter;  /* CSV: blanks and tabs are never passed over */
    bool is_empty_a_value;     /* CSV: an empty field is not the DEFAULT */
    bool is_empty_the_default; /* TSV: it is */
    bool takes_any_width;      /* missing fields are DEFAULTs, further ones passed over */
    bool takes_bad_values;     /* as DEFAULT */
    bool is_by_order;          /* names of a header do not count */
    bool ignores_types;        /* nor its types */
    bool refuses_null;         /* NULL where the type has none */
    bool ends_with_return;     /* TSV: lines end by CR LF */
    enum time_reading times;
    struct str null_text, true_text, false_text; /* p == NULL: \N, true, false */
};
/* How records of CSV are divided, where it is not as usual. */
struct csv_division {
    enum csv_quoting quoting;
    bool keeps_blanks; /* none are passed over before a quote */
};
static inline struct csv_division csv_division_of(const struct cell_settings *s)
{
    return (struct csv_division){
        .quoting = s->allows_single_quotes ? s->refuses_double_quotes ? QUOTES_SINGLE : QUOTES_BOTH
                   : s->refuses_double_quotes ? QUOTES_NONE
                                              : QUOTES_DOUBLE,
        .keeps_blanks = s->keeps_blanks || s->has_blank_delimiter,
    };
}
static inline bool csv_division_is_usual(struct csv_division d)
{
    return d.quoting == QUOTES_DOUBLE && !d.keeps_blanks;
}

struct decoder_spec {
    enum format format;
    const struct field *fields; /* the wanted fields; batch columns are in this order */
    size_t n_fields;
    /* CSV/TSV without names, or by order: the column of the file that holds field i. */
    const uint32_t *positions;
    size_t n_positions;         /* columns a record has in all (CSV/TSV without names) */
    char delimiter;             /* CSV; 0 = ',' */
    struct cell_settings cells; /* CSV and TSV; its texts are copied */
    /* CSV, TSV without names: the file may begin with its columns' names. For who feeds. */
    bool detects_header;
    /* Regexp; the pattern is copied. */
    struct str pattern;
    unsigned pattern_flags;
    enum regexp_escaping escaping;
    bool skips_unmatched;
    const struct pattern_engine *patterns;
    size_t max_record_bytes; /* default 16 MB: 16 << 20 */
    uint32_t max_columns;    /* 4,096 */
    uint32_t max_depth;      /* nesting of JSON, 1,000 */
};

struct decoder;

/* The spec and what it points to is copied. */
MUST_CHECK enum err_code decoder_new(struct decoder **ret, const struct decoder_spec *spec,
                                     struct err *e);
void decoder_free(struct decoder *d);

/* Formats with names: the header line of the file that comes next (without line end). Fails if a
 * wanted column is not in it, or is there twice; the text names it. Call it again for each file. */
MUST_CHECK enum err_code decoder_header(struct decoder *d, struct str header, struct err *e);

/* The bytes of a header line at the start of data (incl. line end and BOM), 0 if the format has
 * none or the line is not complete; *line = the line without BOM and line end. Zeek: all lines
 * before the first record, complete when that has begun; *line = these lines. */
size_t decoder_header_length(enum format format, const char *data, size_t n, struct str *line);
/* The same where records are skipped first; they count as a part of the header, then for formats
 * without names as well, with an empty *line. */
struct header_rules {
    uint32_t skip_lines;
    char delimiter; /* 0 = ',' */
    struct csv_division division;
};
size_t decoder_header_behind(enum format format, const struct header_rules *rules, const char *data,
                             size_t n, struct str *line);

bool format_has_names(enum format f); /* a header line begins each file */
/* Formats whose header may change within a file. For these, decoder_header may be given the
 * header in force at a position as well, and a failure need not stop: records under that header
 * become rejects that say why. */
static inline bool format_has_headers_inside(enum format f)
{
    return f == FORMAT_ZEEK;
}
/* Goes over whole lines of such a file: takes up the header lines that data begins with into
 * `header`, which holds the header in force (empty at the file's start), and returns how far
 * that header is in force, n if to the end. */
size_t decoder_header_pass(struct buf *header, const char *data, size_t n);

/* JSONEachRow: is a file lines, or a stream of objects over several lines? Asked of its
 * beginning. A stream is cut by json_stream_cut, and decoder_header is given JSON_STREAM; for
 * lines an empty text. */
#define JSON_STREAM "stream"
enum json_layout { JSON_UNDECIDED, JSON_IS_LINES, JSON_IS_STREAM };
enum json_layout json_layout_of(const char *data, size_t n);
size_t json_stream_cut(const char *data, size_t n, bool is_end);

/* Formats that need to know, wherever they begin, what stands before in the file: the cursor
 * carries it as a header. */
static inline bool format_has_state(enum format f)
{
    return f == FORMAT_ZEEK || f == FORMAT_JSON_EACH_ROW;
}

/* Formats whose records have fields of fixed names: these, NULL-terminated; else NULL. */
const char *const *decoder_names(enum format format);
/* Does the format have one column, whatever its name? */
static inline bool format_is_whole(enum format f)
{
    return f == FORMAT_LINE_AS_STRING || f == FORMAT_JSON_AS_STRING;
}

/* Formats without names: the bytes of a first line that holds these names, in order, as ClickHouse
 * detects it (input_format_csv_detect_header = 1). 0 if the first line is a record. */
size_t decoder_detected_header(char delimiter, const struct str *names, size_t n, struct str bytes);

/* UTC seconds that stand for "now" in what is fed next: times without a year are read by it. */
static inline void decoder_set_now(struct decoder *d, int64_t now_s);

void decoder_feed(struct decoder *d, const char *data, size_t n, uint64_t offset);

/* Fills the batch (reset by the caller) with up to BATCH_ROWS rows. Returns rows + rejects
 * added, 0 at the end of what was fed. */
size_t decoder_next(struct decoder *d, struct batch *b, struct reject_list *rejects);

/* Length of the longest prefix of data that is whole records. data starts at a record. With
 * is_end the rest without line end is a record too. Quoted line ends (CSV) do not end a record.
 * 0 = no complete record yet. */
size_t decoder_cut(enum format format, char delimiter, const char *data, size_t n, bool is_end);
/* The same of CSV that is divided otherwise. */
size_t csv_cut_by(struct csv_division division, char delimiter, const char *data, size_t n,
                  bool is_end);

struct decoder_driver {
    enum format format;
    bool has_names;
    struct decoder *(*open)(const struct decoder_spec *spec);
    enum err_code (*header)(struct decoder *d, struct str header, struct err *e);
    size_t (*next)(struct decoder *d, struct batch *b, struct reject_list *rejects);
    size_t (*cut)(char delimiter, const char *data, size_t n, bool is_end);
    void (*free)(struct decoder *d);
};

/* What every decoder begins with; drivers embed it first. */
struct decoder {
    const struct decoder_driver *driver;
    struct decoder_spec spec; /* own copy */
    const char *data, *end;   /* what is left of the run */
    uint64_t offset;          /* of data[0] */
    int64_t now_s;
};

static inline void decoder_set_now(struct decoder *d, int64_t now_s)
{
    d->now_s = now_s;
}

extern const struct decoder_driver decoder_csv, decoder_csv_with_names, decoder_csv_with_types,
    decoder_tsv, decoder_tsv_with_names, decoder_tsv_with_types, decoder_tsv_raw,
    decoder_tsv_raw_with_names, decoder_json, decoder_combined_log, decoder_common_log,
    decoder_logfmt, decoder_syslog, decoder_line_as_string, decoder_json_as_string, decoder_zeek,
    decoder_json_compact, decoder_json_compact_with_names, decoder_regexp;

#endif
