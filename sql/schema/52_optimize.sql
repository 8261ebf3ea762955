/* ---- Maintenance by a worker, now ---- */

CREATE FUNCTION perf_optimizer.optimize_table(relation regclass) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_optimize_table';
COMMENT ON FUNCTION perf_optimizer.optimize_table(regclass) IS 'Has a background worker VACUUM (ANALYZE) a table, a partitioned table with its partitions, or a materialized view once this transaction commits; returns the run_id of job_runs and job_progress. Works without preloading too. schedule_maintenance does the same on a schedule. Errors: 22004 for a NULL, 42P01 for what is gone, 42809 for what cannot be vacuumed, 42501 unless you own it (from PostgreSQL 17 on: or have MAINTAIN), 25006 in a read-only transaction and on a standby.';
