/* ---- workload: reports as documents ---- */

CREATE FUNCTION perf_optimizer.report_window(since timestamptz, until timestamptz, OUT from_at timestamptz, OUT to_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  to_at := coalesce(until, clock_timestamp());
  from_at := coalesce(since, to_at - interval '1 day');
  IF NOT isfinite(from_at) OR NOT isfinite(to_at) THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('argument "%s" must be finite', CASE WHEN isfinite(from_at) THEN 'until' ELSE 'since' END), HINT = 'Leave both out for the last day.';
  ELSIF from_at >= to_at THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'argument "since" must be before "until"', HINT = 'Leave both out for the last day.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.report_window(timestamptz, timestamptz) IS
'The interval of a report: the day before "until", which is now, where nothing is said. Raises 22023 when it is empty or endless. Internal.';

CREATE FUNCTION perf_optimizer.is_own_text(query text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(query OPERATOR(pg_catalog.~) 'perf_optimizer[."]', false);
COMMENT ON FUNCTION perf_optimizer.is_own_text(text) IS 'Whether a statement names this extension; reports leave those out. Internal.';

CREATE FUNCTION perf_optimizer.statement_rules(
  calls float8, total_ms float8, hit_blocks float8, read_blocks float8, temp_bytes float8, wal_bytes float8,
  all_ms float8, all_read_blocks float8, all_temp_bytes float8, all_wal_bytes float8,
  p50_ms float8 DEFAULT NULL, p95_ms float8 DEFAULT NULL, p99_ms float8 DEFAULT NULL) RETURNS text[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_statement_rules';
COMMENT ON FUNCTION perf_optimizer.statement_rules(float8, float8, float8, float8, float8, float8, float8, float8, float8, float8, float8, float8, float8) IS
'The findings of slow_queries that the counters of a statement decide beside the sums of all: slow-query, high-total-time, low-hit-ratio, temp-heavy, wal-heavy, and with percentiles
high-variance. Internal.';

/* ---- from the history ---- */

CREATE FUNCTION perf_optimizer.report_totals(since timestamptz, until timestamptz, windows perf_optimizer.statement_window[], recent boolean) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT to_jsonb(n) || to_jsonb(s) || jsonb_build_object('since', since, 'until', until, 'hit_ratio', n.blocks_hit / nullif(n.blocks_hit + n.blocks_read, 0), 'mean_ms', s.total_ms / nullif(s.calls, 0))
    FROM (SELECT count(*) AS snapshots, sum(extract(epoch FROM x.taken_at - greatest(x.from_at, since)))::float8 AS seconds, sum(x.commits) AS commits, sum(x.rollbacks) AS rollbacks,
                 sum(x.blocks_hit) AS blocks_hit, sum(x.blocks_read) AS blocks_read, sum(x.temp_bytes) AS temp_bytes, sum(x.deadlocks) AS deadlocks, max(x.connections) AS connections,
                 max(x.max_connections) AS max_connections, (array_agg(x.database_bytes ORDER BY x.taken_at DESC))[1] AS database_bytes
            FROM perf_optimizer.snapshots x WHERE x.taken_at > since AND x.taken_at <= until) n
   CROSS JOIN (SELECT sum(w.calls) AS calls, sum(w.total_ms) AS total_ms, count(DISTINCT w.query_id) AS statements, sum(w.wal_bytes) AS wal_bytes
                 FROM unnest(windows) w WHERE w.is_recent = recent AND w.toplevel) s
$$;
COMMENT ON FUNCTION perf_optimizer.report_totals(timestamptz, timestamptz, perf_optimizer.statement_window[], boolean) IS
'Sums over the snapshots of an interval, and over its statements as far as you may see them. Internal.';

CREATE FUNCTION perf_optimizer.costliest_statements(
  windows perf_optimizer.statement_window[],
  max_rows int,
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT query text,
  OUT recent perf_optimizer.statement_window,
  OUT all_ms float8,
  OUT all_read float8,
  OUT all_temp float8,
  OUT all_wal float8)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
  WITH summed AS (
    SELECT w AS recent, w.query_id, w.userid, w.toplevel, sum(w.total_ms) FILTER (WHERE w.toplevel) OVER () AS all_ms, sum(w.read_blocks) FILTER (WHERE w.toplevel) OVER () AS all_read,
           sum(w.temp_bytes) FILTER (WHERE w.toplevel) OVER () AS all_temp, sum(w.wal_bytes) FILTER (WHERE w.toplevel) OVER () AS all_wal
      FROM unnest(windows) w WHERE w.is_recent),
  ranked AS (
    SELECT s.*, t.query, row_number() OVER (ORDER BY (s.recent).total_ms DESC, s.query_id) AS place
      FROM summed s LEFT JOIN perf_optimizer.text_history t USING (query_id, userid)
     WHERE NOT perf_optimizer.is_own_text(t.query))
  SELECT r.query_id, r.userid, r.toplevel, r.query, r.recent, r.all_ms, r.all_read, r.all_temp, r.all_wal
    FROM ranked r
   WHERE r.place <= max_rows
      OR perf_optimizer.statement_rules((r.recent).calls, (r.recent).total_ms, (r.recent).hit_blocks, (r.recent).read_blocks, (r.recent).temp_bytes, (r.recent).wal_bytes,
                                        r.all_ms, r.all_read, r.all_temp, r.all_wal) && ARRAY['low-hit-ratio', 'temp-heavy', 'wal-heavy']
   ORDER BY r.place
$$;
COMMENT ON FUNCTION perf_optimizer.costliest_statements(perf_optimizer.statement_window[], int) IS
'The statements of the recent interval that took most time, and those that read or wrote much of what all do, with the sums of all. Internal.';

CREATE FUNCTION perf_optimizer.statement_details(
  since timestamptz,
  until timestamptz,
  query_id bigint,
  userid oid,
  toplevel boolean,
  OUT latency_ms float8[],
  OUT counts bigint[],
  OUT points jsonb)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH inside AS MATERIALIZED (
    SELECT h.taken_at, h.calls, h.total_ms, h.latency_ms, h.counts, ntile(120) OVER (ORDER BY h.taken_at) AS part
      FROM perf_optimizer.statement_history h
     WHERE h.query_id = statement_details.query_id AND h.userid = statement_details.userid AND h.toplevel = statement_details.toplevel AND h.taken_at > since AND h.taken_at <= until)
  SELECT b.latency_ms, b.counts, p.points
    FROM (SELECT array_agg(x.latency ORDER BY x.latency) AS latency_ms, array_agg(x.n ORDER BY x.latency) AS counts
            FROM (SELECT u.latency, sum(u.n)::bigint AS n FROM inside i CROSS JOIN LATERAL unnest(i.latency_ms, i.counts) u(latency, n) GROUP BY 1) x) b
   CROSS JOIN (SELECT jsonb_agg(jsonb_build_array(x.at, x.mean_ms, x.calls) ORDER BY x.at) AS points
                 FROM (SELECT extract(epoch FROM max(i.taken_at))::bigint AS at, sum(i.total_ms) / sum(i.calls) AS mean_ms, sum(i.calls) AS calls
                         FROM inside i GROUP BY i.part) x) p
$$;
COMMENT ON FUNCTION perf_optimizer.statement_details(timestamptz, timestamptz, bigint, oid, boolean) IS
'The histogram of a statement in an interval, and its course: moment, mean time and calls of up to 120 parts. Internal.';

CREATE FUNCTION perf_optimizer.report_statements(since timestamptz, until timestamptz, windows perf_optimizer.statement_window[], max_rows int) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH top AS MATERIALIZED (
    SELECT c.*, d.*, perf_optimizer.histogram_percentile(d.latency_ms, d.counts, 0.50) AS p50, perf_optimizer.histogram_percentile(d.latency_ms, d.counts, 0.95) AS p95,
           perf_optimizer.histogram_percentile(d.latency_ms, d.counts, 0.99) AS p99
      FROM perf_optimizer.costliest_statements(windows, max_rows) c
     CROSS JOIN LATERAL perf_optimizer.statement_details(since, until, c.query_id, c.userid, c.toplevel) d),
  waits AS (
    SELECT l.query_id, l.userid, jsonb_object_agg(l.wait_class, l.seconds) AS seconds
      FROM (SELECT h.query_id, h.userid, h.wait_class, sum(h.seconds) AS seconds
              FROM perf_optimizer.load_history h WHERE h.taken_at > since AND h.taken_at <= until AND h.query_id IS NOT NULL GROUP BY 1, 2, 3) l
     GROUP BY 1, 2)
  SELECT jsonb_agg(jsonb_build_object(
           'query_id', t.query_id::text, 'role', pg_get_userbyid(t.userid), 'toplevel', t.toplevel, 'query', left(t.query, 4000), 'calls', r.calls, 'total_ms', r.total_ms,
           'time_share_pct', 100 * r.total_ms / nullif(t.all_ms, 0), 'mean_ms', r.total_ms / r.calls, 'stddev_ms', sqrt(r.squares / r.calls), 'earlier_mean_ms', e.total_ms / e.calls,
           'p50_ms', t.p50, 'p95_ms', t.p95, 'p99_ms', t.p99, 'rows_per_call', r.row_count / r.calls, 'hit_ratio', r.hit_blocks / nullif(r.hit_blocks + r.read_blocks, 0),
           'read_blocks', r.read_blocks, 'temp_bytes', r.temp_bytes, 'wal_bytes', r.wal_bytes, 'latency_ms', t.latency_ms, 'counts', t.counts, 'points', t.points, 'waits', w.seconds,
           'rules', perf_optimizer.statement_rules(r.calls, r.total_ms, r.hit_blocks, r.read_blocks, r.temp_bytes, r.wal_bytes, t.all_ms, t.all_read, t.all_temp, t.all_wal, t.p50, t.p95, t.p99))
         ORDER BY r.total_ms DESC, t.query_id)
    FROM top t
   CROSS JOIN LATERAL (SELECT (t.recent).*) r
    LEFT JOIN unnest(windows) e ON NOT e.is_recent AND e.query_id = t.query_id AND e.userid = t.userid AND e.toplevel = t.toplevel
    LEFT JOIN waits w ON w.query_id = t.query_id AND w.userid = t.userid
$$;
COMMENT ON FUNCTION perf_optimizer.report_statements(timestamptz, timestamptz, perf_optimizer.statement_window[], int) IS
'The costliest statements of an interval of the history with percentiles, histogram, course, waits and the rules that fire. Internal.';

CREATE FUNCTION perf_optimizer.report_changes(windows perf_optimizer.statement_window[], max_rows int) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH pairs AS (
    SELECT query_id, userid, toplevel, coalesce(b.total_ms, 0) AS before_ms, coalesce(r.total_ms, 0) AS now_ms, b.calls AS before_calls, r.calls AS now_calls
      FROM (SELECT * FROM unnest(windows) w WHERE NOT w.is_recent) b FULL JOIN (SELECT * FROM unnest(windows) w WHERE w.is_recent) r USING (query_id, userid, toplevel)
     WHERE EXISTS (SELECT 1 FROM unnest(windows) w WHERE NOT w.is_recent)),
  top AS (
    SELECT p.*, t.query FROM pairs p LEFT JOIN perf_optimizer.text_history t USING (query_id, userid)
     WHERE p.now_ms <> p.before_ms AND NOT perf_optimizer.is_own_text(t.query)
     ORDER BY abs(p.now_ms - p.before_ms) DESC, p.query_id LIMIT max_rows)
  SELECT coalesce(jsonb_agg(jsonb_build_object(
           'query', left(t.query, 1000), 'query_id', t.query_id::text, 'role', pg_get_userbyid(t.userid),
           'change', CASE WHEN t.before_calls IS NULL THEN 'new' WHEN t.now_calls IS NULL THEN 'gone' WHEN t.now_ms > t.before_ms THEN 'more' ELSE 'less' END,
           'total_before_ms', t.before_ms, 'total_ms', t.now_ms, 'difference_ms', t.now_ms - t.before_ms, 'calls_before', t.before_calls, 'calls', t.now_calls,
           'mean_before_ms', t.before_ms / t.before_calls, 'mean_ms', t.now_ms / t.now_calls)
         ORDER BY abs(t.now_ms - t.before_ms) DESC, t.query_id), '[]')
    FROM top t
$$;
COMMENT ON FUNCTION perf_optimizer.report_changes(perf_optimizer.statement_window[], int) IS
'The statements whose total time changed most from one interval to the next; none when the first has no snapshot. Internal.';

CREATE FUNCTION perf_optimizer.report_load(since timestamptz, until timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH placed AS MATERIALIZED (
    SELECT s.snapshot_id, s.from_at, s.taken_at, ntile(240) OVER (ORDER BY s.taken_at) AS part
      FROM perf_optimizer.snapshots s WHERE s.taken_at > since AND s.taken_at <= until),
  parts AS (
    SELECT p.part, min(p.from_at) AS from_at, max(p.taken_at) AS to_at FROM placed p GROUP BY 1),
  classes AS (
    SELECT p.part, l.wait_class, sum(l.seconds) AS seconds FROM perf_optimizer.load_history l JOIN placed p USING (snapshot_id) GROUP BY 1, 2)
  SELECT coalesce(jsonb_agg(jsonb_build_object('from', extract(epoch FROM p.from_at)::bigint, 'to', extract(epoch FROM p.to_at)::bigint, 'sessions', coalesce(c.sessions, '{}')) ORDER BY p.to_at), '[]')
    FROM parts p
    LEFT JOIN LATERAL (SELECT jsonb_object_agg(k.wait_class, k.seconds / greatest(extract(epoch FROM p.to_at - p.from_at), 1)) AS sessions FROM classes k WHERE k.part = p.part) c ON true
$$;
COMMENT ON FUNCTION perf_optimizer.report_load(timestamptz, timestamptz) IS 'Average sessions by wait class in up to 240 parts of an interval. Internal.';

CREATE FUNCTION perf_optimizer.report_tables(since timestamptz, until timestamptz, max_rows int) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH newest AS (
    SELECT DISTINCT ON (h.relid) h.relid, h.relation, h.live_rows, h.dead_rows, h.total_bytes
      FROM perf_optimizer.table_history h WHERE h.taken_at > since AND h.taken_at <= until ORDER BY h.relid, h.taken_at DESC),
  summed AS (
    SELECT h.relid, sum(h.seq_scan) AS seq_scans, sum(h.seq_tup_read) AS rows_read_by_seq_scans, sum(h.idx_scan) AS index_scans, sum(h.inserted) AS inserted, sum(h.updated) AS updated,
           sum(h.deleted) AS deleted, sum(h.seq_tup_read + h.idx_scan + h.inserted + h.updated + h.deleted) AS activity
      FROM perf_optimizer.table_history h WHERE h.taken_at > since AND h.taken_at <= until GROUP BY 1 ORDER BY activity DESC, h.relid LIMIT max_rows)
  SELECT coalesce(jsonb_agg(jsonb_build_object(
           'relation', n.relation, 'seq_scans', s.seq_scans, 'rows_read_by_seq_scans', s.rows_read_by_seq_scans, 'index_scans', s.index_scans, 'inserted', s.inserted, 'updated', s.updated,
           'deleted', s.deleted, 'live_rows', n.live_rows, 'dead_rows', n.dead_rows, 'size_bytes', n.total_bytes) ORDER BY s.activity DESC, n.relation), '[]')
    FROM summed s JOIN newest n USING (relid)
$$;
COMMENT ON FUNCTION perf_optimizer.report_tables(timestamptz, timestamptz, int) IS 'The busiest tables of an interval. Internal.';

/* ---- from what is tracked now ---- */

CREATE FUNCTION perf_optimizer.live_statements(max_rows int) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_agg(jsonb_build_object(
           'query_id', t.query_id::text, 'role', pg_get_userbyid(t.userid), 'toplevel', t.toplevel, 'query', left(x.query, 4000), 'calls', t.calls, 'total_ms', t.total_time_ms,
           'mean_ms', t.mean_time_ms, 'stddev_ms', t.stddev_time_ms, 'p50_ms', t.p50_ms, 'p95_ms', t.p95_ms, 'p99_ms', t.p99_ms,
           'rows_per_call', t.row_count / nullif(t.calls, 0), 'time_share_pct', 100 * t.total_time_ms / nullif(t.all_ms, 0), 'latency_ms', h.latency_ms, 'counts', h.counts,
           'rules', perf_optimizer.statement_rules(t.calls, t.total_time_ms, 0, 0, 0, 0, t.all_ms, 0, 0, 0, t.p50_ms, t.p95_ms, t.p99_ms))
         ORDER BY t.total_time_ms DESC, t.query_id)
    FROM (SELECT s.*, x.query, sum(s.total_time_ms) FILTER (WHERE s.toplevel) OVER () AS all_ms
            FROM perf_optimizer.tracked_statements() s LEFT JOIN perf_optimizer.statement_texts() x USING (query_id, userid)
           WHERE s.query_id IS NOT NULL AND s.calls > 0 AND NOT perf_optimizer.is_own_text(x.query) ORDER BY s.total_time_ms DESC LIMIT max_rows) t
    LEFT JOIN perf_optimizer.tracked_histograms() h USING (query_id, userid, toplevel)
   CROSS JOIN LATERAL (SELECT t.query) x
$$;
COMMENT ON FUNCTION perf_optimizer.live_statements(int) IS 'The costliest tracked statements, for reports on intervals without snapshots. Internal.';

CREATE FUNCTION perf_optimizer.live_load() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH minutes AS (
    SELECT date_trunc('minute', w.at) AS minute, w.wait_class, sum(w.sessions) * extract(epoch FROM current_setting('perf_optimizer.sample_interval')::interval) / 60 AS sessions
      FROM perf_optimizer.wait_history() w GROUP BY 1, 2)
  SELECT coalesce(jsonb_agg(jsonb_build_object('from', extract(epoch FROM m.minute)::bigint, 'to', extract(epoch FROM m.minute)::bigint + 60, 'sessions', m.sessions) ORDER BY m.minute), '[]')
    FROM (SELECT k.minute, jsonb_object_agg(k.wait_class, k.sessions) AS sessions FROM minutes k GROUP BY 1) m
$$;
COMMENT ON FUNCTION perf_optimizer.live_load() IS 'Average sessions by wait class in the last minutes, for reports on intervals without snapshots. Internal.';

CREATE FUNCTION perf_optimizer.report_n_plus_one(max_rows int) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(q) ORDER BY q.total_time_ms DESC), '[]')
    FROM (SELECT n.query, n.relation::text AS relation, n.kind, n.bursts, n.executions, n.avg_burst, n.max_burst, n.total_time_ms, n.parent_query, n.suggestion
            FROM perf_optimizer.n_plus_one_queries() n WHERE n.query IS NOT NULL AND NOT perf_optimizer.is_own_text(n.query) LIMIT max_rows) q
$$;
COMMENT ON FUNCTION perf_optimizer.report_n_plus_one(int) IS 'The costliest bursts. Internal.';

CREATE FUNCTION perf_optimizer.report_indexes(max_rows int) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.size_bytes DESC, i.index_name), '[]')
    FROM (SELECT format('%I.%I', x.schemaname, x.indexrelname) AS index_name, format('%I.%I', x.schemaname, x.relname) AS table_name, x.idx_scan AS scans_since_reset,
                 perf_optimizer.last_known_bytes(x.indexrelid) AS size_bytes, g.indisunique AS is_unique,
                 CASE WHEN NOT g.indisvalid THEN 'invalid: no query uses it, writes maintain it'
                      WHEN x.idx_scan = 0 AND NOT g.indisunique AND NOT g.indisreplident THEN 'never scanned on this node since statistics began' END AS note
            FROM pg_stat_user_indexes x JOIN pg_index g ON g.indexrelid = x.indexrelid JOIN pg_class c ON c.oid = x.indexrelid
           WHERE x.schemaname <> 'perf_optimizer' ORDER BY c.relpages DESC, x.indexrelid LIMIT max_rows) i
