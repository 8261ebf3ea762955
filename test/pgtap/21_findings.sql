-- Each rule of plan findings: where it fires, where it does not, and its quiet cases.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;

SELECT plan(96);

CREATE FUNCTION pg_temp.finds(wanted text, query text, execute boolean DEFAULT false, params text[] DEFAULT NULL)
RETURNS boolean LANGUAGE sql AS $$
	SELECT EXISTS (SELECT FROM perf_optimizer.plan_findings(query, params, execute) WHERE rule = wanted)
$$;

CREATE FUNCTION pg_temp.suggests(wanted text, query text, execute boolean DEFAULT false, params text[] DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
	SELECT suggested_sql FROM perf_optimizer.plan_findings(query, params, execute) WHERE rule = wanted LIMIT 1
$$;

CREATE FUNCTION pg_temp.evidence(wanted text, query text, execute boolean DEFAULT false)
RETURNS jsonb LANGUAGE sql AS $$
	SELECT evidence FROM perf_optimizer.plan_findings(query, NULL, execute) WHERE rule = wanted LIMIT 1
$$;

CREATE TABLE "Acct" (id int PRIMARY KEY, email varchar(80), status text, k int, a int, b int, pad text)
	WITH (autovacuum_enabled = off);
INSERT INTO "Acct" SELECT i, 'u' || i || '@x.org', (ARRAY['A', 'B', 'C'])[1 + i % 3], i % 7000, i % 100, i % 100,
	repeat('x', 50) FROM generate_series(1, 60000) i;
CREATE INDEX acct_status ON "Acct" (status);
ANALYZE "Acct";

CREATE TABLE few AS SELECT i AS id, i % 10 AS g FROM generate_series(1, 100) i;
ANALYZE few;

-- selective-seq-scan
SELECT ok(pg_temp.finds('selective-seq-scan', 'SELECT id FROM "Acct" WHERE k = 55'), 'a scan that keeps little of a large table');
SELECT is(pg_temp.suggests('selective-seq-scan', 'SELECT id FROM "Acct" WHERE k = 55'),
	'CREATE INDEX CONCURRENTLY ON public."Acct" USING btree (k)', 'with the index that was proven');
SELECT ok(pg_temp.finds('selective-seq-scan', 'SELECT id FROM "Acct" WHERE k = 55', true), 'executed too');
SELECT is((pg_temp.evidence('selective-seq-scan', 'SELECT id FROM "Acct" WHERE k = 55', true) ->> 'rows_scanned')::int, 60000,
	'the rows scanned are counted');
SELECT ok((e ->> 'cost_after')::float8 < (e ->> 'cost_before')::float8, 'the proof is in the evidence')
FROM pg_temp.evidence('selective-seq-scan', 'SELECT id FROM "Acct" WHERE k = 55') e;
SELECT ok(NOT pg_temp.finds('selective-seq-scan', 'SELECT id FROM "Acct" WHERE k > 55'), 'not where most rows are kept');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', 'SELECT id FROM few WHERE g = 5 AND id = 15'), 'not on a small table');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', 'SELECT id FROM "Acct" WHERE k = 55 LIMIT 1'), 'quiet under a LIMIT');
SELECT ok(NOT pg_temp.finds('selective-seq-scan', 'SELECT id FROM "Acct" WHERE k = 55 OR a = 1000'), 'quiet for an OR across columns');

-- filtering-index-scan
SET enable_seqscan = off;
SELECT ok(pg_temp.finds('filtering-index-scan', 'SELECT id FROM "Acct" WHERE status = ''A'' AND k = 77', true), 'an index scan that removes most');
SELECT is(pg_temp.suggests('filtering-index-scan', 'SELECT id FROM "Acct" WHERE status = ''A'' AND k = 78', true) IS NOT NULL, true,
	'with an index that was proven');
SELECT ok(NOT pg_temp.finds('filtering-index-scan', 'SELECT id FROM "Acct" WHERE status = ''A''', true), 'not where all fetched rows are kept');
RESET enable_seqscan;

