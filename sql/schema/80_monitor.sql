/* ---- monitoring: connections, sizes, tables, caches, replication ---- */

CREATE FUNCTION perf_optimizer.connection_stats(
  OUT max_connections int, OUT total int, OUT active int, OUT idle int, OUT idle_in_transaction int, OUT waiting int,
  OUT used_ratio float8, OUT reserved_connections int, OUT oldest_transaction_ms float8, OUT oldest_idle_in_transaction_ms float8,
  OUT mean_session_age_ms float8, OUT peak_active int, OUT suggested_pool_size int, OUT applications jsonb, OUT advice text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
WITH session AS (
  SELECT a.*, clock_timestamp() AS at FROM pg_stat_activity a WHERE a.backend_type = 'client backend'
), counted AS (
  SELECT count(*)::int AS total, count(*) FILTER (WHERE state = 'active')::int AS active, count(*) FILTER (WHERE state = 'idle')::int AS idle,
         count(*) FILTER (WHERE state LIKE 'idle in transaction%')::int AS idle_in_transaction,
         count(*) FILTER (WHERE wait_event_type = 'Lock')::int AS waiting,
         max(extract(epoch FROM at - xact_start) * 1000)::float8 AS oldest_transaction_ms,
         max(extract(epoch FROM at - state_change) * 1000) FILTER (WHERE state LIKE 'idle in transaction%')::float8 AS oldest_idle_ms,
         avg(extract(epoch FROM at - backend_start) * 1000)::float8 AS mean_age_ms
    FROM session
), peak AS (
  SELECT greatest((SELECT max(s.active) FROM perf_optimizer.snapshots s WHERE s.taken_at > now() - interval '7 days'), c.active) AS active FROM counted c
), limits AS (
  SELECT current_setting('max_connections')::int AS maximum,
         (SELECT sum(setting::int)::int FROM pg_settings WHERE name IN ('superuser_reserved_connections', 'reserved_connections')) AS reserved
), application AS (
  SELECT coalesce(nullif(application_name, ''), '(none)') AS name, count(*) AS total, count(*) FILTER (WHERE state = 'active') AS active,
         count(*) FILTER (WHERE state = 'idle') AS idle, count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction
    FROM session GROUP BY 1
)
SELECT l.maximum, c.total, c.active, c.idle, c.idle_in_transaction, c.waiting, c.total::float8 / greatest(l.maximum - l.reserved, 1), l.reserved,
       c.oldest_transaction_ms, c.oldest_idle_ms, c.mean_age_ms, p.active,
       greatest(ceil(p.active * 1.25), 2)::int,
       (SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY a.total DESC, a.name), '[]') FROM application a),
       CASE WHEN c.total >= 0.9 * (l.maximum - l.reserved) THEN format('%s of %s connections are in use: end idle sessions, use a pooler, or raise max_connections.', c.total, l.maximum - l.reserved)
            WHEN c.total >= 20 AND c.idle > 3 * p.active THEN format('%s of %s sessions are idle and at most %s were active at a time: a pooler such as PgBouncer in transaction mode would need a pool of about %s.',
                                                                    c.idle, c.total, p.active, greatest(ceil(p.active * 1.25), 2))
            WHEN c.total > 0 AND c.idle_in_transaction > greatest(c.active, 4) THEN format('%s sessions are idle inside a transaction: commit sooner, or set idle_in_transaction_session_timeout.', c.idle_in_transaction)
       END
  FROM counted c, peak p, limits l
$$;
COMMENT ON FUNCTION perf_optimizer.connection_stats() IS
'Client connections of the server in one row. waiting: for a lock. used_ratio (0 to 1): of those that are not reserved. Ages and times in milliseconds. peak_active: most active sessions at a time in the snapshots of the last 7 days and now; suggested_pool_size: that with a quarter more, for a pooler in transaction mode. applications: an array with name, total, active, idle, idle_in_transaction. advice: NULL when there is nothing to say. States of other roles'' sessions are known to members of pg_read_all_stats only.';

