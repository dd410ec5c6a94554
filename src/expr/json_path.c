/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON_VALUE, JSON_QUERY, JSON_EXISTS: a path of SQL/JSON, compiled once, leads to any number of
 * elements:
 *
 *     $.name."other name"['third'][0][1, 3 to 5][*]
 *
 * Indices count from 0; the end of a range is not part of it. */
#include "expr/json_get.h"

enum step_kind { STEP_NAME, STEP_RANGES, STEP_ALL };

struct index_range {
    uint32_t from, to; /* to: behind the last */
};

struct step {
    enum step_kind kind;
    struct str name;
    struct index_range *ranges;
    uint32_t n_ranges;
};

struct json_path {
    struct step *steps;
    uint32_t n;
};

/* ---- compiling ---- */

struct path_text {
    const char *p, *end;
    struct arena *arena;
};

static void skip_space(struct path_text *t)
{
    while (t->p < t->end && (*t->p == ' ' || (*t->p >= '\t' && *t->p <= '\r')))
        t->p++;
}

static bool take(struct path_text *t, char what)
{
    skip_space(t);
    if (t->p == t->end || *t->p != what)
        return false;
    t->p++;
    return true;
}

/* In quotes; a backslash takes the next quote or backslash as it is. */
static bool take_quoted(struct path_text *t, struct str *ret)
{
    char *out = arena_bytes(t->arena, (size_t)(t->end - t->p) + 1), quote = *t->p++;
    size_t n = 0;

    for (; t->p < t->end && *t->p != quote; t->p++) {
        if (*t->p == '\\') {
            t->p++;
            if (t->p == t->end || (*t->p != '\\' && *t->p != '"' && *t->p != '\''))
                return false;
        }
        out[n++] = *t->p;
    }
    *ret = (struct str){out, n};
    return t->p++ < t->end && n > 0;
}

static bool take_name(struct path_text *t, struct str *ret)
{
    skip_space(t);
    if (t->p < t->end && *t->p == '"')
        return take_quoted(t, ret);
    const char *start = t->p;
    while (t->p < t->end && is_word(*t->p))
        t->p++;
    *ret = arena_str(t->arena, (struct str){start, (size_t)(t->p - start)});
    return ret->n > 0;
}

/* ClickHouse keeps the low 32 bits. */
static bool take_index(struct path_text *t, uint32_t *ret)
{
    uint64_t v = 0;

    skip_space(t);
    const char *start = t->p;
    for (; t->p < t->end && is_digit(*t->p); t->p++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*t->p - '0'), &v))
            return false;
    *ret = (uint32_t)v;
    return t->p > start;
}

static bool take_range(struct path_text *t, struct index_range *ret)
{
    if (!take_index(t, &ret->from))
        return false;
    ret->to = ret->from + 1;
    skip_space(t);
    if (t->end - t->p < 3 || (t->p[0] | 32) != 't' || (t->p[1] | 32) != 'o' || is_word(t->p[2]))
        return true;
    t->p += 2;
    return take_index(t, &ret->to) && ret->from < ret->to;
}

/* Behind the bracket. */
static bool take_bracket(struct path_text *t, struct step *step)
{
    if (take(t, '*')) {
        step->kind = STEP_ALL;
        return take(t, ']');
    }
    if (t->p < t->end && (*t->p == '"' || *t->p == '\'')) {
        step->kind = STEP_NAME;
        return take_quoted(t, &step->name) && take(t, ']');
    }
    step->kind = STEP_RANGES;
    step->ranges = arena_alloc(t->arena, ((size_t)(t->end - t->p) / 2 + 1) * sizeof(*step->ranges));
    do {
        if (!take_range(t, &step->ranges[step->n_ranges++]))
            return false;
    } while (take(t, ','));
    return take(t, ']');
}

static bool path_compile(struct json_path *path, struct arena *arena, struct str text)
{
    struct path_text t = {text.p, text.p + text.n, arena};

    *path = (struct json_path){.steps = arena_zero(arena, (text.n + 1) * sizeof(*path->steps))};
    if (!take(&t, '$'))
        return false;
    for (;;) {
        struct step *step = &path->steps[path->n];
        skip_space(&t);
        if (t.p == t.end)
            return true;
        path->n++;
        if (take(&t, '.')) {
            if (!take_name(&t, &step->name))
                return false;
        } else if (!take(&t, '[') || !take_bracket(&t, step)) {
            return false;
        }
    }
}

