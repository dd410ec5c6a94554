#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes state_vectors_more.json: states of aggregate functions as ClickHouse itself (libchdb) writes them.

    tests/conform/state_vectors.py [LIBCHDB] > tests/conform/state_vectors_more.json

Each vector is one function over one input: `args` are the types, `rows` the values in the order they are folded,
or `formula` [rows, factor, offset, modulus]: value i of argument k is (i * factor + offset * (k + 1)) % modulus.
`state` is the state in hex; a long one has `length` and `sip` (sipHash128 of its bytes) instead. `set` says that
the state lists items in any order: [offset of their number, bytes of an item], 0 bytes: texts with their length.
`clickhouse` is the version. Made with one thread, so that values are folded in this order."""
import ctypes
import json
import os
import re
import sys

PATH = sys.argv[1] if len(sys.argv) > 1 else os.path.expanduser("~/.cache/weir/26.7.3-stable.1/libchdb.so")


class ClickHouse:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.chdb_connect.restype = ctypes.POINTER(ctypes.c_void_p)
        self.lib.chdb_query_n.restype = ctypes.c_void_p
        self.lib.chdb_query_n.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                                          ctypes.c_size_t]
        for name, kind in (("buffer", ctypes.c_void_p), ("length", ctypes.c_size_t), ("error", ctypes.c_char_p)):
            function = getattr(self.lib, "chdb_result_" + name)
            function.restype, function.argtypes = kind, [ctypes.c_void_p]
        self.lib.chdb_destroy_query_result.argtypes = [ctypes.c_void_p]
        self.connection = self.lib.chdb_connect(1, (ctypes.c_char_p * 1)(b"clickhouse"))
        self.query("SET max_threads = 1")

    def query(self, sql):
        text = sql.encode()
        result = self.lib.chdb_query_n(self.connection[0], text, len(text), b"TSVRaw", 6)
        error = self.lib.chdb_result_error(result)
        if error:
            raise RuntimeError(f"{sql[:200]}: {error.decode()[:300]}")
        n = self.lib.chdb_result_length(result)
        answer = ctypes.string_at(self.lib.chdb_result_buffer(result), n).decode() if n else ""
        self.lib.chdb_destroy_query_result(result)
        return answer.rstrip("\n")


WIDTH = {"Bool": 1, "UInt8": 1, "UInt16": 2, "UInt32": 4, "UInt64": 8, "Int8": 1, "Int16": 2, "Int32": 4, "Int64": 8,
         "Float32": 4, "Float64": 8, "Date": 2, "DateTime": 4, "DateTime64(3)": 8, "IPv4": 4, "IPv6": 16}
VALUES = {
    "Bool": [1, 0, 1, 1], "UInt8": [3, 255, 1, 0, 3], "UInt16": [3, 65535, 1, 0, 3], "UInt32": [3, 4294967295, 1, 0, 3],
    "UInt64": [3, "18446744073709551615", 1, 0, 3], "Int8": [3, -128, 127, 0, 3], "Int16": [3, -32768, 32767, 0, 3],
    "Int32": [3, -2147483648, 2147483647, 0, 3], "Int64": [3, "-9223372036854775808", "9223372036854775807", 0, 3],
    "Float32": [3.5, -1.25, "nan", 1e10, "-0.", 0, 3.5], "Float64": [3.5, -1.25, "nan", 1e300, "-0.", 0, 3.5],
    "String": ["alpha", "be", "", "a much longer string than sixteen bytes", "be"],
    "Date": ["2024-02-29", "1970-01-01", "2149-06-06"], "DateTime": [1700000000, 0, 4294967295],
    "DateTime64(3)": [1700000000.125, 0, -1.5], "IPv4": ["1.2.3.4", "0.0.0.0", "255.255.255.255"],
    "IPv6": ["2001:db8::1", "::", "::ffff:1.2.3.4"],
}
# As text.
MORE = {
    "Date32": ["1925-01-01", "1970-01-01", "2299-12-31"],
    "UUID": ["00112233-4455-6677-8899-aabbccddeeff", "00000000-0000-0000-0000-000000000000", "ffffffff-0000-0000-0000-000000000001"],
    "FixedString(3)": ["abc", "", "z"], "Enum8('a' = 1, 'b' = -2)": ["a", "b"], "Enum16('x' = 1000, 'y' = -2)": ["x", "y", "x"],
    "Decimal(9, 2)": ["1.5", "-9999999.99", "0", "1.5"], "Decimal(18, 4)": ["1.5", "-99999999999999.9999", "0"],
    "Decimal(38, 10)": ["1.5", "-9999999999999999999999999999.9999999999", "0"],
}
COMPOUND = {
    "Array(UInt16)": ["[1,2]", "[]", "[65535,0,1]"], "Array(String)": ["['a','','bc']", "[]"],
    "Array(Nullable(Int32))": ["[1,NULL,-3]", "[NULL]", "[]"],
    "Map(String, UInt64)": ["{'a':1,'b':2}", "{}", "{'b':3}"], "Tuple(UInt8, String)": ["(1,'a')", "(0,'')"],
    "Tuple(a Array(Int8), b Nullable(String))": ["([1,-1],NULL)", "([],'x')"], "Array(Array(UInt8))": ["[[1],[]]", "[]"],
    "Map(UInt8, Array(String))": ["{1:['a']}", "{}"],
}
INTEGERS = ["Bool", "UInt8", "UInt16", "UInt32", "UInt64", "Int8", "Int16", "Int32", "Int64"]
NUMBERS = INTEGERS + ["Float32", "Float64"]
ALL = list(VALUES)
DATES = ["Date", "DateTime"]


def quoted(text):
    return str(text).replace("\\", "\\\\").replace("'", "\\'")


def literal(value, type_name):
    if value is None:
        return f"CAST(NULL AS Nullable({type_name}))"
    if type_name.startswith("Map("):
        return f"CAST(map({value[1:-1].replace(':', ',')}) AS {type_name})"
    if type_name not in WIDTH and type_name != "String":
        return f"CAST('{quoted(value)}' AS {type_name})"
    if type_name == "DateTime64(3)":
        return f"fromUnixTimestamp64Milli(toInt64({round(value * 1000)}))"
    text = f"'{value}'" if type_name in ("String", "IPv4", "IPv6", "Date") else str(value)
    if type_name in ("Int64", "UInt64"):
        return f"to{type_name}('{value}')"
    return f"CAST({text} AS {type_name})"


def make(ch, function, types, rows=None, formula=None, items=None, nullable=()):
    plain = types
    types = [f"Nullable({t})" if k in nullable else t for k, t in enumerate(types)]
    names = [f"x{k}" for k in range(len(types))]
    name, params = re.match(r"(\w+)(\(.*\))?$", function).groups()
    call = f"{name}State{params or ''}({', '.join(names)})"
    if formula:
        n, factor, offset, modulus = formula
        columns = []
        for k, t in enumerate(types):
            number = f"(number * {factor} + {offset * (k + 1)}) % {modulus}"
            columns.append(f"CAST({number} AS {t}) AS x{k}" if t != "String" else f"toString({number}) AS x{k}")
        source = f"SELECT {', '.join(columns)} FROM numbers({n})"
    elif rows:
        arrays = [f"CAST([{', '.join(literal(r[k], plain[k]) for r in rows)}] AS Array({t}))" for k, t in enumerate(types)]
        if types:
            source = "SELECT " + ", ".join(f"z.{k + 1} AS x{k}" for k in range(len(types)))
            source += f" FROM (SELECT arrayJoin(arrayZip({', '.join(arrays)})) AS z)" if len(types) > 1 else ""
            if len(types) == 1:
                source = f"SELECT arrayJoin({arrays[0]}) AS x0"
        else:
            source = f"SELECT number FROM numbers({len(rows)})"
    else:
        source = "SELECT " + (", ".join(f"CAST(defaultValueOfTypeName('{quoted(t)}') AS {t}) AS x{k}" for k, t in
                                        enumerate(types)) or "1") + " WHERE 0"
    # Of two keys, values are folded one by one, as for a rollup; of one, some functions take several at once.
    key = " ARRAY JOIN [0, 1]::Array(UInt64) AS k GROUP BY k ORDER BY k LIMIT 1" if rows or formula else ""
    answer = ch.query(f"SELECT hex(s), hex(sipHash128(CAST(s AS String))), "
                      f"replaceRegexpAll(toTypeName(s), '\\s+', ' ') FROM (SELECT {call} AS s FROM ({source}){key})")
    state, sip, type_name = answer.split("\t")
    vector = {"function": function, "args": types, "type": type_name}
    if formula:
        vector["formula"] = formula
    else:
        vector["rows"] = rows or []
    if len(state) > 400:
        vector["length"], vector["sip"] = len(state) // 2, sip.lower()
        if items:
            return None  # its order is not ours
    else:
        vector["state"] = state.lower()
    if items:
        vector["set"] = [items[0] + (1 if nullable and not items[2] else 0), items[1]]
    return vector


def singles(type_name):
    return [[v] for v in VALUES[type_name]]


def pairs(a, b):
    x, y = VALUES[a], VALUES[b]
    n = max(len(x), len(y))
    return [[x[i % len(x)], y[(i * 3 + 1) % len(y)]] for i in range(n)]


def main():
    ch = ClickHouse(PATH)
    out = []

    def add(function, types, rows, formula=None, items=None):
        """The input, nothing, and the input with NULLs between."""
        for vector in (
                make(ch, function, types, rows, items=items), make(ch, function, types, items=items),
                make(ch, function, types, [[None] * len(types)] + rows + [[None] * len(types)], items=items,
                     nullable=range(len(types))) if types and not items else None,
                make(ch, function, types, [[None] * len(types)], items=items,
                     nullable=range(len(types))) if types and not items else None,
                make(ch, function, types, formula=formula, items=items) if formula else None):
            if vector:
                out.append(vector)

    long = [3000, 7919, 13, 100]
    for t in NUMBERS:
        for f in ("varPop", "skewPop", "kurtPop", "varPopStable", "sumKahan", "sumCount"):
            add(f, [t], singles(t) if "Float" not in t else [[3.5], [-1.25], [0.1]])
        for u in ("UInt8", "Int64", "Float32", "Float64"):
            rows = [[r[0] if r[0] != "nan" else 2.5, s] for r, s in zip(singles(t), [1, 2, 3, 4, 5, 6, 7])]
            if "Float" not in t:
                for f in ("covarPop", "corr", "covarPopStable", "corrStable", "simpleLinearRegression"):
                    add(f, [t, u], [[i % 2 if t == "Bool" else i + 1, i * 2 % 5] for i in range(7)])
            add("avgWeighted", [t, u], rows)
    for t in DATES:
        add("stddevSampStable", [t], singles(t))
    for t in INTEGERS:
        for f in ("groupBitAnd", "groupBitOr", "groupBitXor", "groupBitmap"):
            add(f, [t], singles(t))
        add("groupBitmap", [t], [[0]], [100, 3, 1, 200 if t != "Bool" else 2])
    for formula in ([40, 1, 5, 1000], [3, 1, 0, 1000], [5000, 1, 0, 100000], [9000, 2, 1, 1000000],
                    [70000, 1, 65000, 10000000], [300, 65537, 3, 4000000], [200, 40000, 0, 1 << 40]):
        for t in ("UInt32", "Int32", "UInt64", "Int64"):
            out.append(make(ch, "groupBitmap", [t], formula=formula))
    for t in ALL:
        for f in ("anyLast", "argMin", "argMax"):
            types = [t] if f == "anyLast" else [t, "UInt32"]
            rows = singles(t) if f == "anyLast" else [[v[0], i * 3 % 5] for i, v in enumerate(singles(t))]
            add(f, types, rows)
            if f != "anyLast":
                add(f, ["String", t], [[f"v{i}", v[0]] for i, v in enumerate(singles(t))])
        width = WIDTH.get(t, 0)
        add("uniq", [t], singles(t), items=(1, 4, True))
        add("uniqCombined64", [t], singles(t), items=(1, 8, True))
        key = 8 if t in ("String", "IPv6", "DateTime64(3)") else width
        add("uniqHLL12", [t], singles(t), items=(1, key, True))
        item = 0 if t in ("String", "IPv6", "DateTime64(3)") else width
        if "Float" not in t:
            add("groupUniqArray", [t], singles(t), items=(0, item, True))
    for t in ("UInt8", "Int16", "UInt32", "UInt64", "Int64", "Float32", "Float64", "String"):
        is_narrow = t in ("UInt8", "Int16")
        out.append(make(ch, "uniqHLL12", [t], formula=[2000, 7919, 13, 100 if is_narrow else 100000]))
        if not is_narrow:
            out.append(make(ch, "uniqCombined64(12)", [t], formula=[2000, 7919, 13, 100000]))
    out.append(make(ch, "uniqHLL12", ["UInt32", "String"], formula=[2000, 7919, 13, 100000]))
    out.append(make(ch, "uniqHLL12", ["DateTime64(3)"], [[i * 1000.5] for i in range(20)]))
    out.append(make(ch, "uniqHLL12", ["IPv6"], [[f"::{i}"] for i in range(20)]))
    add("uniq", ["UInt32", "String"], [[1, "a"], [2, "b"]], items=(1, 4, True))
    add("uniqCombined64", ["UInt32", "String"], [[1, "a"], [2, "b"]], items=(1, 8, True))
    for t in NUMBERS + DATES:
        level = [3000, 7919, 13, 2 if t == "Bool" else 100 if WIDTH[t] == 1 else 30000]
        for f in ("quantileTDigest", "quantilesTDigest(0.5, 0.9)", "quantileTiming", "quantilesTiming(0.5, 0.9)",
                  "quantileExact", "quantilesExact(0.1, 0.9)"):
            add(f, [t], singles(t), level if "Exact" not in f else None)
        add("quantileTDigestWeighted", [t, "UInt32"], [[v[0], i % 3] for i, v in enumerate(singles(t))], level)
        if "Float" not in t:
            add("quantileExactWeighted", [t, "UInt32"], [[v[0], i % 3] for i, v in enumerate(singles(t))],
                items=(0, WIDTH[t] + 8, False))
    for n in (2048, 2049, 2050, 5000, 20000, 100000):
        for modulus in (1000, 1 << 40):
            out.append(make(ch, "quantileTDigest", ["Float64"], formula=[n, 7919, 13, modulus]))
            out.append(make(ch, "quantileTDigest", ["UInt64"], formula=[n, 6364136223846793005, 13, (1 << 63) - 25]))
    for n in (31, 32, 5672, 5673, 7000):
        out.append(make(ch, "quantileTiming", ["UInt32"], formula=[n, 7919, 13, 40000]))
    add("quantileExact", ["DateTime64(3)"], singles("DateTime64(3)"))
    for suffix in ("OrNull", "OrDefault", "ArgMin", "ArgMax", "ArgMinOrNull", "OrNullArgMax"):
        for f in ("count", "sum", "avg", "min", "max", "any", "anyLast", "varPop", "argMin", "uniqExact", "uniq",
                  "quantilesTDigest(0.5)", "quantileTiming", "groupBitAnd", "sumCount", "groupUniqArray", "uniqCombined"):
            name, params = re.match(r"(\w+)(\(.*\))?$", f).groups()
            function = name + suffix + (params or "")
            n_args = (0 if f == "count" else 2 if f == "argMin" else 1) + suffix.count("Arg")
            rows = [[3, 1, 2][:n_args], [1, 3, 1][:n_args], [2, 0, 2][:n_args], [5, 3, 0][:n_args]]
            is_set = f in ("uniqExact", "uniq", "groupUniqArray", "uniqCombined")
            if is_set:
                rows = rows[:1]
            for t in ("UInt16", "String") if f in ("min", "max", "any", "anyLast") else ("UInt16",):
                typed = [[f"t{v}" if k == 0 and t == "String" else v for k, v in enumerate(r)] for r in rows]
                types = [t] + ["UInt16"] * (n_args - 1) if n_args else []
                if suffix in ("OrDefault",) and is_set:
                    continue
                out.append(make(ch, function, types, typed))
                out.append(make(ch, function, types))
    for t, texts in MORE.items():
        rows = [[x] for x in texts]
        keyed = [[x, i * 3 % 5] for i, x in enumerate(texts)]
        add("anyLast", [t], rows)
        add("argMin", [t, "UInt32"], keyed)
        add("argMax", ["String", t], [[f"v{i}", x] for i, x in enumerate(texts)])
        add("countArgMax", [t], rows)
        add("maxOrNull", [t], rows)
        if t.startswith("Dec"):
            for f in ("varPop", "kurtSamp", "varPopStable", "avg", "quantileExact", "sumOrNull", "avgOrDefault"):
                add(f, [t], rows)
            add("simpleLinearRegression", [t, "Int8"], [[x, i * i] for i, x in enumerate(texts)])
        n = {"D": 16, "U": 8, "F": 8, "E": 1}[t[0]]
        key = 8 if t[0] in "FU" or t.startswith("Dec") else 4 if t == "Date32" else 1 if t.startswith("Enum8") else 2
        add("uniq", [t], rows, items=(1, 4, True))
        add("uniqCombined64", [t], rows, items=(1, 8, True))
        add("uniqHLL12", [t], rows, items=(1, key, True))
        if t[0] != "E":
            add("groupUniqArray", [t], rows, items=(0, 0, True))
        exact = {"Date32": 4, "Enum8('a' = 1, 'b' = -2)": 1, "Enum16('x' = 1000, 'y' = -2)": 2}.get(t, 16)
        add("uniqExact", [t], rows, items=(0, exact, True))
        add("uniqExact", [t, "UInt8"], [[x, 1] for x in texts], items=(0, 16, True))
        add("uniqCombined64", [t, "UInt8"], [[x, 1] for x in texts], items=(1, 8, True))
    out.append(make(ch, "uniqHLL12", ["UUID"], [[f"00000000-0000-0000-0000-{i:012d}"] for i in range(20)]))
    out.append(make(ch, "uniqHLL12", ["Decimal(9, 2)"], [[f"{i}.25"] for i in range(20)]))
    out.append(make(ch, "uniqHLL12", ["FixedString(3)"], [[f"{i}"] for i in range(20)]))
    out.append(make(ch, "uniqHLL12", ["Date32"], [[f"1925-01-{i + 1:02d}"] for i in range(20)]))
    for t, texts in COMPOUND.items():
        rows = [[x] for x in texts]
        for f in ("anyLast", "any", "count"):
            out.append(make(ch, f, [t], rows))
            out.append(make(ch, f, [t]))
        out.append(make(ch, "argMin", [t, "UInt32"], [[x, i * 3 % 5] for i, x in enumerate(texts)]))
        out.append(make(ch, "argMin", [t, "UInt32"]))
    arrays = {"Array(UInt16)": ["[3,1,2]", "[]", "[2,5]", "[1,0,7,9]"], "Array(Nullable(UInt16))": ["[3,NULL,2]", "[NULL]", "[]", "[2]"],
              "Array(Float64)": ["[1.5,-2]", "[]", "[3]"], "Array(Decimal(9, 2))": ["[1.5,-2]", "[]", "[3.25]"]}
    for t, texts in arrays.items():
        rows = [[x] for x in texts]
        for f in ("sum", "count", "avg", "min", "anyLast", "varPop", "quantilesTDigest(0.5)", "quantileExact", "sumCount", "sumOrNull",
                  "groupBitOr"):
            name, params = re.match(r"(\w+)(\(.*\))?$", f).groups()
            if ("Bit" in f and "UInt" not in t) or ("Digest" in f and "Dec" in t) or ("Count" in f and "Dec" in t):
                continue
            for suffix in ("Array", "ForEach", "ArrayOrNull", "ForEachOrDefault"):
                out.append(make(ch, name + suffix + (params or ""), [t], rows))
                out.append(make(ch, name + suffix + (params or ""), [t]))
        out.append(make(ch, "argMinForEach", [t, "Array(UInt8)"], [["[1,2]", "[2,1]"], ["[4]", "[0]"]]))
        out.append(make(ch, "argMaxArray", [t, "Array(UInt8)"], [["[1,2]", "[2,1]"], ["[4]", "[0]"]]))
        out.append(make(ch, "sumForEachArgMin", [t, "UInt8"], [["[1,2]", "2"], ["[4]", "1"], ["[5,6]", "1"]]))
        out.append(make(ch, "uniqArray", [t], [["[7]"]], items=(1, 4, False)))
    for t, text in (("Map(String, UInt64)", "{'a':1}"), ("Map(String, Nullable(Int32))", "{'a':-1}"), ("Map(UInt16, Float64)", "{7:1.5}"),
                    ("Map(LowCardinality(String), UInt8)", "{'k':200}"), ("Map(Int64, Decimal(9, 2))", "{-5:1.5}"),
                    ("Map(FixedString(2), UInt8)", "{'k':1}"), ("Map(Date, UInt8)", "{'2024-01-01':1}"), ("Map(IPv4, UInt8)", "{'1.2.3.4':1}")):
        for f in ("sumMap", "minMap", "maxMap", "avgMap", "countMap", "anyLastMap", "quantileExactMap", "sumMapOrNull"):
            out.append(make(ch, f, [t], [[text], ["{}"], [text]]))
            out.append(make(ch, f, [t]))
        out.append(make(ch, "sumMapArgMax", [t, "UInt8"], [[text, "2"], ["{}", "1"], [text, "2"]]))
    for k, v, rows in (("UInt64", "UInt32", [["[2,1]", "[5,7]"], ["[]", "[]"], ["[2]", "[6]"]]),
                       ("Int8", "Int8", [["[2,-1]", "[-128,7]"], ["[2]", "[-6]"]]), ("String", "Float64", [["['b','a']", "[1.5,2]"], ["['b']", "[-1]"]]),
                       ("Float64", "Float32", [["[2.5,-1]", "[1.5,7]"], ["[2.5]", "[6]"]]), ("Date", "UInt8", [["['2024-02-01','1970-01-01']", "[1,2]"]]),
                       ("IPv4", "Int64", [["['10.0.0.1','1.2.3.4']", "[1,2]"]]), ("LowCardinality(String)", "UInt8", [["['x','']", "[200,100]"], ["['x']", "[100]"]])):
        for f in ("sumMap", "minMap", "maxMap"):
            out.append(make(ch, f, [f"Array({k})", f"Array({v})"], rows))
            out.append(make(ch, f, [f"Array({k})", f"Array({v})"]))
            out.append(make(ch, f, [f"Array({k})", f"Array({v})", f"Array({v})"], [r + r[1:] for r in rows]))
    out.append(make(ch, "sumMap", ["Map(String, Nullable(Int32))"], [["{'a':NULL}"]]))
    out.append(make(ch, "countMap", ["Map(String, Nullable(Int32))"], [["{'a':NULL}"]]))
    out = [v for v in out if v]
    print('{\n "about": "Made by state_vectors.py, which says what the fields mean.",')
    print(f' "clickhouse": {json.dumps(ch.query("SELECT version()"))},\n "vectors": [')
    print(",\n".join("  " + json.dumps(v) for v in out))
    print(" ]\n}")


main()
