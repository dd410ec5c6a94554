#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CREATE LOOKUP: values as ClickHouse's dictionaries give them over the same rows, versions pinned by epochs, files that change, break
and go while weir runs, kill -9 between intent and store."""
import gzip
import ipaddress
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, Store, run, start_store

HITS = """
SET store = 'embedded:./t.weir';
CREATE SOURCE hits (time DateTime, user String, n UInt32, ip IPv4, ip6 IPv6)
FROM FILES 'hits*.csv' FORMAT CSVWithNames EVENT TIME time KEEP FOREVER ORDER BY time;
"""
HEADER = "time,user,n,ip,ip6\n"
USERS = HITS + """
CREATE LOOKUP users (name String, plan String, PRIMARY KEY name) FROM FILES 'users.csv' FORMAT CSVWithNames REFRESH EVERY 1 SECOND;
CREATE STREAM more KEEP FOREVER ORDER BY time AS SELECT *, users.plan(user) AS plan FROM hits;
CREATE METRIC plans AS SELECT plan, count() AS hits FROM more GROUP BY plan EVERY 1 DAY;
"""


def hits(n, first=0, user=lambda i: f"u{i % 7}"):
    return "".join(f"2026-01-{1 + i // 86400 % 28:02d} {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d},{user(i)},{i},10.0.{i // 256 % 256}.{i % 256},2001:db8::{i % 65536:x}\n"
                   for i in range(first, first + n))


def users(**plans):
    return "name,plan\n" + "".join(f"{k},{v}\n" for k, v in plans.items())


def store(c):
    """The running store's own socket: `weir query` may not change weir's tables."""
    c.ok("query", "SELECT 1")
    return Store(c.path("t.weir/store.sock"), "weir")


def dictionary(c, name, columns, key, layout, rows):
    """A dictionary of ClickHouse's over these rows, in their order; dict.NAME."""
    s = Store(c.path("t.weir/store.sock"))
    s.text("CREATE DATABASE IF NOT EXISTS dict")
    s.text(f"CREATE TABLE dict.t_{name} (row_number UInt64, {columns}) ENGINE = MergeTree ORDER BY row_number")
    if rows:
        s.text(f"INSERT INTO dict.t_{name} FORMAT JSONCompactEachRow " + "\n".join(json.dumps([i, *r]) for i, r in enumerate(rows)))
    s.text(f"CREATE DICTIONARY dict.{name} ({columns}) PRIMARY KEY {key} SOURCE(CLICKHOUSE(DB 'dict' TABLE 't_{name}')) LAYOUT({layout}) LIFETIME(0)")
    return s


def write_rows(c, name, rows):
    c.write(name, "\n".join(json.dumps(r) for r in rows) + "\n")


def wait_version(c, other):
    """The version that the process goes with, once it is not `other`."""
    end = time.time() + 20
    while time.time() < end:
        try:
            with open(c.path("t.weir/run.json")) as f:
                version = json.load(f)["lookups"][0]["version"]
            if version != other:
                return version
        except (OSError, ValueError, LookupError):
            pass
        time.sleep(0.1)
    raise AssertionError("no other version within 20 s\n" + c.log())


