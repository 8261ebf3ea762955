-- Forecasts from a history whose truth is known.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = error;
SELECT * FROM no_plan();

-- Too short a history.
SELECT throws_ok($$ SELECT * FROM perf_optimizer.capacity_forecast('database_size') $$, '55000', NULL, 'no history');
SELECT is((SELECT string_agg(DISTINCT status, ',') FROM perf_optimizer.capacity_dashboard()), 'unknown', 'the dashboard says so');
SELECT ok(bool_and(in_90_days IS NULL AND lower IS NULL AND per_month IS NULL), 'and projects nothing') FROM perf_optimizer.capacity_dashboard();

-- A hundred days: the database grows by 1 MB a day, a table by 8192 bytes, connections by a tenth, WAL doubles from 1 MB a day; 50 ids a day.
CREATE SCHEMA po_ca;
CREATE TABLE po_ca.grows (id serial PRIMARY KEY, small smallint GENERATED ALWAYS AS IDENTITY);
CREATE VIEW po_ca.v AS SELECT 1 AS a;
INSERT INTO perf_optimizer.snapshot (from_at, taken_at, connections, max_connections, commits, rollbacks, database_bytes, transaction_ids, wal_bytes)
SELECT t - interval '1 day', t, 10 + d / 10, 100, 1000, 0, 100000000 + d * 1000000, 50, 1000000 + d * 10000 FROM generate_series(0, 100) d, LATERAL (SELECT date_trunc('hour', now()) - (100 - d) * interval '1 day' AS t) x;
INSERT INTO perf_optimizer.snapshot_table (snapshot_id, relid, relation, seq_scan, seq_tup_read, idx_scan, inserted, updated, deleted, live_rows, dead_rows, total_bytes)
SELECT snapshot_id, 'po_ca.grows'::regclass, 'po_ca.grows', 0, 0, 0, 100, 0, 0, 0, 0, 8192 * row_number() OVER (ORDER BY taken_at) FROM perf_optimizer.snapshot WHERE snapshot_id % 2 = 0;
SELECT setval('po_ca.grows_small_seq', 30000);

SELECT is(count(*), 6::bigint, 'six months unless told otherwise') FROM perf_optimizer.capacity_forecast('database_size');
SELECT results_eq($$ SELECT month FROM perf_optimizer.capacity_forecast('database_size', 3) $$, $$ SELECT (date_trunc('month', now()) + i * interval '1 month')::date FROM generate_series(1, 3) i $$, 'the first of each coming month');
SELECT ok(bool_and(abs(projected - (200000000 + 1000000 * extract(epoch FROM month::timestamptz - date_trunc('hour', now())) / 86400)) < 1000 AND lower <= projected AND projected <= upper AND upper - lower < 1000), 'a straight line goes on')
  FROM perf_optimizer.capacity_forecast('database_size');
SELECT ok(abs(min(confidence) FILTER (WHERE month < now() + interval '95 days') - 0.9) < 0.001 AND min(confidence) < 0.6 AND bool_and(confidence > 0), 'confidence shrinks beyond what is known') FROM perf_optimizer.capacity_forecast('database_size');
SELECT ok(abs(projected - (20 + 0.1 * extract(epoch FROM month::timestamptz - now()) / 86400)) < 1, 'connections') FROM perf_optimizer.capacity_forecast('connections', 1);
SELECT ok(abs(projected - 50) < 0.001, 'transaction ids a day') FROM perf_optimizer.capacity_forecast('transaction_ids', 1);
SELECT ok(abs(projected - 1000) < 0.001, 'transactions a day') FROM perf_optimizer.capacity_forecast('transactions', 1);
SELECT ok(abs(projected - (2000000 + 10000 * extract(epoch FROM month::timestamptz - now()) / 86400)) < 11000, 'WAL a day') FROM perf_optimizer.capacity_forecast('wal', 1);
SELECT ok(abs(projected - (8192 * 50 + 4096 * extract(epoch FROM month::timestamptz - now()) / 86400)) < 20000, 'a table, also where snapshots left it out') FROM perf_optimizer.capacity_forecast('relation:po_ca.grows', 1);
SELECT ok(abs(projected - (30000 + 50 * extract(epoch FROM month::timestamptz - now()) / 86400)) < 150, 'a sequence, by the rows inserted') FROM perf_optimizer.capacity_forecast('sequence:po_ca.grows_small_seq', 1);
SELECT is(sum(projected), 0::float8, 'statements that were never seen') FROM perf_optimizer.capacity_forecast('statements', 2);

