#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real sets of logs from files to rows, compared with the store's own reading of the same files. They lie in the
folder data of WEIR_SHARED (zeek-rita, zeek-wrccdc, kafka-broker-logs); a set that is not there is skipped."""
import glob
import gzip
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, run

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DATA = os.path.join(os.environ.get("WEIR_SHARED", os.path.join(ROOT, "..", "shared")), "data")


def is_there(name):
    if os.path.isdir(os.path.join(DATA, name)):
        return True
    print(f"skipped: {DATA}/{name} is not there")
    return False


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


def zeek_rita_loads_as_it_stands():
    if not is_there("zeek-rita"):
        return
    total = 0
    kinds = sorted({os.path.basename(f).split(".")[0] for f in glob.glob(f"{DATA}/zeek-rita/*/*.log.gz")} - {"conn-summary"})
    for kind in kinds:
        for day in ("2024-04-19", "2024-04-20", "proxy-tsv"):
            total += compare_zeek(f"{DATA}/zeek-rita/{day}/{kind}.*gz")
    print(f"{total} records of {len(kinds)} kinds")


def zeek_wrccdc_loads_as_it_stands():
    if not is_there("zeek-wrccdc"):
        return
    total = sum(compare_zeek(f) for f in sorted(glob.glob(f"{DATA}/zeek-wrccdc/tsv/*.log.gz")))
    print(f"{total} records")


def zeek_wrccdc_is_the_same_as_json():
    """The same records written in both forms."""
    if not is_there("zeek-wrccdc"):
        return
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


def kafka_broker_logs_are_cut_by_a_pattern():
    """Lines that are no head of a record (stack traces) are passed over, as ClickHouse does when told so."""
    if not is_there("kafka-broker-logs"):
        return
    pattern = "\\\\[(\\\\d+-\\\\d+-\\\\d+ \\\\d+:\\\\d+:\\\\d+),(\\\\d+)\\\\] (\\\\w+) (.*)"
    settings = f"format_regexp = '{pattern}', format_regexp_skip_unmatched = 1"
    with Case(f"""SET store = 'embedded:./t.weir';
CREATE SOURCE log (t DateTime, ms String, level LowCardinality(String), message String) FROM FILES 'logs/**/*log*' FORMAT Regexp
SETTINGS {settings} EVENT TIME t KEEP FOREVER;
""") as c:
        subprocess.run(f"zstd -dc {DATA}/kafka-broker-logs/*.tar.zst | tar x -C {c.dir}", shell=True, check=True)
        c.ok("run", "--once")
        files = sorted(f for f in glob.glob(f"{c.dir}/logs/**/*log*", recursive=True) if os.path.isfile(f) and os.path.getsize(f))
        of = "count(), sum(toUInt16(ms)), sum(cityHash64(t, ms, toString(level), message))"
        seen, parts = set(), []
        for f in files:
            content = open(f, "rb").read()
            if content not in seen:
                parts.append(f"SELECT * FROM file('{f}', Regexp, 't DateTime(''UTC''), ms String, level String, message String')")
            seen.add(content)
        want = c.sql(f"SELECT {of} FROM (" + " UNION ALL ".join(parts) + f") SETTINGS {settings}, format_regexp_escaping_rule = 'Raw'")
        got = c.sql(f"SELECT {of} FROM log")
        print(f"{got[0][0]} records of {len(parts)} files")
        assert got == want, (got, want)
        assert c.one("SELECT count() FROM weir_rejects") == "0"


if __name__ == "__main__":
    sys.exit(run([zeek_rita_loads_as_it_stands, zeek_wrccdc_loads_as_it_stands, zeek_wrccdc_is_the_same_as_json,
              kafka_broker_logs_are_cut_by_a_pattern]))
