/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges and blocks are lines of tab-separated fields, so that a person can read the table. A
 * checkpoint row has kind 'checkpoint', the n of the row it follows, all partition ends as ranges
 * (from = to), and in `blocks` one line "open<TAB>n" per epoch not done when it was written. */
#include "engine/chain.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/native.h"
#include "lang/parse.h"

/* Row 1 has few tokens to remember, so its slots may be long: one who comes in a slot's last
 * seconds waits. */
enum { FIRST_SLOT_S = 86400, FIRST_MARGIN_S = 30 };

static const char *const kind_names[] = {"epoch", "checkpoint", "skip", "retry"};

/* ---- text forms ---- */

static void put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '\t': buf_text(out, "\\t"); break;
        case '\n': buf_text(out, "\\n"); break;
        case '\\': buf_text(out, "\\\\"); break;
        default: buf_byte(out, (uint8_t)*text);
        }
    }
}

static char *unescaped(struct str s)
{
    if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL)
        return xstrndup(s.p, s.n);
    char *out = xmalloc(s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n) {
            i++;
            out[n++] = s.p[i] == 't' ? '\t' : s.p[i] == 'n' ? '\n' : s.p[i];
        } else {
            out[n++] = s.p[i];
        }
    }
    out[n] = '\0';
    return out;
}

static void put_range(struct buf *out, const struct chain_range *r)
{
    const struct file_mark *m = &r->mark;
    buf_printf(out,
               "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%u\t%u\t%016" PRIx64 "%016" PRIx64
               "\t%u\t%016" PRIx64 "%016" PRIx64 "\t%" PRIu64 "\t",
               m->partition, r->from, r->to, m->header_bytes, m->head_bytes, m->head_hash.hi,
               m->head_hash.lo, m->tail_bytes, m->tail_hash.hi, m->tail_hash.lo, m->stat_hash);
    put_escaped(out, m->path ? m->path : "");
    buf_printf(out, "\t%08" PRIx32 "%08" PRIx32 "\n", m->small_hash, m->first_hash);
}

void ranges_print(struct buf *out, const struct chain_range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_range(out, &ranges[i]);
}

/* Cuts the next field (to TAB or end) off the line. */
static struct str next_field(struct str *line)
{
    const char *tab = line->n ? memchr(line->p, '\t', line->n) : NULL;
    size_t n = tab ? (size_t)(tab - line->p) : line->n;
    struct str field = {line->p, n};
    line->p += n + (tab != NULL);
    line->n -= n + (tab != NULL);
    return field;
}

static struct str next_line(struct str *text)
{
    const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    size_t n = end ? (size_t)(end - text->p) : text->n;
    struct str line = {text->p, n};
    text->p += n + (end != NULL);
    text->n -= n + (end != NULL);
    return line;
}

