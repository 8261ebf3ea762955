-- refresh and matview_status: rows equal to the query's, minimal changes, rights, errors, suggestions.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(74);

CREATE EXTENSION amcheck;
CREATE EXTENSION citext;
CREATE ROLE po_test_owner;
CREATE ROLE po_test_other;
CREATE SCHEMA po_mv AUTHORIZATION po_test_owner;
SET client_min_messages = warning;

-- Rows in which a view differs from its query, by their text, duplicates counted.
CREATE FUNCTION pg_temp.differences(view regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  n bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM ((SELECT view_row::text FROM %1$s view_row EXCEPT ALL SELECT query_row::text FROM (%2$s) query_row)
                  UNION ALL (SELECT query_row::text FROM (%2$s) query_row EXCEPT ALL SELECT view_row::text FROM %1$s view_row)) d',
                 view, rtrim(pg_get_viewdef(view), ';')) INTO n;
  RETURN n;
END $$;
CREATE FUNCTION pg_temp.indexes_are_clean(view regclass) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM bt_index_check(indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid = view AND a.amname = 'btree';
  RETURN true;
END $$;

-- Counts, with and without a unique index.
CREATE TABLE po_mv.base (id int PRIMARY KEY, grp int, v numeric, ci citext, big text);
INSERT INTO po_mv.base SELECT i, i % 100, i, 'a' || i % 100, NULL FROM generate_series(1, 1000) i;
CREATE MATERIALIZED VIEW po_mv.sums AS SELECT grp, count(*) AS n, sum(v) AS total FROM po_mv.base GROUP BY grp;
SELECT results_eq($$ SELECT mode_used, rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh('po_mv.sums') $$,
  $$ VALUES ('concurrent', 0::bigint, 0::bigint, 0::bigint) $$, 'nothing changed: nothing is written');
UPDATE po_mv.base SET v = v + 1 WHERE grp = 1;
INSERT INTO po_mv.base VALUES (1001, 500, 1, 'x', NULL);
DELETE FROM po_mv.base WHERE grp = 2;
SELECT results_eq($$ SELECT mode_used, rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh('po_mv.sums', 'concurrent') $$,
  $$ VALUES ('concurrent', 2::bigint, 0::bigint, 2::bigint) $$, 'without an index a changed row is a delete and an insert');
SELECT is(pg_temp.differences('po_mv.sums'), 0::bigint, 'the view equals its query');
CREATE UNIQUE INDEX ON po_mv.sums (grp);
UPDATE po_mv.base SET v = v + 1 WHERE grp = 1;
INSERT INTO po_mv.base VALUES (1002, 501, 1, 'x', NULL);
DELETE FROM po_mv.base WHERE grp = 3;
SELECT results_eq($$ SELECT mode_used, rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh('po_mv.sums', 'concurrent') $$,
  $$ VALUES ('concurrent', 1::bigint, 1::bigint, 1::bigint) $$, 'with a unique index a changed row is one update');
SELECT is(pg_temp.differences('po_mv.sums'), 0::bigint, 'the view equals its query');
SELECT ok(pg_temp.indexes_are_clean('po_mv.sums'), 'its index is clean');
SELECT is(relfilenode, (SELECT relfilenode FROM pg_class WHERE oid = 'po_mv.sums'::regclass), 'concurrent does not replace the file')
  FROM (SELECT c.relfilenode FROM pg_class c, perf_optimizer.refresh('po_mv.sums') WHERE c.oid = 'po_mv.sums'::regclass) r;
SELECT is(pg_stat_get_xact_tuples_hot_updated('po_mv.sums'::regclass), 1::bigint, 'an update that changes no indexed column is HOT')
  FROM (SELECT 1) one WHERE pg_stat_get_xact_tuples_hot_updated('po_mv.sums'::regclass) = 1
UNION ALL SELECT is(pg_stat_get_tuples_hot_updated('po_mv.sums'::regclass) > 0, true, 'an update that changes no indexed column is HOT')
  WHERE pg_stat_get_xact_tuples_hot_updated('po_mv.sums'::regclass) <> 1;
SELECT results_eq($$ SELECT mode_used, rows_inserted, rows_updated, rows_deleted IS NULL FROM perf_optimizer.refresh('po_mv.sums', 'full') $$,
  $$ VALUES ('full', 100::bigint, 0::bigint, true) $$, 'full counts the new rows');

-- Duplicates and NULLs, which the server's CONCURRENTLY loses on 15.
CREATE TABLE po_mv.dups (a int, b text);
INSERT INTO po_mv.dups VALUES (NULL, NULL), (NULL, NULL), (1, NULL), (1, NULL), (1, 'x'), (1, 'x');
CREATE MATERIALIZED VIEW po_mv.dup_rows AS SELECT a, b FROM po_mv.dups;
INSERT INTO po_mv.dups VALUES (NULL, NULL), (1, NULL);
SELECT results_eq($$ SELECT rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh('po_mv.dup_rows') $$,
  $$ VALUES (2::bigint, 0::bigint, 0::bigint) $$, 'duplicates with NULLs are counted one by one');
SELECT is(pg_temp.differences('po_mv.dup_rows'), 0::bigint, 'no duplicate is lost');
DELETE FROM po_mv.dups WHERE ctid IN (SELECT min(ctid) FROM po_mv.dups GROUP BY a, b);
SELECT results_eq($$ SELECT rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh('po_mv.dup_rows') $$,
  $$ VALUES (0::bigint, 0::bigint, 3::bigint) $$, 'and removed one by one');
SELECT is(pg_temp.differences('po_mv.dup_rows'), 0::bigint, 'the view equals its query');
CREATE UNIQUE INDEX ON po_mv.dup_rows (a, b) WHERE a > 100;
CREATE INDEX ON po_mv.dup_rows (b);
SELECT is((SELECT rows_inserted + rows_updated + rows_deleted FROM perf_optimizer.refresh('po_mv.dup_rows')), 0::bigint,
  'NULL keys are not written again');

-- What equality does not see.
CREATE MATERIALIZED VIEW po_mv.images AS SELECT id, v, ci FROM po_mv.base WHERE id <= 10;
CREATE UNIQUE INDEX ON po_mv.images (id);
CREATE INDEX ON po_mv.images (ci);
UPDATE po_mv.base SET v = 1.00 WHERE id = 1;
UPDATE po_mv.base SET v = 1.000, ci = upper(ci::text) WHERE id IN (1, 4);
SELECT results_eq($$ SELECT rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh('po_mv.images') $$,
  $$ VALUES (0::bigint, 2::bigint, 0::bigint) $$, '1 that became 1.000 and a changed case are noticed');
SELECT is(pg_temp.differences('po_mv.images'), 0::bigint, 'the view has the new images');
SELECT ok(pg_temp.indexes_are_clean('po_mv.images'), 'its indexes are clean');

-- Values out of line and compressed.
UPDATE po_mv.base SET big = repeat(md5(id::text), 1000) WHERE id <= 20;
UPDATE po_mv.base SET big = (SELECT string_agg(md5((id * i)::text), '') FROM generate_series(1, 500) i) WHERE id BETWEEN 21 AND 40;
CREATE MATERIALIZED VIEW po_mv.toasted AS SELECT id, big FROM po_mv.base WHERE id <= 50;
CREATE UNIQUE INDEX ON po_mv.toasted (id);
SELECT is((SELECT rows_inserted + rows_updated + rows_deleted FROM perf_optimizer.refresh('po_mv.toasted')), 0::bigint,
  'equal toasted values are equal');
UPDATE po_mv.base SET big = big || 'x' WHERE id IN (5, 25);
UPDATE po_mv.base SET big = NULL WHERE id = 26;
SELECT results_eq($$ SELECT rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh('po_mv.toasted') $$,
  $$ VALUES (0::bigint, 3::bigint, 0::bigint) $$, 'changed ones are updated');
DELETE FROM po_mv.base WHERE id = 25;
VACUUM po_mv.base;
SELECT is(pg_temp.differences('po_mv.toasted'), 1::bigint, 'the values are the view''s own copies');
SELECT is((SELECT rows_deleted FROM perf_optimizer.refresh('po_mv.toasted')), 1::bigint, 'and the row goes when it should');

-- Exchanges of unique keys, expression and NULLS NOT DISTINCT indexes.
CREATE TABLE po_mv.pairs (id int PRIMARY KEY, k int, name text);
INSERT INTO po_mv.pairs SELECT i, i, 'n' || i FROM generate_series(1, 50) i;
CREATE MATERIALIZED VIEW po_mv.exchanged AS SELECT id, k, name FROM po_mv.pairs;
CREATE UNIQUE INDEX ON po_mv.exchanged (k);
CREATE UNIQUE INDEX ON po_mv.exchanged (lower(name));
CREATE UNIQUE INDEX ON po_mv.exchanged ((k + 1), name) NULLS NOT DISTINCT WHERE id < 1000;
UPDATE po_mv.pairs SET k = 51 - k;
UPDATE po_mv.pairs SET name = 'n' || (id % 50 + 1);
SELECT lives_ok($$ SELECT perf_optimizer.refresh('po_mv.exchanged') $$, 'keys change hands without a conflict');
SELECT is(pg_temp.differences('po_mv.exchanged'), 0::bigint, 'the view equals its query');
SELECT ok(pg_temp.indexes_are_clean('po_mv.exchanged'), 'its indexes are clean');
UPDATE po_mv.pairs SET k = 1 WHERE id <= 2;
SELECT throws_ok($$ SELECT perf_optimizer.refresh('po_mv.exchanged') $$, '23505', NULL, 'duplicates against a unique index are an error');
SELECT is(count(*), 50::bigint, 'which leaves the view as it was') FROM po_mv.exchanged;

-- Within a small memory: many parts, all spilling.
CREATE TABLE po_mv.many AS SELECT i AS id, i % 7 AS g, md5(i::text) AS t FROM generate_series(1, 30000) i;
CREATE MATERIALIZED VIEW po_mv.many_rows AS SELECT * FROM po_mv.many;
CREATE UNIQUE INDEX ON po_mv.many_rows (id);
CREATE MATERIALIZED VIEW po_mv.alike AS SELECT g FROM po_mv.many;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
UPDATE po_mv.many SET t = t || 'x' WHERE id % 3 = 0;
DELETE FROM po_mv.many WHERE id % 10 = 1;
INSERT INTO po_mv.many SELECT i, i % 7, md5(i::text) FROM generate_series(30001, 33000) i;
SELECT ok(rows_inserted >= 3000 AND rows_deleted >= 3000 AND rows_inserted + rows_updated = 3000 + 9000,
  'many parts: the changes are complete') FROM perf_optimizer.refresh('po_mv.many_rows');
SELECT is(pg_temp.differences('po_mv.many_rows'), 0::bigint, 'the view equals its query');
SELECT ok(pg_temp.indexes_are_clean('po_mv.many_rows'), 'its index is clean');
SELECT ok((SELECT rows_inserted + rows_deleted > 0 FROM perf_optimizer.refresh('po_mv.alike')), 'thousands of equal rows cannot be split');
SELECT is(pg_temp.differences('po_mv.alike'), 0::bigint, 'and come out right');
SELECT is((SELECT rows_inserted + rows_updated + rows_deleted FROM perf_optimizer.refresh('po_mv.alike')), 0::bigint, 'and are not written again');
RESET work_mem;
RESET hash_mem_multiplier;

-- Random changes, random modes.
CREATE TABLE po_mv.random_base (id serial, k int, g int, n numeric, t text);
CREATE MATERIALIZED VIEW po_mv.random_groups AS
  SELECT k, g, count(*) AS c, sum(n) AS s, max(t) AS m FROM po_mv.random_base GROUP BY k, g;
CREATE UNIQUE INDEX ON po_mv.random_groups (k, g);
CREATE INDEX ON po_mv.random_groups (s);
CREATE MATERIALIZED VIEW po_mv.random_rows AS SELECT k, n, t FROM po_mv.random_base;
CREATE INDEX ON po_mv.random_rows (k);
SELECT setseed(0.42);
DO $$
DECLARE
  modes text[] := '{auto,concurrent,concurrent,concurrent,full}';
  step int;
  target regclass;
  bad int := 0;
BEGIN
  FOR round IN 1 .. 60 LOOP
    FOR i IN 1 .. (random() * 4)::int LOOP
      step := (random() * 5)::int;
      IF step <= 1 THEN
        INSERT INTO po_mv.random_base (k, g, n, t)
        SELECT nullif((random() * 5)::int, 0), nullif((random() * 5)::int, 0), round((random() * 10)::numeric, (random() * 2)::int),
               CASE WHEN random() < 0.3 THEN NULL WHEN random() < 0.1 THEN repeat(md5(random()::text), 300) ELSE 'x' END
        FROM generate_series(1, (random() * 20)::int);
      ELSIF step = 2 THEN
        DELETE FROM po_mv.random_base WHERE random() < 0.2;
      ELSIF step = 3 THEN
        UPDATE po_mv.random_base SET k = nullif((random() * 5)::int, 0) WHERE random() < 0.2;
      ELSIF step = 4 THEN
        UPDATE po_mv.random_base SET n = n::numeric(20, 3), t = coalesce(t, 'y') WHERE random() < 0.3;
      ELSE
        UPDATE po_mv.random_base SET n = NULL, g = NULL WHERE random() < 0.1;
      END IF;
    END LOOP;
    FOREACH target IN ARRAY ARRAY['po_mv.random_groups', 'po_mv.random_rows']::regclass[] LOOP
      PERFORM perf_optimizer.refresh(target, modes[1 + (random() * 4)::int]);
      IF pg_temp.differences(target) <> 0 THEN
        bad := bad + 1;
      END IF;
    END LOOP;
  END LOOP;
  PERFORM set_config('po_test.bad', bad::text, false);
END $$;
SELECT is(current_setting('po_test.bad'), '0', 'random changes: the view equals its query each time');
SELECT ok(pg_temp.indexes_are_clean('po_mv.random_groups') AND pg_temp.indexes_are_clean('po_mv.random_rows'), 'and the indexes are clean');

-- Transactions.
SELECT perf_optimizer.refresh('po_mv.sums') IS NULL AS x \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT ok(count(*) > 0, 'a snapshot is taken') FROM po_mv.sums;
UPDATE po_mv.base SET v = v + 5 WHERE grp = 7;
SELECT is((SELECT rows_updated FROM perf_optimizer.refresh('po_mv.sums')), 1::bigint, 'own changes count, also at REPEATABLE READ');
SELECT is(pg_temp.differences('po_mv.sums'), 0::bigint, 'and are seen at once');
SELECT is((SELECT rows_updated FROM perf_optimizer.refresh('po_mv.sums')), 0::bigint, 'a second refresh in the transaction finds nothing');
ROLLBACK;
SELECT is(pg_temp.differences('po_mv.sums'), 0::bigint, 'ROLLBACK undoes the refresh');
BEGIN;
UPDATE po_mv.base SET v = v + 5 WHERE grp IN (8, 9);
SELECT is((SELECT count(*) FROM (VALUES (1), (2)) t (i), LATERAL perf_optimizer.refresh('po_mv.sums', CASE WHEN i > 0 THEN 'concurrent' END) r),
  2::bigint, 'two refreshes in one statement');
SELECT is(pg_temp.differences('po_mv.sums'), 0::bigint, 'leave the right rows');
ROLLBACK;
BEGIN READ ONLY;
SELECT throws_ok($$ SELECT perf_optimizer.refresh('po_mv.sums') $$, '25006', NULL, 'a read-only transaction refuses');
ROLLBACK;

-- Population.
CREATE MATERIALIZED VIEW po_mv.empty AS SELECT grp FROM po_mv.base WITH NO DATA;
SELECT is(finding, 'never populated: reading it is an error until the first refresh', 'an unpopulated view is a finding')
  FROM perf_optimizer.matview_status WHERE matview = 'po_mv.empty'::regclass;
SELECT ok(stale, 'and stale') FROM perf_optimizer.matview_status WHERE matview = 'po_mv.empty'::regclass;
SELECT results_eq($$ SELECT mode_used, reason FROM perf_optimizer.refresh('po_mv.empty', 'concurrent') $$,
  $$ VALUES ('full', 'the view has not been populated yet') $$, 'it is populated in full');
SELECT is((SELECT mode_used FROM perf_optimizer.refresh('po_mv.empty')), 'concurrent', 'and then refreshed in place');

-- Identity: the query and index expressions run as the owner, restricted.
GRANT CREATE ON SCHEMA po_mv TO po_test_owner;
GRANT SELECT ON po_mv.base TO po_test_owner;
SET ROLE po_test_owner;
CREATE FUNCTION po_mv.who() RETURNS text LANGUAGE sql STABLE AS 'SELECT current_user::text';
CREATE FUNCTION po_mv.sneak() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE sneaked (i int); RETURN 1; END $$;
CREATE MATERIALIZED VIEW po_mv.owned AS SELECT po_mv.who() AS who, count(*) AS n FROM po_mv.base;
CREATE MATERIALIZED VIEW po_mv.sneaky AS SELECT po_mv.sneak() WITH NO DATA;
RESET ROLE;
SELECT is((SELECT mode_used FROM perf_optimizer.refresh('po_mv.owned')), 'concurrent', 'a superuser refreshes another''s view');
SELECT is(who, 'po_test_owner', 'as its owner') FROM po_mv.owned;
SELECT is(current_user::text, 'postgres', 'and is himself again');
SELECT throws_ok($$ SELECT perf_optimizer.refresh('po_mv.sneaky') $$, '42501', NULL, 'restricted as in REFRESH');
SELECT is(current_user::text, 'postgres', 'and is himself again after an error');
SET ROLE po_test_owner;
SELECT is((SELECT mode_used FROM perf_optimizer.refresh('po_mv.owned', 'full')), 'full', 'the owner may refresh');
SELECT throws_ok($$ DELETE FROM perf_optimizer.matview_state $$, '42501', NULL, 'but not write our state');
SELECT ok(last_refresh IS NOT NULL, 'which the status view shows him')
  FROM perf_optimizer.matview_status WHERE matview = 'po_mv.owned'::regclass;
SET ROLE po_test_other;
SELECT throws_ok($$ SELECT perf_optimizer.refresh(oid) FROM pg_class WHERE relname = 'owned' $$, '42501', NULL, 'others may not refresh');
SELECT ok(count(*) > 0, 'but see the status') FROM perf_optimizer.matview_status;
RESET ROLE;

-- Errors.
SELECT throws_ok($$ SELECT perf_optimizer.refresh('po_mv.base') $$, '42809', NULL, 'a table is not a materialized view');
SELECT throws_ok($$ SELECT perf_optimizer.refresh('po_mv.nowhere') $$, '42P01', NULL, 'an unknown name');
SELECT throws_ok($$ SELECT perf_optimizer.refresh(0::regclass) $$, '42P01', NULL, 'an OID that is nothing');
SELECT throws_ok($$ SELECT perf_optimizer.refresh(NULL) $$, '22004', NULL, 'a NULL view');
SELECT throws_ok($$ SELECT perf_optimizer.refresh('po_mv.sums', NULL) $$, '22004', NULL, 'a NULL mode');
SELECT throws_ok($$ SELECT perf_optimizer.refresh('po_mv.sums', 'fast') $$, '22023', NULL, 'an unknown mode');
SELECT throws_ok($$ SELECT perf_optimizer.refresh('po_mv.sums', 'incremental') $$, '55000', NULL, 'incremental is refused');

-- Suggested keys, each run as it stands.
CREATE TABLE po_mv."Mixed" ("Id" int PRIMARY KEY, "select" text, at timestamptz);
CREATE VIEW po_mv.plain AS SELECT "Id" AS id, "select" FROM po_mv."Mixed";
CREATE MATERIALIZED VIEW po_mv."K1" AS SELECT date_trunc('month', at) AS "Month", "select", count(*) FROM po_mv."Mixed" GROUP BY 2, 1;
CREATE MATERIALIZED VIEW po_mv.k2 AS SELECT DISTINCT "select" FROM po_mv."Mixed";
CREATE MATERIALIZED VIEW po_mv.k3 AS SELECT id, "select" FROM po_mv.plain;
CREATE MATERIALIZED VIEW po_mv.k9 AS SELECT "Id" FROM po_mv."Mixed";
CREATE MATERIALIZED VIEW po_mv.k4 AS SELECT count(*) FROM po_mv."Mixed" GROUP BY "select";
CREATE MATERIALIZED VIEW po_mv.k5 AS SELECT 1 AS a, 2 AS b UNION SELECT 3, 4;
CREATE MATERIALIZED VIEW po_mv.k6 AS SELECT a.id, b."Id" AS other FROM po_mv.base a JOIN po_mv."Mixed" b ON true;
CREATE MATERIALIZED VIEW po_mv.k7 AS SELECT DISTINCT ON ("select") "Id", "select" FROM po_mv."Mixed" ORDER BY "select", at;
CREATE MATERIALIZED VIEW po_mv.k8 AS SELECT "select", "Id", generate_series(1, 2) FROM po_mv."Mixed" GROUP BY 1, 2;
SELECT results_eq($$ SELECT matview::text, suggested_sql FROM perf_optimizer.matview_status
                     WHERE matview::text ~ '(k[1-8]|K1)"?$' ORDER BY lower(trim(both '"' from split_part(matview::text, '.', 2))) $$,
  $$ VALUES ('po_mv."K1"', 'CREATE UNIQUE INDEX CONCURRENTLY ON po_mv."K1" ("select", "Month")'),
            ('po_mv.k2', 'CREATE UNIQUE INDEX CONCURRENTLY ON po_mv.k2 ("select")'),
            ('po_mv.k3', 'CREATE UNIQUE INDEX CONCURRENTLY ON po_mv.k3 (id)'),
            ('po_mv.k4', 'SELECT * FROM perf_optimizer.refresh(''po_mv.k4'', ''concurrent'')'),
            ('po_mv.k5', 'CREATE UNIQUE INDEX CONCURRENTLY ON po_mv.k5 (a, b)'),
            ('po_mv.k6', 'SELECT * FROM perf_optimizer.refresh(''po_mv.k6'', ''concurrent'')'),
            ('po_mv.k7', 'CREATE UNIQUE INDEX CONCURRENTLY ON po_mv.k7 ("select")'),
            ('po_mv.k8', 'SELECT * FROM perf_optimizer.refresh(''po_mv.k8'', ''concurrent'')') $$,
  'the keys that the queries prove, and no others');
SELECT throws_ok($$ REFRESH MATERIALIZED VIEW CONCURRENTLY po_mv."K1" $$, '55000', NULL, 'without the index CONCURRENTLY fails');
SELECT suggested_sql FROM perf_optimizer.matview_status WHERE matview = 'po_mv."K1"'::regclass \gset
\o /dev/null
:suggested_sql;
\o
SELECT lives_ok($$ REFRESH MATERIALIZED VIEW CONCURRENTLY po_mv."K1" $$, 'with it CONCURRENTLY works');
SELECT is(unique_index, 'po_mv."K1_select_Month_idx"', 'and the status names it')
  FROM perf_optimizer.matview_status WHERE matview = 'po_mv."K1"'::regclass AND finding IS NULL AND suggested_sql IS NULL;
SELECT matches(finding, 'NULL', 'NULL keys are pointed out') FROM perf_optimizer.matview_status WHERE matview = 'po_mv.k2'::regclass;
SELECT doesnt_match(finding, 'NULL', 'but not for a primary key') FROM perf_optimizer.matview_status WHERE matview = 'po_mv.k9'::regclass;
SELECT is(depends_on, ARRAY['po_mv."Mixed"']::regclass[], 'dependencies are found through views')
  FROM perf_optimizer.matview_status WHERE matview = 'po_mv.k3'::regclass;

-- Staleness and identity of the state.
SELECT ok(stale IS NULL, 'unknown before our first refresh') FROM perf_optimizer.matview_status WHERE matview = 'po_mv.k3'::regclass;
SELECT perf_optimizer.refresh('po_mv.k3') IS NULL AS x \gset
SELECT ok(NOT stale, 'fresh after it') FROM perf_optimizer.matview_status WHERE matview = 'po_mv.k3'::regclass;
INSERT INTO po_mv."Mixed" VALUES (1);
SELECT ok(stale, 'stale after a write') FROM perf_optimizer.matview_status WHERE matview = 'po_mv.k3'::regclass;
TRUNCATE po_mv."Mixed";
SELECT ok(stale IS NULL, 'unknown after TRUNCATE') FROM perf_optimizer.matview_status WHERE matview = 'po_mv.k3'::regclass;

SELECT * FROM finish();
DROP SCHEMA po_mv CASCADE;
DROP ROLE po_test_owner, po_test_other;
