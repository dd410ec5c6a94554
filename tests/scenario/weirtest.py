# SPDX-License-Identifier: Apache-2.0
"""What scenario and fault tests share: a folder of its own per case, the programs, SQL, counting."""
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
WEIR = os.environ.get("WEIR", os.path.join(ROOT, "build", "release", "src", "cli", "weir"))


class Case:
    """A temp folder with definitions and input, and weir run on it. Everything started is ended with it."""

    def __init__(self, definitions=None, env=None):
        self.dir = tempfile.mkdtemp(prefix="weir-test-")
        self.env = dict(os.environ, NO_COLOR="1", **(env or {}))
        self.env.pop("WEIR_STORE", None)
        self.processes = []
        if definitions is not None:
            self.write("weir.sql", definitions)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()
        self.end_stores()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())

    def append(self, name, text):
        with open(self.path(name), "ab") as f:
            f.write(text if isinstance(text, bytes) else text.encode())

    def weir(self, *args, timeout=120, env=None, input=None):
        return subprocess.run([WEIR, *args], cwd=self.dir, env=dict(self.env, **(env or {})), timeout=timeout,
                              capture_output=True, text=True, errors="surrogateescape", input=input)

    def ok(self, *args, **kw):
        r = self.weir(*args, **kw)
        assert r.returncode == 0, f"weir {' '.join(args)} -> {r.returncode}\n{r.stdout}\n{r.stderr}"
        return r.stdout

    def start(self, *args, env=None):
        p = subprocess.Popen([WEIR, *args], cwd=self.dir, env=dict(self.env, **(env or {})), stdout=subprocess.DEVNULL,
                             stderr=open(self.path("run.log"), "ab"))
        self.processes.append(p)
        return p

    def sql(self, text):
        """Rows as lists of strings."""
        out = self.ok("query", text, "--format", "TSV")
        return [line.split("\t") for line in out.splitlines()]

    def one(self, text):
        return self.sql(text)[0][0]

    def wait(self, text, expected, seconds=20):
        """Asks until the one-cell answer is the expected one."""
        end = time.time() + seconds
        got = None
        while time.time() < end:
            r = self.weir("query", text, "--format", "TSV")
            got = r.stdout.strip()
            if r.returncode == 0 and got == str(expected):
                return
            time.sleep(0.1)
        raise AssertionError(f"{text}: got {got!r}, expected {expected!r} within {seconds} s\n" + self.log())

    def log(self):
        try:
            with open(self.path("run.log")) as f:
                return f.read()[-3000:]
        except OSError:
            return ""

    def store_pids(self):
        pids = []
        for pid in os.listdir("/proc"):
            if not pid.isdigit():
                continue
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if words and words[0].endswith(b"weir-store") and any(w.startswith(self.dir.encode()) for w in words):
                pids.append(int(pid))
        return pids

    def end_stores(self, how=signal.SIGTERM):
        pids = self.store_pids()
        for pid in pids:
            try:
                os.kill(pid, how)
            except OSError:
                pass
        end = time.time() + 15
        while self.store_pids() and time.time() < end:
            time.sleep(0.02)


class StoreError(Exception):
    pass


class Store:
    """SQL straight over a weir-store's socket: one kept connection."""

    def __init__(self, socket_path, database="default"):
        self.path, self.database, self.conn = socket_path, database, None

    def connect(self):
        conn = http.client.HTTPConnection("localhost", timeout=120)
        conn.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        conn.sock.settimeout(120)
        conn.sock.connect(self.path)
        self.conn = conn

    def text(self, sql, **settings):
        query = urllib.parse.urlencode(dict({"database": self.database, "default_format": "TSV"}, **settings))
        for attempt in (0, 1):
            try:
                if self.conn is None:
                    self.connect()
                self.conn.request("POST", "/?" + query, body=sql.encode())
                r = self.conn.getresponse()
                body = r.read().decode("utf-8", "surrogateescape")
                if r.status != 200 or r.headers.get("X-ClickHouse-Exception-Code"):
                    raise StoreError(body)
                return body
            except (OSError, http.client.HTTPException):
                self.conn = None
                if attempt:
                    raise

    def rows(self, sql, **settings):
        return [line.split("\t") for line in self.text(sql, **settings).splitlines()]


STORE_PROGRAM = os.environ.get("WEIR_STORE_PROGRAM", os.path.join(os.path.dirname(WEIR), "..", "store", "host", "weir-store"))


def start_store(folder):
    """A weir-store of its own on the folder; (process, Store)."""
    p = subprocess.Popen([STORE_PROGRAM, "--dir", folder], stderr=subprocess.DEVNULL)
    s = Store(os.path.join(folder, "store.sock"))
    end = time.time() + 60
    while True:
        try:
            s.text("SELECT 1")
            return p, s
        except (OSError, StoreError):
            if time.time() > end or p.poll() is not None:
                raise
            time.sleep(0.02)


def run(cases, argv=None):
    """Runs the functions; prints the closing line; exit code."""
    wanted = (argv or sys.argv)[1:]
    passed = failed = 0
    for case in cases:
        if wanted and case.__name__ not in wanted:
            continue
        start = time.time()
        try:
            case()
            passed += 1
            print(f"ok    {case.__name__} ({time.time() - start:.1f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL  {case.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or passed == 0 else 0
