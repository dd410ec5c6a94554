#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""weir open, init and query with real programs: unknown files in, answers out."""
import gzip
import os
import pty
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, ROOT, WEIR, run


def csv(n, head="time,city,amount\n", row=lambda i: f"2026-03-{1 + i % 9:02d}T{i % 24:02d}:00:00Z,c{i % 7},{i * 37 % 101}\n"):
    return head + "".join(row(i) for i in range(n))


def sql_of(c, name):
    with open(c.path(name)) as f:
        return f.read()


def open_flights_and_again():
    with Case() as c:
        with open(os.path.join(ROOT, "examples", "flights", "flights.csv.gz"), "rb") as f:
            c.write("flights.csv.gz", f.read())
        out = c.ok("open", "--once", "flights.csv.gz")
        for part in ("100,000 read, 100,000 kept, 0 rejected", "by origin (223 values", "rows per hour", "rows per day", "Three to try next"):
            assert part in out, (part, out)
        text = sql_of(c, "flights.sql")
        assert text.startswith("-- weir definitions, written by") and "SET store = 'embedded:./flights.weir';" in text, text
        assert "EVERY 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER, 1 MONTH KEEP FOREVER" in text and "GROUPING SETS ((origin), (destination), ())" in text
        assert c.one("SELECT sum(rows) FROM flights_overview_1h WHERE _set = ''") == "100000"
        before = os.stat(c.path("flights.sql")).st_mtime_ns
        out = c.ok("open", "flights.csv.gz")
        assert "flights.sql is there" in out and "100,000 read" in out, out
        assert os.stat(c.path("flights.sql")).st_mtime_ns == before
        for line in out.split("Three to try next:\n")[1].strip().splitlines()[:2]:
            r = subprocess.run(["bash", "-c", line], cwd=c.dir, env=c.env, capture_output=True, text=True, timeout=60)
            assert r.returncode == 0, (line, r.stderr)


def an_edited_file_is_used():
    with Case() as c:
        c.write("t.csv", csv(200))
        c.ok("init", "t.csv")
        text = sql_of(c, "t.sql").replace("AS amount_sum", "AS money")
        c.write("t.sql", text)
        out = c.ok("open", "t.csv")
        assert "money" in out and sql_of(c, "t.sql") == text, out
        r = c.weir("init", "t.csv")
        assert r.returncode == 1 and "not written over" in r.stderr and sql_of(c, "t.sql") == text


def totals_equal_the_file():
    with Case() as c:
        c.write("t.csv", csv(5000))
        c.ok("open", "t.csv")
        total = sum(i * 37 % 101 for i in range(5000))
        for tier in ("1h", "1d", "1mo"):
            assert c.sql(f"SELECT sum(rows), sum(amount_sum) FROM t_overview_{tier} WHERE _set = ''") == [["5000", str(total)]]
            assert c.sql(f"SELECT sum(rows), uniqExact(city) FROM t_overview_{tier} WHERE _set = 'city'") == [["5000", "7"]]


def nulls_in_all_spellings():
    with Case() as c:
        spell = ["", "NA", "N/A", "null", "-", '""']
        c.write("t.csv", csv(600, "time,city,x\n", lambda i: f"2026-03-01T00:00:{i % 60:02d}Z,{spell[i % 6] if i % 2 else 'c' + str(i % 5)},{spell[i // 2 % 6] if i % 3 == 0 else i}\n"))
        out = c.ok("open", "t.csv")
        assert "600 read, 600 kept, 0 rejected" in out, out
        assert c.one("SELECT count(), countIf(x IS NULL), countIf(city IS NULL), sum(x) FROM t") == "600"
        assert c.sql("SELECT countIf(x IS NULL), countIf(city IS NULL), sum(x) FROM t") == [["200", "300", str(sum(i for i in range(600) if i % 3))]]


