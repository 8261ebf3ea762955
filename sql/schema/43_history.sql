/* ---- history of the workload: tables ---- */

CREATE TABLE perf_optimizer.snapshot (
  snapshot_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  from_at timestamptz NOT NULL,
  taken_at timestamptz NOT NULL,
  merged int NOT NULL DEFAULT 1,
  connections int,
  active int,
  idle_in_transaction int,
  waiting int,
  max_connections int,
  commits float8,
  rollbacks float8,
  blocks_hit float8,
  blocks_read float8,
  temp_bytes float8,
  deadlocks float8,
  database_bytes bigint,
  transaction_ids float8,
  wal_bytes float8
);
CREATE INDEX snapshot_taken_at_idx ON perf_optimizer.snapshot (taken_at);
COMMENT ON TABLE perf_optimizer.snapshot IS 'Snapshots of this database''s workload: what happened from from_at to taken_at. merged counts the snapshots that were thinned out into one; transaction_ids and wal_bytes are what the whole server used and wrote.';

CREATE TABLE perf_optimizer.snapshot_text (
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  query text NOT NULL,
  PRIMARY KEY (query_id, userid)
);
COMMENT ON TABLE perf_optimizer.snapshot_text IS 'Texts of the statements in the history, each once.';

CREATE TABLE perf_optimizer.snapshot_statement (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  toplevel boolean NOT NULL,
  calls float8 NOT NULL,
  total_ms float8 NOT NULL,
  squares float8 NOT NULL,
  row_count float8 NOT NULL,
  hit_blocks float8 NOT NULL,
  read_blocks float8 NOT NULL,
  temp_bytes float8 NOT NULL,
  wal_bytes float8 NOT NULL,
  latency_ms float8[],
  counts bigint[],
  PRIMARY KEY (snapshot_id, query_id, userid, toplevel)
);
CREATE INDEX snapshot_statement_query_idx ON perf_optimizer.snapshot_statement (query_id, snapshot_id);
COMMENT ON TABLE perf_optimizer.snapshot_statement IS 'What each statement did in a snapshot''s interval. squares is the sum of squared distances from the mean, latency_ms and counts the histogram.';

CREATE TABLE perf_optimizer.snapshot_plan (
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  toplevel boolean NOT NULL,
  plan_id bigint NOT NULL,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  plan text,
  PRIMARY KEY (query_id, userid, toplevel, plan_id)
);
COMMENT ON TABLE perf_optimizer.snapshot_plan IS 'Plan shapes of the statements in the history, with the text of one execution.';

CREATE TABLE perf_optimizer.snapshot_plan_use (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  toplevel boolean NOT NULL,
  plan_id bigint NOT NULL,
  calls float8 NOT NULL,
  total_ms float8 NOT NULL,
  PRIMARY KEY (snapshot_id, query_id, userid, toplevel, plan_id)
);
COMMENT ON TABLE perf_optimizer.snapshot_plan_use IS 'How often each plan shape ran in a snapshot''s interval, and how long.';

CREATE TABLE perf_optimizer.snapshot_table (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  relid oid NOT NULL,
  relation text NOT NULL,
  seq_scan float8 NOT NULL,
  seq_tup_read float8 NOT NULL,
  idx_scan float8 NOT NULL,
  inserted float8 NOT NULL,
  updated float8 NOT NULL,
  deleted float8 NOT NULL,
  live_rows float8 NOT NULL,
  dead_rows float8 NOT NULL,
  total_bytes bigint NOT NULL,
  PRIMARY KEY (snapshot_id, relid)
);
COMMENT ON TABLE perf_optimizer.snapshot_table IS 'What happened to each table in a snapshot''s interval, and its size at the end; tables to which nothing happened are left out.';

CREATE TABLE perf_optimizer.snapshot_index (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  indexid oid NOT NULL,
  relid oid NOT NULL,
  index_name text NOT NULL,
  scans float8 NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (snapshot_id, indexid)
);
COMMENT ON TABLE perf_optimizer.snapshot_index IS 'Scans of each index in a snapshot''s interval; indexes that were not scanned are left out.';

