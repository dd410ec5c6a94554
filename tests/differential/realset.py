# SPDX-License-Identifier: Apache-2.0
"""A real set through weir beside ClickHouse's own reading of the same bytes. The oracle is a second weir-store: its tables
hold what `file(…)` reads there, its answers are plain SELECTs over them. A metric is written once, as data, and becomes both
the definition that weir runs and the GROUP BY that it must equal."""
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenario"))
from weirtest import Case, ROOT, StoreError, start_store

DATA = os.path.join(os.path.abspath(os.environ.get("WEIR_SHARED", os.path.join(ROOT, "..", "shared"))), "data")
SUFFIX = {"1 MINUTE": "1m", "5 MINUTES": "5m", "1 HOUR": "1h", "1 DAY": "1d", "1 MONTH": "1mo"}
ORACLE = {"date_time_input_format": "best_effort", "max_threads": "2", "input_format_null_as_default": "1",
          "input_format_column_name_matching_mode": "match_case",
          "prefer_column_name_to_alias": "1"}  # sum(bytes) AS bytes beside max(bytes): the column, as in definitions


class Skipped(Exception):
    """The data of a case is not there."""


def need(name):
    path = os.path.join(DATA, name)
    if not os.path.exists(path):
        raise Skipped(f"{path} is not there")
    return path


class Metric:
    """keys and measures: (name, expression); sets: tuples of key names, None: plain GROUP BY of all keys."""

    def __init__(self, name, source, keys, measures, sets=None, tiers=("1 HOUR", "1 DAY"), where=None, zone="UTC"):
        self.name, self.source, self.keys, self.measures = name, source, keys, measures
        self.sets, self.tiers, self.where, self.zone = sets, tiers, where, zone

    def definition(self):
        items = [e if e == n else f"{e} AS {n}" for n, e in self.keys + self.measures]
        groups = [f"({', '.join(s)})" for s in self.sets] if self.sets is not None else []
        by = f"GROUPING SETS ({', '.join(groups)})" if groups else ", ".join(n for n, _ in self.keys)
        every = f"\nEVERY {', '.join(f'{t} KEEP FOREVER' for t in self.tiers)} TIME ZONE '{self.zone}'" if self.tiers else " KEEP FOREVER"
        return (f"CREATE METRIC {self.name} AS SELECT {', '.join(items)}\nFROM {self.source}" + (f" WHERE {self.where}" if self.where else "") +
                (f" GROUP BY {by}" if by else "") + every + ";\n")

    def views(self):
        return [(f"{self.name}_{SUFFIX[t]}", t) for t in self.tiers] if self.tiers else [(self.name, None)]

    def outer(self, tier):
        first = (["_set"] if self.sets is not None else []) + (["toString(bucket) AS at"] if tier else [])
        return ", ".join(first + [f"toString({n}) AS k{i}" for i, (n, _) in enumerate(self.keys)] + [n for n, _ in self.measures])

    def n_leading(self, tier):
        return len(self.keys) + (self.sets is not None) + (tier is not None)

    def expected(self, table, time, tier):
        """One SELECT per set, so that nothing depends on the other side's GROUPING SETS."""
        parts = []
        for s in self.sets if self.sets is not None else [tuple(n for n, _ in self.keys)]:
            columns = [f"'{','.join(s)}' AS _set"] if self.sets is not None else []
            if tier:
                columns.append(f"toDateTime(toStartOfInterval(toDateTime({time}, '{self.zone}'), INTERVAL {tier}, '{self.zone}'), '{self.zone}') AS bucket")
            columns += [f"{e} AS {n}" if n in s else f"NULL AS {n}" for n, e in self.keys]
            by = (["bucket"] if tier else []) + list(s)
            parts.append(f"SELECT {', '.join(columns)}, {', '.join(f'{e} AS {n}' for n, e in self.measures)} FROM {table}" +
                         (f" WHERE {self.where}" if self.where else "") + (f" GROUP BY {', '.join(by)}" if by else ""))
        return f"SELECT {self.outer(tier)} FROM ({' UNION ALL '.join(parts)})"


