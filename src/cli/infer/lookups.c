/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that others look things up in: a column that is a key there (whole file, no value twice,
 * none missing) and holds nearly all values that a column of another file takes. */
#include "cli/infer/infer.h"

enum { LEAST_PERCENT = 95 };

/* ---- keys ---- */

static bool is_text(const struct infer_column *c)
{
    return strstr(c->type, "String") != NULL && strncmp(c->type, "Array", 5) != 0 &&
           strncmp(c->type, "Map", 3) != 0;
}

static bool is_integer(const struct infer_column *c)
{
    return strncmp(c->type, "UInt", 4) == 0 || strncmp(c->type, "Int", 3) == 0 ||
           strncmp(c->type, "Nullable(UInt", 13) == 0 || strncmp(c->type, "Nullable(Int", 12) == 0;
}

static uint64_t without_value(const struct column_stats *s)
{
    uint64_t n = s->n_missing;
    for (size_t i = 0; i < NULL_SPELLINGS; i++)
        n += s->n_null[i];
    return n;
}

static bool may_be_key(const struct inference *inf, const struct infer_column *c)
{
    const struct column_stats *s = &c->stats;
    return !c->is_skipped && c->expression == NULL && (is_text(c) || is_integer(c)) &&
           !s->is_full && s->n_values >= 2 && s->n_seen == s->n_values &&
           s->n_values == inf->n_records && without_value(s) == 0;
}

static bool may_be_table(const struct inference *inf)
{
    return inf->is_whole && !inf->is_cut && inf->n_ragged + inf->n_broken == 0 &&
           inf->n_columns >= 2 && inf->n_files == 1;
}

/* ---- how much of it is there ---- */

static bool has_hash(const struct column_stats *s, uint64_t hash)
{
    for (size_t at = hash & (s->seen_cap - 1);; at = (at + 1) & (s->seen_cap - 1)) {
        if (s->seen[at] == hash)
            return true;
        if (s->seen[at] == 0)
            return false;
    }
}

/* Of a hundred distinct values of `of` so many are in `in`. */
static unsigned coverage(const struct column_stats *of, const struct column_stats *in)
{
    size_t n = 0;
    for (size_t i = 0; i < of->seen_cap; i++)
        n += of->seen[i] != 0 && has_hash(in, of->seen[i]);
    return of->n_seen ? (unsigned)(n * 100 / of->n_seen) : 0;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcasecmp(name + n - m, end) == 0;
}

/* Small numbers lie within any row of numbers: there the names must agree. */
static bool may_refer(const struct infer_column *from, const struct infer_column *key)
{
    const struct column_stats *s = &from->stats;
    bool is_usual = !from->is_skipped && s->n_seen >= 2 && s->n_seen < s->n_values;
    if (!is_usual)
        return false;
    if (is_integer(key))
        return is_integer(from) && ends_with(from->name, key->name);
    return is_text(from);
}

/* ---- what is looked up ---- */

static int attribute_score(const struct infer_column *c)
{
    size_t n = c->stats.n_seen;
    /* what is computed from its text is read as that text */
    if (c->is_skipped || !is_text(c))
        return 0;
    return c->role != ROLE_DIMENSION ? 1 : n >= 5 && n <= 200 ? 3 : 2;
}

static int best_attribute(const struct inference *table, size_t key)
{
    int best = -1, best_score = 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        int score = i == key ? 0 : attribute_score(table->columns[i]);
        if (score > best_score) {
            best = (int)i;
            best_score = score;
        }
    }
    return best;
}

static bool is_dimension(const struct inference *inf, size_t column)
{
    for (size_t i = 0; i < inf->n_dimensions; i++)
        if ((size_t)inf->dimensions[i] == column)
            return true;
    return false;
}

/* A breakdown by the column, or at least by what is looked up for it. */
static bool join(struct inference *inf, size_t column, struct inference *table, size_t key,
                 unsigned percent)
{
    int attribute = best_attribute(table, key);
    if (attribute < 0 || inf->n_joins == COUNT(inf->joins))
        return false;
    const struct infer_column *from = inf->columns[column];
    char *wish = arena_printf(&inf->arena, "%s_%s", from->name, table->columns[attribute]->name);
    inf->joins[inf->n_joins++] = (struct infer_join){
        .column = column,
        .table = table,
        .attribute = (size_t)attribute,
        .name = column_free_name(inf, inf->n_columns, wish),
        .is_dimension = is_dimension(inf, column),
    };
    if (!table->is_lookup) {
        table->is_lookup = true;
        table->key = key;
        table->lookup_reason =
            arena_printf(&table->arena, "%s holds %u %% of the sampled values of %s",
                         table->columns[key]->name, percent, from->name);
    }
    return true;
}

static void look_for_table(struct inference *inf, size_t column, struct inference **all, size_t n)
{
    struct inference *best = NULL;
    size_t best_key = 0;
    unsigned best_percent = LEAST_PERCENT - 1;
    for (size_t i = 0; i < n; i++) {
        struct inference *table = all[i];
        if (table == inf || table->n_joins > 0 || !may_be_table(table))
            continue;
        for (size_t k = 0; k < table->n_columns; k++) {
            const struct infer_column *key = table->columns[k];
            bool is_other_key = table->is_lookup && k != table->key;
            if (is_other_key || !may_be_key(table, key) || !may_refer(inf->columns[column], key))
                continue;
            unsigned percent = coverage(&inf->columns[column]->stats, &key->stats);
            if (percent > best_percent) {
                best = table;
                best_key = k;
                best_percent = percent;
            }
        }
    }
    if (best)
        join(inf, column, best, best_key, best_percent);
}

void lookups_find(struct inference **sources, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct inference *inf = sources[i];
        if (inf->is_lookup)
            continue;
        for (size_t d = 0; d < inf->n_dimensions; d++)
            look_for_table(inf, (size_t)inf->dimensions[d], sources, n);
        for (size_t c = 0; c < inf->n_columns && inf->n_joins == 0; c++)
            look_for_table(inf, c, sources, n);
    }
    /* one record that cannot be read is enough to refuse a table: no value may be left out */
    for (size_t i = 0; i < n; i++) {
        if (!sources[i]->is_lookup)
            continue;
        sources[i]->is_paused = true;
        inference_decide(sources[i]);
    }
}

const char *lookup_type(const struct inference *table, size_t column, struct inference *const *all,
                        size_t n)
{
    const struct infer_column *c = table->columns[column];
    const char *type = c->expression ? "String" : c->type;
    if (column != table->key || !is_integer(c))
        return type;
    /* as wide as what is looked up by it */
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < all[i]->n_joins; k++) {
            if (all[i]->joins[k].table != table)
                continue;
            const char *other = all[i]->columns[all[i]->joins[k].column]->type;
            type = strstr(other, "UInt64") ? "UInt64" : strstr(other, "Int64") ? "Int64" : type;
        }
    return type;
}
