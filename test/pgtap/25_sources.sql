-- What a statement is planned for: samples, types, repairs of normalised texts; what executing includes.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET timezone = 'UTC';

SELECT plan(61);

CREATE FUNCTION pg_temp.source(query text) RETURNS text LANGUAGE sql AS $$ SELECT plan_source FROM perf_optimizer.analyze_query(query) $$;
CREATE FUNCTION pg_temp.plans(query text, params text[] DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $$
	SELECT count(*) > 0 FROM perf_optimizer.plan_nodes(query, params)
$$;
CREATE FUNCTION pg_temp.filter(query text, params text[] DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(filter, condition) FROM perf_optimizer.plan_nodes(query, params) WHERE filter IS NOT NULL OR condition IS NOT NULL LIMIT 1
$$;

CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE ev (id int PRIMARY KEY, at timestamptz, d date, kind text, m mood, n numeric) WITH (autovacuum_enabled = off);
INSERT INTO ev SELECT i, timestamptz '2026-01-01' + i * interval '1 minute', date '2026-01-01' + i % 100, 'k' || i % 5, 'good', i FROM generate_series(1, 5000) i;
ANALYZE ev;
CREATE ROLE po_test_source;
GRANT SELECT ON ev TO po_test_source;

-- Captured executions
SELECT set_config('app.text', 'SELECT count(*) FROM ev WHERE kind = $1 AND n < $2', false) \g /dev/null
SELECT is(pg_temp.source(current_setting('app.text')), 'generic', 'a text that nobody ran');
SELECT count(*) FROM ev WHERE kind = 'k3' AND n < 10.5 \g /dev/null
SELECT is(pg_temp.source(current_setting('app.text')), 'sample', 'after an execution: as that was');
SELECT is(pg_temp.filter(current_setting('app.text')), '((n < 10.5) AND (kind = ''k3''::text))', 'with its values');
SELECT is(a.query_id, s.queryid, 'query_id is that of pg_stat_statements') FROM pg_stat_statements s,
	perf_optimizer.analyze_query(s.query) a WHERE s.query = current_setting('app.text') AND s.userid = 'postgres'::regrole;
SELECT is(plan_source, 'params', 'given values come first') FROM perf_optimizer.analyze_query(current_setting('app.text'), '{k1,5}');
SELECT throws_ok(format('SELECT perf_optimizer.analyze_query(%L, NULL, true)', current_setting('app.text')), '22023', NULL, 'a sample''s values are never executed');
SET search_path = public, pg_catalog;
SELECT is(pg_temp.source(current_setting('app.text')), 'typed generic', 'under another search_path only the types are used');
SELECT is(pg_temp.filter(current_setting('app.text')), '((n < $2) AND (kind = $1))', 'no value of it');
RESET search_path;
SET ROLE po_test_source;
SELECT is(plan_source, 'generic', 'another role''s execution is not used') FROM perf_optimizer.analyze_query(current_setting('app.text'));
RESET ROLE;
PREPARE by_id AS SELECT kind FROM ev WHERE id = $1;
EXECUTE by_id(77) \g /dev/null
SELECT is(pg_temp.source('SELECT kind FROM ev WHERE id = $1'), 'sample', 'a prepared statement is found by its identifier');
SELECT is(pg_temp.filter('SELECT kind FROM ev WHERE id = $1'), '(id = 77)', 'with its value');
SELECT date_trunc('month', at) AS month, count(*) FROM ev GROUP BY date_trunc('month', at) ORDER BY date_trunc('month', at) LIMIT 2 \g /dev/null
SELECT is(a.plan_source, 'sample', 'a text that does not parse by itself') FROM pg_stat_statements s,
	perf_optimizer.analyze_query(s.query) a WHERE s.query LIKE 'SELECT date_trunc($1, at) AS month%';

-- Repairs
SELECT ok(pg_temp.plans('SELECT $1 + $2'), '$1 + $2');
SELECT is(actual_rows, 1::float8, 'with values') FROM perf_optimizer.analyze_query('SELECT $1 + $2', '{3,4}', true);
SELECT ok(pg_temp.plans('SELECT -$1, $2 * $3'), 'other operators');
SELECT is(pg_temp.filter('SELECT * FROM ev WHERE at > now() - $1', '{1 day}'), '(at > (now() - ''1 day''::interval))', 'an operand of an operand');
SELECT ok(pg_temp.plans('SELECT d + $1, $2::date + $3 FROM ev'), 'a date and a number');
SELECT ok(pg_temp.plans('SELECT generate_series($1, $2)'), 'a function of several types');
SELECT ok(pg_temp.plans('SELECT sum(CASE WHEN kind = $1 THEN $2 ELSE $3 END) FROM ev'), 'alternatives');
SELECT is(pg_temp.filter('SELECT * FROM ev WHERE m = ANY (ARRAY[$1, $2])'), '(m = ANY (ARRAY[$1, $2]))', 'an array of an enumerated type');
SELECT is(pg_temp.filter('SELECT * FROM ev WHERE d = ANY (ARRAY[$1])', '{2026-01-05}'), '(d = ''2026-01-05''::date)', 'with a value');
SELECT ok(pg_temp.plans('WITH RECURSIVE r AS (SELECT $1 AS n UNION ALL SELECT n + $2 FROM r WHERE n < $3) SELECT sum(n) FROM r'), 'a recursion');
SELECT ok(pg_temp.plans('SELECT ev.id FROM ev JOIN (VALUES ($1, $2), ($3, $4)) v(id, s) ON v.id = ev.id'), 'a list of values');
SELECT is((SELECT keys FROM perf_optimizer.plan_nodes('SELECT date_trunc($1, at), count(*) FROM ev GROUP BY date_trunc($2, at)') WHERE keys IS NOT NULL LIMIT 1),
	'date_trunc($1, at)', 'GROUP BY over a replaced constant');
SELECT ok(pg_temp.plans('SELECT date_trunc($1, at), count(*) FROM ev GROUP BY date_trunc(''day'', at) ORDER BY date_trunc(''day'', at)'), 'replaced in the list alone');
SELECT is(actual_rows, 4::float8, 'with a value for each') FROM perf_optimizer.analyze_query('SELECT date_trunc($1, at), count(*) FROM ev GROUP BY date_trunc($2, at) HAVING count(*) > $3', '{day,day,0}', true);
SELECT ok(pg_temp.plans('SELECT id % $1 + 1, count(*) FROM ev GROUP BY id % $2 + 1'), 'an arithmetic');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT id % $1 + 1, count(*) FROM ev GROUP BY id % $2 + 2')$$, '42803', NULL, 'but not another one');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT kind, count(*) FROM ev WHERE id > $1')$$, '42803', NULL, 'a column that is not grouped stays an error');
SELECT ok(pg_temp.plans('SELECT * FROM ev WHERE at > now() - interval $1 day'), 'interval $1 day');
SELECT ok(pg_temp.plans('SELECT * FROM ev WHERE at > now() - interval(3) $1'), 'interval(3) $1');
SELECT ok(pg_temp.plans('SELECT * FROM ev WHERE at > timestamp(3) with time zone $1'), 'timestamp(3) with time zone $1');
SELECT ok(pg_temp.plans('SELECT double precision $1, character varying(5) $2'), 'types of two words');
SELECT is(pg_temp.filter('SELECT * FROM ev WHERE m = mood $1'), '(m = $1)', 'a type of the user''s');
SELECT is(pg_temp.filter('SELECT * FROM ev WHERE m = public."mood" $1', '{bad}'), '(m = ''bad''::mood)', 'with its schema and a value');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT $1 + nothing FROM ev')$$, '42703', NULL, 'other errors are the first attempt''s');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT kind + $1 + $2 FROM nowhere')$$, '42P01', NULL, 'whichever');

