-- Latency objectives: what is counted, what it says, rights.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
\pset fieldsep '\n'
SELECT * FROM no_plan();
SET client_min_messages = error;

-- A history made up: two statements of two roles, an hour in four days.
CREATE ROLE po_test_app LOGIN;
CREATE FUNCTION pg_temp.snap(ago interval, query bigint, role name, latency float8[], counts bigint[]) RETURNS void LANGUAGE sql AS $$
  WITH n AS (INSERT INTO perf_optimizer.snapshot (from_at, taken_at) VALUES (now() - ago - interval '5 minutes', now() - ago) RETURNING snapshot_id)
  INSERT INTO perf_optimizer.snapshot_statement (snapshot_id, query_id, userid, toplevel, calls, total_ms, squares, row_count, hit_blocks, read_blocks, temp_bytes, wal_bytes, latency_ms, counts)
  SELECT n.snapshot_id, query, (SELECT oid FROM pg_roles WHERE rolname = role), true, 1, 1, 0, 0, 0, 0, 0, 0, latency, counts FROM n $$;
SELECT pg_temp.snap('50 days', 1, 'postgres', '{1, 100}', '{0, 1000}');
SELECT pg_temp.snap('4 days', 1, 'postgres', '{1, 10, 100}', '{800, 190, 10}');
SELECT pg_temp.snap('2 days', 1, 'postgres', '{1, 100}', '{990, 10}');
SELECT pg_temp.snap('3 hours', 1, 'postgres', '{1, 100}', '{980, 20}');
SELECT pg_temp.snap('30 minutes', 1, 'postgres', '{1, 100}', '{800, 200}');
SELECT pg_temp.snap('20 minutes', 2, 'po_test_app', '{50}', '{1000}');

SELECT perf_optimizer.set_latency_target('one', 10, 99, query_id => 1);
SELECT results_eq($$ SELECT status, calls, calls_within, attained_pct, round(budget_left_pct::numeric, 6), round(burn_rate_1h::numeric, 6), round(burn_rate_6h::numeric, 6), round(burn_rate_3d::numeric, 6), since < now() - interval '4 days' FROM perf_optimizer.latency_objectives $$,
  $$ VALUES ('exhausted', 4000::bigint, 3760::bigint, 94::float8, -500::numeric, 20::numeric, 11::numeric, 7.666667::numeric, true) $$, 'share, budget and burn rates by hand');
SELECT perf_optimizer.set_latency_target('one', 10, 90, query_id => 1);
SELECT results_eq($$ SELECT status, round(budget_left_pct::numeric, 6), round(burn_rate_1h::numeric, 6) FROM perf_optimizer.latency_objectives $$, $$ VALUES ('ok', 40::numeric, 2::numeric) $$, 'with another objective');
SELECT perf_optimizer.set_latency_target('one', 9.99, 90, query_id => 1);
SELECT is(calls_within, 3570::bigint, 'with another target the history is counted anew') FROM perf_optimizer.latency_objectives;
SELECT perf_optimizer.set_latency_target('one', 10, 98, query_id => 1, period => '90 days');
SELECT is(calls, 5000::bigint, 'a longer period') FROM perf_optimizer.latency_objectives;
SELECT perf_optimizer.set_latency_target('app', 40, 99.9, role_name => 'po_test_app');
SELECT perf_optimizer.set_latency_target('all', 60, 50);
SELECT perf_optimizer.set_latency_target('nothing', 60, query_id => 3);
SELECT results_eq('SELECT name, status, calls, attained_pct FROM perf_optimizer.latency_objectives WHERE name <> ''one'' ORDER BY name', $$ VALUES ('all', 'ok', 5000::bigint, 95.2::float8), ('app', 'exhausted', 1000::bigint, 0::float8), ('nothing', 'unknown', NULL, NULL) $$,
  'one role''s, all, and none');
SELECT results_eq($$ SELECT name, labels, round(value::numeric, 6) FROM perf_optimizer.metrics() WHERE labels ->> 'objective' = 'app' ORDER BY name, labels $$,
  $$ VALUES ('perf_optimizer_latency_objective_budget_left_ratio', '{"objective": "app"}'::jsonb, -999::numeric), ('perf_optimizer_latency_objective_burn_rate', '{"window": "1h", "objective": "app"}', 1000),
            ('perf_optimizer_latency_objective_burn_rate', '{"window": "3d", "objective": "app"}', 1000), ('perf_optimizer_latency_objective_burn_rate', '{"window": "6h", "objective": "app"}', 1000) $$, 'as metrics');
