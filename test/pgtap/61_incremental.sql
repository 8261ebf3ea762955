-- Incremental refresh: registration, refusals, what is noted, what forces the whole query, tidying up.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(118);

CREATE ROLE po_test_owner;
CREATE ROLE po_test_other;
CREATE SCHEMA po_inc AUTHORIZATION po_test_owner;
SET client_min_messages = warning;
SET search_path = po_inc, public;

-- Refreshes a view; returns the mode, and "wrong" when it differs from its query.
CREATE FUNCTION po_inc.refreshed(view regclass, mode text DEFAULT 'auto') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  used text;
  why text;
  n bigint;
BEGIN
  SELECT mode_used, reason INTO used, why FROM perf_optimizer.refresh(view, mode);
  EXECUTE format('SELECT count(*) FROM ((TABLE %1$s EXCEPT ALL (%2$s)) UNION ALL ((%2$s) EXCEPT ALL TABLE %1$s)) d',
                 view, rtrim(pg_get_viewdef(view), ';')) INTO n;
  RETURN CASE WHEN n > 0 THEN 'wrong ' ELSE '' END || used || CASE WHEN used = 'concurrent' THEN ': ' || why ELSE '' END;
END $$;

CREATE TABLE base (id int PRIMARY KEY, k int, t text, n numeric, ts timestamptz);
INSERT INTO base SELECT i, i % 50, 'T' || i % 3, i, '2024-01-01'::timestamptz + i * interval '5 hours' FROM generate_series(1, 1000) i;
CREATE MATERIALIZED VIEW sums AS SELECT k, count(*) AS c, sum(n) AS s FROM base GROUP BY k;

-- Registration.
SELECT throws_ok($$ SELECT perf_optimizer.refresh('sums', 'incremental') $$, '55000', NULL, 'not registered: no incremental refresh');
SELECT is(incremental, false, 'the status says so') FROM perf_optimizer.matview_status WHERE matview = 'sums'::regclass;
SELECT ok(ok, 'the query allows it') FROM perf_optimizer.can_refresh_incrementally('sums');
SELECT is(perf_optimizer.enable_incremental('sums'), 'rows are recomputed by k; changes are noted of po_inc.base', 'what is tracked');
SELECT results_eq($$ SELECT incremental, pending_changes, full_reason FROM perf_optimizer.matview_status WHERE matview = 'sums'::regclass $$,
  $$ VALUES (true, NULL::bigint, 'this is its first refresh since it was registered') $$, 'registered, nothing known yet');
SELECT results_eq($$ SELECT tgenabled::text FROM pg_trigger WHERE tgrelid = 'base'::regclass AND tgname LIKE 'perf_optimizer%' $$,
  $$ VALUES ('A'), ('A') $$, 'two triggers, enabled always');
SELECT is(count(*), 2::bigint, 'which depend on the extension')
  FROM pg_depend WHERE classid = 'pg_trigger'::regclass AND refclassid = 'pg_extension'::regclass AND deptype = 'x';
SELECT is(relpersistence::text, 'u', 'the log is unlogged') FROM pg_class WHERE relname = 'matview_log_' || 'base'::regclass::oid;
SELECT is(po_inc.refreshed('sums'), 'concurrent: the whole query was run: this is its first refresh since it was registered', 'the first refresh');
SELECT is(po_inc.refreshed('sums'), 'skipped', 'nothing changed');
UPDATE base SET n = n + 1 WHERE id <= 5;
SELECT is(pending_changes, 5::bigint, 'pending changes are counted') FROM perf_optimizer.matview_status WHERE matview = 'sums'::regclass;
SELECT ok(stale, 'the view is stale') FROM perf_optimizer.matview_status WHERE matview = 'sums'::regclass;
SELECT is(po_inc.refreshed('sums'), 'incremental', 'changed rows');
SELECT ok(NOT stale, 'fresh again') FROM perf_optimizer.matview_status WHERE matview = 'sums'::regclass;
UPDATE base SET t = 'other' WHERE id <= 5;
SELECT is(po_inc.refreshed('sums'), 'skipped', 'a column that the query does not read');
UPDATE base SET n = n WHERE id <= 5;
SELECT is(po_inc.refreshed('sums'), 'skipped', 'an update that changes nothing');
INSERT INTO base VALUES (2000, NULL, NULL, 1, NULL), (2001, NULL, NULL, 2, NULL);
SELECT is(po_inc.refreshed('sums'), 'incremental', 'a NULL key');
DELETE FROM base WHERE k IS NULL;
SELECT is(po_inc.refreshed('sums', 'incremental'), 'incremental', 'and its end');
SELECT is(po_inc.refreshed('sums', 'concurrent'), 'concurrent: as asked for', 'other modes still work');
SELECT is(po_inc.refreshed('sums', 'full'), 'full', 'as does full');
SELECT is(po_inc.refreshed('sums'), 'skipped', 'and count as refreshes');
CREATE MATERIALIZED VIEW empty AS SELECT k FROM base WITH NO DATA;
SELECT lives_ok($$ SELECT perf_optimizer.enable_incremental('empty') $$, 'an unpopulated view can be registered');
SELECT is(po_inc.refreshed('empty'), 'full', 'is populated');
UPDATE base SET k = 3 WHERE id = 7;
SELECT is(po_inc.refreshed('empty'), 'incremental', 'and then refreshed incrementally');