def delimiters_headers_and_packing():
    """One run over many files: each is a source of its own, in one store."""
    cases = (
        ("semi.csv", "zeit;wert\n2026-01-01 10:00:00;5\n2026-01-01 11:00:00;6\n", "SELECT sum(wert) FROM semi"),
        ("bar.txt", "time|wert\n2026-01-01 10:00:00|5\n2026-01-01 11:00:00|6\n", "SELECT sum(wert) FROM bar"),
        ("tab.tsv", "time\twert\n2026-01-01 10:00:00\t5\n2026-01-01 11:00:00\t6\n", "SELECT sum(wert) FROM tab"),
        ("esc.tsv", "time\twert\ts\n2026-01-01 10:00:00\t5\ta\\tb\n2026-01-01 11:00:00\t6\tx\\\\y\n", "SELECT sum(wert) + sum(length(s)) - 6 FROM esc"),
        ("stray.tsv", 'time\tsize\twert\n2026-01-01 10:00:00\t12"\t\n2026-01-01 11:00:00\t"half\t11\n', "SELECT sum(wert) FROM stray WHERE isNotNull(wert)"),
        ("none.csv", "2026-01-01 10:00:00,5\n2026-01-01 11:00:00,6\n", "SELECT sum(c2) FROM none"),
        ("crlf.csv", "\ufefftime,wert\r\n2026-01-01 10:00:00,5\r\n2026-01-01 11:00:00,6\r\n", "SELECT sum(wert) FROM crlf"),
        ("gz.csv.gz", gzip.compress(b"at,wert\n2026-01-01 10:00:00,5\n2026-01-01 11:00:00,6\n"), "SELECT sum(wert) FROM gz"),
        ("j.ndjson", '{"time":"2026-01-01T10:00:00Z","a":{"wert":5}}\n{"time":"2026-01-01T11:00:00Z","a":{"wert":6}}\n', "SELECT sum(a_wert) FROM j"),
        ("epoch.csv", "ts,wert\n1767261600,5\n1767265200,6\n", "SELECT sum(wert) FROM epoch WHERE ts >= '2026-01-01 10:00:00'"),
        ("epoch_ms.ndjson", '{"ts":1767261600123,"m":5}\n{"ts":1767265200456,"m":6}\n', "SELECT sum(m) FROM epoch_ms WHERE toYear(ts) = 2026"),
        ("epoch_s.ndjson", '{"ts":1767261600,"s":5}\n{"ts":1767265200,"s":6}\n', "SELECT sum(s) FROM epoch_s WHERE toYear(ts) = 2026"),
        ("epoch_f.ndjson", '{"ts":1767261600.25,"f":5}\n{"ts":1767265200.5,"f":6}\n', "SELECT sum(f) FROM epoch_f WHERE toYear(ts) = 2026"),
        ("day.csv", "day,wert\n13/01/2026,5\n02/01/2026,6\n", "SELECT sum(wert) FROM day WHERE toMonth(day) = 1"),
        ("month.csv", "date,wert\n1/13/2026 10:00 PM,5\n1/2/2026 11:00 AM,6\n", "SELECT sum(wert) FROM month WHERE toMonth(date) = 1 AND toHour(date) IN (22, 11)"),
        ("no time.csv", "a,wert\nx,5\ny,6\n", "SELECT sum(wert) FROM no_time"),
        ("[odd]{a}*.csv", "b,wert\nx,5\ny,6\n", "SELECT sum(wert) FROM odd_a"),
    )
    with Case() as c:
        for name, data, _ in cases:
            c.write(name, data)
        out = c.ok("open", *[name for name, _, _ in cases])
        assert out.count(": 2 read, 2 kept, 0 rejected") == len(cases), out
        for name, _, check in cases:
            got = c.one(check)
            assert got == "11", (name, got, sql_of(c, "semi.sql"))


def undecided_dates_ask():
    with Case() as c:
        c.write("t.csv", "day,v\n" + "04/05/2026,1\n01/02/2026,2\n" * 50)
        r = c.weir("open", "t.csv")
        assert r.returncode == 2 and "--dates day" in r.stderr and "day   first: day DateTime" in r.stderr and "month first: day_text" in r.stderr, r.stderr
        assert not os.path.exists(c.path("t.sql"))
        r = c.weir("init", "--yes", "t.csv")
        assert r.returncode == 0 and "day first (--yes)" in r.stderr and "dates, day first" in sql_of(c, "t.sql"), r.stderr
        os.unlink(c.path("t.sql"))
        c.ok("open", "--dates", "month", "t.csv")
        assert c.sql("SELECT DISTINCT toString(day) FROM t ORDER BY 1") == [["2026-01-02 00:00:00"], ["2026-04-05 00:00:00"]]
    with Case() as c:
        c.write("t.csv", "day,v\n04/13/2026,1\n13/02/2026,2\n")
        r = c.weir("open", "t.csv")
        assert r.returncode == 1 and "both orders" in r.stderr, r.stderr


