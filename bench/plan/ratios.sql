-- Microseconds of one call in one session: EXPLAIN (FORMAT JSON), plan_nodes and analyze_query, without execution.
CREATE TEMP TABLE subject (n int, what text, query text);
INSERT INTO subject VALUES
  (1, 'one table by key', 'SELECT status FROM "CapitalCall" WHERE id = 7'),
  (2, 'three tables by key', 'SELECT u.email, c."dueDate", p.amount FROM "User" u JOIN "CapitalCall" c ON c."userId" = u.id JOIN "Payment" p ON p."capitalCallId" = c.id WHERE p.id = 7'),
  (3, '24 partitions', 'SELECT "type", count(*) FROM "EventPartitioned" GROUP BY 1'),
  (4, 'insert', 'INSERT INTO "User" (id, email) VALUES (1, ''x'') ON CONFLICT DO NOTHING'),
  (5, 'one table, index proven', 'SELECT * FROM "CapitalCall" WHERE "userId" = 7 AND status = ''PENDING'' ORDER BY "dueDate" DESC LIMIT 20');

-- Runs one statement many times; returns the microseconds of each.
CREATE FUNCTION pg_temp.each_us(command text, loops int) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  start timestamptz;
  line record;
BEGIN
  EXECUTE command INTO line;
  start := clock_timestamp();
  FOR i IN 1 .. loops LOOP
    EXECUTE command INTO line;
  END LOOP;
  RETURN 1e6 * extract(epoch FROM clock_timestamp() - start) / loops;
END $$;

CREATE TEMP TABLE measured AS
SELECT n, what,
       pg_temp.each_us('EXPLAIN (FORMAT JSON) ' || query, :loops) AS explain_us,
       pg_temp.each_us(format('SELECT count(*) FROM perf_optimizer.plan_nodes(%L)', query), :loops) AS nodes_us,
       pg_temp.each_us(format('SELECT estimated_cost FROM perf_optimizer.analyze_query(%L)', query), :loops) AS analyze_us
FROM subject ORDER BY n;

SELECT what AS statement, round(explain_us) AS explain_us, round(nodes_us) AS plan_nodes_us, round(analyze_us) AS analyze_query_us,
       round(nodes_us / explain_us, 2) AS plan_nodes_ratio, round(analyze_us / explain_us, 2) AS analyze_query_ratio
FROM measured ORDER BY n;

-- Memory of the session before and after 100,000 analyses.
\connect - postgres
SELECT sum(used_bytes) AS before FROM pg_backend_memory_contexts \gset
DO $$
BEGIN
  FOR i IN 1 .. 100000 LOOP
    PERFORM estimated_cost FROM perf_optimizer.analyze_query('SELECT status FROM "CapitalCall" WHERE id = ' || i % 100);
  END LOOP;
END $$;
SELECT :before AS bytes_before, sum(used_bytes) AS bytes_after_100k FROM pg_backend_memory_contexts;
