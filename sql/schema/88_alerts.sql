/* ---- alerts: tables ---- */

CREATE TABLE perf_optimizer.alert (
  alert_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  incarnation uuid NOT NULL,
  owner oid NOT NULL,
  owner_name text NOT NULL,
  name text NOT NULL,
  metric text NOT NULL,
  comparison text NOT NULL CHECK (comparison IN ('>', '>=', '<', '<=', '=', '<>')),
  threshold float8 NOT NULL,
  resolve_threshold float8,
  hold interval NOT NULL,
  severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (incarnation, owner, name)
);
COMMENT ON TABLE perf_optimizer.alert IS 'Rules over metrics; written by set_alert and drop_alert alone. Read the view alerts.';
COMMENT ON COLUMN perf_optimizer.alert.incarnation IS 'The incarnation that knows owner; in another one the name counts.';
SELECT pg_extension_config_dump('perf_optimizer.alert', '');

CREATE TABLE perf_optimizer.alert_state (
  alert_id uuid PRIMARY KEY REFERENCES perf_optimizer.alert ON DELETE CASCADE,
  state text NOT NULL CHECK (state IN ('unknown', 'ok', 'pending', 'firing', 'resolved')),
  since timestamptz NOT NULL,
  run_since timestamptz,
  open boolean NOT NULL,
  value float8,
  labels text,
  checked_at timestamptz NOT NULL,
  past_labels text[] NOT NULL,
  past_values float8[] NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE perf_optimizer.alert_state IS 'Where each alert stands since its last check. Written by check_alerts() alone.';
COMMENT ON COLUMN perf_optimizer.alert_state.run_since IS 'Since when it has been out of bounds or, while it fires, well.';
COMMENT ON COLUMN perf_optimizer.alert_state.open IS 'Firing was announced, and its end was not.';
COMMENT ON COLUMN perf_optimizer.alert_state.past_values IS 'The series as the last check found them, for rates.';

CREATE TABLE perf_optimizer.alert_event (
  event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  alert_id uuid NOT NULL REFERENCES perf_optimizer.alert ON DELETE CASCADE,
  at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('unknown', 'firing', 'resolved')),
  value float8,
  labels text,
  message text NOT NULL
);
CREATE INDEX alert_event_alert_idx ON perf_optimizer.alert_event (alert_id, event_id);
COMMENT ON TABLE perf_optimizer.alert_event IS 'What alerts announced. Read the view alert_history.';

/* ---- alerts: internal functions, run as the owner of the extension ---- */

CREATE FUNCTION perf_optimizer.alert_role(a perf_optimizer.alert) RETURNS oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.oid FROM pg_roles r
   WHERE CASE WHEN a.incarnation = (SELECT i.incarnation FROM perf_optimizer.identity i) THEN r.oid = a.owner ELSE r.rolname = a.owner_name END
$$;
COMMENT ON FUNCTION perf_optimizer.alert_role(perf_optimizer.alert) IS 'The role that an alert belongs to; NULL when it is gone. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.alert_role(perf_optimizer.alert) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.lock_alerts(role oid, name text DEFAULT NULL,
  OUT alert_id uuid, OUT own boolean, OUT alert_name text, OUT severity text, OUT metric text, OUT comparison text, OUT threshold float8, OUT resolve_threshold float8,
  OUT hold_us bigint, OUT state text, OUT since timestamptz, OUT run_since timestamptz, OUT open boolean, OUT value float8, OUT labels text, OUT checked_at timestamptz,
  OUT past_labels text[], OUT past_values float8[])
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids uuid[];
BEGIN
  -- A check passes over what a session is changing; whoever changes one waits for a check.
  IF lock_alerts.name IS NULL THEN
    ids := ARRAY(SELECT a.alert_id FROM perf_optimizer.alert a WHERE perf_optimizer.alert_role(a) = role FOR UPDATE SKIP LOCKED);
  ELSE
    ids := ARRAY(SELECT a.alert_id FROM perf_optimizer.alert a WHERE a.name = lock_alerts.name AND pg_has_role(role, perf_optimizer.alert_role(a), 'USAGE') FOR UPDATE);
  END IF;
  RETURN QUERY
  SELECT a.alert_id, perf_optimizer.alert_role(a) = role, a.name, a.severity, a.metric, a.comparison, a.threshold, a.resolve_threshold,
         (extract(epoch FROM a.hold) * 1000000)::bigint, coalesce(s.state, 'unknown'), s.since, s.run_since, coalesce(s.open, false), s.value, s.labels, s.checked_at,
         coalesce(s.past_labels, '{}'), coalesce(s.past_values, '{}')
    FROM perf_optimizer.alert a LEFT JOIN perf_optimizer.alert_state s ON s.alert_id = a.alert_id
   WHERE a.alert_id = ANY (ids)
   ORDER BY perf_optimizer.alert_role(a) = role DESC, a.name;
