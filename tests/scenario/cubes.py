#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DEDUPLICATE, ceilings of keys, sets that follow from finer ones, days of 23 and 25 hours: with real programs."""
import os
import random
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, run

# `every` reads the same files without DEDUPLICATE: what SQL decides over.
DEDUPLICATE = """
SET store = 'embedded:./t.weir';
SET allow_errors_ratio = 1;
CREATE SOURCE s (time DateTime64(3), k LowCardinality(Nullable(String)), n UInt32, v Int64)
FROM FILES 'in*.csv' FORMAT CSVWithNames EVENT TIME time WATERMARK 5 SECONDS
DEDUPLICATE BY (k, n % 4) WITHIN 20 SECONDS KEEP FOREVER;
CREATE SOURCE every (time DateTime64(3), k LowCardinality(Nullable(String)), n UInt32, v Int64)
FROM FILES 'in*.csv' FORMAT CSVWithNames EVENT TIME time KEEP FOREVER;
CREATE STREAM odd KEEP FOREVER AS SELECT * FROM s WHERE n % 2 = 1;
CREATE METRIC m AS SELECT k, count() AS c, sum(v) AS v FROM s GROUP BY k EVERY 1 MINUTE, 1 HOUR;
CREATE METRIC o AS SELECT k, count() AS c, sum(v) AS v FROM odd GROUP BY k EVERY 1 HOUR;
"""

# docs/formats/window.md as SQL: one fold over each partition in offset order.
KEPT = """SELECT _partition AS p, arrayJoin(tupleElement(arrayFold((a, x) -> (
      greatest(a.1, least(a.2, x.2)),
      x.2,
      if(arrayExists(y -> y.1 = x.3 AND abs(y.2 - x.2) <= 20000 AND y.3 >= greatest(a.1, least(a.2, x.2)), a.3), a.3,
         arrayPushBack(arrayFilter(y -> y.3 >= greatest(a.1, least(a.2, x.2)), a.3),
                       (x.3, x.2, greatest(x.2, a.1, least(a.2, x.2)) + 25000))),
      if(arrayExists(y -> y.1 = x.3 AND abs(y.2 - x.2) <= 20000 AND y.3 >= greatest(a.1, least(a.2, x.2)), a.3), a.4,
         arrayPushBack(a.4, x.1))),
    arraySort(groupArray((_offset, toUnixTimestamp64Milli(time), hex(toString((k, n % 4)))))),
    (toInt64(0), toInt64(0), CAST([], 'Array(Tuple(String, Int64, Int64))'), CAST([], 'Array(UInt64)'))), 4)) AS o
  FROM weir_raw_every GROUP BY _partition"""


class Events:
    """Lines with keys that come again: soon, late, beyond what is remembered; some times are far ahead or behind."""

    def __init__(self, seed, step_ms=700):
        self.r = random.Random(seed)
        self.ms, self.step_ms, self.n = 1751328000000, step_ms, 0

    def line(self):
        r = self.r
        self.ms += r.randrange(self.step_ms)
        t = self.ms
        x = r.random()
        if x < 0.1:
            t -= r.randrange(5000)
        elif x < 0.13:
            t -= r.randrange(60000)
        elif x < 0.135:
            t += r.randrange(600000)
        elif x < 0.138:
            t = 946684800000 + r.randrange(50000)
        self.n += 1
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t // 1000)) + f".{t % 1000:03d}Z"
        if r.random() < 0.01:
            text = "nothing"
        key = r.choice(["", "a", "b", "cc", "\\N", "d" * 40]) if r.random() < 0.5 else f"k{r.randrange(30)}"
        return f"{text},{key},{r.randrange(40)},{self.n}\n"

    def lines(self, n):
        return "".join(self.line() for _ in range(n))


HEADER = "time,k,n,v\n"


