# SPDX-License-Identifier: Apache-2.0
"""Generated CSV and TSV records, each read by codec/csv.c and, alone, by ClickHouse. What ClickHouse takes
must come out alike or be refused for one of the known reasons; what it refuses must be refused.
usage: rows.py PATH-OF-rows [SEED [N]]"""
import os
import random
import subprocess
import sys
import tempfile

import chdb
import values

# Reasons for which weir refuses what ClickHouse takes (docs/formats/csv.md).
STRICTER = tuple("outside the type's range|a time outside|a date outside|a time without a year|no such date|"
                 "stray digits|two hours|two offsets|two dates|not a number|not a date|a carriage return|"
                 "\\x without|a number with|a backslash at|a quoted field".split("|"))

COLUMNS = [("s", "String"), ("i", "Int16"), ("n", "Nullable(UInt32)"), ("f", "Float64"), ("t", "DateTime64(3)"),
           ("a", "IPv4"), ("l", "LowCardinality(Nullable(String))"), ("d", "Date"), ("g", "Float32"), ("b", "Bool")]


def a_text(r):
    return "".join(r.choice("ab c,\"'\\N\t;\r0\u00e9") for _ in range(r.choice([0, 1, 2, 3, 8, 30])))


def a_value(r, name):
    if r.random() < 0.7:
        return {"s": "user%05d" % r.randrange(99999), "i": "%d" % r.randrange(-99, 99), "n": "7", "f": "1.5",
                "t": "2023-04-04 10:00:01", "a": "1.2.3.4", "l": "x", "d": "2023-04-04", "g": "2.25", "b": "true"}[name]
    if r.random() < 0.1:
        return r.choice(["", "\\N", " ", '""', "NULL", "'5'", '"5"', '"\\N"', "x"])
    return {"s": lambda: r.choice(["plain", "user%05d" % r.randrange(99999), a_text(r), "a b", " a", "a "]),
            "i": lambda: r.choice(["%d" % r.randrange(-40000, 40000), "%d" % r.randrange(100), "-0", "007", "+5"]),
            "n": lambda: r.choice(["%d" % r.randrange(10**6), "%d" % r.getrandbits(33), "\\N", ""]),
            "f": lambda: values.a_float(r), "t": lambda: values.a_time(r) if r.random() < 0.3 else
            "2023-04-04T10:%02d:%02d.%03dZ" % (r.randrange(2), r.randrange(60), r.randrange(1000)),
            "a": lambda: r.choice(["10.0.%d.%d" % (r.randrange(256), r.randrange(256)), values.an_address4(r)]),
            "l": lambda: r.choice(["x", "", "\\N", a_text(r)]), "d": lambda: values.a_plain_date(r),
            "g": lambda: r.choice(["%.*f" % (r.randrange(5), r.random() * 100), values.a_float(r)]),
            "b": lambda: r.choice(["true", "false", "1", "0", values.a_bool(r)])}[name]()


def quoted_csv(r, v):
    k = r.random()
    if k < 0.08 or (any(c in v for c in ',"\r\n') and k < 0.8):
        return '"' + v.replace('"', '""') + '"'
    if k < 0.1:
        return '"' + v + '"'
    if k < 0.12:
        return " " + v + "\t"
    return v


def quoted_tsv(r, v):
    if r.random() < 0.9:
        return v if v == "\\N" else v.replace("\\", "\\\\").replace("\t", "\\t").replace("\r", "\\r")
    return v + r.choice(["", "\\x41", "\\q", "\\\t", "\\", "\\n"])


def a_record(r, is_tsv):
    quote, separator = (quoted_tsv, "\t") if is_tsv else (quoted_csv, ",")
    fields = [quote(r, a_value(r, name)) for name, _ in COLUMNS]
    if r.random() < 0.03:
        fields.pop(r.randrange(len(fields)))
    if r.random() < 0.03:
        fields.append(r.choice(["", "x", " "]))
    return separator.join(fields)