-- In the writer's own transaction.
BEGIN;
UPDATE base SET k = 7 WHERE id = 1;
SAVEPOINT s;
UPDATE base SET k = 8 WHERE id = 2;
SELECT is(po_inc.refreshed('sums'), 'incremental', 'own changes count');
ROLLBACK TO s;
SELECT is(po_inc.refreshed('sums'), 'incremental', 'after a savepoint too');
UPDATE base SET k = 9 WHERE id = 3;
COMMIT;
SELECT is(po_inc.refreshed('sums'), 'incremental', 'and what came after the refresh');
BEGIN;
UPDATE base SET k = 11 WHERE id = 1;
ROLLBACK;
SELECT is(po_inc.refreshed('sums'), 'skipped', 'an aborted transaction left nothing');
BEGIN;
UPDATE base SET k = 12 WHERE id = 1;
PREPARE TRANSACTION 'po_inc';
SELECT is(po_inc.refreshed('sums'), 'skipped', 'a prepared transaction is not seen');
UPDATE base SET k = 13 WHERE id = 2;
SELECT is(po_inc.refreshed('sums'), 'incremental', 'others are');
COMMIT PREPARED 'po_inc';
SELECT is(po_inc.refreshed('sums'), 'incremental', 'and it is once it has committed');

-- What cannot be told from the log.
TRUNCATE base;
SELECT matches(po_inc.refreshed('sums'), '^concurrent: .*(truncated|was changed)', 'TRUNCATE');
INSERT INTO base SELECT i, i % 50, 'T' || i % 3, i, '2024-01-01'::timestamptz + i * interval '5 hours' FROM generate_series(1, 20000) i;
SELECT is(po_inc.refreshed('sums'), 'incremental', 'many rows with few keys');
CREATE MATERIALIZED VIEW plain AS SELECT id, k FROM base;
SELECT perf_optimizer.enable_incremental('plain') IS NULL AS x \gset
SELECT perf_optimizer.refresh('plain') IS NULL AS x \gset
ANALYZE base;
UPDATE base SET k = k + 1 WHERE id <= 2000;
SELECT is(po_inc.refreshed('plain', 'incremental'), 'incremental', 'as asked for, whatever it costs');
UPDATE base SET k = k + 1 WHERE id <= 2000;
SELECT is(po_inc.refreshed('plain'), 'concurrent: the whole query was run: so much of po_inc.base changed that the whole query is cheaper', 'too much changed');
SET work_mem = '64kB';
UPDATE base SET k = k + 1 WHERE id <= 15000;
SELECT is(po_inc.refreshed('plain', 'incremental'), 'incremental', 'keys beyond work_mem');
UPDATE base SET k = k + 1 WHERE id <= 400;
SELECT is(po_inc.refreshed('plain'), 'incremental', 'few are few');
RESET work_mem;
DROP MATERIALIZED VIEW plain;
SELECT perf_optimizer.refresh('sums') IS NULL AS x \gset
ALTER TABLE base DISABLE TRIGGER ALL;
UPDATE base SET k = 14 WHERE id = 1;
ALTER TABLE base ENABLE TRIGGER ALL;
SELECT is(po_inc.refreshed('sums'), 'concurrent: the whole query was run: its query, a table or a trigger was changed', 'a trigger was disabled');
SELECT is(po_inc.refreshed('sums'), 'skipped', 'the view notes changes again');
SELECT is(count(*), 2::bigint, 'the triggers are enabled always again')
  FROM pg_trigger WHERE tgrelid = 'base'::regclass AND tgname LIKE 'perf_optimizer%' AND tgenabled = 'A';
