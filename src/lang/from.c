/* SPDX-License-Identifier: Apache-2.0
 *
 * What may stand in FROM beside a name: merge('…'), ARRAY JOIN. */
#include "lang/operator.h"
#include "lang/parse_priv.h"

/* ---- merge ---- */

bool at_merge(const struct parser *p)
{
    struct token next = token_after(p);
    return at_word(p, "merge") && next.kind == TOKEN_SYMBOL && next.symbol == '(';
}

/* merge('regexp'); merge('database', 'regexp') means the same in ClickHouse, with a database. */
bool merge_here(struct parser *p, struct str *pattern)
{
    advance(p);
    advance(p);
    struct place at = place_here(p);
    if (!string_here(p, "a regular expression in quotes", pattern))
        return false;
    if (at_symbol(p, ',')) {
        refuse(p, at, "leave it out: merge('a|b')", "sources and streams have no database");
        advance(p);
        if (!string_here(p, "a regular expression in quotes", pattern))
            return false;
    }
    if (pattern->n == 0)
        refuse(p, at, NULL,
               "merge('') would read everything: name the sources, such as merge('a|b')");
    return expect_symbol(p, ')', "after the regular expression");
}

/* ---- ARRAY JOIN ---- */

bool at_array_join(const struct parser *p)
{
    struct token next = token_after(p);
    bool is_kind = at_word(p, "LEFT") || at_word(p, "INNER");
    return (at_word(p, "ARRAY") && token_is_word(&next, "JOIN")) ||
           (is_kind && token_is_word(&next, "ARRAY"));
}

static bool starts_clause(const struct parser *p, const char *const *clauses)
{
    for (; *clauses != NULL; clauses++)
        if (at_word(p, *clauses))
            return true;
    return false;
}

static bool array_item(struct parser *p, struct select_item *item, const char *const *clauses)
{
    item->at = place_here(p);
    item->value = expression(p);
    if (item->value == NULL)
        return false;
    item->at = place_since(p, item->at);
    if (accept_word(p, "AS"))
        return name_here(p, "a name after AS", &item->alias);
    bool is_name =
        p->token.kind == TOKEN_QUOTED ||
        (p->token.kind == TOKEN_WORD && !at_end_of_statement(p) &&
         !word_is_reserved(p->token.text) && !starts_clause(p, clauses) && !at_array_join(p));
    return !is_name || name_here(p, "a name", &item->alias);
}

bool array_join_here(struct parser *p, struct array_join **joins, uint32_t *n,
                     const char *const *clauses)
{
    struct array_join join = {.at = place_here(p), .is_left = at_word(p, "LEFT")};
    if (!at_word(p, "ARRAY"))
        advance(p);
    advance(p);
    if (!expect_word(p, "JOIN", "after ARRAY"))
        return false;
    join.at = place_since(p, join.at);
    do {
        struct select_item item = {0};
        if (!array_item(p, &item, clauses))
            return false;
        join.items = room_for_one(p, join.items, join.n_items, sizeof(item));
        join.items[join.n_items++] = item;
        if (join.n_items > MAX_COLUMNS) {
            mistake(p, item.at, NULL, "more than %d arrays", MAX_COLUMNS);
            return false;
        }
    } while (accept_symbol(p, ','));
    *joins = room_for_one(p, *joins, *n, sizeof(join));
    (*joins)[(*n)++] = join;
    return true;
}
