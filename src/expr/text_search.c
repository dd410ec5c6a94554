/* SPDX-License-Identifier: Apache-2.0
 *
 * Search and replacement in strings by bytes: counting, whole words, many needles. */
#include "column/compound.h"
#include "expr/text_wide.h"

#define IN(row) (VALUES(0, struct str)[row])
#define TEXT(arg, row) (VALUES(arg, struct str)[row])

enum { CASE_EXACT, CASE_ASCII, CASE_UTF8 };
enum { SEARCHES_MAX = 8 }; /* needles, up to which all rows are searched for one after another */

static const char *find(struct str s, struct str needle, int64_t which)
{
    switch (which) {
    case CASE_EXACT: return text_find(s, needle);
    case CASE_ASCII: return text_find_any_case(s, needle);
    default: return text_find_utf8_any_case(s, needle);
    }
}

static struct str from(struct str s, const char *at)
{
    return (struct str){at, s.n - (size_t)(at - s.p)};
}

/* ---- countSubstrings: s, needle[, start]; param.i = case ---- */

static uint64_t count(struct str s, struct str needle, int64_t which)
{
    uint64_t n = 0;

    if (needle.n == 1 && which == CASE_EXACT)
        return text_best->count_byte(s, needle.p[0]);
    for (const char *at; s.n && (at = find(s, needle, which)) != NULL; n++)
        s = from(s, at + needle.n);
    return n;
}

static struct str skip(struct str s, uint64_t start, bool is_utf8)
{
    uint64_t n = start ? start - 1 : 0;

    if (!is_utf8)
        return from(s, s.p + (n < s.n ? n : s.n));
    for (; s.n; s.p++, s.n--)
        if (!utf8_is_inside(s.p[0]) && n-- == 0)
            break;
    return s;
}

static void run_count(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i), needle = TEXT(1, i);
        if (c->n_args > 2)
            s = skip(s, VALUES(2, uint64_t)[i], c->param.i == CASE_UTF8);
        RESULT(uint64_t)[i] = needle.n ? count(s, needle, c->param.i) : 0;
    }
}
static const struct op op_count = {"countSubstrings", run_count, 0};

static value_id build_count(struct site *s)
{
    value_id args[3] = {s->args[0], s->args[1]};

    if (!site_strings(s, 2))
        return VALUE_FAILED;
    if (s->n_args > 2) {
        if (!type_is_integer(s->types[2]) || type_is_signed(s->types[2]))
            return site_bad_type(s, 2, "an unsigned integer");
        args[2] = cast_number(s->b, s->args[2], TYPE_UINT64);
    }
    return emit(s->b, &op_count, type_of(TYPE_UINT64), args, s->n_args,
                (struct param){.i = s->f->param}, NULL);
}

/* ---- hasToken: a needle between separators, which are the ASCII characters but letters and
 * digits ---- */

static bool is_separator(char c)
{
    return !((uint8_t)c & 0x80) && !is_letter(c) && !is_digit(c);
}

/* `first`: the needle's first place. */
static bool has_token(struct str s, size_t first, struct str needle, int64_t which)
{
    const char *end = s.p + s.n;

    for (const char *at = s.p + first; at != NULL; at = find(from(s, at + 1), needle, which)) {
        bool begins = at == s.p || is_separator(at[-1]);
        bool ends = at + needle.n == end || is_separator(at[needle.n]);
        if (begins && ends)
            return true;
    }
    return false;
}

/* The needle is constant. */
static void run_has_token(struct call *c)
{
    struct str needle = TEXT(1, 0);
    uint32_t at[BATCH_ROWS];

    if (needle.n == 0) {
        memset(RESULT(uint8_t), 0, c->n);
        return;
    }
    text_find_rows(at, VALUES(0, struct str), c->n, needle, c->param.i);
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint8_t)[i] = at[i] != TEXT_NOWHERE && has_token(IN(i), at[i], needle, c->param.i);
}
static const struct op op_has_token = {"hasToken", run_has_token, 0};

