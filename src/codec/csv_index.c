/* SPDX-License-Identifier: Apache-2.0
 *
 * Where fields and records end: the plain index, the careful one that knows quotes and escapes,
 * and how a run of bytes is cut at a record's end. */
#include "codec/csv_priv.h"
#include "codec/spans_avx512.h"

static void index_plain(struct csv_scan *s)
{
    size_t at = s->at;

    for (; at < s->n && s->n_ends < s->cap; at++) {
        char c = s->data[at];
        if (c == s->special) {
            s->has_special = true;
            break;
        }
        if (c == s->delimiter || c == '\n') {
            s->ends[s->n_ends++] = (uint32_t)at;
            s->n_lines += c == '\n';
        }
    }
    s->at = at;
}

static void columns_plain(uint32_t (*out)[CSV_COLUMN_ROOM], const uint32_t *ends, size_t width,
                          size_t n_rows, size_t n_columns)
{
    for (size_t i = 0; i < n_columns; i++) {
        for (size_t r = 0; r < n_rows; r++)
            out[i][r] = ends[r * width + i];
        for (size_t r = n_rows; r < spans_padded(n_rows); r++)
            out[i][r] = out[i][0];
    }
}

static size_t integers_plain(int64_t *out, const struct csv_cells *c, uint16_t *left)
{
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r++) {
        uint32_t start = c->prev[r] + 1, n = c->ends[r] - start;
        bool is_negative = n && c->data[start] == '-';
        if ((is_negative && !c->takes_minus) || !fast_int(c->data + start, n, &out[r]))
            left[n_left++] = (uint16_t)r;
    }
    return n_left;
}

static size_t doubles_plain(double *out, const struct csv_cells *c, uint16_t *left)
{
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r++) {
        uint32_t start = c->prev[r] + 1;
        if (!fast_double(c->data + start, c->ends[r] - start, &out[r]))
            left[n_left++] = (uint16_t)r;
    }
    return n_left;
}

static size_t floats_plain(float *out, const struct csv_cells *c, uint16_t *left)
{
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r++) {
        uint32_t start = c->prev[r] + 1;
        if (!fast_float(c->data + start, c->ends[r] - start, &out[r]))
            left[n_left++] = (uint16_t)r;
    }
    return n_left;
}

/* One to three digits. */
static unsigned octet(const char *p, unsigned n)
{
    unsigned a = (uint8_t)p[0] - '0', b = n > 1 ? (uint8_t)p[1] - '0' : 0,
             c = n > 2 ? (uint8_t)p[2] - '0' : 0;
    unsigned v = n == 1 ? a : n == 2 ? a * 10 + b : a * 100 + b * 10 + c;
    return a > 9 || b > 9 || c > 9 ? 256 : v;
}

static bool read_address(uint32_t *ret, const char *p, const char *end)
{
    uint32_t address = 0;
    bool is_bad = false;

    for (int i = 0; i < 4; i++) {
        unsigned n = 1;
        if (p == end)
            return false;
        while (n < 4 && p + n < end && p[n] != '.')
            n++;
        if (n > 3)
            return false;
        unsigned v = octet(p, n);
        is_bad |= v > 255;
        address = address << 8 | (v & 255);
        p += n;
        if (i < 3 && (p == end || *p++ != '.'))
            return false;
    }
    *ret = address;
    return p == end && !is_bad;
}

static size_t addresses_plain(uint32_t *out, const struct csv_cells *c, uint16_t *left)
{
    size_t n_left = 0;

    for (size_t r = 0; r < c->n; r++) {
        uint32_t start = c->prev[r] + 1;
        if (!read_address(&out[r], c->data + start, c->data + c->ends[r]))
            left[n_left++] = (uint16_t)r;
    }
    return n_left;
}

static void strings_plain(struct str *out, const struct csv_cells *c)
{
    for (size_t r = 0; r < c->n; r++) {
        uint32_t start = c->prev[r] + 1;
        out[r] = (struct str){c->data + start, c->ends[r] - start};
    }
}

