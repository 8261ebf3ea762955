/* ---- bottlenecks: what holds up the load ---- */

CREATE FUNCTION perf_optimizer.processor_count() RETURNS int
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_processor_count';
COMMENT ON FUNCTION perf_optimizer.processor_count() IS 'The processors of the machine that are on line, whatever limit a container sets; NULL where the operating system does not say.';

CREATE FUNCTION perf_optimizer.load_facts() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  result jsonb;
BEGIN
  IF current_setting('perf_optimizer.track_max', true) IS NOT NULL THEN
    SELECT jsonb_build_object('source', 'the last 15 minutes', 'sessions', sum(h.n), 'running', max(h.n) FILTER (WHERE h.wait_class = 'cpu') / max(h.looks), 'classes', jsonb_object_agg(h.wait_class, h.n)) INTO result
      FROM (SELECT w.wait_class, sum(w.sessions)::float8 AS n, (SELECT count(DISTINCT a.at) FROM perf_optimizer.wait_history() a WHERE a.at > clock_timestamp() - interval '15 minutes') AS looks
              FROM perf_optimizer.wait_history() w WHERE w.at > clock_timestamp() - interval '15 minutes' AND w.wait_class <> 'idle in transaction' GROUP BY 1) h;
    IF (result->>'sessions')::float8 >= 20 THEN
      RETURN result;
    END IF;
  END IF;
  SELECT jsonb_build_object('source', 'the last day', 'sessions', sum(h.seconds), 'running', max(h.seconds) FILTER (WHERE h.wait_class = 'cpu') / nullif(max(h.length), 0), 'classes', jsonb_object_agg(h.wait_class, h.seconds)) INTO result
    FROM (SELECT l.wait_class, sum(l.seconds) AS seconds,
                 (SELECT sum(extract(epoch FROM s.taken_at - s.from_at)) FROM perf_optimizer.snapshots s WHERE s.taken_at > now() - interval '1 day')::float8 AS length
            FROM perf_optimizer.load_history l WHERE l.taken_at > now() - interval '1 day' AND l.wait_class <> 'idle in transaction' GROUP BY 1) h;
  IF (result->>'sessions')::float8 >= 20 THEN
    RETURN result;
  END IF;
  -- One look is little; the counters below still say something.
  RETURN '{"source": "nothing", "sessions": 0, "classes": {}}';
END
$$;
COMMENT ON FUNCTION perf_optimizer.load_facts() IS 'What sessions of this database did and waited for, from the sampler''s looks of the last 15 minutes or, where that is too little, from the snapshots of the last day: session seconds or looks by class, and how many were running on average while any was active. Internal.';

CREATE FUNCTION perf_optimizer.load_leaders() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_setting('perf_optimizer.track_max', true) IS NULL THEN
    RETURN '{}';
  END IF;
  RETURN (
    SELECT coalesce(jsonb_object_agg(l.wait_class, jsonb_build_object('query_id', l.query_id, 'share', l.seconds / l.whole)), '{}')
      FROM (SELECT DISTINCT ON (p.wait_class) p.wait_class, p.query_id, p.seconds, p.whole
              FROM (SELECT w.wait_class, w.query_id, sum(w.seconds) AS seconds, sum(sum(w.seconds)) OVER (PARTITION BY w.wait_class) AS whole FROM perf_optimizer.wait_profile() w GROUP BY 1, 2) p
             WHERE p.query_id IS NOT NULL AND p.whole > 0 ORDER BY p.wait_class, p.seconds DESC, p.query_id) l);
END
$$;
COMMENT ON FUNCTION perf_optimizer.load_leaders() IS 'The statement with most load in each class since the server started, as far as you may see it, and its share. Internal.';