-- Limits.
SELECT ok(abs(exhausted_on - (now()::date + 100)) <= 1 AND earliest_on <= exhausted_on AND latest_on >= exhausted_on, format('a disk of 300 MB: %s', exhausted_on)) FROM perf_optimizer.capacity_exhaustion('database_size', 300000000);
SELECT ok(exhausted_on IS NULL AND latest_on IS NULL, 'a disk that lasts') FROM perf_optimizer.capacity_exhaustion('database_size', 1e15);
SELECT is(exhausted_on, now()::date, 'a disk that is full') FROM perf_optimizer.capacity_exhaustion('database_size', 1000);
SELECT ok(status = 'warning' AND limit_value = 32767 AND abs(exhausted_on - (now()::date + 55)) <= 4, format('a sequence that ends soon: %s %s', status, exhausted_on)) FROM perf_optimizer.capacity_dashboard() WHERE resource = 'sequence:po_ca.grows_small_seq';
SELECT ok(status = 'ok' AND limit_value = current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - coalesce(current_setting('reserved_connections', true)::int, 0) AND abs(per_month - 3) < 0.3 AND samples = 101, 'connections against their limit')
  FROM perf_optimizer.capacity_dashboard() WHERE resource = 'connections';
SELECT ok(status = 'ok' AND exhausted_on IS NULL AND limit_value BETWEEN 2e9 AND 2144483647 AND message = 'if nothing were frozen, the ids would last for more than ten years; autovacuum freezes in time', 'transaction ids: ' || message) FROM perf_optimizer.capacity_dashboard() WHERE resource = 'transaction_ids';
SELECT ok(exhausted_on IS NULL AND earliest_on IS NULL, '50 ids a day last') FROM perf_optimizer.capacity_exhaustion('transaction_ids');
SELECT ok(abs(exhausted_on - (now()::date + 20)) <= 1 AND earliest_on <= exhausted_on AND latest_on >= exhausted_on, format('a thousand more ids at 50 a day: %s', exhausted_on)) FROM perf_optimizer.capacity_exhaustion('transaction_ids', 1000);
SELECT is(d.exhausted_on, e.exhausted_on, 'the limit of a sequence is known') FROM perf_optimizer.capacity_dashboard() d CROSS JOIN perf_optimizer.capacity_exhaustion('sequence:po_ca.grows_small_seq') e WHERE d.resource = 'sequence:po_ca.grows_small_seq';
SELECT ok(exhausted_on > now() + interval '300 days', 'that of connections too') FROM perf_optimizer.capacity_exhaustion('connections');
-- Forty million ids a day, where vacuum freezes and where it does not.
UPDATE perf_optimizer.snapshot SET transaction_ids = 4e7;
SELECT ok(status = 'ok' AND abs(exhausted_on - (now() + limit_value / 4e7 * interval '1 day')::date) <= 1, format('ids that vacuum frees: %s', exhausted_on)) FROM perf_optimizer.capacity_dashboard() WHERE resource = 'transaction_ids';
BEGIN;
-- A thousand million transactions since the last freeze.
UPDATE pg_database SET datfrozenxid = (((txid_current() - 1000000000) % 4294967296 + 4294967296) % 4294967296)::text::xid WHERE datname = current_database();
SELECT status AS late_status, message AS late_message, limit_value AS late_limit FROM perf_optimizer.capacity_dashboard() WHERE resource = 'transaction_ids' \gset
ROLLBACK;
SELECT ok(:'late_status' = 'critical' AND :'late_message' LIKE 'if nothing were frozen, the ids would last until 20__-__-__; autovacuum freezes too late' AND :late_limit BETWEEN 1144483000 AND 1144484000, 'ids that vacuum does not free: ' || :'late_message');
UPDATE perf_optimizer.snapshot SET transaction_ids = 50;
SELECT ok(abs(per_month - 30000000) < 1000 AND abs(in_90_days - 290000000) < 1100000 AND unit = 'bytes', 'the database''s size') FROM perf_optimizer.capacity_dashboard() WHERE resource = 'database_size';

