/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of aggregate functions: what there is, under which other names, with which
 * combinators, and what is refused with what to write instead. They drive parsing, the reference
 * and messages. A new function is a line here, a build function and a file. */
#include <strings.h>

#include "aggregate/aggregate_priv.h"
#include "expr/program.h"

enum { MANY = AGGREGATE_MAX_ARGS, LEVELS = 32 };

static const struct aggregate_family families[] = {
    {"any", "any(x)", "One of the values; which is not said.", 1, 1, 0, 0, NULLS_OWN, false,
     build_any},
    {"anyLast", "anyLast(x)", "The value that came last.", 1, 1, 0, 0, NULLS_OWN, false,
     build_any_last},
    {"argMax", "argMax(x, key)", "x where key is largest; of several the one met first.", 2, 2, 0,
     0, NULLS_FLAG, false, build_arg_max},
    {"argMin", "argMin(x, key)", "x where key is smallest; of several the one met first.", 2, 2, 0,
     0, NULLS_FLAG, false, build_arg_min},
    {"avg", "avg(x)", "Mean, Float64.", 1, 1, 0, 0, NULLS_OWN, true, build_avg},
    {"avgWeighted", "avgWeighted(x, weight)",
     "Mean with weights. As in ClickHouse, x loses its fraction where the weights are integers.", 2,
     2, 0, 0, NULLS_FLAG, false, build_avg_weighted},
    {"corr", "corr(x, y)", "Pearson's correlation.", 2, 2, 0, 0, NULLS_FLAG, true, build_corr},
    {"corrStable", "corrStable(x, y)", "The same, exact for large values, too.", 2, 2, 0, 0,
     NULLS_FLAG, false, build_corr_stable},
    {"count", "count(), count(x)", "Events; those whose x is not NULL.", 0, 1, 0, 0, NULLS_OWN,
     true, build_count},
    {"covarPop", "covarPop(x, y)", "Covariance of all values.", 2, 2, 0, 0, NULLS_FLAG, false,
     build_covar},
    {"covarPopStable", "covarPopStable(x, y)", "The same, exact for large values, too.", 2, 2, 0, 0,
     NULLS_FLAG, false, build_covar_stable},
    {"covarSamp", "covarSamp(x, y)", "Covariance, estimated from a sample.", 2, 2, 0, 0, NULLS_FLAG,
     false, build_covar},
    {"covarSampStable", "covarSampStable(x, y)", "The same, exact for large values, too.", 2, 2, 0,
     0, NULLS_FLAG, false, build_covar_stable},
    {"groupBitAnd", "groupBitAnd(x)", "Bits that are set in every value.", 1, 1, 0, 0, NULLS_FLAG,
     false, build_bit_and},
    {"groupBitOr", "groupBitOr(x)", "Bits that are set in some value.", 1, 1, 0, 0, NULLS_FLAG,
     false, build_bit_or},
    {"groupBitXor", "groupBitXor(x)", "Bits that are set in an odd number of values.", 1, 1, 0, 0,
     NULLS_FLAG, false, build_bit_xor},
    {"groupBitmap", "groupBitmap(x)", "Distinct integers, exact; the state is a compressed bitmap.",
     1, 1, 0, 0, NULLS_FLAG, false, build_bitmap},
    {"groupUniqArray", "groupUniqArray[(most)](x)", "Array of the distinct values, in no order.", 1,
     1, 0, 1, NULLS_SKIP, false, build_uniq_array},
    {"kurtPop", "kurtPop(x)", "Kurtosis of all values.", 1, 1, 0, 0, NULLS_FLAG, false, build_kurt},
    {"kurtSamp", "kurtSamp(x)", "Kurtosis, estimated from a sample.", 1, 1, 0, 0, NULLS_FLAG, false,
     build_kurt},
    {"max", "max(x)", "Largest.", 1, 1, 0, 0, NULLS_OWN, true, build_max},
    {"maxMap", "maxMap(keys, values, …), maxMap(map)",
     "Tuple of arrays (a map): the largest value of each key.", 2, MANY, 0, 0, NULLS_SKIP, false,
     build_max_map},
    {"min", "min(x)", "Smallest.", 1, 1, 0, 0, NULLS_OWN, true, build_min},
    {"minMap", "minMap(keys, values, …), minMap(map)",
     "Tuple of arrays (a map): the smallest value of each key.", 2, MANY, 0, 0, NULLS_SKIP, false,
     build_min_map},
    {"quantileDD", "quantileDD(accuracy[, level])(x)", "The value at the level (0.5), by DDSketch.",
     1, 1, 1, 2, NULLS_OWN, false, build_quantile_dd},
    {"quantileExact", "quantileExact[(level)](x)",
     "The value at the level (0.5); memory grows with the events.", 1, 1, 0, 1, NULLS_FLAG, false,
     build_quantile_exact},
    {"quantileExactWeighted", "quantileExactWeighted[(level)](x, weight)",
     "The same over values that come with their number.", 2, 2, 0, 1, NULLS_FLAG, false,
     build_quantile_exact},
    {"quantileTDigest", "quantileTDigest[(level)](x)",
     "The value at the level (0.5), estimated by a t-digest.", 1, 1, 0, 1, NULLS_FLAG, false,
     build_quantile_digest},
    {"quantileTDigestWeighted", "quantileTDigestWeighted[(level)](x, weight)",
     "The same over values that come with their number.", 2, 2, 0, 1, NULLS_FLAG, false,
     build_quantile_digest},
    {"quantileTiming", "quantileTiming[(level)](x)",
     "The value at the level (0.5) of times up to 30,000 ms; exact below 1,024.", 1, 1, 0, 1,
     NULLS_FLAG, false, build_quantile_timing},
    {"quantilesDD", "quantilesDD(accuracy, level, …)(x)",
     "Array of the values at the levels. accuracy 0.01 = within 1 % of the true value.", 1, 1, 2,
     LEVELS, NULLS_OWN, false, build_quantiles_dd},
    {"quantilesExact", "quantilesExact(level, …)(x)", "Array of the values at the levels.", 1, 1, 1,
     LEVELS, NULLS_SKIP, false, build_quantiles_exact},
    {"quantilesExactWeighted", "quantilesExactWeighted(level, …)(x, weight)",
     "Array of the values at the levels.", 2, 2, 1, LEVELS, NULLS_SKIP, false,
     build_quantiles_exact},
    {"quantilesTDigest", "quantilesTDigest(level, …)(x)", "Array of the values at the levels.", 1,
     1, 1, LEVELS, NULLS_SKIP, false, build_quantiles_digest},
    {"quantilesTDigestWeighted", "quantilesTDigestWeighted(level, …)(x, weight)",
     "Array of the values at the levels.", 2, 2, 1, LEVELS, NULLS_SKIP, false,
     build_quantiles_digest},
    {"quantilesTiming", "quantilesTiming(level, …)(x)", "Array of the values at the levels.", 1, 1,
     1, LEVELS, NULLS_SKIP, false, build_quantiles_timing},
    {"simpleLinearRegression", "simpleLinearRegression(x, y)",
     "Tuple (k, b) of the line y = k * x + b that fits best.", 2, 2, 0, 0, NULLS_FLAG, false,
     build_linear_regression},
    {"skewPop", "skewPop(x)", "Skewness of all values.", 1, 1, 0, 0, NULLS_FLAG, false, build_skew},
    {"skewSamp", "skewSamp(x)", "Skewness, estimated from a sample.", 1, 1, 0, 0, NULLS_FLAG, false,
     build_skew},
    {"stddevPop", "stddevPop(x)", "Standard deviation of all values.", 1, 1, 0, 0, NULLS_FLAG,
     false, build_var},
    {"stddevPopStable", "stddevPopStable(x)", "The same, exact for large values, too.", 1, 1, 0, 0,
     NULLS_FLAG, false, build_var_stable},
    {"stddevSamp", "stddevSamp(x)", "Standard deviation, estimated from a sample.", 1, 1, 0, 0,
     NULLS_FLAG, false, build_var},
    {"stddevSampStable", "stddevSampStable(x)", "The same, exact for large values, too.", 1, 1, 0,
     0, NULLS_FLAG, false, build_var_stable},
    {"sum", "sum(x)", "Sum; of integers in 64 bits, wrapping.", 1, 1, 0, 0, NULLS_OWN, true,
     build_sum},
    {"sumCount", "sumCount(x)", "Tuple of the sum and the number of values.", 1, 1, 0, 0,
     NULLS_SKIP, false, build_sum_count},
    {"sumKahan", "sumKahan(x)", "Sum of floats that keeps what rounding would lose.", 1, 1, 0, 0,
     NULLS_FLAG, false, build_sum_kahan},
    {"sumMap", "sumMap(keys, values, …), sumMap(map)",
     "Tuple of arrays (a map): the sum of the values of each key.", 2, MANY, 0, 0, NULLS_SKIP,
     false, build_sum_map},
    {"uniq", "uniq(x, …)", "Distinct values; exact up to 65,536, then estimated.", 1, MANY, 0, 0,
     NULLS_SKIP, false, build_uniq},
    {"uniqCombined", "uniqCombined[(precision)](x, …)",
     "Distinct values, estimated in little memory.", 1, MANY, 0, 1, NULLS_OWN, false,
     build_uniq_combined},
    {"uniqCombined64", "uniqCombined64[(precision)](x, …)",
     "The same with hashes of 64 bits: for more than 100 million.", 1, MANY, 0, 1, NULLS_OWN, false,
     build_uniq_combined64},
    {"uniqExact", "uniqExact(x, …)", "Distinct values, exact; memory grows with them.", 1, MANY, 0,
     0, NULLS_OWN, false, build_uniq_exact},
    {"uniqHLL12", "uniqHLL12(x, …)",
     "Distinct values, estimated in 2.5 KB; uniqCombined is better.", 1, MANY, 0, 0, NULLS_SKIP,
     false, build_uniq_hll12},
    {"varPop", "varPop(x)", "Variance of all values.", 1, 1, 0, 0, NULLS_FLAG, false, build_var},
    {"varPopStable", "varPopStable(x)", "The same, exact for large values, too.", 1, 1, 0, 0,
     NULLS_FLAG, false, build_var_stable},
    {"varSamp", "varSamp(x)", "Variance, estimated from a sample.", 1, 1, 0, 0, NULLS_FLAG, false,
     build_var},
    {"varSampStable", "varSampStable(x)", "The same, exact for large values, too.", 1, 1, 0, 0,
     NULLS_FLAG, false, build_var_stable},
};

