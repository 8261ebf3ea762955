-- database_findings: each rule where it fires and where it stays quiet.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = error;
SELECT * FROM no_plan();
CREATE EXTENSION pgstattuple;
CREATE SCHEMA "po Fi";
SET search_path = "po Fi", public;
CREATE VIEW f AS SELECT * FROM perf_optimizer.database_findings() WHERE object LIKE '"po Fi"%' OR object !~ '\.';
-- The rules found for an object of the schema, by name.
CREATE FUNCTION rules(name text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(rule || ' ' || severity, ',' ORDER BY rule) FROM f WHERE object = format('"po Fi".%s', name) $$;
CREATE FUNCTION cure(name text, wanted text) RETURNS text LANGUAGE sql AS $$ SELECT suggested_sql FROM f WHERE object = format('"po Fi".%s', name) AND rule = wanted $$;

-- Tables without primary key.
CREATE TABLE keyed (id int PRIMARY KEY, a int);
CREATE TABLE keyless (a int);
CREATE TABLE nearly (a int NOT NULL);
CREATE UNIQUE INDEX nearly_a ON nearly (a);
CREATE TABLE nullable (a int);
CREATE UNIQUE INDEX nullable_a ON nullable (a);
CREATE TABLE "Published" (a int);
CREATE PUBLICATION po_test_pub FOR TABLE "Published";
CREATE TABLE parted (a int) PARTITION BY RANGE (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100000);
CREATE TEMP TABLE passing (a int);
SELECT is(rules('keyed'), NULL, 'a keyed table');
SELECT is(rules('keyless'), 'no-primary-key low', 'no key');
SELECT is(rules('nearly'), 'no-primary-key info', 'an index could be it');
SELECT is(rules('nullable'), 'no-primary-key low', 'one with nulls could not');
SELECT is(rules('"Published"'), 'no-primary-key high', 'a published table needs one');
SELECT is(rules('parted') || coalesce(rules('parted_1'), ''), 'no-primary-key low', 'a partitioned table once');
SELECT is_empty($$ SELECT FROM f WHERE object LIKE '%passing%' $$, 'temporary tables are nobody''s business');
SELECT is(cure('nearly', 'no-primary-key'), 'ALTER TABLE "po Fi".nearly ADD PRIMARY KEY USING INDEX nearly_a', 'the cure');
SELECT cure('nearly', 'no-primary-key') AS a, cure('"Published"', 'no-primary-key') AS b \gset
:a; :b;
SELECT is(rules('nearly'), NULL, 'cures');
SELECT is(rules('"Published"'), 'no-primary-key low', 'and replica identity makes updates work');
DROP PUBLICATION po_test_pub;

-- Bloat, held against what is really in the pages.
CREATE TABLE bloat (id int PRIMARY KEY, v text, n numeric, flag boolean, at timestamptz DEFAULT '2024-01-01');
INSERT INTO bloat SELECT g, 'value number ' || g, CASE WHEN g % 2 = 0 THEN g * 1.5 END, g % 3 = 0 FROM generate_series(1, 200000) g;
CREATE TABLE wide (id int PRIMARY KEY, doc text);
INSERT INTO wide SELECT g, repeat(md5(g::text), 20) FROM generate_series(1, 20000) g;
-- What was inserted is counted before ANALYZE begins the count anew, not after.
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE bloat, wide;
SELECT ok(abs(perf_optimizer.table_expected_bytes(r) - pg_relation_size(r)) < 0.1 * pg_relation_size(r), format('a new table is estimated at its size: %s of %s', perf_optimizer.table_expected_bytes(r), pg_relation_size(r)))
  FROM (VALUES ('bloat'::regclass), ('wide')) v(r);
SELECT is(rules('bloat'), NULL, 'and not bloated');
DELETE FROM bloat WHERE id % 5 <> 0;
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE bloat;
SELECT is(rules('bloat'), 'bloated-table medium', 'an emptied one is');
SELECT ok(abs((evidence->>'empty_ratio')::float8 - (SELECT (free_percent + dead_tuple_percent) / 100 FROM pgstattuple('bloat'))) < 0.1, 'as empty as pgstattuple finds it: ' || (evidence->>'empty_ratio')) FROM f WHERE object = '"po Fi".bloat';
SELECT cure('bloat', 'bloated-table') AS a \gset
:a;
SELECT is(rules('bloat'), NULL, 'until it is rewritten');
SELECT is(perf_optimizer.table_expected_bytes('keyless'), NULL, 'nothing is known of a table that was never analyzed');
SELECT is(perf_optimizer.table_expected_bytes('f'), NULL, 'and a view has no size');
-- Who may know: all columns and rows, or all statistics.
CREATE TABLE secret (a int PRIMARY KEY, b text);
INSERT INTO secret SELECT g, 'b' || g FROM generate_series(1, 500) g;
ANALYZE secret;
CREATE ROLE po_fi_reader;
GRANT USAGE ON SCHEMA "po Fi" TO po_fi_reader;
CREATE FUNCTION known() RETURNS text LANGUAGE sql AS $$ SELECT format('%s %s', perf_optimizer.table_expected_bytes('"po Fi".secret') IS NOT NULL, perf_optimizer.index_expected_bytes('"po Fi".secret_pkey') IS NOT NULL) $$;
SET ROLE po_fi_reader; SELECT is(known(), 'f f', 'without a right nothing is known'); RESET ROLE;
GRANT SELECT (a) ON secret TO po_fi_reader;
SET ROLE po_fi_reader; SELECT is(known(), 'f f', 'a column is not the table'); RESET ROLE;
GRANT SELECT (b) ON secret TO po_fi_reader;
SET ROLE po_fi_reader; SELECT is(known(), 't t', 'all columns are'); RESET ROLE;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
SET ROLE po_fi_reader; SELECT is(known(), 'f f', 'unless rows are hidden'); RESET ROLE;
REVOKE SELECT (a, b) ON secret FROM po_fi_reader;
GRANT pg_read_all_stats TO po_fi_reader;
SET ROLE po_fi_reader; SELECT is(known(), 't t', 'who may read all statistics may read these'); RESET ROLE;
REVOKE pg_read_all_stats FROM po_fi_reader;
DROP TABLE secret;
DROP OWNED BY po_fi_reader;
DROP ROLE po_fi_reader;
SELECT throws_ok('SELECT perf_optimizer.table_expected_bytes(NULL)', '22004', NULL, 'NULL is no table');

-- Vacuum and analyze.
CREATE TABLE late (id int PRIMARY KEY, v int);
INSERT INTO late SELECT g, g FROM generate_series(1, 3000) g;
SELECT pg_stat_force_next_flush();
SELECT is(rules('late'), 'never-analyzed low', 'never analyzed');
SELECT is(cure('late', 'never-analyzed'), 'ANALYZE "po Fi".late', 'the cure');
ANALYZE late;
SELECT is(rules('late'), NULL, 'analyzed');
UPDATE late SET v = v + 1 WHERE id <= 500;
SELECT pg_stat_force_next_flush();
SELECT is(rules('late'), NULL, 'a few changes');
UPDATE late SET v = v + 1;
SELECT pg_stat_force_next_flush();
SELECT is(rules('late'), 'analyze-late low,vacuum-late medium', 'more dead rows than live ones');
VACUUM ANALYZE late;
SELECT is(rules('late'), NULL, 'until vacuum comes');
ALTER TABLE late SET (autovacuum_enabled = false);
UPDATE late SET v = v + 1;
SELECT pg_stat_force_next_flush();
SELECT is(cure('late', 'vacuum-late'), 'ALTER TABLE "po Fi".late RESET (autovacuum_enabled)', 'where autovacuum is off, that is what to change');
ALTER TABLE late SET (autovacuum_vacuum_threshold = 5000, autovacuum_analyze_threshold = 5000);
SELECT is(rules('late'), NULL, 'the table''s own thresholds count');
INSERT INTO parted SELECT g FROM generate_series(1, 2000) g;
SELECT pg_stat_force_next_flush();
SELECT is(rules('parted'), 'never-analyzed low,no-primary-key low', 'a partitioned table is analyzed by nobody');
ANALYZE parted;
SELECT is(rules('parted'), 'no-primary-key low', 'but by hand');

-- Transaction ids.
SELECT is(rules('keyed'), NULL, 'a young table');
BEGIN;
UPDATE pg_class SET relfrozenxid = (((txid_current() % 4294967296) - 160000000 + 4294967296) % 4294967296)::text::xid WHERE oid = 'keyed'::regclass;
SELECT is(rules('keyed'), 'wraparound medium', 'an old one');
UPDATE pg_class SET relfrozenxid = (((txid_current() % 4294967296) - 1100000000 + 4294967296) % 4294967296)::text::xid WHERE oid = 'keyed'::regclass;
SELECT is(rules('keyed'), 'wraparound high', 'a very old one');
ROLLBACK;

-- Sequences.
CREATE TABLE s (id serial PRIMARY KEY, small smallint GENERATED ALWAYS AS IDENTITY);
CREATE SEQUENCE short MAXVALUE 1000;
CREATE SEQUENCE round MAXVALUE 1000 CYCLE;
CREATE SEQUENCE down INCREMENT -1 MINVALUE -1000 MAXVALUE -1;
CREATE SEQUENCE untouched MAXVALUE 10;
SELECT is_empty($$ SELECT FROM f WHERE rule = 'sequence-exhaustion' $$, 'nothing is used up');
SELECT setval('s_id_seq', 1500000000), setval('short', 750), setval('round', 990), setval('down', -100), setval('s_small_seq', 20000);
SELECT is_empty($$ SELECT FROM f WHERE rule = 'sequence-exhaustion' AND object NOT LIKE '%short' $$, 'most are not used up yet');
SELECT setval('s_id_seq', 1700000000), setval('short', 800), setval('down', -950), setval('s_small_seq', 32000);
SELECT results_eq($$ SELECT object, severity, suggested_sql FROM f WHERE rule = 'sequence-exhaustion' ORDER BY 1 $$, $$ VALUES
  ('"po Fi".down', 'high', NULL),
  ('"po Fi".s_id_seq', 'medium', 'ALTER TABLE "po Fi".s ALTER COLUMN id TYPE bigint; ALTER SEQUENCE "po Fi".s_id_seq AS bigint'),
  ('"po Fi".s_small_seq', 'high', 'ALTER TABLE "po Fi".s ALTER COLUMN small TYPE bigint'),
  ('"po Fi".short', 'medium', 'ALTER SEQUENCE "po Fi".short NO MAXVALUE') $$, 'sequences near their end, by their own limit or the column''s');
SELECT replace(string_agg(suggested_sql, ';'), E'\n', ' ') AS a FROM f WHERE rule = 'sequence-exhaustion' \gset
:a;
SELECT is((SELECT array_agg(object) FROM f WHERE rule = 'sequence-exhaustion'), ARRAY['"po Fi".down'], 'the statements cure');
SELECT is(perf_optimizer.sequence_position('untouched'), NULL, 'a sequence that gave nothing');
SELECT setval('s_id_seq', 9000000000000000000);
INSERT INTO perf_optimizer.snapshot (from_at, taken_at) VALUES (now() - interval '10 days', now()) RETURNING snapshot_id \gset
INSERT INTO perf_optimizer.snapshot_table SELECT :snapshot_id, 's'::regclass, 's', 0, 0, 0, 9223372036854775807 - 9000000000000000000, 0, 0, 0, 0, 0;
SELECT ok(abs(extract(epoch FROM (evidence->>'ends_at')::timestamptz - now()) / 86400 - 10) < 0.1, 'the date at the present rate') FROM f WHERE object = '"po Fi".s_id_seq';
DELETE FROM perf_optimizer.snapshot WHERE snapshot_id = :snapshot_id;

-- Materialized views.
CREATE MATERIALIZED VIEW mv AS SELECT v, count(*) FROM late GROUP BY v;
SELECT is(rules('mv'), 'unrefreshable-matview low', 'no unique index');
SELECT is(cure('mv', 'unrefreshable-matview'), 'CREATE UNIQUE INDEX CONCURRENTLY ON "po Fi".mv (v)', 'the one that GROUP BY implies');
CREATE UNIQUE INDEX ON mv (v);
ANALYZE mv;
SELECT is(rules('mv'), NULL, 'cured');
SELECT mode_used FROM perf_optimizer.refresh('mv');
SELECT pg_stat_force_next_flush();
ANALYZE mv;
SELECT is(rules('mv'), NULL, 'fresh');
INSERT INTO late VALUES (5001, 1);
SELECT pg_stat_force_next_flush();
SELECT is(rules('mv'), NULL, 'stale, but not for long');
UPDATE perf_optimizer.matview_state SET last_refresh = now() - interval '2 days' WHERE matview = 'mv'::regclass;
SELECT is(rules('mv'), 'stale-matview low', 'stale for long and scheduled by nobody');
SELECT perf_optimizer.schedule_refresh('mv', '0 0 1 1 *') AS job_id \gset
SELECT is(rules('mv'), NULL, 'within its schedule');
SELECT perf_optimizer.pause_job(:job_id);
SELECT is(rules('mv'), 'stale-matview medium', 'a paused schedule');
SELECT perf_optimizer.unschedule(:job_id);

-- Indexes are index_report's.
CREATE INDEX keyed_a ON keyed (a);
CREATE INDEX keyed_a2 ON keyed (a);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES keyed);
INSERT INTO keyed SELECT g FROM generate_series(1, 10) g;
SELECT ok(rules('keyed_a2') ~ 'duplicate-index medium', 'a duplicate index');
SELECT ok(rules('child') ~ 'unindexed-foreign-key', 'a foreign key without index');
SELECT ok(bool_and(evidence ? 'threshold'), 'each finding says its threshold') FROM f;
SET search_path = pg_catalog, public;
SELECT results_eq($$ SELECT rule, object, suggested_sql FROM perf_optimizer.index_findings() ORDER BY 1, 2, 3 $$, $$ SELECT rule, coalesce(index, relation)::text, suggested_sql FROM perf_optimizer.index_report() ORDER BY 1, 2, 3 $$, 'the same rows');
SET search_path = "po Fi", public;

