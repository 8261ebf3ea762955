-- Connections, sizes, tables, caches, replication, health, metrics.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT * FROM no_plan();

SET client_min_messages = error;
CREATE SCHEMA po_mo;
CREATE TABLE po_mo."Item" (id int PRIMARY KEY, note text);
INSERT INTO po_mo."Item" SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 500) i;
CREATE TABLE po_mo.parts (id int) PARTITION BY RANGE (id);
CREATE TABLE po_mo.part_1 PARTITION OF po_mo.parts FOR VALUES FROM (0) TO (100);
UPDATE po_mo."Item" SET note = NULL WHERE id <= 100;
DELETE FROM po_mo."Item" WHERE id > 400;
VACUUM ANALYZE po_mo."Item";
SET enable_seqscan = off;
DO $$ BEGIN FOR i IN 1 .. 50 LOOP PERFORM FROM po_mo."Item" WHERE id = i; END LOOP; END $$;
RESET enable_seqscan;
SELECT pg_stat_force_next_flush();

-- Connections.
SELECT results_eq('SELECT max_connections, total, active FROM perf_optimizer.connection_stats()',
  $$ SELECT current_setting('max_connections')::int, (count(*))::int, (count(*) FILTER (WHERE state = 'active'))::int FROM pg_stat_activity WHERE backend_type = 'client backend' $$,
  'connections as pg_stat_activity counts them');
SELECT ok(used_ratio > 0 AND used_ratio < 1 AND suggested_pool_size >= 2 AND peak_active >= active, 'ratio, peak and pool size') FROM perf_optimizer.connection_stats();
SELECT is((SELECT sum((a ->> 'total')::int)::int FROM jsonb_array_elements(applications) a), total, 'the applications add up') FROM perf_optimizer.connection_stats();

-- Sizes.
SELECT is((SELECT sum(size_bytes) FROM perf_optimizer.database_size() WHERE component <> 'total'), (SELECT size_bytes::numeric FROM perf_optimizer.database_size() WHERE component = 'total'),
  'the components add up');
SELECT ok(abs((SELECT size_bytes FROM perf_optimizer.database_size() WHERE component = 'total') - pg_database_size(current_database())) < 1000000, 'to the database''s size');
SELECT ok(s.size_bytes >= pg_relation_size('po_mo."Item"'), 'tables are in it') FROM perf_optimizer.database_size() s WHERE component = 'tables';

-- Tables.
SELECT results_eq($$ SELECT relname, inserts, updates, deletes, total_bytes, table_bytes, index_bytes, toast_bytes > 0, vacuums, analyzes FROM perf_optimizer.table_stats('po_mo."Item"') $$,
  $$ SELECT 'po_mo."Item"'::regclass, 500::bigint, 100::bigint, 100::bigint, pg_total_relation_size('po_mo."Item"'), pg_relation_size('po_mo."Item"'), pg_indexes_size('po_mo."Item"'), true, 1::bigint, 1::bigint $$,
  'one table');
SELECT ok(index_scans >= 50 AND index_scan_ratio > 0.5 AND hit_ratio BETWEEN 0 AND 1 AND last_vacuum IS NOT NULL AND last_analyze IS NOT NULL AND dead_ratio BETWEEN 0 AND 1, format('its use: %s index scans, ratio %s, hits %s, dead %s', index_scans, index_scan_ratio, hit_ratio, dead_ratio)) FROM perf_optimizer.table_stats('po_mo."Item"');
SELECT is((SELECT array_agg(relname) FROM perf_optimizer.table_stats('po_mo.parts')), ARRAY['po_mo.part_1'::regclass], 'the partitions of a partitioned table');
SELECT ok(count(*) >= 2, 'all tables') FROM perf_optimizer.table_stats();
SELECT throws_ok($$ SELECT * FROM perf_optimizer.table_stats('nope') $$, '42P01', NULL, 'an unknown table');

-- Caches.
SELECT results_eq($$ SELECT kind FROM perf_optimizer.cache_stats() WHERE relation IN ('po_mo."Item"'::regclass, 'po_mo."Item_pkey"'::regclass) ORDER BY 1 $$, $$ VALUES ('index'), ('table') $$, 'table and index');
SELECT ok(bool_and(hit_ratio BETWEEN 0 AND 1) AND (sum(read_share_pct) IS NULL OR abs(sum(read_share_pct) - 100) < 0.01), 'ratios and shares') FROM perf_optimizer.cache_stats();

-- Replication: a slot that nobody reads.
SELECT pg_create_physical_replication_slot('po_test_slot', true) IS NOT NULL AS made \gset
SELECT results_eq($$ SELECT kind, name, state, retained_bytes >= 0, message LIKE '%pg_drop_replication_slot(''po_test_slot'')%' FROM perf_optimizer.replication_stats() $$,
  $$ VALUES ('slot', 'po_test_slot', 'inactive', true, true) $$, 'a slot that keeps WAL for nobody');
SELECT pg_drop_replication_slot('po_test_slot');
SELECT is_empty('SELECT * FROM perf_optimizer.replication_stats()', 'no replication');

-- Health.
SELECT is((SELECT check_name FROM perf_optimizer.health() LIMIT 1), 'overall', 'the first row is for the probe');
SELECT ok(bool_and(status IN ('ok', 'warning', 'critical', 'unknown')) AND count(DISTINCT check_name) = count(*), 'states, each check once') FROM perf_optimizer.health();
SELECT is(status, 'ok', 'no dead letters') FROM perf_optimizer.health() WHERE check_name = 'dead letters';
SELECT ok((status = 'ok') = (NOT EXISTS (SELECT FROM perf_optimizer.health() h WHERE h.check_name <> 'overall' AND h.status IN ('warning', 'critical'))), 'overall sums up')
  FROM perf_optimizer.health() WHERE check_name = 'overall';

