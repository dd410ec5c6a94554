/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of the language: one table per family, in the file that implements it. Names are
 * case-sensitive or not as in ClickHouse. */
#include "expr/advice.h"

#include <pthread.h>
#include <stdio.h>
#include <strings.h>
static const struct function_family *const families[] = {
    &family_arithmetic,   &family_compare,    &family_logic,         &family_conditional,
    &family_null,         &family_in,         &family_like,          &family_text,
    &family_round,        &family_cast,       &family_text_utf8,     &family_text_search,
    &family_text_make,    &family_text_code,  &family_readable,      &family_pattern,
    &family_url,          &family_json,       &family_json_simple,   &family_time_part,
    &family_time_start,   &family_time_shift, &family_time_unix,     &family_other,
    &family_time_week,    &family_time_make,  &family_time_age,      &family_time_trunc,
    &family_time_format,  &family_time_parse, &family_cast_accurate, &family_digest,
    &family_math,         &family_bits,       &family_geo,           &family_hash,
    &family_network,      &family_compound,   &family_array,         &family_lambda,
    &family_pattern_many, &family_key_values, &family_json_typed,    &family_json_path,
    &family_transform,
};

const struct function *function_find(struct str name)
{
    for (size_t i = 0; i < COUNT(families); i++) {
        for (size_t k = 0; k < families[i]->n; k++) {
            const struct function *f = &families[i]->functions[k];
            if (strlen(f->name) != name.n)
                continue;
            if (f->flags & FN_ANY_CASE ? strncasecmp(f->name, name.p, name.n) == 0
                                       : memcmp(f->name, name.p, name.n) == 0)
                return f;
        }
    }
    return NULL;
}

static bool is_of(const struct function_family *family, const struct function *f)
{
    return f >= family->functions && f < family->functions + family->n;
}

bool function_is_lazy(const struct function *f, const struct type *types)
{
    static const char *const lazy[] = {"dateDiff", "toDayOfWeek", "toStartOfWeek",
                                       "toUnixTimestamp", "toLowCardinality"};
    static const char *const eager[] = {"length", "OCTET_LENGTH", "empty", "notEmpty", "toBool"};

    for (size_t i = 0; i < COUNT(lazy); i++)
        if (strcmp(f->name, lazy[i]) == 0)
            return true;
    for (size_t i = 0; i < COUNT(eager); i++)
        if (strcmp(f->name, eager[i]) == 0)
            return false;
    bool is_number_as_time = str_starts(str_of(f->name), "toDate") && type_is_number(types[0]);
    static const struct function_family *const lazy_families[] = {
        &family_text,       &family_like,       &family_text_utf8,   &family_text_search,
        &family_text_make,  &family_text_code,  &family_readable,    &family_pattern,
        &family_url,        &family_json,       &family_json_simple, &family_pattern_many,
        &family_key_values, &family_json_typed, &family_json_path,
    };
    for (size_t i = 0; i < COUNT(lazy_families); i++)
        if (is_of(lazy_families[i], f))
            return true;
    return is_of(&family_cast, f) && !is_number_as_time;
}

static bool is_of_any(const struct function_family *const *list, size_t n, const struct function *f)
{
    for (size_t i = 0; i < n; i++)
        if (is_of(list[i], f))
            return true;
    return false;
}

static bool is_named(const struct function *f, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(f->name, names[i]) == 0)
            return true;
    return false;
}

enum more_types function_more_types(const struct function *f)
{
    static const struct function_family *const all[] = {
        &family_compound, &family_array,       &family_lambda,     &family_cast,
        &family_compare,  &family_conditional, &family_null,       &family_in,
        &family_logic,    &family_other,       &family_arithmetic, &family_transform,
    };
    static const struct function_family *const texts[] = {
        &family_text,        &family_like,      &family_text_utf8,
        &family_text_search, &family_text_make, &family_text_code,
    };
    static const char *const any[] = {
        "concat",         "concatWithSeparator",          "length", "empty", "notEmpty",
        "multiSearchAny", "multiSearchAnyCaseInsensitive"};
    static const char *const keeps_fixed[] = {"lower",   "upper",     "lcase",    "ucase",
                                              "reverse", "lowerUTF8", "upperUTF8"};

    if (is_of_any(all, COUNT(all), f) || str_starts(str_of(f->name), "multiMatchAny"))
        return MORE_TYPES_ALL;
    if (is_named(f, any, COUNT(any)))
        return MORE_TYPES_ANY_TEXT;
    static const char *const takes_fixed[] = {"extractGroups", "extractAllGroups",
                                              "extractAllGroupsVertical",
                                              "extractAllGroupsHorizontal"};
    if (is_named(f, takes_fixed, COUNT(takes_fixed)))
        return MORE_TYPES_FIXED_STRING;
    if (is_of_any(texts, COUNT(texts), f) && !is_named(f, keeps_fixed, COUNT(keeps_fixed)))
        return MORE_TYPES_FIXED_STRING;
    return is_of(&family_time_part, f) ? MORE_TYPES_DATE32 : MORE_TYPES_NONE;
}

bool function_is_known(struct str name)
{
    return function_find(name) != NULL;
}

static const char *all_names[1024];
static size_t n_names;
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static void collect_names(void)
{
    for (size_t i = 0; i < COUNT(families); i++)
        for (size_t k = 0; k < families[i]->n && n_names < COUNT(all_names); k++)
            all_names[n_names++] = families[i]->functions[k].name;
}

const char *const *function_names(size_t *n)
{
    pthread_once(&names_once, collect_names);
    *n = n_names;
    return all_names;
}

/* ---- mistakes ---- */

value_id site_error(struct site *s, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    diagnose_error(s->d, s->at, NULL, "%s", text);
    return VALUE_FAILED;
}

value_id site_bad_type(struct site *s, uint32_t arg, const char *expected)
{
    char type[64];
    struct place at = s->node && arg < s->node->n_args ? s->node->args[arg]->at : s->at;

    const struct ast *node = s->node && arg < s->node->n_args ? s->node->args[arg] : NULL;
    struct type have = value_at(s->b, s->args[arg])->type;
    AUTO_DONE(buf) advice = {0};

    diagnose_error(s->d, at, advice_for_argument(&advice, have, expected, node),
                   "argument %u of '%.*s' is %s, expected %s", arg + 1, STR_FMT(s->name),
                   type_name(have, type), expected);
    return VALUE_FAILED;
}

bool site_integer(struct site *s, uint32_t arg, int64_t *ret)
{
    const struct value *v = value_at(s->b, s->args[arg]);

    if (v->kind != VALUE_CONSTANT || v->cell.is_null || v->cell.fault ||
        !type_is_integer(v->type)) {
        site_bad_type(s, arg, "a constant integer");
        return false;
    }
    value_id wide = cast_number(s->b, s->args[arg], TYPE_INT64);
    *ret = constant_cell(s->b, wide)->i64;
    return true;
}

bool site_string(struct site *s, uint32_t arg, struct str *ret)
{
    const struct value *v = value_at(s->b, s->args[arg]);

    if (v->kind != VALUE_CONSTANT || v->cell.is_null || v->cell.fault ||
        v->type.kind != TYPE_STRING) {
        site_bad_type(s, arg, "a constant string");
        return false;
    }
    *ret = v->cell.str;
    return true;
}

const struct function_family *const *function_families(size_t *n)
{
    *n = COUNT(families);
    return families;
}
