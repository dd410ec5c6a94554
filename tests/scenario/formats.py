#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings of CSV and TSV from end to end, and what `open` makes of files of every kind, against ClickHouse over the same bytes."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, ROOT, run

SHARED = os.path.join(os.environ.get("WEIR_SHARED", os.path.join(ROOT, "..", "shared")), "data")

COLUMNS = "a String, b Nullable(Int32), c Float64"


def literal(text):
    for a, b in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(a, b)
    return "'" + text + "'"


def compare(c, cases, columns=COLUMNS):
    """Each of (format, settings, text) is a source; its rows and the ones that ClickHouse reads of the same text."""
    sql = "SET store = 'embedded:./d';\n"
    for i, (fmt, settings, text) in enumerate(cases):
        c.write(f"in{i}.txt", text)
        said = ", ".join(f"{n} = {literal(v) if isinstance(v, str) else v}" for n, v in settings.items())
        sql += f"CREATE SOURCE s{i} ({columns}) FROM FILES 'in{i}.txt' FORMAT {fmt}{' SETTINGS ' + said if said else ''} EVENT TIME _arrival KEEP FOREVER;\n"
    c.write("d.sql", sql)
    c.ok("run", "--once", "-f", "d.sql")
    names = ", ".join(x.split()[0] for x in columns.split(", "))
    for i, (fmt, settings, text) in enumerate(cases):
        # what ClickHouse prints must not follow the settings: each value by toString
        shown = ", ".join(f"toString({x})" for x in names.split(", "))
        ours = c.ok("query", "-f", "d.sql", f"SELECT {shown} FROM weir_raw_s{i} ORDER BY _offset", "--format", "JSONCompactEachRow")
        given = dict({"input_format_csv_detect_header": 0, "input_format_tsv_detect_header": 0}, **settings)
        inner = f"SELECT {names} FROM format({fmt}, $${columns}$$, {literal(text)}) SETTINGS " + ", ".join(
            f"{n} = {literal(v) if isinstance(v, str) else v}" for n, v in given.items() if not n.startswith("bool_"))
        theirs = c.ok("query", "-f", "d.sql", f"SELECT {shown} FROM ({inner})" + "".join(f" SETTINGS {n} = '{v}'" for n, v in settings.items() if n.startswith("bool_true")),
                      "--format", "JSONCompactEachRow")
        assert ours == theirs and ours.count("\n") >= 1, (fmt, settings, ours, theirs)


def settings_hold_from_end_to_end():
    cases = (
        ("CSV", {"input_format_csv_skip_first_lines": 2}, 'written, by "x\nnothing\nx,1,1.5\ny,2,2.5\n'),
        ("CSVWithNames", {"input_format_csv_skip_first_lines": 1}, "a title\na,b,c\nx,1,1.5\ny,2,2.5\n"),
        ("CSVWithNames", {"input_format_with_names_use_header": 0}, "c,b,a\nx,1,1.5\ny,2,2.5\n"),
        ("CSVWithNamesAndTypes", {}, "c,b,a\r\nFloat64,Nullable(Int32),String\r\n1.5,1,x\r\n2.5,,y\r\n"),
        ("CSVWithNamesAndTypes", {"input_format_with_types_use_header": 0}, "c,b,a\nFloat32,Int8,String\n1.5,1,x\n"),
        ("TSVWithNamesAndTypes", {}, "c\tb\ta\nFloat64\tNullable(Int32)\tString\n1.5\t1\tx\\ty\n2.5\t\\N\ty\n"),
        ("TSVRaw", {}, "x\\t\\y\t1\t1.5\n\"y\t\\N\t2.5\n"),
        ("TSVRawWithNames", {}, "c\ta\tb\n1.5\tx\\n\t1\n"),
        ("TSV", {"input_format_tsv_skip_first_lines": 1, "format_tsv_null_representation": "NA"}, "remark\nx\tNA\t1.5\ny\t2\t2.5\n"),
        ("TSV", {"input_format_tsv_crlf_end_of_line": 1}, "x\t1\t1.5\r\ny\t2\t2.5\r\n"),
        ("TSV", {"input_format_tsv_allow_variable_number_of_columns": 1}, "x\n\t2\ny\t2\t2.5\tmore\n"),
        ("CSV", {"format_csv_allow_single_quotes": 1}, "'x,\n''1''',1,1.5\n\"y\n'\",2,2.5\n" * 3),
        ("CSV", {"format_csv_allow_single_quotes": 1, "format_csv_allow_double_quotes": 0}, "'x,\ny',1,1.5\n\"y,2,2.5\n"),
        ("CSV", {"format_csv_allow_double_quotes": 0}, '"x",1,1.5\n"y,2,2.5\n'),
        ("CSV", {"format_csv_null_representation": "-", "format_csv_delimiter": ";"}, "x;-;1.5\n-;2;2.5\n"),
        ("CSV", {"input_format_csv_trim_whitespaces": 0}, " x , 1,1.5\ny\t,2,2.5\n"),
        ("CSV", {"input_format_csv_allow_variable_number_of_columns": 1}, "x\ny,2\nz,3,3.5,4\n"),
        ("CSV", {"input_format_csv_use_default_on_bad_values": 1}, "x,one,1.5\ny,2,?\n"),
        ("CSV", {"input_format_csv_allow_whitespace_or_tab_as_delimiter": 1, "format_csv_delimiter": " "}, "x 1 1.5\ny 2 2.5\n"),
    )
    with Case() as c:
        compare(c, cases)