static bool field_u64(struct str *line, uint64_t *ret)
{
    struct str f = next_field(line);
    uint64_t v = 0;
    if (f.n == 0 || f.n > 20)
        return false;
    for (size_t i = 0; i < f.n; i++) {
        if (f.p[i] < '0' || f.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(f.p[i] - '0');
    }
    *ret = v;
    return true;
}

static bool field_u32(struct str *line, uint32_t *ret)
{
    uint64_t v;
    if (!field_u64(line, &v) || v > UINT32_MAX)
        return false;
    *ret = (uint32_t)v;
    return true;
}

/* Digit + 1; 0: none. A table, as a checkpoint may have millions of digits. */
static const uint8_t hex_digits[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static bool hex_u64(const char *p, uint64_t *ret)
{
    uint64_t v = 0;
    bool is_bad = false;
    for (int i = 0; i < 16; i++) {
        uint8_t digit = hex_digits[(uint8_t)p[i]];
        is_bad |= digit == 0;
        v = v << 4 | (uint64_t)((digit - 1) & 15);
    }
    *ret = v;
    return !is_bad;
}

static bool field_hash(struct str *line, struct u128 *ret)
{
    struct str f = next_field(line);
    return f.n == 32 && hex_u64(f.p, &ret->hi) && hex_u64(f.p + 16, &ret->lo);
}

static bool parse_range(struct chain_range *r, struct str line)
{
    *r = (struct chain_range){0};
    struct file_mark *m = &r->mark;
    bool is_good = field_u64(&line, &m->partition) && field_u64(&line, &r->from) &&
                   field_u64(&line, &r->to) && field_u32(&line, &m->header_bytes) &&
                   field_u32(&line, &m->head_bytes) && field_hash(&line, &m->head_hash) &&
                   field_u32(&line, &m->tail_bytes) && field_hash(&line, &m->tail_hash) &&
                   field_u64(&line, &m->stat_hash);
    if (!is_good)
        return false;
    m->position = r->to;
    m->path = unescaped(next_field(&line));
    uint64_t begin;
    if (line.n == 16 && hex_u64(line.p, &begin)) { /* absent in rows of older versions */
        m->small_hash = (uint32_t)(begin >> 32);
        m->first_hash = (uint32_t)begin;
    }
    return true;
}

enum err_code ranges_parse(struct chain_range **ret, size_t *ret_n, struct str text, struct err *e)
{
    struct chain_range *ranges = NULL;
    size_t n = 0, cap = 0;
    while (text.n > 0) {
        struct str line = next_line(&text);
        if (n == cap) {
            cap = cap ? cap * 2 : 16;
            ranges = xrealloc(ranges, cap * sizeof(*ranges));
        }
        if (!parse_range(&ranges[n], line)) {
            for (size_t i = 0; i < n; i++)
                free(ranges[i].mark.path);
            free(ranges);
            return err_set(e, ERR_INVALID, "weir_epochs.ranges: line %zu cannot be read: %.*s",
                           n + 1, (int)(line.n > 200 ? 200 : line.n), line.p);
        }
        n++;
    }
    *ret = ranges;
    *ret_n = n;
    return ERR_OK;
}

void blocks_print(struct buf *out, const struct chain_block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s\t%u\t%u\n", blocks[i].table, blocks[i].partition, blocks[i].n_blocks);
}

enum err_code blocks_parse(struct chain_block **ret, size_t *ret_n, struct str text, struct err *e)
{
    struct chain_block *blocks = NULL;
    size_t n = 0, cap = 0;
    while (text.n > 0) {
        struct str line = next_line(&text);
        struct str table = next_field(&line);
        if (str_is(table, "open"))
            continue;
        struct chain_block b = {0};
        if (!field_u32(&line, &b.partition) || !field_u32(&line, &b.n_blocks)) {
            for (size_t i = 0; i < n; i++)
                free(blocks[i].table);
            free(blocks);
            return err_set(e, ERR_INVALID, "weir_epochs.blocks: line %zu cannot be read", n + 1);
        }
        b.table = xstrndup(table.p, table.n);
        if (n == cap) {
            cap = cap ? cap * 2 : 16;
            blocks = xrealloc(blocks, cap * sizeof(*blocks));
        }
        blocks[n++] = b;
    }
    *ret = blocks;
    *ret_n = n;
    return ERR_OK;
}

void chain_row_done(struct chain_row *r)
{
    for (size_t i = 0; i < r->n_ranges; i++)
        free(r->ranges[i].mark.path);
    for (size_t i = 0; i < r->n_blocks; i++)
        free(r->blocks[i].table);
    free(r->ranges);
    free(r->blocks);
    free(r->process);
    free(r->lookups);
    *r = (struct chain_row){0};
}

/* ---- adoption ---- */

const struct file_mark *chain_end(const struct chain *c, uint64_t partition)
{
    /* Partitions are given out in order and never leave, so ends[] is sorted by them. */
    size_t lo = 0, hi = c->n_ends;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (c->ends[mid].partition < partition)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < c->n_ends && c->ends[lo].partition == partition ? &c->ends[lo] : NULL;
}

static void set_end(struct chain *c, const struct file_mark *m)
{
    struct file_mark *old = (struct file_mark *)chain_end(c, m->partition);
    if (old != NULL) {
        free(old->path);
        *old = *m;
        old->path = xstrdup(m->path ? m->path : "");
    } else {
        if (c->n_ends == c->cap_ends) {
            c->cap_ends = c->cap_ends ? c->cap_ends * 2 : 64;
            c->ends = xrealloc(c->ends, c->cap_ends * sizeof(*c->ends));
        }
        size_t at = c->n_ends++;
        while (at > 0 && c->ends[at - 1].partition > m->partition) {
            c->ends[at] = c->ends[at - 1];
            at--;
        }
        c->ends[at] = *m;
        c->ends[at].path = xstrdup(m->path ? m->path : "");
    }
    if (m->partition >= c->next_partition && m->partition != REJECTS_PARTITION)
        c->next_partition = m->partition + 1;
}

/* The guard: an epoch is valid iff each of its ranges starts where the valid epochs before it
 * end. */
static bool is_valid(const struct chain *c, const struct chain_row *row)
{
    for (size_t i = 0; i < row->n_ranges; i++) {
        const struct file_mark *end = chain_end(c, row->ranges[i].mark.partition);
        if (end != NULL && end->position != row->ranges[i].from)
            return false;
    }
    return true;
}

static void adopt(struct chain *c, const struct chain_row *row)
{
    if (is_valid(c, row)) {
        for (size_t i = 0; i < row->n_ranges; i++)
            set_end(c, &row->ranges[i].mark);
    } else {
        log_warn("chain", "void_epoch", "source=%s n=%" PRIu64, c->source, row->n);
    }
    c->last_n = row->n;
    c->last_now = row->now;
    c->last_slot_s = row->slot_s;
    c->last_margin_s = row->margin_s;
}

/* ---- reading ---- */

static struct str cell_str(const struct native_result *r, size_t column, size_t row)
{
    return ((struct str *)r->columns[column].column.values)[row];
}

static uint64_t cell_u64(const struct native_result *r, size_t column, size_t row)
{
    return ((uint64_t *)r->columns[column].column.values)[row];
}

static enum err_code row_from_cells(struct chain_row *row, const struct native_result *r, size_t i,
                                    struct err *e)
{
    *row = (struct chain_row){.n = cell_u64(r, 0, i),
                              .lane = cell_u64(r, 2, i),
                              .generation = (uint32_t)cell_u64(r, 4, i),
                              .now = (int64_t)cell_u64(r, 5, i),
                              .slot_s = (int64_t)cell_u64(r, 6, i),
                              .margin_s = (int64_t)cell_u64(r, 7, i)};
    struct str kind = cell_str(r, 1, i), process = cell_str(r, 3, i);
    for (size_t k = 0; k < COUNT(kind_names); k++)
        if (str_is(kind, kind_names[k]))
            row->kind = (enum chain_kind)k;
    row->process = xstrndup(process.p, process.n);
    row->lookups = xstrndup(cell_str(r, 10, i).p, cell_str(r, 10, i).n);
    TRY(ranges_parse(&row->ranges, &row->n_ranges, cell_str(r, 8, i), e));
    return blocks_parse(&row->blocks, &row->n_blocks, cell_str(r, 9, i), e);
}

static void select_rows(struct buf *sql, const struct chain *c, const char *condition)
{
    buf_printf(
        sql,
        "SELECT n, toString(kind), lane, process, toUInt64(generation), "
        "toUInt64(toUnixTimestamp(now)), toUInt64(slot_s), toUInt64(margin_s), ranges, blocks, "
        "lookups "
        "FROM %s.weir_epochs WHERE source = ",
        c->database);
    print_string_literal(sql, str_of(c->source));
    buf_printf(sql, " AND %s", condition);
}

/* Which of the rows' n have their ledger entry? Those that have not stay in c->open. */
static enum err_code drop_done(struct chain *c, struct store *s, struct err *e)
{
    if (c->n_open == 0)
        return ERR_OK;
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql, "SELECT DISTINCT n FROM %s.weir_ledger WHERE source = ", c->database);
    print_string_literal(&sql, str_of(c->source));
    buf_text(&sql, " AND n IN (");
    for (size_t i = 0; i < c->n_open; i++)
        buf_printf(&sql, "%s%" PRIu64, i ? ", " : "", c->open[i].n);
    buf_text(&sql, ")");
    struct native_result r = {0};
    TRY(store_native(s, buf_cstr(&sql), &r, e));
    for (size_t i = 0; i < r.n_rows; i++)
        chain_close_row(c, cell_u64(&r, 0, i));
    native_result_done(&r);
    return ERR_OK;
}

void chain_close_row(struct chain *c, uint64_t n)
{
    for (size_t i = 0; i < c->n_open; i++) {
        if (c->open[i].n != n)
            continue;
        chain_row_done(&c->open[i]);
        memmove(&c->open[i], &c->open[i + 1], (c->n_open - i - 1) * sizeof(*c->open));
        c->n_open--;
        return;
    }
}

static void add_open(struct chain *c, const struct chain_row *row)
{
    c->open = xrealloc(c->open, (c->n_open + 1) * sizeof(*c->open));
    c->open[c->n_open++] = *row;
}

/* The ends of a checkpoint become the chain's, which has none yet. Takes the paths. */
static void take_ends(struct chain *c, struct chain_row *row)
{
    c->ends = xcalloc(row->n_ranges, sizeof(*c->ends));
    c->cap_ends = row->n_ranges;
    for (size_t i = 0; i < row->n_ranges; i++) {
        struct file_mark *m = &row->ranges[i].mark;
        if (c->n_ends > 0 && c->ends[c->n_ends - 1].partition >= m->partition) {
            set_end(c, m); /* out of order: not written so */
            continue;
        }
        c->ends[c->n_ends++] = *m;
        m->path = NULL;
        if (m->partition >= c->next_partition && m->partition != REJECTS_PARTITION)
            c->next_partition = m->partition + 1;
    }
}

static enum err_code read_checkpoint(struct chain *c, struct store *s, struct buf *open_list,
                                     struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    select_rows(&sql, c, "kind = 'checkpoint' ORDER BY n DESC LIMIT 1");
    struct native_result r = {0};
    TRY(store_native(s, buf_cstr(&sql), &r, e));
    enum err_code code = ERR_OK;
    if (r.n_rows > 0) {
        struct chain_row row;
        code = row_from_cells(&row, &r, 0, e);
        if (code == ERR_OK) {
            take_ends(c, &row);
            c->last_n = c->last_checkpoint = row.n;
            c->last_now = row.now;
            c->last_slot_s = row.slot_s;
            c->last_margin_s = row.margin_s;
            struct str text = cell_str(&r, 9, 0);
            while (text.n > 0) {
                struct str line = next_line(&text);
                uint64_t n;
                if (str_is(next_field(&line), "open") && field_u64(&line, &n))
                    buf_printf(open_list, "%s%" PRIu64, open_list->n ? ", " : "", n);
            }
        }
        chain_row_done(&row);
    }
    native_result_done(&r);
    return code;
}

/* Adopts the rows that `condition` picks, in order of n; those in `known` (already adopted) only
 * become open. */
static enum err_code read_rows(struct chain *c, struct store *s, const char *condition,
                               bool is_known, size_t *n_new, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    select_rows(&sql, c, condition);
    struct native_result r = {0};
    TRY(store_native(s, buf_cstr(&sql), &r, e));
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < r.n_rows && code == ERR_OK; i++) {
        struct chain_row row;
        code = row_from_cells(&row, &r, i, e);
        if (code != ERR_OK) {
            chain_row_done(&row);
            break;
        }
        bool valid = is_known || is_valid(c, &row);
        if (!is_known)
            adopt(c, &row);
        if (valid)
            add_open(c, &row);
        else
            chain_row_done(&row);
        if (n_new)
            ++*n_new;
    }
    native_result_done(&r);
    return code;
}

