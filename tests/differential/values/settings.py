# SPDX-License-Identifier: Apache-2.0
"""Generated CSV and TSV records under random settings, each read by codec/csv*.c and, alone, by ClickHouse with the
same settings. usage: settings.py PATH-OF-rows [SEED [ROUNDS [RECORDS]]]"""
import os
import random
import subprocess
import sys
import tempfile

import chdb
import rows

CSV = {
    "format_csv_delimiter": [";", "|", "#"],
    "format_csv_allow_single_quotes": ["1"],
    "format_csv_allow_double_quotes": ["0"],
    "format_csv_null_representation": ["NA", "-", "null", "\\N"],
    "input_format_csv_empty_as_default": ["0"],
    "input_format_csv_trim_whitespaces": ["0"],
    "input_format_csv_allow_variable_number_of_columns": ["1"],
    "input_format_csv_use_default_on_bad_values": ["1"],
}
TSV = {
    "format_tsv_null_representation": ["NA", "-", "null"],
    "input_format_tsv_empty_as_default": ["1"],
    "input_format_tsv_allow_variable_number_of_columns": ["1"],
}
BOTH = {
    "input_format_null_as_default": ["0"],
    "date_time_input_format": ["basic", "best_effort_us"],
    "bool_true_representation": ["yes", "T"],
    "bool_false_representation": ["no", "F"],
}


def some_settings(r, is_tsv):
    known = dict(TSV if is_tsv else CSV, **BOTH)
    names = r.sample(sorted(known), r.choice([1, 1, 2, 3]))
    # together ClickHouse trims the first column all the same
    if "input_format_csv_trim_whitespaces" in names and "input_format_csv_allow_variable_number_of_columns" in names:
        names.remove("input_format_csv_trim_whitespaces")
    return {n: r.choice(known[n]) for n in names}


def a_value(r, name, settings):
    marks = [settings.get("format_csv_null_representation", "\\N"), settings.get("format_tsv_null_representation", "\\N"), "\\N", "",
             settings.get("bool_true_representation", "true"), settings.get("bool_false_representation", "false")]
    if r.random() < 0.15:
        return r.choice(marks)
    if name == "t" and r.random() < 0.2:
        return r.choice(["2023-04-04 10:00:01.25", "2023-04-04", "1680613879", "04/05/2023 10:00:00", "2023-04-04T10:00:00Z"])
    return rows.a_value(r, name)


def a_record(r, is_tsv, settings):
    separator = "\t" if is_tsv else settings.get("format_csv_delimiter", ",")
    fields = []
    for name, _ in rows.COLUMNS:
        v = a_value(r, name, settings)
        k = r.random()
        # weir takes delimiters within single quotes only where these are allowed
        if not is_tsv and k < 0.1 and ("format_csv_allow_single_quotes" in settings or separator not in v):
            v = "'" + v.replace("'", "''") + "'"
        elif is_tsv:
            v = rows.quoted_tsv(r, v)
        elif k < 0.3:
            v = rows.quoted_csv(r, v)
        fields.append(v)
    if r.random() < 0.15:
        fields = fields[:r.randrange(1, len(fields))]
    if r.random() < 0.05:
        fields.append(r.choice(["", "x"]))
    return separator.join(fields)


def is_whole(record, settings):
    """No quotes are open at the record's end, whichever count as quotes."""
    delimiter = settings.get("format_csv_delimiter", ",")
    for quotes in ('"', "'", "\"'"):
        at, inside, starts = 0, None, True
        while at < len(record):
            c = record[at]
            if inside:
                if c == inside:
                    if record[at + 1:at + 2] == inside:
                        at += 1
                    else:
                        inside = None
            elif c == delimiter:
                starts = True
            elif starts and c in quotes:
                inside, starts = c, False
            elif c not in " \t":
                starts = False
            at += 1
        if inside:
            return False
    return True


def theirs(fmt, record, settings):
    schema = ", ".join("%s %s" % c for c in rows.COLUMNS)
    given = dict({"date_time_input_format": "best_effort", "input_format_csv_detect_header": "0", "input_format_tsv_detect_header": "0"}, **settings)
    sql = "SELECT %s FROM format(%s, '%s', '%s') SETTINGS %s FORMAT TSVRaw" % (
        ", ".join(rows.shown(n) for n, _ in rows.COLUMNS), fmt, schema, rows.literal(record + "\n"),
        ", ".join("%s = '%s'" % (n, rows.literal(v)) for n, v in given.items() if not n.startswith("bool_")))
    # the representations count for the output, too
    sql = sql.replace(" FORMAT TSVRaw", "".join(", %s = '%s'" % (n, v) for n, v in settings.items() if n.startswith("bool_")) + " FORMAT TSVRaw")
    try:
        return chdb.query(sql).decode("utf-8", "replace").rstrip("\n")
    except ValueError:
        return None