def times_and_bools_by_settings():
    cases = (
        ("CSV", {"date_time_input_format": "best_effort_us"}, "04/05/2023 10:00:00,true\n04/13/2023,false\n"),
        ("TSV", {"date_time_input_format": "basic"}, "2023-04-05 10:00:00\t1\n1680613879\tfalse\n"))
    with Case() as c:
        compare(c, cases, "t DateTime('UTC'), b Bool")
    with Case() as c:
        c.write("in.csv", "ja\nnein\ntrue\noui\n")
        c.write("d.sql", "SET store = 'embedded:./d';\nCREATE SOURCE s (b Bool) FROM FILES 'in.csv' FORMAT CSV SETTINGS bool_true_representation = 'ja', bool_false_representation = 'nein' EVENT TIME _arrival KEEP FOREVER;\n")
        c.ok("run", "--once", "-f", "d.sql")
        assert c.ok("query", "-f", "d.sql", "SELECT b FROM weir_raw_s ORDER BY _offset", "--format", "TSV").split() == ["true", "false", "true"]


def types_of_a_header_are_held_to():
    with Case() as c:
        c.write("in.csv", "a,b\nString,Int8\nx,1\n")
        c.write("d.sql", "SET store = 'embedded:./d';\nCREATE SOURCE s (a String, b UInt16) FROM FILES 'in.csv' FORMAT CSVWithNamesAndTypes EVENT TIME _arrival KEEP FOREVER;\n")
        r = c.weir("run", "--once", "-f", "d.sql")
        assert "column 'b' is Int8 by the header, not UInt16" in r.stderr + r.stdout, (r.stdout, r.stderr)


def settings_are_refused_by_name():
    for setting, part in (("format_csv_alow_single_quotes = 1", "did you mean format_csv_allow_single_quotes?"),
                          ("input_format_csv_arrays_as_nested_csv = 1", "arrays are read as ['a','b']"),
                          ("input_format_skip_unknown_fields = 0", "always 1 here"),
                          ("format_custom_escaping_rule = 'CSV'", "CustomSeparated is not there"),
                          ("input_format_allow_errors_num = 5", "kept as a reject"),
                          ("format_regexp = 'x'", "no setting of FORMAT CSV"),
                          ("format_csv_delimiter = 'ab'", "one byte"),
                          ("date_time_input_format = 'best'", "best_effort, best_effort_us or basic"),
                          ("input_format_csv_skip_first_lines = -1", "a number of lines")):
        with Case() as c:
            c.write("d.sql", f"SET store = 'embedded:./d';\nCREATE SOURCE s (a String) FROM FILES 'x' FORMAT CSV SETTINGS {setting} EVENT TIME _arrival;\n")
            r = c.weir("check", "-f", "d.sql")
            assert r.returncode != 0 and part in r.stderr + r.stdout, (setting, r.stdout, r.stderr)


def skipped_lines_are_no_part_of_a_file_that_goes_on():
    with Case() as c:
        c.write("d.sql", "SET store = 'embedded:./d';\nCREATE SOURCE s (a UInt32) FROM FILES 'in.csv' FORMAT CSV SETTINGS input_format_csv_skip_first_lines = 2 EVENT TIME _arrival KEEP FOREVER;\n")
        c.write("in.csv", "title\n\"more\n of it\"\n1\n2\n")
        c.ok("run", "--once", "-f", "d.sql")
        c.write("in.csv", "title\n\"more\n of it\"\n1\n2\n3\n")
        c.ok("run", "--once", "-f", "d.sql")
        assert c.ok("query", "-f", "d.sql", "SELECT count(), sum(a) FROM s", "--format", "TSV") == "3\t6\n"


CASES = [settings_hold_from_end_to_end, times_and_bools_by_settings, types_of_a_header_are_held_to, settings_are_refused_by_name, skipped_lines_are_no_part_of_a_file_that_goes_on]

if __name__ == "__main__":
    sys.exit(run(CASES))
