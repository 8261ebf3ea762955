-- Microseconds of CPU of one call in one session: EXPLAIN, what_if with nothing, with one and with twenty hypothetical indexes.
CREATE TEMP TABLE subject (n int, what text, query text, index text);
INSERT INTO subject VALUES
  (1, 'one table', 'SELECT * FROM "CapitalCall" WHERE "userId" = 7 AND status = ''PENDING'' ORDER BY "dueDate" DESC LIMIT 20',
   'CREATE INDEX ON "CapitalCall" ("userId", status, "dueDate")'),
  (2, 'three tables', 'SELECT u.email, c."dueDate", p.amount FROM "User" u JOIN "CapitalCall" c ON c."userId" = u.id JOIN "Payment" p ON p."capitalCallId" = c.id WHERE u.id = 7 AND c.status = ''PAID'' ORDER BY p."paidAt" DESC LIMIT 20',
   'CREATE INDEX ON "CapitalCall" ("userId")'),
  (3, '24 partitions', 'SELECT "type", count(*) FROM "EventPartitioned" WHERE "entityId" = 7 GROUP BY 1',
   'CREATE INDEX ON "EventPartitioned" ("entityId")');

-- Runs one statement many times; returns the microseconds of each.
CREATE FUNCTION pg_temp.each_us(command text, loops int) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  start bigint;
  line record;
BEGIN
  EXECUTE command INTO line;
  start := cpu_ms();
  FOR i IN 1 .. loops LOOP
    EXECUTE command INTO line;
  END LOOP;
  RETURN 1000.0 * (cpu_ms() - start) / loops;
END $$;

CREATE TEMP TABLE measured AS
SELECT n, what,
       pg_temp.each_us('EXPLAIN (FORMAT JSON) ' || query, :loops) AS explain_us,
       pg_temp.each_us(format('SELECT cost_after FROM perf_optimizer.what_if(%L)', query), :loops) AS nothing_us,
       pg_temp.each_us(format('SELECT cost_after FROM perf_optimizer.what_if(%L, ARRAY[%L])', query, index), :loops) AS one_us,
       pg_temp.each_us(format('SELECT cost_after FROM perf_optimizer.what_if(%L, array_fill(%L::text, ARRAY[20]))', query, index), :loops) AS twenty_us
FROM subject ORDER BY n;

SELECT what AS statement, round(explain_us) AS explain_us, round(nothing_us) AS what_if_us, round(one_us) AS one_index_us,
       round(twenty_us) AS twenty_indexes_us, round(nothing_us / explain_us, 2) AS what_if_ratio, round(one_us / explain_us, 2) AS one_index_ratio
FROM measured ORDER BY n;
