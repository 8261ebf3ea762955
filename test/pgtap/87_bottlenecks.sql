-- Bottlenecks: each rule by facts made up for it, and what the facts of this server are.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
\pset fieldsep '\n'
SELECT * FROM no_plan();

-- A server on which nothing is wrong.
CREATE TEMP TABLE well AS SELECT '{
  "load": {"source": "the last 15 minutes", "sessions": 1000, "running": 1.5, "classes": {"cpu": 900, "io": 40, "wal": 30, "lock": 10, "lwlock": 10, "ipc": 5, "client": 5}},
  "leaders": {"io": {"query_id": 77, "share": 0.8}, "cpu": {"query_id": -5, "share": 0.25}}, "processors": 4,
  "blocks": {"hit": 99000, "read": 1000, "temp_bytes": 0, "period": "in the last hour"},
  "connections": {"total": 10, "idle": 5, "max_connections": 100, "reserved_connections": 3, "used_ratio": 0.103, "suggested_pool_size": 4},
  "sessions": [], "replication": [{"kind": "standby", "name": "s", "lag_bytes": 100, "replay_lag_ms": 10}],
  "checkpoints": {"timed": 100, "requested": 4}, "wal": {"bytes": 1000000, "fpi_bytes": 500000, "buffers_full": 0},
  "vacuum": {"late": 0, "workers": 0, "max_workers": 3, "enabled": "on"}, "max_wal_size_mb": 1024, "shared_buffers_bytes": 134217728, "memory_bytes": 8589934592}'::jsonb AS facts;
CREATE FUNCTION pg_temp.found(path text, value jsonb) RETURNS TABLE (component text, impact numeric, message text, recommendation text) LANGUAGE sql AS $$
  WITH f AS (SELECT jsonb_set(w.facts, path::text[], value) AS facts FROM well w)
  SELECT b.component, round(b.impact_pct::numeric, 1), b.message, b.recommendation FROM f, perf_optimizer.wait_bottlenecks(f.facts) b
  UNION ALL SELECT b.component, round(b.impact_pct::numeric, 1), b.message, b.recommendation FROM f, perf_optimizer.resource_bottlenecks(f.facts) b $$;
CREATE FUNCTION pg_temp.only(path text, value jsonb) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(f.component || ' ' || f.impact, ', ') FROM pg_temp.found(path, value) f $$;

SELECT is(pg_temp.only('{}', 'null'), NULL, 'nothing is wrong');

-- Waits: each class just at its bound, and just below.
SELECT is(pg_temp.only('{load,classes}', format('{"cpu": %s, "%s": %s}', 1000 - n, class, n)::jsonb), component || ' ' || round(n / 10.0, 1), format('%s at %s of 1000', component, n)),
       is(pg_temp.only('{load,classes}', format('{"cpu": %s, "%s": %s}', 1001 - n, class, n - 1)::jsonb), NULL, 'none below')
  FROM (VALUES ('io', 'io', 100), ('wal', 'wal', 100), ('lock', 'locks', 50), ('lwlock', 'internal locks', 100), ('replication', 'replication', 50), ('client', 'clients', 300)) AS v(class, component, n);
SELECT is(pg_temp.only('{load}', '{"source": "the last day", "sessions": 19, "running": 9, "classes": {"io": 19}}'), NULL, 'too few looks say nothing');
SELECT is(pg_temp.only('{load,running}', '2.8'), 'cpu 90.0', 'cpu from 0.7 sessions a processor'), is(pg_temp.only('{load,running}', '2.7'), NULL, 'none below');
SELECT is(pg_temp.only('{processors}', 'null'), NULL, 'none where processors are not known');
SELECT is(message, '40 % of the load of the last 15 minutes waited for files to be read or written. Most of it, 80 %, since the server started is statement 77.', 'a message names the statement')
  FROM pg_temp.found('{load,classes}', '{"cpu": 600, "io": 400}') WHERE component = 'io';
SELECT is(message, '3.0 sessions were running at a time on 4 processors, which was 90 % of the load of the last 15 minutes. Most of it, 25 %, since the server started is statement -5.', 'of the cpu, too')
  FROM pg_temp.found('{load,running}', '3.0');
SELECT ok(message NOT LIKE '%Most of it%', 'or none where that is not known') FROM pg_temp.found('{load,classes}', '{"lock": 1000}');

