/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts into decisions. A column gets the narrowest type that takes what was seen, with room
 * above it; a few values in a thousand that fit nothing do not decide (they become rejects), and
 * everything is said with its reason. */
#include "cli/infer/decide_priv.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "codec/value.h"
#include "lang/parse.h"

/* ---- types ---- */

static uint64_t null_count(const struct column_stats *s)
{
    uint64_t n = s->n_missing;
    for (size_t i = 0; i < NULL_SPELLINGS; i++)
        n += s->n_null[i];
    return n;
}

static void put_thousands(struct buf *out, uint64_t v)
{
    char digits[32], grouped[48];
    int n = snprintf(digits, sizeof(digits), "%" PRIu64, v), at = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            grouped[at++] = ',';
        grouped[at++] = digits[i];
    }
    buf_put(out, grouped, (size_t)at);
}

static void say_misfits(struct decision *d, uint64_t n_fit)
{
    if (n_fit >= d->s->n_values)
        return;
    buf_text(&d->why, "; ");
    put_thousands(&d->why, d->s->n_values - n_fit);
    buf_text(&d->why, " of ");
    put_thousands(&d->why, d->s->n_values);
    const char *example = d->s->n_kind[VALUE_TEXT] ? d->s->example[VALUE_TEXT] : "";
    buf_printf(&d->why, " are none%s%s%s and will be rejects", *example ? " ('" : "", example,
               *example ? "')" : "");
}

void decide_time(struct decision *d, const char *what, bool is_direct)
{
    const struct column_stats *s = d->s;
    bool is_wide = s->n_out_of_range > 0;
    bool is_day = s->n_date_only * 2 > s->n_values && s->fraction == 0;
    unsigned scale = s->fraction == 0 && is_wide ? 3
                     : s->fraction > 6           ? 9
                     : s->fraction > 3           ? 6
                     : s->fraction > 0           ? 3
                                                 : 0;
    if (scale > 6 && is_wide)
        scale = 6;
    if (scale == 0) {
        d->base = "DateTime('UTC')";
        d->convert = "parseDateTimeBestEffort(%s, 'UTC')";
    } else {
        d->base = scale == 3   ? "DateTime64(3, 'UTC')"
                  : scale == 6 ? "DateTime64(6, 'UTC')"
                               : "DateTime64(9, 'UTC')";
        d->convert = scale == 3   ? "parseDateTime64BestEffort(%s, 3, 'UTC')"
                     : scale == 6 ? "parseDateTime64BestEffort(%s, 6, 'UTC')"
                                  : "parseDateTime64BestEffort(%s, 9, 'UTC')";
    }
    d->must_convert = !is_direct;
    if (s->n_comma_times > 0) {
        d->must_convert = true;
        d->convert =
            arena_printf(&d->inf->arena,
                         "parseDateTime64BestEffort(replaceOne(%%s, ',', '.'), %u, 'UTC')", scale);
    }
    d->c->role = ROLE_TIME;
    buf_printf(&d->why, "%s", what);
    if (is_day) {
        buf_text(&d->why, ", days without a clock");
        buf_text(&d->change, "another zone: its name for 'UTC'");
    } else if (s->n_zoned < s->n_values) {
        buf_text(&d->why, s->n_zoned ? ", some without a zone: those are read as UTC"
                                     : ", without a zone: read as UTC");
        buf_text(&d->change, "another zone: DateTime64(3, 'Europe/Berlin')");
    } else {
        buf_text(&d->change, "coarser: DateTime('UTC'); as text: String");
    }
}

