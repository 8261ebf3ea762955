\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
-- Scheduled jobs: every error by its SQLSTATE, privileges, transactions, and next_run against a walk in SQL.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(149);

CREATE ROLE po_test_owner LOGIN;
CREATE ROLE po_test_other LOGIN;
CREATE ROLE po_test_member LOGIN IN ROLE po_test_owner;
CREATE ROLE po_test_nologin;
CREATE SCHEMA po_test AUTHORIZATION po_test_owner;
GRANT USAGE ON SCHEMA po_test TO PUBLIC;
SET ROLE po_test_owner;
CREATE TABLE po_test.t (id int PRIMARY KEY);
CREATE VIEW po_test.v AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW po_test."Mixed Case" AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW po_test.mv AS SELECT 1 AS one;
CREATE INDEX i ON po_test.t (id);
RESET ROLE;

/* ---- next_run ---- */
SELECT is(perf_optimizer.next_run('0 12 * * *', '2026-01-01 12:00+00'), '2026-01-02 12:00+00', 'next_run is later than after');
SELECT is(perf_optimizer.next_run('0 12 * * *', '2026-01-01 11:59:59.999999+00'), '2026-01-01 12:00+00', 'fractions of a second count');
SELECT is(perf_optimizer.next_run('every 90 minutes', '2026-01-01 11:00:00.25+00'), '2026-01-01 12:30:00.25+00', 'an interval counts from after');
SELECT is(perf_optimizer.next_run('1 day', '2024-03-30 12:00+01', 'Europe/Berlin'), '2024-03-31 12:00+01', 'a day of an interval has 24 hours');
SELECT is(perf_optimizer.next_run('0 12 * * *', '2024-03-30 12:00+01', 'Europe/Berlin'), '2024-03-31 12:00+02', 'a day of cron is a local day');
SELECT is(perf_optimizer.next_run('@reboot'), 'infinity', '@reboot has no moment');
SELECT is(perf_optimizer.next_run('@daily', 'infinity'), 'infinity', 'after infinity comes infinity');
SELECT throws_ok(format('SELECT perf_optimizer.next_run(%L)', s), '22023', NULL, format('"%s" is no schedule', s))
	FROM unnest(ARRAY['', '* * * *', '60 * * * *', '0 0 30 2 *', '1 month', '-5 minutes', '0 seconds', 'tomorrow', '* * * * * * *']) s;
SELECT throws_ok($$SELECT perf_optimizer.next_run('@daily', now(), 'Mars/Olympus')$$, '22023', NULL, 'an unknown zone');
SELECT throws_ok($$SELECT perf_optimizer.next_run(NULL)$$, '22004', 'argument "schedule" must not be null', 'no schedule');
SELECT throws_ok($$SELECT perf_optimizer.next_run('@daily', NULL)$$, '22004', 'argument "after" must not be null', 'no moment');
SELECT throws_ok($$SELECT perf_optimizer.next_run('@daily', now(), NULL)$$, '22004', 'argument "timezone" must not be null', 'no zone');
SELECT throws_ok($$SELECT perf_optimizer.next_run('@daily', '294276-12-31 23:59:59+00')$$, '22008', NULL, 'the end of time');

-- A walk minute by minute with the server's own zones, around changes of ten of them.
CREATE FUNCTION po_test.naive(minutes int[], hours int[], every_hour boolean, after timestamptz, zone text) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
	moment timestamptz := date_trunc('minute', after) - interval '1 day';
	seen timestamp := moment AT TIME ZONE zone;
	local timestamp;
BEGIN
	FOR i IN 1 .. 5 * 1440 LOOP
		moment := moment + interval '1 minute';
		local := moment AT TIME ZONE zone;
		IF moment > after THEN
			IF NOT every_hour AND EXISTS (SELECT FROM generate_series(seen + interval '1 minute', local - interval '1 minute', '1 minute') g
					WHERE extract(minute FROM g) = ANY (minutes) AND extract(hour FROM g) = ANY (hours)) THEN
				RETURN moment;
			END IF;
			IF extract(minute FROM local) = ANY (minutes) AND extract(hour FROM local) = ANY (hours) AND (every_hour OR local > seen) THEN
				RETURN moment;
			END IF;
		END IF;
		seen := greatest(seen, local);
	END LOOP;
	RETURN NULL;
