# SPDX-License-Identifier: Apache-2.0
"""Zeek's logs, TSV and JSON: every log of every kind with all its columns, then metrics over the ones people ask, and countries of addresses."""
import glob
import gzip
import json
import os
import re
import shutil
import subprocess

from realset import DATA, ORACLE, Metric, RealSet, is_near, need
from weirtest import ROOT, Case


def zeek_type(t):
    if t.startswith(("set[", "vector[")):
        return f"Array({zeek_type(t[t.index('[') + 1:-1])})".replace("Nullable(", "").replace("))", ")")
    return {"time": "Nullable(DateTime64(6))", "count": "Nullable(UInt64)", "int": "Nullable(Int64)", "port": "Nullable(UInt16)",
            "double": "Nullable(Float64)", "interval": "Nullable(Float64)", "bool": "Nullable(Bool)"}.get(t, "Nullable(String)")


def zeek_header(path):
    head = {}
    with gzip.open(path, "rt", errors="replace") as f:
        for line in f:
            if not line.startswith("#"):
                break
            name, *values = line.rstrip("\n").split("\t")
            head[name] = values
    return list(zip(head.get("#fields", []), head.get("#types", [])))


def zeek_sums(columns, cell):
    """One checksum a column; cell(i): the column's text as it stands in the file."""
    mine, theirs = [], []
    for i, (_, t) in enumerate(columns):
        raw, name = cell(i), f"c{i}"
        there = f"{raw} != '-'"
        length = f"length(replaceRegexpAll({raw}, '\\\\\\\\\\\\\\\\|\\\\\\\\x[0-9a-f][0-9a-f]', '_'))"
        if t.startswith(("set[", "vector[")):
            mine.append(f"sum(length({name}))")
            theirs.append(f"sumIf(length(splitByChar(',', {raw})), {there} AND {raw} != '(empty)')")
        elif t == "time":
            mine.append(f"sum(ifNull(toUnixTimestamp64Micro({name}), 0))")
            theirs.append(f"sumIf(toInt64OrZero(replaceOne({raw}, '.', '')), {there})")
        elif t in ("count", "int", "port"):
            mine.append(f"sum(ifNull({name}, 0))")
            theirs.append(f"sumIf(toInt64OrZero({raw}), {there})")
        elif t in ("double", "interval"):
            mine.append(f"sum(ifNull(round({name} * 1000000), 0))")
            theirs.append(f"sumIf(round(toFloat64OrZero({raw}) * 1000000), {there})")
        elif t == "bool":
            mine.append(f"countIf({name})")
            theirs.append(f"countIf({raw} = 'T')")
        else:
            mine.append(f"sum(length(ifNull({name}, '')))")
            theirs.append(f"sumIf({length}, {there} AND {raw} != '(empty)')")
        if not t.startswith(("set[", "vector[")):
            mine.append(f"countIf({name} IS NULL)")
            theirs.append(f"countIf({raw} = '-')")
    return mine, theirs


def compare_zeek(pattern):
    """All logs of one kind: loaded with every column, no rejects, equal sums."""
    files = [f for f in sorted(glob.glob(pattern)) if zeek_header(f)]
    layouts = {}
    for f in files:
        layouts.setdefault(tuple(zeek_header(f)), []).append(f)
    n_all = 0
    for columns, group in layouts.items():
        names = "ts" if columns[0][0] == "ts" else next(c for c, t in columns if t == "time")
        defs = ", ".join(f"c{i} {zeek_type(t)} FROM '{n}'" for i, (n, t) in enumerate(columns))
        event = next(f"c{i}" for i, (n, _) in enumerate(columns) if n == names)
        sources = ", ".join(f"'{f}'" for f in group)
        with Case(f"SET store = 'embedded:./t.weir';\nCREATE SOURCE s ({defs}) FROM FILES {sources} FORMAT Zeek\n"
                  f"EVENT TIME {event} KEEP FOREVER;\n") as c:
            c.ok("run", "--once")
            mine, theirs = zeek_sums(columns, lambda i: f"f[{i + 1}]")
            got = c.sql("SELECT count(), " + ", ".join(mine) + " FROM s")[0]
            parts = " UNION ALL ".join(f"SELECT line FROM file('{f}', LineAsString, 'line String')" for f in group)
            want = c.sql("SELECT count(), " + ", ".join(theirs) +
                         f" FROM (SELECT splitByChar('\\t', line) AS f FROM ({parts}) WHERE NOT startsWith(line, '#'))")[0]
            assert got == want, [(n, g, w) for n, g, w in zip(["count", *mine], got, want) if g != w]
            assert c.one("SELECT count() FROM weir_rejects") == "0"
            n_all += int(got[0])
    return n_all


