-- The CPU time of each statement without indexes and with those suggested for :mb MB; what takes over a minute is cut off.
CREATE FUNCTION bench.run(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  start bigint := bench.cpu_ms();
BEGIN
  EXECUTE query;
  RETURN bench.cpu_ms() - start;
EXCEPTION WHEN query_canceled THEN
  RETURN NULL;
END $$;
SET client_min_messages = warning;
DELETE FROM bench.elapsed;
SELECT bench.use_set('{}') \g /dev/null
SET statement_timeout = '60s';
SELECT format('INSERT INTO bench.elapsed SELECT name, false, bench.run(query) FROM bench.workload WHERE name = %L', name) FROM bench.workload ORDER BY name \gexec
SET statement_timeout = 0;
SELECT bench.use_set((SELECT array_agg(definition) FROM bench.definitions WHERE budget = :mb)) \g /dev/null
SET statement_timeout = '60s';
SELECT format('INSERT INTO bench.elapsed SELECT name, true, bench.run(query) FROM bench.workload WHERE name = %L', name) FROM bench.workload ORDER BY name \gexec
SET statement_timeout = 0;
DROP FUNCTION bench.run;
SELECT name, a.ms AS ms_without, b.ms AS ms_with, round((b.ms / nullif(a.ms, 0))::numeric, 2) AS ratio, bench.cost(query)::bigint AS cost_with, plain::bigint AS cost_without
FROM bench.workload JOIN bench.elapsed a USING (name) JOIN bench.elapsed b USING (name) WHERE NOT a.indexed AND b.indexed ORDER BY name;
SELECT sum(a.ms) AS ms_without, sum(b.ms) AS ms_with, count(*) FILTER (WHERE b.ms > 1.1 * a.ms) AS slower
FROM bench.elapsed a JOIN bench.elapsed b USING (name) WHERE NOT a.indexed AND b.indexed AND a.ms IS NOT NULL;
