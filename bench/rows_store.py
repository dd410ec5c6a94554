# SPDX-License-Identifier: Apache-2.0
"""Rows 8 to 11: memory, disk, starts, freshness. All with the real programs."""
import os
import signal
import threading
import time

from figures import Store, TIERS, at_least, at_most, definitions, median, process_cpu_s, process_memory
from rows_speed import peer_raw_table, peer_tier_inserts, peer_tier_table, time_settings
from figures import FIELDS

KEYS = """SET store = 'embedded:./t.weir';
SET memory = '2GiB';
SET epoch_min = '60s';
CREATE SOURCE keyed (time DateTime, key UInt64, a UInt64, b UInt64) FROM FILES '{path}' FORMAT CSV EVENT TIME time;
CREATE METRIC per_key AS SELECT key, count() AS n, sum(a) AS a, sum(b) AS b FROM keyed GROUP BY key EVERY 1 HOUR KEEP FOREVER;
"""


def socket_of(folder):
    return os.path.join(folder, "t.weir", "store.sock")


def pid_in_lock(folder):
    """The weir-store that holds the folder, from its lock file; None if it is gone."""
    try:
        with open(os.path.join(folder, "lock")) as f:
            words = f.read().split()
    except OSError:
        return None
    return next((int(w) for w in words if w.isdigit() and os.path.exists(f"/proc/{w}")), None)


def end_store(folder):
    """Ends the store that weir started, and waits for its end."""
    pid = pid_in_lock(folder)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 60
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
        time.sleep(0.02)


def ask(folder, sql):
    """An answer, or None while the store or the table is not there."""
    try:
        return Store(socket_of(folder), "weir").text(sql).strip()
    except Exception:
        return None


# ---- row 8 ----

QUERIES = ["SELECT user_id, sum(n) FROM weir.job_1m GROUP BY user_id ORDER BY 2 DESC LIMIT 10",
           "SELECT bucket, sum(down), max(rtt_max), avg(rtt) FROM weir.job_1m GROUP BY bucket ORDER BY bucket",
           "SELECT user_id, sum(up) FROM weir.job_1h GROUP BY user_id ORDER BY 2 DESC LIMIT 10",
           "SELECT server_ip, count(), sum(download_bytes) FROM weir.events GROUP BY server_ip ORDER BY 2 DESC LIMIT 10"]


def load_with_queries(b):
    """Peak of weir's and the store's resident memory, together, and how many queries were answered meanwhile."""
    n = 1_000_000 if b.is_quick else 5_000_000
    folder = b.folder("memory-load", definitions(b.data("csv", n), "CSVWithNames", TIERS, raw=True))
    store = b.store(os.path.join(folder, "t.weir"))
    stop, answered, peak = threading.Event(), [0] * len(QUERIES), [0]

    def query(i):
        sql = Store(store.sql.path)
        while not stop.is_set():
            try:
                sql.text(QUERIES[i])
                answered[i] += 1
            except Exception:
                time.sleep(0.05)

    def watch(p):
        while not stop.wait(0.02):
            try:
                peak[0] = max(peak[0], process_memory(p.pid, "VmRSS") + process_memory(store.pid, "VmRSS"))
            except OSError:
                pass

    threads = [threading.Thread(target=query, args=(i,)) for i in range(len(QUERIES))]

    def begin(p):
        for t in threads + [watcher_of(p)]:
            t.start()

    def watcher_of(p):
        t = threading.Thread(target=watch, args=(p,))
        threads_all.append(t)
        return t

    threads_all = list(threads)
    try:
        b.run_weir(folder, "run", "--once", on_start=begin)
    finally:
        stop.set()
        for t in threads_all:
            t.join()
        store.close()
    b.note(f"row 8: {n:,} records into four tiers and raw; {sum(answered)} queries answered meanwhile, of the four kinds {answered}")
    return peak[0]


