# SPDX-License-Identifier: Apache-2.0
"""What the rows of the bench share: the programs, a folder to work in, CPU time of processes, a store to talk to,
and the form of a figure."""
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "scenario"))
from weirtest import Store, StoreError  # noqa: E402

# Tuned as a user of one core would: no thread but the query's own.
PEER_SETTINGS = {"max_threads": 1, "max_insert_threads": 1, "input_format_parallel_parsing": 0}

FIELDS = ("timestamp DateTime64(3), user_id String, client_ip IPv4, server_ip IPv4, download_bytes UInt64, upload_bytes UInt64, "
          "internal_rtt Float32, external_rtt Float32, internal_loss Float32, external_loss Float32")
# What the job reads of them; as ClickHouse, weir does not decode what the definitions do not name.
JOB_FIELDS = ("timestamp DateTime64(3), user_id String, download_bytes UInt64, upload_bytes UInt64, internal_rtt Float32, "
              "external_rtt Float32")
AGGREGATES = ("count() AS n, sum(download_bytes) AS down, sum(upload_bytes) AS up, min(internal_rtt) AS rtt_min, "
              "max(internal_rtt) AS rtt_max, avg(internal_rtt) AS rtt, avg(external_rtt) AS rtt_external")
TIERS = {"1m": ("MINUTE", "toStartOfMinute"), "1h": ("HOUR", "toStartOfHour"), "1d": ("DAY", "toStartOfDay"),
         "1mo": ("MONTH", "toStartOfMonth")}


def definitions(files, form, tiers=("1m",), raw=False, settings=""):
    """The job: seven aggregates by bucket and user, over the ten-field records."""
    every = ", ".join(f"1 {TIERS[t][0]} KEEP FOREVER" for t in tiers)
    metric = f"CREATE METRIC job AS SELECT user_id, {AGGREGATES} FROM events GROUP BY user_id EVERY {every};" if tiers else ""
    keep = " KEEP FOREVER ORDER BY (user_id, timestamp)" if raw else ""
    fields = FIELDS if raw else JOB_FIELDS
    return (f"SET store = 'embedded:./t.weir';\n{settings}\nCREATE SOURCE events ({fields}) FROM FILES '{files}' FORMAT {form} "
            f"EVENT TIME timestamp{keep};\n{metric}\n")


def process_cpu_s(pid):
    """CPU time of another process, all its threads, to the nanosecond (its CPU clock: clock_getcpuclockid)."""
    return time.clock_gettime((~pid << 3) | 2)


def process_memory(pid, field):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0


class Ended:
    """A child that ended: its exit code, CPU seconds, peak memory in bytes, wall seconds."""

    def __init__(self, argv, cwd, stdout=subprocess.DEVNULL, on_start=None):
        start = time.monotonic()
        with open(os.path.join(cwd, "run.log"), "ab") as log:
            p = subprocess.Popen(argv, cwd=cwd, stdout=stdout, stderr=log, env=dict(os.environ, NO_COLOR="1"))
        if on_start:
            on_start(p)
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        self.code = p.returncode
        self.wall_s = time.monotonic() - start
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.peak_bytes = usage.ru_maxrss * 1024


