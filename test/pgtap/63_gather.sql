-- Rows of changed keys, read through indexes of many kinds, of tables that are joined and of partitions: the view equals its query
-- after each round.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(81);

CREATE SCHEMA po_gather;
SET client_min_messages = warning;
SET search_path = po_gather, public;

\ir ../lib/refreshed.sql
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE TABLE t (gone int, id int PRIMARY KEY, k int, v varchar(10), s text, d small, n numeric, ts timestamp, tz timestamptz, day date, padding text);
ALTER TABLE t DROP COLUMN gone;
INSERT INTO t SELECT i, nullif(i % 40, 7), 'v' || i % 9, 'S' || i % 6, i % 8, i, '2024-01-01'::timestamp + i * interval '3 hours',
  '2024-01-01'::timestamptz + i * interval '2 hours', '2024-01-01'::date + i % 90, repeat('x', 200) FROM generate_series(1, 3000) AS i;
UPDATE t SET ts = date_trunc('month', ts), tz = NULL WHERE id % 50 = 0;
ANALYZE t;

CREATE MATERIALIZED VIEW by_k AS SELECT k, sum(n) AS n, count(*) AS c FROM t GROUP BY k;
CREATE MATERIALIZED VIEW by_text AS SELECT v, s, max(n) AS n FROM t WHERE n > 5 GROUP BY v, s;
CREATE MATERIALIZED VIEW by_domain AS SELECT d, count(*) AS c FROM t GROUP BY d;
CREATE MATERIALIZED VIEW by_month AS SELECT date_trunc('month', ts) AS m, count(*) AS c, sum(n) AS n FROM t GROUP BY 1;
CREATE MATERIALIZED VIEW by_day AS SELECT k, tz::date AS d, count(*) AS c FROM t GROUP BY 1, 2;
CREATE MATERIALIZED VIEW by_week AS SELECT date_trunc('week', day) AS w, s, count(*) AS c FROM t GROUP BY 1, 2;
CREATE MATERIALIZED VIEW by_lower AS SELECT lower(s) AS l, k + 1 AS k1, avg(n) AS a FROM t GROUP BY 1, 2;
CREATE MATERIALIZED VIEW rows_of AS SELECT k, s, n FROM t;
CREATE MATERIALIZED VIEW unioned AS SELECT k FROM t UNION ALL SELECT d::int FROM t;
-- Joined with another table, and with itself: keys of both, of one, of the other.
CREATE TABLE dims (k int PRIMARY KEY, label text, grp int);
INSERT INTO dims SELECT i, 'L' || i % 10, i % 3 FROM generate_series(0, 30) AS i;
ANALYZE dims;
CREATE MATERIALIZED VIEW joined AS SELECT t.k, d.label, sum(t.n) AS n FROM t JOIN dims d ON d.k = t.k GROUP BY t.k, d.label;
CREATE MATERIALIZED VIEW left_joined AS SELECT t.k, t.s, count(d.label) AS c FROM t LEFT JOIN dims d ON d.k = t.d GROUP BY t.k, t.s;
CREATE MATERIALIZED VIEW of_dims AS SELECT d.grp, d.label, count(t.id) AS c FROM t RIGHT JOIN dims d ON t.k = d.k GROUP BY d.grp, d.label;
CREATE MATERIALIZED VIEW with_next AS SELECT lower(x.s) AS l, y.k + 1 AS k1, count(*) AS c FROM t x JOIN t y ON y.id = x.id + 1 GROUP BY 1, 2;
-- Partitions, one with its columns in another order, one with partitions of its own.
CREATE TABLE p (id int, k int, ts timestamp, n numeric, s text) PARTITION BY RANGE (id);
CREATE TABLE p_low (s text, n numeric, gone int, ts timestamp, k int, id int);
ALTER TABLE p_low DROP COLUMN gone;
ALTER TABLE p ATTACH PARTITION p_low FOR VALUES FROM (0) TO (1000);
CREATE TABLE p_middle PARTITION OF p FOR VALUES FROM (1000) TO (2000) PARTITION BY LIST (s);
CREATE TABLE p_middle_0 PARTITION OF p_middle FOR VALUES IN ('S0');
CREATE TABLE p_middle_rest PARTITION OF p_middle DEFAULT;
CREATE TABLE p_rest PARTITION OF p DEFAULT;
INSERT INTO p SELECT id, k, ts, n, s FROM t;
ANALYZE p;
CREATE MATERIALIZED VIEW part_k AS SELECT k, sum(n) AS n, count(*) AS c FROM p GROUP BY k;
CREATE MATERIALIZED VIEW part_month AS SELECT lower(s) AS l, date_trunc('month', ts) AS m, count(*) AS c FROM p GROUP BY 1, 2;
CREATE MATERIALIZED VIEW part_joined AS SELECT p.k, d.label, min(p.n) AS n FROM dims d JOIN p ON p.k = d.k GROUP BY p.k, d.label;
CREATE MATERIALIZED VIEW part_rows AS SELECT id, s, n FROM p;
CREATE TABLE views (name text);
INSERT INTO views VALUES ('by_k'), ('by_text'), ('by_domain'), ('by_month'), ('by_day'), ('by_week'), ('by_lower'), ('rows_of'), ('unioned'),
  ('joined'), ('left_joined'), ('of_dims'), ('with_next'), ('part_k'), ('part_month'), ('part_joined'), ('part_rows');
