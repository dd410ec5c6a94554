/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of regular expressions. A constant pattern is compiled when the value is built,
 * others once for each of the last few different texts of a batch. */
#include "base/hash.h"
#include "expr/regex.h"
#include "expr/text_kit.h"

#define IN(row) (VALUES(0, struct str)[row])
#define TEXT(arg, row) (VALUES(arg, struct str)[row])

/* RUNS_MAX: bytes of a text whose matches are looked for all at once */
enum { GROUPS_MAX = 1024, REPLACED_MAX = 10, RUNS_MAX = 4096 };

static void free_regex(void *p)
{
    regex_free(p);
}

/* NULL with a message. */
static struct regex *compile(struct site *s, uint32_t arg, struct str pattern, unsigned flags)
{
    char why[256];
    struct place at = s->node && arg < s->node->n_args ? s->node->args[arg]->at : s->at;
    struct regex *r = regex_new(pattern, flags, why, sizeof(why));

    if (r == NULL) {
        diagnose_error(s->d, at, NULL, "'%.*s' is no regular expression: %s", STR_FMT(pattern),
                       why);
        return NULL;
    }
    expr_memory_own(s->b->memory, r, free_regex);
    if (regex_n_groups(r) <= GROUPS_MAX)
        return r;
    diagnose_error(s->d, at, NULL, "the pattern has more than %d groups", GROUPS_MAX);
    return NULL;
}

static struct regex *compile_constant(struct site *s, uint32_t arg, unsigned flags)
{
    const struct str *pattern = site_constant_text(s, arg);

    if (pattern == NULL) {
        site_bad_type(s, arg, "a constant string");
        return NULL;
    }
    return compile(s, arg, *pattern, flags);
}

/* ---- patterns of rows ---- */

enum { N_CACHED = 64 };

struct cache {
    struct {
        struct str pattern;
        struct regex *regex; /* NULL: bad */
        bool is_set;
    } entries[N_CACHED];
    unsigned flags;
};

static struct regex *cache_find(struct cache *c, struct str pattern)
{
    size_t at = city_hash64(pattern.p, pattern.n) % N_CACHED;
    char why[64];

    if (c->entries[at].is_set && str_eq(c->entries[at].pattern, pattern))
        return c->entries[at].regex;
    regex_free(c->entries[at].regex);
    c->entries[at].pattern = pattern;
    c->entries[at].is_set = true;
    return c->entries[at].regex = regex_new(pattern, c->flags, why, sizeof(why));
}

static void cache_done(struct cache *c)
{
    for (size_t i = 0; i < N_CACHED; i++)
        regex_free(c->entries[i].regex);
}

/* Rows that cannot match are told apart first, all in one go: at[row] is TEXT_NOWHERE for them. */
static void find_candidates(const struct call *c, const struct regex *r, uint32_t at[BATCH_ROWS])
{
    bool any_case;
    struct str text = regex_required(r, &any_case);

    text_find_rows(at, VALUES(0, struct str), c->n, text, any_case);
}

/* ---- match ---- */

static void run_match(struct call *c)
{
    const struct regex *r = c->data;
    uint32_t at[BATCH_ROWS];

    find_candidates(c, r, at);
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint8_t)[i] = at[i] != TEXT_NOWHERE && regex_matches(r, IN(i));
}
static const struct op op_match = {"match", run_match, 0};

static void run_match_rows(struct call *c)
{
    struct cache cache = {.flags = (unsigned)c->param.i};

    for (size_t i = 0; i < c->n; i++) {
        const struct regex *r = cache_find(&cache, TEXT(1, i));
        c->fresh[i] = r ? 0 : FAULT_PARSE;
        RESULT(uint8_t)[i] = r && regex_matches(r, IN(i));
    }
    cache_done(&cache);
}
static const struct op op_match_rows = {"match", run_match_rows, OP_FAULTS};