END $$;
SELECT setseed(0.42);
CREATE TABLE po_test.walk AS
SELECT m AS minutes, h AS hours, (i % 4 = 0) AS every_hour, z.zone,
	z.change - interval '6 hours' + random() * interval '10 hours' AS after
FROM generate_series(1, 15) i,
	(VALUES ('Europe/Berlin', '2024-03-31 01:00+00'::timestamptz), ('Europe/Berlin', '2024-10-27 01:00+00'), ('America/New_York', '2025-03-09 07:00+00'),
		('America/New_York', '2025-11-02 06:00+00'), ('Australia/Lord_Howe', '2025-04-05 15:00+00'), ('Australia/Lord_Howe', '2025-10-04 15:30+00'),
		('America/Sao_Paulo', '2018-11-04 03:00+00'), ('Pacific/Apia', '2011-12-30 10:00+00'), ('Antarctica/Troll', '2025-03-30 01:00+00'),
		('America/St_Johns', '2025-11-02 04:30+00'), ('Africa/Casablanca', '2025-02-23 02:00+00'), ('Asia/Kathmandu', '2025-03-30 01:00+00')) z(zone, change),
	LATERAL (SELECT ARRAY(SELECT DISTINCT floor(random() * 60)::int FROM generate_series(1, 1 + i % 3)) AS m,
		CASE WHEN i % 4 = 0 THEN ARRAY(SELECT generate_series(0, 23)) ELSE ARRAY(SELECT DISTINCT floor(random() * 5)::int FROM generate_series(1, 1 + i % 2)) END AS h) v;
SELECT is((SELECT count(*)::int FROM po_test.walk
	WHERE perf_optimizer.next_run(array_to_string(minutes, ',') || ' ' || CASE WHEN every_hour THEN '*' ELSE array_to_string(hours, ',') END || ' * * *', after, zone)
		IS DISTINCT FROM po_test.naive(minutes, hours, every_hour, after, zone)), 0, 'next_run agrees with a walk through the changes of the zones');
SELECT cmp_ok((SELECT count(*) FROM po_test.walk), '>=', 180::bigint, 'over enough cases');

/* ---- definitions ---- */
SET ROLE po_test_owner;
SELECT isnt(perf_optimizer.schedule_refresh('po_test.mv', '0 3 * * *'), NULL, 'schedule_refresh returns an id');
SELECT results_eq($$SELECT name, kind, target, action, schedule, timezone, enabled, owner::text, priority FROM perf_optimizer.jobs$$,
	$$VALUES ('refresh po_test.mv', 'refresh', 'po_test.mv', 'auto', '0 3 * * *', 'UTC', true, 'po_test_owner', 0)$$, 'the job is listed with a derived name');
SELECT is(perf_optimizer.schedule_refresh('po_test.mv', '0 3 * * *'), (SELECT job_id FROM perf_optimizer.jobs), 'the same definition is the same job');
SELECT is((SELECT changed_at = created_at FROM perf_optimizer.jobs), true, 'and changes nothing');
SELECT is(perf_optimizer.schedule_refresh('po_test.mv', '0 4 * * *', 'full', priority => 7, timezone => 'Asia/Tokyo'), (SELECT job_id FROM perf_optimizer.jobs), 'another definition changes it');
SELECT results_eq($$SELECT action, schedule, priority, timezone, next_run FROM perf_optimizer.jobs$$,
	$$SELECT 'full', '0 4 * * *', 7, 'Asia/Tokyo', perf_optimizer.next_run('0 4 * * *', timezone => 'Asia/Tokyo')$$, 'with the next slot of the new schedule');
