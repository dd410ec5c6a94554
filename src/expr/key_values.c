/* SPDX-License-Identifier: Apache-2.0
 *
 * extractKeyValuePairs: 'a:1, "b c":2' as a Map. A machine of ClickHouse's states:
 *
 *     wait for key ─▶ key ─▶ value ─▶ pair ─▶ wait for key
 *         │            ▲ │      ▲ │
 *         └─▶ in quotes ─┘      └─┴─▶ in quotes ─▶ pair, then to the next delimiter
 *
 * A key that no delimiter follows is dropped, as is a text in quotes that does not end. */
#include "codec/elements.h"
#include "expr/text_kit.h"

enum { PAIRS_MAX = 1000 };

/* A quote in the middle of a key or value. */
enum quote_means { QUOTE_ENDS_PAIR, QUOTE_IS_TEXT, QUOTE_BEGINS };

struct pair_syntax {
    char delimiter, quote;
    bool ends_pair[256];
    enum quote_means quote_means;
};

struct reading {
    const struct pair_syntax *x;
    const char *p, *end;
    struct str key, value;
    bool is_quoted; /* the value was */
};

/* Behind the opening quote, to behind the closing one; false: there is none. */
static bool read_quoted(struct reading *r, struct str *ret)
{
    const char *end = memchr(r->p, r->x->quote, (size_t)(r->end - r->p));

    if (end == NULL) {
        r->p = r->end;
        return false;
    }
    *ret = (struct str){r->p, (size_t)(end - r->p)};
    r->p = end + 1;
    return true;
}

static bool read_quoted_key(struct reading *r)
{
    if (!read_quoted(r, &r->key) || r->key.n == 0)
        return false;
    if (r->p == r->end || *r->p != r->x->delimiter)
        return false;
    r->p++;
    return true;
}

/* False: no key before the place where the next is looked for. */
static bool read_key(struct reading *r)
{
    while (r->p < r->end && (r->x->ends_pair[(uint8_t)*r->p] || *r->p == r->x->delimiter))
        r->p++;
    for (const char *start = r->p; r->p < r->end; r->p++) {
        if (*r->p == r->x->delimiter) {
            r->key = (struct str){start, (size_t)(r->p++ - start)};
            return r->key.n > 0;
        }
        if (r->x->ends_pair[(uint8_t)*r->p]) {
            r->p++;
            return false;
        }
        if (*r->p != r->x->quote || (r->x->quote_means == QUOTE_IS_TEXT && r->p > start))
            continue;
        bool is_open = r->p == start || r->x->quote_means == QUOTE_BEGINS;
        r->p++;
        return is_open && read_quoted_key(r);
    }
    return false;
}

static bool read_quoted_value(struct reading *r)
{
    if (!read_quoted(r, &r->value))
        return false;
    while (r->p < r->end && !r->x->ends_pair[(uint8_t)*r->p])
        r->p++;
    return true;
}

static bool read_value(struct reading *r)
{
    const char *start = r->p;

    for (; r->p < r->end && !r->x->ends_pair[(uint8_t)*r->p]; r->p++) {
        if (*r->p != r->x->quote || (r->x->quote_means == QUOTE_IS_TEXT && r->p > start))
            continue;
        bool is_open = r->p == start || r->x->quote_means == QUOTE_BEGINS;
        r->p++;
        return is_open && read_quoted_value(r);
    }
    r->value = (struct str){start, (size_t)(r->p - start)};
    return true;
}

static void run_pairs(struct call *c)
{
    struct type map = type_map(type_of(TYPE_STRING), type_of(TYPE_STRING));
    AUTO_DONE(element_list) list;

    element_list_init(&list, map);
    for (size_t i = 0; i < c->n; i++) {
        struct str s = VALUES(0, struct str)[i];
        struct reading r = {.x = c->data, .p = s.n ? s.p : "", .end = s.n ? s.p + s.n : NULL};
        r.end = r.end ? r.end : r.p;
        element_list_reset(&list);
        while (r.p < r.end)
            if (read_key(&r) && read_value(&r))
                element_list_add(&list, &r.key, &r.value, false);
        c->fresh[i] = list.n > PAIRS_MAX ? FAULT_RANGE : 0;
        RESULT(struct array_value)[i] = element_list_take(&list, c->arena);
    }
}
static const struct op op_pairs = {"extractKeyValuePairs", run_pairs, OP_FAULTS};

/* ---- building ---- */

static bool one_character(struct site *s, uint32_t arg, char *ret)
{
    struct str text;

    if (s->n_args <= arg)
        return true;
    if (!site_string(s, arg, &text))
        return false;
    if (text.n > 1)
        return site_error(s, "argument %u of '%.*s' is one character, not '%.*s'", arg + 1,
                          STR_FMT(s->name), STR_FMT(text)) >= 0;
    if (text.n)
        *ret = text.p[0];
    return true;
}

static bool quote_means(struct site *s, uint32_t arg, enum quote_means *ret)
{
    static const char *const names[] = {
        [QUOTE_ENDS_PAIR] = "INVALID", [QUOTE_IS_TEXT] = "ACCEPT", [QUOTE_BEGINS] = "PROMOTE"};
    struct str text;

    if (s->n_args <= arg)
        return true;
    if (!site_string(s, arg, &text))
        return false;
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_is(text, names[i])) {
            *ret = (enum quote_means)i;
            return true;
        }
    return site_error(s, "argument %u of '%.*s' is 'INVALID', 'ACCEPT' or 'PROMOTE', not '%.*s'",
                      arg + 1, STR_FMT(s->name), STR_FMT(text)) >= 0;
}

static value_id build_pairs(struct site *s)
{
    struct pair_syntax *x = arena_zero(&s->b->memory->arena, sizeof(*x));
    struct str ends = STR(" ,;");

    *x = (struct pair_syntax){.delimiter = ':', .quote = '"', .quote_means = QUOTE_BEGINS};
    if (!site_strings(s, s->n_args) || !one_character(s, 1, &x->delimiter) ||
        !one_character(s, 3, &x->quote) || !quote_means(s, 4, &x->quote_means))
        return VALUE_FAILED;
    if (s->n_args > 2 && !site_string(s, 2, &ends))
        return VALUE_FAILED;
    ends = ends.n ? ends : STR(" ,;");
    for (size_t i = 0; i < ends.n; i++)
        x->ends_pair[(uint8_t)ends.p[i]] = true;
    if (x->quote == x->delimiter || x->ends_pair[(uint8_t)x->delimiter] ||
        x->ends_pair[(uint8_t)x->quote])
        return site_error(s, "the delimiters of '%.*s' and its quote must differ",
                          STR_FMT(s->name));
    return emit(s->b, &op_pairs, type_map(type_of(TYPE_STRING), type_of(TYPE_STRING)), s->args,
                s->n_args, (struct param){0}, x);
}

#define PAIRS(name, summary, flags)                                                                \
    {                                                                                              \
        name, "s[, delimiter[, pair delimiters[, quote[, strategy]]]]", summary, 1, 5,             \
            FN_OWN_LC | (flags), build_pairs, 0                                                    \
    }
static const struct function functions[] = {
    PAIRS("extractKeyValuePairs", "The pairs of 'key:value, \"k\":\"v\"' as a Map; at most 1,000.",
          0),
    PAIRS("mapFromString", "extractKeyValuePairs", FN_ALIAS),
    PAIRS("str_to_map", "extractKeyValuePairs", FN_ALIAS),
};
const struct function_family family_key_values = {"Keys and values", functions, COUNT(functions)};