def is_near(a, b):
    if a == b:
        return True
    if a.startswith("[") and b.startswith("["):
        x, y = a[1:-1].split(","), b[1:-1].split(",")
        return len(x) == len(y) and all(map(is_near, x, y))
    try:
        return math.isclose(float(a), float(b), rel_tol=1e-12, abs_tol=1e-300) or (math.isnan(float(a)) and math.isnan(float(b)))
    except ValueError:
        return False


class RealSet(Case):
    """Definitions over real files, loaded once, and an oracle."""

    def __init__(self, definitions, metrics=()):
        super().__init__("SET store = 'embedded:./t.weir';\n" + definitions + "".join(m.definition() for m in metrics))
        self.metrics, self.n_compared = metrics, 0
        process, self.oracle = start_store(self.path("o.weir"))
        self.processes.append(process)

    def load(self, timeout=900):
        """Reads everything; (read, kept, rejected)."""
        r = self.weir("run", "--once", timeout=timeout)
        if r.returncode != 0:
            why = self.weir("query", "SELECT reason, count(), any(substring(record, 1, 200)) FROM weir_rejects GROUP BY reason").stdout
            raise AssertionError(f"weir run --once -> {r.returncode}\n{r.stderr[-2000:]}\n{why}")
        read, kept, rejected = self.sql("SELECT sum(read), sum(kept), sum(rejected) FROM weir_ledger WHERE kind = 'partition'")[0]
        return int(read), int(kept), int(rejected)

    def table(self, name, select, **settings):
        self.oracle.text(f"CREATE TABLE {name} ENGINE = Memory AS {select}", **dict(ORACLE, **settings))

    def same_rows(self, mine, theirs, what="rows"):
        """Exactly the same rows, as multisets: count and a sum of hashes; on a difference the first rows that differ."""
        digest = "SELECT count(), sum(cityHash64(*)) FROM ({})"
        got, want = self.sql(digest.format(mine))[0], self.oracle.rows(digest.format(theirs), **ORACLE)[0]
        if got != want:
            a, b = (set(map(tuple, rows)) for rows in (self.sql(mine + " ORDER BY ALL"), self.oracle.rows(theirs + " ORDER BY ALL", **ORACLE)))
            raise AssertionError(f"{what}: {got} against {want}\nonly weir: {sorted(a - b)[:3]}\nonly ClickHouse: {sorted(b - a)[:3]}")
        self.n_compared += int(got[0])
        return int(got[0])

    def same_metrics(self, table, time):
        for m in self.metrics:
            for view, tier in m.views():
                n = m.n_leading(tier)
                order = " ORDER BY " + ", ".join(map(str, range(1, n + 1))) if n else ""
                got = self.sql(f"SELECT {m.outer(tier)} FROM {view}{order}")
                want = self.oracle.rows(m.expected(table, time, tier) + order, **ORACLE)
                bad = [(g, w) for g, w in zip(got, want) if len(g) != len(w) or not all(map(is_near, g, w))]
                assert len(got) == len(want) and got and not bad, f"{view}: {len(got)} rows against {len(want)}, different: {bad[:3]}"
                self.n_compared += len(got)

    def rejects(self, columns="reason, bytes"):
        return self.sql(f"SELECT {columns} FROM weir_rejects ORDER BY ALL")


def run_sets(cases, argv):
    """As weirtest.run, with skips."""
    import time
    import traceback
    passed = failed = skipped = 0
    for case in cases:
        if argv[1:] and case.__name__ not in argv[1:]:
            continue
        start = time.time()
        try:
            said = case()
            passed += 1
            print(f"ok    {case.__name__}: {said} ({time.time() - start:.1f} s)", flush=True)
        except Skipped as e:
            skipped += 1
            print(f"SKIP {case.__name__}: {e}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL  {case.__name__}\n{traceback.format_exc()[-6000:]}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed + skipped == 0 else 0
