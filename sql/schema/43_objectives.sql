/* ---- latency objectives: targets and the error budgets that they leave ---- */

CREATE TABLE perf_optimizer.latency_target (
  name text PRIMARY KEY,
  target_ms float8 NOT NULL,
  objective_pct float8 NOT NULL,
  query_id bigint,
  role_name name,
  application_name text,
  period interval NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE perf_optimizer.latency_target IS 'Which share of executions is to be how fast; written by set_latency_target and drop_latency_target alone. Read the view latency_objectives.';
SELECT pg_extension_config_dump('perf_optimizer.latency_target', '');

CREATE TABLE perf_optimizer.snapshot_objective (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  name text NOT NULL REFERENCES perf_optimizer.latency_target ON DELETE CASCADE,
  calls float8 NOT NULL,
  within float8 NOT NULL,
  PRIMARY KEY (name, snapshot_id)
);
CREATE INDEX snapshot_objective_snapshot_idx ON perf_optimizer.snapshot_objective (snapshot_id);
CREATE TABLE perf_optimizer.snapshot_application (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  application_name text NOT NULL,
  latency_ms float8[] NOT NULL,
  counts bigint[] NOT NULL,
  PRIMARY KEY (snapshot_id, application_name)
);
COMMENT ON TABLE perf_optimizer.snapshot_application IS 'The histogram of the executions, in a snapshot''s interval, of an application that a target was for.';

COMMENT ON TABLE perf_optimizer.snapshot_objective IS 'How many executions there were in a snapshot''s interval that a target is for, and how many were as fast.';

CREATE FUNCTION perf_optimizer.count_within(latency_ms float8[], counts bigint[], target_ms float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(sum(u.n), 0)::float8 FROM unnest(latency_ms, counts) u(latency, n) WHERE u.latency <= target_ms $$;
COMMENT ON FUNCTION perf_optimizer.count_within(float8[], bigint[], float8) IS 'How many executions of a histogram took at most target_ms milliseconds; those of a bucket count as its middle, which is at most 1.6 % away.';

CREATE FUNCTION perf_optimizer.watch_applications(names text[], OUT application_name text, OUT since timestamptz, OUT calls float8, OUT latency_ms float8[], OUT counts bigint[])
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_watch_applications';
COMMENT ON FUNCTION perf_optimizer.watch_applications(text[]) IS
'Has the executions of these applications in this database counted, and of no others, and returns what was counted so far. Those beyond the 64 that the server has room for are left out. No rows unless preloaded. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.watch_applications(text[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_objectives(snapshot bigint, target text DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO perf_optimizer.snapshot_objective (snapshot_id, name, calls, within)
  SELECT c.snapshot_id, c.name, sum(h.calls), sum(perf_optimizer.count_within(c.latency_ms, c.counts, c.target_ms))
    FROM (SELECT s.snapshot_id, t.name, t.target_ms, s.latency_ms, s.counts
            FROM perf_optimizer.latency_target t
            JOIN perf_optimizer.snapshot_statement s ON (s.query_id = t.query_id OR t.query_id IS NULL AND s.toplevel)
           WHERE s.counts IS NOT NULL AND t.application_name IS NULL AND (t.role_name IS NULL OR s.userid = (SELECT r.oid FROM pg_roles r WHERE r.rolname = t.role_name))
          UNION ALL
          SELECT s.snapshot_id, t.name, t.target_ms, s.latency_ms, s.counts
            FROM perf_optimizer.latency_target t JOIN perf_optimizer.snapshot_application s USING (application_name)) c
   CROSS JOIN LATERAL (SELECT sum(u.n)::float8 AS calls FROM unnest(c.counts) u(n)) h
   WHERE (snapshot IS NULL OR c.snapshot_id = snapshot) AND (target IS NULL OR c.name = target)
   GROUP BY 1, 2 HAVING sum(h.calls) > 0
$$;
COMMENT ON FUNCTION perf_optimizer.record_objectives(bigint, text) IS 'Counts the executions in a snapshot (NULL: in all) that targets are for, those inside functions only where a statement is named. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_objectives(bigint, text) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.merge_objectives(ids bigint[], keeper bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_objective o WHERE o.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_objective (snapshot_id, name, calls, within) SELECT keeper, g.name, sum(g.calls), sum(g.within) FROM gone g GROUP BY 2;
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_application a WHERE a.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_application (snapshot_id, application_name, latency_ms, counts)
  SELECT keeper, b.application_name, array_agg(b.latency ORDER BY b.latency), array_agg(b.n ORDER BY b.latency)
    FROM (SELECT g.application_name, u.latency, sum(u.n)::bigint AS n FROM gone g CROSS JOIN LATERAL unnest(g.latency_ms, g.counts) u(latency, n) GROUP BY 1, 2) b GROUP BY 2
$$;
COMMENT ON FUNCTION perf_optimizer.merge_objectives(bigint[], bigint) IS 'Merges what snapshots know of targets and of applications into one of them. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_objectives(bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.put_latency_target(name text, target_ms float8, objective_pct float8, query_id bigint, role_name name, period interval, application_name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  -- A snapshot being taken counts for the targets before or after.
  LOCK TABLE perf_optimizer.snapshot_last IN SHARE ROW EXCLUSIVE MODE;
  INSERT INTO perf_optimizer.latency_target AS t (name, target_ms, objective_pct, query_id, role_name, period, application_name)
  VALUES (put_latency_target.name, put_latency_target.target_ms, put_latency_target.objective_pct, put_latency_target.query_id, put_latency_target.role_name, put_latency_target.period, put_latency_target.application_name)
  ON CONFLICT (name) DO UPDATE SET (target_ms, objective_pct, query_id, role_name, period, application_name) = (excluded.target_ms, excluded.objective_pct, excluded.query_id, excluded.role_name, excluded.period, excluded.application_name)
    WHERE (t.target_ms, t.objective_pct, t.query_id, t.role_name, t.period, t.application_name)
          IS DISTINCT FROM (excluded.target_ms, excluded.objective_pct, excluded.query_id, excluded.role_name, excluded.period, excluded.application_name);
  IF FOUND THEN
    DELETE FROM perf_optimizer.snapshot_objective o WHERE o.name = put_latency_target.name;
    PERFORM perf_optimizer.record_objectives(NULL, put_latency_target.name);
  END IF;
  IF put_latency_target.application_name IS NOT NULL AND current_setting('perf_optimizer.track_max', true) IS NOT NULL
     AND NOT EXISTS (SELECT FROM perf_optimizer.watched_applications() w WHERE w.key = put_latency_target.application_name) THEN
    RAISE EXCEPTION USING ERRCODE = '53400', MESSAGE = 'the server counts the executions of 64 applications, and there is an objective for each of them',
      HINT = 'Drop an objective for another application, in this database or another one, with drop_latency_target(), and take a snapshot there.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.put_latency_target(text, float8, float8, bigint, name, interval, text) IS 'Stores a target, counts for it what the history has, and sees to its application''s being watched; raises 53400 where there is no room for that. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.put_latency_target(text, float8, float8, bigint, name, interval, text) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.set_latency_target(name text, target_ms float8, objective_pct float8 DEFAULT 99, query_id bigint DEFAULT NULL, role_name name DEFAULT NULL, period interval DEFAULT '30 days',
  application_name text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_set_latency_target';
COMMENT ON FUNCTION perf_optimizer.set_latency_target(text, float8, float8, bigint, name, interval, text) IS
'Sets a latency objective: objective_pct percent (more than 0, less than 100) of the executions in any period are to take at most target_ms milliseconds. query_id: of that statement; role_name: of statements of that role; application_name: of what clients of that application_name send, counted from when the first objective names it, with neither query_id nor role_name; none of them: of all that clients send. One of that name is changed; what the history already has is counted anew. latency_objectives shows how it stands. Errors: 22004 for a NULL, 22023 for a wrong value, 42704 no such role, 53400 more than 64 applications, 42501 unless you are a member of pg_read_all_stats, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.drop_latency_target(name text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_drop_latency_target';
COMMENT ON FUNCTION perf_optimizer.drop_latency_target(text) IS 'Removes a latency objective; false when there is none of that name. Errors: 22004 for a NULL, 42501 unless you are a member of pg_read_all_stats, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.burn_rate(calls float8, within float8, objective_pct float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (calls - within) * 100 / nullif(calls * (100 - objective_pct), 0) $$;
COMMENT ON FUNCTION perf_optimizer.burn_rate(float8, float8, float8) IS 'The part of executions that were slower than their target, divided by the part that may be; NULL for none.';

CREATE VIEW perf_optimizer.latency_objectives WITH (security_barrier) AS
WITH moment AS (
  SELECT pg_catalog.now() OPERATOR(pg_catalog.-) interval '1 hour' AS hour, pg_catalog.now() OPERATOR(pg_catalog.-) interval '6 hours' AS hours, pg_catalog.now() OPERATOR(pg_catalog.-) interval '3 days' AS days),
counted AS (
  SELECT t.*, s.*
    FROM perf_optimizer.latency_target t CROSS JOIN moment m
   CROSS JOIN LATERAL (
     SELECT pg_catalog.sum(x.calls) AS calls, pg_catalog.sum(x.within) AS within, pg_catalog.min(n.from_at) AS since,
            perf_optimizer.burn_rate(pg_catalog.sum(x.calls), pg_catalog.sum(x.within), t.objective_pct) AS burn_rate,
            perf_optimizer.burn_rate(pg_catalog.sum(x.calls) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.hour), pg_catalog.sum(x.within) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.hour), t.objective_pct) AS burn_rate_1h,
            perf_optimizer.burn_rate(pg_catalog.sum(x.calls) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.hours), pg_catalog.sum(x.within) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.hours), t.objective_pct) AS burn_rate_6h,
            perf_optimizer.burn_rate(pg_catalog.sum(x.calls) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.days), pg_catalog.sum(x.within) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.days), t.objective_pct) AS burn_rate_3d
       FROM perf_optimizer.snapshot_objective x JOIN perf_optimizer.snapshot n USING (snapshot_id)
      WHERE x.name OPERATOR(pg_catalog.=) t.name AND n.taken_at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.-) t.period)) s
   WHERE pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'))