static void decide_epoch(struct decision *d, size_t unit)
{
    static const char *const types[] = {"DateTime('UTC')", "DateTime64(3, 'UTC')",
                                        "DateTime64(6, 'UTC')", "DateTime64(9, 'UTC')"};
    static const char *const converts[] = {"fromUnixTimestamp(toInt64(%s))",
                                           "fromUnixTimestamp64Milli(toInt64(%s), 'UTC')",
                                           "fromUnixTimestamp64Micro(toInt64(%s), 'UTC')",
                                           "fromUnixTimestamp64Nano(toInt64(%s), 'UTC')"};
    static const char *const units[] = {"10 digits, seconds", "13 digits, milliseconds",
                                        "16 digits, microseconds", "19 digits, nanoseconds"};
    d->base = types[unit];
    d->convert = converts[unit];
    d->c->role = ROLE_TIME;
    buf_printf(&d->why, "%s since 1970: all between 1980 and tomorrow", units[unit]);
    buf_text(&d->change, "as a number: UInt64");
}

/* "never others: Enum8('a' = 1, …)", where these are few and short. */
static bool put_enum(struct buf *out, const struct column_stats *s)
{
    AUTO_DONE(buf) list = {0};
    if (s->is_full || s->n_seen != s->n_few || s->n_seen < 2 || s->n_seen * 10 > s->n_values)
        return false;
    for (size_t i = 0; i < s->n_few; i++) {
        buf_text(&list, i ? ", " : "");
        print_string_literal(&list, str_of(s->few[i]));
        buf_printf(&list, " = %zu", i + 1);
    }
    if (list.n > 100)
        return false;
    buf_printf(out, "never others: Enum8(%s)", buf_cstr(&list));
    return true;
}

void decide_text(struct decision *d, const char *why)
{
    const struct column_stats *s = d->s;
    /* Each value comes again, often. In a few records that is seen less well. */
    bool is_few =
        !s->is_full && s->n_seen <= 10000 &&
        (s->n_seen * 10 <= s->n_values || (s->n_seen <= 200 && s->n_seen * 2 <= s->n_values) ||
         (s->n_values < 20 && s->n_seen < s->n_values));
    d->base = is_few ? "LowCardinality(String)" : "String";
    d->convert = "%s";
    if (why)
        buf_printf(&d->why, "%s, ", why);
    put_thousands(&d->why, s->n_seen);
    buf_printf(&d->why, "%s distinct value%s in ", s->is_full ? " and more" : "",
               s->n_seen == 1 ? "" : "s");
    put_thousands(&d->why, s->n_values);
    if (!is_few || !put_enum(&d->change, s))
        buf_text(&d->change,
                 is_few ? "many values to come: String" : "few values: LowCardinality(String)");
    d->c->role = is_few && s->n_seen >= 2 && s->n_seen <= 1000 ? ROLE_DIMENSION : ROLE_PLAIN;
}

void decide_number_role(struct decision *d, bool is_key)
{
    const struct column_stats *s = d->s;
    bool is_few = !s->is_full && s->n_seen <= 20 && s->n_seen * 10 <= s->n_values;
    bool is_unique = s->n_seen == s->n_counted && s->n_values >= 20;
    bool is_counting = s->n_values >= 3 && s->n_steps + 1 >= s->n_values;
    if (is_key) {
        buf_text(&d->why, "; the name says key: never a measure");
        d->c->role = is_few && s->n_seen >= 2 ? ROLE_DIMENSION : ROLE_KEY;
    } else if (is_few) {
        buf_printf(&d->why, "; %zu distinct values", s->n_seen);
        d->c->role = s->n_seen >= 2 ? ROLE_DIMENSION : ROLE_PLAIN;
    } else if (is_counting || is_unique) {
        buf_text(&d->why, is_counting ? "; counts the rows: never a measure"
                                      : "; each one once: a key, never a measure");
        d->c->role = ROLE_KEY;
    } else if (name_is_place(decision_name(d))) {
        d->c->role = ROLE_PLAIN;
    } else {
        buf_text(&d->why, ", many values: a measure");
        d->c->role = ROLE_MEASURE;
    }
}

