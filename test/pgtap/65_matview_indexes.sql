-- Indexes that incremental refresh lacks of tables that are joined or partitioned: each suggestion runs as it is printed, afterwards
-- there is none, and the next refresh reads the index.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(34);

CREATE SCHEMA po_idx;
CREATE SCHEMA "Odd";
SET client_min_messages = warning;
SET search_path = po_idx, public;
SET random_page_cost = 1.1;

CREATE TABLE fund (id int PRIMARY KEY, name varchar(20), region int, alias text, padding text);
INSERT INTO fund SELECT i, 'F' || i, i % 8, 'A' || i, repeat('x', 200) FROM generate_series(1, 5000) AS i;
CREATE TABLE "Odd"."Call" (id int PRIMARY KEY, "fundId" int, "userId" int, status int, due timestamp, fund_name text, amount numeric, padding text, tx xid);
INSERT INTO "Odd"."Call" SELECT i, 1 + i % 5000, i % 3000, i % 5, '2020-01-01'::timestamp + i * interval '1 hour', 'F' || (1 + i % 5000), i, repeat('x', 300)
  FROM generate_series(1, 40000) AS i;
CREATE TABLE part (id int, k int, kind int, label text, padding text) PARTITION BY RANGE (id);
CREATE TABLE part_low (padding text, label text, kind int, k int, id int);
ALTER TABLE part ATTACH PARTITION part_low FOR VALUES FROM (0) TO (8000);
CREATE TABLE part_middle PARTITION OF part FOR VALUES FROM (8000) TO (16000) PARTITION BY LIST (kind);
CREATE TABLE part_middle_0 PARTITION OF part_middle FOR VALUES IN (0);
CREATE TABLE part_middle_rest PARTITION OF part_middle DEFAULT;
CREATE TABLE "Part Rest" PARTITION OF part DEFAULT;
INSERT INTO part SELECT i, i % 2000, i % 4, 'L' || i, repeat('x', 200) FROM generate_series(1, 20000) AS i;

