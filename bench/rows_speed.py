# SPDX-License-Identifier: Apache-2.0
"""Rows 1 to 7: CPU time of weir against libchdb's for the same work. Peer and ours alternate."""
import json
import os
import subprocess
import threading

from figures import AGGREGATES, FIELDS, JOB_FIELDS, TIERS, at_least, at_most, definitions, median


def bench_line(b, *args):
    out = subprocess.run([os.path.join(b.programs, "bench_line"), *map(str, args)], stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)


# ---- rows 1 and 2 ----

def time_settings(b, path, form):
    """Basic times where the peer can parse them so; else best effort."""
    probe = path + ".probe"
    with open(path) as f, open(probe, "w") as out:
        out.write(f.readline() + f.readline())
    try:
        for name in ("basic", "best_effort"):
            try:
                b.peer().sql.text(f"SELECT * FROM file('{probe}', {form}, '{FIELDS}') FORMAT Null", date_time_input_format=name)
                return {"date_time_input_format": name}
            except Exception:
                if name == "best_effort":
                    raise
    finally:
        os.remove(probe)


def job_sql(path, form, tier="1m", insert=""):
    return (f"{insert}SELECT {TIERS[tier][1]}(timestamp, 'UTC') AS bucket, user_id, {AGGREGATES} "
            f"FROM file('{path}', {form}, '{JOB_FIELDS}') GROUP BY bucket, user_id" + ("" if insert else " FORMAT Null"))


def rows_decode_and_job(b, row, kind, form, decode_goal):
    n = 1_000_000 if b.is_quick else 3_000_000
    path = b.data(kind, n)
    folder = b.folder(f"job-{kind}", definitions(path, form))
    settings = time_settings(b, path, form)
    decode, ours, peer = [], [], []
    for _ in range(b.rounds):
        r = bench_line(b, "decode", kind, path)
        decode.append(r["records"] / r["cpu_s"] / 1e6)
        peer.append(n / b.peer_cpu_s([job_sql(path, form)], settings, is_stored=False) / 1e6)
        r = bench_line(b, "job", os.path.join(folder, "weir.sql"), 1)
        if r["records"] != n or r["rejected"]:
            raise RuntimeError(f"the job read {r}")
        ours.append(n / r["cpu_s"] / 1e6)
    b.note(f"row {row}: {n:,} records of {os.path.getsize(path) / n:.0f} bytes, {r['keys']:,} keys; peer's times: {settings['date_time_input_format']}")
    name = "NDJSON" if kind == "json" else "CSV"
    return [
        at_least(row, f"{name}: decode alone, ten fields, per core", median(decode), None, "M records/s", decode_goal),
        at_least(row, f"{name}: file to panes, 7 aggregates by minute and user, per core", median(ours), median(peer), "M records/s", 5,
                 median(ours) / median(peer)),
    ]


def row_1(b):
    return rows_decode_and_job(b, 1, "json", "JSONEachRow", 14)


def row_2(b):
    return rows_decode_and_job(b, 2, "csv", "CSVWithNames", 25)


# ---- row 3 ----

def row_3(b):
    out = subprocess.run([os.path.join(b.programs, "bench_aggregate"), "--json"], stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(out)]


# ---- rows 4 and 5: stored, CPU of weir and store ----

def stored_cpu(b, name, text):
    """weir run --once into a fresh store that already runs, with the merges it leads to. Returns weir's and the store's CPU
    seconds, and the store."""
    folder = b.folder(name, text)
    store = b.store(os.path.join(folder, "t.weir"))
    store.settle()
    before = store.cpu_s()
    r = b.run_weir(folder, "run", "--once")
    store.settle()
    return r.cpu_s, store.cpu_s() - before, store


def peer_tier_table(tier, name):
    columns = ("n SimpleAggregateFunction(sum, UInt64), down SimpleAggregateFunction(sum, UInt64), up SimpleAggregateFunction(sum, UInt64), "
               "rtt_min SimpleAggregateFunction(min, Float32), rtt_max SimpleAggregateFunction(max, Float32), "
               "rtt AggregateFunction(avg, Float32), rtt_external AggregateFunction(avg, Float32)")
    return (f"CREATE OR REPLACE TABLE {name} (bucket DateTime('UTC'), user_id String, {columns}) ENGINE = AggregatingMergeTree "
            f"PARTITION BY toYear(bucket, 'UTC') ORDER BY (bucket, user_id)")


def peer_tier_inserts(path, form):
    states = AGGREGATES.replace("avg(", "avgState(")
    return [job_sql(path, form, t, f"INSERT INTO peer_{t} ").replace(AGGREGATES, states) for t in TIERS]


def peer_raw_table(name):
    return (f"CREATE OR REPLACE TABLE {name} ({FIELDS}) ENGINE = MergeTree PARTITION BY toYear(timestamp, 'UTC') "
            f"ORDER BY (user_id, timestamp)")