-- row-misestimate
SELECT ok(pg_temp.finds('row-misestimate', 'SELECT id FROM "Acct" WHERE a = 5 AND b = 5', true), 'correlated columns');
SELECT is(pg_temp.suggests('row-misestimate', 'SELECT id FROM "Acct" WHERE a = 5 AND b = 5', true),
	'CREATE STATISTICS public."Acct_a_b_stat" ON a, b FROM public."Acct"; ANALYZE public."Acct"', 'the statistics that cure it');
SELECT is((SELECT count(*)::int FROM perf_optimizer.plan_findings(
	'SELECT DISTINCT id + 1 FROM (SELECT id FROM "Acct" WHERE a = 5 AND b = 5 ORDER BY pad) s', NULL, true)
	WHERE rule = 'row-misestimate'), 1, 'once, where the error starts');
SELECT ok(NOT pg_temp.finds('row-misestimate', 'SELECT id FROM "Acct" WHERE a = 5', true), 'not for a good estimate');
SELECT ok(NOT pg_temp.finds('row-misestimate', 'SELECT id FROM "Acct" WHERE a = 5 LIMIT 1', true), 'quiet where a LIMIT stops');
CREATE STATISTICS public."Acct_a_b_stat" ON a, b FROM public."Acct"; ANALYZE public."Acct";
SELECT ok(NOT pg_temp.finds('row-misestimate', 'SELECT id FROM "Acct" WHERE a = 5 AND b = 5', true), 'cured by its own suggestion');

-- sort-spill
SET work_mem = '64kB';
SELECT ok(pg_temp.finds('sort-spill', 'SELECT id FROM "Acct" ORDER BY pad, email', true), 'a sort on disk');
SELECT matches(pg_temp.suggests('sort-spill', 'SELECT id FROM "Acct" ORDER BY pad, email', true), '^SET work_mem = ''\d+MB''$', 'with a figure');
SET work_mem = '64MB';
SELECT ok(NOT pg_temp.finds('sort-spill', 'SELECT id FROM "Acct" ORDER BY pad, email', true), 'not in memory');

-- hash-spill
SET work_mem = '64kB'; SET hash_mem_multiplier = 1;
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT ok(pg_temp.finds('hash-spill', 'SELECT count(*) FROM "Acct" x JOIN "Acct" y USING (email)', true), 'a hash join in batches');
SET work_mem = '64MB';
SELECT ok(NOT pg_temp.finds('hash-spill', 'SELECT count(*) FROM "Acct" x JOIN "Acct" y USING (email)', true), 'not in one batch');
SET work_mem = '64kB'; SET enable_sort = off;
SELECT ok(pg_temp.finds('hash-spill', 'SELECT email, count(*) FROM "Acct" GROUP BY email', true), 'a hash aggregate on disk');
SET work_mem = '64MB';
SELECT ok(NOT pg_temp.finds('hash-spill', 'SELECT email, count(*) FROM "Acct" GROUP BY email', true), 'not in memory');
RESET enable_mergejoin; RESET enable_nestloop; RESET enable_sort; RESET hash_mem_multiplier;

-- temp-io
SET work_mem = '64kB';
SELECT ok(pg_temp.finds('temp-io', 'SELECT count(*) FROM generate_series(1, 200000)', true), 'a function''s result on disk');
SET work_mem = '64MB';
SELECT ok(NOT pg_temp.finds('temp-io', 'SELECT count(*) FROM generate_series(1, 200000)', true), 'not in memory');
RESET work_mem;

-- lossy-bitmap
CREATE TABLE wide (id int, k int, pad text) WITH (fillfactor = 10, autovacuum_enabled = off);
INSERT INTO wide SELECT i, i % 10, repeat('y', 600) FROM generate_series(1, 4000) i;
CREATE INDEX wide_k ON wide (k);
ANALYZE wide;
SET enable_seqscan = off; SET enable_indexscan = off;
SET work_mem = '64kB';
SELECT ok(pg_temp.finds('lossy-bitmap', 'SELECT count(id) FROM wide WHERE k < 9', true), 'a bitmap that does not fit');
SET work_mem = '64MB';
SELECT ok(NOT pg_temp.finds('lossy-bitmap', 'SELECT count(id) FROM wide WHERE k < 9', true), 'not one that fits');
RESET enable_seqscan; RESET enable_indexscan; RESET work_mem;

