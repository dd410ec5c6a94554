#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""MaxMind databases: MaxMind's own test files (every good one read right, every bad one refused) and two real ones
whose records for 11,701 addresses another reader gave.  usage: mmdb.py [PATH OF mmdb_values]"""
import glob
import gzip
import ipaddress
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build/release/tests/conform/mmdb_values")
DATA = os.path.join(os.environ.get("WEIR_SHARED", os.path.join(ROOT, "..", "shared")), "data")
SUITE = os.path.join(DATA, "conformance/maxmind-db")

# They lie among the good ones to be refused.
BROKEN = {"GeoIP2-City-Test-Broken-Double-Format", "GeoIP2-City-Test-Invalid-Node-Count",
          "MaxMind-DB-test-broken-pointers-24", "MaxMind-DB-test-broken-search-tree-24"}
# They lie among the bad ones because readers stumbled over them, but break no rule: `description` and `languages` may
# be empty, and are in many databases that people use.
SOUND = {"libmaxminddb-empty-array-last-in-metadata": {"ip": "test"},
         "libmaxminddb-empty-map-last-in-metadata": {"ip": "test"}}

passed = failed = 0


def check(name, ok, what=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"{name}: {what}")


def records(database, addresses):
    r = subprocess.run([PROGRAM, database], input="\n".join(addresses) + "\n", capture_output=True, text=True, timeout=60)
    if r.returncode != 0:
        return None, f"{r.returncode} {r.stderr.strip()}"
    return [json.loads(line) for line in r.stdout.splitlines()], ""


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def refused(path):
    r = subprocess.run([PROGRAM, path], input="", capture_output=True, text=True, timeout=60)
    check(name_of(path), r.returncode == 2 and r.stderr.strip(), f"not refused: {r.returncode} {r.stderr}")


def ranges(network):
    n = ipaddress.ip_network(network, strict=False)
    return int(n[0]), int(n[-1]), n


def expected(networks):
    """First and last address of each network with the record of the last network in the file that holds it: that one
    was written over those before."""
    known = [(*ranges(k)[:2], v) for k, v in reversed(networks)]
    for network, _ in networks:
        first, last, n = ranges(network)
        for number in (first, last):
            yield str(n[number - first]), next(v for a, b, v in known if a <= number <= b)


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return abs(a - b) <= 1e-6 * max(abs(a), abs(b))  # records of 32 bits
    return a == b and type(a) is type(b)


def with_source(path, source):
    networks = [pair for entry in json.load(open(source)) for pair in entry.items()]
    pairs = list(expected(networks))
    got, error = records(path, [a for a, _ in pairs])
    wrong = [] if got is None else [(a, w, g) for (a, w), g in zip(pairs, got) if not same(w, g)]
    check(name_of(path), got and not wrong, error or f"{len(wrong)} of {len(pairs)} differ, first {wrong[:1]}")


def written_ipv4(bits):
    """MaxMind-DB-test-ipv4-*: the record's ip is the first address of its network."""
    got, error = records(bits, ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.5", "1.1.1.31", "1.1.1.32", "1.1.1.33", "255.0.0.1"])
    want = [{"ip": x} if x else None for x in ("1.1.1.1", "1.1.1.2", "1.1.1.2", "1.1.1.4", "1.1.1.16", "1.1.1.32", None, None)]
    check(name_of(bits), got == want, error or got)


def written_ipv6(bits):
    got, error = records(bits, ["::1:ffff:ffff", "::2:0:0", "::2:0:3f", "::2:0:40", "::2:0:58", "::3:0:0"])
    want = [{"ip": x} if x else None for x in ("::1:ffff:ffff", "::2:0:0", "::2:0:0", "::2:0:40", "::2:0:58", None)]
    check(name_of(bits), got == want, error or got)


def written_mixed(bits):
    got, error = records(bits, ["1.1.1.3", "::ffff:1.1.1.3", "2002:101:103::", "::2:0:1"])
    want = [{"ip": "::1.1.1.2"}] * 3 + [{"ip": "::2:0:0"}]
    check(name_of(bits), got == want, error or got)


TYPES = {"array": [1, 2, 3], "boolean": True, "bytes": "0000002a", "double": 42.123456, "float": 1.1, "int32": -268435456,
         "map": {"mapX": {"arrayX": [7, 8, 9], "utf8_stringX": "hello"}}, "uint128": 2 ** 120, "uint16": 100,
         "uint32": 2 ** 28, "uint64": 2 ** 60, "utf8_string": "unicode! ☯ - ♫"}
ZEROS = {"array": [], "boolean": False, "bytes": "", "double": 0, "float": 0, "int32": 0, "map": {}, "uint128": 0,
         "uint16": 0, "uint32": 0, "uint64": 0, "utf8_string": ""}


def special(name, path):
    """The files without a source: what MaxMind's description of them says."""
    def is_one(address, want):
        got, error = records(path, [address])
        check(name, got is not None and same(got[0], want), error or got)

    if "test-ipv4" in name:
        written_ipv4(path)
    elif "test-ipv6" in name:
        written_ipv6(path)
    elif "test-mixed" in name:
        written_mixed(path)
    elif name == "MaxMind-DB-test-decoder":
        is_one("1.1.1.0", TYPES)
        is_one("0.0.0.0", ZEROS)
    elif name == "MaxMind-DB-test-nested":
        is_one("1.1.1.0", {"map1": {"map2": {"array": [{"map3": {"a": 1, "b": 2, "c": 3}}]}}})
    elif name == "MaxMind-DB-string-value-entries":
        is_one("1.1.1.1", "1.1.1.1/32")
    elif name == "MaxMind-DB-no-ipv4-search-tree":
        is_one("1.1.1.1", "::/64")
    elif name == "MaxMind-DB-test-metadata-pointers":
        is_one("1.1.1.1", {})
    else:
        got, error = records(path, ["1.0.0.1"])
        check(name, got is not None, error)


def real(path, key, want):
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "db.mmdb")
        subprocess.run(["zstd", "-qd", path, "-o", database], check=True)
        got, error = records(database, [w["ip"] for w in want])
        check(name_of(path), got == [w[key] for w in want], error or "records differ")
        for country in ("geo:country_code", "geo:country"):
            r = subprocess.run([PROGRAM, country, database], input="8.8.8.8\n", capture_output=True, text=True)
            check(f"{name_of(path)} {country}", r.stdout in ('"US"\n', "null\n") and r.returncode == 0, r.stdout)


def main():
    if not os.path.isdir(SUITE):
        print(f"SKIP conform-mmdb: {SUITE} is not there")
        print("0 passed, 0 failed, 1 skipped")
        return
    for path in sorted(glob.glob(SUITE + "/bad-data/*/*.mmdb")):
        if name_of(path) in SOUND:
            got, error = records(path, ["1.2.3.4"])
            check(name_of(path), got == [SOUND[name_of(path)]], error or got)
        else:
            refused(path)
    for path in sorted(glob.glob(SUITE + "/test-data/*.mmdb")):
        source = f"{SUITE}/source-data/{name_of(path)}.json"
        if name_of(path) in BROKEN:
            refused(path)
        elif os.path.exists(source):
            with_source(path, source)
        else:
            special(name_of(path), path)
    geoip = os.path.join(DATA, "geoip")
    if os.path.isdir(geoip):
        want = [json.loads(line) for line in gzip.open(geoip + "/expected-lookups.ndjson.gz", "rt")]
        for path in sorted(glob.glob(geoip + "/*.mmdb.zst")):
            real(path, "dbip_country" if "dbip" in path else "whois_country", want)
    print(f"{passed} passed, {failed} failed")


main()
sys.exit(failed > 0)
