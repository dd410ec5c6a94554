/* SPDX-License-Identifier: Apache-2.0 */
#include "source/cursor.h"

#include "source/quotes.h"

void memory_grow(struct chunk_memory *m, size_t cap)
{
    if (cap <= m->cap)
        return;
    m->data = xrealloc(m->data, cap + CHUNK_SLACK_BYTES);
    m->cap = cap;
}

void cursor_done(struct cursor *c)
{
    reader_close(&c->reader);
    buf_done(&c->leftover);
    buf_done(&c->passed);
    free(MOVE(c->reason));
    c->is_broken = false;
}

void tail_push(struct buf *tail, const char *p, size_t n)
{
    if (n >= FILE_HASH_BYTES) {
        buf_reset(tail);
        buf_put(tail, p + n - FILE_HASH_BYTES, FILE_HASH_BYTES);
        return;
    }
    if (tail->n + n > FILE_HASH_BYTES) {
        size_t drop = tail->n + n - FILE_HASH_BYTES;
        memmove(tail->p, tail->p + drop, tail->n - drop);
        tail->n -= drop;
    }
    buf_put(tail, p, n);
}

/* ---- records too long to be held ---- */

/* Where in a record a scan stands. CSV as in the decoder: a field that starts with a quote runs
 * to its closing quote, line ends included; a quote elsewhere is an ordinary byte. TSV: a
 * backslash takes the next byte with it. JSON: every line end ends a record. */
enum record_state { FIELD_START, IN_PLAIN, IN_QUOTES, AFTER_QUOTE, AFTER_BACKSLASH };

static bool is_quote(enum csv_quoting q, char c)
{
    return (c == '"' && (q == QUOTES_DOUBLE || q == QUOTES_BOTH)) ||
           (c == '\'' && (q == QUOTES_SINGLE || q == QUOTES_BOTH));
}

/* A stream of JSON objects: its brackets. */
struct record_scan {
    enum record_state state;
    bool is_stream;
    char quote; /* the one that opened */
    size_t depth;
};

static size_t object_end(struct record_scan *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (s->state == AFTER_BACKSLASH)
            s->state = IN_QUOTES;
        else if (s->state == IN_QUOTES)
            s->state = c == '"' ? IN_PLAIN : c == '\\' ? AFTER_BACKSLASH : IN_QUOTES;
        else if (c == '"')
            s->state = IN_QUOTES;
        else if (c == '{' || c == '[')
            s->depth++;
        else if ((c == '}' || c == ']') && s->depth > 0 && --s->depth == 0)
            return i + 1;
        else if (c == '\n' && s->depth == 0)
            return i + 1;
    }
    return SIZE_MAX;
}

/* Index behind the record's line end, or SIZE_MAX. */
static size_t csv_record_end(struct record_scan *scan, const struct file_source_spec *spec,
                             const char *p, size_t n)
{
    char delimiter = spec->delimiter ? spec->delimiter : ',';
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (scan->state == IN_QUOTES) {
            if (c == scan->quote)
                scan->state = AFTER_QUOTE;
        } else if (scan->state == AFTER_QUOTE && c == scan->quote) {
            scan->state = IN_QUOTES;
        } else if (c == '\n') {
            return i + 1;
        } else if (c == delimiter) {
            scan->state = FIELD_START;
        } else if (scan->state == FIELD_START) {
            bool is_passed = (c == ' ' || c == '\t') && !spec->division.keeps_blanks;
            bool is_open = is_quote(spec->division.quoting, c);
            scan->quote = is_open ? c : scan->quote;
            scan->state = is_open ? IN_QUOTES : is_passed ? FIELD_START : IN_PLAIN;
        } else {
            scan->state = IN_PLAIN;
        }
    }
    return SIZE_MAX;
}

static size_t tsv_record_end(enum record_state *state, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (*state == AFTER_BACKSLASH)
            *state = IN_PLAIN;
        else if (p[i] == '\\')
            *state = AFTER_BACKSLASH;
        else if (p[i] == '\n')
            return i + 1;
    }
    return SIZE_MAX;
}

static size_t record_end(struct record_scan *scan, const struct file_source_spec *spec,
                         const char *p, size_t n)
{
    enum record_state *state = &scan->state;
    if (scan->is_stream)
        return object_end(scan, p, n);
    if (format_is_csv(spec->format))
        return csv_record_end(scan, spec, p, n);
    if (format_is_tsv(spec->format) && !format_is_raw_tsv(spec->format))
        return tsv_record_end(state, p, n);
    const char *end = memchr(p, '\n', n);
    return end ? (size_t)(end - p) + 1 : SIZE_MAX;
}

/* The record at c->position does not fit: memory holds its first n bytes. Reads on to its end;
 * the first TOO_LONG_BYTES stay at the beginning of the memory, the rest of it is the window. */
