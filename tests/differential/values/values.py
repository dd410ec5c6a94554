# SPDX-License-Identifier: Apache-2.0
"""Thousands of generated texts read by codec/value.c and by ClickHouse (CSV, quoted). What ClickHouse takes
must be the same value or one of the refusals that docs/formats/times.md names; what it refuses must be
refused. usage: values.py PATH-OF-values [SEED [N]]"""
import os
import random
import struct
import subprocess
import sys
import tempfile

import chdb

# Reasons for which weir refuses what ClickHouse takes.
STRICTER = ("outside the type's range", "a time outside", "a date outside", "a time without a year",
            "no such date", "stray digits", "two hours", "two offsets", "two dates", "not a number", "not a date", "not a Bool")

MONTHS = ["January", "Feb", "March", "apr", "May", "JUN", "July", "August", "Sept", "september", "Oct", "November",
          "Dec", "Married"]
DAYS = ["Mon", "Tuesday", "Wed", "thu", "FRI", "Saturday", "Sun"]
ZONES = ["UTC", "GMT", "Z", "MSK", "msd", "PST", "EST", "+05:30", "-0800", "+3", "+530", "-1:5", "+00:00", " Z", "z",
         "+12:345"]


def a_date(r):
    y = r.choice([r.randrange(1971, 2105), r.randrange(1900, 2299), r.randrange(0, 9999)])
    m, d = r.randrange(1, 13), r.randrange(1, 29)
    if r.random() < 0.1:
        m, d = r.randrange(0, 20), r.randrange(0, 40)
    s = r.choice("-/. :_")
    return r.choice([
        "%04d-%02d-%02d" % (y, m, d), "%04d%s%02d%s%02d" % (y, s, m, s, d), "%04d%s%d%s%d" % (y, s, m, s, d),
        "%02d%s%02d%s%04d" % (d, s, m, s, y), "%02d/%02d/%02d" % (m, d, y % 100), "%04d%02d%02d" % (y, m, d),
        "%d %s %d" % (d, r.choice(MONTHS), y), "%s %d, %d" % (r.choice(MONTHS), d, y),
        "%d-%s-%d" % (d, r.choice(MONTHS), y), "%s, %02d %s %d" % (r.choice(DAYS), d, r.choice(MONTHS), y),
        "%04d-%02d" % (y, m), "%04d" % y, "%04d%02d" % (y, m)])


def a_clock(r):
    h, m, s = r.randrange(0, 24), r.randrange(0, 60), r.randrange(0, 60)
    if r.random() < 0.05:
        h, m, s = r.randrange(0, 100), r.randrange(0, 100), r.randrange(0, 100)
    t = r.choice(["%02d:%02d:%02d" % (h, m, s)] * 4 + ["%02d:%02d" % (h, m), "%d:%d:%d" % (h, m, s),
                 "%02d%02d%02d" % (h, m, s), "%02d" % h])
    if r.random() < 0.3:
        t += "." + "".join(r.choice("0123456789") for _ in range(r.choice([0, 1, 3, 3, 6, 9, 12, 18, 19, 20])))
    if r.random() < 0.1:
        t += r.choice([" AM", " pm", "PM", "am", " XM"])
    return t


def a_time(r):
    k = r.random()
    if k < 0.15:
        n = r.choice([1, 2, 3, 5, 8, 9, 10, 10, 10, 11, 12, 13, 13, 14, 15, 16, 17, 18, 19, 20])
        t = "".join(r.choice("0123456789") for _ in range(n))
        if n == 14:
            t = "20%02d%02d%02d%02d%02d%02d" % (r.randrange(100), r.randrange(1, 13), r.randrange(1, 29), r.randrange(24),
                                               r.randrange(60), r.randrange(60))
        return t + r.choice([""] * 6 + [".5", ".123456", "Z", " "])
    if k < 0.3:
        return "%04d-%02d-%02d%s%02d:%02d:%02d%s%s" % (
            r.randrange(1971, 2105), r.randrange(1, 13), r.randrange(1, 29), r.choice("T "), r.randrange(24),
            r.randrange(60), r.randrange(60), r.choice(["", ".%03d" % r.randrange(1000), ".%d" % r.randrange(10**9)]),
            r.choice(["", "Z", "+01:00"]))
    parts = [a_date(r)]
    if r.random() < 0.8:
        parts.append(a_clock(r))
    if r.random() < 0.1:
        parts.reverse()
    t = r.choice([" ", " ", "T", ", ", "  ", "-", ""]).join(parts)
    if r.random() < 0.35:
        t += r.choice(["", " "]) + r.choice(ZONES)
    if r.random() < 0.1:
        t = r.choice(DAYS) + " " + t
    return t


