-- Alerts: definitions, states, announcements, rights.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT * FROM no_plan();

SET client_min_messages = error;
CREATE TEMP VIEW state AS SELECT name, state FROM perf_optimizer.alerts;
CREATE FUNCTION pg_temp.at(seconds int) RETURNS text LANGUAGE sql AS $$ SELECT set_config('perf_optimizer.test_clock_offset', seconds::text, false) $$;
CREATE FUNCTION pg_temp.state(name text) RETURNS text LANGUAGE sql AS $$ SELECT a.state FROM perf_optimizer.alerts a WHERE a.name = $1 $$;
-- The job would check on its own.
SELECT perf_optimizer.schedule_alerts(enabled => false) AS job \gset

-- What is refused.
PREPARE set_one(text, text, text, float8, interval, text, float8) AS SELECT perf_optimizer.set_alert($1, $2, $3, $4, $5, $6, $7);
SELECT throws_ok(format('EXECUTE set_one(%s)', args), code, NULL, what) FROM (VALUES
  ($$NULL, 'm', '>', 1, '0', 'info', NULL$$, '22004', 'a NULL name'),
  ($$'a', NULL, '>', 1, '0', 'info', NULL$$, '22004', 'a NULL metric'),
  ($$'a', 'm', NULL, 1, '0', 'info', NULL$$, '22004', 'a NULL comparison'),
  ($$'a', 'm', '>', NULL, '0', 'info', NULL$$, '22004', 'a NULL threshold'),
  ($$'a', 'm', '>', 1, NULL, 'info', NULL$$, '22004', 'a NULL hold'),
  ($$'a', 'm', '>', 1, '0', NULL, NULL$$, '22004', 'a NULL severity'),
  ($$'', 'm', '>', 1, '0', 'info', NULL$$, '22023', 'an empty name'),
  ($$repeat('a', 201), 'm', '>', 1, '0', 'info', NULL$$, '22023', 'a long name'),
  ($$E'a\nb', 'm', '>', 1, '0', 'info', NULL$$, '22023', 'a name that breaks a log line'),
  ($$'a', 'sum(m)', '>', 1, '0', 'info', NULL$$, '22023', 'an unknown function'),
  ($$'a', 'm{a=1}', '>', 1, '0', 'info', NULL$$, '22023', 'a label without quotes'),
  ($$'a', repeat('m', 1001), '>', 1, '0', 'info', NULL$$, '22023', 'a long metric'),
  ($$'a', 'm', '=>', 1, '0', 'info', NULL$$, '22023', 'an unknown comparison'),
  ($$'a', 'm', '>', 'NaN', '0', 'info', NULL$$, '22023', 'a threshold that is no number'),
  ($$'a', 'm', '>', 'Infinity', '0', 'info', NULL$$, '22023', 'an infinite threshold'),
  ($$'a', 'm', '>', 1, '-1 second', 'info', NULL$$, '22023', 'a negative hold'),
  ($$'a', 'm', '>', 1, '0', 'fatal', NULL$$, '22023', 'an unknown severity'),
  ($$'a', 'm', '>', 1, '0', 'info', 2$$, '22023', 'a resolve threshold beyond the threshold'),
  ($$'a', 'm', '<', 1, '0', 'info', 0.5$$, '22023', 'and below it'),
  ($$'a', 'm', '=', 1, '0', 'info', 1$$, '22023', 'one for an equality')) AS wrong(args, code, what);
SELECT is_empty('SELECT * FROM perf_optimizer.alerts', 'and nothing is stored');

-- One that a table drives: its size in rows is a gauge of its own only through the metrics, so a label of the connections serves.
SELECT perf_optimizer.set_alert('active', 'perf_optimizer_connections{state="active"}', '>=', 1, '10 minutes', 'critical');
SELECT is(pg_temp.state('active'), 'unknown', 'unknown before the first check');
SELECT is(perf_optimizer.check_alerts(), 0, 'nothing to announce');
SELECT is(pg_temp.state('active'), 'pending', 'out of bounds, not for long enough');
SELECT pg_temp.at(599) \gset
SELECT is(perf_optimizer.check_alerts(), 0, 'nor just before');
SELECT pg_temp.at(605) \gset
SELECT is(perf_optimizer.check_alerts(), 1, 'announced when it has lasted');
SELECT results_eq($$ SELECT state, severity, value, labels, last_fired_at = since, checked_at = since FROM perf_optimizer.alerts WHERE name = 'active' $$,
  $$ VALUES ('firing', 'critical', 1::float8, '{"state": "active"}'::jsonb, true, true) $$, 'it fires');