$$;
COMMENT ON FUNCTION perf_optimizer.report_indexes(int) IS 'Facts about the largest indexes. Internal.';

CREATE FUNCTION perf_optimizer.report_maintenance() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'matviews', coalesce((SELECT jsonb_agg(jsonb_build_object('matview', m.matview::text, 'last_refresh', m.last_refresh, 'mode', m.last_mode, 'duration_ms', m.last_duration_ms, 'stale', m.stale,
                                                              'size_bytes', m.size_bytes, 'finding', m.finding, 'suggested_sql', m.suggested_sql) ORDER BY m.matview::text) FROM perf_optimizer.matview_status m), '[]'),
    'jobs', coalesce((SELECT jsonb_agg(jsonb_build_object('job_id', j.job_id, 'job', j.name, 'kind', j.kind, 'target', j.target, 'schedule', j.schedule, 'enabled', j.enabled, 'last_run', j.last_run,
                                                          'last_status', j.last_status, 'failures_in_a_row', j.consecutive_failures, 'next_run', j.next_run) ORDER BY j.name, j.job_id) FROM perf_optimizer.jobs j), '[]'),
    'archive_policies', coalesce((SELECT jsonb_agg(jsonb_build_object('policy', p.policy, 'relation', p.relation, 'strategy', p.strategy, 'older_than', p.older_than, 'schedule', p.schedule,
                                                                      'last_archive', r.finished_at, 'last_status', r.status, 'rows', r.rows_archived, 'why_stopped', r.why_stopped, 'message', r.message) ORDER BY p.policy)
                                    FROM perf_optimizer.archive_policies p
                                    LEFT JOIN LATERAL (SELECT * FROM perf_optimizer.archive_runs a WHERE a.policy = p.policy ORDER BY a.run_id DESC LIMIT 1) r ON true), '[]'))