static value_id build_match(struct site *s)
{
    if (!site_strings(s, 2))
        return VALUE_FAILED;
    if (site_constant_text(s, 1) == NULL)
        return EMIT(s->b, &op_match_rows, type_of(TYPE_UINT8), s->args[0], s->args[1]);
    struct regex *r = compile_constant(s, 1, 0);
    if (r == NULL)
        return VALUE_FAILED;
    return emit(s->b, &op_match, type_of(TYPE_UINT8), s->args, 2, (struct param){0}, r);
}

/* ---- extract: param.i = the group ---- */

static void run_extract(struct call *c)
{
    const struct regex *r = c->data;
    size_t group = (size_t)c->param.i;
    struct str *groups = arena_alloc(c->arena, (group + 1) * sizeof(*groups));
    uint32_t at[BATCH_ROWS];

    find_candidates(c, r, at);
    for (size_t i = 0; i < c->n; i++) {
        bool found = at[i] != TEXT_NOWHERE && regex_find(r, IN(i), 0, groups, group + 1);
        RESULT(struct str)[i] = found && groups[group].p ? groups[group] : (struct str){"", 0};
    }
}
static const struct op op_extract = {"extract", run_extract, 0};

/* The group is another column. */
static void run_extract_rows(struct call *c)
{
    const struct regex *r = c->data;
    int64_t n = (int64_t)regex_n_groups(r);
    struct str *groups = arena_alloc(c->arena, (size_t)(n + 1) * sizeof(*groups));

    for (size_t i = 0; i < c->n; i++) {
        int64_t group = VALUES(2, int64_t)[i];
        bool is_bad = group < 0 || group > n;
        bool found = !is_bad && regex_find(r, IN(i), 0, groups, (size_t)group + 1);
        c->fresh[i] = is_bad ? FAULT_RANGE : 0;
        RESULT(struct str)[i] = found && groups[group].p ? groups[group] : (struct str){"", 0};
    }
}
static const struct op op_extract_rows = {"regexpExtract", run_extract_rows, OP_FAULTS};

static bool is_escaped(struct str s, size_t at)
{
    size_t n = 0;

    while (n < at && s.p[at - 1 - n] == '\\')
        n++;
    return n % 2 != 0;
}

/* Without ^.* before and .*$ behind, as ClickHouse rewrites the pattern for columns. What the
 * groups are is not quite the same then: of several places the first one counts, not the last. */
static struct str without_ends(struct str s)
{
    if (str_starts(s, "^.*") && !str_starts(s, "^.*?"))
        s = (struct str){s.p + 3, s.n - 3};
    if (str_ends(s, ".*$") && !is_escaped(s, s.n - 3))
        s.n -= 3;
    return s;
}

static value_id build_extract(struct site *s)
{
    if (!site_strings(s, 2))
        return VALUE_FAILED;
    struct regex *r = compile_constant(s, 1, 0);
    if (r == NULL)
        return VALUE_FAILED;
    bool is_column = !builder_is_constant(s->b, s->args[0]) &&
                     !value_at(s->b, s->args[0])->type.is_low_cardinality;
    if (is_column && regex_n_groups(r) > 0 && !regex_has_choice(r)) {
        r = compile(s, 1, without_ends(*site_constant_text(s, 1)), 0);
        if (r == NULL)
            return VALUE_FAILED;
    }
    return emit(s->b, &op_extract, type_of(TYPE_STRING), s->args, 2,
                (struct param){.i = regex_n_groups(r) > 0}, r);
}

