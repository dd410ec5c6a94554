#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real sets end to end: a definitions file over the files as they were made, `weir run --once`, then raw rows and metrics beside
ClickHouse's reading of the same bytes. What is rejected is named line by line. The sets lie in the folder data of WEIR_SHARED; a set that is
not there is skipped. Zeek's logs are in sets_zeek.py.

tests/differential/sets.py [CASE…]"""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from realset import DATA, ROOT, Metric, RealSet, need, run_sets
from sets_ueba import ueba_windows_events
import sets_zeek

QUOTED = r'"((?:[^"\\]|\\.)*)"'
COMBINED = r'^(\S+) (\S+) (\S+) \[([^\]]+)\] ' + QUOTED + r' (\d+) (\S+) ' + QUOTED + ' ' + QUOTED + r'.*$'


def sql_text(s):
    return "'" + s.replace("\\", "\\\\").replace("'", "\\'") + "'"


WEB_SOURCE = """CREATE SOURCE web (
    client IPv4 FROM 'remote_addr', time DateTime FROM 'time_local', request String, method LowCardinality(String) FROM 'request_method',
    uri String FROM 'request_uri', status UInt16, bytes UInt64 FROM 'body_bytes_sent', referer Nullable(String) FROM 'http_referer',
    agent Nullable(String) FROM 'http_user_agent')
FROM FILES '%s' FORMAT CombinedLog EVENT TIME time KEEP FOREVER;
CREATE STREAM pages AS SELECT *, multiIf(status < 300, 'ok', status < 400, 'moved', status < 500, 'refused', 'failed') AS outcome,
    path(uri) AS path, domainWithoutWWW(ifNull(referer, '')) AS comes_from,
    multiIf(match(ifNull(agent, ''), '(?i)bot|crawl|spider|slurp'), 'robot', ifNull(agent, '') ILIKE '%%mozilla%%', 'browser', 'program') AS kind
FROM web WHERE method != 'OPTIONS';
"""
WEB_DERIVED = """*, multiIf(status < 300, 'ok', status < 400, 'moved', status < 500, 'refused', 'failed') AS outcome,
    path(uri) AS path, domainWithoutWWW(ifNull(referer, '')) AS comes_from,
    multiIf(match(ifNull(agent, ''), '(?i)bot|crawl|spider|slurp'), 'robot', ifNull(agent, '') ILIKE '%mozilla%', 'browser', 'program') AS kind"""
WEB_METRICS = (
    Metric("traffic", "pages", [("outcome", "outcome"), ("kind", "kind"), ("method", "method")],
           [("requests", "count()"), ("bytes", "sum(bytes)"), ("visitors", "uniq(client)"), ("exact", "uniqExact(client)"),
            ("size", "quantilesDD(0.01, 0.5, 0.9, 0.99)(bytes)"), ("failed", "countIf(status >= 500)"), ("mean", "avg(bytes)")],
           sets=(("outcome", "kind"), ("method",), ()), tiers=("5 MINUTES", "1 HOUR", "1 DAY")),
    Metric("pages_by_path", "pages", [("path", "path")],
           [("requests", "count()"), ("agents", "uniqCombined(agent)"), ("largest", "max(bytes)"), ("last", "max(time)"), ("who", "argMax(client, cityHash64(client, time))")],
           tiers=("1 DAY",), zone="America/Los_Angeles"),
    Metric("referers", "pages", [("comes_from", "comes_from")], [("requests", "count()"), ("pages", "arraySort(groupUniqArray(path))")],
           tiers=None, where="comes_from != ''"),
)


def web_oracle(s, files):
    """Both tables of a web log: `web` as it is in the file, `pages` with what the stream adds."""
    structure = "client IPv4, ident String, user String, at String, request String, s String, b String, referer String, agent String"
    parts = " UNION ALL ".join(f"SELECT * FROM file('{f}', Regexp, '{structure}')" for f in files)
    words = "splitByChar(' ', request)"
    unescape = (r"if({0} = '-', NULL, arrayStringConcat(arrayMap(x -> multiIf(startsWith(x, '\\x'), unhex(substring(x, 3)), "
                r"startsWith(x, '\\'), substring(x, 2), x), extractAll({0}, '\\\\x[0-9a-fA-F]{{2}}|\\\\.|[^\\\\]+'))))")
    s.table("web", f"""SELECT client, parseDateTime(at, '%d/%b/%Y:%H:%i:%s %z', 'UTC') AS time, {unescape.format('request')}::String AS request,
        if(length({words}) = 3, {words}[1], '') AS method, if(length({words}) = 3, {words}[2], '') AS uri, toUInt16(s) AS status,
        toUInt64OrZero(b) AS bytes, {unescape.format('referer')} AS referer, {unescape.format('agent')} AS agent FROM ({parts})""",
            format_regexp=COMBINED, format_regexp_skip_unmatched="1", format_regexp_escaping_rule="Raw")
    s.table("pages", f"SELECT {WEB_DERIVED} FROM web WHERE method != 'OPTIONS'")


WEB_ROWS = "SELECT toString(client), time, request, toString(method), uri, status, bytes, referer, agent FROM web"


def lines_of(files):
    out = []
    for f in files:
        text = subprocess.run(["zcat", f], capture_output=True, check=True).stdout.decode("utf-8", "surrogateescape")
        out += [line for line in text.split("\n") if line]
    return out


def http_apache():
    f = need("http-logs/apache-combined-2015.log.gz")
    with RealSet(WEB_SOURCE % f, WEB_METRICS) as s:
        books = s.load()
        broken = [line for line in lines_of([f]) if not re.match(COMBINED, line)]
        assert len(broken) == 1 and books == (10000, 9999, 1), (books, broken)
        assert s.sql("SELECT record FROM weir_rejects")[0][0] == broken[0], "its agent has no closing quote"
        web_oracle(s, [f])
        s.same_rows(WEB_ROWS, WEB_ROWS)
        s.same_metrics("pages", "time")
        return f"{s.n_compared} rows; 1 reject, whose line ends within quotes"


def http_erddap():
    """In 1,167 requests the quoted agent stands on a line of its own: two lines that are no records."""
    need("http-logs/erddap-access.log.1.gz")
    files = sorted(glob.glob(f"{DATA}/http-logs/erddap-access.log.*.gz"))
    with RealSet(WEB_SOURCE % f"{DATA}/http-logs/erddap-access.log.*.gz", WEB_METRICS[:2]) as s:
        books = s.load()
        lines = lines_of(files)
        broken = sorted(line for line in lines if not re.match(COMBINED, line))
        got = sorted(r[0].replace("\\\\", "\\").replace("\\'", "'") for r in s.sql("SELECT record FROM weir_rejects"))
        assert got == broken, (len(got), len(broken), [x for x in got if x not in broken][:3], [x for x in broken if x not in got][:3])
        assert books == (len(lines), len(lines) - len(broken), len(broken)), (books, len(lines), len(broken))
        web_oracle(s, files)
        s.same_rows(WEB_ROWS, WEB_ROWS)
        s.same_metrics("pages", "time")
        return f"{s.n_compared} rows; {len(broken)} rejects, each a line that is half of a request"


def http_nginxplus():
    """Nested counters of a server: paths into objects, keys with dots, an array element."""
    f = need("http-logs/nginxplus-status-2015.ndjson.zst")
    definitions = f"""CREATE SOURCE status (
    at DateTime64(3) FROM 'timestamp', version String FROM 'nginx_version', address IPv4, accepted UInt64 FROM 'connections.accepted',
    active UInt32 FROM 'connections.active', handshakes Nullable(UInt64) FROM 'ssl.handshakes', total UInt64 FROM 'requests.total',
    hg UInt64 FROM 'server_zones."hg.nginx.org".responses.2xx', trac Map(String, UInt64) FROM 'server_zones."trac.nginx.org".responses',
    peer String FROM 'upstreams."trac-backend".peers[0].server', peer_sent Nullable(UInt64) FROM 'upstreams."trac-backend".peers[1].sent',
    zones String FROM 'server_zones')