CREATE FUNCTION perf_optimizer.recent_blocks(OUT hit float8, OUT read float8, OUT temp_bytes float8, OUT period text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH history AS (
    SELECT sum(s.blocks_hit) AS hit, sum(s.blocks_read) AS read, sum(s.temp_bytes) AS temp FROM perf_optimizer.snapshots s WHERE s.taken_at > now() - interval '1 hour')
  SELECT CASE WHEN w.recent THEN h.hit ELSE d.blks_hit END, CASE WHEN w.recent THEN h.read ELSE d.blks_read END, CASE WHEN w.recent THEN h.temp ELSE d.temp_bytes END,
         CASE WHEN w.recent THEN 'in the last hour' ELSE 'since the statistics were reset' END
    FROM pg_stat_database d CROSS JOIN history h CROSS JOIN LATERAL (SELECT coalesce(h.hit + h.read >= 10000, false) AS recent) w WHERE d.datname = current_database()
$$;
COMMENT ON FUNCTION perf_optimizer.recent_blocks() IS 'Block accesses of this database, and temporary bytes, in the snapshots of the last hour or, where there are none, since the statistics were reset. Internal.';

CREATE FUNCTION perf_optimizer.vacuum_facts() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH late AS MATERIALIZED (
    SELECT f.object, (f.evidence->>'dead_rows')::float8 AS dead, (f.evidence->>'live_rows')::float8 AS live FROM perf_optimizer.upkeep_findings() f WHERE f.rule = 'vacuum-late'),
  reads AS (
    SELECT sum(s.seq_tup_read + coalesce(s.idx_tup_fetch, 0))::float8 AS rows,
           -- Of what is read in these tables this part was dead.
           sum((s.seq_tup_read + coalesce(s.idx_tup_fetch, 0)) * l.dead / (l.dead + l.live))::float8 AS dead
      FROM pg_stat_user_tables s LEFT JOIN late l ON l.object = s.relid::regclass::text)
  SELECT jsonb_build_object(
    'late', (SELECT count(*) FROM late), 'worst', (SELECT l.object FROM late l ORDER BY l.dead DESC, l.object LIMIT 1), 'dead_rows', (SELECT sum(l.dead) FROM late l),
    'dead_read_share', (SELECT r.dead / nullif(r.rows + r.dead, 0) FROM reads r),
    'workers', (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'autovacuum worker'), 'max_workers', current_setting('autovacuum_max_workers')::int, 'enabled', current_setting('autovacuum'),
    'oldest', (SELECT jsonb_build_object('pid', a.pid, 'age', age(a.backend_xmin), 'seconds', extract(epoch FROM clock_timestamp() - a.xact_start)) FROM pg_stat_activity a
                WHERE a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend' ORDER BY age(a.backend_xmin) DESC LIMIT 1))
$$;
COMMENT ON FUNCTION perf_optimizer.vacuum_facts() IS 'How far autovacuum is behind: tables, the worst of them, dead rows, their share of the rows that are read; its workers; and the session whose snapshot is the oldest. Internal.';

CREATE FUNCTION perf_optimizer.bottleneck_facts() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'load', perf_optimizer.load_facts(), 'leaders', perf_optimizer.load_leaders(), 'processors', perf_optimizer.processor_count(),
    'blocks', (SELECT to_jsonb(b) FROM perf_optimizer.recent_blocks() b),
    'connections', (SELECT to_jsonb(c) - 'applications' FROM perf_optimizer.connection_stats() c),
    'sessions', perf_optimizer.session_facts(),
    'replication', (SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') FROM perf_optimizer.replication_stats() r),
    'checkpoints', (SELECT to_jsonb(c) FROM perf_optimizer.checkpoint_facts() c),
    'wal', (SELECT jsonb_build_object('bytes', w.wal_bytes, 'fpi_bytes', w.wal_fpi * current_setting('block_size')::int, 'buffers_full', w.wal_buffers_full) FROM pg_stat_wal w),
    'vacuum', perf_optimizer.vacuum_facts(),
    'max_wal_size_mb', (SELECT s.setting::int FROM pg_settings s WHERE s.name = 'max_wal_size'),
    'shared_buffers_bytes', (SELECT s.setting::float8 * current_setting('block_size')::int FROM pg_settings s WHERE s.name = 'shared_buffers'),
    'memory_bytes', perf_optimizer.memory_bytes())
$$;
COMMENT ON FUNCTION perf_optimizer.bottleneck_facts() IS 'What wait_bottlenecks and resource_bottlenecks judge: load by class, block accesses, connections, sessions, replication, checkpoints, WAL, autovacuum. Internal.';

CREATE FUNCTION perf_optimizer.leader_text(facts jsonb, wait_class text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN l.one IS NOT NULL THEN format(' Most of it, %s %%, since the server started is statement %s.', round(100 * (l.one->>'share')::numeric), l.one->>'query_id') ELSE '' END
    FROM (SELECT facts->'leaders'->wait_class AS one) l
$$;
COMMENT ON FUNCTION perf_optimizer.leader_text(jsonb, text) IS 'Which statement has most load of a class, as a sentence. Internal.';

CREATE FUNCTION perf_optimizer.wait_bottlenecks(facts jsonb, OUT component text, OUT impact_pct float8, OUT message text, OUT recommendation text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
  WITH share AS (
    SELECT e.key AS class, 100 * e.value::float8 / (facts#>>'{load,sessions}')::float8 AS pct
      FROM jsonb_each_text(facts#>'{load,classes}') e WHERE (facts#>>'{load,sessions}')::float8 >= 20),
  rule(component, class, least, fact, recommendation) AS (VALUES
    ('io', 'io', 10, 'of the load of %s waited for files to be read or written.%s', 'Find what reads most with slow_queries(order_by => ''reads'') and give it an index; more shared_buffers, faster disks.'),
    ('wal', 'wal', 10, 'of the load of %s waited for WAL to be written.%s', 'Commit more rows at a time; set synchronous_commit = off where the last moments may be lost, or commit_delay where many sessions commit; put WAL on a faster disk.'),
    ('locks', 'lock', 5, 'of the load of %s waited for locks that other sessions held.%s', 'Keep transactions short, change rows in one order, and set lock_timeout; database_findings() names who blocks whom.'),
    ('internal locks', 'lwlock', 10, 'of the load of %s waited for locks inside the server, as many sessions on the same pages or tables do.%s', 'Let fewer sessions work at a time, with a pooler; use fewer partitions and indexes in each statement.'),
    ('replication', 'replication', 5, 'of the load of %s waited at commit for a standby to confirm.%s', 'Look at the lag of the synchronous standby in replication_stats(); set synchronous_commit = local or remote_write where it may be.'),
    ('clients', 'client', 30, 'of the load of %s waited for clients to take rows or to send more.%s', 'Fetch fewer rows at a time, and run the application nearer to the server.'))
  SELECT r.component, s.pct, round(s.pct::numeric) || ' % ' || format(r.fact, facts#>>'{load,source}', perf_optimizer.leader_text(facts, r.class)), r.recommendation
    FROM rule r JOIN share s ON s.class = r.class AND s.pct >= r.least
  UNION ALL
  SELECT 'cpu', s.pct, format('%s sessions were running at a time on %s processors, which was %s %% of the load of %s.%s', round((facts#>>'{load,running}')::numeric, 1), facts->>'processors', round(s.pct::numeric),
                              facts#>>'{load,source}', perf_optimizer.leader_text(facts, 'cpu')),
         'Make the statements cheaper that take most time, see slow_queries() and suggest_indexes(); let fewer sessions work at a time; more processors.'
    FROM share s WHERE s.class = 'cpu' AND (facts#>>'{load,running}')::float8 >= 0.7 * (facts->>'processors')::float8
$$;
COMMENT ON FUNCTION perf_optimizer.wait_bottlenecks(jsonb) IS 'Bottlenecks that the load by class in the facts of bottleneck_facts shows: cpu, io, wal, locks, internal locks, replication, clients. Nothing for fewer than 20 session seconds or looks. Internal.';

CREATE FUNCTION perf_optimizer.resource_bottlenecks(facts jsonb, OUT component text, OUT impact_pct float8, OUT message text, OUT recommendation text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
  WITH load AS (
    SELECT (facts#>>'{load,sessions}')::float8 AS sessions, coalesce((facts#>>'{load,classes,io}')::float8, 0) AS io, coalesce((facts#>>'{load,classes,wal}')::float8, 0) AS wal),
  part AS (
    SELECT CASE WHEN l.sessions >= 20 THEN 100 * l.io / l.sessions END AS io, CASE WHEN l.sessions >= 20 THEN 100 * (l.io + l.wal) / l.sessions ELSE 0 END AS writes FROM load l),
  b AS (
    SELECT x.*, x.read / nullif(x.hit + x.read, 0) AS miss FROM jsonb_to_record(facts->'blocks') AS x(hit float8, read float8, period text)),
  c AS (
    SELECT * FROM jsonb_to_record(facts->'connections') AS x(total int, idle int, max_connections int, reserved_connections int, used_ratio float8, suggested_pool_size int)),
  k AS (
    SELECT * FROM jsonb_to_record(facts->'checkpoints') AS x(timed float8, requested float8)),
  w AS (
    SELECT x.*, least(x.fpi_bytes / nullif(x.bytes, 0), 1) AS images FROM jsonb_to_record(facts->'wal') AS x(bytes float8, fpi_bytes float8, buffers_full float8)),
  v AS (
    SELECT * FROM jsonb_to_record(facts->'vacuum') AS x(late int, worst text, dead_rows float8, dead_read_share float8, workers int, max_workers int, enabled text, oldest jsonb)),
  r AS (
    SELECT * FROM jsonb_to_recordset(facts->'replication') AS x(kind text, name text, state text, lag_bytes float8, replay_lag_ms float8, retained_bytes float8))
  SELECT 'cache', coalesce(p.io, 100 * b.miss), format('%s %% of %s block accesses %s did not find their block in shared buffers (%s).', round((100 * b.miss)::numeric, 1), b.hit + b.read, b.period, pg_size_pretty((facts->>'shared_buffers_bytes')::bigint)),
         CASE WHEN (facts->>'shared_buffers_bytes')::float8 < 0.2 * (facts->>'memory_bytes')::float8 THEN format('Raise shared_buffers, to a quarter of the machine''s memory (%s); cache_stats() shows which relations are read.', pg_size_pretty((facts->>'memory_bytes')::bigint / 4))
              ELSE 'Read less: cache_stats() shows which relations are read, and slow_queries(order_by => ''reads'') by what.' END
    FROM b CROSS JOIN part p WHERE b.hit + b.read >= 10000 AND b.miss > 0.1
  UNION ALL
  SELECT 'connections', 100 * c.used_ratio, format('%s of %s connections are in use, %s of them idle; when all are, others are refused.', c.total, c.max_connections - c.reserved_connections, c.idle),
         format('Use a pooler in transaction mode with a pool of about %s, or end idle sessions.', c.suggested_pool_size)
    FROM c WHERE c.used_ratio >= 0.8
  UNION ALL
  SELECT 'checkpoints', p.writes * coalesce(w.images, 0), format('%s of %s checkpoints were requested, by WAL that reached max_wal_size or by commands, before their time; %s %% of the WAL are images of whole pages, which each checkpoint causes anew.', k.requested, k.requested + k.timed, round((100 * coalesce(w.images, 0))::numeric)),
         format('ALTER SYSTEM SET max_wal_size = ''%s MB''; and a longer checkpoint_timeout.', 2 * (facts->>'max_wal_size_mb')::int)
    FROM k CROSS JOIN w CROSS JOIN part p WHERE k.requested >= 5 AND k.requested >= 0.3 * (k.requested + k.timed)
  UNION ALL
  SELECT 'autovacuum', 100 * coalesce(v.dead_read_share, 0), format('%s more than twice the dead rows at which autovacuum starts, %s in all, %s first; %s of %s workers are busy.', CASE v.late WHEN 1 THEN '1 table has' ELSE v.late || ' tables have' END, v.dead_rows, v.worst, v.workers, v.max_workers),
         CASE WHEN v.enabled = 'off' THEN 'ALTER SYSTEM SET autovacuum = on;'
              WHEN (v.oldest->>'seconds')::float8 > 600 THEN format('End session %s: its snapshot of %s minutes ago keeps dead rows from being removed.', v.oldest->>'pid', floor((v.oldest->>'seconds')::float8 / 60))
              WHEN v.workers >= v.max_workers THEN 'More autovacuum_max_workers, and a higher autovacuum_vacuum_cost_limit.'
              ELSE format('VACUUM (ANALYZE) %s, and a lower autovacuum_vacuum_cost_delay or autovacuum_vacuum_scale_factor.', v.worst) END
    FROM v WHERE v.late > 0
  UNION ALL
  SELECT 'replication', 0, format('%s %s is %s and %s s behind: what is read there is that old.', initcap(r.kind), r.name, pg_size_pretty(r.lag_bytes::bigint), coalesce(round((r.replay_lag_ms / 1000)::numeric, 1)::text, '?')),
         'Look for long queries on the standby that hold up replay, a slow network, or bulk changes here.'
    FROM r WHERE r.kind IN ('standby', 'upstream') AND (r.replay_lag_ms >= 30000 OR r.lag_bytes >= 1024 ^ 3)
$$;
COMMENT ON FUNCTION perf_optimizer.resource_bottlenecks(jsonb) IS 'Bottlenecks that counters in the facts of bottleneck_facts show: cache, connections, checkpoints, autovacuum, replication. Internal.';

CREATE FUNCTION perf_optimizer.bottlenecks(OUT component text, OUT severity text, OUT impact_pct float8, OUT message text, OUT recommendation text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH f AS MATERIALIZED (SELECT perf_optimizer.bottleneck_facts() AS facts),
  found AS (
    SELECT w.* FROM f, perf_optimizer.wait_bottlenecks(f.facts) w UNION ALL SELECT r.* FROM f, perf_optimizer.resource_bottlenecks(f.facts) r)
  SELECT b.component, CASE WHEN b.impact_pct >= 50 THEN 'high' WHEN b.impact_pct >= 20 THEN 'medium' ELSE 'low' END, b.impact_pct, b.message, b.recommendation
    FROM found b ORDER BY b.impact_pct DESC, b.component
$$;
COMMENT ON FUNCTION perf_optimizer.bottlenecks() IS
'What holds up the load of this database, the largest first: component is cpu, io, wal, locks, internal locks, replication, clients, cache, connections, checkpoints or autovacuum. impact_pct: the part of the load (sessions at work or waiting, as the sampler saw them in the last 15 minutes, or the history in the last day) that it is; of the cache the part that waits for files or, without samples, of accesses that miss; of checkpoints the part that waits for writes which page images cause; of autovacuum the part of rows read that are dead; of connections the part in use; 0 for a standby that lags. severity: high from 50, medium from 20, else low. No rows when nothing does. Waits need perf_optimizer preloaded. Members of pg_monitor see everything.';
