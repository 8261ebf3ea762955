-- CPU time in one session, without execution: EXPLAIN (FORMAT JSON), plan_nodes and analyze_query; a set of 1000 statements; memory.
SET client_min_messages = warning;
CREATE TEMP TABLE subject (n int GENERATED ALWAYS AS IDENTITY, what text, query text);
COPY subject (what, query) FROM :'file';

-- The CPU time of this session in microseconds, by the scheduler's own count.
CREATE FUNCTION pg_temp.cpu_us() RETURNS numeric LANGUAGE sql AS $$
  SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1000 $$;

-- Runs one statement many times, warm; returns the microseconds of CPU of each, the least of three loops.
CREATE FUNCTION pg_temp.each_us(command text, loops int) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  start numeric;
  line record;
  least_us numeric;
BEGIN
  EXECUTE command INTO line;
  FOR turn IN 1 .. 3 LOOP
    start := pg_temp.cpu_us();
    FOR i IN 1 .. loops LOOP
      EXECUTE command INTO line;
    END LOOP;
    least_us := least(least_us, (pg_temp.cpu_us() - start) / loops);
  END LOOP;
  RETURN least_us;
END $$;

-- What an application's driver prepares once.
PREPARE nodes(text) AS SELECT count(*) FROM perf_optimizer.plan_nodes($1);
PREPARE analysis(text) AS SELECT estimated_cost FROM perf_optimizer.analyze_query($1);

CREATE TEMP TABLE measured AS
SELECT n, what,
       pg_temp.each_us('EXPLAIN (FORMAT JSON) ' || query, :loops) AS explain_us,
       pg_temp.each_us(format('SELECT count(*) FROM perf_optimizer.plan_nodes(%L)', query), :loops) AS nodes_us,
       pg_temp.each_us(format('EXECUTE nodes(%L)', query), :loops) AS nodes_prepared_us,
       pg_temp.each_us(format('SELECT estimated_cost FROM perf_optimizer.analyze_query(%L)', query), :loops) AS analyze_us,
       pg_temp.each_us(format('EXECUTE analysis(%L)', query), :loops) AS analyze_prepared_us
FROM subject ORDER BY n;

SELECT what AS statement, round(explain_us, 1) AS explain_us, round(nodes_us, 1) AS plan_nodes_us,
       round(nodes_prepared_us, 1) AS prepared_us, round(analyze_us, 1) AS analyze_query_us, round(analyze_prepared_us, 1) AS prepared_us,
       round(nodes_us / explain_us, 2) AS plan_nodes_ratio, round(nodes_prepared_us / explain_us, 2) AS prepared_ratio,
       round(analyze_us / explain_us, 2) AS analyze_query_ratio, round(analyze_prepared_us / explain_us, 2) AS prepared_ratio
FROM measured ORDER BY n;

-- 1000 different statements in one call of a set, ten times over: no two have the same queryid.  (The blanks keep the
-- server from remembering results.)
CREATE TEMP TABLE thousand AS
SELECT format('SELECT id, status%s FROM "CapitalCall" WHERE id = %s%s', repeat(', "amountDue"', i % 40), i, repeat(' AND "userId" > 0', i / 40)) AS query
FROM generate_series(0, 999) i;
SELECT count(a.estimated_cost) FROM thousand, LATERAL perf_optimizer.analyze_query(query) a \g /dev/null
SELECT pg_temp.cpu_us() AS start \gset
SELECT sum(a.planning_time_ms) AS planning, count(DISTINCT query_id) AS distinct_statements
FROM generate_series(1, 10) i, thousand, LATERAL perf_optimizer.analyze_query(query || repeat(' ', i)) a \gset
SELECT :distinct_statements AS distinct_statements, round((pg_temp.cpu_us() - :start) / 1e4) AS cpu_ms_of_1000,
       round(:planning::numeric / 10) AS planning_ms, round((pg_temp.cpu_us() - :start) / 1e4 - :planning::numeric / 10) AS beyond_planning_ms;

-- Memory of the session before and after 100,000 analyses.
\connect
SELECT sum(used_bytes) AS before FROM pg_backend_memory_contexts \gset
DO $$
BEGIN
  FOR i IN 1 .. 100000 LOOP
    PERFORM estimated_cost FROM perf_optimizer.analyze_query('SELECT status FROM "CapitalCall" WHERE id = ' || i % 100);
  END LOOP;
END $$;
SELECT :before AS bytes_before, sum(used_bytes) AS bytes_after_100k FROM pg_backend_memory_contexts;