static enum err_code pass_record(struct cursor *c, const struct file_source_spec *spec,
                                 struct chunk_memory *m, size_t n, uint64_t stop, bool is_end,
                                 struct piece *ret, struct err *e)
{
    buf_reset(&c->passed);
    struct record_scan state = {.is_stream =
                                    spec->format == FORMAT_JSON_EACH_ROW && c->header.n > 0};
    size_t kept = n < TOO_LONG_BYTES ? n : TOO_LONG_BYTES, used = 0;
    uint64_t at = c->position; /* of the window's first byte */
    char *window = m->data;
    bool is_found = false;
    for (;;) {
        size_t end = record_end(&state, spec, window, n);
        is_found = end != SIZE_MAX;
        used = is_found ? end : n;
        tail_push(&c->passed, window, used);
        at += used;
        if (is_found || at >= stop)
            break;
        window = m->data + kept;
        size_t want = m->cap - kept;
        if (want > stop - at)
            want = (size_t)(stop - at);
        if (c->reader.compression == COMPRESSION_NONE)
            c->reader.at = at;
        TRY(reader_read(&c->reader, window, want, &n, e));
        used = 0;
        if (n == 0) {
            ret->is_eof = true;
            ret->used = reader_used(&c->reader);
            ret->is_whole = reader_is_whole(&c->reader);
            break;
        }
    }
    if (ret->is_eof && !(is_end && ret->is_whole)) {
        ret->rest = (size_t)(at - c->position);
        c->is_broken = true; /* what was passed is not kept: the next try starts over */
        c->code = ERR_UNAVAILABLE;
        return ERR_OK;
    }
    if (c->reader.compression != COMPRESSION_NONE && is_found)
        buf_put(&c->leftover, window + used, n - used);
    ret->is_too_long = true;
    if (format_has_headers_inside(spec->format) && m->data[0] == '#')
        buf_reset(&c->header); /* what follows has no header that could be known */
    buf_reset(&m->header);
    buf_str(&m->header, buf_view(&c->header));
    ret->data = m->data;
    ret->is_cut_short = !is_found && at < stop;
    ret->n = at - c->position < kept ? (size_t)(at - c->position) : kept;
    ret->to = c->position = at;
    return ERR_OK;
}

/* ---- ordinary records ---- */

/* Length of a prefix of whole records: the longest at the end of a file, else one long enough. The
 * decoder walks CSV records that have quotes field by field; most can be proved to be simple. */
static size_t cut_records(const struct file_source_spec *spec, const char *data, size_t n,
                          bool is_eof, bool is_end, bool is_quoteless, bool is_stream)
{
    bool is_csv = format_is_csv(spec->format);
    if (is_stream)
        return json_stream_cut(data, n, is_end);
    if (is_csv && !csv_division_is_usual(spec->division))
        return csv_cut_by(spec->division, spec->delimiter, data, n, is_end);
    if (is_csv && is_quoteless && !is_end) {
        const char *end = memrchr(data, '\n', n);
        return end ? (size_t)(end - data) + 1 : 0;
    }
    if (!is_csv || is_end || n < TOO_LONG_BYTES || memchr(data, '"', n) == NULL)
        return decoder_cut(spec->format, spec->delimiter, data, n, is_end);
    struct quotes_cut cut = quotes_cut(spec->delimiter ? spec->delimiter : ',', data, n);
    if (cut.is_complete || (!is_eof && cut.length >= n / 2))
        return cut.length;
    return cut.length +
           decoder_cut(spec->format, spec->delimiter, data + cut.length, n - cut.length, false);
}

/* ---- headers inside ---- */

/* Lines of one header at a time: records do not matter. */
static enum err_code find_header(struct cursor *c, uint64_t to, struct err *e)
{
    AUTO_DONE(buf) line = {0};
    AUTO_MEM char *block = xmalloc(FILE_CHUNK_BYTES);
    bool is_start = true, is_header = false;

    buf_reset(&c->header);
    TRY(reader_seek(&c->reader, 0, e));
    while (c->reader.at < to) {
        uint64_t rest = to - c->reader.at;
        size_t got;
        TRY(reader_read(&c->reader, block,
                        rest < FILE_CHUNK_BYTES ? (size_t)rest : FILE_CHUNK_BYTES, &got, e));
        if (got == 0)
            break;
        for (const char *p = block, *end = block + got; p < end;) {
            is_header |= is_start && (*p == '#' || *p == '\xef');
            const char *next = is_header                ? memchr(p, '\n', (size_t)(end - p))
                               : is_start && *p == '\n' ? p
                                                        : memmem(p, (size_t)(end - p), "\n#", 2);
            size_t n = next ? (size_t)(next + 1 - p) : (size_t)(end - p);
            if (is_header && line.n < (1 << 20))
                buf_put(&line, p, n);
            if (is_header && next) {
                decoder_header_pass(&c->header, line.p, line.n);
                buf_reset(&line);
                is_header = false;
            }
            p += n;
            is_start = p[-1] == '\n';
        }
    }
    c->is_header_known = true;
    return ERR_OK;
}

/* JSON: what the file's beginning shows, as long as it shows nothing it is lines. */
static enum err_code find_layout(struct cursor *c, struct err *e)
{
    char block[FILE_HASH_BYTES];
    struct err ignored;
    size_t got;