def row_8(b):
    n = 1_000_000 if b.is_quick else 5_000_000
    folder = b.folder("memory-few", definitions(b.data("csv", n), "CSVWithNames", ("1m", "1h")))
    few = b.run_weir(folder, "run", "--once").peak_bytes
    end_store(os.path.join(folder, "t.weir"))
    n_keys = 2_000_000 if b.is_quick else 10_000_000
    folder = b.folder("memory-keys", KEYS.format(path=b.data("keys", n_keys)))
    many = b.run_weir(folder, "run", "--once").peak_bytes
    got = ask(folder, "SELECT count() FROM per_key_1h")
    end_store(os.path.join(folder, "t.weir"))
    if got != str(n_keys):
        raise RuntimeError(f"{got} of {n_keys} keys stored")
    both = load_with_queries(b)
    return [at_most(8, "memory of weir, 1,000 keys (peak)", few / 1e6, None, "MB", 200),
            at_most(8, f"memory of weir, {n_keys // 1_000_000} M live keys (peak)", many / 1e9, None, "GB", 1.5),
            at_most(8, "memory of weir and store during load, four queries running (peak)", both / 1e9, None, "GB", 2)]


# ---- row 9 ----

def disk(store, table, database):
    store.sql.text(f"OPTIMIZE TABLE {database}.{table} FINAL")
    size, rows = store.sql.rows(f"SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND database = '{database}' "
                                f"AND table = '{table}'")[0]
    return int(size) / int(rows)


def row_9(b):
    n = 500_000 if b.is_quick else 2_000_000
    path = b.data("csv", n)
    settings = dict(time_settings(b, path, "CSVWithNames"))
    folder = b.folder("disk", definitions(path, "CSVWithNames", TIERS, raw=True))
    store = b.store(os.path.join(folder, "t.weir"))
    b.run_weir(folder, "run", "--once")
    for t in TIERS:
        b.peer().sql.text(peer_tier_table(t, f"peer_{t}"))
    b.peer().sql.text(peer_raw_table("peer_raw"))
    b.peer_cpu_s(peer_tier_inserts(path, "CSVWithNames") + [f"INSERT INTO peer_raw SELECT * FROM file('{path}', CSVWithNames, '{FIELDS}')"], settings, is_stored=True)
    figures = []
    for what, table, peer in [("raw", "weir_raw_events", "peer_raw")] + [(f"tier {t}", f"weir_cube_job_{t}", f"peer_{t}") for t in TIERS]:
        ours, theirs = disk(store, table, "weir"), disk(b.peer(), peer, "default")
        figures.append(at_most(9, f"disk per row, {what}", ours, theirs, "bytes", 1.05, ours / theirs))
    store.close()
    return figures


# ---- row 10 ----

def seconds_until(test, limit=180):
    """Seconds until test() says true; asks every few milliseconds."""
    start = time.monotonic()
    while not test():
        if time.monotonic() - start > limit:
            raise RuntimeError("waited too long")
        time.sleep(0.004)
    return time.monotonic() - start


def stop_run(p):
    p.send_signal(signal.SIGTERM)
    p.wait(120)


def start_empty(b):
    took = []
    for i in range(b.rounds):
        folder = b.folder(f"start-{i}", definitions(b.data("csv", 1000), "CSVWithNames", TIERS))
        start = time.monotonic()
        p = b.start(folder, "run")
        seconds_until(lambda: os.path.exists(socket_of(folder)))
        seconds_until(lambda: (ask(folder, "SELECT count() FROM job_1m") or "0") != "0")
        took.append(time.monotonic() - start)
        stop_run(p)
        end_store(os.path.join(folder, "t.weir"))
    return median(took)


CHAIN_COLUMNS = "source, n, kind, lane, process, generation, now, slot_s, margin_s, ranges, blocks, _deadline"


