-- Windows event logs of a lab while attack tools run: events classified, users, hosts and programs counted.
SET store = 'embedded:./windows-events.weir';

CREATE SOURCE logs (
    utc       String EPHEMERAL FROM 'UtcTime',                -- read, not stored
    local     String EPHEMERAL FROM 'EventTime',
    created   String EPHEMERAL FROM 'TimeCreated',
    arrived   Nullable(DateTime64(3)) FROM '@timestamp',
    time      DateTime64(3) MATERIALIZED coalesce(            -- the first of them that is there
                  parseDateTime64BestEffortOrNull(utc, 3, 'UTC'),
                  parseDateTime64BestEffortOrNull(local, 3, 'America/New_York'),
                  parseDateTime64BestEffortOrNull(created, 3, 'UTC'),
                  arrived),
    host      LowCardinality(String) FROM 'Hostname',
    channel   LowCardinality(String) FROM 'Channel',
    event_id  UInt32 FROM 'EventID',
    image     String FROM 'Image',
    parent    String FROM 'ParentImage',
    command   String FROM 'CommandLine',
    subject   String FROM 'SubjectUserName',
    target    String FROM 'TargetUserName',
    source_image String FROM 'SourceImage',
    target_image String FROM 'TargetImage',
    object    String FROM 'TargetObject',
    access    String FROM 'GrantedAccess',
    rest      Map(String, String) FROM '*')                   -- the other hundreds of keys
FROM FILES '*.ndjson.zst' FORMAT JSONEachRow
EVENT TIME time WATERMARK 5 MINUTES
KEEP FOREVER ORDER BY (host, time);                           -- as received, to be asked again

-- What is known of the machines; read again when the file changes.
CREATE LOOKUP hosts (host String, role LowCardinality(String), owner String, PRIMARY KEY host)
FROM FILES 'hosts.csv' FORMAT CSVWithNames REFRESH EVERY 1 MINUTE;

CREATE FUNCTION program AS (image) -> lower(splitByChar('\\', image)[-1]);

CREATE STREAM events AS
SELECT time, lower(substringIndex(host, '.', 1)) AS host, ifNull(hosts.role(host), 'unknown') AS role, channel, event_id, command, object,
       CASE
           WHEN channel ILIKE 'security' AND event_id = 4624               THEN 'logon'
           WHEN channel ILIKE 'security' AND event_id = 4625               THEN 'logon failed'
           WHEN channel ILIKE 'security' AND event_id IN (4672, 4673, 4703) THEN 'privilege'
           WHEN channel ILIKE 'security' AND event_id = 4688               THEN 'process'
           WHEN channel LIKE '%Sysmon%'  AND event_id = 1                  THEN 'process'
           WHEN channel LIKE '%Sysmon%'  AND event_id = 3                  THEN 'connection'
           WHEN channel LIKE '%Sysmon%'  AND event_id = 7                  THEN 'library'
           WHEN channel LIKE '%Sysmon%'  AND event_id = 10                 THEN 'memory of another'
           WHEN channel LIKE '%Sysmon%'  AND event_id IN (12, 13, 14)      THEN 'registry'
           WHEN channel ILIKE '%powershell%'                               THEN 'powershell'
                                                                           ELSE 'other'
       END AS type,
       program(if(image != '', image, source_image)) AS program,
       program(parent) AS parent,
       if(subject NOT IN ('', '-'), subject, target) AS user,
       -- signs that an analyst looks for
       program(target_image) = 'lsass.exe' AND access != ''                                   AS reads_lsass,
       match(concat(command, rest['ContextInfo']), '(?i)powershell.* -e(nc|ncodedcommand)? ') AS is_encoded,
       match(object, '(?i)\\\\services\\\\.*\\\\imagepath$')                                   AS sets_service
FROM logs;

CREATE METRIC activity AS
SELECT role, host, type, user,
       count()                            AS events,
       uniqExact(channel, event_id)       AS kinds,
       uniqExact(program)                 AS programs,
       countIf(reads_lsass)               AS lsass,
       countIf(is_encoded)                AS encoded,
       countIf(sets_service)              AS services
FROM events
GROUP BY GROUPING SETS ((host, type), (host, user), (role, type), (type), ())
EVERY 1 MINUTE KEEP FOREVER, 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER;

-- Programs: how common each is, and who starts it. What is rare deserves a look.
CREATE METRIC programs AS
SELECT program, count() AS events, uniqExact(host) AS hosts, min(time) AS first_seen, max(time) AS last_seen,
       arraySort(groupUniqArray(type)) AS types, arraySort(groupUniqArray(parent)) AS parents
FROM events
WHERE program != ''
GROUP BY program;

-- Users: what they did, by type, over all time.
CREATE METRIC users AS
SELECT user, sumMap([type], [toUInt64(1)]) AS by_type, uniqExact(host) AS hosts, max(time) AS last_seen
FROM events
WHERE user NOT IN ('', '-')
GROUP BY user;
