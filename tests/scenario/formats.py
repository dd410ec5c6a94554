#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings of CSV and TSV from end to end, and what `open` makes of files of every kind, against ClickHouse over the same bytes."""
import bz2
import gzip
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, ROOT, run

SHARED = os.path.join(os.environ.get("WEIR_SHARED", os.path.join(ROOT, "..", "shared")), "data")

COLUMNS = "a String, b Nullable(Int32), c Float64"


def literal(text):
    for a, b in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(a, b)
    return "'" + text + "'"


def compare(c, cases, columns=COLUMNS):
    """Each of (format, settings, text) is a source; its rows and the ones that ClickHouse reads of the same text."""
    sql = "SET store = 'embedded:./d';\n"
    for i, (fmt, settings, text) in enumerate(cases):
        c.write(f"in{i}.txt", text)
        said = ", ".join(f"{n} = {literal(v) if isinstance(v, str) else v}" for n, v in settings.items())
        sql += f"CREATE SOURCE s{i} ({columns}) FROM FILES 'in{i}.txt' FORMAT {fmt}{' SETTINGS ' + said if said else ''} EVENT TIME _arrival KEEP FOREVER;\n"
    c.write("d.sql", sql)
    c.ok("run", "--once", "-f", "d.sql")
    names = ", ".join(x.split()[0] for x in columns.split(", "))
    for i, (fmt, settings, text) in enumerate(cases):
        # what ClickHouse prints must not follow the settings: each value by toString
        shown = ", ".join(f"toString({x})" for x in names.split(", "))
        ours = c.ok("query", "-f", "d.sql", f"SELECT {shown} FROM weir_raw_s{i} ORDER BY _offset", "--format", "JSONCompactEachRow")
        given = dict({"input_format_csv_detect_header": 0, "input_format_tsv_detect_header": 0}, **settings)
        inner = f"SELECT {names} FROM format({fmt}, $${columns}$$, {literal(text)}) SETTINGS " + ", ".join(
            f"{n} = {literal(v) if isinstance(v, str) else v}" for n, v in given.items() if not n.startswith("bool_"))
        theirs = c.ok("query", "-f", "d.sql", f"SELECT {shown} FROM ({inner})" + "".join(f" SETTINGS {n} = '{v}'" for n, v in settings.items() if n.startswith("bool_true")),
                      "--format", "JSONCompactEachRow")
        assert ours == theirs and ours.count("\n") >= 1, (fmt, settings, ours, theirs)


def settings_hold_from_end_to_end():
    cases = (
        ("CSV", {"input_format_csv_skip_first_lines": 2}, 'written, by "x\nnothing\nx,1,1.5\ny,2,2.5\n'),
        ("CSVWithNames", {"input_format_csv_skip_first_lines": 1}, "a title\na,b,c\nx,1,1.5\ny,2,2.5\n"),
        ("CSVWithNames", {"input_format_with_names_use_header": 0}, "c,b,a\nx,1,1.5\ny,2,2.5\n"),
        ("CSVWithNamesAndTypes", {}, "c,b,a\r\nFloat64,Nullable(Int32),String\r\n1.5,1,x\r\n2.5,,y\r\n"),
        ("CSVWithNamesAndTypes", {"input_format_with_types_use_header": 0}, "c,b,a\nFloat32,Int8,String\n1.5,1,x\n"),
        ("TSVWithNamesAndTypes", {}, "c\tb\ta\nFloat64\tNullable(Int32)\tString\n1.5\t1\tx\\ty\n2.5\t\\N\ty\n"),
        ("TSVRaw", {}, "x\\t\\y\t1\t1.5\n\"y\t\\N\t2.5\n"),
        ("TSVRawWithNames", {}, "c\ta\tb\n1.5\tx\\n\t1\n"),
        ("TSV", {"input_format_tsv_skip_first_lines": 1, "format_tsv_null_representation": "NA"}, "remark\nx\tNA\t1.5\ny\t2\t2.5\n"),
        ("TSV", {"input_format_tsv_crlf_end_of_line": 1}, "x\t1\t1.5\r\ny\t2\t2.5\r\n"),
        ("TSV", {"input_format_tsv_allow_variable_number_of_columns": 1}, "x\n\t2\ny\t2\t2.5\tmore\n"),
        ("CSV", {"format_csv_allow_single_quotes": 1}, "'x,\n''1''',1,1.5\n\"y\n'\",2,2.5\n" * 3),
        ("CSV", {"format_csv_allow_single_quotes": 1, "format_csv_allow_double_quotes": 0}, "'x,\ny',1,1.5\n\"y,2,2.5\n"),
        ("CSV", {"format_csv_allow_double_quotes": 0}, '"x",1,1.5\n"y,2,2.5\n'),
        ("CSV", {"format_csv_null_representation": "-", "format_csv_delimiter": ";"}, "x;-;1.5\n-;2;2.5\n"),
        ("CSV", {"input_format_csv_trim_whitespaces": 0}, " x , 1,1.5\ny\t,2,2.5\n"),
        ("CSV", {"input_format_csv_allow_variable_number_of_columns": 1}, "x\ny,2\nz,3,3.5,4\n"),
        ("CSV", {"input_format_csv_use_default_on_bad_values": 1}, "x,one,1.5\ny,2,?\n"),
        ("CSV", {"input_format_csv_allow_whitespace_or_tab_as_delimiter": 1, "format_csv_delimiter": " "}, "x 1 1.5\ny 2 2.5\n"),
    )
    with Case() as c:
        compare(c, cases)


