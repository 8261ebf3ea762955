-- Keys that rise with a timestamp, at the ends of their ranges and of the type: the rows of a key are those from its start to the last
-- microsecond before the next one, and no others.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(45);

CREATE SCHEMA po_ends;
SET client_min_messages = warning;
SET search_path = po_ends, public;

\ir ../lib/refreshed.sql

-- Starts of units, each with the microseconds beside it; the first and last moments of the type, and infinity.
CREATE TABLE e (id serial PRIMARY KEY, ts timestamp, n int NOT NULL DEFAULT 1);
INSERT INTO e (ts) SELECT start + beside FROM unnest(ARRAY['2024-01-01', '2024-02-01', '2024-03-01', '2024-03-31', '2024-04-01', '2024-07-01', '2023-12-31', '2024-01-08 05:00',
  '2024-01-08 05:17', '2024-01-08 05:17:03', '2000-02-29', '1999-12-31 23:59:59', '0001-01-01', '0001-01-01 BC', '0044-03-15 BC', '4713-02-03 BC', '294275-12-31', '294276-01-01',
  '294276-10-01', '294276-11-30', '294276-12-01', '294276-12-24', '294276-12-25', '294276-12-31', '294276-12-31 23:00', '294276-12-31 23:59', '294276-12-31 23:59:58.999']::timestamp[]) AS start,
  unnest(ARRAY['-1 microsecond', '0', '1 microsecond', '999 microseconds']::interval[]) AS beside;
INSERT INTO e (ts) VALUES ('294276-12-31 23:59:59.999999'), ('infinity'), ('infinity'), ('-infinity'), ('-infinity'), (NULL), (NULL);
CREATE INDEX ON e (ts);
CREATE INDEX ON e ((id % 2), ts);
ANALYZE e;

CREATE TABLE views (name text);
INSERT INTO views SELECT 'by_' || unit FROM unnest('{second,minute,hour,day,week,month,quarter,year,date}'::text[]) AS unit;
SELECT format('CREATE MATERIALIZED VIEW %I AS SELECT %s AS k, count(*) AS c, sum(n) AS n FROM e GROUP BY 1', name,
  CASE name WHEN 'by_date' THEN 'ts::date' WHEN 'by_month' THEN 'date_trunc(''MONTH'', ts)' ELSE format('date_trunc(%L, ts)', substr(name, 4)) END) FROM views \gexec
SELECT perf_optimizer.enable_incremental(name::regclass) IS NULL AS x FROM views \g /dev/null
SELECT perf_optimizer.refresh(name::regclass) IS NULL AS x FROM views \g /dev/null

-- One row of each four, then others: its key is looked up, and the rows beside it have the key or must not be counted with it.
UPDATE e SET n = n + 1 WHERE id % 4 = 1;
SELECT is(refreshed(name::regclass), 'incremental 0', name || ': the last microsecond before, and infinity') FROM views;
UPDATE e SET n = n + 1 WHERE id % 4 = 2;
SELECT is(refreshed(name::regclass), 'incremental 0', name || ': the start') FROM views;
DELETE FROM e WHERE id % 16 = 3;
UPDATE e SET n = n + 10 WHERE ts IN ('294276-12-31 23:59:59.999999', '-infinity') OR ts IS NULL;
SELECT is(refreshed(name::regclass), 'incremental 0', name || ': rows that go, and the ends') FROM views;
UPDATE e SET ts = ts + interval '1 microsecond' WHERE id % 4 = 1 AND isfinite(ts) AND ts < '294276-12-31 23:59:59.999999';
SELECT is(refreshed(name::regclass), 'incremental 0', name || ': rows that move over an end') FROM views;
UPDATE e SET ts = CASE WHEN ts = 'infinity' THEN '-infinity' WHEN ts = '-infinity' THEN '294276-12-31 23:59:59.999999'::timestamp ELSE ts END WHERE NOT isfinite(ts);
SELECT is(refreshed(name::regclass), 'incremental 0', name || ': from infinity to the last moment') FROM views;

DROP SCHEMA po_ends CASCADE;