$$;
COMMENT ON FUNCTION perf_optimizer.report_maintenance() IS 'The state of materialized views, jobs and archive policies, as far as you may see them. Internal.';

/* ---- what it means ---- */

CREATE FUNCTION perf_optimizer.rule_advice(rule text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE rule
    WHEN 'slow-query' THEN 'Look at its plan with analyze_query.'
    WHEN 'high-total-time' THEN 'Make it faster, run it less often, or cache its result: nothing else saves as much.'
    WHEN 'high-variance' THEN 'Look at query_samples: other values, locks or cold data may be behind the slow executions.'
    WHEN 'low-hit-ratio' THEN 'It reads from outside shared buffers: an index that reads less, or more memory.'
    WHEN 'temp-heavy' THEN 'It sorts or hashes on disk: raise work_mem for it, or let an index deliver the order.'
    WHEN 'wal-heavy' THEN 'Write fewer rows or fewer indexes, or spread checkpoints further apart.'
    WHEN 'regression' THEN 'See what changed since: values, amount of data, settings, statistics (ANALYZE).'
    WHEN 'plan-flip' THEN 'The planner chose another plan: compare both, then ANALYZE or correct the estimate that is off.'
    WHEN 'n-plus-one' THEN 'Read the rows of all values with one statement.'
    WHEN 'repeated-query' THEN 'Keep its result for the transaction, or cache it.'
    WHEN 'missing-index' THEN 'Create the index while the system is quiet, and measure again.'
    WHEN 'job-fails' THEN 'Read the error in job_attempts; retry_job runs it again.'
    WHEN 'archive-fails' THEN 'preview_archive lists what is in the way.'
    END
$$;
COMMENT ON FUNCTION perf_optimizer.rule_advice(text) IS 'What to do about a finding of a report, in a sentence. Internal.';

CREATE TYPE perf_optimizer.report_finding AS (rule text, severity text, object text, message text, evidence jsonb, suggested_sql text, weight float8);
COMMENT ON TYPE perf_optimizer.report_finding IS 'A finding of a report; those of one severity are ordered by weight, as a rule the percentage of the workload that it concerns. Internal.';

CREATE FUNCTION perf_optimizer.statement_findings(statements jsonb) RETURNS SETOF perf_optimizer.report_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.rule,
         CASE WHEN r.rule = 'slow-query' AND s.mean_ms >= 1000 OR r.rule = 'high-total-time' AND s.time_share_pct >= 50 THEN 'high' WHEN r.rule = 'high-variance' THEN 'low' ELSE 'medium' END,
         s.query_id,
         CASE r.rule
           WHEN 'slow-query' THEN format('takes %s ms on average over %s calls', round(s.mean_ms::numeric, 1), s.calls)
           WHEN 'high-total-time' THEN format('takes %s %% of all execution time', round(s.time_share_pct::numeric, 1))
           WHEN 'high-variance' THEN format('its slowest hundredth takes %s ms or more, the middle %s ms', round(s.p99_ms::numeric, 2), round(s.p50_ms::numeric, 3))
           WHEN 'low-hit-ratio' THEN format('found %s %% of its blocks in shared buffers and read %s', round((100 * s.hit_ratio)::numeric, 1), pg_size_pretty((s.read_blocks * current_setting('block_size')::int)::bigint))
           WHEN 'temp-heavy' THEN format('wrote %s to temporary files', pg_size_pretty(s.temp_bytes::bigint))
           WHEN 'wal-heavy' THEN format('wrote %s of WAL', pg_size_pretty(s.wal_bytes::bigint)) END,
         jsonb_strip_nulls(jsonb_build_object('query', left(s.query, 300) || CASE WHEN length(s.query) > 300 THEN '…' ELSE '' END, 'role', s.role, 'calls', s.calls, 'total_ms', s.total_ms, 'p95_ms', s.p95_ms)), NULL, s.time_share_pct
    FROM jsonb_to_recordset(statements) AS s(query_id text, role text, query text, calls float8, total_ms float8, mean_ms float8, time_share_pct float8, p50_ms float8, p95_ms float8, p99_ms float8,
                                             hit_ratio float8, read_blocks float8, temp_bytes float8, wal_bytes float8, rules text[])
   CROSS JOIN LATERAL unnest(s.rules) r(rule)
   WHERE r.rule <> 'high-variance' OR s.p99_ms >= 1
$$;
COMMENT ON FUNCTION perf_optimizer.statement_findings(jsonb) IS 'The findings of the statements of a report. Internal.';

CREATE FUNCTION perf_optimizer.advice_findings(indexes jsonb, bursts jsonb, all_ms float8) RETURNS SETOF perf_optimizer.report_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'missing-index', CASE WHEN i.improvement_pct - coalesce(i.earlier_pct, 0) >= 50 THEN 'high' WHEN i.improvement_pct - coalesce(i.earlier_pct, 0) >= 10 THEN 'medium' ELSE 'low' END, i.relation, i.reason,
         jsonb_build_object('improvement_pct', i.improvement_pct, 'size_bytes', i.estimated_size_bytes, 'statements_improved', i.queries_improved), i.definition, i.improvement_pct - coalesce(i.earlier_pct, 0)
    FROM (SELECT x.*, lag(x.improvement_pct) OVER (ORDER BY x.rank) AS earlier_pct
            FROM jsonb_to_recordset(indexes) AS x(rank int, relation text, definition text, estimated_size_bytes bigint, improvement_pct float8, queries_improved int, reason text)) i
  UNION ALL
  SELECT b.kind, CASE WHEN b.max_burst >= 50 THEN 'medium' ELSE 'low' END, b.relation, format('one session runs it up to %s times in a row, %s times in all', b.max_burst, b.executions),
         jsonb_strip_nulls(jsonb_build_object('query', left(b.query, 300), 'parent', left(b.parent_query, 300), 'total_ms', b.total_time_ms)), CASE WHEN b.kind = 'n-plus-one' THEN b.suggestion END, 100 * b.total_time_ms / greatest(all_ms, b.total_time_ms, 1)
    FROM jsonb_to_recordset(bursts) AS b(kind text, relation text, query text, parent_query text, suggestion text, max_burst bigint, executions bigint, total_time_ms float8)
$$;
COMMENT ON FUNCTION perf_optimizer.advice_findings(jsonb, jsonb, float8) IS 'The findings of the suggested indexes and the bursts of a report, beside the time of all statements. Internal.';

CREATE FUNCTION perf_optimizer.regression_findings(windows perf_optimizer.statement_window[], since timestamptz, until timestamptz) RETURNS SETOF perf_optimizer.report_finding
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.rule, 'high', r.query_id::text, r.message,
         jsonb_strip_nulls(jsonb_build_object('query', left(r.query, 300), 'role', r.role_name, 'factor', r.factor, 'p_value', r.p_value, 'plan_before', r.baseline_plan,
                                              'plan_now', CASE WHEN r.recent_plan_id <> r.baseline_plan_id THEN r.recent_plan END)),
         NULL, r.time_share_pct
    FROM perf_optimizer.find_regressions(windows, since - interval '7 days', since, until) r WHERE NOT perf_optimizer.is_own_text(r.query)
$$;
COMMENT ON FUNCTION perf_optimizer.regression_findings(perf_optimizer.statement_window[], timestamptz, timestamptz) IS 'The statements that are slower in an interval than in the seven days before it. Internal.';

CREATE FUNCTION perf_optimizer.maintenance_findings(maintenance jsonb) RETURNS SETOF perf_optimizer.report_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'job-fails', CASE WHEN j.failures_in_a_row >= 3 THEN 'high' ELSE 'medium' END, j.job, CASE j.failures_in_a_row WHEN 1 THEN 'its last run failed' ELSE format('its last %s runs failed', j.failures_in_a_row) END,
         jsonb_build_object('kind', j.kind, 'target', j.target, 'last_run', j.last_run, 'last_status', j.last_status), format('SELECT perf_optimizer.run_job(%s)', j.job_id), 100
    FROM jsonb_to_recordset(maintenance->'jobs') AS j(job_id bigint, job text, kind text, target text, last_run timestamptz, last_status text, failures_in_a_row int) WHERE j.failures_in_a_row > 0
  UNION ALL
  SELECT 'archive-fails', 'medium', a.policy, coalesce(a.message, a.why_stopped), jsonb_build_object('relation', a.relation, 'last_archive', a.last_archive),
         format('SELECT * FROM perf_optimizer.preview_archive(%L)', a.policy), 50
    FROM jsonb_to_recordset(maintenance->'archive_policies') AS a(policy text, relation text, last_status text, last_archive timestamptz, why_stopped text, message text) WHERE a.last_status IN ('failed', 'crashed')
  UNION ALL
  SELECT 'matview', CASE WHEN m.last_refresh IS NULL THEN 'low' ELSE 'medium' END, m.matview, m.finding, jsonb_build_object('size_bytes', m.size_bytes), m.suggested_sql, 1
    FROM jsonb_to_recordset(maintenance->'matviews') AS m(matview text, finding text, suggested_sql text, size_bytes bigint, last_refresh timestamptz) WHERE m.finding IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.maintenance_findings(jsonb) IS 'The findings of the jobs, archive policies and materialized views of a report. Internal.';

CREATE FUNCTION perf_optimizer.report_findings(windows perf_optimizer.statement_window[], totals jsonb, statements jsonb, indexes jsonb, bursts jsonb, maintenance jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(f) - 'weight' || jsonb_build_object('advice', perf_optimizer.rule_advice(f.rule))
                            ORDER BY array_position(ARRAY['high', 'medium', 'low', 'info'], f.severity), f.weight DESC, f.rule, f.object), '[]')
    FROM (SELECT * FROM perf_optimizer.statement_findings(statements)
          UNION ALL SELECT * FROM perf_optimizer.advice_findings(indexes, bursts, (totals->>'total_ms')::float8)
          UNION ALL SELECT * FROM perf_optimizer.regression_findings(windows, (totals->>'since')::timestamptz, (totals->>'until')::timestamptz)
          UNION ALL SELECT * FROM perf_optimizer.maintenance_findings(maintenance)) f
