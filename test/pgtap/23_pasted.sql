-- analyze_plan on pasted documents, and explain_tree.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;

SELECT plan(41);

CREATE FUNCTION pg_temp.document(query text, options text DEFAULT 'ANALYZE, BUFFERS') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	result json;
BEGIN
	EXECUTE format('EXPLAIN (%s, FORMAT JSON) %s', options, query) INTO result;
	RETURN result;
END $$;

CREATE FUNCTION pg_temp.finds(wanted text, document jsonb) RETURNS boolean LANGUAGE sql AS $$
	SELECT EXISTS (SELECT FROM perf_optimizer.analyze_plan(document) WHERE rule = wanted)
$$;

CREATE TABLE "Acct" (id int PRIMARY KEY, email text, k int, a int, b int) WITH (autovacuum_enabled = off);
INSERT INTO "Acct" SELECT i, 'u' || i || '@x.org', i % 7000, i % 100, i % 100 FROM generate_series(1, 60000) i;
ANALYZE "Acct";

-- The same rules on this server's own documents
SELECT ok(pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM "Acct" WHERE k = 55')), 'selective-seq-scan');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM "Acct" WHERE k > 55')), 'not where most rows are kept');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM "Acct" WHERE k = 55', 'COSTS')), 'not without counts: the table''s size is unknown');
SELECT ok(pg_temp.finds('row-misestimate', pg_temp.document('SELECT id FROM "Acct" WHERE a = 5 AND b = 5')), 'row-misestimate');
SELECT ok(NOT pg_temp.finds('row-misestimate', pg_temp.document('SELECT id FROM "Acct" WHERE a = 5')), 'not for a good estimate');
SELECT ok(pg_temp.finds('late-limit', pg_temp.document('SELECT id FROM "Acct" ORDER BY b LIMIT 5')), 'late-limit');
SELECT ok(pg_temp.finds('late-limit', pg_temp.document('SELECT id FROM "Acct" ORDER BY b LIMIT 5', 'COSTS')), 'late-limit by estimates');
SELECT ok(NOT pg_temp.finds('late-limit', pg_temp.document('SELECT id FROM "Acct" ORDER BY id LIMIT 5')), 'not where an index delivers the order');
SET work_mem = '64kB';
SELECT ok(pg_temp.finds('sort-spill', pg_temp.document('SELECT id FROM "Acct" ORDER BY email')), 'sort-spill');
SELECT ok(pg_temp.finds('temp-io', pg_temp.document('SELECT count(*) FROM generate_series(1, 200000)')), 'temp-io');
RESET work_mem;
SELECT ok(NOT pg_temp.finds('sort-spill', pg_temp.document('SELECT id FROM "Acct" WHERE id < 50 ORDER BY email')), 'not in memory');
CREATE TABLE few AS SELECT i AS id FROM generate_series(1, 100) i; ANALYZE few;
SELECT ok(pg_temp.finds('cartesian-product', pg_temp.document('SELECT count(*) FROM few x, few y')), 'cartesian-product');
SELECT ok(NOT pg_temp.finds('cartesian-product', pg_temp.document('SELECT count(*) FROM few x, few y WHERE x.id < y.id')), 'not with a join filter');
SET enable_seqscan = off;
SELECT ok(pg_temp.finds('forced-settings', pg_temp.document('SELECT a FROM "Acct"', 'COSTS')), 'forced-settings, by the node that was disabled');
RESET enable_seqscan;
SELECT ok(NOT pg_temp.finds('forced-settings', pg_temp.document('SELECT a FROM "Acct"', 'COSTS')), 'not without');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_plan(pg_temp.document('SELECT id FROM "Acct" WHERE k = 55')) WHERE relation IS NOT NULL), 0, 'names are not looked up');

-- Documents of elsewhere
SELECT ok(pg_temp.finds('hash-spill', '[{"Plan": {"Node Type": "Hash Join", "Join Type": "Inner", "Actual Loops": 1, "Actual Rows": 5, "Plans": [
	{"Node Type": "Hash", "Parent Relationship": "Inner", "Actual Loops": 1, "Hash Batches": 8, "Original Hash Batches": 1, "Peak Memory Usage": 4096}]}}]'), 'a hash join that grew');