class StoreProcess:
    """A weir-store on a folder."""

    def __init__(self, program, folder):
        self.process = subprocess.Popen([program, "--dir", folder], stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        self.sql = Store(os.path.join(folder, "store.sock"))
        end = time.monotonic() + 90
        while True:
            try:
                self.sql.text("SELECT 1")
                break
            except (OSError, StoreError):
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def cpu_s(self):
        return process_cpu_s(self.pid)

    def settle(self, seconds=90):
        """Waits until no merge runs and none begins."""
        quiet, end = 0, time.monotonic() + seconds
        while quiet < 3 and time.monotonic() < end:
            quiet = quiet + 1 if self.sql.text("SELECT count() FROM system.merges").strip() == "0" else 0
            time.sleep(0.15)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Bench:
    """Where things are, how much to do. Rows make folders with folder(); files that several rows read with data()."""

    def __init__(self, build, is_quick):
        self.build = os.path.abspath(build)
        self.is_quick = is_quick
        self.rounds = 3 if is_quick else 5
        self.weir = os.path.join(self.build, "release", "src", "cli", "weir")
        self.store_program = os.path.join(self.build, "release", "src", "store", "host", "weir-store")
        self.programs = os.path.join(self.build, "release", "bench")
        self.work = os.path.join(self.build, "bench", "work")
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        self.stores = []
        self.children = []
        self.peer_store = None
        self.inner = []

    def close(self):
        for p in self.children:
            if p.poll() is None:
                p.kill()
                p.wait()
        for s in self.stores:
            s.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def note(self, text):
        """An inner figure: shown, not part of the table."""
        self.inner.append(text)
        print("    " + text, flush=True)

    def folder(self, name, definitions_text=None):
        path = os.path.join(self.work, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        if definitions_text is not None:
            with open(os.path.join(path, "weir.sql"), "w") as f:
                f.write(definitions_text)
        return path

    def data(self, kind, n, *more):
        """A generated file, made once."""
        path = os.path.join(self.work, "-".join([kind, str(n), *map(str, more)]) + (".json" if kind == "json" else ".csv"))
        if not os.path.exists(path):
            with open(path, "wb") as f:
                subprocess.run([os.path.join(self.programs, "bench_line"), "generate", kind, str(n), *map(str, more)], stdout=f, check=True)
        return path

    def store(self, folder):
        s = StoreProcess(self.store_program, folder)
        self.stores.append(s)
        return s

    def peer(self):
        """libchdb behind a weir-store of its own."""
        if self.peer_store is None:
            self.peer_store = self.store(self.folder("peer"))
        return self.peer_store

    def peer_cpu_s(self, statements, settings, is_stored):
        """CPU time of the peer for these statements; with is_stored also of the merges they lead to."""
        p = self.peer()
        if is_stored:
            p.settle()
        before = p.cpu_s()
        for s in statements:
            p.sql.text(s, **dict(PEER_SETTINGS, **settings))
        if is_stored:
            p.settle()
        return p.cpu_s() - before

    def start(self, folder, *args):
        p = subprocess.Popen([self.weir, *args], cwd=folder, stdout=subprocess.DEVNULL,
                             stderr=open(os.path.join(folder, "run.log"), "ab"), env=dict(os.environ, NO_COLOR="1"))
        self.children.append(p)
        return p

    def run_weir(self, folder, *args, on_start=None, stdout=subprocess.DEVNULL):
        r = Ended([self.weir, *args], folder, on_start=on_start, stdout=stdout)
        if r.code != 0:
            with open(os.path.join(folder, "run.log")) as f:
                raise RuntimeError(f"weir {' '.join(args)} ended with {r.code}: {f.read()[-2000:]}")
        return r


def median(values):
    return statistics.median(values)


def at_least(row, what, ours, peer, unit, goal, ratio=None):
    """ratio None: of ours to the goal. Otherwise the ratio is what must reach the goal."""
    value = ours if ratio is None else ratio
    return {"row": row, "what": what, "ours": rounded(ours), "peer": rounded(peer), "unit": unit,
            "ratio": rounded(ours / goal if ratio is None else ratio), "goal": goal, "met": bool(value >= goal)}


def at_most(row, what, ours, peer, unit, goal, ratio=None):
    value = ours if ratio is None else ratio
    return {"row": row, "what": what, "ours": rounded(ours), "peer": rounded(peer), "unit": unit,
            "ratio": rounded(ours / goal if ratio is None else ratio), "goal": goal, "met": bool(value <= goal)}


def rounded(v):
    return None if v is None else float(f"{v:.4g}")
