/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats of one record a line whose values are cut out of it: access logs, syslog, logfmt,
 * whole lines. A format is a `struct line_format`: the names of what it cuts out, and the knife.
 * The driver (line.c) turns the cuts into columns. */
#ifndef CODEC_LINE_PRIV_H
#define CODEC_LINE_PRIV_H

#include "codec/decoder.h"

/* One value of a record. */
struct line_cut {
    struct str text; /* p == NULL: the record does not have it */
    bool is_time;    /* `seconds` says what the text means, in UTC, ... */
    bool is_local;   /* ... or in the column's zone */
    int64_t seconds;
};

struct line_decoder;

struct line_format {
    enum format format;
    /* NULL-terminated; the knife fills one cut each. NULL: names are the record's own
     * (line_own). */
    const char *const *names;
    /* Fills d->cuts, which are zeroed; returns NULL or why the line is no record of this format. */
    const char *(*cut)(struct line_decoder *d, struct str line);
};

struct line_decoder {
    struct decoder base;
    const struct line_format *format;
    struct line_cut *cuts; /* of the names; names of their own: one a field */
    int32_t *cut_of;       /* [field] index in cuts */
    size_t n_cuts;
    struct arena *arena; /* of the batch that is filled: for what is unescaped */
    struct regex *regex; /* Regexp: its pattern, */
    struct str *groups;  /*   and what it matched last */
    /* the time read last, up to its minute, and its zone: see line_clf.c */
    char minute[32];
    int64_t minute_s;
};

/* A record with names of its own: this value belongs to this name. Later ones win. */
void line_own(struct line_decoder *d, struct str name, struct str value);

/* line_regexp.c */
extern const char line_skipped[]; /* a reason: the line is no record, and nothing is said of it */
void regexp_open(struct line_decoder *d, const struct decoder_spec *s);

extern const struct line_format line_regexp;
/* 1 to 12 of "Jan" to "Dec", the three bytes at p; 0: no month. */
int line_month(const char *p);

extern const struct line_format line_combined, line_common, line_logfmt, line_syslog,
    line_as_string, line_json;

#endif
