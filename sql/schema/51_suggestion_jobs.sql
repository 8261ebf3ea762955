/* ---- Suggestions carried out and tried by workers ---- */

CREATE FUNCTION perf_optimizer.apply_suggestion(definition text) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_apply_suggestion';
COMMENT ON FUNCTION perf_optimizer.apply_suggestion(text) IS 'Has a background worker carry out what a suggestion says, as the caller, once this transaction commits; returns the run_id of job_runs and job_progress. definition: one or more of CREATE INDEX, DROP INDEX, REINDEX, CREATE and DROP STATISTICS, ANALYZE, VACUUM, CREATE MATERIALIZED VIEW, and ALTER TABLE that sets a statistics target or options, validates or drops a constraint. An index without a name gets one; a concurrent build that fails, is cancelled or runs out of time leaves no index behind. Works without preloading too. Errors: 22004 for a NULL, 42601 for a text that is no SQL, 22023 for another statement, what CREATE INDEX would raise (42501 not the owner of the table, 42P07 the name is taken), 42501 for a superuser while perf_optimizer.allow_superuser_jobs is off.';

CREATE FUNCTION perf_optimizer.verify_suggestion(definition text, queries text[] DEFAULT NULL, keep boolean DEFAULT false) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_verify_suggestion';
COMMENT ON FUNCTION perf_optimizer.verify_suggestion(text, text[], boolean) IS 'Has a background worker try an index once this transaction commits: it runs the statements that would use it, builds it, runs them again, and drops it unless keep is set and it pays; returns the run_id. The run''s detail in job_runs is a JSON object with the verdict (pays, does not pay, unused), the times and costs before and after of each statement, and how many became slower. definition: one CREATE INDEX; queries: the statements (NULL: those of pg_stat_statements). Only SELECTs without volatile functions, row locks and unknown parameters are executed, in a read-only transaction and as the role that they belong to; the rest is priced by the planner, maintenance by writes as well. Use CALL await_run to wait for it. Errors: 22004 for a NULL, 22023 for what is no CREATE INDEX or for an empty list, what CREATE INDEX would raise, 55000 without queries and pg_stat_statements.';

CREATE FUNCTION perf_optimizer.schedule_index_tuning(schedule text, storage_budget_bytes bigint DEFAULT NULL, name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_index_tuning';
COMMENT ON FUNCTION perf_optimizer.schedule_index_tuning(text, bigint, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules trials of indexes and returns the job''s id: each run takes the best suggestion for the statements of pg_stat_statements on a table of the caller, verifies it as verify_suggestion does, and keeps it only if it pays. storage_budget_bytes: limit of all indexes that the job keeps (a comment on each says so). Nothing of this happens unless it is scheduled. A null name becomes "index_tuning workload". Errors: 22023 wrong schedule, zone, budget or option, 55000 pg_stat_statements is not there.';

CREATE FUNCTION perf_optimizer.runner_progress(OUT run_id bigint, OUT phase text, OUT done bigint, OUT total bigint, OUT since timestamptz)
	RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 4
	AS 'MODULE_PATHNAME', 'perf_optimizer_runner_progress';
COMMENT ON FUNCTION perf_optimizer.runner_progress() IS 'What the runners of this database say they are at, as far as the caller has the privileges of the role that they run as; total 0: not known. Internal, read the view job_progress.';

CREATE VIEW perf_optimizer.job_progress WITH (security_barrier) AS
	SELECT r.run_id, r.job_id, p.phase, p.done, p.total,
		CASE WHEN p.total > 0 THEN least(100 * p.done::float8 / p.total, 100) END AS progress_pct,
		CASE WHEN p.total > 0 AND p.done > 0 THEN pg_catalog.clock_timestamp()
			+ (pg_catalog.clock_timestamp() - p.since) * (greatest(p.total - p.done, 0)::float8 / p.done) END AS eta
	FROM perf_optimizer.job_runs r
		LEFT JOIN perf_optimizer.runner_progress() s ON s.run_id = r.run_id
		LEFT JOIN LATERAL (
			SELECT c.command || ': ' || c.phase AS phase,
				CASE WHEN c.blocks_total > 0 THEN c.blocks_done WHEN c.tuples_total > 0 THEN c.tuples_done ELSE c.lockers_done END AS done,
				CASE WHEN c.blocks_total > 0 THEN c.blocks_total WHEN c.tuples_total > 0 THEN c.tuples_total ELSE c.lockers_total END AS total
			FROM pg_catalog.pg_stat_progress_create_index c WHERE c.pid = r.pid
			UNION ALL
			SELECT 'VACUUM: ' || v.phase, CASE WHEN v.phase = 'vacuuming heap' THEN v.heap_blks_vacuumed ELSE v.heap_blks_scanned END, v.heap_blks_total
			FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.pid = r.pid
			UNION ALL
			SELECT 'ANALYZE: ' || a.phase, a.sample_blks_scanned, a.sample_blks_total
			FROM pg_catalog.pg_stat_progress_analyze a WHERE a.pid = r.pid
			UNION ALL
			SELECT l.command || ': ' || l.phase, l.heap_blks_scanned, l.heap_blks_total
			FROM pg_catalog.pg_stat_progress_cluster l WHERE l.pid = r.pid
			LIMIT 1) c ON true
		CROSS JOIN LATERAL (SELECT coalesce(c.phase, s.phase, 'running') AS phase, coalesce(c.done, s.done, 0) AS done,
			coalesce(c.total, s.total, 0) AS total, coalesce(s.since, r.started_at) AS since) p
	WHERE r.status = 'running';
COMMENT ON VIEW perf_optimizer.job_progress IS 'What the running runs are at, and when they will be done at their rate so far: done and total count blocks, rows, or what the kind of job counts; progress_pct and eta are NULL where the total is not known. Shows runs of the current role and of roles it is a member of.';
GRANT SELECT ON perf_optimizer.job_progress TO PUBLIC;
