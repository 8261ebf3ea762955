-- The examples of doc/workload.md about the history, on a history made by hand: the same with and without preloading.
\set QUIET 1
SET client_min_messages = warning;
WITH snapshots AS (
  INSERT INTO perf_optimizer.snapshot (from_at, taken_at) VALUES (now() - interval '2 days', now() - interval '1 day'), (now() - interval '5 minutes', now()) RETURNING snapshot_id),
numbered AS (SELECT snapshot_id, row_number() OVER (ORDER BY snapshot_id) AS n FROM snapshots),
texts AS (INSERT INTO perf_optimizer.snapshot_text VALUES (7, current_user::regrole, 'SELECT * FROM orders WHERE customer = $1')),
plans AS (
  INSERT INTO perf_optimizer.snapshot_plan VALUES
    (7, current_user::regrole, true, 101, now() - interval '9 days', now() - interval '1 day', 'Index Scan using orders_customer_idx on orders'),
    (7, current_user::regrole, true, 102, now() - interval '1 hour', now(), 'Seq Scan on orders')),
uses AS (INSERT INTO perf_optimizer.snapshot_plan_use SELECT snapshot_id, 7, current_user::regrole, true, 100 + n, 1000, 1000 FROM numbered)
INSERT INTO perf_optimizer.snapshot_statement
  SELECT snapshot_id, 7, current_user::regrole, true, 1000, CASE n WHEN 1 THEN 250 ELSE 4000 END, 10, 12000, 5000, 0, 0, 0,
         CASE n WHEN 1 THEN '{0.2,0.3}'::float8[] ELSE '{3,6}' END, CASE n WHEN 1 THEN '{500,500}'::bigint[] ELSE '{900,100}' END FROM numbered;
\set QUIET 0

SELECT calls, mean_time_ms, p50_ms, p95_ms, rows_per_call, plan_id
  FROM (SELECT *, row_count / calls AS rows_per_call FROM perf_optimizer.query_history(7, since => now() - interval '7 days')) h;

\x on
SELECT rule, query, baseline_mean_ms, recent_mean_ms, factor, p_value < 0.01 AS no_chance, baseline_plan, recent_plan, message
  FROM perf_optimizer.query_regressions(baseline => '7 days', recent => '1 hour');
