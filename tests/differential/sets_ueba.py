# SPDX-License-Identifier: Apache-2.0
"""Windows events as two kinds of collector write them (445,116 events of 308 types, tens of keys present out of hundreds): classified, with
everything that is not a column kept as a map."""
from realset import DATA, Metric, RealSet, need

RAW = {  # name: (type, key)
    "utc": ("String", "UtcTime"), "evt": ("String", "EventTime"), "created": ("String", "TimeCreated"), "stamp": ("Nullable(DateTime64(3))", "@timestamp"),
    "chan": ("String", "Channel"), "log": ("String", "log_name"), "number": ("UInt32", "EventID"), "beat_number": ("UInt32", "event_id"),
    "name": ("String", "Hostname"), "computer": ("String", "computer_name"), "keyword_text": ("String", "Keywords"), "image": ("String", "Image"),
    "command": ("String", "CommandLine"), "subject": ("String", "SubjectUserName"), "target": ("String", "TargetUserName"), "ip_text": ("String", "IpAddress"),
    "source": ("Nullable(IPv6)", "SourceIp"), "port": ("Nullable(UInt16)", "DestinationPort"), "process_text": ("String", "ProcessId"),
}
TIME = """coalesce(parseDateTime64BestEffortOrNull(utc, 3, 'UTC'), parseDateTime64BestEffortOrNull(evt, 3, 'America/New_York'),
        parseDateTime64BestEffortOrNull(created, 3, 'UTC'), stamp)"""
DERIVED = {"time": ("DateTime64(3)", TIME), "channel": ("LowCardinality(String)", "if(chan != '', chan, log)"),
           "event_id": ("UInt32", "if(number != 0, number, beat_number)"), "host": ("LowCardinality(String)", "lower(if(name != '', name, computer))"),
           "ip": ("Nullable(IPv6)", "toIPv6OrNull(ip_text)"), "process": ("Nullable(UInt64)", "toUInt64OrNull(process_text)"),
           "keywords": ("Int64", "toInt64OrZero(keyword_text)")}
STREAM = r"""SELECT *, CASE WHEN channel ILIKE 'security' AND event_id = 4624 THEN 'logon' WHEN channel ILIKE 'security' AND event_id = 4625 THEN 'logon_failed'
    WHEN event_id = 4688 OR (event_id = 1 AND channel LIKE '%Sysmon%') THEN 'process' WHEN event_id = 3 AND channel LIKE '%Sysmon%' THEN 'connection'
    WHEN event_id IN (4103, 4104, 800) THEN 'powershell' WHEN event_id IN (12, 13, 14) THEN 'registry' WHEN event_id IN (4768, 4769, 4771) THEN 'kerberos' ELSE 'other' END AS kind,
    arrayElement(splitByChar('\\', lower(image)), -1) AS program, match(command, '(?i)-e(nc|ncodedcommand)? ') AS is_encoded, if(subject != '', subject, target) AS user,
    multiIf(ip IS NULL, 'none', isIPAddressInRange(toString(ip), '::ffff:10.0.0.0/104'), 'ten', isIPAddressInRange(toString(ip), '::ffff:172.16.0.0/108'), 'lab', 'other') AS network,
    cityHash64(channel, event_id, time) AS mark
FROM """
METRICS = (
    Metric("activity", "classified", [("host", "host"), ("kind", "kind"), ("user", "user")],
           [("events", "count()"), ("users", "uniqExact(user)"), ("types", "uniqExact(channel, event_id)"), ("programs", "uniqCombined(program)"), ("encoded", "countIf(is_encoded)"),
            ("ports", "uniq(port)"), ("keywords", "groupBitOr(keywords)"), ("last", "max(time)"), ("longest", "max(length(command))")],
           sets=(("host", "kind"), ("user", "kind"), ("kind",), ()), tiers=("5 MINUTES", "1 HOUR", "1 DAY", "1 MONTH")),
    Metric("types", "classified", [("channel", "channel"), ("event_id", "event_id")],
           [("events", "count()"), ("hosts", "arraySort(groupUniqArray(host))"), ("first", "min(time)"), ("sample", "argMin(image, mark)"), ("networks", "sumMap([network], [1])")], tiers=None),
    Metric("programs", "classified", [("program", "program")],
           [("starts", "count()"), ("users", "groupBitmap(cityHash64(user))"), ("process", "quantilesExact(0.1, 0.9)(process)"), ("sizes", "quantilesDD(0.01, 0.5, 0.95)(length(command))")],
           tiers=("1 DAY",), where="kind = 'process'", zone="America/New_York"),
)


def ueba(pattern, n, n_types):
    files = f"{DATA}/ueba-otrf/{pattern}"
    columns = [f"{c} {t} FROM '{k}'" for c, (t, k) in RAW.items()] + [f"{c} {t} MATERIALIZED {e}" for c, (t, e) in DERIVED.items()]
    definitions = (f"CREATE SOURCE events ({', '.join(columns)}, rest Map(String, String) FROM '*')\nFROM FILES '{files}' FORMAT JSONEachRow\n"
                   f"EVENT TIME time KEEP FOREVER ORDER BY (host, time);\nCREATE STREAM classified AS {STREAM}events;\n")
    raw = ", ".join(c for c in RAW if c not in ("time",))
    with RealSet(definitions, METRICS) as s:
        books = s.load()
        why = s.sql("SELECT reason, count() FROM weir_rejects GROUP BY reason")
        assert books == (n, n, 0), (books, why)
        s.table("source", "SELECT " + ", ".join(f"`{k}` AS {c}" for c, (_, k) in RAW.items()) + f" FROM file('{files}', JSONEachRow, '" +
                ", ".join(f"`{k}` {t}" for t, k in RAW.values()).replace("DateTime64(3)", "DateTime64(3, \\'UTC\\')") + "')")
        s.table("events", "SELECT *, " + ", ".join(f"CAST({e} AS {t.replace('DateTime64(3)', chr(68) + 'ateTime64(3, ' + chr(39) + 'UTC' + chr(39) + ')')}) AS {c}" for c, (t, e) in DERIVED.items()) +
                " FROM source")
        s.oracle.text("DROP TABLE source")
        derived = ", ".join(f"toString({c})" if "LowCardinality" in t else c for c, (t, _) in DERIVED.items())
        s.same_rows(f"SELECT {raw}, {derived} FROM events", f"SELECT {raw}, {derived} FROM events")
        assert s.one("SELECT uniqExact(channel, event_id) FROM events") == str(n_types)
        taken = ", ".join(f"'{k}'" for _, k in RAW.values())
        mine = "SELECT count(), sum(length(rest)), sum(cityHash64(arraySort(mapKeys(rest)))) FROM events"
        theirs = (f"SELECT count(), sum(length(ks)), sum(cityHash64(arraySort(ks))) FROM (SELECT arrayFilter(k -> k NOT IN ({taken}), JSONExtractKeys(line)) AS ks "
                  f"FROM file('{files}', LineAsString, 'line String') WHERE line != '')")
        got, want = s.sql(mine), s.oracle.rows(theirs, **{"max_threads": "2"})
        assert got == want, ("the rest", got, want)
        s.table("classified", f"{STREAM}events")
        s.same_metrics("classified", "time")
        return f"{s.n_compared} rows of {n_types} types"


def ueba_windows_events():
    need("ueba-otrf/2019-03-19_empire_mimikatz_opth.ndjson.zst")
    return ueba("*.zst", 445116, 308)
