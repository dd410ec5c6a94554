#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""JSONEachRow of weir against ClickHouse itself (libchdb in this process), default settings and
date_time_input_format = 'best_effort'.

What weir takes, ClickHouse must take, with the same values; what weir refuses though ClickHouse takes it is
of a kind that docs/formats/json.md names. Then JSONTestSuite: y_ is taken, n_ is refused or taken as
ClickHouse takes it.  usage: json_clickhouse.py [PATH OF json_values]"""
import collections
import ctypes
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build/release/tests/conform/json_values")
DATA = os.path.join(os.environ.get("WEIR_SHARED", os.path.join(ROOT, "..", "shared")), "data")
SUITE = os.path.join(DATA, "conformance/json-test-suite/test_parsing")


def library_path():
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    return os.environ.get("WEIR_LIBCHDB", os.path.join(cache, "weir/26.7.3-stable.1/libchdb.so"))


class ClickHouse:
    def __init__(self, path):
        lib = self.lib = ctypes.CDLL(path)
        lib.chdb_connect.restype = ctypes.c_void_p
        lib.chdb_query_n.restype = ctypes.c_void_p
        lib.chdb_query_n.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                                     ctypes.c_size_t]
        for name, kind in (("buffer", ctypes.c_void_p), ("length", ctypes.c_size_t), ("error", ctypes.c_char_p)):
            function = getattr(lib, "chdb_result_" + name)
            function.restype, function.argtypes = kind, [ctypes.c_void_p]
        lib.chdb_destroy_query_result.argtypes = [ctypes.c_void_p]
        connection = lib.chdb_connect(1, (ctypes.c_char_p * 1)(b"clickhouse"))
        self.connection = ctypes.cast(connection, ctypes.POINTER(ctypes.c_void_p))[0]

    def query(self, sql):
        r = self.lib.chdb_query_n(self.connection, sql, len(sql), b"TSV", 3)
        error = self.lib.chdb_result_error(r)
        data = b"" if error else ctypes.string_at(self.lib.chdb_result_buffer(r), self.lib.chdb_result_length(r))
        self.lib.chdb_destroy_query_result(r)
        return None if error else data

    def decode(self, columns, line):
        """TSV of the one row, or None."""
        def text(b):
            return b"'" + b.replace(b"\\", b"\\\\").replace(b"'", b"\\'").replace(b"\0", b"\\0") + b"'"
        names = ", ".join("`%s` %s" % c for c in columns).encode()
        got = self.query(b"SELECT * FROM format(JSONEachRow, " + text(names) + b", " + text(line) +
                         b") SETTINGS date_time_input_format = 'best_effort', session_timezone = 'UTC'")
        return got[:-1] if got is not None and got.count(b"\n") == 1 else None


def weir(columns, lines):
    """One answer a line: TSV, or '!reason'. Lines must hold no line end and not be blank."""
    args = [part for column in columns for part in column]
    out = subprocess.run([PROGRAM] + args, input=b"\n".join(lines) + b"\n", stdout=subprocess.PIPE, check=True)
    answers = out.stdout.split(b"\n")[:-1]
    assert len(answers) == len(lines), (columns, len(answers), len(lines))
    return answers


TYPES = ["UInt8", "UInt16", "UInt32", "UInt64", "Int8", "Int16", "Int32", "Int64", "Float32", "Float64", "Bool",
         "String", "LowCardinality(String)", "LowCardinality(Nullable(String))", "Nullable(String)",
         "Nullable(Int32)", "Nullable(Float64)", "Nullable(Bool)", "Date", "DateTime", "DateTime('Asia/Kolkata')",
         "DateTime64(3)", "DateTime64(9)", "Nullable(DateTime)", "IPv4", "IPv6", "Nullable(IPv4)"]

VALUES = """1 -1 300 "5" "-5" "" " 5" "5 " true false null "null" "true" "false" 1.0 1.5 "1.5" 1e2 "1e2" +1 "+1" 01
"01" -0 [1] [] {} {"a":1} [1,{"a":[null]}] "abc" "2020-01-02" "2020-01-02 03:04:05" "2020-01-02T03:04:05.123Z"
"2020-01-02T03:04:05+02:00" 1577934245 1577934245123 1577934245.5 "1577934245" "1.2.3.4" "255.255.255.255"
"256.1.1.1" "01.2.3.4" "1.2.3" "::1" "::ffff:1.2.3.4" "fe80::1" NaN nan "nan" "inf" inf -inf Infinity 1e400 -1e400
1e-400 99999999999999999999 "99999999999999999999" .5 5. "0x10" 0x10 1_000 "\\u0031" "\\n1" - tru nul "TRUE" True
TRUE -1.5e-3 1E5 18446744073709551615 18446744073709551616 -9223372036854775808 -9223372036854775809
9223372036854775807 1. -.5 1e "1e" 1e+ 0.1e1 00 -01 127 128 -128 -129 255 256 32767 32768 -32768 65535 65536
2147483647 2147483648 4294967295 4294967296 0.1 0.30000000000000004 123456789012345678 0.1234567890123456789
16777217 "16777217" "2020-1-2" "2020/01/02" "20200102" "1970-01-01 00:00:00" "2106-02-07 06:28:15"
"Mon, 02 Jan 2020 03:04:05 GMT" "2020-01-02 03:04" "2020-01-02 24:00:00" "2020-02-30" "\\u0041\\u00e9\\u20ac"
"\\ud83d\\ude00" "\\ud83d" "\\ude00" "\\q\\/\\b\\f\\n\\r\\t\\"\\\\" "\\u12" "\\uZZZZ" "a\tb" "\u00e9" --1 +-1 1-1
1e5e5 falsey nullx 1x""".replace("\\u00e9\"", "é\"").split()
SPACED = [b'"a b"', b' 1 ', b'"\xff\xfe"', b'"\x01\x02"', b'[1, 2,  "a"]', b'{"x":1, "y":[1,2 ]}', b'"a\tb"',
          b'"2020-01-02 03:04:05.123456789"', b'"Thu, 2 Jan 2020 03:04:05 +0100"', b'" 2020-01-02"']

RECORDS = [b'{}', b'{"a":1,"a":2}', b'{"a":1,"zz":1,"zz":2}', b'{"zz":{"q":[1,2,{"r":null}]},"a":1}', b'{"a":1}x',
           b'{"a":1},', b'{"a":1,}', b'{,"a":1}', b'{"a" 1}', b'{"a":1 "b":"x"}', b'{"zz":tru}', b'{"zz":01}',
           b'{"zz":1.}', b'{"zz":-}', b'{"zz":[1,]}', b'{"zz":[1 2]}', b'{"zz":{,}}', b'{"zz":{"a" 1}}', b'{"zz":nan}',
           b'{"zz":NaN}', b'{"zz":"\x01"}', b'{"zz":"\\ud800"}', b'{"zz":}', b'{"a":1', b'{"a":1}}', b'{"a":1}]',
           b'  {"a":1}  ', b'\t{\t"a"\t:\t1\t}\t', b'\x0b{"a":1}', b'{\x0c"a":1}', b"{'a':1}", b'{a:1}',
           b'{"\\u0061":7}', b'{"a\\u0000":7}', b'{"b":{"x":1, "y":[1,2 ]}}', b'{"b":"x","a":3}', b'{"b": null}',
           b'{"b":"a"  ,"a"  : 1  }', b'{"":1}', b'{"a":1,"":2}', b'{"zz":"a\\', b'{"b":"x\\', b'1', b'null', b'abc']

# What weir refuses and ClickHouse takes, by the reason weir gives; docs/formats/json.md has the list.
STRICTER = [b"outside the type's range", b"a time outside", b"a time without a year", b"a date outside",
            b"no such date", b"wrong escape", b"not a JSON value"]
STRICTER_NUMBERS = re.compile(rb'^{"x":(--1|\+-1|true|false)}$') # Float: two signs; Date: true is a day


class Count:
    def __init__(self):
        self.passed, self.failed = 0, 0
        self.stricter = collections.Counter()

    def check(self, what, line, ours, theirs):
        """ours: answer of weir; theirs: of ClickHouse."""
        if ours.startswith(b"!"):
            good = theirs is None or any(s in ours for s in STRICTER) or (
                b"not a number" in ours and STRICTER_NUMBERS.match(line) is not None)
            if theirs is not None and good:
                self.stricter[ours.decode(errors="replace")] += 1
        else:
            good = theirs is not None and ours == theirs
        self.passed += good
        self.failed += not good
        if not good:
            print("FAILED %s %r: weir %r, ClickHouse %r" % (what, line[:120], ours[:120], theirs and theirs[:120]))


def check_values(clickhouse, count):
    values = [v.encode() for v in VALUES] + SPACED
    for kind in TYPES:
        columns = [("x", kind)]
        lines = [b'{"x":' + v + b"}" for v in values]
        for line, ours in zip(lines, weir(columns, lines)):
            count.check(kind, line, ours, clickhouse.decode(columns, line))


def check_records(clickhouse, count):
    columns = [("a", "Nullable(Int32)"), ("b", "String"), ("c", "Int32")]
    for line, ours in zip(RECORDS, weir(columns, RECORDS)):
        count.check("record", line, ours, clickhouse.decode(columns, line))


def random_lines(seed, n):
    """Records of all types, some bytes of them changed."""
    r = random.Random(seed)
    values = [v.encode() for v in VALUES] + SPACED
    for _ in range(n):
        names = [b"a", b"b", b"c", b"d", b"zz"]
        r.shuffle(names)
        line = b"{" + b",".join(b'"' + k + b'":' + r.choice(values) for k in names[:r.randint(0, 5)]) + b"}"
        line = bytearray(line)
        for _ in range(r.choice([0, 0, 1, 2])):
            line[r.randrange(len(line))] = r.choice(b'"\\{}[],:0-.1e tn')
        yield bytes(line)


def check_random(clickhouse, count, n=1500):
    columns = [("a", "UInt16"), ("b", "String"), ("c", "Nullable(Float64)"), ("d", "DateTime64(3)")]
    lines = [line for line in random_lines(7, n) if line.strip()]
    for line, ours in zip(lines, weir(columns, lines)):
        good = ours.startswith(b"!") or ours == clickhouse.decode(columns, line)
        count.passed += good
        count.failed += not good
        if not good:
            print("FAILED random %r: weir %r, ClickHouse %r" % (line, ours, clickhouse.decode(columns, line)))


def check_suite(clickhouse, count):
    """Each file as a record, as a wanted and as an unwanted value; those of one line only."""
    taken = []
    columns = [("x", "String")]
    for path in sorted(glob.glob(os.path.join(SUITE, "*.json"))):
        name = os.path.basename(path)
        data = open(path, "rb").read().rstrip(b"\n")
        if b"\n" in data or len(data) > 200000:
            continue
        for how, line in (("record", data), ("wanted", b'{"x":' + data + b"}"), ("unwanted", b'{"y":' + data + b"}")):
            if not line.strip() or (how == "record" and not data.lstrip().startswith(b"{")):
                continue
            ours = weir(columns, [line])[0]
            is_taken = not ours.startswith(b"!")
            theirs = clickhouse.decode(columns, line) if is_taken else None
            good = {"y": is_taken, "n": not is_taken or theirs is not None, "i": True}[name[0]]
            good = good and (not is_taken or theirs is None or ours == theirs)
            count.passed += good
            count.failed += not good
            if not good:
                print("FAILED %s as %s: weir %r, ClickHouse %r" % (name, how, ours[:100], theirs))
            elif name[0] == "n" and is_taken:
                taken.append("%s (%s)" % (name, how))
    return taken


REAL_FILES = ["http-logs/usagov-clicks-2012-03-16.ndjson.gz", "http-logs/nginxplus-status-2015.ndjson.zst",
              "cloudtrail-stratus/all-events.ndjson.zst", "ueba-otrf/2019-05-18_empire_enable_rdp.ndjson.zst",
              "ueba-otrf/2019-05-18_empire_invoke_runas.ndjson.zst"]


def check_file(clickhouse, count, name, lines, nested):
    """All lines of a real file, its first keys as Strings; `nested` = also those that hold objects or arrays."""
    keys = {}
    for line in lines[:200]:
        for key, value in json.loads(line).items():
            keys[key] = keys.get(key, False) or isinstance(value, (dict, list))
    names = [k for k, is_nested in keys.items() if (nested or not is_nested) and re.match(r"^\w+$", k)][:30]
    columns = [(k, "Nullable(String)") for k in names]
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as f:
        f.write(b"\n".join(lines) + b"\n")
        f.flush()
        struct = ", ".join("`%s` %s" % c for c in columns)
        theirs = clickhouse.query(("SELECT * FROM file('%s', JSONEachRow, '%s') SETTINGS max_threads = 1, "
                                   "input_format_parallel_parsing = 0" % (f.name, struct)).encode())
    ours = weir(columns, lines)
    theirs = theirs.split(b"\n")[:-1] if theirs is not None else []
    good = ours == theirs
    count.passed += good
    count.failed += not good
    if not good:
        at = next((i for i in range(min(len(ours), len(theirs))) if ours[i] != theirs[i]), -1)
        print("FAILED file %s: %d and %d rows, line %d: %r, ClickHouse %r" % (
            name, len(ours), len(theirs), at, ours[at][:200], theirs[at][:200] if theirs else None))


def check_files(clickhouse, count):
    for name in REAL_FILES:
        path = os.path.join(DATA, name)
        if not os.path.exists(path):
            continue
        lines = clickhouse.query(b"SELECT hex(line) FROM file('" + path.encode() +
                                 b"', LineAsString) SETTINGS max_threads = 1")
        lines = [bytes.fromhex(x.decode()) for x in (lines or b"").split()]
        lines = [x for x in lines if x.strip()]
        check_file(clickhouse, count, name, lines, False)
        check_file(clickhouse, count, name, lines, True)
    for path in sorted(glob.glob(os.path.join(DATA, "conformance/simdjson-examples/jsonexamples/*.json"))):
        line = open(path, "rb").read().replace(b"\r", b" ").replace(b"\n", b" ")
        if line.lstrip().startswith(b"{"):
            check_file(clickhouse, count, path, [line], True)


def main():
    if not os.path.exists(library_path()):
        print("SKIP json_clickhouse: no libchdb at %s" % library_path())
        print("0 passed, 0 failed, 1 skipped")
        return 0
    clickhouse, count, skipped = ClickHouse(library_path()), Count(), 0
    check_values(clickhouse, count)
    check_records(clickhouse, count)
    check_random(clickhouse, count)
    if os.path.isdir(SUITE):
        check_files(clickhouse, count)
        taken = check_suite(clickhouse, count)
        print("n_ files taken as ClickHouse takes them: %d\n  %s" % (len(taken), "\n  ".join(taken)))
    else:
        skipped = 1
        print("SKIP json_clickhouse: JSONTestSuite is not at %s" % SUITE)
    print("refused though ClickHouse takes it:")
    for reason, n in count.stricter.most_common():
        print("  %4d %s" % (n, re.sub(r"\s+", " ", reason)))
    print("%d passed, %d failed, %d skipped" % (count.passed, count.failed, skipped))
    return count.failed > 0


sys.exit(main())
