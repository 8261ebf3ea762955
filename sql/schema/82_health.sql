/* ---- health: one row a check ---- */

CREATE FUNCTION perf_optimizer.health(OUT check_name text, OUT status text, OUT value float8, OUT threshold float8, OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 12
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- In PL/pgSQL, because it keeps the plan: planning took most of the time of a call.
BEGIN
RETURN QUERY
WITH activity AS (
  SELECT count(*) FILTER (WHERE a.backend_type = 'client backend') AS clients,
         max(extract(epoch FROM clock_timestamp() - a.xact_start)) FILTER (WHERE a.backend_type = 'client backend') AS oldest_s,
         max(extract(epoch FROM clock_timestamp() - a.state_change)) FILTER (WHERE a.state LIKE 'idle in transaction%') AS idle_s,
         count(*) FILTER (WHERE a.wait_event_type = 'Lock') AS blocked
    FROM pg_stat_activity a
), measure(check_name, value, warning, critical, fact) AS (
  SELECT 'connections', a.clients / greatest(current_setting('max_connections')::float8 - current_setting('superuser_reserved_connections')::float8, 1), 0.8, 0.9,
         'share of max_connections in use' FROM activity a
  UNION ALL SELECT 'long transaction', coalesce(a.oldest_s, 0)::float8, 1800, 14400, 'seconds since the oldest transaction began' FROM activity a
  UNION ALL SELECT 'idle in transaction', coalesce(a.idle_s, 0)::float8, 300, 3600, 'seconds that a session has been idle inside a transaction' FROM activity a
  UNION ALL SELECT 'blocked sessions', a.blocked, 5, 20, 'sessions that wait for a lock' FROM activity a
  UNION ALL SELECT 'transaction ids', max(age(d.datfrozenxid))::float8, 0.75 * current_setting('autovacuum_freeze_max_age')::float8 + 50e6, 1e9,
         'transactions since the oldest database was frozen' FROM pg_database d
  UNION ALL SELECT 'replication lag', coalesce(max(extract(epoch FROM r.replay_lag)), 0)::float8, 30, 300, 'seconds that a standby is behind' FROM pg_stat_replication r
  UNION ALL SELECT 'replication slots', coalesce(max(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, s.restart_lsn)) FILTER (WHERE NOT s.active), 0)::float8,
         1073741824, 10737418240, 'bytes of WAL that an inactive slot keeps' FROM pg_replication_slots s
  UNION ALL SELECT 'archiver', coalesce(w.last_failed_time > coalesce(w.last_archived_time, '-infinity'), false)::int, 1, 2,
         '1 when the last WAL file could not be archived' FROM pg_stat_archiver w
  UNION ALL SELECT 'checksum failures', coalesce(sum(d.checksum_failures), 0)::float8, 1, 1, 'pages that were damaged when read' FROM pg_stat_database d
  UNION ALL SELECT 'dead letters', (SELECT count(*) FROM perf_optimizer.dead_letter_jobs)::float8, 1, 10, 'jobs whose last run failed for good'
  UNION ALL SELECT 'waiting runs', (SELECT count(*) FROM perf_optimizer.job_runs r WHERE r.status = 'queued' AND r.scheduled_for < now() - interval '1 minute')::float8, 10, 100,
         'runs of jobs that are late by more than a minute'
  UNION ALL SELECT 'worker processes', greatest(4 + w.runners - current_setting('max_worker_processes')::int, 0)::float8, 1, 1e9,
         'missing in max_worker_processes for launcher, scheduler, sampler and perf_optimizer.max_workers'
      FROM (SELECT current_setting('perf_optimizer.max_workers', true)::int AS runners) w WHERE w.runners IS NOT NULL
), judged AS (
  SELECT m.check_name, CASE WHEN m.value IS NULL THEN 'unknown' WHEN m.value >= m.critical THEN 'critical' WHEN m.value >= m.warning THEN 'warning' ELSE 'ok' END AS status,
         m.value, CASE WHEN m.value >= m.critical THEN m.critical ELSE m.warning END AS threshold, m.fact
    FROM measure m
)
SELECT 'overall', CASE WHEN bool_or(j.status = 'critical') THEN 'critical' WHEN bool_or(j.status = 'warning') THEN 'warning' ELSE 'ok' END,
       count(*) FILTER (WHERE j.status IN ('warning', 'critical'))::float8, 1::float8,
       coalesce(string_agg(j.check_name, ', ' ORDER BY j.check_name) FILTER (WHERE j.status IN ('warning', 'critical')), 'nothing to report') FROM judged j
UNION ALL SELECT * FROM (SELECT j.check_name, j.status, j.value, j.threshold, j.fact FROM judged j
  ORDER BY CASE j.status WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, j.check_name) ordered;
END
$$;
COMMENT ON FUNCTION perf_optimizer.health() IS
'The state of the server and of this database, one row a check; the first row, overall, has the worst status and is meant for a probe. status: ok, warning, critical or unknown; value is the measured figure and threshold the one that was reached, or else the lowest that would be. message says what the value is. Members of pg_monitor see all sessions.';