-- expensive-nested-loop
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off; SET enable_material = off;
SELECT ok(pg_temp.finds('expensive-nested-loop', 'SELECT x.id FROM few JOIN "Acct" x ON x.k = few.id WHERE few.g = 3'), 'the inner side is scanned again and again');
SELECT is(pg_temp.suggests('expensive-nested-loop', 'SELECT x.id FROM few JOIN "Acct" x ON x.k = few.id WHERE few.g = 3'),
	'CREATE INDEX CONCURRENTLY ON public."Acct" USING btree (k)', 'with the index on the join key');
SELECT ok(pg_temp.finds('expensive-nested-loop', 'SELECT x.id FROM few JOIN "Acct" x ON x.k = few.id WHERE few.g = 3', true), 'executed too');
SELECT ok(NOT pg_temp.finds('expensive-nested-loop', 'SELECT x.id FROM few JOIN "Acct" x ON x.id = few.id WHERE few.g = 3', true), 'not with an index');
RESET enable_material;
SELECT ok(NOT pg_temp.finds('expensive-nested-loop', 'SELECT x.id FROM "Acct" x JOIN few ON few.g > x.k WHERE x.id < 20', true), 'quiet under Materialize');

-- join-filter
SELECT ok(pg_temp.finds('join-filter', 'SELECT x.id FROM few x JOIN few y ON x.id + y.id = 30', true), 'pairs thrown away');
SELECT ok(NOT pg_temp.finds('join-filter', 'SELECT x.id FROM few x JOIN few y ON x.id + y.id > 30', true), 'not where most are kept');
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_memoize;

-- heap-fetches: pages that an open transaction changed are not all-visible, whatever a scan notes on its way
SET enable_seqscan = off; SET enable_bitmapscan = off;
BEGIN;
UPDATE "Acct" SET a = a;
ANALYZE "Acct";
SELECT ok(pg_temp.finds('heap-fetches', 'SELECT id FROM "Acct" WHERE id < 5000'), 'a table that was never vacuumed');
SELECT ok(pg_temp.finds('heap-fetches', 'SELECT id FROM "Acct" WHERE id < 5000', true), 'measured too');
SELECT is(pg_temp.suggests('heap-fetches', 'SELECT id FROM "Acct" WHERE id < 5000', true), 'VACUUM (ANALYZE) public."Acct"', 'with the VACUUM that cures it');
ROLLBACK;
VACUUM (ANALYZE) public."Acct";
SELECT ok(NOT pg_temp.finds('heap-fetches', 'SELECT id FROM "Acct" WHERE id < 5000'), 'not a vacuumed table');
SELECT ok(NOT pg_temp.finds('heap-fetches', 'SELECT id FROM "Acct" WHERE id < 5000', true), 'not when measured');
RESET enable_seqscan; RESET enable_bitmapscan;

-- jit-overhead
SELECT CASE WHEN pg_jit_available() THEN (
	SELECT ok(bool_and(f), 'compiling that takes most of the time') FROM (
		SELECT set_config('jit', 'on', false) IS NOT NULL AND set_config('jit_above_cost', '0', false) IS NOT NULL
			AND set_config('jit_optimize_above_cost', '0', false) IS NOT NULL AND set_config('jit_inline_above_cost', '0', false) IS NOT NULL
			AND pg_temp.finds('jit-overhead', 'SELECT sum(id + g), avg(g * 2.5) FROM few WHERE id > g', true) AS f) s)
	ELSE skip('no JIT in this server', 1) END;
SET jit = off;
SELECT ok(NOT pg_temp.finds('jit-overhead', 'SELECT sum(id + g), avg(g * 2.5) FROM few WHERE id > g', true), 'not without JIT');

