-- analyze_query, plan_nodes, plan_findings: results, privileges, errors, and that nothing stays behind.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET jit = off;

SELECT plan(96);

CREATE TABLE "Call" (id int PRIMARY KEY, "userId" int, status text, amount numeric) WITH (autovacuum_enabled = off);
INSERT INTO "Call" SELECT i, i % 100, 'open', i FROM generate_series(1, 10000) i;
ANALYZE "Call";
CREATE SEQUENCE ticks;
CREATE ROLE po_test_explain;

-- One row, and what is in it
SELECT is(plan_source, 'literal', 'a text without parameters') FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = 5');
SELECT is(plan_source, 'params', 'values given') FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = $1', '{5}');
SELECT is(plan_source, 'generic', 'no values') FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = $1');
SELECT is(used_indexes, '{Call_pkey}'::text[], 'the indexes used') FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = 5');
SELECT is(estimated_rows, 1::float8, 'the rows expected') FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = 5');
SELECT ok(estimated_cost > 0 AND planning_time_ms > 0, 'cost and planning time') FROM perf_optimizer.analyze_query('SELECT * FROM "Call"');
SELECT ok(execution_time_ms IS NULL AND actual_rows IS NULL, 'nothing measured unless executed') FROM perf_optimizer.analyze_query('SELECT * FROM "Call"');
SELECT ok(execution_time_ms > 0 AND actual_rows = 10000, 'measured when executed') FROM perf_optimizer.analyze_query('SELECT * FROM "Call"', NULL, true);
SELECT is(jsonb_array_length(execution_plan), (SELECT count(*)::int FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" ORDER BY amount')),
	'execution_plan holds the rows of plan_nodes') FROM perf_optimizer.analyze_query('SELECT * FROM "Call" ORDER BY amount');
SELECT is(jsonb_array_length(findings), cardinality(recommendations), 'a recommendation for each finding')
FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE amount + 1 = 7 OFFSET 5000');
SELECT is((SELECT array_agg(f ->> 'rule') FROM jsonb_array_elements(findings) f),
	(SELECT array_agg(rule) FROM perf_optimizer.plan_findings('SELECT * FROM "Call" WHERE amount + 1 = 7')), 'findings are those of plan_findings')
FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE amount + 1 = 7');
SELECT is(a.query_id, b.query_id, 'constants do not change the query_id')
FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = 5') a, perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = 6') b;
SET compute_query_id = off;
SELECT ok(query_id <> 0, 'there is a query_id when the server computes none') FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = 5');
RESET compute_query_id;

-- Nodes
SELECT results_eq($$SELECT node_id, parent_id, depth, node_type, relation::text, alias FROM perf_optimizer.plan_nodes('SELECT count(*) FROM "Call" c')$$,
	$$VALUES (1, NULL::int, 0, 'Aggregate', NULL, NULL), (2, 1, 1, 'Seq Scan', '"Call"', 'c')$$, 'the nodes in order');
SELECT is(round(sum(self_cost)::numeric, 1), round(max(total_cost) FILTER (WHERE parent_id IS NULL)::numeric, 1), 'own costs add up to the total')
FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" a JOIN "Call" b ON a.id = b."userId" WHERE b.amount > 5000 ORDER BY a.amount LIMIT 5');
SELECT is(rows_removed, 9999::float8, 'rows removed by the filter')
FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" WHERE amount = 7', NULL, true) WHERE node_type = 'Seq Scan';
SELECT ok(shared_hit_blocks + shared_read_blocks > 0, 'buffers are counted')
FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" WHERE amount = 7', NULL, true) WHERE node_type = 'Seq Scan';
SELECT ok(total_time_ms >= self_time_ms AND self_time_ms >= 0, 'times are taken')
FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" WHERE amount = 7', NULL, true);
SELECT is(condition, '(id = 5)', 'the index condition') FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" WHERE id = 5 AND status = ''open''');
SELECT is(filter, '(status = ''open''::text)', 'the filter') FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" WHERE id = 5 AND status = ''open''');
SELECT is(keys, 'amount DESC NULLS LAST', 'the sort key') FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" ORDER BY amount DESC NULLS LAST') WHERE node_type = 'Sort';
SELECT ok(subplan_name LIKE '%CTE c%', 'a CTE by its name') FROM perf_optimizer.plan_nodes('WITH c AS MATERIALIZED (SELECT 1) SELECT * FROM c') WHERE parent_id = 1;
SELECT set_eq($$SELECT node_type FROM perf_optimizer.plan_nodes('UPDATE "Call" SET amount = 0 WHERE id = 5')$$, ARRAY['Update', 'Index Scan'], 'an UPDATE');
SELECT set_eq($$SELECT node_type FROM perf_optimizer.plan_nodes('INSERT INTO "Call" VALUES (1) ON CONFLICT DO NOTHING')$$, ARRAY['Insert', 'Result'], 'an INSERT');
SELECT set_has($$SELECT node_type FROM perf_optimizer.plan_nodes('MERGE INTO "Call" c USING (SELECT 1 AS id) s ON c.id = s.id WHEN MATCHED THEN DELETE')$$,
	$$VALUES ('Merge')$$, 'a MERGE');
