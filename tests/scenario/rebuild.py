#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""weir run --rebuild: changed definitions, all input again into a second store, exchanged when complete."""
import gzip
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, run

DEFINITIONS = """
SET store = 'embedded:./t.weir';
CREATE SOURCE hits (time DateTime64(3), zone LowCardinality(String), bytes UInt64)
FROM FILES 'hits*.csv*' FORMAT CSVWithNames EVENT TIME time KEEP FOREVER;
CREATE METRIC traffic AS SELECT zone, count() AS requests, sum(bytes) AS total FROM hits GROUP BY zone
EVERY 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER;
"""
CHANGED = DEFINITIONS.replace("sum(bytes)", "sum(bytes + 1)")
HEADER = "time,zone,bytes\n"


def lines(n, first=0):
    return "".join(f"2026-0{1 + i % 3}-1{i % 7}T{i % 24:02d}:{i % 60:02d}:00.000Z,z{i % 5},{i}\n" for i in range(first, first + n))


def total(n):
    return str(n * (n - 1) // 2)


def loaded(c, n=2000):
    c.write("hits1.csv", HEADER + lines(n // 2))
    c.write("hits2.csv", HEADER + lines(n - n // 2, n // 2))
    c.ok("run", "--once")
    assert c.one("SELECT sum(total) FROM traffic_1d") == total(n)


def leftovers(c):
    return [n for n in os.listdir(c.dir) if "rebuild" in n]


def changed_definitions_are_rebuilt_from_all_input():
    with Case(DEFINITIONS) as c:
        loaded(c)
        c.write("weir.sql", CHANGED)
        assert c.weir("run", "--once").returncode == 3
        # The same content under another name and packed is there all the same.
        data = open(c.path("hits2.csv"), "rb").read()
        os.remove(c.path("hits2.csv"))
        with gzip.open(c.path("hits3.csv.gz"), "wb") as f:
            f.write(data)
        r = c.weir("run", "--once", "--rebuild")
        assert r.returncode == 0 and "gone" not in r.stderr, r.stderr
        assert leftovers(c) == []
        assert c.one("SELECT sum(total) FROM traffic_1d") == str(int(total(2000)) + 2000)
        assert c.one("SELECT count() FROM hits") == "2000"
        assert c.one("SELECT max(generation) FROM weir_generations") == "2"
        # It goes on like any other store.
        c.append("hits1.csv", lines(100, 2000))
        c.ok("run", "--once")
        assert c.one("SELECT sum(requests) FROM traffic_1h") == "2100"
        c.end_stores()
        assert c.one("SELECT sum(requests) FROM traffic_1h") == "2100"


def input_that_is_gone_is_listed_and_needs_yes():
    with Case(DEFINITIONS.replace(" KEEP FOREVER;", ";", 1) + "CREATE METRIC more AS SELECT count() AS n FROM hits EVERY 1 DAY KEEP FOREVER;") as c:
        loaded(c)
        c.write("weir.sql", CHANGED.replace(" KEEP FOREVER;", ";", 1))
        os.remove(c.path("hits1.csv"))
        r = c.weir("run", "--once", "--rebuild")
        assert r.returncode == 3 and "--yes" in r.stderr, r.stderr
        assert re.search(r"gone: \S*/hits1\.csv, 1000 events of source hits", r.stderr), r.stderr
        assert "hits2.csv" not in r.stderr and "more_1d" in r.stderr, r.stderr
        assert leftovers(c) == []
        assert c.one("SELECT sum(total) FROM traffic_1d") == total(2000)
        r = c.weir("run", "--once", "--rebuild", "--yes")
        assert r.returncode == 0 and "gone:" in r.stderr, r.stderr
        assert c.one("SELECT sum(requests) FROM traffic_1d") == "1000"
        assert c.one("SELECT count() FROM system.tables WHERE name = 'more_1d'") == "0"


def kept_raw_rows_stand_in_for_input_that_is_gone():
    kept = DEFINITIONS.replace("bytes UInt64)", "bytes UInt64, note Nullable(String))")
    rows = "".join(l[:-1] + (',"a ""q"", b"' if i % 3 == 0 else ",\\N" if i % 3 == 1 else ",ö") + "\n" for i, l in enumerate(lines(2000).splitlines(True)))
    head, half = "time,zone,bytes,note\n", rows.index("\n", len(rows) // 2) + 1
    with Case(kept) as c:
        c.write("hits1.csv", head + rows[:half])
        c.write("hits2.csv", head + rows[half:])
        c.ok("run", "--once")
        c.write("weir.sql", kept.replace("sum(bytes)", "sum(bytes + 1)"))
        os.remove(c.path("hits1.csv"))
        before = c.sql("SELECT time, zone, bytes, note FROM hits ORDER BY time, bytes")
        r = c.weir("run", "--once", "--rebuild")
        assert r.returncode == 0 and "are kept as raw rows and loaded" in r.stderr, r.stderr
        assert leftovers(c) == [] and not os.path.exists(c.path("t.weir/kept-rows"))
        assert c.sql("SELECT time, zone, bytes, note FROM hits ORDER BY time, bytes") == before
        assert c.one("SELECT sum(total) FROM traffic_1d") == str(int(total(2000)) + 2000)
        c.ok("run", "--once")
        assert c.one("SELECT sum(requests) FROM traffic_1d") == "2000"
        assert c.one("SELECT count() FROM weir_alarms") == "0"


def kept_raw_rows_of_json_keep_their_values():
    definitions = """SET store = 'embedded:./t.weir';
CREATE SOURCE j (t DateTime64(3, 'Asia/Kolkata'), f Float64, n Nullable(Int64), s String, b Bool, u UInt64, d Date, ip IPv6)
FROM FILES 'j*.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE METRIC m AS SELECT count() AS n, uniqExact(s) AS s FROM j EVERY 1 DAY KEEP FOREVER;
"""
    with Case(definitions) as c:
        c.write("j1.json", "".join(
            '{"t":"2026-03-0%dT01:02:03.%03dZ","f":%s,"n":%s,"s":"%s","b":%s,"u":%d,"d":"2020-01-02","ip":"::%d"}\n' %
            (1 + i % 9, i, ('"nan"', "0.1", '"-inf"', "1e300", "-2.5e-7")[i % 5], ("null", "-9", "9223372036854775807")[i % 3],
             (r'a\nb', r'\u00e4', r'\"q\"', "", "null")[i % 5], ("true", "false")[i % 2], 2 ** 64 - 1 - i, i) for i in range(300)))
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM j") == "300"
        os.remove(c.path("j1.json"))
        before = c.sql("SELECT toUnixTimestamp64Milli(t), f, n, s, b, u, d, ip FROM j ORDER BY u")
        c.write("weir.sql", definitions.replace("uniqExact(s)", "uniqExact(u)"))
        r = c.weir("run", "--once", "--rebuild")
        assert r.returncode == 0, r.stderr
        assert c.sql("SELECT toUnixTimestamp64Milli(t), f, n, s, b, u, d, ip FROM j ORDER BY u") == before
        assert c.one("SELECT sum(s) FROM m_1d") == "300"


def a_name_outside_the_new_patterns_is_gone():
    with Case(DEFINITIONS) as c:
        loaded(c)
        c.write("weir.sql", CHANGED.replace("'hits*.csv*'", "'hits2.csv*'"))
        r = c.weir("run", "--once", "--rebuild")
        assert r.returncode == 3 and "hits1.csv, 1000 events" in r.stderr, r.stderr


def queries_read_the_old_store_meanwhile_and_it_follows_after():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(400000))
        c.ok("run", "--once")
        before = c.one("SELECT sum(total) FROM traffic_1d")
        after = str(int(before) + 400000)
        c.write("weir.sql", CHANGED)
        p = c.start("run", "--rebuild")
        seen = []
        end = time.time() + 60
        while time.time() < end and (not seen or seen[-1] != after):
            r = c.weir("query", "SELECT sum(total) FROM traffic_1d", "--format", "TSV")
            if r.returncode == 0:
                seen.append(r.stdout.strip())
        assert set(seen) <= {before, after} and seen[-1] == after, set(seen)
        c.append("hits1.csv", lines(10, 400000))
        c.wait("SELECT sum(requests) FROM traffic_1d", 400010)
        p.send_signal(signal.SIGTERM)
        assert p.wait(30) == 0, c.log()
        assert leftovers(c) == []


def a_kill_at_any_time_leaves_a_whole_store():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(30000))
        c.ok("run", "--once")
        plain, definitions = int(total(30000)), CHANGED
        for i, delay in enumerate((0.3, 1.0, 1.6, 2.2, 3.0)):
            c.write("weir.sql", definitions)
            p = c.start("run", "--rebuild", "--once")
            try:
                p.wait(delay)
            except Exception:
                p.kill()
                p.wait()
            got = int(c.one("SELECT sum(total) FROM traffic_1d"))
            assert got in (plain, plain + 30000), got
            assert c.one("SELECT sum(requests) FROM traffic_1h") == "30000"
        c.ok("run", "--once", "--rebuild", timeout=120)
        assert int(c.one("SELECT sum(total) FROM traffic_1d")) == plain + 30000
        assert leftovers(c) == []


def a_broken_off_rebuild_is_thrown_away():
    with Case(DEFINITIONS) as c:
        loaded(c)
        os.mkdir(c.path("t.weir.rebuild"))
        c.write("t.weir.rebuild/x", "half")
        r = c.weir("run", "--once")
        assert r.returncode == 0 and "thrown away" in r.stderr, r.stderr
        assert leftovers(c) == []
        assert c.one("SELECT sum(total) FROM traffic_1d") == total(2000)


def a_crash_between_two_renames_is_undone():
    with Case(DEFINITIONS) as c:
        loaded(c)
        c.end_stores()
        os.rename(c.path("t.weir"), c.path("t.weir.rebuild-old"))
        os.mkdir(c.path("t.weir.rebuild"))
        r = c.weir("run", "--once")
        assert r.returncode == 0 and "thrown away" in r.stderr, r.stderr
        assert leftovers(c) == []
        assert c.one("SELECT sum(total) FROM traffic_1d") == total(2000)


def a_source_that_pauses_is_not_exchanged():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(30000))
        c.ok("run", "--once")
        c.write("weir.sql", DEFINITIONS.replace("bytes UInt64", "bytes UInt8"))
        r = c.weir("run", "--once", "--rebuild")
        assert r.returncode == 3 and "the old one stays" in r.stderr, r.stderr
        c.write("weir.sql", DEFINITIONS)
        assert c.one("SELECT sum(total) FROM traffic_1d") == total(30000)
        assert leftovers(c) == []


if __name__ == "__main__":
    sys.exit(run([changed_definitions_are_rebuilt_from_all_input, input_that_is_gone_is_listed_and_needs_yes,
                  kept_raw_rows_stand_in_for_input_that_is_gone, kept_raw_rows_of_json_keep_their_values,
                  a_name_outside_the_new_patterns_is_gone, queries_read_the_old_store_meanwhile_and_it_follows_after,
                  a_kill_at_any_time_leaves_a_whole_store, a_broken_off_rebuild_is_thrown_away,
                  a_crash_between_two_renames_is_undone, a_source_that_pauses_is_not_exchanged]))
