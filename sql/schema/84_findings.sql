/* ---- database findings: what is wrong with this database and its server ---- */

CREATE TYPE perf_optimizer.database_finding AS (rule text, severity text, object text, message text, evidence jsonb, suggested_sql text);
COMMENT ON TYPE perf_optimizer.database_finding IS
'A row of database_findings: the rule, the severity (high, medium, low or info), what it concerns, what was found in one sentence, the figures with the threshold that they passed, and the statement that helps (NULL where none does).';

CREATE FUNCTION perf_optimizer.table_expected_bytes(relation regclass) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_table_expected_bytes';
COMMENT ON FUNCTION perf_optimizer.table_expected_bytes(regclass) IS
'The size in bytes that the main part of a table or materialized view would have if it were written anew with the rows that the catalog knows, estimated from the widths and nulls of its columns. NULL when it was never analyzed, is no table, is gone, or you may neither read all of its columns and rows nor all statistics (pg_read_all_stats). Error: 22004 for a NULL.';

CREATE FUNCTION perf_optimizer.sequence_position(sequence regclass) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_sequence_position';
COMMENT ON FUNCTION perf_optimizer.sequence_position(regclass) IS
'The last value that a sequence gave. NULL when it gave none, is no sequence, or you have neither SELECT on it nor pg_read_all_stats. Error: 22004 for a NULL.';

CREATE FUNCTION perf_optimizer.memory_bytes() RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_memory_bytes';
COMMENT ON FUNCTION perf_optimizer.memory_bytes() IS 'The memory that the server has in bytes: the machine''s, or what control groups (version 1 or 2), by which containers and services are limited, leave of it. NULL where the operating system does not say.';

/* ---- tables ---- */

CREATE FUNCTION perf_optimizer.upkeep_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 50
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH setting AS MATERIALIZED (
    SELECT current_setting('autovacuum_vacuum_threshold')::float8 AS vacuum_rows, current_setting('autovacuum_vacuum_scale_factor')::float8 AS vacuum_share,
           -- From version 18 on.
           current_setting('autovacuum_vacuum_max_threshold', true)::float8 AS vacuum_most,
           current_setting('autovacuum_analyze_threshold')::float8 AS analyze_rows, current_setting('autovacuum_analyze_scale_factor')::float8 AS analyze_share),
  -- Most tables are small and quiet: what else there is to know of the others is looked up after.
  busy AS MATERIALIZED (
    SELECT * FROM (SELECT c.oid, c.reltuples, c.reloptions, pg_stat_get_live_tuples(c.oid) AS live, pg_stat_get_dead_tuples(c.oid) AS dead, pg_stat_get_mod_since_analyze(c.oid) AS modified
                     FROM perf_optimizer.indexed_relations(NULL) r(oid) JOIN pg_class c ON c.oid = r.oid WHERE c.relkind IN ('r', 'm') OFFSET 0) t
     WHERE t.dead >= 1000 OR t.modified >= 1000 OR t.reltuples < 0 AND t.live >= 1000),
  tab AS MATERIALIZED (
    SELECT c.oid, c.reltuples, c.live, c.dead, c.modified,
           greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) AS vacuumed,
           greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AS analyzed,
           coalesce((o.own->>'autovacuum_enabled')::boolean, true) AS enabled,
           least(coalesce((o.own->>'autovacuum_vacuum_threshold')::float8, g.vacuum_rows) + coalesce((o.own->>'autovacuum_vacuum_scale_factor')::float8, g.vacuum_share) * greatest(c.reltuples, 0),
                 nullif(coalesce((o.own->>'autovacuum_vacuum_max_threshold')::float8, g.vacuum_most), -1)) AS vacuum_at,
           coalesce((o.own->>'autovacuum_analyze_threshold')::float8, g.analyze_rows) + coalesce((o.own->>'autovacuum_analyze_scale_factor')::float8, g.analyze_share) * greatest(c.reltuples, 0) AS analyze_at
      FROM busy c CROSS JOIN setting g
      LEFT JOIN LATERAL (SELECT jsonb_object_agg(t.option_name, t.option_value) AS own FROM pg_options_to_table(c.reloptions) t WHERE c.reloptions IS NOT NULL) o ON true)
  SELECT 'vacuum-late', CASE WHEN t.dead >= t.live THEN 'medium' ELSE 'low' END, t.oid::regclass::text,
         format('%s dead rows beside %s live ones, %s times what autovacuum starts at; %s.', t.dead, t.live, round((t.dead / t.vacuum_at)::numeric, 1),
                CASE WHEN NOT t.enabled THEN 'autovacuum is off for this table'
                     WHEN t.vacuumed > clock_timestamp() - interval '10 minutes' THEN 'a vacuum just now did not remove them: an old transaction, a slot or a prepared transaction keeps them'
                     WHEN t.vacuumed IS NULL THEN 'it was not vacuumed since the statistics began' ELSE format('the last vacuum was %s', to_char(t.vacuumed, 'YYYY-MM-DD HH24:MI')) END),
         jsonb_build_object('dead_rows', t.dead, 'live_rows', t.live, 'last_vacuum', t.vacuumed, 'autovacuum_enabled', t.enabled, 'threshold', 2 * t.vacuum_at),
         CASE WHEN t.enabled THEN format('VACUUM (ANALYZE) %s', t.oid::regclass) ELSE format('ALTER TABLE %s RESET (autovacuum_enabled)', t.oid::regclass) END
    FROM tab t
   WHERE t.dead >= 1000 AND t.dead >= 2 * t.vacuum_at AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.relid = t.oid)
  UNION ALL
  SELECT 'analyze-late', 'low', t.oid::regclass::text,
         format('%s rows changed since its statistics were taken %s, %s times what autovacuum analyzes at.', t.modified, to_char(t.analyzed, 'YYYY-MM-DD HH24:MI'), round((t.modified / t.analyze_at)::numeric, 1)),
         jsonb_build_object('modified_rows', t.modified, 'live_rows', t.live, 'last_analyze', t.analyzed, 'threshold', 2 * t.analyze_at), format('ANALYZE %s', t.oid::regclass)
    FROM tab t WHERE t.analyzed IS NOT NULL AND t.modified >= 1000 AND t.modified >= 2 * t.analyze_at
  UNION ALL
  SELECT 'never-analyzed', CASE WHEN t.live >= 100000 THEN 'medium' ELSE 'low' END, t.oid::regclass::text,
         format('%s was never analyzed: the planner guesses at its %s rows.', t.oid::regclass, t.live),
         jsonb_build_object('live_rows', t.live, 'threshold', 1000), format('ANALYZE %s', t.oid::regclass)
    FROM tab t WHERE t.analyzed IS NULL AND t.reltuples < 0 AND t.live >= 1000
  UNION ALL
  SELECT 'never-analyzed', 'low', c.oid::regclass::text,
         format('%s was never analyzed as a whole, which autovacuum does for partitions only: the planner guesses at its columns'' values.', c.oid::regclass),
         jsonb_build_object('live_rows', p.live, 'threshold', 1000), format('ANALYZE %s', c.oid::regclass)
    FROM perf_optimizer.indexed_relations(NULL) r(oid) JOIN pg_class c ON c.oid = r.oid
   CROSS JOIN LATERAL (SELECT sum(pg_stat_get_live_tuples(l.relid)) AS live FROM pg_partition_tree(c.oid) l WHERE l.isleaf) p
   WHERE c.relkind = 'p' AND c.reltuples < 0 AND p.live >= 1000