END
$$;
COMMENT ON FUNCTION perf_optimizer.lock_alerts(oid, text) IS
'Locks and returns the alerts of a role that nobody else has locked, or, with a name, those of that name whose owner''s rights the role has, its own first. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.lock_alerts(oid, text) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.put_alert(role oid, known uuid, name text, metric text, comparison text, threshold float8, hold interval, severity text, resolve_threshold float8) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  IF put_alert.known IS NULL THEN
    INSERT INTO perf_optimizer.alert (incarnation, owner, owner_name, name, metric, comparison, threshold, resolve_threshold, hold, severity)
    SELECT i.incarnation, put_alert.role, r.rolname, put_alert.name, put_alert.metric, put_alert.comparison, put_alert.threshold, put_alert.resolve_threshold, put_alert.hold, put_alert.severity
      FROM perf_optimizer.identity i, pg_roles r WHERE r.oid = put_alert.role
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = format('alert "%s" was set by another session just now', put_alert.name), HINT = 'Set it again.';
    END IF;
    RETURN;
  END IF;
  UPDATE perf_optimizer.alert a
     SET (incarnation, owner, owner_name) = (SELECT i.incarnation, r.oid, r.rolname FROM perf_optimizer.identity i, pg_roles r WHERE r.oid = put_alert.role),
         metric = put_alert.metric, comparison = put_alert.comparison, threshold = put_alert.threshold, resolve_threshold = put_alert.resolve_threshold,
         hold = put_alert.hold, severity = put_alert.severity
   WHERE a.alert_id = put_alert.known;
  DELETE FROM perf_optimizer.alert_state s WHERE s.alert_id = put_alert.known;
END
$$;
COMMENT ON FUNCTION perf_optimizer.put_alert(oid, uuid, text, text, text, float8, interval, text, float8) IS 'Stores a new alert of a role (known is NULL), or another definition of one, which begins anew. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.put_alert(oid, uuid, text, text, text, float8, interval, text, float8) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.put_alert_state(id uuid, state text, since timestamptz, run_since timestamptz, open boolean, value float8, labels text, checked_at timestamptz,
  past_labels text[], past_values float8[]) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO perf_optimizer.alert_state VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (alert_id) DO UPDATE SET (state, since, run_since, open, value, labels, checked_at, past_labels, past_values) =
    (excluded.state, excluded.since, excluded.run_since, excluded.open, excluded.value, excluded.labels, excluded.checked_at, excluded.past_labels, excluded.past_values)
$$;
COMMENT ON FUNCTION perf_optimizer.put_alert_state(uuid, text, timestamptz, timestamptz, boolean, float8, text, timestamptz, text[], float8[]) IS 'Stores where an alert stands. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.put_alert_state(uuid, text, timestamptz, timestamptz, boolean, float8, text, timestamptz, text[], float8[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.put_alert_event(id uuid, at timestamptz, state text, value float8, labels text, message text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO perf_optimizer.alert_event (alert_id, at, state, value, labels, message) VALUES ($1, $2, $3, $4, $5, $6);
  -- The newest 1000 of each alert stay, as long as runs of jobs do.
  DELETE FROM perf_optimizer.alert_event e
   WHERE e.alert_id = $1 AND (e.at < $2 - current_setting('perf_optimizer.history_retention')::interval
          OR e.event_id <= (SELECT o.event_id FROM perf_optimizer.alert_event o WHERE o.alert_id = $1 ORDER BY o.event_id DESC OFFSET 1000 LIMIT 1))
$$;
COMMENT ON FUNCTION perf_optimizer.put_alert_event(uuid, timestamptz, text, float8, text, text) IS 'Adds to an alert''s history and bounds it. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.put_alert_event(uuid, timestamptz, text, float8, text, text) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.remove_alert(id uuid) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ DELETE FROM perf_optimizer.alert a WHERE a.alert_id = $1 $$;
COMMENT ON FUNCTION perf_optimizer.remove_alert(uuid) IS 'Removes an alert with its history. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.remove_alert(uuid) FROM PUBLIC;

/* ---- alerts: functions ---- */

