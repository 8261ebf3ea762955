-- analyze_plan on pasted documents.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;

SELECT plan(91);

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
SELECT ok(NOT pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM "Acct" WHERE k = 55', 'COSTS')), 'not without counts: the cost does not say that the table is large');
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
-- Without counts the cost says how large the table is at least
CREATE TABLE big (id int, name text, "isNew" boolean, at timestamp, pad text) WITH (autovacuum_enabled = off);
INSERT INTO big SELECT i, 'n' || i, i % 100 = 0, timestamp '2026-01-01' + i * interval '1 min', repeat('x', 200) FROM generate_series(1, 60000) i;
ANALYZE big;
SELECT ok(pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM big WHERE name = ''n5''', 'COSTS')), 'selective-seq-scan by cost');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM big WHERE name <> ''n5''', 'COSTS')), 'not where most rows are kept');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM big WHERE name = ''n5'' LIMIT 1', 'COSTS')), 'not below a LIMIT');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM big WHERE pg_sleep(id)::text = ''''', 'COSTS')), 'not where a function may make it expensive');
SET seq_page_cost = 1.5;
SELECT ok(NOT pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM big WHERE name = ''n5''', 'SETTINGS')), 'nor with other costs than the server''s own');
RESET seq_page_cost;
SELECT ok(pg_temp.finds('wrapped-column', pg_temp.document('SELECT id FROM big WHERE lower(name) = ''n5''', o)), 'wrapped-column, ' || o) FROM unnest(ARRAY['COSTS', 'ANALYZE']) o;
SELECT is((SELECT evidence ->> 'column' FROM perf_optimizer.analyze_plan(pg_temp.document('SELECT id FROM big WHERE id > 5 AND date_trunc(''hour'', at) = ''2026-01-01''')) WHERE rule = 'wrapped-column'), 'at', 'its column');
SELECT ok(NOT pg_temp.finds('wrapped-column', pg_temp.document('SELECT id FROM big WHERE lower(name) <> ''n5''')), 'not where most rows are kept');
SELECT ok(NOT pg_temp.finds('wrapped-column', pg_temp.document('SELECT id FROM big WHERE name = lower(''N5'')')), 'not a function of a constant');
SELECT ok(pg_temp.finds('implicit-cast', pg_temp.document('SELECT id FROM big WHERE id = 5.0', o)), 'implicit-cast, ' || o) FROM unnest(ARRAY['COSTS', 'ANALYZE']) o;
SELECT ok(NOT pg_temp.finds('implicit-cast', pg_temp.document('SELECT id FROM big WHERE id = 5')), 'not without a cast');
SELECT ok(pg_temp.finds('or-across-columns', pg_temp.document('SELECT id FROM big WHERE id = 5 OR name = ''x''', o)), 'or-across-columns, ' || o) FROM unnest(ARRAY['COSTS', 'ANALYZE']) o;
SELECT ok(NOT pg_temp.finds('or-across-columns', pg_temp.document('SELECT id FROM big WHERE name LIKE ''y%'' OR name = ''x''')), 'not over one column');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', pg_temp.document('SELECT id FROM big WHERE id = 5 OR name = ''x''', o)), 'which is no selective scan, ' || o) FROM unnest(ARRAY['COSTS', 'ANALYZE']) o;
SELECT ok(pg_temp.finds('leading-wildcard', pg_temp.document('SELECT id FROM big WHERE id > 0 AND name LIKE ''%99999''', 'COSTS')), 'leading-wildcard by cost');
SELECT ok(pg_temp.finds('cte-materialized', pg_temp.document('WITH c AS MATERIALIZED (SELECT * FROM big) SELECT * FROM c WHERE id = 5', o)), 'cte-materialized, ' || o) FROM unnest(ARRAY['COSTS', 'ANALYZE']) o;
SELECT ok(NOT pg_temp.finds('cte-materialized', pg_temp.document('WITH c AS MATERIALIZED (SELECT * FROM big) SELECT count(*) FROM c')), 'not where all rows are wanted');
SELECT ok(NOT pg_temp.finds('cte-materialized', pg_temp.document('WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 5000) SELECT * FROM c WHERE n = 5')), 'nor a recursive one');
SELECT ok(pg_temp.finds('correlated-subplan', pg_temp.document('SELECT id FROM big x WHERE (SELECT count(*) FROM "Acct" y WHERE y.id = x.id) > 0', 'COSTS')), 'correlated-subplan by estimates');
SELECT ok(NOT pg_temp.finds('correlated-subplan', pg_temp.document('SELECT id FROM big x WHERE id NOT IN (SELECT id FROM "Acct" WHERE id < 9)', 'COSTS')), 'not one that is hashed');
SELECT ok(NOT pg_temp.finds('large-offset', pg_temp.document('SELECT id FROM "Acct" ORDER BY id LIMIT 10', 'COSTS')), 'no OFFSET, by cost');
SELECT ok(pg_temp.finds('large-offset', pg_temp.document('SELECT id FROM "Acct" ORDER BY id OFFSET 4000 LIMIT 10', 'COSTS')), 'an OFFSET, by cost');
DELETE FROM big;
SELECT ok(pg_temp.finds('sparse-relation', pg_temp.document('SELECT id FROM big')), 'sparse-relation: pages without rows');
SELECT ok(NOT pg_temp.finds('sparse-relation', pg_temp.document('SELECT id FROM "Acct"')), 'not with rows');
SELECT is((SELECT severity FROM perf_optimizer.analyze_plan(pg_temp.document('SELECT id FROM "Acct" WHERE k = 55', 'ANALYZE, TIMING off')) WHERE rule = 'selective-seq-scan'), 'high', 'without times the share is that of the cost');
CREATE TABLE parts (id int, k int) PARTITION BY RANGE (id);
CREATE TABLE parts0 PARTITION OF parts FOR VALUES FROM (0) TO (60000);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (60000) TO (120000);
CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (120000) TO (180000);
INSERT INTO parts SELECT i, i % 7000 FROM generate_series(0, 179999) i;
ANALYZE parts;
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_plan(pg_temp.document('SELECT * FROM parts WHERE k = 5')) WHERE rule = 'selective-seq-scan'), 1, 'partitions of one table are reported once');
SELECT is((SELECT severity FROM perf_optimizer.analyze_plan(pg_temp.document('SELECT * FROM parts WHERE k = 5', 'ANALYZE, TIMING off')) WHERE rule = 'selective-seq-scan'), 'high', 'with the share of all');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_plan(pg_temp.document('SELECT id FROM parts0 WHERE k = 5 UNION ALL SELECT id FROM "Acct" WHERE k = 5')) WHERE rule = 'selective-seq-scan'), 2, 'two tables in one Append are two');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_plan(pg_temp.document('SELECT id FROM "Acct" WHERE k = 55')) WHERE relation IS NOT NULL), 0, 'names are not looked up');