CREATE TABLE perf_optimizer.snapshot_wait (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  wait_class text NOT NULL,
  seconds float8 NOT NULL,
  PRIMARY KEY (snapshot_id, query_id, userid, wait_class)
);
COMMENT ON TABLE perf_optimizer.snapshot_wait IS 'Load by statement and wait class in a snapshot''s interval, in session seconds; query_id 0 where it is not known.';

CREATE TABLE perf_optimizer.snapshot_setting (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  name text NOT NULL,
  setting text,
  previous text,
  PRIMARY KEY (snapshot_id, name)
);
COMMENT ON TABLE perf_optimizer.snapshot_setting IS 'Settings of the server that changed in a snapshot''s interval.';

CREATE TABLE perf_optimizer.snapshot_last (
  kind text NOT NULL,
  key text NOT NULL,
  since text,
  numbers float8[],
  setting text,
  latency_ms float8[],
  counts bigint[],
  PRIMARY KEY (kind, key)
) WITH (fillfactor = 60);
COMMENT ON TABLE perf_optimizer.snapshot_last IS 'The counters and settings as the last snapshot found them, so that the next one can tell what is new.';
COMMENT ON COLUMN perf_optimizer.snapshot_last.since IS 'Since when the counters count, where that is known: another moment means that they were reset.';

/* ---- history of the workload: reading ---- */