static value_id build_regexp_extract(struct site *s)
{
    value_id args[3] = {s->args[0], s->args[1]};

    if (!site_strings(s, 2))
        return VALUE_FAILED;
    if (s->n_args > 2 && (args[2] = site_int64(s, 2)) < 0)
        return VALUE_FAILED;
    struct regex *r = compile_constant(s, 1, 0);
    if (r == NULL)
        return VALUE_FAILED;
    const struct cell *group = s->n_args > 2 ? constant_cell(s->b, args[2]) : NULL;
    if (s->n_args > 2 && (group == NULL || group->is_null || group->fault))
        return emit(s->b, &op_extract_rows, type_of(TYPE_STRING), args, 3, (struct param){0}, r);
    int64_t n = (int64_t)regex_n_groups(r), index = group ? group->i64 : n > 0;
    if (index < 0 || index > n)
        return site_error(s, "group %lld: the pattern has %lld", (long long)index, (long long)n);
    return emit(s->b, &op_extract, type_of(TYPE_STRING), s->args, 2, (struct param){.i = index}, r);
}

/* ---- countMatches: one behind another; empty ones do not count ---- */

static void run_count(struct call *c)
{
    const struct regex *r = c->data;

    uint32_t bounds[RUNS_MAX + 2];

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i), whole;
        uint64_t n = s.n <= RUNS_MAX ? regex_find_all(r, s, bounds) : SIZE_MAX;
        if (n != SIZE_MAX) {
            RESULT(uint64_t)[i] = n / 2;
            continue;
        }
        n = 0;
        for (size_t at = 0; at < s.n && regex_find(r, s, at, &whole, 1);) {
            at = whole.n ? (size_t)(whole.p - s.p) + whole.n : at + 1;
            n += whole.n > 0;
        }
        RESULT(uint64_t)[i] = n;
    }
}
static const struct op op_count = {"countMatches", run_count, 0};

static value_id build_count(struct site *s)
{
    if (!site_strings(s, 2))
        return VALUE_FAILED;
    struct regex *r = compile_constant(s, 1, s->f->param ? REGEX_ANY_CASE : 0);
    if (r == NULL)
        return VALUE_FAILED;
    return emit(s->b, &op_count, type_of(TYPE_UINT64), s->args, 2, (struct param){.i = s->f->param},
                r);
}

/* ---- replaceRegexpOne, replaceRegexpAll ---- */

/* Text or a group for each part of the replacement. */
struct part {
    struct str text;
    int group; /* -1: text */
};
struct replacement {
    struct part *parts;
    size_t n;
};

/* False: it names a group that the pattern does not have. */
static bool replacement_make(struct replacement *ret, struct arena *arena, struct str text,
                             size_t n_groups)
{
    char *literal = arena_bytes(arena, text.n + 1), *start = literal;

    n_groups = n_groups < REPLACED_MAX ? n_groups : REPLACED_MAX - 1;
    *ret = (struct replacement){.parts = arena_alloc(arena, (text.n + 2) * sizeof(*ret->parts))};
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\\' || i + 1 == text.n) {
            *literal++ = text.p[i];
            continue;
        }
        char c = text.p[++i];
        if (!is_digit(c)) {
            *literal++ = c;
            continue;
        }
        if ((size_t)(c - '0') > n_groups)
            return false;
        if (literal != start)
            ret->parts[ret->n++] = (struct part){{start, (size_t)(literal - start)}, -1};
        start = literal;
        ret->parts[ret->n++] = (struct part){.group = c - '0'};
    }
    if (literal != start)
        ret->parts[ret->n++] = (struct part){{start, (size_t)(literal - start)}, -1};
    return true;
}

/* Behind an empty match it goes on one byte later, which is kept. */
static struct str replace(struct text_out *out, const struct regex *r, struct str s,
                          const struct replacement *by, bool all)
{
    struct str groups[REPLACED_MAX];
    size_t n = regex_n_groups(r) + 1, copied = 0, at = 0;
    bool any = false;

    if (s.p == NULL)
        s.p = "";
    n = n < REPLACED_MAX ? n : REPLACED_MAX;
    while (at <= s.n && regex_find(r, s, at, groups, n)) {
        size_t found = groups[0].p ? (size_t)(groups[0].p - s.p) : at;
        any = true;
        text_out_put(out, s.p + copied, found - copied);
        copied = at = found + groups[0].n;
        for (size_t i = 0; i < by->n; i++) {
            const struct part *part = &by->parts[i];
            text_out_str(out, part->group < 0 ? part->text : groups[part->group]);
        }
        if (groups[0].n == 0)
            at++;
        else if (by->n == 0 && at == s.n)
            break;
        if (!all)
            break;
    }
    if (!any)
        return s;
    text_out_put(out, s.p + copied, s.n - copied);
    return text_out_row(out);
}