def the_deciding_date_may_lie_anywhere():
    with Case() as c:
        row = "04/05/2026," + "x" * 200 + "\n"
        n = 16 * 1024 * 1024 // len(row)
        c.write("t.csv", "day,v\n" + row * (n // 2 + 777) + "04/13/2026,y\n" + row * (n // 2))
        out = c.ok("init", "t.csv")
        assert "month first ('04/13/2026')" in out, out
    with Case() as c:
        row = '{"a":{"day":"04/05/2026"},"day":"31/12/2026","pad":"%s"}\n' % ("x" * 200)
        n = 16 * 1024 * 1024 // len(row)
        c.write("t.ndjson", row * (n // 2 + 777) + row.replace("04/05", "04/13") + row * (n // 2))
        out = c.ok("init", "t.ndjson")
        assert "month first ('04/13/2026')" in out and "day first ('31/12/2026')" in out, out


def a_wider_type_is_taken():
    with Case() as c:
        # 20 MB: what lies between the sampled pieces is only seen while loading.
        row = lambda i: f"2026-03-01T00:{i // 60 % 60:02d}:{i % 60:02d}Z,c{i % 7},{i % 1000},{'x' * 80}\n"
        lines = [row(i) for i in range(180000)]
        for i, bad in ((1700, "2026-03-01T00:00:00.125Z,c1,5,x\n"), (2900, "2026-03-01T00:00:00Z,c1,-5000000000,x\n"), (3100, "2026-03-01T00:00:00Z,c1,1.5,x\n"),
                       (3300, "2026-03-01T00:00:00Z,c1,oops,x\n")):
            lines[i] = bad
        c.write("t.csv", "time,city,amount,pad\n" + "".join(lines))
        out = c.ok("open", "t.csv")
        if "rejects show more" not in out:
            assert "Float64" in sql_of(c, "t.sql"), out
        assert "180,000 read, 179,999 kept, 1 rejected" in out and "oops" in out, out
        assert c.one("SELECT toTypeName(amount) FROM t LIMIT 1") == "Float64"
        assert c.one("SELECT sum(rows) FROM t_overview_1d WHERE _set = ''") == "179999"


def foreign_files_are_answered():
    for name, data, part in (("a.csv", "a,b\n1,2\n".encode("utf-16"), "iconv"), ("a.xlsx", b"PK\x03\x04....[Content_Types].xml", "libreoffice"),
                             ("a.zip", b"PK\x03\x04....data.csv", "unzip"), ("a.parquet", b"PAR1....", "clickhouse-local"), ("empty.csv", b"", "empty"), ("head.csv", b"a,b\n", "no records"), ("bin.csv", bytes(range(256)) * 40, "no text")):
        with Case() as c:
            c.write(name, data)
            r = c.weir("open", name)
            assert r.returncode == 1 and part in r.stderr, (name, r.returncode, r.stderr)
            assert not [f for f in os.listdir(c.dir) if f.endswith((".sql", ".weir"))]
    with Case() as c:
        assert c.weir("open", "not-there.csv").returncode == 1
        assert c.weir("open").returncode == 2


def a_terminal_is_asked():
    with Case() as c:
        c.write("t.csv", "day,v\n" + "04/05/2026,1\n01/02/2026,2\n" * 50)
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(c.dir)
            os.execve(WEIR, [WEIR, "init", "t.csv"], dict(c.env, TERM="dumb"))
        out = b""
        while b"day or month?" not in out:
            out += os.read(fd, 4096)
        os.write(fd, b"month\n")
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        assert os.waitstatus_to_exitcode(status) == 0 and "MATERIALIZED" in sql_of(c, "t.sql")


def equal_columns_are_one_source():
    with Case() as c:
        c.write("a1.csv", csv(100))
        c.write("a2.csv", csv(50, "city,amount,time\n", lambda i: f"c9,{i},2026-04-01T00:00:00Z\n"))
        c.write("b.csv", "time,other\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:01Z,7\n")
        out = c.ok("open", "a1.csv", "a2.csv", "b.csv")
        assert "FROM FILES 'a1.csv', 'a2.csv'" in sql_of(c, "a1.sql"), out
        assert c.one("SELECT count() FROM a1") == "150" and c.one("SELECT count() FROM b") == "2"


def dirty_files_load_what_they_can():
    with Case() as c:
        rows = [f"2026-03-01T00:00:{i % 60:02d}Z,c{i % 7},{i % 1000}\n" for i in range(3000)]
        rows[100], rows[200], rows[300] = "2026-03-01T00:00:00Z,c1\n", "nonsense,c1,5\n", "2026-03-01T00:00:00Z,c1,many\n"
        c.write("t.csv", "time,city,amount\n" + "".join(rows))
        out = c.ok("open", "t.csv")
        assert "3,000 read, 2,997 kept, 3 rejected" in out and "nonsense" in out, out


def charts_fit_the_terminal():
    with Case() as c:
        c.write("t.csv", csv(500))
        c.ok("open", "t.csv")
        q = "SELECT city, rows FROM t_overview_1mo WHERE _set = 'city' ORDER BY city"
        utf8 = c.ok("query", "--chart", q, env={"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "COLUMNS": "60"})
        ascii_ = c.ok("query", "--chart", q, env={"LANG": "C", "LC_ALL": "C", "COLUMNS": "60"})
        assert "█" in utf8 and "#" in ascii_ and ascii_.isascii(), (utf8, ascii_)
        assert all(len(line) <= 60 for line in utf8.splitlines() + ascii_.splitlines()), utf8
        assert len(utf8.splitlines()) == 8 and "\x1b" not in utf8
        assert c.ok("open", "t.csv", env={"LANG": "C", "LC_ALL": "C"}).isascii()
        assert c.weir("query", "--chart", "SELECT 'a'").returncode in (0, 1)


def queries_come_from_stdin():
    with Case() as c:
        c.write("t.csv", csv(100))
        c.ok("open", "t.csv")
        assert c.ok("query", input="SELECT 1;\nSELECT ';' -- no end;\n;\nSELECT count() FROM t").split() == ["1", ";", "100"]
        assert c.weir("query", input="SELECT 1; SELECT nothing; SELECT 3").stdout.split() == ["1"]


def writes_stay_out_of_weirs_database():
    with Case() as c:
        c.write("t.csv", csv(100))
        c.ok("open", "t.csv")
        assert c.weir("query", "CREATE TABLE default.x (a Int8) ENGINE = Memory").returncode == 1
        c.ok("query", "--write", "CREATE TABLE default.x (a Int8) ENGINE = MergeTree ORDER BY a")
        c.ok("query", "--write", "INSERT INTO x VALUES (1), (2)")
        assert c.one("SELECT sum(a) FROM default.x") == "3"
        for sql in ("DROP DATABASE weir", "DROP TABLE weir.weir_raw_t", "DROP TABLE `weir`.weir_raw_t", 'DROP TABLE "we\\x69r".weir_raw_t', "TRUNCATE TABLE/**/weir . weir_ledger",
                    "INSERT INTO weir.weir_raw_t SELECT * FROM weir.weir_raw_t", "RENAME DATABASE weir TO other", "ALTER TABLE weir.weir_ledger DELETE WHERE 1",
                    "INSERT INTO FUNCTION remote('127.0.0.1', 'weir', 'weir_ledger') SELECT 1"):
            r = c.weir("query", "--write", sql)
            assert r.returncode == 3 and "refused" in r.stderr, (sql, r.returncode, r.stderr)
        r = c.weir("query", "--write", "TRUNCATE TABLE weir_ledger")
        assert r.returncode == 1, r.stderr
        assert c.one("SELECT sum(kept) FROM weir_ledger") != "0" and c.one("SELECT count() FROM t") == "100"


def a_prompt_on_a_terminal():
    with Case() as c:
        c.write("t.csv", csv(100))
        c.ok("open", "t.csv")
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(c.dir)
            os.execve(WEIR, [WEIR, "query"], dict(c.env, HOME=c.dir, TERM="dumb", XDG_STATE_HOME=""))
        out = b""

        def expect(what, seconds=20):
            nonlocal out
            end = time.time() + seconds
            while what not in out and time.time() < end:
                if select.select([fd], [], [], 0.2)[0]:
                    try:
                        out += os.read(fd, 65536)
                    except OSError:
                        break
            assert what in out, (what, out)
            out = out[out.index(what) + len(what):]

        expect(b"weir> ")
        os.write(fd, b"SELECT count() + 23\n")
        expect(b"-> ")
        os.write(fd, b"FROM t;\n")
        expect(b"123")
        expect(b"weir> ")
        os.write(fd, b"\\q\n")
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        assert os.waitstatus_to_exitcode(status) == 0
        with open(c.path(".local/state/weir/history")) as f:
            assert "SELECT count() + 23 FROM t;" in f.read()


if __name__ == "__main__":
    sys.exit(run([
        open_flights_and_again, an_edited_file_is_used, totals_equal_the_file, nulls_in_all_spellings, delimiters_headers_and_packing, undecided_dates_ask,
        the_deciding_date_may_lie_anywhere, a_wider_type_is_taken, foreign_files_are_answered, a_terminal_is_asked, equal_columns_are_one_source, dirty_files_load_what_they_can,
        charts_fit_the_terminal, queries_come_from_stdin, writes_stay_out_of_weirs_database, a_prompt_on_a_terminal]))