def as_dictionaries_have_them():
    """Keys of several types and layouts with random rows, duplicates among them, against dictGetOrNull."""
    rnd = random.Random(7)
    texts = [("k" * rnd.randrange(0, 30) + str(rnd.randrange(3000))) for _ in range(4000)]
    by_text = [[k, f"v{i}", rnd.choice([None, i]), rnd.random(), rnd.choice(["a", "b", ""])] for i, k in enumerate(texts)]
    by_number = [[rnd.randrange(5000), f"2026-01-{1 + i % 28:02d}", i % 3 == 0] for i in range(3000)]
    by_two = [[rnd.randrange(3000), rnd.choice(["x", "yy", ""]), i] for i in range(5000)]
    definitions = HITS + """
CREATE LOOKUP texts (k String, v String, maybe Nullable(Int32), f Float64, low LowCardinality(String), PRIMARY KEY k) FROM FILES 'texts.jsonl' FORMAT JSONCompactEachRow;
CREATE LOOKUP numbers (id UInt64, day Date, flag Bool, PRIMARY KEY id) FROM FILES 'numbers.jsonl' FORMAT JSONCompactEachRow;
CREATE LOOKUP pairs (id UInt32, kind String, v Int64, PRIMARY KEY (id, kind)) FROM FILES 'pairs*.jsonl' FORMAT JSONCompactEachRow;
CREATE STREAM more KEEP FOREVER ORDER BY n AS SELECT *, texts.v(user) AS v, texts.maybe(user) AS maybe, texts.f(user) AS f, texts.low(user) AS low,
  numbers.day(n) AS day, numbers.flag(n) AS flag, pairs.v(n, 'yy') AS p1, pairs.v(n, substring(user, 1, 0)) AS p2,
  texts.v(toLowCardinality(user)) AS lc, arrayMap(x -> texts.v(x), [user, 'nobody']) AS list FROM hits;
"""
    with Case(definitions) as c:
        write_rows(c, "texts.jsonl", by_text)
        write_rows(c, "numbers.jsonl", by_number)
        write_rows(c, "pairs1.jsonl", by_two[:2000])
        write_rows(c, "pairs2.jsonl", by_two[2000:])
        c.write("hits1.csv", HEADER + hits(6000, user=lambda i: texts[i] if i % 3 and i < 4000 else f"k{i}"))
        c.ok("run", "--once")
        c.ok("query", "SELECT 1")
        dictionary(c, "texts", "k String, v String, maybe Nullable(Int32), f Float64, low String", "k", "COMPLEX_KEY_HASHED()", by_text)
        dictionary(c, "numbers", "id UInt64, day Date, flag Bool", "id", "HASHED()", by_number)
        dictionary(c, "pairs", "id UInt32, kind String, v Int64", "id, kind", "COMPLEX_KEY_HASHED()", by_two)
        for column, expression in (("v", "'dict.texts', 'v', user"), ("maybe", "'dict.texts', 'maybe', user"), ("f", "'dict.texts', 'f', user"),
                                   ("low", "'dict.texts', 'low', user"), ("day", "'dict.numbers', 'day', n"), ("flag", "'dict.numbers', 'flag', n"),
                                   ("p1", "'dict.pairs', 'v', (n, 'yy')"), ("p2", "'dict.pairs', 'v', (n, '')"),
                                   ("lc", "'dict.texts', 'v', toLowCardinality(user)")):
            row = c.sql(f"SELECT countIf({column} IS DISTINCT FROM dictGetOrNull({expression})), count({column}), "
                        f"countIf({column} IS NULL), any(toTypeName({column}) = toTypeName(dictGetOrNull({expression}))) FROM more")[0]
            assert row[0] == "0" and int(row[1]) > 300 and int(row[2]) > 300, (column, row)
            assert row[3] == "true" or column in ("low", "flag", "maybe") or row[3] == "1", (column, row)
        assert c.one("SELECT countIf(list != [v, NULL]) FROM more") == "0"
        assert c.one("SELECT any(toTypeName(low)) FROM more") == "LowCardinality(Nullable(String))"