-- Registers a view whose keys are those of its unique index.
CREATE PROCEDURE make(view text, query text, key text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE MATERIALIZED VIEW %s AS %s', view, query);
  EXECUTE format('CREATE UNIQUE INDEX ON %s (%s)', view, key);
  EXECUTE format('ALTER MATERIALIZED VIEW %s SET (fillfactor = 90)', view);
  PERFORM perf_optimizer.enable_incremental(view::regclass);
  PERFORM perf_optimizer.refresh(view::regclass);
END $$;
CREATE FUNCTION suggested(view regclass) RETURNS text LANGUAGE sql AS
$$ SELECT suggested_sql FROM perf_optimizer.matview_status WHERE matview = view $$;
-- Refreshes after a change; returns the mode, in how many rows the view differs, and which indexes that match were read.
CREATE FUNCTION used_by(view regclass, change text, pattern text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  used text;
  n bigint;
  before jsonb;
  read text;
BEGIN
  SELECT jsonb_object_agg(oid, pg_stat_get_xact_numscans(oid)) INTO before FROM pg_class WHERE relkind = 'i' AND relname ~ pattern;
  EXECUTE change;
  SELECT mode_used INTO used FROM perf_optimizer.refresh(view, 'incremental');
  SELECT string_agg(relname, ' ' ORDER BY relname COLLATE "C") INTO read
    FROM pg_class WHERE relkind = 'i' AND relname ~ pattern AND pg_stat_get_xact_numscans(oid) > (before->>oid::text)::bigint;
  EXECUTE format('SELECT count(*) FROM ((TABLE %1$s EXCEPT ALL (%2$s)) UNION ALL ((%2$s) EXCEPT ALL TABLE %1$s)) d', view, rtrim(pg_get_viewdef(view), ';')) INTO n;
  RETURN concat_ws(' ', used, n, read);
END $$;


-- Keys of one table, and what the other is joined by.
CALL make('of_funds', 'SELECT f.id, f.name, count(*) AS c, sum(c.amount) AS amount FROM fund f JOIN "Odd"."Call" c ON c."fundId" = f.id GROUP BY f.id, f.name', 'id, name');
SELECT is(suggested('of_funds'), NULL, 'nothing is known of the tables'' size');
VACUUM ANALYZE fund, "Odd"."Call", part;
SELECT is(suggested('of_funds'), 'CREATE INDEX CONCURRENTLY ON "Odd"."Call" ("fundId")', 'rows are joined by this; the primary key finds those of the keys');
CREATE ROLE po_test_reader;
GRANT USAGE ON SCHEMA po_idx, "Odd" TO po_test_reader;
SET ROLE po_test_reader;
SELECT is(suggested('of_funds'), NULL, 'who may not see statistics is told nothing that hangs on them');
RESET ROLE;
DROP OWNED BY po_test_reader;
DROP ROLE po_test_reader;
SELECT suggested('of_funds') \gexec
SELECT is(suggested('of_funds'), NULL, 'that was all');
SELECT is(used_by('of_funds', $$ UPDATE fund SET name = name || 'x' WHERE id = 7 $$, '^Call_'), 'incremental 0 Call_fundId_idx', 'it is read');
SELECT is(used_by('of_funds', $$ UPDATE "Odd"."Call" SET amount = 1, "fundId" = 9 WHERE id = 70 $$, '^(Call_|fund_)'), 'incremental 0 Call_fundId_idx Call_pkey fund_pkey', 'also when the other table changes');

-- Keys of two tables; a column of few values is none to look rows up by; a type that changes without its values.
CALL make('of_users', 'SELECT c."userId", g.region, count(*) AS c, max(f.alias) AS alias FROM "Odd"."Call" c JOIN fund g ON g.id = c."fundId" LEFT JOIN fund f ON f.name = c.fund_name GROUP BY c."userId", g.region', '"userId", region');
SELECT is(suggested('of_users'), 'CREATE INDEX CONCURRENTLY ON "Odd"."Call" ("userId")', 'part of the keys');
SELECT suggested('of_users') \gexec
SELECT is(suggested('of_users'), 'CREATE INDEX CONCURRENTLY ON "Odd"."Call" (fund_name)', 'what a left join compares');
SELECT suggested('of_users') \gexec
SELECT is(suggested('of_users'), 'CREATE INDEX CONCURRENTLY ON po_idx.fund (name)', 'on both sides');
SELECT suggested('of_users') \gexec
SELECT is(suggested('of_users'), NULL, 'the region has few values');
SELECT is(used_by('of_users', $$ UPDATE "Odd"."Call" SET "userId" = 3 WHERE id = 80 $$, '^Call_userId|^fund_name'), 'incremental 0 Call_userId_idx fund_name_idx', 'they are read');
SELECT is(used_by('of_users', $$ UPDATE fund SET alias = 'new' WHERE id = 80 $$, '^Call_fund_name'), 'incremental 0 Call_fund_name_idx', 'for a row of the other table');

-- What a key rises with; a join by columns of few values; a plain view between; indexes of another order.
CALL make('of_months', 'SELECT f.region, date_trunc(''month'', c.due) AS m, count(*) AS c FROM "Odd"."Call" c JOIN fund f ON f.id = c."fundId" GROUP BY 1, 2', 'region, m');
SELECT is(suggested('of_months'), 'CREATE INDEX CONCURRENTLY ON "Odd"."Call" (due)', 'the bounds of a month');
SELECT suggested('of_months') \gexec
SELECT is(suggested('of_months'), NULL, 'all that it takes');
SELECT is(used_by('of_months', $$ UPDATE "Odd"."Call" SET due = '2021-05-06' WHERE id = 90 $$, '^Call_due'), 'incremental 0 Call_due_idx', 'it is read');
CREATE TABLE statuses (status int PRIMARY KEY, name text);
INSERT INTO statuses SELECT i, 'S' || i FROM generate_series(0, 4) AS i;
CALL make('of_statuses', 'SELECT s.name, count(*) AS c FROM "Odd"."Call" c JOIN statuses s USING (status) GROUP BY s.name', 'name');
SELECT is(suggested('of_statuses'), NULL, 'an index of few values would not be read');
CREATE VIEW named AS SELECT id AS fund, alias AS known_as FROM fund;
CALL make('of_names', 'SELECT n.known_as, count(*) AS c FROM named n JOIN "Odd"."Call" c ON n.fund = c."fundId" GROUP BY n.known_as', 'known_as');
CREATE INDEX ON fund (alias text_pattern_ops);
CREATE INDEX ON fund (alias COLLATE "C");
CREATE INDEX ON fund (alias) WHERE id > 3;
SELECT is(suggested('of_names'), 'CREATE INDEX CONCURRENTLY ON po_idx.fund (alias)', 'columns of a view are those of its table, and no other index serves');
SELECT suggested('of_names') \gexec
SELECT is(suggested('of_names'), NULL, 'that was all');
SELECT is(used_by('of_names', $$ DELETE FROM "Odd"."Call" WHERE id = 100 $$, '^fund_alias_idx3'), 'incremental 0 fund_alias_idx3', 'it is read');

-- One table: a function that no search_path finds, keys that no index can be on, a unique index of some of the keys.
CREATE FUNCTION half(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1 / 2;
CALL make('of_halves', 'SELECT half(id) AS h, count(*) AS c FROM fund GROUP BY 1', 'h');
SELECT is(suggested('of_halves'), 'CREATE INDEX CONCURRENTLY ON po_idx.fund ((po_idx.half(id)))', 'an expression');
SET search_path = pg_catalog;
SELECT po_idx.suggested('po_idx.of_halves') \gexec
SET search_path = po_idx, public;
SELECT is(suggested('of_halves'), NULL, 'runs as printed');
SELECT is(used_by('of_halves', $$ DELETE FROM fund WHERE id = 4999 $$, '^fund_half'), 'incremental 0 fund_half_idx', 'it is read');
CALL make('of_years', 'SELECT to_char(due, ''YYYY'') AS y, fund_name COLLATE "C" AS n, count(*) AS c FROM "Odd"."Call" GROUP BY 1, 2', 'y, n');
SELECT is(suggested('of_years'), NULL, 'no index can be on an expression that settings change, and none serves another collation');
CREATE MATERIALIZED VIEW of_transactions AS SELECT tx, status, count(*) AS c FROM "Odd"."Call" GROUP BY 1, 2;
SELECT perf_optimizer.enable_incremental('of_transactions') IS NULL AS x \gset
SELECT is(x.relation::text || ' ' || x.columns, '"Odd"."Call" status', 'nor on a type without order')
  FROM perf_optimizer.matview_tracking t CROSS JOIN LATERAL perf_optimizer.matview_missing_index(t.lookups) x WHERE t.matview = 'of_transactions'::regclass;
CALL make('of_ids', 'SELECT id, region, count(*) AS c FROM fund GROUP BY 1, 2', 'id, region');
SELECT is(suggested('of_ids'), NULL, 'a unique index of some of the keys finds a row');

-- Partitions.
CALL make('of_parts', 'SELECT k, count(*) AS c, max(label) AS label FROM part GROUP BY k', 'k');
CREATE INDEX ON part_low (k);
SELECT is(finding || '; ' || suggested_sql, 'incremental refresh looks rows up in po_idx.part, where not every partition has an index that begins with: k; CREATE INDEX ON po_idx.part (k)',
  'an index of all partitions') FROM perf_optimizer.matview_status WHERE matview = 'of_parts'::regclass;
SELECT suggested('of_parts') \gexec
SELECT is(suggested('of_parts'), NULL, 'that was all');
SELECT is(used_by('of_parts', $$ UPDATE part SET label = 'Z' WHERE id IN (50, 9000, 17000) $$, '^[Pp]art.*_k_idx'),
  'incremental 0 Part Rest_k_idx part_low_k_idx part_middle_0_k_idx part_middle_rest_k_idx', 'they are read');
DROP INDEX part_k_idx;
CREATE INDEX ON part_low (k);
CREATE INDEX ON part_middle (k, label);
SELECT is(suggested('of_parts'), 'CREATE INDEX ON po_idx.part (k)', 'one partition lacks an index');
CREATE UNIQUE INDEX ON "Part Rest" (k, id);
SELECT is(suggested('of_parts'), NULL, 'each has one, if another');
SELECT is(used_by('of_parts', $$ UPDATE part SET label = 'Y' WHERE id IN (51, 9001, 17001) $$, '^[Pp]art.*_k_(id_|label_)?idx'),
  'incremental 0 Part Rest_k_id_idx part_low_k_idx part_middle_0_k_label_idx part_middle_rest_k_label_idx', 'they are read');
CALL make('of_kinds', 'SELECT p.kind, p.k, count(f.alias) AS c FROM part p JOIN fund f ON f.id = p.k GROUP BY 1, 2', 'kind, k');
SELECT is(suggested('of_kinds'), 'CREATE INDEX ON po_idx.part (k, kind)', 'key and join in one index');
SELECT suggested('of_kinds') \gexec
SELECT is(suggested('of_kinds'), NULL, 'that was all');
SELECT is(suggested('of_parts'), NULL, 'also for the other view');

SELECT finish();