def assert_deduplicated(c, n_lines):
    bad = int(c.one("SELECT count() FROM weir_rejects WHERE source = 's'"))
    assert c.one("SELECT count() FROM every") == str(n_lines - bad), (n_lines, bad)
    expected = c.one(f"SELECT count() FROM ({KEPT})")
    got = c.one("SELECT count() FROM s")
    differ = c.one(f"SELECT count() FROM (SELECT _partition, _offset FROM weir_raw_s EXCEPT SELECT p, o FROM ({KEPT}))")
    assert got == expected and differ == "0", (got, expected, differ)
    assert 0 < int(got) < n_lines - bad
    for tier, unit in (("1m", "Minute"), ("1h", "Hour")):
        assert c.one(f"SELECT count() FROM (SELECT * FROM m_{tier} EXCEPT SELECT toStartOf{unit}(time, 'UTC') AS b, k, count(), sum(v) "
                     f"FROM s GROUP BY b, k)") == "0"
        assert c.one(f"SELECT sum(c) FROM m_{tier}") == got
    assert c.one("SELECT sum(c) FROM o_1h") == c.one("SELECT count() FROM odd") == c.one("SELECT count() FROM s WHERE n % 2 = 1")
    books = c.sql("SELECT sum(read), sum(kept), sum(filtered), sum(rejected), sum(duplicate) FROM weir_ledger WHERE kind = 'partition' AND source = 's'")[0]
    assert books == [str(n_lines), got, "0", str(bad), str(n_lines - bad - int(got))], books
    assert c.one("SELECT count() - uniqExact(_partition, _offset) FROM weir_raw_s") == "0"
    kept = c.one("SELECT count() - uniqExact(partition, hi, lo, time) FROM weir_window WHERE is_clock = 0")
    assert kept == "0", "a row is remembered twice"


def duplicates_are_decided_as_by_sql():
    with Case(DEDUPLICATE) as c:
        e = Events(1)
        c.write("in1.csv", HEADER + e.lines(3000))
        c.write("in2.csv", HEADER + e.lines(500))
        c.ok("run", "--once")
        assert_deduplicated(c, 3500)
        status = c.weir("status").stdout
        assert "read 3500 = kept " in status and " + duplicate 0\n" in status and "rejected 28 + duplicate 1273" in status, status


def duplicates_of_earlier_runs_are_known():
    with Case(DEDUPLICATE) as c:
        e = Events(2, step_ms=300)
        c.write("in1.csv", HEADER)
        total = 0
        for i in range(6):
            c.append("in1.csv", e.lines(150))
            total += 150
            c.ok("run", "--once")
        assert_deduplicated(c, total)


def several_workers_decide_in_offset_order():
    with Case("SET threads = 4;\n" + DEDUPLICATE) as c:
        e = Events(3, step_ms=30)
        c.write("in1.csv", HEADER + e.lines(40000) + "x" * 100 + "\n" + e.lines(20000))
        c.write("in2.csv", HEADER + e.lines(20000))
        c.ok("run", "--once")
        assert_deduplicated(c, 80001)


def kill_9_changes_no_decision():
    r = random.Random(4)
    with Case("SET epoch_min = '50ms'; SET epoch_slot = '6s'; SET epoch_margin = '1s';\n" + DEDUPLICATE) as c:
        e = Events(5, step_ms=100)
        c.write("in1.csv", HEADER)
        total = 0
        for i in range(8):
            p = c.start("run")
            end = time.time() + r.uniform(0.3, 1.5)
            while time.time() < end:
                c.append("in1.csv", e.lines(300))
                total += 300
                time.sleep(0.05)
            p.kill()
            p.wait()
            if i % 3 == 2:
                c.end_stores(signal.SIGKILL)
        c.ok("run", "--once")
        assert_deduplicated(c, total)


def rebuild_decides_the_same():
    with Case(DEDUPLICATE) as c:
        e = Events(6, step_ms=200)
        c.write("in1.csv", HEADER + e.lines(800))
        c.ok("run", "--once")
        c.append("in1.csv", e.lines(800))
        c.ok("run", "--once")
        before = c.sql("SELECT * FROM s ORDER BY ALL")
        c.ok("run", "--rebuild", "--once")
        assert c.sql("SELECT * FROM s ORDER BY ALL") == before
        assert_deduplicated(c, 1600)


def retried_records_are_judged_among_themselves():
    with Case(DEDUPLICATE) as c:
        soon = time.strftime("%Y-%m-%dT00:00:00.000Z", time.gmtime(time.time() + 3 * 86400))
        c.write("in1.csv", HEADER + "2025-07-01T00:00:00.000Z,a,1,1\n" + f"{soon},a,1,2\n{soon},a,1,3\n{soon},b,1,4\n")
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM s") == "1"
        out = c.ok("rejects", "--retry", env={"WEIR_MAX_FUTURE": "10d"})
        assert c.sql("SELECT v FROM s ORDER BY v") == [["1"], ["2"], ["4"]], out
        assert "3 retried, 2 kept, 0 filtered, 0 rejected again, 1 duplicate" in out, out
        books = c.sql("SELECT sum(read), sum(kept), sum(rejected), sum(duplicate) FROM weir_ledger WHERE kind = 'partition' AND source = 's'")
        assert books == [["4", "3", "0", "1"]], books