enum err_code chain_read(struct chain *c, struct store *s, const char *database, const char *source,
                         struct err *e)
{
    *c = (struct chain){.source = xstrdup(source), .database = database};
    AUTO_DONE(buf) open_list = {0};
    AUTO_DONE(buf) condition = {0};
    TRY(read_checkpoint(c, s, &open_list, e));
    if (open_list.n) {
        buf_printf(&condition, "kind != 'checkpoint' AND n IN (%s) ORDER BY n",
                   buf_cstr(&open_list));
        TRY(read_rows(c, s, buf_cstr(&condition), true, NULL, e));
        buf_reset(&condition);
    }
    buf_printf(&condition, "kind != 'checkpoint' AND n > %" PRIu64 " ORDER BY n",
               c->last_checkpoint);
    TRY(read_rows(c, s, buf_cstr(&condition), false, NULL, e));
    return drop_done(c, s, e);
}

enum err_code chain_refresh(struct chain *c, struct store *s, size_t *n_new, struct err *e)
{
    AUTO_DONE(buf) condition = {0};
    buf_printf(&condition, "kind != 'checkpoint' AND n > %" PRIu64 " ORDER BY n", c->last_n);
    *n_new = 0;
    return read_rows(c, s, buf_cstr(&condition), false, n_new, e);
}