def rita_kinds(days):
    """How many records of how many kinds; conn-summary is a report, not a log."""
    need("zeek-rita/2024-04-19")
    kinds = sorted({os.path.basename(f).split(".")[0] for f in glob.glob(f"{DATA}/zeek-rita/*/*.log.gz")} - {"conn-summary"})
    total = sum(compare_zeek(f"{DATA}/zeek-rita/{day}/{kind}.*gz") for kind in kinds for day in days)
    return f"{total} records of {len(kinds)} kinds"


def zeek_rita_all_kinds():
    return rita_kinds(("2024-04-19", "2024-04-20", "proxy-tsv"))


def zeek_rita_part():
    return rita_kinds(("proxy-tsv",))


def zeek_wrccdc_tsv():
    need("zeek-wrccdc/tsv")
    return f"{sum(compare_zeek(f) for f in sorted(glob.glob(f'{DATA}/zeek-wrccdc/tsv/*.log.gz')))} records"


def zeek_wrccdc_is_the_same_as_json():
    """The same records written in both forms."""
    need("zeek-wrccdc/tsv")
    columns = """ts DateTime64(6), uid Nullable(String), client Nullable(String) FROM 'id.orig_h', port Nullable(UInt16) FROM 'id.orig_p',
        query Nullable(String), rtt Nullable(Float64), qclass Nullable(UInt64), aa Nullable(Bool) FROM 'AA', rd Nullable(Bool) FROM 'RD',
        rcode Nullable(String) FROM 'rcode_name', answers Array(String), ttls Array(Float64) FROM 'TTLs'"""
    json_columns = columns.replace("'id.orig_h'", "'\"id.orig_h\"'").replace("'id.orig_p'", "'\"id.orig_p\"'")
    with Case(f"""SET store = 'embedded:./t.weir';
CREATE SOURCE tsv ({columns}) FROM FILES '{DATA}/zeek-wrccdc/tsv/dns.log.gz' FORMAT Zeek EVENT TIME ts KEEP FOREVER;
CREATE SOURCE json ({json_columns}) FROM FILES '{DATA}/zeek-wrccdc/json/dns.json.gz' FORMAT JSONEachRow EVENT TIME ts KEEP FOREVER;
""") as c:
        c.ok("run", "--once")
        n = c.one("SELECT count() FROM tsv")
        assert n == c.one("SELECT count() FROM json") and int(n) > 50000, n
        of = "ts, uid, client, port, query, round(rtt, 6), qclass, aa, rd, rcode, answers, ttls"
        assert c.one(f"SELECT count() FROM (SELECT {of} FROM tsv EXCEPT SELECT {of} FROM json)") == "0"
        assert c.one(f"SELECT count() FROM (SELECT {of} FROM json EXCEPT SELECT {of} FROM tsv)") == "0"
        assert c.one("SELECT count(rtt) FROM tsv") == c.one("SELECT count(rtt) FROM json") == "39677"
        return f"{n} records"


def json_columns(oracle, path):
    """The columns of a file as ClickHouse infers them: (name, type)."""
    rows = oracle.rows(f"DESCRIBE file('{path}', JSONEachRow)", input_format_try_infer_datetimes="0", input_format_try_infer_dates="0",
                       input_format_max_rows_to_read_for_schema_inference="1000000")
    return [(r[0], r[1]) for r in rows]


