SELECT name, count(*) AS runs, count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
       count(*) FILTER (WHERE status = 'failed') AS failed, round(avg(duration_ms)::numeric) AS mean_ms,
       round(max(duration_ms)::numeric) AS max_ms, sum(rows_affected) AS rows_written
FROM perf_optimizer.job_runs GROUP BY name ORDER BY name;

SELECT run_id, name, status, to_char(started_at, 'HH24:MI:SS.MS') AS started, round(duration_ms::numeric) AS ms,
       rows_affected AS rows_written, message
FROM perf_optimizer.job_runs ORDER BY run_id DESC LIMIT 6;
