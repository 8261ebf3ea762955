/* ---- workload: reports ---- */

CREATE FUNCTION perf_optimizer.report_window(since timestamptz, until timestamptz, OUT from_at timestamptz, OUT to_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  to_at := coalesce(until, clock_timestamp());
  from_at := coalesce(since, to_at - interval '1 day');
  IF from_at >= to_at THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'argument "since" must be before "until"', HINT = 'Leave both out for the last day.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.report_window(timestamptz, timestamptz) IS 'The interval of a report: the day before "until", which is now, where nothing is said. Raises 22023 when it is empty. Internal.';

CREATE FUNCTION perf_optimizer.report_totals(since timestamptz, until timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'snapshots', n.snapshots, 'seconds', n.seconds, 'commits', n.commits, 'rollbacks', n.rollbacks,
    'hit_ratio', n.hit / nullif(n.hit + n.read, 0), 'temp_bytes', n.temp_bytes, 'deadlocks', n.deadlocks,
    'connections', n.connections, 'max_connections', n.max_connections, 'database_bytes', n.database_bytes,
    'calls', s.calls, 'total_ms', s.total_ms, 'mean_ms', s.total_ms / nullif(s.calls, 0), 'statements', s.statements)
    FROM (SELECT count(*) AS snapshots, sum(extract(epoch FROM x.taken_at - greatest(x.from_at, since)))::float8 AS seconds, sum(x.commits) AS commits, sum(x.rollbacks) AS rollbacks,
                 sum(x.blocks_hit) AS hit, sum(x.blocks_read) AS read, sum(x.temp_bytes) AS temp_bytes, sum(x.deadlocks) AS deadlocks, max(x.connections) AS connections,
                 max(x.max_connections) AS max_connections, (array_agg(x.database_bytes ORDER BY x.taken_at DESC))[1] AS database_bytes
            FROM perf_optimizer.snapshots x WHERE x.taken_at > since AND x.taken_at <= until) n
   CROSS JOIN (SELECT sum(h.calls) AS calls, sum(h.total_ms) AS total_ms, count(DISTINCT h.query_id) AS statements
                 FROM perf_optimizer.statement_history h WHERE h.taken_at > since AND h.taken_at <= until AND h.toplevel) s
$$;
COMMENT ON FUNCTION perf_optimizer.report_totals(timestamptz, timestamptz) IS 'Sums over the snapshots of an interval, as far as you may see their statements. Internal.';

CREATE FUNCTION perf_optimizer.report_statements(since timestamptz, until timestamptz, max_rows int) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH inside AS MATERIALIZED (
    SELECT * FROM perf_optimizer.statement_history h WHERE h.taken_at > since AND h.taken_at <= until),
  total AS (
    SELECT sum(i.total_ms) FILTER (WHERE i.toplevel) AS ms FROM inside i),
  top AS MATERIALIZED (
    SELECT i.query_id, i.userid, i.toplevel, min(i.query) AS query, sum(i.calls) AS calls, sum(i.total_ms) AS total_ms, sum(i.row_count) AS row_count,
           sqrt((sum(i.squares) + greatest(sum(i.total_ms ^ 2 / i.calls) - sum(i.total_ms) ^ 2 / sum(i.calls), 0)) / sum(i.calls)) AS stddev_ms,
           sum(i.hit_blocks) AS hit, sum(i.read_blocks) AS read, sum(i.temp_bytes) AS temp_bytes, sum(i.wal_bytes) AS wal_bytes
      FROM inside i WHERE i.query IS NULL OR i.query !~ 'perf_optimizer[."]' GROUP BY 1, 2, 3 ORDER BY 6 DESC, 1 LIMIT max_rows),
  histogram AS (
    SELECT b.query_id, b.userid, b.toplevel, array_agg(b.latency ORDER BY b.latency) AS latency_ms, array_agg(b.n ORDER BY b.latency) AS counts
      FROM (SELECT i.query_id, i.userid, i.toplevel, u.latency, sum(u.n)::bigint AS n
              FROM inside i JOIN top t USING (query_id, userid, toplevel) CROSS JOIN LATERAL unnest(i.latency_ms, i.counts) u(latency, n) GROUP BY 1, 2, 3, 4) b
     GROUP BY 1, 2, 3),
  spark AS (
    SELECT i.query_id, i.userid, i.toplevel, jsonb_agg(jsonb_build_array(extract(epoch FROM i.taken_at)::bigint, i.total_ms / i.calls) ORDER BY i.taken_at) AS points
      FROM inside i JOIN top t USING (query_id, userid, toplevel) GROUP BY 1, 2, 3),
  earlier AS (
    SELECT h.query_id, h.userid, h.toplevel, sum(h.total_ms) / sum(h.calls) AS mean_ms
      FROM perf_optimizer.statement_history h JOIN top t USING (query_id, userid, toplevel)
     WHERE h.taken_at > since - (until - since) AND h.taken_at <= since GROUP BY 1, 2, 3)
  SELECT jsonb_agg(jsonb_build_object(
           'query_id', t.query_id::text, 'role', pg_get_userbyid(t.userid), 'toplevel', t.toplevel, 'query', left(t.query, 4000), 'calls', t.calls, 'total_ms', t.total_ms,
           'mean_ms', t.total_ms / t.calls, 'stddev_ms', t.stddev_ms, 'earlier_mean_ms', e.mean_ms,
           'p50_ms', perf_optimizer.histogram_percentile(h.latency_ms, h.counts, 0.50), 'p95_ms', perf_optimizer.histogram_percentile(h.latency_ms, h.counts, 0.95),
           'p99_ms', perf_optimizer.histogram_percentile(h.latency_ms, h.counts, 0.99),
           'rows_per_call', t.row_count / t.calls, 'time_share_pct', 100 * t.total_ms / nullif(total.ms, 0), 'hit_ratio', t.hit / nullif(t.hit + t.read, 0),
           'temp_bytes', t.temp_bytes, 'wal_bytes', t.wal_bytes, 'latency_ms', h.latency_ms, 'counts', h.counts, 'points', p.points)
         ORDER BY t.total_ms DESC, t.query_id)
    FROM top t CROSS JOIN total
    LEFT JOIN histogram h USING (query_id, userid, toplevel)
    LEFT JOIN spark p USING (query_id, userid, toplevel)
    LEFT JOIN earlier e USING (query_id, userid, toplevel)
$$;
COMMENT ON FUNCTION perf_optimizer.report_statements(timestamptz, timestamptz, int) IS 'The costliest statements of an interval of the history. Internal.';

CREATE FUNCTION perf_optimizer.live_statements(max_rows int) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_agg(jsonb_build_object(
           'query_id', t.query_id::text, 'role', pg_get_userbyid(t.userid), 'toplevel', t.toplevel, 'query', left(x.query, 4000), 'calls', t.calls, 'total_ms', t.total_time_ms,
           'mean_ms', t.mean_time_ms, 'stddev_ms', t.stddev_time_ms, 'p50_ms', t.p50_ms, 'p95_ms', t.p95_ms, 'p99_ms', t.p99_ms,
           'rows_per_call', t.row_count / nullif(t.calls, 0), 'time_share_pct', 100 * t.total_time_ms / nullif(t.all_ms, 0), 'latency_ms', h.latency_ms, 'counts', h.counts)
         ORDER BY t.total_time_ms DESC, t.query_id)
    FROM (SELECT s.*, sum(s.total_time_ms) FILTER (WHERE s.toplevel) OVER () AS all_ms FROM perf_optimizer.tracked_statements() s ORDER BY s.total_time_ms DESC LIMIT max_rows) t
    LEFT JOIN perf_optimizer.tracked_histograms() h USING (query_id, userid, toplevel)
    LEFT JOIN perf_optimizer.statement_texts() x USING (query_id, userid)
   WHERE t.query_id IS NOT NULL AND (x.query IS NULL OR x.query !~ 'perf_optimizer[."]')
$$;
COMMENT ON FUNCTION perf_optimizer.live_statements(int) IS 'The costliest tracked statements, for reports on intervals without snapshots. Internal.';

CREATE FUNCTION perf_optimizer.report_load(since timestamptz, until timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH classes AS (
    SELECT s.snapshot_id, s.from_at, s.taken_at, l.wait_class, sum(l.seconds) / greatest(extract(epoch FROM s.taken_at - s.from_at), 1) AS sessions
      FROM perf_optimizer.snapshots s LEFT JOIN perf_optimizer.load_history l ON l.snapshot_id = s.snapshot_id
     WHERE s.taken_at > since AND s.taken_at <= until GROUP BY 1, 2, 3, 4)
  SELECT coalesce(jsonb_agg(jsonb_build_object('from', extract(epoch FROM b.from_at)::bigint, 'to', extract(epoch FROM b.taken_at)::bigint, 'sessions', b.sessions) ORDER BY b.taken_at), '[]')
    FROM (SELECT c.snapshot_id, c.from_at, c.taken_at, coalesce(jsonb_object_agg(c.wait_class, c.sessions) FILTER (WHERE c.wait_class IS NOT NULL), '{}') AS sessions FROM classes c GROUP BY 1, 2, 3) b
$$;
COMMENT ON FUNCTION perf_optimizer.report_load(timestamptz, timestamptz) IS 'Average sessions by wait class in each snapshot of an interval. Internal.';

CREATE FUNCTION perf_optimizer.report_findings(statements jsonb, indexes jsonb, bursts jsonb) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('rule', f.rule, 'severity', f.severity, 'object', f.object, 'message', f.message, 'evidence', f.evidence, 'sql', f.sql)
                            ORDER BY array_position(ARRAY['high', 'medium', 'low', 'info'], f.severity), f.weight DESC, f.rule, f.object), '[]')
    FROM (
      SELECT 'slow-query' AS rule, CASE WHEN (s->>'mean_ms')::float8 >= 1000 THEN 'high' ELSE 'medium' END AS severity, s->>'query_id' AS object,
             format('takes %s ms on average over %s calls', round((s->>'mean_ms')::numeric, 1), s->>'calls') AS message,
             jsonb_build_object('query', left(s->>'query', 300), 'p95_ms', s->'p95_ms') AS evidence, NULL AS sql, (s->>'total_ms')::float8 AS weight
        FROM jsonb_array_elements(statements) s WHERE ((s->>'mean_ms')::float8 >= 100 OR (s->>'p95_ms')::float8 >= 500) AND (s->>'calls')::float8 >= 5
      UNION ALL
      SELECT 'high-total-time', CASE WHEN (s->>'time_share_pct')::float8 >= 50 THEN 'high' ELSE 'medium' END, s->>'query_id',
             format('takes %s %% of all execution time', round((s->>'time_share_pct')::numeric, 1)), jsonb_build_object('query', left(s->>'query', 300), 'total_ms', s->'total_ms'), NULL, (s->>'total_ms')::float8
        FROM jsonb_array_elements(statements) s WHERE (s->>'time_share_pct')::float8 >= 10
      UNION ALL
      SELECT 'high-variance', 'low', s->>'query_id', format('its slowest hundredth takes %s ms, the middle %s ms', round((s->>'p99_ms')::numeric, 2), round((s->>'p50_ms')::numeric, 3)),
             jsonb_build_object('query', left(s->>'query', 300), 'calls', s->'calls'), NULL, (s->>'total_ms')::float8
        FROM jsonb_array_elements(statements) s WHERE (s->>'calls')::float8 >= 100 AND (s->>'p99_ms')::float8 >= 10 * (s->>'p50_ms')::float8 AND (s->>'p99_ms')::float8 >= 1
      UNION ALL
      SELECT r.rule, 'high', r.query_id::text, r.message, jsonb_build_object('query', left(r.query, 300), 'factor', r.factor, 'p_value', r.p_value, 'plan_before', r.baseline_plan, 'plan_now', r.recent_plan), NULL, r.recent_mean_ms * r.recent_calls
        FROM perf_optimizer.query_regressions() r WHERE r.query IS NULL OR r.query !~ 'perf_optimizer[."]'
      UNION ALL
      SELECT 'missing-index', CASE WHEN (i->>'improvement_pct')::float8 >= 50 THEN 'high' WHEN (i->>'improvement_pct')::float8 >= 20 THEN 'medium' ELSE 'low' END, i->>'relation', i->>'reason',
             jsonb_build_object('improvement_pct', i->'improvement_pct', 'size_bytes', i->'estimated_size_bytes'), i->>'definition', (i->>'improvement_pct')::float8
        FROM jsonb_array_elements(indexes) i
      UNION ALL
      SELECT b->>'kind', CASE WHEN (b->>'max_burst')::int >= 50 THEN 'medium' ELSE 'low' END, b->>'relation', format('one session runs it up to %s times in a row, %s times in all', b->>'max_burst', b->>'executions'),
             jsonb_build_object('query', left(b->>'query', 300), 'parent', left(b->>'parent_query', 300)), CASE WHEN b->>'kind' = 'n-plus-one' THEN b->>'suggestion' END, (b->>'total_time_ms')::float8
        FROM jsonb_array_elements(bursts) b
      UNION ALL
      SELECT 'matview', 'medium', m.matview::text, m.finding, jsonb_build_object('size_bytes', m.size_bytes), m.suggested_sql, 0 FROM perf_optimizer.matview_status m WHERE m.finding IS NOT NULL) f