SELECT is((perf_optimizer.schedule_refresh('po_test."Mixed Case"', '@hourly') > 0), true, 'a name that needs quotes');
SELECT is((SELECT target FROM perf_optimizer.jobs WHERE name = 'refresh po_test."Mixed Case"'), 'po_test."Mixed Case"', 'is shown quoted');
SELECT throws_ok($$SELECT perf_optimizer.schedule_command('refresh po_test.mv', '@daily', 'SELECT 1')$$, '42710', NULL, 'a name of another kind');
SELECT is(perf_optimizer.pause_job((SELECT job_id FROM perf_optimizer.jobs WHERE target = 'po_test.mv')), true, 'pause_job');
SELECT is(perf_optimizer.pause_job((SELECT job_id FROM perf_optimizer.jobs WHERE target = 'po_test.mv')), false, 'pause_job again');
SELECT results_eq($$SELECT enabled, paused, next_run FROM perf_optimizer.jobs WHERE target = 'po_test.mv'$$, $$VALUES (false, true, NULL::timestamptz)$$, 'a paused job has no next slot');
SELECT lives_ok($$SELECT perf_optimizer.schedule_refresh('po_test.mv', '0 5 * * *')$$, 'scheduling a paused job');
SELECT is((SELECT paused FROM perf_optimizer.jobs WHERE target = 'po_test.mv'), true, 'does not resume it');
SELECT is(perf_optimizer.resume_job((SELECT job_id FROM perf_optimizer.jobs WHERE target = 'po_test.mv')), true, 'resume_job');
SELECT is(perf_optimizer.pause_all_jobs(), 2, 'pause_all_jobs counts');
SELECT is(perf_optimizer.resume_all_jobs(), 2, 'resume_all_jobs counts');
SELECT lives_ok($$SELECT perf_optimizer.schedule_command('off', '@daily', 'SELECT 1', enabled => false)$$, 'a job that is not enabled');
SELECT is((SELECT enabled FROM perf_optimizer.jobs WHERE name = 'off'), false, 'is listed so');
SELECT is((SELECT count(*)::int FROM (SELECT perf_optimizer.schedule_maintenance('po_test.t', '@weekly', a) FROM unnest(ARRAY['vacuum_analyze', 'vacuum', 'analyze', 'reindex_concurrently']) a) s), 4, 'four actions of maintenance');
SELECT is((SELECT count(*)::int FROM perf_optimizer.jobs WHERE kind = 'maintenance' AND name = action || ' po_test.t'), 4, 'with names of their own');

/* ---- alter_job, schedule_once, after_job, exclude_window ---- */
SELECT set_config('po_test.mv', (SELECT job_id FROM perf_optimizer.jobs WHERE target = 'po_test.mv')::text, false) \g /dev/null
SELECT is(perf_optimizer.alter_job(current_setting('po_test.mv')::bigint, priority => 9, timeout => '1 minute'), true, 'alter_job changes a job');
SELECT is(perf_optimizer.alter_job(current_setting('po_test.mv')::bigint, priority => 9), false, 'and says when nothing changes');
SELECT is((SELECT priority || ' ' || timeout FROM perf_optimizer.jobs WHERE target = 'po_test.mv'), '9 00:01:00', 'it keeps what is not given');
SELECT is(perf_optimizer.alter_job(current_setting('po_test.mv')::bigint, timeout => '0'), true, 'a timeout of 0');
SELECT is((SELECT timeout FROM perf_optimizer.jobs WHERE target = 'po_test.mv'), NULL, 'takes it away');
SELECT throws_ok(format('SELECT perf_optimizer.alter_job(%s, %s)', current_setting('po_test.mv'), a), '22023', NULL, 'alter_job ' || a)
	FROM unnest(ARRAY[$$at => now()$$, $$command => 'SELECT 1'$$, $$exclude_window => 'never'$$, $$exclude_window => 'sun-sat 00:00-24:00'$$, $$schedule => ''$$,
		$$schedule => 'often'$$, $$schedule => '@once'$$, $$action => 'fast'$$, $$timezone => 'Nowhere'$$, $$max_attempts => 0$$, $$name => ''$$, format('after_job => %s', current_setting('po_test.mv'))]) a;