SELECT perf_optimizer.set_alert('burn', 'perf_optimizer_latency_objective_burn_rate{window="1h"}', '>', 14.4);
SELECT perf_optimizer.check_alerts() AS checked \gset
SELECT results_eq($$ SELECT state, labels FROM perf_optimizer.alerts WHERE name = 'burn' $$, $$ VALUES ('firing', '{"window": "1h", "objective": "app"}'::jsonb) $$, 'which an alert watches');
SELECT perf_optimizer.drop_alert('burn') \g /dev/null
UPDATE perf_optimizer.latency_target SET objective_pct = 60 WHERE name = 'one';
SELECT is(status, 'ok', 'well') FROM perf_optimizer.latency_objectives WHERE name = 'one';

-- Hours that are merged keep their counts.
SELECT pg_temp.snap('5 days', 1, 'postgres', '{1}', '{7}'), pg_temp.snap('5 days 1 second', 1, 'postgres', '{1, 100}', '{5, 5}');
SELECT perf_optimizer.set_latency_target('merged', 10, 99, query_id => 1);
SELECT calls AS before, calls_within AS within_before FROM perf_optimizer.latency_objectives WHERE name = 'merged' \gset
SELECT perf_optimizer.merge_hours(now());
SELECT is(calls, :before::bigint, 'merged hours keep their executions'), is(calls_within, :within_before::bigint, 'and those within the target') FROM perf_optimizer.latency_objectives WHERE name = 'merged';

-- Executions of this server.
DELETE FROM perf_optimizer.snapshot;
SELECT is_empty('SELECT * FROM perf_optimizer.snapshot_objective', 'counts go with their snapshots');
SELECT perf_optimizer.set_latency_target('all', 60000, 50);
SELECT perf_optimizer.take_snapshot() > 0 AS taken \gset
SELECT 1 AS po_objective \gset
SELECT 1 AS po_objective \gset
SELECT perf_optimizer.take_snapshot() > 0 AS taken \gset
SELECT ok(calls >= 2 AND calls_within = calls AND attained_pct = 100 AND budget_left_pct = 100 AND status = 'ok', format('a snapshot counts them: %s', calls)) FROM perf_optimizer.latency_objectives WHERE name = 'all';
SELECT ok(perf_optimizer.drop_latency_target('all') AND NOT perf_optimizer.drop_latency_target('all'), 'dropped once');

-- An application's executions, as the name of a session changes.
SELECT perf_optimizer.set_latency_target('shop', 60000, 90, application_name => 'po shop');
SELECT perf_optimizer.take_snapshot() > 0 AS taken \gset
SET application_name = 'po shop';
SELECT 1 AS one \gset
SELECT set_config('application_name', 'po other', false) AS other \gset
SELECT 2 AS two \gset
BEGIN;
SET LOCAL application_name = 'po shop';
SELECT 3 AS three \gset
ROLLBACK;
SELECT 4 AS four \gset
RESET application_name;
SELECT perf_optimizer.take_snapshot() > 0 AS taken \gset
SELECT results_eq($$ SELECT status, application_name, calls, calls_within FROM perf_optimizer.latency_objectives WHERE name = 'shop' $$, $$ VALUES ('ok', 'po shop', 2::bigint, 2::bigint) $$, 'those that it made under that name');
SELECT perf_optimizer.set_latency_target('shop', 0.00001, 90, application_name => 'po shop');
SELECT results_eq($$ SELECT status, calls, calls_within FROM perf_optimizer.latency_objectives WHERE name = 'shop' $$, $$ VALUES ('exhausted', 2::bigint, 0::bigint) $$, 'counted anew for another target');
SELECT perf_optimizer.take_snapshot() > 0 AS taken \gset
SELECT is(calls, 2::bigint, 'once') FROM perf_optimizer.latency_objectives WHERE name = 'shop';
WITH n AS (INSERT INTO perf_optimizer.snapshot (from_at, taken_at) SELECT now() - interval '6 days 5 minutes', now() - interval '6 days' - i * interval '1 second' FROM generate_series(0, 1) i RETURNING snapshot_id)
INSERT INTO perf_optimizer.snapshot_application SELECT snapshot_id, 'po old', '{1, 100}', '{5, 2}' FROM n;
SELECT perf_optimizer.set_latency_target('old', 10, 90, application_name => 'po old');
SELECT perf_optimizer.merge_hours(now() - interval '5 days');
SELECT results_eq($$ SELECT latency_ms, sum(c)::int FROM (SELECT latency_ms, unnest(counts) AS c FROM perf_optimizer.snapshot_application WHERE application_name = 'po old') h GROUP BY 1 $$, $$ VALUES ('{1,100}'::float8[], 14) $$, 'merged hours keep histograms'),
       is(calls, 14::bigint, 'and their executions'), is(calls_within, 10::bigint, 'within the target') FROM perf_optimizer.latency_objectives WHERE name = 'old';