def what_the_clocks_have_passed_is_pruned():
    with Case(DEDUPLICATE) as c:
        e = Events(7, step_ms=200)
        c.write("in1.csv", HEADER + e.lines(2000))
        c.ok("run", "--once", env={"WEIR_DEDUP_PRUNE": "100"})
        c.append("in1.csv", e.lines(2000))
        c.ok("run", "--once", env={"WEIR_DEDUP_PRUNE": "100"})
        assert_deduplicated(c, 4000)
        c.wait("SELECT count() < 1000 FROM weir_window", 1)
        c.append("in1.csv", e.lines(2000))
        c.ok("run", "--once", env={"WEIR_DEDUP_PRUNE": "100"})
        assert_deduplicated(c, 6000)


def a_window_beyond_memory_is_refused():
    with Case(DEDUPLICATE.replace("WITHIN 20 SECONDS", "WITHIN 30 DAYS")) as c:
        r = c.weir("check")
        text = r.stdout + r.stderr
        assert r.returncode != 0 and "dedup_rate" in text and "MiB would have to be remembered" in text, text
    with Case("SET memory = '1MB'; SET dedup_rate = 10;\n" + DEDUPLICATE.replace("WITHIN 20 SECONDS", "WITHIN 1 MINUTE")) as c:
        e = Events(8, step_ms=3)
        c.write("in1.csv", HEADER + "".join(f"2025-07-01T00:00:00.{i % 1000:03d}Z,k{i},1,1\n" for i in range(20000)))
        r = c.weir("run", "--once")
        assert r.returncode != 0 and "has to remember more than half of setting 'memory'" in r.stdout + r.stderr, r.stdout + r.stderr


# ---- ceilings ----

CEILINGS = """
SET store = 'embedded:./t.weir';
SET threads = {threads};
CREATE SOURCE s (time DateTime, a Nullable(Int32), b String, v UInt32, f Float64)
FROM FILES 'in*.csv' FORMAT CSVWithNames EVENT TIME time KEEP FOREVER;
CREATE METRIC few AS SELECT a, b, count() AS c, sum(v) AS v, uniqExact(v) AS u, max(v) AS m, sum(f) AS f
FROM s GROUP BY a, b EVERY 1 MINUTE, 1 HOUR SETTINGS max_keys = 7;
CREATE METRIC sets AS SELECT a, b, count() AS c, sum(v) AS v, min(v) AS m, uniqExact(v) AS u
FROM s GROUP BY GROUPING SETS ((a, b), (a), (b), ()) EVERY 1 HOUR, 1 DAY SETTINGS max_keys = 20;
CREATE METRIC whole AS SELECT b, count() AS c, sum(v) AS v FROM s GROUP BY b SETTINGS max_keys = 3;
CREATE METRIC wide AS SELECT b, count() AS c FROM s GROUP BY b EVERY 1 HOUR SETTINGS max_keys = 100000;
"""


def ceiling_rows(r, n):
    rows = []
    for i in range(n):
        a = r.choice(("", str(r.randrange(-5, 6))))
        t = 1751328000 + r.randrange(7200)
        rows.append(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(t))},{a or chr(92) + 'N'},k{r.randrange(60)},{r.randrange(1000)},{r.random()}\n")
    return "".join(rows)


