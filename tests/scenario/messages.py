#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `weir check` says of wrong definitions: every mistake of a file in one run, each at its place, and nothing that only follows from
another. Each case is definitions and the whole list of what is said, as `line:column text | suggestion`.

messages.py --fill prints what is said now, to be read and put into the table."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from weirtest import Case, run

# In front of each case, on a line of its own: line 1 of the case is line 2 of the file.
SOURCE = ("CREATE SOURCE s (t DateTime, u UInt32, i Int32, x Float64, z String, n Nullable(Int32), a Array(UInt8), b Array(String), tu Tuple(p UInt8, q String), "
          "m Map(String, UInt8), ip IPv4, d Date) FROM FILES '*.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;\n")


def said(text):
    """The answer of `weir check` as the table writes it."""
    out = []
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        m = re.match(r"weir\.sql:(\d+):(\d+): (error|warning): (.*)$", lines[i])
        i += 1
        if m is None:
            continue
        line, column, kind, words = m.groups()
        if i < len(lines) and re.match(r"(    |  … )", lines[i]) and i + 1 < len(lines) and re.match(r" +\^", lines[i + 1]):
            i += 2
        hint = ""
        while i < len(lines) and lines[i].startswith("    "):
            hint += " | " + lines[i].strip()
            i += 1
        out.append(f"{line}:{column} {'(warning) ' if kind == 'warning' else ''}{words}{hint}")
    return out


def check(c, definitions, *flags):
    c.write("weir.sql", definitions)
    r = c.weir("check", *flags)
    assert r.returncode in (0, 1), (r.returncode, r.stderr)
    return r