SELECT is((SELECT count(*) FROM perf_optimizer.watch_applications('{a, b, a}')), 3::bigint, 'applications are watched'), is((SELECT count(*) FROM perf_optimizer.watch_applications('{}')), 0::bigint, 'and not any more');
SELECT throws_ok($$ SELECT perf_optimizer.set_latency_target('app ' || i, 1, application_name => 'app ' || i) FROM generate_series(1, 65) i $$, '53400', NULL, 'not more than the server has room for');
SELECT perf_optimizer.take_snapshot() > 0 AS taken \gset
SELECT lives_ok($$ SELECT perf_optimizer.set_latency_target('app', 1, application_name => '') $$, 'room again after a snapshot, for sessions without a name');

-- What is refused.
SELECT throws_ok(format('SELECT perf_optimizer.set_latency_target(%s)', args), code, NULL, what) FROM (VALUES
  ($$NULL, 1$$, '22004', 'a NULL name'), ($$'x', NULL$$, '22004', 'a NULL target'), ($$'x', 1, NULL$$, '22004', 'a NULL objective'), ($$'x', 1, period => NULL$$, '22004', 'a NULL period'),
  ($$'', 1$$, '22023', 'an empty name'), ($$'x', 0$$, '22023', 'a target of 0'), ($$'x', 'NaN'$$, '22023', 'one that is no number'), ($$'x', 'Infinity'$$, '22023', 'an infinite one'),
  ($$'x', 1, 100$$, '22023', 'an objective of 100'), ($$'x', 1, 0$$, '22023', 'of 0'), ($$'x', 1, 'NaN'$$, '22023', 'of no number'), ($$'x', 1, period => '1 minute'$$, '22023', 'a short period'),
  ($$'x', 1, role_name => 'po_test_no_such_role'$$, '42704', 'an unknown role'),
  ($$'x', 1, application_name => repeat('x', 64)$$, '22023', 'a name that is too long'), ($$'x', 1, application_name => U&'caf\00e9'$$, '22023', 'one that no session can have'),
  ($$'x', 1, query_id => 1, application_name => 'x'$$, '22023', 'a statement of an application'), ($$'x', 1, role_name => 'postgres', application_name => 'x'$$, '22023', 'a role of an application')) v(args, code, what);
SELECT throws_ok('SELECT perf_optimizer.drop_latency_target(NULL)', '22004', NULL, 'dropping a NULL');
SET ROLE po_test_app;
SELECT throws_ok($$ SELECT perf_optimizer.set_latency_target('x', 1) $$, '42501', NULL, 'not for everybody');
SELECT throws_ok($$ SELECT perf_optimizer.drop_latency_target('one') $$, '42501', NULL, 'nor dropping');
SELECT is_empty('SELECT * FROM perf_optimizer.latency_objectives', 'nor seeing');
RESET ROLE;
GRANT pg_monitor TO po_test_app;
SET ROLE po_test_app;
SELECT lives_ok($$ SELECT perf_optimizer.set_latency_target('mine', 1) $$, 'for members of pg_monitor');
SELECT ok(count(*) >= 1, 'who see them') FROM perf_optimizer.latency_objectives;
RESET ROLE;
SET default_transaction_read_only = on;
SELECT throws_ok($$ SELECT perf_optimizer.set_latency_target('x', 1) $$, '25006', NULL, 'not in a read-only transaction');
SET default_transaction_read_only = off;

SELECT * FROM finish();
DROP ROLE po_test_app;
