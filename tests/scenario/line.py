#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole line on one machine: files in, metrics out, with real programs."""
import bz2
import gzip
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, WEIR, run

DEFINITIONS = """
SET store = 'embedded:./t.weir';
CREATE SOURCE hits (
    time   DateTime64(3),
    zone   LowCardinality(String),
    status UInt16,
    bytes  UInt64,
    path   String)
FROM FILES 'hits*.csv*' FORMAT CSVWithNames
EVENT TIME time KEEP FOREVER ORDER BY (zone, time);
CREATE STREAM good AS SELECT *, intDiv(status, 100) AS class FROM hits WHERE status != 0;
CREATE METRIC traffic AS
SELECT zone, class, count() AS requests, sum(bytes) AS bytes, max(bytes) AS largest, uniqExact(path) AS paths,
       countIf(status >= 500) AS errors, avg(bytes) AS mean
FROM good GROUP BY zone, class
EVERY 1 MINUTE KEEP FOREVER, 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER, 1 MONTH KEEP FOREVER;
"""

HEADER = "time,zone,status,bytes,path\n"


def lines(n, first=0):
    return "".join(f"2026-0{1 + i % 3}-1{i % 7}T{i % 24:02d}:{i % 60:02d}:{i * 7 % 60:02d}.{i % 1000:03d}Z,z{i % 5},"
                   f"{(200, 404, 503, 0)[i % 4]},{i * 37 % 10007},/p{i % 91}\n" for i in range(first, first + n))


CHECK = """SELECT count() FROM (
  SELECT bucket, zone, class, requests, bytes, largest, paths, errors, round(mean, 6) FROM traffic_{tier}
  EXCEPT SELECT toStartOf{unit}(time, 'UTC') AS b, zone, intDiv(status, 100) AS class, count(), sum(bytes), max(bytes),
    uniqExact(path), countIf(status >= 500), round(avg(bytes), 6) FROM hits WHERE status != 0 GROUP BY b, zone, class)"""


def assert_tiers_equal_raw(c):
    for tier, unit in (("1m", "Minute"), ("1h", "Hour"), ("1d", "Day"), ("1mo", "Month")):
        assert c.one(CHECK.format(tier=tier, unit=unit)) == "0", tier
        groups = c.one(f"SELECT uniqExact(toStartOf{unit}(time, 'UTC'), zone, intDiv(status, 100)) FROM hits WHERE status != 0")
        assert c.one(f"SELECT count() FROM traffic_{tier}") == groups, tier


def assert_books_balance(c, read):
    got = c.sql("SELECT sum(read), sum(kept) + sum(filtered) + sum(rejected) FROM weir_ledger WHERE kind = 'partition'")[0]
    assert got == [str(read), str(read)], (got, read)


def once_loads_all_tiers_exactly():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(5000))
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM hits") == "5000"
        assert_tiers_equal_raw(c)
        assert_books_balance(c, 5000)
        c.ok("run", "--once")
        assert c.one("SELECT sum(requests) FROM traffic_1d") == "3750"


def copies_moves_and_gzip_are_read_once():
    with Case(DEFINITIONS) as c:
        data = HEADER + lines(3000)
        c.write("hits1.csv", data)
        c.ok("run", "--once")
        c.write("hits2.csv", data)
        os.rename(c.path("hits1.csv"), c.path("hits0.csv"))
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM hits") == "3000"
        os.remove(c.path("hits0.csv"))
        os.remove(c.path("hits2.csv"))
        with gzip.open(c.path("hits1.csv.gz"), "wb") as f:
            f.write((data + lines(500, 3000)).encode())
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM hits") == "3500"
        assert_tiers_equal_raw(c)


def bzip2_and_lz4_are_read_and_known_as_what_they_hold():
    with Case(DEFINITIONS) as c:
        data = (HEADER + lines(3000)).encode()
        c.write("hits1.csv", data)
        c.ok("run", "--once")
        os.remove(c.path("hits1.csv"))
        c.write("hits1.csv.bz2", bz2.compress(data) + bz2.compress(lines(500, 3000).encode()))
        more = (HEADER + lines(700, 3500)).encode()
        block = lambda b: struct.pack("<I", len(b) | 1 << 31) + b  # stored as it is
        frame = lambda b: b"\x04\x22\x4d\x18\x60\x40\x82" + block(b) + bytes(4)
        c.write("hits2.csv.lz4", frame(more[:1000]) + frame(more[1000:]))
        c.write("hits3.csv.bz2", bz2.compress((HEADER + lines(4000, 4200)).encode(), 1)[:-20])
        r = c.weir("run", "--once")
        assert 5000 < int(c.one("SELECT count() FROM hits")) < 8200
        assert "ends within its compressed data" in r.stderr + r.stdout + c.log(), r.stderr
        assert_tiers_equal_raw(c)


def follows_appends_and_new_files():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(10))
        p = c.start("run")
        c.wait("SELECT count() FROM hits", 10)
        c.append("hits1.csv", lines(5, 10))
        c.wait("SELECT count() FROM hits", 15, seconds=6)
        c.write("hits2.csv", HEADER + lines(100, 1000))
        c.wait("SELECT count() FROM hits", 115, seconds=6)
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        assert_tiers_equal_raw(c)


def kill_9_loses_and_doubles_nothing():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(60000))
        for wait in (0.35, 0.6, 0.9, 1.3):
            p = c.start("run")
            time.sleep(wait)
            p.kill()
            p.wait()
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM hits") == "60000"
        assert_tiers_equal_raw(c)
        assert_books_balance(c, 60000)


def store_killed_goes_on():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(20000))
        p = c.start("run")
        c.wait("SELECT count() > 0 FROM hits", 1)
        c.end_stores(signal.SIGKILL)
        c.append("hits1.csv", lines(5000, 20000))
        c.wait("SELECT count() FROM hits", 25000, seconds=30)
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        assert_tiers_equal_raw(c)


def bad_records_become_rejects_with_all_their_bytes():
    with Case(DEFINITIONS.replace("EVENT TIME", "SETTINGS format_csv_delimiter = ',' EVENT TIME")) as c:
        good = lines(3000)
        bad = ["2026-01-10T00:00:00Z,z1,70000,1,/overflow\n", "nonsense,z1,200,1,/t\n", "2026-01-10T00:00:00Z,z1,200\n",
               "1969-01-01T00:00:00Z,z1,200,1,/old\n", "2100-01-01T00:00:00Z,z1,200,1,/future\n"]
        c.write("hits1.csv", HEADER + good + "".join(bad))
        c.ok("run", "--once")
        rows = c.sql("SELECT record, reason FROM weir_rejects ORDER BY offset")
        assert [r[0] for r in rows] == [b.rstrip("\n") for b in bad], rows
        assert "status" in rows[0][1] and "time" in rows[1][1], rows
        assert c.one("SELECT count() FROM hits") == "3000"
        assert_books_balance(c, 3005)