-- planning-dominates
SET join_collapse_limit = 12; SET from_collapse_limit = 12; SET geqo = off;
SELECT ok(pg_temp.finds('planning-dominates',
	'SELECT 1 FROM few a, few b, few c, few d, few e, few f, few g, few h, few i, few j WHERE a.id = b.id AND b.id = c.id
	 AND c.id = d.id AND d.id = e.id AND e.id = f.id AND f.id = g.id AND g.id = h.id AND h.id = i.id AND i.id = j.id AND a.g = 77', true), 'a join of many tables that finds nothing');
SELECT ok(NOT pg_temp.finds('planning-dominates', 'SELECT count(*), sum(length(pad)) FROM "Acct"', true), 'not a scan');
RESET join_collapse_limit; RESET from_collapse_limit; RESET geqo;

-- workers-not-launched
SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET max_parallel_workers = 0;
SELECT ok(pg_temp.finds('workers-not-launched', 'SELECT count(*) FROM "Acct" WHERE pad = ''x''', true), 'no worker was free');
SET max_parallel_workers_per_gather = 0;
SELECT ok(NOT pg_temp.finds('workers-not-launched', 'SELECT count(*) FROM "Acct" WHERE pad = ''x''', true), 'not in a serial plan');
RESET max_parallel_workers; SET max_parallel_workers_per_gather = 2;

-- parallel-unsafe-function
RESET min_parallel_table_scan_size; SET parallel_setup_cost = 10;
CREATE FUNCTION public.unsafe(i int) RETURNS int LANGUAGE plpgsql PARALLEL UNSAFE AS 'BEGIN RETURN i; END';
CREATE FUNCTION public.safe(i int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN i; END';
SET min_parallel_table_scan_size = '1MB';
SELECT ok(pg_temp.finds('parallel-unsafe-function', 'SELECT sum(public.unsafe(k)) FROM "Acct"'), 'an unsafe function over a large table');
SELECT is(pg_temp.suggests('parallel-unsafe-function', 'SELECT sum(public.unsafe(k)) FROM "Acct"'),
	'ALTER FUNCTION public.unsafe(integer) PARALLEL SAFE', 'named');
SELECT ok(NOT pg_temp.finds('parallel-unsafe-function', 'SELECT sum(public.safe(k)) FROM "Acct"'), 'not a safe one');
SELECT ok(NOT pg_temp.finds('parallel-unsafe-function', 'SELECT sum(public.unsafe(id)) FROM few'), 'quiet for a small table');
SET max_parallel_workers_per_gather = 0; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;

-- cte-materialized
SELECT ok(pg_temp.finds('cte-materialized', 'WITH c AS MATERIALIZED (SELECT * FROM "Acct") SELECT * FROM c WHERE id = 5'), 'materialized by choice');
SELECT ok(NOT pg_temp.finds('cte-materialized', 'WITH c AS (SELECT * FROM "Acct") SELECT * FROM c WHERE id = 5'), 'not when inlined');
SELECT ok(NOT pg_temp.finds('cte-materialized', 'WITH c AS MATERIALIZED (SELECT random() AS r, id FROM "Acct") SELECT * FROM c WHERE id = 5'), 'quiet for a volatile one');

-- correlated-subplan
SELECT ok(pg_temp.finds('correlated-subplan', 'SELECT id, (SELECT max(y.g) FROM few y JOIN few z USING (g) WHERE y.id = x.k) FROM "Acct" x'), 'once for each row');
SELECT ok(NOT pg_temp.finds('correlated-subplan', 'SELECT id, (SELECT max(g) FROM few) FROM "Acct" x'), 'not an independent subquery');
SELECT ok(NOT pg_temp.finds('correlated-subplan', 'SELECT id FROM "Acct" x WHERE k IN (SELECT id FROM few) OR k = 9'), 'quiet when hashed');

-- cartesian-product
SELECT ok(pg_temp.finds('cartesian-product', 'SELECT count(*) FROM few x, few y'), 'a join without a condition');
SELECT ok(NOT pg_temp.finds('cartesian-product', 'SELECT count(*) FROM few x, few y WHERE x.id = y.id'), 'not with one');
SELECT ok(NOT pg_temp.finds('cartesian-product', 'SELECT count(*) FROM few x, few y WHERE x.id = 1'), 'not of one row');

-- wrapped-column
SELECT ok(pg_temp.finds('wrapped-column', 'SELECT id FROM "Acct" WHERE lower(email) = ''u5@x.org'''), 'a function over the column');
SELECT is(pg_temp.suggests('wrapped-column', 'SELECT id FROM "Acct" WHERE lower(email) = ''u5@x.org'''),
	'CREATE INDEX CONCURRENTLY ON public."Acct" ((lower((email)::text)))', 'with the expression index that was proven');
SELECT ok(NOT pg_temp.finds('wrapped-column', 'SELECT id FROM "Acct" WHERE email = lower(''U5@x.org'')'), 'not over the value');
CREATE INDEX acct_lower ON "Acct" (lower(email)); ANALYZE "Acct";
SET enable_indexscan = off; SET enable_bitmapscan = off;
SELECT ok(NOT pg_temp.finds('wrapped-column', 'SELECT id FROM "Acct" WHERE lower(email) = ''u5@x.org'''), 'quiet when an expression index exists');
RESET enable_indexscan; RESET enable_bitmapscan;

-- implicit-cast
SELECT ok(pg_temp.finds('implicit-cast', 'SELECT id FROM "Acct" WHERE id = 5.0'), 'the column is cast');
SELECT is(pg_temp.evidence('implicit-cast', 'SELECT id FROM "Acct" WHERE id = 5.0') ->> 'cast_to', 'numeric', 'to what');
SELECT ok(NOT pg_temp.finds('implicit-cast', 'SELECT id FROM "Acct" WHERE id = 5'), 'not with the column''s type');

-- leading-wildcard
SELECT ok(pg_temp.finds('leading-wildcard', 'SELECT id FROM "Acct" WHERE email LIKE ''%5@x%'''), 'a pattern without a beginning');
SELECT ok(pg_temp.finds('leading-wildcard', 'SELECT id FROM "Acct" WHERE email ILIKE ''u5@x%'''), 'one without regard to case');
SELECT ok(NOT pg_temp.finds('leading-wildcard', 'SELECT id FROM "Acct" WHERE email LIKE ''u5@x%'''), 'not a prefix');
CREATE EXTENSION pg_trgm SCHEMA public;
SELECT is(pg_temp.suggests('leading-wildcard', 'SELECT id FROM "Acct" WHERE email LIKE ''%5@x%'''),
	'CREATE INDEX CONCURRENTLY ON public."Acct" USING gin (email public.gin_trgm_ops)', 'with the trigram index');
CREATE INDEX acct_trgm ON "Acct" USING gin (email public.gin_trgm_ops);
SET enable_bitmapscan = off;
SELECT ok(NOT pg_temp.finds('leading-wildcard', 'SELECT id FROM "Acct" WHERE email LIKE ''%5@x%'''), 'quiet when a trigram index exists');
RESET enable_bitmapscan;
DROP INDEX acct_trgm;

-- like-collation
CREATE TABLE word (w text COLLATE "en-x-icu") WITH (autovacuum_enabled = off);
INSERT INTO word SELECT md5(i::text) FROM generate_series(1, 20000) i;
CREATE INDEX word_w ON word (w);
ANALYZE word;
SELECT ok(pg_temp.finds('like-collation', 'SELECT * FROM word WHERE w LIKE ''abcd%'''), 'an index that cannot find a prefix');
CREATE INDEX word_p ON word (w text_pattern_ops);
SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
SELECT ok(NOT pg_temp.finds('like-collation', 'SELECT * FROM word WHERE w LIKE ''abcd%'''), 'quiet when a pattern index exists');
RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_indexonlyscan;

-- or-across-columns
SELECT ok(pg_temp.finds('or-across-columns', 'SELECT id FROM "Acct" WHERE k = 3 OR email = ''q'''), 'alternatives over two columns');
SELECT ok(NOT pg_temp.finds('or-across-columns', 'SELECT id FROM "Acct" WHERE k = 3 OR k = 5'), 'not over one');
CREATE INDEX acct_k ON "Acct" (k); CREATE INDEX acct_email ON "Acct" (email);
SELECT ok(NOT pg_temp.finds('or-across-columns', 'SELECT id FROM "Acct" WHERE k = 3 OR email = ''q'''), 'quiet for a BitmapOr');

-- bitmap-and
CREATE TABLE pair (x int, y int, pad text) WITH (autovacuum_enabled = off);
INSERT INTO pair SELECT i % 100, (i / 7) % 100, repeat('z', 80) FROM generate_series(1, 60000) i;
CREATE INDEX pair_x ON pair (x); CREATE INDEX pair_y ON pair (y);
ANALYZE pair;
SELECT ok(pg_temp.finds('bitmap-and', 'SELECT pad FROM pair WHERE x = 5 AND y = 7'), 'two indexes combined');
SELECT matches(pg_temp.suggests('bitmap-and', 'SELECT pad FROM pair WHERE x = 5 AND y = 7'), 'btree \((x, y|y, x)\)$', 'with the composite one');
SELECT ok(NOT pg_temp.finds('bitmap-and', 'SELECT pad FROM pair WHERE x = 5'), 'not one index');

-- late-limit
SELECT ok(pg_temp.finds('late-limit', 'SELECT id FROM "Acct" ORDER BY b, a LIMIT 10'), 'a LIMIT after a sort of all');
SELECT is(pg_temp.suggests('late-limit', 'SELECT id FROM "Acct" ORDER BY b, a LIMIT 10'),
	'CREATE INDEX CONCURRENTLY ON public."Acct" USING btree (b, a)', 'with the index in this order');
SELECT ok(NOT pg_temp.finds('late-limit', 'SELECT id FROM "Acct" ORDER BY id LIMIT 10'), 'not where an index delivers the order');

-- merge-join-sort
SET enable_hashjoin = off; SET enable_nestloop = off;
SELECT ok(pg_temp.finds('merge-join-sort', 'SELECT x.pad FROM "Acct" x JOIN "Acct" y ON x.a = y.id WHERE y.id < 50'), 'a merge join that sorts a table');
RESET enable_hashjoin;
SELECT ok(NOT pg_temp.finds('merge-join-sort', 'SELECT x.pad FROM "Acct" x JOIN "Acct" y ON x.a = y.id WHERE y.id < 50'), 'not a hash join');
RESET enable_nestloop;

-- large-offset
SELECT ok(pg_temp.finds('large-offset', 'SELECT id FROM "Acct" ORDER BY id OFFSET 20000 LIMIT 10'), 'rows produced to be skipped');
SELECT ok(NOT pg_temp.finds('large-offset', 'SELECT id FROM "Acct" ORDER BY id OFFSET 20 LIMIT 10'), 'not a few');

-- not-in-subquery
SELECT ok(pg_temp.finds('not-in-subquery', 'SELECT id FROM "Acct" WHERE id NOT IN (SELECT k FROM "Acct")'), 'NOT IN over many rows');
SELECT ok(NOT pg_temp.finds('not-in-subquery', 'SELECT id FROM "Acct" x WHERE NOT EXISTS (SELECT FROM "Acct" y WHERE y.k = x.id)'), 'not NOT EXISTS');

-- select-star
SELECT ok(pg_temp.finds('select-star', 'SELECT * FROM wide'), 'all columns of wide rows');
SELECT is((SELECT severity FROM perf_optimizer.plan_findings('SELECT * FROM wide') WHERE rule = 'select-star'), 'info', 'for information only');
SELECT ok(NOT pg_temp.finds('select-star', 'SELECT id, k FROM wide'), 'not named ones');
SELECT ok(NOT pg_temp.finds('select-star', 'SELECT * FROM few'), 'quiet for narrow rows');

-- no-partition-pruning
CREATE TABLE part (id int, k int) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE part_%s PARTITION OF part FOR VALUES FROM (%s) TO (%s)', i, i * 1000, (i + 1) * 1000) FROM generate_series(0, 9) i \gexec
INSERT INTO part SELECT i, i % 50 FROM generate_series(0, 9999) i;
ANALYZE part;
SELECT ok(pg_temp.finds('no-partition-pruning', 'SELECT count(*) FROM part WHERE k = 5'), 'a condition that leaves no partition out');
SELECT ok(NOT pg_temp.finds('no-partition-pruning', 'SELECT count(*) FROM part WHERE k = 5 AND id < 1500'), 'not one on the key');
SELECT ok(NOT pg_temp.finds('no-partition-pruning', 'SELECT count(*) FROM part WHERE k = 5 AND id = $1'), 'quiet when pruned at run time');

-- The rest needs its own tables: 22_findings.sql.
SELECT * FROM finish();