void chain_done(struct chain *c)
{
    for (size_t i = 0; i < c->n_ends; i++)
        free(c->ends[i].path);
    for (size_t i = 0; i < c->n_open; i++)
        chain_row_done(&c->open[i]);
    free(c->ends);
    free(c->open);
    free(c->source);
    *c = (struct chain){0};
}

/* ---- appending ---- */

static void put_text_column(struct buf *body, const char *name, const char *type, struct str value)
{
    native_column_head(body, name, type);
    buf_varuint(body, value.n);
    buf_str(body, value);
}

static void row_block(struct buf *body, const struct chain *c, const struct chain_row *row,
                      struct str blocks, int64_t deadline)
{
    AUTO_DONE(buf) ranges = {0};
    ranges_print(&ranges, row->ranges, row->n_ranges);
    buf_reset(body);
    native_block(body, 13, 1);
    put_text_column(body, "source", "String", str_of(c->source));
    native_column_head(body, "n", "UInt64");
    buf_u64(body, row->n);
    put_text_column(body, "kind", "String", str_of(kind_names[row->kind]));
    native_column_head(body, "lane", "UInt64");
    buf_u64(body, row->lane);
    put_text_column(body, "process", "String", str_of(row->process));
    native_column_head(body, "generation", "UInt32");
    buf_u32(body, row->generation);
    native_column_head(body, "now", "DateTime");
    buf_u32(body, (uint32_t)row->now);
    native_column_head(body, "slot_s", "UInt32");
    buf_u32(body, (uint32_t)row->slot_s);
    native_column_head(body, "margin_s", "UInt32");
    buf_u32(body, (uint32_t)row->margin_s);
    put_text_column(body, "ranges", "String", buf_view(&ranges));
    put_text_column(body, "blocks", "String", blocks);
    put_text_column(body, "lookups", "String", str_of(row->lookups ? row->lookups : ""));
    native_column_head(body, "_deadline", "DateTime");
    buf_u32(body, (uint32_t)deadline);
}