static void decide_integer(struct decision *d)
{
    const struct column_stats *s = d->s;
    const char *name = d->c->path ? d->c->path : d->c->name;
    if (s->n_leading_zero > 0) {
        decide_text(d, "numbers with leading zeros are names");
        return;
    }
    if (s->n_huge > 0 || (s->n_negative > 0 && s->max > INT64_MAX)) {
        decide_text(d, "more digits than 64 bits hold");
        return;
    }
    bool is_key = name_is_key(name);
    for (size_t i = 0; !is_key && i < 4; i++) {
        if (decision_fits(d, s->n_epoch[i])) {
            decide_epoch(d, i);
            return;
        }
    }
    if (!is_key && decision_fits(d, s->n_date8) && name_is_time(name)) {
        decide_time(d, "dates as YYYYMMDD", true);
        return;
    }
    d->c->is_signed = s->n_negative > 0;
    if (d->c->is_signed) {
        bool is_small = s->min > -(1 << 29) && s->max < 1 << 29;
        d->base = is_small ? "Int32" : "Int64";
        d->convert = is_small ? "toInt32(%s)" : "toInt64(%s)";
    } else {
        bool is_small = s->max < 1u << 30;
        d->base = is_small ? "UInt32" : "UInt64";
        d->convert = is_small ? "toUInt32(%s)" : "toUInt64(%s)";
    }
    buf_printf(&d->why, "whole numbers %" PRId64 " to ", s->min);
    if (s->n_negative == s->n_kind[VALUE_INT])
        buf_text(&d->why, "-1");
    else
        buf_printf(&d->why, "%" PRIu64, s->max);
    decide_number_role(d, is_key);
    buf_text(&d->change, d->c->is_signed ? "wider: Int64; as text: String"
                                         : "negative: Int32; wider: UInt64; as text: String");
}

static void decide_float(struct decision *d)
{
    const char *name = d->c->path ? d->c->path : d->c->name;
    const struct column_stats *s = d->s;
    if (name_is_time(name) && !name_is_key(name) &&
        decision_fits(d, s->n_epoch_float + s->n_epoch[0])) {
        d->base = "DateTime64(6, 'UTC')";
        d->convert = "toDateTime64(%s, 6, 'UTC')";
        if (d->inf->layout.is_json) {
            d->number = "Float64";
            d->must_convert = true;
        } else {
            d->convert = "parseDateTime64BestEffort(%s, 6, 'UTC')";
        }
        d->c->role = ROLE_TIME;
        buf_text(&d->why, "seconds since 1970 with a fraction: all between 1980 and tomorrow");
        buf_text(&d->change, "as a number: Float64");
        return;
    }
    d->base = "Float64";
    d->convert = "toFloat64(%s)";
    d->c->is_signed = s->n_negative > 0;
    d->c->is_real = true;
    buf_printf(&d->why, "numbers with a fraction ('%s')", s->example[VALUE_FLOAT]);
    bool is_plain = name_is_key(name) || name_is_place(name) || s->n_seen < 2;
    if (!is_plain)
        buf_text(&d->why, ": a measure");
    d->c->role = is_plain ? ROLE_PLAIN : ROLE_MEASURE;
    buf_text(&d->change, "smaller: Float32; as text: String");
}

/* "4/13/2023 …" to "13/4/2023 …", which the reader of times takes as day first. */
static void put_swapped(struct buf *out, const char *text, char separator)
{
    AUTO_MEM char *a = xasprintf("position(%s, '%c')", text, separator);
    AUTO_MEM char *b = xasprintf("position(%s, '%c', %s + 1)", text, separator, a);
    buf_printf(out, "concat(substring(%s, %s + 1, %s - %s), left(%s, %s), substring(%s, %s + 1))",
               text, a, b, a, text, a, text, b);
}

