-- Rules at their edges: tables in partitions, proofs of other things than B-trees on columns, false alarms that stay out.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;

SELECT plan(79);

CREATE FUNCTION pg_temp.finding(wanted text, query text, execute boolean DEFAULT false, params text[] DEFAULT NULL)
RETURNS SETOF jsonb LANGUAGE sql AS $$
	SELECT f FROM perf_optimizer.analyze_query(query, params, execute) a, jsonb_array_elements(a.findings) f WHERE f ->> 'rule' = wanted LIMIT 1
$$;
CREATE FUNCTION pg_temp.finds(wanted text, query text, execute boolean DEFAULT false, params text[] DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $$
	SELECT EXISTS (SELECT FROM pg_temp.finding(wanted, query, execute, params))
$$;
CREATE FUNCTION pg_temp.sql(wanted text, query text, execute boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
	SELECT f ->> 'suggested_sql' FROM pg_temp.finding(wanted, query, execute) f
$$;
CREATE FUNCTION pg_temp.advice(wanted text, query text, execute boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
	SELECT f ->> 'advice' FROM pg_temp.finding(wanted, query, execute) f
$$;
CREATE FUNCTION pg_temp.proven(wanted text, query text, execute boolean DEFAULT false) RETURNS boolean LANGUAGE sql AS $$
	SELECT (f -> 'evidence' ->> 'cost_after')::float8 < (f -> 'evidence' ->> 'cost_before')::float8 FROM pg_temp.finding(wanted, query, execute) f
$$;

CREATE TABLE big (id int PRIMARY KEY, a int, b int, c int, word text COLLATE "C", pad text) WITH (autovacuum_enabled = off);
INSERT INTO big SELECT i, i % 6000, i % 7000, i, 'w' || i, repeat('x', 60) FROM generate_series(1, 60000) i;
CREATE TABLE few AS SELECT i AS id, i AS g FROM generate_series(1, 100) i;
CREATE TABLE part (id int, k int, pad text) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE part_%s PARTITION OF part FOR VALUES FROM (%s) TO (%s)', i, i * 6000, (i + 1) * 6000) FROM generate_series(0, 9) i \gexec
INSERT INTO part SELECT i, i % 6000, repeat('p', 60) FROM generate_series(0, 59999) i;
VACUUM ANALYZE big, few, part;

-- selective-seq-scan: all partitions count, small ones together
SELECT is(pg_temp.sql('selective-seq-scan', 'SELECT pad FROM part WHERE k = 55'), 'CREATE INDEX ON public.part USING btree (k)', 'partitions are one table');
SELECT is((SELECT (f -> 'evidence' ->> 'rows_scanned')::int FROM pg_temp.finding('selective-seq-scan', 'SELECT pad FROM part WHERE k = 55', true) f), 60000, 'their rows are summed');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', 'SELECT pad FROM part WHERE k = 55 AND id < 6000'), 'one small partition is a small table');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', 'SELECT f.g FROM few f CROSS JOIN LATERAL (SELECT count(*) FROM few x WHERE x.g = f.id) l', true), 'a small table that is read often is one, too');
SELECT is(pg_temp.sql('selective-seq-scan', 'SELECT pad FROM big WHERE a = 55 AND (b = 1 OR c = 2)'), 'CREATE INDEX CONCURRENTLY ON public.big USING btree (a)', 'an OR beside a selective condition');
SELECT ok(pg_temp.finds('selective-seq-scan', 'WITH m AS MATERIALIZED (SELECT * FROM big WHERE a = 55) SELECT count(*) FROM m x, m y'), 'in a CTE that is read to its end');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', 'WITH m AS MATERIALIZED (SELECT * FROM big WHERE a = 55) SELECT * FROM m LIMIT 1'), 'not in one that is not');
SELECT ok(pg_temp.finds('selective-seq-scan', 'SELECT * FROM few WHERE g = (SELECT max(b) FROM big WHERE a = 55)'), 'in a subquery for one value');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', 'SELECT * FROM few WHERE EXISTS (SELECT FROM big WHERE a = 55)'), 'not in an EXISTS');

-- filtering-index-scan and late-limit do not both report a scan
SELECT ok(pg_temp.finds('late-limit', 'SELECT * FROM big WHERE b = 6999 ORDER BY id LIMIT 1', true), 'an ordered scan in search of a LIMIT''s rows');
SELECT ok(NOT pg_temp.finds('filtering-index-scan', 'SELECT * FROM big WHERE b = 6999 ORDER BY id LIMIT 1', true), 'is not reported twice');
SET enable_seqscan = off;
SELECT matches(pg_temp.advice('filtering-index-scan', 'SELECT * FROM big WHERE id < 30000 AND md5(pad) = ''x''', true), '^No B-tree', 'no index is named that does not help');
RESET enable_seqscan;
-- late-limit by what the planner expects
SELECT is(pg_temp.sql('late-limit', 'SELECT * FROM big WHERE b = 6999 ORDER BY id LIMIT 1'), 'CREATE INDEX CONCURRENTLY ON public.big USING btree (b, id)', 'expected of a plan, with the index that was proven');
SELECT ok((f -> 'evidence' ->> 'rows_removed_expected')::int BETWEEN 5000 AND 9000, 'and the rows passed over that are expected') FROM pg_temp.finding('late-limit', 'SELECT * FROM big WHERE b = 6999 ORDER BY id LIMIT 1') f;
SELECT ok(NOT pg_temp.finds('late-limit', 'SELECT * FROM big WHERE b > 50 ORDER BY id LIMIT 10', x), 'not where most rows match') FROM unnest(ARRAY[false, true]) x;
SELECT ok(NOT pg_temp.finds('late-limit', 'SELECT * FROM big WHERE md5(pad) = ''x'' ORDER BY id LIMIT 20'), 'not by expectation where no index would help');
SELECT ok(pg_temp.finds('late-limit', 'SELECT * FROM big WHERE md5(pad) = ''x'' ORDER BY id LIMIT 20', true), 'but by what was counted');
SELECT ok(NOT pg_temp.finds('late-limit', 'SELECT * FROM big WHERE id > 59000 AND b = 6999 ORDER BY id LIMIT 1'), 'nor where the index is entered by a condition');

SELECT is(pg_temp.sql('late-limit', 'SELECT * FROM part ORDER BY k LIMIT 5'), 'CREATE INDEX ON public.part USING btree (k)', 'late-limit over partitions');

-- implicit-cast: of a join's key
CREATE TABLE rate (k numeric, d int, v text);
INSERT INTO rate SELECT i, i, 'v' || i FROM generate_series(1, 20) i;
CREATE TABLE lots AS SELECT i::numeric AS k FROM generate_series(1, 10000) i;
ANALYZE rate, lots;
SELECT is((SELECT (f -> 'evidence') - 'share_ratio' FROM pg_temp.finding('implicit-cast', 'SELECT v, pad FROM rate JOIN big ON big.id = rate.k', x) f),
	'{"column": "id", "column_type": "integer", "cast_to": "numeric"}', 'a join that casts the key of an index' || CASE WHEN x THEN ', executed' ELSE '' END) FROM unnest(ARRAY[false, true]) x;
SELECT matches(pg_temp.advice('implicit-cast', 'SELECT v, pad FROM rate JOIN big ON big.id = rate.k'), '^Give both columns one type', 'says what to do');
SET enable_hashjoin = off;
SELECT ok(pg_temp.finds('implicit-cast', 'SELECT v, pad FROM rate JOIN big ON big.id = rate.k'), 'joined in order');
SET enable_mergejoin = off;
SELECT ok(pg_temp.finds('implicit-cast', 'SELECT v, pad FROM rate JOIN big ON big.id = rate.k'), 'joined in a loop');
RESET enable_hashjoin; RESET enable_mergejoin;
SELECT ok(pg_temp.finds('implicit-cast', 'SELECT v, pad FROM rate LEFT JOIN big ON big.id = rate.k'), 'the side of an outer join that need not be read whole');
SELECT ok(NOT pg_temp.finds('implicit-cast', 'SELECT v, pad FROM big LEFT JOIN rate ON big.id = rate.k'), 'not the one that must');
SELECT ok(NOT pg_temp.finds('implicit-cast', 'SELECT v, pad FROM rate JOIN big ON big.id = rate.d'), 'not with columns of one type');
SELECT ok(NOT pg_temp.finds('implicit-cast', 'SELECT v, pad FROM rate JOIN big ON big.id::numeric = rate.k'), 'not a cast that is written out');
SELECT ok(NOT pg_temp.finds('implicit-cast', 'SELECT v, pad FROM rate JOIN big ON big.c = rate.k'), 'not a column without an index');
SELECT ok(NOT pg_temp.finds('implicit-cast', 'SELECT pad FROM lots JOIN big ON big.id = lots.k'), 'not where the other side has many rows');
CREATE INDEX big_numeric ON big ((id::numeric)); ANALYZE big;
SET enable_indexscan = off; SET enable_bitmapscan = off;
SELECT ok(NOT pg_temp.finds('implicit-cast', 'SELECT v, pad FROM rate JOIN big ON big.id = rate.k'), 'quiet when an index on the cast exists');
RESET enable_indexscan; RESET enable_bitmapscan;
DROP INDEX big_numeric;

-- row-misestimate
SELECT ok(NOT pg_temp.finds('row-misestimate', 'SELECT * FROM few x JOIN few y ON x.g = y.g', true), 'good estimates');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_findings('WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5000) SELECT sum(n) FROM r', NULL, true) WHERE rule = 'row-misestimate'),
	1, 'a recursion is reported once');