$$;
COMMENT ON FUNCTION perf_optimizer.report_findings(perf_optimizer.statement_window[], jsonb, jsonb, jsonb, jsonb, jsonb) IS 'What a report finds, most severe first. Internal.';

CREATE FUNCTION perf_optimizer.report_tiles(t jsonb, e jsonb, findings jsonb, jobs jsonb, tracking jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH n AS (
    SELECT (t->>'hit_ratio')::float8 AS hit_ratio, (t->>'blocks_hit')::float8 + (t->>'blocks_read')::float8 AS blocks, (t->>'connections')::float8 / (t->>'max_connections')::float8 AS connected,
           (t->>'rollbacks')::float8 AS rollbacks, (t->>'commits')::float8 AS commits, (t->>'deadlocks')::float8 AS deadlocks, (SELECT age(d.datfrozenxid) FROM pg_database d WHERE d.datname = current_database()) AS age,
           (SELECT count(*) FROM jsonb_array_elements(findings) f WHERE f->>'severity' = 'high') AS high, (SELECT count(*) FROM jsonb_array_elements(findings) f WHERE f->>'severity' = 'medium') AS medium,
           (SELECT count(*) FROM jsonb_array_elements(jobs) j WHERE (j->>'failures_in_a_row')::int > 0) AS failing),
  tiles (label, unit, value, before, state, note) AS (
    SELECT 'Findings', 'n', to_jsonb(jsonb_array_length(findings)), NULL::jsonb, CASE WHEN n.high > 0 THEN 'bad' WHEN n.medium > 0 THEN 'warn' ELSE 'good' END, CASE WHEN n.high > 0 THEN n.high || ' high' END FROM n
    UNION ALL VALUES ('Execution time', 'ms', t->'total_ms', e->'total_ms', NULL, NULL), ('Calls', 'n', t->'calls', e->'calls', NULL, NULL), ('Mean time', 'ms', t->'mean_ms', e->'mean_ms', NULL, NULL)
    UNION ALL SELECT 'Buffer hits', 'ratio', t->'hit_ratio', e->'hit_ratio', CASE WHEN n.blocks >= 100000 THEN CASE WHEN n.hit_ratio < 0.9 THEN 'warn' ELSE 'good' END END, NULL FROM n
    UNION ALL SELECT 'Connections, most', 'n', t->'connections', e->'connections', CASE WHEN n.connected > 0.9 THEN 'bad' WHEN n.connected > 0.8 THEN 'warn' ELSE 'good' END, 'of ' || (t->>'max_connections') FROM n WHERE n.connected IS NOT NULL
    UNION ALL VALUES ('Commits', 'n', t->'commits', e->'commits', NULL, NULL)
    UNION ALL SELECT 'Rollbacks', 'n', t->'rollbacks', e->'rollbacks', CASE WHEN n.rollbacks >= 100 AND n.rollbacks >= 0.1 * (n.commits + n.rollbacks) THEN 'warn' ELSE 'good' END, NULL FROM n WHERE n.rollbacks IS NOT NULL
    UNION ALL SELECT 'Deadlocks', 'n', t->'deadlocks', e->'deadlocks', CASE WHEN n.deadlocks > 0 THEN 'warn' ELSE 'good' END, NULL FROM n WHERE n.deadlocks IS NOT NULL
    UNION ALL VALUES ('Temporary files', 'bytes', t->'temp_bytes', e->'temp_bytes', NULL, NULL), ('Database', 'bytes', t->'database_bytes', e->'database_bytes', NULL, NULL)
    UNION ALL SELECT 'Oldest transaction ids', 'n', to_jsonb(n.age), NULL, CASE WHEN n.age >= 1000000000 THEN 'bad' WHEN n.age >= 0.75 * current_setting('autovacuum_freeze_max_age')::float8 THEN 'warn' ELSE 'good' END,
                     'vacuum forced at ' || trim(to_char(current_setting('autovacuum_freeze_max_age')::bigint, '999G999G999G999')) FROM n
    UNION ALL SELECT 'Jobs', 'n', to_jsonb(jsonb_array_length(jobs)), NULL, CASE WHEN n.failing > 0 THEN 'bad' ELSE 'good' END, CASE WHEN n.failing > 0 THEN n.failing || ' failing' END FROM n WHERE jobs <> '[]'
    UNION ALL SELECT 'Tracked statements', 'n', tracking->'statements', NULL, CASE WHEN (tracking->>'evicted')::float8 > 0 THEN 'warn' ELSE 'good' END,
                     concat_ws(', ', 'of ' || (tracking->>'max_statements'), CASE WHEN (tracking->>'evicted')::float8 > 0 THEN (tracking->>'evicted') || ' evicted' END) WHERE tracking IS NOT NULL)
  SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(x))) FROM tiles x WHERE x.value IS NOT NULL AND x.value <> 'null'