-- Resources.
SELECT is(pg_temp.only('{blocks}', '{"hit": 80000, "read": 20000, "period": "in the last hour"}'), 'cache 4.0', 'cache: the part of the load that waits for files');
SELECT is(pg_temp.only('{blocks}', '{"hit": 91000, "read": 9000, "period": "in the last hour"}'), NULL, 'not with 91 %');
SELECT is(pg_temp.only('{blocks}', '{"hit": 5000, "read": 4999, "period": "in the last hour"}'), NULL, 'nor with few accesses');
SELECT ok(recommendation LIKE 'Raise shared_buffers%2048 MB%' AND message LIKE '20.0 % of 100000 block accesses in the last hour did not%(128 MB).', 'says how much to raise') FROM pg_temp.found('{blocks}', '{"hit": 80000, "read": 20000, "period": "in the last hour"}');
SELECT is((SELECT round(b.impact_pct) FROM well w, perf_optimizer.resource_bottlenecks(jsonb_set(jsonb_set(w.facts, '{load}', '{"sessions": 0, "classes": {}}'), '{blocks}', '{"hit": 80000, "read": 20000, "period": "x"}')) b), 20::float8, 'without samples: of the accesses');
SELECT is(pg_temp.only('{connections}', '{"total": 78, "idle": 70, "max_connections": 100, "reserved_connections": 3, "used_ratio": 0.804, "suggested_pool_size": 4}'), 'connections 80.4', 'connections');
SELECT is(pg_temp.only('{checkpoints}', '{"timed": 10, "requested": 10}'), 'checkpoints 3.5', 'checkpoints: half of the 7 % that write');
SELECT is(pg_temp.only('{checkpoints}', '{"timed": 100, "requested": 10}'), NULL, 'not when most come by time');
SELECT is(pg_temp.only('{checkpoints}', '{"timed": 0, "requested": 4}'), NULL, 'nor few of them');
SELECT is(pg_temp.only('{vacuum}', '{"late": 2, "worst": "public.t", "dead_rows": 50000, "dead_read_share": 0.25, "workers": 1, "max_workers": 3, "enabled": "on"}'), 'autovacuum 25.0', 'autovacuum');
SELECT is((SELECT recommendation FROM pg_temp.found('{vacuum}', ('{"late": 2, "worst": "public.t", "dead_rows": 50000}'::jsonb || extra))), wanted, 'what to do') FROM (VALUES
  ('{"enabled": "off"}'::jsonb, 'ALTER SYSTEM SET autovacuum = on;'),
  ('{"enabled": "on", "workers": 3, "max_workers": 3}', 'More autovacuum_max_workers, and a higher autovacuum_vacuum_cost_limit.'),
  ('{"enabled": "on", "workers": 3, "max_workers": 3, "oldest": {"pid": 12, "seconds": 700}}', 'End session 12: its snapshot of 11 minutes ago keeps dead rows from being removed.'),
  ('{"enabled": "on", "workers": 0, "max_workers": 3}', 'VACUUM (ANALYZE) public.t, and a lower autovacuum_vacuum_cost_delay or autovacuum_vacuum_scale_factor.')) v(extra, wanted);
SELECT is(pg_temp.only('{replication}', '[{"kind": "standby", "name": "far", "lag_bytes": 2000000000, "replay_lag_ms": 100}, {"kind": "slot", "name": "slot", "lag_bytes": 2000000000}]'), 'replication 0.0', 'a standby that lags');

-- This server: facts that are there, and no error for anybody.
SELECT ok(perf_optimizer.processor_count() >= 1, 'processors');
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(perf_optimizer.bottleneck_facts()) k), (SELECT array_agg(k ORDER BY k) FROM well, jsonb_object_keys(facts) k), 'facts as the rules know them');
SELECT ok(bool_and(facts->k IS NOT NULL AND jsonb_typeof(facts->k) <> 'null'), 'none is missing') FROM (SELECT perf_optimizer.bottleneck_facts() AS facts) f, jsonb_object_keys(facts) k;
SELECT is((SELECT array_agg(DISTINCT j ORDER BY j) FROM perf_optimizer.bottleneck_facts() f, jsonb_object_keys(f->'vacuum') j), ARRAY['dead_read_share', 'dead_rows', 'enabled', 'late', 'max_workers', 'oldest', 'workers', 'worst'], 'of autovacuum, too');
SELECT lives_ok('SELECT * FROM perf_optimizer.bottlenecks()', 'bottlenecks');
CREATE ROLE po_test_reader;
SET ROLE po_test_reader;
SELECT lives_ok('SELECT * FROM perf_optimizer.bottlenecks()', 'for anybody');
RESET ROLE;

-- Dead rows that nobody removes.
CREATE TABLE po_dead (id int) WITH (autovacuum_enabled = off);
INSERT INTO po_dead SELECT i FROM generate_series(1, 5000) i;
SELECT pg_stat_force_next_flush();
UPDATE po_dead SET id = id + 1;
SELECT pg_stat_force_next_flush();
SELECT ok(b.message LIKE '1 table has more than twice the dead rows at which autovacuum starts, 5000 in all, public.po_dead first%' AND b.impact_pct > 0, 'autovacuum that is behind') FROM perf_optimizer.bottlenecks() b WHERE b.component = 'autovacuum';
VACUUM po_dead;
SELECT pg_stat_force_next_flush();
SELECT is_empty($$ SELECT * FROM perf_optimizer.bottlenecks() WHERE component = 'autovacuum' $$, 'and is not any more');

SELECT * FROM finish();
DROP TABLE po_dead;
DROP ROLE po_test_reader;