static const struct {
    const char *name, *target;
    bool is_any_case;
} aliases[] = {
    {"any_value", "any", true},
    {"BIT_AND", "groupBitAnd", true},
    {"BIT_OR", "groupBitOr", true},
    {"BIT_XOR", "groupBitXor", true},
    {"COVAR_POP", "covarPop", true},
    {"COVAR_SAMP", "covarSamp", true},
    {"first_value", "any", true},
    {"last_value", "anyLast", true},
    {"max_by", "argMax", true},
    {"medianDD", "quantileDD", false},
    {"medianExact", "quantileExact", false},
    {"medianExactWeighted", "quantileExactWeighted", false},
    {"medianTDigest", "quantileTDigest", false},
    {"medianTDigestWeighted", "quantileTDigestWeighted", false},
    {"medianTiming", "quantileTiming", false},
    {"min_by", "argMin", true},
    {"STD", "stddevPop", true},
    {"STDDEV", "stddevSamp", true},
    {"STDDEV_POP", "stddevPop", true},
    {"STDDEV_SAMP", "stddevSamp", true},
    {"VAR_POP", "varPop", true},
    {"VAR_SAMP", "varSamp", true},
};

#define RESERVOIR "its reservoir is a random sample that a replay would draw anew"
#define ROW_ORDER "its state depends on the order of events, which workers and merges do not keep"
#define INEXACT "its error grows with every merge"
#define ALL_EVENTS "its state keeps every event"
#define IN_A_QUERY "; give the source KEEP and ask it in a query: SELECT … FROM the source's view"
/* What no row names. */
#define ELSEWHERE "weir keeps no state of it" IN_A_QUERY

