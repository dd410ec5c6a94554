#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the texts say is what happens: runs the blocks of README.md and docs/tutorial.md, compares the reference pages.

A document's blocks, in one shell, in a temp folder that has examples/ and build/weir as the repository has:
  ```sh [exit N]  is run; its last command must end with 0, or N
  ```text         after it is what it printed (both streams); … stands for anything
  ```sql FILE     is written to FILE, or is what FILE holds if it is there
`tutorial.py --fill` puts the output into text blocks that hold nothing but a question mark, for who writes the texts."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, ROOT, STORE_PROGRAM, WEIR, run, start_store

BLOCK = re.compile(r"^```(sh|text|sql)([^\n]*)\n(.*?)^```$", re.M | re.S)

FULL_DISK = "less than a tenth of the disk is free"


class Step:
    """One sh block and the text block that follows it, if any."""

    def __init__(self, match):
        self.code, self.expected, self.at = match.group(3), None, None
        exit_code = re.search(r"exit (\d+)", match.group(2))
        self.exit = int(exit_code.group(1)) if exit_code else 0


def script_of(c, text):
    """(steps, one bash script that runs them all, each into files of its own)"""
    steps, lines, is_open = [], [], False
    for m in BLOCK.finditer(text):
        kind, info, body = m.group(1), m.group(2).strip(), m.group(3)
        if kind == "sh":
            c.write(f"step{len(steps)}.sh", body)
            n = len(steps)
            lines.append(f'. "$T/step{n}.sh" >"$T/step{n}.out" 2>&1; c=$?; echo $c >"$T/step{n}.exit"')
            steps.append(Step(m))
            lines.append(f'[ "$c" = {steps[-1].exit} ] || grep -q "{FULL_DISK}" "$T/step{n}.out" || exit 8')
        elif kind == "text" and is_open:
            steps[-1].expected, steps[-1].at = body, m.span(3)
        elif kind == "sql" and info:
            c.write(f"block{len(lines)}.sql", body)
            lines.append(f'if [ -e {info} ]; then cmp {info} "$T/block{len(lines)}.sql" || exit 9; else cp "$T/block{len(lines)}.sql" {info}; fi')
        is_open = kind == "sh"
    return steps, "\n".join(lines) + "\n"


def looks_like(got, expected):
    got, expected = ("\n".join(line.rstrip() for line in text.rstrip().split("\n")) for text in (got, expected))
    return re.fullmatch(".*".join(re.escape(part) for part in expected.split("…")), got, re.S) is not None


def follow(name):
    with open(os.path.join(ROOT, name)) as f:
        text = f.read()
    assert os.path.exists(WEIR), f"{WEIR} is not there: make build"
    with Case() as c:
        shutil.copytree(os.path.join(ROOT, "examples"), c.path("examples"))
        os.mkdir(c.path("build"))
        os.symlink(os.path.abspath(WEIR), c.path("build/weir"))
        steps, script = script_of(c, text)
        assert steps, f"{name} has no sh blocks"
        env = dict(c.env, T=c.dir, COLUMNS="80", TZ="UTC")
        r = subprocess.run(["bash", "-c", script], cwd=c.dir, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=150)
        assert r.returncode != 9, f"{name}: a sql block is not what its file holds\n{r.stdout}{r.stderr}"
        for n, step in enumerate(steps):
            step.got, step.exited = "not run: one before it failed", step.exit
            if not os.path.exists(c.path(f"step{n}.exit")):
                continue
            with open(c.path(f"step{n}.out")) as f:
                step.got = f.read().replace(c.dir, "…")
            with open(c.path(f"step{n}.exit")) as f:
                step.exited = int(f.read())
    if "--fill" in sys.argv:
        for step in reversed(steps):
            if step.expected is not None and step.expected.strip() == "?":
                text = text[:step.at[0]] + step.got.rstrip() + "\n" + text[step.at[1]:]
        with open(os.path.join(ROOT, name), "w") as f:
            f.write(text)
        return
    bad = []
    for step in steps:
        if FULL_DISK in step.got:
            print(f"      not compared, for this machine's disk is nearly full: {step.code.strip()}")
            continue
        if step.exited != step.exit:
            bad.append(f"exit {step.exited}, not {step.exit}:\n{step.code}\n--- printed:\n{step.got}")
        elif step.expected is not None and not looks_like(step.got, step.expected):
            bad.append(f"another output:\n{step.code}\n--- the text says:\n{step.expected}--- printed:\n{step.got}")
    assert not bad, f"{name}, {len(bad)} of {len(steps)} blocks\n" + "\n".join(bad)
    print(f"      {name}: {len(steps)} blocks")


def readme():
    follow("README.md")


def tutorial():
    follow("docs/tutorial.md")


def example(name):
    """What an example's README says that it answers."""
    follow(f"examples/{name}/README.md")


def example_flights():
    example("flights")


def example_weblogs():
    example("weblogs")


def example_telemetry():
    example("telemetry")


def example_windows_events():
    example("windows-events")


def from_materialized_views():
    """Both sides of the page: ClickHouse's statements in a weir-store, weir's in weir, the same questions to both."""
    with open(os.path.join(ROOT, "docs", "from-materialized-views.md")) as f:
        blocks = re.findall(r"^ *```(sql \w+|csv \S+|text)\n(.*?)^ *```$", f.read(), re.M | re.S)
    with Case("".join(body for kind, body in blocks if kind == "sql weir")) as c:
        process, old = start_store(c.path("old.weir"))
        c.processes.append(process)
        old.text("CREATE DATABASE web")
        old.database = "web"
        question = None
        for kind, body in blocks:
            if kind.startswith("csv "):
                c.write(kind[4:], body)
                old_rows = f"INSERT INTO requests SELECT *, status >= 500 FROM file('{c.path(kind[4:])}', CSVWithNames)"
                c.ok("run", "--once")
            elif kind == "sql clickhouse":
                for statement in re.split(r";\n", body):
                    if "INTO OUTFILE" in statement:  # a client's clause
                        statement = statement.replace("INTO OUTFILE 'requests-old.csv'", "")
                        assert len(old.rows(statement)) == 5
                    elif statement.strip():
                        old.text(statement.replace("k1:9092", "127.0.0.1:9"))
                if old_rows:
                    old.text(old_rows)
                    old.text("SYSTEM REFRESH VIEW paths")
                    old.text("SYSTEM WAIT VIEW paths")
                    old_rows = None
            elif kind in ("sql both", "sql ask"):
                question = (kind, body)
            elif kind == "text":
                assert c.ok("query", question[1], "--format", "TSV") == body, (question[1], c.ok("query", question[1], "--format", "TSV"))
                assert question[0] == "sql ask" or old.text(question[1]) == body, (question[1], old.text(question[1]))


def page_is_what_weir_prints(page):
    printed = subprocess.run([WEIR, "help", "--reference", page], capture_output=True, text=True, timeout=20)
    assert printed.returncode == 0, printed.stderr
    with open(os.path.join(ROOT, "docs", f"reference-{page}.md")) as f:
        committed = f.read()
    assert committed == printed.stdout, f"docs/reference-{page}.md is old: weir help --reference {page} > docs/reference-{page}.md"


def settings_page():
    page_is_what_weir_prints("settings")


def functions_page():
    page_is_what_weir_prints("functions")


def types_page():
    page_is_what_weir_prints("types")


def formats_page():
    page_is_what_weir_prints("formats")


def commands_page():
    page_is_what_weir_prints("commands")


def syntax_examples_are_right():
    with open(os.path.join(ROOT, "docs", "reference-syntax.md")) as f:
        blocks = re.findall(r"^```sql\n(.*?)^```", f.read(), re.M | re.S)
    with Case("CREATE X;\n") as c:  # the parser says which statements it knows
        said = re.search(r"expected (.*) after CREATE", c.weir("check").stderr).group(1)
    with open(os.path.join(ROOT, "docs", "reference-syntax.md")) as f:
        sections = {s.split("\n")[0]: s for s in re.split(r"^### ", f.read(), flags=re.M)}
    for kind in re.split(r", | or ", said):
        assert "```sql\n" in sections.get(f"CREATE {kind}", ""), f"docs/reference-syntax.md has no section with an example of CREATE {kind}"
    with Case("".join(blocks)) as c:
        c.ok("check", env={"WEIR_STORE_PASSWORD": "x"})