SELECT matches(pg_temp.advice('row-misestimate', 'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5000) SELECT sum(n) FROM r', true),
	'how far a recursion goes', 'and no statistics are asked for');
CREATE FUNCTION public.many() RETURNS SETOF int LANGUAGE plpgsql ROWS 10 AS 'BEGIN RETURN QUERY SELECT generate_series(1, 4000); END';
SELECT is(pg_temp.sql('row-misestimate', 'SELECT * FROM public.many()', true), 'ALTER FUNCTION public.many() ROWS 4000', 'a function that gives more rows than it says');
CREATE TABLE skewed WITH (autovacuum_enabled = off) AS SELECT CASE WHEN i <= 40000 THEN 0 ELSE i END AS k FROM generate_series(1, 60000) i;
ANALYZE skewed;
SELECT matches(pg_temp.advice('row-misestimate', 'SELECT * FROM skewed WHERE k = (SELECT min(k) FROM skewed)', true), 'not known when the statement was planned, so ANALYZE cannot help', 'a value that the planner did not know');
SET enable_hashjoin = off; SET enable_nestloop = off;
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_findings('SELECT count(*) FROM (SELECT id % 20 AS h FROM big) x JOIN (SELECT id % 20 AS h FROM few) y USING (h)', NULL, true)
	WHERE rule = 'row-misestimate' AND message LIKE '%Sort%'), 0, 'rows that a merge join reads again are no error of the sort''s estimate');