FROM FILES '{f}' FORMAT JSONEachRow EVENT TIME at KEEP FOREVER;
"""
    metrics = (Metric("load", "status", [("version", "version"), ("address", "address")],
                      [("snapshots", "count()"), ("peak", "max(active)"), ("accepted", "max(accepted)"), ("first", "min(total)"),
                       ("spread", "stddevPopStable(active)"), ("share", "max(hg) / max(total)"), ("last", "argMax(hg, at)"),
                       ("by_status", "maxMap(trac)")], sets=(("version",), ("address",), ()), tiers=("1 MINUTE", "1 HOUR")),)
    columns = "at, version, toString(address), accepted, active, handshakes, total, hg, arraySort(arrayZip(mapKeys(trac), mapValues(trac))), peer, peer_sent, zones"
    with RealSet(definitions, metrics) as s:
        books = s.load()
        number = lambda *path: f"JSONExtractUInt(line, {', '.join(sql_text(p) if isinstance(p, str) else str(p) for p in path)})"
        s.table("status", f"""SELECT fromUnixTimestamp64Milli(toInt64({number('timestamp')}), 'UTC') AS at, JSONExtractString(line, 'nginx_version') AS version,
            toIPv4(JSONExtractString(line, 'address')) AS address, {number('connections', 'accepted')} AS accepted, {number('connections', 'active')} AS active,
            JSONExtract(line, 'ssl', 'handshakes', 'Nullable(UInt64)') AS handshakes, {number('requests', 'total')} AS total,
            {number('server_zones', 'hg.nginx.org', 'responses', '2xx')} AS hg,
            JSONExtract(line, 'server_zones', 'trac.nginx.org', 'responses', 'Map(String, UInt64)') AS trac,
            JSONExtractString(line, 'upstreams', 'trac-backend', 'peers', 1, 'server') AS peer,
            JSONExtract(line, 'upstreams', 'trac-backend', 'peers', 2, 'sent', 'Nullable(UInt64)') AS peer_sent,
            JSONExtractRaw(line, 'server_zones') AS zones FROM file('{f}', LineAsString, 'line String')""")
        s.same_rows(f"SELECT {columns} FROM status", f"SELECT {columns} FROM status")
        assert books == (500, 500, 0), books
        s.same_metrics("status", "at")
        return f"{s.n_compared} rows"


def http_usagov():
    """120 records are heartbeats without a time: rejects, each of them."""
    f = need("http-logs/usagov-clicks-2012-03-16.ndjson.gz")
    definitions = f"""CREATE SOURCE clicks (
    t DateTime, agent String FROM 'a', country LowCardinality(Nullable(String)) FROM 'c', known UInt8 FROM 'nk', zone LowCardinality(String) FROM 'tz',
    host LowCardinality(String) FROM 'hh', referer String FROM 'r', url String FROM 'u', made Nullable(DateTime) FROM 'hc', city Nullable(String) FROM 'cy',
    place Array(Float64) FROM 'll')