def assert_ceilings(c, one_epoch):
    """Every total is exact; with one epoch also which keys are kept: the first in key order."""
    for tier, unit in (("1m", "Minute"), ("1h", "Hour")):
        mine = f"SELECT bucket, sum(c), sum(v), max(m) FROM few_{tier} GROUP BY bucket"
        theirs = f"SELECT toStartOf{unit}(time, 'UTC') AS bucket, count(), sum(v), max(v) FROM s GROUP BY bucket"
        assert c.one(f"SELECT count() FROM (({mine}) EXCEPT ({theirs}))") == "0", tier
        assert c.one(f"SELECT abs((SELECT sum(f) FROM few_{tier}) / (SELECT sum(f) FROM s) - 1) < 1e-12") == "1", tier
    for s, keys in (("a,b", "a, b"), ("a", "a"), ("b", "b"), ("", "")):
        for tier, unit in (("1h", "Hour"), ("1d", "Day")):
            mine = f"SELECT bucket, sum(c), sum(v), min(m) FROM sets_{tier} WHERE _set IN ('{s}', '{s}/other') GROUP BY bucket"
            theirs = f"SELECT toStartOf{unit}(toDateTime(time, 'UTC')) AS bucket, count(), sum(v), min(v) FROM s GROUP BY bucket"
            assert c.one(f"SELECT count() FROM (({mine}) EXCEPT ({theirs}))") == "0", (s, tier)
    assert c.sql("SELECT sum(c), sum(v) FROM whole") == c.sql("SELECT count(), sum(v) FROM s")
    assert c.one("SELECT sum(c) FROM wide_1h WHERE _set = 'b'") == c.one("SELECT count() FROM s")
    assert c.one("SELECT count() FROM wide_1h WHERE _set != 'b'") == "0"
    assert c.one("SELECT count() FROM few_1h WHERE _set = 'a,b/other' AND a IS NULL AND b IS NULL") == c.one("SELECT uniqExact(bucket) FROM few_1h")
    assert c.one("SELECT countIf(_set = 'a/other') FROM sets_1h") == "0"  # 12 keys at most
    if one_epoch:
        assert c.one("SELECT max(n) FROM (SELECT bucket, countIf(_set = 'a,b') AS n FROM few_1m GROUP BY bucket)") == "7"
        kept = c.sql("SELECT b, c, v FROM whole WHERE _set = 'b' ORDER BY b")
        assert kept == c.sql("SELECT b, count(), sum(v) FROM s GROUP BY b ORDER BY b LIMIT 3"), kept
        rest = c.sql("SELECT u, c FROM sets_1d WHERE _set = 'b/other'")
        assert rest == c.sql("SELECT uniqExact(v), count() FROM s WHERE b NOT IN (SELECT b FROM s GROUP BY b ORDER BY b LIMIT 20)"), rest
        folded = c.sql("SELECT sum(read), sum(kept), sum(filtered) FROM weir_ledger WHERE kind = 'folded' AND name = 'weir_cube_whole'")
        n = int(c.one("SELECT uniqExact(b) FROM s"))
        assert folded == [[str(n), "3", str(n - 3)]], folded


def keys_past_the_ceiling_become_one_row():
    for threads in (1, 3):
        with Case(CEILINGS.format(threads=threads)) as c:
            r = random.Random(threads)
            c.write("in1.csv", "time,a,b,v,f\n" + ceiling_rows(r, 30000))
            c.ok("run", "--once")
            assert_ceilings(c, True)
            status = c.weir("status").stdout
            assert "folded" in status and "more keys in a bucket than max_keys" in status, status
            c.write("in2.csv", "time,a,b,v,f\n" + ceiling_rows(r, 500))
            c.ok("run", "--once")
            assert_ceilings(c, False)


def kill_9_folds_the_same_keys():
    r = random.Random(9)
    with Case("SET epoch_min = '50ms'; SET epoch_slot = '6s'; SET epoch_margin = '1s';\n" + CEILINGS.format(threads=2)) as c:
        c.write("in1.csv", "time,a,b,v,f\n")
        for i in range(6):
            p = c.start("run")
            end = time.time() + r.uniform(0.3, 1.2)
            while time.time() < end:
                c.append("in1.csv", ceiling_rows(r, 1000))
                time.sleep(0.05)
            p.kill()
            p.wait()
            if i % 3 == 2:
                c.end_stores(signal.SIGKILL)
        c.ok("run", "--once")
        assert_ceilings(c, False)


def a_metric_has_one_setting():
    with Case(CEILINGS.format(threads=1).replace("max_keys = 7", "max_key = 7").replace("max_keys = 20", "max_keys = 0")) as c:
        r = c.weir("check")
        text = r.stdout + r.stderr
        assert r.returncode != 0 and "a metric has no setting max_key" in text and "did you mean max_keys?" in text, text
        assert "max_keys is a whole number from 1 on" in text, text


# ---- shared and derived cubes ----