-- Partitions and values that are known during execution only
CREATE TABLE part (id int, k int, v text) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE part_%s PARTITION OF part FOR VALUES FROM (%s) TO (%s)', i, i * 1000, (i + 1) * 1000) FROM generate_series(0, 9) i \gexec
INSERT INTO part SELECT i, i % 50, repeat('v', 50) FROM generate_series(0, 9999) i;
ANALYZE part;
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes('SELECT * FROM part a JOIN ev ON ev.id = a.k WHERE a.id = $1 AND a.v = $2') WHERE relation::text LIKE 'part%'), 10,
	'a generic plan below a join keeps all partitions');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_nodes('SELECT * FROM part WHERE id = $1 AND id IN (SELECT k FROM part WHERE id < $2)') WHERE relation::text LIKE 'part%' AND node_type LIKE '%Scan'), 20,
	'in a subquery too');
SELECT is_empty($$SELECT FROM perf_optimizer.plan_findings('SELECT * FROM part WHERE id = $1 AND v = $2', '{5,x}') WHERE rule = 'generic-plan-gap'$$,
	'partitions that a generic plan leaves out when it runs are no gap');
SELECT is((SELECT sum(loops)::int FROM perf_optimizer.plan_nodes('SELECT * FROM part WHERE id = (SELECT 5)', NULL, true) WHERE relation::text LIKE 'part%'), 1,
	'run-time pruning is seen in what was executed');

