-- History: what snapshots keep, over resets, how they thin out, regressions and plan flips, and who sees what.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(46);

CREATE TABLE po_things (id int, kind int, body text);
INSERT INTO po_things SELECT i, i % 10, repeat('x', 50) FROM generate_series(1, 5000) AS i;
ANALYZE po_things;
CREATE ROLE po_test_reader;
CREATE ROLE po_test_stats IN ROLE pg_read_all_stats;
GRANT SELECT ON po_things TO po_test_reader;
CREATE FUNCTION pg_temp.id(pattern text) RETURNS bigint LANGUAGE sql AS $$
  SELECT query_id FROM perf_optimizer.statement_history WHERE query LIKE pattern ORDER BY snapshot_id DESC LIMIT 1 $$;
SELECT perf_optimizer.reset_tracking() \g /dev/null
SELECT pg_stat_statements_reset() \g /dev/null

-- Deltas.
SELECT ok(perf_optimizer.take_snapshot() > 0, 'a first snapshot');
SELECT count(*) FROM po_things WHERE id = 1 \g /dev/null
SELECT count(*) FROM po_things WHERE id = 2 \g /dev/null
SELECT count(*) FROM po_things WHERE id = 3 \g /dev/null
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT perf_optimizer.take_snapshot() AS second \gset
SELECT is(calls, 3::float8, 'calls since the one before') FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%' AND snapshot_id = :second;
SELECT ok(hit_blocks > 0 AND row_count = 3 AND total_ms > 0, 'with blocks, rows and time') FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%' AND snapshot_id = :second;
SELECT is((SELECT sum(n) FROM unnest(counts) n), 3::numeric, 'and a histogram') FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%' AND snapshot_id = :second;
SELECT ok(connections >= 1 AND database_bytes > 0 AND blocks_hit > 0, 'and the state of the server') FROM perf_optimizer.snapshots WHERE snapshot_id = :second;
SELECT ok(seq_scan >= 3 AND total_bytes > 0, 'and what happened to tables') FROM perf_optimizer.table_history WHERE snapshot_id = :second AND relation = 'public.po_things';
SELECT perf_optimizer.take_snapshot() AS third \gset
SELECT is(count(*), 0::bigint, 'what does not run is not in the next') FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%' AND snapshot_id = :third;
SELECT is(count(*), 1::bigint, 'each text is kept once') FROM perf_optimizer.snapshot_text WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%';

-- Resets.
SELECT count(*) FROM po_things WHERE id = 4 \g /dev/null
SELECT count(*) FROM po_things WHERE id = 5 \g /dev/null
SELECT perf_optimizer.take_snapshot() \g /dev/null
SELECT perf_optimizer.reset_tracking() \g /dev/null
SELECT pg_stat_statements_reset() \g /dev/null
SELECT count(*) FROM po_things WHERE id = 6 \g /dev/null
SELECT perf_optimizer.take_snapshot() AS fifth \gset
SELECT is(calls, 1::float8, 'counters that were reset are counted from nothing') FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%' AND snapshot_id = :fifth;
SELECT is(sum(calls), 6::float8, 'nothing is lost or doubled') FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%';
SELECT is(sum(calls), 6::float8, 'query_history has it all') FROM perf_optimizer.query_history(pg_temp.id('SELECT count(*) FROM po_things WHERE id = $1%'));
SELECT ok(bool_and(p50_ms <= p95_ms AND p95_ms <= p99_ms AND stddev_time_ms >= 0 AND plan_id IS NOT NULL), 'with percentiles and plans')
  FROM perf_optimizer.query_history(pg_temp.id('SELECT count(*) FROM po_things WHERE id = $1%'));
SELECT is(count(*), 0::bigint, 'since a moment') FROM perf_optimizer.query_history(pg_temp.id('SELECT count(*) FROM po_things WHERE id = $1%'), now() + interval '1 second');
SELECT ok(abs(perf_optimizer.histogram_percentile(ARRAY[1, 2, 3, 4], ARRAY[1, 1, 1, 97]::bigint[], 0.03) - 3) < 1e-9, 'percentiles of histograms');

