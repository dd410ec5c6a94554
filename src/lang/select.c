/* SPDX-License-Identifier: Apache-2.0
 *
 * CREATE STREAM and CREATE METRIC: a SELECT with a few clauses of our own. Both are read alike;
 * what the other kind would need is refused by name. */
#include "lang/operator.h"
#include "lang/parse_priv.h"

enum select_kind { SELECT_STREAM, SELECT_METRIC };

struct select {
    enum select_kind kind;
    uint32_t seen;
    struct select_item *items;
    uint32_t n_items;
    struct str from;
    struct place from_at;
    bool is_merge;
    struct array_join *array_joins;
    uint32_t n_array_joins;
    struct ast *where;
    struct ast *having;
    struct grouping_set *sets;
    uint32_t n_sets, cap_sets;
    bool has_grouping_sets;
    struct tier_def *tiers;
    uint32_t n_tiers, cap_tiers;
    struct keep keep;
    struct str zone;
    struct place zone_at;
    struct setting *settings;
    uint32_t n_settings;
};

enum {
    SEEN_WHERE = 1,
    SEEN_GROUP = 2,
    SEEN_EVERY = 4,
    SEEN_KEEP = 8,
    SEEN_ZONE = 16,
    SEEN_HAVING = 32,
    SEEN_SETTINGS = 64
};

static const char *const stream_clauses[] = {"WHERE", "KEEP", NULL};
static const char *const metric_clauses[] = {"WHERE", "GROUP", "HAVING",   "EVERY",
                                             "KEEP",  "TIME",  "SETTINGS", NULL};
/* Where reading may go on after a mistake. */
static const char *const select_clauses[] = {
    "FROM",   "WHERE", "PREWHERE", "GROUP",    "HAVING", "WINDOW",    "QUALIFY",
    "ORDER",  "LIMIT", "OFFSET",   "SETTINGS", "UNION",  "INTERSECT", "EXCEPT",
    "FORMAT", "EVERY", "KEEP",     "TIME",     NULL,
};
/* SQL that is not there yet; in front of FROM's end and behind. */
static const char *const join_words[] = {
    "JOIN", "INNER", "LEFT", "RIGHT",  "FULL",  "CROSS", "ANY",     "ALL",
    "ASOF", "SEMI",  "ANTI", "GLOBAL", "ARRAY", "PASTE", "NATURAL", NULL,
};
static const char *const later_clauses[] = {
    "PREWHERE", "WINDOW", "QUALIFY", "LIMIT", "OFFSET", "UNION", "INTERSECT",
    "EXCEPT",   "FORMAT", "INTO",    "FINAL", "SAMPLE", NULL,
};

static const char *const no_clauses[] = {NULL};

static const char *word_among(const struct parser *p, const char *const *words)
{
    for (; *words != NULL; words++)
        if (at_word(p, *words))
            return *words;
    return NULL;
}

static const char *const *clauses_of(const struct select *s)
{
    return s->kind == SELECT_METRIC ? metric_clauses : stream_clauses;
}

/* ---- SELECT ---- */

/* * EXCEPT (...), REPLACE, APPLY */
static void refuse_star_modifiers(struct parser *p)
{
    static const char *const words[] = {"EXCEPT", "EXCLUDE", "REPLACE", "APPLY", NULL};
    while (word_among(p, words) != NULL) {
        refuse(p, place_here(p), NULL, "* %.*s is not there yet", STR_FMT(p->token.text));
        advance(p);
        accept_word(p, "STRICT");
        if (at_symbol(p, '('))
            skip_brackets(p);
        else
            advance(p);
    }
}

static bool select_item(struct parser *p, struct select_item *item)
{
    item->at = place_here(p);
    item->value = expression(p);
    if (item->value == NULL)
        return false;
    item->at = place_since(p, item->at);
    if (item->value->kind == AST_STAR)
        refuse_star_modifiers(p);
    if (accept_word(p, "AS"))
        return name_here(p, "a name after AS", &item->alias);
    if (at_end_of_statement(p))
        return true;
    bool is_name = p->token.kind == TOKEN_QUOTED ||
                   (p->token.kind == TOKEN_WORD && !word_is_reserved(p->token.text) &&
                    word_among(p, select_clauses) == NULL && word_among(p, join_words) == NULL);
    return !is_name || name_here(p, "a name", &item->alias);
}

static bool is_at_item_end(struct parser *p)
{
    if (at_symbol(p, ',') || at_end_of_statement(p) || word_among(p, select_clauses) != NULL)
        return true;
    mistake_expected(p, "',' or FROM after the item");
    return false;
}