CREATE FUNCTION perf_optimizer.database_size(OUT component text, OUT size_bytes bigint)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 8
SET search_path = pg_catalog, pg_temp
AS $$
WITH relation AS (
  SELECT CASE WHEN n.nspname IN ('pg_catalog', 'information_schema') THEN 'system catalogs'
              WHEN c.relkind IN ('t') OR n.nspname = 'pg_toast' THEN 'toast'
              WHEN c.relkind = 'i' THEN 'indexes'
              WHEN c.relkind = 'm' THEN 'materialized views'
              WHEN c.relkind = 'S' THEN 'sequences' ELSE 'tables' END AS component,
         pg_relation_size(c.oid, 'main') AS main, pg_relation_size(c.oid, 'fsm') + pg_relation_size(c.oid, 'vm') + pg_relation_size(c.oid, 'init') AS maps
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'm', 'i', 't', 'S') AND NOT c.relisshared
), part AS (
  SELECT r.component, sum(r.main)::bigint AS bytes FROM relation r GROUP BY 1
  UNION ALL SELECT 'free space and visibility maps', sum(r.maps)::bigint FROM relation r
), whole AS (
  SELECT pg_database_size(current_database()) AS bytes
)
SELECT p.component, p.bytes FROM part p WHERE p.bytes > 0
UNION ALL SELECT 'other files', greatest(w.bytes - (SELECT sum(p.bytes) FROM part p), 0)::bigint FROM whole w
UNION ALL SELECT 'total', w.bytes FROM whole w
ORDER BY 2 DESC, 1
$$;
COMMENT ON FUNCTION perf_optimizer.database_size() IS
'What this database''s size in bytes consists of, largest first: total, tables, indexes, toast, materialized views, sequences, system catalogs, maps, other files. Needs CONNECT on the database or pg_read_all_stats.';

CREATE FUNCTION perf_optimizer.table_stats(relation regclass DEFAULT NULL,
  OUT relname regclass, OUT live_rows bigint, OUT dead_rows bigint, OUT dead_ratio float8, OUT total_bytes bigint, OUT table_bytes bigint,
  OUT index_bytes bigint, OUT toast_bytes bigint, OUT seq_scans bigint, OUT index_scans bigint, OUT index_scan_ratio float8, OUT inserts bigint,
  OUT updates bigint, OUT deletes bigint, OUT hot_update_ratio float8, OUT hit_ratio float8, OUT last_vacuum timestamptz, OUT last_analyze timestamptz,
  OUT vacuums bigint, OUT analyzes bigint, OUT modified_since_analyze bigint, OUT xid_age bigint)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
SELECT s.relid::regclass, s.n_live_tup, s.n_dead_tup, s.n_dead_tup::float8 / nullif(s.n_live_tup + s.n_dead_tup, 0),
       pg_total_relation_size(s.relid), pg_relation_size(s.relid), pg_indexes_size(s.relid),
       CASE WHEN c.reltoastrelid <> 0 THEN pg_total_relation_size(c.reltoastrelid) ELSE 0 END,
       s.seq_scan, s.idx_scan, s.idx_scan::float8 / nullif(s.seq_scan + s.idx_scan, 0), s.n_tup_ins, s.n_tup_upd, s.n_tup_del,
       s.n_tup_hot_upd::float8 / nullif(s.n_tup_upd, 0), io.heap_blks_hit::float8 / nullif(io.heap_blks_hit + io.heap_blks_read, 0),
       greatest(s.last_vacuum, s.last_autovacuum), greatest(s.last_analyze, s.last_autoanalyze), s.vacuum_count + s.autovacuum_count,
       s.analyze_count + s.autoanalyze_count, s.n_mod_since_analyze, age(c.relfrozenxid)::bigint
  FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid JOIN pg_statio_user_tables io ON io.relid = s.relid
 WHERE $1 IS NULL OR s.relid = $1 OR EXISTS (SELECT FROM pg_partition_tree($1) t WHERE t.relid = s.relid)
 ORDER BY 5 DESC, 1
$$;
COMMENT ON FUNCTION perf_optimizer.table_stats(regclass) IS
'Size and use of the tables and materialized views of this database, largest first, or of one with its partitions (relation). Counts are since the statistics were reset, rows are estimates, sizes bytes, ratios 0 to 1 (NULL where nothing was counted). last_vacuum and last_analyze: by hand or automatic. Error: 42P01 for an unknown relation.';