$$;
COMMENT ON FUNCTION perf_optimizer.upkeep_findings() IS 'Tables that autovacuum does not keep up with: vacuum-late, analyze-late (both from twice its own threshold), never-analyzed. Internal.';

CREATE FUNCTION perf_optimizer.table_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 50
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH tab AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relispartition, c.relreplident, c.relpages, current_setting('block_size')::bigint * c.relpages AS bytes,
           greatest(age(c.relfrozenxid), age(s.relfrozenxid)) AS xid_age,
           least(current_setting('autovacuum_freeze_max_age')::int, CASE WHEN c.reloptions IS NOT NULL THEN (SELECT o.option_value::int FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'autovacuum_freeze_max_age') END) AS freeze_at
      FROM perf_optimizer.indexed_relations(NULL) r(oid) JOIN pg_class c ON c.oid = r.oid LEFT JOIN pg_class s ON s.oid = c.reltoastrelid),
  bloat AS (
    SELECT t.oid, t.bytes, perf_optimizer.table_expected_bytes(t.oid) AS expected FROM tab t WHERE t.relkind IN ('r', 'm') AND t.bytes >= 10 * 1024 ^ 2),
  published AS (
    SELECT p.prrelid AS oid FROM pg_publication_rel p JOIN pg_publication b ON b.oid = p.prpubid WHERE b.pubupdate OR b.pubdelete),
  keyless AS (
    SELECT t.oid, t.relreplident = 'd' AND (t.oid IN (SELECT p.oid FROM published p) OR EXISTS (SELECT FROM pg_publication b WHERE b.puballtables AND (b.pubupdate OR b.pubdelete))) AS stuck,
           (SELECT i.indexrelid FROM pg_index i
             WHERE i.indrelid = t.oid AND t.relkind = 'r' AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
               AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
               AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[], i.indoption::int2[]) u(attnum, option) JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum
                                WHERE u.option IS NOT NULL AND (u.option <> 0 OR NOT a.attnotnull))
             ORDER BY i.indnkeyatts, i.indexrelid LIMIT 1) AS candidate
      FROM tab t
     WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisprimary)),
  old AS (
    SELECT t.oid, t.xid_age, least(0.75 * t.freeze_at, 1e9) AS limit_age FROM tab t WHERE t.relkind IN ('r', 'm') AND t.xid_age >= least(0.75 * t.freeze_at, 1e9) ORDER BY t.xid_age DESC, t.oid LIMIT 20)
  SELECT 'bloated-table', CASE WHEN b.bytes - b.expected >= 1024 ^ 3 THEN 'high' ELSE 'medium' END, b.oid::regclass::text,
         format('%s takes %s and would take about %s if written anew: %s %% of it is empty. The statement locks it meanwhile; pg_repack does not.', b.oid::regclass, pg_size_pretty(b.bytes), pg_size_pretty(b.expected),
                round(100 * (1 - b.expected / b.bytes::numeric))),
         jsonb_build_object('table_bytes', b.bytes, 'expected_bytes', b.expected, 'empty_ratio', round(1 - b.expected / b.bytes::numeric, 3), 'threshold', 0.5), format('VACUUM (FULL, ANALYZE) %s', b.oid::regclass)
    FROM bloat b WHERE b.expected <= 0.5 * b.bytes
  UNION ALL
  SELECT 'no-primary-key', CASE WHEN k.stuck THEN 'high' WHEN k.candidate IS NOT NULL THEN 'info' ELSE 'low' END, k.oid::regclass::text,
         format('%s has no primary key%s.', k.oid::regclass, CASE WHEN k.stuck THEN ' and is published: UPDATE and DELETE on it fail' WHEN k.candidate IS NOT NULL THEN format(', but %s could be it', k.candidate::regclass)
                                                                  ELSE ': rows cannot be told apart, and logical replication cannot update them' END),
         jsonb_build_object('published', k.stuck, 'unique_index', k.candidate::regclass::text, 'threshold', 'a primary key'),
         CASE WHEN k.candidate IS NOT NULL THEN format('ALTER TABLE %s ADD PRIMARY KEY USING INDEX %I', k.oid::regclass, (SELECT c.relname FROM pg_class c WHERE c.oid = k.candidate))
              WHEN k.stuck THEN format('ALTER TABLE %s REPLICA IDENTITY FULL', k.oid::regclass) END
    FROM keyless k
  UNION ALL
  SELECT 'wraparound', CASE WHEN o.xid_age >= 1e9 THEN 'high' ELSE 'medium' END, o.oid::regclass::text,
         format('The oldest row version of %s may be %s transactions old; the server stops at 2 000 000 000.', o.oid::regclass, o.xid_age),
         jsonb_build_object('xid_age', o.xid_age, 'threshold', o.limit_age), format('VACUUM (FREEZE) %s', o.oid::regclass)
    FROM old o