static bool select_items(struct parser *p, struct select *s)
{
    if (at_word(p, "WITH")) {
        static const char *const words[] = {"SELECT", NULL};
        refuse(p, place_here(p), NULL, "WITH is not there yet");
        skip_to_clause(p, words);
    }
    if (!expect_word(p, "SELECT", "after AS"))
        return false;
    if (at_word(p, "DISTINCT")) {
        refuse(p, place_here(p), NULL, "SELECT DISTINCT is not there yet");
        advance(p);
    }
    do {
        struct select_item item = {0};
        bool is_ok = select_item(p, &item) && is_at_item_end(p);
        if (!is_ok && !resume_in_list(p, 0, select_clauses))
            return false;
        s->items = room_for_one(p, s->items, s->n_items, sizeof(item));
        s->items[s->n_items++] = item;
        if (s->n_items > MAX_COLUMNS) {
            mistake(p, item.at, NULL, "a SELECT has at most %d items", MAX_COLUMNS);
            return false;
        }
    } while (accept_symbol(p, ','));
    return true;
}

static bool from_clause(struct parser *p, struct select *s)
{
    if (!expect_word(p, "FROM", "after the items of SELECT"))
        return false;
    s->from_at = place_here(p);
    if (at_end_of_statement(p)) {
        mistake_expected(p, "the name of a source or stream");
        return false;
    }
    if (at_symbol(p, '(')) {
        refuse(p, s->from_at, "make it a stream of its own",
               "a SELECT inside FROM is not there yet");
        skip_brackets(p);
    } else if (at_merge(p)) {
        s->is_merge = true;
        if (!merge_here(p, &s->from))
            return false;
        s->from_at = place_since(p, s->from_at);
    } else if (word_is_reserved(p->token.text) && p->token.kind == TOKEN_WORD) {
        mistake_expected(p, "the name of a source or stream");
        return false;
    } else if (!name_here(p, "the name of a source or stream", &s->from)) {
        return false;
    }
    if (at_symbol(p, '.')) {
        mistake(p, s->from_at, NULL, "sources and streams have no database in front");
        return false;
    }
    if (at_symbol(p, '(')) {
        refuse(p, s->from_at, "read it by a CREATE SOURCE",
               "table functions other than merge('…') are not there");
        skip_brackets(p);
    }
    while (at_array_join(p))
        if (!array_join_here(p, &s->array_joins, &s->n_array_joins, select_clauses))
            return false;
    const char *join = word_among(p, join_words);
    if (join != NULL || at_symbol(p, ',')) {
        refuse(p, place_here(p), NULL, "JOIN is not there yet");
        advance(p);
        skip_to_clause(p, select_clauses);
        return !p->in_panic;
    }
    if (at_end_of_statement(p))
        return !p->in_panic;
    bool is_alias = at_word(p, "AS") || p->token.kind == TOKEN_QUOTED ||
                    (p->token.kind == TOKEN_WORD && word_among(p, select_clauses) == NULL &&
                     word_among(p, later_clauses) == NULL && !word_is_reserved(p->token.text) &&
                     suggest_keyword(p, p->token.text, clauses_of(s),
                                     s->kind == SELECT_METRIC ? 6 : 2) == NULL);
    if (is_alias) {
        struct place at = place_here(p);
        struct str alias;
        accept_word(p, "AS");
        /* Only "FROM a b WHERE", not a misspelt clause with its text behind it. */
        struct token next = token_after(p);
        bool is_clause = next.kind == TOKEN_NUMBER || next.kind == TOKEN_STRING;
        if (is_clause)
            return true;
        if (!name_here(p, "a name after AS", &alias))
            return false;
        refuse(p, at, NULL, "a second name for %.*s is not there yet", STR_FMT(s->from));
        if (word_among(p, join_words) != NULL) {
            refuse(p, place_here(p), NULL, "JOIN is not there yet");
            skip_to_clause(p, select_clauses);
        }
    }
    return !p->in_panic;
}

/* ---- GROUP BY ---- */

static void add_set(struct parser *p, struct select *s, struct ast_list keys, struct place at)
{
    for (uint32_t i = 0; i < keys.n; i++)
        if (keys.items[i]->kind == AST_NUMBER)
            refuse(p, keys.items[i]->at, "write the name",
                   "numbers of items in GROUP BY are not there yet");
    s->sets = room_for_one(p, s->sets, s->n_sets, sizeof(*s->sets));
    s->sets[s->n_sets++] =
        (struct grouping_set){.keys = keys.items, .n_keys = keys.n, .at = place_since(p, at)};
}