SELECT throws_ok(format('SELECT perf_optimizer.alter_job(%s, name => %L)', current_setting('po_test.mv'), 'off'), '42710', NULL, 'alter_job to a name that is taken');
SELECT throws_ok($$SELECT perf_optimizer.alter_job(NULL)$$, '22004', NULL, 'alter_job of no job');
SELECT throws_ok($$SELECT perf_optimizer.alter_job(999999, priority => 1)$$, '42704', NULL, 'alter_job of what does not exist');
SELECT throws_ok($$SELECT perf_optimizer.schedule_command('c', '@once', 'SELECT 1')$$, '22023', NULL, '@once is no schedule');
SELECT throws_ok($$SELECT perf_optimizer.schedule_once('c', 'infinity', 'SELECT 1')$$, '22023', NULL, 'a moment that never comes');
SELECT throws_ok($$SELECT perf_optimizer.schedule_once('c', NULL, 'SELECT 1')$$, '22004', NULL, 'no moment');
SELECT throws_ok($$SELECT perf_optimizer.schedule_command('c', NULL, 'SELECT 1', after_job => 999999)$$, '42704', NULL, 'after a job that does not exist');
SELECT isnt(perf_optimizer.schedule_command('window', '0 * * * *', 'SELECT 1', exclude_window => '00:00-12:00, 18:00-24:00'), NULL, 'a window');
SELECT is((SELECT extract(hour FROM next_run) BETWEEN 12 AND 17 FROM perf_optimizer.jobs WHERE name = 'window'), true, 'its slots are not taken');
SELECT is(perf_optimizer.alter_job((SELECT job_id FROM perf_optimizer.jobs WHERE name = 'window'), schedule => 'every 7 minutes'), true, 'an interval');
SELECT is((SELECT extract(hour FROM next_run) BETWEEN 12 AND 17 FROM perf_optimizer.jobs WHERE name = 'window'), true, 'has none in the window either');
SELECT is((SELECT extract(hour FROM next_run) FROM perf_optimizer.jobs j, perf_optimizer.alter_job(j.job_id, schedule => '30 3 * * *', exclude_window => '') WHERE name = 'window') IS NOT NULL, true, 'an empty window');
SELECT is((SELECT to_char(next_run, 'HH24:MI') FROM perf_optimizer.jobs WHERE name = 'window'), '03:30', 'is none');
SELECT is(perf_optimizer.unschedule('window'), true, 'the job of the window');

BEGIN;
SELECT perf_optimizer.unschedule('off') \g /dev/null
SAVEPOINT s;
SELECT perf_optimizer.schedule_command('within', '@daily', 'SELECT 1') \g /dev/null
ROLLBACK TO s;
SELECT is((SELECT count(*)::int FROM perf_optimizer.jobs WHERE name IN ('off', 'within')), 0, 'a transaction sees its own changes, a savepoint undoes them');
ROLLBACK;
SELECT is((SELECT count(*)::int FROM perf_optimizer.jobs WHERE name = 'off'), 1, 'ROLLBACK undoes the rest');