$$;
COMMENT ON FUNCTION perf_optimizer.table_findings() IS 'Findings about single tables: bloated-table, no-primary-key, wraparound (the 20 oldest). Internal.';

CREATE FUNCTION perf_optimizer.sequence_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH seq AS (
    SELECT s.seqrelid, s.seqtypid, s.seqincrement, s.seqcycle, s.seqmin, s.seqmax, d.refobjid AS relid, a.attname, a.attidentity <> '' AS identity,
           CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END AS column_max
      FROM pg_sequence s
      LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
      LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE s.seqrelid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = s.seqrelid AND e.deptype = 'e')),
  used AS (
    SELECT s.*, p.last, least(s.seqmax, s.column_max) AS top, least(s.seqmax, s.column_max) < s.seqmax OR s.column_max < 9223372036854775807 AS by_column,
           CASE WHEN s.seqincrement > 0 THEN (p.last::numeric - s.seqmin) / nullif(least(s.seqmax, s.column_max)::numeric - s.seqmin, 0)
                ELSE (s.seqmax - p.last::numeric) / nullif(s.seqmax::numeric - s.seqmin, 0) END AS ratio
      FROM seq s CROSS JOIN LATERAL (SELECT perf_optimizer.sequence_position(s.seqrelid) AS last) p
     WHERE NOT (s.seqcycle AND s.seqmax <= s.column_max)),
  rate AS (
    SELECT h.relid, sum(h.inserted) / greatest(extract(epoch FROM max(h.taken_at) - min(h.from_at)) / 86400, 1.0 / 24) AS rows_per_day
      FROM perf_optimizer.table_history h WHERE h.taken_at > now() - interval '30 days' AND h.relid IN (SELECT u.relid FROM used u WHERE u.ratio >= 0.75) GROUP BY 1),
  late AS (
    SELECT u.*, CASE WHEN r.rows_per_day > 0 AND u.seqincrement > 0 THEN (u.top - u.last) / u.seqincrement / r.rows_per_day END AS days
      FROM used u LEFT JOIN rate r ON r.relid = u.relid WHERE u.ratio >= 0.75)
  SELECT 'sequence-exhaustion', CASE WHEN l.ratio >= 0.9 OR l.days < 30 THEN 'high' ELSE 'medium' END, l.seqrelid::regclass::text,
         format('%s is at %s, %s %% of the way to %s%s.', l.seqrelid::regclass, l.last, floor(100 * l.ratio), CASE WHEN l.seqincrement > 0 THEN l.top ELSE l.seqmin END,
                CASE WHEN l.days < 36500 THEN format('; at the rate of the last 30 days it ends on %s', to_char(now() + l.days * interval '1 day', 'YYYY-MM-DD')) ELSE '' END),
         jsonb_build_object('last_value', l.last, 'limit', CASE WHEN l.seqincrement > 0 THEN l.top ELSE l.seqmin END, 'used_ratio', round(l.ratio, 4), 'column', l.relid::regclass::text || '.' || l.attname,
                            'ends_at', CASE WHEN l.days < 36500 THEN now() + l.days * interval '1 day' END, 'threshold', 0.75),
         CASE WHEN l.by_column THEN format('ALTER TABLE %s ALTER COLUMN %I TYPE bigint', l.relid::regclass, l.attname)
                                    || CASE WHEN l.identity OR l.seqtypid = 'int8'::regtype THEN '' ELSE format('; ALTER SEQUENCE %s AS bigint', l.seqrelid::regclass) END
              WHEN l.seqtypid <> 'int8'::regtype THEN format('ALTER SEQUENCE %s AS bigint', l.seqrelid::regclass)
              WHEN l.seqincrement > 0 AND l.seqmax < 9223372036854775807 THEN format('ALTER SEQUENCE %s NO MAXVALUE', l.seqrelid::regclass) END
    FROM late l
$$;
COMMENT ON FUNCTION perf_optimizer.sequence_findings() IS 'Sequences that passed three quarters of what they, or the type of their column, can count to, with the date at the rate that the history knows. Internal.';