def zeek_wrccdc_json():
    """All 32 kinds of event in one definitions file, every key of every kind a column."""
    need("zeek-wrccdc/json/dns.json.gz")
    files = sorted(glob.glob(f"{DATA}/zeek-wrccdc/json/*.json.gz"))
    with RealSet("") as probe:
        columns = {f: json_columns(probe.oracle, f) for f in files}
    definitions = ""
    for f in files:
        kind = os.path.basename(f).split(".")[0]
        fields = ", ".join(f"c{i} {t} FROM '\"{n}\"'" for i, (n, t) in enumerate(columns[f]))
        at = next(f"c{i}" for i, (n, _) in enumerate(columns[f]) if n == "_write_ts")
        definitions += (f"CREATE SOURCE {kind} ({fields})\nFROM FILES '{f}' FORMAT JSONEachRow "
                        f"EVENT TIME parseDateTime64BestEffort(assumeNotNull({at}), 6) KEEP FOREVER;\n")
    with RealSet(definitions) as s:
        books = s.load()
        n_timeless = 0  # the list of scripts, written before the clock of the packets began: 1970, which is no event time
        for f in files:
            names = ", ".join(f"c{i}" for i in range(len(columns[f])))
            reading = ", ".join(f"`{n}` AS c{i}" for i, (n, _) in enumerate(columns[f]))
            read = f"file('{f}', JSONEachRow, '{', '.join(f'`{n}` {t}' for n, t in columns[f])}')"
            kind, timeless = os.path.basename(f).split(".")[0], "ifNull(`_write_ts` < '1971', 1)"
            expected = int(s.oracle.rows(f"SELECT countIf({timeless}) FROM {read}")[0][0])
            got = s.sql(f"SELECT count(), countIf(reason LIKE '%before 1971%') FROM weir_rejects WHERE source = '{kind}'")[0]
            assert got == [str(expected)] * 2, (kind, expected, got)
            n_timeless += expected
            s.same_rows(f"SELECT {names} FROM {kind}", f"SELECT {reading} FROM {read} WHERE NOT {timeless}", kind)
        assert books == (s.n_compared + n_timeless, s.n_compared, n_timeless) and len(files) == 32, (books, s.n_compared)
        return f"{s.n_compared} events of {len(files)} kinds, {sum(map(len, columns.values()))} columns; {n_timeless} rejects, whose time is 1970"


def zeek_wrccdc_metrics():
    """Event time and arrival, DNS answers, round trips."""
    f = need("zeek-wrccdc/json/dns.json.gz")
    keys = {"ts": "DateTime64(6)", "_write_ts": "DateTime64(6)", "id.orig_h": "IPv4", "query": "String", "qtype_name": "String", "rcode_name": "Nullable(String)",
            "rtt": "Nullable(Float64)", "answers": "Array(String)", "TTLs": "Array(Float64)", "rejected": "Bool"}
    names = {"ts": "ts", "_write_ts": "arrived", "id.orig_h": "client", "query": "query", "qtype_name": "qtype", "rcode_name": "rcode", "rtt": "rtt", "answers": "answers",
             "TTLs": "ttls", "rejected": "rejected"}
    derived = """*, topLevelDomain(concat('http://', query)) AS top, dateDiff('millisecond', ts, arrived) AS late, length(answers) AS n_answers,
        arrayExists(a -> isIPv4String(a), answers) AS has_address, if(notEmpty(ttls), arrayMin(ttls), NULL) AS ttl"""
    fields = ", ".join("%s %s FROM '%s'" % (names[k], t, '"' + k + '"') for k, t in keys.items())
    definitions = f"CREATE SOURCE dns ({fields})\nFROM FILES '{f}' FORMAT JSONEachRow EVENT TIME ts KEEP FOREVER;\nCREATE STREAM asked AS SELECT {derived} FROM dns WHERE query != '';\n"
    metrics = (Metric("names", "asked", [("qtype", "qtype"), ("rcode", "rcode"), ("top", "top")],
                      [("queries", "count()"), ("clients", "uniqExact(client)"), ("names", "uniqCombined(query)"), ("rtt", "quantilesDD(0.01, 0.5, 0.95, 0.99)(rtt)"), ("answers", "sum(n_answers)"),
                       ("with_address", "countIf(has_address)"), ("ttl", "min(ttl)"), ("late", "quantileExact(0.9)(late)"), ("refused", "sum(rejected)"), ("n_ttls", "sumArray(ttls)")],
                      sets=(("qtype", "rcode"), ("top",), ()), tiers=("1 MINUTE", "5 MINUTES", "1 HOUR"), zone="Asia/Kolkata"),)
    with RealSet(definitions, metrics) as s:
        books = s.load()
        structure = ", ".join(f"`{k}` {t}" for k, t in keys.items()).replace("DateTime64(6)", "DateTime64(6, \\'UTC\\')")
        s.table("dns", f"SELECT {', '.join(f'`{k}` AS {names[k]}' for k in keys)} FROM file('{f}', JSONEachRow, '{structure}')")
        s.table("asked", f"SELECT {derived} FROM dns WHERE query != ''")
        s.same_rows("SELECT * EXCEPT(arrived), arrived FROM dns", "SELECT * EXCEPT(arrived), arrived FROM dns")
        assert books[2] == 0 and books[0] == 53615, books
        s.same_metrics("asked", "ts")
        return f"{s.n_compared} rows"