def is_whole(record):
    """The record ends where it is written to end: no quotes are open there."""
    at, inside, starts = 0, False, True
    while at < len(record):
        c = record[at]
        if inside:
            if c == '"':
                if record[at + 1:at + 2] == '"':
                    at += 1
                else:
                    inside = False
        elif c == ',':
            starts = True
        elif starts and c == '"':
            inside, starts = True, False
        elif c not in " \t":
            starts = False
        at += 1
    return not inside


def literal(text):
    for a, b in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\0", "\\0")):
        text = text.replace(a, b)
    return text


def shown(name):
    plain = "ifNull(toString(%s), 'n')" % name
    return "if(%s IS NULL, '\\\\N', replaceRegexpAll(%s, '[\\\\x00-\\\\x20\\\\\\\\]', '<>'))" % (name, plain)


def theirs(fmt, record):
    schema = ", ".join("%s %s" % c for c in COLUMNS)
    sql = ("SELECT %s FROM format(%s, '%s', '%s') SETTINGS date_time_input_format = 'best_effort', "
           "input_format_csv_detect_header = 0, input_format_tsv_detect_header = 0 FORMAT TSVRaw" %
           (", ".join(shown(n) for n, _ in COLUMNS), fmt, schema, literal(record + "\n")))
    try:
        return chdb.query(sql).decode("utf-8", "replace").rstrip("\n")
    except ValueError:
        return None


def mask(line):
    import re
    return re.sub(r"\\x[0-9a-f]{2}", "<>", line)


def main():
    if chdb.library_path() is None:
        print("skipped: libchdb is not here")
        sys.exit(77)
    binary = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    r = random.Random(seed)
    total = wrong = stricter = accepted = 0
    columns = [x for c in COLUMNS for x in c]
    with tempfile.TemporaryDirectory() as folder:
        for fmt in ("CSV", "TSV"):
            records = [a_record(r, fmt == "TSV") for _ in range(n)]
            # an open quote or a backslash at the end would take the next record in
            records = [x for x in records if x.strip(" \t\r") and
                       (fmt == "TSV" and not x.endswith("\\") or fmt == "CSV" and is_whole(x))]
            path = os.path.join(folder, "records")
            with open(path, "w", newline="") as f:
                f.write("".join(x + "\n" for x in records))
            outputs = {}
            for kernels in ("plain", "avx2", "avx512"):
                p = subprocess.run([binary, fmt, path, kernels] + columns, stdout=subprocess.PIPE)
                if p.returncode == 0:
                    outputs[kernels] = p.stdout.decode("utf-8", "replace").split("\n")[:-1]
                elif p.returncode != 77:
                    print("%s %s: exit %d" % (fmt, kernels, p.returncode))
                    wrong += 1
            for kernels, lines in outputs.items():
                if lines != outputs["plain"]:
                    wrong += 1
                    print("%s: %s differs from plain: %s" % (fmt, kernels, [
                        (a, b) for a, b in zip(outputs["plain"], lines) if a != b][:3]))
            lines = outputs["plain"]
            if len(lines) != len(records):
                wrong += 1
                print("%s: %d records, %d lines" % (fmt, len(records), len(lines)))
            for record, a in zip(records, lines):
                b = theirs(fmt, record)
                total += 1
                accepted += b is not None
                if (b is None and a[0] == "!") or (b is not None and a[0] == "=" and mask(a[1:]) == b):
                    continue
                if b is not None and a[0] == "!" and a.split(": ", 1)[-1].lstrip("!").startswith(STRICTER):
                    stricter += 1
                    if os.environ.get("SHOW_STRICTER"):
                        print("%s: %r\n    stricter   %s\n    ClickHouse %s" % (fmt, record, a, b))
                    continue
                wrong += 1
                if wrong < 20:
                    print("%s: %r\n    ours       %s\n    ClickHouse %s" % (fmt, record, mask(a), b))
    print("rows: %d records, ClickHouse takes %d, %d differ, %d refused on purpose, seed %d" %
          (total, accepted, wrong, stricter, seed))
    sys.stdout.flush()
    os._exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