static void decide_day_month(struct decision *d)
{
    struct infer_column *c = d->c;
    const struct column_stats *s = d->s;
    if (c->order == ORDER_UNKNOWN)
        c->order = s->n_day_first     ? ORDER_DAY_FIRST
                   : s->n_month_first ? ORDER_MONTH_FIRST
                                      : ORDER_UNKNOWN;
    bool is_day_first = c->order != ORDER_MONTH_FIRST;
    int64_t ticks;
    bool is_read = value_datetime64(&ticks, str_of(s->example[VALUE_DAY_MONTH]), NULL, 3) == NULL;
    AUTO_DONE(buf) what = {0};
    const char *example = is_day_first ? s->day_first_example : s->month_first_example;
    if (*example)
        buf_printf(&what, "dates, %s first ('%s')", is_day_first ? "day" : "month", example);
    else
        buf_printf(&what, "dates, %s first (as asked for)", is_day_first ? "day" : "month");
    decide_time(d, buf_cstr(&what), is_day_first && is_read);
    if (!is_day_first) {
        c->text_name = column_free_name(d->inf, d->inf->n_columns,
                                        arena_printf(&d->inf->arena, "%s_text", c->name));
        AUTO_DONE(buf) expression = {0};
        const char *hole = strstr(d->convert, "%s");
        buf_put(&expression, d->convert, (size_t)(hole - d->convert));
        put_swapped(&expression, c->text_name, s->separator ? s->separator : '/');
        buf_text(&expression, hole + 2);
        d->convert = arena_text(&d->inf->arena, buf_view(&expression));
    }
}

static void decide_kind(struct decision *d)
{
    const struct column_stats *s = d->s;
    const uint64_t *n = s->n_kind;
    uint64_t n_fit;
    if (decide_json_compound(d) || decide_declared(d))
        return;
    if (s->n_values == 0) {
        d->base = "String";
        d->convert = "%s";
        buf_text(&d->why, "no value in the sample");
        buf_text(&d->change, "its type, once you know it");
        return;
    }
    if (s->n_objects > 0) {
        decide_text(d, "a value here, an object there: both as text");
        n_fit = s->n_values;
    } else if (n[VALUE_WRITTEN] > 0 && decide_form(d, &n_fit)) {
        /* also where few are so: they would be rejects among plain numbers */
    } else if (decision_fits(d, n_fit = n[VALUE_BOOL])) {
        d->base = "Bool";
        d->convert = "toBool(%s)";
        buf_text(&d->why, "true and false");
        buf_text(&d->change, "as text: LowCardinality(String)");
        d->c->role = ROLE_DIMENSION;
    } else if (decision_fits(d, n_fit = n[VALUE_IPV4] + n[VALUE_IPV6])) {
        d->base = n[VALUE_IPV6] ? "IPv6" : "IPv4";
        d->convert = n[VALUE_IPV6] ? "toIPv6(%s)" : "toIPv4(%s)";
        buf_text(&d->why, n[VALUE_IPV6] && n[VALUE_IPV4] ? "addresses of both kinds"
                          : n[VALUE_IPV6]                ? "IPv6 addresses"
                                                         : "IPv4 addresses");
        buf_text(&d->change,
                 n[VALUE_IPV6] ? "as text: String" : "IPv6 ones to come: IPv6; as text: String");
    } else if (n[VALUE_FLOAT] > 0 && decision_fits(d, n_fit = n[VALUE_INT] + n[VALUE_FLOAT])) {
        decide_float(d);
    } else if (decision_fits(d, n_fit = n[VALUE_INT])) {
        decide_integer(d);
    } else if (decision_fits(d, n_fit = n[VALUE_DAY_MONTH]) && s->n_other_separator == 0) {
        decide_day_month(d);
    } else if (decision_fits(d, n_fit = n[VALUE_TIME])) {
        decide_time(d,
                    s->n_iso >= n[VALUE_TIME]
                        ? (s->n_iso == s->n_values ? "100 % ISO times" : "ISO times")
                        : "times",
                    true);
    } else if (!decide_form(d, &n_fit)) {
        decide_text(d, NULL);
        n_fit = s->n_values;
    }
    if (strstr(d->base, "String") == NULL || strncmp(d->base, "Array", 5) == 0)
        say_misfits(d, n_fit);
}