def networks_by_their_longest_prefix():
    """LAYOUT(IP_TRIE) with nested, equal and host networks of both kinds against ClickHouse's own trie."""
    rnd = random.Random(11)
    rows, only4, met = [], [], set()

    def is_new(net, bits):
        """Of equal networks ClickHouse takes any, weir the first."""
        plain = ipaddress.IPv6Network((int(net) if net.version == 6 else int(net) | 0xffff << 32, bits if net.version == 6 else bits + 96), strict=False)
        known = plain in met
        met.add(plain)
        return not known

    for i in range(3000):
        bits = rnd.choice([0, 4, 8, 12, 16, 20, 24, 28, 31, 32]) if i else 8
        a = ipaddress.IPv4Address(rnd.choice([10 << 24, 10 << 24 | rnd.randrange(1 << 18), rnd.randrange(1 << 32)]))
        bits = 32 if rnd.random() < 0.1 else bits
        if is_new(a, bits):
            net = str(a) if bits == 32 and i % 2 else f"{a}/{bits}"
            rows.append([net, f"a{i}"])
            only4.append([net, f"a{i}"])
        bits6 = rnd.choice([0, 3, 16, 32, 48, 64, 96, 112, 127, 128])
        b = ipaddress.IPv6Address(rnd.choice([0x20010db8 << 96 | rnd.randrange(1 << 16), rnd.randrange(1 << 128), 0xffff << 32 | 10 << 24]))
        if is_new(b, bits6):
            rows.append([f"{b}/{bits6}" if bits6 < 128 or i % 2 else str(b), f"b{i}"])
    definitions = HITS + """
CREATE LOOKUP nets (net String, name String, PRIMARY KEY net) LAYOUT(IP_TRIE) FROM FILES 'nets.jsonl' FORMAT JSONCompactEachRow;
CREATE LOOKUP only4 (net String, name String, PRIMARY KEY net) LAYOUT(IP_TRIE()) FROM FILES 'only4.jsonl' FORMAT JSONCompactEachRow;
CREATE STREAM more KEEP FOREVER ORDER BY n AS SELECT *, nets.name(ip) AS by4, nets.name(ip6) AS by6, nets.name(toUInt32(ip)) AS byn,
  only4.name(ip) AS o4, only4.name(ip6) AS o6 FROM hits;
"""
    with Case(definitions) as c:
        write_rows(c, "nets.jsonl", rows)
        write_rows(c, "only4.jsonl", only4)
        lines = HEADER
        for i in range(20000):
            a = ipaddress.IPv4Address(rnd.choice([10 << 24 | rnd.randrange(1 << 18), rnd.randrange(1 << 32)]))
            b = ipaddress.IPv6Address(rnd.choice([0x20010db8 << 96 | rnd.randrange(1 << 16), rnd.randrange(1 << 128), 0xffff << 32 | 10 << 24 | rnd.randrange(1 << 18)]))
            lines += f"2026-01-01 00:00:00,u,{i},{a},{b}\n"
        c.write("hits1.csv", lines)
        c.ok("run", "--once")
        c.ok("query", "SELECT 1")
        dictionary(c, "nets", "net String, name String", "net", "IP_TRIE()", rows)
        dictionary(c, "only4", "net String, name String", "net", "IP_TRIE()", only4)
        for column, expression in (("by4", "'dict.nets', 'name', ip"), ("by6", "'dict.nets', 'name', ip6"), ("byn", "'dict.nets', 'name', toUInt32(ip)"),
                                   ("o4", "'dict.only4', 'name', ip"), ("o6", "'dict.only4', 'name', ip6")):
            row = c.sql(f"SELECT countIf({column} IS DISTINCT FROM dictGetOrNull({expression})), uniqExact({column}) FROM more")[0]
            assert row[0] == "0" and int(row[1]) > 20, (column, row)


