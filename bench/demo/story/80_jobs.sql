SELECT job_id AS job, replace(name, 'public.', '') AS name, kind, schedule, enabled, to_char(next_run, 'YYYY-MM-DD HH24:MI:SS') AS next_run,
       last_status, consecutive_failures AS failures
FROM perf_optimizer.jobs ORDER BY job_id;
SELECT kind, status, count(*) AS runs, round(avg(duration_ms)::numeric) AS mean_ms, sum(rows_affected) AS rows
FROM perf_optimizer.job_runs JOIN perf_optimizer.jobs USING (job_id) GROUP BY kind, status ORDER BY kind, status;