/* ---- NULL ---- */

static bool needs_text(const struct column_stats *s)
{
    return s->n_null[NULL_NA] || s->n_null[NULL_N_A] || s->n_null[NULL_WORD] ||
           s->n_null[NULL_DASH] || s->n_null[NULL_QUOTED];
}

static void put_null_list(struct buf *out, const struct column_stats *s)
{
    buf_text(out, "('', ");
    for (size_t i = NULL_NA; i < NULL_MARK; i++)
        if (s->n_null[i])
            buf_printf(out, "'%s', ", null_spelling_texts[i]);
    out->n -= 2;
    buf_byte(out, ')');
}

static void say_nulls(struct decision *d)
{
    static const char *const shown[] = {"''", "\"\"", "NA", "N/A", "null", "-", "\\N"};
    buf_text(&d->why, "; NULL:");
    for (size_t i = 0; i < NULL_SPELLINGS; i++) {
        if (d->s->n_null[i] == 0)
            continue;
        buf_printf(&d->why, " %s ", d->inf->layout.is_json && i == NULL_MARK ? "null" : shown[i]);
        put_thousands(&d->why, d->s->n_null[i]);
        buf_text(&d->why, "x");
    }
    if (d->s->n_missing) {
        buf_text(&d->why, " not there ");
        put_thousands(&d->why, d->s->n_missing);
        buf_text(&d->why, "x");
    }
}

static void finish_type(struct decision *d)
{
    struct infer_column *c = d->c;
    struct arena *arena = &d->inf->arena;
    c->is_nullable = null_count(d->s) > 0 || d->s->n_values == 0;
    if (strncmp(d->base, "Array(", 6) == 0 || strncmp(d->base, "Map(", 4) == 0) {
        c->type = arena_text(arena, str_of(d->base)); /* where there is none it is empty */
        return;
    }
    bool is_low = strcmp(d->base, "LowCardinality(String)") == 0;
    c->type = c->is_nullable ? is_low ? arena_text(arena, STR("LowCardinality(Nullable(String))"))
                                      : arena_printf(arena, "Nullable(%s)", d->base)
                             : arena_text(arena, str_of(d->base));
    /* FORMAT TSV reads an empty number as 0, an empty text as ''. */
    bool has_spelling = needs_text(d->s) || (d->inf->layout.is_tsv && d->s->n_null[NULL_EMPTY] > 0);
    if (!d->must_convert && !has_spelling)
        return;
    if (c->text_name == NULL)
        c->text_name =
            column_free_name(d->inf, d->inf->n_columns,
                             arena_printf(arena, "%s_%s", c->name, d->number ? "number" : "text"));
    AUTO_DONE(buf) e = {0};
    const char *hole = strstr(d->convert, "%s");
    c->text_type = arena_text(arena, str_of(d->number ? d->number : "String"));
    if (d->number && c->is_nullable)
        c->text_type = arena_printf(arena, "Nullable(%s)", d->number);
    bool has_list = c->is_nullable && !d->number;
    if (has_list) {
        buf_printf(&e, "if(%s IN ", c->text_name);
        put_null_list(&e, d->s);
        buf_text(&e, ", NULL, ");
    }
    if (hole) {
        buf_put(&e, d->convert, (size_t)(hole - d->convert));
        buf_text(&e, c->text_name);
        buf_text(&e, hole + 2);
    } else {
        buf_text(&e, d->convert);
    }
    if (has_list)
        buf_byte(&e, ')');
    c->expression = arena_text(arena, buf_view(&e));
}