SELECT c.name,
       CASE WHEN c.calls IS NULL THEN 'unknown' WHEN c.burn_rate OPERATOR(pg_catalog.>=) 1 THEN 'exhausted' WHEN c.burn_rate_1h OPERATOR(pg_catalog.>=) 14.4 THEN 'critical'
            WHEN c.burn_rate_6h OPERATOR(pg_catalog.>=) 6 OR c.burn_rate_3d OPERATOR(pg_catalog.>=) 1 THEN 'warning' ELSE 'ok' END AS status,
       c.target_ms, c.objective_pct, c.query_id, c.role_name, c.application_name, c.period, c.calls::bigint AS calls, c.within::bigint AS calls_within,
       (100 OPERATOR(pg_catalog.*) c.within) OPERATOR(pg_catalog./) c.calls AS attained_pct, 100 OPERATOR(pg_catalog.*) (1 OPERATOR(pg_catalog.-) c.burn_rate) AS budget_left_pct,
       c.burn_rate_1h, c.burn_rate_6h, c.burn_rate_3d, c.since
  FROM counted c;
COMMENT ON VIEW perf_optimizer.latency_objectives IS
'How the targets of set_latency_target stand, by the snapshots of their period: executions, those within the target, the share attained, budget_left_pct: what is left of the executions that may be slower (100: none was, below 0: too many were), and burn rates: 1 uses up the budget exactly in its period. status: unknown (no execution in the history), exhausted, critical (14.4 or more over the last hour), warning (6 over 6 hours, or 1 over 3 days), ok. since: how far back the history goes. For members of pg_read_all_stats.';
GRANT SELECT ON perf_optimizer.latency_objectives TO PUBLIC;

CREATE FUNCTION perf_optimizer.objective_metrics(OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
  WITH o AS MATERIALIZED (SELECT * FROM perf_optimizer.latency_objectives v WHERE v.calls > 0)
  SELECT 'perf_optimizer_latency_objective_budget_left_ratio', 'gauge', 'What is left of an objective''s error budget; below 0 it is missed.', jsonb_build_object('objective', o.name), o.budget_left_pct / 100 FROM o
  UNION ALL
  SELECT 'perf_optimizer_latency_objective_burn_rate', 'gauge', 'How many times faster than its period allows an objective''s error budget was used up, by the length of the last window.',
         jsonb_build_object('objective', o.name, 'window', w.length), w.rate
    FROM o CROSS JOIN LATERAL (VALUES ('1h', o.burn_rate_1h), ('6h', o.burn_rate_6h), ('3d', o.burn_rate_3d)) w(length, rate) WHERE w.rate IS NOT NULL;
END
$$;
COMMENT ON FUNCTION perf_optimizer.objective_metrics() IS 'The metrics of latency objectives that have executions; a part of metrics().';