SELECT perf_optimizer.enable_incremental(name::regclass) IS NULL AS x FROM views \g /dev/null
SELECT perf_optimizer.refresh(name::regclass) IS NULL AS x FROM views \g /dev/null

-- Changes of each kind: of values, between groups, to and from NULL, new rows, rows that go.
CREATE PROCEDURE change() LANGUAGE plpgsql AS $$
BEGIN
  UPDATE t SET n = n + 1 WHERE id % 211 = 0;
  UPDATE t SET k = 3, s = 's1', v = 'v1' WHERE id % 307 = 1;
  UPDATE t SET k = NULL, ts = ts + interval '1 month', tz = tz - interval '1 day' WHERE id % 401 = 2;
  UPDATE t SET k = 5, d = 2, day = day + 9 WHERE k IS NULL AND id % 2 = 0;
  INSERT INTO t SELECT max(id) + 1, 99, 'new', 'New', 99, 1, '2030-06-01', '2030-06-01 00:00+00', '2030-06-01', 'y' FROM t;
  DELETE FROM t WHERE id % 503 = 3;
  UPDATE dims SET label = label || 'x' WHERE k IN (3, 5, 30);
  DELETE FROM dims WHERE k = 12;
  INSERT INTO dims VALUES (12, 'back', 1);
  UPDATE p SET n = n + 1 WHERE id % 211 = 0;
  UPDATE p SET k = 3, ts = ts + interval '20 days', s = CASE WHEN s = 'S0' THEN 'S1' ELSE 'S0' END WHERE id % 307 = 1;
  UPDATE p SET id = id + 1000, k = NULL WHERE id % 401 = 2;
  DELETE FROM p WHERE id % 503 = 3;
END $$;

CALL change();
SELECT is(refreshed(name::regclass), 'incremental 0', name || ' without indexes') FROM views;
CREATE INDEX ON t (k);
CREATE INDEX ON t (v, s);
CREATE INDEX ON t (d DESC);
CREATE INDEX ON t (ts);
CREATE INDEX ON t (k, tz DESC);
CREATE INDEX ON t (s, day);
CREATE INDEX ON t (lower(s), (k + 1));
CREATE INDEX ON t ((k + 1));
CREATE INDEX ON dims (grp, label);
CREATE INDEX ON p (k) INCLUDE (n);
CREATE INDEX ON p (lower(s), ts);
CREATE INDEX ON p (id, s, n);
CALL change();
SELECT is(refreshed(name::regclass), 'incremental 0', name || ' with indexes') FROM views;
CALL change();
SET default_transaction_isolation = 'serializable';
SELECT is(refreshed(name::regclass), 'incremental 0', name || ' once more, serializable') FROM views;
RESET default_transaction_isolation;