def an_integer(r):
    n = r.choice([1, 2, 3, 4, 5, 9, 10, 11, 18, 19, 20, 21])
    t = "".join(r.choice("0123456789") for _ in range(n))
    return r.choice(["", "", "", "-", "+", "--"]) + t


def a_float(r):
    k = r.randrange(8)
    if k == 0:
        return repr(struct.unpack("<d", struct.pack("<Q", r.getrandbits(64)))[0])
    if k == 1:
        return "%.*f" % (r.randrange(0, 5), r.random() * 10 ** r.randrange(0, 9))
    if k == 2:
        return "%.*f" % (r.randrange(5, 40), r.random() * 10 ** r.randrange(0, 9))
    if k == 3:
        return "%d.%de%d" % (r.randrange(10), r.randrange(10 ** r.randrange(1, 20)), r.randrange(-330, 330))
    if k == 4:
        return "".join(r.choice("0123456789") for _ in range(r.choice([20, 60, 400]))) + r.choice(["", "e-300", ".5"])
    if k == 5:     # around the middle of two doubles or floats
        x = r.getrandbits(53) | 1 << 52
        return str(x * 2 + 1) + r.choice(["", "0" * r.randrange(8), ".0", ".00000000000000000001"])
    if k == 6:
        x = (r.getrandbits(24) | 1 << 23) * 2 + 1
        return str(x) + r.choice(["", ".0", "000", ".0000000000000000000000001"])
    return r.choice(["nan", "NaN", "inf", "-inf", "Inf", "infinity", "-Infinity", "1.", ".5", "-.5", "1e5", "1E+5",
                     "1e-5", "+1", "0", "-0", "00001.5", "1.5e", "1e400", "1e-400", "0x10", "1,5", "1 ", "-", ".", "e1",
                     "4.9e-324", "2.4703282292062327e-324", "1.7976931348623159e308", "3.4028236e38", "1e-46"])


def an_address4(r):
    return ".".join(r.choice(["%d", "%d", "%d", "%02d", "%03d"]) % r.choice([r.randrange(256), r.randrange(300), 0, 255])
                    for _ in range(r.choice([4, 4, 4, 4, 3, 5])))


def an_address6(r):
    if r.random() < 0.15:
        return an_address4(r)
    groups = [r.choice(["%x", "%04x", "%X"]) % r.choice([0, 0, r.randrange(65536), 1]) for _ in range(r.choice([8] * 4 + [7, 9, 3, 5]))]
    t = ":".join(groups)
    k = r.random()
    if k < 0.5:
        at = r.randrange(len(groups) + 1)
        upto = r.randrange(at, len(groups) + 1)
        t = ":".join(groups[:at]) + "::" + ":".join(groups[upto:])
    if r.random() < 0.15:
        t = ":".join(groups[:r.choice([6, 2])]) + r.choice([":", "::"]) + an_address4(r)
    return t


def a_bool(r):
    return r.choice(["true", "false", "True", "FALSE", "1", "0", "t", "f", "yes", "No", "on", "OFF", "y", "n", "enable",
                     "DISABLE", "enabled", "disabled", "2", "", "tru", "trues", "tRuE", "-1", "01"])