static const char chain_columns[] =
    "source, n, kind, lane, process, generation, now, slot_s, margin_s, ranges, blocks, "
    "lookups, _deadline";

/* Reads row n (absent: row->n = 0) and the store's time. */
static enum err_code read_row(struct chain *c, struct store *s, uint64_t n, struct chain_row *row,
                              int64_t *now, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_text(
        &sql,
        "SELECT r.*, toUInt64(toUnixTimestamp(now())) FROM (SELECT 1 AS one) AS o LEFT JOIN (");
    AUTO_DONE(buf) condition = {0};
    buf_printf(&condition, "kind != 'checkpoint' AND n = %" PRIu64 " LIMIT 1", n);
    AUTO_DONE(buf) inner = {0};
    select_rows(&inner, c, buf_cstr(&condition));
    /* The join needs a key of its own. */
    buf_printf(&sql, "SELECT *, 1 AS one FROM (%s)) AS r ON o.one = r.one", buf_cstr(&inner));
    struct native_result r = {0};
    TRY(store_native(s, buf_cstr(&sql), &r, e));
    enum err_code code = r.n_rows == 1
                             ? row_from_cells(row, &r, 0, e)
                             : err_set(e, ERR_STORE, "weir_epochs: no answer for row %" PRIu64, n);
    if (code == ERR_OK)
        *now = (int64_t)cell_u64(&r, r.n_columns - 1, 0);
    native_result_done(&r);
    return code;
}

/* One try for row->n = last_n + 1: ERR_OK if the chain holds our row there, ERR_CONFLICT if
 * another's. */