-- Indexes that must not be taken: partial, of another collation or order, of another method.
DROP INDEX t_k_idx, t_k_tz_idx, t_v_s_idx, t_ts_idx;
CREATE INDEX ON t (k) WHERE n > 10;
CREATE INDEX ON t USING hash (k);
CREATE INDEX ON t (v COLLATE "C");
CREATE INDEX ON t (v text_pattern_ops);
CREATE INDEX ON t (n) INCLUDE (k);
CREATE INDEX ON t USING brin (ts);
DROP INDEX p_k_n_idx;
CREATE INDEX ON p_low (k);
CREATE INDEX ON p_rest (k) WHERE n > 5;
CALL change();
SELECT is(refreshed(name::regclass), 'incremental 0', name || ' with useless indexes') FROM views;

-- What the same transaction wrote, and what it rolled back.
CREATE INDEX ON t (k);
BEGIN;
UPDATE t SET n = n + 5 WHERE id BETWEEN 10 AND 20;
SAVEPOINT s;
UPDATE t SET k = 1 WHERE id BETWEEN 30 AND 40;
ROLLBACK TO s;
SELECT is(refreshed('by_k'), 'incremental 0', 'within the transaction');
COMMIT;
SELECT is(refreshed('by_k'), 'incremental 0', 'and after it');

-- An index that is not known to be whole for older snapshots, and one that is not valid.
BEGIN;
UPDATE t SET k = k + 1 WHERE id < 100;
CREATE INDEX fresh ON t (k, n);
DROP INDEX t_k_idx1;
SELECT is(refreshed('by_k'), 'incremental 0', 'an index made by the same transaction after its changes');
COMMIT;
SELECT is(refreshed('by_k'), 'incremental 0', 'later');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'fresh'::regclass;
UPDATE t SET n = n + 1 WHERE id < 100;
SELECT is(refreshed('by_k'), 'incremental 0', 'an invalid index');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'fresh'::regclass;
UPDATE t SET n = n + 1 WHERE id < 2000;
SELECT is(refreshed('by_k'), 'incremental 0', 'so many rows that all are read');
SELECT is(refreshed('by_month'), 'incremental 0', 'of all months');

-- An index that holds all columns of a view: rows on pages that everybody sees are read from it alone.  How many pages of the
-- table a refresh reads: those with the key, or those that changed since VACUUM.
CREATE FUNCTION pages(view regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  before bigint := pg_stat_get_xact_blocks_fetched('t'::regclass);
BEGIN
  PERFORM perf_optimizer.refresh(view, 'incremental');
  RETURN pg_stat_get_xact_blocks_fetched('t'::regclass) - before;
END $$;
DROP INDEX fresh;
CREATE INDEX ON t (k);
SELECT perf_optimizer.refresh('by_k') IS NULL AS x \g /dev/null
VACUUM t;
UPDATE t SET n = n + 1 WHERE id = 1000;
SELECT cmp_ok(pages('by_k'), '>', 30::bigint, 'the pages of one key''s rows');
CREATE INDEX ON t (k) INCLUDE (n);
VACUUM t;
UPDATE t SET n = n + 1 WHERE id = 1000;
SELECT cmp_ok(pages('by_k'), '<', 10::bigint, 'an index that holds all columns spares them');
CALL change();
SELECT is(refreshed('by_k'), 'incremental 0', 'after more changes');
VACUUM t;
DELETE FROM t WHERE k = 4 AND id % 3 = 0;
SELECT is(refreshed('by_k'), 'incremental 0', 'after a DELETE of rows that the index holds');
VACUUM t;
INSERT INTO t SELECT (jsonb_populate_record(t, jsonb_build_object('k', NULL, 'id', 10000 + id))).* FROM t WHERE k = 4;
SELECT is(refreshed('by_k'), 'incremental 0', 'and of keys that are NULL');
VACUUM t;
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE t SET k = 6 WHERE k = 5 AND id % 2 = 0;
SELECT is(refreshed('by_k'), 'incremental 0', 'serializable');
COMMIT;

SELECT finish();