def times_and_bools_by_settings():
    cases = (
        ("CSV", {"date_time_input_format": "best_effort_us"}, "04/05/2023 10:00:00,true\n04/13/2023,false\n"),
        ("TSV", {"date_time_input_format": "basic"}, "2023-04-05 10:00:00\t1\n1680613879\tfalse\n"))
    with Case() as c:
        compare(c, cases, "t DateTime('UTC'), b Bool")
    with Case() as c:
        c.write("in.csv", "ja\nnein\ntrue\noui\n")
        c.write("d.sql", "SET store = 'embedded:./d';\nCREATE SOURCE s (b Bool) FROM FILES 'in.csv' FORMAT CSV SETTINGS bool_true_representation = 'ja', bool_false_representation = 'nein' EVENT TIME _arrival KEEP FOREVER;\n")
        c.ok("run", "--once", "-f", "d.sql")
        assert c.ok("query", "-f", "d.sql", "SELECT b FROM weir_raw_s ORDER BY _offset", "--format", "TSV").split() == ["true", "false", "true"]


def types_of_a_header_are_held_to():
    with Case() as c:
        c.write("in.csv", "a,b\nString,Int8\nx,1\n")
        c.write("d.sql", "SET store = 'embedded:./d';\nCREATE SOURCE s (a String, b UInt16) FROM FILES 'in.csv' FORMAT CSVWithNamesAndTypes EVENT TIME _arrival KEEP FOREVER;\n")
        r = c.weir("run", "--once", "-f", "d.sql")
        assert "column 'b' is Int8 by the header, not UInt16" in r.stderr + r.stdout, (r.stdout, r.stderr)


def settings_are_refused_by_name():
    for setting, part in (("format_csv_alow_single_quotes = 1", "did you mean format_csv_allow_single_quotes?"),
                          ("input_format_csv_arrays_as_nested_csv = 1", "arrays are read as ['a','b']"),
                          ("input_format_skip_unknown_fields = 0", "always 1 here"),
                          ("format_custom_escaping_rule = 'CSV'", "CustomSeparated is not there"),
                          ("input_format_allow_errors_num = 5", "kept as a reject"),
                          ("format_regexp = 'x'", "no setting of FORMAT CSV"),
                          ("format_csv_delimiter = 'ab'", "one byte"),
                          ("date_time_input_format = 'best'", "best_effort, best_effort_us or basic"),
                          ("input_format_csv_skip_first_lines = -1", "a number of lines")):
        with Case() as c:
            c.write("d.sql", f"SET store = 'embedded:./d';\nCREATE SOURCE s (a String) FROM FILES 'x' FORMAT CSV SETTINGS {setting} EVENT TIME _arrival;\n")
            r = c.weir("check", "-f", "d.sql")
            assert r.returncode != 0 and part in r.stderr + r.stdout, (setting, r.stdout, r.stderr)