-- The server: the facts as they are, with one of them changed.
CREATE TABLE base AS SELECT perf_optimizer.server_facts() - 'sessions' - 'replication' || '{"sessions": [], "replication": []}' AS facts;
UPDATE base SET facts = jsonb_set(jsonb_set(facts, '{settings,fsync,value}', '"on"'), '{settings,shared_buffers,value}', '"262144"');
CREATE FUNCTION judged(path text, value jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(x.rule || ' ' || x.severity, ',' ORDER BY x.rule, x.severity)
    FROM (SELECT jsonb_set(facts, path::text[], value) AS j FROM base) b,
  LATERAL (SELECT * FROM perf_optimizer.session_findings(j) UNION ALL SELECT * FROM perf_optimizer.replication_findings(j) UNION ALL SELECT * FROM perf_optimizer.counter_findings(j)
           UNION ALL SELECT * FROM perf_optimizer.setting_findings(j)) x WHERE x.evidence ? 'threshold' $$;
UPDATE base SET facts = facts || '{"days": 10, "database": {"datname": "d", "blks_hit": 990000, "blks_read": 10000, "blk_read_time": 0, "xact_commit": 10000, "xact_rollback": 10, "deadlocks": 4, "temp_files": 5, "temp_bytes": 1000000},
  "checkpoints": {"timed": 100, "requested": 20, "days": 10}, "statements": {"entries": 50, "max": 5000, "evictions": 0}, "databases": [{"name": "d", "xid_age": 1000, "mxid_age": 10}], "memory_bytes": 16000000000}';