UPDATE base SET k = 15 WHERE id = 1;
REFRESH MATERIALIZED VIEW sums;
SELECT is(po_inc.refreshed('sums'), 'concurrent: the whole query was run: it was changed or refreshed by other means', 'the server''s REFRESH');
CREATE UNIQUE INDEX sums_k ON sums (k);
UPDATE base SET k = 14 WHERE id = 1;
REFRESH MATERIALIZED VIEW CONCURRENTLY sums;
SELECT is(po_inc.refreshed('sums'), 'concurrent: the whole query was run: it was changed or refreshed by other means', 'its REFRESH CONCURRENTLY');
DROP INDEX sums_k;
SELECT perf_optimizer.refresh('sums') IS NULL AS x \gset
DO $$ BEGIN EXECUTE format('DELETE FROM perf_optimizer.matview_log_%s WHERE kind = ''s''', 'base'::regclass::oid); END $$;
UPDATE base SET k = 16 WHERE id = 2;
SELECT is(po_inc.refreshed('sums'), 'concurrent: the whole query was run: what was noted of po_inc.base was lost in a crash or a promotion, or outgrew perf_optimizer.matview_log_limit', 'a log that lost its beginning');
SELECT is(po_inc.refreshed('sums'), 'skipped', 'starts anew');
SET session_replication_role = replica;
UPDATE base SET k = 17 WHERE id = 2;
RESET session_replication_role;
SELECT is(po_inc.refreshed('sums'), 'incremental', 'what logical replication applies is noted');

-- Settings are those of the registration.
SET timezone = 'Pacific/Auckland';
CREATE MATERIALIZED VIEW days AS SELECT ts::date AS day, count(*) AS c FROM base GROUP BY 1;
SELECT perf_optimizer.enable_incremental('days') IS NULL AS x \gset
SELECT perf_optimizer.refresh('days') IS NULL AS x \gset
CREATE TABLE days_then AS TABLE days;
SET timezone = 'America/New_York';
UPDATE base SET n = n + 1, ts = ts + interval '1 second' WHERE id <= 20;
SELECT is((SELECT mode_used FROM perf_optimizer.refresh('days')), 'incremental', 'under another time zone');
SELECT results_eq('SELECT * FROM days ORDER BY day', 'SELECT * FROM days_then ORDER BY day', 'the days are those of the registration');
SELECT is((SELECT rows_inserted + rows_updated + rows_deleted FROM perf_optimizer.refresh('days', 'concurrent')), 0::bigint, 'in every mode');
SELECT is(current_setting('timezone'), 'America/New_York', 'and the session''s own setting is back');
RESET timezone;

-- The log is purged, and bounded when a view is never refreshed.
DO $$ BEGIN PERFORM perf_optimizer.refresh(v) FROM unnest(ARRAY['sums', 'empty', 'days']::regclass[]) v; END $$;
CREATE FUNCTION po_inc.logged() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN EXECUTE format('SELECT count(*) FROM perf_optimizer.matview_log_%s WHERE kind <> ''s''', 'base'::regclass::oid) INTO n; RETURN n; END $$;
SELECT is(po_inc.logged(), 0::bigint, 'all views have consumed: the log is empty');
UPDATE base SET k = 18, n = 1 WHERE id <= 30;
SELECT perf_optimizer.refresh('sums') IS NULL AS x \gset
SELECT ok(po_inc.logged() > 0, 'another view still needs the rows');
DO $$ BEGIN PERFORM perf_optimizer.refresh(v) FROM unnest(ARRAY['empty', 'days']::regclass[]) v; END $$;
SELECT is(po_inc.logged(), 0::bigint, 'now none does');
ALTER SYSTEM SET perf_optimizer.matview_log_limit = '512kB';
SELECT pg_reload_conf() \g /dev/null
DO $$ BEGIN
  FOR i IN 1 .. 600 LOOP
    EXIT WHEN current_setting('perf_optimizer.matview_log_limit') = '512kB';
    PERFORM pg_sleep(0.05);
  END LOOP;