def skipped_lines_are_no_part_of_a_file_that_goes_on():
    with Case() as c:
        c.write("d.sql", "SET store = 'embedded:./d';\nCREATE SOURCE s (a UInt32) FROM FILES 'in.csv' FORMAT CSV SETTINGS input_format_csv_skip_first_lines = 2 EVENT TIME _arrival KEEP FOREVER;\n")
        c.write("in.csv", "title\n\"more\n of it\"\n1\n2\n")
        c.ok("run", "--once", "-f", "d.sql")
        c.write("in.csv", "title\n\"more\n of it\"\n1\n2\n3\n")
        c.ok("run", "--once", "-f", "d.sql")
        assert c.ok("query", "-f", "d.sql", "SELECT count(), sum(a) FROM s", "--format", "TSV") == "3\t6\n"


# ---- open ----

def kinds():
    """The files of tests/unit/infer_kinds.txt by name."""
    with open(os.path.join(ROOT, "tests", "unit", "infer_kinds.txt")) as f:
        blocks = ("\n" + f.read()).split("\n=== ")[1:]
    return {b.split("\n", 1)[0]: b.split("\n", 1)[1].split("--- definitions\n")[0] for b in blocks}


# file: what of weir's rows, and the same of ClickHouse's own reading: columns, format, structure, settings
AS_CLICKHOUSE = (
    ("commas.csv", "time, city, amount", "CSVWithNames", "time DateTime('UTC'), city String, amount Nullable(UInt32)", ""),
    ("bars.txt", "a, b", "CSVWithNames", "a UInt32, b DateTime('UTC')", "format_csv_delimiter = '|'"),
    ("bare.csv", "c1, c2, c3", "CSV", "c1 IPv6, c2 DateTime('UTC'), c3 Bool", ""),
    ("tabs.tsv", "user, agent", "TSVWithNames", "user String, agent String", ""),
    ("epochs.csv", "s, ms, us, ns", "CSVWithNames", "s DateTime('UTC'), ms DateTime64(3, 'UTC'), us DateTime64(6, 'UTC'), ns DateTime64(9, 'UTC')", ""),
    ("lists.csv", "t, numbers, words, map", "CSVWithNames", "t DateTime('UTC'), numbers Array(Int64), words Array(String), map Map(String, Int64)", ""),
    ("lines.ndjson", "t, l, w, m", "JSONEachRow", "t DateTime('UTC'), l Array(UInt64), w Array(Nullable(String)), m Nullable(Float64)", ""),
    ("array.json", "t, a", "JSONEachRow", "t DateTime('UTC'), a UInt32", ""),
    ("pretty.json", "t, a_b", "JSONEachRow", "t DateTime('UTC'), a Tuple(b Bool)", ""),
    ("compact.ndjson", "c1, c2, c3", "JSONCompactEachRow", "c1 DateTime('UTC'), c2 UInt32, c3 Nullable(String)", ""),
    ("named.ndjson", "t, n", "JSONCompactEachRowWithNames", "t DateTime('UTC'), n UInt32", ""),
    ("map.ndjson", "t, `by`", "JSONEachRow", "t DateTime('UTC'), `by` Map(String, UInt64)", ""),
)
# what is nobody else's to read: question, answer
AS_WRITTEN = (
    ("SELECT sum(preis), sum(anteil) FROM semicolons", [["1243.05", "115"]]),
    ("SELECT sum(bytes), sum(price), sum(share), any(clock), uniqExact(uuid) FROM written WHERE id != 'b'", [["1256789", "5", "12", "06:55 PST", "1"]]),
    ("SELECT sum(internal_rtt_ms), sum(cpu_percent), sum(Grosse), sum(number_of_items), sum(c5), sum(Grosse_2), any(`from`) FROM header", [["21.5", "7.5", "3", "15", "41", "5", "a"]]),
    ("SELECT a_b, a_c_d, o, e_0 FROM lines ORDER BY t", [["1", "x", '[{"k":1}]', "1"], ["2", "y", "[]", "2"]]),
    ("SELECT count(), sum(body_bytes_sent), sum(status), any(remote_user), any(http_referer) FROM combined", [["2", "512", "604", "ann", "http://x/"]]),
    ("SELECT count(), sum(body_bytes_sent), min(time_local) FROM common", [["2", "529", "2024-02-29 12:00:00"]]),
    ("SELECT sum(n), max(level), min(msg) FROM logfmt", [["12", "warn", "a b"]]),
    ("SELECT sum(priority), min(timestamp), any(structured_data) FROM rfc5424 WHERE priority IS NOT NULL", [["199", "2024-02-29 12:00:00.003", '[a@1 k="v"]']]),
    ("SELECT count(), any(app_name), any(procid), min(message) FROM rfc5424 WHERE priority IS NULL", [["2", "app", "1234", "message one"]]),
    ("SELECT count(), sum(id_orig_p), countIf(local), sum(duration), max(length(tags)), max(ts) FROM zeek", [["2", "2469", "1", "0.5", "2", "2023-11-14 22:13:21.000000"]]),
    ("SELECT count(), min(time), max(level), min(message) FROM program", [["2", "2016-12-19 00:00:00.123", "WARN", "hello, world (kafka.x)"]]),
    ("SELECT count(), max(line) FROM words", [["3", "some words are here and more"]]),
)


