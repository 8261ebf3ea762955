-- optimize_table: a worker vacuums and analyzes, errors, rights, transactions.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = error;
SELECT * FROM no_plan();
CREATE ROLE po_test_owner LOGIN;
CREATE ROLE po_test_other LOGIN;
CREATE SCHEMA "po Op" AUTHORIZATION po_test_owner;
GRANT USAGE ON SCHEMA "po Op" TO po_test_other;
SET ROLE po_test_owner;
CREATE TABLE "po Op"."Item" (id int PRIMARY KEY, v int);
INSERT INTO "po Op"."Item" SELECT g, g FROM generate_series(1, 5000) g;
DELETE FROM "po Op"."Item" WHERE id > 1000;
CREATE TABLE "po Op".parts (id int) PARTITION BY RANGE (id);
CREATE TABLE "po Op".part_1 PARTITION OF "po Op".parts FOR VALUES FROM (0) TO (1000);
INSERT INTO "po Op".parts SELECT generate_series(0, 500);
CREATE MATERIALIZED VIEW "po Op".mv AS SELECT count(*) FROM "po Op"."Item";
CREATE VIEW "po Op".v AS SELECT 1 AS one;
SELECT perf_optimizer.optimize_table('"po Op"."Item"') AS run \gset
RESET ROLE;
CALL perf_optimizer.await_run(:run, '3 minutes') \gset
SELECT results_eq(format('SELECT status, detail, name FROM perf_optimizer.job_runs WHERE run_id = %s', :run), $$ VALUES ('succeeded', 'VACUUM (ANALYZE) "po Op"."Item"', 'optimize "po Op"."Item"') $$, 'a run that did what was asked');
SELECT results_eq($$ SELECT reltuples, relallvisible = relpages, (SELECT count(*) FROM pg_stats WHERE schemaname = 'po Op' AND tablename = 'Item') FROM pg_class WHERE oid = '"po Op"."Item"'::regclass $$, $$ VALUES (1000::real, true, 2::bigint) $$,
  'the table was vacuumed and analyzed');
SELECT is_empty('SELECT * FROM perf_optimizer.jobs', 'no job stays behind');
SELECT perf_optimizer.optimize_table('"po Op".parts') AS run \gset
CALL perf_optimizer.await_run(:run, '3 minutes') \gset
SELECT is((SELECT reltuples FROM pg_class WHERE oid = '"po Op".part_1'::regclass), 501::real, 'partitions with their table');
SELECT perf_optimizer.optimize_table('"po Op".mv') AS run \gset
CALL perf_optimizer.await_run(:run, '3 minutes') \gset
SELECT is((SELECT reltuples FROM pg_class WHERE oid = '"po Op".mv'::regclass), 1::real, 'a materialized view');
SELECT count(*) AS before FROM perf_optimizer.job_runs \gset
BEGIN;
SELECT perf_optimizer.optimize_table('"po Op"."Item"') > 0;
ROLLBACK;
SELECT is((SELECT count(*) FROM perf_optimizer.job_runs), :before::bigint, 'ROLLBACK undoes it');
SELECT throws_ok(q, c, NULL, q) FROM (VALUES ('SELECT perf_optimizer.optimize_table(NULL)', '22004'), ('SELECT perf_optimizer.optimize_table(''nope'')', '42P01'), ('SELECT perf_optimizer.optimize_table(4294967295::oid::regclass)', '42P01'),
  ('SELECT perf_optimizer.optimize_table(''"po Op".v'')', '42809'), ('SELECT perf_optimizer.optimize_table(''"po Op"."Item_pkey"'')', '42809')) x(q, c);
SET ROLE po_test_other;
DO $$ BEGIN PERFORM perf_optimizer.optimize_table('"po Op"."Item"'); RAISE EXCEPTION 'no error'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
RESET ROLE;
SELECT pass('another role cannot');
BEGIN READ ONLY;
DO $$ BEGIN PERFORM perf_optimizer.optimize_table('"po Op"."Item"'); RAISE EXCEPTION 'no error'; EXCEPTION WHEN read_only_sql_transaction THEN NULL; END $$;
ROLLBACK;
SELECT pass('nor a transaction that only reads');
SELECT * FROM finish();
DROP SCHEMA "po Op" CASCADE;
DROP ROLE po_test_owner, po_test_other;