SELECT perf_optimizer.set_alert('active', 'perf_optimizer_connections{state="active"}', '>=', 1, '10 minutes', 'critical');
SELECT is(pg_temp.state('active'), 'firing', 'set again alike: nothing changes');
SELECT is(perf_optimizer.check_alerts(), 0, 'announced once');
SELECT perf_optimizer.set_alert('active', 'perf_optimizer_connections{state="active"}', '>=', 50, '10 minutes', 'critical');
SELECT is(pg_temp.state('active'), 'unknown', 'another definition begins anew');
SELECT results_eq($$ SELECT state, message FROM perf_optimizer.alert_history WHERE name = 'active' ORDER BY at $$,
  $$ VALUES ('firing', 'alert "active" (critical) fires: perf_optimizer_connections{state="active"} is 1, which is >= 1'), ('resolved', 'alert "active" is resolved: it was changed') $$, 'the history');
SELECT perf_optimizer.check_alerts() \gset
SELECT is(pg_temp.state('active'), 'ok', 'within bounds');
SELECT ok(perf_optimizer.drop_alert('active'), 'dropped');
SELECT ok(NOT perf_optimizer.drop_alert('active'), 'once');
SELECT is_empty('SELECT * FROM perf_optimizer.alert_history', 'with its history');

-- No data.
SELECT lives_ok($$ SELECT perf_optimizer.set_alert('none', 'perf_optimizer_no_such_metric', '<', 1) $$, 'a metric without series');
SELECT is(perf_optimizer.check_alerts(), 0, 'does not fire');
SELECT is(pg_temp.state('none'), 'unknown', 'and is unknown');
SELECT perf_optimizer.set_alert('none', 'perf_optimizer_connections{state="no such state"}', '<', 1);
SELECT is(perf_optimizer.check_alerts(), 0, 'nor one whose labels no series has');
SELECT is(pg_temp.state('none'), 'unknown', 'unknown, too');
SELECT perf_optimizer.drop_alert('none') \gset

-- Rates and ratios: counters that are read twice.
SELECT perf_optimizer.set_alert('rate', 'rate(perf_optimizer_rows_total{operation="inserted"})', '>', 5);
SELECT perf_optimizer.set_alert('ratio', 'ratio(perf_optimizer_rows_total{operation="deleted"})', '>', 0.99);
SELECT perf_optimizer.set_alert('p99', 'p99(perf_optimizer_execution_seconds)', '>', 0.0);
CREATE TABLE po_al AS SELECT i FROM generate_series(1, 10) i;
SELECT pg_stat_force_next_flush();
SELECT perf_optimizer.check_alerts() \gset
SELECT is((SELECT array_agg(state) FROM state WHERE name IN ('rate', 'ratio', 'p99')), ARRAY['unknown', 'unknown', 'unknown'], 'one look says nothing of a counter');
SELECT pg_temp.at(705) \gset
INSERT INTO po_al SELECT i FROM generate_series(1, 5000) i;
SELECT pg_stat_force_next_flush();
SELECT perf_optimizer.check_alerts() \gset
SELECT ok(value > 49 AND value < 60 AND state = 'firing', format('5000 rows in about 100 seconds: %s %s', value, state)) FROM perf_optimizer.alerts WHERE name = 'rate';
SELECT ok(value >= 0 AND value < 0.5 AND state = 'ok', format('few of them were deleted: %s', value)) FROM perf_optimizer.alerts WHERE name = 'ratio';
SELECT ok(value > 0 AND state = 'firing', 'executions took time') FROM perf_optimizer.alerts WHERE name = 'p99';
SELECT perf_optimizer.drop_alert(name) FROM state \g /dev/null

-- The payload of the longest definition: what is escaped in JSON, and messages with it twice, fits.
SELECT is((SELECT count(*)::int FROM perf_optimizer.alerts), 0, 'none is left');
SELECT perf_optimizer.set_alert(repeat('"', 200), 'perf_optimizer_connections_max' || repeat(E'\n', 969), '>', 0);
SELECT is(perf_optimizer.check_alerts(), 1, 'the longest definition can be announced');
SELECT perf_optimizer.drop_alert(name) FROM state \g /dev/null

