/* SPDX-License-Identifier: Apache-2.0
 *
 * An example of each aggregate and combinator for the reference, all over the same six requests, with
 * ClickHouse's answer. tests/conform/reference.py runs them in a metric and in ClickHouse. */
#include "aggregate/aggregate.h"

const char aggregate_example_columns[] =
    "host String, ms UInt32, bytes UInt64, status UInt16, loss Nullable(Float64), weight UInt8, "
    "tags Array(String), by Map(String, UInt64)";

const char aggregate_example_rows[] =
    "{\"host\":\"a\",\"ms\":12,\"bytes\":500,\"status\":200,\"loss\":0.1,\"weight\":1,\"tags\":["
    "\"get\"],\"by\":{\"x\":1}}\n"
    "{\"host\":\"a\",\"ms\":48,\"bytes\":1500,\"status\":200,\"loss\":null,\"weight\":2,\"tags\":["
    "\"get\",\"slow\"],\"by\":{\"x\":2,\"y\":1}}\n"
    "{\"host\":\"b\",\"ms\":7,\"bytes\":100,\"status\":404,\"loss\":0.3,\"weight\":1,\"tags\":["
    "\"get\"],\"by\":{}}\n"
    "{\"host\":\"b\",\"ms\":310,\"bytes\":9000,\"status\":500,\"loss\":0.2,\"weight\":3,\"tags\":["
    "\"post\",\"slow\"],\"by\":{\"y\":5}}\n"
    "{\"host\":\"a\",\"ms\":25,\"bytes\":700,\"status\":200,\"loss\":0.1,\"weight\":1,\"tags\":["
    "\"post\"],\"by\":{\"x\":1}}\n"
    "{\"host\":\"c\",\"ms\":31,\"bytes\":800,\"status\":302,\"loss\":null,\"weight\":1,\"tags\":["
    "\"get\"],\"by\":{\"z\":1}}\n";

static const struct example examples[] = {
    {"any", "any(host)", "a"},
    {"anyLast", "anyLast(host)", "c"},
    {"argMax", "argMax(host, ms)", "b"},
    {"argMin", "argMin(host, ms)", "b"},
    {"avg", "avg(ms)", "72.16666666666667"},
    {"avgWeighted", "avgWeighted(ms, weight)", "122.33333333333333"},
    {"corr", "corr(ms, bytes)", "0.9995229393596179"},
    {"corrStable", "corrStable(ms, bytes)", "0.9995229393596179"},
    {"count", "count(loss)", "4"},
    {"covarPop", "covarPop(ms, bytes)", "333616.6666666667"},
    {"covarPopStable", "covarPopStable(ms, bytes)", "333616.6666666667"},
    {"covarSamp", "covarSamp(ms, bytes)", "400340"},
    {"covarSampStable", "covarSampStable(ms, bytes)", "400340"},
    {"groupBitAnd", "groupBitAnd(status)", "0"},
    {"groupBitOr", "groupBitOr(status)", "510"},
    {"groupBitXor", "groupBitXor(status)", "390"},
    {"groupBitmap", "groupBitmap(status)", "4"},
    {"groupUniqArray", "arraySort(groupUniqArray(host))", "['a','b','c']"},
    {"kurtPop", "kurtPop(ms)", "4.089467613620364"},
    {"kurtSamp", "kurtSamp(ms)", "2.839908065014143"},
    {"max", "max(ms)", "310"},
    {"maxMap", "maxMap(by)", "{'x':2,'y':5,'z':1}"},
    {"min", "min(ms)", "7"},
    {"minMap", "minMap(by)", "{'x':1,'y':1,'z':1}"},
    {"quantileDD", "quantileDD(0.01, 0.9)(ms)", "47.94617393018343"},
    {"quantileExact", "quantileExact(0.9)(ms)", "310"},
    {"quantileExactWeighted", "quantileExactWeighted(0.5)(ms, weight)", "48"},
    {"quantileTDigest", "quantileTDigest(0.5)(ms)", "25"},
    {"quantileTDigestWeighted", "quantileTDigestWeighted(0.5)(ms, weight)", "39.5"},
    {"quantileTiming", "quantileTiming(0.5)(ms)", "31"},
    {"quantilesDD", "quantilesDD(0.01, 0.5, 0.9)(ms)", "[24.78049876990332,47.94617393018343]"},
    {"quantilesExact", "quantilesExact(0.5, 0.9)(ms)", "[31,310]"},
    {"quantilesExactWeighted", "quantilesExactWeighted(0.5, 0.9)(ms, weight)", "[48,310]"},
    {"quantilesTDigest", "quantilesTDigest(0.5, 0.9)(ms)", "[25,310]"},
    {"quantilesTDigestWeighted", "quantilesTDigestWeighted(0.5, 0.9)(ms, weight)", "[39.5,310]"},
    {"quantilesTiming", "quantilesTiming(0.5, 0.9)(ms)", "[31,310]"},
    {"simpleLinearRegression", "simpleLinearRegression(ms, bytes)",
     "(29.037569298540408,4.455415622000449)"},
    {"skewPop", "skewPop(ms)", "1.7282048388283104"},
    {"skewSamp", "skewSamp(ms)", "1.3146899641886745"},
    {"stddevPop", "stddevPop(ms)", "107.18740079360488"},
    {"stddevPopStable", "stddevPopStable(ms)", "107.18740079360488"},
    {"stddevSamp", "stddevSamp(ms)", "117.41791459000908"},
    {"stddevSampStable", "stddevSampStable(ms)", "117.41791459000908"},
    {"sum", "sum(bytes)", "12600"},
    {"sumCount", "sumCount(loss)", "(0.7000000000000001,4)"},
    {"sumKahan", "sumKahan(loss)", "0.7"},
    {"sumMap", "sumMap(by)", "{'x':4,'y':6,'z':1}"},
    {"uniq", "uniq(host)", "3"},
    {"uniqCombined", "uniqCombined(12)(host, status)", "4"},
    {"uniqCombined64", "uniqCombined64(host)", "3"},
    {"uniqExact", "uniqExact(host, status)", "4"},
    {"uniqHLL12", "uniqHLL12(host)", "3"},
    {"varPop", "varPop(ms)", "11489.138888888889"},
    {"varPopStable", "varPopStable(ms)", "11489.138888888889"},
    {"varSamp", "varSamp(ms)", "13786.966666666665"},
    {"varSampStable", "varSampStable(ms)", "13786.966666666665"},
    {"-If", "sumIf(bytes, status < 400)", "3500"},
    {"-Array", "uniqArray(tags)", "3"},
    {"-Map", "avgMap(by)", "{'x':1.3333333333333333,'y':3,'z':1}"},
    {"-ForEach", "maxForEach([ms, weight])", "[310,3]"},
    {"-ArgMin", "sumArgMin(bytes, ms)", "100"},
    {"-ArgMax", "sumArgMax(bytes, host)", "800"},
    {"-OrNull", "maxOrNull(loss)", "0.3"},
    {"-OrDefault", "avgOrDefault(ms)", "72.16666666666667"},
};

const struct example *aggregate_example(const char *name)
{
    return example_find(examples, COUNT(examples), name);
}