# name, definitions, what is said
CASES = [
    ("functions", """CREATE FUNCTION fa AS (x) -> fb(x) + 1; CREATE FUNCTION fb AS (x) -> fc(x); CREATE FUNCTION fc AS (x) -> fa(x);
CREATE FUNCTION me AS (x) -> me(x);
CREATE FUNCTION uses AS (x) -> fa(x);
CREATE FUNCTION lower AS (x) -> x; CREATE FUNCTION sum AS (x) -> x;
CREATE FUNCTION dup AS (x, x) -> x;
CREATE FUNCTION bare AS 5;
CREATE FUNCTION two AS (x, y) -> x + y;
CREATE FUNCTION typo AS (x) -> lowr(x);
CREATE FUNCTION s AS (x) -> x;
CREATE FUNCTION adds AS (x) -> x + z;
CREATE STREAM q AS SELECT fa(u) AS v, two(u) AS w, two(*, u) AS ww, two(u, u)(3) AS w3, me(u) AS me1, adds(u) AS o, adds(1) AS p, typo(z) AS r, bare(3) AS nl FROM s;
CREATE STREAM q2 AS SELECT v FROM q;
CREATE METRIC mm AS SELECT typo(z) AS k, fa(sum(u)) AS c, count() FROM s GROUP BY k HAVING two(count()) > 3;
CREATE METRIC m2 AS SELECT two(sum(u), count()) AS k, two(z, u) AS v FROM s GROUP BY v;""", [
        "2:17 function 'fa' is defined by itself: fa → fb → fc → fa | a function cannot call itself, nor those that call it",
        "3:17 function 'me' is defined by itself: me → me | a function cannot call itself, nor those that call it",
        "5:17 'lower' is a function of ClickHouse's | give it another name",
        "5:52 'sum' is a function of ClickHouse's | give it another name",
        "6:28 parameter 'x' stands twice | give each parameter a name of its own",
        "7:25 expected the function's parameters and '->' | write (x, y) -> …; without parameters () -> …",
        "9:32 unknown function 'lowr' | did you mean 'lower'?",
        "10:17 s is defined already at weir.sql:1:15",
        "11:36 argument 2 of 'plus' is String, expected a number",
        "12:39 'two' takes (x, y), not 1 argument",
        "12:56 '*' cannot stand here",
        "12:69 'two' takes no parameters and no DISTINCT",
        "14:92 'two' takes (x, y), not 1 argument",
        "15:59 argument 1 of 'plus' is String, expected a number",
    ]),
    ("merge", """CREATE SOURCE a (t DateTime, s String, x UInt64, y UInt8) FROM FILES 'a.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE SOURCE b (t DateTime, s UInt8, x Int64, y String) FROM FILES 'b.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE STREAM a2 AS SELECT * FROM a WHERE s != '';
CREATE STREAM m1 AS SELECT s, x, y AS z FROM merge('^[ab]$');
CREATE STREAM m3 AS SELECT x FROM merge('zz');
CREATE STREAM m4 AS SELECT x FROM merge('(');
CREATE STREAM m5 AS SELECT x FROM merge('d', '^a$');
CREATE STREAM m6 AS SELECT x FROM merge('');
CREATE STREAM m7 AS SELECT t, xx FROM merge('^[ab]$');
CREATE STREAM m8 AS SELECT t FROM merge(a);
CREATE STREAM m9 AS SELECT z FROM m1;
CREATE STREAM m10 AS SELECT t FROM remote('x', 'y');
CREATE STREAM m11 AS SELECT x FROM merge('a2?$');""", [
        "5:46 column 's' of merge has types that no one type holds: String in 'a', UInt8 in 'b' | read one of them by a stream that converts: SELECT * …, or toString(s) AS s",
        "5:46 column 'x' of merge has types that no one type holds: UInt64 in 'a', Int64 in 'b' | read one of them by a stream that converts: SELECT * …, or toString(x) AS x",
        "5:46 column 'y' of merge has types that no one type holds: UInt8 in 'a', String in 'b' | read one of them by a stream that converts: SELECT * …, or toString(y) AS y",
        "6:35 merge: no source or stream has a name that matches 'zz' | it is looked for in the names of those defined above",
        "7:35 merge: '(' is no regular expression: missing ): (",
        "8:41 sources and streams have no database | leave it out: merge('a|b')",
        "9:41 merge('') would read everything: name the sources, such as merge('a|b')",
        "10:31 unknown name 'xx' | did you mean 'x'?",
        "11:41 expected a regular expression in quotes, found a",
        "13:36 table functions other than merge('…') are not there | read it by a CREATE SOURCE",
        "14:36 merge would read source 'a' twice: as 'a' and as 'a2' | match one of them only, as in merge('^(a|b)$'), or make it one stream",
    ]),
    ("array joins", """CREATE SOURCE a (t DateTime, s String, x UInt64, y UInt8) FROM FILES 'a.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE STREAM aj1 AS SELECT t FROM a ARRAY JOIN s;
CREATE STREAM aj2 AS SELECT t FROM a ARRAY JOIN zz AS q, [1, 2] AS q2;
CREATE STREAM aj3 AS SELECT t FROM a ARRAY JOIN [1] AS q, [2] AS q;
CREATE STREAM aj4 AS SELECT arrayJoin(x) FROM a;
CREATE STREAM aj5 AS SELECT arrayJoin([1], [2]) AS v, arrayMap(k -> arrayJoin([k]), [1]) AS w FROM a;
CREATE STREAM aj6 AS SELECT t FROM a ARRAY JOIN [] AS e;
CREATE METRIC me AS SELECT arrayJoin(groupUniqArray(x)) AS v FROM a;
CREATE METRIC mf AS SELECT count() FROM a ARRAY JOIN sum(x) AS v;
CREATE SOURCE c (t DateTime, s String, q MATERIALIZED arrayJoin([1])) FROM FILES 'a.json' FORMAT JSONEachRow EVENT TIME t;
CREATE STREAM aj7 AS SELECT t FROM a ARRAY JOIN;
CREATE STREAM aj8 AS SELECT t FROM a LEFT JOIN b USING t;
CREATE STREAM aj9 AS SELECT arrayJoin(p) AS p2, arrayJoin(p2) AS p FROM a;""", [
        "3:49 ARRAY JOIN wants an array or a map, not String | splitByChar(',', s) makes an array of a text",
        "4:49 unknown name 'zz'",
        "5:59 ARRAY JOIN has two arrays named 'q' | give it another name by AS",
        "6:39 arrayJoin wants an array or a map, not UInt64",
        "7:29 'arrayJoin' takes (array), not 2 arguments | several arrays side by side: FROM … ARRAY JOIN a, b",
        "7:69 'arrayJoin' cannot depend on a lambda's parameter | take the array apart outside the lambda",
        "8:49 ARRAY JOIN wants an array whose elements have a type, not Array(Nothing)",
        "9:28 'arrayJoin' of an aggregate has no place in a metric | write it in the query: SELECT … FROM the metric's view ARRAY JOIN …",
        "10:54 ARRAY JOIN wants an array or a map",
        "11:55 'arrayJoin' cannot stand here: it makes rows | write it in a stream or metric",
        "12:48 expected an expression, found ;",
        "13:38 JOIN is not there yet",
        "14:39 calls of arrayJoin are defined by one another",
    ]),
    ("circles of streams", """CREATE SOURCE a (t DateTime, s String, x UInt64, y UInt8) FROM FILES 'a.json' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE STREAM late AS SELECT t FROM later;
CREATE STREAM later AS SELECT t FROM late;
CREATE METRIC mt AS SELECT count() AS n FROM a;
CREATE STREAM fm AS SELECT v FROM mt;
CREATE STREAM self AS SELECT t FROM self;
CREATE STREAM near AS SELECT t FROM lates;
CREATE METRIC fs AS SELECT count() FROM two_b;
CREATE FUNCTION two_b AS (x) -> x;""", [
        "3:37 stream 'late' reads itself: late → later → late | somewhere a source must be read",
        "6:35 'mt' is a metric: streams and metrics read sources and streams | read its view in a query, or the metric's own source here",
        "7:37 stream 'self' reads itself: self → self | somewhere a source must be read",
        "8:37 no source or stream 'lates' is defined above | did you mean 'late'?",
        "9:41 no source or stream 'two_b' is defined above",
    ]),
    ("lookups", """CREATE LOOKUP users (name String, plan String, age UInt8, PRIMARY KEY name) FROM FILES 'u.csv' FORMAT CSV;
CREATE LOOKUP pairs (a UInt32, b String, v Int8, PRIMARY KEY (a, b)) FROM FILES 'p.csv' FORMAT CSV;
CREATE LOOKUP nets (net String, zone String, PRIMARY KEY net) LAYOUT(IP_TRIE) FROM FILES 'n.csv' FORMAT CSV;
CREATE LOOKUP geo FROM GEOIP 'x.mmdb';
CREATE LOOKUP users (a String, PRIMARY KEY a) FROM FILES 'x' FORMAT CSV;
CREATE LOOKUP bad (name String, v Array(String), f Float64, m Nullable(String), PRIMARY KEY (nam, f, m)) FROM FILES 'x' FORMAT CSV;
CREATE LOOKUP trie (net IPv4, PRIMARY KEY net) LAYOUT(IP_TRIE) FROM FILES 'x' FORMAT CSV;
CREATE LOOKUP trie2 (net String, b String, PRIMARY KEY (net, b)) LAYOUT(IP_TRIE) FROM FILES 'x' FORMAT CSV;
CREATE LOOKUP logs (hst String, PRIMARY KEY hst) FROM FILES 'x' FORMAT CombinedLog;
CREATE LOOKUP nokey (a String) FROM FILES 'x' FORMAT CSV;
CREATE LOOKUP flat (a String, PRIMARY KEY a) LAYOUT(FLAT) FROM FILES 'x' FORMAT CSV;
CREATE STREAM good AS SELECT users.plan(z) AS a, pairs.v(u, z) AS b, nets.zone(ip) AS c, geo.latitude(u) AS d, users.plan(NULL) AS e, bad.v(z) AS silent, nokey.b(1) AS silent2 FROM s;
CREATE STREAM q AS SELECT user.plan(z) AS a, users.pln(z) AS b, users.plan(u) AS c, users.plan(z, u) AS d, pairs.v(z, z) AS e, pairs.v(x, z) AS f, nets.zone(z) AS g,
geo.contry(ip) AS h, geo.city(z) AS i, geo.get(ip) AS j, geo.get(ip, 'a.b[x') AS k, geo.get(ip, z) AS l, users.get(z) AS m, pairs.v(d, z) AS n FROM s;
CREATE METRIC mm AS SELECT users.plan(z) AS plan, users.age(z) AS age, users.plan(any(z)) AS p2, count() FROM s GROUP BY plan HAVING users.age(z) > 1;""", [
        "6:15 users is defined already at weir.sql:2:15",
        "7:35 column v: a Array(String) cannot be NULL, as what a lookup gives must be able to be | read it as String and take it apart in the stream",
        "7:52 a Float64 cannot be a key | write Decimal(18, 6), or String",
        "7:63 key m cannot be NULL | leave out Nullable",
        "7:94 PRIMARY KEY nam: lookup 'bad' has no such column | did you mean name?",
        "8:25 the key of LAYOUT(IP_TRIE) is a network as text, not IPv4 | write String: 10.0.0.0/8, 2001:db8::/32",
        "9:62 LAYOUT(IP_TRIE) has one key, a network",
        "10:21 FORMAT CombinedLog has no field 'hst' | it has remote_addr, remote_ident, remote_user, time_local, request, request_method, request_uri, server_protocol, status, body_bytes_sent, http_referer, http_user_agent, http_x_forwarded_for",
        "11:15 lookup nokey needs a PRIMARY KEY | write PRIMARY KEY a behind the last column",
        "12:53 unknown layout FLAT | there are HASHED and IP_TRIE",
        "14:27 there is no lookup 'user' | did you mean 'users'?",
        "14:46 lookup 'users' has no column 'pln' | did you mean users.plan?",
        "14:65 key 'name' of lookup 'users' is String, this is UInt32 | write toString(u)",
        "14:85 'users.plan' takes (name), not 2 arguments",
        "14:108 key 'a' of lookup 'pairs' is UInt32, this is String | write toUInt32OrNull(z)",
        "14:128 key 'a' of lookup 'pairs' is UInt32, this is Float64 | write accurateCastOrNull(x, 'UInt32')",
        "14:148 the key of lookup 'nets' is an address, IPv4 or IPv6; this is String | write toIPv6OrNull(z), which takes both IPv4 and IPv6",
        "15:1 lookup 'geo' has no column 'contry' | did you mean geo.country?",
        "15:22 the key of lookup 'geo' is an address, IPv4 or IPv6; this is String | write toIPv6OrNull(z), which takes both IPv4 and IPv6",
        "15:40 'geo.get' takes (address, 'path.in.the.record'), not 1 argument",
        "15:58 path 'a.b[x': [ needs the number of an item and ]",
        "15:85 the path of 'geo.get' is a text in quotes | write 'city.names.en'",
        "15:106 lookup 'users' has no column 'get' | it has name, plan, age",
        "16:51 users.age(z) is neither in GROUP BY nor in an aggregate function | add it to GROUP BY, or aggregate it",
        "16:72 lookup 'users.plan' cannot be asked after aggregating | read it in a stream, and aggregate what it gives",
        "16:134 users.age(z) is neither in GROUP BY nor in an aggregate function | add it to GROUP BY, or aggregate it",
    ]),
]