    TRY(reader_seek(&c->reader, 0, e));
    /* who reads it as records will say it */
    (void)!reader_read(&c->reader, block, sizeof(block), &got, &ignored);
    enum json_layout layout = json_layout_of(block, got);
    buf_reset(&c->header);
    buf_text(&c->header, layout == JSON_IS_STREAM ? JSON_STREAM : "");
    c->is_header_known = layout != JSON_UNDECIDED || got == sizeof(block);
    return ERR_OK;
}

/* Also before each piece: a file that grows may show it now. */
static enum err_code know_layout(struct cursor *c, const struct file_source_spec *spec,
                                 struct err *e)
{
    if (spec->format != FORMAT_JSON_EACH_ROW || c->is_header_known)
        return ERR_OK;
    uint64_t at = c->reader.at;
    TRY(find_layout(c, e));
    return reader_seek(&c->reader, at, e);
}

enum err_code cursor_seek(struct cursor *c, const struct file_source_spec *spec, uint64_t to,
                          struct err *e)
{
    c->position = to;
    if (format_has_headers_inside(spec->format) && !c->is_header_known)
        TRY(find_header(c, to, e));
    TRY(know_layout(c, spec, e));
    return reader_seek(&c->reader, to, e);
}

/* A piece has one header: it ends where that changes. */
static size_t cut_at_header(struct cursor *c, struct chunk_memory *m, const char *data, size_t cut,
                            struct piece *ret)
{
    size_t n = decoder_header_pass(&c->header, data, cut);
    buf_reset(&m->header);
    buf_str(&m->header, buf_view(&c->header));
    if (n < cut) /* what comes behind it is read once more */
        c->is_broken = ret->is_eof = ret->is_cut_short = false;
    return n;
}

enum err_code cursor_next(struct cursor *c, const struct file_source_spec *spec,
                          struct chunk_memory *m, uint64_t stop, bool is_end, struct piece *ret,
                          struct err *e)
{
    bool is_plain = c->reader.compression == COMPRESSION_NONE;
    *ret = (struct piece){.from = c->position, .to = c->position};
    if (c->is_broken)
        return err_set(e, c->code, "%s", c->reason ? c->reason : "cannot be read further");

    TRY(know_layout(c, spec, e));
    bool is_stream = spec->format == FORMAT_JSON_EACH_ROW && c->header.n > 0;
    size_t too_long = spec->max_record_bytes + 2; /* with its line end */
    size_t skip = 0, n = c->leftover.n, want = n > FILE_CHUNK_BYTES ? n : FILE_CHUNK_BYTES, cut = 0;
    memory_grow(m, want);
    if (is_plain && m->ahead_bytes > 0) {
        skip = (size_t)(c->position - m->ahead_from);
        n = want = m->ahead_bytes - skip;
        c->reader.at = c->position + n;
    } else if (n > 0) {
        memcpy(m->data, c->leftover.p, n);
    }
    m->is_quoteless = m->is_quoteless && m->ahead_bytes > 0;
    m->ahead_bytes = 0;
    buf_reset(&c->leftover);
    for (;; want = want * 2 < too_long ? want * 2 : too_long) {
        uint64_t rest = stop - c->position;
        size_t cap = want < rest ? want : (size_t)rest, got = 0;
        memory_grow(m, skip + cap);
        enum err_code code = ERR_OK;
        if (n < cap) {
            if (is_plain)
                c->reader.at = c->position + n;
            code = reader_read(&c->reader, m->data + skip + n, cap - n, &got, e);
            m->is_quoteless = false;
            n += got;
        }
        ret->is_eof = code == ERR_OK && n < cap;
        ret->is_whole = ret->is_eof && reader_is_whole(&c->reader);
        bool is_stop = c->position + n >= stop;
        cut = cut_records(spec, m->data + skip, n, ret->is_eof || code != ERR_OK, is_stop,
                          m->is_quoteless, is_stream);
        if (!is_stop && is_end && ret->is_eof && ret->is_whole && cut < n) {
            ret->is_cut_short = true;
            cut = n;
        }
        if (code != ERR_OK && cut == 0)
            return code;
        if (code != ERR_OK) {
            c->is_broken = true;
            c->code = code;
            c->reason = xstrdup(e ? e->text : "");
        }
        if (c->is_broken || cut > 0 || ret->is_eof || is_stop)
            break;
        if (n < too_long)
            continue;
        memmove(m->data, m->data + skip, n);
        return pass_record(c, spec, m, n, stop, is_end, ret, e);
    }
    if (spec->format == FORMAT_JSON_EACH_ROW) {
        buf_reset(&m->header);
        buf_str(&m->header, buf_view(&c->header));
    }
    if (cut > 0 && format_has_headers_inside(spec->format))
        cut = cut_at_header(c, m, m->data + skip, cut, ret);
    ret->rest = n - cut;
    ret->used = ret->is_eof ? reader_used(&c->reader) : 0;
    if (!is_plain && cut < n)
        buf_put(&c->leftover, m->data + cut, n - cut);
    ret->data = m->data + skip;
    ret->n = cut;
    ret->to = c->position += cut;
    return ERR_OK;
}