static const struct {
    const char *name, *why;
} refusals[] = {
    {"array_agg", ALL_EVENTS "; write groupUniqArray(x), or SELECT from the source"},
    {"approx_top_count", INEXACT "; group by x and take count()"},
    {"approx_top_k", INEXACT "; group by x and take count()"},
    {"approx_top_sum", INEXACT "; group by x and take sum(weight)"},
    {"anyHeavy", INEXACT "; group by x and take count()"},
    {"deltaSum", ROW_ORDER "; write max(x) - min(x) for a counter that only grows"},
    {"deltaSumTimestamp", ROW_ORDER "; write argMax(x, time) - argMin(x, time)"},
    {"exponentialMovingAverage", ROW_ORDER "; write avg(x) over a short EVERY"},
    {"entropy", ALL_EVENTS "; group by x and take count()"},
    {"first_value_respect_nulls", ROW_ORDER "; write argMin(x, time)"},
    {"groupArray",
     "its state keeps every event; write groupUniqArray(x), or SELECT from the source"},
    {"groupArrayInsertAt", ALL_EVENTS "; write groupUniqArray(x)"},
    {"groupArrayLast", ROW_ORDER "; write argMax(x, time), or groupUniqArray(n)(x)"},
    {"groupArrayMovingAvg", ROW_ORDER "; write avg(x) over a short EVERY"},
    {"groupArrayMovingSum", ROW_ORDER "; write sum(x) over a short EVERY"},
    {"groupArraySample", RESERVOIR "; write groupUniqArray(n)(x)"},
    {"groupArraySorted", ALL_EVENTS "; write arraySort(groupUniqArray(x))"},
    {"groupConcat", "its state keeps every event; write arrayStringConcat(groupUniqArray(x), ',')"},
    {"group_concat", ALL_EVENTS "; write arrayStringConcat(groupUniqArray(x), ',')"},
    {"histogram", INEXACT "; group by floor(x / width) and take count()"},
    {"last_value_respect_nulls", ROW_ORDER "; write argMax(x, time)"},
    {"median", RESERVOIR "; write medianTDigest(x) or quantileDD(0.01, 0.5)(x)"},
    {"quantile", RESERVOIR "; write quantileTDigest(level)(x) or quantileDD(0.01, level)(x)"},
    {"quantileBFloat16", "it is coarser than a digest; write quantileTDigest(level)(x)"},
    {"quantileDeterministic", RESERVOIR "; write quantileTDigest(level)(x)"},
    {"quantileGK", "its answers are wrong after merging; write quantileTDigest(level)(x)"},
    {"quantiles",
     RESERVOIR "; write quantilesTDigest(level, …)(x) or quantilesDD(0.01, level, …)(x)"},
    {"quantilesGK", "its answers are wrong after merging; write quantilesTDigest(level, …)(x)"},
    {"retention", "weir keeps no state of it; write groupUniqArrayIf(user, condition) for each "
                  "condition and length(arrayIntersect(…)) in a query"},
    {"sequenceCount", ALL_EVENTS IN_A_QUERY},
    {"sequenceMatch", ALL_EVENTS IN_A_QUERY},
    {"sequenceMatchEvents", ALL_EVENTS IN_A_QUERY},
    {"sequenceNextNode", ALL_EVENTS IN_A_QUERY},
    {"sumWithOverflow", "sum(x) adds in 64 bits"},
    {"topK", INEXACT "; group by x and take count()"},
    {"topKWeighted", INEXACT "; group by x and take sum(weight)"},
    {"uniqTheta", "this ClickHouse has it not; write uniqCombined(x)"},
    {"uniqUpTo", "it stops counting; write uniqCombined(x)"},
    {"windowFunnel", ALL_EVENTS "; write minIf(time, condition) for each step, GROUP BY the user, "
                                "and compare the times in a query"},
};

