/* SPDX-License-Identifier: Apache-2.0
 *
 * What several statements share: names, texts, durations, KEEP, settings, and going on after
 * mistakes. */
#include <strings.h>

#include "lang/operator.h"
#include "lang/parse_priv.h"

bool name_here(struct parser *p, const char *what, struct str *ret)
{
    if (p->token.kind == TOKEN_QUOTED) {
        *ret = token_unquote(p->arena, &p->token);
        if (ret->n == 0) {
            mistake(p, place_here(p), NULL, "a name cannot be empty");
            return false;
        }
    } else if (p->token.kind == TOKEN_WORD) {
        *ret = p->token.text;
    } else {
        mistake_expected(p, what);
        return false;
    }
    advance(p);
    return !p->in_panic;
}

bool string_here(struct parser *p, const char *what, struct str *ret)
{
    if (p->token.kind != TOKEN_STRING) {
        mistake_expected(p, what);
        return false;
    }
    *ret = token_unquote(p->arena, &p->token);
    advance(p);
    return !p->in_panic;
}

/* ---- durations and KEEP ---- */

enum { MAX_DURATION_COUNT = 1000000000 };

bool duration_here(struct parser *p, struct duration *ret, enum duration_use use)
{
    accept_word(p, "INTERVAL");
    struct place at = place_here(p);
    struct str digits = p->token.text;
    int64_t count = 0;

    if (p->token.kind != TOKEN_NUMBER) {
        mistake_expected(p, "a duration such as 7 DAYS");
        return false;
    }
    for (size_t i = 0; i < digits.n; i++) {
        bool is_digit = digits.p[i] >= '0' && digits.p[i] <= '9';
        if (!is_digit && digits.p[i] != '_') {
            mistake(p, at, "take a smaller unit: 90 SECONDS",
                    "a duration is a whole number of units");
            return false;
        }
        if (is_digit && count <= MAX_DURATION_COUNT)
            count = count * 10 + (digits.p[i] - '0');
    }
    advance(p);
    if (p->token.kind != TOKEN_WORD || !word_is_unit(p->token.text, &ret->unit)) {
        const char *near =
            p->token.kind == TOKEN_WORD
                ? suggest_keyword(p, p->token.text, interval_unit_names, INTERVAL_YEAR + 1)
                : NULL;
        mistake(p, place_here(p), near,
                "expected a unit such as SECOND, MINUTE, HOUR, DAY, found %.*s",
                STR_FMT(p->token.kind == TOKEN_WORD ? p->token.text : STR("something else")));
        return false;
    }
    struct place unit_at = place_here(p);
    advance(p);
    ret->at = place_since(p, at);
    ret->count = count;
    if (count > MAX_DURATION_COUNT)
        refuse(p, at, NULL, "a duration has at most %d units", MAX_DURATION_COUNT);
    else if (count == 0 && use == DURATION_POSITIVE)
        refuse(p, ret->at, NULL, "this duration must not be 0");
    else if (ret->unit < INTERVAL_SECOND)
        refuse(p, unit_at, NULL, "units below SECOND have no place here");
    return !p->in_panic;
}

bool key_list(struct parser *p, struct ast_list *list)
{
    if (!expression_list(p, list))
        return false;
    bool is_tuple = list->n == 1 && list->items[0]->kind == AST_CALL &&
                    str_is(list->items[0]->text, "tuple") && !list->items[0]->has_params;
    if (is_tuple)
        *list = (struct ast_list){list->items[0]->args, list->items[0]->n_args, 0};
    return true;
}

static bool order_by(struct parser *p, struct keep *ret)
{
    struct ast_list keys = {0};
    if (!expect_word(p, "BY", "after ORDER") || !key_list(p, &keys))
        return false;
    ret->order_by = keys.items;
    ret->n_order_by = keys.n;
    if (at_word(p, "DESC") || at_word(p, "ASC")) {
        refuse(p, place_here(p), NULL, "%.*s has no place here: stored rows are in ascending order",
               STR_FMT(p->token.text));
        advance(p);
    }
    return true;
}

static bool refuse_to_disk(struct parser *p)
{
    struct place at = place_here(p);
    struct duration age;
    struct str disk;
    advance(p);
    if (!expect_word(p, "DISK", "after TO") || !string_here(p, "the disk's name in quotes", &disk))
        return false;
    refuse(p, at, NULL, "TO DISK is not there yet");
    return !accept_word(p, "AFTER") || duration_here(p, &age, DURATION_ANY);
}

bool keep_here(struct parser *p, struct keep *ret, enum keep_of of)
{
    ret->is_given = true;
    ret->at = place_here(p);
    if (accept_word(p, "FOREVER"))
        ret->is_forever = true;
    else if (!duration_here(p, &ret->age, DURATION_POSITIVE))
        return false;
    if (at_word(p, "TO") && !refuse_to_disk(p))
        return false;
    ret->at = place_since(p, ret->at);
    if (!at_word(p, "ORDER"))
        return !p->in_panic;
    struct place at = place_here(p);
    advance(p);
    if (of == KEEP_OF_TIER) {
        struct keep ignored = {0};
        refuse(p, at, NULL,
               "ORDER BY has no place in a metric: its tiers are ordered by their dimensions");
        return order_by(p, &ignored);
    }
    return order_by(p, ret);
}

/* ---- settings ---- */

static bool contains_word(struct str text, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.n; i++)
        if (strncasecmp(text.p + i, word, n) == 0)
            return true;
    return false;
}