/* ---- following it ---- */

enum { VALUE, QUERY, EXISTS };

/* What is done with the elements met: the first scalar, all as JSON, or that there is one. */
struct search {
    int64_t what;
    struct text_out *out;
    bool found;
};

static bool meet(struct search *s, struct json_at at)
{
    if (s->what == VALUE && at.node->kind >= JSON_ARRAY)
        return false;
    if (s->what == VALUE && at.node->kind == JSON_TEXT) {
        text_out_str(s->out, json_text(at));
    } else if (s->what == VALUE) {
        json_put_raw(s->out, at, JSON_AS_BY_PATH);
    } else if (s->what == QUERY) {
        text_out_put(s->out, s->found ? ", " : "[", s->found ? 2 : 1);
        json_put_raw(s->out, at, JSON_AS_BY_PATH);
    }
    s->found = true;
    return s->what != QUERY;
}

/* True: no more are wanted. */
static bool follow(struct search *s, const struct json_path *path, uint32_t i, struct json_at at)
{
    const struct step *step = &path->steps[i];
    struct index_range all = {0, at.node->kind >= JSON_ARRAY ? at.node->n : 0};

    if (i == path->n)
        return meet(s, at);
    if (step->kind == STEP_NAME)
        return at.node->kind == JSON_OBJECT && json_to_key(&at, step->name, false) &&
               follow(s, path, i + 1, at);
    if (at.node->kind != JSON_ARRAY)
        return false;
    const struct index_range *ranges = step->kind == STEP_ALL ? &all : step->ranges;
    uint32_t n_ranges = step->kind == STEP_ALL ? 1 : step->n_ranges;
    for (uint32_t r = 0; r < n_ranges; r++) {
        const struct json_node *node = at.node + 1;
        for (uint32_t k = 0; k < at.node->n && k < ranges[r].to; k++, node = json_next(node))
            if (k >= ranges[r].from &&
                follow(s, path, i + 1, (struct json_at){node, at.doc, at.text}))
                return true;
    }
    return false;
}

/* args: document, its text; param.i = what; data = the path */
static void run_path(struct call *c)
{
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct str doc = VALUES(0, struct str)[i], text = VALUES(1, struct str)[i];
        struct search s = {.what = c->param.i, .out = &out};
        if (doc.n)
            follow(&s, c->data, 0,
                   (struct json_at){(const struct json_node *)doc.p, doc.p, text.p});
        if (s.what == EXISTS) {
            RESULT(uint8_t)[i] = s.found;
            continue;
        }
        if (s.what == QUERY && s.found)
            text_out_byte(&out, ']');
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_path = {"JSON_VALUE", run_path, 0};

static value_id build_path(struct site *s)
{
    struct json_path *path = arena_alloc(&s->b->memory->arena, sizeof(*path));
    enum type_kind kind = s->f->param == EXISTS ? TYPE_UINT8 : TYPE_STRING;
    struct json_args j;
    struct str text;

    if (!site_json(s, 0, &j) || !site_string(s, 1, &text))
        return VALUE_FAILED;
    if (!path_compile(path, &s->b->memory->arena, text))
        return site_error(s, "'%.*s' is no path like $.name[0]", STR_FMT(text));
    value_id args[] = {j.args[0], j.args[1], s->args[1]};
    return emit(s->b, &op_path, type_of(kind), args, 3, (struct param){.i = s->f->param}, path);
}

static const struct function functions[] = {
    {"JSON_VALUE", "json, '$.path'", "The first scalar that the path leads to, as text; else ''.",
     2, 2, FN_OWN_LC, build_path, VALUE},
    {"JSON_QUERY", "json, '$.path'", "All that the path leads to, as a JSON array; else ''.", 2, 2,
     FN_OWN_LC, build_path, QUERY},
    {"JSON_EXISTS", "json, '$.path'", "Does the path lead to something?", 2, 2, FN_OWN_LC,
     build_path, EXISTS},
};
const struct function_family family_json_path = {"JSON by a path", functions, COUNT(functions)};