/* The replacement holds no group. False: nothing was done. */
static bool replace_runs(struct text_out *out, const struct regex *r, struct str s, struct str by,
                         struct str *ret)
{
    uint32_t bounds[RUNS_MAX + 2];
    size_t n = s.n <= RUNS_MAX ? regex_find_all(r, s, bounds) : SIZE_MAX, copied = 0;

    if (n == SIZE_MAX)
        return false;
    *ret = s;
    if (n == 0)
        return true;
    text_out_room(out, s.n + n / 2 * by.n);
    char *at = out->at;
    for (size_t i = 0; i < n; i += 2) {
        copy_text(at, s.p + copied, bounds[i] - copied);
        at += bounds[i] - copied;
        copy_text(at, by.p, by.n);
        at += by.n;
        copied = bounds[i + 1];
    }
    copy_text(at, s.p + copied, s.n - copied);
    out->at = at + s.n - copied;
    *ret = text_out_row(out);
    return true;
}

struct replacing {
    struct regex *regex;
    struct replacement by;
};

/* One is enough, as ClickHouse decides it for constant patterns and columns: what is bound to
 * the begin or the end matches once, though an empty match might follow at the end. */
static bool matches_once(const struct regex *r, struct str pattern)
{
    bool is_bound = pattern.p[0] == '^' ||
                    (pattern.p[pattern.n - 1] == '$' && !is_escaped(pattern, pattern.n - 1));

    return is_bound && !regex_has_choice(r);
}

/* Constant pattern and replacement; param.i = all */
static void run_replace(struct call *c)
{
    const struct replacing *x = c->data;
    struct text_out out = {.arena = c->arena};
    uint32_t at[BATCH_ROWS];

    bool is_text = x->by.n == 0 || (x->by.n == 1 && x->by.parts[0].group < 0);
    struct str by = is_text && x->by.n ? x->by.parts[0].text : (struct str){"", 0};

    find_candidates(c, x->regex, at);
    for (size_t i = 0; i < c->n; i++) {
        struct str *ret = &RESULT(struct str)[i], s = IN(i);
        if (at[i] == TEXT_NOWHERE)
            *ret = s;
        else if (!is_text || !c->param.i || !replace_runs(&out, x->regex, s, by, ret))
            *ret = replace(&out, x->regex, s, &x->by, c->param.i);
    }
}
static const struct op op_replace = {"replaceRegexp", run_replace, 0};

static void run_replace_rows(struct call *c)
{
    struct cache cache = {.flags = REGEX_STRICT};
    struct text_out out = {.arena = c->arena};
    AUTO_DONE(arena) scratch = {0};

    for (size_t i = 0; i < c->n; i++) {
        struct replacement by;
        RESULT(struct str)[i] = IN(i);
        c->fresh[i] = 0;
        if (TEXT(1, i).n == 0)
            continue;
        const struct regex *r = cache_find(&cache, TEXT(1, i));
        arena_reset(&scratch);
        if (r == NULL || !replacement_make(&by, &scratch, TEXT(2, i), regex_n_groups(r)))
            c->fresh[i] = FAULT_PARSE;
        else
            RESULT(struct str)[i] = replace(&out, r, IN(i), &by, c->param.i);
    }
    cache_done(&cache);
}
static const struct op op_replace_rows = {"replaceRegexp", run_replace_rows, OP_FAULTS};