SELECT is(judged('{none}', '0'), NULL, 'a quiet server');
SELECT is(judged(v.path, v.value), v.wanted, format('%s = %s: %s', v.path, v.value, coalesce(v.wanted, 'quiet'))) FROM (VALUES
  ('{connections,used_ratio}', '0.79'::jsonb, NULL), ('{connections,used_ratio}', '0.85', 'connections medium'), ('{connections,used_ratio}', '0.95', 'connections high'),
  ('{sessions}', '[{"pid": 7, "role": "r", "state": "idle in transaction", "xact_s": 400, "idle_s": 290}]', NULL),
  ('{sessions}', '[{"pid": 7, "role": "r", "state": "idle in transaction", "xact_s": 400, "idle_s": 310}]', 'idle-in-transaction medium'),
  ('{sessions}', '[{"pid": 7, "role": "r", "state": "idle in transaction", "xact_s": 4000, "idle_s": 3700}]', 'idle-in-transaction high'),
  ('{sessions}', '[{"pid": 7, "role": "r", "state": "active", "xact_s": 1700}]', NULL), ('{sessions}', '[{"pid": 7, "role": "r", "state": "active", "xact_s": 1900}]', 'long-transaction medium'),
  ('{sessions}', '[{"pid": 7, "role": "r", "state": "active", "xact_s": 15000}]', 'long-transaction high'),
  ('{sessions}', '[{"pid": 7, "role": "r", "state": "active", "xact_s": 1, "wait_s": 0.5, "chain": [7, 8]}]', NULL),
  ('{sessions}', '[{"pid": 7, "role": "r", "state": "active", "xact_s": 1, "wait_s": 40, "chain": [7, 8]}]', 'blocked medium'),
  ('{replication}', '[{"kind": "standby", "name": "a", "lag_bytes": 1000, "replay_lag_ms": 20000}]', NULL), ('{replication}', '[{"kind": "standby", "name": "a", "lag_bytes": 1000, "replay_lag_ms": 40000}]', 'replication-lag medium'),
  ('{replication}', '[{"kind": "standby", "name": "a", "lag_bytes": 2000000000}]', 'replication-lag medium'), ('{replication}', '[{"kind": "standby", "name": "a", "lag_bytes": 1000, "replay_lag_ms": 400000}]', 'replication-lag high'),
  ('{replication}', '[{"kind": "slot", "name": "a", "state": "active", "retained_bytes": 20000000000}]', NULL), ('{replication}', '[{"kind": "slot", "name": "a", "state": "inactive", "retained_bytes": 1000}]', NULL),
  ('{replication}', '[{"kind": "slot", "name": "a", "state": "inactive", "retained_bytes": 20000000}]', 'inactive-slot low'), ('{replication}', '[{"kind": "slot", "name": "a", "state": "inactive", "retained_bytes": 2000000000}]', 'inactive-slot medium'),
  ('{replication}', '[{"kind": "slot", "name": "a", "state": "inactive", "sync_state": "lost"}]', 'inactive-slot high'),
  ('{database,blks_read}', '100000', NULL), ('{database,blks_read}', '200000', 'cache-hit-ratio medium'), ('{database,temp_bytes}', '90000000000', NULL), ('{database,temp_bytes}', '200000000000', 'temp-files low'),
  ('{database,temp_bytes}', '2000000000000', 'temp-files medium'), ('{database,deadlocks}', '9', NULL), ('{database,deadlocks}', '20', 'deadlocks medium'),
  ('{database,xact_rollback}', '1000', NULL), ('{database,xact_rollback}', '1200', 'rollback-ratio low'), ('{checkpoints,requested}', '99', NULL), ('{checkpoints,requested}', '100', 'checkpoints-requested medium'),
  ('{checkpoints}', '{"timed": 0, "requested": 5}', NULL), ('{statements,entries}', '4500', NULL), ('{statements,entries}', '4600', 'statements-evicted low'), ('{statements,evictions}', '1', 'statements-evicted low'),
  ('{statements}', 'null', NULL), ('{databases,0,xid_age}', '140000000', NULL), ('{databases,0,xid_age}', '160000000', 'wraparound medium'), ('{databases,0,xid_age}', '1100000000', 'wraparound high'),
  ('{databases,0,mxid_age}', '310000000', 'wraparound medium'), ('{settings,autovacuum,value}', '"off"', 'settings high'), ('{settings,fsync,value}', '"off"', 'settings high'),
  ('{settings,enable_nestloop}', '{"value": "off", "source": "configuration file"}', 'settings medium'), ('{settings,enable_nestloop}', '{"value": "off", "source": "default"}', NULL),
  ('{settings,work_mem,value}', '"16384"', NULL), ('{settings,work_mem,value}', '"1048576"', 'settings low'), ('{settings,work_mem,value}', '"104857600"', 'settings medium')) v(path, value, wanted);
