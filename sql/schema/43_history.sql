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
  database_bytes bigint
);
CREATE INDEX snapshot_taken_at_idx ON perf_optimizer.snapshot (taken_at);
COMMENT ON TABLE perf_optimizer.snapshot IS 'Snapshots of this database''s workload: what happened from from_at to taken_at. merged counts the snapshots that were thinned out into one.';

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
  numbers float8[],
  setting text,
  latency_ms float8[],
  counts bigint[],
  PRIMARY KEY (kind, key)
);
COMMENT ON TABLE perf_optimizer.snapshot_last IS 'The counters as the last snapshot found them, so that the next one can tell what is new.';
COMMENT ON COLUMN perf_optimizer.snapshot_last.setting IS 'The value of a setting; of a statement or plan, since when it is tracked: another moment means that it was reset.';

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

CREATE VIEW perf_optimizer.snapshots WITH (security_barrier) AS
  SELECT * FROM perf_optimizer.snapshot;
COMMENT ON VIEW perf_optimizer.snapshots IS 'Snapshots of this database''s workload: what happened from from_at to taken_at, and the state at the end.';

CREATE VIEW perf_optimizer.statement_history WITH (security_barrier) AS
  SELECT s.snapshot_id, n.from_at, n.taken_at, s.query_id, s.userid, s.toplevel, t.query, s.calls, s.total_ms, s.squares, s.row_count,
         s.hit_blocks, s.read_blocks, s.temp_bytes, s.wal_bytes, s.latency_ms, s.counts
    FROM perf_optimizer.snapshot_statement s
    JOIN perf_optimizer.snapshot n USING (snapshot_id)
    LEFT JOIN perf_optimizer.snapshot_text t ON t.query_id OPERATOR(pg_catalog.=) s.query_id AND t.userid OPERATOR(pg_catalog.=) s.userid
   WHERE (s.userid OPERATOR(pg_catalog.=) (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) current_user) OR (SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')));
COMMENT ON VIEW perf_optimizer.statement_history IS 'What each statement that you may see did in each snapshot''s interval.';

CREATE VIEW perf_optimizer.plan_history WITH (security_barrier) AS
  SELECT u.snapshot_id, n.from_at, n.taken_at, u.query_id, u.userid, u.toplevel, u.plan_id, u.calls, u.total_ms, p.first_seen, p.last_seen, p.plan
    FROM perf_optimizer.snapshot_plan_use u
    JOIN perf_optimizer.snapshot n USING (snapshot_id)
    JOIN perf_optimizer.snapshot_plan p USING (query_id, userid, toplevel, plan_id)
   WHERE (u.userid OPERATOR(pg_catalog.=) (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) current_user) OR (SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')));
COMMENT ON VIEW perf_optimizer.plan_history IS 'The plan shapes of the statements that you may see in each snapshot''s interval.';

CREATE VIEW perf_optimizer.load_history WITH (security_barrier) AS
  SELECT w.snapshot_id, n.from_at, n.taken_at,
         CASE WHEN w.query_id OPERATOR(pg_catalog.<>) 0 AND (w.userid OPERATOR(pg_catalog.=) (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) current_user) OR (SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'))) THEN w.query_id END AS query_id,
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

GRANT SELECT ON perf_optimizer.snapshots, perf_optimizer.statement_history, perf_optimizer.plan_history, perf_optimizer.load_history,
  perf_optimizer.table_history, perf_optimizer.index_history, perf_optimizer.setting_history TO PUBLIC;

/* ---- history of the workload: taking snapshots ---- */

CREATE FUNCTION perf_optimizer.growth(present float8[], last float8[]) RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN last IS NULL OR present[1] < last[1] THEN present
              ELSE ARRAY(SELECT greatest(coalesce(p.v, 0) - coalesce(l.v, 0), 0) FROM unnest(present) WITH ORDINALITY p(v, i) LEFT JOIN unnest(last) WITH ORDINALITY l(v, i) USING (i) ORDER BY i) END
$$;
COMMENT ON FUNCTION perf_optimizer.growth(float8[], float8[]) IS
'What counters grew by since they were last looked at; all of them when the first one fell, because then they were reset in between. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.growth(float8[], float8[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.statement_counters(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT tracked float8[],
  OUT listed float8[],
  OUT first_seen timestamptz,
  OUT latency_ms float8[],
  OUT counts bigint[])
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  statements regclass;
BEGIN
  SELECT c.oid INTO statements
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
    JOIN pg_class c ON c.oid = d.objid AND c.relname = 'pg_stat_statements' AND c.relkind = 'v'
   WHERE e.extname = 'pg_stat_statements' AND current_setting('pg_stat_statements.max', true) IS NOT NULL;
  RETURN QUERY EXECUTE
    'SELECT coalesce(t.query_id, s.query_id), coalesce(t.userid, s.userid), coalesce(t.toplevel, s.toplevel),
            CASE WHEN t.query_id IS NOT NULL THEN ARRAY[t.calls, t.total_time_ms, t.calls * t.stddev_time_ms ^ 2, t.row_count] END,
            s.numbers, t.first_seen, h.latency_ms, h.counts
       FROM perf_optimizer.tracked_statements() t
       JOIN perf_optimizer.tracked_histograms() h ON h.query_id = t.query_id AND h.userid = t.userid AND h.toplevel = t.toplevel
       FULL JOIN (' ||
    CASE WHEN statements IS NULL THEN
      'SELECT NULL::bigint AS query_id, NULL::oid AS userid, NULL::boolean AS toplevel, NULL::float8[] AS numbers WHERE false'
    ELSE format(
      'SELECT s.queryid AS query_id, s.userid, %1$s AS toplevel,
              ARRAY[sum(s.calls), sum(s.total_exec_time), sum(s.calls * s.stddev_exec_time ^ 2), sum(s.rows), sum(s.shared_blks_hit),
                    sum(s.shared_blks_read), sum(s.temp_blks_written) * current_setting(''block_size'')::int, sum(s.wal_bytes)]::float8[] AS numbers
         FROM %2$s s
        WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND s.queryid IS NOT NULL AND s.calls > 0
        GROUP BY 1, 2, 3',
      CASE WHEN EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = statements AND a.attname = 'toplevel' AND NOT a.attisdropped) THEN 's.toplevel' ELSE 'true' END,
      statements) END ||
    ') s ON s.query_id = t.query_id AND s.userid = t.userid AND s.toplevel = t.toplevel';
END
$$;
COMMENT ON FUNCTION perf_optimizer.statement_counters() IS
'The counters of this database''s statements from tracking and from pg_stat_statements, side by side: calls, milliseconds, sum of squares, rows,
and from pg_stat_statements blocks hit and read, temporary bytes, WAL bytes. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.statement_counters() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_statements(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  WITH present AS MATERIALIZED (
    SELECT c.query_id || ' ' || c.userid || ' ' || c.toplevel AS key, c.query_id, c.userid, c.toplevel, c.tracked, c.listed,
           extract(epoch FROM c.first_seen)::text AS since, c.latency_ms, c.counts
      FROM perf_optimizer.statement_counters() c WHERE c.query_id IS NOT NULL),
  joined AS (
    SELECT n.*, CASE WHEN a.setting = n.since THEN nullif(a.numbers[1:4], array_fill(NULL::float8, ARRAY[4])) END AS last_tracked,
           nullif(a.numbers[5:12], array_fill(NULL::float8, ARRAY[8])) AS last_listed,
           CASE WHEN a.setting = n.since AND n.tracked[1] >= a.numbers[1] THEN a.latency_ms END AS last_latency, a.counts AS last_counts
      FROM present n LEFT JOIN perf_optimizer.snapshot_last a ON a.kind = 'statement' AND a.key = n.key),
  grown AS (
    SELECT j.*, perf_optimizer.growth(j.listed, j.last_listed) AS l,
           coalesce(perf_optimizer.growth(j.tracked, j.last_tracked), perf_optimizer.growth(j.listed, j.last_listed)) AS g,
           coalesce(j.tracked, j.listed) AS total,
           CASE WHEN j.tracked IS NOT NULL THEN CASE WHEN j.tracked[1] >= j.last_tracked[1] THEN j.last_tracked END
                ELSE CASE WHEN j.listed[1] >= j.last_listed[1] THEN j.last_listed END END AS base
      FROM joined j),
  added AS (
    INSERT INTO perf_optimizer.snapshot_statement (snapshot_id, query_id, userid, toplevel, calls, total_ms, squares, row_count, hit_blocks, read_blocks,
           temp_bytes, wal_bytes, latency_ms, counts)
    SELECT snapshot, d.query_id, d.userid, d.toplevel, d.g[1], d.g[2],
           greatest(CASE WHEN d.base[1] > 0
                         THEN d.total[3] - d.base[3] - (d.g[2] / d.g[1] - d.base[2] / d.base[1]) ^ 2 * d.base[1] * d.g[1] / d.total[1]
                         ELSE d.total[3] END, 0),
           d.g[4], coalesce(d.l[5], 0), coalesce(d.l[6], 0), coalesce(d.l[7], 0), coalesce(d.l[8], 0), h.latency_ms, h.counts
      FROM grown d
      LEFT JOIN LATERAL (SELECT array_agg(x.latency ORDER BY x.latency) AS latency_ms, array_agg(x.n ORDER BY x.latency) AS counts
                           FROM (SELECT p.latency, p.n - coalesce(o.n, 0) AS n FROM unnest(d.latency_ms, d.counts) p(latency, n)
                                 LEFT JOIN unnest(d.last_latency, d.last_counts) o(latency, n) ON o.latency = p.latency) x
                          WHERE x.n > 0) h ON d.g[1] > 0
     WHERE d.g[1] > 0),
  gone AS (
    DELETE FROM perf_optimizer.snapshot_last a WHERE a.kind = 'statement' AND NOT EXISTS (SELECT 1 FROM present n WHERE n.key = a.key))
  INSERT INTO perf_optimizer.snapshot_last AS a (kind, key, numbers, setting, latency_ms, counts)
    SELECT 'statement', n.key, coalesce(n.tracked, array_fill(NULL::float8, ARRAY[4])) || coalesce(n.listed, array_fill(NULL::float8, ARRAY[8])), n.since, n.latency_ms, n.counts FROM present n
    ON CONFLICT (kind, key) DO UPDATE SET numbers = excluded.numbers, setting = excluded.setting, latency_ms = excluded.latency_ms, counts = excluded.counts
      WHERE a.numbers IS DISTINCT FROM excluded.numbers OR a.setting IS DISTINCT FROM excluded.setting;
  INSERT INTO perf_optimizer.snapshot_text (query_id, userid, query)
    SELECT t.query_id, t.userid, t.query FROM perf_optimizer.statement_texts() t
     WHERE EXISTS (SELECT 1 FROM perf_optimizer.snapshot_statement s WHERE s.snapshot_id = snapshot AND s.query_id = t.query_id AND s.userid = t.userid)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_statements(bigint) IS 'Adds to a snapshot what statements did since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_statements(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_plans(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  WITH present AS MATERIALIZED (
    SELECT p.query_id || ' ' || p.userid || ' ' || p.toplevel || ' ' || p.plan_id AS key, p.query_id, p.userid, p.toplevel, p.plan_id,
           ARRAY[p.calls, p.total_time_ms] AS numbers, p.first_seen, p.last_seen, p.plan FROM perf_optimizer.tracked_plans() p WHERE p.query_id IS NOT NULL),
  kept AS (
    INSERT INTO perf_optimizer.snapshot_plan AS s (query_id, userid, toplevel, plan_id, first_seen, last_seen, plan)
      SELECT n.query_id, n.userid, n.toplevel, n.plan_id, n.first_seen, n.last_seen, n.plan FROM present n
      ON CONFLICT (query_id, userid, toplevel, plan_id) DO UPDATE SET last_seen = greatest(s.last_seen, excluded.last_seen), plan = coalesce(s.plan, excluded.plan)
        WHERE s.last_seen < excluded.last_seen OR (s.plan IS NULL AND excluded.plan IS NOT NULL)),
  added AS (
    INSERT INTO perf_optimizer.snapshot_plan_use (snapshot_id, query_id, userid, toplevel, plan_id, calls, total_ms)
      SELECT snapshot, d.query_id, d.userid, d.toplevel, d.plan_id, d.g[1], d.g[2]
        FROM (SELECT n.*, perf_optimizer.growth(n.numbers, CASE WHEN l.setting = extract(epoch FROM n.first_seen)::text THEN l.numbers END) AS g
                FROM present n LEFT JOIN perf_optimizer.snapshot_last l ON l.kind = 'plan' AND l.key = n.key) d
       WHERE d.g[1] > 0),
  gone AS (
    DELETE FROM perf_optimizer.snapshot_last a WHERE a.kind = 'plan' AND NOT EXISTS (SELECT 1 FROM present n WHERE n.key = a.key))
  INSERT INTO perf_optimizer.snapshot_last AS a (kind, key, numbers, setting) SELECT 'plan', n.key, n.numbers, extract(epoch FROM n.first_seen)::text FROM present n
    ON CONFLICT (kind, key) DO UPDATE SET numbers = excluded.numbers, setting = excluded.setting WHERE a.numbers IS DISTINCT FROM excluded.numbers;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_plans(bigint) IS 'Adds to a snapshot which plan shapes ran since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_plans(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_relations(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  pages int := current_setting('block_size')::int;
  -- Measuring these would wait for their locks: what VACUUM saw last must do.
  locked oid[] := (SELECT coalesce(array_agg(l.relation), '{}') FROM pg_locks l
                    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid());
BEGIN
  locked := locked || ARRAY(SELECT i.indrelid FROM pg_index i WHERE i.indexrelid = ANY (locked)) || ARRAY(SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = ANY (locked));
  WITH present AS MATERIALIZED (
    SELECT t.relid::text AS key, t.relid, format('%I.%I', t.schemaname, t.relname) AS name, t.n_live_tup, t.n_dead_tup,
           ARRAY[t.seq_scan + coalesce(t.idx_scan, 0) + t.n_tup_ins + t.n_tup_upd + t.n_tup_del, t.seq_scan, t.seq_tup_read,
                 coalesce(t.idx_scan, 0), t.n_tup_ins, t.n_tup_upd, t.n_tup_del]::float8[] AS numbers
      FROM pg_stat_user_tables t WHERE t.schemaname <> 'perf_optimizer'),
  added AS (
    INSERT INTO perf_optimizer.snapshot_table (snapshot_id, relid, relation, seq_scan, seq_tup_read, idx_scan, inserted, updated, deleted, live_rows, dead_rows, total_bytes)
    SELECT snapshot, d.relid, d.name, d.g[2], d.g[3], d.g[4], d.g[5], d.g[6], d.g[7], d.n_live_tup, d.n_dead_tup, coalesce(CASE WHEN d.relid = ANY (locked) THEN (SELECT c.relpages::bigint * pages FROM pg_class c WHERE c.oid = d.relid) ELSE pg_total_relation_size(d.relid) END, 0)
      FROM (SELECT n.*, perf_optimizer.growth(n.numbers, l.numbers) AS g
              FROM present n LEFT JOIN perf_optimizer.snapshot_last l ON l.kind = 'table' AND l.key = n.key) d
     WHERE d.g[1] > 0),
  gone AS (
    DELETE FROM perf_optimizer.snapshot_last a WHERE a.kind = 'table' AND NOT EXISTS (SELECT 1 FROM present n WHERE n.key = a.key))
  INSERT INTO perf_optimizer.snapshot_last AS a (kind, key, numbers) SELECT 'table', n.key, n.numbers FROM present n
    ON CONFLICT (kind, key) DO UPDATE SET numbers = excluded.numbers WHERE a.numbers IS DISTINCT FROM excluded.numbers;

  WITH present AS MATERIALIZED (
    SELECT i.indexrelid::text AS key, i.indexrelid, i.relid, format('%I.%I', i.schemaname, i.indexrelname) AS name, ARRAY[i.idx_scan]::float8[] AS numbers
      FROM pg_stat_user_indexes i WHERE i.schemaname <> 'perf_optimizer'),
  added AS (
    INSERT INTO perf_optimizer.snapshot_index (snapshot_id, indexid, relid, index_name, scans, bytes)
    SELECT snapshot, d.indexrelid, d.relid, d.name, d.g[1], coalesce(CASE WHEN d.indexrelid = ANY (locked) THEN (SELECT c.relpages::bigint * pages FROM pg_class c WHERE c.oid = d.indexrelid) ELSE pg_relation_size(d.indexrelid) END, 0)
      FROM (SELECT n.*, perf_optimizer.growth(n.numbers, l.numbers) AS g
              FROM present n LEFT JOIN perf_optimizer.snapshot_last l ON l.kind = 'index' AND l.key = n.key) d
     WHERE d.g[1] > 0),
  gone AS (
    DELETE FROM perf_optimizer.snapshot_last a WHERE a.kind = 'index' AND NOT EXISTS (SELECT 1 FROM present n WHERE n.key = a.key))
  INSERT INTO perf_optimizer.snapshot_last AS a (kind, key, numbers) SELECT 'index', n.key, n.numbers FROM present n
    ON CONFLICT (kind, key) DO UPDATE SET numbers = excluded.numbers WHERE a.numbers IS DISTINCT FROM excluded.numbers;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_relations(bigint) IS 'Adds to a snapshot what happened to tables and indexes since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_relations(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_server(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE perf_optimizer.snapshot n
     SET (connections, active, idle_in_transaction, waiting) = (
           SELECT count(*), count(*) FILTER (WHERE a.state = 'active'), count(*) FILTER (WHERE a.state LIKE 'idle in transaction%'),
                  count(*) FILTER (WHERE a.wait_event_type = 'Lock')
             FROM pg_stat_activity a WHERE a.datname = current_database() AND a.backend_type = 'client backend'),
         max_connections = current_setting('max_connections')::int,
         database_bytes = pg_database_size(current_database()),
         (commits, rollbacks, blocks_hit, blocks_read, temp_bytes, deadlocks) = (
           SELECT g.d[1], g.d[2], g.d[3], g.d[4], g.d[5], g.d[6]
             FROM pg_stat_database s
             LEFT JOIN perf_optimizer.snapshot_last l ON l.kind = 'database' AND l.key = ''
            CROSS JOIN LATERAL (SELECT perf_optimizer.growth(ARRAY[s.xact_commit, s.xact_rollback, s.blks_hit, s.blks_read, s.temp_bytes, s.deadlocks]::float8[], l.numbers) AS d) g
            WHERE s.datname = current_database())
   WHERE n.snapshot_id = snapshot;
  DELETE FROM perf_optimizer.snapshot_last WHERE kind = 'database';
  INSERT INTO perf_optimizer.snapshot_last (kind, key, numbers)
    SELECT 'database', '', ARRAY[s.xact_commit, s.xact_rollback, s.blks_hit, s.blks_read, s.temp_bytes, s.deadlocks]::float8[]
      FROM pg_stat_database s WHERE s.datname = current_database();

  IF EXISTS (SELECT 1 FROM perf_optimizer.snapshot_last WHERE kind = 'setting') THEN
    INSERT INTO perf_optimizer.snapshot_setting (snapshot_id, name, setting, previous)
      SELECT snapshot, coalesce(s.name, l.key), s.reset_val, l.setting
        FROM (SELECT * FROM pg_settings g WHERE g.source NOT IN ('session', 'client', 'override', 'interactive', 'user', 'database user')) s
        FULL JOIN (SELECT * FROM perf_optimizer.snapshot_last WHERE kind = 'setting') l ON l.key = s.name
       WHERE s.name IS NOT NULL AND l.key IS NOT NULL AND s.reset_val IS DISTINCT FROM l.setting;
  END IF;
  INSERT INTO perf_optimizer.snapshot_last AS a (kind, key, setting)
    SELECT 'setting', g.name, g.reset_val FROM pg_settings g WHERE g.source NOT IN ('session', 'client', 'override', 'interactive', 'user', 'database user')
    ON CONFLICT (kind, key) DO UPDATE SET setting = excluded.setting WHERE a.setting IS DISTINCT FROM excluded.setting;

  IF current_setting('perf_optimizer.track_max', true) IS NOT NULL THEN
    WITH present AS MATERIALIZED (
      SELECT coalesce(w.query_id, 0) || ' ' || coalesce(w.userid, 0) || ' ' || w.wait_class AS key, coalesce(w.query_id, 0) AS query_id, coalesce(w.userid, 0) AS userid, w.wait_class, sum(w.seconds) AS seconds
        FROM perf_optimizer.wait_profile() w GROUP BY 1, 2, 3, 4),
    added AS (
      INSERT INTO perf_optimizer.snapshot_wait (snapshot_id, query_id, userid, wait_class, seconds)
      SELECT snapshot, d.query_id, d.userid, d.wait_class, d.g[1]
        FROM (SELECT n.*, perf_optimizer.growth(ARRAY[n.seconds], l.numbers) AS g
                FROM present n LEFT JOIN perf_optimizer.snapshot_last l ON l.kind = 'wait' AND l.key = n.key) d
       WHERE d.g[1] > 0),
    gone AS (
      DELETE FROM perf_optimizer.snapshot_last a WHERE a.kind = 'wait' AND NOT EXISTS (SELECT 1 FROM present n WHERE n.key = a.key))
    INSERT INTO perf_optimizer.snapshot_last AS a (kind, key, numbers) SELECT 'wait', n.key, ARRAY[n.seconds] FROM present n
      ON CONFLICT (kind, key) DO UPDATE SET numbers = excluded.numbers WHERE a.numbers IS DISTINCT FROM excluded.numbers;
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_server(bigint) IS 'Adds to a snapshot connections, counters and size of the database, changed settings and waits since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_server(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.thin_history() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  hour record;
BEGIN
  DELETE FROM perf_optimizer.snapshot WHERE taken_at < now() - current_setting('perf_optimizer.snapshot_retention')::interval;
  FOR hour IN
    SELECT max(s.snapshot_id) AS keeper, array_agg(s.snapshot_id) AS ids, min(s.from_at) AS from_at, sum(s.merged)::int AS merged
      FROM perf_optimizer.snapshot s WHERE s.taken_at < now() - current_setting('perf_optimizer.snapshot_detail')::interval
     GROUP BY date_trunc('hour', s.taken_at) HAVING count(*) > 1
  LOOP
    WITH gone AS (DELETE FROM perf_optimizer.snapshot_statement s WHERE s.snapshot_id = ANY (hour.ids) RETURNING *)
    INSERT INTO perf_optimizer.snapshot_statement (snapshot_id, query_id, userid, toplevel, calls, total_ms, squares, row_count, hit_blocks, read_blocks, temp_bytes, wal_bytes, latency_ms, counts)
      SELECT hour.keeper, g.query_id, g.userid, g.toplevel, g.calls, g.total_ms, g.squares, g.row_count, g.hit_blocks, g.read_blocks, g.temp_bytes, g.wal_bytes, h.latency_ms, h.counts
        FROM (SELECT s.query_id, s.userid, s.toplevel, sum(s.calls) AS calls, sum(s.total_ms) AS total_ms,
                     sum(s.squares) + greatest(sum(s.total_ms ^ 2 / s.calls) - sum(s.total_ms) ^ 2 / sum(s.calls), 0) AS squares,
                     sum(s.row_count) AS row_count, sum(s.hit_blocks) AS hit_blocks, sum(s.read_blocks) AS read_blocks, sum(s.temp_bytes) AS temp_bytes, sum(s.wal_bytes) AS wal_bytes
                FROM gone s GROUP BY 1, 2, 3) g
        LEFT JOIN (SELECT b.query_id, b.userid, b.toplevel, array_agg(b.latency ORDER BY b.latency) AS latency_ms, array_agg(b.n ORDER BY b.latency) AS counts
                     FROM (SELECT s.query_id, s.userid, s.toplevel, u.latency, sum(u.n)::bigint AS n
                             FROM gone s CROSS JOIN LATERAL unnest(s.latency_ms, s.counts) u(latency, n) GROUP BY 1, 2, 3, 4) b GROUP BY 1, 2, 3) h
          ON h.query_id = g.query_id AND h.userid = g.userid AND h.toplevel = g.toplevel;
    WITH gone AS (DELETE FROM perf_optimizer.snapshot_plan_use s WHERE s.snapshot_id = ANY (hour.ids) RETURNING *)
    INSERT INTO perf_optimizer.snapshot_plan_use SELECT hour.keeper, s.query_id, s.userid, s.toplevel, s.plan_id, sum(s.calls), sum(s.total_ms) FROM gone s GROUP BY 2, 3, 4, 5;
    WITH gone AS (DELETE FROM perf_optimizer.snapshot_wait s WHERE s.snapshot_id = ANY (hour.ids) RETURNING *)
    INSERT INTO perf_optimizer.snapshot_wait SELECT hour.keeper, s.query_id, s.userid, s.wait_class, sum(s.seconds) FROM gone s GROUP BY 2, 3, 4;
    WITH gone AS (DELETE FROM perf_optimizer.snapshot_table s WHERE s.snapshot_id = ANY (hour.ids) RETURNING *)
    INSERT INTO perf_optimizer.snapshot_table
      SELECT hour.keeper, s.relid, (array_agg(s.relation ORDER BY s.snapshot_id DESC))[1], sum(s.seq_scan), sum(s.seq_tup_read), sum(s.idx_scan), sum(s.inserted), sum(s.updated), sum(s.deleted),
             (array_agg(s.live_rows ORDER BY s.snapshot_id DESC))[1], (array_agg(s.dead_rows ORDER BY s.snapshot_id DESC))[1], (array_agg(s.total_bytes ORDER BY s.snapshot_id DESC))[1]
        FROM gone s GROUP BY 2;
    WITH gone AS (DELETE FROM perf_optimizer.snapshot_index s WHERE s.snapshot_id = ANY (hour.ids) RETURNING *)
    INSERT INTO perf_optimizer.snapshot_index
      SELECT hour.keeper, s.indexid, min(s.relid), (array_agg(s.index_name ORDER BY s.snapshot_id DESC))[1], sum(s.scans), (array_agg(s.bytes ORDER BY s.snapshot_id DESC))[1] FROM gone s GROUP BY 2;
    WITH gone AS (DELETE FROM perf_optimizer.snapshot_setting s WHERE s.snapshot_id = ANY (hour.ids) RETURNING *)
    INSERT INTO perf_optimizer.snapshot_setting
      SELECT hour.keeper, s.name, (array_agg(s.setting ORDER BY s.snapshot_id DESC))[1], (array_agg(s.previous ORDER BY s.snapshot_id))[1] FROM gone s GROUP BY 2;
    UPDATE perf_optimizer.snapshot k SET from_at = hour.from_at, merged = hour.merged,
           (commits, rollbacks, blocks_hit, blocks_read, temp_bytes, deadlocks) =
             (SELECT sum(s.commits), sum(s.rollbacks), sum(s.blocks_hit), sum(s.blocks_read), sum(s.temp_bytes), sum(s.deadlocks) FROM perf_optimizer.snapshot s WHERE s.snapshot_id = ANY (hour.ids))
     WHERE k.snapshot_id = hour.keeper;
    DELETE FROM perf_optimizer.snapshot WHERE snapshot_id = ANY (hour.ids) AND snapshot_id <> hour.keeper;
  END LOOP;
  DELETE FROM perf_optimizer.snapshot_plan p WHERE p.last_seen < now() - current_setting('perf_optimizer.snapshot_retention')::interval;
  DELETE FROM perf_optimizer.snapshot_text t WHERE NOT EXISTS (SELECT 1 FROM perf_optimizer.snapshot_statement s WHERE s.query_id = t.query_id AND s.userid = t.userid);
END
$$;
COMMENT ON FUNCTION perf_optimizer.thin_history() IS
'Forgets snapshots older than perf_optimizer.snapshot_retention and merges those older than perf_optimizer.snapshot_detail into one an hour. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.thin_history() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_snapshot() RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  previous timestamptz;
  since timestamptz;
  id bigint;
BEGIN
  LOCK TABLE perf_optimizer.snapshot_last IN SHARE ROW EXCLUSIVE MODE;
  SELECT max(s.taken_at) INTO previous FROM perf_optimizer.snapshot s;
  IF previous IS NULL THEN
    SELECT min(t.first_seen) INTO since FROM perf_optimizer.tracked_statements() t;
  END IF;
  INSERT INTO perf_optimizer.snapshot (from_at, taken_at) VALUES (coalesce(previous, since, clock_timestamp()), clock_timestamp()) RETURNING snapshot_id INTO id;
  PERFORM perf_optimizer.record_statements(id);
  PERFORM perf_optimizer.record_plans(id);
  PERFORM perf_optimizer.record_relations(id);
  PERFORM perf_optimizer.record_server(id);
  PERFORM perf_optimizer.thin_history();
  RETURN id;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_snapshot() IS 'Does the work of take_snapshot(), as the owner of the extension. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_snapshot() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.take_snapshot() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_take_snapshot';
COMMENT ON FUNCTION perf_optimizer.take_snapshot() IS
'Adds a snapshot to the history of this database''s workload and returns its number: what statements, plan shapes, tables, indexes and waits did
since the snapshot before, the first one since tracking began; connections, sizes and changed settings. Works without preloading on what
pg_stat_statements and the server''s statistics views know. For members of pg_read_all_stats.
Errors: 42501 for others, 25006 in a read-only transaction and on a standby.';

/* ---- history of the workload: reports ---- */

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
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM perf_optimizer.require_argument(query_regressions.baseline::text, 'baseline');
  PERFORM perf_optimizer.require_argument(query_regressions.recent::text, 'recent');
  IF query_regressions.baseline <= interval '0' OR query_regressions.recent <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = '22023',
      MESSAGE = format('argument "%s" must be longer than nothing', CASE WHEN query_regressions.baseline <= interval '0' THEN 'baseline' ELSE 'recent' END),
      HINT = 'Pass an interval such as ''1 hour''.';
  END IF;
  RETURN QUERY
  WITH windows AS (
    SELECT h.query_id, h.userid, h.toplevel, h.taken_at > now() - query_regressions.recent AS is_recent,
           sum(h.calls) AS calls, sum(h.total_ms) AS total_ms, min(h.query) AS query,
           sum(h.squares) + greatest(sum(h.total_ms ^ 2 / h.calls) - sum(h.total_ms) ^ 2 / sum(h.calls), 0) AS squares
      FROM perf_optimizer.statement_history h
     WHERE h.taken_at > now() - query_regressions.recent - query_regressions.baseline
     GROUP BY 1, 2, 3, 4),
  total AS (
    SELECT sum(w.total_ms) AS total_ms FROM windows w WHERE w.is_recent AND w.toplevel),
  plans AS (
    SELECT DISTINCT ON (p.query_id, p.userid, p.toplevel, p.taken_at > now() - query_regressions.recent)
           p.query_id, p.userid, p.toplevel, p.taken_at > now() - query_regressions.recent AS is_recent, p.plan_id, p.plan
      FROM (SELECT h.query_id, h.userid, h.toplevel, h.taken_at, h.plan_id, h.plan,
                   sum(h.calls) OVER (PARTITION BY h.query_id, h.userid, h.toplevel, h.plan_id, h.taken_at > now() - query_regressions.recent) AS calls
              FROM perf_optimizer.plan_history h WHERE h.taken_at > now() - query_regressions.recent - query_regressions.baseline) p
     ORDER BY p.query_id, p.userid, p.toplevel, p.taken_at > now() - query_regressions.recent, p.calls DESC, p.plan_id),
  judged AS (
    SELECT r.query_id, r.userid, r.toplevel, r.query, b.calls AS n1, b.total_ms / b.calls AS mean1, sqrt(b.squares / b.calls) AS dev1,
           r.calls AS n2, r.total_ms / r.calls AS mean2, sqrt(r.squares / r.calls) AS dev2, 100 * r.total_ms / nullif(t.total_ms, 0) AS share
      FROM windows r JOIN windows b ON b.query_id = r.query_id AND b.userid = r.userid AND b.toplevel = r.toplevel AND NOT b.is_recent
     CROSS JOIN total t WHERE r.is_recent)
  SELECT j.query_id, pg_get_userbyid(j.userid), j.query,
         CASE WHEN bp.plan_id <> rp.plan_id AND j.mean2 >= 2 * j.mean1 THEN 'plan-flip' ELSE 'regression' END,
         j.n1, j.mean1, j.dev1, j.n2, j.mean2, j.dev2, j.mean2 / nullif(j.mean1, 0), j.share, c.p, bp.plan_id, rp.plan_id, bp.plan, rp.plan,
         format('takes %s ms on average instead of %s ms%s', round(j.mean2::numeric, 3), round(j.mean1::numeric, 3),
                CASE WHEN bp.plan_id <> rp.plan_id THEN format(', with plan %s instead of %s', rp.plan_id, bp.plan_id) ELSE '' END)
    FROM judged j
    LEFT JOIN plans bp ON bp.query_id = j.query_id AND bp.userid = j.userid AND bp.toplevel = j.toplevel AND NOT bp.is_recent
    LEFT JOIN plans rp ON rp.query_id = j.query_id AND rp.userid = j.userid AND rp.toplevel = j.toplevel AND rp.is_recent
   CROSS JOIN LATERAL (SELECT perf_optimizer.welch_p_value(j.n1, j.mean1, j.dev1, j.n2, j.mean2, j.dev2) AS p) c
   WHERE j.mean2 >= 1.5 * j.mean1 AND j.share >= 20 AND c.p < 0.01
   ORDER BY (j.mean2 - j.mean1) * j.n2 DESC, j.query_id;
END
$$;
COMMENT ON FUNCTION perf_optimizer.query_regressions(interval, interval) IS
'Statements that became slower: their mean time over the snapshots of the last "recent" is at least 1.5 times that of the "baseline" before it, they take at least 20 %
of the execution time of the recent snapshots, and the rise is no chance (p_value of Welch''s test below 0.01). rule is plan-flip when another plan shape than
in the baseline runs most often and the mean at least doubled, else regression; both plans are named where they are known. factor is the ratio of the means.
Needs snapshots (take_snapshot, schedule_snapshot) in both windows. You see your own statements, and all as a member of pg_read_all_stats.
Errors: 22004 for a NULL, 22023 for an interval that is not longer than nothing.';

CREATE FUNCTION perf_optimizer.wait_history(
  OUT at timestamptz,
  OUT wait_class text,
  OUT sessions int)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_wait_history';
COMMENT ON FUNCTION perf_optimizer.wait_history() IS
'The last 3600 looks at the sessions of all databases, as far as they are of this one: how many were running or waiting, by class: cpu, io, lock, lwlock, ipc, client,
other, idle in transaction. One look every perf_optimizer.sample_interval, fewer while nobody is active. Errors: 55000 unless perf_optimizer is preloaded.';

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