def lay_history(folder, n_epochs):
    """Epochs that are over: rows of the chain and of the ledger, then the newest checkpoint again, behind them."""
    sql = Store(socket_of(folder), "weir")
    last = int(sql.text("SELECT max(n) FROM weir_epochs"))
    sql.text(f"INSERT INTO weir_epochs ({CHAIN_COLUMNS}) SELECT source, {last} + 1 + x.number, 'epoch', lane, process, generation, now, slot_s, margin_s, '', '', "
             f"toDateTime('2106-01-01 00:00:00', 'UTC') FROM (SELECT * FROM weir_epochs WHERE n = {last} AND kind = 'epoch' LIMIT 1) AS e "
             f"CROSS JOIN numbers({n_epochs}) AS x")
    sql.text(f"INSERT INTO weir_ledger (source, n, kind, now, _deadline) SELECT source, {last} + 1 + x.number, 'done', now, "
             f"toDateTime('2106-01-01 00:00:00', 'UTC') FROM (SELECT source, now FROM weir_epochs WHERE n = {last} AND kind = 'epoch' LIMIT 1) AS e "
             f"CROSS JOIN numbers({n_epochs}) AS x")
    has = sql.text("SELECT count() FROM weir_epochs WHERE kind = 'checkpoint'").strip()
    if has == "0":
        raise RuntimeError("no checkpoint to go on from")
    sql.text(f"INSERT INTO weir_epochs ({CHAIN_COLUMNS}) SELECT source, {last + n_epochs}, kind, lane, process, generation, now, slot_s, margin_s, ranges, '', "
             f"toDateTime('2106-01-01 00:00:00', 'UTC') FROM weir_epochs WHERE kind = 'checkpoint' ORDER BY n DESC LIMIT 1")


def start_known(b):
    n_files, n_epochs = (10_000, 100_000) if b.is_quick else (100_000, 1_000_000)
    folder = b.folder("known", "SET checkpoint_every = 1;\n" + definitions("in/part-*.csv", "CSVWithNames", ("1m",)))
    os.mkdir(os.path.join(folder, "in"))
    with open(b.data("csv", n_files)) as f:
        header, *lines = f.read().splitlines(True)
    for i, line in enumerate(lines):
        with open(os.path.join(folder, "in", f"part-{i:06d}.csv"), "w") as f:
            f.write(header + line)
    first = b.run_weir(folder, "run", "--once")
    lay_history(folder, n_epochs)
    end_store(os.path.join(folder, "t.weir"))
    took = []
    for i in range(3):
        with open(os.path.join(folder, "in", f"part-9{i:06d}.csv"), "w") as f:
            f.write(header + lines[0].replace("2024-09-05T09:15", f"2025-09-05T09:1{i}"))
        start = time.monotonic()
        p = b.start(folder, "run")
        seconds_until(lambda: (ask(folder, f"SELECT sum(n) FROM job_1m WHERE bucket = '2025-09-05 09:1{i}:00'") or "0") == "1")
        took.append(time.monotonic() - start)
        stop_run(p)
        end_store(os.path.join(folder, "t.weir"))
    b.note(f"row 10: the first run over {n_files:,} files took {first.wall_s:.1f} s")
    return median(took), n_files, n_epochs


def start_killed(b):
    """Killed after the big epoch's intent, before it is done; until the first row that was not there before, and until all are."""
    n = 2_000_000 if b.is_quick else 10_000_000
    folder = b.folder("killed", KEYS.format(path=b.data("keys", n)))
    p = b.start(folder, "run")
    open_epochs = "SELECT count() FROM weir_epochs WHERE kind = 'epoch' AND length(blocks) > 0 AND n NOT IN (SELECT n FROM weir_ledger WHERE kind = 'done') AND n > 1"
    seconds_until(lambda: (ask(folder, open_epochs) or "0") != "0", 300)
    p.kill()
    p.wait()
    time.sleep(0.5)
    before = int(ask(folder, "SELECT count() FROM weir_cube_per_key_1h WHERE _lane = 0") or 0)
    end_store(os.path.join(folder, "t.weir"))
    start = time.monotonic()
    p = b.start(folder, "run")
    seconds_until(lambda: int(ask(folder, "SELECT count() FROM weir_cube_per_key_1h WHERE _lane = 0") or 0) > before, 300)
    first = time.monotonic() - start
    seconds_until(lambda: (ask(folder, "SELECT sum(n) FROM per_key_1h") or "0") == str(n), 300)
    whole = time.monotonic() - start
    stop_run(p)
    end_store(os.path.join(folder, "t.weir"))
    b.note(f"row 10: after kill -9 {before:,} of {n:,} keys were stored; the rest was complete after {whole:.1f} s")
    return first, n