-- Snapshots of minutes: one figure an hour, and of many days one a day.
SELECT is(cardinality(moments), 101, 'a figure a day') FROM perf_optimizer.capacity_series('database_size');
DELETE FROM perf_optimizer.snapshot WHERE taken_at < now() - interval '10 days';
INSERT INTO perf_optimizer.snapshot (from_at, taken_at, database_bytes) SELECT t - interval '1 minute', t, 5 FROM generate_series(date_trunc('hour', now()) - interval '2 hours', date_trunc('hour', now()) - interval '1 minute', interval '1 minute') t;
SELECT ok(cardinality(moments) BETWEEN 12 AND 14, 'a figure an hour') FROM perf_optimizer.capacity_series('database_size');
DELETE FROM perf_optimizer.snapshot WHERE taken_at < now() - interval '5 days';
SELECT throws_ok($$ SELECT * FROM perf_optimizer.capacity_forecast('database_size') $$, '55000', NULL, 'a short history again');
SELECT throws_ok($$ SELECT * FROM perf_optimizer.capacity_exhaustion('database_size', 5) $$, '55000', NULL, 'for limits too');

-- What snapshots note of the server.
DELETE FROM perf_optimizer.snapshot;
SELECT perf_optimizer.take_snapshot() AS one \gset
CREATE TABLE po_ca.more AS SELECT g FROM generate_series(1, 1000) g;
INSERT INTO po_ca.more VALUES (1);
SELECT perf_optimizer.take_snapshot() AS two \gset
SELECT ok(transaction_ids BETWEEN 2 AND 1000 AND wal_bytes > 10000, format('ids %s, WAL %s', transaction_ids, wal_bytes)) FROM perf_optimizer.snapshots WHERE snapshot_id = :two;
SELECT ok(transaction_ids IS NULL AND wal_bytes IS NULL, 'nothing is said of the time before') FROM perf_optimizer.snapshots WHERE snapshot_id = :one;

-- Wrong arguments.
SELECT throws_ok(q, c, NULL, q) FROM (VALUES
  ($$ SELECT * FROM perf_optimizer.capacity_forecast(NULL) $$, '22004'), ($$ SELECT * FROM perf_optimizer.capacity_forecast('database_size', NULL) $$, '22004'),
  ($$ SELECT * FROM perf_optimizer.capacity_forecast('database_size', 0) $$, '22023'), ($$ SELECT * FROM perf_optimizer.capacity_forecast('nonsense') $$, '22023'),
  ($$ SELECT * FROM perf_optimizer.capacity_forecast('relation:') $$, '22023'), ($$ SELECT * FROM perf_optimizer.capacity_forecast('relation:nope') $$, '42P01'),
  ($$ SELECT * FROM perf_optimizer.capacity_forecast('relation:po_ca.v') $$, '42809'), ($$ SELECT * FROM perf_optimizer.capacity_forecast('sequence:po_ca.grows') $$, '42809'),
  ($$ SELECT * FROM perf_optimizer.capacity_exhaustion('database_size', NULL) $$, '22004'),
  ($$ SELECT * FROM perf_optimizer.forecast(NULL, '{}', '{}') $$, '22004'), ($$ SELECT * FROM perf_optimizer.forecast(ARRAY[now(), NULL], '{1,2}', '{}') $$, '22004'),
  ($$ SELECT * FROM perf_optimizer.forecast(ARRAY[now()], '{1,2}', '{}') $$, '22023'), ($$ SELECT * FROM perf_optimizer.forecast(ARRAY[now(), now() - interval '1 s'], '{1,2}', '{}') $$, '22023'),
  ($$ SELECT * FROM perf_optimizer.forecast(ARRAY[now()], '{NaN}', '{}') $$, '22023'),
  ($$ SELECT * FROM perf_optimizer.forecast(array_fill(now(), ARRAY[1001]), array_fill(1::float8, ARRAY[1001]), '{}') $$, '22023')) v(q, c);
SELECT is_empty($$ SELECT * FROM perf_optimizer.forecast('{}', '{}', ARRAY[now()]) $$, 'an empty series says nothing');
SELECT ok(weekly, 'a week is seen') FROM perf_optimizer.forecast(ARRAY(SELECT now() + i * interval '1 day' FROM generate_series(1, 60) i), ARRAY(SELECT 100 + 20 * (i % 7 < 2)::int + i % 3 FROM generate_series(1, 60) i)::float8[], ARRAY[now()]);

-- Everybody may ask.
CREATE ROLE po_test_nobody;
SET ROLE po_test_nobody;
SELECT count(*) > 0 AS fine FROM perf_optimizer.capacity_dashboard() \gset
RESET ROLE;
SELECT ok(:'fine', 'anybody sees the dashboard');
SELECT * FROM finish();
DROP SCHEMA po_ca CASCADE;
DROP ROLE po_test_nobody;