/* A word that cannot be one: NULL, after its argument has been computed. */
static void run_no_token(struct call *c)
{
    memset(RESULT(uint8_t), 0, c->n);
    memset(c->nulls, 1, c->n);
    c->out->nulls = c->nulls;
    if (c->args[0]->faults) {
        memcpy(c->faults, c->args[0]->faults, c->n);
        c->out->faults = c->faults;
    }
}
static const struct op op_no_token = {"hasToken", run_no_token, OP_OWN_MASKS};

/* param: case | is the OrNull form << 4 */
static value_id build_has_token(struct site *s)
{
    bool or_null = s->f->param >> 4, is_bad = false;
    struct param param = {.i = s->f->param & 15};

    if (!site_strings(s, 2))
        return VALUE_FAILED;
    const struct str *needle = site_constant_text(s, 1);
    if (needle == NULL)
        return site_bad_type(s, 1, "a constant string");
    for (size_t i = 0; i < needle->n; i++)
        is_bad |= is_separator(needle->p[i]);
    if (is_bad && !or_null)
        return site_error(s, "the word that '%.*s' looks for holds a separator", STR_FMT(s->name));
    if (is_bad)
        return EMIT(s->b, &op_no_token, type_nullable(type_of(TYPE_UINT8)), s->args[0]);
    value_id v = emit(s->b, &op_has_token, type_of(TYPE_UINT8), s->args, 2, param, NULL);
    return or_null ? retype(s->b, v, type_nullable(type_of(TYPE_UINT8))) : v;
}

/* ---- startsWith, endsWith in any case ---- */

/* param.i = at the end */
static void run_edge(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i), what = TEXT(1, i);
        const char *at = c->param.i ? s.p + s.n - (what.n < s.n ? what.n : s.n) : s.p;
        RESULT(uint8_t)[i] = s.n >= what.n && same_any_case(at, what.p, what.n);
    }
}
static const struct op op_edge = {"edgeAnyCase", run_edge, 0};

static value_id build_edge(struct site *s)
{
    if (!site_strings(s, 2))
        return VALUE_FAILED;
    return emit(s->b, &op_edge, type_of(TYPE_UINT8), s->args, 2, (struct param){.i = s->f->param},
                NULL);
}

/* ---- replaceOne, replaceAll: s, needle, replacement; param.i = all ---- */

static void run_replace(struct call *c)
{
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i), needle = TEXT(1, i), by = TEXT(2, i);
        const char *at = needle.n && s.n ? text_find(s, needle) : NULL;
        if (at == NULL) {
            RESULT(struct str)[i] = s;
            continue;
        }
        while (at != NULL) {
            text_out_put(&out, s.p, (size_t)(at - s.p));
            text_out_str(&out, by);
            s = from(s, at + needle.n);
            at = c->param.i && s.n ? text_find(s, needle) : NULL;
        }
        text_out_str(&out, s);
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_replace = {"replace", run_replace, 0};

static value_id build_replace(struct site *s)
{
    if (!site_strings(s, 3))
        return VALUE_FAILED;
    return emit(s->b, &op_replace, type_of(TYPE_STRING), s->args, 3,
                (struct param){.i = s->f->param}, NULL);
}

/* ---- multiSearchAny: s, constant array of needles; param.i = case ---- */

struct needles {
    const struct str *texts;
    size_t n;
};

static bool has_any(struct str s, const struct needles *needles, int64_t which)
{
    for (size_t i = 0; i < needles->n; i++)
        if (find(s, needles->texts[i], which) != NULL)
            return true;
    return false;
}