/* (a, b), (), a; then perhaps TOP n PER k BY a */
static bool grouping_set(struct parser *p, struct select *s, unsigned brackets)
{
    struct place at = place_here(p);
    struct ast_list keys = {0};

    if (accept_symbol(p, '(')) {
        if (!at_symbol(p, ')') && !expression_list(p, &keys))
            return false;
        if (!expect_symbol(p, ')', "after the dimensions"))
            return false;
    } else {
        struct ast *key = expression(p);
        if (key == NULL)
            return false;
        ast_list_add(p, &keys, key);
    }
    add_set(p, s, keys, at);
    if (at_word(p, "TOP")) {
        refuse(p, place_here(p), NULL, "TOP n PER is not there yet");
        while (!at_end_of_statement(p) &&
               !(p->brackets == brackets && (at_symbol(p, ',') || at_symbol(p, ')'))))
            advance(p);
    }
    return !p->in_panic;
}

static bool grouping_sets(struct parser *p, struct select *s)
{
    if (!expect_word(p, "SETS", "after GROUPING") || !expect_symbol(p, '(', "after GROUPING SETS"))
        return false;
    unsigned brackets = p->brackets;
    s->has_grouping_sets = true;
    do {
        if (!grouping_set(p, s, brackets) && !resume_in_list(p, brackets, select_clauses))
            return false;
        if (s->n_sets > MAX_COLUMNS) {
            mistake(p, place_here(p), NULL, "more than %d grouping sets", MAX_COLUMNS);
            return false;
        }
    } while (accept_symbol(p, ','));
    return expect_symbol(p, ')', "after the grouping sets");
}

/* ROLLUP: every beginning of the keys; CUBE: every choice of them. The longest first. */
static void add_derived_sets(struct parser *p, struct select *s, struct ast_list keys, bool is_cube,
                             struct place at)
{
    enum { MAX_CUBE_KEYS = 6 };
    if (is_cube && keys.n > MAX_CUBE_KEYS) {
        mistake(p, at, "write out those that are asked for: GROUPING SETS ((a, b), (a), ())",
                "CUBE of %u keys makes 2^%u grouping sets; %d keys are the most", keys.n, keys.n,
                MAX_CUBE_KEYS);
        return;
    }
    s->has_grouping_sets = true;
    uint32_t n_sets = is_cube ? 1u << keys.n : keys.n + 1;
    for (uint32_t i = n_sets; i-- > 0;) {
        struct ast_list set = {0};
        for (uint32_t k = 0; k < keys.n; k++)
            if (is_cube ? i >> (keys.n - 1 - k) & 1 : k < i)
                ast_list_add(p, &set, keys.items[k]);
        add_set(p, s, set, at);
    }
}

/* ROLLUP (a, b), CUBE (a, b): behind the word. */
static bool derived_sets(struct parser *p, struct select *s, bool is_cube, struct place at)
{
    struct ast_list keys = {0};
    if (!expect_symbol(p, '(', is_cube ? "after CUBE" : "after ROLLUP") ||
        !expression_list(p, &keys) || !expect_symbol(p, ')', "after the dimensions"))
        return false;
    add_derived_sets(p, s, keys, is_cube, at);
    return !p->in_panic;
}

static bool group_by(struct parser *p, struct select *s)
{
    struct place at = place_here(p);
    struct ast_list keys = {0};

    if (!expect_word(p, "BY", "after GROUP"))
        return false;
    struct token next = token_after(p);
    bool is_call = next.kind == TOKEN_SYMBOL && next.symbol == '(';
    at = place_here(p);
    if (at_word(p, "ALL") && !is_call) {
        refuse(p, at, "name the dimensions", "GROUP BY ALL is not there yet");
        advance(p);
    } else if ((at_word(p, "ROLLUP") || at_word(p, "CUBE")) && is_call) {
        bool is_cube = at_word(p, "CUBE");
        advance(p);
        if (!derived_sets(p, s, is_cube, at))
            return false;
    } else if (accept_word(p, "GROUPING")) {
        if (!grouping_sets(p, s))
            return false;
    } else {
        if (!key_list(p, &keys))
            return false;
        add_set(p, s, keys, at);
    }
    while (at_word(p, "WITH")) {
        struct place with = place_here(p);
        advance(p);
        bool is_cube = at_word(p, "CUBE");
        if ((is_cube || at_word(p, "ROLLUP")) && !s->has_grouping_sets && s->n_sets == 1) {
            s->n_sets = 0;
            add_derived_sets(p, s, keys, is_cube, at);
        } else {
            refuse(p, with,
                   at_word(p, "TOTALS") ? "add the set (): GROUPING SETS ((a, b), ())" : NULL,
                   "WITH %.*s is not there", STR_FMT(p->token.text));
        }
        if (!at_end_of_statement(p))
            advance(p);
    }
    return !p->in_panic;
}