def any_format_gives_the_same():
    rows = [[1, "one"], [2, "two, \"2\""], [3, ""]]
    forms = {
        "FILES 'l.csv' FORMAT CSV": ("l.csv", "id,name\n1,one\n2,\"two, \"\"2\"\"\"\n3,\n"),
        "FILES 'plain.csv' FORMAT CSV": ("plain.csv", "1;one\n2;\"two, \"\"2\"\"\"\n3;\n"),
        "FILES 'n.csv' FORMAT CSVWithNames": ("n.csv", "more,name,id\nx,one,1\ny,\"two, \"\"2\"\"\",2\nz,,3\n"),
        "FILES 'l.tsv' FORMAT TSV": ("l.tsv", "1\tone\n2\ttwo, \"2\"\n3\t\n"),
        "FILES 'n.tsv' FORMAT TSVWithNames": ("n.tsv", "name\tid\none\t1\ntwo, \"2\"\t2\n\t3\n"),
        "FILES 'l.json' FORMAT JSONEachRow": ("l.json", json.dumps([{"id": i, "name": n} for i, n in rows], indent=2)),
        "FILES 'l.jsonl.gz' FORMAT JSONEachRow": ("l.jsonl.gz", gzip.compress("".join(json.dumps({"id": i, "name": n}) + "\n" for i, n in rows).encode())),
        "FILES 'l.cjson' FORMAT JSONCompactEachRow": ("l.cjson", "[1,\"one\"]\n[2,\"two, \\\"2\\\"\"]\n[3,\"\"]"),
        "FILES 'l.fmt' FORMAT Logfmt": ("l.fmt", "id=1 name=one\nname=\"two, \\\"2\\\"\" id=2\nid=3 name=\"\"\n"),
        "FILES 'l.zeek' FORMAT Zeek": ("l.zeek", "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tx\n#fields\tid\tname\n"
                                       "#types\tcount\tstring\n1\tone\n2\ttwo, \"2\"\n#close\tx\n#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
                                       "#path\tx\n#fields\tname\tid\n#types\tstring\tcount\n(empty)\t3\n"),
        "FILES 'l.txt' FORMAT Regexp": ("l.txt", "1|one\n2|two, \"2\"\n3|\n"),
    }
    settings = {"plain.csv": " SETTINGS format_csv_delimiter = ';'", "l.txt": " SETTINGS format_regexp = '^(\\\\d+)\\\\|(.*)$'"}
    definitions = HITS
    columns = []
    for i, (source, (name, _)) in enumerate(forms.items()):
        definitions += f"CREATE LOOKUP l{i} (id UInt32, name String, PRIMARY KEY id) FROM {source}{settings.get(name, '')};\n"
        columns.append(f"l{i}.name(n)")
    definitions += f"CREATE STREAM more KEEP FOREVER ORDER BY n AS SELECT n, [{', '.join(columns)}] AS names FROM hits;\n"
    with Case(definitions) as c:
        for name, content in forms.values():
            c.write(name, content)
        c.write("hits1.csv", HEADER + hits(5))
        c.ok("run", "--once")
        got = c.sql("SELECT n, arrayDistinct(arrayMap(x -> ifNull(x, '-'), names)), arrayCount(x -> x IS NULL, names) FROM more ORDER BY n")
        n = str(len(forms))
        assert got == [["0", "['-']", n], ["1", "['one']", "0"], ["2", "['two, \"2\"']", "0"], ["3", "['']", "0"], ["4", "['-']", n]], got
        explain = c.ok("explain")
        assert "lookup l0 HASHED: 3 rows" in explain and "= l0.find(" in explain, explain
        preview = c.ok("preview", "more")
        assert "two, " in preview and "one" in preview, preview
        assert "lookup l0: 1 file" in c.ok("check")


def a_change_counts_from_the_next_epoch_on():
    with Case(USERS) as c:
        c.write("users.csv", users(u1="free", u2="gold"))
        c.write("hits1.csv", HEADER + hits(100))
        p = c.start("run")
        c.wait("SELECT count() FROM more", 100)
        first = wait_version(c, "")
        c.write("users.csv.new", users(u1="paid", u2="gold", u3="new"))
        os.rename(c.path("users.csv.new"), c.path("users.csv"))
        other = wait_version(c, first)
        c.append("hits1.csv", hits(100, 100))
        c.wait("SELECT count() FROM more", 200)
        got = c.sql("SELECT intDiv(n, 100) AS part, user, any(plan), uniqExact(ifNull(plan, '')) FROM more WHERE user IN ('u1', 'u2', 'u3') GROUP BY part, user ORDER BY part, user")
        assert got == [["0", "u1", "free", "1"], ["0", "u2", "gold", "1"], ["0", "u3", "\\N", "1"],
                       ["1", "u1", "paid", "1"], ["1", "u2", "gold", "1"], ["1", "u3", "new", "1"]], got
        assert c.one("SELECT uniqExact(lookups) FROM weir_epochs WHERE lookups != ''") == "2"
        assert c.one("SELECT uniqExact(hash) FROM weir_lookups") == "2"
        # one that was there before: its bytes are in the store already
        c.write("users.csv", users(u1="free", u2="gold"))
        assert wait_version(c, other) == first
        c.append("hits1.csv", hits(100, 200))
        c.wait("SELECT count() FROM more", 300)
        assert c.one("SELECT any(plan) FROM more WHERE n >= 200 AND user = 'u1'") == "free"
        assert c.one("SELECT uniqExact(hash) FROM weir_lookups") == "2"
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        assert c.sql("SELECT plan, sum(hits) FROM plans_1d GROUP BY plan ORDER BY plan") == c.sql("SELECT plan, count() FROM more GROUP BY plan ORDER BY plan")


