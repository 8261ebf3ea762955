-- refresh_in_order: what is read comes before what reads it; indexes that incremental refresh lacks.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(24);

CREATE ROLE po_test_order;
CREATE SCHEMA po_order;
SET client_min_messages = warning;
SET search_path = po_order, public;

-- A diamond: bottom reads left and right (through a plain view), both read top.
CREATE TABLE t (id int PRIMARY KEY, k int, d timestamp, s text, n numeric);
INSERT INTO t SELECT i, i, '2024-01-01'::timestamp + i * interval '1 minute', 'T' || i % 100, i FROM generate_series(1, 25000) AS i;
CREATE MATERIALIZED VIEW top AS SELECT k, lower(s) AS l, sum(n) AS n FROM t GROUP BY k, lower(s);
CREATE MATERIALIZED VIEW "Left" AS SELECT k % 10 AS k, sum(n) AS n FROM top GROUP BY k % 10;
CREATE MATERIALIZED VIEW "right" AS SELECT k % 10 AS k, count(*) AS c FROM top GROUP BY k % 10;
CREATE VIEW between_them AS SELECT k, c + 1 AS c FROM "right";
CREATE MATERIALIZED VIEW bottom AS SELECT l.k, l.n, r.c FROM "Left" l JOIN between_them r USING (k);
CREATE MATERIALIZED VIEW alone AS SELECT 1 AS one;
CREATE FUNCTION order_of(views regclass[]) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(matview::text, ' ') FROM perf_optimizer.refresh_in_order(views) $$;

SELECT is(order_of('{bottom}'), 'top "Left" "right" bottom', 'what it reads comes first, each once');
SELECT is(order_of('{bottom,alone,top,bottom}'), 'top "Left" "right" bottom alone', 'given views too');
SELECT is(order_of('{top}'), 'top', 'what reads it is left alone');
SELECT is(order_of('{}'), NULL, 'none');
UPDATE t SET n = n + 1 WHERE id = 7;
SELECT is(mode_used, 'concurrent', 'refreshed') FROM perf_optimizer.refresh_in_order('{bottom}') WHERE matview = 'bottom'::regclass;
SELECT is(sum(n), (SELECT sum(n) FROM t), 'the change has come through') FROM bottom;
SELECT is(string_agg(mode_used, ' '), 'full full full full', 'the mode is that of each') FROM perf_optimizer.refresh_in_order('{bottom}', 'full');

-- Incremental ones feed each other in one call.
SELECT perf_optimizer.enable_incremental(v::regclass) IS NULL AS x FROM unnest('{top,"\"Left\"",right,bottom}'::text[]) AS v \g /dev/null
SELECT order_of('{bottom}') IS NULL AS x \gset
SELECT order_of('{bottom}') IS NULL AS x \gset
UPDATE t SET n = n + 1, s = 'T200' WHERE id BETWEEN 20 AND 25;
SELECT is(string_agg(mode_used, ' '), 'incremental incremental incremental incremental', 'by what changed') FROM perf_optimizer.refresh_in_order('{bottom}');
SELECT is(sum(n), (SELECT sum(n) FROM t), 'through all of them') FROM bottom;
SELECT is(sum(c)::bigint, (SELECT count(DISTINCT (k, lower(s))) + 10 FROM t), 'on both sides') FROM bottom;

-- All that one may refresh.
SELECT throws_ok($$ SELECT perf_optimizer.refresh_in_order('{t}') $$, '42809', NULL, 'not a materialized view');
SELECT throws_ok($$ SELECT perf_optimizer.refresh_in_order('{top,NULL}') $$, '22004', NULL, 'a NULL');
SELECT throws_ok($$ SELECT perf_optimizer.refresh_in_order('{top}', 'quick') $$, '22023', NULL, 'an unknown mode');
GRANT USAGE, CREATE ON SCHEMA po_order TO po_test_order;
ALTER MATERIALIZED VIEW alone OWNER TO po_test_order;
SET ROLE po_test_order;
SELECT is(order_of(NULL), 'alone', 'NULL means those that one may refresh');
SELECT throws_ok($$ SELECT perf_optimizer.refresh_in_order('{top}') $$, '42501', NULL, 'no right');
RESET ROLE;
SELECT ok(order_of(NULL) LIKE '%top%"Left" "right" %bottom%', 'all');

-- Indexes that incremental refresh lacks, and room in pages.
CREATE UNIQUE INDEX ON top (k, l);
ANALYZE t;
ANALYZE top;
SELECT is(suggested_sql, 'CREATE INDEX CONCURRENTLY ON po_order.t (k, (lower(s)))', 'the table needs an index') FROM perf_optimizer.matview_status WHERE matview = 'top'::regclass;
CREATE INDEX partial ON t (k, lower(s)) WHERE k > 3;
CREATE INDEX other ON t (lower(s), n, k);
SELECT is(suggested_sql, 'CREATE INDEX CONCURRENTLY ON po_order.t (k, (lower(s)))', 'not such ones') FROM perf_optimizer.matview_status WHERE matview = 'top'::regclass;
CREATE INDEX good ON t (lower(s), k, n);
SELECT is(suggested_sql, 'ALTER MATERIALIZED VIEW po_order.top SET (fillfactor = 90)', 'the other order will do') FROM perf_optimizer.matview_status WHERE matview = 'top'::regclass;
ALTER MATERIALIZED VIEW top SET (fillfactor = 90);
SELECT is(finding, NULL, 'nothing left to say') FROM perf_optimizer.matview_status WHERE matview = 'top'::regclass;
CREATE MATERIALIZED VIEW months AS SELECT k, date_trunc('month', d) AS month, count(*) AS c FROM t GROUP BY 1, 2;
SELECT perf_optimizer.enable_incremental('months') IS NULL AS x \gset
CREATE UNIQUE INDEX ON months (k, month);
SELECT is(suggested_sql, 'CREATE INDEX CONCURRENTLY ON po_order.t (k, d)', 'what the key rises with comes last') FROM perf_optimizer.matview_status WHERE matview = 'months'::regclass;
CREATE INDEX ON t (d, k);
SELECT isnt(finding, NULL, 'not first') FROM perf_optimizer.matview_status WHERE matview = 'months'::regclass;
SELECT suggested_sql FROM perf_optimizer.matview_status WHERE matview = 'months'::regclass \gset
SELECT lives_ok(replace(:'suggested_sql', 'CONCURRENTLY ', ''), 'the suggestion runs');
SELECT is(count(*), 0::bigint, 'and helps') FROM perf_optimizer.matview_status WHERE matview = 'months'::regclass AND finding LIKE '%looks rows up%';

SELECT finish();