SHARED = """
SET store = 'embedded:./t.weir';
SET threads = {threads};
CREATE SOURCE s (time DateTime, a UInt16, b LowCardinality(String), c Nullable(String), d String, v Int32, f Float64)
FROM FILES 'in*.csv' FORMAT CSVWithNames EVENT TIME time KEEP FOREVER;
CREATE STREAM q AS SELECT *, a % 3 AS small FROM s WHERE v != 7;
CREATE METRIC up AS SELECT a, b, c, count() AS n, sum(v) AS v, max(d) AS d, uniqExact(d) AS u, uniq(d) AS uc,
  quantilesDD(0.01, 0.5)(v) AS q, avg(f) AS f, groupBitXor(v) AS x, argMin(d, v) AS am, countIf(v > 0) AS ci
FROM q GROUP BY ROLLUP(a, b, c) EVERY 1 MINUTE, 1 HOUR, 1 DAY;
CREATE METRIC cube AS SELECT b, c, small, count() AS n, min(v) AS v FROM q GROUP BY CUBE(b, c, small) EVERY 5 MINUTE, 1 DAY;
CREATE METRIC hourly AS SELECT b, a, sum(v) AS v, count() AS n FROM q GROUP BY b, a EVERY 1 HOUR, 1 MONTH;
CREATE METRIC digest AS SELECT small, quantileTDigest(0.5)(v) AS v FROM q GROUP BY small EVERY 5 MINUTE;
CREATE METRIC combined AS SELECT b, d, uniqCombined(12)(v) AS u FROM q GROUP BY ROLLUP(b, d) EVERY 1 DAY;
CREATE METRIC every AS SELECT b, count() AS n FROM s GROUP BY b EVERY 5 MINUTE;
"""


def shared_rows(r, n):
    rows = []
    for i in range(n):
        t = 1751328000 + r.randrange(86400 * 2) // 900 * 900 + r.randrange(30)
        c = r.choice(("\\N", "", "x", "yy", "z" * 20))
        rows.append(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(t))},{r.randrange(40)},b{r.randrange(5)},{c},d{r.randrange(300)},{r.randrange(-20, 20)},{r.random()}\n")
    return "".join(rows)


UNIT = {"1m": "1 MINUTE", "5m": "5 MINUTE", "1h": "1 HOUR", "1d": "1 DAY", "1mo": "1 MONTH"}


def assert_set(c, metric, tier, keys, measures, where="v != 7", is_set=True):
    """One set of one tier is the same rows as SELECT over the raw ones."""
    names = ", ".join(f"round({e.split(' AS ')[1]}, 9)" if e.startswith("avg") else e.split(" AS ")[1] for e in measures)
    sql = ", ".join(f"round({e.split(' AS ')[0]}, 9)" if e.startswith("avg") else e.split(" AS ")[0] for e in measures)
    k = "".join(f"{x}, " for x in keys)
    small = {"small": "a % 3 AS small"}
    theirs = "".join(f"{small.get(x, x)}, " for x in keys)
    mine = f"SELECT bucket, {k}{names} FROM {metric}_{tier}" + (f" WHERE _set = '{','.join(keys)}'" if is_set else "")
    unit = UNIT[tier]
    wanted = f"SELECT toDateTime(toStartOfInterval(time, INTERVAL {unit}, 'UTC'), 'UTC') AS bucket, {theirs}{sql} FROM s WHERE {where} GROUP BY {', '.join(['bucket', *keys])}"
    counts = c.sql(f"SELECT (SELECT count() FROM ({mine})), (SELECT count() FROM ({wanted})), (SELECT count() FROM (({mine}) INTERSECT ({wanted})))")[0]
    assert counts[0] == counts[1] == counts[2] != "0", (metric, tier, keys, counts)