def a_source_of_garbage_pauses():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(200) + "x,y\n" * 30000)
        r = c.weir("run", "--once")
        assert r.returncode == 1, (r.returncode, r.stderr)
        assert "allow_errors_ratio" in r.stderr or c.one("SELECT count() FROM weir_alarms WHERE kind = 'paused'") == "1"


def a_run_ends_with_what_was_older_than_keep():
    with Case(DEFINITIONS.replace("1 MINUTE KEEP FOREVER, 1 HOUR KEEP FOREVER", "1 MINUTE KEEP 7 DAYS, 1 HOUR KEEP 400000 HOURS")
              .replace("EVENT TIME time KEEP FOREVER", "EVENT TIME time KEEP 30 DAYS")) as c:
        old = "".join(f"2001-01-0{1 + i % 5}T00:00:00Z,z1,200,{i},/p\n" for i in range(1234))
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        c.write("hits1.csv", HEADER + old + f"{now},z1,200,1,/p\n")
        r = c.weir("run", "--once")
        assert r.returncode == 0, r.stderr
        last = r.stderr.splitlines()[-2:]
        assert last == ["traffic_1m: 1,234 rows older than KEEP 7 DAYS, not stored; traffic_1h has them",
                        "hits: 1,234 rows older than KEEP 30 DAYS, not stored"], r.stderr
        assert c.one("SELECT sum(requests) FROM traffic_1m") == "1" and c.one("SELECT sum(requests) FROM traffic_1h") == "1235"
        r = c.weir("run", "--once")
        assert "older than KEEP" not in r.stderr, r.stderr


def full_rejects_pause_until_resumed():
    with Case("SET rejects_max = '4KiB'; SET allow_errors_ratio = 1; SET epoch_max = '5ms'; SET epoch_min = '1ms';" + DEFINITIONS) as c:
        noise = random.Random(1)
        bad = lambda n: "".join(f"never,z1,200,1,/{noise.getrandbits(200):x}\n" for _ in range(n))
        c.write("hits1.csv", HEADER + lines(10))
        p = c.start("run")
        c.wait("SELECT count() FROM hits", 10)
        n = 10
        for _ in range(8):
            c.append("hits1.csv", bad(100) + lines(10, n))
            n += 10
            time.sleep(1)
        c.wait("SELECT count() > 0 FROM weir_alarms WHERE kind = 'rejects_full' AND id NOT IN (SELECT id FROM weir_acks)", 1)
        status = c.weir("status")
        assert status.returncode == 2 and "rejects_full" in status.stdout, status.stdout
        stored = int(c.one("SELECT count() FROM hits"))
        assert stored < n, (stored, n)
        for _ in range(30):                              # each resume allows as much again
            if c.one("SELECT count() FROM hits") == str(n):
                break
            c.weir("resume", "hits")
            time.sleep(1)
        c.wait("SELECT count() FROM hits", n)
        p.send_signal(signal.SIGTERM)
        assert p.wait(30) in (0, 1), c.log()             # 1: paused once more at its end


def changed_definitions_are_refused_additions_taken():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(100))
        c.ok("run", "--once")
        c.write("weir.sql", "-- a comment\n" + DEFINITIONS)
        c.ok("run", "--once")
        c.write("weir.sql", DEFINITIONS.replace("sum(bytes) AS bytes", "sum(bytes + 1) AS bytes"))
        r = c.weir("run", "--once")
        assert r.returncode == 3 and "--rebuild" in r.stderr and "stored:" in r.stderr, r.stderr
        c.write("weir.sql", DEFINITIONS + "CREATE METRIC more AS SELECT zone, count() AS n FROM hits GROUP BY zone EVERY 1 DAY;")
        c.append("hits1.csv", lines(40, 100))
        c.ok("run", "--once")
        assert c.one("SELECT sum(n) FROM more_1d") == "40"
        c.write("weir.sql", DEFINITIONS)
        r = c.weir("run", "--once")
        assert r.returncode == 0 and "retired" in r.stderr, r.stderr


def grouping_sets_and_profiles():
    with Case("""
SET store = 'embedded:./t.weir';
CREATE SOURCE s (t DateTime, a String, b Nullable(UInt8), v Float64) FROM FILES 's.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE METRIC m AS SELECT a, b, count() AS n, sum(v) AS v, quantilesDD(0.01, 0.5)(v) AS q FROM s
GROUP BY GROUPING SETS ((a), (a, b), ()) EVERY 1 DAY;
CREATE METRIC p AS SELECT a, min(t) AS first, max(t) AS last, count() AS n FROM s GROUP BY a;
CREATE METRIC r AS SELECT a, b, count() AS n FROM s GROUP BY ROLLUP(a, b) EVERY 1 DAY;
CREATE METRIC c AS SELECT a, b, count() AS n FROM s GROUP BY a, b WITH CUBE EVERY 1 DAY;
""") as c:
        c.write("s.json", "".join('{"t":"2026-02-0%d 10:00:00","a":"k%d","b":%s,"v":%d.5}\n' % (1 + i % 3, i % 4, "null" if i % 7 == 0 else i % 3, i)
                                  for i in range(500)))
        c.ok("run", "--once")
        got = c.sql("SELECT _set, count(), sum(n) FROM m_1d GROUP BY _set ORDER BY _set")
        want = c.sql("SELECT '', uniqExact(toDate(t)), count() FROM s UNION ALL SELECT 'a', uniqExact(toDate(t), a), count() FROM s "
                     "UNION ALL SELECT 'a,b', (SELECT count() FROM (SELECT toDate(t) AS d, a, b FROM s GROUP BY d, a, b)), count() FROM s ORDER BY 1")
        assert got == sorted(want), (got, want)
        assert c.sql("SELECT DISTINCT _set FROM r_1d ORDER BY _set") == [[""], ["a"], ["a,b"]]
        assert c.sql("SELECT DISTINCT _set FROM c_1d ORDER BY _set") == [[""], ["a"], ["a,b"], ["b"]]
        assert c.sql("SELECT _set, a, b, n FROM r_1d ORDER BY ALL") == c.sql("SELECT _set, a, b, n FROM m_1d ORDER BY ALL")
        assert c.sql("SELECT sum(n) FROM c_1d") == [["2000"]]
        assert c.sql("SELECT a, first, last, n FROM p ORDER BY a") == c.sql("SELECT a, min(t), max(t), count() FROM s GROUP BY a ORDER BY a")


def a_header_written_over_stops_the_file():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(100))
        c.ok("run", "--once")
        c.write("hits1.csv", HEADER.replace("zone", "area") + lines(200))
        r = c.weir("run", "--once")
        said = [line for line in r.stderr.splitlines() if line.startswith("weir: source hits: ")]
        assert r.returncode == 1 and len(said) == 1 and "column 'zone' is not in the header" in said[0], r.stderr
        assert said[0].count("hits1.csv") == 1, said
        assert c.one("SELECT countSubstrings(text, 'hits1.csv') FROM weir_alarms") == "1"
        assert c.one("SELECT count() FROM weir_alarms WHERE kind = 'header'") == "1"
        c.write("hits1.csv", HEADER + lines(200))
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM hits") == "200"
        assert_books_balance(c, 200)