SELECT ok(bool_and(loops = 0), 'a branch that never ran has no loops')
FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" WHERE id = 5 AND 1 = (SELECT 2)', NULL, true) WHERE node_type LIKE '%Index Scan';

-- Wrapped statements
SELECT is(node_type, 'Seq Scan', 'EXPLAIN is looked through') FROM perf_optimizer.plan_nodes('EXPLAIN ANALYZE SELECT * FROM "Call"');
SELECT is(node_type, 'Seq Scan', 'CREATE TABLE AS too') FROM perf_optimizer.plan_nodes('CREATE TABLE copy AS SELECT * FROM "Call"', NULL, true);
SELECT is(to_regclass('copy'), NULL, 'and creates nothing');
SELECT is(node_type, 'Seq Scan', 'SELECT INTO too') FROM perf_optimizer.plan_nodes('SELECT * INTO copy FROM "Call"');
SELECT is(node_type, 'Seq Scan', 'DECLARE CURSOR too') FROM perf_optimizer.plan_nodes('DECLARE c CURSOR FOR SELECT * FROM "Call"');
SELECT is(node_type, 'Seq Scan', 'COPY of a query too') FROM perf_optimizer.plan_nodes('COPY (SELECT * FROM "Call") TO STDOUT');
SELECT is(node_type, 'Seq Scan', 'a trailing semicolon and comments do not matter') FROM perf_optimizer.plan_nodes('/* a */ SELECT * FROM "Call"; -- b');

-- Rules
CREATE TABLE silent (id int);
CREATE RULE nothing AS ON INSERT TO silent DO INSTEAD NOTHING;
CREATE TABLE twice (id int);
CREATE RULE also AS ON INSERT TO twice DO ALSO UPDATE "Call" SET amount = 1 WHERE id = new.id;
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes('INSERT INTO silent VALUES (1)')), 0, 'a statement that rewrites to nothing has no nodes');
SELECT ok(estimated_cost = 0 AND execution_plan = '[]', 'and costs nothing') FROM perf_optimizer.analyze_query('INSERT INTO silent VALUES (1)');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes('INSERT INTO twice VALUES (1)') WHERE parent_id IS NULL), 2, 'a rule''s statement is planned too');
SELECT is(actual_rows, 1::float8, 'the main statement''s rows count') FROM perf_optimizer.analyze_query('INSERT INTO twice VALUES (1)', NULL, true);

-- Partitions with parameters
CREATE TABLE part (id int, v text) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes('SELECT * FROM part WHERE id = $1') WHERE relation IS NOT NULL), 2, 'a generic plan keeps both partitions');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes('SELECT * FROM part WHERE id = $1', '{2}') WHERE relation IS NOT NULL), 1, 'a plan for a value only one');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes('SELECT * FROM part WHERE id = $1 ORDER BY id', NULL) WHERE relation IS NOT NULL), 2, 'sorted too');