const struct csv_kernels csv_plain = {
    .name = "plain",
    .index = index_plain,
    .columns = columns_plain,
    .integers = integers_plain,
    .doubles = doubles_plain,
    .floats = floats_plain,
    .addresses = addresses_plain,
    .times = time_shape_read,
    .strings = strings_plain,
};

bool csv_kernels_is_usable(const struct csv_kernels *k)
{
    if (k == &csv_avx512)
        return avx512_is_usable();
    if (k == &csv_avx2)
        return __builtin_cpu_supports("avx2");
    return true;
}

const struct csv_kernels *csv_kernels_best(void)
{
    static const struct csv_kernels *const by_speed[] = {&csv_avx512, &csv_avx2};

    for (size_t i = 0; i < COUNT(by_speed); i++)
        if (csv_kernels_is_usable(by_speed[i]))
            return by_speed[i];
    return &csv_plain;
}

/* ---- by the rules ---- */

const char csv_lone_return[] = "a carriage return without a line feed at the end";

/* Behind the quoted text that starts at `at` (the opening quote), or n if it is never closed. */
static size_t skip_quoted(const char *data, size_t n, size_t at, bool *is_closed)
{
    char mark = data[at++];
    for (;;) {
        const char *quote = at < n ? memchr(data + at, mark, n - at) : NULL;
        *is_closed = quote != NULL;
        if (quote == NULL)
            return n;
        at = (size_t)(quote - data) + 1;
        if (at == n || data[at] != mark)
            return at;
        at++;
    }
}

static size_t skip_spaces(const struct csv_scan *s, size_t at, const struct csv_rules *r)
{
    while (at < s->n && csv_is_space(r, s->data[at]))
        at++;
    return at;
}

/* The delimiter or line end that ends the field at `at`, or n. */
static size_t field_end_csv(const struct csv_scan *s, size_t at, const struct csv_rules *r,
                            const char **problem)
{
    size_t first = skip_spaces(s, at, r);
    bool is_closed = true;

    if (first < s->n && csv_is_quote(r, s->data[first])) {
        at = skip_quoted(s->data, s->n, first, &is_closed);
        at = skip_spaces(s, at, r);
        bool is_end = at == s->n || s->data[at] == s->delimiter || s->data[at] == '\n' ||
                      (s->data[at] == '\r' && at + 1 < s->n && s->data[at + 1] == '\n');
        if (!is_closed)
            *problem = "a quoted field has no closing quote";
        else if (!is_end)
            *problem = "text after the closing quote of a field";
    }
    while (at < s->n && s->data[at] != s->delimiter && s->data[at] != '\n')
        at++;
    return at;
}

static size_t field_end_tsv(const struct csv_scan *s, size_t at, const char **problem)
{
    while (at < s->n && s->data[at] != '\t' && s->data[at] != '\n') {
        if (s->data[at] == '\\' && ++at == s->n) {
            *problem = "a backslash at the end";
            break;
        }
        at++;
    }
    return at;
}

static size_t field_end_plain(const struct csv_scan *s, size_t at)
{
    while (at < s->n && s->data[at] != s->delimiter && s->data[at] != '\n')
        at++;
    return at;
}

const char *csv_index_record(struct csv_scan *s, size_t start, const struct csv_rules *rules,
                             uint32_t *finish)
{
    const char *problem = NULL;
    size_t n_before = s->n_ends, at = start;
    enum csv_dialect dialect = rules->dialect;

    for (;;) {
        at = dialect == DIALECT_CSV   ? field_end_csv(s, at, rules, &problem)
             : dialect == DIALECT_TSV ? field_end_tsv(s, at, &problem)
                                      : field_end_plain(s, at);
        bool is_line_end = at >= s->n || s->data[at] == '\n';
        if (s->n_ends < s->cap + 64)
            s->ends[s->n_ends++] = (uint32_t)at;
        else if (problem == NULL)
            problem = "too many columns";
        if (is_line_end)
            break;
        at++;
    }
    if (dialect == DIALECT_CSV && at >= s->n && s->n > start && s->data[s->n - 1] == '\r' &&
        problem == NULL)
        problem = csv_lone_return;
    *finish = (uint32_t)at;
    s->at = at < s->n ? at + 1 : s->n;
    if (problem) {
        s->n_ends = n_before;
        return problem;
    }
    s->n_lines++;
    return NULL;
}