def rejects_are_retried_once_with_their_path_into_new_metrics():
    definitions = DEFINITIONS.replace("path   String)", "path   String, name String MATERIALIZED _file)")
    with Case(definitions) as c:
        c.write("hits1.csv", HEADER + lines(100) + "2100-01-01T00:00:00Z,z9,200,1,/future\n"
                "2100-01-01T00:00:00Z,z9,200,1,Code: 60. DB::Exception: no failure of the store (version 1)\n")
        c.ok("run", "--once")
        more = "SET max_future = '40000 days';\n" + definitions + "CREATE METRIC more AS SELECT count() AS n FROM hits EVERY 1 DAY;"
        c.write("weir.sql", more)
        assert "no failure" in c.ok("rejects")
        assert "2 retried, 2 kept" in c.ok("rejects", "--retry", timeout=30)
        assert "0 retried" in c.ok("rejects", "--retry", timeout=30)
        assert c.sql("SELECT name, count() FROM hits GROUP BY name") == [["hits1.csv", "102"]]
        assert c.one("SELECT sum(n) FROM more_1d") == "2"
        assert_books_balance(c, 102)


def a_store_killed_while_weir_starts_is_started_again():
    for wait in (0.1, 0.25, 0.4):
        with Case(DEFINITIONS) as c:
            c.write("hits1.csv", HEADER + lines(2000))
            p = c.start("run")
            time.sleep(wait)
            for pid in c.store_pids():
                os.kill(pid, signal.SIGKILL)
            c.wait("SELECT count() FROM hits", 2000, seconds=30)
            p.send_signal(signal.SIGTERM)
            assert p.wait(20) == 0, c.log()
            assert_books_balance(c, 2000)


def a_copy_of_folder_and_definitions_goes_on_exactly():
    """The backup of docs/operations.md: stop, copy, start the copy. Then the original goes on its own way."""
    with Case(DEFINITIONS) as c, Case() as copy:
        c.write("hits1.csv", HEADER + lines(4000))
        p = c.start("run")
        c.wait("SELECT count() FROM hits", 4000)
        c.append("hits1.csv", lines(300, 4000) + "nonsense,z1,200,1,/t\n")
        c.wait("SELECT count() FROM weir_rejects", 1)
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        c.end_stores()
        for name in ("t.weir", "weir.sql", "hits1.csv"):
            subprocess.run(["cp", "-a", c.path(name), copy.path(name)], check=True)
        copy.append("hits1.csv", lines(700, 4300))
        copy.write("hits2.csv", HEADER + lines(50, 9000))
        copy.ok("run", "--once")
        assert copy.one("SELECT count() FROM hits") == "5050"
        assert copy.one("SELECT count() FROM weir_rejects") == "1"
        assert_tiers_equal_raw(copy)
        assert_books_balance(copy, 5051)
        c.append("hits1.csv", lines(20, 7000))
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM hits") == "4320"
        assert_tiers_equal_raw(c)
        assert_books_balance(c, 4321)


def a_retired_source_ends_its_open_epochs():
    more = "CREATE SOURCE other (t DateTime, q String) FROM FILES 'other*.csv' FORMAT CSV EVENT TIME t KEEP FOREVER;"
    with Case(DEFINITIONS + more) as c:
        c.write("hits1.csv", HEADER + lines(10))
        c.write("other1.csv", "2026-01-01 00:00:00,x\n" * 200000)
        intents = "SELECT count() FROM weir_epochs WHERE source = 'other' AND kind = 'epoch'"
        p = c.start("run")
        end = time.time() + 20
        while c.weir("query", intents, "--format", "TSV").stdout.strip() in ("", "0") and time.time() < end:
            pass
        p.kill()
        p.wait()
        stored = c.one(intents) != "0"
        c.write("weir.sql", DEFINITIONS)
        c.ok("run", "--once")
        assert stored and c.one("SELECT sum(read) FROM weir_ledger WHERE source = 'other'") == c.one("SELECT count() FROM other")
        assert "dropped" in c.ok("drop", "other", "--yes")


def bytes_that_are_gone_are_in_the_ledger():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(10))
        p = c.start("run")
        c.wait("SELECT count() FROM hits", 10)
        c.append("hits1.csv", "2026-01-01T00:00:00Z,half")
        time.sleep(1.5)
        c.write("hits1.csv", HEADER + lines(1, 77))
        c.wait("SELECT sum(lost) FROM weir_ledger", 25)
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        assert c.sql("SELECT kind, events FROM weir_alarms") == [["lost", "25"]]
        assert_books_balance(c, 11)


def rows_older_than_keep_are_counted_and_not_stored():
    with Case("""
SET store = 'embedded:./t.weir';
CREATE SOURCE s (t DateTime, k String) FROM FILES 's.csv' FORMAT CSVWithNames EVENT TIME t KEEP 30 DAYS ORDER BY (k, t);
CREATE METRIC m AS SELECT k, count() AS n FROM s GROUP BY k EVERY 1 HOUR KEEP 7 DAYS, 1 DAY KEEP FOREVER;
""") as c:
        c.write("s.csv", "t,k\n2020-01-01 00:00:01,a\n2020-01-01 00:00:02,a\n2020-01-01 09:00:00,a\n" + time.strftime("%Y-%m-%d %H:%M:%S,b\n", time.gmtime()))
        r = c.weir("run", "--once")
        assert r.returncode == 0 and "older than KEEP 7 DAYS, not stored; m_1d has them" in r.stderr, r.stderr
        assert c.sql("SELECT k, n FROM m_1h") == [["b", "1"]] and c.sql("SELECT k FROM s") == [["b"]]
        assert c.sql("SELECT k, n FROM m_1d ORDER BY k") == [["a", "3"], ["b", "1"]]
        assert c.one("SELECT sum(expired) > 0 FROM weir_ledger WHERE kind = 'expired' AND name LIKE '%m%1h'") == "1"
        assert_books_balance(c, 4)


def an_exception_within_an_answer_is_told_from_rows():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(10))
        c.ok("run", "--once")
        r = c.weir("query", "SELECT throwIf(number = 3000000), number FROM numbers(5000000) SETTINGS max_block_size = 1000")
        assert r.returncode == 1 and r.stderr.startswith("weir: Code: 395"), (r.returncode, r.stderr)
        assert "__exception__" not in r.stderr, r.stderr
        assert "(version 1)" in c.ok("query", "SELECT 'Code: 60. DB::Exception: a row (version 1)'", "--format", "TSV")


SLOTS = "SET epoch_slot = '20s'; SET epoch_margin = '9s';"