-- Metrics.
SELECT ok(bool_and(name ~ '^perf_optimizer_[a-z_]+$' AND help <> '' AND kind IN ('counter', 'gauge', 'histogram') AND jsonb_typeof(labels) = 'object' AND value IS NOT NULL), 'names, kinds, labels and values')
  FROM perf_optimizer.metrics();
SELECT ok(bool_and(name LIKE '%\_total'), 'counters end in _total') FROM perf_optimizer.metrics() WHERE kind = 'counter';
SELECT ok(count(*) = count(DISTINCT (name, labels)), 'each series once') FROM perf_optimizer.metrics();
SELECT is(value, current_setting('max_connections')::float8, 'a value') FROM perf_optimizer.metrics() WHERE name = 'perf_optimizer_connections_max';
SELECT ok(value > 0, 'statements are counted') FROM perf_optimizer.metrics() WHERE name = 'perf_optimizer_execution_seconds_count';
SELECT ok(count(*) <= 21 AND count(*) FILTER (WHERE labels ->> 'query_id' = 'other') <= 1, 'at most 20 statements and the others') FROM perf_optimizer.metrics() WHERE name = 'perf_optimizer_statement_calls_total';
SELECT ok(bool_and(value >= before), 'buckets grow') FROM (SELECT value, lag(value, 1, 0::float8) OVER (ORDER BY (replace(labels ->> 'le', '+Inf', 'Infinity'))::float8) AS before FROM perf_optimizer.metrics()
  WHERE name = 'perf_optimizer_execution_seconds_bucket') b;
SELECT is((SELECT value FROM perf_optimizer.metrics() WHERE name = 'perf_optimizer_execution_seconds_bucket' AND labels ->> 'le' = '+Inf') <=
          (SELECT value FROM perf_optimizer.metrics() WHERE name = 'perf_optimizer_execution_seconds_count'), true, 'the last bucket has all');
SELECT is((SELECT count(*) FROM regexp_split_to_table(perf_optimizer.metrics_text(), E'\n') line
           WHERE line !~ '^# (HELP|TYPE) perf_optimizer_[a-z_]+ .+$' AND line !~ '^perf_optimizer_[a-z_]+(\{[a-z_]+="([^"\\]|\\["\\n])*"(,[a-z_]+="([^"\\]|\\["\\n])*")*\})? (-?[0-9.]+(e[+-]?[0-9]+)?|[+-]Inf|NaN)$' AND line <> ''),
  0::bigint, 'every line is one of the text format');
SELECT ok(right(perf_optimizer.metrics_text(), 1) = E'\n', 'the text ends with a line break');
SELECT is((SELECT count(*) FROM regexp_matches(perf_optimizer.metrics_text(), '# TYPE (\S+)', 'g')), (SELECT count(DISTINCT CASE WHEN kind = 'histogram' THEN regexp_replace(name, '_(bucket|sum|count)$', '') ELSE name END) FROM perf_optimizer.metrics()),
  'each family has its type once');

-- What metrics are made of is the sum of what is tracked.
SELECT ok((SELECT sum(calls) FROM perf_optimizer.tracked_loads(3)) = (SELECT sum(calls) FROM perf_optimizer.tracked_statements())
      AND (SELECT sum(row_count) FROM perf_optimizer.tracked_loads(3)) = (SELECT sum(row_count) FROM perf_optimizer.tracked_statements()), 'calls and rows of all statements');
SELECT results_eq('SELECT query_id, round(total_time_ms::numeric, 6) FROM perf_optimizer.tracked_loads(3) WHERE query_id IS NOT NULL', 'SELECT query_id, round(sum(total_time_ms)::numeric, 6) FROM perf_optimizer.tracked_statements() GROUP BY 1 ORDER BY sum(total_time_ms) DESC LIMIT 3', 'the statements that took most time');
SELECT is((SELECT count(*) FROM perf_optimizer.tracked_loads(3)), 4::bigint, 'and one row for all others');
SELECT is((SELECT count(*) FROM perf_optimizer.tracked_loads(0)), 1::bigint, 'or all in one');
SELECT throws_ok('SELECT * FROM perf_optimizer.tracked_loads(NULL)', '22004', NULL, 'a number is needed');
SELECT results_eq('SELECT latency_ms, count FROM perf_optimizer.tracked_latencies() ORDER BY 1', 'SELECT l, sum(c)::bigint FROM perf_optimizer.tracked_histograms() h, unnest(h.latency_ms, h.counts) u(l, c) GROUP BY 1 ORDER BY 1', 'bucket by bucket');
SELECT ok((SELECT sum(count) FROM perf_optimizer.tracked_latencies()) = (SELECT sum(c) FROM perf_optimizer.tracked_histograms() h, unnest(h.counts) c), 'one histogram of all');

-- A role without rights sees numbers, and no statement.
CREATE ROLE po_test_reader;
SET ROLE po_test_reader;
SELECT lives_ok('SELECT perf_optimizer.metrics_text()', 'metrics for anybody');
SELECT coalesce(array_agg(labels ->> 'query_id'), '{}') AS seen FROM perf_optimizer.metrics() WHERE name = 'perf_optimizer_statement_calls_total' AND labels ->> 'query_id' <> 'other' \gset
SELECT lives_ok('SELECT * FROM perf_optimizer.health()', 'health for anybody');
RESET ROLE;
SELECT is_empty(format($$ SELECT unnest(%L::text[]) EXCEPT SELECT query_id::text FROM perf_optimizer.tracked_statements() WHERE userid = 'po_test_reader'::regrole $$, :'seen'),
  'with no statement of another role');

SELECT * FROM finish();
DROP SCHEMA po_mo CASCADE;
DROP ROLE po_test_reader;