-- Rights.
CREATE ROLE po_test_watcher LOGIN;
CREATE ROLE po_test_stranger LOGIN;
GRANT pg_read_all_stats TO po_test_watcher;
SET ROLE po_test_stranger;
SELECT throws_ok($$ SELECT perf_optimizer.set_alert('x', 'perf_optimizer_connections_max', '>', 1) $$, '42501', NULL, 'not for everybody');
SELECT throws_ok('SELECT perf_optimizer.check_alerts()', '42501', NULL, 'nor a check');
SELECT throws_ok('SELECT perf_optimizer.install_default_alerts()', '42501', NULL, 'nor the defaults');
SELECT throws_ok('SELECT * FROM perf_optimizer.alert', '42501', NULL, 'nor the table');
SELECT throws_ok($$ SELECT perf_optimizer.remove_alert(gen_random_uuid()) $$, '42501', NULL, 'nor what is internal');
RESET ROLE;
SELECT perf_optimizer.set_alert('x', 'perf_optimizer_connections_max', '>', 1);
SET ROLE po_test_watcher;
SELECT perf_optimizer.set_alert('x', 'perf_optimizer_connections_max', '>', 1);
SELECT perf_optimizer.set_alert('y', 'perf_optimizer_connections_max', '>', 1);
SELECT results_eq('SELECT name, owner FROM perf_optimizer.alerts ORDER BY name', $$ VALUES ('x', 'po_test_watcher'), ('y', 'po_test_watcher') $$, 'everybody has names of his own');
SELECT is(perf_optimizer.check_alerts(), 2, 'and checks his own');
SELECT is((SELECT count(*)::int FROM perf_optimizer.jobs WHERE kind = 'alert' AND owner = 'po_test_watcher'), 1, 'by a job of his own');
RESET ROLE;
SELECT is((SELECT count(*)::int FROM perf_optimizer.alerts), 3, 'a superuser sees all');
SELECT is(state, 'unknown', 'his own was not checked') FROM perf_optimizer.alerts WHERE owner = current_user;
SET ROLE po_test_stranger;
SELECT is_empty('SELECT name FROM perf_optimizer.alerts', 'others see none');
SELECT is_empty('SELECT name FROM perf_optimizer.alert_history', 'nor the history');
SELECT ok(NOT perf_optimizer.drop_alert('y'), 'and remove none');
RESET ROLE;
SELECT ok(perf_optimizer.drop_alert('x'), 'his own goes first');
SELECT is((SELECT array_agg(name || owner ORDER BY name) FROM perf_optimizer.alerts), ARRAY['xpo_test_watcher', 'ypo_test_watcher'], 'not that of another');
SELECT ok(perf_optimizer.drop_alert('x'), 'then one of a role whose rights he has');
GRANT po_test_watcher TO po_test_stranger;
SET ROLE po_test_watcher;
SELECT perf_optimizer.set_alert('z', 'perf_optimizer_connections_max', '>', 1);
RESET ROLE;
CREATE ROLE po_test_other LOGIN IN ROLE pg_read_all_stats;
SET ROLE po_test_other;
SELECT perf_optimizer.set_alert('z', 'perf_optimizer_connections_max', '>', 1);
RESET ROLE;
SELECT throws_ok($$ SELECT perf_optimizer.drop_alert('z') $$, '42725', NULL, 'two roles have one');
SELECT throws_ok('SELECT perf_optimizer.drop_alert(NULL)', '22004', NULL, 'a NULL name');
SET default_transaction_read_only = on;
SELECT throws_ok('SELECT perf_optimizer.check_alerts()', '25006', NULL, 'not in a read-only transaction');
SELECT throws_ok($$ SELECT perf_optimizer.drop_alert('z') $$, '25006', NULL, 'nor dropping');
SET default_transaction_read_only = off;

-- Another incarnation: names count.
UPDATE perf_optimizer.alert SET incarnation = gen_random_uuid(), owner = 0 WHERE name = 'y';
SELECT is(owner, 'po_test_watcher', 'a restored alert belongs to the role of that name') FROM perf_optimizer.alerts WHERE name = 'y';
SET ROLE po_test_watcher;
SELECT perf_optimizer.set_alert('y', 'perf_optimizer_connections_max', '>', 2);
RESET ROLE;
SELECT is((SELECT owner::regrole::text FROM perf_optimizer.alert WHERE name = 'y'), 'po_test_watcher', 'which takes it over');

-- The history is bounded.
SELECT alert_id AS id FROM perf_optimizer.alerts WHERE name = 'y' \gset
SELECT perf_optimizer.put_alert_event(:'id', now() - i * interval '1 second', 'firing', 1, NULL, 'fires') FROM generate_series(1, 1010) i \g /dev/null
SELECT is((SELECT count(*)::int FROM perf_optimizer.alert_history WHERE name = 'y'), 1000, 'the newest 1000 stay');
SELECT perf_optimizer.put_alert_event(:'id', now() + interval '31 days', 'firing', 1, NULL, 'fires');
SELECT is((SELECT count(*)::int FROM perf_optimizer.alert_history WHERE name = 'y'), 1, 'for as long as runs of jobs');

-- The defaults.
SELECT is(perf_optimizer.install_default_alerts(), (SELECT count(*)::int FROM perf_optimizer.default_alerts()), 'all defaults');
SELECT is(perf_optimizer.install_default_alerts(), 0, 'once');
SELECT perf_optimizer.check_alerts() \gset
SELECT is_empty($$ SELECT d.name FROM perf_optimizer.default_alerts() d JOIN perf_optimizer.alerts a USING (name) WHERE a.state NOT IN ('ok', 'unknown') OR a.state = 'unknown' AND a.metric NOT LIKE '%(%' AND a.metric NOT LIKE '%replication%' AND a.metric NOT LIKE '%objective%' $$,
  'which are well on this server, or wait for a second look, a standby or an objective');
SELECT is(schedule || ' ' || enabled, 'every 1 minute false', 'the job that was there was left alone') FROM perf_optimizer.jobs WHERE job_id = :job;

SELECT * FROM finish();
SELECT perf_optimizer.drop_alert(name) FROM perf_optimizer.default_alerts() \g /dev/null
DROP TABLE po_al;
DROP ROLE po_test_watcher, po_test_stranger, po_test_other;
