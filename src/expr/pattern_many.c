/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of patterns that give more than one part of a text, or look for many patterns at
 * once. A text is walked match by match; ^ and \b see what is before the place reached. */
#include "codec/elements.h"
#include "expr/compound.h"
#include "expr/regex.h"
#include "expr/text_kit.h"

#define TEXT(arg, row) (VALUES(arg, struct str)[row])

enum { GROUPS_MAX = 1024, MATCHES_MAX = 1000 };

static void free_regex(void *p)
{
    regex_free(p);
}

/* The compiled constant; NULL with a message. */
static struct regex *compile(struct site *s, uint32_t arg, unsigned flags)
{
    const struct str *pattern = site_constant_text(s, arg);
    struct place at = s->node && arg < s->node->n_args ? s->node->args[arg]->at : s->at;
    char why[256];

    if (pattern == NULL) {
        site_bad_type(s, arg, "a constant string");
        return NULL;
    }
    struct regex *r = regex_new(*pattern, flags, why, sizeof(why));
    if (r == NULL) {
        diagnose_error(s->d, at, NULL, "'%.*s' is no regular expression: %s", STR_FMT(*pattern),
                       why);
        return NULL;
    }
    expr_memory_own(s->b->memory, r, free_regex);
    if (regex_n_groups(r) <= GROUPS_MAX)
        return r;
    diagnose_error(s->d, at, NULL, "the pattern has more than %d groups", GROUPS_MAX);
    return NULL;
}

static struct type texts_type(void)
{
    return type_array(type_of(TYPE_STRING));
}

static void add_text(struct element_list *l, struct str s)
{
    s.p = s.p ? s.p : "";
    element_list_add(l, NULL, &s, false);
}

static size_t end_of(struct str s, struct str part)
{
    return (size_t)(part.p - s.p) + part.n;
}

/* ---- extractAll ---- */

/* Ends at the first empty match. */
static void run_extract_all(struct call *c)
{
    const struct regex *r = c->data;
    size_t group = regex_n_groups(r) > 0;
    AUTO_DONE(element_list) list;

    element_list_init(&list, texts_type());
    for (size_t i = 0; i < c->n; i++) {
        struct str s = TEXT(0, i), groups[2];
        size_t at = 0;
        element_list_reset(&list);
        while (at <= s.n && regex_find(r, s, at, groups, group + 1) && groups[0].n > 0) {
            add_text(&list, groups[group]);
            at = end_of(s, groups[0]);
        }
        RESULT(struct array_value)[i] = element_list_take(&list, c->arena);
    }
}
static const struct op op_extract_all = {"extractAll", run_extract_all, 0};

static value_id build_extract_all(struct site *s)
{
    if (!site_strings(s, 2))
        return VALUE_FAILED;
    struct regex *r = compile(s, 1, 0);
    if (r == NULL)
        return VALUE_FAILED;
    return emit(s->b, &op_extract_all, texts_type(), s->args, 2, (struct param){0}, r);
}

/* ---- extractGroups, extractAllGroups ---- */

enum { FIRST, VERTICAL, HORIZONTAL };

/* The groups of each match, and an array of them all in the order of matches. */
struct grouping {
    const struct regex *regex;
    struct str *groups; /* scratch: the whole, then each */
    size_t n_groups;
    struct buf found; /* struct str: n_groups of each match */
};

/* The next match at or behind *at; false: there is none. An empty one moves on by a byte. */
static bool next_groups(struct grouping *g, struct str s, size_t *at)
{
    if (*at >= s.n || !regex_find(g->regex, s, *at, g->groups, g->n_groups + 1))
        return false;
    buf_put(&g->found, (const char *)(g->groups + 1), g->n_groups * sizeof(*g->groups));
    *at = end_of(s, g->groups[0]) + (g->groups[0].n == 0);
    return true;
}

static struct array_value texts_at(struct call *c, const struct str *first, uint32_t n, size_t step)
{
    struct array_room room;
    struct array_value ret = array_new(c->arena, texts_type(), n, &room);

    for (uint32_t i = 0; i < n; i++) {
        struct str s = first[i * step];
        ((struct str *)room.values)[i] = s.p ? s : (struct str){"", 0};
    }
    return ret;
}

/* An array of each match's groups, or of each group's matches. */
static struct array_value arrange(struct call *c, const struct grouping *g)
{
    const struct str *found = (const struct str *)g->found.p;
    uint32_t n_groups = (uint32_t)g->n_groups;
    uint32_t n_matches = (uint32_t)(g->found.n / sizeof(*found) / g->n_groups);
    bool is_vertical = c->param.i == VERTICAL;
    uint32_t n = is_vertical ? n_matches : n_groups;
    struct array_room room;
    struct array_value ret = array_new(c->arena, type_array(texts_type()), n, &room);

