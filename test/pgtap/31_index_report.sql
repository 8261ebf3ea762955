-- index_report: each rule where it fires and where it stays quiet; partitions; other nodes; errors and privileges.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(61);
CREATE EXTENSION pgstattuple;
CREATE SCHEMA "po Test";
SET search_path = "po Test", public;

-- Rules found for an index, or for a constraint by its name, in alphabetical order.
CREATE FUNCTION rules(rel regclass, name text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(rule, ',' ORDER BY rule) FROM perf_optimizer.index_report(rel)
    WHERE coalesce(index::text, message) ~ ('(^|[". ])' || name || '($|[" ])') $$;

CREATE TABLE t (id int PRIMARY KEY, a int, b int, c text, flag boolean, half boolean, n int, m int, d date);
INSERT INTO t SELECT g, g % 100, g % 1000, 'c' || g, g % 50 = 0, g % 2 = 0, CASE WHEN g % 10 = 0 THEN g END, g, date '2024-01-01' + g % 300 FROM generate_series(1, 20000) g;
CREATE INDEX t_a1 ON t (a, b);
CREATE INDEX t_a2 ON t (a, b);
CREATE UNIQUE INDEX t_id2 ON t (id);
CREATE INDEX t_id3 ON t (id);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_a_desc ON t (a DESC);
CREATE INDEX t_ab_inc ON t (a, b) INCLUDE (c);
CREATE INDEX t_a_part ON t (a) WHERE b = 5;
CREATE INDEX t_a_part2 ON t (a) WHERE b = 6;
CREATE INDEX t_a_hash ON t USING hash (a);
CREATE INDEX t_c ON t (c);
CREATE INDEX t_c_pattern ON t (c text_pattern_ops);
CREATE INDEX t_c_collate ON t (c COLLATE "C", d);
CREATE INDEX t_lower ON t (lower(c));
CREATE INDEX t_lower2 ON t (lower(c));
CREATE INDEX t_upper ON t (upper(c));
CREATE INDEX t_flag ON t (flag);
CREATE INDEX t_half ON t (half);
CREATE INDEX t_flag_d ON t (flag, d);
CREATE INDEX t_n ON t (n);
CREATE INDEX t_n_part ON t (n) WHERE n IS NOT NULL;
CREATE INDEX t_m ON t (m);
CREATE INDEX t_bd ON t (b, d DESC);
CREATE INDEX t_bd_mixed ON t (b DESC, d DESC);
ALTER TABLE t ADD CONSTRAINT t_uq UNIQUE (m), ADD CONSTRAINT t_uq2 UNIQUE (m);
VACUUM ANALYZE t;
SELECT ok(rules('t', i) ~ r, i || ': ' || r) FROM (VALUES
    ('t_a2', 'duplicate-index'), ('t_id2', 'duplicate-index'), ('t_id3', 'duplicate-index'), ('t_lower2', 'duplicate-index'), ('t_uq2', 'duplicate-index'), ('t_m', 'duplicate-index'),
    ('t_a', 'redundant-index'), ('t_a_desc', 'redundant-index'), ('t_a1', 'redundant-index'),
    ('t_flag', 'boolean-index'), ('t_half', 'boolean-index'), ('t_n', 'mostly-null-index'), ('t_c', 'unused-index')) v(i, r);
SELECT ok(coalesce(rules('t', i), '') !~ r, i || ': no ' || r) FROM (VALUES
    ('t_a1', 'duplicate'), ('t_lower', 'duplicate'), ('t_uq', 'duplicate'), ('t_pkey', '.'), ('t_a_part', 'duplicate|redundant'), ('t_a_part2', 'duplicate|redundant'), ('t_a_hash', 'duplicate|redundant'),
    ('t_c', 'duplicate|redundant'), ('t_c_pattern', 'duplicate|redundant'), ('t_upper', 'duplicate|redundant'), ('t_ab_inc', 'duplicate|redundant'), ('t_flag_d', 'boolean'), ('t_n_part', 'mostly-null'),
    ('t_bd', 'redundant|duplicate'), ('t_bd_mixed', 'redundant|duplicate'), ('t_uq', 'unused')) v(i, r);
SELECT is((SELECT suggested_sql FROM perf_optimizer.index_report('t') WHERE index = 't_half'::regclass AND rule = 'boolean-index'), 'DROP INDEX CONCURRENTLY "po Test".t_half', 'neither value is rare');
SELECT is((SELECT suggested_sql FROM perf_optimizer.index_report('t') WHERE index = 't_flag'::regclass AND rule = 'boolean-index'), 'CREATE INDEX CONCURRENTLY ON "po Test".t (flag) WHERE flag', 'one value is rare');
SELECT is((SELECT severity FROM perf_optimizer.index_report('t') WHERE index = 't_c'::regclass AND rule = 'unused-index'), 'info', 'young statistics: only info');
SELECT matches((SELECT message FROM perf_optimizer.index_report('t') WHERE index = 't_c'::regclass AND rule = 'unused-index'), 'ago, too short a time to be sure', 'and their age is said');

-- Following every suggestion runs, and leaves nothing of these rules.
CREATE TABLE todo AS SELECT DISTINCT replace(suggested_sql, 'CONCURRENTLY ', '') AS sql FROM perf_optimizer.index_report('t') WHERE rule IN ('duplicate-index', 'redundant-index', 'mostly-null-index', 'boolean-index');
DO $$ DECLARE s text; BEGIN FOR s IN SELECT sql FROM todo LOOP EXECUTE s; END LOOP; END $$;
SELECT is((SELECT count(*)::int FROM perf_optimizer.index_report('t') WHERE rule IN ('duplicate-index', 'redundant-index')), 0, 'suggestions run and cure');

-- Used indexes.
CREATE TABLE u (id int PRIMARY KEY, a int, b int);
INSERT INTO u SELECT g, g, g FROM generate_series(1, 5000) g;
CREATE INDEX u_a ON u (a);
CREATE INDEX u_b ON u (b);
ANALYZE u;
SET enable_seqscan = off;
DO $$ BEGIN FOR i IN 1..300 LOOP PERFORM FROM u WHERE id = i; END LOOP; PERFORM FROM u WHERE b = 5; PERFORM FROM u WHERE b = 6; END $$;
RESET enable_seqscan;
SELECT pg_stat_force_next_flush();
SELECT is(rules('u', 'u_a'), 'unused-index', 'never scanned');
SELECT is(rules('u', 'u_b'), 'rarely-used-index', 'scanned twice, written 5000 times');
SELECT is(rules('u', 'u_pkey'), NULL, 'a primary key is needed');

-- Invalid indexes and constraints.
CREATE TABLE bad (a int, b int);
INSERT INTO bad VALUES (1, 1), (1, 1);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = (SELECT oid FROM pg_class WHERE relname = 'u_a');
SELECT is(rules('u', 'u_a'), 'invalid-index', 'an invalid index, and not an unused one');
SELECT is((SELECT suggested_sql FROM perf_optimizer.index_report('u') WHERE rule = 'invalid-index'), 'REINDEX INDEX CONCURRENTLY "po Test".u_a', 'is built again');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = (SELECT oid FROM pg_class WHERE relname = 'u_a');
ALTER TABLE bad ADD CONSTRAINT positive CHECK (a > 5) NOT VALID, ADD CONSTRAINT fine CHECK (a > 0);
SELECT is((SELECT string_agg(rule || ' ' || suggested_sql, ';') FROM perf_optimizer.index_report('bad')), 'invalid-constraint ALTER TABLE "po Test".bad VALIDATE CONSTRAINT positive', 'a constraint that is not validated');

-- Foreign keys.
CREATE TABLE fk (id int PRIMARY KEY, one int REFERENCES u, two int REFERENCES u, three int REFERENCES u, x int, y int);
CREATE UNIQUE INDEX u_ab ON u (a, b);
ALTER TABLE fk ADD CONSTRAINT fk_xy FOREIGN KEY (x, y) REFERENCES u (a, b);
INSERT INTO fk SELECT g, g, g, g FROM generate_series(1, 2000) g;
CREATE INDEX fk_two ON fk (two, id);
CREATE INDEX fk_three ON fk (three) WHERE three IS NOT NULL;
ANALYZE fk;
SELECT is((SELECT array_agg(suggested_sql ORDER BY suggested_sql COLLATE "C") FROM perf_optimizer.index_report('fk') WHERE rule = 'unindexed-foreign-key' AND index IS NULL),
    ARRAY['CREATE INDEX CONCURRENTLY ON "po Test".fk (one)', 'CREATE INDEX CONCURRENTLY ON "po Test".fk (x, y)'], 'keys without an index; a partial one without nulls will do');
SELECT is(rules('fk', 'fk_two'), NULL, 'the only index of a foreign key is never unused');
CREATE INDEX ON fk (y, x);
SELECT is((SELECT count(*)::int FROM perf_optimizer.index_report('fk') WHERE rule = 'unindexed-foreign-key'), 1, 'columns in any order');

-- Partitions: the whole index counts.
CREATE TABLE p (id int, a int, k int REFERENCES u) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (2000);
CREATE INDEX p_a ON p (a);
CREATE INDEX p_a2 ON p (a);
INSERT INTO p SELECT g, g FROM generate_series(0, 1999) g;
ANALYZE p;
SELECT is((SELECT array_agg(index::text || ' ' || rule || ' ' || suggested_sql) FROM perf_optimizer.index_report('p') WHERE rule = 'duplicate-index'),
    ARRAY['p_a2 duplicate-index DROP INDEX "po Test".p_a2'], 'one row for all partitions');
SELECT ok((SELECT size_bytes FROM perf_optimizer.index_report('p') WHERE rule = 'duplicate-index') >= 32768, 'its size is that of all partitions');
SELECT is((SELECT suggested_sql FROM perf_optimizer.index_report('p') WHERE rule = 'unindexed-foreign-key'), 'CREATE INDEX ON "po Test".p (k)', 'a foreign key of a partitioned table');
CREATE INDEX ON p1 (k); CREATE INDEX ON p2 (k);
SELECT is((SELECT count(*)::int FROM perf_optimizer.index_report('p') WHERE rule = 'unindexed-foreign-key'), 0, 'an index in each partition will do');

-- Bloat: the estimate, held against what is really in the pages.
CREATE TABLE bloat (id int, v text);
INSERT INTO bloat SELECT g, 'value number ' || g FROM generate_series(1, 400000) g;
CREATE INDEX bloat_v ON bloat (v);
CREATE INDEX bloat_id ON bloat (id);
ANALYZE bloat;
SELECT ok(abs(perf_optimizer.index_expected_bytes(i) - pg_relation_size(i)) < 0.1 * pg_relation_size(i), 'a new index is estimated at its size: ' || i) FROM (VALUES ('bloat_v'::regclass), ('bloat_id')) v(i);
SELECT is((SELECT count(*)::int FROM perf_optimizer.index_report('bloat') WHERE rule = 'bloated-index'), 0, 'and not bloated');
DELETE FROM bloat WHERE id % 5 <> 0;
VACUUM ANALYZE bloat;
SELECT is((SELECT string_agg(index::text, ',') FROM perf_optimizer.index_report('bloat') WHERE rule = 'bloated-index'), 'bloat_v', 'an emptied one is, when it is large');
SELECT ok(abs(1 - perf_optimizer.index_expected_bytes('bloat_v') / pg_relation_size('bloat_v')::float8 - (1 - (SELECT avg_leaf_density FROM pgstatindex('"po Test".bloat_v')) / 90)) < 0.1,
    'the share that is empty is that of pgstatindex');
REINDEX INDEX bloat_v;
SELECT is((SELECT count(*)::int FROM perf_optimizer.index_report('bloat') WHERE rule = 'bloated-index'), 0, 'until it is rebuilt');

-- Another node's scans are not counted here: nothing is to be dropped for want of them.
SELECT 'done' FROM pg_create_physical_replication_slot('po_test_standby');
SELECT is((SELECT array_agg(DISTINCT severity || ' ' || (suggested_sql IS NULL)) FROM perf_optimizer.index_report() WHERE rule IN ('unused-index', 'rarely-used-index')), ARRAY['info true'], 'with a standby unused indexes are info');
SELECT matches((SELECT message FROM perf_optimizer.index_report('t') WHERE rule = 'unused-index' LIMIT 1), 'only this server, the primary', 'and the node is named');
SELECT 'done' FROM pg_drop_replication_slot('po_test_standby');

-- Errors and privileges.
SELECT throws_ok($$SELECT * FROM perf_optimizer.index_report('t_pkey')$$, '42809', NULL, 'an index has no indexes');
SELECT throws_ok($$SELECT * FROM perf_optimizer.index_report(4294967295::oid::regclass)$$, '42P01', NULL, 'a relation that is gone');
SELECT throws_ok($$SELECT perf_optimizer.index_expected_bytes('t')$$, '42809', NULL, 'a table is no index');
SELECT throws_ok($$SELECT perf_optimizer.index_expected_bytes(NULL)$$, '22004', NULL, 'NULL is no index');
CREATE ROLE po_test_reporter;
GRANT USAGE ON SCHEMA "po Test" TO po_test_reporter;
SET ROLE po_test_reporter;
SELECT ok((SELECT count(*) FROM perf_optimizer.index_report() WHERE rule = 'unused-index') > 0, 'anybody may read the report');
SELECT is(perf_optimizer.index_expected_bytes('bloat_v'), NULL, 'but statistics only of what he may read');
RESET ROLE;
DROP SCHEMA "po Test" CASCADE;
DROP ROLE po_test_reporter;
SELECT * FROM finish();