-- What a pasted plan shows by other signs than a plan at hand
SELECT ok(pg_temp.finds('large-offset', pg_temp.document('SELECT id FROM "Acct" ORDER BY id OFFSET 5000 LIMIT 10')), 'large-offset, by the rows that were skipped');
SELECT is((SELECT evidence ->> 'rows_skipped' FROM perf_optimizer.analyze_plan(pg_temp.document('SELECT id FROM "Acct" ORDER BY id OFFSET 5000 LIMIT 10')) WHERE rule = 'large-offset'), '5000', 'exactly');
SELECT ok(NOT pg_temp.finds('large-offset', pg_temp.document('SELECT id FROM "Acct" ORDER BY id LIMIT 5000')), 'not without OFFSET');
SELECT ok(NOT pg_temp.finds('large-offset', pg_temp.document('SELECT id FROM "Acct" ORDER BY id OFFSET 5000 LIMIT 4000')), 'not before a large page');
SELECT ok(pg_temp.finds('leading-wildcard', pg_temp.document('SELECT id FROM "Acct" WHERE email LIKE ''%9999@%''')), 'leading-wildcard, in a filter that was applied');
SELECT ok(pg_temp.finds('leading-wildcard', pg_temp.document('SELECT id FROM "Acct" WHERE email ILIKE ''u9999@%''')), 'without regard to case');
SELECT ok(NOT pg_temp.finds('leading-wildcard', pg_temp.document('SELECT id FROM "Acct" WHERE email LIKE ''u9999@%''')), 'not a prefix');
SELECT ok(NOT pg_temp.finds('leading-wildcard', pg_temp.document('SELECT id FROM "Acct" WHERE email NOT LIKE ''%9999@%''')), 'not NOT LIKE');
SELECT ok(pg_temp.finds('not-in-subquery', pg_temp.document('SELECT id FROM "Acct" WHERE k NOT IN (SELECT id FROM "Acct" WHERE id < 3000)', 'COSTS')), 'not-in-subquery');
SELECT ok(NOT pg_temp.finds('not-in-subquery', pg_temp.document('SELECT id FROM "Acct" x WHERE NOT EXISTS (SELECT FROM "Acct" y WHERE y.id = x.k)', 'COSTS')), 'not an anti-join');
SELECT ok(NOT pg_temp.finds('not-in-subquery', pg_temp.document('SELECT id FROM "Acct" x WHERE k = 3 OR NOT EXISTS (SELECT FROM "Acct" y WHERE y.id = x.k)', 'COSTS')), 'quiet for NOT EXISTS as an alternative');
SELECT ok(pg_temp.finds('foreign-not-pushed', '[{"Plan": {"Node Type": "Foreign Scan", "Relation Name": "far", "Filter": "local(k)", "Plan Rows": 5}}]'), 'foreign-not-pushed, by the local filter');
SELECT ok(NOT pg_temp.finds('foreign-not-pushed', '[{"Plan": {"Node Type": "Foreign Scan", "Relation Name": "far", "Plan Rows": 5}}]'), 'not without');
SELECT ok(pg_temp.finds('fk-trigger-time', '[{"Plan": {"Node Type": "ModifyTable", "Actual Loops": 1}, "Execution Time": 100, "Triggers": [
	{"Trigger Name": "RI_ConstraintTrigger_a_16390", "Constraint Name": "child_fkey", "Relation": "parent", "Time": 80, "Calls": 9}]}]'), 'fk-trigger-time');