static enum err_code append_at(struct chain *c, struct store *s, struct chain_row *row,
                               const _Atomic bool *stop, struct err *e)
{
    /* Row 1 has no row before it: every process must cut its slots alike, so by constants. */
    struct slot_grid grid = {.t0 = c->last_now,
                             .slot_s = c->last_n ? c->last_slot_s : FIRST_SLOT_S,
                             .margin_s = c->last_n ? c->last_margin_s : FIRST_MARGIN_S};
    struct attempt attempt = {.slot = INT64_MIN};
    AUTO_MEM char *family = xasprintf("%s#%" PRIu64, c->source, row->n);
    AUTO_MEM char *prefix = xasprintf("%s@", family);
    AUTO_MEM char *table = xasprintf("%s.weir_epochs", c->database);
    AUTO_DONE(buf) body = {0};
    AUTO_DONE(buf) blocks = {0};
    blocks_print(&blocks, row->blocks, row->n_blocks);
    for (;;) {
        struct chain_row there = {0};
        int64_t now = 0;
        enum err_code code = read_row(c, s, row->n, &there, &now, e);
        if (code != ERR_OK) {
            chain_row_done(&there);
            return code; /* outcome unknown: the caller comes back with the same row */
        }
        bool is_there = there.n == row->n;
        bool is_mine =
            is_there && there.lane == row->lane && strcmp(there.process, row->process) == 0;
        if (is_mine)
            adopt(c, &there);
        chain_row_done(&there);
        if (is_there)
            return is_mine
                       ? ERR_OK
                       : err_set(e, ERR_CONFLICT, "another process wrote epoch %" PRIu64 " of %s",
                                 row->n, c->source);

        if (slot_wait(&grid, now) > 0) {
            if (stop && *stop)
                return err_set(e, ERR_STOPPED, "stopped before the intent");
            clock_sleep_ms(200);
            continue;
        }
        attempt_next(&attempt, &grid, now);
        if (attempt.slot != 0 && attempt.number == 0) {
            TRY(insert_wait_running(s, prefix, stop, e));
            TRY(read_row(c, s, row->n, &there, &now, e));
            is_there = there.n == row->n;
            chain_row_done(&there);
            if (is_there || slot_of(&grid, now) != attempt.slot || slot_wait(&grid, now) > 0)
                continue;
        }
        row_block(&body, c, row, buf_view(&blocks), slot_deadline(&grid, attempt.slot));
        code = insert_send(s, table, chain_columns, family, &attempt, &grid, buf_view(&body), e);
        attempt.is_acknowledged = code == ERR_OK;
        if (code != ERR_OK)
            return code; /* the caller says so and comes back with the same row */
    }
}

enum err_code chain_append(struct chain *c, struct store *s, struct chain_row *row,
                           const _Atomic bool *stop, struct err *e)
{
    for (;;) {
        if (!is_valid(c, row))
            return err_set(e, ERR_CONFLICT,
                           "the chain of %s has moved on: what was gathered is in another epoch",
                           c->source);
        row->n = c->last_n + 1;
        enum err_code code = append_at(c, s, row, stop, e);
        if (code != ERR_CONFLICT)
            return code;
        /* Another process wrote that n (a retry of rejects, say). From the start: is our epoch
         * still valid? */
        size_t n_new;
        TRY(chain_refresh(c, s, &n_new, e));
        log_info("chain", "moved_on", "source=%s rows=%zu", c->source, n_new);
    }
}

enum err_code chain_checkpoint(struct chain *c, struct store *s, const struct chain_row *like,
                               struct err *e)
{
    struct chain_row row = *like;
    row.kind = CHAIN_CHECKPOINT;
    row.n = c->last_n;
    row.now = c->last_now;
    row.lookups = NULL;
    row.n_ranges = c->n_ends;
    row.ranges = xcalloc(c->n_ends, sizeof(*row.ranges));
    for (size_t i = 0; i < c->n_ends; i++)
        row.ranges[i] = (struct chain_range){c->ends[i].position, c->ends[i].position, c->ends[i]};
    AUTO_DONE(buf) blocks = {0};
    for (size_t i = 0; i < c->n_open; i++)
        buf_printf(&blocks, "open\t%" PRIu64 "\n", c->open[i].n);

    /* A second checkpoint of the same n does no harm: both are true. So no slots, only a token. */
    struct slot_grid grid = {.t0 = 0, .slot_s = row.slot_s, .margin_s = row.margin_s};
    struct attempt attempt = {.slot = clock_wall_s() / grid.slot_s,
                              .number = (int64_t)(like->lane & 0xffffff)};
    AUTO_MEM char *family = xasprintf("%s#%" PRIu64 "/checkpoint", c->source, row.n);
    AUTO_MEM char *table = xasprintf("%s.weir_epochs", c->database);
    AUTO_DONE(buf) body = {0};
    row_block(&body, c, &row, buf_view(&blocks), UINT32_MAX);
    enum err_code code =
        insert_send(s, table, chain_columns, family, &attempt, &grid, buf_view(&body), e);
    free(row.ranges);
    if (code == ERR_OK)
        c->last_checkpoint = row.n;
    return code;
}
