-- A Spark cluster, one row a second: load of the nodes, memory of the processes, delay of the stream they work on.
SET store = 'embedded:./telemetry.weir';

CREATE SOURCE cluster (
    time DateTime FROM 't',                                   -- Unix seconds

    -- the stream: milliseconds, records; -1 is "not reported yet"
    batch_ms   Float64 FROM 'driver_benchmark_userclicks_8_20_10000_50000_batch36_1__StreamingMetrics_streaming_lastCompletedBatch_processingDelay_value',
    wait_ms    Float64 FROM 'driver_benchmark_userclicks_8_20_10000_50000_batch36_1__StreamingMetrics_streaming_lastCompletedBatch_schedulingDelay_value',
    records    Float64 FROM 'driver_benchmark_userclicks_8_20_10000_50000_batch36_1__StreamingMetrics_streaming_lastReceivedBatch_records_value',
    processed  Float64 FROM 'driver_benchmark_userclicks_8_20_10000_50000_batch36_1__StreamingMetrics_streaming_totalProcessedRecords_value',
    waiting    Float64 FROM 'driver_benchmark_userclicks_8_20_10000_50000_batch36_1__StreamingMetrics_streaming_unprocessedBatches_value',

    -- processes: bytes
    driver_used Float64 FROM 'driver_jvm_heap_used_value',  driver_max Float64 FROM 'driver_jvm_heap_max_value',
    first_used  Float64 FROM '1_jvm_heap_used_value',       first_max  Float64 FROM '1_jvm_heap_max_value',
    second_used Float64 FROM '2_jvm_heap_used_value',       second_max Float64 FROM '2_jvm_heap_max_value',

    -- nodes: percent, MB, KB/s
    user5 Float32 FROM 'node5_CPU_ALL_User%',  sys5 Float32 FROM 'node5_CPU_ALL_Sys%',  free5 Float32 FROM 'node5_MEM_memfree',  net5 Float32 FROM 'node5_NET_ib0-read-KB/s',
    user6 Float32 FROM 'node6_CPU_ALL_User%',  sys6 Float32 FROM 'node6_CPU_ALL_Sys%',  free6 Float32 FROM 'node6_MEM_memfree',  net6 Float32 FROM 'node6_NET_ib0-read-KB/s',
    user7 Float32 FROM 'node7_CPU_ALL_User%',  sys7 Float32 FROM 'node7_CPU_ALL_Sys%',  free7 Float32 FROM 'node7_MEM_memfree',  net7 Float32 FROM 'node7_NET_ib0-read-KB/s',
    user8 Float32 FROM 'node8_CPU_ALL_User%',  sys8 Float32 FROM 'node8_CPU_ALL_Sys%',  free8 Float32 FROM 'node8_MEM_memfree',  net8 Float32 FROM 'node8_NET_ib0-read-KB/s')
FROM FILES 'cluster*.csv*' FORMAT CSVWithNames
EVENT TIME time WATERMARK 10 SECONDS
KEEP FOREVER ORDER BY time;                                   -- the seconds themselves

CREATE FUNCTION reported AS (x) -> if(x < 0, NULL, x);
CREATE FUNCTION share AS (used, most) -> if(used < 0 OR most <= 0, NULL, used / most);

-- The delay of the stream, and how bad it was.
CREATE METRIC stream AS
SELECT multiIf(batch_ms < 0, 'starting', batch_ms + wait_ms < 500, 'in time', batch_ms + wait_ms < 2000, 'late', 'very late') AS state,
       count()                                              AS seconds,
       avg(reported(batch_ms))                              AS batch_avg,
       quantilesDD(0.01, 0.5, 0.95, 0.99)(reported(batch_ms)) AS batch_q,
       max(reported(wait_ms))                               AS longest_wait_ms,
       max(waiting)                                         AS most_waiting,
       max(processed) - min(reported(processed))            AS processed          -- a counter: its growth
FROM cluster
GROUP BY GROUPING SETS ((state), ())
EVERY 1 MINUTE KEEP FOREVER, 1 HOUR KEEP FOREVER;

-- From wide to long: a row of each node.
CREATE STREAM load AS
SELECT time, n.1 AS node, reported(n.2) AS cpu, reported(n.3) AS free_mb, reported(n.4) AS net_kb
FROM cluster
ARRAY JOIN [('node5', user5 + sys5, free5, net5), ('node6', user6 + sys6, free6, net6),
            ('node7', user7 + sys7, free7, net7), ('node8', user8 + sys8, free8, net8)] AS n;

CREATE METRIC nodes AS
SELECT node, avg(cpu) AS cpu, quantilesDD(0.01, 0.5, 0.99)(cpu) AS cpu_q, countIf(cpu > 80) AS busy_seconds, min(free_mb) AS free_mb, max(net_kb) AS net_kb
FROM load
GROUP BY GROUPING SETS ((node), ())
EVERY 1 MINUTE KEEP FOREVER, 1 HOUR KEEP FOREVER;

-- The same side by side in one row: -ForEach keeps the first elements together, the second ones, …
CREATE METRIC cluster_cpu AS
SELECT avgForEach([user5 + sys5, user6 + sys6, user7 + sys7, user8 + sys8]) AS cpu, maxForEach([user5 + sys5, user6 + sys6, user7 + sys7, user8 + sys8]) AS peak
FROM cluster WHERE user5 >= 0
EVERY 5 MINUTES KEEP FOREVER;

-- Memory against its limit: a process that is above 90 % for long will not live.
CREATE METRIC heap AS
SELECT round(max(share(driver_used, driver_max)), 3) AS driver,
       round(max(share(first_used, first_max)), 3)   AS first,
       round(max(share(second_used, second_max)), 3) AS second,
       countIf(share(first_used, first_max) > 0.9 OR share(second_used, second_max) > 0.9) AS seconds_tight,
       corr(first_used, second_used)                 AS together
FROM cluster
WHERE first_used >= 0 AND second_used >= 0
EVERY 5 MINUTES KEEP FOREVER;