def open_makes_of_every_kind():
    files = kinds()
    with Case() as c:
        for name, text in files.items():
            c.write(name, text)
        out = c.ok("open", "--once", "--yes", *files)
        assert "combined: 3 read, 2 kept, 1 rejected" in out and "a user agent, on a line of its own" in out, out
        assert out.count(" 0 rejected") == len(files) - 2, out  # one has a reject, and both kinds of syslog are one source
        for name, columns, fmt, structure, settings in AS_CLICKHOUSE:
            ours = c.sql(f"SELECT {columns} FROM weir_raw_{name.split('.')[0]} ORDER BY _offset")
            theirs = columns.replace("a_b", "a.b")
            theirs = c.sql(f"SELECT {theirs} FROM format({fmt}, $${structure}$$, {literal(files[name])})" + (f" SETTINGS {settings}" if settings else ""))
            assert ours == theirs and len(ours) >= 2, (name, ours, theirs)
        for question, answer in AS_WRITTEN:
            assert c.sql(question) == answer, (question, c.sql(question))


def packed_files_are_looked_into():
    text = kinds()["combined.log"].encode()
    for name, data in (("a.gz", gzip.compress(text)), ("a.bz2", bz2.compress(text))):
        with Case() as c:
            c.write(name, data)
            out = c.ok("open", "--once", name)
            assert "a: 3 read, 2 kept, 1 rejected" in out and "FORMAT CombinedLog" in read(c, "a.sql"), out


def read(c, name):
    with open(c.path(name)) as f:
        return f.read()


def a_pasted_network_record_gives_its_sums():
    with open(os.path.join(ROOT, "tests", "scenario", "data", "network-record.tsv")) as f:
        lines = [line.split("\t") for line in f.read().splitlines()]
    at = {name: i for i, name in enumerate(lines[0])}
    number = lambda text: float(text.replace(",", "").replace("%", "").replace("€", "").strip())
    total = lambda name, rows: sum(number(r[at[name]]) for r in rows)
    with Case() as c:
        c.write("network.tsv", "\n".join("\t".join(x) for x in lines) + "\n")
        out = c.ok("open", "--once", "--yes", "network.tsv")
        assert "network: 40 read, 40 kept, 0 rejected" in out and "times of day without a date" in out, out
        by_user = c.sql("SELECT user_id, sum(rows), sum(download_bytes_sum), sum(upload_bytes_sum) FROM network_overview_1d WHERE _set = 'user_id' GROUP BY user_id ORDER BY user_id")
        users = sorted({r[0] for r in lines[1:]})
        assert by_user == [[u, str(len(rows)), "%d" % total("Download bytes", rows), "%d" % total("Upload bytes", rows)]
                           for u in users for rows in [[r for r in lines[1:] if r[0] == u]]], by_user
        got = c.sql("SELECT round(sum(internal_rtt_ms), 6), round(sum(packet_loss), 6), round(sum(Cost), 6), uniqExact(Time), uniqExact(client_mac), uniqExact(client_ip) FROM network")[0]
        wanted = [total("Internal RTT (ms)", lines[1:]), total("Packet loss", lines[1:]), total("Cost", lines[1:])] + [len({r[at[n]] for r in lines[1:]}) for n in ("Time", "Client MAC", "Client IP")]
        assert [round(float(x), 6) for x in got] == [round(x, 6) for x in wanted], (got, wanted)