def a_password_comes_from_the_environment_or_a_file_of_ones_own():
    server = "SET store = 'clickhouse://u@127.0.0.1:9/d' PASSWORD FROM "
    with Case(server + "ENV 'THE_PASSWORD';\n") as c:
        r = c.weir("check")
        assert r.returncode == 2 and "THE_PASSWORD" in r.stderr and "not set" in r.stderr, r.stderr
        c.ok("check", env={"THE_PASSWORD": "x"})
        c.write("weir.sql", server + "FILE 'p';\n")
        assert c.weir("check").returncode == 2
        c.write("p", "secret\n")
        os.chmod(c.path("p"), 0o644)
        r = c.weir("check")
        assert r.returncode == 2 and "chmod 600" in r.stderr and "secret" not in r.stderr, r.stderr
        os.chmod(c.path("p"), 0o600)
        c.ok("check")


def install_and_uninstall():
    """Into a folder of its own, with a cache of its own: uninstall removes the cache."""
    with Case() as c:
        cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "weir")
        os.makedirs(c.path("cache/weir"))
        for version in os.listdir(cache):
            os.symlink(os.path.join(cache, version), c.path(f"cache/weir/{version}"))
        os.mkdir(c.path("build"))
        os.symlink(os.path.abspath(WEIR), c.path("build/weir"))
        os.symlink(os.path.abspath(STORE_PROGRAM), c.path("build/weir-store"))
        env = {k: v for k, v in c.env.items() if k not in ("WEIR_STORE_PROGRAM", "WEIR_LIBCHDB", "DESTDIR")}
        env["XDG_CACHE_HOME"] = c.path("cache")

        def shell(*words, **kw):
            r = subprocess.run(words, cwd=c.dir, env=env, capture_output=True, text=True, timeout=60, **kw)
            assert r.returncode == 0, (words, r.stdout, r.stderr)
            return r.stdout

        shell(os.path.join(ROOT, "scripts", "install"), c.path("build"), c.path("prefix"))
        shutil.rmtree(c.path("build"))
        weir = c.path("prefix/bin/weir")
        shutil.copy(os.path.join(ROOT, "examples", "flights", "flights.csv.gz"), c.path("flights.csv.gz"))
        assert "100,000 kept" in shell(weir, "open", "flights.csv.gz")
        assert shell(weir, "query", "SELECT count() FROM flights").strip() == "100000"
        c.end_stores()
        with open(c.path("prefix/share/man/man1/weir.1")) as f:
            assert ".SH SETTINGS" in f.read()
        completed = shell("bash", "-c", f". {c.path('prefix/share/bash-completion/completions/weir')}; COMP_WORDS=(weir sta); COMP_CWORD=1; _weir; "
                          'echo "${COMPREPLY[@]}"')
        assert completed.strip() == "status", completed
        shell(os.path.join(ROOT, "scripts", "uninstall"), c.path("prefix"))
        left = [f for _, _, files in os.walk(c.path("prefix")) for f in files]
        assert left == [] and not os.path.exists(c.path("cache/weir")), left
        assert os.path.exists(cache) and os.listdir(cache) and os.path.exists(c.path("flights.weir"))


def links_lead_somewhere():
    names = ["README.md", "examples/README.md"] + [os.path.join("docs", n) for n in os.listdir(os.path.join(ROOT, "docs")) if n.endswith(".md")]
    names += [os.path.join("examples", n, "README.md") for n in os.listdir(os.path.join(ROOT, "examples")) if os.path.isdir(os.path.join(ROOT, "examples", n))]
    for name in names:
        with open(os.path.join(ROOT, name)) as f:
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", re.sub(r"`[^`\n]*`", "", f.read())):
                if "://" not in target:
                    assert os.path.exists(os.path.join(ROOT, os.path.dirname(name), target)), f"{name}: no {target}"


if __name__ == "__main__":
    argv = [a for a in sys.argv if a != "--fill"]
    sys.exit(run([readme, tutorial, example_flights, example_weblogs, example_telemetry, example_windows_events, from_materialized_views, settings_page, functions_page, types_page, formats_page, commands_page, syntax_examples_are_right,
                  a_password_comes_from_the_environment_or_a_file_of_ones_own, install_and_uninstall, links_lead_somewhere], argv))