/* ---- wrong arguments ---- */
SELECT throws_ok($$SELECT perf_optimizer.schedule_refresh('po_test.t', '@daily')$$, '42809', NULL, 'a table is no materialized view');
SELECT throws_ok($$SELECT perf_optimizer.schedule_refresh('po_test.v', '@daily')$$, '42809', NULL, 'nor is a view');
SELECT throws_ok($$SELECT perf_optimizer.schedule_refresh('po_test.none', '@daily')$$, '42P01', NULL, 'a missing relation');
SELECT throws_ok($$SELECT perf_optimizer.schedule_refresh('po_test.mv', 'often')$$, '22023', NULL, 'a wrong schedule');
SELECT throws_ok($$SELECT perf_optimizer.schedule_refresh('po_test.mv', '@daily', 'fast')$$, '22023', NULL, 'a wrong mode');
SELECT throws_ok($$SELECT perf_optimizer.schedule_refresh('po_test.mv', '@daily', timezone => 'Nowhere')$$, '22023', NULL, 'a wrong zone');
SELECT throws_ok($$SELECT perf_optimizer.schedule_refresh('po_test.mv', '@daily', name => '')$$, '22023', NULL, 'an empty name');
SELECT throws_ok($$SELECT perf_optimizer.schedule_refresh('po_test.mv', '@daily', name => repeat('x', 201))$$, '22023', NULL, 'a long name');
SELECT throws_ok($$SELECT perf_optimizer.schedule_maintenance('po_test.t', '@daily', 'polish')$$, '22023', NULL, 'an unknown action');
SELECT throws_ok($$SELECT perf_optimizer.schedule_maintenance('po_test.v', '@daily', 'vacuum')$$, '42809', NULL, 'a view is not vacuumed');
SELECT throws_ok($$SELECT perf_optimizer.schedule_maintenance('po_test.t', '@daily', 'prewarm')$$, '55000', NULL, 'prewarm needs its extension');
SELECT throws_ok($$SELECT perf_optimizer.schedule_command('c', '@daily', 'SELEKT 1')$$, '42601', NULL, 'a command that does not parse');
SELECT throws_ok($$SELECT perf_optimizer.schedule_command('c', '@daily', ' -- nothing')$$, '42601', NULL, 'a command without statement');
SELECT throws_ok($$SELECT perf_optimizer.schedule_archive('none', '@daily')$$, '42704', NULL, 'an unknown policy');
SELECT throws_ok(format('SELECT perf_optimizer.schedule_command(%s)', a), '22023', NULL, a)
	FROM unnest(ARRAY[$$'c', '@daily', 'SELECT 1', timeout => '-1 s'$$, $$'c', '@daily', 'SELECT 1', timeout => '0'$$, $$'c', '@daily', 'SELECT 1', backoff => '-1 s'$$,
		$$'c', '@daily', 'SELECT 1', max_backoff => '-1 s'$$, $$'c', '@daily', 'SELECT 1', max_attempts => 0$$, $$'c', '@daily', 'SELECT 1', max_attempts => 1001$$]) a;
SELECT throws_ok(format('SELECT perf_optimizer.%s', a), '22004', NULL, a)
	FROM unnest(ARRAY[$$schedule_refresh(NULL, '@daily')$$, $$schedule_refresh('po_test.mv', NULL)$$, $$schedule_refresh('po_test.mv', '@daily', NULL)$$,
		$$schedule_maintenance(NULL, '@daily')$$, $$schedule_command(NULL, '@daily', 'SELECT 1')$$, $$schedule_command('c', '@daily', NULL)$$,
		$$schedule_command('c', '@daily', 'SELECT 1', max_attempts => NULL)$$, $$schedule_command('c', '@daily', 'SELECT 1', enabled => NULL)$$,
		'unschedule(NULL::bigint)', 'unschedule(NULL::text)', 'pause_job(NULL)', 'resume_job(NULL)', 'run_job(NULL)', 'retry_job(NULL)', 'cancel_run(NULL)', 'wait_for_run(NULL)']) a;

/* ---- privileges ---- */
SELECT set_config('po_test.job', (SELECT job_id FROM perf_optimizer.jobs WHERE target = 'po_test.mv')::text, false) \g /dev/null
SELECT set_config('po_test.run', perf_optimizer.run_job(current_setting('po_test.job')::bigint)::text, false) \g /dev/null
SET ROLE po_test_other;
SELECT is((SELECT count(*)::int FROM perf_optimizer.jobs), 0, 'a stranger sees no job');
SELECT is((SELECT count(*)::int FROM perf_optimizer.job_runs), 0, 'nor a run');
SELECT throws_ok(format('SELECT perf_optimizer.%s(%s)', f, current_setting('po_test.job')), '42501', NULL, f || ' of a stranger')
	FROM unnest(ARRAY['unschedule', 'pause_job', 'resume_job', 'run_job', 'retry_job']) f;
SELECT throws_ok(format('SELECT perf_optimizer.%s(%s)', f, current_setting('po_test.run')), '42501', NULL, f || ' of a stranger')
	FROM unnest(ARRAY['cancel_run', 'wait_for_run']) f;
