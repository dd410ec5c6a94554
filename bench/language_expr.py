# SPDX-License-Identifier: Apache-2.0
"""Row 3: expressions over rows in memory, each against libchdb over a Memory table of the same rows."""
import math
import os
import subprocess

from figures import PEER_SETTINGS, at_least, median

# Thirty that a definition of logs is likely to have.
TYPICAL = [
    ("dates", "toStartOfHour(t)"),
    ("dates", "toStartOfInterval(t, INTERVAL 5 MINUTE)"),
    ("dates", "toYYYYMM(d)"),
    ("dates", "toHour(t, 'America/New_York')"),
    ("dates", "dateDiff('minute', t, t2)"),
    ("dates", "formatDateTime(t, '%Y-%m-%d %H:%i:%S')"),
    ("dates", "parseDateTimeBestEffort(iso)"),
    ("dates", "toDate(t3)"),
    ("URL", "domain(url)"),
    ("URL", "path(url)"),
    ("URL", "extractURLParameter(url, 'id')"),
    ("URL", "cutQueryString(url)"),
    ("URL", "decodeURLComponent(url)"),
    ("search", "position(message, 'port')"),
    ("search", "message LIKE '%Failed%user%'"),
    ("search", "multiSearchAny(agent, ['bot', 'crawl', 'spider'])"),
    ("search", "lower(agent)"),
    ("search", "startsWith(path, '/api/')"),
    ("search", "substring(path, 2, 8)"),
    ("regex", "match(message, 'port [0-9]+')"),
    ("regex", "extract(agent, 'Chrome/([0-9]+)')"),
    ("regex", "replaceRegexpAll(path, '[0-9]+', 'N')"),
    ("regex", "replaceRegexpOne(message, '([0-9]+)[.]([0-9]+)[.][0-9]+[.][0-9]+', '\\\\1.\\\\2.x.x')"),
    ("regex", "match(message, '(?i)(fail|error|timed out)')"),
    ("JSON", "JSONExtractString(json, 'action')"),
    ("JSON", "JSONExtractFloat(json, 'geo', 'lat')"),
    ("JSON", "simpleJSONExtractInt(json, 'id')"),
    ("conditions", "multiIf(status < 300, 'ok', status < 400, 'moved', status < 500, 'client', 'server')"),
    ("conditions", "status >= 500 AND bytes > 1000 OR method = 'POST'"),
    ("conditions", "CASE method WHEN 'GET' THEN 1 WHEN 'POST' THEN 2 ELSE 0 END"),
]

# Others, each for its kind of work; judged alone, not in the mean.
FURTHER = [
    ("dates", "toDayOfWeek(t)"),
    ("dates", "toStartOfMonth(t)"),
    ("dates", "t + INTERVAL 1 DAY"),
    ("dates", "toUnixTimestamp(t)"),
    ("dates", "fromUnixTimestamp64Milli(toInt64(bytes))"),
    ("URL", "firstSignificantSubdomain(url)"),
    ("URL", "queryString(url)"),
    ("search", "positionCaseInsensitive(agent, 'chrome')"),
    ("search", "hasToken(message, 'password')"),
    ("search", "countSubstrings(url, '/')"),
    ("search", "path ILIKE '%LOGIN%'"),
    ("search", "replaceAll(path, '/', '.')"),
    ("search", "replaceOne(path, '/', '.')"),
    ("search", "upper(method)"),
    ("search", "reverse(path)"),
    ("search", "trim(message)"),
    ("search", "lengthUTF8(json)"),
    ("search", "upperUTF8(path)"),
    ("search", "splitByChar('/', path)"),
    ("search", "concat(method, ' ', path)"),
    ("search", "leftPad(size, 10, '0')"),
    ("regex", "match(path, '^/api/v[0-9]+/')"),
    ("regex", "extract(message, '[0-9]+')"),
    ("regex", "countMatches(message, '[0-9]+')"),
    ("regex", "replaceRegexpOne(path, '^/([a-z]+)/.*$', '\\\\1')"),
    ("regex", "replaceRegexpAll(message, '\\\\s+', ' ')"),
    ("regex", "extractAll(message, '[0-9]+')"),
    ("JSON", "JSONHas(json, 'device', 'os')"),
    ("JSON", "JSONExtractInt(json, 'id')"),
    ("JSON", "isValidJSON(json)"),
    ("conditions", "if(bytes > 100000, 'big', 'small')"),
    ("conditions", "status IN (200, 204, 304)"),
    ("conditions", "method IN ('GET', 'HEAD')"),
    ("conditions", "coalesce(user, 'nobody')"),
    ("conditions", "transform(status, [200, 404, 500], ['ok', 'lost', 'broken'], 'other')"),
    ("conversion", "toUInt32OrZero(size)"),
    ("conversion", "toString(bytes)"),
    ("conversion", "toString(t)"),
    ("conversion", "toFloat64(delta)"),
    ("conversion", "IPv4NumToString(ip)"),
    ("coding", "base64Encode(path)"),
    ("coding", "base64Decode(base64Encode(path))"),
    ("coding", "hex(path)"),
    ("coding", "unhex(code)"),
    ("hashes", "cityHash64(path)"),
    ("hashes", "sipHash64(path)"),
    ("hashes", "xxHash64(path)"),
    ("hashes", "murmurHash3_64(path)"),
    ("hashes", "MD5(path)"),
    ("hashes", "SHA256(path)"),
    ("hashes", "CRC32(path)"),
    ("bits", "bitAnd(bytes, 255)"),
    ("bits", "bitXor(delta, 21845)"),
    ("bits", "bitShiftRight(bytes, 3)"),
    ("bits", "bitCount(bytes)"),
    ("bits", "bitTest(bytes, 5)"),
    ("numbers", "bytes * 8 / 1000"),
    ("numbers", "intDiv(status, 100)"),
    ("numbers", "bytes % 10"),
    ("numbers", "round(rtt, 1)"),
    ("numbers", "abs(delta)"),
    ("maths", "exp(rtt / 100)"),
    ("maths", "log(rtt + 1)"),
    ("maths", "log2(rtt + 1)"),
    ("maths", "pow(rtt, 1.5)"),
    ("maths", "sqrt(rtt)"),
    ("maths", "sin(rtt)"),
    ("maths", "atan2(rtt, 3.)"),
    ("maths", "greatCircleDistance(rtt / 10, 10, 20, rtt / 20)"),
]

