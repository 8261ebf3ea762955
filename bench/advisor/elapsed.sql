-- The CPU time of each statement without indexes and with those suggested for :mb MB, the median of :rounds runs, in turns; what
-- takes over a minute is cut off and not run again.
SET client_min_messages = warning;
CREATE OR REPLACE FUNCTION bench.run(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  start bigint := bench.cpu_ms();
BEGIN
  EXECUTE query;
  RETURN bench.cpu_ms() - start;
EXCEPTION WHEN query_canceled THEN
  RETURN NULL;
END $$;
DELETE FROM bench.elapsed;
CREATE TEMP TABLE chosen AS SELECT array_agg(definition) AS definitions FROM bench.definitions WHERE budget = :mb;
SELECT s FROM generate_series(1, :rounds) AS round, (VALUES (1, false), (2, true)) AS v (turn, indexed), LATERAL (
  SELECT '0' AS step, format('SELECT bench.use_set(%s)', CASE WHEN indexed THEN '(SELECT definitions FROM chosen)' ELSE '''{}''' END) AS s
  UNION ALL
  SELECT '1', 'SET statement_timeout = ''60s'''
  UNION ALL
  SELECT '2' || name, format('INSERT INTO bench.elapsed SELECT name, %L, bench.run(query) FROM bench.workload
    WHERE name = %L AND NOT EXISTS (SELECT FROM bench.elapsed e WHERE e.name = workload.name AND e.indexed = %1$L AND e.ms IS NULL)', indexed, name) FROM bench.workload
  UNION ALL
  SELECT '3', 'SET statement_timeout = 0') AS steps
ORDER BY round, turn, step
\o /dev/null
\gexec
\o
CREATE TEMP TABLE timed AS SELECT name, percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE NOT indexed) AS ms_without,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE indexed) AS ms_with,
  min(ms) FILTER (WHERE NOT indexed) AS least_without, min(ms) FILTER (WHERE indexed) AS least_with FROM bench.elapsed GROUP BY name;
SELECT name, ms_without, ms_with, round((ms_with / nullif(ms_without, 0))::numeric, 2) AS ratio, least_without, least_with,
  bench.cost(query)::bigint AS cost_with, plain::bigint AS cost_without
FROM bench.workload JOIN timed USING (name) ORDER BY name;
SELECT sum(ms_without) AS ms_without, sum(ms_with) FILTER (WHERE ms_without IS NOT NULL) AS ms_with, sum(ms_with) AS ms_with_of_all,
  string_agg(name, ' ' ORDER BY name) FILTER (WHERE ms_with > 1.1 * ms_without) AS slower, string_agg(name, ' ' ORDER BY name) FILTER (WHERE ms_without IS NULL) AS cut_off
FROM timed;
-- What suggest_indexes said of gains that rest on estimates.
SELECT rank, (regexp_match(reason, 'The gain of (.*) rests on'))[1] AS gain_of
FROM bench.definitions WHERE budget = :mb AND reason ~ 'rests on' ORDER BY rank;