CONN = {"ts": ("DateTime64(6)", "time"), "uid": ("String", "id"), "id.orig_h": ("IPv6", "client"), "id.resp_p": ("UInt16", "port"), "proto": ("LowCardinality(String)", "proto"),
        "service": ("Nullable(String)", "service"), "duration": ("Nullable(Float64)", "duration"), "orig_bytes": ("Nullable(UInt64)", "up"), "resp_bytes": ("Nullable(UInt64)", "down"),
        "conn_state": ("LowCardinality(String)", "state"), "history": ("Nullable(String)", "history"), "missed_bytes": ("UInt64", "missed"), "orig_pkts": ("UInt64", "packets")}


def tsv_table(s, name, files, fields):
    """The oracle's table of a Zeek log whose files all have the same columns."""
    header = [n for n, _ in zeek_header(files[0])]
    cells = []
    for key, (t, column) in fields.items():
        raw = f"f[{header.index(key) + 1}]"
        if t.startswith("DateTime64"):
            cells.append(f"toDateTime64({raw}, 6, 'UTC') AS {column}")
        elif t in ("String", "Nullable(String)"):  # escapes are \\xHH and two backslashes
            text = (f"multiIf({raw} = '(empty)', '', position({raw}, '\\\\') = 0, {raw}, arrayStringConcat(arrayMap(x -> multiIf(startsWith(x, '\\\\x'), "
                    f"unhex(substring(x, 3)), startsWith(x, '\\\\'), substring(x, 2), x), extractAll({raw}, '\\\\\\\\x[0-9a-f][0-9a-f]|\\\\\\\\.|[^\\\\\\\\]+'))))")
            cells.append(f"if({raw} = '-', NULL, {text}) AS {column}" if t != "String" else f"{text} AS {column}")
        elif t.startswith("Nullable("):
            cells.append(f"if({raw} = '-', NULL, CAST({raw} AS {t[9:-1]})) AS {column}")
        elif t.startswith("Array("):
            cells.append(f"if({raw} IN ('-', '(empty)'), [], splitByChar(',', {raw}))::{t} AS {column}")
        elif t == "IPv6":
            cells.append(f"toIPv6({raw}) AS {column}")
        else:
            cells.append(f"CAST({raw} AS {t.replace('LowCardinality(String)', 'String')}) AS {column}")
    parts = " UNION ALL ".join(f"SELECT line FROM file('{f}', LineAsString, 'line String')" for f in files)
    s.table(name, f"SELECT {', '.join(cells)} FROM (SELECT splitByChar('\\t', line) AS f FROM ({parts}) WHERE NOT startsWith(line, '#'))")


