#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions of one's own, streams over several sources, array joins, compound keys: from files to rows and tiers, compared with what
ClickHouse makes of the same files."""
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, run

STORE = "SET store = 'embedded:./t.weir';\nSET epoch_min = '1ms';\n"


def explain(c):
    return c.ok("explain")


def same(c, mine, theirs):
    a, b = c.sql(mine), c.sql(theirs)
    assert a == b, f"{mine}\n  {a[:5]}\n{theirs}\n  {b[:5]}"
    return a


# ---- CREATE FUNCTION ----

FUNCTIONS = """CREATE FUNCTION rate AS (v, w) -> twice(sum(v)) / count(w);
CREATE FUNCTION twice AS x -> x * 2;
CREATE FUNCTION five AS () -> 5;
CREATE FUNCTION shifted AS (x) -> arrayMap(y -> y + x, [1, 2]);
CREATE FUNCTION kind AS (s) -> multiIf(s >= 500, 'bad', s >= 400, 'poor', 'good');
CREATE FUNCTION plus_u AS (x) -> x + u;
"""


def functions_are_written_out_wherever_they_stand():
    source = ("CREATE SOURCE s (t DateTime, u UInt32 DEFAULT five(), y UInt32, k MATERIALIZED kind(u)) FROM FILES '*.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER "
              "ORDER BY (twice(u), t);\n")
    rest = ("CREATE STREAM st KEEP FOREVER AS SELECT t, u, y, twice(y), shifted(y) AS sh, arrayMap(y -> y + plus_u(y), [10]) AS pl FROM s WHERE twice(u) > five();\n"
            "CREATE METRIC m AS SELECT kind(u) AS kk, rate(y, 1) AS r, count() AS n FROM st GROUP BY kk HAVING twice(count()) > 2 EVERY 1 DAY;\n"
            "CREATE METRIC p AS SELECT kind(y), rate(u, y) FROM s GROUP BY GROUPING SETS ((kind(y)), ());\n")
    r = random.Random(3)
    rows = [{"t": 1767225600 + 60 * i, "y": r.randrange(600), **({} if i % 5 == 0 else {"u": r.randrange(600)})} for i in range(2000)]
    with Case(STORE + rest.split("CREATE METRIC")[0].replace("CREATE STREAM", "-- ") + FUNCTIONS + source + rest) as c:
        c.write("in.json", "".join(json.dumps(row) + "\n" for row in rows))
        assert "function twice = x -> x * 2\n" in explain(c)
        c.ok("run", "--once")
        oracle = f"(SELECT t, if(u IS NULL, 5, u) AS u, y FROM file('{c.path('in.json')}', 'JSONEachRow', 't UInt32, u Nullable(UInt32), y UInt32'))"
        same(c, "SELECT toUnixTimestamp(t), u, y, `twice(y)`, sh, pl FROM st ORDER BY t",
             f"SELECT t, u, y, y * 2, [1 + y, 2 + y], [10 + 10 + u] FROM {oracle} WHERE u * 2 > 5 ORDER BY t")
        kind = lambda s: f"multiIf({s} >= 500, 'bad', {s} >= 400, 'poor', 'good')"
        same(c, "SELECT toUnixTimestamp(bucket), kk, r, n FROM m_1d ORDER BY 1, 2",
             f"SELECT intDiv(t, 86400) * 86400, {kind('u')} AS kk, sum(y) * 2 / count(), count() AS n FROM {oracle} WHERE u * 2 > 5 GROUP BY 1, 2 HAVING n * 2 > 2 ORDER BY 1, 2")
        same(c, "SELECT `kind(y)`, `rate(u, y)` FROM p WHERE _set != '' ORDER BY 1", f"SELECT {kind('y')}, sum(u) * 2 / count() FROM {oracle} GROUP BY 1 ORDER BY 1")
        # another body changes what is stored: refused as any change of the metric; the same thing written by hand changes nothing
        text = c.ok("explain")
        c.write("weir.sql", open(c.path("weir.sql")).read().replace("x -> x * 2", "x -> x * 3"))
        r = c.weir("run", "--once")
        assert r.returncode != 0 and "m" in r.stderr, r.stderr
        c.write("weir.sql", STORE + FUNCTIONS + source + rest.replace("HAVING twice(count()) > 2", "HAVING count() * 2 > 2").replace("kind(u) AS kk", kind("u") + " AS kk"))
        c.ok("run", "--once")
        assert "function" in text


if __name__ == "__main__":
    sys.exit(run([functions_are_written_out_wherever_they_stand]))