static void decide_column(struct inference *inf, size_t i)
{
    struct infer_column *c = inf->columns[i];
    struct decision d = {.inf = inf, .c = c, .s = &c->stats};
    d.tolerance = inf->is_paused || c->stats.n_values < 200 ? 0 : c->stats.n_values / 200;
    c->role = ROLE_PLAIN;
    c->text_name = c->expression = NULL;
    c->is_skipped = c->is_signed = c->is_real = false;
    /* null where others have an object: that one's own columns say it. */
    bool is_object = c->stats.n_objects > 0 && c->stats.n_values == 0 && c->stats.n_arrays == 0;
    bool is_never = decoder_names(inf->layout.format) && c->stats.n_values == 0;
    bool is_nameless = inf->layout.is_decoded && c->path && *c->path == '\0';
    if (is_object || is_never || is_nameless) {
        c->is_skipped = true;
        c->type = arena_text(&inf->arena, STR("-"));
        c->reason = arena_text(
            &inf->arena,
            is_nameless ? STR("not read: the header has no name for it")
            : is_never  ? STR("not read: no record has it")
                       : STR("not read: null or an object, whose fields are columns of their own"));
        c->change = arena_text(&inf->arena, STR(""));
        return;
    }
    decide_kind(&d);
    if (null_count(d.s) > 0 && d.s->n_values > 0)
        say_nulls(&d);
    finish_type(&d);
    c->reason = arena_text(&inf->arena, buf_view(&d.why));
    c->change = arena_text(&inf->arena, buf_view(&d.change));
    buf_done(&d.why);
    buf_done(&d.change);
}

/* ---- event time, dimensions, measures ---- */

static void choose_event_time(struct inference *inf)
{
    int best = -1, best_score = 0, n_times = 0;
    for (size_t i = 0; i < inf->n_columns; i++) {
        const struct infer_column *c = inf->columns[i];
        const struct column_stats *s = &c->stats;
        if (c->is_skipped || c->role != ROLE_TIME)
            continue;
        n_times++;
        const char *name = c->path ? c->path : c->name;
        if (null_count(s) * 20 > inf->n_records || s->n_out_of_range * 20 > s->n_values)
            continue;
        int score = 100 + (s->n_date_only * 2 < s->n_values ? 20 : 0) +
                    (name_is_time(name) ? 10 : 0) - (name_is_other_time(name) ? 40 : 0) -
                    (null_count(s) ? 5 : 0) - (*name == '_' ? 15 : 0) - (int)(i < 9 ? i : 9) +
                    (c->path == NULL ? 10 : 0) -
                    (s->n_seen <= 2 && s->n_values >= 20 ? 30 : 0); /* hardly moves */
        if (score > best_score) {
            best = (int)i;
            best_score = score;
        }
    }
    inf->event_time = best;
    if (best < 0) {
        inf->event_reason = arena_text(
            &inf->arena,
            n_times ? STR("no column holds times in all records: _arrival, the time of reading")
                    : STR("no column holds times: _arrival, the time of reading"));
        return;
    }
    struct infer_column *c = inf->columns[best];
    inf->event_reason = arena_printf(
        &inf->arena, "%s is the %s%s", c->name,
        n_times == 1 ? "only column with times" : "column whose name and values fit best",
        null_count(&c->stats) ? "; records without it are rejects" : "");
    c->reason = arena_printf(&inf->arena, "%s: the event time", c->reason);
}

/* How well a breakdown by this column reads. */
static int dimension_score(const struct inference *inf, const struct infer_column *c)
{
    size_t n = c->stats.n_seen;
    int score = n >= 5 && n <= 500 ? 30 : n <= 4 ? 20 : 10;
    if (strstr(c->type, "String") == NULL)
        score -= 5;
    if (name_is_key(c->path ? c->path : c->name))
        score -= 3;
    if (null_count(&c->stats) * 2 > inf->n_records)
        score -= 15;
    return score;
}