static void run_has_any(struct call *c)
{
    const struct needles *needles = c->data;

    if (needles->n <= SEARCHES_MAX && c->param.i != CASE_UTF8) {
        uint32_t at[BATCH_ROWS];
        memset(RESULT(uint8_t), 0, c->n);
        for (size_t k = 0; k < needles->n; k++) {
            text_find_rows(at, VALUES(0, struct str), c->n, needles->texts[k], c->param.i);
            for (size_t i = 0; i < c->n; i++)
                RESULT(uint8_t)[i] |= at[i] != TEXT_NOWHERE && IN(i).n > 0;
        }
        return;
    }
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint8_t)[i] = IN(i).n > 0 && has_any(IN(i), c->data, c->param.i);
}
static const struct op op_has_any = {"multiSearchAny", run_has_any, 0};

static value_id build_has_any(struct site *s)
{
    struct type t = s->types[1];
    bool is_texts = t.kind == TYPE_ARRAY && type_element(t, 0).kind == TYPE_STRING &&
                    !type_element(t, 0).is_nullable;

    if (!site_strings(s, 1))
        return VALUE_FAILED;
    const struct cell *cell = constant_cell(s->b, s->args[1]);
    if (!is_texts || cell == NULL || cell->is_null || cell->fault)
        return site_bad_type(s, 1, "a constant array of strings");
    struct elements e = array_elements(t, cell->bytes);
    struct needles *needles = arena_alloc(&s->b->memory->arena, sizeof(*needles));
    *needles = (struct needles){(const struct str *)e.values, e.n};
    return emit(s->b, &op_has_any, type_of(TYPE_UINT8), s->args, 2,
                (struct param){.i = s->f->param}, needles);
}

/* ---- functions ---- */

static const struct function functions[] = {
    {"countSubstrings", "s, needle[, start]", "How often needle is in s, one behind another.", 2, 3,
     FN_ANY_CASE, build_count, CASE_EXACT},
    {"countSubstringsCaseInsensitive", "s, needle[, start]",
     "The same, ASCII letters of either case.", 2, 3, 0, build_count, CASE_ASCII},
    {"countSubstringsCaseInsensitiveUTF8", "s, needle[, start]",
     "The same, letters of any script in either case.", 2, 3, 0, build_count, CASE_UTF8},
    {"hasToken", "s, word", "Is the (constant) word in s, between others than letters and digits?",
     2, 2, 0, build_has_token, CASE_EXACT},
    {"hasTokenCaseInsensitive", "s, word", "The same, ASCII letters of either case.", 2, 2,
     FN_ANY_CASE, build_has_token, CASE_ASCII},
    {"hasTokenOrNull", "s, word", "hasToken; NULL where the word cannot be one.", 2, 2, 0,
     build_has_token, CASE_EXACT | 16},
    {"hasTokenCaseInsensitiveOrNull", "s, word", "The same, ASCII letters of either case.", 2, 2,
     FN_ANY_CASE, build_has_token, CASE_ASCII | 16},
    {"startsWithCaseInsensitive", "s, prefix", "startsWith, ASCII letters of either case.", 2, 2, 0,
     build_edge, 0},
    {"endsWithCaseInsensitive", "s, suffix", "endsWith, ASCII letters of either case.", 2, 2, 0,
     build_edge, 1},
    {"multiSearchAny", "s, needles", "Is one of the (constant) array's texts in s?", 2, 2, 0,
     build_has_any, CASE_EXACT},
    {"multiSearchAnyCaseInsensitive", "s, needles", "The same, ASCII letters of either case.", 2, 2,
     0, build_has_any, CASE_ASCII},
    {"replaceOne", "s, what, by", "s with the first `what` replaced.", 3, 3, 0, build_replace, 0},
    {"replaceAll", "s, what, by", "s with each `what` replaced.", 3, 3, 0, build_replace, 1},
    {"replace", "s, what, by", "replaceAll", 3, 3, FN_ANY_CASE | FN_ALIAS, build_replace, 1},
};
const struct function_family family_text_search = {"Search in strings", functions,
                                                   COUNT(functions)};