RESET enable_hashjoin; RESET enable_nestloop;
CREATE TABLE uneven WITH (autovacuum_enabled = off) AS SELECT (1000000 * (i / 60000.0) ^ 9)::int AS v FROM generate_series(1, 60000) i;
ALTER TABLE uneven ALTER v SET STATISTICS 5; ANALYZE uneven;
SET default_statistics_target = 5;
SELECT is(pg_temp.sql('row-misestimate', 'SELECT * FROM uneven WHERE v BETWEEN 200000 AND 200300', true),
	'ALTER TABLE public.uneven ALTER COLUMN v SET STATISTICS 50; ANALYZE public.uneven', 'a column whose statistics are full')
WHERE pg_temp.finds('row-misestimate', 'SELECT * FROM uneven WHERE v BETWEEN 200000 AND 200300', true)
UNION ALL SELECT pass('the estimate is good enough here') WHERE NOT pg_temp.finds('row-misestimate', 'SELECT * FROM uneven WHERE v BETWEEN 200000 AND 200300', true);
RESET default_statistics_target;

-- Memory: the figure that is suggested is enough
SET work_mem = '64kB'; SET hash_mem_multiplier = 1; SET enable_mergejoin = off; SET enable_sort = off;
SELECT pg_temp.sql('sort-spill', 'SELECT c FROM big ORDER BY c % 77, c', true) AS sort_narrow, pg_temp.sql('sort-spill', 'SELECT * FROM big ORDER BY b, pad', true) AS sort_wide,
	pg_temp.sql('hash-spill', 'SELECT count(*) FROM big x JOIN big y ON x.b = y.c AND x.pad = y.pad', true) AS hash_join,
	pg_temp.sql('hash-spill', 'SELECT b, pad, count(*) FROM big GROUP BY b, pad', true) AS hash_group \gset