FROM FILES '{f}' FORMAT JSONEachRow EVENT TIME t KEEP FOREVER;
CREATE STREAM visits AS SELECT *, domainWithoutWWW(url) AS site, topLevelDomain(url) AS top, dateDiff('hour', made, t) AS age,
    if(length(place) = 2, round(greatCircleDistance(place[2], place[1], -77.0365, 38.8977) / 1000), NULL) AS km
FROM clicks WHERE referer != 'direct';
"""
    derived = """*, domainWithoutWWW(url) AS site, topLevelDomain(url) AS top, dateDiff('hour', made, t) AS age,
    if(length(place) = 2, round(greatCircleDistance(place[2], place[1], -77.0365, 38.8977) / 1000), NULL) AS km"""
    metrics = (Metric("by_country", "visits", [("country", "country"), ("top", "top"), ("host", "host")],
                      [("clicks", "count()"), ("sites", "uniqExact(site)"), ("agents", "uniqCombined64(agent)"), ("known", "sum(known)"),
                       ("age", "quantilesExact(0.5, 0.9)(age)"), ("km", "max(km)"), ("cities", "uniqExact(city)")],
                      sets=(("country", "top"), ("host",), ("country",), ()), tiers=("5 MINUTES", "1 HOUR"), zone="America/New_York"),
               Metric("sites", "visits", [("site", "site")], [("clicks", "count()"), ("last", "max(t)"), ("countries", "arraySort(groupUniqArray(country))")], tiers=None))
    columns = "t, agent, toString(country), known, toString(zone), toString(host), referer, url, made, city, place"
    with RealSet(definitions, metrics) as s:
        books = s.load()
        lines = lines_of([f])
        beats = sorted(line for line in lines if "_heartbeat_" in line)
        got = sorted(r[0] for r in s.sql("SELECT record FROM weir_rejects"))
        assert books == (len(lines), len(lines) - len(beats), len(beats)) and got == beats and len(beats) == 120, (books, got[:3])
        structure = "t DateTime, a String, c Nullable(String), nk UInt8, tz String, hh String, r String, u String, hc Nullable(DateTime), cy Nullable(String), ll Array(Float64), _heartbeat_ Nullable(UInt64)"
        s.table("clicks", f"""SELECT t, a AS agent, c AS country, nk AS known, tz AS zone, hh AS host, r AS referer, u AS url, hc AS made, cy AS city, ll AS place
            FROM file('{f}', JSONEachRow, '{structure}') WHERE _heartbeat_ IS NULL""")
        s.table("visits", f"SELECT {derived} FROM clicks WHERE referer != 'direct'")
        s.same_rows(f"SELECT {columns} FROM clicks", f"SELECT {columns} FROM clicks")
        s.same_metrics("visits", "t")
        return f"{s.n_compared} rows; {len(beats)} rejects, each a heartbeat without a time"


def http_worldcup():
    f = need("http-logs/worldcup98-requests-per-minute.csv.zst")
    definitions = f"""CREATE SOURCE minutes (at DateTime('Europe/Paris') FROM 'timestamp', requests UInt32 FROM 'num_request', bytes UInt64 FROM 'size')