UPDATE base SET facts = jsonb_set(facts, '{database,blks_read}', '100000');
SELECT is(judged('{database,blk_read_time}', '5000'), 'settings low', 'reads as of an SSD with the cost of a disk');
SELECT is(judged('{database,blk_read_time}', '500000'), NULL, 'reads as of a disk');
UPDATE base SET facts = jsonb_set(jsonb_set(facts, '{database,blks_read}', '900000'), '{memory_bytes}', '160000000000');
SELECT is(judged('{none}', '0'), 'cache-hit-ratio medium,settings low', 'a small shared_buffers that does not do');
SELECT is(judged('{settings,shared_buffers,value}', '"4000000"'), 'cache-hit-ratio medium', 'a large one');

-- Real sessions: one idle in a transaction, one that waits for it.
CREATE EXTENSION dblink;
SELECT dblink_connect('holder', format('dbname=%s application_name=holder', current_database())), dblink_connect('waiter', format('dbname=%s', current_database()));
SELECT dblink_exec('holder', 'BEGIN; UPDATE "po Fi".keyed SET a = 1 WHERE id = 1');
SELECT dblink_send_query('waiter', 'UPDATE "po Fi".keyed SET a = 2 WHERE id = 1 RETURNING a');
DO $$ BEGIN FOR i IN 1 .. 1200 LOOP EXIT WHEN EXISTS (SELECT FROM perf_optimizer.session_findings(perf_optimizer.server_facts()) s WHERE s.rule = 'blocked'); PERFORM pg_sleep(0.05); END LOOP; END $$;
SELECT is((SELECT count(*) FROM f JOIN pg_stat_activity a ON a.application_name = 'holder' AND evidence->'chain'->>1 = a.pid::text AND suggested_sql = format('SELECT pg_terminate_backend(%s)', a.pid) WHERE rule = 'blocked'), 1::bigint,
  'a session that waits, with the one that it waits for');