def a_broken_version_keeps_the_old_and_is_red():
    with Case(USERS) as c:
        c.write("users.csv", users(u1="free"))
        c.write("hits1.csv", HEADER + hits(70))
        p = c.start("run")
        c.wait("SELECT count() FROM more", 70)
        assert c.weir("status").returncode == 0
        for broken, why in (("name,plan\nu1,\"paid\n", "line 2"), ("nam,plan\nu1,paid\n", "name"), (None, "is not there")):
            if broken is None:
                os.remove(c.path("users.csv"))
            else:
                c.write("users.csv", broken)
            end = time.time() + 20
            while time.time() < end:
                r = c.weir("status", "--json")
                reasons = [x for x in json.loads(r.stdout)["reasons"] if x["code"] == "lookup"]
                if reasons and why in reasons[0]["text"]:
                    break
                time.sleep(0.2)
            assert reasons and why in reasons[0]["text"] and "users" in reasons[0]["text"], (why, r.stdout)
            assert r.returncode == 2 and reasons[0]["severity"] == "critical" and reasons[0]["remedy"], r.stdout
            text = c.weir("status").stdout
            assert "lookup" in text and why in text, text
        c.append("hits1.csv", hits(70, 70))
        c.wait("SELECT count() FROM more", 140)
        assert c.sql("SELECT plan, count() FROM more WHERE user = 'u1' GROUP BY plan") == [["free", "20"]]
        # a start with the file gone takes what the last epoch read
        p.kill()
        p.wait()
        p = c.start("run")
        c.append("hits1.csv", hits(70, 140))
        c.wait("SELECT count() FROM more", 210)
        assert c.sql("SELECT plan, count() FROM more WHERE user = 'u1' GROUP BY plan") == [["free", "30"]]
        c.write("users.csv", users(u1="paid"))
        end = time.time() + 20
        while c.weir("status").returncode != 0 and time.time() < end:
            time.sleep(0.2)
        assert c.weir("status").returncode == 0, c.weir("status").stdout
        c.append("hits1.csv", hits(70, 210))
        c.wait("SELECT count() FROM more", 280)
        assert c.one("SELECT any(plan) FROM more WHERE user = 'u1' AND n >= 210") == "paid"


def the_first_load_must_succeed():
    with Case(USERS) as c:
        c.write("hits1.csv", HEADER + hits(10))
        for content, why in ((None, "users.csv is not there"), ("name,plan\nu1,\"x\n", "users.csv: line 2"), ("", "users.csv: is empty")):
            if content is not None:
                c.write("users.csv", content)
            for once in (("--once",), ()):
                r = c.weir("run", *once)
                assert r.returncode == 1 and "lookup 'users' cannot be loaded" in r.stderr and why in r.stderr, (why, r.stderr)
        assert c.one("SELECT count() FROM more") == "0"
        c.write("users.csv", users(u1="free"))
        c.ok("run", "--once")
        assert c.sql("SELECT plan, count() FROM more GROUP BY plan ORDER BY plan") == [["free", "2"], ["\\N", "8"]]


def stop_between_intent_and_store(c, table="weir_raw_more"):
    """weir run until an intent stands whose rows cannot land; then kill -9."""
    s = store(c)
    s.text(f"ALTER TABLE {table} ADD CONSTRAINT closed CHECK _epoch = 0")
    before = c.one("SELECT count() FROM weir_epochs")
    p = c.start("run")
    end = time.time() + 30
    open_epochs = "SELECT count() FROM weir_epochs WHERE kind != 'checkpoint' AND (source, n) NOT IN (SELECT source, n FROM weir_ledger)"
    while time.time() < end and store(c).rows(open_epochs)[0][0] == "0":
        time.sleep(0.02)
    p.kill()
    p.wait()
    store(c).text(f"ALTER TABLE {table} DROP CONSTRAINT closed")
    assert c.one(open_epochs) == "1", (before, c.log())