CREATE FUNCTION perf_optimizer.histogram_percentile(latency_ms float8[], counts bigint[], fraction float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT h.latency FROM (
    SELECT u.latency, sum(u.n) OVER (ORDER BY u.latency) AS seen, sum(u.n) OVER () AS total FROM unnest(latency_ms, counts) u(latency, n)) h
   WHERE h.seen >= greatest(fraction * h.total, 1) ORDER BY h.latency LIMIT 1
$$;
COMMENT ON FUNCTION perf_optimizer.histogram_percentile(float8[], bigint[], float8) IS
'The latency that a fraction (0 to 1) of the executions in a histogram does not exceed; NULL for an empty histogram.';

CREATE FUNCTION perf_optimizer.welch_p_value(n1 float8, mean1 float8, stddev1 float8, n2 float8, mean2 float8, stddev2 float8) RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_welch_p_value';
COMMENT ON FUNCTION perf_optimizer.welch_p_value(float8, float8, float8, float8, float8, float8) IS
'How likely a rise of the mean from mean1 to mean2 would be by chance (Welch''s t-test, one-sided), from numbers of executions, means and population deviations.';

CREATE FUNCTION perf_optimizer.sum_squares(squares float8, squared_totals float8, total float8, calls float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT squares + greatest(squared_totals - total * total / calls, 0) $$;
COMMENT ON FUNCTION perf_optimizer.sum_squares(float8, float8, float8, float8) IS
'The sum of squared distances from the common mean over several intervals: of their own sums of squares, of total * total / calls of each, and of total and calls.';

CREATE FUNCTION perf_optimizer.may_read_statement(userid oid) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_may_read_statement';
COMMENT ON FUNCTION perf_optimizer.may_read_statement(oid) IS
'Whether you may see the identifiers, texts and plans of a role''s statements: your own, and all as a member of pg_read_all_stats.';

CREATE VIEW perf_optimizer.snapshots WITH (security_barrier) AS
  SELECT * FROM perf_optimizer.snapshot;
COMMENT ON VIEW perf_optimizer.snapshots IS 'Snapshots of this database''s workload: what happened from from_at to taken_at, and the state at the end.';

CREATE VIEW perf_optimizer.statement_history WITH (security_barrier) AS
  SELECT s.snapshot_id, n.from_at, n.taken_at, s.query_id, s.userid, s.toplevel, t.query, s.calls, s.total_ms, s.squares, s.row_count,
         s.hit_blocks, s.read_blocks, s.temp_bytes, s.wal_bytes, s.latency_ms, s.counts
    FROM perf_optimizer.snapshot_statement s
    JOIN perf_optimizer.snapshot n USING (snapshot_id)
    LEFT JOIN perf_optimizer.snapshot_text t ON t.query_id OPERATOR(pg_catalog.=) s.query_id AND t.userid OPERATOR(pg_catalog.=) s.userid
   WHERE perf_optimizer.may_read_statement(s.userid);
COMMENT ON VIEW perf_optimizer.statement_history IS 'What each statement that you may see did in each snapshot''s interval.';

CREATE VIEW perf_optimizer.text_history WITH (security_barrier) AS
  SELECT t.query_id, t.userid, t.query FROM perf_optimizer.snapshot_text t WHERE perf_optimizer.may_read_statement(t.userid);
COMMENT ON VIEW perf_optimizer.text_history IS 'The texts of the statements in the history that you may see.';

CREATE VIEW perf_optimizer.plan_history WITH (security_barrier) AS
  SELECT u.snapshot_id, n.from_at, n.taken_at, u.query_id, u.userid, u.toplevel, u.plan_id, u.calls, u.total_ms, p.first_seen, p.last_seen, p.plan
    FROM perf_optimizer.snapshot_plan_use u
    JOIN perf_optimizer.snapshot n USING (snapshot_id)
    JOIN perf_optimizer.snapshot_plan p USING (query_id, userid, toplevel, plan_id)
   WHERE perf_optimizer.may_read_statement(u.userid);
COMMENT ON VIEW perf_optimizer.plan_history IS 'The plan shapes of the statements that you may see in each snapshot''s interval.';

CREATE VIEW perf_optimizer.load_history WITH (security_barrier) AS
  SELECT w.snapshot_id, n.from_at, n.taken_at,
         CASE WHEN w.query_id OPERATOR(pg_catalog.<>) 0 AND perf_optimizer.may_read_statement(w.userid) THEN w.query_id END AS query_id,
         w.userid, w.wait_class, w.seconds
    FROM perf_optimizer.snapshot_wait w
    JOIN perf_optimizer.snapshot n USING (snapshot_id);
COMMENT ON VIEW perf_optimizer.load_history IS 'Load by statement and wait class in each snapshot''s interval, in session seconds.';

CREATE VIEW perf_optimizer.table_history WITH (security_barrier) AS
  SELECT t.*, n.from_at, n.taken_at FROM perf_optimizer.snapshot_table t JOIN perf_optimizer.snapshot n USING (snapshot_id);
COMMENT ON VIEW perf_optimizer.table_history IS 'What happened to each table in each snapshot''s interval, and its size at the end.';

CREATE VIEW perf_optimizer.index_history WITH (security_barrier) AS
  SELECT i.*, n.from_at, n.taken_at FROM perf_optimizer.snapshot_index i JOIN perf_optimizer.snapshot n USING (snapshot_id);
COMMENT ON VIEW perf_optimizer.index_history IS 'Scans of each index in each snapshot''s interval.';

CREATE VIEW perf_optimizer.setting_history WITH (security_barrier) AS
  SELECT s.snapshot_id, n.taken_at, s.name, s.setting, s.previous
    FROM perf_optimizer.snapshot_setting s JOIN perf_optimizer.snapshot n USING (snapshot_id)
   WHERE pg_catalog.pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') OR EXISTS (SELECT 1 FROM pg_catalog.pg_settings g WHERE g.name OPERATOR(pg_catalog.=) s.name);
COMMENT ON VIEW perf_optimizer.setting_history IS 'Settings of the server that changed between snapshots.';

GRANT SELECT ON perf_optimizer.snapshots, perf_optimizer.statement_history, perf_optimizer.text_history, perf_optimizer.plan_history, perf_optimizer.load_history,
  perf_optimizer.table_history, perf_optimizer.index_history, perf_optimizer.setting_history TO PUBLIC;