FROM FILES '{f}' FORMAT CSVWithNames EVENT TIME at KEEP FOREVER;
"""
    metrics = (Metric("load", "minutes", [("hour", "toHour(at)"), ("weekday", "toDayOfWeek(at)")],
                      [("minutes", "count()"), ("requests", "sum(requests)"), ("peak", "max(requests)"), ("bytes", "sum(bytes)"),
                       ("p", "quantilesExact(0.5, 0.95, 0.99)(requests)"), ("dd", "quantileDD(0.01, 0.5)(requests)"), ("variance", "varPopStable(requests)"),
                       ("linear", "round(simpleLinearRegression(requests, bytes).1, 3)")],
                      sets=(("weekday", "hour"), ("hour",), ()), tiers=("1 HOUR", "1 DAY", "1 MONTH"), zone="Europe/Paris"),)
    with RealSet(definitions, metrics) as s:
        books = s.load()
        s.table("minutes", f"SELECT timestamp AS at, num_request AS requests, size AS bytes FROM file('{f}', CSVWithNames, "
                           "'timestamp DateTime(''Europe/Paris''), num_request UInt32, size UInt64')")
        s.same_rows("SELECT at, requests, bytes FROM minutes", "SELECT at, requests, bytes FROM minutes")
        assert books == (125300, 125300, 0) and s.one("SELECT sum(requests) FROM minutes") == "1347611691", books
        s.same_metrics("minutes", "at")
        return f"{s.n_compared} rows"


def cloudtrail():
    """Audit events: as lines, and one file as delivered: one object around an array of all."""
    f = need("cloudtrail-stratus/all-events.ndjson.zst")
    definitions = f"""CREATE SOURCE trail (
    time DateTime FROM 'eventTime', service LowCardinality(String) FROM 'eventSource', event LowCardinality(String) FROM 'eventName', id UUID FROM 'eventID',
    ip String FROM 'sourceIPAddress', agent String FROM 'userAgent', who LowCardinality(String) FROM 'userIdentity.type',
    user Nullable(String) FROM 'userIdentity.userName', arn Nullable(String) FROM 'userIdentity.arn',
    mfa LowCardinality(Nullable(String)) FROM 'userIdentity.sessionContext.attributes.mfaAuthenticated',
    error LowCardinality(Nullable(String)) FROM 'errorCode', is_read Bool FROM 'readOnly', request String FROM 'requestParameters',
    bucket_name Nullable(String) FROM 'requestParameters.bucketName', first_resource Nullable(String) FROM 'resources[0].type', rest Map(String, String) FROM '*')
FROM FILES '{f}' FORMAT JSONEachRow EVENT TIME time KEEP FOREVER;
CREATE STREAM calls AS SELECT *, cutToFirstSignificantSubdomain(service) AS domain, substringIndex(service, '.', 1) AS api,
    multiIf(error IS NULL, 'ok', error = 'AccessDenied' OR error LIKE '%Unauthorized%', 'denied', 'failed') AS result,
    isIPv4String(ip) AS is_address, JSONLength(request) AS n_parameters, length(rest) AS n_rest
FROM trail WHERE who != 'AWSService';
"""
    derived = """*, cutToFirstSignificantSubdomain(service) AS domain, substringIndex(service, '.', 1) AS api,
    multiIf(error IS NULL, 'ok', error = 'AccessDenied' OR error LIKE '%Unauthorized%', 'denied', 'failed') AS result,
    isIPv4String(ip) AS is_address, JSONLength(request) AS n_parameters, length(rest) AS n_rest"""
    metrics = (Metric("calls_by", "calls", [("api", "api"), ("event", "event"), ("result", "result"), ("user", "user")],
                      [("calls", "count()"), ("writes", "countIf(NOT is_read)"), ("addresses", "uniqExact(ip)"), ("agents", "uniq(agent)"),
                       ("buckets", "uniqExact(bucket_name)"), ("parameters", "avg(n_parameters)"), ("rest", "sum(n_rest)"), ("mfa", "countIf(mfa = 'true')")],
                      sets=(("api", "event", "result"), ("user", "result"), ("api",), ()), tiers=("1 MINUTE", "1 HOUR", "1 DAY")),
               Metric("users", "calls", [("user", "user")], [("first", "min(time)"), ("last", "max(time)"), ("events", "arraySort(groupUniqArray(toString(event)))"),
                      ("by_result", "sumMap([result], [1])")], tiers=None))
    taken = ["eventTime", "eventSource", "eventName", "eventID", "sourceIPAddress", "userAgent", "errorCode", "readOnly",
             "userIdentity", "requestParameters", "resources"]  # also those of which a column takes a part
    path = lambda *p: "line, " + ", ".join(sql_text(x) if isinstance(x, str) else str(x) for x in p)
    with RealSet(definitions, metrics) as s:
        books = s.load()
        s.table("trail", f"""SELECT toDateTime(parseDateTimeBestEffort(JSONExtractString(line, 'eventTime')), 'UTC') AS time, JSONExtractString(line, 'eventSource') AS service,
            JSONExtractString(line, 'eventName') AS event, toUUID(JSONExtractString(line, 'eventID')) AS id, JSONExtractString(line, 'sourceIPAddress') AS ip,
            JSONExtractString(line, 'userAgent') AS agent, JSONExtractString(line, 'userIdentity', 'type') AS who,
            JSONExtract({path('userIdentity', 'userName')}, 'Nullable(String)') AS user, JSONExtract({path('userIdentity', 'arn')}, 'Nullable(String)') AS arn,
            JSONExtract({path('userIdentity', 'sessionContext', 'attributes', 'mfaAuthenticated')}, 'Nullable(String)') AS mfa,
            JSONExtract(line, 'errorCode', 'Nullable(String)') AS error, JSONExtractBool(line, 'readOnly') = 1 AS is_read,
            if(JSONType(line, 'requestParameters') = 'Null', '', JSONExtractRaw(line, 'requestParameters')) AS request,
            JSONExtract({path('requestParameters', 'bucketName')}, 'Nullable(String)') AS bucket_name,
            JSONExtract({path('resources', 1, 'type')}, 'Nullable(String)') AS first_resource,
            arrayFilter(k -> k NOT IN ({', '.join(map(sql_text, taken))}), JSONExtractKeys(line)) AS rest_keys, rest_keys AS rest
            FROM file('{f}', LineAsString, 'line String')""")
        columns = ("time, toString(service), toString(event), id, ip, agent, toString(who), user, arn, toString(mfa), toString(error), "
                   "toUInt8(is_read), request, bucket_name, first_resource")
        s.same_rows(f"SELECT {columns} FROM trail", f"SELECT {columns} FROM trail")
        s.table("calls", f"SELECT {derived} FROM trail WHERE who != 'AWSService'")
        assert books == (2093, 2093, 0), books
        s.same_metrics("calls", "time")
        return f"{s.n_compared} rows"


def cloudtrail_as_delivered():
    """One object around an array of all: the stream makes a row of each element."""
    need("cloudtrail-stratus/all-events.ndjson.zst")
    f = glob.glob(f"{DATA}/cloudtrail-stratus/as-delivered-*.json.gz")[0]
    items = """JSONExtractString(event, 'eventName') AS name, JSONExtractString(event, 'userIdentity', 'userName') AS user, toUUID(JSONExtractString(event, 'eventID')) AS id,
        JSONExtract(event, 'userIdentity', 'Tuple(type String, accountId String)') AS who, JSONExtractKeys(event) AS keys, parseDateTimeBestEffort(JSONExtractString(event, 'eventTime'), 'UTC') AS at"""
    with RealSet(f"""CREATE SOURCE deliveries (json String, time DateTime MATERIALIZED parseDateTimeBestEffort(JSONExtractString(json, 'Records', 1, 'eventTime')))