/* ---- EVERY ---- */

/* SET a = e, b = e: up to the next tier. */
static bool refuse_tier_set(struct parser *p)
{
    struct str name;
    refuse(p, place_here(p), NULL, "SET in a tier is not there yet");
    do {
        advance(p);
        if (!name_here(p, "the name of a measure", &name) ||
            !expect_symbol(p, '=', "after the name") || expression(p) == NULL)
            return false;
    } while (at_symbol(p, ',') && token_after(p).kind != TOKEN_NUMBER);
    return true;
}

static bool tier(struct parser *p, struct select *s)
{
    struct tier_def t = {0};

    if (!duration_here(p, &t.every, DURATION_POSITIVE))
        return false;
    for (uint32_t i = 0; i < s->n_tiers; i++)
        if (s->tiers[i].every.count == t.every.count && s->tiers[i].every.unit == t.every.unit)
            refuse(p, t.every.at, NULL, "this tier is there twice");
    if (accept_word(p, "KEEP") && !keep_here(p, &t.keep, KEEP_OF_TIER))
        return false;
    if (at_word(p, "SET") && !refuse_tier_set(p))
        return false;
    if (s->n_tiers == 64) {
        mistake(p, t.every.at, NULL, "a metric has at most 64 tiers");
        return false;
    }
    s->tiers = room_for_one(p, s->tiers, s->n_tiers, sizeof(t));
    s->tiers[s->n_tiers++] = t;
    return !p->in_panic;
}

static bool every_clause(struct parser *p, struct select *s)
{
    do {
        if (!tier(p, s))
            return false;
    } while (accept_symbol(p, ','));
    return true;
}

static bool zone_clause(struct parser *p, struct select *s)
{
    const struct zone *zone;
    struct err e;

    if (!expect_word(p, "ZONE", "after TIME"))
        return false;
    s->zone_at = place_here(p);
    if (!string_here(p, "the time zone's name in quotes, such as 'Asia/Kolkata'", &s->zone))
        return false;
    if (zone_find(&zone, s->zone, &e) != ERR_OK)
        refuse(p, s->zone_at, NULL, "%s", e.text);
    return true;
}

/* ---- the whole ---- */

static bool metric_only(struct parser *p, const struct select *s, const char *clause)
{
    if (s->kind == SELECT_METRIC)
        return true;
    refuse(p, place_here(p), "CREATE METRIC aggregates", "%s has no place in a stream", clause);
    return false;
}

static bool select_clause(struct parser *p, struct select *s)
{
    struct place at = place_here(p);

    if (at_word(p, "WHERE")) {
        check_once(p, &s->seen, SEEN_WHERE, "WHERE");
        advance(p);
        s->where = expression(p);
        return s->where != NULL;
    }
    if (at_word(p, "GROUP")) {
        check_once(p, &s->seen, SEEN_GROUP, "GROUP BY");
        metric_only(p, s, "GROUP BY");
        advance(p);
        return group_by(p, s);
    }
    if (at_word(p, "HAVING")) {
        check_once(p, &s->seen, SEEN_HAVING, "HAVING");
        metric_only(p, s, "HAVING");
        advance(p);
        s->having = expression(p);
        return s->having != NULL;
    }
    if (at_word(p, "EVERY")) {
        check_once(p, &s->seen, SEEN_EVERY, "EVERY");
        metric_only(p, s, "EVERY");
        advance(p);
        return every_clause(p, s);
    }
    if (at_word(p, "KEEP")) {
        check_once(p, &s->seen, SEEN_KEEP, "KEEP");
        advance(p);
        return keep_here(p, &s->keep, s->kind == SELECT_METRIC ? KEEP_OF_TIER : KEEP_OF_ROWS);
    }
    if (at_word(p, "TIME")) {
        check_once(p, &s->seen, SEEN_ZONE, "TIME ZONE");
        metric_only(p, s, "TIME ZONE");
        advance(p);
        return zone_clause(p, s);
    }
    if (at_word(p, "SETTINGS")) {
        check_once(p, &s->seen, SEEN_SETTINGS, "SETTINGS");
        metric_only(p, s, "SETTINGS");
        advance(p);
        return settings_here(p, &s->settings, &s->n_settings);
    }
    if (at_word(p, "DEDUPLICATE")) {
        refuse(p, at, "write it behind the source's EVENT TIME: all that is over it sees the rest",
               "DEDUPLICATE has its place in CREATE SOURCE");
        advance(p);
        skip_to_clause(p, select_clauses);
        return !p->in_panic;
    }
    if (at_word(p, "FROM") && s->from.n == 0)
        return from_clause(p, s); /* that it is late, or what went wrong with it, was reported */
    if (s->kind == SELECT_METRIC &&
        (at_word(p, "ORDER") || at_word(p, "LIMIT") || at_word(p, "OFFSET"))) {
        bool is_order = at_word(p, "ORDER");
        refuse(p, at,
               is_order ? "write it in the query: SELECT … FROM the metric's view ORDER BY …"
                        : "write it in the query, or keep rows out by HAVING",
               is_order ? "ORDER BY has no place in a metric: what is kept has no order of its own"
                        : "%.*s has no place in a metric: rows left out now would be missing from "
                          "later merges",
               STR_FMT(p->token.text));
        advance(p);
        skip_to_clause(p, select_clauses);
        return !p->in_panic;
    }
    const char *later = word_among(p, later_clauses);
    if (at_word(p, "ORDER"))
        later = "ORDER BY without KEEP";
    if (later != NULL) {
        bool is_set = strcmp(later, "UNION") == 0 || strcmp(later, "INTERSECT") == 0 ||
                      strcmp(later, "EXCEPT") == 0;
        refuse(p, at, strcmp(later, "UNION") == 0 ? "read both by FROM merge('a|b')" : NULL,
               "%s is not there yet", later);
        advance(p);
        /* Its SELECT has clauses of its own. */
        skip_to_clause(p, is_set ? no_clauses : select_clauses);
        return !p->in_panic;
    }
    unexpected_clause(p, clauses_of(s));
    return false;
}