SELECT ok(NOT pg_temp.finds('fk-trigger-time', '[{"Plan": {"Node Type": "ModifyTable", "Actual Loops": 1}, "Execution Time": 100, "Triggers": [
	{"Trigger Name": "audit", "Relation": "parent", "Time": 80, "Calls": 9}, {"Trigger Name": "RI_ConstraintTrigger_a_1", "Constraint Name": "c", "Time": 3},
	{"Trigger Name": "RI_ConstraintTrigger_c_1", "Constraint Name": "c", "Time": 80}, 7, {"Time": 99}]}]'), 'not another trigger, nor little time');
SET enable_seqscan = off; SET enable_hashjoin = off;
SELECT is((SELECT suggested_sql FROM perf_optimizer.analyze_plan(pg_temp.document('SELECT id FROM "Acct" WHERE id = 5', 'SETTINGS')) WHERE rule = 'forced-settings'),
	'RESET enable_seqscan; RESET enable_hashjoin', 'forced-settings, by the settings in the document');
RESET enable_seqscan; RESET enable_hashjoin;
SELECT ok(NOT pg_temp.finds('forced-settings', '[{"Plan": {"Node Type": "Result"}, "Settings": {"enable_memoize": "on", "jit": "off", "work_mem": "1MB", "enable_x": {"a": "off"}}}]'), 'not by others');
SELECT ok(pg_temp.finds('cold-reads', '[{"Plan": {"Node Type": "Seq Scan", "Actual Loops": 1, "Shared Read Blocks": 20000, "Shared Hit Blocks": 5}}]'), 'cold-reads');

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
SELECT is_empty($$SELECT * FROM perf_optimizer.analyze_plan('[{"Plan": {"Node Type": "Seq Scan", "Actual Loops": 1, "Filter": "x", "Plans": [{"Node Type": "Result", "Actual Loops": 1, "Parent Relationship": "SubPlan", "Subplan Name": ""}, {"Node Type": "Result", "Actual Loops": 1, "Parent Relationship": "InitPlan", "Subplan Name": ""}]}}]')$$, 'nor do subplans without a name');
SELECT is_empty($$SELECT * FROM perf_optimizer.analyze_plan('[{"Plan": {"Node Type": "Hash Join", "Join Type": 5, "Plan Rows": "many", "Total Cost": 1e4000, "Plan Width": -7, "Workers Planned": 1e30, "Group Key": {}}}]')$$, 'nor do fields of a wrong type or size');
SELECT is((SELECT count(*)::int FROM perf_optimizer.analyze_plan(('[{"Plan": ' || repeat('{"Node Type": "Limit", "Plans": [', 1000) || '{"Node Type": "Result"}' || repeat(']}', 1000) || '}]')::jsonb)), 0, 'a plan 1000 deep');

SELECT lives_ok($$SELECT * FROM perf_optimizer.analyze_plan(jsonb_build_object('Plan', jsonb_build_object('Node Type', 'Seq Scan', 'Total Cost', 99999, 'Plan Rows', 1, 'Filter', repeat('(', 5000000) || repeat(' AND (x = ''', 500000))))$$, 'a filter of 10 MB');
SELECT lives_ok($$SELECT * FROM perf_optimizer.analyze_plan(jsonb_build_object('Plan', jsonb_build_object('Node Type', 'Append', 'Actual Loops', 1, 'Plans',
	(SELECT jsonb_agg(jsonb_build_object('Node Type', 'Seq Scan', 'Parent Relationship', 'Member', 'Relation Name', 't' || i, 'Alias', 't_' || i, 'Filter', '(k = 5)', 'Actual Loops', 1, 'Actual Rows', 0, 'Rows Removed by Filter', 99999)) FROM generate_series(1, 5000) i))))$$, 'a plan of 5000 partitions');
SELECT lives_ok($$SELECT * FROM perf_optimizer.analyze_plan((SELECT jsonb_agg(jsonb_build_object('Plan', jsonb_build_object('Node Type', 'Result'))) FROM generate_series(1, 5000)))$$, 'a document of 5000 plans');

-- Errors
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan(NULL)$$, '22004', NULL, 'NULL');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('[]')$$, '22023', NULL, 'an empty array');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('7')$$, '22023', NULL, 'a number');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('["Utility Statement"]')$$, '22023', NULL, 'an array of texts');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('[{"Plan": {"Node Type": "Result"}}, 5]')$$, '22023', NULL, 'an array of a plan and something else');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('"Plan"')$$, '22023', NULL, 'a text');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('null')$$, '22023', NULL, 'a JSON null');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('{"Plan": 5}')$$, '22023', NULL, 'a plan that is none');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('[{"Plan": {"Plans": []}}]')$$, '22023', NULL, 'a node without its type');
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_plan('{"Plan"')$$, '22P02', NULL, 'broken JSON');

SELECT * FROM finish();