FROM FILES '{f}' FORMAT JSONAsString EVENT TIME time;
CREATE STREAM events KEEP FOREVER AS SELECT {items} FROM deliveries ARRAY JOIN JSONExtractArrayRaw(json, 'Records') AS event;
""") as s:
        books = s.load()
        columns = "name, user, id, who, keys, at"
        n = s.same_rows(f"SELECT {columns} FROM events", f"SELECT {items} FROM file('{f}', JSONAsString, 'json String') ARRAY JOIN JSONExtractArrayRaw(json, 'Records') AS event")
        assert books[2] == 0 and n > books[0], (books, n)
        return f"{n} events of {books[0]} delivery"


def netperf_starlink():
    """4 KB a record, 69 columns: scalars, lists, nulls, times with a zone."""
    need("netperf-fjordlink/starlink-2025-01-09.ndjson.zst")
    return starlink("starlink-*.ndjson.zst", 122400)


def netperf_starlink_part():
    """The smallest file of the set alone."""
    need("netperf-fjordlink/starlink-2025-01-09.ndjson.zst")
    return starlink("starlink-2025-01-09.ndjson.zst", 28800)


def starlink(pattern, n):
    fields = {"at": ("DateTime64(6)", "@timestamp")}
    for name, t in (("state", "LowCardinality(String)"), ("software_version", "LowCardinality(String)"), ("uptime", "UInt32"), ("snr", "Nullable(Float64)"),
                    ("pop_ping_drop_rate", "Float64"), ("downlink_throughput_bps", "Float64"), ("uplink_throughput_bps", "Float64"),
                    ("pop_ping_latency_ms", "Nullable(Float64)"), ("fraction_obstructed", "Float64"), ("currently_obstructed", "Bool"),
                    ("alert_is_heating", "Bool"), ("latitude", "Nullable(Float64)"), ("longitude", "Nullable(Float64)")):
        fields[name] = (t, f"dish_status.{name}")
    fields["download"] = ("Nullable(UInt64)", "dish_usage.download_usage")
    fields["deciles"] = ("Array(Float64)", "dish_ping_stats.deciles_all_ping_latency")
    fields["loaded"] = ("Array(Nullable(Float64))", "dish_ping_stats.load_bucket_median_latency")
    columns = ", ".join(f"{n} {t} FROM '\"{p}\"'" for n, (t, p) in fields.items())
    files = f"{DATA}/netperf-fjordlink/{pattern}"
    definitions = f"CREATE SOURCE dish ({columns})\nFROM FILES '{files}' FORMAT JSONEachRow EVENT TIME at KEEP FOREVER;\n"
    metrics = (Metric("link", "dish", [("state", "state"), ("software_version", "software_version")],
                      [("seconds", "count()"), ("down", "avg(downlink_throughput_bps)"), ("up", "max(uplink_throughput_bps)"), ("bytes", "sum(download)"),
                       ("rtt", "quantilesDD(0.01, 0.5, 0.95, 0.99)(pop_ping_latency_ms)"), ("rtt_max", "max(pop_ping_latency_ms)"), ("lost", "sumKahan(pop_ping_drop_rate)"),
                       ("outages", "countIf(pop_ping_drop_rate = 1)"), ("deviation", "stddevSampStable(pop_ping_latency_ms)"), ("north", "argMax(at, cityHash64(latitude, at))"),
                       ("obstructed", "countIf(currently_obstructed)"), ("weighted", "round(avgWeighted(pop_ping_latency_ms, uptime), 6)")],
                      sets=(("state",), ("software_version", "state"), ()), tiers=("1 MINUTE", "1 HOUR", "1 DAY"), zone="Europe/Berlin"),)
    with RealSet(definitions, metrics) as s:
        books = s.load()
        structure = ", ".join(f"`{p}` {t.replace('LowCardinality(String)', 'String')}" for t, p in fields.values()).replace("DateTime64(6)", "DateTime64(6, \\'UTC\\')")
        s.table("dish", f"SELECT {', '.join(f'`{p}` AS {c}' for c, (_, p) in fields.items())} FROM file('{files}', JSONEachRow, '{structure}')")
        columns = ", ".join(f"toString({c})" if "LowCardinality" in t else c for c, (t, _) in fields.items())
        s.same_rows(f"SELECT {columns} FROM dish", f"SELECT {columns} FROM dish")
        assert books == (n, n, 0), books
        s.same_metrics("dish", "at")
        return f"{s.n_compared} rows"


def netperf_router():
    """Numbers as text, with units."""
    f = need("netperf-fjordlink/router5g-2025-03-27-a.ndjson.zst")
    raw = {"at": ("DateTime64(6)", "@timestamp"), "router": ("LowCardinality(String)", "identity"), "lat": ("Nullable(Float64)", "gps.lat"), "speed": ("String", "gps.speed"),
           "operator": ("LowCardinality(String)", "lte.lCurrentOperator"), "data_class": ("LowCardinality(String)", "lte.lDataClass"), "rsrp": ("String", "lte.lRsrp"),
           "rx": ("String", "lte.lrxbitspersecond"), "tx": ("String", "lte.ltxbitspersecond"), "drops": ("String", "lte.lrxdropspersecond"), "band": ("String", "lte.lPrimaryBand"),
           "bands": ("Array(String)", "lte.lcaBand")}
    definitions = "CREATE SOURCE router (" + ", ".join(f"{n} {t} FROM '\"{p}\"'" for n, (t, p) in raw.items()) + f""")