-- Execution leaves nothing behind
SELECT is(actual_rows, 10000::float8, 'a DELETE is executed') FROM perf_optimizer.analyze_query('DELETE FROM "Call"', NULL, true);
SELECT is((SELECT count(*)::int FROM "Call"), 10000, 'and rolled back');
SELECT is(actual_rows, 10000::float8, 'an UPDATE') FROM perf_optimizer.analyze_query('UPDATE "Call" SET amount = 0 RETURNING *', NULL, true);
SELECT is((SELECT count(*)::int FROM "Call" WHERE amount = 0), 0, 'is rolled back too');
SELECT is(actual_rows, 1::float8, 'an INSERT in a CTE') FROM perf_optimizer.analyze_query('WITH i AS (INSERT INTO "Call" VALUES (0) RETURNING id) SELECT * FROM i', NULL, true);
SELECT is((SELECT count(*)::int FROM "Call"), 10000, 'is rolled back too');
SELECT ok(actual_rows = 1, 'a sequence moves') FROM perf_optimizer.analyze_query('SELECT nextval(''ticks'')', NULL, true);
SELECT is(nextval('ticks'), 2::bigint, 'and stays moved');
BEGIN;
INSERT INTO "Call" VALUES (-1);
SELECT is(actual_rows, 1::float8, 'rows of the own transaction are seen') FROM perf_optimizer.analyze_query('SELECT FROM "Call" WHERE id = -1', NULL, true);
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('INSERT INTO "Call" VALUES (-1)', NULL, true)$$, '23505', NULL, 'an error of the statement passes through');
SELECT is((SELECT count(*)::int FROM "Call" WHERE id = -1), 1, 'and leaves the transaction as it was');
ROLLBACK;
BEGIN READ ONLY;
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('DELETE FROM "Call"', NULL, true)$$, '25006', NULL, 'a read-only transaction forbids changes');
SELECT lives_ok($$SELECT perf_optimizer.analyze_query('DELETE FROM "Call"')$$, 'but not looking at the plan');
SELECT lives_ok($$SELECT perf_optimizer.analyze_query('SELECT * FROM "Call"', NULL, true)$$, 'nor reading');
ROLLBACK;
SET statement_timeout = '200ms';
CREATE FUNCTION pg_temp.canceled() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM perf_optimizer.analyze_query('SELECT pg_sleep(60)', NULL, true);
	RETURN false;
EXCEPTION WHEN query_canceled THEN
	RETURN true;
END $$;
SELECT ok(pg_temp.canceled(), 'statement_timeout holds, and an exception block survives it');
RESET statement_timeout;
SELECT is((SELECT count(*)::int FROM "Call"), 10000, 'and the session goes on');

-- Parameters
SELECT is(actual_rows, 1::float8, 'a value in text form') FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = $1 AND amount < $2', '{5, 1e3}', true);
SELECT is(actual_rows, 0::float8, 'a NULL element is SQL NULL') FROM perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = $1', ARRAY[NULL], true);
SELECT lives_ok($$SELECT perf_optimizer.analyze_query('SELECT 1', '{}')$$, 'no values for no parameters');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = $1', '{}')$$, '22023', NULL, 'too few values');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = $1', '{1,2}')$$, '22023', NULL, 'too many values');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT 1', '{1}')$$, '22023', NULL, 'values without parameters');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = $1', '{x}')$$, '22P02', NULL, 'a value that does not parse');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = $1', '{{1},{2}}')$$, '2202E', NULL, 'an array of two dimensions');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT $2::int')$$, '42P18', NULL, 'a parameter that is left out');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT * FROM "Call" WHERE id = $1', NULL, true)$$, '22023', NULL, 'executing needs values');

-- Normalised texts, where a parameter stands for a literal that the grammar wants
CREATE TABLE moment (at timestamptz, d date);
SELECT is(filter, '(at > (now() - $1))', 'interval $1') FROM perf_optimizer.plan_nodes('SELECT * FROM moment WHERE at > now() - interval $1');
SELECT is(filter, '(at > (now() - ''1 day''::interval))', 'with a value') FROM perf_optimizer.plan_nodes('SELECT * FROM moment WHERE at > now() - interval $1', '{1 day}');
SELECT is(filter, '(d = $1)', 'date $1') FROM perf_optimizer.plan_nodes('SELECT * FROM moment WHERE d = date $1');
SELECT is(filter, '(at < $1)', 'timestamp with time zone $1') FROM perf_optimizer.plan_nodes('SELECT * FROM moment WHERE at < timestamp with time zone $1');
SELECT is(filter, '("extract"($1, d) = $2)', 'extract($1 from x)') FROM perf_optimizer.plan_nodes('SELECT * FROM moment WHERE extract($1 FROM d) = $2');
SELECT is(output, 'interval $1 -- date $2', 'a string that looks like it stays') FROM (
	SELECT substring(filter FROM '''(.*)''::text') AS output FROM perf_optimizer.plan_nodes('SELECT * FROM "Call" WHERE status = ''interval $1 -- date $2''')) s;
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT foo $1')$$, '42601', NULL, 'what is no type stays an error');