    for (uint32_t i = 0; i < n; i++)
        ((struct array_value *)room.values)[i] =
            is_vertical ? texts_at(c, found + i * n_groups, n_groups, 1)
                        : texts_at(c, found + i, n_matches, n_groups);
    return ret;
}

static void run_groups(struct call *c)
{
    struct grouping g = {.regex = c->data, .n_groups = regex_n_groups(c->data)};

    g.groups = arena_alloc(c->arena, (g.n_groups + 1) * sizeof(*g.groups));
    for (size_t i = 0; i < c->n; i++) {
        struct str s = TEXT(0, i);
        size_t at = 0;
        uint32_t n = 0;
        buf_reset(&g.found);
        if (c->param.i == FIRST) {
            bool found = regex_find(g.regex, s, 0, g.groups, g.n_groups + 1);
            RESULT(struct array_value)
            [i] = texts_at(c, g.groups + 1, found ? (uint32_t)g.n_groups : 0, 1);
            continue;
        }
        while (next_groups(&g, s, &at))
            n++;
        if (c->param.i == HORIZONTAL && n > MATCHES_MAX) {
            c->fresh[i] = FAULT_RANGE;
            buf_reset(&g.found);
        }
        RESULT(struct array_value)[i] = arrange(c, &g);
    }
    buf_done(&g.found);
}
static const struct op op_groups = {"extractGroups", run_groups, 0},
                       op_groups_limited = {"extractAllGroupsHorizontal", run_groups, OP_FAULTS};

static value_id build_groups(struct site *s)
{
    struct type type = s->f->param == FIRST ? texts_type() : type_array(texts_type());
    const struct op *op = s->f->param == HORIZONTAL ? &op_groups_limited : &op_groups;

    if (!site_strings(s, 2))
        return VALUE_FAILED;
    struct regex *r = compile(s, 1, 0);
    if (r == NULL)
        return VALUE_FAILED;
    if (regex_n_groups(r) == 0)
        return site_error(s, "the pattern has no group; extractAll gives whole matches");
    return emit(s->b, op, type, s->args, 2, (struct param){.i = s->f->param}, r);
}

/* ---- splitting ---- */

static void split_by_pattern(struct element_list *l, const struct regex *r, struct str s,
                             uint64_t max)
{
    size_t at = 0;
    struct str whole;

    for (;;) {
        if (max && l->n == max)
            return;
        if (!regex_find(r, s, at, &whole, 1) || whole.n == 0)
            break;
        add_text(l, (struct str){s.p + at, (size_t)(whole.p - s.p) - at});
        at = end_of(s, whole);
    }
    add_text(l, (struct str){s.p + at, s.n - at});
}

static void split_bytes(struct element_list *l, struct str s, uint64_t max)
{
    for (size_t i = 0; i < s.n && !(max && l->n == max); i++)
        add_text(l, (struct str){s.p + i, 1});
}

/* Runs of characters that are part of tokens. */
static void split_tokens(struct element_list *l, struct str s, uint64_t max, bool is_part[256])
{
    for (size_t i = 0; i < s.n && !(max && l->n == max);) {
        size_t start = i;
        while (i < s.n && is_part[(uint8_t)s.p[i]])
            i++;
        if (i > start)
            add_text(l, (struct str){s.p + start, i - start});
        while (i < s.n && !is_part[(uint8_t)s.p[i]])
            i++;
    }
}

enum { BY_PATTERN, BY_LETTERS, BY_NO_PUNCTUATION };

/* Spaces and punctuation are ASCII's; all other bytes are parts of tokens. */
static void fill_parts(bool is_part[256], int64_t how)
{
    for (int v = 0; v < 256; v++) {
        char ch = (char)v;
        bool is_space = ch == ' ' || (v >= '\t' && v <= '\r');
        bool is_punctuation = v > ' ' && v < 127 && !is_letter(ch) && !is_digit(ch);
        is_part[v] = how == BY_LETTERS ? is_letter(ch) : !is_space && !is_punctuation;
    }
}

/* param.i = how, param.j = most pieces (0: all); data = the pattern, NULL for an empty one */
static void run_split(struct call *c)
{
    bool is_part[256];
    uint64_t max = (uint64_t)c->param.j;
    AUTO_DONE(element_list) list;

    element_list_init(&list, texts_type());
    fill_parts(is_part, c->param.i);
    for (size_t i = 0; i < c->n; i++) {
        struct str s = TEXT(0, i);
        s.p = s.p ? s.p : "";
        element_list_reset(&list);
        if (c->param.i != BY_PATTERN)
            split_tokens(&list, s, max, is_part);
        else if (c->data == NULL)
            split_bytes(&list, s, max);
        else
            split_by_pattern(&list, c->data, s, max);
        RESULT(struct array_value)[i] = element_list_take(&list, c->arena);
    }
}
static const struct op op_split = {"splitByRegexp", run_split, 0};