FROM FILES '{f}' FORMAT JSONEachRow EVENT TIME at KEEP FOREVER;
"""
    derived = r"""*, toFloat64OrNull(extract(speed, '^([0-9.]+) km/h')) AS kmh, toInt32OrNull(rsrp) AS power, toUInt64OrZero(rx) AS rx_bits,
    toUInt64OrZero(tx) AS tx_bits, extract(band, '^[^@]+') AS band_name, length(bands) AS n_bands, splitByChar('@', bands[1])[1] AS second_band"""
    definitions += f"CREATE STREAM samples AS SELECT {derived} FROM router WHERE operator != '';\n"
    metrics = (Metric("radio", "samples", [("router", "router"), ("operator", "operator"), ("band_name", "band_name")],
                      [("seconds", "count()"), ("rx", "sum(rx_bits)"), ("tx", "max(tx_bits)"), ("power", "avg(power)"), ("power_q", "quantilesExact(0.1, 0.5)(power)"),
                       ("kmh", "max(kmh)"), ("classes", "arraySort(groupUniqArray(toString(data_class)))"), ("second", "uniqExact(second_band)"), ("n_bands", "max(n_bands)")],
                      sets=(("router", "operator"), ("band_name",), ("router",), ()), tiers=("1 MINUTE", "1 HOUR"), zone="Europe/Berlin"),)
    with RealSet(definitions, metrics) as s:
        books = s.load()
        structure = ", ".join(f"`{p}` {t.replace('LowCardinality(String)', 'String')}" for t, p in raw.values()).replace("DateTime64(6)", "DateTime64(6, \\'UTC\\')")
        s.table("router", f"SELECT {', '.join(f'`{p}` AS {c}' for c, (_, p) in raw.items())} FROM file('{f}', JSONEachRow, '{structure}')")
        columns = ", ".join(f"toString({c})" if "LowCardinality" in t else c for c, (t, _) in raw.items())
        s.same_rows(f"SELECT {columns} FROM router", f"SELECT {columns} FROM router")
        assert books == (36000, 36000, 0), books
        s.table("samples", f"SELECT {derived} FROM router WHERE operator != ''")
        s.same_metrics("samples", "at")
        return f"{s.n_compared} rows"


def exathlon_part():
    need("metrics-exathlon/6_0_50000_48.csv.zst")
    return exathlon(["6_0_50000_48"])


def exathlon_wide():
    """2,283 columns, all of them loaded. Each file has its own names for some of them, so each is a source: 11,415 columns in one definitions file."""
    need("metrics-exathlon/6_0_50000_48.csv.zst")
    return exathlon(sorted(os.path.basename(f)[:-len(".csv.zst")] for f in glob.glob(f"{DATA}/metrics-exathlon/*.csv.zst")))


def exathlon(traces):
    n_rows = {"1_0_100000_15": 2682, "1_0_100000_16": 3582, "5_0_100000_37": 3581, "6_0_50000_48": 2624, "9_0_100000_3": 3338}
    definitions, metrics, headers = "", [], {}
    for trace in traces:
        f = f"{DATA}/metrics-exathlon/{trace}.csv.zst"
        header = headers[trace] = subprocess.run(f"zstd -dc '{f}' | head -n 1", shell=True, capture_output=True, text=True).stdout.strip().split(",")[1:]
        assert len(header) == 2283, len(header)
        columns = ", ".join(f"c{i} Nullable(Float64) FROM '{name}'" for i, name in enumerate(header))
        definitions += f"CREATE SOURCE s{trace} (t DateTime, {columns})\nFROM FILES '{f}' FORMAT CSVWithNames EVENT TIME t KEEP FOREVER;\n"
        cpu = [i for i, name in enumerate(header) if "CPU" in name and name.endswith("User%")][:8]
        measures = [("rows", "count()")] + [(f"m{i}", f"avgIf(c{i}, c{i} != -1)") for i in range(0, 2283, 190)] + [(f"q{i}", f"quantilesDD(0.01, 0.5, 0.99)(c{i})") for i in cpu]
        metrics.append(Metric(f"m{trace}", f"s{trace}", [("minute", "toMinute(t)")], measures, sets=(("minute",), ()), tiers=("5 MINUTES", "1 HOUR", "1 DAY")))
    with RealSet(definitions, tuple(metrics)) as s:
        books, n = s.load(), sum(n_rows[t] for t in traces)
        assert books == (n, n, 0), books
        all_metrics = s.metrics
        for trace, metric in zip(traces, all_metrics):
            header, f = headers[trace], f"{DATA}/metrics-exathlon/{trace}.csv.zst"
            s.table(f"s{trace}", "SELECT t, " + ", ".join(f"`{name}` AS c{i}" for i, name in enumerate(header)) +
                    f" FROM file('{f}', CSVWithNames, 't DateTime(''UTC''), " + ", ".join(f"`{name}` Nullable(Float64)" for name in header) + "')")
            for low in range(0, 2283, 600):
                of = "count(), " + ", ".join(f"sum(cityHash64(t, c{i})), count(c{i})" for i in range(low, min(low + 600, 2283)))
                got, want = s.sql(f"SELECT {of} FROM s{trace}")[0], s.oracle.rows(f"SELECT {of} FROM s{trace}")[0]
                assert got == want, [(i, g, w) for i, (g, w) in enumerate(zip(got, want)) if g != w][:5]
                s.n_compared += len(got)
            s.metrics = (metric,)
            s.same_metrics(f"s{trace}", "t")
            s.oracle.text(f"DROP TABLE s{trace}")
        return f"{n} rows of 2,283 columns; {s.n_compared} sums and rows compared"


def kafka_broker_logs():
    """Lines that are no head of a record (stack traces) are passed over, as ClickHouse does when told so. Files with equal contents are read once."""
    need("kafka-broker-logs/kafka-3-brokers-2016-12-19.tar.zst")
    pattern = r"\[(\d+-\d+-\d+ \d+:\d+:\d+),(\d+)\] (\w+) (.*)"
    definitions = f"""CREATE SOURCE log (t DateTime, ms String, level LowCardinality(String), message String) FROM FILES 'logs/**/*log*' FORMAT Regexp
