-- suggest_indexes within a limit, against trying all subsets of the pool with what_if, over random tables and queries.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(8);
SET max_parallel_workers_per_gather = 0;
CREATE TABLE a (k int, u int, v int, w int, pad text);
CREATE TABLE b (k int, u int, v int, w int, pad text);

-- The pool: what is suggested when nothing limits it, and the beginnings of the keys.
CREATE FUNCTION find_pool(queries text[], most int) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(d) FROM (
    SELECT d FROM (
      SELECT definition AS d, rank FROM perf_optimizer.suggest_indexes(queries => queries, min_improvement_pct => 0)
      UNION
      SELECT regexp_replace(definition, ', .*\)', ')'), rank + 100 FROM perf_optimizer.suggest_indexes(queries => queries, min_improvement_pct => 0)
      WHERE definition !~ 'INCLUDE') p ORDER BY rank LIMIT most) x $$;

-- Queries over one or both tables.
CREATE FUNCTION draw_queries(n int) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(CASE WHEN r < 0.4 THEN format('SELECT * FROM a WHERE %s = %s AND %s < %s', c, x, d, y)
                        WHEN r < 0.7 THEN format('SELECT * FROM b WHERE %s = %s ORDER BY %s LIMIT 5', c, x, d)
                        ELSE format('SELECT a.pad, b.pad FROM a JOIN b ON a.%s = b.%s WHERE a.%s = %s', c, d, d, x) END)
  FROM (SELECT random() r, (ARRAY['k','u','v','w'])[1 + (random() * 3.99)::int % 4] c, (ARRAY['w','v','u','k'])[1 + (random() * 3.99)::int % 4] d,
               (random() * 100)::int x, (random() * 500)::int y FROM generate_series(1, n)) s $$;

-- The least that the queries cost with at most some indexes of the pool.
CREATE FUNCTION best_cost(queries text[], pool text[], most int) RETURNS float8 LANGUAGE sql AS $$
  SELECT min(total) FROM (
    SELECT bits, (SELECT sum((perf_optimizer.what_if(q, chosen)).cost_after) FROM unnest(queries) q) AS total
    FROM generate_series(0, (1 << cardinality(pool)) - 1) bits,
      LATERAL (SELECT coalesce(array_agg(pool[i]), '{}') AS chosen, count(*) AS n FROM generate_series(1, cardinality(pool)) i WHERE bits & (1 << i - 1) <> 0) s
    WHERE n <= most) x $$;

-- Fills the tables anew: each column with another number of values.
CREATE FUNCTION fill() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY '{a,b}'::text[] LOOP
    EXECUTE format('TRUNCATE %I', t);
    EXECUTE format('INSERT INTO %I SELECT i * 7919 %% %s, i * 10473 %% %s, i * 15485 %% %s, i %% %s, repeat(''x'', %s) FROM generate_series(1, %s) i', t,
      5 + (random() * 2000)::int, 5 + (random() * 500)::int, 5 + (random() * 5000)::int, 5 + (random() * 50)::int, 20 + (random() * 200)::int, 2000 + (random() * 8000)::int);
    EXECUTE format('ANALYZE %I', t);
  END LOOP;
END $$;

SELECT setseed(0.42) \g /dev/null
CREATE FUNCTION ratio(pool_size int, query_count int, most int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  pool text[];
  queries text[];
  ours float8;
  best float8;
BEGIN
  PERFORM fill();
  queries := draw_queries(query_count);
  pool := find_pool(queries, pool_size);
  SELECT coalesce(min(s.workload_cost_after), best_cost(queries, '{}', 0)) INTO ours
  FROM perf_optimizer.suggest_indexes(queries => queries, max_indexes => most, min_improvement_pct => 0) s;
  best := best_cost(queries, pool, most);
  RETURN ours / best;
END $$;
SELECT cmp_ok(ratio(7, 5, 1 + g % 3), '<=', 1.02::float8, format('no subset of a pool is better by more than 2 %%, %s', g)) FROM generate_series(1, 8) g;
SELECT * FROM finish();