def every_mistake_is_said_once_at_its_place():
    with Case("") as c:
        for name, text, expected in CASES:
            r = check(c, SOURCE + text + "\n")
            got = said(r.stderr)
            assert got == expected, name + ":\n" + "\n".join(f"  {g}" for g in got) + "\nexpected\n" + "\n".join(f"  {g}" for g in expected)
            assert (r.returncode == 1) == any("(warning)" not in e for e in expected), name


def json_gives_the_range_of_every_mistake():
    with Case("") as c:
        for name, text, expected in CASES:
            definitions = (SOURCE + text + "\n").encode()
            r = check(c, definitions.decode(), "--json")
            items = json.loads(r.stdout)
            again = [f"{i['line']}:{i['column']} {'(warning) ' if i['severity'] == 'warning' else ''}{i['message']}" + (f" | {i['suggestion']}" if "suggestion" in i else "") for i in items]
            assert again == expected, (name, again)
            lines = definitions.split(b"\n")
            for i in items:
                assert i["file"] == "weir.sql" and (i["endLine"], i["endColumn"]) > (i["line"], i["column"]) and i["endColumn"] <= len(lines[i["endLine"] - 1]) + 2, i
        unknown = json.loads(check(c, SOURCE + "CREATE STREAM q AS SELECT lowr(z) AS v FROM s;\n", "--json").stdout)
        assert [(i["line"], i["column"], i["endLine"], i["endColumn"]) for i in unknown] == [(2, 27, 2, 34)], unknown
        r = check(c, SOURCE, "--json")
        assert r.returncode == 0 and json.loads(r.stdout) == [], r.stdout