def a_table_beside_becomes_a_lookup():
    with Case() as c:
        shops = "".join(f"s{i},{('Ghent', 'Turku', 'Malmö')[i % 3]},{i * 10}\n" for i in range(20))
        sales = "".join(f"2024-01-01T00:{i % 60:02d}:00Z,s{i % 20},{i * 7 % 101}\n" for i in range(400))
        c.write("sales.csv", "time,shop,amount\n" + sales)
        c.write("shops.csv", "shop,town,size\n" + shops)
        out = c.ok("open", "--once", "--yes", "sales.csv", "shops.csv")
        assert "sales: 400 read, 400 kept, 0 rejected" in out and "CREATE LOOKUP shops" in read(c, "sales.sql"), out
        got = c.sql("SELECT shop_town, sum(rows), sum(amount_sum) FROM sales_overview_1d WHERE _set = 'shop,shop_town' GROUP BY shop_town ORDER BY shop_town")
        wanted = c.sql(f"SELECT town, count(), sum(amount) FROM format(CSV, 'time String, shop String, amount UInt32', {literal(sales)}) AS s JOIN "
                       f"format(CSV, 'shop String, town String, size UInt32', {literal(shops)}) AS t ON s.shop = t.shop GROUP BY town ORDER BY town")
        assert got == wanted and len(got) == 3, (got, wanted)
        out = c.weir("open", "--once", "sales.csv", "shops.csv")
        assert "no source" not in out.stderr, out.stderr


def empty_files_among_others_are_passed_over():
    with Case() as c:
        c.write("a.csv", "x,y\n1,2\n3,4\n")
        c.write("b.csv", "")
        out = c.ok("open", "--once", "a.csv", "b.csv")
        assert "b.csv is empty: passed over" in out and "a: 2 read" in out, out


def shared(*parts):
    path = os.path.join(SHARED, *parts)
    return [os.path.join(path, n) for n in sorted(os.listdir(path))] if os.path.isdir(path) else [path] if os.path.exists(path) else []


# real files: what is taken, how many are read and kept
REAL = (
    (("http-logs", "apache-combined-2015.log.gz"), "FORMAT CombinedLog", "10,000 read, 9,999 kept, 1 rejected"),
    (("http-logs", "erddap-access.log.5.gz"), "FORMAT CombinedLog", "rejected"),
    (("http-logs", "nginxplus-status-2015.ndjson.zst"), "FORMAT JSONEachRow", "500 read, 500 kept, 0 rejected"),
    (("http-logs", "usagov-clicks-2012-03-16.ndjson.gz"), "FORMAT JSONEachRow", "3,560 read, 3,440 kept, 120 rejected"),
    (("cloudtrail-stratus", "all-events.ndjson.zst"), "FORMAT JSONEachRow", "2,093 read, 2,093 kept, 0 rejected"),
    (("zeek-rita", "proxy-tsv", "conn.log.gz"), "FORMAT Zeek", "463 read, 463 kept, 0 rejected"),
    (("zeek-rita", "json-all-fields", "conn.log"), "FORMAT JSONEachRow", "29 read, 29 kept, 0 rejected"),
    (("flights-bts", "airports.csv"), "FORMAT CSVWithNames", "3,376 read, 3,376 kept, 0 rejected"),
    (("metrics-exathlon", "1_0_100000_15.csv.zst"), "FORMAT CSVWithNames", "2,682 read, 2,682 kept, 0 rejected"),
    (("anomaly-nab", "realTraffic"), "FORMAT CSVWithNames", "0 rejected"),
)


def real_files_are_defined_and_loaded():
    n = 0
    for parts, fmt, said in REAL:
        files = shared(*parts)
        if not files:
            continue
        n += 1
        with Case() as c:
            names = []
            for path in files:
                with open(path, "rb") as f:
                    names.append(os.path.basename(path))
                    c.write(names[-1], f.read())
            out = c.ok("open", "--once", "--yes", *names, timeout=300)
            sql = [x for x in os.listdir(c.dir) if x.endswith(".sql")]
            c.ok("check", "-f", sql[0])
            assert fmt in read(c, sql[0]) and said in out, (parts, out[:3000])
    if n == 0:
        print("      skipped: no real files here")


CASES = [settings_hold_from_end_to_end, times_and_bools_by_settings, types_of_a_header_are_held_to, settings_are_refused_by_name, skipped_lines_are_no_part_of_a_file_that_goes_on,
         open_makes_of_every_kind, packed_files_are_looked_into, a_pasted_network_record_gives_its_sums, a_table_beside_becomes_a_lookup, empty_files_among_others_are_passed_over, real_files_are_defined_and_loaded]

if __name__ == "__main__":
    sys.exit(run(CASES))
