/* ---- workload: reports over pg_stat_statements ---- */

CREATE FUNCTION perf_optimizer.slow_queries(
  min_mean_ms float8 DEFAULT 0,
  min_calls bigint DEFAULT 1,
  max_rows int DEFAULT 20,
  order_by text DEFAULT 'total_time',
  OUT query_id bigint,
  OUT role_name name,
  OUT query text,
  OUT calls bigint,
  OUT total_time_ms float8,
  OUT mean_time_ms float8,
  OUT max_time_ms float8,
  OUT stddev_time_ms float8,
  OUT p50_ms float8,
  OUT p95_ms float8,
  OUT p99_ms float8,
  OUT row_count bigint,
  OUT rows_per_call float8,
  OUT time_share_pct float8,
  OUT hit_ratio float8,
  OUT temp_bytes bigint,
  OUT wal_bytes bigint,
  OUT findings text[],
  OUT read_blocks bigint,
  OUT toplevel boolean)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
AS 'MODULE_PATHNAME', 'perf_optimizer_slow_queries';

COMMENT ON FUNCTION perf_optimizer.slow_queries(float8, bigint, int, text) IS
'The statements of this database that cost the most, from pg_stat_statements, which must be preloaded and created.
min_mean_ms: least mean execution time in milliseconds. min_calls: least number of calls. max_rows: how many rows.
order_by: total_time, mean_time, p95, calls, temp, wal or reads, largest first; p95 needs perf_optimizer preloaded.
Times are milliseconds of execution (planning is not in them), time_share_pct is the share of all execution time of this
database, hit_ratio the part of block accesses that shared buffers served, read_blocks the rest, temp_bytes what was written to temporary
files. p50_ms, p95_ms and p99_ms are NULL unless perf_optimizer is preloaded and tracks the statement; a notice says so once in a session. toplevel is false for
statements run inside functions (pg_stat_statements.track = all). findings names the rules that fire: slow-query,
high-total-time, low-hit-ratio, temp-heavy, wal-heavy; where tracked high-variance, n-plus-one, repeated-query, plan-flip, too.
Texts and identifiers of other roles are hidden unless you are a member of pg_read_all_stats.
Errors: 22004 for a NULL argument, 22023 for a wrong value, 55000 when pg_stat_statements is not there, or when
order_by is p95 and perf_optimizer is not preloaded.';