static bool select_body(struct parser *p, struct select *s)
{
    if (!select_items(p, s) && !resume_at_clause(p, select_clauses))
        return false;
    if (!from_clause(p, s) && !resume_at_clause(p, select_clauses))
        return false;
    while (!at_end_of_statement(p))
        if (!select_clause(p, s) && !resume_at_clause(p, select_clauses))
            return false;
    return !p->in_panic;
}

bool stream_statement(struct parser *p, struct stream_def *def)
{
    struct select s = {.kind = SELECT_STREAM};

    def->at = place_here(p);
    if (!name_here(p, "the stream's name", &def->name))
        return false;
    if (at_word(p, "KEEP")) {
        s.seen |= SEEN_KEEP;
        advance(p);
        if (!keep_here(p, &s.keep, KEEP_OF_ROWS))
            return false;
    }
    if (!expect_word(p, "AS", "and a SELECT") || !select_body(p, &s))
        return false;
    def->items = s.items;
    def->n_items = s.n_items;
    def->from = s.from;
    def->from_at = s.from_at;
    def->is_merge = s.is_merge;
    def->array_joins = s.array_joins;
    def->n_array_joins = s.n_array_joins;
    def->where = s.where;
    def->keep = s.keep;
    return true;
}

bool metric_statement(struct parser *p, struct metric_def *def)
{
    struct select s = {.kind = SELECT_METRIC};

    def->at = place_here(p);
    if (!name_here(p, "the metric's name", &def->name))
        return false;
    if (at_word(p, "VERSION")) {
        refuse(p, place_here(p), NULL, "VERSION is not there yet");
        advance(p);
        if (p->token.kind == TOKEN_NUMBER)
            advance(p);
    }
    if (!expect_word(p, "AS", "and a SELECT") || !select_body(p, &s))
        return false;
    if (s.n_sets == 0 && (s.seen & SEEN_GROUP) == 0)
        add_set(p, &s, (struct ast_list){0}, def->at); /* no GROUP BY: one row of everything */
    if (s.n_tiers > 0 && s.keep.is_given)
        refuse(p, s.keep.at, "write EVERY 1 MINUTE KEEP 7 DAYS, …",
               "KEEP of a metric with EVERY stands behind each tier");
    def->items = s.items;
    def->n_items = s.n_items;
    def->from = s.from;
    def->from_at = s.from_at;
    def->is_merge = s.is_merge;
    def->array_joins = s.array_joins;
    def->n_array_joins = s.n_array_joins;
    def->where = s.where;
    def->having = s.having;
    def->sets = s.sets;
    def->n_sets = s.n_sets;
    def->has_grouping_sets = s.has_grouping_sets;
    def->tiers = s.tiers;
    def->n_tiers = s.n_tiers;
    def->keep = s.keep;
    def->zone = s.zone;
    def->zone_at = s.zone_at;
    def->settings = s.settings;
    def->n_settings = s.n_settings;
    return !p->in_panic;
}
