-- warm_cache: what is read, in which order, within which budget; errors and rights.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = error;
SELECT * FROM no_plan();
CREATE SCHEMA "po Wa";
SET search_path = "po Wa", public;
CREATE TABLE "Big" (id int PRIMARY KEY, v text);
INSERT INTO "Big" SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;
CREATE TABLE small (id int PRIMARY KEY);
INSERT INTO small SELECT generate_series(1, 100);
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
VACUUM ANALYZE "Big", small;
SELECT throws_ok('SELECT * FROM perf_optimizer.warm_cache()', '55000', NULL, 'pg_prewarm is needed');
CREATE SCHEMA elsewhere;
CREATE EXTENSION pg_prewarm SCHEMA elsewhere;

SET allow_in_place_tablespaces = on;
CREATE TABLESPACE po_test_space LOCATION '';
-- Given relations, in their order.
SELECT results_eq($$ SELECT relation, size_bytes, warmed_bytes, reason FROM perf_optimizer.warm_cache(ARRAY['small', '"Big"', '"Big_pkey"']::regclass[]) $$,
  $$ VALUES ('small'::regclass, 8192::bigint, 8192::bigint, NULL), ('"Big"', pg_relation_size('"Big"'), pg_relation_size('"Big"'), NULL), ('"Big_pkey"', pg_relation_size('"Big_pkey"'), pg_relation_size('"Big_pkey"'), NULL) $$, 'all of what was asked for');
SELECT ok(cached_before_ratio = 1 AND cached_after_ratio = 1, 'it stayed') FROM perf_optimizer.warm_cache(ARRAY['"Big"'::regclass]);
-- A table that was thrown out of shared buffers, as after a restart: the ratio before and after.
CREATE TABLE "Cold" (v text);
INSERT INTO "Cold" SELECT repeat('x', 1000) FROM generate_series(1, 3000);
CHECKPOINT;
ALTER TABLE "Cold" SET TABLESPACE po_test_space;
SELECT ok(cached_before_ratio < 0.5 AND cached_after_ratio = 1 AND warmed_bytes = pg_relation_size('"Cold"'), format('from %s to %s', cached_before_ratio, cached_after_ratio)) FROM perf_optimizer.warm_cache(ARRAY['"Cold"'::regclass]);
SELECT is(cached_after_ratio, NULL, 'of what is left out nothing is said') FROM perf_optimizer.warm_cache(ARRAY['"Cold"'::regclass], 0);
SELECT results_eq($$ SELECT relation, warmed_bytes, reason FROM perf_optimizer.warm_cache(ARRAY['"Big"', 'small']::regclass[], 20000) $$, $$ VALUES ('"Big"'::regclass, 0::bigint, 'over the budget'), ('small', 8192, NULL) $$, 'what is over the budget is left out');
SELECT ok(sum(warmed_bytes) = 24576 AND count(*) = 3, 'the budget is of all') FROM perf_optimizer.warm_cache(ARRAY['small', 'small_pkey', '"Big"']::regclass[], 24576 + 8000);
SELECT is_empty($$ SELECT * FROM perf_optimizer.warm_cache('{}') $$, 'nothing asked, nothing done');


-- Those that are used most for their size.
SELECT pg_stat_force_next_flush();
SELECT pg_stat_reset();
SET enable_seqscan = off;
DO $$ BEGIN FOR i IN 1 .. 500 LOOP PERFORM FROM small WHERE id = i % 100; END LOOP; PERFORM count(*) FROM "Big" WHERE id < 5; END $$;
RESET enable_seqscan;
SELECT pg_stat_force_next_flush();
SELECT ok(array_position(r, 'small_pkey'::regclass) < array_position(r, '"Big_pkey"'::regclass), 'the small one that is used much comes first') FROM (SELECT array_agg(relation) AS r FROM perf_optimizer.hot_relations()) x;
SELECT is((SELECT array_agg(relation) FROM perf_optimizer.warm_cache()), (SELECT array_agg(relation) FROM perf_optimizer.hot_relations()), 'all that are used, in that order');
SELECT ok(bool_and(warmed_bytes = size_bytes), 'as far as the budget goes') FROM perf_optimizer.warm_cache() WHERE reason IS NULL;

-- Statistics are lost in a crash; the history is not.
SELECT pg_stat_force_next_flush();
SELECT pg_stat_reset();
SELECT is((SELECT uses FROM perf_optimizer.hot_relations() WHERE relation = '"Big"'::regclass), NULL, 'nothing is known');
INSERT INTO perf_optimizer.snapshot (from_at, taken_at) VALUES (now() - interval '1 day', now()) RETURNING snapshot_id \gset
INSERT INTO perf_optimizer.snapshot_table SELECT :snapshot_id, '"Big"'::regclass, 'Big', 700, 0, 77, 0, 0, 0, 0, 0, 0;
SELECT is((SELECT uses FROM perf_optimizer.hot_relations() WHERE relation = '"Big"'::regclass), 777::float8, 'but by the history');

-- Errors and rights.
CREATE ROLE po_test_nobody;
SELECT throws_ok(q, c, NULL, q) FROM (VALUES ('SELECT * FROM perf_optimizer.warm_cache(NULL, -1)', '22023'), ('SELECT * FROM perf_optimizer.warm_cache(ARRAY[NULL::regclass])', '22004'),
  ('SELECT * FROM perf_optimizer.warm_cache(ARRAY[''parts''::regclass])', '42809'), ('SELECT * FROM perf_optimizer.warm_cache(ARRAY[4294967295::oid::regclass])', '42P01')) v(q, c);
GRANT USAGE ON SCHEMA elsewhere, "po Wa" TO po_test_nobody;
SET ROLE po_test_nobody;
SELECT count(*) AS seen FROM perf_optimizer.warm_cache() WHERE relation = '"Big"'::regclass \gset
DO $$ BEGIN PERFORM perf_optimizer.warm_cache(ARRAY['"po Wa"."Big"'::regclass]); RAISE EXCEPTION 'no error'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
RESET ROLE;
SELECT is(:seen, 0, 'nothing of what one may not read');
SELECT * FROM finish();
DROP SCHEMA "po Wa" CASCADE;
DROP OWNED BY po_test_nobody;
DROP ROLE po_test_nobody;
DROP TABLESPACE po_test_space;