$$;
COMMENT ON FUNCTION perf_optimizer.report_tiles(jsonb, jsonb, jsonb, jsonb, jsonb) IS
'The figures at the head of a report: label, unit (n, ms, bytes, ratio), value, that of the interval before, state (good, warn, bad) where it says something about health, a note. Internal.';

/* ---- the document ---- */

CREATE FUNCTION perf_optimizer.report_settings(since timestamptz, until timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('seen_at', s.taken_at, 'name', s.name, 'before', s.previous, 'now', s.setting, 'unit', g.unit) ORDER BY s.taken_at DESC, s.name), '[]')
    FROM perf_optimizer.setting_history s LEFT JOIN pg_settings g USING (name) WHERE s.taken_at > since AND s.taken_at <= until
$$;
COMMENT ON FUNCTION perf_optimizer.report_settings(timestamptz, timestamptz) IS 'The settings that changed in an interval. Internal.';

CREATE FUNCTION perf_optimizer.report_plans(query_id bigint) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('plan_id', p.plan_id::text, 'calls', p.calls, 'mean_ms', p.mean_time_ms, 'first_seen', p.first_seen, 'last_seen', p.last_seen, 'plan', p.plan)), '[]')
    FROM perf_optimizer.query_plans(query_id) p WHERE query_id IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.report_plans(bigint) IS 'The plan shapes of a statement. Internal.';

