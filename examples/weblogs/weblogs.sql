-- An access log: how much is asked for, of what, by whom, and what fails.
SET store = 'embedded:./weblogs.weir';

CREATE SOURCE access (
    time    DateTime               FROM 'time_local',
    client  IPv4                   FROM 'remote_addr',
    method  LowCardinality(String) FROM 'request_method',
    uri     String                 FROM 'request_uri',
    status  UInt16,
    bytes   UInt64                 FROM 'body_bytes_sent',
    referer Nullable(String)       FROM 'http_referer',       -- NULL: the log has -
    agent   String                 FROM 'http_user_agent')
FROM FILES 'access.log*' FORMAT CombinedLog
EVENT TIME time WATERMARK 1 MINUTE;

CREATE FUNCTION is_error AS (status) -> status >= 400;

CREATE STREAM requests KEEP FOREVER ORDER BY (path, time) AS
SELECT time, client, method, status, bytes, path(uri) AS path,
       splitByChar('/', path)[2] AS section,
       multiIf(match(agent, '(?i)bot|crawl|spider|slurp|feed'), 'robot',
               match(agent, 'Mozilla|Opera'),                   'browser',
                                                                'program') AS visitor,
       multiIf(referer IS NULL,                                 'nowhere',
               domainWithoutWWW(referer) = 'semicomplete.com',  'here',
               domain(referer) LIKE '%google.%',                'a search',
                                                                'elsewhere') AS came_from,
       multiIf(endsWith(path, '/'), 'page',
               match(path, '\\.(png|jpe?g|gif|ico|svg)$'), 'picture',
               match(path, '\\.(css|js)$'), 'style', 'file') AS kind
FROM access
WHERE method IN ('GET', 'HEAD', 'POST');

-- Everything, and by the dimensions people ask for; one table per window.
CREATE METRIC traffic AS
SELECT section, kind, visitor,
       count()                                  AS requests,
       sum(bytes)                               AS bytes,
       uniq(client)                             AS clients,
       countIf(is_error(status))                AS errors,
       countIf(is_error(status)) / count()      AS error_rate,
       quantilesDD(0.01, 0.5, 0.95)(bytes)      AS size
FROM requests
GROUP BY GROUPING SETS ((section, kind), (visitor), ())
EVERY 5 MINUTES KEEP FOREVER, 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER;

-- What is broken: paths that fail, from where they are linked.
CREATE METRIC broken AS
SELECT path, came_from, count() AS requests, uniqExact(client) AS clients, max(time) AS last
FROM requests
WHERE status = 404
GROUP BY path, came_from
HAVING requests > 1
EVERY 1 DAY KEEP FOREVER;

-- Who they are: one row a client, over all time.
CREATE METRIC clients AS
SELECT client, anyLast(visitor) AS visitor, count() AS requests, min(time) AS first, max(time) AS last,
       uniqExact(path) AS paths, sum(bytes) AS bytes, sumMap([came_from], [toUInt64(1)]) AS came_from
FROM requests
GROUP BY client;