SELECT is(perf_optimizer.unschedule('refresh po_test.mv'), false, 'a name of somebody else is no name');
SELECT throws_ok($$SELECT perf_optimizer.schedule_refresh('po_test.mv', '@daily')$$, '42501', NULL, 'a refresh of somebody else''s view');
SELECT throws_ok($$SELECT perf_optimizer.schedule_maintenance('po_test.t', '@daily')$$, '42501', NULL, 'maintenance of somebody else''s table');
SELECT throws_ok($$INSERT INTO perf_optimizer.job SELECT * FROM perf_optimizer.job$$, '42501', NULL, 'no direct way into the table');
SELECT throws_ok($$SELECT * FROM perf_optimizer.job_run$$, '42501', NULL, 'nor to read it');
SELECT throws_ok($$SELECT perf_optimizer.job_changed()$$, '42501', NULL, 'the trigger function cannot be called');
SET ROLE po_test_member;
SELECT ok((SELECT count(*) > 0 FROM perf_optimizer.jobs), 'a member sees the jobs of the role');
SELECT is(perf_optimizer.pause_job(current_setting('po_test.job')::bigint), true, 'and alters them');
RESET ROLE;
SELECT is((perf_optimizer.run_job(current_setting('po_test.job')::bigint) > 0), true, 'so does a superuser');

SET ROLE po_test_nologin;
SELECT CASE WHEN current_setting('server_version_num')::int >= 170000
	THEN lives_ok($$SELECT perf_optimizer.schedule_command('nologin', '@daily', 'SELECT 1')$$, 'from 17 on a role needs no LOGIN')
	ELSE throws_ok($$SELECT perf_optimizer.schedule_command('nologin', '@daily', 'SELECT 1')$$, '55000', NULL, 'before 17 a role needs LOGIN') END;
SELECT perf_optimizer.unschedule('nologin') \g /dev/null
RESET ROLE;

/* ---- what does not exist ---- */
SELECT throws_ok(format('SELECT perf_optimizer.%s(999999)', f), '42704', NULL, f || ' of what does not exist')
	FROM unnest(ARRAY['pause_job', 'resume_job', 'run_job', 'retry_job', 'cancel_run', 'wait_for_run']) f;
SELECT is(perf_optimizer.unschedule(999999), false, 'unschedule of what does not exist');
SELECT throws_ok($$SELECT perf_optimizer.retry_job(current_setting('po_test.job')::bigint)$$, '55000', NULL, 'retry_job without a dead letter');
BEGIN;
SET TRANSACTION READ ONLY;
SELECT throws_ok($$SELECT perf_optimizer.pause_job(current_setting('po_test.job')::bigint)$$, '25006', NULL, 'not in a read-only transaction');
ROLLBACK;
BEGIN;
SELECT throws_ok(format('SELECT perf_optimizer.wait_for_run(%s)', perf_optimizer.run_job(current_setting('po_test.job')::bigint)), '55000', NULL, 'waiting for a run of this transaction');
ROLLBACK;
SELECT throws_ok($$SELECT perf_optimizer.wait_for_run(1, '-1 s')$$, '22023', NULL, 'a negative wait');
SET session_replication_role = replica;
SELECT throws_ok($$SELECT perf_optimizer.schedule_command('c', '@daily', 'SELECT 1')$$, '55000', NULL, 'not as a replica');
INSERT INTO perf_optimizer.job SELECT (jsonb_populate_record(j, '{"job_id": 999999, "name": "applied"}')).* FROM perf_optimizer.job j LIMIT 1;
RESET session_replication_role;
SELECT is((SELECT count(*)::int FROM perf_optimizer.jobs WHERE name = 'applied'), 0, 'rows that replication applies are kept out');
SELECT throws_ok($$CALL perf_optimizer.await_run(current_setting('po_test.run')::bigint)$$, '2D000', NULL, 'await_run cannot be called where no commit is possible');

/* ---- the end ---- */
SELECT perf_optimizer.pause_all_jobs() \g /dev/null
SELECT is((SELECT count(*)::int FROM perf_optimizer.jobs WHERE perf_optimizer.unschedule(job_id)), (SELECT 7), 'unschedule removes each');
SELECT is((SELECT count(*)::int FROM perf_optimizer.jobs), 0, 'and nothing is left');
SELECT is((SELECT count(*)::int FROM perf_optimizer.job_runs WHERE status = 'queued'), 0, 'waiting runs are cancelled');
SELECT * FROM finish();
DROP OWNED BY po_test_owner, po_test_other, po_test_member, po_test_nologin CASCADE;
DROP ROLE po_test_owner, po_test_other, po_test_member, po_test_nologin;
