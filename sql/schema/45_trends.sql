/* ---- history of the workload: statements over time ---- */

CREATE FUNCTION perf_optimizer.require_argument(value text, name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF value IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = format('argument "%s" must not be null', name), HINT = format('Pass a value for "%s".', name);
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.require_argument(text, text) IS 'Raises 22004 for a NULL. Internal.';

CREATE FUNCTION perf_optimizer.query_history(
  query_id bigint,
  since timestamptz DEFAULT pg_catalog.now() OPERATOR(pg_catalog.-) interval '1 day',
  OUT snapshot_id bigint,
  OUT from_at timestamptz,
  OUT taken_at timestamptz,
  OUT role_name name,
  OUT calls float8,
  OUT total_time_ms float8,
  OUT mean_time_ms float8,
  OUT stddev_time_ms float8,
  OUT p50_ms float8,
  OUT p95_ms float8,
  OUT p99_ms float8,
  OUT row_count float8,
  OUT hit_ratio float8,
  OUT temp_bytes float8,
  OUT wal_bytes float8,
  OUT plan_id bigint)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 300
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM perf_optimizer.require_argument(query_history.query_id::text, 'query_id');
  PERFORM perf_optimizer.require_argument(query_history.since::text, 'since');
  RETURN QUERY
  SELECT h.snapshot_id, h.from_at, h.taken_at, pg_get_userbyid(h.userid), h.calls, h.total_ms, h.total_ms / h.calls, sqrt(h.squares / h.calls),
         perf_optimizer.histogram_percentile(h.latency_ms, h.counts, 0.50), perf_optimizer.histogram_percentile(h.latency_ms, h.counts, 0.95),
         perf_optimizer.histogram_percentile(h.latency_ms, h.counts, 0.99), h.row_count, h.hit_blocks / nullif(h.hit_blocks + h.read_blocks, 0),
         h.temp_bytes, h.wal_bytes,
         (SELECT u.plan_id FROM perf_optimizer.plan_history u
           WHERE u.snapshot_id = h.snapshot_id AND u.query_id = h.query_id AND u.userid = h.userid AND u.toplevel = h.toplevel ORDER BY u.calls DESC, u.plan_id LIMIT 1)
    FROM perf_optimizer.statement_history h
   WHERE h.query_id = query_history.query_id AND h.taken_at >= query_history.since
   ORDER BY h.taken_at, h.userid, h.toplevel;
END
$$;
COMMENT ON FUNCTION perf_optimizer.query_history(bigint, timestamptz) IS
'One row for each snapshot since a moment in which the statement ran, and for each role and level that ran it: what it did from from_at to taken_at. Times are milliseconds;
percentiles are NULL where it was not tracked. plan_id is the plan shape that ran most often. You see your own, and all as a member of pg_read_all_stats.
Errors: 22004 for a NULL argument.';

CREATE FUNCTION perf_optimizer.query_plans(
  query_id bigint,
  OUT plan_id bigint,
  OUT first_seen timestamptz,
  OUT last_seen timestamptz,
  OUT calls bigint,
  OUT mean_time_ms float8,
  OUT plan text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 4
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM perf_optimizer.require_argument(query_plans.query_id::text, 'query_id');
  RETURN QUERY
  WITH live AS MATERIALIZED (
    SELECT t.userid, t.toplevel, t.plan_id, t.calls, t.total_time_ms, t.first_seen, t.last_seen, t.plan
      FROM perf_optimizer.tracked_plans() t WHERE t.query_id = query_plans.query_id),
  kept AS (
    SELECT h.userid, h.toplevel, h.plan_id, sum(h.calls)::bigint AS calls, sum(h.total_ms) AS total_time_ms, min(h.first_seen) AS first_seen, max(h.last_seen) AS last_seen, min(h.plan) AS plan
      FROM perf_optimizer.plan_history h WHERE h.query_id = query_plans.query_id GROUP BY 1, 2, 3),
  both_of AS (
    SELECT coalesce(l.plan_id, k.plan_id) AS plan_id, least(l.first_seen, k.first_seen) AS first_seen, greatest(l.last_seen, k.last_seen) AS last_seen,
           CASE WHEN coalesce(l.calls, 0) >= coalesce(k.calls, 0) THEN l.calls ELSE k.calls END AS calls,
           CASE WHEN coalesce(l.calls, 0) >= coalesce(k.calls, 0) THEN l.total_time_ms ELSE k.total_time_ms END AS total_time_ms,
           coalesce(l.plan, k.plan) AS plan
      FROM live l FULL JOIN kept k ON k.userid = l.userid AND k.toplevel = l.toplevel AND k.plan_id = l.plan_id)
  SELECT b.plan_id, min(b.first_seen), max(b.last_seen), sum(b.calls)::bigint, sum(b.total_time_ms) / nullif(sum(b.calls), 0), min(b.plan)
    FROM both_of b GROUP BY b.plan_id ORDER BY max(b.last_seen) DESC, b.plan_id;
END
$$;
COMMENT ON FUNCTION perf_optimizer.query_plans(bigint) IS
'The plan shapes of a statement, newest first, from tracking and from the history: how often each ran and its mean time in milliseconds, over whichever of the two saw more
executions, and the text of one captured execution (NULL when none was captured). You see your own, and all as a member of pg_read_all_stats. Errors: 22004 for a NULL argument.';

CREATE TYPE perf_optimizer.statement_window AS (
  query_id bigint,
  userid oid,
  toplevel boolean,
  is_recent boolean,
  calls float8,
  total_ms float8,
  squares float8,
  row_count float8,
  hit_blocks float8,
  read_blocks float8,
  temp_bytes float8,
  wal_bytes float8);
COMMENT ON TYPE perf_optimizer.statement_window IS 'What a statement did in one of two intervals of the history. Internal.';

CREATE FUNCTION perf_optimizer.statement_windows(since timestamptz, boundary timestamptz, until timestamptz)
RETURNS SETOF perf_optimizer.statement_window
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  SELECT h.query_id, h.userid, h.toplevel, h.taken_at > boundary, sum(h.calls), sum(h.total_ms),
         perf_optimizer.sum_squares(sum(h.squares), sum(h.total_ms * h.total_ms / h.calls), sum(h.total_ms), sum(h.calls)),
         sum(h.row_count), sum(h.hit_blocks), sum(h.read_blocks), sum(h.temp_bytes), sum(h.wal_bytes)
    FROM perf_optimizer.statement_history h WHERE h.taken_at > since AND h.taken_at <= until
   GROUP BY 1, 2, 3, 4
$$;
COMMENT ON FUNCTION perf_optimizer.statement_windows(timestamptz, timestamptz, timestamptz) IS
'What each statement that you may see did in two intervals of the history, from since to boundary and from there to until. Internal.';

CREATE FUNCTION perf_optimizer.main_plans(
  since timestamptz,
  boundary timestamptz,
  until timestamptz,
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT is_recent boolean,
  OUT plan_id bigint,
  OUT plan text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  SELECT DISTINCT ON (p.query_id, p.userid, p.toplevel, p.is_recent) p.query_id, p.userid, p.toplevel, p.is_recent, p.plan_id, p.plan
    FROM (SELECT h.query_id, h.userid, h.toplevel, h.taken_at > boundary AS is_recent, h.plan_id, min(h.plan) AS plan, sum(h.calls) AS calls
            FROM perf_optimizer.plan_history h WHERE h.taken_at > since AND h.taken_at <= until
           GROUP BY 1, 2, 3, 4, 5) p
   ORDER BY p.query_id, p.userid, p.toplevel, p.is_recent, p.calls DESC, p.plan_id
$$;
COMMENT ON FUNCTION perf_optimizer.main_plans(timestamptz, timestamptz, timestamptz) IS
'The plan shape that ran most often of each statement that you may see, in each of two intervals. Internal.';

CREATE FUNCTION perf_optimizer.find_regressions(
  recent perf_optimizer.statement_window[],
  since timestamptz,
  boundary timestamptz,
  until timestamptz,
  OUT query_id bigint,
  OUT role_name name,
  OUT query text,
  OUT rule text,
  OUT baseline_calls float8,
  OUT baseline_mean_ms float8,
  OUT baseline_stddev_ms float8,
  OUT recent_calls float8,
  OUT recent_mean_ms float8,
  OUT recent_stddev_ms float8,
  OUT factor float8,
  OUT time_share_pct float8,
  OUT p_value float8,
  OUT baseline_plan_id bigint,
  OUT recent_plan_id bigint,
  OUT baseline_plan text,
  OUT recent_plan text,
  OUT message text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH windows AS MATERIALIZED (
    SELECT w.*, w.total_ms / w.calls AS mean, sqrt(w.squares / w.calls) AS stddev, sum(w.total_ms) FILTER (WHERE w.toplevel) OVER () AS all_ms
      FROM unnest(recent) w WHERE w.is_recent),
  -- Few take so much of the time: only their baselines are looked up.
  judged AS MATERIALIZED (
    SELECT r.query_id, r.userid, r.toplevel, b.calls AS calls1, b.mean AS mean1, b.stddev AS stddev1, r.calls AS calls2, r.mean AS mean2, r.stddev AS stddev2,
           100 * r.total_ms / nullif(r.all_ms, 0) AS share, perf_optimizer.welch_p_value(b.calls, b.mean, b.stddev, r.calls, r.mean, r.stddev) AS p
      FROM windows r
     CROSS JOIN LATERAL (
        SELECT sum(h.calls) AS calls, sum(h.total_ms) / sum(h.calls) AS mean,
               sqrt(perf_optimizer.sum_squares(sum(h.squares), sum(h.total_ms * h.total_ms / h.calls), sum(h.total_ms), sum(h.calls)) / sum(h.calls)) AS stddev
          FROM perf_optimizer.statement_history h
         WHERE h.query_id = r.query_id AND h.userid = r.userid AND h.toplevel = r.toplevel AND h.taken_at > since AND h.taken_at <= boundary) b
     WHERE r.total_ms >= 0.2 * r.all_ms AND r.mean >= 1.5 * b.mean),
  plans AS MATERIALIZED (
    SELECT * FROM perf_optimizer.main_plans(since, boundary, until) WHERE EXISTS (SELECT 1 FROM judged))
  SELECT j.query_id, pg_get_userbyid(j.userid), t.query, CASE WHEN b.plan_id <> r.plan_id AND j.mean2 >= 2 * j.mean1 THEN 'plan-flip' ELSE 'regression' END,
         j.calls1, j.mean1, j.stddev1, j.calls2, j.mean2, j.stddev2, j.mean2 / nullif(j.mean1, 0), j.share, j.p, b.plan_id, r.plan_id, b.plan, r.plan,
         format('takes %s ms on average instead of %s ms%s', round(j.mean2::numeric, 3), round(j.mean1::numeric, 3),
                CASE WHEN b.plan_id <> r.plan_id THEN format(', with plan %s instead of %s', r.plan_id, b.plan_id) ELSE '' END)
    FROM judged j
    LEFT JOIN plans b ON b.query_id = j.query_id AND b.userid = j.userid AND b.toplevel = j.toplevel AND NOT b.is_recent
    LEFT JOIN plans r ON r.query_id = j.query_id AND r.userid = j.userid AND r.toplevel = j.toplevel AND r.is_recent
    LEFT JOIN perf_optimizer.text_history t ON t.query_id = j.query_id AND t.userid = j.userid
   WHERE j.p < 0.01
   ORDER BY (j.mean2 - j.mean1) * j.calls2 DESC, j.query_id
$$;
COMMENT ON FUNCTION perf_optimizer.find_regressions(perf_optimizer.statement_window[], timestamptz, timestamptz, timestamptz) IS
'query_regressions for what statements did in a recent interval, from boundary to until, with the baseline from since to boundary. Internal.';

CREATE FUNCTION perf_optimizer.require_interval(value interval, name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_argument(value::text, name);
  IF value <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('argument "%s" must be longer than nothing', name), HINT = 'Pass an interval such as ''1 hour''.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.require_interval(interval, text) IS 'Raises 22004 for a NULL, 22023 for an interval that is not longer than nothing. Internal.';

CREATE FUNCTION perf_optimizer.query_regressions(
  baseline interval DEFAULT '7 days',
  recent interval DEFAULT '1 hour',
  OUT query_id bigint,
  OUT role_name name,
  OUT query text,
  OUT rule text,
  OUT baseline_calls float8,
  OUT baseline_mean_ms float8,
  OUT baseline_stddev_ms float8,
  OUT recent_calls float8,
  OUT recent_mean_ms float8,
  OUT recent_stddev_ms float8,
  OUT factor float8,
  OUT time_share_pct float8,
  OUT p_value float8,
  OUT baseline_plan_id bigint,
  OUT recent_plan_id bigint,
  OUT baseline_plan text,
  OUT recent_plan text,
  OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_interval(query_regressions.baseline, 'baseline');
  PERFORM perf_optimizer.require_interval(query_regressions.recent, 'recent');
  RETURN QUERY SELECT * FROM perf_optimizer.find_regressions(ARRAY(SELECT w FROM perf_optimizer.statement_windows(now() - query_regressions.recent, now() - query_regressions.recent, 'infinity') w),
    now() - query_regressions.recent - query_regressions.baseline, now() - query_regressions.recent, 'infinity');
END
$$;
COMMENT ON FUNCTION perf_optimizer.query_regressions(interval, interval) IS
'Statements that became slower: their mean time over the snapshots of the last "recent" is at least 1.5 times that of the "baseline" before it, they take at least 20 %
of the execution time of the recent snapshots, and the rise is no chance (p_value of Welch''s test below 0.01). rule is plan-flip when another plan shape than
in the baseline runs most often and the mean at least doubled, else regression; both plans are named where they are known. factor is the ratio of the means.
Needs snapshots (take_snapshot, schedule_snapshot) in both windows. You see your own statements, and all as a member of pg_read_all_stats.
Errors: 22004 for a NULL, 22023 for an interval that is not longer than nothing.';

/* ---- waits ---- */

CREATE FUNCTION perf_optimizer.wait_history(
  OUT at timestamptz,
  OUT wait_class text,
  OUT sessions int)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_wait_history';
COMMENT ON FUNCTION perf_optimizer.wait_history() IS
'The last 3600 looks at the sessions of all databases, as far as they are of this one: how many were running or waiting, by class: cpu, io, wal, lock, lwlock, ipc, replication,
client, other, idle in transaction. One look every perf_optimizer.sample_interval, fewer while nobody is active. Errors: 55000 unless perf_optimizer is preloaded.';

CREATE FUNCTION perf_optimizer.wait_profile(
  OUT query_id bigint,
  OUT userid oid,
  OUT wait_class text,
  OUT seconds float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_wait_profile';
COMMENT ON FUNCTION perf_optimizer.wait_profile() IS
'Load of this database by statement and wait class since the server started, in session seconds; userid is NULL for processes without a role, query_id where it is not known, and for other roles'' statements
unless you are a member of pg_read_all_stats. Errors: 55000 unless perf_optimizer is preloaded.';

CREATE FUNCTION perf_optimizer.wait_stats(
  OUT looks bigint,
  OUT last_look timestamptz,
  OUT pause_ms int,
  OUT statements int,
  OUT max_statements int,
  OUT evicted bigint)
LANGUAGE c VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_wait_stats';
COMMENT ON FUNCTION perf_optimizer.wait_stats() IS
'How the sampler of waits does, for the whole cluster: looks at the sessions since the server started, the last of them, how long it pauses until the next one (longer while nobody is
active, NULL when perf_optimizer.sample_interval is 0), how many statements it counts for of the most that it can, and how many were forgotten to make room.
Errors: 55000 unless perf_optimizer is preloaded.';