END $$;
SELECT is(current_setting('perf_optimizer.matview_log_limit'), '512kB', 'a small limit');
UPDATE base SET ts = ts + interval '1 second' WHERE id <= 9000;
SELECT perf_optimizer.refresh('sums') IS NULL AS x \gset
SELECT perf_optimizer.refresh('empty') IS NULL AS x \gset
UPDATE base SET n = n + 1 WHERE id <= 10;
SELECT perf_optimizer.refresh('sums') IS NULL AS x \gset
SELECT matches(full_reason, 'was not refreshed while much changed', 'the view that lags behind is given up')
  FROM perf_optimizer.matview_status WHERE matview = 'days'::regclass;
SELECT matches(reason, 'was not refreshed while much changed', 'its next refresh says so') FROM perf_optimizer.refresh('days');
SELECT is(po_inc.refreshed('sums'), 'skipped', 'the others go on');

-- Nor does it grow without end when none is refreshed: it stops at the limit, and all start anew.
CREATE FUNCTION po_inc.log_kb() RETURNS bigint LANGUAGE sql AS
$$ SELECT pg_relation_size(format('perf_optimizer.matview_log_%s', 'base'::regclass::oid)::regclass) / 1024 $$;
UPDATE base SET k = k + 1, ts = ts + interval '1 second' WHERE id <= 9000;
UPDATE base SET k = k + 1, ts = ts + interval '1 second' WHERE id <= 9000;
UPDATE base SET k = k + 1, ts = ts + interval '1 second' WHERE id <= 9000;
SELECT po_inc.log_kb() AS kept \gset
SELECT ok(:kept > 512, 'the log has come to its limit');
UPDATE base SET k = k + 1, ts = ts + interval '1 second' WHERE id <= 9000;
SELECT is(po_inc.log_kb(), :kept::bigint, 'and grows no more');
SELECT is(pending_changes, NULL::bigint, 'what is pending is not known') FROM perf_optimizer.matview_status WHERE matview = 'sums'::regclass;
SELECT matches(po_inc.refreshed('sums'), '^concurrent: .*outgrew perf_optimizer.matview_log_limit$', 'the next refresh says so');
SELECT ok(po_inc.log_kb() < 64, 'the log is as small as at first');
UPDATE base SET k = k + 1 WHERE id <= 9;
SELECT is(po_inc.refreshed('sums'), 'incremental', 'and changes are noted again');
SELECT matches(po_inc.refreshed('empty'), '^concurrent: .*outgrew', 'which the other views hear of too');
ALTER SYSTEM RESET perf_optimizer.matview_log_limit;
SELECT pg_reload_conf() \g /dev/null