const char *const combinator_names[N_COMBINATORS] = {
    [OR_NULL] = "OrNull", [OR_DEFAULT] = "OrDefault", [ARG_MIN] = "ArgMin", [ARG_MAX] = "ArgMax",
    [ARRAY] = "Array",    [FOR_EACH] = "ForEach",     [MAP] = "Map",        [IF] = "If",
};

static const struct aggregate_row combinator_rows[N_COMBINATORS] = {
    [OR_NULL] = {"-OrNull", "avgOrNull(x)", "NULL instead of the answer over nothing."},
    [OR_DEFAULT] = {"-OrDefault", "avgOrDefault(x)", "The type's default over nothing."},
    [ARG_MIN] = {"-ArgMin", "sumArgMin(x, key)", "Only over the events where key is smallest."},
    [ARG_MAX] = {"-ArgMax", "sumArgMax(x, key)", "Only over the events where key is largest."},
    [ARRAY] = {"-Array", "sumArray(values)", "Over all elements of the arrays."},
    [FOR_EACH] = {"-ForEach", "sumForEach(values)",
                  "Array: the first elements, the second ones, … each for itself."},
    [MAP] = {"-Map", "sumMap(map)", "Map: the values of each key for itself."},
    [IF] = {"-If", "countIf(status >= 500)", "Only over the events where the condition holds."},
};

/* Combinators that states of a rollup cannot have or need not. */
static const struct {
    const char *suffix, *why;
} refused_combinators[] = {
    {"Distinct",
     "write uniqExact(x) for count(DISTINCT x), or groupUniqArray(x) and work on the array"},
    {"SimpleState", "weir keeps states by itself: write the function without it"},
    {"MergeState", "weir keeps states by itself: write the function without it"},
    {"Merge", "weir merges states by itself: write the function without it"},
    {"State", "weir keeps states by itself: write the function without it"},
    {"Resample", "group by intDiv(x, step)"},
};

/* ---- looking up ---- */

static bool is_named(struct str name, const char *known, bool is_any_case)
{
    if (!is_any_case)
        return str_is(name, known);
    return name.n == strlen(known) && strncasecmp(name.p, known, name.n) == 0;
}

