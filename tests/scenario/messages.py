#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `weir check` says of wrong definitions: every mistake of a file in one run, each at its place, and nothing that only follows from
another. Each case is definitions and the whole list of what is said, as `line:column text | suggestion`.

messages.py --fill prints what is said now, to be read and put into the table."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, run

# In front of each case, on a line of its own: line 1 of the case is line 2 of the file.
SOURCE = ("CREATE SOURCE s (t DateTime, u UInt32, i Int32, x Float64, z String, n Nullable(Int32), a Array(UInt8), b Array(String), tu Tuple(p UInt8, q String), "
          "m Map(String, UInt8), ip IPv4, d Date) FROM FILES '*.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;\n")


def said(text):
    """The answer of `weir check` as the table writes it."""
    out = []
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        m = re.match(r"weir\.sql:(\d+):(\d+): (error|warning): (.*)$", lines[i])
        i += 1
        if m is None:
            continue
        line, column, kind, words = m.groups()
        if i < len(lines) and re.match(r"(    |  … )", lines[i]) and i + 1 < len(lines) and re.match(r" +\^", lines[i + 1]):
            i += 2
        hint = ""
        while i < len(lines) and lines[i].startswith("    "):
            hint += " | " + lines[i].strip()
            i += 1
        out.append(f"{line}:{column} {'(warning) ' if kind == 'warning' else ''}{words}{hint}")
    return out


def check(c, definitions, *flags):
    c.write("weir.sql", definitions)
    r = c.weir("check", *flags)
    assert r.returncode in (0, 1), (r.returncode, r.stderr)
    return r


# name, definitions, what is said
CASES = [
    ("functions", """CREATE FUNCTION fa AS (x) -> fb(x) + 1; CREATE FUNCTION fb AS (x) -> fc(x); CREATE FUNCTION fc AS (x) -> fa(x);
CREATE FUNCTION me AS (x) -> me(x);
CREATE FUNCTION uses AS (x) -> fa(x);
CREATE FUNCTION lower AS (x) -> x; CREATE FUNCTION sum AS (x) -> x;
CREATE FUNCTION dup AS (x, x) -> x;
CREATE FUNCTION bare AS 5;
CREATE FUNCTION two AS (x, y) -> x + y;
CREATE FUNCTION typo AS (x) -> lowr(x);
CREATE FUNCTION s AS (x) -> x;
CREATE FUNCTION adds AS (x) -> x + z;
CREATE STREAM q AS SELECT fa(u) AS v, two(u) AS w, two(*, u) AS ww, two(u, u)(3) AS w3, me(u) AS me1, adds(u) AS o, adds(1) AS p, typo(z) AS r, bare(3) AS nl FROM s;
CREATE STREAM q2 AS SELECT v FROM q;
CREATE METRIC mm AS SELECT typo(z) AS k, fa(sum(u)) AS c, count() FROM s GROUP BY k HAVING two(count()) > 3;
CREATE METRIC m2 AS SELECT two(sum(u), count()) AS k, two(z, u) AS v FROM s GROUP BY v;""", [
        "2:17 function 'fa' is defined by itself: fa → fb → fc → fa | a function cannot call itself, nor those that call it",
        "3:17 function 'me' is defined by itself: me → me | a function cannot call itself, nor those that call it",
        "5:17 'lower' is a function of ClickHouse's | give it another name",
        "5:52 'sum' is a function of ClickHouse's | give it another name",
        "6:28 parameter 'x' stands twice | give each parameter a name of its own",
        "7:25 expected the function's parameters and '->' | write (x, y) -> …; without parameters () -> …",
        "9:32 unknown function 'lowr' | did you mean 'lower'?",
        "10:17 s is defined already at weir.sql:1:15",
        "11:36 argument 2 of 'plus' is String, expected a number",
        "12:39 'two' takes (x, y), not 1 argument",
        "12:56 '*' cannot stand here",
        "12:69 'two' takes no parameters and no DISTINCT",
        "14:92 'two' takes (x, y), not 1 argument",
        "15:59 argument 1 of 'plus' is String, expected a number",
    ]),
]


def every_mistake_is_said_once_at_its_place():
    with Case("") as c:
        for name, text, expected in CASES:
            r = check(c, SOURCE + text + "\n")
            got = said(r.stderr)
            assert got == expected, name + ":\n" + "\n".join(f"  {g}" for g in got) + "\nexpected\n" + "\n".join(f"  {g}" for g in expected)
            assert (r.returncode == 1) == any("(warning)" not in e for e in expected), name


def fill():
    with Case("") as c:
        for name, text, expected in CASES:
            got = said(check(c, SOURCE + text + "\n").stderr)
            print(f"# {name}{'' if got == expected else '  (differs)'}")
            for line in got:
                print("        " + json.dumps(line, ensure_ascii=False) + ",")


if __name__ == "__main__":
    if sys.argv[1:] == ["--fill"]:
        fill()
        sys.exit(0)
    sys.exit(run([every_mistake_is_said_once_at_its_place]))