/* scheme://user:password@host, or a parameter that says so. */
static bool url_has_password(struct str text)
{
    const char *scheme = memmem(text.p, text.n, "://", 3);
    if (scheme == NULL)
        return false;
    const char *start = scheme + 3, *end = text.p + text.n, *at = NULL;
    const char *stop = start;
    while (stop < end && *stop != '/' && *stop != '?' && *stop != '#')
        stop++;
    for (const char *c = start; c < stop; c++)
        if (*c == '@')
            at = c;
    const char *colon = at != NULL ? memchr(start, ':', (size_t)(at - start)) : NULL;
    if (colon != NULL && colon + 1 < at)
        return true;
    return contains_word((struct str){stop, (size_t)(end - stop)}, "password=");
}

static void check_secret(struct parser *p, const struct setting *s)
{
    static const char *const words[] = {"password", "passwd",     "secret",
                                        "api_key",  "access_key", "auth_token"};
    bool is_secret = false;

    for (size_t i = 0; i < COUNT(words); i++)
        is_secret = is_secret || contains_word(s->name, words[i]);
    if ((!is_secret || s->value.n == 0) && !url_has_password(s->value))
        return;
    /* Without length no line is shown: the message must not carry the password on. */
    struct place at = s->value_at;
    at.length = 0;
    refuse(p, at,
           "write PASSWORD FROM ENV 'VARIABLE' or PASSWORD FROM FILE 'path' behind the value",
           "a password does not belong into a definition");
}

static bool literal_here(struct parser *p, struct str *ret)
{
    struct place at = place_here(p);
    bool is_negative = accept_symbol(p, '-');

    if (p->token.kind == TOKEN_NUMBER) {
        *ret = p->token.text;
        if (is_negative)
            *ret = str_of(arena_printf(p->arena, "-%.*s", STR_FMT(*ret)));
    } else if (p->token.kind == TOKEN_STRING && !is_negative) {
        *ret = token_unquote(p->arena, &p->token);
    } else if ((at_word(p, "TRUE") || at_word(p, "FALSE")) && !is_negative) {
        *ret = at_word(p, "TRUE") ? STR("true") : STR("false");
    } else if (p->token.kind == TOKEN_WORD && !is_negative) {
        mistake(p, at, arena_printf(p->arena, "write '%.*s'", STR_FMT(p->token.text)),
                "expected a number or a text in quotes, found %.*s", STR_FMT(p->token.text));
        return false;
    } else {
        mistake_expected(p, "a number or a text in quotes");
        return false;
    }
    advance(p);
    return !p->in_panic;
}

bool setting_here(struct parser *p, struct setting *ret)
{
    ret->at = place_here(p);
    if (!name_here(p, "the name of a setting", &ret->name) ||
        !expect_symbol(p, '=', "after the name of the setting"))
        return false;
    ret->value_at = place_here(p);
    if (!literal_here(p, &ret->value))
        return false;
    ret->value_at = place_since(p, ret->value_at);
    check_secret(p, ret);
    return true;
}

bool settings_here(struct parser *p, struct setting **ret, uint32_t *n)
{
    do {
        struct setting s = {0};
        if (!setting_here(p, &s))
            return false;
        for (uint32_t i = 0; i < *n; i++)
            if (str_eq((*ret)[i].name, s.name)) {
                refuse(p, s.at, NULL, "the setting %.*s is given twice", STR_FMT(s.name));
                break;
            }
        *ret = room_for_one(p, *ret, *n, sizeof(s));
        if (*n == MAX_COLUMNS) {
            mistake(p, s.at, NULL, "more than %d settings", MAX_COLUMNS);
            return false;
        }
        (*ret)[(*n)++] = s;
    } while (accept_symbol(p, ','));
    return !p->in_panic;
}

/* ---- going on ---- */

static bool at_clause(const struct parser *p, const char *const *words)
{
    for (; *words != NULL; words++)
        if (at_word(p, *words))
            return true;
    return false;
}

/* After a mistake also where brackets are open. */
static bool at_next_statement(const struct parser *p)
{
    return at_end_of_statement(p) || (p->token.is_first_on_line && at_word(p, "CREATE"));
}

void skip_to_clause(struct parser *p, const char *const *words)
{
    while (!at_next_statement(p) && !(p->brackets == 0 && at_clause(p, words)))
        advance(p);
}

bool resume_at_clause(struct parser *p, const char *const *words)
{
    skip_to_clause(p, words);
    if (at_next_statement(p))
        return false;
    p->in_panic = false;
    return true;
}

bool resume_in_list(struct parser *p, unsigned brackets, const char *const *words)
{
    while (!at_next_statement(p)) {
        bool is_end = at_symbol(p, ',') || (at_symbol(p, ')') && brackets > 0) ||
                      (words != NULL && at_clause(p, words));
        if (is_end && p->brackets <= brackets) {
            p->in_panic = false;
            return true;
        }
        advance(p);
    }
    return false;
}

void unexpected_clause(struct parser *p, const char *const *words)
{
    size_t n = 0;
    while (words[n] != NULL)
        n++;
    const char *near =
        p->token.kind == TOKEN_WORD ? suggest_keyword(p, p->token.text, words, n) : NULL;
    if (p->token.text.n > 40)
        mistake(p, place_here(p), near, "this has no place here");
    else
        mistake(p, place_here(p), near, "%.*s has no place here", STR_FMT(p->token.text));
    if (!at_end_of_statement(p))
        advance(p); /* it may be a word at which reading goes on */
}

void check_once(struct parser *p, uint32_t *seen, uint32_t bit, const char *clause)
{
    if ((*seen & bit) != 0)
        refuse(p, place_here(p), NULL, "%s is given twice", clause);
    *seen |= bit;
}