def run_in_the_margin(c):
    """weir run with fresh input while the last epoch's age is in the margin of its slot: the next intent has to wait."""
    c.write("hits1.csv", HEADER + lines(50))
    c.ok("run", "--once")
    last = "SELECT toUnixTimestamp(now()) - toUnixTimestamp(max(now)) FROM weir_epochs WHERE kind = 'epoch'"
    while int(c.one(last)) < 12:
        time.sleep(0.2)
    c.append("hits1.csv", lines(30, 50))
    p = c.start("run")
    time.sleep(3)                                       # longer than from one heartbeat to the next
    assert c.one("SELECT count() FROM hits") == "50", "nothing had to wait"
    return p


def a_stop_waits_for_the_slot_and_finishes_the_epoch():
    with Case(SLOTS + DEFINITIONS) as c:
        p = run_in_the_margin(c)
        p.send_signal(signal.SIGTERM)
        assert p.wait(30) == 0, c.log()
        assert "a second SIGTERM" in c.log(), c.log()
        assert c.one("SELECT count() FROM hits") == "80"
        assert c.one("SELECT max(n) FROM weir_epochs") == "2", "a heartbeat waited behind the epoch and grew old"
        assert_books_balance(c, 80)


def a_second_signal_gives_up_at_once():
    with Case(SLOTS + DEFINITIONS) as c:
        p = run_in_the_margin(c)
        p.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert p.poll() is None, c.log()
        p.send_signal(signal.SIGINT)
        assert p.wait(2) == 1, c.log()
        assert "the next start stores it" in c.log(), c.log()
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM hits") == "80"
        assert_books_balance(c, 80)


def a_stop_in_the_first_moment_is_no_failure():
    with Case(DEFINITIONS) as c:
        os.mkfifo(c.path("slow.sql"))
        p = c.start("run", "-f", "slow.sql")
        with open(c.path("slow.sql"), "w") as f:         # opens when weir opens it, so weir is at its very start
            p.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            f.write(DEFINITIONS)
        assert p.wait(20) == 0, (p.returncode, c.log())


def five_deaths_of_the_store_are_red_and_name_the_query():
    def epochs():
        try:
            with open(c.path("t.weir/run.json")) as f:
                return json.load(f)["sources"][0]["epochs"]
        except (OSError, ValueError):
            return 0

    def wait_for(what, check):
        end = time.time() + 20
        while not check():
            assert time.time() < end, (what, c.log())
            time.sleep(0.05)

    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(10))
        p = c.start("run")
        for i in range(5):
            wait_for("an epoch", lambda: epochs() > i)
            q = c.start("query", f"SELECT sum(sleepEachRow(0.5)), 'killer {i}' FROM numbers(20) SETTINGS max_block_size = 1")
            wait_for("the query", lambda: f"killer {i}".encode() in open(c.path("t.weir/running"), "rb").read())
            assert c.weir("status").returncode == 0, i
            c.end_stores(signal.SIGKILL)
            q.wait(20)
            c.append("hits1.csv", lines(10, 10 * (i + 1)))
        wait_for("the back-off", lambda: "the next start is in" in c.log())
        assert "died 5 times" in c.log() and "killer 4" in c.log(), c.log()
        status = c.weir("status")
        assert status.returncode == 2 and "[store_died] weir-store died 5 times" in status.stdout and "killer 4" in status.stdout, status
        assert c.store_pids() == [], "status started the store that weir lets rest"
        assert json.loads(c.weir("status", "--json").stdout)["status"] == "critical"
        assert c.one("SELECT count() FROM hits") == "50"
        status = c.weir("status")
        assert status.returncode == 2 and "killer 4" in status.stdout and "source hits" in status.stdout, status
        c.wait("SELECT count() FROM hits", 60)
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        assert_books_balance(c, 60)


def an_alarm_raised_while_the_store_is_down_is_written_later():
    program = os.environ.get("WEIR_STORE_PROGRAM") or os.path.join(os.path.dirname(WEIR), "..", "store", "host", "weir-store")
    with Case(DEFINITIONS) as c:
        c.write("door", f'#!/bin/sh\n[ -e "{c.path("closed")}" ] && exit 1\nexec "{os.path.abspath(program)}" "$@"\n')
        os.chmod(c.path("door"), 0o700)
        c.env["WEIR_STORE_PROGRAM"] = c.path("door")
        c.write("hits1.csv", HEADER + lines(10))
        p = c.start("run")
        c.wait("SELECT count() FROM hits", 10)
        c.write("closed", "")
        c.end_stores(signal.SIGKILL)
        c.write("hits2.csv", HEADER.replace("zone", "area") + lines(20, 500))
        end = time.time() + 30
        while "column 'zone' is not in the header" not in c.log() and time.time() < end:
            time.sleep(0.1)
        time.sleep(1)
        os.remove(c.path("closed"))
        c.wait("SELECT kind, text LIKE '%hits2.csv%' FROM weir_alarms", "header\t1", seconds=15)
        status = c.weir("status")
        assert status.returncode == 2 and "hits2.csv" in status.stdout, status
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()


def drop_takes_no_live_metric_named_like_a_tier():
    source = DEFINITIONS[:DEFINITIONS.index("CREATE METRIC")]
    live = source + "CREATE METRIC m_1d AS SELECT zone, count() AS n FROM hits GROUP BY zone;"
    with Case(live + "CREATE METRIC m AS SELECT zone, status, count() AS n FROM hits GROUP BY GROUPING SETS ((zone), (status)) "
              "EVERY 1 HOUR KEEP FOREVER;") as c:
        c.write("hits1.csv", HEADER + lines(100))
        c.ok("run", "--once")
        c.write("weir.sql", live)
        c.ok("run", "--once")
        dropped = c.ok("drop", "m", "--yes")
        assert sorted(dropped.splitlines()) == [f"dropped {t}" for t in ("m_1h", "weir_cube_m_set1_1h", "weir_cube_m_set2_1h")], dropped
        assert c.one("SELECT sum(n) FROM m_1d") == "100"
        c.append("hits1.csv", lines(10, 100))
        c.ok("run", "--once")
        assert c.one("SELECT sum(n) FROM m_1d") == "110"


def status_has_the_rate_and_progress_stands_alone():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(6000))
        p = c.start("run")
        c.wait("SELECT count() FROM hits", 6000)
        time.sleep(2)
        source = json.loads(c.weir("status", "--json").stdout)["sources"][0]
        assert 100 < source["rate"] <= 6000 and source["waiting_bytes"] == 0, source
        assert "events/s over the last minute" in c.ok("status")
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        c.write("weir.sql", DEFINITIONS + "CREATE METRIC more AS SELECT count() AS n FROM hits EVERY 1 DAY;")
        c.append("hits1.csv", lines(10, 6000))
        r = c.weir("run", "--once", env={"WEIR_LOG": "info"})
        assert "metric more" in r.stderr and " info " in r.stderr and '{"time"' not in r.stderr, r.stderr
        progress = [json.loads(line) for line in r.stdout.splitlines()]
        assert progress and progress[-1]["sources"][0]["state"] == "finished", r.stdout
        assert json.loads(c.weir("status", "--json").stdout)["sources"][0]["rate"] > 0