$$;
COMMENT ON FUNCTION perf_optimizer.report_findings(jsonb, jsonb, jsonb) IS 'What a report finds, most severe first. Internal.';

CREATE FUNCTION perf_optimizer.report_relations(since timestamptz, until timestamptz, OUT tables jsonb, OUT indexes jsonb)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.activity DESC, t.relation) , '[]') FROM (
            SELECT h.relation, sum(h.seq_scan) AS seq_scans, sum(h.seq_tup_read) AS rows_read_by_seq_scans, sum(h.idx_scan) AS index_scans, sum(h.inserted) AS inserted, sum(h.updated) AS updated,
                   sum(h.deleted) AS deleted, (array_agg(h.dead_rows ORDER BY h.taken_at DESC))[1] AS dead_rows, (array_agg(h.live_rows ORDER BY h.taken_at DESC))[1] AS live_rows,
                   (array_agg(h.total_bytes ORDER BY h.taken_at DESC))[1] AS size_bytes, sum(h.seq_tup_read + h.idx_scan + h.inserted + h.updated + h.deleted) AS activity
              FROM perf_optimizer.table_history h WHERE h.taken_at > since AND h.taken_at <= until GROUP BY h.relid, h.relation ORDER BY activity DESC LIMIT 50) t),
         (SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.size_bytes DESC, i.index_name), '[]') FROM (
            SELECT format('%I.%I', x.schemaname, x.indexrelname) AS index_name, format('%I.%I', x.schemaname, x.relname) AS table_name, x.idx_scan AS scans_since_reset,
                   c.relpages::bigint * current_setting('block_size')::int AS size_bytes, g.indisunique AS is_unique,
                   CASE WHEN x.idx_scan = 0 AND NOT g.indisunique AND NOT g.indisreplident THEN 'never scanned on this node since statistics began' END AS note
              FROM pg_stat_user_indexes x JOIN pg_index g ON g.indexrelid = x.indexrelid JOIN pg_class c ON c.oid = x.indexrelid
             WHERE x.schemaname <> 'perf_optimizer' ORDER BY c.relpages DESC LIMIT 50) i)
