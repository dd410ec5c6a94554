-- A network sensor: connections, requests and names, from the logs that Zeek writes by itself, as they are rotated and packed.
SET store = 'embedded:./zeek.weir';

CREATE SOURCE conn (
    time     DateTime64(6)          FROM 'ts',
    client   IPv6                   FROM 'id.orig_h',
    server   IPv6                   FROM 'id.resp_h',
    port     UInt16                 FROM 'id.resp_p',
    proto    LowCardinality(String),
    service  LowCardinality(Nullable(String)),
    duration Nullable(Float64),
    up       Nullable(UInt64)       FROM 'orig_bytes',
    down     Nullable(UInt64)       FROM 'resp_bytes',
    state    LowCardinality(String) FROM 'conn_state',
    missed   UInt64                 FROM 'missed_bytes',
    history  Nullable(String))
FROM FILES 'logs/*/conn.*.log.gz' FORMAT Zeek
EVENT TIME time WATERMARK 1 HOUR                              -- a connection is logged when it ends
KEEP FOREVER ORDER BY (server, time);

CREATE SOURCE http (
    time    DateTime64(6)           FROM 'ts',
    client  IPv6                    FROM 'id.orig_h',
    host    LowCardinality(Nullable(String)),
    method  LowCardinality(Nullable(String)),
    uri     Nullable(String),
    status  Nullable(UInt16)        FROM 'status_code',
    bytes   UInt64                  FROM 'response_body_len',
    agent   Nullable(String)        FROM 'user_agent')
FROM FILES 'logs/*/http.*.log.gz' FORMAT Zeek
EVENT TIME time WATERMARK 1 HOUR;

CREATE SOURCE dns (
    time    DateTime64(6)           FROM 'ts',
    client  IPv6                    FROM 'id.orig_h',
    query   Nullable(String),
    type    LowCardinality(Nullable(String)) FROM 'qtype_name',
    rcode   LowCardinality(Nullable(String)) FROM 'rcode_name',
    rtt     Nullable(Float64),
    answers Array(String))
FROM FILES 'logs/*/dns.*.log.gz' FORMAT Zeek
EVENT TIME time WATERMARK 1 HOUR;

-- Networks of one's own; the longest prefix wins. `CREATE LOOKUP geo FROM GEOIP 'country.mmdb';` gives geo.country_code(client) in the same way.
CREATE LOOKUP networks (net String, name LowCardinality(String), PRIMARY KEY net) LAYOUT(IP_TRIE)
FROM FILES 'networks.csv' FORMAT CSVWithNames REFRESH EVERY 1 MINUTE;

CREATE FUNCTION retransmissions AS (h) -> countSubstrings(ifNull(h, ''), 't') + countSubstrings(ifNull(h, ''), 'g');

CREATE STREAM flows AS
SELECT *, multiIf(port IN (80, 443, 8080, 8443), 'web', port = 22, 'shell', port IN (53, 853), 'names', port IN (25, 465, 587), 'mail',
                  port < 1024, 'low', 'high') AS class,
       multiIf(state IN ('SF', 'S1', 'S2', 'S3', 'RSTO', 'RSTR'), 'answered', state IN ('S0', 'SH', 'RSTOS0'), 'silent',
               state = 'REJ', 'rejected', 'other') AS outcome,
       ifNull(networks.name(client), 'outside') AS from_net,
       ifNull(networks.name(server), 'outside') AS to_net,
       if(duration > 0, 8 * (ifNull(up, 0) + ifNull(down, 0)) / duration, NULL) AS bits_per_second
FROM conn;

CREATE METRIC connections AS
SELECT from_net, to_net, class, outcome, port,
       count()                                        AS connections,
       uniqCombined(client)                           AS clients,
       sum(up)                                        AS up,
       sum(down)                                      AS down,
       quantilesDD(0.01, 0.5, 0.95)(duration)         AS seconds,
       max(bits_per_second)                           AS fastest,
       sum(retransmissions(history)) / count()        AS retransmissions,
       sum(missed)                                    AS missed
FROM flows
GROUP BY GROUPING SETS ((from_net, to_net, class), (class, outcome), (port), ())
EVERY 5 MINUTES KEEP FOREVER, 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER;

-- Clients that knock on many ports and are answered on few: scanners.
CREATE METRIC scanners AS
SELECT client, uniqExact(port) AS ports, uniqExact(server, port) AS doors, countIf(outcome = 'answered') AS answered, count() AS tries,
       min(time) AS first, max(time) AS last
FROM flows
GROUP BY client
HAVING ports >= 10 AND answered < tries / 2;

CREATE METRIC web AS
SELECT host, intDiv(status, 100) AS class, count() AS requests, sum(bytes) AS bytes, uniq(client) AS clients, uniq(agent) AS agents,
       quantilesDD(0.01, 0.5, 0.99)(bytes) AS size
FROM http
GROUP BY GROUPING SETS ((host), (class), ())
EVERY 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER;

CREATE METRIC names AS
SELECT type, rcode, count() AS queries, uniqExact(query) AS names, quantilesDD(0.01, 0.5, 0.95)(rtt * 1000) AS ms, avg(length(answers)) AS answers
FROM dns
GROUP BY type, rcode
EVERY 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER;