def a_second_run_on_one_store_is_refused():
    with Case(DEFINITIONS) as c:
        c.write("hits1.csv", HEADER + lines(10))
        c.start("run")
        c.wait("SELECT count() FROM hits", 10)
        r = c.weir("run", "--once")
        assert r.returncode == 3 and "another" in r.stderr, r.stderr


def only_what_is_needed_is_decoded():
    with Case("SET store = 'embedded:./t.weir';\nCREATE SOURCE s (t DateTime, a String, n UInt32) FROM FILES '*.json' FORMAT JSONEachRow EVENT TIME t;\n"
              "CREATE SOURCE c (x UInt8, y UInt8) FROM FILES '*.csv' FORMAT CSVWithNames EVENT TIME _arrival;\n"
              "CREATE METRIC m AS SELECT a, count() AS k FROM s GROUP BY a EVERY 1 DAY KEEP FOREVER;\n"
              "CREATE METRIC all_rows AS SELECT count() AS k FROM c EVERY 1 DAY KEEP FOREVER;\n") as c:
        c.write("1.json", '{"t":"2026-01-01 00:00:00","a":"x","n":"unused and no number"}\n' * 3)
        c.write("1.csv", "x,y\n1,2\n3,4\n")
        c.ok("run", "--once")
        assert c.sql("SELECT a, k FROM m_1d") == [["x", "3"]]
        assert c.sql("SELECT sum(k) FROM all_rows_1d") == [["2"]]
        fields = [line for line in c.ok("explain").splitlines() if "decoded fields" in line]
        assert "n UInt32" not in fields[0], fields


def what_was_past_a_shorter_keep_stays_hidden():
    definitions = """SET store = 'embedded:./t.weir';
CREATE SOURCE s (t DateTime, n UInt32) FROM FILES '*.json' FORMAT JSONEachRow EVENT TIME t KEEP {k} DAYS;
CREATE METRIC m AS SELECT count() AS k FROM s EVERY 1 HOUR KEEP {k} DAYS;
"""
    def row(age_days, n):
        return '{"t":%d,"n":%d}\n' % (time.time() - age_days * 86400, n)
    with Case(definitions.format(k=2)) as c:
        c.write("1.json", row(1, 1) + row(2.5, 2))
        c.ok("run", "--once")
        assert c.sql("SELECT n FROM s") == [["1"]]
        c.write("weir.sql", definitions.format(k=3))
        c.append("1.json", row(2.5, 3) + row(0.5, 4) + row(1, 5))
        c.ok("run", "--once")
        assert c.sql("SELECT n FROM s ORDER BY n") == [["1"], ["4"], ["5"]]
        assert c.one("SELECT sum(k) FROM m_1h") == "3"
        c.ok("run", "--once")
        assert c.one("SELECT sum(k) FROM m_1h") == "3"


def csv_finds_a_header_of_its_own_names():
    with Case("SET store = 'embedded:./t.weir';\nCREATE SOURCE s (t DateTime, a String FROM 'A name', n UInt32) FROM FILES '*.csv' FORMAT CSV EVENT TIME t KEEP FOREVER;\n") as c:
        c.write("1.csv", 't,"A name",n\r\n2026-01-01 00:00:00,x,1\r\n')
        c.write("2.csv", "2026-01-01 00:00:00,y,2\n")
        c.ok("run", "--once")
        assert c.sql("SELECT a, n FROM s ORDER BY n") == [["x", "1"], ["y", "2"]]
        assert_books_balance(c, 2)


def access_logs_are_cut_into_fields():
    with Case("""
SET store = 'embedded:./t.weir';
SET allow_errors_ratio = 1;
CREATE SOURCE web (time_local DateTime, uri String FROM 'request_uri', status UInt16, bytes UInt64 FROM 'body_bytes_sent',
  referer Nullable(String) FROM 'http_referer') FROM FILES 'access.log' FORMAT CombinedLog EVENT TIME time_local KEEP FOREVER;
CREATE METRIC m AS SELECT status, count() AS n, sum(bytes) AS b FROM web GROUP BY status EVERY 1 HOUR;
""") as c:
        line = '10.0.0.%d - - [20/May/2024:0%d:00:18 +0200] "GET /a/%d HTTP/1.1" %d %s "%s" "curl/7.54.0"\n'
        c.write("access.log", "".join(line % (i % 9, i % 9, i, 200 + i % 3, i if i % 5 else "-", "-" if i % 2 else "http://x/") for i in range(900))
                + ' "curl/7.54.0"\n')
        c.ok("run", "--once")
        assert c.sql("SELECT count(), sum(bytes), countIf(referer IS NULL), min(time_local) FROM web") == [
            ["900", str(sum(i for i in range(900) if i % 5)), "450", "2024-05-19 22:00:18"]]
        assert c.sql("SELECT sum(n), sum(b) FROM m_1h") == c.sql("SELECT count(), sum(bytes) FROM web")
        assert c.sql("SELECT reason, record FROM weir_rejects")[0][1] == ' "curl/7.54.0"'
        c.write("weir.sql", open(c.path("weir.sql")).read().replace("'http_referer'", "'http_referrer'"))
        r = c.weir("check")
        assert r.returncode == 1 and "FORMAT CombinedLog has no field 'http_referrer'" in r.stderr + r.stdout, r.stderr
        assert "did you mean http_referer?" in r.stderr + r.stdout, r.stderr


ZEEK = """
SET store = 'embedded:./t.weir';
CREATE SOURCE conn (ts DateTime64(6), uid String, host IPv4 FROM 'id.orig_h', duration Nullable(Float64), bytes UInt64 FROM 'orig_bytes',
  parents Array(String) FROM 'tunnel_parents', local UInt8 FROM 'local_orig', vlan Nullable(UInt16))
FROM FILES 'conn*.log*' FORMAT Zeek EVENT TIME ts KEEP FOREVER;
CREATE METRIC m AS SELECT host, count() AS n, sum(bytes) AS b FROM conn GROUP BY host EVERY 1 HOUR;
"""
ZEEK_COLUMNS = [("ts", "time"), ("uid", "string"), ("id.orig_h", "addr"), ("duration", "interval"), ("orig_bytes", "count"),
                ("tunnel_parents", "set[string]"), ("local_orig", "bool")]


def zeek(n, first=0, columns=ZEEK_COLUMNS, end=True):
    """A whole log, its columns in this order."""
    head = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2024-04-20-%d\n" % first
    head += "#fields\t" + "\t".join(c[0] for c in columns) + "\n#types\t" + "\t".join(c[1] for c in columns) + "\n"
    return head + zeek_records(n, first, columns) + ("#close\t2024-04-20-01-00-00\n" if end else "")