SETTINGS format_regexp = {sql_text(pattern)}, format_regexp_skip_unmatched = 1 EVENT TIME t KEEP FOREVER;
CREATE STREAM said AS SELECT *, extract(message, '\\\\(([a-z]+\\\\.[a-zA-Z.]+)\\\\)$') AS class, extract(message, '\\\\[?([A-Z][A-Za-z ]+) [0-9]+\\\\]?') AS who,
    toUInt32OrNull(extract(message, 'Broker (\\\\d+)')) AS broker FROM log WHERE level != 'DEBUG';
"""
    derived = """*, extract(message, '\\\\(([a-z]+\\\\.[a-zA-Z.]+)\\\\)$') AS class, extract(message, '\\\\[?([A-Z][A-Za-z ]+) [0-9]+\\\\]?') AS who,
    toUInt32OrNull(extract(message, 'Broker (\\\\d+)')) AS broker"""
    metrics = (Metric("said_by", "said", [("level", "level"), ("class", "class"), ("who", "who")],
                      [("lines", "count()"), ("messages", "uniqExact(message)"), ("kinds", "uniq(replaceRegexpAll(message, '[0-9]+', 'N'))"), ("longest", "max(length(message))"),
                       ("brokers", "arraySort(groupUniqArray(broker))"), ("first", "argMin(message, cityHash64(t, ms, message))")],
                      sets=(("level", "class"), ("who", "level"), ()), tiers=("1 MINUTE", "1 HOUR", "1 DAY"), zone="Asia/Kolkata"),)
    with RealSet(definitions, metrics) as s:
        subprocess.run(f"zstd -dc {DATA}/kafka-broker-logs/*.tar.zst | tar x -C {s.dir}", shell=True, check=True)
        books = s.load()
        seen, parts = set(), []
        for f in sorted(glob.glob(f"{s.dir}/logs/**/*log*", recursive=True)):
            content = open(f, "rb").read() if os.path.isfile(f) else b""
            if content and content not in seen:
                parts.append(f"SELECT * FROM file('{f}', Regexp, 't DateTime(''UTC''), ms String, level String, message String')")
            seen.add(content)
        s.table("log", " UNION ALL ".join(parts), format_regexp=pattern, format_regexp_skip_unmatched="1", format_regexp_escaping_rule="Raw")
        s.table("said", f"SELECT {derived} FROM log WHERE level != 'DEBUG'")
        s.same_rows("SELECT t, ms, toString(level), message FROM log", "SELECT t, ms, level, message FROM log")
        assert books[2] == 0, books
        s.same_metrics("said", "t")
        return f"{s.n_compared} rows of {len(parts)} files"


FLIGHTS = "date DateTime64(3, 'UTC'), delay Int32, distance UInt32, origin String, destination String"


def flights_with_airports():
    """Two million flights, each with the city, state and place of both its ends."""
    need("flights-bts/flights-first-2m.csv.zst")
    return flights("SELECT * FROM file('{}', CSVWithNames, $x${}$x$)")


def flights_with_airports_part():
    """The first 100,000 of them."""
    need("flights-bts/airports.csv")
    return flights("SELECT * FROM file('{}', CSVWithNames, $x${}$x$)", os.path.join(ROOT, "examples", "flights", "flights.csv.gz"))


def flights(select, f=f"{DATA}/flights-bts/flights-first-2m.csv.zst"):
    airports = f"{DATA}/flights-bts/airports.csv"
    derived = "greatCircleDistance({0}longitude, {0}latitude, {1}longitude, {1}latitude) / 1609.344"
    definitions = f"""CREATE SOURCE flights (date DateTime64(3), delay Int32, distance UInt32, origin LowCardinality(String), destination LowCardinality(String))