-- Executing: triggers, actions of foreign keys, workers, compiling
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
CREATE TABLE grandchild (child int REFERENCES child ON DELETE SET NULL);
CREATE TABLE log (what text);
INSERT INTO parent SELECT generate_series(1, 50); INSERT INTO child SELECT i, i FROM generate_series(1, 50) i; INSERT INTO grandchild SELECT generate_series(1, 50);
CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (TG_OP); RETURN NULL; END';
CREATE TRIGGER noted AFTER DELETE ON parent FOR EACH ROW EXECUTE FUNCTION public.note();
SELECT ok(actual_rows = 50 AND trigger_time_ms > 0, 'triggers and cascades run') FROM perf_optimizer.analyze_query('DELETE FROM parent', NULL, true);
SELECT is((SELECT count(*)::int FROM perf_optimizer.explain_tree('DELETE FROM parent', NULL, true) l WHERE l LIKE 'trigger % 50 calls%'), 3, 'each of them is counted, those of a cascade''s own cascade too');
SELECT is(array[(SELECT count(*) FROM parent), (SELECT count(*) FROM child), (SELECT count(child) FROM grandchild), (SELECT count(*) FROM log)]::int[], '{50,50,50,0}', 'and all is undone');
ALTER TABLE child ALTER CONSTRAINT child_parent_fkey DEFERRABLE INITIALLY DEFERRED;
SELECT lives_ok($$SELECT perf_optimizer.analyze_query('DELETE FROM parent', NULL, true)$$, 'deferred ones do not fire');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('INSERT INTO grandchild VALUES (-1)', NULL, true)$$, '23503', NULL, 'an immediate one that fails is the statement''s error');

SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT is((SELECT (actual_rows * loops + rows_removed * loops)::int FROM perf_optimizer.plan_nodes('SELECT count(*) FROM ev WHERE kind = ''k1''', NULL, true)
	WHERE node_type = 'Parallel Seq Scan'), 5000, 'rows of all workers are counted, exactly');
SELECT is((SELECT actual_rows FROM perf_optimizer.analyze_query('SELECT id FROM ev WHERE kind = ''k1''', NULL, true)), 1000::float8, 'a parallel plan''s result');
SELECT ok((SELECT shared_hit_blocks + shared_read_blocks FROM perf_optimizer.plan_nodes('SELECT count(*) FROM ev WHERE kind = ''k1''', NULL, true)
	WHERE node_type = 'Parallel Seq Scan') >= pg_relation_size('ev') / 8192, 'blocks of all workers too');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT 1 / (id - 2500) FROM ev', NULL, true)$$, '22012', NULL, 'an error in a worker passes through');
SET jit = on; SET jit_above_cost = 0;
SELECT CASE WHEN pg_jit_available() THEN ok((SELECT jit_time_ms FROM perf_optimizer.analyze_query('SELECT sum(n + id) FROM ev WHERE id > 5', NULL, true)) > 0, 'compiling is measured')
	ELSE skip('no JIT in this server', 1) END;
SET jit = off; RESET jit_above_cost;
SET max_parallel_workers_per_gather = 0; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;

-- Cancel, rights
CREATE FUNCTION pg_temp.canceled(query text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM perf_optimizer.analyze_query(query, NULL, true);
	RETURN false;
EXCEPTION WHEN query_canceled THEN
	RETURN true;
END $$;
SELECT ok(pg_temp.canceled('SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(60)'), 'a cancel ends the execution');
SELECT is((SELECT count(*)::int FROM ev), 5000, 'the session goes on');
SET ROLE po_test_source;
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('DELETE FROM ev', NULL, true)$$, '42501', NULL, 'executing needs the right to');
SELECT throws_ok($$SELECT perf_optimizer.analyze_query('SELECT pg_read_file(''PG_VERSION'')', NULL, true)$$, '42501', NULL, 'functions included');
SELECT is((SELECT actual_rows FROM perf_optimizer.analyze_query('SELECT 1 FROM ev WHERE id = 5 AND current_user = ''po_test_source''', NULL, true)), 1::float8, 'it runs as the caller');
RESET ROLE;
CREATE FUNCTION public.defined() RETURNS float8 LANGUAGE sql SECURITY DEFINER AS $$ SELECT actual_rows FROM perf_optimizer.analyze_query('DELETE FROM ev', NULL, true) $$;
SET ROLE po_test_source;
SELECT is(public.defined(), 5000::float8, 'in a SECURITY DEFINER function as its owner');
RESET ROLE;
SELECT is((SELECT count(*)::int FROM ev), 5000, 'and leaves no change');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT is((SELECT actual_rows FROM perf_optimizer.analyze_query('UPDATE ev SET n = 0', NULL, true)), 5000::float8, 'in a serializable transaction');
COMMIT;
SELECT throws_ok($$SELECT * FROM perf_optimizer.explain_tree(NULL)$$, '22004', NULL, 'explain_tree of NULL');
SELECT throws_ok($$SELECT * FROM perf_optimizer.plan_nodes('SELECT 1', NULL, NULL)$$, '22004', NULL, 'plan_nodes with a NULL execute');

DROP OWNED BY po_test_source; DROP ROLE po_test_source;
SELECT * FROM finish();