-- Extreme input
SELECT lives_ok(format('SELECT perf_optimizer.analyze_query(%L)', 'SELECT * FROM "Call" WHERE id IN (' || (SELECT string_agg(i::text, ',') FROM generate_series(1000000, 1100000) i) || ')'),
	'a text of 0.8 MB');
SELECT throws_ok(format('SELECT perf_optimizer.analyze_query(%L)', 'SELECT ' || repeat('(', 20000) || '1' || repeat(')', 20000)), NULL, NULL, 'nesting 20000 deep is a clean error');
SELECT lives_ok(format('SELECT perf_optimizer.analyze_query(%L)', 'SELECT ' || repeat('1 + (', 1000) || '1' || repeat(')', 1000)), 'nesting 1000 deep');
SELECT lives_ok(format('SELECT perf_optimizer.analyze_query(%L)', 'SELECT * FROM ' || repeat('(SELECT * FROM ', 200) || '"Call"' || repeat(') s', 200)), 'subqueries 200 deep');

-- Bad input
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELEC 1')$$, '42601', NULL, 'a syntax error');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT 1; SELECT 2')$$, '42601', 'argument "query" contains 2 statements', 'two statements');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('')$$, '42601', 'argument "query" contains no statement', 'an empty text');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query(' -- nothing')$$, '42601', NULL, 'a comment alone');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('VACUUM')$$, '0A000', 'VACUUM has no plan to analyze', 'a utility statement');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('BEGIN')$$, '0A000', NULL, 'transaction control');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('COPY "Call" TO STDOUT')$$, '0A000', NULL, 'COPY of a table');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT * FROM nowhere')$$, '42P01', NULL, 'an unknown relation');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT nothing FROM "Call"')$$, '42703', NULL, 'an unknown column');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query(NULL)$$, '22004', 'argument "query" must not be null', 'a NULL query');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT 1', NULL, NULL)$$, '22004', NULL, 'a NULL execute');
SELECT throws_ok($$SELECT * FROM perf_optimizer.plan_nodes(NULL)$$, '22004', NULL, 'plan_nodes of NULL');
SELECT throws_ok($$SELECT * FROM perf_optimizer.plan_findings(NULL)$$, '22004', NULL, 'plan_findings of NULL');

-- Privileges
SET ROLE po_test_explain;
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT * FROM "Call"')$$, '42501', NULL, 'a table that the caller may not read');
RESET ROLE;
GRANT SELECT (id) ON "Call" TO po_test_explain;
SET ROLE po_test_explain;
SELECT lives_ok($$SELECT perf_optimizer.analyze_query('SELECT id FROM "Call"', NULL, true)$$, 'columns that the caller may read');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT amount FROM "Call"')$$, '42501', NULL, 'columns that the caller may not');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('DELETE FROM "Call" WHERE id = 5')$$, '42501', NULL, 'a DELETE that the caller may not do');
RESET ROLE;
CREATE VIEW open_call AS SELECT * FROM "Call" WHERE lower(status) = 'open' || "userId";
REVOKE ALL ON "Call" FROM po_test_explain; GRANT SELECT ON open_call TO po_test_explain;
SET ROLE po_test_explain;
SELECT ok(findings @> '[{"rule": "wrapped-column", "suggested_sql": null}]', 'a table that the caller sees through a view only: findings, but no proof from its statistics')
FROM perf_optimizer.analyze_query('SELECT * FROM open_call WHERE abs("userId") = 7');
RESET ROLE;
CREATE SCHEMA other; CREATE TABLE other."Call" (x int);
SET search_path = other, public;
SELECT is(relation, 'other."Call"'::regclass, 'names are found by the caller''s search_path') FROM perf_optimizer.plan_nodes('SELECT * FROM "Call"');
RESET search_path;

DROP OWNED BY po_test_explain; DROP ROLE po_test_explain;
SELECT * FROM finish();