def sets_that_follow_from_finer_ones_are_the_same():
    measures = ["count() AS n", "sum(s.v) AS v", "max(s.d) AS d", "uniqExact(s.d) AS u", "uniq(s.d) AS uc", "quantilesDD(0.01, 0.5)(s.v) AS q",
                "avg(s.f) AS f", "groupBitXor(s.v) AS x", "countIf(s.v > 0) AS ci"]
    for threads in (1, 3):
        with Case(SHARED.format(threads=threads)) as c:
            text = c.ok("explain")
            for what in ("set 'a,b'", "set 'a'", "set ''"):
                cube = text.split(f"  cube of metric up, {what} ")[1].split("  cube of ")[0]
                assert "derived at the seal from metric up, set 'a,b,c': events do not touch it" in cube, cube
            cube = text.split("  cube of metric hourly ")[1].split("  cube of ")[0]
            assert "derived at the seal from metric up, set 'a,b,c'" in cube, cube
            cube = text.split("  cube of metric digest ")[1].split("  cube of ")[0]
            assert "one cube with metric cube, set 'small': 3 measures in all" in cube, cube
            cube = text.split("  cube of metric combined, set 'b' ")[1].split("  cube of ")[0]
            assert "derived" not in cube, cube
            cube = text.split("  cube of metric every ")[1].split("  cube of ")[0]
            assert "derived" not in cube and "one cube" not in cube, cube
            r = random.Random(threads)
            c.write("in1.csv", "time,a,b,c,d,v,f\n" + shared_rows(r, 20000))
            c.ok("run", "--once")
            c.write("in2.csv", "time,a,b,c,d,v,f\n" + shared_rows(r, 1000))
            c.ok("run", "--once")
            for tier in ("1m", "1h", "1d"):
                for keys in (("a", "b", "c"), ("a", "b"), ("a",), ()):
                    assert_set(c, "up", tier, keys, measures)
            for tier in ("5m", "1d"):
                for keys in (("b", "c", "small"), ("b", "c"), ("b", "small"), ("c", "small"), ("b",), ("c",), ("small",), ()):
                    assert_set(c, "cube", tier, keys, ["count() AS n", "min(s.v) AS v"])
            for tier in ("1h", "1mo"):
                assert_set(c, "hourly", tier, ("b", "a"), ["sum(s.v) AS v", "count() AS n"], is_set=False)
            assert_set(c, "every", "5m", ("b",), ["count() AS n"], where="1", is_set=False)


def metrics_over_one_stream_share_all():
    metrics = "".join(f"CREATE METRIC m{i} AS SELECT b, a, sum(v * {i % 5}) AS x, count() AS n FROM q GROUP BY b, a EVERY 1 MINUTE, 1 HOUR;\n" for i in range(20))
    with Case(SHARED.split("CREATE METRIC")[0].format(threads=2) + metrics) as c:
        text = c.ok("explain")
        assert text.count("one cube with metric") == 20 and text.count(": 6 measures in all") == 20, text[:3000]
        fields = text.split("decoded fields:")[1].split("\n")[0]
        assert fields.count("v Int32") == 1, fields
        program = text.split("  program:\n")[1].split("  raw rows of")[0]
        assert sum("notEquals" in line or "!=" in line for line in program.splitlines()) == 1, program
        r = random.Random(1)
        c.write("in1.csv", "time,a,b,c,d,v,f\n" + shared_rows(r, 3000))
        c.ok("run", "--once")
        for i in (0, 1, 7, 19):
            for tier in ("1m", "1h"):
                assert_set(c, f"m{i}", tier, ("b", "a"), [f"sum(s.v * {i % 5}) AS x", "count() AS n"], is_set=False)


# ---- days of 23 and 25 hours ----

CLOCKS = """
SET store = 'embedded:./t.weir';
CREATE SOURCE s (time DateTime, v UInt32,
  h DateTime('{zone}') MATERIALIZED toStartOfHour(time, '{zone}'), d DateTime('{zone}') MATERIALIZED toStartOfDay(time, '{zone}'),
  mo Date MATERIALIZED toStartOfMonth(time, '{zone}'), w Date MATERIALIZED toMonday(time, '{zone}'), q15 DateTime('{zone}') MATERIALIZED toStartOfFifteenMinutes(toTimeZone(time, '{zone}')),
  i6 DateTime('{zone}') MATERIALIZED toStartOfInterval(time, INTERVAL 6 HOUR, '{zone}'), i2 DateTime('{zone}') MATERIALIZED toStartOfInterval(time, INTERVAL 2 DAY, '{zone}'),
  hour UInt8 MATERIALIZED toHour(time, '{zone}'), day Date MATERIALIZED toDate(time, '{zone}'), text String MATERIALIZED formatDateTime(time, '%F %T', '{zone}'),
  back DateTime MATERIALIZED parseDateTimeBestEffort(concat(toString(time, '{zone}'), ' +00:00')), next DateTime('{zone}') MATERIALIZED toTimeZone(time, '{zone}') + INTERVAL 1 DAY,
  prior DateTime('{zone}') MATERIALIZED toTimeZone(time, '{zone}') - INTERVAL 1 MONTH, hours Int64 MATERIALIZED dateDiff('hour', toStartOfDay(time, '{zone}'), time, '{zone}'),
  days Int64 MATERIALIZED dateDiff('day', toDateTime(1740000000), time, '{zone}'), trunc DateTime('{zone}') MATERIALIZED dateTrunc('hour', time, '{zone}'))
FROM FILES 'in.csv' FORMAT CSVWithNames EVENT TIME time KEEP FOREVER;
CREATE METRIC m AS SELECT v % 2 AS k, count() AS n, sum(v) AS total, min(time) AS first, max(time) AS last FROM s GROUP BY k
EVERY 15 MINUTE, 1 HOUR, 6 HOUR, 1 DAY, 1 WEEK, 1 MONTH TIME ZONE '{zone}';
CREATE METRIC days AS SELECT v % 2 AS k, count() AS n FROM s GROUP BY k EVERY 1 DAY, 1 MONTH TIME ZONE '{zone}';
CREATE METRIC alone AS SELECT count() AS n FROM s EVERY 2 DAY TIME ZONE '{zone}';
"""