-- Refusals.
CREATE TABLE parent (id int, k int);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE secret (id int, k int);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION po_inc.reads() RETURNS int LANGUAGE sql STABLE AS 'SELECT count(*)::int FROM po_inc.base';
CREATE FOREIGN DATA WRAPPER po_none;
CREATE SERVER po_nowhere FOREIGN DATA WRAPPER po_none;
CREATE FOREIGN TABLE elsewhere (id int, k int) SERVER po_nowhere;
CREATE TABLE spread (id int, k int) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE spread_out PARTITION OF spread FOR VALUES FROM (0) TO (10) SERVER po_nowhere;
CREATE VIEW own_rows WITH (security_barrier) AS SELECT * FROM secret;
CREATE TABLE refusals (query text, pattern text);
INSERT INTO refusals VALUES
  ('SELECT k FROM base LIMIT 5', 'LIMIT'), ('SELECT count(*) FROM base', 'without GROUP BY'),
  ('SELECT k, now() AS at FROM base', 'STABLE'), ('SELECT k, random() AS r FROM base', 'VOLATILE'),
  ('SELECT k, CURRENT_DATE AS d FROM base', 'clock'), ('SELECT k, po_inc.reads() AS r FROM base', 'STABLE'),
  ('SELECT k FROM base WHERE k IN (SELECT 1)', 'subquery outside FROM'), ('SELECT c FROM (SELECT k, count(*) AS c FROM base GROUP BY k) s', 'aggregate in a subquery'),
  ('SELECT k, t, count(*) FROM base GROUP BY ROLLUP (k, t)', 'GROUPING SETS'), ('SELECT DISTINCT ON (k) k, t FROM base ORDER BY k, id', 'DISTINCT ON'),
  ('SELECT a.k FROM base a FULL JOIN base b ON a.id = b.k', 'FULL JOIN'), ('SELECT k, generate_series(1, 2) AS g FROM base', 'returns a set'),
  ('WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 3) SELECT i FROM r', 'recursive'),
  ('SELECT k FROM parent', 'inheritance'), ('SELECT k FROM secret', 'row level security'), ('SELECT oid FROM pg_class', 'belongs to the server'),
  ('SELECT b.k, count(*) FROM base a LEFT JOIN base b ON b.id = a.k GROUP BY b.k', 'no output column'), ('SELECT 1 AS one', 'no'),
  ('SELECT count(*) AS c FROM base GROUP BY k', 'no output column'), ('SELECT k, row_number() OVER () AS r FROM base', 'no output column'),
  ('SELECT k FROM base TABLESAMPLE SYSTEM (10)', 'sample'), ('SELECT k, xmin::text AS x FROM base', 'system column'),
  ('SELECT k, now() AS at FROM base FULL JOIN elsewhere USING (k) LIMIT 5',
   'LIMIT or OFFSET; it has a FULL JOIN; po_inc.elsewhere is a foreign table.*; it calls now'),
  ('SELECT k FROM elsewhere', 'foreign table'), ('SELECT k FROM spread', 'foreign partition'), ('SELECT base FROM base', 'whole rows'),
  ('SELECT k, count(*) AS c FROM (SELECT DISTINCT k FROM base) s GROUP BY k', 'DISTINCT in a subquery'), ('SELECT k FROM own_rows', 'row level security'),
  ('SELECT k FROM (SELECT k, rank() OVER (PARTITION BY k ORDER BY id) AS r FROM base) s WHERE r = 1', 'window function in a subquery'),
  ('SELECT k FROM (SELECT k FROM base UNION ALL SELECT id FROM base) s', 'set operation in a subquery'), ('SELECT k FROM base OFFSET 3', 'OFFSET'),
  ('SELECT k, l.x FROM base, LATERAL (SELECT base.k + 1 AS x) l', 'LATERAL'), ('SELECT k, ''now''::text::date AS d FROM base', 'STABLE');