-- Tracking alone is reset or off: pg_stat_statements goes on, and so does the history.
SELECT count(*) FROM po_things WHERE id = 7 \g /dev/null
SELECT perf_optimizer.reset_tracking() \g /dev/null
SELECT count(*) FROM po_things WHERE id = 8 \g /dev/null
SELECT perf_optimizer.take_snapshot() AS id \gset
SELECT is(calls, 2::float8, 'calls before and after a reset of tracking') FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%' AND snapshot_id = :id;
SET perf_optimizer.track = none;
SELECT 'SELECT count(*) FROM po_things WHERE id = 9' FROM generate_series(1, 5) \gexec
RESET perf_optimizer.track;
SELECT perf_optimizer.take_snapshot() AS id \gset
SELECT is(calls, 5::float8, 'calls while tracking is off') FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%' AND snapshot_id = :id;
-- One statement is forgotten by pg_stat_statements, as eviction does, and comes back with more calls than before.
SELECT pg_stat_statements_reset(queryid => pg_temp.id('SELECT count(*) FROM po_things WHERE id = $1%')) \g /dev/null
SELECT 'SELECT count(*) FROM po_things WHERE id = 10' FROM generate_series(1, 20) \gexec
SELECT perf_optimizer.take_snapshot() AS id \gset
SELECT is(calls, 20::float8, 'calls of a statement that was evicted and came back') FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT count(*) FROM po_things WHERE id = $1%' AND snapshot_id = :id;
SELECT is(perf_optimizer.growth(ARRAY[12, 30]::float8[], ARRAY[10, 40]::float8[]), ARRAY[12, 30]::float8[], 'one counter that fell tells that all began anew');
SELECT is(perf_optimizer.growth(ARRAY[12, 50]::float8[], ARRAY[10, 40]::float8[]), ARRAY[2, 10]::float8[], 'and without one they grew');
SELECT is(perf_optimizer.growth(NULL, ARRAY[10]::float8[]), NULL, 'nothing grows by nothing');

-- Deviation of a window: that of its own executions.
SELECT 'SELECT count(*) FROM po_things a WHERE a.kind > 100' FROM generate_series(1, 30) \gexec
SELECT perf_optimizer.take_snapshot() \g /dev/null
SELECT ok(abs(sqrt(h.squares / h.calls) - t.stddev_time_ms) < 0.01 * t.stddev_time_ms + 1e-6, 'the first window has the deviation of all')
  FROM perf_optimizer.statement_history h JOIN perf_optimizer.tracked_statements() t USING (query_id, userid, toplevel) WHERE h.query LIKE 'SELECT count(*) FROM po_things a%';
SELECT 'SELECT count(*) FROM po_things a WHERE a.kind > 100' FROM generate_series(1, 10) \gexec
SELECT perf_optimizer.take_snapshot() \g /dev/null
SELECT ok(abs(sqrt((sum(h.squares) + sum(h.total_ms ^ 2 / h.calls) - sum(h.total_ms) ^ 2 / sum(h.calls)) / sum(h.calls)) - max(t.stddev_time_ms)) < 0.01 * max(t.stddev_time_ms) + 1e-6,
          'and windows add up to it')
  FROM perf_optimizer.statement_history h JOIN perf_optimizer.tracked_statements() t USING (query_id, userid, toplevel) WHERE h.query LIKE 'SELECT count(*) FROM po_things a%';

-- Plan flips and regressions.
SELECT is(count(*), 0::bigint, 'no regression yet') FROM perf_optimizer.query_regressions('7 days', '1 hour');
CREATE INDEX po_things_id ON po_things (id);
SELECT format('SELECT sum(length(body)) FROM po_things WHERE id = %s', i) FROM generate_series(1, 60) AS i \gexec
SELECT perf_optimizer.take_snapshot() \g /dev/null
UPDATE perf_optimizer.snapshot SET taken_at = taken_at - interval '1 day', from_at = from_at - interval '1 day';
SET enable_indexscan = off; SET enable_bitmapscan = off;
SELECT format('SELECT sum(length(body)) FROM po_things WHERE id = %s', i) FROM generate_series(1, 500) AS i \gexec
RESET ALL;
SELECT perf_optimizer.take_snapshot() \g /dev/null
SELECT is(rule, 'plan-flip', 'a slower plan is a plan flip') FROM perf_optimizer.query_regressions() WHERE query LIKE 'SELECT sum(length(body))%';
SELECT ok(factor >= 1.5 AND p_value < 0.01 AND time_share_pct BETWEEN 20 AND 100 AND recent_calls = 500 AND baseline_calls = 60, 'with its evidence') FROM perf_optimizer.query_regressions() WHERE query LIKE 'SELECT sum(length(body))%';
SELECT ok(baseline_plan LIKE '%Index Scan%' OR baseline_plan LIKE '%Bitmap%', 'the plan before') FROM perf_optimizer.query_regressions() WHERE query LIKE 'SELECT sum(length(body))%';
SELECT matches(recent_plan, 'Seq Scan', 'and the one now') FROM perf_optimizer.query_regressions() WHERE query LIKE 'SELECT sum(length(body))%';
SELECT is(count(*), 2::bigint, 'query_plans has both') FROM perf_optimizer.query_plans(pg_temp.id('SELECT sum(length(body))%')) WHERE plan IS NOT NULL;
SELECT is(sum(calls), 560::numeric, 'with their calls') FROM perf_optimizer.query_plans(pg_temp.id('SELECT sum(length(body))%'));
SELECT is(count(*), 0::bigint, 'no baseline, no regression') FROM perf_optimizer.query_regressions('1 second', '1 hour');

