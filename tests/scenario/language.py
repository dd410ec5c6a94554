#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions of one's own, streams over several sources, array joins, compound keys: from files to rows and tiers, compared with what
ClickHouse makes of the same files."""
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, Store, run

STORE = "SET store = 'embedded:./t.weir';\nSET epoch_min = '1ms';\n"


def explain(c):
    return c.ok("explain")


def same(c, mine, theirs):
    a, b = c.sql(mine), c.sql(theirs)
    assert a == b, f"{mine}\n  {a[:5]}\n{theirs}\n  {b[:5]}"
    return a


# ---- CREATE FUNCTION ----

FUNCTIONS = """CREATE FUNCTION rate AS (v, w) -> twice(sum(v)) / count(w);
CREATE FUNCTION twice AS x -> x * 2;
CREATE FUNCTION five AS () -> 5;
CREATE FUNCTION shifted AS (x) -> arrayMap(y -> y + x, [1, 2]);
CREATE FUNCTION kind AS (s) -> multiIf(s >= 500, 'bad', s >= 400, 'poor', 'good');
CREATE FUNCTION plus_u AS (x) -> x + u;
"""


def functions_are_written_out_wherever_they_stand():
    source = ("CREATE SOURCE s (t DateTime, u UInt32 DEFAULT five(), y UInt32, k MATERIALIZED kind(u)) FROM FILES '*.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER "
              "ORDER BY (twice(u), t);\n")
    rest = ("CREATE STREAM st KEEP FOREVER AS SELECT t, u, y, twice(y), shifted(y) AS sh, arrayMap(y -> y + plus_u(y), [10]) AS pl FROM s WHERE twice(u) > five();\n"
            "CREATE METRIC m AS SELECT kind(u) AS kk, rate(y, 1) AS r, count() AS n FROM st GROUP BY kk HAVING twice(count()) > 2 EVERY 1 DAY;\n"
            "CREATE METRIC p AS SELECT kind(y), rate(u, y) FROM s GROUP BY GROUPING SETS ((kind(y)), ());\n")
    r = random.Random(3)
    rows = [{"t": 1767225600 + 60 * i, "y": r.randrange(600), **({} if i % 5 == 0 else {"u": r.randrange(600)})} for i in range(2000)]
    with Case(STORE + rest.split("CREATE METRIC")[0].replace("CREATE STREAM", "-- ") + FUNCTIONS + source + rest) as c:
        c.write("in.json", "".join(json.dumps(row) + "\n" for row in rows))
        assert "function twice = x -> x * 2\n" in explain(c)
        c.ok("run", "--once")
        oracle = f"(SELECT t, if(u IS NULL, 5, u) AS u, y FROM file('{c.path('in.json')}', 'JSONEachRow', 't UInt32, u Nullable(UInt32), y UInt32'))"
        same(c, "SELECT toUnixTimestamp(t), u, y, `twice(y)`, sh, pl FROM st ORDER BY t",
             f"SELECT t, u, y, y * 2, [1 + y, 2 + y], [10 + 10 + u] FROM {oracle} WHERE u * 2 > 5 ORDER BY t")
        kind = lambda s: f"multiIf({s} >= 500, 'bad', {s} >= 400, 'poor', 'good')"
        same(c, "SELECT toUnixTimestamp(bucket), kk, r, n FROM m_1d ORDER BY 1, 2",
             f"SELECT intDiv(t, 86400) * 86400, {kind('u')} AS kk, sum(y) * 2 / count(), count() AS n FROM {oracle} WHERE u * 2 > 5 GROUP BY 1, 2 HAVING n * 2 > 2 ORDER BY 1, 2")
        same(c, "SELECT `kind(y)`, `rate(u, y)` FROM p WHERE _set != '' ORDER BY 1", f"SELECT {kind('y')}, sum(u) * 2 / count() FROM {oracle} GROUP BY 1 ORDER BY 1")
        # another body changes what is stored: refused as any change of the metric; the same thing written by hand changes nothing
        text = c.ok("explain")
        c.write("weir.sql", open(c.path("weir.sql")).read().replace("x -> x * 2", "x -> x * 3"))
        r = c.weir("run", "--once")
        assert r.returncode != 0 and "m" in r.stderr, r.stderr
        c.write("weir.sql", STORE + FUNCTIONS + source + rest.replace("HAVING twice(count()) > 2", "HAVING count() * 2 > 2").replace("kind(u) AS kk", kind("u") + " AS kk"))
        c.ok("run", "--once")
        assert "function" in text


# ---- ARRAY JOIN ----

COLUMNS = "t DateTime, s String, a Array(UInt8), b Array(String), n Array(Nullable(Int32)), m Map(String, UInt16), `k.x` Array(UInt8), `k.y` Array(String), z Int32"


def array_rows(r, n, most):
    rows = []
    for i in range(n):
        k = r.choice((0, 0, 1, 2, 3, most if r.random() < 0.005 else 1))
        rows.append({"t": 1767225600 + 60 * i, "s": r.choice(("x", "y", "z,w", "")), "z": i,
                     "a": [r.randrange(256) for _ in range(k)], "b": [r.choice(("p", "q", "", "rr")) for _ in range(k)],
                     "n": [r.choice((None, 5, -7)) for _ in range(r.randrange(3))], "m": {r.choice("abcd") + str(j): r.randrange(999) for j in range(r.randrange(3))},
                     "k.x": [r.randrange(9) for _ in range(r.randrange(2))], "k.y": []})
        rows[-1]["k.y"] = ["v%d" % v for v in rows[-1]["k.x"]]
    return rows


# name, SELECT over s with {} for FROM's name; weir's stream and ClickHouse's query are the same text
JOINS = [
    ("one", "SELECT z, a FROM {} ARRAY JOIN a"),
    ("star", "SELECT * FROM {} ARRAY JOIN a WHERE a > 100"),
    ("alias", "SELECT z, a, e, num FROM {} ARRAY JOIN a AS e, arrayEnumerate(a) AS num WHERE e % 2 = 1 AND num < 3"),
    ("lefts", "SELECT z, e, f FROM {} LEFT ARRAY JOIN a AS e, b AS f"),
    ("nullable", "SELECT z, e, e IS NULL AS nil FROM {} LEFT ARRAY JOIN n AS e"),
    ("maps", "SELECT z, p.1 AS k, p.values + 1 AS v FROM {} ARRAY JOIN m AS p"),
    ("maps_left", "SELECT z, p, mapKeys(m) AS ks FROM {} LEFT ARRAY JOIN m AS p"),
    ("twice", "SELECT z, e, f FROM {} ARRAY JOIN a AS e LEFT ARRAY JOIN n AS f WHERE s != 'x'"),
    ("nested", "SELECT z, k.x AS x, k.y AS y FROM {} ARRAY JOIN k"),
    ("made", "SELECT z, part FROM {} ARRAY JOIN splitByChar(',', s) AS part"),
    ("call", "SELECT z, arrayJoin(a) AS e, e + 1 AS f, arrayJoin(a) * 2 AS g FROM {} WHERE s = 'x'"),
    ("calls", "SELECT z, splitByChar(',', s) AS parts, arrayJoin(parts) AS p, arrayJoin(arrayMap(x -> concat(x, p), parts)) AS q FROM {} WHERE z % 7 = 0"),
    ("where_call", "SELECT z, arrayJoin(a) AS e FROM {} WHERE arrayJoin(a) > 100 AND e < 200"),
    ("map_call", "SELECT z, arrayJoin(m).1 AS key FROM {}"),
    ("lambda_call", "SELECT z, arrayMap(x -> x + arrayJoin([1, 2]), a) AS w FROM {} WHERE z < 50"),
]


def array_joins_make_the_rows_that_clickhouse_makes():
    r = random.Random(11)
    rows = array_rows(r, 3000, 2500)
    definitions = STORE + f"CREATE SOURCE src ({COLUMNS}) FROM FILES '*.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;\n"
    definitions += "".join(f"CREATE STREAM st_{n} KEEP FOREVER AS {q.format('src')};\n" for n, q in JOINS)
    metrics = [("m_tag", "SELECT arrayJoin(b) AS tag, count() AS c, sum(z) AS sz, uniqExact(s) AS u FROM {} {} GROUP BY tag", "src"),
               ("m_key", "SELECT p.1 AS k, s, count() AS c, max(p.2) AS mx FROM {} ARRAY JOIN m AS p {} GROUP BY k, s", "src"),
               ("m_over", "SELECT e, num, count() AS c FROM {} {} GROUP BY e, num", "st_alias"),
               ("m_deep", "SELECT arrayJoin(splitByString('q', toString(f))) AS d, countIf(e > 7) AS c FROM {} {} GROUP BY d", "st_lefts"),
               ("m_arg", "SELECT s, sum(arrayJoin(a)) AS sa, count() AS c FROM {} {} GROUP BY s", "src")]
    for name, q, source in metrics:
        definitions += f"CREATE METRIC {name} AS {q.format(source, 'WHERE z > 10')} EVERY 1 HOUR;\n"
    with Case(definitions) as c:
        c.write("in.json", "".join(json.dumps(row) + "\n" for row in rows))
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM weir_rejects") == "0", c.sql("SELECT DISTINCT reason FROM weir_rejects")
        for name, q in JOINS:
            columns = c.one(f"SELECT groupArray(name) FROM system.columns WHERE table = 'st_{name}'")[1:-1].replace("'", "`")
            oracle = f"({q.format('src')})"
            hashed = lambda t: f"SELECT count(), sum(cityHash64({', '.join(f'toString({x})' for x in columns.split(','))})) FROM {t}"
            got = same(c, hashed(f"st_{name}"), hashed(oracle))
            assert got[0][0] != "0", name
        for name, q, source in metrics:
            oracle = q.replace("SELECT ", "SELECT toStartOfHour(t) AS bucket, ", 1).format("src" if source == "src" else f"({dict(JOINS)[source[3:]].format('src').replace('SELECT z', 'SELECT t, z', 1)})", "WHERE z > 10") + ", bucket"
            assert int(same(c, f"SELECT count(), sum(cityHash64(*)) FROM {name}_1h", f"SELECT count(), sum(cityHash64(*)) FROM ({oracle})")[0][0]) > 3, name
        # one event is one event, however many rows it becomes, and keeps its _id
        assert c.sql("SELECT sum(read), sum(kept), sum(filtered), sum(rejected) FROM weir_ledger WHERE kind = 'partition'") == [["3000", "3000", "0", "0"]]
        assert c.sql("SELECT sum(read) AS r, sum(kept), sum(filtered) FROM weir_ledger WHERE kind = 'stream' AND name = 'st_one'") == c.sql(
            "SELECT count(), countIf(notEmpty(a)), countIf(empty(a)) FROM src")
        assert c.sql("SELECT sum(read), sum(kept) FROM weir_ledger WHERE kind = 'metric' AND name = 'm_over'") == c.sql(
            "SELECT uniqExact(z), uniqExactIf(z, z > 10) FROM (SELECT z FROM src ARRAY JOIN a AS e, arrayEnumerate(a) AS num WHERE e % 2 = 1 AND num < 3)")


def an_event_is_rejected_as_a_whole_whatever_row_of_it_fails():
    definitions = STORE + ("SET allow_errors_ratio = 1;\nCREATE SOURCE src (t DateTime, z Int32, a Array(UInt8), b Array(UInt8)) FROM FILES '*.json' FORMAT JSONEachRow EVENT TIME t;\n"
                           "CREATE STREAM st KEEP FOREVER AS SELECT z, x, intDiv(100, x) AS d FROM src ARRAY JOIN a AS x, b AS y WHERE y > 0;\n"
                           "CREATE METRIC m AS SELECT z, count() AS c FROM src WHERE z < 100 GROUP BY z;\n"
                           "CREATE METRIC e AS SELECT arrayJoin(a) AS x, count() AS c FROM src WHERE z = 5 AND z < 100 GROUP BY x;\n")
    rows = [(0, [1, 2], [1, 1]), (1, [1, 0], [1, 1]), (2, [1, 0], [1, 0]), (3, [1], [1, 1]), (4, [], []), (5, [], []), (6, list(range(1, 200)) * 20 + [0], [1] * 3981)]
    with Case(definitions) as c:
        c.write("in.json", "".join(json.dumps({"t": 1767225600, "z": z, "a": a, "b": b}) + "\n" for z, a, b in rows))
        c.ok("run", "--once")
        assert c.sql("SELECT z, count() FROM st GROUP BY z ORDER BY z") == [["0", "2"], ["2", "1"]]
        assert c.sql("SELECT z FROM m ORDER BY z") == [["0"], ["2"], ["4"], ["5"]]
        assert c.sql("SELECT reason, count() FROM weir_rejects GROUP BY reason ORDER BY reason") == [
            ["column \\'d\\': division by zero", "2"], ["the arrays of ARRAY JOIN have different lengths", "1"]]
        assert c.sql("SELECT sum(read), sum(kept), sum(filtered), sum(rejected) FROM weir_ledger WHERE kind = 'partition'") == [["7", "4", "0", "3"]]


# ---- merge ----

MERGE_SOURCES = {
    "web_a": "t DateTime, x UInt8, s String, e Int8, only_a Array(UInt8), lc LowCardinality(String)",
    "web_b": "t DateTime64(3), x UInt32, z Nullable(String), e UInt8, lc String, w Float32",
    "web_c": "t DateTime, x Int16, s LowCardinality(String), e Int8 DEFAULT -5, lc LowCardinality(String)",
}


def merge_reads_several_sources_as_one_each_with_its_chain():
    r = random.Random(2)
    definitions = STORE + "SET threads = 2;\n" + "".join(f"CREATE SOURCE {n} ({c}) FROM FILES '{n}*.json' FORMAT JSONEachRow EVENT TIME t WATERMARK 10 SECONDS KEEP FOREVER;\n" for n, c in MERGE_SOURCES.items())
    definitions += ("CREATE SOURCE other (t DateTime, x String) FROM FILES 'other.json' FORMAT JSONEachRow EVENT TIME t;\n"
                    "CREATE STREAM web_b_good AS SELECT *, 7 AS fixed FROM web_b WHERE x != 3;\n"
                    "CREATE STREAM everything KEEP FOREVER AS SELECT *, _table AS from_table, concat(lc, '!') AS lc2, x + 1 AS x1 FROM merge('^web_(a|b|c)$') WHERE x % 5 != 0;\n"
                    "CREATE STREAM over KEEP FOREVER AS SELECT t, x, s, arrayJoin(range(x % 3)) AS k, from_table FROM everything;\n"
                    "CREATE METRIC m AS SELECT s, from_table, count() AS c, sum(x) AS sx, uniqExact(z) AS uz, max(length(only_a)) AS mo FROM everything GROUP BY GROUPING SETS ((s, from_table), ()) EVERY 1 HOUR, 1 DAY;\n"
                    "CREATE METRIC direct AS SELECT _table, lc, sum(fixed) AS f, count() AS c FROM merge('good|_[ac]') GROUP BY _table, lc;\n"
                    "CREATE METRIC only_b AS SELECT count() AS c FROM web_b;\n")
    rows = {n: [] for n in MERGE_SOURCES}
    for i in range(4000):
        n = r.choice(sorted(rows))
        d = {"t": (1767225600 + i * 10) * (1000 if n == "web_b" else 1), "x": r.randrange(200), "e": r.randrange(-100, 0) if n != "web_b" else r.randrange(256), "lc": r.choice("abc")}
        d.update({"web_a": {"s": r.choice("pq"), "only_a": [r.randrange(5)] * r.randrange(3)}, "web_b": {"z": r.choice((None, "zz", "z")), "w": 0.5}, "web_c": {"s": r.choice("pr")}}[n])
        if n == "web_c" and r.random() < 0.5:
            del d["e"]
        rows[n].append(d)
    with Case(definitions) as c:
        for n, list_ in rows.items():
            c.write(f"{n}1.json", "".join(json.dumps(d) + "\n" for d in list_[:-50]))
        c.write("other.json", '{"t": 1767225600, "x": "a"}\n')
        c.ok("run", "--once")
        for n, list_ in rows.items():
            c.write(f"{n}2.json", "".join(json.dumps(d) + "\n" for d in list_[-50:]))
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM weir_rejects") == "0", c.sql("SELECT source, reason FROM weir_rejects LIMIT 5")
        types = dict(c.sql("SELECT name, type FROM system.columns WHERE table = 'weir_raw_everything' AND NOT startsWith(name, '_')"))
        # the oracle: ClickHouse's merge over tables of the same structure
        store = Store(c.path("t.weir/store.sock"))
        store.text("CREATE DATABASE o")
        for n, columns in MERGE_SOURCES.items():
            columns = columns.replace("e Int8 DEFAULT -5", "e Nullable(Int8)").replace("DateTime64(3)", "DateTime64(3, 'UTC')").replace("DateTime,", "DateTime('UTC'),")
            rows_of = f"SELECT * {'REPLACE(toInt8(ifNull(e, -5)) AS e)' if n == 'web_c' else ''} FROM file('{c.path(n)}*.json', 'JSONEachRow', $${columns}$$)"
            store.text(f"CREATE TABLE o.{n} ENGINE = MergeTree ORDER BY tuple() AS {rows_of}")
            if n == "web_b":
                store.text(f"CREATE TABLE o.web_b_good ENGINE = MergeTree ORDER BY tuple() AS SELECT *, 7 AS fixed FROM ({rows_of}) WHERE x != 3")
        theirs = "(SELECT *, _table AS from_table, concat(lc, '!') AS lc2, x + 1 AS x1 FROM merge('o', '^web_(a|b|c)$') WHERE x % 5 != 0)"
        want = {row[0]: row[1].replace(", \\'UTC\\'", "") for row in c.sql(f"DESCRIBE TABLE {theirs}")}
        assert types == want, (types, want)
        names = ", ".join(sorted(types))
        same(c, f"SELECT {names} FROM everything ORDER BY ALL", f"SELECT {names} FROM {theirs} ORDER BY ALL")
        same(c, "SELECT x, s, k, from_table FROM over ORDER BY ALL", f"SELECT x, s, arrayJoin(range(x % 3)) AS k, from_table FROM {theirs} ORDER BY ALL")
        for tier, every in (("1h", "toStartOfHour"), ("1d", "toStartOfDay")):
            same(c, f"SELECT toUnixTimestamp(bucket), s, from_table, c, sx, uz, mo FROM m_{tier} WHERE _set != '' ORDER BY ALL",
                 f"SELECT toUnixTimestamp({every}(t)) AS b, s, from_table, count(), sum(x), uniqExact(z), max(length(only_a)) FROM {theirs} GROUP BY b, s, from_table ORDER BY ALL")
        same(c, "SELECT _table, lc, f, c FROM direct ORDER BY ALL", "SELECT _table, lc, sum(fixed), count() FROM merge('o', 'good|_[ac]') GROUP BY ALL ORDER BY ALL")
        assert c.sql("SELECT source, sum(read) = sum(kept) + sum(filtered) FROM weir_ledger WHERE kind = 'partition' GROUP BY source ORDER BY source") == [[n, "1"] for n in ("other", "web_a", "web_b", "web_c")]
        merged = json.loads(c.weir("status", "--json").stdout)["merged"]
        least = min(list_[-51]["t"] // (1000 if n == "web_b" else 1) for n, list_ in rows.items()) - 10
        found = {m["name"]: m for m in merged}
        assert sorted(found) == ["direct", "everything", "m", "over"] and found["m"]["sources"] == ["web_a", "web_b", "web_c"], merged
        assert c.one(f"SELECT toUnixTimestamp('{found['m']['watermark']}', 'UTC')") == str(least), (found, least)
        assert "columns of merge" not in explain(c)


if __name__ == "__main__":
    sys.exit(run([functions_are_written_out_wherever_they_stand, array_joins_make_the_rows_that_clickhouse_makes,
                  an_event_is_rejected_as_a_whole_whatever_row_of_it_fails,
                  merge_reads_several_sources_as_one_each_with_its_chain]))