def recovery_reads_the_version_that_was_pinned():
    for how in ("changed", "gone", "broken", "definition"):
        with Case(USERS) as c:
            c.write("users.csv", users(u1="free", u2="gold"))
            c.write("hits1.csv", HEADER + hits(1000))
            c.ok("run", "--once")
            c.append("hits1.csv", hits(3000, 1000))
            c.write("users.csv", users(u1="second", u2="two"))
            stop_between_intent_and_store(c)
            if how == "gone":
                os.remove(c.path("users.csv"))
            else:
                c.write("users.csv", {"changed": users(u1="third"), "broken": "x", "definition": "who,plan\nu1,fourth\n"}[how])
            if how == "definition":
                c.write("weir.sql", USERS.replace("users (name String", "users (name String FROM 'who'"))
            r = c.weir("run", "--once")
            is_old = how in ("gone", "broken")
            assert r.returncode == is_old and ("goes with the version that the last epoch read" in r.stderr) == is_old, (how, r.stderr)
            got = c.sql("SELECT n >= 1000 AS late, user, any(plan), uniqExact(ifNull(plan, '')) FROM more WHERE user IN ('u1', 'u2') GROUP BY late, user ORDER BY late, user")
            assert got == [["0", "u1", "free", "1"], ["0", "u2", "gold", "1"], ["1", "u1", "second", "1"], ["1", "u2", "two", "1"]], (how, got)
            assert c.one("SELECT count() FROM more") == "4000"
            assert c.sql("SELECT plan, sum(hits) FROM plans_1d GROUP BY plan ORDER BY plan") == c.sql("SELECT plan, count() FROM more GROUP BY plan ORDER BY plan")
            if how == "changed":
                c.append("hits1.csv", hits(70, 4000))
                c.ok("run", "--once")
                assert c.sql("SELECT plan, count() FROM more WHERE n >= 4000 AND user = 'u1' GROUP BY plan") == [["third", "10"]]


def rejects_are_retried_with_what_is_there_now():
    definitions = USERS.replace("n UInt32", "n UInt8")
    with Case(definitions) as c:
        c.write("users.csv", users(u1="free"))
        c.write("hits1.csv", HEADER + hits(300))
        c.ok("run", "--once", "--set", "allow_errors_ratio=1")
        assert c.one("SELECT count() FROM more") == "256"
        c.write("users.csv", users(u1="paid"))
        r = c.weir("rejects", "--retry")
        assert r.returncode in (0, 1), r.stderr
        assert c.one("SELECT count() FROM weir_epochs WHERE kind = 'retry' AND lookups LIKE 'users\\t%'") == "1", c.sql("SELECT kind, lookups FROM weir_epochs")


def old_versions_are_dropped_once_nobody_needs_them():
    with Case(USERS) as c:
        c.write("users.csv", users(u1="free"))
        c.write("hits1.csv", HEADER + hits(10))
        c.ok("run", "--once")
        s = store(c)
        # a version of long ago that nobody names, and one that an open epoch names
        for name, epoch in (("a" * 32, False), ("b" * 32, True)):
            s.text(f"INSERT INTO weir_lookups (lookup, hash, piece, pieces, data, written) VALUES ('users', '{name}', 0, 1, 'x', now() - 7200)")
            if epoch:
                s.text(f"INSERT INTO weir_epochs (source, n, kind, lookups, now, _deadline) VALUES ('other', 1, 'skip', 'users\\t{name}\\n', now() - 7200, now() + 60)")
        p = c.start("run")
        c.wait("SELECT count() FROM weir_lookups WHERE hash LIKE 'aaa%'", 0)
        assert c.one("SELECT count() FROM weir_lookups WHERE hash LIKE 'bbb%'") == "1"
        assert c.one("SELECT uniqExact(hash) FROM weir_lookups") == "2"
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 0, c.log()
        s.text(f"INSERT INTO weir_lookups (lookup, hash, piece, pieces, data, written) VALUES ('users', '{'c' * 32}', 0, 1, 'x', now() - 7200)")
        c.ok("run", "--once")
        assert c.one("SELECT uniqExact(hash) FROM weir_lookups") == "2"