def zeek_records(n, first=0, columns=ZEEK_COLUMNS):
    out = ""
    for i in range(first, first + n):
        row = {"ts": f"17135{i:05d}.{i % 1000000:06d}", "uid": f"C{i}\\x09x", "id.orig_h": f"10.0.0.{i % 7}",
               "duration": "-" if i % 3 == 0 else f"{i}.5", "orig_bytes": "-" if i % 5 == 0 else str(i),
               "tunnel_parents": ("-", "(empty)", "a", "a,b\\x2cc")[i % 4], "local_orig": "TF-"[i % 3], "vlan": str(i % 9)}
        out += "\t".join(row[c[0]] for c in columns) + "\n"
    return out


def assert_zeek(c, n, n_vlan):
    got = c.sql("SELECT count(), uniqExact(uid), countIf(uid = concat('C', toString(toUInt32(substring(toString(toUnixTimestamp(ts)), 6))), char(9), 'x')),"
                " sum(bytes), countIf(duration IS NULL), sum(length(parents)), countIf(has(parents, 'b,c')), sum(local), count(vlan) FROM conn")[0]
    assert got == [str(v) for v in (n, n, n, sum(i for i in range(n) if i % 5), (n + 2) // 3, sum((0, 0, 1, 2)[i % 4] for i in range(n)),
                                    sum(i % 4 == 3 for i in range(n)), sum(i % 3 == 0 for i in range(n)), n_vlan)], got
    assert c.sql("SELECT sum(n), sum(b) FROM m_1h") == c.sql("SELECT count(), sum(bytes) FROM conn")
    assert c.one("SELECT count() FROM weir_rejects") == "0"
    assert_books_balance(c, n)


def zeek_logs_follow_their_own_headers():
    """Logs one behind the other in one file, with other columns; files that go on after a restart; packed and moved ones."""
    other = list(reversed(ZEEK_COLUMNS)) + [("vlan", "count")]
    with Case(ZEEK) as c:
        c.write("conn.1.log", zeek(4000) + zeek(9000, 4000, other, end=False))
        c.ok("run", "--once")
        assert_zeek(c, 13000, 9000)
        c.append("conn.1.log", zeek_records(500, 13000, other) + "#close\tx\n")
        c.ok("run", "--once")
        assert_zeek(c, 13500, 9500)
        data = open(c.path("conn.1.log")).read() + zeek(500, 13500)
        os.remove(c.path("conn.1.log"))
        with gzip.open(c.path("conn.2.log.gz"), "wb") as f:
            f.write(data.encode())
        c.ok("run", "--once")
        assert_zeek(c, 14000, 9500)
        p = c.start("run")
        c.write("conn.3.log", zeek(100, 14000, end=False))
        c.wait("SELECT count() FROM conn", 14100)
        c.append("conn.3.log", "#close\tx\n" + zeek(100, 14100, other))
        c.wait("SELECT count() FROM conn", 14200)
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        assert_zeek(c, 14200, 9600)


def zeek_logs_survive_kill_9():
    other = list(reversed(ZEEK_COLUMNS))
    with Case(ZEEK) as c:
        c.write("conn.1.log", "".join(zeek(700, i, (ZEEK_COLUMNS, other)[i % 1400 == 0]) for i in range(0, 42000, 700)))
        for wait in (0.4, 0.6, 0.8):
            p = c.start("run")
            time.sleep(wait)
            p.kill()
            p.wait()
        c.ok("run", "--once")
        assert_zeek(c, 42000, 0)


def a_zeek_header_without_a_wanted_column_is_said():
    with Case(ZEEK + "SET allow_errors_ratio = 1;\n") as c:
        short = [x for x in ZEEK_COLUMNS if x[0] != "orig_bytes"]
        c.write("conn.1.log", zeek(10, 0, short))
        c.write("conn.2.log", zeek_records(10, 50))
        c.write("conn.3.log", zeek(10, 100) + zeek(10, 200, short))
        r = c.weir("run", "--once")
        said = r.stderr + r.stdout + c.log()
        assert "column 'orig_bytes' is not in the header" in said, said
        assert "does not begin with a header of Zeek" in said, said
        assert c.one("SELECT count() FROM conn") == "10"
        got = c.sql("SELECT count(), any(reason) FROM weir_rejects")
        assert got[0][0] == "10" and "is not in the header" in got[0][1], got
        c.write("weir.sql", open(c.path("weir.sql")).read().replace("bytes UInt64 FROM", "bytes UInt64 DEFAULT 7 FROM"))
        assert c.weir("check").returncode == 0


JSON = """
SET store = 'embedded:./t.weir';
CREATE SOURCE s (t DateTime, n UInt32, a String FROM 'in.a') FROM FILES 's*.json*' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE METRIC m AS SELECT count() AS k, sum(n) AS total FROM s EVERY 1 HOUR;
"""