/* ---- cutting ---- */

static size_t last_line_end(const char *data, size_t n)
{
    const char *end = memrchr(data, '\n', n);
    return end ? (size_t)(end - data) + 1 : 0;
}

enum { CUT_WINDOW = 1 << 16 };

/* Behind the last line end that the quick index finds in the window, where it starts at a
 * record. */
static size_t cut_window(const struct csv_kernels *k, char delimiter, const char *data, size_t n)
{
    uint32_t ends[1024 + 64];
    size_t done = 0;

    for (;;) {
        struct csv_scan s = {.data = data + done,
                             .n = n - done,
                             .delimiter = delimiter,
                             .special = '"',
                             .ends = ends,
                             .cap = 1024};
        k->index(&s);
        while (s.n_ends > 0 && s.data[ends[s.n_ends - 1]] != '\n')
            s.n_ends--;
        if (s.n_ends == 0)
            return done;
        done += (size_t)ends[s.n_ends - 1] + 1;
    }
}

/* Whole lines before the next quote need no look. */
static size_t cut_csv(char delimiter, const char *data, size_t n, bool is_end)
{
    const struct csv_kernels *k = csv_kernels_best();
    /* at the file's start a quote may follow the mark of byte order */
    size_t mark = n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, done = mark;
    uint32_t ends[64], finish;
    const struct csv_rules rules = {.dialect = DIALECT_CSV, .delimiter = delimiter};

    if (is_end)
        return n;
    while (done < n) {
        const char *quote = memchr(data + done, '"', n - done);
        if (quote == NULL) {
            done += last_line_end(data + done, n - done);
            break;
        }
        done += last_line_end(data + done, (size_t)(quote - data) - done);
        size_t whole =
            cut_window(k, delimiter, data + done, n - done < CUT_WINDOW ? n - done : CUT_WINDOW);
        done += whole;
        if (whole)
            continue;
        /* one by the rules; there is no room in `ends`, for only its finish is wanted */
        struct csv_scan s = {
            .data = data + done, .n = n - done, .delimiter = delimiter, .ends = ends};
        csv_index_record(&s, 0, &rules, &finish);
        if (finish >= n - done)
            break;
        done += (size_t)finish + 1;
    }
    return done > mark ? done : 0;
}

static size_t cut_tsv(char delimiter, const char *data, size_t n, bool is_end)
{
    size_t length = n;

    if (is_end)
        return n;
    while ((length = last_line_end(data, length)) > 0) {
        size_t slashes = 0;
        while (slashes + 2 <= length && data[length - 2 - slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return length;
        length--;
    }
    return 0;
}

size_t csv_cut(char delimiter, const char *data, size_t n, bool is_end)
{
    return cut_csv(delimiter ? delimiter : ',', data, n, is_end);
}

size_t tsv_cut(char delimiter, const char *data, size_t n, bool is_end)
{
    return cut_tsv(delimiter, data, n, is_end);
}

size_t raw_cut(char delimiter, const char *data, size_t n, bool is_end)
{
    return is_end ? n : last_line_end(data, n);
}

size_t csv_cut_by(struct csv_division division, char delimiter, const char *data, size_t n,
                  bool is_end)
{
    const struct csv_rules rules = {.dialect = DIALECT_CSV,
                                    .delimiter = delimiter ? delimiter : ',',
                                    .quoting = division.quoting,
                                    .keeps_blanks = division.keeps_blanks};
    size_t mark = n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, done = mark;
    uint32_t ends[64], finish;

    if (is_end || division.quoting == QUOTES_NONE)
        return raw_cut(delimiter, data, n, is_end);
    if (csv_division_is_usual(division))
        return csv_cut(delimiter, data, n, is_end);
    while (done < n) {
        struct csv_scan s = {
            .data = data + done, .n = n - done, .delimiter = rules.delimiter, .ends = ends};
        csv_index_record(&s, 0, &rules, &finish);
        if (finish >= n - done)
            break;
        done += (size_t)finish + 1;
    }
    return done > mark ? done : 0;
}