static const struct aggregate_family *family_find(struct str name)
{
    for (size_t i = 0; i < COUNT(families); i++)
        if (is_named(name, families[i].name, families[i].is_any_case))
            return &families[i];
    for (size_t i = 0; i < COUNT(aliases); i++)
        if (is_named(name, aliases[i].name, aliases[i].is_any_case))
            return family_find(str_of(aliases[i].target));
    return NULL;
}

static bool cut_combinator(struct str *name, enum combinator *ret)
{
    for (enum combinator c = 0; c < N_COMBINATORS; c++) {
        if (str_ends(*name, combinator_names[c]) && name->n > strlen(combinator_names[c])) {
            name->n -= strlen(combinator_names[c]);
            *ret = c;
            return true;
        }
    }
    return false;
}

bool aggregate_split(struct aggregate_parts *ret, struct str name)
{
    *ret = (struct aggregate_parts){0};
    enum combinator cut[MAX_COMBINATORS];
    size_t n = 0;
    while ((ret->family = family_find(name)) == NULL) {
        if (n == MAX_COMBINATORS || !cut_combinator(&name, &cut[n]))
            return false;
        n++;
    }
    for (size_t i = n; i-- > 0;) {
        if (cut[i] == IF) {
            ret->is_if_inside |= ret->has_if;
            ret->has_if = true;
            continue;
        }
        ret->is_if_inside |= ret->has_if && cut[i] != OR_NULL && cut[i] != OR_DEFAULT;
        ret->combinators[ret->n_combinators++] = cut[i];
    }
    return true;
}

static const char *refusal_of(struct str bare)
{
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (str_is(bare, refusals[i].name))
            return refusals[i].why;
    return NULL;
}

/* uniqexact is a mistake, not what weir lacks. */
static bool is_ours_in_any_case(struct str name)
{
    for (size_t i = 0; i < COUNT(families); i++)
        if (is_named(name, families[i].name, true))
            return true;
    return aggregate_split(&(struct aggregate_parts){0}, name);
}

const char *aggregate_refusal(struct str name)
{
    struct str bare = name;
    enum combinator c;
    const char *why = refusal_of(bare);
    /* groupArray is a name of its own, not a group with -Array. */
    while (why == NULL && cut_combinator(&bare, &c))
        why = refusal_of(bare);
    if (why != NULL)
        return why;
    for (size_t i = 0; i < COUNT(refused_combinators); i++) {
        struct aggregate_parts parts;
        if (!str_ends(bare, refused_combinators[i].suffix))
            continue;
        if (aggregate_split(&parts,
                            (struct str){bare.p, bare.n - strlen(refused_combinators[i].suffix)}))
            return refused_combinators[i].why;
    }
    return is_ours_in_any_case(name) || !function_is_aggregate(name) ? NULL : ELSEWHERE;
}

bool aggregate_is_known(struct str name)
{
    struct aggregate_parts parts;
    return aggregate_split(&parts, name) || aggregate_refusal(name) != NULL;
}

bool aggregate_has_if(struct str name)
{
    struct aggregate_parts parts;
    return aggregate_split(&parts, name) && parts.has_if;
}

const char *aggregate_base(struct str name)
{
    struct aggregate_parts parts;
    return aggregate_split(&parts, name) ? parts.family->name : NULL;
}

/* ---- for the reference ---- */

const char *const *aggregate_names(size_t *n)
{
    static const char *names[COUNT(families)];
    for (size_t i = 0; i < COUNT(families); i++)
        names[i] = families[i].name;
    *n = COUNT(families);
    return names;
}

size_t aggregate_n_rows(void)
{
    return COUNT(families);
}

struct aggregate_row aggregate_row(size_t i)
{
    return (struct aggregate_row){families[i].name, families[i].usage, families[i].help};
}

size_t aggregate_n_combinators(void)
{
    return N_COMBINATORS;
}

struct aggregate_row aggregate_combinator_row(size_t i)
{
    return combinator_rows[i];
}

size_t aggregate_n_aliases(void)
{
    return COUNT(aliases);
}

struct aggregate_row aggregate_alias_row(size_t i)
{
    return (struct aggregate_row){aliases[i].name, aliases[i].name, aliases[i].target};
}

size_t aggregate_n_refusals(void)
{
    return COUNT(refusals) + COUNT(refused_combinators);
}

struct aggregate_row aggregate_refusal_row(size_t i)
{
    if (i < COUNT(refusals))
        return (struct aggregate_row){refusals[i].name, refusals[i].name, refusals[i].why};
    i -= COUNT(refusals);
    return (struct aggregate_row){refused_combinators[i].suffix, refused_combinators[i].suffix,
                                  refused_combinators[i].why};
}