def a_thousand_metrics_are_checked_in_a_moment():
    """The goal is 300 ms on a free core; the bound here leaves room for a busy one."""
    import resource
    metrics = "".join(f"CREATE METRIC m{i} AS SELECT z, intDiv(u, {i % 50 + 1}) AS k{i % 7}, count() AS c, sum(u) AS su, uniqCombined(i) AS ui, quantilesDD(0.01, 0.5, 0.9)(x) AS q "
                      f"FROM s WHERE u % {i % 20 + 2} != 0 GROUP BY GROUPING SETS ((z, k{i % 7}), (z)) EVERY 1 MINUTE KEEP 7 DAYS, 1 HOUR, 1 DAY;\n" for i in range(1000))
    with Case("") as c:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        r = check(c, SOURCE + metrics)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert r.returncode == 0, r.stderr
        took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"      1,000 metrics of two sets and three tiers: {took * 1000:.0f} ms of processor time")
        assert took < 1.5, took


def fill():
    with Case("") as c:
        for name, text, expected in CASES:
            got = said(check(c, SOURCE + text + "\n").stderr)
            print(f"# {name}{'' if got == expected else '  (differs)'}")
            for line in got:
                print("        " + json.dumps(line, ensure_ascii=False) + ",")


if __name__ == "__main__":
    if sys.argv[1:] == ["--fill"]:
        fill()
        sys.exit(0)
    sys.exit(run([every_mistake_is_said_once_at_its_place, json_gives_the_range_of_every_mistake, a_thousand_metrics_are_checked_in_a_moment]))
