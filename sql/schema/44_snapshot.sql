/* ---- history of the workload: taking snapshots ---- */

CREATE TYPE perf_optimizer.counters AS (
  key text,
  since text,
  numbers float8[],
  latency_ms float8[],
  counts bigint[]);
COMMENT ON TYPE perf_optimizer.counters IS
'Counters of one object that only grow until they are reset: since when they count, where that is known, the numbers, and a histogram where there is one. Internal.';

CREATE FUNCTION perf_optimizer.growth(present float8[], last float8[]) RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_growth';
COMMENT ON FUNCTION perf_optimizer.growth(float8[], float8[]) IS
'What counters grew by since they were last looked at; all of them when one of them fell, because then they were reset in between. Internal.';

CREATE FUNCTION perf_optimizer.exchange_counters(kind text, present perf_optimizer.counters[])
RETURNS TABLE (key text, numbers float8[], last float8[], grown float8[], latency_ms float8[], counts bigint[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT p.key, p.numbers, CASE WHEN g.goes_on THEN b.numbers END, g.grown, h.latency_ms, h.counts
    FROM unnest(present) p
    LEFT JOIN perf_optimizer.snapshot_last b ON b.kind = exchange_counters.kind AND b.key = p.key AND b.since IS NOT DISTINCT FROM p.since
   CROSS JOIN LATERAL (
      SELECT x.grown, x.grown[1] < p.numbers[1] AS goes_on FROM (SELECT perf_optimizer.growth(p.numbers, b.numbers) AS grown) x) g
    LEFT JOIN LATERAL (
      SELECT array_agg(x.latency ORDER BY x.latency) AS latency_ms, array_agg(x.n ORDER BY x.latency) AS counts
        FROM (SELECT n.latency, n.n - coalesce(o.n, 0) AS n
                FROM unnest(p.latency_ms, p.counts) n(latency, n)
                LEFT JOIN unnest(b.latency_ms, b.counts) o(latency, n) ON o.latency = n.latency AND g.goes_on) x
       WHERE x.n > 0) h ON g.grown[1] > 0 AND p.counts IS NOT NULL;
  DELETE FROM perf_optimizer.snapshot_last l
   WHERE l.kind = exchange_counters.kind AND NOT EXISTS (SELECT 1 FROM unnest(present) p WHERE p.key = l.key);
  INSERT INTO perf_optimizer.snapshot_last AS l (kind, key, since, numbers, latency_ms, counts)
    SELECT exchange_counters.kind, p.key, p.since, p.numbers, p.latency_ms, p.counts FROM unnest(present) p
    ON CONFLICT ON CONSTRAINT snapshot_last_pkey DO UPDATE
      SET since = excluded.since, numbers = excluded.numbers, latency_ms = excluded.latency_ms, counts = excluded.counts
      WHERE (l.since, l.numbers) IS DISTINCT FROM (excluded.since, excluded.numbers);
END
$$;
COMMENT ON FUNCTION perf_optimizer.exchange_counters(text, perf_optimizer.counters[]) IS
'Takes the counters of all objects of a kind in the place of those that the last snapshot found, and returns for each the numbers, those of last time (NULL when it
is new or was reset since), and what numbers and histogram grew by. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.exchange_counters(text, perf_optimizer.counters[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.statements_view(name text) RETURNS regclass
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT c.oid::regclass
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
    JOIN pg_class c ON c.oid = d.objid AND c.relname = name AND c.relkind = 'v'
   WHERE e.extname = 'pg_stat_statements' AND current_setting('pg_stat_statements.max', true) IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.statements_view(text) IS
'A view of the extension pg_stat_statements, in whatever schema it is; NULL where it is not created in this database or not loaded. Internal.';

CREATE FUNCTION perf_optimizer.has_column(relation regclass, name text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = name AND a.attnum > 0 AND NOT a.attisdropped)
$$;
COMMENT ON FUNCTION perf_optimizer.has_column(regclass, text) IS 'Whether a relation has a column of that name. Internal.';

CREATE FUNCTION perf_optimizer.listed_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  since timestamptz;
BEGIN
  IF perf_optimizer.statements_view('pg_stat_statements_info') IS NOT NULL THEN
    EXECUTE format('SELECT i.stats_reset FROM %s i', perf_optimizer.statements_view('pg_stat_statements_info')) INTO since;
  END IF;
  RETURN since;
END
$$;
COMMENT ON FUNCTION perf_optimizer.listed_since() IS 'Since when pg_stat_statements counts; NULL where it is not there or too old to say. Internal.';

CREATE FUNCTION perf_optimizer.listed_counters() RETURNS SETOF perf_optimizer.counters
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  statements regclass := perf_optimizer.statements_view('pg_stat_statements');
BEGIN
  IF statements IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT format(''%%s %%s %%s'', s.queryid, s.userid, %1$s),
            coalesce(min(extract(epoch FROM %2$s)), extract(epoch FROM perf_optimizer.listed_since()))::text,
            ARRAY[sum(s.calls), sum(s.total_exec_time), sum(s.calls * s.stddev_exec_time ^ 2), sum(s.rows), sum(s.shared_blks_hit),
                  sum(s.shared_blks_read), sum(s.temp_blks_written) * current_setting(''block_size'')::int, sum(s.wal_bytes)]::float8[],
            NULL::float8[], NULL::bigint[]
       FROM %3$s s
      WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND s.queryid IS NOT NULL AND s.calls > 0
      GROUP BY 1',
    CASE WHEN perf_optimizer.has_column(statements, 'toplevel') THEN 's.toplevel' ELSE 'true' END,
    CASE WHEN perf_optimizer.has_column(statements, 'stats_since') THEN 's.stats_since' ELSE 'NULL::timestamptz' END,
    statements);
END
$$;
COMMENT ON FUNCTION perf_optimizer.listed_counters() IS
'The counters of this database''s statements in pg_stat_statements: calls, milliseconds, sum of squares, rows, blocks hit and read, temporary bytes, WAL bytes. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.listed_counters() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.tracked_counters() RETURNS SETOF perf_optimizer.counters
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('%s %s %s', t.query_id, t.userid, t.toplevel), extract(epoch FROM t.first_seen)::text,
         ARRAY[t.calls, t.total_time_ms, t.calls * t.stddev_time_ms ^ 2, t.row_count], h.latency_ms, h.counts
    FROM perf_optimizer.tracked_statements() t
    JOIN perf_optimizer.tracked_histograms() h ON h.query_id = t.query_id AND h.userid = t.userid AND h.toplevel = t.toplevel
   WHERE t.query_id IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.tracked_counters() IS
'The counters of this database''s tracked statements: calls, milliseconds, sum of squares, rows, and the histogram. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.tracked_counters() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.window_squares(present float8[], last float8[]) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN last[1] > 0 AND present[1] > last[1]
              THEN greatest(present[3] - last[3]
                            - ((present[2] - last[2]) / (present[1] - last[1]) - last[2] / last[1]) ^ 2 * last[1] * (present[1] - last[1]) / present[1], 0)
              ELSE present[3] END
$$;
COMMENT ON FUNCTION perf_optimizer.window_squares(float8[], float8[]) IS
'The sum of squared distances from their own mean of the executions between two looks at counters (calls, milliseconds, sum of squares). Internal.';

CREATE FUNCTION perf_optimizer.record_statements(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  WITH tracked AS MATERIALIZED (
    SELECT * FROM perf_optimizer.exchange_counters('tracked', ARRAY(SELECT c FROM perf_optimizer.tracked_counters() c))),
  listed AS MATERIALIZED (
    SELECT * FROM perf_optimizer.exchange_counters('listed', ARRAY(SELECT c FROM perf_optimizer.listed_counters() c))),
  -- Tracking knows more, unless it forgot the statement or was off for much of the time.
  chosen AS (
    SELECT string_to_array(coalesce(t.key, l.key), ' ') AS key, c.by_tracking, l.grown AS blocks, t.latency_ms, t.counts,
           CASE WHEN c.by_tracking THEN t.numbers ELSE l.numbers END AS numbers,
           CASE WHEN c.by_tracking THEN t.last ELSE l.last END AS last,
           CASE WHEN c.by_tracking THEN t.grown ELSE l.grown END AS grown
      FROM tracked t
      FULL JOIN listed l ON l.key = t.key
     CROSS JOIN LATERAL (SELECT t.key IS NOT NULL AND CASE WHEN t.last IS NULL THEN l.last IS NULL ELSE 2 * t.grown[1] >= coalesce(l.grown[1], 0) END AS by_tracking) c)
  INSERT INTO perf_optimizer.snapshot_statement (snapshot_id, query_id, userid, toplevel, calls, total_ms, squares, row_count,
         hit_blocks, read_blocks, temp_bytes, wal_bytes, latency_ms, counts)
  SELECT snapshot, c.key[1]::bigint, c.key[2]::oid, c.key[3]::boolean, c.grown[1], c.grown[2], perf_optimizer.window_squares(c.numbers, c.last), c.grown[4],
         coalesce(c.blocks[5], 0), coalesce(c.blocks[6], 0), coalesce(c.blocks[7], 0), coalesce(c.blocks[8], 0), c.latency_ms, c.counts
    FROM chosen c WHERE c.grown[1] > 0;
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
  INSERT INTO perf_optimizer.snapshot_plan AS s (query_id, userid, toplevel, plan_id, first_seen, last_seen, plan)
    SELECT p.query_id, p.userid, p.toplevel, p.plan_id, p.first_seen, p.last_seen, p.plan FROM perf_optimizer.tracked_plans() p WHERE p.query_id IS NOT NULL
    ON CONFLICT (query_id, userid, toplevel, plan_id) DO UPDATE SET last_seen = greatest(s.last_seen, excluded.last_seen), plan = coalesce(s.plan, excluded.plan)
      WHERE s.last_seen < excluded.last_seen OR (s.plan IS NULL AND excluded.plan IS NOT NULL);
  WITH grown AS (
    SELECT string_to_array(g.key, ' ') AS key, g.grown
      FROM perf_optimizer.exchange_counters('plan', ARRAY(
             SELECT ROW(format('%s %s %s %s', p.query_id, p.userid, p.toplevel, p.plan_id), extract(epoch FROM p.first_seen)::text,
                        ARRAY[p.calls, p.total_time_ms], NULL, NULL)::perf_optimizer.counters
               FROM perf_optimizer.tracked_plans() p WHERE p.query_id IS NOT NULL)) g
     WHERE g.grown[1] > 0)
  INSERT INTO perf_optimizer.snapshot_plan_use (snapshot_id, query_id, userid, toplevel, plan_id, calls, total_ms)
    SELECT snapshot, g.key[1]::bigint, g.key[2]::oid, g.key[3]::boolean, g.key[4]::bigint, g.grown[1], g.grown[2] FROM grown g
     WHERE EXISTS (SELECT 1 FROM perf_optimizer.snapshot_plan p
                    WHERE p.query_id = g.key[1]::bigint AND p.userid = g.key[2]::oid AND p.toplevel = g.key[3]::boolean AND p.plan_id = g.key[4]::bigint);
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_plans(bigint) IS 'Adds to a snapshot which plan shapes ran since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_plans(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.locked_relations() RETURNS oid[]
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH locked AS MATERIALIZED (
    SELECT l.relation AS oid FROM pg_locks l WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid())
  SELECT ARRAY(SELECT l.oid FROM locked l
               UNION SELECT i.indrelid FROM pg_index i JOIN locked l ON l.oid = i.indexrelid
               UNION SELECT i.indexrelid FROM pg_index i JOIN locked l ON l.oid = i.indrelid)
$$;
COMMENT ON FUNCTION perf_optimizer.locked_relations() IS
'Relations whose measuring would wait for a lock that somebody holds or waits for, with the tables of such indexes and the indexes of such tables. Internal.';

CREATE FUNCTION perf_optimizer.last_known_bytes(relation oid) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT c.relpages::bigint * current_setting('block_size')::int FROM pg_class c WHERE c.oid = relation
$$;
COMMENT ON FUNCTION perf_optimizer.last_known_bytes(oid) IS 'The size of a relation as VACUUM or ANALYZE saw it last; takes no lock on it. Internal.';

CREATE FUNCTION perf_optimizer.record_tables(snapshot bigint, locked oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO perf_optimizer.snapshot_table (snapshot_id, relid, relation, seq_scan, seq_tup_read, idx_scan, inserted, updated, deleted, live_rows, dead_rows, total_bytes)
  SELECT snapshot, t.relid, format('%I.%I', t.schemaname, t.relname), g.grown[2], g.grown[3], g.grown[4], g.grown[5], g.grown[6], g.grown[7], t.n_live_tup, t.n_dead_tup,
         coalesce(CASE WHEN t.relid = ANY (locked) THEN perf_optimizer.last_known_bytes(t.relid) ELSE pg_total_relation_size(t.relid) END, 0)
    FROM perf_optimizer.exchange_counters('table', ARRAY(
           SELECT ROW(s.relid, NULL, ARRAY[s.seq_scan + coalesce(s.idx_scan, 0) + s.n_tup_ins + s.n_tup_upd + s.n_tup_del, s.seq_scan, s.seq_tup_read,
                                           coalesce(s.idx_scan, 0), s.n_tup_ins, s.n_tup_upd, s.n_tup_del]::float8[], NULL, NULL)::perf_optimizer.counters
             FROM pg_stat_user_tables s WHERE s.schemaname <> 'perf_optimizer')) g
    JOIN pg_stat_user_tables t ON t.relid = g.key::oid
   WHERE g.grown[1] > 0;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_tables(bigint, oid[]) IS 'Adds to a snapshot what happened to tables since the one before; does not touch those that are locked. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_tables(bigint, oid[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_indexes(snapshot bigint, locked oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO perf_optimizer.snapshot_index (snapshot_id, indexid, relid, index_name, scans, bytes)
  SELECT snapshot, i.indexrelid, i.relid, format('%I.%I', i.schemaname, i.indexrelname), g.grown[1],
         coalesce(CASE WHEN i.indexrelid = ANY (locked) THEN perf_optimizer.last_known_bytes(i.indexrelid) ELSE pg_relation_size(i.indexrelid) END, 0)
    FROM perf_optimizer.exchange_counters('index', ARRAY(
           SELECT ROW(s.indexrelid, NULL, ARRAY[s.idx_scan]::float8[], NULL, NULL)::perf_optimizer.counters
             FROM pg_stat_user_indexes s WHERE s.schemaname <> 'perf_optimizer')) g
    JOIN pg_stat_user_indexes i ON i.indexrelid = g.key::oid
   WHERE g.grown[1] > 0;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_indexes(bigint, oid[]) IS 'Adds to a snapshot the scans of indexes since the one before; does not touch those that are locked. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_indexes(bigint, oid[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_database(snapshot bigint) RETURNS void
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
           SELECT g.grown[1], g.grown[2], g.grown[3], g.grown[4], g.grown[5], g.grown[6]
             FROM perf_optimizer.exchange_counters('database', ARRAY(
                    SELECT ROW('', NULL, ARRAY[s.xact_commit, s.xact_rollback, s.blks_hit, s.blks_read, s.temp_bytes, s.deadlocks]::float8[], NULL, NULL)::perf_optimizer.counters
                      FROM pg_stat_database s WHERE s.datname = current_database())) g),
         (transaction_ids, wal_bytes) = (
           -- These count from the beginning of the server: what came before the first look says nothing.
           SELECT CASE WHEN g.last IS NOT NULL THEN g.grown[1] END, CASE WHEN g.last IS NOT NULL THEN g.grown[2] END
             FROM perf_optimizer.exchange_counters('server', ARRAY[
                    ROW('', NULL, ARRAY[pg_snapshot_xmax(pg_current_snapshot())::text, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text]::float8[], NULL, NULL)::perf_optimizer.counters]) g)
   WHERE n.snapshot_id = snapshot;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_database(bigint) IS 'Adds to a snapshot connections, counters and size of the database. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_database(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_settings(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- What this session or its role sets is no setting of the server.
  own_sources text[] := ARRAY['session', 'client', 'override', 'interactive', 'user', 'database user'];
BEGIN
  INSERT INTO perf_optimizer.snapshot_setting (snapshot_id, name, setting, previous)
    SELECT snapshot, s.name, s.reset_val, l.setting
      FROM pg_settings s JOIN perf_optimizer.snapshot_last l ON l.kind = 'setting' AND l.key = s.name
     WHERE s.source <> ALL (own_sources) AND s.reset_val IS DISTINCT FROM l.setting;
  INSERT INTO perf_optimizer.snapshot_last AS a (kind, key, setting)
    SELECT 'setting', g.name, g.reset_val FROM pg_settings g WHERE g.source <> ALL (own_sources)
    ON CONFLICT (kind, key) DO UPDATE SET setting = excluded.setting WHERE a.setting IS DISTINCT FROM excluded.setting;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_settings(bigint) IS 'Adds to a snapshot the settings of the server that changed since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_settings(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_waits(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_setting('perf_optimizer.track_max', true) IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO perf_optimizer.snapshot_wait (snapshot_id, query_id, userid, wait_class, seconds)
  SELECT snapshot, k.key[1]::bigint, k.key[2]::oid, k.key[3], g.grown[1]
    FROM perf_optimizer.exchange_counters('wait', ARRAY(
           SELECT ROW(format('%s/%s/%s', coalesce(w.query_id, 0), coalesce(w.userid, 0), w.wait_class), NULL, ARRAY[sum(w.seconds)], NULL, NULL)::perf_optimizer.counters
             FROM perf_optimizer.wait_profile() w GROUP BY w.query_id, w.userid, w.wait_class)) g
   CROSS JOIN LATERAL (SELECT string_to_array(g.key, '/') AS key) k
   WHERE g.grown[1] > 0;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_waits(bigint) IS 'Adds to a snapshot what sessions waited for since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_waits(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.watched_applications() RETURNS SETOF perf_optimizer.counters
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT w.application_name, extract(epoch FROM w.since)::text, ARRAY[w.calls], w.latency_ms, w.counts
    FROM perf_optimizer.watch_applications(ARRAY(SELECT DISTINCT t.application_name FROM perf_optimizer.latency_target t WHERE t.application_name IS NOT NULL)) w
$$;
COMMENT ON FUNCTION perf_optimizer.watched_applications() IS 'What was counted of the applications that targets are for, which are watched from now on. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.watched_applications() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_applications(snapshot bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO perf_optimizer.snapshot_application (snapshot_id, application_name, latency_ms, counts)
  SELECT snapshot, g.key, g.latency_ms, g.counts
    FROM perf_optimizer.exchange_counters('application', ARRAY(SELECT w FROM perf_optimizer.watched_applications() w)) g WHERE g.grown[1] > 0
$$;
COMMENT ON FUNCTION perf_optimizer.record_applications(bigint) IS 'Adds to a snapshot what the applications did that targets are for. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_applications(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_snapshot() RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  since timestamptz;
  locked oid[];
  id bigint;
BEGIN
  LOCK TABLE perf_optimizer.snapshot_last IN SHARE ROW EXCLUSIVE MODE;
  SELECT max(s.taken_at) INTO since FROM perf_optimizer.snapshot s;
  IF since IS NULL THEN
    SELECT coalesce(min(t.first_seen), perf_optimizer.listed_since()) INTO since FROM perf_optimizer.tracked_statements() t;
  END IF;
  INSERT INTO perf_optimizer.snapshot (from_at, taken_at) VALUES (coalesce(since, clock_timestamp()), clock_timestamp()) RETURNING snapshot_id INTO id;
  locked := perf_optimizer.locked_relations();
  PERFORM perf_optimizer.record_statements(id);
  PERFORM perf_optimizer.record_plans(id);
  PERFORM perf_optimizer.record_tables(id, locked);
  PERFORM perf_optimizer.record_indexes(id, locked);
  PERFORM perf_optimizer.record_database(id);
  PERFORM perf_optimizer.record_settings(id);
  PERFORM perf_optimizer.record_waits(id);
  PERFORM perf_optimizer.record_applications(id);
  PERFORM perf_optimizer.record_objectives(id);
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

/* ---- history of the workload: thinning it out ---- */

CREATE FUNCTION perf_optimizer.merge_statements(ids bigint[], keeper bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_statement s WHERE s.snapshot_id = ANY (ids) RETURNING *),
  histogram AS (
    SELECT b.query_id, b.userid, b.toplevel, array_agg(b.latency ORDER BY b.latency) AS latency_ms, array_agg(b.n ORDER BY b.latency) AS counts
      FROM (SELECT s.query_id, s.userid, s.toplevel, u.latency, sum(u.n)::bigint AS n
              FROM gone s CROSS JOIN LATERAL unnest(s.latency_ms, s.counts) u(latency, n) GROUP BY 1, 2, 3, 4) b
     GROUP BY 1, 2, 3)
  INSERT INTO perf_optimizer.snapshot_statement (snapshot_id, query_id, userid, toplevel, calls, total_ms, squares, row_count,
         hit_blocks, read_blocks, temp_bytes, wal_bytes, latency_ms, counts)
  SELECT keeper, s.query_id, s.userid, s.toplevel, sum(s.calls), sum(s.total_ms), perf_optimizer.sum_squares(sum(s.squares), sum(s.total_ms ^ 2 / s.calls), sum(s.total_ms), sum(s.calls)),
         sum(s.row_count), sum(s.hit_blocks), sum(s.read_blocks), sum(s.temp_bytes), sum(s.wal_bytes), min(h.latency_ms), min(h.counts)
    FROM gone s LEFT JOIN histogram h USING (query_id, userid, toplevel)
   GROUP BY 2, 3, 4;
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_plan_use s WHERE s.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_plan_use (snapshot_id, query_id, userid, toplevel, plan_id, calls, total_ms)
  SELECT keeper, s.query_id, s.userid, s.toplevel, s.plan_id, sum(s.calls), sum(s.total_ms) FROM gone s GROUP BY 2, 3, 4, 5;
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_wait s WHERE s.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_wait (snapshot_id, query_id, userid, wait_class, seconds)
  SELECT keeper, s.query_id, s.userid, s.wait_class, sum(s.seconds) FROM gone s GROUP BY 2, 3, 4;
$$;
COMMENT ON FUNCTION perf_optimizer.merge_statements(bigint[], bigint) IS 'Merges what snapshots know of statements, plan shapes and waits into one of them. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_statements(bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.merge_relations(ids bigint[], keeper bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_table s WHERE s.snapshot_id = ANY (ids) RETURNING *),
  newest AS (
    SELECT DISTINCT ON (s.relid) s.relid, s.relation, s.live_rows, s.dead_rows, s.total_bytes FROM gone s ORDER BY s.relid, s.snapshot_id DESC)
  INSERT INTO perf_optimizer.snapshot_table (snapshot_id, relid, relation, seq_scan, seq_tup_read, idx_scan, inserted, updated, deleted, live_rows, dead_rows, total_bytes)
  SELECT keeper, n.relid, n.relation, sum(s.seq_scan), sum(s.seq_tup_read), sum(s.idx_scan), sum(s.inserted), sum(s.updated), sum(s.deleted), n.live_rows, n.dead_rows, n.total_bytes
    FROM gone s JOIN newest n USING (relid) GROUP BY n.relid, n.relation, n.live_rows, n.dead_rows, n.total_bytes;
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_index s WHERE s.snapshot_id = ANY (ids) RETURNING *),
  newest AS (
    SELECT DISTINCT ON (s.indexid) s.indexid, s.relid, s.index_name, s.bytes FROM gone s ORDER BY s.indexid, s.snapshot_id DESC)
  INSERT INTO perf_optimizer.snapshot_index (snapshot_id, indexid, relid, index_name, scans, bytes)
  SELECT keeper, n.indexid, n.relid, n.index_name, sum(s.scans), n.bytes
    FROM gone s JOIN newest n USING (indexid) GROUP BY n.indexid, n.relid, n.index_name, n.bytes;
$$;
COMMENT ON FUNCTION perf_optimizer.merge_relations(bigint[], bigint) IS 'Merges what snapshots know of tables and indexes into one of them. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_relations(bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.merge_server(ids bigint[], keeper bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_setting s WHERE s.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_setting (snapshot_id, name, setting, previous)
  SELECT keeper, s.name, (array_agg(s.setting ORDER BY s.snapshot_id DESC))[1], (array_agg(s.previous ORDER BY s.snapshot_id))[1] FROM gone s GROUP BY 2;
  UPDATE perf_optimizer.snapshot k
     SET (from_at, merged, commits, rollbacks, blocks_hit, blocks_read, temp_bytes, deadlocks, transaction_ids, wal_bytes) = (
           SELECT min(s.from_at), sum(s.merged), sum(s.commits), sum(s.rollbacks), sum(s.blocks_hit), sum(s.blocks_read), sum(s.temp_bytes), sum(s.deadlocks),
                  sum(s.transaction_ids), sum(s.wal_bytes)
             FROM perf_optimizer.snapshot s WHERE s.snapshot_id = ANY (ids))
   WHERE k.snapshot_id = keeper;
$$;
COMMENT ON FUNCTION perf_optimizer.merge_server(bigint[], bigint) IS 'Merges what snapshots know of the server into one of them. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_server(bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.merge_hours(before timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  hour record;
BEGIN
  -- Whole hours only, so that each snapshot is merged once.
  FOR hour IN
    SELECT max(s.snapshot_id) AS keeper, array_agg(s.snapshot_id) AS ids
      FROM perf_optimizer.snapshot s WHERE s.taken_at < date_trunc('hour', before, 'UTC')
     GROUP BY date_trunc('hour', s.taken_at, 'UTC') HAVING count(*) > 1
  LOOP
    PERFORM perf_optimizer.merge_statements(hour.ids, hour.keeper);
    PERFORM perf_optimizer.merge_relations(hour.ids, hour.keeper);
    PERFORM perf_optimizer.merge_server(hour.ids, hour.keeper);
    PERFORM perf_optimizer.merge_objectives(hour.ids, hour.keeper);
    DELETE FROM perf_optimizer.snapshot WHERE snapshot_id = ANY (hour.ids) AND snapshot_id <> hour.keeper;
  END LOOP;
END
$$;
COMMENT ON FUNCTION perf_optimizer.merge_hours(timestamptz) IS 'Merges the snapshots of each hour that ended before a moment into one. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_hours(timestamptz) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.thin_history() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  oldest timestamptz := now() - current_setting('perf_optimizer.snapshot_retention')::interval;
BEGIN
  DELETE FROM perf_optimizer.snapshot WHERE taken_at < oldest;
  IF FOUND THEN
    DELETE FROM perf_optimizer.snapshot_plan p WHERE p.last_seen < oldest;
    DELETE FROM perf_optimizer.snapshot_text t WHERE NOT EXISTS (SELECT 1 FROM perf_optimizer.snapshot_statement s WHERE s.query_id = t.query_id AND s.userid = t.userid);
  END IF;
  PERFORM perf_optimizer.merge_hours(now() - current_setting('perf_optimizer.snapshot_detail')::interval);
END
$$;
COMMENT ON FUNCTION perf_optimizer.thin_history() IS
'Forgets snapshots older than perf_optimizer.snapshot_retention and merges those older than perf_optimizer.snapshot_detail into one an hour. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.thin_history() FROM PUBLIC;