:sort_narrow;
SELECT ok(NOT pg_temp.finds('sort-spill', 'SELECT c FROM big ORDER BY c % 77, c', true), 'narrow rows: ' || :'sort_narrow');
:sort_wide;
SELECT ok(NOT pg_temp.finds('sort-spill', 'SELECT * FROM big ORDER BY b, pad', true), 'wide rows: ' || :'sort_wide');
:hash_join;
SELECT ok(NOT pg_temp.finds('hash-spill', 'SELECT count(*) FROM big x JOIN big y ON x.b = y.c AND x.pad = y.pad', true), 'a hash join: ' || :'hash_join');
:hash_group;
SELECT ok(NOT pg_temp.finds('hash-spill', 'SELECT b, pad, count(*) FROM big GROUP BY b, pad', true), 'a hash aggregate: ' || :'hash_group');
RESET enable_mergejoin; RESET enable_sort;
CREATE TABLE lossy WITH (fillfactor = 10, autovacuum_enabled = off) AS SELECT i AS id, i % 10 AS k, repeat('y', 600) AS pad FROM generate_series(1, 4000) i;
CREATE INDEX ON lossy (k); ANALYZE lossy;
SET enable_seqscan = off; SET enable_indexscan = off; SET work_mem = '64kB';
SELECT pg_temp.sql('lossy-bitmap', 'SELECT count(id) FROM lossy WHERE k < 9', true) AS bitmap \gset
SELECT matches(:'bitmap'::text, '^SET work_mem = ''\d+MB''$', 'a lossy bitmap: a figure');
:bitmap;
SELECT ok(NOT pg_temp.finds('lossy-bitmap', 'SELECT count(id) FROM lossy WHERE k < 9', true), 'that is enough');
RESET enable_seqscan; RESET enable_indexscan; RESET work_mem; RESET hash_mem_multiplier;

-- temp-io: what a CTE's own plan writes is not its scan's
SET work_mem = '64kB';
SELECT ok(NOT pg_temp.finds('temp-io', 'WITH s AS MATERIALIZED (SELECT c FROM big ORDER BY c % 77 LIMIT 40 OFFSET 59900) SELECT * FROM s', true), 'a sort below a CTE scan is the sort''s');
RESET work_mem;
SELECT ok((SELECT sum(self_time_ms) <= max(total_time_ms) FILTER (WHERE parent_id IS NULL) * 1.001 FROM perf_optimizer.plan_nodes('WITH m AS MATERIALIZED (SELECT * FROM big) SELECT count(*) FROM m x JOIN m y USING (id)', NULL, true)),
	'own times of a plan with a CTE are not more than its time');

-- join-filter, or-across-columns
SELECT ok(pg_temp.finds('or-across-columns', 'SELECT x.id FROM big x JOIN big y ON x.c = y.id WHERE x.a = 3 OR y.b = 5'), 'alternatives over two tables');
SELECT ok(NOT pg_temp.finds('or-across-columns', 'SELECT x.id FROM big x JOIN few y ON x.c = y.id WHERE x.a = 3 OR x.a = 5'), 'not over one column');
SELECT ok(NOT pg_temp.finds('join-filter', 'SELECT x.id FROM big x JOIN big y ON x.c = y.id WHERE x.a = 3 OR y.b = 5', true), 'reported by one rule');
SELECT is(pg_temp.sql('or-across-columns', 'SELECT pad FROM big WHERE a = 3 OR b = 5'),
	'CREATE INDEX CONCURRENTLY ON public.big USING btree (a); CREATE INDEX CONCURRENTLY ON public.big USING btree (b)', 'an index for each column, proven together');