static value_id build_replace(struct site *s)
{
    struct param param = {.i = s->f->param};

    if (!site_strings(s, 3))
        return VALUE_FAILED;
    const struct str *pattern = site_constant_text(s, 1), *by = site_constant_text(s, 2);
    bool is_empty = pattern != NULL && pattern->n == 0;
    if (is_empty && by != NULL)
        return s->args[0];
    struct regex *r = pattern && !is_empty ? compile(s, 1, *pattern, REGEX_STRICT) : NULL;
    if (pattern != NULL && !is_empty && r == NULL)
        return VALUE_FAILED;
    bool is_column = !builder_is_constant(s->b, s->args[0]);
    bool is_low = value_at(s->b, s->args[0])->type.is_low_cardinality;
    if (r != NULL && is_column && !is_low && matches_once(r, *pattern))
        param.i = 0;
    if (r == NULL || by == NULL)
        return emit(s->b, &op_replace_rows, type_of(TYPE_STRING), s->args, 3, param, NULL);
    struct replacing *x = arena_alloc(&s->b->memory->arena, sizeof(*x));
    x->regex = r;
    if (!replacement_make(&x->by, &s->b->memory->arena, *by, regex_n_groups(r)))
        return site_error(s, "the replacement '%.*s' names a group that the pattern does not have",
                          STR_FMT(*by));
    /* then ClickHouse takes the replacement literally */
    if (is_column && regex_literal(r) != NULL) {
        x->by.parts[0] = (struct part){*by, -1};
        x->by.n = by->n > 0;
    }
    return emit(s->b, &op_replace, type_of(TYPE_STRING), s->args, 3, param, x);
}

/* ---- regexpQuoteMeta ---- */

static void run_quote(struct call *c)
{
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        for (size_t k = 0; k < s.n; k++) {
            /* strchr finds the NUL, too, which is quoted */
            if (strchr("\\()|[].^$?*+{:-", s.p[k]) != NULL)
                text_out_byte(&out, '\\');
            text_out_byte(&out, s.p[k]);
        }
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_quote = {"regexpQuoteMeta", run_quote, 0};

static value_id build_quote(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return EMIT(s->b, &op_quote, type_of(TYPE_STRING), s->args[0]);
}

static const struct function functions[] = {
    {"match", "s, pattern", "`s REGEXP pattern`: does the pattern match anywhere in s?", 2, 2, 0,
     build_match, 0},
    {"REGEXP_MATCHES", "s, pattern", "match", 2, 2, FN_ANY_CASE | FN_ALIAS, build_match, 0},
    {"extract", "s, pattern",
     "The first group of the first match, or all of it if there is no group.", 2, 2, 0,
     build_extract, 0},
    {"regexpExtract", "s, pattern[, group]", "That group of the first match (0 = all of it).", 2, 3,
     0, build_regexp_extract, 0},
    {"REGEXP_EXTRACT", "s, pattern[, group]", "regexpExtract", 2, 3, FN_ANY_CASE | FN_ALIAS,
     build_regexp_extract, 0},
    {"countMatches", "s, pattern", "How often the pattern matches, one behind another.", 2, 2, 0,
     build_count, 0},
    {"countMatchesCaseInsensitive", "s, pattern", "The same, letters of either case.", 2, 2, 0,
     build_count, 1},
    {"replaceRegexpOne", "s, pattern, by",
     "s with the first match replaced; \\1 in `by` is the first group, \\0 the match.", 3, 3, 0,
     build_replace, 0},
    {"replaceRegexpAll", "s, pattern, by", "The same for each match.", 3, 3, 0, build_replace, 1},
    {"REGEXP_REPLACE", "s, pattern, by", "replaceRegexpAll", 3, 3, FN_ANY_CASE | FN_ALIAS,
     build_replace, 1},
    {"regexpQuoteMeta", "s", "s as a pattern that matches s.", 1, 1, 0, build_quote, 0},
};
const struct function_family family_pattern = {"Regular expressions", functions, COUNT(functions)};