$$;
COMMENT ON FUNCTION perf_optimizer.report_relations(timestamptz, timestamptz) IS 'Facts about the busiest tables of an interval and the largest indexes. Internal.';

CREATE FUNCTION perf_optimizer.compose_report(since timestamptz, until timestamptz, suggestions jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  tracked boolean := current_setting('perf_optimizer.track_max', true) IS NOT NULL;
  win record;
  statements jsonb;
  n_plus_one jsonb := '[]';
  relations record;
  report jsonb;
BEGIN
  SELECT * INTO win FROM perf_optimizer.report_window(since, until);
  statements := perf_optimizer.report_statements(win.from_at, win.to_at, 50);
  report := jsonb_build_object('source', CASE WHEN statements IS NULL THEN 'live' ELSE 'history' END);
  statements := coalesce(statements, perf_optimizer.live_statements(50), '[]');
  IF tracked THEN
    SELECT coalesce(jsonb_agg(to_jsonb(q) - 'query_id' - 'parent_query_id' ORDER BY q.total_time_ms DESC), '[]') INTO n_plus_one
      FROM (SELECT n.query, n.relation::text AS relation, n.kind, n.bursts, n.executions, n.avg_burst, n.max_burst, n.total_time_ms, n.parent_query, n.suggestion, n.query_id, n.parent_query_id
              FROM perf_optimizer.n_plus_one_queries() n WHERE n.query !~ 'perf_optimizer[."]' LIMIT 50) q;
    report := report || jsonb_build_object('tracking', (SELECT to_jsonb(t) FROM perf_optimizer.tracking_stats() t));
  END IF;
  SELECT * INTO relations FROM perf_optimizer.report_relations(win.from_at, win.to_at);
  RETURN report || jsonb_build_object(
    'generated_at', clock_timestamp(), 'since', win.from_at, 'until', win.to_at, 'database', current_database(), 'server', version(), 'tracked', tracked,
    'totals', perf_optimizer.report_totals(win.from_at, win.to_at),
    'earlier', perf_optimizer.report_totals(win.from_at - (win.to_at - win.from_at), win.from_at),
    'load', perf_optimizer.report_load(win.from_at, win.to_at),
    'statements', statements, 'n_plus_one', n_plus_one,
    'findings', perf_optimizer.report_findings(statements, coalesce(suggestions, '[]'), n_plus_one),
    'plans', coalesce((SELECT jsonb_agg(jsonb_build_object('plan_id', p.plan_id::text, 'calls', p.calls, 'mean_ms', p.mean_time_ms, 'first_seen', p.first_seen, 'last_seen', p.last_seen, 'plan', p.plan))
                         FROM perf_optimizer.query_plans((statements->0->>'query_id')::bigint) p WHERE statements->0 IS NOT NULL), '[]'),
    'suggested_indexes', suggestions, 'tables', relations.tables, 'indexes', relations.indexes)
    || jsonb_build_object(
    'matviews', coalesce((SELECT jsonb_agg(jsonb_build_object('matview', m.matview::text, 'last_refresh', m.last_refresh, 'mode', m.last_mode, 'duration_ms', m.last_duration_ms, 'stale', m.stale,
                                                              'size_bytes', m.size_bytes, 'finding', m.finding, 'suggested_sql', m.suggested_sql) ORDER BY m.matview::text) FROM perf_optimizer.matview_status m), '[]'),
    'jobs', coalesce((SELECT jsonb_agg(jsonb_build_object('job', j.name, 'kind', j.kind, 'schedule', j.schedule, 'enabled', j.enabled, 'last_run', j.last_run, 'last_status', j.last_status, 'failures_in_a_row', j.consecutive_failures,
                                                          'next_run', j.next_run) ORDER BY j.name) FROM perf_optimizer.jobs j), '[]'),
    'archive', coalesce((SELECT jsonb_agg(jsonb_build_object('policy', a.policy, 'status', a.status, 'started_at', a.started_at, 'finished_at', a.finished_at, 'rows', a.rows_archived, 'why_stopped', a.why_stopped, 'message', a.message)
                                          ORDER BY a.run_id DESC) FROM (SELECT * FROM perf_optimizer.archive_runs ORDER BY run_id DESC LIMIT 30) a), '[]'),
    'settings', coalesce((SELECT jsonb_agg(jsonb_build_object('at', s.taken_at, 'name', s.name, 'before', s.previous, 'now', s.setting) ORDER BY s.taken_at DESC, s.name)
                            FROM perf_optimizer.setting_history s WHERE s.taken_at > win.from_at AND s.taken_at <= win.to_at), '[]'));
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
            FROM perf_optimizer.suggest_indexes(max_indexes => 10, time_limit_ms => 500) s);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION perf_optimizer.report_suggestions() IS 'The indexes that suggest_indexes names for this database''s workload within half a second; NULL without pg_stat_statements. Internal.';