CREATE INDEX big_a ON big (a); ANALYZE big;
SELECT is(pg_temp.sql('or-across-columns', 'SELECT pad FROM big WHERE a = 3 OR b = 5'), 'CREATE INDEX CONCURRENTLY ON public.big USING btree (b)', 'only the one that is missing');
SELECT is(pg_temp.sql('or-across-columns', 'SELECT pad FROM big WHERE a = 3 OR md5(pad) = ''x'''), NULL, 'none where one alternative has no use for it');
DROP INDEX big_a;

-- cartesian-product
SELECT ok(pg_temp.finds('cartesian-product', 'SELECT count(*) FROM few x, few y'), 'a comma');
SELECT ok(NOT pg_temp.finds('cartesian-product', 'SELECT count(*) FROM few x CROSS JOIN few y'), 'quiet for CROSS JOIN');
SELECT ok(NOT pg_temp.finds('cartesian-product', 'SELECT count(*) FROM few x, generate_series(1, 100)'), 'quiet for the rows of a function');

-- cte-materialized is proven by planning with it inlined
SELECT ok(pg_temp.proven('cte-materialized', 'WITH m AS MATERIALIZED (SELECT * FROM big) SELECT * FROM m WHERE id = 5'), 'cheaper inlined');
SELECT ok(NOT pg_temp.finds('cte-materialized', 'WITH m AS (SELECT b, count(*) AS n FROM big GROUP BY b) SELECT * FROM m x JOIN m y USING (n)'), 'quiet where inlining computes it twice');
SELECT ok(pg_temp.finds('cte-materialized', 'SELECT * FROM (WITH m AS MATERIALIZED (SELECT * FROM big) SELECT * FROM m WHERE id = 5) s'), 'in a subquery');

-- leading-wildcard, like-collation: indexes of other kinds are proven, too
SELECT ok(NOT pg_temp.finds('leading-wildcard', 'SELECT id FROM big WHERE word LIKE ''%9'''), 'quiet for a pattern without trigrams');
SELECT is(pg_temp.sql('leading-wildcard', 'SELECT id FROM big WHERE word LIKE ''%5999'''), 'CREATE EXTENSION pg_trgm', 'the extension is on this server');
CREATE EXTENSION pg_trgm SCHEMA public; CREATE EXTENSION btree_gin SCHEMA public;
SELECT ok(pg_temp.proven('leading-wildcard', 'SELECT id FROM big WHERE word LIKE ''%5999'''), 'a trigram index is proven');
CREATE INDEX big_gin ON big USING gin (word); ANALYZE big;
SELECT ok(pg_temp.finds('leading-wildcard', 'SELECT id FROM big WHERE word LIKE ''%5999'''), 'an index that knows no trigrams does not count');
DROP INDEX big_gin;

-- large-offset: the predicate of the next page
SELECT is((SELECT f -> 'evidence' ->> 'predicate' FROM pg_temp.finding('large-offset', 'SELECT * FROM big ORDER BY c DESC, id DESC OFFSET 20000 LIMIT 10') f),
	'(c, id) < (values of the last row seen)', 'downwards');
SELECT is((SELECT f -> 'evidence' ->> 'predicate' FROM pg_temp.finding('large-offset', 'SELECT * FROM big ORDER BY id OFFSET 20000 LIMIT 10') f),
	'(id) > (values of the last row seen)', 'upwards, by an index');
SELECT is((SELECT f -> 'evidence' ->> 'predicate' FROM pg_temp.finding('large-offset', 'SELECT * FROM big ORDER BY c DESC, id OFFSET 20000 LIMIT 10') f), NULL, 'not in both directions');
SELECT ok(pg_temp.finds('large-offset', 'SELECT * FROM big ORDER BY id OFFSET $1 LIMIT $2', false, '{20000,10}'), 'a given value');

