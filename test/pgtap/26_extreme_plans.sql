-- Extreme input of plan analysis: a result or a clean error.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SELECT plan(25);

CREATE TABLE t AS SELECT i AS id, i % 10 AS k FROM generate_series(1, 3000) i;
SELECT format('CREATE TABLE wide (%s)', string_agg('c' || i || ' int', ', ')) FROM generate_series(1, 1600) i \gexec
INSERT INTO wide (c1, c1600) SELECT i, i % 10 FROM generate_series(1, 2000) i;
ANALYZE t, wide;

-- Texts of 10 MB, long lists
SELECT lives_ok(format('SELECT * FROM perf_optimizer.analyze_query(%L)', 'SELECT ''' || repeat('x', 10000000) || ''' FROM t WHERE k = 1'), 'a constant of 10 MB');
SELECT is((SELECT max(length(l)) <= 100 FROM perf_optimizer.explain_tree('SELECT id FROM t WHERE k::text <> ''' || repeat('x ', 5000000) || '''') l), true, 'drawn in 100 columns');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_findings('SELECT 1 /*' || repeat('/* x */', 1400000) || '*/')), 0, 'a comment of 10 MB');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes('SELECT id FROM t WHERE k IN (' || repeat('1, ', 100000) || '2)')), 1, 'a list of 100,000 values');
SELECT is((SELECT max(length(l)) <= 100 FROM perf_optimizer.explain_tree('SELECT id FROM t WHERE k IN (' || repeat('1, ', 100000) || '2)') l), true, 'drawn in 100 columns');
SELECT ok((SELECT cost_after <= cost_before FROM perf_optimizer.what_if('SELECT id FROM t WHERE k IN (' || repeat('1, ', 10000) || '2)', ARRAY['CREATE INDEX ON t (k)'])), 'what_if with a long list');
SELECT throws_ok(format('SELECT * FROM perf_optimizer.analyze_query(%L)', repeat('(', 10000000)), '42601', NULL, 'ten million parentheses');
SELECT throws_ok(format('SELECT * FROM perf_optimizer.analyze_query(%L)', repeat('x', 10000000)), '42601', NULL, 'a word of 10 MB');

-- Deep nesting
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes(repeat('SELECT * FROM (', 300) || 'SELECT id FROM t' || (SELECT string_agg(' OFFSET 0) s' || i, '') FROM generate_series(1, 300) i))), 1, '300 subqueries');
SELECT ok((SELECT max(length(l)) <= 100 FROM perf_optimizer.explain_tree(repeat('SELECT max(k), 5 AS k FROM (', 100) || 'SELECT k FROM t' || (SELECT string_agg(') s' || i, '') FROM generate_series(1, 100) i), NULL, true) l), 'a plan 100 deep, executed and drawn');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_query('SELECT ' || repeat('(', 1000) || '1' || repeat(')', 1000))), 1, '1000 parentheses');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_findings('SELECT id FROM t WHERE ' || repeat('abs(', 1000) || 'k' || repeat(')', 1000) || ' = 5')
	WHERE rule = 'wrapped-column'), 1, '1000 functions around a column');
SELECT throws_ok(format('SELECT * FROM perf_optimizer.analyze_query(%L)', 'SELECT 1' || repeat(' + 1', 200000)), '54001', NULL, 'deeper than the stack: the server''s error');
SELECT lives_ok('SELECT * FROM perf_optimizer.analyze_query(''SELECT 1'')', 'the next call is as ever');

-- 1600 columns
SELECT is((SELECT jsonb_array_length(execution_plan) FROM perf_optimizer.analyze_query('SELECT * FROM wide WHERE c1600 = 5 AND c3 = 4 ORDER BY c1', NULL, true)), 2, '1600 columns, executed');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_query('SELECT * FROM wide WHERE ' || (SELECT string_agg('c' || i || ' = 5', ' AND ') FROM generate_series(1, 1600) i) || ' ORDER BY ' || (SELECT string_agg('c' || i, ', ') FROM generate_series(1, 1600) i))), 1, 'all of them in conditions and keys');
SELECT is((SELECT used_indexes FROM perf_optimizer.what_if('SELECT c1 FROM wide WHERE c1600 = 77', ARRAY['CREATE INDEX ON wide (c1600)'])), ARRAY['wide_c1600_idx'], 'what_if on the last one');
SELECT throws_ok(format('SELECT * FROM perf_optimizer.what_if(%L, ARRAY[%L])', 'SELECT 1', 'CREATE INDEX ON wide (' || (SELECT string_agg('c' || i, ', ') FROM generate_series(1, 1600) i) || ')'), '54011', NULL, 'an index on all of them');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_query('INSERT INTO wide VALUES (' || (SELECT string_agg('1', ', ') FROM generate_series(1, 1600) i) || ')', NULL, true)), 1, 'an insert of all of them');

-- 5000 partitions, on two levels: the server makes them in less time so
CREATE TABLE parts (id int, k int) PARTITION BY RANGE (id);
DO $$
BEGIN
	FOR i IN 0 .. 49 LOOP
		EXECUTE format('CREATE TABLE parts%s PARTITION OF parts FOR VALUES FROM (%s) TO (%s) PARTITION BY RANGE (id)', i, i * 100, (i + 1) * 100);
		FOR j IN i * 100 .. i * 100 + 99 LOOP
			EXECUTE format('CREATE TABLE parts%s_%s PARTITION OF parts%s FOR VALUES FROM (%s) TO (%s)', i, j, i, j, j + 1);
		END LOOP;
		COMMIT;
	END LOOP;
END $$;
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes('SELECT * FROM parts WHERE k = 5')), 5001, '5000 partitions');
SELECT cmp_ok((SELECT count(*)::int FROM perf_optimizer.explain_tree('SELECT * FROM parts WHERE k = 5')), '<', 50, 'drawn in few lines');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_findings('SELECT * FROM parts WHERE k = 5') WHERE rule = 'no-partition-pruning'), 1, 'with one finding');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_query('SELECT * FROM parts WHERE id = $1')), 1, 'generic');
SELECT ok((SELECT cost_after <= cost_before AND estimated_size_bytes >= 5000 * 8192 FROM perf_optimizer.what_if('SELECT * FROM parts WHERE k = 5', ARRAY['CREATE INDEX ON parts (k)'])), 'an index on all of them');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_plan(jsonb_build_object('Plan', jsonb_build_object('Node Type', 'Append', 'Plans',
	(SELECT jsonb_agg(jsonb_build_object('Node Type', 'Seq Scan', 'Parent Relationship', 'Member', 'Relation Name', 'p' || i, 'Alias', 'p_' || i, 'Filter', '(k = 5)', 'Actual Loops', 1, 'Rows Removed by Filter', 99999)) FROM generate_series(1, 5000) i))))), 1, 'a pasted plan of as many');
SELECT * FROM finish();