SELECT dblink_exec('holder', 'COMMIT');
SELECT a FROM dblink_get_result('waiter') r(a int);
SELECT is_empty($$ SELECT FROM f WHERE rule = 'blocked' $$, 'nobody waits any more');
SELECT dblink_disconnect('holder'), dblink_disconnect('waiter');

-- Rights: everybody may ask; pg_monitor sees all that the owner sees.
CREATE ROLE po_test_monitor IN ROLE pg_monitor;
CREATE ROLE po_test_nobody;
VACUUM ANALYZE bloat;
SELECT 's_id_seq'::regclass::oid AS sequence, 'bloat'::regclass::oid AS bloat \gset
CREATE TABLE seen AS SELECT rule, object FROM perf_optimizer.database_findings() WHERE object LIKE '"po Fi"%' AND object NOT LIKE '%seen';
SET ROLE po_test_monitor;
SELECT perf_optimizer.sequence_position(:sequence) IS NOT NULL AND perf_optimizer.table_expected_bytes(:bloat) > 0 AS sight,
       array_agg(rule || object ORDER BY rule, object) AS list FROM perf_optimizer.database_findings() WHERE object LIKE '"po Fi"%' AND object NOT LIKE '%seen' \gset
SET ROLE po_test_nobody;
SELECT perf_optimizer.sequence_position(:sequence) IS NULL AS blind, count(*) AS n FROM perf_optimizer.database_findings() \gset
RESET ROLE;
SELECT ok(:'sight', 'pg_monitor knows sizes and positions');
SELECT is(:'list'::text[], (SELECT array_agg(rule || object ORDER BY rule, object) FROM seen), 'and sees every finding');
SELECT ok(:'blind' AND :n > 0, 'others see some');
SELECT * FROM finish();
DROP SCHEMA "po Fi" CASCADE;
DROP ROLE po_test_monitor, po_test_nobody;