def row_4(b):
    n = 1_000_000 if b.is_quick else 3_000_000
    path = b.data("csv", n)
    settings = time_settings(b, path, "CSVWithNames")
    ours, peer, parts = [], [], []
    for i in range(2 if b.is_quick else b.rounds):
        for t in TIERS:
            b.peer().sql.text(peer_tier_table(t, f"peer_{t}"))
        peer.append(b.peer_cpu_s(peer_tier_inserts(path, "CSVWithNames"), settings, is_stored=True))
        weir_s, store_s, store = stored_cpu(b, f"tiers-{i}", definitions(path, "CSVWithNames", TIERS))
        got = store.sql.text("SELECT sum(n) FROM weir.job_1mo").strip()
        if got != str(n):
            raise RuntimeError(f"tiers hold {got} of {n} records")
        store.close()
        ours.append(weir_s + store_s)
        parts.append((weir_s, store_s))
    weir_s, store_s = sorted(parts, key=sum)[len(parts) // 2]
    b.note(f"row 4: {n:,} records, of ours weir {weir_s:.2f} s, store {store_s:.2f} s (merges included, both)")
    return [at_least(4, f"CSV file to four tiers stored, {n // 1000000} M records, CPU of weir and store", median(ours), median(peer), "CPU s", 3,
                     median(peer) / median(ours))]


def row_5(b):
    n = 500_000 if b.is_quick else 2_000_000
    path = b.data("csv", n)
    settings = time_settings(b, path, "CSVWithNames")
    ours, peer, parts = [], [], []
    for i in range(2 if b.is_quick else b.rounds):
        b.peer().sql.text(peer_raw_table("peer_raw"))
        peer.append(n / b.peer_cpu_s([f"INSERT INTO peer_raw SELECT * FROM file('{path}', CSVWithNames, '{FIELDS}')"], settings, is_stored=True) / 1e6)
        weir_s, store_s, store = stored_cpu(b, f"raw-{i}", definitions(path, "CSVWithNames", (), raw=True))
        got = store.sql.text("SELECT count() FROM weir.events").strip()
        if got != str(n):
            raise RuntimeError(f"{got} of {n} rows landed")
        store.close()
        ours.append(n / (weir_s + store_s) / 1e6)
        parts.append((weir_s, store_s))
    weir_s, store_s = sorted(parts, key=sum)[len(parts) // 2]
    b.note(f"row 5: {n:,} rows, of ours weir {weir_s:.2f} s, store {store_s:.2f} s (merges included, both)")
    return [at_least(5, "raw rows landed from CSV, CPU of weir and store", median(ours), median(peer), "M rows/s", 0.9, median(ours) / median(peer))]


# ---- row 6 ----

def scaling(b, what, definitions_path):
    one, two, alone = [], [], []
    for _ in range(2 * b.rounds):
        a = bench_line(b, "job", definitions_path, 1)
        c = bench_line(b, "job", definitions_path, 2)
        one.append(a["wall_s"])
        two.append(c["wall_s"])
        alone.append(a["longest_thread_s"] / c["longest_thread_s"])
    b.note(f"row 6, {what}: by CPU time of the busiest thread (what two free cores would give but for waiting) {median(alone):.2f}×")
    return at_least(6, f"2 threads against 1, {what}, panes only (wall time)", median(one) / median(two), None, "×", 1.8)


def row_6(b):
    n = 1_000_000 if b.is_quick else 9_000_000  # runs long enough that a neighbour's moment does not decide
    path = b.data("json", n)
    big = b.folder("scale-one", definitions(path, "JSONEachRow"))
    many = b.folder("scale-many", definitions("part-*.json", "JSONEachRow"))
    subprocess.run(["split", "-n", "l/100", "-a", "3", "--numeric-suffixes", "--additional-suffix=.json", path, os.path.join(many, "part-")], check=True)
    os.sync()  # or the kernel writes files out meanwhile, on the same two cores
    return [scaling(b, "one big file", os.path.join(big, "weir.sql")), scaling(b, "100 files", os.path.join(many, "weir.sql"))]


# ---- row 7 ----

AGES = """SET store = 'embedded:./t.weir';
CREATE SOURCE ages (time DateTime, device String, value UInt64) FROM FILES '{path}' FORMAT CSV
EVENT TIME time KEEP FOREVER ORDER BY (device, time);
CREATE METRIC old AS SELECT device, count() AS n, sum(value) AS total, max(value) AS most FROM ages GROUP BY device
EVERY 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER, 1 MONTH KEEP FOREVER;
"""


def watch_parts(store, most, stop):
    sql = type(store.sql)(store.sql.path)
    while not stop.wait(0.5):
        try:
            most[0] = max(most[0], int(sql.text("SELECT count() FROM system.parts WHERE active AND database = 'weir'")))
        except Exception:
            pass


def ages_cpu(b, name, path):
    folder = b.folder(name, AGES.format(path=path))
    store = b.store(os.path.join(folder, "t.weir"))
    store.settle()
    before = store.cpu_s()
    most, stop = [0], threading.Event()
    watch = threading.Thread(target=watch_parts, args=(store, most, stop))
    watch.start()
    r = b.run_weir(folder, "run", "--once")
    store.settle()
    stop.set()
    watch.join()
    took = r.cpu_s + store.cpu_s() - before
    store.close()
    return took, most[0]


def row_7(b):
    n = 500_000 if b.is_quick else 3_000_000
    sorted_path, shuffled_path = b.data("ages", n), b.data("ages-shuffled", n)
    in_order, shuffled, parts = [], [], 0
    for i in range(1 if b.is_quick else 3):
        in_order.append(ages_cpu(b, "in-order", sorted_path)[0])
        took, most = ages_cpu(b, "shuffled", shuffled_path)
        shuffled.append(took)
        parts = max(parts, most)
    return [
        at_most(7, f"20 years in random order against in order, three tiers and raw, {n / 1e6:g} M rows", median(shuffled), median(in_order), "CPU s", 2,
                median(shuffled) / median(in_order)),
        at_most(7, "the same: most active parts at a time", parts, None, "parts", 2000),
    ]
