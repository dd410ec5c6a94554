#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every type from JSON lines through raw rows, metrics and views, compared with what ClickHouse reads from the same file."""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, run

COLUMNS = {
    "day": "Date32",
    "id": "UUID",
    "code": "FixedString(4)",
    "price": "Decimal(18, 4)",
    "total": "Nullable(Decimal(38, 10))",
    "level": "Enum8('debug' = -1, 'info' = 0, 'error' = 5)",
    "kind": "Enum16('a' = 1000, 'b' = 2)",
    "status": "LowCardinality(UInt16)",
    "maybe": "LowCardinality(Nullable(Int32))",
    "tags": "Array(LowCardinality(String))",
    "points": "Array(Tuple(x Int32, y Nullable(Float64)))",
    "labels": "Map(String, String)",
    "counts": "Map(LowCardinality(String), Array(UInt32))",
    "pair": "Tuple(Int8, String)",
    "nested": "Tuple(a Array(Array(Nullable(String))), b Map(UInt8, Enum8('x' = 1, 'y' = 2)))",
}
KEYS = ("day", "id", "code", "price", "total", "level", "kind", "status", "maybe")

DEFINITIONS = ("SET store = 'embedded:./t.weir';\nCREATE SOURCE s (t DateTime, n UInt32, " + ", ".join(f"{n} {t}" for n, t in COLUMNS.items()) +
               ", first Nullable(String) FROM 'tags[0]', rest Map(String, String) FROM '*')\n"
               "FROM FILES '*.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER ORDER BY (code, level, day, t);\n" +
               "".join(f"CREATE METRIC by_{k} AS SELECT {k}, count() AS events, sum(n) AS total_n FROM s GROUP BY {k} EVERY 1 DAY KEEP FOREVER;\n" for k in KEYS) +
               f"CREATE METRIC by_all AS SELECT {', '.join(KEYS)}, count() AS events FROM s GROUP BY {', '.join(KEYS)} EVERY 1 DAY KEEP FOREVER;\n")


def record(r, i):
    import json
    text = lambda: r.choice(("", "a", "b'c", "Zürich", "x\ny", 'q"q'))
    d = {
        "t": 1767225600 + i * 60, "n": i, "day": r.choice(("1900-01-01", "2024-02-29", "2299-12-31")),
        "id": f"{r.randrange(4):08x}-0000-4000-8000-{r.randrange(3):012x}", "code": r.choice(("", "ab", "abcd")),
        "price": r.choice((0, 1.5, -99.9999, "12345678901234.5678", 1e3)), "total": r.choice((None, "1.0000000001", "-9999999999999999999999999999.5")),
        "level": r.choice(("debug", "info", "error", 5)), "kind": r.choice("ab"), "status": r.choice((200, 404, 500)), "maybe": r.choice((None, 0, -5)),
        "tags": [text() for _ in range(r.randrange(4))], "points": [{"x": r.randrange(9), "y": r.choice((None, 0.5))} for _ in range(r.randrange(3))],
        "labels": {r.choice("abc") + str(k): text() for k in range(r.randrange(3))}, "counts": {text(): [r.randrange(9)] * r.randrange(3) for _ in range(r.randrange(2))},
        "pair": [r.randrange(-9, 9), text()], "nested": {"a": [[text(), None]] * r.randrange(3), "b": {str(r.randrange(9)): r.choice("xy")}},
        "other": text(), "more": {"z": i % 3},
    }
    for k in r.sample(sorted(COLUMNS), 2):
        if k not in ("maybe", "total", "level", "kind"):
            d.pop(k)
    return json.dumps(d, ensure_ascii=False) + "\n"


