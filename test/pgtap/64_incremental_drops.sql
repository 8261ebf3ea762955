-- Incremental refresh when a part of it is dropped: nothing is left behind where the view goes along, and where it stays it equals
-- its query and changes are noted.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(38);

CREATE ROLE po_test_drops;
CREATE SCHEMA po_drop;
GRANT ALL ON SCHEMA po_drop TO po_test_drops;
SET client_min_messages = warning;
SET search_path = po_drop, public;

-- What notes changes in this database.
CREATE FUNCTION public.po_traces() RETURNS text LANGUAGE sql AS $$
  SELECT format('%s triggers, %s logs, %s views', (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'perf\_optimizer\_%'),
                (SELECT count(*) FROM pg_class WHERE relname ~ '^matview_log_\d+$' AND relkind = 'r'),
                (SELECT count(*) FROM perf_optimizer.matview_incremental)) $$;
-- Refreshes a view; returns the mode, and "wrong" when it differs from its query.
CREATE FUNCTION public.po_refreshed(view regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  used text;
  n bigint;
BEGIN
  SELECT mode_used INTO used FROM perf_optimizer.refresh(view);
  EXECUTE format('SELECT count(*) FROM ((TABLE %1$s EXCEPT ALL (%2$s)) UNION ALL ((%2$s) EXCEPT ALL TABLE %1$s)) d',
                 view, rtrim(pg_get_viewdef(view), ';')) INTO n;
  RETURN CASE WHEN n > 0 THEN 'wrong ' ELSE '' END || used;
END $$;
-- Makes a table and things that a view of it depends on, registers and refreshes the view.
CREATE PROCEDURE public.po_make() LANGUAGE plpgsql AS $$
BEGIN
  CREATE TYPE po_drop.state AS ENUM ('open', 'paid');
  CREATE FUNCTION po_drop.half(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i / 2';
  CREATE TABLE po_drop.base (id int PRIMARY KEY, k int, s po_drop.state DEFAULT 'open', spare int);
  CREATE TABLE po_drop.names (k int PRIMARY KEY, name text);
  INSERT INTO po_drop.base (id, k) SELECT i, i % 5 FROM generate_series(1, 50) AS i;
  INSERT INTO po_drop.names SELECT i, 'n' || i FROM generate_series(0, 9) AS i;
  CREATE INDEX by_k ON po_drop.base (k);
  CREATE VIEW po_drop.between_them AS SELECT id, k, s FROM po_drop.base;
  CREATE MATERIALIZED VIEW po_drop.mv AS SELECT po_drop.half(b.k) AS h, b.s, n.name, count(*) AS c
    FROM po_drop.between_them b JOIN po_drop.names n ON n.k = b.k GROUP BY 1, 2, 3;
  PERFORM perf_optimizer.enable_incremental('po_drop.mv');
  PERFORM perf_optimizer.refresh('po_drop.mv');
END $$;
CREATE PROCEDURE public.po_unmake() LANGUAGE plpgsql AS $$
BEGIN
  DROP TABLE IF EXISTS po_drop.base, po_drop.names CASCADE;
  DROP FUNCTION IF EXISTS po_drop.half CASCADE;
  DROP TYPE IF EXISTS po_drop.state CASCADE;
END $$;

CALL po_make();
SELECT is(po_traces(), '4 triggers, 2 logs, 1 views', 'a view of two tables');
UPDATE base SET k = 3 WHERE id = 5;
SELECT is(po_refreshed('mv'), 'incremental', 'which is refreshed by what changed');

-- What takes the view along.
ALTER TABLE base DROP COLUMN k CASCADE;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'a column');
CALL po_unmake();
CALL po_make();
DROP FUNCTION half CASCADE;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'a function');
CALL po_unmake();
CALL po_make();
DROP TYPE state CASCADE;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'a type');
CALL po_unmake();
CALL po_make();
DROP VIEW between_them CASCADE;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'a view between');
CALL po_unmake();
CALL po_make();
DROP TABLE names CASCADE;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'one of two tables: the other notes nothing any more');
UPDATE base SET k = 4 WHERE id = 6;
CALL po_unmake();
SET ROLE po_test_drops;
CREATE TABLE theirs (id int PRIMARY KEY, k int);
CREATE MATERIALIZED VIEW their_view AS SELECT k, count(*) AS c FROM theirs GROUP BY k;
SELECT perf_optimizer.enable_incremental('their_view') IS NULL AS x \gset
RESET ROLE;
SELECT is(po_traces(), '2 triggers, 1 logs, 1 views', 'a view of somebody');
DROP OWNED BY po_test_drops;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'all that somebody owns');
CREATE SCHEMA short_lived;
CREATE TABLE short_lived.base AS SELECT 1 AS k;
CREATE MATERIALIZED VIEW short_lived.mv AS SELECT k, count(*) AS c FROM short_lived.base GROUP BY k;
SELECT perf_optimizer.enable_incremental('short_lived.mv') IS NULL AS x \gset
DROP SCHEMA short_lived CASCADE;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'a schema');