CREATE FUNCTION perf_optimizer.matview_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  WITH view AS MATERIALIZED (
    SELECT m.*, c.oid, c.relispopulated FROM perf_optimizer.matview_status m JOIN pg_class c ON c.oid = m.matview),
  job AS (
    SELECT j.name, j.target::regclass AS matview, j.job_id, j.enabled, j.next_run, j.last_status, j.consecutive_failures FROM perf_optimizer.jobs j WHERE j.kind = 'refresh' AND to_regclass(j.target) IS NOT NULL),
  judged AS (
    SELECT v.matview::text AS matview, v.last_refresh, j.job_id, j.name, j.next_run,
           CASE WHEN j.job_id IS NULL THEN CASE WHEN v.last_refresh < now() - interval '1 day' THEN 'no job refreshes it' END
                WHEN NOT j.enabled THEN 'its job is paused' WHEN j.consecutive_failures > 0 THEN format('the last %s runs of its job failed', j.consecutive_failures)
                WHEN j.next_run < now() - interval '5 minutes' THEN 'its job is late' END AS reason
      FROM view v LEFT JOIN LATERAL (SELECT * FROM job j WHERE j.matview = v.matview ORDER BY j.enabled DESC, j.consecutive_failures, j.job_id LIMIT 1) j ON true
     WHERE v.stale AND v.last_refresh IS NOT NULL)
  SELECT 'stale-matview', CASE WHEN s.job_id IS NULL THEN 'low' ELSE 'medium' END, s.matview,
         format('The tables of %s changed since its last refresh %s, and %s.', s.matview, to_char(s.last_refresh, 'YYYY-MM-DD HH24:MI'), s.reason),
         jsonb_build_object('last_refresh', s.last_refresh, 'job_id', s.job_id, 'next_run', s.next_run, 'threshold', CASE WHEN s.job_id IS NULL THEN '1 day' ELSE 'its schedule' END),
         format('SELECT * FROM perf_optimizer.refresh(%L)', s.matview)
    FROM judged s WHERE s.reason IS NOT NULL
  UNION ALL
  SELECT 'unrefreshable-matview', CASE WHEN v.relispopulated THEN 'low' ELSE 'medium' END, v.matview::text, format('%s: %s.', v.matview, v.finding),
         jsonb_build_object('populated', v.relispopulated, 'unique_index', v.unique_index, 'threshold', 'populated, with a unique index'), v.suggested_sql
    FROM view v WHERE v.finding IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.matview_findings() IS 'Materialized views whose tables changed beyond the schedule of their refresh, or that REFRESH CONCURRENTLY refuses. Internal.';

CREATE FUNCTION perf_optimizer.index_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.rule, r.severity, coalesce(r.index, r.relation)::text, r.message,
         jsonb_strip_nulls(jsonb_build_object('table', r.relation::text, 'size_bytes', r.size_bytes, 'scans', r.scans,
           'threshold', CASE r.rule WHEN 'unused-index' THEN 'no scan in 7 days' WHEN 'rarely-used-index' THEN 'a tenth of the scans of its table, a scan in ten writes' WHEN 'bloated-index' THEN 'half of it empty, 10 MB'
                                    WHEN 'mostly-null-index' THEN '80 % nulls' WHEN 'boolean-index' THEN 'no boolean as the only key' WHEN 'duplicate-index' THEN 'no index with the same definition'
                                    WHEN 'redundant-index' THEN 'no index whose key begins alike' WHEN 'unindexed-foreign-key' THEN 'an index that begins with the columns' ELSE 'valid' END)),
         r.suggested_sql
    FROM perf_optimizer.index_report() r
$$;
COMMENT ON FUNCTION perf_optimizer.index_findings() IS 'The rows of index_report as findings. Internal.';

/* ---- the server: facts, and what they mean ---- */

CREATE FUNCTION perf_optimizer.session_facts() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE session AS MATERIALIZED (
    SELECT a.pid, a.usename, a.application_name, a.datname, a.state, a.wait_event_type = 'Lock' AS waits, extract(epoch FROM clock_timestamp() - a.xact_start) AS xact_s,
           CASE WHEN a.state LIKE 'idle in transaction%' THEN extract(epoch FROM clock_timestamp() - a.state_change) END AS idle_s
      FROM pg_stat_activity a WHERE a.backend_type = 'client backend' AND a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid()),
  edge AS MATERIALIZED (
    SELECT DISTINCT s.pid, b.pid AS blocker FROM session s CROSS JOIN LATERAL unnest(pg_blocking_pids(s.pid)) b(pid) WHERE s.waits),
  walk(pid, at, chain) AS (
    SELECT e.pid, e.blocker, ARRAY[e.pid, e.blocker] FROM edge e
    UNION ALL
    SELECT w.pid, e.blocker, w.chain || e.blocker FROM walk w JOIN edge e ON e.pid = w.at WHERE e.blocker <> ALL (w.chain) AND cardinality(w.chain) < 20),
  chains AS (
    SELECT DISTINCT ON (w.pid) w.pid, w.chain FROM walk w ORDER BY w.pid, cardinality(w.chain) DESC, w.chain),
  waiting AS (
    SELECT l.pid, max(extract(epoch FROM clock_timestamp() - l.waitstart)) AS wait_s FROM pg_locks l WHERE NOT l.granted GROUP BY 1)
  SELECT coalesce(jsonb_agg(jsonb_build_object('pid', s.pid, 'role', s.usename, 'application', s.application_name, 'database', s.datname, 'state', s.state, 'xact_s', s.xact_s, 'idle_s', s.idle_s,
                                               'wait_s', w.wait_s, 'chain', c.chain) ORDER BY s.pid), '[]')
    FROM session s LEFT JOIN chains c ON c.pid = s.pid LEFT JOIN waiting w ON w.pid = s.pid AND c.pid IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.session_facts() IS 'The sessions inside a transaction: for how many seconds, idle for how many, waiting for a lock for how many, and behind whom (chain: who waits, for whom, and so on). Internal.';