def ours_of(line, settings):
    if not line.startswith("="):
        return line
    cells = rows.mask(line[1:]).split("\t")
    at = [n for n, _ in rows.COLUMNS].index("b")
    cells[at] = {"true": settings.get("bool_true_representation", "true"), "false": settings.get("bool_false_representation", "false")}.get(cells[at], cells[at])
    return "=" + "\t".join(cells)


def is_default_for_wrapped(a, b):
    """Where ClickHouse wraps a number or takes the nearest time, ours is the default."""
    pairs = list(zip(rows.COLUMNS, a.split("\t"), b.split("\t")))
    return all(x == y or (n in "intd" and x in ("0", "\\N", "1970-01-01<>00:00:00.000", "1970-01-01")) for (n, _), x, y in pairs)


STRICTER = rows.STRICTER + ("not a time as date_time_input_format",)


def main():
    if chdb.library_path() is None:
        print("skipped: libchdb is not here")
        sys.exit(77)
    binary = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    n_rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 40
    n_records = int(sys.argv[4]) if len(sys.argv) > 4 else 30
    r = random.Random(seed)
    total = wrong = stricter = accepted = 0
    seen = {}
    columns = [x for c in rows.COLUMNS for x in c]
    with tempfile.TemporaryDirectory() as folder:
        for k in range(n_rounds):
            fmt = r.choice(["CSV", "CSV", "CSV", "TSV", "TSVRaw"])
            settings = some_settings(r, fmt != "CSV")
            records = [a_record(r, fmt != "CSV", settings) for _ in range(n_records)]
            delimiter = settings.get("format_csv_delimiter", ",")
            # an empty last field of a short record is a DEFAULT in weir; ClickHouse reads it as 0 or refuses it
            if "input_format_csv_allow_variable_number_of_columns" in settings:
                records = [x for x in records if not x.rstrip(" \t").endswith(delimiter)]
            # ClickHouse drops a last CR of any field that it tries for a default
            if "input_format_csv_use_default_on_bad_values" in settings or "input_format_csv_allow_variable_number_of_columns" in settings:
                records = [x for x in records if "\r" not in x]
            records = [x for x in records if x.strip(" \t\r") and
                       (fmt == "TSV" and not x.endswith("\\") or fmt == "TSVRaw" or fmt == "CSV" and is_whole(x, settings))]
            path = os.path.join(folder, "records")
            with open(path, "w", newline="") as f:
                f.write("".join(x + "\n" for x in records))
            given = [x for n, v in settings.items() for x in ("-s", n + "=" + v)]
            p = subprocess.run([binary, fmt, path] + given + columns, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            lines = p.stdout.decode("utf-8", "replace").split("\n")[:-1]
            if p.returncode != 0 or len(lines) != len(records):
                wrong += 1
                print("%s %s: exit %d, %d records, %d lines %s" % (fmt, settings, p.returncode, len(records), len(lines), p.stderr[:300]))
                continue
            for record, a in zip(records, lines):
                a = ours_of(a, settings)
                b = theirs(fmt, record, settings)
                total += 1
                accepted += b is not None
                for n in settings:
                    seen[n] = seen.get(n, 0) + 1
                if (b is None and a[0] == "!") or (b is not None and a == "=" + b):
                    continue
                if b is not None and "input_format_csv_use_default_on_bad_values" in settings and a[0] == "=" and is_default_for_wrapped(a[1:], b):
                    stricter += 1
                    continue
                if b is not None and a[0] == "!" and a.split(": ", 1)[-1].lstrip("!").startswith(STRICTER):
                    stricter += 1
                    continue
                wrong += 1
                if wrong < 15:
                    print("%s %s: %r\n    ours       %s\n    ClickHouse %s" % (fmt, settings, record, a, b))
    print("settings: %d records, ClickHouse takes %d, %d differ, %d refused on purpose, seed %d" %
          (total, accepted, wrong, stricter, seed))
    print("  " + ", ".join("%s %d" % x for x in sorted(seen.items())))
    sys.stdout.flush()
    os._exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