-- Thinning out.
SELECT sum(calls) AS calls, sum(total_ms) AS ms, sum((SELECT sum(n) FROM unnest(counts) n)) AS counted FROM perf_optimizer.statement_history \gset before_
UPDATE perf_optimizer.snapshot SET taken_at = date_trunc('hour', now()) - interval '4 days' + snapshot_id * interval '1 second';
SELECT perf_optimizer.take_snapshot() AS last \gset
SELECT is(count(*), 1::bigint, 'old snapshots of one hour become one') FROM perf_optimizer.snapshots WHERE snapshot_id <> :last;
SELECT ok(merged > 5, 'which says so') FROM perf_optimizer.snapshots WHERE snapshot_id <> :last;
SELECT is(sum(calls), :before_calls::float8, 'no call is lost') FROM perf_optimizer.statement_history WHERE snapshot_id <> :last;
SELECT ok(abs(sum(total_ms) - :before_ms) < 0.001, 'no time') FROM perf_optimizer.statement_history WHERE snapshot_id <> :last;
SELECT is(sum((SELECT sum(n) FROM unnest(counts) n)), :before_counted::numeric, 'and nothing of the histograms') FROM perf_optimizer.statement_history WHERE snapshot_id <> :last;
UPDATE perf_optimizer.snapshot SET taken_at = now() - interval '31 days' WHERE snapshot_id <> :last;
SELECT perf_optimizer.take_snapshot() \g /dev/null
SELECT is(count(*), 0::bigint, 'and are forgotten in the end') FROM perf_optimizer.snapshots WHERE merged > 1;
SELECT is(count(*), 0::bigint, 'with the texts that nothing refers to') FROM perf_optimizer.snapshot_text t
 WHERE NOT EXISTS (SELECT 1 FROM perf_optimizer.snapshot_statement s WHERE s.query_id = t.query_id AND s.userid = t.userid);

-- A sample's type that is gone is in nobody's way.
CREATE TYPE po_mood AS ENUM ('calm');
SELECT count(*) FROM po_things WHERE 'calm'::po_mood::text = body \g /dev/null
DROP TYPE po_mood;
SELECT ok(perf_optimizer.take_snapshot() > 0, 'a snapshot after a type was dropped');

-- Privileges and errors.
SET ROLE po_test_reader;
SELECT throws_ok('SELECT perf_optimizer.take_snapshot()', '42501', NULL, 'snapshots are not for everybody');
SELECT throws_ok('SELECT * FROM perf_optimizer.snapshot_text', '42501', NULL, 'nor are the tables');
SELECT throws_ok('SELECT perf_optimizer.record_snapshot()', '42501', NULL, 'nor what take_snapshot calls');
SELECT is((SELECT count(*) FROM perf_optimizer.text_history) + (SELECT count(*) FROM perf_optimizer.plan_history)
          + (SELECT count(query_id) FROM perf_optimizer.load_history WHERE userid <> (SELECT oid FROM pg_roles WHERE rolname = 'po_test_reader')), 0::bigint, 'others'' texts, plans and identifiers are hidden');
SELECT is((SELECT count(*) FROM perf_optimizer.statement_history), 0::bigint, 'others'' statements are hidden');
RESET ROLE;
SET ROLE po_test_stats;
SELECT ok((SELECT perf_optimizer.take_snapshot() > 0) AND (SELECT count(*) > 0 FROM perf_optimizer.statement_history), 'pg_read_all_stats takes snapshots and sees all');
RESET ROLE;
SELECT throws_ok('SELECT * FROM perf_optimizer.query_history(NULL)', '22004', NULL, 'a NULL query_id');
SELECT throws_ok('SELECT * FROM perf_optimizer.query_regressions(''7 days'', ''0'')', '22023', 'argument "recent" must be longer than nothing', 'an interval of nothing');

DROP OWNED BY po_test_reader, po_test_stats;
DROP ROLE po_test_reader, po_test_stats;
SELECT * FROM finish();