def a_plain_date(r):
    return r.choice([a_date(r), "%04d-%02d-%02d" % (r.randrange(1970, 2149), r.randrange(1, 13), r.randrange(1, 32)),
                     "%04d-%d-%d" % (r.randrange(1970, 2149), r.randrange(1, 13), r.randrange(1, 32)),
                     "%04d%02d%02d" % (r.randrange(1970, 2149), r.randrange(1, 13), r.randrange(1, 32))])


def mutated(r, text):
    if not text or r.random() < 0.85:
        return text
    at = r.randrange(len(text))
    return r.choice([text[:at] + text[at + 1:], text[:at] + r.choice("0123456789-:.TZ /+eE,ax") + text[at:],
                     text[:at] + r.choice("0123456789-:.T") + text[at + 1:]])


CASES = [("DateTime", a_time), ("DateTime('America/New_York')", a_time), ("DateTime64(3)", a_time),
         ("DateTime64(6, 'Asia/Kolkata')", a_time), ("DateTime64(9)", a_time), ("DateTime64(0)", a_time),
         ("Date", a_plain_date), ("UInt8", an_integer), ("Int16", an_integer), ("UInt32", an_integer),
         ("Int64", an_integer), ("UInt64", an_integer), ("Float64", a_float), ("Float32", a_float),
         ("IPv4", an_address4), ("IPv6", an_address6), ("Bool", a_bool)]


def ours(binary, type_name, texts):
    lines = "\n".join(t.encode().hex() or " " for t in texts) + "\n"
    out = subprocess.run([binary, "parse", type_name], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return out.stdout.decode().split("\n")[:-1]


def theirs(type_name, texts, folder):
    path = os.path.join(folder, "texts.csv")
    quote = "" if type_name == "Bool" else '"'
    with open(path, "w") as f:
        for i, t in enumerate(texts):
            f.write("%d,%s%s%s\n" % (i, quote, t, quote))
    out = chdb.query("SELECT i, toString(x) FROM file('%s', 'CSV', 'i UInt32, x %s') SETTINGS "
                     "input_format_allow_errors_ratio = 1, input_format_allow_errors_num = 1000000000, "
                     "input_format_parallel_parsing = 0, date_time_input_format = 'best_effort', "
                     "input_format_csv_empty_as_default = 0" % (path, type_name.replace("'", "\\'")))
    values = dict(line.split("\t") for line in out.decode().split("\n")[:-1])
    return [values.get(str(i)) for i in range(len(texts))]


def main():
    if chdb.library_path() is None:
        print("skipped: libchdb is not here")
        sys.exit(77)
    binary = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 4000
    r = random.Random(seed)
    total = wrong = stricter = 0
    with tempfile.TemporaryDirectory() as folder:
        for type_name, generate in CASES:
            texts = [mutated(r, generate(r)) for _ in range(n)]
            texts = [t for t in texts if '"' not in t and not (type_name == "Bool" and t.strip() != t)]
            shown = accepted = 0
            got = ours(binary, type_name, texts)
            # a time outside DateTime64(9) ends ClickHouse's whole query
            kept = [i for i, a in enumerate(got) if "64(9" not in type_name or a[0] != "!"]
            texts, got = [texts[i] for i in kept], [got[i] for i in kept]
            for t, a, b in zip(texts, got, theirs(type_name, texts, folder)):
                total += 1
                accepted += b is not None
                is_refused = a.startswith("!")
                if b is None and is_refused:
                    continue
                if b is not None and not is_refused and a == b:
                    continue
                if b is not None and is_refused and a[1:].startswith(STRICTER):
                    stricter += 1
                    if os.environ.get("SHOW_STRICTER"):
                        print("%s: %r stricter: %s, ClickHouse %s" % (type_name, t, a, b))
                    continue
                wrong += 1
                shown += 1
                if shown <= 12:
                    print("%s: %r ours %s, ClickHouse %s" % (type_name, t, a, b))
            print("%s: %d texts, ClickHouse takes %d" % (type_name, len(texts), accepted))
    print("values: %d texts, %d differ, %d refused on purpose, seed %d" % (total, wrong, stricter, seed))
    sys.stdout.flush()
    os._exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