def definitions_of_lookups_may_change():
    with Case(USERS) as c:
        c.write("users.csv", "name,plan,age\nu1,free,7\n")
        c.write("hits1.csv", HEADER + hits(10))
        c.ok("run", "--once")
        c.write("weir.sql", USERS.replace("plan String, PRIMARY", "plan String, age UInt8, PRIMARY"))
        r = c.weir("run", "--once")
        assert r.returncode == 0 and "changed lookup users" in r.stderr, r.stderr
        c.write("weir.sql", USERS.replace("plan String, PRIMARY", "plan FixedString(9), PRIMARY"))
        r = c.weir("run", "--once")
        assert r.returncode == 3 and "do not fit what is stored" in r.stderr, (r.returncode, r.stderr)
        c.write("weir.sql", HITS)
        r = c.weir("run", "--once")
        assert r.returncode == 0 and "lookup users is gone" in r.stderr, r.stderr


def geoip_columns_are_what_an_independent_reader_found():
    folder = os.path.join(os.environ.get("WEIR_SHARED", "../shared"), "data", "geoip")
    if not os.path.exists(folder):
        print("SKIP geoip: no folder data/geoip in WEIR_SHARED")
        return
    with gzip.open(os.path.join(folder, "expected-lookups.ndjson.gz"), "rt") as f:
        expected = [json.loads(line) for line in f]
    code = lambda record: (record or {}).get("country_code")
    key, dbip, whois = "ip", "dbip_country", "whois_country"
    definitions = """
SET store = 'embedded:./t.weir';
CREATE SOURCE s (t DateTime, ip IPv6, a Nullable(String), b Nullable(String)) FROM FILES 's.jsonl' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE LOOKUP dbip FROM GEOIP 'dbip.mmdb.zst';
CREATE LOOKUP whois FROM GEOIP 'whois.mmdb';
CREATE STREAM more KEEP FOREVER AS SELECT *, dbip.country_code(ip) AS x, whois.country_code(ip) AS y, dbip.get(ip, 'country_code') AS z,
  dbip.country_code(toIPv4OrNull(replaceOne(toString(ip), '::ffff:', ''))) AS v4 FROM s;
CREATE METRIC countries AS SELECT dbip.country_code(ip) AS country, count() AS n FROM s GROUP BY country EVERY 1 DAY;
"""
    with Case(definitions) as c:
        os.symlink(os.path.join(folder, "dbip-country-2026-06-01.mmdb.zst"), c.path("dbip.mmdb.zst"))
        subprocess.run(["zstd", "-qd", os.path.join(folder, "geo-whois-asn-country-2026-06-17.mmdb.zst"), "-o", c.path("whois.mmdb")], check=True)
        c.write("s.jsonl", "".join(json.dumps({"t": 1767225600, "ip": r[key], "a": code(r[dbip]), "b": code(r[whois])}) + "\n" for r in expected))
        c.ok("run", "--once")
        row = c.sql("SELECT count(), countIf(a IS DISTINCT FROM x), countIf(b IS DISTINCT FROM y), countIf(a IS DISTINCT FROM z), "
                    "countIf(v4 IS NOT NULL AND v4 != a), count(v4) > 1000, count(x) > 5000 FROM more")[0]
        assert row[:5] == [str(len(expected)), "0", "0", "0", "0"] and row[5] in ("1", "true") and row[6] in ("1", "true"), row
        assert c.one("SELECT count() FROM (SELECT country, sum(n) FROM countries_1d GROUP BY country EXCEPT SELECT a, count() FROM more GROUP BY a)") == "0"
        text = c.ok("explain")
        assert "lookup dbip GEOIP: " in text and "records" in text, text
        # what the database does not have is said when it is loaded
        c.write("weir.sql", definitions.replace("whois.country_code(ip)", "whois.city(ip)").replace("t.weir", "u.weir"))
        r = c.weir("run", "--once")
        assert r.returncode == 1 and "no record of this database" in r.stderr and "has a city" in r.stderr, r.stderr