# Not to the last bit in ClickHouse either: the answers are not compared.
INEXACT = ("exp(", "log", "pow(", "sin(", "atan2(", "greatCircle", "fromUnixTimestamp64")

LEAST_S = 0.08  # CPU time of one measurement, about


class Ours:
    """bench_expr, kept running over the table."""

    def __init__(self, b, path):
        self.process = subprocess.Popen([os.path.join(b.programs, "bench_expr"), "run", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, passes, expression):
        self.process.stdin.write(f"{passes}\t{expression}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n").split("\t")

    def seconds_a_pass(self, passes, expression):
        answer = self.ask(passes, expression)
        if answer[0] == "-":
            raise LookupError(answer[1])
        return float(answer[1]) / passes

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peer:
    """Memory tables of libchdb. What is read more than once comes by UNION ALL, so that one query's own cost is small."""

    def __init__(self, b, path, structure):
        self.b = b
        self.names = [c.split()[0] for c in structure.split(", ")]
        sql = b.peer().sql
        sql.text(f"CREATE OR REPLACE TABLE expr ({structure}) ENGINE = Memory")
        sql.text(f"INSERT INTO expr SELECT * FROM file('{path}', TSV, '{structure}')", **PEER_SETTINGS)

    def read(self, names, passes):
        one = f"SELECT {', '.join(names)} FROM expr"
        return one if passes == 1 else " UNION ALL ".join([one] * passes)

    def seconds(self, names, passes, what):
        return self.b.peer_cpu_s([f"SELECT {what} FROM ({self.read(names, passes)}) FORMAT Null"], {}, is_stored=False)

    def columns_of(self, expression):
        words = "".join(c if c.isalnum() or c == "_" else " " for c in expression).split()
        return [n for n in self.names if n in words]

    def hash(self, expression):
        return self.b.peer().sql.text(f"SELECT sum(cityHash64(toString({expression}))) FROM expr", **PEER_SETTINGS).strip()


def passes_for(seconds):
    return max(1, min(100, int(LEAST_S / max(seconds, 1e-4))))


def measure(b, ours, peer, n_rows, expression):
    """Nanoseconds a row, ours and the peer's without reading its columns; medians of alternating rounds."""
    names = peer.columns_of(expression)
    our_passes = passes_for(ours.seconds_a_pass(1, expression))
    peer.seconds(names, 1, expression)
    peer_passes = passes_for(peer.seconds(names, 1, expression))
    us, them = [], []
    for _ in range(b.rounds):
        us.append(ours.seconds_a_pass(our_passes, expression))
        read = peer.seconds(names, peer_passes, ", ".join(names))
        them.append((peer.seconds(names, peer_passes, expression) - read) / peer_passes)
    return median(us) / n_rows * 1e9, max(median(them), 1e-9) / n_rows * 1e9


def is_same(ours, peer, expression):
    return any(expression.startswith(f) for f in INEXACT) or ours.ask(0, expression)[0] == peer.hash(expression)


def row_3(b, only=""):
    n_rows = 40_960
    program = os.path.join(b.programs, "bench_expr")
    path = os.path.join(b.work, "expr.tsv")
    with open(path, "wb") as f:
        subprocess.run([program, "generate", str(n_rows)], stdout=f, check=True)
    structure = subprocess.run([program, "structure"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    peer, ours = Peer(b, path, structure), Ours(b, path)
    figures, ratios = [], []
    b.note(f"row 3: {n_rows:,} made-up web events; of the peer's time that for reading the columns is taken off")
    try:
        for kind, expression in TYPICAL + FURTHER:
            if only and only not in expression:
                continue
            try:
                us, them = measure(b, ours, peer, n_rows, expression)
            except LookupError as e:
                b.note(f"{expression}: not in weir: {e}")
                continue
            if not is_same(ours, peer, expression):
                b.note(f"{expression}: ANSWERS DIFFER")
            ratio = them / us
            is_typical = (kind, expression) in TYPICAL
            ratios += [ratio] if is_typical else []
            f = at_least(3, f"{kind}{'' if is_typical else ', further'}: {expression}", us, them, "ns/row", 0.8, ratio)
            figures.append(f)
            print(f"    {us:9.2f} {them:9.2f} {ratio:6.2f} {'' if f['met'] else 'NOT MET':8}{expression}", flush=True)
    finally:
        ours.close()
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        figures.insert(0, at_least(3, f"expressions: geometric mean of {len(ratios)} typical ones", mean, None, "×", 1.5))
    return figures
