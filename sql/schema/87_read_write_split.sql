/* ---- which statements could go to a replica ---- */

CREATE FUNCTION perf_optimizer.replica_obstacles(OUT query_id bigint, OUT role_name text, OUT obstacle text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'perf_optimizer_replica_obstacles';
COMMENT ON FUNCTION perf_optimizer.replica_obstacles() IS
'The statements of pg_stat_statements that can be planned, and what keeps each from running on a replica (NULL: nothing). Internal. Error: 55000 without pg_stat_statements.';

CREATE FUNCTION perf_optimizer.replica_candidates(max_rows int DEFAULT 20, OUT query_id bigint, OUT role_name name, OUT query text, OUT calls bigint, OUT total_time_ms float8,
  OUT time_share_pct float8, OUT fit boolean, OUT reason text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT s.query_id, s.role_name, s.query, s.calls, s.total_time_ms, s.time_share_pct, o.query_id IS NOT NULL AND o.obstacle IS NULL,
         CASE WHEN o.query_id IS NULL THEN 'it cannot be planned' ELSE o.obstacle END
    FROM perf_optimizer.slow_queries(max_rows => max_rows) s LEFT JOIN perf_optimizer.replica_obstacles() o ON o.query_id = s.query_id AND o.role_name = s.role_name
   ORDER BY s.total_time_ms DESC, s.query_id
$$;
COMMENT ON FUNCTION perf_optimizer.replica_candidates(int) IS
'Read/write split: which of the statements that took most time (max_rows of them) could go to a replica (fit), with their share of all execution time, and what keeps the others here (reason): they write, lock rows, call a function that may write (declared volatile), read temporary or unlogged tables, ask about this server, or cannot be planned. Whether a transaction around them writes, and whether they may see what is some moments old, only the application knows; replication_stats() says how old. Errors: 22004 and 22023 for max_rows, 55000 without pg_stat_statements.';