static void choose_dimensions(struct inference *inf)
{
    enum { WANTED = 3 };
    AUTO_MEM bool *is_chosen = xcalloc(inf->n_columns + 1, sizeof(*is_chosen));
    for (int k = 0; k < WANTED; k++) {
        int best = -1, best_score = 0;
        for (size_t i = 0; i < inf->n_columns; i++) {
            const struct infer_column *c = inf->columns[i];
            if (c->is_skipped || c->role != ROLE_DIMENSION || is_chosen[i] || c->stats.n_seen < 2)
                continue;
            int score = dimension_score(inf, c);
            if (score > best_score) {
                best = (int)i;
                best_score = score;
            }
        }
        if (best >= 0)
            is_chosen[best] = true;
    }
    inf->n_dimensions = 0;
    for (size_t i = 0; i < inf->n_columns; i++) {
        if (is_chosen[i]) {
            inf->dimensions[inf->n_dimensions++] = (int)i;
            inf->columns[i]->reason =
                arena_printf(&inf->arena, "%s: a dimension", inf->columns[i]->reason);
        }
    }
}

static void choose_measures(struct inference *inf)
{
    enum { WANTED = 4 };
    inf->n_measures = 0;
    for (size_t i = 0; i < inf->n_columns && inf->n_measures < WANTED; i++) {
        struct infer_column *c = inf->columns[i];
        if (c->is_skipped || c->role != ROLE_MEASURE || null_count(&c->stats) * 2 > inf->n_records)
            continue;
        const char *name = c->path ? c->path : c->name;
        c->is_averaged = !name_is_sum(name) && (c->is_signed || c->is_real || name_is_rate(name));
        inf->measures[inf->n_measures++] = (int)i;
    }
}

/* Each cell of an hour and a dimension's value keeps its quantiles' state, which costs ten times a
 * count. Where there are very many cells, quantiles are kept for all rows together only. */
static void choose_spread(struct inference *inf)
{
    enum { MOST_CELLS = 1000000 };
    inf->is_spread_apart = false;
    if (inf->event_time < 0 || inf->sampled_bytes == 0)
        return;
    const struct column_stats *t = &inf->columns[inf->event_time]->stats;
    double hours = (double)(t->last_s - t->first_s) / 3600 + 1, cells = 0;
    double records = (double)inf->n_records * (double)inf->total_bytes / (double)inf->sampled_bytes;
    for (size_t i = 0; i < inf->n_dimensions; i++) {
        double own = hours * (double)inf->columns[inf->dimensions[i]]->stats.n_seen;
        cells += own < records ? own : records;
    }
    inf->is_spread_apart = cells > MOST_CELLS;
}

void inference_decide(struct inference *inf)
{
    inf->name = source_name_of(inf->files[0]);
    char *name = arena_text(&inf->arena, str_of(inf->name));
    free(inf->name);
    inf->name = name;
    for (size_t i = 0; i < inf->n_columns; i++)
        inf->columns[i]->name = inf->columns[i]->text_name = NULL;
    columns_name(inf);
    for (size_t i = 0; i < inf->n_columns; i++)
        decide_column(inf, i);
    choose_event_time(inf);
    choose_dimensions(inf);
    choose_measures(inf);
    choose_spread(inf);
}

enum err_code inference_date_question(const struct inference *inf, int *column, struct err *e)
{
    *column = -1;
    for (size_t i = 0; i < inf->n_columns; i++) {
        const struct infer_column *c = inf->columns[i];
        const struct column_stats *s = &c->stats;
        if (c->role != ROLE_TIME || s->n_kind[VALUE_DAY_MONTH] * 2 < s->n_values ||
            s->n_values == 0)
            continue;
        if (s->n_day_first && s->n_month_first)
            return err_set(e, ERR_INVALID,
                           "%s: column '%s' holds both orders of day and month: '%s' and '%s'; "
                           "write one order into the file",
                           inf->files[0], c->path ? c->path : c->name, s->day_first_example,
                           s->month_first_example);
        if (s->n_day_first == 0 && s->n_month_first == 0 && c->order == ORDER_UNKNOWN &&
            *column < 0)
            *column = (int)i;
    }
    return ERR_OK;
}