def assert_json(c, n):
    assert c.sql("SELECT count(), sum(n), uniqExact(n), countIf(a = concat('}', toString(n))) FROM s")[0] == [
        str(v) for v in (n, n * (n - 1) // 2, n, n)]
    assert c.sql("SELECT sum(k), sum(total) FROM m_1h")[0] == [str(n), str(n * (n - 1) // 2)]
    assert_books_balance(c, n)


def json_objects_over_several_lines():
    """One array, pretty-printed objects, several on a line; files that go on after a restart, packed ones, kill -9."""
    def rows(n, first):
        return [{"t": f"2026-01-{1 + i % 20:02d}T00:00:{i % 60:02d}Z", "n": i, "in": {"a": f"}}{i}", "b": [{}, "\\\""]}} for i in range(first, first + n)]
    with Case(JSON) as c:
        c.write("s1.json", json.dumps(rows(4000, 0), indent=2))
        c.write("s2.json", json.dumps(rows(4000, 4000)))
        c.write("s3.json", "\n".join(json.dumps(r, indent=1) for r in rows(2000, 8000)) + "\n")
        with gzip.open(c.path("s4.json.gz"), "wb") as f:
            f.write(json.dumps(rows(3000, 10000), indent="\t").encode())
        c.write("s5.json", "".join(json.dumps(r) + json.dumps(q) + "\n" for r, q in zip(rows(500, 13000), rows(500, 13500))))
        for wait in (0.35, 0.5):
            p = c.start("run")
            time.sleep(wait)
            p.kill()
            p.wait()
        c.ok("run", "--once")
        assert_json(c, 14000)
        c.append("s3.json", "\n".join(json.dumps(r, indent=1) for r in rows(10, 14000)) + "\n")
        c.append("s5.json", json.dumps(rows(1, 14010)[0]) + "\n")
        c.ok("run", "--once")
        assert_json(c, 14011)
        p = c.start("run")
        c.write("s6.json", "[\n" + json.dumps(rows(1, 14011)[0], indent=2))
        c.wait("SELECT count() FROM s", 14012)
        c.append("s6.json", ",\n" + json.dumps(rows(1, 14012)[0], indent=2) + "\n]\n")
        c.wait("SELECT count() FROM s", 14013)
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        assert_json(c, 14013)
        assert c.one("SELECT count() FROM weir_rejects") == "0"


def json_arrays_by_position_and_by_names():
    with Case("""
SET store = 'embedded:./t.weir';
CREATE SOURCE p (t DateTime, n UInt32, a Array(String)) FROM FILES 'p.json' FORMAT JSONCompactEachRow EVENT TIME t KEEP FOREVER;
CREATE SOURCE q (n UInt32, a Array(String), t DateTime) FROM FILES 'q.json' FORMAT JSONCompactEachRowWithNames EVENT TIME t KEEP FOREVER;
""") as c:
        line = '["2026-01-01 00:00:%02d", %d, ["x", "%d"]]\n'
        text = "".join(line % (i % 60, i, i) for i in range(2000))
        c.write("p.json", text)
        c.write("q.json", '["t", "n", "a"]\n' + text)
        c.ok("run", "--once")
        want = c.sql(f"SELECT count(), sum(n), sum(cityHash64(t, n, a)) FROM file('{c.path('p.json')}', JSONCompactEachRow, 't DateTime(''UTC''), n UInt32, a Array(String)')")
        for s in "pq":
            assert c.sql(f"SELECT count(), sum(n), sum(cityHash64(t, n, a)) FROM {s}") == want, s


REGEXP = """
SET store = 'embedded:./t.weir';
SET allow_errors_ratio = 1;
CREATE SOURCE s (t DateTime, level LowCardinality(String), n UInt32, rest String)
FROM FILES 's*.log' FORMAT Regexp SETTINGS format_regexp = '\\\\[(\\\\S+ \\\\S+),\\\\d+\\\\] (\\\\w+) n=(\\\\d+) (?:x|y)(.*)' EVENT TIME t KEEP FOREVER;
"""


def lines_are_cut_by_a_pattern_as_clickhouse_cuts_them():
    structure = "t DateTime(''UTC''), level String, n UInt32, rest String"
    with Case(REGEXP) as c:
        good = "".join(f"[2026-01-{1 + i % 20:02d} 00:00:{i % 60:02d},{i % 1000:03d}] {('INFO', 'WARN')[i % 2]} n={i} {'xy'[i % 2]}{i * 'é' if i < 9 else i}\n"
                       for i in range(3000))
        c.write("s1.log", good)
        c.ok("run", "--once")
        of = "count(), sum(n), sum(cityHash64(t, toString(level), n, rest))"
        want = c.sql(f"SELECT {of} FROM file('{c.path('s1.log')}', Regexp, '{structure}') SETTINGS format_regexp = "
                     "'\\\\[(\\\\S+ \\\\S+),\\\\d+\\\\] (\\\\w+) n=(\\\\d+) (?:x|y)(.*)', format_regexp_escaping_rule = 'Raw'")
        assert c.sql(f"SELECT {of} FROM s") == want and want[0][0] == "3000", want
        c.write("s2.log", "[2026-01-01 00:00:00,1] INFO n=1 x\r\n  at line 2\n[2026-01-01 00:00:00,1] INFO n=99999999999 x\n")
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM s") == "3001"
        got = c.sql("SELECT record, reason FROM weir_rejects ORDER BY `offset`")
        assert got[0] == ["  at line 2", "does not match format_regexp"] and got[1][1].startswith("column n: "), got
    with Case(REGEXP.replace("EVENT TIME", ", format_regexp_skip_unmatched = 1 EVENT TIME")) as c:
        c.write("s1.log", "[2026-01-01 00:00:00,1] INFO n=1 x\n  at line 2\n\n")
        c.ok("run", "--once")
        assert c.one("SELECT count() FROM s") == "1" and c.one("SELECT count() FROM weir_rejects") == "0"
    for old, new, said in (("(.*)", "(.*", "missing )"), ("(.*)", ".*", "3 groups, the source has 4 columns"),
                           ("format_regexp", "format_regex", "did you mean format_regexp?"),
                           (" SETTINGS format_regexp", " SETTINGS format_csv_delimiter = ';;', format_regexp", "is one byte")):
        with Case(REGEXP.replace(old, new)) as c:
            r = c.weir("check")
            assert r.returncode == 1 and said in r.stdout + r.stderr, (said, r.stdout + r.stderr)


def check_finds_all_mistakes_in_one_run():
    with Case("CREATE SOURCE s (t DateTime, x Int2) FROM FILES 'a' FORMAT CVS EVENT TIME tt;\nCREATE METRIC m AS SELECT cuont() FROM nowhere GROUP BY x EVERY 1 MINUTE;\n") as c:
        r = c.weir("check")
        assert r.returncode == 1
        for part in ("weir.sql:1:", "weir.sql:2:", "unknown format CVS", "Int2", "nowhere", "^"):
            assert part in r.stderr, (part, r.stderr)


def check_refuses_what_the_engine_cannot_hold():
    columns = ", ".join(f"c{i} UInt8" for i in range(70))
    def keys(n):
        return ", ".join(f"c{i}" for i in range(n))
    source = f"SET store = 'embedded:./t.weir';\nCREATE SOURCE s (t DateTime, {columns}) FROM FILES 's.csv' FORMAT CSV EVENT TIME t;\n"
    metric = "CREATE METRIC {name} AS SELECT {keys}, count() AS n FROM s GROUP BY {by} {every};\n"
    def m(name, n, every="EVERY 1 DAY"):
        return metric.format(name=name, keys=keys(n), by=keys(n), every=every)
    two_sets = "CREATE METRIC m AS SELECT c1, c2, count() AS n FROM s GROUP BY GROUPING SETS ((c1), (c2)) EVERY 1 DAY;"
    for text, said in ((source + m("m", 65), ("weir.sql:3:", "at most 64 keys", "^")),
                       (source + m("m_1d", 1, "") + m("m", 1), ("weir.sql:3:", "'m_1d' is the name of a tier of metric 'm'")),
                       (source + m("m_set1", 1) + two_sets, ("weir.sql:4:", "a table in common")),
                       (source + two_sets.replace("(c1), (c2)", "(c1, c2), (c2), (c2, c1)"), ("weir.sql:3:", "the grouping set (c2,c1) stands twice")),
                       ("SET memory = '64GiB';\n" + source + m("m", 1), ("weir.sql:1:", "memory", "16GiB at most")),
                       ("SET epoch_slot = '0s';\n" + source + m("m", 1), ("weir.sql:1:", "epoch_slot")),
                       ("SET epoch_slot = '40s';\n" + source + m("m", 1), ("weir.sql:1:", "two times 'epoch_margin'"))):
        with Case(text) as c:
            r = c.weir("check")
            assert r.returncode == 1 and all(part in r.stderr for part in said), (said, r.returncode, r.stderr)
    with Case(source + m("m", 64)) as c:
        c.write("s.csv", "2026-01-01 00:00:00" + ",1" * 70 + "\n")
        c.ok("run", "--once")
        assert c.one("SELECT sum(n) FROM m_1d") == "1"


def check_says_how_long_in_words():
    keep = DEFINITIONS.replace("KEEP FOREVER ORDER", "KEEP 30 DAYS ORDER").replace("1 MINUTE KEEP FOREVER", "1 MINUTE KEEP 1 DAY")
    for size in ("1TB", "1 TB", "1 TiB", "2GB"):
        with Case(f"SET rejects_max = '{size}'; " + keep) as c:
            out = c.ok("check")
            assert "hits: rows kept 30 DAYS\n" in out and "traffic_1m: kept 1 DAY\n" in out, out


def aggregates_answer_as_over_the_raw_rows():
    """Functions over all kinds of columns, combinators, other names, expressions and HAVING in the view."""
    items = ["argMax(ms, t) AS last_ms", "anyLast(k) AS one", "uniq(id) AS ids", "uniqCombined64(ip) AS ips", "STDDEV_POP(k) AS spread",
             "quantilesTDigestOrNull(0.5, 0.9)(ms) AS q", "quantileExactIf(0.9)(k, k > 1) AS exact", "sum(price) AS money", "avg(price) AS mean",
             "sumMap(m) AS by_key", "sumArray(a) AS all_a", "maxForEach(a) AS each", "minMap(a, a) AS least", "sumCount(k).2 AS n",
             "groupBitOr(k) AS bits", "arraySort(groupUniqArray(kind)) AS kinds", "sum(k) / COUNT() AS ratio", "countArgMax(k) AS top",
             "round(quantilesDD(0.01, 0.5, 0.9)(k)[2]) AS dd", "arrayMap(x -> x + 1, sumForEach(a)) AS more"]
    definitions = f"""SET store = 'embedded:./t.weir';
CREATE SOURCE ev (t DateTime64(3), host String, a Array(UInt32), m Map(String, UInt64), price Decimal(9, 2), ms Nullable(Float64), id UUID,
    ip IPv6, kind Enum8('x' = 0, 'y' = 1), k UInt8)
FROM FILES '*.ndjson' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE METRIC x AS SELECT host, {', '.join(items)} FROM ev GROUP BY host HAVING count() > 10 AND n != 13 EVERY 1 HOUR KEEP FOREVER;"""
    r = random.Random(4)
    with Case(definitions) as c:
        for part in range(3):
            rows = [{"t": f"2026-01-01 {r.randrange(2):02d}:00:00.{i % 1000:03d}", "host": f"h{r.randrange(40)}", "price": f"{r.randrange(9999) / 100}",
                     "a": [r.randrange(9) for _ in range(r.randrange(4))], "m": {f"k{r.randrange(3)}": r.randrange(50)}, "k": 7,
                     "ms": None if r.random() < 0.2 else 5, "id": f"00000000-0000-0000-0000-{r.randrange(9):012d}", "ip": f"::{r.randrange(9)}",
                     "kind": "xy"[r.randrange(2)]} for i in range(400)]
            c.write(f"e{part}.ndjson", "".join(json.dumps(row) + "\n" for row in rows))
            c.ok("run", "--once")
        names = ", ".join(i.rsplit(" AS ", 1)[1] for i in items)
        ours = c.sql(f"SELECT toUnixTimestamp(bucket), host, {names} FROM x_1h ORDER BY ALL")
        raw = c.sql(f"SELECT toUnixTimestamp(toStartOfHour(t)) AS b, host, {', '.join(items)} FROM ev GROUP BY b, host "
                    "HAVING count() > 10 AND n != 13 ORDER BY ALL")
        assert len(raw) > 10 and ours == raw, (ours[:2], raw[:2])


def check_names_what_no_metric_can_hold():
    wrong = [("topK(3)(path)", "group by x and take count()"), ("quantile(0.9)(bytes)", "write quantileTDigest(level)(x)"),
             ("deltaSum(bytes)", "max(x) - min(x)"), ("quantilse(0.9)(bytes)", "unknown aggregate function 'quantilse'"),
             ("rond(avg(bytes))", "did you mean 'round'"), ("cuont()", "did you mean 'count'"),
             ("sumDistinct(bytes)", "uniqExact(x)"), ("sum(path)", "illegal type String of argument for aggregate function sum")]
    for call, text in wrong:
        with Case(DEFINITIONS + f"CREATE METRIC bad AS SELECT zone, {call} AS x FROM good GROUP BY zone EVERY 1 HOUR;") as c:
            r = c.weir("check")
            assert r.returncode != 0 and text in r.stdout + r.stderr, (call, r.stdout + r.stderr)


if __name__ == "__main__":
    sys.exit(run([
        once_loads_all_tiers_exactly, copies_moves_and_gzip_are_read_once,
        bzip2_and_lz4_are_read_and_known_as_what_they_hold, follows_appends_and_new_files, kill_9_loses_and_doubles_nothing,
        store_killed_goes_on, bad_records_become_rejects_with_all_their_bytes, a_source_of_garbage_pauses,
        a_run_ends_with_what_was_older_than_keep, full_rejects_pause_until_resumed,
        changed_definitions_are_refused_additions_taken, grouping_sets_and_profiles, a_header_written_over_stops_the_file,
        rejects_are_retried_once_with_their_path_into_new_metrics, a_store_killed_while_weir_starts_is_started_again,
        a_retired_source_ends_its_open_epochs, bytes_that_are_gone_are_in_the_ledger,
        an_exception_within_an_answer_is_told_from_rows, a_copy_of_folder_and_definitions_goes_on_exactly, rows_older_than_keep_are_counted_and_not_stored,
        a_second_run_on_one_store_is_refused, a_stop_waits_for_the_slot_and_finishes_the_epoch, a_second_signal_gives_up_at_once,
        a_stop_in_the_first_moment_is_no_failure, five_deaths_of_the_store_are_red_and_name_the_query,
        an_alarm_raised_while_the_store_is_down_is_written_later,
        drop_takes_no_live_metric_named_like_a_tier, status_has_the_rate_and_progress_stands_alone,
        only_what_is_needed_is_decoded, what_was_past_a_shorter_keep_stays_hidden,
        csv_finds_a_header_of_its_own_names, access_logs_are_cut_into_fields, zeek_logs_follow_their_own_headers,
        zeek_logs_survive_kill_9, a_zeek_header_without_a_wanted_column_is_said, json_objects_over_several_lines,
        json_arrays_by_position_and_by_names, lines_are_cut_by_a_pattern_as_clickhouse_cuts_them, check_finds_all_mistakes_in_one_run,
        check_says_how_long_in_words, check_refuses_what_the_engine_cannot_hold,
        aggregates_answer_as_over_the_raw_rows, check_names_what_no_metric_can_hold]))