-- A view on a view.
CALL po_make();
CREATE MATERIALIZED VIEW outer_mv AS SELECT name, sum(c) AS c FROM mv GROUP BY name;
SELECT perf_optimizer.enable_incremental('outer_mv') IS NULL AS x \gset
SELECT po_refreshed('outer_mv') IS NULL AS x \gset
UPDATE base SET k = 4 WHERE id = 7;
SELECT is(po_refreshed('mv') || ', ' || po_refreshed('outer_mv'), 'incremental, incremental', 'a view on a view');
DROP MATERIALIZED VIEW outer_mv;
SELECT is(po_traces(), '4 triggers, 2 logs, 1 views', 'without the outer one the inner one has no log');
UPDATE base SET k = 1 WHERE id = 7;
SELECT is(po_refreshed('mv'), 'incremental', 'and goes on');
CREATE MATERIALIZED VIEW outer_mv AS SELECT name, sum(c) AS c FROM mv GROUP BY name;
SELECT perf_optimizer.enable_incremental('outer_mv') IS NULL AS x \gset
DROP MATERIALIZED VIEW mv CASCADE;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'the inner one takes the outer one along');
CALL po_unmake();

-- What does not.
CALL po_make();
ALTER TABLE base DROP COLUMN spare;
SELECT is(po_refreshed('mv'), 'concurrent', 'a column that the view does not read: the whole query once');
UPDATE base SET k = 4 WHERE id = 8;
SELECT is(po_refreshed('mv'), 'incremental', 'then by what changed');
DROP INDEX by_k;
UPDATE base SET k = 3 WHERE id = 8;
SELECT is(po_refreshed('mv'), 'incremental', 'an index');
ALTER TABLE base DROP CONSTRAINT base_pkey;
UPDATE base SET k = 1 WHERE id = 8;
SELECT isnt(po_refreshed('mv'), 'skipped', 'a primary key');
UPDATE base SET k = 2 WHERE id = 8;
SELECT is(po_refreshed('mv'), 'incremental', 'and changes are noted');
SELECT format('DROP TRIGGER %I ON base', tgname) AS drop_trigger FROM pg_trigger WHERE tgrelid = 'base'::regclass AND tgname LIKE 'perf\_optimizer\_capture%' \gset
:drop_trigger;
UPDATE base SET k = 0 WHERE id = 8;
SELECT is(po_refreshed('mv'), 'concurrent', 'a trigger of ours: the whole query once');
UPDATE base SET k = 2 WHERE id = 8;
SELECT is(po_refreshed('mv'), 'incremental', 'then it is there again');
SELECT throws_ok(format('DROP TABLE perf_optimizer.matview_log_%s', 'base'::regclass::oid), '2BP01', NULL, 'a log belongs to the extension');
SELECT throws_ok('DROP FUNCTION perf_optimizer.capture_change()', '2BP01', NULL, 'as does the trigger function');