FROM FILES '{f}' FORMAT CSVWithNames EVENT TIME date;
CREATE LOOKUP airports (iata String, name String, city String, state String, country String, latitude Float64, longitude Float64, PRIMARY KEY iata)
FROM FILES '{airports}' FORMAT CSVWithNames;
CREATE STREAM legs AS
SELECT date, delay, distance, airports.state(origin) AS from_state, airports.state(destination) AS to_state, airports.city(destination) AS city,
       airports.name(origin) IS NULL AS is_unknown,
       greatCircleDistance(airports.longitude(origin), airports.latitude(origin), airports.longitude(destination), airports.latitude(destination)) / 1609.344 AS miles
FROM flights;
"""
    metrics = (Metric("legs_by", "legs", [("from_state", "from_state"), ("to_state", "to_state")],
                      [("flights", "count()"), ("delay", "avg(delay)"), ("delay_q", "quantilesDD(0.01, 0.5, 0.95)(delay)"), ("miles", "sum(distance)"), ("unknown", "sum(is_unknown)"),
                       ("far", "round(max(miles), 3)"), ("cities", "uniqExact(city)")],
                      sets=(("from_state", "to_state"), ("to_state",), ()), tiers=("1 DAY", "1 MONTH"), zone="America/New_York"),)
    with RealSet(definitions, metrics) as s:
        books = s.load()
        s.table("flights", select.format(f, FLIGHTS))
        n = int(s.oracle.rows("SELECT count() FROM flights")[0][0])
        s.table("airports", f"SELECT iata, any(name) AS name, any(city) AS city, any(state) AS state, any(latitude) AS latitude, any(longitude) AS longitude, count() AS n "
                            f"FROM file('{airports}', CSVWithNames, 'iata String, name String, city String, state String, country String, latitude Float64, longitude Float64') GROUP BY iata")
        assert s.oracle.rows("SELECT max(n) FROM airports")[0][0] == "1"
        s.table("legs", f"""SELECT date, delay, distance, a.state AS from_state, b.state AS to_state, b.city AS city, a.name IS NULL AS is_unknown, {derived.format('a.', 'b.')} AS miles
            FROM flights LEFT JOIN airports AS a ON origin = a.iata LEFT JOIN airports AS b ON destination = b.iata""", join_use_nulls="1")
        assert books == (n, n, 0), (books, n)
        s.same_metrics("legs", "date")
        return f"{n} flights, {s.n_compared} rows"


CASES = [http_apache, http_erddap, http_nginxplus, http_usagov, http_worldcup, cloudtrail, cloudtrail_as_delivered, netperf_starlink, netperf_router, exathlon_wide, kafka_broker_logs,
         flights_with_airports, ueba_windows_events, *sets_zeek.CASES]
PARTS = [netperf_starlink_part, exathlon_part, flights_with_airports_part, *sets_zeek.PARTS]

if __name__ == "__main__":
    sys.exit(run_sets(CASES if len(sys.argv) < 2 else CASES + PARTS, sys.argv))
