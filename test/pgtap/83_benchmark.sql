-- benchmark_query and baselines.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT * FROM no_plan();

SET client_min_messages = error;
CREATE SCHEMA po_be;
CREATE TABLE po_be.t (a int);
INSERT INTO po_be.t SELECT generate_series(1, 1000);
SELECT results_eq($$ SELECT n, warmup, min_ms <= mean_ms AND mean_ms <= max_ms AND p50_ms <= p95_ms AND p95_ms <= p99_ms AND stddev_ms >= 0 AND outliers < n
    FROM perf_optimizer.benchmark_query('SELECT count(*) FROM po_be.t WHERE a > $1', 30, ARRAY['5']) $$, $$ VALUES (30, 3, true) $$, 'a query with a parameter');
SELECT is((SELECT n FROM perf_optimizer.benchmark_query('DELETE FROM po_be.t', 3)), 3, 'a deletion');
SELECT is((SELECT count(*) FROM po_be.t), 1000::bigint, 'is rolled back each time');
SELECT throws_ok(format('SELECT perf_optimizer.benchmark_query(%s)', args), state, NULL, what)
  FROM (VALUES ('NULL', '22004', 'no query'), ($$ 'SELECT 1', 0 $$, '22023', 'no iteration'), ($$ 'SELECT 1', 1000001 $$, '22023', 'too many'), ($$ 'SELECT 1', NULL $$, '22004', 'a NULL'),
    ($$ 'SELEC 1' $$, '42601', 'no statement'), ($$ 'SELECT $1::int' $$, '22023', 'no values'), ($$ 'VACUUM' $$, '0A000', 'a utility statement'),
    ($$ 'SELECT 1 / (a - 1) FROM po_be.t' $$, '22012', 'an error of the statement')) v (args, state, what);
CREATE FUNCTION pg_temp.is_cancelled() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN PERFORM perf_optimizer.benchmark_query('SELECT pg_sleep(0.01)', 1000000); RETURN false; EXCEPTION WHEN query_canceled THEN RETURN true; END $$;
SET statement_timeout = '300ms';
SELECT pg_temp.is_cancelled() AS cancelled \gset
RESET statement_timeout;
SELECT ok(:'cancelled', 'a timeout ends it');

-- A statement that becomes slower, one that stays.
CREATE FUNCTION po_be.work(ms float8) RETURNS void LANGUAGE plpgsql AS $$
DECLARE until timestamptz := clock_timestamp() + ms * interval '1 millisecond';
BEGIN WHILE clock_timestamp() < until LOOP NULL; END LOOP; END $$;
CREATE TABLE po_be.pace (ms float8);
INSERT INTO po_be.pace VALUES (2);
CREATE FUNCTION po_be.paced() RETURNS void LANGUAGE sql AS 'SELECT po_be.work((SELECT ms FROM po_be.pace))';
SELECT pg_stat_statements_reset() IS NOT NULL AS done \gset
SELECT po_be.paced();
SELECT po_be.paced();
SELECT po_be.paced();
SELECT po_be.paced();
SELECT po_be.paced();
SELECT ok(perf_optimizer.save_baseline('before') > 0, 'a baseline is saved');
SELECT results_eq($$ SELECT name, statement_count > 0, owner::text FROM perf_optimizer.baselines $$, $$ VALUES ('before', true, 'postgres') $$, 'and shown');
UPDATE po_be.pace SET ms = 60;
SELECT po_be.paced();
SELECT po_be.paced();
SELECT po_be.paced();
SELECT po_be.paced();
SELECT po_be.paced();
SELECT results_eq($$ SELECT verdict, baseline_calls, calls, ratio > 1.5, p_value < 0.01 FROM perf_optimizer.compare_baseline('before') WHERE query = 'SELECT po_be.paced()' $$,
  $$ VALUES ('slower', 5::bigint, 5::bigint, true, true) $$, 'the slower statement is found');
SELECT is((SELECT verdict FROM perf_optimizer.compare_baseline('before') LIMIT 1), 'slower', 'and comes first');
SELECT ok(count(*) > 0, 'statements that are new are said to be') FROM perf_optimizer.compare_baseline('before') WHERE verdict = 'new';
SELECT throws_ok($$ SELECT * FROM perf_optimizer.compare_baseline('nope') $$, '42704', NULL, 'an unknown baseline');
SELECT throws_ok($$ SELECT * FROM perf_optimizer.compare_baseline(NULL) $$, '22004', NULL, 'none');
SELECT throws_ok($$ SELECT perf_optimizer.save_baseline('') $$, '22023', NULL, 'a baseline without a name');
SELECT throws_ok($$ SELECT perf_optimizer.save_baseline(NULL) $$, '22004', NULL, 'a NULL');
CREATE ROLE po_test_bench;
SET ROLE po_test_bench;
SELECT is((SELECT count(*) FROM perf_optimizer.baselines), 0::bigint, 'baselines are not shown to others');
SELECT throws_ok($$ SELECT * FROM perf_optimizer.compare_baseline('before') $$, '42704', NULL, 'nor compared with');
SELECT throws_ok($$ SELECT perf_optimizer.benchmark_query('SELECT * FROM po_be.t') $$, '42501', NULL, 'a query needs its rights');
RESET ROLE;
SELECT is(perf_optimizer.drop_baseline('before'), true, 'a baseline is dropped');
SELECT is(perf_optimizer.drop_baseline('before'), false, 'once');

SELECT * FROM finish();
DROP SCHEMA po_be CASCADE;
DROP ROLE po_test_bench;