-- Partitions.
CREATE TABLE parts (id int, k int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts SELECT i, i % 3 FROM generate_series(1, 19) AS i;
CREATE MATERIALIZED VIEW of_parts AS SELECT k, count(*) AS c FROM parts GROUP BY k;
SELECT perf_optimizer.enable_incremental('of_parts') IS NULL AS x \gset
SELECT po_refreshed('of_parts') IS NULL AS x \gset
DROP TABLE parts_2;
SELECT is(po_refreshed('of_parts'), 'concurrent', 'a partition: the whole query once');
ALTER TABLE parts DETACH PARTITION parts_1;
SELECT is(po_refreshed('of_parts'), 'concurrent', 'a detached one too');
UPDATE parts_1 SET k = 2 WHERE id = 3;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM (0) TO (10);
SELECT is(po_refreshed('of_parts'), 'concurrent', 'and an attached one');
UPDATE parts_1 SET k = 1 WHERE id = 3;
SELECT is(po_refreshed('of_parts'), 'incremental', 'whose changes are noted');
DROP MATERIALIZED VIEW of_parts;
SELECT is(po_traces(), '4 triggers, 2 logs, 1 views', 'no partition keeps a trigger');

-- Transactions.
BEGIN;
UPDATE base SET k = 3 WHERE id = 9;
DROP MATERIALIZED VIEW mv;
ROLLBACK;
UPDATE base SET k = 1 WHERE id = 9;
SELECT is(po_refreshed('mv'), 'incremental', 'a DROP that was rolled back');
BEGIN;
UPDATE base SET k = 3 WHERE id = 9;
SAVEPOINT s;
DROP MATERIALIZED VIEW mv;
UPDATE base SET k = 1 WHERE id = 10;
ROLLBACK TO s;
UPDATE base SET k = 0 WHERE id = 11;
COMMIT;
SELECT is(po_refreshed('mv'), 'incremental', 'or to a savepoint');
DO $$
DECLARE
  i int;
BEGIN
  FOR i IN SELECT id FROM po_drop.base LOOP
    DROP MATERIALIZED VIEW po_drop.mv;
    EXIT;
  END LOOP;
END $$;
SELECT is(po_traces(), '2 triggers, 1 logs, 0 views', 'the table that a statement is reading keeps its triggers');
UPDATE base SET k = 4 WHERE id = 9;
DROP TABLE parts;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'until anything is dropped');
CALL po_unmake();
CALL po_make();
BEGIN;
UPDATE base SET k = 3 WHERE id = 9;
DROP MATERIALIZED VIEW mv;
UPDATE base SET k = 1 WHERE id = 9;
COMMIT;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'a DROP after a change in the same transaction');
CALL po_unmake();
CALL po_make();
BEGIN;
UPDATE base SET k = 3 WHERE id = 9;
DROP TABLE base CASCADE;
COMMIT;
SELECT is(po_traces(), '0 triggers, 0 logs, 0 views', 'and of the table itself');
CALL po_unmake();

-- The extension.
CALL po_make();
DROP EXTENSION perf_optimizer;
SELECT is(count(*), 0::bigint, 'the extension takes its triggers along') FROM pg_trigger WHERE tgname LIKE 'perf\_optimizer\_%';
UPDATE base SET k = 1 WHERE id = 12;
REFRESH MATERIALIZED VIEW mv;
SELECT results_eq('SELECT sum(c) FROM mv', 'SELECT count(*)::numeric FROM base', 'the view is as before');
CREATE EXTENSION perf_optimizer;
SELECT perf_optimizer.enable_incremental('mv') IS NULL AS x \gset
SELECT is(po_refreshed('mv'), 'concurrent', 'and can be registered anew');
UPDATE base SET k = 2 WHERE id = 12;
SELECT is(po_refreshed('mv'), 'incremental', 'for incremental refresh');
CALL po_unmake();

SELECT * FROM finish();
DROP SCHEMA po_drop CASCADE;
DROP ROLE po_test_drops;