def zeek_rita_metrics():
    """Connections of a public server: starts out of order (a record is written when its connection ends), hourly files."""
    need("zeek-rita/2024-04-19")
    files = sorted(glob.glob(f"{DATA}/zeek-rita/2024-04-*/conn.*.log.gz"))
    fields = ", ".join(f"{c} {t} FROM '{k}'" for k, (t, c) in CONN.items())
    derived = """*, multiIf(port IN (80, 443), 'web', port = 22, 'ssh', port = 53, 'dns', port < 1024, 'low', 'high') AS class,
        if(ifNull(duration, 0) > 0, (ifNull(up, 0) + ifNull(down, 0)) / duration, NULL) AS rate,
        countSubstrings(ifNull(history, ''), 'g') + countSubstrings(ifNull(history, ''), 't') AS gaps, state IN ('S0', 'REJ', 'RSTO') AS is_failed"""
    definitions = (f"CREATE SOURCE conn ({fields})\nFROM FILES '{DATA}/zeek-rita/2024-04-*/conn.*.log.gz' FORMAT Zeek EVENT TIME time KEEP FOREVER;\n"
                   f"CREATE STREAM flows AS SELECT {derived} FROM conn WHERE proto != 'icmp';\n")
    metrics = (Metric("flow", "flows", [("class", "class"), ("state", "state"), ("port", "port")],
                      [("connections", "count()"), ("clients", "uniqExact(client)"), ("clients_hll", "uniqHLL12(client)"), ("up", "sum(up)"), ("down", "sum(down)"), ("failed", "countIf(is_failed)"),
                       ("seconds", "quantilesDD(0.01, 0.5, 0.95)(duration)"), ("rate", "max(rate)"), ("gaps", "sum(gaps)"), ("missed", "sum(missed)"), ("services", "arraySort(groupUniqArray(service))"),
                       ("timing", "quantilesTiming(0.5, 0.9)(packets)")],
                      sets=(("class", "state"), ("port",), ("class",), ()), tiers=("5 MINUTES", "1 HOUR", "1 DAY"), zone="America/New_York"),
               Metric("clients", "flows", [("client", "client")], [("connections", "count()"), ("first", "min(time)"), ("last", "max(time)"), ("ports", "groupBitmap(port)"), ("down", "sum(down)")], tiers=None))
    with RealSet(definitions, metrics) as s:
        books = s.load()
        tsv_table(s, "conn", files, CONN)
        columns = ", ".join(f"toString({c})" if "LowCardinality" in t else c for t, c in CONN.values())
        s.same_rows(f"SELECT {columns} FROM conn", f"SELECT {columns} FROM conn")
        assert books == (70440, 70440, 0), books
        s.table("flows", f"SELECT {derived} FROM conn WHERE proto != 'icmp'")
        s.same_metrics("flows", "time")
        return f"{s.n_compared} rows"


def zeek_rita_http_json():
    """A lab's HTTP requests as JSON lines."""
    f = need("zeek-rita/lab-http-json/http.log.gz")
    with RealSet("") as probe:
        columns = json_columns(probe.oracle, f)
    fields = ", ".join("c%d %s FROM '%s'" % (i, t, '"' + n + '"') for i, (n, t) in enumerate(columns))
    at = next(f"c{i}" for i, (n, _) in enumerate(columns) if n == "ts")
    time = f"fromUnixTimestamp64Micro(toInt64(round(assumeNotNull({at}) * 1000000)), 'UTC')" if dict(columns)["ts"] == "Nullable(Float64)" else f"parseDateTime64BestEffort(assumeNotNull({at}), 6)"
    column = {n: f"c{i}" for i, (n, _) in enumerate(columns)}
    metrics = (Metric("web", "http", [("host", f"assumeNotNull({column['host']})"), ("status", f"intDiv({column['status_code']}, 100)"), ("method", column["method"])],
                      [("requests", "count()"), ("clients", f"uniqExact({column['id.orig_h']})"), ("uris", f"uniq({column['uri']})"), ("bytes", f"sum({column['response_body_len']})"),
                       ("agents", f"uniqCombined64({column['user_agent']})"), ("size", f"quantilesDD(0.01, 0.5, 0.99)({column['response_body_len']})")],
                      sets=(("host",), ("method", "status"), ()), tiers=("1 HOUR", "1 DAY")),)
    with RealSet(f"CREATE SOURCE http ({fields})\nFROM FILES '{f}' FORMAT JSONEachRow EVENT TIME {time} KEEP FOREVER;\n", metrics) as s:
        books = s.load()
        names = ", ".join(f"c{i}" for i in range(len(columns)))
        s.table("http", f"SELECT {', '.join(f'`{n}` AS c{i}' for i, (n, _) in enumerate(columns))} FROM file('{f}', JSONEachRow, '{', '.join(f'`{n}` {t}' for n, t in columns)}')")
        s.same_rows(f"SELECT {names} FROM http", f"SELECT {names} FROM http")
        assert books == (27204, 27204, 0), books
        s.same_metrics("http", time)
        return f"{s.n_compared} rows, {len(columns)} columns"


