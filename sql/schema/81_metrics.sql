/* ---- metrics in the Prometheus way ---- */

CREATE FUNCTION perf_optimizer.stale_matview_seconds() RETURNS float8
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Planning the view costs more than all other metrics together.
  IF NOT EXISTS (SELECT FROM pg_class c WHERE c.relkind = 'm') THEN
    RETURN 0;
  END IF;
  RETURN (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - v.last_refresh)), 0)::float8 FROM perf_optimizer.matview_status v WHERE v.stale);
END
$$;
COMMENT ON FUNCTION perf_optimizer.stale_matview_seconds() IS 'How long ago the materialized view was refreshed that has been stale for longest; 0 where none is. A part of metrics().';

CREATE FUNCTION perf_optimizer.server_metrics(OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 40
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- In PL/pgSQL, because it keeps the plan: planning took most of the time of a call.
BEGIN
RETURN QUERY
WITH state AS (
  SELECT coalesce(a.state, 'unknown') AS state, count(*) AS sessions FROM pg_stat_activity a WHERE a.backend_type = 'client backend' GROUP BY 1
), db AS (
  SELECT d.* FROM pg_stat_database d WHERE d.datname = current_database()
)
SELECT 'perf_optimizer_connections', 'gauge', 'Client connections of the server by state.', jsonb_build_object('state', s.state), s.sessions::float8 FROM state s
UNION ALL SELECT 'perf_optimizer_connections_max', 'gauge', 'The setting max_connections.', '{}', current_setting('max_connections')::float8
UNION ALL SELECT 'perf_optimizer_connections_used_ratio', 'gauge', 'Client connections as a part of those that are not reserved.', '{}',
    coalesce(sum(s.sessions), 0)::float8 / greatest(current_setting('max_connections')::int - (SELECT sum(g.setting::int) FROM pg_settings g WHERE g.name IN ('superuser_reserved_connections', 'reserved_connections')), 1) FROM state s
UNION ALL SELECT 'perf_optimizer_connections_waiting', 'gauge', 'Sessions that wait for a lock.', '{}', count(*)::float8 FROM pg_stat_activity WHERE wait_event_type = 'Lock'
UNION ALL SELECT 'perf_optimizer_longest_transaction_seconds', 'gauge', 'Age of the oldest open transaction.', '{}',
    coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity WHERE backend_type = 'client backend'
UNION ALL SELECT 'perf_optimizer_database_size_bytes', 'gauge', 'Size of this database.', '{}', pg_database_size(current_database())::float8
UNION ALL SELECT 'perf_optimizer_transactions_total', 'counter', 'Transactions of this database by outcome.', l.labels, l.value
    FROM db, LATERAL (VALUES ('{"outcome": "commit"}'::jsonb, db.xact_commit::float8), ('{"outcome": "rollback"}', db.xact_rollback)) l (labels, value)
UNION ALL SELECT 'perf_optimizer_blocks_total', 'counter', 'Block accesses of this database: found in shared buffers, or read.', l.labels, l.value
    FROM db, LATERAL (VALUES ('{"source": "hit"}'::jsonb, db.blks_hit::float8), ('{"source": "read"}', db.blks_read)) l (labels, value)
UNION ALL SELECT 'perf_optimizer_rows_total', 'counter', 'Rows of this database by operation.', l.labels, l.value
    FROM db, LATERAL (VALUES ('{"operation": "returned"}'::jsonb, db.tup_returned::float8), ('{"operation": "fetched"}', db.tup_fetched),
      ('{"operation": "inserted"}', db.tup_inserted), ('{"operation": "updated"}', db.tup_updated), ('{"operation": "deleted"}', db.tup_deleted)) l (labels, value)
UNION ALL SELECT 'perf_optimizer_temporary_bytes_total', 'counter', 'Bytes written to temporary files.', '{}', temp_bytes::float8 FROM db
UNION ALL SELECT 'perf_optimizer_deadlocks_total', 'counter', 'Deadlocks of this database.', '{}', deadlocks::float8 FROM db
UNION ALL SELECT 'perf_optimizer_oldest_transaction_id_age', 'gauge', 'Transactions since this database was frozen.', '{}', age(d.datfrozenxid)::float8
    FROM pg_database d WHERE d.datname = current_database()
UNION ALL SELECT 'perf_optimizer_replication_lag_seconds', 'gauge', 'How far each standby is behind in replaying.', jsonb_build_object('standby', r.application_name),
    max(coalesce(extract(epoch FROM r.replay_lag), 0))::float8 FROM pg_stat_replication r GROUP BY r.application_name
UNION ALL SELECT 'perf_optimizer_stale_matview_seconds', 'gauge', 'Time since the refresh of the materialized view that has been stale for longest, 0 where none is.', '{}', perf_optimizer.stale_matview_seconds()
UNION ALL SELECT 'perf_optimizer_wal_bytes_total', 'counter', 'WAL that the server has written.', '{}', w.wal_bytes::float8 FROM pg_stat_wal w;
END
$$;
COMMENT ON FUNCTION perf_optimizer.server_metrics() IS 'The metrics of server and database; a part of metrics().';

CREATE FUNCTION perf_optimizer.statement_metrics(top int DEFAULT 20, OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 200
SET search_path = pg_catalog, pg_temp
AS $$
WITH labelled AS (
  SELECT coalesce(t.query_id::text, 'other') AS query_id, t.calls, t.total_time_ms / 1000 AS seconds, t.row_count AS returned FROM perf_optimizer.tracked_loads(top) t
), cell AS (
  SELECT h.latency_ms, h.count::float8 AS n FROM perf_optimizer.tracked_latencies() h
), bound(le) AS (
  VALUES (0.0001::float8), (0.001), (0.005), (0.01), (0.05), (0.1), (0.5), (1), (5), (10), (60)
), whole AS (
  SELECT coalesce(sum(c.n), 0) AS n, coalesce(sum(c.n * c.latency_ms), 0) / 1000 AS seconds FROM cell c HAVING count(*) > 0
)
SELECT 'perf_optimizer_statement_calls_total', 'counter', 'Executions of the statements that took most time, and of all others.', jsonb_build_object('query_id', l.query_id), l.calls FROM labelled l
UNION ALL SELECT 'perf_optimizer_statement_seconds_total', 'counter', 'Execution time of the statements that took most time, and of all others.', jsonb_build_object('query_id', l.query_id), l.seconds FROM labelled l
UNION ALL SELECT 'perf_optimizer_statement_rows_total', 'counter', 'Rows of the statements that took most time, and of all others.', jsonb_build_object('query_id', l.query_id), l.returned FROM labelled l
UNION ALL SELECT 'perf_optimizer_execution_seconds_bucket', 'histogram', 'Execution times of all tracked statements.', jsonb_build_object('le', b.le::text),
    (SELECT coalesce(sum(c.n), 0) FROM cell c WHERE c.latency_ms / 1000 <= b.le) FROM bound b, whole
UNION ALL SELECT 'perf_optimizer_execution_seconds_bucket', 'histogram', 'Execution times of all tracked statements.', '{"le": "+Inf"}', w.n FROM whole w
UNION ALL SELECT 'perf_optimizer_execution_seconds_sum', 'histogram', 'Execution times of all tracked statements.', '{}', w.seconds FROM whole w
UNION ALL SELECT 'perf_optimizer_execution_seconds_count', 'histogram', 'Execution times of all tracked statements.', '{}', w.n FROM whole w
$$;
COMMENT ON FUNCTION perf_optimizer.statement_metrics(int) IS 'The metrics of tracked statements; a part of metrics(). top: how many statements have series of their own, the rest is "other". No statement''s text is read.';

CREATE FUNCTION perf_optimizer.job_metric_rows(OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- In PL/pgSQL, because it keeps the plan: planning took most of the time of a call.
BEGIN
RETURN QUERY
SELECT 'perf_optimizer_job_runs', 'gauge', 'Runs of jobs in the history by status.', jsonb_build_object('status', r.status), count(*)::float8 FROM perf_optimizer.job_runs r GROUP BY r.status
UNION ALL SELECT 'perf_optimizer_job_queue_length', 'gauge', 'Runs that are due and wait.', '{}', count(*)::float8 FROM perf_optimizer.job_runs r WHERE r.status = 'queued' AND r.scheduled_for <= now()
UNION ALL SELECT 'perf_optimizer_dead_letter_jobs', 'gauge', 'Jobs whose last run failed for good.', '{}', count(*)::float8 FROM perf_optimizer.dead_letter_jobs d;
END
$$;
COMMENT ON FUNCTION perf_optimizer.job_metric_rows() IS 'The metrics of the jobs that the current user may see; a part of metrics().';

CREATE FUNCTION perf_optimizer.metrics(OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 200
SET search_path = pg_catalog, pg_temp
AS $$
SELECT m.* FROM perf_optimizer.server_metrics() m
UNION ALL SELECT m.* FROM perf_optimizer.statement_metrics() m
UNION ALL SELECT m.* FROM perf_optimizer.job_metric_rows() m
UNION ALL SELECT m.* FROM perf_optimizer.objective_metrics() m
UNION ALL SELECT m.* FROM perf_optimizer.result_cache_metrics() m
$$;
COMMENT ON FUNCTION perf_optimizer.metrics() IS
'Metrics of the server, this database, its statements and jobs, and the cache of results, one series a row, named as Prometheus does: name with unit, counters end in _total; kind is counter, gauge or histogram. Statements need perf_optimizer preloaded; those beyond the 20 that took most time are summed up as query_id "other". No statement''s text is read. Members of pg_monitor see everything.';

CREATE FUNCTION perf_optimizer.metrics_text() RETURNS text
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
WITH series AS (
  SELECT m.*, CASE WHEN m.kind = 'histogram' THEN regexp_replace(m.name, '_(bucket|sum|count)$', '') ELSE m.name END AS family,
         row_number() OVER () AS place
    FROM perf_optimizer.metrics() m WHERE m.value IS NOT NULL
), line AS (
  SELECT s.family, min(s.place) OVER (PARTITION BY s.family) AS family_place, s.kind, s.help, s.place,
         s.name || coalesce((SELECT '{' || string_agg(l.key || '="' || replace(replace(replace(l.value, '\', '\\'), '"', '\"'), E'\n', '\n') || '"', ',' ORDER BY l.key) || '}'
                               FROM jsonb_each_text(s.labels) l), '') || ' ' ||
         CASE s.value WHEN 'Infinity' THEN '+Inf' WHEN '-Infinity' THEN '-Inf' ELSE s.value::text END AS text
    FROM series s
), family AS (
  SELECT l.family, l.family_place, format(E'# HELP %s %s\n# TYPE %1$s %3$s\n', l.family, replace(replace(min(l.help), '\', '\\'), E'\n', '\n'), min(l.kind))
         || string_agg(l.text, E'\n' ORDER BY l.place) || E'\n' AS text
    FROM line l GROUP BY l.family, l.family_place
)
SELECT coalesce(string_agg(f.text, '' ORDER BY f.family_place), '') FROM family f
$$;
COMMENT ON FUNCTION perf_optimizer.metrics_text() IS
'metrics() in the text format that Prometheus scrapes (version 0.0.4), ready to be served as it is.';