def row_10(b):
    empty = start_empty(b)
    known, n_files, n_epochs = start_known(b)
    killed, n_keys = start_killed(b)
    return [at_most(10, "start to first stored row readable, empty folder", empty * 1000, None, "ms", 500),
            at_most(10, f"restart with {n_files:,} known files and {n_epochs:,} epochs behind", known, None, "s", 1),
            at_most(10, f"after kill -9 with {n_keys // 1_000_000} M live keys", killed, None, "s", 5)]


# ---- row 11 ----

FOLLOW = """SET store = 'embedded:./t.weir';
CREATE SOURCE lines (time DateTime, seq UInt64) FROM FILES 'lines.csv' FORMAT CSV EVENT TIME time;
CREATE METRIC fresh AS SELECT count() AS n, max(seq) AS last FROM lines EVERY 1 MINUTE KEEP FOREVER, 1 HOUR KEEP FOREVER;
"""


def freshness(b):
    """p99 over all lines of the time from the append to the first answer that holds the line; CPU while idle after it."""
    seconds, rate, batch = (8 if b.is_quick else 25), 10_000, 100
    folder = b.folder("fresh", FOLLOW)
    path = os.path.join(folder, "lines.csv")
    open(path, "w").close()
    p = b.start(folder, "run")
    seconds_until(lambda: ask(folder, "SELECT count() FROM fresh_1m") is not None)
    pid = pid_in_lock(os.path.join(folder, "t.weir"))
    appended, seen, stop = [], [], threading.Event()

    def poll():
        sql = Store(socket_of(folder), "weir")
        while not stop.is_set():
            try:
                last = int(sql.text("SELECT max(last) FROM fresh_1m") or 0)
                seen.append((time.monotonic(), last))
            except Exception:
                pass
            time.sleep(0.02)

    t = threading.Thread(target=poll)
    t.start()
    seq, start = 0, time.monotonic()
    with open(path, "ab", buffering=0) as f:
        while time.monotonic() - start < seconds:
            now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
            f.write("".join(f"{now},{seq + i + 1}\n" for i in range(batch)).encode())
            seq += batch
            appended.append((time.monotonic(), seq))
            wait = start + seq / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
    seconds_until(lambda: bool(seen) and seen[-1][1] >= seq, 60)
    stop.set()
    t.join()
    waits, k = [], 0
    for when, last in appended:
        while seen[k][1] < last:
            k += 1
        waits.append(max(0.0, seen[k][0] - when))
    waits.sort()
    time.sleep(5)  # what the load left behind: merges, the last epoch
    before = process_cpu_s(p.pid), process_cpu_s(pid)
    span = 5 if b.is_quick else 20
    time.sleep(span)
    idle = [(process_cpu_s(p.pid) - before[0]) / span * 100, (process_cpu_s(pid) - before[1]) / span * 100]
    stop_run(p)
    end_store(os.path.join(folder, "t.weir"))
    b.note(f"row 11: {seq:,} lines, median {median(waits):.2f} s; idle: weir {idle[0]:.2f} %, store {idle[1]:.2f} % of a core")
    return waits[int(len(waits) * 0.99)], sum(idle)


def open_unknown(b):
    n = 1_000_000 if b.is_quick else 9_700_000
    path = b.data("csv", n)
    folder = b.folder("open")
    named = os.path.join(folder, "unknown.csv")
    os.link(path, named)
    start = time.monotonic()
    r = b.run_weir(folder, "open", "--once", named)
    took = time.monotonic() - start
    size = os.path.getsize(named)
    b.note(f"row 11: weir open read {size / 1e9:.2f} GB; weir's CPU {r.cpu_s:.1f} s")
    for name in os.listdir(folder):
        end_store(os.path.join(folder, name))
    return took, size


def row_11(b):
    p99, idle = freshness(b)
    took, size = open_unknown(b)
    return [at_most(11, "line appended to readable in METRIC_1m, p99 at 10 k lines/s", p99, None, "s", 2),
            at_most(11, f"unknown CSV of {size / 1e9:.2g} GB: weir open to answer", took, None, "s", 20),
            at_most(11, "idle, weir and store", idle, None, "% of a core", 1)]