def zeek_rita_geoip():
    """Every client of two days in two real databases, against what another reader found there."""
    need("zeek-rita/2024-04-19")
    answers = need("geoip/expected-lookups.ndjson.gz")
    with RealSet("") as s:
        definitions = ""
        for name, file in (("dbip", "dbip-country-2026-06-01"), ("whois", "geo-whois-asn-country-2026-06-17")):
            subprocess.run(["zstd", "-dqfo", s.path(f"{name}.mmdb"), f"{DATA}/geoip/{file}.mmdb.zst"], check=True)
            definitions += f"CREATE LOOKUP {name} FROM GEOIP '{name}.mmdb';\n"
        s.write("weir.sql", f"""SET store = 'embedded:./t.weir';
{definitions}CREATE SOURCE conn (time DateTime64(6) FROM 'ts', client IPv6 FROM 'id.orig_h', server IPv6 FROM 'id.resp_h', down Nullable(UInt64) FROM 'resp_bytes')
FROM FILES '{DATA}/zeek-rita/2024-04-*/conn.*.log.gz' FORMAT Zeek EVENT TIME time;
CREATE STREAM placed KEEP FOREVER AS SELECT time, client, down, dbip.country_code(client) AS country, whois.country_code(client) AS registry, dbip.country_code(server) AS server_country FROM conn;
CREATE METRIC countries AS SELECT country, registry, count() AS connections, uniqExact(client) AS clients, sum(down) AS down FROM placed
GROUP BY GROUPING SETS ((country), (registry), ()) EVERY 1 HOUR, 1 DAY;
""")
        books = s.load()
        assert books == (70440, 70440, 0), books
        got = {r[0]: r[1:] for r in s.sql("SELECT replaceOne(toString(client), '::ffff:', ''), any(country), any(registry), uniqExact(country, registry) FROM placed GROUP BY client")}
        with gzip.open(answers, "rt") as f:
            expected = {r["ip"]: [(r[k] or {}).get("country_code", "\\N") if r[k] else "\\N" for k in ("dbip_country", "whois_country")] for r in map(json.loads, f)}
        bad = [(ip, got[ip], expected.get(ip)) for ip in got if got[ip][:2] != expected.get(ip)]
        assert not bad and len(got) > 11000, (len(got), len(bad), bad[:5])
        columns = "_set, toString(bucket) AS at, country, registry, connections, clients, down"
        mine = s.sql(f"SELECT {columns} FROM countries_1h ORDER BY ALL")
        parts = [f"SELECT '{n}' AS _set, toStartOfHour(toDateTime(time)) AS bucket, {a} AS country, {b} AS registry, count() AS connections, uniqExact(client) AS clients, sum(down) AS down FROM placed GROUP BY ALL"
                 for n, a, b in (("country", "country", "NULL"), ("registry", "NULL", "registry"), ("", "NULL", "NULL"))]
        assert mine == s.sql(f"SELECT {columns} FROM ({' UNION ALL '.join(parts)}) ORDER BY ALL")
        return f"{len(got)} addresses in two databases, {len(mine)} rows of countries"