static value_id build_split(struct site *s)
{
    bool by_pattern = s->f->param == BY_PATTERN;
    uint32_t text = by_pattern;
    struct regex *r = NULL;
    int64_t max = 0;

    if (!site_strings(s, text + 1))
        return VALUE_FAILED;
    const struct str *pattern = by_pattern ? site_constant_text(s, 0) : NULL;
    bool is_empty = pattern != NULL && pattern->n == 0;
    if (by_pattern && !is_empty && (r = compile(s, 0, 0)) == NULL)
        return VALUE_FAILED;
    if (s->n_args > text + 1 && !site_integer(s, text + 1, &max))
        return VALUE_FAILED;
    value_id args[2] = {s->args[text], by_pattern ? s->args[0] : constant_str(s->b, STR(""))};
    return emit(s->b, &op_split, texts_type(), args, 2,
                (struct param){.i = s->f->param, .j = max < 0 ? 0 : max}, r);
}

/* ---- multiMatchAny ---- */

static void free_set(void *p)
{
    regex_set_free(p);
}

/* param.i: its index is wanted */
static void run_match_any(struct call *c)
{
    const struct regex_set *set = c->data;

    for (size_t i = 0; i < c->n; i++) {
        if (c->param.i)
            RESULT(uint64_t)[i] = regex_set_first(set, TEXT(0, i));
        else
            RESULT(uint8_t)[i] = regex_set_matches(set, TEXT(0, i));
    }
}
static const struct op op_match_any = {"multiMatchAny", run_match_any, 0};

static value_id build_match_any(struct site *s)
{
    const struct value *list = value_at(s->b, s->args[1]);
    struct type t = s->types[1];
    char why[256];

    if (s->types[0].kind != TYPE_STRING)
        return site_bad_type(s, 0, "a String");
    if (list->kind != VALUE_CONSTANT || list->cell.fault || t.kind != TYPE_ARRAY ||
        t.more->elements[0].kind != TYPE_STRING || t.more->elements[0].is_nullable)
        return site_bad_type(s, 1, "a constant array of patterns");
    struct elements patterns = array_elements(t, list->cell.bytes);
    struct regex_set *set =
        regex_set_new((const struct str *)patterns.values, patterns.n, why, sizeof(why));
    if (set == NULL)
        return site_error(s, "%s", why);
    expr_memory_own(s->b->memory, set, free_set);
    return emit(s->b, &op_match_any, type_of(s->f->param ? TYPE_UINT64 : TYPE_UINT8), s->args, 2,
                (struct param){.i = s->f->param}, set);
}

static const struct function functions[] = {
    {"extractAll", "s, pattern",
     "All matches, one behind another: of each the first group, or the whole if there is none. An "
     "empty match ends it.",
     2, 2, FN_OWN_LC, build_extract_all, 0},
    {"extractGroups", "s, pattern", "The groups of the first match; [] if there is none.", 2, 2,
     FN_OWN_LC, build_groups, FIRST},
    {"extractAllGroups", "s, pattern", "The groups of each match: [[a1, b1], [a2, b2], …].", 2, 2,
     FN_OWN_LC, build_groups, VERTICAL},
    {"extractAllGroupsVertical", "s, pattern", "extractAllGroups", 2, 2, FN_OWN_LC | FN_ALIAS,
     build_groups, VERTICAL},
    {"extractAllGroupsHorizontal", "s, pattern",
     "The matches of each group: [[a1, a2, …], [b1, b2, …]]; at most 1,000.", 2, 2, FN_OWN_LC,
     build_groups, HORIZONTAL},
    {"splitByRegexp", "pattern, s[, most]",
     "The parts of s between matches; between all bytes if the pattern is ''.", 2, 3, FN_OWN_LC,
     build_split, BY_PATTERN},
    {"alphaTokens", "s[, most]", "The runs of ASCII letters.", 1, 2, FN_OWN_LC, build_split,
     BY_LETTERS},
    {"splitByAlpha", "s[, most]", "alphaTokens", 1, 2, FN_OWN_LC | FN_ALIAS, build_split,
     BY_LETTERS},
    {"splitByNonAlpha", "s[, most]", "The parts of s between ASCII spaces and punctuation.", 1, 2,
     FN_OWN_LC, build_split, BY_NO_PUNCTUATION},
    {"multiMatchAny", "s, [pattern, …]", "Does one of the patterns match anywhere in s?", 2, 2, 0,
     build_match_any, 0},
    {"multiMatchAnyIndex", "s, [pattern, …]",
     "Which pattern's match ends first, from 1; 0 if none matches.", 2, 2, 0, build_match_any, 1},
};
const struct function_family family_pattern_many = {"Many matches, many patterns", functions,
                                                    COUNT(functions)};