CREATE FUNCTION perf_optimizer.store_alert(name text, metric text, comparison text, threshold float8, hold interval, severity text, resolve_threshold float8) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_store_alert';
COMMENT ON FUNCTION perf_optimizer.store_alert(text, text, text, float8, interval, text, float8) IS 'Checks and stores an alert without scheduling anything; the part of set_alert that needs no preloading.';

CREATE FUNCTION perf_optimizer.schedule_alerts(schedule text DEFAULT 'every 1 minute', name text DEFAULT 'check alerts',
  timezone text DEFAULT NULL, timeout interval DEFAULT '1 minute', max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
  max_backoff interval DEFAULT '1 hour', priority int DEFAULT 100, enabled boolean DEFAULT true,
  after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_alerts';
COMMENT ON FUNCTION perf_optimizer.schedule_alerts(text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS
'Schedules check_alerts(), the check of your alerts, and returns the job''s id; an existing job of that name and owner is changed. set_alert does so by itself when you have no such job. The priority is above that of other jobs unless they have more. Errors: 42501 unless you are a member of pg_read_all_stats, 22023 wrong schedule, zone or option.';

CREATE FUNCTION perf_optimizer.set_alert(name text, metric text, comparison text, threshold float8, hold interval DEFAULT '0', severity text DEFAULT 'warning', resolve_threshold float8 DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.store_alert(name, metric, comparison, threshold, hold, severity, resolve_threshold);
  IF NOT EXISTS (SELECT FROM perf_optimizer.jobs j WHERE j.kind = 'alert' AND j.owner = current_user) THEN
    PERFORM perf_optimizer.schedule_alerts();
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.set_alert(text, text, text, float8, interval, text, float8) IS
'Sets an alert of yours that fires when a metric compares so with the threshold (comparison: >, >=, <, <=, = or <>) at every check for the time hold, and resolves when it does not, and has reached resolve_threshold if there is one, for as long. metric: a name of metrics(), labels of it in braces as in Prometheus, and rate(...) (growth in a second), ratio(...) (the part of all series of that name) or p50(...), p90, p95, p99 (of a histogram) around it, the last three over what happened since the last check; of several series the worst counts. severity: info, warning or critical. The same call again changes nothing; another definition begins anew. A job of yours checks it every minute, see schedule_alerts; a firing and a resolved alert is notified on channel perf_optimizer_alert, as JSON, and logged; without data it is unknown and never fires. Errors: 22004 for a NULL, 22023 for a wrong value, 42501 unless you are a member of pg_read_all_stats, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.drop_alert(name text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_drop_alert';
COMMENT ON FUNCTION perf_optimizer.drop_alert(text) IS
'Removes your alert of that name with its history, or, when you have none, the one that belongs to a role whose rights you have; false when there is none. One that fires is announced as resolved. Errors: 22004 a NULL, 42725 several would fit, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.check_alerts() RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS 'MODULE_PATHNAME', 'perf_optimizer_check_alerts';
COMMENT ON FUNCTION perf_optimizer.check_alerts() IS
'Checks your alerts now, by the metrics as you see them, and returns how many were announced: fire, are resolved, or fired and have no data any more. The job of schedule_alerts does it. Errors: 42501 unless you are a member of pg_read_all_stats, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.default_alerts(OUT name text, OUT metric text, OUT comparison text, OUT threshold float8, OUT hold interval, OUT severity text, OUT resolve_threshold float8)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE ROWS 13
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT d.* FROM (VALUES
    ('p95 over target', 'p95(perf_optimizer_execution_seconds)', '>', 0.5::float8, interval '10 minutes', 'warning', 0.4::float8),
    ('latency objective', 'perf_optimizer_latency_objective_burn_rate{window="6h"}', '>=', 6, '0', 'warning', 3),
    ('latency objective burns fast', 'perf_optimizer_latency_objective_burn_rate{window="1h"}', '>=', 14.4, '0', 'critical', 6),
    ('cache hit ratio', 'ratio(perf_optimizer_blocks_total{source="hit"})', '<', 0.9, '10 minutes', 'warning', 0.92),
    ('connections', 'perf_optimizer_connections_used_ratio', '>', 0.8, '1 minute', 'warning', 0.75),
    ('connections nearly exhausted', 'perf_optimizer_connections_used_ratio', '>', 0.9, '0', 'critical', 0.85),
    ('job queue', 'perf_optimizer_job_queue_length', '>', 10, '5 minutes', 'warning', 5),
    ('failed jobs', 'perf_optimizer_dead_letter_jobs', '>', 0, '0', 'warning', NULL),
    ('stale views', 'perf_optimizer_stale_matview_seconds', '>', 86400, '5 minutes', 'warning', NULL),
    ('transaction ids', 'perf_optimizer_oldest_transaction_id_age', '>', least(1.5 * current_setting('autovacuum_freeze_max_age')::float8, 1e9), '10 minutes', 'warning', NULL),
    ('transaction ids run out', 'perf_optimizer_oldest_transaction_id_age', '>', 1.2e9, '0', 'critical', NULL),
    ('replication lag', 'perf_optimizer_replication_lag_seconds', '>', 30, '1 minute', 'warning', 10),
    ('replication lag is long', 'perf_optimizer_replication_lag_seconds', '>', 300, '1 minute', 'critical', 60)
  ) d(name, metric, comparison, threshold, hold, severity, resolve_threshold)
$$;
COMMENT ON FUNCTION perf_optimizer.default_alerts() IS 'The alerts that install_default_alerts() sets, as arguments of set_alert.';

CREATE FUNCTION perf_optimizer.install_default_alerts() RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  installed int;
BEGIN
  PERFORM perf_optimizer.set_alert(d.name, d.metric, d.comparison, d.threshold, d.hold, d.severity, d.resolve_threshold)
     FROM perf_optimizer.default_alerts() d
    WHERE NOT EXISTS (SELECT FROM perf_optimizer.alerts a WHERE a.name = d.name AND a.owner = current_user);
  GET DIAGNOSTICS installed = ROW_COUNT;
  RETURN installed;
END
$$;
COMMENT ON FUNCTION perf_optimizer.install_default_alerts() IS
'Sets those of default_alerts() whose names you have no alert of yet, and returns how many: 95th percentile over half a second, latency objectives whose budget is used up fast, hit ratio, connections over 80 and 90 percent, queue of jobs, failed jobs, stale views, transaction ids, replication lag. Errors: as set_alert.';

/* ---- alerts: views ---- */

CREATE VIEW perf_optimizer.alerts WITH (security_barrier) AS
SELECT a.name, coalesce(s.state, 'unknown') AS state, a.severity, a.metric, a.comparison, a.threshold, a.resolve_threshold, a.hold, s.value, s.labels::pg_catalog.jsonb AS labels,
       s.since, s.checked_at,
       (SELECT e.at FROM perf_optimizer.alert_event e WHERE e.alert_id OPERATOR(pg_catalog.=) a.alert_id AND e.state OPERATOR(pg_catalog.=) 'firing' ORDER BY e.event_id DESC LIMIT 1) AS last_fired_at,
       coalesce(r.rolname::text COLLATE "default", a.owner_name) AS owner, a.created_at, a.alert_id
  FROM perf_optimizer.alert a
  CROSS JOIN perf_optimizer.identity i
  LEFT JOIN pg_catalog.pg_roles r ON CASE WHEN a.incarnation OPERATOR(pg_catalog.=) i.incarnation THEN r.oid OPERATOR(pg_catalog.=) a.owner ELSE r.rolname OPERATOR(pg_catalog.=) a.owner_name END
  LEFT JOIN perf_optimizer.alert_state s ON s.alert_id OPERATOR(pg_catalog.=) a.alert_id
 WHERE CASE WHEN r.oid IS NOT NULL THEN pg_catalog.pg_has_role(r.oid, 'USAGE') ELSE (SELECT u.rolsuper FROM pg_catalog.pg_roles u WHERE u.rolname OPERATOR(pg_catalog.=) current_user) END;
COMMENT ON VIEW perf_optimizer.alerts IS
'The alerts of the roles whose rights the current user has, as the last check found them. state: unknown (not checked yet, or its metric has no data), ok, pending (out of bounds, not for the hold time yet), firing, or resolved (well again after it fired), since then. value and labels: of the worst series.';

CREATE VIEW perf_optimizer.alert_history WITH (security_barrier) AS
SELECT v.name, e.at, e.state, v.severity, e.value, e.labels::pg_catalog.jsonb AS labels, e.message, v.owner
  FROM perf_optimizer.alert_event e JOIN perf_optimizer.alerts v ON v.alert_id OPERATOR(pg_catalog.=) e.alert_id;
COMMENT ON VIEW perf_optimizer.alert_history IS
'What alerts announced: firing, resolved, or unknown when one fired and its metric had no data any more. The newest 1000 of each alert, as far back as perf_optimizer.history_retention.';
GRANT SELECT ON perf_optimizer.alerts, perf_optimizer.alert_history TO PUBLIC;
