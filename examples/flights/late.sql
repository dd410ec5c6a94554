SET store = 'embedded:../../build/late.weir';

CREATE SOURCE flights (
    date        DateTime,
    delay       Int32,                   -- minutes
    distance    UInt32,                  -- miles
    origin      LowCardinality(String),
    destination LowCardinality(String))
FROM FILES 'flights*.csv*' FORMAT CSVWithNames
EVENT TIME date
KEEP FOREVER ORDER BY (origin, date);                                       -- raw rows

CREATE STREAM late AS                                                       -- 15 minutes and more
SELECT *, if(delay < 60, 'under an hour', 'longer') AS wait FROM flights WHERE delay >= 15;

CREATE METRIC lateness AS
SELECT origin, wait, count() AS flights, max(delay) AS worst, quantilesDD(0.01, 0.5)(delay) AS middle
FROM late GROUP BY GROUPING SETS ((origin, wait), (wait), ())
EVERY 1 HOUR KEEP FOREVER, 1 DAY KEEP FOREVER, 1 MONTH KEEP FOREVER;
