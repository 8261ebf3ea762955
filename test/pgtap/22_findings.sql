-- Plan findings that need tables of their own: foreign keys, foreign tables, statistics, caches.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;

SELECT plan(34);

CREATE FUNCTION pg_temp.finds(wanted text, query text, execute boolean DEFAULT false, params text[] DEFAULT NULL)
RETURNS boolean LANGUAGE sql AS $$
	SELECT EXISTS (SELECT FROM perf_optimizer.plan_findings(query, params, execute) WHERE rule = wanted)
$$;

CREATE FUNCTION pg_temp.suggests(wanted text, query text, execute boolean DEFAULT false, params text[] DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
	SELECT suggested_sql FROM perf_optimizer.plan_findings(query, params, execute) WHERE rule = wanted LIMIT 1
$$;

-- fk-trigger-time
CREATE TABLE "Parent" (id int PRIMARY KEY);
CREATE TABLE child (id int, "parentId" int REFERENCES "Parent") WITH (autovacuum_enabled = off);
INSERT INTO "Parent" SELECT i FROM generate_series(1, 1000) i;
INSERT INTO child SELECT i, 1 + i % 500 FROM generate_series(1, 50000) i;
ANALYZE "Parent"; ANALYZE child;
SELECT ok(pg_temp.finds('fk-trigger-time', 'DELETE FROM "Parent" WHERE id > 900'), 'a foreign key without an index');
SELECT is(pg_temp.suggests('fk-trigger-time', 'DELETE FROM "Parent" WHERE id > 900'),
	'CREATE INDEX CONCURRENTLY ON public.child ("parentId")', 'with the index');
SELECT ok(pg_temp.finds('fk-trigger-time', 'DELETE FROM "Parent" WHERE id > 900', true), 'measured');
SELECT ok(trigger_time_ms > 0 AND jit_time_ms = 0, 'the time in triggers') FROM perf_optimizer.analyze_query('DELETE FROM "Parent" WHERE id > 900', NULL, true);
SELECT ok(bool_or(l LIKE 'trigger "child_parentId_fkey": 100 calls, %'), 'and in explain_tree') FROM perf_optimizer.explain_tree('DELETE FROM "Parent" WHERE id > 900', NULL, true) l;
SELECT is((SELECT count(*)::int FROM "Parent"), 1000, 'nothing was deleted');
CREATE INDEX ON child ("parentId");
SELECT ok(NOT pg_temp.finds('fk-trigger-time', 'DELETE FROM "Parent" WHERE id > 900'), 'not with an index');
SELECT ok(NOT pg_temp.finds('fk-trigger-time', 'SELECT FROM "Parent" WHERE id > 900'), 'not for a SELECT');

-- foreign-not-pushed: planning needs no connection
CREATE EXTENSION postgres_fdw SCHEMA public;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (fdw_startup_cost '100000');
CREATE USER MAPPING FOR CURRENT_USER SERVER far;
CREATE FOREIGN TABLE far_a (id int, k int) SERVER far;
CREATE FOREIGN TABLE far_b (id int, k int) SERVER far;
CREATE FUNCTION public.local_only(i int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN i > 5; END';
SELECT ok(pg_temp.finds('foreign-not-pushed', 'SELECT id FROM far_a WHERE public.local_only(k)'), 'a filter that is applied here');
SELECT ok(NOT pg_temp.finds('foreign-not-pushed', 'SELECT id FROM far_a WHERE k = 5'), 'not one that is sent');
SELECT ok(pg_temp.finds('foreign-not-pushed', 'SELECT far_a.id FROM far_a JOIN far_b ON public.local_only(far_a.k + far_b.k)'), 'a join that is done here');
SELECT ok(NOT pg_temp.finds('foreign-not-pushed', 'SELECT far_a.id FROM far_a JOIN far_b USING (k)'), 'not one that is sent');

-- stale-statistics
CREATE TABLE fresh (id int, k int) WITH (autovacuum_enabled = off);
INSERT INTO fresh SELECT i, i FROM generate_series(1, 5000) i;
SELECT ok(pg_temp.finds('stale-statistics', 'SELECT * FROM fresh WHERE k = 5'), 'a table never analyzed');
SELECT is(pg_temp.suggests('stale-statistics', 'SELECT * FROM fresh WHERE k = 5'), 'ANALYZE public.fresh', 'with the cure');
SELECT ok(pg_stat_force_next_flush() IS NOT NULL, 'counters are sent');
ANALYZE fresh;
SELECT ok(NOT pg_temp.finds('stale-statistics', 'SELECT * FROM fresh WHERE k = 5'), 'not once it is analyzed');
CREATE TABLE newer AS SELECT i AS id, i AS k FROM generate_series(1, 5000) i;
ANALYZE newer;
SELECT ok(pg_stat_force_next_flush() IS NOT NULL, 'counters are sent late');
SELECT ok(NOT pg_temp.finds('stale-statistics', 'SELECT * FROM newer WHERE k = 5'), 'quiet for rows that were there when it was analyzed');
UPDATE fresh SET k = k + 1;
SELECT ok(pg_stat_force_next_flush() IS NOT NULL, 'counters are sent');
SELECT ok(pg_temp.finds('stale-statistics', 'SELECT * FROM fresh WHERE k = 5'), 'again when it changed');

-- sparse-relation
CREATE TABLE holes (id int, pad text) WITH (autovacuum_enabled = off);
INSERT INTO holes SELECT i, repeat('h', 200) FROM generate_series(1, 20000) i;
ANALYZE holes;
SELECT ok(NOT pg_temp.finds('sparse-relation', 'SELECT id FROM holes', true), 'not a dense table');
DELETE FROM holes WHERE id % 50 <> 0;
SELECT ok(pg_temp.finds('sparse-relation', 'SELECT id FROM holes', true), 'a table of holes');

-- forced-settings
SELECT ok(NOT pg_temp.finds('forced-settings', 'SELECT id FROM holes'), 'not with the defaults');
SET enable_nestloop = off;
SELECT ok(pg_temp.finds('forced-settings', 'SELECT id FROM holes'), 'a planner method that is switched off');
SELECT is(pg_temp.suggests('forced-settings', 'SELECT id FROM holes'), 'RESET enable_nestloop', 'with the cure');
RESET enable_nestloop;

-- generic-plan-gap
CREATE TABLE skew (id int PRIMARY KEY, status text, pad text) WITH (autovacuum_enabled = off);
INSERT INTO skew SELECT i, CASE WHEN i % 5000 = 0 THEN 'rare' ELSE 'common' END, repeat('s', 100) FROM generate_series(1, 50000) i;
CREATE INDEX ON skew (status);
ANALYZE skew;
SELECT ok(pg_temp.finds('generic-plan-gap', 'SELECT pad FROM skew WHERE status = $1', false, '{rare}'), 'a rare value');
SELECT ok(NOT pg_temp.finds('generic-plan-gap', 'SELECT pad FROM skew WHERE id = $1', false, '{5}'), 'not a unique key');
SELECT ok(NOT pg_temp.finds('generic-plan-gap', 'SELECT pad FROM skew WHERE status = $1'), 'quiet without values');
CREATE TABLE kind AS SELECT i AS id, CASE WHEN i <= 30000 THEN 0 ELSE i % 2000 END AS k, repeat('k', 100) AS pad FROM generate_series(1, 60000) i;
ANALYZE kind;
SELECT is(evidence ->> 'skewed_column', 'k', 'a generic estimate that hides skew says so')
FROM perf_optimizer.plan_findings('SELECT pad FROM kind WHERE k = $1') WHERE rule = 'selective-seq-scan';
SELECT is(evidence ->> 'skewed_column', NULL, 'a plan for a value does not')
FROM perf_optimizer.plan_findings('SELECT pad FROM kind WHERE k = $1', '{5}') WHERE rule = 'selective-seq-scan';

-- memoize-misses
CREATE TABLE visit (id int, page int) WITH (autovacuum_enabled = off);
INSERT INTO visit SELECT i, i FROM generate_series(1, 20000) i;
ALTER TABLE visit ALTER page SET (n_distinct = 20);
ANALYZE visit;
SET enable_hashjoin = off; SET enable_mergejoin = off;
SELECT ok(pg_temp.finds('memoize-misses', 'SELECT count(skew.pad) FROM visit JOIN skew ON skew.id = visit.page', true), 'keys that never repeat');
UPDATE visit SET page = page % 20; ALTER TABLE visit ALTER page RESET (n_distinct); ANALYZE visit;
SELECT ok(NOT pg_temp.finds('memoize-misses', 'SELECT count(skew.pad) FROM visit JOIN skew ON skew.id = visit.page', true), 'not keys that do');
RESET enable_hashjoin; RESET enable_mergejoin;

-- cold-reads: a bulk write keeps its pages out of the buffer cache
CREATE UNLOGGED TABLE cold WITH (fillfactor = 10, autovacuum_enabled = off) AS
	SELECT i AS id, repeat('c', 700) AS pad FROM generate_series(1, 25000) i;
SELECT ok(pg_temp.finds('cold-reads', 'SELECT count(*) FROM cold', true), 'blocks that were not in the cache');
SELECT ok(NOT pg_temp.finds('cold-reads', 'SELECT count(*) FROM holes', true), 'not those that were');

SELECT * FROM finish();
