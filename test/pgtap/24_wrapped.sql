-- wrapped-column: advice that fits the wrapper; LIKE over expressions; statistics on expressions; functions that forbid workers.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';

SELECT plan(33);

CREATE FUNCTION pg_temp.finding(wanted text, query text, execute boolean DEFAULT false, params text[] DEFAULT NULL)
RETURNS SETOF jsonb LANGUAGE sql AS $$
	SELECT f FROM perf_optimizer.analyze_query(query, params, execute) a, jsonb_array_elements(a.findings) f WHERE f ->> 'rule' = wanted LIMIT 1
$$;
CREATE FUNCTION pg_temp.advice(query text, params text[] DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT f ->> 'advice' FROM pg_temp.finding('wrapped-column', query, false, params) f
$$;
CREATE FUNCTION pg_temp.sql(wanted text, query text, execute boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
	SELECT f ->> 'suggested_sql' FROM pg_temp.finding(wanted, query, execute) f
$$;

CREATE TABLE ev (id int, ts timestamp, tz timestamptz, email text COLLATE "en-x-icu", k int, pad text) WITH (autovacuum_enabled = off);
INSERT INTO ev SELECT i, timestamp '2026-01-01' + i * interval '1 minute', timestamptz '2026-01-01' + i * interval '1 minute',
	'U' || i || '@X.org', i, repeat('x', 60) FROM generate_series(1, 60000) i;
ANALYZE ev;

-- A rounded time is a range
SELECT is(pg_temp.advice('SELECT id FROM ev WHERE date_trunc(''day'', ts) = ''2026-01-05'''),
	'Write the range: ts >= ''2026-01-05 00:00:00''::timestamp without time zone AND ts < ''2026-01-05 00:00:00''::timestamp without time zone + interval ''1 day''. Or create an index on the expression.',
	'date_trunc of a timestamp');
SELECT is((SELECT count(*) FROM ev WHERE date_trunc('day', ts) = '2026-01-05'),
	(SELECT count(*) FROM ev WHERE ts >= '2026-01-05 00:00:00'::timestamp AND ts < '2026-01-05 00:00:00'::timestamp + interval '1 day'), 'the range holds the same rows');
SELECT is(pg_temp.advice('SELECT id FROM ev WHERE date_trunc(''hour'', tz) = ''2026-01-01'''),
	'Write the range: tz >= ''2026-01-01 00:00:00+00''::timestamp with time zone AND tz < ''2026-01-01 00:00:00+00''::timestamp with time zone + interval ''1 hour''.',
	'of one with time zone, which no index can hold rounded');
SELECT is(pg_temp.sql('wrapped-column', 'SELECT id FROM ev WHERE date_trunc(''hour'', tz) = ''2026-01-01'''), NULL, 'so none is suggested');
SELECT is(pg_temp.advice('SELECT id FROM ev WHERE ts::date = ''2026-01-05'''),
	'Write the range: ts >= ''2026-01-05''::date AND ts < ''2026-01-05''::date + 1. Or create an index on the expression.', 'a cast to date');
SELECT is((SELECT count(*) FROM ev WHERE ts::date = '2026-01-05'),
	(SELECT count(*) FROM ev WHERE ts >= '2026-01-05'::date AND ts < '2026-01-05'::date + 1), 'the range holds the same rows');
SELECT is(pg_temp.advice('SELECT id FROM ev WHERE tz::date = $1', '{2026-01-05}'),
	'Write the range: tz >= ''2026-01-05''::date AND tz < ''2026-01-05''::date + 1.', 'a given value');
SELECT matches((SELECT f ->> 'advice' FROM pg_temp.finding('wrapped-column', 'SELECT id FROM ev WHERE ts::date < ''2026-01-02''', true) f),
	'^Write a range of ts itself, from the beginning of the period to the beginning of the next\.', 'an inequality');
SELECT matches(pg_temp.advice('SELECT id FROM ev WHERE ts::date IN (''2026-01-05'', ''2026-01-07'')'),
	'^Write a range of ts itself, from the beginning of the period to the beginning of the next\.', 'several values');

-- A cast, an arithmetic belong to the other side
SELECT is(pg_temp.advice('SELECT id FROM ev WHERE k::text = ''5'''),
	'Cast the other side: compare k with a value of type integer. Or create an index on the expression.', 'a cast to text');
SELECT is(pg_temp.advice('SELECT id FROM ev WHERE k::bigint = 5'),
	'Cast the other side: compare k with a value of type integer. Or create an index on the expression.', 'a cast to a wider number');
SELECT is(pg_temp.advice('SELECT id FROM ev WHERE k + 1 = 5'),
	'Move the arithmetic to the other side, so that k stands alone. Or create an index on the expression.', 'an arithmetic');
SELECT is(pg_temp.advice('SELECT id FROM ev WHERE coalesce(k, 0) = 5'),
	'Compare k itself, and add OR k IS NULL where a missing value is to match. Or create an index on the expression.', 'coalesce');

-- A function that cannot be turned around: an index on it
SELECT is(pg_temp.advice('SELECT id FROM ev WHERE lower(email) = ''u5@x.org'''),
	'Create an index on the expression, which serves the condition as it is written.', 'lower');
SELECT is(pg_temp.sql('wrapped-column', 'SELECT id FROM ev WHERE lower(email) = ''u5@x.org'''),
	'CREATE INDEX CONCURRENTLY ON public.ev ((lower(email)))', 'with its index');
SELECT is(pg_temp.sql('wrapped-column', 'SELECT id FROM ev WHERE lower(email) LIKE ''u5@%'''),
	'CREATE INDEX CONCURRENTLY ON public.ev ((lower(email)) text_pattern_ops)', 'LIKE with a prefix over an expression: an operator class that serves it');
SELECT pg_temp.sql('wrapped-column', 'SELECT id FROM ev WHERE lower(email) LIKE ''u5@%''') AS ddl \gset
SELECT lives_ok(replace(:'ddl', 'CONCURRENTLY ON', 'ev_lower ON'), 'it can be created'); ANALYZE ev;
SELECT ok((SELECT used_indexes FROM perf_optimizer.analyze_query('SELECT id FROM ev WHERE lower(email) LIKE ''u5@%''')) = '{ev_lower}', 'and is used');
SELECT is_empty($$SELECT pg_temp.finding('wrapped-column', 'SELECT id FROM ev WHERE lower(email) LIKE ''u5@%''')$$, 'then the rule is quiet');
DROP INDEX ev_lower; ANALYZE ev;
CREATE EXTENSION pg_trgm SCHEMA public;
SELECT is(pg_temp.sql('leading-wildcard', 'SELECT id FROM ev WHERE lower(email) LIKE ''%55@x%'''),
	'CREATE INDEX CONCURRENTLY ON public.ev USING gin ((lower(email)) public.gin_trgm_ops)', 'a leading wildcard over an expression');
CREATE INDEX ev_trgm ON ev USING gin ((lower(email)) public.gin_trgm_ops); ANALYZE ev;
SET enable_bitmapscan = off;
SELECT is_empty($$SELECT pg_temp.finding('leading-wildcard', 'SELECT id FROM ev WHERE lower(email) LIKE ''%55@x%''')$$, 'quiet when a trigram index on it exists');
RESET enable_bitmapscan; DROP INDEX ev_trgm; ANALYZE ev;

-- row-misestimate on an expression: statistics on it
SELECT matches(pg_temp.sql('row-misestimate', 'SELECT id FROM ev WHERE k % 2 = 0', true),
	'^CREATE STATISTICS public\.ev_expr_stat ON \(+k % 2\)+ FROM public\.ev; ANALYZE public\.ev$', 'statistics on the expression');
SELECT pg_temp.sql('row-misestimate', 'SELECT id FROM ev WHERE k % 2 = 0', true) AS ddl \gset
SELECT lives_ok(:'ddl', 'they can be created');
SELECT is_empty($$SELECT pg_temp.finding('row-misestimate', 'SELECT id FROM ev WHERE k % 2 = 0', true)$$, 'and cure it');
SELECT matches(pg_temp.sql('row-misestimate', 'SELECT id FROM ev WHERE k % 3 = 0', true),
	'^CREATE STATISTICS public\.ev_expr_stat1 ON ', 'a name that is taken is not suggested again');
SELECT is(pg_temp.sql('row-misestimate', 'SELECT id FROM ev WHERE date_part(''minute'', tz) < 70 AND date_part(''minute'', tz) >= 0 AND pad = ''y''', true), NULL,
	'no statistics on what is not immutable');

-- parallel-unsafe-function
SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = '64kB'; SET parallel_setup_cost = 10;
CREATE SEQUENCE numbers;
CREATE FUNCTION public.unmarked(i int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN i < 5; END';
CREATE AGGREGATE public.total(int) (sfunc = int4pl, stype = int);
SELECT is(pg_temp.sql('parallel-unsafe-function', 'SELECT id FROM ev WHERE public.unmarked(k)'), 'ALTER FUNCTION public.unmarked(integer) PARALLEL SAFE', 'a user''s function');
SELECT is(pg_temp.sql('parallel-unsafe-function', 'SELECT sum(nextval(''numbers'')) FROM ev'), NULL, 'the server''s own cannot be marked');
SELECT isnt_empty($$SELECT pg_temp.finding('parallel-unsafe-function', 'SELECT sum(nextval(''numbers'')) FROM ev')$$, 'but is named');
SELECT is_empty($$SELECT pg_temp.finding('parallel-unsafe-function', 'SELECT nextval(''numbers'') FROM ev')$$, 'quiet where workers would not pay without it');
SELECT is(pg_temp.sql('parallel-unsafe-function', 'SELECT public.total(k) FROM ev'), NULL, 'an aggregate has no ALTER');
SELECT isnt_empty($$SELECT pg_temp.finding('parallel-unsafe-function', 'SELECT public.total(k) FROM ev')$$, 'but is named');
ALTER FUNCTION public.unmarked(int) PARALLEL RESTRICTED;
SELECT is_empty($$SELECT pg_temp.finding('parallel-unsafe-function', 'SELECT id FROM ev WHERE public.unmarked(k)')$$, 'one that only the leader may run forbids no workers');

SELECT * FROM finish();