def zeek_example():
    """examples/zeek as it stands: ClickHouse runs the same functions, streams and SELECTs over the same logs."""
    need("zeek-rita/2024-04-19")
    with open(os.path.join(ROOT, "examples", "zeek", "zeek.sql")) as f:
        text = re.sub(r"\s*--.*", "", f.read())
    statements = [t.strip() for t in text.split(";") if t.strip()]
    with RealSet("") as s:
        s.write("weir.sql", text)
        os.symlink(f"{DATA}/zeek-rita", s.path("logs"))
        shutil.copy(os.path.join(ROOT, "examples", "zeek", "networks.csv"), s.path("networks.csv"))
        books = s.load()
        for t in statements:
            words = t.split(None, 4)
            if words[1] == "SOURCE":
                files = sorted(glob.glob(s.path(re.search(r"FROM FILES '(.*?)'", t).group(1))))
                block = re.search(r"\((.*)\)\nFROM FILES", t, re.S).group(1)
                columns = re.findall(r"^    (\w+)\s+(.*?)(?:\s+FROM '(.*?)')?,?$", block, re.M)
                tsv_table(s, words[2], files, {key or name: (re.sub(r"LowCardinality\((.*)\)", r"\1", kind), name) for name, kind, key in columns})
            elif words[1] == "LOOKUP":
                s.table("nets", f"SELECT * FROM file('{s.path('networks.csv')}', CSVWithNames, 'net String, name String')")
                s.oracle.text("CREATE DICTIONARY networks (net String, name String) PRIMARY KEY net SOURCE(CLICKHOUSE(TABLE 'nets' DB 'default')) LAYOUT(IP_TRIE) LIFETIME(0)")
            elif words[1] == "FUNCTION":
                s.oracle.text(t)
            elif words[1] == "STREAM":
                s.table(words[2], re.sub(r"networks\.name\(", "dictGetOrNull('default.networks', 'name', ", t.split(" AS\n", 1)[1]))
            elif words[1] == "METRIC":
                compare_example_metric(s, words[2], t.split(" AS\n", 1)[1])
        assert books[2] == 0 and books[0] > 80000, books
        return f"{s.n_compared} rows of {len(statements)} statements"


def compare_example_metric(s, name, select):
    body, tiers = (select.split("\nEVERY ") + [None])[:2]
    names = [r[0] for r in s.sql(f"DESCRIBE {name + '_1h' if tiers else name}") if r[0] not in ("bucket", "_set")]
    if tiers:
        body = body.replace("SELECT ", "SELECT toDateTime(toStartOfHour(toDateTime(time, 'UTC')), 'UTC') AS bucket, ", 1)
        body = re.sub(r"GROUPING SETS \((.*)\)$", lambda m: "GROUPING SETS (" + m.group(1).replace("(", "(bucket, ").replace("(bucket, )", "(bucket)") + ")", body)
        body = re.sub(r"GROUP BY (?!GROUPING)", "GROUP BY bucket, ", body)
    columns = ", ".join((["toString(bucket)"] if tiers else []) + [f"toString({n})" if n in re.findall(r"\w+", body.split("GROUP BY")[1]) else n for n in names])
    got = s.sql(f"SELECT {columns} FROM {name + '_1h' if tiers else name} ORDER BY ALL")
    want = s.oracle.rows(f"SELECT {columns} FROM ({body}) ORDER BY ALL", **dict(ORACLE, group_by_use_nulls="1"))
    bad = [(g, w) for g, w in zip(got, want) if not all(map(is_near, g, w))]
    assert len(got) == len(want) and got and not bad, (name, len(got), len(want), bad[:3])
    s.n_compared += len(got)


CASES = [zeek_rita_all_kinds, zeek_rita_metrics, zeek_rita_http_json, zeek_wrccdc_tsv, zeek_wrccdc_is_the_same_as_json, zeek_wrccdc_json, zeek_wrccdc_metrics, zeek_rita_geoip, zeek_example]
PARTS = [zeek_rita_part]