def every_type_is_stored_and_counted_as_clickhouse_reads_it():
    r = random.Random(5)
    with Case(DEFINITIONS) as c:
        text = "".join(record(r, i) for i in range(6000))
        c.write("in.json", text)
        c.ok("check")
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM s") == "6000", c.sql("SELECT reason, count() FROM weir_rejects GROUP BY reason")
        structure = "t DateTime('UTC'), n UInt32, " + ", ".join(f"{n} {t}" for n, t in COLUMNS.items())
        structure = structure.replace("\\", "\\\\").replace("'", "\\'")
        oracle = f"file('{c.path('in.json')}', 'JSONEachRow', '{structure}')"
        names = "n, " + ", ".join(COLUMNS)
        setting = "SETTINGS allow_suspicious_low_cardinality_types = 1"
        for name in ("n", *COLUMNS):
            mine = c.one(f"SELECT sum(cityHash64(n, toString({name}))) FROM s")
            theirs = c.one(f"SELECT sum(cityHash64(n, toString({name}))) FROM {oracle} {setting}")
            assert mine == theirs, name
        assert c.one(f"SELECT count() FROM s WHERE first IS DISTINCT FROM if(empty(tags), NULL, tags[1])") == "0"
        assert c.one("SELECT count() FROM s WHERE mapKeys(rest) != ['other', 'more']") == "0"
        assert c.one("SELECT count() FROM s WHERE rest['more'] != concat('{\"z\": ', toString(n % 3), '}')") == "0"
        for key in KEYS:
            mine = c.sql(f"SELECT toString({key}) AS k, sum(events), sum(total_n) FROM by_{key}_1d GROUP BY k ORDER BY k")
            assert mine == c.sql(f"SELECT toString({key}) AS k, count(), sum(n) FROM s GROUP BY k ORDER BY k"), key
        keys = ", ".join(KEYS)
        left = c.one(f"SELECT sum(cityHash64(bucket, {', '.join(f'toString({k})' for k in KEYS)}, events)) FROM by_all_1d")
        right = c.one(f"SELECT sum(cityHash64(b, {', '.join(f'toString({k})' for k in KEYS)}, e)) FROM (SELECT toStartOfDay(t, 'UTC') AS b, {keys}, count() AS e FROM s GROUP BY b, {keys})")
        assert left == right


def compound_keys_group_as_in_clickhouse():
    keys = [k for k in COLUMNS if k not in KEYS]
    more = "".join(f"CREATE METRIC by_{k} AS SELECT {k}, count() AS events, sum(n) AS total_n FROM s GROUP BY {k} EVERY 1 DAY KEEP FOREVER;\n" for k in keys)
    more += "CREATE METRIC sets AS SELECT tags, pair, labels, count() AS events FROM s GROUP BY GROUPING SETS ((tags, pair), (labels), ());\n"
    more += "CREATE METRIC made AS SELECT (code, arrayMap(x -> x.1, points)) AS made, min(n) AS first_n FROM s GROUP BY made;\n"
    r = random.Random(8)
    with Case(DEFINITIONS + more) as c:
        c.write("in.json", "".join(record(r, i) for i in range(5000)))
        c.ok("run", "--once")
        for key in keys:
            mine = c.sql(f"SELECT {key}, sum(events), sum(total_n) FROM by_{key}_1d GROUP BY {key} ORDER BY toString({key})")
            assert mine == c.sql(f"SELECT {key}, count(), sum(n) FROM s GROUP BY {key} ORDER BY toString({key})"), key
        assert c.sql("SELECT tags, pair, labels, events FROM sets WHERE _set = 'tags,pair' ORDER BY toString(tags), toString(pair)") == c.sql(
            "SELECT tags, pair, map()::Map(String, String), count() FROM s GROUP BY tags, pair ORDER BY toString(tags), toString(pair)")
        assert c.sql("SELECT tags, pair, labels, events FROM sets WHERE _set = 'labels' ORDER BY toString(labels)") == c.sql(
            "SELECT []::Array(LowCardinality(String)), (0, '')::Tuple(Int8, String), labels, count() FROM s GROUP BY labels ORDER BY toString(labels)")
        assert c.sql("SELECT made, first_n FROM made ORDER BY first_n") == c.sql(
            "SELECT (code, arrayMap(x -> x.1, points)) AS made, min(n) AS f FROM s GROUP BY made ORDER BY f")


def definitions_may_be_longer_than_a_statement_of_clickhouse():
    """2,000 columns: the text of the definitions is half a MiB, and a part keeps its columns in one file."""
    names = [f"a_rather_long_name_of_a_measurement_that_nobody_wanted_to_cut_short_{i:04}_" + "x" * 150 for i in range(2000)]
    columns = ", ".join(f"c{i} UInt16 FROM '{n}'" for i, n in enumerate(names))
    with Case(f"SET store = 'embedded:./t.weir';\nCREATE SOURCE s (t DateTime, {columns}) FROM FILES 's.csv' FORMAT CSVWithNames EVENT TIME t KEEP FOREVER;\n") as c:
        rows = "".join("2024-01-01 00:00:%02d,%s\n" % (r, ",".join(str(i + r) for i in range(2000))) for r in range(3))
        c.write("s.csv", ",".join(["t"] + names) + "\n" + rows)
        c.ok("run", "--once")
        assert c.sql("SELECT count(), sum(c0), sum(c1999) FROM s") == [["3", "3", "6000"]]
        assert "min_bytes_for_wide_part" in c.one("SELECT engine_full FROM system.tables WHERE name = 'weir_raw_s'")

if __name__ == "__main__":
    sys.exit(run([every_type_is_stored_and_counted_as_clickhouse_reads_it, compound_keys_group_as_in_clickhouse,
                  definitions_may_be_longer_than_a_statement_of_clickhouse]))