CREATE FUNCTION perf_optimizer.checkpoint_facts(OUT timed bigint, OUT requested bigint, OUT since timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Version 17 moved these counters.
  IF to_regclass('pg_catalog.pg_stat_checkpointer') IS NULL THEN
    EXECUTE 'SELECT b.checkpoints_timed, b.checkpoints_req, b.stats_reset FROM pg_catalog.pg_stat_bgwriter b' INTO timed, requested, since;
  ELSE
    EXECUTE 'SELECT c.num_timed, c.num_requested, c.stats_reset FROM pg_catalog.pg_stat_checkpointer c' INTO timed, requested, since;
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.checkpoint_facts() IS 'How many checkpoints came by time and how many were requested, and since when they are counted. Internal.';

CREATE FUNCTION perf_optimizer.statements_facts() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  statements regclass := perf_optimizer.statements_view('pg_stat_statements');
  info regclass := perf_optimizer.statements_view('pg_stat_statements_info');
  entries bigint;
  evictions bigint;
BEGIN
  IF statements IS NULL THEN
    RETURN NULL;
  END IF;
  -- The function beside the view leaves the texts in their file.
  EXECUTE format('SELECT count(*) FROM %s(false)', statements) INTO entries;
  IF info IS NOT NULL THEN
    EXECUTE format('SELECT i.dealloc FROM %s i', info) INTO evictions;
  END IF;
  RETURN jsonb_build_object('entries', entries, 'max', current_setting('pg_stat_statements.max')::int, 'evictions', evictions);
END
$$;
COMMENT ON FUNCTION perf_optimizer.statements_facts() IS 'How full pg_stat_statements is and how often it evicted; NULL where it is not there. Internal.';

CREATE FUNCTION perf_optimizer.server_facts() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'database', (SELECT to_jsonb(d) - 'datid' FROM pg_stat_database d WHERE d.datname = current_database()),
    'days', (SELECT a.days FROM perf_optimizer.statistics_age() a),
    'connections', (SELECT to_jsonb(c) FROM perf_optimizer.connection_stats() c),
    'sessions', perf_optimizer.session_facts(),
    'replication', (SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') FROM perf_optimizer.replication_stats() r),
    'checkpoints', (SELECT to_jsonb(c) || jsonb_build_object('days', extract(epoch FROM now() - c.since) / 86400) FROM perf_optimizer.checkpoint_facts() c),
    'statements', perf_optimizer.statements_facts(),
    'databases', (SELECT jsonb_agg(jsonb_build_object('name', d.datname, 'xid_age', age(d.datfrozenxid), 'mxid_age', mxid_age(d.datminmxid))) FROM pg_database d),
    'memory_bytes', perf_optimizer.memory_bytes(),
    'settings', (SELECT jsonb_object_agg(s.name, jsonb_build_object('value', s.reset_val, 'unit', s.unit, 'source', s.source)) FROM pg_settings s
                  WHERE s.name IN ('autovacuum', 'track_counts', 'fsync', 'full_page_writes', 'random_page_cost', 'seq_page_cost', 'work_mem', 'hash_mem_multiplier', 'shared_buffers', 'max_wal_size', 'block_size',
                                   'track_io_timing', 'autovacuum_freeze_max_age', 'autovacuum_multixact_freeze_max_age', 'max_connections') OR s.name LIKE 'enable\_%'))
$$;
COMMENT ON FUNCTION perf_optimizer.server_facts() IS 'What server_findings judges: counters of this database, sessions, replication, checkpoints, settings. Internal.';

CREATE FUNCTION perf_optimizer.session_findings(facts jsonb) RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  WITH c AS (
    SELECT * FROM jsonb_to_record(facts->'connections') AS x(max_connections int, total int, idle int, idle_in_transaction int, reserved_connections int, used_ratio float8, mean_session_age_ms float8, suggested_pool_size int)),
  s AS (
    SELECT * FROM jsonb_to_recordset(facts->'sessions') AS x(pid int, role text, application text, database text, state text, xact_s float8, idle_s float8, wait_s float8, chain int[]))
  SELECT 'connections', CASE WHEN c.used_ratio > 0.9 THEN 'high' ELSE 'medium' END, 'server',
         format('%s of %s connections are in use, %s of them idle; a session lasts %s s on average. A pooler in transaction mode would need about %s.', c.total, c.max_connections - c.reserved_connections, c.idle,
                round((c.mean_session_age_ms / 1000)::numeric), c.suggested_pool_size),
         jsonb_build_object('total', c.total, 'idle', c.idle, 'idle_in_transaction', c.idle_in_transaction, 'used_ratio', c.used_ratio, 'mean_session_age_ms', c.mean_session_age_ms, 'threshold', CASE WHEN c.used_ratio > 0.9 THEN 0.9 ELSE 0.8 END), NULL::text
    FROM c WHERE c.used_ratio > 0.8
  UNION ALL
  SELECT 'idle-in-transaction', CASE WHEN s.idle_s > 3600 THEN 'high' ELSE 'medium' END, format('session %s', s.pid),
         format('Session %s of %s%s has been idle inside a transaction for %s minutes: it holds its locks and keeps vacuum from removing rows.', s.pid, s.role, coalesce(' (' || nullif(s.application, '') || ')', ''), floor(s.idle_s / 60)),
         jsonb_build_object('pid', s.pid, 'role', s.role, 'application', s.application, 'database', s.database, 'idle_s', s.idle_s, 'threshold', 300), format('SELECT pg_terminate_backend(%s)', s.pid)
    FROM s WHERE s.idle_s > 300
  UNION ALL
  SELECT 'long-transaction', CASE WHEN s.xact_s > 4 * 3600 THEN 'high' ELSE 'medium' END, format('session %s', s.pid),
         format('The transaction of session %s of %s%s has been running for %s minutes: vacuum removes no row that it may still see.', s.pid, s.role, coalesce(' (' || nullif(s.application, '') || ')', ''), floor(s.xact_s / 60)),
         jsonb_build_object('pid', s.pid, 'role', s.role, 'application', s.application, 'database', s.database, 'xact_s', s.xact_s, 'state', s.state, 'threshold', 1800), format('SELECT pg_cancel_backend(%s)', s.pid)
    FROM s WHERE s.xact_s > 1800 AND (s.idle_s IS NULL OR s.idle_s <= 300)
  UNION ALL
  SELECT 'blocked', CASE WHEN s.wait_s > 300 THEN 'high' WHEN s.wait_s > 30 THEN 'medium' ELSE 'low' END, format('session %s', s.pid),
         format('Session %s of %s has been waiting for a lock for %s s behind %s.', s.pid, s.role, round(s.wait_s::numeric, 1), array_to_string(s.chain[2:], ', which waits for ')),
         jsonb_build_object('pid', s.pid, 'chain', s.chain, 'wait_s', s.wait_s, 'blocker_state', b.state, 'blocker_role', b.role, 'threshold', 1),
         CASE WHEN s.chain[cardinality(s.chain)] > 0 THEN format('SELECT %s(%s)', CASE WHEN b.state LIKE 'idle%' THEN 'pg_terminate_backend' ELSE 'pg_cancel_backend' END, s.chain[cardinality(s.chain)]) END
    FROM s LEFT JOIN s b ON b.pid = s.chain[cardinality(s.chain)] WHERE s.wait_s > 1
$$;
COMMENT ON FUNCTION perf_optimizer.session_findings(jsonb) IS 'Findings about sessions in the facts of server_facts: connections, idle-in-transaction, long-transaction, blocked. Internal.';

CREATE FUNCTION perf_optimizer.replication_findings(facts jsonb) RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
  WITH r AS (
    SELECT * FROM jsonb_to_recordset(facts->'replication') AS x(kind text, name text, state text, sync_state text, lag_bytes bigint, replay_lag_ms float8, retained_bytes bigint))
  SELECT 'replication-lag', CASE WHEN r.replay_lag_ms >= 300000 OR r.lag_bytes >= 10 * 1024 ^ 3 THEN 'high' ELSE 'medium' END, r.name,
         format('%s %s is %s and %s s behind.', initcap(r.kind), r.name, pg_size_pretty(r.lag_bytes), coalesce(round((r.replay_lag_ms / 1000)::numeric, 1)::text, '?')),
         jsonb_build_object('lag_bytes', r.lag_bytes, 'replay_lag_ms', r.replay_lag_ms, 'state', r.state, 'threshold', jsonb_build_object('lag_bytes', 1024 ^ 3, 'replay_lag_ms', 30000)), NULL::text
    FROM r WHERE r.kind IN ('standby', 'upstream') AND (r.replay_lag_ms >= 30000 OR r.lag_bytes >= 1024 ^ 3)
  UNION ALL
  SELECT 'inactive-slot', CASE WHEN r.sync_state = 'lost' OR r.retained_bytes >= 10 * 1024 ^ 3 THEN 'high' WHEN r.retained_bytes >= 1024 ^ 3 THEN 'medium' ELSE 'low' END, r.name,
         CASE WHEN r.sync_state = 'lost' THEN format('The WAL that slot %s needs is gone: its consumer must be built anew.', r.name)
              ELSE format('Nobody reads slot %s, and it keeps %s of WAL.', r.name, pg_size_pretty(r.retained_bytes)) END,
         jsonb_build_object('retained_bytes', r.retained_bytes, 'wal_status', r.sync_state, 'threshold', 16 * 1024 ^ 2), format('SELECT pg_drop_replication_slot(%L)', r.name)
    FROM r WHERE r.kind = 'slot' AND r.state = 'inactive' AND (r.sync_state = 'lost' OR r.retained_bytes >= 16 * 1024 ^ 2)
$$;
COMMENT ON FUNCTION perf_optimizer.replication_findings(jsonb) IS 'Findings about replication in the facts of server_facts: replication-lag, inactive-slot. Internal.';

CREATE FUNCTION perf_optimizer.counter_findings(facts jsonb) RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  WITH d AS (
    SELECT x.*, greatest((facts->>'days')::float8, 1.0 / 24) AS days
      FROM jsonb_to_record(facts->'database') AS x(datname text, blks_hit float8, blks_read float8, xact_commit float8, xact_rollback float8, deadlocks float8, temp_files float8, temp_bytes float8)),
  k AS (
    SELECT * FROM jsonb_to_record(facts->'checkpoints') AS x(timed float8, requested float8, days float8)),
  p AS (
    SELECT * FROM jsonb_to_record(nullif(facts->'statements', 'null')) AS x(entries float8, max float8, evictions float8)),
  o AS (
    SELECT x.*, 0.75 * (facts#>>'{settings,autovacuum_freeze_max_age,value}')::float8 AS xid_at, 0.75 * (facts#>>'{settings,autovacuum_multixact_freeze_max_age,value}')::float8 AS mxid_at
      FROM jsonb_to_recordset(facts->'databases') AS x(name text, xid_age float8, mxid_age float8))
  SELECT 'cache-hit-ratio', 'medium', d.datname, format('%s %% of %s block accesses found their block in shared buffers.', round((100 * d.blks_hit / (d.blks_hit + d.blks_read))::numeric, 1), d.blks_hit + d.blks_read),
         jsonb_build_object('hit_ratio', d.blks_hit / (d.blks_hit + d.blks_read), 'blocks', d.blks_hit + d.blks_read, 'threshold', 0.9), 'SELECT * FROM perf_optimizer.cache_stats() LIMIT 20'
    FROM d WHERE d.blks_hit + d.blks_read >= 100000 AND d.blks_hit < 0.9 * (d.blks_hit + d.blks_read)
  UNION ALL
  SELECT 'temp-files', CASE WHEN d.temp_bytes / d.days >= 100 * 1024 ^ 3 THEN 'medium' ELSE 'low' END, d.datname,
         format('Sorts and hashes wrote %s temporary files, %s a day.', d.temp_files, pg_size_pretty((d.temp_bytes / d.days)::bigint)),
         jsonb_build_object('temp_files', d.temp_files, 'temp_bytes', d.temp_bytes, 'bytes_per_day', d.temp_bytes / d.days, 'threshold', 10 * 1024 ^ 3), 'SELECT * FROM perf_optimizer.slow_queries(order_by => ''temp'')'
    FROM d WHERE d.temp_bytes >= 1024 ^ 3 AND d.temp_bytes / d.days >= 10 * 1024 ^ 3
  UNION ALL
  SELECT 'deadlocks', 'medium', d.datname, format('%s deadlocks, %s a day: transactions lock the same rows in different orders.', d.deadlocks, round((d.deadlocks / d.days)::numeric, 1)),
         jsonb_build_object('deadlocks', d.deadlocks, 'per_day', d.deadlocks / d.days, 'threshold', 1), NULL::text
    FROM d WHERE d.deadlocks >= 5 AND d.deadlocks / d.days >= 1
  UNION ALL
  SELECT 'rollback-ratio', 'low', d.datname, format('%s %% of %s transactions were rolled back.', round((100 * d.xact_rollback / (d.xact_commit + d.xact_rollback))::numeric, 1), d.xact_commit + d.xact_rollback),
         jsonb_build_object('rollbacks', d.xact_rollback, 'commits', d.xact_commit, 'threshold', 0.1), NULL
    FROM d WHERE d.xact_commit + d.xact_rollback >= 1000 AND d.xact_rollback >= 0.1 * (d.xact_commit + d.xact_rollback)
  UNION ALL
  SELECT 'checkpoints-requested', 'medium', 'server', format('%s checkpoints were requested and %s came by time: WAL fills max_wal_size before checkpoint_timeout.', k.requested, k.timed),
         jsonb_build_object('requested', k.requested, 'timed', k.timed, 'threshold', 1), format('ALTER SYSTEM SET max_wal_size = ''%s MB''', 2 * (facts#>>'{settings,max_wal_size,value}')::bigint)
    FROM k WHERE k.requested >= 10 AND k.requested >= k.timed
  UNION ALL
  SELECT 'statements-evicted', 'low', 'pg_stat_statements', format('pg_stat_statements holds %s of %s statements and evicted %s times: figures of rarer ones are lost.', p.entries, p.max, coalesce(p.evictions::text, 'an unknown number of')),
         jsonb_build_object('entries', p.entries, 'max', p.max, 'evictions', p.evictions, 'threshold', 0.9), format('ALTER SYSTEM SET pg_stat_statements.max = %s', 2 * p.max)
    FROM p WHERE p.entries > 0.9 * p.max OR p.evictions > 0
  UNION ALL
  SELECT 'wraparound', CASE WHEN greatest(o.xid_age, o.mxid_age) >= 1e9 THEN 'high' ELSE 'medium' END, o.name,
         format('Database %s was last frozen %s transactions and %s multixacts ago; the server stops at 2 000 000 000.', o.name, o.xid_age, o.mxid_age),
         jsonb_build_object('xid_age', o.xid_age, 'mxid_age', o.mxid_age, 'threshold', jsonb_build_object('xid_age', least(o.xid_at, 1e9), 'mxid_age', least(o.mxid_at, 1e9))), 'VACUUM (FREEZE)'
    FROM o WHERE o.xid_age >= least(o.xid_at, 1e9) OR o.mxid_age >= least(o.mxid_at, 1e9)
$$;
COMMENT ON FUNCTION perf_optimizer.counter_findings(jsonb) IS
'Findings about counters in the facts of server_facts: cache-hit-ratio, temp-files, deadlocks, rollback-ratio, checkpoints-requested, statements-evicted, wraparound of databases. Internal.';

CREATE FUNCTION perf_optimizer.setting_findings(facts jsonb) RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
  WITH s AS (
    SELECT e.key AS name, e.value->>'value' AS value, e.value->>'source' AS source FROM jsonb_each(facts->'settings') e),
  v AS (
    SELECT (facts->>'memory_bytes')::float8 AS memory, (facts#>>'{settings,work_mem,value}')::float8 * 1024 * (facts#>>'{settings,hash_mem_multiplier,value}')::float8 AS work,
           (facts#>>'{settings,shared_buffers,value}')::float8 * (facts#>>'{settings,block_size,value}')::float8 AS buffers, (facts#>>'{settings,max_connections,value}')::int AS sessions,
           (facts#>>'{connections,peak_active}')::int AS peak, (facts#>>'{settings,random_page_cost,value}')::float8 / (facts#>>'{settings,seq_page_cost,value}')::float8 AS cost_ratio,
           (facts#>>'{database,blks_read}')::float8 AS reads, (facts#>>'{database,blk_read_time}')::float8 AS read_ms, (facts#>>'{database,blks_hit}')::float8 AS hits)
  SELECT 'settings', CASE WHEN s.name LIKE 'enable%' THEN 'medium' ELSE 'high' END, s.name,
         format('%s is off: %s.', s.name, CASE s.name WHEN 'fsync' THEN 'a crash can destroy the whole cluster' WHEN 'full_page_writes' THEN 'a crash can leave torn pages' WHEN 'track_counts' THEN 'autovacuum sees nothing'
                                                      WHEN 'autovacuum' THEN 'dead rows stay and statistics age' ELSE 'the planner avoids some plans even where they are best' END),
         jsonb_build_object('value', s.value, 'source', s.source, 'threshold', 'on'), format('ALTER SYSTEM SET %I = on', s.name)
    FROM s WHERE s.value = 'off' AND (s.name IN ('fsync', 'full_page_writes', 'track_counts', 'autovacuum')
                                      -- The server's own defaults of some of these are off.
                                      OR s.name LIKE 'enable\_%' AND s.source IN ('configuration file', 'command line', 'database', 'environment variable'))
  UNION ALL
  SELECT 'settings', 'low', 'random_page_cost', format('A block read took %s ms on average over %s reads, as on an SSD or from the system''s cache, but random_page_cost is %s times seq_page_cost.', round((v.read_ms / v.reads)::numeric, 3), v.reads, v.cost_ratio),
         jsonb_build_object('mean_read_ms', v.read_ms / v.reads, 'reads', v.reads, 'cost_ratio', v.cost_ratio, 'threshold', 0.3), 'ALTER SYSTEM SET random_page_cost = 1.1'
    FROM v WHERE v.reads >= 100000 AND v.read_ms > 0 AND v.read_ms / v.reads <= 0.3 AND v.cost_ratio >= 3
  UNION ALL
  SELECT 'settings', CASE WHEN v.buffers + v.peak * v.work > v.memory THEN 'medium' ELSE 'low' END, 'work_mem',
         format('shared_buffers and one hash of work_mem * hash_mem_multiplier in each of %s sessions are %s, of %s that the server has; %s sessions were active at a time.', v.sessions, pg_size_pretty((v.buffers + v.sessions * v.work)::bigint),
                pg_size_pretty(v.memory::bigint), v.peak),
         jsonb_build_object('shared_buffers_bytes', v.buffers, 'work_bytes', v.work, 'max_connections', v.sessions, 'peak_active', v.peak, 'threshold', v.memory),
         format('ALTER SYSTEM SET work_mem = ''%s kB''', greatest(floor((v.memory - v.buffers) / v.sessions / ((facts#>>'{settings,hash_mem_multiplier,value}')::float8) / 1024), 64))
    FROM v WHERE v.buffers + v.sessions * v.work > v.memory
  UNION ALL
  SELECT 'settings', 'low', 'shared_buffers', format('shared_buffers is %s of %s that the server has, and %s %% of the block accesses did not find their block in it.', pg_size_pretty(v.buffers::bigint), pg_size_pretty(v.memory::bigint),
                                                    round((100 * v.reads / (v.hits + v.reads))::numeric)),
         jsonb_build_object('shared_buffers_bytes', v.buffers, 'memory_bytes', v.memory, 'hit_ratio', v.hits / (v.hits + v.reads), 'threshold', 0.1 * v.memory), format('ALTER SYSTEM SET shared_buffers = ''%s MB''', floor(v.memory / 4 / 1024 ^ 2))
    FROM v WHERE v.buffers < 0.1 * v.memory AND v.hits + v.reads >= 100000 AND v.hits < 0.9 * (v.hits + v.reads)
$$;
COMMENT ON FUNCTION perf_optimizer.setting_findings(jsonb) IS 'Findings about settings in the facts of server_facts, each with what was measured. Internal.';

CREATE FUNCTION perf_optimizer.database_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
  WITH facts AS MATERIALIZED (SELECT perf_optimizer.server_facts() AS f),
  found AS (
    SELECT * FROM perf_optimizer.index_findings()
    UNION ALL SELECT * FROM perf_optimizer.upkeep_findings()
    UNION ALL SELECT * FROM perf_optimizer.table_findings()
    UNION ALL SELECT * FROM perf_optimizer.sequence_findings()
    UNION ALL SELECT * FROM perf_optimizer.matview_findings()
    UNION ALL SELECT s.* FROM facts CROSS JOIN LATERAL perf_optimizer.session_findings(f) s
    UNION ALL SELECT s.* FROM facts CROSS JOIN LATERAL perf_optimizer.replication_findings(f) s
    UNION ALL SELECT s.* FROM facts CROSS JOIN LATERAL perf_optimizer.counter_findings(f) s
    UNION ALL SELECT s.* FROM facts CROSS JOIN LATERAL perf_optimizer.setting_findings(f) s)
  SELECT f.rule, f.severity, f.object, f.message, f.evidence, f.suggested_sql
    FROM found f ORDER BY array_position(ARRAY['high', 'medium', 'low', 'info'], f.severity), f.rule COLLATE "C", f.object COLLATE "C", f.message COLLATE "C"
$$;
COMMENT ON FUNCTION perf_optimizer.database_findings() IS
'What is wrong with this database and its server, most severe first: indexes and foreign keys (as index_report), tables, sequences, materialized views, sessions, replication, counters and settings. severity: high, medium, low or info; object: what it concerns; evidence: the figures with the threshold that they passed; suggested_sql: the statement that helps, NULL where none does. Members of pg_monitor see everything; others what they may know.';