-- no-partition-pruning names the key
SELECT is((SELECT f -> 'evidence' ->> 'partition_key' FROM pg_temp.finding('no-partition-pruning', 'SELECT count(*) FROM part WHERE k = 5') f), 'RANGE (id)', 'the key');

-- fk-trigger-time
CREATE TABLE owner (id int PRIMARY KEY, code int UNIQUE, name text);
CREATE TABLE owned (id int, owner int REFERENCES owner ON UPDATE CASCADE, pad text) WITH (autovacuum_enabled = off);
INSERT INTO owner SELECT i, i, 'n' FROM generate_series(1, 1000) i;
INSERT INTO owned SELECT i, CASE WHEN i % 2 = 0 THEN i % 1000 + 1 END, repeat('o', 50) FROM generate_series(1, 30000) i;
ANALYZE owner; ANALYZE owned;
SELECT ok(pg_temp.proven('fk-trigger-time', 'DELETE FROM owner WHERE id < 500'), 'its index is proven');
SELECT is((SELECT f ->> 'severity' FROM pg_temp.finding('fk-trigger-time', 'DELETE FROM owner WHERE id < 500') f), 'high', 'by its share of the cost');
SELECT ok(pg_temp.finds('fk-trigger-time', 'UPDATE owner SET id = id + 5000 WHERE id < 500'), 'a change of the key');
SELECT ok(NOT pg_temp.finds('fk-trigger-time', 'UPDATE owner SET name = ''x'' WHERE id < 500'), 'not of another column');
CREATE INDEX ON owned (owner) WHERE owner IS NOT NULL; ANALYZE owned;
SELECT ok(NOT pg_temp.finds('fk-trigger-time', 'DELETE FROM owner WHERE id < 500'), 'quiet when an index holds all but NULLs');
SELECT ok(coalesce((SELECT f ->> 'severity' FROM pg_temp.finding('fk-trigger-time', 'UPDATE owner SET id = id + 5000', true) f), 'info') = 'info', 'what an index serves is a remark at most');

-- sparse-relation, select-star, forced-settings
CREATE TABLE wide WITH (fillfactor = 10, autovacuum_enabled = off) AS SELECT i AS id, repeat('w', 300) AS pad FROM generate_series(1, 5000) i;
SELECT ok(NOT pg_temp.finds('sparse-relation', 'SELECT id FROM wide', true), 'quiet for a table whose rows'' width is not known');
ANALYZE wide;
SELECT ok(NOT pg_temp.finds('sparse-relation', 'SELECT id FROM wide', true), 'quiet where the fill factor says so');
CREATE TABLE mostly_narrow WITH (autovacuum_enabled = off) AS SELECT i AS id, CASE WHEN i = 1 THEN (SELECT string_agg(md5(j::text), '') FROM generate_series(1, 300) j) ELSE 'n' END AS pad FROM generate_series(1, 9000) i;
ANALYZE mostly_narrow;
SELECT ok(NOT pg_temp.finds('select-star', 'SELECT * FROM mostly_narrow'), 'quiet for one value out of line');
\set sql `PGOPTIONS='-c enable_material=off' psql -XAt -d :'DBNAME' -c "SELECT suggested_sql FROM perf_optimizer.plan_findings('SELECT * FROM few') WHERE rule = 'forced-settings'"`
SELECT is(:'sql'::text, 'SET enable_material = on', 'RESET would not help where the session began with it off');

-- Memory: once the caches are filled an analysis leaves nothing behind, whether it proves an index or not
CREATE FUNCTION pg_temp.analyze_often(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM estimated_cost FROM perf_optimizer.analyze_query('SELECT pad FROM big WHERE a = ' || i % 100);
		PERFORM total_cost FROM perf_optimizer.plan_nodes('SELECT g FROM few WHERE id = ' || i % 100);
	END LOOP;
END $$;
SELECT pg_temp.analyze_often(200);
SELECT sum(used_bytes) AS used FROM pg_backend_memory_contexts \gset
SELECT pg_temp.analyze_often(1000);
SELECT cmp_ok(sum(used_bytes) - :used, '<', 32000::numeric, 'a thousand analyses use no more memory than some') FROM pg_backend_memory_contexts;

SELECT * FROM finish();