SELECT is((SELECT evidence ->> 'batches' FROM perf_optimizer.analyze_plan('[{"Plan": {"Node Type": "Hash", "Actual Loops": 1, "Hash Batches": 8, "Original Hash Batches": 1}}]')), '8', 'with its figures');
SELECT ok(pg_temp.finds('workers-not-launched', '{"Plan": {"Node Type": "Gather", "Actual Loops": 1, "Workers Planned": 2, "Workers Launched": 0}}'), 'an object without the array');
SELECT ok(pg_temp.finds('jit-overhead', '[{"Plan": {"Node Type": "Result", "Actual Loops": 1}, "JIT": {"Functions": 9, "Timing": {"Total": 80}}, "Execution Time": 100}]'), 'compilation beside the plan');
SELECT ok(pg_temp.finds('planning-dominates', '[{"Plan": {"Node Type": "Result", "Actual Loops": 1}, "Planning Time": 80, "Execution Time": 10}]'), 'planning beside the plan');
SELECT ok(pg_temp.finds('correlated-subplan', '[{"Plan": {"Node Type": "Seq Scan", "Actual Loops": 1, "Actual Rows": 5000, "Plans": [
	{"Node Type": "Result", "Parent Relationship": "SubPlan", "Subplan Name": "SubPlan 1", "Actual Loops": 5000, "Actual Rows": 1}]}}]'), 'a subplan that ran for each row');
SELECT ok(pg_temp.finds('heap-fetches', '[{"Plan": {"Node Type": "Index Only Scan", "Index Name": "i", "Relation Name": "t", "Actual Loops": 1, "Actual Rows": 500, "Heap Fetches": 500}}]'), 'heap fetches');
SELECT is_empty($$SELECT * FROM perf_optimizer.analyze_plan('[{"Plan": {"Node Type": "Teleport Scan", "Warp": [1, {"x": null}], "Plans": [7, {"Node Type": "Quantum Join"}]}}]')$$, 'unknown node types and fields do no harm');
SELECT is_empty($$SELECT * FROM perf_optimizer.analyze_plan('[{"Plan": {"Node Type": "Hash Join", "Join Type": 5, "Plan Rows": "many", "Total Cost": 1e4000, "Plan Width": -7, "Workers Planned": 1e30, "Group Key": {}}}]')$$, 'nor do fields of a wrong type or size');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_plan(('[{"Plan": ' || repeat('{"Node Type": "Limit", "Plans": [', 1000) || '{"Node Type": "Result"}' || repeat(']}', 1000) || '}]')::jsonb)), 0, 'a plan 1000 deep');

-- Errors
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan(NULL)$$, '22004', NULL, 'NULL');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('[]')$$, '22023', NULL, 'an empty array');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('7')$$, '22023', NULL, 'a number');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('{"Plan": 5}')$$, '22023', NULL, 'a plan that is none');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('[{"Plan": {"Plans": []}}]')$$, '22023', NULL, 'a node without its type');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('{"Plan"')$$, '22P02', NULL, 'broken JSON');

-- explain_tree
SELECT ok(max(length(l)) <= 100, 'lines are at most 100 columns wide')
FROM perf_optimizer.explain_tree('SELECT x.id, count(*) FROM "Acct" x JOIN "Acct" y ON x.k = y.id WHERE x.email LIKE ''%' || repeat('long', 50) || '%'' AND y.k = 55 GROUP BY x.id ORDER BY 2 LIMIT 5', NULL, true) l;
SELECT ok(bool_or(l LIKE '%Seq Scan on "Acct"%'), 'nodes are shown') FROM perf_optimizer.explain_tree('SELECT id FROM "Acct" WHERE k = 55') l;
SELECT ok(bool_or(l LIKE '%filter (k = 55)%'), 'with their conditions') FROM perf_optimizer.explain_tree('SELECT id FROM "Acct" WHERE k = 55') l;
SELECT ok(bool_or(l LIKE '%high selective-seq-scan:%'), 'and findings') FROM perf_optimizer.explain_tree('SELECT id FROM "Acct" WHERE k = 55') l;
SELECT ok(bool_or(l LIKE '%CREATE INDEX CONCURRENTLY ON public."Acct" USING btree (k)%'), 'and the statement to run') FROM perf_optimizer.explain_tree('SELECT id FROM "Acct" WHERE k = 55') l;
SELECT ok(bool_or(l LIKE '%actual%') AND bool_or(l LIKE '%share of time%'), 'measured when executed') FROM perf_optimizer.explain_tree('SELECT id FROM "Acct" WHERE k = 55', NULL, true) l;
SET client_encoding = 'LATIN1';
SELECT ok(bool_and(l ~ '^[ -~]*$'), 'plain ASCII for a client that is not UTF8') FROM perf_optimizer.explain_tree('SELECT x.id FROM "Acct" x JOIN "Acct" y ON x.k = y.id WHERE y.k = 55 AND x.email LIKE ''%' || repeat('long', 50) || '%''', NULL, true) l;
RESET client_encoding;
SELECT throws_ok($$SELECT perf_optimizer.explain_tree(NULL)$$, '22004', NULL, 'NULL');
SELECT throws_ok($$SELECT perf_optimizer.explain_tree('VACUUM')$$, '0A000', NULL, 'a utility statement');
SELECT * FROM finish();