CREATE FUNCTION perf_optimizer.compose_report(since timestamptz, until timestamptz, suggestions jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  from_at timestamptz;
  to_at timestamptz;
  earlier_at timestamptz;
  is_tracked boolean := current_setting('perf_optimizer.track_max', true) IS NOT NULL;
  windows perf_optimizer.statement_window[];
  statements jsonb;
  load jsonb;
  bursts jsonb := '[]';
  tracking jsonb;
  totals jsonb;
  earlier jsonb;
  maintenance jsonb := perf_optimizer.report_maintenance();
  findings jsonb;
BEGIN
  SELECT w.from_at, w.to_at INTO from_at, to_at FROM perf_optimizer.report_window(since, until) w;
  earlier_at := from_at - (to_at - from_at);
  windows := ARRAY(SELECT w FROM perf_optimizer.statement_windows(earlier_at, from_at, to_at) w);
  totals := perf_optimizer.report_totals(from_at, to_at, windows, true);
  earlier := perf_optimizer.report_totals(earlier_at, from_at, windows, false);
  statements := perf_optimizer.report_statements(from_at, to_at, windows, 50);
  load := perf_optimizer.report_load(from_at, to_at);
  IF is_tracked THEN
    statements := coalesce(statements, perf_optimizer.live_statements(50));
    load := CASE WHEN load = '[]' THEN perf_optimizer.live_load() ELSE load END;
    bursts := perf_optimizer.report_n_plus_one(50);
    SELECT to_jsonb(t) INTO tracking FROM perf_optimizer.tracking_stats() t;
  END IF;
  statements := coalesce(statements, '[]');
  findings := perf_optimizer.report_findings(windows, totals, statements, coalesce(suggestions, '[]'), bursts, maintenance);
  RETURN jsonb_build_object(
    'generated_at', clock_timestamp(), 'since', from_at, 'until', to_at, 'database', current_database(), 'server', version(), 'tracked', is_tracked, 'tracking', tracking,
    'source', CASE WHEN (totals->>'snapshots')::int > 0 THEN 'history' ELSE 'live' END, 'totals', totals, 'earlier', earlier,
    'tiles', perf_optimizer.report_tiles(totals, earlier, findings, maintenance->'jobs', tracking), 'load', load,
    'findings', findings, 'statements', statements, 'changes', perf_optimizer.report_changes(windows, 20), 'n_plus_one', bursts,
    'plans', perf_optimizer.report_plans((statements->0->>'query_id')::bigint), 'suggested_indexes', suggestions,
    'tables', perf_optimizer.report_tables(from_at, to_at, 50), 'indexes', perf_optimizer.report_indexes(50),
    'settings', perf_optimizer.report_settings(from_at, to_at)) || maintenance;
END
$$;
COMMENT ON FUNCTION perf_optimizer.compose_report(timestamptz, timestamptz, jsonb) IS 'Does the work of workload_report, which hands it the suggested indexes. Internal.';

CREATE FUNCTION perf_optimizer.report_suggestions() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET client_min_messages = error
SET jit = off
AS $$
BEGIN
  -- The statements mean what they mean under the caller's search_path, so none is set here and every name is qualified.
  RETURN (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('rank', s.rank, 'relation', s.relation::pg_catalog.text, 'definition', s.definition,
            'estimated_size_bytes', s.estimated_size_bytes, 'improvement_pct', s.improvement_pct, 'queries_improved', s.queries_improved, 'reason', s.reason) ORDER BY s.rank)
            FROM perf_optimizer.suggest_indexes(max_indexes => 10, time_limit_ms => 250) s);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION perf_optimizer.report_suggestions() IS 'The indexes that suggest_indexes names for this database''s workload within a quarter of a second; NULL without pg_stat_statements. Internal.';

CREATE FUNCTION perf_optimizer.workload_report(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN perf_optimizer.compose_report(since, until, perf_optimizer.report_suggestions());
COMMENT ON FUNCTION perf_optimizer.workload_report(timestamptz, timestamptz) IS
'The workload of this database from since to until (default: the last day) as one document: health, totals and those of the interval before, load by wait class, ranked findings, the
costliest statements with percentiles, histograms, waits and their course, what changed from the interval before, N+1 statements, plans of the costliest statement, suggested indexes, tables,
indexes, materialized views, jobs, archive policies and changed settings. Statements that name this extension are left out of its lists. From the history (take_snapshot), or where the
interval has no snapshot ("source": "live") from what is tracked now. Holds what the caller may see.
Errors: 22023 when since is not before until.';