def days_of_23_and_25_hours():
    for zone, changes in (("Europe/Berlin", (1743296400, 1761440400)), ("America/New_York", (1741503600, 1762063200)), ("Australia/Lord_Howe", (1743865200, 1759591800))):
        with Case(CLOCKS.format(zone=zone)) as c:
            times = [x + i * 600 + 7 for x in changes for i in range(-6 * 30, 6 * 30)]
            random.Random(1).shuffle(times)
            c.write("in.csv", "time,v\n" + "".join(f"{t},{i}\n" for i, t in enumerate(times)))
            c.ok("run", "--once")
            assert c.one("SELECT count() FROM s") == str(len(times)), c.sql("SELECT reason, count() FROM weir_rejects GROUP BY reason")
            definition = CLOCKS.format(zone=zone).split("v UInt32,")[1].split(")\nFROM FILES")[0]
            computed = re.findall(r"(\w+) ((?:DateTime|Date|UInt8|String|Int64)(?:\('[^']*'\))?) MATERIALIZED (.*?)(?=,\s+\w+ (?:DateTime|Date|UInt8|String|Int64)|$)", definition, re.S)
            assert len(computed) == 16, computed
            for name, kind, value in computed:
                differ = c.one(f"SELECT countIf(s.{name} != CAST({value.replace('time', 's.time').replace('s.timeZ', 'timeZ')}, '{kind.replace(chr(39), chr(92) + chr(39))}')) FROM s")
                assert differ == "0", (zone, name, differ)
            for suffix, unit in (("15m", "15 MINUTE"), ("1h", "1 HOUR"), ("6h", "6 HOUR"), ("1d", "1 DAY"), ("1w", "1 WEEK"), ("1mo", "1 MONTH")):
                wanted = (f"SELECT toDateTime(toStartOfInterval(time, INTERVAL {unit}, '{zone}'), '{zone}') AS b, v % 2 AS k, count(), sum(s.v), min(s.time), max(s.time) FROM s GROUP BY b, k")
                got = c.sql(f"SELECT (SELECT count() FROM m_{suffix}), (SELECT count() FROM ({wanted})), (SELECT count() FROM ((SELECT * FROM m_{suffix}) INTERSECT ({wanted})))")[0]
                assert got[0] == got[1] == got[2], (zone, suffix, got)
            assert c.sql("SELECT * FROM days_1d EXCEPT SELECT bucket, k, n FROM m_1d") == []
            assert c.sql(f"SELECT * FROM alone_2d EXCEPT SELECT toDateTime(toStartOfInterval(time, INTERVAL 2 DAY, '{zone}'), '{zone}') AS b, count() FROM s GROUP BY b") == []
            if zone != "Australia/Lord_Howe":
                lengths = [x[0] for x in c.sql("SELECT DISTINCT sum(n) AS x FROM m_1d GROUP BY bucket ORDER BY x")]
                assert "138" in lengths and "150" in lengths and "144" in lengths, lengths


if __name__ == "__main__":
    sys.exit(run([sets_that_follow_from_finer_ones_are_the_same, metrics_over_one_stream_share_all, days_of_23_and_25_hours,
                  keys_past_the_ceiling_become_one_row, kill_9_folds_the_same_keys, a_metric_has_one_setting,
                  duplicates_are_decided_as_by_sql, duplicates_of_earlier_runs_are_known, several_workers_decide_in_offset_order,
                  kill_9_changes_no_decision, rebuild_decides_the_same, retried_records_are_judged_among_themselves,
                  what_the_clocks_have_passed_is_pruned, a_window_beyond_memory_is_refused]))
