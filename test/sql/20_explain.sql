-- What a user sees of a plan's analysis.
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE "CapitalCall" (id int PRIMARY KEY, "userId" int, status text, "dueDate" date);
INSERT INTO "CapitalCall" SELECT i, i % 2000, 'PAID', DATE '2026-01-01' + i % 365 FROM generate_series(1, 60000) i;
ANALYZE "CapitalCall";

SELECT plan_source, used_indexes, execution_time_ms, recommendations
FROM perf_optimizer.analyze_query('SELECT status FROM "CapitalCall" WHERE "userId" = $1', '{42}');

SELECT rule, severity, node_id, relation, message, suggested_sql
FROM perf_optimizer.plan_findings('SELECT status FROM "CapitalCall" WHERE "userId" = 42', execute => true);

SELECT node_id, parent_id, depth, node_type, relation, actual_rows, loops, rows_removed, filter
FROM perf_optimizer.plan_nodes('SELECT count(*) FROM "CapitalCall" WHERE "userId" = 42', execute => true);

-- A DELETE that is executed leaves no change behind.
SELECT actual_rows FROM perf_optimizer.analyze_query('DELETE FROM "CapitalCall" WHERE id <= 100', execute => true);
SELECT count(*) FROM "CapitalCall";

-- Errors say what to do.
SELECT perf_optimizer.analyze_query('SELECT 1; SELECT 2');
SELECT perf_optimizer.analyze_query('VACUUM "CapitalCall"');
SELECT perf_optimizer.analyze_query('SELECT * FROM "CapitalCal"');
SELECT perf_optimizer.analyze_query('SELECT * FROM "CapitalCall" WHERE id = $1', '{1,2}');
SELECT perf_optimizer.analyze_query('SELECT * FROM "CapitalCall" WHERE id = $1', '{one}');
SELECT perf_optimizer.analyze_query('SELECT * FROM "CapitalCall" WHERE id = $1', execute => true);

DROP TABLE "CapitalCall";
