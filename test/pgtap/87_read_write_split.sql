-- replica_candidates: which statements could go to a replica, and what keeps the others here; what a pooler would need.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = error;
SELECT * FROM no_plan();
CREATE ROLE po_test_reader;
CREATE SCHEMA "po Rw";
SET search_path = "po Rw", public;
CREATE TABLE "Item" (id int PRIMARY KEY, note text);
INSERT INTO "Item" SELECT g FROM generate_series(1, 100) g;
CREATE UNLOGGED TABLE scratch (id int);
CREATE TEMP TABLE passing (id int);
CREATE SEQUENCE numbers;
CREATE VIEW numbered AS SELECT nextval('numbers') AS n, id FROM "Item";
CREATE VIEW seen AS SELECT id FROM "Item";
CREATE FUNCTION unsaid() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION said() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
SELECT pg_stat_statements_reset() IS NULL AS reset \gset
\o /dev/null
SELECT count(*) FROM "Item" WHERE id > 3;
SELECT id, random(), said() FROM seen ORDER BY 1;
SELECT id FROM "Item" WHERE id = 1 FOR SHARE;
SELECT i.id FROM "Item" i WHERE i.id IN (SELECT unsaid());
SELECT n FROM numbered LIMIT 1;
SELECT count(*) FROM scratch;
SELECT count(*) FROM passing;
WITH gone AS (DELETE FROM "Item" WHERE id = 100 RETURNING id) SELECT * FROM gone;
UPDATE "Item" SET note = 'x' WHERE id = 2;
SELECT count(*) FROM pg_class;
SELECT count(*) FROM "Item" JOIN pg_class c ON c.oid = id::oid;
DROP TABLE passing;
VACUUM "Item";
\o
SELECT set_eq($$ SELECT substr(query, 1, 40), fit, reason FROM perf_optimizer.replica_candidates(100) WHERE query ~ 'Item|scratch|passing|seen|numbered|pg_class' $$,
  $$ VALUES ('SELECT count(*) FROM "Item" WHERE id > $', true, NULL), ('SELECT id, random(), said() FROM seen OR', true, NULL), ('SELECT id FROM "Item" WHERE id = $1 FOR ', false, 'it locks rows'),
            ('SELECT i.id FROM "Item" i WHERE i.id IN ', false, 'it calls unsaid(), which may write'), ('SELECT n FROM numbered LIMIT $1', false, 'it calls nextval(), which may write'),
            ('SELECT count(*) FROM scratch', false, 'scratch is not on a replica, being temporary or unlogged'),
            ('SELECT count(*) FROM passing', false, 'it cannot be planned'), ('WITH gone AS (DELETE FROM "Item" WHERE i', false, 'it writes'), ('UPDATE "Item" SET note = $1 WHERE id = $', false, 'it writes'),
            ('SELECT count(*) FROM pg_class', false, 'it asks about this server'), ('SELECT count(*) FROM "Item" JOIN pg_clas', true, NULL), ('DROP TABLE passing', false, 'it cannot be planned'),
            ('VACUUM "Item"', false, 'it cannot be planned') $$, 'each statement, and why not');
SELECT ok(bool_and(calls >= 1 AND total_time_ms > 0 AND time_share_pct BETWEEN 0 AND 100), 'with what it takes') FROM perf_optimizer.replica_candidates(100);
SELECT is(count(*), 1::bigint, 'as many as asked for') FROM perf_optimizer.replica_candidates(1);
SELECT throws_ok('SELECT * FROM perf_optimizer.replica_candidates(' || a || ')', c, NULL, 'max_rows ' || a) FROM (VALUES ('NULL', '22004'), ('-1', '22023')) v(a, c);
SET ROLE po_test_reader;
SELECT count(*) AS others FROM perf_optimizer.replica_candidates(100) WHERE role_name = 'postgres' AND query LIKE '%Item%' \gset
RESET ROLE;
SELECT is(:others, 0, 'texts of other roles are not shown');

-- A pooler's size follows what was active at a time.
INSERT INTO perf_optimizer.snapshot (from_at, taken_at, active) VALUES (now() - interval '2 days', now() - interval '1 day', 17), (now() - interval '9 days', now() - interval '8 days', 40);
SELECT results_eq('SELECT peak_active, suggested_pool_size FROM perf_optimizer.connection_stats()', 'VALUES (17, 22)', 'the peak of the last week and a quarter more');
SELECT * FROM finish();
DROP SCHEMA "po Rw" CASCADE;
DROP ROLE po_test_reader;