CREATE FUNCTION perf_optimizer.cache_stats(
  OUT relation regclass, OUT kind text, OUT hit_ratio float8, OUT hit_blocks bigint, OUT read_blocks bigint, OUT read_share_pct float8, OUT size_bytes bigint)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
WITH use AS (
  SELECT t.relid AS oid, 'table' AS kind, t.heap_blks_hit AS hit, t.heap_blks_read AS read FROM pg_statio_user_tables t
  UNION ALL
  SELECT i.indexrelid, 'index', i.idx_blks_hit, i.idx_blks_read FROM pg_statio_user_indexes i
  UNION ALL
  SELECT c.reltoastrelid, 'toast', t.toast_blks_hit + t.tidx_blks_hit, t.toast_blks_read + t.tidx_blks_read
    FROM pg_statio_user_tables t JOIN pg_class c ON c.oid = t.relid WHERE c.reltoastrelid <> 0
)
SELECT u.oid::regclass, u.kind, u.hit::float8 / nullif(u.hit + u.read, 0), u.hit, u.read,
       100.0 * u.read / nullif(sum(u.read) OVER (), 0), pg_relation_size(u.oid)
  FROM use u WHERE u.hit + u.read > 0 ORDER BY u.read DESC, u.hit DESC, 1
$$;
COMMENT ON FUNCTION perf_optimizer.cache_stats() IS
'How well shared buffers serve each table, index and TOAST table of this database since the statistics were reset, those with most reads first. hit_ratio (0 to 1): block accesses that found their block; read_share_pct: of all reads of this database''s relations. A read may still come from the operating system''s cache.';

CREATE FUNCTION perf_optimizer.replication_stats(
  OUT kind text, OUT name text, OUT state text, OUT sync_state text, OUT lag_bytes bigint, OUT write_lag_ms float8, OUT flush_lag_ms float8,
  OUT replay_lag_ms float8, OUT retained_bytes bigint, OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  here pg_lsn := CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END;
BEGIN
  RETURN QUERY SELECT 'standby', coalesce(nullif(r.application_name, ''), host(r.client_addr), r.pid::text), r.state, r.sync_state,
      greatest(here - r.replay_lsn, 0)::bigint, (extract(epoch FROM r.write_lag) * 1000)::float8, (extract(epoch FROM r.flush_lag) * 1000)::float8,
      (extract(epoch FROM r.replay_lag) * 1000)::float8, NULL::bigint,
      CASE WHEN r.state <> 'streaming' THEN 'not streaming yet' END
    FROM pg_stat_replication r ORDER BY 2;
  RETURN QUERY SELECT 'slot', s.slot_name::text, CASE WHEN s.active THEN 'active' ELSE 'inactive' END, s.wal_status,
      greatest(here - coalesce(s.confirmed_flush_lsn, s.restart_lsn), 0)::bigint, NULL::float8, NULL::float8, NULL::float8, (here - s.restart_lsn)::bigint,
      CASE WHEN s.wal_status = 'lost' THEN 'the WAL that it needs is gone: drop the slot and build its consumer anew'
           WHEN NOT s.active AND s.restart_lsn IS NOT NULL THEN 'nobody reads it and it keeps WAL: SELECT pg_drop_replication_slot(' || quote_literal(s.slot_name) || ') if it is not needed' END
    FROM pg_replication_slots s ORDER BY 2;
  IF pg_is_in_recovery() THEN
    RETURN QUERY SELECT 'upstream', coalesce((SELECT w.sender_host FROM pg_stat_wal_receiver w), 'archive'),
      coalesce((SELECT w.status FROM pg_stat_wal_receiver w), 'not connected'), NULL::text, (pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn())::bigint,
      NULL::float8, NULL::float8,
      CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 END,
      NULL::bigint, CASE WHEN pg_is_wal_replay_paused() THEN 'replay is paused: SELECT pg_wal_replay_resume()' END;
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.replication_stats() IS
'Standbys that stream from this server, replication slots, and on a standby its upstream; one row each. kind: standby, slot or upstream. lag_bytes: WAL that is not replayed (of a slot: not confirmed) there yet; lags in milliseconds as the standby last reported them; retained_bytes: WAL that a slot keeps. For a slot sync_state is its wal_status. Which statements could go to a standby: replica_candidates(). Members of pg_read_all_stats see everything.';