CREATE FUNCTION po_inc.refusal(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  why text;
BEGIN
  EXECUTE 'CREATE MATERIALIZED VIEW po_inc.tried AS ' || query || ' WITH NO DATA';
  SELECT CASE WHEN ok THEN 'allowed' ELSE reason END INTO why FROM perf_optimizer.can_refresh_incrementally('po_inc.tried');
  DROP MATERIALIZED VIEW po_inc.tried;
  RETURN why;
END $$;
SELECT matches(po_inc.refusal(query), pattern, query) FROM refusals ORDER BY query;
CREATE MATERIALIZED VIEW limited AS SELECT k FROM base LIMIT 5;
SELECT throws_ok($$ SELECT perf_optimizer.enable_incremental('limited') $$, '0A000', NULL, 'a refused view is not registered');
SELECT throws_ok($$ SELECT perf_optimizer.enable_incremental('base') $$, '42809', NULL, 'a table');
SELECT throws_ok($$ SELECT perf_optimizer.enable_incremental(NULL) $$, '22004', NULL, 'a NULL');
SELECT throws_ok($$ SELECT * FROM perf_optimizer.can_refresh_incrementally(NULL) $$, '22004', NULL, 'a NULL');
SELECT throws_ok($$ SELECT perf_optimizer.disable_incremental(NULL) $$, '22004', NULL, 'a NULL');

-- Rights.
GRANT USAGE ON SCHEMA po_inc TO po_test_other;
GRANT CREATE ON SCHEMA po_inc TO po_test_owner;
GRANT SELECT ON base TO po_test_owner;
SET ROLE po_test_owner;
CREATE MATERIALIZED VIEW theirs AS SELECT k, count(*) AS c FROM base GROUP BY k;
SELECT matches(reason, 'does not own po_inc.base', 'a table of somebody else') FROM perf_optimizer.can_refresh_incrementally('theirs') WHERE NOT ok;
SELECT throws_ok($$ SELECT perf_optimizer.enable_incremental('theirs') $$, '42501', NULL, 'needs its owner');
SELECT throws_ok($$ INSERT INTO perf_optimizer.matview_incremental VALUES ('theirs', '{}') $$, '42501', NULL, 'the registry is not for writing');
CREATE TABLE own (id int PRIMARY KEY, k int);
INSERT INTO own SELECT i, i % 10 FROM generate_series(1, 100) i;
CREATE MATERIALIZED VIEW owned AS SELECT o.k, count(p.id) AS c FROM own o LEFT JOIN own p ON p.id = o.k GROUP BY o.k;
SELECT lives_ok($$ SELECT perf_optimizer.enable_incremental('owned') $$, 'an ordinary owner registers a view of his');
SELECT perf_optimizer.refresh('owned') IS NULL AS x \gset
UPDATE own SET k = 3 WHERE id = 5;
SELECT is(po_inc.refreshed('owned'), 'incremental', 'and refreshes it');
UPDATE own SET k = 4 WHERE id = 5;
RESET ROLE;
SELECT is(po_inc.refreshed('owned'), 'incremental', 'as does a superuser');
DROP TABLE own CASCADE;
SET ROLE po_test_other;
SELECT throws_ok($$ SELECT perf_optimizer.enable_incremental('po_inc.sums') $$, '42501', NULL, 'not one''s view');
SELECT throws_ok($$ SELECT perf_optimizer.disable_incremental('po_inc.sums') $$, '42501', NULL, 'not one''s view');
RESET ROLE;

-- The end.
SELECT perf_optimizer.disable_incremental('days') IS NULL AS x \gset
SELECT is(count(*), 2::bigint, 'other views still need the triggers') FROM pg_trigger WHERE tgrelid = 'base'::regclass AND tgname LIKE 'perf_optimizer%';
SELECT perf_optimizer.disable_incremental('empty') IS NULL AS x \gset
DROP MATERIALIZED VIEW sums;
SELECT is(count(*), 0::bigint, 'the last one takes them along') FROM pg_trigger WHERE tgrelid = 'base'::regclass AND tgname LIKE 'perf_optimizer%';
SELECT is(count(*), 0::bigint, 'and the log') FROM pg_class WHERE relname LIKE 'matview_log\_%' AND relkind = 'r';
SELECT is((SELECT count(*) FROM perf_optimizer.matview_incremental) + (SELECT count(*) FROM perf_optimizer.matview_tracking), 0::bigint, 'nothing is remembered');
CREATE MATERIALIZED VIEW last AS SELECT k, count(*) AS c FROM base GROUP BY k;
SELECT perf_optimizer.enable_incremental('last') IS NULL AS x \gset
DROP TABLE base CASCADE;
SELECT is(count(*), 0::bigint, 'a dropped table takes its log along') FROM pg_class WHERE relname LIKE 'matview_log\_%' AND relkind = 'r';
CREATE TABLE base (id int PRIMARY KEY, k int);
CREATE MATERIALIZED VIEW last AS SELECT k, count(*) AS c FROM base GROUP BY k;
SELECT perf_optimizer.enable_incremental('last') IS NULL AS x \gset
SELECT perf_optimizer.refresh('last') IS NULL AS x \gset
INSERT INTO base VALUES (1, 1);
SELECT perf_optimizer.refresh('last') IS NULL AS x \gset
UPDATE base SET id = 2;
SELECT is(po_inc.refreshed('last'), 'skipped', 'a change that does not matter');
SELECT perf_optimizer.disable_incremental('last') IS NULL AS x \gset
SELECT ok(NOT stale, 'does not make the view stale when it is not registered any more') FROM perf_optimizer.matview_status WHERE matview = 'last'::regclass;
SELECT perf_optimizer.enable_incremental('last') IS NULL AS x \gset
SELECT lives_ok($$ DROP EXTENSION perf_optimizer $$, 'the extension can be dropped');
SELECT is(count(*), 0::bigint, 'and takes the triggers along') FROM pg_trigger WHERE tgrelid = 'base'::regclass AND NOT tgisinternal;

SELECT * FROM finish();
DROP SCHEMA po_inc CASCADE;
DROP ROLE po_test_owner, po_test_other;
