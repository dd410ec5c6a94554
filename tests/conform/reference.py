#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of the reference, as it prints them: functions and types in ClickHouse (weir's side is tests/unit/test_reference.c),
aggregates in a metric and in ClickHouse, formats as a source and, where ClickHouse has them, as its format."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenario"))
sys.path.insert(0, os.path.join(HERE, "..", "differential"))
from realset import is_near
from weirtest import WEIR, Case, StoreError, start_store

EXAMPLE = re.compile(r"\| `((?:[^`\\]|\\.)*)` → `((?:[^`\\]|\\.)*)` \|")
OURS = ("CombinedLog", "CommonLog", "Logfmt", "Syslog", "Zeek")


def page(name):
    r = subprocess.run([WEIR, "help", "--reference", name], capture_output=True, text=True, timeout=20, check=True)
    return r.stdout


def examples(text):
    """(name, expression, answer) of the rows of a page."""
    out = []
    for line in text.splitlines():
        m = EXAMPLE.search(line)
        if m:
            out.append((re.match(r"\| `(-?\w+)", line).group(1), *(x.replace("\\|", "|") for x in m.groups())))
    return out


def answer_of(oracle, sql):
    try:
        return oracle.text(sql + " FORMAT TSVRaw", session_timezone="UTC", max_threads="1")[:-1]
    except StoreError as e:
        return str(e)


def is_right(got, answer):
    got = {"\\N": "NULL", "": "''"}.get(got, got)
    return got == answer or is_near(got, answer)


def plain(oracle, name):
    """A page whose examples are expressions."""
    rows = examples(page(name).split("## Aggregates")[0])
    bad = [(e, a, got) for _, e, a in rows for got in [answer_of(oracle, "SELECT " + e)] if not is_right(got, a)]
    return len(rows), [f"{e}: the reference says {a}, ClickHouse {got}" for e, a, got in bad]


def aggregates(oracle, c):
    text = page("functions").split("## Aggregates")[1]
    columns = re.search(r"requests \((.*)\):", text).group(1)
    data = re.search(r"```json\n(.*?)```", text, re.S).group(1)
    rows = examples(text)
    by_name = {n: (e, a) for n, e, a in rows}
    for alias, name in re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", text, re.M):
        if name in by_name and re.search(rf"\b{name}\(", by_name[name][0]):
            rows.append((alias, re.sub(rf"\b{name}\(", alias + "(", by_name[name][0]), by_name[name][1]))
    c.write("requests.json", data)
    items = ",\n    ".join(f"{e} AS a{i}" for i, (_, e, _) in enumerate(rows))
    c.write("weir.sql", f"SET store = 'embedded:./t.weir';\nCREATE SOURCE requests (time DateTime MATERIALIZED toDateTime('2024-02-29 12:00:00'), {columns})\n"
                        f"FROM FILES 'requests.json' FORMAT JSONEachRow EVENT TIME time;\nCREATE METRIC m AS SELECT {items}\nFROM requests;\n")
    c.ok("run", "--once")
    mine = c.ok("query", "SELECT * FROM m", "--format", "TSV").rstrip("\n").split("\t")
    assert len(mine) == len(rows), (len(mine), len(rows))
    bad = []
    for (name, e, a), got in zip(rows, mine):
        theirs = answer_of(oracle, f"SELECT {e} FROM format(JSONEachRow, '{columns}', $x${data}$x$)")
        if not is_right(got.replace("\\'", "'"), a) or not is_right(theirs, a):
            bad.append(f"{e}: the reference says {a}, weir {got}, ClickHouse {theirs}")
    return len(rows), bad


def formats(oracle):
    bad, sections = [], re.split(r"^## ", page("formats"), flags=re.M)[1:]
    for s in sections:
        name = s.split("\n")[0]
        definition, sample, rows = re.findall(r"```(?:sql|text)\n(.*?)```", s, re.S)
        with Case("SET store = 'embedded:./t.weir';\n" + definition) as c:
            c.write("file", sample)
            r = c.weir("run", "--once")
            got = c.weir("query", "SELECT * FROM s", "--format", "TSV").stdout
            if r.returncode != 0 or got != rows:
                bad.append(f"{name}: the reference says {rows!r}, weir {got!r} {r.stderr}")
        if name in OURS:
            continue
        columns = re.search(r"\((.*)\)\nFROM FILES", definition).group(1)
        names = re.split(r", (?=\w+ )", columns)
        structure = ", ".join(n for n in names if "MATERIALIZED" not in n)
        select = ", ".join(re.sub(r"(\w+) .* MATERIALIZED (.*)", r"\2 AS \1", n) if "MATERIALIZED" in n else n.split(" ")[0] for n in names)
        settings = dict(re.findall(r"(\w+) = '(.*)'", definition))
        settings = {k: v.replace("\\\\", "\\") for k, v in settings.items()}
        structure = re.sub(r"(\w+) (\w+) FROM '(\w+)\.(\w+)'", r"\3 Tuple(\4 \2)", structure)
        select = select.replace("user", "request.user") if "Tuple(" in structure else select
        theirs = oracle.text(f"SELECT {select} FROM format({name}, $x${structure}$x$, $x${sample}$x$) FORMAT TSV", session_timezone="UTC",
                             date_time_input_format="best_effort", format_regexp_escaping_rule="Raw", **settings)
        if theirs != rows:
            bad.append(f"{name}: the reference says {rows!r}, ClickHouse {theirs!r}")
    return len(sections), bad


def main():
    passed, bad = 0, []
    with Case() as c:
        process, oracle = start_store(c.path("o.weir"))
        c.processes.append(process)
        for what, run in (("functions", lambda: plain(oracle, "functions")), ("types", lambda: plain(oracle, "types")),
                          ("aggregates", lambda: aggregates(oracle, c)), ("formats", lambda: formats(oracle))):
            n, wrong = run()
            print(f"{what}: {n} examples, {len(wrong)} wrong", flush=True)
            passed, bad = passed + n - len(wrong), bad + wrong
    for line in bad:
        print("WRONG " + line)
    print(f"{passed} passed, {len(bad)} failed")
    return 1 if bad or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