def lookups_stand_anywhere():
    """In sources, over array joins, in lambdas, over merges, beside DEDUPLICATE, in conditions and own functions; the same after --rebuild."""
    definitions = """
SET store = 'embedded:./t.weir';
CREATE LOOKUP users (name String, plan String, PRIMARY KEY name) FROM FILES 'users.csv' FORMAT CSVWithNames;
CREATE FUNCTION plan_of AS (x) -> ifNull(users.plan(lower(x)), 'none');
CREATE SOURCE one (time DateTime, user String, friends Array(String), plan String MATERIALIZED plan_of(user), n UInt32)
FROM FILES 'one*.jsonl' FORMAT JSONEachRow EVENT TIME time DEDUPLICATE BY n WITHIN 1 HOUR KEEP FOREVER;
CREATE SOURCE two (time DateTime, user String, friends Array(String), plan String MATERIALIZED plan_of(user), n UInt32)
FROM FILES 'two*.jsonl' FORMAT JSONEachRow EVENT TIME time KEEP FOREVER;
CREATE STREAM friend_plans KEEP FOREVER AS SELECT n, user, f, users.plan(f) AS plan, users.plan(user) AS own FROM one ARRAY JOIN friends AS f;
CREATE STREAM listed KEEP FOREVER AS SELECT n, friends, arrayMap(x -> plan_of(x), friends) AS plans, arrayMap(x -> users.plan(x), ['u1', 'zz']) AS fixed,
  if(users.plan(user) = 'gold', users.plan(friends[1]), 'no') AS c FROM merge('one|two') WHERE users.plan(user) != 'free' OR users.plan(user) IS NULL;
CREATE METRIC m AS SELECT users.plan(f) AS plan, count() AS c, countIf(users.plan(user) = 'gold') AS golds FROM friend_plans GROUP BY plan EVERY 1 DAY;
"""
    plans = {f"u{i}": ("free", "gold", "paid")[i % 3] for i in range(6)}

    def record(i):
        return json.dumps({"time": 1767225600 + i, "user": f"U{i % 8}" if i % 2 else f"u{i % 8}", "friends": [f"u{k}" for k in range(i % 4)], "n": i}) + "\n"

    def verify(c):
        of = "transform(lower({0}), [" + ", ".join(f"'{k}'" for k in plans) + "], [" + ", ".join(f"'{v}'" for v in plans.values()) + "], 'none')"
        exact = "transform({0}, [" + ", ".join(f"'{k}'" for k in plans) + "], [" + ", ".join(f"'{v}'" for v in plans.values()) + "], '')"
        assert c.one(f"SELECT countIf(plan != {of.format('user')}) FROM one") == "0"
        assert c.one("SELECT count() FROM one") == "600"
        assert c.one(f"SELECT countIf(ifNull(plan, '') != {exact.format('f')} OR ifNull(own, '') != {exact.format('user')}) FROM friend_plans") == "0"
        assert int(c.one("SELECT count(plan) FROM friend_plans")) > 500
        assert c.one(f"SELECT countIf(plans != arrayMap(x -> {of.format('x')}, friends) OR fixed != ['gold', NULL]) FROM listed") == "0"
        assert int(c.one("SELECT count() FROM listed")) > 300
        assert c.sql("SELECT plan, sum(c), sum(golds) FROM m_1d GROUP BY plan ORDER BY plan") == \
            c.sql("SELECT plan, count(), countIf(own = 'gold') FROM friend_plans GROUP BY plan ORDER BY plan")

    with Case(definitions) as c:
        c.write("users.csv", users(**plans))
        c.write("one1.jsonl", "".join(record(i) for i in range(600)) + "".join(record(i) for i in range(0, 600, 7)))
        c.write("two1.jsonl", "".join(record(i) for i in range(300)))
        c.ok("run", "--once")
        verify(c)
        c.ok("run", "--once", "--rebuild", "--yes")
        verify(c)


if __name__ == "__main__":
    sys.exit(run([as_dictionaries_have_them, networks_by_their_longest_prefix, any_format_gives_the_same, a_change_counts_from_the_next_epoch_on,
                  a_broken_version_keeps_the_old_and_is_red, the_first_load_must_succeed, recovery_reads_the_version_that_was_pinned,
                  rejects_are_retried_with_what_is_there_now, old_versions_are_dropped_once_nobody_needs_them, definitions_of_lookups_may_change,
                  geoip_columns_are_what_an_independent_reader_found, lookups_stand_anywhere]))