CREATE FUNCTION perf_optimizer.workload_report(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN perf_optimizer.compose_report(since, until, perf_optimizer.report_suggestions());
COMMENT ON FUNCTION perf_optimizer.workload_report(timestamptz, timestamptz) IS
'The workload of this database from since to until (default: the last day) as one document: totals and those of the interval before, load by wait class, the 50 costliest statements with
percentiles, histograms and their course, findings, N+1 statements, plans of the costliest statement, suggested indexes, tables, indexes, materialized views, jobs, archive runs and changed
settings. Statements that name this extension are left out of its lists. From the history (take_snapshot), or where the interval has no snapshot ("source": "live") from what is tracked now. Holds what the caller may see.
Errors: 22023 when since is not before until.';

CREATE FUNCTION perf_optimizer.report_template() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$ SELECT $template$<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>Workload report</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --bg: #fbfbfa; --fg: #1d2127; --soft: #5c6570; --line: #d9dde2; --card: #ffffff; --accent: #2266aa; --high: #b42318; --medium: #9a5b00; --low: #3f6212; --info: #475467; --heat: 180, 35, 24; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171b; --fg: #e6e9ed; --soft: #9aa4b0; --line: #2f363e; --card: #1c2126; --accent: #7ab3ef; --high: #ff8a7a; --medium: #f2b84b; --low: #a5cf6d; --info: #a9b4c2; --heat: 255, 120, 100; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 78rem; background: var(--bg); color: var(--fg); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
p { margin: .25rem 0 .75rem; }
.soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.tile, details, .chart { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.25rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .55rem; border-bottom: 1px solid var(--line); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
th button:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th[aria-sort="ascending"] button::after { content: " \25B2"; }
th[aria-sort="descending"] button::after { content: " \25BC"; }
code, pre { font: .82rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; margin: 0; }
td code { display: block; min-width: 16rem; max-height: 9rem; overflow: auto; }
.high { color: var(--high); font-weight: 600; } .medium { color: var(--medium); font-weight: 600; } .low { color: var(--low); } .info { color: var(--info); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 11px; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin-top: .4rem; font-size: .85rem; } .legend i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; border-radius: 2px; }
.plan div { white-space: pre-wrap; font: .82rem/1.5 ui-monospace, monospace; padding: 0 .4rem; overflow-wrap: anywhere; }
details { margin: .5rem 0; } summary { cursor: pointer; overflow-wrap: anywhere; }
.spark { width: 8rem; } .histogram { max-width: 40rem; }
@media print { body { max-width: none; font-size: 11px; } .scroll { overflow: visible; } td code { max-height: none; } h2 { break-after: avoid; } tr, .tile { break-inside: avoid; } }
</style>
</head>
<body>
<header>
<h1>Workload report</h1>
<p class="soft" id="about"></p>
</header>
<noscript><p>This page draws itself with a script of its own, which is switched off here.</p></noscript>
<main id="main"></main>
<script type="application/json" id="data">@@DATA@@</script>
<script>
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const SVG = "http://www.w3.org/2000/svg";
  const CLASSES = [["cpu", "#3a9a5b"], ["io", "#3b7dd8"], ["lock", "#c43c39"], ["lwlock", "#d0743c"], ["ipc", "#8a63c9"], ["client", "#8b949e"], ["other", "#5fa8a8"], ["idle in transaction", "#c9a227"]];
  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
    for (const child of children) if (child !== null && child !== undefined) node.append(child);
    return node;
  }
  function svg(tag, attributes, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }
  function number(value, digits) {
    if (value === null || value === undefined) return "";
    return Number(value).toLocaleString("en", { maximumFractionDigits: digits === undefined ? (Math.abs(value) < 1 ? 4 : Math.abs(value) < 100 ? 2 : 0) : digits });
  }
  function bytes(value) {
    if (value === null || value === undefined) return "";
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let i = 0;
    while (Math.abs(value) >= 1024 && i < units.length - 1) { value /= 1024; i++; }
    return number(value, i ? 1 : 0) + " " + units[i];
  }
  function milliseconds(value) {
    if (value === null || value === undefined) return "";
    if (value >= 3600000) return number(value / 3600000, 1) + " h";
    if (value >= 60000) return number(value / 60000, 1) + " min";
    if (value >= 1000) return number(value / 1000, 2) + " s";
    return number(value) + " ms";
  }
  function moment(value) { return value ? new Date(value).toISOString().replace("T", " ").slice(0, 19) + "Z" : ""; }
  function percent(value) { return value === null || value === undefined ? "" : number(100 * value, 1) + " %"; }
  function section(title, text, ...nodes) {
    const id = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    main.append(el("section", { "aria-labelledby": id }, el("h2", { id: id }, title), text ? el("p", { class: "soft" }, text) : null, ...nodes));
  }
  /* columns: [title, key or function, kind]; kinds: text, code, n (number), ms, bytes, ratio, time, node */
  function table(caption, columns, rows) {
    const body = el("tbody");
    const heads = columns.map(([title, , kind], index) => {
      const button = el("button", { type: "button" }, title);
      const th = el("th", { scope: "col", class: ["n", "ms", "bytes", "ratio"].includes(kind) ? "n" : "t" }, button);
      button.addEventListener("click", () => sort(index, th));
      return th;
    });
    const value = (row, key) => typeof key === "function" ? key(row) : row[key];
    const lines = rows.map(row => {
      const tr = el("tr");
      const keys = columns.map(([, key, kind, order]) => {
        const v = value(row, key);
        const td = el("td", { class: ["n", "ms", "bytes", "ratio"].includes(kind) ? "n" : "t" });
        if (kind === "code") td.append(v ? el("code", {}, String(v)) : "");
        else if (kind === "node") td.append(v === null || v === undefined ? "" : v);
        else td.textContent = kind === "n" ? number(v) : kind === "ms" ? milliseconds(v) : kind === "bytes" ? bytes(v) : kind === "ratio" ? percent(v) : kind === "time" ? moment(v) : v === null || v === undefined ? "" : String(v);
        tr.append(td);
        return order ? order(row) : kind === "node" ? td.textContent : v;
      });
      body.append(tr);
      return { tr, keys };
    });
    function sort(index, th) {
      const down = th.getAttribute("aria-sort") !== "descending";
      for (const head of heads) head.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      lines.sort((a, b) => {
        const x = a.keys[index], y = b.keys[index];
        if (x === null || x === undefined) return 1;
        if (y === null || y === undefined) return -1;
        const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
        return down ? -order : order;
      });
      for (const line of lines) body.append(line.tr);
    }
    return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, el("table", { "aria-label": caption }, el("thead", {}, el("tr", {}, ...heads)), body));
  }
  function tile(label, value, before) { return el("div", { class: "tile" }, el("span", { class: "soft" }, label), el("b", {}, value || "\u2013"), before ? el("span", { class: "soft" }, "before: " + before) : null); }
  function tiles() {
    const t = data.totals, e = data.earlier, was = (v, f) => e.snapshots > 0 ? f(v) : "";
    const high = data.findings.filter(f => f.severity === "high").length;
    main.append(el("div", { class: "tiles" },
      tile("Findings", number(data.findings.length, 0) + (high ? " (" + high + " high)" : "")),
      tile("Execution time", milliseconds(t.total_ms), was(e.total_ms, milliseconds)),
      tile("Calls", number(t.calls, 0), was(e.calls, v => number(v, 0))),
      tile("Mean time", milliseconds(t.mean_ms), was(e.mean_ms, milliseconds)),
      tile("Buffer hits", percent(t.hit_ratio), was(e.hit_ratio, percent)),
      tile("Commits", number(t.commits, 0), was(e.commits, v => number(v, 0))),
      tile("Rollbacks", number(t.rollbacks, 0), was(e.rollbacks, v => number(v, 0))),
      tile("Temporary files", bytes(t.temp_bytes), was(e.temp_bytes, bytes)),
      tile("Deadlocks", number(t.deadlocks, 0), was(e.deadlocks, v => number(v, 0))),
      tile("Connections", t.connections === null ? "" : t.connections + " of " + t.max_connections),
      tile("Database", bytes(t.database_bytes), was(e.database_bytes, bytes)),
      data.tracking ? tile("Tracked statements", data.tracking.statements + " of " + data.tracking.max_statements, data.tracking.evicted ? "" : "") : ""));
  }
  function loadChart() {
    const points = data.load, width = 900, height = 220, left = 40, bottom = 24;
    if (!points.length) return section("Load over time", "There is no snapshot in this interval: take_snapshot() or schedule_snapshot() makes them.");
    const from = Math.max(points[0].from, Date.parse(data.since) / 1000), to = points[points.length - 1].to;
    const top = Math.max(1, ...points.map(p => CLASSES.reduce((sum, [c]) => sum + (p.sessions[c] || 0), 0)));
    const x = s => left + (width - left) * (Math.max(s, from) - from) / Math.max(to - from, 1), y = v => (height - bottom) * (1 - v / top);
    const chart = svg("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": "Average active sessions over time, by what they did or waited for" });
    for (const share of [0, 0.5, 1]) {
      chart.append(svg("line", { x1: left, x2: width, y1: y(top * share), y2: y(top * share), stroke: "var(--line)" }), svg("text", { x: 2, y: Math.max(10, y(top * share) + 4) }, number(top * share, 1)));
    }
    for (const p of points) {
      let base = 0;
      for (const [name, color] of CLASSES) {
        const v = p.sessions[name] || 0;
        if (!v) continue;
        chart.append(svg("rect", { x: x(p.from), width: Math.max(1, x(p.to) - x(p.from)), y: y(base + v), height: Math.max(0.5, y(base) - y(base + v)), fill: color }, svg("title", {}, moment(p.to * 1000) + " " + name + ": " + number(v, 2) + " sessions")));
        base += v;
      }
    }
    chart.append(svg("text", { x: left, y: height - 6 }, moment(from * 1000)), svg("text", { x: width, y: height - 6, "text-anchor": "end" }, moment(to * 1000)));
    section("Load over time", "Average sessions that were running or waiting, by class.", el("div", { class: "chart" }, chart, el("div", { class: "legend" }, ...CLASSES.map(([name, color]) => el("span", {}, el("i", { style: "background:" + color }), name)))));
  }
  function spark(s) {
    const points = s.points || [];
    if (points.length < 2) return "";
    const top = Math.max(...points.map(p => p[1])) || 1, first = points[0][0], last = points[points.length - 1][0];
    const path = points.map((p, i) => (i ? "L" : "M") + (120 * (p[0] - first) / Math.max(last - first, 1)).toFixed(1) + " " + (26 - 24 * p[1] / top).toFixed(1)).join("");
    return svg("svg", { viewBox: "0 0 120 28", class: "spark", role: "img", "aria-label": "Mean time over the snapshots, at most " + milliseconds(top) }, svg("path", { d: path, fill: "none", stroke: "var(--accent)", "stroke-width": 1.5 }));
  }
  function histogram(s) {
    const pairs = (s.latency_ms || []).map((ms, i) => [ms, s.counts[i]]);
    if (!pairs.length) return el("p", { class: "soft" }, "Latencies of this statement are not tracked.");
    const bins = new Map();
    for (const [ms, n] of pairs) { const bin = Math.floor(Math.log2(ms) * 4); bins.set(bin, (bins.get(bin) || 0) + n); }
    const first = Math.min(...bins.keys()), last = Math.max(...bins.keys()), top = Math.max(...bins.values()), width = 480, step = width / (last - first + 1);
    const chart = svg("svg", { viewBox: "0 0 480 110", class: "histogram", role: "img", "aria-label": "Histogram of latencies from " + milliseconds(pairs[0][0]) + " to " + milliseconds(pairs[pairs.length - 1][0]) });
    for (const [bin, n] of bins) chart.append(svg("rect", { x: (bin - first) * step, width: Math.max(1, step - 1), y: 90 - 86 * n / top, height: 86 * n / top, fill: "var(--accent)" }, svg("title", {}, milliseconds(Math.pow(2, bin / 4)) + ": " + number(n, 0) + " executions")));
    chart.append(svg("text", { x: 0, y: 106 }, milliseconds(Math.pow(2, first / 4))), svg("text", { x: width, y: 106, "text-anchor": "end" }, milliseconds(Math.pow(2, (last + 1) / 4))));
    return chart;
  }
  function findings() {
    if (!data.findings.length) return section("Findings", "Nothing was found.");
    section("Findings", "Most severe first.", table("Findings", [
      ["Severity", f => el("span", { class: f.severity }, f.severity), "node", f => ["high", "medium", "low", "info"].indexOf(f.severity)], ["Rule", "rule", "text"], ["Object", "object", "text"], ["What", "message", "text"],
      ["Evidence", f => f.evidence && f.evidence.query ? f.evidence.query : Object.entries(f.evidence || {}).map(([key, v]) => key.replace(/_(bytes|pct|ms)$/, "").replace(/_/g, " ") + ": " + (/_bytes$/.test(key) ? bytes(v) : /_pct$/.test(key) ? number(v, 1) + " %" : /_ms$/.test(key) ? milliseconds(v) : v)).join("\n"), "code"], ["Statement to run", "sql", "code"]], data.findings));
  }
  function statements() {
    section("Statements", data.source === "live" ? "Since tracking began: the interval has no snapshot." : "The costliest of the interval.", table("Statements", [
      ["Statement", "query", "code"], ["Role", "role", "text"], ["Calls", "calls", "n"], ["Total", "total_ms", "ms"], ["Share", s => s.time_share_pct === null || s.time_share_pct === undefined ? null : s.time_share_pct / 100, "ratio"], ["Mean", "mean_ms", "ms"], ["Mean before", "earlier_mean_ms", "ms"],
      ["p50", "p50_ms", "ms"], ["p95", "p95_ms", "ms"], ["p99", "p99_ms", "ms"], ["Rows a call", "rows_per_call", "n"], ["Hits", "hit_ratio", "ratio"], ["Course", spark, "node", s => (s.points || []).length]], data.statements));
    for (const s of data.statements.slice(0, 10)) main.append(el("details", {}, el("summary", {}, "Latencies of " + (s.query || s.query_id).slice(0, 120)), histogram(s)));
  }
  function plan(p) {
    const lines = (p.plan || "").split("\n");
    const costs = lines.map(line => { const m = /\(cost=[0-9.]+\.\.([0-9.]+) /.exec(line); return m ? Number(m[1]) : null; });
    const depth = lines.map(line => line.search(/\S/));
    const total = costs.find(c => c !== null) || 1;
    const shares = costs.map((cost, i) => {
      if (cost === null) return null;
      let below = 0, level = null;
      for (let j = i + 1; j < lines.length; j++) {
        if (costs[j] === null) continue;
        if (depth[j] <= depth[i]) break;
        if (level === null || depth[j] <= level) { level = depth[j]; below += costs[j]; }
      }
      return Math.max(0, Math.min(1, (cost - below) / total));
    });
    return el("div", { class: "plan scroll", role: "img", "aria-label": "Plan with the share of the estimated cost of each node" }, ...lines.map((line, i) => el("div", shares[i] ? { style: "background: rgba(var(--heat), " + (0.6 * shares[i]).toFixed(2) + ")", title: percent(shares[i]) + " of the estimated cost" } : {}, line)));
  }
  function generic(title, rows, text) {
    if (!rows || !rows.length) return;
    const kind = key => /_bytes$/.test(key) ? "bytes" : /_ms$/.test(key) ? "ms" : /(_at|_run|_refresh|_seen)$|^at$/.test(key) ? "time" : /sql$|definition|query|suggestion/.test(key) ? "code" : rows.some(r => typeof r[key] === "number") ? "n" : "text";
    const keys = Object.keys(Object.assign({}, ...rows)).filter(key => key !== "activity");
    section(title, text, table(title, keys.map(key => [key.replace(/_(ms|bytes)$/, "").replace(/_/g, " "), key, kind(key)]), rows));
  }
  document.getElementById("about").textContent = data.database + ", " + moment(data.since) + " to " + moment(data.until) + ", " + (data.totals.snapshots || 0) + " snapshots. " + data.server;
  document.title = "Workload of " + data.database;
  tiles();
  findings();
  loadChart();
  statements();
  if (data.plans.length) section("Plans of the costliest statement", data.statements[0].query ? data.statements[0].query.slice(0, 300) : "", ...data.plans.map(p => el("details", { open: "" }, el("summary", {}, "Plan " + p.plan_id + ", " + number(p.calls, 0) + " calls, mean " + milliseconds(p.mean_ms)), p.plan ? plan(p) : el("p", { class: "soft" }, "No text of this plan was captured."))));
  generic("N+1 and repeated statements", data.n_plus_one, "One session runs these again and again, for each row of a list or with the same values.");
  generic("Suggested indexes", data.suggested_indexes, "By what the planner says it would do with them.");
  generic("Tables", data.tables, "The busiest of the interval.");
  generic("Indexes", data.indexes, "The largest.");
  generic("Materialized views", data.matviews);
  generic("Jobs", data.jobs);
  generic("Archive runs", data.archive);
  generic("Changed settings", data.settings);
})();
</script>
</body>
</html>
$template$::text $function$;
COMMENT ON FUNCTION perf_optimizer.report_template() IS 'The page that report_html fills with its document in the place of a mark. Internal.';

CREATE FUNCTION perf_optimizer.fill_template(report jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT replace(perf_optimizer.report_template(), '@@DATA@@', replace(replace(replace(report::text, '<', '\u003c'), '>', '\u003e'), '&', '\u0026'))
$$;
COMMENT ON FUNCTION perf_optimizer.fill_template(jsonb) IS
'The page with a document in it. Of all characters only < > and & could end or begin anything in the page; inside JSON they stand in strings alone, where they are escaped. Internal.';

CREATE FUNCTION perf_optimizer.report_html(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN perf_optimizer.fill_template(perf_optimizer.workload_report(since, until));
COMMENT ON FUNCTION perf_optimizer.report_html(timestamptz, timestamptz) IS
'workload_report(since, until) as one HTML page that needs nothing else, no network either: write it to a file, as with psql -XAtc, and open it. Texts of statements are shown as text, whatever they hold.
Encoded as your client_encoding, which should be UTF8. Errors: 22023 when since is not before until.';
